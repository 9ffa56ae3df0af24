"""PAM: the stacks of the services that matter, and the password and lockout policy that follows from them.

Stacks are read with their includes (`@include`, `include`, `substack`). The policy is what the first enforcing module
says: arguments on its line win over its configuration file, that over the module's defaults. The same fields come out
on Debian (common-*), RHEL (system-auth, password-auth) and SUSE; Alpine without PAM has `installed: false`.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import msgspec

from xspm.model.schema import ResourceType
from xspm.model.unknown import Maybe


class PamRule(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a stack, includes resolved."""

    phase: Literal["auth", "account", "password", "session"]
    """The management group."""
    control: str
    """`required`, `requisite`, `sufficient`, `optional` or the bracketed form with single spaces."""
    module: str
    """Module name without directory and suffix: `pam_unix`."""
    arguments: list[str]
    """As written; values that look like credentials are masked."""
    file: str
    """The file the line is in."""
    line: int
    """1-based."""


class PamService(ResourceType, frozen=True, kw_only=True):
    """The PAM stack of one service."""

    TYPE: ClassVar[str] = "linux.pam_service"

    name: str
    """Service name: `sshd`, `su`, `login`, `common-auth`, `system-auth` …"""
    rules: Maybe[list[PamRule]]
    """In the order PAM runs them, includes resolved in place."""
    missing_includes: list[str]
    """Included files that do not exist, or that include themselves."""


class PasswordPolicy(ResourceType, frozen=True, kw_only=True):
    """What PAM asks of a password, how it counts failures, and who may use su."""

    TYPE: ClassVar[str] = "linux.password_policy"

    installed: bool
    """PAM is configured on this host. When not, the other fields are unknown with cause `missing`."""
    quality_module: Maybe[str | None]
    """The module that tests new passwords: `pam_pwquality`, `pam_cracklib`, `pam_passwdqc`; null when none does."""
    quality_enforced: Maybe[bool]
    """A rejection by it keeps the password from being set (control and `enforcing`)."""
    quality_enforced_for_root: Maybe[bool]
    """root is held to it as well (`enforce_for_root`)."""
    min_length: Maybe[int | None]
    """Fewest characters; null without a module that asks. Credits not counted."""
    min_classes: Maybe[int | None]
    """Fewest of the four character classes, from `minclass` or the number of negative credits; null without a quality
    module.
    """
    digit_credit: Maybe[int | None]
    """dcredit; negative = at least so many."""
    upper_credit: Maybe[int | None]
    """ucredit."""
    lower_credit: Maybe[int | None]
    """lcredit."""
    other_credit: Maybe[int | None]
    """ocredit."""
    min_different: Maybe[int | None]
    """difok: characters that must not be in the old password."""
    max_repeat: Maybe[int | None]
    """maxrepeat: same character in a row; 0 = not limited."""
    max_sequence: Maybe[int | None]
    """maxsequence: monotonic sequence; 0 = not limited."""
    max_class_repeat: Maybe[int | None]
    """maxclassrepeat; 0 = not limited."""
    dictionary_check: Maybe[bool | None]
    """Words of a dictionary are refused; null without a quality module."""
    user_name_check: Maybe[bool | None]
    """Passwords with the user's name are refused; null without a quality module."""
    retry: Maybe[int | None]
    """How often a user may try again."""
    history_module: Maybe[str | None]
    """The module that remembers old passwords: `pam_pwhistory`, `pam_unix`; null when none does."""
    remember: Maybe[int]
    """How many old passwords are refused; 0 when none."""
    remember_for_root: Maybe[bool]
    """root is held to it as well."""
    hash_algorithm: Maybe[str | None]
    """Algorithm given to pam_unix: yescrypt, sha512 …; null when login.defs decides."""
    hash_rounds: Maybe[int | None]
    """rounds= of pam_unix; null when not given."""
    empty_passwords_accepted: Maybe[bool]
    """pam_unix has `nullok` in some auth stack."""
    empty_password_services: Maybe[list[str]]
    """Services whose auth stack has it."""
    lockout_module: Maybe[str | None]
    """The module that counts failures: `pam_faillock`, `pam_tally2`; null when none does."""
    lockout_enforced: Maybe[bool]
    """It is both asked before and told after authentication, for password logins."""
    lockout_attempts: Maybe[int | None]
    """deny: failures before an account is locked; 0 = never; null without a module."""
    lockout_unlock_seconds: Maybe[int | None]
    """unlock_time: 0 = until an administrator unlocks; null without a module."""
    lockout_interval_seconds: Maybe[int | None]
    """fail_interval: failures within this time count together; null without a module."""
    lockout_root: Maybe[bool]
    """root can be locked as well (even_deny_root)."""
    lockout_root_unlock_seconds: Maybe[int | None]
    """root_unlock_time; unlock_time where not set; null without a module."""
    fail_delay_seconds: Maybe[int | None]
    """Delay after a failure set by pam_faildelay, rounded down; null when not set."""
    su_restricted: Maybe[bool]
    """su asks for membership in a group (pam_wheel required or requisite)."""
    su_use_uid: Maybe[bool]
    """The caller's uid counts, not the login name (use_uid)."""
    su_group: Maybe[str | None]
    """That group; null when su is not restricted."""
    su_group_members: Maybe[list[str]]
    """Its members; empty when it has none or su is not restricted."""
    source_files: list[str]
    """Files that decided."""
    defaulted: list[str]
    """Fields whose value is the module's default."""


TYPES: tuple[type[ResourceType], ...] = (PamService, PasswordPolicy)
