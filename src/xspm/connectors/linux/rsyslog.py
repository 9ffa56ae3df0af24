"""Reads rsyslog's configuration: modes of files, inputs and targets on the network, log files.

Legacy directives and RainerScript are read side by side, mixed as they are in the wild.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

import msgspec

from xspm.connectors.linux.configuration import integer, lines, octal_digits
from xspm.model.unknown import Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xspm.connectors.linux.transport import Source

FILE_LIMIT: Final = 200
OBJECT_LIMIT: Final = 20_000
"""Characters of one RainerScript object."""
_INCLUDE: Final = re.compile(r"\$IncludeConfig\s+(\S+)", re.IGNORECASE)
_LEGACY: Final = re.compile(r"\$(\w+)\s+(.*)")
_RULE: Final = re.compile(r"([\w*!=,.;]+)\s+(-?/\S+|@@?\S+|\S.*)")
_TARGET: Final = re.compile(r"(@@?)(?:\([^)]*\))?(\[[^\]]+\]|[^:;\s]+)(?::(\d{1,5}))?")
_OBJECT: Final = re.compile(r"\b(action|input|module|include|global|template|ruleset)\s*\(", re.IGNORECASE)
_PARAMETER: Final = re.compile(r'(\w+(?:\.\w+)*)\s*=\s*"((?:[^"\\]|\\.)*)"')


class Target(NamedTuple):
    """A host that logs are sent to."""

    host: str
    port: int | None
    protocol: Literal["udp", "tcp", "relp"]
    tls: bool


class Found(msgspec.Struct):
    """What the files say."""

    files: list[str] = []
    file_modes: list[str] = []
    directory_modes: list[str] = []
    targets: list[Target] = []
    inputs: set[str] = set()
    log_files: set[str] = set()
    authentication: bool = False
    tls: bool = False
    """The default network stream driver is encrypted."""


def read(source: Source, path: str) -> Found | Unknown:
    """Read the configuration with its includes."""
    found = Found()
    waiting = [path]
    while waiting and len(found.files) < FILE_LIMIT:
        current = waiting.pop(0)
        if current in found.files:
            continue
        text = source.text(current)
        if isinstance(text, Unknown):
            return text
        if text is None:
            continue
        found.files.append(current)
        for pattern in _file(text, found):
            paths = source.glob(pattern)
            if isinstance(paths, Unknown):
                return paths
            waiting += paths
    if found.tls:
        found.targets = [item._replace(tls=item.tls or item.protocol != "udp") for item in found.targets]
    return found


def _file(text: str, found: Found) -> list[str]:
    """Read one file; return the patterns that it includes."""
    includes: list[str] = []
    plain = "\n".join(line.text for line in lines(text))
    for word, body in _objects(plain):
        values = {name.lower(): value for name, value in _PARAMETER.findall(body)}
        if word == "include" and "file" in values:
            includes.append(values["file"])
        _object(word, values, found)
    for line in lines(text, joined=True):
        include, legacy, rule = _INCLUDE.match(line.text), _LEGACY.match(line.text), _RULE.match(line.text)
        if include:
            includes.append(include[1])
        elif legacy:
            _legacy(legacy[1].lower(), legacy[2].strip(), found)
        elif rule and "." in rule[1]:
            _rule(rule[1], rule[2], found)
    return includes


def _objects(text: str) -> Iterator[tuple[str, str]]:
    """Yield RainerScript objects with the text between their parentheses."""
    for match in _OBJECT.finditer(text):
        end = match.end()
        quoted = False
        for position in range(end, min(len(text), end + OBJECT_LIMIT)):
            character = text[position]
            quoted ^= character == '"' and text[position - 1] != "\\"
            if character == ")" and not quoted:
                yield match[1].lower(), text[end:position]
                break


def _object(word: str, values: dict[str, str], found: Found) -> None:
    """Take one object in."""
    kind = values.get("type", values.get("load", "")).lower()
    for name, modes in (("filecreatemode", found.file_modes), ("dircreatemode", found.directory_modes)):
        mode = octal_digits(values.get(name, ""))
        if mode:
            modes.append(mode)
    if word == "global" and values.get("defaultnetstreamdriver", "").lower() in {"gtls", "ossl"}:
        found.tls = True
    if word == "input" and kind in {"imudp", "imtcp", "imrelp", "imptcp"}:
        found.inputs.add(kind.removeprefix("imp" if kind == "imptcp" else "im"))
    if word == "action" and kind in {"omfwd", "omrelp"} and values.get("target"):
        relp = kind == "omrelp"
        protocol: Literal["udp", "tcp", "relp"] = (
            "relp" if relp else "tcp" if values.get("protocol") == "tcp" else "udp"
        )
        driver = values.get("streamdriver", values.get("streamdriver.name", "")).lower()
        tls = values.get("tls") == "on" or values.get("streamdrivermode") == "1" or driver in {"gtls", "ossl"}
        found.targets.append(Target(values["target"], integer(values.get("port", "")), protocol, tls))
    if word == "action" and kind == "omfile" and values.get("file"):
        found.log_files.add(values["file"])


def _legacy(name: str, value: str, found: Found) -> None:
    """Take one `$Directive value` in."""
    mode = octal_digits(value)
    if name == "filecreatemode" and mode:
        found.file_modes.append(mode)
    elif name == "dircreatemode" and mode:
        found.directory_modes.append(mode)
    elif name in {"udpserverrun", "inputtcpserverrun", "inputrelpserverrun"}:
        found.inputs.add({"u": "udp", "t": "tcp", "r": "relp"}[name.removeprefix("input")[0]])
    elif name == "defaultnetstreamdriver" and value.lower() in {"gtls", "ossl"}:
        found.tls = True


def _rule(selector: str, action: str, found: Found) -> None:
    """Take one `selector action` in."""
    facilities = selector.split(";")
    named = any(
        re.search(r"\bauth(?:priv)?\b|\*", part.split(".")[0]) and not part.endswith("none") for part in facilities
    )
    target = _TARGET.match(action)
    if target:
        port = integer(target[3] or "")
        found.targets.append(Target(target[2].strip("[]"), port, "tcp" if target[1] == "@@" else "udp", tls=False))
    elif action.lstrip("-").startswith("/"):
        found.log_files.add(action.lstrip("-").split(";")[0])
    covered = {
        facility for part in facilities if not part.endswith("none") for facility in part.split(".")[0].split(",")
    }
    excluded = {facility for part in facilities if part.endswith(".none") for facility in part.split(".")[0].split(",")}
    whole = {"auth", "authpriv"} <= covered or ("*" in covered and not excluded & {"auth", "authpriv"})
    # RHEL logs authpriv alone to /var/log/secure, and auth with everything else.
    found.authentication = found.authentication or whole or ("authpriv" in covered and named)
