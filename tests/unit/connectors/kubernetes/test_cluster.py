"""What needs more than one object: RBAC grants and namespaces."""

from __future__ import annotations

import tempfile
from typing import Any

import pytest

from xspm.connector import Options
from xspm.connectors.kubernetes import CONNECTOR
from xspm.connectors.kubernetes.builtin_roles import BUILTIN_ROLES
from xspm.model.asset import Snapshot, encode_snapshot
from xspm.model.schema import validate

SHAPES = {spec.name: spec.shape for spec in CONNECTOR.types()}
RBAC = "apiVersion: rbac.authorization.k8s.io/v1\n"


def snapshot_of(text: str) -> Snapshot:
    """Collect a file's text; unlike for an example, broken parts are problems."""
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write(text)
        file.flush()
        return CONNECTOR.collect(file.name, Options(), lambda _: None)


def data(text: str, kind: str) -> list[dict[str, Any]]:
    found = [resource for resource in CONNECTOR.example("manifest", text).resources if resource.type == kind]
    for resource in found:
        assert validate(resource.data, SHAPES[kind]) == []
    return [resource.data for resource in found]


def binding(kind: str, role_kind: str, role: str, namespace: str = "") -> str:
    metadata = f"{{name: b, namespace: {namespace}}}" if namespace else "{name: b}"
    return (
        f"---\n{RBAC}kind: {kind}\nmetadata: {metadata}\nroleRef: {{kind: {role_kind}, name: {role}}}\n"
        "subjects: [{kind: ServiceAccount, name: sa, namespace: ns}, {kind: Group, name: g}]\n"
    )


def role(kind: str, name: str, resource: str, labels: str = "{}", extra: str = "") -> str:
    return (
        f"---\n{RBAC}kind: {kind}\nmetadata: {{name: {name}, namespace: ns, labels: {labels}}}\n"
        f"rules: [{{verbs: [get], apiGroups: [''], resources: [{resource}]}}]\n{extra}"
    )


def rule(resource: str) -> dict[str, list[str]]:
    return {
        "verbs": ["get"],
        "api_groups": [""],
        "resources": [resource],
        "resource_names": [],
        "non_resource_urls": [],
    }


def test_a_role_is_found_in_its_namespace() -> None:
    (grant,) = data(role("Role", "r", "pods") + binding("RoleBinding", "Role", "r", "ns"), "k8s.rbac_grant")
    assert grant == {
        "binding_kind": "RoleBinding",
        "binding_name": "b",
        "namespace": "ns",
        "cluster_wide": False,
        "role_kind": "Role",
        "role_name": "r",
        "subjects": [
            {"kind": "ServiceAccount", "name": "sa", "namespace": "ns", "api_group": ""},
            {"kind": "Group", "name": "g", "namespace": None, "api_group": "rbac.authorization.k8s.io"},
        ],
        "rules": [rule("pods")],
    }


@pytest.mark.parametrize(
    ("kind", "name", "namespace"),
    [
        ("Role", "r", "other"),
        ("Role", "nope", "ns"),
        ("ClusterRole", "nope", "ns"),
        ("ClusterRole", "system:odd", "ns"),
    ],
)
def test_rules_of_a_role_that_is_not_there_are_unknown(kind: str, name: str, namespace: str) -> None:
    (grant,) = data(role("Role", "r", "pods") + binding("RoleBinding", kind, f"'{name}'", namespace), "k8s.rbac_grant")
    assert grant["rules"] == {"$unknown": f"the {kind} {name} is not among the manifests", "cause": "missing"}


@pytest.mark.parametrize("name", sorted(BUILTIN_ROLES))
def test_built_in_roles_are_known(name: str) -> None:
    (grant,) = data(binding("ClusterRoleBinding", "ClusterRole", f"'{name}'"), "k8s.rbac_grant")
    assert grant["cluster_wide"] is True
    assert grant["namespace"] is None
    assert len(grant["rules"]) == len(BUILTIN_ROLES[name])


def test_cluster_admin_may_do_all() -> None:
    (grant,) = data(binding("ClusterRoleBinding", "ClusterRole", "cluster-admin"), "k8s.rbac_grant")
    assert grant["rules"][0]["verbs"] == grant["rules"][0]["resources"] == grant["rules"][0]["api_groups"] == ["*"]


