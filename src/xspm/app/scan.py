"""The main job: targets to snapshots to verdicts to a gate.

Targets are collected at the same time, each in a thread that dies with the process, so that Ctrl-C ends at once. A
target that cannot be read, or not in time, is a failure of the run; the others are still assessed. A connector that
breaks on something unforeseen is reported like one that could not read.
"""

from __future__ import annotations

import datetime
import os
import time
from typing import TYPE_CHECKING, Literal, TypeAlias

import msgspec

from xspm import __version__, connector
from xspm.app.policies import InForce
from xspm.errors import ConnectorError, UsageError, XspmError, without_password
from xspm.model.asset import Snapshot
from xspm.model.check import Severity
from xspm.model.verdict import ContractRef, Failure, Run
from xspm.policy.assess import Engine, FastEngine, assess
from xspm.policy.exceptions import unmatched
from xspm.policy.gate import stops
from xspm.policy.plan import plan
from xspm.report.text import labels

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from xspm.model.verdict import Assessment
    from xspm.policy.library import Library
    from xspm.policy.memory import Memory

Threshold: TypeAlias = Severity | Literal["never"]

_AT_ONCE = 64
_GRACE_SECONDS = 1.0
"""What a connector that minds the time itself gets on top, to say better what kept it: never much, for it may hang."""
_PATIENCE_SECONDS = 0.5


class Request(msgspec.Struct, frozen=True):
    """What to scan, and what to hold it against."""

    targets: tuple[str, ...]
    in_force: InForce
    options: connector.Options = connector.Options()
    fail_on: Threshold = "high"
    allow_unknown: bool = False
    engine: Literal["xspm", "reference"] = "xspm"
    contract: ContractRef | None = None
    """What `in_force` comes from, when it comes from a contract."""


class Collected(msgspec.Struct, frozen=True):
    """What was read of the targets, in their order."""

    snapshots: tuple[Snapshot, ...]
    failures: tuple[Failure, ...]
    started: str
    """RFC 3339, UTC."""


def scan(request: Request, progress: Callable[[str], None]) -> Run:
    """Collect and assess every target.

    Args:
        request: what to do.
        progress: called from any thread with one line about what is being read.

    Raises:
        UsageError: a target is not written in any connector's form.
        PolicyError: the policies in force contradict each other.
    """
    read = collect(request, progress)
    return report(request, read.snapshots, read.failures, started=read.started)


def collect(request: Request, progress: Callable[[str], None]) -> Collected:
    """Read every target.

    Raises:
        UsageError: a target is not written in any connector's form.
    """
    started = now()
    readers = _readers(request.targets)
    snapshots: list[Snapshot] = []
    failures: list[Failure] = []
    for target, outcome in zip(
        (target for target, _ in readers), _collect_all(readers, request.options, progress), strict=True
    ):
        if isinstance(outcome, Snapshot):
            snapshots.append(outcome)
        else:
            failures.append(_failure(target, outcome))
    return Collected(tuple(snapshots), tuple(failures), started)


def _readers(targets: Sequence[str]) -> list[tuple[str, connector.Connector]]:
    """The targets, each with its reader; a path in several spellings is one target, as it is written first."""
    readers: dict[str, tuple[str, connector.Connector]] = {}
    for target in targets:
        reader = recognise(target)
        is_path = target not in reader.targets and os.path.lexists(target)
        readers.setdefault(os.path.realpath(target) if is_path else target, (target, reader))
    return list(readers.values())


def _failure(target: str, error: XspmError) -> Failure:
    shown = without_password(target)
    hint = error.hint.replace(target, shown) if error.hint else None
    return Failure(target=shown, message=str(error).replace(target, shown), hint=hint)


def report(
    request: Request,
    snapshots: Sequence[Snapshot],
    failures: Sequence[Failure] = (),
    *,
    started: str,
    memory: Memory | None = None,
) -> Run:
    """Assess snapshots that are already there."""
    library = request.in_force.library
    engine = engine_for(request.engine)
    assessments = [
        assess(
            plan(library, request.in_force.policies, snapshot.asset, _concerned(snapshot)),
            snapshot,
            engine=engine,
            exceptions=request.in_force.exceptions,
            memory=memory,
        )
        for snapshot in snapshots
    ]
    unjudged = [
        _unjudged(request, snapshot, name)
        for snapshot, assessment, name in zip(
            snapshots, assessments, labels([snapshot.asset for snapshot in snapshots]), strict=True
        )
        if not assessment.verdicts
    ]
    failures = [*failures, *unjudged]
    stopped = any(stops(one, request.fail_on, allow_unknown=request.allow_unknown) for one in assessments)
    return _run(request, library, assessments, failures, started, stopped=stopped)


