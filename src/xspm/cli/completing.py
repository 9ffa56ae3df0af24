"""What a shell offers after TAB: check ids, resource types, frameworks, policies, and files where a path may stand.

Listings come from the cache, so that the shell does not wait. What cannot be listed, for instance because a policy
file is broken, completes to nothing: the command itself will say why.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xspm.errors import XspmError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import click
    from click.shell_completion import CompletionItem

    Complete = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def offering(words: Callable[[], Iterable[str]], *, files: bool = False) -> Complete:
    """Return a completion of some words, and of file names if `files`."""

    def complete(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem  # noqa: PLC0415 - only TAB needs it

        items = [CompletionItem(word) for word in _found(words) if word.startswith(incomplete)]
        return [*items, CompletionItem(incomplete, type="file")] if files else items

    return complete


def _found(words: Callable[[], Iterable[str]]) -> list[str]:
    try:
        return list(words())
    except XspmError:
        return []


def _listed() -> Any:
    from xspm.app.policies import listed  # noqa: PLC0415 - only TAB needs it

    return listed()


def _types() -> Iterable[str]:
    from xspm.app.types import resource_types  # noqa: PLC0415 - only TAB needs it

    return resource_types()


def _formats() -> Iterable[str]:
    from xspm.report.interface import TABLE  # noqa: PLC0415 - only TAB needs it

    return TABLE


TARGETS = offering(lambda: ("host", "ssh://", "dir:"), files=True)
CHECKS = offering(lambda: _listed().checks)
CHECKS_AND_FILES = offering(lambda: _listed().checks, files=True)
FRAMEWORKS = offering(lambda: _listed().frameworks)
POLICIES = offering(lambda: _listed().library.policies, files=True)
FORMATS = offering(_formats, files=True)
TYPES = offering(_types)
FILES = offering(lambda: (), files=True)
