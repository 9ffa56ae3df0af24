"""The command line that systemd gives a service: the unit in force, its drop-ins, its environment.

Words are made as systemd.exec(5) and systemd.service(5) say: the last ExecStart counts, `$NAME` as a word of its own
becomes as many words as its value has, `${NAME}` stays within its word, and an environment file beats `Environment=`.
What needs the running manager (specifiers, variables that it inherits) makes the command line unknown.
"""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Final

import msgspec

from xspm.connectors.linux.configuration import ini
from xspm.connectors.linux.init import UNIT_FOLDERS
from xspm.connectors.linux.transport import Stat
from xspm.model.unknown import Maybe, Unknown

if TYPE_CHECKING:
    from xspm.connectors.linux.init import UnitFile
    from xspm.connectors.linux.transport import Source

PREFIXES: Final = "@-:+!|"
"""What may stand before the program: `@` has the next word for its name, `:` fills in no variable."""
_VARIABLE: Final = re.compile(r"\$\$|\$\{(\w+)\}")
_ASSIGNMENT: Final = re.compile(r"[ \t]*([A-Za-z_]\w*)[ \t]*=(.*)", re.DOTALL)
_PIECE: Final = re.compile(r'"((?:\\.|[^"\\])*)"?|\'([^\']*)\'?|\\(.)|([^\\"\']+)', re.DOTALL)


class UnitCommand(msgspec.Struct, frozen=True):
    """A service's command line."""

    words: list[str]
    """The program and its arguments."""
    path: str
    """The file that gives it: the unit or a drop-in."""


def unit_command(source: Source, unit: str, standard: str | None = None) -> Maybe[UnitCommand | None]:
    """Work out the command line of a service.

    Args:
        source: the host.
        unit: with suffix: `ssh.service`, `ssh@.service`.
        standard: ExecStart of the unit where only its drop-ins are there.

    Returns:
        None where there is no such unit, or it starts nothing: masked, without a command, or another unit's alias.
    """
    paths = _files(source, unit)
    if isinstance(paths, Unknown):
        return paths
    if not paths:
        return None
    if standard is None and not paths[0].endswith(f"/{unit}"):
        return None
    parts = _Parts((standard or "", paths[0]), starts=0 if standard is None else 1)
    for path in paths:
        text = source.text(path)
        if isinstance(text, Unknown):
            return text
        parts.read(path, text or "")
    return _resolved(source, unit, parts)


class _Parts:
    """What the unit and its drop-ins say, read in order; an empty value takes back what came before."""

    def __init__(self, command: tuple[str, str], starts: int) -> None:
        self.command = command
        self.starts = starts
        self.given: dict[str, str] = {}
        self.files: list[str] = []

    def read(self, path: str, text: str) -> None:
        """Read one file."""
        for section, key, setting in ini(text, file=path):
            value = setting.value
            if section != "Service":
                continue
            if key == "ExecStart":
                self.command, self.starts = (value, path), self.starts + 1 if value else 0
            elif key == "Environment":
                self.given = self.given | _given(value) if value else {}
            elif key == "EnvironmentFile":
                self.files = [*self.files, value] if value else []


def _resolved(source: Source, unit: str, parts: _Parts) -> Maybe[UnitCommand | None]:
    """Fill the environment into the command that counts."""
    command, path = parts.command
    if not parts.starts:
        return None
    if parts.starts > 1:
        return Unknown(f"{unit} has more than one command: {path}", cause="format")
    environment = _environment(source, parts.files)
    if isinstance(environment, Unknown):
        return environment
    words = expand(command, parts.given | environment)
    return UnitCommand(words, path) if words is not None else Unknown(f"what systemd fills in is not known: {path}")


def expand(command: str, environment: dict[str, str]) -> list[str] | None:
    """Split a command line and fill its variables in; None when that takes the running manager."""
    text = command.lstrip(PREFIXES)
    prefix = command[: len(command) - len(text)]
    if "\\" in text or "%" in text.replace("%%", ""):
        return None
    found: list[str] = []
    try:
        for word in shlex.split(text.replace("%%", "%")):
            name = re.fullmatch(r"\$(\w+)", word)
            if ":" in prefix:
                found.append(word)
            elif name:
                found += shlex.split(environment.get(name[1], ""))
            else:
                found.append(_VARIABLE.sub(lambda match: environment.get(match[1], "") if match[1] else "$", word))
    except ValueError:
        return None
    return found[:1] + found[2:] if "@" in prefix else found


