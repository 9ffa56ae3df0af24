"""Packet filter rules in one shape, whoever wrote them, and the answers that follow from them.

`from_nft` reads `nft -j list ruleset`, `from_iptables` what `iptables-save` prints; the text of an nftables file comes
through `nftables`. `answer` walks the chains of one hook with their jumps and says what happens to a packet that no
rule knows, and what is let in.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import msgspec

from xspm.connectors.linux.openness import everything
from xspm.model.unknown import Maybe, Unknown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Verdict: TypeAlias = Literal["accept", "drop", "reject", "jump", "goto", "return", "none"]
Policy: TypeAlias = Literal["drop", "reject", "accept"]
Hook: TypeAlias = Literal["input", "forward", "output"]
Family: TypeAlias = Literal["ip", "ip6"]

DEPTH_LIMIT: Final = 16
RULE_LIMIT: Final = 20_000
"""Rules that one walk looks at, jumps included."""


class Rule(msgspec.Struct, frozen=True):
    """What a packet must be, and what becomes of it."""

    verdict: Verdict
    target: str = ""
    """Chain of a jump or goto."""
    protocol: str | None = None
    ports: str | None = None
    """Destination ports."""
    source: str | None = None
    interface: str | None = None
    """Incoming; `!lo` for any but that."""
    states: tuple[str, ...] = ()
    """Of connection tracking."""
    family: Family | None = None
    other: bool = False
    """It asks for something else as well."""
    limited: bool = False
    """It asks for something that leaves unexpected packets out: a multicast destination, a translated address."""

    @property
    def unconditional(self) -> bool:
        """Whether every packet meets it."""
        asked = self.protocol or self.ports or self.source or self.interface or self.states or self.family
        return not (asked or self.other or self.limited)


class Chain(msgspec.Struct):
    """A chain; one with a hook is where packets enter."""

    name: str
    hook: str | None = None
    policy: Policy = "accept"
    rules: list[Rule] = []


class Table(msgspec.Struct):
    """A table's chains."""

    families: tuple[Family, ...]
    chains: dict[str, Chain] = {}
    foreign: bool = False
    """Some rules are of iptables' making, which `nft` cannot fully show."""

    def chain(self, name: str) -> Chain:
        """Return a chain, made when it is not there."""
        if name not in self.chains:
            self.chains[name] = Chain(name)
        return self.chains[name]


class Answer(msgspec.Struct):
    """What a hook does for one address family."""

    policy: Maybe[Policy] = "accept"
    """At `input`, `accept` as well where a rule accepts whatever comes."""
    filtered: bool = False
    """Something is dropped or rejected."""
    loopback: bool = False
    established: bool = False
    spoofing_refused: bool = False
    accepted: list[Rule] = []


def answer(tables: Iterable[Table], hook: Hook, family: Family) -> Answer:
    """Say what becomes of packets at a hook; of several chains there the strictest decides."""
    found = Answer()
    doubt: Unknown | None = None
    refusing = False
    for table in tables:
        for chain in table.chains.values():
            if chain.hook != hook or family not in table.families:
                continue
            policy = _default(table, chain, family, {}) or chain.policy
            rules = list(_walk(table, chain, family))
            for rule in rules:
                _note(rule, found)
            if policy == "accept":
                continue
            refusing = found.filtered = True
            opened = _opened(rules) if hook == "input" else False
            if isinstance(opened, Unknown):
                doubt = opened
            elif not opened:
                found.policy = policy
    if not refusing:
        found.loopback = found.established = True
    if doubt and found.policy == "accept":
        found.policy = doubt
    return found


def _opened(rules: list[Rule]) -> Maybe[bool]:
    """Tell whether a rule accepts whatever comes, so that the default behind it never speaks."""
    if len(rules) >= RULE_LIMIT:
        return Unknown(f"more than {RULE_LIMIT} rules", cause="limit")
    answers = [everything(rule) for rule in rules if rule.verdict == "accept"]
    if True in answers:
        return True
    return next((item for item in answers if isinstance(item, Unknown)), False)


def _default(table: Table, chain: Chain, family: Family, known: dict[str, Policy | None]) -> Policy | None:
    """Verdict of the first rule that every packet meets, jumps followed; null when there is none."""
    if chain.name in known:
        return known[chain.name]
    known[chain.name] = None  # a chain that leads to itself decides nothing
    if len(known) <= DEPTH_LIMIT * DEPTH_LIMIT:
        known[chain.name] = _first(table, chain, family, known)
    return known[chain.name]


def _first(table: Table, chain: Chain, family: Family, known: dict[str, Policy | None]) -> Policy | None:
    for rule in chain.rules:
        if rule.family not in {None, family} or not msgspec.structs.replace(rule, family=None).unconditional:
            continue
        if rule.verdict in {"accept", "drop", "reject"}:
            return rule.verdict
        if rule.verdict == "return":
            return None
        if rule.verdict in {"jump", "goto"} and rule.target in table.chains:
            found = _default(table, table.chains[rule.target], family, known)
            if found or rule.verdict == "goto":
                return found
    return None


