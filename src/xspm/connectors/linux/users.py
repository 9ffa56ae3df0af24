"""Users and groups: passwd, shadow, group and gshadow joined into one resource per account.

The four files are read once. Shadow files need root; without them the fields they fill are unknown and everything else
is still there. A password's state and the algorithm of its hash are kept, the hash itself never leaves the parser.
"""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, NamedTuple, TypeAlias, TypeVar

import msgspec

from xspm.connectors.linux.configuration import integer, lines, words
from xspm.connectors.linux.records import octal, resource, settings, unlisted
from xspm.connectors.linux.transport import Needs
from xspm.model.schema import ResourceType
from xspm.model.unknown import Maybe, Unknown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from xspm.connectors.linux.transport import Source
    from xspm.model.asset import Problem, Resource

PasswordState: TypeAlias = Literal["set", "locked", "empty", "none"]


class HomeDirectory(msgspec.Struct, frozen=True, kw_only=True):
    """A user's home directory as it is on disk."""

    mode: str
    """Permission bits as four octal digits: `0750`."""
    uid: int
    """Owner."""
    gid: int
    """Owning group."""
    group_writable: bool
    """Members of the owning group may write."""
    world_access: bool
    """Others may read, write or enter."""
    authorized_keys: Maybe[int]
    """Number of keys in `.ssh/authorized_keys` and `.ssh/authorized_keys2`."""


class User(ResourceType, frozen=True, kw_only=True):
    """A local user account."""

    TYPE: ClassVar[str] = "linux.user"

    name: str
    """Login name."""
    uid: int
    """Numeric user id."""
    gid: int
    """Numeric id of the primary group."""
    primary_group: str | None
    """Name of the primary group; null when no group has that id."""
    groups: Maybe[list[str]]
    """Every group the user is in, the primary one included, sorted."""
    kind: Literal["root", "system", "human"]
    """`root`: uid 0. `human`: uid within UID_MIN..UID_MAX of login.defs. `system`: all others, `nobody` included."""
    home: str
    """Home directory as written in passwd."""
    home_directory: Maybe[HomeDirectory | None]
    """The home directory on disk; null when it does not exist."""
    shell: str
    """Login shell; `/bin/sh` when the field is empty."""
    login_shell: bool
    """Whether the shell gives a session: anything but nologin, false, sync, halt, shutdown and the like."""
    shadowed: bool
    """The password is kept in shadow (field `x`), not in passwd."""
    password: Maybe[Literal["set", "locked", "empty", "none"]]
    """`set`: a hash. `locked`: a hash made unusable with `!`. `empty`: logs in without a password. `none`: no password
    can match (`*`, `!`).
    """
    hash_algorithm: Maybe[str | None]
    """yescrypt, gost_yescrypt, scrypt, bcrypt, sha512, sha256, sun_md5, md5, nt, bsdi, des or unrecognised; null
    without a hash.
    """
    password_changed: Maybe[str | None]
    """Day of the last change, RFC 3339 (`2026-01-31T00:00:00Z`); null when not recorded."""
    password_must_change: Maybe[bool]
    """The next login must set a new password (last change is 0)."""
    password_min_days: Maybe[int | None]
    """Days before a password may be changed again; null when not set."""
    password_max_days: Maybe[int | None]
    """Days after which a password must be changed; null when not set."""
    password_warn_days: Maybe[int | None]
    """Days of warning before that; null when not set."""
    password_inactive_days: Maybe[int | None]
    """Days after a password's end until the account is disabled; null when never."""
    account_expires: Maybe[str | None]
    """Day on which the account ends, RFC 3339; null when never."""


class Group(ResourceType, frozen=True, kw_only=True):
    """A local group."""

    TYPE: ClassVar[str] = "linux.group"

    name: str
    """Group name."""
    gid: int
    """Numeric group id."""
    kind: Literal["root", "system", "human"]
    """`root`: gid 0. `human`: gid within GID_MIN..GID_MAX of login.defs. `system`: all others."""
    members: list[str]
    """Users in the group: those listed and those whose primary group it is, sorted."""
    listed_members: list[str]
    """Users listed in the group file, sorted."""
    administrators: Maybe[list[str]]
    """Users who may change the group, from gshadow."""
    password: Maybe[Literal["set", "locked", "empty", "none"]]
    """State of the group password, as for users; `empty` in gshadow means that none is asked of members."""


