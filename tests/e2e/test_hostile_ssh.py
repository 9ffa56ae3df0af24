"""Hosts that refuse, lie, stay silent or cannot be told apart from an impostor: one line each, nothing collected."""

from __future__ import annotations

import asyncio
import socket
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import asyncssh
import pytest

from commandline import POD, assert_calm, assert_refused, call

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.usefixtures("little_content")


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def peer() -> Iterator[socket.socket]:
    """Something that listens; what it says, each test decides."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


@pytest.fixture
def ssh_port() -> Iterator[int]:
    """A real ssh server that lets nobody in."""
    loop = asyncio.new_event_loop()
    started: list[int] = []
    ready = threading.Event()

    key = asyncssh.generate_private_key("ssh-ed25519")
    Path("host.pub").write_bytes(key.export_public_key())

    async def serve() -> None:
        server = await asyncssh.create_server(asyncssh.SSHServer, "127.0.0.1", 0, server_host_keys=[key])
        started.append(server.get_port())
        ready.set()
        try:
            await asyncio.Event().wait()
        finally:
            server.close()
            await server.wait_closed()

    task = loop.create_task(serve())

    def work() -> None:
        try:
            loop.run_until_complete(task)
        except asyncio.CancelledError:
            pass
        finally:
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.close()

    thread = threading.Thread(target=work)
    thread.start()
    assert ready.wait(20)
    yield started[0]
    loop.call_soon_threadsafe(task.cancel)
    thread.join(20)


def _identity() -> str:
    key = asyncssh.generate_private_key("ssh-ed25519")
    Path("id").write_bytes(key.export_private_key())
    Path("id").chmod(0o600)
    return "id"


def _known(port: int, key: str | None = None) -> str:
    Path("known").write_text(f"[127.0.0.1]:{port} {key or Path('host.pub').read_text()}")
    return "known"


def test_refused_port(free_port: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert_refused(call(capsys, "scan", f"ssh://127.0.0.1:{free_port}"), "127.0.0.1: connection refused")


def test_unknown_host(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_arguments: object, **_named: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert_refused(call(capsys, "scan", "ssh://absent.invalid"), "absent.invalid: no such host name")


def test_key_that_is_not_known(ssh_port: int, capsys: pytest.CaptureFixture[str]) -> None:
    Path("known").write_text("")
    outcome = call(capsys, "scan", f"ssh://root@127.0.0.1:{ssh_port}", "--known-hosts", "known", "-i", _identity())
    assert_refused(outcome, "its host key is not known")


def test_key_of_an_impostor(ssh_port: int, capsys: pytest.CaptureFixture[str]) -> None:
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    outcome = call(
        capsys, "scan", f"ssh://root@127.0.0.1:{ssh_port}", "--known-hosts", _known(ssh_port, other), "-i", _identity()
    )
    assert_refused(outcome, "somebody may be listening in")


def test_login_refused(ssh_port: int, capsys: pytest.CaptureFixture[str]) -> None:
    outcome = call(
        capsys, "scan", f"ssh://root@127.0.0.1:{ssh_port}", "--known-hosts", _known(ssh_port), "-i", _identity()
    )
    assert_refused(outcome, "root@127.0.0.1: login refused")


@pytest.mark.parametrize(
    ("option", "content"),
    [
        ("--identity", "-----BEGIN OPENSSH PRIVATE KEY-----\nnonsense\n"),
        ("--identity", None),
        ("--ssh-config", "Port many\n"),
        ("--ssh-config", None),
        ("--known-hosts", "\x1b[2J\n"),
        ("--known-hosts", None),
    ],
)
def test_broken_file(option: str, content: str | None, ssh_port: int, capsys: pytest.CaptureFixture[str]) -> None:
    if content is not None:
        Path("given").write_text(content)
    given = ["--known-hosts", _known(ssh_port), "-i", _identity(), option, "given"]
    assert_refused(call(capsys, "scan", f"ssh://root@127.0.0.1:{ssh_port}", *given), "ssh://root@127.0.0.1")


def test_peer_that_is_no_ssh_server(peer: socket.socket, capsys: pytest.CaptureFixture[str]) -> None:
    def answer() -> None:
        connection, _ = peer.accept()
        with connection:
            connection.sendall(b"\x1b[2JHTTP/1.1 400 Bad Request\r\n\r\n" * 50)
            connection.recv(4096)

    thread = threading.Thread(target=answer)
    thread.start()
    outcome = call(capsys, "scan", f"ssh://root@127.0.0.1:{peer.getsockname()[1]}", "--timeout", "20")
    thread.join(20)
    assert_refused(outcome, "127.0.0.1: ")


def test_peer_that_hangs_up(peer: socket.socket, capsys: pytest.CaptureFixture[str]) -> None:
    def hang_up() -> None:
        peer.accept()[0].close()

    thread = threading.Thread(target=hang_up)
    thread.start()
    outcome = call(capsys, "scan", f"ssh://root@127.0.0.1:{peer.getsockname()[1]}", "--timeout", "20")
    thread.join(20)
    assert_refused(outcome, "127.0.0.1: ")


def test_silent_peer(peer: socket.socket, capsys: pytest.CaptureFixture[str]) -> None:
    outcome = call(capsys, "scan", f"ssh://root@127.0.0.1:{peer.getsockname()[1]}", "--timeout", "1")
    assert_refused(outcome, "127.0.0.1: ")
    assert "1 s" in outcome.err or "imeout" in outcome.err


def test_a_host_that_fails_does_not_end_the_others(free_port: int, capsys: pytest.CaptureFixture[str]) -> None:
    Path("pod.yaml").write_text(POD)
    outcome = call(capsys, "scan", f"ssh://127.0.0.1:{free_port}", "pod.yaml", "-o", "report.json", "-o", "terminal")
    assert outcome.code == 2
    assert outcome.err == f"xspm: ssh://127.0.0.1:{free_port}: 127.0.0.1: connection refused\n"
    assert "Pod web" in outcome.out
    assert Path("report.json").exists()
    assert_calm(outcome)
