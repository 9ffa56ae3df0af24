from __future__ import annotations

import json
import unicodedata
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xspm.model.asset import Asset, Location
from xspm.model.check import Check, Remediation
from xspm.model.digest import Digest
from xspm.model.verdict import Assessment, Run, Score
from xspm.report import text

CHECK = Check(
    id="a.b",
    title="t",
    severity="low",
    resource="r",
    check="true",
    applies=None,
    message="",
    rationale="",
    remediation=(),
    references=("x",),
)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("plain", "plain"),
        ("日本語 é 🎉", "日本語 é 🎉"),
        ("a\nb\tc\r", "a\\nb\\tc\\r"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("\x9b2J", "\\x9b2J"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("zero\u200bwidth", "zero\\u200bwidth"),
        ("\ud800", "\\ud800"),
        ("\uffff", "\\uffff"),
        ("\U000e0041", "\\U000e0041"),
    ],
)
def test_clean(raw: str, expected: str) -> None:
    assert text.clean(raw) == expected


@given(st.text(st.characters()))
def test_clean_leaves_nothing_that_acts(raw: str) -> None:
    cleaned = text.clean(raw)
    assert not {unicodedata.category(character) for character in cleaned} & {"Cc", "Cs", "Zl", "Zp"}
    assert not [
        c
        for c in cleaned
        if unicodedata.bidirectional(c) in {"RLO", "LRO", "RLE", "LRE", "PDF", "RLI", "LRI", "FSI", "PDI"}
    ]
    assert text.clean(cleaned) == cleaned


@given(st.recursive(st.none() | st.booleans() | st.text(st.characters(exclude_categories=["Cs"])), st.lists))
def test_encode_keeps_data_and_is_safe_to_print(data: Any) -> None:
    encoded = text.encode(data, indent=2)
    assert json.loads(encoded) == data
    assert text.clean_lines(encoded) == encoded


def test_encode_replaces_lone_surrogates() -> None:
    assert text.encode({"a": ["\udc80", 1]}, indent=0) == '{"a": ["?", 1]}'


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("yes", '"yes"'),
        (None, "null"),
        ([1, "a"], '[1, "a"]'),
        ({"$unknown": "no access", "cause": "access"}, "unknown (no access)"),
        ("x" * 300, '"' + "x" * 118 + "…"),
        ("\x1b", '"\\u001b"'),
    ],
)
def test_value(data: Any, expected: str) -> None:
    assert text.value(data) == expected


@pytest.mark.parametrize(
    ("remediation", "expected"),
    [
        ((), ""),
        ((Remediation("shell", "# first\n\n  chmod 0600 f\nmore", code=False),), "chmod 0600 f"),
        (
            (
                Remediation("manifest", {"spec": {"containers": [{"name": "*", "tty": False}]}}, code=True),
                Remediation("steps", "Do it.", code=False),
            ),
            "Do it.",
        ),
        (
            (Remediation("manifest", {"spec": {"containers": [{"name": "*", "tty": False}]}}, code=True),),
            "set spec.containers[*].tty: false",
        ),
        (
            (Remediation("manifest", "# why\nspec:\n  containers:\n    - name: '*'\n      tty: false\n", code=True),),
            "set spec.containers.tty: false",
        ),
        ((Remediation("manifest", "just words", code=True),), "just words"),
        ((Remediation("files", {"/etc/a": "x y\n"}, code=True),), "/etc/a: x y"),
        ((Remediation("files", {"/etc/a": {"append": "x\n"}}, code=True),), "add to /etc/a: x"),
        ((Remediation("files", {"/etc/a": {"mode": "0600"}}, code=True),), "set mode 0600 on /etc/a"),
        ((Remediation("files", {"/etc/a": None}, code=True),), "remove /etc/a"),
        ((Remediation("manifest", [], code=True),), ""),
    ],
)
def test_fix_is_the_first_line_of_the_remediation(remediation: tuple[Remediation, ...], expected: str) -> None:
    assert text.fix(msgspec.structs.replace(CHECK, remediation=remediation)) == expected


def test_fix_of_an_unknown_check_is_empty() -> None:
    assert text.fix(None) == ""


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("a\n\tb\x1b\n", "a\n    b\\x1b"),
        (
            {"a": {"b": [1, {"c": "x"}]}, "f": "one\ntwo\n", "e": {}},
            'a:\n  b:\n    - 1\n    - c: "x"\nf: |\n  one\n  two\ne: {}',
        ),
    ],
)
def test_code(content: Any, expected: str) -> None:
    assert text.code(content) == expected


@pytest.mark.parametrize(
    ("location", "expected"),
    [(None, ""), (Location("a b.yaml"), "a b.yaml"), (Location("a\n.yaml", 3), "a\\n.yaml:3")],
)
def test_place(location: Location | None, expected: str) -> None:
    assert text.place(location) == expected


@pytest.mark.parametrize(("parts", "expected"), [([], ""), (["a"], "a"), (["a", "b", "c"], "a, b and c")])
def test_listed(parts: list[str], expected: str) -> None:
    assert text.listed(parts) == expected


def test_plural() -> None:
    assert [text.plural(1, "asset"), text.plural(1200, "asset"), text.plural(0, "entry", "entries")] == [
        "1 asset",
        "1,200 assets",
        "0 entries",
    ]


def test_a_long_report_is_ascii_and_keeps_the_data() -> None:
    data = {"name": "Grüße \u2026 \U0001f600 \x7f \u202e \x1b", "list": ["x", "é"]}
    shown = text.encode_report(data, indent=2)
    assert shown.isascii()
    assert "\x7f" not in shown
    assert json.loads(shown) == data
    assert text.encode_report({"a": "\ud800"}, indent=2) == '{\n  "a": "?"\n}'


def test_items_of_a_long_list_stand_on_lines_of_their_own() -> None:
    assert "".join(text.encode_items([{"a": "é\n"}, 1], "  ")) == '  {"a":"\\u00e9\\n"},\n  1'


def _named(*assets: tuple[str, str]) -> Run:
    return Run(
        version="0.1.0",
        started_at="2026-01-31T12:00:00Z",
        assessments=tuple(
            Assessment(
                asset=Asset(type="host", id=id_, name=name),
                collected_at="2026-01-31T12:00:00Z",
                snapshot=Digest("sha256:0"),
                policies=(),
                engine="xspm",
                verdicts=(),
                problems=(),
                score=Score(0, 0, 0),
            )
            for id_, name in assets
        ),
        checks={},
        fail_on="high",
        allow_unknown=False,
        gate="pass",
    )


def test_assets_of_one_name_are_called_by_their_ids() -> None:
    told = text.told_apart(_named(("dir:a/root", "root"), ("dir:b/root", "root"), ("host:web", "web")))
    assert [item.asset.name for item in told.assessments] == ["dir:a/root", "dir:b/root", "web"]
    apart = _named(("host:a", "a"), ("host:b", "b"))
    assert text.told_apart(apart) is apart
