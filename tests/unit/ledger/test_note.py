"""Signed notes: the published examples, strict reading, and who counts as a signer."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logbook import signer, witness_signer
from xspm.errors import LedgerError
from xspm.ledger.ed25519 import Seed
from xspm.ledger.note import (
    COSIGNED,
    MAX_BYTES,
    MAX_SIGNATURES,
    SIGNED,
    Key,
    Note,
    Signature,
    Signer,
    decode_lines,
    from_base64,
    known,
    sign,
    verify,
)

VECTORS = json.loads((Path(__file__).parents[2] / "data" / "ledger" / "notes.json").read_text())
GO = VECTORS["go"]
PETER = Key.parse(GO["vkey"])
TEXT = "a\n"
LINE = sign(TEXT, signer()).line


def test_the_note_of_go_verifies() -> None:
    note = Note.parse((GO["text"] + "\n" + GO["line"]).encode())
    assert note.text == GO["text"]
    assert [found.key.name for found in verify(note, [PETER])] == ["PeterNeumann"]
    assert note.encode() == (GO["text"] + "\n" + GO["line"]).encode()


def test_signing_as_go_gives_the_bytes_of_go() -> None:
    seed = b64decode(GO["skey"].split("+", 4)[4])
    held = Seed(seed[1:])
    peter = Signer(Key("PeterNeumann", seed[0], held.public), held.sign)
    assert peter.key == PETER
    assert peter.key.vkey == GO["vkey"]
    assert sign(GO["text"], peter).line == GO["line"]


def test_no_mangled_key_of_go_is_a_key() -> None:
    """As in Go's own test: every part of it, and every character raised by one."""
    vkey = GO["vkey"]
    parts = [vkey[i:j] for i in range(len(vkey)) for j in range(i + 1, len(vkey) + 1) if (i, j) != (0, len(vkey))]
    raised = [vkey[:i] + chr(ord(vkey[i]) + 1) + vkey[i + 1 :] for i in range(len(vkey))]
    for mangled in (*parts, *raised, *GO["bad_vkeys"]):
        with pytest.raises(LedgerError):
            Key.parse(mangled)


def test_the_cosigned_checkpoint_of_the_specification_has_its_form() -> None:
    example = VECTORS["cosigned_checkpoint"]
    note = Note.parse(example["note"].encode())
    assert [one.name for one in note.signatures] == [example["origin"], "witness.example.com/w1"]
    assert int.from_bytes(note.signatures[1].value[:8], "big") == example["time"]
    assert note.encode().decode() == example["note"]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "without an empty line"),
        (b"a\n", "without an empty line"),
        (b"\n\n" + LINE.encode(), "without an empty line"),
        (b"a\n\n", "1 to 64 signature lines"),
        (b"a\n\n" + LINE.encode()[:-1], "1 to 64 signature lines"),
        (b"a\n\n" + b"".join(f"— n{i} AAAAAAE=\n".encode() for i in range(MAX_SIGNATURES + 1)), "1 to 64"),
        (b"a\n\n" + LINE.encode() * 2, "two signatures by one key"),
        (b"a\xff\n\n" + LINE.encode(), "not UTF-8 at byte 1"),
        (b"a\0\n\n" + LINE.encode(), "control character"),
        (b"a\r\n\n" + LINE.encode(), "control character"),
        (b"a\t\n\n" + LINE.encode(), "control character"),
        (b"a\n\n" + "— n AAAAAAE=\tx\n".encode(), "control character"),
        (b"a\n\n- n AAAAAAE=\n", "not a signature line"),
        (b"a\n\nn AAAAAAE=\n", "not a signature line"),
        ("a\n\n— n\n".encode(), "not a signature line"),
        ("a\n\n— n \n".encode(), "not a signature line"),
        ("a\n\n— n AAAAAA==\n".encode(), "not a signature line"),
        ("a\n\n— n AAAAAAE\n".encode(), "not a signature line"),
        ("a\n\n— n AAAAAAF=\n".encode(), "not a signature line"),
        ("a\n\n— n AAAAAAE= x\n".encode(), "not a signature line"),
        ("a\n\n— n  AAAAAAE=\n".encode(), "not a signature line"),
        ("a\n\n— n ÄAAAAAE=\n".encode(), "not a signature line"),
        ("a\n\n—  AAAAAAE=\n".encode(), "not the name of a key"),
        ("a\n\n— a+b AAAAAAE=\n".encode(), "not the name of a key"),
        ("a\n\n— a\u00a0b AAAAAAE=\n".encode(), "not the name of a key"),
        ("a\n\n— a\u2003b AAAAAAE=\n".encode(), "not the name of a key"),
        (f"a\n\n— {'n' * 256} AAAAAAE=\n".encode(), "not the name of a key"),
        (b"a" * MAX_BYTES + b"\n\n" + LINE.encode(), "more than"),
    ],
)
def test_what_is_no_note(data: bytes, reason: str) -> None:
    with pytest.raises(LedgerError, match=reason):
        Note.parse(data)


def test_the_last_empty_line_ends_the_text() -> None:
    assert Note.parse(b"a\n\nb\n\n" + LINE.encode()).text == "a\n\nb\n"
    assert (
        len(Note.parse(b"a\n\n" + b"".join(f"— n{i} AAAAAAE=\n".encode() for i in range(MAX_SIGNATURES))).signatures)
        == 64
    )


