"""A folder of policy files, read once into memory with limits.

The layout is the same for what xspm ships and for what users keep in `.xspm/`: `checks/**.yaml`, `policies/*.yaml`,
`frameworks/*.yaml`, `exceptions.yaml`. A single policy file stands for a folder that holds only it.
"""

from __future__ import annotations

import hashlib
import os
import stat
from typing import TYPE_CHECKING, Final

import msgspec

from xspm.errors import PolicyError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_MAX_FILE: Final = 1024 * 1024
_MAX_FILES: Final = 20_000
KINDS: Final = ("checks", "policies", "frameworks")
"""Sub-folders of a policy folder that hold one file per thing."""


class Folder(msgspec.Struct, frozen=True):
    """The bytes of every policy file of one folder."""

    shown: str
    """How errors name the folder."""
    files: dict[str, bytes]
    """By path relative to the folder, sorted."""
    shipped: bool = False
    """Whether it is xspm's own content."""
    stamp: str | None = None
    """For shipped content that is not read yet: digest of the names, sizes and times of its files."""
    alone: bool = False
    """Whether it is a single file, which `shown` names itself."""
    given: str = ""
    """What the user wrote to have it read; empty for what is in reach without being named."""

    def of(self, kind: str) -> dict[str, bytes]:
        """The files of one kind, by path relative to the kind's folder."""
        return {path[len(kind) + 1 :]: data for path, data in self.files.items() if path.startswith(kind + "/")}

    def name(self, relative: str) -> str:
        """How errors name a file of this folder."""
        if self.alone:
            return self.shown
        return f"{self.shown}/{relative}" if relative in self.files and self.shown else relative


def read_folder(path: Path, *, shipped: bool = False) -> Folder:
    """Read a policy folder.

    Raises:
        PolicyError: the folder cannot be read, holds no policy file, or a file is too large or not a regular file.
    """
    if not is_folder(path):
        return Folder(shown=str(path), files={f"policies/{path.stem}.yaml": read_file(path)}, alone=True)
    files: dict[str, bytes] = {}
    for kind in KINDS:
        for file in _walk(path / kind):
            files[f"{kind}/{file.relative_to(path / kind).as_posix()}"] = read_file(file)
    if os.path.lexists(path / "exceptions.yaml"):
        files["exceptions.yaml"] = read_file(path / "exceptions.yaml")
    if not files:
        raise PolicyError(
            "no policy files here",
            file=str(path),
            hint="a policy folder holds checks/, policies/, frameworks/ or exceptions.yaml",
        )
    return Folder(shown=str(path), files=dict(sorted(files.items())), shipped=shipped)


def is_folder(path: Path) -> bool:
    """Whether a path is a folder and not a file.

    Raises:
        PolicyError: there is nothing there, or it cannot be looked at.
    """
    try:
        return stat.S_ISDIR(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        raise PolicyError("no such policy folder or file", file=str(path)) from None
    except (OSError, ValueError) as error:
        raise PolicyError(f"cannot be read: {_why(error)}", file=str(path)) from error


def shipped_folder(path: Path | str) -> Folder:
    """Xspm's own content, to be read only if it must be compiled."""
    return Folder(shown="xspm", files={}, shipped=True, stamp=stamp(path, ".yaml"))


def stamp(folder: Path | str, suffix: str) -> str:
    """Digest of the names, sizes and times of the files below a folder: what changes when any of them does."""
    return hashlib.sha256("\n".join(sorted(_stamps(os.fspath(folder), suffix))).encode()).hexdigest()


def _stamps(folder: str, suffix: str) -> Iterator[str]:
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.endswith(suffix):
                    status = entry.stat()
                    yield f"{entry.path}\0{status.st_size}\0{status.st_mtime_ns}"
                elif "." not in entry.name and entry.is_dir(follow_symlinks=False):
                    yield from _stamps(entry.path, suffix)
    except OSError as error:
        _refuse(error)


def _walk(folder: Path) -> list[Path]:
    from pathlib import Path  # noqa: PLC0415 - a cached start reads no folder, and pathlib costs as much as a small scan

    found: list[Path] = []
    for parent, folders, names in os.walk(folder, onerror=_refuse):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in folders:
            if Path(parent, name).is_symlink():
                raise PolicyError("a link to a folder is not followed", file=str(Path(parent, name)))
        found += [Path(parent, name) for name in sorted(names) if name.endswith(".yaml") and not name.startswith(".")]
        for name in names:
            if name.endswith(".yml") and not name.startswith("."):
                raise PolicyError("policy files end in .yaml", file=str(Path(parent, name)), hint="rename the file")
        if len(found) > _MAX_FILES:
            raise PolicyError(f"more than {_MAX_FILES} policy files", file=str(folder))
    return found


def _refuse(error: OSError) -> None:
    if isinstance(error, FileNotFoundError):
        return
    raise PolicyError(f"cannot be read: {error.strerror}", file=str(error.filename)) from error


def read_file(path: Path) -> bytes:
    """Read one policy file.

    Raises:
        PolicyError: it cannot be read, is too large, or is not a regular file.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        with open(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise PolicyError("not a regular file", file=str(path))
            data = file.read(_MAX_FILE + 1)
    except (OSError, ValueError) as error:
        raise PolicyError(f"cannot be read: {_why(error)}", file=str(path)) from error
    if len(data) > _MAX_FILE:
        raise PolicyError(f"larger than {_MAX_FILE} bytes", file=str(path))
    return data


def _why(error: OSError | ValueError) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
