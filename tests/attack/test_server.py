"""The attacker has taken over the server and its database: every file that a reader gets comes from them.

They hold no key. They can edit, delete, swap, reorder and withhold, and they can show each reader something else. The
reader has the root digest of the contract, and what they remember from before.
"""

from __future__ import annotations

import base64
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from attack.stolen import all_pass, forge, signed
from attack.world import DB, ENOUGH, KNOWN, World, bundle, day, edit, forged, moment, payload, said
from commandline import assert_refused
from parties import private, public
from resulting import Place, results
from xspm.app.attest import ASSESSMENT, EVIDENCE, SNAPSHOT, STATEMENTS, SUMMARY, TEST_RESULT
from xspm.app.trust import open_contract
from xspm.contract.envelope import Envelope, decode_envelope
from xspm.contract.folder import bundle_path, version_path
from xspm.contract.terms import Bundle
from xspm.model.digest import digest_bytes

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def red(world: World) -> Path:
    """A signed result with failing verdicts, as the server keeps it."""
    world.deploy("web", "db")
    made = world.signed()
    code, (result,) = world.looked()
    assert (code, result["gate"]) == (0, "fail")
    return made


def flip(statement: Any) -> None:
    all_pass(statement["predicate"])


def back_date(statement: Any) -> None:
    statement["predicate"]["collected_at"] = moment(-48)


def rename(statement: Any) -> None:
    statement["subject"][0]["name"] = "host:db-1"


def summarise(statement: Any) -> None:
    statement["predicate"]["verificationResult"] = "PASSED"


def pass_tests(statement: Any) -> None:
    statement["predicate"] |= {"result": "PASSED", "failedTests": [], "warnedTests": []}


@pytest.mark.parametrize(
    ("name", "change"),
    [
        pytest.param(ASSESSMENT, flip, id="a verdict is flipped"),
        pytest.param(ASSESSMENT, back_date, id="a result is back-dated"),
        pytest.param(ASSESSMENT, rename, id="a result is replayed for another asset"),
        pytest.param(SNAPSHOT, back_date, id="evidence is back-dated"),
        pytest.param(SNAPSHOT, rename, id="evidence is replayed for another asset"),
        pytest.param(SUMMARY, summarise, id="the summary for other tools is flipped"),
        pytest.param(TEST_RESULT, pass_tests, id="the test result for other tools is flipped"),
    ],
)
def test_a_stored_statement_is_edited(world: World, red: Path, name: str, change: Callable[[Any], None]) -> None:
    """A stored statement is edited under its signature."""
    edit(red / name, change)
    code, (result,) = world.looked()
    assert code == 1
    assert any(one["file"] == name and "is not good: it is over something else" in one["what"] for one in result["differences"])  # fmt: skip


def test_a_verdict_is_flipped_in_stored_json(world: World, red: Path) -> None:
    """A verdict is flipped in the stored assessment: the reader is told which one, and that the signature is not good."""
    edit(red / ASSESSMENT, flip)
    told = world.differs()
    assert "is not good: it is over something else" in told
    assert f"{KNOWN} on k8s.container {DB}: status recorded pass, recomputed fail" in told


def test_everything_is_edited_and_signed_with_a_key_of_ones_own(world: World, red: Path) -> None:
    """The server makes a perfect green result and signs it with a key of its own."""
    forge(red, key="server", verdicts=all_pass)
    told = world.differs()
    assert "signed by a key that nobody in the contract holds" in told
    assert "recomputed fail" in told


@pytest.mark.parametrize("name", STATEMENTS)
def test_signatures_are_stripped(world: World, red: Path, name: str) -> None:
    """The signature of a stored statement is removed, so that nothing contradicts an edit."""
    envelope = decode_envelope((red / name).read_bytes(), name)
    (red / name).write_bytes(Envelope(envelope.payload).encode())
    assert "nobody signed it" in world.differs()


def test_a_signature_is_used_for_another_payload_type(world: World, red: Path) -> None:
    """A stored statement is relabelled as another type of payload."""
    wire = json.loads((red / ASSESSMENT).read_bytes())
    (red / ASSESSMENT).write_bytes(json.dumps({**wire, "payloadType": "text/plain"}).encode())
    assert_refused(world.verify(), "the payload is of the type 'text/plain', not application/vnd.in-toto+json")


def test_an_envelope_with_fields_that_nobody_signed(world: World, red: Path) -> None:
    """An unsigned field that says so is put beside the signed payload for tools that look only there."""
    wire = json.loads((red / ASSESSMENT).read_bytes())
    (red / ASSESSMENT).write_bytes(json.dumps({**wire, "verified": True}).encode())
    assert_refused(world.verify(), "not a DSSE envelope: Object contains unknown field `verified`")


def test_a_payload_that_two_readers_read_differently(world: World, red: Path) -> None:
    """A key is written twice in the statement, so that one reader sees the first verdict and another the last."""
    wire = json.loads((red / ASSESSMENT).read_bytes())
    text = base64.b64decode(wire["payload"])
    twice = text.replace(b'"predicate":{', b'"predicate":{"bundle":"sha256:0",', 1)
    assert twice != text
    (red / ASSESSMENT).write_bytes(json.dumps({**wire, "payload": base64.b64encode(twice).decode()}).encode())
    assert "the statement is not canonical JSON (RFC 8785)" in world.differs()


