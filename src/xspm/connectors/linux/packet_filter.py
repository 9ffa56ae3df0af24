"""Packet filter rules in one shape, whoever wrote them, and the answers that follow from them.

`from_nft` reads `nft -j list ruleset`, `from_iptables` what `iptables-save` prints; the text of an nftables file comes
through `nftables`. `answer` walks the chains of one hook with their jumps and says what happens to a packet that no
rule knows, and what is let in.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import msgspec

from xspm.connectors.linux.configuration import lines

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

    @property
    def unconditional(self) -> bool:
        """Whether every packet meets it."""
        return not (
            self.protocol or self.ports or self.source or self.interface or self.states or self.family or self.other
        )


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

    def chain(self, name: str) -> Chain:
        """Return a chain, made when it is not there."""
        if name not in self.chains:
            self.chains[name] = Chain(name)
        return self.chains[name]


class Answer(msgspec.Struct):
    """What a hook does for one address family."""

    policy: Policy = "accept"
    filtered: bool = False
    """Something is dropped or rejected."""
    loopback: bool = False
    established: bool = False
    spoofing_refused: bool = False
    accepted: list[Rule] = []


def answer(tables: Iterable[Table], hook: Hook, family: Family) -> Answer:
    """Say what becomes of packets at a hook; of several chains there the strictest decides."""
    found = Answer()
    for table in tables:
        for chain in table.chains.values():
            if chain.hook != hook or family not in table.families:
                continue
            policy = _default(table, chain, family, {}) or chain.policy
            if policy != "accept":
                found.policy, found.filtered = policy, True
            for rule in _walk(table, chain, family):
                _note(rule, found)
    if found.policy == "accept":
        found.loopback = found.established = True
    return found


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
    while waiting and budget > 0:
        chain, given, depth = waiting.pop()
        for rule in chain.rules:
            budget -= 1
            if rule.family not in {None, family}:
                continue
            whole = _both(given, rule)
            if rule.verdict in {"jump", "goto"}:
                if rule.target in table.chains and depth < DEPTH_LIMIT:
                    waiting.append((table.chains[rule.target], whole, depth + 1))
            elif rule.verdict in {"accept", "drop", "reject"}:
                yield whole
            if budget <= 0:
                return


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
    elif "established" in rule.states and "new" not in rule.states:
        found.established = found.established or not (rule.other or rule.protocol or rule.source)
    elif not (rule.states and "new" not in rule.states):
        found.accepted.append(rule)


def from_iptables(text: str, family: Family) -> Table:
    """Read the filter table of `iptables-save`."""
    table = Table((family,))
    inside = True
    for line in lines(text):
        if line.text.startswith("*"):
            inside = line.text == "*filter"
        elif inside and line.text.startswith(":"):
            name, _, rest = line.text[1:].partition(" ")
            chain = table.chain(name)
            if name in {"INPUT", "FORWARD", "OUTPUT"}:
                chain.hook = name.lower()
                policy = rest.split(" ")[0].lower()
                chain.policy = "drop" if policy == "drop" else "accept"
        elif inside:
            match = re.match(r"(?:\[\d+:\d+\]\s*)?(?:-A|--append)\s+(\S+)\s*(.*)", line.text)
            if match:
                table.chain(match[1]).rules.append(_iptables_rule(match[2]))
    return table


_IPTABLES: Final = {
    "-p": "protocol",
    "--protocol": "protocol",
    "--dport": "ports",
    "--dports": "ports",
    "--destination-port": "ports",
    "--destination-ports": "ports",
    "-s": "source",
    "--source": "source",
    "-i": "interface",
    "--in-interface": "interface",
    "--state": "states",
    "--ctstate": "states",
}
_IGNORED: Final = frozenset({"-m", "--match", "--comment", "--reject-with", "--log-prefix", "--log-level"})
_TARGETS: Final[dict[str, Verdict]] = {"ACCEPT": "accept", "DROP": "drop", "REJECT": "reject", "RETURN": "return"}
_SILENT: Final = frozenset({"LOG", "NFLOG", "ULOG", "AUDIT", "MARK", "CONNMARK", "TCPMSS", "TRACE", "SET", "CT"})


def _iptables_rule(text: str) -> Rule:
    """Read the arguments of one -A line."""
    words = re.findall(r'"(?:[^"\\]|\\.)*"|\S+', text)
    values: dict[str, Any] = {}
    verdict, target = "none", ""
    negated = False
    position = 0
    while position < len(words):
        word = words[position]
        value = words[position + 1] if position + 1 < len(words) else ""
        position += 2
        if word == "!":
            negated = True
            position -= 1
            continue
        if word in {"-j", "--jump", "-g", "--goto"}:
            verdict = _TARGETS.get(value, "goto" if word in {"-g", "--goto"} else "jump")
            verdict, target = ("none", "") if value in _SILENT else (verdict, value)
        elif word in _IPTABLES and not (negated and word not in {"-i", "--in-interface"}):
            name = _IPTABLES[word]
            values[name] = tuple(value.lower().split(",")) if name == "states" else f"!{value}" if negated else value
        elif word not in _IGNORED:
            values["other"] = True
            position -= value.startswith("-")
        negated = False
    if values.get("protocol") == "all":
        del values["protocol"]
    if "ports" in values:
        values["ports"] = values["ports"].replace(":", "-")
    return Rule(verdict, target, **values)  # type: ignore[arg-type]


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
            into = _nft_table(tables, rule).chain(str(rule.get("chain")))
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
    for entry in entries if isinstance(entries, list) else ():
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
    if isinstance(left, dict):
        key = next(iter(left), "")
        inner = left[key] if key and isinstance(left[key], dict) else {}
        name = nft_field(key, str(inner.get("key") or f"{inner.get('protocol')} {inner.get('field')}"))
    if name == "ports" and isinstance(left, dict):
        values.setdefault("protocol", str(left["payload"].get("protocol")))
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
        return {"dport": "ports", "saddr": "source", "protocol": "protocol", "nexthdr": "protocol"}.get(
            key.rsplit(" ", maxsplit=1)[-1]
        )
    return None


def set_condition(values: dict[str, Any], name: str | None, words: list[str], *, negated: bool) -> None:
    """Set one condition; one that has no place here makes the rule ask for something else."""
    if name == "family" and len(words) == 1 and not negated:
        values["family"] = "ip" if words[0] == "ipv4" else "ip6"
    elif name == "states" and not negated:
        values["states"] = tuple(words)
    elif name == "interface" and len(words) == 1:
        values["interface"] = f"!{words[0]}" if negated else words[0]
    elif name in {"protocol", "ports", "source"} and not negated:
        values[name] = ",".join(words)
    else:
        values["other"] = True


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
