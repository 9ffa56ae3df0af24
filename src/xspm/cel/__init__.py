"""The policy language: CEL, checked by Google's front end and run by generated Python.

An `Environment` (resource types in, expressions and message templates out) compiles; `Program` and `Template` are
what it makes, can be kept on disk, and need neither the front end nor protobuf to run. The environment is loaded only
when it is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xspm.cel.program import Program, observe
from xspm.cel.template import Template
from xspm.cel.values import DEFAULT_COST_LIMIT, EvaluationError

if TYPE_CHECKING:
    from xspm.cel.environment import Environment

__all__ = ["DEFAULT_COST_LIMIT", "Environment", "EvaluationError", "Program", "Template", "observe"]


def __getattr__(name: str) -> Any:
    if name == "Environment":
        from xspm.cel.environment import Environment  # noqa: PLC0415 - it loads the front end, which most runs do not need

        return Environment
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
