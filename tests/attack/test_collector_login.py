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
from xspm.connectors.linux.capture import Capture
from xspm.connectors.linux.collecting import needs
from xspm.connectors.linux.script import commands_of

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
        self.homes = base / "homes"
        self.homes.mkdir()
        self.home = self.homes / "xspm"
        (self.home / ".ssh").mkdir(parents=True)
        for path in (self.home, self.home / ".ssh"):
            os.chown(path, NOBODY, NOBODY)
        self.program = self.bin / "xspm-collect"
        self.program.write_text(script, encoding="utf-8")
        self.program.chmod(0o755)
        line = sudoers.replace("/usr/local/sbin/xspm-collect", "/opt/xspm-collect")
        assert line.startswith("xspm ALL=(root) NOPASSWD: sha256:"), "as the command prints it"
        self.sudoers = base / "sudoers"
        self.sudoers.write_text(line.replace("xspm ALL", f"#{NOBODY} ALL", 1), encoding="utf-8")
        self.sudoers.chmod(0o440)

    def login(self, *command: str, said: str = "") -> Outcome:
        """Do something with the scanner's login, saying something on its standard input."""
        inside = (
            f"mount --bind {shlex.quote(str(self.sudoers))} /etc/sudoers"
            f" && mount --bind {shlex.quote(str(self.bin))} /opt"
            f" && mount --bind {shlex.quote(str(self.homes))} /home"
            f" && exec setpriv --reuid {NOBODY} --regid {NOBODY} --clear-groups -- {shlex.join(command)}"
        )
        done = subprocess.run(
            ["unshare", "-m", "sh", "-c", inside], capture_output=True, timeout=PATIENCE, input=said.encode(), check=False
        )  # fmt: skip
        return Outcome(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))


def begun(host: Host, *before: str, given: tuple[str, ...] = ()) -> Outcome:
    """Run the collector as xspm does, and read the beginning of what it finds: the rest takes its time."""
    asked = shlex.join([*before, "/usr/bin/sudo", "-n", *given, "--", "/opt/xspm-collect"])
    return host.login("/bin/sh", "-c", f"{asked} | /usr/bin/head -c 20000", said=f"{BOUNDARY}\n")


def whole(host: Host) -> tuple[Capture, bytes]:
    """Run the collector to its end, and read what it prints as xspm does.

    The walk is left out for its time; the bytes that sudo allows are then others, so it is run as root straight away.
    """
    program = host.program.read_text(encoding="utf-8")
    host.program.write_text(program.replace("for p in $starts; do", "for p in /home; do"), encoding="utf-8")
    inside = f"mount --bind {shlex.quote(str(host.homes))} /home && exec /bin/sh {shlex.quote(str(host.program))}"
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", inside], input=f"{BOUNDARY}\n".encode(), capture_output=True, timeout=PATIENCE, check=True
    )  # fmt: skip
    held = Capture(needs())
    held.read(done.stdout, BOUNDARY, commands_of(needs()))
    return held, done.stdout


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
    assert refused(host.login("sudo", "-n", "--", "/opt/xspm-collect", said=f"{BOUNDARY}\n"))


def test_another_program_in_the_collectors_place(host: Host) -> None:
    """A shell is put in the place of the collector."""
    shutil.copy("/bin/sh", host.program)
    assert refused(host.login("sudo", "-n", "--", "/opt/xspm-collect", "-c", "id"))


def test_a_copy_of_the_collector_elsewhere(host: Host) -> None:
    """The collector is copied to where the login can change it, and run from there."""
    copied = host.bin / "copied"
    shutil.copy(host.program, copied)
    assert refused(host.login("sudo", "-n", "--", "/opt/copied", said=f"{BOUNDARY}\n"))


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param([BOUNDARY], id="a boundary"),
        pytest.param(["$(id)"], id="a command"),
        pytest.param(["-c", "id"], id="options"),
        pytest.param(["0" * 4096], id="a long one"),
    ],
)
def test_the_collector_is_run_with_arguments(host: Host, arguments: list[str]) -> None:
    """The login runs the collector with arguments: sudo allows none."""
    assert refused(host.login("sudo", "-n", "--", "/opt/xspm-collect", *arguments, said=f"{BOUNDARY}\n"))


