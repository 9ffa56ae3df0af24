"""A small world for tests of policies: a house with two resource types, and checks written as files."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from xspm.model.asset import Asset, Problem, Resource, Snapshot
from xspm.model.schema import ResourceType, raw_type, typed
from xspm.model.unknown import Maybe
from xspm.policy.building import build
from xspm.policy.folder import Folder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xspm.model.schema import TypeSpec
    from xspm.policy.library import Built


class Door(ResourceType, frozen=True, kw_only=True):
    """A door."""

    TYPE: ClassVar[str] = "test.door"

    locked: Maybe[bool]
    """Whether it is locked."""
    keys: Maybe[int | None]
    """How many keys there are."""


TYPES = {spec.name: spec for spec in (typed(Door), raw_type("test.window", "A window"))}


def types() -> dict[str, TypeSpec]:
    """The types of the small world, as a build asks for them."""
    return TYPES


def check(expression: str, *, resource: str = "test.door", head: str = "", severity: str = "high") -> str:
    """The file of a check."""
    if expression[0] in "!'[":
        expression = f'"{expression}"'
    return f"""\
title: A check
severity: {severity}
resource: {resource}
{head}check: {expression}
message: "seen: {{resource}}"
rationale: Because.
remediation: {{steps: Lock it.}}
references: [https://example.org]
examples:
  pass: [{{resource: {{locked: true, keys: 1}}}}]
  fail: [{{resource: {{locked: false, keys: 1}}}}]
"""


def built(files: dict[str, str], *, shipped: bool = True) -> Built:
    """Build a library from file texts by relative path."""
    return build([folder(files, shipped=shipped)], types)


def folder(files: dict[str, str], *, shipped: bool = True) -> Folder:
    """A policy folder from file texts by relative path."""
    return Folder("f", {name: text.encode() for name, text in sorted(files.items())}, shipped=shipped)


def snapshot(*resources: Resource, problems: Sequence[Problem] = (), types: Sequence[str] = tuple(TYPES)) -> Snapshot:
    """A snapshot of the small world."""
    return Snapshot(
        asset=Asset("house", "house:1", "home", {"street": "main"}),
        collected_at="2026-06-01T12:00:00Z",
        connector="test",
        resource_types=tuple(sorted(types)),
        resources=tuple(sorted(resources, key=lambda resource: (resource.type, resource.id))),
        problems=tuple(problems),
    )


def door(name: str, locked: object = True, keys: object = 1) -> Resource:  # noqa: FBT002 - evidence, not a flag
    """A door."""
    return Resource("test.door", name, name, {"locked": locked, "keys": keys})
