"""Where one hand holds powers that should be apart, the contract says so."""

from __future__ import annotations

from base64 import b64encode
from fnmatch import fnmatchcase
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logbook import signer, witness_signer
from parties import party, private, public, terms
from xspm.contract.separation import meets, overlaps
from xspm.contract.terms import (
    Critical,
    Degraded,
    ExceptionTerms,
    LedgerTerms,
    Member,
    Owned,
    Scanner,
    check_terms,
)
from xspm.ledger.note import COSIGNED, Key

LOG, WITNESS = signer().key.vkey, witness_signer(1).key.vkey
SOUND: dict[str, Any] = {
    "parties": {
        "security": party("alice", "bob", "carol"),
        "platform": party("dave", "erin"),
        "audit": party("frank", "grace"),
    },
    "rules": {
        "accept_contract": {"security": 2, "platform": 1},
        "publish_policy": {"security": 2},
        "approve_exception": {"security": 1},
    },
    "scanners": {
        "east": Scanner((public("east"),), ("*",), "security"),
        "west": Scanner((public("west"),), ("*",), "audit"),
    },
    "ledger": LedgerTerms("example.org/log", LOG, "security", {"audit": WITNESS}),
}


def kinds(**more: Any) -> list[tuple[str, str]]:
    made = terms(**{**SOUND, **more})
    check_terms(made)
    return [(one.severity, one.kind) for one in overlaps(made)]


def test_a_contract_that_keeps_powers_apart() -> None:
    assert kinds() == []


def rules(**more: dict[str, int]) -> dict[str, Any]:
    return {"rules": {**SOUND["rules"], **more}}


def ledger(**more: Any) -> dict[str, Any]:
    given = {"origin": "example.org/log", "key": LOG, "operator": "security", "witnesses": {"audit": WITNESS}, **more}
    return {"ledger": LedgerTerms(**given)}


def scanner(operator: str, *assets: str) -> dict[str, Any]:
    east = Scanner((public("east"),), assets, operator)
    return {"scanners": {"east": east, "west": SOUND["scanners"]["west"]}}


