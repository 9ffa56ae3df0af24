"""Every error xspm raises on purpose: one root, one subclass per floor.

An error that reaches a person is one line: where, what, and how to mend it. `diagnostics()` gives that line and,
where the error points into a text, the offending line with a caret. Names and texts in it may come from what is
assessed, so nothing in it can act on a terminal.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence


def one_line(text: str) -> str:
    r"""Return `text` on one line, with every character that is not printed as a visible escape (`\x1b`, `\u202e`)."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode() for character in text
    )


_PASSWORD = re.compile(r"\A([A-Za-z][A-Za-z0-9+.-]*:/+[^:/@]*):.*@", re.DOTALL)


def without_password(address: str) -> str:
    """Return an address (`ssh://user:word@host`) with what stands where a password does as `***`.

    It takes no password, but who writes one expects it neither on a screen nor in a report.
    """
    return _PASSWORD.sub(r"\1:***@", address)


_AROUND = 400
"""Characters of a source line that are shown on either side of a caret."""


class XspmError(Exception):
    """Root of all errors raised on purpose; anything else that escapes is a defect of xspm."""

    def __init__(
        self,
        message: str,
        *,
        file: str | None = None,
        line: int | None = None,
        column: int | None = None,
        source: str | None = None,
        hint: str | None = None,
    ) -> None:
        """Describe an error at `file:line:column` (1-based).

        Args:
            message: what is wrong, one line.
            file: the file or source name the error points into.
            line: 1-based line.
            column: 1-based column.
            source: the text of that line, shown above a caret.
            hint: how to mend it, one line.
        """
        super().__init__(message)
        self.message = message
        self.file = file
        self.line = line
        self.column = column
        self.source = source
        self.hint = hint
        self.others: tuple[XspmError, ...] = ()
        """Further, independent mistakes that were found with this one."""

    @property
    def where(self) -> str:
        """`file:line:column` as far as known, else the empty string."""
        parts = [self.file or ""]
        if self.line is not None:
            parts.append(str(self.line))
            if self.column is not None:
                parts.append(str(self.column))
        return ":".join(parts) if self.file else ""

    def diagnostics(self) -> str:
        """The error for a person: one line, then the source line and a caret where there is one."""
        text = str(self)
        if self.source is not None and self.column is not None:
            start = max(0, self.column - 1 - _AROUND)
            before, after = self.source[start : self.column - 1], self.source[self.column - 1 :][:_AROUND]
            caret = " " * len(one_line(before)) + "^"
            text += f"\n  {one_line(before)}{one_line(after)}\n  {caret}"
        if self.hint:
            text += f"\n  hint: {one_line(self.hint)}"
        return text

    def __str__(self) -> str:
        """The first line of the diagnostics."""
        return one_line(f"{self.where}: {self.message}" if self.where else self.message)


_Error = TypeVar("_Error", bound=XspmError)


def together(errors: Sequence[_Error]) -> _Error:
    """Return the first of some errors, to be raised with the others in it."""
    first, *others = [one for error in errors for one in apart(error)]
    first.others = tuple(others)
    return first  # type: ignore[return-value]  # each of them is one of `errors` or came with one


def apart(error: XspmError) -> list[XspmError]:
    """Return an error and those that came with it, each by itself."""
    others, error.others = error.others, ()
    return [error, *others]


class ModelError(XspmError):
    """A value that the model cannot hold: not JSON, too deep, or not of its declared shape."""


class DocumentError(XspmError):
    """A text (YAML, JSON) that cannot be read as what it claims to be."""


class CelError(XspmError):
    """An expression that does not parse or does not type-check."""


class PolicyError(XspmError):
    """A check, policy, framework or exceptions file that does not say what it must."""


class ContractError(XspmError):
    """A contract, key, signature or signed statement that does not hold."""


class LedgerError(XspmError):
    """A log, a proof, a signed note or a witness that cannot be believed or cannot be written."""


class ConnectorError(XspmError):
    """A target that could not be read at all."""


class ReportError(XspmError):
    """A report that could not be written."""


class UsageError(XspmError):
    """Arguments that do not fit together."""
