"""Who can change a file that root runs or believes."""

from __future__ import annotations

from typing import Any

import pytest

from xspm.connectors.linux.changeable import changeable
from xspm.connectors.linux.memory import MemorySource
from xspm.model.unknown import Unknown

ROOT: dict[str, Any] = {"content": "", "mode": "0755", "uid": 0, "gid": 0}


@pytest.mark.parametrize(
    ("path", "files", "expected"),
    [
        ("/usr/sbin/x", {"/usr/sbin/x": ROOT}, False),
        ("/usr/sbin/x", {"/usr/sbin/x": {**ROOT, "uid": 1000}}, True),
        ("/usr/sbin/x", {"/usr/sbin/x": {**ROOT, "mode": "0757"}}, True),
        ("/usr/sbin/x", {"/usr/sbin/x": {**ROOT, "mode": "0775"}}, False),
        ("/usr/sbin/x", {"/usr/sbin/x": {**ROOT, "mode": "0775", "gid": 1000}}, True),
        ("/opt/a/x", {"/opt/a/x": ROOT, "/opt/a": {"kind": "directory", "mode": "0755", "uid": 1000}}, True),
        ("/opt/a/x", {"/opt/a/x": ROOT, "/opt/a": {"kind": "directory", "mode": "1777", "uid": 0}}, False),
        ("/opt/a/x", {"/opt/a": {"kind": "directory", "mode": "1777", "uid": 0}}, True),
        ("/opt/a/x", {"/opt": {"kind": "directory", "mode": "0755", "uid": 0}}, False),
        ("/home/bob/x", {}, True),
        ("/home/bob/x", {"/home/bob/x": ROOT, "/home/bob": {"kind": "directory", "mode": "0755", "uid": 0}}, False),
    ],
)
def test_a_file_is_as_safe_as_the_folders_above_it(path: str, files: dict[str, Any], *, expected: bool) -> None:
    assert changeable(MemorySource(files), path) is expected


def test_a_path_without_end_is_not_followed() -> None:
    assert isinstance(changeable(MemorySource({}), "/a" * 3000), Unknown)