class Accounts(ResourceType, frozen=True, kw_only=True):
    """All local accounts taken together: what must be unique, and what must not exist."""

    TYPE: ClassVar[str] = "linux.accounts"

    uid_zero_names: list[str]
    """Names of all users with uid 0."""
    gid_zero_user_names: list[str]
    """Names of users whose primary group is 0."""
    gid_zero_group_names: list[str]
    """Names of groups with gid 0."""
    duplicate_uids: list[int]
    """Uids that more than one user has."""
    duplicate_gids: list[int]
    """Gids that more than one group has."""
    duplicate_user_names: list[str]
    """User names that occur more than once."""
    duplicate_group_names: list[str]
    """Group names that occur more than once."""
    unshadowed_names: list[str]
    """Users whose password field is in passwd instead of shadow."""
    empty_password_names: Maybe[list[str]]
    """Users who log in without a password."""
    missing_in_shadow_names: Maybe[list[str]]
    """Users with `x` in passwd and no line in shadow."""
    missing_primary_group_names: list[str]
    """Users whose primary group does not exist."""
    shadow_group_members: list[str]
    """Users in the group `shadow`, who may read hashes."""
    nis_entry_files: Maybe[list[str]]
    """Account files with legacy `+` or `-` lines that merge a network directory."""
    malformed_lines: Maybe[list[str]]
    """Lines that are not what the file's format asks, as `file:line`."""
    uid_min: int
    """Lowest uid of people (login.defs UID_MIN)."""
    uid_max: int
    """Highest uid of people (login.defs UID_MAX)."""


TYPES: tuple[type[ResourceType], ...] = (User, Group, Accounts)

NEEDS: Final = Needs(
    texts=(
        "/etc/passwd",
        "/etc/shadow",
        "/etc/group",
        "/etc/gshadow",
        "/etc/login.defs",
        "/root/.ssh/authorized_keys*",
        "/home/*/.ssh/authorized_keys*",
        "/var/lib/*/.ssh/authorized_keys*",
        "/srv/*/.ssh/authorized_keys*",
        "/opt/*/.ssh/authorized_keys*",
    ),
    stats=("/root", "/home/*", "/var/*", "/var/lib/*", "/var/spool/*", "/var/cache/*", "/srv/*", "/opt/*"),
)

_NO_SESSION: Final = frozenset({"nologin", "false", "sync", "halt", "shutdown", "true", "git-shell", "null"})
"""Last components of shells that give no session."""
_HOMES_OF_NOBODY: Final = frozenset(
    {"", "/", "/nonexistent", "/dev/null", "/bin", "/sbin", "/usr/sbin", "/usr/bin", "/dev"}
)
"""Homes that say there is none."""
_HASHES: Final[tuple[tuple[str, str], ...]] = (
    ("$y$", "yescrypt"),
    ("$gy$", "gost_yescrypt"),
    ("$7$", "scrypt"),
    ("$2", "bcrypt"),
    ("$6$", "sha512"),
    ("$5$", "sha256"),
    ("$md5", "sun_md5"),
    ("$1$", "md5"),
    ("$3$", "nt"),
    ("$sha1$", "sha1"),
    ("$", "unrecognised"),
    ("_", "bsdi"),
)
"""Prefixes of crypt(5), longest first where they overlap."""
_SHADOW_FIELDS: Final = (
    "password_changed",
    "password_must_change",
    "password_min_days",
    "password_max_days",
    "password_warn_days",
    "password_inactive_days",
    "account_expires",
)
_ID_LIMIT: Final = 2**32
"""Ids are below."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_DAY: Final = 2932896
"""9999-12-31, the last day that RFC 3339 can write."""


class _Entry(NamedTuple):
    """A line of an account file."""

    line: int
    fields: list[str]


class _Table(msgspec.Struct):
    """An account file."""

    entries: list[_Entry] = []
    malformed: list[str] = []
    merges_network: bool = False
    first: dict[str, list[str]] = {}
    """First entry of each name, which is the one that the C library finds."""


class _Host(msgspec.Struct):
    """The account files of a host, indexed once: a directory server's export has 100,000 lines."""

    passwd: _Table
    group: _Table | Unknown
    shadow: _Table | Unknown
    gshadow: _Table | Unknown
    limits: dict[str, int]
    group_of_gid: dict[int, str] = {}
    groups_of_member: dict[str, set[str]] = {}
    users_of_gid: dict[int, set[str]] = {}

    def index(self) -> None:
        """Fill the three indexes."""
        for entry in self.group.entries if isinstance(self.group, _Table) else ():
            self.group_of_gid.setdefault(int(entry.fields[2]), entry.fields[0])
            for member in entry.fields[3].split(","):
                self.groups_of_member.setdefault(member, set()).add(entry.fields[0])
        for entry in self.passwd.entries:
            self.users_of_gid.setdefault(int(entry.fields[3]), set()).add(entry.fields[0])


