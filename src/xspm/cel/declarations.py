"""What the front end is told of the language: its extensions, and the functions that its wheel does not know.

The wheel's own configuration format (YAML) switches on more libraries than its Python classes do, the two-variable
macros among them. The network library it lacks altogether: addresses are declared as messages, which makes `type(x)
== net.IP` check, and `string` is declared anew with them in it.
"""

from __future__ import annotations

from typing import Any, Final, TypeAlias

from cel_expr_python import cel
from google.protobuf import (
    descriptor_pb2,
    descriptor_pool,
    duration_pb2,
    struct_pb2,
    timestamp_pb2,
    wrappers_pb2,
)

CONFIG: Final = """\
name: xspm
extensions:
  - name: bindings
  - name: encoders
  - name: lists
  - name: math
  - name: optional
  - name: regex
  - name: sets
  - name: strings
  - name: two-var-comprehensions
stdlib:
  exclude_functions:
    - name: string
"""

_TYPE: Final = cel.Type
_IP: Final = "net.IP"
_CIDR: Final = "net.CIDR"

_Overloads: TypeAlias = list[tuple[str, str, list[str], bool]]
"""Overload, result, parameters, whether it is called as a method."""

_NETWORK: Final[dict[str, _Overloads]] = {
    "string": [
        *((f"{name}_to_string", "string", [kind], False) for name, kind in (
            ("bool", "bool"), ("int64", "int"), ("uint64", "uint"), ("double", "double"), ("string", "string"),
            ("bytes", "bytes"), ("timestamp", "google.protobuf.Timestamp"), ("duration", "google.protobuf.Duration"),
            ("ip", _IP), ("cidr", _CIDR),
        )),
    ],
    "ip": [("string_to_ip", _IP, ["string"], False), ("cidr_ip", _IP, [_CIDR], True)],
    "cidr": [("string_to_cidr", _CIDR, ["string"], False)],
    "isIP": [("is_ip", "bool", ["string"], False)],
    "isCIDR": [("is_cidr", "bool", ["string"], False)],
    "ip.isCanonical": [("ip_is_canonical", "bool", ["string"], False)],
    "family": [("ip_family", "int", [_IP], True)],
    "isUnspecified": [("ip_is_unspecified", "bool", [_IP], True)],
    "isLoopback": [("ip_is_loopback", "bool", [_IP], True)],
    "isGlobalUnicast": [("ip_is_global_unicast", "bool", [_IP], True)],
    "isLinkLocalMulticast": [("ip_is_link_local_multicast", "bool", [_IP], True)],
    "isLinkLocalUnicast": [("ip_is_link_local_unicast", "bool", [_IP], True)],
    "containsIP": [
        ("cidr_contains_ip", "bool", [_CIDR, _IP], True),
        ("cidr_contains_ip_string", "bool", [_CIDR, "string"], True),
    ],
    "containsCIDR": [
        ("cidr_contains_cidr", "bool", [_CIDR, _CIDR], True),
        ("cidr_contains_cidr_string", "bool", [_CIDR, "string"], True),
    ],
    "masked": [("cidr_masked", _CIDR, [_CIDR], True)],
    "prefixLength": [("cidr_prefix_length", "int", [_CIDR], True)],
}  # fmt: skip


def config() -> Any:
    """Return the environment's configuration: every library that the wheel knows and xspm implements."""
    return cel.NewEnvConfigFromYaml(CONFIG)


def functions() -> list[Any]:
    """Return the declarations of the functions that the wheel does not know, without implementations."""
    return [
        cel.FunctionDecl(
            name,
            [
                cel.Overload(overload, _TYPE(result), [_TYPE(part) for part in parts], member)
                for overload, result, parts, member in overloads
            ],
        )
        for name, overloads in _NETWORK.items()
    ]


def pool() -> Any:
    """Return a new descriptor pool with the well-known types and the network types."""
    result = descriptor_pool.DescriptorPool()
    for module in (wrappers_pb2, struct_pb2, timestamp_pb2, duration_pb2):
        result.AddSerializedFile(module.DESCRIPTOR.serialized_pb)
    file = descriptor_pb2.FileDescriptorProto(name="xspm/net.proto", package="net", syntax="proto3")
    for name in ("IP", "CIDR"):
        message = file.message_type.add(name=name)
        message.field.add(name="text", number=1, type=descriptor_pb2.FieldDescriptorProto.TYPE_STRING, label=1)
    result.AddSerializedFile(file.SerializeToString())
    return result
