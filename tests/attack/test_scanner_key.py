"""The attacker holds a scanner's credentials: its signing key, and code of their own in its place.

They can sign whatever they like, with all parts made to agree. What they cannot do is sign for other assets, speak as
somebody else, or make verdicts hold that do not follow from the evidence.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from attack.stolen import all_pass, forge, signed
from attack.world import DB, KNOWN, WITNESS, bundle, edit, moment, payload, said
from commandline import assert_refused
from parties import private, public
from xspm.app.agreed import under
from xspm.app.attest import ASSESSMENT, EVIDENCE, SNAPSHOT, SUMMARY, attest
from xspm.app.policies import default_cache
from xspm.app.scan import Request, collect, report
from xspm.app.trust import open_contract
from xspm.app.types import resource_types
from xspm.cel import Environment
from xspm.contract.terms import Bundle, Scanner
from xspm.ledger.records import Record
from xspm.model.digest import digest_bytes
from xspm.policy.cache import Cache
from xspm.policy.library import Compiled
from xspm.policy.memory import Key, Memory, Remembered

if TYPE_CHECKING:
    from collections.abc import Callable

    from attack.conftest import Make
    from attack.world import World
    from xspm.model.asset import Snapshot

ELSEWHERE = "host:db-1"
BROKEN = """\
apiVersion: v1
kind: Pod
metadata: {name: broken}
spec: {containers: 5}
"""


def scanners(**patterns: str) -> dict[str, Scanner]:
    sides = {"ci": "security", "ops": "platform"}
    return {name: Scanner((public(name),), (patterns.get(name, "*"),), side) for name, side in sides.items()}


def faulty(world: World) -> Path:
    """An honest result about a deployment at fault."""
    world.deploy("web", "db")
    made = world.signed()
    assert world.verify().code == 0
    return made


class Thief:
    """Signs with the stolen key."""

    key = public("ci")

    def sign(self, data: bytes) -> bytes:
        return private("ci").sign(data)


def sign_what_is_made_of(world: World, change: Callable[[Snapshot], Snapshot], memory: Memory | None = None) -> Path:
    """Collect, change what was collected, judge it twice with a memory of verdicts, and sign it with the stolen key."""
    trusted = open_contract(str(world.folder), world.root, moment())
    in_force, reference = under(trusted, moment(), cached=False)
    request = Request((str(world.pods),), in_force, contract=reference)
    snapshots = [change(one) for one in collect(request, lambda _text: None).snapshots]
    for _ in range(2):
        run = report(request, snapshots, started=moment(), memory=memory)
    pairs = list(zip(snapshots, run.assessments, strict=True))
    (made,) = attest(pairs, run, trusted, Thief(), world.base / "forged")
    return Path(shutil.copytree(made, world.results / "forged"))


# Who may speak


def test_a_scanner_signs_for_an_asset_that_is_not_its_own(found: Make) -> None:
    """A scanner's key signs evidence of an asset that its entry in the contract does not name."""
    world = found(scanners=scanners(ci="host:*"))
    outcome = world.scan("--sign", world.key("ci"), "--evidence", str(world.results))
    assert_refused(outcome, "the scanner ci may sign for host:* by version 1 of the contract, not for kubernetes")
    assert not world.results.exists()
    made = forge(signed(world, "ops"), key="ci", both=lambda one: one.update(scanner="ci"))
    assert "the scanner ci may sign for host:* by version 1 of the contract, not for kubernetes" in world.differs()
    forge(made, key="ops", both=lambda one: one.update(scanner="ops"))
    assert world.verify().code == 0, "the same by the scanner of this asset holds"


def test_a_green_result_is_renamed_to_a_foreign_asset(found: Make) -> None:
    """A scanner's key signs its own green evidence as that of a database host."""
    world = found(scanners=scanners(ci="kubernetes.*"))
    made = world.signed()
    assert world.verify().code == 0
    forge(made, name=ELSEWHERE)
    assert f"the scanner ci may sign for kubernetes.* by version 1 of the contract, not for {ELSEWHERE}" in world.differs()  # fmt: skip


def test_a_scanner_signs_as_another_scanner(world: World) -> None:
    """The scanner of one party signs a result in the name of the other party's scanner."""
    forge(world.signed(), both=lambda one: one.update(scanner="ops"))
    assert "signed by the scanner ci, and said to be ops's" in world.differs()


