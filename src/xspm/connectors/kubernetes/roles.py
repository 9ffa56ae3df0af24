"""What roles allow: as written, as every cluster has them, and as the controller manager puts aggregates together.

An aggregated ClusterRole gets the rules of the ClusterRoles that its selectors match, and of what those aggregate in
turn (https://kubernetes.io/docs/reference/access-authn-authz/rbac/#aggregated-clusterroles). Its own written rules
count too: in an export they are what it was filled with. What a role allows that is neither in the input nor built in
is unknown. The work for one input is limited, for a few kilobytes of roles that select each other could ask for any
amount.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from xspm.connectors.kubernetes.builtin_roles import AGGREGATED, BUILTIN_ROLES
from xspm.connectors.kubernetes.names import DEFAULT_NAMESPACE, RBAC
from xspm.connectors.kubernetes.selection import matches
from xspm.connectors.kubernetes.shapes import is_unknown
from xspm.model.unknown import UNKNOWN_KEY

if TYPE_CHECKING:
    from collections.abc import Iterable

    from xspm.connectors.kubernetes.manifest import Manifest

_AGGREGATE: Final = f"{RBAC}/aggregate-to-"
_RULE_FIELDS: Final = (
    ("verbs", "verbs"),
    ("api_groups", "apiGroups"),
    ("resources", "resources"),
    ("resource_names", "resourceNames"),
    ("non_resource_urls", "nonResourceURLs"),
)
_MAX_WORK: Final = 200_000
"""Comparisons of selectors with roles, and rules put together, for all aggregates of one input."""
_MAX_GRANTED: Final = 100_000
"""Rules given out for all bindings of one input to roles that are longer than `_LONG`."""
_LONG: Final = 100


class _LostError(Exception):
    """What a role allows is unknown."""

    def __init__(self, reason: dict[str, Any]) -> None:
        super().__init__()
        self.reason = reason


class Roles:
    """The roles of the input, with those that every cluster has."""

    def __init__(self, manifests: Iterable[tuple[Manifest, dict[str, Any]]]) -> None:
        """Take the roles among `manifests`, each with its fields held to their shapes."""
        self._namespaced: dict[tuple[str, str], dict[str, Any]] = {}
        self._cluster: dict[str, dict[str, Any]] = {}
        self._labels: dict[str, Any] = {}
        self._rules: dict[str, Any] = {}
        self._matching: dict[bytes, list[str]] = {}
        """By selector: the names of what it matches."""
        self._work = _MAX_WORK
        self._granted = _MAX_GRANTED
        for manifest, held in manifests:
            name = manifest.name
            if type(name) is not str:
                continue
            if manifest.kind == "ClusterRole":
                self._cluster[name] = _both(self._cluster.get(name), held)
                self._labels[name] = manifest.labels
            elif manifest.kind == "Role":
                namespace = DEFAULT_NAMESPACE if manifest.namespace is None else manifest.namespace
                if type(namespace) is str:
                    self._namespaced[namespace, name] = _both(self._namespaced.get((namespace, name)), held)

    def rules(self, kind: Any, name: Any, namespace: Any) -> Any:
        """Return the rules of a role as plain JSON in the form of `Rule`, or an unknown."""
        for part in (kind, name, namespace):
            if is_unknown(part):
                return part
        if kind == "ClusterRole":
            if name not in self._rules:
                self._rules[name] = self._cluster_rules(str(name))
            found = self._rules[name]
        else:
            held = self._namespaced.get((str(namespace), str(name)))
            found = _missing(str(kind), str(name)) if held is None else _rules(held.get("rules"))
        if type(found) is list and len(found) > _LONG:
            self._granted -= len(found)
            if self._granted < 0:
                return _too_much(f"the rules of the {kind} {name}")
        return found

    def _cluster_rules(self, name: str) -> Any:
        held = self._cluster.get(name)
        if held is None and name not in BUILTIN_ROLES:
            return _missing("ClusterRole", name)
        if held is not None and held.get("aggregationRule") is None:
            return _rules(held.get("rules"))
        try:
            parts = self._parts(name)
            if not parts and name not in BUILTIN_ROLES:
                message = f"the ClusterRole {name} is an aggregate, and none of its parts is among the manifests"
                return {UNKNOWN_KEY: message, "cause": "missing"}
            return self._union(name, parts)
        except _LostError as lost:
            return lost.reason

    def _parts(self, name: str) -> list[str]:
        """Return the names of all roles that an aggregate is made of, those within other aggregates included.

        Raises:
            _LostError: one of them, or whether it belongs to them, is not known.
        """
        parts: dict[str, None] = {}
        seen: set[bytes] = set()
        pending = [name]
        while pending:
            current = pending.pop()
            selectors = self._selectors(current)
            found = False
            for selector in selectors or ():
                key = msgspec.json.encode(selector)
                found = found or any(other != current for other in self._matched(key, selector))
                if key in seen:
                    continue
                seen.add(key)
                for other in self._matched(key, selector):
                    self._spend(name)
                    if other != name and other not in parts:
                        parts[other] = None
                        pending.append(other)
            if selectors is not None and not found and current not in (name, *BUILTIN_ROLES):
                message = f"the ClusterRole {current} is an aggregate, and none of its parts is among the manifests"
                raise _LostError({UNKNOWN_KEY: message, "cause": "missing"})
        return list(parts)

    def _selectors(self, name: str) -> list[Any] | None:
        """Return the selectors of an aggregate; None for a role that is none.

        Raises:
            _LostError: they are not known.
        """
        held = self._cluster.get(name)
        if held is None:
            labels = [_AGGREGATE + part for part in AGGREGATED.get(name, ())]
            return [{"matchLabels": {label: "true"}} for label in labels]
        aggregation = held.get("aggregationRule")
        if aggregation is None:
            return None
        selectors: Any = aggregation if is_unknown(aggregation) else aggregation.get("clusterRoleSelectors") or []
        if is_unknown(selectors):
            raise _LostError(selectors)
        return list(selectors)

    def _matched(self, key: bytes, selector: Any) -> list[str]:
        """Return the names of the roles that a selector matches.

        Raises:
            _LostError: whether it matches one is not known.
        """
        if key in self._matching:
            return self._matching[key]
        found: list[str] = []
        for other, labels in self._labels.items():
            self._spend(other)
            matching = matches(labels, selector)
            if is_unknown(matching):
                raise _LostError(matching)
            if matching:
                found.append(other)
        # The cluster's own parts of `admin`, `edit` and `view`, unless the input holds them. Selectors that match roles
        # for want of a label would match every role of a cluster, and are taken to mean those of the input.
        for own in AGGREGATED:
            part = f"system:aggregate-to-{own}"
            asked = matches({_AGGREGATE + own: "true"}, selector) is True and matches({}, selector) is False
            if asked and part not in self._cluster:
                found.append(own)
        self._matching[key] = found
        return found

    def _union(self, name: str, parts: list[str]) -> list[Any]:
        """Return the rules of an aggregate and its parts, each rule once.

        Raises:
            _LostError: those of a part are not known, or it is too much.
        """
        union: dict[bytes, Any] = {}
        for part in (name, *parts):
            held = self._cluster.get(part)
            written = _rules(None if held is None else held.get("rules"))
            if is_unknown(written):
                raise _LostError(written)
            for rule in (*_rules(BUILTIN_ROLES.get(part)), *written):
                self._spend(name)
                union[msgspec.json.encode(rule)] = rule
        return list(union.values())

    def _spend(self, name: str) -> None:
        """Count one step of work.

        Raises:
            _LostError: it was one too many.
        """
        self._work -= 1
        if self._work < 0:
            raise _LostError(_too_much(f"the aggregation of the ClusterRole {name}"))


def _both(first: dict[str, Any] | None, second: dict[str, Any]) -> dict[str, Any]:
    """Return a role that stands twice with the rules of both: which of them a cluster gets is not known."""
    if first is None or first == second:
        return second
    rules, more = first.get("rules") or [], second.get("rules") or []
    both = next((part for part in (rules, more) if is_unknown(part)), None)
    return first | second | {"rules": [*rules, *more] if both is None else both}


def _too_much(what: str) -> dict[str, Any]:
    return {UNKNOWN_KEY: f"{what}: more rules are put together in this input than xspm reads", "cause": "limit"}


def _missing(kind: str, name: str) -> dict[str, Any]:
    return {UNKNOWN_KEY: f"the {kind} {name} is not among the manifests", "cause": "missing"}


def _rules(rules: Any) -> Any:
    if rules is None or is_unknown(rules):
        return [] if rules is None else rules
    return [rule if is_unknown(rule) else {name: rule.get(field, []) for name, field in _RULE_FIELDS} for rule in rules]
