"""The host firewall, whatever writes its rules: nftables, iptables, ufw, firewalld.

The kernel's rules decide where they can be read (`nft -j list ruleset`, else `iptables-save` and `ip6tables-save`).
Elsewhere the front-ends' files say what would be loaded at boot. Both end in the same few answers: does an unexpected
packet get in?
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

import msgspec

from xspm.connectors.linux import nftables
from xspm.connectors.linux.firewalld import DIRECT, OWN_SERVICES, POLICIES, Firewalld, firewalld_tables, read_firewalld
from xspm.connectors.linux.init import Init, init_of
from xspm.connectors.linux.iptables import from_iptables
from xspm.connectors.linux.openness import from_everybody, port_ranges
from xspm.connectors.linux.packet_filter import Answer, Rule, Table, answer, from_nft
from xspm.connectors.linux.records import StructT, fill, present, settings
from xspm.connectors.linux.transport import Needs, Output
from xspm.connectors.linux.ufw import Ufw, read_ufw, ufw_tables
from xspm.model.schema import ResourceType
from xspm.model.unknown import Maybe, Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xspm.connectors.linux.transport import Source
    from xspm.model.asset import Problem, Resource


class PortRange(msgspec.Struct, frozen=True, kw_only=True):
    """Ports that follow each other."""

    first: int
    """Lowest."""
    last: int
    """Highest."""


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
    port_ranges: Maybe[list[PortRange]]
    """Destination ports as numbers: 0 to 65535 where the rule names none; empty for a protocol without ports."""
    from_everybody: Maybe[bool]
    """New connections from anywhere are accepted. Only a source, an interface or a state that is understood to leave
    others out makes it false; with a condition that is not understood it is unknown.
    """


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
    """What happens to an incoming IPv4 packet that nobody asked for: `accept` also where a rule lets in whatever comes
    in front of a policy that refuses.
    """
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

_NFT: Final = ("nft", "-j", "list", "ruleset")
_SAVES: Final = (("iptables-save",), ("ip6tables-save",))
_NFT_FILES: Final = ("/etc/nftables.conf", "/etc/sysconfig/nftables.conf", "/etc/nftables.nft")
_IPTABLES_FILES: Final = (
    ("/etc/iptables/rules.v4", "/etc/iptables/rules.v6"),
    ("/etc/sysconfig/iptables", "/etc/sysconfig/ip6tables"),
    ("/etc/iptables/rules-save", "/etc/iptables/rules6-save"),
)
NEEDS: Final = Needs(
    texts=(
        *_NFT_FILES,
        "/etc/nftables.d/*",
        "/etc/nftables/*",
        *(path for pair in _IPTABLES_FILES for path in pair),
        "/etc/ufw/*",
        "/etc/default/ufw",
        "/etc/firewalld/firewalld.conf",
        "/etc/firewalld/zones/*.xml",
        "/usr/lib/firewalld/zones/*.xml",
        DIRECT,
        POLICIES,
    ),
    stats=(
        f"{OWN_SERVICES}/*.xml",
        "/usr/sbin/nft",
        "/sbin/nft",
        "/usr/sbin/iptables",
        "/sbin/iptables",
        "/usr/sbin/ufw",
        "/usr/sbin/firewalld",
    ),
    commands=(_NFT, *_SAVES),
)

_PROGRAMS: Final[dict[str, tuple[str, ...]]] = {
    "nftables": ("/usr/sbin/nft", "/sbin/nft", *_NFT_FILES),
    "iptables": ("/usr/sbin/iptables", "/sbin/iptables", *(path for pair in _IPTABLES_FILES for path in pair)),
    "ufw": ("/usr/sbin/ufw", "/etc/ufw/ufw.conf"),
    "firewalld": ("/usr/sbin/firewalld", "/etc/firewalld/firewalld.conf"),
}
_SERVICES: Final[dict[str, tuple[str, ...]]] = {
    "nftables": ("nftables",),
    "iptables": ("iptables", "ip6tables", "netfilter-persistent"),
    "ufw": ("ufw",),
    "firewalld": ("firewalld",),
}
_ANSWERS: Final = (
    "active",
    "input_policy_ipv4",
    "input_policy_ipv6",
    "forward_policy_ipv4",
    "forward_policy_ipv6",
    "output_policy_ipv4",
    "output_policy_ipv6",
    "loopback_accepted",
    "loopback_spoofing_refused",
    "established_accepted",
    "accepted",
)
_ACCEPTED_LIMIT: Final = 500


def collect(source: Source) -> Iterator[Resource | Problem]:
    """Read the kernel's rules, or what the front-ends would load."""
    manager = init_of(source)
    there = {name: present(source, *paths) for name, paths in _PROGRAMS.items()}
    doubt = next((answer for answer in there.values() if isinstance(answer, Unknown)), None)
    installed = [name for name, answer in there.items() if answer is True]
    ufw = read_ufw(source) if "ufw" in installed else None
    firewalld = read_firewalld(source, manager) if "firewalld" in installed else None
    enabled = doubt or _enabled(manager, installed, ufw)
    known: dict[str, Any] = {
        "installed": doubt or installed,
        "enabled": enabled,
        "ufw": _known(there["ufw"], ufw),
        "firewalld": _known(there["firewalld"], firewalld),
    }
    tables, origin = _kernel(source) if source.live else (None, None)
    if tables is None:
        listed = enabled if isinstance(enabled, list) else installed
        tables, origin = (doubt, None) if doubt else _files(source, listed, ufw, firewalld)
    if isinstance(tables, Unknown):
        yield settings(fill(Firewall, tables, {**known, "source": tables}))
        return
    yield settings(Firewall(**known, **_answers(tables), source=origin))


