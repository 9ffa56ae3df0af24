"""The Linux audit system: the daemon's settings, its rules, and what they cover.

Rules come from the kernel (`auditctl -l`, root) where it answers, else from /etc/audit/rules.d as augenrules would
merge them, else from audit.rules. Coverage says for each group of events whether every part of it is recorded.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

import msgspec

from xspm.connectors.linux.audit_order import effective
from xspm.connectors.linux.audit_rules import Rule, covered, parse_rules
from xspm.connectors.linux.configuration import boolean, integer, words
from xspm.connectors.linux.init import init_of
from xspm.connectors.linux.records import exists, fill, not_installed, resource, settings, unlisted
from xspm.connectors.linux.redact import redact
from xspm.connectors.linux.sudoers import read_sudoers
from xspm.connectors.linux.transport import Needs, Output
from xspm.model.schema import ResourceType
from xspm.model.unknown import Maybe, Unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from xspm.connectors.linux.transport import Source
    from xspm.model.asset import Problem, Resource


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
    silencing_rules: Maybe[list[str]]
    """Rules by which others record less than they say: `never` before them, `never,task`, `always,exclude`."""
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

_CONFIG: Final = "/etc/audit/auditd.conf"
_RULES: Final = "/etc/audit/audit.rules"
NEEDS: Final = Needs(
    texts=(_CONFIG, _RULES, "/etc/audit/rules.d/*.rules", "/proc/cmdline"),
    stats=(
        "/etc/audit/rules.d",
        "/usr/sbin/auditd",
        "/sbin/auditd",
        "/usr/lib64",
        "/lib64",
        "/usr/lib/x86_64-linux-gnu",
        "/usr/lib/aarch64-linux-gnu",
    ),
    commands=(("auditctl", "-l"), ("auditctl", "-s")),
)


def _lower(text: str) -> str:
    return text.lower()


def _upper(text: str) -> str:
    return text.upper()


def _mebibytes(text: str) -> int | None:
    value = integer(text)
    return None if value is None else value * 1024 * 1024


_SETTINGS: Final[dict[str, tuple[str, Callable[[str], Any], Any]]] = {
    "log_file": ("log_file", str, "/var/log/audit/audit.log"),
    "log_format": ("log_format", _upper, "RAW"),
    "log_group": ("log_group", str, "root"),
    "max_log_file_bytes": ("max_log_file", _mebibytes, 0),
    "max_log_file_action": ("max_log_file_action", _lower, "ignore"),
    "log_files": ("num_logs", integer, 0),
    "space_left_action": ("space_left_action", _lower, "ignore"),
    "admin_space_left_action": ("admin_space_left_action", _lower, "ignore"),
    "disk_full_action": ("disk_full_action", _lower, "ignore"),
    "disk_error_action": ("disk_error_action", _lower, "syslog"),
    "flush": ("flush", _lower, "none"),
    "write_logs": ("write_logs", boolean, True),
}
"""Field to keyword, reading and auditd's default."""


def collect(source: Source) -> Iterator[Resource | Problem]:
    """Read the daemon's settings and the rules."""
    text = source.text(_CONFIG)
    if text is None and not exists(source, "/usr/sbin/auditd", "/sbin/auditd", "/etc/audit/rules.d"):
        yield settings(fill(Auditd, not_installed("auditd"), {"installed": False, "defaulted": []}))
        return
    manager = init_of(source)
    defaulted: list[str] = []
    values: dict[str, Any] = {
        "installed": True,
        "enabled": manager.boots("auditd"),
        "running": manager.runs("auditd"),
        "kernel_parameter": _kernel_parameter(source),
        **_daemon(text, defaulted),
        **_rule_values(source, (rules := _rules(source))),
    }
    yield settings(Auditd(**values, defaulted=sorted(defaulted)), _CONFIG)
    if isinstance(rules, Unknown):
        yield unlisted(rules, AuditRule)
        return
    seen: Counter[str] = Counter()
    for rule in rules[1]:
        if rule.kind != "control":
            name = redact(rule.text)
            seen[name] += 1
            identity = name if seen[name] == 1 else f"{name} #{seen[name]}"
            yield resource(_audit_rule(rule), identity, at=(rule.file, rule.line) if rule.file else None)


