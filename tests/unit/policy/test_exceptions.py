"""Exceptions say exactly what they cover, and end."""

from __future__ import annotations

import msgspec
import pytest

from xspm.errors import PolicyError, apart
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


_ROOT = "linux.sshd.permits_no_root_login"


@pytest.mark.parametrize(
    ("checks", "resources", "assets", "complaint"),
    [
        ("*", "prod/*", "*", ""),
        ("linux.*", "sshd", "*", ""),
        ("linux.sshd.*", "*", "bastion-*", ""),
        ("linux.sshd.permits_*", "*", "host:bastion", ""),
        (_ROOT, "*", "*", ""),
        (_ROOT, "*/*", "*", ""),
        ("*", "*-debug", "*", ""),
        ("*", "*/Pod/*", "*", ""),
        ("*", "*", "*", "*"),
        ("*", "**", "bastion", "*"),
        ("*", "*t", "*", "*"),
        ("*", "a*", "*", "*"),
        ("*", "*a, *b, *c", "*", "*"),
        ("*", "web*", "*", ""),
        ("*.*", "*", "bastion", "*.*"),
        ("linux.*", "*", "bastion", "linux.*"),
        ("linux.s*", "*", "bastion", "linux.s*"),
        ("[a-z]*", "*", "bastion", "[a-z]*"),
        ("?*", "*", "bastion", "?*"),
        ("linux.sshd.*", "*", "*", "linux.sshd.*"),
        ("linux.sshd.*", "*", "?*", "linux.sshd.*"),
        ("linux.sshd.*", "*", "web, *", "linux.sshd.*"),
        ("linux.sshd.*", "*/*", "*", "linux.sshd.*"),
        ("linux.sshd.*", "?*", "*", "linux.sshd.*"),
        ("linux.sshd.*", "[a-z]*", "*", "linux.sshd.*"),
        ("linux.sshd.*", "[!x]?*", "*", "linux.sshd.*"),
        ("linux.sshd.*", "*e*", "*", "linux.sshd.*"),
        ("linux.sshd.*", "sshd, *", "*", "linux.sshd.*"),
        (f"{_ROOT}, linux.kernel.*", "*", "*", "linux.kernel.*"),
    ],
)
def test_an_exception_is_no_broader_than_it_must_be(checks: str, resources: str, assets: str, complaint: str) -> None:
    lists = {
        key: ", ".join(f'"{one}"' for one in given.split(", "))
        for key, given in (("checks", checks), ("resources", resources), ("assets", assets))
    }
    sides = ", ".join(f"{key}: [{given}]" for key, given in lists.items())
    text = f"exceptions: [{{{sides}, reason: r, owner: o, expires: 2027-01-01}}]\n"
    if not complaint:
        assert len(_read(text)) == 1
        return
    with pytest.raises(PolicyError) as caught:
        _read(text)
    assert caught.value.message.startswith(f"{complaint} on every resource ")
    assert caught.value.where.startswith("e.yaml:1:")
    assert "name the resources" in str(caught.value.hint)


def test_every_mistake_of_every_exception_is_named() -> None:
    with pytest.raises(PolicyError) as caught:
        _read(
            "exceptions:\n"
            "  - {checks: [a], resource: [b], reason: 3, owner: o, expires: soon}\n"
            '  - {checks: ["*"], resources: ["*"], reason: r, expires: 2027-01-01}\n'
            "  - x\n"
        )
    assert sorted(str(error) for error in apart(caught.value)) == [
        "e.yaml:2:19: `resource` is not known here",
        "e.yaml:2:34: `reason` must be text",
        "e.yaml:2:55: `expires` is 'soon', not a date",
        "e.yaml:3:15: * on every resource is too broad an exception",
        "e.yaml:3:5: `owner` is missing",
        "e.yaml:4:5: a mapping is needed here",
    ]


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
