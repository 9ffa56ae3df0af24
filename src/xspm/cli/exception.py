"""`xspm exception`: ask for an exception, approve one, and see which are in force."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from xspm.app import exceptions as app
from xspm.app.scan import now
from xspm.cli.agreeing import agree, degraded_line, opened, people_line
from xspm.cli.console import OUTPUT, print_json, print_table, print_text
from xspm.cli.contracting import CONTRACT, KEY, ROOT, signer
from xspm.cli.passphrase import PASSPHRASE_FILE
from xspm.errors import ContractError

if TYPE_CHECKING:
    from xspm.contract.terms import Terms


@click.group("exception")
def exception() -> None:
    """Ask for exceptions, approve them, and see which are in force.

    One side asks, the other approves: nobody approves what they ask for, nor for what they answer for.

    \b
    Examples:
      xspm exception request --key dave.key --check linux.sshd.permits_no_root_login \\
        --asset host:db-1 --resource sshd --expires 2027-01-31 \\
        --reason "The vendor's appliance logs in so" --compensation "only from the jump host"
      xspm exception approve contract/exceptions/….dsse.json --key alice.key
      xspm exception list
    """


@exception.command("request")
@click.option("--check", required=True, metavar="ID", help="The check, by its id.")
@click.option("--asset", required=True, metavar="ID", help="The asset, by its id: host:db-1.")
@click.option(
    "--resource", "resources", required=True, multiple=True, metavar="ID", help="A resource's id; repeatable."
)
@click.option("--reason", required=True, metavar="TEXT", help="Why the check cannot hold.")
@click.option("--compensation", required=True, metavar="TEXT", help="What is done instead.")
@click.option("--expires", required=True, metavar="DATE", help="The last day, as 2027-01-31.")
@KEY
@CONTRACT
@ROOT
@PASSPHRASE_FILE
@OUTPUT
def request(  # noqa: PLR0917 - as many as there are flags
    check: str,
    asset: str,
    resources: tuple[str, ...],
    reason: str,
    compensation: str,
    expires: str,
    key: str,
    contract: str | None,
    root: str | None,
    passphrase_file: str | None,
    output: str,
) -> None:
    """Ask for an exception: write a request, signed by you, into the contract's folder.

    \b
    Examples:
      xspm exception request --key dave.key --check linux.sshd.permits_no_root_login \\
        --asset host:db-1 --resource sshd --expires 2027-01-31 \\
        --reason "The vendor's appliance logs in so" --compensation "only from the jump host"
    """
    moment = now()
    trusted = opened(contract, root, moment)
    asked = app.Asked(check, asset, resources, reason, compensation, expires)
    made = app.request(trusted, asked, signer(key, passphrase_file), moment)
    if output == "json":
        print_json(made)
        return
    print_text(f"{made.file}\n{made.state}: {made.why}" if made.why else f"{made.file}\n{made.state}")
    degraded_line(trusted.terms, moment)


@exception.command("approve")
@click.argument("file", type=click.Path())
@click.option("--yes", is_flag=True, help="Sign without being asked.")
@KEY
@CONTRACT
@ROOT
@PASSPHRASE_FILE
def approve(
    file: str, *, yes: bool, key: str, contract: str | None, root: str | None, passphrase_file: str | None
) -> None:
    """Sign an exception that somebody else asks for, after a look at it.

    \b
    Examples:
      xspm exception approve contract/exceptions/….dsse.json --key alice.key
    """
    moment = now()
    trusted = opened(contract, root, moment)
    found = app.look(trusted, Path(file), moment)
    _print(found, trusted.terms, moment)
    if found.state in {"refused", "expired"}:
        raise ContractError(found.why, file=file)
    agree(yes=yes)
    done = app.approve(trusted, Path(file), found.digest, signer(key, passphrase_file), moment)
    print_text(f"\n{done.state}: {done.why}" if done.why else f"\n{done.state}")


@exception.command("list")
@CONTRACT
@ROOT
@OUTPUT
def list_(contract: str | None, root: str | None, output: str) -> None:
    """List every exception in the contract's folder with its state, and who is missing or why it is refused.

    \b
    Examples:
      xspm exception list
      xspm exception list --contract contract/ --output json
    """
    moment = now()
    trusted = opened(contract, root, moment)
    found = app.listed(trusted, moment)
    if output == "json":
        print_json({"exceptions": found, "degraded": trusted.terms.degraded})
        return
    if found:
        print_table([(_state(one), _line(one)) for one in found], ("STATE", "EXCEPTION"))
    else:
        print_text("no exceptions")
    degraded_line(trusted.terms, moment)


@exception.command("show")
@click.argument("file", type=click.Path())
@CONTRACT
@ROOT
@OUTPUT
def show(file: str, contract: str | None, root: str | None, output: str) -> None:
    """Show one exception: what it is from, who signed, and who is missing.

    \b
    Examples:
      xspm exception show contract/exceptions/….dsse.json
    """
    moment = now()
    trusted = opened(contract, root, moment)
    found = app.look(trusted, Path(file), moment)
    if output == "json":
        print_json(found)
        return
    _print(found, trusted.terms, moment)


def _state(one: app.Listed) -> str:
    return one.state + (" (degraded)" if one.degraded and one.state == "in force" else "")


def _line(one: app.Listed) -> str:
    text = one.text
    if text is None:
        return f"{one.file}: {one.why}"
    return (
        f"{text.check} on {text.asset}: {', '.join(text.resources)}; until {text.expires}; asked for by"
        f" {text.requested_by}; {one.why or f'approved by {people_line(one.counted)}'}"
    )


def _print(found: app.Listed, terms: Terms, moment: str) -> None:
    """Show an exception to a person, each thing on lines of its own."""
    text = found.text
    if text is not None:
        print_text(f"check         {text.check}")
        print_text(f"asset         {text.asset}")
        for resource in text.resources:
            print_text(f"resource      {resource}")
        print_text(f"reason        {text.reason}")
        print_text(f"compensation  {text.compensation}")
        print_text(f"expires       {text.expires}")
        print_text(f"asked for by  {text.requested_by} at {text.requested_at}")
    if found.signed:
        print_text(f"signed by     {people_line(found.signed)}")
    print_text(f"state         {found.state}{': ' if found.why else ''}{found.why}")
    degraded_line(terms, moment)


COMMAND = exception
