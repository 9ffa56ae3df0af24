"""Fields, presence, iteration, sizes and the making of lists and maps."""

from __future__ import annotations

from typing import Any, Final

from xspm.cel.values import (
    NO_OVERLOAD,
    EvaluationError,
    Meter,
    Optional,
    TypeName,
    UInt,
    UnknownSize,
    key_of,
    strict,
    unkey,
)
from xspm.model.unknown import Unknown

_VARIADIC: Final = 0x04
_BAD_KEY: Final = EvaluationError("unsupported key type")
_NOT_BOOL: Final = EvaluationError("the result is not a bool")


def sel_(operand: Any, field: str) -> Any:
    """`operand.field` where it is not simply there."""
    if type(operand) is dict:
        return operand[field] if field in operand else EvaluationError(f"no such key: {field}")
    if operand is None:
        return EvaluationError(f"no such key: {field} (of null)")
    if type(operand) is Optional:
        if not operand.present:
            return operand
        return sel_opt(operand.value, field)
    return strict(operand)


def sel_opt(operand: Any, field: str) -> Any:
    """`operand.?field` on a value that is no optional."""
    if type(operand) is dict:
        return Optional(present=True, value=operand[field]) if field in operand else Optional(present=False)
    return strict(operand)


def has_(operand: Any, field: str) -> Any:
    """`has(operand.field)`: whether the key is there, whatever its value, an unknown one included."""
    if type(operand) is dict:
        return field in operand
    if type(operand) is Optional:
        return has_(operand.value, field) if operand.present else False
    return strict(operand)


def iterate_(value: Any) -> Any:
    """Return the list that a loop goes over: elements, or keys of a map."""
    if type(value) is dict:
        return [unkey(key) for key in value]
    return value if type(value) is list else strict(value)


def pairs_(value: Any) -> Any:
    """Return the list of pairs that a loop with two variables goes over: index and element, or key and value."""
    if type(value) is dict:
        return [(unkey(key), item) for key, item in value.items()]
    return list(enumerate(value)) if type(value) is list else strict(value)


def size_(value: Any) -> Any:
    """`size(value)`; of an unknown, what is known of it."""
    if type(value) in {str, bytes, list, dict}:
        return len(value)
    if isinstance(value, Unknown) and (value.min_size is not None or value.max_size is not None or value.prefix):
        least = max(value.min_size or 0, len(value.prefix or ""))
        return UnknownSize(value.reason, cause=value.cause, min_size=least, max_size=value.max_size)
    return strict(value)


def map_(*parts: Any) -> Any:
    """`{k: v, …}` from keys and values in turn."""
    result: Any = {}
    for key, value in zip(parts[::2], parts[1::2], strict=True):
        result = insert_(result, key, value)
        if type(result) is not dict:
            return result
    return result


def insert_(target: dict[Any, Any], key: Any, value: Any) -> Any:
    """Put one entry into a map that is being made, in place; repeated keys are an error."""
    key = NO_OVERLOAD if type(key) is float else key_of(key)
    if type(key) is EvaluationError:
        return _BAD_KEY if key is NO_OVERLOAD else key
    if isinstance(key, Unknown) or type(value) is EvaluationError:
        return key if isinstance(key, Unknown) else value
    if key in target:
        return EvaluationError(f"repeated map key: {unkey(key)}")
    target[key] = value
    return target


def list_opt_(*parts: Any) -> Any:
    """`[a, ?b]` from (optional, value) in turn; an error among them is the result."""
    result: list[Any] = []
    for optional, value in zip(parts[::2], parts[1::2], strict=True):
        if type(value) is EvaluationError:
            return value
        if not optional:
            result.append(value)
        elif type(value) is not Optional:
            return strict(value)
        elif value.present:
            result.append(value.value)
    return result


def map_opt_(*parts: Any) -> Any:
    """`{k: v, ?k: v}` from (optional, key, value) in turn."""
    result: Any = {}
    for optional, key, value in zip(parts[::3], parts[1::3], parts[2::3], strict=True):
        if optional:
            if type(value) is not Optional:
                return strict(key, value)
            if not value.present:
                continue
        result = insert_(result, key, value.value if optional else value)
        if type(result) is not dict:
            return result
    return result


