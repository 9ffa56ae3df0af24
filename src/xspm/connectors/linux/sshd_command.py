"""How sshd is started: the configuration file and the settings that its command line gives.

The running daemon tells its own command line; its process is the one that /run/sshd.pid names, and belongs to root, so
that no user's sshd speaks for the host's. Elsewhere the systemd units say how it will be started, or the files that an
init script reads. Where the ways to start it differ, or a word depends on what is not known here, nothing is known.
"""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Final

import msgspec

from xspm.connectors.linux.configuration import ini, shell_assignments
from xspm.connectors.linux.init import UNIT_FOLDERS, init_of
from xspm.connectors.linux.sshd_config import Entry, command_line_entries
from xspm.connectors.linux.transport import Needs, Output
from xspm.connectors.linux.unit_command import unit_command
from xspm.model.unknown import Maybe, Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xspm.connectors.linux.transport import Source

_ENVIRONMENTS: Final = (
    "/etc/default/ssh",
    "/etc/default/sshd",
    "/etc/sysconfig/sshd",
    "/etc/sysconfig/ssh",
    "/etc/conf.d/sshd",
)
"""What init scripts, and most units, take options from."""
_VARIABLES: Final = ("SSHD_OPTS", "OPTIONS", "command_args")
_STANDARD: Final = "/usr/sbin/sshd -D $SSHD_OPTS $OPTIONS"
"""The unit's command where only its drop-ins are there."""
_UNITS: Final = ("ssh.service", "sshd.service", "ssh@.service", "sshd@.service")
_SITE_FOLDERS: Final = tuple(folder for folder in UNIT_FOLDERS if folder.startswith(("/etc/", "/run/", "/usr/local/")))
"""Where units that the site has written are; all of them are read, of others those with ssh in their name."""
_PIDS: Final = ("/run/sshd.pid", "/var/run/sshd.pid")
_PROCESSES: Final = ("pgrep", "-u", "0", "-x", "-a", "sshd")
NEEDS: Final = Needs(
    texts=(
        *_ENVIRONMENTS,
        *_PIDS,
        *(f"{folder}/{unit}{rest}" for folder in UNIT_FOLDERS for unit in _UNITS for rest in ("", ".d/*.conf")),
        *(f"{folder}/service.d/*.conf" for folder in UNIT_FOLDERS),
        *(f"{folder}/*.service" for folder in _SITE_FOLDERS),
        *(f"{folder}/*ssh*.service" for folder in UNIT_FOLDERS),
    ),
    stats=tuple(f"{folder}/{unit}" for folder in UNIT_FOLDERS for unit in _UNITS),
    lists=tuple(f"{folder}/{name}.d" for folder in UNIT_FOLDERS for name in (*_UNITS, "service")),
    commands=(_PROCESSES,),
)

_WITH_VALUE: Final = frozenset("CEbcfghkopu")
_ALONE: Final = {
    "4": "AddressFamily inet",
    "6": "AddressFamily inet6",
    "q": "LogLevel QUIET",
    "d": "LogLevel DEBUG",
}
"""Switches that are settings, and replace what came before them."""
_SWITCHES: Final = frozenset("46DGQRTVdeiqrt")
_SETTINGS: Final = {"h": "HostKey", "p": "Port", "g": "LoginGraceTime"}


class Started(msgspec.Struct, frozen=True):
    """What a command line says of the settings."""

    config: str | None = None
    """The file to read; None for the usual one."""
    entries: tuple[Entry, ...] = ()
    """In force before what the file says."""
    ports: bool = False
    """`-p` is given, so that the file's ports do not count."""
    bad: tuple[str, ...] = ()
    """Options that sshd would refuse."""


def started(source: Source) -> Maybe[Started]:
    """Tell how sshd is started."""
    process = _process(source) if source.live else None
    if process is not None:
        return process
    commands = _units(source)
    if isinstance(commands, Unknown):
        return commands
    return commands if commands is not None else _scripts(source)


def read_words(words: list[str], where: str) -> Maybe[Started]:
    """Read the arguments of sshd as its getopt does."""
    config: str | None = None
    entries: list[Entry] = []
    bad: list[str] = []
    ports, place = False, 0
    for letter, value in _options(words):
        if letter is None:
            return Unknown(f"sshd's command line is not understood: {where}")
        if letter == "f":
            config = value if value.startswith("/") or value == "none" else f"/{value}"
            continue
        text = value if letter == "o" else _ALONE.get(letter) or f"{_SETTINGS[letter]} {value}"
        place += 1
        read = command_line_entries(text, place)
        if isinstance(read, Unknown):
            return Unknown(f"{read.reason}: {where}")
        if read is None:
            bad.append(f"command line:{place}")
            continue
        kept = [entry for entry in read if not (ports and letter == "o" and entry.keyword == "port")]
        # -h, -o and -p add up or come first, first served; a switch replaces what came before it.
        entries = [*entries, *kept] if letter in "hop" else [*kept, *entries]
        ports = ports or letter == "p"
    return Started(config, tuple(entries), ports, tuple(bad))


def _options(words: list[str]) -> Iterator[tuple[str | None, str]]:
    """Yield options that set something, with their values; a letter of None for what is none."""
    index = 0
    while index < len(words):
        word = words[index]
        index += 1
        if word == "--" and index == len(words):
            return
        if not word.startswith("-") or word in {"-", "--"}:
            yield None, word
            return
        for position, letter in enumerate(word[1:], 2):
            if letter in _WITH_VALUE:
                value = word[position:]
                if not value:
                    if index == len(words):
                        yield None, word
                        return
                    value = words[index]
                    index += 1
                if letter in {"f", "o"} or letter in _SETTINGS:
                    yield letter, value
                break
            if letter not in _SWITCHES:
                yield None, word
                return
            if letter in _ALONE:
                yield letter, ""


