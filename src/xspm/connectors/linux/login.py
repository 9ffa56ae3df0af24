"""What a login starts with: login.defs and useradd defaults, the shells' profiles, root's environment and the banners.

Profiles are shell programs. Only static assignments are read; where the last word is computed, the value is unknown
with cause `format`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar, Final

import msgspec

from xspm.connectors.linux.configuration import (
    Setting,
    integer,
    lines,
    octal_digits,
    shell_assignments,
    shell_value,
)
from xspm.connectors.linux.login_defs import LoginDefs, read_login_defs
from xspm.connectors.linux.os import release_of
from xspm.connectors.linux.records import fill, resource, settings
from xspm.connectors.linux.transport import Needs
from xspm.model.schema import ResourceType
from xspm.model.unknown import Maybe, Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xspm.connectors.linux.transport import Source
    from xspm.model.asset import Problem, Resource


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
    umasks_deny_group_write: Maybe[bool | None]
    """Every umask set takes write from the group; null when none is set."""
    umasks_deny_others: Maybe[bool | None]
    """Every umask set gives others nothing; null when none is set."""
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

_DIRECTORIES: Final = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin", "/root/bin")
NEEDS: Final = Needs(
    texts=(
        "/etc/login.defs",
        "/usr/etc/login.defs",
        "/etc/default/useradd",
        "/etc/profile",
        "/etc/profile.d/*.sh",
        "/etc/bash.bashrc",
        "/etc/bashrc",
        "/etc/profile.local",
        "/etc/bash.bashrc.local",
        "/etc/environment",
        "/etc/passwd",
        "/etc/os-release",
        "/usr/lib/os-release",
        "/root/.profile",
        "/root/.bash_profile",
        "/root/.bash_login",
        "/root/.bashrc",
        "/etc/issue",
        "/etc/issue.net",
        "/etc/motd",
    ),
    stats=_DIRECTORIES,
)

_PROFILES: Final = (
    "/etc/profile",
    "/etc/profile.d/*.sh",
    "/etc/profile.local",
    "/etc/bash.bashrc",
    "/etc/bash.bashrc.local",
    "/etc/bashrc",
)
"""In the order in which a login shell reads them."""
_ROOT_PROFILES: Final = ("/root/.profile", "/root/.bash_profile", "/root/.bash_login", "/root/.bashrc")
_SYSTEMS: Final = re.compile(
    r"(?i)\b(?:linux|debian|ubuntu|red hat|rhel|centos|fedora|rocky|almalinux|oracle|amazon|suse|alpine|arch)\b"
)
"""Names that tell a system whose os-release does not."""
_BANNERS: Final = ("/etc/issue", "/etc/issue.net", "/etc/motd")
_UMASK: Final = re.compile(r"(?:^|[;&|{]\s*|\b(?:then|else|do)\s+)umask\s+(?:-S\s+)?([^\s;&|#]+)")
_PATH: Final = re.compile(r"(?:^|[;&|{]\s*|\b(?:then|else|do|export)\s+)PATH=(\"[^\"]*\"|'[^']*'|[^\s;&|#]*)")
_TIMEOUT: Final = re.compile(r"(?:^|[\s;&|])TMOUT=[\"']?([^\s;&|#\"']*)")
_LEFT_OUT: Final = re.compile(r"\$\{?PATH\}?")


def collect(source: Source) -> Iterator[Resource | Problem]:
    """Read login defaults, profiles, root's environment and the banners."""
    defs = read_login_defs(source)
    yield settings(defs, "/etc/login.defs")
    profiles = _texts(source, _PROFILES)
    yield settings(_shell_profile(profiles))
    yield settings(_root_environment(source, profiles, defs))
    for path in _BANNERS:
        yield resource(_banner(source, path), path)


def _texts(source: Source, patterns: tuple[str, ...]) -> dict[str, str] | Unknown:
    """Read files in the order of their patterns; those that do not exist are left out."""
    found: dict[str, str] = {}
    for pattern in patterns:
        paths = source.glob(pattern) if "*" in pattern else [pattern]
        if isinstance(paths, Unknown):
            return paths
        for path in paths:
            text = source.text(path)
            if isinstance(text, Unknown):
                return text
            if text is not None:
                found[path] = text
    return found


def _assigned(texts: dict[str, str], pattern: re.Pattern[str]) -> list[Setting]:
    """Find every assignment that a pattern names, in order."""
    return [
        Setting(match[1], path, line.number)
        for path, text in texts.items()
        for line in lines(text)
        for match in pattern.finditer(line.text)
    ]


def _umask(text: str) -> str | None:
    """Read a umask, octal or symbolic (`u=rwx,g=rx,o=`); null when computed."""
    octal = octal_digits(text)
    if octal is not None or not re.fullmatch(r"[ugoa]+=[rwx]*(?:,[ugoa]+=[rwx]*)*", text):
        return octal
    allowed = dict.fromkeys("ugo", 0)
    for part in text.split(","):
        who, _, what = part.partition("=")
        bits = sum({"r": 4, "w": 2, "x": 1}[letter] for letter in set(what))
        for letter in "ugo" if "a" in who else who:
            allowed[letter] = bits
    return "0" + "".join(str(7 - allowed[letter]) for letter in "ugo")


