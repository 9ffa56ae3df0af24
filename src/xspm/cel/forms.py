"""How numbers and times are written as text, for conversions of both engines.

The language says what a conversion of text takes; the C++ runtime takes more (blanks around it, hexadecimal doubles,
one-digit months). The patterns mean the same to Python's `re` and to RE2.
"""

from __future__ import annotations

from typing import Final

INTEGER: Final = r"[+-]?[0-9]{1,40}"
DOUBLE: Final = r"[+-]?(?i:inf(?:inity)?|nan|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?)"
TIMESTAMP: Final = (
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt]"
    r"([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]+))?(?:[Zz]|([+-])([0-9]{2}):([0-9]{2}))"
)
"""RFC 3339."""
