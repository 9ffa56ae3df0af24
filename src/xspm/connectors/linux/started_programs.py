"""What root runs and reads besides cron's jobs: programs that services, udev, logrotate and PAM name.

Each yields the path as it is named and the file that names it; who can change it is asked of `changers`. A name that
only the running system fills in (`%h`, `$VAR`) is passed on with its marks, and is unknown to whoever looks it up.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from xspm.connectors.linux import search_path
from xspm.connectors.linux.configuration import boolean, ini, lines
from xspm.connectors.linux.cron_commands import Programs
from xspm.connectors.linux.init import UNIT_FOLDERS, init_of
from xspm.connectors.linux.redact import redact
from xspm.connectors.linux.transport import Needs
from xspm.connectors.linux.unit_command import PREFIXES, unit_texts
from xspm.model.unknown import Unknown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from xspm.connectors.linux.configuration import Setting
    from xspm.connectors.linux.transport import Source

UDEV_FOLDERS: Final = (
    *("/etc/udev/rules.d", "/run/udev/rules.d", "/usr/local/lib/udev/rules.d", "/usr/lib/udev/rules.d"),
    "/lib/udev/rules.d",
)
PAM_FOLDERS: Final = ("/etc/pam.d", "/usr/lib/pam.d", "/usr/etc/pam.d")
MODULE_FOLDERS: Final = (
    *("/lib/security", "/lib64/security", "/usr/lib/security", "/usr/lib64/security", "/lib/*/security"),
    "/usr/lib/*/security",
)
"""Where Linux-PAM looks for modules, by distribution."""
INIT_SCRIPTS: Final = ("/etc/init.d/*", "/etc/rc.d/init.d/*", "/etc/rc.local", "/etc/rc.d/rc.local", "/etc/local.d/*")
NEEDS: Final = Needs(
    texts=(
        *(f"{folder}/*.rules" for folder in UDEV_FOLDERS),
        *(f"{folder}/*" for folder in PAM_FOLDERS),
        *("/etc/logrotate.conf", "/etc/logrotate.d/*", "/etc/rc.local", "/etc/rc.d/rc.local"),
    ),
    stats=(
        *(*(f"{folder}/*" for folder in MODULE_FOLDERS), *INIT_SCRIPTS, "/etc/default/*", "/etc/sysconfig/*"),
        *("/usr/bin/*", "/usr/sbin/*", "/usr/libexec/*", "/usr/lib/systemd/*", "/lib/systemd/*", "/usr/lib/udev/*"),
        *("/lib/udev/*", "/usr/local/bin/*", "/usr/local/sbin/*"),
    ),
    lists=(*UDEV_FOLDERS, *PAM_FOLDERS, *MODULE_FOLDERS, *UNIT_FOLDERS),
)
_COMMANDS: Final = frozenset(
    {
        *("ExecCondition", "ExecStartPre", "ExecStart", "ExecStartPost", "ExecReload", "ExecReloadPost", "ExecStop"),
        *("ExecStopPre", "ExecStopPost"),
    }
)
_RUN: Final = re.compile(
    r"\b(?:RUN(?:\{program\})?|PROGRAM|IMPORT\{program\}|ENV\{REMOVE_CMD\})\s*(?:\+=|:=|==|!=|=)\s*(e?)\"((?:\\.|[^\"\\])*)\""
)
_MODULE: Final = re.compile(r"-?(?:auth|account|password|session)\s+(?:\[[^\]]*\]|\S+)\s+(\S+)\s*(.*)", re.IGNORECASE)
_SCRIPT: Final = re.compile(r"(?:pre|post)(?:rotate|remove)|firstaction|lastaction")
_EXEC_OPTIONS: Final = frozenset(
    {"debug", "expose_authtok", "seteuid", "quiet", "quiet_log", "stdout", "return_prog_exit_status"}
)


class Named(NamedTuple):
    """One path that root's software is told to run or to read."""

    purpose: str
    path: str
    """Absolute; with `%` or `$` where only the running system fills it in."""
    by: str
    """The file that names it."""


def named(source: Source) -> Iterator[Named | Unknown]:
    """Yield everything that is named, and why some of it could not be read."""
    yield from _services(source)
    yield from _init_scripts(source)
    yield from _udev(source)
    yield from _logrotate(source)
    yield from _pam(source)


