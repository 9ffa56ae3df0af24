"""By when entries were there, as witnesses say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logbook import ORIGIN, signer, witness_signer
from xspm.errors import LedgerError
from xspm.ledger.checkpoint import Checkpoint
from xspm.ledger.note import Note, Verified, sign
from xspm.ledger.witnessed import Seen, Watch, keep, read, times

KEYS = tuple(witness_signer(number).key for number in (1, 2, 3))
ONE, TWO = Watch(KEYS, 1), Watch(KEYS, 2)


def seen(size: int, *by: tuple[int, int]) -> Seen:
    return Seen(size, tuple(Verified(KEYS[number], time) for number, time in by))


@pytest.mark.parametrize(
    ("notes", "watches", "expected"),
    [
        pytest.param([], [ONE], [None] * 4, id="nobody"),
        pytest.param([seen(2, (0, 10)), seen(3, (0, 20))], [ONE], [10, 10, 20, None], id="the first that covers it"),
        pytest.param([seen(3, (0, 20)), seen(2, (0, 10))], [ONE], [10, 10, 20, None], id="in any order"),
        pytest.param([seen(3, (0, 5)), seen(2, (0, 10))], [ONE], [5, 5, 5, None], id="a later one proves it too"),
        pytest.param([seen(4, (0, 10), (1, 30))], [TWO], [30] * 4, id="two are asked for, the later counts"),
        pytest.param([seen(4, (0, 10), (1, 30), (2, 20))], [TWO], [20] * 4, id="the earliest two of three"),
        pytest.param(
            [seen(4, (1, 30)), seen(2, (0, 10))], [TWO], [30, 30, None, None], id="from different checkpoints"
        ),
        pytest.param([seen(4, (0, 10), (0, 30))], [TWO], [None] * 4, id="one witness is not two"),
        pytest.param([seen(9, (0, 10))], [ONE], [10] * 4, id="more than there is"),
        pytest.param([seen(4, (0, 10))], [Watch((KEYS[1],), 1)], [None] * 4, id="a stranger"),
        pytest.param([seen(4, (0, 10))], [Watch(KEYS, 0)], [None] * 4, id="nobody is asked for"),
        pytest.param([seen(4, (0, 10), (1, 30))], [ONE, TWO], [10] * 4, id="the better of two contracts"),
    ],
)
def test_times(notes: list[Seen], watches: list[Watch], expected: list[int | None]) -> None:
    assert times(4, notes, watches) == expected


@given(
    st.lists(st.tuples(st.integers(0, 6), st.integers(0, 2), st.integers(0, 50)), max_size=8),
    st.integers(1, 3),
)
def test_times_are_those_of_the_definition(given_notes: list[tuple[int, int, int]], threshold: int) -> None:
    """For each entry: the earliest time of each witness over all that cover it, and of these the `threshold`-th."""
    expected = []
    for index in range(6):
        first = [
            min(own)
            for number in range(3)
            if (own := [time for size, by, time in given_notes if by == number and size > index])
        ]
        expected.append(sorted(first)[threshold - 1] if len(first) >= threshold else None)
    notes = [seen(size, (number, time)) for size, number, time in given_notes]
    assert times(6, notes, [Watch(KEYS, threshold)]) == expected


def note_of(size: int, *numbers: int) -> Note:
    text = Checkpoint(ORIGIN, size, bytes(32)).text
    return Note(text, (sign(text, signer()), *(sign(text, witness_signer(number), 10) for number in numbers)))


def test_what_is_kept_is_read_back() -> None:
    kept = keep(note_of(5, 1, 2), [TWO])
    assert ORIGIN in kept
    assert kept.count("— ") == 2, "the log's own signature says nothing more"
    checkpoint, found = read(kept, 5, ORIGIN, [TWO])
    assert (checkpoint.size, found.size, len(found.verified)) == (5, 5, 2)
    assert keep(note_of(5), [TWO]) == "", "nothing to keep"


@pytest.mark.parametrize(("index", "origin"), [(4, ORIGIN), (6, ORIGIN), (5, "example.org/other")])
def test_a_checkpoint_stands_right_behind_what_it_covers(index: int, origin: str) -> None:
    with pytest.raises(LedgerError, match="a checkpoint of 5 entries of"):
        read(keep(note_of(5, 1), [ONE]), index, origin, [ONE])
