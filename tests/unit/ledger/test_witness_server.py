"""The witness on a socket: bounded in everything a caller can do to it."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from logbook import ORIGIN, Memory, entry, signer, witness_signer
from xspm.errors import LedgerError
from xspm.ledger import witness_server as module
from xspm.ledger.log import Log
from xspm.ledger.witness import MAX_REQUEST_BYTES, Request, Witness, enroll_in
from xspm.ledger.witness_server import PATH, WitnessServer, serve

if TYPE_CHECKING:
    from collections.abc import Iterator

W = witness_signer(1)


def new_log(count: int = 5) -> Log:
    log = Log(Memory(), signer())
    log.begin()
    log.append([entry(index) for index in range(count)])
    return log


def new_witness(files: Memory | None = None) -> Witness:
    files = files or Memory()
    enroll_in(files, [ORIGIN])
    return Witness(files, W, [signer().key], lambda: 1000)


@contextlib.contextmanager
def running(server: WitnessServer) -> Iterator[WitnessServer]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def lines() -> list[str]:
    return []


@pytest.fixture
def server(lines: list[str]) -> Iterator[WitnessServer]:
    with running(WitnessServer(new_witness(), seconds=5, report=lines.append)) as started:
        yield started


def connect(server: WitnessServer) -> socket.socket:
    return socket.create_connection(server.server_address[:2], timeout=20)  # type: ignore[arg-type]


def raw(server: WitnessServer, data: bytes) -> bytes:
    """Everything that is answered to some bytes."""
    with connect(server) as connection:
        connection.sendall(data)
        with contextlib.suppress(ConnectionResetError):
            received = b""
            while piece := connection.recv(65536):
                received += piece
        return received


def head(answer: bytes) -> str:
    return answer.split(b"\r\n")[0].decode()


def post(body: bytes, headers: str = "") -> bytes:
    return f"POST {PATH} HTTP/1.1\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode() + body


def test_it_listens_on_loopback(server: WitnessServer) -> None:
    assert server.server_address[0] == "127.0.0.1"
    assert server.url == f"http://127.0.0.1:{server.server_address[1]}"


def test_requests_on_one_connection(server: WitnessServer, lines: list[str]) -> None:
    log = new_log()
    body = Request(0, (), log.checkpoint().note.encode()).encode()
    connection = http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=20)
    for expected, kind in ((200, "text/plain; charset=utf-8"), (409, "text/x.tlog.size")):
        connection.request("POST", PATH, body)
        response = connection.getresponse()
        assert (response.status, response.getheader("Content-Type")) == (expected, kind)
        assert response.getheader("Server") == "xspm-witness "
        assert response.read().startswith("— witness.example/w1 ".encode() if expected == 200 else b"5\n")
    connection.close()
    assert any("POST /add-checkpoint" in line for line in lines)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", "404 Not Found"),
        (b"GET /add-checkpoint HTTP/1.1\r\n\r\n", "405 Method Not Allowed"),
        (b"POST /other HTTP/1.1\r\nContent-Length: 1\r\n\r\nx", "404 Not Found"),
        (b"PUT /add-checkpoint HTTP/1.1\r\n\r\n", "501 Unsupported method ('PUT')"),
        (b"POST /add-checkpoint HTTP/1.1\r\n\r\n", "411 Length Required"),
        (post(b"", "Transfer-Encoding: chunked\r\n"), "411 Length Required"),
        (post(b"", "Content-Length: 5\r\n"), "411 Length Required"),
        (b"POST /add-checkpoint HTTP/1.1\r\nContent-Length: -1\r\n\r\n", "400 Bad Request"),
        (b"POST /add-checkpoint HTTP/1.1\r\nContent-Length: +1\r\n\r\n", "400 Bad Request"),
        (b"POST /add-checkpoint HTTP/1.1\r\nContent-Length: \xb2\r\n\r\n", "400 Bad Request"),
        (
            f"POST {PATH} HTTP/1.1\r\nContent-Length: {MAX_REQUEST_BYTES + 1}\r\n\r\n".encode(),
            "413 Request Entity Too Large",
        ),
        (
            b"POST /add-checkpoint HTTP/1.1\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n",
            "413 Request Entity Too Large",
        ),
        (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n", "414 Request-URI Too Long"),
        (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 200 + b"\r\n", "431 Too many headers"),
        (b"nonsense\r\n\r\n", ""),
    ],
)
def test_what_is_no_request(server: WitnessServer, data: bytes, expected: str) -> None:
    assert head(raw(server, data)).partition("HTTP/1.1 ")[2] == expected


def test_a_malformed_body_is_answered_and_the_connection_goes_on(server: WitnessServer) -> None:
    answer = raw(server, post(b"what") + post(b"what", "Connection: close\r\n"))
    assert answer.count(b"HTTP/1.1 400 Bad Request") == 2


def test_a_body_that_ends_early_is_no_request(server: WitnessServer) -> None:
    with connect(server) as connection:
        connection.sendall(post(b"old 0\n\n")[:-3])
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(100) == b""


def test_a_witness_that_cannot_remember_says_so(lines: list[str]) -> None:
    files = Memory()
    witness = new_witness(files)
    files.remove_folder(next(name for name in files._names if name.endswith(".checkpoint")))
    with running(WitnessServer(witness, report=lines.append)) as server:
        body = Request(0, (), new_log().checkpoint().note.encode()).encode()
        answer = raw(server, post(body, "Connection: close\r\n"))
    assert head(answer) == "HTTP/1.1 500 Internal Server Error"
    assert b"no memory" not in answer
    assert any("not cosigned: the witness has no memory of example.org/log" in line for line in lines)


@pytest.mark.parametrize("sent", [b"", b"POST /add-", post(b"x" * 100)[:-50]])
def test_what_drips_is_cut_in_time(sent: bytes, lines: list[str]) -> None:
    """Each byte comes soon enough; all of them together do not."""
    with (
        running(WitnessServer(new_witness(), seconds=0.3, report=lines.append)) as server,
        connect(server) as connection,
    ):
        connection.sendall(sent)
        with contextlib.suppress(OSError):
            while True:
                connection.settimeout(0.05)
                try:
                    if connection.recv(100) == b"":
                        break
                except TimeoutError:
                    connection.sendall(b"a")
    assert sent == b"" or lines


def test_too_many_callers_are_sent_away(lines: list[str]) -> None:
    with running(WitnessServer(new_witness(), seconds=30, concurrent=1, report=lines.append)) as server:
        with connect(server) as first:
            first.sendall(b"POST ")
            # The first caller has its place once the second is sent away.
            while head(raw(server, b"")) != "HTTP/1.1 503 Service Unavailable":
                pass
        while head(raw(server, post(b"x", "Connection: close\r\n"))) != "HTTP/1.1 400 Bad Request":
            pass


def test_a_deadline_that_has_passed_reads_nothing() -> None:
    one, other = socket.socketpair()
    with one, other:
        other.sendall(b"ready")
        assert module._Deadline(one, lambda: time.monotonic() + 20).read(3) == b"rea"
        with pytest.raises(TimeoutError, match="took too long"):
            module._Deadline(one, lambda: time.monotonic() - 1).read(2)


class _Gone:
    def settimeout(self, _seconds: float) -> None:
        pass

    def sendall(self, _data: bytes) -> None:
        raise ConnectionResetError

    def shutdown(self, _how: int) -> None:
        raise OSError

    def close(self) -> None:
        pass


def test_callers_that_are_gone_and_threads_that_are_not_there(
    lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = WitnessServer(new_witness(), concurrent=1, report=lines.append)

    def none(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", none)
        server.process_request(_Gone(), ("127.0.0.1", 1))
    assert lines == ["cannot answer: can't start new thread"]
    server._places.acquire()
    server.process_request(_Gone(), ("127.0.0.1", 1))
    server.server_close()


def test_a_connection_that_breaks_is_one_line(lines: list[str]) -> None:
    server = WitnessServer(new_witness(), report=lines.append)
    with contextlib.suppress(ConnectionResetError):
        try:
            fail = ConnectionResetError("reset\nby peer")
            raise fail
        finally:
            server.handle_error(None, ("127.0.0.1", 1))
    server.server_close()
    assert lines == ["127.0.0.1: ConnectionResetError: reset\\nby peer"]


def test_an_address_that_cannot_be_had(server: WitnessServer) -> None:
    for address in (("127.0.0.1", server.server_address[1]), ("127.0.0.1", 70_000)):
        with pytest.raises(LedgerError, match=r"cannot listen on 127\.0\.0\.1"):
            WitnessServer(new_witness(), address)


def test_the_other_loopback() -> None:
    if not socket.has_ipv6:
        pytest.skip("no IPv6")
    try:
        server = WitnessServer(new_witness(), ("::1", 0))
    except LedgerError:
        pytest.skip("no IPv6 here")
    assert server.url.startswith("http://[::1]:")
    server.server_close()


def test_lines_go_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    module._report("a line")
    assert capsys.readouterr().err == "a line\n"


def test_serving_ends_with_an_interrupt(monkeypatch: pytest.MonkeyPatch) -> None:
    server = WitnessServer(new_witness())

    def interrupted(poll_interval: float) -> None:
        assert poll_interval < 1
        raise KeyboardInterrupt

    monkeypatch.setattr(server, "serve_forever", interrupted)
    serve(server)
    assert server.socket.fileno() == -1


CHILD = """
import signal, sys
sys.path[:0] = sys.argv[1:]
# A shell starts what runs in its background with interrupts ignored, and Python leaves it at that.
signal.signal(signal.SIGINT, signal.default_int_handler)
from logbook import ORIGIN, Memory, signer, witness_signer
from xspm.ledger.witness import Witness, enroll_in
from xspm.ledger.witness_server import WitnessServer, serve
files = Memory()
enroll_in(files, [ORIGIN])
server = WitnessServer(Witness(files, witness_signer(1), [signer().key]))
print(server.url, flush=True)
serve(server)
print("ended", flush=True)
"""


def test_ctrl_c_ends_a_real_process_with_a_caller_in_it() -> None:
    root = Path(__file__).parents[3]
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(root / "tests"), str(root / "src")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert child.stdout is not None
        port = int(child.stdout.readline().rpartition(":")[2])
        first = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        first.request("GET", "/")
        assert first.getresponse().status == 404  # it serves, and no longer begins to
        with socket.create_connection(("127.0.0.1", port)) as caller:
            caller.sendall(b"POST ")
            os.kill(child.pid, signal.SIGINT)
            out, _ = child.communicate(timeout=60)
        assert (out, child.returncode) == ("ended\n", 0)
    finally:
        child.kill()
        child.communicate()
