"""Whether a result stands on the contract's ledger, and stood there in time.

The ledger's witnesses are the only clock that neither the scanner nor the ledger's operator sets: a result that claims
an earlier day than the one on which they saw it there, or an older version of the contract than was in force then, was
made up later. After a version that is not at hand nobody can say under which rules a result was made.
"""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

from xspm.app.attest import ASSESSMENT, STATEMENTS
from xspm.app.ledger import MAX_SUBJECT, ledger_terms
from xspm.app.verified import is_moment, moment

if TYPE_CHECKING:
    from collections.abc import Collection

    from xspm.app.ledger_audit import Audited
    from xspm.app.trust import Trusted
    from xspm.app.verified import Case
    from xspm.contract.attestation import AssessmentText


def on_ledger(case: Case, ledger: Audited) -> None:
    """Find the statements of a result that the ledger does not have."""
    for name in STATEMENTS:
        if case.statements[name].digest not in ledger.logged:
            case.differs("it is not on the ledger", name)


def outdated(statement: str, asset: str, given: Collection[str], ledger: Audited) -> str:
    """What to say of the last given result of an asset, when the ledger has later ones that were not given."""
    there = ledger.results.get(asset[:MAX_SUBJECT], ())
    last = max((index for index, one in enumerate(there) if one in given), default=None)
    if last is None or there[last] != statement or last == len(there) - 1:
        return ""
    return f"not the newest: {len(there) - 1 - last} newer on the ledger, {there[-1]} the last, not among those given"


def in_time(case: Case, text: AssessmentText, ledger: Audited, trusted: Trusted) -> None:
    """Find a result written down too long after the time it claims, or under a version that was over by then."""
    logged = ledger.logged.get(case.statements[ASSESSMENT].digest)
    if logged is None or not is_moment(text.collected_at):
        return
    hours = ledger_terms(trusted).heartbeat_hours
    if moment(logged) - moment(text.collected_at) > datetime.timedelta(hours=hours):
        case.differs(
            f"says it was made at {text.collected_at}, and is not sure to have been written down before {logged}, more"
            f" than {hours} h later",
            ASSESSMENT,
        )
    for version, at in ledger.withheld.items():
        if at < text.collected_at:
            case.differs(
                f"made at {text.collected_at}; a version of the contract that is not at hand, {version}, was written"
                f" down at {at}, before it",
                ASSESSMENT,
            )
            return
    for one in trusted.accepted:
        since = ledger.versions.get(one.link.digest)
        if one.link.terms.version > text.contract_version and since is not None and since < text.collected_at:
            case.differs(
                f"made under version {text.contract_version} of the contract at {text.collected_at}; version"
                f" {one.link.terms.version} was written down at {since}",
                ASSESSMENT,
            )
            return
