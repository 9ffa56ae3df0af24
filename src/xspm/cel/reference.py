"""The reference engine: the same checked expression, evaluated by Google's C++ runtime.

`--engine reference` recomputes verdicts with code that xspm did not write. A `ReferenceProgram` takes the expression
as the front end checked it and evaluates it in an environment whose variables are dynamic, over the same plain JSON.
Where the data hold no unknowns, the runtime sees exactly the expression of the check, but for conversions of text and
`lists.range`, which ask first what the runtime does not (`xspm.cel.stricter`). Where they do, it sees the expression
that `xspm.cel.guard` makes of it, since unknowns are switched off in the runtime that the wheel carries:
an unknown becomes a marker, and looking at a marker is a marked error.

What the two engines promise each other:
- A value of one is the value of the other, except that this engine makes no use of what is known of an unknown (its
  prefix, its size): there it may say unknown where the other has a value.
- No value means `Unknown` here when the evaluation looked at any unknown, else an `EvaluationError`. Where one
  expression meets both, the two engines may name a different one; neither is ever a pass.
- There is no cost limit but that of `lists.range`: the runtime offers none. Where xspm's engine gives up, this one may
  still have a value. It is an auditor's tool, for evidence that is known to be of sane size.
- Some expressions are refused with an error: `cel.bind` (and `sortBy`, which is made of it) beside a loop, optionals in
  lists or maps beside unknowns, maps with numbers of several types as keys.
- Network functions and `transformMap` have no C++ implementation in the wheel; here they are Python, in this file's
  environment.
"""

from __future__ import annotations

import datetime
import re
import threading
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, Final, NoReturn

from cel_expr_python import cel
from google.protobuf import source_context_pb2, timestamp_pb2, wrappers_pb2

from xspm.cel import guard, reference_network, stricter
from xspm.cel.ast import decode
from xspm.cel.encode import encode
from xspm.cel.values import DEFAULT_COST_LIMIT, Duration, EvaluationError, Timestamp, TypeName, UInt, key_of
from xspm.model.unknown import Unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from xspm.cel.ast import Checked
_EXTENSIONS: Final = ("bindings", "encoders", "lists", "math", "optional", "regex", "sets", "strings")
_INT_MIN, _INT_MAX = -(2**63), 2**63 - 1
_EPOCH: Final = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_MICROSECOND: Final = datetime.timedelta(microseconds=1)
_TYPE_NAMES: Final = {
    "NULL": "null_type",
    "TIMESTAMP": "google.protobuf.Timestamp",
    "DURATION": "google.protobuf.Duration",
}
_STATUS: Final = re.compile(r"^[A-Z_]+: ")


class ReferenceProgram:
    """One expression for the C++ runtime."""

    def __init__(
        self,
        source: str,
        serialized: bytes,
        tables: Mapping[str, str] | None = None,
        *,
        reads: tuple[str, ...] = (),
        reads_now: bool = False,
    ) -> None:
        """Take an expression as the front end serialized it.

        Args:
            source: the CEL text.
            serialized: a `cel.expr.CheckedExpr` in an `Any`.
            tables: resource type by the name of the variable that stands for `resources["TYPE"]` in the expression.
            reads: field paths of `resource` that it reads, sorted.
            reads_now: whether the result depends on `now`.
        """
        self.source = source
        self.reads = reads
        self.reads_now = reads_now
        self.resource_types = tuple(sorted(set((tables or {}).values())))
        self._serialized = serialized
        self._tables = tables or {}

    @cached_property
    def _checked(self) -> Checked:
        return decode(self._serialized)

    @cached_property
    def _plain(self) -> Any:
        if guard.plain(self._checked):
            return _environment().deserialize(self._serialized)
        return _environment().deserialize(encode(guard.guard(self._checked, unknowns=False)))

    @cached_property
    def _guarded(self) -> Any:
        return _environment().deserialize(encode(guard.guard(self._checked)))

    @cached_property
    def _stores_optionals(self) -> bool:
        return guard.stores_optionals(self._checked)

    @cached_property
    def _mixes_up(self) -> bool:
        return guard.binds_beside_loops(self._checked)

    @cached_property
    def _mixes_keys(self) -> bool:
        return guard.mixes_keys(self._checked)

    @cached_property
    def _refused(self) -> bool:
        """Whether the runtime would pass an optional inside a map to Python, of which the wheel dies."""
        return self._stores_optionals and guard.calls(self._checked, "cel.@mapInsert")

    def evaluate(
        self,
        resource: Any,
        params: Mapping[str, Any],
        resources: Mapping[str, list[Any] | Unknown],
        now: str,
        cost_limit: int = DEFAULT_COST_LIMIT,  # noqa: ARG002 - the runtime offers none
    ) -> Any:
        """Return the expression's value, an `Unknown` or an `EvaluationError`; raise nothing.

        Args:
            resource: the resource's data, revived.
            params: the check's parameters.
            resources: the data of every resource of the types that the expression reads.
            now: RFC 3339, UTC.
            cost_limit: not kept.
        """
        markers = _Markers()
        if self._mixes_up:
            return EvaluationError("the reference engine takes no cel.bind beside a comprehension")
        if self._mixes_keys:
            return EvaluationError("the reference engine takes no map with numbers of several types as keys")
        try:
            data = self._data(markers, resource, params, resources, now)
            if self._refused or (markers.unknowns and self._stores_optionals):
                return EvaluationError("the reference engine takes no optionals in lists or maps here")
            program = self._guarded if markers.unknowns else self._plain
        except (ValueError, RecursionError, RuntimeError) as error:
            return EvaluationError(f"the reference engine cannot take the data: {error}")
        _local.met = None
        try:
            result = program.eval(data=data)
            if result.type() != cel.Type.ERROR:
                return markers.unmark(result)
            message = repr(result) if repr(result).startswith("optional") else str(result.value())
        except (
            RuntimeError,
            SystemError,
            ValueError,
            ArithmeticError,
            LookupError,
            MemoryError,
            _NoFormError,
        ) as error:
            message = str(error)
        met = _local.met
        return EvaluationError(_STATUS.sub("", message)) if met is None else markers.unknowns[met]

    def _data(
        self,
        markers: _Markers,
        resource: Any,
        params: Mapping[str, Any],
        resources: Mapping[str, list[Any] | Unknown],
        now: str,
    ) -> dict[str, Any]:
        """Return the variables of the expression, those that stand for a parameter or a table of resources included."""
        data = {"resource": markers.mark(resource), "now": _timestamp(now)}
        data |= {f"params.{name}": markers.mark(value) for name, value in params.items()}
        return data | {name: markers.mark(resources[kind]) for name, kind in self._tables.items() if kind in resources}


