"""The pods of Argo Workflows: one for every template that runs something.

Settings of the workflow hold for each of its templates unless the template has its own; `templateDefaults` are merged
into every template, and `podSpecPatch` into every pod. Volumes of the workflow are mounted only where a container names
them. Pods of templates that stand in another object have containers that are not known here. As the controller does it:
https://github.com/argoproj/argo-workflows/blob/main/workflow/controller/workflowpod.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from xspm.connectors.kubernetes.draft import Draft, combined, later
from xspm.connectors.kubernetes.shapes import POD_SPEC, describe, dotted, is_unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xspm.connectors.kubernetes.shapes import Report
    from xspm.syntax.yaml import Path

SPECS: Final[dict[str, Path]] = {
    "ClusterWorkflowTemplate": ("spec",),
    "CronWorkflow": ("spec", "workflowSpec"),
    "Workflow": ("spec",),
    "WorkflowTemplate": ("spec",),
}
"""Kinds, and where each keeps the specification of a workflow."""
_MARK: Final = "{{"
_OWN: Final = ("container", "script", "containerSet", "resource", "data", "http", "plugin")
"""What makes a template one that a pod runs; the last four run a container of the controller's."""
_OF_WORKFLOW: Final = ("hostNetwork", "dnsPolicy", "dnsConfig", "imagePullSecrets")
_OF_EITHER: Final = (
    "affinity", "automountServiceAccountToken", "nodeSelector", "priorityClassName", "schedulerName",
    "securityContext", "serviceAccountName", "tolerations",
)  # fmt: skip
_OTHER_NAMES: Final = {"priorityClassName": "podPriorityClassName"}
"""What a workflow calls a field that its templates call as a pod does."""
_MAX_DEPTH: Final = 8
"""Templates within the steps of templates."""


