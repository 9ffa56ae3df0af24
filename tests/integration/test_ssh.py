"""Reads this machine over a real sshd on loopback, which the test starts on a free port with keys of its own."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import pytest

from xspm.connector import Options
from xspm.connectors.linux import CONNECTOR
from xspm.errors import ConnectorError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xspm.model.asset import Snapshot

SSHD = shutil.which("sshd", path="/usr/sbin:/usr/bin:/sbin:/usr/local/sbin")

pytestmark = [
    pytest.mark.skipif(SSHD is None, reason="no sshd here: install openssh-server"),
    pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="no ssh-keygen here: install openssh-client"),
]


class Server(NamedTuple):
    """A running sshd."""

    port: int
    known_hosts: Path
    identity: Path
    folder: Path
    options: Options


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Start sshd with an ed25519 host key, and log in by an ed25519 key."""
    pytest.importorskip("asyncssh")
    assert SSHD is not None
    folder = tmp_path_factory.mktemp("sshd")
    folder.chmod(0o755)
    for name in ("host", "user", "stranger"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True)
    shutil.copy(folder / "user.pub", folder / "authorized_keys")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    host_key = (folder / "host.pub").read_text().split()[:2]
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {' '.join(host_key)}\n")
    (folder / "sshd_config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\nPidFile {folder}/sshd.pid\n"
        f"AuthorizedKeysFile {folder}/authorized_keys\nStrictModes no\nUsePAM no\nPasswordAuthentication no\n"
    )
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    process = subprocess.Popen([SSHD, "-D", "-e", "-f", str(folder / "sshd_config")], stderr=subprocess.DEVNULL)
    try:
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        else:
            pytest.fail("sshd did not start")
        known_hosts, identity = folder / "known_hosts", folder / "user"
        options = Options(timeout=60, known_hosts=str(known_hosts), identity=str(identity), ssh_config=os.devnull)
        yield Server(port, known_hosts, identity, folder, options)
    finally:
        process.terminate()
        process.wait(10)


def scan(server: Server, **changes: object) -> Snapshot:
    """Read the machine over ssh."""
    options = msgspec.structs.replace(server.options, **changes)
    return CONNECTOR.collect(f"ssh://127.0.0.1:{server.port}", options, lambda _: None)


def refusal(server: Server, **changes: object) -> ConnectorError:
    """Return the error that a scan ends with."""
    with pytest.raises(ConnectorError) as caught:
        scan(server, **changes)
    assert "\n" not in caught.value.message
    return caught.value


def steady(snapshot: Snapshot) -> dict[tuple[str, str], dict[str, object]]:
    """Return what does not change between two reads of a machine that others use meanwhile."""
    moving = {"linux.listening_socket", "linux.filesystem_scan", "linux.setuid_file"}
    return {
        (item.type, item.id): item.data
        for item in snapshot.resources
        if item.type not in moving and item.data.get("purpose") != "log_file"
    }


@pytest.fixture(scope="module")
def over_ssh(server: Server) -> Snapshot:
    return scan(server)


def test_same_resources_as_on_the_machine_itself(over_ssh: Snapshot) -> None:
    """What is read over ssh is what is read directly, apart from what changes while it is read."""
    direct = CONNECTOR.collect("host", Options(), lambda _: None)
    expected, actual = steady(direct), steady(over_ssh)
    assert {key for key in expected.keys() | actual.keys() if expected.get(key) != actual.get(key)} == set()
    assert over_ssh.asset.labels == direct.asset.labels
    assert over_ssh.resource_types == direct.resource_types


def test_setuid_programs_are_found_over_ssh(over_ssh: Snapshot) -> None:
    found = {item.id for item in over_ssh.resources if item.type == "linux.setuid_file"}
    assert found


def test_through_a_jump_host_of_ssh_config(server: Server, over_ssh: Snapshot) -> None:
    """Aliases, identities, known hosts and `ProxyJump` come from ssh_config, for the jump host too."""
    config = server.folder / "ssh_config"
    config.write_text(
        f"Host inner\n  HostName 127.0.0.1\n  Port {server.port}\n  ProxyJump outer\n"
        f"Host outer\n  HostName 127.0.0.1\n  Port {server.port}\n"
        f"Host *\n  IdentityFile {server.identity}\n  UserKnownHostsFile {server.known_hosts}\n"
    )
    found = CONNECTOR.collect("ssh://inner", Options(timeout=60, ssh_config=str(config)), lambda _: None)
    assert steady(found).keys() == steady(over_ssh).keys()


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("sudo") is None, reason="needs root and sudo")
def test_same_resources_with_sudo(server: Server, over_ssh: Snapshot) -> None:
    assert steady(scan(server, sudo=True)).keys() == steady(over_ssh).keys()


def test_unknown_host_key_is_refused(server: Server) -> None:
    empty = server.folder / "empty"
    empty.write_text("")
    error = refusal(server, known_hosts=str(empty))
    assert "host key is not known" in error.message


@pytest.mark.parametrize("option", ["known_hosts", "identity", "ssh_config"])
def test_a_file_that_is_not_there_is_named_with_its_option(server: Server, option: str) -> None:
    error = refusal(server, **{option: str(server.folder / "absent")})
    assert error.message.endswith("absent does not exist")
    assert error.hint == f"see --{option.replace('_', '-')}; without it ssh's own files are used"


