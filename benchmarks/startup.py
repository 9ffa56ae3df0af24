"""Start-up: `xspm --version` and the scan of one manifest, as multiples of `python -c pass`. Prints medians and ratios."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from measuring import XSPM, alternate, run

MANIFEST = """\
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
    - {name: web, image: "nginx:1.27", securityContext: {privileged: true}}
"""


def main() -> None:
    # What is installed has its byte code; the first run below writes it where it is missing.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "pod.yaml")
        path.write_text(MANIFEST)
        scan = [str(XSPM), "scan", str(path)]
        run(scan)
        commands = {
            "python -c pass": [sys.executable, "-c", "pass"],
            "xspm --version": [str(XSPM), "--version"],
            "xspm scan pod.yaml": scan,
        }
        costs = alternate(commands, rounds=25)
    base = costs["python -c pass"]
    print(f"{'command':<22}{'wall ms':>9}{'CPU ms':>9}{'x wall':>9}{'x CPU':>9}")
    for name, cost in costs.items():
        print(
            f"{name:<22}{cost.wall * 1000:>9.1f}{cost.cpu * 1000:>9.1f}{cost.wall / base.wall:>9.2f}{cost.cpu / base.cpu:>9.2f}"
        )


if __name__ == "__main__":
    main()
