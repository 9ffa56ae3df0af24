"""A witness signs one history per log, whatever is asked of it, in whatever order, wherever it stops."""

from __future__ import annotations

import json
import threading
from base64 import b64encode
from http import HTTPStatus
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logbook import ORIGIN, Crash, Crashing, Memory, chance, entry, signer, witness_signer
from xspm.errors import LedgerError
from xspm.ledger.checkpoint import Checkpoint
from xspm.ledger.files import Disk, Files
from xspm.ledger.note import COSIGNED, Note, Signer, decode_lines, sign, verify
from xspm.ledger.tree import EMPTY_ROOT, consistency_proof, in_memory, leaf_hash, root
from xspm.ledger.witness import (
    MAX_REQUEST_BYTES,
    SIZE_TYPE,
    Answer,
    Request,
    Witness,
    enroll,
    enroll_in,
    state_path,
)

VECTORS = json.loads((Path(__file__).parents[2] / "data" / "ledger" / "notes.json").read_text())
NODES = in_memory([leaf_hash(entry(index)) for index in range(100)])
FORK = in_memory([leaf_hash(b"fork %d" % index) for index in range(100)])
OTHER = signer("example.org/other", seed=9)
W = witness_signer(1)


def witness_in(files: Files, time: int = 1000) -> Witness:
    enroll_in(files, [ORIGIN, OTHER.key.name])
    return Witness(files, W, [signer().key, OTHER.key], lambda: time)


def note_of(size: int, *, nodes: object = NODES, by: Signer | None = None, root_hash: bytes | None = None) -> bytes:
    by = by or signer()
    text = Checkpoint(by.key.name, size, root_hash or root(size, nodes)).text  # type: ignore[arg-type]
    return Note(text, (sign(text, by),)).encode()


def request(
    old: int, size: int, *, nodes: object = NODES, proof: list[bytes] | None = None, by: Signer | None = None
) -> bytes:
    if proof is None:
        proof = consistency_proof(old, size, nodes) if 0 < old <= size else []  # type: ignore[arg-type]
    return Request(old, tuple(proof), note_of(size, nodes=nodes, by=by)).encode()


def seen(answer: Answer) -> tuple[int, str]:
    return int(answer.status), answer.type


REFUSED = "text/plain; charset=utf-8"


def cosigned(answer: Answer, size: int, nodes: object = NODES, time: int = 1000) -> None:
    assert answer.status == HTTPStatus.OK, answer.body
    note = Note.parse(note_of(size, nodes=nodes))
    lines = decode_lines(answer.body)
    assert [(found.key, found.time) for found in verify(Note(note.text, lines), [W.key])] == [(W.key, time)]


def test_the_request_of_the_specification() -> None:
    example = VECTORS["request"]
    parsed = Request.parse(example["body"].encode())
    assert (parsed.old, len(parsed.proof)) == (example["old"], example["proof_lines"])
    assert parsed.encode().decode() == example["body"]


def test_a_growing_log_is_cosigned() -> None:
    witness = witness_in(Memory())
    old = 0
    for size in (1, 2, 2, 7, 64, 100):
        cosigned(witness.add_checkpoint(request(old, size)), size)
        old = size
    latest = witness.latest(ORIGIN)
    assert latest is not None
    assert latest.checkpoint.size == 100
    assert [one.name for one in latest.note.signatures] == [ORIGIN, W.key.name]


def test_logs_are_told_apart() -> None:
    witness = witness_in(Memory())
    cosigned(witness.add_checkpoint(request(0, 5)), 5)
    other = witness.add_checkpoint(request(0, 3, nodes=FORK, by=OTHER))
    assert other.status == HTTPStatus.OK
    cosigned(witness.add_checkpoint(request(5, 6)), 6)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        # 400: malformed, or no growth
        (b"", 400),
        (b"old 5\n", 400),
        (b"old 5\n\n", 400),
        (request(5, 9).replace(b"old 5", b"old 05"), 400),
        (request(5, 9).replace(b"old 5", b"old -5"), 400),
        (request(5, 9).replace(b"old 5", b"old  5"), 400),
        (request(5, 9).replace(b"old 5", b"size 5"), 400),
        (request(5, 9).replace(b"old 5", b"old 5\r"), 400),
        (request(5, 9).replace(b"old 5", "old \u0665".encode()), 400),
        (request(5, 9, proof=[bytes(31)]), 400),
        (request(5, 9, proof=[bytes(33)]), 400),
        (request(5, 9, proof=[b""]), 400),
        (request(5, 9, proof=[bytes(32)] * 64), 400),
        (b"old 5\nnot base64\n\n" + note_of(9), 400),
        (b"old 5\n\nno checkpoint\n\n" + sign("x\n", signer()).line.encode(), 400),
        (request(5, 9) + b"x" * MAX_REQUEST_BYTES, 400),
        (request(9, 5), 400),
        (request(2**63 - 1, 5), 400),
        # 403: not by the log
        (request(5, 9).replace(b"\n9\n", b"\n8\n"), 403),
        (Request(5, (), note_of(9, by=signer(seed=2))).encode(), 403),
        (Request(5, (), note_of(9, by=Signer(signer(seed=2).key, signer(seed=2).sign))).encode(), 403),
        # 404: nobody's log
        (request(5, 9, by=signer("example.org/unknown", seed=3)), 404),
        (
            Request(
                5, (), b"two words\n9\n" + b64encode(bytes(32)) + b"\n\n" + sign("x\n", signer()).line.encode()
            ).encode(),
            404,
        ),
        # 409: not from where the witness is
        (request(0, 9), 409),
        (request(4, 9), 409),
        (request(6, 9), 409),
        # 422: no proof
        (request(5, 9, proof=[]), 422),
        (request(5, 9, proof=consistency_proof(5, 10, NODES)), 422),
        (request(5, 9, nodes=FORK), 422),
        (request(5, 9, proof=[*consistency_proof(5, 9, NODES), bytes(32)]), 422),
        (request(5, 9, proof=consistency_proof(5, 9, NODES)[:-1]), 422),
        (request(5, 5, proof=[bytes(32)]), 422),
    ],
)
def test_each_answer_of_the_specification(body: bytes, expected: int) -> None:
    files = Memory()
    witness = witness_in(files)
    witness.add_checkpoint(request(0, 5))
    before = files.read(state_path(ORIGIN), 10**6)
    answer = witness.add_checkpoint(body)
    assert seen(answer) == (expected, SIZE_TYPE if expected == 409 else REFUSED)
    assert answer.body.endswith(b"\n")
    if expected == 409:
        assert answer.body == b"5\n"
    assert files.read(state_path(ORIGIN), 10**6) == before
    cosigned(witness.add_checkpoint(request(5, 9)), 9)


