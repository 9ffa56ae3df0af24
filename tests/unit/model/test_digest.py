"""Canonical JSON is RFC 8785 to the byte, whichever way it is written."""

from __future__ import annotations

import json
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from xspm.errors import ModelError
from xspm.model.digest import MAX_DEPTH, MAX_SAFE_INTEGER, canonical, digest, digest_bytes
from xspm.model.unknown import Unknown

_INTEGERS = st.integers(-MAX_SAFE_INTEGER, MAX_SAFE_INTEGER)
_TEXT = st.text(st.characters(codec="utf-8"))
_JSON = st.recursive(
    st.none() | st.booleans() | _INTEGERS | st.floats(allow_nan=False, allow_infinity=False) | _TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(_TEXT, inner),
    max_leaves=30,
)


@given(_JSON)
def test_every_value_is_written_as_the_reference_library_writes_it(value: Any) -> None:
    assert canonical(value) == rfc8785.dumps(value)


@given(_JSON)
def test_canonical_json_reads_back_as_the_same_value(value: Any) -> None:
    # A float such as 1e16 is written as an integer (RFC 8785 section 3.2.2.3): numbers compare as floats.
    assert value == json.loads(canonical(value), parse_int=float)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        # RFC 8785 section 3.2.2
        (
            {
                "numbers": [333333333.33333329, 1e30, 4.50, 2e-3, 0.000000000000000000000000001],
                "string": "\u20ac$\u000f\u000aA'\u0042\u0022\u005c\\\"/",
                "literals": [None, True, False],
            },
            (
                b'{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
                b'"string":"\xe2\x82\xac$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
            ),
        ),
        # RFC 8785 section 3.2.3: keys sort by UTF-16 code units
        (
            {"\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\U0001f600": 5, "\u0080": 6, "\u00f6": 7},
            b'{"\\r":2,"1":4,"\xc2\x80":6,"\xc3\xb6":7,"\xe2\x82\xac":1,"\xf0\x9f\x98\x80":5,"\xef\xac\xb3":3}',
        ),
        ({"b": [], "a": {}}, b'{"a":{},"b":[]}'),
        ({"a": Unknown("no")}, b'{"a":{"$unknown":"no"}}'),
        ((1, 2), b"[1,2]"),
    ],
)
def test_published_vectors(value: Any, written: bytes) -> None:
    assert written == canonical(value)


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        (2**53, "outside the range"),
        ({"a": [-(2**53)]}, "outside the range"),
        (float("nan"), "not canonical JSON"),
        ([float("inf")], "not canonical JSON"),
        ("\ud800", "not canonical JSON"),
    ],
)
def test_what_json_cannot_carry_is_refused(value: Any, complaint: str) -> None:
    with pytest.raises(ModelError, match=complaint):
        canonical(value)


def test_keys_that_were_seen_do_not_vouch_for_others() -> None:
    assert canonical({"seen": 1}) == b'{"seen":1}'
    assert canonical({"seen": {"\U0001f600": 1, "\ufb33": 2}}) == rfc8785.dumps(
        {"seen": {"\U0001f600": 1, "\ufb33": 2}}
    )
    for key in (1, None, 1.5):
        with pytest.raises(ModelError, match="keys must be strings"):
            canonical({"seen": {key: 1}})


def test_nesting_is_limited() -> None:
    value: list[Any] = []
    for _ in range(MAX_DEPTH):
        value = [value]
    assert canonical(value)
    with pytest.raises(ModelError, match="nested deeper"):
        canonical([value])


def test_a_digest_names_its_algorithm() -> None:
    empty = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert digest_bytes(b"") == empty
    assert digest({"b": 1, "a": 2}) == digest_bytes(b'{"a":2,"b":1}')
