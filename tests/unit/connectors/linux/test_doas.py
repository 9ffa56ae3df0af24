from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from xspm.connectors.linux.collecting import snapshot
from xspm.connectors.linux.memory import MemorySource

if TYPE_CHECKING:
    from collections.abc import Callable

_FIELDS = ("users", "run_as_users", "commands", "passwordless_all", "passwordless_commands", "sets_environment")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("permit nopass keepenv :users", (["%users"], ["ALL"], ["ALL"], True, ["ALL"], True)),
        ("permit persist :wheel # all", (["%wheel"], ["ALL"], ["ALL"], False, [], False)),
        (
            "permit nopass setenv { A=b -C } eve as root cmd /bin/sh",
            (["eve"], ["root"], ["/bin/sh"], False, ["/bin/sh"], False),
        ),
        (
            "permit nopass 1000 as www cmd id args -u",
            (["#1000"], ["www"], ["/usr/bin/id -u"], False, ["/usr/bin/id -u"], False),
        ),
        ("permit eve cmd /bin/x args", (["eve"], ["ALL"], ['/bin/x ""'], False, [], False)),
    ],
)
def test_a_permit_is_a_rule(read: Callable[..., Any], text: str, expected: tuple[Any, ...]) -> None:
    found = read("linux.sudo_rule", {"/etc/doas.conf": f"# ours\ndeny bob\n{text}\n"})
    assert list(found) == ["/etc/doas.conf:2"]
    rule = found["/etc/doas.conf:2"]
    assert tuple(rule[field] for field in _FIELDS) == expected
    assert rule["line"] == 3


@pytest.mark.parametrize("content", ["allow eve", "permit", {"denied": True, "mode": "0600"}])
def test_what_is_not_understood_is_a_problem(content: Any) -> None:
    source = MemorySource({"/etc/doas.conf": content}, {}, live=False, root=False)
    found = snapshot(source, lambda _: None, fallback="test", only={"linux.sudo_rule"})
    assert [item.id for item in found.resources if item.type == "linux.sudo_rule"] == []
    assert [problem.resource_types for problem in found.problems] == [("linux.sudo_rule",)]
