"""Our reading of sshd_config against the daemon's own: random valid configurations, `sshd -T -f`, same fields."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from xspm.connectors.linux.host import HostSource
from xspm.connectors.linux.memory import MemorySource
from xspm.connectors.linux.sshd import effective_configuration, from_files
from xspm.connectors.linux.sshd_config import Config, read_config
from xspm.connectors.linux.sshd_defaults import parse_version
from xspm.connectors.linux.sshd_fields import Printed, normalise
from xspm.connectors.linux.versions import printed_version

SSHD: Final = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:/usr/bin")

YES_NO = st.sampled_from(["yes", "no", "Yes", "NO"])
NAME = st.text("abcdefgh", min_size=1, max_size=6)
NAMES = st.lists(NAME, min_size=1, max_size=3).map(" ".join)
TIME = st.one_of(
    st.integers(0, 9999).map(str),
    st.tuples(st.integers(0, 59), st.sampled_from("smhdwM")).map(lambda pair: f"{pair[0]}{pair[1]}"),
    st.tuples(st.integers(0, 23), st.integers(0, 59)).map(lambda pair: f"{pair[0]}h{pair[1]}m"),
)
CIPHERS = [
    "aes128-ctr",
    "aes256-ctr",
    "aes128-cbc",
    "3des-cbc",
    "aes256-gcm@openssh.com",
    "chacha20-poly1305@openssh.com",
]
MACS = ["hmac-sha1", "hmac-sha2-256", "hmac-md5", "umac-64@openssh.com", "hmac-sha2-512-etm@openssh.com"]
KEX = ["curve25519-sha256", "diffie-hellman-group1-sha1", "diffie-hellman-group14-sha1", "ecdh-sha2-nistp256"]
KEYS = ["ssh-ed25519", "ssh-rsa", "rsa-sha2-256", "rsa-sha2-512", "ecdsa-sha2-nistp384"]


def algorithms(names: list[str], wildcards: list[str]) -> st.SearchStrategy[str]:
    """A list, added to the default, put before it, or taken from it."""
    lists = st.lists(st.sampled_from(names), min_size=1, max_size=4, unique=True).map(",".join)
    some = st.tuples(st.sampled_from(["", "+", "^", "-"]), lists).map("".join)
    return st.one_of(some, st.sampled_from(wildcards).map(lambda pattern: f"-{pattern}"))


KEYWORDS: Final[dict[str, st.SearchStrategy[str]]] = {
    **dict.fromkeys(("PasswordAuthentication", "PermitEmptyPasswords", "KbdInteractiveAuthentication", "PubkeyAuthentication", "ChallengeResponseAuthentication", "HostbasedAuthentication", "IgnoreUserKnownHosts", "PermitUserRC", "PermitTTY", "X11Forwarding", "X11UseLocalhost", "AllowAgentForwarding", "DisableForwarding", "StrictModes", "TCPKeepAlive", "PrintMotd", "PrintLastLog", "UseDNS", "UsePAM"), YES_NO),
    "PermitRootLogin": st.sampled_from(["yes", "no", "prohibit-password", "without-password", "forced-commands-only"]),
    "IgnoreRhosts": st.sampled_from(["yes", "no", "shosts-only"]),
    "Compression": st.sampled_from(["yes", "no", "delayed"]),
    "GatewayPorts": st.sampled_from(["yes", "no", "clientspecified"]),
    "AllowTcpForwarding": st.sampled_from(["yes", "no", "local", "remote", "all"]),
    "AllowStreamLocalForwarding": st.sampled_from(["yes", "no", "local", "remote"]),
    "PermitTunnel": st.sampled_from(["yes", "no", "point-to-point", "ethernet"]),
    "PermitUserEnvironment": st.sampled_from(["yes", "no", "LANG,LC_*"]),
    "AddressFamily": st.sampled_from(["any", "inet", "inet6"]),
    "MaxAuthTries": st.integers(1, 20).map(str),
    "MaxSessions": st.integers(0, 20).map(str),
    "ClientAliveCountMax": st.integers(0, 9).map(str),
    "ClientAliveInterval": TIME,
    "LoginGraceTime": TIME,
    "UnusedConnectionTimeout": TIME,
    "MaxStartups": st.one_of(
        st.integers(1, 99).map(str),
        st.tuples(st.integers(1, 9), st.integers(1, 100), st.integers(10, 99)).map(lambda t: f"{t[0]}:{t[1]}:{t[2]}"),
    ),
    "RekeyLimit": st.sampled_from(["default", "default none", "1G 1h", "512M", "100K 30m", "1000000 3600"]),
    "RequiredRSASize": st.sampled_from(["1024", "2048", "3072"]),
    "LogLevel": st.sampled_from(["INFO", "verbose", "Error", "QUIET", "DEBUG", "DEBUG3"]),
    "SyslogFacility": st.sampled_from(["AUTH", "AUTHPRIV", "local5", "daemon"]),
    "Banner": st.sampled_from(["none", "/etc/issue.net", '"/etc/an issue"']),
    "ForceCommand": st.sampled_from(["none", "internal-sftp", "/bin/run a b"]),
    "ChrootDirectory": st.sampled_from(["none", "/srv/%u"]),
    "AuthorizedKeysFile": st.sampled_from([".ssh/authorized_keys", "/etc/keys/%u .ssh/keys", "none"]),
    "AuthenticationMethods": st.sampled_from(["any", "publickey", "publickey,password publickey"]),
    "PermitOpen": st.sampled_from(["any", "none", "localhost:80", "a:1 b:2"]),
    "AllowUsers": NAMES,
    "DenyUsers": NAMES,
    "AllowGroups": NAMES,
    "DenyGroups": NAMES,
    "AcceptEnv": st.sampled_from(["LANG", "LANG LC_*", "EDITOR"]),
    "Port": st.integers(1, 65535).map(str),
    "ListenAddress": st.sampled_from(["127.0.0.1", "127.0.0.1:2222", "::1", "[::1]:2200", "10.0.0.1"]),
    "Ciphers": algorithms(CIPHERS, ["*-cbc", "aes*", "*gcm*"]),
    "MACs": algorithms(MACS, ["*sha1*", "umac-*"]),
    "KexAlgorithms": algorithms(KEX, ["*sha1", "ecdh-*"]),
    "HostKeyAlgorithms": algorithms(KEYS, ["*-cert-v01@openssh.com", "ssh-*"]),
    "PubkeyAcceptedAlgorithms": algorithms(KEYS, ["*nistp*"]),
    "PubkeyAcceptedKeyTypes": algorithms(KEYS, ["sk-*"]),
    "CASignatureAlgorithms": algorithms(KEYS, ["*nistp*"]),
    "PerSourceMaxStartups": st.sampled_from(["none", "3"]),
    "Protocol": st.just("2"),
}  # fmt: skip


@st.composite
def line(draw: st.DrawFn) -> str:
    """One line, spelt in one of the ways that sshd takes."""
    keyword = draw(st.sampled_from(sorted(KEYWORDS)))
    value = draw(KEYWORDS[keyword])
    spelling = draw(st.sampled_from([keyword, keyword.lower(), keyword.upper()]))
    separator = draw(st.sampled_from([" ", "  ", "\t", "=", " = "]))
    quoted = f'"{value}"' if draw(st.booleans()) and " " not in value else value
    tail = draw(st.sampled_from(["", "", " ", "  # a comment", "\r"]))
    return draw(st.sampled_from(["", "  "])) + spelling + separator + quoted + tail


@st.composite
def lines(draw: st.DrawFn) -> str:
    """A file's text."""
    return "\n".join(draw(st.lists(st.one_of(line(), line(), st.sampled_from(["", "# note"])), max_size=12))) + "\n"


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A host key, for a daemon without one does not answer."""
    keygen = shutil.which("ssh-keygen")
    if SSHD is None or keygen is None:
        pytest.skip("sshd is not installed")
    path = tmp_path_factory.mktemp("keys") / "host_key"
    subprocess.run([keygen, "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
    config = path.with_name("empty")
    config.write_text("")
    if ask(str(config), str(path)) is None:
        pytest.skip("sshd -T does not answer here")
    return str(path)


def ask(config: str, key: str, *arguments: str) -> Printed | None:
    """What `sshd -T` prints for a file and further arguments; None when it refuses them."""
    run = subprocess.run(
        [str(SSHD), "-T", "-f", config, "-h", key, *arguments], capture_output=True, text=True, check=False, timeout=30
    )
    printed: dict[str, list[list[str]]] = {}
    for row in run.stdout.split("\n") if run.returncode == 0 else ():
        keyword, _, rest = row.partition(" ")
        printed.setdefault(keyword.lower(), []).append(rest.split())
    return dict(printed) if printed else None


@st.composite
def option(draw: st.DrawFn) -> list[str]:
    """One option of sshd's command line."""
    keyword = draw(st.sampled_from(sorted(KEYWORDS)))
    given = f"{keyword}{draw(st.sampled_from(['=', ' ']))}{draw(KEYWORDS[keyword])}"
    settings = st.sampled_from([["-o", given], [f"-o{given}"]])
    switches = st.sampled_from([["-p", "99"], ["-p2222"], ["-4"], ["-6"], ["-q"], ["-g", "1m"], ["-De"]])
    return draw(st.one_of(settings, settings, switches))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.tuples(lines(), lines(), lines(), lines()), match_all=st.booleans())
