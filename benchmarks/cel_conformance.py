"""Run the CEL conformance cases on xspm's engine and on the C++ runtime: `python benchmarks/cel_conformance.py PATH`.

PATH holds the `*.textproto` files of cel-spec's `tests/simple/testdata`. Each case is parsed and checked by the front end that both engines
share, then evaluated by xspm's compiler and by the C++ runtime. Printed are, by file and engine, the cases passed, failed and not applicable
(why: `REASONS`), then every failure. The exit status is 1 when our engine fails a case that `KNOWN` does not name with its reason.
"""

from __future__ import annotations

import datetime
import math
import re
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from cel_expr_python import cel
from google.protobuf import (
    any_pb2,
    descriptor_pb2,
    descriptor_pool,
    duration_pb2,
    empty_pb2,
    field_mask_pb2,
    json_format,
    message_factory,
    struct_pb2,
    text_format,
    timestamp_pb2,
    wrappers_pb2,
)

from xspm.cel import declarations, values
from xspm.cel.compiler import compile_checked
from xspm.cel.reference import environment
from xspm.errors import CelError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

Tagged: TypeAlias = tuple[str, Any]
"""A CEL value whose kind is explicit: `("uint", 1)`, `("list", [...])`, `("map", [(key, value), ...])`."""

REASONS: Final[tuple[tuple[str, re.Pattern[str], str], ...]] = (
    (
        "file",
        re.compile(r"^(proto2|proto2_ext|proto3|enums)$"),
        "protobuf messages and enums: xspm evaluates plain JSON",
    ),
    (
        "file",
        re.compile(r"^block_ext$"),
        "test-only macros (cel.block, cel.index) of an optimiser's output; no parser but the test's has them",
    ),
    (
        "expr",
        re.compile(r"TestAllTypes|NestedMessage|GlobalEnum|\bproto[23]\."),
        "protobuf messages: xspm evaluates plain JSON",
    ),
    (
        "types",
        re.compile(r"cel\.expr\.conformance\."),
        "a variable that is a protobuf message: xspm evaluates plain JSON",
    ),
    (
        "expr",
        re.compile(r"\b(Any|FieldMask|Empty)\s*\{"),
        "builds a protobuf message that is no value of the language: xspm evaluates plain JSON",
    ),
)
"""What keeps a case from applying: the part of the case looked at, what in it, and why."""

_PUNCTUATION: Final = "the front end, which both engines share, drops the backslash of an escaped question mark in a triple-quoted literal"
KNOWN: Final[dict[str, str]] = {
    "namespace/namespace/self_eval_container_lookup_unchecked": "a container without type-check: xspm evaluates checked expressions only",
    "parse/bytes_literals/triple_single_quoted_unescaped_punctuation": _PUNCTUATION,
    "parse/bytes_literals/triple_double_quoted_unescaped_punctuation": _PUNCTUATION,
}
"""Cases that our engine fails, with the reason."""


class Case(NamedTuple):
    """One conformance case."""

    file: str
    name: str
    message: Any
    """`cel.expr.conformance.test.SimpleTest`."""


class Outcome(NamedTuple):
    """What an engine made of a case."""

    status: str
    """`passed`, `failed` or `not applicable`."""
    reason: str = ""


