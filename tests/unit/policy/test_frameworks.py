"""Catalogues, and which requirements a check answers."""

from __future__ import annotations

import pytest

from xspm.errors import PolicyError
from xspm.model.check import Framework, Requirement
from xspm.policy.frameworks import mapping, read_framework
from xspm.syntax.yaml import load_one

_HEAD = 'title: T\nversion: "1"\npublisher: P\nurl: https://example.org\n'


def _read(text: str) -> Framework:
    return read_framework(load_one(text.encode(), file="f.yaml"), "f-1")


def test_a_catalogue_says_what_its_file_says() -> None:
    framework = _read(
        _HEAD + 'requirements:\n  - {id: "1", title: one, checks: [a.*]}\n  - {id: "2", title: two, reason: none}\n'
    )
    assert framework.requirements == (Requirement("1", "one", ("a.*",)), Requirement("2", "two", reason="none"))
    assert mapping([framework], ["b.c", "a.b"]) == {"a.b": ("f-1:1",), "b.c": ()}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (_HEAD, "`requirements` is missing or empty"),
        (_HEAD + "requirements: [{id: 1, title: x}]\n", "`id` must be text"),
        (_HEAD + 'requirements: [{id: "1", title: x}, {id: "1", title: z}]\n', "requirement '1' stands twice"),
        (_HEAD + 'requirements: [{id: "1", title: x, checks: [a], reason: b}]\n', "not both"),
        ('requirements: [{id: "1", title: x}]\n', "`title` is missing"),
    ],
)
def test_mistakes_are_named(text: str, complaint: str) -> None:
    with pytest.raises(PolicyError) as caught:
        _read(text)
    assert complaint in str(caught.value)
