"""sudo: its settings and every rule of sudoers, includes resolved and aliases expanded.

The file is read as sudo reads it: @includedir skips names with a dot or a trailing tilde, the last Defaults wins, tags
stay in force along a list of commands. One rule resource per user specification.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

import msgspec

from xspm.connectors.linux.configuration import shell_assignments
from xspm.connectors.linux.group_members import group_members
from xspm.connectors.linux.logic import either
from xspm.connectors.linux.records import exists, fill, not_installed, resource, settings, unlisted
from xspm.connectors.linux.redact import redact
from xspm.connectors.linux.sudoers import Command, Default, Rule, Sudoers, read_sudoers
from xspm.connectors.linux.transport import Needs
from xspm.connectors.linux.versions import package_version, printed_version
from xspm.model.schema import ResourceType
from xspm.model.unknown import Maybe, Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xspm.connectors.linux.transport import Source
    from xspm.model.asset import Problem, Resource


class ScopedDefault(msgspec.Struct, frozen=True, kw_only=True):
    """A Defaults entry that holds only for some users, hosts, target users or commands."""

    scope: Literal["user", "host", "runas", "command"]
    """What it is limited by."""
    subjects: list[str]
    """To whom or what, aliases expanded."""
    name: str
    """The option: `authenticate`."""
    value: str | None
    """Its value as written; null for a flag."""
    negated: bool
    """Written with `!`."""
    file: str
    """Path."""
    line: int
    """1-based."""


class Sudo(ResourceType, frozen=True, kw_only=True):
    """Settings of sudo that hold for everyone.

    When sudo is not installed, all other fields are unknown with cause `missing`.
    """

    TYPE: ClassVar[str] = "linux.sudo"

    installed: bool
    """The program or its sudoers file is there."""
    version: Maybe[str | None]
    """Version: `1.9.13p3`; null when it could not be told (then defaults are those of the newest known version)."""
    use_pty: Maybe[bool]
    """Commands run in a pseudo-terminal of their own."""
    authenticate: Maybe[bool]
    """Users must authenticate."""
    exempt_group: Maybe[str | None]
    """Group whose members need not authenticate, whatever their rules say; null when not set."""
    timestamp_timeout_seconds: Maybe[int | None]
    """How long an authentication lasts; 0 = ask always; null = until logout or reboot (negative value)."""
    timestamp_type: Maybe[str]
    """`tty`, `ppid`, `kernel` or `global`."""
    password_tries: Maybe[int]
    """passwd_tries."""
    password_timeout_seconds: Maybe[int | None]
    """passwd_timeout; null = none."""
    asks_password_of: Maybe[Literal["user", "root", "target", "runas_default"]]
    """Whose password is asked (rootpw, targetpw, runaspw)."""
    password_feedback: Maybe[bool]
    """pwfeedback: asterisks show the length."""
    visible_password: Maybe[bool]
    """visiblepw: a password may be read where it is shown."""
    requires_tty: Maybe[bool]
    """requiretty."""
    log_file: Maybe[str | None]
    """logfile; null when not set."""
    syslog_facility: Maybe[str | None]
    """syslog; null when turned off."""
    log_input: Maybe[bool]
    """log_input."""
    log_output: Maybe[bool]
    """log_output."""
    mail_bad_password: Maybe[bool]
    """mail_badpass."""
    env_reset: Maybe[bool]
    """The environment is cleaned."""
    env_keep: Maybe[list[str]]
    """Variables that sudoers adds to those kept, sorted."""
    env_keep_patterns: Maybe[list[str]]
    """Regular expressions (RE2) of the names that env_keep lets through for everyone or for somebody but root, sorted.
    """
    setenv: Maybe[bool]
    """Users may set the environment (-E)."""
    secure_path: Maybe[list[str] | None]
    """PATH of commands; null when not set."""
    ignore_dot: Maybe[bool]
    """ignore_dot."""
    lecture: Maybe[str]
    """`once`, `always` or `never`."""
    includes: Maybe[list[str]]
    """Files read, in order."""
    unparsed_lines: Maybe[list[str]]
    """Lines that are not sudoers grammar, as `file:line`."""
    scoped_defaults: Maybe[list[ScopedDefault]]
    """Defaults entries limited to users, hosts, target users or commands."""
    defaulted: list[str]
    """Fields whose value is the program's default."""


