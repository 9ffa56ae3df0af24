"""`k8s.object` for every object, and the raw types for those kinds whose schema the world knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from xspm.connectors.kubernetes.names import RAW_TYPES
from xspm.model.asset import Resource
from xspm.model.schema import ResourceType
from xspm.model.unknown import Maybe

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xspm.connectors.kubernetes.manifest import Manifest


class KubernetesObject(ResourceType, frozen=True, kw_only=True):
    """Any object of the API, of whatever kind."""

    TYPE: ClassVar[str] = "k8s.object"

    api_version: str
    """API group and version: `apps/v1`."""
    kind: str
    """Kind: `Deployment`."""
    name: Maybe[str]
    """Name; `PREFIX*` when it is generated, empty when there is none."""
    namespace: Maybe[str | None]
    """Namespace as written; null when none is given."""
    namespaced: bool
    """The kind certainly belongs to a namespace; false for cluster-wide kinds and for custom resources without a pod
    template.
    """
    labels: Maybe[dict[str, str]]
    """Labels."""
    annotations: Maybe[dict[str, str]]
    """Annotations; what looks like a credential is redacted."""
    object: Any
    """The whole object as written, without fields whose value is null, secret values redacted."""


def object_resources(identity: str, manifest: Manifest) -> Iterator[Resource]:
    """Yield the `k8s.object` of an object, and its raw type where its kind has one."""
    name = f"{manifest.kind} {manifest.name if type(manifest.name) is str else '(unknown)'}"
    data = {
        "api_version": manifest.api_version,
        "kind": manifest.kind,
        "name": manifest.name,
        "namespace": manifest.namespace,
        "namespaced": manifest.namespaced,
        "labels": manifest.labels,
        "annotations": manifest.annotations,
        "object": manifest.value,
    }
    raw = RAW_TYPES.get((manifest.group, manifest.kind))
    locations = {f"object.{path}": place for path, place in manifest.locations.items() if path.count(".") < 2}
    for field, path in (("api_version", "apiVersion"), ("kind", "kind"), ("namespace", "metadata.namespace")):
        if path in manifest.locations:
            locations[field] = manifest.locations[path]
    yield Resource(KubernetesObject.TYPE, identity, name, data, manifest.location, locations)
    if raw is not None:
        yield Resource(raw[0], identity, name, manifest.value, manifest.location, manifest.locations)
