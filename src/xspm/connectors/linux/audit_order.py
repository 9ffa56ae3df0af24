"""Which audit rules still have a say: the kernel takes the first rule that fits an event, and `never` is one.

Rules of one list are tried in their order, `-A` before all others; a filter without system calls stands for all of
them. `never,task` keeps a process from being watched at all, and `always,exclude` drops records after the fact. What
exempts one program, one security label or what nobody logged in for is how noise is kept out, and hides no account of
what people do.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

    from xspm.connectors.linux.audit_rules import Rule

_NEVER_LIMIT: Final = 500
"""Exempting rules that are weighed against others; with more, nothing is taken to be recorded."""
_NARROW: Final = re.compile(
    r"(?:exe|pid|ppid|subj_\w+|obj_\w+)=.*"
    r"|auid=(?:unset|-1|4294967295)"
    # A service's account: neither root's id nor one of people.
    r"|[ef]?s?[ug]id=(?!0+$|root$)(?:[1-9]\d{0,2}|[a-z_][\w-]*)"
)
"""Filters that exempt something other than people."""
_RECORDS: Final = frozenset({"syscall", "path", "execve", "all", "1300", "1302", "1309"})
"""Records without which an event of a rule says nothing."""
_CHANGES: Final = frozenset(
    {"all", "open", "openat", "openat2", "creat", "truncate", "ftruncate", "write", "rename", "renameat", "renameat2"}
)
"""System calls by which a watched file changes."""


class Effective(NamedTuple):
    """What is left of a set of rules."""

    rules: list[Rule]
    """Those that record, in order; `silenced` names the system calls that an earlier rule takes from one."""
    silencing: list[Rule]
    """Those that keep others from recording."""


def effective(rules: Iterable[Rule]) -> Effective:
    """Return the rules that record, without what others before them hide."""
    ordered = _in_order(rules)
    silencing = [rule for rule in ordered if _silences_all(rule)]
    if silencing:
        return Effective([], silencing)
    never: list[Rule] = []
    kept: list[Rule] = []
    used: dict[str, Rule] = {}
    for rule in ordered:
        if rule.action == "never,exit":
            never += [] if _narrow(rule) else [rule]
            if len(never) > _NEVER_LIMIT:
                return Effective([], never[:1])
        elif rule.kind == "watch":
            hiding = [other for other in never if _hides_watch(other, rule)]
            used |= {other.text: other for other in hiding}
            kept += [] if hiding else [rule]
        elif rule.action == "always,exit":
            hiding = [other for other in never if _hides_calls(other, rule)]
            used |= {other.text: other for other in hiding}
            calls = frozenset[str]().union(*(other.syscalls or {"all"} for other in hiding))
            kept += [] if "all" in calls else [msgspec.structs.replace(rule, silenced=calls)]
    return Effective(kept, list(used.values()))


def _in_order(rules: Iterable[Rule]) -> list[Rule]:
    """Put rules in the order in which they are tried, and leave out those that a later line takes back."""
    kept: list[Rule] = []
    taken: set[str] = set()
    for rule in reversed(list(rules)):
        flag, _, rest = rule.text.partition(" ")
        if flag in {"-W", "-d"}:
            taken |= {f"{word} {rest}" for word in (("-w",) if flag == "-W" else ("-a", "-A"))}
        elif rule.kind != "control" and rule.text not in taken:
            kept.append(rule)
    # Each -A goes before all that were there, so that the last of them is the first.
    first = [rule for rule in kept if rule.text.startswith("-A ")]
    return first + [rule for rule in reversed(kept) if not rule.text.startswith("-A ")]


def _narrow(rule: Rule) -> bool:
    """Whether a rule exempts something other than people."""
    return any(_NARROW.fullmatch(item) for item in rule.filters)


def _silences_all(rule: Rule) -> bool:
    """Whether a rule keeps every event of every other from being recorded."""
    if rule.action == "never,task":
        return not rule.filters
    if rule.action != "always,exclude" or _narrow(rule):
        return False
    types = [item for item in rule.filters if item.startswith("msgtype")]
    return all(not item.startswith("msgtype=") or item[8:].lower() in _RECORDS for item in types)


def _hides_watch(never: Rule, watch: Rule) -> bool:
    """Whether what a watch is for goes unrecorded by an earlier rule."""
    if never.permissions and not set(never.permissions) & set(watch.permissions or "arwx"):
        return False
    if never.path is None:
        return not never.syscalls or bool(never.syscalls & (_CHANGES | {"execve", "execveat"}))
    path = watch.path or ""
    return never.path == path or path.startswith(f"{never.path}/") or never.path.startswith(f"{path}/")


def _hides_calls(never: Rule, rule: Rule) -> bool:
    """Whether an earlier rule takes system calls from a rule."""
    if never.architecture and rule.architecture and never.architecture != rule.architecture:
        return False
    if never.path is not None:
        return never.path == rule.path
    if never.permissions:
        return False
    calls = never.syscalls or {"all"}
    return "all" in calls or not rule.syscalls or bool({"all", *calls} & rule.syscalls)
