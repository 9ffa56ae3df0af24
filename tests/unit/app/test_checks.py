"""What authors do: find checks, start one, run its examples and remediations."""

from __future__ import annotations

from pathlib import Path

import pytest

from house import built, check, folder, types
from xspm.app import checks
from xspm.app.examples import Trial, judge, run_examples
from xspm.app.policies import FOLDER
from xspm.app.reference import ReferenceEngine
from xspm.app.types import filled_by, resource_types
from xspm.errors import PolicyError, UsageError, apart
from xspm.model.schema import Shape
from xspm.model.verdict import Status, Verdict
from xspm.policy.building import build
from xspm.policy.folder import Folder, read_folder

POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {hostPID: true, containers: [{name: a, image: b}]}"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


FILES = {"checks/a/b.yaml": check("resource.locked"), "checks/a/c.yaml": check("1 < 2")}


def test_find() -> None:
    made = built(FILES)
    assert [one.id for one in checks.find(made, [])] == ["a.b", "a.c"]
    assert [one.id for one in checks.find(made, ["*.c", "a.b"])] == ["a.b", "a.c"]
    assert [one.id for one in checks.find(made, ["a.b"])] == ["a.b"]


@pytest.mark.parametrize(
    ("pattern", "hint"),
    [("b", "did you mean a.b?"), ("x.c", "did you mean a.c?"), ("zz", "xspm check list shows them")],
)
def test_find_says_what_it_did_not_find(pattern: str, hint: str) -> None:
    with pytest.raises(UsageError, match=f"no check is called '{pattern}'") as caught:
        checks.find(built(FILES), [pattern])
    assert hint == caught.value.hint


@pytest.mark.parametrize("kind", list(resource_types()))
def test_the_skeleton_of_every_type_compiles(kind: str) -> None:
    path = checks.new("own.new_one", kind)
    assert path == Path(FOLDER, "checks/own/new_one.yaml")
    assert [error.diagnostics() for error in build([read_folder(Path(FOLDER))], resource_types).errors] == []


@pytest.mark.parametrize(
    ("check_id", "kind", "complaint"),
    [
        ("a.b", "x.y", "no resource type is called 'x.y'"),
        ("A.b", "k8s.role", "'A.b' is no check id"),
        ("", "k8s.role", "'' is no check id"),
        ("../up", "k8s.role", "'../up' is no check id"),
        ("/etc.passwd", "k8s.role", "'/etc.passwd' is no check id"),
        ("a..b", "k8s.role", "'a..b' is no check id"),
    ],
)
def test_new_refuses(check_id: str, kind: str, complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        checks.new(check_id, kind)
    assert list(Path().iterdir()) == []


def test_new_never_overwrites() -> None:
    path = checks.new("a.b", "k8s.role")
    path.write_text("mine")
    with pytest.raises(UsageError, match="exists already"):
        checks.new("a.b", "k8s.role")
    assert path.read_text() == "mine"


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        (Shape("bool"), "r.x"),
        (Shape("string"), "size(r.x) > 0"),
        (Shape("list"), "size(r.x) > 0"),
        (Shape("map"), "size(r.x) > 0"),
        (Shape("int"), "r.x == r.x"),
        (Shape("bool", nullable=True), "r.x != null"),
    ],
)
def test_a_first_condition_for_every_shape(shape: Shape, expected: str) -> None:
    assert expected == checks._condition("r.x", shape)


def test_sound_refuses_every_mistake_and_own_are_not_shipped(monkeypatch: pytest.MonkeyPatch) -> None:
    mixed = build(
        [folder({"checks/a.yaml": check("1 < 2")}), folder({"checks/b.yaml": check("1 < 2")}, shipped=False)], types
    )
    assert [one.id for one in checks.own(mixed)] == ["b"]
    monkeypatch.setattr(checks, "built", lambda _policies: mixed)
    assert checks.sound() is mixed
    monkeypatch.setattr(checks, "built", lambda _policies: built({"checks/a.yaml": "[]", "checks/b.yaml": "[]"}))
    with pytest.raises(PolicyError, match="a mapping is needed here") as caught:
        checks.sound(["x"])
    assert [one.where for one in apart(caught.value)] == ["f/checks/a.yaml:1:1", "f/checks/b.yaml:1:1"]


