"""`xspm drift`: what changed between two snapshots of an asset and, under a contract, whether it was reviewed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
import msgspec

from xspm.app import drift as app
from xspm.app.scan import now
from xspm.cli import completing
from xspm.cli.agreeing import degraded_line, opened
from xspm.cli.console import OUTPUT, coloured, heading, print_json, print_text
from xspm.cli.contracting import CONTRACT, ROOT
from xspm.errors import UsageError

if TYPE_CHECKING:
    from xspm.contract.review import Review
    from xspm.drift.compare import Drift, FieldChange

_FIELDS = 12
"""Fields of a resource that are shown to a person."""


@click.command("drift")
@click.argument("before", shell_complete=completing.FILES)
@click.argument("after", shell_complete=completing.FILES)
@CONTRACT
@ROOT
@click.option(
    "--reviews", metavar="FILE", help="GitHub's recorded answers about a pull request.", shell_complete=completing.FILES
)
@click.option("--revisions", metavar="BEFORE..AFTER", help="The commits that the two states come from.")
@OUTPUT
def drift(
    before: str,
    after: str,
    *,
    contract: str | None,
    root: str | None,
    reviews: str | None,
    revisions: str | None,
    output: str,
) -> int:
    """Say what changed between two snapshots of one asset.

    BEFORE and AFTER are snapshot files, or folders of results with a snapshot.json. With --contract, a change of an
    asset that the contract calls critical must be reviewed: by a signed approval of exactly this change, or by the
    reviews of the pull request that it was merged with. If it was not, the exit code is 1.

    \b
    Examples:
      xspm drift monday/ tuesday/
      xspm drift monday/ tuesday/ --contract contract/ --output json
      xspm drift old.json new.json --contract contract/ --reviews pull.json --revisions 1f3a…..9c0d…
    """
    if contract is None:
        for name, value in (("root", root), ("reviews", reviews), ("revisions", revisions)):
            if value is not None:
                raise UsageError(
                    f"--{name} is for a change under a contract", hint="name its folder: --contract FOLDER"
                )
    moment = now()
    trusted = opened(contract, root, moment) if contract is not None else None
    found = app.examine(
        app.read_snapshot(before),
        app.read_snapshot(after),
        trusted,
        moment,
        reviews=reviews,
        between=revisions,
    )
    if output == "json":
        print_json(_json(found))
    else:
        _print(found)
        if trusted is not None:
            degraded_line(trusted.terms, moment)
    return 1 if found.verdict == "unreviewed change" else 0


def _json(found: app.Examined) -> dict[str, Any]:
    changes = [
        {**msgspec.structs.asdict(one), "fields": [_field(field) for field in one.fields]}
        for one in found.drift.changes
    ]
    return {
        "verdict": found.verdict,
        "drift": {
            **msgspec.structs.asdict(found.drift),
            "changes": changes,
            "labels": [_field(field) for field in found.drift.labels],
        },
        "review": found.review,
        "findings": found.findings,
    }


def _field(field: FieldChange) -> dict[str, Any]:
    return {
        "kind": field.kind,
        "path": field.shown,
        "before": app.shown_value(field.before, field.path),
        "after": app.shown_value(field.after, field.path),
    }


def _print(found: app.Examined) -> None:
    drift = found.drift
    heading(f"{drift.asset}: {found.verdict}")
    print_text(f"{drift.since}  {drift.before}\n{drift.seen}  {drift.after}")
    _print_changes(drift)
    if found.review is not None:
        click.echo()
        _print_review(found.review)
    for one in found.findings:
        click.echo()
        print_text(f"{one.severity}: {one.check}: {one.message}")


def _print_changes(drift: Drift) -> None:
    for one in drift.changes:
        print_text(f"\n{one.kind} {one.type} {one.id}")
        for field in one.fields[:_FIELDS]:
            _print_field(field)
        if len(one.fields) > _FIELDS:
            print_text(f"… {len(one.fields) - _FIELDS} more fields", indent="  ")
    if drift.labels:
        print_text("\nfacts about the asset")
        for field in drift.labels:
            _print_field(field)
    for line in (*(f"read only once: {one}" for one in drift.types), *(f"not read: {one}" for one in drift.problems)):
        print_text(line)


def _print_field(field: FieldChange) -> None:
    old, new = (
        msgspec.json.encode(app.shown_value(value, field.path), order="sorted").decode()
        for value in (field.before, field.after)
    )
    texts = {"changed": f"{old} -> {new}", "added": f"+ {new}", "removed": f"- {old}"}
    print_text(f"{field.shown}: {texts[field.kind]}", indent="  ")


def _print_review(review: Review) -> None:
    if not review.critical:
        print_text("the contract asks for no review of this")
        return
    word = "reviewed" if review.reviewed else "UNREVIEWED"
    click.echo(click.style(word, fg="green" if review.reviewed else "red", bold=True) if coloured() else word)
    print_text(f"wanted    {app.wanted_line(review.wanted)}")
    print_text(f"made by   {review.author or 'nobody says so'}")
    print_text(f"approved  {', '.join(review.reviewers) or 'by nobody who counts'}")
    if review.where:
        print_text(f"by        {review.where}")
    if review.missing:
        print_text(f"missing   {review.missing}")
    if review.degraded:
        print_text("counts only in the contract's degraded mode")
    for line in review.refused:
        print_text(f"not counted: {line}")


COMMAND = drift
