"""A full scan of this machine as root: CPU, memory and checks answered, for xspm, OpenSCAP and Lynis in turn.

Needs Debian's `openscap-scanner`, `ssg-debian` and `lynis` (`apt-get install` them); a peer that is missing is left out. Debian 12 ships content for
Debian 11, whose platform test would answer "not applicable" to everything: a copy of it that takes both is used. Answered means pass or fail. All
three walk the file systems of this machine, so the figures grow with what lies on it.
"""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import msgspec

from measuring import XSPM, Cost, alternate

CONTENT = Path("/usr/share/xml/scap/ssg/content/ssg-debian11-ds.xml")
PROFILE = "xccdf_org.ssgproject.content_profile_anssi_np_nt28_high"


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    with tempfile.TemporaryDirectory() as folder:
        commands = {"xspm": [str(XSPM), "scan", "host", "--fail-on", "never", "-o", "json"]}
        if shutil.which("oscap") and CONTENT.exists():
            widened = Path(folder, "content.xml")
            widened.write_text(CONTENT.read_text().replace("^11.[0-9]+$", "^(11|12)\\.[0-9]+$"))
            commands["oscap"] = ["oscap", "xccdf", "eval", "--profile", PROFILE, str(widened)]
        if shutil.which("lynis"):
            commands["lynis"] = ["lynis", "audit", "system", "--quick", "--no-colors"]
        costs = alternate(commands, rounds)
    print(f"{'tool':<8}{'wall s':>8}{'CPU s':>8}{'MB':>7}{'answered':>10}{'CPU of xspm':>14}")
    for name, cost in costs.items():
        print(
            f"{name:<8}{cost.wall:>8.2f}{cost.cpu:>8.2f}{cost.memory:>7.0f}{_answered(name, cost):>10}"
            f"{cost.cpu / costs['xspm'].cpu:>12.1f} x"
        )


def _answered(name: str, cost: Cost) -> int:
    text = cost.output.decode(errors="replace")
    if name == "oscap":
        return len(re.findall(r"^Result\s+(pass|fail)$", text, re.MULTILINE))
    if name == "lynis":
        found = re.search(r"Tests performed\s*:\s*(\d+)", text)
        return int(found[1]) if found else 0
    report: Any = msgspec.json.decode(cost.output)
    verdicts = [verdict for assessment in report["assessments"] for verdict in assessment["verdicts"]]
    return len({verdict["check"] for verdict in verdicts if verdict["status"] in {"pass", "fail"}})


if __name__ == "__main__":
    main()