def test_the_input_can_replace_and_extend_built_in_roles() -> None:
    (grant,) = data(
        role("ClusterRole", "view", "pods") + binding("ClusterRoleBinding", "ClusterRole", "view"), "k8s.rbac_grant"
    )
    assert grant["rules"] == [rule("pods")]
    label = "{rbac.authorization.k8s.io/aggregate-to-view: 'true'}"
    (grant,) = data(
        role("ClusterRole", "x", "secrets", label) + binding("ClusterRoleBinding", "ClusterRole", "edit"),
        "k8s.rbac_grant",
    )
    assert rule("secrets") in grant["rules"]


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("{matchLabels: {a: x}}", ["one"]),
        ("{matchExpressions: [{key: a, operator: In, values: [x, w]}]}", ["one", "two"]),
        ("{matchExpressions: [{key: a, operator: NotIn, values: [x]}]}", ["three", "two"]),
        ("{matchExpressions: [{key: a, operator: Exists}]}", ["one", "two"]),
        ("{matchExpressions: [{key: a, operator: DoesNotExist}]}", ["three"]),
        ("{matchExpressions: [{key: a, operator: Odd}]}", None),
        ("{matchLabels: {a: zzz}}", None),
    ],
)
def test_aggregated_roles_are_put_together(selector: str, expected: list[str] | None) -> None:
    text = (
        role("ClusterRole", "r1", "one", "{a: x}")
        + role("ClusterRole", "r2", "two", "{a: w}")
        + role("ClusterRole", "r3", "three")
    )
    text += f"---\n{RBAC}kind: ClusterRole\nmetadata: {{name: all}}\naggregationRule: {{clusterRoleSelectors: [{selector}]}}\n"
    (grant,) = data(text + binding("ClusterRoleBinding", "ClusterRole", "all"), "k8s.rbac_grant")
    if expected is None:
        assert grant["rules"]["cause"] == ("format" if "Odd" in selector else "missing")
    else:
        assert sorted(found["resources"][0] for found in grant["rules"]) == expected


ADMINS = "{matchLabels: {rbac.authorization.k8s.io/aggregate-to-admin: 'true'}}"


def aggregate(name: str, selector: str, resource: str = "", labels: str = "{}") -> str:
    rules = f"[{{verbs: [get], apiGroups: [''], resources: [{resource}]}}]" if resource else "[]"
    return (
        f"---\n{RBAC}kind: ClusterRole\nmetadata: {{name: {name}, labels: {labels}}}\nrules: {rules}\n"
        f"aggregationRule: {{clusterRoleSelectors: [{selector}]}}\n"
    )


def granted(text: str, name: str) -> set[str]:
    (grant,) = data(text + binding("ClusterRoleBinding", "ClusterRole", name), "k8s.rbac_grant")
    return {resource for found in grant["rules"] for resource in found["resources"]}


def test_aggregates_within_aggregates_are_followed_also_in_circles() -> None:
    text = (
        aggregate("a", "{matchLabels: {x: '1'}}")
        + aggregate("b", "{matchLabels: {y: '1'}}", "filled", "{x: '1'}")
        + role("ClusterRole", "c", "secrets", "{y: '1'}")
    )
    assert granted(text, "a") == {"filled", "secrets"}
    circle = aggregate("a", "{matchLabels: {x: '1'}}", "one", "{x: '1'}")
    circle += aggregate("b", "{matchLabels: {x: '1'}}", "two", "{x: '1'}")
    assert granted(circle, "a") == granted(circle, "b") == {"one", "two"}


def test_a_role_that_stands_twice_allows_what_both_say() -> None:
    assert granted(role("ClusterRole", "r", "one") + role("ClusterRole", "r", "two"), "r") == {"one", "two"}


def test_an_aggregate_with_a_part_whose_parts_are_missing_is_unknown() -> None:
    text = aggregate("a", "{matchLabels: {x: '1'}}") + aggregate("b", "{matchLabels: {y: '1'}}", "", "{x: '1'}")
    (grant,) = data(text + binding("ClusterRoleBinding", "ClusterRole", "a"), "k8s.rbac_grant")
    assert grant["rules"]["cause"] == "missing"


def test_an_exported_built_in_aggregate_keeps_its_own_rules() -> None:
    label = "{rbac.authorization.k8s.io/aggregate-to-admin: 'true'}"
    text = aggregate("admin", ADMINS, "filled") + role("ClusterRole", "x", "widgets", label)
    assert granted(text, "admin") >= {"filled", "widgets", "secrets", "pods/exec"}
    assert granted(aggregate("own", ADMINS), "own") >= {"secrets", "pods/exec"}


