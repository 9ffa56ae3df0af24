"""PAM: the stacks of the services that matter, and the password and lockout policy that follows from them.

Stacks are read with their includes (`@include`, `include`, `substack`). The policy is what the first enforcing module
says: arguments on its line win over its configuration file, that over the module's defaults. The same fields come out
on Debian (common-*), RHEL (system-auth, password-auth) and SUSE; Alpine without PAM has `installed: false`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, NamedTuple

import msgspec

from xspm.connectors.linux.configuration import Line, integer, lines
from xspm.connectors.linux.pam_outcome import (
    failure_is_uncounted,
    guard_is_evaded,
    lets_everybody_in,
    lock_is_evaded,
    new_password_evades,
)
from xspm.connectors.linux.records import fill, not_installed, resource, settings, unlisted
from xspm.connectors.linux.redact import redact
from xspm.connectors.linux.transport import Needs
from xspm.model.schema import ResourceType
from xspm.model.unknown import Maybe, Unknown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from xspm.connectors.linux.pam_outcome import Step
    from xspm.connectors.linux.transport import Source
    from xspm.model.asset import Problem, Resource


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
    lets_everybody_in: Maybe[bool]
    """The auth stack ends in success although every module that asks for something refuses: nothing but `pam_permit`
    and conditions such as `pam_succeed_if` says yes.
    """
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
    """su asks for membership in a group (pam_wheel required or requisite, and nothing before it that opens); su-l as
    well where it has a file of its own.
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
    lists=("/etc/pam.d", "/usr/lib/pam.d", "/usr/etc/pam.d"),
)

_FOLDERS: Final = ("/etc/pam.d", "/usr/lib/pam.d", "/usr/etc/pam.d")
"""Where services are looked up, first match wins."""
_DEPTH_LIMIT: Final = 16
_INCLUDE_LIMIT: Final = 200
_RULE_LIMIT: Final = 2000
"""Rules of one stack that are read at most; includes can multiply."""
_LINE: Final = re.compile(r"-?(auth|account|password|session)\s+(\[[^\]]*\]|\S+)\s+(\S+)\s*(.*)", re.IGNORECASE)
_PASSWORD_SERVICES: Final = ("passwd", "common-password", "system-auth", "password-auth", "base-password", "other")
_LOGIN_SERVICES: Final = (
    ("login", "sshd"),
    ("common-auth", "system-auth", "password-auth", "base-auth"),
    ("other",),
)
"""Stacks that must count failures: the first of these sets of which some exist."""
_QUALITY: Final[dict[str, dict[str, int]]] = {
    "pam_pwquality": {
        "minlen": 8, "minclass": 0, "dcredit": 0, "ucredit": 0, "lcredit": 0, "ocredit": 0, "difok": 1, "maxrepeat": 0,
        "maxsequence": 0, "maxclassrepeat": 0, "dictcheck": 1, "usercheck": 1, "enforcing": 1, "retry": 1,
        "enforce_for_root": 0,
    },
    "pam_cracklib": {
        "minlen": 9, "minclass": 0, "dcredit": 1, "ucredit": 1, "lcredit": 1, "ocredit": 1, "difok": 5, "maxrepeat": 0,
        "maxsequence": 0, "maxclassrepeat": 0, "dictcheck": 1, "usercheck": 0, "enforcing": 1, "retry": 1,
        "enforce_for_root": 0,
    },
    "pam_passwdqc": {
        "minlen": 7, "minclass": 0, "dcredit": 0, "ucredit": 0, "lcredit": 0, "ocredit": 0, "difok": 0, "maxrepeat": 0,
        "maxsequence": 0, "maxclassrepeat": 0, "dictcheck": 1, "usercheck": 1, "enforcing": 1, "retry": 3,
        "enforce_for_root": 1,
    },
}  # fmt: skip
"""Modules that test passwords, with their defaults."""
_QUALITY_FIELDS: Final = {
    "min_length": "minlen",
    "digit_credit": "dcredit",
    "upper_credit": "ucredit",
    "lower_credit": "lcredit",
    "other_credit": "ocredit",
    "min_different": "difok",
    "max_repeat": "maxrepeat",
    "max_sequence": "maxsequence",
    "max_class_repeat": "maxclassrepeat",
    "retry": "retry",
}
_LOCKOUT: Final[dict[str, dict[str, int]]] = {
    "pam_faillock": {"deny": 3, "unlock_time": 600, "fail_interval": 900, "even_deny_root": 0},
    "pam_tally2": {"deny": 0, "unlock_time": 0, "fail_interval": 0, "even_deny_root": 0},
    "pam_tally": {"deny": 0, "unlock_time": 0, "fail_interval": 0, "even_deny_root": 0},
}
_LOCKOUT_FIELDS: Final = {
    "lockout_attempts": "deny",
    "lockout_unlock_seconds": "unlock_time",
    "lockout_interval_seconds": "fail_interval",
}
_HASHES: Final = ("yescrypt", "gost_yescrypt", "sha512", "sha256", "blowfish", "bigcrypt", "md5")


