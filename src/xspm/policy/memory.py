"""What groups of checks said about resources, kept under the digests of all that they depend on."""

from __future__ import annotations

from collections import OrderedDict

import msgspec

from xspm.model.verdict import Verdict


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
        self._entries: OrderedDict[tuple[str, ...], Remembered] = OrderedDict()
        self.evaluated = 0
        """Resources evaluated, not remembered, since the start."""

    def get(self, key: tuple[str, ...]) -> Remembered | None:
        """What is remembered under a key."""
        return self._entries.get(key)

    def put(self, key: tuple[str, ...], value: Remembered) -> None:
        """Remember something that had to be evaluated."""
        self.evaluated += 1
        self._entries[key] = value
        if len(self._entries) > self._capacity:
            self._entries.popitem(last=False)
