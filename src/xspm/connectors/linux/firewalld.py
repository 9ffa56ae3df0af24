"""firewalld: its own settings, and what its zones let in.

Zones, rich rules and services are read from the XML files; what lies beyond the zones (direct rules, policies) makes
the answer unknown.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import msgspec

from xspm.connectors.linux.configuration import words
from xspm.connectors.linux.packet_filter import Rule, Table
from xspm.model.unknown import Maybe, Unknown

if TYPE_CHECKING:
    from xspm.connectors.linux.init import Init
    from xspm.connectors.linux.transport import Source


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


DIRECT: Final = "/etc/firewalld/direct.xml"


POLICIES: Final = "/etc/firewalld/policies/*.xml"


OWN_SERVICES: Final = "/etc/firewalld/services"


def read_firewalld(source: Source, manager: Init) -> Firewalld:
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


def firewalld_tables(source: Source, firewalld: Firewalld) -> list[Table] | Unknown:
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
    direct = source.text(DIRECT)
    if isinstance(direct, Unknown):
        return direct
    if re.search(r"<(?:rule|passthrough)\b", _uncommented(direct)):
        return Unknown(f"direct rules are not understood: {DIRECT}", cause="format")
    paths = source.glob(POLICIES)
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
    own = re.fullmatch(r"[\w.-]{1,64}", name) is None or source.stat(f"{OWN_SERVICES}/{name}.xml") is not None
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