_FIELD = descriptor_pb2.FieldDescriptorProto
_SCALARS: Final = {
    "string": _FIELD.TYPE_STRING,
    "bytes": _FIELD.TYPE_BYTES,
    "bool": _FIELD.TYPE_BOOL,
    "int64": _FIELD.TYPE_INT64,
    "uint64": _FIELD.TYPE_UINT64,
    "double": _FIELD.TYPE_DOUBLE,
}
_ENUMS: Final = {
    "Primitive": ("PRIMITIVE_TYPE_UNSPECIFIED", "BOOL", "INT64", "UINT64", "DOUBLE", "STRING", "BYTES"),
    "WellKnown": ("WELL_KNOWN_TYPE_UNSPECIFIED", "ANY", "TIMESTAMP", "DURATION"),
}
_MESSAGES: Final = {
    # Text format goes by names, so the numbers are simply the order. `[]` = repeated, `=` = an enum.
    "SimpleTestFile": "name:string description:string section:Section[]",
    "Section": "name:string description:string test:SimpleTest[]",
    "SimpleTest": (
        "name:string description:string expr:string disable_macros:bool disable_check:bool check_only:bool type_env:Decl[] container:string "
        "locale:string bindings:Binding[] value:Value typed_result:TypedResult eval_error:ErrorSet any_eval_errors:Ignored unknown:Ignored"
    ),
    "Binding": "key:string value:ExprValue",
    "ExprValue": "value:Value error:ErrorSet",
    "ErrorSet": "errors:Status[]",
    "Status": "code:int64 message:string",
    "Ignored": "ignored:string",
    "TypedResult": "result:Value deduced_type:Type",
    "Decl": "name:string ident:Ident function:Function",
    "Ident": "type:Type value:Ignored doc:string",
    "Function": "overloads:Overload[]",
    "Overload": "overload_id:string params:Type[] type_params:string[] result_type:Type is_instance_function:bool doc:string",
    "Type": (
        "dyn:.google.protobuf.Empty null:=.google.protobuf.NullValue primitive:=Primitive wrapper:=Primitive well_known:=WellKnown list_type:ListType "
        "map_type:MapType function:Ignored message_type:string type_param:string type:Type error:.google.protobuf.Empty abstract_type:AbstractType"
    ),
    "ListType": "elem_type:Type",
    "MapType": "key_type:Type value_type:Type",
    "AbstractType": "name:string parameter_types:Type[]",
    "Value": (
        "null_value:=.google.protobuf.NullValue bool_value:bool int64_value:int64 uint64_value:uint64 double_value:double string_value:string bytes_value:bytes "
        "enum_value:Ignored object_value:.google.protobuf.Any map_value:MapValue list_value:ListValue type_value:string"
    ),
    "MapValue": "entries:Entry[]",
    "Entry": "key:Value value:Value",
    "ListValue": "values:Value[]",
}


def _test_file_class() -> tuple[Callable[[], Any], descriptor_pool.DescriptorPool]:
    """Build the descriptors of the test files' format, and of the messages that occur in them as empty stubs."""
    pool = descriptor_pool.DescriptorPool()
    known = [any_pb2, duration_pb2, empty_pb2, field_mask_pb2, struct_pb2, timestamp_pb2, wrappers_pb2]
    for module in known:
        pool.Add(descriptor_pb2.FileDescriptorProto.FromString(module.DESCRIPTOR.serialized_pb))
    for version in ("proto2", "proto3"):
        stub = descriptor_pb2.FileDescriptorProto(name=f"{version}.proto", package=f"cel.expr.conformance.{version}")
        message = stub.message_type.add(name="TestAllTypes")
        message.nested_type.add(name="NestedMessage")
        message.extension_range.add(start=1000, end=2000)
        pool.Add(stub)
    file = descriptor_pb2.FileDescriptorProto(name="simple.proto", package="t", syntax="proto3")
    file.dependency.extend(module.DESCRIPTOR.name for module in known)
    for name, members in _ENUMS.items():
        enum = file.enum_type.add(name=name)
        for number, value in enumerate(members):
            enum.value.add(name=value, number=number)
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for number, (field, kind) in enumerate((item.split(":") for item in fields.split()), start=1):
            bare = kind.removesuffix("[]").removeprefix("=")
            added = message.field.add(
                name=field, number=number, label=_FIELD.LABEL_REPEATED if kind.endswith("[]") else _FIELD.LABEL_OPTIONAL
            )
            if bare in _SCALARS:
                added.type = _SCALARS[bare]
            else:
                added.type = _FIELD.TYPE_ENUM if kind.startswith("=") else _FIELD.TYPE_MESSAGE
                added.type_name = bare if bare.startswith(".") else f".t.{bare}"
            if name in {"Value", "Type", "SimpleTest"} and added.label == _FIELD.LABEL_OPTIONAL:
                added.proto3_optional = True
                added.oneof_index = len(message.oneof_decl)
                message.oneof_decl.add(name=f"_{field}")
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("t.SimpleTestFile")), pool


