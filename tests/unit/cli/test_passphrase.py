"""A passphrase that is typed is never seen: a real terminal, another process."""

from __future__ import annotations

import os
import pty
import select
import time
from typing import TYPE_CHECKING

from commandline import PATIENCE, command

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "correct horse battery"


def test_what_is_typed_is_not_echoed(tmp_path: Path) -> None:
    path = tmp_path / "k"
    child, terminal = pty.fork()
    if child == 0:  # pragma: no cover - coverage does not follow
        os.execv(command()[0], command("key", "new", str(path)))  # noqa: S606 - xspm itself
    seen, answered, deadline = b"", 0, time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if not select.select([terminal], [], [], 1)[0]:
            continue
        try:
            part = os.read(terminal, 4096)
        except OSError:
            break
        if not part:
            break
        seen += part
        if seen.count(b": ", 0) > answered and seen.endswith(b": ") and answered < 2:
            answered += 1
            os.write(terminal, SECRET.encode() + b"\n")
    _, status = os.waitpid(child, 0)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 0, seen
    assert answered == 2
    assert SECRET.encode() not in seen
    assert b"passphrase for " in seen
    assert b"ENCRYPTED" in path.read_bytes()
