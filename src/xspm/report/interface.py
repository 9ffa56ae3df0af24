"""What a report format is, the table of those that exist, and how a report reaches its file.

A user names a format (`json=report.json`) or only a path, whose suffix then says which (`report.sarif`). The table
names modules, not objects, so that a run imports only the formats it writes. A report is rendered whole, written
beside its target and renamed over it: whoever looks at the path sees the old report or the new one, never half of one.
"""

from __future__ import annotations

import importlib
import os
import stat
from typing import TYPE_CHECKING, Final, Protocol, runtime_checkable

import msgspec

from xspm.errors import ReportError
from xspm.report.text import clean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from xspm.model.verdict import Run

STANDARD_OUTPUT: Final = "-"
"""The path that means standard output."""


@runtime_checkable
class Format(Protocol):
    """One way to write a run down. Every module named in `TABLE` has one as `FORMAT`."""

    name: str
    """As in the table."""
    suffixes: tuple[str, ...]
    """As in `SUFFIXES`."""

    def render(self, run: Run) -> str:
        """Return the whole report; the same run gives the same text. Linear in the number of verdicts."""


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


def write(path: str, text: str) -> None:
    """Write a report, whole or not at all.

    A regular file, or one that does not exist yet, is replaced by a rename; its permissions stay. What cannot be
    replaced (a pipe, a device) is written to directly.

    Raises:
        ReportError: it could not be written; what was at the path is still there.
    """
    data = text.encode("utf-8", "backslashreplace")
    try:
        target = os.path.realpath(path)
        mode = _mode(target)
        if mode is None or stat.S_ISREG(mode):
            _replace(target, data, mode)
        else:
            with open(target, "wb") as stream:  # noqa: PTH123 - pathlib costs start-up and adds nothing here
                stream.write(data)
    except (OSError, ValueError) as error:
        why = (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
        raise ReportError(f"the report could not be written: {why}", file=clean(path)) from error


def _mode(path: str) -> int | None:
    try:
        return os.stat(path).st_mode  # noqa: PTH116 - as above
    except FileNotFoundError:
        return None


def _replace(target: str, data: bytes, mode: int | None) -> None:
    folder, name = os.path.split(target)
    # The name is cut because the whole may not pass 255 bytes; O_EXCL refuses a link planted under it.
    draft = os.path.join(folder, f".{name[:40]}.{os.getpid()}.{os.urandom(4).hex()}.tmp")  # noqa: PTH118 - as above
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    done = False
    try:
        with os.fdopen(handle, "wb") as stream:
            if mode is not None:
                os.fchmod(handle, stat.S_IMODE(mode))
            stream.write(data)
            stream.flush()
            os.fsync(handle)
        os.replace(draft, target)  # noqa: PTH105 - as above
        done = True
    finally:
        if not done:
            os.unlink(draft)  # noqa: PTH108 - as above