def test_the_evidence_is_edited_to_fit_a_verdict(world: World, red: Path) -> None:
    """The evidence is edited until every check on it would pass."""
    data = (red / EVIDENCE).read_bytes()
    (red / EVIDENCE).write_bytes(data.replace(b'"name":"db"', b'"name":"web"'))
    assert "this is not the evidence that was signed: sha256:" in world.differs()


def test_the_evidence_is_swapped_for_another_days(world: World, red: Path) -> None:
    """The evidence of a clean day is laid into the result of a bad one."""
    world.deploy("web")
    green = world.signed()
    assert world.verify().code == 0
    shutil.copy(green / EVIDENCE, red / EVIDENCE)
    assert "this is not the evidence that was signed: sha256:" in world.differs()


def test_evidence_and_its_statement_are_swapped(world: World, red: Path) -> None:
    """The evidence of a clean day goes in together with its own signed statement."""
    world.deploy("web")
    green = world.signed()
    for name in (EVIDENCE, SNAPSHOT):
        shutil.copy(green / name, red / name)
    assert "the content: sha256:" in world.differs(of=red)


def test_results_trade_places(world: World, red: Path) -> None:
    """Two results trade folders, so that the green one stands where the red one was: each still says what it is."""
    world.deploy("web")
    green = world.signed()
    aside = red.with_name("aside")
    red.rename(aside)
    green.rename(red)
    aside.rename(green)
    code, told = world.looked()
    gates = {Path(one["folder"]).name: (one["gate"], one["collected_at"]) for one in told}
    assert code == 0
    assert gates[red.name] == ("pass", payload(red / ASSESSMENT)["predicate"]["collected_at"])
    assert gates[green.name] == ("fail", payload(green / ASSESSMENT)["predicate"]["collected_at"])


@pytest.mark.parametrize("name", [EVIDENCE, *STATEMENTS])
def test_a_part_of_a_result_is_deleted(world: World, red: Path, name: str) -> None:
    """One file of a result is deleted."""
    (red / name).unlink()
    outcome = world.verify()
    assert (outcome.code, name in outcome.err) == (2, True)


def test_all_results_are_deleted(world: World, red: Path) -> None:
    """Every file of every result is deleted: no result is no pass."""
    for file in red.iterdir():
        file.unlink()
    assert_refused(world.verify(), "there is no result in")


def test_reports_are_edited(world: World, red: Path) -> None:
    """The reports for people are edited to show green: what is signed still says red, and a report is no result."""
    report = world.base / "report.json"
    world.scan("-o", f"json={report}")
    said_in_report = json.loads(report.read_bytes())
    assert said_in_report["assessments"][0]["counts"]["fail"] > 0
    said_in_report["assessments"][0]["counts"] = {"pass": 4, "fail": 0}
    report.write_text(json.dumps(said_in_report), encoding="utf-8")
    assert "gate high: fail" in said(world.verify(of=red))
    assert_refused(world.verify(of=report), "is no folder")


# The chain of results and the ledger


def day_by_day(world: World, *deployed: tuple[str, ...]) -> list[Path]:
    """Results of one asset, one for each of the last hours, all on the ledger."""
    place = Place(world.folder, world.root, world.links[0])
    made = []
    for hours, containers in enumerate(deployed, -len(deployed)):
        world.deploy(*containers)
        trusted = open_contract(str(world.folder), world.root, moment())
        made += results(place, world.pods, world.results, when=moment(hours), trusted=trusted)
    world.append(world.results)
    outcome = world.verify("--ledger", str(world.ledger))
    assert (outcome.code, "note:" in outcome.out) == (0, False)
    return made


def test_the_result_of_a_bad_day_is_deleted(watched: World) -> None:
    """The red result is deleted from between two green ones: the one after it names it."""
    _, red, _ = day_by_day(watched, ("web",), ("web", "db"), ("web",))
    shutil.rmtree(red)
    outcome = watched.verify()
    assert "is not among those given" in said(outcome)


def test_results_that_the_ledger_does_not_have(watched: World) -> None:
    """The server leaves results out of what it puts on the ledger, to be free to drop them later."""
    watched.append(watched.signed())
    kept = signed(watched, "ops")
    code, found = watched.audit("--results", str(watched.results))
    assert (code, sorted(found)) == (1, ["unlogged"])
    watched.append(kept)
    assert watched.audit("--results", str(watched.results)) == (0, {})


def test_an_older_result_is_served_as_the_newest(watched: World) -> None:
    """The newest, red result is deleted, and the green one before it served as the state of today."""
    green, red = day_by_day(watched, ("web",), ("web", "db"))
    shutil.rmtree(red)
    outcome = watched.verify("--ledger", str(watched.ledger), of=green)
    assert "not the newest: 1 newer on the ledger" in said(outcome)


# The contract and its policies


