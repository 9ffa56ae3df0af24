"""One resource per user specification of sudoers, with the Defaults that change what it lets its users do."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, ClassVar

from xspm.connectors.linux.group_members import group_members
from xspm.connectors.linux.logic import either
from xspm.connectors.linux.records import resource
from xspm.connectors.linux.redact import redact
from xspm.connectors.linux.sudo_programs import changeable_programs
from xspm.model.schema import ResourceType
from xspm.model.unknown import Maybe, Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xspm.connectors.linux.sudoers import Command, Default, Rule, Sudoers
    from xspm.connectors.linux.transport import Source
    from xspm.model.asset import Resource


class SudoRule(ResourceType, frozen=True, kw_only=True):
    """One user specification of sudoers, or one `permit` of doas.conf: who may run what as whom."""

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
    changeable_programs: Maybe[list[str]]
    """Programs of the commands that somebody but root can change or create: theirs, writable for a group or for others,
    or in such a folder; those that sudoers pins by a digest are left out. Sorted.
    """
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


def text_of(item: Default | None) -> str | None:
    """Return the value of a parameter; None where it has none or is negated."""
    return item.value or None if item and not item.negated else None


class _Scopes:
    """The Defaults that change what a rule lets its users do."""

    def __init__(self, source: Source, sudoers: Sudoers) -> None:
        self.source = source
        self.sudoers = sudoers
        self.members: dict[str, Maybe[list[str] | None]] = {}
        self.changeable: dict[str, Maybe[bool]] = {}

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
        group = text_of(self.last("exempt_group", command, parts))
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


def sudo_rules(source: Source, sudoers: Sudoers) -> Iterator[Resource]:
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
    unpinned: list[str] = []
    for command in rule.commands:
        expanded = [redact(text) for text in sudoers.expand("Cmnd", [command.text])]
        commands |= dict.fromkeys(expanded)
        parts = (users, hosts, expanded)
        positive = [text for text in expanded if not text.startswith("!")]
        unpinned += () if command.pinned else positive
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
        changeable_programs=changeable_programs(scopes.source, unpinned, scopes.changeable),
        wildcard_commands=[text for text in allowed if re.search(r"(?<!\\)[*?\[]", text)],
        sets_environment=passes,
        no_exec=all("NOEXEC" in command.tags for command in rule.commands),
        file=rule.file,
        line=rule.line,
    )
