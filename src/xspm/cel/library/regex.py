"""Regular expressions by RE2: linear time, whatever the pattern."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

import re2

from xspm.cel.values import NONE, EvaluationError, Meter, Optional, strict

_MATCH: Final = 16
"""Cost of one match that is taken out."""

_MEMORY: Final = 1 << 22
"""Bytes a pattern may take when compiled; RE2 refuses larger ones."""


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MEMORY
    try:
        return re2.compile(pattern, options)
    except (re2.error, UnicodeEncodeError) as error:
        text = error.args[0] if error.args else ""
        return EvaluationError(f"invalid regular expression: {text.decode() if isinstance(text, bytes) else text}")


def matches_(meter: Meter, text: Any, pattern: Any) -> Any:
    """`text.matches(pattern)`: whether the pattern matches anywhere."""
    if type(text) is not str or type(pattern) is not str:
        return strict(text, pattern)
    meter.charge(1 + (len(text) >> 7))
    compiled = _compiled(pattern)
    return compiled if type(compiled) is EvaluationError else compiled.search(text) is not None


def regex_extract_(meter: Meter, text: Any, pattern: Any) -> Any:
    """`regex.extract(text, pattern)`: the first match, or its only group, as an optional."""
    if type(text) is not str or type(pattern) is not str:
        return strict(text, pattern)
    meter.charge(1 + (len(text) >> 7))
    compiled = _extractor(pattern)
    if type(compiled) is EvaluationError:
        return compiled
    found = compiled.search(text)
    value = found.group(compiled.groups) if found else None
    return NONE if value is None else Optional(present=True, value=value)


def regex_extract_all_(meter: Meter, text: Any, pattern: Any) -> Any:
    """`regex.extractAll(text, pattern)`: every match, or its only group."""
    if type(text) is not str or type(pattern) is not str:
        return strict(text, pattern)
    meter.charge(1 + (len(text) >> 5))
    compiled = _extractor(pattern)
    if type(compiled) is EvaluationError:
        return compiled
    values: list[str] = []
    for found in compiled.finditer(text):
        meter.charge(_MATCH)
        value = found.group(compiled.groups)
        if value is not None:
            values.append(value)
    return values


def _extractor(pattern: str) -> Any:
    compiled = _compiled(pattern)
    if type(compiled) is not EvaluationError and compiled.groups > 1:
        return EvaluationError(f"regular expression has more than one capturing group: {pattern}")
    return compiled


def regex_replace_(meter: Meter, text: Any, pattern: Any, new: Any, limit: Any = -1) -> Any:
    r"""`regex.replace(text, pattern, new, limit)`; `\1` in `new` is a group."""
    if type(text) is not str or type(pattern) is not str or type(new) is not str or type(limit) is not int:
        return strict(text, pattern, new, limit)
    if limit == 0:
        return text
    compiled = _compiled(pattern)
    if type(compiled) is EvaluationError:
        return compiled
    parts: list[str] = []
    at = 0
    for count, found in enumerate(compiled.finditer(text)):
        if count == limit:
            break
        put = _expanded(new, found, compiled.groups)
        if put is None:
            return EvaluationError(f"invalid replacement string: {new}")
        meter.charge(_MATCH + (len(put) >> 7))
        parts += (text[at : found.start()], put)
        at = found.end()
    meter.charge(1 + (len(text) >> 7))
    return "".join([*parts, text[at:]])


def _expanded(template: str, found: Any, groups: int) -> str | None:
    parts = template.split("\\")
    out = [parts[0]]
    index = 1
    while index < len(parts):
        part = parts[index]
        if not part and index + 1 < len(parts):
            out += ("\\", parts[index + 1])
            index += 2
            continue
        if not part or not part[0].isdigit() or int(part[0]) > groups:
            return None
        out += (found.group(int(part[0])) or "", part[1:])
        index += 1
    return "".join(out)
