"""What a report format is, the table of those that exist, and how a report reaches its file.

A user names a format (`json=report.json`) or only a path, whose suffix then says which (`report.sarif`). The table
names modules, not objects, so that a run imports only the formats it writes. A report is rendered whole, or in parts
where it is as long as the evidence, written beside its target and renamed over it: whoever looks at the path sees the
old report or the new one, never half of one.
"""

from __future__ import annotations

import contextlib
import errno
import importlib
import os
import stat
import time
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias, runtime_checkable

import msgspec

from xspm.errors import ReportError
from xspm.report.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import BinaryIO

    from xspm.model.verdict import Run

STANDARD_OUTPUT: Final = "-"
"""The path that means standard output."""

_SLICE: Final = 1 << 20
"""Characters that are encoded at once."""

PATIENCE: Final = 5.0
"""Seconds to wait for somebody to read a pipe."""


@runtime_checkable
class Format(Protocol):
    """One way to write a run down. Every module named in `TABLE` has one as `FORMAT`."""

    name: str
    """As in the table."""
    suffixes: tuple[str, ...]
    """As in `SUFFIXES`."""

    def render(self, run: Run) -> str:
        """Return the whole report; the same run gives the same text. Linear in the number of verdicts."""


@runtime_checkable
class InParts(Protocol):
    """A format that need not hold the whole report in memory."""

    def parts(self, run: Run) -> Iterator[str]:
        """Return the text of `render` in parts, made as they are asked for; what can fail has been done by then."""


Text: TypeAlias = "str | Iterable[str]"
"""A report: whole, or its parts in order, to be gone through once."""


TABLE: Final[Mapping[str, str]] = {
    "terminal": "xspm.report.terminal",
    "json": "xspm.report.json",
    "sarif": "xspm.report.sarif",
    "junit": "xspm.report.junit",
    "markdown": "xspm.report.markdown",
    "csv": "xspm.report.csv",
    "html": "xspm.report.html",
}
"""Name to module."""

SUFFIXES: Final[Mapping[str, str]] = {
    ".sarif.json": "sarif",
    ".sarif": "sarif",
    ".json": "json",
    ".xml": "junit",
    ".md": "markdown",
    ".markdown": "markdown",
    ".csv": "csv",
    ".html": "html",
    ".htm": "html",
    ".txt": "terminal",
}
"""Suffix to name, the longest of several first: the format of a path is known without importing any."""

ALIASES: Final[Mapping[str, str]] = {"md": "markdown", "text": "terminal", "txt": "terminal"}
"""Other names that people type."""


class Output(msgspec.Struct, frozen=True):
    """A report that a user asked for."""

    format: str
    """A name in `TABLE`."""
    path: str
    """Where it goes; `-` is standard output."""


def load(name: str) -> Format:
    """Import one format by its name in the table, or an alias of it.

    Raises:
        ReportError: there is no such format.
    """
    known = ALIASES.get(name, name)
    if known not in TABLE:
        raise ReportError(f"there is no report format {clean(name)!r}", hint=f"the formats are {', '.join(TABLE)}")
    format_ = importlib.import_module(TABLE[known]).FORMAT
    assert isinstance(format_, Format)  # noqa: S101 - a broken table is a defect of xspm, shown by the contract tests
    return format_


def rendered(name: str, run: Run) -> Text:
    """Return a run as a format writes it, in parts if it can.

    Raises:
        ReportError: there is no such format.
    """
    format_ = load(name)
    return format_.parts(run) if isinstance(format_, InParts) else format_.render(run)


def format_for(path: str) -> str:
    """Return the name of the format that a path's suffix stands for.

    Raises:
        ReportError: the suffix stands for none.
    """
    lowered = path.lower()
    for suffix, name in SUFFIXES.items():
        if lowered.endswith(suffix):
            return name
    raise ReportError(
        f"{clean(path)}: the suffix names no report format",
        hint=f"write FORMAT=PATH; the formats are {', '.join(TABLE)}",
    )


def parse_output(text: str) -> Output:
    """Read `FORMAT=PATH`, `FORMAT:PATH`, `PATH` (by its suffix) or `FORMAT` (to standard output).

    Raises:
        ReportError: neither a format nor a suffix is known, or the path is empty.
    """
    for separator in "=:":
        name, found, path = text.partition(separator)
        known = ALIASES.get(name.lower(), name.lower())
        if found and known in TABLE:
            if not path:
                raise ReportError(f"{clean(text)}: the path is missing", hint="`-` is standard output")
            return Output(known, path)
    known = ALIASES.get(text.lower(), text.lower())
    return Output(known, STANDARD_OUTPUT) if known in TABLE else Output(format_for(text), text)


