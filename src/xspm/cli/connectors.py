"""`xspm connectors`: what can be assessed, and what that needs."""

from __future__ import annotations

import click

from xspm import connector
from xspm.cli.console import OUTPUT, heading, print_json, print_text


@click.command()
@OUTPUT
def connectors(output: str) -> None:
    """Show what can be assessed, how targets are written and what reading them needs.

    \b
    Examples:
      xspm connectors
      xspm connectors --output json
    """
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


COMMAND = connectors
