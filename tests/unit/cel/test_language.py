"""Every rule of the language, each as a row: expression, variables, value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from xspm.cel.values import (
    FALSE_KEY,
    NONE,
    TRUE_KEY,
    Duration,
    EvaluationError,
    Optional,
    Timestamp,
    TypeName,
    UInt,
)
from xspm.model.unknown import Unknown

if TYPE_CHECKING:
    from collections.abc import Callable

U = Unknown("denied")
APPLY = Unknown("after apply", cause="apply")
ERROR = object()
"""Stands for any error."""

S = 10**9

VALUES: list[tuple[str, dict[str, Any], Any]] = [
    # literals
    ("1", {}, 1),
    ("-1", {}, -1),
    ("0x1f", {}, 31),
    ("2u", {}, UInt(2)),
    ("1.5", {}, 1.5),
    ("'a' + \"b\"", {}, "ab"),
    ("r'\\d'", {}, "\\d"),
    ("b'ab'", {}, b"ab"),
    ("null", {}, None),
    ("true", {}, True),
    ("[1, 'a', null]", {}, [1, "a", None]),
    ("{'a': 1, 2: 'b', true: 3, false: 4, 5u: 6}", {}, {"a": 1, 2: "b", TRUE_KEY: 3, FALSE_KEY: 4, UInt(5): 6}),
    ("{'a': 1, 'a': 2}.size() == 1 || x", {"x": True}, True),
    ("{dyn(1.0): 2}", {}, ERROR),
    ("{dyn(null): 2}", {}, ERROR),
    ("{x: 1}", {"x": U}, U),
    ("{x: 1, x: 2}", {"x": "a"}, ERROR),
    ("{'a': 1 / 0}", {}, ERROR),
    ("[1 / 0]", {}, ERROR),
    ("[x]", {"x": U}, [U]),
    # equality
    ("x == 1", {"x": 1}, True),
    ("x == 1", {"x": 1.0}, True),
    ("x == 1", {"x": UInt(1)}, True),
    ("x == 1", {"x": True}, False),
    ("x == 1", {"x": "1"}, False),
    ("x == true", {"x": 1}, False),
    ("x == true", {"x": True}, True),
    ("x != false", {"x": True}, True),
    ("1 == x", {"x": 1}, True),
    ("x == 'a'", {"x": "a"}, True),
    ("x != 'a'", {"x": None}, True),
    ("x == b'a'", {"x": b"a"}, True),
    ("x == 1.5", {"x": 1.5}, True),
    ("x == null", {"x": None}, True),
    ("x == null", {"x": 0}, False),
    ("x != null", {"x": {}}, True),
    ("x == y", {"x": [1, [2]], "y": [1.0, [UInt(2)]]}, True),
    ("x == y", {"x": [1], "y": [1, 2]}, False),
    ("x == y", {"x": [1, U], "y": [2, 3]}, False),
    ("x == y", {"x": [1, U], "y": [1, 3]}, U),
    ("x == y", {"x": {"a": 1}, "y": {"a": 1.0}}, True),
    ("x == y", {"x": {"a": 1}, "y": {"b": 1}}, False),
    ("x == y", {"x": {"a": 1}, "y": {"a": 2}}, False),
    ("x == y", {"x": {"a": 1}, "y": {}}, False),
    ("x == y", {"x": {"a": U}, "y": {"a": 2}}, U),
    ("x == y", {"x": [], "y": {}}, False),
    ("x == y", {"x": U, "y": U}, U),
    ("x != y", {"x": U, "y": 1}, U),
    ("x == 1 / 0", {"x": 1}, ERROR),
    ("x == 1 / 0", {"x": U}, U),
    ("optional.of(1) == optional.of(1)", {}, True),
    ("optional.of(1) == optional.none()", {}, False),
    ("x == y", {"x": float("nan"), "y": float("nan")}, False),
    # what is known of an unknown
    ("x == null", {"x": Unknown("r", not_null=True)}, False),
    ("x != null", {"x": Unknown("r", not_null=True)}, True),
    ("x == 'b'", {"x": Unknown("r", prefix="a")}, False),
    ("x == 'ab'", {"x": Unknown("r", prefix="a")}, Unknown("r")),
    ("x == [1]", {"x": Unknown("r", min_size=2)}, False),
    ("size(x) > 1", {"x": Unknown("r", min_size=2)}, True),
    ("size(x) > 2", {"x": Unknown("r", min_size=2)}, Unknown("r")),
    ("size(x) >= 2", {"x": Unknown("r", min_size=2)}, True),
    ("size(x) < 2", {"x": Unknown("r", min_size=2)}, False),
    ("size(x) <= 3", {"x": Unknown("r", max_size=3)}, True),
    ("size(x) > 3", {"x": Unknown("r", max_size=3)}, False),
    ("3 < size(x)", {"x": Unknown("r", max_size=3)}, False),
    ("4 > size(x)", {"x": Unknown("r", max_size=3)}, True),
    ("size(x) == 4", {"x": Unknown("r", max_size=3)}, False),
    ("size(x) == 3", {"x": Unknown("r", max_size=3)}, Unknown("r")),
    ("size(x) < 'a'.size()", {"x": Unknown("r", prefix="ab")}, False),
    ("x.startsWith('a')", {"x": Unknown("r", prefix="ab")}, True),
    ("x.startsWith('b')", {"x": Unknown("r", prefix="ab")}, False),
    ("x.startsWith('abc')", {"x": Unknown("r", prefix="ab")}, Unknown("r")),
    # order
    ("x < 2", {"x": 1}, True),
    ("x < 2", {"x": 2.0}, False),
    ("x <= 2", {"x": UInt(2)}, True),
    ("x > 'a'", {"x": "b"}, True),
    ("x >= 1.5", {"x": 1}, False),
    ("x < y", {"x": False, "y": True}, True),
    ("x < y", {"x": b"a", "y": b"b"}, True),
    ("x < y", {"x": float("nan"), "y": 1.0}, False),
    ("x <= y", {"x": float("nan"), "y": 1}, False),
    ("x < 2", {"x": "a"}, ERROR),
    ("x < 2", {"x": None}, ERROR),
    ("x < 2", {"x": U}, U),
    ("2 <= x", {"x": U}, U),
    ("x < 9223372036854775808.0", {"x": 2**63 - 1}, False),
    ("timestamp(1) < timestamp(2)", {}, True),
    ("duration('1s') >= duration('2s')", {}, False),
    # arithmetic
    ("x + 1", {"x": 1}, 2),
    ("x + 1", {"x": 2**63 - 1}, ERROR),
    ("x - 1", {"x": -(2**63)}, ERROR),
    ("x * 2", {"x": 2**62}, ERROR),
    ("x * 2", {"x": 3}, 6),
    ("x + 1", {"x": 1.0}, ERROR),
    ("x + 1", {"x": True}, ERROR),
    ("x + 1", {"x": None}, ERROR),
    ("x + 1", {"x": U}, U),
    ("x + 1 / 0", {"x": U}, U),
    ("x + 0.5", {"x": 1.0}, 1.5),
    ("x - 0.5", {"x": 1.0}, 0.5),
    ("x * 0.5", {"x": 1.0}, 0.5),
    ("1u + 2u", {}, UInt(3)),
    ("1u - 2u", {}, ERROR),
    ("3u * 2u", {}, UInt(6)),
    ("18446744073709551615u + 1u", {}, ERROR),
    ("'a' + x", {"x": "b"}, "ab"),
    ("b'a' + b'b'", {}, b"ab"),
    ("[1] + x", {"x": [2]}, [1, 2]),
    ("7 / 2", {}, 3),
    ("-7 / 2", {}, -3),
    ("7 / 0", {}, ERROR),
    ("7u / 2u", {}, UInt(3)),
    ("x / -1", {"x": -(2**63)}, ERROR),
    ("1.0 / 0.0", {}, float("inf")),
    ("-1.0 / 0.0", {}, float("-inf")),
    ("1.0 / -0.0", {}, float("-inf")),
    ("5.0 / 2.0", {}, 2.5),
    ("string(0.0 / 0.0)", {}, "nan"),
    ("x / 2", {"x": "a"}, ERROR),
    ("7 % 3", {}, 1),
    ("-7 % 3", {}, -1),
    ("7u % 4u", {}, UInt(3)),
    ("7 % 0", {}, ERROR),
    ("x % -1", {"x": -(2**63)}, ERROR),
    ("x % 2", {"x": 1.0}, ERROR),
    ("-x", {"x": 1}, -1),
    ("-x", {"x": 1.5}, -1.5),
    ("-x", {"x": -(2**63)}, ERROR),
    ("-x", {"x": "a"}, ERROR),
    ("x - y", {"x": "a", "y": "b"}, ERROR),
    ("x * y", {"x": "a", "y": 1}, ERROR),
    ("x * y", {"x": True, "y": True}, ERROR),
    ("x / y", {"x": True, "y": True}, ERROR),
    ("x / y", {"x": "a", "y": "b"}, ERROR),
    ("x % y", {"x": "a", "y": "b"}, ERROR),
    ("x - y", {"x": True, "y": True}, ERROR),
    ("x + y", {"x": True, "y": True}, ERROR),
    # logic: what decides wins, then unknown, then error
    ("x && true", {"x": True}, True),
    ("x && false", {"x": U}, False),
    ("false && x", {"x": U}, False),
    ("x && true", {"x": U}, U),
    ("true && x", {"x": U}, U),
    ("1 / 0 == 1 && false", {}, False),
    ("1 / 0 == 1 && x", {"x": U}, U),
    ("x && 1 / 0 == 1", {"x": U}, U),
    ("1 / 0 == 1 && true", {}, ERROR),
    ("true && 1 / 0 == 1", {}, ERROR),
    ("x && true", {"x": 1}, ERROR),
    ("true && x", {"x": 1}, ERROR),
    ("x || true", {"x": U}, True),
    ("true || x", {"x": 1}, True),
    ("x || false", {"x": U}, U),
    ("x || false", {"x": 1}, ERROR),
    ("1 / 0 == 1 || x", {"x": U}, U),
    ("x && y && z", {"x": True, "y": True, "z": True}, True),
    ("x && y && z", {"x": APPLY, "y": U, "z": True}, U),
    ("x || y", {"x": U, "y": APPLY}, U),
    ("!x", {"x": True}, False),
    ("!x", {"x": U}, U),
    ("!x", {"x": 1}, ERROR),
    ("x ? 1 : 2", {"x": True}, 1),
    ("x ? 1 : 2", {"x": False}, 2),
    ("x ? 1 : 2", {"x": U}, U),
    ("x ? 1 : 2", {"x": 1}, ERROR),
    ("true ? 1 : 1 / 0", {}, 1),
    ("x ? y.all(a, a) : y.exists(a, a)", {"x": True, "y": [True, False]}, False),
    ("x ? y.all(a, a) : y.exists(a, a)", {"x": False, "y": [True, False]}, True),
    ("x ? y.all(a, a) : y.exists(a, a)", {"x": U, "y": []}, U),
    ("x && y.all(a, a)", {"x": True, "y": [True]}, True),
    ("x && y.all(a, a) && !x", {"x": True, "y": [True]}, False),
    ("x || y.all(a, a)", {"x": True, "y": U}, True),
    ("x && y.all(a, a)", {"x": U, "y": [False]}, False),
    # fields, presence, indexing
    ("x.a", {"x": {"a": 1}}, 1),
    ("x.a", {"x": {}}, ERROR),
    ("x.a", {"x": None}, ERROR),
    ("x.a", {"x": 1}, ERROR),
    ("x.a", {"x": U}, U),
    ("x.a.b", {"x": {"a": U}}, U),
    ("has(x.a)", {"x": {"a": None}}, True),
    ("has(x.a)", {"x": {}}, False),
    ("has(x.a)", {"x": U}, U),
    ("has(x.a)", {"x": 1}, ERROR),
    ("has(x.a)", {"x": {"a": U}}, True),
    ("has(x.a.b)", {"x": {"a": {"b": 1}}}, True),
    ("x['a']", {"x": {"a": 1}}, 1),
    ("x['a']", {"x": {}}, ERROR),
    ("x[0]", {"x": [1]}, 1),
    ("x[1]", {"x": [1]}, ERROR),
    ("x[-1]", {"x": [1]}, ERROR),
    ("x[y]", {"x": [1, 2], "y": 1.0}, 2),
    ("x[y]", {"x": [1, 2], "y": UInt(1)}, 2),
    ("x[y]", {"x": [1, 2], "y": 0.5}, ERROR),
    ("x[y]", {"x": [1, 2], "y": "a"}, ERROR),
    ("x[y]", {"x": {1: 2}, "y": 1.0}, 2),
    ("x[y]", {"x": {TRUE_KEY: 2}, "y": True}, 2),
    ("x[y]", {"x": {}, "y": True}, EvaluationError("no such key: true")),
    ("x[y]", {"x": {}, "y": []}, ERROR),
    ("x[y]", {"x": {}, "y": U}, U),
    ("x[y]", {"x": U, "y": 1}, U),
    ("x[0]", {"x": "abc"}, ERROR),
    ("x[1]", {"x": {1: 2}}, 2),
    # membership
    ("x in [1, 2]", {"x": 1}, True),
    ("x in [1, 2]", {"x": 1.0}, True),
    ("x in [1, 2]", {"x": True}, False),
    ("x in ['a', 'b']", {"x": "b"}, True),
    ("x in ['a', 'b']", {"x": None}, False),
    ("x in ['a', 'b']", {"x": U}, U),
    ("x in []", {"x": U}, False),
    ("'a' in x", {"x": ["b", "a"]}, True),
    ("'a' in x", {"x": ["b", U]}, U),
    ("'a' in x", {"x": ["b", "c"]}, False),
    ("'a' in x", {"x": ["a", U]}, True),
    ("'a' in x", {"x": {"a": 1}}, True),
    ("'a' in {'a': 1}", {}, True),
    ("'a' in x", {"x": U}, U),
    ("'a' in x", {"x": "abc"}, ERROR),
    ("x in y", {"x": [1], "y": [[1]]}, True),
    ("x in y", {"x": 1, "y": {1: 2}}, True),
    ("x in y", {"x": [], "y": {1: 2}}, False),
    ("x in y", {"x": U, "y": {1: 2}}, U),
    ("x in y", {"x": U, "y": {}}, False),
    ("1 / 0 in [1]", {}, ERROR),
    ("dyn(1 / 0) in {1: 2}", {}, ERROR),
    # macros
    ("x.all(a, a > 0)", {"x": [1, 2]}, True),
    ("x.all(a, a > 0)", {"x": []}, True),
    ("x.all(a, a > 0)", {"x": [1, U]}, U),
    ("x.all(a, a > 0)", {"x": [U, 0]}, False),
    ("x.all(a, a > 0)", {"x": ["a", 0]}, False),
    ("x.all(a, a > 0)", {"x": ["a", 1]}, ERROR),
    ("x.all(a, a > 0)", {"x": ["a", U]}, U),
    ("x.all(a, a)", {"x": [1]}, ERROR),
    ("x.all(a, a > 0)", {"x": U}, U),
    ("x.all(a, a > 0)", {"x": 1}, ERROR),
    ("x.all(k, k == 'a')", {"x": {"a": 1}}, True),
    ("x.all(k, k)", {"x": {TRUE_KEY: 1}}, True),
    ("x.exists(a, a > 1)", {"x": [1, 2]}, True),
    ("x.exists(a, a > 1)", {"x": [U, 2]}, True),
    ("x.exists(a, a > 1)", {"x": [U, 1]}, U),
    ("x.exists(a, a > 1)", {"x": ["a", 1]}, ERROR),
    ("x.exists(a, a.exists(b, b == 2))", {"x": [[1], [2]]}, True),
    ("x.exists_one(a, a > 1)", {"x": [1, 2]}, True),
    ("x.exists_one(a, a > 1)", {"x": [3, 2]}, False),
    ("x.exists_one(a, a > 1)", {"x": [3, U]}, U),
    ("x.exists_one(a, a > 1)", {"x": [3, 2, U]}, False),
    ("x.exists_one(a, a > 1)", {"x": [3, "a"]}, ERROR),
    ("x.exists_one(a, a > 1)", {"x": ["b", "a"]}, ERROR),
    ("x.map(a, a * 2)", {"x": [1, 2]}, [2, 4]),
    ("x.map(a, a)", {"x": [1, U]}, [1, U]),
    ("x.map(a, a * 2)", {"x": [1, "a"]}, ERROR),
    ("x.map(a, a > 1, a * 2)", {"x": [1, 2]}, [4]),
    ("x.map(a, x.map(b, a + b))", {"x": [1, 2]}, [[2, 3], [3, 4]]),
    ("x.filter(a, a > 1)", {"x": [1, 2]}, [2]),
    ("x.filter(a, a > 1)", {"x": [1, "a"]}, ERROR),
    ("x.filter(a, a > 1)", {"x": U}, U),
    ("x.filter(a, a > 1).size() > 0", {"x": [2, U]}, True),
    ("x.filter(a, a > 1).size() > 1", {"x": [2, U]}, U),
    ("x.filter(a, a > 1).size() > 2", {"x": [2, U, "a"]}, U),
    ("x.filter(a, a > 1)", {"x": ["b", "a"]}, ERROR),
    ("x.all(i, v, i < v)", {"x": [1, 2]}, True),
    ("x.exists(k, v, k == 'a' && v == 1)", {"x": {"a": 1}}, True),
    ("x.existsOne(i, v, v == 1)", {"x": [1, 2]}, True),
    ("x.all(i, v, true)", {"x": U}, U),
    ("x.transformList(i, v, i + v)", {"x": [1, 2]}, [1, 3]),
    ("x.transformList(i, v, i > 0, i + v)", {"x": [1, 2]}, [3]),
    ("x.transformMap(k, v, v + 1)", {"x": {"a": 1}}, {"a": 2}),
    ("x.transformMap(k, v, v > 1, v + 1)", {"x": {"a": 1}}, {}),
    ("x.transformMap(k, v, v > 1, v + 1)", {"x": {"a": "b"}}, ERROR),
    ("x.transformMap(k, v, v + 1)", {"x": {"a": "b"}}, ERROR),
    ("x.transformMapEntry(k, v, {v: k})", {"x": {"a": "b"}}, {"b": "a"}),
    ("x.transformMapEntry(k, v, {v: k})", {"x": ["b", "b"]}, ERROR),
    ("x.transformMapEntry(k, v, y)", {"x": [1], "y": 1}, ERROR),
    ("cel.bind(a, x + 1, a * a)", {"x": 2}, 9),
    ("cel.bind(a, 1 / 0, true)", {}, True),
    # sizes and types
    ("size(x)", {"x": "é"}, 1),
    ("size(b'ab')", {}, 2),
    ("x.size()", {"x": {"a": 1}}, 1),
    ("size('abc')", {}, 3),
    ("size({1: 2})", {}, 1),
    ("size(x)", {"x": 1}, ERROR),
    ("size(x)", {"x": U}, U),
    ("type(x)", {"x": 1}, TypeName("int")),
    ("type(x) == uint", {"x": UInt(1)}, True),
    ("type(x) == type", {"x": TypeName("int")}, True),
    ("type(x)", {"x": U}, U),
    ("type(1 / 0)", {}, ERROR),
    ("type(ip('::1')) == net.IP", {}, True),
    ("dyn(x)", {"x": 1}, 1),
    # optionals
    ("optional.of(1)", {}, Optional(present=True, value=1)),
    ("optional.of(x)", {"x": U}, Optional(present=True, value=U)),
    ("optional.of(x).hasValue()", {"x": U}, True),
    ("optional.of(x).orValue(1)", {"x": U}, U),
    ("optional.of(1 / 0)", {}, ERROR),
    ("optional.ofNonZeroValue(x)", {"x": U}, U),
    ("optional.ofNonZeroValue(x)", {"x": 0}, NONE),
    ("optional.ofNonZeroValue(x)", {"x": None}, NONE),
    ("optional.ofNonZeroValue(x).value()", {"x": 1}, 1),
    ("x.?a", {"x": {"a": 1}}, Optional(present=True, value=1)),
    ("x.?a", {"x": {}}, NONE),
    ("x.?a", {"x": U}, U),
    ("x.?a", {"x": 1}, ERROR),
    ("x.?a.b", {"x": {"a": {"b": 2}}}, Optional(present=True, value=2)),
    ("x.?a.b", {"x": {}}, NONE),
    ("x.?a.?b.orValue(3)", {"x": {"a": {}}}, 3),
    ("x.?a.?b.orValue(3)", {"x": {}}, 3),
    ("x.?a['b'].orValue(3)", {"x": {"a": {}}}, 3),
    ("x.?a['b'].orValue(3)", {"x": {}}, 3),
    ("x[?'a'].orValue(3)", {"x": {"a": 1}}, 1),
    ("x[?5].hasValue()", {"x": [1]}, False),
    ("x.?a[?0].orValue(3)", {"x": {"a": [7]}}, 7),
    ("x.?a[?0].orValue(3)", {"x": {}}, 3),
    ("x[?y]", {"x": [1], "y": "a"}, ERROR),
    ("x[?y]", {"x": [1], "y": U}, U),
    ("x.orValue(1)", {"x": U}, U),
    ("x.orValue(1)", {"x": 1}, ERROR),
    ("x.or(optional.of(2)).value()", {"x": NONE}, 2),
    ("x.or(optional.of(2)).value()", {"x": Optional(present=True, value=1)}, 1),
    ("x.or(y)", {"x": NONE, "y": 1}, ERROR),
    ("x.or(y)", {"x": 1, "y": NONE}, ERROR),
    ("x.or(y.all(a, a) ? optional.of(1) : x).value()", {"x": NONE, "y": [True]}, 1),
    ("x.orValue(y.all(a, a))", {"x": Optional(present=True, value=1), "y": [True]}, 1),
    ("x.value()", {"x": NONE}, ERROR),
    ("x.value()", {"x": U}, U),
    ("x.hasValue()", {"x": 1}, ERROR),
    ("has(x.a)", {"x": Optional(present=True, value={"a": 1})}, True),
    ("has(x.a)", {"x": NONE}, False),
    ("x.?a.optMap(v, v + 1).orValue(0)", {"x": {"a": 1}}, 2),
    ("x.?a.optFlatMap(v, v.?b).orValue(0)", {"x": {"a": {"b": 4}}}, 4),
    ("[1, ?x.?a, ?x.?b]", {"x": {"a": 2}}, [1, 2]),
    ("[?x.?a]", {"x": U}, U),
    ("[1 / 0, ?x.?a]", {"x": {}}, ERROR),
    ("[?optional.of(1 / 0)]", {}, ERROR),
    ("{?'a': x.?a, 'c': 1, ?'b': x.?b}", {"x": {"a": 2}}, {"a": 2, "c": 1}),
    ("{?'a': x.?a}", {"x": U}, U),
    ("{?y: x.?a}", {"x": {"a": 1}, "y": U}, U),
    # conversions
    ("int(x)", {"x": 1}, 1),
    ("int(x)", {"x": UInt(2**63)}, ERROR),
    ("int(x)", {"x": -1.9}, -1),
    ("int(x)", {"x": 2.0**63}, ERROR),
    ("int(x)", {"x": float("nan")}, ERROR),
    ("int(x)", {"x": "-12"}, -12),
    ("int(x)", {"x": "9223372036854775808"}, ERROR),
    ("int(x)", {"x": "1_0"}, ERROR),
    ("int(x)", {"x": None}, ERROR),
    ("int(x)", {"x": U}, U),
    ("int(timestamp(5))", {}, 5),
    ("uint(x)", {"x": UInt(1)}, UInt(1)),
    ("uint(x)", {"x": 1}, UInt(1)),
    ("uint(x)", {"x": -1}, ERROR),
    ("uint(x)", {"x": 1.9}, UInt(1)),
    ("uint(x)", {"x": -0.5}, ERROR),
    ("uint(x)", {"x": "7"}, UInt(7)),
    ("uint(x)", {"x": "-7"}, ERROR),
    ("uint(x)", {"x": "99999999999999999999"}, ERROR),
    ("uint(x)", {"x": None}, ERROR),
    ("double(x)", {"x": 1.5}, 1.5),
    ("double(x)", {"x": 1}, 1.0),
    ("double(x)", {"x": "1e3"}, 1000.0),
    ("double(x)", {"x": "1_0"}, ERROR),
    ("double(x)", {"x": "1" * 2000}, ERROR),
    ("double(x)", {"x": None}, ERROR),
    ("bool(x)", {"x": True}, True),
    ("bool(x)", {"x": "t"}, True),
    ("bool(x)", {"x": "no"}, ERROR),
    ("bool(x)", {"x": 1}, ERROR),
    ("bytes(x)", {"x": "é"}, b"\xc3\xa9"),
    ("bytes(x)", {"x": b"a"}, b"a"),
    ("bytes(x)", {"x": 1}, ERROR),
    ("string(x)", {"x": "a"}, "a"),
    ("string(x)", {"x": 1}, "1"),
    ("string(x)", {"x": UInt(1)}, "1"),
    ("string(x)", {"x": True}, "true"),
    ("string(x)", {"x": False}, "false"),
    ("string(x)", {"x": b"\xc3\xa9"}, "é"),
    ("string(x)", {"x": b"\xff"}, ERROR),
    ("string(x)", {"x": None}, ERROR),
    ("string(x)", {"x": 1.0}, "1"),
    ("string(x)", {"x": -0.0}, "-0"),
    ("string(x)", {"x": 0.0001}, "0.0001"),
    ("string(x)", {"x": 1.5e-7}, "1.5e-07"),
    ("string(x)", {"x": 1e-5}, "1e-05"),
    ("string(x)", {"x": 123.456}, "123.456"),
    ("string(x)", {"x": 1234567.0}, "1.234567e+06"),
    ("string(x)", {"x": 1e100}, "1e+100"),
    ("string(x)", {"x": 999999.0}, "999999"),
    ("string(x)", {"x": float("inf")}, "inf"),
    ("string(x)", {"x": float("-inf")}, "-inf"),
    ("string(ip('::1'))", {}, "::1"),
    # messages that are values
    ("google.protobuf.Timestamp{seconds: 1, nanos: 2}", {}, Timestamp(S + 2)),
    ("google.protobuf.Duration{seconds: 1}", {}, Duration(S)),
    ("google.protobuf.Duration{seconds: 999999999999}", {}, ERROR),
    ("google.protobuf.Timestamp{seconds: 999999999999999}", {}, ERROR),
    ("google.protobuf.Timestamp{seconds: x}", {"x": U}, U),
    ("google.protobuf.Timestamp{seconds: x}", {"x": "a"}, ERROR),
    ("google.protobuf.Int32Value{value: 1}", {}, 1),
    ("google.protobuf.Int32Value{value: 3000000000}", {}, ERROR),
    ("google.protobuf.Int32Value{value: x}", {"x": "a"}, ERROR),
    ("google.protobuf.UInt64Value{}", {}, UInt(0)),
    ("google.protobuf.StringValue{value: 'a'}", {}, "a"),
    ("google.protobuf.DoubleValue{value: 1.5}", {}, 1.5),
    ("google.protobuf.FloatValue{value: 1e300}", {}, float("inf")),
    ("google.protobuf.FloatValue{value: -1e300}", {}, float("-inf")),
    ("google.protobuf.FloatValue{value: 0.5}", {}, 0.5),
    ("google.protobuf.Struct{fields: {'a': 1}} == {'a': 1}", {}, True),
    ("google.protobuf.ListValue{values: [1]} == [1]", {}, True),
    ("google.protobuf.Value{number_value: 1.0}", {}, 1.0),
    ("google.protobuf.Value{string_value: 'a'}", {}, "a"),
    ("google.protobuf.Value{}", {}, None),
    ("net.IP{text: 'a'}", {}, ERROR),
]


def same(expected: Any, actual: Any) -> bool:
    """Whether two values are equal and of one kind, `ERROR` standing for any error."""
    if expected is ERROR:
        return type(actual) is EvaluationError
    if isinstance(expected, Unknown):
        return isinstance(actual, Unknown) and expected.reason == actual.reason
    return type(expected) is type(actual) and bool(expected == actual)


@pytest.mark.parametrize(
    ("source", "variables", "expected"), VALUES, ids=lambda value: value if isinstance(value, str) else ""
)
def test_value(run: Callable[..., Any], source: str, variables: dict[str, Any], expected: Any) -> None:
    actual = run(source, **variables)
    assert same(expected, actual), f"{source} is {actual!r}, expected {expected!r}"


def test_the_weightier_unknown_is_named(run: Callable[..., Any]) -> None:
    """An access problem is not hidden behind what only an apply decides."""
    assert run("x && y", x=APPLY, y=U) == U
    assert run("x && y", x=U, y=APPLY) == U
    assert run("x + y", x=APPLY, y=U) == U


def test_unset_variable_is_an_error_value() -> None:
    from cel_expr_python import cel  # noqa: PLC0415

    from xspm.cel.compiler import compile_checked  # noqa: PLC0415

    serialized = cel.NewEnv(variables={"x": cel.Type.DYN}).compile("x").serialize()
    assert compile_checked(serialized)({}) == EvaluationError("no value given for 'x'")


OUTSIDE: list[tuple[str, Any]] = [
    ("'%d'.format([x])", 10**5000),
    ("double(x)", 10**400),
    ("x > 1.5", 10**400),
    ("x == 1.5", 10**400),
    ("x.matches('.')", "\ud800"),
    ("regex.replace(x, '.', 'x')", "\ud800"),
]


@pytest.mark.parametrize(("source", "value"), OUTSIDE, ids=lambda value: value if isinstance(value, str) else "")
def test_values_that_the_language_does_not_have_are_errors(run: Callable[..., Any], source: str, value: Any) -> None:
    assert type(run(source, x=value)) is EvaluationError


LONG = "a" * 5_000
LATE: list[tuple[str, dict[str, Any], Any]] = [
    ("x == y", {"x": LONG + "b", "y": LONG + "c"}, False),
    ("x != y", {"x": LONG + "b", "y": LONG + "c"}, True),
    ("x < y", {"x": LONG + "b", "y": LONG + "c"}, True),
    ("x >= y", {"x": LONG + "b", "y": LONG + "c"}, False),
    ("x.startsWith(y)", {"x": LONG + "b", "y": LONG}, True),
    ("x.endsWith(y)", {"x": "b" + LONG, "y": LONG}, True),
]


@pytest.mark.parametrize(("source", "variables", "expected"), LATE)
def test_long_texts_are_compared_at_a_price(
    run: Callable[..., Any], source: str, variables: dict[str, Any], expected: Any
) -> None:
    assert run(source, **variables) is expected
    assert type(run(source, cost_limit=1, **variables)) is EvaluationError


@pytest.mark.parametrize(
    "source",
    [
        "x.all(a, x.all(b, a == b))",
        "lists.range(100000).size() > 0",
        "x.map(a, x).flatten().size() > 0",
        "(x + x).size() > 0",
    ],
)
def test_cost_limit_ends_an_evaluation(run: Callable[..., Any], source: str) -> None:
    assert run(source, x=[0] * 400, cost_limit=700) == EvaluationError("cost limit of 700 steps exceeded")


def test_deep_data_end_in_an_error(run: Callable[..., Any]) -> None:
    deep: Any = []
    for _ in range(10_000):
        deep = [deep]
    other: Any = []
    for _ in range(10_000):
        other = [other]
    assert run("x == y", x=deep, y=other) == EvaluationError("the data nest too deep")