class ServiceParts(NamedTuple):
    """What a service's files say of what it runs; an empty value took back what came before."""

    by: dict[str, list[Setting]]
    """Settings of [Service] and [Socket], by key, in order."""

    @property
    def as_root(self) -> bool:
        """Whether its commands run as root when nothing before them says otherwise."""
        last = {key: found[-1].value for key, found in self.by.items() if found}
        return last.get("User", "root") in {"root", "0"} and boolean(last.get("DynamicUser", "no")) is not True


def service_parts(texts: dict[str, str]) -> ServiceParts:
    """Read a unit and its drop-ins."""
    by: dict[str, list[Setting]] = {}
    for path, text in texts.items():
        for section, key, setting in ini(text, file=path):
            if section in {"Service", "Socket"}:
                by[key] = [*by.get(key, ()), setting] if setting.value else []
    return ServiceParts(by)


def _services(source: Source) -> Iterator[Named | Unknown]:
    """Yield programs and environment files of systemd's services."""
    manager = init_of(source)
    if manager.unreadable:
        yield manager.unreadable
    for parts in all_services(source):
        if isinstance(parts, Unknown):
            yield parts
            continue
        commands = [setting for key in sorted(parts.by.keys() & _COMMANDS) for setting in parts.by[key]]
        commands = [setting for setting in commands if parts.as_root or _privileged(setting.value)]
        paths = ":".join(setting.value for setting in parts.by.get("ExecSearchPath", ()))
        search = search_path.folders_of(paths, search_path.SYSTEMD)
        for setting in commands:
            yield from _started(source, setting, search)
        for setting in parts.by.get("EnvironmentFile", ()) if commands else ():
            path = setting.value.removeprefix("-")
            yield from _expanded(source, Named("service_environment", path, setting.file))


def all_services(source: Source) -> Iterator[ServiceParts | Unknown]:
    """Read every service and socket of systemd, or say why one could not be read."""
    manager = init_of(source)
    for _, unit in sorted(manager.units.items()):
        if not unit.alias_of and unit.name.rpartition(".")[2] in {"service", "socket"}:
            texts = unit_texts(source, manager.dropped, unit)
            yield texts if isinstance(texts, Unknown) else service_parts(texts)


def _privileged(command: str) -> bool:
    """Whether one of a line's commands has root's rights whatever User= says."""
    parts = re.split(r"\s;\s+", command)
    return any(set(part[: len(part) - len(part.lstrip(PREFIXES))]) & set("+!") for part in parts)


def _started(source: Source, setting: Setting, search: Iterable[str]) -> Iterator[Named]:
    """Yield the programs of one line of a unit, those that a shell on it starts included."""
    for command in re.split(r"\s;\s+", setting.value):
        text = command.strip().lstrip(PREFIXES)
        prefix = command.strip()[: len(command.strip()) - len(text)]
        words = text.split(None, 1)
        if not words:
            continue
        program, rest = words[0].strip("\"'"), words[1] if len(words) > 1 else ""
        if "@" in prefix:
            # The word after the program is what it is called, not an argument.
            rest = rest.partition(" ")[2]
        if "/" in program:
            yield Named("service_program", program, setting.file)
        started = Programs(f"{program} {rest}".replace("$$", "$").replace("%", r"\%"))
        if started.unclear and rest.strip():
            # A shell alone reads a terminal, as the debug shell does; any other command not followed is doubtful.
            yield Named("service_program", f"$({redact(text)})", setting.file)
        for path in started.paths:
            yield Named("service_program", path, setting.file)
        for name in started.names:
            for path in search_path.places(source, name, search):
                yield Named("service_program", path, setting.file)


def _expanded(source: Source, item: Named) -> Iterator[Named | Unknown]:
    """Yield the files of a pattern; the folder they are in decides on those to come."""
    if not re.search(r"[*?\[]", item.path):
        yield item
        return
    found = source.glob(item.path)
    folder = re.split(r"[*?\[]", item.path, maxsplit=1)[0].rpartition("/")[0] or "/"
    yield item._replace(path=folder)
    if isinstance(found, Unknown):
        yield found
        return
    yield from (item._replace(path=path) for path in found)


def _init_scripts(source: Source) -> Iterator[Named | Unknown]:
    """Yield System V scripts and rc.local, with the programs that rc.local starts."""
    for pattern in INIT_SCRIPTS:
        found = source.glob(pattern)
        if isinstance(found, Unknown):
            yield found
            continue
        for path in found:
            yield Named("init_script", path, path)
            if path.endswith("/rc.local"):
                text = source.text(path)
                if isinstance(text, Unknown):
                    yield text
                else:
                    yield from _shell(source, "init_script", text or "", path, search_path.SYSTEMD)