class SudoRule(ResourceType, frozen=True, kw_only=True):
    """One user specification of sudoers: who may run what as whom."""

    TYPE: ClassVar[str] = "linux.sudo_rule"

    users: list[str]
    """Who, aliases expanded: names, `%group`, `#uid`, `+netgroup`, `ALL`; `!` kept."""
    hosts: list[str]
    """Where, aliases expanded."""
    run_as_users: list[str]
    """As which users; `root` when not written; empty when only a group is given."""
    run_as_groups: list[str]
    """As which groups."""
    commands: list[str]
    """Which commands, aliases expanded, credentials masked; `ALL`, `!…` kept."""
    passwordless_commands: Maybe[list[str]]
    """Those of them that run without authentication: NOPASSWD, or `!authenticate` for these users, hosts, target users
    or commands, or exempt_group for one of these users.
    """
    passwordless: Maybe[bool]
    """There are such commands."""
    passwordless_all: Maybe[bool]
    """ALL commands run without authentication."""
    all_users: bool
    """Holds for every user."""
    all_commands: bool
    """ALL commands are allowed, with or without exclusions."""
    as_root: bool
    """Commands may run as root (root, #0, ALL)."""
    excludes_commands: bool
    """Commands are taken out of ALL by `!`, which a copy or a shell gets around."""
    wildcard_commands: list[str]
    """Commands with a wildcard in path or arguments."""
    sets_environment: bool
    """SETENV is written or `Defaults setenv` holds: the user may pass any environment (which ALL implies too)."""
    no_exec: bool
    """NOEXEC holds for every command."""
    file: str
    """Path."""
    line: int
    """1-based first line."""


TYPES: tuple[type[ResourceType], ...] = (Sudo, SudoRule)

_NAMES: Final = ("/etc/group", "/etc/passwd", "/etc/hostname", "/proc/sys/kernel/hostname")
NEEDS: Final = Needs(
    texts=("/etc/sudoers", "/etc/sudoers.d/*", "/usr/etc/sudoers", "/usr/etc/sudoers.d/*", "/etc/os-release", *_NAMES),
    stats=("/usr/bin/sudo", "/etc/sudoers"),
    lists=("/etc/sudoers.d", "/usr/etc/sudoers.d"),
    commands=(("sudo", "-V"),),
)

_MAINS: Final = ("/etc/sudoers", "/usr/etc/sudoers")
_SWITCHES: Final = {
    "use_pty": ("use_pty", False),
    "authenticate": ("authenticate", True),
    "password_feedback": ("pwfeedback", False),
    "visible_password": ("visiblepw", False),
    "requires_tty": ("requiretty", False),
    "log_input": ("log_input", False),
    "log_output": ("log_output", False),
    "mail_bad_password": ("mail_badpass", False),
    "env_reset": ("env_reset", True),
    "setenv": ("setenv", False),
    "ignore_dot": ("ignore_dot", False),
}
"""Field to sudoers flag and its default."""
_MINUTES: Final = {
    "timestamp_timeout_seconds": ("timestamp_timeout", 5.0),
    "password_timeout_seconds": ("passwd_timeout", 5.0),
}
_DEBIAN: Final = {"timestamp_timeout": 15.0, "passwd_timeout": 0.0}
"""What Debian and its children build in."""
_PTY_SINCE: Final = (1, 9, 14)
"""The release that turned use_pty on."""


