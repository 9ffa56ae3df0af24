"""Two versions of a check on the same evidence."""

from __future__ import annotations

from house import built, check, door, snapshot
from xspm.model.unknown import UNKNOWN_KEY
from xspm.policy.difference.trial import Shown, Version, held_up, trial

CHECKS = built(
    {
        "checks/a/locked.yaml": check("resource.locked"),
        "checks/a/open.yaml": check("!resource.locked"),
        "checks/a/keys.yaml": check("resource.keys != null && resource.keys == 1"),
        "checks/a/none.yaml": check("resource.locked", head="applies: '1 == 2'\n"),
    }
).library.checks


def _version(name: str) -> Version:
    return Version(CHECKS[f"a.{name}"], {})


def test_what_gets_through_and_what_does_not() -> None:
    evidence = [("x", snapshot(door("a"))), ("y", snapshot(door("b", locked=False)))]
    assert trial(_version("locked"), _version("open"), evidence) == Shown(
        looser="y: fail before, pass now", stricter="x: pass before, fail now"
    )
    assert trial(_version("locked"), _version("locked"), evidence) == Shown()


def test_not_applicable_lets_through() -> None:
    evidence = [("x", snapshot(door("a", locked=False)))]
    assert trial(_version("locked"), _version("none"), evidence).looser == "x: fail before, not applicable now"
    assert trial(_version("none"), _version("locked"), evidence).stricter == "x: not applicable before, fail now"


def test_what_failed_and_is_not_known_any_more() -> None:
    evidence = [("x", snapshot(door("a", locked=False, keys={UNKNOWN_KEY: "denied"})))]
    assert trial(_version("locked"), _version("keys"), evidence) == Shown(dimmer="x: fail before, unknown now")


def test_what_is_held_up() -> None:
    assert held_up(_version("locked"), "x", snapshot(door("a"))) == ""
    assert held_up(_version("locked"), "x", snapshot(door("a", locked=False))) == "x: fail before, not asked now"
