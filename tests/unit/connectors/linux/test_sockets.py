"""Listening sockets from /proc and from ss."""

from __future__ import annotations

from typing import Any

import pytest

from xspm.connectors.linux import sockets
from xspm.connectors.linux.memory import MemorySource
from xspm.model.asset import Problem, Resource

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
ROW = "   {n}: {local} {remote} {state} 00000000:00000000 00:00000000 00000000  {uid}        0 {inode} 1 0000 100 0 0 10 0\n"


def row(local: str, inode: int, state: str = "0A", uid: int = 0) -> str:
    """One line of a table."""
    remote = "0" * len(local.split(":", maxsplit=1)[0]) + ":0000"
    return ROW.format(n=inode, local=local, remote=remote, state=state, uid=uid, inode=inode)


FILES: dict[str, Any] = {
    "/proc/net/tcp": HEAD
    + row("00000000:0016", 1)
    + row("0100007F:0019", 2, uid=101)
    + row("0100007F:9999", 9, state="01")
    + "garbage\n",
    "/proc/net/tcp6": HEAD
    + row("00000000000000000000000000000000:0016", 3)
    + row("00000000000000000000000001000000:0277", 4)
    + row("0000000000000000FFFF00000100007F:1F90", 5),
    "/proc/net/udp": HEAD + row("3500007F:0035", 6, state="07", uid=102),
    "/proc/10/fd/3": {"link": "socket:[1]"},
    "/proc/10/fd/4": {"link": "socket:[3]"},
    "/proc/10/comm": "sshd\n",
    "/proc/11/fd/1": {"link": "/dev/null"},
    "/proc/self": {"link": "10"},
}


def read(
    files: dict[str, Any], commands: dict[str, Any] | None = None, *, root: bool = True, live: bool = True
) -> dict[str, Any]:
    """Sockets by id."""
    found = sockets.collect(MemorySource(files, commands, root=root, live=live))
    return {item.id: item.data for item in found if isinstance(item, Resource)}


def test_sockets() -> None:
    found = read(FILES)
    assert sorted(found) == [
        "tcp/0.0.0.0:22",
        "tcp/127.0.0.1:25",
        "tcp/[::1]:631",
        "tcp/[::]:22",
        "tcp/[::ffff:127.0.0.1]:8080",
        "udp/127.0.0.53:53",
    ]
    assert found["tcp/0.0.0.0:22"] == {
        "protocol": "tcp",
        "family": "ipv4",
        "address": "0.0.0.0",  # noqa: S104 - evidence
        "port": 22,
        "interface": None,
        "loopback": False,
        "all_interfaces": True,
        "uid": 0,
        "processes": ["sshd"],
    }


@pytest.mark.parametrize(
    "name", ["tcp/127.0.0.1:25", "tcp/[::1]:631", "tcp/[::ffff:127.0.0.1]:8080", "udp/127.0.0.53:53"]
)
def test_loopback(name: str) -> None:
    assert read(FILES)[name]["loopback"] is True


def test_without_root_others_processes_are_unknown() -> None:
    found = read(FILES | {"/proc/12/fd": {"kind": "directory", "denied": True}}, root=False)
    assert found["tcp/0.0.0.0:22"]["processes"] == ["sshd"]
    assert found["tcp/127.0.0.1:25"]["processes"] == {"$unknown": "only root may look into other users' processes"}


def test_over_ssh_ss_names_the_processes() -> None:
    files = {path: text for path, text in FILES.items() if path.startswith("/proc/net")}
    line = 'tcp LISTEN 0 128 0.0.0.0:22 0.0.0.0:* users:(("sshd",pid=10,fd=3)) ino:1 sk:1 cgroup:/ <->\n'
    found = read(files, {"ss -lntuHpe": line})
    assert found["tcp/0.0.0.0:22"]["processes"] == ["sshd"]
    assert found["tcp/127.0.0.1:25"]["processes"] == []
    assert "$unknown" in read(files)["tcp/0.0.0.0:22"]["processes"]
    assert "$unknown" in read(files, {"ss -lntuHpe": line}, root=False)["tcp/127.0.0.1:25"]["processes"]


@pytest.mark.parametrize(
    ("files", "live", "kind"),
    [
        ({}, True, "missing"),
        (FILES, False, "missing"),
        ({"/proc/net/tcp": {"content": "", "denied": True}}, True, "access"),
    ],
)
def test_what_cannot_be_listed_is_a_problem(files: dict[str, Any], live: bool, kind: str) -> None:  # noqa: FBT001
    (problem,) = sockets.collect(MemorySource(files, live=live))
    assert isinstance(problem, Problem)
    assert (problem.kind, problem.resource_types) == (kind, ("linux.listening_socket",))