class _Options(msgspec.Struct):
    """Options of a module: from its line, then its files."""

    given: dict[str, str] = {}
    files: list[str] = []

    def number(self, name: str, default: int) -> int:
        """Read an option as a number; a bare word is 1, `never` 0."""
        text = self.given.get(name)
        if text is None:
            return default
        value = integer(text)
        return {"": 1, "never": 0, "yes": 1, "no": 0}.get(text, default) if value is None else value


class _Statement(NamedTuple):
    """A line: a rule, or an include."""

    rule: PamRule | None
    phase: str | None
    """Of an include: the only phase it brings; None for all."""
    target: str


class _Stacks:
    """The services of a host, each read once."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.problem: Unknown | None = None
        self.includes = 0
        self.names: dict[str, str] = {}
        self.files: dict[str, list[_Statement] | Unknown] = {}
        for folder in _FOLDERS:
            names = source.list(folder)
            if isinstance(names, Unknown):
                self.problem = self.problem or names
            for name in names if isinstance(names, list) else ():
                if not name.endswith((".rpmnew", ".rpmsave", ".dpkg-dist", ".dpkg-old", ".bak", "~")):
                    self.names.setdefault(name, f"{folder}/{name}")
        self.services = {name: self._service(name) for name in sorted(self.names)}

    def rules(self, name: str, phase: str) -> list[PamRule] | Unknown:
        """Rules of one phase; none for a service that does not exist."""
        service = self.services.get(name)
        if service is None:
            return []
        return service.rules if isinstance(service.rules, Unknown) else [r for r in service.rules if r.phase == phase]

    def _service(self, name: str) -> PamService:
        rules: list[PamRule] = []
        missing: dict[str, None] = {}
        self.includes = 0
        unread = self._expand(self.names[name], None, rules, missing, (self.names[name],))
        return PamService(
            name=name,
            rules=unread or rules,
            lets_everybody_in=unread
            or lets_everybody_in((rule for rule in rules if rule.phase == "auth"), as_root=name in {"sshd", "login"}),
            missing_includes=list(missing),
        )

    def _parsed(self, path: str) -> list[_Statement] | Unknown:
        """Read a file once."""
        if path not in self.files:
            text = self.source.text(path)
            if isinstance(text, Unknown):
                self.files[path] = text
            else:
                found = (_statement(line, path) for line in lines(text or "", joined=True))
                self.files[path] = [statement for statement in found if statement]
        return self.files[path]

    def _expand(
        self, path: str, phase: str | None, rules: list[PamRule], missing: dict[str, None], trail: tuple[str, ...]
    ) -> Unknown | None:
        """Add the rules of a file; the reason when one cannot be read."""
        self.includes += 1
        statements = self._parsed(path)
        if isinstance(statements, Unknown):
            return statements
        for statement in statements:
            if len(rules) >= _RULE_LIMIT or self.includes > _INCLUDE_LIMIT:
                return Unknown(f"more than {_RULE_LIMIT} rules or {_INCLUDE_LIMIT} includes: {trail[0]}", cause="limit")
            if statement.rule:
                if phase in {None, statement.rule.phase}:
                    rules.append(statement.rule)
                continue
            if phase and statement.phase not in {None, phase}:
                continue
            found = self.names.get(statement.target.rpartition("/")[2])
            if found is None or found in trail or len(trail) > _DEPTH_LIMIT:
                missing[statement.target] = None
            elif unread := self._expand(found, phase or statement.phase, rules, missing, (*trail, found)):
                return unread
        return None


def _statement(line: Line, path: str) -> _Statement | None:
    """Read one line; None for what is no PAM."""
    body = re.split(r"\s#|^#", line.text, maxsplit=1)[0]
    whole = re.match(r"@include\s+(\S+)", body)
    if whole:
        return _Statement(None, None, whole[1])
    match = _LINE.match(body)
    if match is None:
        return None
    if match[2].lower() in {"include", "substack"}:
        return _Statement(None, match[1].lower(), match[3])
    return _Statement(_pam_rule(match, path, line.number), None, "")


def collect(source: Source) -> Iterator[Resource | Problem]:
    """Read every service's stack and what follows from them."""
    stacks = _Stacks(source)
    if stacks.problem:
        yield unlisted(stacks.problem, PamService)
    if not stacks.services:
        known: dict[str, Any] = {"installed": False, "source_files": [], "defaulted": []}
        yield settings(fill(PasswordPolicy, stacks.problem or not_installed("PAM"), known))
        return
    for service in stacks.services.values():
        yield resource(service, service.name, at=(stacks.names[service.name], 1))
    yield settings(_policy(source, stacks))


