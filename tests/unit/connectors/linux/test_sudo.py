"""sudo: the grammar of sudoers, settings and rules."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xspm.connectors.linux import sudo
from xspm.connectors.linux.memory import MemorySource
from xspm.connectors.linux.sudoers import Sudoers, read_sudoers
from xspm.model.asset import Problem, Resource

if TYPE_CHECKING:
    from pathlib import Path

DEBIAN_12 = """\
#
# This file MUST be edited with the 'visudo' command as root.
#
Defaults\tenv_reset
Defaults\tmail_badpass
Defaults\tsecure_path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
Defaults\tuse_pty
# User alias specification
root\tALL=(ALL:ALL) ALL
%sudo\tALL=(ALL:ALL) ALL
@includedir /etc/sudoers.d
"""
RHEL_9 = """\
Defaults   !visiblepw
Defaults    always_set_home
Defaults    env_reset
Defaults    env_keep =  "COLORS DISPLAY HOSTNAME"
Defaults    env_keep += "MAIL QTDIR"
Defaults    secure_path = /sbin:/bin:/usr/sbin:/usr/bin
root\tALL=(ALL) \tALL
%wheel\tALL=(ALL)\tALL
# %wheel\tALL=(ALL)\tNOPASSWD: ALL
#includedir /etc/sudoers.d
"""


def read(
    files: dict[str, Any], commands: dict[str, Any] | None = None, *, live: bool = True, root: bool = True
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Settings, and rules by id."""
    found = list(sudo.collect(MemorySource(files, commands, live=live, root=root)))
    data = [item for item in found if isinstance(item, Resource)]
    rules = {item.id: item.data for item in data if item.type == "linux.sudo_rule"}
    return next(item.data for item in data if item.type == "linux.sudo"), rules


def rule(text: str) -> dict[str, Any]:
    """The one rule of a text."""
    (found,) = read({"/etc/sudoers": text})[1].values()
    return dict(found)


def test_debian() -> None:
    values, rules = read(
        {"/etc/sudoers": DEBIAN_12, "/etc/os-release": "ID=debian\n", "/etc/sudoers.d/README": "# none\n"}
    )
    assert sorted(rules) == ["/etc/sudoers:%sudo", "/etc/sudoers:root"]
    assert (values["use_pty"], values["timestamp_timeout_seconds"], values["password_timeout_seconds"]) == (
        True,
        900,
        None,
    )
    assert values["secure_path"][0] == "/usr/local/sbin"
    assert values["includes"] == ["/etc/sudoers", "/etc/sudoers.d/README"]
    assert values["unparsed_lines"] == []
    assert "use_pty" not in values["defaulted"]


def test_red_hat() -> None:
    values, rules = read({"/etc/sudoers": RHEL_9, "/etc/sudoers.d/admins": "ann ALL=(ALL) NOPASSWD: ALL\n"})
    assert values["timestamp_timeout_seconds"] == 300
    assert values["env_keep"] == ["COLORS", "DISPLAY", "HOSTNAME", "MAIL", "QTDIR"]
    assert values["visible_password"] is False
    assert rules["/etc/sudoers.d/admins:ann"]["passwordless_all"] is True
    assert rules["/etc/sudoers:%wheel"]["passwordless"] is False


