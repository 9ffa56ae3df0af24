"""Mode and owner of the files that matter, and what one walk of the file systems finds: setuid, world-writable, unowned."""

from __future__ import annotations

from typing import ClassVar

from xspm.model.schema import ResourceType
from xspm.model.unknown import Maybe


class File(ResourceType, frozen=True, kw_only=True):
    """A file or folder whose mode and owner matter; it exists, for only what exists is listed.

    A folder that cannot be read gives one resource whose path is the pattern and whose other fields are unknown.
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
    (sysctl, modprobe), `mount_config` (fstab, crypttab), `repository_config` (apt, yum, keyrings), `service_config`
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
