"""The one-file check format: a YAML file to a `Check`, with the place of every expression in it.

The sections and their order are fixed, so that a thousand checks read alike. Nothing is evaluated here.
"""

from __future__ import annotations

from collections import Counter
from functools import partial
from operator import methodcaller
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec

from xspm.errors import PolicyError, XspmError
from xspm.model.check import SEVERITIES, Check, Example, Parameter, Remediation
from xspm.policy.overrides import kind_of, same_kind
from xspm.syntax.fields import Fields, Mistakes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from xspm.syntax.yaml import Document

MOST_TITLE: Final = 70
"""Characters of a title: what a line of a report has room for beside severity and id."""

SECTIONS: Final = (
    "title",
    "severity",
    "resource",
    "tags",
    "parameters",
    "applies",
    "check",
    "message",
    "rationale",
    "remediation",
    "references",
    "examples",
)
"""In this order in every file."""

TEXT_FORMS: Final = ("steps", "shell", "console")
"""Forms of remediation that a person carries out; every other form is code that a connector applies."""

_EXPECTATIONS: Final[tuple[Literal["pass", "fail", "unknown"], ...]] = ("pass", "fail", "unknown")


class Snippet(msgspec.Struct, frozen=True):
    """A piece of CEL and where it stands, for exact errors."""

    text: str
    file: str
    line: int
    """1-based, of the first character of `text`."""
    column: int
    """1-based, of the first character of `text`."""
    indent: int
    """Columns that every following line of `text` is indented by in the file."""


class CheckSource(msgspec.Struct, frozen=True):
    """A check as its file says it, as far as it can be read: what is wrong with one section hides no other."""

    check: Check | None
    """None when a section is wrong."""
    resource: str | None
    parameters: tuple[Parameter, ...] | None
    """None when they are wrong: what an expression that uses them means is then not known."""
    expression: Snippet | None
    applies: Snippet | None
    message: Snippet | None
    file: str
    resource_at: tuple[int, int]
    """1-based line and column of the resource type."""
    mistakes: tuple[XspmError, ...]


def read_check(document: Document, check_id: str, text: str) -> CheckSource:
    """Read one check file.

    Args:
        document: the parsed file.
        check_id: its id, from its path.
        text: the file's text, for the places of expressions.

    Raises:
        PolicyError: the file is not a mapping. What is missing, unknown, out of order or of the wrong type in it is in
            `mistakes`.
    """
    fields = Fields(document)
    mistakes = Mistakes()
    mistakes.attempt(_in_order, fields)
    sections: dict[str, Any] = {name: mistakes.attempt(read, fields) for name, read in _READERS.items()}
    mistakes.attempt(fields.done)
    found = fields.independent(mistakes.found)
    if sections["parameters"] is not None and sections["examples"] is not None:
        found += _misfits(fields, sections["parameters"], sections["examples"])
    lines = text.splitlines()
    expression, applies, message = (
        _snippet(fields, key, sections[key], lines) for key in ("check", "applies", "message")
    )
    return CheckSource(
        check=None if found else Check(id=check_id, **sections, location=fields.location()),
        resource=sections["resource"],
        parameters=sections["parameters"],
        expression=expression,
        applies=applies,
        message=message,
        file=document.file,
        resource_at=fields.position("resource"),
        mistakes=tuple(found),
    )


def _misfits(fields: Fields, parameters: Sequence[Parameter], examples: Sequence[Example]) -> list[XspmError]:
    """The examples that set a parameter which the check does not have, or to a value of another type."""
    defaults = {parameter.name: parameter.default for parameter in parameters}
    found: list[XspmError] = []
    counts: Counter[str] = Counter()
    for example in examples:
        path = ("examples", example.expect, counts[example.expect], "params")
        counts[example.expect] += 1
        for name, value in example.params.items():
            if name not in defaults:
                said = f"the example sets the parameter {name!r}, which the check does not have"
            elif not same_kind(value, defaults[name]):
                said = f"the example sets {name!r} to {value!r}, which is not {kind_of(defaults[name])}"
            else:
                continue
            found.append(fields.mistake(said, *path, name))
    return found


def _in_order(fields: Fields) -> None:
    given = [key for key in fields.document.value if key in SECTIONS] if isinstance(fields.document.value, dict) else []
    wanted = sorted(given, key=SECTIONS.index)
    for have, want in zip(given, wanted, strict=True):
        if have != want:
            fields.fail(f"`{want}` must come before `{have}`", have, hint=f"the order is {', '.join(SECTIONS)}")


def _parameters(fields: Fields) -> tuple[Parameter, ...]:
    if "parameters" not in fields:
        fields.get("parameters")
        return ()
    below, mistakes = fields.child("parameters"), Mistakes()
    found = [mistakes.attempt(_parameter, below, name) for name in below.keys()]  # noqa: SIM118 - not a dict: keys() also marks them as read
    mistakes.refuse()
    return tuple(one for one in found if one)