def test_changed_host_key_is_refused(server: Server) -> None:
    other = server.folder / "other"
    key = (server.folder / "stranger.pub").read_text().split()[:2]
    other.write_text(f"[127.0.0.1]:{server.port} {' '.join(key)}\n")
    error = refusal(server, known_hosts=str(other))
    assert "host key is not the one in" in error.message


def test_wrong_key_is_refused(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    error = refusal(server, identity=str(server.folder / "stranger"))
    assert "login refused" in error.message


def test_missing_identity_is_a_clear_error(server: Server) -> None:
    path = server.folder / "nowhere"
    error = refusal(server, identity=str(path))
    assert error.message == f"127.0.0.1: {path} does not exist"


def test_identity_that_is_no_key_is_a_clear_error(server: Server) -> None:
    path = server.folder / "no_key"
    path.write_text("no key\n")
    assert str(path) in refusal(server, identity=str(path)).message


SUDOERS = Path("/etc/sudoers.d")


@pytest.mark.skipif(os.geteuid() != 0 or not SUDOERS.is_dir(), reason="needs root and sudo")
def test_a_name_of_two_lines_below_sudoers(server: Server) -> None:
    """sudo reads a file whose name holds a line break, so it is brought over ssh, content and all."""
    path = SUDOERS / "xspm-test\nF -etc-sudoers"
    path.write_text("Defaults:xspm-nobody !lecture\n")
    try:
        path.chmod(0o440)
        (found,) = (item.data for item in scan(server).resources if item.type == "linux.sudo")
    finally:
        path.unlink()
    assert str(path) in found["includes"]
    assert [item["subjects"] for item in found["scoped_defaults"] if item["file"] == str(path)] == [["xspm-nobody"]]


def test_refused_connection_is_a_clear_error(server: Server) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(ConnectorError, match="connection refused"):
        CONNECTOR.collect(f"ssh://127.0.0.1:{port}", server.options, lambda _: None)


def test_silent_server_times_out(server: Server) -> None:
    """A server that accepts and says nothing ends the scan in time, not never."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        options = msgspec.structs.replace(server.options, timeout=0.5)
        with pytest.raises(ConnectorError, match=r"no answer in|timeout"):
            CONNECTOR.collect(f"ssh://127.0.0.1:{silent.getsockname()[1]}", options, lambda _: None)


@pytest.mark.skipif(shutil.which("sudo") is None or os.geteuid() != 0, reason="needs sudo, and root to be allowed it")
def test_the_collector_kept_there_is_all_that_is_run(server: Server, over_ssh: Snapshot, tmp_path: Path) -> None:
    """The login may run one program; what was asked of the host is told by the host itself."""
    program, log = tmp_path / "xspm-collect", tmp_path / "asked"
    program.write_text(next(grant.content for grant in CONNECTOR.grants() if grant.form == "script"))
    program.chmod(0o755)
    keys = server.folder / "authorized_keys"
    before = keys.read_text()
    keys.write_text(f'command="echo $SSH_ORIGINAL_COMMAND >> {log}; eval $SSH_ORIGINAL_COMMAND" {before}')
    try:
        found = scan(server, collector=str(program))
    finally:
        keys.write_text(before)
    (asked,) = log.read_text().splitlines()
    assert asked == f"sudo -n -- {program}"
    expected, actual = steady(over_ssh), steady(found)
    assert expected.keys() == actual.keys()
    differing = {
        (key, field): value[field]
        for key, value in actual.items()
        for field, told in expected[key].items()
        if value[field] != told
    }
    # What a configuration names elsewhere takes a second trip, which this login is not allowed.
    assert {key: value for key, value in differing.items() if "not collected" not in str(value)} == {}


@pytest.mark.skipif(shutil.which("sudo") is None, reason="no sudo here")
def test_a_collector_that_is_not_there_is_said(server: Server) -> None:
    error = refusal(server, collector="/usr/local/sbin/no-such-collector")
    assert error.message.startswith("/usr/local/sbin/no-such-collector is not there: sudo: ")
    assert error.hint == "install the collector of this version anew: xspm connectors permissions linux"


@pytest.mark.skipif(shutil.which("sudo") is None or os.geteuid() != 0, reason="needs sudo, and root to be allowed it")
@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("sudo: a password is required", "sudo does not allow this login PROGRAM as it is there: it was changed, "),
        ("", "PROGRAM printed nothing: it is another version"),
        ("oops", "PROGRAM printed nothing: oops"),
    ],
)
def test_a_collector_that_prints_nothing_is_said(server: Server, tmp_path: Path, said: str, told: str) -> None:
    program = tmp_path / "xspm-collect"
    program.write_text(f"#!/bin/sh\nprintf '\\n' >&2; sleep 0.1; echo '{said}' >&2; exit 64\n")
    program.chmod(0o755)
    error = refusal(server, collector=str(program))
    assert error.message.startswith(told.replace("PROGRAM", str(program)))
    assert error.hint == "install the collector of this version anew: xspm connectors permissions linux"
