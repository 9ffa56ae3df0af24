"""Scheduled jobs: cron's and at's access lists and every entry.

Commands are copied with credentials masked. For each command that names a program by path, the program's own
permissions are looked at: a root job that others can rewrite is a root shell for them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar, Final

from xspm.connectors.linux.configuration import lines
from xspm.connectors.linux.init import init_of
from xspm.connectors.linux.records import exists, fill, not_installed, resource, settings, unlisted
from xspm.connectors.linux.redact import redact
from xspm.connectors.linux.transport import Needs
from xspm.model.schema import ResourceType
from xspm.model.unknown import Maybe, Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xspm.connectors.linux.transport import Source
    from xspm.model.asset import Problem, Resource


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

_PERIODS: Final = ("hourly", "daily", "weekly", "monthly")
_TABLES: Final = ("/var/spool/cron/crontabs", "/var/spool/cron/tabs", "/var/spool/cron", "/etc/crontabs")
"""Folders of users' tables: Debian, SUSE, RHEL, Alpine."""
_SCRIPTS: Final = (*(f"/etc/cron.{period}" for period in _PERIODS), *(f"/etc/periodic/{period}" for period in _PERIODS))
NEEDS: Final = Needs(
    texts=(
        "/etc/crontab",
        "/etc/cron.d/*",
        "/var/spool/cron/crontabs/*",
        "/var/spool/cron/tabs/*",
        "/var/spool/cron/*",
        "/etc/crontabs/*",
        "/etc/cron.allow",
        "/etc/cron.deny",
        "/etc/at.allow",
        "/etc/at.deny",
    ),
    stats=(
        "/usr/sbin/cron",
        "/usr/sbin/crond",
        "/usr/bin/at",
        "/usr/bin/crontab",
        *(f"{folder}/*" for folder in _SCRIPTS),
    ),
    lists=(*_TABLES, "/etc/cron.d", *_SCRIPTS),
)

_JOB: Final = re.compile(r"(@\w+|(?:\S+\s+){4}\S+)\s+(.+)")
_TESTS: Final = frozenset(
    {"test", "[", "[[", "cd", "if", "then", "else", "fi", "do", "done", "!", "true", ":", "umask", "echo"}
)
"""First words of simple commands that start no program of interest."""
_WRAPPERS: Final = frozenset(
    {
        "nice",
        "ionice",
        "exec",
        "env",
        "time",
        "timeout",
        "sudo",
        "nohup",
        "flock",
        "chronic",
        "setsid",
        "command",
        "run-one",
    }
    | {
        "sh",
        "bash",
        "dash",
        "python",
        "python3",
        "perl",
        "ruby",
        "/bin/sh",
        "/bin/bash",
        "/usr/bin/env",
        "/usr/bin/python3",
    }
    | {"/usr/bin/perl", "/usr/bin/bash", "/usr/bin/flock", "/usr/bin/nice", "/usr/bin/timeout"}
)
"""Programs that start the one named after them."""
_JOB_LIMIT: Final = 10_000


def collect(source: Source) -> Iterator[Resource | Problem]:
    """Read access to cron and at, and every job."""
    yield settings(_cron(source))
    yield from _jobs(source)


def _cron(source: Source) -> Cron:
    manager = init_of(source)
    installed = exists(source, "/usr/sbin/cron", "/usr/sbin/crond", "/etc/crontab", "/etc/crontabs", "/etc/cron.d")
    at = exists(source, "/usr/bin/at", "/etc/at.deny", "/etc/at.allow")
    known: dict[str, Any] = {"installed": installed, "at_installed": at}
    if at:
        known |= {
            "at_allowed_users": _names(source, "/etc/at.allow"),
            "at_denied_users": _names(source, "/etc/at.deny"),
        }
    else:
        known |= dict.fromkeys(("at_allowed_users", "at_denied_users"), not_installed("at"))
    if installed:
        known |= {
            "implementation": _implementation(source),
            "enabled": manager.boots("cron", "crond", "cronie", "dcron", "fcron"),
            "running": manager.runs("cron", "crond", "cronie", "dcron", "fcron"),
            "allowed_users": _names(source, "/etc/cron.allow"),
            "denied_users": _names(source, "/etc/cron.deny"),
        }
    return fill(Cron, not_installed("cron"), known)


def _implementation(source: Source) -> str | None:
    if exists(source, "/etc/crontabs"):
        return "busybox"
    if exists(source, "/usr/sbin/cron"):
        return "cron"
    return "cronie" if exists(source, "/usr/sbin/crond") else None


