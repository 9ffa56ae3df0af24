"""`xspm policy`: list policies, find their mistakes, bundle them, compare bundles."""

from __future__ import annotations

import os

import click

from xspm.app.policies import DEFAULT_POLICIES, built, listed
from xspm.cli import completing
from xspm.cli.console import OUTPUT, POLICY, print_json, print_table
from xspm.errors import UsageError
from xspm.policy.policies import selects
from xspm.report.text import plural


@click.group("policy")
def policy() -> None:
    """List policies, find their mistakes, bundle and compare them.

    \b
    Examples:
      xspm policy list
      xspm policy lint ./policies
      xspm policy bundle -o acme.bundle.json
      xspm policy diff acme.bundle.json ./policies
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
    strangers = [name for name in paths if not os.path.lexists(name) and name not in sources.library.policies]
    if strangers:
        raise UsageError(f"{strangers[0]!r} is neither a path nor the name of a policy", hint="xspm policy list")
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
            f"{plural(len(sources.checks), 'check')}, {plural(len(sources.library.policies), 'policy', 'policies')}, "
            f"{plural(len(sources.frameworks), 'framework')}: {plural(len(sources.errors), 'mistake')}"
        )
    return 2 if sources.errors else 0


@policy.command("bundle", short_help="Put everything in force into one text, with one digest.")
@POLICY
@click.option("-o", "--output", "path", required=True, metavar="FILE", help="Where to write it; - is standard output.")
def bundle(policies: tuple[str, ...], path: str) -> None:
    """Put every check, policy and framework in force into one text that a contract names by its digest.

    The same files give the same bytes, wherever and whenever. Every file is compiled first, and a mistake in any of
    them ends it. Exceptions are left out: they are approved one by one.

    \b
    Examples:
      xspm policy bundle -o acme.bundle.json
      xspm policy bundle -p ./policies -p acme-baseline -o acme.bundle.json
    """
    from xspm.app import bundle as bundling  # noqa: PLC0415 - compiles, which listings do not

    made = bundling.bundle(policies)
    for file in made.left_out:
        click.echo(f"left out: {file}", err=True)
    if path == "-":
        click.echo(made.text, nl=False)
        click.echo(made.digest, err=True)
        return
    bundling.write_bundle(made, path)
    click.echo(f"{made.digest}  {path}")
    click.echo(f"{made.checks} checks; in force: {', '.join(made.policies)}")


@policy.command("diff", short_help="Say what new policies change: what is asked less, or may be.")
@click.argument("old", shell_complete=completing.FILES)
@click.argument("new", shell_complete=completing.FILES)
@click.option(
    "--evidence",
    multiple=True,
    metavar="FILE|FOLDER",
    help="Recorded snapshots to try both on; repeatable. They can only show more weakenings.",
    shell_complete=completing.FILES,
)
@OUTPUT
def diff(old: str, new: str, evidence: tuple[str, ...], output: str) -> int:
    """Say what NEW policies change against OLD ones: checks removed, weakened or strengthened.

    OLD and NEW are bundles (*.json), policy folders beside what xspm ships, or the word `shipped`. What changed is
    decided by what checks mean: by proof, and by running both versions over the examples of both and over recorded
    evidence. What is neither proven nor shown is doubtful and counts as weaker. Exit codes: 0 not weaker, 1 weaker, 2
    not comparable.

    \b
    Examples:
      xspm policy diff acme-1.bundle.json acme-2.bundle.json
      xspm policy diff shipped ./policies --evidence ./results
      xspm policy diff acme.bundle.json shipped --output json
    """
    from xspm.app import difference  # noqa: PLC0415 - compiles, which listings do not
    from xspm.cli.differing import print_difference  # noqa: PLC0415

    before, after = difference.side(old), difference.side(new)
    found = difference.compare(before, after, difference.recorded(evidence))
    if output == "json":
        print_json(
            {
                "old": before.digest,
                "new": after.digest,
                "weaker": found.weaker,
                "changes": found.changes,
                "unchanged": found.unchanged,
            }
        )
    else:
        print_difference(found)
    return 1 if found.weaker else 0


COMMAND = policy
