"""Published DSSE vectors: the example of the protocol's text, and cases about encodings and thresholds.

https://github.com/secure-systems-lab/dsse: `protocol.md` ("Test Vectors"), and `testvectors/` for the Ed25519 cases,
whose keys are those of RFC 8032 section 7.1. Ed25519 makes one signature per text, so whoever has the keys makes these.
"""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from securesystemslib.dsse import Envelope as Dsse

from xspm.contract.envelope import PAYLOAD_TYPE, decode_envelope, signers
from xspm.contract.keys import KeyId, PublicKey, from_crypto
from xspm.errors import ContractError

KEYS = {
    "A": "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    "B": "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
}
STATEMENT = "eyJfdHlwZSI6Imh0dHBzOi8vaW4tdG90by5pby9TdGF0ZW1lbnQvdjEifQ=="
BY_A = "2WAfaHm5jluo0w+0rk8uVkluELJYWjSmU9x7EUzx+AyteDGJ4/nqyJXfmAUVFIAoQafWm7AxBZNw5M9ixNHiCA=="
BY_B = "c1+67/aT0yqEpwx8PsVY3MLHsj9D0CZ014/Fv/QlG59P+9CobUZ7xECJ/V3USG0Ob9CiE5LjReEZUzNF2l7eBw=="


def key(name: str) -> PublicKey:
    return from_crypto(Ed25519PublicKey.from_public_bytes(bytes.fromhex(KEYS[name])))


def wire(payload: str, kind: str, *signatures: tuple[str | None, str]) -> bytes:
    named: list[dict[str, Any]] = [{"sig": sig, **({"keyid": by} if by else {})} for by, sig in signatures]
    return json.dumps({"payload": payload, "payloadType": kind, "signatures": named}).encode()


def good(data: bytes, *trusted: str) -> set[str]:
    """The vectors' keys that signed, counted by their bytes."""
    known = {KeyId(name): key(name) for name in trusted}
    found = signers(decode_envelope(data, "vector"), known, "vector")
    return {known[one].spki for one in found}


@pytest.mark.parametrize(
    ("data", "count"),
    [
        pytest.param(wire(STATEMENT, PAYLOAD_TYPE, ("A", BY_A)), 1, id="single-signature"),
        pytest.param(
            wire(
                "-_-_Pj8=",
                PAYLOAD_TYPE,
                ("A", "P-_KHICeR7tI6S_YyejJTRtrXhcQyQ2LYPaL8h90KjC9qN8HU_svOQ6TuDOT1HIrsGW886DbWNWcCmX5twLrAw=="),
            ),
            1,
            id="url-safe-base64",
        ),
        pytest.param(
            wire(
                "",
                PAYLOAD_TYPE,
                ("A", "gSggCAaTLTYyRH6FIDBem6meyIynsYy8RTHVzwx9tnTb7Bg/1jMWnuVgI/gffqmbsC2VX5/jHfkkDqsj7CDbDg=="),
            ),
            1,
            id="empty-payload",
        ),
        pytest.param(wire(STATEMENT, PAYLOAD_TYPE, ("A", BY_A), ("B", BY_B)), 2, id="threshold-two-distinct-keys"),
    ],
)
def test_accepted(data: bytes, count: int) -> None:
    assert len(good(data, "A", "B")) == count


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        pytest.param(
            wire(STATEMENT, "application/vnd.example.other+json", ("A", BY_A)),
            "the payload is of the type",
            id="payload-type-swapped",
        ),
        pytest.param(
            wire(
                STATEMENT,
                "",
                ("A", "iC3q/+3Rm0+lpAJRueDmDh15PnwCfxKmS0NAfKsbv+zgulXQC/WM9trc+j1XEqlwDIg/vf/uNfebeD6sxInrDg=="),
            ),
            "the payload is of the type",
            id="empty-payload-type",
        ),
        pytest.param(
            wire(STATEMENT, PAYLOAD_TYPE, ("A", BY_A), ("A", BY_A)), "signed twice", id="threshold-two-one-key-twice"
        ),
        # Stricter than the protocol, on purpose: every signature names its key, and one payload type is known.
        pytest.param(
            wire(STATEMENT, PAYLOAD_TYPE, (None, BY_A), (None, BY_B)),
            "missing required field `keyid`",
            id="threshold-two-without-keyids",
        ),
        pytest.param(
            wire(STATEMENT, "application/vnd.exämple+json", ("A", BY_A)),
            "the payload is of the type",
            id="non-ascii-payload-type",
        ),
    ],
)
def test_refused(data: bytes, complaint: str) -> None:
    with pytest.raises(ContractError, match=complaint):
        good(data, "A", "B")


def test_the_length_of_a_type_is_counted_in_bytes() -> None:
    expected = (
        "445353457631203239206170706c69636174696f6e2f766e642e6578c3a46d706c652b6a736f6e203433207b225f74797065223a22687474"
        "70733a2f2f696e2d746f746f2e696f2f53746174656d656e742f7631227d"
    )
    assert Dsse(base64.b64decode(STATEMENT), "application/vnd.exämple+json", {}).pae().hex() == expected


def test_the_example_of_the_protocol() -> None:
    """ECDSA over P-256, r and s one after the other."""
    public = ec.EllipticCurvePublicNumbers(
        46950820868899156662930047687818585632848591499744589407958293238635476079160,
        5640078356564379163099075877009565129882514886557779369047442380624545832820,
        ec.SECP256R1(),
    ).public_key()
    raw = base64.b64decode("A3JqsQGtVsJ2O2xqrI5IcnXip5GToJ3F+FnZ+O88SjtR6rDAajabZKciJTfUiHqJPcIAriEGAHTVeCUjW2JIZA==")
    signed = Dsse(b"hello world", "http://example.com/HelloWorld", {}).pae()
    assert signed == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    signature = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    public.verify(signature, signed, ec.ECDSA(SHA256()))
    assert from_crypto(public).verify(signature, signed)
    assert not from_crypto(public).verify(signature, hashlib.sha256(signed).digest())
