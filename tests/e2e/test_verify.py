"""`xspm verify` as a whole: what was signed verifies, and whatever somebody did to it is found and named."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from commandline import ROOT, Outcome, acting, assert_calm, assert_refused, call, spawn
from parties import public
from resulting import (
    AT,
    KNOWN,
    LOW,
    Place,
    asset_of,
    bundle,
    edit,
    except_,
    manifest,
    payload,
    place,
    private_file,
    put,
    results,
)
from xspm.app.attest import ASSESSMENT, EVIDENCE, SNAPSHOT, STATEMENTS, SUMMARY, TEST_RESULT
from xspm.app.policies import default_cache
from xspm.contract.envelope import Envelope, decode_envelope
from xspm.contract.folder import bundle_path
from xspm.contract.terms import Bundle, Degraded, Scanner
from xspm.model.digest import canonical, digest_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

DB = "default/Pod/pod-db/container/db"
WEB = "default/Pod/pod-web/container/web"


class Signed:
    """A contract, and one result under it."""

    def __init__(self, folder: Path) -> None:
        self.at = place(folder / "contract")
        self.target = manifest(folder / "pods.yaml", "web", "db")
        self.folder = folder / "results"

    def scan(self, **more: Any) -> Path:
        (made,) = results(self.at, self.target, self.folder, **more)
        return made


@pytest.fixture
def signed(tmp_path: Path) -> Signed:
    return Signed(tmp_path)


def verify(capsys: pytest.CaptureFixture[str], signed: Signed, *more: str, of: Path | None = None) -> Outcome:
    arguments = (str(of or signed.folder), "--contract", str(signed.at.folder), "--root", signed.at.root, *more)
    outcome = call(capsys, "verify", *arguments)
    assert_calm(outcome)
    return outcome


def looked(capsys: pytest.CaptureFixture[str], signed: Signed, *more: str) -> tuple[int, list[dict[str, Any]]]:
    outcome = verify(capsys, signed, "--output", "json", *more)
    return outcome.code, json.loads(outcome.out)["results"]


def whats(found: list[dict[str, Any]]) -> list[str]:
    return [one["what"] for result in found for one in result["differences"]]


def test_what_a_scan_signed_verifies_by_both_engines(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    signed = Signed(tmp_path)
    key = private_file(tmp_path / "ci.key", "ci")
    under = ("--contract", str(signed.at.folder), "--root", signed.at.root)
    scanned = call(capsys, "scan", str(signed.target), *under, "--sign", str(key), "--evidence", str(signed.folder))
    assert scanned.code == 1, scanned
    (made,) = signed.folder.glob("*/*")
    assert sorted(file.name for file in made.iterdir()) == sorted([EVIDENCE, *STATEMENTS])
    outcome = verify(capsys, signed, "--engine", "reference")
    assert outcome.code == 0, outcome
    assert "4 verdicts recomputed by xspm and reference" in " ".join(outcome.out.split())
    assert acting(outcome.out) == []
    assert max(len(line) for line in outcome.out.splitlines() if str(signed.target) not in line and str(made) not in line) <= 100  # fmt: skip


def test_verification_needs_no_server_and_no_other_folder(capsys: pytest.CaptureFixture[str], signed: Signed) -> None:
    made = signed.scan()
    elsewhere = signed.folder.parent / "elsewhere"
    shutil.copytree(made, elsewhere / "a")
    shutil.rmtree(signed.folder)
    signed.target.unlink()
    assert verify(capsys, signed, of=elsewhere).code == 0


def flip(statement: Any) -> None:
    for row in statement["predicate"]["verdicts"]:
        row["verdicts"] = dict.fromkeys(row["verdicts"], "pass")
    predicate = statement["predicate"]
    predicate["counts"] |= {"pass": 4, "fail": 0}
    predicate["score"]["passed"] = predicate["score"]["total"]
    predicate["gate"]["result"] = "pass"


def shorten(statement: Any) -> None:
    predicate = statement["predicate"]
    predicate["verdicts"] = [row for row in predicate["verdicts"] if row["id"] != DB]


def lengthen(statement: Any) -> None:
    row = statement["predicate"]["verdicts"][0]
    row["verdicts"]["own.never_was"] = "pass"


def twice(statement: Any) -> None:
    statement["predicate"]["verdicts"] *= 2


def soften(statement: Any) -> None:
    statement["predicate"]["severities"][KNOWN] = "info"


def invent(statement: Any) -> None:
    statement["predicate"]["note"] = "all is well"


def nested(statement: Any) -> None:
    statement["predicate"]["score"]["note"] = "all is well"


def older(statement: Any) -> None:
    statement["predicate"]["collected_at"] = "2026-01-01T00:00:00Z"


def tomorrow(statement: Any) -> None:
    statement["predicate"]["collected_at"] = "2098-01-01T00:00:00Z"


def never(statement: Any) -> None:
    statement["predicate"]["collected_at"] = "yesterday"


def other_policies(statement: Any) -> None:
    statement["predicate"]["bundle"] = "sha256:" + "0" * 64


def other_contract(statement: Any) -> None:
    statement["predicate"]["contract"] = "sha256:" + "0" * 64


def excuse(statement: Any) -> None:
    statement["predicate"]["exceptions"] = ["sha256:" + "0" * 64]
    statement["predicate"]["excepted"] = [
        {"check": KNOWN, "type": "k8s.container", "id": DB, "exception": "sha256:" + "0" * 64}
    ]


def passed(statement: Any) -> None:
    statement["predicate"]["verificationResult"] = "PASSED"
    statement["predicate"]["verifiedLevels"] = ["XSPM_GATE_HIGH"]


def green(statement: Any) -> None:
    statement["predicate"] |= {"result": "PASSED", "failedTests": []}


@pytest.mark.parametrize(
    ("name", "change", "signer", "complaint"),
    [
        (ASSESSMENT, flip, "ci", f"{KNOWN} on k8s.container {DB}: status recorded fail|{KNOWN} on k8s.container {DB}: status recorded pass, recomputed fail"),
        (ASSESSMENT, flip, "mallory", "signed by a key that nobody in the contract holds"),
        (ASSESSMENT, flip, "alice", "a person's key signed it"),
        (ASSESSMENT, flip, None, "is not good: it is over something else"),
        (ASSESSMENT, flip, "ops", "its statements are signed by different keys"),
        (ASSESSMENT, shorten, "ci", f"{KNOWN} on k8s.container {DB}: the verdict is missing; recomputed fail"),
        (ASSESSMENT, lengthen, "ci", f"own.never_was on k8s.container {DB}: recorded pass, and there is no such verdict"),
        (ASSESSMENT, twice, "ci", "a resource is listed twice"),
        (ASSESSMENT, soften, "ci", "severity recorded info, recomputed high"),
        (ASSESSMENT, invent, "ci", "the signed statement is malformed: Object contains unknown field `note`"),
        (ASSESSMENT, nested, "ci", "the statement holds something that its format does not know"),
        (ASSESSMENT, older, "ci", "the time: 2026-06-01T12:00:00Z for the evidence, 2026-01-01T00:00:00Z for the verdicts"),
        (ASSESSMENT, tomorrow, "ci", "made in the future"),
        (ASSESSMENT, never, "ci", "'yesterday' is no time"),
        (ASSESSMENT, other_policies, "ci", "judged by the policies sha256:000000"),
        (ASSESSMENT, other_contract, "ci", "no version of the contract that you trust"),
        (ASSESSMENT, excuse, "ci", "was not in force: it is not in the contract's folder"),
        (ASSESSMENT, excuse, "ci", f"exception recorded sha256:{'0' * 64}, recomputed none"),
        (SNAPSHOT, older, "ci", "the time: 2026-01-01T00:00:00Z for the evidence"),
        (SNAPSHOT, invent, "ci", "unknown field `note`"),
        (SUMMARY, passed, "ci", "it says something else than the assessment"),
        (TEST_RESULT, green, "ci", "it says something else than the assessment"),
        (TEST_RESULT, invent, "ci", "it says something else than the assessment"),
    ],
)  # fmt: skip
def test_an_edited_statement(  # noqa: PLR0917 - a table
    capsys: pytest.CaptureFixture[str],
    signed: Signed,
    name: str,
    change: Callable[[Any], None],
    signer: str | None,
    complaint: str,
) -> None:
    made = signed.scan()
    edit(made / name, change, signer)
    code, found = looked(capsys, signed)
    assert code == 1, found
    assert any(one in what for what in whats(found) for one in complaint.split("|")), whats(found)


def test_a_flipped_verdict_is_named_field_by_field(capsys: pytest.CaptureFixture[str], signed: Signed) -> None:
    edit(signed.scan() / ASSESSMENT, flip, "ci")
    _, ((result),) = looked(capsys, signed, "--engine", "both")
    flipped = [one for one in result["differences"] if one.get("check")]
    assert flipped == [
        {
            "what": f"{check} on k8s.container {DB}: status recorded pass, recomputed fail",
            "check": check,
            "resource_type": "k8s.container",
            "resource": DB,
            "field": "status",
            "recorded": "pass",
            "recomputed": "fail",
            "engine": engine,
        }
        for engine in ("xspm", "reference")
        for check in (KNOWN, LOW)
    ]
    assert {one["field"] for one in result["differences"] if "field" in one} == {"status", "counts", "score", "gate"}


def test_evidence_edited_to_fit_a_verdict(capsys: pytest.CaptureFixture[str], signed: Signed) -> None:
    made = signed.scan()
    data = (made / EVIDENCE).read_bytes()
    (made / EVIDENCE).write_bytes(data.replace(b'"name":"db"', b'"name":"web"'))
    code, found = looked(capsys, signed)
    assert code == 1
    assert [what.partition(":")[0] for what in whats(found)] == ["this is not the evidence that was signed"]
    assert found[0]["differences"][0]["file"] == EVIDENCE


def test_evidence_that_holds_more_than_is_read(capsys: pytest.CaptureFixture[str], signed: Signed) -> None:
    made = signed.scan()
    data = (made / EVIDENCE).read_bytes()
    more = data.replace(b'"connector":', b'"comment":"trust me","connector":', 1)
    (made / EVIDENCE).write_bytes(more)
    edit(made / SNAPSHOT, lambda one: one["predicate"].update(file=digest_bytes(more)), "ci")
    code, found = looked(capsys, signed)
    assert code == 1
    assert "not written as xspm writes evidence: it holds what nothing reads" in whats(found)


def test_a_statement_of_another_asset(capsys: pytest.CaptureFixture[str], signed: Signed) -> None:
    made = signed.scan()
    good = manifest(signed.target.parent / "good.yaml", "web")
    (other,) = results(signed.at, good, signed.folder)
    shutil.copy(other / ASSESSMENT, made / ASSESSMENT)
    code, found = looked(capsys, signed)
    assert code == 1
    assert f"the asset: {asset_of(other).replace('good', 'pods')} for the evidence, {asset_of(other)} for the verdicts" in whats(found)  # fmt: skip
    assert [one["state"] for one in found if "good" in one["asset"]] == ["verified"]


def test_evidence_of_another_time(capsys: pytest.CaptureFixture[str], signed: Signed) -> None:
    made = signed.scan()
    later = signed.scan(when="2026-06-01T13:00:00Z")
    for name in (EVIDENCE, SNAPSHOT):
        shutil.copy(later / name, made / name)
    code, found = looked(capsys, signed)
    assert code == 1
    assert "the time: 2026-06-01T13:00:00Z for the evidence, 2026-06-01T12:00:00Z for the verdicts" in whats(found)


@pytest.mark.parametrize("name", STATEMENTS)
def test_stripped_signatures(capsys: pytest.CaptureFixture[str], signed: Signed, name: str) -> None:
    made = signed.scan()
    envelope = decode_envelope((made / name).read_bytes(), name)
    (made / name).write_bytes(Envelope(envelope.payload).encode())
    code, found = looked(capsys, signed)
    assert code == 1
    assert [(one["file"], one["what"]) for one in found[0]["differences"]] == [(name, "nobody signed it")]


def test_the_same_signature_twice(capsys: pytest.CaptureFixture[str], signed: Signed) -> None:
    made = signed.scan()
    wire = json.loads((made / ASSESSMENT).read_bytes())
    wire["signatures"] *= 2
    (made / ASSESSMENT).write_bytes(json.dumps(wire).encode())
    assert_refused(verify(capsys, signed), "signed twice")


def test_a_scanner_for_other_assets(capsys: pytest.CaptureFixture[str], signed: Signed) -> None:
    """It could sign elsewhere, so a result that it signed before its entry was narrowed is not good for the new one."""
    made = signed.scan()
    narrow = {**signed.at.first.terms.scanners, "ci": Scanner((public("ci"),), ("host:*",), "security")}
    following = signed.at.next(scanners=narrow)
    for name in (SNAPSHOT, ASSESSMENT):
        edit(made / name, lambda one: one["predicate"].update(contract=following.digest), "ci")
    code, found = looked(capsys, signed)
    assert code == 1
    assert any(
        "the scanner ci may sign for host:* by version 2 of the contract, not for" in one for one in whats(found)
    )


def test_a_result_in_another_scanners_name(capsys: pytest.CaptureFixture[str], signed: Signed) -> None:
    made = signed.scan()
    for name in (SNAPSHOT, ASSESSMENT):
        edit(made / name, lambda one: one["predicate"].update(scanner="ops"), "ci")
    code, found = looked(capsys, signed)
    assert code == 1
    assert "signed by the scanner ci, and said to be ops's" in whats(found)


def test_a_contract_that_had_no_policies(capsys: pytest.CaptureFixture[str], signed: Signed, tmp_path: Path) -> None:
    made = signed.scan()
    bare = place(tmp_path / "bare", policies=None)
    for name in (SNAPSHOT, ASSESSMENT):
        edit(made / name, lambda one: one["predicate"].update(contract=bare.root), "ci")
    outcome = call(capsys, "verify", str(made), "--contract", str(bare.folder), "--root", bare.root)
    assert outcome.code == 1
    assert "version 1 of the contract has none" in " ".join(outcome.out.split())


def test_another_version_of_xspm_is_told(capsys: pytest.CaptureFixture[str], signed: Signed) -> None:
    made = signed.scan()
    edit(made / SNAPSHOT, lambda one: one["predicate"].update(xspm="9.9"), "ci")
    edit(made / ASSESSMENT, lambda one: one["predicate"]["engine"].update(version="9.9"), "ci")
    _, found = looked(capsys, signed)
    assert any(note.startswith("made by xspm 9.9, verified by ") for note in found[0]["notes"])


def test_a_difference_is_told_once_for_both_engines(capsys: pytest.CaptureFixture[str], signed: Signed) -> None:
    edit(signed.scan() / ASSESSMENT, flip, "ci")
    both = verify(capsys, signed, "--engine", "both").out
    one = verify(capsys, signed).out
    assert both.count("\n  - ") == one.count("\n  - ")
    assert "alone" not in both


def test_an_engine_that_differs_is_named(
    capsys: pytest.CaptureFixture[str], signed: Signed, monkeypatch: pytest.MonkeyPatch
) -> None:
    signed.scan()
    monkeypatch.setattr("xspm.cel.Program.evaluate", lambda *_: True)
    out = " ".join(verify(capsys, signed, "--engine", "both").out.split())
    assert f"{KNOWN} on k8s.container {DB}: status recorded fail, recomputed pass (by xspm alone)" in out


def weaker(signed: Signed) -> None:
    """Bring a bundle into force by which everything passes."""
    signed.at.next(policies=Bundle(2, signed.at.add_bundle(bundle("web, db"))))


def test_an_older_bundle(capsys: pytest.CaptureFixture[str], signed: Signed) -> None:
    """A result by the version before is said to be so; one made after a result under the newer is refused."""
    before = signed.at.trusted()
    weaker(signed)
    signed.scan(trusted=before)
    code, found = looked(capsys, signed)
    assert (code, found[0]["notes"]) == (0, ["made under version 1 of the contract; version 2 is in force now"])
    assert looked(capsys, signed, "--current")[0] == 1
    signed.scan(when="2026-06-01T11:00:00Z")
    code, found = looked(capsys, signed)
    assert code == 1
    assert ["after version 2 was in force" in one for one in whats(found)] == [True]


def test_results_under_each_version_are_judged_by_its_own_policies(
    capsys: pytest.CaptureFixture[str], signed: Signed
) -> None:
    signed.scan()
    weaker(signed)
    signed.scan(when="2026-06-01T13:00:00Z")
    code, found = looked(capsys, signed, "--engine", "both")
    assert (code, [(one["contract_version"], one["gate"]) for one in found]) == (0, [(1, "fail"), (2, "pass")])


def test_a_bundle_of_the_same_name(capsys: pytest.CaptureFixture[str], signed: Signed) -> None:
    signed.scan()
    path = bundle_path(signed.at.folder, digest_bytes(bundle()))
    path.write_bytes(bundle("web, db"))
    assert_refused(verify(capsys, signed), "it was changed")


def test_a_bundle_that_is_not_at_hand(capsys: pytest.CaptureFixture[str], signed: Signed) -> None:
    signed.scan()
    bundle_path(signed.at.folder, digest_bytes(bundle())).unlink()
    assert_refused(verify(capsys, signed), "are not at hand")


def excepted(signed: Signed) -> tuple[Path, Path]:
    first = signed.scan()
    asset = asset_of(first)
    shutil.rmtree(signed.folder)
    path = except_(signed.at, asset, DB)
    return path, signed.scan()


def test_an_exception_in_force(capsys: pytest.CaptureFixture[str], signed: Signed) -> None:
    _, made = excepted(signed)
    code, found = looked(capsys, signed, "--engine", "both")
    assert (code, found[0]["gate"]) == (0, "pass")
    assert payload(made / TEST_RESULT)["predicate"]["result"] == "WARNED"
    summary = payload(made / SUMMARY)["predicate"]
    assert (summary["verificationResult"], summary["verifiedLevels"]) == ("PASSED", ["XSPM_GATE_HIGH", "XSPM_WITH_EXCEPTIONS"])  # fmt: skip


def test_junk_among_the_exceptions_changes_nothing(capsys: pytest.CaptureFixture[str], signed: Signed) -> None:
    path, _ = excepted(signed)
    (path.parent / "0.dsse.json").write_bytes(b"junk")
    assert looked(capsys, signed)[0] == 0


def test_an_exception_for_another_asset(capsys: pytest.CaptureFixture[str], signed: Signed) -> None:
    made = signed.scan()
    other = decode_envelope(except_(signed.at, "host:other", DB).read_bytes(), "x").digest
    edit(made / ASSESSMENT, lambda one: one["predicate"].update(exceptions=[other]), "ci")
    code, found = looked(capsys, signed)
    assert code == 1
    assert f"the exception {other} was not in force: it is for another asset" in whats(found)


def test_an_exception_that_had_expired(capsys: pytest.CaptureFixture[str], signed: Signed) -> None:
    made = signed.scan(when="2026-07-02T00:00:00Z")
    asset = asset_of(made)
    gone = decode_envelope(except_(signed.at, asset, DB).read_bytes(), "x").digest
    edit(made / ASSESSMENT, lambda one: one["predicate"].update(exceptions=[gone]), "ci")
    code, found = looked(capsys, signed)
    assert code == 1
    assert f"the exception {gone} was not in force: the exception from {KNOWN} expired on 2026-07-01" in whats(found)


def test_a_removed_exception(capsys: pytest.CaptureFixture[str], signed: Signed) -> None:
    path, _ = excepted(signed)
    path.unlink()
    code, found = looked(capsys, signed)
    assert code == 1
    assert any("was not in force: it is not in the contract's folder" in one for one in whats(found))
    assert any(one.endswith("recomputed none") and KNOWN in one for one in whats(found))


def test_an_edited_exception(capsys: pytest.CaptureFixture[str], signed: Signed) -> None:
    path, _ = excepted(signed)
    edit(path, lambda one: one["predicate"].update(resources=["*"]))
    code, found = looked(capsys, signed)
    assert code == 1
    assert any("was not in force: it is not in the contract's folder" in one for one in whats(found))


def test_an_exception_without_its_approval(capsys: pytest.CaptureFixture[str], signed: Signed) -> None:
    path, _ = excepted(signed)
    envelope = decode_envelope(path.read_bytes(), "x")
    kept = dict(list(envelope.signatures.items()))
    for key in list(kept):
        if key == public("alice").id:
            del kept[key]
    path.write_bytes(Envelope(envelope.payload, kept).encode())
    code, found = looked(capsys, signed)
    assert code == 1
    assert any("was not in force: approve_exception" in one for one in whats(found))


def test_a_poisoned_cache_has_no_effect(
    capsys: pytest.CaptureFixture[str], signed: Signed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever can write the user's cache can make a scan lie, which signs nothing then; never a verification."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "poisoned"))
    made = signed.scan()
    root = ("--contract", str(signed.at.folder), "--root", signed.at.root)
    call(capsys, "scan", str(signed.target), *root)
    cache = default_cache()
    assert cache is not None
    poison(Path(cache._folder))
    lied = call(capsys, "scan", str(signed.target), *root)
    assert lied.code == 0, "the attack itself does not work"
    assert verify(capsys, signed).code == 0
    edit(made / ASSESSMENT, flip, "ci")
    assert verify(capsys, signed).code == 1


def poison(folder: Path) -> None:
    """Replace each cached check by one that is always true, with a good digest."""
    from xspm.app.types import resource_types  # noqa: PLC0415
    from xspm.cel import Environment  # noqa: PLC0415
    from xspm.policy.cache import Cache  # noqa: PLC0415
    from xspm.policy.library import Compiled  # noqa: PLC0415

    always = Environment(resource_types()).compile("true", expect="bool", resource="k8s.container", params={}).dump()
    cache = Cache(folder)
    for file in folder.glob("*.k8s.container"):
        data = cache.get(file.name)
        assert data is not None
        checks = msgspec.msgpack.decode(data, type=dict[str, Compiled])
        lies = {name: msgspec.structs.replace(one, program=always) for name, one in checks.items()}
        cache.put(file.name, msgspec.msgpack.encode(lies))


def test_who_could_have_forged_it(capsys: pytest.CaptureFixture[str], signed: Signed) -> None:
    signed.scan()
    outcome = verify(capsys, signed, "--who-could-forge")
    shown = " ".join(outcome.out.split())
    assert outcome.code == 0
    assert "1 holder the evidence the scanner ci (run by security): signs evidence of what never was" in shown
    assert "1 of platform (dave, erin) and 2 of security (alice, bob, carol): accept a version of the contract" in shown
    _, found = looked(capsys, signed)
    assert [one["name"] for one in found[0]["fewest"][0]] == ["ci"]


def test_a_second_scanner_of_another_party_ends_the_first_ones_power(
    capsys: pytest.CaptureFixture[str], signed: Signed
) -> None:
    signed.scan()
    signed.scan(scanner="ops", when="2026-06-01T12:10:00Z")
    _, found = looked(capsys, signed)
    assert [[one["name"] for one in result["fewest"][0]] for result in found] == [["ci", "ops"]] * 2
    signed.scan(scanner="ops", when="2026-06-01T15:10:00Z")
    _, found = looked(capsys, signed)
    assert [[one["name"] for one in result["fewest"][0]] for result in found] == [["ci", "ops"]] * 2 + [["ops"]]


def test_a_scanner_that_found_something_else_is_told(capsys: pytest.CaptureFixture[str], signed: Signed) -> None:
    """A lie of one scanner is verified by itself, and seen beside what another party's scanner found."""
    signed.scan(scanner="ops", when="2026-06-01T12:10:00Z")
    truth = signed.target.read_text(encoding="utf-8")
    manifest(signed.target, "web")
    lie = signed.scan()
    signed.target.write_text(truth, encoding="utf-8")
    code, found = looked(capsys, signed)
    assert code == 0
    assert payload(lie / SUMMARY)["predicate"]["verificationResult"] == "PASSED"
    notes = {one["scanner"]: one["notes"] for one in found}
    assert notes["ci"] == ["the scanner ops (run by platform) found something else at 2026-06-01T12:10:00Z"]
    assert notes["ops"] == ["the scanner ci (run by security) found something else at 2026-06-01T12:00:00Z"]


