from __future__ import annotations

import re
import subprocess
import sys

import msgspec
import pytest

from xspm.model.asset import Location, Problem
from xspm.model.verdict import Failure, Run
from xspm.report import terminal
from xspm.report.ansi import width_of


@pytest.mark.parametrize("width", [50, 60, 80, 120])
@pytest.mark.parametrize("verbose", [False, True])
def test_no_line_is_wider_than_the_terminal(run: Run, width: int, verbose: bool) -> None:  # noqa: FBT001
    text = terminal.render(run, width=width, verbose=verbose, explain_score=True)
    assert [line for line in text.splitlines() if width_of(line) > width or line != line.rstrip()] == []


def test_colour_only_repeats_the_words(run: Run) -> None:
    coloured = terminal.render(run, colour=True)
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == terminal.render(run)
    assert set(re.findall(r"\x1b\[([0-9;]*)m", coloured)) <= {
        "0",
        "1",
        "2",
        "31",
        "32",
        "33",
        "35",
        "36",
        "1;31",
        "1;32",
        "1;35",
    }


def test_lists_are_folded_unless_verbose(run: Run) -> None:
    assert "… and 3 more" in terminal.render(run)
    assert "… and" not in terminal.render(run, verbose=True)


def test_last_line_is_the_gate(run: Run, empty: Run) -> None:
    assert terminal.render(run, width=200).splitlines()[-1] == (
        "Gate fails: 10 fail and 9 unknown of severity high or worse, 1 thing that could not be read; 1 target could not be assessed"
    )
    assert (
        terminal.render(empty).splitlines()[-1]
        == "Gate passes: nothing of severity high or worse fails or is undecided"
    )


def test_files_that_could_not_be_read_come_first_and_once(run: Run) -> None:
    """What leaves every check of a type undecided is one thing to mend, however many files it is."""
    types = tuple(f"k8s.type{number}" for number in range(20))
    problems = tuple(
        Problem("format", "looks like a template", types, Location(f"{name}.yaml", 3), "run helm template")
        for name in ("a", "b", "c")
    )
    (first, *_) = run.assessments
    lost = msgspec.structs.replace(run, assessments=(msgspec.structs.replace(first, problems=problems),))
    text = terminal.render(lost, width=80)
    assert text.index("3 files could not be read: looks like a template") < text.index("fix:")
    assert text.count("looks like a template") == 1
    assert text.count("hint: run helm template") == 1
    assert "incomplete: all 20 resource types" in text
    assert all(f"{name}.yaml:3" in text for name in ("a", "b", "c"))
    assert ", ".join(types[:3]) in " ".join(terminal.render(lost, width=80, verbose=True).split())


def test_a_gate_does_not_pass_over_a_target_that_could_not_be_read(empty: Run) -> None:
    unread = msgspec.structs.replace(empty, failures=(Failure("ssh://a", "refused"),))
    assert terminal.render(unread, width=200).splitlines()[-1].startswith("Gate is not decided: ")
    assert "unread    ssh://a: refused" in terminal.render(unread)


def test_a_name_cannot_command_a_build_service(run: Run) -> None:
    item = run.assessments[0]
    evil = msgspec.structs.replace(
        item.verdicts[0], resource_name="::stop-commands::x", message="a ##vso[task.x]y ##[error]"
    )
    text = terminal.render(msgspec.structs.replace(run, assessments=(msgspec.structs.replace(item, verdicts=(evil,)),)))
    assert not re.search(r"^\s*::\w", text, re.MULTILINE)
    assert not re.search(r"##\w*\[", text)


def test_rendering_does_not_import_rich() -> None:
    script = "import sys, xspm.report.terminal; print(sorted(m for m in sys.modules if m.split('.')[0] in ('rich', 'html', 'csv')))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
