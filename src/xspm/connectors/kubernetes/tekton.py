"""The pods of Tekton: one for every task, wherever it stands, with a container for every step and sidecar.

A Task says what its containers are, a run what their pod is: so a Task by itself leaves the settings of the pod to the
run, and a run of a Task that stands elsewhere leaves the containers to it. `stepTemplate` is merged into every step. As
the controller does it: https://github.com/tektoncd/pipeline/blob/main/pkg/pod/pod.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from xspm.connectors.kubernetes.draft import Draft, combined, later
from xspm.connectors.kubernetes.pod import MAX_CONTAINERS
from xspm.connectors.kubernetes.shapes import describe, dotted, is_unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xspm.connectors.kubernetes.shapes import Report
    from xspm.syntax.yaml import Path

KINDS: Final = frozenset({"ClusterTask", "Pipeline", "PipelineRun", "StepAction", "Task", "TaskRun"})
_MARK: Final = "$("
_POD_FIELDS: Final = (
    "affinity", "automountServiceAccountToken", "dnsConfig", "dnsPolicy", "enableServiceLinks", "hostAliases",
    "hostNetwork", "hostUsers", "imagePullSecrets", "nodeSelector", "priorityClassName", "runtimeClassName",
    "schedulerName", "securityContext", "tolerations", "topologySpreadConstraints", "volumes",
)  # fmt: skip
"""What a pod template of Tekton's may say, which is less than a PodSpec."""
_MAX_DEPTH: Final = 8
"""Pipelines within the tasks of pipelines."""


class _Run(NamedTuple):
    """What a run says of the pods of its tasks."""

    template: Any
    template_path: Path
    account: Any
    account_path: Path