def test_the_exceptions_makers_could_have_forged_it(capsys: pytest.CaptureFixture[str], signed: Signed) -> None:
    excepted(signed)
    _, found = looked(capsys, signed)
    (route,) = [one for one in found[0]["forgers"] if one["kind"] == "exception"]
    assert [[one["name"] for one in group] for group in route["sets"]] == [["alice", "dave"], ["bob", "dave"], ["carol", "dave"]]  # fmt: skip


def test_degraded_mode_is_said(capsys: pytest.CaptureFixture[str], signed: Signed) -> None:
    signed.at.next(degraded=Degraded("two people left", "2026-06-30", "2026-05-15"))
    signed.scan()
    code, found = looked(capsys, signed)
    assert code == 0
    assert "the contract was in its degraded mode, until 2026-06-30: two people left" in found[0]["notes"]


@pytest.mark.parametrize("name", [EVIDENCE, *STATEMENTS])
def test_a_missing_file(capsys: pytest.CaptureFixture[str], signed: Signed, name: str) -> None:
    (signed.scan() / name).unlink()
    assert_refused(verify(capsys, signed), "No such file" if name == EVIDENCE else f"{name} is missing")


@pytest.mark.parametrize("name", [EVIDENCE, *STATEMENTS])
def test_a_pipe_in_place_of_a_file(capsys: pytest.CaptureFixture[str], signed: Signed, name: str) -> None:
    file = signed.scan() / name
    file.unlink()
    os.mkfifo(file)
    assert_refused(verify(capsys, signed), "no regular file")


