"""Everything that is shipped as content: each check with its examples and remediations, each catalogue, each policy.

Examples run on our engine for every check, and on the reference engine for a sample of them; `XSPM_TEST_ALL=1` runs all
on both.
"""

from __future__ import annotations

import os
import re
import zlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from xspm.app.examples import _Runner, evidence, run_examples
from xspm.app.policies import DEFAULT_POLICIES, built
from xspm.app.reference import ReferenceEngine
from xspm.model.asset import Asset
from xspm.policy import library
from xspm.policy.assess import FastEngine, assess
from xspm.policy.checks import SECTIONS, TEXT_FORMS
from xspm.policy.patterns import matches
from xspm.policy.plan import Plan, Planned, plan
from xspm.policy.policies import selects
from xspm.report.text import fix

if TYPE_CHECKING:
    from xspm.model.check import Check
    from xspm.policy.assess import Engine
    from xspm.policy.library import Built

ALL = bool(os.environ.get("XSPM_TEST_ALL"))
SAMPLE = 10
"""Without `XSPM_TEST_ALL`, one check in so many runs on the reference engine too."""

CONTENT = Path(library.CONTENT)
FILES = {
    path.relative_to(CONTENT / "checks").with_suffix("").as_posix().replace("/", "."): path
    for path in sorted((CONTENT / "checks").rglob("*.yaml"))
}
FRAMEWORKS = sorted(path.stem for path in (CONTENT / "frameworks").glob("*.yaml"))
POLICIES = sorted(path.stem for path in (CONTENT / "policies").glob("*.yaml"))
CODE_FORMS = {"linux": "host", "k8s": "manifest"}
REMEDIES = {"linux": {"files"}, "k8s": {"manifest"}}
WIDTH = 70
"""Characters of a title at most."""

_REFERENCE = re.compile(r"https?://[^\s]+|[A-Z][A-Za-z0-9./() -]*[0-9][A-Za-z0-9./() -]*")
"""A URL, or the id of a standard's part: `RFC 4253`, `CVE-2021-4034`, `NIST SP 800-190 4.4.2`."""
_PREPARES = re.compile(
    r"(?:grep|cat|ss|visudo|sshd -t|sshd -T|pwck|aa-logprof|findmnt|systemctl (?:restart|reload|status)|augenrules|mkdir)\b"
)
_EXPECTED_FRAMEWORKS = (
    "cis-controls-8.1",
    "dora",
    "iso-27001-2022",
    "mitre-attack",
    "nis2",
    "nist-800-53-5",
    "nist-csf-2.0",
    "nsa-cisa-kubernetes",
    "pci-dss-4.0.1",
    "pss",
    "soc2",
)
_PSS = {
    "baseline": {"host-process", "host-namespaces", "privileged", "capabilities", "host-path-volumes", "host-ports",
                 "host-probes", "app-armor", "selinux", "proc-mount", "seccomp", "sysctls"},
    "restricted": {"volume-types", "privilege-escalation", "run-as-non-root", "run-as-user", "seccomp", "capabilities"},
}  # fmt: skip
"""The controls of the Pod Security Standards."""


@cache
def _built() -> Built:
    return built()


@cache
def _engine(name: str) -> Engine:
    return FastEngine() if name == "xspm" else ReferenceEngine()


def _check(check_id: str) -> Check:
    return _built().checks[check_id]


def _sampled(check_id: str) -> bool:
    return ALL or zlib.crc32(check_id.encode()) % SAMPLE == 0


def test_everything_is_sound() -> None:
    assert [error.diagnostics() for error in _built().errors] == []
    assert list(FILES) == list(_built().checks)


@pytest.mark.parametrize("check_id", FILES)
def test_examples_and_remediations_hold(check_id: str) -> None:
    trials = list(run_examples(_built().library.checks[check_id], _check(check_id), _engine("xspm")))
    assert trials
    assert [f"{trial.name}: {trial.detail}" for trial in trials if not trial.passed] == []


