"""Small files with secrets in them: read whole, and only where they are secret."""

from __future__ import annotations

import os
import stat
from typing import NamedTuple

from xspm.errors import ContractError


class Read(NamedTuple):
    """A file as it was read."""

    path: str
    data: bytes
    mode: int
    own: bool
    """Whether the file belongs to whoever reads it."""


def read_small(path: str, limit: int) -> Read:
    """Read a regular file of at most `limit` bytes.

    Raises:
        ContractError: it is missing, unreadable, no regular file, or larger.
    """
    try:
        # Without O_NONBLOCK a named pipe would wait for a writer for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise ContractError("this is no regular file", file=path)
            data = file.read(limit + 1)
    except IsADirectoryError as error:
        raise ContractError("this is a folder, not a file", file=path) from error
    except OSError as error:
        raise ContractError(f"cannot be read: {error.strerror or error}", file=path) from error
    except ValueError as error:
        raise ContractError("this is no name of a file", file=path) from error
    if len(data) > limit:
        raise ContractError(f"more than {limit} bytes are too many for what it should be", file=path)
    return Read(path, data, stat.S_IMODE(status.st_mode), status.st_uid == os.geteuid())


def demand_secret(read: Read, what: str) -> None:
    """Refuse a file that others may read or change, as ssh does.

    A group may share a file that belongs to somebody else: so an orchestrator hands a secret to a service.

    Raises:
        ContractError: others may.
    """
    if read.mode & (0o077 if read.own else 0o007):
        raise ContractError(
            f"others may read or change this {what}: its mode is {read.mode:04o}",
            file=read.path,
            hint=f"chmod 600 {read.path}; and if others could have read it, make a new one",
        )
