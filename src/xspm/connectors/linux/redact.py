"""Masks what looks like a credential in free text, before the text enters a resource.

Used by every service on text that people write freely: command lines in cron tables and units, repository addresses,
kernel command lines, options. It masks rather too much than too little: what a check compares is never free text.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Final

MASK: Final = "(redacted)"

_PEM: Final = re.compile(r"-----BEGIN [A-Z0-9 ]{1,60}-----.*?(?:-----END [A-Z0-9 ]{1,60}-----|\Z)", re.DOTALL)
_URL: Final = re.compile(r"(?P<scheme>\b[a-zA-Z][a-zA-Z0-9+.-]{1,20}://)[^\s/@'\"]*@")
_NAMED: Final = re.compile(
    r"""(?ix)
    (?P<name>
        [\w.-]{0,60}
        (?:passw(?:or)?d|passphrase|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credentials?
           |(?:bind|root|user|auth|admin)_?pw|(?<![a-z])pass(?=["']?\s*=))
        [\w.-]{0,60} ["']?
        (?: \s*[=:]\s* (?:Bearer\s+|Basic\s+)? )
    )
    (?P<value> "[^"\n]+" | '[^'\n]+' | [^\s;,&|"'/][^\s;,&|"']* )
    """
)
_FLAG: Final = re.compile(
    r"""(?ix)
    (?P<name> (?<!\S) -{1,2}[\w-]{0,40}(?:passw(?:or)?d|passphrase|secret|token|api-?key|credentials?) \s+ )
    (?P<value> "[^"\n]+" | '[^'\n]+' | [^\s"'/-][^\s"']* )
    """
)
_HEADER: Final = re.compile(r"(?i)(?P<name>\b(?:bearer|basic)\s+)(?P<value>[A-Za-z0-9+/_.=~-]{8,})")
_USER: Final = re.compile(r"(?P<name>(?<!\S)(?:-u\s*|--user[=\s]\s*)[^\s:]+:)(?P<value>\S+)")
_SHORT: Final = re.compile(
    r"(?P<name>\b(?:mysql\w*|mariadb[\w-]*|sshpass)\b[^\n;|]*?\s-p\s?)(?P<value>[^\s;|/][^\s;|]*)"
)
_OPTION: Final = re.compile(
    r"""(?x)
    (?P<name>
        \b redis-cli \b [^\n;|]{0,300}? \s -a \s?
        | \b ldap[a-z]+ \b [^\n;|]{0,300}? \s -w \s?
        | \b openssl \b [^\n;|]{0,300}? \s -[kK] \s
        | \b (?:mongo\w*|influx|cqlsh) \b [^\n;|]{0,300}? \s -p \s?
        | \b (?:sqlcmd|bcp|ipmitool|isql) \b [^\n;|]{0,300}? \s -P \s?
        | (?<!\S) (?:-U\s*|--user[=\s]) [^\s%\\]+ \\?%
        | (?<!\S) pass:
    )
    (?P<value> "[^"\n]+" | '[^'\n]+' | [^\s;|]+ )
    """
)
"""Options that carry a credential in the programs that have them."""
_FED: Final = re.compile(
    r"""(?x)
    (?P<name> \b(?:echo|printf) \s+ (?:-\w+\s+)? )
    (?P<value> "[^"\n]+" | '[^'\n]+' | [^|\n;"']{1,200}? )
    (?= \s{0,9} \| \s{0,9} (?:\S{0,100}/)?
        (?: sudo\b [^|;\n]{0,200}? \s -\w*S | (?:ch|smb)?passwd | kinit | cryptsetup | gpg2? | openssl
          | [^|;\n]{0,300} --(?:password|passphrase|token)?-?(?:std)?in\b | [^|;\n]{0,300} --passphrase-fd ) )
    """
)
"""What is handed to a program that reads a password."""
_UUID: Final = re.compile(r"(?i)[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_KNOWN: Final = re.compile(
    r"""(?x)
    \b(?: (?:AKIA|ASIA|AROA|AIDA)[0-9A-Z]{16}
        | gh[pousr]_[A-Za-z0-9]{20,} | github_pat_\w{20,} | glpat-[\w-]{15,}
        | xox[abprs]-[\w-]{10,} | sk-[\w-]{20,} | AIza[\w-]{30,}
        | eyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?
    )
    | \$(?:1|2[abxy]?|5|6|7|y|gy|argon2\w*|sha1|md5)\$[./0-9A-Za-z$,=+-]{8,}
    | \b(?:grub\.)?pbkdf2\.sha512\.\d+\.[0-9A-Fa-f.]{16,}
    """
)
_ASSIGNED: Final = re.compile(r"(?P<name>[\w.-]{1,80}[=:]\s?[\"']?)(?P<value>[A-Za-z0-9+/_=-]{24,})")


def redact(text: str) -> str:
    """Return `text` with the values masked that look like credentials."""
    if len(text) < 4:
        return text
    text = _PEM.sub(MASK, text)
    text = _URL.sub(rf"\g<scheme>{MASK}@", text)
    text = _HEADER.sub(rf"\g<name>{MASK}", text)
    text = _NAMED.sub(_mask_value, text)
    for pattern in (_FLAG, _USER, _SHORT, _OPTION, _FED):
        text = pattern.sub(_mask_value, text)
    text = _KNOWN.sub(MASK, text)
    return _ASSIGNED.sub(_mask_random, text)


def _mask_value(match: re.Match[str]) -> str:
    """Mask a value that its name calls a credential."""
    value = match["value"]
    quote = value[0] if value[0] in "\"'" else ""
    return f"{match['name']}{quote}{MASK}{quote}"


def _mask_random(match: re.Match[str]) -> str:
    """Mask a long assigned value that looks drawn at random, and leave words, paths and identifiers."""
    value = match["value"]
    kinds = sum(any(test(character) for character in value) for test in (str.isdigit, str.islower, str.isupper))
    if value.startswith("/") or _UUID.search(value) or kinds < 2 or len(set(value)) < 12 or not _dense(value):
        return match[0]
    return match["name"] + MASK


def _dense(value: str) -> bool:
    """Whether letters and digits change places as often as in random text, not as in words with a number."""
    changes = sum(a.isdigit() != b.isdigit() or a.isupper() != b.isupper() for a, b in pairwise(value))
    return changes * 4 >= len(value)
