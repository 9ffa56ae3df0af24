"""What a connector is, and the table of those that exist.

A connector reads one kind of asset, read-only, and yields a snapshot. It knows nothing of policies. The table names
modules, not objects, so that a scan imports only what its targets need.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final, Protocol, runtime_checkable

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from xspm.model.asset import Snapshot
    from xspm.model.check import Example, Remediation
    from xspm.model.schema import TypeSpec


class Options(msgspec.Struct, frozen=True):
    """What a user may say about how to collect."""

    sudo: bool = False
    """Raise privileges on the target with `sudo -n`."""
    timeout: float = 120.0
    """Seconds one target may take."""
    ssh_config: str | None = None
    known_hosts: str | None = None
    identity: str | None = None
    """Private key file."""
    collector: str | None = None
    """Path on the target of the one program that may be run there with `sudo`: see `xspm connectors permissions`."""


class Grant(msgspec.Struct, frozen=True):
    """A right that a connector asks for, as its owner hands it out."""

    form: str
    """What it is: `sudoers`, `script`, `reads`, `runs`."""
    title: str
    """One line: what it is for and where it goes."""
    content: str
    """The text to put there; for `reads` and `runs` one path or command per line."""


@runtime_checkable
class Connector(Protocol):
    """Reads one kind of asset. Every module named in `TABLE` has one as `CONNECTOR`."""

    name: str
    """As in the table."""
    title: str
    """One line for `xspm connectors`."""
    targets: tuple[str, ...]
    """How targets are written, for help: `host`, `ssh://[USER@]HOST[:PORT]`, `dir:PATH`."""
    permissions: tuple[str, ...]
    """What it needs to be allowed to do, one line each."""
    assets: Mapping[str, tuple[str, ...]]
    """By type of asset that it reads: every label that it may give one. Policies may scope by no others."""

    def grants(self) -> Sequence[Grant]:
        """The exact rights to give it, derived from what its services declare that they read."""

    def types(self) -> Sequence[TypeSpec]:
        """Every resource type it fills."""

    def recognises(self, target: str) -> bool:
        """Whether `target` is written in one of its forms, or is a path whose content it reads. Never raises."""

    def collect(self, target: str, options: Options, progress: Callable[[str], None]) -> Snapshot:
        """Read the target.

        Raises:
            ConnectorError: nothing could be read at all. What could be read only in part is a problem on the snapshot.
        """

    def example(self, form: str, content: Any) -> Snapshot:
        """Read an example of a check as if it were a target, through the same normalising code.

        Raises:
            ConnectorError: the form is not one of this connector's, or its content is malformed.
        """

    def remediate(self, example: Example, remediation: Remediation) -> Any:
        """Return the content of `example` with a remediation in code form applied.

        Raises:
            ConnectorError: the remediation does not fit the example.
        """


TABLE: Final[Mapping[str, str]] = {
    "linux": "xspm.connectors.linux",
    "kubernetes": "xspm.connectors.kubernetes",
}
"""Name to module; in order of recognition."""


def load(name: str) -> Connector:
    """Import one connector by its name in the table."""
    connector = importlib.import_module(TABLE[name]).CONNECTOR
    assert isinstance(connector, Connector)  # noqa: S101 - a broken table is a defect of xspm, shown by the contract tests
    return connector
