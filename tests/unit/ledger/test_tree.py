"""The Merkle tree against published vectors and against RFC 6962's own recursive definition."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xspm.errors import LedgerError
from xspm.ledger.tree import (
    EMPTY_ROOT,
    MAX_SIZE,
    consistency_proof,
    fold,
    in_memory,
    inclusion_proof,
    leaf_hash,
    root,
    verify_consistency,
    verify_inclusion,
)

VECTORS = json.loads((Path(__file__).parents[2] / "data" / "ledger" / "merkle.json").read_text())
ENTRIES = [bytes.fromhex(entry) for entry in VECTORS["entries"]]
LEAVES = [leaf_hash(entry) for entry in ENTRIES]
ROOTS = [bytes.fromhex(value) for value in (VECTORS["empty_root"], *VECTORS["roots"])]


def naive_root(entries: list[bytes]) -> bytes:
    """MTH of RFC 6962 section 2.1, word for word."""
    if not entries:
        return sha256(b"").digest()
    if len(entries) == 1:
        return sha256(b"\x00" + entries[0]).digest()
    k = naive_split(len(entries))
    return sha256(b"\x01" + naive_root(entries[:k]) + naive_root(entries[k:])).digest()


def naive_split(n: int) -> int:
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def naive_path(m: int, entries: list[bytes]) -> list[bytes]:
    """PATH of RFC 6962 section 2.1.1."""
    if len(entries) == 1:
        return []
    k = naive_split(len(entries))
    if m < k:
        return [*naive_path(m, entries[:k]), naive_root(entries[k:])]
    return [*naive_path(m - k, entries[k:]), naive_root(entries[:k])]


def naive_subproof(m: int, entries: list[bytes], whole: bool) -> list[bytes]:  # noqa: FBT001 - RFC 6962's b
    """SUBPROOF of RFC 6962 section 2.1.2."""
    n = len(entries)
    if m == n:
        return [] if whole else [naive_root(entries)]
    k = naive_split(n)
    if m <= k:
        return [*naive_subproof(m, entries[:k], whole), naive_root(entries[k:])]
    return [*naive_subproof(m - k, entries[k:], False), naive_root(entries[:k])]  # noqa: FBT003


def numbered(count: int) -> list[bytes]:
    return [b"%d" % index for index in range(count)]


@pytest.mark.parametrize("size", range(9))
def test_published_roots(size: int) -> None:
    assert root(size, in_memory(LEAVES[:size])) == ROOTS[size] == naive_root(ENTRIES[:size])


def test_the_root_of_nothing() -> None:
    assert ROOTS[0] == EMPTY_ROOT


@pytest.mark.parametrize("case", VECTORS["inclusion"])
def test_published_inclusion_proofs(case: dict[str, int | list[str]]) -> None:
    index, size, proof = case["index"], case["size"], case["proof"]
    assert isinstance(index, int)
    assert isinstance(size, int)
    assert isinstance(proof, list)
    expected = [bytes.fromhex(value) for value in proof]
    assert inclusion_proof(index, size, in_memory(LEAVES)) == expected == naive_path(index, ENTRIES[:size])
    verify_inclusion(LEAVES[index], index, size, expected, ROOTS[size])


@pytest.mark.parametrize("case", VECTORS["consistency"])
def test_published_consistency_proofs(case: dict[str, int | list[str]]) -> None:
    old, size, proof = case["old"], case["size"], case["proof"]
    assert isinstance(old, int)
    assert isinstance(size, int)
    assert isinstance(proof, list)
    expected = [bytes.fromhex(value) for value in proof]
    assert consistency_proof(old, size, in_memory(LEAVES)) == expected
    verify_consistency(old, size, ROOTS[old], ROOTS[size], expected)


@given(st.integers(1, 70), st.data())
def test_proofs_are_those_of_the_definition(size: int, data: st.DataObject) -> None:
    entries = numbered(size)
    nodes = in_memory([leaf_hash(entry) for entry in entries])
    index = data.draw(st.integers(0, size - 1))
    old = data.draw(st.integers(1, size))
    assert root(size, nodes) == naive_root(entries)
    path = inclusion_proof(index, size, nodes)
    assert path == naive_path(index, entries)
    verify_inclusion(leaf_hash(entries[index]), index, size, path, naive_root(entries))
    proof = consistency_proof(old, size, nodes)
    assert proof == naive_subproof(old, entries, whole=True)
    verify_consistency(old, size, naive_root(entries[:old]), naive_root(entries), proof)


def harmed(proof: list[bytes], data: st.DataObject) -> list[bytes]:
    """A proof with one thing wrong."""
    place = data.draw(st.integers(0, max(0, len(proof) - 1)))
    harm = data.draw(
        st.sampled_from(["extra", "before", *(["missing", "flip", "short", "long", "twice"] if proof else [])])
    )
    changed = list(proof)
    if harm == "extra":
        return [*proof, data.draw(st.sampled_from([bytes(32), *proof]))]
    if harm == "before":
        return [bytes(32), *proof]
    if harm == "missing":
        del changed[place]
    elif harm == "twice":
        changed.insert(place, proof[place])
    else:
        value = proof[place]
        changed[place] = {"flip": bytes([value[0] ^ 1]) + value[1:], "short": value[:31], "long": value + b"\0"}[harm]
    return changed


@given(st.integers(1, 40), st.data())
def test_a_harmed_proof_proves_nothing(size: int, data: st.DataObject) -> None:
    entries = numbered(size)
    leaves = [leaf_hash(entry) for entry in entries]
    nodes = in_memory(leaves)
    index = data.draw(st.integers(0, size - 1))
    old = data.draw(st.integers(1, size))
    with pytest.raises(LedgerError):
        verify_inclusion(
            leaves[index], index, size, harmed(inclusion_proof(index, size, nodes), data), root(size, nodes)
        )
    proof = harmed(consistency_proof(old, size, nodes), data)
    with pytest.raises(LedgerError):
        verify_consistency(old, size, root(old, nodes), root(size, nodes), proof)


@given(st.integers(2, 40), st.data())
def test_a_proof_is_of_one_place_only(size: int, data: st.DataObject) -> None:
    leaves = [leaf_hash(entry) for entry in numbered(size)]
    nodes = in_memory(leaves)
    index = data.draw(st.integers(0, size - 1))
    other = data.draw(st.integers(0, size - 1).filter(lambda place: place != index))
    proof = inclusion_proof(index, size, nodes)
    with pytest.raises(LedgerError):
        verify_inclusion(leaves[index], other, size, proof, root(size, nodes))
    with pytest.raises(LedgerError):
        verify_inclusion(leaves[other], index, size, proof, root(size, nodes))
    with pytest.raises(LedgerError):
        verify_consistency(
            index + 1, size, root(other + 1, nodes), root(size, nodes), consistency_proof(index + 1, size, nodes)
        )


@pytest.mark.parametrize(
    ("index", "size", "reason"),
    [
        (0, 0, "no entry 0"),
        (8, 8, "no entry 8"),
        (-1, 8, "no entry -1"),
        (0, -1, "sizes go from"),
        (0, MAX_SIZE + 1, "sizes go from"),
    ],
)
def test_there_is_no_such_entry(index: int, size: int, reason: str) -> None:
    with pytest.raises(LedgerError, match=reason):
        inclusion_proof(index, size, in_memory(LEAVES))
    with pytest.raises(LedgerError, match=reason):
        verify_inclusion(LEAVES[0], index, size, [], ROOTS[1])


@pytest.mark.parametrize(
    ("old", "size", "reason"),
    [
        (0, 8, "empty tree"),
        (0, 0, "empty tree"),
        (-1, 8, "no growth"),
        (8, 7, "no growth"),
        (1, MAX_SIZE + 1, "sizes go from"),
    ],
)
def test_nothing_grew(old: int, size: int, reason: str) -> None:
    with pytest.raises(LedgerError, match=reason):
        consistency_proof(old, size, in_memory(LEAVES))
    with pytest.raises(LedgerError, match=reason):
        verify_consistency(old, size, ROOTS[1], ROOTS[8], [])


@pytest.mark.parametrize(
    ("old", "size", "proof", "reason"),
    [
        (8, 8, [ROOTS[1]], "need none"),
        (6, 8, [], "missing"),
        (1, 8, [], "missing"),
        (3, 4, [ROOTS[1]] * 9, "longer than"),
    ],
)
def test_each_refusal_says_why(old: int, size: int, proof: list[bytes], reason: str) -> None:
    with pytest.raises(LedgerError, match=reason):
        verify_consistency(old, size, ROOTS[old], ROOTS[size], proof)


def test_two_trees_of_one_size() -> None:
    verify_consistency(8, 8, ROOTS[8], ROOTS[8], [])
    with pytest.raises(LedgerError, match="two different trees"):
        verify_consistency(8, 8, ROOTS[7], ROOTS[8], [])


@pytest.mark.parametrize("size", [0, 31, 33])
def test_a_root_is_32_bytes(size: int) -> None:
    with pytest.raises(LedgerError, match=f"a hash of {size} bytes"):
        verify_consistency(1, 1, bytes(size), bytes(32), [])
    with pytest.raises(LedgerError, match=f"a hash of {size} bytes"):
        verify_inclusion(bytes(32), 0, 1, [], bytes(size))


def test_a_huge_tree_ends_at_once() -> None:
    verify_sizes = [bytes(32)] * 63
    with pytest.raises(LedgerError):
        verify_inclusion(bytes(32), MAX_SIZE - 1, MAX_SIZE, verify_sizes, bytes(32))
    assert len(inclusion_proof(0, MAX_SIZE, lambda _height, _index: bytes(32))) == 63


def test_fold_is_the_root_of_a_whole_subtree() -> None:
    assert [fold(LEAVES[:count]) for count in (1, 2, 4, 8)] == [ROOTS[count] for count in (1, 2, 4, 8)]