def _walk(table: Table, start: Chain, family: Family) -> Iterator[Rule]:
    """Yield terminal rules reachable from a chain, conditions of the jumps added."""
    waiting: list[tuple[Chain, Rule, int]] = [(start, Rule("none"), 0)]
    budget = RULE_LIMIT
    known: dict[str, Policy | None] = {}
    while waiting and budget > 0:
        chain, given, depth = waiting.pop()
        for rule in chain.rules:
            budget -= 1
            if rule.family not in {None, family}:
                continue
            whole = _both(given, rule)
            every = msgspec.structs.replace(rule, family=None).unconditional
            if rule.verdict in {"jump", "goto"}:
                if rule.target in table.chains and depth < DEPTH_LIMIT:
                    waiting.append((table.chains[rule.target], whole, depth + 1))
                elif rule.target in table.chains:
                    yield msgspec.structs.replace(whole, verdict="accept", other=True)  # too deep to tell
                every = every and (
                    rule.verdict == "goto"
                    or (rule.target in table.chains and bool(_default(table, table.chains[rule.target], family, known)))
                )
            elif rule.verdict in {"accept", "drop", "reject"}:
                yield whole
            if budget <= 0:
                yield Rule("accept", other=True)  # too many to tell
                return
            if every and rule.verdict != "none":
                break  # no packet comes to the rules behind


def _both(outer: Rule, inner: Rule) -> Rule:
    """Conditions of a jump and of a rule in the chain it leads to."""
    return Rule(
        verdict=inner.verdict,
        target=inner.target,
        protocol=inner.protocol or outer.protocol,
        ports=inner.ports or outer.ports,
        source=inner.source or outer.source,
        interface=inner.interface or outer.interface,
        states=inner.states or outer.states,
        other=inner.other or outer.other,
        limited=inner.limited or outer.limited,
    )


def _note(rule: Rule, found: Answer) -> None:
    """Take one terminal rule into the answer."""
    if rule.verdict in {"drop", "reject"}:
        found.filtered = True
        if rule.source in {"127.0.0.0/8", "::1", "::1/128"} and not rule.other:
            found.spoofing_refused = True
        return
    if rule.interface == "lo" and not rule.other and not rule.protocol:
        found.loopback = True
        return
    if "established" in rule.states:
        found.established = found.established or not (rule.other or rule.protocol or rule.source or rule.interface)
    if not rule.states or {"new", "untracked"} & set(rule.states):
        found.accepted.append(rule)


STATES: Final = ("new", "established", "related", "untracked", "invalid")
"""What connection tracking tells apart."""
KINDS: Final = frozenset({"multicast", "broadcast"})


def multicast(text: str) -> bool:
    """Whether an address or network is multicast or broadcast."""
    return bool(re.match(r"(?:22[4-9]|23\d)\.|255\.255\.255\.255|ff[0-9a-f]{2}:", text))


def from_nft(document: Any) -> list[Table]:
    """Read the JSON of `nft -j list ruleset`; what is not of its schema is left out."""
    tables: dict[tuple[str, str], Table] = {}
    items = document.get("nftables") if isinstance(document, dict) else None
    for item in items if isinstance(items, list) else ():
        chain = item.get("chain") if isinstance(item, dict) else None
        rule = item.get("rule") if isinstance(item, dict) else None
        if isinstance(chain, dict):
            found = _nft_table(tables, chain).chain(str(chain.get("name")))
            found.hook = chain.get("hook") if chain.get("type") == "filter" else None
            found.policy = "drop" if chain.get("policy") == "drop" else "accept"
        elif isinstance(rule, dict) and isinstance(rule.get("expr"), list):
            table = _nft_table(tables, rule)
            table.foreign |= any(isinstance(part, dict) and "xt" in part for part in rule["expr"])
            into = table.chain(str(rule.get("chain")))
            into.rules += _nft_rules([part for part in rule["expr"] if isinstance(part, dict)])
    return [table for table in tables.values() if table.families]


def _nft_table(tables: dict[tuple[str, str], Table], item: dict[str, Any]) -> Table:
    key = str(item.get("family")), str(item.get("table"))
    families: dict[str, tuple[Family, ...]] = {"ip": ("ip",), "ip6": ("ip6",), "inet": ("ip", "ip6")}
    return tables.setdefault(key, Table(families.get(key[0], ())))


def _nft_rules(parts: list[dict[str, Any]]) -> list[Rule]:
    """Read the expressions of one rule; a verdict map gives one rule per entry."""
    values: dict[str, Any] = {}
    for part in parts:
        if isinstance(part.get("match"), dict):
            _nft_match(part["match"], values)
            continue
        if isinstance(part.get("vmap"), dict):
            return [Rule(*verdict, **values | condition) for verdict, condition in _nft_map(part["vmap"])]
        verdict = nft_verdict(part)
        if verdict:
            return [Rule(*verdict, **values)]
        if not part.keys() & {"counter", "log", "comment", "mangle", "quota"}:
            values["other"] = True
    return [Rule("none", **values)]


