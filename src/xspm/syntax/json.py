r"""JSON that is not YAML: the way out when the YAML parser refuses a text that is JSON all the same.

YAML knows no surrogate escapes (`"\ud83d\ude00"`), limits a key to 1,024 characters and wants `---` between documents;
tools that print JSON do not care. What is read here has positions for whole documents only. Like Python's own decoder
this is linear; nesting is bounded.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from xspm.errors import DocumentError
from xspm.syntax.builder import shown_key
from xspm.syntax.scalars import resolve, unrepresentable

if TYPE_CHECKING:
    from collections.abc import Iterator

_SPACE: Final = re.compile(r"[ \t\r\n]*")


class Decoded(NamedTuple):
    """One document of a JSON text."""

    value: Any
    line: int
    """0-based line of its first character."""
    column: int
    """0-based column."""
    last_line: int
    """0-based line of its last character."""


def decode_all(text: str, *, file: str, max_depth: int) -> list[Decoded] | None:
    """Return the JSON documents that `text` consists of, or None when it is not JSON.

    Raises:
        DocumentError: it is JSON, but a key stands twice in one object, or it nests too deep.
    """
    decoder = json.JSONDecoder(
        object_pairs_hook=_unique, parse_int=resolve, parse_float=_float, parse_constant=unrepresentable
    )
    documents: list[Decoded] = []
    index = _skip(text, 0)
    line, counted = 0, 0
    while index < len(text):
        line += text.count("\n", counted, index)
        try:
            value, end = decoder.raw_decode(text, index)
        except RecursionError:
            return None
        except _DuplicateKeyError as error:
            raise DocumentError(
                f"duplicate key{shown_key(error.key)} in a JSON object", file=file, line=line + 1
            ) from None
        except ValueError:
            return None
        if type(value) not in (dict, list):
            return None
        if _deeper(value, max_depth):
            raise DocumentError(f"nested deeper than {max_depth} levels", file=file, line=line + 1)
        if "\\u" in text and not _encodable(value):
            raise DocumentError("half a surrogate pair is no character", file=file, line=line + 1)
        last_line = line + text.count("\n", index, end)
        documents.append(Decoded(value, line, index - (text.rfind("\n", 0, index) + 1), last_line))
        line, counted = last_line, end
        index = _skip(text, end)
    return documents


class _DuplicateKeyError(Exception):
    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise _DuplicateKeyError(key)
            seen.add(key)
    return value


def _float(text: str) -> Any:
    number = float(text)
    return unrepresentable(text) if number in {float("inf"), float("-inf")} else number


def _skip(text: str, index: int) -> int:
    found = _SPACE.match(text, index)
    return found.end() if found else index


def _encodable(value: Any) -> bool:
    """Whether every string can be written as UTF-8."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _deeper(value: Any, limit: int) -> bool:
    """Whether collections nest deeper than `limit`."""
    level: list[Any] = [value]
    for _ in range(limit):
        level = [item for each in level for item in _items(each) if type(item) in (dict, list)]
        if not level:
            return False
    return True


def _items(value: dict[str, Any] | list[Any]) -> Iterator[Any]:
    return iter(value.values() if type(value) is dict else value)
