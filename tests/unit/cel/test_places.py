from __future__ import annotations

import pytest

from xspm.cel.places import Place, front_end_errors

SAID: list[tuple[str, list[tuple[str, int, int]]]] = [
    ("INVALID_ARGUMENT: ERROR: <input>:2:3: bad\n | x\n | ..^ [INVALID_ARGUMENT]", [("bad", 2, 3)]),
    (
        "INVALID_ARGUMENT: ERROR: <input>:2:3: bad\n | x\n | ..^\nERROR: <input>:1:1: worse\n | y\n | ^ [INVALID_ARGUMENT]",
        [("bad", 2, 3), ("worse", 1, 1)],
    ),
    (
        "INVALID_ARGUMENT: ERROR: <input>:1:1: Syntax error: a\n | x\n | ^\nERROR: <input>:1:2: b [INVALID_ARGUMENT]",
        [("Syntax error: a", 1, 1)],
    ),
    (
        "INVALID_ARGUMENT: ERROR: <input>:-1:-1: too deep\nERROR: <input>:1:1: x [INVALID_ARGUMENT]",
        [("too deep", -1, -1)],
    ),
    ("CANCELLED: limit reached [CANCELLED]", [("limit reached", 1, 1)]),
]


@pytest.mark.parametrize(("text", "expected"), SAID)
def test_front_end_errors(text: str, expected: list[tuple[str, int, int]]) -> None:
    assert front_end_errors(text) == expected


def test_places_outside_the_expression_are_clamped() -> None:
    place = Place("a\nbc", "f", line=3, column=5, indent=2)
    assert [(e.line, e.column) for e in (place.error_at("m", -1, -1), place.error_at("m", 9, 99), place.error("m", 2))] == [
        (3, 5), (4, 5), (4, 3),
    ]  # fmt: skip
    assert place.error("m").where == "f:3:5"
    assert Place("a").error("m").where == "<expression>:1:1"
