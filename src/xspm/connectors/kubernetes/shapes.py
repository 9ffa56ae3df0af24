"""The shapes of the parts of a pod that checks read, and how a value is held to them.

Whatever is written where Kubernetes wants something else is reported and becomes an unknown, so that a check that reads
it can neither pass nor crash. Null stands for not given, as for the API server. Fields that are not in the tables are
kept as they are. The tables follow the API reference:
https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

from xspm.model.unknown import UNKNOWN_KEY

if TYPE_CHECKING:
    from collections.abc import Callable

    from xspm.syntax.yaml import Path

Expected: TypeAlias = "str | dict[str, Any] | list[Any]"
"""`bool`, `int`, `string`, `quantity`, `mapping`, `list`, `strings`, `integers`; a table for a mapping; `[table]` for a
list of mappings.
"""

_HANDLER: Final[dict[str, Any]] = {
    "exec": {"command": "strings"},
    "httpGet": {"host": "string", "path": "string", "scheme": "string", "httpHeaders": "list"},
    "tcpSocket": {"host": "string"},
    "sleep": "mapping",
}
_PROBE: Final[dict[str, Any]] = {
    **_HANDLER,
    "grpc": "mapping",
    "initialDelaySeconds": "int",
    "timeoutSeconds": "int",
    "periodSeconds": "int",
    "successThreshold": "int",
    "failureThreshold": "int",
    "terminationGracePeriodSeconds": "int",
}
_PROFILE: Final[dict[str, Any]] = {"type": "string", "localhostProfile": "string"}
_SECURITY: Final[dict[str, Any]] = {
    "runAsUser": "int",
    "runAsGroup": "int",
    "runAsNonRoot": "bool",
    "seccompProfile": _PROFILE,
    "appArmorProfile": _PROFILE,
    "seLinuxOptions": {"type": "string", "user": "string", "role": "string", "level": "string"},
    "windowsOptions": {"hostProcess": "bool", "runAsUserName": "string", "gmsaCredentialSpecName": "string"},
}
_CONTAINER_SECURITY: Final[dict[str, Any]] = {
    **_SECURITY,
    "privileged": "bool",
    "allowPrivilegeEscalation": "bool",
    "readOnlyRootFilesystem": "bool",
    "procMount": "string",
    "capabilities": {"add": "strings", "drop": "strings"},
}
_POD_SECURITY: Final[dict[str, Any]] = {
    **_SECURITY,
    "fsGroup": "int",
    "fsGroupChangePolicy": "string",
    "supplementalGroups": "integers",
    "sysctls": [{"name": "string", "value": "string"}],
}
_CONTAINER: Final[dict[str, Any]] = {
    "name": "string",
    "image": "string",
    "imagePullPolicy": "string",
    "command": "strings",
    "args": "strings",
    "workingDir": "string",
    "env": [{"name": "string", "value": "string", "valueFrom": "mapping"}],
    "envFrom": [{"configMapRef": "mapping", "secretRef": "mapping", "prefix": "string"}],
    "ports": [{"containerPort": "int", "hostPort": "int", "hostIP": "string", "name": "string", "protocol": "string"}],
    "resources": {"limits": "mapping", "requests": "mapping", "claims": "list"},
    "securityContext": _CONTAINER_SECURITY,
    "volumeMounts": [
        {
            "name": "string",
            "mountPath": "string",
            "subPath": "string",
            "subPathExpr": "string",
            "readOnly": "bool",
            "mountPropagation": "string",
        }
    ],
    "livenessProbe": _PROBE,
    "readinessProbe": _PROBE,
    "startupProbe": _PROBE,
    "lifecycle": {"postStart": _HANDLER, "preStop": _HANDLER},
    "restartPolicy": "string",
    "stdin": "bool",
    "tty": "bool",
    "terminationMessagePath": "string",
    "terminationMessagePolicy": "string",
    "targetContainerName": "string",
}
_FILES: Final = [{"key": "string", "path": "string", "mode": "int"}]
_SOURCE: Final[dict[str, Any]] = {
    "secret": {"name": "string", "items": _FILES, "optional": "bool"},
    "configMap": {"name": "string", "items": _FILES, "optional": "bool"},
    "downwardAPI": {"items": "list"},
    "serviceAccountToken": {"audience": "string", "expirationSeconds": "int", "path": "string"},
    "clusterTrustBundle": "mapping",
}
_VOLUME: Final[dict[str, Any]] = {
    "name": "string",
    "hostPath": {"path": "string", "type": "string"},
    "emptyDir": {"medium": "string", "sizeLimit": "quantity"},
    "secret": {"secretName": "string", "defaultMode": "int", "items": _FILES, "optional": "bool"},
    "configMap": {"name": "string", "defaultMode": "int", "items": _FILES, "optional": "bool"},
    "projected": {"defaultMode": "int", "sources": [_SOURCE]},
    "downwardAPI": {"defaultMode": "int", "items": "list"},
    "persistentVolumeClaim": {"claimName": "string", "readOnly": "bool"},
    "ephemeral": "mapping",
    "csi": "mapping",
    "nfs": "mapping",
}
POD_SPEC: Final[dict[str, Any]] = {
    "containers": [_CONTAINER],
    "initContainers": [_CONTAINER],
    "ephemeralContainers": [_CONTAINER],
    "volumes": [_VOLUME],
    "securityContext": _POD_SECURITY,
    "hostNetwork": "bool",
    "hostPID": "bool",
    "hostIPC": "bool",
    "hostUsers": "bool",
    "shareProcessNamespace": "bool",
    "automountServiceAccountToken": "bool",
    "enableServiceLinks": "bool",
    "serviceAccountName": "string",
    "serviceAccount": "string",
    "nodeName": "string",
    "nodeSelector": "mapping",
    "restartPolicy": "string",
    "dnsPolicy": "string",
    "dnsConfig": "mapping",
    "hostname": "string",
    "priorityClassName": "string",
    "runtimeClassName": "string",
    "schedulerName": "string",
    "terminationGracePeriodSeconds": "int",
    "activeDeadlineSeconds": "int",
    "imagePullSecrets": [{"name": "string"}],
    "tolerations": [{"key": "string", "operator": "string", "value": "string", "effect": "string"}],
    "topologySpreadConstraints": [{"topologyKey": "string", "whenUnsatisfiable": "string"}],
    "hostAliases": [{"ip": "string", "hostnames": "strings"}],
    "affinity": "mapping",
    "os": {"name": "string"},
}

CLAIMED: Final = "the key $unknown is xspm's own and cannot be given: what stands here is not read"
"""Why an unknown that the input itself claims is one; see `xspm.connectors.kubernetes.claimed`."""

_WORDS: Final = {
    "bool": "true or false",
    "int": "an integer",
    "string": "a string",
    "quantity": "a quantity",
    "mapping": "a mapping",
    "list": "a list",
    "strings": "a list of strings",
    "integers": "a list of integers",
}
_ITEMS: Final = {"strings": str, "integers": int}

Report: TypeAlias = "Callable[[Path, str], None]"
"""Takes the path of a malformed value and what is wrong with it."""


def is_unknown(value: Any) -> bool:
    """Whether a value in plain JSON is an unknown."""
    return type(value) is dict and UNKNOWN_KEY in value


def unknown(message: str) -> dict[str, str]:
    """Return the unknown for a value that is there and not understood."""
    return {UNKNOWN_KEY: message, "cause": "format"}


def describe(value: Any) -> str:
    """Say what a value is, without the value itself."""
    words = {
        bool: "a boolean",
        int: "an integer",
        float: "a number",
        str: "a string",
        list: "a list",
        dict: "a mapping",
    }
    return words.get(type(value), "null")


def dotted(path: Path) -> str:
    """Return a path as checks write it: `spec.containers[0].image`."""
    text = ""
    for step in path:
        text += f"[{step}]" if type(step) is int else (f".{step}" if text else str(step))
    return text


def hold(value: Any, expected: Expected, path: Path, report: Report) -> Any:
    """Return a copy of `value` (not null) that has the expected shape, with unknowns where the original has another."""
    if is_unknown(value):
        if value[UNKNOWN_KEY] != CLAIMED and expected not in ("int", "quantity"):
            report(path, f"{dotted(path)}: {value[UNKNOWN_KEY]}")
        return value
    if type(expected) is dict:
        return (
            _mapping(value, expected, path, report) if type(value) is dict else _wrong(value, "mapping", path, report)
        )
    if type(expected) is list:
        if type(value) is not list:
            return _wrong(value, "list", path, report)
        return [hold(item, expected[0], (*path, index), report) for index, item in enumerate(value)]
    return value if _is(value, str(expected)) else _scalar(value, str(expected), path, report)


def _mapping(value: dict[str, Any], table: dict[str, Any], path: Path, report: Report) -> dict[str, Any]:
    held: dict[str, Any] = {}
    for key, item in value.items():
        if item is None:
            continue
        expected = table.get(key)
        held[key] = item if expected is None else hold(item, expected, (*path, key), report)
        if expected is None and (meant := _other_case(key, table)) is not None:
            message = f"{dotted((*path, key))} is no field of Kubernetes, which knows {meant}"
            report((*path, key), message)
            if value.get(meant) is None:
                held[meant] = unknown(message)
    return held


def _other_case(key: str, table: dict[str, Any]) -> str | None:
    """Return the field that a key would be in another case: the API server drops or refuses it."""
    lowered = key.lower()
    return next((field for field in table if field.lower() == lowered), None)


def _is(value: Any, expected: str) -> bool:
    match expected:
        case "bool":
            return type(value) is bool
        case "int":
            return type(value) is int
        case "string":
            return type(value) is str
        case "quantity":
            return type(value) in (str, int, float)
        case "mapping":
            return type(value) is dict
        case "list":
            return type(value) is list
    return type(value) is list and all(type(item) is _ITEMS[expected] for item in value)


def _scalar(value: Any, expected: str, path: Path, report: Report) -> Any:
    """Return the unknown for a wrong scalar; in a list of scalars only the wrong items become unknown."""
    if expected in _ITEMS and type(value) is list:
        word = "string" if expected == "strings" else "int"
        kind = _ITEMS[expected]
        return [
            item if type(item) is kind or is_unknown(item) else _wrong(item, word, (*path, index), report)
            for index, item in enumerate(value)
        ]
    return _wrong(value, expected, path, report)


def _wrong(value: Any, expected: str, path: Path, report: Report) -> dict[str, str]:
    message = f"{dotted(path)} is {describe(value)}, and {_WORDS[expected]} is expected"
    report(path, message)
    return unknown(message)
