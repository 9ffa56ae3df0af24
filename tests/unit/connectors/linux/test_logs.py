"""journald and rsyslog as their drop-ins leave them."""

from __future__ import annotations

from typing import Any

import pytest

from xspm.connectors.linux import logs
from xspm.connectors.linux.memory import MemorySource
from xspm.model.asset import Resource

DEBIAN_RSYSLOG = """\
module(load="imuxsock") # provides support for local system logging
#module(load="imudp")
#input(type="imudp" port="514")
$FileOwner root
$FileGroup adm
$FileCreateMode 0640
$DirCreateMode 0755
$Umask 0022
$IncludeConfig /etc/rsyslog.d/*.conf
auth,authpriv.*\t\t\t/var/log/auth.log
*.*;auth,authpriv.none\t\t-/var/log/syslog
mail.*\t\t\t\t-/var/log/mail.log
*.emerg\t\t\t\t:omusrmsg:*
"""
RHEL_RSYSLOG = """\
global(workDirectory="/var/lib/rsyslog")
include(file="/etc/rsyslog.d/*.conf" mode="optional")
*.info;mail.none;authpriv.none;cron.none                /var/log/messages
authpriv.*                                              /var/log/secure
"""
JOURNALD = "/usr/lib/systemd/systemd-journald"


def read(files: dict[str, Any], kind: str) -> dict[str, Any]:
    """The one resource of a type."""
    return next(
        i.data for i in logs.collect(MemorySource(files)) if isinstance(i, Resource) and i.type == f"linux.{kind}"
    )


@pytest.mark.parametrize(
    ("files", "field", "expected"),
    [
        ({}, "storage", "auto"),
        ({}, "persistent", False),
        ({"/var/log/journal": {"kind": "directory"}}, "persistent", True),
        ({"/etc/systemd/journald.conf": "[Journal]\nStorage=persistent\n"}, "persistent", True),
        ({"/etc/systemd/journald.conf": "[Journal]\nStorage=volatile\n"}, "persistent", False),
        ({"/etc/systemd/journald.conf": "[Journal]\n#ForwardToSyslog=yes\n"}, "forward_to_syslog", True),
        (
            {"/etc/systemd/journald.conf": "[Journal]\n#ForwardToSyslog=yes\nForwardToSyslog=no"},
            "forward_to_syslog",
            False,
        ),
        ({"/usr/lib/systemd/journald.conf": "[Journal]\nCompress=no\n"}, "compress", False),
        ({"/etc/systemd/journald.conf": "[Other]\nCompress=no\n"}, "compress", True),
        ({"/etc/systemd/journald.conf": "[Journal]\nMaxRetentionSec=1month\n"}, "max_retention_seconds", 2629800),
        ({"/etc/systemd/journald.conf": "[Journal]\nMaxFileSec=0\n"}, "max_file_seconds", None),
        ({}, "max_file_seconds", 2629800),
        ({"/etc/systemd/journald.conf": "[Journal]\nSystemMaxUse=1G\n"}, "system_max_use", "1G"),
        (
            {
                "/etc/systemd/journald.conf": "[Journal]\nStorage=none\n",
                "/usr/lib/systemd/journald.conf.d/50-a.conf": "[Journal]\nStorage=volatile\n",
                "/etc/systemd/journald.conf.d/40-b.conf": "[Journal]\nStorage=persistent\n",
                "/etc/systemd/journald.conf.d/50-a.conf": "[Journal]\nStorage=auto\n",
            },
            "storage",
            "auto",
        ),
    ],
)
def test_journald(files: dict[str, Any], field: str, expected: object) -> None:
    assert read({JOURNALD: "", **files}, "journald")[field] == expected


def test_journal_upload_and_remote() -> None:
    files = {
        JOURNALD: "",
        "/usr/lib/systemd/systemd": "",
        "/etc/systemd/journal-upload.conf": "[Upload]\nURL=https://logs\n",
        "/etc/systemd/system/multi-user.target.wants/systemd-journal-upload.service": {"link": "/x"},
        "/etc/systemd/system/sockets.target.wants/systemd-journal-remote.socket": {"link": "/y"},
    }
    found = read(files, "journald")
    assert (found["uploads"], found["receives"]) == (True, True)
    assert read(files, "logging")["remote"] is True


