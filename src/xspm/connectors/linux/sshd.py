"""The OpenSSH server: its effective settings and its host keys.

`sshd -T` prints what the daemon would use and is taken where it answers. Elsewhere the files are read as sshd reads
them: the first value of a keyword wins, Include is expanded in place, Match blocks are kept apart, and what is not set
has the default of the installed version. Match blocks come from the files in both cases. What the daemon's command line
gives (`sshd_command`) is in force before the files, of which `sshd -T` knows nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

import msgspec

from xspm.connectors.linux import init, sshd_command
from xspm.connectors.linux.records import exists, fill, not_installed, present, settings, unlisted
from xspm.connectors.linux.ssh_host_keys import SshHostKey, host_keys
from xspm.connectors.linux.ssh_key_sources import KeySource, key_sources
from xspm.connectors.linux.sshd_config import Config, effective, read_config
from xspm.connectors.linux.sshd_defaults import ALGORITHMS, NEWEST, Version, parse_version, plain_defaults
from xspm.connectors.linux.sshd_fields import FIELDS, Printed, match_value, normalise
from xspm.connectors.linux.transport import Needs, Output
from xspm.connectors.linux.versions import package_version, printed_version
from xspm.model.schema import ResourceType
from xspm.model.unknown import Maybe, Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xspm.connectors.linux.transport import Source
    from xspm.model.asset import Problem, Resource


class MatchOverride(msgspec.Struct, frozen=True, kw_only=True):
    """One Match block: settings that replace the general ones for some connections."""

    criteria: str
    """As written after `Match`: `User backup`, `Address 10.0.0.0/8`."""
    settings: dict[str, str]
    """By field name of `linux.sshd` (`permit_root_login`), the value in the form `sshd -T` prints (`yes`, `no`,
    `prohibit-password`, seconds).
    """
    file: str
    """Path."""
    line: int
    """1-based line of the Match keyword."""


class Sshd(ResourceType, frozen=True, kw_only=True):
    """Effective settings of the OpenSSH server.

    When the server is not installed, all other fields are unknown with cause `missing`;
    checks say `applies: resource.installed`.
    """

    TYPE: ClassVar[str] = "linux.sshd"

    installed: bool
    """The daemon or its configuration is there."""
    enabled: Maybe[bool | None]
    """It starts at boot (service or socket); null when no init system is there."""
    version: Maybe[str | None]
    """OpenSSH version: `9.2p1`; null when it could not be told (then defaults are those of the newest known version).
    """
    source: Maybe[Literal["sshd -T", "files"]]
    """Where the settings come from."""
    ports: Maybe[list[int]]
    """Port."""
    listen_addresses: Maybe[list[str]]
    """Where it listens, as `address:port` (`0.0.0.0:22`, `[::]:22`)."""
    address_family: Maybe[str]
    """`any`, `inet` or `inet6`."""
    permit_root_login: Maybe[str]
    """`yes`, `no`, `prohibit-password` (also written without-password) or `forced-commands-only`."""
    password_authentication: Maybe[bool]
    """PasswordAuthentication."""
    permit_empty_passwords: Maybe[bool]
    """PermitEmptyPasswords."""
    keyboard_interactive_authentication: Maybe[bool]
    """KbdInteractiveAuthentication (formerly ChallengeResponseAuthentication)."""
    public_key_authentication: Maybe[bool]
    """PubkeyAuthentication."""
    hostbased_authentication: Maybe[bool]
    """HostbasedAuthentication."""
    gssapi_authentication: Maybe[bool]
    """GSSAPIAuthentication; false where not built in."""
    kerberos_authentication: Maybe[bool]
    """KerberosAuthentication; false where not built in."""
    use_pam: Maybe[bool]
    """UsePAM."""
    authentication_methods: Maybe[list[str]]
    """AuthenticationMethods; empty when any single method is enough."""
    ignore_rhosts: Maybe[str]
    """IgnoreRhosts: `yes`, `no` or `shosts-only`."""
    ignore_user_known_hosts: Maybe[bool]
    """IgnoreUserKnownHosts."""
    permit_user_environment: Maybe[str]
    """PermitUserEnvironment: `no`, `yes` or a pattern list."""
    permit_user_rc: Maybe[bool]
    """PermitUserRC."""
    permit_tty: Maybe[bool]
    """PermitTTY."""
    permit_tunnel: Maybe[str]
    """PermitTunnel: `no`, `yes`, `point-to-point` or `ethernet`."""
    x11_forwarding: Maybe[bool]
    """X11Forwarding."""
    x11_use_localhost: Maybe[bool]
    """X11UseLocalhost."""
    allow_tcp_forwarding: Maybe[str]
    """AllowTcpForwarding: `yes`, `no`, `local` or `remote`."""
    allow_stream_local_forwarding: Maybe[str]
    """AllowStreamLocalForwarding: `yes`, `no`, `local` or `remote`."""
    allow_agent_forwarding: Maybe[bool]
    """AllowAgentForwarding."""
    disable_forwarding: Maybe[bool]
    """DisableForwarding: overrides the four above."""
    gateway_ports: Maybe[str]
    """GatewayPorts: `no`, `yes` or `clientspecified`."""
    permit_open: Maybe[list[str]]
    """PermitOpen; empty when any destination is allowed."""
    permit_listen: Maybe[list[str]]
    """PermitListen; empty when any is allowed."""
    strict_modes: Maybe[bool]
    """StrictModes."""
    max_auth_tries: Maybe[int]
    """MaxAuthTries."""
    max_sessions: Maybe[int]
    """MaxSessions per connection."""
    max_startups_begin: Maybe[int]
    """MaxStartups: unauthenticated connections from which some are refused."""
    max_startups_rate_percent: Maybe[int]
    """MaxStartups: share refused from then on."""
    max_startups_full: Maybe[int]
    """MaxStartups: number from which all are refused."""
    login_grace_time_seconds: Maybe[int]
    """LoginGraceTime; 0 = no limit."""
    client_alive_interval_seconds: Maybe[int]
    """ClientAliveInterval; 0 = idle clients are never probed."""
    client_alive_count_max: Maybe[int]
    """ClientAliveCountMax; 0 = never disconnected (since 8.2)."""
    tcp_keep_alive: Maybe[bool]
    """TCPKeepAlive."""
    log_level: Maybe[str]
    """LogLevel in upper case: QUIET, FATAL, ERROR, INFO, VERBOSE, DEBUG, DEBUG2, DEBUG3"""
    syslog_facility: Maybe[str]
    """SyslogFacility in upper case."""
    banner: Maybe[str | None]
    """Path of the text shown before authentication; null when none."""
    print_motd: Maybe[bool]
    """PrintMotd."""
    print_last_log: Maybe[bool]
    """PrintLastLog."""
    use_dns: Maybe[bool]
    """UseDNS."""
    compression: Maybe[str]
    """Compression: `yes` (after authentication) or `no`."""
    ciphers: Maybe[list[str]]
    """Ciphers in order, modifiers (+ - ^) applied."""
    macs: Maybe[list[str]]
    """MACs in order, modifiers applied."""
    kex_algorithms: Maybe[list[str]]
    """KexAlgorithms in order, modifiers applied."""
    host_key_algorithms: Maybe[list[str]]
    """HostKeyAlgorithms in order, modifiers applied."""
    public_key_algorithms: Maybe[list[str]]
    """PubkeyAcceptedAlgorithms (formerly PubkeyAcceptedKeyTypes), modifiers applied."""
    hostbased_algorithms: Maybe[list[str]]
    """HostbasedAcceptedAlgorithms, modifiers applied."""
    ca_signature_algorithms: Maybe[list[str]]
    """CASignatureAlgorithms, modifiers applied."""
    required_rsa_bits: Maybe[int]
    """RequiredRSASize (since 9.1; 1024 before)."""
    rekey_bytes: Maybe[int]
    """RekeyLimit: bytes after which keys are renegotiated; 0 = the cipher's default."""
    rekey_seconds: Maybe[int]
    """RekeyLimit: seconds after which keys are renegotiated; 0 = never."""
    allow_users: Maybe[list[str]]
    """AllowUsers patterns."""
    allow_groups: Maybe[list[str]]
    """AllowGroups patterns."""
    deny_users: Maybe[list[str]]
    """DenyUsers patterns."""
    deny_groups: Maybe[list[str]]
    """DenyGroups patterns."""
    authorized_keys_files: Maybe[list[str]]
    """AuthorizedKeysFile."""
    authorized_keys_command: Maybe[str | None]
    """AuthorizedKeysCommand; null when none."""
    authorized_keys_command_user: Maybe[str | None]
    """AuthorizedKeysCommandUser; null when none."""
    authorized_principals_file: Maybe[str | None]
    """AuthorizedPrincipalsFile; null when none."""
    trusted_user_ca_keys: Maybe[str | None]
    """TrustedUserCAKeys; null when none."""
    revoked_keys: Maybe[str | None]
    """RevokedKeys; null when none."""
    chroot_directory: Maybe[str | None]
    """ChrootDirectory; null when none."""
    force_command: Maybe[str | None]
    """ForceCommand, credentials masked; null when none."""
    accept_env: Maybe[list[str]]
    """AcceptEnv patterns."""
    subsystems: Maybe[dict[str, str]]
    """Subsystem by name."""
    host_key_files: Maybe[list[str]]
    """HostKey."""
    per_source_max_startups: Maybe[int | None]
    """PerSourceMaxStartups; null when not limited."""
    per_source_penalties: Maybe[bool]
    """PerSourcePenalties (since 9.8) are in force."""
    unused_connection_timeout_seconds: Maybe[int]
    """UnusedConnectionTimeout; 0 = none."""
    match_overrides: Maybe[list[MatchOverride]]
    """Match blocks, in order."""
    key_sources: Maybe[list[KeySource]]
    """Where keys and names of users come from, in general and in Match blocks."""
    files: list[str]
    """Configuration files that were read."""
    unparsed_lines: list[str]
    """Lines that sshd would refuse, or that were not understood, as `file:line`."""
    defaulted: list[str]
    """Fields that no file sets; empty when the source is `sshd -T` and the files cannot be read."""


