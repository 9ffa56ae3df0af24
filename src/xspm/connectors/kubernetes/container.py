"""`k8s.container`: every container of every workload, with the security settings that are in force for it.

The effective security context is the container's setting, else the pod's, else what Kubernetes does when neither is
given (https://kubernetes.io/docs/tasks/configure-pod-container/security-context/): as the kubelet and the Pod Security
Standards read it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

import msgspec

from xspm.connectors.kubernetes.defaults import CONTAINER_LISTS
from xspm.connectors.kubernetes.image import parse_image
from xspm.connectors.kubernetes.redact import REDACTED
from xspm.connectors.kubernetes.shapes import is_unknown, unknown
from xspm.model.asset import Location, Resource
from xspm.model.schema import ResourceType
from xspm.model.unknown import UNKNOWN_KEY, Maybe

if TYPE_CHECKING:
    from xspm.connectors.kubernetes.pod import ContainerSource, Template


class SecurityContext(msgspec.Struct, frozen=True):
    """Security settings in force for a container: its own, else the pod's, else what Kubernetes does without."""

    run_as_user: Maybe[int | None]
    """User id of the first process; null leaves it to the image, which may say root."""
    run_as_group: Maybe[int | None]
    """Primary group id; null leaves it to the image."""
    run_as_non_root: Maybe[bool]
    """The kubelet refuses to start the container as user 0; false when not given."""
    privileged: Maybe[bool]
    """All capabilities, all devices, no seccomp, AppArmor or SELinux; false when not given."""
    allow_privilege_escalation: Maybe[bool]
    """The process may gain more privileges than its parent (`no_new_privs` is off); true when not given."""
    allow_privilege_escalation_set: Maybe[bool]
    """`allowPrivilegeEscalation` is given: the restricted Pod Security Standard wants it to be."""
    read_only_root_filesystem: Maybe[bool]
    """The root file system is mounted read-only; false when not given."""
    capabilities_add: Maybe[list[str]]
    """Linux capabilities beyond the runtime's default, as runtimes read them: upper case, without a leading `CAP_`:
    `NET_ADMIN`, `ALL`.
    """
    capabilities_drop: Maybe[list[str]]
    """Linux capabilities taken away, in upper case: with a leading `CAP_` not every runtime takes one away."""
    seccomp_profile: Maybe[str | None]
    """`RuntimeDefault`, `Localhost` or `Unconfined`; null when not given, which means unconfined unless the kubelet has
    a default.
    """
    app_armor_profile: Maybe[str | None]
    """`RuntimeDefault`, `Localhost` or `Unconfined`, from the fields or the older annotation; null when not given."""
    se_linux_type: Maybe[str | None]
    """SELinux type label; null when not given. The container's `seLinuxOptions` replace the pod's as a whole."""
    se_linux_user: Maybe[str | None]
    """SELinux user label; null when not given."""
    se_linux_role: Maybe[str | None]
    """SELinux role label; null when not given."""
    proc_mount: Maybe[str]
    """`Default` (masked /proc) or `Unmasked`."""
    host_process: Maybe[bool]
    """On Windows: the container runs on the host itself; false when not given."""


class PodContainer(msgspec.Struct, frozen=True, kw_only=True):
    """One container of a pod, with the settings in force for it."""

    name: Maybe[str]
    """Name of the container within its pod."""
    kind: Literal["container", "init", "ephemeral"]
    """Which list of the PodSpec it stands in; an init container with `restartPolicy: Always` is a sidecar."""
    sidecar: Maybe[bool]
    """An init container that runs as long as the pod (`restartPolicy: Always`)."""
    spec: Any
    """The container as written, with the API server's defaults filled in."""
    security_context: SecurityContext
    """The security settings in force."""
    image: Maybe[str | None]
    """Image reference as written; null when not given."""
    image_registry: Maybe[str | None]
    """Registry, `docker.io` when the reference names none; null without an image."""
    image_repository: Maybe[str | None]
    """Repository within the registry, `library/nginx` for `nginx`; null without an image."""
    image_tag: Maybe[str | None]
    """Tag; null when the reference has none, which means `latest` unless there is a digest."""
    image_digest: Maybe[str | None]
    """Digest, `sha256:` and 64 hexadecimal digits; null when the reference has none of this form."""
    image_pull_policy: Maybe[str | None]
    """`Always`, `IfNotPresent` or `Never`, by default as the API server sets it; null without an image and a policy."""
    cpu_request: Maybe[str | None]
    """CPU quantity (`500m`), by default the limit, else what the pod as a whole requests; null when there is none. Here
    and below zero is as good as none.
    """
    cpu_limit: Maybe[str | None]
    """CPU quantity, else the one of the pod as a whole (`spec.resources`); null when neither is given: zero is none."""
    memory_request: Maybe[str | None]
    """Memory quantity (`128Mi`), by default the limit, else what the pod as a whole requests; null without any."""
    memory_limit: Maybe[str | None]
    """Memory quantity, else that of the pod as a whole; null when neither is given: zero is no limit."""
    ephemeral_storage_limit: Maybe[str | None]
    """Quantity of the node's disk that the container may fill; null when not given: zero is no limit."""
    env_credentials: Maybe[list[str]]
    """Names of environment variables whose literal value looks like a credential; the values are redacted."""


