"""Addresses for the reference engine: Python over the standard library, since the wheel's C++ runtime has none.

They share no code with xspm's own engine. An address is a message `net.IP` or `net.CIDR` that holds its text, IPv4
written as IPv4 even when it came mapped into IPv6, so that the runtime's own equality of messages compares addresses.
"""

from __future__ import annotations

from functools import cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_interface, ip_network
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from cel_expr_python import cel
from google.protobuf import (
    descriptor_pb2,
    descriptor_pool,
    message_factory,
    source_context_pb2,
    timestamp_pb2,
    wrappers_pb2,
)

if TYPE_CHECKING:
    from collections.abc import Callable

_Address: TypeAlias = IPv4Address | IPv6Address

_STRING: Final = 9  # descriptor.proto: TYPE_STRING
_OPTIONAL: Final = 1  # descriptor.proto: LABEL_OPTIONAL


@cache
def pool() -> Any:
    """Return the descriptors of the messages that the runtime meets."""
    made = descriptor_pool.DescriptorPool()
    for module in (source_context_pb2, timestamp_pb2, wrappers_pb2):
        made.AddSerializedFile(module.DESCRIPTOR.serialized_pb)
    file = descriptor_pb2.FileDescriptorProto(name="xspm/net.proto", package="net", syntax="proto3")
    for name in ("IP", "CIDR"):
        file.message_type.add(name=name).field.add(name="text", number=1, type=_STRING, label=_OPTIONAL)
    made.Add(file)
    return made


def functions() -> list[Any]:
    """Return the functions that the runtime knows by names of their own."""
    address, block, text = cel.Type("net.IP"), cel.Type("net.CIDR"), cel.Type.STRING
    true_or_false, whole = cel.Type.BOOL, cel.Type.INT
    tests: dict[str, Callable[[_Address], bool]] = {
        "isUnspecified": lambda ip: ip.is_unspecified,
        "isLoopback": lambda ip: ip.is_loopback,
        "isGlobalUnicast": _is_global_unicast,
        "isLinkLocalMulticast": _is_link_local_multicast,
        "isLinkLocalUnicast": lambda ip: ip.is_link_local,
    }
    return [
        _function("ip", _overload(address, [text], _ip), _overload(address, [block], _ip_of, member=True)),
        _function("cidr", _overload(block, [text], _cidr)),
        _function("isIP", _overload(true_or_false, [text], lambda value: _accepts(_ip, value))),
        _function("isCIDR", _overload(true_or_false, [text], lambda value: _accepts(_cidr, value))),
        _function("ip.isCanonical", _overload(true_or_false, [text], lambda value: _ip(value).text == value)),
        _function("family", _overload(whole, [address], lambda value: ip_address(value.text).version, member=True)),
        *(
            _function(
                name,
                _overload(true_or_false, [address], lambda value, test=test: test(ip_address(value.text)), member=True),
            )
            for name, test in tests.items()
        ),
        _function(
            "containsIP",
            _overload(true_or_false, [block, address], lambda outer, inner: _contains(outer, inner.text), member=True),
            _overload(
                true_or_false, [block, text], lambda outer, inner: _contains(outer, _ip(inner).text), member=True
            ),
        ),
        _function(
            "containsCIDR",
            _overload(true_or_false, [block, block], lambda outer, inner: _contains(outer, inner.text), member=True),
            _overload(
                true_or_false, [block, text], lambda outer, inner: _contains(outer, _cidr(inner).text), member=True
            ),
        ),
        _function("masked", _overload(block, [block], _masked, member=True)),
        _function(
            "prefixLength",
            _overload(whole, [block], lambda value: ip_interface(value.text).network.prefixlen, member=True),
        ),
    ]


def extension() -> Any:
    """Return `string(address)`, which only an extension can add to a function of the standard library."""
    to_text = cel.Overload(
        "xspm_address_to_string", cel.Type.STRING, [cel.Type("net.IP")], impl=lambda value: value.text
    )
    return cel.CelExtension("xspm.network", [cel.FunctionDecl("string", [to_text])])


def _overload(
    result: Any, parameters: list[Any], impl: Callable[..., Any], *, member: bool = False
) -> tuple[Any, list[Any], Any, bool]:
    return result, parameters, impl, member


def _function(name: str, *overloads: tuple[Any, list[Any], Any, bool]) -> Any:
    listed = [
        cel.Overload(f"xspm_{name}_{number}", result, parameters, is_member=member, impl=impl)
        for number, (result, parameters, impl, member) in enumerate(overloads)
    ]
    return cel.FunctionDecl(name, listed)


def _message(name: str, text: str) -> Any:
    return message_factory.GetMessageClass(pool().FindMessageTypeByName(f"net.{name}"))(text=text)


def _plain(address: _Address) -> _Address:
    """Return an IPv4 address for one that is mapped into IPv6."""
    return getattr(address, "ipv4_mapped", None) or address


def _refuse_special(text: str) -> None:
    if "%" in text or (":" in text and "." in text):
        raise ValueError(f"'{text}' has a zone or mixes IPv6 with IPv4")


def _ip(text: str) -> Any:
    _refuse_special(text)
    return _message("IP", str(_plain(ip_address(text))))


def _cidr(text: str) -> Any:
    _refuse_special(text)
    address, slash, prefix = text.partition("/")
    if not slash or not (prefix.isascii() and prefix.isdigit()):
        raise ValueError(f"'{text}' is not ADDRESS/PREFIX")
    parsed = ip_address(address)
    if _plain(parsed) is not parsed:
        raise ValueError(f"'{text}' is an IPv4 block mapped into IPv6")
    return _message("CIDR", str(ip_interface(f"{parsed}/{int(prefix)}")))


def _accepts(parse: Callable[[str], Any], text: str) -> bool:
    try:
        parse(text)
    except ValueError:
        return False
    return True


def _ip_of(block: Any) -> Any:
    return _message("IP", str(_plain(ip_interface(block.text).ip)))


def _masked(block: Any) -> Any:
    return _message("CIDR", str(ip_interface(block.text).network))


def _contains(block: Any, inner: str) -> bool:
    outer, other = ip_interface(block.text).network, ip_network(inner, strict=False)
    if "/" in inner and other.version == outer.version and ip_interface(inner).network.prefixlen < outer.prefixlen:
        return False
    return outer.version == other.version and other.subnet_of(outer)  # type: ignore[arg-type]  # versions are equal


def _is_global_unicast(address: _Address) -> bool:
    limited_broadcast = IPv4Address("255.255.255.255")
    return not (
        address.is_multicast
        or address.is_unspecified
        or address.is_loopback
        or address.is_link_local
        or address == limited_broadcast
    )


def _is_link_local_multicast(address: _Address) -> bool:
    block = "224.0.0.0/24" if address.version == 4 else "ff02::/16"
    return address in ip_network(block)
