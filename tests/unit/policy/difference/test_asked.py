"""Scopes: what is proven to be in another, and how a check is asked of one asset."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xspm.model.asset import Asset
from xspm.policy.difference.asked import Asked, Scope, apart, concerning, covers, pieces, shown


def _asset(**labels: str) -> Asset:
    return Asset("house", "house:1", "home", labels)


def _asked(scope: Scope = (), *, fallback: bool = False) -> Asked:
    return Asked(scope, "low", {}, fallback)


@pytest.mark.parametrize(
    ("wide", "narrow", "expected"),
    [
        ((), (), True),
        ((), (("a", ("x",)),), True),
        ((("a", ("x",)),), (), False),
        ((("a", ("*",)),), (), False),
        ((("a", ("*",)),), (("a", ("[xy]", "z*")),), True),
        ((("a", ("x", "y")),), (("a", ("y",)),), True),
        ((("a", ("y",)),), (("a", ("x", "y")),), False),
        ((("a", ("x*",)),), (("a", ("xy", "x")),), True),
        ((("a", ("x?",)),), (("a", ("xy",)),), True),
        ((("a", ("x?",)),), (("a", ("x",)),), False),
        ((("a", ("x*",)),), (("a", ("xy*",)),), True),
        ((("a", ("xy*",)),), (("a", ("x*",)),), False),
        ((("a", ("x*",)),), (("a", ("x?*",)),), False),
        ((("a", ("[xy]*",)),), (("a", ("x*",)),), False),
        ((("a", ("x",)),), (("a", ("x",)), ("b", ("y",))), True),
        ((("a", ("x",)), ("b", ("y",))), (("a", ("x",)),), False),
    ],
)
def test_covers(wide: Scope, narrow: Scope, expected: bool) -> None:  # noqa: FBT001 - a table
    assert covers(wide, narrow) is expected


_SCOPES = st.dictionaries(
    st.sampled_from(["a", "b", "type"]),
    st.lists(st.sampled_from(["x", "y", "xy", "x*", "*", "x?", "[xy]", "[!x]*", "[", "house"]), max_size=3).map(tuple),
).map(lambda scope: tuple(sorted(scope.items())))
_LABELS = st.dictionaries(st.sampled_from(["a", "b"]), st.sampled_from(["x", "y", "xy", "", "[", "x*", "z"]))


@given(one=_SCOPES, other=_SCOPES, labels=_LABELS)
def test_what_is_proven_of_scopes_holds_for_assets(one: Scope, other: Scope, labels: dict[str, str]) -> None:
    asset = _asset(**labels)
    here, there = (bool(concerning((_asked(scope),), asset)) for scope in (one, other))
    if covers(one, other):
        assert here or not there
    if apart(one, other):
        assert not (here and there)
    assert here == any(concerning((_asked(piece),), asset) for piece in pieces(one))


def test_a_scope_of_many_pieces_stays_whole() -> None:
    scope = tuple((label, tuple("abcde")) for label in "xyz")
    assert pieces(scope) == [scope]


def test_a_fallback_is_asked_where_nothing_else_is() -> None:
    asked = (_asked((("a", ("x",)),)), _asked(fallback=True))
    assert concerning(asked, _asset(a="x")) == asked[:1]
    assert concerning(asked, _asset()) == asked[1:]


def test_shown() -> None:
    assert shown((("a", ("x", "y")), ("b", ("z",)))) == "a x or y, b z"
    assert shown(()) == "every asset"