TYPES: tuple[type[ResourceType], ...] = (Sshd, SshHostKey)

NEEDS: Final = Needs(
    texts=(
        "/etc/ssh/sshd_config",
        "/etc/ssh/sshd_config.d/*",
        "/usr/etc/ssh/sshd_config",
        "/usr/etc/ssh/sshd_config.d/*",
        "/etc/crypto-policies/back-ends/opensshserver.config",
        "/etc/ssh/*.pub",
        "/etc/group",
        *sshd_command.NEEDS.texts,
    ),
    stats=("/etc/ssh/*", "/usr/sbin/sshd", "/usr/local/sbin/sshd", *sshd_command.NEEDS.stats),
    lists=sshd_command.NEEDS.lists,
    commands=(("sshd", "-T"), ("sshd", "-V"), ("ssh", "-V"), *sshd_command.NEEDS.commands),
)

_CONFIGS: Final = ("/etc/ssh/sshd_config", "/usr/etc/ssh/sshd_config")
"""The main file; SUSE keeps the vendor's below /usr/etc."""
_SERVICES: Final = ("ssh", "sshd", "ssh.socket", "sshd.socket")


def collect(source: Source) -> Iterator[Resource | Problem]:
    """Read the server's settings and its host keys."""
    further = sshd_command.second_instance(source)
    if further:
        yield unlisted(further, Sshd)
    path, config, changed = effective_configuration(source)
    answer = None if changed else _ask(source)
    there = isinstance(config, Config) or answer is not None or exists(source, "/usr/sbin/sshd", "/usr/local/sbin/sshd")
    if not there and (config is None or present(source, *_CONFIGS) is False):
        lists = {"installed": False, "files": [], "unparsed_lines": [], "defaulted": []}
        yield settings(fill(Sshd, not_installed("the OpenSSH server"), lists))
        return
    config = Config() if config is None else config
    text = printed_version(source, r"OpenSSH_(\d+\.\d+(?:p\d+)?)", ("sshd", "-V"), ("ssh", "-V"))
    text = text or package_version(source, "openssh-server")
    version = (parse_version(text) if text else None) or NEWEST
    parsed = config if isinstance(config, Unknown) else from_files(config, version)
    printed = parsed if answer is None else answer
    known: dict[str, Any] = {
        "installed": True,
        "enabled": init.init_of(source).boots(*_SERVICES),
        "version": text,
        "source": "files" if answer is None else "sshd -T",
        "match_overrides": config if isinstance(config, Unknown) else config.unknown or _overrides(config),
        "files": [] if isinstance(config, Unknown) else config.files,
        "unparsed_lines": [] if isinstance(config, Unknown) else config.bad,
        "defaulted": [] if isinstance(config, Unknown) else _defaulted(config),
    }
    if isinstance(printed, Unknown):
        unread = fill(Sshd, printed, known)
        yield settings(unread)
        yield from host_keys(source, unread.host_key_files, defaulted="host_key_files" in unread.defaulted)
        # The usual keys were looked at; which others it names is not known.
        yield unlisted(printed, SshHostKey)
        return
    values = normalise(printed, version)
    sshd = Sshd(**known, **values, key_sources=_key_sources(source, values, known["match_overrides"]))
    yield settings(sshd, path)
    yield from host_keys(source, sshd.host_key_files, defaulted="host_key_files" in sshd.defaulted)


