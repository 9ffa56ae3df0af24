"""The ClusterRoles that every cluster has, so that a binding to one is understood without it being among the manifests.

Source: https://kubernetes.io/docs/reference/access-authn-authz/rbac/#default-roles-and-role-bindings and the bootstrap
policy (plugin/pkg/auth/authorizer/rbac/bootstrappolicy/policy.go). Rules are grouped by what they allow; status
sub-resources and the retired `extensions` group are left out, since they give no right that the rest does not.
"""

from __future__ import annotations

from typing import Any, Final

_READ: Final = ["get", "list", "watch"]
_WRITE: Final = ["create", "delete", "deletecollection", "patch", "update"]


def _rule(verbs: list[str], group: str, *resources: str) -> dict[str, Any]:
    return {"verbs": verbs, "apiGroups": [group], "resources": list(resources)}


_VIEW: Final = [
    _rule(
        _READ, "", "configmaps", "endpoints", "persistentvolumeclaims", "pods", "replicationcontrollers",
        "serviceaccounts", "services", "bindings", "events", "limitranges", "namespaces", "pods/log", "pods/status",
        "resourcequotas",
    ),
    _rule(_READ, "discovery.k8s.io", "endpointslices"),
    _rule(_READ, "apps", "controllerrevisions", "daemonsets", "deployments", "replicasets", "statefulsets"),
    _rule(_READ, "autoscaling", "horizontalpodautoscalers"),
    _rule(_READ, "batch", "cronjobs", "jobs"),
    _rule(_READ, "policy", "poddisruptionbudgets"),
    _rule(_READ, "networking.k8s.io", "ingresses", "networkpolicies"),
]  # fmt: skip
_EDIT: Final = [
    *_VIEW,
    _rule(_READ, "", "pods/attach", "pods/exec", "pods/portforward", "pods/proxy", "secrets", "services/proxy"),
    _rule(["impersonate"], "", "serviceaccounts"),
    _rule(
        _WRITE, "", "pods", "pods/attach", "pods/exec", "pods/portforward", "pods/proxy", "configmaps", "events",
        "persistentvolumeclaims", "replicationcontrollers", "secrets", "serviceaccounts", "services", "services/proxy",
    ),
    _rule(["create"], "", "pods/eviction", "serviceaccounts/token"),
    _rule(_WRITE, "apps", "daemonsets", "deployments", "deployments/rollback", "replicasets", "statefulsets"),
    _rule(_WRITE, "autoscaling", "horizontalpodautoscalers"),
    _rule(_WRITE, "batch", "cronjobs", "jobs"),
    _rule(_WRITE, "policy", "poddisruptionbudgets"),
    _rule(_WRITE, "networking.k8s.io", "ingresses", "networkpolicies"),
]  # fmt: skip
_ADMIN: Final = [
    *_EDIT,
    _rule(["create"], "authorization.k8s.io", "localsubjectaccessreviews"),
    _rule([*_WRITE, *_READ], "rbac.authorization.k8s.io", "roles", "rolebindings"),
]

BUILTIN_ROLES: Final[dict[str, list[dict[str, Any]]]] = {
    "cluster-admin": [
        _rule(["*"], "*", "*"),
        {"verbs": ["*"], "nonResourceURLs": ["*"]},
    ],
    "admin": _ADMIN,
    "edit": _EDIT,
    "view": _VIEW,
    "system:auth-delegator": [
        _rule(["create"], "authentication.k8s.io", "tokenreviews"),
        _rule(["create"], "authorization.k8s.io", "subjectaccessreviews"),
    ],
    "system:basic-user": [
        _rule(["create"], "authorization.k8s.io", "selfsubjectaccessreviews", "selfsubjectrulesreviews"),
        _rule(["create"], "authentication.k8s.io", "selfsubjectreviews"),
    ],
    "system:discovery": [
        {
            "verbs": ["get"],
            "nonResourceURLs": [
                "/api", "/api/*", "/apis", "/apis/*", "/healthz", "/livez", "/openapi", "/openapi/*", "/readyz",
                "/version", "/version/",
            ],
        }
    ],
    "system:kube-aggregator": [
        _rule(_READ, "", "endpoints", "services"),
        _rule(_READ, "discovery.k8s.io", "endpointslices"),
    ],
    "system:kube-dns": [_rule(["list", "watch"], "", "endpoints", "services")],
    "system:kubelet-api-admin": [
        _rule(_READ, "", "nodes"),
        _rule(["proxy"], "", "nodes"),
        _rule(["*"], "", "nodes/log", "nodes/metrics", "nodes/proxy", "nodes/stats"),
    ],
    "system:monitoring": [
        {
            "verbs": ["get"],
            "nonResourceURLs": ["/healthz", "/healthz/*", "/livez", "/livez/*", "/metrics", "/metrics/slis", "/readyz",
            "/readyz/*"],
        }
    ],
    "system:node-bootstrapper": [
        _rule(["create", *_READ], "certificates.k8s.io", "certificatesigningrequests"),
    ],
    "system:node-problem-detector": [
        _rule(["get"], "", "nodes"),
        _rule(["patch"], "", "nodes/status"),
        *(_rule(["create", "patch", "update"], group, "events") for group in ("", "events.k8s.io")),
    ],
    "system:persistent-volume-provisioner": [
        _rule(["create", "delete", *_READ], "", "persistentvolumes"),
        _rule([*_READ, "update"], "", "persistentvolumeclaims"),
        _rule(_READ, "storage.k8s.io", "storageclasses"),
        _rule(["watch"], "", "events"),
        *(_rule(["create", "patch", "update"], group, "events") for group in ("", "events.k8s.io")),
    ],
    "system:public-info-viewer": [
        {"verbs": ["get"], "nonResourceURLs": ["/healthz", "/livez", "/readyz", "/version", "/version/"]},
    ],
    "system:service-account-issuer-discovery": [
        {"verbs": ["get"], "nonResourceURLs": ["/.well-known/openid-configuration",
        "/.well-known/openid-configuration/", "/openid/v1/jwks"]},
    ],
}  # fmt: skip
"""Name to rules, as a ClusterRole writes them."""

AGGREGATED: Final[dict[str, tuple[str, ...]]] = {
    "admin": ("admin", "edit", "view"),
    "edit": ("edit", "view"),
    "view": ("view",),
}
"""Built-in roles that grow by ClusterRoles with the label `rbac.authorization.k8s.io/aggregate-to-NAME: "true"`."""
