"""`xspm policy`: list policies and find their mistakes."""

from __future__ import annotations

import click

from xspm.app.policies import DEFAULT_POLICIES, built, listed
from xspm.cli import completing
from xspm.cli.console import OUTPUT, POLICY, print_json, print_table
from xspm.policy.policies import selects


@click.group("policy")
def policy() -> None:
    """List policies and find their mistakes.

    \b
    Examples:
      xspm policy list
      xspm policy lint ./policies
    """


@policy.command("list")
@POLICY
@OUTPUT
def list_(policies: tuple[str, ...], output: str) -> None:
    """List policies and how many checks each selects.

    \b
    Examples:
      xspm policy list --output json
    """
    library = listed(policies).library
    rows = [
        {
            "name": one.name,
            "title": one.title,
            "version": one.version,
            "default": one.name in DEFAULT_POLICIES,
            "checks": sum(
                selects(one, compiled.check, library.requirements.get(check_id, ()))
                for check_id, compiled in library.checks.items()
            ),
        }
        for one in library.policies.values()
    ]
    if output == "json":
        print_json(rows)
        return
    print_table(
        [(str(row["name"]), str(row["checks"]), "yes" if row["default"] else "", str(row["title"])) for row in rows],
        ("POLICY", "CHECKS", "DEFAULT", "TITLE"),
    )


@policy.command("lint", short_help="Find every mistake in policy files, each with its place.")
@click.argument("paths", nargs=-1, metavar="[PATH]...", shell_complete=completing.FILES)
@OUTPUT
def lint(paths: tuple[str, ...], output: str) -> int:
    """Find every mistake in checks, policies, frameworks and exceptions, each with its place.

    PATH is a policy folder or file beside those in reach. Exit codes: 0 no mistake, 2 some.

    \b
    Examples:
      xspm policy lint
      xspm policy lint ./policies --output json
    """
    sources = built(paths)
    if output == "json":
        print_json(
            [
                {
                    "message": error.message,
                    "file": error.file,
                    "line": error.line,
                    "column": error.column,
                    "hint": error.hint,
                }
                for error in sources.errors
            ]
        )
    else:
        for error in sources.errors:
            click.echo(error.diagnostics())
        click.echo(
            f"{len(sources.checks)} checks, {len(sources.library.policies)} policies, "
            f"{len(sources.frameworks)} frameworks: {len(sources.errors)} mistakes"
        )
    return 2 if sources.errors else 0


COMMAND = policy
