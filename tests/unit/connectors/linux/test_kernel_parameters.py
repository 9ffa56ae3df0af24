from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from xspm.connectors.linux.kernel_parameters import matches, normalised

if TYPE_CHECKING:
    from collections.abc import Callable

NAME = "net.ipv4.conf.all.rp_filter"
TYPE = "linux.kernel_parameter"
SYSTEMD = {"/usr/lib/systemd/systemd-sysctl": ""}

PERSISTED: list[tuple[str, dict[str, Any], str | None, str | None]] = [
    ("nothing set", {}, None, None),
    ("main file", {"/etc/sysctl.conf": f"{NAME} = 1\n"}, "1", "/etc/sysctl.conf"),
    ("last line wins", {"/etc/sysctl.conf": f"{NAME}=1\n{NAME} = 2"}, "2", "/etc/sysctl.conf"),
    (
        "files sort by name across folders",
        {"/etc/sysctl.d/10-a.conf": f"{NAME}=1", "/usr/lib/sysctl.d/50-b.conf": f"{NAME}=2"},
        "2",
        "/usr/lib/sysctl.d/50-b.conf",
    ),
    (
        "a name in /etc hides the same name in /usr/lib",
        {"/etc/sysctl.d/50-a.conf": "# off", "/usr/lib/sysctl.d/50-a.conf": f"{NAME}=2"},
        None,
        None,
    ),
    (
        "a link to /dev/null hides too",
        {"/etc/sysctl.d/50-a.conf": {"link": "/dev/null"}, "/usr/lib/sysctl.d/50-a.conf": f"{NAME}=2"},
        None,
        None,
    ),
    (
        "main file is last without systemd-sysctl",
        {"/etc/sysctl.conf": f"{NAME}=1", "/etc/sysctl.d/99-z.conf": f"{NAME}=2"},
        "1",
        "/etc/sysctl.conf",
    ),
    (
        "main file does not count with systemd-sysctl",
        {**SYSTEMD, "/etc/sysctl.conf": f"{NAME}=1", "/etc/sysctl.d/10-z.conf": f"{NAME}=2"},
        "2",
        "/etc/sysctl.d/10-z.conf",
    ),
    (
        "unless it is linked",
        {**SYSTEMD, "/etc/sysctl.conf": f"{NAME}=1", "/etc/sysctl.d/99-sysctl.conf": {"link": "../sysctl.conf"}},
        "1",
        "/etc/sysctl.d/99-sysctl.conf",
    ),
    ("pattern", {"/etc/sysctl.d/a.conf": "net.ipv4.conf.*.rp_filter = 2"}, "2", "/etc/sysctl.d/a.conf"),
    (
        "a name wins over a later pattern",
        {"/etc/sysctl.d/a.conf": f"{NAME}=1\nnet.ipv4.conf.*.rp_filter = 2"},
        "1",
        "/etc/sysctl.d/a.conf",
    ),
    ("excluded from patterns", {"/etc/sysctl.d/a.conf": f"net.ipv4.conf.*.rp_filter=2\n-{NAME}\n"}, None, None),
    ("dash and slashes", {"/etc/sysctl.d/a.conf": "-net/ipv4/conf/all/rp_filter=1"}, "1", "/etc/sysctl.d/a.conf"),
    ("comments", {"/etc/sysctl.d/a.conf": f";{NAME}=1\n# {NAME}=2\nnonsense"}, None, None),
    (
        "ufw applies its own when it is on",
        {"/etc/ufw/ufw.conf": "ENABLED=yes\n", "/etc/ufw/sysctl.conf": "net/ipv4/conf/all/rp_filter=1"},
        "1",
        "/etc/ufw/sysctl.conf",
    ),
    (
        "ufw that is off does not",
        {"/etc/ufw/ufw.conf": "ENABLED=no\n", "/etc/ufw/sysctl.conf": "net/ipv4/conf/all/rp_filter=1"},
        None,
        None,
    ),
]


@pytest.mark.parametrize(("files", "value", "path"), [case[1:] for case in PERSISTED], ids=[c[0] for c in PERSISTED])
def test_persisted(read: Callable[..., Any], files: dict[str, Any], value: str | None, path: str | None) -> None:
    found = read(TYPE, files)[NAME]
    assert (found["persisted"], found["persisted_in"]) == (value, path)


def test_running_value_is_normalised(read: Callable[..., Any]) -> None:
    files = {"/proc/sys/net/ipv4/conf/all/rp_filter": "1\n", "/proc/sys/kernel/sysrq": "a\t b\n"}
    found = read(TYPE, files)
    assert (found[NAME]["running"], found["kernel.sysrq"]["running"]) == ("1", "a b")
    assert found["kernel.panic"]["running"] is None


def test_unreadable_file_makes_unknown_what_it_could_set(read: Callable[..., Any]) -> None:
    files = {"/etc/sysctl.d/a.conf": {"denied": True}, "/etc/sysctl.d/b.conf": f"{NAME}=1"}
    found = read(TYPE, files)
    assert found[NAME]["persisted"] == "1"
    assert "permission denied" in found["kernel.panic"]["persisted"]["$unknown"]


def test_without_running_kernel(read: Callable[..., Any]) -> None:
    found = read(TYPE, {"/etc/sysctl.conf": f"{NAME}=1"}, live=False)[NAME]
    assert found["running"]["cause"] == "missing"
    assert found["persisted"] == "1"


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("net.ipv4.ip_forward", "net.ipv4.ip_forward"),
        ("net/ipv4/ip_forward", "net.ipv4.ip_forward"),
        ("net/ipv4/conf/enp3s0.200/forwarding", "net.ipv4.conf.enp3s0/200.forwarding"),
        ("plain", "plain"),
    ],
)
def test_normalised(key: str, name: str) -> None:
    assert normalised(key) == name


def test_matches_component_by_component() -> None:
    assert matches("a.b.c", "a.*.c")
    assert not matches("a.b.b.c", "a.*.c")
