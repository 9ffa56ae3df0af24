"""What only a process of its own can show: signals, closed streams, standard input, lost caches, other users."""

from __future__ import annotations

import os
import re
import select
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from commandline import (
    PATIENCE,
    POD,
    Outcome,
    assert_calm,
    assert_refused,
    call,
    call_as_nobody,
    command,
    listing,
    spawn,
)

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def manifest() -> str:
    Path("pod.yaml").write_text(POD)
    return "pod.yaml"


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"", "holds no Kubernetes object"),
        (b"\n\n---\n---\n", "holds no Kubernetes object"),
        (b"hello", "holds no Kubernetes object"),
    ],
)
def test_standard_input_without_objects(data: bytes, complaint: str) -> None:
    assert_refused(spawn(command("scan", "-"), stdin=data), complaint)


@pytest.mark.parametrize("data", [b"\x7fELF\0\0\xff", b"kind: [", POD.encode("utf-16"), b'{"apiVersion": "v1", '])
def test_standard_input_that_is_broken(data: bytes) -> None:
    outcome = spawn(command("scan", "-"), stdin=data)
    assert (outcome.code, outcome.err) == (1, "")
    assert "stdin" in outcome.out.partition("Not read")[2]
    assert_calm(outcome)


def test_closed_standard_input() -> None:
    outcome = spawn(["sh", "-c", '"$@" <&-', "sh", *command("scan", "-")])
    assert_refused(outcome, "standard input")


def test_closed_standard_output(manifest: str) -> None:
    outcome = spawn(["sh", "-c", '"$@" >&-', "sh", *command("scan", manifest)])
    assert_refused(outcome, "standard output is closed")


def test_closed_standard_error(manifest: str) -> None:
    outcome = spawn(["sh", "-c", '"$@" 2>&-', "sh", *command("scan", manifest, "absent")])
    assert outcome == Outcome(2, "", "")


def test_full_standard_output(manifest: str) -> None:
    outcome = spawn(["sh", "-c", '"$@" >/dev/full', "sh", *command("scan", manifest)])
    assert_refused(outcome, "standard output could not be written: No space left")


@pytest.mark.parametrize("arguments", [("check", "list"), ("resources",), ("scan", "pod.yaml", "-o", "json")])
def test_reader_that_goes_away(manifest: str, arguments: tuple[str, ...]) -> None:
    del manifest
    script = "import subprocess,sys; p=subprocess.Popen(sys.argv[1:],stdout=-1); p.stdout.close(); sys.exit(p.wait())"
    outcome = spawn([sys.executable, "-c", script, *command(*arguments)])
    assert outcome == Outcome(2, "", "")


def _interrupt(arguments: list[str], ready: Callable[[], bool]) -> Outcome:
    """Start a command that waits, interrupt it when it does, and return how it ended."""
    process = subprocess.Popen(
        arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    )
    try:
        deadline = time.monotonic() + PATIENCE
        while not ready() and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        process.wait(PATIENCE)
    finally:
        process.kill()
        out, err = process.communicate()
    # The line begins anew because a terminal shows ^C before it.
    return Outcome(process.returncode, out.decode(), err.decode().removeprefix("\n"))


@pytest.mark.parametrize("more", [(), ("pod.yaml",)], ids=["alone", "beside another"])
def test_interrupted_while_collecting(manifest: str, more: tuple[str, ...], tmp_path: Path) -> None:
    """A host that never answers, and Ctrl-C: it ends at once and leaves no file, whole or half."""
    del manifest
    before = listing(tmp_path / "work")
    with socket.create_server(("127.0.0.1", 0)) as silent:

        def connected() -> bool:
            return bool(select.select([silent], [], [], 0.05)[0])

        target = f"ssh://root@127.0.0.1:{silent.getsockname()[1]}"
        outcome = _interrupt(command("scan", target, *more, "-o", "report.json", "-o", "report.html"), connected)
    assert_refused(outcome, "interrupted; nothing was written", code=130)
    assert listing(tmp_path / "work") == before


