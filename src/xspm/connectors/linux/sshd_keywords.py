"""The keywords of sshd_config: how their arguments are split, what is valid for each, and how `sshd -T` prints them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable


ALIASES: Final = {
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


ADDING: Final = frozenset(
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


IGNORED: Final = frozenset(
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


def line_parts(line: str) -> tuple[str, str]:
    """Split a line into its keyword, in lower case, and the rest."""
    match = _LINE.match(line)
    return (match[1].lower(), match[2]) if match else ("", "")


def split_arguments(keyword: str, rest: str) -> list[str] | None:
    """Split what follows a keyword; None when a quote is not closed."""
    return rest.split() if keyword in _RAW else split(rest)


def canonical_arguments(keyword: str, arguments: list[str]) -> list[str] | None:
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
    return arguments if keyword in _OTHERS or keyword in ADDING else None


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
