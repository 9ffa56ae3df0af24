from __future__ import annotations

import pytest

from xspm.connectors.kubernetes import CONNECTOR
from xspm.connectors.kubernetes.nested import nested
from xspm.errors import ConnectorError
from xspm.model.unknown import UNKNOWN_KEY

POD = "{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {containers: [{name: a, image: x}]}}"


def _object(group: str, kind: str, spec: str) -> str:
    return f"{{apiVersion: {group}/v1, kind: {kind}, metadata: {{name: o, namespace: shop}}, spec: {spec}}}"


@pytest.mark.parametrize(
    ("manifest", "expected"),
    [
        (
            _object("argoproj.io", "Sensor", f"{{triggers: [{{template: {{k8s: {{source: {{resource: {POD}}}}}}}}}]}}"),
            ["shop/Pod/p"],
        ),
        (_object("triggers.tekton.dev", "TriggerTemplate", f"{{resourcetemplates: [{POD}]}}"), ["shop/Pod/p"]),
        (_object("work.example.com", "ManifestWork", f"{{workload: {{manifests: [{POD}]}}}}"), ["default/Pod/p"]),
        (
            _object("keda.sh", "ScaledJob", "{jobTargetRef: {template: {spec: {containers: [{name: a, image: x}]}}}}"),
            ["shop/ScaledJob.keda.sh/o"],
        ),
        (
            _object("serving.knative.dev", "Service", "{template: {spec: {containers: [{image: x}]}}}"),
            ["shop/Service.serving.knative.dev/o"],
        ),
        (_object("example.com", "Reference", "{ref: {apiVersion: v1, kind: Pod, name: p}}"), []),
    ],
)
def test_objects_within_objects_are_read(manifest: str, expected: list[str]) -> None:
    snapshot = CONNECTOR.example("manifest", manifest)
    assert [resource.id for resource in snapshot.resources if resource.type == "k8s.workload"] == expected


@pytest.mark.parametrize(
    ("manifest", "expected"),
    [
        (_object("argoproj.io", "Sensor", "{template: {serviceAccountName: x}}"), "spec.template describes pods"),
        (_object("argoproj.io", "EventSource", "{template: {container: {env: []}}}"), "spec.template.container holds"),
        (_object("kafka.strimzi.io", "Kafka", "{kafka: {template: {pod: {tolerations: [{}]}}}}"), "pod describes pods"),
        (_object("sparkoperator.k8s.io", "SparkApplication", "{image: x, driver: {cores: 1}}"), "spec describes pods"),
        (
            _object("sparkoperator.k8s.io", "SparkApplication", "{driver: {securityContext: {privileged: true}}}"),
            "spec.driver.securityContext.privileged gives pods rights",
        ),
        (_object("example.com", "CronTab", "{image: x}"), "spec describes pods"),
        (_object("example.com", "CronTab", "{image: {repository: x}}"), "spec describes pods"),
        (_object("example.com", "Bundle", r'{text: "apiVersion: v1\nkind: Pod"}'), "spec describes pods"),
        (_object("example.com", "Account", "{serviceAccountName: x}"), None),
        (_object("image.toolkit.fluxcd.io", "ImageRepository", "{image: x}"), None),
        (_object("gateway.networking.k8s.io", "HTTPRoute", "{image: x}"), None),
    ],
)
def test_parts_of_pods_are_never_passed_over_in_silence(manifest: str, expected: str | None) -> None:
    problems = [problem.message for problem in CONNECTOR.example("manifest", manifest).problems]
    assert (expected is None and not problems) or (expected is not None and expected in problems[0])


def test_what_a_parameter_decides_is_unknown() -> None:
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "$(tt.params.a)"},
        "spec": {"x": ["$(tt.params.a)", "b"]},
    }
    found = list(nested({"metadata": {"namespace": "n"}, "spec": {"resourcetemplates": [pod]}}, "triggers.tekton.dev"))
    assert [path for path, _ in found] == [("spec", "resourcetemplates", 0)]
    own = found[0][1]
    assert own["metadata"] == {"name": "$(tt.params.a)", "namespace": "n"}
    assert UNKNOWN_KEY in own["spec"]["x"][0]
    assert own["spec"]["x"][1] == "b"


def test_objects_nest_only_so_deep() -> None:
    manifest = POD
    for _ in range(5):
        manifest = _object("example.com", "Wrapper", f"{{inner: {manifest}}}")
    with pytest.raises(ConnectorError, match="manifests within manifests nest too deep"):
        CONNECTOR.example("manifest", manifest)
