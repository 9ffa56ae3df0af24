"""Compiling expressions against resource types.

`Environment(types)` knows every resource type. `compile` has the front end parse and check one expression, adds
xspm's own rules (nulls, presence tests, bool), and generates the program; what is wrong comes as one `CelError` with
file, line, column, caret and a hint.
"""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Any, Final, Literal

from cel_expr_python import cel

from xspm.cel import declarations
from xspm.cel.ast import Checked, decode
from xspm.cel.compiler import to_code, to_straight_code
from xspm.cel.constants import broken
from xspm.cel.nulls import lint
from xspm.cel.places import Place, front_end_errors
from xspm.cel.program import Program
from xspm.cel.reads import free_names, reads
from xspm.cel.template import Template
from xspm.cel.tokens import Rewritten, closing_brace, rewrite
from xspm.cel.types import Messages, parameter_types
from xspm.errors import CelError, together

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from xspm.cel.reference import ReferenceProgram
    from xspm.model.schema import TypeSpec

LONGEST: Final = 64 * 1024
"""Bytes of source that are parsed."""

_PARAMETERS: Final = "resource, params, resources, now"
"""What a program's code takes."""

_OPERATOR: Final = re.compile(r"found no matching overload for '([^']*)' applied to '\((.*)\)'")
_UNDEFINED: Final = re.compile(r"undefined field '([^']*)' not found in struct '([^']*)'")
_UNDECLARED: Final = re.compile(r"undeclared reference to '([^']*)' \(in container '[^']*'\)")