def _pam_rule(match: re.Match[str], path: str, number: int) -> PamRule:
    module = match[3].rpartition("/")[2].removesuffix(".so")
    arguments = [redact(word) for word in re.findall(r"\[[^\]]*\]|\S+", match[4])]
    phase: Any = match[1].lower()
    control = " ".join(match[2].lower().split())
    return PamRule(phase=phase, control=control, module=module, arguments=arguments, file=path, line=number)


def _policy(source: Source, stacks: _Stacks) -> PasswordPolicy:
    """Derive the policy."""
    password = next((stacks.rules(name, "password") for name in _PASSWORD_SERVICES if name in stacks.services), [])
    logins = next((names for names in _LOGIN_SERVICES if set(names) & set(stacks.services)), ())
    auths = {name: stacks.rules(name, "auth") for name in logins if name in stacks.services}
    values: dict[str, Any] = {}
    files: set[str] = set()
    defaulted: list[str] = []
    if isinstance(password, Unknown):
        values |= dict.fromkeys((*_NEW_PASSWORD_FIELDS, *_QUALITY_FIELDS), password)
    else:
        for part in (_quality(source, password, defaulted, files), _history(source, password, defaulted, files)):
            values |= part
        files |= {
            rule.file for rule in password if rule.module.startswith(("pam_pwq", "pam_unix", "pam_crack", "pam_pwh"))
        }
    values |= _lockout(source, auths, defaulted, files)
    values |= _su(source, stacks)
    values |= _empty(stacks)
    return PasswordPolicy(**values, installed=True, source_files=sorted(files), defaulted=sorted(defaulted))


_NEW_PASSWORD_FIELDS: Final = (
    "quality_module",
    "quality_enforced",
    "quality_enforced_for_root",
    "min_classes",
    "dictionary_check",
    "user_name_check",
    "history_module",
    "remember",
    "remember_for_root",
    "hash_algorithm",
    "hash_rounds",
)


def _named(arguments: Iterable[str]) -> dict[str, str]:
    """Read `name=value` and bare words."""
    return {name: value for name, _, value in (word.strip("[]").partition("=") for word in arguments)}


def _options(source: Source, rules: list[PamRule], paths: list[str]) -> _Options | Unknown:
    """Read a module's options: arguments win, then the last of its files."""
    options = _Options()
    given = [_named(rule.arguments) for rule in rules]
    chosen = next((item["conf"] for item in given if item.get("conf")), None)
    for path in [chosen] if chosen else paths:
        text = source.text(path)
        if isinstance(text, Unknown):
            return text
        if text is not None:
            options.files.append(path)
        for line in lines(text or ""):
            name, _, value = re.split(r"\s#", line.text, maxsplit=1)[0].partition("=")
            options.given[name.strip()] = value.strip()
    for item in reversed(given):
        options.given |= item
    return options


def _rejects(control: str) -> bool:
    """Whether a failure of the module makes the stack fail."""
    if control.startswith("["):
        actions = dict(part.partition("=")[::2] for part in control[1:-1].split())
        return actions.get("default", "bad") in {"bad", "die"}
    return control in {"required", "requisite"}


