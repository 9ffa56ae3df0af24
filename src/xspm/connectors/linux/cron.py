"""Scheduled jobs: cron's and at's access lists and every entry.

Commands are copied with credentials masked. For each program that a command starts, by path or along the table's PATH,
it is asked who can change it: a root job that others can rewrite is a root shell for them.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple

from xspm.connectors.linux import search_path
from xspm.connectors.linux.changers import Changer, changer
from xspm.connectors.linux.configuration import lines, unquote
from xspm.connectors.linux.cron_commands import Programs
from xspm.connectors.linux.init import init_of
from xspm.connectors.linux.records import exists, fill, not_installed, resource, settings, unlisted
from xspm.connectors.linux.redact import redact
from xspm.connectors.linux.transport import Needs, Stat
from xspm.model.schema import ResourceType
from xspm.model.unknown import Maybe, Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

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
    """The five fields, `@daily` or anacron's three as written; the directory's name for a script."""
    command: str
    """The command with credentials masked."""
    program: Maybe[str | None]
    """Absolute path of the program it starts, of several the one that others can change or that is missing. One that
    is named without its path is looked for along the table's PATH; null when none is found.
    """
    program_exists: Maybe[bool | None]
    """The program is there; null without a path."""
    program_uid: Maybe[int | None]
    """Its owner; null without a path or file."""
    program_writable: Maybe[bool | None]
    """Someone other than root may change it or a folder on the way to it; null without a path."""
    program_changeable_path: Maybe[str | None]
    """The component that someone other than root may change: the program or a folder above it; null when none."""
    program_changeable_by: Maybe[str | None]
    """Who may: `user bob`, `group staff`, `everybody`; null when root alone can."""


TYPES: tuple[type[ResourceType], ...] = (Cron, CronJob)

_PERIODS: Final = ("hourly", "daily", "weekly", "monthly")
_TABLES: Final = ("/var/spool/cron/crontabs", "/var/spool/cron/tabs", "/var/spool/cron", "/etc/crontabs")
"""Folders of users' tables: Debian, SUSE, RHEL, Alpine."""
_SCRIPTS: Final = (*(f"/etc/cron.{period}" for period in _PERIODS), *(f"/etc/periodic/{period}" for period in _PERIODS))
NEEDS: Final = Needs(
    texts=(
        "/etc/crontab",
        "/etc/anacrontab",
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

_ANACRON: Final = "/etc/anacrontab"
_ANACRON_JOB: Final = re.compile(r"((?:\d+|@\w+)\s+\d+\s+\S+)\s+(.+)")
_SETTING: Final = re.compile(r"[\"']?([A-Za-z_]\w*)[\"']?\s*=(.*)")
_JOB: Final = re.compile(r"(@\w+|(?:\S+\s+){4}\S+)\s+(.+)")
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
    tables: list[tuple[str, str | None]] = [("/etc/crontab", None), (_ANACRON, "root")]
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
            found = source.stat(path, follow=True)
            # A sub-folder is no table.
            if not (isinstance(found, Stat) and found.kind == "directory"):
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
    given: dict[str, str] = {}
    for line in lines(text):
        if setting := _SETTING.match(line.text):
            given[setting[1]] = unquote(setting[2].strip())
            continue
        match = (_ANACRON_JOB if path == _ANACRON else _JOB).match(line.text)
        if match is None:
            continue
        who, command = user, match[2]
        if user is None:
            who, _, command = command.partition(" ") if " " in command else command.partition("\t")
        if command.strip():
            schedule = " ".join(match[1].split())
            place = (path, line.number)
            yield _job(source, place, schedule, who or "root", command.strip(), given), line.number


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


def _job(  # noqa: PLR0917 - a job is all of these
    source: Source,
    place: tuple[str, int | None],
    schedule: str,
    user: str,
    command: str,
    given: Mapping[str, str] = MappingProxyType({}),
) -> CronJob:
    path, line = place
    known: dict[str, Any] = {"file": path, "line": line, "user": user, "schedule": schedule, "command": redact(command)}
    started = Programs(command)
    search = search_path.folders_of(given.get("PATH", ""), search_path.CRON)
    shell = given.get("SHELL", "")
    paths = [
        *started.paths,
        *(place for name in started.names for place in search_path.places(source, name, search)),
        *([shell] if shell.startswith("/") else ()),
    ]
    found = [_Program.of(source, program) for program in dict.fromkeys(paths)]
    # One that is looked for before it is started may be missing.
    passed = {*started.tested, shell}
    found = [item for item in found if item.writable or item.path not in passed or item.exists is not False]
    worst = max(found, key=lambda item: item.concern, default=None)
    if started.unclear and (worst is None or not worst.concern):
        why = Unknown(f"which programs it starts cannot be told: {path}:{line}", cause="format")
        return fill(CronJob, why, known)
    if worst is None:
        return fill(CronJob, None, known)
    return CronJob(
        **known,
        program=worst.path,
        program_exists=worst.exists,
        program_uid=worst.uid,
        program_writable=worst.writable,
        program_changeable_path=worst.changer.path if isinstance(worst.changer, Changer) else worst.changer,
        program_changeable_by=worst.changer.by if isinstance(worst.changer, Changer) else worst.changer,
    )


class _Program(NamedTuple):
    """What is known of one program."""

    path: str
    exists: Maybe[bool]
    uid: Maybe[int | None]
    changer: Maybe[Changer | None]

    @classmethod
    def of(cls, source: Source, path: str) -> _Program:
        """Look a program up."""
        found = source.stat(path, follow=True)
        by = changer(source, path)
        if isinstance(found, Unknown):
            return cls(path, found, found, by)
        return cls(path, exists=found is not None, uid=found.uid if found else None, changer=by)

    @property
    def writable(self) -> Maybe[bool | None]:
        """Whether someone other than root may change it, or put it there; null for one that is not there otherwise."""
        if isinstance(self.changer, Unknown):
            return self.changer
        return True if self.changer else None if self.exists is False else False

    @property
    def concern(self) -> int:
        """How much it should be looked at: others may change it, it is missing, it cannot be told."""
        if self.writable is True:
            return 3
        if self.exists is False:
            return 2
        return int(isinstance(self.exists, Unknown) or isinstance(self.changer, Unknown))
