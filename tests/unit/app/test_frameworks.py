"""Requirement to checks to status."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from house import built, check, door, snapshot
from xspm.app import frameworks
from xspm.app.policies import InForce
from xspm.app.scan import Request, report
from xspm.errors import UsageError

if TYPE_CHECKING:
    from xspm.app.frameworks import Row
    from xspm.model.verdict import Run
    from xspm.policy.library import Built

FRAMEWORK = """\
title: F
version: "1"
publisher: P
url: u
requirements:
  - {id: "locks", title: t, checks: [a.locked]}
  - {id: "keys", title: t, checks: [a.keys, a.locked]}
  - {id: "glass", title: t, checks: [a.glass]}
  - {id: "none", title: t, checks: [b.*]}
  - {id: "people", title: t, reason: organisational}
"""


def _built() -> Built:
    made = built(
        {
            "checks/a/locked.yaml": check("resource.locked"),
            "checks/a/keys.yaml": check(
                "resource.keys != null && resource.keys < 3",
                head="applies: resource.keys == null || resource.keys != 0\n",
            ),
            "checks/a/glass.yaml": check("has(resource.pane)", resource="test.window"),
            "frameworks/f-1.yaml": FRAMEWORK,
            "frameworks/g-1.yaml": FRAMEWORK,
            "frameworks/g-2.yaml": FRAMEWORK,
        },
        shipped=False,
    )
    assert made.errors == ()
    return made


def _rows(run: Run | None) -> dict[str, tuple[str, str]]:
    made = _built()
    rows: list[Row] = frameworks.rows(made, made.frameworks["f-1"], run)
    return {row.id: (row.status, row.detail) for row in rows}


def _run(locked: object, keys: object) -> Run:
    made = _built()
    request = Request(targets=(), in_force=InForce(made.library, (), ()))
    return report(request, [snapshot(door("a", locked, keys))], started="2026-01-01T00:00:00Z")


UNKNOWN = {"$unknown": "no"}


@pytest.mark.parametrize(
    ("locked", "keys", "expected"),
    [
        (True, 1, {"locks": ("pass", "1 of 1 checks ran"), "keys": ("pass", "2 of 2 checks ran")}),
        (False, 1, {"locks": ("fail", "1 of 1 checks ran, 1 fail"), "keys": ("fail", "2 of 2 checks ran, 1 fail")}),
        (UNKNOWN, 1, {"locks": ("unknown", "1 of 1 checks ran, 1 undecided"), "keys": ("unknown", "2 of 2 checks ran, 1 undecided")}),
        (UNKNOWN, 9, {"keys": ("fail", "2 of 2 checks ran, 1 fail, 1 undecided")}),
        (True, 0, {"keys": ("pass", "1 of 2 checks ran")}),
    ],
)  # fmt: skip
def test_status_of_a_run(locked: object, keys: object, expected: dict[str, tuple[str, str]]) -> None:
    rows = _rows(_run(locked, keys))
    assert expected == {name: rows[name] for name in expected}
    assert rows["glass"] == ("not assessed", "0 of 1 checks ran")
    assert rows["none"] == ("no check yet", "")
    assert rows["people"] == ("not answerable", "organisational")


def test_status_of_no_run() -> None:
    assert _rows(None) == {
        "locks": ("checked", "1 checks"),
        "keys": ("checked", "2 checks"),
        "glass": ("checked", "1 checks"),
        "none": ("no check yet", ""),
        "people": ("not answerable", "organisational"),
    }


def test_a_run_of_nothing_assessed_nothing() -> None:
    empty = msgspec.structs.replace(_run(locked=True, keys=1), assessments=())
    assert _rows(empty)["locks"] == ("not assessed", "0 of 1 checks ran")


@pytest.mark.parametrize(("name", "expected"), [("f-1", "f-1"), ("f", "f-1"), ("g-2", "g-2")])
def test_find(name: str, expected: str) -> None:
    assert expected == frameworks.find(_built(), name).name


@pytest.mark.parametrize(
    ("name", "complaint", "hint"),
    [("x", "'x' names no framework", "known: f-1, g-1, g-2"), ("g", "'g' names 2 frameworks", "known: g-1, g-2")],
)
def test_find_refuses(name: str, complaint: str, hint: str) -> None:
    with pytest.raises(UsageError, match=f"^{complaint}$") as caught:
        frameworks.find(_built(), name)
    assert hint == caught.value.hint
