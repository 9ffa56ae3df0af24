"""From a plan and a snapshot to verdicts: a pure function, remembered by digest.

For each resource the checks planned for its type are run in turn. What they said is remembered under the digests of
everything it depends on (checks, parameters, engine, the resource, and where a check reads `resources` or `now`,
those too), so a second assessment evaluates only what changed. A type that could not be collected gives one `unknown`
verdict per check, never silence.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

import msgspec

from xspm.cel import EvaluationError
from xspm.model.check import WEIGHTS, Severity
from xspm.model.digest import digest
from xspm.model.unknown import Cause, Unknown
from xspm.model.verdict import Assessment, Score, Status, Verdict
from xspm.policy.exceptions import Refused, mark
from xspm.policy.library import Executable
from xspm.policy.memory import Remembered
from xspm.policy.observed import observed, read

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from xspm.cel import Template
    from xspm.model.asset import Problem, Resource, Snapshot
    from xspm.model.check import PolicyException
    from xspm.policy.library import Compiled, Expression
    from xspm.policy.memory import Memory
    from xspm.policy.observed import Read
    from xspm.policy.plan import Plan, Planned


class Engine(Protocol):
    """Turns a compiled check into something that evaluates."""

    name: Literal["xspm", "reference"]

    def executable(self, compiled: Compiled) -> Executable:
        """The programs of a check."""


class FastEngine:
    """Our own programs."""

    name: Literal["xspm", "reference"] = "xspm"

    def __init__(self) -> None:
        """Start with no program loaded."""
        self._loaded: dict[str, Executable] = {}

    def executable(self, compiled: Compiled) -> Executable:
        """The programs of a check, loaded once."""
        loaded = self._loaded.get(compiled.check.id)
        if loaded is None or loaded.check is not compiled.check:
            loaded = self._loaded[compiled.check.id] = Executable(compiled)
        return loaded


def assess(
    plan: Plan,
    snapshot: Snapshot,
    *,
    engine: Engine,
    exceptions: Sequence[PolicyException] = (),
    memory: Memory | None = None,
) -> Assessment:
    """Return every verdict of a plan about a snapshot.

    Args:
        plan: what to run.
        snapshot: the evidence.
        engine: what evaluates.
        exceptions: all that are declared, in force or not.
        memory: what earlier assessments said; None remembers nothing.
    """
    results = list(_Assessor(plan, snapshot, engine, memory).run())
    verdicts = list(chain.from_iterable([result.verdicts for result in results]))
    refused = Refused()
    if any(result.attention for result in results):
        refused = mark(verdicts, snapshot, exceptions, plan.max_exception_days)
    counts: dict[str, int] = dict.fromkeys(snapshot.resource_types, 0)
    for resource in snapshot.resources:
        counts[resource.type] = counts.get(resource.type, 0) + 1
    return Assessment(
        asset=snapshot.asset,
        collected_at=snapshot.collected_at,
        snapshot=snapshot.digest,
        policies=plan.policies,
        engine=engine.name,
        verdicts=tuple(verdicts),
        problems=snapshot.problems,
        score=Score(
            passed=sum(result.passed for result in results),
            decided=sum(result.decided for result in results),
            total=sum(result.total for result in results),
        ),
        resources=counts,
        expired=refused.expired,
        overlong=refused.overlong,
    )


class _Resources(Mapping[str, "list[Any] | Unknown"]):
    """`resources` of CEL: all data by type, made on first use, unknown where a type could not be collected."""

    def __init__(self, snapshot: Snapshot, blocked: Mapping[str, Problem]) -> None:
        self._snapshot = snapshot
        self._blocked = blocked
        self._made: dict[str, list[Any] | Unknown] = {}

    def __getitem__(self, kind: str) -> list[Any] | Unknown:
        if kind not in self._made:
            self._made[kind] = self._make(kind)
        return self._made[kind]

    def __contains__(self, kind: object) -> bool:
        return True

    def __iter__(self) -> Iterator[str]:
        return iter(self._snapshot.resource_types)

    def __len__(self) -> int:
        return len(self._snapshot.resource_types)

    def _make(self, kind: str) -> list[Any] | Unknown:
        problem = self._blocked.get(kind)
        if problem is not None:
            return _unknown(problem)
        if kind not in self._snapshot.resource_types:
            return Unknown(f"{kind} is not collected from this kind of asset", cause="missing")
        return [resource.live_data for resource in self._snapshot.resources if resource.type == kind]


def _unknown(problem: Problem) -> Unknown:
    cause: Cause = "missing" if problem.kind == "unsupported" else problem.kind
    return Unknown(problem.message, cause=cause)


class _Step(NamedTuple):
    """One check as the loop over resources needs it."""

    id: str
    severity: Severity
    weight: int
    params: dict[str, Any]
    applies: Expression | None
    program: Expression
    message: Template
    reads: dict[Expression, tuple[Read, ...]]
    """By expression of the check: what a verdict shows of the resource."""


class _Group(msgspec.Struct, frozen=True):
    """Checks on one resource type that depend on the same evidence."""

    steps: tuple[_Step, ...]
    key: str
    """Digest of the checks, the engine and the evidence beside the resource."""


class _Assessor:
    """One assessment under way."""

    def __init__(self, plan: Plan, snapshot: Snapshot, engine: Engine, memory: Memory | None) -> None:
        self._plan = plan
        self._snapshot = snapshot
        self._engine = engine
        self._memory = memory
        self._blocked: dict[str, Problem] = {}
        for problem in snapshot.problems:
            for kind in problem.resource_types:
                self._blocked.setdefault(kind, problem)
        self._resources = _Resources(snapshot, self._blocked)
        self._groups: dict[str, tuple[_Group, ...]] = {}

    def run(self) -> Iterator[Remembered]:
        """Yield what each group of checks says about each resource, then about what could not be collected."""
        for resource in self._snapshot.resources:
            groups = self._groups.get(resource.type)
            if groups is None:
                groups = self._groups[resource.type] = self._group(resource.type)
            for group in groups:
                yield self._recall(group, resource)
        for kind in sorted(self._blocked):
            if kind in self._snapshot.resource_types and kind in self._plan.checks:
                yield self._uncollected(kind, self._blocked[kind])

    def _group(self, kind: str) -> tuple[_Group, ...]:
        """Split the checks of a type into those about the resource alone and those that read other evidence."""
        alone: list[Planned] = []
        wide: list[Planned] = []
        for planned in self._plan.checks.get(kind, ()):
            (wide if self._reads(planned) or self._reads_now(planned) else alone).append(planned)
        groups = [self._steps(alone, [])] if alone else []
        if wide:
            kinds = sorted({kind for planned in wide for kind in self._reads(planned)})
            evidence = [self._snapshot.collected_at] if any(self._reads_now(planned) for planned in wide) else []
            evidence += [self._kind_digest(kind) for kind in kinds] if self._memory else []
            groups.append(self._steps(wide, evidence))
        return tuple(groups)

    def _steps(self, planned: Sequence[Planned], evidence: Sequence[str]) -> _Group:
        steps = tuple(self._step(one) for one in planned)
        return _Group(steps, self._key(planned, evidence))

    def _step(self, planned: Planned) -> _Step:
        executable, severity = self._engine.executable(planned.compiled), planned.severity
        applies, program = executable.applies, executable.program
        reads = {one: tuple(map(read, one.reads)) for one in (applies, program) if one is not None}
        name = planned.compiled.check.id
        return _Step(name, severity, WEIGHTS[severity], planned.params, applies, program, executable.message, reads)

    def _parts(self, planned: Planned) -> list[Expression | Template]:
        executable = self._engine.executable(planned.compiled)
        return [part for part in (executable.program, executable.applies, executable.message) if part is not None]

    def _reads(self, planned: Planned) -> set[str]:
        return {kind for part in self._parts(planned) for kind in part.resource_types}

    def _reads_now(self, planned: Planned) -> bool:
        return any(part.reads_now for part in self._parts(planned))

    def _kind_digest(self, kind: str) -> str:
        if kind in self._blocked or kind not in self._snapshot.resource_types:
            return digest(msgspec.to_builtins(self._resources[kind]))
        return digest([resource.digest for resource in self._snapshot.resources if resource.type == kind])

    def _key(self, planned: Sequence[Planned], evidence: Sequence[str]) -> str:
        return digest([self._engine.name, [one.digest for one in planned], list(evidence)]) if self._memory else ""

    def _recall(self, group: _Group, resource: Resource) -> Remembered:
        if self._memory is None:
            return self._evaluate(group, resource)
        key = (group.key, resource.type, resource.id, resource.name, resource.location, resource.digest)
        known = self._memory.get(key)
        if known is None:
            known = self._evaluate(group, resource)
            self._memory.put(key, known)
        return known

    def _evaluate(self, group: _Group, resource: Resource) -> Remembered:
        """Run a group of checks on one resource; this is the loop that all of xspm's speed rests on."""
        data, resources, now = resource.live_data, self._resources, self._snapshot.collected_at
        kind, identity, name, place = resource.type, resource.id, resource.name, resource.location
        content = resource.digest
        verdicts: list[Verdict] = []
        add = verdicts.append
        shown: dict[str, str] = {}
        passed = decided = total = 0
        attention = False
        for step in group.steps:
            check, severity, weight, params, applies, program, _, _ = step
            status: Status = "pass"
            outcome: Any = True
            if applies is not None:
                outcome = applies.evaluate(data, params, resources, now)
                status = "not_applicable"
            if outcome is True:
                applies, status = None, "pass"
                outcome = program.evaluate(data, params, resources, now)
                total += weight
                if outcome is True:
                    passed += weight
                    decided += weight
                elif outcome is False:
                    decided += weight
                    status = "fail"
            elif outcome is not False:
                total += weight
            if status != "fail" and (outcome is True or outcome is False):
                add(Verdict(check, status, severity, kind, identity, name, "", (), place, None, None, content))
            else:
                attention = True
                add(self._open(step, applies or program, outcome, resource, data, shown))
        return Remembered(tuple(verdicts), passed, decided, total, attention)

    def _open(  # noqa: PLR0917 - the inner half of the loop above
        self,
        step: _Step,
        program: Expression,
        outcome: Any,
        resource: Resource,
        data: dict[str, Any],
        shown: dict[str, str],
    ) -> Verdict:
        """The verdict that a person must look at, with what was seen and where."""
        status: Status
        cause: Cause | None = None
        if outcome is False:
            message = step.message.render(data, step.params, self._resources, self._snapshot.collected_at, shown)
            status, message = "fail", message or "the check does not hold"
        elif isinstance(outcome, Unknown):
            status, message, cause = "unknown", outcome.reason, outcome.cause
        else:
            status, message = "error", outcome.message if isinstance(outcome, EvaluationError) else "not a truth value"
        reads, places, place = step.reads[program], resource.locations, resource.location
        for _, field in reads:
            if field in places:
                # The line of the first field read that is written down, else of the resource.
                place = places[field]
                break
        return Verdict(
            step.id,
            status,
            step.severity,
            resource.type,
            resource.id,
            resource.name,
            message,
            observed(reads, places, data),
            place,
            cause,
            None,
            resource.digest,
        )

    def _uncollected(self, kind: str, problem: Problem) -> Remembered:
        unknown = _unknown(problem)
        verdicts = tuple(
            Verdict(
                check=planned.compiled.check.id,
                status="unknown",
                severity=planned.severity,
                resource_type=kind,
                resource_id="",
                resource_name="",
                message=unknown.reason,
                location=problem.location,
                cause=unknown.cause,
            )
            for planned in self._plan.checks[kind]
        )
        total = sum(WEIGHTS[verdict.severity] for verdict in verdicts)
        return Remembered(verdicts, passed=0, decided=0, total=total, attention=True)
