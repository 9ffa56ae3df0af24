"""The host firewall, whatever writes its rules: nftables, iptables, ufw, firewalld.

The kernel's rules decide where they can be read (`nft -j list ruleset`, else `iptables-save` and `ip6tables-save`).
Elsewhere the front-ends' files say what would be loaded at boot. Both end in the same few answers: does an unexpected
packet get in?
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

import msgspec

from xspm.connectors.linux import nftables
from xspm.connectors.linux.configuration import boolean, shell_assignments, words
from xspm.connectors.linux.init import Init, init_of
from xspm.connectors.linux.openness import from_everybody, port_ranges
from xspm.connectors.linux.packet_filter import Answer, Rule, Table, answer, from_iptables, from_nft
from xspm.connectors.linux.records import StructT, fill, present, settings
from xspm.connectors.linux.transport import Needs, Output
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
_DIRECT: Final = "/etc/firewalld/direct.xml"
_POLICIES: Final = "/etc/firewalld/policies/*.xml"
_OWN_SERVICES: Final = "/etc/firewalld/services"
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
        _DIRECT,
        _POLICIES,
    ),
    stats=(
        f"{_OWN_SERVICES}/*.xml",
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
    ufw = _ufw(source) if "ufw" in installed else None
    firewalld = _firewalld(source, manager) if "firewalld" in installed else None
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
        return _ufw_tables(source, ufw) if ufw else []
    if name == "firewalld":
        return _firewalld_tables(source, firewalld) if firewalld else []
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


def _ufw(source: Source) -> Ufw:
    """Read ufw's settings."""
    main, defaults = source.text("/etc/ufw/ufw.conf"), source.text("/etc/default/ufw")
    given = {} if isinstance(main, Unknown) else shell_assignments(main or "")
    policies = {} if isinstance(defaults, Unknown) else shell_assignments(defaults or "")

    def policy(name: str, default: str) -> Maybe[str]:
        return (
            defaults if isinstance(defaults, Unknown) else policies[name].value.lower() if name in policies else default
        )

    return Ufw(
        enabled=main if isinstance(main, Unknown) else "ENABLED" in given and boolean(given["ENABLED"].value) is True,
        default_input=policy("DEFAULT_INPUT_POLICY", "drop"),
        default_output=policy("DEFAULT_OUTPUT_POLICY", "accept"),
        default_forward=policy("DEFAULT_FORWARD_POLICY", "drop"),
        ipv6=defaults if isinstance(defaults, Unknown) else "IPV6" not in policies or policies["IPV6"].value != "no",
        log_level=main
        if isinstance(main, Unknown)
        else given["LOGLEVEL"].value.lower()
        if "LOGLEVEL" in given
        else "low",
    )


def _ufw_tables(source: Source, ufw: Ufw) -> list[Table] | Unknown:
    """Return the rules that ufw loads: its policies, and the files of its own and its user's rules."""
    tables: list[Table] = []
    for family, mark in (("ip", ""), ("ip6", "6")):
        if family == "ip6" and ufw.ipv6 is False:
            continue
        lower = f"ufw{mark}"
        text = "*filter\n"
        for chain, policy in (
            ("INPUT", ufw.default_input),
            ("FORWARD", ufw.default_forward),
            ("OUTPUT", ufw.default_output),
        ):
            if isinstance(policy, Unknown):
                return policy
            text += f":{chain} {'ACCEPT' if policy == 'accept' else 'DROP'} [0:0]\n"
            word = {"INPUT": "input", "FORWARD": "forward", "OUTPUT": "output"}[chain]
            text += "".join(f"-A {chain} -j {lower}-{part}-{word}\n" for part in ("before", "user", "after"))
            if policy == "reject":
                text += f"-A {chain} -j REJECT\n"
        for name in ("before", "user", "after"):
            found = source.text(f"/etc/ufw/{name}{mark}.rules")
            if isinstance(found, Unknown):
                return found
            text += (found or "") + "\n*filter\n"
        tables.append(from_iptables(text, "ip" if family == "ip" else "ip6"))
    return tables


