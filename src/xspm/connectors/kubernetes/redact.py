"""Takes secret values out of objects before they become evidence; keys and everything that is no secret stay.

On the way fields without a value are left out, as the API server does: `annotations:` with nothing behind it, which
templates often leave, is the same as no annotations.

Redacted are: every value of a Secret, binary ConfigMap values, the last applied configuration that kubectl keeps in an
annotation, and wherever they stand (environment, arguments, annotations, ConfigMaps, custom resources) values that look
like credentials: by the name they are given under, or by their own form (private keys, tokens of well-known services,
passwords in URLs), or by the program or language around them (`xspm.connectors.kubernetes.commands`, `…written`). What
becomes a Secret elsewhere (a SealedSecret's template) counts as one. Redacted values stay strings, so that a check on
the type of a field is not misled. Redaction is meant to take too much rather than too little.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Final

import msgspec

from xspm.connectors.kubernetes.commands import HINTS as COMMAND_HINTS
from xspm.connectors.kubernetes.commands import redact_commands, secret_words
from xspm.connectors.kubernetes.credentials import HINTS, hides, is_working_folder, mark, redact_surroundings
from xspm.connectors.kubernetes.credentials import REDACTED as REDACTED  # noqa: PLC0414 - given on
from xspm.connectors.kubernetes.formats import HINTS as FORMAT_HINTS
from xspm.connectors.kubernetes.formats import redact_address, redact_forms, redact_glued, redact_layouts
from xspm.connectors.kubernetes.written import HINTS as WRITTEN_HINTS
from xspm.connectors.kubernetes.written import redact_written
from xspm.model.unknown import UNKNOWN_KEY

LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"
_APPLIED: Final = ("/last-applied-configuration", "/last-applied", "objectset.rio.cattle.io/applied")
"""Annotations in which tools keep a whole object, as it was applied, in forms of their own."""

# Patterns stay text until one is needed: most manifests need none, and compiling them takes longer than reading one.
_TELLING_NAME: Final = (
    r"(?i)pass(?:word|wd|phrase|code)|(?:^|[-_.])pwd|pwd$|secret|token(?!iz)|credential|api[-_.]?key|access[-_.]?key|private[-_.]?key|"
    r"(?:encryption|ssh|signing|master|account|license|shared|client)[-_.]?key|connection[-_.]?string|(?:^|[-_.])dsn$|"
    r"(?:^|[-_.])(?:basic[-_.]?)?auth$|webhook[-_.]?url|(?:^|[-_.])pat$|jwt(?!ks)|(?:^|[-_.])salt$"
)
_NAME_HINTS: Final = ("connection", "credential", "jwt", "key", "pass", "pwd", "secret", "token", "webhook")
_NAME_ENDS: Final = ("auth", "dsn", "pat", "salt")
"""A name without any of these is none that the pattern above finds."""
_HARMLESS_NAME: Final = (
    r"(?i)(?:name|names|file|path|dir|ref|refs|ttl|timeout|enabled|expiry|expiration|duration|type|length|url|uri|host|port|"
    r"username|id|count|limit|limits|(?<![a-z])(?:max|min|size)|version|mode|audience|issuer|class|policy|algorithm|prefix|suffix|endpoint|seconds|"
    r"namespace|store|provider|keyname|mount|review|rotation|tokens)$"
)
_WEBHOOK_NAME: Final = r"(?i)webhook[-_.]?url$"
_HARMLESS_VALUE: Final = (
    r"(?i)\s*\Z|(?:true|false|yes|no|none|null|\(redacted\??\))\Z|\$[({][^)}]*[)}]\Z|\{\{[\w.\s-]*\}\}\Z"
)

_ASSIGNED: Final = (
    r"(?i)(?P<name>(?:password|passwd|passphrase|passwort|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|account[_-]?key|"
    r"credential|pwd|signature|(?<![a-z])auth(?![a-z])|(?<![a-z])(?:(?:[a-z]{0,20}(?:admin|bind|root|user))?pw|psk)(?![a-z])|(?<![a-z])authToken|pass(?![a-z])|[_.-]key(?![a-z])|(?<=[a-z])Key(?![a-z]))"
    r"[A-Za-z0-9_-]{0,40})"
    r"(?P<sign>(?:\\{0,4}[\"'])?[ \t]*(?:=>|[:=])[ \t]*|[ \t]+)"
    r"(?P<value>\\{1,4}\"[^\"\n]*\"?|\"[^\"\n]*\"?|'[^'\n]*'?|[^\s,;\"'&)}\]]+)"
)
"""Every part either has a bounded length or, once begun, cannot fail: hostile texts cost linear time."""
_FLOW: Final = r"\[[ \t]{0,4}\"[^\[\]\n]{1,1000}\]"
_NAME_BEFORE: Final = r"[A-Za-z0-9_.-]*\Z"
_HINTS: Final = (
    *HINTS, *COMMAND_HINTS, *FORMAT_HINTS, *WRITTEN_HINTS, "cred", "pass", "pwd",
)  # fmt: skip
"""A text without any of these, in whatever case, holds nothing that the patterns above find."""
_SHORT: Final = 40
_PLACE: Final = r"/|\.{1,2}(?:/|\Z)|[0-9]{1,5}(?::[0-9]{1,5})?\Z"
"""A path or a port: what `-p` and `-a` mean with most programs."""
_ARGUMENT_KEYS: Final = frozenset({"args", "command"})
_VALUES: Final = ("data", "stringData", "binaryData")
"""Where a Secret keeps its values."""
_SECRET_FIELDS: Final[dict[str, type]] = {
    "apiVersion": str, "immutable": bool, "items": list, "kind": str, "metadata": dict, "type": str,
}  # fmt: skip
_METADATA: Final = frozenset(
    (
        "annotations", "creationTimestamp", "deletionGracePeriodSeconds", "deletionTimestamp", "finalizers",
        "generateName", "generation", "labels", "managedFields", "name", "namespace", "ownerReferences",
        "resourceVersion", "selfLink", "uid",
    )
)  # fmt: skip
"""What stays of a Secret, and of its metadata."""
_PLAIN_KEYS: Final = frozenset(
    {
        "apiVersion",
        "fieldPath",
        "key",
        "kind",
        "mountPath",
        "name",
        "namespace",
        "path",
        "secretName",
        "type",
        "username",
    }
)
"""What stands under these is no credential, even within a mapping that is named like one."""


def looks_credential(name: str, value: str) -> bool:
    """Whether a literal value given under `name` looks like a credential."""
    if re.match(_HARMLESS_VALUE, value) or is_working_folder(name, value):
        return False
    return _names_secret(name) or (_hinted(value) and redact_forms(value) != value)


def redact_object(value: dict[str, Any], kind: str) -> dict[str, Any]:
    """Return a copy of an object without secret values."""
    copy = _mapping(value)
    if kind.lower() == "secret":
        _blank_secret(copy)
    elif kind.lower() == "configmap" and "binaryData" in copy:
        copy["binaryData"] = _blank(copy["binaryData"])
    return copy


def _blank_templates(value: Any) -> Any:
    """Redact what becomes a Secret within an object that makes some: a SealedSecret's or an ExternalSecret's template.

    What merely refers to a value (`{{ .password }}`) stays.
    """
    if type(value) is list:
        return [_blank_templates(item) for item in value]
    if type(value) is not dict:
        return value
    return {
        key: {
            name: item if type(item) is str and re.match(_HARMLESS_VALUE, item) else REDACTED
            for name, item in item.items()
        }
        if key in _VALUES and type(item) is dict and UNKNOWN_KEY not in item
        else _blank_templates(item)
        for key, item in value.items()
    }


def redact_text(text: str) -> str:
    """Return a text (a configuration file, a script, an annotation) without what looks like credentials in it."""
    return _redact_short(text) if len(text) <= _SHORT else _redact(text)


def _redact(text: str) -> str:
    if not _hinted(text):
        return text
    if text[:1] in "{[" or "[" in text:
        text = _lists(_json(text))
    text = redact_layouts(redact_commands(redact_written(redact_forms(text)), REDACTED))
    return re.sub(_ASSIGNED, _assigned, redact_surroundings(text))


_redact_short = lru_cache(maxsize=8192)(_redact)
"""Most values of manifests are a few words that come again and again."""


@lru_cache(maxsize=4096)
def _names_secret(name: str) -> bool:
    """Whether what stands under a name is a credential, unless its value is harmless."""
    lowered = name.lower()
    if not (lowered.endswith(_NAME_ENDS) or any(hint in lowered for hint in _NAME_HINTS)):
        return False
    if re.search(_TELLING_NAME, name) is None:
        return False
    return re.search(_HARMLESS_NAME, name) is None or re.search(_WEBHOOK_NAME, name) is not None


def _hinted(text: str) -> bool:
    """Whether a text may hold a credential at all: a quick look that spares nearly every text the patterns."""
    lowered = text.lower()
    for hint in _HINTS:  # noqa: SIM110 - a generator costs more than the search
        if hint in lowered:
            return True
    return False


def _json(text: str) -> str:
    """Redact a text that is one JSON document by its structure, which tells more than its words."""
    if text.lstrip()[:1] not in ("{", "["):
        return text
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return text
    copy = _list([value])[0]
    return text if copy == value else msgspec.json.encode(copy).decode()


def _lists(text: str) -> str:
    """Redact the command lines within a text that are lists: `CMD ["redis-cli", "-a", "…"]`."""
    return re.sub(_FLOW, _flow, text)


def _flow(found: re.Match[str]) -> str:
    try:
        words = msgspec.json.decode(found[0], type=list[str])
    except msgspec.DecodeError:
        return found[0]
    parts = secret_words(words)
    for index, start in parts.items():
        words[index] = words[index][:start] + REDACTED
    return msgspec.json.encode(words).decode() if parts else found[0]


def _assigned(found: re.Match[str]) -> str:
    """Replace the value of `name = value` in a text."""
    name, sign, value = found["name"], found["sign"], found["value"]
    # The pattern finds the end of `OLDPWD` only.
    if (
        is_working_folder(name, value.strip("\"'"))
        or re.search(_HARMLESS_NAME, name)
        or re.match(_HARMLESS_VALUE, value.strip("\"'"))
        or value[0] in "${[<("
    ):
        return found[0]
    if sign.isspace():
        before = re.search(_NAME_BEFORE, found.string[max(0, found.start() - 40) : found.start()])
        # `--password hunter2` is an assignment; `the token expires` is prose.
        if before is None or not before[0].startswith("-"):
            return found[0]
    quote = value[0] if value[0] in "\"'" else ""
    weak = "key" if name[0] in "_.-" or name.startswith(("key", "Key")) else name
    return f"{name}{sign}{quote}{mark(weak)}{quote}"


def _list(items: list[Any]) -> list[Any]:
    """Copy a list, redacting on the way; null stays, for leaving it out would move what comes after it."""
    copy: list[Any] = []
    for item in items:
        kind = type(item)
        if kind is dict:
            copy.append(_mapping(item))
        elif kind is str:
            copy.append(redact_text(item))
        else:
            copy.append(_list(item) if kind is list else item)
    return copy


def _mapping(value: dict[str, Any]) -> dict[str, Any]:
    """Copy a mapping: by the names of its fields, and by `name` where it holds a `name` and a `value`."""
    copy: dict[str, Any] = {}
    for key, item in value.items():
        kind = type(item)
        if kind is str:
            if key == LAST_APPLIED or key.endswith(_APPLIED):
                copy[key] = REDACTED
            else:
                copy[key] = mark(key) if hides(key, item) else redact_text(redact_address(key, item))
        elif kind is dict:
            copy[key] = _within(key, _mapping(item))
        elif item is None:
            continue
        elif kind is list:
            copy[key] = _within(key, _list(item)) if key not in _ARGUMENT_KEYS else _arguments(item)
        else:
            copy[key] = REDACTED if kind is not bool and _named_credential(key, str(item)) else item
    if type(program := value.get("command")) is list and type(rest := value.get("args")) is list:
        # What an argument means is told by the program that the command names.
        line = _arguments([*program, *rest])
        copy |= {"command": line[: len(program)], "args": line[len(program) :]}
    name, literal = value.get("name"), value.get("value")
    if (
        type(name) is str
        and type(literal) in (str, int, float)
        and (hides(name, str(literal)) or looks_credential(name, str(literal)))
    ):
        copy["value"] = REDACTED if looks_credential(name, str(literal)) else mark(name)
    elif type(name) is str and type(literal) in (list, dict) and hides(name, "x"):
        copy["value"] = _leaves(copy["value"])
    if type(made := value.get("kind")) is str and "secret" in made.lower():
        return _secret(copy, made.lower())
    return copy


def _secret(copy: dict[str, Any], kind: str) -> dict[str, Any]:
    """Redact what is a Secret, or makes one, wherever it stands."""
    if kind not in ("secret", "secretlist"):
        return {key: _blank_templates(item) for key, item in copy.items()}
    _blank_values(copy)
    return copy


def _blank_values(secret: dict[str, Any]) -> None:
    """Redact a Secret, or the Secrets of a list."""
    for holder in (secret, *(secret["items"] if type(secret.get("items")) is list else ())):
        if type(holder) is dict:
            _blank_secret(holder)


def _blank_secret(secret: dict[str, Any]) -> None:
    """Redact all of a Secret but what Kubernetes knows to be no secret: a misspelt `stringdata` holds one too.

    A kind of that name in a group of its own has a shape that is not known: only what is called as in a Secret is one.
    """
    version = secret.get("apiVersion")
    foreign = type(version) is str and "." in version.partition("/")[0] and "/" in version
    for field, value in secret.items():
        known = _SECRET_FIELDS.get(field) if field != "items" or str(secret.get("kind")).lower() != "secret" else None
        if field in _VALUES or not (foreign or (known and type(value) is known)):
            secret[field] = _blank(value)
        elif field == "metadata" and not foreign:
            secret[field] = {key: item if key in _METADATA else _blank(item) for key, item in value.items()}


def _within(name: str, value: Any) -> Any:
    """Redact the plain values right within a copied collection that is named like a credential."""
    if name == "tls" and type(value) is dict and type(value.get("key")) is str:
        return value | {"key": REDACTED}
    if not _names_secret(name) or UNKNOWN_KEY in value:
        return value
    if type(value) is list:
        return [REDACTED if type(item) is str and not re.match(_HARMLESS_VALUE, item) else item for item in value]
    return {
        key: REDACTED
        if type(item) is str and key not in _PLAIN_KEYS and not re.match(_HARMLESS_VALUE, item) and _is_value(key)
        else item
        for key, item in value.items()
    }


def _is_value(key: str) -> bool:
    """Whether a field of a mapping that is named like a credential may hold one: a reference to it does not."""
    return re.search(_HARMLESS_NAME, key) is None


def _named_credential(name: str, value: str) -> bool:
    """Whether the name alone makes a value a credential."""
    return _names_secret(name) and re.match(_HARMLESS_VALUE, value) is None


def _arguments(items: list[Any]) -> list[Any]:
    """Redact a command line: `--password=x`, `--password x`, and whatever has the form of a credential."""
    copy: list[Any] = []
    follows = named_user = short = False
    known = secret_words([item if type(item) is str else "" for item in items])
    for index, item in enumerate(items):
        if type(item) is not str:
            copy.extend(_list([item]))
            follows = False
            continue
        if (
            follows
            and not item.startswith("-")
            and not re.match(_HARMLESS_VALUE, item)
            and not (short and re.match(_PLACE, item))
        ):
            copy.append(REDACTED)
            follows = False
            continue
        name, equals, literal = item.partition("=")
        user, colon, password = item.partition(":")
        if equals and " " not in name and (hides(name, literal) or looks_credential(name, literal)):
            copy.append(f"{name}={REDACTED}")
        elif index in known:
            copy.append(f"{item[: known[index]]}{REDACTED}")
        elif (named_user or password.endswith("@")) and colon and password and " " not in item and "/" not in password:
            copy.append(f"{user}:{REDACTED}")
        else:
            copy.append(redact_text(redact_glued(item)))
        short = item in ("-p", "-a")
        named_user = item in ("-u", "--user", "--proxy-user")
        follows = short or (item.startswith("-") and not equals and " " not in item and hides(item, "x"))
    return copy


def _leaves(value: Any) -> Any:
    """Redact every text and number within a value that has another shape than it must; references stay."""
    if type(value) is list:
        return [_leaves(item) for item in value]
    if type(value) is dict:
        return {key: item if key in _PLAIN_KEYS else _leaves(item) for key, item in value.items()}
    return value if value is None or type(value) is bool else REDACTED


def _blank(value: Any) -> Any:
    """Redact every value that is given, whatever it is, and keep the keys."""
    if type(value) is not dict:
        return REDACTED
    return {key: REDACTED for key, item in value.items() if item is not None}
