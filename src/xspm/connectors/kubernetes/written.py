"""Credentials in what is written in a language: XML, SQL, signed addresses, and settings of servers and shells.

Every pattern costs linear time on any text: parts have a bounded length, or once begun cannot fail.
"""

from __future__ import annotations

import re
from typing import Final

from xspm.connectors.kubernetes.credentials import REDACTED, hides, mark

HINTS: Final = (
    "pw",
    "psk",
    "sig=",
    "identified",
    "://",
    "community",
    "createuser",
    "-signature",
    "code=",
    "key",
    "user ",
    "acl ",
)
"""Texts, in lower case, of which one stands in everything the patterns below find that no telling name shows."""

_ELEMENT: Final = (
    r"<(?P<name>[A-Za-z_][\w.:-]{0,79})(?P<attributes>(?:\s[^<>]{0,500})?)>"
    r"(?P<text>[^<]*(?:<!\[CDATA\[[\s\S]*?(?:\]\]>|\Z))?)"
)
_OF_NAME: Final = r"(?i)\b(?:name|key)\s{0,5}=\s{0,5}[\"']([^\"'<>]{1,100})[\"']"
_ATTRIBUTES: Final = r"<[A-Za-z_][\w.:-]{0,79}\s[^<>]{1,1000}"
_VALUE_OF: Final = r"(?i)(\bvalue\s{0,5}=\s{0,5})(\"[^\"]*\"?|'[^']*'?)"
_NAMED_BEFORE: Final = (
    r"(?i)(<(name|key|param-name|id)>\s{0,20}([^<\s]{1,100})\s{0,20}</\2>"
    r"\s{0,200}<(?:value|string|data|param-value)>)([^<]+)"
)
_IN_ELEMENT: Final = r"(?i)^(?:connection-?string)$"

_QUOTED: Final = r"(?:[NnEe]?'(?:[^'\\]|''|\\.)*'?|\\?\"[^\"\n\\]*\\?\"?)"
_IDENTIFIED: Final = (
    rf"(?i)(\bidentified\s{{1,5}}(?:with\s{{1,5}}\S{{1,60}}\s{{1,5}})?(?:by|as)\s{{1,5}}(?:random\s{{1,5}})?(?:password\s{{1,5}})?)"
    rf"(?!password\b)({_QUOTED}|[^\s;'\"]+)"
)
_GIVEN: Final = (
    rf"(?i)(\bpassword(?:\s{{1,5}}for\s{{1,5}}\S{{1,120}})?(?:\s{{0,5}}=\s{{0,5}}|\s{{1,5}}(?:to\s{{1,5}})?|(?=\())(?:password\s{{0,3}})?"
    rf"(?:\(\s{{0,5}})?)({_QUOTED})"
)
_SIGNED: Final = (
    r"(?im)((?:^|[?&;\s\"'])(?:sig|hmac|sas|x-[a-z]{2,8}-(?:signature|credential|security-token)|signature)=)"
    r"([^&\s\"'<>#;]{4,})"
)
_KEYED: Final = r"(?i)([?&;](?:code|key|auth|pw|pwd|api_?key|access_?token|sign)=)([^&\s\"'<>#;]{16,})"
_SLASHED: Final = r"(://[^\s/:@'\"]{0,100}:)(?!\$[({]|[0-9]{1,5}(?:[/?#]|$))([^\s'\"<>]{1,200})(@)"
_SOLE_USER: Final = r"(://)(?=[A-Za-z_-]{0,40}[0-9])([A-Za-z0-9_-]{20,})(@)"

