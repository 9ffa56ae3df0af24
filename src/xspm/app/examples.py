"""Run what a check says about itself: its examples, and its remediations in code form.

An example in plain JSON is assessed as a resource; one in a connector's own form goes through that connector. A
remediation in code form is applied to the failing examples of a form that its connector can mend, and the check must
then pass.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import msgspec

from xspm import connector
from xspm.app.types import filled_by, resource_types
from xspm.errors import PolicyError, XspmError
from xspm.model.asset import Asset, Location, Resource, Snapshot
from xspm.model.unknown import UNKNOWN_KEY
from xspm.policy.assess import FastEngine, assess
from xspm.policy.plan import Plan, Planned

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from xspm.model.check import Check, Example, Remediation
    from xspm.model.verdict import Status, Verdict
    from xspm.policy.assess import Engine
    from xspm.policy.library import Compiled

Kind: TypeAlias = Literal["example", "remediation"]

_NOW = "2026-01-01T00:00:00Z"


class Trial(msgspec.Struct, frozen=True):
    """One example or remediation that was run."""

    check: str
    kind: Kind
    name: str
    """`pass 1`, `fail 2`, `remediation files`."""
    passed: bool
    detail: str
    """What happened instead; empty when passed."""
    location: Location | None


def run_examples(compiled: Compiled, check: Check, engine: Engine | None = None) -> Iterator[Trial]:
    """Yield one trial per example and per remediation in code form.

    Args:
        compiled: the check's programs.
        check: the check as its file says it, with examples.
        engine: what evaluates; ours when None.
    """
    runner = _Runner(compiled, check, engine or FastEngine())
    counts: dict[str, int] = {}
    for example in check.examples:
        counts[example.expect] = counts.get(example.expect, 0) + 1
        yield runner.example(example, f"{example.expect} {counts[example.expect]}")
    for remediation in check.remediation:
        if remediation.code:
            yield runner.remediation(remediation)


class _Runner:
    def __init__(self, compiled: Compiled, check: Check, engine: Engine) -> None:
        self._compiled = compiled
        self._check = check
        self._engine = engine

    def example(self, example: Example, name: str) -> Trial:
        try:
            verdicts = self._verdicts(example, example.content)
        except XspmError as error:
            return self._trial("example", name, str(error), example.location)
        return self._trial("example", name, judge(example.expect, verdicts), example.location)

    def remediation(self, remediation: Remediation) -> Trial:
        name = f"remediation {remediation.form}"
        failing = [
            example for example in self._check.examples if example.expect == "fail" and example.form != "resource"
        ]
        if not failing:
            return self._trial(
                "remediation", name, "there is no failing example in code form to apply it to", self._check.location
            )
        example = failing[0]
        try:
            reader = self._reader()
            mended = reader.remediate(example, remediation)
            detail = judge("pass", self._verdicts(example, mended))
        except XspmError as error:
            detail = str(error)
        return self._trial("remediation", name, detail, example.location)

    def _trial(self, kind: Kind, name: str, detail: str, location: Location | None) -> Trial:
        return Trial(check=self._check.id, kind=kind, name=name, passed=not detail, detail=detail, location=location)

    def _reader(self) -> connector.Connector:
        return _reader(self._check)

    def _verdicts(self, example: Example, content: Any) -> Sequence[Verdict]:
        params = {parameter.name: parameter.default for parameter in self._check.parameters}
        planned = Planned(compiled=self._compiled, severity=self._check.severity, params={**params, **example.params})
        plan = Plan(checks={self._check.resource: (planned,)}, policies=())
        return assess(plan, evidence(self._check, example, content), engine=self._engine).verdicts


def evidence(check: Check, example: Example, content: Any) -> Snapshot:
    """Return what a connector would have collected of an example, or of other content in the example's form.

    Raises:
        XspmError: the content is not in that form.
    """
    return _plain(check, example) if example.form == "resource" else _reader(check).example(example.form, content)


def _reader(check: Check) -> connector.Connector:
    return connector.load(filled_by()[check.resource][0])


def _plain(check: Check, example: Example) -> Snapshot:
    kind = check.resource
    resources = [_resource(kind, 0, example.content)]
    for other, items in example.resources.items():
        resources += [_resource(other, index + 1, item) for index, item in enumerate(items)]
    return Snapshot(
        asset=Asset(type="example", id="example", name="example"),
        collected_at=_NOW,
        connector="example",
        resource_types=tuple(sorted({kind, *example.resources})),
        resources=tuple(sorted(resources, key=lambda resource: (resource.type, resource.id))),
    )


def _resource(kind: str, index: int, data: Any) -> Resource:
    spec = resource_types().get(kind)
    if spec is None:
        raise PolicyError(f"the example has a resource of type {kind!r}, which is not known")
    if not isinstance(data, dict):
        raise PolicyError(f"an example of {kind} is a mapping of its fields")
    return Resource(type=kind, id=str(index), name=str(index), data=_complete(data, spec.shape, kind))


def _complete(data: dict[str, Any], shape: Any, path: str) -> dict[str, Any]:
    """Fill the fields an example leaves out with unknowns, so that no verdict can rest on them.

    Raises:
        PolicyError: the example has a field that the type does not, or a value of the wrong type.
    """
    from xspm.model.schema import validate  # noqa: PLC0415 - only examples in plain JSON need it

    if shape.kind == "dyn":
        return data
    filled = _fill(data, shape)
    problems = validate(filled, shape, path)
    if problems:
        raise PolicyError(f"the example does not fit its type: {problems[0]}")
    return filled  # type: ignore[no-any-return]  # a struct's data is a mapping


def _fill(value: Any, shape: Any) -> Any:
    if isinstance(value, dict) and shape.kind == "struct" and UNKNOWN_KEY not in value:
        known = {field.name: _fill(value[field.name], field.shape) for field in shape.fields if field.name in value}
        missing = {
            field.name: {UNKNOWN_KEY: "not said in the example", "cause": "missing"}
            for field in shape.fields
            if field.name not in value
        }
        return {**value, **known, **missing}
    if isinstance(value, list) and shape.kind == "list":
        return [_fill(item, shape.item) for item in value]
    return value


def judge(expect: str, verdicts: Sequence[Verdict]) -> str:
    """Return what is wrong with the verdicts of an example, empty if they are as it says."""
    statuses: set[Status] = {verdict.status for verdict in verdicts}
    if not statuses:
        return "it yields no resource of the check's type"
    allowed: dict[str, set[Status]] = {
        "pass": {"pass", "not_applicable"},
        "fail": {"fail", "pass", "not_applicable"},
        "unknown": {"unknown", "pass", "not_applicable"},
    }
    if expect in statuses and statuses <= allowed[expect]:
        return ""
    worst = next((verdict for verdict in verdicts if verdict.status not in {expect, "not_applicable"}), verdicts[0])
    said = f" ({worst.message})" if worst.message else ""
    return f"expected {expect}, got {worst.status}{said}"
