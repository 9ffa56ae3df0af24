"""One result under verification: what was read of it, what was found, and what it is worth in the end."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import msgspec

from xspm import __version__
from xspm.app.attest import SNAPSHOT
from xspm.app.recompute import Difference
from xspm.contract.forging import Holder, Route

if TYPE_CHECKING:
    from pathlib import Path

    from xspm.app.statements import Granted
    from xspm.contract.attestation import About, AssessmentText, SnapshotText
    from xspm.contract.chain import Link
    from xspm.contract.envelope import Envelope
    from xspm.contract.keys import KeyId

State: TypeAlias = Literal["verified", "differs", "unverifiable"]
_FORM: Final = "%Y-%m-%dT%H:%M:%SZ"


class Verified(msgspec.Struct, frozen=True):
    """What one result is worth."""

    folder: str
    state: State
    differences: tuple[Difference, ...] = ()
    problem: str = ""
    """Why it could not be verified, one line."""
    notes: tuple[str, ...] = ()
    """What is as it may be, and a reader should know."""
    asset: str = ""
    content: str = ""
    """Digest of what was found."""
    collected_at: str = ""
    contract: str = ""
    contract_version: int = 0
    scanner: str = ""
    operator: str = ""
    """The party that runs the scanner."""
    verdicts: int = 0
    statement: str = ""
    """Digest of the statement about its evidence, by which the next one names it."""
    previous: str = ""
    """The one before it, as its scanner had it."""
    gate: str = ""
    fail_on: str = ""
    engines: tuple[str, ...] = ()
    """Those that recomputed the verdicts."""
    forgers: tuple[Route, ...] = ()
    """The ways in which it could have been forged."""
    fewest: tuple[tuple[Holder, ...], ...] = ()
    """The smallest groups that could have, over all ways."""


class Case:
    """One result under verification."""

    def __init__(self, folder: Path, statements: dict[str, Envelope]) -> None:
        """Start with nothing found."""
        self.folder = folder
        self.statements = statements
        self.differences: list[Difference] = []
        self.notes: list[str] = []
        self.engines: list[str] = []
        self.key: KeyId | None = None
        self.about: About | None = None
        self.said: SnapshotText | None = None
        self.text: AssessmentText | None = None
        self.link: Link | None = None
        self.exceptions: tuple[Granted, ...] = ()

    def differs(self, what: str, file: str = "") -> None:
        """Note something that is not as it should be."""
        self.differences.append(Difference(what, file))

    def file(self, name: str) -> str:
        """What errors call a file of the result."""
        return str(self.folder / name)


def summed(case: Case, problem: str) -> Verified:
    """Return what a result is worth by itself; `problem` says why it could not be judged to the end."""
    text, link = case.text, case.link
    state: State = "differs" if case.differences else "unverifiable" if problem else "verified"
    if text is None or link is None or case.about is None:
        return Verified(str(case.folder), state, tuple(case.differences), problem)
    notes = [*case.notes]
    if text.degraded is not None:
        notes.append(f"the contract was in its degraded mode, until {text.degraded.until}: {text.degraded.reason}")
    if text.engine.version != __version__:
        notes.append(f"made by xspm {text.engine.version}, verified by {__version__}")
    if text.engine.name not in case.engines:
        notes.append(f"judged by the {text.engine.name} engine, as it says")
    notes += [f"of the same run, not judged: {failure}" for failure in text.failures]
    scanner = link.terms.scanners.get(text.scanner)
    return Verified(
        folder=str(case.folder),
        state=state,
        differences=tuple(case.differences),
        problem=problem,
        notes=tuple(notes),
        asset=case.about.asset,
        content=case.about.content,
        collected_at=text.collected_at,
        contract=text.contract,
        contract_version=link.terms.version,
        scanner=text.scanner,
        operator=scanner.operator if scanner else "",
        verdicts=sum(1 for _ in text.flat()),
        statement=case.statements[SNAPSHOT].digest,
        previous=(case.said and case.said.previous) or "",
        gate=text.gate.result,
        fail_on=text.gate.fail_on,
        engines=tuple(case.engines),
    )


def is_moment(text: str) -> bool:
    """Whether a text is a time as statements write it."""
    try:
        return moment(text).strftime(_FORM) == text
    except ValueError:
        return False


def moment(text: str) -> datetime.datetime:
    """Return the time that a text says (RFC 3339, UTC)."""
    return datetime.datetime.strptime(text, _FORM).replace(tzinfo=datetime.UTC)
