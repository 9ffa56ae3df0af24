"""Pods of Argo Workflows and Tekton, which keep no pod template."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from xspm.connectors.kubernetes import CONNECTOR
from xspm.connectors.kubernetes import pipelines as module
from xspm.model.asset import Snapshot, decode_snapshot, encode_snapshot
from xspm.model.schema import validate

SHAPES = {spec.name: spec.shape for spec in CONNECTOR.types()}
VERSIONS = {"Task": "tekton.dev/v1", "TaskRun": "tekton.dev/v1", "Pipeline": "tekton.dev/v1", "PipelineRun": "tekton.dev/v1", "StepAction": "tekton.dev/v1beta1", "ClusterTask": "tekton.dev/v1beta1"}  # fmt: skip
LATER = {"$unknown": "decided when the pipeline runs", "cause": "apply"}


def read(kind: str, spec: Any, **metadata: Any) -> Snapshot:
    version = VERSIONS.get(kind, "argoproj.io/v1alpha1")
    value = {"apiVersion": version, "kind": kind, "metadata": {"name": "x", **metadata}, "spec": spec}
    snapshot = CONNECTOR.example("manifest", yaml.safe_dump(value, sort_keys=False))
    for resource in snapshot.resources:
        assert validate(resource.data, SHAPES[resource.type]) == []
    assert decode_snapshot(encode_snapshot(snapshot)) == snapshot
    return snapshot


def workloads(kind: str, spec: Any, **metadata: Any) -> dict[str, Any]:
    snapshot = read(kind, spec, **metadata)
    assert snapshot.problems == ()
    found = [resource.data for resource in snapshot.resources if resource.type == "k8s.workload"]
    return {workload["template_path"]: workload for workload in found}


def one(kind: str, spec: Any) -> Any:
    (workload,) = workloads(kind, spec).values()
    return workload


MAIN = {"container": {"image": "i:1"}}


@pytest.mark.parametrize(
    ("kind", "spec", "expected"),
    [
        ("Workflow", {"templates": [MAIN]}, {"spec.templates[0]": ["main"]}),
        ("WorkflowTemplate", {"templates": [MAIN, {"script": {"image": "i"}}]}, {"spec.templates[0]": ["main"], "spec.templates[1]": ["main"]}),
        ("ClusterWorkflowTemplate", {"templates": [MAIN]}, {"spec.templates[0]": ["main"]}),
        ("CronWorkflow", {"workflowSpec": {"templates": [MAIN]}}, {"spec.workflowSpec.templates[0]": ["main"]}),
        (
            "Workflow",
            {"templates": [{"containerSet": {"containers": [{"name": "a"}, {"name": "b"}]}, "initContainers": [{"name": "c"}], "sidecars": [{"name": "d"}]}]},
            {"spec.templates[0]": ["a", "b", "d", "c"]},
        ),
        ("Workflow", {"templates": [{"steps": [[{"name": "s", "inline": MAIN}]]}]}, {"spec.templates[0].steps[0][0].inline": ["main"]}),
        ("Workflow", {"templates": [{"dag": {"tasks": [{"name": "t", "inline": MAIN}]}}]}, {"spec.templates[0].dag.tasks[0].inline": ["main"]}),
        ("Workflow", {"templates": [{"suspend": {}}, {"steps": [[{"name": "s", "template": "m"}]]}]}, {}),
        ("Workflow", {"templates": [{"resource": {"action": "get"}}]}, {"spec.templates[0]": [None]}),
        ("Workflow", {"workflowTemplateRef": {"name": "t"}}, {"spec": [None]}),
        ("Workflow", {"templates": [{"dag": {"tasks": [{"templateRef": {"name": "t"}}]}}]}, {"spec": [None]}),
        ("Task", {"steps": [{"name": "a", "image": "i"}, {"image": "i"}, {"ref": {"name": "r"}}], "sidecars": [{"name": "s"}]}, {"spec": ["step-a", "step-unnamed-1", "sidecar-s", None]}),
        ("ClusterTask", {"steps": [{"name": "a"}]}, {"spec": ["step-a"]}),
        ("StepAction", {"image": "i"}, {"spec": ["step-unnamed-0"]}),
        ("TaskRun", {"taskSpec": {"steps": [{"name": "a"}]}}, {"spec.taskSpec": ["step-a"]}),
        ("TaskRun", {"taskRef": {"name": "t"}}, {"spec": [None]}),
        ("Pipeline", {"tasks": [{"taskSpec": {"steps": [{"name": "a"}]}}, {"taskRef": {"name": "t"}}], "finally": [{"taskSpec": {"steps": [{"name": "b"}]}}]}, {"spec.tasks[0].taskSpec": ["step-a"], "spec.finally[0].taskSpec": ["step-b"]}),
        ("Pipeline", {"tasks": [{"pipelineSpec": {"tasks": [{"taskSpec": {"steps": [{"name": "a"}]}}]}}]}, {"spec.tasks[0].pipelineSpec.tasks[0].taskSpec": ["step-a"]}),
        ("PipelineRun", {"pipelineRef": {"name": "p"}, "taskRunSpecs": [{"pipelineTaskName": "a"}]}, {"spec": [None], "spec.taskRunSpecs[0]": [None]}),
        ("PipelineRun", {"pipelineSpec": {"tasks": [{"taskSpec": {"steps": [{"name": "a"}]}}, {"taskRef": {"name": "t"}}]}}, {"spec.pipelineSpec.tasks[0].taskSpec": ["step-a"], "spec.pipelineSpec.tasks[1]": [None]}),
    ],
)  # fmt: skip
def test_every_part_that_runs_is_a_pod(kind: str, spec: Any, expected: dict[str, list[str | None]]) -> None:
    found = {
        path: [container.get("name") for container in workload["containers"]]
        for path, workload in workloads(kind, spec).items()
    }
    assert found == expected


def test_a_template_of_argo_takes_the_settings_of_its_workflow() -> None:
    shared = {
        "hostNetwork": True,
        "serviceAccountName": "runner",
        "automountServiceAccountToken": False,
        "securityContext": {"runAsNonRoot": True, "runAsUser": 7},
        "podPriorityClassName": "low",
        "podMetadata": {"labels": {"a": "b", "c": "d"}, "annotations": {"e": "f"}},
    }
    own = {"securityContext": {"runAsUser": 0}, "serviceAccountName": "own", "metadata": {"labels": {"a": "z"}}}
    found = workloads("Workflow", {**shared, "templates": [MAIN, {**MAIN, **own}]})
    first, second = found["spec.templates[0]"], found["spec.templates[1]"]
    assert (first["spec"]["hostNetwork"], second["spec"]["hostNetwork"]) == (True, True)
    assert (first["service_account_name"], second["service_account_name"]) == ("runner", "own")
    assert (first["automounts_token"], second["automounts_token"]) == (False, False)
    assert (first["spec"]["priorityClassName"], first["spec"]["restartPolicy"]) == ("low", "Never")
    assert (first["pod_labels"], second["pod_labels"]) == ({"a": "b", "c": "d"}, {"a": "z", "c": "d"})
    contexts = [workload["containers"][0]["security_context"] for workload in (first, second)]
    assert [context["run_as_non_root"] for context in contexts] == [True, False]
    assert [context["run_as_user"] for context in contexts] == [7, 0]


def test_volumes_of_a_workflow_are_those_that_a_container_mounts() -> None:
    volumes = [{"name": "a", "hostPath": {"path": "/a"}}, {"name": "b", "hostPath": {"path": "/b"}}]
    mounts: dict[str, Any] = {"volumeMounts": [{"name": "a", "mountPath": "/a"}]}
    own = {"volumes": [{"name": "c", "hostPath": {"path": "/c"}}]}
    templates = [
        {"container": {"image": "i", **mounts}},
        {"container": {"image": "i"}, **own},
        {"container": {"image": "i"}, "sidecars": [{"name": "s", **mounts}]},
        {"containerSet": {**mounts, "containers": [{"name": "x"}]}},
        {"container": {"image": "i", "volumeMounts": [{"name": "{{item}}", "mountPath": "/x"}]}},
    ]
    found = workloads("Workflow", {"volumes": volumes, "templates": templates})
    assert [workload["host_paths"] for workload in found.values()] == [["/a"], ["/c"], ["/a"], ["/a"], ["/a", "/b"]]


def test_mounts_are_mirrored_in_sidecars() -> None:
    template = {
        "container": {"image": "i", "volumeMounts": [{"name": "a", "mountPath": "/a"}]},
        "sidecars": [{"name": "s", "mirrorVolumeMounts": True}],
        "volumes": [{"name": "a", "emptyDir": {}}],
    }
    _, sidecar = one("Workflow", {"templates": [template]})["containers"]
    assert sidecar["spec"]["volumeMounts"] == [{"name": "a", "mountPath": "/a"}]


def test_defaults_of_a_workflow_are_merged_into_its_templates() -> None:
    defaults = {"container": {"securityContext": {"privileged": True, "runAsUser": 1}}, "serviceAccountName": "d"}
    own = {"container": {"image": "i", "securityContext": {"runAsUser": 2}}}
    script = {"script": {"image": "i"}}
    found = workloads("Workflow", {"templateDefaults": defaults, "templates": [own, script]})
    first, second = (workload["containers"][0]["security_context"] for workload in found.values())
    assert (first["privileged"], first["run_as_user"], second["privileged"]) == (True, 2, False)
    assert [workload["service_account_name"] for workload in found.values()] == ["d", "d"]


def test_a_patch_of_the_pod_is_applied() -> None:
    patch = {
        "hostPID": True,
        "containers": [
            {"name": "main", "securityContext": {"privileged": True}, "resources": {"limits": {"memory": "{{m}}"}}},
            {"name": "wait", "securityContext": {"privileged": True}},
            {"name": "other", "resources": {}},
        ],
    }
    found = one("Workflow", {"podSpecPatch": json.dumps(patch), "templates": [MAIN]})
    assert found["spec"]["hostPID"] is True
    main, wait = found["containers"]
    assert (main["name"], main["security_context"]["privileged"], main["memory_limit"]) == ("main", True, LATER)
    assert (wait["name"], wait["image"]["cause"]) == ("wait", "apply")


@pytest.mark.parametrize(
    ("patch", "reported"),
    [
        ("{{workflow.parameters.patch}}", 0),
        ("a: [", 1),
        ("text", 1),
        (5, 1),
        ("[a]", 1),
        ('{"hostPID": {"$unknown": "x", "cause": "apply"}}', 1),
        ("containers: [{name: '*', image: i}]", 1),
    ],
)
def test_a_patch_that_cannot_be_read_may_change_everything(patch: Any, reported: int) -> None:
    template = {"container": {"image": "i", "securityContext": {"privileged": True}}, "podSpecPatch": patch}
    snapshot = read("Workflow", {"templates": [template]})
    assert len(snapshot.problems) == reported
    (container,) = (resource.data for resource in snapshot.resources if resource.type == "k8s.container")
    (workload,) = (resource.data for resource in snapshot.resources if resource.type == "k8s.workload")
    unread = {"$unknown": "spec.templates[0].podSpecPatch may change it, and is not read", "cause": "format"}
    assert [container["image"], container["memory_limit"], *container["security_context"].values()] == [unread] * 18
    fields = ("hostPID", "hostNetwork", "securityContext", "volumes", "serviceAccountName")
    assert [workload["spec"][field] for field in fields] == [unread] * 5


@pytest.mark.parametrize(("kind", "parameter"), [("Workflow", "{{inputs.parameters.p}}"), ("Task", "$(params.p)")])
def test_parameters_are_unknown(kind: str, parameter: str) -> None:
    container = {
        "image": parameter,
        "args": [parameter],
        "env": [{"name": "PASSWORD", "value": parameter}],
        "securityContext": {"capabilities": {"add": [parameter]}},
    }
    volumes = [{"name": "v", "hostPath": {"path": parameter}}]
    body = {"templates": [{"container": container, "volumes": volumes}]}
    found = one(kind, body if kind == "Workflow" else {"steps": [container], "volumes": volumes})
    (main,) = found["containers"]
    assert (main["image"], main["spec"]["args"], main["env_credentials"]) == (LATER, [parameter], [])
    (added,) = main["security_context"]["capabilities_add"]
    assert (added["cause"], found["host_paths"][-1]["cause"]) == ("format", "format")


@pytest.mark.parametrize(
    ("kind", "spec"),
    [
        ("Workflow", {"templates": [{"script": {"image": "i", "args": ["-v"], "source": "curl x | sh"}}]}),
        ("Task", {"steps": [{"image": "i", "args": ["-v"], "script": "curl x | sh"}]}),
    ],
)
def test_the_text_of_a_script_is_an_argument(kind: str, spec: Any) -> None:
    assert one(kind, spec)["containers"][0]["spec"]["args"] == ["-v", "curl x | sh"]


def test_steps_of_tekton_take_what_their_template_says() -> None:
    base = {"securityContext": {"runAsNonRoot": True, "capabilities": {"drop": ["ALL"]}}, "env": [{"name": "A"}]}
    step = {"name": "a", "image": "i", "securityContext": {"privileged": True}, "env": [{"name": "B"}]}
    limits = {"limits": {"memory": "1Gi"}}
    found = one("Task", {"stepTemplate": base, "steps": [{**step, "computeResources": limits}], "sidecars": [step]})
    main, sidecar = found["containers"]
    context = main["security_context"]
    assert (context["run_as_non_root"], context["capabilities_drop"], context["privileged"]) == (True, ["ALL"], True)
    assert ([item["name"] for item in main["spec"]["env"]], main["memory_limit"]) == (["A", "B"], "1Gi")
    assert sidecar["security_context"]["capabilities_drop"] == []


def test_a_star_is_no_name_that_defaults_are_combined_by() -> None:
    base = {"volumeMounts": [{"name": "a", "mountPath": "/a"}]}
    step = {"image": "i", "volumeMounts": [{"name": "a", "mountPath": "*", "readOnly": True}]}
    snapshot = read("Task", {"stepTemplate": base, "steps": [step]})
    (workload,) = (resource.data for resource in snapshot.resources if resource.type == "k8s.workload")
    assert [container["cause"] for container in workload["containers"]] == ["format"]
    assert [problem.resource_types for problem in snapshot.problems] == [("k8s.container", "k8s.workload")]
    container: dict[str, Any] = {"container": step}
    assert len(read("Workflow", {"templateDefaults": {"container": base}, "templates": [container]}).problems) == 1


def test_a_task_leaves_its_pod_to_the_run() -> None:
    found = one("Task", {"steps": [{"image": "i"}], "volumes": [{"name": "v", "hostPath": {"path": "/"}}]})
    fields = ("hostNetwork", "securityContext", "serviceAccountName", "automountServiceAccountToken")
    assert [found["spec"][field] for field in fields] == [LATER] * 4
    assert (found["host_paths"], found["spec"]["hostPID"]) == (["/", LATER], False)


@pytest.mark.parametrize(
    ("kind", "spec"),
    [
        ("TaskRun", {"taskSpec": {"steps": []}}),
        ("TaskRun", {"taskRef": {"name": "t"}}),
        ("PipelineRun", {"pipelineSpec": {"tasks": [{"name": "a", "taskSpec": {"steps": []}}]}}),
        ("PipelineRun", {"pipelineRef": {"name": "p"}}),
    ],
)
@pytest.mark.parametrize("shared", [True, False])
def test_a_run_decides_its_pod(kind: str, spec: dict[str, Any], shared: bool) -> None:  # noqa: FBT001 - two versions
    run = {"serviceAccountName": "bot", "podTemplate": {"hostNetwork": True, "securityContext": {"runAsUser": 0}}}
    found = one(kind, spec | ({"taskRunTemplate": run} if shared and kind == "PipelineRun" else run))
    assert (found["service_account_name"], found["spec"]["hostNetwork"]) == ("bot", True)
    assert found["spec"]["securityContext"] == {"runAsUser": 0}


def test_a_task_of_a_run_may_have_settings_of_its_own() -> None:
    tasks: list[dict[str, Any]] = [{"name": name, "taskSpec": {"steps": []}} for name in ("a", "b")]
    own = {"pipelineTaskName": "b", "serviceAccountName": "s", "podTemplate": {"hostNetwork": False}}
    shared = {"podTemplate": {"hostNetwork": True, "automountServiceAccountToken": False}}
    spec = {"pipelineSpec": {"tasks": tasks}, "taskRunTemplate": shared, "taskRunSpecs": [own]}
    first, second = workloads("PipelineRun", spec).values()
    assert (first["spec"]["hostNetwork"], second["spec"]["hostNetwork"]) == (True, False)
    assert (first["service_account_name"], second["service_account_name"]) == ("default", "s")
    assert (first["automounts_token"], second["automounts_token"]) == (False, False)


def test_pods_take_the_labels_of_their_run() -> None:
    task = {"metadata": {"labels": {"c": "d"}}, "steps": []}
    (found,) = workloads("TaskRun", {"taskSpec": task}, labels={"a": "b"}).values()
    assert found["pod_labels"] == {"a": "b", "c": "d"}


def test_findings_can_point_at_a_field() -> None:
    text = """\
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: x}
spec:
  hostNetwork: true
  securityContext:
    runAsUser: 0
  templates:
  - name: a
    container:
      image: i
      securityContext:
        privileged: true