@pytest.mark.parametrize("check_id", [check_id for check_id in FILES if _sampled(check_id)])
def test_the_reference_engine_says_the_same(check_id: str) -> None:
    trials = list(run_examples(_built().library.checks[check_id], _check(check_id), _engine("reference")))
    assert [f"{trial.name}: {trial.detail}" for trial in trials if not trial.passed] == []


_BOUNDED = {"linux.firewall.has_one_master"}
"""Checks that our engine may decide by what is known of an unknown (here, how many are left of a list of one)."""


@pytest.mark.parametrize("check_id", FILES)
def test_the_engines_agree_where_a_field_is_unknown(check_id: str) -> None:
    """The examples again, with one field after another unknown: where one engine decides, the other does, and alike."""
    check, compiled = _check(check_id), _built().library.checks[check_id]
    params = {parameter.name: parameter.default for parameter in check.parameters}
    differences = []
    for expect in ("pass", "fail"):
        example = next(one for one in check.examples if one.expect == expect)
        planned = Planned(compiled=compiled, severity=check.severity, params={**params, **example.params})
        shown = evidence(check, example, example.content)
        one = next(resource for resource in shown.resources if resource.type == check.resource)
        veiled = [
            replace(one, id=f"{one.id} without {field}", data={**one.data, field: {"$unknown": "veiled"}})
            for field in one.data
        ]
        resources = sorted([*shown.resources, *veiled], key=lambda resource: (resource.type, resource.id))
        ours, theirs = (
            [
                (verdict.resource_id, "open" if verdict.status in {"unknown", "error"} else verdict.status)
                for verdict in assess(
                    Plan(checks={check.resource: (planned,)}, policies=()),
                    replace(shown, resources=tuple(resources)),
                    engine=_engine(name),
                ).verdicts
            ]
            for name in ("xspm", "reference")
        )
        differences += [(mine, other) for mine, other in zip(ours, theirs, strict=True) if mine != other]
    assert differences == [] or check_id in _BOUNDED


@pytest.mark.parametrize("check_id", FILES)
def test_a_check_is_written_like_the_others(check_id: str) -> None:
    assert _complaints(_check(check_id), FILES[check_id]) == []


