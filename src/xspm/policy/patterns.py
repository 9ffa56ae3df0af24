"""Patterns on ids, names and labels: shell wildcards, case-sensitive, matching the whole text."""

from __future__ import annotations

import re
from fnmatch import translate
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


@lru_cache(maxsize=4096)
def _matcher(pattern: str) -> Callable[[str], object]:
    return re.compile(translate(pattern)).match


def matches(text: str, patterns: Iterable[str]) -> bool:
    """Whether `text` matches one of the patterns (`*`, `?`, `[…]`)."""
    return any(text == pattern or _matcher(pattern)(text) is not None for pattern in patterns)
