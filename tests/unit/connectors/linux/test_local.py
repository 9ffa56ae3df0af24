"""This machine and unpacked root file systems: what is read, and what never is."""

from __future__ import annotations

import errno
import os
import socket
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from xspm.connectors.linux import CONNECTOR, local, walk
from xspm.connectors.linux.beneath import Beneath
from xspm.connectors.linux.capabilities import Capabilities
from xspm.connectors.linux.directory import DirectorySource
from xspm.connectors.linux.host import HostSource
from xspm.connectors.linux.transport import Stat
from xspm.errors import ConnectorError
from xspm.model.asset import Problem
from xspm.model.unknown import Unknown

if TYPE_CHECKING:
    from xspm.model.unknown import Maybe

AS_ROOT = os.geteuid() == 0


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root file system with every trap there is, beside a file that it must not show."""
    (tmp_path / "secret").write_text("outside")
    top = tmp_path / "root"
    (top / "etc/conf.d").mkdir(parents=True)
    (top / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\n")
    (top / "etc/bytes").write_bytes(b"a\xff\n")
    (top / "etc/absolute").symlink_to("/etc/passwd")
    (top / "etc/outside").symlink_to(tmp_path / "secret")
    (top / "etc/up").symlink_to("../../secret")
    (top / "etc/loop").symlink_to("loop")
    (top / "lib").symlink_to("/usr/lib")
    (top / "usr/lib").mkdir(parents=True)
    (top / "usr/lib/os-release").write_text("ID=debian\nVERSION_ID=12\n")
    (top / "escape").symlink_to("/..")
    os.mkfifo(top / "etc/fifo")
    (top / "etc/to_fifo").symlink_to("fifo")
    with socket.socket(socket.AF_UNIX) as listener:
        before = Path.cwd()
        os.chdir(top)
        listener.bind("etc/socket")
        os.chdir(before)
    (top / "etc/conf.d/b.conf").write_text("b")
    (top / "etc/conf.d/a.conf").write_text("a")
    (top / "etc/conf.d/.hidden.conf").write_text("h")
    return top


def cause(value: Maybe[object]) -> str:
    """Return the cause of an unknown value."""
    assert isinstance(value, Unknown)
    return value.cause


def test_links_stay_inside(root: Path) -> None:
    source = DirectorySource(str(root))
    assert source.text("/etc/absolute") == source.text("/etc/passwd")
    assert source.text("/lib/os-release") == "ID=debian\nVERSION_ID=12\n"
    assert source.text("/etc/outside") is None
    assert source.text("/etc/up") is None
    assert source.text("/../../secret") is None
    assert source.text("/escape/secret") is None
    assert source.text("/escape/etc/passwd") is not None
    assert source.list("/escape") == sorted(item.name for item in root.iterdir())


def test_only_regular_files_are_opened(root: Path) -> None:
    source = DirectorySource(str(root))
    for path in ("/etc/fifo", "/etc/to_fifo", "/etc/socket", "/etc"):
        assert cause(source.text(path)) == "format"
    assert cause(source.text("/etc/loop")) == "format"
    assert cause(HostSource().text("/dev/zero")) == "format"


def test_undecodable_bytes_are_replaced(root: Path) -> None:
    assert DirectorySource(str(root)).text("/etc/bytes") == "a\ufffd\n"


def test_size_is_capped(root: Path) -> None:
    assert cause(DirectorySource(str(root)).text("/etc/passwd", 3)) == "limit"


def test_endless_file_is_capped() -> None:
    """A file of the kernel without a size is read only up to the limit."""
    assert cause(HostSource().data("/proc/kallsyms", 1000)) in {"limit", "access"}


def test_folder_with_too_many_entries(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "ENTRY_LIMIT", 2)
    assert cause(DirectorySource(str(root)).list("/etc/conf.d")) == "limit"


def test_glob_and_list(root: Path) -> None:
    source = DirectorySource(str(root))
    assert source.glob("/etc/conf.d/*.conf") == ["/etc/conf.d/a.conf", "/etc/conf.d/b.conf"]
    assert source.list("/etc/nowhere") is None
    assert source.list("/etc/passwd") is None


def test_stat(root: Path) -> None:
    source = DirectorySource(str(root))
    link, target = source.stat("/etc/absolute"), source.stat("/etc/absolute", follow=True)
    assert isinstance(link, Stat)
    assert isinstance(target, Stat)
    assert (link.kind, link.target, target.kind) == ("link", "/etc/passwd", "file")
    assert source.stat("/etc/none") is None
    assert source.stat("relative") is None


def test_name_that_is_not_utf8_is_not_lost(root: Path) -> None:
    Path(os.fsdecode(os.fsencode(root / "etc/conf.d") + b"/\xff.conf")).touch()
    source = DirectorySource(str(root))
    paths = source.glob("/etc/conf.d/\ufffd*")
    assert paths == ["/etc/conf.d/\ufffd.conf"]
    assert cause(source.text(paths[0])) == "format"


@pytest.mark.skipif(AS_ROOT, reason="root may read everything")
def test_denied(root: Path) -> None:
    (root / "etc/conf.d").chmod(0)
    source = DirectorySource(str(root))
    assert cause(source.list("/etc/conf.d")) == "access"
    assert cause(source.glob("/etc/conf.d/*")) == "access"
    (root / "etc/conf.d").chmod(0o755)


def test_nothing_of_that_root_is_run(root: Path) -> None:
    assert cause(DirectorySource(str(root)).run("id")) == "missing"


def test_target_must_be_a_folder(root: Path) -> None:
    for path in ("/nowhere", root / "etc/passwd"):
        with pytest.raises(ConnectorError, match="cannot read the root file system"):
            DirectorySource(str(path))


def test_scan_of_an_unpacked_root(root: Path) -> None:
    assert CONNECTOR.recognises(str(root))
    snapshot = CONNECTOR.collect(f"dir:{root}", None, lambda _: None)  # type: ignore[arg-type]
    assert snapshot.asset.id == f"dir:{root}"
    assert snapshot.asset.labels["os.name"] == "debian"
    assert "outside" not in str(snapshot.resources)


def test_walk_finds_what_matters_and_nothing_else(root: Path) -> None:
    program = root / "usr/lib/program"
    program.write_text("")
    program.chmod(0o4755)
    (root / "open").mkdir()
    (root / "open").chmod(0o777)
    (root / "open/file").write_text("")
    (root / "open/file").chmod(0o666)
    (root / "var/lib/docker").mkdir(parents=True)
    (root / "var/lib/docker/x").write_text("")
    (root / "var/lib/docker/x").chmod(0o4777)
    own = {os.getuid()}, {os.getgid()}
    found = [item for item in walk.walk(str(root), {}, *own) if isinstance(item, Stat)]
    assert {item.path: oct(item.mode) for item in found} == {
        "/usr/lib/program": "0o4755",
        "/open": "0o777",
        "/open/file": "0o666",
    }
    everything = [item for item in walk.walk(str(root), {}, set(), set()) if isinstance(item, Stat)]
    assert "/etc/passwd" in {item.path for item in everything}
    assert not any(stat.S_ISLNK(os.lstat(f"{root}{item.path}").st_mode) for item in everything)


def swap(root: Path, folder: str) -> None:
    """Put a link that leads outside in the place of a folder."""
    (root.parent / "away/sub").mkdir(parents=True)
    for place in ("away", "away/sub"):
        (root.parent / place / "secret").write_text("outside")
        (root.parent / place / "secret").chmod(0o666)
    (root / folder).rename(root / "moved")
    (root / folder).symlink_to(root.parent / "away")


def test_no_read_follows_a_folder_that_became_a_link(root: Path) -> None:
    """A folder is swapped between the look at its path and the read."""

    class Swapped(DirectorySource):
        def _resolve(self, path: str, *, follow: bool) -> str:
            inside = super()._resolve(path, follow=follow)
            if not (root / "moved").exists():
                swap(root, "etc/conf.d")
            return inside

    source = Swapped(str(root))
    assert source.text("/etc/conf.d/secret") is None
    for path in ("/etc/conf.d/secret", "/etc/conf.d/sub/secret"):
        assert source.text(path) != "outside"
        assert not isinstance(source.stat(path), Stat)
    assert source.list("/etc/conf.d/sub") is None


def test_a_folder_that_became_a_link_is_refused(root: Path) -> None:
    beneath = Beneath(str(root))
    swap(root, "etc/conf.d")
    with pytest.raises(OSError, match="a link took the place of a folder"):
        beneath.place("/etc/conf.d/secret")
    with pytest.raises(NotADirectoryError):
        beneath.place("/etc/passwd/x")


def test_many_folders_are_not_all_kept_open(root: Path) -> None:
    for number in range(200):
        (root / f"many/{number}").mkdir(parents=True)
        (root / f"many/{number}/x").write_text(str(number))
    source = DirectorySource(str(root))
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    assert [source.text(f"/many/{number}/x") for number in range(200)] == [str(number) for number in range(200)]
    assert len(os.listdir("/proc/self/fd")) - before < 100  # noqa: PTH208


def test_walk_never_leaves_through_a_folder_that_became_a_link(root: Path) -> None:
    (root / "spool/sub").mkdir(parents=True)
    (root / "spool/open").write_text("")
    (root / "spool/open").chmod(0o666)
    found: list[str] = []
    problems: list[str] = []
    for item in walk.walk(str(root), {}, {os.getuid()}, {os.getgid()}):
        if isinstance(item, Problem):
            problems.append(item.message)
            continue
        found.append(item.path)
        if item.path == "/spool/open":
            swap(root, "spool")
    assert found == ["/spool/open"]
    assert problems == ["1 folders could not be listed, for instance /spool/sub"]


def test_walk_reads_capabilities(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only executable files are asked, and each by its open folder."""
    for name, mode in (("run", 0o755), ("data", 0o644)):
        (root / f"usr/lib/{name}").write_text("")
        (root / f"usr/lib/{name}").chmod(mode)
    asked: list[str] = []

    def getxattr(path: str, name: str, *, follow_symlinks: bool) -> bytes:
        assert (name, follow_symlinks) == ("security.capability", False)
        asked.append(path.rpartition("/")[2])
        return bytes.fromhex("0100000280000000000000000000000000000000")

    monkeypatch.setattr(os, "getxattr", getxattr)
    own = {os.getuid()}, {os.getgid()}
    found = [item for item in walk.walk(str(root), {}, *own) if isinstance(item, Stat)]
    assert {item.path: item.capabilities for item in found} == {"/usr/lib/run": Capabilities(("cap_setuid",))}
    assert asked == ["run"]


