"""Reads sshd_config as sshd does, without sshd.

`read_config` follows Include (globs, relative to /etc/ssh, in order, with the daemon's depth limit) and returns every
valid line as a keyword in the spelling of `sshd -T` with its arguments, either in force for all connections or inside a
Match block. `effective` then lets the first value win, collects the keywords that add up, and leaves the rest to the
defaults.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import msgspec

from xspm.connectors.linux.configuration import LINE_LIMIT
from xspm.connectors.linux.sshd_keywords import (
    ADDING,
    ALIASES,
    IGNORED,
    canonical_arguments,
    line_parts,
    split,
    split_arguments,
)
from xspm.model.unknown import Unknown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from xspm.connectors.linux.transport import Source

INCLUDE_DEPTH: Final = 16
"""How deep sshd follows Include."""
FILE_LIMIT: Final = 1000
"""Files read for one configuration; a loop of includes ends here at the latest."""
TEXT_LIMIT: Final = 8 * 1024 * 1024
"""Characters read for one configuration, all files together."""

_IN_MATCH: Final = frozenset(
    {
        "acceptenv",
        "allowagentforwarding",
        "allowgroups",
        "allowstreamlocalforwarding",
        "allowtcpforwarding",
        "allowusers",
        "authenticationmethods",
        "authorizedkeyscommand",
        "authorizedkeyscommanduser",
        "authorizedkeysfile",
        "authorizedprincipalscommand",
        "authorizedprincipalscommanduser",
        "authorizedprincipalsfile",
        "banner",
        "casignaturealgorithms",
        "channeltimeout",
        "chrootdirectory",
        "clientalivecountmax",
        "clientaliveinterval",
        "denygroups",
        "denyusers",
        "disableforwarding",
        "exposeauthinfo",
        "forcecommand",
        "gatewayports",
        "gssapiauthentication",
        "hostbasedacceptedalgorithms",
        "hostbasedauthentication",
        "hostbasedusesnamefrompacketonly",
        "ignorerhosts",
        "ipqos",
        "kbdinteractiveauthentication",
        "kerberosauthentication",
        "loglevel",
        "logverbose",
        "maxauthtries",
        "maxsessions",
        "passwordauthentication",
        "permitemptypasswords",
        "permitlisten",
        "permitopen",
        "permitrootlogin",
        "permittty",
        "permittunnel",
        "permituserrc",
        "pubkeyacceptedalgorithms",
        "pubkeyauthentication",
        "pubkeyauthoptions",
        "rdomain",
        "refuseconnection",
        "rekeylimit",
        "requiredrsasize",
        "revokedkeys",
        "setenv",
        "streamlocalbindmask",
        "streamlocalbindunlink",
        "subsystem",
        "trustedusercakeys",
        "unusedconnectiontimeout",
        "x11displayoffset",
        "x11forwarding",
        "x11uselocalhost",
    }
)
"""Keywords that a Match block may hold."""


class Entry(msgspec.Struct, frozen=True):
    """One valid line."""

    keyword: str
    """Lower case, in today's spelling."""
    arguments: list[str]
    """Canonical."""
    file: str
    line: int


class Block(msgspec.Struct):
    """A Match block."""

    criteria: str
    file: str
    line: int
    entries: list[Entry] = []


class Config(msgspec.Struct):
    """Everything read."""

    entries: list[Entry] = []
    """In force for everyone, in order: outside of Match blocks, and in `Match all`."""
    everyone: Block = msgspec.field(default_factory=lambda: Block("all", "", 0))
    """What `Match all` blocks hold: once more, for there it is in force over `entries`."""
    blocks: list[Block] = []
    files: list[str] = []
    bad: list[str] = []
    """`file:line` of what sshd would refuse."""
    unknown: Unknown | None = None
    """Why an included file could not be read."""
    known: int = 0
    """With `unknown`: how many of `entries` stand before that file, and so are in force whatever it says."""


def read_config(source: Source, path: str, *, ports: bool = True) -> Config | Unknown | None:
    """Read a configuration with its includes; None when the file does not exist.

    Args:
        source: the host.
        path: of the main file.
        ports: whether its Port lines count, as they do not when the command line gives `-p`.
    """
    text = source.text(path)
    if text is None or isinstance(text, Unknown):
        return text
    reader = _Reader(source, ports=ports)
    reader.read(path, text, None, 0)
    return reader.config


