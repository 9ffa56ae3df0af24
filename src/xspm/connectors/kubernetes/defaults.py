"""What the API server fills in where a pod leaves something out.

Only values that are not given are filled, never one that is; the path of each is recorded, so that a report can say
that a value is a default. Zero values of plain booleans (`hostNetwork: false`) count as defaults too: the API has no
other word for not given. Sources:

- `SetDefaults_*` in https://github.com/kubernetes/kubernetes/blob/master/pkg/apis/core/v1/defaults.go;
- the ServiceAccount admission plugin, for the service account's name:
  https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#serviceaccount.
"""

from __future__ import annotations

from typing import Any, Final, TypeGuard

from xspm.connectors.kubernetes.image import parse_image
from xspm.connectors.kubernetes.shapes import is_unknown

CONTAINER_LISTS: Final = {"containers": "container", "initContainers": "init", "ephemeralContainers": "ephemeral"}
"""Fields of a PodSpec that hold containers, and the kind of container each holds."""

_POD: Final[dict[str, Any]] = {
    "dnsPolicy": "ClusterFirst",
    "enableServiceLinks": True,
    "hostIPC": False,
    "hostNetwork": False,
    "hostPID": False,
    "restartPolicy": "Always",
    "schedulerName": "default-scheduler",
    "terminationGracePeriodSeconds": 30,
}
_CONTAINER: Final[dict[str, Any]] = {
    "terminationMessagePath": "/dev/termination-log",
    "terminationMessagePolicy": "File",
}
_PROBE: Final = {"failureThreshold": 3, "periodSeconds": 10, "successThreshold": 1, "timeoutSeconds": 1}
_HTTP_GET: Final = {"path": "/", "scheme": "HTTP"}
_PROBES: Final = ("livenessProbe", "readinessProbe", "startupProbe")
_MODE: Final = 0o644
_VOLUME_MODES: Final = ("configMap", "downwardAPI", "projected", "secret")
_VOLUME_FIELDS: Final = frozenset({"name"})


def fill_pod_spec(spec: dict[str, Any]) -> list[str]:
    """Fill the defaults of a PodSpec in place; return the paths that were filled, sorted.

    Args:
        spec: a PodSpec held to its shape; it is changed, and so are the mappings in it that defaults belong to.
    """
    filled: list[str] = []
    _fill(spec, _POD, "", filled)
    if "securityContext" not in spec:
        spec["securityContext"] = {}
        filled.append("securityContext")
    if "serviceAccountName" not in spec:
        # `serviceAccount` is the deprecated name of the same field.
        spec["serviceAccountName"] = spec.get("serviceAccount", "default")
        filled.append("serviceAccountName")
    for field in CONTAINER_LISTS:
        for index, container in enumerate(_list(spec.get(field))):
            if type(container) is dict and not is_unknown(container):
                _container(container, f"{field}[{index}]", filled, host_network=spec["hostNetwork"] is True)
    for index, volume in enumerate(_list(spec.get("volumes"))):
        if type(volume) is dict and not is_unknown(volume):
            _volume(volume, f"volumes[{index}]", filled)
    filled.sort()
    return filled


def _container(container: dict[str, Any], path: str, filled: list[str], *, host_network: bool) -> None:
    _fill(container, _CONTAINER, path, filled)
    image = container.get("image")
    if "imagePullPolicy" not in container and type(image) is str:
        parsed = parse_image(image)
        always = parsed.tag == "latest" or (parsed.tag is None and "@" not in image)
        container["imagePullPolicy"] = "Always" if always else "IfNotPresent"
        filled.append(f"{path}.imagePullPolicy")
    security = container.get("securityContext")
    if _known(security):
        _fill(security, {"procMount": "Default"}, f"{path}.securityContext", filled)
    for index, port in enumerate(_list(container.get("ports"))):
        if _known(port):
            _fill(port, {"protocol": "TCP"}, f"{path}.ports[{index}]", filled)
            if host_network and type(port.get("containerPort")) is int:
                # A port of the host's own network is open on the host, whatever `hostPort` says; zero says nothing.
                if port.get("hostPort") == 0:
                    del port["hostPort"]
                _fill(port, {"hostPort": port["containerPort"]}, f"{path}.ports[{index}]", filled)
    for name in _PROBES:
        probe = container.get(name)
        if _known(probe):
            _fill(probe, _PROBE, f"{path}.{name}", filled)
            if _known(probe.get("httpGet")):
                _fill(probe["httpGet"], _HTTP_GET, f"{path}.{name}.httpGet", filled)
    _hooks(container.get("lifecycle"), f"{path}.lifecycle", filled)
    resources = container.get("resources")
    if _known(resources) and _known(limits := resources.get("limits")):
        requests = resources.setdefault("requests", {})
        if _known(requests):
            resources["requests"] = requests = dict(requests)
            _fill(
                requests,
                {name: limit for name, limit in limits.items() if limit is not None},
                f"{path}.resources.requests",
                filled,
            )


def _hooks(lifecycle: Any, path: str, filled: list[str]) -> None:
    for name in ("postStart", "preStop"):
        hook = lifecycle.get(name) if _known(lifecycle) else None
        if _known(hook) and _known(hook.get("httpGet")):
            _fill(hook["httpGet"], _HTTP_GET, f"{path}.{name}.httpGet", filled)


def _volume(volume: dict[str, Any], path: str, filled: list[str]) -> None:
    if not volume.keys() - _VOLUME_FIELDS:
        volume["emptyDir"] = {}
        filled.append(f"{path}.emptyDir")
    for name in _VOLUME_MODES:
        if _known(volume.get(name)):
            _fill(volume[name], {"defaultMode": _MODE}, f"{path}.{name}", filled)
    if _known(volume.get("hostPath")):
        _fill(volume["hostPath"], {"type": ""}, f"{path}.hostPath", filled)


def _fill(target: dict[str, Any], values: dict[str, Any], path: str, filled: list[str]) -> None:
    """Set what is not there."""
    for name, value in values.items():
        if name not in target:
            target[name] = value
            filled.append(f"{path}.{name}" if path else name)


def _known(value: Any) -> TypeGuard[dict[str, Any]]:
    """Whether a value is a mapping that is known."""
    return type(value) is dict and not is_unknown(value)


def _list(value: Any) -> list[Any]:
    return value if type(value) is list else []
