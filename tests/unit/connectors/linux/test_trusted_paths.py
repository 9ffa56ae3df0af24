"""What root trusts: folders, programs that the configuration names, libraries that the loader is told of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

BOB = {
    "/etc/passwd": "root:x:0:0::/root:/bin/sh\nbob:x:1000:1000::/home/bob:/bin/sh\n",
    "/usr/lib/systemd/systemd": "",
    "/home/bob": {"kind": "directory", "uid": 1000},
    "/home/bob/x.sh": {"content": "", "uid": 1000},
    "/usr/bin/x": "",
    "/bin/sh": "",
}
UNIT = "/etc/systemd/system/x.service"


def open_paths(read: Callable[..., Any], files: dict[str, Any]) -> list[str]:
    """What someone else can change, each with its purpose."""
    found = read("linux.trusted_path", BOB | files)
    return sorted(name for name, data in found.items() if isinstance(data["changeable_path"], str))


@pytest.mark.parametrize(
    "key", ["ExecStart", "ExecStartPre", "ExecStartPost", "ExecReload", "ExecStop", "ExecStopPost", "ExecCondition"]
)
@pytest.mark.parametrize("prefix", ["", "-", "@", ":", "+", "!", "!!", "|", "-+", "+-", "@-:+!", "|-"])
def test_every_command_of_a_service(read: Callable[..., Any], key: str, prefix: str) -> None:
    found = open_paths(read, {UNIT: f"[Service]\n{key}={prefix}/home/bob/x.sh name\n"})
    assert found == ["service_program:/home/bob/x.sh"]


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        ("ExecStart=/bin/sh -c 'exec /home/bob/x.sh'", ["service_program:/home/bob/x.sh"]),
        ("ExecStart=/usr/bin/x ; +/home/bob/x.sh", ["service_program:/home/bob/x.sh"]),
        ("User=bob\nExecStart=/usr/bin/x ; +/home/bob/x.sh", ["service_program:/home/bob/x.sh"]),
        ("ExecStart=/usr/bin/python3 /home/bob/x.sh", ["service_program:/home/bob/x.sh"]),
        ("ExecSearchPath=/home/bob:/usr/bin\nExecStart=x", ["service_program:/home/bob/x"]),
        ("ExecStart=x", []),
        ("ExecStart=/home/bob/%i", ["service_program:/home/bob/%i"]),
        ("ExecStart=/home/bob/x.sh\nExecStart=\nExecStart=/usr/bin/x", []),
        ("User=bob\nEnvironmentFile=/home/bob/env\nExecStart=/home/bob/x.sh", []),
        ("DynamicUser=yes\nExecStart=/home/bob/x.sh", []),
        ("User=bob\nUser=\nExecStart=/home/bob/x.sh", ["service_program:/home/bob/x.sh"]),
        ("EnvironmentFile=-/home/bob/env\nExecStart=/usr/bin/x", ["service_environment:/home/bob/env"]),
        ("EnvironmentFile=/home/bob/*.env\nExecStart=/usr/bin/x", ["service_environment:/home/bob"]),
        ("Environment=LD_LIBRARY_PATH=/home/bob/lib:/usr/lib\nExecStart=/usr/bin/x", ["library_folder:/home/bob/lib"]),
        ("ExecStart=/usr/bin/env LD_PRELOAD=/home/bob/x.so /usr/bin/x", ["preloaded_library:/home/bob/x.so"]),
    ],
)
def test_services(read: Callable[..., Any], unit: str, expected: list[str]) -> None:
    assert open_paths(read, {UNIT: f"[Service]\n{unit}\n"}) == expected


@pytest.mark.parametrize("folder", ["x.service.d", "service.d"])
def test_drop_ins(read: Callable[..., Any], folder: str) -> None:
    files = {
        "/usr/lib/systemd/system/x.service": "[Service]\nExecStart=/usr/bin/x\n",
        f"/etc/systemd/system/{folder}/a.conf": "[Service]\nExecStartPost=/home/bob/x.sh\n",
    }
    assert open_paths(read, files) == ["service_program:/home/bob/x.sh"]


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("/etc/udev/rules.d/x.rules", 'A=="b", RUN{program}+="/home/bob/x.sh $name"', "udev_program:/home/bob/x.sh"),
        ("/etc/udev/rules.d/x.rules", 'PROGRAM=e"/home/bob/x.sh"', "udev_program:/home/bob/x.sh"),
        ("/etc/udev/rules.d/x.rules", "IMPORT{program}=\"/bin/sh -c '/home/bob/x.sh'\"", "udev_program:/home/bob/x.sh"),
        ("/etc/udev/rules.d/x.rules", 'ENV{REMOVE_CMD}="/home/bob/x.sh"', "udev_program:/home/bob/x.sh"),
        ("/etc/logrotate.conf", "x {\nprerotate\n/home/bob/x.sh\nendscript\n}", "logrotate_program:/home/bob/x.sh"),
        ("/etc/logrotate.d/x", "compresscmd /home/bob/x.sh", "logrotate_program:/home/bob/x.sh"),
        ("/etc/rc.local", "#!/bin/sh\n/home/bob/x.sh &\nexit 0", "init_script:/home/bob/x.sh"),
        ("/etc/pam.d/x", "auth required /home/bob/x.so", "pam_module:/home/bob/x.so"),
        ("/etc/pam.d/x", "session [a=b] pam_exec.so log=/x stdout /home/bob/x.sh", "pam_program:/home/bob/x.sh"),
        ("/etc/ld.so.preload", "/lib/a.so:/home/bob/x.so", "preloaded_library:/home/bob/x.so"),
        ("/etc/ld.so.conf", "/lib\n/home/bob/lib # mine", "library_folder:/home/bob/lib"),
        ("/etc/ld-musl-x86_64.path", "/lib:/home/bob/lib", "library_folder:/home/bob/lib"),
        ("/etc/environment", 'LD_AUDIT="/home/bob/x.so"', "preloaded_library:/home/bob/x.so"),
        ("/etc/profile.d/x.sh", "test 1 && export LD_PRELOAD=/home/bob/x.so", "preloaded_library:/home/bob/x.so"),
        ("/etc/cron.d/x", "LD_PRELOAD=/home/bob/x.so", "preloaded_library:/home/bob/x.so"),
        (
            "/etc/systemd/system.conf",
            "[Manager]\nDefaultEnvironment=LD_PRELOAD=/home/bob/x.so",
            "preloaded_library:/home/bob/x.so",
        ),
        ("/etc/security/pam_env.conf", "LD_PRELOAD OVERRIDE=/home/bob/x.so", "preloaded_library:/home/bob/x.so"),
    ],
)
def test_what_files_name(read: Callable[..., Any], path: str, text: str, expected: str) -> None:
    assert open_paths(read, {path: f"{text}\n"}) == [expected]


def test_includes_of_the_loader_end(read: Callable[..., Any]) -> None:
    files = {
        "/etc/ld.so.conf": "include ld.so.conf.d/*\n",
        "/etc/ld.so.conf.d/a": "include /etc/ld.so.conf\n/home/bob\n",
    }
    assert open_paths(read, files) == ["library_folder:/home/bob"]


@pytest.mark.parametrize(
    "folder",
    [
        "/",
        "/etc",
        "/usr",
        "/etc/systemd/system",
        "/etc/cron.d",
        "/etc/ssh",
        "/etc/sudoers.d",
        "/root",
        "/etc/udev/rules.d",
    ],
)
@pytest.mark.parametrize("how", [{"uid": 1000}, {"mode": "0775", "gid": 50}, {"mode": "0757"}])
def test_folders_of_the_system(read: Callable[..., Any], folder: str, how: dict[str, Any]) -> None:
    found = open_paths(read, {folder: {"kind": "directory", **how}})
    assert f"system_folder:{folder}" in found


def test_a_folder_elsewhere_is_found_through_its_link(read: Callable[..., Any]) -> None:
    found = read("linux.trusted_path", BOB | {"/etc/sudoers.d": {"link": "/home/bob"}})
    assert found["system_folder:/home/bob"]["changeable_by"] == "user bob"


def test_what_only_the_running_system_fills_in_is_unknown(read: Callable[..., Any]) -> None:
    found = read("linux.trusted_path", BOB | {UNIT: "[Service]\nExecStart=/usr/bin/%i\n"})
    assert "$unknown" in found["service_program:/usr/bin/%i"]["changeable_by"]


def test_a_command_that_is_not_followed_is_unknown(read: Callable[..., Any]) -> None:
    unit = "[Service]\nExecStart=/bin/sh -c 'eval x --token=abcdefgh'\nExecStop=/bin/bash\n"
    found = read("linux.trusted_path", BOB | {UNIT: unit})
    doubtful = [name for name, data in found.items() if isinstance(data["changeable_by"], dict)]
    assert doubtful == ["service_program:$(/bin/sh -c 'eval x --token=(redacted)')"]