def test_capabilities_that_cannot_be_read_are_a_problem(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "usr/lib/run").write_text("")
    (root / "usr/lib/run").chmod(0o755)

    def getxattr(path: str, name: str, *, follow_symlinks: bool) -> bytes:  # noqa: ARG001
        raise PermissionError(errno.EACCES, "permission denied", path)

    monkeypatch.setattr(os, "getxattr", getxattr)
    (problem,) = walk.walk(str(root), {}, {os.getuid()}, {os.getgid()})
    assert isinstance(problem, Problem)
    assert problem.resource_types == ("linux.capable_file",)


def test_walk_is_bounded(root: Path) -> None:
    for index in range(5):
        (root / f"d{index}").mkdir()
    by_count = [item for item in walk.walk(str(root), {}, set(), set(), limit=3) if isinstance(item, Problem)]
    by_time = [item for item in walk.walk(str(root), {}, set(), set(), timeout=-1) if isinstance(item, Problem)]
    assert [item.kind for item in by_count + by_time] == ["limit", "timeout"]


def test_walk_does_not_follow_a_link_that_took_the_place_of_a_folder(
    root: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "theirs").touch()
    (root / "swapped").mkdir()
    opened = os.open

    def swap(path: str, flags: int, mode: int = 0o777) -> int:
        if path.rstrip("/").endswith("/swapped"):
            (root / "swapped").rmdir()
            (root / "swapped").symlink_to(outside)
        return opened(path, flags, mode)

    monkeypatch.setattr(os, "open", swap)
    found = list(walk.walk(str(root), {}, set(), set()))
    assert (root / "swapped").is_symlink()
    assert not [item for item in found if isinstance(item, Problem) or "theirs" in item.path]