"""
    snapshot = CONNECTOR.example("manifest", text)
    found = {resource.type: resource for resource in snapshot.resources}
    workload, container = found["k8s.workload"], found["k8s.container"]
    assert (workload.id, container.id) == (
        "default/Workflow.argoproj.io/x",
        "default/Workflow.argoproj.io/x/container/main",
    )
    assert workload.location is not None
    assert (workload.location.line, workload.locations["spec.hostNetwork"].line) == (9, 5)
    fields = ("image", "security_context.privileged", "security_context.run_as_user")
    assert [container.locations[field].line for field in fields] == [11, 13, 7]


@pytest.mark.parametrize(
    ("kind", "spec", "message"),
    [
        ("Workflow", [], "spec is a list, and a mapping is expected"),
        ("CronWorkflow", {"workflowSpec": 5}, "spec.workflowSpec is an integer, and a mapping is expected"),
        ("Workflow", {"templates": {}}, "spec.templates is a mapping, and a list is expected"),
        ("Workflow", {"templates": [5]}, "spec.templates[0] is an integer, and a mapping is expected"),
        ("Workflow", {"templates": [{"container": 5}]}, "spec.templates[0].container is an integer, and a mapping is expected"),
        ("Workflow", {"templates": [{**MAIN, "sidecars": 5}]}, "spec.templates[0].sidecars is an integer, and a list is expected"),
        ("Workflow", {"templates": [{"steps": [[5]]}]}, "spec.templates[0].steps[0][0] is an integer, and a mapping is expected"),
        ("Task", 5, "spec is an integer, and a mapping is expected"),
        ("Task", {"steps": {}}, "spec.steps is a mapping, and a list is expected"),
        ("Task", {"steps": [5]}, "spec.steps[0] is an integer, and a mapping is expected"),
        ("Task", {"steps": [], "stepTemplate": 5}, "spec.stepTemplate is an integer, and a mapping is expected"),
        ("TaskRun", {"taskSpec": 5}, "spec.taskSpec is an integer, and a mapping is expected"),
        ("Pipeline", {"tasks": [5]}, "spec.tasks[0] is an integer, and a mapping is expected"),
        ("PipelineRun", {"pipelineSpec": 5}, "spec.pipelineSpec is an integer, and a mapping is expected"),
    ],
)  # fmt: skip
def test_lost_containers_make_the_types_incomplete(kind: str, spec: Any, message: str) -> None:
    (problem,) = read(kind, spec).problems
    assert (problem.message, problem.resource_types) == (f"{kind} x: {message}", ("k8s.container", "k8s.workload"))


def test_malformed_settings_are_unknown() -> None:
    snapshot = read("TaskRun", {"taskSpec": {"steps": []}, "podTemplate": {"hostNetwork": "yes it is"}})
    assert [problem.message for problem in snapshot.problems] == [
        "TaskRun x: spec.podTemplate.hostNetwork is a string, and true or false is expected"
    ]
    snapshot = read("TaskRun", {"taskSpec": {"steps": []}, "podTemplate": 5})
    (workload,) = (resource.data for resource in snapshot.resources if resource.type == "k8s.workload")
    assert (len(snapshot.problems), workload["spec"]["hostNetwork"]) == (1, LATER)


def test_very_many_pods_are_cut_and_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_PODS", 2)
    snapshot = read("Workflow", {"templates": [MAIN] * 3})
    assert [problem.message for problem in snapshot.problems] == [
        "Workflow x: spec.templates[2] goes beyond the 2 pods of an object that are read"
    ]


def test_settings_that_are_repeated_too_often_are_cut_and_it_is_said() -> None:
    defaults = {"container": {"args": ["x" * 100_000]}}
    templates: list[Any] = [{"container": {"image": "i"}}] * 400
    (problem,) = read("Workflow", {"templateDefaults": defaults, "templates": templates}).problems
    assert problem.message.endswith("goes beyond the size of an object's pods that is read")
    assert problem.resource_types == ("k8s.container", "k8s.workload")


def test_templates_within_templates_end_at_a_limit() -> None:
    template: Any = MAIN
    for _ in range(30):
        template = {"dag": {"tasks": [{"inline": template}]}}
    (problem,) = read("Workflow", {"templates": [template]}).problems
    assert problem.resource_types == ("k8s.container", "k8s.workload")
    spec: Any = {"tasks": []}
    for _ in range(30):
        spec = {"tasks": [{"pipelineSpec": spec}]}
    assert len(read("Pipeline", spec).problems) == 1


KEYS = st.sampled_from(
    ["args", "container", "containerSet", "containers", "dag", "env", "finally", "hostNetwork", "image", "initContainers",
     "inline", "metadata", "name", "pipelineSpec", "podMetadata", "podSpecPatch", "podTemplate", "ref", "resource", "script",
     "securityContext", "sidecars", "source", "spec", "stepTemplate", "steps", "taskRunSpecs", "taskRunTemplate", "taskSpec", "tasks",
     "templateDefaults", "templateRef", "templates", "volumeMounts", "volumes", "workflowSpec", "workflowTemplateRef"]
)  # fmt: skip
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(0, 9) | st.sampled_from(["", "a", "{{p}}", "$(p)", "{a: b}", "containers: [{name: main}]"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=30,
)  # fmt: skip


@given(st.sampled_from(["Workflow", "CronWorkflow", *VERSIONS]), st.dictionaries(KEYS, VALUES, max_size=6))
def test_no_shape_crashes_and_no_field_gets_a_wrong_type(kind: str, spec: dict[str, Any]) -> None:
    read(kind, spec)