def collect(source: Source) -> Iterator[Resource | Problem]:
    """Read sudo's settings and rules."""
    main = next((path for path in _MAINS if exists(source, path)), _MAINS[0])
    sudoers = read_sudoers(source, main)
    if sudoers is None and not exists(source, "/usr/bin/sudo"):
        yield settings(fill(Sudo, not_installed("sudo"), {"installed": False, "defaulted": []}))
        return
    version = printed_version(source, r"Sudo version (\d[\w.]*)", ("sudo", "-V")) or package_version(source, "sudo")
    sudoers = Sudoers() if sudoers is None else sudoers
    unknown = sudoers if isinstance(sudoers, Unknown) else sudoers.unknown
    if unknown:
        yield unlisted(unknown, SudoRule)
    if isinstance(sudoers, Unknown) or unknown:
        known: dict[str, Any] = {"installed": True, "version": version, "defaulted": []}
        yield settings(fill(Sudo, unknown, known), main)
    else:
        yield settings(_settings(source, sudoers, version), main)
    if isinstance(sudoers, Sudoers):
        yield from _rules(source, sudoers)


def _settings(source: Source, sudoers: Sudoers, version: str | None) -> Sudo:
    """Return the settings for everyone: the last Defaults wins."""
    last: dict[str, Default] = {}
    kept: set[str] = set()
    for item in sudoers.defaults:
        if item.scope != "global":
            continue
        last[item.name] = item
        if item.name == "env_keep":
            named = set((item.value or "").split())
            kept = kept - named if item.operator == "-=" else named | (kept if item.operator == "+=" else set())
    values: dict[str, Any] = {}
    for field, (name, default) in _SWITCHES.items():
        standard = _pty_default(version) if name == "use_pty" else default
        values[field] = _flag(last.get(name), default=standard)
    debian = _debian(source)
    for field, (name, minutes) in _MINUTES.items():
        values[field] = _seconds(last.get(name), _DEBIAN[name] if debian else minutes)
    values["password_timeout_seconds"] = values["password_timeout_seconds"] or None
    syslog = last.get("syslog")
    values |= {
        "timestamp_type": _text(last.get("timestamp_type")) or "tty",
        "password_tries": _number(last.get("passwd_tries"), 3),
        "log_file": _text(last.get("logfile")),
        "syslog_facility": (_text(syslog) or (None if syslog and syslog.negated else "authpriv")),
        "asks_password_of": _whose(last),
        "exempt_group": _text(last.get("exempt_group")),
        "env_keep": sorted(kept),
        "env_keep_patterns": sorted({_pattern(word) for word in (*kept, *_kept_for_some(sudoers))}),
        "secure_path": path.split(":") if (path := _text(last.get("secure_path"))) else None,
        "lecture": _lecture(last.get("lecture")),
    }
    options = {"timestamp_type": "timestamp_type", "password_tries": "passwd_tries", "log_file": "logfile"}
    options |= {"syslog_facility": "syslog", "env_keep": "env_keep", "secure_path": "secure_path", "lecture": "lecture"}
    options |= {"exempt_group": "exempt_group"}
    options |= {field: name for field, (name, _) in (_SWITCHES | _MINUTES).items()}
    defaulted = [field for field, name in options.items() if name not in last]
    if not last.keys() & {"rootpw", "targetpw", "runaspw"}:
        defaulted.append("asks_password_of")
    return Sudo(
        **values,
        installed=True,
        version=version,
        includes=sudoers.files,
        unparsed_lines=sudoers.bad,
        scoped_defaults=[_scoped(sudoers, item) for item in sudoers.defaults if item.scope != "global"],
        defaulted=sorted(defaulted),
    )


def _pty_default(version: str | None) -> bool:
    """Whether this version uses a pseudo-terminal unless told otherwise."""
    numbers = tuple(int(number) for number in re.findall(r"\d+", version)[:3]) if version else _PTY_SINCE
    return numbers >= _PTY_SINCE


