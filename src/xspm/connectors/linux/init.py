"""What starts at boot and what runs now, asked of whichever init system the host has.

The state at boot is read from links: `*.wants` folders and masks of systemd, runlevels of OpenRC, `S??name` links of
System V. So it is known for an image too. What runs now comes from one `systemctl list-units` or `rc-status` and only
where that init system is in charge. `init_of` reads a source once; every service module asks the same object.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Literal, TypeAlias
from weakref import WeakKeyDictionary

import msgspec

from xspm.connectors.linux.records import exists
from xspm.connectors.linux.transport import Needs, Output, Stat
from xspm.model.unknown import Maybe, Unknown

if TYPE_CHECKING:
    from xspm.connectors.linux.transport import Source

System: TypeAlias = Literal["systemd", "openrc", "sysvinit", "none"]

SUFFIXES: Final = ("service", "socket", "timer", "path", "mount", "automount", "target")
"""Kinds of unit that are looked at."""
UNIT_FOLDERS: Final = (
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
)
"""Where unit files are, highest priority first (systemd.unit(5))."""
_LIST_UNITS: Final = (
    "systemctl", "list-units", "--all", "--plain", "--no-legend", "--no-pager", "--full",
    "--type=service,socket,timer,path,mount,automount",
)  # fmt: skip
_RC_STATUS: Final = ("rc-status", "--servicelist")

NEEDS: Final = Needs(
    stats=(
        "/usr/lib/systemd/systemd",
        "/lib/systemd/systemd",
        "/run/systemd/system",
        "/run/openrc",
        "/sbin/openrc",
        "/sbin/init",
        "/etc/inittab",
        "/etc/rc.d",
        *(f"{folder}/*" for folder in UNIT_FOLDERS),
        "/etc/init.d/*",
    ),
    lists=(
        *UNIT_FOLDERS,
        *(f"{folder}/*.{suffix}" for folder in UNIT_FOLDERS for suffix in ("wants", "requires")),
        "/etc/runlevels",
        "/etc/runlevels/*",
        "/etc/rc*.d",
        "/etc/rc.d/rc*.d",
        "/etc/init.d",
    ),
    texts=("/proc/1/comm",),
    commands=(_LIST_UNITS, _RC_STATUS),
)


class UnitFile(msgspec.Struct, frozen=True):
    """A unit name as the folders show it."""

    name: str
    path: str | None
    """The file in force; null when only a link in a wants folder names it."""
    mode: int = 0o644
    uid: int = 0
    masked: bool = False
    alias_of: str | None = None
    """The unit that this name is another name for."""


class Init(msgspec.Struct, frozen=True):
    """The init system of one host."""

    system: System
    running: bool
    units: dict[str, UnitFile] = {}
    """By name with suffix (systemd)."""
    wanted: dict[str, bool] = {}
    """Units that some wants or requires link pulls in (systemd): whether such a link is below /etc or /run."""
    aliases: frozenset[str] = frozenset()
    """Units that a link below /etc or /run gives another name (systemd)."""
    dropped: dict[str, frozenset[str]] = {}
    """By unit folder: the units that have drop-ins there (systemd)."""
    scripts: dict[str, bool] = {}
    """OpenRC services or System V scripts: whether a runlevel starts them."""
    active: Maybe[dict[str, str]] = {}
    """Active states by unit, or of OpenRC by service; empty when no init system is in charge."""
    unreadable: Unknown | None = None
    """Why the state at boot is not known."""

    def boots(self, *names: str) -> Maybe[bool | None]:
        """Whether one of these services starts at boot; null without an init system.

        Args:
            names: without suffix for services; sockets and timers with theirs. A service's own socket and timer count.
        """
        if self.system == "none":
            return None
        if self.unreadable:
            return self.unreadable
        return any(self._boots(name) for name in names)

    def runs(self, *names: str) -> Maybe[bool | None]:
        """Whether one of these services is active now; null when no init system is in charge."""
        if not self.running:
            return None
        if isinstance(self.active, Unknown):
            return self.active
        states = self.active
        full = [name if "." in name else f"{name}.service" for name in names] if self.system == "systemd" else names
        return any(states.get(self.real(name)) in {"active", "activating", "reloading", "started"} for name in full)

    def real(self, name: str) -> str:
        """Follow aliases to the unit's own name."""
        for _ in range(4):
            unit = self.units.get(name)
            if unit is None or unit.alias_of is None:
                break
            name = unit.alias_of
        return name

    def knows(self, name: str) -> bool:
        """Whether a service of this name exists here."""
        return f"{name}.service" in self.units or name in self.scripts

    def _boots(self, name: str) -> bool:
        if self.scripts.get(name) and f"{name}.service" not in self.units:
            return True
        candidates = [name] if "." in name else [f"{name}.service", f"{name}.socket", f"{name}.timer"]
        return any(self.pulled(self.real(candidate)) for candidate in candidates)

    def pulled(self, name: str) -> bool:
        """Whether a unit is pulled in at boot: wanted by a link, and not masked."""
        unit = self.units.get(name)
        if unit is not None and unit.masked:
            return False
        return name in self.wanted or self.aliased(name)

    def aliased(self, name: str) -> bool:
        """Whether the administrator's folders give the unit another name, as `enable` does for `Alias=`."""
        return name in self.aliases


