"""Folders become a library: compiled, every mistake named."""

from __future__ import annotations

import pytest

from house import built, check, folder, types
from xspm.errors import CelError, DocumentError, PolicyError
from xspm.policy.building import build

_POLICY = 'title: P\nversion: "1"\ninclude: [{checks: ["*"]}]\n'
_FRAMEWORK = 'title: F\nversion: "1"\npublisher: P\nurl: u\nrequirements: [{id: "1", title: t, checks: [a.*]}]\n'
_EXCEPTIONS = "exceptions: [{checks: [a], resources: [b], reason: r, owner: o, expires: 2027-01-01}]\n"


def test_a_folder_becomes_a_library() -> None:
    made = built(
        {
            "checks/a/locked.yaml": check("resource.locked"),
            "policies/p.yaml": _POLICY,
            "frameworks/f-1.yaml": _FRAMEWORK,
            "exceptions.yaml": _EXCEPTIONS.replace("[a]", "[a.*]"),
        },
        shipped=False,
    )
    assert made.errors == ()
    assert list(made.library.checks) == ["a.locked"]
    assert made.library.own_policies == ("p",)
    assert made.library.requirements == {"a.locked": ("f-1:1",)}
    assert [exception.checks for exception in made.library.exceptions] == [("a.*",)]
    assert made.library.checks["a.locked"].check.examples == ()
    assert len(made.checks["a.locked"].examples) == 2
    assert list(made.frameworks) == ["f-1"]


@pytest.mark.parametrize(
    ("files", "kind", "complaint"),
    [
        ({"checks/a.yaml": check("resource.lokced")}, CelError, "f/checks/a.yaml:4:16: "),
        ({"checks/a.yaml": check("resource.keys")}, CelError, "f/checks/a.yaml:4:"),
        (
            {"checks/a.yaml": check("resource.keys > 1")},
            CelError,
            "f/checks/a.yaml:4:16: resource.keys may be null here",
        ),
        ({"checks/a.yaml": check("resource.locked == 'yes'")}, CelError, "f/checks/a.yaml:4:24: "),
        ({"checks/a.yaml": check("|\n  resource.locked &&\n  resource.lokced")}, CelError, "f/checks/a.yaml:6:11: "),
        (
            {"checks/a.yaml": check("1 < 2", resource="test.gate")},
            PolicyError,
            "resource type 'test.gate' is not known",
        ),
        ({"checks/a.yaml": check("1 < 2", head="applies: 1 + 1\n")}, CelError, "f/checks/a.yaml:4:"),
        ({"checks/A.yaml": check("1 < 2")}, PolicyError, "path is its id"),
        ({"checks/a.yaml": "title: [\n"}, DocumentError, "f/checks/a.yaml:"),
        ({"checks/a.yaml": "\x00"}, DocumentError, "f/checks/a.yaml"),
        ({"exceptions.yaml": _EXCEPTIONS}, PolicyError, "the exception names a, which is no check"),
        ({"policies/p.yaml": _POLICY + "overrides: [{checks: [zz], severity: low}]\n"}, PolicyError, "names no check"),
    ],
)
def test_mistakes_are_named_with_their_place(files: dict[str, str], kind: type[Exception], complaint: str) -> None:
    errors = built(files).errors
    assert len(errors) == 1
    assert isinstance(errors[0], kind)
    assert complaint in str(errors[0])


def test_every_mistake_is_gathered_and_the_rest_still_stands() -> None:
    made = built({"checks/a.yaml": "x", "checks/b.yaml": check("resource.locked"), "policies/p.yaml": "y"})
    assert len(made.errors) == 2
    assert list(made.library.checks) == ["b"]