def environment_values(text: str) -> dict[str, str]:
    """Read an environment file as systemd does: a value goes on to the end of its line, quotes taken off."""
    found: dict[str, str] = {}
    for line in text.replace("\\\n", "").split("\n"):
        match = _ASSIGNMENT.fullmatch(line.rstrip())
        if match and line.lstrip()[:1] not in {"#", ";"}:
            found[match[1]] = "".join(_piece(piece) for piece in _PIECE.finditer(match[2].strip()))
    return found


def _piece(match: re.Match[str]) -> str:
    """Return one piece of a value without its quotes."""
    if match[1] is not None:
        return re.sub(r'\\(["\\`$])', r"\1", match[1])
    return next((part for part in match.groups()[1:] if part is not None), "")


def drop_in_folders(unit: str) -> list[str]:
    """Return where drop-ins of a unit are, highest first: its own, its template's, its prefixes', its type's."""
    stem, _, kind = unit.rpartition(".")
    prefixes = [stem[: index + 1] for index in range(len(stem) - 2, -1, -1) if stem[index] == "-"]
    template, at, instance = stem.partition("@")
    names = [unit, *([f"{template}@.{kind}"] if at and instance else ()), *(f"{prefix}.{kind}" for prefix in prefixes)]
    own = [f"{folder}/{name}.d" for folder in UNIT_FOLDERS for name in names]
    return own + [f"{folder}/{kind}.d" for folder in UNIT_FOLDERS]


def unit_texts(source: Source, dropped: dict[str, frozenset[str]], unit: UnitFile) -> dict[str, str] | Unknown:
    """Read a unit file and its drop-ins, by path in the order they count.

    Args:
        source: the host.
        dropped: by unit folder, what has drop-ins there; see `Init`.
        unit: what to read; of one that is masked there is nothing.
    """
    found: dict[str, str] = {}
    if unit.masked:
        return found
    if unit.path:
        text = source.text(unit.path)
        if isinstance(text, Unknown):
            return text
        found[unit.path] = text or ""
    chosen: dict[str, str] = {}
    for place in drop_in_folders(unit.name):
        folder, _, name = place.removesuffix(".d").rpartition("/")
        names = source.list(place) if name in dropped.get(folder, ()) else None
        if isinstance(names, Unknown):
            return names
        for item in names or ():
            if item.endswith(".conf"):
                chosen.setdefault(item, f"{place}/{item}")
    for item in sorted(chosen):
        text = source.text(chosen[item])
        if isinstance(text, Unknown):
            return text
        found[chosen[item]] = text or ""
    return found


def _files(source: Source, unit: str) -> list[str] | Unknown:
    """Return the unit file in force and its drop-ins, in the order they are read."""
    main: list[str] = []
    chosen: dict[str, str] = {}
    for folder in UNIT_FOLDERS:
        path = f"{folder}/{unit}"
        found = None if main else source.stat(path)
        if isinstance(found, Unknown):
            return found
        if isinstance(found, Stat):
            target = (found.target or "").rstrip("/")
            if found.kind == "link" and target.rpartition("/")[2] != unit:
                return []
            if found.kind == "link" or found.size:
                main.append(path)
            else:
                return []
    for place in drop_in_folders(unit):
        drop_ins = source.glob(f"{place}/*.conf")
        if isinstance(drop_ins, Unknown):
            return drop_ins
        for drop_in in drop_ins:
            chosen.setdefault(drop_in.rpartition("/")[2], drop_in)
    return main + [chosen[name] for name in sorted(chosen)]


def _given(value: str) -> dict[str, str]:
    """Read one `Environment=` line."""
    try:
        words = shlex.split(value)
    except ValueError:
        return {}
    return {name: text for name, equals, text in (word.partition("=") for word in words) if equals}


def _environment(source: Source, files: list[str]) -> dict[str, str] | Unknown:
    """Read environment files; one whose name begins with a minus need not exist."""
    found: dict[str, str] = {}
    for name in files:
        path = name.removeprefix("-")
        if "%" in path:
            return Unknown(f"what systemd fills in is not known: {path}")
        paths = source.glob(path) if re.search(r"[*?\[]", path) else [path]
        if isinstance(paths, Unknown):
            return paths
        for item in paths:
            text = source.text(item)
            if isinstance(text, Unknown):
                return text
            found |= environment_values(text or "")
    return found