_READ: WeakKeyDictionary[Source, Init] = WeakKeyDictionary()


def init_of(source: Source) -> Init:
    """Return the init system of a host, read once per source."""
    found = _READ.get(source)
    if found is None:
        found = _read(source)
        _READ[source] = found
    return found


def _read(source: Source) -> Init:
    """Tell the init system and read its links."""
    if exists(source, "/usr/lib/systemd/systemd", "/lib/systemd/systemd"):
        return _systemd(source)
    if exists(source, "/sbin/openrc", "/etc/runlevels"):
        running = source.live and exists(source, "/run/openrc")
        scripts = _openrc(source)
        states = _openrc_states(source) if running else {}
        return _with_scripts("openrc", scripts, running=running, active=states)
    if exists(source, "/etc/inittab") and exists(source, "/etc/init.d", "/etc/rc.d"):
        first = source.text("/proc/1/comm") if source.live else None
        return _with_scripts(
            "sysvinit", _sysv(source), running=isinstance(first, str) and first.strip() == "init", active={}
        )
    return Init("none", running=False)


def _with_scripts(
    system: System, scripts: Maybe[dict[str, bool]], *, running: bool, active: Maybe[dict[str, str]]
) -> Init:
    if system == "sysvinit" and running:
        active = Unknown("System V init does not tell what runs", cause="missing")
    if isinstance(scripts, Unknown):
        return Init(system, running=running, active=active, unreadable=scripts)
    return Init(system, running=running, scripts=scripts, active=active)


def _systemd(source: Source) -> Init:
    """Read unit folders, lowest priority last, and ask the manager when it is in charge."""
    units: dict[str, UnitFile] = {}
    wanted: dict[str, bool] = {}
    dropped: dict[str, frozenset[str]] = {}
    unreadable: Unknown | None = None
    for folder in UNIT_FOLDERS:
        names = source.list(folder)
        if isinstance(names, Unknown):
            unreadable = unreadable or names
            continue
        if folder == "/lib/systemd/system" and _merged(source):
            continue
        dropped[folder] = frozenset(name.removesuffix(".d") for name in names or [] if name.endswith(".d"))
        for name in names or []:
            stem, dot, suffix = name.rpartition(".")
            if suffix in {"wants", "requires"} and dot:
                linked = source.list(f"{folder}/{name}")
                for unit in linked if isinstance(linked, list) else ():
                    wanted[unit] = wanted.get(unit, False) or not folder.startswith(("/usr/", "/lib/"))
            elif suffix in SUFFIXES and stem and name not in units:
                entry = _unit(source, f"{folder}/{name}", name)
                if entry:
                    units[name] = entry
    for name in wanted:
        units.setdefault(name, _instance(units, name))
    running = source.live and exists(source, "/run/systemd/system")
    scripts = _sysv(source)
    return Init(
        "systemd",
        running=running,
        units=units,
        wanted=wanted,
        aliases=frozenset(
            unit.alias_of
            for unit in units.values()
            if unit.alias_of and (unit.path or "").startswith(("/etc/", "/run/"))
        ),
        dropped=dropped,
        scripts=scripts if isinstance(scripts, dict) else {},
        active=_systemd_states(source) if running else {},
        unreadable=unreadable,
    )


