"""Where packages come from, whether they are verified, and whether updates come by themselves."""

from __future__ import annotations

from typing import ClassVar

from xspm.model.schema import ResourceType
from xspm.model.unknown import Maybe


class Repository(ResourceType, frozen=True, kw_only=True):
    """A package repository the host is configured for."""

    TYPE: ClassVar[str] = "linux.repository"

    name: str
    """Suite and components for apt, section's name for dnf and zypper, the address for apk."""
    manager: str
    """`apt`, `dnf`, `zypper` or `apk`."""
    file: str
    """Path of the file that configures it."""
    enabled: bool
    """Whether it is in use."""
    uri: str | None
    """Where packages are fetched, without credentials; null when only a mirror list is given."""
    scheme: str | None
    """`https`, `http`, `mirror+https`, `file`, `cdrom` …"""
    network: bool
    """Whether packages travel over a network."""
    encrypted: bool
    """Whether they travel over TLS, or over no network at all."""
    verifies_signatures: bool
    """Whether packages (or the index that names their digests) must be signed by a known key."""
    verifies_index: bool
    """Whether the index itself must be signed: always for apt and apk, `repo_gpgcheck` for dnf and zypper."""
    verifies_tls: bool
    """Whether the server's certificate is checked."""
    signed_by: str | None
    """Keys that may sign it, as configured; null when every key the host trusts may."""


class PackageManager(ResourceType, frozen=True, kw_only=True):
    """What the package manager demands of every package."""

    TYPE: ClassVar[str] = "linux.package_manager"

    manager: str | None
    """`apt`, `dnf`, `zypper` or `apk`; null when none was found."""
    verifies_signatures: Maybe[bool]
    """Whether packages from repositories must be signed unless a repository says otherwise."""
    verifies_local_packages: Maybe[bool | None]
    """Whether packages installed from a file must be signed (`localpkg_gpgcheck`); null where there is no such setting."""
    trusted_key_files: Maybe[list[str]]
    """Files of keys that may sign any repository, sorted."""


class Updates(ResourceType, frozen=True, kw_only=True):
    """Whether updates come by themselves, and what waits to be installed."""

    TYPE: ClassVar[str] = "linux.updates"

    automatic: Maybe[bool]
    """Whether security updates are installed without anybody's doing."""
    mechanism: Maybe[str | None]
    """What installs them: `unattended-upgrades`, `dnf-automatic`, `yum-cron`, `transactional-update`; null when none is set up."""
    reboot_required: Maybe[bool]
    """Whether an installed update waits for a reboot."""
    security_updates_pending: Maybe[int]
    """How many known security updates are not installed; unknown where no local data says so."""
    metadata_updated: Maybe[str | None]
    """When the list of available packages was last fetched, an RFC 3339 timestamp; null when it never was."""