def nft_verdict(part: dict[str, Any]) -> tuple[Verdict, str] | None:
    """Read a verdict statement."""
    for word in ("accept", "drop", "reject", "return"):
        if word in part:
            return word, ""
    for word in ("jump", "goto"):
        if isinstance(part.get(word), dict):
            return word, str(part[word].get("target", ""))  # type: ignore[return-value]
    return None


def _nft_map(vmap: dict[str, Any]) -> Iterator[tuple[tuple[Verdict, str], dict[str, Any]]]:
    """Read the entries of a verdict map."""
    data = vmap.get("data")
    entries = data.get("set") if isinstance(data, dict) else None
    if not isinstance(entries, list):
        yield ("accept", ""), {"other": True}  # a named map: what it holds is not here
        return
    for entry in entries:
        if isinstance(entry, list) and len(entry) == 2 and isinstance(entry[1], dict):
            verdict = nft_verdict(entry[1])
            condition: dict[str, Any] = {}
            _nft_match({"op": "==", "left": vmap.get("key"), "right": entry[0]}, condition)
            if verdict:
                yield verdict, condition


def _nft_match(match: dict[str, Any], values: dict[str, Any]) -> None:
    """Take one comparison into the conditions of a rule."""
    left, right = match.get("left"), nft_words(match.get("right"))
    negated = match.get("op") == "!="
    name = None
    if match.get("op", "==") not in {"==", "!=", "in"}:
        values["other"] = True
        return
    if isinstance(left, dict):
        key = next(iter(left), "")
        inner = left[key] if key and isinstance(left[key], dict) else {}
        name = nft_field(key, str(inner.get("key") or f"{inner.get('protocol')} {inner.get('field')}"))
    if isinstance(left, dict) and isinstance(left.get("payload"), dict):
        set_payload(values, str(left["payload"].get("protocol")), name)
    set_condition(values, name, right, negated=negated)


def nft_field(kind: str, key: str) -> str | None:
    """Name the condition that an nft expression is about."""
    if kind == "meta" and key in {"iif", "iifname"}:
        return "interface"
    if kind == "meta" and key in {"l4proto", "nfproto"}:
        return "protocol" if key == "l4proto" else "family"
    if kind == "ct" and key == "state":
        return "states"
    if kind == "payload":
        return _PAYLOADS.get(key) or ("ports" if key.endswith(" dport") else None)
    if (kind, key) in {("ct", "status"), ("meta", "pkttype")}:
        return key
    return None


_PAYLOADS: Final = {
    **dict.fromkeys(("ip saddr", "ip6 saddr"), "source"),
    **dict.fromkeys(("ip daddr", "ip6 daddr"), "destination"),
    **dict.fromkeys(("ip protocol", "ip6 nexthdr"), "protocol"),
}


def set_payload(values: dict[str, Any], protocol: str, name: str | None) -> None:
    """Take what a look into a header says about the packet: its family and protocol."""
    if protocol in {"ip", "icmp"}:
        values.setdefault("family", "ip")
    elif protocol in {"ip6", "icmpv6"}:
        values.setdefault("family", "ip6")
    if protocol in {"icmp", "icmpv6", "igmp"} or (name == "ports" and protocol != "th"):
        values.setdefault("protocol", protocol)


def set_condition(values: dict[str, Any], name: str | None, words: list[str], *, negated: bool) -> None:
    """Set one condition; one that has no place here makes the rule ask for something else."""
    if name == "family" and len(words) == 1 and not negated:
        values["family"] = "ip" if words[0] == "ipv4" else "ip6"
    elif name == "states":
        given = [word.lower() for word in words]
        values["states"] = tuple(state for state in STATES if state not in given) if negated else tuple(given)
    elif name == "interface" and len(words) == 1:
        values["interface"] = f"!{words[0]}" if negated else words[0]
    elif name in {"protocol", "ports", "source"} and not negated:
        values[name] = ",".join(words)
    elif not negated and words and all(_restricts(name, word.lower()) for word in words):
        values["limited"] = True
    else:
        values["other"] = True


def _restricts(name: str | None, word: str) -> bool:
    """Whether a condition leaves unexpected packets out."""
    if name == "destination":
        return multicast(word)
    return (name == "pkttype" and word in KINDS) or (name == "status" and word == "dnat")


def nft_words(value: Any) -> list[str]:
    """Write the right side of a comparison as words."""
    if isinstance(value, list):
        return [word for item in value for word in nft_words(item)]
    if isinstance(value, dict):
        if "set" in value:
            return nft_words(value["set"])
        if isinstance(value.get("range"), list):
            return ["-".join(nft_words(value["range"]))]
        prefix = value.get("prefix")
        if isinstance(prefix, dict):
            return [f"{prefix.get('addr')}/{prefix.get('len')}"]
        return ["?"]
    return [str(value)]
