"""Reads what `iptables-save` prints into the rules of `packet_filter`."""

from __future__ import annotations

import re
from typing import Any, Final

from xspm.connectors.linux.configuration import lines
from xspm.connectors.linux.packet_filter import KINDS, Family, Rule, Table, Verdict, multicast, set_condition


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
        elif word in _IPTABLES:
            set_condition(values, _IPTABLES[word], value.split(","), negated=negated)
        elif not negated and _leaves_out(word, value.lower()):
            values["limited"] = True
        elif word not in _IGNORED:
            values["other"] = True
            position -= value.startswith("-")
        negated = False
    if values.get("protocol") == "all":
        del values["protocol"]
    if "ports" in values:
        values["ports"] = values["ports"].replace(":", "-")
    return Rule(verdict, target, **values)  # type: ignore[arg-type]


def _leaves_out(word: str, value: str) -> bool:
    """Whether an option of iptables leaves unexpected packets out."""
    if word in {"--dst-type", "--pkt-type"}:
        return value in KINDS
    if word == "--ctstatus":
        return value == "dnat"
    return word in {"-d", "--destination"} and multicast(value)
