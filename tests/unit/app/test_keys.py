"""Looking at keys, and hearing the passphrase that opens them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from parties import public
from xspm.app.keys import make_key_pair, passphrase_in, show
from xspm.errors import ContractError

if TYPE_CHECKING:
    from pathlib import Path


def not_asked(what: str) -> str:
    return pytest.fail(f"asked for {what}")


def test_both_halves_show_the_same_key(tmp_path: Path) -> None:
    made = make_key_pair(str(tmp_path / "k"), "ed25519", "correct horse battery")
    assert show(str(tmp_path / "k.pub"), not_asked) == made
    assert show(str(tmp_path / "k"), lambda _: "correct horse battery") == made


def test_an_openssh_public_key(tmp_path: Path) -> None:
    line = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGPKSUSMmu8RQtmQ9ohvaHNv0QIL7cFLuZBKD7mpzAqI alice\n"
    (tmp_path / "k.pub").write_text(line)
    assert show(str(tmp_path / "k.pub"), not_asked).type == "ed25519"
    (tmp_path / "k.pub").write_text(public("alice").pem())
    assert show(str(tmp_path / "k.pub"), not_asked) == public("alice")


@pytest.mark.parametrize(
    ("data", "complaint"),
    [(b"\xff\xfe", "no public key"), (b"", "no public key"), (b"x" * 20_000, "too long"), (b"y" * 99_999, "too many")],
)
def test_what_is_no_key(data: bytes, complaint: str, tmp_path: Path) -> None:
    (tmp_path / "k").write_bytes(data)
    with pytest.raises(ContractError, match=complaint) as caught:
        show(str(tmp_path / "k"), not_asked)
    assert caught.value.file == str(tmp_path / "k")


@pytest.mark.parametrize(
    ("data", "expected"),
    [(b"one", "one"), (b"one\n", "one"), (b"one\r\ntwo", "one"), (b" one \n", " one "), (b"\xff", "\udcff")],
)
def test_a_passphrase_is_the_first_line_as_it_is(data: bytes, expected: str, tmp_path: Path) -> None:
    file = tmp_path / "pass"
    file.write_bytes(data)
    file.chmod(0o600)
    assert passphrase_in(str(file)) == expected


@pytest.mark.parametrize(
    ("data", "mode", "complaint"),
    [
        (b"", 0o600, "is empty"),
        (b"\nsecond", 0o600, "is empty"),
        (b"secret", 0o644, "others may read or change this passphrase"),
        (b"x" * 4097, 0o600, "more than 4096 bytes"),
    ],
)
def test_a_passphrase_file_that_is_refused(data: bytes, mode: int, complaint: str, tmp_path: Path) -> None:
    file = tmp_path / "pass"
    file.write_bytes(data)
    file.chmod(mode)
    with pytest.raises(ContractError, match=complaint) as caught:
        passphrase_in(str(file))
    assert "secret" not in caught.value.diagnostics()
