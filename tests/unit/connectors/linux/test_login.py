"""login.defs, shell profiles, root's PATH and the banners."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from xspm.connectors.linux import login
from xspm.connectors.linux.memory import MemorySource
from xspm.model.asset import Resource

if TYPE_CHECKING:
    from collections.abc import Callable

DEBIAN_12 = """\
MAIL_DIR        /var/mail
FAILLOG_ENAB\t\tyes
LOG_UNKFAIL_ENAB\tno
ENV_SUPATH\tPATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
ENV_PATH\tPATH=/usr/local/bin:/usr/bin:/bin:/usr/local/games:/usr/games
UMASK\t\t022
#HOME_MODE\t0700
PASS_MAX_DAYS\t99999
PASS_MIN_DAYS\t0
PASS_WARN_AGE\t7
UID_MIN\t\t\t 1000
UID_MAX\t\t\t60000
USERGROUPS_ENAB yes
ENCRYPT_METHOD SHA512
"""
DEBIAN_PROFILE = """\
if [ "$(id -u)" -eq 0 ]; then
  PATH="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
else
  PATH="/usr/local/bin:/usr/bin:/bin:/usr/local/games:/usr/games"
fi
export PATH
"""


def read(files: dict[str, Any], kind: str, *, root: bool = True) -> dict[str, Any]:
    """The one resource of a type."""
    found = login.collect(MemorySource(files, root=root))
    return next(item.data for item in found if isinstance(item, Resource) and item.type == f"linux.{kind}")


@pytest.mark.parametrize(
    ("text", "field", "expected"),
    [
        (DEBIAN_12, "pass_max_days", 99999),
        (DEBIAN_12, "pass_min_days", 0),
        (DEBIAN_12, "encrypt_method", "SHA512"),
        (DEBIAN_12, "umask", "0022"),
        (DEBIAN_12, "umask_denies_group_write", True),
        (DEBIAN_12, "umask_denies_others", False),
        (DEBIAN_12, "home_mode", "0755"),
        (DEBIAN_12, "home_mode_denies_others", False),
        (DEBIAN_12, "log_failed_logins", True),
        (DEBIAN_12, "super_path", ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"]),
        ("PASS_MAX_DAYS -1", "pass_max_days", None),
        ("PASS_MAX_DAYS 365 # a year", "pass_max_days", 365),
        ("UMASK 027", "umask_denies_others", True),
        ("UMASK 077\nHOME_MODE 0750", "home_mode", "0750"),
        ("UMASK junk", "umask", "0022"),
        ("encrypt_method yescrypt", "encrypt_method", "DES"),
        ("ENCRYPT_METHOD yescrypt", "encrypt_method", "YESCRYPT"),
        ('ENCRYPT_METHOD "SHA256"', "encrypt_method", "SHA256"),
    ],
)
def test_login_defs(text: str, field: str, expected: object) -> None:
    assert read({"/etc/login.defs": text}, "login_defs")[field] == expected


def test_useradd() -> None:
    files = {"/etc/login.defs": "", "/etc/default/useradd": "SHELL=/bin/sh\nINACTIVE=30\nEXPIRE=\n"}
    data = read(files, "login_defs")
    assert (data["useradd_inactive_days"], data["useradd_shell"], data["useradd_expires"]) == (30, "/bin/sh", None)
    never = read(files | {"/etc/default/useradd": "INACTIVE=-1"}, "login_defs")
    assert never["useradd_inactive_days"] is None
    denied = read(files | {"/etc/default/useradd": {"content": "", "denied": True}}, "login_defs")
    assert "$unknown" in denied["useradd_shell"]


def test_login_defs_that_is_not_there_or_denied() -> None:
    assert read({}, "login_defs")["installed"] is False
    assert read({"/usr/etc/login.defs": "UMASK 027"}, "login_defs")["umask"] == "0027"
    denied = read({"/etc/login.defs": {"content": "", "denied": True}}, "login_defs")
    assert (denied["installed"], "$unknown" in denied["umask"]) == (True, True)


@pytest.mark.parametrize(
    ("text", "field", "expected"),
    [
        ("umask 027", "umask", "0027"),
        ("if true; then umask 077; fi", "umask", "0077"),
        ("umask u=rwx,g=rx,o=", "umask", "0027"),
        ("umask 022\numask 027", "umasks_deny_others", False),
        ("umask 027\numask 077", "umasks_deny_others", True),
        ("# umask 000", "umask", None),
        ("", "umasks_deny_others", None),
        ("TMOUT=900\nreadonly TMOUT\nexport TMOUT", "timeout_seconds", 900),
        ("TMOUT=900\nreadonly TMOUT\nexport TMOUT", "timeout_read_only", True),
        ("TMOUT=900\nreadonly TMOUT\nexport TMOUT", "timeout_exported", True),
        ("declare -xr TMOUT=600", "timeout_read_only", True),
        ("export TMOUT=600; readonly TMOUT", "timeout_seconds", 600),
        ("TMOUT=600\nTMOUT=0", "timeout_seconds", 0),
        ("", "timeout_seconds", None),
    ],
)
def test_profiles(text: str, field: str, expected: object) -> None:
    assert read({"/etc/profile": text}, "shell_profile")[field] == expected


def test_what_a_profile_computes_is_unknown() -> None:
    data = read({"/etc/profile": "umask $MASK\nTMOUT=$T\n", "/etc/bashrc": "umask 027\n"}, "shell_profile")
    for field in ("umask", "umasks_deny_others", "timeout_seconds"):
        assert data[field] == {"$unknown": "a profile computes it", "cause": "format"}
    assert data["umasks"] == [{"value": "0027", "file": "/etc/bashrc", "line": 1}]
    denied = read({"/etc/profile": {"content": "", "denied": True}}, "shell_profile")
    assert "$unknown" in denied["umask"]


def path_of(files: dict[str, Any]) -> list[str]:
    """Directories of root's PATH."""
    return [entry["path"] for entry in read(files, "root_environment")["path"]]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, []),
        ({"/etc/login.defs": "ENV_SUPATH PATH=/sbin:/bin\n"}, ["/sbin", "/bin"]),
        ({"/etc/environment": 'PATH="/a:/b"\n'}, ["/a", "/b"]),
        ({"/etc/environment": "PATH=/a", "/root/.profile": "PATH=$PATH:/opt/bin"}, ["/a", "/opt/bin"]),
        ({"/etc/environment": "PATH=/a", "/root/.bashrc": "export PATH=.:${PATH}"}, [".", "/a"]),
        ({"/root/.profile": "PATH=/a::/b"}, ["/a", "", "/b"]),
        (
            {"/etc/profile": DEBIAN_PROFILE},
            [
                "/usr/local/sbin",
                "/usr/local/bin",
                "/usr/sbin",
                "/usr/bin",
                "/sbin",
                "/bin",
                "/usr/local/games",
                "/usr/games",
            ],
        ),
        ({"/etc/profile": "PATH=/a", "/root/.bashrc": "PATH=/b"}, ["/b"]),
    ],
)
def test_root_path(files: dict[str, Any], expected: list[str]) -> None:
    assert path_of(files) == expected


