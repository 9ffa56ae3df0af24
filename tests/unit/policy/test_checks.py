"""The check file: sections, their order, and where expressions stand."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from xspm.errors import PolicyError
from xspm.model.asset import Location
from xspm.model.check import Check, Example, Parameter, Remediation
from xspm.policy.checks import CheckSource, check_id_of, read_check
from xspm.syntax.yaml import load_one

_GOOD: dict[str, Any] = {
    "title": "Root cannot log in",
    "severity": "high",
    "resource": "linux.sshd",
    "tags": ["ssh"],
    "parameters": {"allowed": {"default": ["no"], "description": "What is accepted."}},
    "applies": "resource.enabled",
    "check": "resource.permit_root_login in params.allowed",
    "message": "It is {resource.permit_root_login}",
    "rationale": "Because.",
    "remediation": {"shell": "true", "files": {"/etc/a": "b"}},
    "references": ["https://example.org"],
    "examples": {"pass": [{"resource": {"a": 1}}], "fail": [{"host": {"files": {}}, "params": {"allowed": ["x"]}}]},
}


def _read(text: str) -> CheckSource:
    return read_check(load_one(text.encode(), file="c.yaml"), "a.b", text)


def _with(**changes: Any) -> str:
    values = {key: value for key, value in {**_GOOD, **changes}.items() if value is not ...}
    return "".join(f"{key}: {msgspec.json.encode(value).decode()}\n" for key, value in values.items())


def test_a_check_says_what_its_file_says() -> None:
    source = _read(_with())
    expected = Check(
        id="a.b",
        title="Root cannot log in",
        severity="high",
        resource="linux.sshd",
        tags=("ssh",),
        parameters=(Parameter("allowed", ["no"], "What is accepted."),),
        applies="resource.enabled",
        check="resource.permit_root_login in params.allowed",
        message="It is {resource.permit_root_login}",
        rationale="Because.",
        remediation=(Remediation("shell", "true", code=False), Remediation("files", {"/etc/a": "b"}, code=True)),
        references=("https://example.org",),
        examples=(
            Example("pass", "resource", {"a": 1}, location=Location("c.yaml", line=12, column=22)),
            Example(
                "fail",
                "host",
                {"files": {}},
                params={"allowed": ["x"]},
                location=Location("c.yaml", line=12, column=55),
            ),
        ),
        location=Location("c.yaml", line=1, column=1),
    )
    actual = msgspec.structs.replace(
        source.check,
        examples=tuple(
            msgspec.structs.replace(example, location=msgspec.structs.replace(example.location, column=column))
            for example, column in zip(source.check.examples, (22, 55), strict=True)
            if example.location
        ),
    )
    assert expected == actual


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"title": ...}, "`title` is missing"),
        ({"severity": "urgent"}, "c.yaml:2:1: `severity` is 'urgent', not one of critical, high, medium, low, info"),
        ({"check": ...}, "`check` is missing"),
        ({"message": ...}, "`message` is missing"),
        ({"rationale": ""}, "`rationale` must be text"),
        ({"remediation": ...}, "`remediation` is missing"),
        ({"remediation": {}}, "`remediation` needs at least one form"),
        ({"remediation": {"files": {}}}, "`files` is empty"),
        ({"references": []}, "`references` needs at least one source"),
        ({"examples": ...}, "`examples` is missing"),
        ({"examples": {"pass": [{"resource": {}}]}}, "`examples` needs at least one `fail`"),
        ({"examples": {"pass": [{"resource": {}, "host": {}}]}}, "an example has exactly one form"),
        ({"examples": {"pass": [{"resource": {}, "resources": {"t": 1}}]}}, "`resources` maps a type to a list"),
        ({"examples": {"passes": []}}, "`passes` is not known here"),
        ({"parameters": {"a b": {"default": 1, "description": "x"}}}, "a parameter's name is a word, not 'a b'"),
        ({"parameters": {"a": {"description": "x"}}}, "a parameter needs a default"),
        ({"parameters": {"a": {"default": 1, "description": "x", "typ": 1}}}, "`typ` is not known here"),
        ({"more": 1}, "`more` is not known here"),
    ],
)
def test_mistakes_are_named(changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(PolicyError) as caught:
        _read(_with(**changes))
    assert complaint in str(caught.value)


def test_sections_have_one_order() -> None:
    with pytest.raises(PolicyError, match="`title` must come before `severity`"):
        _read("severity: high\ntitle: x\n")


@pytest.mark.parametrize("text", ["- a\n", "text\n", "3\n"])
def test_a_check_is_a_mapping(text: str) -> None:
    with pytest.raises(PolicyError, match="a mapping is needed here"):
        _read(text)


@pytest.mark.parametrize(
    ("written", "line", "column", "indent"),
    [
        ("check: resource.a", 7, 8, 0),
        ("check:   resource.a", 7, 10, 0),
        ('check: "resource.a"', 7, 9, 0),
        ("check: |\n  resource.a\n  && resource.b", 8, 3, 2),
        ("check: >-\n\n    resource.a", 9, 5, 4),
    ],
)
def test_expressions_know_where_they_stand(written: str, line: int, column: int, indent: int) -> None:
    text = _with(check="@").replace('check: "@"', written)
    snippet = _read(text).expression
    assert (snippet.line, snippet.column, snippet.indent) == (line, column, indent)


@pytest.mark.parametrize(("path", "check_id"), [("a.yaml", "a"), ("linux/sshd/b_2.yaml", "linux.sshd.b_2")])
def test_a_checks_path_is_its_id(path: str, check_id: str) -> None:
    assert check_id == check_id_of(path)


@pytest.mark.parametrize("path", ["A.yaml", "a-b.yaml", "a b/c.yaml", "a..yaml", "2.yaml"])
def test_a_path_that_is_no_id_is_refused(path: str) -> None:
    with pytest.raises(PolicyError, match="path is its id"):
        check_id_of(path)
