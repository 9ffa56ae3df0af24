"""A weaker policy is passed off as an ordinary one, so that the party it protects need not sign.

The attacker is a majority of security with one member of platform (alice, bob, dave): they can publish policies. Only for
weaker ones the contract asks for a second member of platform. Every bundle here is honestly signed by those three; what
is tried is that it does not look weaker. Readers decide that by meaning, from the two bundles alone.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from attack.world import ENOUGH, day, said
from commandline import assert_refused
from parties import public
from xspm.contract.folder import bundle_path
from xspm.contract.terms import Bundle, ExceptionTerms, Scanner
from xspm.model.digest import digest_bytes
from xspm.policy.bundle import encode_bundle
from xspm.policy.folder import Folder

if TYPE_CHECKING:
    from attack.conftest import Make
    from attack.world import World

RULES = {
    "accept_contract": {"security": 2, "platform": 1},
    "publish_policy": {"security": 2},
    "weaken_policy": {"security": 2, "platform": 2},
}
NAMES = """\
title: Containers have names that we know
severity: high
resource: k8s.container
tags: [names]
parameters:
  names: {default: [web, api], description: Names that containers may have.}
check: resource.name in params.names
message: "unexpected name {resource.name}"
rationale: Because we say so.
remediation: {steps: Rename it.}
references: [https://example.org/names]
examples:
  pass:
    - manifest: |
        {apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: [{name: web, image: i}]}}
  fail:
    - manifest: |
        {apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: [{name: db, image: i}]}}
"""
SIZE = (
    NAMES.replace("Containers have names that we know", "Names are short")
    .replace("resource.name in params.names", "resource.name.size() < 3 || resource.name in params.names")
    .replace("{name: db,", "{name: long,")
)
POLICY = """\
title: Ours
version: "1"
include: [{checks: ["own.*"]}]
max_exception_days: 30
"""
FRAMEWORK = """\
title: House rules
version: "1"
publisher: us
url: https://example.org/rules
requirements:
  - {id: r1, title: Names are known and short, checks: [own.names, own.size]}