class Tekton:
    """An object of Tekton, on its way to pods."""

    def __init__(self, value: dict[str, Any], kind: str, wrong: Report, lost: Report) -> None:
        """Hold an object; malformed parts are reported."""
        self._value = value
        self._kind = kind
        self._wrong = wrong
        self._lost = lost
        self._runs: dict[str, _Run] = {}

    def pods(self) -> Iterator[Draft]:
        """Yield a pod for every task."""
        spec, at = self._value.get("spec"), ("spec",)
        if type(spec) is not dict or is_unknown(spec):
            if spec is not None:
                self._lost(at, f"spec is {describe(spec)}, and a mapping is expected")
            return
        match self._kind:
            case "Task" | "ClusterTask":
                yield self._task(spec, at, None)
            case "StepAction":
                yield self._task({"steps": [spec]}, at, None, single=True)
            case "Pipeline":
                yield from self._pipeline(spec, at, None, 0)
            case "TaskRun":
                run = _run(spec, at)
                body = spec.get("taskSpec")
                yield self._task(body, (*at, "taskSpec"), run) if body is not None else self._elsewhere(at, run)
            case _:
                yield from self._pipeline_run(spec)

    def _pipeline_run(self, spec: dict[str, Any]) -> Iterator[Draft]:
        """Yield the pods of a PipelineRun, whose tasks may each have settings of their own."""
        shared, at = spec.get("taskRunTemplate"), ("spec", "taskRunTemplate")
        run = _run(shared, at) if type(shared) is dict else _run(spec, ("spec",))
        body = spec.get("pipelineSpec")
        for index, item in enumerate(self._items(spec.get("taskRunSpecs"), ("spec", "taskRunSpecs"))):
            if type(item) is dict:
                own = _run(item, ("spec", "taskRunSpecs", index), run)
                self._runs[str(item.get("pipelineTaskName"))] = own
                if body is None:
                    yield self._elsewhere(("spec", "taskRunSpecs", index), own)
        if body is None:
            yield self._elsewhere(("spec",), run)
        else:
            yield from self._pipeline(body, ("spec", "pipelineSpec"), run, 0)

    def _pipeline(self, spec: Any, path: Path, run: _Run | None, depth: int) -> Iterator[Draft]:
        if type(spec) is not dict or is_unknown(spec) or depth > _MAX_DEPTH:
            wrong = describe(spec) if type(spec) is not dict else "a pipeline that is not read"
            self._lost(path, f"{dotted(path)} is {wrong}, and a mapping is expected")
            return
        for field in ("tasks", "finally"):
            for index, task in enumerate(self._items(spec.get(field), (*path, field))):
                at = (*path, field, index)
                if type(task) is not dict:
                    self._lost(at, f"{dotted(at)} is {describe(task)}, and a mapping is expected")
                    continue
                own = self._runs.get(str(task.get("name")), run) if depth == 0 else run
                if task.get("taskSpec") is not None:
                    yield self._task(task["taskSpec"], (*at, "taskSpec"), own)
                elif task.get("pipelineSpec") is not None:
                    yield from self._pipeline(task["pipelineSpec"], (*at, "pipelineSpec"), own, depth + 1)
                elif own is not None:
                    yield self._elsewhere(at, own)

    def _task(self, spec: Any, path: Path, run: _Run | None, *, single: bool = False) -> Draft:
        """Return the pod of a task."""
        draft = self._pod(path, run)
        if type(spec) is not dict or is_unknown(spec):
            self._lost(path, f"{dotted(path)} is {describe(spec)}, and a mapping is expected")
            draft.run("containers", later("the task is not read"), path)
            return draft
        metadata = spec.get("metadata")
        for field in ("labels", "annotations"):
            values = metadata.get(field) if type(metadata) is dict else None
            if type(values) is dict:
                getattr(draft, field).update(values)
        draft.give("volumes", spec.get("volumes"), (*path, "volumes"))
        base = spec.get("stepTemplate")
        if base is not None and type(base) is not dict:
            at = (*path, "stepTemplate")
            self._lost(at, f"{dotted(at)} is {describe(base)}, and a mapping is expected")
        for index, step in enumerate(self._items(spec.get("steps"), (*path, "steps"))[: MAX_CONTAINERS + 1]):
            at = path if single else (*path, "steps", index)
            draft.run("containers", _step(step, base, index), at)
        for index, sidecar in enumerate(self._items(spec.get("sidecars"), (*path, "sidecars"))):
            draft.run("containers", _container(sidecar, "sidecar", index), (*path, "sidecars", index))
        return draft

    def _elsewhere(self, path: Path, run: _Run) -> Draft:
        """Return the pod of a task that stands in another object, as far as the run decides it."""
        draft = self._pod(path, run)
        draft.run("containers", later("the task stands in another object"), path)
        draft.leave("volumes")
        return draft

    def _pod(self, path: Path, run: _Run | None) -> Draft:
        """Begin a pod with what the run says, or leaves open where there is none."""
        draft = Draft(path, _MARK)
        metadata = self._value.get("metadata")
        for field in ("labels", "annotations"):
            values = metadata.get(field) if type(metadata) is dict else None
            if type(values) is dict:
                getattr(draft, field).update(values)
        if run is None:
            draft.leave("serviceAccountName", *_POD_FIELDS)
            return draft
        draft.give("serviceAccountName", run.account, run.account_path)
        if run.template is not None and (type(run.template) is not dict or is_unknown(run.template)):
            self._wrong(
                run.template_path, f"{dotted(run.template_path)} is {describe(run.template)}, and a mapping is expected"
            )
            draft.leave(*_POD_FIELDS)
        elif run.template is not None:
            for field in _POD_FIELDS:
                draft.give(field, run.template.get(field), (*run.template_path, field))
        return draft

    def _items(self, value: Any, path: Path) -> list[Any]:
        """Return a list that may not be given; report anything else."""
        if value is None:
            return []
        if type(value) is not list:
            self._lost(path, f"{dotted(path)} is {describe(value)}, and a list is expected")
            return []
        return value


def _run(holder: dict[str, Any], path: Path, before: _Run | None = None) -> _Run:
    """Return what a run says of its pods; what a single task says replaces what holds for all."""
    name = "podTemplate" if "podTemplate" in holder else "taskPodTemplate"
    account = "serviceAccountName" if "serviceAccountName" in holder else "taskServiceAccountName"
    own = _Run(holder.get(name), (*path, name), holder.get(account), (*path, account))
    if before is None:
        return own
    template, template_path = before[:2] if own.template is None else own[:2]
    if type(own.template) is dict and type(before.template) is dict:
        template = before.template | own.template
    service, service_path = before[2:] if own.account is None else own[2:]
    return _Run(template, template_path, service, service_path)


def _step(step: Any, base: Any, index: int) -> Any:
    """Return a step as the container that it becomes."""
    if type(step) is dict and step.get("ref") is not None:
        return later("the step stands in another object")
    return _container(combined(base, step), "step", index)


def _container(item: Any, prefix: str, index: int) -> Any:
    """Return a container under the name that it gets; the text of a script stands among its arguments."""
    if type(item) is not dict or is_unknown(item):
        return item
    name = item.get("name")
    kept = {key: value for key, value in item.items() if key not in ("computeResources", "name", "script")}
    container = {"name": f"{prefix}-{name}" if name and type(name) is str else f"{prefix}-unnamed-{index}"} | kept
    if item.get("computeResources") is not None:
        container["resources"] = item["computeResources"]
    script, args = item.get("script"), item.get("args")
    if script is not None and script != "":
        container["args"] = [*(args if type(args) is list else []), script]
    return container