@given(st.binary(max_size=80) | st.text(max_size=80).map(str.encode))
def test_no_bytes_crash_the_reader_and_what_is_read_is_written_back(data: bytes) -> None:
    for candidate in (data, data + b"\n\n" + LINE.encode()):
        try:
            note = Note.parse(candidate)
        except LedgerError:
            continue
        assert note.encode() == candidate


def test_lines_alone() -> None:
    assert [one.line for one in decode_lines(LINE.encode())] == [LINE]
    for data, reason in ((b"", "1 to 64"), (b"x" * (MAX_BYTES + 1), "more than"), (b"\xff\n", "UTF-8")):
        with pytest.raises(LedgerError, match=reason):
            decode_lines(data)


@pytest.mark.parametrize(
    ("vkey", "reason"),
    [
        ("", "not a verifier key"),
        ("a+b", "not a verifier key"),
        ("PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", "not a verifier key"),
        ("PeterNeumann+c74f20a3+", "not base64"),
        ("PeterNeumann+c74f20a3+A", "not base64"),
        ("PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", "its own is c74f20a3"),
        ("x+c74f20a3+" + b64encode(b"\x02" + PETER.public).decode(), "of kind 0x02"),
        ("x+c74f20a3+" + b64encode(b"\x01" + PETER.public[:31]).decode(), "31 bytes"),
        ("x+c74f20a3+" + b64encode(b"\x01\x01" + bytes(31)).decode(), "anybody could sign"),
        ("+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", "not the name"),
        ("\ud800+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", "not the name"),
        ("a\x01+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", "not the name"),
    ],
)
def test_what_is_no_key(vkey: str, reason: str) -> None:
    with pytest.raises(LedgerError, match=reason):
        Key.parse(vkey)


@given(st.sampled_from([SIGNED, COSIGNED]), st.integers(1, 255))
def test_a_key_is_read_as_written(kind: int, seed: int) -> None:
    key = signer("example.org/é", kind, seed).key
    assert Key.parse(key.vkey) == key


def test_one_public_key_is_one_signer() -> None:
    """C2SP tlog-policy: other names or kinds around the same key bytes are the same key."""
    one = signer("a", SIGNED, 1).key
    for other in (signer("b", SIGNED, 1).key, signer("a", COSIGNED, 1).key, signer("a", SIGNED, 1).key):
        with pytest.raises(LedgerError, match="one and the same public key"):
            known([one, other])
    assert known([one, signer("a", SIGNED, 2).key]) == (one, signer("a", SIGNED, 2).key)


def test_keys_that_cannot_be_told_apart_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Key, "id", b"same")
    with pytest.raises(LedgerError, match="have the same id"):
        known([signer("a", SIGNED, 1).key, signer("a", SIGNED, 2).key])


def test_signatures_of_strangers_are_ignored() -> None:
    note = Note(TEXT, (sign(TEXT, signer()), sign(TEXT, witness_signer(1), 7)))
    assert [(found.key.name, found.time) for found in verify(note, [witness_signer(1).key])] == [
        ("witness.example/w1", 7)
    ]
    assert verify(note, []) == ()
    # The same name with another id, and the same id under another name, are strangers too.
    assert verify(note, [signer(seed=2).key]) == ()
    moved = Note(TEXT, (Signature("else", note.signatures[0].id, note.signatures[0].value),))
    assert verify(moved, [signer().key]) == ()


def test_a_known_key_that_does_not_verify_spoils_the_note() -> None:
    good, cosigned = sign(TEXT, signer()), sign(TEXT, witness_signer(1), 7)
    keys = [signer().key, witness_signer(1).key]
    for harmed in (
        Note("b\n", (good, cosigned)),
        Note(TEXT, (good, Signature(cosigned.name, cosigned.id, bytes(8) + cosigned.value[8:]))),
        Note(TEXT, (good, Signature(cosigned.name, cosigned.id, cosigned.value[8:]))),
        Note(TEXT, (Signature(good.name, good.id, good.value + b"\0"), cosigned)),
        Note(TEXT, (Signature(good.name, good.id, good.value[:63]), cosigned)),
    ):
        with pytest.raises(LedgerError, match="does not verify"):
            verify(harmed, keys)


def test_a_cosignature_is_over_the_time_and_the_text() -> None:
    """The message that tlog-cosignature writes out, signed by hand."""
    witness = witness_signer(1)
    by_hand = witness.sign(b"cosignature/v1\ntime 1679315147\na\n")
    assert sign(TEXT, witness, 1679315147).value == (1679315147).to_bytes(8, "big") + by_hand


def test_a_time_beyond_the_format_is_refused() -> None:
    witness = witness_signer(1)
    time = 2**63
    value = time.to_bytes(8, "big") + witness.sign(f"cosignature/v1\ntime {time}\na\n".encode())
    with pytest.raises(LedgerError, match="does not verify"):
        verify(Note(TEXT, (Signature(witness.key.name, witness.key.id, value),)), [witness.key])


def test_what_signs_must_hold_its_key() -> None:
    with pytest.raises(LedgerError, match="does not verify"):
        sign(TEXT, Signer(signer(seed=1).key, signer(seed=2).sign))
    with pytest.raises(LedgerError, match="states a time"):
        sign(TEXT, witness_signer(1))
    with pytest.raises(LedgerError, match="states a time"):
        sign(TEXT, signer(), 1)


@pytest.mark.parametrize("text", ["A", "AA=", "AB==", "AA==\n", " AA==", "AA==AA==", "A===", "ä", "AAA=A"])
def test_base64_has_one_spelling(text: str) -> None:
    assert from_base64(text) is None


def test_base64_reads() -> None:
    assert (from_base64("AA=="), from_base64("")) == (b"\0", b"")
