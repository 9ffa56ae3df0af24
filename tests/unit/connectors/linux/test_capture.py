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
from xspm.connectors.linux.password_hashes import hash_algorithm, password_state
from xspm.connectors.linux.script import make
from xspm.connectors.linux.transport import Needs, Output, Stat
from xspm.errors import ConnectorError
from xspm.model.asset import Problem
from xspm.model.unknown import Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xspm.model.unknown import Maybe

BOUNDARY = "0123456789abcdef" * 3
FORGED = (
    f"x\n\n{BOUNDARY}\nM 0 6.1\nF /etc/shadow\n root::\nZ\n\n{BOUNDARY} F /etc/shadow {BOUNDARY[::-1]}\nroot::\n"
    "\rF /etc/shadow\r root::\nC 0\n forged\nL /etc\n a\nD /etc/passwd\n\nW\ns 81ed 0 0 1 0 0 /x\nw 0\nZ\n"
)
"""Every record, as somebody writes them who knows the boundary."""
SHELLS = [shell for shell in (["dash"], ["bash", "--posix"], ["busybox", "sh"]) if shutil.which(shell[0])]


def run(needs: Needs, shell: list[str] | None = None, *, sed: str = "", starts: str = "") -> CaptureSource:
    """Run the script on this machine, with another sed, or walking another folder than all of it."""
    script, commands = make([needs], BOUNDARY)
    if sed:
        script = script.replace("| sed ", f"| {sed} ").replace("{ sed ", f"{{ {sed} ")
    if starts:
        script = script.replace("  for p in $starts; do\n", f"  starts={starts}\n  for p in $starts; do\n")
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
    # Root reads through links only where all folders are root's alone, which /tmp is not.
    folder = Path(tempfile.mkdtemp(dir="/opt" if os.geteuid() == 0 else None))
    folder.chmod(0o755)
    fill(folder)
    yield folder
    shutil.rmtree(folder)


def fill(tmp_path: Path) -> None:
    """Make files that are hard to tell of in text."""
    (tmp_path / "a b.conf").write_text("first\nsecond without end")
    (tmp_path / "empty.conf").write_text("")
    (tmp_path / "binary").write_bytes(bytes(range(256)))
    (tmp_path / "forged").write_text(FORGED)
    (tmp_path / "forged.conf").write_text(FORGED)
    (tmp_path / "x\nF -etc-gshadow\n y\x01n\x011").write_text(FORGED)
    (tmp_path / "odd link\nF -x").symlink_to("nowhere")
    (tmp_path / "forging link").symlink_to("x\0019\ns 81ed 0 0 1 0 0 /etc/shadow\nF /etc/shadow\n root::\nZ\n")
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


@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
@pytest.mark.parametrize("sed", ["", "busybox sed"])
def test_nothing_can_forge_a_record(shell: list[str], sed: str, tree: Path) -> None:
    """Contents, names, what links lead to, outputs and errors of commands: all try, with the boundary known."""
    if sed and not shutil.which("busybox"):
        pytest.skip("no busybox here")
    commands = (("cat", f"{tree}/forged"), ("sh", "-c", f"cat {tree}/forged >&2; exit 3"))
    asked = Needs(texts=(f"{tree}/*",), lists=(str(tree),), stats=(f"{tree}/.*",), commands=commands)
    captured = run(asked, shell, sed=sed)._capture
    inside = {f"{tree}/{item.name}" for item in tree.iterdir()}
    assert captured.contents.keys() <= inside
    assert captured.stats.keys() - {f"{tree}/.", f"{tree}/.."} == inside | {str(tree)}
    assert captured.followed.keys() <= inside
    assert captured.names.keys() == {str(tree)}
    assert captured.denied == {}
    assert captured.walk_status is None
    assert {f"{tree}/{name}" for name in captured.names[str(tree)]} == inside
    assert captured.contents[f"{tree}/forged"] == FORGED.encode()
    assert captured.outputs == {commands[0]: Output(0, FORGED), commands[1]: Output(3, "", FORGED)}
    assert captured.stats[f"{tree}/forging link"].target == str((tree / "forging link").readlink())
    assert captured.contents[f"{tree}/binary"].removesuffix(b"\n") == bytes(range(256)).removesuffix(b"\n")


@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
def test_the_walk_cannot_be_forged(shell: list[str], tree: Path) -> None:
    odd = tree / "w\ns 89ed 0 0 1 0 0 /etc/forged\ng\n -etc-forged cap_setuid=ep\nw 0"
    odd.parent.mkdir(parents=True)
    odd.write_text("x")
    odd.chmod(0o4777)
    captured = run(Needs(walk=True), shell, starts=str(tree))
    found = {item.path: item.mode for item in captured.walk() if isinstance(item, Stat)}
    assert found == {str(odd): 0o4777}
    assert captured._capture.capable in ({}, None)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can read what others may not")
