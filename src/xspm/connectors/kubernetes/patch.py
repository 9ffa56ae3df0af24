"""Applies a remediation to an example: a strategic-merge patch, written once for every kind of workload.

A patch is YAML, one or more documents. Its `kind`, `metadata.name` and `metadata.namespace`, where given, say which
objects it is for:

- with an `apiVersion`, `kind` and name that no object has, it is a new object and is added;
- with a `kind`, it is merged into the objects of that kind, as written;
- without one (or with `kind: Pod`), a patch with fields of a PodSpec is merged into every pod template, wherever its
  object keeps it, and any other into every object.

Mappings merge, null deletes, lists of scalars replace. Lists of mappings merge as Kubernetes merges them: `containers`,
`volumes`, `env` and the like by name, ports by number, mounts by path; others (`subjects`, `rules`) replace. A name
`"*"` addresses every element that is there, in any list. `$patch: delete` removes an element or a whole object,
`$patch: replace` replaces a mapping. See
https://github.com/kubernetes/community/blob/master/contributors/devel/sig-api-machinery/strategic-merge-patch.md.
"""

from __future__ import annotations

from typing import Any, Final

from xspm.connectors.kubernetes.names import group_of
from xspm.connectors.kubernetes.shapes import POD_SPEC
from xspm.connectors.kubernetes.templates import SearchLimitError, template_paths
from xspm.errors import ConnectorError, DocumentError
from xspm.syntax.yaml import load_documents

_MERGE_KEYS: Final[dict[str, tuple[str, ...]]] = {
    "containers": ("name",),
    "env": ("name",),
    "ephemeralContainers": ("name",),
    "hostAliases": ("ip",),
    "imagePullSecrets": ("name",),
    "initContainers": ("name",),
    "ports": ("containerPort", "port"),
    "secrets": ("name",),
    "sysctls": ("name",),
    "topologySpreadConstraints": ("topologyKey",),
    "volumeDevices": ("devicePath",),
    "volumeMounts": ("mountPath",),
    "volumes": ("name",),
    "webhooks": ("name",),
}
_EVERY: Final = "*"
_DIRECTIVE: Final = "$patch"
_SELECTORS: Final = ("name", "namespace")


def apply(content: Any, patch: Any) -> str:
    """Return the manifest `content` with `patch` applied, as a stream of JSON documents (which are YAML).

    Raises:
        ConnectorError: either is no YAML, or the patch fits no object.
    """
    objects = [item for document in _documents(content, "example") for item in _flatten(document)]
    for document in _documents(patch, "remediation"):
        if not isinstance(document, dict):
            raise ConnectorError("a remediation of the form `manifest` is a mapping: a patch or an object")
        objects = _apply(objects, document)
    import json  # noqa: PLC0415 - what else is taken from here needs none

    return "".join(f"---\n{json.dumps(item, indent=2)}\n" for item in objects)


def merge(target: Any, patch: Any, field: str = "") -> Any:
    """Return `target` with `patch` merged into it; neither is changed."""
    if isinstance(patch, dict):
        if not isinstance(target, dict) or patch.get(_DIRECTIVE) == "replace":
            return merge({}, {key: value for key, value in patch.items() if key != _DIRECTIVE})
        merged = dict(target)
        for key, value in patch.items():
            if value is None:
                merged.pop(key, None)
            elif _adds_nothing(value, merged.get(key)):
                continue
            else:
                merged[key] = merge(merged.get(key), value, key)
        return merged
    if isinstance(patch, list) and isinstance(target, list) and (key := _merge_key(field, patch)):
        return _merge_list(target, patch, key)
    return patch


def _adds_nothing(patch: Any, target: Any) -> bool:
    """Whether a patch only addresses elements of a list, and there is no such list."""
    return isinstance(patch, list) and bool(patch) and target is None and all(_addresses_all(item) for item in patch)


def _addresses_all(item: Any) -> bool:
    return isinstance(item, dict) and _EVERY in [
        item.get(key) for key in ("name", "containerPort", "port", "mountPath", "key")
    ]


def _merge_key(field: str, patch: list[Any]) -> str | None:
    """Return the key by which the items of a list are told apart, or None when the list is replaced."""
    if not all(isinstance(item, dict) for item in patch):
        return None
    candidates = _MERGE_KEYS.get(field, ()) + (("name",) if any(_addresses_all(item) for item in patch) else ())
    if any(_DIRECTIVE in item for item in patch):
        candidates += ("name", "key")
    return next((key for key in candidates if all(key in item or _addresses_all(item) for item in patch)), None)


def _merge_list(target: list[Any], patch: list[dict[str, Any]], key: str) -> list[Any]:
    merged = list(target)
    places = _places(merged, patch, key)
    for item in patch:
        if places is not None:
            at = places.setdefault(item[key], [])
            for index in at:
                merged[index] = merge(merged[index], item)
            if not at:
                at.append(len(merged))
                merged.append(merge({}, item))
            continue
        every = _addresses_all(item)
        change = {name: value for name, value in item.items() if not (every and value == _EVERY)}
        matching = [
            index
            for index, each in enumerate(merged)
            if isinstance(each, dict) and (every or each.get(key) == item[key])
        ]
        if item.get(_DIRECTIVE) == "delete":
            merged = [each for index, each in enumerate(merged) if index not in matching]
        elif matching:
            for index in matching:
                merged[index] = merge(merged[index], change)
        elif not every:
            merged.append(merge({}, change))
    return merged


