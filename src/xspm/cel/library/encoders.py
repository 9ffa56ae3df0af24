"""Base64."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from xspm.cel.values import EvaluationError, Meter, strict


def base64_encode_(meter: Meter, value: Any) -> Any:
    """`base64.encode(value)`."""
    if type(value) is not bytes:
        return strict(value)
    meter.make(2 * len(value))
    return base64.b64encode(value).decode("ascii")


def base64_decode_(meter: Meter, text: Any) -> Any:
    """`base64.decode(text)`; padding may be left out."""
    if type(text) is not str:
        return strict(text)
    meter.make(len(text))
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        return EvaluationError("invalid base64 data")
