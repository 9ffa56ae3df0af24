"""What one version changes against another is said in words, and never left out."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parties import AUDIT, NOW, PLATFORM, SECURITY, key_id, link, party, public, terms
from xspm.contract.chain import Link, follow
from xspm.contract.changes import changes, needs
from xspm.contract.terms import (
    Bundle,
    Critical,
    Degraded,
    ExceptionTerms,
    LedgerTerms,
    Member,
    Owned,
    Party,
    Scanner,
    Terms,
)
from xspm.errors import ContractError
from xspm.model.digest import Digest

ALL = (*SECURITY, *PLATFORM, *AUDIT)
ONE, TWO = Digest("sha256:" + "1" * 64), Digest("sha256:" + "2" * 64)
LEDGER = LedgerTerms("log", "log+1+a", "security", {"audit": "w+1+b"}, 1, 24)
FULL: dict[str, Any] = {
    "scanners": {"east": Scanner((public("east"),), ("host:*",), "security")},
    "policies": Bundle(1, ONE),
    "critical": (Critical(("host:a", "host:b"), {"platform": 1, "security": 1}, 14),),
    "owners": (Owned(("host:*",), ("dave",)),),
    "ledger": LEDGER,
}
RULES: dict[str, Any] = terms().rules  # type: ignore[assignment]  # by action


def said(**more: Any) -> list[str]:
    return [f"{one.mark} {one.part}: {one.text}" for one in changes(terms(**FULL), terms(**{**FULL, **more}))]


def test_nothing_changes() -> None:
    assert said() == []
    assert said(version=7, predecessor=ONE) == []


def one_key(name: str) -> str:
    return f"ed25519 {public(name).id}"


PARTIES = terms().parties


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"expires": "2027-06-30"}, ["changed expires: holds until 2027-06-30, before until 2026-12-31"]),
        ({"name": "other"}, ["loosened name: another contract: acme is now other"]),
        ({"parties": {**PARTIES, "legal": party("henry")}}, [
            f"loosened parties: henry joins legal, with {one_key('henry')}",
            "changed parties: legal is a new party",
        ]),
        ({"parties": {one: PARTIES[one] for one in ("security", "platform")}}, ["loosened parties: audit is no party any more"]),
        ({"parties": {**PARTIES, "audit": party("frank", "grace")}}, [f"loosened parties: grace joins audit, with {one_key('grace')}"]),
        ({"parties": {**PARTIES, "platform": party("dave")}}, ["changed parties: erin leaves platform"]),
        ({"parties": {**PARTIES, "audit": Party({"frank": Member((public("grace"),))})}}, [
            f"loosened parties: frank (audit) signs with a new key: {one_key('grace')}",
            f"tightened parties: frank (audit) signs no more with the key {one_key('frank')}",
        ]),
        ({"parties": {**PARTIES, "audit": Party({"frank": Member((public("frank"),), {"github": "f"})})}}, [
            "loosened parties: frank (audit) is f on github",
        ]),
        ({"rules": {**RULES, "publish_policy": {"security": 1}}}, [
            "loosened rules: publish_policy takes 1 of security, before 2 of security",
        ]),
        ({"rules": {**RULES, "publish_policy": {"security": 3}}}, [
            "tightened rules: publish_policy takes 3 of security, before 2 of security",
            "tightened rules: weaken_policy takes 1 of platform and 3 of security, before 1 of platform and 2 of security",
        ]),
        ({"rules": {**RULES, "approve_exception": {"audit": 1}}}, [
            "loosened rules: approve_exception takes 1 of audit, before 1 of security",
        ]),
        ({"rules": {**RULES, "approve_change": RULES["accept_contract"]}}, ["changed rules: approve_change is now written out"]),
        ({"rules": {**RULES, "publish_policy": {"security": 2, "audit": 0}}}, ["changed contract: the same in another order"]),
        ({"scanners": {}}, ["changed scanners: the scanner east may sign nothing any more"]),
        ({"scanners": {**FULL["scanners"], "w": Scanner((public("w"),), ("*",), "audit")}}, [
            f"loosened scanners: the scanner w, run by audit, may sign for *, with {one_key('w')}",
        ]),
        ({"scanners": {"east": Scanner((public("w"),), ("*",), "platform")}}, [
            f"loosened scanners: the scanner east signs with a new key: {one_key('w')}",
            "loosened scanners: the scanner east may sign for * too",
            "loosened scanners: the scanner east is run by platform, before by security",
            f"tightened scanners: the scanner east signs no more with the key {one_key('east')}",
            "tightened scanners: the scanner east may not sign for host:* any more",
        ]),
        ({"policies": Bundle(2, TWO)}, [f"changed policies: bundle 2 ({TWO}) follows bundle 1 ({ONE})"]),
        ({"policies": None}, ["loosened policies: no policies are in force any more"]),
        ({"exceptions": ExceptionTerms(180, wildcards=True)}, [
            "loosened exceptions: an exception may last 180 days, before 90",
            "loosened exceptions: an exception may cover resources by a pattern",
        ]),
        ({"exceptions": ExceptionTerms(30)}, ["tightened exceptions: an exception may last 30 days, before 90"]),
        ({"critical": ()}, [
            "loosened critical: host:a is not critical any more: changes need no review",
            "loosened critical: host:b is not critical any more: changes need no review",
        ]),
        ({"critical": (Critical(("host:a", "host:b", "c"), {"platform": 1, "security": 1}, 14),)}, [
            "tightened critical: changes to c need review: 1 of platform and 1 of security",
        ]),
        ({"critical": (Critical(("host:a",), {"platform": 1, "security": 1}), Critical(("host:b",), {"platform": 1}, 30))}, [
            "loosened critical: review of changes to host:b takes 1 of platform, before 1 of platform and 1 of security",
            "loosened critical: an approval for host:b may be good for 30 days, before 14",
        ]),
        ({"critical": (*FULL["critical"], Critical(("host:a",), {"platform": 2}, 3))}, [
            "tightened critical: review of changes to host:a takes 2 of platform and 1 of security, before 1 of platform and 1 of security",
            "tightened critical: an approval for host:a may be good for 3 days, before 14",
        ]),
        ({"critical": (Critical(("host:b", "host:a"), {"platform": 1, "security": 1}, 14),)}, ["changed contract: the same in another order"]),
        ({"owners": (Owned(("host:*",), ("erin",)),)}, [
            "loosened owners: dave does not answer for host:* any more, and may approve there",
            "tightened owners: erin answers for host:*, and approves nothing there",
        ]),
        ({"ledger": None}, ["loosened ledger: there is no ledger any more: before log"]),
        ({"ledger": LedgerTerms("gol", "gol+1+c", "audit", {"platform": "w+1+d"}, 0, 48)}, [
            "loosened ledger: the ledger is another one: gol, before log",
            "loosened ledger: the ledger signs with another key: gol+1+c, before log+1+a",
            "loosened ledger: the ledger is run by another party: audit, before security",
            "loosened ledger: audit does not witness the ledger any more",
            "loosened ledger: 0 witnesses must have seen the ledger, before 1",
            "loosened ledger: the ledger may be silent for 48 hours, before 24",
            "tightened ledger: platform witnesses the ledger: w+1+d",
        ]),
        ({"ledger": msgspec.structs.replace(LEDGER, witnesses={"audit": "w+1+d"})}, [
            "loosened ledger: the witness of audit signs with another key: w+1+d, before w+1+b",
        ]),
        ({"degraded": Degraded("few", "2026-07-01", "2026-05-15")}, ["loosened degraded: the degraded mode begins, until 2026-07-01: few"]),
    ],
)  # fmt: skip
def test_what_changes(more: dict[str, Any], expected: list[str]) -> None:
    assert said(**more) == expected


def test_what_comes_and_what_ends() -> None:
    def both(**more: Any) -> list[str]:
        return [f"{one.mark} {one.text}" for one in changes(terms(), terms(**more))]

    assert both(ledger=LEDGER) == ["tightened there is a ledger, log, run by security"]
    assert both(policies=Bundle(1, ONE)) == [f"tightened policies come into force: bundle 1, {ONE}"]
    few = terms(degraded=Degraded("few", "2026-07-01", "2026-05-15"))
    assert [one.text for one in changes(few, terms())] == ["the degraded mode ends"]
    longer = terms(degraded=Degraded("few", "2026-08-01", "2026-05-15"))
    assert [one.text for one in changes(few, longer)] == ["the degraded mode goes on, until 2026-08-01: few"]


def test_no_field_of_a_contract_changes_in_silence() -> None:
    """A field that comes to the contract one day must come to its changes too."""
    assert set(Terms.__struct_fields__) - {"version", "predecessor"} == {
        "name", "expires", "parties", "rules", "scanners", "policies", "exceptions", "critical", "owners", "ledger",
        "degraded",
    }  # fmt: skip


OPTIONS: dict[str, list[Any]] = {
    "expires": ["2026-12-31", "2027-12-31"],
    "parties": [
        PARTIES,
        {**PARTIES, "audit": party("grace")},
        {**PARTIES, "security": party("alice", "bob", "henry"), "legal": party("ivan")},
    ],
    "rules": [
        RULES,
        {**RULES, "accept_contract": {"security": 1, "audit": 1}},
        {**RULES, "publish_policy": {"audit": 1}},
    ],
    "policies": [Bundle(1, ONE), Bundle(2, TWO)],
    "degraded": [None, Degraded("few", "2026-07-01", "2026-05-15")],
    "exceptions": [ExceptionTerms(), ExceptionTerms(30)],
}


@given(
    st.fixed_dictionaries({field: st.sampled_from(values) for field, values in OPTIONS.items()}),
    st.sets(st.sampled_from((*ALL, "grace", "henry", "ivan"))),
    st.booleans(),
)
def test_needs_are_what_the_chain_asks(more: dict[str, Any], names: set[str], weaker: bool) -> None:  # noqa: FBT001 - drawn
    """A proposal of which nothing is missing is accepted, and no other is."""
    assert_agree(link(terms(policies=Bundle(1, ONE)), "alice", "bob", "dave"), more, names, weaker=weaker)


LAX: dict[str, Any] = {
    "policies": Bundle(1, ONE),
    "degraded": Degraded("few", "2026-07-01", "2026-05-15"),
    "rules": {"accept_contract": {"security": 1}, "publish_policy": {"security": 1}},
}


@given(
    st.fixed_dictionaries({}, optional={field: st.sampled_from(values) for field, values in OPTIONS.items()}),
    st.sets(st.sampled_from(ALL)),
    st.booleans(),
    st.booleans(),
)
def test_needs_of_small_changes(more: dict[str, Any], names: set[str], weaker: bool, lax: bool) -> None:  # noqa: FBT001 - drawn
    """The same where little changes, which only those who publish policies may be asked for, and by lax rules."""
    under = LAX if lax else {"policies": Bundle(1, ONE)}
    kept = {field: value for field, value in more.items() if field != "parties"}
    if kept.get("degraded", LAX) is None and "rules" not in kept:
        del kept["degraded"]  # or the rules would be too lax
    assert_agree(link(terms(**under), "alice", "bob", "dave"), {**under, **kept}, names, weaker=weaker)


def assert_agree(first: Link, more: dict[str, Any], names: set[str], *, weaker: bool) -> None:
    new = terms(version=2, predecessor=first.digest, **more)
    known = {*first.terms.member_keys(), *new.member_keys()}
    signed = sorted(name for name in names if key_id(name) in known)
    second = link(new, *signed)
    wanted = needs(first.terms, new, [key_id(name) for name in signed], lambda _old, _new: weaker)
    try:
        follow([first, second], first.digest, NOW, lambda _old, _new: weaker)
        accepted = True
    except ContractError:
        accepted = False
    assert accepted == (not any(one.missing for one in wanted)), wanted


def test_needs_by_lax_rules() -> None:
    """What no rule asks for is said all the same: people of two parties."""
    old, new = terms(**LAX), terms(**{**LAX, "version": 2, "exceptions": ExceptionTerms(30)})

    def said_of(*names: str) -> list[tuple[str, str]]:
        keys = [key_id(name) for name in names]
        return [(one.why, one.missing) for one in needs(old, new, keys, lambda *_: False) if not one.rule]

    why = "to change who may do what takes people of two parties"
    assert said_of() == [(why, "people of two parties")]
    assert said_of("alice", "bob") == [(why, "somebody of another party than security")]
    assert said_of("alice", "frank") == [(why, "")]
    (_, also) = needs(None, old, [key_id("alice")], lambda *_: False)
    assert also.missing == "somebody of another party than security"


def test_needs_of_a_first_version() -> None:
    (need,) = needs(None, terms(), [key_id("alice"), key_id("frank")], lambda _old, _new: True)
    assert (need.action, need.why, need.rule) == ("accept_contract", "its own rules", {"security": 2, "platform": 1})
    assert need.missing == "1 more of security (bob or carol) and 1 more of platform (dave or erin)"
    assert need.signed.shown() == "alice (security), frank (audit)"


def test_what_asks_the_same_is_said_once() -> None:
    (need,) = needs(terms(), terms(version=2, exceptions=ExceptionTerms(30)), (), lambda _old, _new: True)
    assert need.why == "the rules of version 1 and its own rules, since it changes who may do what"


def test_accounts() -> None:
    def audit(**accounts: str) -> Terms:
        return terms(parties={**PARTIES, "audit": Party({"frank": Member((public("frank"),), accounts)})})

    assert [f"{one.mark} {one.text}" for one in changes(audit(github="f", email="f@x"), audit(github="g"))] == [
        "loosened frank (audit) is g on github, before f",
        "tightened frank (audit) is no longer f@x on email",
    ]
    joined = terms(parties={**audit(github="f").parties, "platform": PARTIES["platform"]})
    without = terms(parties={**joined.parties, "audit": party("grace")})
    assert "loosened frank (audit) is f on github" in [f"{one.mark} {one.text}" for one in changes(without, joined)]


def test_every_kind_of_member_field_is_said() -> None:
    assert set(Member.__struct_fields__) == {"keys", "accounts"}
    assert set(Scanner.__struct_fields__) == {"keys", "assets", "operator"}