def test_roles_that_select_each_other_end_at_a_limit() -> None:
    text = "".join(
        aggregate(f"r{number}", "{matchLabels: {x: '1'}}", f"pods{number}", "{x: '1'}")
        + binding("ClusterRoleBinding", "ClusterRole", f"r{number}")
        for number in range(600)
    )
    grants = data(text, "k8s.rbac_grant")
    causes = {"known" if isinstance(grant["rules"], list) else grant["rules"]["cause"] for grant in grants}
    assert causes == {"known", "limit"}


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("spec:\n  hostPID: {$unknown: x, cause: apply}\n  containers: [{name: c}]", [5]),
        ("spec:\n  hostPID: {$unknown: x, cause: format}\n  containers: [{name: c}]", [5]),
        ('spec:\n  hostPID: {"\\x24unk\\x6eown": x, cause: apply}\n  containers: [{name: c}]', [5]),
        ("spec:\n  containers:\n  - {name: c}\n  - {$unknown: x, cause: apply, name: d}", [7]),
        ("spec: {$unknown: x, cause: apply, containers: [{name: c}]}", [4, 4]),
        ("spec: {x: &a {$unknown: x}, containers: [{name: c}, *a]}", [4, 4]),
    ],
)
def test_an_input_cannot_claim_to_be_unknown(text: str, lines: list[int]) -> None:
    snapshot = snapshot_of(f"apiVersion: v1\nkind: Pod\nmetadata: {{name: p}}\n{text}\n")
    encoded = encode_snapshot(snapshot).decode()
    assert '"cause":"apply"' not in encoded
    assert '"cause":"format"' in encoded
    problems = [problem for problem in snapshot.problems if problem.location]
    assert [problem.location.line for problem in problems if problem.location] == lines
    assert "k8s.container" in problems[0].resource_types
    assert {problem.kind for problem in problems} == {"format"}


def test_a_number_in_place_of_a_container_is_a_problem() -> None:
    snapshot = snapshot_of(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c}, 123456789012345678901]}\n"
    )
    (problem,) = snapshot.problems
    assert problem.resource_types == ("k8s.container",)


POD = "---\napiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c}]}\n"


def policy(spec: str) -> str:
    return f"---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: x}}\nspec: {spec}\n"


@pytest.mark.parametrize(
    ("spec", "ingress", "egress"),
    [
        ("{podSelector: {}, policyTypes: [Ingress, Egress]}", True, True),
        ("{podSelector: {}}", True, False),
        ("{podSelector: {}, policyTypes: [Egress]}", False, True),
        ("{podSelector: {matchLabels: {a: b}}}", False, False),
        ("{podSelector: {}, ingress: [{}]}", False, False),
        ("{podSelector: {}, egress: [{to: []}]}", True, False),
    ],
)
def test_default_deny_is_recognised(spec: str, ingress: bool, egress: bool) -> None:  # noqa: FBT001 - a table
    (summary,) = data(POD + policy(spec), "k8s.namespace_summary")
    assert (summary["default_deny_ingress"], summary["default_deny_egress"]) == (ingress, egress)
    assert (summary["name"], summary["workloads"], summary["network_policies"], summary["declared"]) == (
        "default",
        1,
        1,
        False,
    )
    assert summary["labels"]["cause"] == "missing"


def test_a_malformed_policy_denies_nothing_for_certain() -> None:
    (summary,) = data(POD + policy("{podSelector: {}, policyTypes: 5}"), "k8s.namespace_summary")
    assert summary["default_deny_ingress"]["cause"] == "format"


def test_a_declared_namespace_tells_its_pod_security() -> None:
    text = "apiVersion: v1\nkind: Namespace\nmetadata: {name: ns, labels: {pod-security.kubernetes.io/enforce: baseline}}\n"
    text += "---\napiVersion: v1\nkind: ResourceQuota\nmetadata: {name: q, namespace: ns}\n"
    (summary,) = data(text, "k8s.namespace_summary")
    assert summary["declared"] is True
    assert [summary[f"pod_security_{mode}"] for mode in ("enforce", "audit", "warn")] == ["baseline", None, None]
    assert (summary["workloads"], summary["resource_quotas"], summary["limit_ranges"]) == (0, 1, 0)


BINDING_OF_R = "kind: ClusterRoleBinding\nmetadata: {name: b}\nroleRef: {kind: ClusterRole, name: r}"


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("kind: RoleBinding\nmetadata: {name: b}\nroleRef: 5\nsubjects: []", "rules"),
        ("kind: RoleBinding\nmetadata: {name: b}\nroleRef: {kind: Role, name: [x]}", "rules"),
        ("kind: RoleBinding\nmetadata: {name: b}\nroleRef: {kind: ClusterRole, name: view}\nsubjects: x", "subjects"),
        (
            f"kind: ClusterRole\nmetadata: {{name: r}}\nrules: x\n---\n{RBAC}{BINDING_OF_R}",
            "rules",
        ),
        (
            f"kind: ClusterRole\nmetadata: {{name: r}}\naggregationRule: x\n---\n{RBAC}{BINDING_OF_R}",
            "rules",
        ),
    ],
)
def test_malformed_rbac_is_unknown_and_a_problem(text: str, field: str) -> None:
    (grant,) = data(RBAC + text, "k8s.rbac_grant")
    assert grant[field]["cause"] == "format"
    (problem,) = CONNECTOR.example("manifest", RBAC + text).problems
    assert problem.kind == "format"
    assert problem.location is not None
    assert problem.location.line is not None
