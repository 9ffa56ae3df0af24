"""Signs with keys in AWS KMS and Vault: their real clients, over HTTP on loopback, against what their manuals say."""

from __future__ import annotations

import base64
import json
import logging
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256, SHA384
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from xspm.contract.envelope import Envelope, signers
from xspm.contract.signers import Signer, open_signer
from xspm.errors import ContractError

if TYPE_CHECKING:
    from collections.abc import Iterator


ARN = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"


def not_asked(what: str) -> str:
    return pytest.fail(f"asked for {what}")


def assert_signs(signer: Signer) -> None:
    for payload in (b"{}", b"[]"):
        envelope = Envelope(payload)
        envelope = envelope.with_signature(signer.key.id, signer.sign(envelope.signed_bytes()))
        assert signers(envelope, {signer.key.id: signer.key}, "f") == {signer.key.id}


class _Service(BaseHTTPRequestHandler):
    """Answers JSON with JSON."""

    def answer(self, status: int, value: Any, kind: str = "application/json") -> None:
        """Answer."""
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def asked(self) -> dict[str, Any]:
        """Read what is asked."""
        value = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert isinstance(value, dict)
        return value

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that it overrides
        """Say nothing."""


@contextmanager
def serving(handler: type[_Service]) -> Iterator[str]:
    """Serve, and give the address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


class _Kms(_Service):
    """AWS KMS with a few keys: https://docs.aws.amazon.com/kms/latest/APIReference. moto's signs no digests."""

    keys: ClassVar[dict[str, tuple[Any, str]]] = {
        "alias/p256": (ec.generate_private_key(ec.SECP256R1()), "ECDSA_SHA_256"),
        "alias/p384": (ec.generate_private_key(ec.SECP384R1()), "ECDSA_SHA_384"),
        "alias/p521": (ec.generate_private_key(ec.SECP521R1()), "ECDSA_SHA_512"),
        "alias/p256k1": (ec.generate_private_key(ec.SECP256K1()), "ECDSA_SHA_256"),
        "alias/rsa": (rsa.generate_private_key(65537, 2048), "RSASSA_PSS_SHA_256"),
        "alias/disabled": (ec.generate_private_key(ec.SECP256R1()), "ECDSA_SHA_256"),
        ARN: (ec.generate_private_key(ec.SECP256R1()), "ECDSA_SHA_256"),
    }

    def do_POST(self) -> None:
        """Tell a public key, or sign a digest."""
        asked, action = self.asked(), self.headers["X-Amz-Target"].removeprefix("TrentService.")
        name = asked["KeyId"]
        if name not in self.keys:
            self.refuse("NotFoundException", f"Alias {name} is not found.")
            return
        private, algorithm = self.keys[name]
        if action == "GetPublicKey":
            der = private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
            self.tell({"KeyId": name, "PublicKey": base64.b64encode(der).decode(), "SigningAlgorithms": [algorithm]})
        elif name == "alias/disabled":
            self.refuse("DisabledException", f"{name} is disabled.")
        else:
            assert (action, asked["MessageType"], asked["SigningAlgorithm"]) == ("Sign", "DIGEST", algorithm)
            hashing = ec.ECDSA(Prehashed(SHA256() if algorithm == "ECDSA_SHA_256" else SHA384()))
            signature = private.sign(base64.b64decode(asked["Message"]), hashing)
            self.tell({"KeyId": name, "Signature": base64.b64encode(signature).decode()})

    def tell(self, value: dict[str, Any]) -> None:
        """Answer."""
        self.answer(200, value, "application/x-amz-json-1.1")

    def refuse(self, kind: str, message: str) -> None:
        """Answer with an error."""
        self.answer(400, {"__type": kind, "message": message}, "application/x-amz-json-1.1")


@pytest.fixture
def _kms(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    pytest.importorskip("boto3")
    with serving(_Kms) as address:
        monkeypatch.setenv("AWS_ENDPOINT_URL", address)
        monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "very-secret")
        yield


@pytest.mark.usefixtures("_kms")
@pytest.mark.parametrize(
    ("where", "kind"),
    [("awskms:alias/p256", "ecdsa-p256"), ("awskms:alias/p384", "ecdsa-p384"), (f"awskms:{ARN}", "ecdsa-p256")],
)
def test_aws_kms_signs(where: str, kind: str) -> None:
    signer = open_signer(where, passphrase=not_asked)
    assert signer.key.type == kind
    assert_signs(signer)


