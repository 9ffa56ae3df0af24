"""How a contract looks: as text for people, 80 columns wide, and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click
import msgspec

from xspm.app.contract import compared
from xspm.cli.console import coloured, heading, print_table, print_text, width, wrap
from xspm.cli.differing import print_difference
from xspm.contract.changes import changes, shown
from xspm.contract.separation import overlaps
from xspm.contract.terms import ACTION_TITLES, ACTIONS
from xspm.errors import XspmError
from xspm.report.text import clean, plural

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from xspm.app.contract import Proposal, Side
    from xspm.contract.changes import Change, Need
    from xspm.contract.terms import LedgerTerms, Rule, Terms

_MARKS: Final = {"loosened": "red", "tightened": "green", "changed": "yellow"}
_SEVERITIES: Final = {"high": "red", "medium": "red", "low": "yellow"}
_WIDEST: Final = 80


def paint(text: str, colour: str) -> str:
    """Text in a bold colour, where there is any."""
    return click.style(clean(text), fg=colour, bold=True) if coloured() else clean(text)


def _item(label: str, colour: str, text: str) -> None:
    """A line with a coloured label, wrapped below itself."""
    start = 13
    room = max(24, min(width(), _WIDEST) - start)
    first, *rest = wrap(clean(text), room) or [""]
    click.echo(f"  {paint(label, colour)}{' ' * (start - 2 - len(label))}{first}")
    for line in rest:
        click.echo(f"{' ' * start}{line}")


def print_changes(found: Sequence[Change]) -> None:
    """What changes, loosened first."""
    for one in found:
        _item(one.mark, _MARKS[one.mark], one.text)


def print_policies(folder: Path, old: Terms | None, new: Terms) -> None:
    """What a new policy bundle changes, where there is one."""
    before = old.policies if old else None
    if before == new.policies:
        return
    heading("POLICIES")
    try:
        print_difference(compared(folder, before, new.policies))
    except XspmError as error:
        print_text(f"not comparable, and so taken for weaker: {error}", "  ")
    click.echo()


def _policies_json(folder: Path, old: Terms | None, new: Terms) -> Any:
    before = old.policies if old else None
    if before == new.policies:
        return None
    try:
        found = compared(folder, before, new.policies)
    except XspmError as error:
        return {"weaker": True, "changes": None, "error": str(error)}
    return {"weaker": found.weaker, "changes": msgspec.to_builtins(found.changes), "error": None}


def diff_json(folder: Path, old: Side, new: Side) -> dict[str, Any]:
    """What one version changes against another, for machines."""
    return {
        "old": old.title,
        "new": new.title,
        "changes": msgspec.to_builtins(changes(old.terms, new.terms)),
        "policies": _policies_json(folder, old.terms, new.terms),
    }


def print_needs(found: Sequence[Need]) -> None:
    """The signatures that a proposal needs, had and missing."""
    heading("SIGNATURES IT NEEDS")
    for one in found:
        label, colour = ("missing", "yellow") if one.missing else ("met", "green")
        state = f"missing {one.missing}; signed by" if one.missing else "signed by"
        rule = f"{one.action}, by {one.why}: {shown(one.rule)}" if one.rule else one.why
        _item(label, colour, f"{rule}; {state} {one.signed.shown()}")


def print_overlaps(terms: Terms) -> None:
    """Where powers meet that should be apart; in red, but for what is only worth a look."""
    found = overlaps(terms)
    heading("POWERS THAT SHOULD BE APART")
    for one in found:
        _item(one.severity, _SEVERITIES[one.severity], one.text)
    if not found:
        click.echo("  none meet in one hand")


def print_proposal(proposal: Proposal, pinned: str | None) -> None:
    """What a proposal does, and whose signatures that takes; `pinned` is what the reader trusts, if anything."""
    new = proposal.new
    heading(f"{new.name}, version {new.version}: proposed, to hold until {new.expires}")
    click.echo(f"  {proposal.link.digest}")
    if proposal.old is None:
        if pinned is not None and pinned != proposal.link.digest:
            text = "You trust another contract than this, or somebody took its versions away."
            click.echo(f"\n{paint(text, 'red')}\n  {clean(pinned)}")
        print_text("\nThis is the first version: compare the first line with the other parties before you sign.\n")
        print_content(new)
    else:
        click.echo()
        heading(f"CHANGES SINCE VERSION {proposal.old.version}")
        print_changes(proposal.changes)
        click.echo()
        print_policies(proposal.folder, proposal.old, new)
    print_overlaps(new)
    click.echo()
    print_needs(proposal.needs)


def print_side(side: Side, root: str | None, today: str) -> None:
    """A version, for a manager."""
    terms = side.terms
    over = today > terms.expires
    state = f"expired on {terms.expires}" if over else f"holds until {terms.expires}"
    title = f"{terms.name}, {side.title}: {state}"
    if over:
        click.echo(paint(title, "red"))
    else:
        heading(title)
    if side.digest:
        click.echo(f"  this  {side.digest}")
    if root:
        click.echo(f"  root  {root}")
    if side.signed is not None:
        print_text(f"signed by {side.signed.shown()}", "  ")
    click.echo()
    print_content(terms)
    print_overlaps(terms)


def print_content(terms: Terms) -> None:
    """Who may do what, with how many signatures, and all that is agreed besides."""
    if terms.degraded is not None:
        click.echo(paint(f"DEGRADED MODE until {terms.degraded.until}", "red"))
        print_text(f"{terms.degraded.reason}\n", "  ")
    _table([(ACTION_TITLES[one], shown(terms.rule(one))) for one in ACTIONS], ("WHO MAY DO WHAT", "SIGNATURES"))
    _table(
        [
            (party, ", ".join(f"{name}{_count(len(member.keys))}" for name, member in one.members.items()))
            for party, one in terms.parties.items()
        ],
        ("PARTY", "PEOPLE"),
    )
    _table(
        [(", ".join(one.assets), f"{shown(one.review)}, for {one.max_days} days at most") for one in terms.critical],
        ("CRITICAL ASSETS", "REVIEW OF CHANGES"),
    )
    _table(
        [(", ".join(one.people), ", ".join(one.assets)) for one in terms.owners],
        ("OWNERS, WHO APPROVE NOTHING THERE", "ASSETS"),
    )
    _table(
        [(name, one.operator, ", ".join(one.assets)) for name, one in terms.scanners.items()],
        ("SCANNER", "RUN BY", "SIGNS FOR"),
    )
    heading("ALSO AGREED")
    for line in _also(terms):
        print_text(line, "  ")
    click.echo()


def _table(rows: Sequence[Sequence[str]], header: Sequence[str]) -> None:
    if rows:
        print_table(rows, header)
        click.echo()


def _count(keys: int) -> str:
    return f" ({keys} keys)" if keys != 1 else ""


def _also(terms: Terms) -> list[str]:
    policies, most = terms.policies, terms.exceptions
    wide = "may cover resources by a pattern" if most.wildcards else "names its resources"
    return [
        f"policies: bundle {policies.version}, {policies.digest}" if policies else "policies: none in force yet",
        f"exceptions: last {plural(most.max_days, 'day')} at most; one {wide}",
        *(_ledger(terms.ledger) if terms.ledger else ["ledger: none"]),
    ]


def _ledger(ledger: LedgerTerms) -> list[str]:
    watching, silence = ", ".join(ledger.witnesses) or "nobody", plural(ledger.heartbeat_hours, "hour")
    return [
        f"ledger: {ledger.origin}, run by {ledger.operator}, silent for {silence} at most",
        f"witnesses: {watching}; {ledger.quorum} must have seen each state",
    ]


def side_json(side: Side, root: str | None) -> dict[str, Any]:
    """A version for machines."""
    return {
        "title": side.title,
        "verified": side.verified,
        "digest": side.digest,
        "root": root,
        "signed": side.signed.people if side.signed else None,
        "rules_in_effect": {action: _rule(side.terms.rule(action)) for action in ACTIONS},
        "terms": msgspec.to_builtins(side.terms),
        "separation": msgspec.to_builtins(overlaps(side.terms)),
    }


def _rule(rule: Rule) -> dict[str, int]:
    return {party: count for party, count in rule.items() if count}


def proposal_json(proposal: Proposal) -> dict[str, Any]:
    """A proposal for machines."""
    return {
        "file": str(proposal.path),
        "name": proposal.new.name,
        "version": proposal.new.version,
        "digest": proposal.link.digest,
        "changes": msgspec.to_builtins(proposal.changes),
        "policies": _policies_json(proposal.folder, proposal.old, proposal.new),
        "signatures": [
            {
                "action": one.action,
                "rule": one.rule,
                "why": one.why,
                "signed": one.signed.people,
                "missing": one.missing or None,
            }
            for one in proposal.needs
        ],
        "separation": msgspec.to_builtins(overlaps(proposal.new)),
    }
