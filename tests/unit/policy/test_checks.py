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
    assert source.check is not None
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
        ({"rationale": ""}, "`rationale` is empty"),
        ({"title": "x" * 71}, "`title` has 71 characters, at most 70 are shown whole"),
        ({"remediation": ...}, "`remediation` is missing"),
        ({"remediation": {}}, "`remediation` needs at least one form"),
        ({"remediation": {"files": {}}}, "`files` is empty"),
        ({"references": []}, "`references` needs at least one source"),
        ({"examples": ...}, "`examples` is missing"),
        ({"examples": {"pass": [{"resource": {}}]}}, "`examples` needs at least one `fail`"),
        ({"examples": _GOOD["examples"] | {"pass": [{"resource": {}, "host": {}}]}}, "an example has exactly one form"),
        (
            {"examples": _GOOD["examples"] | {"pass": [{"resource": {}, "resources": {"t": 1}}]}},
            "`resources` maps a type to a list",
        ),
        ({"examples": {"passes": [], "fail": _GOOD["examples"]["fail"]}}, "`passes` is not known here"),
        ({"parameters": {"a b": {"default": 1, "description": "x"}}}, "a parameter's name is a word, not 'a b'"),
        ({"parameters": {"a": {"description": "x"}}}, "a parameter needs a default"),
        ({"parameters": {"a": {"default": 1, "description": "x", "typ": 1}}}, "`typ` is not known here"),
        ({"more": 1}, "`more` is not known here"),
    ],
)
def test_mistakes_are_named(changes: dict[str, Any], complaint: str) -> None:
    source = _read(_with(**changes))
    assert source.check is None
    (mistake,) = source.mistakes
    assert complaint in str(mistake)


def test_sections_have_one_order() -> None:
    assert str(_read("severity: high\ntitle: x\n").mistakes[0]) == "c.yaml:1:1: `title` must come before `severity`"


def test_every_mistake_is_named_and_what_is_sound_still_read() -> None:
    changes: dict[str, Any] = {
        "severity": "urgent",
        "parameters": {"a b": {"default": 1}, "c": {"default": 1, "description": "x"}},
        "references": [1, "x", 2],
        "remediation": {"shell": "", "files": {}},
        "examples": {"pass": [{"resource": {}, "host": {}}, 3], "fial": []},
        "more": 1,
    }
    source = _read(_with(**changes))
    assert [str(mistake).partition(": ")[2] for mistake in source.mistakes] == [
        "`severity` is 'urgent', not one of critical, high, medium, low, info",
        "a parameter's name is a word, not 'a b'",
        "`description` is missing",
        "`shell` is empty",
        "`files` is empty",
        "`references` must be a list of text",
        "`references` must be a list of text",
        "an example has exactly one form: resource, manifest, host, …",
        "a mapping is needed here",
        "`fial` is not known here",
        "`more` is not known here",
    ]
    assert all(mistake.line is not None and mistake.column is not None for mistake in source.mistakes)
    assert (source.resource, source.parameters) == ("linux.sshd", None)
    assert source.expression is not None


def test_a_misspelt_section_is_one_mistake() -> None:
    text = _with(title=...) + "titel: x\n"
    assert [(mistake.message, mistake.hint) for mistake in _read(text).mistakes] == [
        ("`titel` is not known here", "did you mean `title`?")
    ]


@pytest.mark.parametrize(
    ("params", "complaint"),
    [
        ({"other": 1}, "the example sets the parameter 'other', which the check does not have"),
        ({"allowed": "no"}, "the example sets 'allowed' to 'no', which is not a list of text"),
    ],
)
def test_an_example_sets_what_the_check_has(params: dict[str, Any], complaint: str) -> None:
    example = {"resource": {}, "params": params}
    source = _read(_with(examples={"pass": [{"resource": {}}], "fail": [example]}))
    assert [mistake.message for mistake in source.mistakes] == [complaint]


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
    assert snippet is not None
    assert (snippet.line, snippet.column, snippet.indent) == (line, column, indent)


@pytest.mark.parametrize(("path", "check_id"), [("a.yaml", "a"), ("linux/sshd/b_2.yaml", "linux.sshd.b_2")])
def test_a_checks_path_is_its_id(path: str, check_id: str) -> None:
    assert check_id == check_id_of(path)


@pytest.mark.parametrize("path", ["A.yaml", "a-b.yaml", "a b/c.yaml", "a..yaml", "2.yaml"])
def test_a_path_that_is_no_id_is_refused(path: str) -> None:
    with pytest.raises(PolicyError, match="path is its id"):
        check_id_of(path)
