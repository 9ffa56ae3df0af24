"""What a policy selects, overrides and is about."""

from __future__ import annotations

import msgspec
import pytest

from xspm.errors import PolicyError
from xspm.model.asset import Asset, Location
from xspm.model.check import Check, Override, Parameter, Policy, Selection
from xspm.policy.overrides import unfit
from xspm.policy.policies import idle, in_scope, placeless, read_policy, selects
from xspm.syntax.yaml import load_one

CHECK = Check(
    id="linux.sshd.a",
    title="t",
    severity="high",
    resource="linux.sshd",
    check="true",
    applies=None,
    message="m",
    rationale="r",
    remediation=(),
    references=(),
    parameters=(Parameter("days", 90, "d"), Parameter("names", ["a"], "n"), Parameter("share", 0.5, "s")),
    tags=("ssh", "access"),
)


def _policy(text: str) -> Policy:
    return read_policy(load_one(text.encode(), file="p.yaml"), "p")


def test_a_policy_says_what_its_file_says() -> None:
    policy = _policy(
        'title: T\nversion: "2"\ninclude:\n  - checks: [linux.*]\n    severities: [high]\nexclude:\n  - tags: [x]\n'
        "overrides:\n  - checks: [linux.*]\n    severity: low\n    params: {days: 1}\nscope:\n  os.family: [debian]\n"
    )
    assert policy.include[0].location == Location("p.yaml", line=4, column=5)
    bare = placeless(policy)
    assert bare.include == (Selection(checks=("linux.*",), severities=("high",)),)
    assert bare.exclude == (Selection(tags=("x",)),)
    assert bare.overrides == (Override(("linux.*",), severity="low", params={"days": 1}),)
    assert policy.scope == {"os.family": ("debian",)}


_HEAD = 'title: T\nversion: "1"\n'


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (_HEAD, "`include` is missing or empty"),
        (_HEAD + "include: [{}]\n", "a selection names checks, tags, severities or frameworks"),
        (_HEAD + "include: [{check: [a]}]\n", "`check` is not known here"),
        (_HEAD + "include: [{severities: [urgent]}]\n", "severity 'urgent' is not one of"),
        (_HEAD + "include: [{checks: [a]}]\noverrides: [{severity: low}]\n", "an override names the checks"),
        (_HEAD + "include: [{checks: [a]}]\noverrides: [{checks: [a]}]\n", "an override changes"),
        (_HEAD + "include: [{checks: [a]}]\nscope: {os.family: debian}\n", "`os.family` must be a list"),
        (_HEAD + "include: [{checks: [a]}]\nmax_exception_days: 0\n", "a number of days from 1 to 1096"),
        (_HEAD + "include: [{checks: [a]}]\nmax_exception_days: true\n", "a number of days from 1 to 1096"),
        (_HEAD + "include: [{checks: [a]}]\nmax_exception_days: 99999\n", "a number of days from 1 to 1096"),
        ("title: T\nversion: 1\ninclude: [{checks: [a]}]\n", "`version` must be text"),
    ],
)
def test_mistakes_are_named(text: str, complaint: str) -> None:
    with pytest.raises(PolicyError) as caught:
        _policy(text)
    assert complaint in str(caught.value)


@pytest.mark.parametrize(
    ("include", "exclude", "expected"),
    [
        ([Selection(checks=("linux.*",))], [], True),
        ([Selection(checks=("k8s.*",))], [], False),
        ([Selection(checks=("k8s.*",)), Selection(tags=("ssh",))], [], True),
        ([Selection(checks=("linux.*",), tags=("other",))], [], False),
        ([Selection(severities=("high", "low"))], [], True),
        ([Selection(severities=("low",))], [], False),
        ([Selection(frameworks=("cis-1",))], [], True),
        ([Selection(frameworks=("cis-1/5.*",))], [], True),
        ([Selection(frameworks=("cis-1/6.*",))], [], False),
        ([Selection(checks=("*",))], [Selection(tags=("acc*",))], False),
        ([Selection(checks=("*",))], [Selection(tags=("x",))], True),
    ],
)
def test_selection(include: list[Selection], exclude: list[Selection], *, expected: bool) -> None:
    policy = Policy("p", "T", "1", include=tuple(include), exclude=tuple(exclude))
    assert expected == selects(policy, CHECK, ("cis-1:5.2", "nist:ac-1"))


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ({}, True),
        ({"type": ("host",)}, True),
        ({"type": ("kube*",)}, False),
        ({"name": ("web-*",), "os.family": ("debian", "rhel")}, True),
        ({"name": ("web-*",), "os.family": ("alpine",)}, False),
        ({"no.such.label": ("*",)}, False),
    ],
)
def test_scope(scope: dict[str, tuple[str, ...]], *, expected: bool) -> None:
    policy = Policy("p", "T", "1", include=(), scope=scope)
    assert expected == in_scope(policy, Asset("host", "host:web-1", "web-1", {"os.family": "debian"}))


@pytest.mark.parametrize(
    ("override", "complaints"),
    [
        (Override(("linux.*",), severity="low"), []),
        (Override(("linux.*",), params={"days": 1, "names": ["b"], "share": 1}), []),
        (Override(("k8s.*",), severity="low"), ["overrides k8s.*, which names no check"]),
        (
            Override(("*.b", "linux.sshd.z"), severity="low"),
            ["overrides *.b, linux.sshd.z, of which it selects no check"],
        ),
        (
            Override(("linux.*",), params={"hours": 1}),
            ["sets the parameter 'hours', which none of the checks it names has"],
        ),
        (Override(("linux.*",), params={"days": "1"}), ["sets 'days' to '1', which is not a whole number"]),
        (Override(("linux.*",), params={"days": True}), ["sets 'days' to True, which is not a whole number"]),
        (Override(("linux.*",), params={"names": [1]}), ["sets 'names' to [1], which is not a list of text"]),
        (Override(("linux.*",), params={"names": "b"}), ["sets 'names' to 'b', which is not a list of text"]),
        (Override(("linux.*",), params={"share": "1"}), ["sets 'share' to '1', which is not a number"]),
    ],
)
def test_overrides_that_do_not_fit_are_named(override: Override, complaints: list[str]) -> None:
    policy = Policy("p", "T", "1", include=(Selection(frameworks=("f",)),), overrides=(override,))
    other = msgspec.structs.replace(CHECK, id="linux.sshd.b", parameters=())
    found = unfit(policy, [CHECK, other], {CHECK.id: ("f:1",)})
    assert [f"policy p {complaint}" for complaint in complaints] == [str(error) for error in found]


def test_an_entry_that_selects_nothing_is_named_with_its_place() -> None:
    policy = _policy(_HEAD + "include:\n  - checks: [linux.*]\n  - checks: [linx.*]\nexclude:\n  - tags: [shs]\n")
    assert [str(error) for error in idle(policy, [CHECK], {})] == [
        "p.yaml:5:5: this entry of policy p selects no check",
        "p.yaml:7:5: this entry of policy p selects no check",
    ]
