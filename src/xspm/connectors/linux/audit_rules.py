"""Reads audit rules as auditctl takes them, and says which groups of events they record.

A watch (`-w PATH -p rwxa`) and the syscall form of the same (`-a always,exit -F path=PATH -F perm=wa`) are one thing
here. A syscall counts as recorded when a rule with action `always,exit` names it for each architecture that the host
can run.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from xspm.connectors.linux.configuration import lines

if TYPE_CHECKING:
    from collections.abc import Iterable

RULE_LIMIT: Final = 50_000


class Rule(msgspec.Struct, frozen=True):
    """One line."""

    kind: Literal["watch", "syscall", "control"]
    text: str
    file: str | None
    line: int
    path: str | None = None
    """Watched path; of a control option its value."""
    permissions: str | None = None
    action: str | None = None
    architecture: str | None = None
    syscalls: frozenset[str] = frozenset()
    filters: tuple[str, ...] = ()
    key: str | None = None
    """-k; of a control option the option itself."""
    silenced: frozenset[str] = frozenset()
    """System calls that a rule before it keeps from being recorded."""


def parse_rules(text: str, file: str | None) -> list[Rule]:
    """Read a rules file, or what `auditctl -l` prints."""
    found: list[Rule] = []
    for line in lines(text):
        words = line.text.split()
        rule = _rule(words, " ".join(words), file, line.number)
        if rule:
            found.append(rule)
        if len(found) >= RULE_LIMIT:
            break
    return found


def _rule(words: list[str], text: str, file: str | None, line: int) -> Rule | None:
    """Read one line; None for what is no rule."""
    if words[0] in {"-e", "-f", "-b", "-r", "--backlog_wait_time"} and len(words) > 1:
        return Rule("control", text, file, line, path=words[1], key=words[0])
    if words[0] in {"-W", "-d"}:
        return Rule("control", text, file, line, key=words[0])
    if words[0] not in {"-w", "-a", "-A"} or len(words) < 2:
        return None
    pairs = list(zip(words[2::2], words[3::2], strict=False))
    key = next((value for flag, value in pairs if flag == "-k"), None)
    filters = [value for flag, value in pairs if flag in {"-F", "-C"}]
    fields = dict(re.split(r"(?<=[^!<>&])=", item, maxsplit=1) for item in filters if re.match(r"\w+=[^=]", item))
    key = key or fields.get("key")
    if words[0] == "-w":
        given = next((value for flag, value in pairs if flag == "-p"), "")
        letters = "".join(sorted(given)) or "arwx"
        return Rule("watch", text, file, line, path=_clean(words[1]), permissions=letters, key=key)
    syscalls = frozenset(name for flag, value in pairs if flag == "-S" for name in value.split(","))
    path = fields.get("path") or fields.get("dir")
    permissions = "".join(sorted(fields["perm"])) if "perm" in fields else None
    action = ",".join(sorted(words[1].split(","), key=lambda word: word not in {"always", "never"}))
    watch = (
        action == "always,exit"
        and path is not None
        and syscalls <= {"all"}
        and "perm" in fields
        and not fields.keys() & {"auid", "uid", "euid"}
    )
    return Rule(
        kind="watch" if watch else "syscall",
        text=text,
        file=file,
        line=line,
        path=_clean(path) if path else None,
        permissions=permissions,
        action=action,
        architecture=fields.get("arch"),
        syscalls=syscalls,
        filters=tuple(item for item in filters if not item.startswith(("key=", "arch="))),
        key=key,
    )


def _clean(path: str) -> str:
    return path.rstrip("/") or "/"


_FILES: Final[dict[str, tuple[tuple[str, ...], ...]]] = {
    "identity": (("/etc/group",), ("/etc/passwd",), ("/etc/gshadow",), ("/etc/shadow",), ("/etc/security/opasswd",)),
    "mac_policy": (
        ("/etc/selinux", "/etc/apparmor"),
        ("/usr/share/selinux", "/etc/apparmor.d"),
    ),
    "logins": (("/var/log/lastlog",), ("/var/run/faillock", "/run/faillock", "/var/log/faillog", "/var/log/tallylog")),
    "sessions": (("/var/run/utmp", "/run/utmp"), ("/var/log/wtmp",), ("/var/log/btmp",)),
    "sudoers": (("/etc/sudoers",), ("/etc/sudoers.d",)),
    "cron": (("/etc/crontab", "/etc/cron.d", "/var/spool/cron", "/var/spool/cron/crontabs"),),
    "audit_configuration": (("/etc/audit", "/etc/audit/rules.d", "/etc/audit/auditd.conf"),),
}
"""Group to the paths that must be watched for writing: of each inner tuple one."""
_SYSCALLS: Final[dict[str, tuple[str, ...]]] = {
    "permission_changes": (
        "chmod",
        "fchmod",
        "fchmodat",
        "chown",
        "fchown",
        "fchownat",
        "lchown",
        "setxattr",
        "lsetxattr",
        "fsetxattr",
        "removexattr",
        "lremovexattr",
        "fremovexattr",
    ),
    "mounts": ("mount",),
    "deletions": ("unlink", "unlinkat", "rename", "renameat"),
}


def covered(rules: Iterable[Rule], *, wide: bool, sudo_log: str) -> dict[str, bool]:
    """Say for each group of events whether the rules record all of it.

    Args:
        rules: those that record, as `effective` leaves them.
        wide: whether syscalls must be recorded for both word sizes.
        sudo_log: the file that sudo logs to.
    """
    kept = list(rules)
    watched = {rule.path for rule in kept if rule.path and rule.kind == "watch" and "w" in (rule.permissions or "w")}
    calls = [rule for rule in kept if rule.kind == "syscall" and rule.action == "always,exit"]

    def watches(paths: tuple[str, ...]) -> bool:
        return any(path in watched for path in paths)

    def records(names: tuple[str, ...], *asked: str) -> bool:
        fitting = [rule for rule in calls if all(any(word in item for item in rule.filters) for word in asked)]
        sizes = ("b64", "b32") if wide else ("b32",)
        return all(
            any(
                ({name, "all"} & rule.syscalls) and name not in rule.silenced and rule.architecture in {size, None}
                for rule in fitting
            )
            for name in names
            for size in sizes
        )

    answers = {name: all(watches(paths) for paths in groups) for name, groups in _FILES.items()}
    answers |= {name: records(names) for name, names in _SYSCALLS.items()}
    clock = records(("adjtimex", "settimeofday")) and records(("clock_settime",))
    names = records(("sethostname", "setdomainname"))
    texts = watches(("/etc/issue",)) and watches(("/etc/issue.net",)) and watches(("/etc/hosts",))
    networks = (
        "/etc/network",
        "/etc/networks",
        "/etc/netplan",
        "/etc/sysconfig/network",
        "/etc/sysconfig/network-scripts",
    )
    modules = records(("init_module", "finit_module", "delete_module"))
    kmod = any(rule.path in {"/usr/bin/kmod", "/bin/kmod", "/sbin/modprobe"} for rule in kept)
    denied = ("creat", "open", "openat", "truncate", "ftruncate")
    answers |= {
        "time_change": clock and watches(("/etc/localtime",)),
        "system_locale": names and texts and watches((*networks, "/etc/NetworkManager")),
        "access_denied": records(denied, "exit=-EACCES") and records(denied, "exit=-EPERM"),
        "user_emulation": records(("execve",), "euid!=uid") or records(("execve",), "uid!=euid"),
        "sudo_log": watches((sudo_log,)),
        "kernel_modules": modules and kmod,
        "privileged_commands": any(_privileged(rule) for rule in kept),
    }
    return answers


def _privileged(rule: Rule) -> bool:
    """Whether a rule watches one program for execution."""
    program = rule.path is not None and re.match(r"/(?:usr/)?(?:local/)?s?bin/|/usr/lib", rule.path) is not None
    return program and "x" in (rule.permissions or "")
