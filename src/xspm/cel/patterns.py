"""Recognising "any of these patterns": `patterns.exists(p, text.matches('^' + p + '$'))`.

One regular expression that is all of them is searched for once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from xspm.cel.ast import Call, Ident, Literal, Node
from xspm.cel.reads import uses

if TYPE_CHECKING:
    from xspm.cel.ast import Fold
    from xspm.cel.macros import Macro


@dataclass(frozen=True, slots=True)
class Alternatives:
    """A text and what surrounds each pattern that it is searched for."""

    subject: Node
    before: str
    after: str
    negated: bool
    """Whether the fold asks that none matches."""


def alternatives(fold: Fold, macro: Macro) -> Alternatives | None:
    """Return what an `exists` or `all` over patterns searches, if that is all it does."""
    test, negated = macro.condition, False
    if macro.kind == "all":
        if not isinstance(test, Call) or test.function != "!_":
            return None
        test, negated = test.arguments[0], True
    if not isinstance(test, Call) or test.function != "matches" or fold.variable2:
        return None
    subject, pattern = test.operands
    parts = _parts(pattern)
    places = [at for at, part in enumerate(parts) if isinstance(part, Ident) and part.name == fold.variable]
    if len(places) != 1 or uses(subject, fold.variable):
        return None
    texts = [part.value if isinstance(part, Literal) else None for part in parts]
    before, after = texts[: places[0]], texts[places[0] + 1 :]
    if not all(isinstance(value, str) for value in before + after):
        return None
    return Alternatives(subject, "".join(map(str, before)), "".join(map(str, after)), negated)


def _parts(node: Node) -> list[Node]:
    if isinstance(node, Call) and node.function == "_+_":
        return [part for argument in node.arguments for part in _parts(argument)]
    return [node]
