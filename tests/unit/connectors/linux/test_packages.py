from __future__ import annotations

import contextlib
import sqlite3
import struct
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xspm.connectors.linux import rpm_database
from xspm.connectors.linux.memory import MemorySource
from xspm.connectors.linux.ownership import owning_packages
from xspm.model.unknown import Unknown

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DPKG = """\
Package: libc6
Status: install ok installed
Architecture: amd64
Source: glibc (2.36-9)
Version: 2.36-9+deb12u4
Description: x
 Package: not-this

Package: gone
Status: deinstall ok config-files
Architecture: amd64
Version: 1

Package: adduser
Status: install ok installed
Architecture: all
Version: 3.134

Package: broken
Status: install ok installed
"""
APK = "P:musl\nV:1.2.4-r2\nA:x86_64\no:musl\nF:lib\nR:ld-musl.so\n\nP:busybox\nV:1.36\nA:x86_64\nF:bin\nR:busybox\n\nP:no\n"
RPM_QUERY = "rpm -qa --qf %{NAME}\\t%{EPOCH}:%{VERSION}-%{RELEASE}\\t%{ARCH}\\t%{SOURCERPM}\\n"


def test_dpkg(read: Callable[..., Any]) -> None:
    found = read("linux.package", {"/var/lib/dpkg/status": DPKG})
    assert found == {
        "libc6:amd64": {
            "name": "libc6",
            "version": "2.36-9+deb12u4",
            "architecture": "amd64",
            "manager": "dpkg",
            "source": "glibc",
            "source_version": "2.36-9",
        },
        "adduser:all": {
            "name": "adduser",
            "version": "3.134",
            "architecture": "all",
            "manager": "dpkg",
            "source": "adduser",
            "source_version": "3.134",
        },
    }


def test_dpkg_of_an_image_without_a_shell(read: Callable[..., Any]) -> None:
    files = {
        "/var/lib/dpkg/status.d/base": "Package: base-files\nVersion: 12\n",
        "/var/lib/dpkg/status.d/x.md5sums": "x",
    }
    assert read("linux.packages", files)["packages"] == {"manager": "dpkg", "names": ["base-files"], "count": 1}


def test_apk(read: Callable[..., Any]) -> None:
    found = read("linux.packages", {"/lib/apk/db/installed": APK})
    assert found["packages"]["names"]["$unknown"] == "1 damaged records in the package database"
    found = read("linux.packages", {"/lib/apk/db/installed": APK.replace("P:no\n", "")})
    assert found["packages"] == {"manager": "apk", "names": ["busybox", "musl"], "count": 2}


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"/var/lib/dpkg/status": "\x01 noise\n\nmore"}, "not a package database: /var/lib/dpkg/status"),
        ({"/var/lib/dpkg/status": ""}, "empty: /var/lib/dpkg/status"),
        ({"/var/lib/dpkg/status": DPKG + "\nPackage: cut\nVer"}, "1 damaged records in the package database"),
        ({"/lib/apk/db/installed": "noise"}, "not a package database: /lib/apk/db/installed"),
        ({"/etc/debian_version": "12.5\n"}, "the package database of dpkg is not there"),
        ({"/usr/bin/rpm": ""}, "the package database of rpm is not there"),
    ],
)
def test_a_database_that_is_gone_or_no_database_is_unknown(
    read: Callable[..., Any], files: dict[str, Any], reason: str
) -> None:
    found = read("linux.packages", files, live=False)["packages"]
    assert found["manager"] in {"dpkg", "apk", "rpm"}
    assert found["names"]["$unknown"] == reason


def test_rpm_by_its_own_program(read: Callable[..., Any]) -> None:
    printed = (
        "kernel\t(none):5.14-1.el9\tx86_64\tkernel-5.14-1.el9.src.rpm\n"
        "kernel\t(none):5.14-2.el9\tx86_64\tkernel-5.14-2.el9.src.rpm\n"
        "gpg-pubkey\t(none):1-2\t(none)\t(none)\nbind\t32:9.16-1\tx86_64\tbind-9.16-1.src.rpm\nnonsense\n"
    )
    found = read("linux.package", {"/var/lib/rpm/rpmdb.sqlite": ""}, {RPM_QUERY: printed})
    assert {key: (item["version"], item["source"]) for key, item in found.items()} == {
        "kernel:x86_64=5.14-1.el9": ("5.14-1.el9", "kernel"),
        "kernel:x86_64=5.14-2.el9": ("5.14-2.el9", "kernel"),
        "gpg-pubkey:None=1-2": ("1-2", "gpg-pubkey"),
        "bind:x86_64=32:9.16-1": ("32:9.16-1", "bind"),
    }


