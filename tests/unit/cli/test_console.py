"""Talking to a person: colour only where wanted, tables that fit, nothing that acts."""

from __future__ import annotations

import io
import os
import re
import sys

import pytest

from xspm.cli import console, run


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        return 1


SPINNER = tuple("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏")


def on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Stand at a terminal of 60 columns; called by the test, for pytest sets its own streams after fixtures."""
    shown = Terminal()
    monkeypatch.setattr(sys, "stdout", shown)
    monkeypatch.setattr(sys, "stderr", shown)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(os, "get_terminal_size", lambda *_arguments: os.terminal_size((60, 24)))
    return shown


def test_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    on_a_terminal(monkeypatch)
    assert console.coloured()
    monkeypatch.setenv("TERM", "dumb")
    assert not console.coloured()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "")
    assert not console.coloured()


def test_no_colour_in_a_pipe() -> None:
    assert not console.coloured()
    assert console.width() == 80


@pytest.mark.parametrize(
    ("said", "expected"),
    [("60", 60), ("80", 80), ("140", 140), ("3", 40), ("", 80), ("0", 80), ("-5", 80), ("wide", 80), ("²", 80), ("9" * 9, 80)],
)  # fmt: skip
def test_width_that_the_environment_says(said: str, expected: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", said)
    assert expected == console.width()


def test_what_the_environment_says_goes_before_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    on_a_terminal(monkeypatch)
    monkeypatch.setenv("COLUMNS", "72")
    assert console.width() == 72


@pytest.mark.parametrize(("columns", "expected"), [("60", 60), ("10", 40)])
def test_width(columns: str, expected: int, monkeypatch: pytest.MonkeyPatch) -> None:
    on_a_terminal(monkeypatch)
    monkeypatch.setattr(os, "get_terminal_size", lambda *_arguments: os.terminal_size((int(columns), 24)))
    assert expected == console.width()


def test_table_wraps_its_last_column(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = on_a_terminal(monkeypatch)
    console.print_table([("a", "word " * 20), ("\x1b[2J", "")], ("NAME", "TEXT"))
    lines = terminal.getvalue().splitlines()
    assert max(map(len, lines[1:])) <= 60
    assert lines[0].startswith("\x1b[1mNAME")
    assert lines[1].startswith("a        word")
    assert lines[2].startswith("         word")
    assert lines[-1] == "\\x1b[2J"


DIGEST = "sha256:" + "0123456789abcdef" * 4


def test_a_digest_is_never_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = on_a_terminal(monkeypatch)
    console.print_text(f"follows the version {DIGEST} and so-on", "  ")
    assert f"  {DIGEST}" in terminal.getvalue().splitlines()


def test_an_error_is_wrapped_on_a_terminal_only(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    source = "  " + "resource.name == 'a' && " * 5
    text = f"xspm: a.yaml:1:2: {'word ' * 20}{DIGEST}\n{source}\n  ^\n  hint: {'mend it ' * 10}"
    console.print_error(text)
    assert capsys.readouterr().err == text + "\n"
    terminal = on_a_terminal(monkeypatch)
    console.print_error(text)
    lines = terminal.getvalue().splitlines()
    assert lines[:2] == ["xspm: a.yaml:1:2:" + " word" * 8, "      " + " ".join(["word"] * 11)]
    assert lines[3:6] == ["      " + DIGEST, source, "  ^"]
    assert lines[6].startswith("  hint: mend it")
    assert lines[7].startswith("        it mend")
    assert max(len(line) for line in lines if line != source and DIGEST not in line) <= 60


def test_what_went_wrong_is_wrapped_too(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = on_a_terminal(monkeypatch)
    assert run(["verify", "a-folder-that-is-not-there-and-has-a-long-name", "--contract", "x"]) == 2
    assert all(len(line) <= 60 for line in terminal.getvalue().splitlines())
    assert len(terminal.getvalue().splitlines()) > 1


def test_empty_table(capsys: pytest.CaptureFixture[str]) -> None:
    console.print_table([], ("A",))
    assert capsys.readouterr().out == ""


def test_text_and_headings(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = on_a_terminal(monkeypatch)
    console.heading("h\x07")
    monkeypatch.setenv("NO_COLOR", "1")
    console.heading("h")
    console.print_text("a " * 40 + "\n\nb\u202e", "  ")
    assert terminal.getvalue().startswith("\x1b[1mh\\x07\x1b[0m\nh\n  a a")
    assert terminal.getvalue().endswith("\n\n  b\\u202e\n")


def test_json_is_sorted(capsys: pytest.CaptureFixture[str]) -> None:
    console.print_json({"b": 1, "a": [None]})
    assert capsys.readouterr().out == '{\n  "a": [\n    null\n  ],\n  "b": 1\n}\n'


def test_progress_on_a_terminal_only(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = on_a_terminal(monkeypatch)
    with console.progress() as tell:
        tell("[red]\x1b[2Jfile")
    assert "\x1b[2Jfile" not in terminal.getvalue()
    monkeypatch.setenv("TERM", "dumb")
    with console.progress() as tell:
        tell("silent")
    assert "silent" not in terminal.getvalue()


def test_progress_keeps_to_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second line of it would stay behind."""
    monkeypatch.setenv("COLUMNS", "40")
    terminal = on_a_terminal(monkeypatch)
    with console.progress() as tell:
        tell("manifests/shop/" + "long-name-" * 8 + ".yaml (1488 objects so far)")
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", terminal.getvalue())
    assert [line for line in re.split(r"[\r\n]+", shown) if line and not line.startswith(SPINNER)] == []


def test_a_defect_is_one_line_unless_debugged(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def defect(*_arguments: object, **_named: object) -> None:
        raise ZeroDivisionError("a\nb")

    monkeypatch.setattr("xspm.cli.command.main", defect)
    assert run(["scan"]) == 2
    assert capsys.readouterr().err.splitlines() == [
        "xspm: internal error: ZeroDivisionError: a\\nb",
        "  hint: run again with XSPM_DEBUG=1 and report the traceback",
    ]
    monkeypatch.setenv("XSPM_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        run(["scan"])


def test_an_operating_system_error_that_names_a_file_is_a_defect(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def defect(*_arguments: object, **_named: object) -> None:
        raise OSError(28, "No space left on device", "/some/file")

    monkeypatch.setattr("xspm.cli.command.main", defect)
    assert run(["scan"]) == 2
    assert "internal error: OSError" in capsys.readouterr().err


def test_help_without_arguments(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([]) == 2
    assert "Usage: xspm" in capsys.readouterr().err
