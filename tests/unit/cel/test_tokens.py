from __future__ import annotations

import pytest

from xspm.cel.tokens import closing_brace, rewrite

TYPES = frozenset({"k8s.pod", "a.b", "a_b", "k8s.network-policy"})

REWRITTEN: list[tuple[str, str, dict[str, str]]] = [
    ('resources["k8s.pod"]', "resources__k8s_pod__", {"resources__k8s_pod__": "k8s.pod"}),
    ("resources['k8s.pod'].all(p, p.x)", "resources__k8s_pod__.all(p, p.x)", {"resources__k8s_pod__": "k8s.pod"}),
    ("resources [ 'a.b' ]", "resources__a_b_____", {"resources__a_b_____": "a.b"}),
    ("'resources[\"a.b\"]' // resources['a.b']", "'resources[\"a.b\"]' // resources['a.b']", {}),
    ('"""resources["a.b"]""" + r\'resources["a.b"]\'', '"""resources["a.b"]""" + r\'resources["a.b"]\'', {}),
    ("x.resources['a.b']", "x.resources['a.b']", {}),
    ("x.?resources.?a['a.b']", "x.?resources.?a['a.b']", {}),
    ("x ? resources['a.b'] : y", "x ? resources__a_b__ : y", {"resources__a_b__": "a.b"}),
    ("my_resources['a.b']", "my_resources['a.b']", {}),
    (
        "resources['k8s.network-policy']",
        "resources__k8s_network_policy__",
        {"resources__k8s_network_policy__": "k8s.network-policy"},
    ),
    (
        "resources['a.b'] + resources['a_b'] + resources['a.b']",
        "resources__a_b__ + resources__a_b_0 + resources__a_b__",
        {"resources__a_b__": "a.b", "resources__a_b_0": "a_b"},
    ),
]


@pytest.mark.parametrize(("source", "expected", "tables"), REWRITTEN)
def test_rewrite(source: str, expected: str, tables: dict[str, str]) -> None:
    made = rewrite(source, TYPES)
    assert (made.text, made.tables, made.unknown, made.bare) == (expected, tables, (), None)
    assert len(made.text) == len(source)


@pytest.mark.parametrize(
    "source", ["resources", "resources[x]", "resources['']", "resources[\n'a.b']", "resources[0]", "resources['a\\n']"]
)
def test_bare(source: str) -> None:
    made = rewrite(source, TYPES)
    assert (made.text, made.bare) == (source, 0)


def test_unknown_types_are_told() -> None:
    assert rewrite("1 + resources['x.y'].size()", TYPES).unknown == (("x.y", 14),)


@pytest.mark.parametrize(
    ("text", "expected"), [("a}", 1), ("{}}", 2), ("'}'}", 3), ("{", -1), ("", -1), ("// }\n}", 5)]
)
def test_closing_brace(text: str, expected: int) -> None:
    assert closing_brace(text, 0) == expected
