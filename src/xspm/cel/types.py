"""Resource types → what the front end checks against.

A struct becomes a protobuf message, a nullable scalar a wrapper, a free-form map a map field, raw data a
`google.protobuf.Value`, which is CEL's dyn. What protobuf cannot say (a nullable list, a list of lists) is dyn or a
list of dyn; `Messages.shapes` keeps the exact shape for the null-test lint.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from cel_expr_python import cel
from google.protobuf import descriptor_pb2

from xspm.cel import declarations

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from xspm.model.schema import Shape, TypeSpec

_FIELD: Final = descriptor_pb2.FieldDescriptorProto
_SCALARS: Final = {
    "bool": _FIELD.TYPE_BOOL,
    "int": _FIELD.TYPE_INT64,
    "double": _FIELD.TYPE_DOUBLE,
    "string": _FIELD.TYPE_STRING,
}
_WRAPPERS: Final = {"bool": "BoolValue", "int": "Int64Value", "double": "DoubleValue", "string": "StringValue"}
_VALUE: Final = ".google.protobuf.Value"


class Messages:
    """The messages that a set of resource types makes."""

    def __init__(self, types: Iterable[TypeSpec]) -> None:
        """Describe every struct of `types`, nested ones included."""
        self.shapes: dict[str, Shape] = {}
        """Message name to struct."""
        self._names: dict[str, str] = {}
        self._file = descriptor_pb2.FileDescriptorProto(
            name="xspm/resources.proto",
            syntax="proto3",
            dependency=[
                "google/protobuf/wrappers.proto",
                "google/protobuf/struct.proto",
                "google/protobuf/timestamp.proto",
            ],
        )
        for spec in types:
            if spec.shape.kind == "struct":
                self.message(spec.shape)
        self.pool = declarations.pool()
        self.pool.AddSerializedFile(self._file.SerializeToString())

    def message(self, shape: Shape) -> str:
        """Return the name of the message for a struct, describing it first where that has not been done."""
        if shape.name in self._names:
            return self._names[shape.name]
        name = re.sub(r"\W", "_", shape.name)
        while name in self.shapes:
            name += "_"
        self._names[shape.name] = name
        self.shapes[name] = shape
        message = self._file.message_type.add(name=name)
        for number, field in enumerate(shape.fields, 1):
            self._field(message, field.name, number, field.shape)
        return name

    def _field(self, message: Any, name: str, number: int, shape: Shape) -> None:
        if shape.kind == "list" and shape.item is not None and not shape.nullable:
            kind, type_name = self._single(shape.item)
            message.field.add(name=name, number=number, label=_FIELD.LABEL_REPEATED, type=kind, type_name=type_name)
        elif shape.kind == "map" and shape.item is not None and not shape.nullable:
            entry = "".join(part.title() for part in name.split("_")) + "Entry"
            nested = message.nested_type.add(name=entry)
            nested.options.map_entry = True
            nested.field.add(name="key", number=1, label=_FIELD.LABEL_OPTIONAL, type=_FIELD.TYPE_STRING)
            kind, type_name = self._single(shape.item)
            nested.field.add(name="value", number=2, label=_FIELD.LABEL_OPTIONAL, type=kind, type_name=type_name)
            message.field.add(
                name=name,
                number=number,
                label=_FIELD.LABEL_REPEATED,
                type=_FIELD.TYPE_MESSAGE,
                type_name=f".{message.name}.{entry}",
            )
        else:
            kind, type_name = self._single(shape)
            message.field.add(name=name, number=number, label=_FIELD.LABEL_OPTIONAL, type=kind, type_name=type_name)

    def _single(self, shape: Shape) -> tuple[Any, str | None]:
        """Return the field type of one value of a shape, and the message it names."""
        if shape.kind in _SCALARS:
            if shape.nullable:
                return _FIELD.TYPE_MESSAGE, f".google.protobuf.{_WRAPPERS[shape.kind]}"
            return _SCALARS[shape.kind], None
        if shape.kind == "struct":
            return _FIELD.TYPE_MESSAGE, f".{self.message(shape)}"
        if shape.kind == "list" and not shape.nullable:
            return _FIELD.TYPE_MESSAGE, ".google.protobuf.ListValue"
        return _FIELD.TYPE_MESSAGE, _VALUE

    def type_of(self, spec: TypeSpec) -> Any:
        """Return the front end's type of a resource of type `spec`."""
        return cel.Type(self.message(spec.shape)) if spec.shape.kind == "struct" else cel.Type.DYN

    def readable(self, message: str) -> str:
        """Return an error message of the front end in the words of the policy language."""
        for name, shape in sorted(self.shapes.items(), key=lambda item: -len(item[0])):
            message = re.sub(rf"\b{re.escape(name)}\b", shape.name, message)
        return re.sub(r"\bwrapper\((\w+)\)", r"\1 or null", message)


def parameter_types(params: Mapping[str, Any]) -> dict[str, str]:
    """Return the type signature of every parameter, taken from its default."""
    return {name: signature(value) for name, value in params.items()}


def signature(value: Any) -> str:
    """Return the type signature of plain JSON."""
    match value:
        case bool():
            return "bool"
        case int():
            return "int"
        case float():
            return "double"
        case str():
            return "string"
        case list():
            items = {signature(item) for item in value}
            return f"list<{items.pop()}>" if len(items) == 1 else "list<dyn>"
        case dict():
            return "map<string, dyn>"
    return "dyn"