class _Markers:
    """The unknowns of one evaluation."""

    def __init__(self) -> None:
        self.unknowns: list[Unknown] = []

    def mark(self, value: Any) -> Any:
        """Return `value` as the runtime takes it exactly, unknowns as markers; what needs no change is shared."""
        match value:
            case str():
                return _text(value)
            case dict():
                marked = {_key(key): self.mark(item) for key, item in value.items()}
                return marked if any(marked[key] is not item for key, item in value.items()) else value
            case list():
                items = [self.mark(item) for item in value]
                return items if any(new is not old for new, old in zip(items, value, strict=True)) else value
            case Unknown():
                self.unknowns.append(value)
                return source_context_pb2.SourceContext(file_name=str(len(self.unknowns) - 1))
            case int() if not _INT_MIN <= value <= _INT_MAX:
                raise ValueError("an integer beyond 64 bits")
        return value

    def unmark(self, value: Any) -> Any:
        """Return a result of the runtime as a value of the language with its unknowns.

        Raises:
            _NoFormError: it is or holds an optional, which the wheel cannot hand out.
        """
        kind = value.type()
        name = str(kind.name()).partition("<")[0]
        if kind == cel.Type.ERROR:
            raise _NoFormError(f"no form for {value!r}")
        content = value.value()
        match name:
            case "LIST":
                return [self.unmark(item) for item in content]
            case "MAP":
                return {key_of(key): self.unmark(item) for key, item in content.items()}
            case guard.MARKER:
                return self.unknowns[int(content.file_name)]
        make = _VALUES.get(name)
        return content if make is None else make(content)


class _NoFormError(Exception):
    """A result that the wheel cannot hand out."""


