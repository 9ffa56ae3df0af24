"""Time synchronisation on the families."""

from __future__ import annotations

from typing import Any

import pytest

from xspm.connectors.linux import clock
from xspm.connectors.linux.memory import MemorySource
from xspm.model.asset import Resource

CHRONY = "# sources\npool 2.debian.pool.ntp.org iburst\nserver time.example iburst nts\nsourcedir /etc/chrony/sources.d\nuser _chrony\n"


def read(files: dict[str, Any], commands: dict[str, Any] | None = None, *, live: bool = True) -> dict[str, Any]:
    """The one resource."""
    (found,) = clock.collect(MemorySource(files, commands, live=live))
    assert isinstance(found, Resource)
    return found.data


def test_chrony() -> None:
    files = {
        "/usr/sbin/chronyd": "",
        "/etc/chrony/chrony.conf": CHRONY,
        "/etc/chrony/sources.d/local.sources": "server 10.0.0.1 key 5\n",
        "/usr/lib/systemd/systemd": "",
        "/etc/systemd/system/multi-user.target.wants/chrony.service": {"link": "/x"},
    }
    data = read(files)
    assert (data["installed"], data["enabled"], data["running"], data["chrony_user"]) == (
        ["chrony"],
        ["chrony"],
        None,
        "_chrony",
    )
    assert [(item["address"], item["kind"], item["authenticated"]) for item in data["servers"]] == [
        ("2.debian.pool.ntp.org", "pool", False),
        ("time.example", "server", True),
        ("10.0.0.1", "server", True),
    ]


@pytest.mark.parametrize(
    ("files", "daemon", "servers"),
    [
        ({"/etc/chrony.conf": "server a\n"}, "chrony", ["a"]),
        ({"/etc/ntp.conf": "server b iburst\nrestrict default\n"}, "ntp", ["b"]),
        ({"/etc/openntpd/ntpd.conf": "servers pool.ntp.org\n"}, "openntpd", ["pool.ntp.org"]),
        ({"/etc/conf.d/ntpd": 'NTPD_OPTS="-N -p pool.ntp.org"\n'}, "busybox-ntpd", ["pool.ntp.org"]),
        (
            {
                "/usr/lib/systemd/systemd-timesyncd": "",
                "/etc/systemd/timesyncd.conf": "[Time]\nNTP=a b\nFallbackNTP=c\n",
                "/etc/systemd/timesyncd.conf.d/x.conf": "[Time]\nNTP=\nNTP=d\n",
            },
            "systemd-timesyncd",
            ["d"],
        ),
        ({"/etc/systemd/timesyncd.conf": "[Time]\n#NTP=\nFallbackNTP=c\n"}, "systemd-timesyncd", ["c"]),
    ],
)
def test_daemons(files: dict[str, Any], daemon: str, servers: list[str]) -> None:
    data = read(files)
    assert data["installed"] == [daemon]
    assert [item["address"] for item in data["servers"]] == servers


def test_nothing() -> None:
    data = read({})
    assert (data["installed"], data["enabled"], data["servers"], data["container"]) == ([], [], [], False)


@pytest.mark.parametrize(
    ("files", "commands", "live", "expected"),
    [
        ({"/run/systemd/timesync/synchronized": ""}, {}, True, True),
        ({}, {"timedatectl show --property=NTPSynchronized": "NTPSynchronized=no\n"}, True, False),
        ({}, {}, True, None),
        ({}, {}, False, None),
    ],
)
def test_in_step(files: dict[str, Any], commands: dict[str, Any], live: bool, expected: bool | None) -> None:  # noqa: FBT001
    assert read(files, commands, live=live)["synchronised"] is expected


def test_containers_and_denied_files() -> None:
    assert read({"/.dockerenv": ""})["container"] is True
    assert "$unknown" in read({"/etc/chrony.conf": {"content": "", "denied": True}})["servers"]
    assert "$unknown" in read({"/etc/ntp.conf": {"content": "", "denied": True}})["servers"]
    timesyncd = {"/etc/systemd/timesyncd.conf": {"content": "", "denied": True}}
    assert "$unknown" in read(timesyncd)["servers"]


def test_a_loop_of_includes_ends() -> None:
    assert read({"/etc/chrony.conf": "include /etc/chrony.conf\nserver a\n"})["servers"][0]["address"] == "a"
