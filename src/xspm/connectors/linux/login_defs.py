"""login.defs and the defaults of useradd, each setting with the value that holds where nothing is written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from xspm.connectors.linux.configuration import (
    boolean,
    integer,
    octal_digits,
    shell_assignments,
    words,
)
from xspm.connectors.linux.records import fill
from xspm.model.schema import ResourceType
from xspm.model.unknown import Maybe, Unknown

if TYPE_CHECKING:
    from collections.abc import Callable

    from xspm.connectors.linux.transport import Source


class LoginDefs(ResourceType, frozen=True, kw_only=True):
    """Defaults for new accounts and logins: /etc/login.defs and /etc/default/useradd."""

    TYPE: ClassVar[str] = "linux.login_defs"

    installed: bool
    """login.defs exists. When not, the other fields are unknown with cause `missing`."""
    pass_max_days: Maybe[int | None]
    """PASS_MAX_DAYS: days a new account's password lasts; null when not limited (-1 or unset)."""
    pass_min_days: Maybe[int]
    """PASS_MIN_DAYS: days before it may be changed again."""
    pass_warn_days: Maybe[int]
    """PASS_WARN_AGE: days of warning."""
    pass_min_length: Maybe[int | None]
    """PASS_MIN_LEN; without effect where PAM decides; null when not set."""
    encrypt_method: Maybe[str]
    """ENCRYPT_METHOD in upper case: YESCRYPT, SHA512, SHA256, BCRYPT, MD5, DES."""
    sha_crypt_min_rounds: Maybe[int | None]
    """SHA_CRYPT_MIN_ROUNDS; null when not set (libcrypt's default applies)."""
    yescrypt_cost_factor: Maybe[int | None]
    """YESCRYPT_COST_FACTOR; null when not set."""
    umask: Maybe[str]
    """UMASK as four octal digits: `0027`."""
    umask_denies_group_write: Maybe[bool]
    """The umask takes write from the group."""
    umask_denies_others: Maybe[bool]
    """The umask takes read, write and execute from others (last digit 7)."""
    home_mode: Maybe[str]
    """HOME_MODE as four octal digits: mode of new home directories; derived from UMASK when not set."""
    home_mode_denies_others: Maybe[bool]
    """New home directories give others nothing."""
    uid_min: Maybe[int]
    """UID_MIN."""
    uid_max: Maybe[int]
    """UID_MAX."""
    gid_min: Maybe[int]
    """GID_MIN."""
    gid_max: Maybe[int]
    """GID_MAX."""
    usergroups: Maybe[bool]
    """USERGROUPS_ENAB: the umask's group bits follow the owner's for private groups."""
    create_home: Maybe[bool]
    """CREATE_HOME."""
    log_failed_logins: Maybe[bool]
    """FAILLOG_ENAB."""
    log_unknown_names: Maybe[bool]
    """LOG_UNKFAIL_ENAB: names of failed logins are logged, which may be mistyped passwords."""
    log_successful_logins: Maybe[bool]
    """LOG_OK_LOGINS."""
    su_wheel_only: Maybe[bool]
    """SU_WHEEL_ONLY (without PAM)."""
    login_retries: Maybe[int]
    """LOGIN_RETRIES."""
    login_timeout_seconds: Maybe[int]
    """LOGIN_TIMEOUT."""
    fail_delay_seconds: Maybe[int | None]
    """FAIL_DELAY; null when not set."""
    super_path: Maybe[list[str]]
    """ENV_SUPATH: root's PATH at login."""
    user_path: Maybe[list[str]]
    """ENV_PATH: PATH of other users at login."""
    useradd_inactive_days: Maybe[int | None]
    """INACTIVE of useradd: days after a password's end until the account is disabled; null when never."""
    useradd_shell: Maybe[str | None]
    """SHELL of useradd."""
    useradd_expires: Maybe[str | None]
    """EXPIRE of useradd as written; null when never."""
    defaulted: list[str]
    """Fields whose value is the program's default."""


def _optional_days(text: str) -> int | None:
    value = integer(text)
    return value if value is not None and value >= 0 else None


def _plain(text: str) -> int | None:
    return integer(text)


def _path(text: str) -> list[str]:
    return text.removeprefix("PATH=").split(":")


