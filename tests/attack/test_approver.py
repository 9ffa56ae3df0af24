"""Row "an approver": cannot approve what they ask for themselves, nor anything wider, longer or elsewhere than agreed.

The attacker is alice of security with her key, who may approve exceptions, or somebody who got an approval from her and
wants more out of it. What is deployed has a container that the policy forbids. `test_exceptions.py`, `test_changes.py`
and `test_forge_reviews.py` go on with exceptions, changes and pull requests.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest

from attack.world import DB, EVERYBODY, KNOWN, LOW, WEB, day, moment, said, unchecked
from attack.world import changed as with_terms
from commandline import assert_refused
from parties import public, terms
from xspm.contract.envelope import Envelope, decode_envelope
from xspm.contract.terms import ExceptionTerms, Member, Owned, Party

if TYPE_CHECKING:
    from pathlib import Path

    from attack.conftest import Make
    from attack.world import World


@pytest.fixture
def faulty(world: World) -> World:
    """A deployment at fault; an honest exception for it lets it through."""
    world.deploy("web", "db")
    assert world.scan().code == 1
    path = world.exception("dave", "alice")
    assert world.scan().code == 0
    path.unlink()
    assert world.scan().code == 1
    return world


def useless(world: World, path: Path, complaint: str) -> None:
    """The scan fails as if the exception were not there, says that it was refused, and a person is told why."""
    outcome = world.scan()
    assert (outcome.code, f"{KNOWN}: 1 fail" in said(outcome)) == (1, True), outcome
    listed = said(world.under("exception", "list"))
    assert complaint in listed + said(world.under("exception", "show", str(path))), listed
    assert not world.scanned()["contract"]["exceptions"]


@pytest.mark.parametrize(
    ("names", "changed", "complaint"),
    [
        (("alice",), {"requested_by": "alice"}, "alice, who asks, is of security, which alone approves it"),
        (("alice", "bob"), {"requested_by": "alice"}, "alice, who asks, is of security, which alone approves it"),
        (("alice",), {}, "dave, who asks, did not sign"),
        (("dave",), {}, "wants 1 more of security (alice or bob or carol)"),
        (("dave", "erin"), {}, "wants 1 more of security (alice or bob or carol)"),
        (("dave", "frank"), {}, "wants 1 more of security (alice or bob or carol)"),
        (("mallory", "alice"), {"requested_by": "mallory"}, "signed by a key that nobody in the contract holds"),
        (("alice",), {"requested_by": "mallory"}, "'mallory', who asks, is no member of the contract"),
        (("dave", "ci"), {}, "signed by a key that nobody in the contract holds"),
        (("ops", "alice"), {"requested_by": "ops"}, "signed by a key that nobody in the contract holds"),
    ],
    ids=[
        "asks herself", "asks a colleague", "in another's name", "nobody approves", "the same side", "the wrong side", "a stranger asks",
        "for a stranger", "a machine approves", "a machine asks",
    ],
)  # fmt: skip
def test_signed_by_the_wrong_people(faulty: World, names: tuple[str, ...], changed: dict[str, Any], complaint: str) -> None:  # fmt: skip
    """An exception is signed by the one who asks, by the wrong side, by a machine or by a stranger."""
    useless(faulty, faulty.exception(*names, **changed), complaint)


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"resources": ("*",)}, "allows no exception by the pattern *"),
        ({"resources": (WEB, "default/Pod/*")}, "allows no exception by the pattern default/Pod/*"),
        ({"resources": ("default/Pod/pod-d?/container/db",)}, "allows no exception by the pattern"),
        ({"resources": ("default/Pod/pod-[a-z]*",)}, "allows no exception by the pattern"),
        ({"resources": ()}, "the exception names no resource"),
        ({"resources": ("",)}, "the exception names no resource"),
        ({"check": "own.*"}, "from one check, on one asset"),
        ({"check": "*"}, "from one check, on one asset"),
        ({"asset": "kubernetes.*"}, "from one check, on one asset"),
        ({"asset": "*"}, "from one check, on one asset"),
        ({"expires": day(91)}, "the contract allows 90"),
        ({"expires": day(-1), "requested_at": moment(-48)}, "expired on"),
        ({"requested_at": moment(24), "expires": day(91)}, "it was asked for in the future"),
        ({"expires": "never"}, "'never' is not a date"),
        ({"reason": " "}, "a reason of 1 to 2000 characters is missing"),
        ({"check": "own.is_unknown"}, "the policies in force have no check own.is_unknown"),
        ({"contract": "sha256:" + "0" * 64}, "it was asked for under another contract"),
    ],
    ids=lambda one: "" if isinstance(one, dict) else one[-30:],
)  # fmt: skip
def test_wider_or_longer_than_the_contract_allows(faulty: World, changed: dict[str, Any], complaint: str) -> None:
    """An exception that enough people signed is wider, longer or vaguer than the contract allows."""
    useless(faulty, faulty.exception("dave", "alice", "bob", **changed), complaint)


@pytest.mark.parametrize(
    "changed",
    [{"check": LOW}, {"resources": (WEB,)}, {"resources": ("pod-db",)}, {"asset": "kubernetes.manifests:pods.yaml"}],
    ids=["of another check", "of another resource", "of a name that looks like it", "of another asset"],
)
def test_approved_for_something_else(faulty: World, changed: dict[str, Any]) -> None:
    """A good exception is replayed on another check, resource or asset."""
    faulty.exception("dave", "alice", **changed)
    outcome = faulty.scan()
    assert (outcome.code, f"{KNOWN}: 1 fail" in said(outcome)) == (1, True)


def test_approved_under_another_contract(faulty: World, tmp_path: Path) -> None:
    """An exception of the sandbox's contract, between the same people with the same keys, is laid into this one."""
    (tmp_path / "sandbox").mkdir()
    sandbox = type(faulty)(tmp_path / "sandbox", faulty.capsys, name="sandbox")
    path = sandbox.exception("dave", "alice", asset=faulty.asset)
    moved = faulty.folder / "exceptions" / path.name
    moved.parent.mkdir(exist_ok=True)
    shutil.copy(path, moved)
    useless(faulty, moved, "it was asked for under another contract")


