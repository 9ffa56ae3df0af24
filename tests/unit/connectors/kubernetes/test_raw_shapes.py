from __future__ import annotations

from typing import Any

import pytest
import yaml

from xspm.connectors.kubernetes import CONNECTOR


@pytest.mark.parametrize(
    ("version", "kind", "fields", "path", "message"),
    [
        ("v1", "Service", {"spec": {"type": 3}}, ["spec", "type"], "spec.type is an integer, and a string is expected"),
        ("v1", "Service", {"spec": {"ports": {}}}, ["spec", "ports"], "spec.ports is a mapping, and a list is expected"),
        ("v1", "Service", {"spec": {"ports": [5]}}, ["spec", "ports", 0], "spec.ports[0] is an integer, and a mapping is expected"),
        ("v1", "Secret", {"data": [1]}, ["data"], "data is a string, and a mapping is expected"),
        ("v1", "ConfigMap", {"data": [1]}, ["data"], "data is a list, and a mapping is expected"),
        ("networking.k8s.io/v1", "Ingress", {"spec": {"tls": True}}, ["spec", "tls"], "spec.tls is a boolean, and a list is expected"),
        ("networking.k8s.io/v1", "NetworkPolicy", {"spec": {"ingress": [{"from": "x"}]}}, ["spec", "ingress", 0, "from"], "spec.ingress[0].from is a string, and a list is expected"),
        ("networking.k8s.io/v1", "NetworkPolicy", {"spec": {"egress": [{"ports": [{"endPort": "9"}]}]}}, ["spec", "egress", 0, "ports", 0, "endPort"], "spec.egress[0].ports[0].endPort is a string, and an integer is expected"),
        ("rbac.authorization.k8s.io/v1", "Role", {"rules": "x"}, ["rules"], "rules is a string, and a list is expected"),
        ("rbac.authorization.k8s.io/v1", "Role", {"rules": [{"verbs": "*"}]}, ["rules", 0, "verbs"], "rules[0].verbs is a string, and a list of strings is expected"),
    ],
)  # fmt: skip
def test_what_has_another_shape_is_unknown_and_a_problem(
    version: str, kind: str, fields: dict[str, Any], path: list[Any], message: str
) -> None:
    text = yaml.safe_dump({"apiVersion": version, "kind": kind, "metadata": {"name": "x"}, **fields}, sort_keys=False)
    snapshot = CONNECTOR.example("manifest", text)
    (problem,) = snapshot.problems
    assert problem.message == f"default/{kind}/x: {message}"
    assert problem.location is not None
    assert problem.location.line is not None
    assert problem.location.line > 4
    value: Any = next(resource.data for resource in snapshot.resources if resource.type == f"k8s.{kind.lower()}")
    for step in path:
        value = value[step]
    assert value == {"$unknown": message, "cause": "format"}


@pytest.mark.parametrize("field", ["name", "namespace", "labels", "annotations"])
def test_metadata_of_another_shape_is_unknown(field: str) -> None:
    snapshot = CONNECTOR.example("manifest", f"apiVersion: v1\nkind: Service\nmetadata: {{{field}: 5}}")
    (value,) = (resource.data for resource in snapshot.resources if resource.type == "k8s.service")
    assert "$unknown" in value["metadata"][field]


def test_metadata_that_is_none_is_unknown() -> None:
    snapshot = CONNECTOR.example("manifest", "apiVersion: v1\nkind: Service\nmetadata: []")
    (value,) = (resource.data for resource in snapshot.resources if resource.type == "k8s.service")
    assert "$unknown" in value["metadata"]


def test_sound_objects_stay_as_they_are() -> None:
    value = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "x", "labels": {"a": "b"}},
        "spec": {"x": 5, "ports": [{"port": 1}]},
    }
    snapshot = CONNECTOR.example("manifest", yaml.safe_dump(value))
    assert [resource.data for resource in snapshot.resources if resource.type == "k8s.service"] == [value]
