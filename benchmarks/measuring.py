"""What the benchmarks share: commands run as whole processes with their CPU time and memory, and peers in environments of their own.

Machines are shared and noisy, so commands are run in turn, round by round, and figures are medians; what is claimed is the ratio within one run.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

PEERS = Path(os.environ.get("XSPM_BENCH_PEERS", Path.home() / ".cache" / "xspm-benchmark-peers"))
"""Where peers are installed, once."""

XSPM = Path(sys.executable).with_name("xspm")

_LAUNCHER = """
import os, sys, time
tell = int(sys.argv[1])
os.set_inheritable(tell, False)
started = time.perf_counter()
pid = os.posix_spawnp(sys.argv[2], sys.argv[2:], os.environ)
_, status, usage = os.wait4(pid, 0)
wall = time.perf_counter() - started
os.write(tell, f"{status} {wall} {usage.ru_utime + usage.ru_stime} {usage.ru_maxrss}".encode())
"""
"""Starts a command and tells what it cost. Linux counts the memory of the process that starts another into the peak of
the other, and a benchmark that holds reports in memory is larger than what it measures; this one is small.
"""


class Cost(NamedTuple):
    """What one run of a command cost."""

    wall: float
    """Seconds."""
    cpu: float
    """User and system seconds of the process and its children."""
    memory: float
    """Peak resident size of the largest process, MB."""
    code: int
    output: bytes


def run(command: list[str], *, cwd: Path | None = None, env: dict[str, str] | None = None) -> Cost:
    """Run a command to its end and say what it cost."""
    told, tell = os.pipe()
    with subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _LAUNCHER, str(tell), *command],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        pass_fds=[tell],
    ) as process:
        os.close(tell)
        output = process.stdout.read() if process.stdout else b""
    with os.fdopen(told) as pipe:
        status, wall, cpu, memory = pipe.read().split()
    return Cost(float(wall), float(cpu), int(memory) / 1024, os.waitstatus_to_exitcode(int(status)), output)


def alternate(commands: dict[str, list[str]], rounds: int, cwd: Path | None = None) -> dict[str, Cost]:
    """Run commands in turn for some rounds; each one's median costs, with the last output."""
    costs: dict[str, list[Cost]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            costs[name].append(run(command, cwd=cwd))
    return {
        name: Cost(
            statistics.median(cost.wall for cost in of),
            statistics.median(cost.cpu for cost in of),
            max(cost.memory for cost in of),
            of[-1].code,
            of[-1].output,
        )
        for name, of in costs.items()
    }


def peer(name: str, *packages: str) -> Path:
    """The bin folder of an environment with some packages, made on first use."""
    folder = PEERS / name
    if not (folder / "ready").exists():
        print(f"installing {' '.join(packages)} …", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        subprocess.run([str(folder / "bin" / "python"), "-m", "pip", "--quiet", "install", *packages], check=True)
        (folder / "ready").touch()
    return folder / "bin"
