"""Credentials that only their surroundings tell: blocks of YAML, headers, password files.

What is taken out is the value; name, flag and user stay. Every pattern costs linear time on any text.
"""

from __future__ import annotations

import base64
import binascii
import re
from functools import lru_cache
from itertools import pairwise
from typing import Final

REDACTED: Final = "(redacted)"
SUSPECT: Final = "(redacted?)"
"""In place of what may well be harmless, as a sort key: it is taken out of the evidence, and no check counts it."""

HINTS: Final = (
    "auth", "basic ", "echo ", "printf ",
    "bearer", "cookie", "login", "ls0tls1crudjti", "requirepass", "signature", ":*:", ":5432:",
    "{sha", "{ssha", "{plain", "{clear", "{crypt", "{md5", "{smd5", "{pbkdf", "{argon", "{blf",
)  # fmt: skip
"""Texts, in lower case, of which one stands in everything the patterns below find."""

_NAME: Final = (
    r"(?i)pass(?:word|wd|phrase|code|wort)|(?:^|[-_.]|[a-z])pass$|(?:^|[-_.])pass[-_.]|pwd|(?:^|[-_.]|admin|bind|root|user)pw$|^psk$|secret|token(?!iz)|credential|"
    r"api[-_.]?key|access[-_.]?key|private[-_.]?key|private$|userkey$|[-_.]key(?:[-_.]?(?:base|data|id|pem))?$|(?:^|[-_.])(?:basic[-_.]?)?auth$|"
    r"authorization$|bearer|cookies?$|cookie[-_.]?value|signature$|connection[-_.]?string|(?:^|[-_.])dsn$|webhook[-_.]?url|(?:^|[-_.])pat$|"
    r"jwt(?!ks)|(?:^|[-_.])salt$|(?:^|[-_.])login$|(?:^|[-_.])creds$"
)
_WEAK: Final = r"(?i)key(?:[-_.]?(?:id|data))?$|cookie|signature|login$"
_STRONG: Final = (
    r"(?i)pass|pwd|pw$|psk|secret|token|credential|(?:api|access|private|encryption|ssh|signing|master|account|license|client|"
    r"stripe|tls|user)[-_.]?key|webhook|\.key$"
)
_CAMEL_KEY: Final = r"[a-z](?:Key|Pass|Auth)$"
_HARMLESS: Final = (
    r"(?i)(?:name|names|file|files|path|paths|dir|ref|refs|ttl|timeout|enabled|expiry|expiration|duration|"
    r"type|length|host|port|count|limit|limits|(?<![a-z])(?:max|min|size)|version|mode|audience|issuer|class|policy|algorithm|prefix|suffix|"
    r"seconds|namespace|store|provider|mount|review|rotation|tokens|config|kubeconfig|cluster|registry|repository|"
    r"account|url|uri|endpoint|username|"
    r"topology[-_.]?key|registration|sources?|binding|claims?)$"
)
_AMOUNT_NAME: Final = (
    r"(?i)(?:ttl|timeout|expiry|expiration|duration|length|count|limits?|seconds|tokens|(?<![a-z])(?:max|min|size))$"
)
_AMOUNT: Final = (
    r"(?i)v?[+-]?\d[\d.,:_/T Z+-]{0,60}"
    r"(?:(?:[nuµm]?s|sec|min|[mhdwy]|[kmgtpe]i?b?|seconds?|minutes?|hours?|days?|%)[\d.]{0,9}){0,6}\Z"
    r"|(?:unlimited|infinity|infinite|default)\Z"
)
_UUID: Final = r"(?i)[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_ADDRESS: Final = r"(?i)(?:url|uri|endpoint)$"
_HARMLESS_VALUE: Final = (
    r"(?i)\s*\Z|(?:true|false|yes|no|none|null|\(redacted\??\))\Z|\$[({][^)}]*[)}]\Z|\{\{[\w.\s-]*\}\}\Z"
)

_SCHEME: Final = r"(?i)\b((?:basic|bearer)[ \t]+)(?=[A-Za-z_-]*[0-9A-Z+/=])([A-Za-z0-9+/=._~-]{6,})"
_HEADER: Final = r"(?im)\b((?:proxy-)?authorization[\"']?[ \t]*[:=][ \t]*)(?![|>\[{$])([^\n\"']+)"
_COOKIE: Final = r"(?im)\b((?:set-)?cookie[\"']?[ \t]*:[ \t]*)(?![|>\[{$])([^\n\"']+)"
_DIRECTIVE: Final = r"(?im)^([ \t]*(?:requirepass|masterauth|password|passwd|pass)[ \t]+)(?![=:])(\S+)[ \t]*$"
_NETRC: Final = r"(?i)\b((?:machine|default|login)\b[^\n]{0,200}?\bpassword[ \t]+)(\S+)"
_PGPASS: Final = r"(?m)^([^\s:]+:(?:[0-9]{1,5}|\*):[^\s:]+:[^\s:]+:)(\S+)$"
_PIPED: Final = r"\b((?:echo|printf)[ \t]+)([^|\n]{1,400})(?=\|[^|\n]{0,80}(?:passw|login|stdin|sudo|base64|openssl))"
_ENCODED: Final = r"LS0tLS1CRUdJTi(?:[A-Za-z0-9+/=]|\r?\n[ \t]*(?=[A-Za-z0-9+/=]{8}))*"

