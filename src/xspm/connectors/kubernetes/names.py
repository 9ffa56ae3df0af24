"""Kinds of the API: their groups, which belong to no namespace, and which are resource types of their own."""

from __future__ import annotations

from typing import Final

ARGO: Final = "argoproj.io"
RBAC: Final = "rbac.authorization.k8s.io"
TEKTON: Final = "tekton.dev"
_REGISTRATION: Final = "admissionregistration.k8s.io"
_NETWORKING: Final = "networking.k8s.io"

RAW_TYPES: Final[dict[tuple[str, str], tuple[str, str]]] = {
    ("", "ConfigMap"): ("k8s.configmap", "Configuration values; what looks like a credential is redacted"),
    ("", "Endpoints"): ("k8s.endpoints", "Addresses behind a Service, given by hand"),
    ("", "LimitRange"): ("k8s.limitrange", "Default and allowed resources of a namespace's containers"),
    ("", "Namespace"): ("k8s.namespace", "A namespace with its labels"),
    ("", "PersistentVolume"): ("k8s.persistentvolume", "Storage of the cluster"),
    ("", "PersistentVolumeClaim"): ("k8s.persistentvolumeclaim", "A request for storage"),
    ("", "ResourceQuota"): ("k8s.resourcequota", "What a namespace may use in all"),
    ("", "Secret"): ("k8s.secret", "Secret values: the keys are known, every value is redacted"),
    ("", "Service"): ("k8s.service", "A stable address for pods"),
    ("", "ServiceAccount"): ("k8s.serviceaccount", "An identity that pods run under"),
    (RBAC, "ClusterRole"): ("k8s.clusterrole", "Rights in the whole cluster, or to be bound in a namespace"),
    (RBAC, "ClusterRoleBinding"): ("k8s.clusterrolebinding", "Gives a ClusterRole to subjects in the whole cluster"),
    (RBAC, "Role"): ("k8s.role", "Rights in one namespace"),
    (RBAC, "RoleBinding"): ("k8s.rolebinding", "Gives a role to subjects in one namespace"),
    ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"): (
        "k8s.mutatingwebhookconfiguration",
        "Web hooks that change objects on their way in",
    ),
    (_REGISTRATION, "ValidatingAdmissionPolicy"): ("k8s.validatingadmissionpolicy", "Admission rules in CEL"),
    (_REGISTRATION, "ValidatingWebhookConfiguration"): (
        "k8s.validatingwebhookconfiguration",
        "Web hooks that allow or refuse objects on their way in",
    ),
    ("apiextensions.k8s.io", "CustomResourceDefinition"): ("k8s.customresourcedefinition", "A kind added to the API"),
    ("apiregistration.k8s.io", "APIService"): ("k8s.apiservice", "A part of the API that another server answers"),
    ("autoscaling", "HorizontalPodAutoscaler"): ("k8s.horizontalpodautoscaler", "How far a workload scales by itself"),
    ("certificates.k8s.io", "CertificateSigningRequest"): (
        "k8s.certificatesigningrequest",
        "A request for a certificate",
    ),
    ("extensions", "Ingress"): ("k8s.ingress", "HTTP routes from outside"),
    ("gateway.networking.k8s.io", "Gateway"): ("k8s.gateway", "Listeners for traffic from outside (Gateway API)"),
    ("gateway.networking.k8s.io", "HTTPRoute"): ("k8s.httproute", "HTTP routes of a Gateway"),
    (_NETWORKING, "Ingress"): ("k8s.ingress", "HTTP routes from outside"),
    (_NETWORKING, "NetworkPolicy"): ("k8s.networkpolicy", "Which traffic pods may send and receive"),
    ("policy", "PodDisruptionBudget"): ("k8s.poddisruptionbudget", "How many pods may be down on purpose"),
    ("policy", "PodSecurityPolicy"): ("k8s.podsecuritypolicy", "Admission rules for pods, removed in Kubernetes 1.25"),
    ("scheduling.k8s.io", "PriorityClass"): ("k8s.priorityclass", "Which pods go first"),
    ("storage.k8s.io", "StorageClass"): ("k8s.storageclass", "How volumes are made"),
}
"""API group and kind to the name and title of the resource type that is the object as written."""

TYPED: Final = ("k8s.container", "k8s.namespace_summary", "k8s.object", "k8s.rbac_grant", "k8s.workload")

BUILTIN_GROUPS: Final = frozenset({"", "apps", "autoscaling", "batch", "extensions", "policy"})
"""API groups of Kubernetes itself that have no dot."""
_DOTTED_GROUPS: Final = frozenset(
    f"{name}.k8s.io"
    for name in (
        "admissionregistration", "apiextensions", "apiregistration", "authentication", "authorization", "certificates",
        "coordination", "discovery", "events", "flowcontrol.apiserver", "gateway.networking", "internal.apiserver",
        "metrics", "networking", "node", "policy.networking", "rbac.authorization", "resource", "scheduling",
        "snapshot.storage", "storage", "storagemigration",
    )
)  # fmt: skip
"""Other groups that end in `.k8s.io`, as Spark's, are those of operators."""

CLUSTER_SCOPED: Final = frozenset(
    {
        "APIService", "CSIDriver", "CSINode", "CertificateSigningRequest", "ClusterRole", "ClusterRoleBinding",
        "ClusterTrustBundle", "ComponentStatus", "CustomResourceDefinition", "FlowSchema", "GatewayClass",
        "IngressClass", "MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding", "MutatingWebhookConfiguration",
        "Namespace", "Node", "PersistentVolume", "PodSecurityPolicy", "PriorityClass", "PriorityLevelConfiguration",
        "RuntimeClass", "StorageClass", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding",
        "ValidatingWebhookConfiguration", "VolumeAttachment",
    }
)  # fmt: skip
"""Kinds of Kubernetes itself that belong to no namespace (`kubectl api-resources --namespaced=false`)."""

DEFAULT_NAMESPACE: Final = "default"


def group_of(api_version: str) -> str:
    """Return the API group of `group/version`; the core group is empty."""
    group, slash, _ = api_version.rpartition("/")
    return group if slash else ""


def is_builtin(group: str) -> bool:
    """Whether Kubernetes itself defines an API group."""
    return group in BUILTIN_GROUPS or group in _DOTTED_GROUPS
