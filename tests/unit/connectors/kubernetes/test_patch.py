from __future__ import annotations

from typing import Any

import pytest
import yaml

from xspm.connectors.kubernetes import CONNECTOR
from xspm.connectors.kubernetes.patch import apply, merge
from xspm.errors import ConnectorError
from xspm.model.check import Example, Remediation


@pytest.mark.parametrize(
    ("target", "patch", "expected"),
    [
        ({"a": 1, "b": {"c": 2}}, {"b": {"d": 3}}, {"a": 1, "b": {"c": 2, "d": 3}}),
        ({"a": 1, "b": 2}, {"a": None, "z": None}, {"b": 2}),
        ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
        ({"a": {"b": 1}}, {"a": {"$patch": "replace", "c": 2}}, {"a": {"c": 2}}),
        ({"containers": [{"name": "a", "x": 1}]}, {"containers": [{"name": "a", "y": 2}, {"name": "b"}]}, {"containers": [{"name": "a", "x": 1, "y": 2}, {"name": "b"}]}),
        ({"containers": [{"name": "a"}, {"name": "b"}]}, {"containers": [{"name": "*", "y": 2}]}, {"containers": [{"name": "a", "y": 2}, {"name": "b", "y": 2}]}),
        ({}, {"initContainers": [{"name": "*", "y": 2}]}, {}),
        ({"volumes": [{"name": "h", "hostPath": {"path": "/"}}]}, {"volumes": [{"name": "*", "hostPath": None, "emptyDir": {}}]}, {"volumes": [{"name": "h", "emptyDir": {}}]}),
        ({"ports": [{"containerPort": 80, "hostPort": 80}]}, {"ports": [{"name": "*", "hostPort": None}]}, {"ports": [{"containerPort": 80}]}),
        ({"ports": [{"containerPort": 80}]}, {"ports": [{"containerPort": 80, "hostPort": 1}]}, {"ports": [{"containerPort": 80, "hostPort": 1}]}),
        ({"subjects": [{"kind": "Group", "name": "a"}]}, {"subjects": [{"kind": "Group", "name": "b"}]}, {"subjects": [{"kind": "Group", "name": "b"}]}),
        ({"rules": [{"verbs": ["*"]}]}, {"rules": [{"verbs": ["get"]}]}, {"rules": [{"verbs": ["get"]}]}),
        ({"env": [{"name": "A"}, {"name": "B"}]}, {"env": [{"name": "A", "$patch": "delete"}]}, {"env": [{"name": "B"}]}),
        ({"subjects": [{"name": "a"}, {"name": "b"}]}, {"subjects": [{"name": "a", "$patch": "delete"}]}, {"subjects": [{"name": "b"}]}),
        ({"a": "text"}, {"a": {"b": 1}}, {"a": {"b": 1}}),
    ],
)  # fmt: skip
def test_patches_merge_as_kubernetes_merges_them(target: Any, patch: Any, expected: Any) -> None:
    before = repr(target)
    assert merge(target, patch) == expected
    assert repr(target) == before


def objects(text: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(text))


SPEC = "{containers: [{name: c}, {name: d}]}"
POD = f"apiVersion: v1\nkind: Pod\nmetadata: {{name: p}}\nspec: {SPEC}\n"
CRON = f"apiVersion: batch/v1\nkind: CronJob\nmetadata: {{name: c}}\nspec: {{jobTemplate: {{spec: {{template: {{spec: {SPEC}}}}}}}}}\n"
RAY = f"apiVersion: ray.io/v1\nkind: R\nmetadata: {{name: r}}\nspec: {{g: [{{template: {{spec: {SPEC}}}}}]}}\n"
ROLE = "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: r}\nrules: []\n"
EACH = "spec: {containers: [{name: '*', tty: true}]}"
TTY = [{"name": "c", "tty": True}, {"name": "d", "tty": True}]


def test_a_pod_patch_reaches_every_template() -> None:
    pod, cron, ray, role = objects(apply(f"{POD}---\n{CRON}---\n{RAY}---\n{ROLE}", EACH))
    assert pod["spec"]["containers"] == TTY
    assert cron["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"] == TTY
    assert ray["spec"]["g"][0]["template"]["spec"]["containers"] == TTY
    assert role == yaml.safe_load(ROLE)


def test_a_kind_and_a_name_choose_objects() -> None:
    pod, role = objects(apply(f"{POD}---\n{ROLE}", "kind: Role\nrules: [{verbs: [get]}]"))
    assert pod == yaml.safe_load(POD)
    assert role["rules"] == [{"verbs": ["get"]}]
    with pytest.raises(ConnectorError, match="fits no object"):
        apply(ROLE, "kind: Role\nmetadata: {name: other}\nrules: []")
    (cron,) = objects(apply(CRON, "kind: CronJob\nspec: {suspend: true}"))
    assert cron["spec"]["suspend"] is True
    (cron,) = objects(apply(CRON, f"kind: Pod\n{EACH}"))
    assert cron["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"] == TTY


def test_objects_are_added_and_removed() -> None:
    policy = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: deny}\nspec: {podSelector: {}}"
    pod, added = objects(apply(POD, policy))
    assert (pod["kind"], added["kind"]) == ("Pod", "NetworkPolicy")
    (rest,) = objects(apply(f"{POD}---\n{ROLE}", "kind: Role\n$patch: delete"))
    assert rest["kind"] == "Pod"


def test_a_namespace_moves_an_object_and_lists_are_flattened() -> None:
    (pod,) = objects(apply(POD, "metadata: {namespace: shop}"))
    assert pod["metadata"] == {"name": "p", "namespace": "shop"}
    listed = (
        "apiVersion: v1\nkind: List\nitems: [{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: []}}]"
    )
    (pod,) = objects(apply(listed, "metadata: {name: a}\nspec: {hostPID: false}"))
    assert pod["spec"] == {"containers": [], "hostPID": False}


def test_several_patches_apply_in_turn() -> None:
    (pod,) = objects(apply(POD, f"{EACH}\n---\nspec: {{hostNetwork: null, automountServiceAccountToken: false}}"))
    assert pod["spec"] == {"containers": TTY, "automountServiceAccountToken": False}


@pytest.mark.parametrize("patch", ["a: [", "- 1", 5, "spec: {containers: []}"])
def test_what_is_no_patch_is_refused(patch: Any) -> None:
    with pytest.raises(ConnectorError):
        apply(ROLE, patch)


def test_the_connector_remediates_examples() -> None:
    example = Example(expect="fail", form="manifest", content=POD)
    text = CONNECTOR.remediate(example, Remediation(form="manifest", content=EACH, code=True))
    found = [
        resource.data for resource in CONNECTOR.example("manifest", text).resources if resource.type == "k8s.container"
    ]
    assert [container["spec"]["tty"] for container in found] == [True, True]
    with pytest.raises(ConnectorError, match="does not fit"):
        CONNECTOR.remediate(example, Remediation(form="files", content={}, code=True))
