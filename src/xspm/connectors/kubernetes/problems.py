"""What cannot be read of manifests, as problems on the snapshot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from xspm.connectors.kubernetes.names import RAW_TYPES, TYPED
from xspm.model.asset import Location, Problem

if TYPE_CHECKING:
    from xspm.errors import DocumentError
    from xspm.model.asset import ProblemKind

ALL_TYPES: Final = tuple(sorted({*TYPED, *(name for name, _ in RAW_TYPES.values())}))
"""An unread text may hold anything, so every type is incomplete."""

WORKLOAD_TYPES: Final = ("k8s.container", "k8s.workload")


def access(message: str, file: str, *, kind: ProblemKind = "access") -> Problem:
    """Say that a file or folder could not be read."""
    return Problem(kind=kind, message=_line(message), resource_types=ALL_TYPES, location=Location(file=file))


def unsupported(message: str, file: str, *, resource_types: tuple[str, ...] = (), hint: str | None = None) -> Problem:
    """Say that something is not read because xspm does not read its kind."""
    return Problem(
        kind="unsupported",
        message=_line(message),
        resource_types=resource_types,
        location=Location(file=file),
        hint=hint,
    )


def broken(error: DocumentError, *, template: bool) -> Problem:
    """Say that a document is broken; the offending line itself stays out, for it may hold a secret."""
    location = Location(file=error.file or "", line=error.line, column=error.column)
    message, hint = error.message, error.hint
    if template:
        # What the parser stumbles over differs from template to template, and none of it is what is wrong.
        message, hint = (
            "looks like a template, as those of helm, which is no manifest yet",
            "run helm template and scan its output: helm template CHART | xspm scan -",
        )
    return Problem(kind="format", message=_line(message), resource_types=ALL_TYPES, location=location, hint=hint)


def malformed(
    message: str, location: Location, *, resource_types: tuple[str, ...] = (), hint: str | None = None
) -> Problem:
    """Say that part of an object is not of the shape that Kubernetes gives it."""
    return Problem(kind="format", message=_line(message), resource_types=resource_types, location=location, hint=hint)


def _line(text: str) -> str:
    """Keep a message on one line, whatever a key or path holds."""
    return "".join(character if character.isprintable() else "?" for character in text)
