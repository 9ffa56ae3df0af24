from __future__ import annotations

from typing import Any

import msgspec
import pytest

from xspm.connectors.kubernetes import CONNECTOR
from xspm.connectors.kubernetes.shapes import is_unknown


def _pod(container: dict[str, Any]) -> str:
    spec = {"containers": [{"name": "c", "image": "i"} | container]}
    return msgspec.json.encode({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec}).decode()


@pytest.mark.parametrize(
    ("written", "field"),
    [
        ({"securityContext": {"Privileged": True}}, "securityContext.Privileged"),
        ({"SecurityContext": {"privileged": True}}, "SecurityContext"),
        ({"securityContext": {"capabilities": {"Add": ["SYS_ADMIN"]}}}, "securityContext.capabilities.Add"),
    ],
)
def test_a_field_in_another_case_is_a_problem_and_decides_nothing(written: dict[str, Any], field: str) -> None:
    """The API server refuses or drops it; either way it is not what its author takes it for."""
    snapshot = CONNECTOR.example("manifest", _pod(written))
    (problem,) = snapshot.problems
    assert f"{field} is no field of Kubernetes, which knows " in problem.message
    (settings,) = (
        resource.data["security_context"] for resource in snapshot.resources if resource.type == "k8s.container"
    )
    assert any(is_unknown(settings[name]) for name in ("privileged", "capabilities_add"))


def test_containers_in_another_case_are_lost() -> None:
    text = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {Containers: [{name: c, image: i}]}\n"
    (problem,) = CONNECTOR.example("manifest", text).problems
    assert problem.resource_types == ("k8s.container",)