class Environment:
    """The policy language over a set of resource types."""

    def __init__(self, types: Mapping[str, TypeSpec]) -> None:
        """Take the resource types by name."""
        self._types = dict(types)
        self._names = frozenset(types)
        self._messages: Messages | None = None
        self._environments: dict[Any, Any] = {}

    def compile(
        self,
        source: str,
        *,
        resource: str | None,
        params: Mapping[str, Any],
        expect: Literal["bool", "any"],
        file: str | None = None,
        line: int = 1,
        column: int = 1,
        indent: int = 0,
    ) -> Program:
        """Compile an expression.

        Args:
            source: the CEL text.
            resource: the type of `resource`; None if there is no such variable.
            params: default values of the parameters; their types are the parameters' types.
            expect: `bool` for verdicts, `any` for values to show.
            file: the file that errors name.
            line: line of the first character, 1-based.
            column: column of the first character, 1-based.
            indent: spaces before every further line.

        Raises:
            CelError: it does not parse, does not type-check, or breaks one of xspm's own rules; with it come all such
                mistakes of the expression.
        """
        place = Place(source, file, line, column, indent)
        checked, _, rewritten = self._check(place, resource, params, expect)
        used = free_names(checked)
        result = "{0} if {0} is True or {0} is False else bool_({0})" if expect == "bool" else "plain_(m, {})"
        try:
            code = to_code(checked, _loader(params, rewritten), _PARAMETERS, result)
            fast = to_straight_code(
                checked, _loader(params, rewritten, sure=True), _PARAMETERS, boolean=expect == "bool", plain=True
            )
        except CelError as error:
            raise place.error(error.message, hint=error.hint) from error
        types = tuple(sorted({rewritten.tables[name] for name in used if name in rewritten.tables}))
        return Program(source, reads(checked), types, code, fast, reads_now="now" in used)

    def template(
        self,
        source: str,
        *,
        resource: str | None,
        params: Mapping[str, Any],
        file: str | None = None,
        line: int = 1,
        column: int = 1,
        indent: int = 0,
    ) -> Template:
        """Compile a message with expressions in braces; arguments as for `compile`.

        Raises:
            CelError: a brace is not closed, or an expression is wrong; with it come all that are wrong.
        """
        place = Place(source, file, line, column, indent)
        pieces, errors = _pieces(place)
        parts: list[str | Program] = []
        for piece in pieces:
            if isinstance(piece, str):
                parts.append(piece)
                continue
            start = place.error("", piece.start)
            try:
                program = self.compile(
                    source[piece.start : piece.stop],
                    resource=resource,
                    params=params,
                    expect="any",
                    file=file,
                    line=start.line or line,
                    column=start.column or column,
                    indent=indent,
                )
            except CelError as error:
                errors.append(error)
            else:
                parts.append(program)
        if errors:
            raise together(errors)
        return Template(source, tuple(parts))

    def reference(
        self,
        source: str,
        *,
        resource: str | None,
        params: Mapping[str, Any],
        expect: Literal["bool", "any"],
        file: str | None = None,
        line: int = 1,
        column: int = 1,
        indent: int = 0,
    ) -> ReferenceProgram:
        """Compile an expression for the C++ runtime; arguments and errors as for `compile`."""
        from xspm.cel.reference import ReferenceProgram  # noqa: PLC0415 - only recomputation needs the other engine

        place = Place(source, file, line, column, indent)
        checked, serialized, rewritten = self._check(place, resource, params, expect)
        now = "now" in free_names(checked)
        return ReferenceProgram(source, serialized, rewritten.tables, reads=reads(checked), reads_now=now)

    def checked(
        self, source: str, *, resource: str, params: Mapping[str, Any], file: str | None = None
    ) -> tuple[Checked, Mapping[str, str]]:
        """Parse and check a condition without compiling it, for who compares conditions.

        Args:
            source: the CEL text.
            resource: the type of `resource`.
            params: default values of the parameters.
            file: the file that errors name.

        Returns:
            The tree, and by name of each variable that stands for `resources["X"]`: X.

        Raises:
            CelError: as for `compile`.
        """
        checked, _, rewritten = self._check(Place(source, file, 1, 1, 0), resource, params, "bool")
        return checked, rewritten.tables

    # Steps ----------------------------------------------------------------------------------------------------------

    def _check(
        self, place: Place, resource: str | None, params: Mapping[str, Any], expect: str
    ) -> tuple[Checked, bytes, Rewritten]:
        """Parse, type-check and lint."""
        source = place.source
        try:
            size = len(source.encode())
        except UnicodeEncodeError as error:
            raise place.error("the expression is not Unicode text") from error
        if size > LONGEST:
            raise place.error(f"the expression is longer than {LONGEST // 1024} KiB")
        if "\0" in source:
            raise place.error("the expression holds a NUL character", source.index("\0"))
        if resource is not None and resource not in self._types:
            raise place.error(f"no resource type '{resource}'", hint=_similar(resource, self._names))
        rewritten = rewrite(source, self._names)
        for name, offset in rewritten.unknown:
            raise place.error(f"no resource type '{name}'", offset, _similar(name, self._names))
        if rewritten.bare is not None:
            raise place.error(
                "`resources` needs a literal type", rewritten.bare, 'write resources["k8s.pod"], for instance'
            )
        environment = self._environment(resource, params, rewritten)
        try:
            serialized: bytes = environment.compile(rewritten.text).serialize()
        except RuntimeError as error:
            raise together(
                [self._refused(place, said, resource, params) for said in front_end_errors(str(error))]
            ) from error
        checked = decode(serialized)
        self._lint(place, checked, expect)
        return checked, serialized, rewritten

    def _lint(self, place: Place, checked: Checked, expect: str) -> None:
        kind = checked.type_of(checked.root)
        if expect == "bool" and kind.kind not in {"bool", "dyn"} and str(kind) != "wrapper(bool)":
            raise place.error(f"the expression is of type {self._readable(str(kind))}, not bool")
        errors = [place.error(message, checked.positions.get(node.id)) for node, message in broken(checked)]
        # A field that is used twice without asking whether it is null is one mistake.
        problems = {
            problem.message: problem
            for problem in reversed(lint(checked, self._known().shapes, boolean=expect == "bool"))
        }
        errors += [
            place.error(problem.message, checked.positions.get(problem.node.id), problem.hint)
            for problem in reversed(problems.values())
        ]
        if errors:
            raise together(errors)

    def _known(self) -> Messages:
        if self._messages is None:
            self._messages = Messages(self._types.values())
        return self._messages

    def _environment(self, resource: str | None, params: Mapping[str, Any], rewritten: Rewritten) -> Any:
        """Return the front end's environment for these variables; it is kept, as making one costs a millisecond."""
        types = parameter_types(params)
        key = (resource, tuple(sorted(types.items())), tuple(sorted(rewritten.tables.items())))
        if key not in self._environments:
            messages = self._known()
            variables = {f"params.{name}": cel.Type(kind) for name, kind in types.items()}
            variables["now"] = cel.Type.TIMESTAMP
            for identifier, name in rewritten.tables.items():
                variables[identifier] = cel.Type.List(messages.type_of(self._types[name]))
            if resource is not None:
                variables["resource"] = messages.type_of(self._types[resource])
            self._environments[key] = cel.NewEnv(
                config=declarations.config(),
                descriptor_pool=messages.pool,
                functions=declarations.functions(),
                variables=variables,
            )
        return self._environments[key]

    def _readable(self, message: str) -> str:
        return self._known().readable(message)

    def _refused(
        self, place: Place, said: tuple[str, int, int], resource: str | None, params: Mapping[str, Any]
    ) -> CelError:
        """Turn one error of the front end into one for the author."""
        message, row, position = said
        hint: str | None = None
        if "recursion" in message:
            return place.error("the expression nests too deep", hint="move parts of it into checks of their own")
        if found := _UNDEFINED.search(message):
            shape = self._known().shapes.get(found[2])
            name = shape.name if shape else found[2]
            message = f"{name} has no field '{found[1]}'"
            hint = _similar(found[1], [field.name for field in shape.fields]) if shape else None
        elif found := _UNDECLARED.search(message):
            message = f"there is no '{found[1]}' here"
            names = [*(f"params.{name}" for name in params), "now", *(["resource"] if resource else [])]
            hint = _similar(found[1], names)
        elif found := _OPERATOR.search(message):
            operator = (
                found[1].replace("_", "")
                if "_" in found[1] and not found[1].replace("_", "").isalpha()
                else found[1].lstrip("@")
            )
            message = f"`{operator}` does not take ({self._readable(found[2])})"
        return place.error_at(self._readable(message), row, position, hint)


