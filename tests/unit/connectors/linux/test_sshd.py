"""sshd: files, `sshd -T`, defaults by version, Match blocks and host keys."""

from __future__ import annotations

from typing import Any

import pytest

from xspm.connectors.linux import ssh_host_keys, sshd
from xspm.connectors.linux.memory import MemorySource
from xspm.connectors.linux.sshd_config import Config, read_config
from xspm.connectors.linux.sshd_defaults import algorithms, parse_version
from xspm.connectors.linux.sshd_keywords import span, split
from xspm.model.asset import Problem, Resource

DEBIAN_12 = """\
# This is the sshd server system-wide configuration file.
Include /etc/ssh/sshd_config.d/*.conf
#PermitRootLogin prohibit-password
KbdInteractiveAuthentication no
UsePAM yes
X11Forwarding yes
PrintMotd no
AcceptEnv LANG LC_*
Subsystem\tsftp\t/usr/lib/openssh/sftp-server
"""
RHEL_9 = "Include /etc/ssh/sshd_config.d/*.conf\nAuthorizedKeysFile\t.ssh/authorized_keys\nSubsystem sftp /usr/libexec/openssh/sftp-server\n"
RHEL_9_DROP_IN = """\
Include /etc/crypto-policies/back-ends/opensshserver.config
SyslogFacility AUTHPRIV
ChallengeResponseAuthentication no
GSSAPIAuthentication yes
GSSAPICleanupCredentials no
UsePAM yes
X11Forwarding yes
PrintMotd no
"""
CRYPTO_POLICY = """\
Ciphers aes256-gcm@openssh.com,chacha20-poly1305@openssh.com,aes256-ctr
MACs hmac-sha2-256-etm@openssh.com,hmac-sha1-etm@openssh.com
GSSAPIKexAlgorithms gss-curve25519-sha256-
KexAlgorithms curve25519-sha256,ecdh-sha2-nistp256
HostKeyAlgorithms ecdsa-sha2-nistp256,rsa-sha2-256
PubkeyAcceptedAlgorithms ecdsa-sha2-nistp256,rsa-sha2-256
CASignatureAlgorithms ecdsa-sha2-nistp256
RequiredRSASize 2048
"""
ALPINE = "AuthorizedKeysFile .ssh/authorized_keys\nAllowTcpForwarding no\nGatewayPorts no\nX11Forwarding no\nSubsystem sftp internal-sftp\n"


def read(
    files: dict[str, Any], commands: dict[str, Any] | None = None, *, live: bool = True, root: bool = True
) -> dict[str, Any]:
    """The settings."""
    found = {
        item.id: item
        for item in sshd.collect(MemorySource(files, commands, live=live, root=root))
        if isinstance(item, Resource)
    }
    return found["sshd"].data


def config(text: str, **others: str) -> dict[str, Any]:
    """The settings of a main file, and others below /etc/ssh/sshd_config.d."""
    files = {f"/etc/ssh/sshd_config.d/{name}.conf": body for name, body in others.items()}
    return read({"/etc/ssh/sshd_config": text, **files})


@pytest.mark.parametrize(
    ("files", "field", "expected"),
    [
        ({"/etc/ssh/sshd_config": DEBIAN_12}, "permit_root_login", "prohibit-password"),
        ({"/etc/ssh/sshd_config": DEBIAN_12}, "x11_forwarding", True),
        ({"/etc/ssh/sshd_config": DEBIAN_12}, "use_pam", True),
        ({"/etc/ssh/sshd_config": DEBIAN_12}, "subsystems", {"sftp": "/usr/lib/openssh/sftp-server"}),
        ({"/etc/ssh/sshd_config": DEBIAN_12}, "accept_env", ["LANG", "LC_*"]),
        (
            {
                "/etc/ssh/sshd_config": DEBIAN_12,
                "/etc/ssh/sshd_config.d/50-cloud-init.conf": "PasswordAuthentication no\n",
            },
            "password_authentication",
            False,
        ),
        (
            {
                "/etc/ssh/sshd_config": RHEL_9,
                "/etc/ssh/sshd_config.d/50-redhat.conf": RHEL_9_DROP_IN,
                "/etc/crypto-policies/back-ends/opensshserver.config": CRYPTO_POLICY,
            },
            "ciphers",
            ["aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com", "aes256-ctr"],
        ),
        (
            {
                "/etc/ssh/sshd_config": RHEL_9,
                "/etc/ssh/sshd_config.d/50-redhat.conf": RHEL_9_DROP_IN,
                "/etc/crypto-policies/back-ends/opensshserver.config": {
                    "link": "/usr/share/crypto-policies/DEFAULT/opensshserver.txt"
                },
                "/usr/share/crypto-policies/DEFAULT/opensshserver.txt": CRYPTO_POLICY,
            },
            "required_rsa_bits",
            2048,
        ),
        ({"/etc/ssh/sshd_config": ALPINE}, "allow_tcp_forwarding", "no"),
        ({"/usr/etc/ssh/sshd_config": "PermitRootLogin yes\n"}, "permit_root_login", "yes"),
        ({"/usr/sbin/sshd": {"content": "", "mode": "0755"}}, "max_auth_tries", 6),
    ],
)
def test_distributions(files: dict[str, Any], field: str, expected: object) -> None:
    data = read(files)
    assert (data["installed"], data["source"], data[field]) == (True, "files", expected)


