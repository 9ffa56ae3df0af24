"""Mode and owner of the files that matter, and what one walk of all file systems finds."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final, Literal, NamedTuple

from xspm.connectors.linux.file_purposes import HOME_PURPOSES, HOMES, PURPOSES
from xspm.connectors.linux.ownership import owning_packages
from xspm.connectors.linux.records import fill, octal, resource, settings
from xspm.connectors.linux.transport import Needs, Stat, is_null_device
from xspm.connectors.linux.walk import parse_mountinfo
from xspm.model.asset import Problem
from xspm.model.schema import ResourceType
from xspm.model.unknown import Maybe, Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from xspm.connectors.linux.transport import Source
    from xspm.model.asset import Resource


class File(ResourceType, frozen=True, kw_only=True):
    """A file or folder whose mode and owner matter; it exists, for only what exists is listed.

    A link to /dev/null masks a file, which then does not exist. A folder that cannot be read gives one resource whose
    path is the pattern and whose other fields are unknown.
    """

    TYPE: ClassVar[str] = "linux.file"

    path: str
    """Absolute path."""
    purpose: str
    """What the file is for. One of: `account_database` (passwd, group and their backups), `shadow_database` (shadow,
    gshadow and backups), `password_history` (opasswd), `login_shells`, `sshd_config`, `ssh_host_private_key`,
    `ssh_host_public_key`, `boot_loader_config`, `sudoers`, `pam_config`, `login_config` (login.defs, profile …), `cron`
    (tables and folders of jobs), `cron_access` (cron.allow, at.deny …), `audit_config`, `audit_log`, `audit_tool`,
    `log_file`, `log_directory`, `log_config`, `banner`, `private_key` (TLS and others below /etc), `kernel_config`
    (sysctl, modprobe), `mount_config` (fstab, crypttab, exports), `repository_config` (apt, yum, keyrings),
    `repository_credentials`, `service_config`
    (unit files of the administrator), `name_resolution` (hosts, resolv.conf, nsswitch.conf, hosts.allow),
    `docker_socket`, `docker_config`, `kubernetes_config`, `root_home`, `home_directory`, `user_startup_file` (dot files
    that shells and programs read), `user_ssh_directory`, `user_authorized_keys`, `user_private_key`,
    `user_trust_file` (.rhosts, .shosts, .netrc, .forward), `program_directory` (/usr/bin …), `library_directory`,
    `temporary_directory` (/tmp, /var/tmp)."""
    user: str | None
    """Login name whose home the path lies in; null for files of the system."""
    kind: Maybe[str]
    """`file`, `directory`, `link`, `fifo`, `socket`, `block` or `char`; links in the path are followed."""
    mode: Maybe[str]
    """Permission bits in octal, four digits: `0640`."""
    uid: Maybe[int]
    """Owner's number."""
    gid: Maybe[int]
    """Group's number."""
    owner: Maybe[str | None]
    """Owner's name; null when no account has that number."""
    group: Maybe[str | None]
    """Group's name; null when no group has that number."""
    owner_executable: Maybe[bool]
    """Whether the owner may execute it."""
    group_readable: Maybe[bool]
    """Whether members of the group may read it."""
    group_writable: Maybe[bool]
    """Whether members of the group may write it."""
    group_executable: Maybe[bool]
    """Whether members of the group may execute it (enter it, for a folder)."""
    world_readable: Maybe[bool]
    """Whether everybody may read it."""
    world_writable: Maybe[bool]
    """Whether everybody may write it."""
    world_executable: Maybe[bool]
    """Whether everybody may execute it (enter it, for a folder)."""
    sticky: Maybe[bool]
    """Whether only owners may remove entries of the folder."""
    empty: Maybe[bool]
    """Whether the file has no content; false for folders."""


class SetuidFile(ResourceType, frozen=True, kw_only=True):
    """A program that runs with the rights of its owner or group, whoever starts it."""

    TYPE: ClassVar[str] = "linux.setuid_file"

    path: str
    """Absolute path."""
    mode: str
    """Permission bits in octal, four digits: `4755`."""
    setuid: bool
    """Whether it runs as its owner."""
    setgid: bool
    """Whether it runs as its group."""
    owner: str | None
    """Owner's name; null when no account has that number."""
    group: str | None
    """Group's name; null when no group has that number."""
    world_writable: bool
    """Whether everybody may change the program."""
    group_writable: bool
    """Whether members of its group may change the program."""
    mounted_nosuid: bool
    """Whether the file system it lies on ignores the bits."""
    package: Maybe[str | None]
    """Package that installed it; null when none did."""


class FilesystemScan(ResourceType, frozen=True, kw_only=True):
    """What one walk of all local file systems found.

    A list is empty only when the walk was complete; it holds at most 1,000 paths, and the counts are exact.
    """

    TYPE: ClassVar[str] = "linux.filesystem_scan"

    world_writable_files: Maybe[list[str]]
    """Files that everybody may write, sorted."""
    world_writable_file_count: Maybe[int]
    """How many such files there are."""
    world_writable_directories: Maybe[list[str]]
    """Folders that everybody may write and that are not sticky, so that anybody may replace others' files; sorted."""
    world_writable_directory_count: Maybe[int]
    """How many such folders there are."""
    unowned: Maybe[list[str]]
    """Paths whose owner or group no account has, sorted."""
    unowned_count: Maybe[int]
    """How many such paths there are."""