def test_the_whole_contract_is_replaced(world: World, red: Path, tmp_path: Path) -> None:
    """The server makes a contract of its own, with itself as every party and scanner, and a result under it."""
    theirs = World(tmp_path / "theirs", world.capsys, name="acme-2")
    theirs.deploy("web")
    made = theirs.signed()
    assert theirs.verify().code == 0
    shutil.rmtree(world.folder)
    shutil.copytree(theirs.folder, world.folder)
    for outcome in (world.verify(of=made), world.verify(of=red), world.scan()):
        assert_refused(outcome, "this contract has no version")


def test_a_version_of_the_contract_is_withheld_from_a_reader_who_saw_it(world: World) -> None:
    """The newest version disappears: a reader who saw it refuses the older one."""
    newest = version_path(world.folder, "versions", world.amend().terms.version)
    assert world.under("contract", "verify").code == 0
    newest.unlink()
    assert_refused(world.scan(), "version 2 was in force before: somebody hands you an old one")


def test_a_version_of_the_contract_is_withheld_from_a_new_reader(
    watched: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The newest version is withheld from a reader who never saw it: the ledger has it."""
    newest = version_path(watched.folder, "versions", watched.amend().terms.version)
    watched.append(watched.folder)
    assert watched.audit() == (0, {})
    newest.unlink()
    monkeypatch.setenv("HOME", str(tmp_path / "somebody else"))
    code, found = watched.audit()
    assert (code, sorted(found)) == (1, ["withheld"])
    assert "is a version of the contract that is not at hand" in found["withheld"]


def test_an_exception_is_kept_off_the_ledger(watched: World) -> None:
    """A well-signed exception is shown to scanners and kept off the ledger."""
    path = watched.exception("dave", "alice")
    code, found = watched.audit()
    assert (code, sorted(found)) == (1, ["unlogged"])
    watched.append(path)
    assert watched.audit() == (0, {})


def test_a_contract_that_is_not_on_the_ledger(watched: World) -> None:
    """A version that enough people signed in secret is handed to one reader alone."""
    watched.amend(*ENOUGH)
    code, found = watched.audit()
    assert (code, sorted(found)) == (1, ["unlogged"])


def test_an_exception_is_removed_to_discredit_a_result(world: World) -> None:
    """An exception is deleted so that an honest result looks forged: the reader is told what is missing."""
    world.deploy("web", "db")
    path = world.exception("dave", "alice")
    world.signed()
    assert world.verify().code == 0
    path.unlink()
    assert "was not in force: it is not in the contract's folder" in world.differs()


def test_the_policies_in_force_are_swapped(world: World, red: Path) -> None:
    """A friendlier bundle is laid under the name of the one in force."""
    world.add_bundle(bundle("web, db"), digest_bytes(bundle()))
    assert_refused(world.verify(), "it was changed")
    assert_refused(world.scan(), "it was changed")
    world.add_bundle(bundle())
    assert (world.verify().code, red.exists()) == (0, True)


def test_the_policies_in_force_are_deleted(world: World, red: Path) -> None:
    """The bundle is deleted so that nothing can be recomputed."""
    bundle_path(world.folder, digest_bytes(bundle())).unlink()
    assert_refused(world.verify(of=red), "are not at hand")
    assert_refused(world.scan(), "are not at hand")


def test_a_version_that_the_server_signed(world: World) -> None:
    """The server adds a version with friendlier policies, signed under the ids of the people's keys."""
    friendly = Bundle(2, world.add_bundle(bundle("web, db")))
    honest = world.version("alice", "bob", "carol", "dave", policies=friendly)
    world.put(forged(honest.terms, "x", "y", "z", key_of={"x": "alice", "y": "bob", "z": "dave"}))
    assert_refused(world.scan(), "is not good: it is over something else")
    world.put(honest)
    world.deploy("web", "db")
    assert world.under("contract", "verify").code == 0, "the people could have"


def test_the_root_is_taken_from_nobody_on_the_server(world: World, red: Path) -> None:
    """The server offers a digest to trust in the contract's folder: nothing there is a pin."""
    (world.folder / "contract-root").write_text(world.root, encoding="utf-8")
    outcome = world.run("verify", str(red), "--contract", str(world.folder))
    assert_refused(outcome, "its root digest is pinned nowhere")


def test_an_expired_contract_is_frozen(found: Callable[..., World]) -> None:
    """The server serves a contract for ever: past its expiry nothing is done under it."""
    world = found(expires=day(-1))
    assert_refused(world.scan(), "expired on")


def test_an_approval_that_the_server_signed(world: World) -> None:
    """The server puts a signature of its own under an exception, in the place of the approver's."""
    path = world.exception("dave", "alice")
    world.deploy("web", "db")
    assert world.scan().code == 0, "as people signed it"
    kept = decode_envelope(path.read_bytes(), str(path))
    by_server = private("server").sign(kept.signed_bytes())
    path.write_bytes(Envelope(kept.payload, {**kept.signatures, public("alice").id: by_server}).encode())
    outcome = world.scan()
    assert (outcome.code, "is not good" in said(outcome)) == (1, True)
