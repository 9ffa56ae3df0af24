"""Reads hosts that tests describe, through the same services as real ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import pytest

from xspm.connectors.linux.collecting import services, snapshot
from xspm.connectors.linux.memory import MemorySource
from xspm.model.schema import typed, validate

if TYPE_CHECKING:
    from collections.abc import Mapping


class Read(Protocol):
    """Reads one resource type of a host."""

    def __call__(
        self,
        type: str,  # noqa: A002 - the word of the model
        files: Mapping[str, Any],
        commands: Mapping[str, Any] | None = None,
        *,
        live: bool = True,
        root: bool = True,
    ) -> dict[str, dict[str, Any]]:
        """Return the data of its resources by id; each must have the shape of its type."""


@pytest.fixture
def read() -> Read:
    """Read one resource type of a host that exists in memory."""
    shapes = {item.TYPE: typed(item).shape for _, service in services() for item in service.TYPES}

    def reader(
        type: str,  # noqa: A002
        files: Mapping[str, Any],
        commands: Mapping[str, Any] | None = None,
        *,
        live: bool = True,
        root: bool = True,
    ) -> dict[str, dict[str, Any]]:
        source = MemorySource(files, commands, live=live, root=root)
        found = snapshot(source, lambda _: None, fallback="test", only={type})
        assert [line for item in found.resources for line in validate(item.data, shapes[item.type])] == []
        assert [problem.message for problem in found.problems if "could not be read: " in problem.message] == []
        return {item.id: item.data for item in found.resources}

    return reader
