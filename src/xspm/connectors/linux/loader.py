"""Which libraries and library folders the dynamic loader is told of: its own files, and LD_… variables.

A variable counts wherever a program of the system gets its environment from: /etc/environment, pam_env, shells'
profiles, systemd's defaults, units and their environment files, tables of cron. What is named there is loaded into
programs of root, so that whoever can change it is root.
"""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Final

from xspm.connectors.linux.configuration import lines
from xspm.connectors.linux.started_programs import Named, all_services
from xspm.connectors.linux.transport import Needs
from xspm.connectors.linux.unit_command import environment_values
from xspm.model.unknown import Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xspm.connectors.linux.transport import Source

_PURPOSES: Final = {
    "LD_PRELOAD": "preloaded_library",
    "LD_AUDIT": "preloaded_library",
    "LD_LIBRARY_PATH": "library_folder",
}
_ENVIRONMENTS: Final = (
    *("/etc/environment", "/etc/environment.d/*.conf", "/etc/default/locale", "/etc/profile", "/etc/profile.d/*"),
    *("/etc/bash.bashrc", "/etc/bashrc", "/etc/zsh/zshenv", "/etc/zshenv", "/root/.profile", "/root/.bash_profile"),
    *("/root/.bashrc", "/etc/systemd/system.conf", "/etc/systemd/system.conf.d/*.conf", "/etc/crontab"),
    *("/etc/anacrontab", "/etc/cron.d/*", "/var/spool/cron/crontabs/root", "/var/spool/cron/root", "/etc/rc.local"),
    *("/etc/security/pam_env.conf", "/etc/security/pam_env.conf.d/*", "/etc/default/cron", "/etc/sysconfig/crond"),
)
"""Files that set variables for programs of root."""
_PRELOAD: Final = "/etc/ld.so.preload"
_FOLDERS: Final = ("/etc/ld.so.conf", "/etc/ld-musl-*.path")
NEEDS: Final = Needs(texts=(*_ENVIRONMENTS, _PRELOAD, *_FOLDERS, "/etc/ld.so.conf.d/*"))
_NAME: Final = r"(?<![\w.])(LD_PRELOAD|LD_AUDIT|LD_LIBRARY_PATH)"
_ASSIGNED: Final = re.compile(_NAME + r"""\s*=\s*("[^"]*"|'[^']*'|[^\s"';]+)""")
_PAM_ENV: Final = re.compile(_NAME + r"\s+(.*)")
_VALUE: Final = re.compile(r"(?:DEFAULT|OVERRIDE)=(\"[^\"]*\"|\S+)")
_DEPTH: Final = 8
_FILES: Final = 200


def loaded(source: Source) -> Iterator[Named | Unknown]:
    """Yield every library and folder that the loader is told of, and why some could not be read."""
    preload = source.text(_PRELOAD)
    if isinstance(preload, Unknown):
        yield preload
    else:
        for line in (preload or "").splitlines():
            yield from _paths("LD_PRELOAD", line.partition("#")[0], _PRELOAD)
    for pattern in _FOLDERS:
        yield from _configured(source, pattern, set(), _DEPTH)
    for pattern in _ENVIRONMENTS:
        for path, text in _read(source, pattern):
            yield from [text] if isinstance(text, Unknown) else _assigned(text, path)
    yield from _services(source)


def _paths(variable: str, value: str, by: str) -> Iterator[Named]:
    """Yield what a variable names; what is left of it that refers to itself is nothing new."""
    for item in re.split(r"[:\s]+" if variable != "LD_LIBRARY_PATH" else r"[:;]+", value.strip("\"' \t")):
        if item and not re.fullmatch(r"\$\{?\w+\}?", item):
            yield Named(_PURPOSES[variable], item, by)


def _assigned(text: str, by: str) -> Iterator[Named]:
    """Yield what assignments in a text name, whatever kind of file it is."""
    for line in lines(text, joined=True):
        for match in _ASSIGNED.finditer(line.text):
            yield from _paths(match[1], match[2], by)
        pam = _PAM_ENV.match(line.text) if "pam_env" in by else None
        for value in _VALUE.finditer(pam[2]) if pam else ():
            yield from _paths(pam[1] if pam else "", value[1], by)


def _read(source: Source, pattern: str) -> Iterator[tuple[str, str | Unknown]]:
    """Yield the files of a pattern; what is no file is left out."""
    paths = source.glob(pattern)
    if isinstance(paths, Unknown):
        yield pattern, paths
        return
    for path in paths[:_FILES]:
        text = source.text(path)
        if isinstance(text, str) or (isinstance(text, Unknown) and text.cause != "format"):
            yield path, text


def _configured(source: Source, pattern: str, seen: set[str], depth: int) -> Iterator[Named | Unknown]:
    """Yield the folders of ld.so.conf and of what it includes."""
    for path, text in _read(source, pattern):
        if isinstance(text, Unknown):
            yield text
            continue
        if path in seen:
            continue
        seen.add(path)
        if not depth:
            yield Unknown(f"includes that do not end: {path}", cause="limit")
            continue
        for line in lines(text):
            words = line.text.partition("#")[0].split()
            if words[:1] == ["include"]:
                for word in words[1:]:
                    whole = word if word.startswith("/") else f"{path.rpartition('/')[0]}/{word}"
                    yield from _configured(source, whole, seen, depth - 1)
            elif words and words[0] != "hwcap":
                for folder in re.split(r"[:,\s]+", " ".join(words)):
                    if folder.startswith("/"):
                        yield Named("library_folder", folder.partition("=")[0].rstrip("/") or "/", path)


def _services(source: Source) -> Iterator[Named | Unknown]:
    """Yield what units set for their services, on their own lines and in environment files."""
    for parts in all_services(source):
        if isinstance(parts, Unknown):
            yield parts
            continue
        for key, settings in parts.by.items():
            for setting in settings:
                if key == "Environment":
                    yield from _environment(setting.value, setting.file)
                elif key == "EnvironmentFile":
                    yield from _environment_file(source, setting.value.removeprefix("-"))
                elif key.startswith("Exec"):
                    yield from _assigned(setting.value, setting.file)


def _environment(value: str, by: str) -> Iterator[Named]:
    """Read one `Environment=` line."""
    try:
        words = shlex.split(value)
    except ValueError:
        yield from _assigned(value, by)
        return
    for word in words:
        name, _, text = word.partition("=")
        if name in _PURPOSES:
            yield from _paths(name, text, by)


def _environment_file(source: Source, path: str) -> Iterator[Named | Unknown]:
    """Read the files of one `EnvironmentFile=`; one that only the running system names is left to its own resource."""
    if not path.startswith("/") or "%" in path:
        return
    for found, text in _read(source, path):
        if isinstance(text, Unknown):
            yield text
            continue
        for name, value in environment_values(text).items():
            if name in _PURPOSES:
                yield from _paths(name, value, found)