def collect(source: Source) -> Iterator[Resource | Problem]:
    """Read users, groups and what holds for all of them."""
    passwd, group = _table(source, "/etc/passwd", 7, (2, 3)), _table(source, "/etc/group", 4, (2,))
    for table, types in ((passwd, (User, Accounts)), (group, (Group, Accounts))):
        if isinstance(table, Unknown):
            yield unlisted(table, *types)
    if isinstance(passwd, Unknown):
        return
    defs = source.text("/etc/login.defs")
    limits = _limits(defs if isinstance(defs, str) else "")
    host = _Host(passwd, group, _table(source, "/etc/shadow", 9, ()), _table(source, "/etc/gshadow", 4, ()), limits)
    host.index()
    for entry in _distinct(passwd.entries):
        yield _user(source, entry, host)
    if not isinstance(group, Unknown):
        for entry in _distinct(group.entries):
            yield _group(entry, host)
        yield settings(_accounts(host, group), "/etc/passwd")


def hash_algorithm(field: str) -> str | None:
    """Name the algorithm of a password field; null when it holds no hash."""
    hashed = field.lstrip("!")
    if re.fullmatch(r"[./0-9A-Za-z]{13}", hashed):
        return "des"
    return next((name for prefix, name in _HASHES if hashed.startswith(prefix) and len(hashed) > len(prefix) + 7), None)


def password_state(field: str) -> PasswordState:
    """Classify a password field of shadow or passwd."""
    if not field:
        return "empty"
    if hash_algorithm(field) is None:
        return "none"
    return "locked" if field.startswith("!") else "set"


def _table(source: Source, path: str, width: int, numbers: tuple[int, ...]) -> _Table | Unknown:
    """Read one account file; `numbers` are the columns that must be ids."""
    text = source.text(path)
    if isinstance(text, Unknown):
        return text
    if text is None and path in {"/etc/passwd", "/etc/group"}:
        return Unknown(f"does not exist: {path}", cause="missing")
    table = _Table()
    for line in lines(text or ""):
        fields = line.text.split(":")
        if line.text[0] in "+-":
            table.merges_network = True
            continue
        sound = len(fields) == width and all(re.fullmatch(r"\d{1,10}", fields[at]) for at in numbers)
        taken = _as_taken(line.text, width, numbers)
        if not sound or taken is None:
            table.malformed.append(f"{path}:{line.number}")
        if taken is not None and (sound or numbers):
            table.entries.append(_Entry(line.number, taken))
            table.first.setdefault(taken[0], taken)
    return table


def _as_taken(text: str, width: int, numbers: tuple[int, ...]) -> list[str] | None:
    """Return the fields as the C library takes them; None for a line that it leaves out.

    It is lenient: fields at the end may be missing, the last may hold colons, and an id is whatever strtoul reads, so
    that ` 0` and `+0` are root.
    """
    fields = text.split(":", width - 1)
    if not fields[0] or (numbers and len(fields) <= max(numbers)):
        return None
    fields += [""] * (width - len(fields))
    for at in numbers:
        match = re.fullmatch(r"[ \t\v\f\r]*([+-]?)(\d{1,40})", fields[at])
        if match is None:
            return None
        number = int(match[2])
        if number and (match[1] == "-" or number >= _ID_LIMIT):
            # Out of range: one C library takes the highest id, another only the low 32 bits.
            number = 0 if number % _ID_LIMIT == 0 else _ID_LIMIT - 1
        fields[at] = str(number)
    return fields


