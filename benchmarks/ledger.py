"""The ledger: appends with and without syncing, as multiples of plain synced appends of the same bytes; proofs; audits.

Entries are 200 bytes. The plain peer appends each batch to one file and syncs it: nothing durable can be cheaper. All
figures are of one run on one disk.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from xspm.ledger.audit import Trust, audit
from xspm.ledger.ed25519 import Seed
from xspm.ledger.files import Disk
from xspm.ledger.log import Log
from xspm.ledger.note import SIGNED, Key, Signer
from xspm.ledger.tiles import Tiles
from xspm.ledger.tree import leaf_hash, verify_consistency, verify_inclusion

if TYPE_CHECKING:
    from collections.abc import Callable

SEED = Seed(bytes(range(32)))
SIGNER = Signer(Key("example.org/benchmark", SIGNED, SEED.public), SEED.sign)
BATCHES = ((1, 200), (100, 50), (10_000, 5))
"""Entries of a batch, batches."""


def entries(first: int, count: int) -> list[bytes]:
    return [(b"%d " % index).ljust(200, b"x") for index in range(first, first + count)]


def plain(folder: Path, batch: int, rounds: int) -> float:
    """Entries per second of appending to one file and syncing it."""
    data = b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries(0, batch))
    with (folder / "plain").open("ab", buffering=0) as file:
        started = time.perf_counter()
        for _ in range(rounds):
            file.write(data)
            os.fsync(file.fileno())
        return batch * rounds / (time.perf_counter() - started)


def appends(folder: Path, batch: int, rounds: int, *, durable: bool) -> tuple[float, Log]:
    """Entries per second of appending to a log."""
    Log.create(folder, SIGNER)
    log = Log(Disk(folder, durable=durable), SIGNER)
    batches = [entries(batch * number, batch) for number in range(rounds)]
    started = time.perf_counter()
    for one in batches:
        log.append(one)
    return batch * rounds / (time.perf_counter() - started), log


def rate(act: Callable[[int], object], count: int) -> float:
    """Calls per second."""
    started = time.perf_counter()
    for number in range(count):
        act(number)
    return count / (time.perf_counter() - started)


def reading(folder: Path, size: int) -> None:
    disk = Disk(folder)
    tiles = Tiles(disk.read, size)
    root = tiles.root()
    places = [number * 7919 % size for number in range(2000)]
    # With nothing read before, as for one question; then as for many.
    cold = rate(lambda number: Tiles(disk.read, size).inclusion_proof(places[number]), 200)
    warm = rate(lambda number: tiles.inclusion_proof(places[number]), len(places))
    consistency = rate(lambda number: tiles.consistency_proof(places[number] + 1), len(places))
    proofs = [(place, leaf_hash(tiles.entry(place)), tiles.inclusion_proof(place)) for place in places]
    checked = rate(
        lambda number: verify_inclusion(proofs[number][1], proofs[number][0], size, proofs[number][2], root),
        len(proofs),
    )
    olds = [
        (place + 1, Tiles(disk.read, size), tiles.consistency_proof(place + 1)) for place in places[: len(places) // 10]
    ]
    roots = [consistency_root(tiles, old) for old, _, _ in olds]
    grown = rate(
        lambda number: verify_consistency(olds[number][0], size, roots[number], root, olds[number][2]), len(olds)
    )
    started = time.perf_counter()
    result = audit(disk.read, Trust((SIGNER.key,)))
    took = time.perf_counter() - started
    if not result.clean:
        raise SystemExit(f"the audit found {result.differences[0]}")
    print(f"\na log of {size:,} entries, per second:")
    for name, figure in (
        ("inclusion proofs made, nothing read before", cold),
        ("inclusion proofs made", warm),
        ("consistency proofs made", consistency),
        ("inclusion proofs verified", checked),
        ("consistency proofs verified", grown),
        ("entries audited", size / took),
    ):
        print(f"  {name:<44}{figure:>12,.0f}")


def consistency_root(tiles: Tiles, old: int) -> bytes:
    from xspm.ledger.tree import root  # noqa: PLC0415 - `root` is a local name above

    return root(old, tiles.node)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--folder", type=Path, help="where to write: on the disk that is meant (default: temporary files)"
    )
    place = parser.parse_args().folder
    with tempfile.TemporaryDirectory(dir=place) as name:
        top = Path(name)
        print(f"{'batch':>7}{'plain+fsync/s':>15}{'log/s':>12}{'x plain':>9}{'no fsync/s':>13}{'fsync costs':>13}")
        last: tuple[Path, int] | None = None
        for batch, rounds in BATCHES:
            base = plain(top, batch, rounds)
            safe, _ = appends(top / f"safe{batch}", batch, rounds, durable=True)
            loose, _ = appends(top / f"loose{batch}", batch, rounds, durable=False)
            print(f"{batch:>7}{base:>15,.0f}{safe:>12,.0f}{safe / base:>9.3f}{loose:>13,.0f}{1 - safe / loose:>12.0%}")
            last = top / f"safe{batch}", batch * rounds
        if last:
            reading(*last)


if __name__ == "__main__":
    main()
