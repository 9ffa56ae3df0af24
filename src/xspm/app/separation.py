"""A contract as an asset: its separation of powers as resources that checks speak of.

The pseudo-asset `contract:NAME` has one `xspm.contract`, one `xspm.exception` for each exception in its folder, and one
`xspm.change` for each change of a critical asset that is handed in. So an unreviewed change or a degraded contract is a
finding like any other: it has a severity, a reason, and a place in frameworks and reports.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from xspm.app.exceptions import listed
from xspm.contract.review import wanted_line
from xspm.contract.separation import overlaps
from xspm.errors import XspmError
from xspm.model.asset import Asset, Location, Problem, Resource, Snapshot
from xspm.model.resources import xspm as types

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from xspm.app.exceptions import Listed
    from xspm.app.trust import Trusted
    from xspm.contract.review import Review
    from xspm.drift.compare import Drift
    from xspm.model.schema import ResourceType

CONNECTOR = "contract"


def snapshot_of(trusted: Trusted, now: str, changes: Sequence[tuple[Drift, Review]] = ()) -> Snapshot:
    """Return a contract as evidence.

    Args:
        trusted: the contract.
        now: RFC 3339, UTC.
        changes: of assets, with the review of each; those that need none are left out.
    """
    problems: list[Problem] = []
    try:
        exceptions = listed(trusted, now)
    except XspmError as error:
        exceptions = []
        problems.append(Problem("format", str(error), (types.SignedException.TYPE,)))
    terms = trusted.terms
    effective = sum(one.state == "in force" for one in exceptions)
    resources = [
        _resource(terms.name, _contract(trusted, now, effective), trusted.accepted[-1].link.file),
        *(_resource(_within(one.file, trusted), _exception(one, trusted), one.file) for one in exceptions),
        *(
            _resource(f"{review.seen.asset} {review.seen.after}", _change(drift, review), review.where or None)
            for drift, review in changes
            if review.critical
        ),
    ]
    return Snapshot(
        asset=Asset(type="contract", id=f"contract:{terms.name}", name=terms.name),
        collected_at=now,
        connector=CONNECTOR,
        resource_types=tuple(sorted(one.TYPE for one in types.TYPES)),
        resources=tuple(sorted(_each_once(resources), key=lambda one: (one.type, one.id))),
        problems=tuple(problems),
    )


def _each_once(resources: Sequence[Resource]) -> Iterator[Resource]:
    seen: dict[tuple[str, str], Resource] = {}
    for one in resources:
        seen.setdefault((one.type, one.id), one)
    yield from seen.values()


def _resource(name: str, content: ResourceType, file: str | None) -> Resource:
    data: dict[str, Any] = msgspec.to_builtins(content)
    place = Location(file) if file and not file.startswith("https://") else None
    return Resource(type=content.TYPE, id=name, name=name, data=data, location=place)


def _within(file: str, trusted: Trusted) -> str:
    """A file by its name in the contract's folder: wherever that is kept, the evidence is the same."""
    return file.removeprefix(f"{trusted.folder}/")


def _contract(trusted: Trusted, now: str, effective: int) -> types.Contract:
    terms = trusted.terms
    degraded = terms.degraded if terms.degraded is not None and terms.degraded.holds(now) else None
    found = [one for one in overlaps(terms) if one.severity == "high" and one.kind != "degraded"]
    return types.Contract(
        name=terms.name,
        version=terms.version,
        expires=f"{terms.expires}T23:59:59Z",
        parties=sorted(terms.parties),
        policies_version=terms.policies.version if terms.policies else None,
        degraded=degraded is not None,
        degraded_reason=degraded.reason if degraded else None,
        degraded_until=degraded.until if degraded else None,
        single_person_powers=[one.text for one in found if one.kind == "person-alone"],
        joined_powers=[one.text for one in found if one.kind != "person-alone"],
        exceptions_in_force=effective,
        ledger=terms.ledger is not None,
    )


def _exception(one: Listed, trusted: Trusted) -> types.SignedException:
    text = one.text
    return types.SignedException(
        file=_within(one.file, trusted),
        state=one.state,
        reason_refused=one.why,
        check=text.check if text else None,
        asset=text.asset if text else None,
        resources=list(text.resources) if text else [],
        requested_by=text.requested_by if text else None,
        approvers=[name for names in one.counted.values() for name in names],
        expires=text.expires if text else None,
        degraded=one.degraded,
    )


def _change(drift: Drift, review: Review) -> types.Change:
    return types.Change(
        asset=review.seen.asset,
        before=review.seen.before,
        after=review.seen.after,
        seen_at=review.seen.at,
        author=review.author or None,
        reviewed=review.reviewed,
        reviewers=list(review.reviewers),
        wanted=wanted_line(review.wanted),
        missing=review.missing,
        refused=list(review.refused),
        source=review.source,
        changed_resources=list(drift.touched()),
        degraded=review.degraded,
    )