def _quality(source: Source, rules: list[PamRule], defaulted: list[str], files: set[str]) -> dict[str, Any]:
    """What new passwords must be."""
    rule = next((rule for rule in rules if rule.module in _QUALITY), None)
    unix = next((rule for rule in rules if rule.module == "pam_unix"), None)
    if rule is None:
        nothing: dict[str, Any] = dict.fromkeys((*_NEW_PASSWORD_FIELDS[:6], *_QUALITY_FIELDS))
        length = integer(_named(unix.arguments).get("minlen", "")) if unix else None
        return nothing | {"quality_enforced": False, "quality_enforced_for_root": False, "min_length": length}
    defaults = _QUALITY[rule.module]
    paths: list[str] = []
    if rule.module == "pam_pwquality":
        drop_ins = source.glob("/etc/security/pwquality.conf.d/*.conf")
        # pwquality.conf(5): the drop-ins are read first, so the main file wins.
        paths = [*(drop_ins if isinstance(drop_ins, list) else ()), "/etc/security/pwquality.conf"]
    options = _options(source, [rule], paths)
    if isinstance(options, Unknown):
        fields = (*_NEW_PASSWORD_FIELDS[:6], *_QUALITY_FIELDS)
        return dict.fromkeys(fields, options) | {"quality_module": rule.module}
    files |= set(options.files)
    numbers = {name: options.number(name, default) for name, default in defaults.items()}
    if rule.module == "pam_passwdqc":
        sizes = [int(size) for size in re.findall(r"\d{1,6}", options.given.get("min", ""))]
        numbers["minlen"] = min(sizes, default=numbers["minlen"])
    values: dict[str, Any] = {field: numbers[name] for field, name in _QUALITY_FIELDS.items()}
    defaulted += [field for field, name in _QUALITY_FIELDS.items() if name not in options.given]
    asked = sum(numbers[name] < 0 for name in ("dcredit", "ucredit", "lcredit", "ocredit"))
    return values | {
        "quality_module": rule.module,
        "quality_enforced": _rejects(rule.control)
        and bool(numbers["enforcing"])
        and not new_password_evades(rules, rule),
        "quality_enforced_for_root": bool(numbers["enforce_for_root"]),
        "min_classes": max(numbers["minclass"], asked),
        "dictionary_check": bool(numbers["dictcheck"]),
        "user_name_check": bool(numbers["usercheck"]) or "reject_username" in options.given,
    }


def _history(source: Source, rules: list[PamRule], defaulted: list[str], files: set[str]) -> dict[str, Any]:
    """Which old passwords are refused, and how new ones are hashed."""
    unix = next((rule for rule in rules if rule.module == "pam_unix"), None)
    words = _named(unix.arguments) if unix else {}
    values: dict[str, Any] = {
        "hash_algorithm": next((name for name in _HASHES if name in words), None),
        "hash_rounds": integer(words.get("rounds", "")),
        "history_module": None,
        "remember": 0,
        "remember_for_root": False,
    }
    rule = next((rule for rule in rules if rule.module == "pam_pwhistory"), None)
    if rule:
        options = _options(source, [rule], ["/etc/security/pwhistory.conf"])
        if isinstance(options, Unknown):
            return values | {"history_module": rule.module, "remember": options, "remember_for_root": options}
        files |= set(options.files)
        if "remember" not in options.given:
            defaulted.append("remember")
        values["history_module"] = rule.module
        enforced = _rejects(rule.control) and not new_password_evades(rules, rule)
        values["remember"] = options.number("remember", 10) if enforced else 0
        values["remember_for_root"] = enforced and bool(options.number("enforce_for_root", 0))
    elif "remember" in words:
        values["history_module"] = "pam_unix"
        values["remember"] = integer(words["remember"]) or 0
    return values


def _lockout(
    source: Source, auths: dict[str, list[PamRule] | Unknown], defaulted: list[str], files: set[str]
) -> dict[str, Any]:
    """How failures are counted."""
    unread = next((rules for rules in auths.values() if isinstance(rules, Unknown)), None)
    if unread:
        return dict.fromkeys((*_LOCKOUT_FIELDS, *_OTHER_LOCKOUT_FIELDS), unread)
    stacks = [rules for rules in auths.values() if isinstance(rules, list)]
    delays = [rule for rules in stacks for rule in rules if rule.module == "pam_faildelay"]
    delay = integer(_named(delays[0].arguments).get("delay", "")) if delays else None
    values: dict[str, Any] = dict.fromkeys((*_LOCKOUT_FIELDS, *_OTHER_LOCKOUT_FIELDS))
    values |= {"lockout_enforced": False, "lockout_root": False}
    values["fail_delay_seconds"] = None if delay is None else delay // 1_000_000
    found = [rule for rules in stacks for rule in rules if rule.module in _LOCKOUT]
    if not found:
        return values
    module = found[0].module
    rules = [rule for rule in found if rule.module == module]
    options = _options(source, rules, ["/etc/security/faillock.conf"] if module == "pam_faillock" else [])
    values["lockout_module"] = module
    values["lockout_enforced"] = all(_counts(rules, module) for rules in stacks)
    if isinstance(options, Unknown):
        return values | dict.fromkeys((*_LOCKOUT_FIELDS, "lockout_root", "lockout_root_unlock_seconds"), options)
    files |= {rule.file for rule in rules} | set(options.files)
    defaults = _LOCKOUT[module]
    values |= {field: options.number(name, defaults[name]) for field, name in _LOCKOUT_FIELDS.items()}
    defaulted += [field for field, name in _LOCKOUT_FIELDS.items() if name not in options.given]
    # root_unlock_time alone locks root too (faillock.conf(5)).
    values["lockout_root"] = "even_deny_root" in options.given or "root_unlock_time" in options.given
    values["lockout_root_unlock_seconds"] = options.number("root_unlock_time", values["lockout_unlock_seconds"])
    return values


