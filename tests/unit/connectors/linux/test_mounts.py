from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xspm.connectors.linux.walk import parse_mountinfo, unescape, walkable

if TYPE_CHECKING:
    from collections.abc import Callable

INFO = """\
20 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
21 20 0:30 / /tmp rw,nosuid,nodev - tmpfs tmpfs rw,size=1g
22 20 0:31 / /mnt/my\\040share rw - nfs4 srv:/x rw,vers=4
23 20 8:1 /var/lib/x /srv rw - ext4 /dev/sda1 rw
24 20 0:5 / /proc rw - proc proc rw
25 20 0:40 / /run/user/1000 rw - tmpfs tmpfs rw
broken line
"""


def test_running_and_configured(read: Callable[..., Any]) -> None:
    files: dict[str, Any] = {
        "/proc/self/mountinfo": INFO,
        "/etc/fstab": "UUID=1 / ext4 defaults 0 1\n# x\n/dev/sda2 /home/ ext4 nodev,nosuid 0 2\nswap none swap sw 0 0\n",
        "/usr/lib/systemd/system/local-fs.target.wants/dev-shm.mount": "[Mount]\nWhat=tmpfs\nWhere=/dev/shm\n"
        "Type=tmpfs\nOptions=noexec,nodev\n",
    }
    found = read("linux.mount", files)
    assert found["/tmp"] == {
        "path": "/tmp",
        "running": True,
        "mounted": True,
        "configured": False,
        "device": "tmpfs",
        "filesystem": "tmpfs",
        "network": False,
        "options": ["nodev", "nosuid", "rw", "size=1g"],
        "nodev": True,
        "nosuid": True,
        "noexec": False,
        "read_only": False,
        "configured_options": None,
    }
    assert (found["/home"]["mounted"], found["/home"]["configured_options"]) == (False, ["nodev", "nosuid"])
    assert found["/dev/shm"]["configured_options"] == ["nodev", "noexec"]
    assert found["/mnt/my share"]["network"] is True
    assert (found["/var/log"]["mounted"], found["/var/log"]["configured"]) == (False, False)
    assert "/run/user/1000" not in found


def test_without_running_system(read: Callable[..., Any]) -> None:
    found = read("linux.mount", {"/etc/fstab": "a /tmp tmpfs nodev\n"}, live=False)["/tmp"]
    assert found["mounted"]["cause"] == "missing"
    assert (found["configured"], found["configured_options"], found["filesystem"]) == (True, ["nodev"], "tmpfs")


def test_an_unpacked_root_that_is_set_up_has_what_its_fstab_says(read: Callable[..., Any]) -> None:
    found = read("linux.mount", {"/etc/fstab": "UUID=1 / ext4 defaults 0 1\n"}, live=False)
    assert (found["/var"]["running"], found["/var"]["mounted"]) == (False, False)
    assert found["/dev/shm"]["mounted"]["cause"] == "missing"


def test_password_in_options_is_masked(read: Callable[..., Any]) -> None:
    found = read("linux.mount", {"/etc/fstab": "//s/x /mnt cifs user=a,password=hunter22 0 0\n"}, live=False)["/mnt"]
    assert "hunter22" not in str(found)


def test_walk_enters_local_file_systems_once() -> None:
    assert walkable(parse_mountinfo(INFO)) == {
        "/": True,
        "/tmp": True,
        "/mnt/my share": False,
        "/srv": False,
        "/proc": False,
        "/run/user/1000": False,
    }


def test_unescape() -> None:
    assert [unescape(text) for text in ("a\\040b", "a\\b", "\\999", "x\\011")] == ["a b", "a\\b", "\\999", "x\t"]
