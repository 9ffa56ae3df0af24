"""Every check, policy, framework mapping and exception in reach, compiled and ready to be planned.

These are the shapes; `xspm.policy.building` makes them from files, and `xspm.policy.loading` takes them from an earlier
build where nothing changed.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec

from xspm.cel import Program, Template
from xspm.errors import XspmError
from xspm.model.check import Check, Framework, Policy, PolicyException
from xspm.model.digest import Digest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xspm.model.unknown import Unknown
    from xspm.policy.folder import Folder

CONTENT: Final = os.path.join(os.path.dirname(os.path.dirname(__file__)), "content")
"""What xspm ships."""


class Compiled(msgspec.Struct, frozen=True):
    """A check with its expressions as programs, serialized until first used."""

    check: Check
    digest: Digest
    """Digest of all that its file says but the examples and its place."""
    program: bytes
    applies: bytes | None
    message: bytes
    shipped: bool


class Library(msgspec.Struct, frozen=True):
    """Everything policies can be made of."""

    checks: Mapping[str, Compiled]
    """By id, sorted."""
    types: dict[str, str]
    """By check id: its resource type; asking here loads no check."""
    policies: dict[str, Policy]
    """By name."""
    own_policies: tuple[str, ...]
    """Names of those that come from users' folders."""
    exceptions: tuple[PolicyException, ...]
    requirements: dict[str, tuple[str, ...]]
    """By check id: `framework:requirement`, sorted."""

    digests: dict[str, Digest]
    """By name of a policy: digest of it and of everything it may select; file locations do not count."""


class Built(msgspec.Struct, frozen=True):
    """What `build` makes: the library of all that is sound, the sources, and what is not sound."""

    library: Library
    checks: dict[str, Check]
    """As the files say, with examples and places."""
    frameworks: dict[str, Framework]
    errors: tuple[XspmError, ...]


def refuse(built: Built, folders: Sequence[Folder] = ()) -> None:
    """Refuse what is not sound, and say how much of it there is, and the command that shows all of it.

    Args:
        built: what was made.
        folders: of which.

    Raises:
        PolicyError, CelError, DocumentError: the first mistake.
    """
    if built.errors:
        first, rest = built.errors[0], len(built.errors) - 1
        if rest:
            from shlex import join  # noqa: PLC0415 - only an error needs it

            command = join(["xspm", "policy", "lint", *(folder.given for folder in folders if folder.given)])
            first.hint = f"{first.hint + '; ' if first.hint else ''}{rest} more: {command}"
        raise first


class Expression(Protocol):
    """A compiled expression of either engine; see `xspm.cel.Program` for what each part means."""

    reads: tuple[str, ...]
    resource_types: tuple[str, ...]
    reads_now: bool

    def evaluate(
        self, resource: Any, params: Mapping[str, Any], resources: Mapping[str, list[Any] | Unknown], now: str
    ) -> Any:
        """Return true, false, an `Unknown` or an `EvaluationError`; raise nothing."""


class Executable:
    """A compiled check with its programs loaded."""

    __slots__ = ("applies", "check", "message", "program")

    def __init__(self, compiled: Compiled) -> None:
        """Load the programs of a compiled check."""
        self.check = compiled.check
        self.program: Expression = Program.load(compiled.program)
        self.applies: Expression | None = None if compiled.applies is None else Program.load(compiled.applies)
        self.message = Template.load(compiled.message)
