"""Signs with keys that a real ssh-agent holds, which the test starts and fills with keys of its own."""

from __future__ import annotations

import os
import pty
import shutil
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from xspm.contract.envelope import Envelope, signers
from xspm.contract.keys import read_public_key
from xspm.contract.signers import open_signer
from xspm.errors import ContractError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [
    pytest.mark.skipif(shutil.which(name) is None, reason=f"no {name} here: install openssh-client")
    for name in ("ssh-agent", "ssh-add", "ssh-keygen")
]

KEYS = {"ed": ("ed25519", "256"), "p256": ("ecdsa", "256"), "p384": ("ecdsa", "384"), "p521": ("ecdsa", "521")}


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    for name, (kind, bits) in {**KEYS, "rsa": ("rsa", "2048")}.items():
        made = ["ssh-keygen", "-q", "-t", kind, "-b", bits, "-N", "", "-C", f"{name}@test", "-f", str(folder / name)]
        subprocess.run(made, check=True)
    return folder


@pytest.fixture
def _agent(keys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    pytest.importorskip("asyncssh")
    path = tmp_path / "agent"
    process = subprocess.Popen(["ssh-agent", "-D", "-a", str(path)], stdout=subprocess.DEVNULL)
    try:
        for _ in range(200):
            if path.exists():
                break
            time.sleep(0.02)
        else:
            pytest.fail("ssh-agent did not start")
        monkeypatch.setenv("SSH_AUTH_SOCK", str(path))
        subprocess.run(["ssh-add", "-q", *(str(keys / name) for name in (*KEYS, "rsa"))], check=True)
        yield
    finally:
        process.terminate()
        process.wait(10)


def not_asked(what: str) -> str:
    return pytest.fail(f"asked for {what}")


def refusal(where: str) -> str:
    with pytest.raises(ContractError) as caught:
        open_signer(where, passphrase=not_asked)
    return caught.value.message


@pytest.mark.usefixtures("_agent")
@pytest.mark.parametrize("name", KEYS)
def test_every_type_signs(name: str, keys: Path) -> None:
    """By comment, by the fingerprint that ssh-add shows, and by the id that contracts use."""
    expected = read_public_key((keys / f"{name}.pub").read_text())
    listed = subprocess.run(["ssh-add", "-l"], check=True, capture_output=True, text=True).stdout
    fingerprint = next(line.split()[1] for line in listed.splitlines() if f"{name}@test" in line)
    for where in (f"agent:{name}@test", f"agent:{fingerprint}", f"agent:{expected.id}"):
        signer = open_signer(where, passphrase=not_asked)
        assert signer.key == expected
        envelope = Envelope(b"{}")
        envelope = envelope.with_signature(signer.key.id, signer.sign(envelope.signed_bytes()))
        assert signers(envelope, {expected.id: expected}, "f") == {expected.id}


@pytest.mark.usefixtures("_agent")
def test_which_key(keys: Path) -> None:
    assert refusal("agent:").startswith("the ssh-agent has 4 keys that could sign: SHA256:")
    assert "cannot sign here" in refusal("agent:rsa@test")
    assert "has no key 'nobody'" in refusal("agent:nobody")
    subprocess.run(["ssh-add", "-q", "-d", *(str(keys / name) for name in KEYS if name != "ed")], check=True)
    assert open_signer("agent:", passphrase=not_asked).key.type == "ed25519"


@pytest.mark.usefixtures("_agent")
def test_a_locked_agent() -> None:
    """Locked, it shows no key and signs with none, also for a signer that was opened before."""
    signer = open_signer("agent:ed@test", passphrase=not_asked)
    lock("-x")
    assert refusal("agent:ed@test") == "the ssh-agent shows no key: it holds none, or is locked"
    with pytest.raises(ContractError, match="would not sign"):
        signer.sign(b"text")
    lock("-X")
    assert signer.key.verify(signer.sign(b"text"), b"text")


@pytest.mark.usefixtures("_agent")
def test_a_key_that_was_taken_out(keys: Path) -> None:
    signer = open_signer("agent:ed@test", passphrase=not_asked)
    subprocess.run(["ssh-add", "-q", "-d", str(keys / "ed")], check=True)
    with pytest.raises(ContractError, match="would not sign"):
        signer.sign(b"text")


def lock(option: str) -> None:
    """Lock or unlock the agent; ssh-add asks for the password at a terminal."""
    child, terminal = pty.fork()
    if child == 0:  # pragma: no cover - coverage does not follow
        os.execvp("ssh-add", ["ssh-add", option])  # noqa: S606 - a tool of the test
    for _ in range(2 if option == "-x" else 1):
        seen = b""
        while not seen.endswith(b": "):
            seen += os.read(terminal, 100).strip(b"\r\n")
        os.write(terminal, b"secret\n")
    _, status = os.waitpid(child, 0)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 0
