"""The attacker can cut the power: the ledger's operator and the witness are killed wherever they are.

Real processes, really killed: no acknowledged entry is lost, and no checkpoint stands over data that is not on disk.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from attack.world import LOG, WITNESS, moment
from commandline import PATIENCE, command
from logbook import chance
from parties import private
from xspm.ledger.files import Disk
from xspm.ledger.log import Log
from xspm.ledger.note import Signer
from xspm.ledger.records import Record, decode_record

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from attack.world import World

WRITER = """\
import sys
from xspm.cli import run
while True:
    assert run(sys.argv[1:]) == 0
    sys.stdout.flush()
"""


def killed_writer(world: World, after: int, wait: int) -> int:
    """Append heartbeats one by one, in a process that is killed; how many entries were acknowledged."""
    flags = ["--contract", str(world.folder), "--root", world.root, "--key", world.key("log")]
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, "ledger", "heartbeat", str(world.ledger), *flags],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert writer.stdout is not None
    assert writer.stderr is not None
    acknowledged = seen = 0
    with writer.stdout, writer.stderr:
        for line in writer.stdout:
            if line.endswith(" in all\n"):
                acknowledged, seen = int(line.split(", ")[1].split()[0]), seen + 1
            if seen > after:
                break
        for _ in range(wait):  # somewhere in the next append: how far that is, is up to the machine
            os.sched_yield()
        writer.send_signal(signal.SIGKILL)
        rest = [line for line in writer.stdout if line.endswith(" in all\n")]
        assert writer.wait(PATIENCE) == -signal.SIGKILL
        assert "Traceback" not in writer.stderr.read()
    return int(rest[-1].split(", ")[1].split()[0]) if rest else acknowledged


@pytest.mark.parametrize("seed", range(3))
def test_the_operator_is_killed_in_the_middle_of_appends(watched: World, seed: int) -> None:
    """`kill -9` at any point of an append, again and again on one ledger: nothing acknowledged is lost."""
    fall = chance(seed)
    for _ in range(2):
        acknowledged = killed_writer(watched, fall.randrange(6), fall.randrange(4000))
        code, found = watched.audit()
        assert found.keys() <= {"quorum"}, "whole as it lies there, though no witness has seen the last of it"
        log = Log(Disk(watched.ledger), Signer(LOG, private("log").sign))
        size = log.checkpoint().checkpoint.size
        assert size >= acknowledged > 1
        assert len([decode_record(entry) for entry in log.tiles(size).entries()]) == size
        assert code in {0, 1}
    assert watched.heartbeat().code == 0, "the next writer goes on, and the witness finds that it only grew"
    assert watched.audit() == (0, {})


@contextlib.contextmanager
def killed_witness(world: World, memory: Path) -> Iterator[None]:
    """The audit party's witness in a process of its own, which is killed in the end."""
    run = ["witness", "run", str(memory), "--name", WITNESS.name, "--key", world.key("witness"), "--log", LOG.vkey]
    running = subprocess.Popen(
        command(*run, "--listen", "127.0.0.1:0"), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert running.stdout is not None
    with running.stdout:
        world.url = running.stdout.readline().removeprefix("listening on ").strip()
        try:
            yield
        finally:
            running.kill()
            running.wait(PATIENCE)


def test_the_witness_is_killed_and_asked_for_another_history(world: World, tmp_path: Path) -> None:
    """The witness is killed so that it forgets, and asked to cosign a fork when it is back: it has not forgotten."""
    memory, fork = tmp_path / "memory", tmp_path / "fork"
    assert world.run("witness", "enroll", str(memory), "--log", LOG.vkey).code == 0
    with killed_witness(world, memory):
        world.begin()
        shutil.copytree(world.ledger, fork)
        assert world.heartbeat().code == 0
    gone = world.heartbeat()
    assert (gone.code, gone.err.startswith("not cosigned: audit: ")) == (1, True)
    world.behind(*(Record("heartbeat", moment(hours)) for hours in (1, 2, 3)), folder=fork)
    with killed_witness(world, memory):
        world.ledger, honest = fork, world.ledger
        refused = world.append(world.folder)
        assert (refused.code, "the witness refuses (422)" in refused.err) == (1, True)
        world.ledger = honest
        assert world.heartbeat().code == 0
    assert world.audit() == (0, {})


def test_what_a_killed_append_left_behind_is_not_on_the_ledger(watched: World) -> None:
    """Files of an append that was never acknowledged lie there: no reader takes them for entries."""
    entries = watched.ledger / "tile" / "entries" / "000.p"
    (entries / "2").write_bytes((entries / "1").read_bytes() * 2)
    (watched.ledger / "checkpoint.next").write_bytes(b"half a check")
    assert watched.audit() == (0, {})
    assert watched.heartbeat().code == 0
    assert watched.audit() == (0, {})


def test_a_killed_append_that_filled_a_tile_is_followed_by_other_entries(watched: World, tmp_path: Path) -> None:
    """An append is killed between its tiles and its checkpoint; what is written after it is something else."""
    watched.behind(*[Record("heartbeat", moment())] * 251)
    killed = tmp_path / "killed"
    shutil.copytree(watched.ledger, killed)
    watched.behind(*[Record("heartbeat", moment(1))] * 9, folder=killed)
    shutil.copytree(killed / "tile", watched.ledger / "tile", dirs_exist_ok=True)
    for _ in range(5):
        assert watched.heartbeat().code == 0
    assert watched.audit() == (0, {})
    assert (watched.ledger / "tile" / "entries" / "001.p").exists()