_OTHER_LOCKOUT_FIELDS: Final = (
    "lockout_module",
    "lockout_enforced",
    "lockout_root",
    "lockout_root_unlock_seconds",
    "fail_delay_seconds",
)


def _counts(rules: list[PamRule], module: str) -> bool:
    """Whether one stack asks the module before and tells it after, whichever way the stack is gone through."""
    words = {word for rule in rules if rule.module == module for word in rule.arguments}
    faillock = module == "pam_faillock"
    if not ({"preauth", "authfail"} <= words if faillock else any(rule.module == module for rule in rules)):
        return False
    return not lock_is_evaded(rules, lambda step: step.module == module) and not failure_is_uncounted(
        rules, lambda step: step.module == module and (not faillock or "authfail" in step.arguments)
    )


def _empty(stacks: _Stacks) -> dict[str, Any]:
    """Which services let empty passwords in."""
    found: list[str] = []
    for name in stacks.services:
        rules = stacks.rules(name, "auth")
        if isinstance(rules, Unknown):
            return {"empty_passwords_accepted": rules, "empty_password_services": rules}
        if any(rule.module == "pam_unix" and {"nullok", "nullok_secure"} & set(rule.arguments) for rule in rules):
            found.append(name)
    return {"empty_passwords_accepted": bool(found), "empty_password_services": found}


def _su(source: Source, stacks: _Stacks) -> dict[str, Any]:
    """Who may use su, with and without a login shell."""
    found = [stacks.rules(name, "auth") for name in ("su", "su-l") if name == "su" or name in stacks.services]
    unread = next((rules for rules in found if isinstance(rules, Unknown)), None)
    if unread:
        return dict.fromkeys(("su_restricted", "su_use_uid", "su_group", "su_group_members"), unread)
    known = [rules for rules in found if isinstance(rules, list)]
    if not all(_asks_for_wheel(rules, set()) for rules in known):
        return {"su_restricted": False, "su_use_uid": False, "su_group": None, "su_group_members": []}
    wheel = next(rule for rule in known[0] if _is_wheel(rule))
    group, members = _wheel(source, _named(wheel.arguments).get("group"))
    return {
        "su_restricted": True,
        "su_use_uid": all(_asks_for_wheel(rules, {"use_uid"}) for rules in known),
        "su_group": group,
        "su_group_members": members,
    }


def _is_wheel(rule: Step) -> bool:
    return rule.module == "pam_wheel" and _rejects(rule.control) and "deny" not in rule.arguments


def _asks_for_wheel(rules: list[PamRule], words: set[str]) -> bool:
    """Whether nobody but root comes past pam_wheel with these arguments."""
    return any(_is_wheel(rule) and words <= set(rule.arguments) for rule in rules) and not guard_is_evaded(
        rules, lambda step: _is_wheel(step) and words <= set(step.arguments)
    )


def _wheel(source: Source, name: str | None) -> tuple[Maybe[str | None], Maybe[list[str]]]:
    """Return the group that pam_wheel asks for: the one named, else wheel, else that with gid 0; and its members."""
    group, passwd = source.text("/etc/group"), source.text("/etc/passwd")
    if isinstance(group, Unknown):
        return name or group, group
    rows = [row for row in (line.text.split(":") for line in lines(group or "")) if len(row) == 4]
    wanted = name or ("wheel" if any(row[0] == "wheel" for row in rows) else None)
    row = next((row for row in rows if (row[0] == wanted if wanted else row[2] == "0")), None)
    if row is None:
        return wanted, []
    users = [line.text.split(":") for line in lines(passwd)] if isinstance(passwd, str) else []
    primary = {user[0] for user in users if len(user) == 7 and user[3] == row[2]}
    return row[0], sorted({member for member in row[3].split(",") if member} | primary)