@pytest.mark.parametrize(
    ("text", "field", "expected"),
    [
        ("PermitRootLogin no\nPermitRootLogin yes\n", "permit_root_login", "no"),
        ("permitrootlogin=no", "permit_root_login", "no"),
        ("PERMITROOTLOGIN = without-password", "permit_root_login", "prohibit-password"),
        ('PermitRootLogin "no"  # not at all', "permit_root_login", "no"),
        ("PermitRootLogin no\r\nMaxAuthTries 3\r\n", "max_auth_tries", 3),
        ("LoginGraceTime 1h30m", "login_grace_time_seconds", 5400),
        ("LoginGraceTime 2m", "login_grace_time_seconds", 120),
        ("MaxStartups 5:50:20", "max_startups_full", 20),
        ("MaxStartups 5", "max_startups_full", 5),
        ("MaxStartups 5", "max_startups_rate_percent", 30),
        ("Port 22\nPort 2222", "ports", [22, 2222]),
        ("Port 2222", "listen_addresses", ["0.0.0.0:2222", "[::]:2222"]),
        ("AddressFamily inet", "listen_addresses", ["0.0.0.0:22"]),
        ("ListenAddress ::1\nListenAddress 10.0.0.1:2200", "listen_addresses", ["10.0.0.1:2200", "[::1]:22"]),
        ("AllowUsers a b\nAllowUsers c", "allow_users", ["a", "b", "c"]),
        ("Banner none", "banner", None),
        ("Banner /etc/issue.net", "banner", "/etc/issue.net"),
        ("LogLevel verbose", "log_level", "VERBOSE"),
        ("RekeyLimit 512M 1h", "rekey_bytes", 536870912),
        ("RekeyLimit 512M 1h", "rekey_seconds", 3600),
        ("AllowTcpForwarding all", "allow_tcp_forwarding", "yes"),
        ("PerSourceMaxStartups 4", "per_source_max_startups", 4),
        ("Match all\nPermitRootLogin no\n", "permit_root_login", "no"),
        ("PermitRootLogin yes\nMatch all\nPermitRootLogin no\n", "permit_root_login", "no"),
        ("Match User a\nPermitRootLogin yes\n", "permit_root_login", "prohibit-password"),
        ("Ciphers -*ctr,aes128*", "ciphers", ["chacha20-poly1305@openssh.com", "aes256-gcm@openssh.com"]),
        ("Protocol 2\nMaxSessions 4", "max_sessions", 4),
        ("ForceCommand /bin/backup --token=abcdefgh", "force_command", "/bin/backup --token=(redacted)"),
    ],
)
def test_the_language_of_the_file(text: str, field: str, expected: object) -> None:
    data = config(text)
    assert data[field] == expected
    assert data["unparsed_lines"] == []


def test_includes_are_read_in_place_and_the_first_value_wins() -> None:
    data = config("Include /etc/ssh/sshd_config.d/*.conf\nMaxAuthTries 6\n", b="MaxAuthTries 4\n", a="MaxAuthTries 3\n")
    assert data["max_auth_tries"] == 3
    assert data["files"] == [
        "/etc/ssh/sshd_config",
        "/etc/ssh/sshd_config.d/a.conf",
        "/etc/ssh/sshd_config.d/b.conf",
    ]


def test_a_match_block_ends_with_its_file() -> None:
    data = config("Include sshd_config.d/*.conf\nPermitRootLogin no\n", a="Match User x\nX11Forwarding yes\n")
    assert data["permit_root_login"] == "no"
    assert data["match_overrides"] == [
        {
            "criteria": "User x",
            "settings": {"x11_forwarding": "yes"},
            "file": "/etc/ssh/sshd_config.d/a.conf",
            "line": 1,
        }
    ]


def test_match_blocks_keep_what_they_weaken() -> None:
    text = "PasswordAuthentication no\nMatch Address 10.0.0.0/8 User deploy\n  PasswordAuthentication yes\n  PermitRootLogin without-password\n"
    data = config(text)
    assert data["password_authentication"] is False
    assert data["match_overrides"][0]["criteria"] == "Address 10.0.0.0/8 User deploy"
    assert data["match_overrides"][0]["settings"] == {
        "password_authentication": "yes",
        "permit_root_login": "prohibit-password",
    }


