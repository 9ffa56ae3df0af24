"""The pod that a pipeline's controller makes, put together from the parts of the object it makes it from.

Argo Workflows and Tekton keep no pod template: containers stand one by one, settings of the pod beside them or above.
A draft takes these parts with their places, applies a patch, and is then read like any other pod template. What only
the run decides (a parameter in place of an image, a task in another object) is an unknown. Containers that the
controller adds for its own work are not shown: its configuration says what they are.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from xspm.connectors.kubernetes.defaults import CONTAINER_LISTS, fill_pod_spec
from xspm.connectors.kubernetes.patch import merge
from xspm.connectors.kubernetes.pod import MAX_CONTAINERS, ContainerSource, Template, string_map
from xspm.connectors.kubernetes.shapes import POD_SPEC, describe, dotted, hold, is_unknown, unknown
from xspm.errors import DocumentError
from xspm.model.unknown import UNKNOWN_KEY
from xspm.syntax.yaml import load_documents

if TYPE_CHECKING:
    from xspm.connectors.kubernetes.place import Place
    from xspm.connectors.kubernetes.shapes import Report
    from xspm.model.asset import Location
    from xspm.syntax.yaml import Path

_CONTAINER: Final[dict[str, Any]] = POD_SPEC["containers"][0]
_CONTAINER_DEPTH: Final = 3
_PLAIN: Final = frozenset({"args", "command", "env", "envFrom", "name", "workingDir"})
"""Fields of a container in which a parameter is the rule, and no setting."""
_ADDING: Final = frozenset({"hostAliases", "volumes"})
_DIRECTIVE: Final = "$patch"
_NAMES: Final = ("containerPort", "key", "mountPath", "name", "port")
_LATER: Final = "decided when the pipeline runs"
_PATCHED: Final = "may change it, and is not read"


def later(what: str = "") -> dict[str, str]:
    """Return the unknown for what only a run decides."""
    return {UNKNOWN_KEY: f"{what}: {_LATER}" if what else _LATER, "cause": "apply"}


class Draft:
    """A pod in the making."""

    __slots__ = ("_fields", "_origins", "_spec", "annotations", "labels", "mark", "path")

    def __init__(self, path: Path, mark: str) -> None:
        """Begin a pod.

        Args:
            path: the part of the object that it is made from.
            mark: how a parameter begins in a text: `{{` or `$(`.
        """
        self.path = path
        self.mark = mark
        self.labels: dict[str, Any] = {}
        self.annotations: dict[str, Any] = {}
        self._spec: dict[str, Any] = {"restartPolicy": "Never"}
        self._fields: dict[str, Path] = {}
        self._origins: dict[tuple[str, Any], Path] = {}

    def give(self, field: str, value: Any, path: Path) -> None:
        """Set a field of the PodSpec; null is not given. Volumes and the like add up."""
        if value is None:
            return
        before = self._spec.get(field) if field in _ADDING else None
        if type(before) is list and type(value) is list:
            self._spec[field] = before + value
            self._fields[field] = path
        elif before is None or type(before) is list:
            self._spec[field] = value
            self._fields[field] = path

    def leave(self, *fields: str) -> None:
        """Leave fields that are not set to the run; volumes may still be added to those that are known."""
        for field in fields:
            if field == "volumes":
                self.give(field, [later()], self.path)
            elif field not in self._spec:
                self._spec[field] = later()

    def run(self, field: str, container: Any, path: Path) -> None:
        """Add a container to one of the lists of the PodSpec."""
        items = self._spec.setdefault(field, [])
        name = container.get("name") if type(container) is dict else None
        self._origins[field, name if type(name) is str else len(items)] = path
        items.append(container)

    def patch(self, text: Any, path: Path, wrong: Report) -> None:
        """Merge a patch that is given as text; where it cannot be read, every setting is unknown."""
        if text is None or text == "":
            return
        patch = _parsed(text) if type(text) is str else None
        if patch is not None:
            self._spec = merge(self._spec, patch)
            for field in CONTAINER_LISTS:
                if type(items := self._spec.get(field)) is list:
                    self._spec[field] = [_own(item) for item in items if self._runs(field, item)]
            return
        where = dotted(path)
        if type(text) is not str or self.mark not in text:
            wrong(path, f"{where} is {describe(text)} that is no patch of a pod, and may change all of it")
        unread = unknown(f"{where} {_PATCHED}")
        containers = {field: self._spec[field] for field in CONTAINER_LISTS if field in self._spec}
        self._spec = dict.fromkeys(POD_SPEC.keys() - CONTAINER_LISTS.keys(), unread) | {
            field: [
                dict.fromkeys(_CONTAINER, unread) | {"name": item.get("name", "")} if type(item) is dict else item
                for item in items
            ]
            for field, items in containers.items()
        }

    def _runs(self, field: str, item: Any) -> bool:
        """Whether a container is one: a patch may also speak of one that is not in this pod, or not shown."""
        known = type(item) is not dict or (field, item.get("name")) in self._origins
        return known or bool(item.keys() - {"name", "resources"})

    def template(self, place: Place, wrong: Report, lost: Report) -> Template:
        """Return the pod as a template of the object.

        Args:
            place: locations within the object.
            wrong: takes the path of a malformed part and what is wrong with it.
            lost: the same, where a whole container is lost with it.
        """
        spec: dict[str, Any] = {}
        places: dict[str, Location] = {}
        sources: list[tuple[str, Any, Path]] = []
        for field, value in self._spec.items():
            if field in CONTAINER_LISTS and type(value) is list:
                spec[field] = [self._container(field, index, item, wrong, lost) for index, item in enumerate(value)]
                sources += (
                    (CONTAINER_LISTS[field], item, self._origin(field, index, item))
                    for index, item in enumerate(spec[field])
                    if not is_unknown(item)
                )
                continue
            path = self._fields.get(field, self.path)
            table = POD_SPEC.get(field)
            held = value if table is None or value is None else hold(value, table, path, _except_later(wrong))
            if value is not None:
                spec[field] = _settled(held, self.mark, understood=False)
            if field in self._fields:
                places[f"spec.{field}"] = place.location(path)
                places |= place.fields(path, 1, f"spec.{field}.")
        template = Template(dotted(self.path), spec, place.location(self.path))
        template.defaulted = sorted([*fill_pod_spec(spec), "restartPolicy"])
        template.locations = places
        # They come from several places, of which some are reported already.
        template.labels = string_map(self.labels, self.path, _unreported)
        template.annotations = string_map(self.annotations, self.path, _unreported)
        if len(sources) > MAX_CONTAINERS:
            lost(self.path, f"{dotted(self.path)} goes beyond the {MAX_CONTAINERS} containers that are read")
        for kind, container, at in sources[:MAX_CONTAINERS]:
            locations = place.fields(at, _CONTAINER_DEPTH, "spec.")
            template.containers.append(ContainerSource(kind, container, place.location(at), locations))
        return template

    def _origin(self, field: str, index: int, item: Any) -> Path:
        """Return where a container stands; one that only a patch brings stands nowhere else than the pod."""
        name = item.get("name") if type(item) is dict else None
        return self._origins.get((field, name if type(name) is str else index), self.path)

    def _container(self, field: str, index: int, item: Any, wrong: Report, lost: Report) -> Any:
        path = self._origin(field, index, item)

        def report(at: Path, message: str) -> None:
            (lost if at == path else wrong)(at, message)

        held = hold(item, _CONTAINER, path, _except_later(report))
        if is_unknown(held):
            return held
        return {
            name: value if name in _PLAIN else _settled(value, self.mark, understood=name != "securityContext")
            for name, value in held.items()
        }


def _unreported(path: Path, message: str) -> None:
    """Take a report that is not needed."""


def _except_later(report: Report) -> Report:
    """Leave what is unknown on purpose out of the problems."""

    def filtered(path: Path, message: str) -> None:
        if not message.endswith((_LATER, _PATCHED)):
            report(path, message)

    return filtered


@lru_cache(maxsize=8)
def _parsed(text: str) -> dict[str, Any] | None:
    """Return the mapping that a text says as YAML or JSON, else None; it is shared, and not to be changed."""
    try:
        documents = [document.value for document in load_documents(text.encode(), file="patch")]
    except DocumentError:
        return None
    patch = documents[0] if len(documents) == 1 else None
    return patch if type(patch) is dict and not _is_odd(patch, UNKNOWN_KEY) else None


def combined(base: Any, own: Any) -> Any:
    """Return a part with the defaults of its kind beneath it, as a strategic merge of Kubernetes combines them."""
    if type(base) is not dict or type(own) is not dict or is_unknown(base) or is_unknown(own):
        return own
    if _is_odd(own, _DIRECTIVE):
        return unknown("what stands here cannot be combined with its defaults")
    return merge(base, own)


def _is_odd(value: Any, key: str) -> bool:
    """Whether a value holds a key somewhere, or a star for a name, which our merge would take for every name."""
    stack = [value]
    while stack:
        item = stack.pop()
        if type(item) is dict:
            if key in item or any(item.get(name) == "*" for name in _NAMES):
                return True
            stack.extend(item.values())
        elif type(item) is list:
            stack.extend(item)
    return False


def _own(item: Any) -> Any:
    """Return a container of a patch; without an image it changes one that the controller makes."""
    if type(item) is dict and "image" not in item and not is_unknown(item):
        return item | {"image": later("the controller makes the container")}
    return item


def _settled(value: Any, mark: str, *, understood: bool) -> Any:
    """Return a value in which every text with a parameter is unknown.

    Where `understood` is false, the unknown is one that fails a gate: an image is a parameter for good reason, a
    capability or a path of the node is none.
    """
    if type(value) is str:
        if mark not in value:
            return value
        return later() if understood else unknown(f"a parameter in a setting is not read: {_LATER}")
    if type(value) is list:
        return [_settled(item, mark, understood=understood) for item in value]
    if type(value) is dict and not is_unknown(value):
        return {key: _settled(item, mark, understood=understood) for key, item in value.items()}
    return value
