"""Whether an assessment stops a pipeline.

At or over the threshold a failing verdict stops it, and so does one that could not be decided for want of access or
by an error, unless the user allows unknowns. What only a later apply can decide is reported and does not stop it. An
exception in force lifts a verdict out of the gate. A problem that no check speaks for (a manifest that does not
parse) stops it like an unknown of the highest severity.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from xspm.model.check import SEVERITIES, Severity

if TYPE_CHECKING:
    from xspm.model.verdict import Assessment, Verdict

_RANK: Final[dict[str, int]] = {severity: rank for rank, severity in enumerate(SEVERITIES)}


def counts(verdict: Verdict, fail_on: Severity | Literal["never"], *, allow_unknown: bool) -> bool:
    """Whether a verdict stops the gate."""
    status = verdict.status
    if status == "pass" or status == "not_applicable" or fail_on == "never" or verdict.exception is not None:  # noqa: PLR1714 - asked of every verdict
        return False
    if _RANK[verdict.severity] > _RANK[fail_on]:
        return False
    if status == "fail":
        return True
    return not allow_unknown and (status == "error" or verdict.cause != "apply")


def stops(assessment: Assessment, fail_on: Severity | Literal["never"], *, allow_unknown: bool) -> bool:
    """Whether an assessment stops the gate."""
    if fail_on == "never":
        return False
    if any(counts(verdict, fail_on, allow_unknown=allow_unknown) for verdict in assessment.verdicts):
        return True
    return not allow_unknown and any(not problem.resource_types for problem in assessment.problems)