@pytest.mark.parametrize(
    "text",
    [
        "PermitRootLogin maybe",
        "NoSuchKeyword yes",
        "MaxAuthTries many",
        'Banner "open',
        "Match User x\nUsePAM yes",
        "Port 0",
        "===",
    ],
)
def test_what_sshd_would_refuse_is_named(text: str) -> None:
    assert config(text)["unparsed_lines"] == [f"/etc/ssh/sshd_config:{text.count(chr(10)) + 1}"]


def test_an_endless_loop_of_includes_ends() -> None:
    data = config(
        "Include sshd_config.d/*.conf\n",
        a="Include sshd_config.d/*.conf\nMaxAuthTries 3\n",
        b="Include sshd_config.d/*.conf\n",
    )
    assert data["max_auth_tries"] == 3
    assert data["unparsed_lines"]


def test_the_daemon_is_believed_where_it_answers() -> None:
    printed = "port 22\npermitrootlogin without-password\nciphers aes256-ctr\npasswordauthentication no\nlistenaddress [::]:22\nallowusers a\nallowusers b\n"
    files = {"/etc/ssh/sshd_config": "PermitRootLogin yes\nMatch User a\nX11Forwarding yes\n"}
    data = read(
        files, {"sshd -T": printed, "ssh -V": {"stderr": "OpenSSH_9.2p1 Debian-2+deb12u3, OpenSSL 3.0", "stdout": ""}}
    )
    assert data["source"] == "sshd -T"
    assert data["version"] == "9.2p1"
    assert data["permit_root_login"] == "prohibit-password"
    assert data["ciphers"] == ["aes256-ctr"]
    assert data["allow_users"] == ["a", "b"]
    assert data["listen_addresses"] == ["[::]:22"]
    assert len(data["match_overrides"]) == 1


def test_the_daemons_answer_alone_shows_that_it_is_installed() -> None:
    data = read({}, {"sshd -T": "port 22\npermitrootlogin no\n"})
    assert (data["installed"], data["source"], data["permit_root_login"]) == (True, "sshd -T", "no")


def test_a_refusal_of_the_daemon_falls_back_to_the_files() -> None:
    commands = {"sshd -T": {"stdout": "", "status": 255, "stderr": "no hostkeys available"}}
    assert read({"/etc/ssh/sshd_config": "PermitRootLogin no"}, commands)["source"] == "files"


def test_not_installed() -> None:
    data = read({})
    assert data["installed"] is False
    assert data["permit_root_login"] == {"$unknown": "the OpenSSH server is not installed", "cause": "missing"}


def test_unreadable_configuration_is_unknown() -> None:
    data = read({"/etc/ssh/sshd_config": {"content": "PermitRootLogin no", "denied": True}}, root=False)
    assert data["installed"] is True
    assert data["permit_root_login"] == {"$unknown": "permission denied: /etc/ssh/sshd_config"}


def test_behind_an_unreadable_include_nothing_is_known() -> None:
    files = {
        "/etc/ssh/sshd_config": "MaxAuthTries 3\nInclude /etc/ssh/sshd_config.d/*.conf\nPermitRootLogin no\n",
        "/etc/ssh/sshd_config.d/a.conf": {"content": "", "denied": True},
    }
    data = read(files, root=False)
    assert data["max_auth_tries"] == 3
    for field in ("permit_root_login", "ciphers", "allow_users", "match_overrides", "listen_addresses"):
        assert "$unknown" in data[field], field


def test_defaulted_names_what_no_file_sets() -> None:
    defaulted = config("PermitRootLogin no\n")["defaulted"]
    assert "permit_root_login" not in defaulted
    assert "ciphers" in defaulted


@pytest.mark.parametrize(
    ("keyword", "given", "version", "expected"),
    [
        ("kexalgorithms", None, (10, 0), "mlkem768x25519-sha256"),
        ("kexalgorithms", None, (9, 2), "sntrup761x25519-sha512@openssh.com"),
        ("kexalgorithms", None, (8, 4), "curve25519-sha256"),
        ("kexalgorithms", "^diffie-hellman-group1-sha1", (9, 2), "diffie-hellman-group1-sha1"),
        ("ciphers", "3des-cbc", (9, 2), "3des-cbc"),
        ("ciphers", "aes*-cbc", (9, 2), "aes128-cbc"),
    ],
)
def test_first_algorithm(keyword: str, given: str | None, version: tuple[int, int], expected: str) -> None:
    assert algorithms(keyword, given, version)[0] == expected