"""
PATHS = {
    "framework": "frameworks/house.yaml",
    "names": "checks/own/names.yaml",
    "size": "checks/own/size.yaml",
    "policy": "policies/ours.yaml",
}


def bundled(
    *more: Folder, policies: tuple[str, ...] = ("ours",), extra: dict[str, str] | None = None, **files: str
) -> bytes:
    """A bundle of two checks and a policy, with some files in other words; an empty one is left out."""
    texts = {"framework": FRAMEWORK, "names": NAMES, "size": SIZE, "policy": POLICY, **files, **(extra or {})}
    kept = {PATHS.get(name, name): text.encode() for name, text in texts.items() if text}
    return encode_bundle([Folder("ours", kept), *more], policies)


def replaced(text: str, old: str, new: str) -> str:
    assert old in text
    return text.replace(old, new)


def code(expression: str) -> str:
    return replaced(NAMES, "check: resource.name in params.names", f"check: >-\n  {expression}")


def second_folder(text: str) -> bytes:
    """A bundle with another folder behind the first, which says a check anew."""
    return bundled(Folder("more", {PATHS["names"]: text.encode()}))


KNOWN_NAME = "resource.name in params.names"
OVERRIDE = 'overrides: [{checks: ["own.names"], %s}]\n'

WEAKER: dict[str, bytes] = {
    "a check is removed": bundled(names="", policy=replaced(POLICY, '"own.*"', '"own.size"')),
    "a check is renamed": bundled(names="", extra={"checks/own/name.yaml": NAMES}),
    "the code is weaker under an unchanged id": bundled(names=code(f"{KNOWN_NAME} || resource.image != null")),
    "the code is weaker for one name only": bundled(names=code(f"{KNOWN_NAME} || resource.name == 'xmrig'")),
    "the code lets through what no example shows": bundled(names=code(f"{KNOWN_NAME} || resource.name.size() == 17")),
    "the code is weaker from a day on": bundled(names=code(f"{KNOWN_NAME} || now > timestamp('2090-01-01T00:00:00Z')")),
    "the code is weaker before a day": bundled(names=code(f"{KNOWN_NAME} || now < timestamp('2020-01-01T00:00:00Z')")),
    "the code depends on the order": bundled(names=code(f"{KNOWN_NAME} || resources['k8s.container'][0].name == 'web'")),
    "the code depends on other resources": bundled(names=code(f"{KNOWN_NAME} || size(resources['k8s.container']) > 7")),
    "what failed is now an error": bundled(names=code(f"{KNOWN_NAME} || [resource.name][1] == 'x'")),
    "a failure is turned round": bundled(names=code(f"!({KNOWN_NAME}) ? resource.name != 'db' : true")),
    "it no longer applies to some": bundled(
        names=replaced(NAMES, "check: resource", "applies: resource.name != 'xmrig'\ncheck: resource")
    ),
    "it is asked of another resource": bundled(
        names=replaced(replaced(NAMES, "k8s.container", "k8s.namespace"), "names: {default: [web, api]", "names: {default: [default]"),
    ),
    "a parameter is relaxed in the check": bundled(names=replaced(NAMES, "[web, api]", "[web, api, db]")),
    "a parameter is relaxed by an override": bundled(policy=POLICY + OVERRIDE % "params: {names: [web, api, db]}"),
    "the severity is lowered in the check": bundled(names=replaced(NAMES, "severity: high", "severity: low")),
    "the severity is lowered by an override": bundled(policy=POLICY + OVERRIDE % "severity: info"),
    "the scope is narrowed": bundled(policy=POLICY + "scope: {type: [kubernetes.manifests]}\n"),
    "the scope names a label that nothing has": bundled(policy=POLICY + "scope: {team: ['*']}\n"),
    "the policy excludes it": bundled(policy=POLICY + "exclude: [{checks: [own.names]}]\n"),
    "the policy excludes its tag": bundled(policy=POLICY + "exclude: [{tags: [names], checks: [own.names]}]\n"),
    "the policy includes less": bundled(policy=replaced(POLICY, '"own.*"', '"own.s*"')),
    "the policy selects by a severity": bundled(
        policy=replaced(POLICY, 'checks: ["own.*"]', 'checks: ["own.*"], severities: [low]'), size=replaced(SIZE, "severity: high", "severity: low")
    ),
    "the policy is no longer in force": bundled(
        policies=("other",), extra={"policies/other.yaml": replaced(POLICY, '"own.*"', '"own.size"')}
    ),
    "a requirement loses a check": bundled(framework=replaced(FRAMEWORK, "own.names, ", "")),
    "a requirement is given another check": bundled(framework=replaced(FRAMEWORK, "own.names, own.size", "own.third"), extra={"checks/own/third.yaml": NAMES}),
    "a requirement is said to have no answer": bundled(framework=replaced(FRAMEWORK, "checks: [own.names, own.size]", "reason: organisational")),
    "a requirement is removed": bundled(framework=replaced(FRAMEWORK, "id: r1,", "id: r2,")),
    "a framework is removed": bundled(framework=""),
    "exceptions may last longer": bundled(policy=replaced(POLICY, "max_exception_days: 30", "max_exception_days: 300")),
}  # fmt: skip

UNSOUND: dict[str, bytes] = {
    "a policy of the same name behind it": bundled(Folder("more", {PATHS["policy"]: replaced(POLICY, '"own.*"', '"own.size"').encode()})),
    "a check of the same id behind it": second_folder(replaced(NAMES, "[web, api]", "[web, api, db]")),
    "a second policy contradicts the first": bundled(
        policies=("ours", "theirs"), extra={"policies/theirs.yaml": POLICY + OVERRIDE % "params: {names: [web, api, db]}"}
    ),
}  # fmt: skip

COMPLAINTS = dict(
    zip(UNSOUND, ("'ours' exists already", "'own.names' exists already", "give own.names different"), strict=True)
)

AS_STRONG: dict[str, bytes] = {
    "a stricter parameter": bundled(names=replaced(NAMES, "[web, api]", "[web]")),
    "a higher severity": bundled(names=replaced(NAMES, "severity: high", "severity: critical")),
    "another check besides": bundled(extra={"checks/own/third.yaml": NAMES}),
    "other words": bundled(names=replaced(NAMES, "Because we say so.", "Because unknown names surprise.")),
}


@pytest.fixture
def judged(found: Make) -> World:
    data = bundled()
    world = found(rules=RULES, policies=Bundle(1, digest_bytes(data)))
    world.add_bundle(data)
    assert world.scan().code == 0
    return world


@pytest.mark.parametrize("what", WEAKER, ids=lambda one: one.replace(" ", "-"))
def test_weaker_bundle_signed_as_an_ordinary_one(judged: World, what: str) -> None:
    """A weaker bundle is published with the signatures of a stricter one."""
    publish(judged, WEAKER[what], *ENOUGH)
    complaint = "weaken_policy by the rules of version 1 wants 1 more of platform (erin)"
    assert_refused(judged.under("contract", "verify"), complaint)
    assert_refused(judged.scan(), complaint)
    # The honest counterpart: platform's second member agrees to it.
    publish(judged, WEAKER[what], *ENOUGH, "erin")
    assert judged.under("contract", "verify").code == 0
    judged.deploy("web", "db", "xmrig")
    outcome = judged.scan()
    refused = ("no check of the policies in force concerns it", "no asset has the label `team`")
    assert outcome.code in {0, 1} or any(why in said(outcome) for why in refused)


@pytest.mark.parametrize("what", UNSOUND, ids=lambda one: one.replace(" ", "-"))
def test_bundle_that_says_two_things(judged: World, what: str) -> None:
    """A bundle says a check or policy twice, strict for the reader and lax for the machine; nobody can scan by it."""
    publish(judged, UNSOUND[what], *ENOUGH)
    assert_refused(judged.under("contract", "verify"), "weaken_policy by the rules of version 1 wants")
    publish(judged, UNSOUND[what], *ENOUGH, "erin")
    assert_refused(judged.scan(), COMPLAINTS[what])


def publish(world: World, data: bytes, *names: str) -> None:
    world.put(world.version(*names, policies=Bundle(2, world.add_bundle(data))))


@pytest.mark.parametrize("what", AS_STRONG, ids=lambda one: one.replace(" ", "-"))
def test_honest_bundle_that_is_not_weaker(judged: World, what: str) -> None:
    """Nobody attacks: a bundle that asks no less needs those who publish policies, and nobody else."""
    publish(judged, AS_STRONG[what], "alice", "bob")
    assert judged.under("contract", "verify").code == 0
    publish(judged, AS_STRONG[what], "alice", "dave")
    assert_refused(judged.under("contract", "verify"), "publish_policy by the rules of version 1 wants 1 more")


def test_something_else_beside_a_stronger_bundle(judged: World) -> None:
    """Security alone brings a stronger bundle, and a later expiry, a scanner or longer exceptions along with it."""
    strong = Bundle(2, judged.add_bundle(AS_STRONG["a higher severity"]))
    mine: dict[str, Any] = {
        "expires": day(400),
        "exceptions": ExceptionTerms(366),
        "critical": (),
        "scanners": {**judged.terms.scanners, "mine": Scanner((public("mine"),), ("*",), "security")},
    }
    for field, value in mine.items():
        judged.put(judged.version("alice", "bob", "carol", policies=strong, **{field: value}))
        assert_refused(judged.under("contract", "verify"), "accept_contract by the rules of version 1 wants 1 more of")
    judged.put(judged.version("alice", "bob", policies=strong))
    assert judged.under("contract", "verify").code == 0


def test_the_stronger_bundle_withheld(judged: World) -> None:
    """The bundle before is deleted so that nothing can be compared; in doubt it is a weakening."""
    publish(judged, AS_STRONG["a higher severity"], *ENOUGH)
    assert judged.under("contract", "verify").code == 0
    bundle_path(judged.folder, digest_bytes(bundled())).unlink()
    assert_refused(judged.under("contract", "verify"), "weaken_policy by the rules of version 1 wants")


def test_weakened_in_two_steps(judged: World) -> None:
    """A bundle is strengthened and weakened in one version each, so that the sum looks small; each step is judged."""
    publish(judged, AS_STRONG["another check besides"], *ENOUGH)
    second = judged.version(*ENOUGH, policies=Bundle(2, judged.add_bundle(AS_STRONG["another check besides"])))
    judged.links.append(second)
    assert judged.under("contract", "verify").code == 0
    judged.put(judged.version(*ENOUGH, policies=Bundle(3, judged.add_bundle(bundled()))))
    assert_refused(judged.under("contract", "verify"), "weaken_policy by the rules of version 2 wants")


def test_back_to_an_older_bundle_under_a_new_number(judged: World) -> None:
    """The older, weaker bundle is published again under the next number."""
    strict = AS_STRONG["a stricter parameter"]
    publish(judged, strict, *ENOUGH)
    judged.links.append(judged.version(*ENOUGH, policies=Bundle(2, digest_bytes(strict))))
    judged.put(judged.version(*ENOUGH, policies=Bundle(3, digest_bytes(bundled()))))
    assert_refused(judged.under("contract", "verify"), "weaken_policy by the rules of version 2 wants")


def test_rule_for_weakening_lowered_first(judged: World) -> None:
    """The rule for weaker policies is lowered in the very version that weakens them; the old rule counts."""
    weak = judged.add_bundle(WEAKER["a check is removed"])
    rules: dict[Any, Any] = {**RULES, "weaken_policy": {"security": 1, "platform": 1}}
    judged.put(judged.version(*ENOUGH, rules=rules, policies=Bundle(2, weak)))
    assert_refused(
        judged.under("contract", "verify"), "weaken_policy by the rules of version 1 wants 1 more of platform"
    )


def test_weakening_is_said_before_it_is_signed(judged: World) -> None:
    """Nothing is hidden from those who are asked to sign: the difference is named with what it lets through."""
    Path("old.json").write_bytes(bundled())
    Path("new.json").write_bytes(WEAKER["a parameter is relaxed by an override"])
    outcome = judged.run("policy", "diff", "old.json", "new.json")
    assert outcome.code == 1
    assert "Weakened: shown to ask less (1) own.names names is ['web', 'api', 'db'], was ['web', 'api']" in said(
        outcome
    )