def test_a_scanner_confirms_itself_under_the_other_scanners_name(world: World) -> None:
    """A lie is signed twice, the second time as if by the other party's scanner, to have it look confirmed."""
    first = world.signed()
    code, (alone,) = world.looked()
    assert (code, [one["name"] for one in alone["fewest"][0]]) == (0, ["ci"])
    second = Path(shutil.copytree(first, first.with_name("second")))
    forge(second, both=lambda one: one.update(scanner="ops"))
    code, results = world.looked()
    states = {Path(one["folder"]).name: one["state"] for one in results}
    assert (code, states) == (1, {first.name: "verified", "second": "differs"})
    (kept,) = (one for one in results if one["state"] == "verified")
    assert [one["name"] for one in kept["fewest"][0]] == ["ci"], "nobody confirmed it"


def test_a_members_key_signs_results(world: World) -> None:
    """A person signs results with their own key, as if they were a scanner."""
    outcome = world.scan("--sign", world.key("alice"), "--evidence", str(world.results))
    assert_refused(outcome, "alice's, a person of security: only scanners sign results")
    forge(world.signed(), key="alice")
    assert "a person's key signed it" in world.differs()


def test_a_stranger_signs_results(world: World) -> None:
    """Somebody who is not in the contract signs results."""
    outcome = world.scan("--sign", world.key("mallory"), "--evidence", str(world.results))
    assert_refused(outcome, "nobody in version 1 of the contract holds the key")
    forge(world.signed(), key="mallory")
    assert "signed by a key that nobody in the contract holds" in world.differs()


def test_one_statement_of_a_result_is_signed_by_another_key(world: World) -> None:
    """Half of a result comes from one scanner and half from the other."""
    ours, theirs = signed(world, "ci"), signed(world, "ops")
    assert world.verify().code == 0
    shutil.copy(theirs / SNAPSHOT, ours / SNAPSHOT)
    assert "its statements are signed by different keys" in world.differs(of=ours)


def test_a_withdrawn_key_signs_on(world: World) -> None:
    """A key that was taken out of the contract signs a result under the version that no longer has it."""
    made = world.signed()
    world.amend(scanners={**scanners(), "ci": Scanner((public("ci-2"),), ("*",), "security")})
    outcome = world.scan("--sign", world.key("ci"), "--evidence", str(world.results))
    assert_refused(outcome, "nobody in version 2 of the contract holds the key")
    version = {"contract": world.links[-1].digest}
    forge(made, both=lambda one: one.update(version), verdicts=lambda one: one.update(contract_version=2))
    assert "nobody in version 2 of the contract holds the key" in world.differs()
    assert world.verify(of=signed(world, "ci-2")).code == 0, "its successor may"


def test_a_withdrawn_key_signs_under_the_version_before(watched: World) -> None:
    """A withdrawn key signs a new result as if it were from before: the reader is told, and the ledger refuses it."""
    made = watched.signed()
    watched.append(made)
    watched.amend(scanners={**scanners(), "ci": Scanner((public("ci-2"),), ("*",), "security")})
    watched.append(watched.folder)
    assert watched.verify("--ledger", str(watched.ledger)).code == 0, "what was logged before it was withdrawn holds"
    forge(made, verdicts=lambda one: one["failures"].append("x"))
    outcome = watched.verify()
    assert (outcome.code, "the key of the scanner ci is no longer in the contract" in said(outcome)) == (0, True)
    assert "made under version 1 of the contract; version 2 is in force now" in watched.differs("--current")
    assert "it is not on the ledger" in watched.differs("--ledger", str(watched.ledger))


# What follows from the evidence


def test_a_verdict_is_flipped_and_signed_again(world: World) -> None:
    """Every failing verdict is turned into a pass, all sums and summaries are made to fit, and all is signed again."""
    made = forge(faulty(world), verdicts=all_pass)
    assert payload(made / SUMMARY)["predicate"]["verificationResult"] == "PASSED", "other tools would believe it"
    for engine in ("xspm", "reference"):
        assert f"{KNOWN} on k8s.container {DB}: status recorded pass, recomputed fail" in world.differs("--engine", engine)  # fmt: skip


