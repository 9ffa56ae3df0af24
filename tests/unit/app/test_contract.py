"""Contracts from the text to the version in force, without the command line."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from parties import AUDIT, NOW, PLATFORM, SECURITY, private, public, sign, terms
from xspm.app import contract as app
from xspm.contract import folder as layout
from xspm.contract.chain import encode_terms
from xspm.contract.envelope import Envelope
from xspm.contract.terms import Bundle
from xspm.errors import ContractError
from xspm.model.digest import Digest

if TYPE_CHECKING:
    from xspm.contract.keys import PublicKey

ONE, TWO = Digest("sha256:" + "1" * 64), Digest("sha256:" + "2" * 64)


class Hand:
    """A signer, and what happens while its person thinks."""

    def __init__(self, name: str, meanwhile: object = None) -> None:
        self.name = name
        self.meanwhile = meanwhile

    @property
    def key(self) -> PublicKey:
        return public(self.name)

    def sign(self, data: bytes) -> bytes:
        if callable(self.meanwhile):
            self.meanwhile()
        return private(self.name).sign(data)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A contract's folder with a first version proposed."""
    path = layout.version_path(tmp_path, "proposed", 1)
    layout.write(path, Envelope(encode_terms(terms())).encode())
    return tmp_path


def test_two_who_sign_one_file_at_once(folder: Path) -> None:
    before = app.current(folder, None)

    def meanwhile() -> None:
        app.sign(before, Hand("bob"))

    after = app.sign(before, Hand("alice", meanwhile))
    assert after.signed.shown() == "alice and bob (security)"
    assert app.current(folder, None).signed == after.signed


def test_six_who_sign_one_file_at_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each reads the file, and none has written it, before any other has read it; all signatures stay."""
    before, names = app.current(folder, None), (*SECURITY, *PLATFORM, *AUDIT)
    read = layout.read_envelope

    def slowly(path: Path) -> Envelope:
        found = read(path)
        time.sleep(0.01)
        return found

    monkeypatch.setattr(layout, "read_envelope", slowly)
    with ThreadPoolExecutor(len(names)) as pool:
        list(pool.map(lambda name: app.sign(before, Hand(name)), names))
    assert sorted(name for side in app.current(folder, None).signed.people.values() for name in side) == sorted(names)


def test_somebody_who_never_stops_writing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout, "LOCK_PATIENCE", 0.05)
    before = app.current(folder, None)
    with layout.locked(before.path.parent), pytest.raises(ContractError, match=r"somebody else has been writing here"):
        app.sign(before, Hand("alice"))
    assert app.sign(before, Hand("alice")).signed.shown() == "alice (security)"


def test_what_is_exchanged_while_somebody_signs_is_not_written(folder: Path) -> None:
    before = app.current(folder, None)
    other = Envelope(encode_terms(terms(expires="2027-01-01"))).encode()

    def meanwhile() -> None:
        before.path.write_bytes(other)

    with pytest.raises(ContractError, match="only copies of one text merge"):
        app.sign(before, Hand("alice", meanwhile))
    assert before.path.read_bytes() == other


def test_accepting_a_first_version(folder: Path) -> None:
    proposal = app.current(folder, None)
    with pytest.raises(ContractError, match="signed by nobody"):
        app.accept(folder, None, None, NOW)
    for name in ("alice", "bob", "dave"):
        proposal = app.sign(proposal, Hand(name))
    with pytest.raises(ContractError, match="not sha256:1111"):
        app.accept(folder, ONE, None, NOW)
    with pytest.raises(ContractError, match="expires: 2026-12-31 is over"):
        app.accept(folder, None, None, "2027-01-01T00:00:00Z")
    accepted = app.accept(folder, proposal.link.digest, None, NOW)
    assert accepted.path == folder / "versions" / "0001.dsse.json"
    assert not proposal.path.exists()
    found = app.side(folder, proposal.link.digest, None)
    assert (found.title, found.verified, found.terms) == ("version 1", True, terms())


def test_a_later_version_without_those_before_it(folder: Path) -> None:
    path = folder / "late.json"
    late = Envelope(encode_terms(terms(version=2, predecessor=ONE)))
    path.write_bytes(sign(late, "alice").encode())
    with pytest.raises(ContractError, match="this is version 2, and no version before it is here"):
        app.current(folder, None, str(path))


def test_a_file_beside_the_folder_stays_when_it_is_accepted(folder: Path) -> None:
    path = folder / "sent.json"
    path.write_bytes(sign(app.current(folder, None).link.envelope, "alice", "bob", "dave").encode())
    app.accept(folder, None, str(path), NOW)
    assert path.exists()


def test_the_key_of_nobody(folder: Path) -> None:
    with pytest.raises(ContractError, match="nobody in version 1 of acme holds the key"):
        app.sign(app.current(folder, None), Hand("mallory"))


def test_bundles_that_cannot_be_compared_are_weaker(folder: Path) -> None:
    judge = app.weakens(folder)
    old, new = terms(policies=Bundle(1, ONE)), terms(policies=Bundle(2, TWO))
    assert judge(old, new)
    assert not judge(old, terms(policies=Bundle(2, ONE)))
    assert not judge(terms(), new)


def test_where_the_contract_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ContractError, match="there is no contract here"):
        app.find_folder(None)
    (tmp_path / "contract" / "versions").mkdir(parents=True)
    assert app.find_folder(None) == Path("contract")
    (tmp_path / "contract.yaml").touch()
    assert app.find_folder(None) == Path()
    assert app.find_folder("contract") == Path("contract")
    with pytest.raises(ContractError, match="there is no such folder"):
        app.find_folder("contract.yaml")


def test_what_is_pinned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XSPM_CONTRACT_ROOT", raising=False)
    assert app.pinned(None) is None
    assert app.pinned(ONE) == ONE
    with pytest.raises(ContractError, match="is no digest"):
        app.pinned("none")
