"""A log gets its cosignatures, and believes no answer that it did not check."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING

import pytest

from logbook import ORIGIN, Memory, entry, signer, witness_signer
from xspm.errors import LedgerError
from xspm.ledger.audit import Trust, audit
from xspm.ledger.checkpoint import Checkpoint
from xspm.ledger.client import cosign, submit
from xspm.ledger.log import Log
from xspm.ledger.note import MAX_BYTES, sign
from xspm.ledger.tree import EMPTY_ROOT
from xspm.ledger.witness import Witness, enroll_in
from xspm.ledger.witness_server import WitnessServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

W = witness_signer(1)


def new_log(count: int, text: bytes = b"") -> Log:
    log = Log(Memory(), signer())
    log.begin()
    log.append([entry(index) + text for index in range(count)])
    return log


@contextlib.contextmanager
def witness_at(number: int = 1) -> Iterator[str]:
    files = Memory()
    enroll_in(files, [ORIGIN])
    server = WitnessServer(Witness(files, witness_signer(number), [signer().key]), report=lambda _line: None)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"{server.url}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextlib.contextmanager
def answering(answer: Callable[[socket.socket], None], times: int = 1) -> Iterator[str]:
    """A witness that is not ours: what it answers is up to the test."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def run() -> None:
            for _ in range(times):
                connection, _ = listening.accept()
                with connection, contextlib.suppress(OSError):
                    connection.recv(65536)
                    answer(connection)
                    # Closing with something unread would take the answer back.
                    connection.shutdown(socket.SHUT_WR)
                    while connection.recv(65536):
                        pass

        thread = threading.Thread(target=run)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        thread.join()


def http_answer(status: str, body: bytes, kind: str = "text/plain") -> Callable[[socket.socket], None]:
    text = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    return lambda connection: connection.sendall(text + body)


def test_a_log_is_cosigned_as_it_grows() -> None:
    log = new_log(3)
    with witness_at(1) as one, witness_at(2) as two:
        assert [found.key.name for found in cosign(log, one, W.key)] == [W.key.name]
        first = log.append([b"more"] * 300)
        assert first.checkpoint.size == 303
        # It knows neither size, and learns both.
        cosign(log, one, W.key)
        cosign(log, two, witness_signer(2).key)
        cosign(log, two, witness_signer(2).key, old=303)
    trust = Trust((signer().key,), (W.key, witness_signer(2).key), 2)
    assert audit(log._files.read, trust).clean


def test_a_fork_is_not_cosigned() -> None:
    with witness_at() as url:
        cosign(new_log(5), url, W.key)
        with pytest.raises(LedgerError, match=r"refuses \(422\): consistency proof"):
            cosign(new_log(9, b"fork"), url, W.key)
        with pytest.raises(LedgerError, match=r"refuses \(409\): another tree of 5 entries"):
            cosign(new_log(5, b"fork"), url, W.key)
        with pytest.raises(LedgerError, match="knows 5 entries, the log has 4: it was rolled back"):
            cosign(new_log(4), url, W.key)


def test_a_log_that_grew_meanwhile_takes_no_cosignature() -> None:
    log = new_log(3)
    text = log.checkpoint().note.text

    def grow_then_answer(connection: socket.socket) -> None:
        log.append([b"more"])
        http_answer("200 OK", sign(text, W, 5).line.encode())(connection)

    with answering(grow_then_answer) as url:
        assert cosign(log, url, W.key) == ()


NOTE = new_log(1).checkpoint().note
LINE = sign(NOTE.text, W, 5).line.encode()


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (http_answer("200 OK", b""), "1 to 64 signature lines"),
        (http_answer("200 OK", LINE[:-1]), "1 to 64 signature lines"),
        (http_answer("200 OK", b"a" * (MAX_BYTES + 1)), "too long"),
        (http_answer("200 OK", sign("other\n", W, 5).line.encode()), "does not verify"),
        (
            http_answer("200 OK", sign(NOTE.text, witness_signer(2), 5).line.encode()),
            "no cosignature by witness.example/w1",
        ),
        (http_answer("409 Conflict", b"1"), r"refuses \(409\): 1"),
        (http_answer("409 Conflict", b"1", "text/x.tlog.size"), "without a newline"),
        (http_answer("409 Conflict", b"01\n", "text/x.tlog.size"), "not a tree size"),
        (http_answer("409 Conflict", b"\xff\n", "text/x.tlog.size"), "not a tree size"),
        (http_answer("409 Conflict", b"2\n", "text/x.tlog.size"), "rolled back"),
        (http_answer("302 Found\r\nLocation: http://127.0.0.1:1/", b""), r"refuses \(302\)"),
        (http_answer("500 Oops", b"\x1b[2Joops"), r"refuses \(500\): \\x1b\[2Joops"),
        (lambda connection: connection.sendall(b"nonsense\r\n\r\n"), "nonsense"),
        (lambda _connection: None, "without response"),
        (
            lambda connection: connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"),
            r"IncompleteRead\(1 bytes read, 8 more expected\)",
        ),
    ],
)
def test_what_a_witness_must_not_answer(answer: Callable[[socket.socket], None], reason: str) -> None:
    with answering(answer) as url, pytest.raises(LedgerError, match=reason):
        cosign(new_log(1), url, W.key)


def test_a_witness_that_names_another_size_each_time() -> None:
    sizes = iter([b"1\n", b"0\n", b"1\n"])

    def conflict(connection: socket.socket) -> None:
        http_answer("409 Conflict", next(sizes), "text/x.tlog.size")(connection)

    with answering(conflict, times=3) as url, pytest.raises(LedgerError, match="another size each time"):
        cosign(new_log(1), url, W.key)


@pytest.mark.parametrize(
    "start",
    [b"", b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n"],
)
def test_an_answer_that_drips_is_cut(start: bytes) -> None:
    def drip(connection: socket.socket) -> None:
        connection.sendall(start)
        connection.settimeout(0.05)
        while True:
            connection.sendall(b"a")
            with contextlib.suppress(TimeoutError):
                if connection.recv(1) == b"":
                    return

    with answering(drip) as url, pytest.raises(LedgerError, match=r"0\.4 s"):
        submit(url, NOTE.encode(), 0, [], timeout=0.4)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ftp://127.0.0.1", "not the http or https address"),
        ("127.0.0.1:80", "not the http or https address"),
        ("http://", "not the http or https address"),
        ("http://user@127.0.0.1/", "not the http or https address"),
        ("http://127.0.0.1/?x", "not the http or https address"),
        ("http://127.0.0.1/#x", "not the http or https address"),
        ("http://127.0.0.1:port/", "Port could not be cast"),
        ("http://[::1", "Invalid IPv6"),
        ("http://127.0.0.1:1/", "refused"),
        ("https://127.0.0.1:1/", "refused"),
    ],
)
def test_what_is_no_address_of_a_witness(url: str, reason: str) -> None:
    with pytest.raises(LedgerError, match=reason):
        submit(url, NOTE.encode(), 0, [], timeout=2)


def test_a_path_with_a_blank() -> None:
    with (
        answering(lambda _connection: None) as url,
        pytest.raises(LedgerError, match="can't contain control characters"),
    ):
        submit(f"{url}/a b", NOTE.encode(), 0, [])


def test_the_empty_log_can_be_cosigned() -> None:
    log = Log(Memory(), signer())
    log.begin()
    assert log.checkpoint().checkpoint == Checkpoint(ORIGIN, 0, EMPTY_ROOT)
    with witness_at() as url:
        assert len(cosign(log, url, W.key)) == 1
