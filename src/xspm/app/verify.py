"""Verify signed results with nothing but the contract: no server, no cache, no trust in whoever handed them over.

For each result: the signatures of all four statements, by one scanner that the contract names for this asset; the
contract's version among those that follow from the pinned one; the bytes of the evidence; the exceptions; every
verdict computed again; and that the four statements say the same. What is found wrong is listed, all of it, not only
the first. Afterwards results of one asset are held against each other.
"""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

import msgspec

from xspm.app.attest import ASSESSMENT, SNAPSHOT, STATEMENTS
from xspm.app.consistent import agree, derived, evidence
from xspm.app.logged import in_time, on_ledger, outdated
from xspm.app.recompute import Difference, Recomputing, compare
from xspm.app.results import read
from xspm.app.statements import Granted, Place, Under, describe, exception_files, granted
from xspm.app.verified import Case, Verified, is_moment, moment, summed
from xspm.contract.attestation import (
    AssessmentText,
    SnapshotText,
    decode_assessment_text,
    decode_snapshot_text,
    demand_scanner,
    scanner_keys,
)
from xspm.contract.envelope import Envelope, signers
from xspm.contract.forging import Made, fewest, routes
from xspm.errors import ContractError, XspmError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from xspm.app.ledger_audit import Audited
    from xspm.app.trust import Trusted
    from xspm.contract.approval import ExceptionText
    from xspm.contract.chain import Link
    from xspm.contract.keys import KeyId, PublicKey
    from xspm.model.asset import Snapshot
    from xspm.model.digest import Digest

Engines: TypeAlias = Literal["xspm", "reference", "both"]

SKEW: Final = datetime.timedelta(minutes=10)
"""How far the clocks of a scanner and a reader may be apart."""
OLD: Final = datetime.timedelta(days=366)
"""What is older is said: a contract tells when a version ends, not when it began, so any earlier date would do."""
TOGETHER: Final = datetime.timedelta(hours=1)
"""Within which two scanners that found the same speak for each other."""


class _Seen(NamedTuple):
    """A result that was looked at by itself."""

    result: Verified
    exceptions: tuple[ExceptionText, ...] = ()
    """Those that cover one of its verdicts."""


