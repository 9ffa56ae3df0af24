"""Tells which programs of sudo's rules somebody but root can change, and with them what root runs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from xspm.connectors.linux.changeable import changeable
from xspm.model.unknown import Maybe, Unknown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from xspm.connectors.linux.transport import Source


def changeable_programs(source: Source, commands: Iterable[str], known: dict[str, Maybe[bool]]) -> Maybe[list[str]]:
    """Return the paths of the programs that somebody but root can change, sorted; patterns of paths are left out.

    Args:
        source: the host.
        commands: of a rule, with their arguments.
        known: answers by path, kept from rule to rule, as an alias may stand in thousands of them.
    """
    found: set[str] = set()
    doubt: Unknown | None = None
    for path in sorted({command.partition(" ")[0] for command in commands}):
        if not path.startswith("/") or re.search(r"[*?\[]", path):
            continue
        if path not in known:
            known[path] = changeable(source, path.replace("\\", ""))
        answer = known[path]
        if isinstance(answer, Unknown):
            doubt = doubt or answer
        elif answer:
            found.add(path)
    return doubt if doubt and not found else sorted(found)
