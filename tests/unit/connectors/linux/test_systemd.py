"""Init systems: systemd's links, OpenRC's runlevels, System V's scripts."""

from __future__ import annotations

from typing import Any

import pytest

from xspm.connectors.linux import systemd
from xspm.connectors.linux.init import init_of
from xspm.connectors.linux.memory import MemorySource
from xspm.model.asset import Problem, Resource

LIST_UNITS = (
    "systemctl list-units --all --plain --no-legend --no-pager --full --type=service,socket,timer,path,mount,automount"
)
UNITS = "/usr/lib/systemd/system"
WANTED = "[Install]\nWantedBy=multi-user.target\n"
DEBIAN: dict[str, Any] = {
    "/usr/lib/systemd/systemd": "",
    f"{UNITS}/ssh.service": f"[Service]\nExecStart=/usr/sbin/sshd -D\nUser=root\n{WANTED}Alias=sshd.service\n",
    f"{UNITS}/ssh.socket": "[Socket]\nListenStream=22\n[Install]\nWantedBy=sockets.target\n",
    f"{UNITS}/cron.service": f"[Service]\nExecStart=/usr/sbin/cron\n{WANTED}",
    f"{UNITS}/telnet.socket": "[Install]\nWantedBy=sockets.target\n",
    f"{UNITS}/also.service": "[Install]\nAlso=also.socket\n",
    f"{UNITS}/static.service": "[Service]\nExecStart=/bin/true\n",
    f"{UNITS}/getty@.service": WANTED,
    f"{UNITS}/default.target": {"link": "graphical.target"},
    f"{UNITS}/graphical.target": "",
    "/etc/systemd/system/multi-user.target.wants/ssh.service": {"link": f"{UNITS}/ssh.service"},
    "/etc/systemd/system/getty.target.wants/getty@tty1.service": {"link": f"{UNITS}/getty@.service"},
    "/etc/systemd/system/sshd.service": {"link": f"{UNITS}/ssh.service"},
    "/etc/systemd/system/cron.service": {"link": "/dev/null"},
    "/etc/systemd/system/ctrl-alt-del.target": {"link": "/dev/null"},
    "/run/systemd/system": {"kind": "directory"},
}
STATES = (
    "ssh.service loaded active running OpenBSD Secure Shell server\ncron.service masked inactive dead cron.service\n"
)


def read(files: dict[str, Any], commands: dict[str, Any] | None = None, *, live: bool = True) -> dict[str, Any]:
    """Everything, by `type id`."""
    found = systemd.collect(MemorySource(files, commands, live=live))
    return {f"{item.type} {item.id}": item.data for item in found if isinstance(item, Resource)}


def test_units() -> None:
    found = read(DEBIAN, {LIST_UNITS: STATES})
    states = {
        name.split(" ")[1]: data["state"] for name, data in found.items() if name.startswith("linux.systemd_unit")
    }
    assert states == {
        "also.service": "indirect",
        "cron.service": "masked",
        "getty@tty1.service": "enabled",
        "ssh.service": "enabled",
        "ssh.socket": "disabled",
        "static.service": "static",
        "telnet.socket": "disabled",
    }


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ssh", {"manager": "systemd", "enabled": True, "masked": False, "running": True}),
        ("cron", {"manager": "systemd", "enabled": False, "masked": True, "running": False}),
        ("telnet.socket", {"manager": "systemd", "enabled": False, "masked": False, "running": False}),
    ],
)
def test_services(name: str, expected: dict[str, Any]) -> None:
    assert read(DEBIAN, {LIST_UNITS: STATES})[f"linux.service {name}"] == {"name": name, **expected}


def test_a_socket_enables_its_service() -> None:
    files = {key: value for key, value in DEBIAN.items() if "ssh.service" not in key or key.startswith(UNITS)}
    files.pop("/etc/systemd/system/sshd.service")
    files["/etc/systemd/system/sockets.target.wants/ssh.socket"] = {"link": f"{UNITS}/ssh.socket"}
    found = read(files)
    assert found["linux.service ssh"]["enabled"] is True
    assert found["linux.systemd_unit ssh.service"]["enabled"] is False


def test_an_image_tells_what_starts_but_not_what_runs() -> None:
    found = read(DEBIAN, live=False)
    assert (found["linux.service ssh"]["enabled"], found["linux.service ssh"]["running"]) == (True, None)
    assert found["linux.systemd_unit ssh.service"]["active"] is None
    assert found["linux.init init"] == {
        "system": "systemd",
        "running": False,
        "default_target": "graphical.target",
        "ctrl_alt_del_reboots": False,
        "debug_shell_enabled": False,
    }


