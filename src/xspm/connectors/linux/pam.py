"""PAM: the stacks of the services that matter, and the password and lockout policy that follows from them.

Stacks are read with their includes (`@include`, `include`, `substack`). The policy is what the first enforcing module
says: arguments on its line win over its configuration file, that over the module's defaults. The same fields come out
on Debian (common-*), RHEL (system-auth, password-auth) and SUSE; Alpine without PAM has `installed: false`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from xspm.connectors.linux.pam_lockout import lockout
from xspm.connectors.linux.pam_passwords import NEW_PASSWORD_FIELDS, QUALITY_FIELDS, history, quality
from xspm.connectors.linux.pam_stacks import PamService, Stacks
from xspm.connectors.linux.pam_su import su
from xspm.connectors.linux.records import fill, not_installed, resource, settings, unlisted
from xspm.connectors.linux.transport import Needs
from xspm.model.schema import ResourceType
from xspm.model.unknown import Maybe, Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xspm.connectors.linux.transport import Source
    from xspm.model.asset import Problem, Resource


class PasswordPolicy(ResourceType, frozen=True, kw_only=True):
    """What PAM asks of a password, how it counts failures, and who may use su."""

    TYPE: ClassVar[str] = "linux.password_policy"

    installed: bool
    """PAM is configured on this host. When not, the other fields are unknown with cause `missing`."""
    quality_module: Maybe[str | None]
    """The module that tests new passwords: `pam_pwquality`, `pam_cracklib`, `pam_passwdqc`; null when none does."""
    quality_enforced: Maybe[bool]
    """A rejection by it keeps the password from being set: control, `enforcing`, and `use_authtok` of what comes after.
    """
    quality_enforced_for_root: Maybe[bool]
    """root is held to it as well (`enforce_for_root`)."""
    min_length: Maybe[int | None]
    """Fewest characters; null without a module that asks. Positive credits are taken off: who uses every class needs
    so many fewer.
    """
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
    """Algorithm given to pam_unix: yescrypt, sha512 …; of several the weakest; null when login.defs decides."""
    hash_rounds: Maybe[int | None]
    """rounds= of pam_unix, the fewest of several; null when not given."""
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
    """su asks for membership in a group (pam_wheel required or requisite, and nothing before it that opens); su-l as
    well where it has a file of its own, and where util-linux' su asks for it: without a file, `other` decides.
    """
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

NEEDS: Final = Needs(
    texts=(
        "/etc/pam.d/*",
        "/usr/lib/pam.d/*",
        "/usr/etc/pam.d/*",
        "/etc/security/pwquality.conf",
        "/etc/security/pwquality.conf.d/*.conf",
        "/etc/security/faillock.conf",
        "/etc/security/pwhistory.conf",
        "/usr/etc/security/*.conf",
        "/etc/group",
        "/etc/passwd",
    ),
    stats=("/usr/sbin/runuser", "/sbin/runuser"),
    lists=("/etc/pam.d", "/usr/lib/pam.d", "/usr/etc/pam.d"),
)

_PASSWORD_SERVICES: Final = ("passwd", "common-password", "system-auth", "password-auth", "base-password", "other")
_LOGIN_SERVICES: Final = (
    ("login", "sshd"),
    ("common-auth", "system-auth", "password-auth", "base-auth"),
    ("other",),
)
"""Stacks that must count failures: the first of these sets of which some exist."""


def collect(source: Source) -> Iterator[Resource | Problem]:
    """Read every service's stack and what follows from them."""
    stacks = Stacks(source)
    if stacks.problem:
        yield unlisted(stacks.problem, PamService)
    if not stacks.services:
        known: dict[str, Any] = {"installed": False, "source_files": [], "defaulted": []}
        yield settings(fill(PasswordPolicy, stacks.problem or not_installed("PAM"), known))
        return
    for service in stacks.services.values():
        yield resource(service, service.name, at=(stacks.names[service.name], 1))
    yield settings(_policy(source, stacks))


def _policy(source: Source, stacks: Stacks) -> PasswordPolicy:
    """Derive the policy."""
    password = next((stacks.rules(name, "password") for name in _PASSWORD_SERVICES if name in stacks.services), [])
    logins = next((names for names in _LOGIN_SERVICES if set(names) & set(stacks.services)), ())
    auths = {name: stacks.rules(name, "auth") for name in logins if name in stacks.services}
    values: dict[str, Any] = {}
    files: set[str] = set()
    defaulted: list[str] = []
    if isinstance(password, Unknown):
        values |= dict.fromkeys((*NEW_PASSWORD_FIELDS, *QUALITY_FIELDS), password)
    else:
        for part in (quality(source, password, defaulted, files), history(source, password, defaulted, files)):
            values |= part
        files |= {
            rule.file for rule in password if rule.module.startswith(("pam_pwq", "pam_unix", "pam_crack", "pam_pwh"))
        }
    values |= lockout(source, auths, defaulted, files)
    values |= su(source, stacks)
    values |= _empty(stacks)
    return PasswordPolicy(**values, installed=True, source_files=sorted(files), defaulted=sorted(defaulted))


def _empty(stacks: Stacks) -> dict[str, Any]:
    """Which services let empty passwords in."""
    found: list[str] = []
    for name in stacks.services:
        rules = stacks.rules(name, "auth")
        if isinstance(rules, Unknown):
            return {"empty_passwords_accepted": rules, "empty_password_services": rules}
        if any(rule.module == "pam_unix" and {"nullok", "nullok_secure"} & set(rule.arguments) for rule in rules):
            found.append(name)
    return {"empty_passwords_accepted": bool(found), "empty_password_services": found}
