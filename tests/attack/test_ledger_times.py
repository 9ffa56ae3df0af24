"""The attacker holds the ledger's key, and sometimes a witness's or a scanner's, and plays with what was when.

They date back with a witness who is honest and asked too late, make a reader forget what it saw, keep a version of the
contract from a reader, and let a reader wait for ever.
"""

from __future__ import annotations

import base64
import contextlib
import shutil
import socket
import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from attack.stolen import forge
from attack.world import LOG, ORIGIN, WITNESS, moment, said, witness
from commandline import assert_refused
from parties import private
from xspm.app.ledger import envelope_record
from xspm.contract.folder import version_path
from xspm.contract.statement import CONTRACT
from xspm.ledger import remote
from xspm.ledger.checkpoint import Checkpoint
from xspm.ledger.files import Disk
from xspm.ledger.log import Log
from xspm.ledger.note import Note, Signer, sign
from xspm.ledger.records import Record, decode_record, encode_record

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from attack.world import World

SIGNER = Signer(LOG, private("log").sign)
STOLEN = Signer(WITNESS, private("witness").sign)
"""The witness's key, where the attacker has it too."""


def contract(world: World, hours: float) -> Record:
    return Record(CONTRACT, moment(hours), world.root, "acme")


def cosigned(log: Log, hours: float = 0, root: bytes | None = None) -> str:
    """The checkpoint in force as the witness cosigned it at some time, or one of another root."""
    now = log.checkpoint().checkpoint
    text = Checkpoint(ORIGIN, now.size, root or now.root).text
    return Note(text, (sign(text, STOLEN, int(time.time() + hours * 3600)),)).encode().decode()


def entries(folder: Path) -> list[Record]:
    log = Log(Disk(folder), SIGNER)
    return [decode_record(entry) for entry in log.tiles(log.checkpoint().checkpoint.size).entries()]


# What a reader remembers


def test_a_reader_is_made_to_forget_in_two_steps(watched: World, tmp_path: Path) -> None:
    """A fork is served first without its tiles, so that nothing can be compared, and then whole."""
    for _ in range(3):
        assert watched.heartbeat().code == 0
    assert watched.audit() == (0, {})
    fork = tmp_path / "fork"
    log = Log.create(fork, SIGNER)
    log.append([encode_record(one) for one in (contract(watched, 0), *[Record("heartbeat", moment())] * 30)])
    text = log.checkpoint().note.text
    log.cosign(text, [sign(text, STOLEN, int(time.time()))], [WITNESS])
    shutil.move(fork / "tile", tmp_path / "tile")
    code, found = watched.audit(of=fork)
    assert (code, list(found)) == (1, ["missing", "unlogged"])
    shutil.move(tmp_path / "tile", fork / "tile")
    code, found = watched.audit(of=fork)
    assert (code, "forked: the first " in found["history"]) == (1, True)
    assert watched.audit() == (0, {}), "the ledger that it knows is still the one that it knows"


# When something was there


def two_weeks(world: World, *then: Record) -> None:
    """A ledger written today, with the time of each entry made up; the honest witness is asked once, now."""
    shutil.rmtree(world.ledger, ignore_errors=True)
    days = [Record("heartbeat", moment(hours)) for hours in range(-24 * 14 + 20, 0, 20)]
    made = sorted([*days, *then], key=lambda record: record.at)
    Log.create(world.ledger, SIGNER).append([encode_record(one) for one in (contract(world, -24 * 14), *made)])
    world.append(world.folder)


def test_a_ledger_is_made_up_and_shown_to_an_honest_witness(world: World, tmp_path: Path) -> None:
    """Scanner and ledger write two weeks of history in a minute; the witness cosigns, once, that it grew from nothing."""
    made = world.signed()

    def earlier(one: Any) -> None:
        one["collected_at"] = moment(-24 * 8)

    forge(made, evidence=earlier, both=earlier)
    records = [envelope_record(path, moment(-24 * 8)) for path in sorted(made.glob("*.dsse.json"))]
    with witness(tmp_path / "memory") as url:
        world.url = url
        two_weeks(world, *records)
    code, found = world.audit()
    assert (code, list(found)) == (1, ["unwitnessed"])
    assert "entries from 0 to " in found["unwitnessed"]
    assert "is not sure to have been written down before " in world.differs("--ledger", str(world.ledger), of=made)


def weeks(world: World, *, forget: bool = False, root: bytes | None = None) -> None:
    """A ledger kept and cosigned day by day; perhaps without the cosignatures of then, or with one over another tree."""
    log = Log.create(world.ledger, SIGNER)
    log.append([encode_record(contract(world, -60))])
    for hours in (-40, -20, 0):
        kept = [] if forget else [Record("witnessed", moment(hours), note=cosigned(log, hours - 20, root))]
        log.append([encode_record(one) for one in (*kept, Record("heartbeat", moment(hours)))])
    text = log.checkpoint().note.text
    log.cosign(text, [sign(text, STOLEN, int(time.time()))], [WITNESS])


