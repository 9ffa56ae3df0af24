"""The attacker holds the login that a host gives to the scanner, and its right to run one program with sudo.

sudo itself decides, by the line that `xspm connectors permissions linux` prints, in a mount namespace of its own whose
/etc/sudoers says nothing else: this machine's stays as it is.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from commandline import NOBODY, PATIENCE, Outcome, call

if TYPE_CHECKING:
    from pathlib import Path

BOUNDARY = "0123456789abcdef" * 3


def apart() -> bool:
    """Whether this is a machine on which a test may have a file system view of its own."""
    if os.geteuid() != 0 or not all(shutil.which(name) for name in ("sudo", "unshare", "setpriv", "mount")):
        return False
    try:
        tried = subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False, timeout=PATIENCE)
    except OSError:
        return False
    return tried.returncode == 0


pytestmark = pytest.mark.skipif(not apart(), reason="needs root, sudo and a mount namespace")


class Host:
    """A host whose owner keeps the collector and allows the scanner's login to run it."""

    def __init__(self, base: Path, script: str, sudoers: str) -> None:
        self.bin = base / "bin"
        self.bin.mkdir()
        self.program = self.bin / "xspm-collect"
        self.program.write_text(script, encoding="utf-8")
        self.program.chmod(0o755)
        line = sudoers.replace("/usr/local/sbin/xspm-collect", "/opt/xspm-collect")
        assert line.startswith("xspm ALL=(root) NOPASSWD: sha256:"), "as the command prints it"
        self.sudoers = base / "sudoers"
        self.sudoers.write_text(line.replace("xspm ALL", f"#{NOBODY} ALL", 1), encoding="utf-8")
        self.sudoers.chmod(0o440)

    def login(self, *command: str) -> Outcome:
        """Do something with the scanner's login."""
        inside = (
            f"mount --bind {shlex.quote(str(self.sudoers))} /etc/sudoers"
            f" && mount --bind {shlex.quote(str(self.bin))} /opt"
            f" && exec setpriv --reuid {NOBODY} --regid {NOBODY} --clear-groups -- {shlex.join(command)}"
        )
        done = subprocess.run(
            ["unshare", "-m", "sh", "-c", inside], capture_output=True, timeout=PATIENCE, stdin=subprocess.DEVNULL, check=False
        )  # fmt: skip
        return Outcome(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))


def begun(host: Host, *before: str, given: tuple[str, ...] = ()) -> Outcome:
    """Run the collector as xspm does, and read the beginning of what it finds: the rest takes its time."""
    asked = shlex.join([*before, "/usr/bin/sudo", "-n", *given, "--", "/opt/xspm-collect", BOUNDARY])
    return host.login("/bin/sh", "-c", f"{asked} | /usr/bin/head -c 20000")


@pytest.fixture
def host(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Host:
    """A host set up by what the command prints, and nothing else; the login may run the collector as root."""
    printed = [call(capsys, "connectors", "permissions", "linux", "--only", form) for form in ("script", "sudoers")]
    assert [one.code for one in printed] == [0, 0]
    return Host(tmp_path, *(one.out for one in printed))


def refused(outcome: Outcome) -> bool:
    """Whether sudo said no: it asks for a password, or knows no right."""
    return outcome.code == 1 and outcome.out == "" and ("password is required" in outcome.err or "not allowed" in outcome.err)  # fmt: skip


def test_the_collector_runs_and_nothing_else_does(host: Host) -> None:
    """The login runs other programs as root."""
    honest = begun(host)
    assert BOUNDARY in honest.out, honest.err
    for command in (["id"], ["sh", "-c", "id"], ["/bin/cat", "/etc/shadow"], ["-s"], ["-e", "/opt/xspm-collect"]):
        assert refused(host.login("sudo", "-n", *command)), command


def test_the_collectors_bytes_are_changed(host: Host) -> None:
    """The collector on the host is changed: one line is added that does more."""
    host.program.write_text(host.program.read_text(encoding="utf-8") + "\nid >/tmp/owned\n", encoding="utf-8")
    assert refused(host.login("sudo", "-n", "--", "/opt/xspm-collect", BOUNDARY))


def test_another_program_in_the_collectors_place(host: Host) -> None:
    """A shell is put in the place of the collector."""
    shutil.copy("/bin/sh", host.program)
    assert refused(host.login("sudo", "-n", "--", "/opt/xspm-collect", "-c", "id"))


def test_a_copy_of_the_collector_elsewhere(host: Host) -> None:
    """The collector is copied to where the login can change it, and run from there."""
    copied = host.bin / "copied"
    shutil.copy(host.program, copied)
    assert refused(host.login("sudo", "-n", "--", "/opt/copied", BOUNDARY))


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param([], id="none"),
        pytest.param(["$(id)"], id="a command"),
        pytest.param([BOUNDARY, "x"], id="two"),
        pytest.param([BOUNDARY + "; id"], id="a command behind the boundary"),
        pytest.param(["-c", "id"], id="options"),
        pytest.param(["0" * 4096], id="a long one"),
    ],
)
def test_the_collector_is_run_with_other_arguments(host: Host, arguments: list[str]) -> None:
    """The login runs the collector with arguments that xspm does not send: it stops, and shows nothing."""
    outcome = host.login("sudo", "-n", "--", "/opt/xspm-collect", *arguments)
    assert (outcome.code, outcome.out) == (64, "")


@pytest.mark.parametrize(
    "variable", ["PATH=/opt", "BASH_ENV=/opt/evil", "ENV=/opt/evil", "LD_PRELOAD=/opt/evil.so", "IFS=/"]
)
def test_the_collector_is_run_in_another_environment(host: Host, variable: str) -> None:
    """The login sets an environment in which the collector would run its own programs as root."""
    for name in ("evil", "id", "stat", "find", "head", "awk", "uname", "env", "cat"):
        (host.bin / name).write_text("#!/bin/sh\necho OWNED-$(/usr/bin/id -u)\n", encoding="utf-8")
        (host.bin / name).chmod(0o755)
    outcome = begun(host, "/usr/bin/env", variable)
    assert (BOUNDARY in outcome.out, "OWNED" in outcome.out + outcome.err) == (True, False), outcome
    asked = begun(host, given=(variable,))
    assert "OWNED" not in asked.out + asked.err
    # sudo lets PATH through, and the collector sets its own.
    assert variable.startswith("PATH=") or "not allowed to set the following environment variables" in asked.err
