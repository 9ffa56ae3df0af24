from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from xspm.connectors.linux.collecting import snapshot
from xspm.connectors.linux.lifecycle import end_of_life
from xspm.connectors.linux.logic import both, either, opposite
from xspm.connectors.linux.memory import MemorySource
from xspm.model.unknown import Maybe, Unknown

if TYPE_CHECKING:
    from collections.abc import Callable

DOUBT = Unknown("x")


@pytest.mark.parametrize(
    ("release", "family"),
    [
        ("ID=debian", "debian"),
        ("ID=ubuntu\nID_LIKE=debian", "debian"),
        ('ID="rocky"\nID_LIKE="rhel centos fedora"', "rhel"),
        ("ID=alpine", "alpine"),
        ('ID="opensuse-leap"\nID_LIKE="suse opensuse"', "suse"),
        ("ID=garuda\nID_LIKE=arch", "arch"),
        ("ID=nixos", "other"),
    ],
)
def test_family(read: Callable[..., Any], release: str, family: str) -> None:
    assert read("linux.os", {"/etc/os-release": release})["os"]["family"] == family


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"/.dockerenv": ""}, "container"),
        ({"/proc/1/cgroup": "0::/docker/abc\n"}, "container"),
        ({"/proc/cpuinfo": "flags\t\t: fpu hypervisor sse\n"}, "vm"),
        ({"/sys/class/dmi/id/sys_vendor": "QEMU\n"}, "vm"),
        ({"/proc/cpuinfo": "flags\t\t: fpu sse\n"}, "none"),
        ({"/sys/class/dmi/id/sys_vendor": "Dell Inc.\n"}, "none"),
    ],
)
def test_virtualization(read: Callable[..., Any], files: dict[str, Any], expected: str) -> None:
    assert read("linux.os", files)["os"]["virtualization"] == expected


@pytest.mark.parametrize(
    ("files", "live", "expected"),
    [
        ({"/run/systemd/system": {"kind": "directory"}}, True, "systemd"),
        ({"/sbin/openrc": ""}, True, "openrc"),
        ({"/proc/1/comm": "init\n"}, True, "sysvinit"),
        ({"/proc/1/comm": "nginx\n"}, True, None),
        ({"/sbin/init": {"link": "/lib/systemd/systemd"}}, False, "systemd"),
        ({"/sbin/init": {"link": "/bin/busybox"}}, False, "busybox"),
        ({"/sbin/init": {"link": "/x"}}, False, "sysvinit"),
        ({}, False, None),
    ],
)
def test_init(read: Callable[..., Any], files: dict[str, Any], live: bool, expected: str | None) -> None:  # noqa: FBT001
    assert read("linux.os", files, live=live)["os"]["init"] == expected


def test_names(read: Callable[..., Any]) -> None:
    files = {
        "/usr/lib/os-release": 'ID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\nPRETTY_NAME="Debian 12"\n',
        "/etc/hostname": "# c\nweb-1\n",
        "/proc/sys/kernel/osrelease": "6.1.0\n",
    }
    found = read("linux.os", files, {"uname -m": "x86_64\n"})["os"]
    assert {field: found[field] for field in ("name", "version", "codename", "title", "hostname", "architecture")} == {
        "name": "debian",
        "version": "12",
        "codename": "bookworm",
        "title": "Debian 12",
        "hostname": "web-1",
        "architecture": "x86_64",
    }
    assert found["kernel_release"] == "6.1.0"


@pytest.mark.parametrize(
    ("name", "version", "end"),
    [
        ("debian", "12", "2028-06-30T23:59:59Z"),
        ("ubuntu", "24.04", "2029-05-31T23:59:59Z"),
        ("rhel", "9.4", "2032-05-31T23:59:59Z"),
        ("alpine", "3.20.3", "2026-04-01T23:59:59Z"),
        ("sles", "15.6", "2025-12-31T23:59:59Z"),
        ("arch", None, None),
        ("debian", None, None),
    ],
)
def test_end_of_life(name: str, version: str | None, end: str | None) -> None:
    assert end_of_life(name, version) == end


def test_end_that_is_not_known() -> None:
    for name, version in (("debian", "99"), (None, None), ("nixos", "24.05")):
        assert isinstance(end_of_life(name, version), Unknown)


LOGIC: list[tuple[list[Maybe[bool]], Maybe[bool], Maybe[bool]]] = [
    ([], False, True),
    ([False, True], True, False),
    ([DOUBT, True], True, DOUBT),
    ([False, DOUBT], DOUBT, False),
    ([True, DOUBT], True, DOUBT),
]


@pytest.mark.parametrize(("values", "any_of", "all_of"), LOGIC)
def test_three_valued_logic(values: list[Maybe[bool]], any_of: Maybe[bool], all_of: Maybe[bool]) -> None:
    assert (either(*values), both(*values)) == (any_of, all_of)


def test_opposite() -> None:
    values: list[Maybe[bool]] = [True, False, DOUBT]
    assert [opposite(value) for value in values] == [False, True, DOUBT]


@pytest.mark.parametrize(
    "files", [{}, {"/etc/os-release": {"kind": "fifo"}}, {"/etc/os-release": ""}, {"/etc/os-release": "VERSION_ID=1"}]
)
def test_a_system_that_does_not_say_what_it_is(files: dict[str, Any]) -> None:
    found = snapshot(MemorySource(files), lambda _: None, fallback="x", only={"linux.os"})
    assert "$unknown" in found.resources[0].data["name"]
    assert "$unknown" in found.resources[0].data["end_of_life"]
    assert len(found.problems) == 1
