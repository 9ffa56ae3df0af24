"""Listening sockets, with the process that owns them.

On this machine they come from /proc/net and the descriptors below /proc/*/fd; over ssh from `ss -lntuHp`. Ports are the
same for every user; the process of somebody else's socket is known only to root.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from xspm.model.schema import ResourceType
from xspm.model.unknown import Maybe


class ListeningSocket(ResourceType, frozen=True, kw_only=True):
    """A TCP or UDP port that is open on this host."""

    TYPE: ClassVar[str] = "linux.listening_socket"

    protocol: Literal["tcp", "udp"]
    """Transport."""
    family: Literal["ipv4", "ipv6"]
    """Address family of the socket; an IPv6 wildcard usually serves IPv4 too."""
    address: str
    """Local address: `0.0.0.0`, `::`, `127.0.0.1` …"""
    port: int
    """Local port."""
    interface: Maybe[str | None]
    """Interface the socket is bound to; null when none."""
    loopback: bool
    """Only reachable from the host itself."""
    all_interfaces: bool
    """Bound to the wildcard address."""
    uid: Maybe[int | None]
    """Owner of the socket; null when not told."""
    processes: Maybe[list[str]]
    """Names of the processes that hold it, sorted; empty when the kernel or another namespace holds it."""
    executables: Maybe[list[str]]
    """Paths of their programs, sorted."""


TYPES: tuple[type[ResourceType], ...] = (ListeningSocket,)