def test_another_tree_of_the_same_size_is_a_conflict_without_a_size() -> None:
    """A log that was told a size would only ask again."""
    witness = witness_in(Memory())
    witness.add_checkpoint(request(0, 5))
    assert seen(witness.add_checkpoint(request(5, 5, nodes=FORK, proof=[]))) == (409, REFUSED)
    cosigned(witness.add_checkpoint(request(5, 5)), 5)


def test_from_nothing_no_proof_is_taken_and_the_empty_tree_is_empty() -> None:
    witness = witness_in(Memory())
    assert seen(witness.add_checkpoint(request(0, 5, proof=[bytes(32)]))) == (422, REFUSED)
    impossible = Request(0, (), note_of(0, root_hash=bytes(32))).encode()
    assert seen(witness.add_checkpoint(impossible)) == (422, REFUSED)
    cosigned(witness.add_checkpoint(request(0, 0)), 0)
    assert seen(witness.add_checkpoint(impossible)) == (409, REFUSED)
    cosigned(witness.add_checkpoint(request(0, 0)), 0)
    cosigned(witness.add_checkpoint(request(0, 7)), 7)


def test_a_log_may_have_two_keys_and_strangers_sign_too() -> None:
    files = Memory()
    enroll_in(files, [ORIGIN])
    new = signer(seed=2)
    witness = Witness(files, W, [signer().key, new.key], lambda: 1000)
    assert witness.add_checkpoint(request(0, 5, by=new)).status == HTTPStatus.OK
    text = Checkpoint(ORIGIN, 6, root(6, NODES)).text
    both = Note(text, (sign(text, OTHER), sign(text, signer()), sign(text, new))).encode()
    assert (
        witness.add_checkpoint(Request(5, tuple(consistency_proof(5, 6, NODES)), both).encode()).status == HTTPStatus.OK
    )
    latest = witness.latest(ORIGIN)
    assert latest is not None
    assert [one.name for one in latest.note.signatures] == [ORIGIN, ORIGIN, W.key.name]


def test_one_of_the_logs_signatures_that_does_not_verify_is_refused() -> None:
    witness = witness_in(Memory())
    text = Checkpoint(ORIGIN, 6, root(6, NODES)).text
    spoilt = Note(text, (sign("other\n", signer()),)).encode()
    assert witness.add_checkpoint(Request(0, (), spoilt).encode()).status == HTTPStatus.FORBIDDEN


# --- memory ---


def test_a_restart_forgets_nothing(tmp_path: Path) -> None:
    assert enroll(tmp_path, [ORIGIN, OTHER.key.name]) == [ORIGIN, OTHER.key.name]
    logs = [signer().key, OTHER.key]
    cosigned(Witness(Disk(tmp_path), W, logs, lambda: 1000).add_checkpoint(request(0, 5)), 5)
    assert enroll(tmp_path, [ORIGIN, "example.org/new"]) == ["example.org/new"]
    again = Witness(Disk(tmp_path), W, logs)
    assert seen(again.add_checkpoint(request(0, 3))) == (409, SIZE_TYPE)
    assert seen(again.add_checkpoint(request(5, 5, nodes=FORK, proof=[]))) == (409, REFUSED)
    assert again.add_checkpoint(request(5, 9)).status == HTTPStatus.OK


