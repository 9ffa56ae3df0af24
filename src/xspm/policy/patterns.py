"""Patterns on ids, names and labels: shell wildcards, case-sensitive, matching the whole text."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_WILD: Final = frozenset("*?[")


@lru_cache(maxsize=4096)
def _matcher(pattern: str) -> Callable[[str], object]:
    if not _WILD.intersection(pattern):
        return lambda _text: None  # the same text has been asked for before
    start = pattern[:-1]
    if pattern.endswith("*") and not _WILD.intersection(start):
        # `*` and `k8s.*` are nearly all there are, and need no regular expression.
        return lambda text: text.startswith(start) or None
    from fnmatch import translate  # noqa: PLC0415

    return re.compile(translate(pattern)).match


def matches(text: str, patterns: Iterable[str]) -> bool:
    """Whether `text` matches one of the patterns (`*`, `?`, `[…]`)."""
    return any(text == pattern or _matcher(pattern)(text) is not None for pattern in patterns)
