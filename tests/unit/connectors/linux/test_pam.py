"""PAM: stacks with their includes, and the policy on Debian, RHEL, SUSE and Alpine."""

from __future__ import annotations

from typing import Any

import pytest

from xspm.connectors.linux import pam
from xspm.connectors.linux.memory import MemorySource
from xspm.model.asset import Problem, Resource

DEBIAN = {
    "/etc/pam.d/common-auth": """\
auth\t[success=1 default=ignore]\tpam_unix.so nullok
auth\trequisite\t\t\tpam_deny.so
auth\trequired\t\t\tpam_permit.so
""",
    "/etc/pam.d/common-password": """\
password\t[success=1 default=ignore]\tpam_unix.so obscure yescrypt
password\trequisite\t\t\tpam_deny.so
password\trequired\t\t\tpam_permit.so
""",
    "/etc/pam.d/common-account": "account required pam_permit.so\n",
    "/etc/pam.d/login": "auth optional pam_faildelay.so delay=3000000\n@include common-auth\n@include common-account\n",
    "/etc/pam.d/passwd": "@include common-password\n",
    "/etc/pam.d/su": "auth sufficient pam_rootok.so\n# auth required pam_wheel.so\n@include common-auth\n",
    "/etc/pam.d/sshd": "@include common-auth\n",
}
DEBIAN_HARDENED = DEBIAN | {
    "/etc/pam.d/common-auth": """\
auth requisite pam_faillock.so preauth
auth [success=2 default=ignore] pam_unix.so try_first_pass
auth [default=die] pam_faillock.so authfail
auth requisite pam_deny.so
auth required pam_permit.so
""",
    "/etc/pam.d/common-password": """\
password requisite pam_pwquality.so retry=3
password requisite pam_pwhistory.so remember=24 enforce_for_root use_authtok
password [success=1 default=ignore] pam_unix.so obscure use_authtok try_first_pass yescrypt
password requisite pam_deny.so
""",
    "/etc/pam.d/su": "auth sufficient pam_rootok.so\nauth required pam_wheel.so use_uid group=sugroup\n@include common-auth\n",
    "/etc/security/pwquality.conf": "# minlen = 8\nminlen = 14\ndcredit = -1\nucredit=-1\nlcredit = -1\nenforce_for_root\n",
    "/etc/security/pwquality.conf.d/a.conf": "minlen = 20\ndifok = 4\n",
    "/etc/security/faillock.conf": "deny = 5\nunlock_time = 900\neven_deny_root\n",
    "/etc/group": "root:x:0:\nsugroup:x:1500:ann\n",
    "/etc/passwd": "ann:x:1000:1000::/:/bin/sh\nbob:x:1001:1500::/:/bin/sh\n",
}
RHEL = {
    "/etc/pam.d/system-auth": """\
auth        required                                     pam_env.so
auth        required                                     pam_faillock.so preauth silent
auth        [default=1 ignore=ignore success=ok]         pam_usertype.so isregular
auth        sufficient                                   pam_unix.so nullok
auth        required                                     pam_faillock.so authfail
auth        required                                     pam_deny.so
account     required                                     pam_faillock.so
password    requisite                                    pam_pwquality.so local_users_only
password    sufficient                                   pam_unix.so sha512 shadow nullok use_authtok
password    required                                     pam_deny.so
-session    optional                                     pam_systemd.so
""",
    "/etc/pam.d/passwd": "password substack system-auth\n-password optional pam_gnome_keyring.so use_authtok\n",
    "/etc/pam.d/login": "auth substack system-auth\nauth include postlogin\n",
    "/etc/pam.d/postlogin": "session optional pam_umask.so silent\n",
    "/etc/pam.d/sshd": "auth substack password-auth\n",
    "/etc/pam.d/password-auth": "auth sufficient pam_unix.so\n",
}


def policy(files: dict[str, Any], *, live: bool = True, root: bool = True) -> dict[str, Any]:
    """The policy."""
    found = pam.collect(MemorySource(files, live=live, root=root))
    return next(item.data for item in found if isinstance(item, Resource) and item.type == "linux.password_policy")


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (
            DEBIAN,
            {
                "installed": True,
                "quality_module": None,
                "quality_enforced": False,
                "min_length": None,
                "hash_algorithm": "yescrypt",
                "history_module": None,
                "remember": 0,
                "empty_passwords_accepted": True,
                "lockout_module": None,
                "lockout_enforced": False,
                "lockout_attempts": None,
                "fail_delay_seconds": 3,
                "su_restricted": False,
                "su_group": None,
            },
        ),
        (
            DEBIAN_HARDENED,
            {
                "quality_module": "pam_pwquality",
                "quality_enforced": True,
                "quality_enforced_for_root": True,
                "min_length": 14,
                "min_classes": 3,
                "min_different": 4,
                "digit_credit": -1,
                "dictionary_check": True,
                "retry": 3,
                "history_module": "pam_pwhistory",
                "remember": 24,
                "remember_for_root": True,
                "empty_passwords_accepted": False,
                "lockout_module": "pam_faillock",
                "lockout_enforced": True,
                "lockout_attempts": 5,
                "lockout_unlock_seconds": 900,
                "lockout_interval_seconds": 900,
                "lockout_root": True,
                "lockout_root_unlock_seconds": 900,
                "su_restricted": True,
                "su_use_uid": True,
                "su_group": "sugroup",
                "su_group_members": ["ann", "bob"],
            },
        ),
        (
            RHEL,
            {
                "quality_module": "pam_pwquality",
                "min_length": 8,
                "hash_algorithm": "sha512",
                "lockout_module": "pam_faillock",
                "lockout_enforced": False,
                "lockout_attempts": 3,
                "empty_passwords_accepted": True,
                "empty_password_services": ["login", "system-auth"],
            },
        ),
        (
            {
                "/usr/lib/pam.d/common-password": "password requisite pam_cracklib.so minlen=12 dcredit=-1\npassword required pam_unix.so remember=5 sha512\n",
                "/usr/lib/pam.d/passwd": "password include common-password\n",
                "/usr/lib/pam.d/su": "auth required pam_wheel.so\n",
                "/etc/group": "root:x:0:\nwheel:x:10:\n",
            },
            {
                "quality_module": "pam_cracklib",
                "min_length": 9,
                "history_module": "pam_unix",
                "remember": 5,
                "su_group": "wheel",
                "su_group_members": [],
                "su_use_uid": False,
            },
        ),
    ],
    ids=["debian", "debian hardened", "rhel", "suse"],
)  # fmt: skip
def test_policies(files: dict[str, Any], expected: dict[str, Any]) -> None:
    found = policy(files)
    assert {name: found[name] for name in expected} == expected