def _unjudged(request: Request, snapshot: Snapshot, target: str) -> Failure:
    """Say why there is no verdict about a target, not even `not_applicable`: nothing checked is no pass."""
    kinds = set(snapshot.resource_types)
    asked = plan(request.in_force.library, request.in_force.policies, snapshot.asset, kinds).checks
    if not asked:
        return Failure(
            target=target,
            message="no check of the policies in force concerns it",
            hint="see `scope` and `include` of the policies: xspm policy list, xspm policy lint",
        )
    first, *rest = sorted(asked)
    sought = f"{first} and {len(rest)} more" if rest else first
    return Failure(
        target=target,
        message=f"nothing was assessed: the policies in force ask about {sought}, and none was found",
        hint="name another target or policy, or leave the asset out by the policy's `scope`",
    )


def _concerned(snapshot: Snapshot) -> set[str]:
    """The resource types that a check can say anything about: of all others there is nothing, and that is known."""
    types = {resource.type for resource in snapshot.resources}
    return types.union(*(problem.resource_types for problem in snapshot.problems))


def _run(
    request: Request,
    library: Library,
    assessments: Sequence[Assessment],
    failures: Sequence[Failure],
    started: str,
    *,
    stopped: bool,
) -> Run:
    used = sorted({verdict.check for one in assessments for verdict in one.verdicts})
    return Run(
        version=__version__,
        started_at=started,
        assessments=tuple(assessments),
        checks={check_id: library.checks[check_id].check for check_id in used},
        fail_on=request.fail_on,
        allow_unknown=request.allow_unknown,
        gate="fail" if stopped else "pass",
        frameworks={check_id: library.requirements.get(check_id, ()) for check_id in used},
        failures=tuple(failures),
        contract=request.contract,
        unmatched=unmatched(request.in_force.exceptions, assessments),
    )


def engine_for(name: Literal["xspm", "reference"]) -> Engine:
    """The engine called so."""
    if name == "xspm":
        return FastEngine()
    from xspm.app.reference import ReferenceEngine  # noqa: PLC0415 - imports the C++ runtime

    return ReferenceEngine()


def now() -> str:
    """This moment, UTC, whole seconds, RFC 3339."""
    return datetime.datetime.now(tz=datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def recognise(target: str) -> connector.Connector:
    """The connector that reads a target.

    Raises:
        UsageError: none does.
    """
    for name in connector.TABLE:
        candidate = connector.load(name)
        if candidate.recognises(target):
            return candidate
    forms = ", ".join(form for name in connector.TABLE for form in connector.load(name).targets)
    if os.path.lexists(target.replace("\0", "")):
        why = "it is neither a folder nor a regular file with a name that is read (`-` reads a pipe)"
    else:
        why = "no such path"
    raise UsageError(f"{without_password(target)!r} is no target: {why}, and not one of {forms}")


def _collect_all(
    readers: Sequence[tuple[str, connector.Connector]], options: connector.Options, progress: Callable[[str], None]
) -> list[Snapshot | XspmError]:
    """Collect every target, at most `_AT_ONCE` at a time, in the order given; what takes too long is left behind."""
    import queue  # noqa: PLC0415 - as late as can be
    import threading  # noqa: PLC0415

    outcomes: dict[int, Snapshot | XspmError] = {}
    deadlines: dict[int, float] = {}
    waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
    finished: queue.SimpleQueue[tuple[int, Snapshot | XspmError]] = queue.SimpleQueue()

    def work() -> None:
        while True:
            try:
                index = waiting.get_nowait()
            except queue.Empty:
                return
            deadlines[index] = time.monotonic() + options.timeout + _GRACE_SECONDS
            finished.put((index, _collect(*readers[index], options, progress)))

    def start() -> None:
        threading.Thread(target=work, daemon=True).start()

    for index in range(len(readers)):
        waiting.put(index)
    for _ in range(min(_AT_ONCE, len(readers))):
        start()
    while len(outcomes) < len(readers):
        try:
            index, outcome = finished.get(timeout=_PATIENCE_SECONDS)
            outcomes.setdefault(index, outcome)
        except queue.Empty:
            late = [index for index, deadline in deadlines.copy().items() if deadline < time.monotonic()]
            for index in (index for index in late if index not in outcomes):
                outcomes[index] = _too_late(options)
                # Its thread never comes back for the targets that wait.
                start()
    return [outcomes[index] for index in range(len(readers))]


def _too_late(options: connector.Options) -> ConnectorError:
    return ConnectorError(
        f"not read within {options.timeout:g} s", hint="a longer --timeout gives it more time, or read less at once"
    )


def _collect(
    target: str, reader: connector.Connector, options: connector.Options, progress: Callable[[str], None]
) -> Snapshot | XspmError:
    try:
        return reader.collect(target, options, progress)
    except XspmError as error:
        return error
    except Exception as error:  # noqa: BLE001 - the connector boundary: one broken target must not end the others
        return ConnectorError(
            f"the {reader.name} connector broke: {type(error).__name__}: {error}", hint="please report this"
        )
