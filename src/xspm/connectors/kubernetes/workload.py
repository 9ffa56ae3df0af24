"""`k8s.workload`: every object that makes pods, whatever its kind, with the PodSpec it makes them from."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any, ClassVar

from xspm.connectors.kubernetes.container import PodContainer
from xspm.connectors.kubernetes.defaults import CONTAINER_LISTS
from xspm.connectors.kubernetes.names import DEFAULT_NAMESPACE
from xspm.connectors.kubernetes.shapes import describe, is_unknown, unknown
from xspm.model.asset import Resource
from xspm.model.schema import ResourceType
from xspm.model.unknown import Maybe

if TYPE_CHECKING:
    from collections.abc import Mapping

    from xspm.connectors.kubernetes.manifest import Manifest
    from xspm.connectors.kubernetes.pod import Template
    from xspm.connectors.kubernetes.selection import Selectors


class Workload(ResourceType, frozen=True, kw_only=True):
    """An object that makes pods: Pod, Deployment, StatefulSet, DaemonSet, Job, CronJob, or a custom resource."""

    TYPE: ClassVar[str] = "k8s.workload"

    kind: str
    """Kind of the object."""
    api_version: str
    """API group and version of the object: `apps/v1`."""
    name: Maybe[str]
    """Name of the object; `PREFIX*` when it is generated, empty when there is none."""
    namespace: Maybe[str]
    """Namespace of the object; `default` when none is given."""
    namespace_defaulted: Maybe[bool]
    """No namespace is given: whoever applies the object decides it."""
    labels: Maybe[dict[str, str]]
    """Labels of the object itself."""
    annotations: Maybe[dict[str, str]]
    """Annotations of the object itself; what looks like a credential is redacted."""
    template_path: str
    """Where the object keeps the pod template: `spec.template`; empty for a Pod. Where there is only a PodSpec, where
    it is: `spec.podSpec`. For pipelines (Argo Workflows, Tekton) the part that the pod is made from:
    `spec.templates[0]`, `spec.taskSpec`.
    """
    pod_labels: Maybe[dict[str, str]]
    """Labels of the pod template."""
    pod_annotations: Maybe[dict[str, str]]
    """Annotations of the pod template; what looks like a credential is redacted."""
    replicas: Maybe[int | None]
    """`spec.replicas`; null when not given, or when the kind has none."""
    spec: Any
    """The PodSpec as written, with the API server's defaults filled in."""
    spec_defaulted: list[str]
    """Paths below `spec` that are not written but defaults of the API server, sorted: `hostNetwork`,
    `containers[0].imagePullPolicy`.
    """
    service_account_name: Maybe[str]
    """Service account of the pods; `default` when none is given."""
    automounts_token: Maybe[bool]
    """The pods get the service account's token: as the PodSpec says, else the ServiceAccount if it is in the input,
    else true.
    """
    host_paths: Maybe[list[str]]
    """Paths of the node that volumes mount, with `//`, `/./` and `/../` resolved, sorted."""
    containers: Maybe[list[PodContainer]]
    """Containers, init containers and ephemeral containers, in this order."""
    ingress_policies: Maybe[list[str]]
    """Names of the NetworkPolicies in the input that select the pods and restrict incoming traffic. Like the lists
    below it holds ten names at most, and is unknown when it would be empty and part of the input could not be read.
    """
    egress_policies: Maybe[list[str]]
    """Names of the NetworkPolicies in the input that select the pods and restrict outgoing traffic."""
    disruption_budgets: Maybe[list[str]]
    """Names of the PodDisruptionBudgets in the input that select the pods."""
    autoscalers: Maybe[list[str]]
    """Names of the HorizontalPodAutoscalers in the input whose target the object is."""


def workload_data(
    manifest: Manifest, template: Template, accounts: Mapping[tuple[str, str], Any], selectors: Selectors
) -> dict[str, Any]:
    """Return the data of one workload as plain JSON, still without its containers.

    Args:
        manifest: the object.
        template: one of its pod templates.
        accounts: `automountServiceAccountToken` of the ServiceAccounts in the input, by namespace and name.
        selectors: the objects in the input that select pods.
    """
    namespace = DEFAULT_NAMESPACE if manifest.namespace is None else manifest.namespace
    account = template.spec["serviceAccountName"]
    automounts = template.spec.get("automountServiceAccountToken")
    if automounts is None and type(namespace) is str and type(account) is str:
        automounts = accounts.get((namespace, account))
    return {
        "kind": manifest.kind,
        "api_version": manifest.api_version,
        "name": manifest.name,
        "namespace": namespace,
        "namespace_defaulted": manifest.namespace is None,
        "labels": manifest.labels,
        "annotations": manifest.annotations,
        "template_path": template.path,
        "pod_labels": template.labels,
        "pod_annotations": template.annotations,
        "replicas": _replicas(manifest.value),
        "spec": template.spec,
        "spec_defaulted": template.defaulted,
        "service_account_name": account,
        "automounts_token": True if automounts is None else automounts,
        "host_paths": _host_paths(template.spec.get("volumes")),
        "containers": [],
        **selectors.concerning(manifest, namespace, template.labels),
    }


def contained(template: Template, resources: list[Resource]) -> Any:
    """Return the value of `containers`: those that could be read, and an unknown for each that could not."""
    lists = [template.spec.get(field) for field in CONTAINER_LISTS]
    missing = next((value for value in lists if is_unknown(value)), None)
    if missing is not None:
        return missing
    unread = [item for value in lists if value is not None for item in value if is_unknown(item)]
    read = [{field: resource.data[field] for field in PodContainer.__struct_fields__} for resource in resources]
    return read + unread


def workload(identity: str, data: dict[str, Any], template: Template) -> Resource:
    """Return one workload as a resource."""
    name = data["name"] if type(data["name"]) is str else "(unknown)"
    locations = dict(template.locations)
    for field, path in (
        ("service_account_name", "spec.serviceAccountName"),
        ("automounts_token", "spec.automountServiceAccountToken"),
        ("host_paths", "spec.volumes"),
    ):
        if path in locations:
            locations[field] = locations[path]
    return Resource(
        type=Workload.TYPE,
        id=identity,
        name=f"{data['kind']} {name}",
        data=data,
        location=template.location,
        locations=locations,
    )


def _host_paths(volumes: Any) -> Any:
    """Return the paths of volumes of type hostPath, cleaned; a volume that is not understood becomes an unknown."""
    if volumes is None or is_unknown(volumes):
        return [] if volumes is None else volumes
    paths: set[str] = set()
    unread: list[Any] = []
    for volume in volumes:
        mount = volume if is_unknown(volume) else volume.get("hostPath")
        if mount is None:
            continue
        path = mount if is_unknown(mount) else mount.get("path")
        if type(path) is str and path:
            paths.add(posixpath.normpath(f"/{path.lstrip('/')}" if path[0] == "/" else path))
        else:
            unread.append(path if is_unknown(path) else unknown("a hostPath volume has no path"))
    return sorted(paths) + unread


def _replicas(value: dict[str, Any]) -> Any:
    spec = value.get("spec")
    replicas = spec.get("replicas") if type(spec) is dict else None
    if replicas is None or type(replicas) is int or is_unknown(replicas):
        return replicas
    return unknown(f"spec.replicas is {describe(replicas)}, and an integer is expected")
