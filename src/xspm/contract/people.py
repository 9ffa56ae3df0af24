"""Who signed, counted as people: two keys of one person are one signature.

`tally` turns the keys that signed into people by party; `missing` says whether a rule is met and, if not, who is
wanted. People who must not count, such as the one who asked for it, are left out by name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from xspm.contract.keys import KeyId
    from xspm.contract.terms import Rule, Terms


class Tally(msgspec.Struct, frozen=True):
    """The people who signed, by party."""

    people: dict[str, tuple[str, ...]]

    def shown(self) -> str:
        """For a person: `alice and bob (security)`."""
        sides = [f"{' and '.join(names)} ({party})" for party, names in self.people.items() if names]
        return ", ".join(sides) or "nobody"


def tally(keys: Collection[KeyId], terms: Terms, excluded: Mapping[str, str] | None = None) -> Tally:
    """Count the people of a contract behind keys whose signatures are good.

    Args:
        keys: those keys; ones that no person of this contract holds count for nothing.
        terms: the contract.
        excluded: people who do not count here, with the reason.
    """
    holders, people = terms.holders(), terms.people()
    names = {holders[key] for key in keys if key in holders} & set(people)
    counted = names - set(excluded or ())
    return Tally({party: tuple(sorted(name for name in counted if people[name] == party)) for party in terms.parties})


def missing(rule: Rule, counted: Tally) -> dict[str, int]:
    """How many signatures a rule still lacks, by party; empty when it is met."""
    lacking = {party: wanted - len(counted.people.get(party, ())) for party, wanted in rule.items()}
    return {party: count for party, count in lacking.items() if count > 0}


def shortfall(rule: Rule, counted: Tally, terms: Terms, excluded: Mapping[str, str] | None = None) -> str:
    """Say for a person who is missing: `1 more of security (carol or dave)`."""
    parts = []
    for party, count in missing(rule, counted).items():
        could = [
            name
            for name in terms.parties[party].members
            if name not in counted.people[party] and name not in (excluded or {})
        ]
        parts.append(f"{count} more of {party} ({' or '.join(could) or 'nobody is left who could'})")
    without = "; ".join(f"{name} does not count: {reason}" for name, reason in sorted((excluded or {}).items()))
    return " and ".join(parts) + (f"; {without}" if without else "")