@pytest.mark.parametrize(
    "data", [b"", b"[" * 100_000, b"{}", b'{"payload": 1}', b"\xff\xfe", b"\x00"], ids=["empty", "deep", "none", "type", "bytes", "nul"]
)  # fmt: skip
def test_junk_in_place_of_a_statement(capsys: pytest.CaptureFixture[str], signed: Signed, data: bytes) -> None:
    (signed.scan() / ASSESSMENT).write_bytes(data)
    assert_refused(verify(capsys, signed), "not a DSSE envelope")


@pytest.mark.parametrize(
    "data",
    [b"", b"[" * 100_000, b"{}", b"\xff\xfe", b"null", b'{"asset": {"type": "x", "id": 1}}'],
    ids=["empty", "deep", "none", "bytes", "null", "type"],
)
def test_junk_that_a_scanner_signed_as_evidence(
    capsys: pytest.CaptureFixture[str], signed: Signed, data: bytes
) -> None:
    made = signed.scan()
    (made / EVIDENCE).write_bytes(data)
    edit(made / SNAPSHOT, lambda one: one["predicate"].update(file=digest_bytes(data)), "ci")
    code, found = looked(capsys, signed)
    assert code == 1
    assert any(one.startswith("not evidence") for one in whats(found))


def test_names_that_act_on_a_terminal(capsys: pytest.CaptureFixture[str], signed: Signed) -> None:
    made = signed.scan()

    def rename(statement: Any) -> None:
        statement["subject"][0]["name"] = "host:\x1b[2Jgreen\u202e"
        statement["predicate"]["scanner"] = "ci\nverified"

    edit(made / ASSESSMENT, rename, "ci")
    outcome = verify(capsys, signed)
    assert outcome.code == 1
    assert acting(outcome.out) == []