SHOWN: Final = 1000
"""Paths of one list that are kept."""
HOME_LIMIT: Final = 500
"""Homes that are looked at."""
FILE_LIMIT: Final = 2000
"""Paths of one pattern that are kept."""

TYPES: Final = (File, SetuidFile, FilesystemScan)
NEEDS: Final = Needs(
    texts=("/etc/passwd", "/etc/group", "/proc/self/mountinfo", "/lib/apk/db/installed", "/etc/nsswitch.conf"),
    stats=(
        *(pattern for patterns in PURPOSES.values() for pattern in patterns),
        *(f"{home}/{pattern}" for home in HOMES for patterns in HOME_PURPOSES.values() for pattern in patterns),
        *HOMES,
    ),
    walk=True,
)


class Names(NamedTuple):
    """Accounts and groups by number."""

    owners: Mapping[int, str]
    groups: Mapping[int, str]


def collect(source: Source) -> Iterator[Resource | Problem]:
    """Look up the paths that matter, then walk the file systems."""
    names = Names(_by_number(source, "/etc/passwd"), _by_number(source, "/etc/group"))
    seen: set[str] = set()
    for purpose, patterns in PURPOSES.items():
        for pattern in patterns:
            yield from _matching(source, pattern, purpose, None, names, seen)
    for user, home in _homes(source):
        yield from _matching(source, home, "home_directory", user, names, seen)
        for purpose, patterns in HOME_PURPOSES.items():
            for pattern in patterns:
                yield from _matching(source, f"{home}/{pattern}", purpose, user, names, seen)
    yield from _walked(source, names)


def _by_number(source: Source, path: str) -> dict[int, str]:
    """Read names by number from passwd or group, the first of a number counting."""
    text = source.text(path)
    found: dict[int, str] = {}
    for line in text.splitlines() if isinstance(text, str) else ():
        fields = line.split(":")
        if len(fields) > 2 and fields[2].isascii() and fields[2].isdigit():
            found.setdefault(int(fields[2]), fields[0])
    return found


def _homes(source: Source) -> Iterator[tuple[str, str]]:
    """Yield the people (and root) that have a home of their own, with its path."""
    text = source.text("/etc/passwd")
    homes: dict[str, str] = {}
    for line in text.splitlines() if isinstance(text, str) else ():
        fields = line.split(":")
        if len(fields) < 7 or not (fields[2].isascii() and fields[2].isdigit()):
            continue
        person = int(fields[2]) >= 1000 and int(fields[2]) not in {65534, 65535}
        home = fields[5].rstrip("/")
        if (person or fields[0] == "root") and home.startswith("/") and len(homes) < HOME_LIMIT:
            homes.setdefault(home, fields[0])
    yield from ((user, home) for home, user in homes.items())


def _matching(  # noqa: PLR0917 - one call site with what it is about, one with what it found before
    source: Source, pattern: str, purpose: str, user: str | None, names: Names, seen: set[str]
) -> Iterator[Resource]:
    """Yield the files that a pattern finds and no earlier one did."""
    paths = source.glob(pattern)
    if isinstance(paths, Unknown):
        # One home that cannot be entered is said once for each purpose, not once for each file that may lie in it.
        said = f"{user}:{purpose}" if user else pattern
        if said not in seen:
            seen.add(said)
            yield resource(fill(File, paths, {"path": pattern, "purpose": purpose, "user": user}), pattern)
        return
    for path in paths[:FILE_LIMIT]:
        if path in seen or (purpose == "user_private_key" and path.endswith(".pub")):
            continue
        seen.add(path)
        found = source.stat(path, follow=True)
        if isinstance(found, Unknown):
            yield resource(fill(File, found, {"path": path, "purpose": purpose, "user": user}), path)
        elif found is not None and not _left_out(source, path, found, purpose):
            yield resource(_file(path, found, purpose, user, names), path)


def _left_out(source: Source, path: str, found: Stat, purpose: str) -> bool:
    """Whether a path is none of the files meant: a folder among logs, or a link to /dev/null that masks a file."""
    if found.kind != "char":
        return purpose == "log_file" and found.kind == "directory"
    link = source.stat(path)
    return isinstance(link, Stat) and is_null_device(path, link)


def _file(path: str, found: Stat, purpose: str, user: str | None, names: Names) -> File:
    """Describe one file."""
    mode = found.mode
    return File(
        path=path,
        purpose=purpose,
        user=user,
        kind=found.kind,
        mode=octal(mode),
        uid=found.uid,
        gid=found.gid,
        owner=names.owners.get(found.uid),
        group=names.groups.get(found.gid),
        owner_executable=bool(mode & 0o100),
        group_readable=bool(mode & 0o040),
        group_writable=bool(mode & 0o020),
        group_executable=bool(mode & 0o010),
        world_readable=bool(mode & 0o004),
        world_writable=bool(mode & 0o002),
        world_executable=bool(mode & 0o001),
        sticky=bool(mode & 0o1000),
        empty=found.kind == "file" and found.size == 0,
    )


