"""One pod template: its PodSpec held to its shape and with defaults, its containers, and where all of it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from xspm.connectors.kubernetes.defaults import CONTAINER_LISTS, fill_pod_spec
from xspm.connectors.kubernetes.shapes import POD_SPEC, describe, dotted, hold, is_unknown, unknown

if TYPE_CHECKING:
    from collections.abc import Callable

    from xspm.connectors.kubernetes.place import Place
    from xspm.model.asset import Location
    from xspm.syntax.yaml import Path

_POD_DEPTH: Final = 2
_CONTAINER_DEPTH: Final = 3
MAX_CONTAINERS: Final = 200
"""Containers of one pod that are read: no pod has so many, and each is shown with the rest of its pod."""


class ContainerSource:
    """One container of a template."""

    __slots__ = ("kind", "location", "locations", "spec")

    def __init__(self, kind: str, spec: dict[str, Any], location: Location, locations: dict[str, Location]) -> None:
        """Hold a container with its defaults; `locations` are those below `spec`."""
        self.kind = kind
        self.spec = spec
        self.location = location
        self.locations = locations


class Template:
    """A pod template of an object."""

    __slots__ = ("annotations", "containers", "defaulted", "labels", "location", "locations", "path", "spec")

    def __init__(self, path: str, spec: dict[str, Any], location: Location) -> None:
        """Hold a PodSpec with its defaults; the rest is filled by `read_template`."""
        self.path = path
        self.spec = spec
        self.location = location
        self.locations: dict[str, Location] = {}
        self.defaulted: list[str] = []
        self.labels: Any = {}
        self.annotations: Any = {}
        self.containers: list[ContainerSource] = []


def read_template(
    value: dict[str, Any], path: Path, place: Place, wrong: Callable[[Path, str], None], *, bare: bool = False
) -> Template | None:
    """Return the pod template at `path` of an object, or None when there is no PodSpec.

    Args:
        value: the object.
        path: where the template is; the PodSpec is its `spec`.
        place: locations within the object.
        wrong: takes the path of a malformed part and what is wrong with it.
        bare: there is no template around the PodSpec, which is at `path` itself.
    """
    holder: Any = value
    for step in path:
        holder = _child(holder, step)
    if bare:
        holder = {"spec": holder}
    spec = holder.get("spec") if type(holder) is dict else None
    if type(spec) is not dict or is_unknown(spec):
        return None
    spec_path = path if bare else (*path, "spec")
    held = hold(spec, POD_SPEC, spec_path, wrong)
    template = Template(dotted(path), held, place.location(spec_path))
    template.defaulted = fill_pod_spec(held)
    template.locations = place.fields(spec_path, _POD_DEPTH, "spec.")
    metadata = holder.get("metadata")
    if type(metadata) is dict:
        template.labels = string_map(metadata.get("labels"), (*path, "metadata", "labels"), wrong)
        template.annotations = string_map(metadata.get("annotations"), (*path, "metadata", "annotations"), wrong)
    elif metadata is not None:
        message = f"{dotted((*path, 'metadata'))} is {describe(metadata)}, and a mapping is expected"
        wrong((*path, "metadata"), message)
        template.labels = template.annotations = unknown(message)
    for field, kind in CONTAINER_LISTS.items():
        containers = held.get(field)
        for index, container in enumerate(containers if type(containers) is list else ()):
            if len(template.containers) == MAX_CONTAINERS:
                wrong(
                    (*spec_path, field),
                    f"{dotted((*spec_path, field))} goes beyond the {MAX_CONTAINERS} containers that are read",
                )
                break
            if not is_unknown(container):
                at = (*spec_path, field, index)
                locations = place.fields(at, _CONTAINER_DEPTH, "spec.")
                template.containers.append(ContainerSource(kind, container, place.location(at), locations))
    return template


def _child(value: Any, step: str | int) -> Any:
    """Return a child of a mapping or list, or None."""
    if type(step) is int:
        return value[step] if type(value) is list else None
    return value.get(step) if type(value) is dict else None


def string_map(value: Any, path: Path, wrong: Callable[[Path, str], None]) -> Any:
    """Return labels or annotations with strings for values; anything else becomes unknown."""
    if value is None:
        return {}
    if type(value) is not dict:
        message = f"{dotted(path)} is {describe(value)}, and a mapping is expected"
        wrong(path, message)
        return unknown(message)
    if all(type(item) is str for item in value.values()):
        return value
    return {key: _string(item, (*path, key), wrong) for key, item in value.items() if item is not None}


def _string(value: Any, path: Path, wrong: Callable[[Path, str], None]) -> Any:
    if type(value) is str:
        return value
    message = f"{dotted(path)} is {describe(value)}, and a string is expected"
    wrong(path, message)
    return unknown(message)
