"""Users and groups from the four account files."""

from __future__ import annotations

from typing import Any

import pytest

from xspm.connectors.linux import password_hashes, users
from xspm.connectors.linux.memory import MemorySource
from xspm.model.asset import Problem, Resource

PASSWD = """\
root:x:0:0:root:/root:/bin/bash
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
alice:x:1000:1000:Alice,,,:/home/alice:/bin/bash
bob:x:1001:1001::/home/bob:
"""
GROUP = "root:x:0:\ndaemon:x:1:\nshadow:x:42:bob\nsudo:x:27:alice,bob\nalice:x:1000:\nbob:!:1001:\nnogroup:x:65534:\n"
SHADOW = """\
root:$y$j9T$abcdefghijklmnop$qrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456:20000:0:99999:7:::
daemon:*:19000:0:99999:7:::
nobody:*:19000:0:99999:7:::
alice:!$6$salt$0123456789abcdef0123456789abcdef:20100:1:365:14:30:21000:
bob::0:0:99999:7:::
"""
GSHADOW = "root:*::\ndaemon:*::\nshadow:*::bob\nsudo:!:alice:alice,bob\nalice:!::\nbob:$6$salt$0123456789abcdef::\nnogroup:*::\n"
FILES: dict[str, Any] = {
    "/etc/passwd": PASSWD,
    "/etc/group": GROUP,
    "/etc/shadow": {"content": SHADOW, "mode": "0640", "gid": 42},
    "/etc/gshadow": GSHADOW,
    "/etc/login.defs": "UID_MIN 1000\nUID_MAX 60000\n",
    "/home/alice": {"kind": "directory", "mode": "0755", "uid": 1000, "gid": 1000},
    "/home/alice/.ssh/authorized_keys": "# laptop\nssh-ed25519 AAAA alice\n\nssh-rsa AAAA alice\n",
}


def read(files: dict[str, Any], *, live: bool = True, root: bool = True) -> dict[str, dict[str, Any]]:
    """Collect, by `type id`; problems under `problem`."""
    found: dict[str, dict[str, Any]] = {}
    for item in users.collect(MemorySource(files, live=live, root=root)):
        if isinstance(item, Problem):
            found.setdefault("problem", {})[item.message] = item
        else:
            assert isinstance(item, Resource)
            found[f"{item.type} {item.id}"] = item.data
    return found


def test_a_user_with_everything() -> None:
    assert read(FILES)["linux.user alice"] == {
        "name": "alice",
        "uid": 1000,
        "gid": 1000,
        "primary_group": "alice",
        "groups": ["alice", "sudo"],
        "kind": "human",
        "home": "/home/alice",
        "home_directory": {
            "mode": "0755",
            "uid": 1000,
            "gid": 1000,
            "group_writable": False,
            "world_access": True,
            "authorized_keys": 2,
        },
        "shell": "/bin/bash",
        "login_shell": True,
        "shadowed": True,
        "password": "locked",
        "hash_algorithm": "sha512",
        "password_changed": "2025-01-12T00:00:00Z",
        "password_must_change": False,
        "password_min_days": 1,
        "password_max_days": 365,
        "password_warn_days": 14,
        "password_inactive_days": 30,
        "account_expires": "2027-07-01T00:00:00Z",
    }


@pytest.mark.parametrize(
    ("user", "field", "expected"),
    [
        ("root", "kind", "root"),
        ("root", "hash_algorithm", "yescrypt"),
        ("root", "password", "set"),
        ("daemon", "kind", "system"),
        ("daemon", "password", "none"),
        ("daemon", "login_shell", False),
        ("daemon", "home_directory", None),
        ("nobody", "kind", "system"),
        ("bob", "password", "empty"),
        ("bob", "password_must_change", True),
        ("bob", "password_changed", None),
        ("bob", "shell", "/bin/sh"),
        ("bob", "home_directory", None),
    ],
)
def test_fields(user: str, field: str, expected: object) -> None:
    assert read(FILES)[f"linux.user {user}"][field] == expected


