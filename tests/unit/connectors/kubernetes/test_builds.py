from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from xspm.connectors.kubernetes.collecting import collect
from xspm.connectors.kubernetes.problems import ALL_TYPES

if TYPE_CHECKING:
    from pathlib import Path

    from xspm.model.asset import Problem

POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: a, image: x}]}\n"
NAMED = ("k8s.namespace_summary", "k8s.object", "k8s.rbac_grant", "k8s.workload")


def _problem(folder: Path, name: str, text: str) -> Problem | None:
    (folder / "p.yaml").write_text(POD)
    (folder / name).write_text(text)
    problems = collect(str(folder), lambda _: None).problems
    return problems[0] if problems else None


@pytest.mark.parametrize(
    ("field", "said", "types"),
    [
        ("namespace: shop", "without its namespace", NAMED),
        ("namePrefix: a-", "without its namePrefix", NAMED),
        ("nameSuffix: -a", "without its nameSuffix", NAMED),
        ("labels: [{pairs: {a: b}}]", "without its labels", NAMED),
        ("commonLabels: {a: b}", "without its commonLabels", NAMED),
        ("commonAnnotations: {a: b}", "without its commonAnnotations", NAMED),
        ("buildMetadata: [originAnnotations]", "without its buildMetadata", NAMED),
        ("patches: [{patch: x}]\nnamespace: a", "without its patches, namespace", ALL_TYPES),
        ("openapi: {path: x}", "without its openapi", ALL_TYPES),
        ("components: [../c]", "without its components", ALL_TYPES),
        ("resources: ['https://github.com/a/b?ref=c']", "without its remote resources", ALL_TYPES),
        ("resources: [p.yaml]", "and it changes nothing of them", ()),
    ],
)
def test_a_build_file_says_what_it_would_change(tmp_path: Path, field: str, said: str, types: tuple[str, ...]) -> None:
    problem = _problem(tmp_path, "kustomization.yaml", f"{field}\n")
    assert problem is not None
    assert problem.message.endswith(said)
    assert problem.resource_types == types


FLUX = "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: k}\nspec: "
ARGO = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: k}\nspec: "


@pytest.mark.parametrize(
    ("text", "said", "types"),
    [
        (f"{FLUX}{{path: ./x, patches: [{{patch: x}}]}}", "Kustomization k is not applied", ALL_TYPES),
        (f"{FLUX}{{path: ./x, postBuild: {{substitute: {{a: b}}}}}}", "without its postBuild", ALL_TYPES),
        (f"{FLUX}{{path: ./x, targetNamespace: a}}", "without its targetNamespace", NAMED),
        (f"{FLUX}{{path: ./x}}", None, ()),
        (f"{ARGO}{{source: {{kustomize: {{images: [a]}}}}}}", "Application k is not applied", ALL_TYPES),
        (f"{ARGO}{{sources: [{{kustomize: {{namePrefix: a}}}}]}}", "without its namePrefix", NAMED),
        (f"{ARGO}{{source: {{path: x}}}}", None, ()),
    ],
)
def test_what_is_changed_on_the_way_to_the_cluster_is_said(
    tmp_path: Path, text: str, said: str | None, types: tuple[str, ...]
) -> None:
    problem = _problem(tmp_path, "k.yaml", text)
    assert (problem is None) is (said is None)
    if problem is not None and said is not None:
        assert said in problem.message
        assert problem.resource_types == types