def _daemon(text: Maybe[str | None], defaulted: list[str]) -> dict[str, Any]:
    """Read auditd.conf."""
    if isinstance(text, Unknown):
        return dict.fromkeys(_SETTINGS, text)
    given = {name.lower(): setting for name, setting in words(text or "").items()}
    values: dict[str, Any] = {}
    for field, (name, convert, default) in _SETTINGS.items():
        value = convert(given[name].value) if name in given else None
        values[field] = default if value is None else value
        defaulted += [field] if name not in given else []
    return values


def _kernel_parameter(source: Source) -> Maybe[bool | None]:
    text = source.text("/proc/cmdline") if source.live else None
    return text if text is None or isinstance(text, Unknown) else "audit=1" in text.split()


def _rules(source: Source) -> tuple[Literal["auditctl", "files"], list[Rule]] | Unknown:
    """Read the rules in force, else those that would be loaded."""
    output = source.run("auditctl", "-l") if source.live else None
    if isinstance(output, Output) and output.status == 0 and output.stdout.strip():
        status = source.run("auditctl", "-s")
        text = output.stdout.replace("No rules", "")
        # `auditctl -s` tells what -e, -f and -b set; written back as rules, one reader serves for both.
        for word, flag in (("enabled", "-e"), ("failure", "-f"), ("backlog_limit", "-b")):
            match = (
                re.search(rf"^{word} (\d{{1,9}})", status.stdout, re.MULTILINE) if isinstance(status, Output) else None
            )
            text += f"\n{flag} {match[1]}" if match else ""
        return "auditctl", parse_rules(text, None)
    paths = source.glob("/etc/audit/rules.d/*.rules")
    if isinstance(paths, Unknown):
        return paths
    rules: list[Rule] = []
    for path in paths or [_RULES]:
        text_of = source.text(path)
        if isinstance(text_of, Unknown):
            return text_of
        rules += parse_rules(text_of or "", path)
    return "files", rules


def _rule_values(source: Source, found: tuple[Literal["auditctl", "files"], list[Rule]] | Unknown) -> dict[str, Any]:
    """Return what the rules say together."""
    if isinstance(found, Unknown):
        fields = (
            "rules_source",
            "rule_count",
            "immutable",
            "failure_mode",
            "backlog_limit",
            "coverage",
            "silencing_rules",
        )
        return dict.fromkeys(fields, found)
    origin, rules = found
    controls = {rule.key or "": rule.path or "" for rule in rules if rule.kind == "control"}
    log = _sudo_log(source)
    recording, silencing = effective(rules)
    return {
        "rules_source": origin,
        "rule_count": sum(rule.kind != "control" for rule in rules),
        "immutable": controls.get("-e") == "2",
        "failure_mode": integer(controls.get("-f", "")),
        "backlog_limit": integer(controls.get("-b", "")),
        "coverage": AuditCoverage(**covered(recording, wide=_wide(source), sudo_log=log)),
        "silencing_rules": [redact(rule.text) for rule in silencing],
    }


def _wide(source: Source) -> bool:
    """Whether the host has a 64-bit word, so that rules need both architectures."""
    return exists(source, "/usr/lib64", "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/lib64")


def _sudo_log(source: Source) -> str:
    """Return the file that sudo logs to."""
    sudoers = read_sudoers(source, "/etc/sudoers")
    found = [] if sudoers is None or isinstance(sudoers, Unknown) else sudoers.defaults
    return next((item.value for item in reversed(found) if item.name == "logfile" and item.value), "/var/log/sudo.log")


def _audit_rule(rule: Rule) -> AuditRule:
    return AuditRule(
        kind="watch" if rule.kind == "watch" else "syscall",
        path=rule.path,
        permissions=rule.permissions,
        action=rule.action,
        architecture=rule.architecture,
        syscalls=sorted(rule.syscalls),
        filters=[redact(item) for item in rule.filters],
        key=redact(rule.key) if rule.key else rule.key,
        file=rule.file,
    )
