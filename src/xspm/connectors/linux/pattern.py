"""Path patterns and symbolic links over any store of files, without touching this machine's file system.

Both work on callbacks, so that this machine, an unpacked root file system, an example and a capture expand the same
pattern to the same paths and resolve the same link to the same file.
"""

from __future__ import annotations

import errno
import fnmatch
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from xspm.model.unknown import Unknown

if TYPE_CHECKING:
    from collections.abc import Callable

    from xspm.connectors.linux.transport import Names
    from xspm.model.unknown import Maybe

LINK_LIMIT: Final = 40
"""Links followed for one path; Linux' own limit."""

_MAGIC: Final = re.compile(r"[*?\[]")


@lru_cache(maxsize=1024)
def matcher(component: str) -> Callable[[str], re.Match[str] | None]:
    """Return the test of one component's names against a pattern."""
    return re.compile(fnmatch.translate(component)).match


@lru_cache(maxsize=1024)
def matcher_of_path(pattern: str) -> re.Pattern[str]:
    """Return the expression for whole paths that a pattern expands to."""
    parts = [fnmatch.translate(part).removeprefix("(?s:").removesuffix(r")\Z") for part in pattern.split("/")]
    return re.compile("/".join(part.replace(".*", "[^/]*") for part in parts) + r"\Z")


def expand(
    pattern: str, names: Callable[[str], Maybe[Names | None]], exists: Callable[[str], Maybe[bool]]
) -> Maybe[Names]:
    """Return the existing paths that `pattern` matches, sorted.

    Args:
        pattern: an absolute path with `*`, `?` or `[…]` in any component.
        names: lists a folder; None when it is not one.
        exists: whether a path exists, without following a final link.
    """
    paths = [""]
    parts = [part for part in pattern.split("/") if part]
    for index, part in enumerate(parts):
        if not _MAGIC.search(part):
            paths = [f"{path}/{part}" for path in paths]
            if index + 1 == len(parts) or len(paths) > 1:
                found = _existing(paths, exists)
                if isinstance(found, Unknown):
                    return found
                paths = found
            continue
        matches, grown = matcher(part), []
        for path in paths:
            listed = names(path or "/")
            if isinstance(listed, Unknown):
                return listed
            grown += [f"{path}/{name}" for name in listed or () if matches(name) and (name[0] != "." or part[0] == ".")]
        paths = grown
    return sorted(paths)


def _existing(paths: Names, exists: Callable[[str], Maybe[bool]]) -> Maybe[Names]:
    """Return those of `paths` that exist."""
    found = []
    for path in paths:
        answer = exists(path)
        if isinstance(answer, Unknown):
            return answer
        if answer:
            found.append(path)
    return found


def resolve(path: str, readlink: Callable[[str], str | None], *, follow: bool) -> str:
    """Return `path` without links, `.` and `..`, as a process confined to that root would see it.

    Args:
        path: absolute.
        readlink: returns a link's target as written, None for what is no link (or not there).
        follow: whether a final link is followed as well.

    Raises:
        OSError: ELOOP, the links do not end.
    """
    pending = path.split("/")[::-1]
    done: list[str] = []
    hops = 0
    while pending:
        part = pending.pop()
        if part in {"", "."}:
            continue
        if part == "..":
            del done[-1:]
            continue
        done.append(part)
        target = readlink("/" + "/".join(done)) if follow or any(pending) else None
        if target is not None:
            hops += 1
            if hops > LINK_LIMIT:
                raise OSError(errno.ELOOP, "too many levels of symbolic links", path)
            del done[0 if target.startswith("/") else -1 :]
            pending += target.split("/")[::-1]
    return "/" + "/".join(done)
