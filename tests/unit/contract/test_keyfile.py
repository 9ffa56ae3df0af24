"""New key pairs: secret, whole or not there, and never over something else."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from xspm.contract.envelope import Envelope, signers
from xspm.contract.keyfile import NEW_TYPES, NewType, make_key_pair
from xspm.contract.keys import read_public_key
from xspm.contract.signers import open_signer
from xspm.errors import ContractError

PASSPHRASE = "correct horse battery"


@pytest.mark.parametrize("kind", NEW_TYPES)
@pytest.mark.parametrize("passphrase", [PASSPHRASE, None], ids=["locked", "open"])
def test_a_new_pair_signs(kind: NewType, passphrase: str | None, tmp_path: Path) -> None:
    path = tmp_path / "alice.key"
    made = make_key_pair(str(path), kind, passphrase)
    assert made.type == kind
    assert read_public_key((tmp_path / "alice.key.pub").read_text()) == made
    assert b"ENCRYPTED" in path.read_bytes() or passphrase is None
    signer = open_signer(str(path), passphrase=lambda _: passphrase or pytest.fail("asked for nothing"))
    envelope = Envelope(b"{}")
    envelope = envelope.with_signature(signer.key.id, signer.sign(envelope.signed_bytes()))
    assert signers(envelope, {made.id: made}, "f") == {made.id}


def test_two_pairs_differ(tmp_path: Path) -> None:
    assert make_key_pair(str(tmp_path / "a"), "ed25519", None) != make_key_pair(str(tmp_path / "b"), "ed25519", None)


@pytest.mark.parametrize("mask", [0, 0o022, 0o777])
def test_only_the_owner_reads_the_private_half(mask: int, tmp_path: Path) -> None:
    before = os.umask(mask)
    try:
        make_key_pair(str(tmp_path / "k"), "ed25519", None)
    finally:
        os.umask(before)
    assert (tmp_path / "k").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "k.pub").stat().st_mode & 0o777 == 0o644 & ~mask


@pytest.mark.parametrize("taken", ["k", "k.pub"])
@pytest.mark.parametrize("link", [True, False], ids=["link", "file"])
def test_nothing_is_overwritten_and_no_link_followed(taken: str, link: bool, tmp_path: Path) -> None:  # noqa: FBT001
    elsewhere = tmp_path / "elsewhere"
    if link:
        (tmp_path / taken).symlink_to(elsewhere)
    else:
        (tmp_path / taken).write_text("mine")
    with pytest.raises(ContractError, match="exists") as caught:
        make_key_pair(str(tmp_path / "k"), "ed25519", None)
    assert caught.value.file == str(tmp_path / taken)
    assert [path.name for path in tmp_path.iterdir()] == [taken]
    assert link or (tmp_path / taken).read_text() == "mine"


@pytest.mark.parametrize(
    ("name", "complaint"), [("no/folder/k", "cannot be written: No such file"), ("nul\0", "no name of a file")]
)
def test_where_nothing_can_be_written(name: str, complaint: str, tmp_path: Path) -> None:
    with pytest.raises(ContractError, match=complaint):
        make_key_pair(f"{tmp_path}/{name}", "ed25519", None)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("failure", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("after", [0, 1])
def test_a_failure_leaves_nothing_behind(
    failure: BaseException, after: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []

    def fail(descriptor: int) -> None:
        if len(synced) == after:
            raise failure
        synced.append(descriptor)

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises((ContractError, KeyboardInterrupt)):
        make_key_pair(str(tmp_path / "k"), "ed25519", None)
    assert list(tmp_path.iterdir()) == []


def test_a_file_system_that_keeps_nothing_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep = os.fchmod
    monkeypatch.setattr(os, "fchmod", lambda descriptor, _mode: keep(descriptor, 0o644))
    with pytest.raises(ContractError, match="keeps nothing from others"):
        make_key_pair(str(tmp_path / "k"), "ed25519", None)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("passphrase", "complaint"), [("", "fewer than 12"), ("elevenchars", "fewer than 12"), ("x" * 1024, "1023 bytes")]
)
def test_passphrases_that_are_refused(passphrase: str, complaint: str, tmp_path: Path) -> None:
    with pytest.raises(ContractError, match=complaint) as caught:
        make_key_pair(str(tmp_path / "k"), "ed25519", passphrase)
    assert not passphrase or passphrase not in caught.value.diagnostics()
    assert list(tmp_path.iterdir()) == []


def test_a_passphrase_in_any_language(tmp_path: Path) -> None:
    passphrase = "пароль из слов \udcff"
    make_key_pair(str(tmp_path / "k"), "ed25519", passphrase)
    assert Path(tmp_path / "k").exists()
    assert open_signer(str(tmp_path / "k"), passphrase=lambda _: passphrase).key.type == "ed25519"
