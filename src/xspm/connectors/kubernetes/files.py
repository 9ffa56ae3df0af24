"""The texts a target consists of: standard input, one file, or the manifests below a folder.

A folder is walked once, in sorted order, hidden folders too: what is deployed may stand in `.deploy`. Only `.git` is
passed over, which holds no file that anybody names. Only `*.yaml`, `*.yml`, `*.json`, in whatever case, and
`Kustomization` are opened, and only when they are regular files of sane size. Symbolic links are followed
to files inside the folder, never to folders, and one that leads out is a problem. The templates of a Helm chart are not
manifests: each chart is one problem that says how to render it.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from typing import TYPE_CHECKING, Any, Final

import msgspec

from xspm.connectors.kubernetes.problems import ALL_TYPES, access, unsupported
from xspm.errors import ConnectorError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TextIO

    from xspm.model.asset import Problem
    from xspm.syntax.yaml import Limits

SUFFIXES: Final = (".yaml", ".yml", ".json")
BUILD_FILES: Final = ("kustomization.yaml", "kustomization.yml", "Kustomization")
"""What kustomize builds from; it needs neither apiVersion nor kind in them."""
STDIN: Final = "-"
_STREAMS: Final = frozenset({STDIN, "/dev/stdin", "/dev/fd/0"})
"""Targets that are standard input."""
_DESCRIPTORS: Final = "/dev/fd/"
STDIN_NAME: Final = "stdin"
"""What locations call standard input."""

_CHART: Final = "Chart.yaml"
_TEMPLATES: Final = "templates"
_SKIPPED: Final = ".git"


class Text(msgspec.Struct, frozen=True):
    """One text to read manifests from."""

    file: str
    """As locations name it."""
    data: bytes
    asked: bool
    """The user named this very text, so it must hold an object."""


def read_target(target: str, report: Callable[[Problem], None], limits: Limits) -> Iterator[Text]:
    """Yield the texts of a target.

    Args:
        target: `-`, or the path of a file or folder.
        report: takes what could not be read of a folder.
        limits: the size over which a text is not read.

    Raises:
        ConnectorError: the target itself cannot be read.
    """
    if target in _STREAMS:
        # Python says None for a standard input that was closed before it started.
        stream: TextIO | None = sys.stdin
        if stream is None:
            raise ConnectorError("standard input is closed", hint="pipe manifests into it, or name a file")
        yield Text(STDIN_NAME, _piped(stream, limits), asked=True)
        return
    try:
        mode = os.stat(target).st_mode
        if stat.S_ISDIR(mode):
            yield from _walk(target, report, limits)
        elif stat.S_ISREG(mode):
            yield Text(shown(target), _read(target, limits), asked=True)
        elif stat.S_ISFIFO(mode) and target.startswith(_DESCRIPTORS):
            with open(target, "rb", buffering=0) as stream_of_shell:
                yield Text(target, _drained(stream_of_shell, target, limits), asked=True)
        else:
            hint = "what comes through a pipe is read as `-`" if stat.S_ISFIFO(mode) else None
            raise ConnectorError(f"{shown(target)} is neither a file nor a folder", hint=hint)
    except OSError as error:
        raise ConnectorError(f"{shown(target)} cannot be read: {_reason(error)}") from error
    except ValueError as error:
        raise ConnectorError("a path cannot hold a NUL character") from error


def _piped(stream: TextIO, limits: Limits) -> bytes:
    """Read standard input to its end."""
    # The buffer's lock, held by a thread that waits for input, would break the end of a process that is interrupted.
    return _drained(getattr(stream.buffer, "raw", stream.buffer), "standard input", limits)


def _drained(source: Any, name: str, limits: Limits) -> bytes:
    """Read a stream to its end; how long that may take, the scan minds."""
    chunks: list[bytes] = []
    size = 0
    while chunk := source.read(1 << 20):
        chunks.append(chunk)
        size += len(chunk)
        if size > limits.max_bytes:
            raise ConnectorError(f"{name} is larger than the {limits.max_bytes} bytes that are read")
    return b"".join(chunks)


def shown(path: str) -> str:
    """Return a path as a person would type it here: relative when it lies below the working folder."""
    absolute, here = os.path.abspath(path), os.getcwd()
    below = here.rstrip(os.sep) + os.sep
    relative = absolute.removeprefix(below)
    return os.fsencode(relative).decode("utf-8", "replace") if absolute != here else "."


def _walk(root: str, report: Callable[[Problem], None], limits: Limits) -> Iterator[Text]:
    """Yield the texts below a folder; what cannot be read is reported."""
    real_root = os.path.realpath(root)
    seen: set[tuple[int, int]] = set()
    folders: list[tuple[str, bool]] = [(root, False)]
    above, name = os.path.split(real_root)
    if name == _TEMPLATES and os.path.exists(f"{above}/{_CHART}"):
        report(_chart(above))
        return
    os.scandir(root).close()
    while folders:
        folder, in_chart = folders.pop()
        try:
            with os.scandir(folder) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError as error:
            report(access(f"the folder {shown(folder)} cannot be read: {_reason(error)}", shown(folder)))
            continue
        is_chart = any(entry.name == _CHART for entry in entries)
        below: list[tuple[str, bool]] = []
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                if is_chart and entry.name == _TEMPLATES:
                    if not in_chart:
                        report(_chart(folder))
                elif entry.name != _SKIPPED:
                    below.append((entry.path, in_chart or is_chart))
            elif _is_read(entry.name) or entry.is_symlink():
                yield from _entry(entry, real_root, seen, report, limits)
        folders.extend(reversed(below))


def _is_read(name: str) -> bool:
    """Whether files of this name are opened."""
    return name.lower().endswith(SUFFIXES) or name in BUILD_FILES


def is_build_file(file: str) -> bool:
    """Whether a path is one of a build file of kustomize."""
    return file.rpartition("/")[2] in BUILD_FILES


def _entry(
    entry: os.DirEntry[str],
    real_root: str,
    seen: set[tuple[int, int]],
    report: Callable[[Problem], None],
    limits: Limits,
) -> Iterator[Text]:
    """Yield the text of one folder entry, if it is one that is read."""
    name = shown(entry.path)
    try:
        if entry.is_symlink():
            real = os.path.realpath(entry.path)
            if not f"{real}{os.sep}".startswith(real_root.rstrip(os.sep) + os.sep) and (
                os.path.isdir(real) or _is_read(entry.name)
            ):
                report(unsupported(f"the link {name} leads out of the folder and is not followed", name))
                return
        if not _is_read(entry.name):
            return
        status = entry.stat()
        if stat.S_ISDIR(status.st_mode):
            return
        if not stat.S_ISREG(status.st_mode):
            report(unsupported(f"{name} is not a regular file and is not read", name))
        elif (status.st_dev, status.st_ino) not in seen:
            seen.add((status.st_dev, status.st_ino))
            yield Text(name, _read(entry.path, limits), asked=False)
    except ConnectorError as error:
        report(access(error.message, name, kind="limit"))
    except OSError as error:
        report(access(f"{name} cannot be read: {_reason(error)}", name))


def _read(path: str, limits: Limits) -> bytes:
    """Return a regular file's content.

    Raises:
        ConnectorError: it is too large, or not a regular file.
        OSError: it cannot be read.
    """
    # Without O_NONBLOCK, opening a FIFO that takes a file's place in between would wait for a writer.
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise ConnectorError(f"{shown(path)} is not a regular file")
        if status.st_size > limits.max_bytes:
            raise ConnectorError(
                f"{shown(path)} has {status.st_size} bytes, more than the {limits.max_bytes} that are read"
            )
        # Room for the largest file there may be costs more than reading a usual one.
        data = file.read(status.st_size + 1)
        return data if len(data) <= status.st_size else data + file.read(limits.max_bytes)


def _chart(folder: str) -> Problem:
    name = shown(folder)
    return unsupported(
        f"{name} is a Helm chart, whose templates are no manifests yet",
        f"{name}/{_CHART}" if name != "." else _CHART,
        resource_types=ALL_TYPES,
        hint=f"render it first: helm template {name} | xspm scan -",
    )


def _reason(error: OSError) -> str:
    if error.errno == errno.ELOOP:
        return "symbolic links lead in a circle"
    return (error.strerror or str(error)).lower()
