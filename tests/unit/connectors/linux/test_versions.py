"""Versions of programs from what they print and from package databases."""

from __future__ import annotations

from typing import Any

import pytest

from xspm.connectors.linux import rpm_database
from xspm.connectors.linux.memory import MemorySource
from xspm.connectors.linux.versions import package_version, printed_version


def test_printed() -> None:
    commands = {"a -V": {"stdout": "", "status": 1}, "b -V": {"stdout": "", "stderr": "B 1.2"}}
    source = MemorySource({}, commands)
    assert printed_version(source, r"B ([0-9.]+)", ("none",), ("a", "-V"), ("b", "-V")) == "1.2"
    assert printed_version(MemorySource({}, live=False), r"(.*)", ("b", "-V")) is None


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (
            {"/var/lib/dpkg/status": "Package: sudo\nStatus: ok\nVersion: 1.9.13p3-1+deb12u1\n\nPackage: x\n"},
            "1.9.13p3",
        ),
        ({"/var/lib/dpkg/status": "Package: sudo-ldap\nVersion: 1\n\n"}, None),
        ({"/var/lib/dpkg/status": "Package: sudo\n\nPackage: x\nVersion: 5\n"}, None),
        ({"/lib/apk/db/installed": "C:Q1\nP:sudo\nV:1.9.15_p5-r0\n\n"}, "1.9.15p5"),
        ({"/usr/lib/sysimage/rpm/rpmdb.sqlite": "garbage"}, None),
        ({}, None),
    ],
)
def test_databases(files: dict[str, Any], expected: str | None) -> None:
    assert package_version(MemorySource(files, live=False), "sudo") == expected
    assert package_version(MemorySource(files, live=True), "sudo") is None


def test_rpm(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [("bash", "5.1-1", "x86_64", ""), ("sudo", "0:1.9.5p2-9.el9", "x86_64", "")]
    monkeypatch.setattr(rpm_database, "read", lambda _: (rows, 0))
    source = MemorySource({"/var/lib/rpm/rpmdb.sqlite": "x"}, live=False)
    assert package_version(source, "sudo") == "1.9.5p2"
    assert package_version(source, "openssh-server") is None
