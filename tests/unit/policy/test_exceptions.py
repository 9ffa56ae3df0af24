"""Exceptions say exactly what they cover, and end."""

from __future__ import annotations

import msgspec
import pytest

from xspm.errors import PolicyError
from xspm.model.asset import Asset
from xspm.model.check import PolicyException
from xspm.model.verdict import Verdict
from xspm.policy.exceptions import covers, in_force, read_exceptions
from xspm.syntax.yaml import load_one

_GOOD = "checks: [a.*], resources: [sshd], reason: r, owner: o"


def _read(text: str) -> tuple[PolicyException, ...]:
    return read_exceptions(load_one(text.encode(), file="e.yaml"))


def test_an_exception_says_what_its_file_says() -> None:
    (exception,) = _read(f"exceptions:\n  - {{{_GOOD}, expires: 2027-01-31}}\n")
    assert msgspec.structs.replace(exception, location=None) == PolicyException(
        checks=("a.*",), resources=("sshd",), reason="r", owner="o", expires="2027-01-31", assets=("*",)
    )
    assert exception.location is not None
    assert (exception.location.file, exception.location.line) == ("e.yaml", 2)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("a: 1\n", "`exceptions` must be a list"),
        (f"exceptions: [{{{_GOOD}}}]\n", "`expires` is missing"),
        (f"exceptions: [{{{_GOOD}, expires: soon}}]\n", "`expires` is 'soon', not a date"),
        (f"exceptions: [{{{_GOOD}, expires: 2027-02-30}}]\n", "not a date"),
        (f"exceptions: [{{{_GOOD}, expires: 20270131}}]\n", "`expires` must be text"),
        (f'exceptions: [{{{_GOOD}, expires: "20270131"}}]\n', "not a date"),
        (f"exceptions: [{{{_GOOD}, expires: 2027-W04-7}}]\n", "not a date"),
        (
            'exceptions: [{checks: ["*"], resources: [x, "**"], reason: r, owner: o, expires: 2027-01-01}]',
            "every check on every resource",
        ),
        ("exceptions: [{resources: [a], reason: r, owner: o, expires: 2027-01-01}]\n", "`checks` is missing"),
        ("exceptions: [{checks: [a], reason: r, owner: o, expires: 2027-01-01}]\n", "`resources` is missing"),
        ("exceptions: [{checks: [a], resources: [a], owner: o, expires: 2027-01-01}]\n", "`reason` is missing"),
        ("exceptions: [{checks: [a], resources: [a], reason: r, expires: 2027-01-01}]\n", "`owner` is missing"),
    ],
)
def test_mistakes_are_named(text: str, complaint: str) -> None:
    with pytest.raises(PolicyError) as caught:
        _read(text)
    assert complaint in str(caught.value)


@pytest.mark.parametrize(
    ("now", "expected"),
    [("2027-01-30T00:00:00Z", True), ("2027-01-31T23:59:59Z", True), ("2027-02-01T00:00:00Z", False)],
)
def test_an_exception_ends_with_its_last_day(now: str, *, expected: bool) -> None:
    assert expected == in_force(PolicyException(("a",), ("b",), "r", "o", "2027-01-31"), now)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, True),
        ({"checks": ("b",)}, False),
        ({"resources": ("prod/*",)}, True),
        ({"resources": ("web",)}, True),
        ({"resources": ("other",)}, False),
        ({"assets": ("host:h",)}, True),
        ({"assets": ("h",)}, True),
        ({"assets": ("other",)}, False),
    ],
)
def test_what_an_exception_covers(changes: dict[str, tuple[str, ...]], *, expected: bool) -> None:
    exception = msgspec.structs.replace(PolicyException(("a.*",), ("*",), "r", "o", "2027-01-31"), **changes)
    verdict = Verdict("a.b", "fail", "high", "t", "prod/Pod/web", "web", "m")
    assert expected == covers(exception, Asset("host", "host:h", "h"), verdict)


def test_an_exception_never_covers_what_could_not_be_collected() -> None:
    exception = PolicyException(("*",), ("*",), "r", "o", "2027-01-31")
    verdict = Verdict("a.b", "unknown", "high", "t", "", "", "m")
    assert not covers(exception, Asset("host", "host:h", "h"), verdict)