@pytest.mark.parametrize(
    ("text", "field", "expected"),
    [
        (DEBIAN_RSYSLOG, "file_create_mode", "0640"),
        (DEBIAN_RSYSLOG, "file_create_mode_strict", True),
        (DEBIAN_RSYSLOG, "directory_create_mode", "0755"),
        (DEBIAN_RSYSLOG, "receives", []),
        (DEBIAN_RSYSLOG, "remote_targets", []),
        (DEBIAN_RSYSLOG, "logs_authentication", True),
        (DEBIAN_RSYSLOG, "log_files", ["/var/log/auth.log", "/var/log/mail.log", "/var/log/syslog"]),
        (RHEL_RSYSLOG, "file_create_mode", "0644"),
        (RHEL_RSYSLOG, "file_create_mode_strict", False),
        (RHEL_RSYSLOG, "logs_authentication", True),
        ('module(load="builtin:omfile" fileCreateMode="0600")', "file_create_mode", "0600"),
        ("$ModLoad imtcp\n$InputTCPServerRun 514", "receives", ["tcp"]),
        ("$UDPServerRun 514", "receives", ["udp"]),
        ('input(type="imrelp" port="20514")', "receives", ["relp"]),
        (
            "*.* @logs.example",
            "remote_targets",
            [{"host": "logs.example", "port": None, "protocol": "udp", "tls": False}],
        ),
        ("*.* @@(o)[::1]:6514", "remote_targets", [{"host": "::1", "port": 6514, "protocol": "tcp", "tls": False}]),
        (
            '*.* action(type="omfwd" target="10.0.0.1" port="514"\n protocol="tcp" StreamDriver="gtls")',
            "remote_targets",
            [{"host": "10.0.0.1", "port": 514, "protocol": "tcp", "tls": True}],
        ),
        (
            "$DefaultNetstreamDriver gtls\n*.* @@logs:6514",
            "remote_targets",
            [{"host": "logs", "port": 6514, "protocol": "tcp", "tls": True}],
        ),
        ("mail.* /var/log/mail", "logs_authentication", False),
    ],
)
def test_rsyslog(text: str, field: str, expected: object) -> None:
    assert read({"/etc/rsyslog.conf": text}, "rsyslog")[field] == expected


def test_rsyslog_includes() -> None:
    files = {
        "/etc/rsyslog.conf": DEBIAN_RSYSLOG,
        "/etc/rsyslog.d/50-x.conf": "*.* @@logs\n$IncludeConfig /etc/rsyslog.conf\n",
    }
    found = read(files, "rsyslog")
    assert found["files"] == ["/etc/rsyslog.conf", "/etc/rsyslog.d/50-x.conf"]
    assert len(found["remote_targets"]) == 1
    denied = read(files | {"/etc/rsyslog.d/50-x.conf": {"content": "", "denied": True}}, "rsyslog")
    assert "$unknown" in denied["remote_targets"]


def test_logging_as_a_whole() -> None:
    files = {"/etc/rsyslog.conf": DEBIAN_RSYSLOG, JOURNALD: "", "/etc/logrotate.conf": "weekly\n"}
    assert read(files, "logging") == {
        "daemons": ["journald", "rsyslog"],
        "enabled_daemons": ["journald"],
        "persistent": False,
        "remote": False,
        "rotated": True,
    }
    assert read({}, "logging")["daemons"] == []
    assert "$unknown" in read({"/usr/sbin/syslog-ng": ""}, "logging")["remote"]


def test_not_installed() -> None:
    assert read({}, "journald")["installed"] is False
    assert read({}, "rsyslog")["installed"] is False


def test_unreadable_journald() -> None:
    found = read({JOURNALD: "", "/etc/systemd/journald.conf": {"content": "", "denied": True}}, "journald")
    assert "$unknown" in found["persistent"]


@pytest.mark.parametrize(
    "text",
    ["action(" * 20_000, 'action(type="omfwd" ' + "x" * 100_000, "*" * 100_000, "\x00\xff", "a.b " + "@" * 50_000],
)
def test_hostile_rsyslog_ends(text: str) -> None:
    assert read({"/etc/rsyslog.conf": text}, "rsyslog")["installed"] is True
