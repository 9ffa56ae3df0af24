"""Nobody approves what they ask for, nothing is approved by a signature on something else, and all of it ends."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parties import AUDIT, NOW, PLATFORM, SECURITY, link, party, sign, terms
from xspm.contract.approval import (
    ChangeText,
    ExceptionText,
    approval_of,
    covers_resource,
    encode_change,
    encode_exception,
    exception_in_force,
)
from xspm.contract.envelope import Envelope
from xspm.contract.statement import encode_statement, subject
from xspm.contract.terms import Critical, Degraded, ExceptionTerms, Owned
from xspm.errors import ContractError
from xspm.model.digest import Digest, digest

TERMS = terms(critical=(Critical(("host:db-*",), {"platform": 1, "security": 1}, 7),))
CONTRACT = link(TERMS, "alice", "bob", "dave").digest
BEFORE, AFTER = Digest("sha256:" + "b" * 64), Digest("sha256:" + "a" * 64)
ALL = (*SECURITY, *PLATFORM, *AUDIT)

EXCEPTION = ExceptionText(
    check="linux.sshd.permits_no_root_login",
    asset="host:db-1",
    resources=("sshd",),
    reason="The vendor's appliance logs in so.",
    compensation="Only from the jump host.",
    expires="2026-08-01",
    requested_by="dave",
    requested_at="2026-06-01T08:00:00Z",
    contract=CONTRACT,
)
CHANGE = ChangeText(
    asset="host:db-1",
    before=BEFORE,
    after=AFTER,
    reason="OPS-12",
    not_before="2026-06-01T00:00:00Z",
    not_after="2026-06-03T00:00:00Z",
    requested_by="dave",
    requested_at="2026-06-01T08:00:00Z",
    contract=CONTRACT,
)


def excepted(*names: str, under: Any = TERMS, now: str = NOW, **more: Any) -> Any:
    envelope = sign(Envelope(encode_exception(msgspec.structs.replace(EXCEPTION, **more))), *names)
    return exception_in_force(envelope, under, [CONTRACT], now, "x")


def approved(*names: str, under: Any = TERMS, now: str = NOW, **more: Any) -> Any:
    envelope = sign(Envelope(encode_change(msgspec.structs.replace(CHANGE, **more))), *names)
    return approval_of(envelope, under, [CONTRACT], now, "x")


def test_an_exception_that_another_party_approved() -> None:
    found = excepted("dave", "alice")
    assert (found.text, found.degraded) == (EXCEPTION, False)
    assert found.by.people == {"security": ("alice",), "platform": (), "audit": ()}


@pytest.mark.parametrize(
    ("names", "more", "complaint"),
    [
        (("dave",), {}, "approve_exception of linux.sshd.* wants 1 more of security .*; dave does not count: asks for it; signed by dave"),
        (("dave", "erin"), {}, "wants 1 more of security"),
        (("dave", "frank"), {}, "wants 1 more of security"),
        (("alice",), {}, "dave, who asks, did not sign"),
        (("alice",), {"requested_by": "alice"}, "alice, who asks, is of security, which alone approves it: somebody of audit or platform must ask"),
        (("bob", "alice"), {"requested_by": "bob"}, "bob, who asks, is of security, which alone approves it"),
        (("dave", "alice"), {"compensation": " "}, "it must say in 1 to 2000 characters what is done instead"),
        (("dave", "alice"), {"compensation": "x" * 2001}, "it must say in 1 to 2000 characters"),
        (("dave", "alice"), {"requested_at": "2026-05-4T1:0:0Z"}, "'2026-05-4T1:0:0Z' is no time"),
        (("dave", "alice"), {"requested_at": "2026-06-01T0\u0668:00:00Z"}, "is no time"),
        (("dave", "alice"), {"requested_at": "2026-06-01T08:00:00+00:00"}, "is no time"),
        (("dave", "alice"), {"expires": "2026-08-0\u0661"}, "is not a date"),
        (("dave", "alice"), {"requested_by": "mallory"}, "'mallory', who asks, is no member"),
        (("dave", "alice"), {"expires": "2026-05-31"}, "expired on 2026-05-31"),
        (("dave", "alice"), {"expires": "2027-06-01"}, "lasts 365 days, and the contract allows 90"),
        (("dave", "alice"), {"expires": "never"}, "is not a date"),
        (("dave", "alice"), {"resources": ()}, "names no resource"),
        (("dave", "alice"), {"resources": ("",)}, "names no resource"),
        (("dave", "alice"), {"resources": ("ssh*",)}, r"no exception by the pattern ssh\*"),
        (("dave", "alice"), {"check": "linux.*"}, "from one check, on one asset"),
        (("dave", "alice"), {"asset": "*"}, "from one check, on one asset"),
        (("dave", "alice"), {"contract": BEFORE}, "asked for under another contract"),
        (("dave", "alice"), {"reason": " "}, "a reason of 1 to 2000 characters is missing"),
        (("dave", "alice"), {"reason": "x" * 2001}, "a reason of 1 to"),
        (("dave", "alice"), {"requested_at": "2026-06-02T00:00:00Z"}, "asked for in the future"),
        (("dave", "alice"), {"requested_at": "yesterday"}, "'yesterday' is no time"),
        (("dave", "alice", "mallory"), {}, "a key that nobody in the contract holds"),
    ],
)  # fmt: skip
def test_exceptions_that_are_refused(names: tuple[str, ...], more: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ContractError, match=complaint):
        excepted(*names, **more)


def test_wildcards_where_the_contract_allows_them() -> None:
    under = terms(exceptions=ExceptionTerms(wildcards=True))
    found = excepted("dave", "alice", under=under, resources=("ssh*",)).text
    assert covers_resource(found, found.check, found.asset, "sshd")
    assert not covers_resource(found, found.check, found.asset, "pam")


@pytest.mark.parametrize(
    ("check", "asset", "resource", "covered"),
    [
        (EXCEPTION.check, EXCEPTION.asset, "sshd", True),
        (EXCEPTION.check, EXCEPTION.asset, "sshd2", False),
        (EXCEPTION.check, "host:db-2", "sshd", False),
        ("linux.sshd.other", EXCEPTION.asset, "sshd", False),
        (EXCEPTION.check, EXCEPTION.asset, "", False),
    ],
)
def test_an_exception_covers_exactly_what_it_names(check: str, asset: str, resource: str, *, covered: bool) -> None:
    assert covers_resource(EXCEPTION, check, asset, resource) is covered


def test_who_answers_for_an_asset_does_not_approve() -> None:
    under = msgspec.structs.replace(TERMS, owners=(Owned(("host:db-*",), ("alice",)),))
    with pytest.raises(ContractError, match="alice does not count: answers for host:db-1"):
        excepted("dave", "alice", under=under)
    assert excepted("dave", "alice", "bob", under=under).by.people["security"] == ("bob",)


BOTH = terms(rules={**TERMS.rules, "approve_exception": {"security": 1, "platform": 1}})


@given(st.sets(st.sampled_from(ALL)), st.sampled_from(ALL))
def test_an_exception_never_rests_on_who_asked(names: set[str], asker: str) -> None:
    others = names - {asker}
    if asker in names and others & set(SECURITY) and others & set(PLATFORM):
        found = excepted(*names, requested_by=asker, under=BOTH)
        assert asker not in {name for side in found.by.people.values() for name in side}
    else:
        with pytest.raises(ContractError):
            excepted(*names, requested_by=asker, under=BOTH)


@pytest.mark.parametrize("asker", ALL)
def test_one_side_asks_and_another_approves(asker: str) -> None:
    """Where one party alone approves, none of its people asks."""
    if asker in SECURITY:
        with pytest.raises(ContractError, match=f"{asker}, who asks, is of security, which alone approves it"):
            excepted(*ALL, requested_by=asker)
    else:
        assert excepted(*ALL, requested_by=asker).by.people["security"] == SECURITY


STRICT = terms(
    critical=(
        Critical(("host:db-*",), {"platform": 1, "security": 2, "audit": 1}),
        Critical(("host:*",), {"security": 3}),
    ),
    owners=(Owned(("host:*",), ("erin",)),),
)


@pytest.mark.parametrize(
    ("check", "resources", "names", "complaint"),
    [
        ("xspm.contract_is_not_degraded", ("acme",), ("alice",), "wants 1 more of platform .* and 1 more of security"),
        ("xspm.contract_is_not_degraded", ("acme",), ("alice", "bob", "dave"), None),
        ("xspm.change_is_reviewed", (f"host:web {AFTER}",), ("alice", "bob", "dave"), "wants 1 more of security .carol"),
        ("xspm.change_is_reviewed", (f"host:web {AFTER}",), ("alice", "bob", "carol", "erin"), "erin does not count: answers for host:web"),
        ("xspm.change_is_reviewed", (f"host:web {AFTER}",), ("alice", "bob", "carol", "dave"), None),
        ("own.change", (f"host:db-1 {AFTER}",), ("alice", "bob", "carol", "dave"), "wants 1 more of audit .grace"),
        ("own.change", (f"host:db-1 {AFTER}",), ("alice", "bob", "carol", "dave", "grace"), None),
        ("own.change", ("*",), ("alice", "bob", "carol", "dave"), "wants 1 more of audit .grace"),
    ],
)  # fmt: skip
def test_what_the_contract_is_held_to_takes_those_who_agreed(
    check: str, resources: tuple[str, ...], names: tuple[str, ...], complaint: str | None
) -> None:
    """An exception from an unreviewed change takes the review; from anything else of the contract, its parties."""
    parties = {**STRICT.parties, "audit": party("frank", "grace")}
    under = msgspec.structs.replace(STRICT, parties=parties, exceptions=ExceptionTerms(wildcards=True))
    given: dict[str, Any] = {"check": check, "resources": resources, "asset": "contract:acme", "requested_by": "frank"}
    if complaint is None:
        assert not excepted("frank", *names, under=under, **given).degraded
    else:
        with pytest.raises(ContractError, match=complaint):
            excepted("frank", *names, under=under, **given)


def test_a_change_with_its_review() -> None:
    found = approved("dave", "erin", "alice")
    assert found.text == CHANGE
    assert found.by.people == {"security": ("alice",), "platform": ("erin",), "audit": ()}


@pytest.mark.parametrize(
    ("names", "more", "now", "complaint"),
    [
        (("dave", "alice"), {}, NOW, "approve_change of sha256:aaaa.* wants 1 more of platform .erin.; dave does not count"),
        (("dave", "erin"), {}, NOW, "wants 1 more of security"),
        (("erin", "alice"), {}, NOW, "dave, who asks, did not sign"),
        (("dave", "erin", "alice"), {}, "2026-06-03T00:00:01Z", "was good from .* to 2026-06-03T00:00:00Z, not at"),
        (("dave", "erin", "alice"), {"not_before": "2026-06-02T00:00:00Z"}, NOW, "was good from"),
        (("dave", "erin", "alice"), {"not_after": "2026-05-02T00:00:00Z"}, NOW, "ends before it begins"),
        (("dave", "erin", "alice"), {"not_after": "2026-07-02T00:00:00Z"}, NOW, "lasts longer than the 7 days"),
        (("dave", "erin", "alice"), {"not_after": "x"}, NOW, "'x' is no time"),
        (("dave", "erin", "alice"), {"contract": BEFORE}, NOW, "asked for under another contract"),
    ],
)  # fmt: skip
def test_changes_that_are_refused(names: tuple[str, ...], more: dict[str, Any], now: str, complaint: str) -> None:
    with pytest.raises(ContractError, match=complaint):
        approved(*names, now=now, **more)


def test_a_change_of_an_asset_that_is_not_critical_needs_the_general_rule() -> None:
    assert approved("dave", "erin", "alice", "bob", asset="host:web").by.people["security"] == ("alice", "bob")
    with pytest.raises(ContractError, match="wants 1 more of security"):
        approved("dave", "erin", "alice", asset="host:web")


def test_an_approval_does_not_move_to_another_change() -> None:
    signatures = sign(Envelope(encode_change(CHANGE)), "dave", "erin", "alice").signatures
    other = Envelope(encode_change(msgspec.structs.replace(CHANGE, after=BEFORE)), signatures)
    with pytest.raises(ContractError, match="is not good: it is over something else"):
        approval_of(other, TERMS, [CONTRACT], NOW, "x")


def test_an_exception_is_no_approval() -> None:
    envelope = sign(Envelope(encode_exception(EXCEPTION)), "dave", "erin", "alice")
    with pytest.raises(ContractError, match=r"it states 'https://xspm.dev/predicates/exception/v1', not"):
        approval_of(envelope, TERMS, [CONTRACT], NOW, "x")


def test_a_statement_about_something_else() -> None:
    payload = encode_statement("https://xspm.dev/predicates/change/v1", (subject("host:web", digest(CHANGE)),), CHANGE)
    with pytest.raises(ContractError, match="about something else than what is in it"):
        approval_of(Envelope(payload), TERMS, [CONTRACT], NOW, "x")


SMALL = terms(
    parties={"security": party("alice"), "platform": party("dave", "erin")},
    rules={
        "accept_contract": {"security": 1, "platform": 1},
        "publish_policy": {"security": 1},
        "approve_exception": {"security": 1},
    },
)


def test_the_degraded_mode() -> None:
    """Where all of security must not count, another person's signature will do, and the answer says so."""
    with pytest.raises(ContractError, match="which alone approves it"):
        excepted("alice", "dave", under=SMALL, requested_by="alice")
    degraded = msgspec.structs.replace(SMALL, degraded=Degraded("bob left", "2026-06-01", "2026-05-15"))
    found = excepted("alice", "dave", under=degraded, requested_by="alice")
    assert (found.by.people["platform"], found.degraded) == (("dave",), True)
    assert not excepted("dave", "alice", under=degraded).degraded
    with pytest.raises(ContractError, match="1 more of platform"):
        excepted("alice", under=degraded, requested_by="alice")
    with pytest.raises(ContractError, match="which alone approves it"):
        excepted("alice", "dave", under=degraded, requested_by="alice", now="2026-06-02T00:00:00Z")
