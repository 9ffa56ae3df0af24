"""What root trusts: folders of the system, programs it runs, libraries it loads; and who else can change them.

Paths come from three places: the folders above the files that matter (`file_purposes`), what the configuration of
services, udev, logrotate and PAM names (`started_programs`), and what the loader is told (`loader`). Each is followed
to its end by `changers`, so that one open folder on the way is found wherever it is.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar, Final, Literal, cast

from xspm.connectors.linux import init, loader, started_programs
from xspm.connectors.linux.changers import changers_of
from xspm.connectors.linux.file_purposes import PURPOSES
from xspm.connectors.linux.loader import loaded
from xspm.connectors.linux.records import resource, unlisted
from xspm.connectors.linux.started_programs import Named, named
from xspm.connectors.linux.transport import Needs
from xspm.model.schema import ResourceType
from xspm.model.unknown import Maybe, Unknown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from xspm.connectors.linux.transport import Source
    from xspm.model.asset import Problem, Resource

Purpose = Literal[
    "system_folder",
    "configuration",
    "service_program",
    "service_environment",
    "init_script",
    "udev_program",
    "logrotate_program",
    "pam_module",
    "pam_program",
    "preloaded_library",
    "library_folder",
]


class TrustedPath(ResourceType, frozen=True, kw_only=True):
    """A path that root relies on: what root runs, loads or reads as its configuration."""

    TYPE: ClassVar[str] = "linux.trusted_path"

    path: str
    """Absolute path as it is named; of a folder of the system, without links. `$(command)` stands for a command of a
    service whose programs cannot be told.
    """
    purpose: Purpose
    """What it is for: `system_folder` (above files that matter; only the folder itself is looked at),
    `configuration`, `service_program` (of a systemd service that runs as root), `service_environment`
    (EnvironmentFile=), `init_script` (System V scripts, rc.local and what it starts), `udev_program`,
    `logrotate_program`, `pam_module`, `pam_program` (of pam_exec), `preloaded_library` (ld.so.preload, LD_PRELOAD,
    LD_AUDIT), `library_folder` (ld.so.conf, LD_LIBRARY_PATH).
    """
    named_by: list[str]
    """The files that name it, sorted; 20 at most."""
    exists: Maybe[bool]
    """It is there."""
    changeable_path: Maybe[str | None]
    """First component, from the root down and through links, that someone other than root may change: the file itself
    or a folder above it; null when root alone can change what the path leads to.
    """
    changeable_by: Maybe[str | None]
    """Who may: `user bob`, `user id 1000`, `group staff`, `group id 50`, `everybody`; null when root alone can."""


TYPES: tuple[type[ResourceType], ...] = (TrustedPath,)
_LEFT_OUT: Final = frozenset(
    {
        *("log_file", "log_directory", "audit_log", "log_config", "cron", "docker_socket", "temporary_directory"),
        *("program_directory", "library_directory"),
    }
)
"""Purposes whose folders others may write by design, or that a check of their own looks at."""
CONFIGURATION: Final = (
    *("/etc/udev/rules.d/*", "/etc/logrotate.conf", "/etc/logrotate.d/*", "/etc/ld.so.conf", "/etc/ld.so.conf.d/*"),
    *("/etc/ld.so.preload", "/etc/environment", "/etc/anacrontab", "/etc/sudo.conf", "/etc/environment.d/*"),
)
"""Files that say what root runs or loads and that no other check looks at."""
FOLDERS: Final = (
    *("/etc", "/usr", "/root", "/home", "/boot", "/var", "/var/lib", "/var/spool", "/usr/share", "/usr/local", "/opt"),
    *("/etc/cron.d", "/etc/cron.hourly", "/etc/cron.daily", "/etc/cron.weekly", "/etc/cron.monthly"),
    *("/etc/systemd", "/etc/systemd/system", "/etc/systemd/system/*.d", "/etc/systemd/system/*.wants"),
    *("/etc/profile.d", "/usr/local/lib/systemd/system", "/usr/lib/systemd", "/usr/lib/systemd/system"),
    *("/lib/systemd/system", "/etc/udev/rules.d", "/etc/ld.so.conf.d", "/etc/logrotate.d", "/etc/rsyslog.d"),
    *(
        "/etc/environment.d",
        "/etc/modules-load.d",
        "/lib/modules",
        "/usr/lib/modules",
        "/etc/rc.d",
        "/etc/init.d",
        "/etc/rc.d/init.d",
    ),
    *("/usr/lib/*/security", "/lib/*/security", "/lib64/security", "/usr/lib64/security", "/etc/network/*.d"),
    *("/etc/NetworkManager/dispatcher.d", "/etc/kernel/*.d", "/etc/initramfs-tools/scripts", "/etc/dracut.conf.d"),
    *("/usr/sbin", "/usr/libexec", "/etc/alternatives", "/etc/ssl", "/etc/pki"),
)
"""Folders in which another file would be run, loaded or read by root."""
_SHOWN: Final = 20


def _protected() -> tuple[str, ...]:
    """Return the folders above the files that matter, each with those above it."""
    patterns = (pattern for purpose, found in PURPOSES.items() if purpose not in _LEFT_OUT for pattern in found)
    found = {*FOLDERS, *(pattern.rpartition("/")[0] for pattern in patterns)} - {""}
    above = {path[:end] for path in found for end in range(1, len(path)) if path[end] == "/"}
    # Above a pattern for one folder, its other matches are not meant: `/usr/lib/*` of `/usr/lib/*/security`.
    return tuple(sorted(found | {path for path in above if "*" not in path}))


NEEDS: Final = Needs(
    texts=(*init.NEEDS.texts, *started_programs.NEEDS.texts, *loader.NEEDS.texts, "/etc/passwd", "/etc/group"),
    stats=(*init.NEEDS.stats, *started_programs.NEEDS.stats, *_protected(), *CONFIGURATION, "/"),
    lists=(*init.NEEDS.lists, *started_programs.NEEDS.lists),
    commands=init.NEEDS.commands,
)


def collect(source: Source) -> Iterator[Resource | Problem]:
    """Gather what root trusts, then look each path up once."""
    unread: dict[str, Unknown] = {}
    found: dict[tuple[str, str], set[str]] = {}
    for item in (*named(source), *loaded(source), *_configuration(source)):
        if isinstance(item, Unknown):
            unread[item.reason] = item
        else:
            found.setdefault((item.purpose, item.path), set()).add(item.by)
    yield from _folders(source, unread)
    for (purpose, path), by in sorted(found.items()):
        trusted = _trusted(source, cast("Purpose", purpose), path, by)
        yield resource(trusted, f"{purpose}:{path}", path, at=(min(by), 1))
    for reason in unread.values():
        yield unlisted(reason, TrustedPath)


def _configuration(source: Source) -> Iterator[Named | Unknown]:
    """Yield files that say what root runs or loads."""
    for pattern in CONFIGURATION:
        found = source.glob(pattern)
        if isinstance(found, Unknown):
            yield found
        else:
            yield from (Named("configuration", path, path) for path in found)


def _folders(source: Source, unread: dict[str, Unknown]) -> Iterator[Resource]:
    """Yield every folder on the way to a file that matters, once, by its own mode and owner."""
    changers = changers_of(source)
    done: set[str] = set(PURPOSES["program_directory"]) | set(PURPOSES["library_directory"])
    for pattern in _protected():
        paths = source.glob(pattern)
        if isinstance(paths, Unknown):
            unread[paths.reason] = paths
            continue
        for path in paths:
            trail = changers.trail(source, path)
            if isinstance(trail.exists, Unknown):
                unread[trail.exists.reason] = trail.exists
            for step in trail.steps:
                if step.kind != "directory" or step.path in done:
                    continue
                done.add(step.path)
                by = changers.writer(step)
                yield resource(
                    TrustedPath(
                        path=step.path,
                        purpose="system_folder",
                        named_by=[],
                        exists=True,
                        changeable_path=step.path if by else None,
                        changeable_by=by,
                    ),
                    f"system_folder:{step.path}",
                    step.path,
                )


def _trusted(source: Source, purpose: Purpose, path: str, by: Iterable[str]) -> TrustedPath:
    """Look one path up; of one that is filled in later, the folder before that part is known."""
    changers = changers_of(source)
    plain = re.split(r"[%$\\]", path, maxsplit=1)
    later = None if len(plain) == 1 and path.startswith("/") else _later(path)
    place = plain[0].rpartition("/")[0] if later else path
    found = changers.of(source, place) if place.startswith("/") else None
    if found is None and later:
        found = later
    named_by = sorted(by)[:_SHOWN]
    exists = later or changers.trail(source, path).exists
    if isinstance(found, Unknown):
        return TrustedPath(
            path=path, purpose=purpose, named_by=named_by, exists=exists, changeable_path=found, changeable_by=found
        )
    return TrustedPath(
        path=path,
        purpose=purpose,
        named_by=named_by,
        exists=exists,
        changeable_path=found.path if found else None,
        changeable_by=found.by if found else None,
    )


def _later(path: str) -> Unknown:
    """Return why a path cannot be looked up."""
    return Unknown(f"only the running system fills it in: {path}", cause="format")
