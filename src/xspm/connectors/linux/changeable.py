"""Tells whether somebody but root can change a file: it, or a folder on the way to it, or what is not there yet.

A file that root runs or believes is as safe as the weakest of itself and the folders above it. One that is missing is
looked at as well: whoever may create it decides what it says.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from xspm.model.unknown import Maybe, Unknown

if TYPE_CHECKING:
    from xspm.connectors.linux.transport import Source, Stat

_OF_USERS: Final = re.compile(r"/(?:home/[^/]+|tmp|var/tmp|dev/shm|run/user/[^/]+)/")
"""Folders in which users make what they like, even where this host does not show them."""
_PATH_LIMIT: Final = 4096
_DEPTH_LIMIT: Final = 128
_STICKY: Final = 0o1000


def changeable(source: Source, path: str) -> Maybe[bool]:
    """Whether somebody but root can change a file, replace it, or make it where it is missing."""
    if len(path) > _PATH_LIMIT or path.count("/") > _DEPTH_LIMIT:
        return Unknown(f"longer than {_PATH_LIMIT} characters or deeper than {_DEPTH_LIMIT} folders", cause="limit")
    doubt: Unknown | None = None
    missing = False
    current = path.rstrip("/") or "/"
    while True:
        found = source.stat(current, follow=True)
        if isinstance(found, Unknown):
            doubt = doubt or found
        elif found is None:
            missing = True
        else:
            # In a sticky folder what is there belongs to its owner; what is not there belongs to the first who comes.
            held = current != path and bool(found.mode & _STICKY) and not missing
            if found.uid != 0 or (_open(found) and not held):
                return True
            missing = False
        if current == "/":
            break
        current = current.rpartition("/")[0] or "/"
    if doubt is None and source.stat(path.rpartition("/")[0] or "/", follow=True) is None:
        return bool(_OF_USERS.match(path))
    return doubt or False


def _open(found: Stat) -> bool:
    """Whether others may write, or a group other than root's."""
    return bool(found.mode & 0o002) or bool(found.mode & 0o020 and found.gid != 0)
