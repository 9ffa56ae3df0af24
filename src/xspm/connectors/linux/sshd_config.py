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
from xspm.model.unknown import Unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from xspm.connectors.linux.transport import Source

INCLUDE_DEPTH: Final = 16
"""How deep sshd follows Include."""
FILE_LIMIT: Final = 1000
"""Files read for one configuration; a loop of includes ends here at the latest."""
TEXT_LIMIT: Final = 8 * 1024 * 1024
"""Characters read for one configuration, all files together."""

_ALIASES: Final = {
    "challengeresponseauthentication": "kbdinteractiveauthentication",
    "skeyauthentication": "kbdinteractiveauthentication",
    "dsaauthentication": "pubkeyauthentication",
    "hostdsakey": "hostkey",
    "keepalive": "tcpkeepalive",
    "pubkeyacceptedkeytypes": "pubkeyacceptedalgorithms",
    "hostbasedacceptedkeytypes": "hostbasedacceptedalgorithms",
}
_SWITCHES: Final = frozenset(
    {
        "allowagentforwarding",
        "debianbanner",
        "disableforwarding",
        "exposeauthinfo",
        "gssapiauthentication",
        "gssapicleanupcredentials",
        "gssapidelegatecredentials",
        "gssapienablek5users",
        "gssapikeyexchange",
        "gssapistorecredentialsonrekey",
        "gssapistrictacceptorcheck",
        "hostbasedauthentication",
        "hostbasedusesnamefrompacketonly",
        "ignoreuserknownhosts",
        "kbdinteractiveauthentication",
        "kerberosauthentication",
        "kerberosgetafstoken",
        "kerberosorlocalpasswd",
        "kerberosticketcleanup",
        "kerberosuniqueccache",
        "kerberosusekuserok",
        "passwordauthentication",
        "permitemptypasswords",
        "permittty",
        "permituserrc",
        "printlastlog",
        "printmotd",
        "pubkeyauthentication",
        "streamlocalbindunlink",
        "strictmodes",
        "tcpkeepalive",
        "usedns",
        "usepam",
        "x11forwarding",
        "x11uselocalhost",
    }
)
_FORWARDING: Final = {"yes": "yes", "all": "yes", "no": "no", "local": "local", "remote": "remote"}
_CHOICES: Final[dict[str, dict[str, str]]] = {
    "permitrootlogin": {
        "yes": "yes",
        "no": "no",
        "prohibit-password": "without-password",
        "without-password": "without-password",
        "forced-commands-only": "forced-commands-only",
    },
    "ignorerhosts": {"yes": "yes", "no": "no", "shosts-only": "shosts-only"},
    "compression": {"yes": "yes", "delayed": "yes", "no": "no"},
    "gatewayports": {"yes": "yes", "no": "no", "clientspecified": "clientspecified"},
    "allowtcpforwarding": _FORWARDING,
    "allowstreamlocalforwarding": _FORWARDING,
    "permittunnel": {"yes": "yes", "no": "no", "point-to-point": "point-to-point", "ethernet": "ethernet"},
    "addressfamily": {"any": "any", "inet": "inet", "inet6": "inet6"},
}
_LEVELS: Final = frozenset(
    {"silent", "quiet", "fatal", "error", "info", "verbose", "debug", "debug1", "debug2", "debug3"}
)
_FACILITIES: Final = frozenset({"daemon", "user", "auth", "authpriv", *(f"local{digit}" for digit in range(8))})
_NUMBERS: Final = frozenset(
    {"maxauthtries", "maxsessions", "clientalivecountmax", "requiredrsasize", "x11displayoffset"}
)
_TIMES: Final = frozenset({"logingracetime", "clientaliveinterval", "unusedconnectiontimeout"})
_RAW: Final = frozenset(
    {"forcecommand", "versionaddendum", "authorizedkeyscommand", "authorizedprincipalscommand"},
)
"""Keywords that take the rest of the line as it is, quotes and comments included."""
_ADDING: Final = frozenset(
    {
        "port",
        "listenaddress",
        "hostkey",
        "hostcertificate",
        "acceptenv",
        "subsystem",
        "allowusers",
        "denyusers",
        "allowgroups",
        "denygroups",
    }
)
"""Keywords whose lines add up; of all others the first line wins."""
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
_OTHERS: Final = frozenset(
    {
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
        "ciphers",
        "fingerprinthash",
        "forcecommand",
        "gssapikexalgorithms",
        "hostbasedacceptedalgorithms",
        "hostkeyagent",
        "hostkeyalgorithms",
        "ipqos",
        "kexalgorithms",
        "loglevel",
        "logverbose",
        "macs",
        "maxstartups",
        "modulifile",
        "permitlisten",
        "permitopen",
        "permituserenvironment",
        "persourcemaxstartups",
        "persourcenetblocksize",
        "persourcepenalties",
        "persourcepenaltyexemptlist",
        "pidfile",
        "pubkeyacceptedalgorithms",
        "pubkeyauthoptions",
        "rdomain",
        "refuseconnection",
        "rekeylimit",
        "revokedkeys",
        "securitykeyprovider",
        "setenv",
        "sshdauthpath",
        "sshdsessionpath",
        "streamlocalbindmask",
        "syslogfacility",
        "trustedusercakeys",
        "versionaddendum",
        "xauthlocation",
    }
)
_IGNORED: Final = frozenset(
    {
        "afstokenpassing",
        "authorizedkeysfile2",
        "checkmail",
        "hpnbuffersize",
        "hpndisabled",
        "keyregenerationinterval",
        "ldappubkey",
        "maxstartupsperip",
        "noneenabled",
        "nonemacenabled",
        "pamauthenticationviakbdint",
        "protocol",
        "reversemappingcheck",
        "rhostsauthentication",
        "rhostsrsaauthentication",
        "rsaauthentication",
        "serverkeybits",
        "showpatchlevel",
        "tcprcvbuf",
        "tcprcvbufpoll",
        "uselogin",
        "useprivilegeseparation",
        "useroaming",
        "verifyreversemapping",
    }
)
"""Keywords that sshd or a vendor's build accepts without effect."""
_LINE: Final = re.compile(r'"?([A-Za-z0-9]+)"?(?:[ \t\f]*=[ \t\f]*|[ \t\f]+|$)(.*)', re.DOTALL)
_TIME: Final = re.compile(r"(?:\d{1,9}[smhdwSMHDW]?)+")
_TIME_PART: Final = re.compile(r"(\d{1,9})([a-z]?)")
_SECONDS: Final = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


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
    keyword, rest = _parts(text[:LINE_LIMIT].strip(" \t\r\f"))
    if keyword in {"match", "include"}:
        return Unknown(f"sshd is started with -o {keyword}", cause="format")
    keyword = _ALIASES.get(keyword, keyword)
    if keyword in _IGNORED:
        return []
    arguments = _arguments(keyword, rest)
    canonical = _canonical(keyword, arguments) if arguments else None
    return None if canonical is None else [Entry(keyword, canonical, "command line", number)]


