"""Which policies, budgets and autoscalers concern a workload."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from xspm.connector import Options
from xspm.connectors.kubernetes import CONNECTOR
from xspm.connectors.kubernetes.selection import FIELDS, matches
from xspm.model.schema import validate
from xspm.model.unknown import UNKNOWN_KEY

if TYPE_CHECKING:
    from pathlib import Path

SHAPES = {spec.name: spec.shape for spec in CONNECTOR.types()}
POD = """\
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web, tier: front}}
spec: {containers: [{name: c, image: i}]}
"""
UNKNOWN = {UNKNOWN_KEY: "why", "cause": "format"}


def concerning(*objects: str, workload: str = POD) -> dict[str, Any]:
    snapshot = CONNECTOR.example("manifest", "---\n".join((workload, *objects)))
    (found,) = (resource for resource in snapshot.resources if resource.type == "k8s.workload")
    assert validate(found.data, SHAPES["k8s.workload"]) == []
    return {field: found.data[field] for field in FIELDS}


def policy(spec: str, name: str = "p", namespace: str = "shop") -> str:
    return (
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n"
        f"metadata: {{name: {name}, namespace: {namespace}}}\nspec: {spec}\n"
    )


def budget(selector: str) -> str:
    return (
        "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: b, namespace: shop}\n"
        f"spec: {{maxUnavailable: 1, selector: {selector}}}\n"
    )


def autoscaler(target: str) -> str:
    return (
        "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: h, namespace: shop}\n"
        f"spec: {{scaleTargetRef: {target}}}\n"
    )


@pytest.mark.parametrize(
    ("spec", "ingress", "egress"),
    [
        ("{podSelector: {}}", ["p"], []),
        ("{podSelector: null}", ["p"], []),
        ("{}", ["p"], []),
        ("{podSelector: {}, egress: [{}]}", ["p"], ["p"]),
        ("{podSelector: {}, policyTypes: [Egress]}", [], ["p"]),
        ("{podSelector: {matchLabels: {app: web}}}", ["p"], []),
        ("{podSelector: {matchLabels: {app: web, tier: back}}}", [], []),
        ("{podSelector: {matchLabels: {app: api}}}", [], []),
        ("{podSelector: {matchLabels: {app: 5}}}", [], []),
        ("{podSelector: {matchExpressions: [{key: app, operator: In, values: [web, api]}]}}", ["p"], []),
        ("{podSelector: {matchExpressions: [{key: app, operator: NotIn, values: [web]}]}}", [], []),
        ("{podSelector: {matchExpressions: [{key: nope, operator: NotIn, values: [x]}]}}", ["p"], []),
        ("{podSelector: {matchExpressions: [{key: app, operator: Exists}]}}", ["p"], []),
        ("{podSelector: {matchExpressions: [{key: app, operator: DoesNotExist}]}}", [], []),
    ],
)
def test_network_policies_restrict_the_pods_they_select(spec: str, ingress: list[str], egress: list[str]) -> None:
    found = concerning(policy(spec))
    assert (found["ingress_policies"], found["egress_policies"]) == (ingress, egress)
    assert concerning(policy(spec, namespace="other"))["ingress_policies"] == []


def test_names_are_sorted_and_given_once() -> None:
    found = concerning(policy("{}", "b"), policy("{podSelector: {matchLabels: {app: web}}}", "a"))
    assert found["ingress_policies"] == ["a", "b"]


@pytest.mark.parametrize(
    ("selector", "expected"),
    [("{}", ["b"]), ("", []), ("{matchLabels: {tier: front}}", ["b"]), ("{matchLabels: {tier: x}}", [])],
)
def test_budgets_select_pods(selector: str, expected: list[str]) -> None:
    assert concerning(budget(selector))["disruption_budgets"] == expected


@pytest.mark.parametrize(
    ("target", "expected"),
    [("{kind: Pod, name: web}", ["h"]), ("{kind: Deployment, name: web}", []), ("{name: web}", []), ("5", [])],
)
def test_autoscalers_name_their_target(target: str, expected: list[str]) -> None:
    assert concerning(autoscaler(target))["autoscalers"] == expected


@pytest.mark.parametrize(
    "spec",
    [
        "5",
        "{podSelector: 5}",
        "{podSelector: {matchLabels: 5}}",
        "{podSelector: {matchExpressions: 5}}",
        "{podSelector: {matchExpressions: [5]}}",
        "{podSelector: {matchExpressions: [{key: 5, operator: In, values: [web]}]}}",
        "{podSelector: {matchExpressions: [{key: app, operator: Odd}]}}",
    ],
)
def test_a_malformed_selector_decides_nothing(spec: str) -> None:
    found = concerning(policy(spec))
    assert UNKNOWN_KEY in found["ingress_policies"]
    assert found["disruption_budgets"] == []
    # What is known to select the pods decides.
    assert concerning(policy(spec), policy("{}", "q"))["ingress_policies"] == ["q"]


@pytest.mark.parametrize("metadata", ["{name: web, namespace: 5}", "{name: web, namespace: shop, labels: 5}"])
def test_what_is_not_known_of_the_workload_is_not_decided(metadata: str) -> None:
    workload = POD.replace("{name: web, namespace: shop, labels: {app: web, tier: front}}", metadata)
    found = concerning(policy("{podSelector: {matchLabels: {app: web}}}"), workload=workload)
    assert all(UNKNOWN_KEY in value for value in found.values())


def test_a_label_that_is_not_known_is_not_decided() -> None:
    workload = POD.replace("app: web", "app: 5")
    assert (
        UNKNOWN_KEY
        in concerning(policy("{podSelector: {matchLabels: {app: web}}}"), workload=workload)["ingress_policies"]
    )
    assert concerning(policy("{}"), workload=workload)["ingress_policies"] == ["p"]


def test_nothing_found_in_part_of_the_input_is_unknown(tmp_path: Path) -> None:
    tmp_path.joinpath("sound.yaml").write_text(f"{POD}---\n{policy('{}')}")
    tmp_path.joinpath("broken.yaml").write_text("apiVersion: v1\nkind: [\n")
    snapshot = CONNECTOR.collect(str(tmp_path), Options(), lambda _: None)
    (found,) = (resource.data for resource in snapshot.resources if resource.type == "k8s.workload")
    assert found["ingress_policies"] == ["p"]
    assert UNKNOWN_KEY in found["egress_policies"]


@pytest.mark.parametrize(
    ("labels", "selector", "expected"),
    [
        (UNKNOWN, {}, UNKNOWN),
        ({}, UNKNOWN, UNKNOWN),
        (None, {}, False),
        ({"a": UNKNOWN}, {"matchLabels": {"a": "x"}}, UNKNOWN),
        ({"a": UNKNOWN}, {"matchLabels": {"a": "x", "b": "y"}}, False),
        ({"a": UNKNOWN}, {"matchExpressions": [{"key": "a", "operator": "In", "values": ["x"]}]}, UNKNOWN),
        ({"a": "x"}, {"matchExpressions": [UNKNOWN, {"key": "a", "operator": "DoesNotExist"}]}, False),
    ],
)
def test_what_is_unknown_decides_only_what_it_cannot_change(labels: Any, selector: Any, expected: Any) -> None:
    assert matches(labels, selector) == expected