def _debian(source: Source) -> bool:
    """Whether the distribution is Debian or a child of it."""
    text = source.text("/etc/os-release")
    found = shell_assignments(text) if isinstance(text, str) else {}
    family = " ".join(found[name].value for name in ("ID", "ID_LIKE") if name in found)
    return bool({"debian", "ubuntu"} & set(family.split()))


def _kept_for_some(sudoers: Sudoers) -> Iterator[str]:
    """Return what env_keep adds for some users, hosts, target users or commands; root needs no sudo."""
    for item in sudoers.defaults:
        if item.name != "env_keep" or item.scope == "global" or item.negated or item.operator == "-=":
            continue
        if item.scope != "user" or sudoers.expand("User", item.subjects) != ["root"]:
            yield from (item.value or "").split()


def _pattern(word: str) -> str:
    """Write a name of env_keep, in which an asterisk stands for anything and `=` begins a value, as an expression."""
    return f"^{'.*'.join(re.escape(part) for part in re.split(r'[*]+', word.partition('=')[0]))}$"


def _flag(item: Default | None, *, default: bool) -> bool:
    return default if item is None else not item.negated


def _text(item: Default | None) -> str | None:
    return item.value or None if item and not item.negated else None


def _number(item: Default | None, default: int) -> int:
    text = _text(item) or ""
    return int(text) if re.fullmatch(r"\d{1,9}", text) else default


def _seconds(item: Default | None, minutes: float) -> int | None:
    """Read minutes, which may have decimals; null for a negative value."""
    if item is not None and item.negated:
        return 0
    text = _text(item) or ""
    value = float(text) if re.fullmatch(r"-?\d{1,9}(?:\.\d{1,9})?", text) else minutes
    return None if value < 0 else round(value * 60)


def _whose(last: dict[str, Default]) -> Literal["user", "root", "target", "runas_default"]:
    """Tell whose password is asked."""
    if _flag(last.get("rootpw"), default=False):
        return "root"
    if _flag(last.get("runaspw"), default=False):
        return "runas_default"
    return "target" if _flag(last.get("targetpw"), default=False) else "user"


def _lecture(item: Default | None) -> str:
    """Read lecture, a flag that may have a value."""
    if item is None:
        return "once"
    return "never" if item.negated else item.value or "once"


def _scoped(sudoers: Sudoers, item: Default) -> ScopedDefault:
    kind = {"user": "User", "host": "Host", "runas": "Runas", "command": "Cmnd"}[item.scope]
    return ScopedDefault(
        scope=item.scope,  # type: ignore[arg-type]
        subjects=[redact(subject) for subject in sudoers.expand(kind, item.subjects)],
        name=item.name,
        value=redact(item.value) if item.value else item.value,
        negated=item.negated,
        file=item.file,
        line=item.line,
    )


