"""Who can change a path: every component, every link, every way of being open."""

from __future__ import annotations

from typing import Any

import pytest

from xspm.connectors.linux.changers import Changer, changer
from xspm.connectors.linux.memory import MemorySource
from xspm.model.unknown import Unknown

ACCOUNTS = {
    "/etc/passwd": "root:x:0:0::/root:/bin/sh\nbob:x:1000:1000::/home/bob:/bin/sh\n",
    "/etc/group": "root:x:0:\nstaff:x:50:\n",
}


def folder(mode: str = "0755", uid: int = 0, gid: int = 0) -> dict[str, Any]:
    """Describe a folder."""
    return {"kind": "directory", "mode": mode, "uid": uid, "gid": gid}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"/a/b/c": ""}, None),
        ({"/a/b/c": {"content": "", "uid": 1000}}, Changer("/a/b/c", "user bob")),
        ({"/a/b/c": {"content": "", "uid": 1001}}, Changer("/a/b/c", "user id 1001")),
        ({"/a/b/c": {"content": "", "mode": "0664", "gid": 50}}, Changer("/a/b/c", "group staff")),
        ({"/a/b/c": {"content": "", "mode": "0664", "gid": 51}}, Changer("/a/b/c", "group id 51")),
        ({"/a/b/c": {"content": "", "mode": "0646"}}, Changer("/a/b/c", "everybody")),
        ({"/a": folder(uid=1000), "/a/b/c": ""}, Changer("/a", "user bob")),
        ({"/": folder("0777"), "/a/b/c": ""}, Changer("/", "everybody")),
        ({"/a/b": folder("0775", gid=50), "/a/b/c": ""}, Changer("/a/b", "group staff")),
        # The sticky bit keeps what is there, from a group that is known, but not where anybody may put a file.
        ({"/a/b": folder("1770", gid=50), "/a/b/c": ""}, None),
        ({"/a/b": folder("1770", gid=50)}, Changer("/a/b", "group staff")),
        ({"/a/b": folder("1777"), "/a/b/c": ""}, Changer("/a/b", "everybody")),
        # What is not there can be put there by whoever may write the folder.
        ({"/a": folder()}, None),
        ({"/a": folder(uid=1000)}, Changer("/a", "user bob")),
        # Links are followed, those on the way too, and so is the folder that holds a link.
        ({"/a/b": {"link": "/x"}, "/x": folder(uid=1000), "/x/c": ""}, Changer("/x", "user bob")),
        ({"/a/b/c": {"link": "../../x/y"}, "/x": folder(uid=1000)}, Changer("/x", "user bob")),
        ({"/a/b/c": {"link": "/x", "uid": 1000}, "/x": ""}, None),
        (
            {"/a/b": folder("1770", gid=50), "/a/b/c": {"link": "/x", "uid": 1000}, "/x": ""},
            Changer("/a/b/c", "user bob"),
        ),
        ({"/a/b/c": {"link": "/dev/null"}, "/dev/null": {"kind": "char", "mode": "0666"}}, None),
    ],
)
def test_who_can_change_a_path(files: dict[str, Any], expected: Changer | None) -> None:
    assert changer(MemorySource(ACCOUNTS | files), "/a/b/c") == expected


def test_links_that_do_not_end_are_unknown() -> None:
    assert isinstance(changer(MemorySource({"/a": {"link": "/b"}, "/b": {"link": "/a"}}), "/a"), Unknown)


def test_what_cannot_be_looked_up_is_unknown_unless_a_folder_before_it_is_open() -> None:
    class Closed(MemorySource):
        def stat(self, path: str, *, follow: bool = False) -> Any:
            return (
                Unknown(f"permission denied: {path}") if path.startswith("/a/") else super().stat(path, follow=follow)
            )

    assert isinstance(changer(Closed({"/a/b": ""}), "/a/b"), Unknown)
    assert changer(Closed({"/a": folder("0777"), "/a/b": ""}), "/a/b") == Changer("/a", "everybody")