_OBJECT_KIND: Final = (
    r"(?im)^[ \t-]{0,80}[\"']?kind[\"']?[ \t]{0,9}:[ \t]{0,9}[\"']?secret(?:list)?[\"']?[ \t\r]*(?:#|$)"
)
_VALUES: Final = r"(?i)[ \t-]{0,80}[\"']?(?:data|stringData)[\"']?[ \t]{0,9}:[ \t]{0,9}(?:[#&{]|\r?$)"
_PAIR: Final = r"([ \t]{0,80}[\"']?[^\s:\"'{}]{1,253}[\"']?[ \t]{0,9}:[ \t]{1,9})(?![|>&])(?=\S)"
"""A Secret that stands as YAML within a text: where its values are, and one of them."""


@lru_cache(maxsize=4096)
def _names(name: str) -> tuple[bool, bool]:
    """Return whether a name tells of a credential, and whether of the address of one."""
    if re.search(_NAME, name) is None and re.search(_CAMEL_KEY, name) is None:
        return False, False
    if re.search(r"(?i)webhook[-_.]?url$", name) is not None:
        return True, False
    if re.search(_ADDRESS, name) is not None:
        return True, True
    return re.search(_HARMLESS, name) is None, False


@lru_cache(maxsize=4096)
def _excused(name: str) -> bool:
    """Whether only its end keeps a name from telling of a credential: `PASSWORD_LIMIT`, `API_KEY_NAME`."""
    return not _names(name)[0] and (re.search(_NAME, name) is not None or re.search(_CAMEL_KEY, name) is not None)


def _belies(name: str, value: str) -> bool:
    """Whether a value is not what the end of its name says: no amount, or a text that looks drawn at random."""
    if re.search(_AMOUNT_NAME, name):
        return len(value) > 5 and re.match(_AMOUNT, value) is None
    if re.fullmatch(r"[A-Za-z0-9+/=_.~-]{16,500}", value) is None or value[0] in "/." or re.search(_UUID, value):
        return False
    changes = sum(a.isdigit() != b.isdigit() or a.isupper() != b.isupper() for a, b in pairwise(value))
    return len(set(value)) > 9 and changes * 3 > len(value)


@lru_cache(maxsize=4096)
def mark(name: str) -> str:
    """Return what stands in place of a value that was given under a telling name."""
    if re.search(_WEAK, name) is None or re.search(_STRONG, name) is not None:
        return REDACTED
    return SUSPECT


def hides(name: str, value: str) -> bool:
    """Whether what stands under a name is to be taken out; wider than what a check calls a credential."""
    telling, address = _names(name)
    if re.match(_HARMLESS_VALUE, value) or is_working_folder(name, value):
        return False
    if not telling:
        return _excused(name) and _belies(name, value)
    return not (address and ("://" in value or value.startswith("/")))


def is_working_folder(name: str, value: str) -> bool:
    """Whether it is the variable of every shell that names its folder, and no password: `PWD=/app`."""
    return name.lower() in ("pwd", "oldpwd") and re.match(r"[/~.$`]|[A-Za-z]:[\\/]", value) is not None


def redact_surroundings(text: str) -> str:
    """Return a text without the credentials that their surroundings tell."""
    if "\n" in text:
        text = _blocks(text)
    for pattern in (_HEADER, _COOKIE, _SCHEME, _DIRECTIVE, _NETRC, _PGPASS, _PIPED):
        text = re.sub(pattern, rf"\1{REDACTED}", text)
    return re.sub(_ENCODED, _encoded, text)


def _encoded(found: re.Match[str]) -> str:
    """Take out base64 that holds a private key; certificates and public keys stay."""
    try:
        decoded = base64.b64decode("".join(found[0].split()).rstrip("=") + "==")
    except (binascii.Error, ValueError):
        return REDACTED
    return REDACTED if b"PRIVATE" in decoded else found[0]


def _blocks(text: str) -> str:
    """Take out what stands on the lines below a telling key: block scalars, folded scalars, items of a list."""
    kept: list[str] = []
    indent, block = -1, False
    within = re.search(_OBJECT_KIND, text) is not None
    for line in text.split("\n"):
        bare = line.lstrip(" ")
        depth = len(line) - len(bare)
        if indent >= 0 and (
            not bare.strip() or depth > indent or (depth == indent and bare.startswith("- ") and not block)
        ):
            if within and not block and (pair := re.match(_PAIR, line)) is not None:
                kept.append(f"{pair[1]}{REDACTED}")
                continue
            if block or (bare.strip() and ": " not in bare and not bare.rstrip().endswith(":")):
                kept.append(f"{line[:depth]}{REDACTED}" if bare.strip() else line)
                continue
        else:
            indent = -1
        if within and re.match(_VALUES, line) is not None:
            indent, block = depth, False
            line = re.sub(r"\{.*", REDACTED, line)  # noqa: PLW2901 - what it holds is not given on
        name, colon, rest = bare.partition(":")
        rest = rest.strip()
        if colon and len(name) <= 200 and (not rest or rest[0] in "|>&") and hides(name.strip(" -\"'\t"), "x"):
            indent, block = depth, bool(rest)
        kept.append(line)
    return "\n".join(kept)