class _Found:
    """A list that is kept only so long, and counted whole."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        self.count = 0

    def add(self, path: str) -> None:
        """Count a path, and keep it while there is room."""
        self.count += 1
        if len(self.paths) < SHOWN:
            self.paths.append(path)

    def shown(self, doubt: Unknown | None) -> Maybe[list[str]]:
        """Return what was found; nothing found is nothing only when everything was looked at."""
        return doubt if doubt and not self.paths else sorted(self.paths)

    def total(self, doubt: Unknown | None) -> Maybe[int]:
        """Return how many there are, when everything was looked at."""
        return doubt or self.count


def _walked(source: Source, names: Names) -> Iterator[Resource | Problem]:
    """Walk the file systems once and sort out what is found."""
    writable_files, writable_folders, unowned = _Found(), _Found(), _Found()
    special: list[Stat] = []
    problems: list[Problem] = []
    others = _Resolver(source, names)
    for entry in source.walk():
        if isinstance(entry, Problem):
            problems.append(entry)
            continue
        if entry.mode & 0o6000 and entry.kind == "file" and len(special) < SHOWN:
            special.append(entry)
        if entry.mode & 0o002:
            if entry.kind == "file":
                writable_files.add(entry.path)
            elif entry.kind == "directory" and not entry.mode & 0o1000:
                writable_folders.add(entry.path)
        if others.unowned(entry):
            unowned.add(entry.path)
    doubt = Unknown(problems[0].message, cause=_cause(problems[0])) if problems else None
    yield from _special(source, special, names)
    yield settings(
        FilesystemScan(
            world_writable_files=writable_files.shown(doubt),
            world_writable_file_count=writable_files.total(doubt),
            world_writable_directories=writable_folders.shown(doubt),
            world_writable_directory_count=writable_folders.total(doubt),
            unowned=unowned.shown(doubt),
            unowned_count=unowned.total(doubt),
        )
    )
    setuid_type = (SetuidFile.TYPE,)
    for problem in problems:
        yield Problem(problem.kind, problem.message, resource_types=setuid_type, hint=problem.hint)


def _cause(problem: Problem) -> Literal["access", "format", "limit", "missing", "timeout"]:
    """Return a problem's kind in the words of unknown values."""
    return "missing" if problem.kind == "unsupported" else problem.kind


class _Resolver:
    """Tells whether a number has a name, asking the name service where it knows more than the files."""

    def __init__(self, source: Source, names: Names) -> None:
        self._source = source
        self._names = names
        self._asked: dict[tuple[str, int], bool] = {}
        switch = source.text("/etc/nsswitch.conf") if source.live else None
        lines = [line.split(":", 1) for line in (switch if isinstance(switch, str) else "").splitlines() if ":" in line]
        self._more = {
            key.strip()
            for key, services in lines
            if set(services.split("#")[0].split()) - {"files", "compat", "systemd", "cache"}
        }

    def unowned(self, entry: Stat) -> bool:
        """Whether its owner or its group has no name."""
        return not (
            self._named("passwd", entry.uid, self._names.owners) and self._named("group", entry.gid, self._names.groups)
        )

    def _named(self, database: str, number: int, known: Mapping[int, str]) -> bool:
        if number in known:
            return True
        if database not in self._more:
            return False
        key = (database, number)
        if key not in self._asked:
            answer = self._source.run("getent", database, str(number)) if len(self._asked) < 50 else None
            self._asked[key] = not isinstance(answer, Unknown) and answer is not None and answer.status == 0
        return self._asked[key]


def _special(source: Source, found: list[Stat], names: Names) -> Iterator[Resource]:
    """Describe setuid and setgid programs."""
    text = source.text("/proc/self/mountinfo") if source.live else None
    mounts = {mount.path: "nosuid" in mount.options for mount in parse_mountinfo(text if isinstance(text, str) else "")}
    packages = owning_packages(source, sorted(entry.path for entry in found))
    for entry in sorted(found, key=lambda entry: entry.path):
        yield resource(
            SetuidFile(
                path=entry.path,
                mode=octal(entry.mode),
                setuid=bool(entry.mode & 0o4000),
                setgid=bool(entry.mode & 0o2000),
                owner=names.owners.get(entry.uid),
                group=names.groups.get(entry.gid),
                world_writable=bool(entry.mode & 0o002),
                group_writable=bool(entry.mode & 0o020),
                mounted_nosuid=_nosuid(entry.path, mounts),
                package=packages if isinstance(packages, Unknown) else packages.get(entry.path),
            ),
            entry.path,
        )


def _nosuid(path: str, mounts: Mapping[str, bool]) -> bool:
    """Whether the mount that a path lies on ignores setuid bits."""
    while path:
        path = path.rpartition("/")[0]
        if (path or "/") in mounts:
            return mounts[path or "/"]
    return False
