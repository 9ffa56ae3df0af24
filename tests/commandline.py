"""Running the command line as a person does, and what every refusal must look like."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import tempfile
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from xspm.cli import run

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples" / "kubernetes"

POD = """\
apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {containers: [{name: web, image: "registry.example.com/web:1"}]}
"""

ACTS = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Unicode categories of what moves a cursor, breaks a line or reorders what is read."""

NOBODY = 65534

PATIENCE = 60
"""Seconds after which a command hangs."""


class Outcome(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


def call(capsys: pytest.CaptureFixture[str], *arguments: str) -> Outcome:
    """Run a command line in this process."""
    capsys.readouterr()
    code = run(arguments)
    return Outcome(code, *capsys.readouterr())


def command(*arguments: str) -> list[str]:
    """The argument vector of xspm in a process of its own."""
    return [sys.executable, "-m", "xspm", *arguments]


def spawn(arguments: Sequence[str], *, stdin: bytes | None = None, cwd: Path | None = None) -> Outcome:
    """Run an argument vector in a process of its own."""
    done = subprocess.run(
        arguments,
        input=stdin,
        stdin=subprocess.DEVNULL if stdin is None else None,
        capture_output=True,
        timeout=PATIENCE,
        cwd=cwd,
        check=False,
    )
    return Outcome(done.returncode, done.stdout.decode(), done.stderr.decode())


def call_as_nobody(*arguments: str) -> Outcome:
    """Run a command line in a child of this process that is an ordinary user; only root can do that."""
    if not all(folder.stat().st_mode & 0o001 for folder in (ROOT, *ROOT.parents)):
        pytest.skip("the checkout lies where an ordinary user may not look")
    here = Path.cwd()
    for path in (here, *here.parents):
        if path.stat().st_uid == os.geteuid():
            path.chmod(path.stat().st_mode | 0o011)
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        child = os.fork()
        if child == 0:  # pragma: no cover - coverage does not follow
            code = 3
            try:
                os.setgroups([])
                os.setgid(NOBODY)
                os.setuid(NOBODY)
                sys.stdout, sys.stderr = out, err
                code = run(arguments)
                out.flush()
                err.flush()
            finally:
                os._exit(code)
        _, status = os.waitpid(child, 0)
        out.seek(0)
        err.seek(0)
        return Outcome(os.waitstatus_to_exitcode(status), out.read(), err.read())


def acting(text: str) -> list[str]:
    """Characters of a plain text that a terminal would obey."""
    return [character for character in text if character != "\n" and unicodedata.category(character) in ACTS]


def listing(folder: Path) -> dict[str, tuple[int, int]]:
    """Everything below a folder with its mode and size, links not followed."""
    found = {}
    for parent, folders, names in os.walk(folder):
        for name in (*folders, *names):
            path = Path(parent, name)
            with contextlib.suppress(OSError):
                status = path.lstat()
                found[str(path)] = (status.st_mode, status.st_size)
    return found


def assert_refused(outcome: Outcome, complaint: str, *, code: int = 2) -> None:
    """One clear line on standard error, hints and carets below it, nothing else."""
    lines = outcome.err.splitlines()
    assert outcome.code == code, outcome
    assert outcome.out == ""
    assert lines, "nothing says why"
    assert lines[0].startswith("xspm: ")
    assert complaint in lines[0]
    assert [line for line in lines[1:] if not line.startswith("  ")] == []
    assert_calm(outcome)


def assert_calm(outcome: Outcome) -> None:
    """No traceback, no defect shown as one, nothing that acts on a terminal."""
    both = outcome.out + outcome.err
    assert "Traceback" not in both
    assert "internal error" not in both
    assert "broke: " not in both
    assert re.search(r"could not be read: \w+Error", outcome.out) is None
    assert acting(both) == []