def command_line_entries(text: str, number: int) -> list[Entry] | Unknown | None:
    """Read what `-o` gives sshd: one line of a configuration; None when sshd would refuse it.

    Args:
        text: `Option=value` or `Option value`.
        number: of the option on the command line.
    """
    keyword, rest = line_parts(text[:LINE_LIMIT].strip(" \t\r\f"))
    if keyword in {"match", "include"}:
        return Unknown(f"sshd is started with -o {keyword}", cause="format")
    keyword = ALIASES.get(keyword, keyword)
    if keyword in IGNORED:
        return []
    arguments = split_arguments(keyword, rest)
    canonical = canonical_arguments(keyword, arguments) if arguments else None
    return None if canonical is None else [Entry(keyword, canonical, "command line", number)]


def effective(entries: Iterable[Entry], overriding: Iterable[Entry] = ()) -> dict[str, list[list[str]]]:
    """Return the arguments in force by keyword: one list per line that counts.

    Args:
        entries: in order; the first of a keyword wins, but for those that add up.
        overriding: entries of Match blocks that match; a keyword there replaces all of `entries`.
    """
    found: dict[str, list[list[str]]] = {}
    for entry in entries:
        if entry.keyword in ADDING:
            found.setdefault(entry.keyword, []).append(entry.arguments)
        elif entry.keyword == "rekeylimit" and len(found.get("rekeylimit", [["", ""]])[0]) == 1:
            # The two halves are first come, first served each on its own.
            found["rekeylimit"] = [found["rekeylimit"][0] + entry.arguments[1:]]
        else:
            found.setdefault(entry.keyword, [entry.arguments])
    return found | effective(overriding) if overriding else found


class _Reader:
    """Reads files into one `Config`; `block` is the Match block that is open."""

    def __init__(self, source: Source, *, ports: bool) -> None:
        self.source = source
        self.ports = ports
        self.config = Config()
        self.budget = TEXT_LIMIT

    def read(self, path: str, text: str, block: Block | None, depth: int) -> None:
        """Read one file. A Match block ends with the file it is opened in."""
        self.config.files.append(path)
        self.budget -= len(text)
        here = block
        for number, raw in enumerate(text.split("\n"), 1):
            line = raw[:LINE_LIMIT].strip(" \t\r\f")
            if not line or line.startswith("#"):
                continue
            keyword, rest = line_parts(line)
            if keyword == "match":
                here = self.match(rest, (path, number), block)
            elif keyword == "include":
                self.include(split(rest), (path, number), here, depth)
            else:
                self.entry(keyword, split_arguments(keyword, rest), (path, number), here)

    def match(self, rest: str, place: tuple[str, int], outer: Block | None) -> Block | None:
        """Open a Match block; `all` alone is in force for every connection."""
        criteria = " ".join(re.split(r"[ \t\f]+#", rest, maxsplit=1)[0].split())
        if not criteria:
            self.refuse(place)
        if criteria.lower() == "all":
            return outer or self.config.everyone
        block = Block(f"{outer.criteria} {criteria}" if outer and outer.file else criteria, *place)
        self.config.blocks.append(block)
        return block

    def include(self, patterns: list[str] | None, place: tuple[str, int], block: Block | None, depth: int) -> None:
        """Read what an Include line names."""
        if not patterns or depth >= INCLUDE_DEPTH:
            self.refuse(place)
            return
        for pattern in patterns:
            found = self.source.glob(pattern if pattern.startswith("/") else f"/etc/ssh/{pattern}")
            if isinstance(found, Unknown):
                self.unread(found)
                continue
            for path in found:
                if len(self.config.files) >= FILE_LIMIT or self.budget < 0:
                    self.refuse(place)
                    return
                text = self.source.text(path)
                if isinstance(text, Unknown):
                    self.unread(text)
                elif text is not None:
                    self.read(path, text, block, depth + 1)

    def entry(self, keyword: str, arguments: list[str] | None, place: tuple[str, int], block: Block | None) -> None:
        """Keep one line, or name it as refused."""
        keyword = ALIASES.get(keyword, keyword)
        if keyword in IGNORED:
            return
        canonical = canonical_arguments(keyword, arguments) if arguments else None
        if keyword == "port" and not self.ports:
            return
        everyone = block is None or block is self.config.everyone
        if canonical is None or not (everyone or keyword in _IN_MATCH):
            self.refuse(place)
            return
        entry = Entry(keyword, canonical, *place)
        if everyone:
            self.config.entries.append(entry)
        if block and keyword in _IN_MATCH:
            block.entries.append(entry)

    def unread(self, why: Unknown) -> None:
        """Note what could not be read, and what stands before it."""
        if self.config.unknown is None:
            self.config.unknown, self.config.known = why, len(self.config.entries)

    def refuse(self, place: tuple[str, int]) -> None:
        """Name a line that sshd would refuse."""
        self.config.bad.append(f"{place[0]}:{place[1]}")
