from __future__ import annotations

import marshal
from typing import TYPE_CHECKING, Any

import pytest

from xspm.cel import EvaluationError, Template
from xspm.cel.template import show
from xspm.errors import CelError
from xspm.model.unknown import Unknown

if TYPE_CHECKING:
    from xspm.cel import Environment

MESSAGES: list[tuple[str, str]] = [
    ("plain", "plain"),
    ("", ""),
    ("banner is {resource.banner}", "banner is hello"),
    ("{resource.ports} {resource.labels} {resource.forwarding}", "22, 2222 app=ssh not set"),
    ("{{literal}} {1 + 1}", "{literal} 2"),
    ("{ {'a': '}'}['a'] }", "}"),
    ("{resource.raw.nope}", "?"),
    ("{now} {params.word}", "2026-01-02T03:04:05Z a"),
    ("{resources['k8s.role']}", "unknown"),
    ("belongs to {resource.forwarding}", "belongs to nobody known"),
    ("runs as {resource.forwarding}:{resource.forwarding}", "runs as nobody known:not set"),
    ("of the package {resource.forwarding} runs", "of the package none runs"),
    ("failures: {resource.forwarding} within {resource.forwarding} s", "failures: not set within none s"),
    ("is {resource.forwarding}, {resource.forwarding}{resource.forwarding}", "is not set, not setnot set"),
    ("auto {resource.forwarding}", "auto not set"),
]


@pytest.mark.parametrize(("source", "expected"), MESSAGES)
def test_render(environment: Environment, world: Any, source: str, expected: str) -> None:
    template = environment.template(source, resource="linux.sshd", params=world.params)
    for made in (template, Template.load(template.dump())):
        assert made.render(world.data, world.params, world.tables, world.now) == expected


def test_what_was_shown_of_a_resource_is_not_evaluated_again(environment: Environment, world: Any) -> None:
    def made(source: str) -> Template:
        return environment.template(source, resource="linux.sshd", params=world.params)

    shown: dict[str, str] = {}
    for word, expected in (("a", "hello a 2026-01-02T03:04:05Z"), ("b", "hello b 2026-01-02T03:04:05Z")):
        message = made("{resource.banner} {params.word} {now}")
        assert message.render(world.data, {"word": word}, world.tables, world.now, shown) == expected
    assert shown == {"resource.banner": "hello"}
    assert made("so: {resource.banner}").render({}, {}, {}, "", {"resource.banner": "seen"}) == "so: seen"


def test_properties(environment: Environment) -> None:
    template = environment.template(
        "{resource.banner} {resource.tries} {now} {resources['k8s.role']}", resource="linux.sshd", params={}
    )
    assert template.reads == ("resource.banner", "resource.tries")
    assert template.resource_types == ("k8s.role",)
    assert template.reads_now
    assert len(template.programs) == 4


BROKEN: list[tuple[str, str, int]] = [
    ("a {resource.banner", "this brace is never closed", 3),
    ("a } b", "a closing brace without an opening one", 3),
    ("a {resource.bogus} b", "linux.sshd has no field 'bogus'", 12),
]


@pytest.mark.parametrize(("source", "message", "column"), BROKEN)
def test_mistake(environment: Environment, source: str, message: str, column: int) -> None:
    with pytest.raises(CelError, match=message) as caught:
        environment.template(source, resource="linux.sshd", params={}, file="c.yaml")
    assert caught.value.column == column


SHOWN: list[tuple[Any, str]] = [
    ("a", "a"),
    (True, "true"),
    (False, "false"),
    (None, "not set"),
    (1.5, "1.5"),
    ([], "none"),
    ({}, "none"),
    ([[], {}], "[], {}"),
    ([1, [2, 3]], "1, [2, 3]"),
    ({"a": {"b": 1}}, "a={b=1}"),
    (Unknown("denied"), "unknown"),
    (EvaluationError("bad"), "?"),
    ("a\x1b[31m\nb\xa0c", "a\\x1b[31m\\nb c"),
    ("x" * 300, "x" * 199 + "…"),
    (["ab"] * 300, "ab, " * 49 + "ab,…"),
    ({str(n): ["ab"] * 300 for n in range(9)}, "0=[" + "ab, " * 49 + "…"),
    (["x" * 198], "x" * 198),
    (["x" * 197, ""], "x" * 197 + ", "),
    (["x" * 198, "", ""], "x" * 198 + ",…"),
    ("\n" * 300, "\\n" * 99 + "\\…"),
]


@pytest.mark.parametrize(("value", "expected"), SHOWN)
def test_show(value: Any, expected: str) -> None:
    assert show(value) == expected


def test_deep_values_are_cut() -> None:
    value: Any = 1
    for _ in range(500):
        value = [value]
    assert "…" in show(value)


@pytest.mark.parametrize("data", [b"", b"junk", marshal.dumps(1), marshal.dumps(("other", "", []))])
def test_foreign_dump_is_refused(data: bytes) -> None:
    with pytest.raises(CelError, match="compiled message"):
        Template.load(data)
