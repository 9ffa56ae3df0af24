"""`xspm check`: list, show, write and test checks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from xspm.app import checks as app
from xspm.cli import completing
from xspm.cli.console import OUTPUT, POLICY, coloured, heading, print_json, print_table, print_text
from xspm.errors import UsageError
from xspm.model.check import SEVERITIES, Check
from xspm.report.text import clean, clean_lines, plural

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xspm.app.examples import Trial


@click.group("check")
def check() -> None:
    """List, show, write and test checks.

    \b
    Examples:
      xspm check list --severity critical
      xspm check show linux.sshd.permits_no_root_login
      xspm check new acme.no_root_login --resource linux.sshd
      xspm check test 'acme.*'
    """


@check.command("list")
@click.argument("patterns", nargs=-1, metavar="[ID|PATTERN]...", shell_complete=completing.CHECKS)
@click.option("--severity", type=click.Choice(SEVERITIES), help="Only this severity.")
@click.option("--tag", metavar="TAG", help="Only checks with this tag.")
@click.option("--resource", metavar="TYPE", help="Only checks on this resource type.", shell_complete=completing.TYPES)
@POLICY
@OUTPUT
def list_(patterns: tuple[str, ...], policies: tuple[str, ...], output: str, **only: str | None) -> None:
    """List checks.

    \b
    Examples:
      xspm check list 'k8s.rbac.*'
      xspm check list --tag ssh --output json
    """
    found = [
        one
        for one in app.find(app.shown(policies), patterns)
        if (not only["severity"] or one.severity == only["severity"])
        and (not only["tag"] or only["tag"] in one.tags)
        and (not only["resource"] or one.resource == only["resource"])
    ]
    if output == "json":
        print_json([msgspec.structs.asdict(one) | {"examples": len(one.examples)} for one in found])
        return
    print_table([(one.id, one.severity, one.title) for one in found], ("CHECK", "SEVERITY", "TITLE"))
    click.echo(f"\n{plural(len(found), 'check')}")


@check.command("show", short_help="Show checks whole: what they require, why, and how to mend it.")
@click.argument("check_ids", nargs=-1, required=True, metavar="ID...", shell_complete=completing.CHECKS)
@POLICY
@OUTPUT
def show(check_ids: tuple[str, ...], policies: tuple[str, ...], output: str) -> None:
    """Show checks whole: what each requires, why, how to mend it, and which requirements it answers.

    As JSON one check is an object, several are a list.

    \b
    Examples:
      xspm check show k8s.container.is_not_privileged
    """
    sources = app.shown(policies)
    found: dict[str, Check] = {}
    for check_id in check_ids:
        named = app.find(sources, [check_id])
        if len(named) > 1:
            raise UsageError(f"{check_id!r} names {len(named)} checks", hint="xspm check list shows them")
        found[named[0].id] = named[0]
    requirements = {name: sources.library.requirements.get(name, ()) for name in found}
    if output == "json":
        made = [msgspec.to_builtins(one) | {"requirements": list(requirements[one.id])} for one in found.values()]
        print_json(made[0] if len(made) == 1 else made)
        return
    for number, one in enumerate(found.values()):
        if number:
            click.echo("\n")
        _print_check(one, requirements[one.id])


def _print_check(one: Check, requirements: Sequence[str]) -> None:
    heading(one.title)
    print_text(f"{one.id}  ({one.severity}, on {one.resource})")
    click.echo()
    print_text(one.rationale)
    _section("requires", one.check if one.applies is None else f"{one.check}\n\nwhere\n{one.applies}")
    for parameter in one.parameters:
        _section(
            f"parameter {parameter.name}",
            f"{parameter.description}\ndefault: {msgspec.json.encode(parameter.default).decode()}",
        )
    for remediation in one.remediation:
        _section(f"remediation: {remediation.form}", _content(remediation.content))
    _section("references", "\n".join(one.references))
    if requirements:
        _section("answers", "\n".join(requirements))


def _section(title: str, text: str) -> None:
    click.echo()
    heading(title)
    for line in clean_lines(text).split("\n"):
        click.echo(f"  {line}")


def _content(content: Any) -> str:
    if isinstance(content, str):
        return content
    parts = []
    for path, value in content.items() if isinstance(content, dict) else ():
        text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
        parts.append(f"{path}:\n" + "\n".join(f"  {line}" for line in text.rstrip().split("\n")))
    return "\n".join(parts)


@check.command("new")
@click.argument("check_id", metavar="ID")
@click.option(
    "--resource",
    required=True,
    metavar="TYPE",
    help="What it speaks of; xspm resources lists them.",
    shell_complete=completing.TYPES,
)
def new(check_id: str, resource: str) -> None:
    """Start a check of your own below .xspm/checks/.

    \b
    Examples:
      xspm check new acme.no_root_login --resource linux.sshd
    """
    path = app.new(check_id, resource)
    click.echo(f"{path}\nnext: edit it, then xspm check test {check_id}")


@check.command("test", short_help="Run the examples and remediations of checks.")
@click.argument("patterns", nargs=-1, metavar="[ID|PATTERN|PATH]...", shell_complete=completing.CHECKS_AND_FILES)
@POLICY
@OUTPUT
@click.option(
    "--engine",
    type=click.Choice(["xspm", "reference"]),
    default="xspm",
    show_default=True,
    help="What evaluates the checks.",
)
def test(patterns: tuple[str, ...], policies: tuple[str, ...], output: str, engine: str) -> int:
    """Run the examples of checks, and apply every remediation in code form to its failing example.

    Exit codes: 0 all of them hold, 1 one does not, 2 a check is not sound.

    \b
    Examples:
      xspm check test
      xspm check test 'acme.*' --engine reference
      xspm check test ./policies
    """
    from xspm.app.scan import engine_for  # noqa: PLC0415 - the reference engine is rarely wanted

    folders = [pattern for pattern in patterns if Path(pattern).is_dir()]
    names = [pattern for pattern in patterns if pattern not in folders]
    sources = app.sound((*policies, *folders))
    found = app.find(sources, names)
    if folders and not names:
        found = app.own(sources)
    outcomes = list(app.trials(sources, found, engine_for("reference" if engine == "reference" else "xspm")))
    failed = [trial for trial in outcomes if not trial.passed]
    if output == "json":
        print_json(outcomes)
    else:
        for trial in failed:
            _print_trial(trial)
        kinds = [sum(trial.kind == kind for trial in outcomes) for kind in ("example", "remediation")]
        parts = (plural(len(found), "check"), plural(kinds[0], "example"), plural(kinds[1], "remediation"))
        summary = f"{', '.join(parts)}: {len(failed)} failed"
        click.echo(click.style(summary, fg="red" if failed else "green") if coloured() else summary)
    return 1 if failed else 0


def _print_trial(trial: Trial) -> None:
    where = f"{trial.location.file}:{trial.location.line}: " if trial.location else ""
    click.echo(clean(f"{where}{trial.check}: {trial.name}: {trial.detail}"))


COMMAND = check
