"""Listening sockets, with the process that owns them.

Ports come from the kernel's tables below /proc/net; who holds a socket from one run of ss, else from every process's
descriptors. Ports are the same for every user; the process of somebody else's socket is known only to root.
"""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

import msgspec

from xspm.connectors.linux.logic import NOT_LIVE
from xspm.connectors.linux.records import fill, resource, unlisted
from xspm.connectors.linux.transport import Needs, Output, Stat
from xspm.model.schema import ResourceType
from xspm.model.unknown import Maybe, Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xspm.connectors.linux.transport import Source
    from xspm.model.asset import Problem, Resource


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


TYPES: tuple[type[ResourceType], ...] = (ListeningSocket,)

_SS: Final = ("ss", "-lntuHpe")
NEEDS: Final = Needs(
    texts=("/proc/net/tcp", "/proc/net/tcp6", "/proc/net/udp", "/proc/net/udp6"),
    commands=(_SS,),
)

_TABLES: Final[tuple[tuple[str, Literal["tcp", "udp"], Literal["ipv4", "ipv6"], str], ...]] = (
    ("/proc/net/tcp", "tcp", "ipv4", "0A"),
    ("/proc/net/tcp6", "tcp", "ipv6", "0A"),
    ("/proc/net/udp", "udp", "ipv4", "07"),
    ("/proc/net/udp6", "udp", "ipv6", "07"),
)
"""Table, protocol, family and the state that means listening (unconnected for UDP)."""
_NOT_OURS: Final = "only root may look into other users' processes"
_PROCESS_LIMIT: Final = 20_000
_SOCKET_LINK: Final = re.compile(r"socket:\[(\d+)\]")


class _Open(msgspec.Struct, frozen=True):
    """A listening socket as the kernel lists it."""

    protocol: Literal["tcp", "udp"]
    family: Literal["ipv4", "ipv6"]
    address: str
    port: int
    uid: int | None
    inode: str
    interface: str | None = None


class _Owners(msgspec.Struct):
    """Processes by the socket they hold."""

    names: dict[str, set[str]] = {}
    doubt: Unknown | None = None
    """Why some process could not be looked into."""


def collect(source: Source) -> Iterator[Resource | Problem]:
    """List open ports with their processes."""
    if not source.live:
        yield unlisted(NOT_LIVE, ListeningSocket)
        return
    sockets = _tables(source)
    if isinstance(sockets, Unknown):
        yield unlisted(sockets, ListeningSocket)
        return
    owners = _owners(source, {socket.inode for socket in sockets})
    merged: dict[str, list[_Open]] = {}
    for socket in sockets:
        host = f"[{socket.address}]" if socket.family == "ipv6" else socket.address
        device = f"%{socket.interface}" if socket.interface else ""
        merged.setdefault(f"{socket.protocol}/{host}{device}:{socket.port}", []).append(socket)
    for name, group in sorted(merged.items()):
        yield resource(_socket(group, owners), name)


def _socket(group: list[_Open], owners: _Owners) -> ListeningSocket:
    """Return one resource for all sockets on the same address and port (SO_REUSEPORT)."""
    first = group[0]
    names = {name for item in group for name in owners.names.get(item.inode, ())}
    hidden = owners.doubt if not names else None
    address = ipaddress.ip_address(first.address)
    mapped = getattr(address, "ipv4_mapped", None)
    known: dict[str, Any] = {
        "protocol": first.protocol,
        "family": first.family,
        "address": first.address,
        "port": first.port,
        "interface": first.interface,
        "loopback": address.is_loopback or bool(mapped and mapped.is_loopback) or first.interface == "lo",
        "all_interfaces": address.is_unspecified and first.interface is None,
        "uid": first.uid,
        "processes": hidden or sorted(names),
    }
    return fill(ListeningSocket, None, known)


def _tables(source: Source) -> list[_Open] | Unknown:
    """Read the kernel's tables."""
    found: list[_Open] = []
    absent = True
    for path, protocol, family, state in _TABLES:
        text = source.text(path)
        if isinstance(text, Unknown):
            return text
        absent &= text is None
        for line in (text or "").split("\n")[1:]:
            columns = line.split()
            if len(columns) < 10 or columns[3] != state:
                continue
            local = _address(columns[1])
            if local and columns[2].endswith(":0000"):
                uid = int(columns[7]) if columns[7].isascii() and columns[7].isdigit() else None
                found.append(_Open(protocol, family, local[0], local[1], uid, columns[9]))
    return Unknown("no tables of sockets below /proc/net", cause="missing") if absent else found


def _address(text: str) -> tuple[str, int] | None:
    """Read an address as the kernel writes it: words in the host's byte order, taken to be little-endian."""
    match = re.fullmatch(r"([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4})", text)
    if match is None:
        return None
    raw = bytes.fromhex(match[1])
    data = b"".join(raw[at : at + 4][::-1] for at in range(0, len(raw), 4))
    address = ipaddress.ip_address(data)
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    # Python writes mapped addresses in one way or another by its version; evidence must not depend on that.
    return f"::ffff:{mapped}" if mapped else str(address), int(match[2], 16)


def _owners(source: Source, inodes: set[str]) -> _Owners:
    """Tell who holds the sockets: ss says it in one command; without ss, every process's descriptors do."""
    owners = _Owners()
    if _ask_ss(source, owners):
        return owners
    listed = source.list("/proc")
    pids = [name for name in listed if name.isascii() and name.isdigit()] if isinstance(listed, list) else []
    for pid in pids[:_PROCESS_LIMIT]:
        _process(source, pid, inodes, owners)
    if len(pids) > _PROCESS_LIMIT:
        owners.doubt = Unknown(f"more than {_PROCESS_LIMIT} processes", cause="limit")
    if not pids:
        owners.doubt = Unknown("neither ss nor /proc tells who holds a socket", cause="missing")
    return owners


def _process(source: Source, pid: str, inodes: set[str], owners: _Owners) -> None:
    """Look through one process's descriptors."""
    descriptors = source.list(f"/proc/{pid}/fd")
    if isinstance(descriptors, Unknown):
        if descriptors.cause == "access":
            owners.doubt = owners.doubt or Unknown(_NOT_OURS)
        return
    for descriptor in descriptors or ():
        found = source.stat(f"/proc/{pid}/fd/{descriptor}")
        match = _SOCKET_LINK.fullmatch(found.target or "") if isinstance(found, Stat) else None
        if match is None or match[1] not in inodes:
            continue
        name = source.text(f"/proc/{pid}/comm")
        if isinstance(name, str):
            owners.names.setdefault(match[1], set()).add(name.strip())


def _ask_ss(source: Source, owners: _Owners) -> bool:
    """Ask ss, whose output names processes and inodes; false when it does not answer."""
    output = source.run(*_SS)
    if not isinstance(output, Output) or output.status:
        return False
    for line in output.stdout.split("\n"):
        inode = re.search(r"\bino:(\d+)", line)
        for name in re.findall(r'\("([^"]{1,64})",pid=', line) if inode else ():
            owners.names.setdefault(inode[1] if inode else "", set()).add(name)
    if not source.root:
        owners.doubt = Unknown(_NOT_OURS)
    return True
