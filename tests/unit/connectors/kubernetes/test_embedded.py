from __future__ import annotations

from textwrap import indent
from typing import TYPE_CHECKING, Any

import pytest

from xspm.connector import Options
from xspm.connectors.kubernetes import CONNECTOR
from xspm.connectors.kubernetes.problems import ALL_TYPES

if TYPE_CHECKING:
    from pathlib import Path

    from xspm.model.asset import Snapshot

POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  hostPID: true\n  containers:\n  - {name: c, image: i, securityContext: {privileged: true}}\n"


def text(manifest: str, action: str = "create", field: str = "manifest: |") -> str:
    head = "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {name: w}\nspec:\n  templates:\n  - name: t\n    resource:\n"
    return f"{head}      action: {action}\n      {field}\n{indent(manifest, ' ' * 8)}"


def data(snapshot: Snapshot, kind: str, name: str) -> list[Any]:
    return [r.data for r in snapshot.resources if r.type == kind and f"/{name}" in r.id]


def test_what_a_workflow_creates_is_read() -> None:
    snapshot = CONNECTOR.example("manifest", text(POD))
    (container,) = data(snapshot, "k8s.container", "Pod/p")
    assert container["spec"]["securityContext"]["privileged"] is True
    (found,) = [r for r in snapshot.resources if r.type == "k8s.workload" and "Pod/p" in r.id]
    assert found.location is not None
    assert found.location.line == 9
    assert not snapshot.problems


@pytest.mark.parametrize(
    ("manifest", "action", "field", "message"),
    [
        (POD.replace("image: i", "image: '{{x}}'"), "create", "manifest: |", "holds parameters"),
        ("a: {{x}}: [\n", "create", "manifest: |", "is deployed, and cannot be read"),
        ("- a\n", "create", "manifest: |", "is deployed, and is no object that is read"),
        (POD, "patch", "manifest: |", "is deployed, and is not read"),
        ("artifact: {s3: {key: k}}\n", "apply", "manifestFrom:", "is deployed, and is not read"),
    ],
)
def test_what_cannot_be_read_leaves_everything_open(
    tmp_path: Path, manifest: str, action: str, field: str, message: str
) -> None:
    file = tmp_path / "w.yaml"
    file.write_text(text(manifest, action, field))
    snapshot = CONNECTOR.collect(str(file), Options(), lambda _: None)
    (problem,) = [p for p in snapshot.problems if p.resource_types == ALL_TYPES]
    assert message in problem.message
    if "parameters" in message:
        (container,) = data(snapshot, "k8s.container", "Pod/p")
        assert container["spec"]["securityContext"]["privileged"] is True
        assert "$unknown" in container["image"]


def test_what_is_deleted_is_not_read() -> None:
    snapshot = CONNECTOR.example("manifest", text(POD, "delete"))
    assert not snapshot.problems
    assert not data(snapshot, "k8s.container", "Pod/p")