_SETTING: Final = (
    r"(?im)(\b(?:set|setenv|setx|env|arg|export|configure|config|(?:proxy|grpc)_set_header|"
    r"(?:fastcgi|uwsgi|scgi)_param|add_header|more_set_headers|requestheader|header|define)[ \t]{1,8}"
    r"(?:-{1,2}[a-z]{1,10}[ \t]{1,8}|(?:set|append|add)[ \t]{1,8}){0,2}"
    r"\$?)(?P<name>[/\w.:-]{1,100})(?P<gap>[ \t]{1,8})(?P<value>\"[^\"\n]*\"?|'[^'\n]*'?|[^\s;=|&]+)"
)
_DIRECTIVE: Final = (
    r"(?im)^([ \t]{0,40}(?:\S{1,60}[ \t]{1,8}){0,2}?)"
    r"(?P<name>[\w.-]{0,40}(?:[-_](?:pass|password|passwd|secret|token)|bindpw|rootpw|adminpw|"
    r"community|community6))(?P<gap>[ \t]{1,8})(?P<value>\"[^\"\n]*\"|'[^'\n]*'|[^\s;{]+)(?=[ \t]*;?[ \t]*$)"
)
_ACCOUNT: Final = r"(?im)^([ \t]{0,40}user[ \t]{1,8}\S{1,60}[ \t]{1,8}(?:insecure-)?password[ \t]{1,8})(\S+)"
_STATS: Final = r"(?im)(\bstats[ \t]{1,8}auth[ \t]{1,8}[^\s:]{1,60}:)(\S+)"
_DEFINE: Final = r"(?i)(\bdefine[ \t]{0,3}\([ \t]{0,3}[\"']([\w.-]{1,80})[\"'][ \t]{0,3},[ \t]{0,3})([\"'])([^\"'\n]*)"
_INDEXED: Final = r"(?i)(\[[\"']([\w.-]{1,80})[\"']\][ \t]{0,3}=[ \t]{0,3})([\"'])([^\"'\n]*)"
_COMPARED: Final = r"(?i)(\$\w{1,60}[ \t]{1,3}!?={1,2}[ \t]{1,3})\"([^\"$\n]{4,})\""
_SNMP_USER: Final = r"(?im)^([ \t]{0,20}createuser[ \t]{1,8})([^\n]+)$"
_REDIS_ACL: Final = r"(?im)(^[ \t]{0,20}(?:user|acl[ \t]{1,4}setuser)[ \t]{1,8}\S{1,60}[^\n]{0,120}?[ \t][>#])(\S{3,})"
_PSK: Final = r"(?i)(\bpsk[ \t]{0,4}=?[ \t]{0,4})(\"[^\"\n]*\"?|'[^'\n]*'?|0x[0-9a-f]+)"
_PASSES: Final = r"(?i)(?:proxy|fastcgi|uwsgi|scgi|grpc|memcached)_pass$"
"""Directives of nginx that pass a request on."""
_PATH: Final = r"[/~.$`]|[A-Za-z]:\\"


def redact_written(text: str) -> str:
    """Return a text without the credentials that the language around them tells."""
    lowered = text.lower()
    if "<" in text:
        text = re.sub(_NAMED_BEFORE, _named_before, text)
        text = re.sub(_ELEMENT, _element, text)
        text = re.sub(_ATTRIBUTES, _attributes, text)
    if "identified" in lowered or "password" in lowered:
        for pattern in (_IDENTIFIED, _GIVEN):
            text = re.sub(pattern, _statement, text)
    if "=" in text:
        for pattern in (_SIGNED, _KEYED):
            text = re.sub(pattern, rf"\1{REDACTED}", text)
        text = re.sub(_INDEXED, _called, text)
        if "token" in lowered or "key" in lowered or "auth" in lowered or "secret" in lowered:
            text = re.sub(_COMPARED, _compared, text)
    if "://" in text:
        text = re.sub(_SOLE_USER, rf"\1{REDACTED}\3", re.sub(_SLASHED, rf"\1{REDACTED}\3", text))
    if "psk" in lowered:
        text = re.sub(_PSK, rf"\1{REDACTED}", text)
    return _settings(text, lowered)


