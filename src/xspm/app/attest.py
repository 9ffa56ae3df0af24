"""Sign evidence and verdicts: one folder per asset and time, with the evidence and four statements about it.

    <folder>/<asset>/<time>-<12 hex digits of the content's digest>/
        snapshot.json           the evidence, as it was collected
        snapshot.dsse.json      whose it is, when and under which contract, and the statement before it
        assessment.dsse.json    every verdict, with all that is needed to recompute it
        test-result.dsse.json   the same for tools that read in-toto test results
        vsa.dsse.json           the same for tools that read SLSA verification summaries

Whether the key may sign is found out before anything is written, and a result folder appears whole or not at all.
"""

from __future__ import annotations

import errno
import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import msgspec

from xspm.app.statements import Granted, Place, Under, covering, describe, exception_files, granted
from xspm.contract import folder as layout
from xspm.contract.attestation import (
    About,
    SnapshotText,
    demand_scanner,
    encode_assessment_text,
    encode_snapshot_text,
    encode_summary,
    encode_test_result,
)
from xspm.contract.envelope import MAX_ENVELOPE, Envelope
from xspm.errors import ContractError
from xspm.model.asset import encode_snapshot
from xspm.model.digest import Digest, digest_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xspm.app.trust import Trusted
    from xspm.contract.keys import PublicKey
    from xspm.contract.signers import Signer
    from xspm.model.asset import Snapshot
    from xspm.model.verdict import Assessment, Run

EVIDENCE: Final = "snapshot.json"
SNAPSHOT: Final = "snapshot.dsse.json"
ASSESSMENT: Final = "assessment.dsse.json"
TEST_RESULT: Final = "test-result.dsse.json"
SUMMARY: Final = "vsa.dsse.json"
STATEMENTS: Final = (SNAPSHOT, ASSESSMENT, TEST_RESULT, SUMMARY)

MAX_EVIDENCE: Final = 256 << 20
"""Bytes of one snapshot that are signed and verified: both hold it in memory, at some ten times its size."""

_MAX_NAME: Final = 150
_TIME: Final = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z")


def check_may_sign(trusted: Trusted, key: PublicKey) -> str:
    """Return the scanner whose key this is, before anything is read.

    Raises:
        ContractError: nobody in the contract holds it, or a person does.
    """
    terms = trusted.terms
    holder = terms.holders().get(key.id)
    if holder is None or holder not in terms.scanners:
        return demand_scanner(key.id, "", terms)
    return holder


def attest(
    results: Sequence[tuple[Snapshot, Assessment]], run: Run, trusted: Trusted, signer: Signer, folder: Path
) -> list[Path]:
    """Sign what a run found and write it.

    Args:
        results: evidence, and what was made of it under the contract's policies and exceptions.
        run: the run that they are of.
        trusted: the contract.
        signer: the scanner's key.
        folder: where the folders of assets are.

    Returns:
        The result folders, in the order of `results`.

    Raises:
        ContractError: the key may not sign for one of the assets, or the assessment is not one under this contract:
            then nothing is written. Or something cannot be written or signed.
    """
    terms = trusted.terms
    if terms.policies is None:
        raise ContractError(f"version {terms.version} of the contract has no policies in force: nothing to sign by")
    if run.contract is not None and run.contract.digest != trusted.digest:
        raise ContractError(f"the run was held under {run.contract.digest}, not under {trusted.digest}")
    files = exception_files(trusted.folder)
    wanted = files.keys() if run.contract is None else run.contract.exceptions
    checked = []
    for snapshot, assessment in results:
        scanner = demand_scanner(signer.key.id, snapshot.asset.id, terms)
        _check_pair(snapshot, assessment)
        link = trusted.accepted[-1].link
        place = Place(snapshot.asset.id, snapshot.collected_at, link, trusted.versions)
        exceptions, _ = granted(files, wanted, place)
        _check_exceptions(assessment, exceptions)
        under = Under(
            scanner=scanner,
            link=link,
            bundle=terms.policies.digest,
            exceptions=tuple(exceptions),
            snapshot=Digest(""),
            xspm=run.version,
            fail_on=run.fail_on,
            allow_unknown=run.allow_unknown,
            failures=tuple(f"{one.target}: {one.message}" for one in run.failures),
        )
        describe(assessment, under)
        checked.append((snapshot, assessment, under))
    return [_attest(*one, signer, folder) for one in checked]


def _check_pair(snapshot: Snapshot, assessment: Assessment) -> None:
    """Check that an assessment is of a snapshot."""
    mine = (snapshot.asset, snapshot.collected_at, snapshot.digest)
    if mine != (assessment.asset, assessment.collected_at, assessment.snapshot):
        raise ContractError(f"the assessment of {assessment.asset.id} is of other evidence than is to be signed")
    if not _TIME.fullmatch(snapshot.collected_at):
        raise ContractError(f"{snapshot.collected_at!r} is no time: written as 2027-01-31T12:00:00Z")


