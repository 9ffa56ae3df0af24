"""Objects of pipelines, which make pods from parts: read as `xspm.connectors.kubernetes.draft` tells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from xspm.connectors.kubernetes.names import ARGO, TEKTON
from xspm.connectors.kubernetes.shapes import describe, dotted, is_unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xspm.connectors.kubernetes.draft import Draft
    from xspm.connectors.kubernetes.place import Place
    from xspm.connectors.kubernetes.pod import Template
    from xspm.connectors.kubernetes.shapes import Report

MAX_PODS: Final = 1000
"""Pods of one object that are read."""
MAX_SIZE: Final = 500_000
"""Values, or times 32 characters, of all pods of one object: what they share stands in each of them."""


def is_pipeline(group: str, kind: str) -> bool:
    """Whether objects of a kind make pods from parts."""
    if group not in {ARGO, TEKTON}:
        return False
    from xspm.connectors.kubernetes import argo, tekton  # noqa: PLC0415 - most manifests hold no pipeline

    return kind in (argo.SPECS if group == ARGO else tekton.KINDS)


def pipeline_templates(value: dict[str, Any], kind: str, place: Place, wrong: Report, lost: Report) -> list[Template]:
    """Return the pods that an object of a pipeline makes.

    Args:
        value: the object, of a kind that makes pods from parts.
        kind: its kind.
        place: locations within the object.
        wrong: takes the path of a malformed part and what is wrong with it.
        lost: the same, where containers are lost with it.
    """
    templates: list[Template] = []
    size = 0
    for draft in _drafts(value, kind, wrong, lost):
        if len(templates) == MAX_PODS:
            lost(draft.path, f"{dotted(draft.path)} goes beyond the {MAX_PODS} pods of an object that are read")
            break
        template = draft.template(place, wrong, lost)
        size += _size(template.spec)
        if size > MAX_SIZE:
            lost(draft.path, f"{dotted(draft.path)} goes beyond the size of an object's pods that is read")
            break
        templates.append(template)
    return templates


def _size(value: Any) -> int:
    size = 0
    stack = [value]
    while stack:
        item = stack.pop()
        size += 1
        if type(item) is dict:
            stack.extend(item.values())
        elif type(item) is list:
            stack.extend(item)
        elif type(item) is str:
            size += len(item) // 32
    return size


def _drafts(value: dict[str, Any], kind: str, wrong: Report, lost: Report) -> Iterator[Draft]:
    from xspm.connectors.kubernetes import argo, tekton  # noqa: PLC0415 - as above

    if kind in tekton.KINDS:
        yield from tekton.Tekton(value, kind, wrong, lost).pods()
        return
    path = argo.SPECS[kind]
    spec: Any = value
    for depth, step in enumerate(path, start=1):
        spec = spec.get(step)
        if spec is None:
            return
        if type(spec) is not dict or is_unknown(spec):
            at = path[:depth]
            lost(at, f"{dotted(at)} is {describe(spec)}, and a mapping is expected")
            return
    yield from argo.Workflow(spec, path, wrong, lost).pods()
