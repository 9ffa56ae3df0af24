"""cron and at: access and jobs."""

from __future__ import annotations

from typing import Any

import pytest

from xspm.connectors.linux import cron
from xspm.connectors.linux.memory import MemorySource
from xspm.model.asset import Problem, Resource

CRONTAB = """\
SHELL=/bin/sh
PATH=/usr/local/sbin:/usr/local/bin:/sbin:/bin:/usr/sbin:/usr/bin
# m h dom mon dow user	command
17 *	* * *	root    cd / && run-parts --report /etc/cron.hourly
25 6	* * *	root	test -x /usr/sbin/anacron || { cd / && run-parts --report /etc/cron.daily; }
@reboot backup /opt/backup.sh --token=abcdef123456
"""
FILES: dict[str, Any] = {
    "/etc/crontab": CRONTAB,
    "/etc/cron.d/e2scrub": "30 3 * * 0 root test -e /run/systemd/system || /usr/sbin/e2scrub\n",
    "/etc/cron.d/.placeholder": "x",
    "/etc/cron.daily/apt": {"content": "#!/bin/sh\n", "mode": "0755"},
    "/etc/cron.daily/loose": {"content": "#!/bin/sh\n", "mode": "0775", "uid": 1000},
    "/var/spool/cron/crontabs/alice": "*/5 * * * * /home/alice/bin/sync\n",
    "/home/alice/bin": {"kind": "directory", "mode": "0777"},
    "/home/alice/bin/sync": {"content": "", "mode": "0755", "uid": 1000},
    "/opt/backup.sh": {"content": "", "mode": "0750"},
    "/etc/cron.allow": "root\nalice # me\n",
    "/usr/bin/at": "",
    "/etc/at.deny": "",
}


def read(files: dict[str, Any]) -> dict[str, Any]:
    """Everything, by id."""
    return {item.id: item.data for item in cron.collect(MemorySource(files)) if isinstance(item, Resource)}


def test_access() -> None:
    found = read(FILES)["cron"]
    assert (found["allowed_users"], found["denied_users"]) == (["alice", "root"], None)
    assert (found["at_installed"], found["at_allowed_users"], found["at_denied_users"]) == (True, None, [])


def test_jobs() -> None:
    found = read(FILES)
    assert sorted(name for name in found if name != "cron") == [
        "/etc/cron.d/e2scrub:1",
        "/etc/cron.daily/apt",
        "/etc/cron.daily/loose",
        "/etc/crontab:4",
        "/etc/crontab:5",
        "/etc/crontab:6",
        "/var/spool/cron/crontabs/alice:1",
    ]
    assert found["/etc/crontab:6"] == {
        "file": "/etc/crontab",
        "line": 6,
        "user": "backup",
        "schedule": "@reboot",
        "command": "/opt/backup.sh --token=(redacted)",
        "program": "/opt/backup.sh",
        "program_exists": True,
        "program_uid": 0,
        "program_writable": False,
        "program_changeable_path": None,
        "program_changeable_by": None,
    }


@pytest.mark.parametrize(
    ("name", "field", "expected"),
    [
        ("/etc/crontab:4", "program", None),
        ("/etc/crontab:4", "user", "root"),
        ("/etc/crontab:4", "schedule", "17 * * * *"),
        ("/etc/cron.d/e2scrub:1", "program", "/usr/sbin/e2scrub"),
        ("/etc/cron.d/e2scrub:1", "program_exists", False),
        ("/var/spool/cron/crontabs/alice:1", "user", "alice"),
        ("/var/spool/cron/crontabs/alice:1", "program_writable", True),
        ("/etc/cron.daily/apt", "program_writable", False),
        ("/etc/cron.daily/apt", "schedule", "daily"),
        ("/etc/cron.daily/loose", "program_writable", True),
        ("/etc/cron.daily/loose", "program_uid", 1000),
    ],
)
def test_fields(name: str, field: str, expected: object) -> None:
    assert read(FILES)[name][field] == expected


