from __future__ import annotations

import os
import stat
import threading
from typing import TYPE_CHECKING

import pytest

from xspm.errors import ReportError
from xspm.report.interface import (
    SUFFIXES,
    TABLE,
    Format,
    InParts,
    Output,
    format_for,
    load,
    parse_output,
    refuse_unwritable,
    rendered,
    write,
    write_all,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from xspm.model.verdict import Run


@pytest.mark.parametrize("name", TABLE)
def test_every_format_is_what_the_table_says(name: str, run: Run, empty: Run) -> None:
    format_ = load(name)
    assert isinstance(format_, Format)
    assert format_.name == name
    assert set(format_.suffixes) == {suffix for suffix, format_name in SUFFIXES.items() if format_name == name}
    assert format_.render(run) == format_.render(run)
    assert format_.render(run).endswith("\n")
    assert format_.render(empty)


@pytest.mark.parametrize("name", TABLE)
def test_no_format_lets_evidence_act(name: str, run: Run) -> None:
    """Neither a terminal, nor a browser, nor a parser gets a hostile name raw."""
    report = load(name).render(run)
    assert not [c for c in report if (ord(c) < 32 and c != "\n") or 0x7F <= ord(c) < 0xA0 or c in "\u202e\u2028"]
    if name in {"html", "junit"}:
        assert "<script" not in report


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("json=report.json", Output("json", "report.json")),
        ("sarif:out/x.json", Output("sarif", "out/x.json")),
        ("md=-", Output("markdown", "-")),
        ("JUnit=a=b.xml", Output("junit", "a=b.xml")),
        ("report.SARIF", Output("sarif", "report.SARIF")),
        ("report.sarif.json", Output("sarif", "report.sarif.json")),
        ("a=b.html", Output("html", "a=b.html")),
        ("C:\\r.csv", Output("csv", "C:\\r.csv")),
        ("json", Output("json", "-")),
        ("text", Output("terminal", "-")),
    ],
)
def test_parse_output(text: str, expected: Output) -> None:
    assert parse_output(text) == expected


@pytest.mark.parametrize("text", ["", "report", "report.pdf", "json=", "pdf=x.pdf", "x\x1b.bin"])
def test_parse_output_refuses(text: str) -> None:
    with pytest.raises(ReportError) as caught:
        parse_output(text)
    assert caught.value.hint
    assert "\x1b" not in caught.value.diagnostics()


def test_load_refuses_what_is_not_in_the_table() -> None:
    with pytest.raises(ReportError, match="there is no report format 'pdf'"):
        load("pdf")


def test_format_for_names_the_format() -> None:
    assert [format_for(path) for path in ("a.xml", "a.markdown", "a.htm", "a.txt")] == [
        "junit",
        "markdown",
        "html",
        "terminal",
    ]


def test_write_replaces_and_keeps_the_mode(tmp_path: Path) -> None:
    target = tmp_path / "report.txt"
    target.write_text("old")
    target.chmod(0o640)
    write(str(target), "é\ud800\n")
    assert target.read_bytes() == "é\\ud800\n".encode()
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert os.listdir(tmp_path) == ["report.txt"]  # noqa: PTH208


def test_write_follows_a_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("real")
    write(str(tmp_path / "link"), "x")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "x"


def test_write_to_a_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    got: list[str] = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_text()))
    reader.start()
    write(str(pipe), "through")
    reader.join(5)
    assert got == ["through"]


@pytest.mark.parametrize("path", ["", "no/such/folder/x.txt", "a\0b", "x" * 300])
def test_write_says_what_it_could_not_write(path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ReportError, match="the report could not be written"):
        write(path, "x")
    assert list(tmp_path.iterdir()) == []


def test_a_failed_or_interrupted_write_leaves_the_old_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "report.txt"
    target.write_text("old")

    def interrupt(_handle: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write(str(target), "new")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]


@pytest.mark.parametrize("name", TABLE)
def test_parts_are_the_whole_report(name: str, run: Run, empty: Run) -> None:
    for one in (run, empty):
        assert "".join(rendered(name, one)) == load(name).render(one)
    assert isinstance(load("json"), InParts)


def test_write_to_an_open_pipe_by_its_number() -> None:
    """As a shell's `>(command)` names it: the link leads to no path."""
    reading, writing = os.pipe()
    with os.fdopen(reading) as pipe:
        refuse_unwritable(f"/dev/fd/{writing}")
        write(f"/dev/fd/{writing}", "through")
        os.close(writing)
        assert pipe.read() == "through"


def test_parts_reach_files_and_pipes(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    got: list[str] = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_text()))
    reader.start()
    write_all({str(tmp_path / "file"): iter(("a", "é\n")), str(pipe): iter(("b", "c"))})
    reader.join(5)
    assert [(tmp_path / "file").read_text("utf-8"), *got] == ["aé\n", "bc"]


def test_a_part_that_cannot_be_made_leaves_every_old_report(tmp_path: Path) -> None:
    def broken() -> Iterator[str]:
        yield "half"
        raise RuntimeError

    for name in ("first", "second"):
        (tmp_path / name).write_text("old")
    with pytest.raises(RuntimeError):
        write_all({str(tmp_path / "first"): "new", str(tmp_path / "second"): broken()})
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old", "old"]
