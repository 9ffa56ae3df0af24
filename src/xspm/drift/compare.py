"""Two snapshots of one asset to what changed between them: a pure function.

Resources are told apart by type and id, and equal digests end the comparison at once. Of a changed resource each
changed field is named with its old and new value; with lists of one length that goes down into their items, else the
list is one value. Applying the changes of drift(a, b) to a's resources gives b's, and drift(a, a) is empty.
Values are shown to people by `shown_value`, which withholds what a field's name says is a secret.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import msgspec

from xspm.errors import ModelError
from xspm.model.digest import Digest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from xspm.model.asset import Resource, Snapshot

Kind: TypeAlias = Literal["added", "removed", "changed"]
Path: TypeAlias = tuple[str | int, ...]

WITHHELD: Final = "(withheld)"
_SECRET: Final = re.compile(r"(?i)passw|passphrase|secret|token|credential|private_?key|api_?key|access_?key")
_PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_SHOWN: Final = 200
"""Characters of a value that a person is shown."""


class FieldChange(msgspec.Struct, frozen=True):
    """One field that is another than before."""

    kind: Kind
    path: Path
    before: Any = None
    """Plain JSON; null too where there was none."""
    after: Any = None

    @property
    def shown(self) -> str:
        """The path for a person: `spec.containers[0].image`."""
        parts = [
            f"[{part}]" if isinstance(part, int) else f".{part}" if _PLAIN.fullmatch(part) else f'["{part}"]'
            for part in self.path
        ]
        return "".join(parts).removeprefix(".")


class ResourceChange(msgspec.Struct, frozen=True):
    """A resource that came, went, or is another than before."""

    kind: Kind
    type: str
    id: str
    name: str
    before: Digest | None
    after: Digest | None
    fields: tuple[FieldChange, ...] = ()
    """For a changed one."""


class Drift(msgspec.Struct, frozen=True):
    """What changed of an asset."""

    asset: str
    before: Digest
    """Of the whole snapshot."""
    after: Digest
    since: str
    """When the one before was collected."""
    seen: str
    """When the one after was."""
    changes: tuple[ResourceChange, ...]
    """By type, then id."""
    labels: tuple[FieldChange, ...] = ()
    """Facts about the asset itself."""
    types: tuple[str, ...] = ()
    """Resource types that only one of the two looked for: of these nothing can be said."""
    problems: tuple[str, ...] = ()
    """What could not be read in one of the two only, and so may hide a change."""

    @property
    def is_change(self) -> bool:
        """Whether the two differ in anything that their digests cover."""
        return self.before != self.after

    def touched(self) -> tuple[str, ...]:
        """What changed, one line each."""
        lines = [f"{one.kind} {one.type} {one.id}" for one in self.changes]
        lines += [f"{one.kind} label {one.shown}" for one in self.labels]
        lines += [f"read only once: {one}" for one in self.types]
        return (*lines, *(f"could not be read: {one}" for one in self.problems))


def compare(before: Snapshot, after: Snapshot) -> Drift:
    """Return what changed of an asset.

    Raises:
        ModelError: the snapshots are of two assets, or one of them names a resource twice.
    """
    if before.asset.id != after.asset.id:
        raise ModelError(f"these are of two assets: {before.asset.id} and {after.asset.id}")
    facts = [msgspec.to_builtins(one.asset) for one in (before, after)]
    problems = [{f"{one.kind}: {one.message}" for one in snapshot.problems} for snapshot in (before, after)]
    return Drift(
        asset=before.asset.id,
        before=before.digest,
        after=after.digest,
        since=before.collected_at,
        seen=after.collected_at,
        changes=tuple(_changes(_by_id(before), _by_id(after))),
        labels=tuple(_fields(facts[0], facts[1], ())),
        types=tuple(sorted(set(before.resource_types) ^ set(after.resource_types))),
        problems=tuple(sorted(problems[0] ^ problems[1])),
    )


def _by_id(snapshot: Snapshot) -> dict[tuple[str, str], Resource]:
    found: dict[tuple[str, str], Resource] = {}
    for resource in snapshot.resources:
        key = (resource.type, resource.id)
        if key in found:
            raise ModelError(f"the snapshot of {snapshot.asset.id} has {resource.type} {resource.id} twice")
        found[key] = resource
    return found


def _changes(
    before: Mapping[tuple[str, str], Resource], after: Mapping[tuple[str, str], Resource]
) -> Iterator[ResourceChange]:
    for key in sorted({*before, *after}):
        old, new = before.get(key), after.get(key)
        if old is None and new is not None:
            yield ResourceChange("added", *key, new.name, None, new.digest)
        elif new is None and old is not None:
            yield ResourceChange("removed", *key, old.name, old.digest, None)
        elif old is not None and new is not None and old.digest != new.digest:
            fields = tuple(_fields(old.data, new.data, ()))
            yield ResourceChange("changed", *key, new.name, old.digest, new.digest, fields)


def _fields(before: Any, after: Any, path: Path) -> Iterator[FieldChange]:
    """Yield each field in which two values differ; nesting ends because digests of both were taken."""
    if type(before) is dict and type(after) is dict:
        for key in sorted({*before, *after}):
            if key not in after:
                yield FieldChange("removed", (*path, key), before[key])
            elif key not in before:
                yield FieldChange("added", (*path, key), None, after[key])
            else:
                yield from _fields(before[key], after[key], (*path, key))
    elif type(before) is list and type(after) is list and len(before) == len(after):
        for index, (old, new) in enumerate(zip(before, after, strict=True)):
            yield from _fields(old, new, (*path, index))
    elif type(before) is not type(after) or before != after:
        yield FieldChange("changed", path, before, after)


def shown_value(value: Any, path: Path) -> Any:
    """Return a value as people and reports may have it: cut, and nothing that a name says is a secret."""
    if any(isinstance(part, str) and _SECRET.search(part) for part in path) and not _harmless(value):
        return WITHHELD
    if isinstance(value, dict):
        return {key: shown_value(item, (*path, key)) for key, item in value.items()}
    if isinstance(value, list):
        return [shown_value(item, path) for item in value]
    if isinstance(value, str) and len(value) > _SHOWN:
        return f"{value[:_SHOWN]}… {len(value) - _SHOWN} more"
    return value


def _harmless(value: Any) -> bool:
    return value is None or isinstance(value, bool | int | float)