def refuse_unwritable(path: str) -> None:
    """Find out, without writing, what keeps a report from its path.

    Raises:
        ReportError: the folder is missing or may not be written to, or the path is a folder.
    """
    with _blamed(path):
        target, mode = _target(path)
        if mode is not None and stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if mode is None or stat.S_ISREG(mode):
            folder = os.path.dirname(target)  # noqa: PTH120 - pathlib costs start-up and adds nothing here
            os.stat(folder)  # noqa: PTH116 - says why it is not there
            if not os.access(folder, os.W_OK | os.X_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        elif not os.access(target, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def write(path: str, text: Text) -> None:
    """Write one report; see `write_all`."""
    write_all({path: text})


def write_all(reports: Mapping[str, Text]) -> None:
    """Write reports, by path: every one whole, or no file at all.

    A regular file, or one that does not exist yet, is replaced by a rename once all are written beside their targets;
    its permissions stay. What cannot be replaced (a pipe, a device) is written to directly.

    Raises:
        ReportError: one could not be written; what was at the paths is still there.
    """
    drafts: dict[str, str] = {}
    try:
        direct: dict[str, Text] = {}
        for path, text in reports.items():
            with _blamed(path):
                target, mode = _target(path)
                if mode is None or stat.S_ISREG(mode):
                    drafts[_draft(target, text, mode)] = target
                else:
                    direct[target] = text
        for target, text in direct.items():
            with _blamed(target), _open(target) as stream:
                _write(stream, text)
        for draft, target in list(drafts.items()):
            with _blamed(target):
                os.replace(draft, target)  # noqa: PTH105 - as above
            del drafts[draft]
    finally:
        for draft in drafts:
            os.unlink(draft)  # noqa: PTH108 - as above


@contextlib.contextmanager
def _blamed(path: str) -> Iterator[None]:
    """Say of which report what goes wrong inside is the fault."""
    try:
        yield
    except (OSError, ValueError) as error:
        why = (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
        raise ReportError(f"the report could not be written: {why}", file=clean(path)) from error


def _target(path: str) -> tuple[str, int | None]:
    """Return where a report goes in the end, and the mode of what is there; None when nothing is.

    What is no regular file keeps its path: an open pipe (`/dev/fd/63`) is a link to a name that nothing has.
    """
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116 - as above
    except FileNotFoundError:
        return os.path.realpath(path), None
    return os.path.realpath(path) if stat.S_ISREG(mode) else path, mode


def _open(path: str) -> BinaryIO:
    """Open a pipe or device; a pipe that nobody reads is waited for a little, never for ever."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            handle = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
            if time.monotonic() > deadline:
                raise BrokenPipeError(errno.EPIPE, "nobody reads the pipe") from error
            time.sleep(0.02)
        else:
            os.set_blocking(handle, True)
            return os.fdopen(handle, "wb")


def _write(stream: BinaryIO, text: Text) -> None:
    """Write a text in slices, so that its bytes never stand in memory beside it as a whole."""
    parts = _slices(text) if isinstance(text, str) else text
    stream.writelines(part.encode("utf-8", "backslashreplace") for part in parts)


def _slices(text: str) -> Iterator[str]:
    return (text[start : start + _SLICE] for start in range(0, len(text), _SLICE))


def _draft(target: str, text: Text, mode: int | None) -> str:
    """Write a file beside its target and return its path."""
    folder, name = os.path.split(target)
    # The name is cut because the whole may not pass 255 bytes; O_EXCL refuses a link planted under it.
    draft = os.path.join(folder, f".{name[:40]}.{os.getpid()}.{os.urandom(4).hex()}.tmp")  # noqa: PTH118 - as above
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    done = False
    try:
        with os.fdopen(handle, "wb") as stream:
            if mode is not None:
                os.fchmod(handle, stat.S_IMODE(mode))
            _write(stream, text)
            stream.flush()
            os.fsync(handle)
        done = True
    finally:
        if not done:
            os.unlink(draft)  # noqa: PTH108 - as above
    return draft