def test_alpine_has_no_pam() -> None:
    found = policy({"/etc/passwd": ""})
    assert found["installed"] is False
    assert found["min_length"] == {"$unknown": "PAM is not installed", "cause": "missing"}


def test_defaults_are_named() -> None:
    assert "min_length" in policy(RHEL)["defaulted"]
    assert "min_length" not in policy(DEBIAN_HARDENED)["defaulted"]


@pytest.mark.parametrize(
    ("arguments", "field", "expected"),
    [
        ("minlen=16", "min_length", 16),
        ("minclass=4", "min_classes", 4),
        ("dictcheck=0", "dictionary_check", False),
        ("enforcing=0", "quality_enforced", False),
        ("enforce_for_root", "quality_enforced_for_root", True),
        ("minlen=junk", "min_length", 8),
    ],
)
def test_arguments_win_over_files(arguments: str, field: str, expected: object) -> None:
    files = {
        "/etc/pam.d/passwd": f"password requisite pam_pwquality.so {arguments}\n",
        "/etc/security/pwquality.conf": "minlen = 9\n" if arguments == "minlen=16" else "",
    }
    assert policy(files)[field] == expected


def test_passwdqc_takes_the_shortest_length_it_allows() -> None:
    assert (
        policy({"/etc/pam.d/passwd": "password requisite pam_passwdqc.so min=disabled,24,12,8,7\n"})["min_length"] == 7
    )


@pytest.mark.parametrize(
    ("control", "expected"),
    [
        ("required", True),
        ("requisite", True),
        ("sufficient", False),
        ("optional", False),
        ("[success=1 default=ignore]", False),
        ("[success=ok default=die]", True),
        ("[success=ok]", True),
    ],
)
def test_who_rejects(control: str, expected: bool) -> None:  # noqa: FBT001
    assert policy({"/etc/pam.d/passwd": f"password {control} pam_pwquality.so\n"})["quality_enforced"] is expected


def test_unlock_time_never() -> None:
    text = "auth required pam_faillock.so preauth deny=3 unlock_time=never\nauth required pam_faillock.so authfail\n"
    found = policy({"/etc/pam.d/login": text})
    assert (found["lockout_unlock_seconds"], found["lockout_enforced"]) == (0, True)


def test_stacks_hold_their_includes_in_place() -> None:
    found = {item.id: item.data for item in pam.collect(MemorySource(DEBIAN)) if isinstance(item, Resource)}
    rules = found["login"]["rules"]
    assert [(rule["phase"], rule["module"]) for rule in rules] == [
        ("auth", "pam_faildelay"),
        ("auth", "pam_unix"),
        ("auth", "pam_deny"),
        ("auth", "pam_permit"),
        ("account", "pam_permit"),
    ]
    assert rules[1]["file"] == "/etc/pam.d/common-auth"
    assert rules[1]["control"] == "[success=1 default=ignore]"


def test_loops_and_missing_includes_are_named() -> None:
    files = {"/etc/pam.d/a": "@include b\n@include none\n", "/etc/pam.d/b": "@include a\nauth required pam_unix.so\n"}
    found = {item.id: item.data for item in pam.collect(MemorySource(files)) if isinstance(item, Resource)}
    assert found["a"]["missing_includes"] == ["a", "none"]


def test_multiplying_includes_end() -> None:
    files = {f"/etc/pam.d/s{i}": f"@include s{i + 1}\n" * 1000 for i in range(10)}
    found = {item.id: item.data for item in pam.collect(MemorySource(files)) if isinstance(item, Resource)}
    assert found["s0"]["rules"]["cause"] == "limit"


def test_unreadable_files_are_unknown() -> None:
    denied = {"content": "", "denied": True}
    found = policy(DEBIAN_HARDENED | {"/etc/security/pwquality.conf": denied, "/etc/security/faillock.conf": denied})
    assert "$unknown" in found["min_length"]
    assert "$unknown" in found["lockout_attempts"]
    assert "$unknown" in policy(DEBIAN | {"/etc/pam.d/common-auth": denied})["empty_passwords_accepted"]
    folder = {"/etc/pam.d": {"kind": "directory", "denied": True}}
    assert any(isinstance(item, Problem) for item in pam.collect(MemorySource(folder)))
    assert "$unknown" in policy(folder)["min_length"]
