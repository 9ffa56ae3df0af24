"""Reads the text of an nftables file (`/etc/nftables.conf`) far enough to say what it would load.

Tables, chains with their hook and policy, and rules with the conditions that `packet_filter` knows; anything else in a
rule makes it conditional, so that it is never taken for a default.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from xspm.connectors.linux.packet_filter import (
    Chain,
    Family,
    Rule,
    Table,
    Verdict,
    nft_field,
    set_condition,
    set_payload,
)
from xspm.model.unknown import Unknown

if TYPE_CHECKING:
    from xspm.connectors.linux.transport import Source

_TOKEN: Final = re.compile(r'"[^"\n]*"|[{};\n]|[^\s{};"#]+|#[^\n]*')
_INCLUDE: Final = re.compile(r'^\s*include\s+"([^"\n]+)"', re.MULTILINE)
_DEFINE: Final = re.compile(r"^\s*define\s+(\w+)\s*=\s*(\{[^}]*\}|[^\n;]+)", re.MULTILINE)
_FAMILIES: Final[dict[str, tuple[Family, ...]]] = {"ip": ("ip",), "ip6": ("ip6",), "inet": ("ip", "ip6")}
_FILE_LIMIT: Final = 100
_WORD_LIMIT: Final = 1000
"""Words of one rule that are looked at."""
_USE_LIMIT: Final = 10_000
"""Uses of definitions that are put in; a text that multiplies itself stays as it is."""
_VERDICTS: Final[dict[str, Verdict]] = {"accept": "accept", "drop": "drop", "reject": "reject", "return": "return"}


def load(source: Source, path: str) -> list[Table] | Unknown | None:
    """Read a file and what it includes; None when it does not exist."""
    whole = ""
    waiting, seen = [path], set[str]()
    while waiting and len(seen) < _FILE_LIMIT:
        current = waiting.pop(0)
        if current in seen:
            continue
        seen.add(current)
        text = source.text(current)
        if isinstance(text, Unknown) or (text is None and current == path):
            return text
        for pattern in _INCLUDE.findall(text or ""):
            where = pattern if pattern.startswith("/") else f"/etc/{pattern}"
            found = source.glob(where)
            if isinstance(found, Unknown):
                return found
            waiting += found
        whole += (text or "") + "\n"
    return parse(whole)


def parse(text: str) -> list[Table]:
    """Read the text of a ruleset."""
    names = {match[1]: match[2].strip() for match in _DEFINE.finditer(text)}
    if names and text.count("$") <= _USE_LIMIT:
        text = re.sub(r"\$(\w+)", lambda match: names.get(match[1], "?")[:_WORD_LIMIT], text)
    tokens = [word for word in _TOKEN.findall(text) if not word.startswith("#")]
    tables: dict[tuple[str, str], Table] = {}
    position = 0
    while position < len(tokens):
        if tokens[position] == "flush" and tokens[position + 1 : position + 2] == ["ruleset"]:
            tables.clear()
        if tokens[position] == "table" and "{" in tokens[position : position + 6]:
            opening = tokens.index("{", position)
            head = [word for word in tokens[position + 1 : opening] if word != "\n"]
            family, name = (head[0], head[-1]) if len(head) > 1 else ("ip", "".join(head))
            table = tables.setdefault((family, name), Table(_FAMILIES.get(family, ())))
            position = _table(tokens, opening + 1, table)
        else:
            position += 1
    return [table for table in tables.values() if table.families]


def _table(tokens: list[str], position: int, table: Table) -> int:
    """Read the body of a table; return the place after its closing brace."""
    while position < len(tokens) and tokens[position] != "}":
        if tokens[position] == "chain" and position + 1 < len(tokens):
            chain = table.chain(tokens[position + 1].strip('"'))
            position = _chain(tokens, position + 2, chain)
        elif tokens[position] == "{":
            position = _skip(tokens, position)
        else:
            position += 1
    return position + 1


def _skip(tokens: list[str], position: int) -> int:
    """Return the place after the brace that closes the one at `position`."""
    depth = 0
    while position < len(tokens):
        depth += (tokens[position] == "{") - (tokens[position] == "}")
        position += 1
        if depth == 0:
            break
    return position


def _chain(tokens: list[str], position: int, chain: Chain) -> int:
    """Read the body of a chain; return the place after its closing brace."""
    while position < len(tokens) and tokens[position] != "{":
        position += 1
    position += 1
    statement: list[str] = []
    while position < len(tokens):
        word = tokens[position]
        if word == "{":
            end = _skip(tokens, position)
            statement.append(" ".join(item for item in tokens[position:end] if item != "\n"))
            position = end
            continue
        position += 1
        if word in {"\n", ";", "}"}:
            if statement:
                _statement(statement[:_WORD_LIMIT], chain)
                statement = []
            if word == "}":
                break
        else:
            statement.append(word)
    return position


def _statement(words: list[str], chain: Chain) -> None:
    """Take one statement of a chain: its hook, its policy, or a rule."""
    if words[0] == "type":
        hook = words[words.index("hook") + 1 :] if "hook" in words else []
        chain.hook = hook[0] if hook and words[1:2] == ["filter"] else None
    elif words[0] == "policy":
        chain.policy = "drop" if words[1:2] == ["drop"] else "accept"
    else:
        chain.rules += _rules(words)


def _rules(words: list[str]) -> list[Rule]:
    """Read one rule."""
    values: dict[str, Any] = {}
    position = 0
    while position < len(words):
        word = words[position]
        if word in _VERDICTS:
            return [Rule(_VERDICTS[word], **values)]
        if word in {"jump", "goto"}:
            target = "".join(words[position + 1 : position + 2])
            return [Rule("jump" if word == "jump" else "goto", target, **values)]
        if word in {"counter", "log", "comment"}:
            position = _past(words, position + 1)
            continue
        taken = _condition(words[position : position + 5], values)
        if isinstance(taken, list):
            return taken
        position += taken
    return [Rule("none", **values)]


def _past(words: list[str], position: int) -> int:
    """Skip the options of counter, log and comment."""
    options = {"packets", "bytes", "prefix", "level", "group", "flags", "snaplen", "queue-threshold"}
    while position < len(words) and (
        words[position] in options or words[position].startswith('"') or words[position].isdigit()
    ):
        position += 2 if words[position] in options else 1
    return position


def _condition(words: list[str], values: dict[str, Any]) -> int | list[Rule]:
    """Take one condition; return how many words it has, or the rules of a verdict map."""
    first, second = words[0], "".join(words[1:2])
    name: str | None
    size = 2
    if first in {"iif", "iifname"}:
        name, size = "interface", 1
    elif first == "meta":
        name = nft_field("meta", second)
    elif first == "ct":
        name = nft_field("ct", second)
    elif first in {"tcp", "udp", "ip", "ip6", "icmp", "icmpv6", "th", "sctp"}:
        name = nft_field("payload", f"{first} {second}")
        set_payload(values, first, name)
    else:
        values["other"] = True
        return 1
    negated = words[size : size + 1] == ["!="]
    size += negated or words[size : size + 1] == ["=="]
    right = "".join(words[size : size + 1])
    if right == "vmap":
        return _map(name, "".join(words[size + 1 : size + 2]), values)
    items = [item.strip().strip('"') for item in right.strip("{} ").split(",") if item.strip()]
    set_condition(values, name, items, negated=bool(negated))
    return size + 1


def _map(name: str | None, text: str, values: dict[str, Any]) -> list[Rule]:
    """Read a verdict map: `{ established : accept, invalid : drop }`."""
    rules: list[Rule] = []
    if not text.startswith("{"):
        return [Rule("accept", **(values | {"other": True}))]  # a named map: what it holds is not here
    for entry in text.strip("{} ").split(","):
        key, _, verdict = entry.rpartition(":")
        words = verdict.split()
        condition = dict(values)
        set_condition(condition, name, [key.strip().strip('"')], negated=False)
        if words and words[0] in _VERDICTS:
            rules.append(Rule(_VERDICTS[words[0]], **condition))
        elif len(words) == 2 and words[0] in {"jump", "goto"}:
            rules.append(Rule("jump" if words[0] == "jump" else "goto", words[1], **condition))
    return rules