class Workflow:
    """The specification of a workflow, on its way to pods."""

    def __init__(self, spec: dict[str, Any], path: Path, wrong: Report, lost: Report) -> None:
        """Hold a specification that stands at `path` of its object; malformed parts are reported."""
        self._spec = spec
        self._path = path
        self._wrong = wrong
        self._lost = lost
        self._elsewhere = type(spec.get("workflowTemplateRef")) is dict

    def pods(self) -> Iterator[Draft]:
        """Yield a pod for every template, and one for those of other objects."""
        at = (*self._path, "templates")
        for index, template in enumerate(self._items(self._spec.get("templates"), at)):
            yield from self._template(template, (*at, index), 0)
        if self._elsewhere:
            yield self._pod_of_another_object()

    def _template(self, template: Any, path: Path, depth: int) -> Iterator[Draft]:
        """Yield the pod of a template, and those of the templates that stand within its steps."""
        if type(template) is not dict or is_unknown(template) or depth > _MAX_DEPTH:
            wrong = describe(template) if type(template) is not dict else "a template that is not read"
            self._lost(path, f"{dotted(path)} is {wrong}, and a mapping is expected")
            return
        if template.get("templateRef") is not None:
            self._elsewhere = True
        own = next((kind for kind in _OWN if template.get(kind) is not None), None)
        if own is not None:
            yield self._pod(self._with_defaults(template, own), own, path)
        dag = template.get("dag")
        tasks = dag.get("tasks") if type(dag) is dict else None
        for index, task in enumerate(self._items(tasks, (*path, "dag", "tasks"))):
            yield from self._step(task, (*path, "dag", "tasks", index), depth)
        for index, group in enumerate(self._items(template.get("steps"), (*path, "steps"))):
            at = (*path, "steps", index)
            inner = group.get("steps") if type(group) is dict and "steps" in group else group
            for number, step in enumerate(inner if type(inner) is list else [inner]):
                yield from self._step(step, (*at, number) if type(inner) is list else at, depth)

    def _step(self, step: Any, path: Path, depth: int) -> Iterator[Draft]:
        if type(step) is not dict:
            self._lost(path, f"{dotted(path)} is {describe(step)}, and a mapping is expected")
            return
        if step.get("templateRef") is not None:
            self._elsewhere = True
        if step.get("inline") is not None:
            yield from self._template(step["inline"], (*path, "inline"), depth + 1)

    def _with_defaults(self, template: dict[str, Any], own: str) -> dict[str, Any]:
        merged = combined(self._spec.get("templateDefaults"), template)
        if is_unknown(merged):
            return {own: merged}
        return {key: value for key, value in merged.items() if key not in _OWN or key == own}

    def _pod(self, template: dict[str, Any], own: str, path: Path) -> Draft:
        draft = Draft(path, _MARK)
        for field in _OF_WORKFLOW:
            draft.give(field, self._spec.get(field), (*self._path, field))
        for field in _OF_EITHER:
            self._either(draft, template, path, field)
        for holder, at in ((self._spec, self._path), (template, path)):
            draft.give("hostAliases", holder.get("hostAliases"), (*at, "hostAliases"))
        mounts = self._containers(draft, template, own, path)
        draft.give("volumes", template.get("volumes"), (*path, "volumes"))
        self._shared_volumes(draft, mounts)
        for field in ("labels", "annotations"):
            for metadata in (self._spec.get("podMetadata"), template.get("metadata")):
                values = metadata.get(field) if type(metadata) is dict else None
                if type(values) is dict:
                    getattr(draft, field).update(values)
        for holder, at in ((self._spec, self._path), (template, path)):
            draft.patch(holder.get("podSpecPatch"), (*at, "podSpecPatch"), self._wrong)
        return draft

    def _either(self, draft: Draft, template: dict[str, Any], path: Path, field: str) -> None:
        """Give what the template says of a field, else what the workflow says."""
        shared = _OTHER_NAMES.get(field, field)
        if template.get(field) not in (None, "", [], {}):
            draft.give(field, template[field], (*path, field))
        elif self._spec.get(shared) not in (None, ""):
            draft.give(field, self._spec[shared], (*self._path, shared))

    def _containers(self, draft: Draft, template: dict[str, Any], own: str, path: Path) -> list[Any]:
        """Add the containers of a template; return what they mount."""
        body, at = template[own], (*path, own)
        found: list[tuple[str, Any, Path]] = []
        if own == "containerSet" and type(body) is dict:
            items = self._items(body.get("containers"), (*at, "containers"))
            shared = body.get("volumeMounts")
            found += (
                ("containers", _mounting(item, shared), (*at, "containers", index)) for index, item in enumerate(items)
            )
        elif own in ("container", "script"):
            found.append(("containers", _main(body), at))
        else:
            found.append(("containers", later("the controller makes the container"), at))
        mirrored = found[0][1].get("volumeMounts") if found and type(found[0][1]) is dict else None
        for name, field in (("initContainers", "initContainers"), ("sidecars", "containers")):
            for index, item in enumerate(self._items(template.get(name), (*path, name))):
                mirrors = type(item) is dict and item.get("mirrorVolumeMounts") is True
                found.append((field, _mounting(item, mirrored) if mirrors else item, (*path, name, index)))
        for field, container, place in found:
            draft.run(field, container, place)
        return [container.get("volumeMounts") for _, container, _ in found if type(container) is dict]

    def _shared_volumes(self, draft: Draft, mounts: list[Any]) -> None:
        """Give those volumes of the workflow that a container mounts; all of them where that is not known."""
        at = (*self._path, "volumes")
        volumes = self._spec.get("volumes")
        if type(volumes) is not list:
            draft.give("volumes", volumes, at)
            return
        names: set[str] = set()
        for mount in (item for items in mounts if items is not None for item in _list(items)):
            name = mount.get("name") if type(mount) is dict else None
            if type(name) is not str or _MARK in name:
                draft.give("volumes", volumes, at)
                return
            names.add(name)
        used = [item for item in volumes if type(item) is not dict or item.get("name") in names]
        draft.give("volumes", used or None, at)

    def _pod_of_another_object(self) -> Draft:
        """Return the pod of templates that stand in another object, as far as this one decides it."""
        draft = Draft(self._path, _MARK)
        for field in _OF_WORKFLOW:
            draft.give(field, self._spec.get(field), (*self._path, field))
        draft.run("containers", later("the template stands in another object"), self._path)
        decided = () if type(self._spec.get("workflowTemplateRef")) is dict else _OF_WORKFLOW
        draft.leave(*sorted(POD_SPEC.keys() - {"containers", "initContainers", "ephemeralContainers", *decided}))
        return draft

    def _items(self, value: Any, path: Path) -> list[Any]:
        """Return a list that may not be given; report anything else."""
        if value is None:
            return []
        if type(value) is not list:
            self._lost(path, f"{dotted(path)} is {describe(value)}, and a list is expected")
            return []
        return value


def _main(body: Any) -> Any:
    """Return the one container of a template; the text of a script, which is what runs, stands among its arguments."""
    if type(body) is not dict or is_unknown(body):
        return body
    container = {"name": "main"} | {key: value for key, value in body.items() if key != "source" and value != ""}
    source, args = body.get("source"), body.get("args")
    if source is not None:
        container["args"] = [*(args if type(args) is list else []), source]
    return container


def _mounting(container: Any, mounts: Any) -> Any:
    """Return a container with more mounts."""
    if type(container) is not dict or type(mounts) is not list:
        return container
    return container | {"volumeMounts": [*_list(container.get("volumeMounts")), *mounts]}


def _list(value: Any) -> list[Any]:
    return value if type(value) is list else [] if value is None else [value]
