"""A policy folder is read once, with limits."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from xspm.errors import PolicyError
from xspm.policy import folder
from xspm.policy.folder import read_folder
from xspm.policy.library import CONTENT

if TYPE_CHECKING:
    from pathlib import Path


def test_a_folder_holds_what_the_layout_names(tmp_path: Path) -> None:
    for name in (
        "checks/a/b.yaml",
        "checks/.hidden/c.yaml",
        "checks/.d.yaml",
        "policies/p.yaml",
        "notes.yaml",
        "checks/readme.md",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "exceptions.yaml").write_text("e")
    read = read_folder(tmp_path)
    assert list(read.files) == ["checks/a/b.yaml", "exceptions.yaml", "policies/p.yaml"]
    assert read.of("checks") == {"a/b.yaml": b"checks/a/b.yaml"}
    assert read.name("checks/a/b.yaml") == f"{tmp_path}/checks/a/b.yaml"


def test_a_single_file_is_a_policy(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("x")
    assert read_folder(tmp_path / "mine.yaml").files == {"policies/mine.yaml": b"x"}


def test_an_empty_folder_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="no policy files here"):
        read_folder(tmp_path)


def test_a_folder_that_is_not_there_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="no such policy folder or file"):
        read_folder(tmp_path / "absent")


def test_what_is_no_regular_file_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "checks").mkdir()
    os.mkfifo(tmp_path / "checks" / "a.yaml")
    with pytest.raises(PolicyError, match="not a regular file"):
        read_folder(tmp_path)


def test_sizes_are_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "checks").mkdir()
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / "checks" / name).write_text("xxx")
    monkeypatch.setattr(folder, "_MAX_FILE", 2)
    with pytest.raises(PolicyError, match="larger than 2 bytes"):
        read_folder(tmp_path)
    monkeypatch.setattr(folder, "_MAX_FILES", 1)
    with pytest.raises(PolicyError, match="more than 1 policy files"):
        read_folder(tmp_path)


def test_a_link_to_nowhere_is_named(tmp_path: Path) -> None:
    (tmp_path / "checks").mkdir()
    (tmp_path / "checks" / "a.yaml").symlink_to("absent")
    with pytest.raises(PolicyError, match="cannot be read: No such file"):
        read_folder(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every folder")
def test_a_folder_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "checks").mkdir(mode=0)
    with pytest.raises(PolicyError, match="cannot be read: Permission denied"):
        read_folder(tmp_path)


def test_the_other_suffix_of_yaml_is_named(tmp_path: Path) -> None:
    (tmp_path / "checks").mkdir()
    (tmp_path / "checks" / "a.yml").write_text("x")
    with pytest.raises(PolicyError, match=r"policy files end in \.yaml"):
        read_folder(tmp_path)


def test_a_link_to_a_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "checks").mkdir()
    (tmp_path / "checks" / "a").symlink_to("/etc")
    with pytest.raises(PolicyError, match="a link to a folder is not followed"):
        read_folder(tmp_path)


def test_a_single_file_is_named_as_given(tmp_path: Path) -> None:
    (tmp_path / "mine.yml").write_text("x")
    read = read_folder(tmp_path / "mine.yml")
    assert list(read.files) == ["policies/mine.yaml"]
    assert read.name("policies/mine.yaml") == f"{tmp_path}/mine.yml"


def test_a_path_that_leads_in_a_circle_is_named(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("a")
    with pytest.raises(PolicyError, match="cannot be read: Too many levels of symbolic links"):
        read_folder(tmp_path / "a")


def test_a_folder_that_cannot_be_listed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As for a user without rights, whoever runs the tests."""
    (tmp_path / "checks").mkdir()

    def refuse(path: str) -> None:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(PolicyError, match="checks: cannot be read: Permission denied"):
        read_folder(tmp_path)


def test_shipped_content_that_cannot_be_listed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: str) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(PolicyError, match="cannot be read: Permission denied"):
        folder.shipped_folder(type(CONTENT)(tmp_path))
