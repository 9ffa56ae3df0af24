"""An approver, or somebody who asks, tries to get an exception that the contract does not allow."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import msgspec
import pytest

from agreement import ASSET, CHECK, Agreement, member, people
from commandline import assert_refused
from parties import sign, terms
from xspm.app.exceptions import agreed
from xspm.app.trust import open_contract
from xspm.contract import folder as layout
from xspm.contract.envelope import Envelope
from xspm.contract.terms import Critical, ExceptionTerms, Owned
from xspm.model.asset import Asset
from xspm.model.verdict import Verdict
from xspm.policy.exceptions import covers

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from xspm.app.exceptions import Agreed

    Make = Callable[..., Agreement]


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Make:
    return lambda **more: Agreement(tmp_path, monkeypatch, capsys, **more)


def in_force(world: Agreement, now: str = "2026-06-01T12:00:00Z") -> Agreed:
    return agreed(open_contract(str(world.folder), None, now), now)


def why(world: Agreement) -> str:
    """The reason of the only exception there."""
    (one,) = json.loads(world.run("exception", "list", "--output", "json").out)["exceptions"]
    return f"{one['state']}: {one['why']}"


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        ({"check": "linux.sshd.nothing_such"}, "the policies in force have no check linux.sshd.nothing_such"),
        ({"check": "linux.*"}, "from one check, on one asset"),
        ({"asset": "host:*"}, "from one check, on one asset"),
        ({"resource": "ssh*"}, "allows no exception by the pattern ssh*"),
        ({"resource": ""}, "names no resource"),
        ({"expires": "2026-12-01"}, "lasts 183 days, and the contract allows 90"),
        ({"expires": "2026-05-31"}, "expired on 2026-05-31"),
        ({"expires": "soon"}, "'soon' is not a date"),
        ({"reason": " "}, "a reason of 1 to 2000 characters is missing"),
        ({"compensation": " "}, "what is done instead"),
        ({"name": "mallory"}, "nobody in version 1 of the contract acme holds the key"),
    ],
)
def test_requests_that_are_refused(make: Make, more: dict[str, str], complaint: str) -> None:
    """An exception is asked for that the contract does not allow: too wide, too long, for nothing, by a stranger."""
    world = make()
    assert_refused(world.request(**more), complaint)
    assert world.files("exceptions") == []


def test_nobody_approves_what_they_ask_for(make: Make) -> None:
    """Who asks for an exception approves it, with the same key or a second one."""
    rules = {**terms().rules, "approve_exception": {"security": 1, "platform": 1}}
    world = make(parties=people(alice=member("alice", "alice-2")), rules=rules)
    world.request("alice")
    (path,) = world.files("exceptions")
    before = path.read_bytes()
    for key in ("alice", "alice-2"):
        refused = world.approve(path, key)
        assert "alice does not count: asks for it" in refused.err
        assert (refused.code, path.read_bytes()) == (2, before)
    world.signed(path, "alice-2")
    assert in_force(world).in_force == ()
    assert why(world).startswith("waiting: approve_exception")
    assert "signed by alice (security)" in why(world)


def test_two_of_the_side_that_approves(make: Make) -> None:
    """Security excuses itself: one of it asks and another approves, and no other side hears of it."""
    world = make()
    complaint = "alice, who asks, is of security, which alone approves it: somebody of audit or platform must ask"
    assert_refused(world.request("alice"), complaint)
    world.request()
    (path,) = world.files("exceptions")
    world.tampered(path, requested_by="alice")
    path.write_bytes(sign(Envelope(layout.read_envelope(path).payload), "alice", "bob").encode())
    assert in_force(world).in_force == ()
    assert why(world) == f"refused: {complaint}"


def test_nothing_is_done_instead(make: Make) -> None:
    """An exception that says nothing of what is done instead is signed by hand, past the command line."""
    world = make()
    world.request()
    (path,) = world.files("exceptions")
    world.tampered(path, compensation="")
    path.write_bytes(sign(Envelope(layout.read_envelope(path).payload), "dave", "alice").encode())
    assert in_force(world).in_force == ()
    assert why(world).startswith("refused: it must say in 1 to 2000 characters what is done instead")


@pytest.mark.parametrize("resource", [f"{ASSET} sha256:{'a' * 64}", "*"])
def test_exception_from_the_review_of_a_change(make: Make, resource: str) -> None:
    """Nobody reviewed a critical change, and one of security approves an exception from the check that says so."""
    critical = (Critical(("host:db-*",), {"security": 2, "platform": 1, "audit": 1}),)
    world = make(critical=critical, exceptions=ExceptionTerms(wildcards=True))
    asked = world.request("erin", asset="contract:acme", resource=resource)
    assert asked.code == 0, asked
    (path,) = world.files("exceptions")
    for name in ("alice", "bob", "dave"):
        done = world.approve(path, name)
        assert "1 more of audit (frank)" in " ".join(done.out.split())
        assert in_force(world).in_force == ()
    world.approve(path, "frank")
    assert len(in_force(world).in_force) == 1


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("erin", "erin is of platform, and the rule wants 1 of security"),
        ("frank", "frank is of audit, and the rule wants 1 of security"),
        ("bob", "bob does not count: answers for host:db-1"),
        ("mallory", "nobody in version 1"),
    ],
)
def test_who_cannot_approve(make: Make, name: str, complaint: str) -> None:
    """An exception is approved by the wrong side, by the owner of the asset or by a stranger."""
    world = make(owners=(Owned(("host:db-*",), ("bob",)),))
    world.request()
    (path,) = world.files("exceptions")
    refused = world.approve(path, name)
    assert (refused.code, complaint in refused.err) == (2, True)
    world.signed(path, name)
    assert in_force(world).in_force == ()
    assert len(in_force(world).refused) == 1


@pytest.mark.parametrize(
    "changed",
    [
        {"resources": ["sshd", "pam"]},
        {"expires": "2026-08-20"},
        {"check": "linux.sshd.other"},
        {"asset": "host:db-2"},
        {"requested_by": "erin"},
        {"compensation": "none"},
    ],
)
def test_an_edited_exception_is_worth_nothing(make: Make, changed: dict[str, object]) -> None:
    """An approved exception is edited: more resources, longer, another check, asset or author."""
    world = make()
    world.request()
    (path,) = world.files("exceptions")
    world.approve(path, "alice")
    assert len(in_force(world).in_force) == 1
    world.tampered(path, **changed)
    assert in_force(world).in_force == ()
    assert "is not good: it is over something else" in why(world)
    shown = world.run("exception", "show", str(path))
    assert "refused" in shown.out


def test_a_text_that_is_exchanged_while_it_is_looked_at(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """The text of a request is exchanged while the approver looks at it."""
    world = make()
    world.request()
    (path,) = world.files("exceptions")
    other = path.read_bytes()
    path.unlink()
    world.request(resource="pam")
    (path,) = world.files("exceptions")
    monkeypatch.setattr("xspm.cli.exception.agree", lambda **_: path.write_bytes(other))
    assert "the text was exchanged while you looked at it" in world.approve(path, "alice").err
    assert path.read_bytes() == other


def test_a_stricter_contract_binds_what_was_approved_before(make: Make) -> None:
    """A long exception of before is used on after the contract allows shorter ones only."""
    world = make()
    world.request(expires="2026-08-20")
    world.approve(world.files("exceptions")[0], "alice")
    world.amend(exceptions=ExceptionTerms(max_days=30))
    assert in_force(world).in_force == ()
    assert "lasts 80 days, and the contract allows 30" in why(world)


def test_a_request_under_a_version_that_is_not_of_this_contract(make: Make) -> None:
    """An exception under a version that the reader does not trust is shown."""
    world = make()
    world.request()
    world.approve(world.files("exceptions")[0], "alice")
    world.amend()
    # Who trusts the second version does not know the first.
    found = agreed(
        open_contract(str(world.folder), world.links[1].digest, "2026-06-01T12:00:00Z"), "2026-06-01T12:00:00Z"
    )
    assert found.in_force == ()
    assert "asked for under another contract" in found.refused[0]
    assert len(in_force(world).in_force) == 1


def test_wildcards_where_the_contract_allows_them(make: Make) -> None:
    """An exception by a pattern is used on for more than the pattern, and after patterns are no longer allowed."""
    world = make(exceptions=ExceptionTerms(wildcards=True))
    assert world.request(resource="ssh*").code == 0
    world.approve(world.files("exceptions")[0], "alice")
    (exception,) = in_force(world).in_force
    verdict = Verdict(CHECK, "fail", "high", "linux.sshd", "sshd-2", "x", "")
    assert covers(exception, Asset("host", ASSET, ASSET), verdict)
    assert not covers(exception, Asset("host", ASSET, ASSET), msgspec.structs.replace(verdict, resource_id="x"))
    world.amend(exceptions=ExceptionTerms(wildcards=False))
    assert in_force(world).in_force == ()
