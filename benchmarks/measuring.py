"""What the benchmarks share: commands run as whole processes with their CPU time and memory, and peers in environments of their own.

Machines are shared and noisy, so commands are run in turn, round by round, and figures are medians; what is claimed is the ratio within one run.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

PEERS = Path(os.environ.get("XSPM_BENCH_PEERS", Path.home() / ".cache" / "xspm-benchmark-peers"))
"""Where peers are installed, once."""

XSPM = Path(sys.executable).with_name("xspm")


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
    started = time.perf_counter()
    with subprocess.Popen(
        command,
        cwd=cwd,
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        output = process.stdout.read() if process.stdout else b""
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - started
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, process.returncode, output)


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