def test_modifiers() -> None:
    assert algorithms("ciphers", "+3des-cbc", (9, 2))[-1] == "3des-cbc"
    assert "hmac-sha1" not in algorithms("macs", "-*sha1*", (9, 2))
    assert "ssh-rsa" in algorithms("hostkeyalgorithms", None, (8, 4))
    assert "ssh-rsa" not in algorithms("hostkeyalgorithms", None, (9, 2))
    assert "diffie-hellman-group14-sha1" in algorithms("kexalgorithms", None, (7, 4))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("OpenSSH_9.2p1 Debian-2", (9, 2)),
        ("1:9.6p1-3ubuntu13", (9, 6)),
        ("9.9_p2-r0", (9, 9)),
        ("OpenSSH_10.0p2", (10, 0)),
        ("", None),
    ],
)
def test_versions(text: str, expected: tuple[int, int] | None) -> None:
    assert parse_version(text) == expected


def test_the_version_of_an_image_comes_from_its_package_database() -> None:
    status = "Package: adduser\nVersion: 3\n\nPackage: openssh-server\nStatus: install ok installed\nVersion: 1:8.4p1-5+deb11u3\n\n"
    data = read({"/etc/ssh/sshd_config": "", "/var/lib/dpkg/status": status}, live=False)
    assert data["version"] == "8.4p1"
    assert "ssh-rsa" in data["host_key_algorithms"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a b", ["a", "b"]),
        ("'a b' \"c d\"", ["a b", "c d"]),
        (r"a\ b", ["a b"]),
        ("a # b", ["a"]),
        ("a#b", ["a#b"]),
        ("'a", None),
        ("", []),
    ],
)
def test_split(text: str, expected: list[str] | None) -> None:
    assert split(text) == expected


@pytest.mark.parametrize(("text", "expected"), [("90", 90), ("1h30m", 5400), ("1W", 604800), ("1x", None), ("", None)])
def test_span(text: str, expected: int | None) -> None:
    assert span(text) == expected


def test_host_keys() -> None:
    public = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGPKSUTyz1HwHReFVvD5obVsALAgJRNarH4TRpNePnAS root@host\n"
    files = {
        "/etc/ssh/sshd_config": "",
        "/etc/ssh/ssh_host_ed25519_key": {"content": "PRIVATE", "mode": "0640", "gid": 998},
        "/etc/ssh/ssh_host_ed25519_key.pub": public,
        "/etc/ssh/ssh_host_rsa_key": {"content": "PRIVATE", "mode": "0600"},
        "/etc/group": "root:x:0:\nssh_keys:x:998:\n",
    }
    found = {item.id: item.data for item in sshd.collect(MemorySource(files)) if isinstance(item, Resource)}
    key = found["/etc/ssh/ssh_host_ed25519_key"]
    assert key["fingerprint"].startswith("SHA256:")
    assert {name: key[name] for name in ("algorithm", "bits", "mode", "group", "group_access", "world_access")} == {
        "algorithm": "ed25519",
        "bits": 256,
        "mode": "0640",
        "group": "ssh_keys",
        "group_access": True,
        "world_access": False,
    }
    assert found["/etc/ssh/ssh_host_rsa_key"]["algorithm"] is None
    assert "/etc/ssh/ssh_host_ecdsa_key" not in found


def test_a_configured_host_key_that_is_missing_is_shown() -> None:
    found = {
        i.id: i.data
        for i in sshd.collect(MemorySource({"/etc/ssh/sshd_config": "HostKey /k"}))
        if isinstance(i, Resource)
    }
    assert (found["/k"]["exists"], found["/k"]["mode"]) == (False, None)


@pytest.mark.parametrize("text", ["", "x", "ssh-rsa !!!!", "ssh-rsa AAAA", "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAAQ=="])
def test_broken_public_keys(text: str) -> None:
    assert len(ssh_host_keys.public_key(text)) == 3


def test_a_huge_configuration_ends() -> None:
    source = MemorySource(
        {"/etc/ssh/sshd_config": "AllowUsers " + "x " * 500_000 + "\n" + "\\" * 100_000 + "\n" + '"' * 99}
    )
    assert isinstance(read_config(source, "/etc/ssh/sshd_config"), Config)


def test_host_keys_are_looked_at_when_the_configuration_cannot_be_read() -> None:
    files = {"/etc/ssh/sshd_config": {"kind": "fifo"}, "/etc/ssh/ssh_host_rsa_key": {"content": "", "mode": "0644"}}
    found = list(sshd.collect(MemorySource(files, live=False)))
    keys = [item for item in found if isinstance(item, Resource) and item.type == "linux.ssh_host_key"]
    assert [(item.id, item.data["world_access"]) for item in keys] == [("/etc/ssh/ssh_host_rsa_key", True)]
    problems = [item.resource_types for item in found if isinstance(item, Problem)]
    assert ("linux.ssh_host_key",) in problems
