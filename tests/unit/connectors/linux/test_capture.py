"""The collector script under every shell at hand, and the source over what it prints."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from xspm.connectors.linux.capabilities import Capabilities
from xspm.connectors.linux.capture import Capture, CaptureSource, Patterns
from xspm.connectors.linux.host import HostSource
from xspm.connectors.linux.script import make
from xspm.connectors.linux.transport import Needs, Output, Stat
from xspm.errors import ConnectorError
from xspm.model.asset import Problem
from xspm.model.unknown import Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xspm.model.unknown import Maybe

BOUNDARY = "0123456789abcdef" * 3
SHELLS = [shell for shell in (["dash"], ["bash", "--posix"], ["busybox", "sh"]) if shutil.which(shell[0])]


def run(needs: Needs, shell: list[str] | None = None) -> CaptureSource:
    """Run the script on this machine."""
    script, commands = make([needs], BOUNDARY)
    done = subprocess.run([*(shell or ["sh"]), "-s"], input=script.encode(), capture_output=True, check=True)
    assert done.stderr == b""
    capture = Capture([needs])
    capture.read(done.stdout, BOUNDARY, commands)
    return CaptureSource(capture)


def ended(data: Maybe[bytes | None]) -> Maybe[bytes | None]:
    """Return a content without its last newline."""
    return data.removesuffix(b"\n") if isinstance(data, bytes) else data


@pytest.fixture
def tree() -> Iterator[Path]:
    """A folder of odd files that everybody may enter."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    fill(folder)
    yield folder
    shutil.rmtree(folder)


def fill(tmp_path: Path) -> None:
    """Make files that are hard to tell of in text."""
    (tmp_path / "a b.conf").write_text("first\nsecond without end")
    (tmp_path / "empty.conf").write_text("")
    (tmp_path / "binary").write_bytes(bytes(range(256)))
    (tmp_path / "forged").write_text(f"x\n{BOUNDARY[:-1]} F /etc/shadow\nroot::\n")
    (tmp_path / "new\nline.conf").write_text("odd")
    (tmp_path / "link").symlink_to("a b.conf")
    (tmp_path / "masked.conf").symlink_to("/dev/null")
    (tmp_path / "dangling").symlink_to("nowhere ' -> \"x")
    (tmp_path / ".hidden").write_text("")
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "sub").mkdir(mode=0o751)


@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
def test_same_answers_as_reading_directly(shell: list[str], tree: Path) -> None:
    needs = Needs(
        texts=(f"{tree}/*", f"{tree}/.*", "/proc/sys/kernel/ostype", "/proc/sys/kernel/pid_max"),
        stats=(f"{tree}/*", f"{tree}/.*", str(tree), "/nowhere"),
        lists=(str(tree), f"{tree}/*"),
        commands=(("uname", "-s"), ("no-such-program",), ("ls", "/no where"), ("printf", "a'b\\n$x")),
    )
    captured, host = run(needs, shell), HostSource()
    assert captured.live
    assert captured.root is host.root
    for name in sorted(item.name for item in tree.iterdir()):
        path = f"{tree}/{name}"
        assert captured.stat(path) == host.stat(path), name
        assert captured.stat(path, follow=True) == host.stat(path, follow=True), name
        # awk ends every file with a newline.
        assert ended(captured.data(path)) == ended(host.data(path)), name
    assert captured.list(str(tree)) == host.list(str(tree))
    assert captured.list(f"{tree}/sub") == []
    assert captured.list(f"{tree}/binary") is None
    assert captured.glob(f"{tree}/*") == host.glob(f"{tree}/*")
    assert captured.glob(f"{tree}/*.conf") == host.glob(f"{tree}/*.conf")
    assert captured.text("/proc/sys/kernel/ostype") == "Linux\n"
    assert captured.text("/proc/sys/kernel/pid_max") == host.text("/proc/sys/kernel/pid_max")
    assert captured.run("uname", "-s") == Output(0, "Linux\n")
    assert captured.run("no-such-program") is None
    failed = captured.run("ls", "/no where")
    assert isinstance(failed, Output)
    assert failed.status != 0
    assert "/no where" in failed.stderr
    assert captured.run("printf", "a'b\\n$x") == Output(0, "a'b\n$x")
    assert captured.stat("/nowhere") is None
    assert captured.missed is None


def test_a_file_that_did_not_come_is_unknown(tree: Path) -> None:
    """What was listed and asked for, and is not in the output, is never taken for a file that is not there."""
    captured = run(Needs(texts=(f"{tree}/*",)))
    del captured._capture.contents[f"{tree}/a b.conf"]
    for name in ("a b.conf", "link"):
        captured._capture.contents.pop(f"{tree}/{name}", None)
        assert isinstance(captured.text(f"{tree}/{name}"), Unknown)


def test_content_cannot_forge_a_record(tree: Path) -> None:
    captured = run(Needs(texts=(f"{tree}/forged",)))
    assert isinstance(captured.text("/etc/shadow"), Unknown)


def test_what_was_not_asked_for_is_remembered(tree: Path) -> None:
    captured = run(Needs(texts=("/etc/hostname",)))
    for value in (
        captured.text(f"{tree}/binary"),
        captured.glob(f"{tree}/*.conf"),
        captured.list(f"{tree}"),
        captured.run("id"),
    ):
        assert isinstance(value, Unknown)
        assert value.cause == "missing"
    missed = captured.missed
    assert missed is not None
    assert {f"{tree}/binary", f"{tree}/*.conf", str(tree), "/tmp"} <= set(missed.texts)
    assert missed.commands == (("id",),)