def bool_(value: Any) -> Any:
    """Return the value if it may be a verdict, else an error."""
    if type(value) is bool or isinstance(value, Unknown | EvaluationError):
        return value
    return EvaluationError("the result is null, not a bool") if value is None else _NOT_BOOL


def unset_(name: str) -> EvaluationError:
    """Return the error of a variable without a value."""
    return EvaluationError(f"no value given for '{name}'")


def coerce_(meter: Meter, value: Any, kind: str) -> Any:
    """Give a JSON value of a typed field its CEL form: doubles written without a point."""
    if kind == "double":
        return float(value) if type(value) is int else value
    if type(value) is list:
        meter.charge(len(value))
        return [coerce_(meter, item, "double") for item in value]
    if type(value) is dict:
        meter.charge(len(value))
        return {key: coerce_(meter, item, "double") for key, item in value.items()}
    return value


def no_function_(name: str) -> EvaluationError:
    """Return the error of a call that nothing answers; only unchecked expressions have one."""
    return EvaluationError(f"no function '{name}'")


def call_(function: Any, *arguments: Any) -> Any:
    """Call a library function if it takes so many arguments; only unchecked expressions have to ask."""
    code = function.__code__
    if (
        code.co_flags & _VARIADIC
        or code.co_argcount - len(function.__defaults__ or ()) <= len(arguments) <= code.co_argcount
    ):
        return function(*arguments)
    return strict(*arguments)


def message_(name: str, *parts: Any) -> Any:
    """`Name{field: value}` for the well-known messages that are values of the language."""
    from xspm.cel.library.messages import build  # noqa: PLC0415 - hardly any expression needs it

    return build(name, dict(zip(parts[::2], parts[1::2], strict=True)))


def list_(*items: Any) -> Any:
    """`[a, b]`: unknown elements stay elements, an error is the result."""
    for item in items:
        if type(item) is EvaluationError:
            return item
    return [*items]


def insert_all_(target: Any, entries: Any) -> Any:
    """Put the entries of a map into a map that is being made."""
    if type(entries) is not dict:
        return strict(entries)
    for key, value in entries.items():
        target = insert_(target, unkey(key), value)
        if type(target) is not dict:
            break
    return target


def one_(count: int, odd: Any) -> Any:
    """Whether exactly one element matched; `odd` is what came of the elements that could not be decided."""
    if odd is None:
        return count == 1
    return False if isinstance(odd, Unknown) and count > 1 else strict(odd)


def maybe_(kept: Any, odd: Any, count: int) -> Any:
    """Return a filtered list or map when `count` elements could not be decided: unknown, but of bounded size."""
    if type(kept) not in {list, dict} or not isinstance(odd, Unknown):
        return kept if type(kept) is EvaluationError else strict(odd)
    return Unknown(odd.reason, cause=odd.cause, not_null=True, min_size=len(kept), max_size=len(kept) + count)


def plain_(meter: Meter, value: Any) -> Any:
    """Return a result as JSON-like data: times as text, bytes in base64, optionals as their value or null."""
    kind = type(value)
    if kind is str or kind is bool or kind is int or kind is float or value is None:
        return value
    if kind is list:
        meter.charge(len(value))
        return [plain_(meter, item) for item in value]
    if kind is dict:
        meter.charge(len(value))
        return {string_key(key): plain_(meter, item) for key, item in value.items()}
    if kind is UInt:
        return int(value)
    if kind is Optional:
        return plain_(meter, value.value) if value.present else None
    if kind is TypeName:
        return value.name
    if isinstance(value, Unknown | EvaluationError):
        return value
    if kind is bytes:
        from xspm.cel.library.encoders import base64_encode_  # noqa: PLC0415 - hardly any result is bytes

        return base64_encode_(meter, value)
    from xspm.cel.library.conversions import string__  # noqa: PLC0415 - hardly any result is a time

    return string__(meter, value)


def string_key(key: Any) -> str:
    """Return a map's key as the key of a JSON object."""
    value = unkey(key)
    return ("true" if value else "false") if type(value) is bool else str(value)
