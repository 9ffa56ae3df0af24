"""The ledger by its command line: an operator who writes, a witness who watches, a reader who audits."""

from __future__ import annotations

import contextlib
import functools
import http.server
import json
import shutil
import threading
from typing import TYPE_CHECKING, NamedTuple

import pytest

from commandline import call
from parties import keep, key_file, link, private, public, terms
from xspm.app.ledger import log_key, witness_key
from xspm.contract.terms import LedgerTerms
from xspm.ledger.files import Disk
from xspm.ledger.log import Log
from xspm.ledger.note import Key, Signer
from xspm.ledger.records import Record, encode_record
from xspm.ledger.witness import Witness, enroll
from xspm.ledger.witness_server import WitnessServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from xspm.contract.chain import Link

ORIGIN = "acme.example/xspm"
LOG = log_key(ORIGIN, public("log"))
WITNESS = witness_key("audit.example/witness", public("witness"))


class World(NamedTuple):
    """A contract with a ledger, and the ledger's operator."""

    folder: Path
    root: Link
    key: Path
    ledger: Path
    url: str

    def flags(self, *more: str) -> list[str]:
        return ["--contract", str(self.folder), "--root", self.root.digest, *more]

    def written(self) -> list[str]:
        return self.flags("--key", str(self.key), "--witness", f"audit={self.url}")

    def behind(self, *records: Record) -> None:
        """What the operator writes with their own tools."""
        log = Log(Disk(self.ledger), Signer(LOG, private("log").sign))
        log.append([encode_record(record) for record in records])


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    held = LedgerTerms(ORIGIN, LOG.vkey, "platform", {"audit": WITNESS.vkey})
    root = link(terms(ledger=held, expires="2099-12-31"), "alice", "bob", "dave")
    with witness(tmp_path / "memory") as url:
        yield World(keep(tmp_path / "contract", [root]), root, key_file(tmp_path, "log"), tmp_path / "ledger", url)


@contextlib.contextmanager
def witness(memory: Path) -> Iterator[str]:
    enroll(memory, [ORIGIN])
    server = WitnessServer(
        Witness(Disk(memory), Signer(WITNESS, private("witness").sign), [LOG]), report=lambda _line: None
    )
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.url
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def kept(world: World, capsys: pytest.CaptureFixture[str]) -> World:
    """A ledger with the contract on it."""
    begun = call(capsys, "ledger", "init", str(world.ledger), "--origin", ORIGIN, "--key", str(world.key))
    assert (begun.code, begun.out.strip()) == (0, LOG.vkey)
    done = call(capsys, "ledger", "append", str(world.ledger), str(world.folder), *world.written())
    assert (done.err, done.code) == ("", 0)
    assert "appended  contract/v1  acme\n1 new entry, 1 in all\ncosigned by the witness of audit" in done.out
    return world


def kinds(capsys: pytest.CaptureFixture[str], world: World, where: str | None = None) -> list[str]:
    """What an audit finds."""
    done = call(capsys, "ledger", "verify", where or str(world.ledger), *world.flags("--output", "json"))
    assert done.code == (1 if json.loads(done.out)["findings"] else 0)
    return [finding["kind"] for finding in json.loads(done.out)["findings"]]


def test_a_sound_ledger(kept: World, capsys: pytest.CaptureFixture[str]) -> None:
    shown = call(capsys, "ledger", "verify", str(kept.ledger), *kept.flags())
    assert shown.code == 0
    assert "entries    1, the last at 20" in shown.out
    assert "1 cosigned, 1 must" in shown.out
    assert shown.out.endswith("nothing was removed, edited, reordered, forked, back-dated or withheld\n")


def test_what_is_there_is_not_written_twice_and_a_heartbeat_is(kept: World, capsys: pytest.CaptureFixture[str]) -> None:
    again = call(capsys, "ledger", "append", str(kept.ledger), str(kept.folder), *kept.written())
    assert "0 new entries, 1 in all" in again.out
    beat = call(capsys, "ledger", "heartbeat", str(kept.ledger), *kept.written())
    assert "appended  witnessed\nappended  heartbeat\n2 new entries, 3 in all" in beat.out
    assert kinds(capsys, kept) == []


def test_a_ledger_is_read_over_http(kept: World, capsys: pytest.CaptureFixture[str]) -> None:
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(kept.ledger)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        url = f"http://127.0.0.1:{server.server_port}"
        assert kinds(capsys, kept, url) == []
        assert call(capsys, "ledger", "verify", f"{url}/none", *kept.flags()).code == 1
    finally:
        server.shutdown()
        server.server_close()


def test_without_the_witness_the_quorum_is_missing(kept: World, capsys: pytest.CaptureFixture[str]) -> None:
    call(capsys, "ledger", "heartbeat", str(kept.ledger), *kept.flags("--key", str(kept.key)))
    assert kinds(capsys, kept) == ["quorum"]


