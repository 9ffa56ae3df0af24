"""Users and groups: passwd, shadow, group and gshadow joined into one resource per account.

The four files are read once. Shadow files need root; without them the fields they fill are unknown and everything else
is still there. A password's state and the algorithm of its hash are kept, the hash itself never leaves the parser.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, TypeVar

import msgspec

from xspm.connectors.linux.account_files import Entry, Host, Table, distinct, id_limits, read_table
from xspm.connectors.linux.configuration import integer, lines
from xspm.connectors.linux.name_services import TEXTS, nis_databases
from xspm.connectors.linux.password_hashes import PasswordState, hash_algorithm, password_state
from xspm.connectors.linux.records import octal, resource, settings, unlisted
from xspm.connectors.linux.transport import Needs
from xspm.model.schema import ResourceType
from xspm.model.unknown import Maybe, Unknown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from xspm.connectors.linux.transport import Source
    from xspm.model.asset import Problem, Resource


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
    gid_zero_member_names: list[str]
    """Names of users that a group with gid 0 lists as its members."""
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
    nis_databases: Maybe[list[str]]
    """Databases of accounts (passwd, group, shadow, sudoers …) that nsswitch.conf has NIS or hesiod answer, sorted."""
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
        *TEXTS,
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
_SHADOW_FIELDS: Final = (
    "password_changed",
    "password_must_change",
    "password_min_days",
    "password_max_days",
    "password_warn_days",
    "password_inactive_days",
    "account_expires",
)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_DAY: Final = 2932896
"""9999-12-31, the last day that RFC 3339 can write."""


def collect(source: Source) -> Iterator[Resource | Problem]:
    """Read users, groups and what holds for all of them."""
    passwd, group = read_table(source, "/etc/passwd", 7, (2, 3)), read_table(source, "/etc/group", 4, (2,))
    for table, types in ((passwd, (User, Accounts)), (group, (Group, Accounts))):
        if isinstance(table, Unknown):
            yield unlisted(table, *types)
    if isinstance(passwd, Unknown):
        return
    defs = source.text("/etc/login.defs")
    limits = id_limits(defs if isinstance(defs, str) else "")
    host = Host(
        passwd, group, read_table(source, "/etc/shadow", 9, ()), read_table(source, "/etc/gshadow", 4, ()), limits
    )
    host.index()
    for entry in distinct(passwd.entries):
        yield _user(source, entry, host)
    if not isinstance(group, Unknown):
        for entry in distinct(group.entries):
            yield _group(entry, host)
        yield settings(_accounts(host, group, nis_databases(source)), "/etc/passwd")


def _kind(number: int, low: int, high: int) -> Literal["root", "system", "human"]:
    """Sort an id."""
    if number == 0:
        return "root"
    return "human" if low <= number <= high else "system"


def _user(source: Source, entry: Entry, host: Host) -> Resource:
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


def _password(name: str, field: str, shadow: Table | Unknown) -> dict[str, Any]:
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


def _group(entry: Entry, host: Host) -> Resource:
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


def _accounts(host: Host, group: Table, nis: Maybe[list[str]]) -> Accounts:
    passwd, shadow, gshadow = host.passwd, host.shadow, host.gshadow
    users, groups = [item.fields for item in passwd.entries], [item.fields for item in group.entries]
    gids = {int(fields[2]) for fields in groups}
    shadow_gids = {int(fields[2]) for fields in groups if fields[0] == "shadow"}
    listed_in_zero = {name for fields in groups if int(fields[2]) == 0 for name in fields[3].split(",")}
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
        gid_zero_member_names=sorted(listed_in_zero - {""}),
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
        nis_databases=nis,
        malformed_lines=unread or [place for table in read.values() for place in table.malformed],
        uid_min=host.limits["UID_MIN"],
        uid_max=host.limits["UID_MAX"],
    )


_KeyT = TypeVar("_KeyT", int, str)


def _repeated(values: Iterable[_KeyT]) -> list[_KeyT]:
    """Values that occur more than once, sorted."""
    return sorted(value for value, count in Counter(values).items() if count > 1)
