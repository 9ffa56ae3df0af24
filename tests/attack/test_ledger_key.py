"""The attacker holds the ledger's key and keeps its files: they can sign any checkpoint over any tree.

What they do not have is the witness's key and the witness's memory, and the memory of readers who saw the ledger
before. Each test begins with a ledger that is sound, so what is found afterwards is the attack.
"""

from __future__ import annotations

import functools
import http.server
import shutil
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from attack.world import ENOUGH, LOG, ORIGIN, WITNESS, changed, moment, said, witness
from attack.world import sign as sign_envelope
from commandline import assert_refused
from parties import private, public
from xspm.app.ledger import envelope_record, log_key, witness_key
from xspm.contract.chain import encode_terms
from xspm.contract.envelope import Envelope
from xspm.contract.folder import version_path, write
from xspm.contract.terms import LedgerTerms
from xspm.ledger.checkpoint import Checkpoint, open_checkpoint
from xspm.ledger.files import Disk
from xspm.ledger.log import Log
from xspm.ledger.note import Note, Signature, Signer, decode_lines, sign
from xspm.ledger.records import Record, encode_record
from xspm.ledger.tiles import decode_bundle, encode_bundle, tile_path
from xspm.ledger.witness import Request, Witness, enroll_in
from xspm.model.digest import Digest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from attack.conftest import Make
    from attack.world import World

    Rewrite = Callable[[list[bytes]], list[bytes]]

SIGNER = Signer(LOG, private("log").sign)


@pytest.fixture
def kept(watched: World) -> World:
    """A ledger of some entries, all cosigned, that the reader has not audited yet."""
    watched.append(watched.signed())
    for _ in range(3):
        assert watched.heartbeat().code == 0
    return watched


@pytest.fixture
def known(kept: World) -> World:
    """The same, and the reader has audited it and remembers."""
    assert kept.audit() == (0, {})
    return kept


