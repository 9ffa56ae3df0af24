"""The host firewall, whatever writes its rules: nftables, iptables, ufw, firewalld.

The kernel's rules decide where they can be read (`nft -j list ruleset`, else `iptables-save` and `ip6tables-save`).
Elsewhere the front-ends' files say what would be loaded at boot. Both end in the same few answers: does an unexpected
packet get in?
"""

from __future__ import annotations

from typing import ClassVar, Literal

import msgspec

from xspm.model.schema import ResourceType
from xspm.model.unknown import Maybe


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """Something that the input rules let in."""

    family: Literal["ipv4", "ipv6", "both"]
    """Address family."""
    protocol: str | None
    """tcp, udp, icmp …; null for any."""
    ports: str | None
    """Destination ports as written: `22`, `80,443`, `6000-6007`; null for any."""
    source: str | None
    """Source address or set; null for anywhere."""
    interface: str | None
    """Incoming interface; null for any."""


class Ufw(msgspec.Struct, frozen=True, kw_only=True):
    """The front-end ufw."""

    enabled: Maybe[bool]
    """ENABLED in ufw.conf."""
    default_input: Maybe[str]
    """DEFAULT_INPUT_POLICY in lower case: drop, reject, accept."""
    default_output: Maybe[str]
    """DEFAULT_OUTPUT_POLICY."""
    default_forward: Maybe[str]
    """DEFAULT_FORWARD_POLICY."""
    ipv6: Maybe[bool]
    """IPV6."""
    log_level: Maybe[str]
    """LOGLEVEL: off, low, medium, high, full."""


class FirewalldZone(msgspec.Struct, frozen=True, kw_only=True):
    """A zone of firewalld as stored."""

    name: str
    """Zone name."""
    target: str
    """`default`, `ACCEPT`, `DROP` or `%%REJECT%%`."""
    interfaces: list[str]
    """Interfaces bound to it."""
    sources: list[str]
    """Source addresses bound to it."""
    services: list[str]
    """Services let in."""
    ports: list[str]
    """Ports let in, as `port/protocol`."""


class Firewalld(msgspec.Struct, frozen=True, kw_only=True):
    """The front-end firewalld."""

    enabled: Maybe[bool | None]
    """It starts at boot; null when no init system is there."""
    default_zone: Maybe[str]
    """DefaultZone."""
    zones: Maybe[list[FirewalldZone]]
    """The default zone and every zone changed or added on this host."""


class Firewall(ResourceType, frozen=True, kw_only=True):
    """The host firewall's answers, normalised over all back ends."""

    TYPE: ClassVar[str] = "linux.firewall"

    installed: Maybe[list[str]]
    """Front-ends that are there: `nftables`, `iptables`, `ufw`, `firewalld`."""
    enabled: Maybe[list[str]]
    """Those of them that load rules at boot."""
    source: Maybe[str | None]
    """Where the answers below come from: `nft`, `iptables-save`, `files`; null when there is neither a rule nor a
    front-end.
    """
    active: Maybe[bool]
    """Input is filtered: a policy or a rule refuses something."""
    input_policy_ipv4: Maybe[Literal["drop", "reject", "accept"]]
    """What happens to an incoming IPv4 packet that no rule accepts."""
    input_policy_ipv6: Maybe[Literal["drop", "reject", "accept"]]
    """The same for IPv6."""
    forward_policy_ipv4: Maybe[Literal["drop", "reject", "accept"]]
    """What happens to a forwarded IPv4 packet that no rule accepts."""
    forward_policy_ipv6: Maybe[Literal["drop", "reject", "accept"]]
    """The same for IPv6."""
    output_policy_ipv4: Maybe[Literal["drop", "reject", "accept"]]
    """What happens to an outgoing IPv4 packet that no rule accepts."""
    output_policy_ipv6: Maybe[Literal["drop", "reject", "accept"]]
    """The same for IPv6."""
    loopback_accepted: Maybe[bool]
    """Traffic on the loopback interface is accepted."""
    loopback_spoofing_refused: Maybe[bool]
    """Packets from 127.0.0.0/8 that come in elsewhere are refused."""
    established_accepted: Maybe[bool]
    """Answers to outgoing connections are accepted by state."""
    accepted: Maybe[list[Accepted]]
    """What input rules accept, other than loopback and established connections."""
    ufw: Maybe[Ufw | None]
    """ufw's own settings; null when it is not installed."""
    firewalld: Maybe[Firewalld | None]
    """firewalld's own settings; null when it is not installed."""


TYPES: tuple[type[ResourceType], ...] = (Firewall,)