def test_a_witness_that_is_away_is_said(kept: World, capsys: pytest.CaptureFixture[str]) -> None:
    flags = kept.flags("--key", str(kept.key), "--witness", "audit=http://127.0.0.1:9")
    done = call(capsys, "ledger", "heartbeat", str(kept.ledger), *flags)
    assert (done.code, done.err.partition(":")[0]) == (1, "not cosigned")
    assert "2 new entries, 3 in all" in done.out


def test_silence_and_back_dating_are_found(kept: World, capsys: pytest.CaptureFixture[str]) -> None:
    kept.behind(Record("heartbeat", "2026-01-01T00:00:00Z"))
    assert kinds(capsys, kept) == ["quorum", "backdated", "silence", "unwitnessed"]


def test_an_entry_that_says_the_future_is_found(kept: World, capsys: pytest.CaptureFixture[str]) -> None:
    kept.behind(Record("heartbeat", "2098-01-01T00:00:00Z"))
    assert "backdated" in kinds(capsys, kept)


def test_a_rebuilt_ledger_is_found_by_the_reader_and_by_the_witness(
    kept: World, capsys: pytest.CaptureFixture[str]
) -> None:
    """An entry removed and the tree built anew, with the log's own key."""
    call(capsys, "ledger", "heartbeat", str(kept.ledger), *kept.written())
    assert kinds(capsys, kept) == []
    shutil.rmtree(kept.ledger)
    Log.create(kept.ledger, Signer(LOG, private("log").sign))
    done = call(capsys, "ledger", "append", str(kept.ledger), str(kept.folder), *kept.written())
    assert (done.code, "rolled back" in done.err) == (1, True)
    assert set(kinds(capsys, kept)) == {"quorum", "history"}


def test_a_fork_of_the_same_length_is_found(kept: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert kinds(capsys, kept) == []
    shutil.rmtree(kept.ledger)
    Log.create(kept.ledger, Signer(LOG, private("log").sign))
    kept.behind(Record("heartbeat", "2026-11-01T00:00:00Z"))
    done = call(capsys, "ledger", "heartbeat", str(kept.ledger), *kept.written())
    assert (done.code, "the witness refuses" in done.err) == (1, True)
    assert {"quorum", "history", "unlogged"} <= set(kinds(capsys, kept))


def test_a_version_that_is_on_the_ledger_and_not_at_hand_is_withheld(
    kept: World, capsys: pytest.CaptureFixture[str]
) -> None:
    kept.behind(
        Record(
            "https://xspm.dev/predicates/contract/v1",
            "2099-01-01T00:00:00Z",
            LOG_DIGEST,
            "acme",
            ("sha256:" + "0" * 64,),
        )
    )
    assert "withheld" in kinds(capsys, kept)


LOG_DIGEST = link(terms(name="other"), "alice").digest


def test_garbage_among_the_entries_is_found(kept: World, capsys: pytest.CaptureFixture[str]) -> None:
    Log(Disk(kept.ledger), Signer(LOG, private("log").sign)).append([b'{"kind": "heartbeat"}'])
    assert "entry" in kinds(capsys, kept)


def test_another_key_than_the_contracts_writes_nothing(
    kept: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = key_file(tmp_path, "mallory")
    done = call(capsys, "ledger", "heartbeat", str(kept.ledger), *kept.flags("--key", str(other)))
    assert (done.code, "the contract's ledger signs as" in done.err) == (2, True)
    assert kinds(capsys, kept) == []


def test_a_key_that_no_ledger_signs_with(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call(capsys, "key", "new", str(tmp_path / "p256"), "--type", "ecdsa-p256", "--no-passphrase")
    flags = ["--origin", ORIGIN, "--key", str(tmp_path / "p256")]
    done = call(capsys, "ledger", "init", str(tmp_path / "ledger"), *flags)
    assert (done.code, "sign with Ed25519, and this key is ecdsa-p256" in done.err) == (2, True)
    assert not (tmp_path / "ledger").exists()


def test_the_witness_of_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    held = ["--name", "audit.example/witness", "--key", str(key_file(tmp_path, "witness"))]
    shown = call(capsys, "witness", "key", *held)
    assert Key.parse(shown.out.strip()) == WITNESS
    assert call(capsys, "witness", "enroll", "memory", "--log", LOG.vkey).out == f"enrolled {ORIGIN}\n"
    assert call(capsys, "witness", "enroll", "memory", "--log", LOG.vkey).out.startswith("nothing new")
    refused = call(capsys, "witness", "run", "elsewhere", *held, "--log", LOG.vkey)
    assert (refused.code, "no memory" in refused.err) == (2, True)
    wrong = call(capsys, "witness", "run", "memory", *held, "--log", LOG.vkey, "--listen", "8088")
    assert (wrong.code, "not HOST:PORT" in wrong.err) == (2, True)
