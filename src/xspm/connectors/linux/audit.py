"""The Linux audit system: the daemon's settings, its rules, and what they cover.

Rules come from the kernel (`auditctl -l`, root) where it answers, else from /etc/audit/rules.d as augenrules would
merge them, else from audit.rules. Coverage says for each group of events whether every part of it is recorded.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import msgspec

from xspm.model.schema import ResourceType
from xspm.model.unknown import Maybe


class AuditCoverage(msgspec.Struct, frozen=True, kw_only=True):
    """Which groups of events the rules record completely (both word sizes where the host has two)."""

    time_change: bool
    """adjtimex, settimeofday, clock_settime, and /etc/localtime."""
    identity: bool
    """passwd, shadow, group, gshadow, opasswd."""
    system_locale: bool
    """sethostname, setdomainname, issue, issue.net, hosts, and the network configuration."""
    mac_policy: bool
    """/etc/selinux and /usr/share/selinux, or /etc/apparmor and /etc/apparmor.d."""
    logins: bool
    """lastlog and faillock (or tallylog)."""
    sessions: bool
    """utmp, wtmp, btmp."""
    permission_changes: bool
    """chmod, chown, setxattr and their relatives by people."""
    access_denied: bool
    """open, openat, creat, truncate, ftruncate that end in EACCES or EPERM."""
    mounts: bool
    """mount by people."""
    deletions: bool
    """unlink, unlinkat, rename, renameat by people."""
    sudoers: bool
    """/etc/sudoers and /etc/sudoers.d."""
    user_emulation: bool
    """execve with another effective than real user."""
    sudo_log: bool
    """The file that sudo logs to (/var/log/sudo.log or as sudoers says)."""
    kernel_modules: bool
    """init_module, finit_module, delete_module and kmod."""
    privileged_commands: bool
    """At least one setuid program is watched for execution by people."""
    cron: bool
    """Crontabs (/etc/crontab, /etc/cron.d or /var/spool/cron)."""
    audit_configuration: bool
    """/etc/audit."""


class Auditd(ResourceType, frozen=True, kw_only=True):
    """The audit daemon, its settings and what the rules cover.

    When it is not installed, the fields about its settings are unknown with cause `missing`.
    """

    TYPE: ClassVar[str] = "linux.auditd"

    installed: bool
    """The daemon or its configuration is there."""
    enabled: Maybe[bool | None]
    """It starts at boot; null when no init system is there."""
    running: Maybe[bool | None]
    """It runs now; null when no init system is in charge."""
    kernel_parameter: Maybe[bool | None]
    """`audit=1` on the running kernel's command line; null when not live."""
    backlog_limit: Maybe[int | None]
    """Largest number of waiting records set by rules (-b) or command line; null when not set."""
    log_file: Maybe[str]
    """log_file."""
    log_format: Maybe[str]
    """log_format in upper case."""
    log_group: Maybe[str]
    """Group that may read logs."""
    max_log_file_bytes: Maybe[int]
    """max_log_file."""
    max_log_file_action: Maybe[str]
    """In lower case: rotate, keep_logs, syslog, suspend, ignore."""
    log_files: Maybe[int]
    """num_logs: how many rotated files are kept."""
    space_left_action: Maybe[str]
    """In lower case."""
    admin_space_left_action: Maybe[str]
    """In lower case."""
    disk_full_action: Maybe[str]
    """In lower case."""
    disk_error_action: Maybe[str]
    """In lower case."""
    flush: Maybe[str]
    """In lower case."""
    write_logs: Maybe[bool]
    """write_logs."""
    rules_source: Maybe[Literal["auditctl", "files"]]
    """Where the rules come from."""
    rule_count: Maybe[int]
    """Number of watches and syscall rules."""
    immutable: Maybe[bool]
    """The rules are locked until reboot (-e 2)."""
    failure_mode: Maybe[int | None]
    """-f: 0 silent, 1 log, 2 panic; null when not set."""
    coverage: Maybe[AuditCoverage]
    """What the rules record."""
    defaulted: list[str]
    """Fields whose value is the program's default."""


class AuditRule(ResourceType, frozen=True, kw_only=True):
    """One audit rule."""

    TYPE: ClassVar[str] = "linux.audit_rule"

    kind: Literal["watch", "syscall"]
    """A watch on a path (`-w`, or path= and dir= alone), or a syscall rule."""
    path: str | None
    """The watched path; null for none."""
    permissions: str | None
    """Of a watch: letters of `rwxa`, sorted; null when not given."""
    action: str | None
    """Of a syscall rule: `always,exit`; null for `-w`."""
    architecture: str | None
    """`b64`, `b32`; null when not given."""
    syscalls: list[str]
    """Sorted; `all` for every one."""
    filters: list[str]
    """The fields as written: `auid>=1000`."""
    key: str | None
    """-k or key=; null when none."""
    file: str | None
    """The file it is in; null when it comes from the kernel."""


TYPES: tuple[type[ResourceType], ...] = (Auditd, AuditRule)
