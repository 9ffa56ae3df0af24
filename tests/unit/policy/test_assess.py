"""Evidence to verdicts: only true is a pass, and nothing unknown ever is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from house import built, check, door, snapshot
from xspm.model.asset import Location, Problem, Resource
from xspm.model.check import PolicyException
from xspm.model.verdict import Assessment, ExceptionRef, Observed, Score
from xspm.policy.assess import FastEngine, assess
from xspm.policy.exceptions import unmatched
from xspm.policy.memory import Memory
from xspm.policy.plan import Plan, plan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xspm.model.asset import Snapshot

_POLICY = 'title: P\nversion: "1"\ninclude: [{checks: ["*"]}]\n'


def _plan(**checks: str) -> Plan:
    made = built({"policies/p.yaml": _POLICY} | {f"checks/{name}.yaml": text for name, text in checks.items()})
    assert made.errors == ()
    return plan(made.library, list(made.library.policies.values()), snapshot().asset)


def _assess(
    made: Plan, evidence: Snapshot, exceptions: Sequence[PolicyException] = (), memory: Memory | None = None
) -> Assessment:
    return assess(made, evidence, engine=FastEngine(), exceptions=exceptions, memory=memory)


LOCKED = _plan(locked=check("resource.locked"))


@pytest.mark.parametrize(
    ("locked", "status", "message"),
    [
        (True, "pass", ""),
        (False, "fail", "seen: "),
        ({"$unknown": "denied"}, "unknown", "denied"),
        (None, "error", ""),
        ("true", "error", ""),
        (1, "error", ""),
        ([], "error", ""),
    ],
)
def test_only_true_is_a_pass(locked: object, status: str, message: str) -> None:
    (verdict,) = _assess(LOCKED, snapshot(door("front", locked))).verdicts
    assert (verdict.status, verdict.resource_id, verdict.severity) == (status, "front", "high")
    assert message in verdict.message
    assert bool(verdict.message) == (status != "pass")


@pytest.mark.parametrize(
    ("applies", "status"),
    [
        ("resource.locked", "not_applicable"),
        ("!resource.locked", "fail"),
        ("resource.keys != null && resource.keys > 1", "unknown"),
    ],
)
def test_a_check_may_not_apply(applies: str, status: str) -> None:
    made = _plan(a=check("resource.locked", head=f'applies: "{applies}"\n'))
    (verdict,) = _assess(made, snapshot(door("front", locked=False, keys={"$unknown": "no"}))).verdicts
    assert status == verdict.status


def test_a_missing_field_is_an_error_never_a_pass() -> None:
    made = _plan(a=check("!resource.locked"))
    (verdict,) = _assess(made, snapshot(Resource("test.door", "d", "d", {}))).verdicts
    assert verdict.status == "error"


def test_an_unknown_says_why_and_of_what_kind() -> None:
    evidence = snapshot(door("front", {"$unknown": "later", "cause": "apply"}))
    (verdict,) = _assess(LOCKED, evidence).verdicts
    assert (verdict.status, verdict.message, verdict.cause) == ("unknown", "later", "apply")


def test_a_failure_shows_what_was_seen_and_where() -> None:
    place = Location("doors.yaml", 7)
    front = msgspec.structs.replace(
        door("front", locked=False), location=Location("doors.yaml", 3), locations={"locked": place}
    )
    (verdict,) = _assess(LOCKED, snapshot(front)).verdicts
    assert verdict.observed == (Observed("resource.locked", value=False, location=place),)
    assert verdict.location == place


def test_a_type_that_could_not_be_collected_is_unknown_for_every_check() -> None:
    made = _plan(a=check("resource.locked"), b=check("!resource.locked"))
    evidence = snapshot(door("front"), problems=[Problem("access", "no permission", ("test.door",))])
    verdicts = _assess(made, evidence).verdicts
    assert [(verdict.check, verdict.resource_id, verdict.status) for verdict in verdicts] == [
        ("a", "front", "pass"),
        ("b", "front", "fail"),
        ("a", "", "unknown"),
        ("b", "", "unknown"),
    ]
    assert {verdict.message for verdict in verdicts[2:]} == {"no permission"}


def test_a_type_that_was_not_looked_for_gives_no_verdict() -> None:
    assert _assess(LOCKED, snapshot(types=["test.window"])).verdicts == ()


@pytest.mark.parametrize(
    ("windows", "problems", "types", "status"),
    [
        ([True], [], ["test.door", "test.window"], "pass"),
        ([False], [], ["test.door", "test.window"], "fail"),
        ([], [], ["test.door", "test.window"], "pass"),
        ([], [Problem("access", "no", ("test.window",))], ["test.door", "test.window"], "unknown"),
        ([False], [Problem("access", "no", ("test.window",))], ["test.door", "test.window"], "unknown"),
        ([], [], ["test.door"], "unknown"),
    ],
)
def test_a_check_on_other_resources_never_takes_unread_for_none(
    windows: list[bool], problems: list[Problem], types: list[str], status: str
) -> None:
    made = _plan(a=check("resources['test.window'].all(w, w.closed)"))
    evidence = snapshot(
        door("front"),
        *(Resource("test.window", str(n), str(n), {"closed": closed}) for n, closed in enumerate(windows)),
        problems=problems,
        types=types,
    )
    assert status == _assess(made, evidence).verdicts[0].status


def test_now_is_when_the_evidence_was_collected() -> None:
    made = _plan(a=check("now == timestamp('2026-06-01T12:00:00Z')"))
    assert _assess(made, snapshot(door("front"))).verdicts[0].status == "pass"


def test_the_score_weighs_by_severity_and_counts_the_undecided_against() -> None:
    made = _plan(
        a=check("resource.locked"),
        b=check("resource.locked", severity="low"),
        c=check("1 < 2", severity="info"),
    )
    evidence = snapshot(door("open", locked=False), door("shut"), door("veiled", {"$unknown": "no"}))
    score = _assess(made, evidence).score
    assert score == Score(passed=9, decided=18, total=27)
    assert (score.value, score.coverage) == (33.3, 66.6)
    assert (Score(0, 0, 0).value, Score(0, 0, 0).coverage) == (None, None)


def _exception(**changes: Any) -> PolicyException:
    base = PolicyException(("locked",), ("front",), "r", "o", "2026-06-01", location=Location("e.yaml", 2))
    return msgspec.structs.replace(base, **changes)


def test_an_exception_marks_a_finding_and_drops_nothing() -> None:
    evidence = snapshot(door("front", locked=False), door("back", locked=False))
    made = _assess(LOCKED, evidence, [_exception()])
    assert [(verdict.resource_id, verdict.status, verdict.exception) for verdict in made.verdicts] == [
        ("back", "fail", None),
        ("front", "fail", ExceptionRef("r", "o", "2026-06-01", Location("e.yaml", 2))),
    ]
    assert made.score == _assess(LOCKED, evidence).score


def test_an_expired_exception_stops_counting_and_is_reported() -> None:
    made = _assess(LOCKED, snapshot(door("front", locked=False)), [_exception(expires="2026-05-31")])
    assert made.verdicts[0].exception is None
    assert made.expired == ("e.yaml:2: expired on 2026-05-31: locked (r)",)


@pytest.mark.parametrize(
    ("expires", "days", "overlong"),
    [
        ("2027-06-02", None, ()),
        ("2027-06-03", None, ("e.yaml:2: ends on 2027-06-03, and at most 366 days from the evidence are allowed: ",)),
        ("9999-12-31", 30, ("e.yaml:2: ends on 9999-12-31, and at most 30 days from the evidence are allowed: ",)),
        ("2026-07-01", 30, ()),
        ("2028-06-01", 1096, ()),
    ],
)
def test_an_exception_that_ends_too_late_does_not_count(
    expires: str, days: int | None, overlong: tuple[str, ...]
) -> None:
    """The time is the evidence's, not the reader's."""
    limited = LOCKED if days is None else msgspec.structs.replace(LOCKED, max_exception_days=days)
    made = _assess(limited, snapshot(door("front", locked=False)), [_exception(expires=expires)])
    assert made.overlong == tuple(f"{line}locked (r)" for line in overlong)
    assert (made.verdicts[0].exception is None) == bool(overlong)


@pytest.mark.parametrize(
    ("changes", "evidence", "expected"),
    [
        ({}, snapshot(door("front", locked=False)), ()),
        ({}, snapshot(door("front")), ("e.yaml:2: locked (r)",)),
        ({"resources": ("frnot",)}, snapshot(door("front", locked=False)), ("e.yaml:2: locked (r)",)),
        ({"assets": ("other",)}, snapshot(door("front")), ()),
        ({"checks": ("unasked",)}, snapshot(door("front")), ()),
        ({"expires": "2020-01-01"}, snapshot(door("front", locked=False)), ()),
        ({}, snapshot(problems=[Problem("access", "no", ("test.door",))]), ()),
    ],
)
def test_an_exception_that_matched_nothing(
    changes: dict[str, Any], evidence: Snapshot, expected: tuple[str, ...]
) -> None:
    exceptions = [_exception(**changes)]
    assert unmatched(exceptions, [_assess(LOCKED, evidence, exceptions)]) == expected
    assert unmatched([], [_assess(LOCKED, evidence)]) == ()


def test_an_exception_that_matched_on_one_asset_is_in_use() -> None:
    open_, shut = (_assess(LOCKED, snapshot(door("front", locked=locked))) for locked in (False, True))
    assert unmatched([_exception()], [shut, open_]) == ()


def test_an_exception_never_touches_a_pass() -> None:
    made = _assess(LOCKED, snapshot(door("front")), [_exception(), _exception(expires="2020-01-01")])
    assert made.verdicts[0].exception is None
    assert made.expired == ()


def test_every_resource_is_counted() -> None:
    made = _assess(LOCKED, snapshot(door("a"), door("b")))
    assert made.resources == {"test.door": 2, "test.window": 0}


def test_an_unchanged_snapshot_is_not_evaluated_again() -> None:
    made = _plan(
        a=check("resource.locked"),
        b=check("resources['test.door'].all(d, d.locked)"),
        c=check("now < timestamp('2027-01-01T00:00:00Z')"),
    )
    memory = Memory()
    evidence = snapshot(*(door(f"d{n}", locked=n % 2 == 0) for n in range(20)))
    first = _assess(made, evidence, memory=memory)
    after = memory.evaluated
    assert first == _assess(made, snapshot(*evidence.resources), memory=memory)
    assert memory.evaluated == after
    assert first == _assess(made, evidence)


def test_only_what_changed_is_evaluated_again() -> None:
    memory = Memory()
    doors = [door(f"d{n}") for n in range(20)]
    _assess(LOCKED, snapshot(*doors), memory=memory)
    before = memory.evaluated
    changed = _assess(LOCKED, snapshot(*doors[1:], door("d0", locked=False)), memory=memory)
    assert memory.evaluated - before == 1
    assert sum(verdict.status == "fail" for verdict in changed.verdicts) == 1


def test_a_check_that_reads_others_is_evaluated_again_when_they_change() -> None:
    made = _plan(a=check("resources['test.window'].size() == 0"))
    memory = Memory()
    assert _assess(made, snapshot(door("d")), memory=memory).verdicts[0].status == "pass"
    window = Resource("test.window", "w", "w", {})
    assert _assess(made, snapshot(door("d"), window), memory=memory).verdicts[0].status == "fail"
    problem = Problem("access", "no", ("test.window",))
    assert _assess(made, snapshot(door("d"), problems=[problem]), memory=memory).verdicts[0].status == "unknown"


def test_a_memory_forgets_the_oldest() -> None:
    memory = Memory(capacity=2)
    evidence = snapshot(door("a"), door("b"), door("c"))
    _assess(LOCKED, evidence, memory=memory)
    _assess(LOCKED, evidence, memory=memory)
    assert memory.evaluated > 3


@given(
    st.dictionaries(
        st.sampled_from(["locked", "keys"]),
        st.none() | st.booleans() | st.integers(0, 3) | st.just({"$unknown": "no"}) | st.text(max_size=2),
    )
)
def test_what_holds_an_unknown_that_decides_never_passes(data: dict[str, Any]) -> None:
    made = LOCKED_AND_FEW
    (verdict,) = _assess(made, snapshot(Resource("test.door", "d", "d", data))).verdicts
    if verdict.status == "pass":
        assert data["locked"] is True
        assert data["keys"] == 1


LOCKED_AND_FEW = _plan(a=check("resource.locked && resource.keys != null && resource.keys == 1"))


def test_an_exception_leaves_what_passes_alone() -> None:
    library = built({"checks/a.yaml": check("resource.locked")}, shipped=False).library
    snap = snapshot(door("front"), door("rear", locked=False))
    exception = PolicyException(("a",), ("*",), "r", "o", "2027-01-01")
    seen = assess(plan(library, (), snap.asset), snap, engine=FastEngine(), exceptions=[exception])
    assert [(one.status, one.exception is not None) for one in seen.verdicts] == [("pass", False), ("fail", True)]
