"""What authors do with checks: find them, test them, start a new one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from xspm.app.examples import Trial, run_examples
from xspm.app.policies import FOLDER, built, folders_in_reach, listed
from xspm.app.types import resource_types
from xspm.errors import PolicyError, UsageError, together
from xspm.policy.checks import check_id_of
from xspm.policy.library import refuse
from xspm.policy.patterns import matches

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from xspm.model.check import Check
    from xspm.model.schema import Shape, TypeSpec
    from xspm.policy.assess import Engine
    from xspm.policy.library import Built


def find(sources: Built, patterns: Sequence[str]) -> list[Check]:
    """The checks whose ids match, all when there is no pattern.

    Raises:
        UsageError: a pattern matches none.
    """
    for pattern in patterns:
        if not any(matches(check_id, [pattern]) for check_id in sources.checks):
            near = [check_id for check_id in sources.checks if pattern.rpartition(".")[2] in check_id]
            raise UsageError(
                f"no check is called {pattern!r}",
                hint=f"did you mean {near[0]}?" if near else "xspm check list shows them",
            )
    return [check for check in sources.checks.values() if not patterns or matches(check.id, patterns)]


def sound(policies: Sequence[str] = ()) -> Built:
    """Everything in reach, from source and never from a cache.

    Raises:
        PolicyError, CelError, DocumentError: something is not sound; with the first mistake come all others.
    """
    sources = built(policies)
    if sources.errors:
        raise together(sources.errors)
    return sources


def shown(policies: Sequence[str] = ()) -> Built:
    """Everything in reach, for commands that only show it.

    Raises:
        PolicyError, CelError, DocumentError: something is not sound; the first mistake.
    """
    sources = listed(policies)
    refuse(sources, folders_in_reach(policies)[0] if sources.errors else ())
    return sources


def own(sources: Built) -> list[Check]:
    """The checks that xspm does not ship."""
    return [check for check in sources.checks.values() if not sources.library.checks[check.id].shipped]


def trials(sources: Built, checks: Sequence[Check], engine: Engine | None = None) -> Iterator[Trial]:
    """Run every example and every remediation in code form of some checks."""
    for check in checks:
        yield from run_examples(sources.library.checks[check.id], check, engine)


_SKELETON: Final = """\
title: {title}
severity: medium
resource: {resource}
check: {check}
message: {message}
rationale: >-
  Say in two or three sentences what goes wrong when this fails.
remediation:
  steps: |
    Say how to mend it.
references:
  - https://example.org/why
examples:
  pass:
    - {example}
  fail:
    - {example}
"""


def new(check_id: str, resource: str) -> Path:
    """Write the skeleton of a check below `.xspm/checks/` of the working folder.

    Returns:
        The new file's path.

    Raises:
        UsageError: the resource type is not known, the id is no id, or the file exists.
    """
    spec = resource_types().get(resource)
    if spec is None:
        raise UsageError(f"no resource type is called {resource!r}", hint="xspm resources lists them")
    relative = check_id.replace(".", "/") + ".yaml"
    try:
        check_id_of(relative)
    except PolicyError as error:
        raise UsageError(
            f"{check_id!r} is no check id: {error.message}", hint="for example acme.no_root_login"
        ) from error
    path = Path(FOLDER, "checks", relative)
    text = _skeleton(check_id, spec)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise UsageError(f"{path} exists already") from error
    return path


def _skeleton(check_id: str, spec: TypeSpec) -> str:
    """The text of a check that compiles: on a field that is true or false where there is one, else on the first."""
    fields = sorted(spec.shape.fields, key=lambda field: (field.shape.nullable, field.shape.kind != "bool"))
    if spec.shape.kind == "dyn" or not fields:
        expression, message = "has(resource.metadata.labels)", "say what is wrong"
    else:
        expression = _condition(f"resource.{fields[0].name}", fields[0].shape)
        message = f"{fields[0].name} is {{resource.{fields[0].name}}}"
    manifest = "manifest: |\n        apiVersion: v1\n        kind: Pod\n        metadata: {name: example}"
    example = manifest if spec.name.startswith("k8s.") else "resource: {}"
    return _SKELETON.format(
        title=check_id.rpartition(".")[2].replace("_", " ").capitalize(),
        resource=spec.name,
        check=expression,
        message=message,
        example=example,
    )


def _condition(path: str, shape: Shape) -> str:
    """A condition on a field that compiles, whatever the field's type."""
    if shape.nullable:
        return f"{path} != null"
    match shape.kind:
        case "bool":
            return path
        case "list" | "map" | "string":
            return f"size({path}) > 0"
    return f"{path} == {path}"
