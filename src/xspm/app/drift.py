"""Two snapshots to what changed between them and, under a contract, whether that was reviewed and by whom."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from xspm.app import approvals
from xspm.app.agreed import under
from xspm.app.policies import InForce
from xspm.app.separation import snapshot_of
from xspm.app.types import resource_types
from xspm.contract.approval import check_digest
from xspm.contract.forge import MAX_RECORD, read_pulls
from xspm.contract.review import Review, Seen, wanted_line
from xspm.contract.secretfile import read_small
from xspm.drift.compare import Drift, compare, shown_value
from xspm.errors import ModelError, UsageError
from xspm.model.asset import Snapshot, decode_snapshot
from xspm.model.verdict import Verdict
from xspm.policy import building, library
from xspm.policy.assess import FastEngine, assess
from xspm.policy.folder import Folder, read_file
from xspm.policy.plan import Plan, plan

if TYPE_CHECKING:
    from xspm.app.trust import Trusted
    from xspm.model.digest import Digest

__all__ = ["Examined", "examine", "read_snapshot", "revisions", "shown_value", "state", "wanted_line"]

MAX_SNAPSHOT: Final = 512 << 20
SNAPSHOT: Final = "snapshot.json"
POLICY: Final = "separation-of-powers"
_REVISION: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


class Examined(msgspec.Struct, frozen=True):
    """A change, and what was found about it."""

    drift: Drift
    review: Review | None
    """None without a contract."""
    evidence: Snapshot | None = None
    """The contract as an asset, with the change in it."""
    findings: tuple[Verdict, ...] = ()
    """What checks say about the contract, without what passes."""

    @property
    def verdict(self) -> Literal["no change", "unreviewed change", "reviewed change", "change"]:
        """In two words."""
        if not self.drift.is_change:
            return "no change"
        if self.review is None or not self.review.critical:
            return "change"
        return "reviewed change" if self.review.reviewed else "unreviewed change"


def read_snapshot(path: str) -> Snapshot:
    """Read a snapshot file, or the one in a folder of results.

    Raises:
        ContractError: there is none, or it is too large.
        ModelError: it is no snapshot.
    """
    file = str(Path(path, SNAPSHOT)) if Path(path).is_dir() else path
    data = read_small(file, MAX_SNAPSHOT).data
    try:
        snapshot = decode_snapshot(data)
        _ = snapshot.digest  # what nests too deep or holds no JSON number is found here
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ModelError) as error:
        raise ModelError(f"not a snapshot: {error}", file=file) from error
    return snapshot


def state(text: str, asset: str, what: str) -> Digest:
    """Return the digest of a state of an asset, written as a digest or as the snapshot's file.

    Raises:
        ContractError, ModelError: it is neither, or the snapshot is of another asset.
    """
    if text.startswith("sha256:"):
        return check_digest(text, what)
    snapshot = read_snapshot(text)
    if snapshot.asset.id != asset:
        raise ModelError(f"this snapshot is of {snapshot.asset.id}, not of {asset}", file=text)
    return snapshot.digest


def revisions(text: str | None, before: Snapshot, after: Snapshot) -> tuple[str, str] | None:
    """Return the forge's revisions that two states come from, as a person says or as the snapshots do.

    Raises:
        UsageError: what the person says is no pair of revisions.
    """
    if text is None:
        found = tuple(one.asset.labels.get("git.revision", "") for one in (before, after))
        return (found[0], found[1]) if all(found) else None
    first, dots, last = text.partition("..")
    if not dots or not _REVISION.fullmatch(first) or not _REVISION.fullmatch(last):
        raise UsageError(f"{text!r} is no pair of revisions", hint="two full commit ids: BEFORE..AFTER")
    return first, last


def examine(
    before: Snapshot,
    after: Snapshot,
    trusted: Trusted | None,
    now: str,
    *,
    reviews: str | None = None,
    between: str | None = None,
) -> Examined:
    """Compare two snapshots and look for the review of the change.

    Args:
        before: the earlier state.
        after: the later state.
        trusted: the contract that says who must review what.
        now: RFC 3339, UTC.
        reviews: a file with GitHub's recorded answers.
        between: the revisions that the states come from, `BEFORE..AFTER`.

    Raises:
        ModelError: the snapshots are not of one asset, or not in this order.
        ContractError: the record or the folder of approvals cannot be read.
    """
    drift = compare(before, after)
    if after.collected_at < before.collected_at:
        raise ModelError(f"the first was collected at {before.collected_at}, after the second: exchange them")
    if trusted is None:
        return Examined(drift, None)
    if after.collected_at > now:
        raise ModelError(f"the second was collected in the future, at {after.collected_at}")
    seen = Seen(drift.asset, drift.before, drift.after, drift.seen, revisions(between, before, after))
    pulls = read_pulls(read_small(reviews, MAX_RECORD).data, reviews) if reviews else ()
    review = approvals.review(trusted, seen, pulls)
    evidence = snapshot_of(trusted, now, [(drift, review)])
    return Examined(drift, review, evidence, _findings(trusted, evidence, now))


def _findings(trusted: Trusted, evidence: Snapshot, now: str) -> tuple[Verdict, ...]:
    """Hold a contract against its own policies in force; where those say nothing of contracts, against xspm's."""
    made = None
    if trusted.terms.policies is not None:
        agreed = under(trusted, now, cached=True)[0]
        made = _plan(agreed, evidence)
    if made is None or not made.checks:
        made = _plan(_shipped(), evidence)
    verdicts = assess(made, evidence, engine=FastEngine()).verdicts
    return tuple(one for one in verdicts if one.status not in {"pass", "not_applicable"})


def _shipped() -> InForce:
    """The checks on contracts that xspm ships, and nothing else of it: they are few, and compiled at once."""
    content = Path(library.CONTENT)
    paths = [*sorted((content / "checks" / "xspm").glob("*.yaml")), content / "policies" / f"{POLICY}.yaml"]
    files = {path.relative_to(content).as_posix(): read_file(path) for path in paths}
    made = building.build([Folder("xspm", files, shipped=True)], resource_types)
    library.refuse(made)
    return InForce(made.library, tuple(made.library.policies.values()), ())


def _plan(chosen: InForce, evidence: Snapshot) -> Plan:
    return plan(chosen.library, chosen.policies, evidence.asset, {one.type for one in evidence.resources})
