"""The ssh-agent, played by a thread that speaks its protocol well, badly, or not at all."""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from parties import key_id, private, public
from xspm.contract.keys import from_crypto
from xspm.contract.signers import agent, open_signer
from xspm.errors import ContractError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytest.importorskip("asyncssh")

LIST, SIGN = 11, 13
FAILURE = b"\x05"


def string(*parts: bytes) -> bytes:
    return b"".join(struct.pack(">I", len(part)) + part for part in parts)


def mpint(number: int) -> bytes:
    return string(number.to_bytes(number.bit_length() // 8 + 1, "big"))


def listing(*keys: tuple[bytes, bytes]) -> bytes:
    return b"\x0c" + struct.pack(">I", len(keys)) + b"".join(string(*key) for key in keys)


def blob(name: str) -> bytes:
    return string(b"ssh-ed25519", private(name).public_key().public_bytes_raw())


P256 = ec.derive_private_key(7, ec.SECP256R1())
P256_BLOB = string(
    b"ecdsa-sha2-nistp256",
    b"nistp256",
    P256.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint),
)
RSA_BLOB = string(b"ssh-rsa", b"\x03", b"\x0b")
SK_BLOB = string(b"sk-ssh-ed25519@openssh.com", b"\x01" * 32, b"ssh:")
CERTIFICATE_BLOB = string(b"ssh-ed25519-cert-v01@openssh.com", b"\x01" * 32)


def signing(message: bytes) -> bytes:
    """Sign as an agent does that holds the keys of alice, bob and P256."""
    length = struct.unpack(">I", message[1:5])[0]
    which, rest = message[5 : 5 + length], message[5 + length :]
    data = rest[4 : 4 + struct.unpack(">I", rest[:4])[0]]
    if which == P256_BLOB:
        r, s = decode_dss_signature(P256.sign(data, ec.ECDSA(SHA256())))
        return b"\x0e" + string(string(b"ecdsa-sha2-nistp256", mpint(r) + mpint(s)))
    holder = "alice" if which == blob("alice") else "bob"
    return b"\x0e" + string(string(b"ssh-ed25519", private(holder).sign(data)))


@contextmanager
def answering(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: Callable[[bytes], bytes | None]
) -> Iterator[None]:
    """An agent that answers each message; None for never."""
    path = tmp_path / "agent"
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(path))
    server.listen()
    over = threading.Event()

    def serve() -> None:
        while not over.is_set():
            try:
                peer, _ = server.accept()
            except OSError:
                return
            with peer, peer.makefile("rb") as stream:
                while head := stream.read(4):
                    reply = answer(stream.read(struct.unpack(">I", head)[0]))
                    if reply is None:
                        over.wait(20)
                        break
                    peer.sendall(string(reply))

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    monkeypatch.setenv("SSH_AUTH_SOCK", str(path))
    try:
        yield
    finally:
        over.set()
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join(10)


def refusal(where: str) -> ContractError:
    with pytest.raises(ContractError) as caught:
        open_signer(where, passphrase=lambda _: pytest.fail("asked"))
    return caught.value


def holding(*keys: tuple[bytes, bytes]) -> Callable[[bytes], bytes]:
    return lambda message: listing(*keys) if message[0] == LIST else signing(message)