@pytest.mark.parametrize(
    ("command", "program", "writable"),
    [
        ("flock -n /l /opt/open.sh", "/opt/open.sh", True),
        ("/opt/shut.sh; cd /opt && ./open.sh", "/opt/open.sh", True),
        ("/opt/none.sh; /opt/shut.sh", "/opt/none.sh", None),
        ("test -x /opt/none.sh && /opt/none.sh", None, None),
        ("$X; /opt/open.sh", "/opt/open.sh", True),
        ("run-parts /etc/cron.daily", None, None),
        ("run-parts --report /srv/jobs", "/srv/jobs", True),
        ("tool --all", "/usr/local/bin/tool", True),
        ("shut.sh", "/usr/bin/shut.sh", False),
        ("echo", None, None),
    ],
)
def test_worst_program_of_a_job(command: str, program: str | None, writable: bool | None) -> None:  # noqa: FBT001
    files = {
        "/etc/cron.d/x": f"PATH=/usr/local/bin:/usr/bin\n1 1 * * * root {command}\n",
        "/usr/local/bin/tool": {"content": "", "mode": "0755", "uid": 1000},
        "/usr/bin/tool": {"content": "", "mode": "0755"},
        "/usr/bin/shut.sh": {"content": "", "mode": "0755"},
        "/srv/jobs": {"kind": "directory", "mode": "0775", "gid": 50},
        "/opt/open.sh": {"content": "", "mode": "0777"},
        "/opt/shut.sh": {"content": "", "mode": "0755"},
    }
    found = read(files)["/etc/cron.d/x:2"]
    assert (found["program"], found["program_writable"]) == (program, writable)


@pytest.mark.parametrize(
    ("table", "path", "by"),
    [
        ("PATH=/home/bob/bin:/usr/bin\n1 1 * * * root tool\n", "/home/bob", "user bob"),
        ("SHELL=/home/bob/sh\n1 1 * * * root :\n", "/home/bob", "user bob"),
        ("1 1 * * * root /opt/app/tool\n", "/opt/app", "user bob"),
        ("1 1 * * * root /opt/link\n", "/home/bob", "user bob"),
        ("1 1 * * * root /tmp/mine\n", "/tmp", "everybody"),
        ("1 1 * * * root tool\n", None, None),
    ],
)
def test_who_can_change_a_program(table: str, path: str | None, by: str | None) -> None:
    files = {
        "/etc/passwd": "root:x:0:0::/root:/bin/sh\nbob:x:1000:1000::/home/bob:/bin/sh\n",
        "/etc/cron.d/x": table,
        "/home/bob": {"kind": "directory", "uid": 1000},
        "/opt/app": {"kind": "directory", "uid": 1000},
        "/opt/app/tool": {"content": "", "mode": "0755"},
        "/opt/link": {"link": "/home/bob/x"},
        "/tmp": {"kind": "directory", "mode": "1777"},
        "/tmp/mine": {"content": "", "mode": "0755"},
        "/usr/bin/tool": {"content": "", "mode": "0755"},
    }
    found = next(item for name, item in read(files).items() if name.startswith("/etc/cron.d/x:"))
    assert (found["program_changeable_path"], found["program_changeable_by"]) == (path, by)


def test_anacron_runs_as_root() -> None:
    found = read({"/etc/anacrontab": "START_HOURS_RANGE=3-22\n@weekly 25 cron.weekly nice /opt/x\n"})
    assert found["/etc/anacrontab:2"]["user"] == "root"
    assert found["/etc/anacrontab:2"]["program"] == "/opt/x"


def test_programs_that_cannot_be_told_are_unknown() -> None:
    found = read({"/etc/cron.d/x": "1 1 * * * root $HOME/x; /opt/x\n", "/opt/x": ""})["/etc/cron.d/x:1"]
    assert "$unknown" in found["program"]
    assert "$unknown" in found["program_writable"]


def test_alpine() -> None:
    found = read(
        {"/etc/crontabs/root": "*/15\t*\t*\t*\t*\trun-parts /etc/periodic/15min\n", "/etc/periodic/daily/x": ""}
    )
    assert found["cron"]["implementation"] == "busybox"
    assert found["/etc/crontabs/root:1"]["user"] == "root"
    assert found["/etc/periodic/daily/x"]["schedule"] == "daily"


def test_not_installed() -> None:
    found = read({})["cron"]
    assert (found["installed"], found["at_installed"]) == (False, False)
    assert "$unknown" in found["allowed_users"]


def test_what_cannot_be_listed_is_a_problem() -> None:
    files = FILES | {
        "/var/spool/cron/crontabs": {"kind": "directory", "denied": True},
        "/etc/crontab": {"content": "", "denied": True},
    }
    problems = [item for item in cron.collect(MemorySource(files, root=False)) if isinstance(item, Problem)]
    assert {item.resource_types for item in problems} == {("linux.cron_job",)}
    assert sorted(item.message for item in problems) == [
        "permission denied: /etc/crontab",
        "permission denied: /var/spool/cron/crontabs",
    ]


def test_no_secret_enters_a_job() -> None:
    assert "abcdef123456" not in repr(read(FILES))


def test_hostile_tables_end() -> None:
    text = "* * * * * root x\n" * 12_000 + "a" * 100_000 + "\n" + " " * 100_000
    found = list(cron.collect(MemorySource({"/etc/crontab": text, "/etc/cron.d/fifo": {"kind": "fifo"}})))
    assert [item.kind for item in found if isinstance(item, Problem)] == ["limit"]
