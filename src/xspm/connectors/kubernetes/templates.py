"""Finds the pod templates of an object, wherever its kind keeps them.

Kinds of Kubernetes itself keep theirs at a known place. In any other object a pod is recognised by its form: a mapping
with a list `containers` whose items have a name and an image, command or security context; below `spec` of something
called a template, or beside `metadata`, a name or image alone will do, and a `podTemplate` needs none, for operators
complete it with their own. Containers in other forms (the steps of a pipeline) are not read, and noted. The search is
bounded. Pipelines that are known are read by `xspm.connectors.kubernetes.pipelines`.
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
_ONE_ENDING: Final = ("Container",)
_SEVERAL_ENDING: Final = ("Containers",)
_PARTIAL: Final = ("podtemplate", "podtemplatespec")
_HOST: Final = ("hostIPC", "hostNetwork", "hostPID", "privileged")
_OFF: Final[tuple[Any, ...]] = (None, False, "", [], {})
_POLICIES: Final = ("gatekeeper.sh", "kyverno.io")
"""Groups whose objects say what pods may not have, in the words of pods."""
_MARKS: Final = ("image", "command", "securityContext")
KNOWN_KINDS: Final = frozenset(_KNOWN)
"""API group and kind of what makes pods in Kubernetes itself."""
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
        return Found([known], [], [], [])
    if (group, kind) in _WITHOUT:
        return Found([], [], [], [])
    return _search(value, custom=not is_builtin(group) and not group.endswith(_POLICIES))


def _search(root: dict[str, Any], *, custom: bool) -> Found:
    found = Found([], [], [], [])
    level: list[tuple[Path, Any]] = [((), root)]
    visited = 0
    for _ in range(MAX_DEPTH):
        below: list[tuple[Path, Any]] = []
        for path, value in level:
            visited += 1
            if visited > MAX_NODES:
                raise SearchLimitError
            if type(value) is dict:
                if custom:
                    found.rights.extend(_rights(path, value))
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
    if any(map(_is_marked, parts)):
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
