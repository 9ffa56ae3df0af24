from __future__ import annotations

import copy
from typing import Any

import msgspec
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from xspm.connectors.kubernetes import CONNECTOR
from xspm.connectors.kubernetes.image import parse_image
from xspm.errors import ConnectorError
from xspm.model.asset import Snapshot, decode_snapshot, encode_snapshot
from xspm.model.schema import validate

SHAPES = {spec.name: spec.shape for spec in CONNECTOR.types()}

DIGEST = f"sha256:{'ab' * 32}"

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop, labels: {app: web}}
spec:
  replicas: 2
  template:
    metadata: {labels: {app: web}, annotations: {a: b}}
    spec:
      hostPID: true
      securityContext: {runAsUser: 1000, seccompProfile: {type: RuntimeDefault}}
      initContainers:
      - {name: setup, image: "busybox:1.36", restartPolicy: Always}
      containers:
      - name: main
        image: registry.example.com:5000/team/web:1.2
        securityContext:
          runAsUser: 0
          privileged: true
          capabilities: {add: [NET_ADMIN], drop: [ALL]}
        resources: {limits: {cpu: 1, memory: 1Gi}, requests: {cpu: 500m}}
        ports: [{containerPort: 80}]
      volumes:
      - name: data
      - {name: conf, configMap: {name: c}}
