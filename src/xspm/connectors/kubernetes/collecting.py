"""A target into a snapshot: texts, documents, objects, then everything that needs more than one object.

Each text is read, parsed and let go before the next; what is kept of an object is itself, its pod templates and its
places. When all are read, service accounts, roles and namespaces are put together and the resources are made. A target
without a single object is an error, never an empty snapshot that looks clean.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from xspm.connectors.kubernetes.claimed import may_claim, without_claims
from xspm.connectors.kubernetes.container import Container, containers
from xspm.connectors.kubernetes.files import STDIN, Text, is_build_file, read_target, shown
from xspm.connectors.kubernetes.manifest import Manifest, read_manifests
from xspm.connectors.kubernetes.names import DEFAULT_NAMESPACE, RAW_TYPES, RBAC
from xspm.connectors.kubernetes.namespace import NamespaceSummary, namespace_summaries
from xspm.connectors.kubernetes.object import KubernetesObject, object_resources
from xspm.connectors.kubernetes.problems import ALL_TYPES, broken, malformed
from xspm.connectors.kubernetes.raw_shapes import held_metadata, held_raw
from xspm.connectors.kubernetes.selection import Selectors
from xspm.connectors.kubernetes.shapes import dotted
from xspm.connectors.kubernetes.strays import Stray, commented, may_be_alike, strays
from xspm.connectors.kubernetes.workload import Workload, contained, workload, workload_data
from xspm.errors import ConnectorError, DocumentError
from xspm.model.asset import Asset, Problem, Resource, Snapshot
from xspm.model.schema import TypeSpec, raw_type, typed
from xspm.syntax.yaml import Limits, load_documents

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from xspm.connectors.kubernetes.shapes import Report

ASSET_TYPE: Final = "kubernetes.manifests"
CONNECTOR_NAME: Final = "kubernetes"
EXAMPLE_TIME: Final = "2026-01-01T00:00:00Z"
"""When examples are collected: they are the same evidence every time."""

_LIMITS: Final = Limits()
_SELECTING: Final = {"k8s.networkpolicy", "k8s.poddisruptionbudget", "k8s.horizontalpodautoscaler"}
_MAX_PROBLEMS: Final = 1_000
"""Problems of one target that are kept; the last one says so."""


def type_specs() -> list[TypeSpec]:
    """Return every resource type of the connector."""
    from xspm.connectors.kubernetes.rbac import RbacGrant  # noqa: PLC0415 - as below

    raw = dict(RAW_TYPES.values())
    return [
        *(typed(source) for source in (Container, KubernetesObject, NamespaceSummary, RbacGrant, Workload)),
        *(raw_type(name, title) for name, title in sorted(raw.items())),
    ]


def collect(target: str, progress: Callable[[str], None]) -> Snapshot:
    """Read a target.

    Raises:
        ConnectorError: it cannot be read, or holds no object and no sign of any.
    """
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    name = "standard input" if target == STDIN else shown(target)
    problems: list[Problem] = []
    manifests = _read(read_target(target, problems.append, _LIMITS), problems.append, progress)
    if not manifests and not any(problem.resource_types for problem in problems):
        hint = problems[0].hint if problems else "an object has apiVersion and kind"
        reason = f": {problems[0].message}" if problems else ""
        raise ConnectorError(f"{name} holds no Kubernetes object{reason}", hint=hint)
    asset = Asset(type=ASSET_TYPE, id=f"{ASSET_TYPE}:{target}", name=name)
    return _snapshot(asset, now, manifests, problems)


def collect_example(text: str) -> Snapshot:
    """Read the manifests of a check's example.

    Raises:
        ConnectorError: a document is broken, or there is no object.
    """
    problems: list[Problem] = []

    def refuse(problem: Problem) -> None:
        if problem.resource_types == ALL_TYPES:
            line = problem.location.line if problem.location else None
            raise ConnectorError(f"the example's manifest, line {line}: {problem.message}", hint=problem.hint)
        problems.append(problem)

    manifests = _read([Text("example.yaml", text.encode(), asked=True)], refuse, lambda _: None)
    if not manifests:
        raise ConnectorError("the example holds no Kubernetes object", hint="an object has apiVersion and kind")
    return _snapshot(
        Asset(type=ASSET_TYPE, id=f"{ASSET_TYPE}:example", name="example"), EXAMPLE_TIME, manifests, problems
    )


def _read(texts: Iterable[Text], report: Callable[[Problem], None], progress: Callable[[str], None]) -> list[Manifest]:
    manifests: list[Manifest] = []
    for count, text in enumerate(texts):
        if count % 50 == 0:
            progress(f"{text.file} ({len(manifests)} objects so far)")
        if not _may_hold_objects(text):
            continue
        if (problem := commented(text.data, text.file)) is not None:
            report(problem)
            continue
        template, claiming = b"{{" in text.data, may_claim(text.data)
        before, stray = len(manifests), list[Stray]()

        def broken_document(error: DocumentError, *, template: bool = template) -> None:
            report(broken(error, template=template))

        try:
            for document in load_documents(text.data, file=text.file, limits=_LIMITS, on_error=broken_document):
                own = without_claims(document, report) if claiming else document
                manifests.extend(read_manifests(own, report))
                stray += strays(own)
        except DocumentError as error:
            broken_document(error)
        # Among objects it is meant to be one; in a file without any it may be somebody else's.
        among = len(manifests) > before
        for each in stray:
            if each.alike or among:
                report(each.problem())
    return manifests


def _may_hold_objects(text: Text) -> bool:
    """Whether a text met on the way may hold an object at all; most YAML in a repository is not even parsed.

    A word can be written by escapes, and in UTF-16 it does not show: such texts are read.
    """
    data = text.data
    return (
        text.asked
        or is_build_file(text.file)
        or (b"apiVersion" in data and b"kind" in data)
        or may_be_alike(data)
        or b"\\" in data
        or b"\0" in data
        or data[:2] == b"\xff\xfe"
    )


def _snapshot(asset: Asset, now: str, manifests: list[Manifest], problems: list[Problem]) -> Snapshot:
    resources: list[Resource] = []
    identities = _Identities()
    rbac: list[tuple[Manifest, dict[str, Any], str]] = []
    accounts = _token_settings(manifests)
    selectors = Selectors(manifests, complete=not any(_SELECTING & set(problem.resource_types) for problem in problems))
    resources.extend(namespace_summaries(manifests))
    for manifest in manifests:
        identity = identities.unique(manifest)

        def wrong(path: tuple[str | int, ...], message: str, *, manifest: Manifest = manifest) -> None:
            shorter = (dotted(path[:length]) for length in range(len(path), 0, -1))
            place = next((manifest.locations[at] for at in shorter if at in manifest.locations), manifest.location)
            problems.append(malformed(f"{manifest.id}: {message}", place))

        held = _held_rbac(manifest, wrong)
        if held is not None:
            rbac.append((manifest, held, identity))
        shaped = held if held is not None else held_raw(manifest, wrong)
        manifest.value = manifest.value | (shaped or {}) | held_metadata(manifest)
        resources.extend(object_resources(identity, manifest))
        for template in manifest.templates:
            own = identity if len(manifest.templates) == 1 else f"{identity}@{template.path}"
            data = workload_data(manifest, template, accounts, selectors)
            inside = containers(own, data, template)
            data["containers"] = contained(template, inside)
            resources.append(workload(own, data, template))
            resources.extend(inside)
    if rbac:
        resources.extend(_grants(rbac))
    resources.sort(key=lambda resource: (resource.type, resource.id))
    if len(problems) > _MAX_PROBLEMS:
        rest = len(problems) - _MAX_PROBLEMS
        kept = problems[:_MAX_PROBLEMS]
        problems = [
            *kept,
            Problem(kind="limit", message=f"{rest} more problems are not listed", resource_types=ALL_TYPES),
        ]
    return Snapshot(asset, now, CONNECTOR_NAME, ALL_TYPES, tuple(resources), tuple(problems))


def _held_rbac(manifest: Manifest, wrong: Report) -> dict[str, Any] | None:
    if manifest.group != RBAC:
        return None
    from xspm.connectors.kubernetes.rbac import held_rbac  # noqa: PLC0415 - most manifests give no rights

    return held_rbac(manifest, wrong)


def _grants(rbac: list[tuple[Manifest, dict[str, Any], str]]) -> list[Resource]:
    """Return the bindings among roles and bindings, each with the rights it gives."""
    from xspm.connectors.kubernetes.rbac import rbac_grant  # noqa: PLC0415 - as above
    from xspm.connectors.kubernetes.roles import Roles  # noqa: PLC0415

    roles = Roles((manifest, held) for manifest, held, _ in rbac)
    return [
        rbac_grant(identity, manifest, held, roles)
        for manifest, held, identity in rbac
        if manifest.kind.endswith("Binding")
    ]


class _Identities:
    """Ids, unique and stable: an object that stands twice gets the name of its file, then a number."""

    def __init__(self) -> None:
        self._taken: dict[str, int] = {}

    def unique(self, manifest: Manifest) -> str:
        """Return an id that no object before has."""
        identity = manifest.id
        if identity not in self._taken:
            self._taken[identity] = 1
            return identity
        identity = f"{identity}#{manifest.location.file}"
        count = self._taken.get(identity, 0) + 1
        self._taken[identity] = count
        return identity if count == 1 else f"{identity}#{count}"


def _token_settings(manifests: list[Manifest]) -> dict[tuple[str, str], Any]:
    """Return `automountServiceAccountToken` of every ServiceAccount that gives it, by namespace and name."""
    settings: dict[tuple[str, str], Any] = {}
    for manifest in manifests:
        if manifest.group == "" and manifest.kind == "ServiceAccount" and type(manifest.name) is str:
            namespace = DEFAULT_NAMESPACE if manifest.namespace is None else manifest.namespace
            value = manifest.value.get("automountServiceAccountToken")
            if type(namespace) is str and (type(value) is bool or type(value) is dict):
                settings[namespace, manifest.name] = value
    return settings
