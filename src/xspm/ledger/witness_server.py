"""A witness behind HTTP: one path, `POST /add-checkpoint`, on the standard library's server.

It listens on loopback unless told otherwise; TLS and names are a reverse proxy's business. A request has so much time
in all, not per byte, a body of bounded and stated length, and one of a bounded number of threads; beyond that callers
get 503. What the witness answers is decided in `witness` alone. A witness that cannot remember answers 500 and signs
nothing.
"""

from __future__ import annotations

import errno
import io
import socket
import sys
import threading
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final

from xspm.errors import LedgerError, one_line
from xspm.ledger.witness import MAX_REQUEST_BYTES, TEXT_TYPE, Answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from xspm.ledger.witness import Witness

PATH: Final = "/add-checkpoint"
_BUSY: Final = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class WitnessServer(ThreadingHTTPServer):
    """A listening witness; `serve_forever` answers until `shutdown`."""

    daemon_threads = True
    """An interrupted request does no harm: what was not answered was not cosigned, or is the next answer's 409."""
    block_on_close = False
    request_queue_size = 64
    allow_reuse_address = True

    def __init__(
        self,
        witness: Witness,
        address: tuple[str, int] = ("127.0.0.1", 0),
        *,
        seconds: float = 10.0,
        concurrent: int = 32,
        report: Callable[[str], None] | None = None,
    ) -> None:
        """Listen.

        Args:
            witness: who answers.
            address: host and port, 0 for any free one.
            seconds: what one request may take to arrive, and a connection may stay idle.
            concurrent: connections answered at the same time.
            report: takes one line per request and per failure; standard error by default.

        Raises:
            LedgerError: the address cannot be listened on.
        """
        self.witness = witness
        self.seconds = seconds
        self.report = report or _report
        self._places = threading.BoundedSemaphore(concurrent)
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        try:
            super().__init__(address, _Handler)
        except (OSError, OverflowError) as error:
            raise LedgerError(f"cannot listen on {address[0]} port {address[1]}: {error}") from error

    @property
    def url(self) -> str:
        """The submission prefix."""
        host, port = self.server_address[:2]
        return f"http://[{host!s}]:{port}" if ":" in str(host) else f"http://{host!s}:{port}"

    def server_bind(self) -> None:
        """Bind without asking the name service for our name, which may hang."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        """Give a connection a thread, or send it away."""
        if not self._places.acquire(blocking=False):
            try:
                request.settimeout(1)
                request.sendall(_BUSY)
            except OSError:
                pass
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except RuntimeError as error:  # no more threads
            self._places.release()
            self.report(f"cannot answer: {error}")
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer, then give the place back."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - the server's interface
        """One line for a connection that broke."""
        error = sys.exc_info()[1]
        if isinstance(error, OSError) and error.errno == errno.EBADF:
            return  # closed from this side: Ctrl-C came just as the caller did
        self.report(one_line(f"{client_address[0]}: {type(error).__name__}: {error}"))


def serve(server: WitnessServer) -> None:
    """Answer until Ctrl-C."""
    try:
        server.serve_forever(poll_interval=0.2)
    except KeyboardInterrupt:
        pass
    finally:
        server.server_close()


class _Deadline(io.RawIOBase):
    """Reads from a socket until a moment, however slowly the bytes drip."""

    def __init__(self, connection: socket.socket, end: Callable[[], float]) -> None:
        self._connection = connection
        self._end = end

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left = self._end() - time.monotonic()
        if left <= 0:
            raise TimeoutError("the request took too long")
        self._connection.settimeout(left)
        return self._connection.recv_into(buffer)


class _Handler(BaseHTTPRequestHandler):
    server: WitnessServer
    protocol_version = "HTTP/1.1"
    server_version = "xspm-witness"
    sys_version = ""
    error_content_type = TEXT_TYPE
    error_message_format = "%(code)d %(message)s\n"

    def setup(self) -> None:
        self._end = time.monotonic() + self.server.seconds
        super().setup()
        self.rfile = io.BufferedReader(_Deadline(self.connection, lambda: self._end))

    def handle_one_request(self) -> None:
        self._end = time.monotonic() + self.server.seconds
        super().handle_one_request()

    def do_POST(self) -> None:
        """Answer an `add-checkpoint` request."""
        if self.path != PATH:
            self._close(HTTPStatus.NOT_FOUND)
            return
        length = self._length()
        if length is None:
            return
        body = self.rfile.read(length)
        if len(body) < length:
            self.close_connection = True
            return
        try:
            answer = self.server.witness.add_checkpoint(body)
        except LedgerError as error:
            self.server.report(one_line(f"not cosigned: {error}"))
            answer = Answer(HTTPStatus.INTERNAL_SERVER_ERROR, b"the witness cannot cosign now\n")
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.type)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def do_GET(self) -> None:
        """There is nothing to get."""
        self._close(HTTPStatus.METHOD_NOT_ALLOWED if self.path == PATH else HTTPStatus.NOT_FOUND)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        self.server.report(one_line(f"{self.client_address[0]} {format % args}"))

    def _length(self) -> int | None:
        """The length of the body; None where the request was refused for it."""
        lengths = self.headers.get_all("Content-Length", [])
        if self.headers.get("Transfer-Encoding") or len(lengths) != 1:
            self._close(HTTPStatus.LENGTH_REQUIRED)
        elif not (lengths[0].isascii() and lengths[0].isdigit()):
            self._close(HTTPStatus.BAD_REQUEST)
        elif len(lengths[0]) > 9 or int(lengths[0]) > MAX_REQUEST_BYTES:
            self._close(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        else:
            return int(lengths[0])
        return None

    def _close(self, status: HTTPStatus) -> None:
        """Refuse, and read no more of what may be an unread body."""
        self.close_connection = True
        self.send_error(status)


def _report(line: str) -> None:
    sys.stderr.write(f"{line}\n")