def test_walk_says_what_it_could_not_list(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = os.open

    def refuse(path: str, flags: int, mode: int = 0o777) -> int:
        if path.endswith("/conf.d"):
            raise PermissionError(13, "denied")
        if path.endswith("/usr"):
            raise FileNotFoundError(2, "gone")
        return opened(path, flags, mode)

    monkeypatch.setattr(os, "open", refuse)
    problems = [item for item in walk.walk(str(root), {}, set(), set()) if isinstance(item, Problem)]
    assert [(item.kind, item.message) for item in problems] == [
        ("access", "1 folders could not be listed, for instance /etc/conf.d")
    ]


def test_commands() -> None:
    host = HostSource()
    output = host.run("uname", "-m")
    assert output is not None
    assert not isinstance(output, Unknown)
    assert (output.status, output.stdout.strip()) == (0, os.uname().machine)
    assert host.run("uname", "-m") is output
    assert host.run("no-such-program-anywhere") is None


def test_command_without_end_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xspm.connectors.linux.host.COMMAND_TIMEOUT_SECONDS", 0.1)
    assert cause(HostSource().run("sleep", "20")) == "timeout"


def test_command_that_prints_too_much_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xspm.connectors.linux.host.COMMAND_LIMIT", 1000)
    assert cause(HostSource().run("cat", "/proc/kallsyms", "/etc/services", "/usr/bin/env")) == "limit"