def _process(source: Source) -> Maybe[Started] | None:
    """Read the command line of the daemon that runs; None where none is seen to run."""
    number = next((text.strip() for path in _PIDS if isinstance(text := source.text(path), str)), "")
    output = source.run(*_PROCESSES) if number.isdigit() else None
    if not isinstance(output, Output) or output.status != 0:
        return None
    for line in output.stdout.split("\n"):
        pid, _, title = line.partition(" ")
        if pid != number:
            continue
        where = f"process {pid}"
        told = re.fullmatch(r"sshd: (.*) \[listener\].*", title)
        if told is None and title.startswith("sshd:"):
            return Unknown(f"sshd's command line is cut off: {where}")
        words = (told[1] if told else title).split()
        if not words or words[0].rpartition("/")[2] != "sshd":
            return Unknown(f"sshd's command line is not understood: {where}")
        return read_words(_joined(words[1:]), where)
    return None


def _joined(words: list[str]) -> list[str]:
    """Put values together again: the process shows no quotes, and sshd takes no words but options."""
    found: list[str] = []
    for index, word in enumerate(words):
        follows = bool(found) and not word.startswith("-") and not _wants_value(words[index - 1])
        if follows:
            found[-1] += f" {word}"
        else:
            found.append(word)
    return found


def _wants_value(word: str) -> bool:
    """Whether an option's value is the next word."""
    return word.startswith("-") and word[-1:] in _WITH_VALUE and not any(letter in _WITH_VALUE for letter in word[1:-1])


def _units(source: Source) -> Maybe[Started | None]:
    """Read how systemd starts it; None without a unit."""
    manager = init_of(source)
    found: dict[str, Started] = {}
    for unit in _UNITS:
        standard = _STANDARD if "@" not in unit and not _units_exist(source) else None
        command = unit_command(source, unit, standard)
        if isinstance(command, Unknown):
            return command
        if command is None:
            continue
        words = command.words
        if not words or words[0].rpartition("/")[2] != "sshd":
            return Unknown(f"sshd is started by another program: {command.path}")
        read = read_words(words[1:], command.path)
        if isinstance(read, Unknown):
            return read
        if standard and not read.entries and read.config is None:
            continue
        found[unit] = read
    if len(set(map(msgspec.json.encode, found.values()))) > 1:
        by_socket = {unit: unit.replace("@.service", ".socket") for unit in found}
        found = {unit: read for unit, read in found.items() if manager.pulled(manager.real(by_socket[unit]))}
        if len(set(map(msgspec.json.encode, found.values()))) != 1:
            return Unknown("the units that start sshd give it different options")
    return next(iter(found.values()), None)


def _units_exist(source: Source) -> bool:
    """Whether a unit of its own is there, not just a drop-in."""
    return any(source.stat(f"{folder}/{unit}") is not None for folder in UNIT_FOLDERS for unit in _UNITS)


def second_instance(source: Source) -> Unknown | None:
    """Tell of a further unit that starts sshd at boot or runs it now: its settings are not read."""
    manager = init_of(source)
    running = manager.active if isinstance(manager.active, dict) else {}
    for name, unit in sorted(manager.units.items()):
        stem, dot, kind = name.rpartition(".")
        template = f"{stem.partition('@')[0]}@.service" if "@" in stem else name
        if not dot or kind != "service" or template in _UNITS or unit.masked or unit.alias_of or not unit.path:
            continue
        if not unit.path.startswith(_SITE_FOLDERS) and "ssh" not in unit.path.rpartition("/")[2]:
            continue
        starters = (name, f"{stem.removesuffix('@')}.socket")
        if not any(manager.pulled(item) or running.get(item) == "active" for item in starters):
            continue
        text = source.text(unit.path)
        if isinstance(text, Unknown):
            return text
        commands = [
            setting.value
            for section, key, setting in ini(text or "", file=unit.path)
            if section == "Service" and key == "ExecStart"
        ]
        if any(_SSHD.search(command) for command in commands):
            return Unknown(f"a further sshd is started by {unit.path}; its settings are not read")
    return None


_SSHD: Final = re.compile(r"^[@:+!|-]*[\"']?(?:[^\s\"']*/)?sshd(?![\w.-])|bin/sshd(?![\w.-])")


def _scripts(source: Source) -> Maybe[Started]:
    """Read the options that an init script takes from its files."""
    words: list[str] = []
    places: list[str] = []
    for path in _ENVIRONMENTS:
        text = source.text(path)
        if isinstance(text, Unknown):
            return text
        values = {name: item.value.strip() for name, item in shell_assignments(text or "").items()}
        folder = values.get("SSHD_CONFDIR", "")
        config = values.get("SSHD_CONFIG", f"{folder}/sshd_config" if folder else "")
        given = " ".join(values[name] for name in _VARIABLES if values.get(name))
        if not given and not config:
            continue
        places.append(path)
        if re.search(r"[$`]", f"{given}{config}"):
            return Unknown(f"what a shell fills in is not known: {path}")
        try:
            words += [*(["-f", config] if config else []), *shlex.split(given)]
        except ValueError:
            return Unknown(f"sshd's command line is not understood: {path}")
    return read_words(words, ", ".join(places))