@pytest.mark.parametrize("said", ["", "\n", "$(id)\n", f"{BOUNDARY}; id\n", f"{BOUNDARY}0\n", BOUNDARY])
def test_the_collector_is_told_something_else(host: Host, said: str) -> None:
    """The login tells the collector what xspm does not: it stops, and shows nothing."""
    outcome = host.login("sudo", "-n", "--", "/opt/xspm-collect", said=said)
    assert (outcome.code, outcome.out) == (64, "")


def test_a_link_to_a_file_of_root(host: Host, tmp_path: Path) -> None:
    """The login puts links, a second name and a FIFO where the collector looks for keys, to read what only root may."""
    secret = tmp_path / "secret"
    secret.write_text("SECRET-OF-ROOT\n", encoding="utf-8")
    secret.chmod(0o600)
    keys = host.home / ".ssh" / "authorized_keys"
    keys.write_text("ssh-ed25519 AAAA honest\n", encoding="utf-8")
    for name, target in (("_x", str(secret)), ("_y", "/etc/shadow"), ("_z", "../link")):
        keys.with_name(f"authorized_keys{name}").symlink_to(target)
    (host.home / "link").symlink_to(secret)
    os.link(secret, keys.with_name("authorized_keys_second"))
    os.mkfifo(keys.with_name("authorized_keys_fifo"))
    held, printed = whole(host)
    assert b"SECRET-OF-ROOT" not in printed
    read = {path: data for path, data in held.contents.items() if path.startswith("/home/")}
    assert read == {"/home/xspm/.ssh/authorized_keys": b"ssh-ed25519 AAAA honest\n"}
    assert {"/home/xspm/.ssh/authorized_keys_x", "/home/xspm/.ssh/authorized_keys_second"} <= held.denied.keys()


def test_a_folder_that_is_a_link(host: Host, tmp_path: Path) -> None:
    """A user turns the whole folder of keys into a link to a folder of root's."""
    (tmp_path / "closed").mkdir(mode=0o700)
    (tmp_path / "closed" / "authorized_keys").write_text("SECRET-OF-ROOT\n", encoding="utf-8")
    (host.home / ".ssh").rmdir()
    (host.home / ".ssh").symlink_to(tmp_path / "closed")
    _, printed = whole(host)
    assert b"SECRET-OF-ROOT" not in printed


def test_a_user_writes_records_of_the_scan(host: Host) -> None:
    """A user without rights knows the boundary and writes records of root's files into a file, a name and a link."""
    forged = f"x\n\n{BOUNDARY}\nF /etc/login.defs\n FORGED\nF /etc/forged\n FORGED\nZ\n"
    keys = host.home / ".ssh" / "authorized_keys_z"
    keys.write_text(forged, encoding="utf-8")
    odd = f"authorized_keys\n{BOUNDARY}\nF -etc-forged\n FORGED\ns 89ed 0 0 1 0 0 -forged"
    keys.with_name(odd).write_text(forged, encoding="utf-8")
    keys.with_name("authorized_keys_link").symlink_to("x\ns 89ed 0 0 1 0 0 /etc/forged\nF /etc/forged\n FORGED\n")
    held, _ = whole(host)
    assert held.contents[f"/home/xspm/.ssh/{odd}"] == forged.encode()
    assert {path for path, data in held.contents.items() if b"FORGED" in data} == {
        "/home/xspm/.ssh/authorized_keys_z",
        f"/home/xspm/.ssh/{odd}",
    }
    assert not [
        path for path in {*held.stats, *held.contents, *held.denied} if path.endswith(("/etc/forged", "-etc-forged"))
    ]


def test_hashes_of_passwords_stay_there(host: Host) -> None:
    """The login runs the collector for the hashes in /etc/shadow, to guess passwords at home."""
    held, printed = whole(host)
    with open("/etc/shadow", encoding="utf-8") as shadow:  # noqa: PTH123 - the name Path is for types here
        hashes = [line.split(":")[1] for line in shadow]
    assert held.contents["/etc/shadow"].count(b"\n") == len(hashes)
    assert not [one for one in hashes if len(one) > 10 and one.encode() in printed]


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