def test_failing_verdicts_are_left_out(world: World) -> None:
    """The list of verdicts is shortened by those that fail."""

    def shorten(predicate: Any) -> None:
        predicate["verdicts"] = [row for row in predicate["verdicts"] if row["id"] != DB]
        all_pass(predicate)

    forge(faulty(world), verdicts=shorten)
    assert f"{KNOWN} on k8s.container {DB}: the verdict is missing; recomputed fail" in world.differs()


def test_a_severity_is_lowered_below_the_gate(world: World) -> None:
    """The failing check is said to matter less than the gate's threshold."""

    def soften(predicate: Any) -> None:
        predicate["severities"][KNOWN] = "info"
        predicate["gate"]["result"] = "pass"

    forge(faulty(world), verdicts=soften)
    assert f"{KNOWN} on k8s.container {DB}: severity recorded info, recomputed high" in world.differs()


def test_the_gate_is_switched_off(world: World) -> None:
    """The scanner chooses a gate that nothing fails: it passes, and no other tool takes that for a verification."""
    made = forge(faulty(world), verdicts=lambda one: one.update(gate={"fail_on": "never", "allow_unknown": True, "result": "pass"}))  # fmt: skip
    outcome = world.verify()
    assert (outcome.code, "gate never: pass" in said(outcome)) == (0, True)
    assert payload(made / SUMMARY)["predicate"]["verificationResult"] == "FAILED"


def test_an_exception_is_invented(world: World) -> None:
    """The failing verdict is covered by an exception that nobody signed."""
    exception = "sha256:" + "0" * 64

    def excuse(predicate: Any) -> None:
        predicate["exceptions"] = [exception]
        predicate["excepted"] = [{"check": KNOWN, "type": "k8s.container", "id": DB, "exception": exception}]
        predicate["gate"]["result"] = "pass"

    forge(faulty(world), verdicts=excuse)
    assert f"the exception {exception} was not in force: it is not in the contract's folder" in world.differs()


def unread(world: World) -> Path:
    """An honest result about a deployment of which a part could not be read."""
    world.deploy("web")
    world.pods.write_text(world.pods.read_text(encoding="utf-8") + BROKEN, encoding="utf-8")
    made = world.signed()
    assert payload(made / ASSESSMENT)["predicate"]["counts"]["unknown"] > 0
    assert world.verify().code == 0
    return made


def test_an_unknown_is_turned_into_a_pass(world: World) -> None:
    """What could not be read is said to have passed."""
    forge(unread(world), verdicts=all_pass)
    assert f"{KNOWN} on k8s.container: status recorded pass, recomputed unknown" in world.differs()


def test_an_unknown_is_left_out(world: World) -> None:
    """What could not be read is not mentioned among the verdicts."""

    def forget(predicate: Any) -> None:
        predicate["verdicts"] = [row for row in predicate["verdicts"] if row["id"]]
        all_pass(predicate)

    forge(unread(world), verdicts=forget)
    assert f"{KNOWN} on k8s.container: the verdict is missing; recomputed unknown" in world.differs()


def test_problems_are_kept_from_the_verdicts(world: World) -> None:
    """The problems stay in the evidence and are left out of what is said about it."""
    forge(unread(world), verdicts=lambda one: one.update(problems=0))
    assert "the problems: 1 for the evidence, 0 for the verdicts" in world.differs()


def test_problems_are_removed_from_the_evidence(world: World) -> None:
    """The problems are taken out of the evidence too: the other party's scanner says that it found something else."""

    unread(world)
    lie = sign_what_is_made_of(world, lambda one: msgspec.structs.replace(one, problems=()))
    alone, _ = world.looked(of=lie)
    assert (alone, payload(lie / ASSESSMENT)["predicate"]["counts"]["unknown"]) == (0, 0), "the attack itself works"
    signed(world, "ops")
    notes = [note for one in world.looked()[1] for note in one["notes"] if one["folder"] == str(lie)]
    assert any("the scanner ops (run by platform) found something else at" in note for note in notes)