@pytest.mark.parametrize("harm", ["gone", "empty", "foreign", "unsigned", "other log"])
def test_a_witness_that_lost_its_memory_signs_nothing(tmp_path: Path, harm: str) -> None:
    enroll(tmp_path, [ORIGIN, OTHER.key.name])
    logs = [signer().key, OTHER.key]
    witness = Witness(Disk(tmp_path), W, logs, lambda: 1000)
    witness.add_checkpoint(request(0, 5))
    witness.add_checkpoint(request(0, 5, by=OTHER))
    path = tmp_path / state_path(ORIGIN)
    if harm == "gone":
        path.unlink()
    else:
        path.write_bytes(
            {
                "empty": b"",
                "foreign": b"what\n",
                "unsigned": note_of(2),
                "other log": (tmp_path / state_path(OTHER.key.name)).read_bytes(),
            }[harm]
        )
    with pytest.raises(LedgerError):
        witness.add_checkpoint(request(5, 9))
    with pytest.raises(LedgerError):
        Witness(Disk(tmp_path), W, logs)
    assert witness.add_checkpoint(request(5, 9, by=OTHER)).status == HTTPStatus.OK


def test_a_clock_that_goes_back_signs_nothing() -> None:
    files = Memory()
    cosigned(witness_in(files, 1000).add_checkpoint(request(0, 5)), 5)
    cosigned(witness_in(files, 1000).add_checkpoint(request(5, 6)), 6)
    with pytest.raises(LedgerError, match="clock"):
        witness_in(files, 999).add_checkpoint(request(6, 9))
    cosigned(witness_in(files, 1001).add_checkpoint(request(6, 9)), 9, time=1001)


def test_keys_are_of_their_kinds() -> None:
    files = Memory()
    enroll_in(files, [ORIGIN])
    for by, logs, reason in (
        (signer(seed=5), [signer().key], "makes no cosignatures"),
        (W, [witness_signer(2).key], "kind 0x01"),
        (signer("w", COSIGNED, 1), [signer().key], "one and the same"),
        (W, [signer().key, signer("example.org/again").key], "one and the same"),
        (W, [OTHER.key], "no memory of example.org/other"),
    ):
        with pytest.raises(LedgerError, match=reason):
            Witness(files, by, logs)


# --- crashes and races ---


@pytest.mark.parametrize("power", [False, True])
def test_a_crash_at_every_step_never_lets_two_histories_be_cosigned(power: bool) -> None:  # noqa: FBT001
    for step in range(6):
        for seed in range(6):
            files = Memory()
            witness_in(files).add_checkpoint(request(0, 5))
            broken = Witness(Crashing(files, step), W, [signer().key, OTHER.key], lambda: 1000)
            released = False
            try:
                broken.add_checkpoint(request(5, 9))
                released = True
            except Crash:
                pass
            if power:
                files.lose_power(chance(seed))
            again = witness_in(files)
            latest = again.latest(ORIGIN)
            assert latest is not None
            assert latest.checkpoint.size in ({9} if released else {5, 9})
            if released:
                assert again.add_checkpoint(request(5, 9, nodes=FORK)).status == HTTPStatus.CONFLICT
            size = latest.checkpoint.size
            cosigned(again.add_checkpoint(request(size, 20)), 20)


def test_requests_at_the_same_time_have_one_winner(tmp_path: Path) -> None:
    """Many threads, many witnesses on one memory: from each size exactly one next is cosigned."""
    enroll(tmp_path, [ORIGIN])
    start = threading.Barrier(8)
    answers: list[tuple[int, Answer]] = []

    def ask(number: int) -> None:
        witness = Witness(Disk(tmp_path, durable=False), W, [signer().key], lambda: 1000)
        start.wait()
        answers.append((number, witness.add_checkpoint(request(0, 10 + number))))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    winners = [number for number, answer in answers if answer.status == HTTPStatus.OK]
    assert len(winners) == 1
    expected = f"{10 + winners[0]}\n".encode()
    assert {answer.body for number, answer in answers if number not in winners} == {expected}


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30), st.booleans()), max_size=12))
def test_whatever_is_asked_what_is_cosigned_is_one_history(asked: list[tuple[int, int, bool]]) -> None:
    """The model: a list of sizes that only grows, of one tree."""
    witness = witness_in(Memory())
    history: list[tuple[int, bytes]] = [(0, EMPTY_ROOT)]
    for old, size, fork in asked:
        nodes = FORK if fork else NODES
        answer = witness.add_checkpoint(request(old, size, nodes=nodes))
        last, last_root = history[-1]
        grows = last == 0 or last_root == root(last, nodes)
        if answer.status == HTTPStatus.OK:
            assert (old, grows, size >= last) == (last, True, True)
            history.append((size, root(size, nodes)))
        else:
            assert old > size or old != last or not grows


@given(st.binary(max_size=200))
def test_no_request_crashes_the_witness(body: bytes) -> None:
    witness = witness_in(Memory())
    for candidate in (
        body,
        b"old " + body,
        b"old 0\n\n" + body,
        b"old 0\n\n" + body + b"\n\n" + sign("x\n", signer()).line.encode(),
    ):
        assert witness.add_checkpoint(candidate).status in {400, 403, 404}
