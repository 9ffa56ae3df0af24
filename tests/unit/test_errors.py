from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xspm import errors
from xspm.errors import UsageError, XspmError, apart, one_line, together, without_password


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("ssh://u:word@host", "ssh://u:***@host"),
        ("ssh://u:w@r/d:x@host:22", "ssh://u:***@host:22"),
        ("ssh://:word@host", "ssh://:***@host"),
        ("SSH:/u:word@host", "SSH:/u:***@host"),
        ("ssh://u:wo\nrd@host", "ssh://u:***@host"),
        ("ssh://u@host:22", "ssh://u@host:22"),
        ("ssh://host:22", "ssh://host:22"),
        ("image:name:tag@sha256:00", "image:name:tag@sha256:00"),
        ("dir:/a:b", "dir:/a:b"),
        ("host", "host"),
    ],
)
def test_an_address_is_shown_without_a_password(address: str, expected: str) -> None:
    assert expected == without_password(address)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (XspmError("m"), "m"),
        (XspmError("m", line=1, column=2), "m"),
        (XspmError("m", file="f"), "f: m"),
        (XspmError("m", file="f", column=2), "f: m"),
        (XspmError("m", file="f", line=1), "f:1: m"),
        (XspmError("m", file="f", line=1, column=2), "f:1:2: m"),
        (XspmError("m", hint="h"), "m\n  hint: h"),
        (XspmError("m", file="f", line=1, column=3, source="abc"), "f:1:3: m\n  abc\n    ^"),
        (XspmError("m", column=1, source="abc", hint="h"), "m\n  abc\n  ^\n  hint: h"),
        (XspmError("m", source="abc"), "m"),
        (XspmError("a\nb", file="\x1b[2J", hint="c\u202e"), "\\x1b[2J: a\\nb\n  hint: c\\u202e"),
        (XspmError("m", column=2, source="\tx"), "m\n  \\tx\n    ^"),
        (XspmError("m", column=1001, source="a" * 2000), f"m\n  {'a' * 800}\n  {' ' * 400}^"),
    ],
)
def test_diagnostics(error: XspmError, expected: str) -> None:
    assert expected == error.diagnostics()
    assert expected.partition("\n")[0] == str(error)


def test_every_error_has_one_root() -> None:
    found = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, Exception)]
    assert len(found) == 10
    assert all(issubclass(one, XspmError) and one.__doc__ for one in found)
    assert isinstance(UsageError("x"), XspmError)


@given(st.text())
def test_one_line_is_one_printable_line(text: str) -> None:
    shown = one_line(text)
    assert shown.isprintable()
    if text.isprintable():
        assert text == shown


def test_errors_travel_together_and_come_apart() -> None:
    first, second, third = XspmError("a"), XspmError("b"), XspmError("c")
    carried = together([together([first, second]), third])
    assert carried is first
    assert carried.others == (second, third)
    assert apart(carried) == [first, second, third]
    assert [one.others for one in (first, second, third)] == [(), (), ()]