def _merged(source: Source) -> bool:
    """Whether /lib is a link to /usr/lib."""
    found = source.stat("/lib")
    return isinstance(found, Stat) and found.kind == "link"


def _unit(source: Source, path: str, name: str) -> UnitFile | None:
    """Look at one entry of a unit folder."""
    found = source.stat(path)
    if not isinstance(found, Stat) or found.kind not in {"file", "link"}:
        return None
    if found.kind == "file":
        return UnitFile(name, path, found.mode, found.uid, masked=found.size == 0)
    target = (found.target or "").rstrip("/")
    last = target.rpartition("/")[2]
    if target == "/dev/null":
        return UnitFile(name, path, masked=True)
    # A link to a file of another name is an alias; to the same name it is a unit kept elsewhere ("linked").
    alias = last if last != name and last.rpartition(".")[2] == name.rpartition(".")[2] else None
    if alias and re.sub(r"@[^.]*", "@", name) == alias:
        alias = None
    real = source.stat(path, follow=True)
    if not isinstance(real, Stat):
        return UnitFile(name, path, alias_of=alias)
    return UnitFile(name, path, real.mode, real.uid, alias_of=alias)


def _instance(units: dict[str, UnitFile], name: str) -> UnitFile:
    """Return a unit that only a link names: an instance of a template, or a dangling link."""
    template = units.get(re.sub(r"@.*\.", "@.", name))
    if template is None:
        return UnitFile(name, None)
    return msgspec.structs.replace(template, name=name, alias_of=None)


def _systemd_states(source: Source) -> Maybe[dict[str, str]]:
    """Ask systemd for all active states."""
    output = source.run(*_LIST_UNITS)
    if isinstance(output, Unknown):
        return output
    if not isinstance(output, Output) or output.status != 0:
        return Unknown("systemctl does not answer", cause="missing")
    rows = (line.split(None, 4) for line in output.stdout.split("\n"))
    return {row[0]: row[2] for row in rows if len(row) >= 4}


def _openrc(source: Source) -> Maybe[dict[str, bool]]:
    """Read OpenRC's scripts and runlevels."""
    names, levels = source.list("/etc/init.d"), source.glob("/etc/runlevels/*")
    if isinstance(names, Unknown):
        return names
    if isinstance(levels, Unknown):
        return levels
    scripts = {name: False for name in names or [] if name != "functions.sh"}
    for level in levels:
        linked = source.list(level)
        for name in linked if isinstance(linked, list) else ():
            scripts[name] = True
    return scripts


def _openrc_states(source: Source) -> Maybe[dict[str, str]]:
    """Ask OpenRC for the state of every service."""
    output = source.run(*_RC_STATUS)
    if isinstance(output, Unknown):
        return output
    if output is None:
        return Unknown("rc-status is not installed", cause="missing")
    pairs = re.findall(r"^\s*(\S+)\s+\[\s*(\S+)\s*\]", output.stdout[:1_000_000], re.MULTILINE)
    return dict(pairs)


def _sysv(source: Source) -> Maybe[dict[str, bool]]:
    """Read System V scripts and the runlevels 2 to 5 that start them."""
    names = source.list("/etc/init.d")
    if isinstance(names, Unknown):
        return names
    scripts = {name: False for name in names or [] if name not in {"README", "functions", "skeleton", "rc", "rcS"}}
    for level in ("2", "3", "4", "5"):
        for folder in (f"/etc/rc{level}.d", f"/etc/rc.d/rc{level}.d"):
            links = source.list(folder)
            for link in links if isinstance(links, list) else ():
                match = re.fullmatch(r"S\d\d(.+)", link)
                if match and match[1] in scripts:
                    scripts[match[1]] = True
    return scripts
