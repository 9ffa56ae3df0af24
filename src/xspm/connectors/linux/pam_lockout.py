"""How PAM counts failures: the module that locks accounts, its settings, and whether every stack asks and tells it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from xspm.connectors.linux.configuration import integer
from xspm.connectors.linux.pam_options import module_options, named
from xspm.connectors.linux.pam_outcome import failure_is_uncounted, lock_is_evaded
from xspm.model.unknown import Unknown

if TYPE_CHECKING:
    from xspm.connectors.linux.pam_stacks import PamRule
    from xspm.connectors.linux.transport import Source

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


def lockout(
    source: Source, auths: dict[str, list[PamRule] | Unknown], defaulted: list[str], files: set[str]
) -> dict[str, Any]:
    """How failures are counted."""
    unread = next((rules for rules in auths.values() if isinstance(rules, Unknown)), None)
    if unread:
        return dict.fromkeys((*_LOCKOUT_FIELDS, *_OTHER_LOCKOUT_FIELDS), unread)
    stacks = [rules for rules in auths.values() if isinstance(rules, list)]
    delays = [rule for rules in stacks for rule in rules if rule.module == "pam_faildelay"]
    delay = integer(named(delays[0].arguments).get("delay", "")) if delays else None
    values: dict[str, Any] = dict.fromkeys((*_LOCKOUT_FIELDS, *_OTHER_LOCKOUT_FIELDS))
    values |= {"lockout_enforced": False, "lockout_root": False}
    values["fail_delay_seconds"] = None if delay is None else delay // 1_000_000
    found = [rule for rules in stacks for rule in rules if rule.module in _LOCKOUT]
    if not found:
        return values
    module = found[0].module
    rules = [rule for rule in found if rule.module == module]
    options = module_options(source, rules, ["/etc/security/faillock.conf"] if module == "pam_faillock" else [])
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