def test_many_differences_are_cut_for_people_only(capsys: pytest.CaptureFixture[str], signed: Signed) -> None:
    names = [f"db{number}" for number in range(40)]
    signed.target = manifest(signed.target, *names)
    edit(signed.scan() / ASSESSMENT, flip, "ci")
    outcome = verify(capsys, signed)
    assert "  … and 35 more: --output json" in outcome.out.splitlines()
    assert len(whats(looked(capsys, signed)[1])) == 85


def test_several_results_of_which_one_is_bad(capsys: pytest.CaptureFixture[str], signed: Signed) -> None:
    signed.scan()
    edit(signed.scan(when="2026-06-01T13:00:00Z") / ASSESSMENT, flip, "ci")
    (signed.scan(when="2026-06-01T14:00:00Z") / SUMMARY).unlink()
    outcome = verify(capsys, signed)
    assert outcome.code == 1
    assert outcome.out.splitlines()[-1] == "1 verified, 1 differs, 1 unverifiable"
    assert "vsa.dsse.json is missing" in outcome.err


def test_an_earlier_result_that_is_gone_is_missed(capsys: pytest.CaptureFixture[str], signed: Signed) -> None:
    signed.scan()
    middle = signed.scan(when="2026-06-01T13:00:00Z")
    signed.scan(when="2026-06-01T14:00:00Z")
    assert [one["notes"] for one in looked(capsys, signed)[1]] == [[], [], []]
    kept = (middle / SUMMARY).read_bytes()
    (middle / SUMMARY).write_bytes(Envelope(b"").encode())
    assert [one["notes"] for one in looked(capsys, signed)[1]] == [[], [], []], "one that is spoilt is still there"
    (middle / SUMMARY).write_bytes(kept)
    shutil.rmtree(middle)
    notes = [one["notes"] for one in looked(capsys, signed)[1]]
    assert [len(one) for one in notes] == [0, 1]
    assert "is not among those given" in notes[1][0]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ((), "name at least one result"),
        (("nowhere",), "nowhere is not there"),
        (("pods.yaml",), "pods.yaml is no folder"),
        (("empty",), "there is no result in empty"),
    ],
)
def test_nothing_to_verify(
    capsys: pytest.CaptureFixture[str], signed: Signed, arguments: tuple[str, ...], complaint: str
) -> None:
    Path("empty").mkdir()
    Path("pods.yaml").touch()
    root = ("--contract", str(signed.at.folder), "--root", signed.at.root)
    assert_refused(call(capsys, "verify", *arguments, *root), complaint)