def test_names_with_a_dot_or_a_tilde_are_skipped() -> None:
    files = {"/etc/sudoers": DEBIAN_12, "/etc/sudoers.d/a.conf": "x ALL=ALL\n", "/etc/sudoers.d/b~": "x ALL=ALL\n"}
    assert read(files)[0]["includes"] == ["/etc/sudoers"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a ALL=(ALL) NOPASSWD: ALL", {"passwordless_all": True, "all_commands": True, "as_root": True}),
        ("a ALL=NOPASSWD:/bin/ls, PASSWD: /bin/cat", {"passwordless_commands": ["/bin/ls"], "commands": ["/bin/ls", "/bin/cat"]}),
        ("a ALL=(www) /bin/ls", {"run_as_users": ["www"], "as_root": False, "all_commands": False}),
        ("a ALL=(www:adm) /bin/ls", {"run_as_users": ["www"], "run_as_groups": ["adm"]}),
        ("a ALL=(:adm) /bin/ls", {"run_as_users": [], "run_as_groups": ["adm"]}),
        ("a ALL=/bin/ls", {"run_as_users": ["root"], "as_root": True}),
        ("a, b , %c  h1,h2 = /bin/ls", {"users": ["a", "b", "%c"], "hosts": ["h1", "h2"]}),
        ('"%domain users" ALL=ALL', {"users": ["%domain users"]}),
        (r"%domain\ users ALL=ALL", {"users": ["%domain users"]}),
        ("#1000 ALL=ALL", {"users": ["#1000"]}),
        ("ALL ALL=ALL", {"all_users": True}),
        ("a ALL=ALL, !/bin/su", {"excludes_commands": True, "commands": ["ALL", "!/bin/su"]}),
        ("a ALL=/bin/ls /var/*", {"wildcard_commands": ["/bin/ls /var/*"]}),
        ("a ALL=SETENV: NOEXEC: /bin/ls", {"sets_environment": True, "no_exec": True}),
        ("a ALL=sha256:abcd= /bin/ls", {"commands": ["/bin/ls"]}),
        ("a ALL=CWD=/tmp TIMEOUT=5m NOPASSWD: /bin/ls", {"passwordless": True, "commands": ["/bin/ls"]}),
        (r"a ALL=/bin/x a\,b\:c", {"commands": [r"/bin/x a\,b\:c"]}),
        ("a ALL = \\\n  /bin/ls, \\\n  /bin/cat", {"commands": ["/bin/ls", "/bin/cat"]}),
        ("a ALL=/bin/run --password=hunter22", {"commands": ["/bin/run --password=(redacted)"]}),
        ("Cmnd_Alias X = /bin/a, /bin/b : Y = /bin/c\nUser_Alias U = a, b\nU ALL=X, Y", {"users": ["a", "b"], "commands": ["/bin/a", "/bin/b", "/bin/c"]}),
        ("Cmnd_Alias X = /bin/a, !/bin/b\na ALL=ALL, !X", {"commands": ["ALL", "!/bin/a", "/bin/b"]}),
        ("Runas_Alias R = www, db\na ALL=(R) ALL", {"run_as_users": ["db", "www"]}),
        ("Defaults:a !authenticate\na ALL=ALL", {"passwordless_all": True}),
        ("Defaults !authenticate\na ALL=ALL", {"passwordless_all": True}),
        ("Defaults !authenticate\na ALL=PASSWD: ALL", {"passwordless_all": False}),
        ("Defaults:b !authenticate\na ALL=ALL", {"passwordless_all": False}),
        ("Defaults!/bin/ls !authenticate\na ALL=/bin/ls", {"passwordless": True}),
        ("a ALL=ALL # NOPASSWD: ALL", {"passwordless": False}),
    ],
)  # fmt: skip
def test_rules(text: str, expected: dict[str, Any]) -> None:
    found = rule(text)
    assert {name: found[name] for name in expected} == expected


def test_several_hosts_in_one_line_are_several_rules() -> None:
    rules = read({"/etc/sudoers": "a h1 = /bin/ls : h2 = (www) NOPASSWD: /bin/cat\n"})[1]
    assert [(item["hosts"], item["passwordless"]) for item in rules.values()] == [(["h1"], False), (["h2"], True)]
    assert list(rules) == ["/etc/sudoers:a", "/etc/sudoers:a#2"]


