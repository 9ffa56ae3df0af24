"""The reference engine: verdicts recomputed by a CEL runtime that we did not write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from xspm.app.types import resource_types
from xspm.cel import Environment
from xspm.policy.library import Executable

if TYPE_CHECKING:
    from xspm.policy.library import Compiled


class ReferenceEngine:
    """Compiles every check again from its source and evaluates it with the C++ runtime; messages stay ours."""

    name: Literal["xspm", "reference"] = "reference"

    def __init__(self) -> None:
        """Set up the front end once."""
        self._environment = Environment(resource_types())
        self._loaded: dict[str, Executable] = {}

    def executable(self, compiled: Compiled) -> Executable:
        """The programs of a check, compiled once."""
        check = compiled.check
        if check.id not in self._loaded:
            executable = Executable(compiled)
            params = {parameter.name: parameter.default for parameter in check.parameters}
            executable.program = self._environment.reference(
                check.check, resource=check.resource, params=params, expect="bool"
            )
            if check.applies:
                executable.applies = self._environment.reference(
                    check.applies, resource=check.resource, params=params, expect="bool"
                )
            self._loaded[check.id] = executable
        return self._loaded[check.id]
