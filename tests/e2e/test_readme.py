"""What the README says to type works, and what it shows is what comes out."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest

from xspm.cli import run

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS: list[tuple[str, str]] = re.findall(r"^```(\w+)\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
LINES = [line[2:] for kind, text in BLOCKS if kind == "console" for line in text.splitlines() if line.startswith("$ ")]
NEEDS_MORE = ("ssh://", "helm ", "host ", "make ", "contract")
"""What cannot run here: other hosts and tools, a whole machine, a contract (the tour runs), the commands that CI runs."""
COMMANDS = [line for line in LINES if not any(word in line for word in NEEDS_MORE)]


def _texts(kind: str, start: str) -> str:
    return next(text for block, text in BLOCKS if block == kind and text.startswith(start))


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the examples, and with the check and the exception that the README writes."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    policies = tmp_path / ".xspm"
    (policies / "checks" / "acme").mkdir(parents=True)
    (policies / "checks" / "acme" / "image_is_ours.yaml").write_text(_texts("yaml", "title:"))
    (policies / "exceptions.yaml").write_text(_texts("yaml", "# .xspm/exceptions.yaml"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_there_is_something_to_type() -> None:
    assert len(COMMANDS) >= 5


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_of_the_readme_works(line: str, checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if "check new" in line:
        (checkout / ".xspm" / "checks" / "acme" / "image_is_ours.yaml").unlink()
    code = run(shlex.split(line.partition("#")[0])[1:])
    out, err = capsys.readouterr()
    assert (code in {0, 1}, err) == (True, "")
    assert out


@pytest.mark.usefixtures("checkout")
def test_the_check_of_the_readme_passes_its_examples(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", "test", "acme.*"]) == 0
    assert capsys.readouterr().out.strip() in README


@pytest.mark.usefixtures("checkout")
def test_the_exception_of_the_readme_is_in_force(capsys: pytest.CaptureFixture[str]) -> None:
    run(["scan", "examples/kubernetes"])
    assert "reviewed in SEC-142" in capsys.readouterr().out


def test_every_file_the_readme_links_to_exists() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
