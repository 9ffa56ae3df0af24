"""What is assessed and what was read of it: assets, resources, snapshots, problems."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Literal, TypeAlias

import msgspec

from xspm.model.digest import Digest, canonical, digest, digest_bytes
from xspm.model.unknown import UNKNOWN_KEY, revive

ProblemKind: TypeAlias = Literal["access", "format", "limit", "missing", "timeout", "unsupported"]
"""Why something could not be read: the words of `unknown.Cause`, and `unsupported` for what xspm does not read yet."""


class Location(msgspec.Struct, frozen=True, order=True, omit_defaults=True, gc=False):
    """A place in a file that a person can open."""

    file: str
    """Path as the user would type it: relative to where the scan ran when below it, with forward slashes."""
    line: int | None = None
    """1-based first line."""
    end_line: int | None = None
    """1-based last line."""
    column: int | None = None
    """1-based first column."""


class Asset(msgspec.Struct, frozen=True):
    """A thing that is assessed: a host, a set of manifests, later a cloud account."""

    type: str
    """`host`, `kubernetes.manifests`, …"""
    id: str
    """Stable and unique among all assets of an organisation, for instance `host:web-1`."""
    name: str
    """What people call it."""
    labels: dict[str, str] = {}
    """Facts that policies scope by: `os.family`, `os.name`, …"""


class Resource(msgspec.Struct, frozen=True, dict=True):
    """One typed configuration item of an asset, as plain JSON."""

    type: str
    """The resource type, for instance `linux.sshd`."""
    id: str
    """Unique within asset and type, stable between snapshots."""
    name: str
    """What people call it."""
    data: dict[str, Any]
    """The item as plain JSON; what could not be read is a `{"$unknown": …}` object."""
    location: Location | None = None
    """Where it is declared, when it comes from a file that a person edits."""
    locations: dict[str, Location] = {}
    """Places of single fields by path (`spec.hostNetwork`), where they are known."""

    @cached_property
    def _content(self) -> tuple[Digest, bool]:
        data = canonical({"data": self.data, "type": self.type})
        return digest_bytes(data), f'"{UNKNOWN_KEY}"'.encode() in data

    @property
    def digest(self) -> Digest:
        """Digest of type and data: the same configuration has the same digest wherever it was found."""
        return self._content[0]

    @property
    def live_data(self) -> dict[str, Any]:
        """The data with every unknown as an `Unknown`, as checks read it; not to be changed."""
        return revive(self.data) if self._content[1] else self.data


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something that could not be read while collecting; it never disappears into an empty list."""

    kind: ProblemKind
    message: str
    """One line: what was tried and why it failed."""
    resource_types: tuple[str, ...] = ()
    """Types that are therefore incomplete: checks on them get the verdict `unknown`."""
    location: Location | None = None
    hint: str | None = None
    """What would let xspm read it, for instance `run as root`."""


class Snapshot(msgspec.Struct, frozen=True, dict=True):
    """All resources of one asset at one time, with the problems met while collecting."""

    asset: Asset
    collected_at: str
    """RFC 3339, UTC, whole seconds: `2026-01-31T12:00:00Z`. It is `now` for every check."""
    connector: str
    """Name of the connector that read it."""
    resource_types: tuple[str, ...]
    """Every type this connector looked for, sorted. One that has no resource and no problem has none."""
    resources: tuple[Resource, ...] = ()
    """Sorted by type, then id."""
    problems: tuple[Problem, ...] = ()

    @cached_property
    def digest(self) -> Digest:
        """Digest of asset, types, resources and problems: the same however often the same configuration is read."""
        return digest(
            {
                "asset": self.asset,
                "problems": self.problems,
                "resource_types": self.resource_types,
                "resources": [[resource.type, resource.id, resource.digest] for resource in self.resources],
            }
        )


def encode_snapshot(snapshot: Snapshot) -> bytes:
    """Return a snapshot as JSON; `decode_snapshot` gives back an equal one."""
    return msgspec.json.encode(snapshot, order="sorted")


def decode_snapshot(data: bytes) -> Snapshot:
    """Read a snapshot that `encode_snapshot` wrote.

    Raises:
        msgspec.DecodeError: the bytes are not such a snapshot.
    """
    return msgspec.json.decode(data, type=Snapshot)
