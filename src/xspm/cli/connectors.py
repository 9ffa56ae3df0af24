"""`xspm connectors`: what can be assessed, and what that needs."""

from __future__ import annotations

import click

from xspm import connector
from xspm.cli.console import OUTPUT, heading, print_json, print_text
from xspm.errors import UsageError
from xspm.report.text import clean


@click.group("connectors", invoke_without_command=True)
@OUTPUT
@click.pass_context
def connectors(context: click.Context, output: str) -> None:
    """Show what can be assessed, how targets are written and what reading them needs.

    \b
    Examples:
      xspm connectors
      xspm connectors --output json
      xspm connectors permissions linux
    """
    if context.invoked_subcommand is not None:
        return
    known = [connector.load(name) for name in connector.TABLE]
    if output == "json":
        print_json(
            [
                {
                    "name": one.name,
                    "title": one.title,
                    "targets": list(one.targets),
                    "permissions": list(one.permissions),
                    "resource_types": sorted(spec.name for spec in one.types()),
                }
                for one in known
            ]
        )
        return
    for one in known:
        heading(f"{one.name}: {one.title}")
        print_text(f"targets: {', '.join(one.targets)}", "  ")
        for permission in one.permissions:
            print_text(f"needs: {permission}", "  ")
        click.echo()


@connectors.command("permissions")
@click.argument("name", type=click.Choice(list(connector.TABLE)))
@click.option("--only", metavar="FORM", help="Print the content of one form alone, to put it into its file.")
@OUTPUT
def permissions(name: str, only: str | None, output: str) -> None:
    """Print the exact rights that a connector needs, derived from what it declares that it reads.

    \b
    Examples:
      xspm connectors permissions linux
      xspm connectors permissions linux --only script > xspm-collect
      xspm connectors permissions linux --only sudoers > sudoers.d-xspm
    """
    grants = connector.load(name).grants()
    if only is not None:
        chosen = [grant for grant in grants if grant.form == only]
        if not chosen:
            raise UsageError(f"{name} asks for no {only}", hint=f"one of {', '.join(grant.form for grant in grants)}")
        click.echo(chosen[0].content, nl=not chosen[0].content.endswith("\n"))
        return
    if output == "json":
        print_json([{"form": grant.form, "title": grant.title, "content": grant.content} for grant in grants])
        return
    for grant in grants:
        heading(f"{grant.form}: {grant.title}")
        lines = grant.content.splitlines()
        shown = (
            lines if len(lines) <= _LINES else [*lines[:_LINES], f"… {len(lines) - _LINES} more: --only {grant.form}"]
        )
        for line in shown:
            click.echo(f"  {clean(line)}".rstrip())
        click.echo()


_LINES = 12

COMMAND = connectors