def test_what_was_only_looked_up_is_not_read(tree: Path) -> None:
    captured = run(Needs(texts=("/etc/hostname",)))
    captured.stat(f"{tree}/binary")
    missed = captured.missed
    assert missed is not None
    assert (missed.texts, f"{tree}/binary" in missed.stats, str(tree) in missed.stats) == ((), True, True)


def test_below_what_does_not_exist_is_nothing(tree: Path) -> None:
    captured = run(Needs(stats=(f"{tree}/*",)))
    assert captured.text(f"{tree}/nothing/deep/below") is None
    assert captured.missed is None


def test_kernel_stands_for_its_release() -> None:
    captured = run(Needs(stats=("/lib/modules/{kernel}/modules.dep",)))
    captured.stat(f"/lib/modules/{os.uname().release}/modules.dep")
    assert captured.missed is None


@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
def test_walk_finds_what_the_host_finds(shell: list[str]) -> None:
    """Setuid programs of this machine, by `find` and by Python."""
    captured = run(Needs(walk=True), shell)
    by_find = {item.path for item in captured.walk() if isinstance(item, Stat) and item.mode & 0o4000}
    by_python = {item.path for item in HostSource().walk() if isinstance(item, Stat) and item.mode & 0o4000}
    stable = {path for path in by_find ^ by_python if not path.startswith(("/tmp/", "/var/tmp/"))}
    assert stable == set()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_as_somebody_without_rights(tree: Path) -> None:
    closed = tree / "closed"
    closed.mkdir(mode=0o700)
    (closed / "file").write_text("x")
    (tree / "mine").write_text("x")
    (tree / "mine").chmod(0o600)
    needs = Needs(texts=(f"{closed}/*", f"{closed}/file", f"{tree}/mine"), lists=(str(closed),))
    script, commands = make([needs], BOUNDARY)
    done = subprocess.run(
        ["sh", "-s"], input=script.encode(), capture_output=True, check=True, user=65534, group=65534, extra_groups=[]
    )
    capture = Capture([needs])
    capture.read(done.stdout, BOUNDARY, commands)
    source = CaptureSource(capture)
    assert source.root is False
    for value in (
        source.text(f"{closed}/file"),
        source.glob(f"{closed}/*"),
        source.list(str(closed)),
        source.text(f"{tree}/mine"),
    ):
        assert isinstance(value, Unknown)
        assert value.cause == "access"


@pytest.mark.parametrize("data", [b"", b"motd\n", b"\n" + BOUNDARY.encode() + b" M 0 6.1", b"\xff" * 1000])
def test_output_that_is_cut_is_refused(data: bytes) -> None:
    with pytest.raises(ConnectorError, match="did not come to its end"):
        Capture([]).read(data, BOUNDARY, [])


def test_damaged_records_are_left_out() -> None:
    mark, end = f"\n{BOUNDARY} ".encode(), f" {BOUNDARY[::-1]}".encode()
    data = mark.join(
        [b"", b"M x 6.1", b"s zz", b"s g 0 0 0 0 0 /x", b"F /a" + end + b"\nb", b"U rx /root" + end + b"\n", b"Z", b""]
    )
    capture = Capture([Needs(texts=("/a", "/root/*"))])
    capture.read(data, BOUNDARY, [])
    source = CaptureSource(capture)
    assert source.text("/a") == "b"
    assert isinstance(source.glob("/root/*"), Unknown)
    assert source.root is False


@pytest.mark.parametrize(("status", "kind"), [(None, "limit"), (124, "timeout"), (1, "access")])
def test_walk_that_was_not_whole_is_a_problem(status: int | None, kind: str) -> None:
    capture = Capture([])
    capture.uid, capture.walk_status, capture.capable = 1000, status, {}
    assert [item.kind for item in CaptureSource(capture).walk() if isinstance(item, Problem)] == [kind]


def test_capabilities_come_from_getcap() -> None:
    mark, end = f"\n{BOUNDARY} ".encode(), f" {BOUNDARY[::-1]}".encode()
    found = b"s 81ed 0 0 1 0 0 /usr/bin/a" + end + b" /usr/bin/a" + end
    records = [
        b"",
        b"g",
        b"s 81ff 0 0 1 0 0 /b" + end + b" /b" + end,
        b"g\n/usr/bin/a cap_setuid=ep\n",
        found,
        b"w 0",
        b"Z",
        b"",
    ]
    capture = Capture([])
    capture.read(mark.join(records), BOUNDARY, [])
    assert {item.path: item.capabilities for item in CaptureSource(capture).walk() if isinstance(item, Stat)} == {
        "/b": None,
        "/usr/bin/a": Capabilities(("cap_setuid",)),
    }


def test_without_getcap_capabilities_are_a_problem() -> None:
    capture = Capture([])
    capture.uid, capture.walk_status = 0, 0
    (problem,) = CaptureSource(capture).walk()
    assert isinstance(problem, Problem)
    assert problem.resource_types == ("linux.capable_file",)


def test_narrower_patterns_are_covered() -> None:
    patterns = Patterns(("/home/*/.ssh/*", "/etc/*.conf", "/lib/{kernel}/x"), "6.1")
    covered = ["/home/bob/.ssh/id_*", "/home/*/.ssh/*", "/etc/a.conf", "/lib/6.1/x"]
    others = ["/home/bob/.ssh/.x", "/home/.b/.ssh/x", "/etc/a.d/b.conf", "/etc/*"]
    assert [patterns.cover(path) for path in covered + others] == [True] * 4 + [False] * 4


def test_script_is_posix_shell() -> None:
    script, _ = make([Needs(texts=("/etc/a",), commands=(("x",),), walk=True)], BOUNDARY)
    for shell in SHELLS:
        subprocess.run([*shell, "-n"], input=script.encode(), check=True)
    if checker := shutil.which("checkbashisms"):
        subprocess.run([checker, "-"], input=script.encode(), check=True)
