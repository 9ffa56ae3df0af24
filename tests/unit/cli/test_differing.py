"""Colour says what asks less."""

from __future__ import annotations

import pytest

from xspm.cli import differing
from xspm.policy.difference.interface import Change, Difference


@pytest.mark.parametrize(("kind", "colour"), [("removed", "31"), ("added", None)])
def test_what_asks_less_is_red(monkeypatch: pytest.MonkeyPatch, kind: str, colour: str | None) -> None:
    said: list[str] = []
    monkeypatch.setattr(differing, "coloured", lambda: True)
    monkeypatch.setattr("click.echo", said.append)
    differing.print_difference(Difference((Change(kind, "a.b", "why"),)))  # type: ignore[arg-type]  # a table
    red = [line.strip("\n").startswith("\x1b[31m") for line in said]
    assert red == ([True, True, False, False] if colour else [False] * 4)