def _limits(text: str) -> dict[str, int]:
    """Ranges of ids that belong to people."""
    found = words(text)
    defaults = {"UID_MIN": 1000, "UID_MAX": 60000, "GID_MIN": 1000, "GID_MAX": 60000}
    values = {name: integer(found[name].value) if name in found else None for name in defaults}
    return {name: default if values[name] is None else values[name] or 0 for name, default in defaults.items()}


def _distinct(entries: Iterable[_Entry]) -> Iterator[_Entry]:
    """First entry of each name: the one that counts."""
    seen: set[str] = set()
    for entry in entries:
        if entry.fields[0] not in seen:
            seen.add(entry.fields[0])
            yield entry


def _kind(number: int, low: int, high: int) -> Literal["root", "system", "human"]:
    """Sort an id."""
    if number == 0:
        return "root"
    return "human" if low <= number <= high else "system"


def _user(source: Source, entry: _Entry, host: _Host) -> Resource:
    name, field, uid, gid, _, home, shell = entry.fields
    shell = shell or "/bin/sh"
    names = set(host.groups_of_member.get(name, ()))
    primary = host.group_of_gid.get(int(gid))
    if primary:
        names.add(primary)
    user = User(
        **_password(name, field, host.shadow),
        name=name,
        uid=int(uid),
        gid=int(gid),
        primary_group=primary,
        groups=host.group if isinstance(host.group, Unknown) else sorted(names),
        kind=_kind(int(uid), host.limits["UID_MIN"], host.limits["UID_MAX"]),
        home=home,
        home_directory=_home(source, home),
        shell=shell,
        login_shell=shell.rpartition("/")[2] not in _NO_SESSION,
        shadowed=field == "x",
    )
    return resource(user, name, at=("/etc/passwd", entry.line))


def _password(name: str, field: str, shadow: _Table | Unknown) -> dict[str, Any]:
    """Fields of `User` that come from the password field and shadow."""
    if isinstance(shadow, Unknown):
        inline = field != "x"
        rest = dict.fromkeys(_SHADOW_FIELDS, shadow)
        return {
            **rest,
            "password": password_state(field) if inline else shadow,
            "hash_algorithm": hash_algorithm(field) if inline else shadow,
        }
    entry = shadow.first.get(name)
    secret = field if field != "x" else (entry[1] if entry else "*")
    ages = [_days(value) for value in entry[2:8]] if entry else [None] * 6
    changed, low, high, warn, inactive, expires = ages
    return {
        "password": password_state(secret),
        "hash_algorithm": hash_algorithm(secret),
        "password_changed": _date(changed) if changed else None,
        "password_must_change": changed == 0,
        "password_min_days": low,
        "password_max_days": high,
        "password_warn_days": warn,
        "password_inactive_days": inactive,
        "account_expires": _date(expires) if expires is not None else None,
    }


def _days(text: str) -> int | None:
    """Read a column of shadow; null when it is empty or switched off."""
    value = integer(text)
    return value if value is not None and value >= 0 else None


def _date(day: int) -> str:
    """Write a day since the epoch as RFC 3339."""
    return (_EPOCH + timedelta(days=min(day, _LAST_DAY))).strftime("%Y-%m-%dT00:00:00Z")


def _home(source: Source, path: str) -> Maybe[HomeDirectory | None]:
    """Look at a home directory."""
    if path.rstrip("/") in _HOMES_OF_NOBODY:
        return None
    found = source.stat(path, follow=True)
    if found is None or isinstance(found, Unknown):
        return found
    return HomeDirectory(
        mode=octal(found.mode),
        uid=found.uid,
        gid=found.gid,
        group_writable=bool(found.mode & 0o020),
        world_access=bool(found.mode & 0o007),
        authorized_keys=_authorized_keys(source, path),
    )


