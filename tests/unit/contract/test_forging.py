"""The smallest groups that could have forged a result, and that they grow with every separation and shrink without."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parties import NOW, PLATFORM, SECURITY, party, public, terms
from xspm.contract.approval import ExceptionText
from xspm.contract.forging import Holder, Made, Need, Node, all_of, any_of, fewest, routes, smallest
from xspm.contract.terms import Bundle, Degraded, LedgerTerms, Owned, Scanner, Terms
from xspm.model.digest import Digest

PEOPLE = [Holder(name, "x") for name in "abcdef"]
SCANNERS = {
    "ci": Scanner((public("ci"),), ("*",), "security"),
    "ops": Scanner((public("ops"),), ("*",), "platform"),
}
BUNDLE = Bundle(1, Digest("sha256:" + "1" * 64))
ASKED = ExceptionText("own.check", "host:a", ("r",), "OPS-1", "none", "2026-07-01", "dave", NOW, BUNDLE.digest)


def agreed(**more: Any) -> Terms:
    return terms(**{"scanners": SCANNERS, "policies": BUNDLE, **more})


def groups(made: Made, kind: str) -> list[list[str]]:
    return [[one.name for one in group] for route in routes(made) if route.kind == kind for group in route.sets]


def made(*versions: Terms, **more: Any) -> Made:
    return Made(versions or (agreed(),), "ci", "host:a", NOW, **more)


def nodes(depth: int = 2) -> st.SearchStrategy[Node]:
    leaf: st.SearchStrategy[Node] = st.sampled_from(PEOPLE)
    if not depth:
        return leaf
    inner = st.lists(nodes(depth - 1), min_size=1, max_size=4)
    need = inner.flatmap(lambda parts: st.integers(0, len(parts)).map(lambda count: Need(count, tuple(parts))))
    return st.one_of(leaf, need)


def meets(node: Node, who: frozenset[Holder]) -> bool:
    if isinstance(node, Holder):
        return node in who
    return sum(meets(part, who) for part in node.of) >= node.count


@given(nodes())
def test_the_sets_are_the_minimal_ones(node: Node) -> None:
    """Against the definition: every subset that meets the condition and has no smaller one in it."""
    every = [frozenset(group) for size in range(len(PEOPLE) + 1) for group in combinations(PEOPLE, size)]
    meeting = [group for group in every if meets(node, group)]
    minimal = {group for group in meeting if not any(other < group for other in meeting)}
    sets, complete = smallest(node)
    assert (set(sets), complete) == (minimal, True)
    assert [len(one) for one in sets] == sorted(len(one) for one in sets)


def test_large_parties_are_cut_and_said_to_be() -> None:
    many = tuple(Holder(f"p{number:02}", "x") for number in range(30))
    sets, complete = smallest(Need(15, many), 10)
    assert (len(sets), {len(one) for one in sets}, complete) == (10, {15}, False)


@pytest.mark.parametrize(
    ("node", "shown"),
    [
        (Holder("ci", "security", "scanner"), "the scanner ci (run by security)"),
        (Need(2, tuple(PEOPLE[:3]), "x"), "2 of x (a, b, c)"),
        (Need(1, tuple(PEOPLE[:1]), "x"), "a (x)"),
        (all_of(*PEOPLE[:2]), "a (x) and b (x)"),
        (any_of(*PEOPLE[:2]), "a (x), or b (x)"),
        (Need(2, tuple(PEOPLE[:3])), "2 of a (x); b (x); c (x)"),
        (all_of(), "nobody"),
    ],
)
def test_words(node: Node, shown: str) -> None:
    assert node.shown() == shown


def test_the_scanner_alone_is_the_smallest_group() -> None:
    found = routes(made())
    assert [route.kind for route in found] == ["evidence", "later", "contract", "policies"]
    assert [one.name for one in fewest(found)[0]] == ["ci"]
    assert found[0].size == 1


def test_a_second_scanner_makes_it_two() -> None:
    found = made(agreeing=("ops",))
    assert groups(found, "evidence") == [["ci", "ops"]]
    assert fewest(routes(found))[0] == (Holder("ci", "security", "scanner"), Holder("ops", "platform", "scanner"))


def test_the_contract_takes_what_its_rules_ask() -> None:
    pairs = [{*two, one} for two in combinations(SECURITY, 2) for one in PLATFORM]
    assert [set(group) for group in groups(made(), "contract")] == pairs
    assert [set(group) for group in groups(made(), "policies")] == pairs


def test_a_version_that_changed_nothing_here_is_no_further_way() -> None:
    first = agreed()
    later = agreed(version=2, predecessor=BUNDLE.digest, expires="2027-12-31")
    assert groups(made(first, later), "contract") == groups(made(first), "contract")


def test_a_scanner_named_by_weaker_rules_is_as_weak() -> None:
    first = agreed(rules={"accept_contract": {"security": 1, "platform": 1}, "publish_policy": {"security": 2}}, scanners={})  # fmt: skip
    later = agreed(version=2, predecessor=BUNDLE.digest)
    assert {len(one) for one in groups(made(first, later), "contract")} == {2}


def test_policies_that_changed_take_the_rule_for_weakening() -> None:
    strict = {"accept_contract": {"security": 1, "platform": 1}, "publish_policy": {"security": 1}}
    first = agreed(rules={**strict, "weaken_policy": {"security": 3, "platform": 2}})
    later = agreed(version=2, predecessor=BUNDLE.digest, policies=Bundle(2, BUNDLE.digest))
    (route,) = [one for one in routes(made(first, later)) if one.kind == "policies"]
    assert "3 of security (alice, bob, carol)" in route.who
    assert route.who.startswith("1 of platform (dave, erin) and 1 of security (alice, bob, carol), or ")
    added = agreed(version=2, predecessor=BUNDLE.digest, rules=strict)
    bare = agreed(policies=None, rules=strict)
    (route,) = [one for one in routes(made(bare, added)) if one.kind == "policies"]
    assert route.who == "1 of platform (dave, erin) and 1 of security (alice, bob, carol)"


def test_an_exception_takes_who_asked_and_who_approves() -> None:
    assert groups(made(exceptions=(ASKED,)), "exception") == [[name, "dave"] for name in SECURITY]


def test_owners_never_count() -> None:
    owned = agreed(owners=(Owned(("host:*",), ("alice", "bob")),))
    assert groups(made(owned, exceptions=(ASKED,)), "exception") == [["carol", "dave"]]


def test_a_small_team_shrinks_the_groups() -> None:
    small = agreed(
        parties={"security": party("alice"), "platform": party("dave")},
        rules={"accept_contract": {"security": 1}, "publish_policy": {"security": 1}},
        degraded=Degraded("two people", "2026-06-30", "2026-05-15"),
        scanners={"ci": Scanner((public("ci"),), ("*",), "security")},
    )
    assert groups(made(small), "contract") == [["alice", "dave"]]
    assert groups(made(small), "policies") == [["alice"]]
    assert [one.name for group in fewest(routes(made(small))) for one in group] == ["alice", "ci"]


LAX: Any = {"accept_contract": {"security": 1}, "publish_policy": {"security": 1}}


def test_the_next_version_takes_what_the_rules_of_this_one_ask() -> None:
    """Who may act by the version in force could bring the next one, though nothing changed up to now."""
    lax = agreed(version=2, predecessor=BUNDLE.digest, rules=LAX, degraded=Degraded("few", "2026-06-30", "2026-05-15"))
    assert groups(made(agreed(), lax), "policies") == [["alice"], ["bob"], ["carol"]]
    pairs = {(one, other) for one in SECURITY for other in ("dave", "erin", "frank")}
    assert {tuple(group) for group in groups(made(agreed(), lax), "contract")} == pairs
    assert {one.name for group in fewest(routes(made(agreed(), lax))) for one in group} == {"ci", *SECURITY}


def test_a_first_version_in_degraded_mode_takes_two_parties() -> None:
    lax = agreed(rules=LAX, policies=None, degraded=Degraded("few", "2026-06-30", "2026-05-15"))
    (route,) = [one for one in routes(made(lax)) if one.kind == "contract"]
    assert route.who == "1 of security (alice, bob, carol) and 1 of another party (dave, erin, frank)"
    assert groups(made(lax), "policies") == [["alice"], ["bob"], ["carol"]]


def test_policies_alone_take_those_who_publish_and_weaken_them() -> None:
    rules: Any = {
        "accept_contract": {"security": 3, "platform": 2},
        "publish_policy": {"security": 1},
        "weaken_policy": {"security": 1, "platform": 1},
    }
    found = groups(made(agreed(rules=rules)), "policies")
    assert found == [[one, other] for one in SECURITY for other in PLATFORM]


@pytest.mark.parametrize(
    ("owners", "expected"),
    [((), [["alice", "dave"]]), ((Owned(("*",), ("alice",)),), [["dave", "erin"]])],
)
def test_the_degraded_mode_takes_who_is_left(owners: tuple[Owned, ...], expected: list[list[str]]) -> None:
    """As `approval` counts: one of the party where there is one, else of any other."""
    small = agreed(
        parties={"security": party("alice"), "platform": party("dave", "erin")},
        rules={"accept_contract": {"security": 1}, "publish_policy": {"security": 1}, "approve_exception": {"security": 1}},
        degraded=Degraded("few people", "2026-06-30", "2026-05-15"),
        owners=owners,
    )  # fmt: skip
    assert groups(made(small, exceptions=(ASKED,)), "exception") == expected


@pytest.mark.parametrize(("quorum", "size"), [(0, 2), (1, 3), (2, 4)])
def test_a_log_with_witnesses_makes_a_later_forgery_harder(quorum: int, size: int) -> None:
    ledger = LedgerTerms("log.example", "k+1+a", "security", {"audit": "w+1+b", "platform": "v+1+c"}, quorum)
    logged = agreed(ledger=ledger)
    assert {len(one) for one in groups(made(logged, logged=True), "later")} == {size}
    assert {len(one) for one in groups(made(logged), "later")} == {1}
    assert {len(one) for one in groups(made(logged=True), "later")} == {1}
