"""The OpenSSH server: its effective settings and its host keys.

`sshd -T` prints what the daemon would use and is taken where it answers. Elsewhere the files are read as sshd reads
them: the first value of a keyword wins, Include is expanded in place, Match blocks are kept apart, and what is not set
has the default of the installed version. Match blocks come from the files in both cases.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import msgspec

from xspm.model.schema import ResourceType
from xspm.model.unknown import Maybe


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

    When the server is not installed, all other fields are unknown with cause `missing`: checks say `applies: resource.installed`.
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
    """LogLevel in upper case: QUIET, FATAL, ERROR, INFO, VERBOSE, DEBUG, DEBUG1 …"""
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
    """Compression: `yes`, `no` or `delayed`."""
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
    files: list[str]
    """Configuration files that were read."""
    unparsed_lines: list[str]
    """Lines that sshd would refuse, or that were not understood, as `file:line`."""
    defaulted: list[str]
    """Fields that no file sets; empty when the source is `sshd -T` and the files cannot be read."""


class SshHostKey(ResourceType, frozen=True, kw_only=True):
    """A host key of the OpenSSH server."""

    TYPE: ClassVar[str] = "linux.ssh_host_key"

    path: str
    """Private key file."""
    algorithm: Maybe[str | None]
    """`rsa`, `ecdsa`, `ed25519`, `dsa`, `sk-…`; null when there is no public half to tell."""
    bits: Maybe[int | None]
    """Key size; null when not told."""
    fingerprint: Maybe[str | None]
    """`SHA256:…` of the public key, as ssh-keygen prints it."""
    exists: Maybe[bool]
    """The private key file is there."""
    mode: Maybe[str | None]
    """Of the private key, four octal digits; null when it does not exist."""
    uid: Maybe[int | None]
    """Owner of the private key; null when it does not exist."""
    gid: Maybe[int | None]
    """Group of the private key; null when it does not exist."""
    group: Maybe[str | None]
    """Name of that group (`root`, `ssh_keys`); null when it has none."""
    world_access: Maybe[bool]
    """Others may read or write the private key; false when it does not exist."""
    group_access: Maybe[bool]
    """The group may read or write the private key; false when it does not exist."""


TYPES: tuple[type[ResourceType], ...] = (Sshd, SshHostKey)