def test_evidence_is_made_up(world: World) -> None:
    """A scanner shows a clean deployment in place of the real one: the other party's scanner tells the reader."""
    world.deploy("web")
    lie = signed(world, "ci")
    world.deploy("web", "db")
    signed(world, "ops")
    assert payload(lie / SUMMARY)["predicate"]["verificationResult"] == "PASSED"
    code, results = world.looked()
    notes = {one["scanner"]: " ".join(one["notes"]) for one in results}
    assert code == 0, "each holds by itself: which of the two lies no machine can tell"
    assert "the scanner ops (run by platform) found something else at" in notes["ci"]
    assert "the scanner ci (run by security) found something else at" in notes["ops"]


def test_a_lone_scanners_word_is_called_what_it_is(world: World) -> None:
    """No second scanner is there: the reader who asks is told that the one scanner alone could have forged it."""
    world.signed()
    outcome = world.verify("--who-could-forge")
    assert "1 holder the evidence the scanner ci (run by security): signs evidence of what never was" in said(outcome)
    signed(world, "ops")
    assert "the scanner ci (run by security): signs" not in said(world.verify("--who-could-forge"))


# When, and by which policies


def test_a_result_is_dated_into_the_future(world: World) -> None:
    """A green result is made in advance, for a day on which nothing will be scanned."""

    def tomorrow(one: Any) -> None:
        one["collected_at"] = moment(24)

    forge(world.signed(), evidence=tomorrow, both=tomorrow)
    assert "made in the future, at" in world.differs()


def test_a_result_is_back_dated(watched: World) -> None:
    """A result is made up today for a day long past, and put on the ledger today."""

    def earlier(one: Any) -> None:
        one["collected_at"] = moment(-24 * 40)

    honest, made = signed(watched, "ops"), signed(watched, "ci")
    forge(made, evidence=earlier, both=earlier)
    watched.append(watched.results)
    assert watched.verify("--ledger", str(watched.ledger), of=honest).code == 0
    assert watched.verify(of=made).code == 0, "by itself it holds: the time is the scanner's word"
    assert "and is not sure to have been written down before " in watched.differs(
        "--ledger", str(watched.ledger), of=made
    )


def test_a_result_that_never_went_to_the_ledger(watched: World) -> None:
    """A second, friendlier result of the same day is kept in a drawer and shown when it is wanted."""
    watched.append(watched.signed())
    assert watched.verify("--ledger", str(watched.ledger)).code == 0
    drawer = signed(watched, "ops")
    assert "it is not on the ledger" in watched.differs("--ledger", str(watched.ledger), of=drawer)


def test_old_evidence_under_a_new_date(world: World) -> None:
    """Yesterday's green evidence is shown as today's: the verdicts say today, the evidence yesterday."""

    def yesterday(one: Any) -> None:
        one["collected_at"] = moment(-24)

    forge(world.signed(), evidence=yesterday)
    assert "the time:" in world.differs()


def test_verdicts_of_another_day_beside_this_evidence(world: World) -> None:
    """The verdicts on a clean deployment are replayed beside the evidence of a faulty one."""
    green = world.signed()
    red = faulty(world)
    shutil.copy(green / ASSESSMENT, red / ASSESSMENT)
    assert "the statement about evidence: sha256:" in world.differs(of=red)


def test_the_policies_are_lied_about(world: World) -> None:
    """A friendlier bundle judged the evidence, and its digest is named."""
    made = faulty(world)
    friendly = world.add_bundle(bundle("web, db"))
    forge(made, verdicts=all_pass)
    forge(made, verdicts=lambda one: one.update(bundle=friendly))
    told = world.differs()
    assert f"judged by the policies {friendly}; version 1 of the contract has" in told
    assert f"{KNOWN} on k8s.container {DB}: status recorded pass, recomputed fail" in told


def test_the_engine_is_lied_about(world: World) -> None:
    """The verdicts name another engine's version than collected the evidence."""
    forge(world.signed(), verdicts=lambda one: one["engine"].update(version="0.0.0-patched"))
    assert "xspm's version:" in world.differs()


def test_a_version_of_the_contract_that_comes_later(world: World) -> None:
    """A result names a version of the contract that was not agreed yet, by which everything passes."""
    made = faulty(world)
    friendly = Bundle(2, digest_bytes(bundle("web, db")))
    coming = world.version("alice", policies=friendly)

    def ahead(one: Any) -> None:
        one["contract"] = coming.digest

    forge(made, verdicts=all_pass)
    forge(made, both=ahead, verdicts=lambda one: one.update(contract_version=2, bundle=friendly.digest))
    assert f"it was made under {coming.digest}, no version of the contract that you trust" in world.differs()