def effective_configuration(source: Source) -> tuple[str, Config | Unknown | None, bool]:
    """Return the main file's path, what is in force before and in it, and whether the command line changes anything."""
    usual = next((path for path in _CONFIGS if exists(source, path)), _CONFIGS[0])
    start = sshd_command.started(source)
    if isinstance(start, Unknown):
        return usual, start, True
    path = start.config or usual
    config = Config() if path == "none" else read_config(source, path, ports=not start.ports)
    if path == usual and not start.entries and not start.bad:
        return usual, config, False
    if config is None and path != usual:
        config = Unknown(f"sshd is started with a file that is not there: {path}", cause="missing")
    config = Config() if config is None else config
    if isinstance(config, Config):
        config.entries[:0] = start.entries
        config.known += len(start.entries)
        config.bad[:0] = start.bad
    return path, config, True


def from_files(config: Config, version: Version) -> Printed:
    """Return what `sshd -T` would print for a configuration."""
    entries = config.entries if config.unknown is None else config.entries[: config.known]
    found: Printed = dict(effective(entries, config.everyone.entries))
    if config.unknown:
        for keyword in (*plain_defaults(version), *ALGORITHMS, *_ADDED):
            if keyword in _ADDED or keyword not in found:
                found[keyword] = config.unknown
    return found


