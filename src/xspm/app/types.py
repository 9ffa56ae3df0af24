"""Every resource type by name: those of every connector, and those of contracts, which xspm fills itself."""

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
    return dict(sorted({spec.name: spec for _, specs in _filled() for spec in specs}.items()))


@cache
def filled_by() -> Mapping[str, tuple[str, ...]]:
    """Which connectors fill a resource type; `contract` stands for xspm itself."""
    found: dict[str, tuple[str, ...]] = {}
    for name, specs in _filled():
        for spec in specs:
            found[spec.name] = (*found.get(spec.name, ()), name)
    return found


@cache
def _filled() -> tuple[tuple[str, tuple[TypeSpec, ...]], ...]:
    from xspm.model.resources import xspm  # noqa: PLC0415 - a cached start needs no types
    from xspm.model.schema import typed  # noqa: PLC0415

    own = ("contract", tuple(map(typed, xspm.TYPES)))
    return (*((name, tuple(connector.load(name).types())) for name in connector.TABLE), own)
