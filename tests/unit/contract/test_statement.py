"""A statement has one way to be written, and is of one type."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from xspm.contract.statement import STATEMENT, decode_statement, encode_statement, subject
from xspm.errors import ContractError
from xspm.model.digest import Digest

TYPE = "https://example.org/v1"
DIGEST = Digest("sha256:" + "a" * 64)


class Said(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    word: str


PAYLOAD = encode_statement(TYPE, (subject("x", DIGEST),), Said("yes"))


def test_round_trip() -> None:
    assert decode_statement(PAYLOAD, TYPE, Said, "f") == ((subject("x", DIGEST),), Said("yes"))
    assert json.loads(PAYLOAD) == {
        "_type": STATEMENT,
        "predicateType": TYPE,
        "predicate": {"word": "yes"},
        "subject": [{"name": "x", "digest": {"sha256": "a" * 64}}],
    }


def _written(**more: Any) -> bytes:
    return json.dumps({**json.loads(PAYLOAD), **more}, separators=(",", ":"), sort_keys=True).encode()


@pytest.mark.parametrize(
    ("payload", "complaint"),
    [
        (b"", "malformed"),
        (b"\xff", "malformed"),
        (b'{"a":' * 10_000, "malformed"),
        (_written(_type="https://in-toto.io/Statement/v0.1"), "no in-toto statement v1 but"),
        (_written(predicateType="other"), "it states 'other', not https://example.org/v1"),
        (_written(predicate={"word": 1}), "malformed: Expected `str`, got `int`"),
        (_written(predicate={"word": "yes", "more": 1}), "malformed: Object contains unknown field `more`"),
        (_written(more=1), "malformed: Object contains unknown field `more`"),
        (PAYLOAD + b" ", "not canonical JSON"),
        (PAYLOAD.replace(b'"yes"', b'"ye\\u0073"'), "not canonical JSON"),
        (PAYLOAD.replace(b'{"word":"yes"}', b'{"word":"no","word":"yes"}'), "not canonical JSON"),
    ],
)
def test_refused(payload: bytes, complaint: str) -> None:
    with pytest.raises(ContractError, match=complaint) as caught:
        decode_statement(payload, TYPE, Said, "f.json")
    assert str(caught.value).startswith("f.json: ")