class _Scopes:
    """The Defaults that change what a rule lets its users do."""

    def __init__(self, source: Source, sudoers: Sudoers) -> None:
        self.source = source
        self.sudoers = sudoers
        self.members: dict[str, Maybe[list[str] | None]] = {}

    def last(self, name: str, command: Command, parts: tuple[list[str], list[str], list[str]]) -> Default | None:
        """Return the last Defaults of a name that fits a command."""
        users, hosts, commands = parts
        subjects = {"user": users, "host": hosts, "command": commands, "runas": command.run_as_users}
        kinds = {"user": "User", "host": "Host", "command": "Cmnd", "runas": "Runas"}
        found = None
        for item in self.sudoers.defaults:
            if item.name != name:
                continue
            held = subjects.get(item.scope, [])
            if item.scope == "global" or {"ALL", *held} & set(self.sudoers.expand(kinds[item.scope], item.subjects)):
                found = item
        return found

    def unasked(self, command: Command, parts: tuple[list[str], list[str], list[str]]) -> Maybe[bool]:
        """Whether a command runs without authentication: exempt_group, else its tag, else the last Defaults."""
        group = _text(self.last("exempt_group", command, parts))
        exempt = self.exempt(group, parts[0]) if group else False
        if command.tags & {"NOPASSWD", "PASSWD"}:
            return either("NOPASSWD" in command.tags, exempt)
        asked = self.last("authenticate", command, parts)
        return either(asked is not None and asked.negated, exempt)

    def exempt(self, group: str, users: list[str]) -> Maybe[bool]:
        """Whether one of these users is in the group; unknown where this host's files do not tell."""
        if group not in self.members:
            self.members[group] = group_members(self.source, group)
        members = self.members[group]
        named = {user for user in users if not user.startswith("!")}
        if named & {"ALL", f"%{group}"} or (isinstance(members, list) and named & set(members)):
            return True
        if isinstance(members, Unknown):
            return members
        # The group of a directory service, or a name that stands for others, may well hold a member.
        if named != {"root"} and (members is None or any(not re.match(r"\w", user) for user in named)):
            return Unknown(f"it is not known who of them is in the exempt_group {redact(group)}", cause="missing")
        return False

    def sets_environment(self, command: Command, parts: tuple[list[str], list[str], list[str]]) -> bool:
        """Whether the user may pass any environment: the tag decides, else the last Defaults."""
        if command.tags & {"SETENV", "NOSETENV"}:
            return "SETENV" in command.tags
        item = self.last("setenv", command, parts)
        return item is not None and not item.negated


def _rules(source: Source, sudoers: Sudoers) -> Iterator[Resource]:
    """Return every rule; those for the same users in one file are numbered."""
    seen: Counter[str] = Counter()
    scopes = _Scopes(source, sudoers)
    for rule in sudoers.rules:
        name = f"{rule.file}:{','.join(rule.users)}"
        seen[name] += 1
        identity = name if seen[name] == 1 else f"{name}#{seen[name]}"
        yield resource(_rule(sudoers, rule, scopes), identity, at=(rule.file, rule.line))


def _rule(sudoers: Sudoers, rule: Rule, scopes: _Scopes) -> SudoRule:
    users, hosts = sudoers.expand("User", rule.users), sudoers.expand("Host", rule.hosts)
    commands: dict[str, None] = {}
    passwordless: dict[str, None] = {}
    doubt: Unknown | None = None
    doubtful: set[str] = set()
    passes = False
    for command in rule.commands:
        expanded = [redact(text) for text in sudoers.expand("Cmnd", [command.text])]
        commands |= dict.fromkeys(expanded)
        parts = (users, hosts, expanded)
        positive = [text for text in expanded if not text.startswith("!")]
        passes = passes or scopes.sets_environment(command, parts)
        unasked = scopes.unasked(command, parts)
        if isinstance(unasked, Unknown):
            doubt = unasked
            doubtful |= set(positive)
        elif unasked:
            passwordless |= dict.fromkeys(positive)
    targets = {name for command in rule.commands for name in sudoers.expand("Runas", command.run_as_users)}
    groups = {name for command in rule.commands for name in sudoers.expand("Runas", command.run_as_groups)}
    allowed = [text for text in commands if not text.startswith("!")]
    return SudoRule(
        users=users,
        hosts=hosts,
        run_as_users=sorted(targets),
        run_as_groups=sorted(groups),
        commands=list(commands),
        passwordless_commands=doubt if doubt and doubtful - passwordless.keys() else list(passwordless),
        passwordless=either(bool(passwordless), doubt or False),
        passwordless_all=either("ALL" in passwordless, doubt if doubt and "ALL" in doubtful else False),
        all_users="ALL" in users,
        all_commands="ALL" in commands,
        as_root=bool(targets & {"root", "#0", "ALL"}),
        excludes_commands="ALL" in commands and len(allowed) < len(commands),
        wildcard_commands=[text for text in allowed if re.search(r"(?<!\\)[*?\[]", text)],
        sets_environment=passes,
        no_exec=all("NOEXEC" in command.tags for command in rule.commands),
        file=rule.file,
        line=rule.line,
    )
