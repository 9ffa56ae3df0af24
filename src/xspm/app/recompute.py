"""Verdicts computed again from the evidence, and what differs from those that were signed.

The policies are compiled from the source in the contract's bundle: nothing that somebody cached earlier is asked. A
verdict's message, the values and lines shown with it are for people and not signed; what is compared is which verdicts
there are, and the status, severity and exception of each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from xspm.app.agreed import load_bundle
from xspm.app.scan import engine_for
from xspm.policy.assess import assess
from xspm.policy.plan import plan, policies_in_force

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xspm.app.trust import Trusted
    from xspm.contract.attestation import AssessmentText
    from xspm.contract.terms import Bundle
    from xspm.model.asset import Snapshot
    from xspm.model.check import Policy
    from xspm.model.digest import Digest
    from xspm.model.verdict import Assessment
    from xspm.policy.assess import Engine
    from xspm.policy.library import Library


class Difference(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing about a result that is not as it should be."""

    what: str
    """One line."""
    file: str = ""
    """Of the result, where one is at fault."""
    check: str = ""
    resource_type: str = ""
    resource: str = ""
    """Its id."""
    field: str = ""
    recorded: str = ""
    recomputed: str = ""
    engine: str = ""
    """Which engine recomputed it."""


class _Policies:
    """One bundle, compiled, with engines of its own."""

    def __init__(self, library: Library, policies: tuple[Policy, ...]) -> None:
        self.library = library
        self.policies = policies
        self._engines: dict[str, Engine] = {}

    def engine(self, name: Literal["xspm", "reference"]) -> Engine:
        if name not in self._engines:
            self._engines[name] = engine_for(name)
        return self._engines[name]


class Recomputing:
    """Computes verdicts by the bundles of one contract, each compiled once."""

    def __init__(self, trusted: Trusted) -> None:
        """Start with nothing compiled."""
        self._trusted = trusted
        self._compiled: dict[Digest, _Policies] = {}

    def assess(self, snapshot: Snapshot, bundle: Bundle, engine: Literal["xspm", "reference"]) -> Assessment:
        """Return every verdict about a snapshot, without exceptions.

        Raises:
            ContractError: the bundle is not at hand as it was signed.
            PolicyError, CelError, DocumentError: the bundle is not sound.
        """
        known = self._compiled.get(bundle.digest)
        if known is None:
            library, names = load_bundle(self._trusted, bundle, cached=False)
            known = _Policies(library, policies_in_force(library, names, ()))
            self._compiled[bundle.digest] = known
        asked = plan(known.library, known.policies, snapshot.asset)
        return assess(asked, snapshot, engine=known.engine(engine))


def compare(recorded: AssessmentText, again: AssessmentText, engine: str) -> Iterator[Difference]:
    """Say verdict by verdict, and then for the sums, what was recorded and what comes out."""
    mine, theirs = _verdicts(again), _verdicts(recorded)
    for name in sorted({*mine, *theirs}):
        check, kind, resource = name
        where = f"{check} on {kind} {resource}".rstrip()
        for field in ("status", "severity", "exception"):
            old, new = theirs.get(name, {}).get(field, "none"), mine.get(name, {}).get(field, "none")
            if old != new:
                yield Difference(
                    what=_sentence(where, field, old, new),
                    check=check,
                    resource_type=kind,
                    resource=resource,
                    field=field,
                    recorded=old,
                    recomputed=new,
                    engine=engine,
                )
                if "none" in {old, new} and field == "status":
                    break
    for check in sorted(recorded.severities.keys() - again.severities.keys() - {name[0] for name in theirs}):
        yield Difference(
            what=f"{check}: severity recorded {recorded.severities[check]}, and there is no verdict of it",
            check=check,
            field="severity",
            recorded=recorded.severities[check],
            recomputed="none",
            engine=engine,
        )
    for field in ("policies", "counts", "score", "gate", "problems", "degraded"):
        old, new = _shown(getattr(recorded, field)), _shown(getattr(again, field))
        if old != new:
            yield Difference(
                what=f"{field}: recorded {old}, recomputed {new}",
                field=field,
                recorded=old,
                recomputed=new,
                engine=engine,
            )
    if list(recorded.exceptions) != sorted(set(recorded.exceptions)):
        yield Difference("an exception is listed twice, or out of order", field="exceptions", engine=engine)
    if _order(recorded) != sorted(set(_order(recorded))):
        yield Difference("a resource is listed twice, or out of order", field="verdicts", engine=engine)


def _sentence(where: str, field: str, old: str, new: str) -> str:
    if field == "status" and old == "none":
        return f"{where}: the verdict is missing; recomputed {new}"
    if field == "status" and new == "none":
        return f"{where}: recorded {old}, and there is no such verdict"
    return f"{where}: {field} recorded {old}, recomputed {new}"


def _verdicts(text: AssessmentText) -> dict[tuple[str, str, str], dict[str, str]]:
    excepted = {(one.check, one.type, one.id): one.exception for one in text.excepted}
    found = {
        (check, kind, resource): {
            "status": status,
            "severity": text.severities.get(check, "none"),
            "exception": excepted.pop((check, kind, resource), "none"),
        }
        for check, kind, resource, status in text.flat()
    }
    # An exception for a verdict that is not there is a difference too.
    return found | {name: {"status": "none", "exception": one} for name, one in excepted.items()}


def _order(text: AssessmentText) -> list[tuple[str, str]]:
    return [(one.type, one.id) for one in text.verdicts]


def _shown(value: object) -> str:
    return msgspec.json.encode(value, order="sorted").decode()
