"""Finds the pod templates of an object, wherever its kind keeps them.

Kinds of Kubernetes itself keep theirs at a known place. In any other object a pod is recognised by its form: a mapping
with a list `containers` whose items have a name and an image, command or security context; below `spec` of something
called a template, or beside `metadata`, a name or image alone will do, and a `podTemplate` needs none, for operators
complete it with their own. Containers in other forms (the steps of a pipeline) are not read, and noted. The search is
bounded. What only looks like a part of a pod (a setting that pods have, an image) is noted too. Whole objects within an
object are left to `xspm.connectors.kubernetes.nested`. Pipelines that are known are read by
`xspm.connectors.kubernetes.pipelines`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from xspm.connectors.kubernetes.names import RAW_TYPES, is_builtin
from xspm.connectors.kubernetes.shapes import POD_SPEC

if TYPE_CHECKING:
    from xspm.syntax.yaml import Path

_TEMPLATE: Final = ("spec", "template")
_KNOWN: Final[dict[tuple[str, str], Path]] = {
    ("", "Pod"): (),
    ("", "PodTemplate"): ("template",),
    ("", "ReplicationController"): _TEMPLATE,
    ("apps", "DaemonSet"): _TEMPLATE,
    ("apps", "Deployment"): _TEMPLATE,
    ("apps", "ReplicaSet"): _TEMPLATE,
    ("apps", "StatefulSet"): _TEMPLATE,
    ("batch", "CronJob"): ("spec", "jobTemplate", "spec", "template"),
    ("batch", "Job"): _TEMPLATE,
    ("extensions", "DaemonSet"): _TEMPLATE,
    ("extensions", "Deployment"): _TEMPLATE,
    ("extensions", "ReplicaSet"): _TEMPLATE,
}
_WITHOUT: Final = {("apps", "ControllerRevision"), ("apiextensions.k8s.io", "CustomResourceDefinition"), *RAW_TYPES}
"""Kinds that make no pods: an old revision is not in force, and a schema only describes."""
_ONE: Final = frozenset({"container", "initContainer", "mainContainer", "script", "sidecar", "stepTemplate"})
_SEVERAL: Final = frozenset({"containers", "ephemeralContainers", "initContainers", "sidecars", "steps"})
"""What pipelines and operators call containers that stand outside a pod spec."""
_OF_CONTAINERS: Final = ("command", "env", "envFrom", "resources", "volumeMounts")
_ONE_ENDING: Final = ("Container",)
_SEVERAL_ENDING: Final = ("Containers",)
_PARTIAL: Final = ("podtemplate", "podtemplatespec")
_HOST: Final = ("hostIPC", "hostNetwork", "hostPID", "privileged")
_OFF: Final[tuple[Any, ...]] = (None, False, "", [], {})
POLICIES: Final = ("gatekeeper.sh", "kyverno.io")
"""Groups whose objects say what pods may not have, in the words of pods."""
_POD_ONLY: Final = frozenset(
    {
        "affinity", "automountServiceAccountToken", "hostAliases", "imagePullSecrets", "initContainers", "nodeSelector",
        "podSecurityContext", "priorityClassName", "runtimeClassName", "schedulerName", "securityContext",
        "serviceAccountName", "terminationGracePeriodSeconds", "tolerations", "topologySpreadConstraints",
        "volumeMounts", "volumes",
    }
)  # fmt: skip
"""Fields that hardly anything but a pod, or what is merged into one, has."""
_POD_NAMES: Final = ("driver", "executor", "pod", "pods", "podspec", "template", "templates", "worker", "workers")
"""Names of what holds parts of pods: there one such field will do."""
_NO_PODS: Final = ("image.toolkit.fluxcd.io", "kpack.io", "metal3.io", "source.toolkit.fluxcd.io")
"""Groups whose objects name images that they do not run."""
_MARKS: Final = ("image", "command", "securityContext")
KNOWN_KINDS: Final = frozenset(_KNOWN)
"""API group and kind of what makes pods in Kubernetes itself."""
_CONTENT: Final = ("data", "metadata", "roleRef", "rules", "spec", "stringData", "subjects", "webhooks")
MAX_DEPTH: Final = 16
MAX_NODES: Final = 20_000


class SearchLimitError(Exception):
    """A custom resource is too large to be searched to its end."""


def known_path(group: str, kind: str) -> Path | None:
    """Return where a kind of Kubernetes itself keeps its pod template; None if it has none."""
    return _KNOWN.get((group, kind))


class Found(NamedTuple):
    """What an object holds of pods."""

    templates: list[Path]
    """Mappings whose `spec` is a PodSpec."""
    specs: list[Path]
    """PodSpecs under another name."""
    unread: list[Path]
    """Containers, or lists of them, in a form that is not read."""
    rights: list[Path]
    """Settings outside a pod spec that give pods the node or more rights than they need."""
    partial: list[Path]
    """What looks like a part of a pod, names an image that is run, or holds objects as text, and is not read."""


def template_paths(value: dict[str, Any], group: str, kind: str) -> list[Path]:
    """Return the paths of the pod templates of an object.

    Raises:
        SearchLimitError: the object is larger than what is searched; templates may lie beyond.
    """
    return find_pods(value, group, kind).templates


def find_pods(value: dict[str, Any], group: str, kind: str) -> Found:
    """Return where an object holds pods.

    Raises:
        SearchLimitError: the object is larger than what is searched; pods may lie beyond.
    """
    known = _KNOWN.get((group, kind))
    if known is not None:
        return Found([known], [], [], [], [])
    if (group, kind) in _WITHOUT:
        return Found([], [], [], [], [])
    custom = not is_builtin(group) and not group.endswith(POLICIES)
    found = _search(value, custom=custom)
    if group.endswith(_NO_PODS):
        found.partial.clear()
    return found


def is_nested_object(value: Any) -> bool:
    """Whether a mapping within an object is an object itself; a mere reference to one has no content."""
    return (
        type(value) is dict
        and type(value.get("apiVersion")) is str
        and type(value.get("kind")) is str
        and any(type(value.get(field)) in (dict, list) for field in _CONTENT)
    )


def _search(root: dict[str, Any], *, custom: bool) -> Found:
    found = Found([], [], [], [], [])
    level: list[tuple[Path, Any]] = [((), root)]
    visited = 0
    for _ in range(MAX_DEPTH):
        below: list[tuple[Path, Any]] = []
        for path, value in level:
            visited += 1
            if visited > MAX_NODES:
                raise SearchLimitError
            if type(value) is dict:
                if custom and path and is_nested_object(value):
                    continue
                if custom:
                    found.rights.extend(_rights(path, value))
                    if _is_part(path, value):
                        found.partial.append(path)
                below.extend(
                    ((*path, key), item)
                    for key, item in value.items()
                    if type(item) in (dict, list) and not _taken(key, item, path, value, found)
                )
            else:
                below.extend(((*path, index), item) for index, item in enumerate(value) if type(item) in (dict, list))
        if not below:
            return found
        level = below
    raise SearchLimitError


def _taken(key: str, item: Any, path: Path, holder: dict[str, Any], found: Found) -> bool:
    """Note what stands under a key of the mapping at `path`, if it is a pod or containers; it is not searched then."""
    if type(item) is dict and type(containers := item.get("containers")) is list and containers:
        if key == "spec" and _is_pod_spec(containers, path, holder):
            found.templates.append(path)
            return True
        if key != "spec" and any(_is_container(each) for each in containers):
            found.specs.append((*path, key))
            return True
    if key == "spec" and type(item) is dict and _is_partial(item, path):
        found.templates.append(path)
        return True
    one, several = key in _ONE or key.endswith(_ONE_ENDING), key in _SEVERAL or key.endswith(_SEVERAL_ENDING)
    parts = [item] if one else item if several and type(item) is list else []
    if several and type(item) is dict:
        # Operators also name them by the keys of a mapping.
        parts = list(item.values())
    if any(map(_is_marked, parts)) or (one and type(item) is dict and any(field in item for field in _OF_CONTAINERS)):
        found.unread.append((*path, key))
        return True
    return False


def _rights(path: Path, value: dict[str, Any]) -> list[Path]:
    """Return the settings of a mapping, as those of pods are called, that give away the node or root."""
    found = [(*path, key) for key in _HOST if value.get(key) not in _OFF]
    if value.get("hostPath") not in _OFF and type(value["hostPath"]) in (dict, str):
        found.append((*path, "hostPath"))
    name = path[-1] if path else ""
    if type(name) is str and name.lower().endswith("securitycontext"):
        capabilities = value.get("capabilities")
        adds = type(capabilities) is dict and capabilities.get("add") not in _OFF
        seccomp = value.get("seccompProfile")
        unconfined = type(seccomp) is dict and seccomp.get("type") == "Unconfined"
        wide = value.get("allowPrivilegeEscalation") not in _OFF or value.get("procMount") not in (None, "Default")
        root = type(user := value.get("runAsUser")) is int and user == 0
        if adds or unconfined or wide or root or value.get("runAsNonRoot") is False:
            found.append(path)
    return found


def _is_part(path: Path, value: dict[str, Any]) -> bool:
    """Whether a mapping looks like a part of a pod, names an image to run, or holds an object as text."""
    image = value.get("image")
    if (type(image) is str and image) or (type(image) is dict and "repository" in image):
        return True
    if any(type(item) is str and "apiVersion:" in item and "kind:" in item for item in value.values()):
        return True
    count = sum(1 for field in value if field in _POD_ONLY and value[field] not in _OFF)
    name = next((step for step in reversed(path) if type(step) is str), "").lower()
    return count > 1 or (count == 1 and (name in _POD_NAMES or name.endswith(_PARTIAL)))


def _is_pod_spec(containers: list[Any], path: Path, holder: dict[str, Any]) -> bool:
    """Whether the `spec` of `holder`, which has containers, is one of a pod."""
    if not path:
        # Operators take partial containers here, to be merged into pods of their own making; whole ones do run.
        return all(
            type(item) is dict and type(item.get("name")) is str and type(item.get("image")) is str
            for item in containers
        )
    if any(_is_container(item) for item in containers):
        return True
    name = next((step for step in reversed(path) if type(step) is str), "")
    if not (name.lower().endswith(("template", "templates")) or "metadata" in holder):
        return False
    return any(type(item) is dict and ("image" in item or "name" in item) for item in containers)


def _is_partial(spec: dict[str, Any], path: Path) -> bool:
    """Whether a `spec` without containers is one of a pod, by the name of what holds it and by its fields."""
    name = path[-1] if path else ""
    return type(name) is str and name.lower().endswith(_PARTIAL) and any(key in POD_SPEC for key in spec)


def _is_container(item: Any) -> bool:
    return type(item) is dict and "name" in item and any(mark in item for mark in _MARKS)


def _is_marked(item: Any) -> bool:
    """Whether a mapping says what runs, or with which rights."""
    return type(item) is dict and (type(item.get("image")) is str or type(item.get("securityContext")) is dict)
