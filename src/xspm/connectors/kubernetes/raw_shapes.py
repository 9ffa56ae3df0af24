"""The shapes of what checks read of objects that are evidence as written: services, routes, policies, web hooks.

A value of another shape becomes an unknown, as in a pod; see `xspm.connectors.kubernetes.shapes`. Fields that are not
in the tables stay as they are. The tables follow https://kubernetes.io/docs/reference/kubernetes-api/.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from xspm.connectors.kubernetes.names import RAW_TYPES
from xspm.connectors.kubernetes.shapes import Report, hold, is_unknown

if TYPE_CHECKING:
    from xspm.connectors.kubernetes.manifest import Manifest

_PEER: Final = {
    "ipBlock": {"cidr": "string", "except": "strings"},
    "podSelector": "mapping",
    "namespaceSelector": "mapping",
}
_PORTS: Final = [{"protocol": "string", "endPort": "int"}]
_WEBHOOKS: Final[dict[str, Any]] = {
    "webhooks": [
        {
            "name": "string",
            "failurePolicy": "string",
            "clientConfig": "mapping",
            "namespaceSelector": "mapping",
            "rules": [{"apiGroups": "strings", "operations": "strings", "resources": "strings", "scope": "string"}],
        }
    ]
}
_TABLES: Final[dict[str, dict[str, Any]]] = {
    "k8s.configmap": {"data": "mapping", "binaryData": "mapping", "immutable": "bool"},
    "k8s.gateway": {
        "spec": {
            "listeners": [
                {
                    "name": "string",
                    "protocol": "string",
                    "hostname": "string",
                    "tls": "mapping",
                    "allowedRoutes": "mapping",
                }
            ]
        }
    },
    "k8s.ingress": {
        "spec": {
            "tls": [{"hosts": "strings", "secretName": "string"}],
            "rules": [{"host": "string", "http": {"paths": "list"}}],
            "ingressClassName": "string",
        }
    },
    "k8s.limitrange": {"spec": "mapping"},
    "k8s.mutatingwebhookconfiguration": _WEBHOOKS,
    "k8s.networkpolicy": {
        "spec": {
            "podSelector": "mapping",
            "policyTypes": "strings",
            "ingress": [{"from": [_PEER], "ports": _PORTS}],
            "egress": [{"to": [_PEER], "ports": _PORTS}],
        }
    },
    "k8s.persistentvolume": {"spec": {"hostPath": {"path": "string"}, "local": {"path": "string"}}},
    "k8s.poddisruptionbudget": {"spec": {"selector": "mapping"}},
    "k8s.resourcequota": {"spec": "mapping"},
    "k8s.secret": {"type": "string", "data": "mapping", "stringData": "mapping", "immutable": "bool"},
    "k8s.service": {
        "spec": {
            "type": "string",
            "clusterIP": "string",
            "externalIPs": "strings",
            "externalName": "string",
            "loadBalancerSourceRanges": "strings",
            "ports": [{"name": "string", "protocol": "string", "port": "int", "nodePort": "int"}],
            "selector": "mapping",
        }
    },
    "k8s.serviceaccount": {"automountServiceAccountToken": "bool", "secrets": "list", "imagePullSecrets": "list"},
    "k8s.storageclass": {"provisioner": "string", "parameters": "mapping"},
    "k8s.validatingwebhookconfiguration": _WEBHOOKS,
}


def held_raw(manifest: Manifest, report: Report) -> dict[str, Any] | None:
    """Return the fields of an object that have a shape here, held to it; None for kinds without a table."""
    raw = RAW_TYPES.get((manifest.group, manifest.kind))
    table = _TABLES.get(raw[0]) if raw else None
    if table is None:
        return None
    held = hold({key: manifest.value[key] for key in table if key in manifest.value}, table, (), report)
    assert isinstance(held, dict)  # noqa: S101 - a mapping held to a table is a mapping
    return held


def held_metadata(manifest: Manifest) -> dict[str, Any]:
    """Return `metadata` of an object with unknowns where it has another shape; nothing when it is sound."""
    metadata = manifest.value.get("metadata")
    if metadata is None:
        return {}
    if type(metadata) is not dict or is_unknown(metadata):
        return {"metadata": manifest.name}
    read = {
        "name": manifest.name,
        "namespace": manifest.namespace,
        "labels": manifest.labels,
        "annotations": manifest.annotations,
    }
    wrong = {
        field: value
        for field, value in read.items()
        if field in metadata and type(value) is dict and value != metadata[field]
    }
    return {"metadata": metadata | wrong} if wrong else {}
