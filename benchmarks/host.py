"""A full scan of this machine as root: CPU, memory and checks, for xspm, OpenSCAP and Lynis in turn.

`benchmarks/host.py [ROUNDS [DIR]]`. Needs Debian's `openscap-scanner`, `ssg-debian` and `lynis`; a peer that is missing
is left out. Debian 12 ships content for Debian 11, whose platform test would answer "not applicable" to everything: a
copy of it that takes both is used. xspm looks at every entry of the local file systems, and so grows with what lies
there; no rule of OpenSCAP's profile does. `oscap+` is that profile and the content's own rule about world-writable
folders, the cheaper of its two that walk: it looks at folders only. With DIR, a root file system made by
`debootstrap --include=python3,openscap-scanner,ssg-debian,lynis bookworm DIR`, all run inside it, which is a machine
without years of builds on it.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import msgspec

from measuring import XSPM, Cost, alternate, run

CONTENT = Path("/usr/share/xml/scap/ssg/content/ssg-debian11-ds.xml")
PROFILE = "xccdf_org.ssgproject.content_profile_anssi_np_nt28_high"
WALKING = "xccdf_org.ssgproject.content_rule_dir_perms_world_writable_sticky_bits"
SELECT = "<xccdf-1.2:select "


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    root = sys.argv[2] if len(sys.argv) > 2 else ""
    inside = ["chroot", root] if root else []
    xspm = [*inside, "env", "PYTHONPATH=/opt/xspm", "python3", "-m", "xspm"] if root else [str(XSPM)]
    if root:
        _install(root)
    with tempfile.TemporaryDirectory() as folder:
        commands = {"xspm": [*xspm, "scan", "host", "--fail-on", "never", "-o", "json"]}
        if Path(f"{root}/usr/bin/oscap").exists() and Path(f"{root}{CONTENT}").exists():
            content = Path(f"{root}{CONTENT}").read_text().replace("^11.[0-9]+$", "^(11|12)\\.[0-9]+$")
            for name, text in {"oscap": content, "oscap+": _walking(content)}.items():
                widened = Path(f"{root}/opt/xspm" if root else folder, f"{name}.xml")
                widened.write_text(text)
                seen = str(widened).removeprefix(root)
                commands[name] = [*inside, "oscap", "xccdf", "eval", "--profile", PROFILE, seen]
        if Path(f"{root}/usr/sbin/lynis").exists():
            commands["lynis"] = [*inside, "lynis", "audit", "system", "--quick", "--no-colors"]
        run(commands["xspm"])
        costs = alternate(commands, rounds)
    print(f"{'tool':<8}{'wall s':>8}{'CPU s':>8}{'MB':>7}{'ran':>6}{'decided':>9}{'CPU of xspm':>14}")
    for name, cost in costs.items():
        ran, decided = _checks(name, cost)
        print(
            f"{name:<8}{cost.wall:>8.2f}{cost.cpu:>8.2f}{cost.memory:>7.0f}{ran:>6}{decided:>9}"
            f"{cost.cpu / costs['xspm'].cpu:>12.1f} x"
        )


def _install(root: str) -> None:
    """Put xspm and what it needs into a root file system whose Python is of the same version as this one."""
    checkout = str(Path(__file__).parent.parent)
    pip = [sys.executable, "-m", "pip", "--quiet", "install", "--upgrade", "--target", f"{root}/opt/xspm", checkout]
    subprocess.run(pip, check=True)


def _walking(content: str) -> str:
    """Select one rule that walks the file systems into the profile."""
    # A blank between two elements, or this OpenSCAP passes over the second.
    head, profile, tail = content.partition(f'Profile id="{PROFILE}"')
    return head + profile + tail.replace(SELECT, f'{SELECT}idref="{WALKING}" selected="true"/>\n{SELECT}', 1)


def _checks(name: str, cost: Cost) -> tuple[str, str]:
    """How many checks ran, and how many of them ended in pass or fail; Lynis tells only the first."""
    text = cost.output.decode(errors="replace")
    if name.startswith("oscap"):
        results = re.findall(r"^Result\s+(\w+)$", text, re.MULTILINE)
        return str(len(results)), str(sum(result in {"pass", "fail"} for result in results))
    if name == "lynis":
        found = re.search(r"Tests performed\s*:\s*(\d+)", text)
        return (found[1] if found else "?"), ""
    report: Any = msgspec.json.decode(cost.output)
    verdicts = [verdict for assessment in report["assessments"] for verdict in assessment["verdicts"]]
    decided = {verdict["check"] for verdict in verdicts if verdict["status"] in {"pass", "fail"}}
    return str(len({verdict["check"] for verdict in verdicts})), str(len(decided))


if __name__ == "__main__":
    main()
