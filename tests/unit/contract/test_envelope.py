"""Envelopes are read strictly, signed over DSSE's encoding, and merged only over one text."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from securesystemslib.dsse import Envelope as Dsse

from parties import key_id, private, public, sign
from xspm.contract.envelope import PAYLOAD_TYPE, Envelope, decode_envelope, merge, signers
from xspm.errors import ContractError

TEXT = b'{"a":1}'


def test_round_trip() -> None:
    envelope = sign(Envelope(TEXT), "bob", "alice")
    assert decode_envelope(envelope.encode(), "x") == envelope
    assert list(envelope.signatures) == sorted(envelope.signatures)


def test_the_signed_bytes_are_those_of_the_specification() -> None:
    """The example in the DSSE protocol's text, with our payload type."""
    assert Envelope(b"hello world").signed_bytes() == b"DSSEv1 28 application/vnd.in-toto+json 11 hello world"


def test_another_implementation_reads_and_verifies_it() -> None:
    envelope = sign(Envelope(TEXT), "alice")
    theirs = Dsse.from_dict(json.loads(envelope.encode()))
    assert (theirs.payload, theirs.payload_type) == (TEXT, PAYLOAD_TYPE)
    private("alice").public_key().verify(bytes.fromhex(theirs.signatures[key_id("alice")].signature), theirs.pae())


@pytest.mark.parametrize(
    ("payload", "good"),
    [
        ("eyJhIjoxfQ==", True),
        ("eyJhIjoxfQ====", False),
        ("eyJhIjoxfR==", False),
        ("eyJhIjoxfQ", False),
        ("eyJh====", False),
        ("-_-_", True),
    ],
)
def test_only_one_way_to_write_base64(payload: str, good: bool) -> None:  # noqa: FBT001 - a table
    """Either alphabet, but no excess padding and no bits that stand for nothing."""
    text = json.dumps({"payload": payload, "payloadType": PAYLOAD_TYPE, "signatures": []}).encode()
    if good:
        assert decode_envelope(text, "x").payload
    else:
        with pytest.raises(ContractError, match="the payload is not base64"):
            decode_envelope(text, "x")


@pytest.mark.parametrize("name", ["payload", "payloadType", "signatures", "keyid", "sig"])
def test_a_name_that_stands_twice(name: str) -> None:
    text = sign(Envelope(TEXT), "alice").encode().decode()
    (line,) = [line for line in text.splitlines() if f'"{name}":' in line]
    twice = line.rstrip(",[") + ("[]," if line.endswith("[") else ",")
    with pytest.raises(ContractError, match=f"it says `{name}` twice"):
        decode_envelope(text.replace(line, f"{twice}\n{line}").encode(), "x")


def _wire(**more: Any) -> bytes:
    good = json.loads(sign(Envelope(TEXT), "alice").encode())
    return json.dumps({key: value for key, value in {**good, **more}.items() if value is not None}).encode()


SIGNATURE = {"keyid": "k", "sig": base64.b64encode(b"x").decode()}


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"", "not a DSSE envelope"),
        (b"\xff", "not a DSSE envelope"),
        (b"[" * 100_000, "not a DSSE envelope"),
        (b"{}", "not a DSSE envelope: Object missing required field `payload`"),
        (_wire(signatures=None), "missing required field `signatures`"),
        (_wire(more=1), "unknown field `more`"),
        (_wire(payloadType="text/plain"), "the payload is of the type 'text/plain'"),
        (_wire(payload="%"), "the payload is not base64"),
        (_wire(signatures=[{"keyid": "k", "sig": "%"}]), "a signature is not base64"),
        (_wire(signatures=[SIGNATURE, SIGNATURE]), "the key k signed twice"),
        (_wire(signatures=[{"sig": "AA=="}]), "missing required field `keyid`"),
        (
            _wire(signatures=[{"keyid": str(number), "sig": ""} for number in range(65)]),
            "65 signatures are more than 64",
        ),
    ],
)
def test_refused(data: bytes, complaint: str) -> None:
    with pytest.raises(ContractError, match=complaint) as caught:
        decode_envelope(data, "x.json")
    assert str(caught.value).startswith("x.json: ")


def test_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xspm.contract.envelope.MAX_ENVELOPE", 10)
    with pytest.raises(ContractError, match="11 bytes are more than the 10"):
        decode_envelope(b" " * 11, "x")


def test_signers() -> None:
    keys = {key_id(name): public(name) for name in ("alice", "bob")}
    assert signers(sign(Envelope(TEXT), "alice", "bob"), keys, "x") == set(keys)
    assert signers(Envelope(TEXT), keys, "x") == set()


def test_strangers_and_bad_signatures_spoil_the_whole() -> None:
    keys = {key_id("alice"): public("alice")}
    with pytest.raises(ContractError, match="signed by a key that nobody in the contract holds"):
        signers(sign(Envelope(TEXT), "alice", "mallory"), keys, "x")
    moved = Envelope(b"other", sign(Envelope(TEXT), "alice").signatures)
    with pytest.raises(ContractError, match="is not good: it is over something else"):
        signers(moved, keys, "x")


def test_merge() -> None:
    copies = {name: sign(Envelope(TEXT), name) for name in ("alice", "bob", "carol")}
    assert merge(copies) == sign(Envelope(TEXT), "alice", "bob", "carol")
    assert merge({"a": copies["alice"], "b": copies["alice"]}) == copies["alice"]
    with pytest.raises(
        ContractError, match=r"^b: signs sha256:.*, and a signs sha256:.*: only copies of one text merge"
    ):
        merge({"a": copies["alice"], "b": Envelope(b"other")})
