"""The tour of the separation of powers, typed as it stands, shows what it says."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
TOUR = (ROOT / "docs" / "separation-of-powers.md").read_text(encoding="utf-8")
BLOCKS: list[tuple[str, str]] = re.findall(r"^```(sh|text)\n(.*?)^```", TOUR, re.MULTILINE | re.DOTALL)
MARK = "=== end of block ==="


def test_the_tour_shows_what_it_says(tmp_path: Path) -> None:
    commands = tmp_path / "bin"
    commands.mkdir()
    (commands / "xspm").write_text(f'#!/bin/sh\nexec {sys.executable} -m xspm "$@"\n')
    (commands / "xspm").chmod(0o755)
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    script = "exec 2>&1\n" + "".join(f"{text}\necho '{MARK}'\n" for kind, text in BLOCKS if kind == "sh")
    done = subprocess.run(
        ["/bin/bash", "-c", script],
        cwd=tmp_path,
        env={**os.environ, "PATH": f"{commands}:{os.environ['PATH']}", "COLUMNS": "80"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert "Traceback" not in done.stdout
    said = iter(done.stdout.split(MARK))
    shown = ""
    for kind, text in BLOCKS:
        if kind == "sh":
            shown = _folded(next(said))
        else:
            assert re.search(_pattern(text), shown), f"{text}\n--- is not in ---\n{shown}"


def _folded(text: str) -> str:
    """Without line breaks and runs of blanks, which depend on the width."""
    return " ".join(text.split())


def _pattern(text: str) -> str:
    """What the tour shows, in this order; an ellipsis stands for anything."""
    return ".*?".join(re.escape(part) for part in re.split(r" ?… ?", _folded(text)))
