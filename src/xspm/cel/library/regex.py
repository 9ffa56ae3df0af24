"""Regular expressions by RE2: linear time, whatever the pattern."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from xspm.cel.values import NONE, EvaluationError, Meter, Odd, Optional, strict

if TYPE_CHECKING:
    from collections.abc import Callable

_MATCH: Final = 16
"""Cost of one match that is taken out."""

_MEMORY: Final = 1 << 22
"""Bytes a pattern may take when compiled; RE2 refuses larger ones."""

_MOST: Final = 512
"""Patterns that are kept compiled."""

_NOTHING: Final = r"[^\x00-\x{10FFFF}]"
"""A pattern that matches nothing."""


@lru_cache(maxsize=_MOST)
def _compiled(pattern: str, *, capture: bool = True) -> Any:
    import re2  # noqa: PLC0415 - takes 3 ms, which a run without regular expressions need not spend

    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MEMORY
    options.never_capture = not capture
    try:
        return re2.compile(pattern, options)
    except (re2.error, UnicodeEncodeError) as error:
        text = error.args[0] if error.args else ""
        return EvaluationError(f"invalid regular expression: {text.decode() if isinstance(text, bytes) else text}")


@lru_cache(maxsize=_MOST)
def _searcher(pattern: str) -> Callable[[str], bool] | EvaluationError:
    """Return a function that says whether a pattern matches anywhere in a text.

    The wrapper's own `search` counts characters, decodes spans and makes a match object: seven times the work. What is
    below it has no public name, so where a later release calls it otherwise, the wrapper does.
    """
    compiled = _compiled(pattern, capture=False)
    if type(compiled) is EvaluationError:
        return compiled
    below = _below(compiled)
    if below is None:
        return lambda text: compiled.search(text) is not None
    match, anywhere = below

    def search(text: str) -> bool:
        data = text.encode()
        return bool(match(anywhere, data, 0, len(data))[0][0] >= 0)

    return search


def _below(compiled: Any) -> tuple[Callable[..., Any], Any] | None:
    """Return what the wrapper of a pattern calls to search, and its word for "anywhere"; None where it is not there."""
    try:
        from re2 import _re2  # noqa: PLC0415 - as above

        match, anywhere = compiled._regexp.Match, _re2.RE2.Anchor.UNANCHORED  # noqa: SLF001 - see `_searcher`
        sound = match(anywhere, b"", 0, 0)[0][0] in {-1, 0}
    except (ImportError, AttributeError, LookupError, TypeError):
        return None
    return (match, anywhere) if sound else None


def matches_(meter: Meter, text: Any, pattern: Any) -> Any:
    """`text.matches(pattern)`: whether the pattern matches anywhere."""
    if type(text) is not str or type(pattern) is not str:
        return strict(text, pattern)
    meter.charge(1 + (len(text) >> 7))
    search = _searcher(pattern)
    return search if isinstance(search, EvaluationError) else search(text)


def found_(text: Any, pattern: Any) -> bool:
    """`text.matches(pattern)` where both are text and the pattern is valid."""
    if type(text) is not str or type(pattern) is not str:
        raise Odd
    search = _searcher(pattern)
    if isinstance(search, EvaluationError):
        raise Odd
    return search(text)


def joined_(patterns: Any, before: str, after: str) -> str:
    """Return one pattern for "any of `before + pattern + after`", all of them valid on their own."""
    if type(patterns) is not list or not {str}.issuperset(map(type, patterns)):
        raise Odd
    return _joined(tuple(patterns), before, after)


@lru_cache(maxsize=_MOST)
def _joined(patterns: tuple[str, ...], before: str, after: str) -> str:
    whole = [before + pattern + after for pattern in patterns]
    for pattern in whole:
        # a quotation that the pattern leaves open would run on into the next one
        if r"\Q" in pattern or type(_searcher(pattern)) is EvaluationError:
            raise Odd
    return "|".join(f"(?:{pattern})" for pattern in whole) or _NOTHING


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
    meter.charge(1)
    parts: list[str] = []
    at = 0
    groups = new.count("\\")
    meter.make(len(text))
    for count, found in enumerate(compiled.finditer(text)):
        if count == limit:
            break
        # A group is no longer than the match.
        meter.charge(_MATCH * (1 + groups))
        meter.make(len(new) + groups * (found.end() - found.start()))
        put = _expanded(new, found, compiled.groups)
        if put is None:
            return EvaluationError(f"invalid replacement string: {new}")
        parts += (text[at : found.start()], put)
        at = found.end()
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