def test_what_is_shown_is_sound_and_a_mistake_counts_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    fine = built({"checks/a.yaml": check("1 < 2")})
    monkeypatch.setattr(checks, "listed", lambda _policies: fine)
    assert checks.shown() is fine
    monkeypatch.setattr(checks, "listed", lambda _policies: built({"checks/a.yaml": "[]", "checks/b.yaml": "[]"}))
    with pytest.raises(PolicyError, match="a mapping is needed here") as caught:
        checks.shown()
    assert (caught.value.hint, caught.value.others) == ("1 more: xspm policy lint", ())


_HEAD = """\
title: A check
severity: high
resource: {resource}
{head}check: {expression}
message: "is {{resource}}"
rationale: Because.
remediation:
{remediation}
references: [https://example.org]
examples:
{examples}
"""


def _trials(
    examples: str,
    *,
    expression: str = "resource.spec.?hostPID.orValue(false) == false",
    resource: str = "k8s.workload",
    remediation: str = "  steps: Mend it.",
    head: str = "",
    reference: bool = False,
) -> list[Trial]:
    text = _HEAD.format(resource=resource, expression=expression, remediation=remediation, examples=examples, head=head)
    made = build([Folder("f", {"checks/a.yaml": text.encode()})], resource_types)
    assert [error.diagnostics() for error in made.errors] == []
    engine = ReferenceEngine() if reference else None
    return list(run_examples(made.library.checks["a"], made.checks["a"], engine))


def _manifest(text: str, indent: int = 8) -> str:
    return "manifest: |\n" + "\n".join(" " * indent + line for line in text.split("\n"))


FINE = _manifest(POD.replace("hostPID: true, ", ""))
BAD = _manifest(POD)
PATCH = "  manifest: {spec: {hostPID: false}}"


@pytest.mark.parametrize("reference", [False, True])
def test_examples_and_remediation_hold(reference: bool) -> None:  # noqa: FBT001 - a case
    trials = _trials(
        f"  pass:\n    - {FINE}\n  fail:\n    - {BAD}",
        remediation=PATCH,
        reference=reference,
        head="applies: resource.name != ''\n",
    )
    assert [(trial.kind, trial.name, trial.passed, trial.detail) for trial in trials] == [
        ("example", "pass 1", True, ""),
        ("example", "fail 1", True, ""),
        ("remediation", "remediation manifest", True, ""),
    ]


@pytest.mark.parametrize(
    ("examples", "remediation", "name", "detail"),
    [
        (f"  pass:\n    - {BAD}\n  fail:\n    - {BAD}", "  steps: x", "pass 1", "expected pass, got fail (is "),
        (f"  pass:\n    - {FINE}\n  fail:\n    - {FINE}", "  steps: x", "fail 1", "expected fail, got pass"),
        (f"  pass:\n    - {FINE}\n  fail:\n    - {BAD}", "  manifest: {spec: {hostPID: true}}", "remediation manifest", "expected pass, got fail"),
        (f"  pass:\n    - {FINE}\n  fail:\n    - {BAD}", "  files: {/etc/x: y}", "remediation files", "does not fit"),
        (f"  pass:\n    - {FINE}\n  fail:\n    - resource: {{name: a}}", PATCH, "remediation manifest", "no failing example in code form"),
        (f"  pass:\n    - {FINE}\n  fail:\n    - manifest: 'kind: ['", "  steps: x", "fail 1", "the example's manifest"),
        (f"  pass:\n    - {FINE}\n  fail:\n    - host: {{}}", "  steps: x", "fail 1", "is `manifest:` with YAML text"),
        (f"  pass:\n    - {FINE}\n  fail:\n    - resource: [1]", "  steps: x", "fail 1", "is a mapping of its fields"),
        (f"  pass:\n    - {FINE}\n  fail:\n    - resource: {{nope: 1}}", "  steps: x", "fail 1", "nope is not a field"),
        (f"  pass:\n    - {FINE}\n  fail:\n    - resource: {{name: 1}}", "  steps: x", "fail 1", "name is not of type string"),
        (f"  pass:\n    - {FINE}\n  fail:\n    - resource: {{}}\n      resources: {{k8s.nope: [{{}}]}}", "  steps: x", "fail 1", "'k8s.nope', which is not known"),
        (f"  pass:\n    - {FINE}\n  fail:\n    - " + _manifest("apiVersion: v1\nkind: Secret\nmetadata: {name: a}"), "  steps: x", "fail 1", "yields no resource of the check's type"),
        (f"  pass:\n    - resource: {{}}\n  fail:\n    - {BAD}", "  steps: x", "pass 1", "expected pass, got unknown"),
    ],
)  # fmt: skip
def test_what_does_not_hold_is_told(examples: str, remediation: str, name: str, detail: str) -> None:
    failed = [trial for trial in _trials(examples, remediation=remediation) if not trial.passed]
    assert name in [trial.name for trial in failed]
    trial = next(trial for trial in failed if trial.name == name)
    assert detail in trial.detail
    assert trial.location is not None
    assert trial.check == "a"


