"""Functions on text, which CEL counts in Unicode code points as Python does."""

from __future__ import annotations

from typing import Any, Final

from xspm.cel.values import EvaluationError, Meter, strict
from xspm.model.unknown import Unknown

_INVALID_INDEX: Final = "index out of range: {}"

# str.upper and str.lower would change more than ASCII.
_UPPER: Final = {code: code - 32 for code in range(ord("a"), ord("z") + 1)}
_LOWER: Final = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}
_WHITE: Final = (
    " \t\n\v\f\r\x85\xa0\u1680\u2000\u2001\u2002\u2003"
    "\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
)
_QUOTED: Final = str.maketrans({
    "\a": r"\a", "\b": r"\b", "\f": r"\f", "\n": r"\n", "\r": r"\r", "\t": r"\t", "\v": r"\v", "\\": r"\\", '"': r"\"",
})  # fmt: skip


def _texts(*values: Any) -> bool:
    return all(type(value) is str for value in values)


def contains_(meter: Meter, text: Any, part: Any) -> Any:
    """`text.contains(part)`."""
    if _texts(text, part):
        meter.charge(len(text) >> 10)
        return part in text
    return strict(text, part)


def starts_with_(meter: Meter, text: Any, prefix: Any) -> Any:
    """`text.startsWith(prefix)`; decided for an unknown whose own known prefix decides it."""
    if _texts(text, prefix):
        meter.charge(len(prefix) >> 10)
        return text.startswith(prefix)
    if isinstance(text, Unknown) and text.prefix is not None and type(prefix) is str:
        if text.prefix.startswith(prefix):
            return True
        if not prefix.startswith(text.prefix):
            return False
    return strict(text, prefix)


def ends_with_(meter: Meter, text: Any, suffix: Any) -> Any:
    """`text.endsWith(suffix)`."""
    if not _texts(text, suffix):
        return strict(text, suffix)
    meter.charge(len(suffix) >> 10)
    return text.endswith(suffix)


def char_at_(text: Any, index: Any) -> Any:
    """`text.charAt(index)`; empty at the very end."""
    if type(text) is not str or type(index) is not int:
        return strict(text, index)
    return text[index : index + 1] if 0 <= index <= len(text) else EvaluationError(_INVALID_INDEX.format(index))


def index_of_(meter: Meter, text: Any, part: Any, start: Any = 0) -> Any:
    """`text.indexOf(part, start)`, -1 if it is not there."""
    if not _texts(text, part) or type(start) is not int:
        return strict(text, part, start)
    if not 0 <= start <= len(text):
        return EvaluationError(_INVALID_INDEX.format(start))
    meter.charge(len(text) >> 10)
    return text.find(part, start)


def last_index_of_(meter: Meter, text: Any, part: Any, start: Any = None) -> Any:
    """`text.lastIndexOf(part, start)`: the last match that begins at `start` or before."""
    if not _texts(text, part) or (start is not None and type(start) is not int):
        return strict(text, part, start)
    meter.charge(len(text) >> 10)
    if start is None:
        return text.rfind(part)
    if not 0 <= start <= len(text):
        return EvaluationError(_INVALID_INDEX.format(start))
    return text.rfind(part, 0, start + len(part))


def join_(meter: Meter, items: Any, separator: Any = "") -> Any:
    """`items.join(separator)`."""
    if type(items) is not list or type(separator) is not str:
        return strict(items, separator)
    if not _texts(*items):
        return strict(*items)
    meter.charge(len(items))
    meter.make(sum(map(len, items)) + len(items) * len(separator))
    return separator.join(items)


def lower_ascii_(meter: Meter, text: Any) -> Any:
    """`text.lowerAscii()`."""
    if type(text) is not str:
        return strict(text)
    meter.make(len(text))
    return text.lower() if text.isascii() else text.translate(_LOWER)


def upper_ascii_(meter: Meter, text: Any) -> Any:
    """`text.upperAscii()`."""
    if type(text) is not str:
        return strict(text)
    meter.make(len(text))
    return text.upper() if text.isascii() else text.translate(_UPPER)


def replace_(meter: Meter, text: Any, old: Any, new: Any, limit: Any = -1) -> Any:
    """`text.replace(old, new, limit)`; a negative limit replaces all."""
    if not _texts(text, old, new) or type(limit) is not int:
        return strict(text, old, new, limit)
    count = text.count(old)
    if 0 <= limit < count:
        count = limit
    meter.make(len(text) + max(0, count * (len(new) - len(old))))
    return text.replace(old, new, count)


def split_(meter: Meter, text: Any, separator: Any, limit: Any = -1) -> Any:
    """`text.split(separator, limit)`; an empty separator splits into characters."""
    if not _texts(text, separator) or type(limit) is not int:
        return strict(text, separator, limit)
    if limit == 0:
        return []
    count = text.count(separator) + 1 if separator else len(text)
    meter.charge(count)
    meter.make(len(text))
    if separator or not text:
        return [""] if not text else text.split(separator, limit - 1 if limit > 0 else -1)
    if 0 < limit < len(text):
        return [*text[: limit - 1], text[limit - 1 :]]
    return [*text]


def substring_(meter: Meter, text: Any, start: Any, end: Any = None) -> Any:
    """`text.substring(start, end)`."""
    if type(text) is not str or type(start) is not int or (end is not None and type(end) is not int):
        return strict(text, start, end)
    end = len(text) if end is None else end
    for index in (start, end):
        if not 0 <= index <= len(text):
            return EvaluationError(_INVALID_INDEX.format(index))
    if start > end:
        return EvaluationError(f"invalid substring range. start: {start}, end: {end}")
    meter.make(end - start)
    return text[start:end]


def trim_(meter: Meter, text: Any) -> Any:
    """`text.trim()`: without white space at either end."""
    if type(text) is not str:
        return strict(text)
    meter.make(len(text))
    return text.strip(_WHITE)


def reverse_(meter: Meter, value: Any) -> Any:
    """`value.reverse()` for text and lists."""
    if type(value) is str:
        meter.make(len(value))
        return value[::-1]
    if type(value) is list:
        meter.charge(len(value))
        return value[::-1]
    return strict(value)


def quote_(meter: Meter, text: Any) -> Any:
    """`strings.quote(text)`."""
    if type(text) is not str:
        return strict(text)
    meter.make(2 * len(text))
    return '"' + text.translate(_QUOTED) + '"'