def _firewalld(source: Source, manager: Init) -> Firewalld:
    """Read firewalld's settings and zones."""
    text = source.text("/etc/firewalld/firewalld.conf")
    given = words(text) if isinstance(text, str) else {}
    default: Maybe[str] = (
        text if isinstance(text, Unknown) else given["DefaultZone"].value if "DefaultZone" in given else "public"
    )
    zones: Maybe[list[FirewalldZone]] = _zones(source, default if isinstance(default, str) else "public")
    return Firewalld(enabled=manager.boots("firewalld"), default_zone=default, zones=zones)


def _zones(source: Source, default: str) -> list[FirewalldZone] | Unknown:
    paths = source.glob("/etc/firewalld/zones/*.xml")
    if isinstance(paths, Unknown):
        return paths
    names = {path.rpartition("/")[2].removesuffix(".xml"): path for path in paths}
    if re.fullmatch(r"[\w.-]{1,64}", default):
        names.setdefault(default, f"/usr/lib/firewalld/zones/{default}.xml")
    found: list[FirewalldZone] = []
    for name, path in sorted(names.items()):
        text = source.text(path)
        if isinstance(text, Unknown):
            return text
        found.append(_zone(name, text))
    return found


def _zone(name: str, text: str | None) -> FirewalldZone:
    """Read a zone; its elements are flat, so no XML parser is let near them."""
    body = _uncommented(text)
    plain = _RICH.sub("", body)
    target = re.search(r"<zone\b[^>]{0,500}\btarget\s*=\s*[\"']([^\"']{1,32})", body)
    built_in = {"drop": "DROP", "block": "%%REJECT%%", "trusted": "ACCEPT"} if text is None else {}
    services = ["ssh", "dhcpv6-client"] if text is None and name == "public" else []
    ports = [_attributes(tag, "port", "protocol") for tag in _tags(plain, "port")]
    return FirewalldZone(
        name=name,
        target=target[1] if target else built_in.get(name, "default"),
        interfaces=[value for tag in _tags(plain, "interface") for value in _attributes(tag, "name")],
        sources=[value for tag in _tags(plain, "source") for value in _attributes(tag, "address")],
        services=services or [value for tag in _tags(plain, "service") for value in _attributes(tag, "name")],
        ports=[f"{port}/{protocol}" for port, protocol in ports],
    )


_RICH: Final = re.compile(r"<rule(?=[\s>]).*?</rule\s*>", re.DOTALL)


def _uncommented(text: str | None) -> str:
    return re.sub(r"<!--.*?-->", "", text or "", flags=re.DOTALL)


def _tags(text: str, name: str) -> list[str]:
    """Return the opening tags of one element."""
    return re.findall(rf"<{name}(?=[\s/>])[^>]{{0,500}}>", text)


def _attributes(tag: str, *names: str) -> list[str]:
    """Read attributes of one tag."""
    found = [re.search(rf"(?<![\w-]){name}\s*=\s*[\"']([^\"']*)", tag) for name in names]
    return [match[1] if match else "" for match in found]


def _firewalld_tables(source: Source, firewalld: Firewalld) -> list[Table] | Unknown:
    """Return what firewalld would load for its default zone, and for every zone that something is bound to."""
    if isinstance(firewalld.zones, Unknown):
        return firewalld.zones
    doubt = _beyond_zones(source)
    if doubt:
        return doubt
    zone = next((zone for zone in firewalld.zones if zone.name == firewalld.default_zone), None)
    opened: list[Rule] = []
    for item in firewalld.zones:
        rules = _zone_rules(source, item)
        if isinstance(rules, Unknown):
            return rules
        if item is zone:
            opened += rules
            continue
        if item.target == "ACCEPT":
            rules = [Rule("accept")]
        bound = [{"interface": name} for name in item.interfaces] + [{"source": name} for name in item.sources]
        opened += [_within(rule, place) for place in bound for rule in rules]
    table = Table(("ip", "ip6"))
    for hook in ("input", "forward"):
        chain = table.chain(hook)
        chain.hook = hook
        chain.rules += [Rule("accept", states=("established", "related")), Rule("accept", interface="lo")]
        target = zone.target if zone else "default"
        if hook == "input":
            chain.rules += opened
        chain.rules.append(Rule("accept" if target == "ACCEPT" else "drop" if target == "DROP" else "reject"))
    return [table]


