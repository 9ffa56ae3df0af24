"""Whether new policies ask less than old ones: removed, narrowed, relaxed, weakened, or only in doubt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
import pytest

from house import TYPES, check, door, snapshot
from xspm.errors import CelError, DocumentError, PolicyError, XspmError
from xspm.model.asset import Asset, Resource, Snapshot
from xspm.model.check import Check as CheckModel
from xspm.model.check import Framework, Override, Parameter, Policy, Requirement, Selection
from xspm.model.unknown import UNKNOWN_KEY
from xspm.policy import building
from xspm.policy.bundle import Bundle, decode_bundle, encode_bundle
from xspm.policy.difference.interface import Change, Difference
from xspm.policy.difference.judge import compare
from xspm.policy.exceptions import MAX_DAYS
from xspm.policy.folder import Folder
from xspm.policy.plan import Plan

if TYPE_CHECKING:
    from xspm.model.check import Check, Example

HEAD: Final = "parameters: {most: {default: 3, description: Most keys.}}\n"
KEYS: Final = "resource.keys != null && resource.keys <= params.most"
ONE: Final = "(resource.keys != null && resource.keys == 1)"
FRAMEWORK: Final = (
    "title: F\nversion: '1'\npublisher: us\nurl: https://example.org\n"
    "requirements: [{id: '1', title: One, checks: [a.*, b.*]}]\n"
)
FILES: Final = {
    "checks/a/few_keys.yaml": check(KEYS, head=HEAD),
    "checks/b/locked.yaml": check("resource.locked"),
    "frameworks/f.yaml": FRAMEWORK,
}


def _policy(rest: str = "", include: str = '{checks: ["*"]}') -> str:
    return f'title: P\nversion: "1"\ninclude: [{include}]\n{rest}'


def _bundle(files: dict[str, str], names: tuple[str, ...] = ("p",), own: dict[str, str] | None = None) -> Bundle:
    texts = {"policies/p.yaml": _policy(), **FILES, **files}
    folders = [Folder("xspm", {path: text.encode() for path, text in texts.items() if text}, shipped=True)]
    if own:
        folders.append(Folder("own", {path: text.encode() for path, text in own.items()}))
    return decode_bundle(encode_bundle(folders, names), "x")


def _example(check: Check, example: Example) -> Snapshot | None:
    return snapshot(Resource(check.resource, "it", "it", example.content))


def _compare(old: dict[str, str], new: dict[str, str], *evidence: Snapshot, **more: Any) -> Difference:
    return compare(_bundle(old), _bundle(new, **more), TYPES, _example, evidence)


def _said(found: Difference) -> list[tuple[str, str]]:
    return [(change.kind, change.check) for change in found.changes]


def test_the_same_files_ask_the_same() -> None:
    found = _compare({}, {})
    assert found == Difference(())
    assert not found.weaker


def test_another_policy_that_is_not_in_force_changes_nothing() -> None:
    found = _compare({}, {"policies/q.yaml": _policy(include="{checks: [a.*]}")})
    assert found == Difference((), unchanged=2)


CHANGED: Final[list[tuple[str, dict[str, str], dict[str, str], str | None]]] = [
    ("a check is deleted", {}, {"checks/b/locked.yaml": ""}, "removed"),
    ("a policy leaves a check out", {}, {"policies/p.yaml": _policy("exclude: [{checks: [b.*]}]\n")}, "removed"),
    (
        "a framework no longer names it",
        {"policies/p.yaml": _policy(include="{frameworks: [f]}")},
        {
            "policies/p.yaml": _policy(include="{frameworks: [f]}"),
            "frameworks/f.yaml": FILES["frameworks/f.yaml"].replace(", b.*", ""),
        },
        "removed",
    ),
    (
        "its tag is gone",
        {
            "policies/p.yaml": _policy(include="{tags: [t]}"),
            "checks/b/locked.yaml": check("resource.locked", head="tags: [t]\n"),
            "checks/a/few_keys.yaml": check(KEYS, head="tags: [t]\n" + HEAD),
        },
        {
            "policies/p.yaml": _policy(include="{tags: [t]}"),
            "checks/a/few_keys.yaml": check(KEYS, head="tags: [t]\n" + HEAD),
        },
        "removed",
    ),
    ("its own severity is lower", {}, {"checks/b/locked.yaml": check("resource.locked", severity="low")}, "weakened"),
    (
        "an override lowers the severity",
        {},
        {"policies/p.yaml": _policy("overrides: [{checks: [b.*], severity: info}]\n")},
        "weakened",
    ),
    (
        "an override raises the severity",
        {},
        {"policies/p.yaml": _policy("overrides: [{checks: [b.*], severity: critical}]\n")},
        "strengthened",
    ),
    (
        "an override relaxes a parameter",
        {},
        {"policies/p.yaml": _policy("overrides: [{checks: [a.*], params: {most: 5}}]\n")},
        "weakened",
    ),
    (
        "an override tightens a parameter",
        {},
        {"policies/p.yaml": _policy("overrides: [{checks: [a.*], params: {most: 2}}]\n")},
        "strengthened",
    ),
    ("a default is relaxed", {}, {"checks/a/few_keys.yaml": check(KEYS, head=HEAD.replace("3", "9"))}, "weakened"),
    ("the scope is narrowed", {}, {"policies/p.yaml": _policy("scope: {street: [main]}\n")}, "weakened"),
    (
        "the scope has one pattern less",
        {"policies/p.yaml": _policy("scope: {street: [main, side]}\n")},
        {"policies/p.yaml": _policy("scope: {street: [main]}\n")},
        "doubtful",
    ),
    (
        "the scope is another",
        {"policies/p.yaml": _policy("scope: {street: [main]}\n")},
        {"policies/p.yaml": _policy("scope: {street: [side]}\n")},
        "doubtful",
    ),
    (
        "the scope is wider",
        {"policies/p.yaml": _policy("scope: {street: [main, side-1], type: [house]}\n")},
        {"policies/p.yaml": _policy('scope: {street: [main, "side-*"]}\n')},
        "strengthened",
    ),
    ("the condition is turned", {}, {"checks/b/locked.yaml": check("!resource.locked")}, "weakened"),
    ("the condition is always true", {}, {"checks/b/locked.yaml": check("true || resource.locked")}, "weakened"),
    (
        "it applies to less",
        {},
        {"checks/b/locked.yaml": check("resource.locked", head="applies: resource.locked\n")},
        "weakened",
    ),
    (
        "one more thing is asked",
        {},
        {"checks/b/locked.yaml": check("resource.locked && " + ONE)},
        "strengthened",
    ),
    (
        "it applies everywhere",
        {"checks/b/locked.yaml": check("resource.locked", head=f"applies: {ONE}\n")},
        {},
        "strengthened",
    ),
    (
        "it applies to more",
        {"checks/b/locked.yaml": check("resource.locked", head=f"applies: {ONE}\n")},
        {
            "checks/b/locked.yaml": check(
                "resource.locked", head=f"applies: resource.locked || {ONE}\n"
            )
        },
        "strengthened",
    ),
    ("what nobody can prove", {}, {"checks/b/locked.yaml": check("resource.locked && 1 == 1 || 1 == 2")}, "doubtful"),
    (
        "it depends on the time",
        {},
        {"checks/b/locked.yaml": check("resource.locked && now > timestamp('2020-01-01T00:00:00Z')")},
        "doubtful",
    ),
    (
        "it depends on other resources",
        {},
        {"checks/b/locked.yaml": check("resource.locked && resources['test.window'].size() == 0")},
        "doubtful",
    ),
    (
        "it is about something else",
        {},
        {"checks/b/locked.yaml": check("resource.locked", resource="test.window")},
        "weakened",
    ),
    ("its rationale is another", {}, {"checks/b/locked.yaml": FILES["checks/b/locked.yaml"].replace("Because", "So")}, "reworded"),
    ("its message is another", {}, {"checks/b/locked.yaml": FILES["checks/b/locked.yaml"].replace("seen", "saw")}, "reworded"),
    ("only comments are other", {}, {"checks/b/locked.yaml": "# x\n" + FILES["checks/b/locked.yaml"]}, "reworded"),
    ("only brackets are other", {}, {"checks/b/locked.yaml": check("(resource.locked)")}, "reworded"),
    ("the same in other words", {}, {"checks/b/locked.yaml": check("!(!resource.locked)")}, "reworded"),
    ("a requirement loses a check", {}, {"frameworks/f.yaml": FRAMEWORK.replace(", b.*", "")}, "weakened"),
    ("a requirement is answered by another check", {"frameworks/f.yaml": FRAMEWORK.replace("a.*, b.*", "b.*")}, {"frameworks/f.yaml": FRAMEWORK.replace("a.*, b.*", "a.*")}, "weakened"),
    ("a requirement is gone", {"frameworks/f.yaml": FRAMEWORK.replace("}]", "}, {id: '2', title: Two}]")}, {}, "weakened"),
    ("a requirement has a reason", {}, {"frameworks/f.yaml": FRAMEWORK.replace("checks: [a.*, b.*]", "reason: nobody knows")}, "weakened"),
    ("an open requirement has a reason", {"frameworks/f.yaml": FRAMEWORK.replace("}]", "}, {id: '2', title: Two}]")}, {"frameworks/f.yaml": FRAMEWORK.replace("}]", "}, {id: '2', title: Two, reason: nobody knows}]")}, "doubtful"),
    ("a framework is gone", {}, {"frameworks/f.yaml": ""}, "weakened"),
    ("a framework has another name", {}, {"frameworks/f.yaml": "", "frameworks/g.yaml": FRAMEWORK}, "weakened"),
    ("a requirement gains a check", {"frameworks/f.yaml": FRAMEWORK.replace(", b.*", "")}, {}, "strengthened"),
    ("a requirement is new", {}, {"frameworks/f.yaml": FRAMEWORK.replace("}]", "}, {id: '2', title: Two, checks: [a.*]}]")}, "added"),
    ("a framework is new", {}, {"frameworks/g.yaml": FRAMEWORK}, "added"),
    ("a requirement has another title", {}, {"frameworks/f.yaml": FRAMEWORK.replace("One", "Eins")}, "reworded"),
    ("a check is new", {}, {"checks/b/new.yaml": check("resource.locked")}, "added"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "kind"), [one[1:] for one in CHANGED], ids=[one[0] for one in CHANGED])
def test_kinds(old: dict[str, str], new: dict[str, str], kind: str) -> None:
    found = _compare(old, new)
    assert found.changes[0].kind == kind, found.changes
    assert found.weaker == (kind in {"removed", "weakened", "doubtful"})


def test_a_check_that_is_gone_is_not_told_again_for_its_requirements() -> None:
    assert _said(_compare({}, {"checks/b/locked.yaml": ""})) == [("removed", "b.locked")]
    assert _said(_compare({"checks/b/locked.yaml": ""}, {})) == [("added", "b.locked")]


def test_a_requirement_names_the_checks_that_it_loses() -> None:
    found = _compare({}, {"frameworks/f.yaml": FRAMEWORK.replace(", b.*", "")})
    assert found.changes == (Change("weakened", "framework f, requirement 1", "no longer answered by b.locked"),)
    assert found.unchanged == 2


def test_a_weakening_names_what_gets_through() -> None:
    found = _compare({}, {"checks/b/locked.yaml": check(ONE)})
    assert found.changes == (
        Change("weakened", "b.locked", "another condition", "old example fail 1: fail before, pass now"),
    )


def test_examples_that_were_adapted_hide_nothing() -> None:
    softer = check(ONE).replace(
        "fail: [{resource: {locked: false, keys: 1}}]", "fail: [{resource: {locked: true, keys: 2}}]"
    )
    assert _said(_compare({}, {"checks/b/locked.yaml": softer})) == [("weakened", "b.locked")]


def test_an_example_is_tried_with_its_own_parameters_too() -> None:
    own = "fail: [{resource: {locked: true, keys: 1}, params: {most: 0}}]"
    texts = [
        check(expression, head=HEAD).replace("fail: [{resource: {locked: false, keys: 1}}]", own)
        for expression in (KEYS, "resource.keys != null && resource.keys * 1 <= params.most + 1")
    ]
    found = _compare({"checks/a/few_keys.yaml": texts[0]}, {"checks/a/few_keys.yaml": texts[1]})
    assert [change.proof for change in found.changes] == [
        "old example fail 1, with its parameters: fail before, pass now"
    ]


def test_a_parameter_relaxed_without_an_example_is_a_weakening_all_the_same() -> None:
    found = _compare({}, {"policies/p.yaml": _policy("overrides: [{checks: [a.*], params: {most: 4}}]\n")})
    assert found.changes == (
        Change("weakened", "a.few_keys", "most is 4, was 3; it asks no more than before in any part, and less in some"),
    )


def test_evidence_shows_what_no_example_does() -> None:
    doubtful = {
        "checks/b/locked.yaml": check("resource.locked || (resource.keys != null && resource.keys == 7) && 1 == 1")
    }
    assert _said(_compare({}, doubtful, snapshot(door("a")))) == [("weakened", "b.locked")]
    found = _compare({}, doubtful, snapshot(door("a", locked=False, keys=7)))
    assert [change.proof for change in found.changes] == ["home, 2026-06-01T12:00:00Z: fail before, pass now"]


def test_evidence_of_assets_out_of_scope() -> None:
    narrowed = {"policies/p.yaml": _policy("scope: {street: [side]}\n")}
    found = _compare({}, narrowed, snapshot(door("a", locked=False)))
    assert [(change.check, change.proof) for change in found.changes if change.proof] == [
        ("b.locked", "home, 2026-06-01T12:00:00Z: fail before, not asked now")
    ]


def test_evidence_never_takes_a_doubt_away() -> None:
    doubtful = {"checks/b/locked.yaml": check("resource.locked && 1 == 1 || 1 == 2")}
    assert _said(_compare({}, doubtful, snapshot(door("a")))) == [("doubtful", "b.locked")]


def test_evidence_against_a_proof_counts() -> None:
    """What was unknown, because it was not known whether the check applies, and passes now."""
    old = {"checks/b/locked.yaml": check("resource.locked", head=f"applies: {ONE}\n")}
    assert not _compare(old, {}).weaker
    found = _compare(old, {}, snapshot(door("a", keys={UNKNOWN_KEY: "denied"})))
    assert found.changes[0] == Change(
        "weakened",
        "b.locked",
        "it lets recorded evidence through",
        "home, 2026-06-01T12:00:00Z: unknown before, pass now",
    )


def test_parameters_that_change_places() -> None:
    def files(main: int, side: int) -> dict[str, str]:
        params = {"main": main, "side": side}
        return {
            f"policies/{street}.yaml": _policy(
                f"overrides: [{{checks: [a.*], params: {{most: {most}}}}}]\nscope: {{street: [{street}]}}\n"
            )
            for street, most in params.items()
        }

    names = ("main", "side")
    old, new = _bundle(files(2, 4), names), _bundle(files(4, 2), names)
    found = compare(old, new, TYPES, _example)
    assert _said(found) == [("weakened", "a.few_keys"), ("strengthened", "a.few_keys")]


@pytest.mark.parametrize(
    ("one", "other", "why"),
    [
        ("", HEAD, "a parameter most, 3"),
        (HEAD, "", "without the parameter most"),
        (
            HEAD,
            HEAD.replace("3", "[" + ", ".join(["1000"] * 20) + "]"),
            "most is [1000, 1000, 1000, 1000, 1000, 1000, 10…, was 3",
        ),
    ],
)
def test_parameters_come_and_go(one: str, other: str, why: str) -> None:
    old, new = ({"checks/b/locked.yaml": check("resource.locked", head=head)} for head in (one, other))
    found = _compare(old, new)
    assert found.changes == (Change("reworded", "b.locked", f"{why}; it means the same"),)


def test_evidence_of_an_asset_that_nobody_asks_about() -> None:
    scoped = {"policies/p.yaml": _policy("scope: {street: [side]}\n")}
    new = scoped | {"checks/b/locked.yaml": check("resource.locked && " + ONE)}
    found = _compare(scoped, new, snapshot(door("a", locked=False)))
    assert _said(found) == [("strengthened", "b.locked")]


def test_policies_together_still_ask_all() -> None:
    """One policy for two streets is split into one for each: nothing is asked less."""
    old = {"policies/p.yaml": _policy("scope: {street: [main, side]}\n")}
    new = {
        "policies/p.yaml": _policy("scope: {street: [main]}\n"),
        "policies/q.yaml": _policy("scope: {street: [side]}\n"),
    }
    assert _compare(old, new, names=("p", "q")) == Difference((), unchanged=2)
    assert _compare(old, new).weaker


def test_policies_together_compare_code_once() -> None:
    old = {"policies/p.yaml": _policy("scope: {street: [main, side]}\n")}
    found = _compare(old, {**old, "checks/b/locked.yaml": check("true || resource.locked")}, names=("p",))
    split = {
        "policies/p.yaml": _policy("scope: {street: [main]}\n"),
        "policies/q.yaml": _policy("scope: {street: [side]}\n"),
        "checks/b/locked.yaml": check("true || resource.locked"),
    }
    assert _compare(old, split, names=("p", "q")) == found
    assert _said(found) == [("weakened", "b.locked")]


def test_the_strictest_policy_that_covers_counts() -> None:
    lower = {"policies/q.yaml": _policy("overrides: [{checks: [b.*], severity: low}]\nscope: {street: [main]}\n")}
    assert not _compare({}, lower, names=("p", "q")).weaker


def test_policies_that_may_contradict_each_other_end_a_scan() -> None:
    other = _policy("overrides: [{checks: [a.*], params: {most: 2}}]\nscope: {street: [main]}\n")
    found = _compare({}, {"policies/q.yaml": other}, names=("p", "q"))
    assert _said(found) == [("doubtful", "a.few_keys")]
    scoped = {"policies/p.yaml": _policy("scope: {street: [side]}\n")}
    assert not compare(
        _bundle(scoped), _bundle({**scoped, "policies/q.yaml": other}, ("p", "q")), TYPES, _example
    ).weaker


def test_a_policy_no_longer_in_force() -> None:
    found = _compare({}, {"policies/q.yaml": _policy(include="{checks: [a.*]}")}, names=("q",))
    assert _said(found) == [("removed", "b.locked")]


def test_own_checks_run_until_there_is_an_own_policy() -> None:
    own = {"checks/own/c.yaml": check("resource.locked")}
    old = _bundle({"policies/p.yaml": _policy(include="{checks: [a.*]}")}, own=own)
    new = _bundle(
        {"policies/p.yaml": _policy(include="{checks: [a.*]}")},
        own=own | {"policies/mine.yaml": _policy(include="{checks: [b.*]}")},
    )
    assert _said(compare(old, new, TYPES, _example)) == [("removed", "own.c")]
    assert _said(compare(new, old, TYPES, _example)) == [("added", "own.c")]


def test_an_own_check_that_a_policy_asks_elsewhere_less_severely() -> None:
    """Where no policy asks it, it runs as it is; a policy in force for some assets must not lower it there."""
    own = {"checks/own/c.yaml": check("resource.locked")}
    lower = _policy("overrides: [{checks: [own.*], severity: low}]\nscope: {street: [main]}\n")
    old = _bundle({"policies/p.yaml": _policy(include="{checks: [a.*]}")}, own=own)
    new = _bundle({"policies/p.yaml": lower.replace('checks: ["*"]', "checks: [a.*, own.*]")}, own=own)
    assert ("weakened", "own.c") in _said(compare(old, new, TYPES, _example))


@pytest.mark.parametrize(
    ("files", "names", "error", "complaint"),
    [
        ({"checks/b/locked.yaml": check("resource.lock")}, ("p",), CelError, "no field 'lock'"),
        ({"checks/c/new.yaml": check("resource.lock")}, ("p",), CelError, "no field 'lock'"),
        ({"checks/b/locked.yaml": "title: [\n"}, ("p",), DocumentError, "locked.yaml"),
        ({"checks/b/locked.yaml": "title: A\n"}, ("p",), PolicyError, "is missing"),
        ({"checks/b/locked.yaml": check("1 < 2", resource="x.y")}, ("p",), PolicyError, "'x.y' is not known"),
        ({"policies/p.yaml": "title: P\n"}, ("p",), PolicyError, "is missing"),
        (
            {"policies/p.yaml": _policy("overrides: [{checks: [x.*], severity: low}]\n")},
            ("p",),
            PolicyError,
            "no check",
        ),
        ({"frameworks/f.yaml": "title: F\n"}, ("p",), PolicyError, "is missing"),
        (
            {"policies/p.yaml": _policy(f"overrides: [{{checks: [a.*], params: {{most: {'9' * 5000}}}}}]\n")},
            ("p",),
            XspmError,
            ".",
        ),
        (
            {"policies/p.yaml": _policy(f"overrides: [{{checks: [a.*], params: {{most: {2**60}}}}}]\n")},
            ("p",),
            PolicyError,
            "not a whole number",
        ),
        ({}, ("p", "zz"), PolicyError, "'zz' is in force and not in it"),
        ({}, (), PolicyError, "no policy is in force"),
    ],
)
def test_what_is_not_sound_is_not_compared(
    files: dict[str, str], names: tuple[str, ...], error: type[XspmError], complaint: str
) -> None:
    with pytest.raises(error, match=complaint):
        compare(_bundle({}), _bundle(files, names), TYPES, _example)


def _days(days: int | None, scope: str = "{}") -> str:
    return _policy(f"scope: {scope}\n" + (f"max_exception_days: {days}\n" if days else ""))


@pytest.mark.parametrize(
    ("old", "new", "weaker"),
    [
        ((30,), (30,), False),
        ((30,), (20,), False),
        ((30,), (31,), True),
        ((30,), (None,), True),
        ((None,), (30,), False),
        ((None,), (MAX_DAYS,), False),
        ((None,), (MAX_DAYS + 1,), True),
        ((MAX_DAYS + 9,), (MAX_DAYS + 8,), False),
        ((MAX_DAYS + 9,), (None,), False),
        ((MAX_DAYS + 9,), (MAX_DAYS + 10,), True),
        ((30, "{street: [main]}"), (30,), False),
        ((MAX_DAYS + 9, "{street: [main]}"), (MAX_DAYS + 9,), True),
    ],
)
def test_how_long_exceptions_may_last(old: tuple[Any, ...], new: tuple[Any, ...], weaker: bool) -> None:  # noqa: FBT001 - a table
    assert _compare({"policies/p.yaml": _days(*old)}, {"policies/p.yaml": _days(*new)}).weaker is weaker


def test_every_field_of_a_policy_and_a_check_is_thought_of() -> None:
    """A new field may be one more way to ask less: it must be compared, and then listed here."""
    known: dict[type[msgspec.Struct], str] = {
        Policy: "name title version include exclude overrides scope max_exception_days location",
        Override: "checks severity params location",
        Selection: "checks tags severities frameworks location",
        Parameter: "name default description",
        Plan: "checks policies max_exception_days",
        CheckModel: "id title severity resource check applies message rationale remediation references parameters"
        " examples tags location",
        Framework: "name title version publisher url requirements location",
        Requirement: "id title checks reason",
    }
    assert {one: set(one.__struct_fields__) for one in known} == {one: set(text.split()) for one, text in known.items()}


@pytest.mark.parametrize("path", ["checks/b/locked.yaml", "policies/p.yaml", "frameworks/f.yaml"])
def test_two_files_of_one_name(path: str) -> None:
    text = {"policies/p.yaml": _policy(), **FILES}[path]
    with pytest.raises(PolicyError, match="exists already"):
        compare(_bundle({}), _bundle({}, own={path: text}), TYPES, _example)


def test_an_own_policy_that_selects_nothing() -> None:
    own = {"policies/mine.yaml": _policy(include="{checks: [zz.*]}")}
    with pytest.raises(PolicyError, match="selects no check"):
        compare(_bundle({}), _bundle({}, own=own), TYPES, _example)


def test_only_what_changed_is_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[str] = []

    original = building.build

    def build(folders: list[Folder], types: Any) -> Any:
        compiled.extend(path for folder in folders for path in folder.files)
        return original(folders, types)

    monkeypatch.setattr(building, "build", build)
    _compare({}, {"checks/b/locked.yaml": check("resource.locked && " + ONE)})
    assert compiled == ["checks/b/locked.yaml"] * 2


def test_examples_that_are_no_evidence_show_nothing() -> None:
    old, new = _bundle({}), _bundle({"checks/b/locked.yaml": check(ONE)})
    found = compare(old, new, TYPES, lambda _check, _example: None)
    assert _said(found) == [("doubtful", "b.locked")]


def test_evidence_of_another_asset() -> None:
    """What is tried is what each bundle asks of that very asset."""
    old = {"policies/p.yaml": _policy("scope: {type: [house]}\n")}
    new = {"policies/p.yaml": _policy("scope: {type: [house]}\noverrides: [{checks: [a.*], params: {most: 9}}]\n")}
    far = msgspec.structs.replace(snapshot(door("a", keys=5)), asset=Asset("tent", "tent:1", "tent"))
    near = snapshot(door("a", keys=5))
    assert [bool(change.proof) for change in _compare(old, new, far).changes] == [False]
    assert [bool(change.proof) for change in _compare(old, new, far, near).changes] == [True]
