"""The folder layout of tlog-tiles, and the proofs read back from it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logbook import entry
from xspm.errors import LedgerError
from xspm.ledger import tiles as module
from xspm.ledger.edge import Edge
from xspm.ledger.tiles import (
    MAX_ENTRY_BYTES,
    WIDTH,
    Tiles,
    decode_bundle,
    encode_bundle,
    index_path,
    parse_path,
    tile_path,
)
from xspm.ledger.tree import EMPTY_ROOT, consistency_proof, in_memory, inclusion_proof, leaf_hash, root


def files_of(size: int, partial: bool = True) -> dict[str, bytes]:  # noqa: FBT001, FBT002
    """The folder of a log of some entries, made without `Log`."""
    edge = Edge()
    files = dict(edge.extend([leaf_hash(entry(index)) for index in range(size)]))
    for start in range(0, size, WIDTH):
        part = [entry(index) for index in range(start, min(size, start + WIDTH))]
        files[tile_path(None, start // WIDTH, len(part))] = encode_bundle(part)
    return {**files, **dict(edge.partial())} if partial else files


SIZE = 70_000
LEAVES = [leaf_hash(entry(index)) for index in range(SIZE)]
FILES = files_of(SIZE)
NODES = in_memory(LEAVES)


@pytest.mark.parametrize(
    ("index", "path"),
    [(0, "000"), (999, "999"), (1000, "x001/000"), (1234067, "x001/x234/067"), (1_000_000, "x001/x000/000")],
)
def test_an_index_as_path(index: int, path: str) -> None:
    """The example of the specification and its neighbours."""
    assert index_path(index) == path
    assert parse_path(f"tile/3/{path}") == (3, index, 256)
    assert parse_path(f"tile/entries/{path}.p/7") == (None, index, 7)


@given(st.integers(0, 63) | st.none(), st.integers(0, 2**56), st.integers(1, 256))
def test_a_path_is_read_as_written(level: int | None, index: int, width: int) -> None:
    assert parse_path(tile_path(level, index, width)) == (level, index, width)


@pytest.mark.parametrize(
    "path",
    [
        "tile/64/000",
        "tile/00/000",
        "tile/0/00",
        "tile/0/x000/000",
        "tile/0/001/000",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/07",
        "tile/0/000.p",
        "tile/0/000/x",
        "tile/data/000",
        "checkpoint",
        "tile/0/000\n",
    ],
)
def test_what_names_no_tile(path: str) -> None:
    assert parse_path(path) is None


def test_the_specification_counts_the_tiles_of_70_000_entries() -> None:
    """273 full and one of 112, one full and one of 17, one of 1."""
    hashes = sorted(path for path in FILES if not path.startswith("tile/entries/"))
    assert len(hashes) == 273 + 1 + 1 + 1 + 1
    assert [path for path in hashes if ".p/" in path] == ["tile/0/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1"]
    assert sorted(path for path in files_of(256) if not path.startswith("tile/entries/")) == [
        "tile/0/000",
        "tile/1/000.p/1",
    ]


@given(st.lists(st.binary(max_size=20), max_size=WIDTH))
def test_a_bundle_is_read_as_written(entries: list[bytes]) -> None:
    assert decode_bundle(encode_bundle(entries)) == entries


def test_the_largest_entry() -> None:
    entries = [bytes(MAX_ENTRY_BYTES), b""]
    assert decode_bundle(encode_bundle(entries)) == entries


@pytest.mark.parametrize("data", [b"\0", b"\0\1", b"\0\5abcd", b"\0\0\1", b"\0\0" * 257])
def test_what_is_no_bundle(data: bytes) -> None:
    with pytest.raises(LedgerError, match="cut short or too long"):
        decode_bundle(data)


# The last tiles under the names they get when they are full: so earlier sizes find the beginnings they need.
GROWN = {path.partition(".p/")[0]: data for path, data in files_of(-(-SIZE // 65_536) * 65_536).items()}


@given(st.integers(1, SIZE), st.data())
def test_proofs_from_tiles_are_those_from_memory(size: int, data: st.DataObject) -> None:
    """Any earlier size of the log too, out of the files of a later one."""
    tiles = Tiles(lambda path, _most: GROWN.get(path), size)
    index = data.draw(st.integers(0, size - 1))
    old = data.draw(st.integers(1, size))
    assert tiles.root() == root(size, NODES)
    assert tiles.inclusion_proof(index) == inclusion_proof(index, size, NODES)
    assert tiles.consistency_proof(old) == consistency_proof(old, size, NODES)
    assert tiles.entry(index) == entry(index)


def test_from_the_empty_tree_witnesses_want_no_proof() -> None:
    assert Tiles(lambda _path, _most: None, 5).consistency_proof(0) == []


def test_all_entries_in_order() -> None:
    tiles = Tiles(lambda path, _most: FILES.get(path), SIZE)
    assert all(found == entry(index) for index, found in enumerate(tiles.entries()))
    assert sum(1 for _ in tiles.entries()) == SIZE
    assert list(Tiles(lambda _path, _most: None, 0).entries()) == []


def test_what_was_read_is_not_kept_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_TILES_KEPT", 2)
    monkeypatch.setattr(module, "_BUNDLES_KEPT", 2)
    read: list[str] = []

    def counting(path: str, _most: int) -> bytes | None:
        read.append(path)
        return FILES.get(path)

    tiles = Tiles(counting, SIZE)
    for index in (0, 256, 512, 0, 0):
        assert tiles.entry(index) == entry(index)
        assert tiles.hashes(0, index // WIDTH)[0] == leaf_hash(entry(index))
    assert read.count("tile/0/000") == read.count("tile/entries/000") == 2


@pytest.mark.parametrize("index", [-1, SIZE])
def test_there_is_no_such_entry(index: int) -> None:
    with pytest.raises(LedgerError, match=f"no entry {index} in a log of 70000"):
        Tiles(lambda path, _most: FILES.get(path), SIZE).entry(index)


def test_a_partial_tile_that_is_gone_is_read_from_the_full_one() -> None:
    tiles = Tiles(lambda path, _most: FILES.get(path), 300)
    assert "tile/0/001.p/44" not in FILES
    assert tiles.entry(299) == entry(299)
    assert tiles.node(0, 299) == leaf_hash(entry(299))


@pytest.mark.parametrize(
    ("path", "data", "reason"),
    [
        ("tile/entries/000.p/5", None, "tile/entries/000.p/5: missing"),
        ("tile/entries/000.p/5", encode_bundle([b"x"] * 4), "4 entries, not 5"),
        ("tile/entries/000.p/5", encode_bundle([b"x"] * 6), "6 entries, not 5"),
        ("tile/entries/000.p/5", b"\0", "tile/entries/000.p/5: an entry bundle is cut short"),
        ("tile/0/000.p/5", None, "tile/0/000.p/5: missing"),
        ("tile/0/000.p/5", bytes(32 * 4), "128 bytes, not 5 hashes"),
        ("tile/0/000.p/5", bytes(32 * 6), "192 bytes, not 5 hashes"),
        ("tile/0/000.p/5", bytes(32 * 5 - 1), "159 bytes, not 5 hashes"),
    ],
)
def test_what_is_no_tile(path: str, data: bytes | None, reason: str) -> None:
    files: dict[str, bytes | None] = {**files_of(5), path: data}
    tiles = Tiles(lambda name, _most: files.get(name), 5)
    with pytest.raises(LedgerError, match=reason):
        (tiles.hashes(0, 0), tiles.bundle(0))


@pytest.mark.parametrize("size", [0, 1, 2, 3, 255, 256, 257, 511, 512, 65_535, 65_536, 65_537, SIZE])
def test_the_edge_has_the_root(size: int) -> None:
    edge = Edge()
    full = edge.extend(LEAVES[:size])
    files = {**dict(full), **dict(edge.partial())}
    assert edge.root() == (root(size, NODES) if size else EMPTY_ROOT)
    again = Edge.read(Tiles(lambda path, _most: files.get(path), size))
    assert (again.size, again.root(), again.partial()) == (edge.size, edge.root(), edge.partial())


@given(st.lists(st.integers(0, 700), max_size=6))
def test_the_edge_grows_alike_in_any_batches(batches: list[int]) -> None:
    size = sum(batches)
    whole, parts = Edge(), Edge()
    full = whole.extend(LEAVES[:size])
    pieces = []
    for batch in batches:
        pieces += parts.extend(LEAVES[parts.size : parts.size + batch])
    assert (pieces, parts.partial(), parts.root()) == (full, whole.partial(), whole.root())
