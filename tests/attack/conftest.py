"""The organisation that every attack is played in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from attack.world import World, witness

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Make = Callable[..., World]


@pytest.fixture
def found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Make:
    """Found the organisation with other terms than usual, in an empty working folder."""
    work = tmp_path / "work"
    work.mkdir(exist_ok=True)
    monkeypatch.chdir(work)
    return lambda **more: World(tmp_path, capsys, **more)


@pytest.fixture
def world(found: Make) -> World:
    """The organisation as usual; its ledger has not begun and no witness runs."""
    return found()


@pytest.fixture
def watched(world: World, tmp_path: Path) -> Iterator[World]:
    """The organisation with a ledger that holds the contract, cosigned by the running witness."""
    with witness(tmp_path / "memory") as url:
        world.url = url
        world.begin()
        yield world
