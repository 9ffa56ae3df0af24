"""Mode and owner of the files that matter; `walked_files` adds what one walk of all file systems finds."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from xspm.connectors.linux.changers import names_by_number
from xspm.connectors.linux.file_purposes import HOME_PURPOSES, HOMES, PURPOSES
from xspm.connectors.linux.records import fill, octal, resource
from xspm.connectors.linux.transport import Needs, Stat, is_null_device
from xspm.connectors.linux.walked_files import CapableFile, FilesystemScan, Names, SetuidFile, walked
from xspm.model.schema import ResourceType
from xspm.model.unknown import Maybe, Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xspm.connectors.linux.transport import Source
    from xspm.model.asset import Problem, Resource


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
    `host_trust_file` (hosts.equiv, shosts.equiv),
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


HOME_LIMIT: Final = 500
"""Homes that are looked at."""
FILE_LIMIT: Final = 2000
"""Paths of one pattern that are kept."""

TYPES: Final = (File, SetuidFile, CapableFile, FilesystemScan)
NEEDS: Final = Needs(
    texts=("/etc/passwd", "/etc/group", "/proc/self/mountinfo", "/lib/apk/db/installed", "/etc/nsswitch.conf"),
    stats=(
        *(pattern for patterns in PURPOSES.values() for pattern in patterns),
        *(f"{home}/{pattern}" for home in HOMES for patterns in HOME_PURPOSES.values() for pattern in patterns),
        *HOMES,
    ),
    walk=True,
)


def collect(source: Source) -> Iterator[Resource | Problem]:
    """Look up the paths that matter, then walk the file systems."""
    names = Names(names_by_number(source, "/etc/passwd"), names_by_number(source, "/etc/group"))
    seen: set[str] = set()
    for purpose, patterns in PURPOSES.items():
        for pattern in patterns:
            yield from _matching(source, pattern, purpose, None, names, seen)
    for user, home in _homes(source):
        yield from _matching(source, home, "home_directory", user, names, seen)
        for purpose, patterns in HOME_PURPOSES.items():
            for pattern in patterns:
                yield from _matching(source, f"{home}/{pattern}", purpose, user, names, seen)
    yield from walked(source, names)


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