_VALUES: Final[dict[str, Callable[[Any], Any]]] = {
    "UINT": UInt,
    "BYTES": bytes,
    "TIMESTAMP": lambda moment: Timestamp((moment - _EPOCH) // _MICROSECOND * 1000),
    "DURATION": lambda span: Duration(span // _MICROSECOND * 1000),
    "TYPE": lambda kind: TypeName(_type_name(kind)),
}
"""By the wheel's name of a type: how its Python value becomes ours."""


def _timestamp(text: str) -> Any:
    """Return `now` as the message that stands for a timestamp."""
    moment = timestamp_pb2.Timestamp()
    moment.FromDatetime(datetime.datetime.fromisoformat(text))
    return moment


def _type_name(kind: Any) -> str:
    """Return the language's name of a type; the wheel has names of its own."""
    name = str(kind.name()).partition("<")[0]
    return _TYPE_NAMES.get(name) or (name.lower() if name.isupper() else name)


def _text(value: str) -> Any:
    """Return text in a form whose every character arrives: the wheel cuts a `str` at NUL, but not a message."""
    value.encode("utf-8")  # the wheel dies of a lone surrogate
    return wrappers_pb2.StringValue(value=value) if "\0" in value else value


def _key(key: str) -> str:
    key.encode("utf-8")
    if "\0" in key:
        raise ValueError("a key with a NUL character")
    return key


# Functions that the guarded expression calls --------------------------------------------------------------------------

_local = threading.local()
"""`met`: number of the first unknown that the evaluation under way on this thread looked at."""


class _MetUnknownError(Exception):
    """Becomes an error value of the runtime."""


def _meet(number: int) -> NoReturn:
    if _local.met is None:
        _local.met = number
    raise _MetUnknownError(f"unknown {number}")


def _unknown(number: str) -> NoReturn:
    _meet(int(number))


def _refuse(message: str) -> NoReturn:
    raise ValueError(message)


def _number(value: Any) -> int | None:
    """Return the number of a marker; None for everything else."""
    descriptor = getattr(value, "DESCRIPTOR", None)
    return int(value.file_name) if descriptor is not None and descriptor.full_name == guard.MARKER else None


def _first(value: Any) -> int | None:
    """Return the number of the first marker in a value.

    The first thing it does is to call a builtin: where the wheel failed to convert an argument, that raises, before
    anything looks at it.
    """
    items: Iterable[Any] = ()
    if isinstance(value, dict):
        items = value.values()
    elif isinstance(value, list):
        items = value
    else:
        return _number(value)
    return next((number for number in map(_first, items) if number is not None), None)


def _known(value: Any) -> bool:
    number = _first(value)
    if number is not None:
        _meet(number)
    return True


def _holds(value: Any) -> bool:
    return _first(value) is not None


def _equal(left: Any, right: Any) -> bool:
    met: list[int] = []
    if not _maybe_equal(left, right, met):
        return False
    _meet(met[0])  # there is a marker, or this would not have been called, and nothing differs


def _maybe_equal(left: Any, right: Any, met: list[int]) -> bool:
    """Whether two values are equal if every marker in them were; the markers come in `met`."""
    markers = [number for number in (_number(left), _number(right)) if number is not None]
    if markers:
        met.extend(markers)
        return True
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(_maybe_equal(a, b, met) for a, b in zip(left, right, strict=True))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_maybe_equal(item, right[key], met) for key, item in left.items())
    return isinstance(left, bool) is isinstance(right, bool) and bool(left == right)


def _insert(target: dict[Any, Any], key: Any, value: Any) -> dict[Any, Any]:
    if key in target:
        raise ValueError(f"repeated map key: {key}")
    return {**target, key: value}


def _insert_all(target: dict[Any, Any], other: dict[Any, Any]) -> dict[Any, Any]:
    for key, value in other.items():
        target = _insert(target, key, value)
    return target


def environment(variables: Mapping[str, Any], container: str = "") -> Any:
    """Return a C++ environment with every function of the language, for expressions that a front end has serialized."""
    config = cel.NewEnvConfigFromYaml(
        "name: xspm\nextensions:\n" + "".join(f"  - name: {name}\n" for name in _EXTENSIONS)
    )
    return cel.NewEnv(
        reference_network.pool(),
        config=config,
        variables=variables,
        container=container,
        functions=[*_functions(), *reference_network.functions()],
        extensions=[reference_network.extension()],
    )


@cache
def _environment() -> Any:
    dyn = cel.Type.DYN
    return environment({"resource": dyn, "now": cel.Type.TIMESTAMP})


def _functions() -> list[Any]:
    """Return the functions that the runtime lacks; it chooses by the kinds of arguments; none takes all kinds."""
    kind = cel.Type
    keys = [kind.STRING, kind.INT, kind.UINT, kind.BOOL]
    anything = [*keys, kind.DOUBLE, kind.BYTES, kind.NULL, kind.TIMESTAMP, kind.DURATION, kind.LIST, kind.MAP]
    collections = [kind.LIST, kind.MAP]
    insert: list[tuple[list[Any], Callable[..., Any]]] = [
        ([kind.MAP, key, value], _insert) for key in keys for value in [*anything, kind(guard.MARKER)]
    ]
    insert.append(([kind.MAP, kind.MAP], _insert_all))
    return [
        _declare(guard.UNKNOWN, kind.DYN, [([kind.STRING], _unknown)]),
        _declare(stricter.REFUSE, kind.DYN, [([kind.STRING], _refuse)]),
        _declare(guard.KNOWN, kind.BOOL, [([item], _known) for item in collections]),
        _declare(guard.HOLDS, kind.BOOL, [([item], _holds) for item in collections]),
        _declare(guard.EQUAL, kind.BOOL, [([item, item], _equal) for item in collections]),
        _declare("cel.@mapInsert", kind.MAP, insert),
    ]


def _declare(name: str, result: Any, overloads: list[tuple[list[Any], Callable[..., Any]]]) -> Any:
    listed = [
        cel.Overload(f"{name}_{number}", result, parameters, impl=impl)
        for number, (parameters, impl) in enumerate(overloads)
    ]
    return cel.FunctionDecl(name, listed)
