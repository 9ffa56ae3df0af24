"""What claims not to be known is never read as known."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from xspm.model.unknown import Unknown, revive


@pytest.mark.parametrize(
    ("value", "revived"),
    [
        ({"$unknown": "denied"}, Unknown("denied")),
        ({"$unknown": "later", "cause": "apply", "not_null": True}, Unknown("later", cause="apply", not_null=True)),
        ({"$unknown": 5}, Unknown("5", cause="format")),
        ({"$unknown": "x", "cause": "no such cause"}, Unknown("x", cause="format")),
        ([1, {"a": {"$unknown": "x"}}], [1, {"a": Unknown("x")}]),
        ("text", "text"),
    ],
)
def test_unknowns_come_to_life(value: Any, revived: Any) -> None:
    assert revived == revive(value)


@pytest.mark.parametrize("value", [{"a": [1, {"b": None}]}, [1, [2]], "text", None])
def test_what_holds_no_unknown_is_shared_not_copied(value: Any) -> None:
    assert revive(value) is value


@pytest.mark.parametrize("unknown", [Unknown("a"), Unknown("a", cause="apply", prefix="arn:", min_size=1, max_size=2)])
def test_an_unknown_survives_json(unknown: Unknown) -> None:
    assert unknown == revive(msgspec.json.decode(msgspec.json.encode(unknown)))