def test_second_key_of_the_one_who_asks(found: Make) -> None:
    """The one who asks approves with a second key of their own."""
    sides = terms().parties
    security = Party({**sides["security"].members, "alice": Member((public("alice"), public("alice-2")))})
    rules = {**terms().rules, "approve_exception": {"security": 1, "platform": 1}}
    world = found(parties={**sides, "security": security}, rules=rules)
    world.deploy("web", "db")
    path = world.exception("alice", "alice-2", "dave", requested_by="alice")
    useless(world, path, "alice does not count: asks for it")


def test_one_approver_with_two_keys(found: Make) -> None:
    """Two of security must approve, and one does so with two keys."""
    sides = terms().parties
    security = Party({**sides["security"].members, "alice": Member((public("alice"), public("alice-2")))})
    rules = {**terms().rules, "approve_exception": {"security": 2}}
    world = found(parties={**sides, "security": security}, rules=rules)
    world.deploy("web", "db")
    path = world.exception("dave", "alice", "alice-2")
    useless(world, path, "wants 1 more of security (bob or carol)")
    world.exception("dave", "alice", "bob")
    assert world.scan().code == 0


def test_approved_by_the_owner(found: Make) -> None:
    """Who answers for the asset approves the exception from its checks."""
    world = found(owners=(Owned(("kubernetes.*",), ("alice",)),))
    world.deploy("web", "db")
    useless(world, world.exception("dave", "alice"), "alice does not count: answers for kubernetes.manifests:")


def test_approval_from_before_the_rules_became_stricter(faulty: World) -> None:
    """An approval of before is shown after the parties agreed on stricter rules."""
    path = faulty.exception("dave", "alice")
    assert faulty.scan().code == 0
    faulty.amend(exceptions=ExceptionTerms(max_days=7))
    useless(faulty, path, "the contract allows 7")


def test_approval_by_somebody_who_left(faulty: World) -> None:
    """The approval of somebody whose key was taken out of the contract counts on."""
    path = faulty.exception("dave", "alice")
    parties = faulty.terms.parties
    security = Party({name: one for name, one in parties["security"].members.items() if name != "alice"})
    faulty.amend(parties={**parties, "security": security})
    useless(faulty, path, "signed by a key that nobody in the contract holds")


def test_signature_moved_to_a_wider_text(faulty: World) -> None:
    """The approver's signature on a narrow exception is moved to a wide one."""
    narrow = faulty.exception("dave", "alice", resources=(WEB,))
    kept = decode_envelope(narrow.read_bytes(), "narrow").signatures
    narrow.unlink()
    wide = faulty.exception("dave")
    wide.write_bytes(Envelope(decode_envelope(wide.read_bytes(), "wide").payload, kept).encode())
    useless(faulty, wide, "is not good: it is over something else")


def test_own_request_at_the_command_line(found: Make) -> None:
    """At the command line the one who asked is not let sign as the approver."""
    faulty = found(rules={**terms().rules, "approve_exception": {"security": 1, "platform": 1}})
    faulty.deploy("web", "db")
    asked = faulty.under(
        "exception", "request", "--key", faulty.key("alice"), "--check", KNOWN, "--asset", faulty.asset, "--resource", DB,
        "--reason", "mine", "--compensation", "none", "--expires", day(20),
    )  # fmt: skip
    assert asked.code == 0
    (path,) = (faulty.folder / "exceptions").iterdir()
    refused = faulty.under("exception", "approve", str(path), "--key", faulty.key("alice"), "--yes")
    assert (refused.code, "alice does not count: asks for it" in said(refused)) == (2, True)
    assert faulty.scan().code == 1
    for name in ("bob", "dave"):
        assert faulty.under("exception", "approve", str(path), "--key", faulty.key(name), "--yes").code == 0
    assert faulty.scan().code == 0


def test_accounts_of_two_people_are_one(world: World) -> None:
    """One forge account is entered for two people, so that its review counts twice."""
    parties = world.terms.parties
    security = Party({
        **parties["security"].members,
        "alice": Member((public("alice"),), {"github": "octo"}),
        "bob": Member((public("bob"),), {"GitHub": "OCTO"}),
    })  # fmt: skip
    world.put(unchecked(with_terms(world.version().terms, parties={**parties, "security": security}), *EVERYBODY))
    assert_refused(world.under("contract", "verify"), "alice and bob have the same account on")
