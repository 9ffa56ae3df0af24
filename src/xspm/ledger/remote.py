"""Reading a log that somebody else serves: its files over HTTP, as any web server hands them out (tlog-tiles)."""

from __future__ import annotations

import http.client
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from xspm.errors import LedgerError

if TYPE_CHECKING:
    from collections.abc import Callable


def reader(url: str, *, timeout: float = 10.0) -> Callable[[str, int], bytes | None]:
    """Return what reads a file of the log at `url`, of at most so many bytes; None where there is none.

    Raises:
        LedgerError: the address is none. What it returns raises it when a file cannot be had, or is too large.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise LedgerError(f"{url}: {error}") from error
    if parts.scheme not in {"http", "https"} or not host or parts.query or parts.fragment or "@" in parts.netloc:
        raise LedgerError(f"{url}: not the http or https address of a log")
    make = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    base = parts.path.rstrip("/")

    def read(path: str, most: int) -> bytes | None:
        connection = make(host, port, timeout=timeout)
        try:
            connection.request("GET", f"{base}/{path}")
            response = connection.getresponse()
            if response.status == HTTPStatus.NOT_FOUND:
                return None
            if response.status != HTTPStatus.OK:
                raise LedgerError(f"{url}/{path}: answered {response.status}")
            data = response.read(most + 1)
            if response.length and len(data) <= most:
                raise http.client.IncompleteRead(data, response.length)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise LedgerError(f"{url}/{path}: {str(error) or type(error).__name__}") from error
        finally:
            connection.close()
        if len(data) > most:
            raise LedgerError(f"{url}/{path}: more than {most} bytes")
        return data

    return read
