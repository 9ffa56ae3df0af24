"""`xspm key`, as people and machines use it."""

from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING

import pytest

from commandline import assert_refused, call
from xspm.cli import passphrase
from xspm.contract.keys import read_public_key

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "correct horse battery"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("XSPM_PASSPHRASE_FILE", raising=False)


def typing(monkeypatch: pytest.MonkeyPatch, *answers: str) -> list[str]:
    """Somebody at a terminal; returns the questions they saw."""
    waiting, seen = [*answers], list[str]()

    def answer(question: str) -> str:
        seen.append(question)
        if not waiting:
            raise EOFError
        return waiting.pop(0)

    monkeypatch.setattr(passphrase, "_demand_terminal", lambda _what: None)
    monkeypatch.setattr("getpass.getpass", answer)
    return seen


def test_new_and_show_by_hand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seen = typing(monkeypatch, SECRET, SECRET, SECRET)
    made = call(capsys, "key", "new", "alice.key")
    key = read_public_key((tmp_path / "alice.key.pub").read_text())
    assert (made.code, made.err) == (0, "")
    assert key.id in made.out
    shown = call(capsys, "key", "show", "alice.key")
    assert (shown.code, shown.err) == (0, "")
    assert shown == call(capsys, "key", "show", "alice.key.pub")
    assert shown.out == f"id    {key.id}\ntype  ed25519\n\n{key.pem()}"
    assert seen == ["passphrase for alice.key: ", "passphrase for alice.key, again: ", "passphrase of alice.key: "]
    assert SECRET not in made.out + shown.out


@pytest.mark.parametrize("by", ["option", "variable"])
def test_new_and_show_by_a_machine(
    by: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "pass").write_text(f"{SECRET}\n")
    (tmp_path / "pass").chmod(0o600)
    if by == "variable":
        monkeypatch.setenv("XSPM_PASSPHRASE_FILE", "pass")
    given = ("--passphrase-file", "pass") if by == "option" else ()
    assert call(capsys, "key", "new", "k", "--type", "ml-dsa-65", *given).code == 0
    shown = call(capsys, "key", "show", "k", "--output", "json", *given)
    key = read_public_key((tmp_path / "k.pub").read_text())
    assert json.loads(shown.out) == {"id": key.id, "type": "ml-dsa-65", "pem": key.pem()}
    assert b"ENCRYPTED" in (tmp_path / "k").read_bytes()
    assert stat.S_IMODE((tmp_path / "k").stat().st_mode) == 0o600


def test_two_passphrases_that_differ(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    typing(monkeypatch, SECRET, "another one of them")
    assert_refused(call(capsys, "key", "new", "k"), "the two passphrases differ")
    assert list(tmp_path.iterdir()) == []


def test_somebody_who_types_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    typing(monkeypatch)
    assert_refused(call(capsys, "key", "new", "k"), "interrupted", code=130)
    assert list(tmp_path.iterdir()) == []


def test_no_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def none(*_arguments: object) -> int:
        raise OSError(6, "No such device or address")

    monkeypatch.setattr(passphrase.os, "open", none)  # type: ignore[attr-defined]
    outcome = call(capsys, "key", "new", "k")
    assert_refused(outcome, "the passphrase for k is needed, and there is no terminal to ask at")
    assert "--passphrase-file" in outcome.err
    assert list(tmp_path.iterdir()) == []


def test_no_passphrase(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(capsys, "key", "new", "k", "--no-passphrase").code == 0
    assert (tmp_path / "k").read_bytes().startswith(b"-----BEGIN PRIVATE KEY-----")
    assert call(capsys, "key", "show", "k").code == 0
    assert_refused(call(capsys, "key", "new", "k", "--no-passphrase"), "k: this file exists")
    monkeypatch.setenv("XSPM_PASSPHRASE_FILE", "pass")
    assert_refused(call(capsys, "key", "new", "j", "--no-passphrase"), "contradict")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("show", "missing"), "missing: cannot be read: No such file or directory"),
        (("show", "."), "this is a folder|no regular file"),
        (("show", "hv:../sys"), "this is no address of a key in Vault"),
        (("show", "bad\x1b[2Jname"), "cannot be read"),
        (("new", "k", "--type", "rsa"), "'rsa' is not one of"),
        (("new", "no/such/k", "--no-passphrase"), "no/such/k: cannot be written: No such file or directory"),
        (("new", "k", "--passphrase-file", "missing"), "missing: cannot be read"),
    ],
)
def test_refusals(arguments: tuple[str, ...], complaint: str, capsys: pytest.CaptureFixture[str]) -> None:
    outcome = call(capsys, "key", *arguments)
    assert_refused(outcome, next(one for one in complaint.split("|") if one in outcome.err or one == complaint))


def test_help_names_every_place(capsys: pytest.CaptureFixture[str]) -> None:
    out = call(capsys, "key", "show", "--help").out
    assert [one for one in ("agent:", "hsm:", "awskms:", "gcpkms:", "azurekms:", "hv:") if one not in out] == []
