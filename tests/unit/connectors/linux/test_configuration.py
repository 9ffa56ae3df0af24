"""The shapes that many configuration texts share."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xspm.connectors.linux import configuration as conf


def test_lines() -> None:
    text = "a\r\n# no\n  b  \n\nc \\\nd\n"
    assert [(line.number, line.text) for line in conf.lines(text)] == [(1, "a"), (3, "b"), (5, "c \\"), (6, "d")]
    assert [(line.number, line.text) for line in conf.lines(text, joined=True)] == [(1, "a"), (3, "b"), (5, "c  d")]
    assert [line.text for line in conf.lines("x\\", joined=True)] == ["x"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("KEY value", {"KEY": "value"}),
        ("key = value # note", {"key": "value"}),
        ("key=a b", {"key": "a b"}),
        ("key", {"key": ""}),
        ("a 1\na 2", {"a": "2"}),
        ('k "v w"', {"k": "v w"}),
        ("k = # only a note", {"k": ""}),
    ],
)
def test_words(text: str, expected: dict[str, str]) -> None:
    assert {key: setting.value for key, setting in conf.words(text).items()} == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A=1", {"A": "1"}),
        ('A="x y" # note', {"A": "x y"}),
        ("export A='x'", {"A": "x"}),
        ("A=x;B=2", {"A": "x"}),
        ("A=", {"A": ""}),
        ("A= x", {"A": ""}),
        ('A="open', {"A": '"open'}),
        ("not an assignment", {}),
    ],
)
def test_shell_assignments(text: str, expected: dict[str, str]) -> None:
    assert {key: setting.value for key, setting in conf.shell_assignments(text).items()} == expected


def test_ini() -> None:
    text = "[A]\nx=1\n; no\ny = 2 \\\n 3\nnothing\n[B]\nx=\n"
    assert [(section, key, setting.value, setting.line) for section, key, setting in conf.ini(text)] == [
        ("A", "x", "1", 2),
        ("A", "y", "2   3", 4),
        ("B", "x", "", 8),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("yes", True),
        ("ON", True),
        ("1", True),
        ("no", False),
        ("Off", False),
        ("0", False),
        ("maybe", None),
        ("", None),
    ],
)
def test_boolean(text: str, expected: bool | None) -> None:  # noqa: FBT001
    assert conf.boolean(text) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("5", 5), (" -1 ", -1), ("+3", 3), ("1e3", None), ("", None), ("9" * 16, None), ("٣", None)],
)
def test_integer(text: str, expected: int | None) -> None:
    assert conf.integer(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"), [("027", "0027"), ("0o750", "0750"), ("0640", "0640"), ("8", None), ("", None)]
)
def test_octal(text: str, expected: str | None) -> None:
    assert conf.octal_digits(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90", 90),
        ("15min", 900),
        ("1h 30min", 5400),
        ("1month", 2629800),
        ("2M", 5259600),
        ("5 x", None),
        ("", None),
        ("9" * 30, None),
    ],
)
def test_seconds(text: str, expected: int | None) -> None:
    assert conf.seconds(text) == expected


@given(st.text())
def test_no_text_raises(text: str) -> None:
    for read in (
        conf.words,
        conf.shell_assignments,
        conf.ini,
        conf.seconds,
        conf.integer,
        conf.shell_value,
        conf.unquote,
    ):
        read(text)
