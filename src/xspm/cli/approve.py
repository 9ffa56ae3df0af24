"""`xspm approve`: have changes to critical assets approved before or when they are made."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from xspm.app import approvals as app
from xspm.app.drift import state
from xspm.app.scan import now
from xspm.cli.agreeing import agree, degraded_line, opened, people_line
from xspm.cli.console import OUTPUT, print_json, print_table, print_text
from xspm.cli.contracting import CONTRACT, KEY, ROOT, signer
from xspm.cli.passphrase import PASSPHRASE_FILE
from xspm.errors import ContractError, UsageError

if TYPE_CHECKING:
    from xspm.app.trust import Trusted
    from xspm.contract.terms import Terms

_NEEDED = ("asset", "before", "after", "reason", "not_before", "not_after")


@click.group("approve")
def approve() -> None:
    """Approve changes to critical assets: whoever makes one asks, others sign.

    An approval is for one asset, from one state to one other, within a time: it is worth nothing for another change,
    nor later.

    \b
    Examples:
      xspm approve change --key dave.key --asset host:db-1 --before old.json --after new.json \\
        --reason OPS-12 --not-before 2027-01-10T20:00:00Z --not-after 2027-01-10T23:00:00Z
      xspm approve change contract/changes/….dsse.json --key alice.key
      xspm approve list
    """


@approve.command("change", short_help="Ask for the approval of a change, or approve one.")
@click.argument("file", required=False, type=click.Path())
@click.option("--asset", metavar="ID", help="The asset, by its id: host:db-1.")
@click.option("--before", metavar="SNAPSHOT|DIGEST", help="The state that the change starts from.")
@click.option("--after", metavar="SNAPSHOT|DIGEST", help="The state that it leads to.")
@click.option("--reason", metavar="TEXT", help="Why it is made.")
@click.option("--not-before", metavar="TIME", help="When it may be made at the earliest: 2027-01-31T12:00:00Z.")
@click.option("--not-after", metavar="TIME", help="When it must be done.")
@click.option("--yes", is_flag=True, help="Sign without being asked.")
@KEY
@CONTRACT
@ROOT
@PASSPHRASE_FILE
@OUTPUT
def change(file: str | None, **flags: Any) -> None:
    """Ask for the approval of a change that you make; or, with FILE, approve one that somebody else makes.

    \b
    Examples:
      xspm approve change --key dave.key --asset host:db-1 --before old.json --after new.json \\
        --reason OPS-12 --not-before 2027-01-10T20:00:00Z --not-after 2027-01-10T23:00:00Z
      xspm approve change contract/changes/….dsse.json --key alice.key
    """
    given = [name for name in _NEEDED if flags[name] is not None]
    if file is not None and given:
        raise UsageError(f"--{given[0].replace('_', '-')} asks for an approval, and {file} is one that is asked for")
    lacking = [name for name in _NEEDED if flags[name] is None]
    if file is None and lacking:
        raise UsageError(
            f"--{lacking[0].replace('_', '-')} is missing",
            hint="to ask for an approval it takes " + ", ".join(f"--{name.replace('_', '-')}" for name in _NEEDED),
        )
    moment = now()
    trusted = opened(flags["contract"], flags["root"], moment)
    done = _ask(trusted, moment, flags) if file is None else _sign(trusted, file, moment, flags)
    if flags["output"] == "json":
        print_json(done)
        return
    lines = [done.file] if file is None else [""]
    print_text("\n".join([*lines, f"{done.state}: {done.why}" if done.why else done.state]))
    degraded_line(trusted.terms, moment)


def _ask(trusted: Trusted, moment: str, flags: dict[str, Any]) -> app.ListedChange:
    asset = flags["asset"]
    asked = app.AskedChange(
        asset=asset,
        before=state(flags["before"], asset, "--before"),
        after=state(flags["after"], asset, "--after"),
        reason=flags["reason"],
        not_before=flags["not_before"],
        not_after=flags["not_after"],
    )
    return app.ask(trusted, asked, signer(flags["key"], flags["passphrase_file"]), moment)


def _sign(trusted: Trusted, file: str, moment: str, flags: dict[str, Any]) -> app.ListedChange:
    found = app.look(trusted, Path(file), moment)
    if flags["output"] != "json":
        _print(found, trusted.terms, moment)
    if found.state in {"refused", "over"}:
        raise ContractError(found.why, file=file)
    agree(yes=flags["yes"])
    return app.approve(trusted, Path(file), found.digest, signer(flags["key"], flags["passphrase_file"]), moment)


@approve.command("list")
@CONTRACT
@ROOT
@OUTPUT
def list_(contract: str | None, root: str | None, output: str) -> None:
    """List every approval in the contract's folder with its state, and who is missing or why it is refused.

    \b
    Examples:
      xspm approve list --contract contract/
    """
    moment = now()
    trusted = opened(contract, root, moment)
    found = app.listed(trusted, moment)
    if output == "json":
        print_json({"changes": found, "degraded": trusted.terms.degraded})
        return
    if found:
        print_table([(_state(one), _line(one)) for one in found], ("STATE", "CHANGE"))
    else:
        print_text("no approvals of changes")
    degraded_line(trusted.terms, moment)


def _state(one: app.ListedChange) -> str:
    return one.state + (" (degraded)" if one.degraded and one.state == "approved" else "")


def _line(one: app.ListedChange) -> str:
    text = one.text
    if text is None:
        return f"{one.file}: {one.why}"
    window = f"{text.not_before} to {text.not_after}"
    return (
        f"{text.asset} {text.before[:19]} to {text.after[:19]}, {window}: {text.reason}; asked for by"
        f" {text.requested_by}; {one.why or f'approved by {people_line(one.counted)}'}"
    )


def _print(found: app.ListedChange, terms: Terms, moment: str) -> None:
    """Show a change to a person, each thing on lines of its own."""
    text = found.text
    if text is not None:
        print_text(f"asset         {text.asset}")
        print_text(f"before        {text.before}")
        print_text(f"after         {text.after}")
        print_text(f"from          {text.not_before}")
        print_text(f"until         {text.not_after}")
        print_text(f"reason        {text.reason}")
        print_text(f"asked for by  {text.requested_by} at {text.requested_at}")
        print_text(f"wants         {found.wanted}")
    if found.signed:
        print_text(f"signed by     {people_line(found.signed)}")
    print_text(f"state         {found.state}{': ' if found.why else ''}{found.why}")
    degraded_line(terms, moment)


COMMAND = approve