# What the scanner remembers


def always_true(folder: Path) -> int:
    """Replace every compiled check in a cache by one that always passes, with a good digest; how many there were."""
    always = Environment(resource_types()).compile("true", expect="bool", resource="k8s.container", params={}).dump()
    cache, count = Cache(folder), 0
    for file in folder.glob("*.k8s.container"):
        data = cache.get(file.name)
        assert data is not None
        checks = msgspec.msgpack.decode(data, type=dict[str, Compiled])
        cache.put(file.name, msgspec.msgpack.encode({name: msgspec.structs.replace(one, program=always) for name, one in checks.items()}))  # fmt: skip
        count += len(checks)
    return count


def test_the_cache_of_compiled_checks_is_poisoned(world: World) -> None:
    """Every compiled check in the scanner's cache is replaced by one that always passes."""
    world.deploy("web", "db")
    assert world.scan().code == 1
    cache = default_cache()
    assert cache is not None
    assert always_true(Path(cache._folder)) > 0
    assert world.scan().code == 0, "the attack itself does not work"
    made = world.signed()
    assert payload(made / ASSESSMENT)["predicate"]["gate"]["result"] == "fail", "what is signed rests on no cache"
    assert world.verify().code == 0, "nor does verifying"
    assert "recomputed fail" in world.differs(of=forge(made, verdicts=all_pass))


class Poisoned(Memory):
    """A memory of verdicts in which everything has passed before."""

    def get(self, key: Key) -> Remembered | None:
        known = super().get(key)
        if known is None:
            return None
        verdicts = tuple(msgspec.structs.replace(one, status="pass") for one in known.verdicts)
        return Remembered(verdicts, known.total, known.total, known.total, attention=False)


def test_the_memory_of_verdicts_is_poisoned(world: World) -> None:
    """A long-running scanner remembers passes that never were, and signs them."""
    world.deploy("web", "db")
    made = sign_what_is_made_of(world, lambda one: one, Poisoned())
    assert payload(made / ASSESSMENT)["predicate"]["counts"]["fail"] == 0, "the attack itself does not work"
    assert f"{KNOWN} on k8s.container {DB}: status recorded pass, recomputed fail" in world.differs(of=made)


# Unused powers


def test_a_scanner_signs_a_contract(world: World) -> None:
    """The scanner's key signs the next version of the contract in place of a person."""
    world.put(world.version("alice", "ci", "dave"))
    assert_refused(world.under("contract", "verify"), "nobody")
    assert world.scan().code == 2


def test_a_scanner_approves_an_exception(world: World) -> None:
    """The scanner's key approves an exception for what it finds."""
    world.deploy("web", "db")
    world.exception("dave", "ci")
    assert world.scan().code == 1
    world.exception("dave", "alice")
    assert world.scan().code == 0, "a person of security could have"


def test_a_scanner_writes_to_the_ledger(watched: World) -> None:
    """The scanner's key signs entries of the ledger in place of its operator."""
    outcome = watched.under("ledger", "heartbeat", str(watched.ledger), "--key", watched.key("ci"))
    assert (outcome.code, "the contract's ledger signs as" in outcome.err) == (2, True)
    assert watched.audit() == (0, {})
    watched.behind(Record("heartbeat", moment()))
    assert watched.audit()[0] == 1, f"even its operator needs {WITNESS.name}"


def test_evidence_with_a_message_for_people_in_it(world: World) -> None:
    """Evidence carries an extra field that nobody judges and that reads like a clean bill of health."""
    made = world.signed()
    data = (made / EVIDENCE).read_bytes()
    more = data.replace(b'"connector":', b'"comment":"audited and clean","connector":', 1)
    (made / EVIDENCE).write_bytes(more)
    assert more != data
    edit(made / SNAPSHOT, lambda one: one["predicate"].update(file=digest_bytes(more)), "ci")
    assert "not written as xspm writes evidence: it holds what nothing reads" in world.differs()
