"""Disk encryption: dm-crypt volumes in use, crypttab, and which file systems lie on neither."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from xspm.model.schema import ResourceType
from xspm.model.unknown import Maybe


class EncryptedVolume(msgspec.Struct, frozen=True, kw_only=True):
    """An encrypted volume."""

    name: str
    """Its mapped name: `/dev/mapper/NAME`."""
    active: Maybe[bool]
    """Whether it is open now."""
    configured: bool
    """Whether crypttab opens it at boot."""
    format: str | None
    """`LUKS1`, `LUKS2`, `PLAIN`, `BITLK`; null when it is not open."""
    key_file: str | None
    """Where crypttab says its key is read from; null when somebody must give it."""


class DiskEncryption(ResourceType, frozen=True, kw_only=True):
    """Encryption of the host's disks."""

    TYPE: ClassVar[str] = "linux.disk_encryption"

    root_encrypted: Maybe[bool]
    """Whether the root file system lies on an encrypted volume."""
    swap_encrypted: Maybe[bool | None]
    """Whether every swap space on a disk is encrypted; null when there is no swap on a disk."""
    unencrypted: Maybe[list[str]]
    """Where file systems of local disks are mounted that are not encrypted, sorted; boot partitions are left out."""
    volumes: Maybe[list[EncryptedVolume]]
    """Encrypted volumes that are open or configured, by name."""
