"""Documents into objects: `List` kinds flattened, secrets redacted, pod templates read, every place noted.

What comes out holds no more positions than resources need, so that a file's parse tree dies with its file. Whatever is
not an object of the API is left out: values files, CloudFormation, kubeconfig files. Build files of kustomize are
noted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from xspm.connectors.kubernetes.builds import KUSTOMIZE, not_built, report_changes
from xspm.connectors.kubernetes.defaults import CONTAINER_LISTS
from xspm.connectors.kubernetes.files import is_build_file
from xspm.connectors.kubernetes.mistaken import mistaken_kind
from xspm.connectors.kubernetes.names import ARGO, CLUSTER_SCOPED, DEFAULT_NAMESPACE, group_of, is_builtin
from xspm.connectors.kubernetes.pipelines import is_pipeline, pipeline_templates
from xspm.connectors.kubernetes.place import Place
from xspm.connectors.kubernetes.pod import Template, read_template, string_map
from xspm.connectors.kubernetes.problems import ALL_TYPES, WORKLOAD_TYPES, malformed
from xspm.connectors.kubernetes.redact import redact_object
from xspm.connectors.kubernetes.shapes import describe, dotted, is_unknown, unknown
from xspm.connectors.kubernetes.strays import lacks
from xspm.connectors.kubernetes.templates import SearchLimitError, find_pods, known_path
from xspm.model.asset import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from xspm.model.asset import Location
    from xspm.syntax.yaml import Document, Path

_MAX_LISTS: Final = 5
"""Lists within lists."""
_LISTS: Final = frozenset(field.lower() for field in CONTAINER_LISTS)
_MAX_TEXTS: Final = 3
"""Manifests as text within manifests as text."""


class Manifest:
    """One object of the API, as it stands in a file."""

    __slots__ = (
        "annotations", "api_version", "group", "kind", "labels", "location", "locations", "name", "namespace", "place",
        "templates", "value",
    )  # fmt: skip

    def __init__(self, value: dict[str, Any], api_version: str, kind: str, place: Place) -> None:
        """Hold an object, already redacted."""
        self.value = value
        self.api_version = api_version
        self.group = group_of(api_version)
        self.kind = kind
        self.place: Place | None = place
        self.location: Location = place.location()
        self.locations: dict[str, Location] = {}
        self.name: Any = ""
        """A string, or an unknown in plain JSON, as are the next three."""
        self.namespace: Any = None
        self.labels: Any = {}
        self.annotations: Any = {}
        self.templates: list[Template] = []

    @property
    def id(self) -> str:
        """`namespace/Kind/name`, without a namespace for kinds that have none.

        Kinds outside Kubernetes itself carry their group; kinds that always belong to a namespace belong to `default`
        when none is given.
        """
        name = self.name if type(self.name) is str else "(unknown)"
        kind = self.kind if is_builtin(self.group) else f"{self.kind}.{self.group}"
        namespace = self.namespace if type(self.namespace) is str else None
        if namespace is None and self.namespaced:
            namespace = DEFAULT_NAMESPACE
        return f"{namespace}/{kind}/{name}" if namespace else f"{kind}/{name}"

    @property
    def namespaced(self) -> bool:
        """Whether the object certainly belongs to a namespace; only pod templates tell it of custom resources."""
        return (is_builtin(self.group) and self.kind not in CLUSTER_SCOPED) or bool(self.templates)


def read_manifests(document: Document, report: Callable[[Problem], None]) -> Iterator[Manifest]:
    """Yield the objects of a document; a list of objects without a `List` around it is taken as one."""
    value = document.value
    if type(value) is list:
        for index, item in enumerate(value):
            if type(item) is dict:
                yield from _objects(document, item, (index,), report)
    elif type(value) is dict:
        yield from _objects(document, value, (), report)


def _objects(
    document: Document,
    value: dict[str, Any],
    path: Path,
    report: Callable[[Problem], None],
    *,
    around: Location | None = None,
    texts: int = 0,
) -> Iterator[Manifest]:
    """Yield the objects of the mapping at `path`, which may be of a text, `texts` deep, that stands at `around`."""
    place = Place(document, path) if around is None else _embedded_place(document, around, path)
    if "apiVersion" not in value or "kind" not in value:
        if not path and value and is_build_file(place.file):
            report(not_built(value, place))
        return
    api_version, kind = value["apiVersion"], value["kind"]
    if type(kind) is not str or type(api_version) is not str or not kind or not api_version:
        field, wrong = ("apiVersion", api_version) if type(kind) is str and kind else ("kind", kind)
        said = "empty" if wrong == "" else describe(wrong)
        message = f"{field} is {said}, and a string is expected"
        report(malformed(message, place.location((field,)), resource_types=ALL_TYPES))
    elif kind.endswith("List") and "items" in value and "spec" not in value:
        yield from _items(document, value, path, report, around=around, texts=texts)
    elif _is_object(value, api_version, kind, place, report):
        yield _manifest(value, api_version, kind, place, report)
        if group_of(api_version) == ARGO:
            yield from _embedded(value, kind, place, report, texts)
        if not is_builtin(group_of(api_version)):
            report_changes(value, group_of(api_version), kind, place, report)
            yield from _nested(document, value, path, report, around=around, texts=texts)


def _nested(
    document: Document,
    value: dict[str, Any],
    path: Path,
    report: Callable[[Problem], None],
    *,
    around: Location | None,
    texts: int,
) -> Iterator[Manifest]:
    """Yield the objects that stand within a custom object."""
    from xspm.connectors.kubernetes.nested import nested  # noqa: PLC0415 - most manifests hold none

    for at, own in nested(value, group_of(value["apiVersion"])):
        if texts == _MAX_TEXTS:
            place = Place(document, (*path, *at)).location()
            report(malformed("manifests within manifests nest too deep", around or place, resource_types=ALL_TYPES))
            return
        yield from _objects(document, own, (*path, *at), report, around=around, texts=texts + 1)


def _embedded(
    value: dict[str, Any], kind: str, place: Place, report: Callable[[Problem], None], texts: int
) -> Iterator[Manifest]:
    """Yield the objects that stand as text within an object."""
    from xspm.connectors.kubernetes.embedded import embedded  # noqa: PLC0415 - most manifests hold no pipeline

    for document, around in embedded(value, ARGO, kind, place, report):
        if texts == _MAX_TEXTS:
            report(malformed("manifests within manifests nest too deep", around, resource_types=ALL_TYPES))
            return
        yield from _objects(document, document.value, (), report, around=around, texts=texts + 1)


def _embedded_place(document: Document, around: Location, path: Path) -> Place:
    from xspm.connectors.kubernetes.embedded import EmbeddedPlace  # noqa: PLC0415 - as above

    return EmbeddedPlace(document, around, path)


def _items(
    document: Document,
    value: dict[str, Any],
    path: Path,
    report: Callable[[Problem], None],
    *,
    around: Location | None = None,
    texts: int = 0,
) -> Iterator[Manifest]:
    """Yield the objects of a list; those of a list of one kind need not say which."""
    place = Place(document, path) if around is None else _embedded_place(document, around, path)
    items, kind = value["items"], value["kind"]
    if items is None:
        return
    if type(items) is not list or len(path) >= 2 * _MAX_LISTS:
        wrong = "nests too deep" if type(items) is list else f"has items that are {describe(items)}"
        report(malformed(f"a {kind} {wrong}", place.location(("items",)), resource_types=ALL_TYPES))
        return
    implied = {"apiVersion": value["apiVersion"], "kind": kind.removesuffix("List")} if kind != "List" else {}
    for index, item in enumerate(items):
        at = (*path, "items", index)
        if type(item) is dict:
            if item and (lacking := lacks(implied | item)) is not None:
                where = around or Place(document, at).location()
                report(malformed(f"an item of a {kind} has no {lacking}, and is not assessed", where))
            yield from _objects(document, implied | item, at, report, around=around, texts=texts)
        elif item is not None:
            message = f"an item of a {kind} is {describe(item)}, not an object"
            where = around or Place(document, at).location()
            report(malformed(message, where, resource_types=ALL_TYPES))


def _is_object(
    value: dict[str, Any], api_version: str, kind: str, place: Place, report: Callable[[Problem], None]
) -> bool:
    """Whether it belongs to the API of a cluster; a build file of kustomize is noted."""
    if group_of(api_version) == KUSTOMIZE and kind in {"Kustomization", "Component"}:
        report(not_built(value, place))
        return False
    return not (api_version == "v1" and kind == "Config" and ("clusters" in value or "contexts" in value))


def _manifest(
    value: dict[str, Any], api_version: str, kind: str, place: Place, report: Callable[[Problem], None]
) -> Manifest:
    manifest = Manifest(redact_object(value, kind), api_version, kind, place)
    title = f"{kind} {_plain_name(value)}".rstrip()

    def wrong(path: Path, message: str) -> None:
        lost = any(str(step).lower() in _LISTS for step in path[-2:])
        types = ("k8s.container",) if lost else ()
        report(malformed(f"{title}: {message}", place.location(path), resource_types=types))

    if (mistake := mistaken_kind(api_version, kind)) is not None:
        report(malformed(mistake.message, place.location(("kind",)), hint=mistake.hint))
    _metadata(manifest, wrong)
    manifest.locations = place.fields((), 3)
    if is_pipeline(manifest.group, kind):

        def lost_container(path: Path, message: str) -> None:
            report(malformed(f"{title}: {message}", place.location(path), resource_types=WORKLOAD_TYPES))

        manifest.templates = pipeline_templates(manifest.value, kind, place, wrong, lost_container)
        manifest.place = None
        return manifest
    try:
        found = find_pods(manifest.value, manifest.group, kind)
    except SearchLimitError:
        message = f"{title} is too large to be searched for pod templates"
        report(Problem(kind="limit", message=message, resource_types=WORKLOAD_TYPES, location=manifest.location))
        return manifest
    known = known_path(manifest.group, kind) is not None
    for path in found.templates:
        template = read_template(manifest.value, path, place, wrong)
        if template is not None:
            manifest.templates.append(template)
        elif known:
            report(_without_template(title, manifest, place, path))
    for path in found.specs:
        template = read_template(manifest.value, path, place, wrong, bare=True)
        if template is not None:
            manifest.templates.append(template)
    # What is said of a part once need not be said of what it holds.
    told = (*found.unread, *found.rights, *found.specs)
    partial = [
        path
        for path in found.partial
        if not any(path[: len(each)] == each or each[: len(path)] == path for each in told)
    ]
    for paths, does in (
        (found.unread, "holds containers"),
        (found.rights, "gives pods rights"),
        (partial, "describes pods"),
    ):
        _unread(title, paths, does, place, report)
    manifest.place = None
    return manifest


def _unread(title: str, paths: list[Path], does: str, place: Place, report: Callable[[Problem], None]) -> None:
    """Say that an object runs containers, or gives pods rights, that are not assessed, if it does."""
    if not paths:
        return
    more = f", and {len(paths) - 1} more of its parts," if len(paths) > 1 else ""
    report(
        malformed(
            f"{title}: {dotted(paths[0])}{more} {does} in a form that is not read",
            place.location(paths[0]),
            hint="assess the pods it makes: kubectl get pods -A -o yaml | xspm scan -",
        )
    )


def _without_template(title: str, manifest: Manifest, place: Place, path: Path) -> Problem:
    """Say that a workload has no pod spec: none is given, or what is given is not a mapping."""
    value: Any = manifest.value
    for depth, step in enumerate((*path, "spec")):
        if value is None or (type(value) is dict and value.get(str(step)) is None):
            hint = "a patch? assess what kustomize or helm makes of it instead: kustomize build … | xspm scan -"
            return malformed(f"{title} has no pod spec", manifest.location, hint=hint)
        if type(value) is not dict:
            where = ".".join(str(part) for part in path[:depth])
            message = f"{title}: {where} is {describe(value)}, and a mapping is expected"
            return malformed(message, place.location(path[:depth]), resource_types=WORKLOAD_TYPES)
        value = value[str(step)]
    where = ".".join((*(str(part) for part in path), "spec"))
    if is_unknown(value):
        return malformed(
            f"{title}: {where} is not read", place.location((*path, "spec")), resource_types=WORKLOAD_TYPES
        )
    message = f"{title}: {where} is {describe(value)}, and a mapping is expected"
    return malformed(message, place.location((*path, "spec")), resource_types=WORKLOAD_TYPES)


def _plain_name(value: dict[str, Any]) -> str:
    metadata = value.get("metadata")
    name = metadata.get("name", metadata.get("generateName", "")) if type(metadata) is dict else ""
    return name if type(name) is str else ""


def _metadata(manifest: Manifest, wrong: Callable[[Path, str], None]) -> None:
    """Read name, namespace, labels and annotations; what has another type than it must becomes unknown."""
    metadata = manifest.value.get("metadata")
    if metadata is None:
        return
    if type(metadata) is not dict:
        message = f"metadata is {describe(metadata)}, and a mapping is expected"
        wrong(("metadata",), message)
        manifest.name = manifest.namespace = manifest.labels = manifest.annotations = unknown(message)
        return
    name = metadata.get("name")
    if name is None and type(prefix := metadata.get("generateName")) is str:
        # The API server appends five random characters.
        name = f"{prefix}*"
    manifest.name = _string(name if name is not None else "", "name", wrong)
    namespace = metadata.get("namespace")
    manifest.namespace = None if namespace is None or namespace == "" else _string(namespace, "namespace", wrong)
    manifest.labels = string_map(metadata.get("labels"), ("metadata", "labels"), wrong)
    manifest.annotations = string_map(metadata.get("annotations"), ("metadata", "annotations"), wrong)


def _string(value: Any, field: str, wrong: Callable[[Path, str], None]) -> Any:
    if type(value) is str:
        return value
    message = f"metadata.{field} is {describe(value)}, and a string is expected"
    wrong(("metadata", field), message)
    return unknown(message)
