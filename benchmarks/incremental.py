"""A second assessment: of an unchanged snapshot, and with one resource in a hundred changed, as shares of the first. Prints medians of five rounds."""

from __future__ import annotations

import gc
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

import kubernetes
from xspm.app.policies import in_force
from xspm.app.scan import recognise
from xspm.connector import Options
from xspm.model.asset import decode_snapshot, encode_snapshot
from xspm.policy.assess import FastEngine, assess
from xspm.policy.memory import Memory
from xspm.policy.plan import plan

if TYPE_CHECKING:
    from xspm.model.asset import Snapshot
    from xspm.policy.plan import Plan


def main() -> None:
    documents = int(sys.argv[1]) if len(sys.argv) > 1 else 1700
    with tempfile.TemporaryDirectory() as folder:
        kubernetes.generate(Path(folder), documents)
        snapshot = recognise(folder).collect(folder, Options(), lambda _text: None)
    force = in_force()
    made = plan(force.library, force.policies, snapshot.asset)
    assess(made, snapshot, engine=FastEngine())
    rounds = [_round(made, snapshot, index) for index in range(5)]
    first, same, changed = (statistics.median(times) for times in zip(*[times for times, _ in rounds], strict=True))
    again = [counts for _, counts in rounds][-1]
    print(f"{documents} documents, {len(snapshot.resources)} resources, verdicts remembered by digest")
    print(f"{'':<22}{'ms':>8}{'of first':>10}{'evaluated':>11}")
    print(f"{'first':<22}{first * 1000:>8.1f}{'':>10}{again[0]:>11}")
    print(f"{'again, unchanged':<22}{same * 1000:>8.1f}{same / first:>10.1%}{again[1]:>11}")
    print(f"{'again, 1 % changed':<22}{changed * 1000:>8.1f}{changed / first:>10.1%}{again[2]:>11}")


def _round(made: Plan, snapshot: Snapshot, seed: int) -> tuple[tuple[float, float, float], tuple[int, int, int]]:
    memory = Memory()
    engine = FastEngine()
    times, counts = [], []
    for evidence in (_reread(snapshot), _reread(snapshot), _changed(snapshot, seed)):
        evidence.digest  # noqa: B018 - the name of evidence is made when it is collected, not when it is assessed
        gc.collect()
        before, started = memory.evaluated, time.process_time()
        assess(made, evidence, engine=engine, memory=memory)
        times.append(time.process_time() - started)
        counts.append(memory.evaluated - before)
    return (times[0], times[1], times[2]), (counts[0], counts[1], counts[2])


def _reread(snapshot: Snapshot) -> Snapshot:
    """An equal snapshot that shares nothing with the first, as if collected again."""
    return decode_snapshot(encode_snapshot(snapshot))


def _changed(snapshot: Snapshot, seed: int) -> Snapshot:
    again = _reread(snapshot)
    resources = [
        msgspec.structs.replace(resource, data={**resource.data, "namespace": f"moved-{seed}"})
        if index % 100 == seed
        else resource
        for index, resource in enumerate(again.resources)
    ]
    return msgspec.structs.replace(again, resources=tuple(resources))


if __name__ == "__main__":
    main()
