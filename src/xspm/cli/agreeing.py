"""What commands share where people ask and approve: the contract at hand, a question, and who signed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from xspm.app.trust import Trusted, open_contract
from xspm.cli.console import coloured
from xspm.errors import UsageError
from xspm.report.text import clean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from xspm.contract.terms import Terms


def opened(folder: str | None, root: str | None, now: str) -> Trusted:
    """Verify the contract in a folder, by default this one or `contract` in it.

    Raises:
        UsageError: there is none here.
        ContractError: it does not verify.
    """
    if folder is None:
        near = (Path(), Path("contract"))
        found = next((one for one in near if (one / "contract.yaml").is_file() or (one / "versions").is_dir()), None)
        if found is None:
            raise UsageError("there is no contract here", hint="name its folder: --contract FOLDER")
        folder = str(found)
    return open_contract(folder, root, now)


def agree(*, yes: bool) -> None:
    """Ask a person whether they sign what they see.

    Raises:
        UsageError: there is nobody to ask.
        click.Abort: they do not.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError("nobody can be asked here whether this is right", hint="--yes signs without being asked")
    click.confirm("\nsign this?", abort=True)


def people_line(people: Mapping[str, tuple[str, ...]]) -> str:
    """People by party: `alice and bob (security), dave (platform)`."""
    return ", ".join(f"{' and '.join(names)} ({party})" for party, names in people.items() if names)


def degraded_line(terms: Terms, now: str) -> None:
    """Say in red that the parties are not kept apart, while that is so."""
    if terms.degraded is None or not terms.degraded.holds(now):
        return
    text = clean(f"DEGRADED until {terms.degraded.until}: {terms.degraded.reason}")
    click.echo(click.style(text, fg="red", bold=True) if coloured() else text)