"""


def valid(snapshot: Snapshot) -> Snapshot:
    for resource in snapshot.resources:
        assert validate(resource.data, SHAPES[resource.type]) == []
    assert decode_snapshot(encode_snapshot(snapshot)) == snapshot
    assert len({(resource.type, resource.id) for resource in snapshot.resources}) == len(snapshot.resources)
    return snapshot


def read(text: str) -> Snapshot:
    return valid(CONNECTOR.example("manifest", text))


def data(text: str, kind: str) -> list[dict[str, Any]]:
    return [resource.data for resource in read(text).resources if resource.type == kind]


def pod(**spec: Any) -> str:
    value = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec}
    return yaml.safe_dump(value)


def container(**fields: Any) -> dict[str, Any]:
    (found,) = data(pod(containers=[{"name": "c", **fields}]), "k8s.container")
    return found


def test_a_workload_has_its_pod_spec_with_defaults() -> None:
    (workload,) = data(DEPLOYMENT, "k8s.workload")
    expected = {
        "kind": "Deployment",
        "name": "web",
        "namespace": "shop",
        "namespace_defaulted": False,
        "template_path": "spec.template",
        "pod_labels": {"app": "web"},
        "pod_annotations": {"a": "b"},
        "replicas": 2,
        "service_account_name": "default",
        "automounts_token": True,
    }
    assert {field: workload[field] for field in expected} == expected
    spec = workload["spec"]
    assert (spec["hostPID"], spec["hostNetwork"], spec["restartPolicy"]) == (True, False, "Always")
    assert spec["volumes"][0] == {"name": "data", "emptyDir": {}}
    assert spec["volumes"][1]["configMap"]["defaultMode"] == 0o644
    assert "hostNetwork" in workload["spec_defaulted"]
    assert "hostPID" not in workload["spec_defaulted"]
    assert "containers[0].ports[0].protocol" in workload["spec_defaulted"]
    assert [item["name"] for item in workload["containers"]] == ["main", "setup"]


def test_a_container_has_the_security_settings_in_force() -> None:
    main, setup = data(DEPLOYMENT, "k8s.container")
    assert main["security_context"] == {
        "run_as_user": 0,
        "run_as_group": None,
        "run_as_non_root": False,
        "privileged": True,
        "allow_privilege_escalation": True,
        "allow_privilege_escalation_set": False,
        "read_only_root_filesystem": False,
        "capabilities_add": ["NET_ADMIN"],
        "capabilities_drop": ["ALL"],
        "seccomp_profile": "RuntimeDefault",
        "app_armor_profile": None,
        "se_linux_type": None,
        "se_linux_user": None,
        "se_linux_role": None,
        "proc_mount": "Default",
        "host_process": False,
    }
    assert setup["security_context"]["run_as_user"] == 1000
    assert (main["kind"], main["sidecar"], setup["kind"], setup["sidecar"]) == ("container", False, "init", True)
    assert (main["image_registry"], main["image_repository"], main["image_tag"]) == (
        "registry.example.com:5000",
        "team/web",
        "1.2",
    )
    assert main["image_pull_policy"] == "IfNotPresent"
    resources = ("cpu_request", "cpu_limit", "memory_request", "memory_limit")
    assert [main[field] for field in resources] == ["500m", "1", "1Gi", "1Gi"]
    assert [setup[field] for field in resources] == [None] * 4


def test_findings_can_point_at_a_field() -> None:
    snapshot = read(DEPLOYMENT)
    found = {
        resource.id: resource for resource in snapshot.resources if resource.type in {"k8s.workload", "k8s.container"}
    }
    workload, main = found["shop/Deployment/web"], found["shop/Deployment/web/container/main"]
    assert workload.locations["spec.hostPID"].line == 9
    assert main.location is not None
    assert (main.location.line, main.location.end_line) == (14, 21)
    lines = {path: place.line for path, place in main.locations.items()}
    expected = {
        "security_context.privileged": 18,
        "security_context.run_as_user": 17,
        "security_context.seccomp_profile": 10,
        "security_context.capabilities_add": 19,
        "spec.image": 15,
        "image": 15,
        "pod.hostPID": 9,
    }
    assert {path: lines[path] for path in expected} == expected


@pytest.mark.parametrize(
    ("own", "shared", "field", "expected"),
    [
        ({}, {"runAsNonRoot": True}, "run_as_non_root", True),
        ({"runAsNonRoot": False}, {"runAsNonRoot": True}, "run_as_non_root", False),
        ({"runAsUser": None}, {"runAsUser": 7}, "run_as_user", 7),
        ({"allowPrivilegeEscalation": False}, {}, "allow_privilege_escalation", False),
        ({"allowPrivilegeEscalation": False}, {}, "allow_privilege_escalation_set", True),
        ({"seLinuxOptions": {"type": "t"}}, {"seLinuxOptions": {"user": "u"}}, "se_linux_user", None),
        ({}, {"seLinuxOptions": {"user": "u"}}, "se_linux_user", "u"),
        ({"windowsOptions": {}}, {"windowsOptions": {"hostProcess": True}}, "host_process", True),
        ({"procMount": "Unmasked"}, {}, "proc_mount", "Unmasked"),
        (
            {"appArmorProfile": {"type": "Localhost"}},
            {"appArmorProfile": {"type": "Unconfined"}},
            "app_armor_profile",
            "Localhost",
        ),
        (
            {"seccompProfile": {"type": "Unconfined"}},
            {"seccompProfile": {"type": "RuntimeDefault"}},
            "seccomp_profile",
            "Unconfined",
        ),
    ],
)
def test_the_container_comes_before_the_pod(
    own: dict[str, Any], shared: dict[str, Any], field: str, expected: Any
) -> None:
    (found,) = data(pod(securityContext=shared, containers=[{"name": "c", "securityContext": own}]), "k8s.container")
    assert found["security_context"][field] == expected


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        ("runtime/default", "RuntimeDefault"),
        ("localhost/x", "Localhost"),
        ("unconfined", "Unconfined"),
        ("odd", "odd"),
        ("''", None),
    ],
)
def test_app_armor_annotations_count(annotation: str, expected: str | None) -> None:
    text = f"""
