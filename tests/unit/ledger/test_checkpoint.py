"""Checkpoints: the example of the specification, strict reading, and whose word they are."""

from __future__ import annotations

import json
from base64 import b64encode
from pathlib import Path

import pytest

from logbook import ORIGIN, signer, witness_signer
from xspm.errors import LedgerError
from xspm.ledger.checkpoint import Checkpoint, open_checkpoint, parse_size
from xspm.ledger.note import Note, sign
from xspm.ledger.tree import EMPTY_ROOT

VECTORS = json.loads((Path(__file__).parents[2] / "data" / "ledger" / "notes.json").read_text())
ROOT = b64encode(bytes(range(32))).decode()


def test_the_example_of_the_specification() -> None:
    example = VECTORS["cosigned_checkpoint"]
    text = Note.parse(example["note"].encode()).text
    read = Checkpoint.parse(text)
    assert (read.origin, read.size) == (example["origin"], example["size"])
    assert read.text == text


def test_extension_lines_are_kept() -> None:
    text = f"o\n1\n{ROOT}\nmore\nand + more\n"
    assert Checkpoint.parse(text) == Checkpoint("o", 1, bytes(range(32)), ("more", "and + more"))
    assert Checkpoint.parse(text).text == text


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not a checkpoint"),
        (f"o\n1\n{ROOT}", "not a checkpoint"),
        ("o\n1\n", "not a checkpoint"),
        (f"\n1\n{ROOT}\n", "not a checkpoint"),
        (f"o\n1\n{ROOT}\n\n", "not a checkpoint"),
        (f"o\n1\n{ROOT}\n\nmore\n", "not a checkpoint"),
        (f"o\n1\n{ROOT[:-1]}\n", "not base64 of 32 bytes"),
        (f"o\n1\n{b64encode(bytes(31)).decode()}\n", "not base64 of 32 bytes"),
        (f"o\n1\n{b64encode(bytes(33)).decode()}\n", "not base64 of 32 bytes"),
        (f"o\n01\n{ROOT}\n", "not a tree size"),
        (f"o\n-1\n{ROOT}\n", "not a tree size"),
        (f"o\n+1\n{ROOT}\n", "not a tree size"),
        (f"o\n 1\n{ROOT}\n", "not a tree size"),
        (f"o\n1.0\n{ROOT}\n", "not a tree size"),
        (f"o\n\u0661\n{ROOT}\n", "not a tree size"),
        (f"o\n9223372036854775808\n{ROOT}\n", "not a tree size"),
        (f"o\n{'9' * 10_000}\n{ROOT}\n", "not a tree size"),
    ],
)
def test_what_is_no_checkpoint(text: str, reason: str) -> None:
    with pytest.raises(LedgerError, match=reason):
        Checkpoint.parse(text)


def test_sizes() -> None:
    assert [parse_size(text) for text in ("0", "10", "9223372036854775807")] == [0, 10, 2**63 - 1]


def test_the_empty_tree_has_one_root() -> None:
    assert Checkpoint("o", 0, EMPTY_ROOT).possible
    assert Checkpoint("o", 1, bytes(32)).possible
    assert not Checkpoint("o", 0, bytes(32)).possible


def test_a_checkpoint_is_the_word_of_its_log() -> None:
    text = Checkpoint(ORIGIN, 0, EMPTY_ROOT).text
    witness, foreign = witness_signer(1), signer("example.org/other", seed=9)
    data = Note(text, (sign(text, signer()), sign(text, witness, 7), sign(text, foreign))).encode()
    opened = open_checkpoint(data, [signer().key, witness.key])
    assert [(found.key.name, found.time) for found in opened.verified] == [(ORIGIN, None), (witness.key.name, 7)]
    for keys in ([], [witness.key], [foreign.key], [witness.key, foreign.key]):
        with pytest.raises(LedgerError, match="not signed by a known key of that log"):
            open_checkpoint(data, keys)