def _within(rule: Rule, place: dict[str, str]) -> Rule:
    """Return a rule of a zone for what is bound to it; of two sources the rule's own stays."""
    return rule if rule.source and "source" in place else msgspec.structs.replace(rule, **place)


def _beyond_zones(source: Source) -> Unknown | None:
    """Tell of rules that are in no zone: direct ones, and policies for what comes to the host."""
    direct = source.text(_DIRECT)
    if isinstance(direct, Unknown):
        return direct
    if re.search(r"<(?:rule|passthrough)\b", _uncommented(direct)):
        return Unknown(f"direct rules are not understood: {_DIRECT}", cause="format")
    paths = source.glob(_POLICIES)
    for path in [] if isinstance(paths, Unknown) else paths:
        text = source.text(path)
        if isinstance(text, Unknown):
            return text
        if re.search(r"<egress-zone\b[^>]{0,500}\b(?:HOST|ANY)\b", _uncommented(text)):
            return Unknown(f"policies are not understood: {path}", cause="format")
    return paths if isinstance(paths, Unknown) else None


def _zone_rules(source: Source, zone: FirewalldZone) -> list[Rule] | Unknown:
    """Return what a zone accepts, its rich rules included."""
    text = source.text(f"/etc/firewalld/zones/{zone.name}.xml")
    if text is None:
        text = source.text(f"/usr/lib/firewalld/zones/{zone.name}.xml")
    if isinstance(text, Unknown):
        return text
    body = _uncommented(text)
    found = [_service(source, name) for name in zone.services]
    split = [port.partition("/") for port in zone.ports]
    found += [Rule("accept", protocol=protocol, ports=port) for port, _, protocol in split]
    plain = _RICH.sub("", body)
    found += _open(source, re.sub(r"<(?:service|port)(?=[\s/>])[^>]{0,500}>", "", plain))
    for rich in _RICH.findall(body):
        head, _, rest = rich.partition(">")
        accepts = bool(_tags(rest, "accept"))
        inner = _open(source, rest) if accepts else _forwarded(rest)
        if accepts and not inner and not _tags(rest, "(?:icmp-type|icmp-block|masquerade|forward-port)"):
            inner = [Rule("accept")]
        found += [_limited(rule, head, rest) for rule in inner]
    return found


def _open(source: Source, text: str) -> list[Rule]:
    """Return what the elements of a zone or of a rich rule let in."""
    found = [_service(source, *_attributes(tag, "name")) for tag in _tags(text, "service")]
    for tag in _tags(text, "port"):
        port, protocol = _attributes(tag, "port", "protocol")
        found.append(Rule("accept", protocol=protocol, ports=port))
    # Who comes chooses the source port, so that one opens all ports.
    found += [Rule("accept", protocol=_attributes(tag, "protocol")[0]) for tag in _tags(text, "source-port")]
    found += [Rule("accept", protocol=_attributes(tag, "value")[0]) for tag in _tags(text, "protocol")]
    return found + _forwarded(text)


def _forwarded(text: str) -> list[Rule]:
    """Return the ports of this host that others lead to."""
    found: list[Rule] = []
    for tag in _tags(text, "forward-port"):
        port, protocol, other, address = _attributes(tag, "port", "protocol", "to-port", "to-addr")
        if not address:
            found.append(Rule("accept", protocol=protocol, ports=other or port))
    return found


def _service(source: Source, name: str) -> Rule:
    """Return the rule of a service; one that this host redefines has ports that are not known here."""
    own = re.fullmatch(r"[\w.-]{1,64}", name) is None or source.stat(f"{_OWN_SERVICES}/{name}.xml") is not None
    return Rule("accept", protocol=f"service:{name} as this host has it" if own else f"service:{name}")


def _limited(rule: Rule, head: str, text: str) -> Rule:
    """Add what a rich rule asks of whom it lets in."""
    family = _attributes(head, "family")[0]
    sources = _tags(text, "source")
    address, inverted = _attributes(sources[0], "address", "invert") if sources else ("", "")
    return msgspec.structs.replace(
        rule,
        family="ip" if family == "ipv4" else "ip6" if family == "ipv6" else None,
        source=f"!{address}" if address and inverted.lower() not in {"", "no", "false"} else address or None,
        other=bool((sources and not address) or _tags(text, "destination")),
    )
