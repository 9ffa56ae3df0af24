"""Somebody changes a critical asset without the review that the contract asks for, and tries to have it look reviewed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from agreement import ASSET, LATER, Agreement, member, people
from commandline import assert_calm, assert_refused
from xspm.contract.terms import Critical, Owned

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Make = Callable[..., Agreement]

SEEN = "2026-06-02T12:00:00Z"


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Make:
    return lambda **more: Agreement(tmp_path, monkeypatch, capsys, **more)


def approved(world: Agreement, *names: str) -> Path:
    """An approval that some people signed."""
    assert world.ask_change().code == 0
    (path,) = world.files("changes")
    for name in names:
        done = world.approve_change(path, name)
        assert done.code == 0, done
    return path


def drift(world: Agreement, before: str = "old", after: str = "new", seen: str = SEEN, now: str = LATER) -> Any:
    """What xspm says of a change, and how it exits."""
    world.at(now)
    done = world.run("drift", world.snapshot(before), world.snapshot(after, seen), "--output", "json")
    assert done.err == ""
    said = json.loads(done.out)
    assert done.code == (1 if said["verdict"] == "unreviewed change" else 0)
    return said


def test_a_change_that_both_sides_approved(make: Make) -> None:
    """Nobody attacks: a change of a critical asset that both sides approved is a reviewed change."""
    world = make()
    approved(world, "erin", "alice")
    said = drift(world)
    assert (said["verdict"], said["findings"]) == ("reviewed change", [])
    assert (said["review"]["author"], said["review"]["reviewers"]) == ("dave", ["alice", "erin"])
    assert said["review"]["source"] == "approval"


def test_nobody_approved_anything(make: Make) -> None:
    """A critical asset is changed and nobody approved anything."""
    said = drift(make())
    assert said["verdict"] == "unreviewed change"
    assert (
        said["review"]["missing"] == "1 more of platform (dave or erin) and 1 more of security (alice or bob or carol)"
    )
    assert [(one["check"], one["severity"]) for one in said["findings"]] == [("xspm.change_is_reviewed", "critical")]


@pytest.mark.parametrize("names", [(), ("erin",), ("alice",), ("alice", "bob", "carol")])
def test_too_few_or_of_one_side(make: Make, names: tuple[str, ...]) -> None:
    """A change is approved by too few people, or by one side only."""
    world = make()
    approved(world, *names)
    said = drift(world)
    assert (said["verdict"], said["review"]["author"]) == ("unreviewed change", "dave")
    assert said["review"]["reviewers"] == list(names)
    assert "1 more of" in said["review"]["missing"]


def test_the_author_approves_with_a_second_key(make: Make) -> None:
    """Who made the change approves it with a second key."""
    world = make(parties=people(dave=member("dave", "dave-2")))
    path = approved(world, "alice")
    assert "dave does not count: asks for it" in world.approve_change(path, "dave-2").err
    world.signed(path, "dave-2")
    assert drift(world)["verdict"] == "unreviewed change"


def test_one_reviewer_signs_with_two_keys(make: Make) -> None:
    """One reviewer signs twice, with two keys, where two people are asked for."""
    wanted = (Critical(("host:db-*",), {"security": 2}),)
    world = make(parties=people(alice=member("alice", "alice-2")), critical=wanted)
    path = approved(world, "alice")
    assert "alice signed it already" in world.approve_change(path, "alice-2").err
    world.signed(path, "alice-2")
    assert drift(world)["verdict"] == "unreviewed change"


def test_who_answers_for_the_asset_approves(make: Make) -> None:
    """Who answers for the asset approves the change of it."""
    world = make(owners=(Owned((ASSET,), ("erin",)),))
    path = approved(world, "alice")
    assert "erin does not count: answers for host:db-1" in world.approve_change(path, "erin").err
    world.signed(path, "erin")
    assert drift(world)["verdict"] == "unreviewed change"


@pytest.mark.parametrize(
    ("before", "after"), [("old", "worse"), ("older", "new"), ("new", "old")], ids=["further", "from elsewhere", "back"]
)
def test_an_approval_is_replayed_on_another_change(make: Make, before: str, after: str) -> None:
    """An approval is replayed on another change: further on, from elsewhere, or back."""
    world = make()
    approved(world, "erin", "alice")
    said = drift(world, before, after)
    assert said["verdict"] == "unreviewed change"
    assert "it is for another change" in said["review"]["refused"][0]


def test_an_approval_is_replayed_on_another_asset(make: Make) -> None:
    """An approval is replayed on the same change of another asset."""
    world = make()
    approved(world, "erin", "alice")
    world.at(LATER)
    other = "host:db-2"
    done = world.run(
        "drift", world.snapshot("old", asset=other), world.snapshot("new", SEEN, asset=other), "--output", "json"
    )
    assert (done.code, json.loads(done.out)["verdict"]) == (1, "unreviewed change")


@pytest.mark.parametrize("seen", ["2026-06-03T00:00:01Z", "2026-06-19T00:00:00Z"])
def test_a_change_after_its_window(make: Make, seen: str) -> None:
    """An approved change is made after its time window."""
    world = make()
    approved(world, "erin", "alice")
    said = drift(world, seen=seen)
    assert said["verdict"] == "unreviewed change"
    assert "was good from 2026-06-01T00:00:00Z to 2026-06-03T00:00:00Z" in said["review"]["refused"][0]


@pytest.mark.parametrize(
    "changed",
    [
        {"after": "sha256:" + "a" * 64},
        {"not_after": "2026-06-20T00:00:00Z"},
        {"asset": "host:db-2"},
        {"requested_by": "alice"},
    ],
)
def test_the_approved_text_is_edited(make: Make, changed: dict[str, str]) -> None:
    """What was approved is edited afterwards: its target, window, asset or author."""
    world = make()
    path = approved(world, "erin", "alice")
    world.tampered(path, **changed)
    said = drift(world)
    assert said["verdict"] == "unreviewed change"
    assert any("is not good: it is over something else" in line for line in said["review"]["refused"])
    assert world.run("approve", "list").out.splitlines()[1].startswith("refused")


def test_an_approval_that_lasts_too_long(make: Make) -> None:
    """An approval is asked for that lasts longer than the contract allows."""
    world = make()
    assert_refused(
        world.ask_change(**{"not-after": "2026-06-30T00:00:00Z"}), "lasts longer than the 7 days of the contract"
    )
    assert world.files("changes") == []


def test_rules_that_became_stricter(make: Make) -> None:
    """An approval by the rules of before is shown after they became stricter."""
    world = make()
    approved(world, "erin", "alice")
    world.amend(critical=(Critical(("host:*",), {"security": 2, "platform": 1}),))
    said = drift(world)
    assert (said["verdict"], said["review"]["reviewers"]) == ("unreviewed change", ["alice", "erin"])


def test_an_approval_too_late(make: Make) -> None:
    """A change is approved after its window is over."""
    world = make()
    path = approved(world, "erin")
    world.at(LATER)
    late = world.approve_change(path, "alice")
    assert (late.code, "it was good until 2026-06-03T00:00:00Z" in late.err) == (2, True)


def test_a_snapshot_from_the_future_to_fit_a_window(make: Make) -> None:
    """Evidence is dated into the future so that it falls into an approved window."""
    world = make()
    approved(world, "erin", "alice")
    world.at("2026-06-01T12:00:00Z")
    done = world.run("drift", world.snapshot("old"), world.snapshot("new", SEEN))
    assert_refused(done, "was collected in the future")


def test_an_approval_of_the_contract_before_it_was_another(make: Make) -> None:
    """An approval under a version that the reader does not trust is shown."""
    world = make()
    path = approved(world, "erin", "alice")
    world.amend()
    said = json.loads(
        world.run(
            "drift", world.snapshot("old"), world.snapshot("new"), "--output", "json", "--root", world.links[1].digest
        ).out
    )
    assert said["verdict"] == "unreviewed change"
    assert f"{path}: it was asked for under another contract" in said["review"]["refused"][0]


def test_secrets_are_not_in_what_is_said(make: Make) -> None:
    """A change is made so that the report of it gives a secret away."""
    world = make()
    world.at(LATER)
    for output in ("text", "json"):
        done = world.run("drift", world.snapshot("old"), world.snapshot("hunter2", SEEN), "--output", output)
        assert "(withheld)" in done.out
        assert done.out.count("hunter2") == 1  # as the value of a field that is no secret
        assert_calm(done)
