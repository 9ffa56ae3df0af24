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
_SHARE: Final = re.compile(r"(?P<name>(?:(?<=,)|(?<!\S))user(?:name)?=[^\s,%]{1,100}%)(?P<value>[^\s,]+)")
"""`user=name%password` among the options of a mount."""
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
        | \b (?:docker|podman|buildah|skopeo|nerdctl|crane|oras|helm|az|oc) \b [^\n;|]{0,300}? \s login \b
          [^\n;|]{0,300}? \s -p (?:\s|=)?
        | \b (?:useradd|usermod) \b [^\n;|]{0,300}? \s -p \s?
        | \b vault \s+ (?:login|unwrap|operator\s+unseal) \s (?:\s*-\S+\s)*
        | \b (?:rabbitmqctl \b [^\n;|]{0,100}? \s (?:add_user|change_password|authenticate_user) \s+ \S+ \s+)
        | \b (?:snmp[a-z]+) \b [^\n;|]{0,300}? \s -[AXc] \s?
        | (?<!\S) (?:-U\s*|--user[=\s]) [^\s%\\]+ \\?%
        | (?<!\S) pass:
    )
    (?P<value> "[^"\n]+" | '[^'\n]+' | [^\s;|]+ )
    """
)
"""Options that carry a credential in the programs that have them."""
_HASHED: Final = re.compile(
    r"""(?x)
    (?P<name> \b htpasswd \b [^\n;|]{0,300}? \s -[A-Za-z]{0,8}b[A-Za-z]{0,8} \s (?:[^\s;|&]+ \s+){1,6}? )
    (?P<value> "[^"\n]+" | '[^'\n]+' | [^\s;|&]+ )
    (?= \s* (?:[;|&>\n]|\d>|\Z) )
    """
)
"""The last word of `htpasswd -b`."""
_STATEMENT: Final = re.compile(
    r"""(?ix)
    (?P<name>
        \b identified \s+ (?:with \s+ \S{1,60} \s+)? (?:by|as) \s+ (?:password \s+)?
        | \b password (?:\s+ for \s+ \S{1,120})? (?:\s*=\s*|\s+(?:to\s+)?) (?:password \s*)? \(? \s*
        | \b encrypted \s+ password \s+
    )
    (?P<value> \\?"[^"\n]+" | '(?:[^'\n\\]|''|\\.)+' )
    """
)
"""What a statement of SQL sets as a password, quoted as it must be there."""
_HOOK: Final = re.compile(
    r"""(?ix)
    (?P<name>
        :// (?: hooks\.slack(?:-gov)?\.com/(?:services|workflows|triggers)
          | (?:\w+\.)?discord(?:app)?\.com/api/(?:v\d+/)?webhooks | [\w.-]+\.webhook\.office\.com/\w+
          | outlook\.office(?:365)?\.com/webhook | api\.telegram\.org(?=/bot) | hc-ping\.com | maker\.ifttt\.com/trigger
          | hooks\.zapier\.com/hooks | chat\.googleapis\.com/v1/spaces | events\.pagerduty\.com/integration
          | api\.opsgenie\.com/v1/json | [\w.-]+\.logic\.azure\.com/workflows ) /
    )
    (?P<value> [^\s"'<>;|]+ )
    """
)
"""Addresses that are themselves the credential: who knows the path may post."""
_PATH_TOKEN: Final = re.compile(
    r"(?P<name>://[^\s\"'<>;|?#]{1,300}?/)(?P<value>[A-Za-z0-9_-]{20,200})(?=[/\s\"'<>;|?#]|\Z)"
)
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
    for pattern in (_FLAG, _USER, _SHARE, _SHORT, _OPTION, _HASHED, _STATEMENT, _HOOK, _FED):
        text = pattern.sub(_mask_value, text)
    if "://" in text:
        text = _PATH_TOKEN.sub(_mask_random, text)
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
