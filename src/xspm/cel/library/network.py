"""IP addresses and networks: the network extension, as Kubernetes knows it."""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import Any, ClassVar, Final, TypeAlias

import msgspec

from xspm.cel.values import EvaluationError, strict

_Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address


class IP(msgspec.Struct, frozen=True):
    """An address; IPv4 mapped into IPv6 equals the IPv4 address."""

    TYPE: ClassVar[str] = "net.IP"

    address: _Address

    def __str__(self) -> str:
        """Write the address in its canonical form."""
        return str(self.address)


class CIDR(msgspec.Struct, frozen=True):
    """An address with the length of its network's prefix."""

    TYPE: ClassVar[str] = "net.CIDR"

    address: _Address
    length: int

    def __str__(self) -> str:
        """Write `address/length`."""
        return f"{self.address}/{self.length}"


_LINK_LOCAL_MULTICAST: Final = (ipaddress.ip_network("224.0.0.0/24"), ipaddress.ip_network("ff02::/16"))
_LONGEST: Final = 64
"""Characters of an address that are read; the longest IPv6 address has 45."""

_BROADCAST: Final = ipaddress.IPv4Address("255.255.255.255")


def _parse(text: str, what: str) -> _Address | EvaluationError:
    if len(text) > _LONGEST:
        return EvaluationError(f"{what} is too long")
    if "%" in text:
        return EvaluationError(f"{what} with zone value is not allowed")
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        kind = "IP Address" if what == "IP Address" else "network address"
        return EvaluationError(f"{kind} '{text}' parse error during conversion from string")
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        if "." in text:
            return EvaluationError("IPv4-mapped IPv6 address is not allowed")
        return address.ipv4_mapped
    return address


@lru_cache(maxsize=4096)
def _ip(text: str) -> IP | EvaluationError:
    address = _parse(text, "IP Address")
    return address if isinstance(address, EvaluationError) else IP(address)


@lru_cache(maxsize=4096)
def _cidr(text: str) -> CIDR | EvaluationError:
    host, slash, length = text[: _LONGEST + 2].partition("/")
    bad = EvaluationError(f"network address parse error during conversion from string: '{text}'")
    address = _parse(host, "CIDR")
    if isinstance(address, EvaluationError):
        return bad if "parse error" in address.message else address
    if (
        not slash
        or not (length.isascii() and length.isdigit())
        or len(length) > 3
        or int(length) > address.max_prefixlen
    ):
        return bad
    return CIDR(address, int(length))


def ip_(value: Any) -> Any:
    """`ip(text)`."""
    return _ip(value) if type(value) is str else value if type(value) is IP else strict(value)


def cidr_(value: Any) -> Any:
    """`cidr(text)`."""
    return _cidr(value) if type(value) is str else value if type(value) is CIDR else strict(value)


def is_ip_(value: Any) -> Any:
    """`isIP(text)`."""
    return type(_ip(value)) is IP if type(value) is str else strict(value)


def is_cidr_(value: Any) -> Any:
    """`isCIDR(text)`."""
    return type(_cidr(value)) is CIDR if type(value) is str else strict(value)


def is_canonical_(value: Any) -> Any:
    """`ip.isCanonical(text)`: whether the text is the one canonical form of the address."""
    parsed = ip_(value)
    return str(parsed) == value if type(parsed) is IP else parsed


def family_(value: Any) -> Any:
    """`address.family()`: 4 or 6."""
    return value.address.version if type(value) in {IP, CIDR} else strict(value)


def is_unspecified_(value: Any) -> Any:
    """`address.isUnspecified()`."""
    return value.address.is_unspecified if type(value) is IP else strict(value)


def is_loopback_(value: Any) -> Any:
    """`address.isLoopback()`."""
    return value.address.is_loopback if type(value) is IP else strict(value)


def is_link_local_multicast_(value: Any) -> Any:
    """`address.isLinkLocalMulticast()`."""
    return any(value.address in network for network in _LINK_LOCAL_MULTICAST) if type(value) is IP else strict(value)


def is_link_local_unicast_(value: Any) -> Any:
    """`address.isLinkLocalUnicast()`."""
    return value.address.is_link_local if type(value) is IP else strict(value)


def is_global_unicast_(value: Any) -> Any:
    """`address.isGlobalUnicast()`: not unspecified, loopback, multicast, link-local or broadcast; private ones are."""
    if type(value) is not IP:
        return strict(value)
    address = value.address
    return not (
        address.is_unspecified
        or address.is_loopback
        or address.is_multicast
        or address.is_link_local
        or address == _BROADCAST
    )


def _within(network: CIDR, address: _Address) -> bool:
    shift = network.address.max_prefixlen - network.length
    return network.address.version == address.version and int(network.address) >> shift == int(address) >> shift


def contains_ip_(network: Any, address: Any) -> Any:
    """`network.containsIP(address)`."""
    address = ip_(address)
    if type(network) is not CIDR or type(address) is not IP:
        return strict(network, address)
    return _within(network, address.address)


def contains_cidr_(network: Any, other: Any) -> Any:
    """`network.containsCIDR(other)`."""
    other = cidr_(other)
    if type(network) is not CIDR or type(other) is not CIDR:
        return strict(network, other)
    return other.length >= network.length and _within(network, other.address)


def cidr_ip_(network: Any) -> Any:
    """`network.ip()`: the address as written."""
    return IP(network.address) if type(network) is CIDR else strict(network)


def masked_(network: Any) -> Any:
    """`network.masked()`: with the bits after the prefix cleared."""
    if type(network) is not CIDR:
        return strict(network)
    shift = network.address.max_prefixlen - network.length
    return CIDR(type(network.address)(int(network.address) >> shift << shift), network.length)


def prefix_length_(network: Any) -> Any:
    """`network.prefixLength()`."""
    return network.length if type(network) is CIDR else strict(network)
