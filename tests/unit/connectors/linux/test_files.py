from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xspm.connectors.linux import files as service
from xspm.connectors.linux import walked_files
from xspm.connectors.linux.file_purposes import HOME_PURPOSES, PURPOSES
from xspm.connectors.linux.memory import MemorySource
from xspm.model.asset import Problem, Resource
from xspm.model.schema import field_docs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pytest

    from xspm.connectors.linux.transport import Stat

ACCOUNTS = {
    "/etc/passwd": "root:x:0:0::/root:/bin/sh\nbob:x:1000:1000::/home/bob:/bin/sh\nsvc:x:99:99::/srv/svc:/bin/false\n",
    "/etc/group": "root:x:0:\nshadow:x:42:\nbob:x:1000:\n",
}


def test_mode_and_owner(read: Callable[..., Any]) -> None:
    files = {**ACCOUNTS, "/etc/shadow": {"content": "x", "mode": "0640", "gid": 42}}
    assert read("linux.file", files)["/etc/shadow"] == {
        "path": "/etc/shadow",
        "purpose": "shadow_database",
        "user": None,
        "kind": "file",
        "mode": "0640",
        "uid": 0,
        "gid": 42,
        "owner": "root",
        "group": "shadow",
        "owner_executable": False,
        "group_readable": True,
        "group_writable": False,
        "group_executable": False,
        "world_readable": False,
        "world_writable": False,
        "world_executable": False,
        "sticky": False,
        "empty": False,
    }


def test_purposes(read: Callable[..., Any]) -> None:
    files: dict[str, Any] = {
        **ACCOUNTS,
        "/etc/ssh/ssh_host_rsa_key": "k",
        "/etc/ssh/ssh_host_rsa_key.pub": "k",
        "/etc/cron.d/job": "",
        "/var/log/syslog": "",
        "/home/bob/.ssh/id_rsa": {"content": "k", "mode": "0600", "uid": 1000},
        "/home/bob/.ssh/id_rsa.pub": "k",
        "/home/bob/.rhosts": "+",
        "/srv/svc/.rhosts": "+",
        "/tmp": {"kind": "directory", "mode": "1777"},
    }
    found = read("linux.file", files)
    assert {path: (item["purpose"], item["user"]) for path, item in found.items() if path not in ACCOUNTS} == {
        "/etc/ssh/ssh_host_rsa_key": ("ssh_host_private_key", None),
        "/etc/ssh/ssh_host_rsa_key.pub": ("ssh_host_public_key", None),
        "/etc/cron.d": ("cron", None),
        "/etc/cron.d/job": ("cron", None),
        "/var/log": ("log_directory", None),
        "/var/log/syslog": ("log_file", None),
        "/home/bob": ("home_directory", "bob"),
        "/home/bob/.ssh": ("user_ssh_directory", "bob"),
        "/home/bob/.ssh/id_rsa": ("user_private_key", "bob"),
        "/home/bob/.rhosts": ("user_trust_file", "bob"),
        "/tmp": ("temporary_directory", None),
    }
    assert found["/tmp"]["sticky"] is True


def test_links_are_looked_through(read: Callable[..., Any]) -> None:
    files = {
        "/etc/shadow": {"link": "/data/shadow"},
        "/data/shadow": {"mode": "0644"},
        "/etc/gshadow": {"link": "gone"},
    }
    found = read("linux.file", files)
    assert (found["/etc/shadow"]["kind"], found["/etc/shadow"]["mode"]) == ("file", "0644")
    assert "/etc/gshadow" not in found


def test_folder_that_cannot_be_listed(read: Callable[..., Any]) -> None:
    files = {**ACCOUNTS, "/etc/ssl/private": {"kind": "directory", "denied": True}}
    found = read("linux.file", files)["/etc/ssl/private/*"]
    assert (found["purpose"], found["mode"]["$unknown"]) == ("private_key", "permission denied: /etc/ssl/private")


def test_every_purpose_is_documented() -> None:
    documented = field_docs(service.File)["purpose"]
    assert [name for name in (*PURPOSES, *HOME_PURPOSES) if f"`{name}`" not in documented] == []


