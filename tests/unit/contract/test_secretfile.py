"""A secret is read only from a small, regular file that others may not read."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from xspm.contract.secretfile import Read, demand_secret, read_small
from xspm.errors import ContractError

if TYPE_CHECKING:
    from pathlib import Path


def test_reads_up_to_the_limit(tmp_path: Path) -> None:
    file = tmp_path / "f"
    file.write_bytes(b"12345")
    file.chmod(0o640)
    assert read_small(str(file), 5) == Read(str(file), b"12345", 0o640, own=True)
    with pytest.raises(ContractError, match="more than 4 bytes"):
        read_small(str(file), 4)


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("missing", "cannot be read: No such file"),
        ("folder", "this is a folder|no regular file"),
        ("pipe", "no regular file"),
        ("nul\0", "no name of a file"),
        ("loop", "cannot be read: "),
    ],
)
def test_what_is_no_file_is_refused_and_never_waited_for(name: str, complaint: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(ContractError, match=complaint) as caught:
        read_small(f"{tmp_path}/{name}", 10)
    assert caught.value.file == f"{tmp_path}/{name}"


@pytest.mark.parametrize(
    ("mode", "own", "secret"),
    [
        (0o600, True, True),
        (0o400, True, True),
        (0o640, True, False),
        (0o604, True, False),
        (0o602, True, False),
        (0o440, False, True),
        (0o444, False, False),
        (0o442, False, False),
    ],
)
def test_who_else_may_read_it(mode: int, own: bool, secret: bool) -> None:  # noqa: FBT001 - a table
    read = Read("key", b"", mode, own)
    if secret:
        demand_secret(read, "private key")
        return
    with pytest.raises(ContractError, match=f"others may read or change this private key: its mode is {mode:04o}") as e:
        demand_secret(read, "private key")
    assert str(e.value.hint).startswith("chmod 600 key")
