"""The audit daemon's settings, rules and what they cover."""

from __future__ import annotations

from typing import Any

import pytest

from xspm.connectors.linux import audit
from xspm.connectors.linux.audit_rules import parse_rules
from xspm.connectors.linux.memory import MemorySource
from xspm.model.asset import Problem, Resource

CONFIG = """\
log_file = /var/log/audit/audit.log
log_format = ENRICHED
max_log_file = 8
num_logs = 5
max_log_file_action = ROTATE
space_left_action = SYSLOG
"""
RULES = """\
-D
-b 8192
-f 1
-w /etc/group -p wa -k identity
-w /etc/passwd -p wa -k identity
-w /etc/gshadow -p wa -k identity
-w /etc/shadow -p wa -k identity
-w /etc/security/opasswd -p wa -k identity
-a always,exit -F arch=b64 -S adjtimex,settimeofday -k time-change
-a always,exit -F arch=b32 -S adjtimex,settimeofday -k time-change
-a always,exit -F arch=b64 -S clock_settime -F a0=0x0 -k time-change
-a always,exit -F arch=b32 -S clock_settime -F a0=0x0 -k time-change
-w /etc/localtime -p wa -k time-change
-a always,exit -F path=/usr/bin/sudo -F perm=x -F auid>=1000 -F auid!=unset -k privileged
-a always,exit -F arch=b64 -C euid!=uid -F auid!=unset -S execve -k user_emulation
-a always,exit -F arch=b32 -C euid!=uid -F auid!=unset -S execve -k user_emulation
-w /etc/sudoers -p wa -k scope
-a always,exit -F dir=/etc/sudoers.d -F perm=wa -k scope
"""


def read(
    files: dict[str, Any], commands: dict[str, Any] | None = None, *, live: bool = True
) -> tuple[dict[str, Any], list[Any]]:
    """Settings, and everything."""
    found = list(audit.collect(MemorySource(files, commands, live=live)))
    return next(item.data for item in found if isinstance(item, Resource) and item.type == "linux.auditd"), found


FILES: dict[str, Any] = {
    "/etc/audit/auditd.conf": CONFIG,
    "/etc/audit/rules.d/50-rules.rules": RULES,
    "/etc/audit/rules.d/99-final.rules": "-e 2\n",
    "/usr/lib64": {"kind": "directory"},
}


def test_settings() -> None:
    data, _ = read(FILES)
    expected = {
        "installed": True,
        "log_format": "ENRICHED",
        "max_log_file_bytes": 8388608,
        "max_log_file_action": "rotate",
        "log_files": 5,
        "space_left_action": "syslog",
        "disk_full_action": "ignore",
        "rules_source": "files",
        "rule_count": 15,
        "immutable": True,
        "failure_mode": 1,
        "backlog_limit": 8192,
    }
    assert {name: data[name] for name in expected} == expected
    assert "disk_full_action" in data["defaulted"]


def test_coverage() -> None:
    coverage = read(FILES)[0]["coverage"]
    assert sorted(name for name, value in coverage.items() if value) == [
        "identity",
        "privileged_commands",
        "sudoers",
        "time_change",
        "user_emulation",
    ]


@pytest.mark.parametrize(
    ("removed", "group"),
    [
        ("-w /etc/shadow -p wa -k identity\n", "identity"),
        ("-a always,exit -F arch=b32 -S clock_settime -F a0=0x0 -k time-change\n", "time_change"),
        ("-a always,exit -F dir=/etc/sudoers.d -F perm=wa -k scope\n", "sudoers"),
    ],
)
def test_a_missing_rule_is_missed(removed: str, group: str) -> None:
    files = FILES | {"/etc/audit/rules.d/50-rules.rules": RULES.replace(removed, "")}
    assert read(files)[0]["coverage"][group] is False


def test_the_kernel_is_believed() -> None:
    commands = {
        "auditctl -l": "-w /etc/cron.d -p wa -k cron\n",
        "auditctl -s": "enabled 2\nfailure 2\nbacklog_limit 64\n",
    }
    data, _ = read(FILES, commands)
    assert (data["rules_source"], data["rule_count"], data["immutable"], data["failure_mode"]) == (
        "auditctl",
        1,
        True,
        2,
    )
    assert data["coverage"]["cron"] is True
    assert data["coverage"]["identity"] is False


def test_rules() -> None:
    found = {item.id: item.data for item in read(FILES)[1] if isinstance(item, Resource)}
    assert found["-w /etc/shadow -p wa -k identity"] == {
        "kind": "watch",
        "path": "/etc/shadow",
        "permissions": "aw",
        "action": None,
        "architecture": None,
        "syscalls": [],
        "filters": [],
        "key": "identity",
        "file": "/etc/audit/rules.d/50-rules.rules",
    }
    rule = found["-a always,exit -F arch=b64 -C euid!=uid -F auid!=unset -S execve -k user_emulation"]
    assert (rule["architecture"], rule["syscalls"], rule["filters"]) == (
        "b64",
        ["execve"],
        ["euid!=uid", "auid!=unset"],
    )


def test_not_installed_and_unreadable() -> None:
    assert read({})[0]["installed"] is False
    denied = {"content": "", "denied": True}
    data, found = read(FILES | {"/etc/audit/rules.d/50-rules.rules": denied, "/etc/audit/auditd.conf": denied})
    assert "$unknown" in data["coverage"]
    assert "$unknown" in data["log_format"]
    assert [item.resource_types for item in found if isinstance(item, Problem)] == [("linux.audit_rule",)]


def test_without_rules_d_audit_rules_counts() -> None:
    data, _ = read({"/etc/audit/auditd.conf": "", "/etc/audit/audit.rules": "-w /etc/passwd -p wa\n"})
    assert data["rule_count"] == 1


@pytest.mark.parametrize(
    "text", ["-w", "-a", "-a always,exit -F", "-a always,exit -F =", "-e", "-w /x -p", "\x00 \xff", "-F a=b"]
)
def test_broken_rules(text: str) -> None:
    assert isinstance(parse_rules(text, None), list)


def test_the_kernel_command_line() -> None:
    assert read(FILES | {"/proc/cmdline": "ro audit=1 quiet\n"})[0]["kernel_parameter"] is True
    assert read(FILES | {"/proc/cmdline": "ro quiet\n"})[0]["kernel_parameter"] is False
    assert read(FILES, live=False)[0]["kernel_parameter"] is None


@pytest.mark.parametrize(
    ("before", "after", "covers"),
    [
        ("", "", True),
        ("", "-a never,exit -F arch=b64 -S adjtimex", True),
        ("-a never,exit -F arch=b64 -S chmod", "", True),
        ("-a never,exit -F arch=b64 -S adjtimex -F exe=/usr/sbin/chronyd", "", True),
        ("-a never,exit -F arch=b64 -S adjtimex", "", False),
        ("-a never,exit -F arch=b32 -S all", "", False),
        ("", "-A never,exit -S settimeofday", False),
        ("-a task,never", "", False),
        ("-a always,exclude -F msgtype=SYSCALL", "", False),
        ("-a always,exclude -F msgtype=PROCTITLE", "", True),
    ],
)
def test_an_earlier_rule_hides_what_later_ones_say(before: str, after: str, covers: bool) -> None:  # noqa: FBT001
    files = {**FILES, "/etc/audit/rules.d/50-rules.rules": f"{before}\n{RULES}{after}\n"}
    data, _ = read(files)
    assert (data["coverage"]["time_change"], data["silencing_rules"] == []) == (covers, covers)
