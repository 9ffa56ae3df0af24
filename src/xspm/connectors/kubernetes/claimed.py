"""Unknowns that an input claims itself, which nothing of what stands beside them may be taken from.

xspm writes a value that could not be had as an object with the key `$unknown`, and believes a cause beside it. An input
that brings such an object could so decide how it is judged. It becomes an unknown of cause `format`, and a problem.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from xspm.connectors.kubernetes.place import Place
from xspm.connectors.kubernetes.problems import ALL_TYPES, malformed
from xspm.connectors.kubernetes.shapes import CLAIMED, unknown
from xspm.model.unknown import UNKNOWN_KEY

if TYPE_CHECKING:
    from collections.abc import Callable

    from xspm.model.asset import Problem
    from xspm.syntax.yaml import Document, Path

_OWN: Final = {"$unknown", "cause"}
"""The keys of what the parser makes of a number that JSON cannot carry."""


def may_claim(data: bytes) -> bool:
    """Whether a text may hold the key: as it is, or written by escapes."""
    return UNKNOWN_KEY.encode() in data or b"\\" in data


def without_claims(document: Document, report: Callable[[Problem], None]) -> Document:
    """Return a document whose only unknowns are the parser's; its value is changed."""
    root = {"": document.value}
    stack: list[tuple[Any, Any, Path]] = [(root, "", ())]
    while stack:
        holder, step, path = stack.pop()
        value = holder[step]
        if type(value) is dict:
            if UNKNOWN_KEY in value:
                if not _is_parsers(value, document, path):
                    holder[step] = unknown(CLAIMED)
                    report(malformed(CLAIMED, Place(document, path).location(), resource_types=ALL_TYPES))
                continue
            stack.extend((value, key, (*path, key)) for key, item in value.items() if type(item) in (dict, list))
        elif type(value) is list:
            stack.extend(
                (value, index, (*path, index)) for index, item in enumerate(value) if type(item) in (dict, list)
            )
    return msgspec.structs.replace(document, value=root[""])


def _is_parsers(value: dict[str, Any], document: Document, path: Path) -> bool:
    """Whether the parser made the unknown, which therefore has no place of its own in the text."""
    return value.keys() == _OWN and value["cause"] == "format" and document.positions.at((*path, UNKNOWN_KEY)) is None
