from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xspm.connectors.linux.redact import MASK, redact

SECRETS = [
    ("curl -u bob:hunter22 https://x", "hunter22"),
    ("https://user:hunter22@example.org/path", "hunter22"),
    ("mysql -phunter22 db", "hunter22"),
    ("sshpass -p hunter22 ssh x", "hunter22"),
    ("PASSWORD=hunter22", "hunter22"),
    ("DB_PASSWD='two words'", "two words"),
    ("--password hunter22 --x", "hunter22"),
    ("--api-token=hunter22", "hunter22"),
    ("Authorization: Bearer abcdefgh12345", "abcdefgh12345"),
    ("AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "K7MDENG"),
    ("key AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLE"),
    ("x $6$salt$abcdefghijklmnop", "abcdefghijklmnop"),
    ("password_pbkdf2 root grub.pbkdf2.sha512.10000.ABCDEF0123456789ABCDEF", "ABCDEF0123456789"),
    ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----", "MIIE"),
    ("X=a8Fj2kQ0zPl3Mn5VbTr7YwE9", "a8Fj2kQ0zPl3Mn5VbTr7YwE9"),
    ("redis-cli -h db -a hunter22 ping", "hunter22"),
    ("ldapsearch -x -D cn=x -w hunter22 -b dc=x", "hunter22"),
    ("smbclient //h/s -U bob%hunter22 -c ls", "hunter22"),
    ("smbclient //h/s -U bob\\%hunter22", "hunter22"),
    ("openssl enc -aes256 -k hunter22 -in x", "hunter22"),
    ("openssl enc -pass pass:hunter22", "hunter22"),
    ("echo hunter22 | sudo -S id", "hunter22"),
    ("echo 'bob:hunter22' | chpasswd", "hunter22"),
    ("echo hunter22 | docker login --password-stdin", "hunter22"),
    ("bindpw=hunter22", "hunter22"),
    ("password=hunter22", "hunter22"),
    ("DB_PASS=hunter22", "hunter22"),
    ("user=bob,pass=hunter22", "hunter22"),
    ("@@logs.example.org?token=hunter22", "hunter22"),
    ("docker login --username ci -p hunter22", "hunter22"),
    ("docker login -u ci -phunter22 reg.example", "hunter22"),
    ("htpasswd -b /etc/x bob hunter22", "hunter22"),
    ("htpasswd -nbB bob hunter22 >> /etc/x", "hunter22"),
    ("mysql -e \"ALTER USER x IDENTIFIED BY 'hunter22'\"", "hunter22"),
    ("mysql -e \"SET PASSWORD FOR x = 'hunter22'\"", "hunter22"),
    ("mysql -e \"SET PASSWORD FOR x = PASSWORD('hunter22')\"", "hunter22"),
    ("psql -c \"ALTER ROLE x WITH PASSWORD 'hunter22'\"", "hunter22"),
    ("curl -d @/x https://hooks.slack.com/services/T00/B00/hunter22", "hunter22"),
    ("deb https://repo.example/T0kEnq83Kd92jXl20sKd83jd/debian x main", "T0kEnq83Kd92jXl20sKd83jd"),
    ("rw,user=bob%hunter22,domain=x", "hunter22"),
    ("usermod -p hunter22 bob", "hunter22"),
    ("vault login hunter22", "hunter22"),
    ("rabbitmqctl add_user bob hunter22", "hunter22"),
    ("redis-cli -a hunter21,hunter22 ping", "hunter22"),
    ("ghp_0123456789abcdefghijABCDEFGHIJ012345", "0123456789abcdefghij"),
]


@pytest.mark.parametrize(("text", "secret"), SECRETS)
def test_masks_secrets(text: str, secret: str) -> None:
    assert secret not in redact(text)
    assert MASK in redact(text)


@pytest.mark.parametrize(
    "text",
    [
        "root=UUID=2f4c1d3e-aa11-4b5c-9d1e-123456789abc ro quiet",
        "auth required pam_unix.so",
        "echo done | mail -s backup root",
        "ldapsearch -x -W -b dc=example",
        "openssl x509 -in /etc/ssl/x.pem",
        "rsync -a /srv /backup",
        "find . -print",
        "mkdir -p /var/lib/x",
        "password_file /etc/x",
        "signed-by=/usr/share/keyrings/x.gpg",
        "|/lib/systemd/systemd-coredump %P %u",
        "https://deb.debian.org/debian",
        "ab",
        "docker run -p 80:80 web",
        "https://repo.example/debian-security/dists/bookworm-updates-12/main",
        "date +%s",
        "user=bob,domain=x",
        "bypass=1",
        "pass=/etc/key",
        "auth sufficient pam_unix.so try_first_pass",
    ],
)
def test_leaves_the_rest(text: str) -> None:
    assert redact(text) == text


@given(st.text())
def test_is_stable(text: str) -> None:
    assert redact(redact(text)).count(MASK) >= redact(text).count(MASK)