apiVersion: v1
kind: Pod
metadata: {{name: p, annotations: {{container.apparmor.security.beta.kubernetes.io/c: {annotation}}}}}
spec: {{containers: [{{name: c}}]}}
"""
    (found,) = data(text, "k8s.container")
    assert found["security_context"]["app_armor_profile"] == expected


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("nginx", ("docker.io", "library/nginx", None, None)),
        ("nginx:1", ("docker.io", "library/nginx", "1", None)),
        ("team/app", ("docker.io", "team/app", None, None)),
        ("index.docker.io/team/app", ("docker.io", "team/app", None, None)),
        ("localhost/app:x", ("localhost", "app", "x", None)),
        ("nginx@foo", ("docker.io", "library/nginx", None, None)),
        ("nginx@sha256:ab", ("docker.io", "library/nginx", None, None)),
        (f"reg:5000/a/b/c:1@{DIGEST}", ("reg:5000", "a/b/c", "1", DIGEST)),
        (f"ghcr.io/a/b@{DIGEST}", ("ghcr.io", "a/b", None, DIGEST)),
    ],
)
def test_images_are_taken_apart(reference: str, expected: tuple[str | None, ...]) -> None:
    assert tuple(parse_image(reference)) == expected


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        ("a", "Always"),
        ("a:latest", "Always"),
        ("a:1", "IfNotPresent"),
        ("a@sha256:x", "IfNotPresent"),
        ("a:latest@sha256:x", "Always"),
    ],
)
def test_the_pull_policy_is_the_api_servers_default(image: str, policy: str) -> None:
    assert container(image=image)["image_pull_policy"] == policy
    assert container(image=image, imagePullPolicy="Never")["image_pull_policy"] == "Never"


@pytest.mark.parametrize("written", [{}, {"hostPort": 0}, {"hostPort": None}])
def test_ports_of_the_hosts_network_are_host_ports(written: dict[str, Any]) -> None:
    (found,) = data(
        pod(hostNetwork=True, containers=[{"name": "c", "ports": [{"containerPort": 80, **written}]}]), "k8s.container"
    )
    assert found["spec"]["ports"][0]["hostPort"] == 80


def test_probes_and_old_names_get_defaults() -> None:
    text = pod(
        serviceAccount="old",
        containers=[{"name": "c", "livenessProbe": {"httpGet": {"port": 1}}}],
        volumes=[{"name": "h", "hostPath": {"path": "/"}}],
    )
    (workload,) = data(text, "k8s.workload")
    assert workload["service_account_name"] == "old"
    assert workload["spec"]["containers"][0]["livenessProbe"] == {
        "httpGet": {"port": 1, "path": "/", "scheme": "HTTP"}, "failureThreshold": 3, "periodSeconds": 10, "successThreshold": 1, "timeoutSeconds": 1,
    }  # fmt: skip
    assert workload["spec"]["volumes"][0]["hostPath"] == {"path": "/", "type": ""}


@pytest.mark.parametrize(
    ("written", "added", "dropped"),
    [
        ("sys_admin", "SYS_ADMIN", "SYS_ADMIN"),
        ("CAP_SYS_PTRACE", "SYS_PTRACE", "CAP_SYS_PTRACE"),
        ("cap_net_raw", "NET_RAW", "CAP_NET_RAW"),
        ("all", "ALL", "ALL"),
        ("cap_all", "ALL", "CAP_ALL"),
    ],
)
def test_capabilities_are_read_as_the_runtime_that_gives_most(written: str, added: str, dropped: str) -> None:
    settings = container(securityContext={"capabilities": {"add": [written], "drop": [written]}})["security_context"]
    assert (settings["capabilities_add"], settings["capabilities_drop"]) == ([added], [dropped])


@pytest.mark.parametrize(
    ("quantity", "expected"),
    [("0", None), (0, None), ("0.00", None), ("0Mi", None), ("0e3", None), (".5", ".5"), ("128Mi", "128Mi"), (1.5, "1.5"), (1e20, "1e+20"), (None, None)],
)  # fmt: skip
def test_a_limit_of_zero_is_none(quantity: object, expected: str | None) -> None:
    limits = dict.fromkeys(("cpu", "memory", "ephemeral-storage"), quantity)
    found = container(resources={"limits": limits})
    assert [found[f"{name}_limit"] for name in ("cpu", "memory", "ephemeral_storage")] == [expected] * 3
    assert [found[f"{name}_request"] for name in ("cpu", "memory")] == [expected] * 2


@pytest.mark.parametrize("quantity", ["lots", "-1", "", "1 Gi", True, [1], "0x"])
def test_what_is_no_quantity_is_unknown(quantity: object) -> None:
    assert "$unknown" in container(resources={"limits": {"memory": quantity}})["memory_limit"]


def test_limits_of_the_pod_as_a_whole_count() -> None:
    text = pod(
        resources={"limits": {"memory": "1Gi", "cpu": 1}, "requests": {"cpu": "100m"}},
        containers=[{"name": "a"}, {"name": "b", "resources": {"limits": {"memory": "1Mi"}}}],
    )
    fields = ("cpu_request", "cpu_limit", "memory_request", "memory_limit", "ephemeral_storage_limit")
    assert [[found[field] for field in fields] for found in data(text, "k8s.container")] == [
        ["100m", "1", "1Gi", "1Gi", None],
        ["100m", "1", "1Mi", "1Mi", None],
    ]


def test_paths_of_the_node_are_cleaned() -> None:
    paths = ["//etc", "/./etc/kubernetes", "/var//lib/kubelet/", "/srv/../root", "/", "etc", "../x"]
    volumes = [{"name": "v", "hostPath": {"path": path}} for path in paths]
    (found,) = data(pod(containers=[{"name": "c"}], volumes=[*volumes, {"name": "e"}]), "k8s.workload")
    assert found["host_paths"] == ["../x", "/", "/etc", "/etc/kubernetes", "/root", "/var/lib/kubelet", "etc"]


@pytest.mark.parametrize("volume", [{"hostPath": {}}, {"hostPath": "/etc"}, {"hostPath": {"path": 5}}, "x"])
def test_a_path_of_the_node_that_is_not_understood_is_unknown(volume: object) -> None:
    (found,) = data(pod(containers=[{"name": "c"}], volumes=[volume]), "k8s.workload")
    assert [list(path) for path in found["host_paths"]] == [["$unknown", "cause"]]
    (found,) = data(pod(containers=[{"name": "c"}], volumes="x"), "k8s.workload")
    assert "$unknown" in found["host_paths"]


SPEC = "{containers: [{name: c, image: i}]}"


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        (f"apiVersion: v1\nkind: Pod\nmetadata: {{name: x}}\nspec: {SPEC}", [""]),
        (f"apiVersion: v1\nkind: PodTemplate\nmetadata: {{name: x}}\ntemplate: {{spec: {SPEC}}}", ["template"]),
        (f"apiVersion: batch/v1\nkind: CronJob\nspec: {{jobTemplate: {{spec: {{template: {{spec: {SPEC}}}}}}}}}", ["spec.jobTemplate.spec.template"]),
        *(
            (f"apiVersion: {version}\nkind: {kind}\nmetadata: {{name: x}}\nspec: {{template: {{spec: {SPEC}}}}}", ["spec.template"])
            for version, kind in [
                ("apps/v1", "DaemonSet"), ("apps/v1", "StatefulSet"), ("apps/v1", "ReplicaSet"), ("v1", "ReplicationController"),
                ("batch/v1", "Job"), ("extensions/v1beta1", "Deployment"), ("argoproj.io/v1alpha1", "Rollout"), ("serving.knative.dev/v1", "Service"),
            ]
        ),
        (
            f"apiVersion: ray.io/v1\nkind: RayCluster\nspec: {{head: {{template: {{spec: {SPEC}}}}}, groups: [{{template: {{spec: {SPEC}}}}}]}}",
            ["spec.groups[0].template", "spec.head.template"],
        ),
        (f"apiVersion: apps.kruise.io/v1\nkind: SidecarSet\nmetadata: {{name: x}}\nspec: {SPEC}", [""]),
        ("apiVersion: monitoring.coreos.com/v1\nkind: Prometheus\nspec: {containers: [{name: patch}]}", []),
        ("apiVersion: x.io/v1\nkind: X\nspec: {other: {spec: {containers: [{name: c}]}}}", []),
        ("apiVersion: x.io/v1\nkind: X\nspec: {template: {spec: {containers: {a: b}}}}", []),
        (f"apiVersion: x.io/v1\nkind: X\nspec: {{podSpec: {SPEC}, podTemplateSpec: {{spec: {SPEC}}}, pod: {{spec: {SPEC}}}}}", ["spec.pod", "spec.podSpec", "spec.podTemplateSpec"]),
        ("apiVersion: x.io/v1\nkind: X\nspec: {work: {containers: [{name: c, securityContext: {}}]}}", ["spec.work"]),
        ("apiVersion: x.io/v1\nkind: X\nspec: {sets: [{podTemplate: {spec: {hostPID: true}}}], podTemplate: {spec: {initContainers: [{name: a}]}}}", ["spec.podTemplate", "spec.sets[0].podTemplate"]),
        ("apiVersion: keda.sh/v1alpha1\nkind: ScaledJob\nspec: {jobTargetRef: {template: {spec: " + SPEC + "}}}", ["spec.jobTargetRef.template"]),
        ("apiVersion: serving.knative.dev/v1\nkind: Configuration\nspec: {template: {spec: {containers: [{image: i}]}}}", ["spec.template"]),
        (f"apiVersion: v1\nkind: Deployment\nspec: {{template: {{spec: {SPEC}}}}}", ["spec.template"]),
        (f"apiVersion: v1\nkind: pod\nspec: {SPEC}", [""]),
        (f"apiVersion: apps/v1\nkind: ControllerRevision\ndata: {{spec: {{template: {{spec: {SPEC}}}}}}}", []),
    ],
)  # fmt: skip
def test_pod_templates_are_found_in_every_kind(text: str, paths: list[str]) -> None:
    assert sorted(workload["template_path"] for workload in data(text, "k8s.workload")) == paths


def test_a_pod_spec_without_a_template_has_places() -> None:
    text = "apiVersion: x.io/v1\nkind: X\nspec:\n  podSpec:\n    hostPID: true\n    containers:\n    - name: c\n      image: i\n"
    found = {resource.type: resource for resource in read(text).resources}
    places = found["k8s.workload"].locations, found["k8s.container"].locations
    assert (places[0]["spec.hostPID"].line, places[1]["image"].line) == (5, 8)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("{templates: [{name: m, container: {image: x}}]}", "spec.templates[0].container holds"),
        ("{templates: [{script: {image: x, source: y}}, {container: {image: x}}]}", "spec.templates[0].script, and 1 more of its parts, holds"),
        ("{steps: [{name: a, image: x}]}", "spec.steps holds"),
        ("{containers: [{name: a, securityContext: {privileged: true}}]}", "spec.containers holds"),
        ("{job: {initContainers: [{image: x}], containers: []}}", "spec.job.initContainers holds"),
        ("{kafkaContainer: {securityContext: {privileged: true}}}", "spec.kafkaContainer holds"),
        ("{extraContainers: [{name: x, image: x}]}", "spec.extraContainers holds"),
        ("{override: {nodeAgent: {containers: {agent: {securityContext: {privileged: true}}}}}}", "spec.override.nodeAgent.containers holds"),
        ("{podTemplate: {spec: {other: {initContainers: [{image: x}]}}}}", "spec.podTemplate.spec.other.initContainers holds"),
    ],
)  # fmt: skip
def test_containers_in_other_forms_are_problems(spec: str, message: str) -> None:
    (problem,) = read(f"apiVersion: x.io/v1\nkind: X\nmetadata: {{name: x}}\nspec: {spec}").problems
    assert problem.message == f"X x: {message} containers in a form that is not read"
    assert problem.location is not None
    assert (problem.location.line, problem.resource_types) == (4, ())


@pytest.mark.parametrize(
    ("spec", "path"),
    [
        ("{driver: {securityContext: {privileged: true}}}", "spec.driver.securityContext.privileged"),
        ("{driver: {podSecurityContext: {runAsUser: 0}}}", "spec.driver.podSecurityContext"),
        ("{driver: {securityContext: {capabilities: {add: [SYS_ADMIN]}}}}", "spec.driver.securityContext"),
        ("{agent: [{hostPID: true}]}", "spec.agent[0].hostPID"),
        ("{hostNetwork: true}", "spec.hostNetwork"),
        ("{hostIPC: true}", "spec.hostIPC"),
        ("{volumes: [{name: a, hostPath: {path: /}}]}", "spec.volumes[0].hostPath"),
    ],
)
def test_rights_outside_a_pod_spec_are_problems(spec: str, path: str) -> None:
    (problem,) = read(f"apiVersion: x.io/v1\nkind: X\nmetadata: {{name: x}}\nspec: {spec}").problems
    assert problem.message == f"X x: {path} gives pods rights in a form that is not read"


@pytest.mark.parametrize(
    ("version", "spec"),
    [
        ("x.io/v1", "{hostNetwork: false, securityContext: {privileged: false, runAsNonRoot: true, runAsUser: 1000}}"),
        ("constraints.gatekeeper.sh/v1beta1", "{parameters: {hostNetwork: true}}"),
        ("kyverno.io/v1", "{validate: {securityContext: {privileged: 'false'}}}"),
        ("policy/v1beta1", "{privileged: true, hostPID: true}"),
    ],
)
def test_policies_and_safe_settings_are_no_rights(version: str, spec: str) -> None:
    assert not read(f"apiVersion: {version}\nkind: X\nmetadata: {{name: x}}\nspec: {spec}").problems


@pytest.mark.parametrize(
    ("version", "kind", "hint"),
    [
        ("v1", "pod", "kinds are written in one case only: Pod"),
        ("v1", "Deployment", "Deployment is of the group apps"),
        ("app/v1", "Deployment", "Deployment is of the group apps"),
        ("v1", "Role", "Role is of the group rbac.authorization.k8s.io"),
        ("batch/v1", "networkPolicy", "NetworkPolicy is of the group networking.k8s.io"),
        ("apps/v1", "Pod", "Pod is of the group v1"),
        ("apps/v1", "Deployment", None),
        ("extensions/v1beta1", "NetworkPolicy", None),
        ("serving.knative.dev/v1", "Service", None),
        ("events.k8s.io/v1", "Event", None),
        ("x.io/v1", "pod", None),
    ],
)
def test_a_kind_that_does_not_exist_is_a_problem(version: str, kind: str, hint: str | None) -> None:
    problems = read(f"apiVersion: {version}\nkind: {kind}\nmetadata: {{name: x}}").problems
    hints = [problem.hint for problem in problems if problem.message.startswith("Kubernetes has no kind")]
    assert hints == ([] if hint is None else [hint])


def test_a_resource_too_large_to_search_is_a_problem() -> None:
    deep = "apiVersion: x.io/v1\nkind: X\nspec: " + "{a: " * 30 + "1" + "}" * 30
    problems = read(deep).problems
    assert [(problem.kind, problem.resource_types) for problem in problems] == [
        ("limit", ("k8s.container", "k8s.workload"))
    ]
    wide = "apiVersion: x.io/v1\nkind: X\nspec: [" + "[]," * 21_000 + "]"
    assert read(wide).problems[0].kind == "limit"


def test_the_token_follows_the_service_account() -> None:
    account = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: sa}\nautomountServiceAccountToken: false\n---\n"
    assert data(account + pod(serviceAccountName="sa"), "k8s.workload")[0]["automounts_token"] is False
    assert (
        data(account + pod(serviceAccountName="sa", automountServiceAccountToken=True), "k8s.workload")[0][
            "automounts_token"
        ]
        is True
    )
    assert data(account + pod(serviceAccountName="other"), "k8s.workload")[0]["automounts_token"] is True


@pytest.mark.parametrize(
    ("spec", "message", "line"),
    [
        ("hostNetwork: 'yes it is'", "spec.hostNetwork is a string, and true or false is expected", 5),
        ("containers: {name: c}", "spec.containers is a mapping, and a list is expected", 5),
        ("containers: [null]", "spec.containers[0] is null, and a mapping is expected", 5),
        ("containers: [{name: 5}]", "spec.containers[0].name is an integer, and a string is expected", 5),
        ("containers: [{name: c, env: [{name: A, value: 5}]}]", "spec.containers[0].env[0].value is an integer, and a string is expected", 5),
        ("containers: [{name: c, args: [1]}]", "spec.containers[0].args[0] is an integer, and a string is expected", 5),
        ("containers: [{name: c, securityContext: x}]", "spec.containers[0].securityContext is a string, and a mapping is expected", 5),
        ("containers: [{name: c, securityContext: {capabilities: {add: x}}}]", "spec.containers[0].securityContext.capabilities.add is a string, and a list of strings is expected", 5),
        ("containers: [{name: c}]\n  volumes: x", "spec.volumes is a string, and a list is expected", 6),
        ("volumes: [{name: v, projected: {sources: [{serviceAccountToken: x}]}}]", "spec.volumes[0].projected.sources[0].serviceAccountToken is a string, and a mapping is expected", 5),
        ("volumes: [{name: v, projected: {sources: [{secret: {items: [{mode: '0644'}]}}]}}]", "spec.volumes[0].projected.sources[0].secret.items[0].mode is a string, and an integer is expected", 5),
        ("volumes: [{name: v, secret: {items: [{mode: '0644'}]}}]", "spec.volumes[0].secret.items[0].mode is a string, and an integer is expected", 5),
    ],
)  # fmt: skip
def test_malformed_parts_are_problems_and_unknown(spec: str, message: str, line: int) -> None:
    snapshot = read(f"apiVersion: v1\nkind: Pod\nmetadata: {{name: p}}\nspec:\n  {spec}\n")
    (problem,) = snapshot.problems
    assert problem.message == f"Pod p: {message}"
    assert problem.location is not None
    assert (problem.location.file, problem.location.line) == ("example.yaml", line)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: text", "Pod p: spec is a string, and a mapping is expected"),
        ("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: p}\nspec: [1]", "Deployment p: spec is a list, and a mapping is expected"),
        ("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: p}\nspec: {template: 1}", "Deployment p: spec.template is an integer, and a mapping is expected"),
        ("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: p}\nspec: {replicas: 2}", "Deployment p has no pod spec"),
        ("apiVersion: v1\nkind: Pod\nmetadata: 5", "Pod: metadata is an integer, and a mapping is expected"),
        ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: 5}", "ConfigMap: metadata.name is an integer, and a string is expected"),
        ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, labels: {x: 1}}", "ConfigMap a: metadata.labels.x is an integer, and a string is expected"),
        ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, annotations: x}", "ConfigMap a: metadata.annotations is a string, and a mapping is expected"),
    ],
)  # fmt: skip
def test_malformed_objects_are_problems(text: str, message: str) -> None:
    assert message in [problem.message for problem in read(text).problems]


def test_numbers_beyond_json_stay_unknown() -> None:
    found = container(securityContext={"runAsUser": 2**60})
    assert found["security_context"]["run_as_user"]["cause"] == "format"


def test_an_unreadable_container_makes_the_type_incomplete() -> None:
    snapshot = read("apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [null, {name: c}]}")
    assert snapshot.problems[0].resource_types == ("k8s.container",)
    (workload,) = [resource.data for resource in snapshot.resources if resource.type == "k8s.workload"]
    assert [("$unknown" in item) for item in workload["containers"]] == [False, True]


ODD: st.SearchStrategy[Any] = st.sampled_from(
    [
        None,
        True,
        5,
        1.5,
        "text",
        [],
        {},
        [None],
        [[1]],
        {"a": None},
        {"name": 5},
        [5],
        [{"name": []}],
        {"$unknown": 5},
        2**70,
    ]
)


def _paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for key, item in items for found in _paths(item, (*path, key)))]


BASES = [yaml.safe_load(DEPLOYMENT)] + [
    yaml.safe_load(text)
    for text in (
        "{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: r, labels: {a: b}}, rules: [{verbs: [get], resources: [pods], apiGroups: ['']}], aggregationRule: {clusterRoleSelectors: [{matchLabels: {a: b}, matchExpressions: [{key: a, operator: In, values: [b]}]}]}}",
        "{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: r, namespace: n}, roleRef: {kind: ClusterRole, name: r}, subjects: [{kind: User, name: x}]}",
        "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: n}, spec: {podSelector: {matchLabels: {a: b}}, policyTypes: [Ingress], ingress: []}}",
        "{apiVersion: v1, kind: Namespace, metadata: {name: n, labels: {a: b}}}",
        "{apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: Secret, metadata: {name: s}, data: {a: b}}]}",
        "{apiVersion: x.io/v1, kind: Thing, metadata: {name: n}, spec: {template: {metadata: {}, spec: {containers: [{name: c, env: [{name: a, value: b}]}]}}}}",
    )
]  # fmt: skip


@given(st.data())
def test_no_shape_crashes_and_no_field_gets_a_wrong_type(draw: st.DataObject) -> None:
    base = copy.deepcopy(draw.draw(st.sampled_from(BASES)))
    for _ in range(draw.draw(st.integers(1, 3))):
        path = draw.draw(st.sampled_from(_paths(base)))
        if path:
            holder = base
            for step in path[:-1]:
                holder = holder[step]
            holder[path[-1]] = copy.deepcopy(draw.draw(ODD))
    companions = [
        yaml.safe_load(
            "{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, metadata: {name: b}, roleRef: {kind: ClusterRole, name: r}}"
        )
    ]
    text = "\n---\n".join(msgspec.json.encode(item).decode() for item in [base, *companions] if item is not None)
    try:
        read(text)
    except ConnectorError as error:
        assert "\n" not in str(error)  # noqa: PT017 - refusing is one of the two right answers


def test_a_pod_with_very_many_containers_is_cut_and_says_so() -> None:
    snapshot = read(pod(containers=[{"name": f"c{number}"} for number in range(250)]))
    assert len([resource for resource in snapshot.resources if resource.type == "k8s.container"]) == 200
    (problem,) = snapshot.problems
    assert problem.resource_types == ("k8s.container",)
    assert problem.message == "Pod p: spec.containers goes beyond the 200 containers that are read"


def test_hooks_get_defaults() -> None:
    found = container(lifecycle={"preStop": {"httpGet": {"port": 80}}, "postStart": {"exec": {"command": ["x"]}}})
    assert found["spec"]["lifecycle"] == {
        "preStop": {"httpGet": {"port": 80, "path": "/", "scheme": "HTTP"}},
        "postStart": {"exec": {"command": ["x"]}},
    }


def test_evidence_holds_a_container_once_for_each_place_it_is_read_from() -> None:
    (workload,) = data(pod(hostPID=True, containers=[{"name": "c", "image": "i"}]), "k8s.workload")
    (found,) = data(pod(hostPID=True, containers=[{"name": "c", "image": "i"}]), "k8s.container")
    assert "containers" not in found["pod"]
    assert found["pod"]["hostPID"] is True
    assert workload["containers"] == [
        {name: value for name, value in found.items() if name in workload["containers"][0]}
    ]
    assert "pod" not in workload["containers"][0]
