"""From typed structs to resources, and the few words on files that every service says the same way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec

from xspm.connectors.linux.transport import Stat
from xspm.model.asset import Location, Problem, Resource
from xspm.model.unknown import Unknown

if TYPE_CHECKING:
    from xspm.connectors.linux.transport import Source
    from xspm.model.schema import ResourceType

StructT = TypeVar("StructT", bound=msgspec.Struct)

RUN_AS_ROOT: Final = "run as root (or with --sudo)"
"""The hint on everything that only root may read."""


def fill(struct: type[StructT], rest: Unknown | None, known: dict[str, Any]) -> StructT:
    """Make a struct of which only some fields are known; the others are `rest`."""
    values: dict[str, Any] = dict.fromkeys(struct.__struct_fields__, rest)
    values.update(known)
    return struct(**values)


def not_installed(what: str) -> Unknown:
    """Return the value of every setting of a program that is not there."""
    return Unknown(f"{what} is not installed", cause="missing")


def resource(data: ResourceType, id: str, name: str | None = None, *, at: tuple[str, int] | None = None) -> Resource:  # noqa: A002 - the word of the model
    """Wrap a typed struct; `at` is the file and line it is declared in."""
    return Resource(
        type=data.TYPE,
        id=id,
        name=name or id,
        data=msgspec.to_builtins(data),
        location=Location(at[0], at[1]) if at else None,
    )


def settings(data: ResourceType, file: str | None = None) -> Resource:
    """Wrap a struct of which a host has one: its id is the last word of its type."""
    word = data.TYPE.rpartition(".")[2]
    located = Resource(type=data.TYPE, id=word, name=word, data=msgspec.to_builtins(data))
    return msgspec.structs.replace(located, location=Location(file)) if file else located


def unlisted(cause: Unknown, *types: type[ResourceType]) -> Problem:
    """Return the problem that kept whole types from being listed."""
    kind = "unsupported" if cause.cause == "apply" else cause.cause
    hint = RUN_AS_ROOT if kind == "access" else None
    return Problem(kind=kind, message=cause.reason, resource_types=tuple(item.TYPE for item in types), hint=hint)


def octal(mode: int) -> str:
    """Write permission bits as four octal digits."""
    return f"{mode & 0o7777:04o}"


def present(source: Source, *paths: str) -> bool | Unknown:
    """Whether one of the paths exists; unknown when none does as far as can be seen and one could not be looked up."""
    doubt: Unknown | None = None
    for path in paths:
        found = source.stat(path, follow=True)
        if isinstance(found, Stat):
            return True
        if isinstance(found, Unknown):
            doubt = doubt or found
    return doubt or False


def exists(source: Source, *paths: str) -> bool:
    """Whether one of the paths is seen to exist."""
    return present(source, *paths) is True