def test_same_fields_as_sshd(key: str, texts: tuple[str, str, str, str], match_all: bool) -> None:  # noqa: FBT001
    """What sshd accepts, we read as it does."""
    before, included, after, block = texts
    with tempfile.TemporaryDirectory() as folder:
        main, extra = Path(folder, "sshd_config"), Path(folder, "extra.conf")
        criteria = "all" if match_all else "User backup,deploy"
        main.write_text(f"{before}Include {folder}/*.conf\n{after}Match {criteria}\n{block}")
        extra.write_text(included)
        printed = ask(str(main), key)
        if printed is None:
            return
        config = read_config(HostSource(), str(main))
        assert isinstance(config, Config)
        assert config.bad == []
        compare(config, printed, "".join(texts))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=lines(), options=st.lists(option(), max_size=5))
def test_same_fields_as_sshd_with_options(key: str, text: str, options: list[list[str]]) -> None:
    """What its command line gives sshd is in force before the file, as with sshd itself."""
    arguments = [word for words in options for word in words]
    with tempfile.TemporaryDirectory() as folder:
        main = Path(folder, "sshd_config")
        main.write_text(text)
        printed = ask(str(main), key, *arguments)
        if printed is None:
            return
        command = f"/usr/sbin/sshd {shlex.join(arguments)} -f /the/file".replace("%", "%%")
        unit = {"/etc/systemd/system/ssh.service": f"[Service]\nExecStart={command}\n", "/the/file": text}
        path, config, changed = effective_configuration(MemorySource(unit))
    assert (path, changed) == ("/the/file", True)
    assert isinstance(config, Config)
    assert config.bad == []
    compare(config, printed, f"{text} {' '.join(arguments)}")


def compare(config: Config, printed: Printed, text: str) -> None:
    """Compare the fields that the configuration and the daemon's answer make."""
    version = parse_version(printed_version(HostSource(), r"OpenSSH_(\S+)", (str(SSHD), "-V"), ("ssh", "-V")) or "")
    assert version is not None
    ours, theirs = normalise(from_files(config, version), version), normalise(printed, version)
    left_out = ["host_key_files", "gssapi_authentication", "kerberos_authentication"]
    if text.lower().count("maxstartups") > 1:
        # Of these two keywords some releases take the last line; we take the first, as the manual says of all.
        left_out += [field for field in ours if "max_startups" in field]
    for field in left_out:
        ours.pop(field)
        theirs.pop(field)
    # Debian gives its 9.2 the short name of this key exchange as well, which upstream has since 9.9.
    for fields in (ours, theirs):
        fields["kex_algorithms"] = [name for name in fields["kex_algorithms"] if name != "sntrup761x25519-sha512"]
    assert {k: v for k, v in ours.items() if theirs[k] != v} == {k: v for k, v in theirs.items() if ours[k] != v}