@pytest.mark.usefixtures("_kms")
@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("rsa", "keys for rsa.* are not accepted"),
        ("p256k1", "is not accepted"),
        ("p521", "Unsupported AWS key algorithms"),
        ("nobody", r"AWS KMS: .*NotFoundException.* Alias alias/nobody is not found\."),
    ],
)
def test_aws_kms_keys_that_may_not_sign(name: str, complaint: str) -> None:
    with pytest.raises(ContractError, match=complaint) as caught:
        open_signer(f"awskms:alias/{name}", passphrase=not_asked)
    assert "very-secret" not in caught.value.diagnostics()


@pytest.mark.usefixtures("_kms")
def test_aws_kms_refuses(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    # As the library sets it up when it is first imported.
    monkeypatch.setattr(logging.getLogger("securesystemslib"), "handlers", [logging.StreamHandler()])
    signer = open_signer("awskms:alias/disabled", passphrase=not_asked)
    with pytest.raises(ContractError, match=r"AWS KMS: .*alias/disabled is disabled"):
        signer.sign(b"text")
    assert capfd.readouterr().err == ""


class _Vault(_Service):
    """Vault's transit engine with a few keys: https://developer.hashicorp.com/vault/api-docs/secret/transit."""

    private = Ed25519PrivateKey.generate()

    def do_GET(self) -> None:
        """Read a key."""
        name = self.path.rpartition("/")[2]
        public = base64.b64encode(self.private.public_key().public_bytes_raw()).decode()
        keys = {
            "alice": {"9": {"public_key": "AAAA"}, "10": {"public_key": public, "name": "ed25519"}},
            "rotated": {"1": {"public_key": base64.b64encode(b"\x01" * 32).decode()}},
            "ecdsa": {"1": {"public_key": "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"}},
            "aes": {"1": 1442851412},
        }
        self.tell({"data": {"keys": keys[name]}} if name in keys else None)

    def do_PUT(self) -> None:
        """Sign."""
        self.do_POST()

    def do_POST(self) -> None:
        """Sign."""
        asked = self.asked()
        signature = self.private.sign(base64.b64decode(asked.get("input") or asked["hash_input"]))
        self.tell({"data": {"signature": "vault:v10:" + base64.b64encode(signature).decode()}})

    def tell(self, value: dict[str, Any] | None) -> None:
        """Answer, to whoever may ask."""
        if self.headers.get("X-Vault-Token") != "good":
            self.answer(403, {"errors": ["permission denied"]})
        else:
            self.answer(200 if value else 404, value or {"errors": []})


@pytest.fixture
def _vault(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    pytest.importorskip("hvac")
    with serving(_Vault) as address:
        monkeypatch.setenv("VAULT_ADDR", address)
        monkeypatch.setenv("VAULT_TOKEN", "good")
        yield


@pytest.mark.usefixtures("_vault")
@pytest.mark.parametrize("where", ["hv:alice", "hv:alice/10"])
def test_vault_signs(where: str) -> None:
    signer = open_signer(where, passphrase=not_asked)
    assert signer.key.type == "ed25519"
    assert_signs(signer)


@pytest.mark.usefixtures("_vault")
@pytest.mark.parametrize(
    ("where", "complaint"),
    [
        ("hv:alice/9", "signs with the newest version only, hv:alice/10"),
        ("hv:nobody", "Vault: "),
        ("hv:ecdsa", "Vault: "),
        ("hv:aes", "Vault: "),
    ],
)
def test_vault_keys_that_may_not_sign(where: str, complaint: str) -> None:
    with pytest.raises(ContractError, match=complaint):
        open_signer(where, passphrase=not_asked)


@pytest.mark.usefixtures("_vault")
def test_vault_signs_with_another_key() -> None:
    signer = open_signer("hv:rotated", passphrase=not_asked)
    with pytest.raises(ContractError, match="signed with something else than its key"):
        signer.sign(b"text")


@pytest.mark.usefixtures("_vault")
def test_vault_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAULT_TOKEN", "stolen-secret")
    with pytest.raises(ContractError, match="permission denied") as caught:
        open_signer("hv:alice", passphrase=not_asked)
    assert "stolen-secret" not in caught.value.diagnostics()