@pytest.mark.parametrize(
    ("secret", "state", "algorithm"),
    [
        ("", "empty", None),
        ("*", "none", None),
        ("!", "none", None),
        ("!!", "none", None),
        ("*LK*", "none", None),
        ("x", "none", None),
        ("$y$j9T$salt$hashhashhash", "set", "yescrypt"),
        ("!$y$j9T$salt$hashhashhash", "locked", "yescrypt"),
        ("$gy$j9T$salt$hashhashhash", "set", "gost_yescrypt"),
        ("$7$CU..../salt$hashhash", "set", "scrypt"),
        ("$2b$05$0123456789012345678901", "set", "bcrypt"),
        ("$6$salt$hashhashhash", "set", "sha512"),
        ("$5$salt$hashhashhash", "set", "sha256"),
        ("$1$salt$hashhashhash", "set", "md5"),
        ("$md5,rounds=5000$salt$$hash", "set", "sun_md5"),
        ("$9$unheard$of$hashing", "set", "unrecognised"),
        ("_J9..rasmBYk8r9AiWNc", "set", "bsdi"),
        ("ab0123456789.", "set", "des"),
    ],
)
def test_password_states(secret: str, state: str, algorithm: str | None) -> None:
    assert (password_hashes.password_state(secret), password_hashes.hash_algorithm(secret)) == (state, algorithm)


def test_groups() -> None:
    found = read(FILES)
    assert found["linux.group sudo"] == {
        "name": "sudo",
        "gid": 27,
        "kind": "system",
        "members": ["alice", "bob"],
        "listed_members": ["alice", "bob"],
        "administrators": ["alice"],
        "password": "none",
    }
    assert found["linux.group bob"]["password"] == "set"
    assert found["linux.group alice"]["members"] == ["alice"]


def test_accounts_name_what_must_not_be() -> None:
    files = FILES | {
        "/etc/passwd": PASSWD + "toor::0:0::/root:/bin/sh\nbob:x:1000:4000::/:/bin/sh\n+::::::\nbroken line\n",
        "/etc/group": GROUP + "twin:x:27:\nroot:x:5:\n",
    }
    assert read(files)["linux.accounts accounts"] == {
        "uid_zero_names": ["root", "toor"],
        "gid_zero_user_names": ["root", "toor"],
        "gid_zero_member_names": [],
        "gid_zero_group_names": ["root"],
        "duplicate_uids": [0, 1000],
        "duplicate_gids": [27],
        "duplicate_user_names": ["bob"],
        "duplicate_group_names": ["root"],
        "unshadowed_names": ["toor"],
        "empty_password_names": ["bob", "toor"],
        "missing_in_shadow_names": [],
        "missing_primary_group_names": ["bob"],
        "shadow_group_members": ["bob"],
        "nis_entry_files": ["/etc/passwd"],
        "nis_databases": [],
        "malformed_lines": ["/etc/passwd:9"],
        "uid_min": 1000,
        "uid_max": 60000,
    }


def test_without_root_only_shadow_is_unknown() -> None:
    denied = {"content": "", "denied": True}
    found = read(FILES | {"/etc/shadow": denied, "/etc/gshadow": denied}, root=False)
    alice = found["linux.user alice"]
    assert alice["uid"] == 1000
    for field in ("password", "hash_algorithm", "password_max_days", "account_expires"):
        assert alice[field] == {"$unknown": "permission denied: /etc/shadow"}
    assert "$unknown" in found["linux.accounts accounts"]["empty_password_names"]
    assert found["linux.accounts accounts"]["uid_zero_names"] == ["root"]
    assert "$unknown" in found["linux.group sudo"]["password"]


def test_no_hash_ever_enters_a_resource() -> None:
    text = repr(read(FILES))
    for secret in ("abcdefghijklmnop", "0123456789abcdef", "$6$", "$y$"):
        assert secret not in text


def test_nothing_to_read_is_a_problem() -> None:
    problems = read({})["problem"]
    assert sorted(problems) == ["does not exist: /etc/group", "does not exist: /etc/passwd"]


def test_hostile_files_are_read_in_linear_time() -> None:
    """100,000 accounts and binary noise end quickly."""
    passwd = "".join(f"u{number}:x:{number}:{number}::/nonexistent:/bin/sh\n" for number in range(20_000))
    group = "".join(f"g{number}:x:{number}:u{number},u1\n" for number in range(20_000))
    found = read({"/etc/passwd": passwd + "\0\x1b[31m:x:y\n" + "a" * 100_000, "/etc/group": group})
    assert len(found["linux.user u1"]["groups"]) == 20_000
    assert len(found["linux.accounts accounts"]["malformed_lines"]) == 2
