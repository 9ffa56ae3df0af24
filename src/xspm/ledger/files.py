"""The file operations of a ledger, few enough to break each of them in a test.

`Files` is what a log or a witness does to its folder; `Disk` does it. What must survive a crash is written, then synced
with `sync`, then the folders that name it are synced with `sync_folder`; `replace` is the only operation that changes
what readers see at once. Paths are relative to the folder, with `/`.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
import stat
import time
from typing import TYPE_CHECKING, Final, Protocol

from xspm.errors import LedgerError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

LOCK: Final = ".lock"
_PAUSE: Final = 0.005
_SYNCED_AT_ONCE: Final = 8


class Files(Protocol):
    """A folder of files. Every operation raises `LedgerError` when it fails."""

    def read(self, path: str, most: int) -> bytes | None:
        """The bytes of a file, None if there is none. A file of more than `most` bytes is an error."""
        ...

    def exists(self, path: str) -> bool:
        """Whether there is a file or folder of this name."""
        ...

    def write(self, path: str, data: bytes) -> None:
        """Make a file anew, also where its name is taken; nothing is certain before `sync`."""
        ...

    def sync(self, *paths: str) -> None:
        """Make what files hold survive a crash."""
        ...

    def sync_folder(self, path: str) -> None:
        """Make the names in a folder survive a crash."""
        ...

    def make_folder(self, path: str) -> bool:
        """Make one folder; whether it was not there before."""
        ...

    def replace(self, source: str, target: str) -> None:
        """Give a file another name, at once, in place of what had it."""
        ...

    def remove_folder(self, path: str) -> None:
        """Remove a folder with what is in it, if it is there."""
        ...

    def lock(self, seconds: float) -> AbstractContextManager[None]:
        """Be the only writer, or give up after some seconds."""
        ...


def replace_file(files: Files, path: str, data: bytes) -> None:
    """Put `data` in place of a file in the top folder, at once and for good.

    The new file survives a crash under its temporary name before it takes the name that readers know.
    """
    files.write(f"{path}.next", data)
    finish_replace(files, path)


def finish_replace(files: Files, path: str) -> None:
    """Do the rest of a `replace_file` that was interrupted after its temporary file was written.

    It is synced here even so: who wrote it may have died before.
    """
    files.sync(f"{path}.next")
    files.sync_folder("")
    files.replace(f"{path}.next", path)
    files.sync_folder("")


def make_top_folder(folder: str | os.PathLike[str]) -> None:
    """Make the folder of a log or a witness, and make its name survive a crash.

    Raises:
        LedgerError: it cannot be made.
    """
    path = os.path.abspath(folder)  # noqa: PTH100 - importing pathlib is slow
    try:
        os.makedirs(path, exist_ok=True)  # noqa: PTH103
    except OSError as error:
        raise LedgerError(f"{path}: {os.strerror(error.errno or errno.EIO)}") from error
    Disk(os.path.dirname(path)).sync_folder("")  # noqa: PTH120


class Disk:
    """A folder on a disk."""

    def __init__(self, folder: str | os.PathLike[str], *, durable: bool = True) -> None:
        """Use a folder that is there.

        Args:
            folder: the folder.
            durable: False leaves out every sync: for measuring what syncing costs, and for tests.
        """
        self._folder = os.fspath(folder)
        self._durable = durable

    def read(self, path: str, most: int) -> bytes | None:
        """See `Files`. What is no regular file is an error, so a pipe put there cannot hang a reader."""
        with self._errors(path):
            try:
                descriptor = os.open(self._path(path), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            except (FileNotFoundError, NotADirectoryError):
                return None
            with open(descriptor, "rb") as file:  # noqa: PTH123 - a descriptor
                if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                    raise LedgerError(f"{self._path(path)}: not a regular file")
                data = file.read(most + 1)
        if len(data) > most:
            raise LedgerError(f"{self._path(path)}: more than {most} bytes")
        return data

    def exists(self, path: str) -> bool:
        """See `Files`."""
        return os.path.lexists(self._path(path))

    def write(self, path: str, data: bytes) -> None:
        """See `Files`. A file that has the name is left alone: after a crash it may have a second name, too."""
        with self._errors(path):
            name = self._path(path)
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name)  # noqa: PTH108 - a path as text
            with open(name, "xb", buffering=0) as file:  # noqa: PTH123 - a path as text
                view = memoryview(data)
                while view:
                    view = view[file.write(view) :]

    def sync(self, *paths: str) -> None:
        """See `Files`. Many files are synced at the same time: the disk then writes its journal once for several."""
        if len(paths) < _SYNCED_AT_ONCE or not self._durable:
            for path in paths:
                self._sync(path, os.O_RDONLY)
            return
        from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - for large batches only

        with ThreadPoolExecutor(_SYNCED_AT_ONCE) as pool:
            for _ in pool.map(lambda path: self._sync(path, os.O_RDONLY), paths):
                pass

    def sync_folder(self, path: str) -> None:
        """See `Files`."""
        self._sync(path, os.O_RDONLY | os.O_DIRECTORY)

    def make_folder(self, path: str) -> bool:
        """See `Files`."""
        with self._errors(path):
            try:
                os.mkdir(self._path(path))  # noqa: PTH102 - a path as text
            except FileExistsError:
                return False
        return True

    def replace(self, source: str, target: str) -> None:
        """See `Files`."""
        with self._errors(target):
            os.replace(self._path(source), self._path(target))  # noqa: PTH105 - a path as text

    def remove_folder(self, path: str) -> None:
        """See `Files`."""
        with self._errors(path), contextlib.suppress(FileNotFoundError):
            shutil.rmtree(self._path(path))

    @contextlib.contextmanager
    def lock(self, seconds: float) -> Iterator[None]:
        """See `Files`. The kernel drops the lock of a process that ends in whatever way."""
        with self._errors(LOCK):
            descriptor = os.open(self._path(LOCK), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            self._take(descriptor, seconds)
            yield
        finally:
            os.close(descriptor)

    def _take(self, descriptor: int, seconds: float) -> None:
        end = time.monotonic() + seconds
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= end:
                    raise LedgerError(f"{self._folder}: another process has been writing for {seconds:g} s") from None
                time.sleep(_PAUSE)
            else:
                return

    def _sync(self, path: str, flags: int) -> None:
        if not self._durable:
            return
        with self._errors(path):
            descriptor = os.open(self._path(path), flags | os.O_CLOEXEC)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def _path(self, path: str) -> str:
        return f"{self._folder}/{path}" if path else self._folder

    @contextlib.contextmanager
    def _errors(self, path: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            reason = os.strerror(error.errno or errno.EIO)
            raise LedgerError(f"{self._path(path)}: {reason}") from error
