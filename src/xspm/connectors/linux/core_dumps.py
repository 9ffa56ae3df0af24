"""Core dumps: what keeps the memory of crashed programs from being written to disk."""

from __future__ import annotations

from typing import ClassVar

from xspm.model.schema import ResourceType
from xspm.model.unknown import Maybe


class CoreDumps(ResourceType, frozen=True, kw_only=True):
    """Whether crashed programs leave their memory on disk."""

    TYPE: ClassVar[str] = "linux.core_dumps"

    hard_limit_zero: Maybe[bool]
    """Whether limits.conf gives everybody (`*`) a hard limit of 0 for core files."""
    limit_set_in: Maybe[str | None]
    """Path of the file that gives that limit."""
    systemd_storage: Maybe[str | None]
    """`Storage` of systemd-coredump: `none`, `external` (its default), `journal`; null where it is not installed."""
    systemd_process_size_max: Maybe[str | None]
    """`ProcessSizeMax` of systemd-coredump as configured; null when not set."""
    handler: Maybe[str | None]
    """Program that the kernel hands dumps to (`kernel.core_pattern` with `|`); null when it writes a file itself."""
