"""`k8s.rbac_grant`: every binding together with the rules it gives.

The role is looked up among the manifests, then among those every cluster has. Aggregated ClusterRoles get the rules of
the ClusterRoles in the input that their selectors match, as the controller manager fills them
(https://kubernetes.io/docs/reference/access-authn-authz/rbac/#aggregated-clusterroles). What a role allows that is in
neither place is unknown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

import msgspec

from xspm.connectors.kubernetes.builtin_roles import AGGREGATED, BUILTIN_ROLES
from xspm.connectors.kubernetes.names import DEFAULT_NAMESPACE, RBAC
from xspm.connectors.kubernetes.selection import SELECTOR, matches
from xspm.connectors.kubernetes.shapes import Report, hold, is_unknown
from xspm.model.asset import Resource
from xspm.model.schema import ResourceType
from xspm.model.unknown import UNKNOWN_KEY, Maybe

if TYPE_CHECKING:
    from collections.abc import Iterable

    from xspm.connectors.kubernetes.manifest import Manifest


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
_AGGREGATE: Final = f"{RBAC}/aggregate-to-"
_RULE_FIELDS: Final = (
    ("verbs", "verbs"),
    ("api_groups", "apiGroups"),
    ("resources", "resources"),
    ("resource_names", "resourceNames"),
    ("non_resource_urls", "nonResourceURLs"),
)


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


class Roles:
    """The roles of the input, with those that every cluster has."""

    def __init__(self, manifests: Iterable[tuple[Manifest, dict[str, Any]]]) -> None:
        """Take the roles among `manifests`, each with its fields held to their shapes."""
        self._namespaced: dict[tuple[str, str], dict[str, Any]] = {}
        self._cluster: dict[str, dict[str, Any]] = {}
        self._labels: dict[str, Any] = {}
        self._rules: dict[str, Any] = {}
        for manifest, held in manifests:
            name = manifest.name
            if type(name) is not str:
                continue
            if manifest.kind == "ClusterRole":
                self._cluster[name] = held
                self._labels[name] = manifest.labels
            elif manifest.kind == "Role":
                namespace = DEFAULT_NAMESPACE if manifest.namespace is None else manifest.namespace
                if type(namespace) is str:
                    self._namespaced[namespace, name] = held

    def rules(self, kind: Any, name: Any, namespace: Any) -> Any:
        """Return the rules of a role as plain JSON in the form of `Rule`, or an unknown."""
        for part in (kind, name, namespace):
            if is_unknown(part):
                return part
        if kind == "ClusterRole":
            if name not in self._rules:
                self._rules[name] = self._cluster_rules(str(name))
            return self._rules[name]
        held = self._namespaced.get((str(namespace), str(name)))
        return _missing(str(kind), str(name)) if held is None else _rules(held.get("rules"))

    def _cluster_rules(self, name: str) -> Any:
        held = self._cluster.get(name)
        if held is None:
            builtin = BUILTIN_ROLES.get(name)
            return _missing("ClusterRole", name) if builtin is None else self._grown(name, builtin)
        aggregation = held.get("aggregationRule")
        if is_unknown(aggregation):
            return aggregation
        if aggregation is None:
            return _rules(held.get("rules"))
        selectors = aggregation.get("clusterRoleSelectors") or []
        if is_unknown(selectors):
            return selectors
        matching = [
            other
            for other in self._cluster
            if other != name and any(matches(self._labels[other], each) is True for each in selectors)
        ]
        if not matching:
            message = f"the ClusterRole {name} is an aggregate, and none of its parts is among the manifests"
            return {UNKNOWN_KEY: message, "cause": "missing"}
        return self._union([], matching)

    def _grown(self, name: str, builtin: list[dict[str, Any]]) -> Any:
        """Return the rules of a built-in role with those that the input's ClusterRoles add to it."""
        labels = [_AGGREGATE + part for part in AGGREGATED.get(name, ())]
        adding = [
            other
            for other, own in self._labels.items()
            if type(own) is dict and any(own.get(label) == "true" for label in labels)
        ]
        return self._union(_rules(builtin), adding)

    def _union(self, rules: list[Any], names: list[str]) -> Any:
        union = list(rules)
        for name in names:
            added = _rules(self._cluster[name].get("rules"))
            if is_unknown(added):
                return added
            union += [rule for rule in added if rule not in union]
        return union


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


def _missing(kind: str, name: str) -> dict[str, Any]:
    return {UNKNOWN_KEY: f"the {kind} {name} is not among the manifests", "cause": "missing"}


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


def _rules(rules: Any) -> Any:
    if rules is None or is_unknown(rules):
        return [] if rules is None else rules
    return [rule if is_unknown(rule) else {name: rule.get(field, []) for name, field in _RULE_FIELDS} for rule in rules]
