"""`k8s.namespace_summary`: what a whole namespace looks like in the input.

There is one for every namespace that is declared or that a workload is put into. It answers what no single object
shows: whether traffic is denied by default, and which Pod Security Standard is enforced. It knows the input only:
policies applied elsewhere, and those of network plug-ins with kinds of their own, are not seen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from xspm.connectors.kubernetes.names import DEFAULT_NAMESPACE
from xspm.connectors.kubernetes.shapes import is_unknown
from xspm.model.asset import Location, Resource
from xspm.model.schema import ResourceType
from xspm.model.unknown import UNKNOWN_KEY, Maybe

if TYPE_CHECKING:
    from collections.abc import Iterable

    from xspm.connectors.kubernetes.manifest import Manifest


class NamespaceSummary(ResourceType, frozen=True, kw_only=True):
    """A namespace with what the input says about it as a whole."""

    TYPE: ClassVar[str] = "k8s.namespace_summary"

    name: str
    """Name of the namespace; `default` also stands for objects that name none."""
    declared: bool
    """Its Namespace object is in the input."""
    labels: Maybe[dict[str, str]]
    """Labels of the Namespace object; unknown when it is not in the input."""
    workloads: int
    """How many workloads in the input belong to it."""
    network_policies: int
    """How many NetworkPolicies in the input belong to it."""
    default_deny_ingress: Maybe[bool]
    """A NetworkPolicy selects every pod and allows no incoming traffic by itself."""
    default_deny_egress: Maybe[bool]
    """A NetworkPolicy selects every pod and allows no outgoing traffic by itself."""
    resource_quotas: int
    """How many ResourceQuotas in the input belong to it."""
    limit_ranges: int
    """How many LimitRanges in the input belong to it."""
    pod_security_enforce: Maybe[str | None]
    """Pod Security Standard that is enforced: `privileged`, `baseline`, `restricted`; null when no label says; unknown
    without the object.
    """
    pod_security_audit: Maybe[str | None]
    """Pod Security Standard whose violations are recorded."""
    pod_security_warn: Maybe[str | None]
    """Pod Security Standard whose violations are answered with a warning."""


_POD_SECURITY: Final = "pod-security.kubernetes.io/"
_COUNTED: Final = {
    "NetworkPolicy": "network_policies",
    "ResourceQuota": "resource_quotas",
    "LimitRange": "limit_ranges",
}
_MISSING: Final = {UNKNOWN_KEY: "the Namespace object is not among the manifests", "cause": "missing"}


class _Summary:
    """A namespace under construction."""

    def __init__(self) -> None:
        self.declared: Manifest | None = None
        self.first: Location | None = None
        self.workloads = 0
        self.counts = dict.fromkeys(_COUNTED.values(), 0)
        self.ingress: Any = False
        self.egress: Any = False


def namespace_summaries(manifests: Iterable[Manifest]) -> list[Resource]:
    """Return a summary of every namespace that is declared or has workloads."""
    summaries: dict[str, _Summary] = {}
    for manifest in manifests:
        if manifest.group == "" and manifest.kind == "Namespace":
            if type(manifest.name) is str and manifest.name:
                summaries.setdefault(manifest.name, _Summary()).declared = manifest
        elif manifest.templates or (counted(manifest)):
            namespace = DEFAULT_NAMESPACE if manifest.namespace is None else manifest.namespace
            if type(namespace) is str:
                _count(summaries.setdefault(namespace, _Summary()), manifest)
    return [_resource(name, summary) for name, summary in summaries.items() if summary.declared or summary.workloads]


def counted(manifest: Manifest) -> bool:
    """Whether an object says something about its namespace as a whole."""
    return manifest.kind in _COUNTED and manifest.group in {"", "networking.k8s.io", "extensions"}


def _count(summary: _Summary, manifest: Manifest) -> None:
    summary.workloads += len(manifest.templates)
    if manifest.templates:
        summary.first = summary.first or manifest.location
    if counted(manifest):
        summary.counts[_COUNTED[manifest.kind]] += 1
    if manifest.kind == "NetworkPolicy":
        ingress, egress = _denies(manifest.value.get("spec"))
        summary.ingress = _or(summary.ingress, ingress)
        summary.egress = _or(summary.egress, egress)


def _or(left: Any, right: Any) -> Any:
    """Either of two values of which each may be unknown."""
    if left is True or right is True:
        return True
    return left if is_unknown(left) else right


def _denies(spec: Any) -> tuple[Any, Any]:
    """Return whether a NetworkPolicy's spec denies all incoming, and all outgoing traffic of every pod.

    https://kubernetes.io/docs/concepts/services-networking/network-policies/#default-policies
    """
    if spec is None:
        return False, False
    malformed = {UNKNOWN_KEY: "the spec of a NetworkPolicy is malformed", "cause": "format"}
    if type(spec) is not dict or is_unknown(spec):
        return malformed, malformed
    selector = spec.get("podSelector")
    if type(selector) is dict and any(selector.values()):
        return False, False
    types = spec.get("policyTypes")
    if types is None:
        types = ["Ingress", "Egress"] if spec.get("egress") else ["Ingress"]
    if type(types) is not list or not (selector is None or type(selector) is dict):
        return malformed, malformed
    return "Ingress" in types and not spec.get("ingress"), "Egress" in types and not spec.get("egress")


def _resource(name: str, summary: _Summary) -> Resource:
    manifest = summary.declared
    labels = _MISSING if manifest is None else manifest.labels
    levels = {
        f"pod_security_{mode}": labels if is_unknown(labels) else labels.get(_POD_SECURITY + mode)
        for mode in ("enforce", "audit", "warn")
    }
    locations = {}
    if manifest is not None and "metadata.labels" in manifest.locations:
        locations = dict.fromkeys(("labels", *levels), manifest.locations["metadata.labels"])
    return Resource(
        type=NamespaceSummary.TYPE,
        id=f"Namespace/{name}",
        name=f"Namespace {name}",
        data={
            "name": name,
            "declared": manifest is not None,
            "labels": labels,
            "workloads": summary.workloads,
            "default_deny_ingress": summary.ingress,
            "default_deny_egress": summary.egress,
            **summary.counts,
            **levels,
        },
        location=summary.first if manifest is None else manifest.location,
        locations=locations,
    )