class Container(PodContainer, ResourceType, frozen=True, kw_only=True):
    """One container, init container or ephemeral container of a workload."""

    TYPE: ClassVar[str] = "k8s.container"

    workload_kind: str
    """Kind of the object that declares the pod: `Deployment`, `CronJob`, a custom resource's kind."""
    workload_name: Maybe[str]
    """Name of that object; `PREFIX*` when it is generated."""
    namespace: Maybe[str]
    """Namespace of that object; `default` when none is given."""
    pod_labels: Maybe[dict[str, str]]
    """Labels of the pod template."""
    pod_annotations: Maybe[dict[str, str]]
    """Annotations of the pod template; what looks like a credential is redacted."""
    pod: Any
    """The PodSpec without its lists of containers, as written, with the API server's defaults filled in."""
    windows: Maybe[bool]
    """The pod declares `os.name: windows`."""


_APP_ARMOR: Final = "container.apparmor.security.beta.kubernetes.io/"
_APP_ARMOR_TYPES: Final = {"runtime/default": "RuntimeDefault", "unconfined": "Unconfined", "localhost": "Localhost"}
_QUANTITY: Final = r"\+?([0-9]+\.?[0-9]*|\.[0-9]+)(?:[KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]+)?"
"""https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/, without negative ones, which are
refused.
"""
_PLACES: Final = {
    "privileged": "privileged",
    "runAsUser": "run_as_user",
    "runAsGroup": "run_as_group",
    "runAsNonRoot": "run_as_non_root",
    "allowPrivilegeEscalation": "allow_privilege_escalation",
    "readOnlyRootFilesystem": "read_only_root_filesystem",
    "capabilities.add": "capabilities_add",
    "capabilities.drop": "capabilities_drop",
    "seccompProfile": "seccomp_profile",
    "appArmorProfile": "app_armor_profile",
    "seLinuxOptions": "se_linux_type",
    "procMount": "proc_mount",
    "windowsOptions": "host_process",
}
"""Fields of a security context and the effective setting each gives."""


def containers(workload_id: str, workload: dict[str, Any], template: Template) -> list[Resource]:
    """Return the containers of a workload; `workload` is the data of its `k8s.workload`."""
    counts: dict[str, int] = {}
    pod = {field: value for field, value in template.spec.items() if field not in CONTAINER_LISTS}
    pod_locations = {f"pod.{path.removeprefix('spec.')}": place for path, place in template.locations.items()}
    pod_locations |= _security_places(template.locations)
    resources = []
    for source in template.containers:
        data = container_data(source, workload, pod)
        name = _shown(data["name"])
        identity = f"{workload_id}/{source.kind}/{name}"
        counts[identity] = count = counts.get(identity, 0) + 1
        locations = pod_locations | source.locations | _security_places(source.locations)
        for field, path in (("image", "spec.image"), ("image_tag", "spec.image"), ("env_credentials", "spec.env")):
            if path in source.locations:
                locations[field] = source.locations[path]
        resources.append(
            Resource(
                type=Container.TYPE,
                id=identity if count == 1 else f"{identity}#{count}",
                name=f"{workload['kind']} {_shown(workload['name'])}, container {name}",
                data=data,
                location=source.location,
                locations=locations,
            )
        )
    return resources


def container_data(source: ContainerSource, workload: dict[str, Any], pod: dict[str, Any]) -> dict[str, Any]:
    """Return the data of one container as plain JSON; mappings are shared with the workload's."""
    spec = source.spec
    return {
        "name": spec.get("name", ""),
        "kind": source.kind,
        "sidecar": _sidecar(source),
        "workload_kind": workload["kind"],
        "workload_name": workload["name"],
        "namespace": workload["namespace"],
        "pod_labels": workload["pod_labels"],
        "pod_annotations": workload["pod_annotations"],
        "spec": spec,
        "pod": pod,
        "security_context": security_context(spec, pod, workload["pod_annotations"]),
        **_image(spec.get("image")),
        "image_pull_policy": spec.get("imagePullPolicy"),
        "cpu_request": _quantity("cpu", "requests", spec, pod),
        "cpu_limit": _quantity("cpu", "limits", spec, pod),
        "memory_request": _quantity("memory", "requests", spec, pod),
        "memory_limit": _quantity("memory", "limits", spec, pod),
        "ephemeral_storage_limit": _quantity("ephemeral-storage", "limits", spec),
        "env_credentials": _env_credentials(spec.get("env")),
        "windows": _equals(_get(pod, "os", "name"), "windows"),
    }


