"""`"%s is %d".format([…])`."""

from __future__ import annotations

import math
import re
from typing import Any, Final, NoReturn

from xspm.cel.library.conversions import double_text, string__, type__
from xspm.cel.values import Duration, EvaluationError, Meter, Timestamp, TypeName, UInt, strict, unkey
from xspm.model.unknown import Unknown

_CLAUSE: Final = re.compile(r"%(%|(?:\.([0-9]+))?([a-zA-Z]?))")
_PRECISION_MAX: Final = 1000
_DEFAULT_PRECISION: Final = 6
_ITEM: Final = 4
"""Steps that one value inside a list or map takes."""
_NON_FINITE: Final = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


class _BadClauseError(Exception):
    """Ends the formatting with an error or unknown."""

    def __init__(self, result: Unknown | EvaluationError) -> None:
        super().__init__()
        self.result = result


def format_(meter: Meter, template: Any, arguments: Any) -> Any:
    """`template.format(arguments)`."""
    if type(template) is not str or type(arguments) is not list:
        return strict(template, arguments)
    meter.make(len(template))
    try:
        return _filled(meter, template, arguments)
    except _BadClauseError as stop:
        return stop.result


def _filled(meter: Meter, template: str, arguments: list[Any]) -> str:
    parts: list[str] = []
    at = used = 0
    for clause in _CLAUSE.finditer(template):
        parts.append(template[at : clause.start()])
        at = clause.end()
        if clause[1] == "%":
            parts.append("%")
            continue
        verb = clause[3]
        if verb not in {"s", "d", "f", "e", "b", "o", "x", "X"} or (clause[2] and verb not in {"f", "e"}):
            _fail(f'could not parse formatting clause: unrecognized formatting clause "{verb}"')
        if used >= len(arguments):
            _fail(f"index {used} out of range")
        precision = (
            int(clause[2])
            if clause[2] and len(clause[2]) < 5
            else _DEFAULT_PRECISION
            if not clause[2]
            else _PRECISION_MAX + 1
        )
        if precision > _PRECISION_MAX:
            _fail(f"precision above {_PRECISION_MAX}")
        part = _one(meter, verb, arguments[used], precision)
        meter.charge(1)
        meter.make(len(part))
        parts.append(part)
        used += 1
    return "".join([*parts, template[at:]])


def _fail(message: str) -> NoReturn:
    raise _BadClauseError(EvaluationError(message))


def _one(meter: Meter, verb: str, value: Any, precision: int) -> str:
    if isinstance(value, Unknown | EvaluationError):
        raise _BadClauseError(strict(value))
    match verb:
        case "s":
            return _text(meter, value)
        case "d":
            return _decimal(value)
        case "f" | "e":
            return _fixed(verb, value, precision)
        case "b":
            return _in_base(value, "b", "only integers and bools can be formatted as binary")
        case "o":
            return _in_base(value, "o", "octal clause can only be used on integers")
    if type(value) in {str, bytes}:
        meter.make(8 * len(value))  # of a character up to four bytes, of a byte two digits
    return _hex(value, verb)


def _wrong(what: str, value: Any) -> NoReturn:
    _fail(f"error during formatting: {what}, was given {type__(value).name}")


def _decimal(value: Any) -> str:
    if type(value) is int or type(value) is UInt:
        return str(int(value))
    if type(value) is float:
        return _number(value) if not math.isfinite(value) else f"{value:f}"
    _wrong("decimal clause can only be used on integers", value)


def _number(value: float) -> str:
    if math.isfinite(value):
        return double_text(value)
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _fixed(verb: str, value: Any, precision: int) -> str:
    if type(value) is str and value in _NON_FINITE:
        value = _NON_FINITE[value]
    if type(value) not in {int, UInt, float}:
        _wrong(f"{'scientific' if verb == 'e' else 'fixed-point'} clause can only be used on doubles", value)
    number = float(value)
    return f"{number:.{precision}{verb}}" if math.isfinite(number) else _number(number)


def _in_base(value: Any, verb: str, wrong: str) -> str:
    if type(value) not in {int, UInt} and (verb == "o" or type(value) is not bool):
        _wrong(wrong, value)
    return f"{int(value):{verb}}"


def _hex(value: Any, verb: str) -> str:
    if type(value) is str:
        value = value.encode("utf-8", "surrogatepass")
    if type(value) is bytes:
        text: str = value.hex()
    else:
        if type(value) not in {int, UInt}:
            _wrong("only integers, byte buffers, and strings can be formatted as hex", value)
        text = f"{int(value):x}"
    return text.upper() if verb == "X" else text


def _text(meter: Meter, value: Any) -> str:
    kind = type(value)
    if isinstance(value, Unknown | EvaluationError):
        raise _BadClauseError(strict(value))
    meter.charge(_ITEM)
    if kind is list:
        items = [_text(meter, item) for item in value]
        meter.make(sum(map(len, items)))
        return f"[{', '.join(items)}]"
    if kind is dict:
        entries = sorted((_text(meter, unkey(key)), _text(meter, item)) for key, item in value.items())
        meter.make(2 * sum(len(key) + len(item) for key, item in entries))
        return "{" + ", ".join(f"{key}: {item}" for key, item in entries) + "}"
    if value is None:
        return "null"
    if kind is TypeName:
        name: str = value.name
        return name
    if kind is float:
        return _number(value)
    if kind in {str, bytes, bool, int, UInt, Timestamp, Duration}:
        text = string__(meter, value)
        if type(text) is str:
            return text
        raise _BadClauseError(text)
    _wrong(
        "string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, "
        "and timestamps",
        value,
    )