def test_the_root_is_never_taken_from_the_folder(capsys: pytest.CaptureFixture[str], signed: Signed) -> None:
    made = signed.scan()
    root = ("--contract", str(signed.at.folder))
    assert_refused(call(capsys, "verify", str(made), *root), "its root digest is pinned nowhere")
    assert_refused(
        call(capsys, "verify", str(made), *root, "--root", "sha256:" + "0" * 64), "this contract has no version"
    )


def test_a_contract_of_ones_own(capsys: pytest.CaptureFixture[str], signed: Signed, tmp_path: Path) -> None:
    """A forger with a whole contract of their own convinces nobody who pinned another."""
    made = signed.scan()
    theirs = Place(*place(tmp_path / "theirs", name="acme2"))
    (forged,) = results(theirs, signed.target, tmp_path / "forged")
    code = call(capsys, "verify", str(forged), "--contract", str(signed.at.folder), "--root", signed.at.root).code
    assert code == 1
    put(theirs.folder / "x", signed.at.first)
    assert made.exists()


def test_canonical_json_is_demanded(capsys: pytest.CaptureFixture[str], signed: Signed) -> None:
    from parties import sign  # noqa: PLC0415

    made = signed.scan()
    statement = payload(made / ASSESSMENT)
    loose = json.dumps(statement, indent=1).encode()
    assert loose != canonical(statement)
    (made / ASSESSMENT).write_bytes(sign(Envelope(loose), "ci").encode())
    code, found = looked(capsys, signed)
    assert code == 1
    assert "the statement is not canonical JSON (RFC 8785)" in whats(found)


def test_times_are_the_scanners_word(signed: Signed) -> None:
    assert payload(signed.scan() / SUMMARY)["predicate"]["timeVerified"] == AT


def test_a_third_party_verifies_without_xspm(signed: Signed, tmp_path: Path) -> None:
    """The program in docs/results.md, run as it stands."""
    made = signed.scan()
    text = (ROOT / "docs" / "results.md").read_text(encoding="utf-8")
    program, _, _ = text.partition("```python\n")[2].partition("```")
    key = tmp_path / "ci.pem"
    key.write_text(public("ci").pem(), encoding="utf-8")
    arguments = [sys.executable, "-c", program, str(made), str(key)]
    good = spawn(arguments)
    assert (good.code, good.err) == (0, "")
    assert good.out.startswith("good: {'error': 0, 'fail': 2")
    (made / EVIDENCE).write_bytes(b"{}")
    assert "other evidence" in spawn(arguments).err
    edit(made / ASSESSMENT, flip)
    assert "InvalidSignature" in spawn(arguments).err
