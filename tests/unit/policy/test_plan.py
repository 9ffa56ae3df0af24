"""Which checks run on an asset, and with what."""

from __future__ import annotations

import pytest

from house import built, check, snapshot
from xspm.errors import PolicyError
from xspm.policy.plan import Plan, plan, policies_in_force

_CHECK = check(
    "resource.keys != null && resource.keys <= params.most",
    head="parameters: {most: {default: 3, description: Most keys.}}\n",
)
_FILES = {"checks/a/few_keys.yaml": _CHECK, "checks/b/locked.yaml": check("resource.locked", severity="low")}


def _policy(rest: str = "", include: str = '{checks: ["*"]}') -> str:
    return f'title: P\nversion: "1"\ninclude: [{include}]\n{rest}'


def _plan(policies: dict[str, str], names: list[str] | None = None, *, shipped: bool = True) -> Plan:
    library = built(
        _FILES | {f"policies/{name}.yaml": text for name, text in policies.items()}, shipped=shipped
    ).library
    return plan(library, policies_in_force(library, names or [], ["p"]), snapshot().asset)


def _summary(made: Plan) -> list[tuple[str, str, object]]:
    return [(one.compiled.check.id, one.severity, one.params) for planned in made.checks.values() for one in planned]


def test_defaults_hold_where_a_policy_says_nothing() -> None:
    made = _plan({"p": _policy()})
    assert _summary(made) == [("a.few_keys", "high", {"most": 3}), ("b.locked", "low", {})]
    assert [(reference.name, reference.version) for reference in made.policies] == [("p", "1")]


def test_a_policy_sets_parameters_and_severity() -> None:
    made = _plan({"p": _policy("overrides: [{checks: [a.*], severity: info, params: {most: 1}}]\n")})
    assert _summary(made)[0] == ("a.few_keys", "info", {"most": 1})


def test_a_policy_selects_and_leaves_out() -> None:
    assert _summary(_plan({"p": _policy("exclude: [{checks: [a.*]}]\n")})) == [("b.locked", "low", {})]
    assert _summary(_plan({"p": _policy(include="{severities: [high]}")})) == [("a.few_keys", "high", {"most": 3})]


def test_a_policy_out_of_scope_asks_nothing() -> None:
    made = _plan({"p": _policy("scope: {street: [side]}\n")})
    assert made == Plan(checks={}, policies=())


def test_several_policies_give_the_worst_severity() -> None:
    made = _plan(
        {
            "p": _policy("overrides: [{checks: [b.*], severity: critical}]\n"),
            "q": _policy("overrides: [{checks: [b.*], severity: info}]\n"),
        },
        ["p", "q"],
    )
    assert _summary(made)[1] == ("b.locked", "critical", {})


def test_the_fewest_days_of_the_policies_limit_an_exception() -> None:
    few, many, unsaid = (_policy(text) for text in ("max_exception_days: 30\n", "max_exception_days: 400\n", ""))
    assert _plan({"p": unsaid}).max_exception_days == 366
    assert _plan({"p": unsaid, "q": many}, ["p", "q"]).max_exception_days == 400
    assert _plan({"p": few, "q": many}, ["p", "q"]).max_exception_days == 30


def test_policies_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(PolicyError, match=r"policies p and q give a\.few_keys different parameters"):
        _plan({"p": _policy(), "q": _policy("overrides: [{checks: [a.*], params: {most: 1}}]\n")}, ["p", "q"])


def test_users_policies_replace_the_default_ones() -> None:
    library = built(_FILES | {"policies/mine.yaml": _policy(include="{checks: [b.*]}")}, shipped=False).library
    made = plan(library, policies_in_force(library, [], ["p"]), snapshot().asset)
    assert _summary(made) == [("b.locked", "low", {})]


def test_users_checks_run_even_when_no_policy_selects_them() -> None:
    assert len(_summary(_plan({}, shipped=False))) == 2


def test_an_unknown_policy_is_named() -> None:
    with pytest.raises(PolicyError, match="no policy is called 'q'") as caught:
        _plan({"p": _policy()}, ["q"])
    assert caught.value.hint == "known: p; or name a folder or file"


def test_a_planned_checks_digest_moves_with_all_that_decides_a_verdict() -> None:
    digests = {
        _plan({"p": _policy(rest)}).checks["test.door"][0].digest
        for rest in (
            "",
            "overrides: [{checks: [a.*], severity: low}]\n",
            "overrides: [{checks: [a.*], params: {most: 1}}]\n",
        )
    }
    assert len(digests) == 3
