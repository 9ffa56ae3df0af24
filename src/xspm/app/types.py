"""Every resource type and every type of asset by name: of each connector, and of contracts, which xspm reads itself."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

from xspm import connector

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from xspm.model.schema import TypeSpec

CONTRACT: Final = "contract"
"""What stands for xspm itself among connectors, and the type of asset that it reads."""


@cache
def resource_types() -> Mapping[str, TypeSpec]:
    """Every resource type by name, sorted."""
    return dict(sorted({spec.name: spec for _, specs in _filled() for spec in specs}.items()))


@cache
def asset_types() -> Mapping[str, Collection[str]]:
    """Every type of asset, with the labels that assets of it may carry."""
    found: dict[str, tuple[str, ...]] = {CONTRACT: ()}
    for name in connector.TABLE:
        for kind, labels in connector.load(name).assets.items():
            found[kind] = (*found.get(kind, ()), *labels)
    return found


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

    own = (CONTRACT, tuple(map(typed, xspm.TYPES)))
    return (*((name, tuple(connector.load(name).types())) for name in connector.TABLE), own)
