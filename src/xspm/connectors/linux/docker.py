"""Docker's daemon: its configuration file and command line, effective values, and who may command it."""

from __future__ import annotations

from typing import ClassVar

from xspm.model.schema import ResourceType
from xspm.model.unknown import Maybe


class Docker(ResourceType, frozen=True, kw_only=True):
    """The effective configuration of Docker's daemon."""

    TYPE: ClassVar[str] = "linux.docker"

    installed: Maybe[bool]
    """Whether the daemon is installed."""
    running: Maybe[bool]
    """Whether it runs."""
    config_path: Maybe[str | None]
    """Path of its configuration file; null when there is none and the defaults hold."""
    hosts: Maybe[list[str]]
    """Where it listens: `unix:///var/run/docker.sock`, `tcp://0.0.0.0:2375`, sorted."""
    tls_verify: Maybe[bool]
    """Whether clients over TCP must show a certificate."""
    exposed_without_tls: Maybe[bool]
    """Whether it listens on TCP without demanding clients' certificates, which gives root to all who reach it."""
    inter_container_communication: Maybe[bool]
    """`icc`: whether containers on the default bridge reach each other; true unless set."""
    user_namespace_remap: Maybe[str | None]
    """`userns-remap`; null when containers' root is the host's root."""
    rootless: Maybe[bool]
    """Whether the daemon itself runs without root."""
    no_new_privileges: Maybe[bool]
    """Whether processes in containers cannot gain privileges by default; false unless set."""
    live_restore: Maybe[bool]
    """Whether containers survive the daemon; false unless set."""
    userland_proxy: Maybe[bool]
    """Whether ports are forwarded by a process; true unless set."""
    iptables: Maybe[bool]
    """Whether it keeps its own firewall rules; true unless set."""
    experimental: Maybe[bool]
    """Whether experimental features are on; false unless set."""
    log_driver: Maybe[str]
    """Default log driver; `json-file` unless set."""
    log_level: Maybe[str]
    """`debug`, `info`, `warn`, `error` or `fatal`; `info` unless set."""
    log_size_limited: Maybe[bool]
    """Whether containers' logs cannot fill the disk: a `max-size` is set, or the driver does not write files."""
    storage_driver: Maybe[str | None]
    """As configured; null when Docker chooses."""
    insecure_registries: Maybe[list[str]]
    """Registries that are spoken to without TLS or with any certificate, sorted."""
    authorization_plugins: Maybe[list[str]]
    """Plugins that decide on each request, sorted."""
    seccomp_profile: Maybe[str | None]
    """Default profile of system calls; null means Docker's own, `unconfined` means none."""
    default_ulimits: Maybe[list[str]]
    """Resource limits every container gets, by name, sorted."""
    group_members: Maybe[list[str]]
    """Members of the group `docker`, who are as good as root, sorted."""
