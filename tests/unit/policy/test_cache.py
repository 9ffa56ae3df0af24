"""A cache that cannot be trusted is as good as none."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from xspm.policy import cache as module
from xspm.policy.cache import Cache

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_what_is_put_comes_back(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "deep" / "cache")
    assert cache.get("aa") is None
    cache.put("aa", b"payload")
    assert cache.get("aa") == b"payload"
    assert (tmp_path / "deep" / "cache").stat().st_mode & 0o777 == 0o700


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


def _fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize(
    "harm",
    [
        _flip,
        lambda path: path.write_bytes(path.read_bytes()[:-1]),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"something else entirely" * 10),
        lambda path: path.chmod(0o666),
        lambda path: path.parent.chmod(0o777),
        lambda path: (path.rename(path.parent / "bb"), path.symlink_to(path.parent / "bb")),
        _fifo,
        lambda path: (path.unlink(), path.mkdir()),
    ],
)
def test_what_was_touched_is_ignored(tmp_path: Path, harm: Callable[[Path], object]) -> None:
    cache = Cache(tmp_path / "cache")
    cache.put("aa", b"payload")
    harm(tmp_path / "cache" / "aa")
    assert cache.get("aa") is None


def test_what_another_user_owns_is_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = Cache(tmp_path / "cache")
    cache.put("aa", b"payload")
    me = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: me + 1)
    assert cache.get("aa") is None
    cache.put("bb", b"payload")
    monkeypatch.undo()
    assert cache.get("bb") is None


def test_failing_to_write_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    cache = Cache(tmp_path / "file" / "cache")
    cache.put("aa", b"payload")
    assert cache.get("aa") is None


def test_only_the_newest_files_are_kept(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    for index in range(30):
        cache.put(f"{index:02}", b"payload")
        os.utime(tmp_path / "cache" / f"{index:02}", (index, index))
    kept = sorted(path.name for path in (tmp_path / "cache").iterdir())
    assert len(kept) == 8
    assert kept[-1] == "29"


def test_all_together_stay_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MAX_KEPT", 1000)
    cache = Cache(tmp_path / "cache")
    for index in range(5):
        for key in (f"{index:02}.part", f"{index:02}"):
            cache.put(key, b"x" * 100)
            os.utime(tmp_path / "cache" / key, (index, index))
    assert sorted(path.name for path in (tmp_path / "cache").iterdir()) == [
        "02",
        "02.part",
        "03",
        "03.part",
        "04",
        "04.part",
    ]
    cache.put("99", b"x" * 2000)
    assert cache.get("99") == b"x" * 2000
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["99"]


def test_what_was_never_finished_goes_in_time(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    cache.put("aa", b"payload")
    for name, age in {".bb.1": 0.0, ".cc.2": 7200.0}.items():
        (tmp_path / "cache" / name).write_bytes(b"half")
        os.utime(tmp_path / "cache" / name, (time.time() - age,) * 2)
    cache.put("dd", b"payload")
    assert sorted(path.name for path in (tmp_path / "cache").iterdir()) == [".bb.1", "aa", "dd"]


def test_a_key_is_dropped_with_its_parts(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    for index in range(17):
        for key in (f"{index:02}", f"{index:02}.part"):
            cache.put(key, b"payload")
            os.utime(tmp_path / "cache" / key, (index, index))
    cache.put("99", b"payload")
    kept = {path.name for path in (tmp_path / "cache").iterdir()}
    assert not kept & {"00", "00.part", "01", "01.part"}
    assert {"16", "16.part", "99"} <= kept
