"""The degraded mode is used as a back door: it is to be open, logged and over on its last day.

The attacker is one member of security, alice. For a time her party was allowed to decide alone, because nobody else was
left; she tries to keep that power. Everything up to that version was agreed by all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from attack.world import ENOUGH, EVERYBODY, bundle, changed, day, forged, said, unchecked
from commandline import assert_refused
from parties import after, party
from xspm.contract.terms import Bundle, Degraded

if TYPE_CHECKING:
    from attack.conftest import Make
    from attack.world import World

ALONE = {"accept_contract": {"security": 1}, "publish_policy": {"security": 1}}
"""What only a degraded contract may say."""


def degraded(first: int, last: int) -> Degraded:
    return Degraded("two people left", since=day(first), until=day(last))


@pytest.fixture
def small(found: Make) -> World:
    """A contract in its degraded mode, in which security decides alone."""
    return found(rules=ALONE, degraded=degraded(-10, 10))


def weaken(world: World, *names: str) -> None:
    world.put(world.version(*names, policies=Bundle(2, world.add_bundle(bundle("web, db")))))


def test_what_the_degraded_mode_allows(small: World) -> None:
    """Nobody attacks: in the degraded mode one side decides alone, and every report says so."""
    weaken(small, "alice")
    assert "DEGRADED" in said(small.scan()).upper()
    assert small.scan().code == 0


def test_whom_the_degraded_mode_lets_forge_is_said(world: World) -> None:
    """Nobody attacks yet: under lax rules alice alone could weaken the policies by the next version; readers see that."""
    world.amend(*EVERYBODY, rules=ALONE, degraded=degraded(-1, 10))
    world.signed()
    code, (found,) = world.looked("--who-could-forge")
    assert code == 0, found
    assert ["alice"] in [[one["name"] for one in group] for group in found["fewest"]]
    assert "alice; bob; carol; ci" in said(world.verify("--who-could-forge"))


def test_rules_of_the_degraded_mode_after_its_end(found: Make) -> None:
    """The degraded mode is over, and its rules are used all the same to weaken the policies alone."""
    world = found(rules=ALONE, degraded=degraded(-40, -1))
    complaint = f"holds only in its degraded mode, from {day(-40)} to {day(-1)}: rules.accept_contract: security alone"
    assert_refused(world.under("contract", "verify"), complaint)
    weaken(world, "alice")
    assert_refused(world.scan(), complaint)
    # All together they get out of it.
    rules = {"accept_contract": {"security": 2, "platform": 1}, "publish_policy": {"security": 2}}
    world.put(world.version(*EVERYBODY, rules=rules, degraded=None))
    assert world.under("contract", "verify").code == 0


def test_rules_of_the_degraded_mode_before_it_begins(found: Make) -> None:
    """The degraded mode is declared for years from now: its rules count at once, and no report tells of it."""
    world = found(rules=ALONE, degraded=degraded(100, 110))
    assert_refused(world.under("contract", "verify"), "holds only in its degraded mode")


def test_prolonged_alone(small: World) -> None:
    """One side prolongs the degraded mode by the rules of the degraded mode, again and again."""
    longer = degraded(0, 90)
    small.put(small.version("alice", "bob", "carol", degraded=longer))
    assert_refused(small.under("contract", "verify"), "a degraded mode takes people of two parties; signed by alice and bob and carol (security)")  # fmt: skip
    small.put(small.version("alice", "dave", degraded=longer))
    assert small.under("contract", "verify").code == 0


def test_people_seated_by_lax_rules(small: World) -> None:
    """By the rules of the degraded mode one side seats a party of its own making, to prolong the mode together."""
    seats = {**small.terms.parties, "puppets": party("mallory")}
    seated = small.version("alice", "bob", "carol", parties=seats)
    small.put(seated)
    complaint = "to change who may do what takes people of two parties; signed by alice and bob and carol (security)"
    assert_refused(small.under("contract", "verify"), complaint)
    small.put(after(seated, "alice", "mallory", degraded=degraded(0, 90)))
    assert_refused(small.under("contract", "verify"), complaint)


def test_rules_for_good_by_lax_rules(small: World) -> None:
    """By the rules of the degraded mode one side ends it, with rules of its own making that stay."""
    rules = {"accept_contract": {"security": 1, "audit": 1}, "publish_policy": {"security": 1}}
    small.put(small.version("alice", "bob", "carol", rules=rules, degraded=None))
    assert_refused(small.under("contract", "verify"), "to change who may do what takes people of two parties")
    small.put(small.version("alice", "frank", rules=rules, degraded=None))
    assert small.under("contract", "verify").code == 0


def test_for_longer_than_allowed(small: World) -> None:
    """A degraded mode of years, which everybody signed without looking."""
    content = changed(small.version().terms, degraded=degraded(0, 90))
    small.put(forged(content, *EVERYBODY))
    assert small.under("contract", "verify").code == 0
    endless = changed(content, degraded=degraded(0, 3000))
    small.put(unchecked(endless, *EVERYBODY))
    assert_refused(small.under("contract", "verify"), "is not between 0 and 90")


def test_lax_rules_without_saying_so(world: World) -> None:
    """Rules by which one side decides alone are agreed without the degraded mode that must tell of them."""
    world.put(unchecked(changed(world.version().terms, rules=ALONE), *EVERYBODY))
    assert_refused(
        world.under("contract", "verify"), "rules.accept_contract: security alone could change this contract"
    )


def test_declared_alone(world: World) -> None:
    """One side declares the degraded mode alone, so that approvals may fall short of their rules."""
    world.put(world.version("alice", "bob", "carol", degraded=degraded(0, 30)))
    assert_refused(world.under("contract", "verify"), "wants 1 more of platform (dave or erin)")
    world.put(world.version(*ENOUGH, degraded=degraded(0, 30)))
    assert world.under("contract", "verify").code == 0


def test_nobody_approves_their_own_even_then(small: World) -> None:
    """In the degraded mode the one who asks for an exception approves it too."""
    small.deploy("web", "db")
    path = small.exception("alice", requested_by="alice")
    assert small.scan().code == 1
    assert "alice does not count: asks for it" in said(small.under("exception", "show", str(path)))
    small.exception("alice", "bob", requested_by="alice")
    assert small.scan().code == 0