def _places(target: list[Any], patch: list[dict[str, Any]], key: str) -> dict[Any, list[int]] | None:
    """Return where the elements of each name stand; None where a patch does more than name elements.

    So long lists, as a hostile input may hold, merge in linear time.
    """
    if any(_addresses_all(item) or _DIRECTIVE in item or type(item.get(key)) not in (str, int) for item in patch):
        return None
    places: dict[Any, list[int]] = {}
    for index, each in enumerate(target):
        if isinstance(each, dict) and type(each.get(key)) in (str, int):
            places.setdefault(each[key], []).append(index)
    return places


def _apply(objects: list[dict[str, Any]], patch: dict[str, Any]) -> list[dict[str, Any]]:
    """Apply one patch document to the objects it is for."""
    chosen = [item for item in objects if _is_for(patch, item)]
    if not chosen:
        if patch.get("apiVersion") and patch.get("kind") and _metadata(patch).get("name"):
            return [*objects, patch]
        raise ConnectorError(
            "the remediation fits no object of the example", hint="its kind and metadata say which objects it is for"
        )
    body = {key: value for key, value in patch.items() if key not in {"apiVersion", "kind", _DIRECTIVE}}
    if "metadata" in body and isinstance(body["metadata"], dict):
        # Names select; a namespace moves an object, unless the patch selects by it beside a name.
        named = "name" in body["metadata"]
        body["metadata"] = {
            key: value
            for key, value in body["metadata"].items()
            if key != "name" and not (named and key == "namespace")
        }
        if not body["metadata"]:
            del body["metadata"]
    patched = []
    for item in objects:
        if not any(item is each for each in chosen):
            patched.append(item)
        elif patch.get(_DIRECTIVE) != "delete":
            patched.append(_patched(item, body, by_kind="kind" in patch and patch["kind"] != "Pod"))
    return patched


def _patched(item: dict[str, Any], body: dict[str, Any], *, by_kind: bool) -> dict[str, Any]:
    """Return one object with a patch applied to it or to its pod templates."""
    paths = [] if by_kind or not _is_for_pods(body) else _templates(item)
    if not paths:
        merged = merge(item, body)
        assert isinstance(merged, dict)  # noqa: S101 - a mapping merged into a mapping is one
        return merged
    for path in paths:
        item = _merge_at(item, path, body)
    return item


def _merge_at(value: Any, path: tuple[str | int, ...], body: dict[str, Any]) -> Any:
    if not path:
        return merge(value, body)
    step = path[0]
    if isinstance(value, list):
        return [_merge_at(item, path[1:], body) if index == step else item for index, item in enumerate(value)]
    return {**value, step: _merge_at(value.get(step, {}), path[1:], body)}


def _is_for(patch: dict[str, Any], item: dict[str, Any]) -> bool:
    """Whether a patch is for an object: by kind, name and namespace as far as it gives them."""
    kind = patch.get("kind")
    templates = _templates(item)
    if (
        kind is not None
        and item.get("kind") != kind
        and not (kind == "Pod" and templates and "apiVersion" not in patch)
    ):
        return False
    if kind is None and _is_for_pods(patch) and not templates:
        return False
    wanted, own = _metadata(patch), _metadata(item)
    if "name" not in wanted:
        return True
    return all(own.get(field) == wanted[field] for field in _SELECTORS if field in wanted)


def _is_for_pods(patch: dict[str, Any]) -> bool:
    """Whether a patch speaks of fields of a PodSpec."""
    spec = patch.get("spec")
    return isinstance(spec, dict) and bool(spec) and spec.keys() <= POD_SPEC.keys()


def _metadata(item: dict[str, Any]) -> dict[str, Any]:
    metadata = item.get("metadata")
    return metadata if isinstance(metadata, dict) else {}


def _templates(item: dict[str, Any]) -> list[tuple[str | int, ...]]:
    kind, version = item.get("kind"), item.get("apiVersion")
    if not isinstance(kind, str) or not isinstance(version, str):
        return []
    try:
        return template_paths(item, group_of(version), kind)
    except SearchLimitError:
        return []


def _documents(content: Any, what: str) -> list[Any]:
    """Return the documents of YAML text, or those that are given parsed."""
    if isinstance(content, dict):
        return [content]
    if isinstance(content, list):
        return content
    if not isinstance(content, str):
        raise ConnectorError(f"the {what} is not YAML text")
    try:
        return [
            document.value for document in load_documents(content.encode(), file=what) if document.value is not None
        ]
    except DocumentError as error:
        raise ConnectorError(f"the {what} is not YAML: {error}") from error


def _flatten(document: Any) -> list[dict[str, Any]]:
    """Return the objects of a document, those of a list one by one."""
    if not isinstance(document, dict):
        return []
    if document.get("kind") == "List" and isinstance(document.get("items"), list):
        return [item for each in document["items"] for item in _flatten(each)]
    return [document]