def _known(there: Maybe[bool], front_end: StructT | None) -> Maybe[StructT | None]:
    """Return a front-end's settings; unknown where it cannot be seen whether it is there."""
    return there if isinstance(there, Unknown) else front_end


def _enabled(manager: Init, installed: list[str], ufw: Ufw | None) -> Maybe[list[str]]:
    """Tell which front-ends load rules at boot; without an init system, which have rules to load."""
    found: list[str] = []
    for name in installed:
        boots = manager.boots(*_SERVICES[name])
        if isinstance(boots, Unknown):
            return boots
        if name == "ufw":
            # ufw's service only loads what ufw.conf enables, so its file decides.
            if ufw and isinstance(ufw.enabled, Unknown):
                return ufw.enabled
            boots = bool(ufw and ufw.enabled) and boots is not False
        if boots or (boots is None and name != "ufw"):
            found.append(name)
    return found


def _kernel(source: Source) -> tuple[list[Table] | Unknown | None, str | None]:
    """Ask the kernel; None when no tool is there to ask with."""
    nft = source.run(*_NFT)
    saves = [source.run(*argv) for argv in _SAVES]
    tables: list[Table] = []
    origin: str | None = None
    doubt: Unknown | None = None
    if isinstance(nft, Output) and nft.status == 0:
        try:
            tables = from_nft(msgspec.json.decode(nft.stdout or "{}"))
        except (msgspec.DecodeError, RecursionError):
            doubt = Unknown("nft printed no JSON", cause="format")
        origin = "nft"
    elif nft is not None:
        doubt = nft if isinstance(nft, Unknown) else Unknown(f"nft: {_reason(nft)}")
    for output, family in zip(saves, ("ip", "ip6"), strict=True):
        if isinstance(output, Output) and output.status == 0:
            table = from_iptables(output.stdout, "ip" if family == "ip" else "ip6")
            if any(chain.rules or chain.policy != "accept" for chain in table.chains.values()):
                # Behind iptables' tables nft shows only half of what their rules ask for.
                tables = [item for item in tables if not (item.foreign and item.families == table.families)]
                tables.append(table)
                origin = origin if origin == "nft" and len(tables) > 1 else "iptables-save"
            origin = origin or "iptables-save"
        elif output is not None and origin is None:
            doubt = doubt or (output if isinstance(output, Unknown) else Unknown(f"{_SAVES[0][0]}: {_reason(output)}"))
    if origin is None or (doubt and not tables):
        return doubt, None
    return tables, origin


def _reason(output: Output) -> str:
    """First line of a complaint."""
    return (output.stderr.strip().split("\n")[0] or f"ended with status {output.status}")[:200]


def _answers(tables: list[Table]) -> dict[str, Any]:
    """Normalise rules into the fields of `Firewall`."""
    four, six = answer(tables, "input", "ip"), answer(tables, "input", "ip6")
    values: dict[str, Any] = {
        "active": four.filtered or six.filtered,
        "input_policy_ipv4": four.policy,
        "input_policy_ipv6": six.policy,
        "loopback_accepted": four.loopback and six.loopback,
        "loopback_spoofing_refused": four.spoofing_refused,
        "established_accepted": four.established and six.established,
        "accepted": _accepted(four, six),
    }
    for hook in ("forward", "output"):
        values[f"{hook}_policy_ipv4"] = answer(tables, hook, "ip").policy
        values[f"{hook}_policy_ipv6"] = answer(tables, hook, "ip6").policy
    return values


def _accepted(four: Answer, six: Answer) -> Maybe[list[Accepted]]:
    """Merge what both families let in."""
    found: dict[Rule, set[str]] = {}
    for family, part in (("ipv4", four), ("ipv6", six)):
        for rule in part.accepted:
            found.setdefault(rule, set()).add(family)
    if len(found) > _ACCEPTED_LIMIT:
        return Unknown(f"more than {_ACCEPTED_LIMIT} accepting rules", cause="limit")
    return [
        Accepted(
            family="both" if len(families) == 2 else "ipv4" if "ipv4" in families else "ipv6",
            protocol=rule.protocol,
            ports=rule.ports,
            source=rule.source,
            interface=rule.interface,
            port_ranges=_ranges(rule),
            from_everybody=from_everybody(rule),
        )
        for rule, families in found.items()
    ]


def _ranges(rule: Rule) -> Maybe[list[PortRange]]:
    ranges = port_ranges(rule)
    if isinstance(ranges, Unknown):
        return ranges
    return [PortRange(first=first, last=last) for first, last in ranges]


def _files(
    source: Source, enabled: list[str], ufw: Ufw | None, firewalld: Firewalld | None
) -> tuple[list[Table] | Unknown, str | None]:
    """Return the rules that the enabled front-ends would load."""
    tables: list[Table] = []
    for name in enabled:
        found = _loaded(source, name, ufw, firewalld)
        if isinstance(found, Unknown):
            return found, None
        tables += found
    return tables, "files" if enabled else None


def _loaded(source: Source, name: str, ufw: Ufw | None, firewalld: Firewalld | None) -> list[Table] | Unknown:
    """Return the rules that one front-end would load."""
    if name == "ufw":
        return ufw_tables(source, ufw) if ufw else []
    if name == "firewalld":
        return firewalld_tables(source, firewalld) if firewalld else []
    if name == "nftables":
        for path in _NFT_FILES:
            found = nftables.load(source, path)
            if found is not None:
                return found
        return []
    tables: list[Table] = []
    for four, six in _IPTABLES_FILES:
        for path, family in ((four, "ip"), (six, "ip6")):
            text = source.text(path)
            if isinstance(text, Unknown):
                return text
            if text is not None:
                tables.append(from_iptables(text, "ip" if family == "ip" else "ip6"))
    return tables
