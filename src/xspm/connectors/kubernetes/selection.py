"""Which NetworkPolicies, PodDisruptionBudgets and autoscalers of the input concern a workload.

Selectors are filed under one label that they ask for, so that a workload is compared only with those that may match it:
many policies beside many workloads cost no more than each alone. For the same reason only the first few names are
kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from xspm.connectors.kubernetes.names import DEFAULT_NAMESPACE
from xspm.connectors.kubernetes.shapes import hold, is_unknown, unknown
from xspm.model.unknown import UNKNOWN_KEY

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from xspm.connectors.kubernetes.manifest import Manifest

FIELDS: Final = ("ingress_policies", "egress_policies", "disruption_budgets", "autoscalers")
"""What `Selectors.concerning` answers."""

MAX_NAMES: Final = 10
"""Names that a field holds at most."""

SELECTOR: Final[dict[str, Any]] = {
    "matchLabels": "mapping",
    "matchExpressions": [{"key": "string", "operator": "string", "values": "strings"}],
}
"""The shape of a label selector."""

_UNREAD: Final = {UNKNOWN_KEY: "part of the input could not be read, and may hold one", "cause": "format"}


class _Selector(msgspec.Struct, frozen=True):
    """An object that selects pods."""

    fields: tuple[str, ...]
    """What it counts for."""
    name: str
    labels: Any
    """Its label selector, held to its shape; unknown when it has another."""


class Selectors:
    """The objects of an input that select pods, or scale workloads."""

    def __init__(self, manifests: Iterable[Manifest], *, complete: bool) -> None:
        """Take those among `manifests`; when they are not complete, finding none does not mean that there is none."""
        self._complete = complete
        self._all: dict[tuple[str, str], list[str]] = {}
        """By field and namespace: names of those that select every pod."""
        self._filed: dict[tuple[Any, ...], list[_Selector]] = {}
        self._scaled: dict[tuple[Any, ...], list[str]] = {}
        self._lost: dict[str, dict[str, Any]] = {}
        for manifest in manifests:
            if manifest.kind in _READERS and (manifest.group in _GROUPS[manifest.kind]):
                self._take(manifest)
        for names in self._all.values():
            names.sort()
            del names[MAX_NAMES:]

    def concerning(self, manifest: Manifest, namespace: Any, labels: Any) -> dict[str, Any]:
        """Return, by field, the sorted names of what concerns a workload, or an unknown.

        Args:
            manifest: the object that makes the pods.
            namespace: its namespace, never null.
            labels: the labels of its pods.
        """
        lost = dict(self._lost)
        values = [] if is_unknown(labels) else labels.values()
        for part in (namespace, labels, *values):
            if is_unknown(part):
                lost |= dict.fromkeys(FIELDS, part)
        found: dict[str, list[str]] = {field: [] for field in FIELDS}
        if type(namespace) is str:
            found = {field: self._all.get((field, namespace), []) for field in FIELDS}
            for selector in self._candidates(namespace, {} if is_unknown(labels) else labels):
                matching = matches(labels, selector.labels)
                for field in selector.fields:
                    if matching is True:
                        found[field] = [*found[field], selector.name]
                    elif matching is not False:
                        lost.setdefault(field, matching)
            if type(manifest.name) is str:
                found["autoscalers"] = self._scaled.get((namespace, manifest.kind, manifest.name), [])
        nothing: Any = [] if self._complete else _UNREAD
        return {
            field: sorted(set(names))[:MAX_NAMES] if names else lost.get(field, nothing)
            for field, names in found.items()
        }

    def _candidates(self, namespace: str, labels: dict[str, Any]) -> Iterator[_Selector]:
        yield from self._filed.get((namespace,), ())
        for key, value in labels.items():
            if type(value) is str:
                yield from self._filed.get((namespace, key, value), ())

    def _take(self, manifest: Manifest) -> None:
        fields = _READERS[manifest.kind]
        namespace = DEFAULT_NAMESPACE if manifest.namespace is None else manifest.namespace
        name = manifest.name if type(manifest.name) is str else "(unknown)"
        spec = manifest.value.get("spec")
        if type(namespace) is not str or (spec is not None and (type(spec) is not dict or is_unknown(spec))):
            self._lost.update(dict.fromkeys(fields, unknown(f"the {manifest.kind} {name} is malformed")))
            return
        spec = spec or {}
        if manifest.kind == "HorizontalPodAutoscaler":
            target = spec.get("scaleTargetRef")
            if type(target) is dict and type(target.get("kind")) is str and type(target.get("name")) is str:
                self._scaled.setdefault((namespace, target["kind"], target["name"]), []).append(name)
            return
        if manifest.kind == "NetworkPolicy":
            fields = restricted(spec)
            wanted = spec.get("podSelector", {})
        elif (wanted := spec.get("selector")) is None:
            return
        if wanted is None or wanted == {}:
            for field in fields:
                self._all.setdefault((field, namespace), []).append(name)
            return
        held = hold(wanted, SELECTOR, ("selector",), lambda *_: None)
        exact = held.get("matchLabels") if type(held) is dict and not is_unknown(held) else None
        first = next(iter(exact.items()), ()) if type(exact) is dict and not is_unknown(exact) else ()
        filed = (namespace, *first) if not first or type(first[1]) is str else (namespace,)
        self._filed.setdefault(filed, []).append(_Selector(fields, name, held))


_READERS: Final[dict[str, tuple[str, ...]]] = {
    "NetworkPolicy": ("ingress_policies", "egress_policies"),
    "PodDisruptionBudget": ("disruption_budgets",),
    "HorizontalPodAutoscaler": ("autoscalers",),
}
_GROUPS: Final = {
    "NetworkPolicy": frozenset({"networking.k8s.io", "extensions"}),
    "PodDisruptionBudget": frozenset({"policy"}),
    "HorizontalPodAutoscaler": frozenset({"autoscaling"}),
}


def restricted(spec: dict[str, Any]) -> tuple[str, ...]:
    """Return which of the fields a NetworkPolicy counts for.

    Without `policyTypes` it restricts incoming traffic, and outgoing traffic if it has rules for that:
    https://kubernetes.io/docs/concepts/services-networking/network-policies/#networkpolicy-resource.
    """
    types = spec.get("policyTypes")
    if type(types) is not list or not types:
        types = ["Ingress", "Egress"] if spec.get("egress") else ["Ingress"]
    return tuple(field for kind, field in (("Ingress", FIELDS[0]), ("Egress", FIELDS[1])) if kind in types)


def matches(labels: Any, selector: Any) -> Any:
    """Return whether labels match a label selector held to its shape: true, false, or the unknown that decides it."""
    for value in (labels, selector):
        if is_unknown(value) or type(value) is not dict:
            return value if is_unknown(value) else False
    wanted, expressions = selector.get("matchLabels") or {}, selector.get("matchExpressions") or []
    doubt: Any = True
    for part in (wanted, expressions):
        if is_unknown(part):
            return part
    for key, value in wanted.items():
        if is_unknown(labels.get(key)):
            doubt = labels[key]
        elif labels.get(key) != value:
            return False
    for expression in expressions:
        fulfilled = expression if is_unknown(expression) else _fulfils(labels, expression)
        if fulfilled is False:
            return False
        if fulfilled is not True:
            doubt = fulfilled
    return doubt


def _fulfils(labels: dict[str, Any], expression: dict[str, Any]) -> Any:
    key, operator, values = expression.get("key", ""), expression.get("operator"), expression.get("values") or []
    for part in (key, operator, values, None if is_unknown(key) else labels.get(key)):
        if is_unknown(part):
            return part
    present = key in labels
    match operator:
        case "In":
            return present and labels[key] in values
        case "NotIn":
            return not present or labels[key] not in values
        case "Exists":
            return present
        case "DoesNotExist":
            return not present
    return unknown(f"a selector has the operator {str(operator)[:40]!r}, which does not exist")