def _shell_profile(texts: dict[str, str] | Unknown) -> ShellProfile:
    if isinstance(texts, Unknown):
        return fill(ShellProfile, texts, {"files": []})
    computed = Unknown("a profile computes it", cause="format")
    found = _assigned(texts, _UMASK)
    umasks = [
        Assignment(value=value, file=item.file, line=item.line) for item in found if (value := _umask(item.value))
    ]
    unclear = len(umasks) < len(found)
    values = [int(item.value, 8) for item in umasks]
    timeouts = _assigned(texts, _TIMEOUT)
    times = [integer(item.value) for item in timeouts]
    whole = "\n".join(line.text for text in texts.values() for line in lines(text))
    fixed = re.search(r"(?:readonly|(?:declare|typeset)\s+-\w*r\w*)\s[^\n;]*\bTMOUT\b", whole)
    exported = re.search(r"(?:export|(?:declare|typeset)\s+-\w*x\w*)\s[^\n;]*\bTMOUT\b", whole)
    seconds: Maybe[int | None] = computed
    if all(time is not None for time in times):
        numbers = [time for time in times if time is not None]
        seconds = 0 if 0 in numbers else max(numbers, default=None)
    last: Maybe[str | None] = umasks[-1].value if umasks else None
    return ShellProfile(
        umasks=umasks,
        umask=computed if unclear or len({item.value for item in umasks}) > 1 else last,
        umasks_deny_group_write=_every([bool(value & 0o020) for value in values], computed if unclear else None),
        umasks_deny_others=_every([value & 0o007 == 0o007 for value in values], computed if unclear else None),
        timeout_seconds=seconds,
        timeout_read_only=fixed is not None,
        timeout_exported=exported is not None,
        files=list(texts),
    )


def _every(answers: list[bool], doubt: Unknown | None) -> Maybe[bool | None]:
    """Whether all hold; what is in doubt matters only when none says no."""
    if not all(answers):
        return False
    return doubt or (True if answers else None)


def _root_environment(source: Source, profiles: dict[str, str] | Unknown, defs: LoginDefs) -> RootEnvironment:
    own = _texts(source, _ROOT_PROFILES)
    passwd = source.text("/etc/passwd")
    shell: Maybe[str] = passwd if isinstance(passwd, Unknown) else "/bin/sh"
    for line in lines(passwd) if isinstance(passwd, str) else ():
        row = line.text.split(":")
        if len(row) == 7 and row[0] == "root":
            shell = row[6] or "/bin/sh"
            break
    umask: Maybe[str | None] = own if isinstance(own, Unknown) else None
    for item in _assigned(own, _UMASK) if isinstance(own, dict) else ():
        umask = _umask(item.value) or Unknown(f"computed in {item.file}", cause="format")
    path, origin = _root_path(source, profiles, own, defs)
    return RootEnvironment(path=path, path_source=origin, umask=umask, shell=shell)


def _root_path(
    source: Source, profiles: dict[str, str] | Unknown, own: dict[str, str] | Unknown, defs: LoginDefs
) -> tuple[Maybe[list[PathEntry]], Maybe[str | None]]:
    """Return root's PATH: what the profiles assign, in order, each `$PATH` standing for what was before."""
    for texts in (profiles, own):
        if isinstance(texts, Unknown):
            return texts, texts
    environment = source.text("/etc/environment")
    start = shell_assignments(environment).get("PATH") if isinstance(environment, str) else None
    current: list[str] = list(defs.super_path) if isinstance(defs.super_path, list) else []
    origin = "/etc/login.defs" if current else None
    if start and "$" not in start.value:
        current, origin = start.value.split(":"), "/etc/environment"
    texts = {**(profiles if isinstance(profiles, dict) else {}), **(own if isinstance(own, dict) else {})}
    whole: str | None = None
    for item in _assigned(texts, _PATH):
        value = shell_value(item.value)
        # A variable on either side of the present value keeps it, so only what is added can be judged.
        if "$" in _LEFT_OUT.sub("", value) or "`" in value:
            why = Unknown(f"PATH is computed in {item.file}:{item.line}", cause="format")
            return why, item.file
        pieces = [piece for part in value.split(":") for piece in (current if _LEFT_OUT.fullmatch(part) else [part])]
        # Branches of one file (root, everybody else) assign in turn; which is taken is not ours to run.
        current = [*current, *pieces] if whole == item.file else pieces
        whole = None if _LEFT_OUT.search(value) else item.file
        origin = item.file
    return [_entry(source, path) for path in dict.fromkeys(current)], origin


def _entry(source: Source, path: str) -> PathEntry:
    """Look at one directory of a PATH."""
    absolute = path.startswith("/")
    found = source.stat(path.rstrip("/") or "/", follow=True) if absolute else None
    if isinstance(found, Unknown):
        return fill(PathEntry, found, {"path": path, "absolute": absolute})
    return PathEntry(
        path=path,
        absolute=absolute,
        exists=found is not None,
        directory=found is not None and found.kind == "directory",
        uid=found.uid if found else None,
        group_writable=bool(found and found.mode & 0o020),
        world_writable=bool(found and found.mode & 0o002),
    )


def _banner(source: Source, path: str) -> Banner:
    text = source.text(path)
    if isinstance(text, Unknown):
        return fill(Banner, text, {"path": path})
    release = release_of(source)
    given = {} if isinstance(release, Unknown) else release
    names = [given[key] for key in ("ID", "NAME", "PRETTY_NAME") if given.get(key)]
    body = text or ""
    escapes = r"\\[mrsvo](?![a-z])|\\S(?![A-Za-z])"
    told = re.search(escapes, body) or any(re.search(rf"(?i)\b{re.escape(name)}\b", body) for name in names)
    shown: Maybe[bool] = bool(told)
    if not told and body.strip() and isinstance(release, Unknown):
        shown = True if _SYSTEMS.search(body) else release
    return Banner(path=path, exists=text is not None, empty=not body.strip(), shows_system=shown)