def _complaints(check: Check, path: Path) -> list[str]:
    text = path.read_text("utf-8")
    family = check.id.partition(".")[0]
    sections = re.findall(r"^([a-z]+):", text, re.MULTILINE)
    form = CODE_FORMS.get(family)
    forms = {remediation.form for remediation in check.remediation}
    found = {
        "tabs": "\t" in text,
        "blanks at the end of a line": re.search(r"[ \t]+$", text, re.MULTILINE),
        "no newline at the end": not text.endswith("\n") or text.endswith("\n\n"),
        "Windows line ends": "\r" in text,
        "sections out of order": sections != sorted(sections, key=SECTIONS.index),
        f"its title is longer than {WIDTH}": len(check.title) > WIDTH,
        "its title is a sentence": check.title.endswith("."),
        "its title commands": check.title.split()[0] in {"Ensure", "Make", "Disable", "Enable", "Set", "Do", "Avoid"},
        "its message is more than one line": "\n" in check.message,
        "its rationale says too little": len(check.rationale) < 60,
        f"no example in the form {form}": form and form not in {example.form for example in check.examples},
        "a remediation of no known form": forms - {*TEXT_FORMS, *REMEDIES.get(family, ())},
        "it speaks of another family": not check.resource.startswith(f"{family}."),
        "a reference is neither URL nor id": [one for one in check.references if not _REFERENCE.fullmatch(one)],
        "a tag is no word": [tag for tag in check.tags if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", tag)],
    }
    return [f"{check.id}: {complaint}" for complaint, is_so in found.items() if is_so]


def test_every_check_answers_at_least_two_frameworks() -> None:
    answered = _built().library.requirements
    few = [check_id for check_id in FILES if len({one.partition(":")[0] for one in answered[check_id]}) < 2]
    assert few == []


def test_messages_render_on_failing_examples() -> None:
    """Every failing example gives a message without a hole in it; the remediation may well pass by without one."""
    bad = []
    for check_id in FILES:
        check = _check(check_id)
        runner = _Runner(_built().library.checks[check_id], check, _engine("xspm"))
        example = next(one for one in check.examples if one.expect == "fail")
        bad += [
            f"{check_id}: {verdict.message!r}"
            for verdict in runner._verdicts(example, example.content)
            if verdict.status == "fail"
            and (not verdict.message or re.search(r"[{}\n]|<[a-z]+>|\bnull\b$", verdict.message))
        ]
    assert bad == []


def test_the_first_line_of_a_fix_is_the_fix() -> None:
    """Reports show one line: it must change something, not look, reload, or open an editor."""
    first = {check_id: fix(_check(check_id)) for check_id in FILES if check_id.startswith("linux.")}
    assert {check_id: line for check_id, line in first.items() if not line or _PREPARES.match(line)} == {}


def test_titles_are_unique_within_a_family() -> None:
    seen: dict[tuple[str, str], str] = {}
    twice = []
    for check in _built().checks.values():
        key = (check.resource, check.title.lower())
        if key in seen:
            twice.append((seen[key], check.id))
        seen[key] = check.id
    assert twice == []


@pytest.mark.parametrize(("family", "least"), [("linux", 70), ("k8s", 60)])
def test_there_are_enough_checks(family: str, least: int) -> None:
    assert sum(check_id.startswith(f"{family}.") for check_id in FILES) >= least


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_every_pattern_of_a_framework_names_a_check(name: str) -> None:
    framework = _built().frameworks[name]
    idle = [
        (requirement.id, pattern)
        for requirement in framework.requirements
        for pattern in requirement.checks
        if not any(matches(check_id, [pattern]) for check_id in FILES)
    ]
    assert idle == []
    assert framework.url.startswith("https://")


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_requirements_are_short_and_in_order(name: str) -> None:
    requirements = _built().frameworks[name].requirements
    assert [one.title for one in requirements if len(one.title) > 110 or "\n" in one.title] == []


@pytest.mark.parametrize("prefix", _EXPECTED_FRAMEWORKS)
def test_the_catalogues_that_matter_are_there(prefix: str) -> None:
    assert [name for name in FRAMEWORKS if name.startswith(prefix)]


@pytest.mark.parametrize("name", POLICIES)
def test_every_selection_of_a_policy_selects(name: str) -> None:
    policy, library = _built().library.policies[name], _built().library
    patterns = [pattern for selection in (*policy.include, *policy.exclude) for pattern in selection.checks]
    assert [pattern for pattern in patterns if not any(matches(check_id, [pattern]) for check_id in FILES)] == []
    known = {requirement for requirements in library.requirements.values() for requirement in requirements}
    for selection in (*policy.include, *policy.exclude):
        for pattern in selection.frameworks:
            assert any(
                matches(one.replace(":", "/", 1), [pattern]) or matches(one.partition(":")[0], [pattern])
                for one in known
            ), pattern
    assert any(selects(policy, _check(check_id), library.requirements[check_id]) for check_id in FILES)


def test_the_default_policies_concern_what_they_are_for() -> None:
    library = _built().library
    policies = [library.policies[name] for name in DEFAULT_POLICIES]
    host = plan(library, policies, Asset("host", "host:a", "a"))
    manifests = plan(library, policies, Asset("kubernetes.manifests", "k:a", "a"))
    assert {kind.partition(".")[0] for kind in host.checks} == {"linux"}
    assert {kind.partition(".")[0] for kind in manifests.checks} == {"k8s"}
    assert sum(map(len, host.checks.values())) >= 70
    assert sum(map(len, manifests.checks.values())) >= 60


@pytest.mark.parametrize("level", _PSS)
def test_pod_security_standards_are_complete(level: str) -> None:
    framework = next(one for name, one in _built().frameworks.items() if name.startswith("pss-"))
    answered = {
        one.id.partition("/")[2] for one in framework.requirements if one.id.startswith(f"{level}/") and one.checks
    }
    assert sorted(_PSS[level] - answered) == []
