"""Every resource type of every connector, by name."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from xspm import connector

if TYPE_CHECKING:
    from collections.abc import Mapping

    from xspm.model.schema import TypeSpec


@cache
def resource_types() -> Mapping[str, TypeSpec]:
    """Every resource type by name, sorted."""
    return dict(sorted({spec.name: spec for name in connector.TABLE for spec in connector.load(name).types()}.items()))


@cache
def filled_by() -> Mapping[str, tuple[str, ...]]:
    """Which connectors fill a resource type."""
    found: dict[str, tuple[str, ...]] = {}
    for name in connector.TABLE:
        for spec in connector.load(name).types():
            found[spec.name] = (*found.get(spec.name, ()), name)
    return found
