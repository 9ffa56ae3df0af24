"""A review is of exactly one change, by enough people who are not its makers; what is broken in it never counts."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parties import AUDIT, NOW, PLATFORM, SECURITY, link, private, sign, terms
from xspm.contract.approval import ChangeText, ExceptionText, approval_of, encode_change, encode_exception
from xspm.contract.envelope import Envelope
from xspm.contract.review import Review, Seen, review_of, wanted_line
from xspm.contract.terms import Critical
from xspm.errors import ContractError
from xspm.model.digest import Digest

TERMS = terms(critical=(Critical(("host:db-*",), {"platform": 1, "security": 1}, 7),))
CONTRACT = link(TERMS, "alice", "bob", "dave").digest
A, B, C = (Digest("sha256:" + letter * 64) for letter in "abc")
SEEN = Seen("host:db-1", A, B, NOW)
CHANGE = ChangeText(
    asset="host:db-1",
    before=A,
    after=B,
    reason="OPS-12",
    not_before="2026-06-01T00:00:00Z",
    not_after="2026-06-03T00:00:00Z",
    requested_by="dave",
    requested_at="2026-06-01T08:00:00Z",
    contract=CONTRACT,
)


def envelope(*names: str, **more: Any) -> Envelope:
    return sign(Envelope(encode_change(msgspec.structs.replace(CHANGE, **more))), *names)


def reviewed(*envelopes: Envelope, seen: Seen = SEEN, under: Any = TERMS) -> Review:
    return review_of(seen, under, [CONTRACT], [(f"{index}.json", one) for index, one in enumerate(envelopes)])


def test_the_one_that_suffices_is_found_among_others() -> None:
    other = envelope("dave", "erin", "alice", asset="host:db-2")
    found = reviewed(envelope("dave"), other, envelope("dave", "erin", "alice"), envelope("dave", after=C))
    assert (found.reviewed, found.where, found.reviewers, found.refused) == (True, "2.json", ("alice", "erin"), ())


def test_signatures_on_two_texts_do_not_add_up() -> None:
    found = reviewed(envelope("dave", "erin"), envelope("dave", "alice", reason="OPS-13"))
    assert (found.reviewed, len(found.refused)) == (False, 2)


@given(st.sets(st.sampled_from((*SECURITY, *PLATFORM, *AUDIT))))
def test_never_without_both_sides_beside_the_author(names: set[str]) -> None:
    found = reviewed(envelope(*sorted(names)))
    assert found.reviewed == ("dave" in names and "erin" in names and bool(names & set(SECURITY)))
    assert found.reviewed == (not found.missing)


def test_what_is_no_approval() -> None:
    exception = ExceptionText("a.b", "host:db-1", ("x",), "r", "c", "2026-08-01", "dave", CHANGE.requested_at, CONTRACT)
    found = reviewed(sign(Envelope(encode_exception(exception)), "dave", "erin", "alice"))
    assert not found.reviewed
    assert "it states 'https://xspm.dev/predicates/exception/v1'" in found.refused[0]


def test_a_signature_by_nobody_of_the_contract() -> None:
    strange = sign(envelope("dave", "erin", "alice"), "mallory")
    found = reviewed(strange)
    assert (found.reviewed, found.author) == (False, "")
    assert private("mallory") is not None
    assert "a key that nobody in the contract holds" in found.refused[0]


def test_an_author_who_did_not_sign_is_not_named() -> None:
    found = reviewed(envelope("erin", "alice"))
    assert (found.reviewed, found.author) == (False, "")


@pytest.mark.parametrize(
    "seen", [msgspec.structs.replace(SEEN, asset="host:web"), msgspec.structs.replace(SEEN, after=A)]
)
def test_where_no_review_is_asked_for(seen: Seen) -> None:
    found = reviewed(seen=seen)
    assert (found.critical, found.reviewed, found.source) == (False, True, "none")


@pytest.mark.parametrize(
    ("more", "complaint"),
    [({"asset": "host:*"}, "a change is of one asset"), ({"after": "x"}, "after: 'x' is no digest")],
)
def test_a_change_names_one_asset_and_two_states(more: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ContractError, match=complaint):
        approval_of(envelope("dave", "erin", "alice", **more), TERMS, [CONTRACT], NOW, "x")


def test_a_rule_for_people() -> None:
    assert wanted_line({"audit": 0, "platform": 1, "security": 2}) == "1 of platform and 2 of security"