def _authorized_keys(source: Source, home: str) -> Maybe[int]:
    """Count the keys that open an account."""
    total = 0
    for name in ("authorized_keys", "authorized_keys2"):
        text = source.text(f"{home}/.ssh/{name}")
        if isinstance(text, Unknown):
            return text
        total += sum(1 for _ in lines(text or ""))
    return total


def _group(entry: _Entry, host: _Host) -> Resource:
    name, field, gid, listed = entry.fields
    members = {item for item in listed.split(",") if item}
    primary = host.users_of_gid.get(int(gid), set())
    gshadow = host.gshadow
    administrators: Maybe[list[str]] = []
    password: Maybe[PasswordState] = password_state(field) if field else "none"
    if isinstance(gshadow, Unknown):
        administrators = gshadow
        password = gshadow if field == "x" else password
    else:
        secret = gshadow.first.get(name)
        if secret:
            administrators = sorted(item for item in secret[2].split(",") if item)
            password = password_state(secret[1])
    group = Group(
        name=name,
        gid=int(gid),
        kind=_kind(int(gid), host.limits["GID_MIN"], host.limits["GID_MAX"]),
        members=sorted(members | primary),
        listed_members=sorted(members),
        administrators=administrators,
        password=password,
    )
    return resource(group, name, at=("/etc/group", entry.line))


def _accounts(host: _Host, group: _Table) -> Accounts:
    passwd, shadow, gshadow = host.passwd, host.shadow, host.gshadow
    users, groups = [item.fields for item in passwd.entries], [item.fields for item in group.entries]
    gids = {int(fields[2]) for fields in groups}
    shadow_gids = {int(fields[2]) for fields in groups if fields[0] == "shadow"}
    in_shadow = {name for fields in groups if fields[0] == "shadow" for name in fields[3].split(",") if name}
    empty: Maybe[list[str]]
    missing: Maybe[list[str]]
    if isinstance(shadow, Unknown):
        empty = missing = shadow
    else:
        secrets = shadow.first
        fields_of = {user[0]: user[1] if user[1] != "x" else secrets.get(user[0], ["", "*"])[1] for user in users}
        empty = sorted(name for name, secret in fields_of.items() if not secret)
        missing = sorted({user[0] for user in users if user[1] == "x" and user[0] not in secrets})
    tables = {"/etc/passwd": passwd, "/etc/group": group, "/etc/shadow": shadow, "/etc/gshadow": gshadow}
    unread = next((table for table in tables.values() if isinstance(table, Unknown)), None)
    read = {path: table for path, table in tables.items() if not isinstance(table, Unknown)}
    return Accounts(
        uid_zero_names=sorted({user[0] for user in users if int(user[2]) == 0}),
        gid_zero_user_names=sorted({user[0] for user in users if int(user[3]) == 0}),
        gid_zero_group_names=sorted({fields[0] for fields in groups if int(fields[2]) == 0}),
        duplicate_uids=_repeated(int(user[2]) for user in users),
        duplicate_gids=_repeated(int(fields[2]) for fields in groups),
        duplicate_user_names=_repeated(user[0] for user in users),
        duplicate_group_names=_repeated(fields[0] for fields in groups),
        unshadowed_names=sorted({user[0] for user in users if user[1] != "x"}),
        empty_password_names=empty,
        missing_in_shadow_names=missing,
        missing_primary_group_names=sorted({user[0] for user in users if int(user[3]) not in gids}),
        shadow_group_members=sorted(in_shadow | {user[0] for user in users if int(user[3]) in shadow_gids}),
        nis_entry_files=unread or sorted(path for path, table in read.items() if table.merges_network),
        malformed_lines=unread or [place for table in read.values() for place in table.malformed],
        uid_min=host.limits["UID_MIN"],
        uid_max=host.limits["UID_MAX"],
    )


_KeyT = TypeVar("_KeyT", int, str)


def _repeated(values: Iterable[_KeyT]) -> list[_KeyT]:
    """Values that occur more than once, sorted."""
    return sorted(value for value, count in Counter(values).items() if count > 1)
