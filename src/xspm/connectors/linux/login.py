"""What a login starts with: login.defs and useradd defaults, the shells' profiles, root's environment and the banners.

Profiles are shell programs. Only static assignments are read; where the last word is computed, the value is unknown
with cause `format`.
"""

from __future__ import annotations

from typing import ClassVar

import msgspec

from xspm.model.schema import ResourceType
from xspm.model.unknown import Maybe


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


class Assignment(msgspec.Struct, frozen=True, kw_only=True):
    """One static assignment in a shell profile."""

    value: str
    """As four octal digits for umask, as written for TMOUT."""
    file: str
    """Path."""
    line: int
    """1-based."""


class ShellProfile(ResourceType, frozen=True, kw_only=True):
    """What the system-wide shell profiles set for interactive sessions."""

    TYPE: ClassVar[str] = "linux.shell_profile"

    umasks: Maybe[list[Assignment]]
    """Every `umask` with a static value, in the order the shells read them."""
    umask: Maybe[str | None]
    """The last of them, four octal digits; null when none is set (login.defs or PAM decide); unknown when several
    differ, because conditions choose.
    """
    umasks_deny_group_write: Maybe[bool]
    """Every umask set takes write from the group; true when none is set."""
    umasks_deny_others: Maybe[bool]
    """Every umask set gives others nothing; true when none is set."""
    timeout_seconds: Maybe[int | None]
    """TMOUT: seconds until an idle shell ends (the largest where several are set); null when not set, 0 means never."""
    timeout_read_only: Maybe[bool]
    """TMOUT is made read-only."""
    timeout_exported: Maybe[bool]
    """TMOUT is exported."""
    files: list[str]
    """Profiles that were read."""


class PathEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One directory of a PATH."""

    path: str
    """As written; empty stands for the current directory."""
    absolute: bool
    """Starts at the root. An empty entry and `.` do not."""
    exists: Maybe[bool]
    """It is there."""
    directory: Maybe[bool]
    """It is a directory (a link is followed); false when it does not exist."""
    uid: Maybe[int | None]
    """Owner; null when it does not exist."""
    group_writable: Maybe[bool]
    """Its group may write; false when it does not exist."""
    world_writable: Maybe[bool]
    """Others may write; false when it does not exist."""


class RootEnvironment(ResourceType, frozen=True, kw_only=True):
    """The environment that root's login shell starts with."""

    TYPE: ClassVar[str] = "linux.root_environment"

    path: Maybe[list[PathEntry]]
    """PATH, from the last static assignment in root's and the system's profiles, else from /etc/environment, else
    ENV_SUPATH.
    """
    path_source: Maybe[str | None]
    """The file it was read from; null when nothing sets it."""
    umask: Maybe[str | None]
    """The last umask of root's own profiles as four octal digits; null when they set none."""
    shell: Maybe[str]
    """root's login shell."""


class Banner(ResourceType, frozen=True, kw_only=True):
    """A text shown before or after login: /etc/issue, /etc/issue.net, /etc/motd."""

    TYPE: ClassVar[str] = "linux.banner"

    path: str
    """The file."""
    exists: Maybe[bool]
    """It is there."""
    empty: Maybe[bool]
    """It holds no text, or does not exist."""
    shows_system: Maybe[bool]
    r"""It tells the operating system: an escape `\m \r \s \v \o` or the system's name."""


TYPES: tuple[type[ResourceType], ...] = (LoginDefs, ShellProfile, RootEnvironment, Banner)
