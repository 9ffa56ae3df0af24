"""Row "one security member's key": no policy, exception or key change takes effect with it alone.

The attacker holds alice's private key and her place in the repository: they write any file of the contract's folder and
sign as alice as often as they like. They hold nobody else's key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from attack.world import EVERYBODY, bundle, changed, day, forged, said
from commandline import assert_refused
from parties import party, public
from xspm.contract.folder import version_path, write
from xspm.contract.terms import Bundle, Degraded, ExceptionTerms, Member, Party, Scanner

if TYPE_CHECKING:
    from pathlib import Path

    from attack.world import World

SHORT = "accept_contract by the rules of version 1 wants 1 more of platform (dave or erin) and 1 more of security (bob or carol)"  # fmt: skip

PUBLISH = "publish_policy by the rules of version 1 wants 1 more of security (bob or carol)"


def weak_policies(world: World) -> dict[str, Any]:
    return {"policies": Bundle(2, world.add_bundle(bundle("web, db")))}


def strict_policies(world: World) -> dict[str, Any]:
    return {"policies": Bundle(2, world.add_bundle(bundle("api")))}


def own_rules(world: World) -> dict[str, Any]:
    return {"rules": {**world.terms.rules, "accept_contract": {"security": 1, "audit": 1}}}


def own_member(world: World) -> dict[str, Any]:
    security = {**world.terms.parties["security"].members, "mallory": Member((public("mallory"),))}
    return {"parties": {**world.terms.parties, "security": Party(security)}}


def second_key(world: World) -> dict[str, Any]:
    security = {**world.terms.parties["security"].members, "bob": Member((public("bob"), public("alice-2")))}
    return {"parties": {**world.terms.parties, "security": Party(security)}}


def without_the_others(world: World) -> dict[str, Any]:
    return {"parties": {**world.terms.parties, "security": party("alice", "mallory")}, "owners": ()}


def own_scanner(world: World) -> dict[str, Any]:
    return {"scanners": {**world.terms.scanners, "mine": Scanner((public("mallory"),), ("*",), "security")}}


def long_exceptions(_world: World) -> dict[str, Any]:
    return {"exceptions": ExceptionTerms(366, wildcards=True)}


def nothing_critical(_world: World) -> dict[str, Any]:
    return {"critical": (), "owners": ()}


def no_witness(_world: World) -> dict[str, Any]:
    return {"ledger": None}


def for_ever(_world: World) -> dict[str, Any]:
    return {"expires": "2199-12-31"}


def degraded(_world: World) -> dict[str, Any]:
    return {"degraded": Degraded("everybody is ill", since=day(), until=day(30))}


CHANGES = [
    weak_policies, strict_policies, own_rules, own_member, second_key, without_the_others, own_scanner, long_exceptions,
    nothing_critical, no_witness, for_ever, degraded,
]  # fmt: skip


@pytest.mark.parametrize("what", CHANGES, ids=lambda one: one.__name__.replace("_", " "))
def test_alone_changes(world: World, what: Any) -> None:
    """With one member's key the contract is changed: policies, rules, people, keys, scanners, ledger, expiry."""
    content = changed(world.version().terms, **what(world))
    world.put(forged(content, "alice"))
    complaint = PUBLISH if what in {weak_policies, strict_policies} else SHORT
    assert_refused(world.under("contract", "verify"), complaint)
    assert_refused(world.scan(), complaint)
    # The honest counterpart: all the others sign too.
    world.put(forged(content, *EVERYBODY, *(["mallory"] if "mallory" in content.people() else [])))
    assert world.under("contract", "verify").code == 0


def test_new_members_key_does_not_count(world: World) -> None:
    """The key that a version brings in signs that very version, to make up the number."""
    world.put(world.version("alice", "mallory", "dave", **own_member(world)))
    assert_refused(world.under("contract", "verify"), "wants 1 more of security (bob or carol); signed by dave (platform), alice")  # fmt: skip


def test_rules_changed_by_those_they_ask(world: World) -> None:
    """The rules are changed by exactly the signatures that the new rules ask for, and not the old."""
    rules = {**world.terms.rules, "accept_contract": {"security": 1, "audit": 1}}
    world.put(world.version("alice", "frank", rules=rules))
    assert_refused(world.under("contract", "verify"), "by the rules of version 1 wants 1 more of platform")


def test_stricter_rules_not_met_by_themselves(world: World) -> None:
    """Rules that the others cannot meet are brought in with the old signatures, to lock them out."""
    rules = {**world.terms.rules, "accept_contract": {"security": 2, "platform": 1, "audit": 1}}
    world.put(world.version("alice", "bob", "dave", rules=rules))
    assert_refused(world.under("contract", "verify"), "by its own rules, since it changes who signs wants 1 more of audit (frank)")  # fmt: skip


def test_a_party_is_emptied_behind_its_back(world: World) -> None:
    """The audit party's only member is exchanged for the attacker, by enough people of the two other parties."""
    parties = {**world.terms.parties, "audit": party("mallory")}
    world.put(world.version("alice", "bob", "carol", "dave", "erin", "mallory", parties=parties))
    assert_refused(world.under("contract", "verify"), "changes the people or keys of audit, and nobody of audit signed it")  # fmt: skip


def test_through_the_command_line(world: World) -> None:
    """The proposal is signed over and over with one key and then accepted."""
    proposal = version_path(world.folder, "proposed", 2)
    write(proposal, world.version(**long_exceptions(world)).envelope.encode())
    for _ in range(3):
        assert world.under("contract", "sign", "--key", world.key("alice"), "--yes").code == 0
    assert_refused(world.under("contract", "accept"), SHORT)
    for name in ("bob", "dave"):
        assert world.under("contract", "sign", "--key", world.key(name), "--yes").code == 0
    assert world.under("contract", "accept").code == 0


def test_proposal_exchanged_under_signatures(world: World) -> None:
    """Others signed a harmless proposal; its text is exchanged for another under their signatures."""
    harmless = world.version("bob", "dave", expires=day(150))
    content = changed(harmless.terms, exceptions=ExceptionTerms(366, wildcards=True))
    evil = forged(content, "alice").envelope
    for key, signature in harmless.envelope.signatures.items():
        evil = evil.with_signature(key, signature)
    proposal = version_path(world.folder, "proposed", 2)
    write(proposal, evil.encode())
    assert_refused(world.under("contract", "accept"), "is not good: it is over something else")


def test_exception_alone(world: World) -> None:
    """With one member's key an exception is asked for and approved at once."""
    world.deploy("web", "db")
    path = world.exception("alice", requested_by="alice")
    assert "alice, who asks, is of security, which alone approves it" in refused_exception(world, path)
    path.unlink()
    # In another's name, whose signature is then missing.
    path = world.exception("alice", requested_by="dave")
    assert "dave, who asks, did not sign" in refused_exception(world, path)
    path.unlink()
    # The honest counterpart: dave asks, alice approves.
    world.exception("dave", "alice")
    assert world.scan().code == 0


def refused_exception(world: World, path: Path) -> str:
    """What is said of an exception that the scan does not apply."""
    assert world.scan().code == 1
    found = said(world.under("exception", "show", str(path)))
    assert "in force" not in found
    return found


def test_result_signed_by_a_person(world: World) -> None:
    """A person's key signs a result, as if it were a scanner."""
    held = ("--sign", world.key("alice"), "--evidence", str(world.results))
    assert_refused(world.scan(*held), "is alice's, a person of security: only scanners sign results")
    assert not world.results.exists()