def security_context(spec: dict[str, Any], pod: dict[str, Any], annotations: Any) -> dict[str, Any]:
    """Return the settings in force for a container as plain JSON."""
    own, shared = spec.get("securityContext"), pod.get("securityContext")

    def effective(field: str, default: Any) -> Any:
        value = _get(own, field)
        if value is None:
            value = _get(shared, field)
        return default if value is None else value

    def profile(field: str) -> Any:
        return _get(effective(field, None), "type")

    se_linux = effective("seLinuxOptions", None)
    escalation = _get(own, "allowPrivilegeEscalation")
    host_process = _get(own, "windowsOptions", "hostProcess")
    if host_process is None:
        host_process = _get(shared, "windowsOptions", "hostProcess")
    return {
        "run_as_user": effective("runAsUser", None),
        "run_as_group": effective("runAsGroup", None),
        "run_as_non_root": effective("runAsNonRoot", default=False),
        "privileged": _or(_get(own, "privileged"), default=False),
        "allow_privilege_escalation": _or(escalation, default=True),
        "allow_privilege_escalation_set": escalation if is_unknown(escalation) else escalation is not None,
        "read_only_root_filesystem": _or(_get(own, "readOnlyRootFilesystem"), default=False),
        "capabilities_add": _capabilities(_get(own, "capabilities", "add")),
        "capabilities_drop": _capabilities(_get(own, "capabilities", "drop"), prefix=""),
        "seccomp_profile": profile("seccompProfile"),
        "app_armor_profile": _app_armor(spec, own, shared, annotations),
        "se_linux_type": _get(se_linux, "type"),
        "se_linux_user": _get(se_linux, "user"),
        "se_linux_role": _get(se_linux, "role"),
        "proc_mount": _or(_get(own, "procMount"), "Default"),
        "host_process": _or(host_process, default=False),
    }


def _get(value: Any, *path: str) -> Any:
    """Return what lies at `path`: null where it is not given, an unknown where something on the way is one."""
    for step in path:
        if type(value) is not dict:
            return None
        if UNKNOWN_KEY in value:
            return value
        value = value.get(step)
    return value


def _or(value: Any, default: Any) -> Any:
    return default if value is None else value


def _equals(value: Any, expected: str) -> Any:
    return value if is_unknown(value) else value == expected


def _sidecar(source: ContainerSource) -> Any:
    if source.kind != "init":
        return False
    return _equals(source.spec.get("restartPolicy"), "Always")


def _app_armor(spec: dict[str, Any], own: Any, shared: Any, annotations: Any) -> Any:
    """Return the AppArmor profile: the container's field, else the annotation about it, else the pod's field."""
    profile = _get(own, "appArmorProfile", "type")
    annotation = _get(annotations, _APP_ARMOR + str(spec.get("name", "")))
    if profile is None and type(annotation) is str and annotation:
        profile = _APP_ARMOR_TYPES.get(
            annotation.partition("/")[0] if annotation.startswith("localhost/") else annotation, annotation
        )
    return _get(shared, "appArmorProfile", "type") if profile is None else profile


def _image(image: Any) -> dict[str, Any]:
    names = ("image_registry", "image_repository", "image_tag", "image_digest")
    if type(image) is not str or not image:
        nothing = image if is_unknown(image) else None
        return {"image": nothing, **dict.fromkeys(names, nothing)}
    return {"image": image, **dict(zip(names, parse_image(image), strict=True))}


def _capabilities(names: Any, prefix: str = "CAP_") -> Any:
    """Return capabilities as runtimes read them.

    Where runtimes differ (containerd knows no `CAP_NET_RAW`, CRI-O does), the reading counts that gives the container
    more: the prefix is taken from what is added, and stays on what is dropped, which then names nothing.
    """
    if names is None or is_unknown(names):
        return [] if names is None else names
    return [name.upper().removeprefix(prefix) if type(name) is str else name for name in names]


def _quantity(name: str, field: str, *holders: dict[str, Any]) -> Any:
    """Return the first quantity that is given and not zero: of the container, else of the pod as a whole.

    A pod's limits are its requests where it gives none, as a container's are.
    """
    for holder in holders:
        for part in (field, "limits"):
            value = _get(holder, "resources", part, name)
            if value is None:
                continue
            if is_unknown(value):
                return value
            if type(value) not in (str, int, float) or not (found := re.fullmatch(_QUANTITY, str(value))):
                return unknown(f"the {name} in resources.{part} is not a quantity")
            if found[1].strip("0."):
                return str(value)
            break
    return None


def _env_credentials(env: Any) -> Any:
    """Return the names of redacted variables: redaction has judged their values before."""
    if env is None or is_unknown(env):
        return [] if env is None else env
    names = []
    for variable in env:
        if is_unknown(variable):
            return variable
        name, value = variable.get("name"), variable.get("value")
        if is_unknown(value) or is_unknown(name):
            return value if is_unknown(value) else name
        if type(value) is str and REDACTED in value:
            names.append(str(name))
    return names


def _security_places(locations: dict[str, Location]) -> dict[str, Location]:
    """Return the places of effective settings given the places below a `spec`."""
    prefix = "spec.securityContext."
    return {
        f"security_context.{_PLACES[field]}": place
        for path, place in locations.items()
        if path.startswith(prefix) and (field := path[len(prefix) :]) in _PLACES
    }


def _shown(name: Any) -> str:
    return name if type(name) is str else "(unknown)"