WALKED: dict[str, Any] = {
    **ACCOUNTS,
    "/proc/self/mountinfo": "1 1 8:1 / / rw - ext4 a rw\n2 1 8:2 / /opt rw,nosuid - ext4 b rw\n",
    "/usr/bin/su": {"mode": "4755"},
    "/opt/x": {"mode": "6777", "uid": 1234, "gid": 1000},
    "/srv/open": {"mode": "0666"},
    "/srv/d": {"kind": "directory", "mode": "0777"},
    "/tmp": {"kind": "directory", "mode": "1777"},
    "/srv/alien": {"uid": 4321},
    "/srv/link": {"link": "x", "uid": 4321},
}


def test_walk(read: Callable[..., Any]) -> None:
    found = read("linux.filesystem_scan", WALKED)["filesystem_scan"]
    assert found == {
        "world_writable_files": ["/opt/x", "/srv/open"],
        "world_writable_file_count": 2,
        "world_writable_directories": ["/srv/d"],
        "world_writable_directory_count": 1,
        "unowned": ["/opt/x", "/srv/alien"],
        "unowned_count": 2,
    }


def test_setuid(read: Callable[..., Any]) -> None:
    found = read("linux.setuid_file", WALKED)
    assert found["/usr/bin/su"]["mounted_nosuid"] is False
    assert {key: value for key, value in found["/opt/x"].items() if key != "package"} == {
        "path": "/opt/x",
        "mode": "6777",
        "setuid": True,
        "setgid": True,
        "owner": None,
        "group": "bob",
        "world_writable": True,
        "group_writable": True,
        "mounted_nosuid": True,
    }


def test_numbers_that_only_the_name_service_knows(read: Callable[..., Any]) -> None:
    files = {**WALKED, "/etc/nsswitch.conf": "passwd: files sss # c\ngroup: files\n"}
    commands = {"getent passwd 4321": "alien:*:4321:1::/:/bin/sh\n", "getent passwd 1234": {"status": 2}}
    assert read("linux.filesystem_scan", files, commands)["filesystem_scan"]["unowned"] == ["/opt/x"]


class Cut(MemorySource):
    """A host whose walk does not come to its end."""

    def walk(self) -> Iterator[Stat | Problem]:
        """Find one file, then stop."""
        yield from (item for item in super().walk() if not isinstance(item, Problem) and item.path == "/srv/open")
        yield Problem("timeout", "cut")


def test_list_of_a_cut_walk_is_never_empty() -> None:
    found = list(service.collect(Cut(WALKED)))
    (scan,) = (item.data for item in found if isinstance(item, Resource) and item.type == "linux.filesystem_scan")
    assert scan["world_writable_files"] == ["/srv/open"]
    assert scan["world_writable_file_count"] == {"$unknown": "cut", "cause": "timeout"}
    assert scan["unowned"] == {"$unknown": "cut", "cause": "timeout"}
    assert [item.resource_types for item in found if isinstance(item, Problem)] == [
        ("linux.setuid_file", "linux.capable_file")
    ]


def test_long_lists_are_cut_and_counted(read: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walked_files, "SHOWN", 1)
    found = read("linux.filesystem_scan", WALKED)["filesystem_scan"]
    assert (len(found["world_writable_files"]), found["world_writable_file_count"]) == (1, 2)


def test_a_masked_file_is_none(read: Callable[..., Any]) -> None:
    """A link to /dev/null is how a file is switched off; another device in its place is a finding."""
    null = {"kind": "char", "mode": "0666"}
    files = {
        "/etc/cron.d/masked": {"link": "/dev/null"},
        "/etc/cron.d/relative": {"link": "../../dev/null"},
        "/etc/cron.d/other": {"link": "/dev/zero"},
        "/dev/null": null,
        "/dev/zero": null,
    }
    assert [path for path in read("linux.file", files) if path.startswith("/etc/cron.d/")] == ["/etc/cron.d/other"]
