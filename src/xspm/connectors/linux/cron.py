"""Scheduled jobs: cron's and at's access lists and every entry.

Commands are copied with credentials masked. For each command that names a program by path, the program's own
permissions are looked at: a root job that others can rewrite is a root shell for them.
"""

from __future__ import annotations

from typing import ClassVar

from xspm.model.schema import ResourceType
from xspm.model.unknown import Maybe


class Cron(ResourceType, frozen=True, kw_only=True):
    """cron and at: whether they run and who may use them."""

    TYPE: ClassVar[str] = "linux.cron"

    installed: bool
    """A cron daemon or its directories are there. When not, fields on cron are unknown with cause `missing`."""
    implementation: Maybe[str | None]
    """`cron` (Debian, SUSE), `cronie` (RHEL), `busybox`; null when not told."""
    enabled: Maybe[bool | None]
    """The daemon starts at boot; null when no init system is there."""
    running: Maybe[bool | None]
    """It runs now; null when no init system is in charge."""
    allowed_users: Maybe[list[str] | None]
    """cron.allow; null when the file does not exist."""
    denied_users: Maybe[list[str] | None]
    """cron.deny; null when the file does not exist."""
    at_installed: bool
    """at is there. When not, the next two fields are unknown with cause `missing`."""
    at_allowed_users: Maybe[list[str] | None]
    """at.allow; null when the file does not exist."""
    at_denied_users: Maybe[list[str] | None]
    """at.deny; null when the file does not exist."""


class CronJob(ResourceType, frozen=True, kw_only=True):
    """One scheduled job: a crontab line, or a script in a cron.* directory."""

    TYPE: ClassVar[str] = "linux.cron_job"

    file: str
    """Crontab or script."""
    line: int | None
    """1-based line; null for a script."""
    user: str
    """Who it runs as."""
    schedule: str
    """The five fields or `@daily` as written; the directory's name for a script."""
    command: str
    """The command with credentials masked."""
    program: str | None
    """Absolute path of the program it starts, where that can be told; null otherwise."""
    program_exists: Maybe[bool | None]
    """The program is there; null without a path."""
    program_uid: Maybe[int | None]
    """Its owner; null without a path or file."""
    program_writable: Maybe[bool | None]
    """Group or others may write it, or a directory above that has no sticky bit; null without a path or file."""


TYPES: tuple[type[ResourceType], ...] = (Cron, CronJob)
