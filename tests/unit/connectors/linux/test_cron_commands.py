"""Which programs a command starts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xspm.connectors.linux.cron_commands import Programs


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("/bin/a -x /bin/b", ["/bin/a"]),
        ("nice -n 19 /bin/a", ["/bin/a"]),
        ("nice -19 /bin/a >/dev/null 2>&1", ["/bin/a"]),
        ("X=1 /bin/a", ["/bin/a"]),
        ("[ -x /bin/t ] && /bin/a", ["/bin/a"]),
        ("bash /opt/x.sh", ["/opt/x.sh"]),
        ("/bin/sh -c '/opt/x.sh'", ["/opt/x.sh"]),
        ("bash -lc 'cd /opt && ./x.sh'", ["/opt/x.sh"]),
        ("flock -n /l /opt/x.sh", ["/opt/x.sh"]),
        ("flock -w 5 /l -c '/opt/x.sh'", ["/opt/x.sh"]),
        ("timeout -k 5 60 /opt/x.sh", ["/opt/x.sh"]),
        ("sleep 5; /opt/x.sh", ["/opt/x.sh"]),
        ("cd /opt && ./x.sh", ["/opt/x.sh"]),
        ("cd /opt && bin/../y.sh | /bin/z", ["/opt/y.sh", "/bin/z"]),
        ("sudo -u root /opt/x.sh", ["/opt/x.sh"]),
        ("su - bob -c '/opt/x.sh --now'", ["/opt/x.sh"]),
        ("if /bin/a; then /bin/b; else /bin/c; fi", ["/bin/a", "/bin/b", "/bin/c"]),
        ("(cd /srv; /usr/local/bin/python3 tool.py)", ["/usr/local/bin/python3", "/srv/tool.py"]),
        ("/usr/bin/python3 -m http.server", []),
        ('/bin/a "$(/bin/b x)" `/bin/c`', ["/bin/b", "/bin/c", "/bin/a"]),
        ("/bin/a%input /bin/b", ["/bin/a"]),
        (". /etc/env; /bin/a", ["/etc/env", "/bin/a"]),
        ("> /tmp/out /bin/a", ["/bin/a"]),
        ("run-parts /etc/cron.daily", ["/etc/cron.daily"]),
        ("", []),
    ],
)
def test_programs(command: str, expected: list[str]) -> None:
    found = Programs(command)
    assert (found.paths, found.unclear) == (expected, False)


@pytest.mark.parametrize(
    "command",
    [
        "$HOME/x",
        "./x.sh",
        "cd $X && ./x.sh",
        "eval /bin/a",
        "echo /bin/a | xargs /bin/b",
        "find / -exec /bin/a \\;",
        "~/bin/x",
        "bash x.sh",
        "cat /tmp/x | sh",
        "env -S '/bin/a b'",
        "sudo --user root /bin/a",
        "'unclosed",
        "x" * 5000,
    ],
)
def test_what_is_not_understood_is_said(command: str) -> None:
    assert Programs(command).unclear


@given(st.text(alphabet="ab/ $()`'\"|;&<>%\n-=[]{}", max_size=60))
def test_any_text_is_read(command: str) -> None:
    assert all(path.startswith("/") for path in Programs(command).paths)
