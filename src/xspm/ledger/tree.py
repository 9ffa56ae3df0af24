"""The Merkle tree of RFC 6962 and RFC 9162 over SHA-256: roots, inclusion proofs, consistency proofs.

Proofs are made from a `Nodes`: a function that gives the hash of a whole subtree by height and index, so the same code
serves a list in memory and tiles on a disk. They are checked by the iterative algorithms of RFC 9162 (sections 2.1.3.2
and 2.1.4.2), which never need the tree. A proof must have exactly the nodes it needs, every hash is exactly 32 bytes,
and a consistency proof from the empty tree is refused: it would prove nothing.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Final, TypeAlias

from xspm.errors import LedgerError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Nodes: TypeAlias = "Callable[[int, int], bytes]"
"""`(height, index)` to the hash over the leaves `index * 2**height` up to `(index + 1) * 2**height`."""

HASH_SIZE: Final = 32
MAX_SIZE: Final = 2**63 - 1
"""The largest tree: what fits the signed 64-bit integers of other implementations."""

EMPTY_ROOT: Final = sha256(b"").digest()


def leaf_hash(entry: bytes) -> bytes:
    """The hash of an entry as a leaf."""
    return sha256(b"\0" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of a node over its two children."""
    return sha256(b"\1" + left + right).digest()


def fold(hashes: Sequence[bytes]) -> bytes:
    """The root over neighbouring hashes of equal height; their number is a power of two."""
    while len(hashes) > 1:
        pairs = iter(hashes)
        hashes = [sha256(b"\1" + left + right).digest() for left, right in zip(pairs, pairs, strict=True)]
    return hashes[0]


def in_memory(leaves: Sequence[bytes]) -> Nodes:
    """Nodes over leaf hashes that are all in memory, each computed once."""
    heights: list[Sequence[bytes]] = [leaves]
    while len(heights[-1]) > 1:
        below = heights[-1]
        heights.append([node_hash(below[i], below[i + 1]) for i in range(0, len(below) - 1, 2)])
    return lambda height, index: heights[height][index]


def root(size: int, nodes: Nodes) -> bytes:
    """The root of the tree of the first `size` leaves."""
    _check_size(size)
    return _range_root(0, size, nodes) if size else EMPTY_ROOT


def inclusion_proof(index: int, size: int, nodes: Nodes) -> list[bytes]:
    """The proof that the leaf at `index` is in the tree of `size` leaves.

    Raises:
        LedgerError: there is no such leaf.
    """
    _check_index(index, size)
    proof: list[bytes] = []
    begin, end = 0, size
    while end - begin > 1:
        middle = begin + _split(end - begin)
        if index < middle:
            proof.append(_range_root(middle, end, nodes))
            end = middle
        else:
            proof.append(_range_root(begin, middle, nodes))
            begin = middle
    proof.reverse()
    return proof


def consistency_proof(old: int, size: int, nodes: Nodes) -> list[bytes]:
    """The proof that the tree of `size` leaves begins with the tree of `old` leaves.

    Raises:
        LedgerError: `old` is zero, or larger than `size`.
    """
    _check_sizes(old, size)
    proof: list[bytes] = []
    begin, end = 0, size
    while old != end:
        middle = begin + _split(end - begin)
        if old <= middle:
            proof.append(_range_root(middle, end, nodes))
            end = middle
        else:
            proof.append(_range_root(begin, middle, nodes))
            begin = middle
    if begin:
        proof.append(_range_root(begin, end, nodes))
    proof.reverse()
    return proof


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], expected: bytes) -> None:
    """Check that a leaf hash is at `index` in the tree of `size` leaves with the root `expected`.

    Raises:
        LedgerError: it is not proven.
    """
    _check_index(index, size)
    _check_hashes(leaf, expected, *proof)
    # RFC 9162 section 2.1.3.2.
    path, last, result = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise LedgerError(f"inclusion proof: longer than a tree of {size} entries has levels")
        if path & 1 or path == last:
            result = node_hash(sibling, result)
            path, last = _skip(path, last)
        else:
            result = node_hash(result, sibling)
        path, last = path >> 1, last >> 1
    if last != 0:
        raise LedgerError("inclusion proof: hashes are missing")
    if result != expected:
        raise LedgerError(f"inclusion proof: entry {index} is not in the tree of {size} entries with this root")


def verify_consistency(old: int, size: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> None:
    """Check that the tree of `size` leaves begins with the tree of `old` leaves, given both roots.

    Raises:
        LedgerError: it is not proven, or there is nothing to prove from (`old` is zero).
    """
    _check_sizes(old, size)
    _check_hashes(old_root, new_root, *proof)
    if old == size:
        if proof:
            raise LedgerError("consistency proof: hashes where two trees of one size need none")
        if old_root != new_root:
            raise LedgerError(f"consistency proof: two different trees of {size} entries")
        return
    # RFC 9162 section 2.1.4.2. The old root is itself the first node where the old tree is a whole subtree.
    hashes = list(proof) if old & (old - 1) else [old_root, *proof]
    path, last = old - 1, size - 1
    while path & 1:
        path, last = path >> 1, last >> 1
    if not hashes:
        raise LedgerError("consistency proof: hashes are missing")
    old_result = new_result = hashes[0]
    for sibling in hashes[1:]:
        if last == 0:
            raise LedgerError(f"consistency proof: longer than a tree of {size} entries has levels")
        if path & 1 or path == last:
            old_result = node_hash(sibling, old_result)
            new_result = node_hash(sibling, new_result)
            path, last = _skip(path, last)
        else:
            new_result = node_hash(new_result, sibling)
        path, last = path >> 1, last >> 1
    if last != 0:
        raise LedgerError("consistency proof: hashes are missing")
    if old_result != old_root or new_result != new_root:
        raise LedgerError(f"consistency proof: the tree of {size} entries does not begin with that of {old} entries")


def _skip(path: int, last: int) -> tuple[int, int]:
    """Climb past the levels where a right-most node has no sibling."""
    while path and not path & 1:
        path, last = path >> 1, last >> 1
    return path, last


def _split(count: int) -> int:
    """The largest power of two below `count`, which is at least 2."""
    return 1 << (count - 1).bit_length() - 1


def _range_root(begin: int, end: int, nodes: Nodes) -> bytes:
    """The root over the leaves `begin` to `end`, where `begin` is a multiple of the first subtree's size."""
    parts: list[bytes] = []
    while begin < end:
        height = (end - begin).bit_length() - 1
        parts.append(nodes(height, begin >> height))
        begin += 1 << height
    result = parts.pop()
    while parts:
        result = node_hash(parts.pop(), result)
    return result


def _check_size(size: int) -> None:
    if not 0 <= size <= MAX_SIZE:
        raise LedgerError(f"a tree of {size} entries: sizes go from 0 to 2^63-1")


def _check_index(index: int, size: int) -> None:
    _check_size(size)
    if not 0 <= index < size:
        raise LedgerError(f"inclusion proof: there is no entry {index} in a tree of {size}")


def _check_sizes(old: int, size: int) -> None:
    _check_size(size)
    if old == 0:
        raise LedgerError("consistency proof: from the empty tree nothing can be proven")
    if not 0 < old <= size:
        raise LedgerError(f"consistency proof: from {old} to {size} entries is no growth")


def _check_hashes(*hashes: bytes) -> None:
    for value in hashes:
        if len(value) != HASH_SIZE:
            raise LedgerError(f"a hash of {len(value)} bytes where SHA-256 has 32")