ALL = (
    (blob("alice"), b"alice@laptop"),
    (P256_BLOB, b"work"),
    (blob("bob"), b"work"),
    (RSA_BLOB, b"old"),
    (SK_BLOB, b"stick"),
    (CERTIFICATE_BLOB, b"alice@laptop"),
)
ALICE_FINGERPRINT = agent._Held("ssh-ed25519", blob("alice"), "").fingerprint


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("agent:alice@laptop", public("alice")),
        (f"agent:{ALICE_FINGERPRINT}", public("alice")),
        (f"agent:{key_id('bob')}", public("bob")),
        (f"agent:{from_crypto(P256.public_key()).id}", from_crypto(P256.public_key())),
    ],
)
def test_a_key_is_named_and_signs(
    where: str, expected: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with answering(tmp_path, monkeypatch, holding(*ALL)):
        signer = open_signer(where, passphrase=lambda _: pytest.fail("asked"))
        assert signer.key == expected
        for data in (b"", b"text", b"x" * 100_000):
            assert signer.key.verify(signer.sign(data), data)


def test_the_only_key_needs_no_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys that cannot sign here do not count, and a key that is listed twice is one key."""
    held = (blob("alice"), b"a"), (blob("alice"), b"b"), (RSA_BLOB, b"r"), (SK_BLOB, b"s")
    with answering(tmp_path, monkeypatch, holding(*held)):
        assert open_signer("agent:", passphrase=lambda _: "").key == public("alice")


@pytest.mark.parametrize(
    ("held", "where", "complaint"),
    [
        ((), "agent:", "shows no key: it holds none, or is locked"),
        ((), "agent:x", "shows no key: it holds none, or is locked"),
        (ALL, "agent:", "has 3 keys that could sign: SHA256:"),
        (ALL, "agent:work", "has 2 keys named 'work'"),
        (ALL, "agent:nobody", "has no key 'nobody'; it has .* and 1 more"),
        (ALL, "agent:old", r"cannot sign here: SHA256:\S+ old \(ssh-rsa\)"),
        (ALL, "agent:stick", r"cannot sign here: SHA256:\S+ stick \(sk-ssh-ed25519@openssh.com\)"),
        (((RSA_BLOB, b"old"),), "agent:", "cannot sign here"),
        (((CERTIFICATE_BLOB, b"c"),), "agent:c", "cannot sign here"),
        (((string(b"ssh-ed25519", b"short"), b"broken"),), "agent:", "no public key"),
        (((string(b"\xff\xfe"), b"\xff\x1b[2J"),), "agent:nobody", "has no key 'nobody'"),
    ],
)
def test_which_key(
    held: tuple[tuple[bytes, bytes], ...],
    where: str,
    complaint: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with answering(tmp_path, monkeypatch, holding(*held)), pytest.raises(ContractError, match=complaint) as caught:
        open_signer(where, passphrase=lambda _: pytest.fail("asked"))
    assert caught.value.diagnostics().replace("\n", "").isprintable()


def test_nobody_waits_long_for_a_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A person may take a minute to confirm a signature; a list needs nobody."""
    monkeypatch.setattr(agent, "_LISTING", 0.3)
    with answering(tmp_path, monkeypatch, lambda _message: None):
        error = refusal("agent:")
    assert error.message.endswith("the ssh-agent gave no answer in 0.3 s")


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        (FAILURE, "would not list its keys"),
        (b"", "would not list its keys"),
        (b"\x0c", "would not list its keys"),
        (b"\x0c\xff\xff\xff\xff", "would not list its keys"),
        (listing((b"x", b"")), "would not list its keys"),
        (listing((blob("alice"), b"")) + b"more", "would not list its keys"),
        (None, r"gave no answer in 0\.3 s"),
    ],
)
def test_an_agent_that_lists_nothing_sensible(
    answer: bytes | None, complaint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent, "PATIENCE", 0.3)
    with answering(tmp_path, monkeypatch, lambda _: answer), pytest.raises(ContractError, match=complaint):
        raise refusal("agent:")


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        (FAILURE, "would not sign: Unable to sign"),
        (b"\x63", "would not sign"),
        (b"\x0e", "would not sign"),
        (b"\x0e" + string(b""), "something that is no signature"),
        (b"\x0e" + string(string(b"ssh-ed25519", b"x") + b"more"), "something that is no signature"),
        (b"\x0e" + string(string(b"ecdsa-sha2-nistp256", b"x")), "something that is no signature"),
        (b"\x0e" + string(string(b"ecdsa-sha2-nistp256", mpint(1) + mpint(1) + b"x")), "something that is no sig"),
        (b"\x0e" + string(string(b"ecdsa-sha2-nistp256", mpint(1) + mpint(1))), "signed with something else"),
        (b"\x0e" + string(string(b"ssh-ed25519", private("bob").sign(b"text"))), "signed with something else"),
        (b"\x0e" + string(string(b"ssh-ed25519", b"")), "signed with something else"),
        (None, r"gave no answer in 0\.3 s"),
    ],
)
def test_an_agent_that_signs_nothing_good(
    answer: bytes | None, complaint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = listing((blob("alice"), b""))
    monkeypatch.setattr(agent, "PATIENCE", 0.3)
    with answering(tmp_path, monkeypatch, lambda message: held if message[0] == LIST else answer):
        signer = open_signer("agent:", passphrase=lambda _: "")
        with pytest.raises(ContractError, match=complaint):
            signer.sign(b"text")


def test_no_agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    assert refusal("agent:").message == "there is no ssh-agent: SSH_AUTH_SOCK is not set"
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "gone"))
    assert refusal("agent:").message == "the ssh-agent cannot be reached: No such file or directory"