def effective(entries: Iterable[Entry], overriding: Iterable[Entry] = ()) -> dict[str, list[list[str]]]:
    """Return the arguments in force by keyword: one list per line that counts.

    Args:
        entries: in order; the first of a keyword wins, but for those that add up.
        overriding: entries of Match blocks that match; a keyword there replaces all of `entries`.
    """
    found: dict[str, list[list[str]]] = {}
    for entry in entries:
        if entry.keyword in _ADDING:
            found.setdefault(entry.keyword, []).append(entry.arguments)
        elif entry.keyword == "rekeylimit" and len(found.get("rekeylimit", [["", ""]])[0]) == 1:
            # The two halves are first come, first served each on its own.
            found["rekeylimit"] = [found["rekeylimit"][0] + entry.arguments[1:]]
        else:
            found.setdefault(entry.keyword, [entry.arguments])
    return found | effective(overriding) if overriding else found


def split(text: str) -> list[str] | None:
    """Split arguments as sshd does: quotes, backslashes, and a comment to the end; None when a quote is not closed."""
    words: list[str] = []
    position, end = 0, len(text)
    while position < end:
        if text[position] in " \t\r\f":
            position += 1
            continue
        if text[position] == "#":
            break
        word: list[str] = []
        quote = ""
        while position < end:
            character = text[position]
            if character == "\\" and position + 1 < end and text[position + 1] in ("\"'\\" if quote else "\"'\\ "):
                word.append(text[position + 1])
                position += 2
                continue
            position += 1
            if quote:
                if character == quote:
                    quote = ""
                else:
                    word.append(character)
            elif character in " \t\r\f":
                break
            elif character in "\"'":
                quote = character
            else:
                word.append(character)
        if quote:
            return None
        words.append("".join(word))
    return words