_ADDED: Final = (
    "port",
    "listenaddress",
    "hostkey",
    "acceptenv",
    "subsystem",
    "allowusers",
    "denyusers",
    "allowgroups",
    "denygroups",
)


def _ask(source: Source) -> Printed | None:
    """Ask sshd itself; None when it does not answer."""
    output = source.run("sshd", "-T") if source.live else None
    if not isinstance(output, Output) or output.status != 0 or "permitrootlogin" not in output.stdout:
        return None
    printed: dict[str, list[list[str]]] = {}
    for line in output.stdout.split("\n"):
        keyword, _, rest = line.strip().partition(" ")
        if keyword:
            printed.setdefault(keyword.lower(), []).append(rest.split())
    return dict(printed)


def _overrides(config: Config) -> list[MatchOverride]:
    """Return the Match blocks."""
    found = []
    for block in config.blocks:
        values = dict(match_value(keyword, value) for keyword, value in effective(block.entries).items())
        found.append(MatchOverride(criteria=block.criteria, settings=values, file=block.file, line=block.line))
    return found


def _key_sources(
    source: Source, values: dict[str, Any], overrides: Maybe[list[MatchOverride]]
) -> Maybe[list[KeySource]]:
    """Return where keys come from, in general and for some connections."""
    if isinstance(overrides, Unknown) or isinstance(values["authorized_keys_files"], Unknown):
        return overrides if isinstance(overrides, Unknown) else values["authorized_keys_files"]
    found = list(key_sources(source, values, None))
    for block in overrides:
        found += key_sources(source, block.settings, block.criteria)
    return found


def _defaulted(config: Config) -> list[str]:
    """Return the fields that no line sets."""
    present = {entry.keyword for entry in config.entries}
    listening = {"listen_addresses"} if not present & {"listenaddress", "port"} else set()
    return sorted({field for field, (keyword, _) in FIELDS.items() if keyword not in present} | listening)