def test_a_manager_that_does_not_answer_is_unknown() -> None:
    found = read(DEBIAN)
    assert found["linux.service ssh"]["running"] == {"$unknown": "systemctl does not answer", "cause": "missing"}
    refused = read(DEBIAN, {LIST_UNITS: {"stdout": "", "status": 1}})
    assert "$unknown" in refused["linux.service ssh"]["running"]


def test_hardening_and_drop_ins() -> None:
    files = DEBIAN | {
        f"{UNITS}/app.service": """\
[Service]
User=app
ExecStart=/usr/bin/app --password=hunter22
NoNewPrivileges=yes
ProtectSystem=true
CapabilityBoundingSet=CAP_CHOWN CAP_KILL
""",
        "/etc/systemd/system/app.service.d/b.conf": "[Service]\nExecStart=\nExecStart=/usr/bin/app2\nProtectSystem=strict\n",
        "/etc/systemd/system/app.service.d/a.conf": {
            "content": "[Service]\nCapabilityBoundingSet=~CAP_KILL\n",
            "mode": "0666",
        },
        f"{UNITS}/app.service.d/b.conf": "[Service]\nUser=root\n",
    }
    data = read(files)["linux.systemd_unit app.service"]
    expected = {
        "user": "app",
        "exec_start": ["/usr/bin/app2"],
        "no_new_privileges": True,
        "protect_system": "strict",
        "protect_home": "no",
        "capability_bounding_set": ["CAP_CHOWN"],
        "drop_ins": ["/etc/systemd/system/app.service.d/a.conf", "/etc/systemd/system/app.service.d/b.conf"],
        "unit_file_writable": True,
    }
    assert {name: data[name] for name in expected} == expected
    masked = files | {"/etc/systemd/system/app.service.d/b.conf": ""}
    assert "hunter22" not in repr(read(masked))


def test_openrc() -> None:
    files = {
        "/sbin/openrc": "",
        "/etc/init.d/sshd": "",
        "/etc/init.d/crond": "",
        "/etc/init.d/functions.sh": "",
        "/etc/runlevels/default/sshd": {"link": "/etc/init.d/sshd"},
        "/run/openrc": {"kind": "directory"},
    }
    found = read(files, {"rc-status --servicelist": " sshd  [  started  ]\n crond  [  stopped  ]\n"})
    assert found["linux.init init"]["system"] == "openrc"
    assert found["linux.service sshd"] == {
        "name": "sshd",
        "manager": "openrc",
        "enabled": True,
        "masked": False,
        "running": True,
    }
    assert (found["linux.service crond"]["enabled"], found["linux.service crond"]["running"]) == (False, False)
    assert "$unknown" in read(files)["linux.service sshd"]["running"]
    assert read(files, live=False)["linux.service sshd"]["running"] is None


def test_system_v() -> None:
    files = {
        "/etc/inittab": "",
        "/etc/init.d/ssh": "",
        "/etc/init.d/cron": "",
        "/etc/rc3.d/S02ssh": {"link": "../init.d/ssh"},
        "/etc/rc3.d/K01cron": {"link": "../init.d/cron"},
        "/proc/1/comm": "init\n",
    }
    found = read(files)
    assert found["linux.init init"]["system"] == "sysvinit"
    assert (found["linux.service ssh"]["enabled"], found["linux.service cron"]["enabled"]) == (True, False)
    assert "$unknown" in found["linux.service ssh"]["running"]


def test_without_an_init_system_nothing_starts() -> None:
    source = MemorySource({"/etc/os-release": ""})
    assert init_of(source).system == "none"
    assert (init_of(source).boots("ssh"), init_of(source).runs("ssh")) == (None, None)
    assert init_of(source) is init_of(source)
    assert list(read({})) == ["linux.init init"]


def test_unreadable_folders_are_a_problem() -> None:
    files = DEBIAN | {"/etc/systemd/system": {"kind": "directory", "denied": True}}
    found = list(systemd.collect(MemorySource(files)))
    assert [item.resource_types for item in found if isinstance(item, Problem)] == [
        ("linux.service", "linux.systemd_unit")
    ]


def test_loops_of_aliases_end() -> None:
    files = {
        "/usr/lib/systemd/systemd": "",
        "/etc/systemd/system/a.service": {"link": "b.service"},
        "/etc/systemd/system/b.service": {"link": "a.service"},
    }
    assert init_of(MemorySource(files)).boots("a") in {True, False}