@pytest.mark.parametrize(
    ("text", "field", "expected"),
    [
        ("Defaults timestamp_timeout=0", "timestamp_timeout_seconds", 0),
        ("Defaults timestamp_timeout=2.5", "timestamp_timeout_seconds", 150),
        ("Defaults timestamp_timeout=-1", "timestamp_timeout_seconds", None),
        ("Defaults !use_pty", "use_pty", False),
        ("Defaults use_pty, !authenticate", "authenticate", False),
        ('Defaults logfile="/var/log/sudo.log"', "log_file", "/var/log/sudo.log"),
        ("Defaults logfile=/var/log/sudo.log,use_pty", "log_file", "/var/log/sudo.log"),
        ("Defaults rootpw", "asks_password_of", "root"),
        ("Defaults targetpw", "asks_password_of", "target"),
        ("Defaults runaspw", "asks_password_of", "runas_default"),
        ("Defaults !lecture", "lecture", "never"),
        ("Defaults lecture=always", "lecture", "always"),
        ("Defaults !syslog", "syslog_facility", None),
        ("Defaults syslog=auth", "syslog_facility", "auth"),
        ("Defaults passwd_tries=1", "password_tries", 1),
        ('Defaults env_keep += "A B"\nDefaults env_keep -= A', "env_keep", ["B"]),
        ("Defaults use_pty\nDefaults !use_pty", "use_pty", False),
        ("Defaults !!use_pty", "use_pty", True),
    ],
)  # fmt: skip
def test_settings(text: str, field: str, expected: object) -> None:
    values = read({"/etc/sudoers": text})[0]
    assert values[field] == expected
    assert values["unparsed_lines"] == []


@pytest.mark.parametrize(("version", "expected"), [("1.9.13p3", False), ("1.9.15p5", True), ("1.10.0", True)])
def test_use_pty_became_the_default(version: str, expected: bool) -> None:  # noqa: FBT001
    values, _ = read({"/etc/sudoers": ""}, {"sudo -V": f"Sudo version {version}\n"})
    assert (values["version"], values["use_pty"]) == (version, expected)


def test_scoped_defaults_are_listed() -> None:
    text = 'User_Alias ADM = ann, bob\nDefaults:ADM !authenticate, logfile = "/x"\nDefaults>www requiretty\nDefaults@h1 insults\n'
    found = read({"/etc/sudoers": text})[0]["scoped_defaults"]
    assert [(item["scope"], item["subjects"], item["name"], item["negated"]) for item in found] == [
        ("user", ["ann", "bob"], "authenticate", True),
        ("user", ["ann", "bob"], "logfile", False),
        ("runas", ["www"], "requiretty", False),
        ("host", ["h1"], "insults", False),
    ]


@pytest.mark.parametrize(
    "text", ["nonsense", "a ALL", "a =", "Defaults", "User_Alias x = y", "@include", "a ALL=", "\x00\x01"]
)
def test_what_is_no_sudoers_is_named(text: str) -> None:
    assert read({"/etc/sudoers": text})[0]["unparsed_lines"] == ["/etc/sudoers:1"]


def test_not_installed() -> None:
    values, rules = read({})
    assert (values["installed"], rules) == (False, {})


def test_unreadable_rules_are_a_problem() -> None:
    found = list(sudo.collect(MemorySource({"/etc/sudoers": {"content": "", "denied": True}}, root=False)))
    problems = [item for item in found if isinstance(item, Problem)]
    assert [(item.kind, item.resource_types, item.hint) for item in problems] == [
        ("access", ("linux.sudo_rule",), "run as root (or with --sudo)")
    ]
    values = next(item.data for item in found if isinstance(item, Resource))
    assert values["installed"] is True
    assert "$unknown" in values["use_pty"]


def test_an_unreadable_include_leaves_the_settings_unknown_and_the_rules_that_are_read() -> None:
    files = {"/etc/sudoers": DEBIAN_12, "/etc/sudoers.d/x": {"content": "", "denied": True}}
    found = list(sudo.collect(MemorySource(files)))
    assert any(isinstance(item, Problem) for item in found)
    assert sum(isinstance(item, Resource) and item.type == "linux.sudo_rule" for item in found) == 2


