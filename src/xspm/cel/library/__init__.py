"""What generated code may call, and nothing else.

`NAMES` says in which module each name lives. A program is linked when it is first run: only the modules whose names
it uses are imported, so that regular expressions, time zones or addresses cost nothing where no check needs them.
"""

from __future__ import annotations

from importlib import import_module
from types import CodeType
from typing import TYPE_CHECKING, Any, Final

from xspm.cel import values
from xspm.model.unknown import Unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_MODULES: Final[dict[str, str]] = {
    "operators": (
        "and_ or_ cond_ not_ not_strictly_false_ eq_ ne_ lt_ le_ gt_ ge_ add_ sub_ mul_ div_ mod_ neg_ in_ index_"
    ),
    "structure": (
        "sel_ has_ iterate_ pairs_ size_ map_ list_opt_ map_opt_ insert_ bool_ coerce_ unset_ message_ list_ "
        "insert_all_ one_ maybe_ plain_ no_function_ call_"
    ),
    "strings": (
        "contains_ starts_with_ ends_with_ char_at_ index_of_ last_index_of_ join_ lower_ascii_ upper_ascii_ "
        "replace_ split_ substring_ trim_ reverse_ quote_"
    ),
    "format": "format_",
    "lists": (
        "distinct_ flatten_ range_ slice_ sort_ sort_by_ first_ last_ sets_contains_ sets_equivalent_ sets_intersects_"
    ),
    "math": (
        "max_ min_ ceil_ floor_ round_ trunc_ sqrt_ abs_ sign_ is_nan_ is_inf_ is_finite_ bit_and_ bit_or_ "
        "bit_xor_ bit_not_ shift_left_ shift_right_"
    ),
    "encoders": "base64_encode_ base64_decode_",
    "conversions": "int__ uint__ double__ string__ bytes__ bool__ type__ dyn__",
    "timestamps": (
        "timestamp__ duration__ now_ full_year_ month_ day_of_month_ date_ day_of_week_ day_of_year_ hours_ "
        "minutes_ seconds_ milliseconds_"
    ),
    "optionals": ("optional_of_ optional_of_non_zero_ has_value_ value_ or_optional_ or_value_ opt_select_ opt_index_"),
    "plain": "odd_ other_ same_ sure_ count_ without_ known_",
    "regex": "matches_ found_ joined_ regex_replace_ regex_extract_ regex_extract_all_",
    "network": (
        "ip_ cidr_ is_ip_ is_cidr_ is_canonical_ family_ is_unspecified_ is_loopback_ is_global_unicast_ "
        "is_link_local_multicast_ is_link_local_unicast_ contains_ip_ contains_cidr_ cidr_ip_ masked_ "
        "prefix_length_"
    ),
}

NAMES: Final[dict[str, str]] = {name: module for module, names in _MODULES.items() for name in names.split()}

BASE: Final[dict[str, Any]] = {
    "__builtins__": {},
    "type": type,
    "len": len,
    "str": str,
    "int": int,
    "bool": bool,
    "float": float,
    "bytes": bytes,
    "list": list,
    "dict": dict,
    "frozenset": frozenset,
    "UInt": values.UInt,
    "TypeName": values.TypeName,
    "Unknown": Unknown,
    "Fault": values.EvaluationError,
    "NONE": values.NONE,
    "over": values.over,
    "Meter": values.Meter,
    "ODD": values.ODD,
    "LIMIT": values.DEFAULT_COST_LIMIT,
    "MISSING": object(),
    "EMPTY": {},
    "text_of": "".join,
}
"""What every program may use: the types that fast paths test for."""


_found: Final = dict(BASE)


def link(names: Iterable[str]) -> dict[str, Any]:
    """Return the globals for a program that uses `names`; unknown names are left out and so fail at run time."""
    namespace = dict(BASE)
    for name in names:
        value = _found.get(name)
        if value is None and name in NAMES:
            value = _found[name] = getattr(import_module(f"xspm.cel.library.{NAMES[name]}"), name)
        if value is not None:
            namespace[name] = value
    return namespace


def run(code: CodeType, slow: Callable[..., Any] | None = None) -> Callable[..., Any]:
    """Link generated code to the library and return the function `f` that it defines; `slow` is its long way."""
    namespace = link(_names(code))
    namespace["slow"] = slow
    exec(code, namespace)  # noqa: S102 - generated from a checked tree by `codegen`; it gets no builtins
    function: Callable[..., Any] = namespace["f"]
    return function


def _names(code: CodeType) -> set[str]:
    """Return every global name that `code` uses."""
    found = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            found |= _names(constant)
    return found