def read_cases(path: Path) -> Iterator[Case]:
    """Yield every case of every file below `path`."""
    make, pool = _test_file_class()
    for file in sorted(path.rglob("*.textproto")):
        parsed = text_format.Parse(
            file.read_text("utf-8"),
            make(),
            allow_unknown_extension=True,
            allow_unknown_field=True,
            descriptor_pool=pool,
        )
        for section in parsed.section:
            for test in section.test:
                yield Case(file.stem, f"{file.stem}/{section.name}/{test.name}", test)


# Types and values of the test files, as the wheel takes them.

_PRIMITIVES: Final = (
    cel.Type.DYN,
    cel.Type.BOOL,
    cel.Type.INT,
    cel.Type.UINT,
    cel.Type.DOUBLE,
    cel.Type.STRING,
    cel.Type.BYTES,
)
_WRAPPERS: Final = ("", "Bool", "Int64", "UInt64", "Double", "String", "Bytes")
_WELL_KNOWN: Final = (cel.Type.DYN, cel.Type("google.protobuf.Any"), cel.Type.TIMESTAMP, cel.Type.DURATION)
_MESSAGE_TYPES: Final = {"google.protobuf.Timestamp": cel.Type.TIMESTAMP, "google.protobuf.Duration": cel.Type.DURATION}


def _type(proto: Any) -> Any:
    """Return the wheel's form of a declared type."""
    kind = next((field.name for field, _ in proto.ListFields()), "dyn")
    match kind:
        case "primitive":
            return _PRIMITIVES[proto.primitive]
        case "wrapper":
            return cel.Type(f"google.protobuf.{_WRAPPERS[proto.wrapper]}Value")
        case "well_known":
            return _WELL_KNOWN[proto.well_known]
        case "list_type":
            return cel.Type.List(_type(proto.list_type.elem_type))
        case "map_type":
            return cel.Type.Map(_type(proto.map_type.key_type), _type(proto.map_type.value_type))
        case "message_type":
            return _MESSAGE_TYPES.get(proto.message_type) or cel.Type(proto.message_type)
        case "abstract_type":
            return cel.Type.AbstractType(
                proto.abstract_type.name, [_type(item) for item in proto.abstract_type.parameter_types]
            )
        case "type":
            return cel.Type.Type(_type(proto.type))
        case "null":
            return cel.Type.NULL
    return cel.Type.DYN


def _expected(value: Any) -> Tagged:
    """Return a case's value with its kind."""
    field, content = value.ListFields()[0]
    match field.name:
        case "list_value":
            return ("list", [_expected(item) for item in content.values])
        case "map_value":
            return ("map", [(_expected(entry.key), _expected(entry.value)) for entry in content.entries])
        case "object_value":
            return _expected_message(content)
        case "type_value":
            return (
                "type",
                {"google.protobuf.Timestamp": "timestamp", "google.protobuf.Duration": "duration"}.get(
                    content, content
                ),
            )
        case "null_value":
            return ("null", None)
        case name:
            return (name.removesuffix("_value").removesuffix("64"), content)


def _expected_message(content: Any) -> Tagged:
    """Return a well-known message as the CEL value it stands for."""
    name = content.TypeName().removeprefix("google.protobuf.")
    module = _WELL_KNOWN_MODULES.get(name)
    if module is None:
        return ("message", name)
    proto = getattr(module, name)()
    content.Unpack(proto)
    if name in {"Timestamp", "Duration"}:
        return (name.lower(), proto.seconds * 10**9 + proto.nanos)
    if name.endswith("Value") and module is wrappers_pb2:
        return (re.sub(r"32|64|Value", "", name).lower().replace("float", "double"), proto.value)
    return _json(json_format.MessageToDict(proto))