_DEFS: Final[dict[str, tuple[str, Callable[[str], Any], Any]]] = {
    "pass_max_days": ("PASS_MAX_DAYS", _optional_days, None),
    "pass_min_days": ("PASS_MIN_DAYS", _plain, 0),
    "pass_warn_days": ("PASS_WARN_AGE", _plain, 0),
    "pass_min_length": ("PASS_MIN_LEN", _plain, None),
    "encrypt_method": ("ENCRYPT_METHOD", str.upper, "DES"),
    "sha_crypt_min_rounds": ("SHA_CRYPT_MIN_ROUNDS", _plain, None),
    "yescrypt_cost_factor": ("YESCRYPT_COST_FACTOR", _plain, None),
    "umask": ("UMASK", octal_digits, "0022"),
    "uid_min": ("UID_MIN", _plain, 1000),
    "uid_max": ("UID_MAX", _plain, 60000),
    "gid_min": ("GID_MIN", _plain, 1000),
    "gid_max": ("GID_MAX", _plain, 60000),
    "usergroups": ("USERGROUPS_ENAB", boolean, False),
    "create_home": ("CREATE_HOME", boolean, False),
    "log_failed_logins": ("FAILLOG_ENAB", boolean, False),
    "log_unknown_names": ("LOG_UNKFAIL_ENAB", boolean, False),
    "log_successful_logins": ("LOG_OK_LOGINS", boolean, False),
    "su_wheel_only": ("SU_WHEEL_ONLY", boolean, False),
    "login_retries": ("LOGIN_RETRIES", _plain, 3),
    "login_timeout_seconds": ("LOGIN_TIMEOUT", _plain, 60),
    "fail_delay_seconds": ("FAIL_DELAY", _plain, None),
    "super_path": ("ENV_SUPATH", _path, ["/sbin", "/bin", "/usr/sbin", "/usr/bin"]),
    "user_path": ("ENV_PATH", _path, ["/bin", "/usr/bin"]),
}
"""Field to keyword, reading and the default of shadow-utils."""


def read_login_defs(source: Source) -> LoginDefs:
    """Read login.defs, and what useradd adds to it."""
    text = source.text("/etc/login.defs")
    if text is None:
        text = source.text("/usr/etc/login.defs")
    if not isinstance(text, str):
        known = {"installed": text is not None, "defaulted": list[str]()}
        return fill(LoginDefs, text or Unknown("not there: /etc/login.defs", cause="missing"), known)
    given = words(text, file="/etc/login.defs")
    values: dict[str, Any] = {}
    defaulted: list[str] = []
    for field, (keyword, convert, default) in _DEFS.items():
        value = convert(given[keyword].value) if keyword in given else None
        if keyword not in given:
            defaulted.append(field)
        nothing = value is None and not (keyword in given and field == "pass_max_days")
        values[field] = default if nothing else value
    mode = octal_digits(given["HOME_MODE"].value) if "HOME_MODE" in given else None
    if mode is None:
        mode = f"{0o777 & ~int(values['umask'], 8):04o}"
        defaulted.append("home_mode")
    umask = int(values["umask"], 8)
    values |= {
        "umask_denies_group_write": bool(umask & 0o020),
        "umask_denies_others": umask & 0o007 == 0o007,
        "home_mode": mode,
        "home_mode_denies_others": int(mode, 8) & 0o007 == 0,
    }
    return LoginDefs(**values, **_useradd(source, defaulted), installed=True, defaulted=sorted(defaulted))


def _useradd(source: Source, defaulted: list[str]) -> dict[str, Any]:
    """Read useradd's own defaults."""
    text = source.text("/etc/default/useradd")
    fields = {"useradd_inactive_days": "INACTIVE", "useradd_shell": "SHELL", "useradd_expires": "EXPIRE"}
    if isinstance(text, Unknown):
        return dict.fromkeys(fields, text)
    given = shell_assignments(text or "")
    defaulted += [field for field, name in fields.items() if name not in given]
    values: dict[str, Any] = {
        field: given[name].value or None if name in given else None for field, name in fields.items()
    }
    return values | {"useradd_inactive_days": _optional_days(values["useradd_inactive_days"] or "")}
