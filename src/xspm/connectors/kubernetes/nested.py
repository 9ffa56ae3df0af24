"""Whole objects within custom objects: what a trigger, a composition, or a bundle for another cluster creates.

A mapping with an API version, a kind and content is an object, wherever it stands; a reference to one has no content.
It is read like any manifest, at its own place. What a parameter decides when it is created is unknown. Policies that
speak in the words of pods are left alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from xspm.connectors.kubernetes.names import ARGO, TEKTON
from xspm.connectors.kubernetes.shapes import unknown
from xspm.connectors.kubernetes.templates import MAX_DEPTH, MAX_NODES, POLICIES, is_nested_object

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xspm.syntax.yaml import Path

_MARKS: Final = {
    ARGO: ("{{",),
    f"triggers.{TEKTON}": ("$(tt.params.", "$(context.", "$(uid)"),
    "kro.run": ("${",),
    "template.openshift.io": ("${",),
}
"""What begins a parameter, by the API group of the object around it."""
_SETTLED: Final = frozenset({"apiVersion", "kind", "metadata"})
_SAME_NAMESPACE: Final = frozenset({ARGO, f"triggers.{TEKTON}"})
"""Groups whose controllers create objects in the namespace of what holds them."""


def nested(value: dict[str, Any], group: str) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield the objects within an object of a group, each with its path; what they hold in turn is theirs."""
    if group.endswith(POLICIES):
        return
    marks = _MARKS.get(group, ("{{",))
    namespace = _namespace(value) if group in _SAME_NAMESPACE else None
    level: list[tuple[Path, Any]] = [((), value)]
    visited = 0
    for _ in range(MAX_DEPTH):
        below: list[tuple[Path, Any]] = []
        for path, item in level:
            visited += 1
            if visited > MAX_NODES:
                # The search for pods, which goes the same way, reports this.
                return
            if path and is_nested_object(item):
                yield path, _own(item, marks, namespace)
                continue
            entries = item.items() if type(item) is dict else enumerate(item)
            below.extend(((*path, key), each) for key, each in entries if type(each) in (dict, list))
        if not below:
            return
        level = below


def _own(value: dict[str, Any], marks: tuple[str, ...], namespace: str | None) -> dict[str, Any]:
    own = {key: each if key in _SETTLED else _decided(each, marks) for key, each in value.items()}
    metadata = own.get("metadata")
    if namespace is not None and type(metadata) is dict and metadata.get("namespace") is None:
        own["metadata"] = metadata | {"namespace": namespace}
    return own


def _decided(value: Any, marks: tuple[str, ...]) -> Any:
    """Return a value in which every text with a parameter is unknown."""
    if type(value) is str:
        return (
            unknown("a parameter is not read: decided when it is created") if any(m in value for m in marks) else value
        )
    if type(value) is list:
        return [_decided(item, marks) for item in value]
    return {key: _decided(item, marks) for key, item in value.items()} if type(value) is dict else value


def _namespace(value: dict[str, Any]) -> str | None:
    metadata = value.get("metadata")
    namespace = metadata.get("namespace") if type(metadata) is dict else None
    return namespace if type(namespace) is str and namespace else None
