"""`k8s.rbac_grant`: every binding together with the rules it gives.

What the role allows is looked up in `xspm.connectors.kubernetes.roles`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

import msgspec

from xspm.connectors.kubernetes.names import DEFAULT_NAMESPACE, RBAC
from xspm.connectors.kubernetes.selection import SELECTOR
from xspm.connectors.kubernetes.shapes import Report, hold, is_unknown
from xspm.model.asset import Resource
from xspm.model.schema import ResourceType
from xspm.model.unknown import Maybe

if TYPE_CHECKING:
    from xspm.connectors.kubernetes.manifest import Manifest
    from xspm.connectors.kubernetes.roles import Roles


class Subject(msgspec.Struct, frozen=True):
    """Who is granted something."""

    kind: Maybe[str]
    """`User`, `Group` or `ServiceAccount`."""
    name: Maybe[str]
    """Name; well-known groups are `system:masters`, `system:authenticated`, `system:unauthenticated`."""
    namespace: Maybe[str | None]
    """Namespace of a ServiceAccount; null otherwise or when not given."""
    api_group: Maybe[str]
    """API group of the kind; empty for ServiceAccounts."""


class Rule(msgspec.Struct, frozen=True):
    """What a role allows; `*` stands for all."""

    verbs: Maybe[list[str]]
    """`get`, `create`, `escalate`, …"""
    api_groups: Maybe[list[str]]
    """API groups; the empty string is the core group."""
    resources: Maybe[list[str]]
    """Resources and sub-resources: `pods`, `pods/exec`."""
    resource_names: Maybe[list[str]]
    """Names of single objects the rule is limited to; empty means all."""
    non_resource_urls: Maybe[list[str]]
    """Paths of the API that are no resources: `/metrics`."""


class RbacGrant(ResourceType, frozen=True, kw_only=True):
    """A RoleBinding or ClusterRoleBinding with the rules of the role it gives."""

    TYPE: ClassVar[str] = "k8s.rbac_grant"

    binding_kind: str
    """`RoleBinding` or `ClusterRoleBinding`."""
    binding_name: Maybe[str]
    """Name of the binding."""
    namespace: Maybe[str | None]
    """Namespace the grant is limited to; null for the whole cluster."""
    cluster_wide: bool
    """The rules hold in every namespace and for cluster-wide resources (a ClusterRoleBinding)."""
    role_kind: Maybe[str]
    """`Role` or `ClusterRole`."""
    role_name: Maybe[str]
    """Name of the role."""
    subjects: Maybe[list[Subject]]
    """Who is granted the rules."""
    rules: Maybe[list[Rule]]
    """What is granted; unknown when the role is neither in the input nor one that every cluster has."""


_SUBJECT: Final[dict[str, Any]] = {"kind": "string", "name": "string", "namespace": "string", "apiGroup": "string"}
_BINDING: Final[dict[str, Any]] = {
    "subjects": [_SUBJECT],
    "roleRef": {"kind": "string", "name": "string", "apiGroup": "string"},
}
_RULE: Final[dict[str, Any]] = dict.fromkeys(
    ("verbs", "apiGroups", "resources", "resourceNames", "nonResourceURLs"), "strings"
)
_ROLE: Final[dict[str, Any]] = {
    "rules": [_RULE],
    "aggregationRule": {"clusterRoleSelectors": [SELECTOR]},
}


def held_rbac(manifest: Manifest, report: Report) -> dict[str, Any] | None:
    """Return a role's or binding's fields held to their shapes; None for other kinds."""
    if manifest.group != RBAC:
        return None
    table = {"Role": _ROLE, "ClusterRole": _ROLE, "RoleBinding": _BINDING, "ClusterRoleBinding": _BINDING}.get(
        manifest.kind
    )
    if table is None:
        return None
    held = hold({key: manifest.value[key] for key in table if key in manifest.value}, table, (), report)
    assert isinstance(held, dict)  # noqa: S101 - a mapping held to a table is a mapping
    return held


def rbac_grant(identity: str, manifest: Manifest, held: dict[str, Any], roles: Roles) -> Resource:
    """Return a binding as a resource."""
    cluster_wide = manifest.kind == "ClusterRoleBinding"
    namespace = DEFAULT_NAMESPACE if manifest.namespace is None else manifest.namespace
    reference = held.get("roleRef", {})
    kind, name = (
        (reference, reference) if is_unknown(reference) else (reference.get("kind", ""), reference.get("name", ""))
    )
    locations = {
        field: manifest.locations[path]
        for field, path in (
            ("subjects", "subjects"),
            ("role_name", "roleRef.name"),
            ("role_kind", "roleRef.kind"),
            ("rules", "roleRef"),
        )
        if path in manifest.locations
    }
    return Resource(
        type=RbacGrant.TYPE,
        id=identity,
        name=f"{manifest.kind} {manifest.name if type(manifest.name) is str else '(unknown)'}",
        data={
            "binding_kind": manifest.kind,
            "binding_name": manifest.name,
            "namespace": None if cluster_wide else namespace,
            "cluster_wide": cluster_wide,
            "role_kind": kind,
            "role_name": name,
            "subjects": _subjects(held.get("subjects")),
            "rules": roles.rules(kind, name, namespace),
        },
        location=manifest.location,
        locations=locations,
    )


def _subjects(subjects: Any) -> Any:
    if subjects is None or is_unknown(subjects):
        return [] if subjects is None else subjects
    return [subject if is_unknown(subject) else _subject(subject) for subject in subjects]


def _subject(subject: dict[str, Any]) -> dict[str, Any]:
    group = "" if subject.get("kind") == "ServiceAccount" else RBAC
    return {
        "kind": subject.get("kind", ""),
        "name": subject.get("name", ""),
        "namespace": subject.get("namespace"),
        "api_group": subject.get("apiGroup", group),
    }