@pytest.mark.parametrize(
    "text",
    [
        "@include /etc/sudoers\n",
        "User_Alias A = B\nUser_Alias B = A\nA ALL=ALL\n",
        "\n".join(f"Cmnd_Alias A{i} = A{i + 1}, A{i + 1}, /bin/x{i}" for i in range(60)) + "\na ALL = A0\n",
        "Defaults" + " " * 50_000 + "x",
        "Defaults:" + ", " * 20_000,
        "Defaults:" + "\\" * 20_001,
        "a ALL=" + ":" * 50_000,
        "a ALL=" + "(" * 50_000,
        "a" * 100_000,
        "a ALL = x : " + "b " * 30_000,
    ],
    ids=[
        "include loop",
        "alias loop",
        "alias bomb",
        "blanks",
        "commas",
        "backslashes",
        "colons",
        "parentheses",
        "long",
        "words",
    ],
)
def test_hostile_files_end(text: str) -> None:
    assert read({"/etc/sudoers": text})[0]["installed"] is True


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                '"',
                "\\",
                "(",
                ")",
                ":",
                ",",
                "=",
                "!",
                "#",
                "@",
                " ",
                "\n",
                "ALL",
                "a",
                "NOPASSWD:",
                "Defaults",
                "Cmnd_Alias",
                "A",
            ]
        )
    ).map("".join)
)
def test_no_text_crashes_the_reader(text: str) -> None:
    assert isinstance(read_sudoers(MemorySource({"/etc/sudoers": text}), "/etc/sudoers"), Sudoers)


