"""How sshd is started: units, environment files, the running process."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xspm.connectors.linux import sshd
from xspm.connectors.linux.memory import MemorySource
from xspm.connectors.linux.sshd_command import Started, read_words
from xspm.model.asset import Resource
from xspm.model.unknown import Unknown


def read(files: dict[str, Any], commands: dict[str, Any] | None = None, *, live: bool = True) -> dict[str, Any]:
    """The settings."""
    found = sshd.collect(MemorySource(files, commands, live=live))
    return next(item.data for item in found if isinstance(item, Resource) and item.type == "linux.sshd")


DEBIAN_UNIT = "[Service]\nEnvironmentFile=-/etc/default/ssh\nExecStartPre=/usr/sbin/sshd -t\nExecStart=/usr/sbin/sshd -D $SSHD_OPTS\n"
RHEL_8_UNIT = (
    "[Service]\nEnvironmentFile=-/etc/crypto-policies/back-ends/opensshserver.config\n"
    "EnvironmentFile=-/etc/sysconfig/sshd\nExecStart=/usr/sbin/sshd -D $OPTIONS $CRYPTO_POLICY\n"
)
UNIT = "/usr/lib/systemd/system/ssh.service"
DROP_IN = "/etc/systemd/system/ssh.service.d/a.conf"


@pytest.mark.parametrize("live", [True, False])
@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"/etc/default/ssh": "SSHD_OPTS='-o PermitRootLogin=yes'\n"}, {"permit_root_login": "yes"}),
        ({"/etc/default/ssh": "SSHD_OPTS=\n"}, {"permit_root_login": "no"}),
        ({"/etc/default/ssh": "SSHD_OPTS=-oPort=99\n", UNIT: DEBIAN_UNIT}, {"ports": [22, 99]}),
        ({"/etc/default/ssh": "SSHD_OPTS=-oPermitRootLogin=yes\n", UNIT: RHEL_8_UNIT}, {"permit_root_login": "no"}),
        (
            {"/etc/default/ssh": "SSHD_OPTS=-o PermitRootLogin=yes -p 99 # none\n", UNIT: DEBIAN_UNIT},
            {"permit_root_login": "$unknown"},
        ),
        (
            {"/etc/default/ssh": "SSHD_OPTS=-o PermitRootLogin=yes -p 99\n", UNIT: DEBIAN_UNIT},
            {"permit_root_login": "yes", "ports": [99], "source": "files"},
        ),
        (
            {
                "/usr/lib/systemd/system/sshd.service": RHEL_8_UNIT,
                "/etc/crypto-policies/back-ends/opensshserver.config": "CRYPTO_POLICY='-oCiphers=aes256-ctr -oMACs=hmac-sha2-256'\n",
            },
            {"ciphers": ["aes256-ctr"], "macs": ["hmac-sha2-256"], "permit_root_login": "no"},
        ),
        ({DROP_IN: "[Service]\nExecStart=\nExecStart=/usr/sbin/sshd -D -p 99\n"}, {"ports": [99]}),
        ({DROP_IN: "[Service]\nEnvironment=SSHD_OPTS=-oPort=99\n"}, {"ports": [22, 99], "permit_root_login": "no"}),
        (
            {
                UNIT: DEBIAN_UNIT,
                "/etc/systemd/system/service.d/o.conf": '[Service]\nEnvironment="SSHD_OPTS=-o PermitRootLogin=yes"\n',
            },
            {"permit_root_login": "yes"},
        ),
        ({UNIT: "[Service]\nExecStart=/usr/sbin/sshd -D $SSHD_OPTS\n"}, {"permit_root_login": "no"}),
        (
            {UNIT: "[Service]\nExecStart=/usr/sbin/sshd -o 'AllowUsers a b' -oAllowUsers=c\n"},
            {"allow_users": ["a", "b", "c"]},
        ),
        (
            {UNIT: "[Service]\nExecStart=/usr/sbin/sshd -f none\n"},
            {"permit_root_login": "prohibit-password", "files": []},
        ),
        (
            {
                UNIT: "[Service]\nExecStart=/usr/sbin/sshd -f /etc/ssh/other\n",
                "/etc/ssh/other": "PermitRootLogin yes\n",
            },
            {"permit_root_login": "yes", "files": ["/etc/ssh/other"]},
        ),
        (
            {
                "/etc/conf.d/sshd": 'SSHD_CONFDIR=/srv/ssh\nSSHD_OPTS="-4"\n',
                "/srv/ssh/sshd_config": "PermitRootLogin yes\n",
            },
            {"permit_root_login": "yes", "address_family": "inet"},
        ),
        (
            {UNIT: "[Service]\nExecStart=/usr/sbin/sshd -o PermitRootLogin=perhaps\n"},
            {"unparsed_lines": ["command line:1"]},
        ),
        (
            {UNIT: "[Service]\nExecStart=/usr/sbin/sshd -o Protocol=2\n"},
            {"permit_root_login": "no", "unparsed_lines": []},
        ),
        ({"/etc/sysconfig/sshd": 'OPTIONS="-f /etc/ssh/other"\n'}, {"permit_root_login": "$unknown", "files": []}),
        ({"/etc/default/ssh": 'SSHD_OPTS="-o $X"\n'}, {"permit_root_login": "$unknown", "match_overrides": "$unknown"}),
        ({UNIT: "[Service]\nExecStart=/usr/sbin/sshd -o Port=%i\n"}, {"permit_root_login": "$unknown"}),
        ({UNIT: "[Service]\nExecStart=/bin/sh -c 'exec sshd'\n"}, {"permit_root_login": "$unknown"}),
        ({UNIT: "[Service]\nExecStart=/usr/sbin/sshd -D extra\n"}, {"permit_root_login": "$unknown"}),
        ({UNIT: "[Service]\nExecStart=/usr/sbin/sshd -Z\n"}, {"permit_root_login": "$unknown"}),
        ({UNIT: "[Service]\nExecStart=/usr/sbin/sshd -o 'Include /x'\n"}, {"permit_root_login": "$unknown"}),
        (
            {UNIT: "[Service]\nEnvironmentFile=/x\nExecStart=/usr/sbin/sshd\n", "/x": {"kind": "fifo"}},
            {"ports": "$unknown"},
        ),
        (
            {
                UNIT: DEBIAN_UNIT,
                "/usr/lib/systemd/system/ssh@.service": "[Service]\nExecStart=-/usr/sbin/sshd -i -p 9\n",
            },
            {"permit_root_login": "$unknown"},
        ),
        (
            {
                "/usr/lib/systemd/systemd": "",
                UNIT: DEBIAN_UNIT,
                "/usr/lib/systemd/system/ssh@.service": "[Service]\nExecStart=-/usr/sbin/sshd -i -p 9\n",
                "/etc/systemd/system/multi-user.target.wants/ssh.service": {"link": UNIT},
            },
            {"permit_root_login": "no", "ports": [22]},
        ),
        (
            {UNIT: DEBIAN_UNIT, "/etc/systemd/system/sshd.service": {"link": UNIT}, "/etc/default/ssh": "SSHD_OPTS=-4"},
            {"address_family": "inet"},
        ),
        (
            {UNIT: "[Service]\nExecStart=/x\n", "/etc/systemd/system/ssh.service": {"link": "/dev/null"}},
            {"ports": [22]},
        ),
    ],
)
def test_what_the_command_line_gives_comes_before_the_file(
    files: dict[str, Any], expected: dict[str, Any], *, live: bool
) -> None:
    """The unit, its drop-ins and environment files tell how sshd is started; what they leave open is unknown."""
    data = read(
        {"/etc/ssh/sshd_config": "PermitRootLogin no\nPort 22\nMatch User x\nX11Forwarding yes\n", **files}, live=live
    )
    found = {field: "$unknown" if "$unknown" in str(data[field]) else data[field] for field in expected}
    assert found == expected


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("7 sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups", "no"),
        ("7 sshd: /usr/sbin/sshd -D -o PermitRootLogin=yes [listener] 0 of 10-100 startups", "yes"),
        ("7 /usr/sbin/sshd -D -oPermitRootLogin=yes -o AllowUsers=a b -4", "yes"),
        ("7 sshd: /usr/sbin/sshd -f /other [listener] 0 of 10-100 startups", "forced-commands-only"),
        ("7 sshd: /usr/sbin/sshd -D -o PermitRootLog", "$unknown"),
        ("7 sshd", "no"),
        ("7 /bin/other -D", "$unknown"),
        ("8 sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups", "by the unit"),
        ("", "by the unit"),
    ],
)
def test_the_running_daemon_tells_how_it_was_started(title: str, expected: str) -> None:
    """The process of the pid file speaks before the units do; another one, as of a container, does not."""
    files = {
        "/run/sshd.pid": "7\n",
        "/etc/ssh/sshd_config": "PermitRootLogin no\n",
        "/other": "PermitRootLogin forced-commands-only\n",
        UNIT: "[Service]\nExecStart=/usr/sbin/sshd -o PermitRootLogin=prohibit-password\n",
    }
    found = read(files, {"pgrep -u 0 -x -a sshd": f"6 sshd: root@pts/0\n{title}\n"})["permit_root_login"]
    named = "$unknown" if isinstance(found, dict) else "by the unit" if found == "prohibit-password" else found
    assert named == expected


def test_the_daemons_answer_does_not_tell_what_its_command_line_gives() -> None:
    files = {"/etc/ssh/sshd_config": "PermitRootLogin no\n", "/etc/default/ssh": "SSHD_OPTS=-oPermitRootLogin=yes"}
    data = read(files, {"sshd -T": "port 22\npermitrootlogin no\n"})
    assert (data["permit_root_login"], data["source"]) == ("yes", "files")


def test_options_that_are_left_over_do_not_install_the_server() -> None:
    assert read({"/etc/default/ssh": "SSHD_OPTS='-f /gone'"})["installed"] is False


@given(st.lists(st.text()))
def test_no_command_line_breaks_the_reader(words: list[str]) -> None:
    assert isinstance(read_words(words, "x"), Started | Unknown)


@pytest.mark.parametrize(
    ("name", "command", "enabled", "told"),
    [
        ("ssh2.service", "sshd -D -f /etc/ssh/two", "ssh2.service", True),
        ("ssh2.service", "/usr/sbin/sshd -D -f /etc/ssh/two", "ssh2.service", True),
        ("maintenance.service", "/bin/sh -c '/usr/sbin/sshd -f /etc/ssh/two'", "maintenance.service", True),
        ("two@.service", "/usr/sbin/sshd -i -f /etc/ssh/two", "two.socket", True),
        ("two@.service", "/usr/sbin/sshd -D -f /etc/ssh/%i", "two@x.service", True),
        ("ssh2.service", "/usr/sbin/sshd -D -f /etc/ssh/two", "other.service", False),
        ("ssh2.service", "/usr/sbin/sshd-keygen -A", "ssh2.service", False),
        ("ssh.service", "/usr/sbin/sshd -D", "ssh.service", False),
    ],
)
def test_a_second_instance_is_told(name: str, command: str, enabled: str, *, told: bool) -> None:
    """What it allows is not read, so that nothing is said of the server's settings as a whole."""
    folder = "/etc/systemd/system"
    files = {
        "/usr/lib/systemd/systemd": "",
        "/etc/ssh/sshd_config": "PermitRootLogin no\n",
        f"{folder}/{name}": f"[Service]\nExecStart={command}\n",
        f"{folder}/multi-user.target.wants/{enabled}": {"link": f"{folder}/{name}"},
    }
    found = list(sshd.collect(MemorySource(files)))
    problems = [item for item in found if not isinstance(item, Resource)]
    assert [item.resource_types for item in problems] == ([("linux.sshd",)] if told else [])
