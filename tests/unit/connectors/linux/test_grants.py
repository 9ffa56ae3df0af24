"""The rights that a Linux host's owner hands out are what the collector uses, and no more."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from xspm.connectors.linux.capture import Capture, CaptureSource
from xspm.connectors.linux.collecting import needs, snapshot
from xspm.connectors.linux.grants import PROGRAM, grants
from xspm.connectors.linux.script import WALK_RUNS, commands_of, make, make_program

if TYPE_CHECKING:
    from pathlib import Path

BOUNDARY = "0123456789abcdef" * 3
FIRST_LINE = f"{BOUNDARY}\n".encode()
SHELLS = [shell for shell in (["dash"], ["bash", "--posix"], ["busybox", "sh"]) if shutil.which(shell[0])]
GRANTS = {grant.form: grant for grant in grants()}
WALKED = "  for p in $starts; do\n"
"""Where the program starts to walk."""
TOOLS = {
    "awk",
    "busybox",
    "dash",
    "env",
    "find",
    "head",
    "id",
    "readlink",
    "sed",
    "mawk",
    "gawk",
    "sh",
    "sort",
    "stat",
    "timeout",
    "tr",
    "true",
    "uname",
}
"""What the script itself runs besides the commands that it is granted."""


def test_the_program_brings_what_the_script_brings() -> None:
    sent, _ = make(needs(), BOUNDARY)
    kept = make_program(needs())
    assert kept.startswith("#!/bin/sh\n")
    assert BOUNDARY not in kept
    assert kept.partition("main() {")[2] == sent.partition("main() {")[2]


@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
def test_the_program_runs_in_every_shell(shell: list[str], tmp_path: Path) -> None:
    program = tmp_path / "collect"
    program.write_text(make_program(needs()))
    done = subprocess.run([*shell, str(program)], input=FIRST_LINE, capture_output=True, check=True)
    held = Capture(needs())
    held.read(done.stdout, BOUNDARY, commands_of(needs()))
    found = snapshot(CaptureSource(held), lambda _text: None, fallback="here", identity="here")
    assert {"linux.os", "linux.user", "linux.mount"} <= {resource.type for resource in found.resources}


@pytest.mark.parametrize(
    ("arguments", "first"),
    [
        ([], b""),
        ([], b"short\n"),
        ([], BOUNDARY.encode()),
        ([], FIRST_LINE[1:]),
        ([], b"0" + FIRST_LINE),
        ([], b"$(id)\n"),
        ([], FIRST_LINE[:-2] + b"X\n"),
        ([BOUNDARY], FIRST_LINE),
        ([""], FIRST_LINE),
        (["-s"], FIRST_LINE),
    ],
)
def test_the_program_takes_one_line_and_nothing_else(arguments: list[str], first: bytes, tmp_path: Path) -> None:
    program = tmp_path / "collect"
    program.write_text(make_program(needs()))
    done = subprocess.run(["/bin/sh", str(program), *arguments], input=first, capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (64, b"")


def test_sudo_allows_the_very_bytes() -> None:
    digest = hashlib.sha256(GRANTS["script"].content.encode()).hexdigest()
    assert GRANTS["sudoers"].content.splitlines()[0] == f'xspm ALL=(root) NOPASSWD: sha256:{digest} {PROGRAM} ""'


@pytest.mark.skipif(shutil.which("visudo") is None, reason="no visudo here")
def test_sudo_understands_the_line(tmp_path: Path) -> None:
    path = tmp_path / "sudoers"
    path.write_text(GRANTS["sudoers"].content)
    done = subprocess.run(["visudo", "-c", "-f", str(path)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_what_is_granted_is_what_the_services_declare() -> None:
    script = GRANTS["script"].content
    ran = re.findall(r"^run \d+ (.+)$", script, re.MULTILINE)
    assert sorted({*ran, *WALK_RUNS}) == GRANTS["runs"].content.splitlines()
    for command in WALK_RUNS:
        assert f"{command.removesuffix(' PATH...')} " in script
    assert not re.search(
        r"(^|[;&|] *)(rm|mv|cp|tee|dd|chmod|chown|ln|mkdir|touch|kill|systemctl (start|stop))\b", script
    )
    written = set(re.findall(r"[0-9]?>+ *([^ ;&)\n]+)", script)) - {"/dev/null"}
    assert {target for target in written if target.startswith("/")} == set()


@pytest.mark.skipif(shutil.which("strace") is None, reason="no strace here")
def test_no_call_changes_anything(tmp_path: Path) -> None:
    """The kernel's own account of what the program and all it starts ask for.

    Without most of the walk, which starts the same programs for every hundred files: it walks one folder.
    """
    program, trace, folder = tmp_path / "collect", tmp_path / "trace", tmp_path / "folder"
    folder.mkdir()
    shutil.copy("/bin/true", folder / "setuid")
    (folder / "setuid").chmod(0o4755)
    (folder / "line\nbreak").touch(mode=0o777)
    (folder / "line\nbreak").chmod(0o777)
    whole = make_program(needs())
    assert whole.count(WALKED) == 1
    program.write_text(whole.replace(WALKED, f"starts='{folder}'\n{WALKED}"))
    calls = "execve,openat,open,creat,unlink,unlinkat,rename,renameat2,mkdir,mkdirat,chmod,fchmodat,fchownat,mount,kill"
    told = ["-f", "--seccomp-bpf", "-qq", "-o", str(trace), "-e", f"trace={calls}"]
    subprocess.run(["strace", *told, "/bin/sh", str(program)], input=FIRST_LINE, stdout=subprocess.DEVNULL, check=True)
    lines = trace.read_text().splitlines()
    granted = {command.split()[0] for command in GRANTS["runs"].content.splitlines()}
    started = {match[1] for line in lines if (match := re.search(r'execve\("[^"]*?([^/"]+)"', line))}
    assert started - granted - TOOLS - {"strace"} == set()
    assert "find" in started
    for line in lines:
        if " = -1 " in line or "execve" in line or "+++" in line or "---" in line:
            continue
        changing = re.search(
            r"O_(WRONLY|RDWR|CREAT|TRUNC|APPEND)|^\d+ +(unlink|rename|mkdir|chmod|fchmod|fchown|mount)", line
        )
        assert changing is None or '"/dev/' in line, line
