"""Framework catalogues: a YAML file to a `Framework`, and what each requirement's checks are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xspm.model.check import Framework, Requirement
from xspm.policy.fields import Fields
from xspm.policy.patterns import matches

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from xspm.syntax.yaml import Document


def read_framework(document: Document, name: str) -> Framework:
    """Read one framework file.

    Raises:
        PolicyError: a field is missing or of the wrong type, an id stands twice, or a requirement has both checks and
        a reason.
    """
    fields = Fields(document)
    seen: set[str] = set()
    requirements = []
    for entry in fields.children("requirements"):
        requirement = Requirement(
            id=entry.text("id"),
            title=entry.text("title"),
            checks=entry.texts("checks"),
            reason=entry.text("reason", None),
        )
        entry.done()
        if requirement.id in seen:
            entry.fail(f"requirement {requirement.id!r} stands twice", "id")
        if requirement.checks and requirement.reason:
            entry.fail("a requirement has checks or a reason why it has none, not both", "reason")
        seen.add(requirement.id)
        requirements.append(requirement)
    if not requirements:
        fields.fail("`requirements` is missing or empty")
    framework = Framework(
        name=name,
        title=fields.text("title"),
        version=fields.text("version"),
        publisher=fields.text("publisher"),
        url=fields.text("url"),
        requirements=tuple(requirements),
        location=fields.location(),
    )
    fields.done()
    return framework


def mapping(frameworks: Iterable[Framework], check_ids: Iterable[str]) -> Mapping[str, tuple[str, ...]]:
    """Return, by check id, the requirements it gives evidence for, as sorted `framework:requirement`."""
    ids = sorted(check_ids)
    found: dict[str, set[str]] = {check_id: set() for check_id in ids}
    for framework in frameworks:
        for requirement in framework.requirements:
            for check_id in ids if requirement.checks else ():
                if matches(check_id, requirement.checks):
                    found[check_id].add(f"{framework.name}:{requirement.id}")
    return {check_id: tuple(sorted(requirements)) for check_id, requirements in found.items()}