_INTERRUPTED_IMPORT = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
module = sys.argv.pop(1)
class Finder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name == module:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Finder)
from xspm.__main__ import main
main()
"""


@pytest.mark.parametrize("module", ["xspm.cli", "click", "xspm.cli.policy", "xspm.policy.loading"])
def test_interrupted_while_still_importing(module: str) -> None:
    """Ctrl-C right after the start: the line and the code of every other moment, and no traceback."""
    outcome = spawn([sys.executable, "-c", _INTERRUPTED_IMPORT, module, "policy", "list"])
    assert_refused(outcome._replace(err=outcome.err.removeprefix("\n")), "interrupted; nothing was written", code=130)


def test_interrupted_while_reading_standard_input(tmp_path: Path) -> None:
    started = time.monotonic()
    arguments = command("scan", "-", "-o", "report.json")
    outcome = _interrupt(arguments, lambda: time.monotonic() - started > 4)
    assert_refused(outcome, "interrupted; nothing was written", code=130)
    assert list((tmp_path / "work").iterdir()) == []


def _broken(name: str, cache: Path) -> None:
    match name:
        case "a file in its place":
            cache.write_text("x")
        case "others may write":
            cache.mkdir()
            cache.chmod(0o777)
        case "link to nowhere":
            cache.symlink_to("absent")
        case "garbage":
            cache.mkdir(mode=0o700)


def _same(one: Outcome, other: Outcome) -> bool:
    """Whether two runs said the same, apart from when."""
    return re.sub(r"[0-9T:-]{19}Z?", "", one.out) == re.sub(r"[0-9T:-]{19}Z?", "", other.out) and one.code == other.code


@pytest.mark.parametrize("name", ["a file in its place", "others may write", "link to nowhere", "garbage"])
@pytest.mark.usefixtures("little_content")
def test_broken_cache_is_no_obstacle(
    name: str, manifest: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ("scan", manifest, "--output", "junit")
    expected = call(capsys, *arguments)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    (tmp_path / "caches").mkdir()
    _broken(name, tmp_path / "caches" / "xspm")
    assert _same(call(capsys, *arguments), expected)
    for file in (tmp_path / "caches").rglob("*"):
        if file.is_file():
            file.write_bytes(b"\x80\x04garbage")
    assert _same(call(capsys, *arguments), expected)


@pytest.mark.usefixtures("little_content")
def test_no_home_is_no_obstacle(
    manifest: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ("scan", manifest, "--output", "junit")
    expected = call(capsys, *arguments)
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.delenv("HOME")
    assert _same(call(capsys, *arguments), expected)
    monkeypatch.setenv("HOME", "relative")
    assert _same(call(capsys, *arguments), expected)


@pytest.mark.usefixtures("little_content")
def test_working_folder_that_is_gone(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    (tmp_path / "pod.yaml").write_text(POD)
    assert_refused(call(capsys, "scan", str(tmp_path / "pod.yaml")), "the working folder cannot be read")


@pytest.mark.usefixtures("little_content")
def test_policy_folder_that_is_a_file(manifest: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path(".xspm").write_text("not a folder")
    outcome = call(capsys, "scan", manifest)
    assert (outcome.code, outcome.err) == (0, "")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.usefixtures("little_content")
def test_somebody_who_may_not(manifest: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Without rights: an unreadable folder, file, policy and report folder, each named."""
    call(capsys, "scan", manifest, "--no-cache", "-o", "report.json")  # imports what nobody might not be allowed to
    call(capsys, "scan", "dir:/nonexistent")
    for name in ("folder", "folder/closed", "reports", "policies"):
        Path(name).mkdir()
    Path("folder/pod.yaml").write_text(POD)
    Path("secret.yaml").write_text(POD)
    Path("secret.yaml").chmod(0)
    Path("folder/closed").chmod(0)
    Path("policies").chmod(0)
    outcome = call_as_nobody("scan", "folder")
    assert (outcome.code, outcome.err) == (1, "")
    assert "the folder folder/closed cannot be read: permission denied" in outcome.out
    for arguments, complaint in (
        (("scan", "secret.yaml"), "secret.yaml cannot be read: permission denied"),
        (("scan", manifest, "--policy", "./policies"), "policies/checks: cannot be read: Permission denied"),
        (("scan", manifest, "--policy", "./policies/a.yaml"), "cannot be read: Permission denied"),
        (("scan", manifest, "--exceptions", "policies/a.yaml"), "cannot be read: Permission denied"),
        (("scan", manifest, "-o", "reports/r.json"), "could not be written: Permission denied"),
        (("scan", "policies"), "cannot be read: permission denied"),
        (("scan", "policies/pod.yaml"), "is no target"),
        (("scan", "dir:policies"), "permission denied"),
    ):
        assert_refused(call_as_nobody(*arguments), complaint)