def shared_witness() -> str:
    raw = private("alice").public_key().public_bytes_raw()
    return Key("alice.example", COSIGNED, raw).vkey


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        (rules(publish_policy={"platform": 2}), [("high", "platform-alone"), ("low", "all-must-sign")]),
        (rules(publish_policy={"security": 1}), [("high", "person-alone")]),
        (rules(approve_exception={"platform": 1}), [("high", "platform-alone")]),
        (rules(approve_exception={"platform": 1, "security": 1}), []),
        (rules(declare_degraded={"platform": 1}), [("high", "person-alone"), ("high", "platform-alone")]),
        (rules(publish_policy={"security": 3}), [("low", "all-must-sign")]),
        (
            {"degraded": Degraded("few", "2026-07-01", "2026-05-15"), **rules(accept_contract={"security": 2})},
            [("high", "degraded"), ("high", "party-alone"), ("high", "party-alone")],
        ),
        ({"critical": (Critical(("host:*",), {"platform": 1}),)}, [("medium", "review-within")]),
        ({"critical": (Critical(("host:*",), {"platform": 1, "security": 1}),)}, []),
        ({"exceptions": ExceptionTerms(wildcards=True)}, [("medium", "wide-exceptions")]),
        ({"exceptions": ExceptionTerms(max_days=200)}, [("low", "long-exceptions")]),
        (scanner("platform", "*"), [("high", "scanner-of-owner")]),
        (
            {**scanner("security", "host:web-*"), "owners": (Owned(("host:*-1",), ("alice",)),)},
            [("high", "scanner-of-owner")],
        ),
        ({**scanner("security", "k8s:*"), "owners": (Owned(("host:*",), ("alice",)),)}, []),
        ({"scanners": {"east": SOUND["scanners"]["east"]}}, [("low", "one-scanner")]),
        ({"ledger": None}, [("medium", "no-ledger")]),
        (ledger(quorum=0), [("high", "unwitnessed")]),
        (ledger(witnesses={}, quorum=0), [("high", "unwitnessed")]),
        (ledger(witnesses={"security": WITNESS}), [("high", "unwitnessed")]),
        (ledger(operator="platform", quorum=0), [("high", "ledger-of-owner"), ("high", "unwitnessed")]),
        (
            ledger(witnesses={"security": witness_signer(2).key.vkey, "audit": WITNESS}, quorum=1),
            [("high", "own-witness")],
        ),
        (
            ledger(witnesses={"security": witness_signer(2).key.vkey, "audit": WITNESS}, quorum=2),
            [("medium", "own-witness")],
        ),
        # One key of the log and of a witness: written with another byte for its kind, and so not the same text.
        (ledger(witnesses={"audit": shared_witness()}), [("high", "shared-key")]),
        (
            {"parties": {**SOUND["parties"], "platform": party("dave")}},
            [("medium", "one-person-party")],
        ),
        ({"parties": {**SOUND["parties"], "audit": party("frank")}}, []),
        (
            {"owners": (Owned(("k8s:x",), ("dave",)), Owned(("host:*",), ("alice", "bob", "carol")))},
            [("high", "scanner-of-owner"), ("medium", "nobody-left")],
        ),
        (
            {"parties": {**SOUND["parties"], "audit": party("frank", "Alice+admin@example.org", "grace")}},
            [("medium", "one-person")],
        ),
        (
            {"parties": {**SOUND["parties"], "audit": party("frank", "a1ice", "grace")}},
            [("low", "names-alike")],
        ),
        (
            {"parties": {**SOUND["parties"], "audit": party("frank", "da.ve", "grace")}},
            [("low", "names-alike")],
        ),
    ],
)  # fmt: skip
def test_where_powers_meet(more: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert kinds(**more) == expected


def test_without_a_platform_its_owners_run_the_assets() -> None:
    parties = {"security": party("alice", "bob", "carol"), "operations": party("dave", "erin")}
    rule = {"security": 2, "operations": 1}
    asked = {"accept_contract": rule, "publish_policy": {"operations": 2}, "approve_exception": {"security": 1}}
    more: dict[str, Any] = {
        "parties": parties,
        "rules": asked,
        **scanner("security", "*"),
        **ledger(witnesses={"operations": WITNESS}),
    }
    more["scanners"].pop("west")
    assert kinds(**more) == [("low", "all-must-sign"), ("low", "one-scanner")]
    owned = (Owned(("host:*",), ("dave",)),)
    assert kinds(**more, owners=owned) == [("high", "platform-alone"), ("low", "all-must-sign"), ("low", "one-scanner")]


def test_the_worst_comes_first() -> None:
    found = overlaps(
        terms(degraded=Degraded("few", "2026-07-01", "2026-05-15"), exceptions=ExceptionTerms(300, wildcards=True))
    )
    assert [one.severity for one in found] == sorted(
        (one.severity for one in found), key=("high", "medium", "low").index
    )
    assert found[0].kind == "degraded"


PIECES = st.text(st.sampled_from("ab*?"), max_size=7)


@given(PIECES, PIECES, st.text(st.sampled_from("ab"), max_size=6))
def test_patterns_that_share_a_text_meet(first: str, second: str, text: str) -> None:
    if fnmatchcase(text, first) and fnmatchcase(text, second):
        assert meets(first, second)
    assert meets(first, second) == meets(second, first)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("a*", "*b", True),
        ("a*", "b*", False),
        ("host:web-?", "host:web-10", False),
        ("", "*", True),
        ("", "?", False),
        ("[ab]", "c", True),
        ("a" * 300, "b" * 300, True),
        ("*" * 150 + "a", "*" * 150 + "b", False),
    ],
)
def test_patterns(first: str, second: str, expected: bool) -> None:  # noqa: FBT001 - a case
    assert meets(first, second) is expected


def test_two_keys_of_a_person_do_not_hide_one_of_the_log() -> None:
    raw = private("alice's other").public_key().public_bytes_raw()
    key = f"example.org/log+00000000+{b64encode(bytes([1]) + raw).decode()}"
    twice = Member((public("alice"), public("alice's other")))
    security = type(party())({**party("bob", "carol").members, "alice": twice})
    found = kinds(parties={**SOUND["parties"], "security": security}, **ledger(key=key))
    assert found == [("high", "shared-key")]
