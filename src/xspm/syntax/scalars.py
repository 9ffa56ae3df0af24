"""What a plain YAML scalar means: the rules by which Kubernetes itself reads manifests.

`kubectl` and the API server read YAML through sigs.k8s.io/yaml, whose scalars follow YAML 1.1 as go-yaml v2 implements
it. Evidence must be read as its consumer reads it, so the same rules hold here, and for policy files too, so that there
is one rule to know:

- `y yes on true` and `n no off false`, in lower, upper and title case, are booleans; `~`, `null` and nothing are null;
- integers may be decimal, `0x…`, `0o…`, `0b…` or, as in `defaultMode: 0400`, octal by a leading zero; underscores are
  ignored;
- there are no sexagesimal numbers, and timestamps stay strings;
- what JSON cannot carry exactly (integers beyond ±(2^53-1), NaN, infinities) is an unknown value of cause `format`,
  never a rounded one.

See https://pkg.go.dev/sigs.k8s.io/yaml and https://yaml.org/type/.
"""

from __future__ import annotations

import math
import re
from typing import Any, Final

from xspm.model.digest import MAX_SAFE_INTEGER
from xspm.model.unknown import UNKNOWN_KEY

_TRUE: Final = ("y", "yes", "on", "true")
_FALSE: Final = ("n", "no", "off", "false")
WORDS: Final[dict[str, Any]] = {
    "": None,
    "~": None,
    "null": None,
    "Null": None,
    "NULL": None,
    **{form: True for word in _TRUE for form in (word, word.capitalize(), word.upper())},
    **{form: False for word in _FALSE for form in (word, word.capitalize(), word.upper())},
}
_FLOAT_WORDS: Final = frozenset(
    {".nan", ".NaN", ".NAN"} | {sign + word for sign in ("", "+", "-") for word in (".inf", ".Inf", ".INF")}
)
NUMBER_START: Final = frozenset("0123456789+-.")
"""First characters of numbers."""
_SAFE_DIGITS: Final = len(str(MAX_SAFE_INTEGER))
_MAX_NUMBER: Final = 400
"""Longer than any number that a configuration holds; converting longer digits costs quadratic time."""
_INTEGER: Final = (
    r"[-+]?(?:0[xX](?P<hex>[0-9a-fA-F]+)|0[bB](?P<bin>[01]+)|0[oO]?(?P<oct>[0-7]+)|(?P<dec>0|[1-9][0-9]*))\Z"
)
_FLOAT: Final = r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z"
_BASES: Final = {"hex": 16, "bin": 2, "oct": 8, "dec": 10}


def resolve(text: str) -> Any:
    """Return the value of a plain scalar; a number that JSON cannot carry is an unknown."""
    if text[:1] in NUMBER_START:
        return number(text)
    return WORDS.get(text, text)


def unrepresentable(text: str) -> dict[str, str]:
    """Return the unknown for a number which JSON does not carry exactly; it may be a secret, so it stays out."""
    return {UNKNOWN_KEY: f"a number of {len(text)} characters is outside what JSON carries exactly", "cause": "format"}


def number(text: str) -> Any:
    """Return the number a scalar is, else the scalar itself."""
    if text.isdecimal() and text.isascii() and len(text) < _SAFE_DIGITS and (text[0] != "0" or len(text) == 1):
        return int(text)
    plain = text.replace("_", "") if "_" in text else text
    if found := re.match(_INTEGER, plain):
        if len(plain) > _MAX_NUMBER:
            return unrepresentable(text)
        base = found.lastgroup or "dec"
        value = int(found[base], _BASES[base])
        if value > MAX_SAFE_INTEGER:
            return unrepresentable(text)
        return -value if plain[0] == "-" else value
    if re.match(_FLOAT, plain):
        real = float(plain)
        return real if math.isfinite(real) else unrepresentable(text)
    return unrepresentable(text) if text in _FLOAT_WORDS else text