@pytest.mark.skipif(shutil.which("visudo", path="/usr/sbin:/usr/bin") is None, reason="visudo is not installed")
@pytest.mark.parametrize(
    "text",
    [
        DEBIAN_12.replace("@includedir /etc/sudoers.d\n", ""),
        RHEL_9.replace("#includedir /etc/sudoers.d\n", ""),
        "a ALL=CWD=/tmp TIMEOUT=5m NOPASSWD: /bin/ls\n",
        "a h1 = /bin/ls : h2 = (www) NOPASSWD: /bin/cat\n",
        "Cmnd_Alias X = /bin/a, /bin/b : Y = /bin/c\na ALL=X, !Y\n",
        "Defaults:a,b !authenticate, timestamp_timeout=0\na ALL=/bin/x a\\,b\\:c\n",
    ],
)
def test_what_we_read_visudo_takes(text: str, tmp_path: Path) -> None:
    """The examples of this file are sudoers for sudo too."""
    path = tmp_path / "sudoers"
    path.write_text(text)
    run = subprocess.run(["/usr/sbin/visudo", "-c", "-f", str(path)], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    assert read({"/etc/sudoers": text})[0]["unparsed_lines"] == []


BROKEN = [
    "a ALL=(ALL ALL",
    "a ALL=(ALL:ALL ALL",
    "a ALL=(ALL",
    "a ALL=(ALL) ALL)",
    "a ALL=((ALL)) ALL",
    "a ALL=(b,) ALL",
    "a (ALL)=ALL",
    "a ALL=(ALL) NOPASSWD ALL",
    "a ALL=(ALL) ALL ALL",
    "a ALL=ls",
    "a ALL=/bin/ls,",
    "a ALL=/bin/ls,,/bin/cat",
    "a ALL=/bin/ls : h2",
    "a ALL=/bin/x b:c",
    '"a ALL=ALL',
    'a ALL=(ALL) "ALL',
    'Defaults secure_path="/bin',
    "Defaults lecture=a b",
    "Defaults lecture,",
    'User_Alias A = b, "c',
    "User_Alias A = ",
    "User_Alias ALL = b",
    "Cmnd_Alias C = ls",
    "Cmnd_Alias C = /bin/ls, (x",
]
WHOLE = [
    "a ALL=(:adm) /bin/ls, (b, c : d) /bin/cat",
    'a ALL=("x y") /bin/x "y z", () ALL',
    "a ALL=/bin/x -o(a), /bin/x a\\:b",
    "a ALL=/bin/ls : fe80\\:\\:1 = sudoedit /etc/x, list",
    "a ALL=CWD=/x NOPASSWD : !/bin/su, ! /bin/sh",
    'Defaults passprompt="x\\"y", badpass_message=a\\ b, env_keep += "A B", !syslog',
    "Cmd_Alias C = /bin/x a\\,b : D = !C, ALL",
]


@pytest.mark.parametrize("text", BROKEN)
def test_a_line_that_sudo_refuses_is_named_and_makes_no_rule(text: str) -> None:
    values, rules = read({"/etc/sudoers": f"root ALL=ALL\n{text}\n"})
    assert values["unparsed_lines"] == ["/etc/sudoers:2"]
    assert list(rules) == ["/etc/sudoers:root"]


@pytest.mark.parametrize("text", [*WHOLE, "a ALL=/bin/x ^a:b$, ^/bin/a.*$"])
def test_a_line_that_sudo_takes_is_not_named(text: str) -> None:
    assert read({"/etc/sudoers": text})[0]["unparsed_lines"] == []


@pytest.mark.skipif(shutil.which("visudo", path="/usr/sbin:/usr/bin") is None, reason="visudo is not installed")
@pytest.mark.parametrize(("text", "taken"), [*((text, False) for text in BROKEN), *((text, True) for text in WHOLE)])
def test_visudo_says_the_same(text: str, tmp_path: Path, *, taken: bool) -> None:
    path = tmp_path / "sudoers"
    path.write_text(f"{text}\n")
    run = subprocess.run(["/usr/sbin/visudo", "-c", "-f", str(path)], capture_output=True, text=True, check=False)
    assert (run.returncode == 0) == taken, run.stderr


@pytest.mark.parametrize("name", ["web-1\n", "web-1.example.org\n"])
def test_an_include_by_host_name(name: str) -> None:
    files = {
        "/etc/sudoers": "#include /etc/sudoers.%h\n",
        "/etc/sudoers.web-1": "bob ALL=(ALL) NOPASSWD: ALL\n",
        "/etc/hostname": name,
    }
    data, rules = read(files, live=False)
    assert data["includes"] == ["/etc/sudoers", "/etc/sudoers.web-1"]
    assert [item["passwordless_all"] for item in rules.values()] == [True]
    assert read({**files, "/etc/hostname": "db"}, live=False)[0]["unparsed_lines"] == ["/etc/sudoers:1"]


@pytest.mark.parametrize("word", ["#include", "@includedir"])
def test_an_include_by_an_unknown_host_name(word: str) -> None:
    found = list(sudo.collect(MemorySource({"/etc/sudoers": f"{word} /etc/sudoers.%h\n"}, live=False)))
    (problem,) = (item for item in found if isinstance(item, Problem))
    assert problem.resource_types == ("linux.sudo_rule",)
    assert "host name" in problem.message
    (data,) = (item.data for item in found if isinstance(item, Resource))
    assert "$unknown" in data["env_reset"]


def test_aliases_nested_too_deep() -> None:
    chain = "".join(f"Cmnd_Alias C{number} = C{number + 1}\n" for number in range(5000))
    text = f"{chain}Cmnd_Alias C5000 = /bin/sh\nbob ALL=(ALL) NOPASSWD: C0\n"
    found = list(sudo.collect(MemorySource({"/etc/sudoers": text})))
    (problem,) = (item for item in found if isinstance(item, Problem))
    assert (problem.kind, problem.resource_types) == ("limit", ("linux.sudo_rule",))
    assert problem.message == "/etc/sudoers: more than 100 aliases within one another"
    (data,) = (item.data for item in found if isinstance(item, Resource))
    assert "$unknown" in data["env_reset"]