def _pieces(place: Place) -> tuple[list[str | slice], list[CelError]]:
    """Split a message into its literal texts and where its expressions stand, up to a brace that has no partner."""
    source, at, literal = place.source, 0, ""
    pieces: list[str | slice] = []
    while at < len(source):
        char = source[at]
        if source[at : at + 2] in {"{{", "}}"}:
            literal += char
            at += 2
        elif char == "}":
            return pieces, [place.error("a closing brace without an opening one", at, "write }} for a brace as such")]
        elif char == "{":
            end = closing_brace(source, at + 1)
            if end < 0:
                return pieces, [place.error("this brace is never closed", at, "write {{ for a brace as such")]
            pieces += [literal] if literal else []
            pieces.append(slice(at + 1, end))
            literal = ""
            at = end + 1
        else:
            literal += char
            at += 1
    return pieces + ([literal] if literal else []), []


def _similar(name: str, names: Any) -> str | None:
    close = difflib.get_close_matches(name, sorted(names), n=3, cutoff=0.6)
    return f"did you mean {' or '.join(close)}?" if close else None


def _loader(params: Mapping[str, Any], rewritten: Rewritten, *, sure: bool = False) -> Callable[[str], str | None]:
    """Return how generated code loads each variable of the policy language; if `sure`, one that is missing raises."""

    def item(mapping: str, key: str, name: str) -> str:
        code = f"{mapping}[{key!r}]"
        return code if sure else f"{code} if {key!r} in {mapping} else unset_({name!r})"

    def load(name: str) -> str | None:
        if name == "resource":
            return "resource"
        if name == "now":
            return "now_(now)"
        if name in rewritten.tables:
            kind = rewritten.tables[name]
            return item("resources", kind, f"resources[{kind!r}]")
        parameter = name.removeprefix("params.")
        if parameter not in params:
            return None
        code = item("params", parameter, name)
        return f"coerce_(None, {code}, 'double')" if type(params[parameter]) is float else code

    return load
