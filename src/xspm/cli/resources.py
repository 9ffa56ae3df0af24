"""`xspm resources`: what checks can speak of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from xspm.app.types import filled_by, resource_types
from xspm.cli import completing
from xspm.cli.console import OUTPUT, heading, print_json, print_table, print_text
from xspm.errors import UsageError
from xspm.model.schema import field_docs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xspm.model.schema import Shape, TypeSpec


@click.command()
@click.argument("type_name", metavar="[TYPE]", required=False, shell_complete=completing.TYPES)
@OUTPUT
def resources(type_name: str | None, output: str) -> None:
    """Show every resource type, or the fields of one.

    \b
    Examples:
      xspm resources
      xspm resources linux.sshd
      xspm resources k8s.container --output json
    """
    types = resource_types()
    if type_name is None:
        rows = [(name, ", ".join(filled_by()[name]), spec.title) for name, spec in types.items()]
        if output == "json":
            print_json([{"name": name, "connectors": filled_by()[name], "title": title} for name, _, title in rows])
        else:
            print_table(rows, ("TYPE", "CONNECTOR", "WHAT IT IS"))
        return
    spec = types.get(type_name)
    if spec is None:
        raise UsageError(f"no resource type is called {type_name!r}", hint="xspm resources lists them")
    if output == "json":
        print_json(
            {"name": spec.name, "title": spec.title, "connectors": filled_by()[spec.name], "fields": list(_rows(spec))}
        )
        return
    heading(spec.name)
    print_text(f"{spec.title}. Filled by: {', '.join(filled_by()[spec.name])}.")
    click.echo()
    if spec.shape.kind == "dyn":
        print_text("The fields are those of the object itself; test optional ones with has().")
        return
    print_table([(row["name"], row["type"], row["doc"]) for row in _rows(spec)], ("FIELD", "TYPE", "MEANING"))


def _rows(spec: TypeSpec) -> Iterator[dict[str, Any]]:
    docs = field_docs(spec.source) if spec.source else {}
    for field in spec.shape.fields:
        yield {"name": field.name, "type": describe(field.shape), "doc": _line(docs, field.name)}
        yield from _nested(field.name, field.shape)


def _nested(prefix: str, shape: Shape) -> Iterator[dict[str, Any]]:
    below, mark = (shape.item, "[]") if shape.item else (shape, "")
    for field in below.fields:
        docs = field_docs(below.source) if below.source else {}
        yield {
            "name": f"{prefix}{mark}.{field.name}",
            "type": describe(field.shape),
            "doc": _line(docs, field.name),
        }


def _line(docs: dict[str, str], name: str) -> str:
    return " ".join(docs.get(name, "").split())


def describe(shape: Shape) -> str:
    """A shape in the words of the policy language."""
    match shape.kind:
        case "list" | "map":
            inner = describe(shape.item) if shape.item else "dyn"
            text = f"list({inner})" if shape.kind == "list" else f"map(string, {inner})"
        case "struct":
            text = "object"
        case _:
            text = shape.kind
    return f"{text} or null" if shape.nullable else text


COMMAND = resources
