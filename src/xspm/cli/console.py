"""What commands share for talking to a person: colour, width, tables, progress, JSON."""

from __future__ import annotations

import contextlib
import os
import sys
import textwrap
from typing import TYPE_CHECKING, Any, Final, TextIO

import click
import msgspec

from xspm.cli import completing
from xspm.report.text import clean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

OUTPUT = click.option(
    "--output",
    "-o",
    "output",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="What to print.",
)

POLICY = click.option(
    "--policy",
    "-p",
    "policies",
    multiple=True,
    metavar="PATH",
    help="A further policy folder or file; repeatable.",
    shell_complete=completing.FILES,
)


def coloured() -> bool:
    """Whether standard output is a terminal that wants colour (https://no-color.org)."""
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"


_COLUMNS: Final = 80
"""Where nothing says how many there are: a pipe, a file, a log."""


def width(stream: TextIO | None = None) -> int:
    """Columns to write for: what `COLUMNS` says, else the terminal's, 80 when there is none."""
    stream = stream or sys.stdout
    said = os.environ.get("COLUMNS", "")
    columns = int(said) if said.isascii() and said.isdigit() and len(said) < 6 else 0
    if not columns and stream.isatty():
        columns = os.get_terminal_size(stream.fileno()).columns
    return max(40, columns or _COLUMNS)


def print_json(value: Any) -> None:
    """Print a value as indented JSON with sorted keys."""
    click.echo(msgspec.json.format(msgspec.json.encode(value, order="sorted"), indent=2).decode())


def print_table(rows: Sequence[Sequence[str]], header: Sequence[str]) -> None:
    """Print aligned columns; the last one wraps below itself."""
    if not rows:
        return
    rows = [[clean(cell) for cell in row] for row in rows]
    columns = list(zip(header, *rows, strict=True))
    widths = [max(map(len, column)) for column in columns[:-1]]
    start = sum(widths) + 2 * len(widths)
    room = max(24, width() - start)
    for index, row in enumerate((header, *rows)):
        lead = "".join(cell.ljust(size + 2) for cell, size in zip(row, widths, strict=False))
        lines = textwrap.wrap(row[-1], room) or [""]
        for number, line in enumerate(lines):
            text = ((lead if number == 0 else " " * start) + line).rstrip()
            click.echo(click.style(text, bold=True) if index == 0 and coloured() else text)


def wrap(text: str, room: int, first: str = "", rest: str = "") -> list[str]:
    """Wrap a line between words only: a digest or a path that is broken can neither be compared nor copied."""
    return textwrap.wrap(
        text, room, initial_indent=first, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False
    )


def print_text(text: str, indent: str = "") -> None:
    """Print a paragraph wrapped to the width."""
    for paragraph in map(clean, text.split("\n")):
        click.echo("\n".join(wrap(paragraph, width(), indent, indent)))


def print_error(text: str) -> None:
    """Print an error and its hint on standard error: on a terminal wrapped below itself, else a line each."""
    if sys.stderr is None or not sys.stderr.isatty():  # closed by whoever started it, or no terminal
        click.echo(text, err=True)
        return
    room = width(sys.stderr)
    for line in text.split("\n"):
        lead = next((lead for lead in ("xspm: ", "  hint: ") if line.startswith(lead)), "")
        # A line of a source and the caret below it stay as they are.
        wrapped = wrap(line.removeprefix(lead), room, lead, " " * len(lead)) if lead else [line]
        click.echo("\n".join(wrapped), err=True)


def heading(text: str) -> None:
    """Print a heading."""
    click.echo(click.style(clean(text), bold=True) if coloured() else clean(text))


@contextlib.contextmanager
def progress() -> Iterator[Callable[[str], None]]:
    """A line on standard error that says what is being read, gone when done; silent when that is no terminal."""
    if not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        yield lambda _text: None
        return
    from rich.console import Console  # noqa: PLC0415 - costs start-up time that only a terminal is worth
    from rich.markup import escape  # noqa: PLC0415

    from xspm.report.ansi import fit  # noqa: PLC0415 - as above

    console = Console(stderr=True)
    with console.status("reading …", spinner="dots") as status:
        # One line, whatever the name: a second one would stay behind. The spinner takes two columns.
        yield lambda text: status.update(escape(fit(clean(text), max(console.width - 3, 1))))