def _parameter(below: Fields, name: str) -> Parameter:
    entry, mistakes = below.child(name), Mistakes()
    default = entry.get("default")
    if not name.isidentifier():
        mistakes.found.append(below.mistake(f"a parameter's name is a word, not {name!r}", name))
    if default is None:
        mistakes.found.append(entry.mistake("a parameter needs a default", "default"))
    description = mistakes.attempt(entry.text, "description")
    mistakes.attempt(entry.done)
    mistakes.refuse()
    return Parameter(name=name, default=default, description=str(description))


def _remediation(fields: Fields) -> tuple[Remediation, ...]:
    below = fields.child("remediation") if "remediation" in fields else fields.fail("`remediation` is missing")
    mistakes = Mistakes()
    forms = [mistakes.attempt(_form, below, form) for form in below.keys()]  # noqa: SIM118 - not a dict
    mistakes.refuse()
    if not forms:
        fields.fail("`remediation` needs at least one form", "remediation")
    return tuple(form for form in forms if form)


def _form(below: Fields, form: str) -> Remediation:
    code = form not in TEXT_FORMS
    content: Any = below.get(form) if code else below.text(form)
    if not content:
        below.fail(f"`{form}` is empty", form)
    return Remediation(form=form, content=content, code=code)


def _references(fields: Fields) -> tuple[str, ...]:
    return fields.texts("references") or fields.fail("`references` needs at least one source", "references")


def _examples(fields: Fields) -> tuple[Example, ...]:
    if "examples" not in fields:
        fields.fail("`examples` is missing")
    below, mistakes = fields.child("examples"), Mistakes()
    examples: list[Example] = []
    for expect in _EXPECTATIONS:
        examples += mistakes.attempt(below.each, expect, partial(_example, expect=expect)) or []
    mistakes.attempt(below.done)
    for needed in ("pass", "fail"):
        if not below.get(needed) and needed not in below.unasked().values():
            mistakes.found.append(fields.mistake(f"`examples` needs at least one `{needed}`", "examples"))
    mistakes.refuse()
    return tuple(examples)


def _example(entry: Fields, *, expect: Literal["pass", "fail", "unknown"]) -> Example:
    mistakes = Mistakes()
    params, others = mistakes.attempt(entry.mapping, "params"), mistakes.attempt(entry.mapping, "resources")
    forms = [key for key in entry.keys() if key not in {"params", "resources"}]  # noqa: SIM118 - not a dict
    if len(forms) != 1:
        mistakes.found.append(entry.mistake("an example has exactly one form: resource, manifest, host, …"))
    for name, items in (others or {}).items():
        if not isinstance(items, list):
            mistakes.found.append(entry.mistake("`resources` maps a type to a list", "resources", name))
    mistakes.refuse()
    return Example(
        expect=expect,
        form=forms[0],
        content=entry.get(forms[0]),
        resources=others or {},
        params=params or {},
        location=entry.location(),
    )


def _title(fields: Fields) -> str:
    title: str = fields.text("title")
    if len(title) > MOST_TITLE:
        fields.fail(f"`title` has {len(title)} characters, at most {MOST_TITLE} are shown whole", "title")
    return title


_READERS: Final[dict[str, Callable[[Fields], Any]]] = {
    "title": _title,
    "severity": methodcaller("choice", "severity", SEVERITIES),
    "resource": methodcaller("text", "resource"),
    "tags": methodcaller("texts", "tags"),
    "parameters": _parameters,
    "applies": methodcaller("text", "applies", None),
    "check": methodcaller("text", "check"),
    "message": methodcaller("text", "message"),
    "rationale": methodcaller("text", "rationale"),
    "remediation": _remediation,
    "references": _references,
    "examples": _examples,
}
"""How each section is read."""


def _snippet(fields: Fields, key: str, text: str | None, lines: list[str]) -> Snippet | None:
    """Find where the text of a scalar begins, whatever its YAML style; None when there is none."""
    if text is None:
        return None
    line, column = fields.position(key)
    file = fields.document.file
    value = lines[line - 1][column - 1 :].partition(":")[2] if line <= len(lines) else ""
    style = value.strip()[:1]
    if style in {"|", ">"}:
        first = next((n for n in range(line, len(lines)) if lines[n].strip()), line)
        indent = len(lines[first]) - len(lines[first].lstrip())
        return Snippet(text, file, first + 1, indent + 1, indent)
    offset = column + len(key) + 1 + len(value) - len(value.lstrip()) + (1 if style in {"'", '"'} else 0)
    return Snippet(text, file, line, offset, 0)


def check_id_of(relative: str, file: str | None = None) -> str:
    """The id of a check from its path below `checks/`: `linux/sshd/x.yaml` is `linux.sshd.x`.

    Args:
        relative: the path.
        file: how errors name the file, the path by itself.

    Raises:
        PolicyError: the path holds something other than lower-case words, digits and `_`.
    """
    parts = relative.removesuffix(".yaml").split("/")
    for part in parts:
        if not part.isidentifier() or part != part.lower():
            raise PolicyError(
                f"a check's path is its id: lower-case words with `_`, not {part!r}",
                file=file or relative,
                hint="rename the file",
            )
    return ".".join(parts)
