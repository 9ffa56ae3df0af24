"""A contract as evidence: it fits its types, and the shipped checks say of it what is so."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from agreement import CRITICAL, NOW, Agreement
from xspm.app.drift import _findings
from xspm.app.separation import snapshot_of
from xspm.app.trust import open_contract
from xspm.app.types import resource_types
from xspm.contract.review import Review, Seen
from xspm.contract.terms import Degraded
from xspm.drift.compare import Drift
from xspm.model.digest import Digest
from xspm.model.schema import validate

if TYPE_CHECKING:
    from collections.abc import Callable

    Make = Callable[..., Agreement]

A, B = Digest("sha256:" + "a" * 64), Digest("sha256:" + "b" * 64)
DRIFT = Drift("host:db-1", A, B, NOW, NOW, ())
SEEN = Seen("host:db-1", A, B, NOW)


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Make:
    return lambda **more: Agreement(tmp_path, monkeypatch, capsys, **more)


def review(**more: Any) -> Review:
    given: dict[str, Any] = {"critical": True, "reviewed": False, "source": "none", "wanted": {"security": 1}, **more}
    return Review(SEEN, **given)


def failing(world: Agreement, now: str = NOW, *changes: tuple[Drift, Review]) -> set[str]:
    trusted = open_contract(str(world.folder), None, now)
    evidence = snapshot_of(trusted, now, changes)
    assert [line for one in evidence.resources for line in validate(one.data, resource_types()[one.type].shape)] == []
    verdicts = _findings(trusted, evidence, now)
    assert {one.status for one in verdicts} <= {"fail"}
    return {one.check for one in verdicts}


def test_a_sound_contract(make: Make) -> None:
    world = make()
    world.request()
    assert failing(world) == set()


@pytest.mark.parametrize(
    ("more", "now", "expected"),
    [
        ({"degraded": Degraded("ill", "2026-06-30", "2026-05-15")}, NOW, {"xspm.contract_is_not_degraded"}),
        ({"degraded": Degraded("ill", "2026-05-30", "2026-05-15")}, NOW, set()),
        ({}, "2026-12-25T00:00:00Z", {"xspm.contract_expires_not_soon"}),
        (
            {"rules": {"accept_contract": {"security": 2, "platform": 1}, "publish_policy": {"security": 1}}},
            NOW,
            {"xspm.contract_needs_two_people"},
        ),
    ],
)
def test_what_is_found(make: Make, more: dict[str, Any], now: str, expected: set[str]) -> None:
    assert failing(make(**more), now) == expected


def test_a_refused_exception_is_a_finding(make: Make) -> None:
    world = make()
    world.request()
    world.tampered(world.files("exceptions")[0], reason="other")
    assert failing(world) == {"xspm.exception_is_agreed"}


def test_changes(make: Make) -> None:
    world = make(critical=CRITICAL)
    assert failing(world, NOW, (DRIFT, review())) == {"xspm.change_is_reviewed"}
    assert failing(world, NOW, (DRIFT, review(reviewed=True))) == set()
    assert failing(world, NOW, (DRIFT, review(critical=False))) == set()


def test_the_same_wherever_the_folder_is(make: Make, tmp_path: Path) -> None:
    world = make()
    world.request()
    first = snapshot_of(open_contract(str(world.folder), None, NOW), NOW)
    moved = tmp_path / "moved"
    world.folder.rename(moved)
    second = snapshot_of(open_contract(str(moved), None, NOW), NOW)
    assert first.digest == second.digest


def test_exceptions_that_cannot_be_listed_are_a_problem(make: Make) -> None:
    world = make()
    (world.folder / "exceptions").write_text("no folder")
    evidence = snapshot_of(open_contract(str(world.folder), None, NOW), NOW)
    assert [one.resource_types for one in evidence.problems] == [("xspm.exception",)]
    assert Path(world.folder).is_dir()
