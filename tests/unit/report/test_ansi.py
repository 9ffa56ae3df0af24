from __future__ import annotations

import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xspm.report.ansi import Painter, fit, wants_colour, width_of, wrap


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("screen", "environ", "expected"),
    [
        (True, {}, True),
        (False, {}, False),
        (True, {"NO_COLOR": "1"}, False),
        (True, {"NO_COLOR": ""}, True),
        (True, {"TERM": "dumb"}, False),
        (False, {"FORCE_COLOR": "1"}, True),
        (True, {"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
    ],
)
def test_wants_colour(screen: bool, environ: dict[str, str], expected: bool) -> None:  # noqa: FBT001
    assert wants_colour(Screen() if screen else io.StringIO(), environ) is expected


def test_painter() -> None:
    assert Painter(colour=True)("x", "bold red") == "\x1b[1;31mx\x1b[0m"
    assert Painter(colour=True)("", "red") == ""
    assert Painter(colour=False)("x", "red") == "x"


@pytest.mark.parametrize(("text", "expected"), [("abc", 3), ("日本", 4), ("e\u0301", 1), ("\uff46", 2)])
def test_width_of(text: str, expected: int) -> None:
    assert width_of(text) == expected


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [
        ("a bb ccc", 20, ["a bb ccc"]),
        ("a bb ccc", 4, ["a bb", "ccc"]),
        ("abcdefgh", 3, ["abc", "def", "gh"]),
        ("deploy/apps/web.yaml", 12, ["deploy/apps/", "web.yaml"]),
        ("日本語", 4, ["日本", "語"]),
        ("   ", 2, []),
    ],
)
def test_wrap(text: str, width: int, expected: list[str]) -> None:
    assert wrap(text, width) == expected


@given(st.text(), st.integers(2, 30))
def test_wrap_and_fit_keep_the_width(text: str, width: int) -> None:
    lines = wrap(text, width)
    assert all(width_of(line) <= width for line in lines)
    assert re.sub(" ", "", "".join(lines)) == text.replace(" ", "")
    assert width_of(fit(text, width)) <= width