def _settings(text: str, lowered: str) -> str:
    """Take out what settings without a sign of assignment hold."""
    if " " not in text and "\t" not in text:
        return text
    text = re.sub(_SETTING, _set, text)
    text = re.sub(_DIRECTIVE, _set, text)
    if "define" in lowered:
        text = re.sub(_DEFINE, _called, text)
    if "createuser" in lowered:
        text = re.sub(_SNMP_USER, rf"\1{REDACTED}", text)
    for pattern in (_ACCOUNT, _STATS, _REDIS_ACL):
        text = re.sub(pattern, rf"\1{REDACTED}", text)
    return text


def _element(found: re.Match[str]) -> str:
    """Replace the text of an element whose name, or whose attribute `name`, tells of a credential."""
    attributes, text = found["attributes"], found["text"]
    if not text.strip() or attributes.endswith("/"):
        return found[0]
    names = [found["name"].rpartition(":")[2], *re.findall(_OF_NAME, attributes)]
    value = text.strip()
    name = next((name for name in names if hides(name, value)), None)
    if name is None or (re.match(_IN_ELEMENT, name) and "=" in value):
        return found[0]
    return found[0][: found.start("text") - found.start()] + mark(name)


def _named_before(found: re.Match[str]) -> str:
    """Replace the value that the next element of a pair holds: `<name>password</name><value>…`."""
    return f"{found[1]}{mark(found[3])}" if hides(found[3], found[4].strip()) else found[0]


def _attributes(found: re.Match[str]) -> str:
    """Replace the attribute `value` of an element whose attribute `name` tells of a credential."""
    names = [name for name in re.findall(_OF_NAME, found[0]) if hides(name, "x")]
    if not names:
        return found[0]

    def value(pair: re.Match[str]) -> str:
        bare = pair[2].strip("\"'")
        return f"{pair[1]}{pair[2][0]}{mark(names[0])}{pair[2][0]}" if hides(names[0], bare) else pair[0]

    return re.sub(_VALUE_OF, value, found[0])


def _statement(found: re.Match[str]) -> str:
    """Replace the password of a statement of SQL; a placeholder stays."""
    value = found[2].strip("\\NnEe\"'") if found[2][0] not in "'\"" else found[2].strip("\"'")
    if not value or value[0] in "$:?{<" or value.startswith(REDACTED) or value in ("%s", "null"):
        return found[0]
    quote = next((sign for sign in found[2][:2] if sign in "\"'"), "")
    return f"{found[1]}{quote}{REDACTED}{quote}"


def _set(found: re.Match[str]) -> str:
    """Replace the value of `set name value`, if the name tells of a credential."""
    name, value = found["name"].rpartition(":")[2], found["value"]
    bare = value.strip("\"'")
    community = name.lower().startswith(("rocommunity", "rwcommunity", "community"))
    if (
        found["name"].isalpha()
        and found["name"].islower()
        and value == bare
        and found[1].rstrip("$").lower().endswith("set ")
    ):
        return found[0]  # prose: to set password for somebody
    if (
        not (hides(name, bare) or community)
        or re.match(_PASSES, name)
        or re.match(_PATH, bare)
        or not bare
        or bare[0] in "<{("
    ):
        return found[0]
    quote = value[0] if value[0] in "\"'" else ""
    return f"{found[1]}{found['name']}{found['gap']}{quote}{mark(name)}{quote}"


def _called(found: re.Match[str]) -> str:
    """Replace the value of `define('NAME', 'value')` and of `$x['name'] = 'value'`."""
    return f"{found[1]}{found[3]}{mark(found[2])}" if hides(found[2], found[4]) else found[0]


def _compared(found: re.Match[str]) -> str:
    """Replace what a variable that is named like a credential is compared with."""
    name = re.match(r"\$(\w+)", found[1])
    if name is None or not hides(name[1], found[2]):
        return found[0]
    return f'{found[1]}"{REDACTED}"'
