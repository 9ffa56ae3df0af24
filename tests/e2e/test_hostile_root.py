"""A root file system made by an enemy: nothing outside it is read, nothing in it waits, nothing reaches the terminal."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from commandline import PATIENCE, Outcome, acting, assert_calm, call, call_as_nobody, listing

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.usefixtures("little_content")

OUTSIDE = "SECRET-OUTSIDE-THE-ROOT"
FORMATS = ("json", "csv", "sarif", "junit", "markdown", "html")
NAME = "evil\n\x1b[2J\x1b]0;owned\x07\u202etxt"


@pytest.fixture
def root() -> Path:
    """A small but plausible root file system."""
    top = Path("root")
    for folder in (
        "etc/ssh/sshd_config.d",
        "etc/cron.d",
        "etc/sudoers.d",
        "etc/pam.d",
        "usr/bin",
        "proc",
        "dev",
        "tmp",
    ):
        (top / folder).mkdir(parents=True)
    (top / "etc/os-release").write_text('ID=debian\nVERSION_ID="13"\n')
    (top / "etc/hostname").write_text("box\n")
    (top / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    (top / "etc/ssh/sshd_config").write_text("Include /etc/ssh/sshd_config.d/*.conf\nPermitRootLogin yes\n")
    return top


def _scan(capsys: pytest.CaptureFixture[str], *more: str) -> Outcome:
    outcome = call(capsys, "scan", "dir:root", "--policy", "linux-hardening", "--fail-on", "never", *more)
    assert (outcome.code, outcome.err) == (0, "")
    assert_calm(outcome)
    return outcome


def _replace(path: str, make: Callable[[Path], object]) -> Callable[[Path], object]:
    def change(root: Path) -> None:
        target = root / path
        target.unlink(missing_ok=True)
        target.parent.mkdir(parents=True, exist_ok=True)
        make(target)

    return change


def _device(major: int, minor: int) -> Callable[[Path], object]:
    return lambda path: os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(major, minor))


def _deep(path: Path) -> None:
    path.mkdir()
    here = os.open(path, os.O_RDONLY)
    for _ in range(600):
        os.mkdir("d" * 20, dir_fd=here)
        below = os.open("d" * 20, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)


def _chain(root: Path) -> None:
    for number in range(1000):
        (root / f"tmp/l{number}").symlink_to(f"l{number + 1}")


def _sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(20_000_000_000)


_FILES = (
    "etc/passwd",
    "etc/shadow",
    "etc/ssh/sshd_config",
    "etc/sudoers",
    "etc/fstab",
    "etc/os-release",
    "etc/crontab",
)
_CHANGES: dict[str, Callable[[Path], object]] = {
    **{f"FIFO at {path}": _replace(path, os.mkfifo) for path in _FILES},
    **{f"folder at {path}": _replace(path, Path.mkdir) for path in _FILES},
    **{f"link to itself at {path}": _replace(path, lambda file: file.symlink_to(file.name)) for path in _FILES},
    **{f"binary at {path}": _replace(path, lambda file: file.write_bytes(bytes(range(256)) * 64)) for path in _FILES},
    "20 GB at etc/passwd": _replace("etc/passwd", _sparse),
    "20 GB at etc/ssh/sshd_config": _replace("etc/ssh/sshd_config", _sparse),
    "one line of 3 MB": _replace("etc/passwd", lambda file: file.write_text("x:" * 1_500_000)),
    "include of itself": _replace("etc/ssh/sshd_config", lambda file: file.write_text("Include /etc/ssh/sshd_config\n" * 50)),
    "links in a circle": _replace("etc/cron.d/a", lambda file: file.symlink_to("../cron.d/a")),
    "folder deeper than a path may be": _replace("srv", _deep),
    "thousand links": _chain,
}  # fmt: skip


@pytest.mark.parametrize("name", _CHANGES)
def test_odd_files_are_no_obstacle(name: str, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _CHANGES[name](root)
    before = listing(root)
    _scan(capsys)
    assert listing(root) == before


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes device nodes")
@pytest.mark.parametrize("path", [*_FILES, "dev/zero", "proc/kmsg", "etc/sudoers.d/x", "etc/cron.d/x"])
def test_devices_are_not_read(path: str, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        _replace(path, _device(1, 5))(root)
    except PermissionError:
        pytest.skip("device nodes may not be made here")
    _scan(capsys)


@pytest.mark.parametrize("path", [*_FILES, "etc/hostname", "etc/ssh/sshd_config.d/x.conf", "etc/sudoers.d/x", "etc/cron.d/x"])  # fmt: skip
@pytest.mark.parametrize("relative", [True, False])
def test_links_that_lead_out_are_not_followed(
    path: str,
    relative: bool,  # noqa: FBT001 - a case
    root: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    outside = Path("outside").absolute()
    outside.write_text(f"{OUTSIDE}:x:0:0::/:/bin/sh\nPermitRootLogin {OUTSIDE}\n* * * * * root {OUTSIDE}\n")
    target = "../" * 20 + str(outside).lstrip("/") if relative else str(outside)
    _replace(path, lambda file: file.symlink_to(target))(root)
    assert OUTSIDE not in _scan(capsys, "-o", "json").out
    assert OUTSIDE not in _scan(capsys, "--verbose").out


def test_folders_that_lead_out_are_not_followed(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    outside = Path("outside.d").absolute()
    outside.mkdir()
    (outside / OUTSIDE).write_text(f"{OUTSIDE} ALL=(ALL) NOPASSWD: ALL\n")
    (outside / OUTSIDE).chmod(0o4755)
    for folder in ("etc/sudoers.d", "etc/cron.d", "usr/bin"):
        (root / folder).rmdir()
        (root / folder).symlink_to(outside)
    assert OUTSIDE not in _scan(capsys, "-o", "json").out


@pytest.mark.parametrize("format_", ["terminal", *FORMATS])
def test_names_do_not_act(format_: str, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for folder in ("etc/cron.d", "etc/sudoers.d", "usr/bin", "tmp"):
        (root / folder / NAME).write_text("x")
        (root / folder / NAME).chmod(0o6777)
    (root / "etc/hostname").write_text(NAME)
    (root / "etc/os-release").write_text(f'ID="{NAME}"\nNAME="{NAME}"\n')
    (root / "etc/passwd").write_text("ro\x1b[2Jot:x:0:0::/:/bin/sh\n")
    outcome = _scan(capsys, "-o", format_, "--verbose")
    assert acting(outcome.out) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_unreadable_parts_are_unknown(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _scan(capsys)  # imports what nobody might not be allowed to
    (root / "etc/shadow").write_text("root:$y$j9T$abc$def:19000:0:99999:7:::\n")
    (root / "etc/shadow").chmod(0o600)
    (root / "etc/sudoers.d").chmod(0o700)
    (root / "etc/ssh").chmod(0)
    outcome = call_as_nobody("scan", "dir:root", "--policy", "linux-hardening")
    assert outcome.err == ""
    problems = outcome.out.partition("Not read")[2]
    assert "could not be listed" in problems
    assert "run as root" in problems
    assert_calm(outcome)


def test_the_limit_is_below_the_clock() -> None:
    assert PATIENCE < 90
