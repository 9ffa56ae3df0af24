"""Messages with expressions in them: `PermitRootLogin is {resource.permit_root_login}`.

`{{` and `}}` stand for braces. Rendering never fails: an unknown says that it is one (why is told beside the message,
once), an error becomes a question mark, and null a word that fits what stands before it.
"""

from __future__ import annotations

import marshal
import re
from typing import TYPE_CHECKING, Any, Final

from xspm.cel.program import FORMAT, Program
from xspm.cel.values import EvaluationError
from xspm.errors import CelError
from xspm.model.unknown import Unknown

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST: Final = 200
"""A value is cut at so many characters."""


_DEEPEST: Final = 20
_NULL: Final = "not set"


class Template:
    """A message with compiled expressions."""

    __slots__ = ("_rows", "parts", "source")

    def __init__(self, source: str, parts: tuple[str | Program, ...]) -> None:
        """Take the literal texts and the expressions, in order."""
        self.source = source
        self.parts = parts
        before = ("", *parts)
        self._rows = tuple(_row(part, before[index]) for index, part in enumerate(parts) if part != "")

    @property
    def programs(self) -> tuple[Program, ...]:
        """The expressions in it."""
        return tuple(part for part in self.parts if isinstance(part, Program))

    @property
    def reads(self) -> tuple[str, ...]:
        """Field paths of `resource` that it reads, sorted."""
        return tuple(sorted({path for program in self.programs for path in program.reads}))

    @property
    def resource_types(self) -> tuple[str, ...]:
        """Every X of `resources["X"]`, sorted."""
        return tuple(sorted({name for program in self.programs for name in program.resource_types}))

    @property
    def reads_now(self) -> bool:
        """Whether it depends on `now`."""
        return any(program.reads_now for program in self.programs)

    def render(
        self,
        resource: Any,
        params: Mapping[str, Any],
        resources: Mapping[str, list[Any] | Unknown],
        now: str,
        shown: dict[str, str] | None = None,
    ) -> str:
        """Return the message as one line of printable text.

        Args:
            resource: the resource's data, revived.
            params: the check's parameters, defaults included.
            resources: the data of every resource of each type in `resource_types`.
            now: RFC 3339; the snapshot's `collected_at`.
            shown: what messages about this very resource showed before, by expression; more is added to it. Nearly
                every message begins with the resource's name.
        """
        known = {} if shown is None else shown
        return "".join([
            text or known.get(key) or _shown(program, key, before, known, resource, params, resources, now)
            for text, program, key, before in self._rows
        ])  # fmt: skip

    def dump(self) -> bytes:
        """Return the template as bytes that `load` reads."""
        return marshal.dumps(
            (FORMAT, self.source, [part if isinstance(part, str) else part.dump() for part in self.parts])
        )

    @classmethod
    def load(cls, data: bytes) -> Template:
        """Read what `dump` wrote. The caller vouches for the bytes: they hold code.

        Raises:
            CelError: they are not a dump, or one of another Python or version.
        """
        try:
            form, source, parts = marshal.loads(data)  # noqa: S302 - the caller vouches for the bytes
        except (ValueError, EOFError, TypeError) as error:
            raise CelError("not a compiled message") from error
        if form != FORMAT:
            raise CelError("a compiled message of another version")
        return cls(source, tuple(part if isinstance(part, str) else Program.load(part) for part in parts))


def _row(part: str | Program, before: str | Program) -> tuple[str, Any, str, str]:
    """Return a part as text, or as an expression, its name, and the text before it.

    The name is empty unless the resource alone decides what the expression is.
    """
    if isinstance(part, str):
        return part, None, "", ""
    name = "" if part.resource_types or part.reads_now or "params" in part.source else part.source
    return "", part, name, before if isinstance(before, str) else ""


def _shown(program: Program, key: str, before: str, known: dict[str, str], *arguments: Any) -> str:
    """Evaluate an expression, and remember what it showed if it has a name and shows the same everywhere."""
    value = program.evaluate(*arguments)
    if value is None:
        return absent(before)
    text = show(value)
    if key:
        known[key] = text
    return text


def absent(before: str) -> str:
    """Return the word for null after some text: `is not set`, `belongs to nobody known`, `of the package none`."""
    if re.search(r"\b(?:belongs? to|owned by|runs? as) \Z", before):
        return "nobody known"
    prepositions = "to|as|by|of|on|in|with|within|for|from|at|through"
    return "none" if re.search(rf"\b(?:{prepositions})(?: the \w+)? \Z", before) else _NULL


def show(value: Any) -> str:
    """Return a value as a person writes it, on one line and at most `LONGEST` characters."""
    text = (value if type(value) is str else _show(value, 0))[: LONGEST + 1]
    if not text.isprintable():
        text = "".join(char if char.isprintable() else _escape(char) for char in text)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _escape(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii") if ord(char) != 0xA0 else " "


def _show(value: Any, depth: int) -> str:
    kind = type(value)
    if kind is str:
        return str(value)
    if value is None:
        return _NULL
    if kind is bool:
        return "true" if value else "false"
    if kind is list or kind is dict:
        return _items(value, depth) if depth <= _DEEPEST else "…"
    if isinstance(value, Unknown):
        return "unknown"
    return "?" if isinstance(value, EvaluationError) else str(value)


def _items(value: list[Any] | dict[str, Any], depth: int) -> str:
    """Show what a list or map holds, as far as it can be seen in the end."""
    braces = "[]" if isinstance(value, list) else "{}"
    if not value:
        return "none" if depth == 0 else braces
    texts: list[str] = []
    length = 0
    for item in value:
        text = _show(item, depth + 1) if isinstance(value, list) else f"{item}={_show(value[item], depth + 1)}"
        texts.append(text)
        length += len(text) + 2
        if length > LONGEST + 2:
            break
    text = ", ".join(texts)
    return text if depth == 0 else f"{braces[0]}{text}{braces[1]}"