def test_every_mistake_of_a_check_is_named_with_its_line() -> None:
    text = check(
        "resource.lokced && resource.keys > 1 && resource.nope",
        head="colour: red\nparameters: {a: {default: 1}}\napplies: resource.lock\n",
    ).replace("seen: {resource}", "{params.a}")
    errors = built({"checks/a.yaml": text, "checks/b.yaml": check("resource.lokced")}).errors
    assert [(error.line, error.column, error.message) for error in errors] == [
        (4, 1, "`colour` is not known here"),
        (5, 14, "`description` is missing"),
        (6, 18, "test.door has no field 'lock'"),
        (7, 16, "test.door has no field 'lokced'"),
        (7, 56, "test.door has no field 'nope'"),
        (4, 16, "test.door has no field 'lokced'"),
    ]
    assert errors[0].diagnostics() == (
        "f/checks/a.yaml:4:1: `colour` is not known here\n  colour: red\n  ^\n"
        "  hint: known here: applies, check, examples, message, parameters, rationale, references, remediation, "
        "resource, severity, tags, title"
    )


def test_every_placeholder_of_a_message_is_looked_at() -> None:
    text = check("resource.locked").replace("seen: {resource}", "{resource.x} {resource.y} {z")
    assert [error.message for error in built({"checks/a.yaml": text}).errors] == [
        "test.door has no field 'x'",
        "test.door has no field 'y'",
        "this brace is never closed",
    ]


def test_a_file_of_another_name_is_still_compiled() -> None:
    errors = built({"checks/A.yaml": check("resource.lokced", resource="test.dor")}).errors
    assert [(error.where, error.message, error.hint) for error in errors] == [
        ("f/checks/A.yaml", "a check's path is its id: lower-case words with `_`, not 'A'", "rename the file"),
        ("f/checks/A.yaml:3:1", "resource type 'test.dor' is not known", "did you mean test.door?"),
    ]


def test_every_entry_of_policies_frameworks_and_exceptions_is_looked_at() -> None:
    errors = built(
        {
            "policies/p.yaml": "titel: P\nversion: 1\ninclude: [{}, {severities: [x]}]\noverrides: [{checks: [a]}]\n",
            "frameworks/f-1.yaml": _FRAMEWORK.replace("url: u\n", "").replace("[{", "[{}, {a: 1}, {"),
            "exceptions.yaml": "exceptions: [{expires: x}, 3]\n",
        }
    ).errors
    assert [str(error) for error in errors] == [
        "f/exceptions.yaml:1:14: `reason` is missing",
        "f/exceptions.yaml:1:14: `owner` is missing",
        "f/exceptions.yaml:1:14: `checks` is missing: an exception says exactly what it covers",
        "f/exceptions.yaml:1:14: `resources` is missing: an exception says exactly what it covers",
        "f/exceptions.yaml:1:15: `expires` is 'x', not a date",
        "f/exceptions.yaml:1:28: a mapping is needed here",
        "f/frameworks/f-1.yaml:1:1: `url` is missing",
        "f/frameworks/f-1.yaml:4:16: `id` is missing",
        "f/frameworks/f-1.yaml:4:20: `id` is missing",
        "f/policies/p.yaml:1:1: `titel` is not known here",
        "f/policies/p.yaml:2:1: `version` must be text",
        "f/policies/p.yaml:3:11: a selection names checks, tags, severities or frameworks",
        "f/policies/p.yaml:3:29: severity 'x' is not one of critical, high, medium, low, info",
        "f/policies/p.yaml:4:13: an override changes `severity` or `params`",
    ]


@pytest.mark.parametrize("kind", ["checks/a.yaml", "policies/p.yaml", "frameworks/f.yaml"])
def test_a_name_stands_for_one_thing(kind: str) -> None:
    text = {"c": check("1 < 2"), "p": _POLICY, "f": _FRAMEWORK}[kind[0]]
    made = build([folder({kind: text}), folder({kind: text}, shipped=False)], types)
    assert ["exists already" in str(error) for error in made.errors] == [True]


def test_a_policys_digest_moves_with_what_it_may_select() -> None:
    files = {"checks/a.yaml": check("resource.locked"), "policies/p.yaml": _POLICY}
    first, second = built(files).library, built(files | {"checks/a.yaml": "\n" + check("resource.locked")}).library
    assert first.digests["p"] == second.digests["p"]
    third = built(files | {"checks/a.yaml": check("!resource.locked")}).library
    assert first.digests["p"] != third.digests["p"]