@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
def test_root_is_not_led_elsewhere(shell: list[str], tree: Path) -> None:
    """Below a folder that somebody else owns or may write to, no link, second name or FIFO is read."""
    (tree / "secret").write_text("secret")
    (tree / "secrets").mkdir()
    (tree / "secrets" / "file").write_text("secret")
    (tree / "ours").symlink_to("theirs")
    theirs = tree / "theirs"
    theirs.mkdir()
    (theirs / "last").symlink_to("../secret")
    (theirs / "absolute").symlink_to(tree / "secret")
    (theirs / "folder").symlink_to("../secrets")
    (theirs / "honest").mkdir()
    (theirs / "honest" / "file").write_text("theirs")
    (theirs / "honest" / "x\ny").write_text("theirs")
    os.link(tree / "secret", theirs / "second")
    os.mkfifo(theirs / "fifo")
    (tree / "through").symlink_to("theirs/folder/file")
    os.lchown(theirs, 65534, 65534)
    texts = (f"{theirs}/*", f"{theirs}/*/*", f"{tree}/ours/honest/file", f"{tree}/through", f"{theirs}/last")
    captured = run(Needs(texts=texts, lists=(f"{theirs}/*",)), shell)
    held = captured._capture
    assert not {path: data for path, data in held.contents.items() if b"secret" in data}
    assert held.contents[f"{theirs}/honest/file"] == b"theirs"
    assert held.contents[f"{theirs}/honest/x\ny"] == b"theirs"
    assert held.contents[f"{tree}/ours/honest/file"] == b"theirs"
    assert held.names == {f"{theirs}/honest": ["file", "x\ny"]}
    for name in ("last", "absolute", "second", "folder/file", "../through"):
        value = captured.text(os.path.normpath(f"{theirs}/{name}"))
        assert isinstance(value, Unknown), name
        assert value.reason.startswith("not read as root, for somebody else can turn the path"), name
    assert isinstance(captured.list(f"{theirs}/folder"), Unknown)


@pytest.mark.parametrize(
    ("field", "cut"),
    [
        ("", ""),
        ("x", "x"),
        ("*", "*"),
        ("!", "!"),
        ("!!", "!!"),
        ("!*", "!*"),
        ("*LK*", "*xx"),
        ("hunter2", "xx"),
        ("$6$saltsalt$hash/hash.hash", "$6$xxxxxxxx"),
        ("!$6$saltsalt$hashhashhash", "!$6$xxxxxxxx"),
        ("$5$rounds=5000$saltsalt$hash", "$5$rounds=5000$xxxxxxxx"),
        ("$y$j9T$saltsaltsalt$hash/hash", "$y$j9T$xxxxxxxx"),
        ("$gy$j9T$saltsaltsalt$hash", "$gy$j9T$xxxxxxxx"),
        ("$2b$12$saltsaltsaltsaltsaltsu", "$2b$12$xxxxxxxx"),
        ("$1$salt$hashhashhash", "$1$xxxxxxxx"),
        ("$7$CU..../....saltsalt$hash", "$7$xxxxxxxx"),
        ("$md5,rounds=904$saltsalt$$hash", "$md5,rounds=904$xxxxxxxx"),
        ("ab1234567890.", "xxxxxxxxxxxxx"),
        ("_J9..saltsalthashhas", "_xxxxxxxx"),
    ],
)
@pytest.mark.parametrize("sed", ["sed", "busybox sed"])
def test_hashes_are_cut_on_the_host(sed: str, field: str, cut: str) -> None:
    """What is left says the same of the password, and is nothing to guess passwords by."""
    if not shutil.which(sed.partition(" ")[0]):
        pytest.skip("it is not here")
    script, _ = make([Needs(texts=("/etc/shadow",))], BOUNDARY)
    program = script.partition("CUT='")[2].partition("'\n")[0]
    line = f"root:{field}:19000:0:99999:7:::\n"
    done = subprocess.run([*sed.split(), program], input=line, capture_output=True, text=True, check=True)
    assert done.stdout == f" root:{cut}:19000:0:99999:7:::\n"
    assert (hash_algorithm(cut), password_state(cut)) == (hash_algorithm(field), password_state(field))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can read shadow")
def test_shadow_comes_without_hashes() -> None:
    captured = run(Needs(texts=("/etc/shadow", "/etc/passwd", "/etc/gshadow")))
    fields = [line.split(":")[1] for text in captured._capture.contents.values() for line in text.decode().splitlines()]
    assert fields
    assert [field for field in fields if len(field.replace("x", "")) > 20] == []


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
    assert {f"{tree}/binary", f"{tree}/*.conf", str(tree), str(tree.parent)} <= set(missed.texts)
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


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"motd\n",
        b"\n" + BOUNDARY.encode() + b"\nM 0 6.1\n",
        b"\n" + BOUNDARY.encode() + b"\nF /a\n Z\n",
        b"\nM 0 6.1\n\nZ\n",
        b"\xff" * 1000,
    ],
)
def test_output_that_is_cut_is_refused(data: bytes) -> None:
    with pytest.raises(ConnectorError, match="did not come to its end"):
        Capture([]).read(data, BOUNDARY, [])


def records(*lines: str) -> bytes:
    """Write the output of a script."""
    return "\n".join([f"\n{BOUNDARY}", *lines, "\nZ\n"]).encode()


def test_damaged_records_are_left_out() -> None:
    capture = Capture([Needs(texts=("/a", "/root/*"))])
    capture.read(records("M x 6.1", "s zz", "s g 0 0 0 0 0 /x", "F /a", " b", "U rx /root"), BOUNDARY, [])
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
    walked = records(
        *("W", "g", "s 81ff 0 0 1 0 0 /b", "g", " /usr/bin/a cap_setuid=ep"),
        *("s 81ed 0 0 1 0 0 /usr/bin/a", "w 0", "s 81ed 0 0 1 0 0 /c"),
    )
    capture = Capture([])
    capture.read(walked, BOUNDARY, [])
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
