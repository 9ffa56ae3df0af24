"""A contract whose invariants do not hold is refused, whoever wrote or signed it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from parties import AUDIT, PLATFORM, SECURITY, party, public, terms
from xspm.contract.terms import (
    ACTIONS,
    Bundle,
    Critical,
    Degraded,
    ExceptionTerms,
    LedgerTerms,
    Member,
    Owned,
    Party,
    Scanner,
    check_terms,
)
from xspm.errors import ContractError
from xspm.model.digest import Digest

ONE = Digest("sha256:" + "1" * 64)
BOTH = {"security": party(*SECURITY), "platform": party(*PLATFORM)}
RULES: dict[str, Any] = {"accept_contract": {"security": 1, "platform": 1}, "publish_policy": {"security": 1}}
LEDGER = LedgerTerms("log.example", "log.example+1+AAAA", "audit", {"audit": "w+2+BBBB", "platform": "v+3+CCCC"})


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"scanners": {"ci": Scanner((public("ci"),), ("host:*",), "audit")}},
        {"policies": Bundle(1, ONE)},
        {"critical": (Critical(("host:db-*",), {"platform": 2}),)},
        {"ledger": LEDGER},
        {"degraded": Degraded("two of us", "2026-07-01", "2026-05-15"), "rules": {"accept_contract": {"security": 1}, "publish_policy": {"security": 1}}},
    ],
)  # fmt: skip
def test_accepted(more: dict[str, Any]) -> None:
    check_terms(terms(**more))
    assert msgspec.convert(msgspec.to_builtins(terms(**more)), type(terms())) == terms(**more)


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        ({"name": "a b"}, "the contract 'a b': a name is letters"),
        ({"name": "\x1b[2J"}, "the contract"),
        ({"version": 0}, "versions count from 1"),
        ({"version": 2}, "the first version has no predecessor"),
        ({"predecessor": ONE}, "the first version has no predecessor"),
        ({"version": 2, "predecessor": "x"}, "'x' is no digest"),
        ({"expires": "soon"}, "expires: 'soon' is not a date"),
        ({"expires": "20270131"}, "is not a date"),
        ({"expires": "2027-02-30"}, "is not a date"),
        ({"parties": {"security": party("alice")}}, "between at least two parties"),
        ({"parties": {**BOTH, "audit": Party({})}}, "the party audit has no members"),
        ({"parties": {**BOTH, "audit": Party({"gina": Member(())})}}, "gina has no key"),
        ({"parties": {**BOTH, "audit": party("alice")}}, "alice sits in the party security and in the party audit"),
        ({"parties": {**BOTH, "audit": Party({"Alice": Member((public("x"),))})}}, "Alice sits in"),
        ({"parties": {**BOTH, "audit": Party({"gina": Member((public("bob"),))})}}, "bob and gina hold the same key"),
        ({"parties": {**BOTH, "audit": Party({"gina": Member((public("g"), public("g")))})}}, "gina holds the key .* twice"),
        ({"scanners": {"ci": Scanner((public("erin"),), ("*",), "audit")}}, "erin and ci hold the same key"),
        ({"scanners": {"erin": Scanner((public("ci"),), ("*",), "audit")}}, "erin sits in the party platform and in the scanners"),
        ({"scanners": {"ci": Scanner((public("ci"),), ("*",), "nobody")}}, "its operator 'nobody' is no party"),
        ({"scanners": {"ci": Scanner((public("ci"),), (), "audit")}}, "`assets` must name assets"),
        ({"rules": {"publish_policy": {"security": 1}}}, "must say who accepts the contract"),
        ({"rules": {**RULES, "approve_change": {}}}, "rules.approve_change: a rule needs at least one signature"),
        ({"rules": {**RULES, "approve_change": {"security": 0}}}, "needs at least one signature"),
        ({"rules": {**RULES, "approve_change": {"security": -1}}}, "-1 signatures of security"),
        ({"rules": {**RULES, "approve_change": {"security": 4}}}, "4 signatures of security, which has 3 members"),
        ({"rules": {**RULES, "approve_change": {"legal": 1}}}, "'legal' is no party"),
        ({"rules": {"accept_contract": {"security": 3}, "publish_policy": {"security": 1}}}, "security alone could change this contract"),
        ({"rules": {**RULES, "weaken_policy": {"security": 3, "platform": 0}}}, "security alone could bring a weaker"),
        ({"critical": (Critical(("x",), {"audit": 2}),)}, "critical, x: 2 signatures of audit, which has 1"),
        ({"critical": (Critical((), {"audit": 1}),)}, "critical: `assets` must name assets"),
        ({"critical": (Critical(("x",), {"audit": 1}, 0),)}, "critical: max_days: 0 is not between 1 and 366"),
        ({"owners": (Owned(("x",), ("mallory",)),)}, "owners, x: mallory is no member"),
        ({"owners": (Owned(("x",), ()),)}, "owners, x: nobody is no member"),
        ({"owners": (Owned((), ("alice",)),)}, "owners: `assets` must name assets"),
        ({"exceptions": ExceptionTerms(max_days=5000)}, "exceptions.max_days: 5000"),
        ({"policies": Bundle(0, ONE)}, "policies: version 0"),
        ({"policies": Bundle(1, Digest("x"))}, "policies: 'x' is no digest"),
        ({"ledger": msgspec.structs.replace(LEDGER, operator="x")}, "ledger: 'x' is no party"),
        ({"ledger": msgspec.structs.replace(LEDGER, quorum=3)}, "a quorum of 3 of 2 witnesses"),
        ({"ledger": msgspec.structs.replace(LEDGER, heartbeat_hours=0)}, "ledger.heartbeat_hours: 0"),
        ({"ledger": msgspec.structs.replace(LEDGER, witnesses={"audit": "w+2+BBBB", "platform": "v+3+BBBB"})}, "one key stands for two"),
        ({"ledger": msgspec.structs.replace(LEDGER, key="log.example+1+BBBB")}, "one key stands for two"),
        ({"degraded": Degraded(" ", "2026-07-01", "2026-05-15")}, "degraded: a reason is missing"),
        ({"degraded": Degraded("x", "never", "2026-05-15")}, "degraded.until: 'never' is not a date"),
    ],
)  # fmt: skip
def test_refused(more: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ContractError, match=complaint):
        check_terms(terms(**more))


def test_rules_that_are_not_written() -> None:
    """A weakening needs what a policy and the contract need, an exception what a policy needs, all else the contract's."""
    assert {action: terms(rules=RULES).rule(action) for action in ACTIONS} == {
        "accept_contract": {"security": 1, "platform": 1},
        "publish_policy": {"security": 1},
        "weaken_policy": {"platform": 1, "security": 1},
        "approve_exception": {"security": 1},
        "approve_change": {"security": 1, "platform": 1},
        "declare_degraded": {"security": 1, "platform": 1},
    }


def test_an_asset_that_several_entries_name_needs_all_their_reviews() -> None:
    found = terms(
        critical=(
            Critical(("host:db-*",), {"platform": 2}, 30),
            Critical(("*",), {"platform": 1, "security": 1}, 7),
            Critical(("host:web",), {"audit": 1}),
        ),
        parties={**BOTH, "audit": party(*AUDIT)},
    )
    assert found.review("host:db-1") == Critical(("host:db-1",), {"platform": 2, "security": 1}, 7)
    assert terms().review("host:db-1") is None


def test_owners() -> None:
    owned = terms(owners=(Owned(("host:db-*",), ("dave",)), Owned(("host:*",), ("erin", "dave"))))
    assert {asset: owned.owners_of(asset) for asset in ("host:db-1", "host:web", "k8s")} == {
        "host:db-1": ("dave", "erin"),
        "host:web": ("dave", "erin"),
        "k8s": (),
    }