def test_plain_examples_have_companions_params_and_unknown_fields() -> None:
    examples = """\
  pass:
    - resource: {name: a, containers: [{name: x}]}
      resources: {k8s.role: [{metadata: {name: a}}]}
      params: {wanted: a}
  fail:
    - resource: {name: a}
      resources: {k8s.role: []}
  unknown:
    - resource: {}
      resources: {k8s.role: [{metadata: {name: a}}]}
    - resource: {name: {$unknown: "why"}}
      resources: {k8s.role: [{metadata: {name: a}}]}
"""
    trials = _trials(
        examples,
        expression="resources['k8s.role'].exists(role, role.metadata.name == resource.name) && resource.name == params.wanted",
        head="parameters: {wanted: {default: a, description: d}}\n",
    )
    assert [(trial.name, trial.detail) for trial in trials] == [
        ("pass 1", ""),
        ("fail 1", ""),
        ("unknown 1", ""),
        ("unknown 2", ""),
    ]


@pytest.mark.parametrize("reference", [False, True])
def test_a_raw_type_takes_any_mapping(reference: bool) -> None:  # noqa: FBT001 - a case
    trials = _trials(
        "  pass:\n    - resource: {metadata: {name: a}}\n  fail:\n    - resource: {metadata: {}}",
        expression="has(resource.metadata.name)",
        resource="k8s.role",
        reference=reference,
    )
    assert all(trial.passed for trial in trials)


def test_trials_of_several_checks() -> None:
    made = built(FILES)
    assert [trial.check for trial in checks.trials(made, list(made.checks.values()))] == ["a.b", "a.b", "a.c", "a.c"]


def _verdict(status: Status) -> Verdict:
    return Verdict("a", status, "high", "t", "i", "n", f"m-{status}" if status != "pass" else "")


@pytest.mark.parametrize(
    ("expect", "statuses", "expected"),
    [
        ("pass", ["pass", "not_applicable"], ""),
        ("pass", ["not_applicable"], "expected pass, got not_applicable (m-not_applicable)"),
        ("pass", [], "it yields no resource of the check's type"),
        ("pass", ["pass", "fail"], "expected pass, got fail (m-fail)"),
        ("fail", ["fail", "pass"], ""),
        ("fail", ["fail", "error"], "expected fail, got error (m-error)"),
        ("fail", ["pass"], "expected fail, got pass"),
        ("unknown", ["unknown", "pass"], ""),
        ("unknown", ["unknown", "fail"], "expected unknown, got fail (m-fail)"),
    ],
)
def test_judge(expect: str, statuses: list[Status], expected: str) -> None:
    assert expected == judge(expect, [_verdict(status) for status in statuses])


def test_every_type_says_who_fills_it() -> None:
    assert list(resource_types()) == sorted(filled_by())
    assert all(filled_by().values())
