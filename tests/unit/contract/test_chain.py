"""Only versions that came about by the rules of the one before them are followed."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parties import AUDIT, NOW, PLATFORM, SECURITY, after, chain, link, party, public, sign, terms
from xspm.contract.chain import follow, read_link
from xspm.contract.envelope import Envelope
from xspm.contract.statement import CONTRACT, encode_statement, subject
from xspm.contract.terms import Bundle, Critical, Degraded, ExceptionTerms, Member, Party, Terms
from xspm.errors import ContractError
from xspm.model.digest import Digest, digest

if TYPE_CHECKING:
    from xspm.contract.chain import Link

ALL = (*SECURITY, *PLATFORM, *AUDIT)
ONE, TWO = Digest("sha256:" + "1" * 64), Digest("sha256:" + "2" * 64)


def followed(links: list[Link], now: str = NOW) -> int:
    """The version in force."""
    return follow(links, links[0].digest, now)[-1].link.terms.version


@pytest.mark.parametrize("count", [1, 2, 7])
def test_a_chain_is_followed_in_any_order(count: int) -> None:
    links = chain(count)
    shuffled = random.Random(count).sample(links, count)  # noqa: S311 - an order
    accepted = follow(shuffled, links[0].digest, NOW)
    assert [one.link for one in accepted] == links
    assert accepted[-1].signed.people == {"security": ("alice", "bob"), "platform": ("dave",), "audit": ()}


def test_the_trusted_version_may_be_a_later_one() -> None:
    links = chain(5)
    assert [one.link for one in follow(links, links[2].digest, NOW)] == links[2:]
    assert [one.link for one in follow(links[2:], links[2].digest, NOW)] == links[2:]


@given(st.sets(st.sampled_from(ALL)))
def test_less_than_the_rule_asks_never_passes(names: set[str]) -> None:
    """Two of security and one of platform, whoever else signs."""
    links = chain(1)
    links.append(after(links[0], *names))
    enough = len(names & set(SECURITY)) >= 2 and len(names & set(PLATFORM)) >= 1
    if enough:
        assert followed(links) == 2
    else:
        with pytest.raises(ContractError, match="not in force: accept_contract by the rules of version 1 wants"):
            followed(links)


def test_two_keys_of_one_person_are_one_signature() -> None:
    twice = Party({**party("bob", "carol").members, "alice": Member((public("alice"), public("alice's other")))})
    first = link(terms(parties={"security": twice, "platform": party(*PLATFORM)}), "alice", "bob", "dave")
    second = after(first, "alice", "alice's other", "dave")
    with pytest.raises(
        ContractError,
        match=r"wants 1 more of security \(bob or carol\); signed by dave \(platform\), alice \(security\)",
    ):
        followed([first, second])


@pytest.mark.parametrize(
    ("more", "names", "complaint"),
    [
        ({"version": 3}, ("alice", "bob", "dave"), "version 2 is missing: a contract skips none"),
        ({"predecessor": ONE}, ("alice", "bob", "dave"), "version 2 follows sha256:1111"),
        ({"name": "other"}, ("alice", "bob", "dave"), "of the contract 'other', not 'acme'"),
        ({"rules": {"accept_contract": {"audit": 1, "security": 1}, "publish_policy": {"security": 1}}},
         ("alice", "bob", "dave"), "accept_contract by its own rules, since it changes who signs wants 1 more of audit"),
        ({"rules": {"accept_contract": {"audit": 1, "security": 1}, "publish_policy": {"security": 1}}},
         ("alice", "frank"), "accept_contract by the rules of version 1 wants 1 more of platform .* and 1 more of security"),
        ({"parties": {"security": party(*SECURITY), "platform": party(*PLATFORM), "audit": party("grace")}},
         ("alice", "bob", "dave"), "changes the people or keys of audit, and nobody of audit signed it"),
        ({"parties": {"security": party("mallory", "eve"), "platform": party(*PLATFORM), "audit": party(*AUDIT)}},
         ("alice", "bob", "dave"), "its own rules, since it changes who signs wants 2 more of security"),
        ({"policies": Bundle(1, ONE)}, ("alice", "bob", "dave", "mallory"), "a key that nobody in the contract holds"),
        ({"policies": Bundle(1, ONE)}, (), "signed by nobody"),
        ({"degraded": Degraded("half of us are ill", "2026-07-01", "2026-05-15")}, ("alice", "dave"), "wants 1 more of security"),
    ],
)  # fmt: skip
def test_refused(more: dict[str, Any], names: tuple[str, ...], complaint: str) -> None:
    first = chain(1)[0]
    with pytest.raises(ContractError, match=complaint):
        followed([first, after(first, *names, **more)])


@pytest.mark.parametrize(
    "more",
    [
        {"rules": {"accept_contract": {"security": 1, "audit": 1}, "publish_policy": {"security": 1}}},
        {"parties": {"security": party(*SECURITY), "platform": party("dave", "erin", "grace"), "audit": party(*AUDIT)}},
        {"policies": Bundle(1, ONE)},
        {"degraded": Degraded("half of us are ill", "2026-07-01", "2026-05-15")},
        {"expires": "2027-12-31"},
    ],
)  # fmt: skip
def test_accepted(more: dict[str, Any]) -> None:
    first = chain(1)[0]
    assert followed([first, after(first, "alice", "bob", "dave", "frank", **more)]) == 2


def test_a_weaker_rule_is_not_asked_for_its_own_introduction() -> None:
    """The very signatures that a change would make sufficient do not bring it about."""
    first = chain(1)[0]
    rules = {"accept_contract": {"security": 1, "audit": 1}, "publish_policy": {"security": 1}}
    with pytest.raises(ContractError, match="by the rules of version 1"):
        followed([first, after(first, "alice", "frank", rules=rules)])


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        (Bundle(2, ONE), Bundle(1, TWO), "goes back to older policies"),
        (Bundle(2, ONE), None, "goes back to older policies"),
        (Bundle(2, ONE), Bundle(2, TWO), "2.dsse.json: version 2 has other policies under the number 2"),
        (Bundle(2, ONE), Bundle(3, TWO), None),
        (None, Bundle(1, TWO), None),
    ],
)
def test_policies_only_rise(old: Bundle | None, new: Bundle | None, complaint: str | None) -> None:
    first = link(terms(policies=old), "alice", "bob", "dave")
    second = after(first, "alice", "bob", "dave", policies=new)
    if complaint is None:
        assert followed([first, second]) == 2
    else:
        with pytest.raises(ContractError, match=complaint):
            followed([first, second])


def test_a_fork_is_refused() -> None:
    links = chain(2)
    other = after(links[0], "alice", "carol", "erin", expires="2027-06-30")
    with pytest.raises(ContractError, match="there are two versions 2"):
        followed([*links, other])


def test_a_chain_of_others_is_refused() -> None:
    with pytest.raises(ContractError, match=f"has no version {ONE}, the one that you trust: the versions found are"):
        follow(chain(2), ONE, NOW)
    with pytest.raises(ContractError, match="it has none"):
        follow([], ONE, NOW)


def test_a_trusted_version_without_its_signatures_is_refused() -> None:
    first = link(terms(), "alice", "dave")
    with pytest.raises(ContractError, match="accept_contract by its own rules wants 1 more of security"):
        followed([first])


def test_the_last_version_must_hold_today() -> None:
    links = chain(3)
    assert followed(links, "2026-12-31T23:59:59Z") == 3
    with pytest.raises(ContractError, match="version 3 of the contract expired on 2026-12-31"):
        followed(links, "2027-01-01T00:00:00Z")


ALONE = {"accept_contract": {"security": 1}, "publish_policy": {"security": 1}}


LAX = terms(rules=ALONE, policies=Bundle(1, ONE), degraded=Degraded("two left", "2026-07-01", "2026-05-15"))


@pytest.mark.parametrize("now", ["2026-05-14T23:59:59Z", "2026-07-02T00:00:00Z"])
def test_lax_rules_hold_in_the_degraded_mode_only(now: str) -> None:
    degraded = Degraded("two left", "2026-07-01", "2026-05-15")
    lax = link(terms(rules=ALONE, degraded=degraded), "alice", "dave")
    assert followed([lax], "2026-07-01T23:59:59Z") == 1
    with pytest.raises(ContractError, match="holds only in its degraded mode, from 2026-05-15 to 2026-07-01: rules"):
        followed([lax], now)
    assert followed([link(terms(degraded=degraded), "alice", "bob", "dave")], now) == 1
    assert follow([lax], lax.digest, None)[-1].link == lax


def test_nobody_prolongs_the_degraded_mode_alone() -> None:
    lax = link(LAX, "alice", "frank")
    longer = Degraded("two left", "2026-08-01", "2026-05-15")
    with pytest.raises(ContractError, match="a degraded mode takes people of two parties; signed by alice and bob"):
        followed([lax, after(lax, "alice", "bob", degraded=longer)])
    assert followed([lax, after(lax, "alice", "frank", degraded=longer)]) == 2


def test_nobody_begins_in_the_degraded_mode_alone() -> None:
    with pytest.raises(ContractError, match=r"a degraded mode takes people of two parties; signed by alice .security."):
        followed([link(LAX, "alice")])


@pytest.mark.parametrize(
    "more",
    [
        {"parties": {**LAX.parties, "puppets": party("mallory")}},
        {"rules": {**ALONE, "declare_degraded": {"security": 1}}},
        {"rules": {"accept_contract": {"security": 2, "audit": 1}, "publish_policy": {"security": 1}}, "degraded": None},
        {"critical": (Critical(("host:*",), {"security": 1}),)},
    ],
)  # fmt: skip
def test_nobody_changes_powers_alone_by_lax_rules(more: dict[str, Any]) -> None:
    """Or a party alone in the degraded mode would seat the people who then prolong it with them."""
    lax = link(LAX, "alice", "frank")
    with pytest.raises(ContractError, match="to change who may do what takes people of two parties; signed by alice"):
        followed([lax, after(lax, "alice", "bob", **more)])
    assert followed([lax, after(lax, "alice", "bob", "frank", **more)]) == 2
    assert followed([lax, after(lax, "alice", policies=Bundle(2, TWO))]) == 2


@pytest.mark.parametrize(
    ("more", "weaker", "names", "complaint"),
    [
        ({}, False, ("alice", "bob"), None),
        ({}, False, ("alice", "dave"), "publish_policy by the rules of version 1 wants 1 more of security"),
        ({}, True, ("alice", "bob"), "weaken_policy by the rules of version 1 wants 1 more of platform"),
        ({}, True, ("alice", "bob", "dave"), None),
        ({"expires": "2027-06-30"}, False, ("alice", "bob"), "accept_contract by the rules of version 1 wants 1 more of platform"),
        ({"exceptions": ExceptionTerms(30)}, False, ("alice", "bob"), "accept_contract by the rules of version 1 wants 1 more"),
    ],
)  # fmt: skip
def test_who_brings_other_policies(
    more: dict[str, Any],
    weaker: bool,  # noqa: FBT001 - of a table
    names: tuple[str, ...],
    complaint: str | None,
) -> None:
    """Policies that are no weaker need those who publish them, and everything else the other side too."""
    first = link(terms(policies=Bundle(1, ONE)), "alice", "bob", "dave")
    links = [first, after(first, *names, policies=Bundle(2, TWO), **more)]

    def judge(_old: Terms, _new: Terms) -> bool:
        assert "dave" not in names, "asked though it decides nothing"
        return weaker

    if complaint is None:
        assert follow(links, first.digest, NOW, judge)[-1].link.terms.version == 2
    else:
        with pytest.raises(ContractError, match=complaint):
            follow(links, first.digest, NOW, lambda _old, _new: weaker)


def test_the_first_policies_take_both_sides() -> None:
    first = link(terms(), "alice", "bob", "dave")
    with pytest.raises(ContractError, match="accept_contract by the rules of version 1 wants 1 more of platform"):
        follow([first, after(first, "alice", "bob", policies=Bundle(1, ONE))], first.digest, NOW, lambda *_: False)


def test_earlier_versions_may_have_expired() -> None:
    first = link(terms(expires="2026-01-01"), "alice", "bob", "dave")
    assert followed([first, after(first, "alice", "bob", "dave", expires="2026-12-31")]) == 2


def test_too_many_versions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xspm.contract.chain.MAX_VERSIONS", 2)
    with pytest.raises(ContractError, match="3 versions are more than 2"):
        followed(chain(3))


def test_a_signature_of_another_text_is_refused() -> None:
    first, second = chain(2)
    moved = Envelope(second.envelope.payload, first.envelope.signatures)
    with pytest.raises(ContractError, match=r"the signature by .* is not good: it is over something else"):
        followed([first, read_link(moved, "moved.json")])


def test_a_statement_about_something_else_is_refused() -> None:
    content = terms()
    payload = encode_statement(CONTRACT, (subject("acme", digest(terms(expires="2030-01-01"))),), content)
    with pytest.raises(ContractError, match="about something else than the contract in it"):
        read_link(sign(Envelope(payload), "alice", "bob", "dave"), "x")


def test_a_signed_contract_that_does_not_hold_is_refused() -> None:
    """Signatures heal nothing: the invariants of the terms are checked again by every reader."""
    same = msgspec.structs.replace(terms(), parties={"security": party("alice"), "platform": party("alice")})
    with pytest.raises(
        ContractError, match=r"^1.dsse.json: alice sits in the party platform and in the party security"
    ):
        link(same, "alice")
