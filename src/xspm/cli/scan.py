"""`xspm scan`: assess targets against policy and report."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, Final

import click

from xspm.app.policies import in_force
from xspm.app.scan import Request, collect, report
from xspm.cli import completing
from xspm.cli.console import coloured, print_error, progress, width
from xspm.connector import Options
from xspm.errors import UsageError, one_line
from xspm.model.check import SEVERITIES
from xspm.report.interface import STANDARD_OUTPUT, Output, Text, parse_output, refuse_unwritable, rendered, write_all

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from xspm.cli.contracted import Contracted
    from xspm.model.verdict import Run


FILE_COLUMNS: Final = 100
"""Width of a report for people in a file."""


@click.command("scan")
@click.argument("targets", nargs=-1, metavar="TARGET...", shell_complete=completing.TARGETS)
@click.option(
    "--policy",
    "-p",
    "policies",
    multiple=True,
    metavar="PATH|NAME",
    help="Policy folder, file or name; repeatable.",
    shell_complete=completing.POLICIES,
)
@click.option("--exceptions", type=click.Path(), help="A file of exceptions besides .xspm/exceptions.yaml.")
@click.option(
    "--output",
    "-o",
    "outputs",
    multiple=True,
    metavar="FORMAT[=PATH]|PATH",
    help="Report to write, to standard output without PATH; repeatable.",
    shell_complete=completing.FORMATS,
)
@click.option(
    "--fail-on",
    type=click.Choice([*SEVERITIES, "never"]),
    default="high",
    show_default=True,
    help="Least severity that exits with 1.",
)
@click.option("--allow-unknown", is_flag=True, help="Let what could not be decided through the gate.")
@click.option(
    "--engine",
    type=click.Choice(["xspm", "reference"]),
    default="xspm",
    show_default=True,
    help="What evaluates the checks.",
)
@click.option("--verbose", "-v", is_flag=True, help="Show every resource and every unknown.")
@click.option("--explain-score", is_flag=True, help="Show how the score comes about.")
@click.option("--no-cache", is_flag=True, help="Compile every policy file anew.")
@click.option("--sudo", is_flag=True, help="Read remote hosts with sudo -n.")
@click.option(
    "--collector", metavar="PATH", help="Program that sudo allows on remote hosts: xspm connectors permissions."
)
@click.option("--identity", "-i", metavar="FILE", help="Private key for ssh targets.", shell_complete=completing.FILES)
@click.option("--known-hosts", metavar="FILE", help="Known hosts for ssh targets.", shell_complete=completing.FILES)
@click.option("--ssh-config", metavar="FILE", help="Configuration for ssh targets.", shell_complete=completing.FILES)
@click.option(
    "--contract",
    metavar="FOLDER",
    help="Use the policies and exceptions of this contract, and no others.",
    shell_complete=completing.FILES,
)
@click.option(
    "--root", metavar="DIGEST|FILE", help="The version of the contract that you trust. [env: XSPM_CONTRACT_ROOT]"
)
@click.option("--sign", metavar="KEY", help="Sign evidence and results with this scanner's key.")
@click.option("--evidence", metavar="FOLDER", help="Where to put what is signed.", shell_complete=completing.FILES)
@click.option("--passphrase-file", metavar="FILE", envvar="XSPM_PASSPHRASE_FILE", help="Holds the key's passphrase.")
@click.option(
    "--timeout", type=click.IntRange(1, 3600), default=120, show_default=True, help="Seconds one target may take."
)
def command(targets: tuple[str, ...], policies: tuple[str, ...], outputs: tuple[str, ...], **flags: Any) -> int:
    """Assess targets against policy and report.

    A target is `host` (this machine), `ssh://[USER@]HOST[:PORT]`, `dir:PATH` (an unpacked root file system), a file
    or folder of Kubernetes manifests, or `-` (manifests on standard input). Report formats: terminal, json, sarif,
    junit, markdown, csv, html.

    Exit codes: 0 nothing at or over --fail-on, 1 findings, 2 the tool could not do its work.

    \b
    Examples:
      xspm scan host
      xspm scan deploy/ -o report.sarif -o html=report.html
      helm template ./chart | xspm scan - --policy pss-restricted
      xspm scan ssh://web-1 ssh://admin@web-2:2222 --sudo --fail-on critical
      xspm scan host --contract contract/ --sign scanner.key --evidence results/
    """
    if not targets:
        raise UsageError("name at least one target", hint="xspm scan host; xspm scan deploy/; xspm scan --help")
    reports = [parse_output(text) for text in outputs] or [Output("terminal", STANDARD_OUTPUT)]
    _refuse(reports, [*targets, *policies, flags["exceptions"] or ""])
    contract = _contract(policies, flags)
    request = Request(
        targets=targets,
        in_force=contract.in_force
        if contract
        else in_force(policies, flags["exceptions"], cached=not flags["no_cache"]),
        contract=contract.reference if contract else None,
        options=Options(
            sudo=flags["sudo"],
            timeout=flags["timeout"],
            ssh_config=flags["ssh_config"],
            known_hosts=flags["known_hosts"],
            identity=flags["identity"],
            collector=flags["collector"],
        ),
        fail_on=flags["fail_on"],
        allow_unknown=flags["allow_unknown"],
        engine=flags["engine"],
    )
    with progress() as tell:
        read = collect(request, tell)
    besides = contract.about(read.snapshots) if contract else ()
    run = report(request, [*read.snapshots, *besides], read.failures, started=read.started)
    if contract:
        contract.sign(read.snapshots, run)
    if run.assessments:
        _report(run, reports, verbose=flags["verbose"], explain_score=flags["explain_score"])
    for failure in run.failures:
        hint = f"\n  hint: {one_line(failure.hint)}" if failure.hint else ""
        print_error(f"xspm: {one_line(f'{failure.target}: {failure.message}')}{hint}")
    if run.assessments and all(wanted.path != STANDARD_OUTPUT for wanted in reports):
        from xspm.report import summary  # noqa: PLC0415 - only where no report is shown

        click.echo(f"Gate {summary.gate_word(run)}: {summary.gate_line(run)}", err=True)
    if run.failures:
        return 2
    return 1 if run.gate == "fail" else 0


def _contract(policies: Sequence[str], flags: Mapping[str, Any]) -> Contracted | None:
    """Open the contract that a scan is held under, and the key that signs, before anything is read.

    Raises:
        UsageError: flags contradict each other.
        ContractError: the contract does not verify, or the key cannot be used.
    """
    if flags["contract"] is None:
        for flag in ("root", "sign", "evidence"):
            if flags[flag] is not None:
                raise UsageError(f"--{flag} is for a scan under a contract", hint="name its folder: --contract FOLDER")
        return None
    from xspm.cli.contracted import Contracted  # noqa: PLC0415 - imports cryptography

    if policies or flags["exceptions"]:
        raise UsageError(
            "under a contract its own policies and exceptions are in force, and no others",
            hint="leave out --policy and --exceptions; xspm exception request asks for an exception",
        )
    return Contracted.opened(
        folder=flags["contract"],
        root=flags["root"],
        key=flags["sign"],
        evidence=flags["evidence"],
        passphrase_file=flags["passphrase_file"],
        cached=not flags["no_cache"],
    )


def _refuse(reports: Sequence[Output], read: Sequence[str]) -> None:
    """Find out before anything is read whether the reports have somewhere to go.

    Args:
        reports: what is asked for.
        read: the paths that the run reads, which no report may replace.

    Raises:
        UsageError, ReportError: two go to one place, one would replace what is assessed, or one cannot be written.
    """
    paths = [report.path for report in reports]
    if paths.count(STANDARD_OUTPUT) > 1:
        raise UsageError(
            "only one report can go to standard output", hint="write the others to files: -o json=report.json"
        )
    for path in paths:
        if paths.count(path) > 1:
            raise UsageError(f"two reports would be written to {path}", hint="give each a path of its own")
        if path != STANDARD_OUTPUT:
            _spare(path, read)
            refuse_unwritable(path)


def _spare(path: str, read: Sequence[str]) -> None:
    """Refuse to replace a file that is read: a target, a policy, and any YAML file, which no report is."""
    if not os.path.isfile(path):
        return
    if path.endswith((".yaml", ".yml")) or any(os.path.isfile(one) and os.path.samefile(one, path) for one in read):
        raise UsageError(f"a report would replace {path}, which is no report", hint="give the report a path of its own")


def _report(run: Run, reports: Sequence[Output], *, verbose: bool, explain_score: bool) -> None:
    """Render everything before the first byte is written, so that a broken report leaves no other half of the set."""
    texts: list[Text] = []
    for wanted in reports:
        if wanted.format == "terminal":
            from xspm.report import terminal  # noqa: PLC0415 - only where it is wanted

            here = wanted.path == STANDARD_OUTPUT
            texts.append(
                terminal.render(
                    run,
                    colour=here and coloured(),
                    width=width() if here else FILE_COLUMNS,
                    verbose=verbose,
                    explain_score=explain_score,
                )
            )
        else:
            texts.append(rendered(wanted.format, run))
    written = dict(zip((report.path for report in reports), texts, strict=True))
    shown = written.pop(STANDARD_OUTPUT, None)
    write_all(written)
    if isinstance(shown, str):
        click.echo(shown, nl=not shown.endswith("\n"))
    elif shown is not None:
        sys.stdout.writelines(shown)


COMMAND = command
