"""`xspm verify`: check signed results, recompute them, and say who could have forged them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
import msgspec

from xspm.app import ledger_audit
from xspm.app.results import find
from xspm.app.scan import now
from xspm.app.trust import open_contract
from xspm.app.verify import Engines, Verifier
from xspm.cli import completing
from xspm.cli.console import OUTPUT, coloured, print_error, print_json, print_text, progress
from xspm.errors import UsageError, one_line
from xspm.report.text import clean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xspm.app.recompute import Difference
    from xspm.app.verified import Verified
    from xspm.contract.forging import Holder, Route

_SHOWN = 50
"""Differences of one result that a person is shown; JSON has all."""
_SETS = 5


@click.command("verify")
@click.argument("results", nargs=-1, metavar="RESULT...", shell_complete=completing.FILES)
@click.option("--contract", metavar="FOLDER", required=True, help="The contract's folder.")
@click.option(
    "--root", metavar="DIGEST|FILE", help="The version of the contract that you trust. [env: XSPM_CONTRACT_ROOT]"
)
@click.option(
    "--engine",
    type=click.Choice(["xspm", "reference", "both"]),
    default="xspm",
    show_default=True,
    help="Recompute with xspm's engine; reference or both: also with the CEL runtime that xspm did not write.",
)
@click.option(
    "--ledger", metavar="FOLDER|URL", help="The contract's ledger, which then must have every result, in time."
)
@click.option("--current", is_flag=True, help="Refuse results under an older version of the contract.")
@click.option("--who-could-forge", is_flag=True, help="Show whose keys together could have produced each result.")
@OUTPUT
def command(
    *,
    results: tuple[str, ...],
    contract: str,
    root: str | None,
    engine: Engines,
    ledger: str | None,
    current: bool,
    who_could_forge: bool,
    output: str,
) -> int:
    """Verify signed results.

    A RESULT is a folder that xspm scan --evidence wrote, or a folder of them. Signatures, the contract's chain,
    policies, exceptions and the bytes of the evidence are checked and every verdict is computed again; no server and
    no cache is asked. With the ledger, a result that was made up later is found too.

    Exit codes: 0 verified, 1 something differs or is forged, 2 could not verify.

    \b
    Examples:
      xspm verify results/ --contract contract/ --root sha256:…
      xspm verify results/ --contract contract/ --engine reference
      xspm verify results/ --contract contract/ --ledger ledger/
      xspm verify results/host%3Aweb-1 --contract contract/ --who-could-forge
    """
    if not results:
        raise UsageError("name at least one result", hint="xspm verify results/ --contract contract/")
    folders, moment = find(results), now()
    trusted = open_contract(contract, root, moment)
    audited = ledger_audit.examine(ledger_audit.source(ledger), trusted, [], moment) if ledger is not None else None
    verifier = Verifier(trusted, moment, engine=engine, current=current, ledger=audited)
    with progress() as tell:
        found = verifier.verify(folders, tell)
    if output == "json":
        print_json(
            {"verified": all(one.state == "verified" for one in found), "results": [_plain(one) for one in found]}
        )
    else:
        _print(found, who_could_forge=who_could_forge)
    for one in found:
        if one.problem:
            print_error(f"xspm: {one_line(one.problem)}")
    if any(one.state == "differs" for one in found):
        return 1
    return 2 if any(one.state == "unverifiable" for one in found) else 0


def _plain(one: Verified) -> dict[str, object]:
    """A result as JSON shows it."""
    plain: dict[str, object] = msgspec.to_builtins(one)
    plain["forgers"] = [{**msgspec.to_builtins(route), "size": route.size} for route in one.forgers]
    return plain


def _print(found: Sequence[Verified], *, who_could_forge: bool) -> None:
    for one in found:
        if one.state == "unverifiable":
            continue
        colour = "green" if one.state == "verified" else "red"
        state = "verified" if one.state == "verified" else "DIFFERS"
        click.echo(f"{_styled(state, colour)}  {clean(one.asset)} {clean(one.collected_at)}".rstrip())
        click.echo(f"  {clean(one.folder)}")
        if one.contract_version:
            by = " and ".join(one.engines)
            recomputed = f"{one.verdicts} verdicts recomputed by {by}" if by else "no verdict recomputed"
            _said(
                f"contract version {one.contract_version}, scanner {one.scanner} (run by {one.operator}),"
                f" {recomputed}, gate {one.fail_on}: {one.gate}",
                "  ",
            )
        differences = _told(one.differences, one.engines)
        for told in differences[:_SHOWN]:
            _said(f"- {told}", "  ")
        if len(differences) > _SHOWN:
            _said(f"… and {len(differences) - _SHOWN} more: --output json", "  ")
        for note in one.notes:
            _said(f"note: {note}", "  ")
        if who_could_forge and one.forgers:
            _print_forgers(one)
    counts = [(state, sum(one.state == state for one in found)) for state in ("verified", "differs", "unverifiable")]
    if len(found) > 1:
        click.echo(", ".join(f"{count} {state}" for state, count in counts if count))


def _told(differences: Sequence[Difference], engines: Sequence[str]) -> list[str]:
    """Each difference in a line, once for all engines that found it; which did is said where not all did."""
    found: dict[str, list[str]] = {}
    for one in differences:
        line = f"{one.file}: {one.what}" if one.file else one.what
        found.setdefault(line, []).append(one.engine)
    return [
        f"{line} (by {' and '.join(by)} alone)" if by[0] and len(by) < len(engines) else line
        for line, by in found.items()
    ]


def _print_forgers(one: Verified) -> None:
    click.echo("\n  Who could have forged this?")
    for route in one.forgers:
        size = f"{route.size} holder{'s' if route.size != 1 else ''}"
        click.echo(f"  {_styled(size, 'red' if route.size == 1 else 'yellow')}  {_title(route)}")
        _said(f"{route.who}: {route.how}", "      ")
    shown = "; ".join(_group(group) for group in one.fewest[:_SETS])
    more = f"; and {len(one.fewest) - _SETS} more" if len(one.fewest) > _SETS else ""
    _said(f"The smallest groups: {shown}{more}", "  ")
    _said("Not counted: whoever controls the asset, and can show the scanner something else.", "  ")


def _said(text: str, indent: str) -> None:
    """Print what a statement says, perhaps: a line end in it begins no line of its own."""
    print_text(one_line(text), indent)


def _title(route: Route) -> str:
    return {
        "evidence": "the evidence",
        "later": "a result of another day",
        "contract": "the contract",
        "policies": "the policies",
        "exception": "an exception",
    }[route.kind]


def _group(group: Sequence[Holder]) -> str:
    return " + ".join(holder.name for holder in group)


def _styled(text: str, colour: str) -> str:
    return click.style(text, fg=colour, bold=True) if coloured() else text


COMMAND = command
