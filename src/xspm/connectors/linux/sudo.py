"""sudo: its settings and every rule of sudoers, includes resolved and aliases expanded.

The file is read as sudo reads it: @includedir skips names with a dot or a trailing tilde, the last Defaults wins, tags
stay in force along a list of commands. One rule resource per user specification.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

import msgspec

from xspm.connectors.linux.configuration import shell_assignments
from xspm.connectors.linux.doas import TEXTS, doas_rules
from xspm.connectors.linux.records import exists, fill, not_installed, settings, unlisted
from xspm.connectors.linux.redact import redact
from xspm.connectors.linux.sudo_rules import SudoRule, sudo_rules, text_of
from xspm.connectors.linux.sudoers import Default, Sudoers, read_sudoers
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
    """syslog; null when turned off, also for what succeeds alone (syslog_goodpri)."""
    log_allowed: Maybe[bool]
    """log_allowed: what sudo lets run is logged, and not only what it refuses."""
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


TYPES: tuple[type[ResourceType], ...] = (Sudo, SudoRule)

_NAMES: Final = ("/etc/group", "/etc/passwd", "/etc/hostname", "/proc/sys/kernel/hostname")
NEEDS: Final = Needs(
    texts=(
        "/etc/sudoers",
        "/etc/sudoers.d/*",
        "/usr/etc/sudoers",
        "/usr/etc/sudoers.d/*",
        "/etc/os-release",
        *_NAMES,
        *TEXTS,
    ),
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
    "log_allowed": ("log_allowed", True),
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
    """Read sudo's settings and rules, and those of doas."""
    yield from doas_rules(source)
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
        yield from sudo_rules(source, sudoers)


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
    syslog, priority = last.get("syslog"), last.get("syslog_goodpri")
    silent = bool(syslog and syslog.negated) or bool(priority and (priority.negated or priority.value == "none"))
    values |= {
        "timestamp_type": text_of(last.get("timestamp_type")) or "tty",
        "password_tries": _number(last.get("passwd_tries"), 3),
        "log_file": text_of(last.get("logfile")),
        "syslog_facility": None if silent else text_of(syslog) or "authpriv",
        "asks_password_of": _whose(last),
        "exempt_group": text_of(last.get("exempt_group")),
        "env_keep": sorted(kept),
        "env_keep_patterns": sorted({_pattern(word) for word in (*kept, *_kept_for_some(sudoers))}),
        "secure_path": path.split(":") if (path := text_of(last.get("secure_path"))) else None,
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


def _number(item: Default | None, default: int) -> int:
    text = text_of(item) or ""
    return int(text) if re.fullmatch(r"\d{1,9}", text) else default


def _seconds(item: Default | None, minutes: float) -> int | None:
    """Read minutes, which may have decimals; null for a negative value."""
    if item is not None and item.negated:
        return 0
    text = text_of(item) or ""
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
