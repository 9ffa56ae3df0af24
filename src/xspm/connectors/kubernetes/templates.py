"""Finds the pod templates of an object, wherever its kind keeps them.

Kinds of Kubernetes itself keep theirs at a known place. In a custom resource a template is recognised by its form: a
mapping `spec` with a list `containers` whose items have a name or image, inside something called a template or beside
`metadata`. The search is bounded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from xspm.connectors.kubernetes.names import is_builtin

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
MAX_DEPTH: Final = 16
MAX_NODES: Final = 20_000


class SearchLimitError(Exception):
    """A custom resource is too large to be searched to its end."""


def known_path(group: str, kind: str) -> Path | None:
    """Return where a kind of Kubernetes itself keeps its pod template; None if it has none."""
    return _KNOWN.get((group, kind))


def template_paths(value: dict[str, Any], group: str, kind: str) -> list[Path]:
    """Return the paths of the pod templates of an object.

    Raises:
        SearchLimitError: the object is larger than what is searched; templates may lie beyond.
    """
    known = _KNOWN.get((group, kind))
    if known is not None:
        return [known]
    return [] if is_builtin(group) else _search(value)


def _search(root: dict[str, Any]) -> list[Path]:
    found: list[Path] = []
    level: list[tuple[Path, Any]] = [((), root)]
    visited = 0
    for _ in range(MAX_DEPTH):
        below: list[tuple[Path, Any]] = []
        for path, value in level:
            visited += 1
            if visited > MAX_NODES:
                raise SearchLimitError
            if type(value) is dict:
                spec = value.get("spec")
                if type(spec) is dict and _is_pod_spec(spec, path, value):
                    found.append(path)
                    continue
                below.extend(((*path, key), item) for key, item in value.items() if type(item) in (dict, list))
            else:
                below.extend(((*path, index), item) for index, item in enumerate(value) if type(item) in (dict, list))
        if not below:
            return found
        level = below
    raise SearchLimitError


def _is_pod_spec(spec: dict[str, Any], path: Path, holder: dict[str, Any]) -> bool:
    """Whether the `spec` of `holder` is one of a pod."""
    containers = spec.get("containers")
    if type(containers) is not list or not containers:
        return False
    if not path:
        # Operators take partial containers here, to be merged into pods of their own making; whole ones do run.
        return all(
            type(item) is dict and type(item.get("name")) is str and type(item.get("image")) is str
            for item in containers
        )
    name = next((step for step in reversed(path) if type(step) is str), "")
    if not (name.lower().endswith(("template", "templates")) or "metadata" in holder):
        return False
    return any(type(item) is dict and ("image" in item or "name" in item) for item in containers)