_WELL_KNOWN_MODULES: Final = {
    "Timestamp": timestamp_pb2,
    "Duration": duration_pb2,
    **dict.fromkeys(("ListValue", "Struct", "Value"), struct_pb2),
    **dict.fromkeys(wrappers_pb2.DESCRIPTOR.message_types_by_name, wrappers_pb2),
}


def _json(value: Any) -> Tagged:
    """Return JSON with CEL's kinds; its numbers are doubles."""
    match value:
        case dict():
            return ("map", [(("string", key), _json(item)) for key, item in value.items()])
        case list():
            return ("list", [_json(item) for item in value])
        case None | bool() | str():
            return ({bool: "bool", str: "string"}.get(type(value), "null"), value)
    return ("double", float(value))


def _same(expected: Tagged, actual: Tagged) -> bool:
    """Whether two values are of one kind and equal; maps in any order, NaN equal to NaN."""
    if expected[0] != actual[0]:
        return False
    left, right = expected[1], actual[1]
    match expected[0]:
        case "list":
            return len(left) == len(right) and all(_same(a, b) for a, b in zip(left, right, strict=True))
        case "map":
            return len(left) == len(right) and all(
                any(_same(key, k) and _same(item, i) for k, i in right) for key, item in left
            )
        case "double":
            return left == right or (math.isnan(left) and math.isnan(right))
    return bool(left == right)


def front_end(case: Any) -> Any:
    """Return the front end for a case: its variables, functions and container, and everything that xspm declares."""
    variables = {decl.name: _type(decl.ident.type) for decl in case.type_env if decl.HasField("ident")}
    functions = [_function(decl) for decl in case.type_env if decl.HasField("function")]
    # Cases declare a `sort` of their own.
    config = declarations.CONFIG.replace("  - name: lists\n", "") if functions else declarations.CONFIG
    return cel.NewEnv(
        declarations.pool(),
        config=cel.NewEnvConfigFromYaml(config),
        variables=variables,
        container=case.container,
        functions=[*functions, *declarations.functions()],
    )


def _function(decl: Any) -> Any:
    """Return the wheel's form of a declared function."""
    overloads = [
        cel.Overload(
            item.overload_id,
            _type(item.result_type),
            [_type(param) for param in item.params],
            is_member=item.is_instance_function,
        )
        for item in decl.function.overloads
    ]
    return cel.FunctionDecl(decl.name, overloads)


_KINDS: Final = {
    "BOOL": "bool",
    "INT": "int",
    "UINT": "uint",
    "DOUBLE": "double",
    "STRING": "string",
    "BYTES": "bytes",
    "NULL": "null",
}


def _to_runtime(value: Any) -> Any:
    """Return a bound value as the wheel takes it: well-known messages as they are."""
    field, content = value.ListFields()[0]
    match field.name:
        case "object_value":
            module = _WELL_KNOWN_MODULES[content.TypeName().removeprefix("google.protobuf.")]
            message = getattr(module, content.TypeName().removeprefix("google.protobuf."))()
            content.Unpack(message)
            return message
        case "list_value":
            return [_to_runtime(item) for item in content.values]
        case "map_value":
            return {_to_runtime(entry.key): _to_runtime(entry.value) for entry in content.entries}
        case "bytes_value":
            return bytearray(content)
        case "uint64_value":
            return wrappers_pb2.UInt64Value(value=content)
        case "null_value":
            return None
    return content


