"""Where a bare name leads: every file along PATH that the program is looked for in, up to the one that is found.

A folder before the right one that someone else may write is as good as the program itself, so it is told as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from xspm.connectors.linux.changers import changers_of
from xspm.model.unknown import Unknown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from xspm.connectors.linux.transport import Source

CRON: Final = ("/usr/bin", "/bin")
"""cron's PATH where the table sets none."""
SYSTEMD: Final = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
"""systemd's, which only ExecSearchPath= changes."""


def folders_of(path: str, standard: tuple[str, ...]) -> tuple[str, ...]:
    """Split a PATH; what is not absolute depends on where the program starts and is left out."""
    found = tuple(folder.rstrip("/") or "/" for folder in path.split(":") if folder.startswith("/"))
    return found or standard


def places(source: Source, name: str, folders: Iterable[str]) -> list[str]:
    """Return the paths that decide what a bare name starts: the program, and those before it that others may fill.

    A name that is found nowhere leaves only the places that others may fill: it may be a shell's own word.
    """
    changers = changers_of(source)
    found: list[str] = []
    for folder in folders:
        path = f"{folder.rstrip('/')}/{name}"
        exists = changers.trail(source, path).exists
        if exists is not False or changers.of(source, path):
            found.append(path)
        if exists is True or isinstance(exists, Unknown):
            break
    return found
