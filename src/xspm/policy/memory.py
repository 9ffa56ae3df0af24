"""What groups of checks said about resources, kept under the digests of all that they depend on."""

from __future__ import annotations

from collections import OrderedDict
from typing import TypeAlias

import msgspec

from xspm.model.asset import Location
from xspm.model.digest import Digest
from xspm.model.verdict import Verdict

Key: TypeAlias = tuple[str, str, str, str, Location | None, Digest]
"""Of the checks and what else they read; type, id, name, place and digest of the resource."""


class Remembered(msgspec.Struct, frozen=True):
    """What a group of checks said about one resource."""

    verdicts: tuple[Verdict, ...]
    passed: int
    decided: int
    total: int
    attention: bool
    """Whether any verdict is neither `pass` nor `not_applicable`."""


class Memory:
    """Verdicts by digest, the least recently used dropped first."""

    def __init__(self, capacity: int = 200_000) -> None:
        """Remember at most `capacity` resources."""
        self._capacity = capacity
        self._entries: OrderedDict[Key, Remembered] = OrderedDict()
        self.evaluated = 0
        """Resources evaluated, not remembered, since the start."""

    def get(self, key: Key) -> Remembered | None:
        """What is remembered under a key."""
        return self._entries.get(key)

    def put(self, key: Key, value: Remembered) -> None:
        """Remember something that had to be evaluated."""
        self.evaluated += 1
        self._entries[key] = value
        if len(self._entries) > self._capacity:
            self._entries.popitem(last=False)
