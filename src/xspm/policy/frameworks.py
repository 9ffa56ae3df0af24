"""Framework catalogues: a YAML file to a `Framework`, and what each requirement's checks are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from xspm.model.check import Framework, Requirement
from xspm.policy.patterns import matches
from xspm.syntax.fields import Fields, Mistakes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from xspm.syntax.yaml import Document


_TEXTS: Final = ("title", "version", "publisher", "url")


def read_framework(document: Document, name: str) -> Framework:
    """Read one framework file.

    Raises:
        PolicyError: a field is missing or of the wrong type, an id stands twice, or a requirement has both checks and
        a reason.
    """
    fields, mistakes = Fields(document), Mistakes()
    seen: set[str] = set()

    def requirement(entry: Fields) -> Requirement:
        one = Requirement(
            id=entry.text("id"),
            title=entry.text("title"),
            checks=entry.texts("checks"),
            reason=entry.text("reason", None),
        )
        entry.done()
        if one.id in seen:
            entry.fail(f"requirement {one.id!r} stands twice", "id")
        if one.checks and one.reason:
            entry.fail("a requirement has checks or a reason why it has none, not both", "reason")
        seen.add(one.id)
        return one

    requirements = mistakes.attempt(fields.each, "requirements", requirement)
    if requirements == []:
        mistakes.found.append(fields.mistake("`requirements` is missing or empty"))
    texts: dict[str, Any] = {key: mistakes.attempt(fields.text, key) for key in _TEXTS}
    mistakes.attempt(fields.done)
    mistakes.found = fields.independent(mistakes.found)
    mistakes.refuse()
    return Framework(name=name, requirements=tuple(requirements or ()), location=fields.location(), **texts)


def mapping(frameworks: Iterable[Framework], check_ids: Iterable[str]) -> Mapping[str, tuple[str, ...]]:
    """Return, by check id, the requirements it gives evidence for, as sorted `framework:requirement`."""
    ids = sorted(check_ids)
    found: dict[str, set[str]] = {check_id: set() for check_id in ids}
    for framework in frameworks:
        for requirement in framework.requirements:
            # Most patterns are ids: looking these up is all that a build after a small change should cost.
            patterns = [pattern for pattern in requirement.checks if pattern not in found]
            named = {pattern for pattern in requirement.checks if pattern in found}
            for check_id in ids if patterns else named:
                if check_id in named or matches(check_id, patterns):
                    found[check_id].add(f"{framework.name}:{requirement.id}")
    return {check_id: tuple(sorted(requirements)) for check_id, requirements in found.items()}
