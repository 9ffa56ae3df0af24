"""Every mistake in a policy file is named with its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from xspm.errors import PolicyError
from xspm.syntax.fields import Fields
from xspm.syntax.yaml import load_one

if TYPE_CHECKING:
    from collections.abc import Callable

_TEXT = """\
title: A title
count: 3
empty: ""
words: [a, b]
mixed:
  - a
  - 1
below:
  inner: x
list:
  - name: one
  - two
"""


def _fields(text: str = _TEXT) -> Fields:
    return Fields(load_one(text.encode(), file="f.yaml"))


def test_values_come_out_as_asked_for() -> None:
    fields = _fields()
    assert fields.text("title") == "A title"
    assert fields.text("absent", None) is None
    assert fields.choice("title", ["A title"]) == "A title"
    assert fields.texts("words") == ("a", "b")
    assert fields.texts("absent") == ()
    assert fields.mapping("below") == {"inner": "x"}
    assert fields.mapping("absent") == {}
    assert fields.children("absent") == []
    assert fields.child("below").text("inner") == "x"
    assert "title" in fields
    assert "absent" not in fields


@pytest.mark.parametrize(
    ("ask", "complaint"),
    [
        (lambda f: f.text("absent"), "f.yaml:1:1: `absent` is missing"),
        (lambda f: f.text("count"), "f.yaml:2:1: `count` must be text"),
        (lambda f: f.text("empty"), "f.yaml:3:1: `empty` is empty"),
        (lambda f: f.choice("title", ["x", "y"]), "f.yaml:1:1: `title` is 'A title', not one of x, y"),
        (lambda f: f.texts("title"), "f.yaml:1:1: `title` must be a list"),
        (lambda f: f.texts("mixed"), "f.yaml:7:5: `mixed` must be a list of text"),
        (lambda f: f.mapping("title"), "f.yaml:1:1: `title` must be a mapping"),
        (lambda f: f.children("title"), "f.yaml:1:1: `title` must be a list"),
        (lambda f: f.children("list"), "f.yaml:12:5: a mapping is needed here"),
        (lambda f: f.child("title"), "f.yaml:1:1: a mapping is needed here"),
    ],
)
def test_mistakes_are_named_with_their_place(ask: Callable[[Fields], object], complaint: str) -> None:
    with pytest.raises(PolicyError) as caught:
        ask(_fields())
    assert complaint == str(caught.value)


def test_what_nobody_asked_for_is_refused_with_the_nearest_name() -> None:
    fields = _fields("titel: x\n")
    fields.text("title", None)
    with pytest.raises(PolicyError, match="`titel` is not known here") as caught:
        fields.done()
    assert caught.value.hint == "did you mean `title`?"


def test_what_resembles_nothing_is_answered_with_all_that_is_known() -> None:
    fields = _fields("zzz: x\n")
    fields.text("title", None)
    with pytest.raises(PolicyError) as caught:
        fields.done()
    assert caught.value.hint == "known here: title"


def test_keys_count_as_asked_for() -> None:
    fields = _fields("a: 1\nb: 2\n")
    assert list(fields.keys()) == ["a", "b"]
    fields.done()
