"""sudo: its settings and every rule of sudoers, includes resolved and aliases expanded.

The file is read as sudo reads it: @includedir skips names with a dot or a trailing tilde, the last Defaults wins, tags
stay in force along a list of commands. One rule resource per user specification.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import msgspec

from xspm.model.schema import ResourceType
from xspm.model.unknown import Maybe


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
    use_pty: Maybe[bool]
    """Commands run in a pseudo-terminal of their own."""
    authenticate: Maybe[bool]
    """Users must authenticate."""
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
    passwordless_commands: list[str]
    """Those of them that run without authentication: NOPASSWD, or `!authenticate` for these users, hosts, target users
    or commands.
    """
    passwordless: bool
    """There are such commands."""
    passwordless_all: bool
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
    """SETENV: the user may pass any environment."""
    no_exec: bool
    """NOEXEC holds for every command."""
    file: str
    """Path."""
    line: int
    """1-based first line."""


TYPES: tuple[type[ResourceType], ...] = (Sudo, SudoRule)
