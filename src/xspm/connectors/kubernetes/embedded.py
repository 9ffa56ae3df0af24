"""Manifests that stand as text within an object: what the `resource` templates of Argo Workflows create.

They are read like any manifest, and stand where the text stands. Texts with parameters are read as far as they can be:
what a parameter may decide is unknown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from xspm.connectors.kubernetes.argo import SPECS
from xspm.connectors.kubernetes.claimed import may_claim, without_claims
from xspm.connectors.kubernetes.names import ARGO
from xspm.connectors.kubernetes.place import Place
from xspm.connectors.kubernetes.problems import ALL_TYPES, malformed
from xspm.connectors.kubernetes.shapes import dotted, unknown
from xspm.errors import DocumentError
from xspm.syntax.yaml import load_documents

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from xspm.model.asset import Location, Problem
    from xspm.syntax.yaml import Document, Path

MAX_TEXTS: Final = 200
"""Texts of one object that are read."""
MAX_SIZE: Final = 1_000_000
"""Characters of all texts of one object: an alias repeats a text for nothing."""
_MARK: Final = "{{"
_HARMLESS: Final = ("get", "delete")
"""Actions that deploy nothing."""
_HINT: Final = "assess what it makes as a manifest of its own"


class EmbeddedPlace(Place):
    """Answers with the place of the text for everything in it."""

    __slots__ = ("_around",)

    def __init__(self, document: Document, around: Location, prefix: Path = ()) -> None:
        """Answer for an object of a text that stands at `around`."""
        super().__init__(document, prefix)
        self._around = around

    def location(self, path: Path = ()) -> Location:  # noqa: ARG002 - the same for every path
        """Return the place of the text."""
        return self._around

    def fields(self, path: Path, depth: int, prefix: str = "") -> dict[str, Location]:  # noqa: ARG002 - as above
        """Return nothing: fields have no places of their own."""
        return {}


class Embedded(NamedTuple):
    """One document of a text."""

    document: Document
    around: Location


def embedded(
    value: dict[str, Any], group: str, kind: str, place: Place, report: Callable[[Problem], None]
) -> Iterator[Embedded]:
    """Yield the documents that stand as text in an object; those that cannot be read are reported."""
    if group != ARGO or kind not in SPECS:
        return
    count = size = 0
    stack: list[tuple[Path, Any]] = [((), value)]
    while stack:
        path, item = stack.pop()
        if type(item) is list:
            stack.extend(((*path, index), each) for index, each in enumerate(item))
        if type(item) is not dict:
            continue
        stack.extend(((*path, key), each) for key, each in item.items())
        if not path or path[-1] != "resource" or item.get("action") in _HARMLESS:
            continue
        at = (*path, "manifest" if item.get("manifest") is not None else "manifestFrom")
        text = item.get(str(at[-1]))
        if text is None:
            continue
        count += 1
        size += len(text) if type(text) is str else 0
        if count > MAX_TEXTS or size > MAX_SIZE:
            report(_unread(f"{dotted(at)} goes beyond the manifests within an object that are read", place, at))
            return
        yield from _documents(text, item.get("action"), at, place, report)


def _documents(text: Any, action: Any, at: Path, place: Place, report: Callable[[Problem], None]) -> Iterator[Embedded]:
    """Yield the documents of one text."""
    if type(text) is not str or action == "patch":
        report(_unread(f"{dotted(at)} is deployed, and is not read", place, at))
        return
    around = place.location(at)
    try:
        documents = list(load_documents(text.encode("utf-8", "surrogatepass"), file=place.file))
    except DocumentError:
        report(_unread(f"{dotted(at)} is deployed, and cannot be read", place, at))
        return
    if _MARK in text:
        report(_unread(f"{dotted(at)} holds parameters, which are decided when the pipeline runs", place, at))
    for document in documents:
        own = without_claims(document, report) if may_claim(text.encode("utf-8", "surrogatepass")) else document
        if type(own.value) is not dict or "apiVersion" not in own.value or "kind" not in own.value:
            report(_unread(f"{dotted(at)} is deployed, and is no object that is read", place, at))
            continue
        if _MARK in text:
            settings = {
                key: each if key in ("apiVersion", "kind", "metadata") else _settled(each)
                for key, each in own.value.items()
            }
            own = msgspec.structs.replace(own, value=settings)
        yield Embedded(own, around)


def _settled(value: Any) -> Any:
    """Return a value in which every text with a parameter is unknown."""
    if type(value) is str and _MARK in value:
        return unknown("a parameter is not read: decided when the pipeline runs")
    if type(value) is list:
        return [_settled(item) for item in value]
    return {key: _settled(item) for key, item in value.items()} if type(value) is dict else value


def _unread(message: str, place: Place, at: Path) -> Problem:
    return malformed(message, place.location(at), resource_types=ALL_TYPES, hint=_HINT)
