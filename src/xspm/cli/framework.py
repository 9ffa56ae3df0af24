"""`xspm framework`: requirements, the checks that answer them, and their status."""

from __future__ import annotations

from collections import Counter

import click
import msgspec

from xspm.app import frameworks as app
from xspm.app.policies import in_force, listed
from xspm.app.scan import Request, scan
from xspm.cli import completing
from xspm.cli.console import OUTPUT, POLICY, heading, print_json, print_table, progress
from xspm.errors import one_line


@click.group("framework")
def framework() -> None:
    """Show frameworks, their checks and their status.

    \b
    Examples:
      xspm framework list
      xspm framework show pss
      xspm framework show cis-controls host examples/
    """


@framework.command("list")
@POLICY
@OUTPUT
def list_(policies: tuple[str, ...], output: str) -> None:
    """List frameworks and how much of each checks can answer.

    \b
    Examples:
      xspm framework list --output json
    """
    sources = listed(policies)
    found = []
    for name, one in sources.frameworks.items():
        counts = Counter(row.status for row in app.rows(sources, one, None))
        found.append(
            {
                "name": name,
                "title": one.title,
                "requirements": len(one.requirements),
                "checked": counts["checked"],
                "no_check_yet": counts["no check yet"],
                "not_answerable": counts["not answerable"],
            }
        )
    if output == "json":
        print_json(found)
        return
    header = ("FRAMEWORK", "REQUIREMENTS", "CHECKED", "NO CHECK YET", "NOT ANSWERABLE", "TITLE")
    keys = ("name", "requirements", "checked", "no_check_yet", "not_answerable", "title")
    print_table([[str(row[key]) for key in keys] for row in found], header)


@framework.command("show", short_help="Show each requirement and the checks that answer it.")
@click.argument("name", shell_complete=completing.FRAMEWORKS)
@click.argument("targets", nargs=-1, metavar="[TARGET]...", shell_complete=completing.TARGETS)
@click.option(
    "--policy",
    "-p",
    "policies",
    multiple=True,
    metavar="PATH|NAME",
    help="Policy folder, file or name; repeatable.",
    shell_complete=completing.POLICIES,
)
@OUTPUT
def show(name: str, targets: tuple[str, ...], policies: tuple[str, ...], output: str) -> int:
    """Show each requirement, the checks that answer it and, for TARGETs, its status.

    NAME may be cut short where one framework begins so. TARGETs are written as for xspm scan.

    \b
    Examples:
      xspm framework show pss-1.37 deploy/
      xspm framework show nist-csf-2.0 --output json
    """
    sources = listed(policies)
    one = app.find(sources, name)
    run = None
    if targets:
        with progress() as tell:
            run = scan(Request(targets=targets, in_force=in_force(policies)), tell)
    rows = app.rows(sources, one, run)
    if output == "json":
        print_json(
            {
                "name": one.name,
                "title": one.title,
                "url": one.url,
                "requirements": [msgspec.structs.asdict(row) for row in rows],
            }
        )
    else:
        heading(f"{one.title} {one.version}")
        click.echo(f"{one.publisher}, {one.url}\n")
        print_table(
            [(row.id, row.status, f"{row.title}{_detail(row)}") for row in rows],
            ("REQUIREMENT", "STATUS", "WHAT IT ASKS"),
        )
        counts = Counter(row.status for row in rows)
        click.echo("\n" + ", ".join(f"{count} {status}" for status, count in counts.most_common()) + f" of {len(rows)}")
    for failure in run.failures if run else ():
        click.echo(f"xspm: {one_line(f'{failure.target}: {failure.message}')}", err=True)
    return 2 if run and run.failures else 0


def _detail(row: app.Row) -> str:
    shown = list(row.checks[:3]) + (["…"] if len(row.checks) > 3 else [])
    parts = [part for part in (row.detail, ", ".join(shown)) if part]
    return f" [{'; '.join(parts)}]" if parts else ""


COMMAND = framework