def header(**tags: str | int) -> bytes:
    """Write an rpm header."""
    numbers = {"name": 1000, "version": 1001, "release": 1002, "epoch": 1003, "arch": 1022, "source": 1044}
    entries, data = b"", b""
    for name, value in tags.items():
        if isinstance(value, int):
            data += b"\0" * (-len(data) % 4)
            entries += struct.pack(">IIII", numbers[name], 4, len(data), 1)
            data += struct.pack(">I", value)
        else:
            entries += struct.pack(">IIII", numbers[name], 6, len(data), 1)
            data += value.encode() + b"\0"
    return struct.pack(">II", len(tags), len(data)) + entries + data


def database(path: Path, *blobs: bytes) -> bytes:
    """Write an rpm database in write-ahead mode, as rpm does."""
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TABLE Packages (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)")
    connection.executemany("INSERT INTO Packages (blob) VALUES (?)", [(blob,) for blob in blobs])
    connection.commit()
    connection.close()
    return path.read_bytes()


def test_rpm_database_without_rpm(read: Callable[..., Any], tmp_path: Path) -> None:
    data = database(
        tmp_path / "db",
        header(name="bash", version="5.1", release="9.el9", arch="x86_64", source="bash-5.1-9.el9.src.rpm"),
        header(name="bind", version="9", release="1", epoch=32, arch="x86_64", source="bind-9-1.src.rpm"),
        header(name="zero", version="1", release="1", epoch=0),
        b"\0\0\0\xff broken",
        header(version="nameless"),
    )
    files = {"/usr/lib/sysimage/rpm/rpmdb.sqlite": data}
    assert read("linux.packages", files, live=False)["packages"]["names"] == {
        "$unknown": "2 damaged records in the package database",
        "cause": "format",
    }
    found = read("linux.package", files, live=False)
    assert set(found) == {"bash:x86_64=5.1-9.el9", "bind:x86_64=32:9-1", "zero:None=1-1"}
    assert rpm_database.read(data)[1] == 2


@pytest.mark.parametrize(
    ("files", "cause"),
    [
        ({"/var/lib/rpm/rpmdb.sqlite": "not a database"}, "format"),
        ({"/var/lib/rpm/Packages": "berkeley"}, "format"),
        ({"/var/lib/rpm/rpmdb.sqlite": {"denied": True}}, None),
        ({"/var/lib/dpkg/status": {"denied": True}}, None),
        ({}, "missing"),
    ],
)
def test_no_database_that_can_be_read(read: Callable[..., Any], files: dict[str, Any], cause: str | None) -> None:
    names = read("linux.packages", files, live=False)["packages"]["names"]
    assert names.get("cause") == cause
    assert read("linux.package", files, live=False) == {}


@given(st.binary(max_size=200))
def test_any_header_ends_in_tags_or_value_error(blob: bytes) -> None:
    with contextlib.suppress(ValueError):
        assert isinstance(rpm_database.parse_header(blob), dict)


PATHS = ["/usr/bin/su", "/usr/bin/odd"]


def test_owners_by_dpkg() -> None:
    commands = {
        "dpkg-query -S /usr/bin/su /bin/su /usr/bin/odd /bin/odd": "diversion by x from: /bin/su\n"
        "util-linux, other:amd64: /bin/su\n"
    }
    source = MemorySource({"/var/lib/dpkg/status": ""}, commands)
    assert owning_packages(source, PATHS) == {"/usr/bin/su": "util-linux"}


def test_owners_by_lists_of_dpkg() -> None:
    files = {"/var/lib/dpkg/status": "", "/var/lib/dpkg/info/util-linux:amd64.list": "/.\n/bin\n/bin/su\n"}
    assert owning_packages(MemorySource(files, live=False), PATHS) == {"/usr/bin/su": "util-linux"}


def test_owners_by_apk_and_rpm() -> None:
    assert owning_packages(MemorySource({"/lib/apk/db/installed": APK}), ["/bin/busybox", "/x"]) == {
        "/bin/busybox": "busybox"
    }
    printed = "util-linux\nfile /usr/bin/odd is not owned by any package\n"
    commands = {"rpm -qf --qf %{NAME}\\n /usr/bin/su /usr/bin/odd": printed}
    assert owning_packages(MemorySource({}, commands), PATHS) == {"/usr/bin/su": "util-linux"}
    assert owning_packages(MemorySource(), []) == {}
    assert isinstance(owning_packages(MemorySource(), PATHS), Unknown)
    assert isinstance(owning_packages(MemorySource({"/var/lib/dpkg/status": ""}), PATHS), Unknown)
    denied = {"/var/lib/dpkg/status": "", "/var/lib/dpkg/info/a.list": {"denied": True}}
    assert isinstance(owning_packages(MemorySource(denied, live=False), PATHS), Unknown)