def _from_runtime(value: Any) -> Tagged:
    """Return a value of the C++ runtime with its kind."""
    kind, name = value.type(), value.type().name()
    if name in _KINDS:
        content = value.value()
        return (_KINDS[name], bytes(content) if name == "BYTES" else content)
    if name.startswith("LIST"):
        return ("list", [_from_runtime(item) for item in value.value()])
    if name.startswith("MAP"):
        return ("map", [(_key(key), _from_runtime(item)) for key, item in value.value().items()])
    return _from_runtime_other(kind, value)


def _key(key: Any) -> Tagged:
    """Return a map key with its kind; the wheel does not tell int from uint there."""
    return ({bool: "bool", int: "int", str: "string"}[type(key)], key)


def _from_runtime_other(kind: Any, value: Any) -> Tagged:
    """Return a time, type or error of the C++ runtime with its kind."""
    if kind == cel.Type.TIMESTAMP:
        return ("timestamp", (value.value() - _EPOCH) // _MICROSECOND * 1000)
    if kind == cel.Type.DURATION:
        return ("duration", value.value() // _MICROSECOND * 1000)
    if kind == cel.Type.TYPE:
        spelled = re.sub(r"<.*", "", value.value().name())
        return ("type", {"NULL": "null_type"}.get(spelled) or (spelled.lower() if spelled.isupper() else spelled))
    if kind == cel.Type.ERROR:
        return ("error", repr(value))
    return ("message", kind.name())


_EPOCH: Final = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_MICROSECOND: Final = datetime.timedelta(microseconds=1)


def run_xspm(serialized: bytes, case: Any) -> Tagged:
    """Evaluate with xspm's engine."""
    try:
        program = compile_checked(serialized)
    except CelError as error:
        return ("error", f"does not compile: {error}")
    variables = {binding.key: _to_xspm(_expected(binding.value.value)) for binding in case.bindings}
    try:
        return _from_xspm(program(variables))
    except Exception as error:  # noqa: BLE001 - an engine that raises has failed the case, and the next one is run
        return ("crash", repr(error))


def _to_xspm(value: Tagged) -> Any:
    """Return a bound value as our engine takes it."""
    kind, content = value
    match kind:
        case "list":
            return [_to_xspm(item) for item in content]
        case "map":
            return {values.key_of(_to_xspm(key)): _to_xspm(item) for key, item in content}
        case "uint":
            return values.UInt(content)
        case "timestamp":
            return values.Timestamp(content)
        case "duration":
            return values.Duration(content)
        case "type":
            return values.TypeName(content)
    return content


def _from_xspm(value: Any) -> Tagged:
    """Return a value of our engine with its kind."""
    match value:
        case None | bool() | str() | bytes() | float():
            return ({bool: "bool", str: "string", bytes: "bytes", float: "double"}.get(type(value), "null"), value)
        case int():
            return ("uint" if isinstance(value, values.UInt) else "int", int(value))
        case list():
            return ("list", [_from_xspm(item) for item in value])
        case dict():
            return ("map", [(_from_xspm(values.unkey(key)), _from_xspm(item)) for key, item in value.items()])
        case values.Timestamp() | values.Duration():
            return (type(value).__name__.lower(), value.nanoseconds)
        case values.TypeName():
            return (
                "type",
                value.name.removeprefix("google.protobuf.").lower() if "google" in value.name else value.name,
            )
        case values.EvaluationError():
            return ("error", value.message)
    return ("message", repr(value))


def run_runtime(serialized: bytes, case: Any) -> Tagged:
    """Evaluate with the C++ runtime, in the environment of the reference engine."""
    variables = {decl.name: cel.Type.DYN for decl in case.type_env if decl.HasField("ident")}
    data = {binding.key: _to_runtime(binding.value.value) for binding in case.bindings}
    try:
        return _from_runtime(environment(variables, case.container).deserialize(serialized).eval(data=data))
    except RuntimeError as error:
        return ("error", str(error))


def judge(case: Any, run: Callable[[bytes, Any], Tagged]) -> Outcome:
    """Run one case and compare."""
    try:
        expression = front_end(case).compile(case.expr, disable_check=case.disable_check)
    except RuntimeError as error:
        wanted = case.HasField("eval_error")
        return Outcome("passed") if wanted else Outcome("failed", f"does not compile: {str(error).splitlines()[0]}")
    if case.typed_result.HasField("deduced_type"):
        deduced, wanted_type = expression.return_type(), _type(case.typed_result.deduced_type)
        if deduced != wanted_type and re.sub(r"(<[^<>]*>)\1$", r"\1", str(deduced)) != str(
            wanted_type
        ):  # the wheel may write parameters twice
            return Outcome("failed", f"type {deduced}, expected {wanted_type}")
    if case.check_only:
        return Outcome("passed")
    if any(not binding.value.HasField("value") for binding in case.bindings):
        return Outcome("not applicable", "a variable bound to an error: xspm's data are JSON or unknown")
    actual = run(expression.serialize(), case)
    if case.HasField("eval_error") or case.HasField("any_eval_errors"):
        return Outcome("passed") if actual[0] == "error" else Outcome("failed", f"{actual}, expected an error")
    expected = ("bool", True)
    if case.HasField("value"):
        expected = _expected(case.value)
    elif case.HasField("typed_result"):
        expected = _expected(case.typed_result.result)
    return Outcome("passed") if _same(expected, actual) else Outcome("failed", f"{actual}, expected {expected}")


def not_applicable(case: Case) -> str:
    """Why a case does not apply, or the empty string."""
    types = " ".join(str(decl) for decl in case.message.type_env) + " ".join(
        str(binding) for binding in case.message.bindings
    )
    parts = {"file": case.file, "expr": case.message.expr, "types": types + case.message.container}
    return next((reason for part, pattern, reason in REASONS if pattern.search(parts[part])), "")


def main() -> int:
    """Run everything and print it."""
    if len(sys.argv) != 2 or not Path(sys.argv[1]).is_dir():
        print(__doc__, file=sys.stderr)
        return 2
    counts: dict[str, Counter[tuple[str, str]]] = {}
    skipped: Counter[str] = Counter()
    failures: list[str] = []
    unexpected = 0
    for case in read_cases(Path(sys.argv[1])):
        reason = not_applicable(case)
        for engine, run in ENGINES.items():
            outcome = Outcome("not applicable", reason) if reason else judge(case.message, run)
            counts.setdefault(case.file, Counter())[engine, outcome.status] += 1
            if outcome.status == "not applicable" and engine == "xspm":
                skipped[outcome.reason] += 1
            if outcome.status == "failed":
                known = KNOWN.get(case.name, "") if engine == "xspm" else ""
                unexpected += engine == "xspm" and not known
                failures.append(
                    f"{engine:7} {case.name}: {case.message.expr}\n        {outcome.reason}"
                    + (f"\n        known: {known}" if known else "")
                )
    _print(counts, skipped, failures)
    return 1 if unexpected else 0


ENGINES: Final = {"xspm": run_xspm, "runtime": run_runtime}


def _print(counts: Mapping[str, Counter[tuple[str, str]]], skipped: Counter[str], failures: list[str]) -> None:
    """Print the tables."""
    columns = [(engine, status) for engine in ENGINES for status in ("passed", "failed", "not applicable")]
    print(f"{'':18}" + "".join(f"{engine:>24}" for engine in ENGINES))
    print(f"{'file':18}" + "  passed  failed     n/a" * len(ENGINES))
    total: Counter[tuple[str, str]] = sum(counts.values(), Counter())
    for file, count in [*counts.items(), ("total", total)]:
        print(f"{file:18}" + "".join(f"{count[column]:8}" for column in columns))
    print("\nNot applicable:")
    for reason, number in skipped.most_common():
        print(f"{number:6}  {reason}")
    print(f"\nFailures: {len(failures)}")
    for failure in failures:
        print(failure)


if __name__ == "__main__":
    sys.exit(main())
