"""Boot chain, access control, encryption, core dumps, cryptography policy, docker: small services, one table each."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from xspm.connectors.linux.collecting import snapshot
from xspm.connectors.linux.memory import MemorySource

if TYPE_CHECKING:
    from collections.abc import Callable

GRUB = "/boot/grub/grub.cfg"
HASHED = "password_pbkdf2 root grub.pbkdf2.sha512.10000.ABCDEF\n"

BOOT: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("none", {}, {"loader": None, "config_path": None, "password_set": False, "rescue_needs_password": None}),
    ("grub", {GRUB: "menuentry x\n"}, {"loader": "grub", "config_path": GRUB, "password_set": False}),
    ("grub with password", {GRUB: f'set superusers="root"\n{HASHED}'}, {"password_set": True}),
    ("grub, user without password", {GRUB: 'set superusers="root"\n'}, {"password_set": False}),
    ("grub, password without user", {GRUB: HASHED}, {"password_set": False}),
    (
        "rhel",
        {"/boot/grub2/grub.cfg": 'set superusers="root"\n', "/boot/grub2/user.cfg": "GRUB2_PASSWORD=grub.pbkdf2.x\n"},
        {"config_path": "/boot/grub2/grub.cfg", "password_set": True},
    ),
    ("systemd-boot", {"/boot/loader/loader.conf": "editor no\n"}, {"loader": "systemd-boot", "password_set": True}),
    ("systemd-boot open", {"/boot/loader/loader.conf": "timeout 3\n"}, {"password_set": False}),
    (
        "extlinux",
        {"/boot/extlinux.conf": "MENU MASTER PASSWD $6$abcdefgh$ijklmnop\n"},
        {"loader": "extlinux", "password_set": True},
    ),
    (
        "command lines",
        {
            "/proc/cmdline": "BOOT_IMAGE=/vmlinuz audit=1 rd.luks.password=hunter22\n",
            "/etc/default/grub": 'GRUB_CMDLINE_LINUX="audit=1"\nGRUB_CMDLINE_LINUX_DEFAULT="quiet"\n',
            "/etc/default/grub.d/a.cfg": 'GRUB_CMDLINE_LINUX="audit=0"\n',
        },
        {
            "command_line": ["BOOT_IMAGE=/vmlinuz", "audit=1", "rd.luks.password=(redacted)"],
            "configured_command_line": ["audit=0", "quiet"],
        },
    ),
    ("bios", {"/sys/firmware/acpi": {"kind": "directory"}}, {"uefi": False, "secure_boot": None}),
    (
        "secure boot on",
        {"/sys/firmware/efi/efivars/SecureBoot-8be4": b"\x06\0\0\0\x01"},
        {"uefi": True, "secure_boot": True},
    ),
    (
        "secure boot off",
        {"/sys/firmware/efi/efivars/SecureBoot-8be4": b"\x06\0\0\0\0"},
        {"uefi": True, "secure_boot": False},
    ),
    ("no variable", {"/sys/firmware/efi/efivars/x": ""}, {"secure_boot": False}),
    (
        "rescue asks",
        {
            "/usr/lib/systemd/system/rescue.service": "[Service]\nExecStart=-/lib/systemd/systemd-sulogin-shell rescue\n",
            "/usr/lib/systemd/system/emergency.service": "[Service]\nExecStart=-/sbin/sulogin\n",
        },
        {"rescue_needs_password": True},
    ),
    (
        "rescue was opened",
        {
            "/usr/lib/systemd/system/rescue.service": "[Service]\nExecStart=-/sbin/sulogin\n",
            "/usr/lib/systemd/system/emergency.service": "[Service]\nExecStart=-/sbin/sulogin\n",
            "/etc/systemd/system/rescue.service.d/a.conf": "[Service]\nExecStart=\nExecStart=/bin/sh\n",
        },
        {"rescue_needs_password": False},
    ),
]
PROFILES = "/sys/kernel/security/apparmor/profiles"
APPARMOR = {"/sys/module/apparmor/parameters/enabled": "Y\n", "/etc/apparmor.d/x": ""}
MAC: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("none", {}, {"enforcing": False, "active": None, "selinux_mode": "disabled", "apparmor_profiles": 0}),
    (
        "selinux",
        {"/etc/selinux/config": "SELINUX=Enforcing\nSELINUXTYPE=targeted\n", "/sys/fs/selinux/enforce": "1"},
        {
            "enforcing": True,
            "active": "selinux",
            "selinux_installed": True,
            "selinux_mode": "enforcing",
            "selinux_configured_mode": "enforcing",
            "selinux_policy": "targeted",
        },
    ),
    ("permissive", {"/sys/fs/selinux/enforce": "0"}, {"enforcing": False, "selinux_mode": "permissive"}),
    (
        "apparmor",
        {**APPARMOR, PROFILES: "/usr/bin/man (enforce)\nlsb_release (complain)\nx (kill)\n"},
        {
            "enforcing": True,
            "active": "apparmor",
            "apparmor_installed": True,
            "apparmor_profiles": 3,
            "apparmor_enforced": 2,
            "apparmor_complaining": ["lsb_release"],
        },
    ),
]
SYS = "/sys/block"
CRYPT = {
    "/proc/self/mountinfo": "1 1 254:1 / / rw - ext4 /dev/mapper/vg-root rw\n2 1 8:1 / /boot rw - ext4 /dev/sda1 rw\n"
    "3 1 8:2 / /data rw - xfs /dev/sda2 rw\n",
    f"{SYS}/dm-0/dev": "254:0\n",
    f"{SYS}/dm-0/dm/uuid": "CRYPT-LUKS2-abc-root\n",
    f"{SYS}/dm-0/dm/name": "luks\n",
    f"{SYS}/dm-0/slaves/sda3": {"link": "../../sda3"},
    f"{SYS}/dm-1/dev": "254:1\n",
    f"{SYS}/dm-1/dm/uuid": "LVM-xyz\n",
    f"{SYS}/dm-1/dm/name": "vg-root\n",
    f"{SYS}/dm-1/slaves/dm-0": {"link": "../../dm-0"},
    f"{SYS}/sda/dev": "8:0\n",
    f"{SYS}/sda/slaves": {"kind": "directory"},
    "/etc/crypttab": "luks UUID=1 none luks\nbackup /dev/sdb /root/key luks\n",
    "/proc/swaps": "Filename Type Size Used Priority\n/dev/dm-0 partition 1 0 -2\n",
}
ENCRYPTION: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    (
        "lvm on luks",
        CRYPT,
        {
            "root_encrypted": True,
            "swap_encrypted": True,
            "unencrypted": ["/data"],
            "volumes": [
                {"name": "backup", "active": False, "configured": True, "format": None, "key_file": "/root/key"},
                {"name": "luks", "active": True, "configured": True, "format": "LUKS2", "key_file": None},
            ],
        },
    ),
    (
        "swap in a file",
        {**CRYPT, "/proc/swaps": "Filename\n/swapfile file 1 0 -2\n/dev/zram0 partition 1 0 -2\n"},
        {"swap_encrypted": True},
    ),
    ("swap in the open", {**CRYPT, "/proc/swaps": "Filename\n/dev/sda4 partition 1 0 -2\n"}, {"swap_encrypted": False}),
    ("no swap", {**CRYPT, "/proc/swaps": "Filename\n"}, {"swap_encrypted": None}),
]
LIMITS = "/etc/security/limits.conf"
CORE: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("nothing", {}, {"hard_limit_zero": False, "limit_set_in": None, "systemd_storage": None, "handler": None}),
    ("limit", {LIMITS: "* hard core 0\n"}, {"hard_limit_zero": True, "limit_set_in": LIMITS}),
    ("both kinds", {LIMITS: "* - core 0\n"}, {"hard_limit_zero": True}),
    (
        "later file",
        {LIMITS: "* hard core 0\n", "/etc/security/limits.d/a.conf": "* hard core unlimited\n"},
        {"hard_limit_zero": False},
    ),
    ("somebody else's", {LIMITS: "@x hard core 0\n* soft core 0\n"}, {"hard_limit_zero": False}),
    (
        "systemd",
        {
            "/usr/lib/systemd/systemd-coredump": "",
            "/etc/systemd/coredump.conf": "[Coredump]\nStorage=none\n",
            "/etc/systemd/coredump.conf.d/a.conf": "[Coredump]\nProcessSizeMax=0\n",
            "/proc/sys/kernel/core_pattern": "|/usr/lib/systemd/systemd-coredump %P\n",
        },
        {
            "systemd_storage": "none",
            "systemd_process_size_max": "0",
            "handler": "/usr/lib/systemd/systemd-coredump",
        },
    ),
    ("systemd's default", {"/usr/lib/systemd/systemd-coredump": ""}, {"systemd_storage": "external"}),
]
POLICY: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("none", {}, {"installed": False, "configured": None, "modules": [], "applied": None, "fips_enabled": False}),
    (
        "with a module",
        {
            "/etc/crypto-policies/config": "# c\nDEFAULT:NO-SHA1\n",
            "/etc/crypto-policies/state/current": "DEFAULT:NO-SHA1\n",
            "/proc/sys/crypto/fips_enabled": "1\n",
        },
        {
            "installed": True,
            "configured": "DEFAULT",
            "modules": ["NO-SHA1"],
            "applied": "DEFAULT:NO-SHA1",
            "fips_enabled": True,
        },
    ),
]
DOCKER_BASE = {"/usr/bin/dockerd": "", "/etc/group": "docker:x:999:bob,alice\nx:x:1:eve\n"}
UNIT = "/usr/lib/systemd/system/docker.service"


def daemon(**settings: Any) -> dict[str, Any]:
    """A host with docker and these settings."""
    names = {name.replace("_", "-"): value for name, value in settings.items()}
    return {**DOCKER_BASE, "/etc/docker/daemon.json": json.dumps(names)}


DOCKER: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("not installed", {}, {"installed": False, "running": False, "group_members": []}),
    (
        "defaults",
        DOCKER_BASE,
        {
            "installed": True,
            "running": False,
            "config_path": None,
            "hosts": ["unix:///var/run/docker.sock"],
            "exposed_without_tls": False,
            "inter_container_communication": True,
            "user_namespace_remap": None,
            "no_new_privileges": False,
            "live_restore": False,
            "userland_proxy": True,
            "log_driver": "json-file",
            "log_level": "info",
            "log_size_limited": False,
            "seccomp_profile": None,
            "group_members": ["alice", "bob"],
        },
    ),
    (
        "file",
        daemon(
            hosts=["tcp://0.0.0.0:2375", "fd://"],
            icc=False,
            userns_remap="default",
            no_new_privileges=True,
            log_opts={"max-size": "10m"},
            insecure_registries=["r:5000"],
            default_ulimits={"nofile": {"Name": "nofile"}},
        ),
        {
            "hosts": ["fd://", "tcp://0.0.0.0:2375"],
            "exposed_without_tls": True,
            "inter_container_communication": False,
            "user_namespace_remap": "default",
            "no_new_privileges": True,
            "log_size_limited": True,
            "insecure_registries": ["r:5000"],
            "default_ulimits": ["nofile"],
        },
    ),
    ("mutual tls", daemon(hosts=["tcp://0.0.0.0:2376"], tlsverify=True), {"exposed_without_tls": False}),
    (
        "command line",
        {
            **DOCKER_BASE,
            "/run/docker.pid": "1",
            UNIT: "[Service]\nExecStart=/usr/bin/dockerd -H fd://\n",
            "/etc/systemd/system/docker.service.d/a.conf": "[Service]\nExecStart=\nExecStart=/usr/bin/dockerd"
            " -H tcp://0.0.0.0:2375 --icc=false --live-restore --log-opt max-size=1m --default-ulimit nofile=1:2\n",
        },
        {
            "running": True,
            "hosts": ["tcp://0.0.0.0:2375"],
            "exposed_without_tls": True,
            "inter_container_communication": False,
            "live_restore": True,
            "log_size_limited": True,
            "default_ulimits": ["nofile"],
        },
    ),
    (
        "init script",
        {**DOCKER_BASE, "/etc/conf.d/docker": 'DOCKER_OPTS="-H 0.0.0.0:2375"\n'},
        {"exposed_without_tls": True},
    ),
]
ALL = [
    *(("linux.boot", "boot", *case) for case in BOOT),
    *(("linux.mac", "mac", *case) for case in MAC),
    *(("linux.disk_encryption", "disk_encryption", *case) for case in ENCRYPTION),
    *(("linux.core_dumps", "core_dumps", *case) for case in CORE),
    *(("linux.crypto_policy", "crypto_policy", *case) for case in POLICY),
    *(("linux.docker", "docker", *case) for case in DOCKER),
]


@pytest.mark.parametrize(
    ("kind", "name", "files", "expected"),
    [(case[0], case[1], case[3], case[4]) for case in ALL],
    ids=[f"{case[1]}: {case[2]}" for case in ALL],
)
def test_service(
    read: Callable[..., Any], kind: str, name: str, files: dict[str, Any], expected: dict[str, Any]
) -> None:
    found = read(kind, files)[name]
    assert {field: found[field] for field in expected} == expected


@pytest.mark.parametrize(
    ("kind", "files", "unknown"),
    [
        ("linux.boot", {"/boot/grub/grub.cfg": {"denied": True}}, ["password_set"]),
        ("linux.boot", {"/sys/firmware/efi/efivars/SecureBoot-8": {"denied": True}}, ["secure_boot"]),
        ("linux.boot", {"/boot/efi/EFI": {"kind": "directory", "denied": True}}, ["loader", "config_path"]),
        ("linux.boot", {"/etc/default/grub": {"denied": True}}, ["configured_command_line"]),
        ("linux.mac", {**APPARMOR, PROFILES: {"denied": True}}, ["apparmor_profiles", "enforcing"]),
        ("linux.mac", APPARMOR, ["apparmor_profiles"]),
        ("linux.mac", {"/etc/selinux/config": {"denied": True}}, ["selinux_configured_mode"]),
        ("linux.disk_encryption", {"/proc/self/mountinfo": ""}, ["root_encrypted", "unencrypted"]),
        ("linux.disk_encryption", {}, ["root_encrypted"]),
        ("linux.disk_encryption", {"/etc/crypttab": {"denied": True}}, ["volumes"]),
        ("linux.core_dumps", {LIMITS: {"denied": True}}, ["hard_limit_zero", "limit_set_in"]),
        ("linux.crypto_policy", {"/etc/crypto-policies/config": {"denied": True}}, ["configured", "modules"]),
        ("linux.docker", {**DOCKER_BASE, "/etc/docker/daemon.json": {"denied": True}}, ["hosts"]),
        ("linux.docker", {**DOCKER_BASE, "/etc/docker/daemon.json": "{broken"}, ["hosts", "live_restore"]),
        ("linux.docker", {**DOCKER_BASE, "/etc/docker/daemon.json": "[]"}, ["hosts"]),
        ("linux.docker", daemon(icc="maybe"), ["inter_container_communication"]),
    ],
)
def test_what_cannot_be_read_is_unknown(
    read: Callable[..., Any], kind: str, files: dict[str, Any], unknown: list[str]
) -> None:
    (found,) = read(kind, files).values()
    assert [field for field in unknown if not isinstance(found[field], dict) or "$unknown" not in found[field]] == []


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("linux.boot", ["secure_boot", "command_line"]),
        ("linux.mac", ["enforcing", "active", "selinux_mode", "apparmor_enabled"]),
        ("linux.disk_encryption", ["root_encrypted", "swap_encrypted", "unencrypted"]),
        ("linux.core_dumps", ["handler"]),
        ("linux.crypto_policy", ["fips_enabled"]),
        ("linux.kernel", ["lockdown", "security_modules", "modules_disabled"]),
        ("linux.os", ["architecture", "kernel_release", "virtualization"]),
        ("linux.updates", ["reboot_required"]),
    ],
)
def test_what_only_a_running_system_shows(read: Callable[..., Any], kind: str, fields: list[str]) -> None:
    """One reason says so for all of them, whatever it is that they show."""
    (found,) = read(kind, {}, live=False).values()
    reason = "only a running system shows it, and this is an unpacked root file system"
    expected = {"$unknown": reason, "cause": "missing"}
    assert {field: found[field] for field in fields} == dict.fromkeys(fields, expected)


@pytest.mark.parametrize(
    ("content", "types"),
    [("{broken", [()]), ("[]", [()]), ({"kind": "fifo"}, [()]), ({"content": "{}", "denied": True}, [])],
)
def test_a_broken_configuration_of_docker_is_counted_once(content: object, types: list[tuple[str, ...]]) -> None:
    """Each check is unknown by the resource alone: the problem names no type, for which it would be unknown again."""
    source = MemorySource({**DOCKER_BASE, "/etc/docker/daemon.json": content})
    found = snapshot(source, lambda _: None, fallback="x", only={"linux.docker"})
    assert [item.id for item in found.resources] == ["docker"]
    assert [problem.resource_types for problem in found.problems] == types