def _check_exceptions(assessment: Assessment, exceptions: Sequence[Granted]) -> None:
    """Check that what was excepted in the run is what the signed exceptions cover."""
    for one in assessment.verdicts:
        covered = covering(one, assessment.asset.id, exceptions) is not None
        if covered != (one.exception is not None):
            why = "and no exception signed under the contract covers it" if one.exception else "though one is in force"
            raise ContractError(
                f"{one.check} on {one.resource_type} {one.resource_id} is {'' if one.exception else 'not '}excepted,"
                f" {why}: nothing was signed"
            )


def _attest(snapshot: Snapshot, assessment: Assessment, under: Under, signer: Signer, folder: Path) -> Path:
    """Sign and write one result."""
    asset, within = snapshot.asset.id, folder / safe_name(snapshot.asset.id)
    moment = snapshot.collected_at.replace("-", "").replace(":", "")
    path = within / f"{moment}-{snapshot.digest.removeprefix('sha256:')[:12]}"
    try:
        evidence = encode_snapshot(snapshot)
    except (UnicodeEncodeError, msgspec.EncodeError) as error:
        raise ContractError(f"the evidence of {asset} cannot be written as JSON: {error}") from error
    if len(evidence) > MAX_EVIDENCE:
        raise ContractError(
            f"the evidence of {asset} has {len(evidence)} bytes, and {MAX_EVIDENCE} are the most that can be verified",
            hint="scan parts of it as assets of their own",
        )
    about = About(asset, snapshot.digest)
    said = SnapshotText(
        scanner=under.scanner,
        file=digest_bytes(evidence),
        collected_at=snapshot.collected_at,
        connector=snapshot.connector,
        resources=dict(sorted(assessment.resources.items())),
        problems=len(snapshot.problems),
        contract=under.link.digest,
        xspm=under.xspm,
        previous=_previous(within, path.name),
    )
    first = encode_snapshot_text(about, said)
    text = describe(assessment, msgspec.structs.replace(under, snapshot=digest_bytes(first)))
    second = encode_assessment_text(about, text)
    payloads = {
        SNAPSHOT: first,
        ASSESSMENT: second,
        TEST_RESULT: encode_test_result(about, text),
        SUMMARY: encode_summary(about, text, digest_bytes(second)),
    }
    signed = {name: _signed(payload, signer, asset) for name, payload in payloads.items()}
    _write(path, {EVIDENCE: evidence, **signed})
    return path


def _signed(payload: bytes, signer: Signer, asset: str) -> bytes:
    unsigned = Envelope(payload)
    data = unsigned.with_signature(signer.key.id, signer.sign(unsigned.signed_bytes())).encode()
    if len(data) > MAX_ENVELOPE:
        raise ContractError(
            f"the verdicts on {asset} take {len(data)} bytes, more than the {MAX_ENVELOPE} of any envelope",
            hint="scan parts of it as assets of their own",
        )
    return data


def safe_name(asset: str) -> str:
    """Return a folder's name for an asset's id, another for each."""
    name = quote(asset, safe="@+=,", errors="surrogatepass").replace("~", "%7E")
    if name.startswith("."):
        name = f"%2E{name[1:]}"
    name = name or "%"
    if len(name) > _MAX_NAME:
        name = f"{name[:_MAX_NAME]}~{digest_bytes(asset.encode('utf-8', 'surrogatepass'))[7:23]}"
    return name


def _previous(within: Path, name: str) -> Digest | None:
    """Digest of the newest snapshot statement of an asset before the one to be written.

    Raises:
        ContractError: it cannot be read.
    """
    try:
        earlier = sorted(path.name for path in within.iterdir() if not path.name.startswith(".") and path.name < name)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ContractError(f"cannot be read: {error.strerror}", file=str(within)) from error
    return layout.read_envelope(within / earlier[-1] / SNAPSHOT).digest if earlier else None


def _write(path: Path, files: dict[str, bytes]) -> None:
    """Write a result folder, whole or not at all.

    Raises:
        ContractError: there is one of that name, or it cannot be written.
    """
    draft: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(dir=path.parent, prefix=".", suffix=".part"))
        for name, data in files.items():
            layout.write(draft / name, data)
        draft.chmod(0o755)
        draft.rename(path)
    except OSError as error:
        taken = error.errno in {errno.ENOTEMPTY, errno.EEXIST}
        why = "a result of this asset and time is there already" if taken else f"cannot be written: {error.strerror}"
        raise ContractError(why, file=str(path)) from error
    finally:
        if draft is not None:
            shutil.rmtree(draft, ignore_errors=True)
