"""Which library function carries out which function of the language.

Dispatch is by name: every library function looks at its operands itself, since most of them come from dynamic data. A
name that starts with `m:` wants the meter as its first argument.
"""

from __future__ import annotations

from typing import Final

FUNCTIONS: Final[dict[str, str]] = {
    # operators without a fast path
    "@not_strictly_false": "not_strictly_false_",
    "__not_strictly_false__": "not_strictly_false_",
    "-_": "neg_",
    "_/_": "div_",
    "_%_": "mod_",
    "_[?_]": "opt_index_",
    "_?._": "opt_select_",
    # conversions
    "int": "int__",
    "uint": "uint__",
    "double": "double__",
    "string": "m:string__",
    "bytes": "m:bytes__",
    "bool": "bool__",
    "type": "type__",
    "dyn": "dyn__",
    "timestamp": "timestamp__",
    "duration": "duration__",
    # timestamps
    "getFullYear": "full_year_",
    "getMonth": "month_",
    "getDayOfMonth": "day_of_month_",
    "getDate": "date_",
    "getDayOfWeek": "day_of_week_",
    "getDayOfYear": "day_of_year_",
    "getHours": "hours_",
    "getMinutes": "minutes_",
    "getSeconds": "seconds_",
    "getMilliseconds": "milliseconds_",
    # strings
    "matches": "m:matches_",
    "charAt": "char_at_",
    "indexOf": "m:index_of_",
    "lastIndexOf": "m:last_index_of_",
    "join": "m:join_",
    "lowerAscii": "m:lower_ascii_",
    "upperAscii": "m:upper_ascii_",
    "replace": "m:replace_",
    "split": "m:split_",
    "substring": "m:substring_",
    "trim": "m:trim_",
    "reverse": "m:reverse_",
    "strings.quote": "m:quote_",
    "format": "m:format_",
    "regex.replace": "m:regex_replace_",
    "regex.extract": "m:regex_extract_",
    "regex.extractAll": "m:regex_extract_all_",
    # lists and sets
    "distinct": "m:distinct_",
    "flatten": "m:flatten_",
    "lists.range": "m:range_",
    "slice": "m:slice_",
    "sort": "m:sort_",
    "@sortByAssociatedKeys": "m:sort_by_",
    "first": "first_",
    "last": "last_",
    "sets.contains": "m:sets_contains_",
    "sets.equivalent": "m:sets_equivalent_",
    "sets.intersects": "m:sets_intersects_",
    # math
    "math.@max": "max_",
    "math.@min": "min_",
    "math.ceil": "ceil_",
    "math.floor": "floor_",
    "math.round": "round_",
    "math.trunc": "trunc_",
    "math.sqrt": "sqrt_",
    "math.abs": "abs_",
    "math.sign": "sign_",
    "math.isNaN": "is_nan_",
    "math.isInf": "is_inf_",
    "math.isFinite": "is_finite_",
    "math.bitAnd": "bit_and_",
    "math.bitOr": "bit_or_",
    "math.bitXor": "bit_xor_",
    "math.bitNot": "bit_not_",
    "math.bitShiftLeft": "shift_left_",
    "math.bitShiftRight": "shift_right_",
    # encoders
    "base64.encode": "m:base64_encode_",
    "base64.decode": "m:base64_decode_",
    # optionals
    "optional.of": "optional_of_",
    "optional.ofNonZeroValue": "optional_of_non_zero_",
    "hasValue": "has_value_",
    "value": "value_",
    # network
    "ip": "ip_",
    "cidr": "cidr_",
    "isIP": "is_ip_",
    "isCIDR": "is_cidr_",
    "ip.isCanonical": "is_canonical_",
    "family": "family_",
    "isUnspecified": "is_unspecified_",
    "isLoopback": "is_loopback_",
    "isGlobalUnicast": "is_global_unicast_",
    "isLinkLocalMulticast": "is_link_local_multicast_",
    "isLinkLocalUnicast": "is_link_local_unicast_",
    "containsIP": "contains_ip_",
    "containsCIDR": "contains_cidr_",
    "masked": "masked_",
    "prefixLength": "prefix_length_",
}

COMPARISONS: Final[dict[str, tuple[str, str]]] = {
    "_<_": ("<", "lt_"),
    "_<=_": ("<=", "le_"),
    "_>_": (">", "gt_"),
    "_>=_": (">=", "ge_"),
}

ARITHMETIC: Final[dict[str, tuple[str, str]]] = {
    "_+_": ("+", "m:add_"),
    "_-_": ("-", "sub_"),
    "_*_": ("*", "mul_"),
}
