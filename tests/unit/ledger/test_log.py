"""What an append promised holds, wherever the process or the machine stops."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logbook import ORIGIN, Crash, Crashing, Memory, chance, entry, signer, witness_signer
from xspm.errors import LedgerError
from xspm.ledger.audit import Trust, audit, beyond
from xspm.ledger.checkpoint import Checkpoint, open_checkpoint
from xspm.ledger.files import Disk, Files
from xspm.ledger.log import Log
from xspm.ledger.note import Note, sign
from xspm.ledger.tiles import MAX_ENTRY_BYTES, Tiles, encode_bundle
from xspm.ledger.tree import EMPTY_ROOT, leaf_hash, verify_consistency, verify_inclusion

TRUST = Trust((signer().key,))


def entries(first: int, count: int) -> list[bytes]:
    return [entry(index) for index in range(first, first + count)]


def log_in(files: Files) -> Log:
    return Log(files, signer())


def holds(files: Files, at_least: int) -> int:
    """Audit a log whole; its entries are a beginning of those that tests append. Returns its size."""
    found = audit(files.read, TRUST)
    assert found.differences == ()
    assert found.checkpoint is not None
    size = found.checkpoint.size
    assert size >= at_least
    assert list(Tiles(files.read, size).entries()) == entries(0, size)
    return size


def test_begin_append_read(tmp_path: Path) -> None:
    log = Log.create(tmp_path / "new" / "log", signer())
    assert log.checkpoint().checkpoint == Checkpoint(ORIGIN, 0, EMPTY_ROOT)
    first = log.append(entries(0, 3))
    second = log.append(entries(3, 300))
    assert (first.first, first.checkpoint.size, second.first, second.checkpoint.size) == (0, 3, 3, 303)
    assert log.checkpoint().note.encode() == second.note
    tiles = log.tiles(303)
    root = second.checkpoint.root
    verify_inclusion(leaf_hash(entry(200)), 200, 303, tiles.inclusion_proof(200), root)
    verify_consistency(3, 303, first.checkpoint.root, root, tiles.consistency_proof(3))
    assert holds(Disk(tmp_path / "new" / "log"), 303) == 303
    names = {
        str(path.relative_to(tmp_path / "new" / "log"))
        for path in (tmp_path / "new" / "log").rglob("*")
        if path.is_file()
    }
    assert names == {
        ".lock",
        "checkpoint",
        "tile/0/000",
        "tile/0/001.p/47",
        "tile/1/000.p/1",
        "tile/entries/000",
        "tile/entries/001.p/47",
    }


def test_a_log_begins_once(tmp_path: Path) -> None:
    Log.create(tmp_path, signer()).append([b"x"])
    with pytest.raises(LedgerError, match="there is a log already"):
        Log.create(tmp_path, signer())
    (tmp_path / "checkpoint").unlink()
    with pytest.raises(LedgerError, match="what is left of one: tile"):
        Log.create(tmp_path, signer())
    with pytest.raises(LedgerError, match="no checkpoint"):
        log_in(Disk(tmp_path)).append([b"x"])


def test_nothing_appended_changes_nothing(tmp_path: Path) -> None:
    log = Log.create(tmp_path, signer())
    log.append(entries(0, 2))
    before = (tmp_path / "checkpoint").read_bytes()
    again = log.append([])
    assert (again.first, again.checkpoint.size, again.note) == (2, 2, before)


def test_entries_have_a_limit(tmp_path: Path) -> None:
    log = Log.create(tmp_path, signer())
    with pytest.raises(LedgerError, match="names by digest"):
        log.append([b"", bytes(MAX_ENTRY_BYTES + 1)])
    assert log.append([bytes(MAX_ENTRY_BYTES)]).checkpoint.size == 1


def test_a_log_signs_plainly(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="kind 0x01"):
        Log(Disk(tmp_path), witness_signer(1))


def test_a_full_log_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = Log.create(tmp_path, signer())
    monkeypatch.setattr("xspm.ledger.log.MAX_SIZE", 2)
    log.append(entries(0, 2))
    with pytest.raises(LedgerError, match="full"):
        log.append([b"x"])


@given(st.lists(st.integers(0, 300), max_size=8), st.data())
def test_any_batches_by_any_writers_make_one_log(batches: list[int], data: st.DataObject) -> None:
    files = Memory()
    writers = [log_in(files), log_in(files)]
    writers[0].begin()
    size = 0
    for batch in batches:
        writer = data.draw(st.sampled_from(writers))
        assert writer.append(entries(size, batch)).first == size
        size += batch
    assert holds(files, size) == size


def test_writers_in_threads_never_interleave(tmp_path: Path) -> None:
    Log.create(tmp_path, signer())
    firsts: list[int] = []

    def write() -> None:
        log = log_in(Disk(tmp_path, durable=False))
        firsts.extend(log.append([b"one", b"two"]).first for _ in range(20))

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(firsts) == list(range(0, 160, 2))
    assert list(Tiles(Disk(tmp_path).read, 160).entries()) == [b"one", b"two"] * 80
    assert audit(Disk(tmp_path).read, TRUST).clean


# --- crashes ---

BATCHES = ((0, 2), (3, 250), (250, 10), (255, 1), (250, 600), (511, 1))


def steps_of(before: int, batch: int) -> list[str]:
    files = Memory()
    log_in(files).begin()
    log_in(files).append(entries(0, before))
    counting = Crashing(files)
    log_in(counting).append(entries(before, batch))
    return counting.steps


@pytest.mark.parametrize(("before", "batch"), BATCHES)
@pytest.mark.parametrize("power", [False, True])
def test_a_crash_at_every_step_loses_nothing_acknowledged(before: int, batch: int, power: bool) -> None:  # noqa: FBT001
    steps = steps_of(before, batch)
    assert {step.partition(" ")[0] for step in steps} >= {"write", "sync", "sync_folder", "make_folder", "replace"}
    sizes = set()
    for step in range(len(steps)):
        for seed in range(4 if power else 1):
            files = Memory()
            log_in(files).begin()
            log_in(files).append(entries(0, before))
            with pytest.raises(Crash):
                log_in(Crashing(files, step)).append(entries(before, batch))
            if power:
                files.lose_power(chance(seed))
            size = holds(files, before)
            assert size in {before, before + batch}, steps[step]
            sizes.add(size)
            # The next writer goes on from what it finds, with other batches than the lost one.
            result = log_in(files).append([])
            assert result.first >= size
            log_in(files).append(entries(result.first, 5))
            assert holds(files, result.first + 5) == result.first + 5
    assert power or sizes == {before, before + batch}


@pytest.mark.parametrize("power", [False, True])
def test_a_crash_of_the_first_step_leaves_a_log_or_none(power: bool) -> None:  # noqa: FBT001
    for step in range(5):
        files = Memory()
        with contextlib.suppress(Crash):
            log_in(Crashing(files, step)).begin()
        if power:
            files.lose_power(chance(step))
        if not files.exists("checkpoint"):
            log_in(files).begin()
        assert log_in(files).append(entries(0, 3)).first == 0
        holds(files, 3)


def test_crash_after_crash_after_crash() -> None:
    """A log that survives many lives, each ended at some step, with power lost now and then."""
    choice = chance(7)
    files = Memory()
    log_in(files).begin()
    acknowledged = 0
    deaths = 0
    for _ in range(400):
        writer = log_in(Crashing(files, choice.randrange(60)))
        try:
            while True:
                first = writer.append([]).first
                batch = choice.choice([1, 2, 100, 300])
                acknowledged = first
                writer.append(entries(first, batch))
                acknowledged = first + batch
        except Crash:
            deaths += 1
        if choice.random() < 0.5:
            files.lose_power(choice)
        holds(files, acknowledged) if choice.random() < 0.1 else None
    assert deaths == 400
    assert holds(files, acknowledged) > 1000


def test_what_was_signed_is_never_signed_again_for_other_entries() -> None:
    """A reader may have seen a checkpoint that a crash then took away: it comes back, with its entries."""
    steps = steps_of(3, 4)
    step = steps.index("replace checkpoint")
    files = Memory()
    log_in(files).begin()
    log_in(files).append(entries(0, 3))
    with pytest.raises(Crash):
        log_in(Crashing(files, step)).append(entries(3, 4))
    seen = open_checkpoint(files.read("checkpoint.next", 10_000) or b"", [signer().key]).checkpoint
    assert log_in(files).append([b"other"] * 4).first == 7
    tiles = Tiles(files.read, 11)
    assert tiles.consistency_proof(7)
    verify_consistency(7, 11, seen.root, tiles.root(), tiles.consistency_proof(7))


@pytest.mark.parametrize(("before", "batch"), [(3, 4), (250, 600)])
def test_a_failed_step_can_be_tried_again_by_the_same_writer(before: int, batch: int) -> None:
    """A full disk, say: the writer's memory must not run ahead of its disk."""
    for step in range(len(steps_of(before, batch))):
        files = Memory()
        writer = Crashing(files, error=True)
        log = log_in(writer)
        log.begin()
        log.append(entries(0, before))
        writer.fail_at(step)
        with contextlib.suppress(LedgerError):  # the last steps only tidy, and their failure does not matter
            log.append(entries(before, batch))
        writer.fail_at(-1)
        first = log.append([]).first
        assert first in {before, before + batch}
        log.append(entries(first, batch))
        assert holds(files, first + batch) == first + batch


