"""From a source to a snapshot: every service in turn, then the asset that what they found describes.

A service that fails on what a host shows is a problem on the snapshot, never the end of the scan.
"""

from __future__ import annotations

import importlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec

from xspm.connectors.linux.transport import Needs
from xspm.model.asset import Asset, Problem, Resource, Snapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from xspm.connectors.linux.transport import Source
    from xspm.model.schema import ResourceType

SERVICES: Final = (
    "os",
    "kernel_parameters",
    "kernel_modules",
    "mounts",
    "files",
    "packages",
    "repositories",
    "updates",
    "boot",
    "mac",
    "encryption",
    "core_dumps",
    "crypto_policy",
    "docker",
    "users",
    "login",
    "pam",
    "sshd",
    "sudo",
    "systemd",
    "trusted_paths",
    "sockets",
    "firewall",
    "audit",
    "logs",
    "cron",
    "clock",
)
"""Modules of this package; each holds the types, the fetching and the normalising of one service."""
_UNITS: Final = ("/etc/systemd/system", "/run/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system")
COMMON: Final = Needs(
    stats=(
        *("/", "/bin", "/etc", "/lib", "/sbin", "/usr", "/var", "/usr/lib", "/usr/bin", "/usr/sbin", "/usr/games"),
        *("/lib/systemd/systemd", "/usr/lib/systemd/systemd", "/etc/inittab", "/run/*", "/run/systemd/system"),
        *("/etc/rc.d", "/usr/local/lib/systemd", "/var/*/.ssh", "/var/*/*/.ssh", "/run/*/.ssh", "/usr/games/.ssh"),
        *(f"{folder}/*" for folder in _UNITS),
        *(f"{folder}/*/*" for folder in _UNITS),
    ),
    lists=(
        *(*_UNITS, *(f"{folder}/*.d" for folder in _UNITS), *(f"{folder}/*.wants" for folder in _UNITS)),
        *("/etc/init.d", "/etc/runlevels", "/etc/runlevels/*", "/etc/rc?.d", "/etc/audit/rules.d"),
    ),
)
"""What a collector script brings besides, because what a configuration names leads there."""
_LABELS: Final = {
    "host.name": "hostname",
    "os.family": "family",
    "os.name": "name",
    "os.version": "version",
    "architecture": "architecture",
    "virtualization": "virtualization",
    "kernel": "kernel_release",
}


class Service(Protocol):
    """What a service module offers."""

    TYPES: tuple[type[ResourceType], ...]
    """The resource types it fills."""
    NEEDS: Needs
    """Everything it may ask a source for."""

    def collect(self, source: Source) -> Iterator[Resource | Problem]:
        """Read what it is about."""


def services() -> Iterator[tuple[str, Service]]:
    """Import the services, in order."""
    for name in SERVICES:
        module: Any = importlib.import_module(f"xspm.connectors.linux.{name}")
        yield name, module


def snapshot(
    source: Source,
    progress: Callable[[str], None],
    *,
    fallback: str,
    only: Collection[str] | None = None,
    identity: str | None = None,
) -> Snapshot:
    """Read everything `source` shows.

    Args:
        source: the host.
        progress: is told the name of each service before it is read.
        fallback: what the host is called when it does not say its own name, or has an identity.
        only: resource types to read; all by default.
        identity: the asset's id: where the host was found. By default its own name makes one.
    """
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    resources: dict[tuple[str, str], Resource] = {}
    problems: list[Problem] = []
    types: set[str] = set()
    for name, service in services():
        wanted = {item.TYPE for item in service.TYPES if only is None or item.TYPE in only}
        if not wanted:
            continue
        progress(name)
        types |= wanted
        for item in _guarded(name, service, source):
            if isinstance(item, Problem):
                if not item.resource_types or wanted.intersection(item.resource_types):
                    problems.append(item)
            elif item.type in wanted:
                _keep(resources, item)
    return Snapshot(
        asset=_asset(resources, fallback, identity),
        collected_at=now,
        connector="linux",
        resource_types=tuple(sorted(types)),
        resources=tuple(resources[key] for key in sorted(resources)),
        problems=tuple(dict.fromkeys(problems)),
    )


def _guarded(name: str, service: Service, source: Source) -> Iterator[Resource | Problem]:
    """Yield what a service reads; a defect in it is a problem that makes its types incomplete."""
    try:
        yield from service.collect(source)
    except Exception as error:  # noqa: BLE001 - one service must not end the scan of a host
        types = tuple(item.TYPE for item in service.TYPES)
        yield Problem("format", f"{name} could not be read: {type(error).__name__}: {error}", resource_types=types)


def _keep(resources: dict[tuple[str, str], Resource], item: Resource) -> None:
    """Add a resource; one of the same id, as a broken file may declare, gets a number."""
    key, number = (item.type, item.id), 1
    while key in resources:
        number += 1
        key = (item.type, f"{item.id}#{number}")
    resources[key] = item if number == 1 else msgspec.structs.replace(item, id=key[1])


def _asset(resources: dict[tuple[str, str], Resource], fallback: str, identity: str | None) -> Asset:
    """Describe the host by what was read of its operating system.

    Its own name makes the id of this machine alone: a copy has the same, and who changes it would be another host.
    """
    found = resources.get(("linux.os", "os"))
    facts = found.data if found else {}
    hostname = facts.get("hostname")
    labels = {label: facts[field] for label, field in _LABELS.items() if isinstance(facts.get(field), str)}
    if identity is not None:
        return Asset(type="host", id=identity, name=fallback, labels=labels)
    name = hostname if isinstance(hostname, str) and hostname else fallback
    return Asset(type="host", id=f"host:{name}", name=name, labels=labels)


def needs() -> list[Needs]:
    """Return what the services need, and what several of them look at."""
    return [COMMON, *(service.NEEDS for _, service in services())]
