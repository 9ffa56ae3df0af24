"""This machine: files are read directly, and a few fixed commands are run without a shell."""

from __future__ import annotations

import os
import selectors
import shutil
import subprocess
import time
from functools import cached_property
from typing import TYPE_CHECKING, Final

from xspm.connectors.linux.local import LocalFiles
from xspm.connectors.linux.transport import COMMAND_LIMIT, COMMAND_TIMEOUT_SECONDS, Output, decode
from xspm.connectors.linux.walk import parse_mountinfo, walkable
from xspm.model.unknown import Maybe, Unknown

if TYPE_CHECKING:
    from collections.abc import Mapping

PATH: Final = "/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin"
"""Where commands are looked for, whatever the user's own PATH says."""


class HostSource(LocalFiles):
    """Reads the machine xspm runs on."""

    live = True

    def __init__(self) -> None:
        self.root = os.geteuid() == 0
        self._outputs: dict[tuple[str, ...], Maybe[Output | None]] = {}

    def run(self, *argv: str) -> Maybe[Output | None]:
        """See `Source.run`; a command that was run before is not run again."""
        if argv not in self._outputs:
            self._outputs[argv] = _run(argv)
        return self._outputs[argv]

    def mounts(self) -> Mapping[str, bool]:
        """Tell the walk which mount points to enter, by this process' own mountinfo."""
        return self._mounts

    @cached_property
    def _mounts(self) -> Mapping[str, bool]:
        text = self.text("/proc/self/mountinfo")
        return walkable(parse_mountinfo(text)) if isinstance(text, str) else {}


def _run(argv: tuple[str, ...]) -> Maybe[Output | None]:
    """Run a command to its end, with capped output and time."""
    program = shutil.which(argv[0], path=PATH)
    if program is None:
        return None
    try:
        process = subprocess.Popen(
            argv,
            executable=program,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={"PATH": PATH, "LC_ALL": "C", "LANG": "C", "HOME": "/", "TZ": "UTC"},
            cwd="/",
            start_new_session=True,
        )
    except OSError as error:
        return Unknown(f"cannot run {argv[0]}: {(error.strerror or str(error)).lower()}")
    with process:
        answer = _outputs(process, " ".join(argv))
        if isinstance(answer, Unknown):
            process.kill()
            return answer
        return Output(process.wait(), *answer)


def _outputs(process: subprocess.Popen[bytes], command: str) -> Maybe[tuple[str, str]]:
    """Read both streams to their ends."""
    deadline = time.monotonic() + COMMAND_TIMEOUT_SECONDS
    chunks: dict[int, list[bytes]] = {}
    size = 0
    with selectors.DefaultSelector() as selector:
        for stream in (process.stdout, process.stderr):
            assert stream is not None  # noqa: S101 - both were asked for
            chunks[stream.fileno()] = []
            selector.register(stream.fileno(), selectors.EVENT_READ)
        while selector.get_map():
            ready = selector.select(deadline - time.monotonic())
            if not ready:
                return Unknown(f"no answer in {COMMAND_TIMEOUT_SECONDS:.0f} s: {command}", cause="timeout")
            for key, _ in ready:
                data = os.read(key.fd, 1 << 16)
                if not data:
                    selector.unregister(key.fd)
                chunks[key.fd].append(data)
                size += len(data)
            if size > COMMAND_LIMIT:
                return Unknown(f"more than {COMMAND_LIMIT} bytes of output: {command}", cause="limit")
    stdout, stderr = (decode(b"".join(parts)) for parts in chunks.values())
    return stdout, stderr