# --- what is found on the disk ---


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    Log.create(tmp_path, signer()).append(entries(0, 5))
    return tmp_path


def test_torn_and_older_checkpoints_in_waiting_are_nothing(folder: Path) -> None:
    new = (folder / "checkpoint").read_bytes()
    older = Checkpoint(ORIGIN, 0, EMPTY_ROOT).text
    for waiting in (b"", new[: len(new) // 2], Note(older, (sign(older, signer()),)).encode()):
        (folder / "checkpoint.next").write_bytes(waiting)
        assert log_in(Disk(folder)).append([]).first == 5


def test_a_checkpoint_in_waiting_over_nothing_is_refused(folder: Path) -> None:
    for text in (Checkpoint(ORIGIN, 5, bytes(32)).text, Checkpoint(ORIGIN, 6, bytes(32)).text):
        (folder / "checkpoint.next").write_bytes(Note(text, (sign(text, signer()),)).encode())
        with pytest.raises(LedgerError):
            log_in(Disk(folder)).append([b"x"])


def test_a_checkpoint_in_waiting_of_another_history_is_refused(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = tmp_path_factory.mktemp("other")
    Log.create(other, signer()).append([b"fork"] * 6)
    shutil.copy(other / "checkpoint", folder / "checkpoint.next")
    shutil.copytree(other / "tile", folder / "tile", dirs_exist_ok=True)
    with pytest.raises(LedgerError, match="not after those of checkpoint"):
        log_in(Disk(folder)).append([b"x"])


@pytest.mark.parametrize(
    ("path", "data", "reason"),
    [
        ("tile/0/000.p/5", bytes(160), "do not have the root"),
        ("tile/0/000.p/5", bytes(10), "10 bytes, not 5 hashes"),
        ("tile/entries/000.p/5", encode_bundle([b"x", *entries(1, 4)]), "entry 0 does not hash"),
        ("tile/entries/000.p/5", encode_bundle([*entries(0, 4), b"x"]), "entry 4 does not hash"),
        ("tile/entries/000.p/5", b"", "0 entries, not 5"),
        ("checkpoint", b"", "without an empty line"),
    ],
)
def test_nothing_is_appended_to_a_log_that_was_edited(folder: Path, path: str, data: bytes, reason: str) -> None:
    (folder / path).write_bytes(data)
    with pytest.raises(LedgerError, match=reason):
        log_in(Disk(folder)).append([b"x"])


def test_another_log_or_key_is_refused(folder: Path) -> None:
    for other in (signer("example.org/other"), signer(seed=2)):
        with pytest.raises(LedgerError, match="not signed by a known key"):
            Log(Disk(folder), other).append([b"x"])


@pytest.mark.parametrize("torn", ["whole", "half", "empty", "zeroes", "tail of zeroes"])
@pytest.mark.parametrize("path", ["tile/entries/000.p/7", "tile/0/000.p/7"])
def test_leftovers_of_a_crash_are_overwritten(folder: Path, path: str, torn: str) -> None:
    shutil.copytree(folder, folder / "copy")
    Log(Disk(folder / "copy"), signer()).append([b"lost", b"lost"])
    left = (folder / "copy" / path).read_bytes()
    shutil.rmtree(folder / "copy")
    half = len(left) // 2
    data = {
        "whole": left,
        "half": left[:half],
        "empty": b"",
        "zeroes": bytes(half),
        "tail of zeroes": left[:half] + bytes(half),
    }[torn]
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_bytes(data)
    assert beyond(folder, 5) == [path]
    log_in(Disk(folder)).append(entries(5, 2))
    holds(Disk(folder), 7)


@pytest.mark.parametrize(
    ("path", "data"),
    [("tile/entries/000.p/7", encode_bundle([b"fork"] * 7)), ("tile/0/000.p/7", b"\7" * 32 * 7)],
)
def test_leftovers_of_an_older_crash_are_too(folder: Path, path: str, data: bytes) -> None:
    """The log has grown since by other entries: what was never promised cannot contradict it."""
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_bytes(data)
    log_in(Disk(folder)).append(entries(5, 2))
    holds(Disk(folder), 7)


@pytest.mark.parametrize(("before", "batch"), [(252, 9), (250, 600), (3, 4)])
@pytest.mark.parametrize("power", [False, True])
def test_a_crash_at_every_step_lets_other_entries_follow(before: int, batch: int, power: bool) -> None:  # noqa: FBT001
    """Who retries has something else to write, in batches of any size, up to and over the end of a tile."""
    for step in range(len(steps_of(before, batch))):
        files = Memory()
        log_in(files).begin()
        log_in(files).append(entries(0, before))
        with pytest.raises(Crash):
            log_in(Crashing(files, step)).append([b"lost"] * batch)
        if power:
            files.lose_power(chance(step))
        first = log_in(files).append([]).first
        written = [*entries(0, before), *[b"lost"] * (first - before)]
        for count in (1, 1, 2, batch):
            more = [f"other {len(written)}".encode()] * count
            assert log_in(files).append(more).first == len(written)
            written += more
        assert audit(files.read, TRUST).differences == ()
        assert list(Tiles(files.read, len(written)).entries()) == written


# --- cosignatures ---


def test_cosignatures_are_put_into_the_checkpoint(folder: Path) -> None:
    log = log_in(Disk(folder))
    one, two, stranger = witness_signer(1), witness_signer(2), witness_signer(3)
    text = log.checkpoint().note.text
    taken = log.cosign(text, [sign(text, one, 10), sign(text, stranger, 10)], [one.key, two.key])
    assert [(found.key.name, found.time) for found in taken] == [("witness.example/w1", 10)]
    log.cosign(text, [sign(text, two, 11)], [one.key, two.key])
    log.cosign(text, [sign(text, one, 12)], [one.key])
    opened = open_checkpoint((folder / "checkpoint").read_bytes(), [signer().key, one.key, two.key, stranger.key])
    assert [(found.key.name, found.time) for found in opened.verified] == [
        (ORIGIN, None),
        ("witness.example/w1", 10),
        ("witness.example/w2", 11),
    ]
    assert log.append([b"x"]).first == 5


def test_cosignatures_of_what_is_no_longer_so_are_left(folder: Path) -> None:
    log = log_in(Disk(folder))
    text = log.checkpoint().note.text
    log.append([b"x"])
    assert log.cosign(text, [sign(text, witness_signer(1), 10)], [witness_signer(1).key]) == ()
    now = log.checkpoint().note.text
    with pytest.raises(LedgerError, match="does not verify"):
        log.cosign(now, [sign(text, witness_signer(1), 10)], [witness_signer(1).key])
    assert len(log.checkpoint().note.signatures) == 1


# --- real processes, killed ---

CHILD = """
import sys
sys.path[:0] = sys.argv[2:]
from logbook import entry, signer
from xspm.ledger.files import Disk
from xspm.ledger.log import Log
log = Log(Disk(sys.argv[1]), signer())
first = log.append([]).first
while True:
    for batch in (1, 7, 300, 2):
        log.append([entry(index) for index in range(first, first + batch)])
        first += batch
        sys.stdout.write(f"{first}\\n")
        sys.stdout.flush()
"""


def test_killed_at_random_moments(tmp_path: Path) -> None:
    Log.create(tmp_path, signer())
    choice = chance(11)
    root = Path(__file__).parents[3]
    acknowledged = 0
    for _ in range(12):
        with subprocess.Popen(
            [sys.executable, "-c", CHILD, str(tmp_path), str(root / "tests"), str(root / "src")],
            stdout=subprocess.PIPE,
            text=True,
        ) as child:
            assert child.stdout is not None
            child.stdout.readline()
            time.sleep(choice.random() * 0.1)
            os.kill(child.pid, signal.SIGKILL)
            lines = [line for line in child.stdout.read().split("\n")[:-1] if line]
        assert child.returncode == -signal.SIGKILL
        acknowledged = int(lines[-1]) if lines else acknowledged
        holds(Disk(tmp_path), acknowledged)
    assert acknowledged > 0
