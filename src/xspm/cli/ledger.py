"""`xspm ledger`: keep the ledger, and audit it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from xspm.app import ledger as app
from xspm.app import ledger_audit
from xspm.app.scan import now
from xspm.app.trust import open_contract
from xspm.cli import completing
from xspm.cli.console import OUTPUT, coloured, print_json, print_text
from xspm.cli.contracting import CONTRACT, KEY, ROOT, signer
from xspm.cli.passphrase import PASSPHRASE_FILE
from xspm.errors import UsageError
from xspm.report.text import clean, plural

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from xspm.app.ledger import Written
    from xspm.app.ledger_audit import Audited

_WITNESS = click.option(
    "--witness", "witnesses", multiple=True, metavar="PARTY=URL", help="Have this party's witness cosign; repeatable."
)


_NOT_SHOWN = {"logged", "results", "versions", "withheld"}
_SHOWN = 3
"""Findings of one kind that a person is shown; JSON has all."""


@click.group("ledger")
def ledger() -> None:
    """Keep the tamper-evident log of everything signed, and audit it.

    \b
    Examples:
      xspm ledger init ledger/ --origin acme.example/xspm --key ledger.key
      xspm ledger append ledger/ contract/ results/ --contract contract/ --key ledger.key --witness audit=http://…
      xspm ledger verify ledger/ --contract contract/ --results results/
    """


@ledger.command("init")
@click.argument("folder")
@click.option("--origin", required=True, metavar="NAME", help="The log's name: like a URL, without https://.")
@KEY
@PASSPHRASE_FILE
def init(folder: str, origin: str, key: str, passphrase_file: str | None) -> None:
    """Begin an empty ledger, and print the verifier key that goes into the contract.

    \b
    Examples:
      xspm ledger init ledger/ --origin acme.example/xspm --key ledger.key
    """
    made = app.begin(Path(folder), origin, signer(key, passphrase_file))
    click.echo(made.vkey)


@ledger.command("append")
@click.argument("folder")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...", shell_complete=completing.FILES)
@CONTRACT
@ROOT
@KEY
@PASSPHRASE_FILE
@_WITNESS
def append(folder: str, paths: tuple[str, ...], witnesses: tuple[str, ...], **flags: str | None) -> int:
    """Append every signed text among PATHs that the ledger does not have yet.

    PATH is a signed file (*.dsse.json), or a folder of them: the contract's, or one of results. Exit codes: 0 written
    and cosigned as asked, 1 written and a witness did not cosign, 2 not written.

    \b
    Examples:
      xspm ledger append ledger/ contract/ --contract contract/ --key ledger.key
      xspm ledger append ledger/ results/ --contract contract/ --key ledger.key --witness audit=http://127.0.0.1:8088
    """
    return _write(folder, [Path(path) for path in paths], witnesses, flags)


@ledger.command("heartbeat")
@click.argument("folder")
@CONTRACT
@ROOT
@KEY
@PASSPHRASE_FILE
@_WITNESS
def heartbeat(folder: str, witnesses: tuple[str, ...], **flags: str | None) -> int:
    """Append a heartbeat: silence longer than the contract allows is a finding.

    \b
    Examples:
      xspm ledger heartbeat ledger/ --contract contract/ --key ledger.key --witness audit=http://127.0.0.1:8088
    """
    return _write(folder, [], witnesses, flags)


def _write(folder: str, paths: Sequence[Path], witnesses: Sequence[str], flags: dict[str, str | None]) -> int:
    trusted = open_contract(_contract(flags), flags["root"], now())
    done = app.write(
        Path(folder),
        trusted,
        signer(flags["key"] or "", flags["passphrase_file"]),
        paths,
        witnesses=_addresses(witnesses),
        clock=now,
    )
    _say(done)
    return 1 if done.refused else 0


def _contract(flags: dict[str, str | None]) -> str:
    if flags["contract"] is None:
        raise UsageError("name the contract that the ledger is kept under", hint="--contract FOLDER")
    return flags["contract"]


def _addresses(given: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for one in given:
        party, equals, url = one.partition("=")
        if not equals or not party or not url:
            raise UsageError(f"--witness {one!r} is not PARTY=URL", hint="--witness audit=http://127.0.0.1:8088")
        found[party] = url
    return found


def _say(done: Written) -> None:
    for record in done.new:
        click.echo(clean(f"appended  {record.kind.rpartition('/predicates/')[2]}  {record.subject}".rstrip()))
    click.echo(f"{plural(len(done.new), 'new entry', 'new entries')}, {done.size} in all")
    for party in done.cosigned:
        click.echo(f"cosigned by the witness of {party}")
    for line in done.refused:
        click.echo(clean(f"not cosigned: {line}"), err=True)


@ledger.command("verify")
@click.argument("where", metavar="FOLDER|URL", shell_complete=completing.FILES)
@CONTRACT
@ROOT
@click.option("--results", multiple=True, metavar="PATH", help="All signed results that are kept; repeatable.")
@OUTPUT
def verify(where: str, contract: str | None, root: str | None, results: tuple[str, ...], output: str) -> int:
    """Audit the whole ledger: every entry, the tree, the quorum of witnesses, the times, and what was seen before.

    Everything signed that is at hand must be on it, and with --results what is on it must be at hand. Exit codes: 0
    nothing found, 1 findings, 2 it could not be read.

    \b
    Examples:
      xspm ledger verify ledger/ --contract contract/ --root sha256:…
      xspm ledger verify https://ledger.acme.example/ --contract contract/ --results results/
    """
    began = now()
    trusted = open_contract(_contract({"contract": contract}), root, began)
    found = ledger_audit.examine(ledger_audit.source(where), trusted, [Path(path) for path in results], began)
    if output == "json":
        print_json({name: getattr(found, name) for name in found.__struct_fields__ if name not in _NOT_SHOWN})
    else:
        _show(found)
    return 1 if found.findings else 0


def _show(found: Audited) -> None:
    paint = _painter()
    click.echo(f"ledger     {clean(found.origin)}")
    click.echo(f"entries    {found.size:,}" + (f", the last at {found.last}" if found.last else ""))
    click.echo(f"root       {found.root or '-'}")
    click.echo(f"witnesses  {len(found.cosigned)} cosigned, {found.quorum} must")
    for name, time in found.cosigned.items():
        click.echo(f"           {clean(name)} at {time}")
    for kind in dict.fromkeys(finding.kind for finding in found.findings):
        some = [finding for finding in found.findings if finding.kind == kind]
        for finding in some[:_SHOWN]:
            click.echo(paint(f"{kind:<11}"), nl=False)
            print_text(f"{finding.message}{f' ({finding.path})' if finding.path else ''}")
        if len(some) > _SHOWN:
            click.echo(paint(f"{kind:<11}") + f"… and {len(some) - _SHOWN} more: --output json")
    if not found.findings:
        click.echo("nothing was removed, edited, reordered, forked, back-dated or withheld")


def _painter() -> Callable[[str], str]:
    if not coloured():
        return lambda text: text
    return lambda text: click.style(text, fg="red", bold=True)


COMMAND = ledger