@pytest.fixture
def stranger(kept: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> World:
    """The same, for a reader who sees it for the first time."""
    monkeypatch.setenv("HOME", str(tmp_path / "somebody else"))
    return kept


def seconds() -> int:
    return int(time.time())


def secret() -> Record:
    """Something signed that others are not to see."""
    return Record("https://xspm.dev/predicates/exception/v1", moment(), Digest("sha256:" + "1" * 64), "host:db-1")


def entries_of(folder: Path) -> list[bytes]:
    log = Log(Disk(folder), SIGNER)
    return list(log.tiles(log.checkpoint().checkpoint.size).entries())


def rebuild(folder: Path, entries: Sequence[bytes]) -> None:
    """Throw the ledger away and build another of these entries, with the log's own key."""
    shutil.rmtree(folder)
    log = Log.create(folder, SIGNER)
    log.append(entries)


def drop_last(entries: list[bytes]) -> list[bytes]:
    return entries[:-1]


def drop_middle(entries: list[bytes]) -> list[bytes]:
    return entries[:2] + entries[3:]


def edit_middle(entries: list[bytes]) -> list[bytes]:
    return [*entries[:2], encode_record(Record("heartbeat", moment())), *entries[3:]]


def reorder(entries: list[bytes]) -> list[bytes]:
    return [entries[1], entries[0], *entries[2:]]


def back_date(entries: list[bytes]) -> list[bytes]:
    return [encode_record(Record("heartbeat", moment(-400))), *entries]


def start_again(_entries: list[bytes]) -> list[bytes]:
    return [encode_record(Record("heartbeat", moment()))]


REWRITES = [
    pytest.param(drop_last, "history", "rolled back: ", id="the last entry is cut off"),
    pytest.param(drop_middle, "history", "rolled back: ", id="an entry is removed from the middle"),
    pytest.param(edit_middle, "history", "forked: the first ", id="an entry is replaced"),
    pytest.param(reorder, "history", "forked: the first ", id="two entries trade places"),
    pytest.param(back_date, "history", "forked: the first ", id="an entry is put in at the beginning"),
    pytest.param(start_again, "history", "rolled back: ", id="the ledger is begun anew"),
]


@pytest.mark.parametrize(("rewrite", "kind", "message"), REWRITES)
def test_history_is_rewritten_for_a_reader_who_remembers(
    known: World, rewrite: Rewrite, kind: str, message: str
) -> None:
    """The tree is rebuilt without what is unwanted, and signed: the reader remembers the one before."""
    rebuild(known.ledger, rewrite(entries_of(known.ledger)))
    code, found = known.audit()
    assert (code, message in found[kind]) == (1, True)
    assert "cosigned by 0 witnesses, 1 must have" in found["quorum"]


@pytest.mark.parametrize(("rewrite", "kind", "message"), REWRITES)
def test_history_is_rewritten_for_a_new_reader(stranger: World, rewrite: Rewrite, kind: str, message: str) -> None:
    """The same for a reader who has nothing to remember: the rebuilt tree has no cosignature."""
    assert kind
    assert message
    rebuild(stranger.ledger, rewrite(entries_of(stranger.ledger)))
    code, found = stranger.audit()
    assert (code, found["quorum"]) == (1, "cosigned by 0 witnesses, 1 must have")


@pytest.mark.parametrize(("rewrite", "kind", "message"), REWRITES)
def test_the_witness_is_asked_to_cosign_a_rewritten_history(
    kept: World, rewrite: Rewrite, kind: str, message: str
) -> None:
    """The operator goes on with a rebuilt tree and asks the witness as if nothing had happened."""
    assert kind
    assert message
    rebuild(kept.ledger, rewrite(entries_of(kept.ledger)))
    outcome = kept.append(kept.folder)
    assert outcome.code == 1
    assert "not cosigned: audit: " in outcome.err
    assert "it was rolled back" in outcome.err or "the witness refuses (4" in outcome.err
    assert kept.audit()[0] == 1


def test_an_entry_is_edited_in_place(known: World) -> None:
    """An entry is edited in its file, under the signed and cosigned checkpoint."""
    size = Checkpoint.parse(note_of(known).text).size
    path = known.ledger / tile_path(None, 0, size)
    entries = decode_bundle(path.read_bytes())
    path.write_bytes(encode_bundle(edit_middle(entries)))
    code, found = known.audit()
    assert (code, found["entry"]) == (1, "entry 2 does not hash to what its tile says")
    assert "the entries do not have the root that was signed; the hash tiles do" in found["root"]


def test_entries_and_hashes_are_edited_together(known: World) -> None:
    """Entries and hash tiles are replaced by those of another tree, under the cosigned checkpoint."""
    signed = (known.ledger / "checkpoint").read_bytes()
    rebuild(known.ledger, edit_middle(entries_of(known.ledger)))
    (known.ledger / "checkpoint").write_bytes(signed)
    code, found = known.audit()
    assert (code, "the entries do not have the root that was signed; nor do the hash tiles" in found["root"]) == (1, True)  # fmt: skip


def test_entries_are_deleted(known: World) -> None:
    """The entries are deleted and only the signed root is left."""
    shutil.rmtree(known.ledger / "tile" / "entries")
    code, found = known.audit()
    assert (code, "missing" in found) == (1, True)


def test_the_ledger_is_deleted(known: World) -> None:
    """The whole ledger is gone."""
    shutil.rmtree(known.ledger)
    outcome = known.under("ledger", "verify", str(known.ledger))
    assert_refused(outcome, "there is no ledger here")


def note_of(world: World) -> Note:
    return open_checkpoint((world.ledger / "checkpoint").read_bytes(), [LOG, WITNESS]).note


def write_checkpoint(world: World, checkpoint: Checkpoint, *more: Any) -> None:
    note = Note(checkpoint.text, (sign(checkpoint.text, SIGNER), *more))
    (world.ledger / "checkpoint").write_bytes(note.encode())


def test_a_checkpoint_is_signed_for_another_root(known: World) -> None:
    """The log signs a root that its entries do not have."""
    size = Checkpoint.parse(note_of(known).text).size
    write_checkpoint(known, Checkpoint(ORIGIN, size, b"\x01" * 32))
    code, found = known.audit()
    assert code == 1
    assert "the entries do not have the root that was signed" in found["root"]


def test_a_checkpoint_claims_more_than_there_is(known: World) -> None:
    """The log signs a tree larger than the entries that it hands out."""
    checkpoint = Checkpoint.parse(note_of(known).text)
    write_checkpoint(known, Checkpoint(ORIGIN, checkpoint.size + 7, checkpoint.root))
    code, found = known.audit()
    assert (code, {"missing", "quorum"} <= found.keys()) == (1, True)


def test_a_checkpoint_of_another_log(known: World) -> None:
    """A checkpoint that the same key signed for a log of another name is served."""
    other = log_key("elsewhere.example/xspm", public("log"))
    checkpoint = Checkpoint.parse(note_of(known).text)
    text = Checkpoint(other.name, checkpoint.size, checkpoint.root).text
    (known.ledger / "checkpoint").write_bytes(Note(text, (sign(text, Signer(other, private("log").sign)),)).encode())
    assert known.audit()[0] == 1
    assert "checkpoint" in known.audit()[1]


def test_a_checkpoint_is_signed_by_another_key(known: World) -> None:
    """Somebody without the log's key signs a checkpoint in its name."""
    other = log_key(ORIGIN, public("mallory"))
    text = note_of(known).text
    (known.ledger / "checkpoint").write_bytes(Note(text, (sign(text, Signer(other, private("mallory").sign)),)).encode())  # fmt: skip
    code, found = known.audit()
    assert (code, list(found)) == (1, ["checkpoint"])


def test_a_checkpoint_is_signed_under_the_logs_key_id(known: World) -> None:
    """Somebody without the log's key signs a checkpoint, and writes the log's name and key id before it."""
    text = note_of(known).text
    forged = Signature(LOG.name, LOG.id, private("mallory").sign(text.encode()))
    (known.ledger / "checkpoint").write_bytes(Note(text, (forged,)).encode())
    assert known.audit() == (1, {"checkpoint": f"the signature by {ORIGIN} does not verify"})


# Witnesses


def test_a_cosignature_of_a_stranger(kept: World) -> None:
    """The checkpoint is cosigned by a witness that the contract does not name."""
    kept.behind(Record("heartbeat", moment()))
    text = note_of(kept).text
    theirs = Signer(witness_key("stranger.example/witness", public("mallory")), private("mallory").sign)
    write_checkpoint(kept, Checkpoint.parse(text), sign(text, theirs, seconds()))
    assert kept.audit() == (1, {"quorum": "cosigned by 0 witnesses, 1 must have"})


def test_a_cosignature_in_the_witnesss_name(kept: World) -> None:
    """Somebody else's key cosigns under the name of the contract's witness."""
    kept.behind(Record("heartbeat", moment()))
    text = note_of(kept).text
    theirs = Signer(witness_key(WITNESS.name, public("mallory")), private("mallory").sign)
    write_checkpoint(kept, Checkpoint.parse(text), sign(text, theirs, seconds()))
    assert kept.audit() == (1, {"quorum": "cosigned by 0 witnesses, 1 must have"})


def test_a_cosignature_of_another_checkpoint(kept: World) -> None:
    """The witness's cosignature of the checkpoint before is moved under the new one."""
    old = note_of(kept)
    kept.behind(Record("heartbeat", moment()))
    (cosignature,) = (one for one in old.signatures if one.name == WITNESS.name)
    write_checkpoint(kept, Checkpoint.parse(note_of(kept).text), cosignature)
    code, found = kept.audit()
    assert (code, f"the signature by {WITNESS.name} does not verify" in found["checkpoint"]) == (1, True)


def test_the_log_witnesses_itself(kept: World) -> None:
    """The log's key makes a cosignature too."""
    kept.behind(Record("heartbeat", moment()))
    text = note_of(kept).text
    itself = Signer(witness_key(ORIGIN, public("log")), private("log").sign)
    write_checkpoint(kept, Checkpoint.parse(text), sign(text, itself, seconds()))
    assert kept.audit() == (1, {"quorum": "cosigned by 0 witnesses, 1 must have"})


def test_a_cosignature_from_the_future(kept: World) -> None:
    """A witness that was talked into a wrong clock cosigns in advance: what lies in the future does not count."""
    kept.behind(Record("heartbeat", moment()))
    text = note_of(kept).text
    real = Signer(WITNESS, private("witness").sign)
    write_checkpoint(kept, Checkpoint.parse(text), sign(text, real, seconds() + 86_400))
    assert kept.audit() == (1, {"quorum": "cosigned by 0 witnesses, 1 must have"})
    write_checkpoint(kept, Checkpoint.parse(text), sign(text, real, seconds()))
    assert kept.audit() == (0, {}), "the same with the time of today counts"


@pytest.mark.parametrize(
    ("log", "witnesses"),
    [
        pytest.param("log", {"audit": "witness", "security": "witness"}, id="one witness key under two names"),
        pytest.param("log", {"audit": "log"}, id="the log's key as a witness"),
    ],
)
def test_one_key_counts_as_two_witnesses(found: Make, log: str, witnesses: dict[str, str]) -> None:
    """A contract names one key as two witnesses of the ledger: it is refused before anything is done."""
    world = found()
    named = {party: witness_key(f"{party}.example/witness", public(key)).vkey for party, key in witnesses.items()}
    terms = LedgerTerms(ORIGIN, log_key(ORIGIN, public(log)).vkey, "platform", named, len(named))
    envelope = sign_envelope(Envelope(encode_terms(changed(world.terms, ledger=terms))), *ENOUGH)
    write(version_path(world.folder, "versions", 1), envelope.encode(), again=True)
    asked = ("ledger", "verify", str(world.base), "--contract", str(world.folder), "--root", envelope.digest)
    assert_refused(world.run(*asked), "one key stands for two of the log and its witnesses")


def test_a_quorum_of_two_met_by_one(found: Make, tmp_path: Path) -> None:
    """The contract asks for two witnesses, and the operator shows the checkpoint to one alone."""
    other = witness_key("security.example/witness", public("witness-2"))
    named = {"audit": WITNESS.vkey, "security": other.vkey}
    world = found(ledger=LedgerTerms(ORIGIN, LOG.vkey, "platform", named, 2))
    with witness(tmp_path / "memory") as url:
        world.url = url
        world.begin()
    code, told = world.audit()
    assert (code, list(told)) == (1, ["quorum"])
    assert f"cosigned by 1 witnesses ({WITNESS.name}), 2 must have" in told["quorum"]
    note = note_of(world)
    both = sign(note.text, Signer(other, private("witness-2").sign), seconds())
    (world.ledger / "checkpoint").write_bytes(Note(note.text, (*note.signatures, both)).encode())
    assert world.audit() == (0, {})


# Two readers, two stories


def test_a_fork_for_one_reader(known: World, tmp_path: Path) -> None:
    """One reader is shown another ledger from a copy; the others go on with the first."""
    forked = tmp_path / "fork"
    shutil.copytree(known.ledger, forked)
    known.heartbeat()
    known.behind(secret(), folder=forked)
    assert known.audit() == (0, {})
    code, found = known.audit(of=forked)
    assert (code, {"history", "quorum"} <= found.keys()) == (1, True)


def test_a_ledger_of_ones_own_vouches_for_a_result(kept: World, tmp_path: Path) -> None:
    """A result that was never on the ledger is shown with a copy of the ledger on which it is."""
    copied = tmp_path / "copy"
    shutil.copytree(kept.ledger, copied)
    kept.deploy("web", "web")
    shutil.rmtree(kept.results)
    made = kept.signed()
    assert "it is not on the ledger" in kept.differs("--ledger", str(kept.ledger), of=made)
    kept.behind(*[envelope_record(path, moment()) for path in sorted(made.glob("*.dsse.json"))], folder=copied)
    outcome = kept.verify("--ledger", str(copied), of=made)
    assert_refused(outcome, f"the ledger {ORIGIN} cannot be believed: cosigned by 0 witnesses, 1 must have")


def test_a_split_view(stranger: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two readers are told two stories, each signed; the witness cosigns one of them only."""
    second = tmp_path / "second"
    shutil.copytree(stranger.ledger, second)
    stranger.behind(Record("heartbeat", moment()))
    stranger.behind(secret(), folder=second)
    assert stranger.heartbeat().code == 0
    assert stranger.audit() == (0, {}), "the first reader's story is the witness's"
    monkeypatch.setenv("HOME", str(tmp_path / "second reader"))
    stranger.ledger, first = second, stranger.ledger
    outcome = stranger.heartbeat()
    assert (outcome.code, "not cosigned: audit: " in outcome.err) == (1, True)
    assert stranger.audit()[1] == {"quorum": "cosigned by 0 witnesses, 1 must have"}
    assert stranger.audit(of=first)[0] == 1, "nor do the two readers' stories meet"


def test_an_older_ledger_is_frozen_for_a_reader_who_remembers(known: World, tmp_path: Path) -> None:
    """A reader is served the ledger of yesterday, as signed and cosigned then."""
    old = tmp_path / "old"
    shutil.copytree(known.ledger, old)
    known.heartbeat()
    assert known.audit() == (0, {})
    code, found = known.audit(of=old)
    assert (code, "rolled back: " in found["history"]) == (1, True)


@pytest.fixture
def long_ago(world: World) -> World:
    """A ledger that was kept and cosigned well, and ends two days ago."""
    folder = world.base / "then"
    begun = moment(-50)
    contract = Record("https://xspm.dev/predicates/contract/v1", begun, world.root, "acme")
    log = Log.create(world.ledger, SIGNER)
    log.append([encode_record(one) for one in (contract, Record("heartbeat", moment(-48)))])
    folder.mkdir()
    enroll_in(Disk(folder), [ORIGIN])
    asked = Witness(Disk(folder), Signer(WITNESS, private("witness").sign), [LOG], clock=lambda: seconds() - 48 * 3600)
    cosign(world, asked)
    return world


def test_an_entry_is_put_into_the_time_before_it_was_looked_for(
    long_ago: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """An entry of today is dated into the gap before the reader's last look, and the witness cosigns that it only grew."""
    log = Log(Disk(long_ago.ledger), SIGNER)
    write_checkpoint(long_ago, log.checkpoint().checkpoint)
    with witness(tmp_path / "memory") as url:
        long_ago.url = url
        assert long_ago.append(long_ago.folder).code == 0, "nothing new: the witness cosigns what is there"
        assert "backdated" not in long_ago.audit()[1]
        long_ago.behind(Record("heartbeat", moment(-30)))
        assert long_ago.append(long_ago.folder).code == 0
        code, found = long_ago.audit()
        assert (code, "was not among the 2 entries that were cosigned at" in found["backdated"]) == (1, True)
        monkeypatch.setenv("HOME", str(tmp_path / "somebody else"))
        found = long_ago.audit()[1]
        assert "backdated" not in found, "who never looked before cannot tell which"
        assert "3 entries from 0 to 2 say" in found["unwitnessed"], "only that no witness vouches for any"


def cosign(world: World, asked: Witness) -> None:
    log = Log(Disk(world.ledger), SIGNER)
    current = log.checkpoint()
    old = asked.latest(ORIGIN)
    size = old.checkpoint.size if old else 0
    proof = tuple(log.tiles(current.checkpoint.size).consistency_proof(size))
    answer = asked.add_checkpoint(Request(size, proof, current.note.encode()).encode())
    assert answer.status == 200, answer
    assert log.cosign(current.note.text, decode_lines(answer.body), [WITNESS])


def test_the_ledger_falls_silent(long_ago: World) -> None:
    """Nothing is written any more: the heartbeat that is due is missing, and that is a finding."""
    code, found = long_ago.audit()
    assert (code, list(found)) == (1, ["silence"])
    outcome = said(long_ago.under("ledger", "verify", str(long_ago.ledger)))
    assert "the contract allows 24 h" in outcome
    assert "no witness has cosigned for 48 h" in outcome


def test_an_old_ledger_is_frozen_for_a_new_reader(long_ago: World, tmp_path: Path) -> None:
    """A reader who knows nothing is served a ledger of two days ago: its last cosignature is too old."""
    with witness(tmp_path / "memory") as url:
        frozen = tmp_path / "frozen"
        shutil.copytree(long_ago.ledger, frozen)
        long_ago.url = url
        assert long_ago.heartbeat().code == 0
    code, found = long_ago.audit(of=frozen)
    assert (code, list(found)) == (1, ["silence"])


def test_a_heartbeat_is_made_up_for_the_time_of_silence(long_ago: World) -> None:
    """The silence is filled afterwards with heartbeats that say they are from then: nobody cosigned them then."""
    for hours in (-40, -20):
        long_ago.behind(Record("heartbeat", moment(hours)))
    code, found = long_ago.audit()
    assert (code, list(found)) == (1, ["quorum", "unwitnessed"])
    assert "3 entries from 0 to 2 say" in found["unwitnessed"]


def test_an_entry_is_back_dated(kept: World) -> None:
    """An entry says that it was written before the one that it stands after."""
    kept.behind(Record("heartbeat", moment(-100)))
    assert kept.heartbeat().code == 0
    code, found = kept.audit()
    assert (code, "it was back-dated" in found["backdated"]) == (1, True)


def test_an_entry_is_dated_into_the_future(kept: World) -> None:
    """A heartbeat is written in advance, so that nobody misses one for a year."""
    kept.behind(Record("heartbeat", moment(24 * 365)))
    code, found = kept.audit()
    assert (code, "and now is " in found["backdated"]) == (1, True)


def test_entries_that_are_none(kept: World) -> None:
    """Entries that no reader understands are put between the others."""
    log = Log(Disk(kept.ledger), SIGNER)
    log.append([b'{"at":"2026-01-01T00:00:00Z","kind":"heartbeat","note":"x"}', b"\xff", b"[" * 60_000])
    outcome = kept.heartbeat()
    assert outcome.code == 0
    code, found = kept.audit()
    assert (code, "no entry of a ledger" in found["entry"]) == (1, True)


def test_a_server_that_answers_otherwise_each_time(known: World) -> None:
    """A server gives the honest checkpoint to some requests and a signed other one to the rest."""
    honest = (known.ledger / "checkpoint").read_bytes()
    write_checkpoint(known, Checkpoint(ORIGIN, 3, b"\x02" * 32))
    other = (known.ledger / "checkpoint").read_bytes()
    with served(known.ledger, [honest, other]) as url:
        assert known.under("ledger", "verify", url).code == 0, "it was the honest one that was audited and remembered"
    with served(known.ledger, [other, honest]) as url:
        outcome = known.under("ledger", "verify", url)
    assert (outcome.code, "rolled back" in said(outcome)) == (1, True)
    (known.ledger / "checkpoint").write_bytes(honest)
    assert known.audit() == (0, {}), "and the other one was not remembered"


class served:  # noqa: N801 - reads as what it does
    """A ledger's files over HTTP, with checkpoints by turns."""

    def __init__(self, folder: Path, checkpoints: list[bytes]) -> None:
        turns = iter(checkpoints * 50)

        class Handler(http.server.SimpleHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path != "/checkpoint":
                    super().do_GET()
                    return
                data = next(turns)
                self.send_response(200)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
                pass

        make = functools.partial(Handler, directory=str(folder))
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), make)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> str:
        self._thread.start()
        return f"http://127.0.0.1:{self._server.server_port}"

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