def test_a_reader_who_comes_late_sees_when_the_witness_saw(world: World) -> None:
    """No attack: what the witness cosigned then is on the ledger, and vouches for the days before the reader came."""
    weeks(world)
    assert world.audit() == (0, {})


def test_cosignatures_of_then_are_left_out(world: World) -> None:
    """The same without them: nobody vouches for the days before the last cosignature."""
    weeks(world, forget=True)
    code, found = world.audit()
    assert (code, list(found)) == (1, ["unwitnessed"])
    assert "2 entries from 0 to 1 say " in found["unwitnessed"]


def test_cosignatures_of_another_tree_are_put_in(world: World) -> None:
    """The witness saw another history then: its cosignatures are shown for this one."""
    weeks(world, root=b"\x01" * 32)
    code, found = world.audit()
    assert (code, "holds a checkpoint of other entries before it" in found["history"]) == (1, True)


@pytest.mark.parametrize(
    "note",
    [
        pytest.param("no note", id="no note"),
        pytest.param("a.example/log\n1\n{root}\n\n— {witness} AAAAAAAAAAA=\n", id="of another log"),
        pytest.param("{origin}\n7\n{root}\n\n— {witness} AAAAAAAAAAA=\n", id="of another size"),
        pytest.param("{origin}\n1\n{root}\n\n— {witness} {id}\n", id="a signature that is none"),
    ],
)
def test_what_is_no_cosigned_checkpoint_is_kept_as_one(watched: World, note: str) -> None:
    """The operator writes down as cosigned what the witness never cosigned."""
    held = {
        "origin": ORIGIN,
        "root": base64.b64encode(bytes(32)).decode(),
        "witness": WITNESS.name,
        "id": base64.b64encode(WITNESS.id + bytes(72)).decode(),
    }
    watched.behind(Record("witnessed", moment(), note=note.format(**held)))
    code, found = watched.audit()
    assert (code, "entry" in found) == (1, True)


def test_a_clock_that_was_set_back_writes_nothing(watched: World) -> None:
    """An honest operator's clock is set back: nothing is written that would look back-dated for ever."""
    watched.behind(Record("heartbeat", moment(1)))
    assert_refused(watched.heartbeat(), "an entry would be back-dated")
    assert entries(watched.ledger)[-1].kind == "heartbeat"
    assert len(entries(watched.ledger)) == 2


def test_a_clock_that_is_a_little_behind_is_no_finding(watched: World) -> None:
    """Two machines write by turns, and the clock of one is two minutes behind."""
    watched.behind(Record("heartbeat", moment(2 / 60)))
    assert watched.heartbeat().code == 0
    times = [record.at for record in entries(watched.ledger)]
    assert times == sorted(times)
    assert watched.audit() == (0, {})


# A version of the contract that a reader is not to know


def test_a_result_after_a_version_that_is_withheld(world: World, tmp_path: Path) -> None:
    """A stricter version was accepted and logged; the reader gets the contract without it, and a result made after."""
    made = world.signed()
    second = world.amend()
    log = Log.create(world.ledger, SIGNER)
    later = Record(CONTRACT, moment(-0.5), second.digest, "acme")
    log.append([encode_record(one) for one in (contract(world, -1), later)])
    with witness(tmp_path / "memory") as url:
        world.url = url
        assert world.append(world.results).code == 0
    version_path(world.folder, "versions", 2).unlink()
    world.newcomer()
    assert world.verify(of=made).code == 0, "by itself: who could know"
    found = world.differs("--ledger", str(world.ledger), "--current", of=made)
    assert f"a version of the contract that is not at hand, {second.digest}, was written down at " in found


# A server that never ends


@contextlib.contextmanager
def dripping() -> Iterator[str]:
    """A server that sends a byte now and then, and never the last."""
    done = threading.Event()

    def drip(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
            while not done.wait(0.05):
                connection.sendall(b"a")

    def accept(listening: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=drip, args=(listening.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=accept, args=(listening,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            done.set()
            listening.shutdown(socket.SHUT_RDWR)


def test_a_server_that_drips(watched: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The ledger is served a byte at a time, so that the audit never ends: a file has its time, and it is over."""
    monkeypatch.setattr("xspm.app.ledger_audit.reader", partial(remote.reader, timeout=0.3))
    with dripping() as url:
        outcome = watched.under("ledger", "verify", f"{url}/")
    assert_refused(outcome, "no answer within 0.3 s")
    assert "//checkpoint" not in said(outcome)
