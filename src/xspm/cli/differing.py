"""How a difference between policies looks on a terminal: worst first, alike changes together."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Final

import click

from xspm.cli.console import coloured, width, wrap
from xspm.errors import one_line
from xspm.policy.difference.interface import WEAKER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xspm.policy.difference.interface import Difference

_TITLES: Final = {
    "removed": "Removed: no longer asked",
    "weakened": "Weakened: shown to ask less",
    "doubtful": "Doubtful: not proven to ask as much",
    "strengthened": "Strengthened",
    "added": "Added",
    "reworded": "Reworded: the same verdicts",
}
_MOST_COLUMNS: Final = 80
_APART: Final = 3
"""Checks with the same change that are listed one by one."""


def print_difference(found: Difference) -> None:
    """Print whether it needs the signatures of both parties, and why."""
    said = "weaker: needs the signatures of both parties" if found.weaker else "not weaker"
    click.echo(_styled(said, "red" if found.weaker else "green"))
    for kind, some in groupby(found.changes, key=lambda change: change.kind):
        changes = list(some)
        title = f"{_TITLES[kind]} ({len({change.check for change in changes})})"
        click.echo("\n" + _styled(title, "red" if kind in WEAKER else None))
        alike: dict[tuple[str, str], list[str]] = {}
        for change in changes:
            alike.setdefault((change.why, change.proof), []).append(change.check)
        for (why, proof), checks in alike.items():
            if len(checks) > _APART:
                _print_alike(why, proof, checks, names=kind in WEAKER)
        apart = [change for change in changes if len(alike[change.why, change.proof]) <= _APART]
        for check, own in groupby(apart, key=lambda change: change.check):
            _wrapped(check, 2)
            for change in own:
                _wrapped(change.why, 4)
                _wrapped(change.proof, 6)
    if not found.changes:
        click.echo("nothing is asked otherwise")
    if found.unchanged:
        checks_ask = "1 check asks" if found.unchanged == 1 else f"{found.unchanged} checks ask"
        click.echo(f"\n{checks_ask} the same as before")


def _print_alike(why: str, proof: str, checks: Sequence[str], *, names: bool) -> None:
    """Print a change that many checks have: family by family, with the names where something is asked less."""
    _wrapped(f"{len(checks)} checks: {why}", 2)
    _wrapped(proof, 6)
    for family, some in groupby(checks, key=lambda check: check.rpartition(".")[0]):
        members = [check.rpartition(".")[2] for check in some]
        _wrapped(f"{family}: {', '.join(members) if names else len(members)}", 4)


def _wrapped(text: str, indent: int) -> None:
    if text:
        lead = " " * indent
        room = min(width(), _MOST_COLUMNS)
        line = "\n".join(wrap(one_line(text), room, lead, lead + "  "))
        click.echo(line)


def _styled(text: str, colour: str | None) -> str:
    return click.style(text, fg=colour, bold=True) if coloured() else text
