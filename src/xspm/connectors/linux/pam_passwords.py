"""What PAM asks of a new password: its quality, that it is not an old one, and how it is hashed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from xspm.connectors.linux.configuration import integer
from xspm.connectors.linux.pam_options import module_options, named, rejects
from xspm.connectors.linux.pam_outcome import new_password_evades
from xspm.model.unknown import Unknown

if TYPE_CHECKING:
    from xspm.connectors.linux.pam_stacks import PamRule
    from xspm.connectors.linux.transport import Source

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
QUALITY_FIELDS: Final = {
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
_HASHES: Final = ("yescrypt", "gost_yescrypt", "sha512", "blowfish", "sha256", "md5", "bigcrypt")
"""Algorithms that pam_unix may be given, the strongest first."""
_SHORTEST: Final = 6
"""Characters below which pam_pwquality and pam_cracklib go for no credit."""
NEW_PASSWORD_FIELDS: Final = (
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


def quality(source: Source, rules: list[PamRule], defaulted: list[str], files: set[str]) -> dict[str, Any]:
    """What new passwords must be."""
    rule = next((rule for rule in rules if rule.module in _QUALITY), None)
    unix = next((rule for rule in rules if rule.module == "pam_unix"), None)
    if rule is None:
        nothing: dict[str, Any] = dict.fromkeys((*NEW_PASSWORD_FIELDS[:6], *QUALITY_FIELDS))
        length = integer(named(unix.arguments).get("minlen", "")) if unix else None
        return nothing | {"quality_enforced": False, "quality_enforced_for_root": False, "min_length": length}
    defaults = _QUALITY[rule.module]
    paths: list[str] = []
    if rule.module == "pam_pwquality":
        drop_ins = source.glob("/etc/security/pwquality.conf.d/*.conf")
        # pwquality.conf(5): the drop-ins are read first, so the main file wins.
        paths = [*(drop_ins if isinstance(drop_ins, list) else ()), "/etc/security/pwquality.conf"]
    options = module_options(source, [rule], paths)
    if isinstance(options, Unknown):
        fields = (*NEW_PASSWORD_FIELDS[:6], *QUALITY_FIELDS)
        return dict.fromkeys(fields, options) | {"quality_module": rule.module}
    files |= set(options.files)
    numbers = {name: options.number(name, default) for name, default in defaults.items()}
    if rule.module == "pam_passwdqc":
        sizes = [int(size) for size in re.findall(r"\d{1,6}", options.given.get("min", ""))]
        numbers["minlen"] = min(sizes, default=numbers["minlen"])
    credited = [numbers[name] for name in ("dcredit", "ucredit", "lcredit", "ocredit")]
    if (given := sum(credit for credit in credited if credit > 0)) and numbers["minlen"] > _SHORTEST:
        numbers["minlen"] = max(_SHORTEST, numbers["minlen"] - given)
    values: dict[str, Any] = {field: numbers[name] for field, name in QUALITY_FIELDS.items()}
    defaulted += [field for field, name in QUALITY_FIELDS.items() if name not in options.given]
    asked = sum(credit < 0 for credit in credited)
    return values | {
        "quality_module": rule.module,
        "quality_enforced": rejects(rule.control)
        and bool(numbers["enforcing"])
        and not new_password_evades(rules, rule)
        and not _asks_anew(rules, rule),
        "quality_enforced_for_root": bool(numbers["enforce_for_root"]),
        "min_classes": max(numbers["minclass"], asked),
        "dictionary_check": bool(numbers["dictcheck"]),
        "user_name_check": bool(numbers["usercheck"]) or "reject_username" in options.given,
    }


def _asks_anew(rules: list[PamRule], guard: PamRule) -> bool:
    """Whether a pam_unix after the guard does not take the password that the guard has seen, but asks for another."""
    taken = {"use_authtok", "use_first_pass", "try_first_pass"}
    after = rules[rules.index(guard) + 1 :]
    return any(rule.module == "pam_unix" and not taken & set(rule.arguments) for rule in after)


def history(source: Source, rules: list[PamRule], defaulted: list[str], files: set[str]) -> dict[str, Any]:
    """Which old passwords are refused, and how new ones are hashed."""
    unix = next((rule for rule in rules if rule.module == "pam_unix"), None)
    words = named(unix.arguments) if unix else {}
    # Which of two algorithms wins differs between releases; the weaker one is what may be in shadow.
    given = {word for rule in rules if rule.module == "pam_unix" for word in rule.arguments}
    rounds = [
        number
        for rule in rules
        if rule.module == "pam_unix" and (number := integer(named(rule.arguments).get("rounds", ""))) is not None
    ]
    values: dict[str, Any] = {
        "hash_algorithm": next((name for name in reversed(_HASHES) if name in given), None),
        "hash_rounds": min(rounds, default=None),
        "history_module": None,
        "remember": 0,
        "remember_for_root": False,
    }
    rule = next((rule for rule in rules if rule.module == "pam_pwhistory"), None)
    if rule:
        options = module_options(source, [rule], ["/etc/security/pwhistory.conf"])
        if isinstance(options, Unknown):
            return values | {"history_module": rule.module, "remember": options, "remember_for_root": options}
        files |= set(options.files)
        if "remember" not in options.given:
            defaulted.append("remember")
        values["history_module"] = rule.module
        enforced = rejects(rule.control) and not (new_password_evades(rules, rule) or _asks_anew(rules, rule))
        values["remember"] = options.number("remember", 10) if enforced else 0
        values["remember_for_root"] = enforced and bool(options.number("enforce_for_root", 0))
    elif "remember" in words:
        values["history_module"] = "pam_unix"
        values["remember"] = integer(words["remember"]) or 0
    return values
