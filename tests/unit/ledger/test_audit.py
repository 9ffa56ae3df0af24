"""An audit finds every edit, says where, and accepts what is whole."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logbook import ORIGIN, Memory, entry, signer, witness_signer
from xspm.errors import LedgerError
from xspm.ledger import audit as module
from xspm.ledger.audit import MAX_AHEAD, Difference, Trust, audit, beyond
from xspm.ledger.checkpoint import Checkpoint
from xspm.ledger.files import Disk
from xspm.ledger.log import Log
from xspm.ledger.note import Note, sign
from xspm.ledger.tiles import decode_bundle, encode_bundle, parse_path
from xspm.ledger.tree import EMPTY_ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from xspm.ledger.note import Key

TRUST = Trust((signer().key,))
WITNESSES = tuple(witness_signer(number).key for number in (1, 2, 3))


def write_log(folder: Path, count: int, text: str = "") -> Checkpoint:
    log = Log.create(folder, signer())
    log.append([entry(index) + text.encode() for index in range(count - 3)])
    return log.append([entry(index) + text.encode() for index in range(count - 3, count)]).checkpoint


def found(
    folder: Path, trust: Trust = TRUST, remembered: Checkpoint | None = None
) -> list[tuple[str, str, int | None]]:
    return [
        (one.kind, one.path, one.entry) for one in audit(Disk(folder).read, trust, remembered=remembered).differences
    ]


def resign(folder: Path, size: int, root: bytes, origin: str = ORIGIN) -> None:
    text = Checkpoint(origin, size, root).text
    (folder / "checkpoint").write_bytes(Note(text, (sign(text, signer()),)).encode())


@pytest.mark.parametrize("count", [3, 255, 256, 257, 600])
def test_a_whole_log_is_clean(tmp_path: Path, count: int) -> None:
    checkpoint = write_log(tmp_path, count)
    result = audit(Disk(tmp_path).read, TRUST)
    assert (result.clean, result.checkpoint, result.cosigned, result.omitted) == (True, checkpoint, (), 0)
    assert beyond(tmp_path, count) == []


def test_an_empty_log_is_clean(tmp_path: Path) -> None:
    Log.create(tmp_path, signer())
    assert audit(Disk(tmp_path).read, TRUST, remembered=Checkpoint(ORIGIN, 0, EMPTY_ROOT)).clean
    assert found(tmp_path, remembered=Checkpoint(ORIGIN, 0, bytes(32))) == [("history", "checkpoint", None)]


def edit(path: Path, change: Callable[[bytes], bytes]) -> None:
    path.write_bytes(change(path.read_bytes()))


def edit_entry(place: int, value: bytes) -> Callable[[bytes], bytes]:
    return lambda data: encode_bundle([value if i == place else one for i, one in enumerate(decode_bundle(data))])


def flip(place: int) -> Callable[[bytes], bytes]:
    return lambda data: data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


def swap(one: int, two: int) -> Callable[[bytes], bytes]:
    def change(data: bytes) -> bytes:
        entries = decode_bundle(data)
        entries[one], entries[two] = entries[two], entries[one]
        return encode_bundle(entries)

    return change


@pytest.mark.parametrize(
    ("path", "change", "expected"),
    [
        ("tile/entries/001", edit_entry(7, b"evil"), [("entry", "tile/0/001", 263), ("root", "checkpoint", None)]),
        (
            "tile/entries/002.p/88",
            edit_entry(87, b""),
            [("entry", "tile/0/002.p/88", 599), ("root", "checkpoint", None)],
        ),
        (
            "tile/entries/000",
            swap(3, 4),
            [("entry", "tile/0/000", 3), ("entry", "tile/0/000", 4), ("root", "checkpoint", None)],
        ),
        ("tile/0/001", flip(32 * 9), [("tile", "tile/0/001", 265)]),
        ("tile/0/002.p/88", flip(0), [("tile", "tile/0/002.p/88", 512)]),
        ("tile/1/000.p/2", flip(40), [("tile", "tile/1/000.p/2", None)]),
        ("tile/0/001", lambda data: data + b"x", [("tile", "tile/0/001", None)]),
        ("tile/1/000.p/2", lambda data: data[:40], [("tile", "tile/1/000.p/2", None)]),
        ("tile/entries/001", lambda data: data[:-1], [("missing", "tile/entries/001", 256)]),
        ("tile/entries/001", lambda data: data + b"\0\0", [("missing", "tile/entries/001", 256)]),
    ],
)
def test_an_edit_is_named_by_its_place(
    tmp_path: Path, path: str, change: Callable[[bytes], bytes], expected: list[tuple[str, str, int | None]]
) -> None:
    write_log(tmp_path, 600)
    edit(tmp_path / path, change)
    differences = found(tmp_path)
    # An edited entry changes the hashes above it, too: they follow.
    assert [one for one in differences if one in expected] == expected
    assert all(
        kind == "tile" and path.startswith("tile/1/")
        for kind, path, _ in differences
        if (kind, path, _) not in expected
    )


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("tile/entries/000", [("missing", "tile/entries/000", 0)]),
        ("tile/0/000", [("missing", "tile/0/000", None)]),
        ("tile/1/000.p/2", [("missing", "tile/1/000.p/2", None)]),
        ("checkpoint", [("checkpoint", "checkpoint", None)]),
    ],
)
def test_a_file_that_is_gone_is_named(tmp_path: Path, path: str, expected: list[tuple[str, str, int | None]]) -> None:
    write_log(tmp_path, 600)
    (tmp_path / path).unlink()
    assert found(tmp_path) == expected


def test_a_cut_log_says_from_where(tmp_path: Path) -> None:
    write_log(tmp_path, 600)
    for path in ("tile/entries/001", "tile/0/001"):
        (tmp_path / path).unlink()
    result = audit(Disk(tmp_path).read, TRUST).differences
    assert [one.kind for one in result] == ["missing", "missing"]
    assert result[1].message == "neither entries nor hashes: entries 256 to 599 cannot be checked"


def test_one_lost_entry_is_one_entry(tmp_path: Path) -> None:
    write_log(tmp_path, 257)
    shutil.rmtree(tmp_path / "tile/0/001.p")
    shutil.rmtree(tmp_path / "tile/entries/001.p")
    assert "entry 256 cannot" in audit(Disk(tmp_path).read, TRUST).differences[1].message


def test_a_checkpoint_of_a_huge_log_over_nothing_ends_at_once() -> None:
    text = Checkpoint(ORIGIN, 2**63 - 1, bytes(32)).text
    files = Memory()
    files.write("checkpoint", Note(text, (sign(text, signer()),)).encode())
    assert [one.kind for one in audit(files.read, TRUST).differences] == ["missing", "missing"]


def test_a_rebuilt_tree_has_another_root_than_was_signed(tmp_path: Path) -> None:
    """Entry and tiles edited to fit each other, under the old signature."""
    write_log(tmp_path / "log", 600)
    signed = (tmp_path / "log" / "checkpoint").read_bytes()
    shutil.rmtree(tmp_path / "log")
    write_log(tmp_path / "log", 600, "edited")
    (tmp_path / "log" / "checkpoint").write_bytes(signed)
    result = audit(Disk(tmp_path / "log").read, TRUST).differences
    assert [one.message for one in result] == [
        "the entries do not have the root that was signed; nor do the hash tiles"
    ]


def test_edited_entries_are_told_from_edited_tiles(tmp_path: Path) -> None:
    write_log(tmp_path, 100)
    edit(tmp_path / "tile/entries/000.p/100", edit_entry(5, b"evil"))
    messages = [one.message for one in audit(Disk(tmp_path).read, TRUST).differences]
    assert messages == [
        "entry 5 does not hash to what its tile says",
        "the entries do not have the root that was signed; the hash tiles do: entries were edited",
    ]
    shutil.rmtree(tmp_path / "tile/0")
    messages = [one.message for one in audit(Disk(tmp_path).read, TRUST).differences]
    assert messages == ["missing", "the entries do not have the root that was signed"]


def test_many_differences_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST", 10)
    write_log(tmp_path, 100)
    (tmp_path / "tile/0/000.p/100").write_bytes(bytes(3200))
    result = audit(Disk(tmp_path).read, TRUST)
    assert (len(result.differences), result.omitted, result.clean) == (10, 90, False)


# --- history ---


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 300, 512, 600])
def test_what_a_reader_remembers_is_confirmed(tmp_path: Path, size: int) -> None:
    write_log(tmp_path, 600)
    tiles = Log(Disk(tmp_path), signer()).tiles(600)
    root = Log.create(tmp_path / "early", signer()).append([entry(i) for i in range(size)]).checkpoint.root
    remembered = Checkpoint(ORIGIN, size, root)
    assert tiles.size == 600
    assert audit(Disk(tmp_path).read, TRUST, remembered=remembered).clean
    forked = Checkpoint(ORIGIN, size, bytes(32))
    (difference,) = audit(Disk(tmp_path).read, TRUST, remembered=forked).differences
    assert difference == Difference(
        "history", "checkpoint", f"forked: the first {size} entries are not those that were there when last seen"
    )


def test_a_log_that_was_rolled_back(tmp_path: Path) -> None:
    """Validly signed, whole, and shorter than last time."""
    remembered = write_log(tmp_path / "now", 600)
    write_log(tmp_path / "then", 500)
    (difference,) = audit(Disk(tmp_path / "then").read, TRUST, remembered=remembered).differences
    assert difference.message == "rolled back: 500 entries, but there were 600 when last seen"
    shutil.copy(tmp_path / "then" / "checkpoint", tmp_path / "now" / "checkpoint")
    # The files of the longer log are still there: this is how an operator sees it without a memory.
    assert {"tile/0/001", "tile/0/002.p/88", "tile/entries/001", "tile/entries/002.p/88"} <= set(
        beyond(tmp_path / "now", 500)
    )


def test_a_remembered_checkpoint_is_of_this_log(tmp_path: Path) -> None:
    write_log(tmp_path, 5)
    with pytest.raises(LedgerError, match="of another log"):
        audit(Disk(tmp_path).read, TRUST, remembered=Checkpoint("example.org/other", 1, bytes(32)))


def test_files_that_no_log_of_this_size_has(tmp_path: Path) -> None:
    write_log(tmp_path, 5)
    for path in ("tile/0/000", "tile/entries/001.p/3", "tile/1/000.p/1", "stray", "checkpoint.next"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(b"")
    assert beyond(tmp_path, 5) == ["checkpoint.next", "stray", "tile/0/000", "tile/1/000.p/1", "tile/entries/001.p/3"]


# --- signatures ---


def test_another_logs_checkpoint_or_key_is_no_checkpoint(tmp_path: Path) -> None:
    write_log(tmp_path, 5)
    for key in (signer("example.org/other").key, signer(seed=2).key, signer("example.org/other", seed=2).key):
        result = audit(Disk(tmp_path).read, Trust((key,)))
        assert (result.checkpoint, [one.kind for one in result.differences]) == (None, ["checkpoint"])


def cosigned(folder: Path, *times: tuple[int, int]) -> None:
    log = Log(Disk(folder), signer())
    text = log.checkpoint().note.text
    log.cosign(text, [sign(text, witness_signer(number), time) for number, time in times], WITNESSES)


def test_the_quorum(tmp_path: Path) -> None:
    write_log(tmp_path, 5)
    quorum = Trust((signer().key,), WITNESSES, 2)
    (none,) = audit(Disk(tmp_path).read, quorum).differences
    assert (none.kind, none.message) == ("quorum", "cosigned by 0 witnesses, 2 must have")
    cosigned(tmp_path, (1, 50))
    (one,) = audit(Disk(tmp_path).read, quorum).differences
    assert one.message == "cosigned by 1 witnesses (witness.example/w1), 2 must have"
    cosigned(tmp_path, (3, 60))
    result = audit(Disk(tmp_path).read, quorum)
    assert result.clean
    assert [(seen.key.name, seen.time) for seen in result.cosigned] == [
        ("witness.example/w1", 50),
        ("witness.example/w3", 60),
    ]


def test_cosignatures_of_tomorrow_do_not_count(tmp_path: Path) -> None:
    write_log(tmp_path, 5)
    quorum = Trust((signer().key,), WITNESSES, 2)
    cosigned(tmp_path, (1, 1000), (2, 1000 + MAX_AHEAD + 1))
    assert [one.kind for one in audit(Disk(tmp_path).read, quorum, now=1000).differences] == ["quorum"]
    assert audit(Disk(tmp_path).read, quorum, now=1001).clean


def test_two_keys_of_one_witness_are_one_witness(tmp_path: Path) -> None:
    """A witness that changes its key must not become a quorum of its own."""
    write_log(tmp_path, 5)
    old, new = witness_signer(1), signer(witness_signer(1).key.name, 4, 77)
    log = Log(Disk(tmp_path), signer())
    text = log.checkpoint().note.text
    log.cosign(text, [sign(text, old, 5), sign(text, new, 5)], [old.key, new.key])
    with pytest.raises(LedgerError, match="2 witnesses are asked for, 1 are known"):
        Trust((signer().key,), (old.key, new.key), 2)
    quorum = Trust((signer().key,), (old.key, new.key, WITNESSES[1]), 2)
    assert [one.kind for one in audit(Disk(tmp_path).read, quorum).differences] == ["quorum"]


def test_a_spoilt_cosignature_spoils_the_checkpoint(tmp_path: Path) -> None:
    write_log(tmp_path, 5)
    cosigned(tmp_path, (1, 50))
    resigned = (tmp_path / "checkpoint").read_bytes()
    resign(tmp_path, 5, bytes(32))
    lines = resigned.split(b"\n")
    (tmp_path / "checkpoint").write_bytes((tmp_path / "checkpoint").read_bytes() + lines[-2] + b"\n")
    (difference,) = audit(Disk(tmp_path).read, Trust((signer().key,), WITNESSES, 0)).differences
    assert difference.message == "the signature by witness.example/w1 does not verify"


@pytest.mark.parametrize(
    ("log", "witnesses", "threshold", "reason"),
    [
        ((), (), 0, "one name"),
        ((signer().key, signer("b", seed=2).key), (), 0, "one name"),
        ((witness_signer(1).key,), (), 0, "kind 0x01"),
        ((signer().key,), (signer("b", seed=2).key,), 1, "kind 0x04"),
        ((signer().key,), (signer("w", 4, 1).key,), 1, "one and the same"),
        ((signer().key,), (WITNESSES[0], signer("w", 4, 101).key), 1, "one and the same"),
        ((signer().key,), WITNESSES, 4, "4 witnesses are asked for, 3 are known"),
        ((signer().key,), WITNESSES, -1, "-1 witnesses"),
    ],
)
def test_trust_that_makes_no_sense(log: Sequence[Key], witnesses: Sequence[Key], threshold: int, reason: str) -> None:
    with pytest.raises(LedgerError, match=reason):
        Trust(tuple(log), tuple(witnesses), threshold)


# --- any edit at all ---

WHOLE = Memory()
Log(WHOLE, signer()).begin()
Log(WHOLE, signer()).append([entry(index) for index in range(300)])
PATHS = sorted(path for path, file in WHOLE._names.items() if file is not None and path != "checkpoint.next")


@given(st.sampled_from(PATHS), st.data())
def test_no_edit_of_one_file_goes_unseen(path: str, data: st.DataObject) -> None:
    original = WHOLE.read(path, 10**6) or b""
    place = data.draw(st.integers(0, len(original) - 1))
    edited = data.draw(
        st.sampled_from(
            [flip(place)(original), original[:place], original + b"\0", original[:place] + b"x" + original[place:]]
        )
    )
    read = lambda name, most: edited if name == path else WHOLE.read(name, most)  # noqa: E731
    result = audit(read, TRUST)
    assert not result.clean
    assert parse_path(path) is None or any(
        one.path == path or one.kind in {"entry", "missing"} for one in result.differences
    )
