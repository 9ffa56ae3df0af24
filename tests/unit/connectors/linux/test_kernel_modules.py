from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

BASE: dict[str, Any] = {
    "/proc/sys/kernel/osrelease": "6.1.0\n",
    "/proc/modules": "ext4 1 0 - Live 0x0\nusb_storage 1 0 - Live 0x0\n",
    "/lib/modules/6.1.0/modules.dep": "kernel/fs/cramfs/cramfs.ko.xz:\nkernel/net/dccp/dccp.ko: kernel/x.ko\n",
    "/lib/modules/6.1.0/modules.builtin": "kernel/fs/squashfs/squashfs.ko\n",
}
FIELDS = ("loaded", "built_in", "available", "blocked", "blacklisted", "loadable")

CASES: list[tuple[str, str, dict[str, Any], tuple[bool, ...]]] = [
    ("available", "cramfs", {}, (False, False, True, False, False, True)),
    ("loaded, hyphen", "usb-storage", {}, (True, False, False, False, False, True)),
    ("built in", "squashfs", {}, (False, True, False, False, False, True)),
    ("not there", "hfs", {}, (False, False, False, False, False, False)),
    (
        "blocked",
        "cramfs",
        {"/etc/modprobe.d/a.conf": "install cramfs /bin/false\n"},
        (False, False, True, True, False, False),
    ),
    (
        "blocked by true, continued line",
        "cramfs",
        {"/usr/lib/modprobe.d/a.conf": "install cramfs \\\n/usr/bin/true\n"},
        (False, False, True, True, False, False),
    ),
    (
        "install that loads",
        "cramfs",
        {"/etc/modprobe.d/a.conf": "install cramfs /sbin/modprobe --ignore-install cramfs\n"},
        (False, False, True, False, False, True),
    ),
    (
        "blacklist alone",
        "dccp",
        {"/etc/modprobe.d/a.conf": "blacklist dccp\n"},
        (False, False, True, False, True, True),
    ),
    (
        "command line",
        "dccp",
        {"/proc/cmdline": "quiet module_blacklist=x,dccp\n"},
        (False, False, True, True, False, False),
    ),
    (
        "hidden by /etc",
        "cramfs",
        {"/etc/modprobe.d/a.conf": "", "/usr/lib/modprobe.d/a.conf": "install cramfs /bin/false"},
        (False, False, True, False, False, True),
    ),
]


@pytest.mark.parametrize(("name", "files", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_module(read: Callable[..., Any], name: str, files: dict[str, Any], expected: tuple[bool, ...]) -> None:
    found = read("linux.kernel_module", {**BASE, **files})[name]
    assert tuple(found[field] for field in FIELDS) == expected


def test_kernel_without_modules_can_load_none(read: Callable[..., Any]) -> None:
    found = read("linux.kernel_module", {"/proc/filesystems": "nodev\tsysfs\n\tsquashfs\n"})
    assert (found["squashfs"]["built_in"], found["squashfs"]["loadable"]) == (True, True)
    assert (found["cramfs"]["available"], found["cramfs"]["loadable"]) == (False, False)


def test_container_without_module_files_does_not_know(read: Callable[..., Any]) -> None:
    files = {"/proc/sys/kernel/osrelease": "6.1.0\n", "/proc/modules": ""}
    found = read("linux.kernel_module", files)["cramfs"]
    assert found["available"]["cause"] == "missing"
    assert found["loadable"]["cause"] == "missing"


def test_unpacked_root_looks_at_every_kernel(read: Callable[..., Any]) -> None:
    found = read("linux.kernel_module", BASE, live=False)
    assert found["cramfs"]["available"] is True
    assert found["cramfs"]["loadable"] is True
    assert found["hfs"]["loadable"] is False
    assert "$unknown" in found["cramfs"]["loaded"]


def test_unreadable_rules_leave_doubt(read: Callable[..., Any]) -> None:
    found = read("linux.kernel_module", {**BASE, "/etc/modprobe.d/a.conf": {"denied": True}})["cramfs"]
    assert "permission denied" in found["blocked"]["$unknown"]
    assert "$unknown" in found["loadable"]


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("Not affected\n", "not_affected"),
        ("Mitigation: PTI\n", "mitigated"),
        ("Vulnerable: Clear CPU buffers attempted\n", "vulnerable"),
        ("KVM: Vulnerable; SMT off\n", "vulnerable"),
        ("Processor vulnerable\n", "unknown"),
        ("Unknown: Dependent on hypervisor status\n", "unknown"),
    ],
)
def test_cpu_vulnerability(read: Callable[..., Any], text: str, state: str) -> None:
    found = read("linux.cpu_vulnerability", {"/sys/devices/system/cpu/vulnerabilities/meltdown": text})
    assert found["meltdown"]["state"] == state


def test_kernel_protection(read: Callable[..., Any]) -> None:
    files = {
        "/sys/kernel/security/lockdown": "none [integrity] confidentiality\n",
        "/sys/kernel/security/lsm": "lockdown,yama,apparmor",
        "/proc/sys/kernel/modules_disabled": "1\n",
        "/sys/module/module/parameters/sig_enforce": "Y\n",
    }
    assert read("linux.kernel", files)["kernel"] == {
        "lockdown": "integrity",
        "security_modules": ["lockdown", "yama", "apparmor"],
        "modules_disabled": True,
        "module_signatures_enforced": True,
    }