class Verifier:
    """Verifies results under one contract."""

    def __init__(
        self,
        trusted: Trusted,
        now: str,
        *,
        engine: Engines = "xspm",
        current: bool = False,
        ledger: Audited | None = None,
    ) -> None:
        """Prepare.

        Args:
            trusted: the contract, followed from the reader's pin.
            now: RFC 3339, UTC.
            engine: the fast one always recomputes; `reference` and `both` add the one that xspm did not write.
            current: whether a result under another version than the one in force differs.
            ledger: the contract's ledger, audited, which then must have every result; None does without.

        Raises:
            ContractError: the ledger cannot be believed.
        """
        if ledger is not None and not ledger.sound:
            raise ContractError(
                f"the ledger {ledger.origin} cannot be believed: {ledger.findings[0].message}",
                hint="xspm ledger verify",
            )
        self._ledger = ledger
        self._trusted = trusted
        self._now = moment(now)
        self._engines: tuple[Literal["xspm", "reference"], ...] = (
            ("xspm",) if engine == "xspm" else ("xspm", "reference")
        )
        self._current = current
        self._recomputing = Recomputing(trusted)
        self._exceptions: dict[Digest, list[tuple[str, Envelope]]] | None = None
        self._keys: dict[KeyId, PublicKey] = {}
        for one in trusted.accepted:
            self._keys |= scanner_keys(one.link.terms)

    def verify(self, folders: Sequence[Path], progress: Callable[[str], None]) -> list[Verified]:
        """Verify results, each by itself and then against each other."""
        found: list[_Seen] = []
        for folder in folders:
            progress(str(folder))
            found.append(self._seen(folder))
        others = [one.result for one in found]
        return [self._judged(one, others) for one in found]

    def _seen(self, folder: Path) -> _Seen:
        """Verify one result by itself; what it was read into is let go."""
        try:
            case = Case(folder, read(folder))
        except XspmError as error:
            return _Seen(Verified(str(folder), "unverifiable", problem=str(error)))
        problem = ""
        try:
            self._look(case)
        except XspmError as error:
            problem = str(error)
        used = {one.exception for one in case.text.excepted} if case.text else set()
        return _Seen(summed(case, problem), tuple(one.text for one in case.exceptions if one.digest in used))

    def _look(self, case: Case) -> None:
        """Find everything that is wrong with a result.

        Raises:
            XspmError: something that is needed to judge it cannot be read; what was found till then is kept.
        """
        self._signatures(case)
        if self._ledger is not None:
            on_ledger(case, self._ledger)
        try:
            about, said = decode_snapshot_text(case.statements[SNAPSHOT].payload, case.file(SNAPSHOT))
            other, text = decode_assessment_text(case.statements[ASSESSMENT].payload, case.file(ASSESSMENT))
        except ContractError as error:
            case.differs(error.message, SNAPSHOT if error.file == case.file(SNAPSHOT) else ASSESSMENT)
            return
        case.about, case.said, case.text = about, said, text
        agree(case, about, said, other)
        if self._ledger is not None:
            in_time(case, text, self._ledger, self._trusted)
        if not self._version(case, text):
            return
        snapshot = evidence(case, about, said)
        if snapshot is not None:
            self._verdicts(case, snapshot, said)
        derived(case, about, text)

    def _signatures(self, case: Case) -> None:
        """All four must be signed, once each, by one scanner's key."""
        people = {key for one in self._trusted.accepted for key in one.link.terms.member_keys()}
        keys: set[KeyId] = set()
        for name in STATEMENTS:
            envelope = case.statements[name]
            if len(envelope.signatures) != 1:
                count = len(envelope.signatures)
                case.differs("nobody signed it" if not count else f"{count} keys signed it, and it takes one", name)
                continue
            (key,) = envelope.signatures
            if key in people and key not in self._keys:
                case.differs(f"a person's key signed it, {key}: only scanners sign results", name)
                continue
            try:
                keys |= signers(envelope, self._keys, case.file(name))
            except ContractError as error:
                case.differs(error.message, name)
        if len(keys) > 1:
            case.differs("its statements are signed by different keys")
        case.key = min(keys, default=None)

    def _version(self, case: Case, text: AssessmentText) -> bool:
        """Find the version of the contract, and what its signer may do by it."""
        chain = self._trusted.accepted
        case.link = next((one.link for one in chain if one.link.digest == text.contract), None)
        if case.link is None:
            case.differs(f"it was made under {text.contract}, no version of the contract that you trust", ASSESSMENT)
            return False
        if not is_moment(text.collected_at):
            case.differs(f"{text.collected_at!r} is no time", ASSESSMENT)
            case.link = None
            return False
        if moment(text.collected_at) > self._now + SKEW:
            case.differs(f"made in the future, at {text.collected_at}", ASSESSMENT)
        terms, latest = case.link.terms, chain[-1].link.terms
        if terms.version != text.contract_version:
            case.differs(f"it calls version {terms.version} of the contract {text.contract_version}", ASSESSMENT)
        if text.collected_at[:10] > terms.expires:
            case.differs(f"version {terms.version} of the contract had expired on {terms.expires}", ASSESSMENT)
        if self._ledger is None and self._now - moment(text.collected_at) > OLD:
            days = (self._now - moment(text.collected_at)).days
            case.notes.append(f"{days} days old by its scanner's word: only the ledger shows that it is so old")
        if terms.version < latest.version:
            older = f"made under version {terms.version} of the contract; version {latest.version} is in force now"
            if self._current:
                case.differs(older, ASSESSMENT)
            else:
                case.notes.append(older)
        if case.key is not None:
            self._signer(case, case.key, text, case.link)
        return True

    def _signer(self, case: Case, key: KeyId, text: AssessmentText, link: Link) -> None:
        assert case.about is not None  # noqa: S101 - it was decoded with the text
        try:
            scanner = demand_scanner(key, case.about.asset, link.terms)
        except ContractError as error:
            case.differs(error.message)
            return
        if scanner != text.scanner:
            case.differs(f"signed by the scanner {scanner}, and said to be {text.scanner}'s", ASSESSMENT)
        if key not in self._trusted.terms.holders():
            case.notes.append(f"the key of the scanner {scanner} is no longer in the contract")

    def _verdicts(self, case: Case, snapshot: Snapshot, said: SnapshotText) -> None:
        """Recompute."""
        link, text = case.link, case.text
        assert link is not None  # noqa: S101 - found before
        assert text is not None  # noqa: S101 - found before
        bundle = link.terms.policies
        if bundle is None or text.bundle != bundle.digest:
            agreed = "none" if bundle is None else bundle.digest
            case.differs(
                f"judged by the policies {text.bundle}; version {link.terms.version} of the contract has {agreed}",
                ASSESSMENT,
            )
        if bundle is None:
            return
        case.exceptions = self._granted(case, text, link)
        under = Under(
            scanner=text.scanner,
            link=link,
            bundle=bundle.digest,
            exceptions=case.exceptions,
            snapshot=text.snapshot,
            xspm=text.engine.version,
            fail_on=text.gate.fail_on,
            allow_unknown=text.gate.allow_unknown,
        )
        for engine in self._engines:
            assessment = self._recomputing.assess(snapshot, bundle, engine)
            case.differences += compare(text, describe(assessment, under), engine)
            case.engines.append(engine)
            if dict(sorted(assessment.resources.items())) != said.resources:
                case.differs("it counts other resources than the evidence has", SNAPSHOT)

    def _granted(self, case: Case, text: AssessmentText, link: Link) -> tuple[Granted, ...]:
        """The exceptions that it names, as far as they were in force when it was made."""
        if not text.exceptions:
            return ()
        if self._exceptions is None:
            self._exceptions = exception_files(self._trusted.folder)
        versions = self._trusted.versions[: self._trusted.versions.index(link.digest) + 1]
        assert case.about is not None  # noqa: S101 - it was decoded with the text
        place = Place(case.about.asset, text.collected_at, link, versions)
        found, refused = granted(self._exceptions, text.exceptions, place)
        for digest, why in refused.items():
            case.differs(f"the exception {digest} was not in force: {why}", ASSESSMENT)
        case.notes += [
            f"the exception from {one.text.check} holds only by the contract's degraded mode"
            for one in found
            if one.degraded
        ]
        return tuple(found)

    def _judged(self, seen: _Seen, others: Sequence[Verified]) -> Verified:
        """Hold a result against the others, and say who could have forged it."""
        one = seen.result
        if not one.contract_version or one.state == "unverifiable":
            return one
        same = [other for other in others if other.asset == one.asset and other.state == "verified"]
        newer = [x for x in same if x.collected_at < one.collected_at and x.contract_version > one.contract_version]
        if newer:
            late = Difference(
                f"made under version {one.contract_version} of the contract after version"
                f" {newer[0].contract_version} was in force: {newer[0].folder}",
                ASSESSMENT,
            )
            one = msgspec.structs.replace(one, state="differs", differences=(*one.differences, late))
        given = {other.statement for other in others if other.asset == one.asset}
        one = msgspec.structs.replace(one, notes=(*one.notes, *_before(one, others)))
        if self._ledger is not None and (old := outdated(one.statement, one.asset, given, self._ledger)):
            one = msgspec.structs.replace(one, notes=(*one.notes, old))
        notes = tuple(
            f"the scanner {x.scanner} (run by {x.operator}) found something else at {x.collected_at}"
            for x in _beside(one, same)
            if x.content != one.content
        )
        one = msgspec.structs.replace(one, notes=(*one.notes, *notes))
        made = Made(
            versions=tuple(
                x.link.terms for x in self._trusted.accepted if x.link.terms.version <= one.contract_version
            ),
            scanner=one.scanner,
            asset=one.asset,
            at=one.collected_at,
            exceptions=seen.exceptions,
            agreeing=_agreeing(one, same),
            logged=self._ledger is not None and one.state == "verified",
        )
        if one.scanner not in made.versions[-1].scanners:
            return one
        found = routes(made)
        return msgspec.structs.replace(one, forgers=found, fewest=fewest(found))


def _before(one: Verified, others: Sequence[Verified]) -> Iterator[str]:
    """What is doubtful about the result before one, as its scanner names it."""
    mine = [other for other in others if other.asset == one.asset and other.statement != one.statement]
    if one.previous and all(other.statement != one.previous for other in mine):
        yield f"the one before it, {one.previous}, is not among those given"
    earlier = [x for x in mine if x.scanner == one.scanner and x.collected_at < one.collected_at]
    if earlier and not one.previous:
        yield f"it names none before it, and its scanner signed {earlier[-1].folder} before"


def _agreeing(one: Verified, same: Sequence[Verified]) -> tuple[str, ...]:
    """Scanners of other parties that found the same at about the same time."""
    found = {x.scanner for x in _beside(one, same) if x.content == one.content and x.contract == one.contract}
    return tuple(sorted(found))


def _beside(one: Verified, same: Sequence[Verified]) -> list[Verified]:
    """Results on the same asset by scanners of other parties, of about the same time."""
    if one.state != "verified":
        return []
    mine = moment(one.collected_at)
    return [x for x in same if x.operator != one.operator and abs(moment(x.collected_at) - mine) <= TOGETHER]