def _shell(source: Source, purpose: str, text: str, by: str, search: Iterable[str]) -> Iterator[Named]:
    """Yield the programs of a script, line by line."""
    for line in lines(text, joined=True):
        started = Programs(line.text.replace("%", r"\%"))
        for path in started.paths:
            yield Named(purpose, path, by)
        for name in started.names:
            for path in search_path.places(source, name, search):
                yield Named(purpose, path, by)


def _udev(source: Source) -> Iterator[Named | Unknown]:
    """Yield the programs of udev's rules; a bare name is one of udev's own folder."""
    for path, text in _texts(source, UDEV_FOLDERS, ".rules"):
        if isinstance(text, Unknown):
            yield text
            continue
        for line in lines(text, joined=True):
            for match in _RUN.finditer(line.text):
                command = re.sub(r"\\(.)", r"\1", match[2]) if match[1] else match[2]
                words = command.split(None, 1)
                if not words:
                    continue
                program = words[0].strip("'")
                if program.startswith("$env{REMOVE_CMD}"):
                    # systemd's own rules run what another rule has set: that rule is read as well.
                    continue
                yield Named("udev_program", _helper(source, program), path)
                started = Programs(command.replace("%", r"\%"))
                yield from (Named("udev_program", item, path) for item in started.paths)


def _helper(source: Source, program: str) -> str:
    """Return where udev finds a program."""
    if program.startswith(("/", "$", "%")):
        return program
    old = f"/lib/udev/{program}"
    return f"/usr{old}" if source.stat(f"/usr{old}") is not None or source.stat(old) is None else old


def _logrotate(source: Source) -> Iterator[Named | Unknown]:
    """Yield the programs of logrotate's scripts."""
    main = source.text("/etc/logrotate.conf")
    texts = [*([("/etc/logrotate.conf", main)] if main is not None else ()), *_texts(source, ("/etc/logrotate.d",), "")]
    for path, text in texts:
        if isinstance(text, Unknown):
            yield text
            continue
        inside = False
        for line in lines(text or "", joined=True):
            first, _, rest = line.text.partition(" ")
            if inside and first != "endscript":
                yield from _shell(source, "logrotate_program", line.text, path, search_path.SYSTEMD)
            elif first in {"compresscmd", "uncompresscmd"} and rest.strip().startswith("/"):
                yield Named("logrotate_program", rest.split()[0], path)
            inside = first != "endscript" and (inside or _SCRIPT.fullmatch(first) is not None)


def _pam(source: Source) -> Iterator[Named | Unknown]:
    """Yield PAM's modules, and the programs that pam_exec starts."""
    standard: list[str] = []
    for pattern in MODULE_FOLDERS:
        found = source.glob(pattern)
        if isinstance(found, Unknown):
            yield found
        else:
            standard += found
    for path, text in _texts(source, PAM_FOLDERS, ""):
        if isinstance(text, Unknown):
            yield text
            continue
        for line in lines(text, joined=True):
            match = _MODULE.match(line.text)
            if match is None or not match[1].partition(".so")[1]:
                continue
            places = [match[1]] if "/" in match[1] else [f"{folder}/{match[1]}" for folder in standard]
            for place in places if places and places[0].startswith("/") else ():
                if place == match[1] or source.stat(place) is not None:
                    yield Named("pam_module", place, path)
            if match[1].rpartition("/")[2] == "pam_exec.so":
                yield from _executed(match[2], path)


def _executed(arguments: str, by: str) -> Iterator[Named]:
    """Yield the program that pam_exec starts, which comes after its options."""
    words = [word.strip("[]\"'") for word in arguments.split()]
    rest = [word for word in words if word not in _EXEC_OPTIONS and not re.match(r"(?:type|log)=", word)]
    if rest:
        yield Named("pam_program", rest[0], by)
        yield from (Named("pam_program", path, by) for path in Programs(" ".join(rest)).paths)


def _texts(source: Source, folders: Iterable[str], suffix: str) -> Iterator[tuple[str, str | Unknown]]:
    """Yield the files of folders with what they hold; what is no file is left out."""
    for folder in folders:
        names = source.list(folder)
        if isinstance(names, Unknown):
            yield folder, names
        for name in names if isinstance(names, list) else ():
            text = source.text(f"{folder}/{name}") if name.endswith(suffix) else None
            if isinstance(text, str) or (isinstance(text, Unknown) and text.cause != "format"):
                yield f"{folder}/{name}", text