def _names(source: Source, path: str) -> Maybe[list[str] | None]:
    """Read an access list."""
    text = source.text(path)
    if text is None or isinstance(text, Unknown):
        return text
    return sorted({line.text.split()[0] for line in lines(text)})


def _jobs(source: Source) -> Iterator[Resource | Problem]:
    """Read tables of the system, tables of users, and scripts."""
    tables: list[tuple[str, str | None]] = [("/etc/crontab", None)]
    for folder in ("/etc/cron.d", *_TABLES):
        names = source.list(folder)
        if isinstance(names, Unknown):
            yield unlisted(names, CronJob)
        for name in names if isinstance(names, list) else ():
            system = folder == "/etc/cron.d"
            # cron skips names that packages leave behind; a folder of users' tables may hold the folder `crontabs`.
            ignored = not re.fullmatch(r"[\w.-]+", name) or name.endswith((".dpkg-dist", ".rpmsave", ".rpmnew", "~"))
            if not ignored and name not in {"crontabs", "tabs", "lastrun", "cron.update"} and not name.startswith("."):
                tables.append((f"{folder}/{name}", None if system else name))
    count = 0
    for path, user in dict(tables).items():
        text = source.text(path)
        if isinstance(text, Unknown):
            # A sub-folder or a FIFO is no table.
            if text.cause != "format":
                yield unlisted(text, CronJob)
            continue
        for job, line in _table(source, path, text or "", user):
            count += 1
            if count > _JOB_LIMIT:
                yield unlisted(Unknown(f"more than {_JOB_LIMIT} jobs", cause="limit"), CronJob)
                return
            yield resource(job, f"{path}:{line}", at=(path, line))
    yield from _scripts(source)


def _table(source: Source, path: str, text: str, user: str | None) -> Iterator[tuple[CronJob, int]]:
    """Read one table; those of the system name the user before the command."""
    for line in lines(text):
        if re.match(r"[A-Za-z_]\w*\s*=", line.text):
            continue
        match = _JOB.match(line.text)
        if match is None:
            continue
        who, command = user, match[2]
        if user is None:
            who, _, command = command.partition(" ") if " " in command else command.partition("\t")
        if command.strip():
            schedule = " ".join(match[1].split())
            yield _job(source, (path, line.number), schedule, who or "root", command.strip()), line.number


def _scripts(source: Source) -> Iterator[Resource | Problem]:
    """List the scripts of /etc/cron.daily and its like."""
    for folder in _SCRIPTS:
        names = source.list(folder)
        if isinstance(names, Unknown):
            yield unlisted(names, CronJob)
        for name in names if isinstance(names, list) else ():
            path = f"{folder}/{name}"
            if not name.startswith("."):
                yield resource(
                    _job(source, (path, None), re.split(r"[./]", folder)[-1], "root", path), path, at=(path, 1)
                )


def _job(source: Source, place: tuple[str, int | None], schedule: str, user: str, command: str) -> CronJob:
    path, line = place
    program = _program(command)
    rest: dict[str, Any] = {"program_exists": None, "program_uid": None, "program_writable": None}
    if program:
        found = source.stat(program, follow=True)
        rest["program_exists"] = found if isinstance(found, Unknown) else found is not None
        rest["program_uid"] = found if isinstance(found, Unknown) else found.uid if found else None
        rest["program_writable"] = (
            found if isinstance(found, Unknown) else _writable(source, program) if found else None
        )
    return CronJob(**rest, file=path, line=line, user=user, schedule=schedule, command=redact(command), program=program)


def _program(command: str) -> str | None:
    """Return the first absolute path that the command runs."""
    for simple in re.split(r"&&|\|\||[;&|()\n]", command[:4096]):
        wrapped = False
        for word in simple.split():
            bare = word.strip("\"'")
            if re.match(r"\w+=", bare) or (wrapped and (bare.startswith("-") or bare.isdigit())):
                continue
            if bare in _TESTS:
                break
            if bare in _WRAPPERS:
                wrapped = True
            elif re.fullmatch(r"/[\w./+@-]+", bare):
                return bare
            else:
                return None
    return None


def _writable(source: Source, program: str) -> Maybe[bool]:
    """Whether group or others may replace a program, or a folder on the way to it."""
    found = source.stat(program, follow=True)
    if isinstance(found, Unknown):
        return found
    if found and found.mode & 0o022:
        return True
    folder = program.rpartition("/")[0]
    while folder:
        above = source.stat(folder, follow=True)
        if isinstance(above, Unknown):
            return above
        if above and above.mode & 0o022 and not above.mode & 0o1000:
            return True
        folder = folder.rpartition("/")[0]
    return False
