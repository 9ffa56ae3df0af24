"""Says how open an accepting packet filter rule is: to whom, on which ports, and whether that is everything.

Only what is understood as restrictive restricts: a narrow source, a virtual interface, a state without new connections.
Anything else that a rule asks for leaves the answer open or unknown, so that no rule closes a firewall on paper only.
"""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Final

from xspm.model.unknown import Unknown

if TYPE_CHECKING:
    from xspm.connectors.linux.packet_filter import Rule
    from xspm.model.unknown import Maybe

ALL_PORTS: Final = (0, 65535)
_MOST: Final = 32768
"""Ports from which on a rule lets in what nobody asked for."""
_WIDE: Final = {4: 8, 6: 16}
"""Prefixes shorter than these are no restriction of public addresses."""
_PORTLESS: Final = frozenset(
    {
        *(
            "icmp",
            "icmpv6",
            "ipv6-icmp",
            "igmp",
            "esp",
            "ah",
            "gre",
            "vrrp",
            "ospf",
            "pim",
            "hopopt",
            "mobility-header",
        ),
        *("1", "2", "47", "50", "51", "58", "89", "103", "112", "135"),
    }
)
_VIRTUAL: Final = re.compile(
    r"lo|(?:docker|br-|virbr|vnet|veth|cni|podman|lxc|lxd|tun|tap|wg|tailscale|zt|vboxnet|vmnet|cali|flannel|cilium|kube)"
    r"[\w.@-]*[+*]?"
)
"""Interfaces that lead to this host or to a network of its own."""
_SERVICES: Final = {
    "ssh": 22, "telnet": 23, "smtp": 25, "domain": 53, "dns": 53, "bootps": 67, "dhcp": 67, "bootpc": 68,
    "dhcpv6-client": 546,
    "dhcpv6": 547, "tftp": 69, "http": 80, "sunrpc": 111, "rpc-bind": 111, "pop3": 110, "ntp": 123, "netbios-ssn": 139,
    "imap": 143, "imap2": 143, "snmp": 161, "ldap": 389, "https": 443, "microsoft-ds": 445, "smtps": 465,
    "submissions": 465,
    "syslog": 514, "submission": 587, "ipp": 631, "ldaps": 636, "domain-s": 853, "imaps": 993, "pop3s": 995,
    "nfs": 2049,
    "mysql": 3306, "ms-wbt-server": 3389, "rdp": 3389, "mdns": 5353, "postgresql": 5432, "redis": 6379, "cockpit": 9090,
    "mountd": 20048, "mongodb": 27017, "isakmp": 500, "ipsec-nat-t": 4500, "wireguard": 51820, "http-alt": 8080,
}  # fmt: skip
"""Names of ports, as in /etc/services and firewalld."""


def port_ranges(rule: Rule) -> Maybe[list[tuple[int, int]]]:
    """Return the ports a rule accepts, first to last; none for a protocol without ports."""
    protocols = set((rule.protocol or "").lower().split(","))
    if rule.ports is None:
        named = {item for item in protocols if item.startswith("service:")}
        if not named:
            return [] if protocols <= _PORTLESS else [ALL_PORTS]
        words = [item.partition(":")[2] for item in sorted(named)]
    else:
        words = rule.ports.split(",")
    found: list[tuple[int, int]] = []
    for word in words:
        first, dash, last = (_SERVICES.get(word), "", "") if word in _SERVICES else word.partition("-")
        low, high = _port(first, 0), _port(last if dash else first, ALL_PORTS[1])
        if low is None or high is None or (not dash and not word):
            return Unknown(f"ports not understood: {word[:100]}", cause="format")
        found.append((low, high))
    return found


def _port(text: str | int | None, empty: int) -> int | None:
    """Read one end of a range."""
    if isinstance(text, int):
        return text
    text = (text or "").strip()
    if not text:
        return empty
    if text in _SERVICES:
        return _SERVICES[text]
    return int(text) if re.fullmatch(r"\d{1,5}", text) and int(text) <= ALL_PORTS[1] else None


def from_everybody(rule: Rule) -> Maybe[bool]:
    """Tell whether a rule accepts new connections from anywhere."""
    new = not rule.states or bool({"new", "untracked"} & set(rule.states))
    source, interface = _source(rule.source), _interface(rule.interface)
    if rule.limited or not new or source is False or interface is False:
        return False
    if source is None:
        return Unknown(f"source not understood: {(rule.source or '')[:100]}", cause="format")
    if interface is None:
        return Unknown(f"which network is behind {(rule.interface or '')[:100]} is not known")
    return Unknown("a condition of an accepting rule is not understood", cause="format") if rule.other else True


def _source(text: str | None) -> bool | None:
    """Whether a source is everybody; None when it is not understood."""
    open_to_all = text is None
    for word in (text or "").split(",") if text else ():
        try:
            network = ipaddress.ip_network(word, strict=False)
        except ValueError:
            return None
        open_to_all = open_to_all or (network.prefixlen < _WIDE[network.version] and not network.is_private)
    return open_to_all


def _interface(text: str | None) -> bool | None:
    """Whether an interface is any; None when it is one of which nothing is known."""
    if text is None or text in {"+", "*"} or text.startswith("!"):
        return True
    return False if _VIRTUAL.fullmatch(text) else None


def everything(rule: Rule) -> Maybe[bool]:
    """Tell whether an accepting rule lets in whatever comes: from everybody, on most ports."""
    everybody = from_everybody(rule)
    if everybody is False:
        return False
    ports = port_ranges(rule)
    if isinstance(ports, Unknown):
        return ports
    count = sum(max(0, last - first + 1) for first, last in ports)
    return everybody if count > _MOST else False
