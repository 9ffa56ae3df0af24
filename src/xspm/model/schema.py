"""Resource types: what a check may speak of.

A type of our own is a frozen `msgspec.Struct` below `ResourceType`, with a docstring under each field. From it derive
the static types of the policy language, validation, the JSON schema and the reference. A type whose schema the world
already knows (a Kubernetes object) is declared by `raw_type`: its fields are dynamic.
"""

from __future__ import annotations

import types
import typing
from functools import cache
from typing import Any, ClassVar, Final, Literal, TypeAlias

import msgspec

from xspm.model.unknown import UNKNOWN_KEY, Unknown

Kind: TypeAlias = Literal["bool", "int", "double", "string", "timestamp", "list", "map", "struct", "dyn"]

_SCALARS: Final[dict[Any, Kind]] = {bool: "bool", int: "int", float: "double", str: "string", Any: "dyn"}


class ResourceType(msgspec.Struct, frozen=True, kw_only=True):
    """Base of every typed resource; each subclass names itself in `TYPE` and documents every field."""

    TYPE: ClassVar[str]


class Shape(msgspec.Struct, frozen=True):
    """The shape of a JSON value. Any value may also be unknown."""

    kind: Kind
    nullable: bool = False
    item: Shape | None = None
    """Element of a list, value of a map (keys are strings)."""
    name: str = ""
    """A struct's name, unique in the process."""
    fields: tuple[Field, ...] = ()
    source: type[msgspec.Struct] | None = None
    """A struct's class, for its field docs."""
    """A struct's fields. All are always present; one without a value is null (if nullable) or unknown."""

    def field(self, name: str) -> Field | None:
        """The field called `name`."""
        return next((field for field in self.fields if field.name == name), None)


class Field(msgspec.Struct, frozen=True):
    """One field of a struct."""

    name: str
    shape: Shape


class TypeSpec(msgspec.Struct, frozen=True):
    """A resource type as policies see it."""

    name: str
    title: str
    """One line: what a resource of this type is."""
    shape: Shape
    """A struct, or `dyn` for a type whose schema is not ours."""
    source: type[ResourceType] | None = None
    """The class it derives from, for field docs."""


def raw_type(name: str, title: str) -> TypeSpec:
    """Declare a resource type whose schema the world already knows; its fields are dynamic."""
    return TypeSpec(name=name, title=title, shape=Shape("dyn"))


def typed(source: type[ResourceType]) -> TypeSpec:
    """Declare a resource type from its struct."""
    title = (source.__doc__ or "").strip().partition("\n")[0].rstrip(".")
    return TypeSpec(name=source.TYPE, title=title, shape=shape_of(source), source=source)


@cache
def shape_of(annotation: Any) -> Shape:
    """Return the shape an annotation describes.

    Understood: bool, int, float, str, Any, `list[X]`, `tuple[X, ...]`, `dict[str, X]`, structs, `Literal` of strings,
    `X | None`, `X | Unknown`.

    Raises:
        TypeError: the annotation is none of these.
    """
    if annotation in _SCALARS:
        return Shape(_SCALARS[annotation])
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in {typing.Union, types.UnionType}:
        rest = [argument for argument in arguments if argument not in {Unknown, type(None)}]
        if len(rest) != 1:
            raise TypeError(f"a field has one type, apart from null and unknown: {annotation}")
        return msgspec.structs.replace(shape_of(rest[0]), nullable=type(None) in arguments)
    if origin is Literal and all(isinstance(argument, str) for argument in arguments):
        return Shape("string")
    if origin in {list, tuple}:
        return Shape("list", item=shape_of(arguments[0]))
    if origin is dict and arguments[0] is str:
        return Shape("map", item=shape_of(arguments[1]))
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        hints = typing.get_type_hints(annotation)
        fields = tuple(
            Field(encoded, shape_of(hints[name]))
            for name, encoded in zip(annotation.__struct_fields__, annotation.__struct_encode_fields__, strict=True)
        )
        name = getattr(annotation, "TYPE", f"{annotation.__module__}.{annotation.__qualname__}")
        return Shape("struct", name=name, fields=fields, source=annotation)
    raise TypeError(f"not a type a resource field can have: {annotation!r}")


@cache
def field_docs(source: type[msgspec.Struct]) -> dict[str, str]:
    """Return the docstring under each field of a struct, by field name; read from source, so only for people."""
    import ast  # noqa: PLC0415 - only people read docs
    import inspect  # noqa: PLC0415
    import textwrap  # noqa: PLC0415

    docs: dict[str, str] = {}
    for parent in reversed(source.__mro__):
        if not (issubclass(parent, msgspec.Struct) and parent is not msgspec.Struct and parent is not ResourceType):
            continue
        body = ast.parse(textwrap.dedent(inspect.getsource(parent))).body[0]
        if not isinstance(body, ast.ClassDef):
            continue
        for statement, after in zip(body.body, body.body[1:], strict=False):
            if (
                isinstance(statement, ast.AnnAssign)
                and isinstance(statement.target, ast.Name)
                and isinstance(after, ast.Expr)
                and isinstance(after.value, ast.Constant)
                and isinstance(after.value.value, str)
            ):
                docs[statement.target.id] = inspect.cleandoc(after.value.value)
    return docs


def validate(value: Any, shape: Shape, path: str = "resource") -> list[str]:
    """Return what in `value` (plain JSON) does not fit `shape`, one line each; unknowns fit everywhere."""
    if isinstance(value, dict) and UNKNOWN_KEY in value:
        return []
    if value is None:
        return [] if shape.nullable or shape.kind == "dyn" else [f"{path} is null"]
    match shape.kind:
        case "dyn":
            return []
        case "struct" if isinstance(value, dict):
            return _validate_struct(value, shape, path)
        case "map" if isinstance(value, dict) and shape.item:
            return [line for key, item in value.items() for line in validate(item, shape.item, f"{path}[{key!r}]")]
        case "list" if isinstance(value, list) and shape.item:
            return [line for index, item in enumerate(value) for line in validate(item, shape.item, f"{path}[{index}]")]
        case _ if type(value) in _SCALAR_TYPES.get(shape.kind, ()):
            return []
    return [f"{path} is not of type {shape.kind}"]


_SCALAR_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "bool": (bool,),
    "int": (int,),
    "double": (int, float),
    "string": (str,),
    "timestamp": (str,),
}


def _validate_struct(value: dict[str, Any], shape: Shape, path: str) -> list[str]:
    known = {field.name for field in shape.fields}
    problems = [f"{path}.{name} is not a field" for name in value if name not in known]
    for field in shape.fields:
        if field.name in value:
            problems += validate(value[field.name], field.shape, f"{path}.{field.name}")
        else:
            problems.append(f"{path}.{field.name} is missing")
    return problems
