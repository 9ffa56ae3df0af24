"""Approvals of changes as files: copies add up, what is broken is told, nothing is signed that was not looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agreement import ASSET, NOW, Agreement
from parties import public
from xspm.app import approvals, exceptions
from xspm.app.keys import open_signer
from xspm.app.trust import open_contract
from xspm.contract import folder as layout
from xspm.contract.approval import read_change
from xspm.contract.envelope import Envelope
from xspm.contract.review import Seen
from xspm.contract.terms import Scanner
from xspm.errors import ContractError
from xspm.model.digest import Digest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from xspm.contract.signers import Signer

    Make = Callable[..., Agreement]


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Make:
    return lambda **more: Agreement(tmp_path, monkeypatch, capsys, **more)


def signer(world: Agreement, name: str) -> Signer:
    return open_signer(world.key(name), passphrase=lambda what: what)


def seen(path: Path) -> Seen:
    text = read_change(layout.read_envelope(path), str(path))
    return Seen(ASSET, text.before, text.after, NOW)


def test_copies_add_up_and_broken_ones_are_told(make: Make) -> None:
    world = make()
    world.ask_change()
    (path,) = world.files("changes")
    original = path.read_bytes()
    world.approve_change(path, "erin")
    copy = path.with_name("z.dsse.json")
    copy.write_bytes(original)
    trusted = open_contract(str(world.folder), None, NOW)
    assert not approvals.review(trusted, seen(path)).reviewed
    world.approve_change(copy, "alice")
    assert approvals.review(trusted, seen(path)).reviewed
    copy.write_bytes(b"{}")
    found = approvals.review(trusted, seen(path))
    assert (found.reviewed, found.reviewers) == (False, ("erin",))
    assert found.refused[-1].startswith(f"{copy}: not a DSSE envelope")
    assert [one.state for one in approvals.listed(trusted, NOW)] == ["waiting", "refused"]


def test_a_second_signature_that_came_meanwhile_is_kept(make: Make) -> None:
    world = make()
    world.ask_change()
    (path,) = world.files("changes")
    trusted = open_contract(str(world.folder), None, NOW)
    alice = signer(world, "alice")

    class Slow:
        key = alice.key

        def sign(self, data: bytes) -> bytes:
            world.approve_change(path, "erin")
            return alice.sign(data)

    done = approvals.approve(trusted, path, approvals.look(trusted, path, NOW).digest, Slow(), NOW)
    assert (done.state, done.counted) == ("approved", {"platform": ("erin",), "security": ("alice",)})
    assert approvals.look(trusted, path, NOW).state == "approved"


def test_nothing_is_signed_that_was_not_looked_at(make: Make) -> None:
    world = make()
    world.ask_change()
    (path,) = world.files("changes")
    trusted = open_contract(str(world.folder), None, NOW)
    with pytest.raises(ContractError, match="the text was exchanged while you looked at it"):
        approvals.approve(trusted, path, Digest("sha256:" + "0" * 64), signer(world, "alice"), NOW)
    digest = approvals.look(trusted, path, NOW).digest
    with pytest.raises(ContractError, match="the time for this change was over"):
        approvals.approve(trusted, path, digest, signer(world, "alice"), "2026-06-05T00:00:00Z")


def test_a_text_that_its_asker_did_not_sign(make: Make) -> None:
    world = make()
    world.ask_change()
    (path,) = world.files("changes")
    path.write_bytes(Envelope(layout.read_envelope(path).payload).encode())
    world.signed(path, "erin")
    trusted = open_contract(str(world.folder), None, NOW)
    found = approvals.look(trusted, path, NOW)
    assert (found.state, found.why) == ("refused", "dave, who asks, did not sign")
    with pytest.raises(ContractError, match="dave, who asks, did not sign"):
        approvals.approve(trusted, path, found.digest, signer(world, "alice"), NOW)


def test_a_machine_neither_asks_nor_approves(make: Make) -> None:
    world = make(scanners={"robot": Scanner((public("robot"),), ("host:*",), "audit")})
    assert "which is a machine" in world.ask_change("robot").err
    assert "which is a machine" in world.request("robot").err
    assert (world.files("changes"), world.files("exceptions")) == ([], [])


def test_a_bundle_that_is_not_at_hand(make: Make) -> None:
    world = make()
    for path in (world.folder / "bundles").iterdir():
        path.unlink()
    assert "the bundle of the policies in force is not in the contract's folder" in world.request().err
    trusted = open_contract(str(world.folder), None, NOW)
    assert exceptions.known_checks(trusted) is None
