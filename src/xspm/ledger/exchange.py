"""One HTTP exchange with somebody else's machine, bounded in size and in time as a whole.

A timeout of a socket is per byte, and a server that drips holds its caller for ever; here a watch cuts the connection
when the time for all of it is over, the TLS handshake included. Redirects are not followed.
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import threading
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from xspm.errors import LedgerError

if TYPE_CHECKING:
    from collections.abc import Mapping


class Address(msgspec.Struct, frozen=True):
    """Where an HTTP server is, and below which path it answers."""

    text: str
    secure: bool
    host: str
    port: int | None
    path: str

    @classmethod
    def parse(cls, url: str, whose: str) -> Address:
        """Read a URL; a slash at its end says nothing.

        Raises:
            LedgerError: it is no http or https address.
        """
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError as error:
            raise LedgerError(f"{url}: {error}") from error
        if parts.scheme not in {"http", "https"} or not host or parts.query or parts.fragment or "@" in parts.netloc:
            raise LedgerError(f"{url}: not the http or https address of a {whose}")
        return cls(url.rstrip("/"), parts.scheme == "https", host, port, parts.path.rstrip("/"))


class Reply(msgspec.Struct, frozen=True):
    """What a server answered."""

    status: int
    type: str
    body: bytes
    """One byte more than was asked for, where it is too long."""


def exchange(
    address: Address,
    method: str,
    path: str,
    most: int,
    seconds: float,
    *,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> Reply:
    """Ask once.

    Args:
        address: of the server.
        method: GET or POST.
        path: below the address, with its slash.
        most: bytes of an answer that are read.
        seconds: for all of it.
        body: what is sent.
        headers: besides those that HTTP wants.

    Raises:
        LedgerError: there is no whole answer in time.
    """
    make = http.client.HTTPSConnection if address.secure else http.client.HTTPConnection
    connection = make(address.host, address.port, timeout=seconds)
    late = threading.Event()
    watch: threading.Timer | None = None
    plain: socket.socket | None = None
    try:
        opened = socket.create_connection((address.host, connection.port), seconds)
        # A second handle of the same connection: the first becomes the TLS layer's.
        plain = opened.dup()
        watch = threading.Timer(seconds, _cut, [plain, late])
        watch.daemon = True
        watch.start()
        connection.sock = _secured(opened, address.host) if address.secure else opened
        connection.request(method, f"{address.path}{path}", body, {"Connection": "close", **(headers or {})})
        response = connection.getresponse()
        received = response.read(most + 1)
        if response.length and len(received) <= most:
            raise http.client.IncompleteRead(received, response.length)
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = f"no answer within {seconds:g} s" if late.is_set() else str(error) or type(error).__name__
        raise LedgerError(f"{address.text}{path}: {reason}") from error
    finally:
        if watch is not None:
            watch.cancel()
        if plain is not None:
            plain.close()
        connection.close()
    if late.is_set():
        raise LedgerError(f"{address.text}{path}: the answer took longer than {seconds:g} s")
    return Reply(response.status, response.getheader("Content-Type", ""), received)


def _secured(opened: socket.socket, host: str) -> socket.socket:
    import ssl  # noqa: PLC0415 - most logs are read from a folder

    try:
        return ssl.create_default_context().wrap_socket(opened, server_hostname=host)
    except OSError:
        opened.close()
        raise


def _cut(connected: socket.socket, late: threading.Event) -> None:
    late.set()
    with contextlib.suppress(OSError):
        connected.shutdown(socket.SHUT_RDWR)
