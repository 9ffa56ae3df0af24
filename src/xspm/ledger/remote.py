"""Reading a log that somebody else serves: its files over HTTP, as any web server hands them out (tlog-tiles).

Each file has a time limit as a whole, and so have all files together: a server that drips ends as a file that cannot be
had, not as a reader that waits for ever.
"""

from __future__ import annotations

import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from xspm.errors import LedgerError
from xspm.ledger.exchange import Address, exchange

if TYPE_CHECKING:
    from collections.abc import Callable

FILE_SECONDS: Final = 30.0
"""For one file; the largest has 16 MiB."""
LOG_SECONDS: Final = 3600.0
"""For all files of a log, from the first one on."""


def reader(
    url: str, *, timeout: float = FILE_SECONDS, total: float = LOG_SECONDS
) -> Callable[[str, int], bytes | None]:
    """Return what reads a file of the log at `url`, of at most so many bytes; None where there is none.

    Raises:
        LedgerError: the address is none. What it returns raises it when a file cannot be had, or is too large, or the
            time for one file or for all is over.
    """
    address = Address.parse(url, "log")
    end: float | None = None

    def read(path: str, most: int) -> bytes | None:
        nonlocal end
        if end is None:
            end = time.monotonic() + total
        left = end - time.monotonic()
        if left <= 0:
            raise LedgerError(f"{address.text}/{path}: not asked for: reading the log took longer than {total:g} s")
        reply = exchange(address, "GET", f"/{path}", most, min(timeout, left))
        if reply.status == HTTPStatus.NOT_FOUND:
            return None
        if reply.status != HTTPStatus.OK:
            raise LedgerError(f"{address.text}/{path}: answered {reply.status}")
        if len(reply.body) > most:
            raise LedgerError(f"{address.text}/{path}: more than {most} bytes")
        return reply.body

    return read
