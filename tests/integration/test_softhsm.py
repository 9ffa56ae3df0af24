"""Signs with keys in a PKCS#11 token: SoftHSM, which the test fills with keys of its own."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from xspm.contract.envelope import Envelope, signers
from xspm.contract.signers import open_signer
from xspm.errors import ContractError

LIBRARY = next((str(path) for path in sorted(Path("/usr/lib").glob("**/libsofthsm2.so"))), None)
PIN = "123456"

pytestmark = pytest.mark.skipif(
    LIBRARY is None or shutil.which("softhsm2-util") is None, reason="no SoftHSM here: install softhsm2"
)


@pytest.fixture(scope="module")
def token(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A token with ECDSA keys: 2 on P-256, 3 on P-384 that is seen only with the PIN, 4 on P-521."""
    pkcs11 = pytest.importorskip("pkcs11")
    encode = pytest.importorskip("pkcs11.util.ec").encode_named_curve_parameters
    folder = tmp_path_factory.mktemp("softhsm")
    (folder / "tokens").mkdir()
    (folder / "conf").write_text(f"directories.tokendir = {folder}/tokens\n")
    # The library reads its configuration once, when the process loads it.
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOFTHSM2_CONF", str(folder / "conf"))
        patch.setenv("PYKCS11LIB", str(LIBRARY))
        made = ["softhsm2-util", "--init-token", "--free", "--label", "xspm", "--pin", PIN, "--so-pin", "654321"]
        subprocess.run(made, check=True, stdout=subprocess.DEVNULL)
        store = pkcs11.lib(str(LIBRARY)).get_token(token_label="xspm")
        with store.open(user_pin=PIN, rw=True) as session:
            for number, curve in ((2, "secp256r1"), (3, "secp384r1"), (4, "secp521r1")):
                named = {pkcs11.Attribute.EC_PARAMS: encode(curve)}
                session.create_domain_parameters(pkcs11.KeyType.EC, named, local=True).generate_keypair(
                    store=True,
                    id=bytes([number]),
                    label=f"key {number}",
                    public_template={pkcs11.Attribute.PRIVATE: number == 3},
                )
        yield store


@pytest.mark.usefixtures("token")
@pytest.mark.parametrize(
    ("where", "kind"),
    [
        ("hsm:", "ecdsa-p256"),
        ("hsm:2", "ecdsa-p256"),
        ("hsm:2?label=xspm", "ecdsa-p256"),
        ("hsm:3?label=xspm", "ecdsa-p384"),
    ],
)
def test_a_token_signs(where: str, kind: str) -> None:
    asked: list[str] = []

    def answer(what: str) -> str:
        asked.append(what)
        return PIN

    signer = open_signer(where, passphrase=answer)
    assert signer.key.type == kind
    for payload in (b"{}", b"[]"):
        envelope = Envelope(payload)
        envelope = envelope.with_signature(signer.key.id, signer.sign(envelope.signed_bytes()))
        assert signers(envelope, {signer.key.id: signer.key}, "f") == {signer.key.id}
    assert asked == [f"PIN of {where}"]


@pytest.mark.usefixtures("token")
@pytest.mark.parametrize(
    ("where", "complaint"),
    [
        ("hsm:4", "secp521r1 is not a supported EC curve"),
        ("hsm:9", "could not find ECDSA key"),
        ("hsm:2?label=other", "No PKCS#11 token found for label other"),
    ],
)
def test_a_token_without_such_a_key(where: str, complaint: str) -> None:
    with pytest.raises(ContractError, match=complaint):
        open_signer(where, passphrase=lambda _: PIN)


@pytest.mark.usefixtures("token")
def test_a_wrong_pin() -> None:
    with pytest.raises(ContractError, match="the PIN is wrong"):
        open_signer("hsm:3", passphrase=lambda _: "999999")
    answers = iter(["999999", PIN])
    signer = open_signer("hsm:2", passphrase=lambda _: next(answers))
    with pytest.raises(ContractError, match="the PIN is wrong"):
        signer.sign(b"text")
    assert signer.key.verify(signer.sign(b"text"), b"text")


def test_no_such_library(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pkcs11")
    monkeypatch.setenv("PYKCS11LIB", "/nonexistent.so")
    with pytest.raises(ContractError, match="the PKCS#11 token: "):
        open_signer("hsm:", passphrase=lambda _: PIN)