def span(text: str) -> int | None:
    """Read a time as sshd does: `90`, `1h30m`; None for anything else."""
    if not _TIME.fullmatch(text):
        return None
    return sum(int(number) * _SECONDS[unit.lower()] for number, unit in _TIME_PART.findall(text.lower()))


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
            keyword, rest = _parts(line)
            if keyword == "match":
                here = self.match(rest, (path, number), block)
            elif keyword == "include":
                self.include(split(rest), (path, number), here, depth)
            else:
                self.entry(keyword, _arguments(keyword, rest), (path, number), here)

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
        keyword = _ALIASES.get(keyword, keyword)
        if keyword in _IGNORED:
            return
        canonical = _canonical(keyword, arguments) if arguments else None
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


def _parts(line: str) -> tuple[str, str]:
    """Split a line into its keyword, in lower case, and the rest."""
    match = _LINE.match(line)
    return (match[1].lower(), match[2]) if match else ("", "")


def _arguments(keyword: str, rest: str) -> list[str] | None:
    """Split what follows a keyword; None when a quote is not closed."""
    return rest.split() if keyword in _RAW else split(rest)


def _canonical(keyword: str, arguments: list[str]) -> list[str] | None:
    """Return arguments as `sshd -T` prints them; None for what sshd would refuse."""
    first = arguments[0].lower()
    if keyword in _SWITCHES:
        return [first] if first in {"yes", "no"} else None
    if keyword in _CHOICES:
        choice = _CHOICES[keyword].get(first)
        return [choice] if choice else None
    if keyword in _NUMBERS:
        return [str(int(first))] if re.fullmatch(r"\d{1,9}", first) else None
    if keyword in _TIMES:
        seconds = 0 if first == "none" and keyword == "unusedconnectiontimeout" else span(first)
        return None if seconds is None else [str(seconds)]
    special = _SPECIAL.get(keyword)
    if special:
        return special(arguments)
    return arguments if keyword in _OTHERS or keyword in _ADDING else None


def _startups(arguments: list[str]) -> list[str] | None:
    """MaxStartups: `begin:rate:full` or one number."""
    match = re.fullmatch(r"(\d{1,6})(?::(\d{1,3}):(\d{1,6}))?", arguments[0])
    if match is None:
        return None
    begin, rate, full = int(match[1]), int(match[2] or 30), int(match[3] or match[1])
    return [f"{begin}:{rate}:{full}"] if begin <= full and 1 <= rate <= 100 and begin else None


def _rekey(arguments: list[str]) -> list[str] | None:
    """RekeyLimit: bytes with K, M or G, and a time."""
    match = re.fullmatch(r"(\d{1,12})([kmg]?)", arguments[0].lower())
    if arguments[0].lower() in {"default", "none"}:
        size = 0
    elif match:
        size = int(match[1]) * {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}[match[2]]
    else:
        return None
    if size > 2**53 - 1:
        return None
    if len(arguments) < 2 or arguments[1].lower() == "none":
        return [str(size)]
    seconds = span(arguments[1])
    return None if seconds is None else [str(size), str(seconds)]


def _level(arguments: list[str]) -> list[str] | None:
    return [arguments[0].upper()] if arguments[0].lower() in _LEVELS else None


def _facility(arguments: list[str]) -> list[str] | None:
    return [arguments[0].upper()] if arguments[0].lower() in _FACILITIES else None


def _port(arguments: list[str]) -> list[str] | None:
    return (
        [str(int(arguments[0]))] if re.fullmatch(r"\d{1,5}", arguments[0]) and 0 < int(arguments[0]) < 65536 else None
    )


def _environment(arguments: list[str]) -> list[str]:
    lowered = arguments[0].lower()
    return [lowered] if lowered in {"yes", "no"} else arguments[:1]


_SPECIAL: Final[dict[str, Callable[[list[str]], list[str] | None]]] = {
    "maxstartups": _startups,
    "rekeylimit": _rekey,
    "loglevel": _level,
    "syslogfacility": _facility,
    "port": _port,
    "permituserenvironment": _environment,
}
