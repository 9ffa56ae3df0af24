"""The disk under a ledger: durable, bounded, with one writer."""

from __future__ import annotations

import builtins
import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Self

import pytest

from xspm.errors import LedgerError
from xspm.ledger.files import LOCK, Disk, make_top_folder, replace_file

if TYPE_CHECKING:
    from pathlib import Path


def test_write_read_replace_remove(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    assert disk.read("a/b", 10) is None
    assert not disk.exists("a")
    assert disk.make_folder("a")
    assert not disk.make_folder("a")
    disk.write("a/b", b"old and longer")
    disk.write("a/b", b"new")
    disk.sync("a/b")
    disk.sync_folder("a")
    assert disk.read("a/b", 3) == b"new"
    assert disk.exists("a/b")
    disk.replace("a/b", "a/c")
    assert (disk.read("a/b", 3), disk.read("a/c", 3)) == (None, b"new")
    assert disk.read("a/c/d", 3) is None
    disk.remove_folder("a")
    disk.remove_folder("a")
    assert list(tmp_path.iterdir()) == []


def test_replacing_leaves_nothing_beside(tmp_path: Path) -> None:
    replace_file(Disk(tmp_path), "f", b"1")
    replace_file(Disk(tmp_path), "f", b"2")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("f", b"2")]


def test_what_cannot_be_is_one_error(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    (tmp_path / "large").write_bytes(bytes(5))
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop").symlink_to("loop")
    for act, reason in (
        (lambda: disk.read("large", 4), "more than 4 bytes"),
        (lambda: disk.read("pipe", 4), "not a regular file"),
        (lambda: disk.read("folder", 4), "Is a directory"),
        (lambda: disk.read("loop", 4), "symbolic links"),
        (lambda: disk.write("no/file", b""), "No such file"),
        (lambda: disk.sync("no"), "No such file"),
        (lambda: disk.sync_folder("large"), "Not a directory"),
        (lambda: disk.make_folder("no/folder"), "No such file"),
        (lambda: disk.replace("no", "there"), "No such file"),
        (lambda: disk.remove_folder("large"), "Not a directory"),
        (lambda: make_top_folder(tmp_path / "large" / "x"), "Not a directory"),
        (lambda: Disk(tmp_path / "gone").lock(0).__enter__(), "No such file"),
    ):
        with pytest.raises(LedgerError, match=reason):
            act()


def test_syncs_reach_the_disk_unless_told_not_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    for durable, expected in ((False, 0), (True, 2)):
        disk = Disk(tmp_path, durable=durable)
        disk.write("f", b"")
        disk.sync("f")
        disk.sync_folder("")
        assert len(synced) == expected


def test_many_files_are_synced_and_one_failure_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = Disk(tmp_path)
    names = [f"f{number}" for number in range(20)]
    for name in names:
        disk.write(name, b"")
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(os.fstat(descriptor).st_ino))
    disk.sync(*names)
    assert sorted(synced) == sorted((tmp_path / name).stat().st_ino for name in names)
    with pytest.raises(LedgerError, match="gone: No such file"):
        disk.sync(*names, "gone")
    Disk(tmp_path, durable=False).sync(*names, "gone")
    assert len(synced) == 40


def test_a_short_write_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.open

    class Slow:
        def __init__(self, *args: object, **kwargs: object) -> None:
            self._file = real(*args, **kwargs)  # type: ignore[call-overload]

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_: object) -> None:
            self._file.close()

        def write(self, data: memoryview) -> int:
            return int(self._file.write(data[:3]))

    with monkeypatch.context() as patch:
        patch.setattr(builtins, "open", Slow)
        Disk(tmp_path).write("f", b"0123456789")
    assert (tmp_path / "f").read_bytes() == b"0123456789"


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    inside, go = threading.Event(), threading.Event()

    def hold() -> None:
        with Disk(tmp_path).lock(5):
            inside.set()
            go.wait()

    holder = threading.Thread(target=hold)
    holder.start()
    inside.wait()
    with pytest.raises(LedgerError, match="another process has been writing"), Disk(tmp_path).lock(0.02):
        pass
    go.set()
    holder.join()
    with Disk(tmp_path).lock(5):
        assert (tmp_path / LOCK).exists()


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys\nfrom xspm.ledger.files import Disk\n"
        "with Disk(sys.argv[1]).lock(5):\n    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    assert subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False).returncode == -9
    with Disk(tmp_path).lock(0):
        pass


def test_the_top_folder(tmp_path: Path) -> None:
    make_top_folder(tmp_path / "a" / "b")
    make_top_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()
