"""What is applied may differ from what the files say: kustomize, Flux and Argo CD change objects on the way.

Nothing is built here. A build file of kustomize, a Kustomization of Flux and an Application of Argo CD are each said to
be left out, with what they would change; what that may decide of an object is incomplete: everything, where they change
or make content, and what depends on names and labels, where they only rename and label.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from xspm.connectors.kubernetes.names import ARGO
from xspm.connectors.kubernetes.problems import ALL_TYPES, unsupported

if TYPE_CHECKING:
    from collections.abc import Callable

    from xspm.connectors.kubernetes.place import Place
    from xspm.model.asset import Problem

KUSTOMIZE: Final = "kustomize.config.k8s.io"
FLUX: Final = "kustomize.toolkit.fluxcd.io"
_CONTENT: Final = (
    "components", "configMapGenerator", "configurations", "generators", "helmChartInflationGenerator", "helmCharts",
    "images", "openapi", "patches", "patchesJson6902", "patchesStrategicMerge", "postBuild", "replacements", "replicas",
    "secretGenerator", "transformers", "vars",
)  # fmt: skip
"""What changes the content of objects, or makes new ones."""
_NAMES: Final = (
    "buildMetadata", "commonAnnotations", "commonLabels", "commonMetadata", "generatorOptions", "labels", "namePrefix",
    "nameSuffix", "namespace", "targetNamespace",
)  # fmt: skip
"""What changes names, namespaces, labels and annotations only."""
_LISTS: Final = ("bases", "resources")
_REMOTE: Final = ("://", "git@", "github.com/", "?ref=")
_NAMED_TYPES: Final = ("k8s.namespace_summary", "k8s.object", "k8s.rbac_grant", "k8s.workload")
"""Types whose verdicts depend on names and labels: what selects what, and who is who."""


def not_built(value: dict[str, Any], place: Place) -> Problem:
    """Say that a build file of kustomize is not built, and what it would change."""
    folder = place.file.rpartition("/")[0] or "."
    return _problem(f"{place.file} is not built", value, place, f"kustomize build {folder}")


def report_changes(
    value: dict[str, Any], group: str, kind: str, place: Place, report: Callable[[Problem], None]
) -> None:
    """Report what an object of Flux or Argo CD changes of the objects that it applies."""
    spec = value.get("spec")
    if type(spec) is not dict:
        return
    holders: list[Any] = []
    if (group, kind) == (FLUX, "Kustomization"):
        holders = [spec]
    elif group == ARGO and kind == "Application":
        several = spec.get("sources")
        sources = [spec.get("source"), *(several if type(several) is list else ())]
        holders = [each.get("kustomize") for each in sources if type(each) is dict]
    metadata = value.get("metadata")
    name = metadata.get("name") if type(metadata) is dict else None
    title = f"{kind} {name}" if type(name) is str else kind
    for holder in holders:
        if type(holder) is dict and any(holder.get(field) for field in (*_CONTENT, *_NAMES)):
            report(_problem(f"{title} is not applied", holder, place, "kubectl get all -A -o yaml"))


def _problem(what: str, holder: dict[str, Any], place: Place, command: str) -> Problem:
    content = [field for field in _CONTENT if holder.get(field)]
    names = [field for field in _NAMES if holder.get(field)]
    remote = [field for field in _LISTS if _is_remote(holder.get(field))]
    changes = [*content, *names, *(f"remote {field}" for field in remote)]
    without = f"without its {', '.join(changes)}" if changes else "and it changes nothing of them"
    return unsupported(
        f"{what}: files are assessed as they stand, {without}",
        place.file,
        resource_types=ALL_TYPES if content or remote else _NAMED_TYPES if names else (),
        hint=f"assess what it makes: {command} | xspm scan -",
    )


def _is_remote(items: Any) -> bool:
    """Whether a list of folders and files names one that is elsewhere: its objects are not seen at all."""
    return type(items) is list and any(type(item) is str and any(mark in item for mark in _REMOTE) for item in items)
