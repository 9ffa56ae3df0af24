r"""Credentials by their own form, or by the form of the file or command they stand in.

A private key, a token of a well-known service, a stored hash and the password in an address are credentials wherever
they stand. A secrets file of pppd, an answer that a shell feeds to a program, or `user:password@host` without a scheme
tell one by their layout. What may well be harmless is marked so. Every pattern costs linear time on any text.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from xspm.connectors.kubernetes.credentials import REDACTED, SUSPECT

if TYPE_CHECKING:
    from collections.abc import Callable

HINTS: Final = (
    "$", "://", "@", " * ", "<<<", "aiza", "akia", "a3t", "asia", "auth", "dop_", "eyj", "gho_", "ghp_", "ghr_", "ghs_",
    "ghu_", "hvs.", "jdbc:oracle", "key", "md5", "net use", "npm_", "passw", "pat-", "pat_", "private-lines", "putty-",
    "pypi", "rk-", "rk_", "scram-sha", "secret", "sg.", "sk-", "sk_", "slack", "token", "xapp", "xox",
)  # fmt: skip
"""Texts, in lower case, of which one stands in everything the patterns below find."""

_KNOWN_FORM: Final = (
    r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----[\s\S]*?(?:-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----|\Z)"
    r"|PuTTY-User-Key-File-[0-9][\s\S]*?(?:Private-MAC:[^\n]*|\Z)"
    r"|\bPrivate-Lines:[^\n]*(?:\n[ \t]*[A-Za-z0-9+/=]{1,200}[ \t\r]*(?=\n|\Z))*"
    r"|\b(?:A3T[A-Z0-9]|AKIA|ASIA)[A-Z0-9]{16,}\b"
    r"|\bgh[pousr]_[A-Za-z0-9]{30,}|\bgithub_pat_[A-Za-z0-9_]{30,}|\bglpat-[A-Za-z0-9_-]{16,}"
    r"|\bxox[abeoprs]-[A-Za-z0-9-]{10,}|\bxapp-[A-Za-z0-9-]{10,}"
    r"|\beyJ[A-Za-z0-9_-]{8,1000}\.eyJ[A-Za-z0-9_-]{8,4000}\.[A-Za-z0-9_-]*"
    r"|\bAIza[A-Za-z0-9_-]{35,}|\b[rs]k_(?:live|test)_[A-Za-z0-9]{16,}|\bnpm_[A-Za-z0-9]{36,}|\bpypi-[A-Za-z0-9_-]{40,}"
    r"|\bSG\.[A-Za-z0-9_-]{16,100}\.[A-Za-z0-9_-]{16,}|\bsk-[A-Za-z0-9_-]{20,}|\bhvs\.[A-Za-z0-9_-]{20,}|\bdop_v1_[a-f0-9]{32,}"
    r"|(?i:\bAGE-SECRET-KEY-[A-Z0-9-]{8,})|\bmd5[0-9a-f]{32}\b|\bSCRAM-SHA-[0-9]{1,3}\$[^\s\"']+"
    r"|hooks\.slack\.com/services/[A-Za-z0-9/_-]+"
    r"|\$(?:2[abxy]|[1567yPHS]|gy|apr1|sha1|scrypt|argon2[a-z]*|pbkdf2[a-z0-9-]*)\$[A-Za-z0-9./$=,+-]{16,}"
    r"|\{(?:PLAIN|CLEAR|CRYPT|S?SHA[0-9]{0,3}|S?MD5|PBKDF2[A-Z0-9-]{0,8}|ARGON2[A-Z]{0,2}|BLF-CRYPT)\}[^\s:,\"'{}]{4,}"
)
_IN_URL: Final = r"(://[^\s/:@'\"]*:)(?!\$[({])([^\s/@'\"]+)(@)"
_ORACLE: Final = r"(?i)(\bjdbc:oracle:\w{1,10}:[^\s/@:\"']{1,60}/)(?!\$[({])([^\s@]{1,200})(@)"

_PLACED: Final = (
    # A line of pap-secrets or chap-secrets: client, server, secret, addresses.
    (
        " * ",
        (
            r"(?m)(^[ \t]*(?!(?:echo|grep|select)\b)\"?[\w.@\\*-]{1,100}\"?[ \t]+\*[ \t]+)"
            r"(?=\"|\S+[ \t]+\*[ \t\r]*$)(\"[^\"\n]+\"?|[^\s*]\S*)"
        ),
    ),
    ("net use", r"(?i)(\bnet[ \t]+use[ \t][^\n\\]{0,40}\\\\[^\s\"]{1,200}\"?[ \t]+)(?!/)([^\s]+)"),
    ("net user", r"(?i)(\bnet[ \t]+user[ \t]+[^\s/]{1,100}[ \t]+)(?!/)([^\s]+)"),
    (
        "<<<",
        (
            r"(\b(?:kinit|sudo|su|login|passwd|chpasswd|smbpasswd|cryptsetup|gpg2?|openssl|htpasswd|ssh-add|keytool)\b"
            r"[^\n<]{0,200}<<<[ \t]*)(?![\"']?\$)(\"[^\"\n]*\"?|'[^'\n]*'?|\S+)"
        ),
    ),
    (
        "auth",
        (
            r"(?m)((?:^|[\"'`|&;]|\becho[ \t]|\bprintf[ \t])[ \t]*AUTH[ \t]+(?:[\w.-]{1,60}[ \t]+)?)"
            r"([^\s\"']+)(?=[ \t\r]*(?:$|[\"'|;\\]))"
        ),
    ),
)  # fmt: skip
"""What tells that a pattern may find something, in lower case, and the pattern: what stays, what is taken out."""
_SUSPECT: Final = (
    ("key", r"(?im)(^[ \t]*key[ \t]*=[ \t]*)(\"[^\"\n$]+\"|'[^'\n$]+'|[^\s\"'${<,;#]+)"),
    ("passw", r"(?im)(^[ \t]*\"?(?:[\w.-]{0,40}[_.-])?passw(?:or)?d\"?,)([^\s,]+)(?=[ \t\r]*$)"),
    ("://", r"(?i)(\bhttps?://)([A-Za-z0-9_%.~+-]{3,}(?=@))"),
    ("://", r"(://)(?=[A-Za-z_-]{0,40}[0-9])([A-Za-z0-9_-]{8,}(?=@))"),
    (
        "@",
        (
            r"((?<![\w.+/@:$-])(?!(?:mailto|sips?|xmpp|acct|im|serviceAccount):[^\s:/@]{1,64}@[\w-]{1,63}\.)"
            r"[\w.+-]{1,64}:)(?!\$[({])([^\s/@'\"<>{}()]{1,200}(?=@(?!sha[0-9]|md5|blake)[\w\[]))"
        ),
    ),
)
"""The same for what may be harmless: a label key, a user without a password, `a:b@c`."""

_ADDRESS_KEYS: Final = frozenset({"externalName", "image"})
_BEFORE_HOST: Final = r"(\s*[^@\s:]*:)(?![0-9]{1,5}/)(\S+)(@)(?!(?:sha|md5|blake)[a-z0-9+._-]*:)"

_GLUED: Final = r"-p(?![A-Za-z.-]{0,60}=.)(?=[^/]*[0-9A-Z!#%^&*+]|\S*secret|\S*pass)(?![0-9.]+(?::[0-9]+){0,2}\Z)\S{6,}"


def redact_forms(text: str) -> str:
    """Return a text without what has the form of a credential wherever it stands."""
    if "://" in text:
        text = re.sub(_IN_URL, rf"\1{REDACTED}\3", text)
    if "jdbc:" in text:
        text = re.sub(_ORACLE, rf"\1{REDACTED}\3", text)
    return re.sub(_KNOWN_FORM, REDACTED, text)


def redact_layouts(text: str) -> str:
    """Return a text without the credentials that the layout of a file or command tells."""
    lowered = text.lower()
    for hint, pattern in _PLACED:
        if hint in lowered:
            text = re.sub(pattern, _quoted(REDACTED), text)
    for hint, pattern in _SUSPECT:
        if hint in lowered:
            text = re.sub(pattern, _quoted(SUSPECT), text)
    return text


def redact_address(key: str, value: str) -> str:
    """Return the value of a field that names a host (`image`, `externalName`) without the password before it."""
    if "@" not in value or key not in _ADDRESS_KEYS:
        return value
    return re.sub(rf"\A{_BEFORE_HOST}", rf"\1{REDACTED}\3", value)


def redact_glued(item: str) -> str:
    """Return an argument `-pPASSWORD` of a program that is not known without what looks like a password."""
    return f"-p{SUSPECT}" if re.match(_GLUED, item) else item


def _quoted(mask: str) -> Callable[[re.Match[str]], str]:
    """Return what replaces the second group of a pattern; quotes around it stay."""

    def replace(found: re.Match[str]) -> str:
        value = found[2]
        if value.strip("\"'").startswith("(redacted"):
            return found[0]
        quote = value[0] if value[0] in "\"'" else ""
        return f"{found[1]}{quote}{mask}{quote}"

    return replace
