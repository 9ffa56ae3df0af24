"""Time synchronisation: which daemon keeps the clock, from which servers, and whether just one does.

chrony, systemd-timesyncd, ntpd (ntpsec) and OpenNTPD are known. Servers come from the daemons' files with their
includes; those that a DHCP lease adds at run time are not there.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar, Final, Literal

import msgspec

from xspm.connectors.linux.configuration import drop_ins, ini, lines
from xspm.connectors.linux.init import Init, init_of
from xspm.connectors.linux.records import exists, present, settings
from xspm.connectors.linux.transport import Needs, Output
from xspm.model.schema import ResourceType
from xspm.model.unknown import Maybe, Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xspm.connectors.linux.transport import Source
    from xspm.model.asset import Problem, Resource


class TimeServer(msgspec.Struct, frozen=True, kw_only=True):
    """A source of time."""

    address: str
    """Name or address as written."""
    kind: Literal["server", "pool", "peer", "refclock"]
    """How it is used."""
    authenticated: bool
    """By NTS or a symmetric key."""
    daemon: str
    """The daemon whose configuration names it."""


class TimeSync(ResourceType, frozen=True, kw_only=True):
    """Time synchronisation of this host."""

    TYPE: ClassVar[str] = "linux.time_sync"

    installed: Maybe[list[str]]
    """Daemons that are there: `chrony`, `systemd-timesyncd`, `ntp`, `openntpd`, `busybox-ntpd`."""
    enabled: Maybe[list[str]]
    """Those that start at boot."""
    running: Maybe[list[str] | None]
    """Those that run now; null when no init system is in charge."""
    servers: Maybe[list[TimeServer]]
    """Sources configured for the enabled daemons (for all installed ones when none is enabled)."""
    synchronised: Maybe[bool | None]
    """The clock is in step now (systemd's mark, else `timedatectl`); null when that is not told."""
    chrony_user: Maybe[str | None]
    """User that chronyd runs as; null when chrony is not installed or does not say (its build's default applies)."""
    container: Maybe[bool]
    """This is a container: the clock is the host's."""


TYPES: tuple[type[ResourceType], ...] = (TimeSync,)

_TIMEDATECTL: Final = ("timedatectl", "show", "--property=NTPSynchronized")
_TIMESYNCD: Final = "/etc/systemd/timesyncd.conf"
_DROP_INS: Final = tuple(f"{base}/systemd/timesyncd.conf.d" for base in ("/etc", "/run", "/usr/lib"))
_CHRONY_CONFIGS: Final = ("/etc/chrony/chrony.conf", "/etc/chrony.conf")
_NTP_CONFIGS: Final = ("/etc/ntpsec/ntp.conf", "/etc/ntp.conf")
_OPENNTPD_CONFIGS: Final = ("/etc/openntpd/ntpd.conf", "/etc/ntpd.conf")
NEEDS: Final = Needs(
    texts=(
        *_CHRONY_CONFIGS,
        "/etc/chrony/conf.d/*.conf",
        "/etc/chrony/sources.d/*.sources",
        "/etc/chrony.d/*.conf",
        *_NTP_CONFIGS,
        *_OPENNTPD_CONFIGS,
        "/etc/conf.d/ntpd",
        _TIMESYNCD,
        "/usr/lib/systemd/timesyncd.conf",
        *(f"{folder}/*.conf" for folder in _DROP_INS),
    ),
    stats=(
        "/usr/sbin/chronyd",
        "/usr/lib/systemd/systemd-timesyncd",
        "/lib/systemd/systemd-timesyncd",
        "/usr/sbin/ntpd",
        "/usr/sbin/openntpd",
        "/run/systemd/timesync/synchronized",
        "/run/systemd/container",
        "/.dockerenv",
        "/run/.containerenv",
    ),
    commands=(_TIMEDATECTL,),
)

_PROGRAMS: Final[dict[str, tuple[str, ...]]] = {
    "chrony": ("/usr/sbin/chronyd", *_CHRONY_CONFIGS),
    "systemd-timesyncd": ("/usr/lib/systemd/systemd-timesyncd", "/lib/systemd/systemd-timesyncd", _TIMESYNCD),
    "ntp": _NTP_CONFIGS,
    "openntpd": _OPENNTPD_CONFIGS,
    "busybox-ntpd": ("/etc/conf.d/ntpd",),
}
"""Daemon to the paths of which one shows that it is installed."""
_SERVICES: Final[dict[str, tuple[str, ...]]] = {
    "chrony": ("chrony", "chronyd"),
    "systemd-timesyncd": ("systemd-timesyncd",),
    "ntp": ("ntp", "ntpd", "ntpsec"),
    "openntpd": ("openntpd",),
    "busybox-ntpd": ("ntpd",),
}
_FILE_LIMIT: Final = 100
_SOURCE: Final = re.compile(r"(server|pool|peer|refclock)\s+(\S+)(.*)", re.IGNORECASE)
_FOLDERS: Final = {"include": "", "confdir": "/*.conf", "sourcedir": "/*.sources"}


def collect(source: Source) -> Iterator[Resource | Problem]:
    """Read which daemons there are and what they follow."""
    manager = init_of(source)
    installed = [name for name in _PROGRAMS if _there(source, manager, name)]
    enabled: list[str] = []
    running: list[str] = []
    doubt: Unknown | None = None
    for name in installed:
        boots, runs = manager.boots(*_SERVICES[name]), manager.runs(*_SERVICES[name])
        doubt = next((value for value in (boots, runs) if isinstance(value, Unknown)), doubt)
        enabled += [name] if boots is True else []
        running += [name] if runs is True else []
    servers: Maybe[list[TimeServer]] = []
    user: Maybe[str | None] = None
    for name in enabled or installed:
        found = _servers(source, name)
        if isinstance(found, Unknown) or isinstance(servers, Unknown):
            servers = found if isinstance(found, Unknown) else servers
        else:
            servers = servers + [server for server in found if server not in servers]
    if "chrony" in installed:
        user = _chrony_user(source)
    yield settings(
        TimeSync(
            installed=installed,
            enabled=doubt or enabled,
            running=None if not manager.running else doubt or running,
            servers=servers,
            synchronised=_synchronised(source),
            chrony_user=user,
            container=present(source, "/run/systemd/container", "/.dockerenv", "/run/.containerenv"),
        )
    )


def _there(source: Source, manager: Init, name: str) -> bool:
    """Whether a daemon is installed."""
    if name == "ntp" and exists(source, "/usr/sbin/ntpd") and manager.knows("ntpsec"):
        return True
    return exists(source, *_PROGRAMS[name])


def _servers(source: Source, daemon: str) -> list[TimeServer] | Unknown:
    """Read a daemon's sources of time."""
    match daemon:
        case "chrony":
            return _directives(source, next((path for path in _CHRONY_CONFIGS if exists(source, path)), ""), daemon)
        case "ntp":
            return _directives(source, next((path for path in _NTP_CONFIGS if exists(source, path)), ""), daemon)
        case "openntpd":
            return _openntpd(source)
        case "systemd-timesyncd":
            return _timesyncd(source)
    text = source.text("/etc/conf.d/ntpd")
    if isinstance(text, Unknown):
        return text
    return [_server(address, "server", "", daemon) for address in re.findall(r"-p\s*([\w.:-]{1,253})", text or "")]


def _server(address: str, kind: str, options: str, daemon: str) -> TimeServer:
    sort: Literal["server", "pool", "peer", "refclock"] = "server"
    for word in ("pool", "peer", "refclock"):
        if kind.lower() == word:
            sort = word
    authenticated = bool(re.search(r"(?:^|\s)(?:nts|key\s+\S+|autokey)(?:\s|$)", options))
    return TimeServer(address=address, kind=sort, authenticated=authenticated, daemon=daemon)


def _statements(source: Source, path: str) -> list[str] | Unknown:
    """Read a chrony or ntp configuration with what it includes."""
    found: list[str] = []
    waiting = [path] if path else []
    seen: set[str] = set()
    while waiting and len(seen) < _FILE_LIMIT:
        current = waiting.pop(0)
        if current in seen:
            continue
        seen.add(current)
        text = source.text(current)
        if isinstance(text, Unknown):
            return text
        for line in lines(text or "", comments="#!;%"):
            word, _, rest = line.text.partition(" ")
            if word.lower() not in _FOLDERS and word.lower() != "includefile":
                found.append(line.text)
                continue
            for folder in rest.split():
                paths = source.glob(folder + _FOLDERS.get(word.lower(), ""))
                waiting += paths if isinstance(paths, list) else []
    return found


def _directives(source: Source, path: str, daemon: str) -> list[TimeServer] | Unknown:
    """Read `server`, `pool`, `peer` and `refclock` lines."""
    statements = _statements(source, path)
    if isinstance(statements, Unknown):
        return statements
    matches = (_SOURCE.match(statement) for statement in statements)
    return [_server(match[2], match[1], match[3], daemon) for match in matches if match]


def _openntpd(source: Source) -> list[TimeServer] | Unknown:
    path = next((path for path in _OPENNTPD_CONFIGS if exists(source, path)), "")
    text = source.text(path) if path else None
    if isinstance(text, Unknown):
        return text
    matches = (re.match(r"(servers?)\s+(\S+)", line.text) for line in lines(text or ""))
    return [_server(m[2], "pool" if m[1] == "servers" else "server", "", "openntpd") for m in matches if m]


def _timesyncd(source: Source) -> list[TimeServer] | Unknown:
    """Read NTP=, else FallbackNTP=; the last assignment adds, an empty one resets."""
    paths = drop_ins(source, _TIMESYNCD, _DROP_INS)
    if isinstance(paths, Unknown):
        return paths
    values: dict[str, list[str]] = {}
    for path in paths:
        text = source.text(path)
        if isinstance(text, Unknown):
            return text
        for section, key, setting in ini(text or "", file=path):
            if section == "Time" and key in {"NTP", "FallbackNTP"}:
                values[key] = [*values.get(key, []), *setting.value.split()] if setting.value else []
    names = values.get("NTP") or values.get("FallbackNTP") or []
    return [_server(name, "server", "", "systemd-timesyncd") for name in names]


def _chrony_user(source: Source) -> Maybe[str | None]:
    statements = _statements(source, next((path for path in _CHRONY_CONFIGS if exists(source, path)), ""))
    if isinstance(statements, Unknown):
        return statements
    return next((words[1] for words in map(str.split, statements) if words[0] == "user" and len(words) > 1), None)


def _synchronised(source: Source) -> Maybe[bool | None]:
    """Tell whether the clock is in step."""
    if not source.live:
        return None
    if exists(source, "/run/systemd/timesync/synchronized"):
        return True
    output = source.run(*_TIMEDATECTL)
    match = re.search(r"NTPSynchronized=(yes|no)", output.stdout) if isinstance(output, Output) else None
    return match[1] == "yes" if match else None
