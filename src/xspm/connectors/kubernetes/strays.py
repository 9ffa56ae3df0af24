"""What is no object of the API but was meant to be one, so that nobody takes silence for a pass.

Among objects everything without apiVersion or kind counts, in a file without any only what has the form of an object:
most YAML of a repository is somebody else's. JSON with comments is not JSON, and YAML takes the comment for a part of
the next key, which so loses its meaning.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from xspm.connectors.kubernetes.names import RAW_TYPES
from xspm.connectors.kubernetes.place import Place
from xspm.connectors.kubernetes.problems import ALL_TYPES, malformed
from xspm.connectors.kubernetes.templates import KNOWN_KINDS
from xspm.errors import DocumentError
from xspm.model.asset import Location

if TYPE_CHECKING:
    from xspm.model.asset import Problem
    from xspm.syntax.yaml import Document

_KINDS: Final = frozenset(kind for _, kind in (*RAW_TYPES, *KNOWN_KINDS, ("", "List")))
_VERSION: Final = r"(?:[a-z][a-z0-9.-]*/)?v[0-9]+(?:(?:alpha|beta)[0-9]+)?"
_FIELD: Final = rb"(?<![\w.-])(?:apiVersion|kind)[\"']?[ \t]*:"
_COMMENT: Final = r"(?m)(?:^|[\s{}\[\],])(?://|/\*)"
_DEPTH: Final = 150
_TEMPLATE: Final = b"{{"


class Stray(NamedTuple):
    """Something that is no object."""

    location: Location
    lacking: str
    """What it lacks to be one."""
    alike: bool
    """It has the form of an object all the same."""

    def problem(self) -> Problem:
        """Say that it is not assessed."""
        hint = "an object has apiVersion and kind"
        return malformed(f"what stands here has no {self.lacking}, and is not assessed", self.location, hint=hint)


def strays(document: Document) -> list[Stray]:
    """Return what a document holds that is no object."""
    value = document.value
    parts = enumerate(value) if type(value) is list else [(None, value)]
    found = []
    for index, item in parts:
        if item is None or item == {} or (lacking := lacks(item)) is None:
            continue
        place = Place(document, () if index is None else (index,))
        found.append(Stray(place.location(), lacking, _is_alike(item)))
    return found


def lacks(value: Any) -> str | None:
    """Return what a value lacks to be an object, None when it is one."""
    lacking = [field for field in ("apiVersion", "kind") if type(value) is not dict or field not in value]
    return " and ".join(lacking) if lacking else None


def _is_alike(value: Any) -> bool:
    """Whether something without apiVersion or kind has the form of an object."""
    if type(value) is not dict:
        return False
    metadata, spec = value.get("metadata"), value.get("spec")
    held = type(metadata) is dict or type(spec) is dict
    if "kind" in value:
        return type(value["kind"]) is str and value["kind"] in _KINDS and (held or "items" in value)
    if "apiVersion" in value:
        version = value["apiVersion"]
        return held and type(version) is str and re.fullmatch(_VERSION, version) is not None
    if type(spec) is dict and type(template := spec.get("template")) is dict:
        spec = template.get("spec")
    return type(metadata) is dict and type(spec) is dict and type(spec.get("containers")) is list


def may_be_alike(data: bytes) -> bool:
    """Whether a text may hold what has the form of an object, by its words alone."""
    if b"metadata" not in data and b"spec" not in data:
        return False
    return b"containers" in data or re.search(_FIELD, data) is not None


def _is_json(text: str, file: str) -> bool:
    from xspm.syntax.json import decode_all  # noqa: PLC0415 - hardly any text needs it

    try:
        return decode_all(text, file=file, max_depth=_DEPTH) is not None
    except DocumentError:
        return True


def commented(data: bytes, file: str) -> Problem | None:
    """Return what is wrong with JSON that has comments, None for every other text."""
    if b"//" not in data and b"/*" not in data:
        return None
    start = data.lstrip()[:2]
    if start[:1] not in {b"{", b"[", b"/"} or start == _TEMPLATE:
        return None
    text = data.decode("utf-8", "replace")
    comment = re.search(_COMMENT, text)
    if comment is None or _is_json(text, file):
        return None
    return malformed(
        "JSON has no comments, and what stands beside one is not read",
        Location(file=file, line=text.count("\n", 0, comment.end()) + 1),
        resource_types=ALL_TYPES,
        hint="take the comments out, or write YAML",
    )
