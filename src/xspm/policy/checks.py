"""The one-file check format: a YAML file to a `Check`, with the place of every expression in it.

The sections and their order are fixed, so that a thousand checks read alike. Nothing is evaluated here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from xspm.errors import PolicyError
from xspm.model.check import SEVERITIES, Check, Example, Parameter, Remediation
from xspm.policy.fields import Fields

if TYPE_CHECKING:
    from xspm.syntax.yaml import Document

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

_EXPECTATIONS: Final = ("pass", "fail", "unknown")


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
    """A check as its file says it."""

    check: Check
    expression: Snippet
    applies: Snippet | None
    message: Snippet


def read_check(document: Document, check_id: str, text: str) -> CheckSource:
    """Read one check file.

    Args:
        document: the parsed file.
        check_id: its id, from its path.
        text: the file's text, for the places of expressions.

    Raises:
        PolicyError: a section is missing, unknown, out of order or of the wrong type.
    """
    fields = Fields(document)
    _in_order(fields)
    lines = text.splitlines()
    check = Check(
        id=check_id,
        title=fields.text("title"),
        severity=fields.choice("severity", SEVERITIES),
        resource=fields.text("resource"),
        tags=fields.texts("tags"),
        parameters=_parameters(fields),
        applies=fields.text("applies", None),
        check=fields.text("check"),
        message=fields.text("message"),
        rationale=fields.text("rationale"),
        remediation=_remediation(fields),
        references=fields.texts("references"),
        examples=_examples(fields),
        location=fields.location(),
    )
    fields.done()
    if not check.references:
        fields.fail("`references` needs at least one source", "references")
    expectations = {example.expect for example in check.examples}
    for needed in ("pass", "fail"):
        if needed not in expectations:
            fields.fail(f"`examples` needs at least one `{needed}`", "examples")
    return CheckSource(
        check=check,
        expression=_snippet(fields, "check", check.check, lines),
        applies=_snippet(fields, "applies", check.applies, lines) if check.applies else None,
        message=_snippet(fields, "message", check.message, lines),
    )


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
    below = fields.child("parameters")
    parameters = []
    for name in below.keys():  # noqa: SIM118 - not a dict: keys() also marks them as read
        entry = below.child(name)
        if not name.isidentifier():
            below.fail(f"a parameter's name is a word, not {name!r}", name)
        default = entry.get("default")
        if default is None:
            entry.fail("a parameter needs a default", "default")
        parameters.append(Parameter(name=name, default=default, description=entry.text("description")))
        entry.done()
    return tuple(parameters)


def _remediation(fields: Fields) -> tuple[Remediation, ...]:
    below = fields.child("remediation") if "remediation" in fields else fields.fail("`remediation` is missing")
    forms = []
    for form in below.keys():  # noqa: SIM118 - not a dict
        code = form not in TEXT_FORMS
        content: Any = below.get(form) if code else below.text(form)
        if not content:
            below.fail(f"`{form}` is empty", form)
        forms.append(Remediation(form=form, content=content, code=code))
    if not forms:
        fields.fail("`remediation` needs at least one form", "remediation")
    return tuple(forms)


def _examples(fields: Fields) -> tuple[Example, ...]:
    if "examples" not in fields:
        fields.fail("`examples` is missing")
    below = fields.child("examples")
    examples = []
    for expect in _EXPECTATIONS:
        for entry in below.children(expect):
            params, others = entry.mapping("params"), entry.mapping("resources")
            forms = [key for key in entry.keys() if key not in {"params", "resources"}]  # noqa: SIM118 - not a dict
            if len(forms) != 1:
                entry.fail("an example has exactly one form: resource, manifest, host, …")
            for name, items in others.items():
                if not isinstance(items, list):
                    entry.fail("`resources` maps a type to a list", "resources", name)
            examples.append(
                Example(
                    expect=expect,
                    form=forms[0],
                    content=entry.get(forms[0]),
                    resources=others,
                    params=params,
                    location=entry.location(),
                )
            )
    below.done()
    return tuple(examples)


def _snippet(fields: Fields, key: str, text: str, lines: list[str]) -> Snippet:
    """Find where the text of a scalar begins, whatever its YAML style."""
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


def check_id_of(relative: str) -> str:
    """The id of a check from its path below `checks/`: `linux/sshd/x.yaml` is `linux.sshd.x`.

    Raises:
        PolicyError: the path holds something other than lower-case words, digits and `_`.
    """
    parts = relative.removesuffix(".yaml").split("/")
    for part in parts:
        if not part.isidentifier() or part != part.lower():
            raise PolicyError(
                f"a check's path is its id: lower-case words with `_`, not {part!r}",
                file=relative,
                hint="rename the file",
            )
    return ".".join(parts)