def test_entries_of_the_path() -> None:
    files = {
        "/root/.profile": "PATH=/bin:.:/open:/gone:/file\numask 077\n",
        "/bin/ls": "",
        "/open": {"kind": "directory", "mode": "0777", "uid": 1000},
        "/file": "",
        "/etc/passwd": "root:x:0:0::/root:/bin/zsh\n",
    }
    data = read(files, "root_environment")
    entries = {entry["path"]: entry for entry in data["path"]}
    assert (data["shell"], data["umask"], data["path_source"]) == ("/bin/zsh", "0077", "/root/.profile")
    assert (entries["/open"]["world_writable"], entries["/open"]["uid"]) == (True, 1000)
    assert (entries["."]["absolute"], entries["."]["exists"]) == (False, False)
    assert (entries["/gone"]["exists"], entries["/file"]["directory"]) == (False, False)


def test_a_computed_path_is_unknown() -> None:
    data = read({"/root/.profile": "PATH=$HOME/bin:$PATH\n"}, "root_environment")
    assert data["path"] == {"$unknown": "PATH is computed in /root/.profile:1", "cause": "format"}
    denied = read({"/root/.profile": {"content": "", "denied": True}}, "root_environment", root=False)
    assert "$unknown" in denied["path"]


@pytest.mark.parametrize(
    ("text", "empty", "shows"),
    [
        ("Debian GNU/Linux 12 \\n \\l\n", False, True),
        ("Authorised use only.\n", False, False),
        ("\\S\nKernel \\r on an \\m\n", False, True),
        ("\\n \\l\n", False, False),
        (" \n", True, False),
    ],
)
def test_banners(text: str, empty: bool, shows: bool) -> None:  # noqa: FBT001
    files = {"/etc/issue": text, "/etc/os-release": 'ID=debian\nNAME="Debian GNU/Linux"\n'}
    assert read(files, "banner") == {"path": "/etc/issue", "exists": True, "empty": empty, "shows_system": shows}


def test_a_banner_that_is_not_there() -> None:
    assert read({}, "banner") == {"path": "/etc/issue", "exists": False, "empty": True, "shows_system": False}


@pytest.mark.parametrize(
    ("release", "text", "shows"),
    [
        ({}, "Debian GNU/Linux 12\n", True),
        ({}, "Authorised use only.\n", None),
        ({"/etc/os-release": {"kind": "fifo"}}, "Welcome to Homegrown\n", None),
        ({"/usr/lib/os-release": "ID=homegrown\n"}, "Welcome to Homegrown\n", True),
        ({"/usr/lib/os-release": "ID=homegrown\n"}, "Authorised use only.\n", False),
    ],
)
def test_banner_of_a_system_that_does_not_say_what_it_is(
    read: Callable[..., Any],
    release: dict[str, Any],
    text: str,
    shows: bool | None,  # noqa: FBT001
) -> None:
    found = read("linux.banner", {"/etc/issue": text, **release})["/etc/issue"]["shows_system"]
    assert (found if isinstance(found, bool) else None) is shows


def test_a_masked_profile_is_an_empty_one(read: Callable[..., Any]) -> None:
    files = {
        "/etc/profile": "umask 027\n",
        "/etc/profile.d/x.sh": {"link": "/dev/null"},
        "/dev/null": {"kind": "char", "mode": "0666"},
    }
    assert read("linux.shell_profile", files)["shell_profile"]["umask"] == "0027"
