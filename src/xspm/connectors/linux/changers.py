"""Who can change what root relies on: the first component of a path that someone other than root may change.

A path is followed as root's programs follow it, component by component and through every link. One component that
belongs to another user, or that a group or everybody may write, is enough: its owner puts another file in that place.
Every service that looks at programs, libraries or configuration of root asks here, so that they mean the same.

A folder with the sticky bit keeps what lies in it from others than its owner, but keeps nobody from putting a file
where none is, or where one was until it was cleaned away: a sticky folder that everybody may write does not protect.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from weakref import WeakKeyDictionary

from xspm.connectors.linux.pattern import resolve
from xspm.connectors.linux.transport import unreadable
from xspm.model.unknown import Maybe, Unknown

if TYPE_CHECKING:
    from xspm.connectors.linux.transport import Source, Stat


class Changer(NamedTuple):
    """Who can change a path, and where."""

    path: str
    """The component, from the root down: the file itself or a folder on the way to it."""
    by: str
    """`user bob`, `user id 1000`, `group staff`, `group id 50` or `everybody`."""


class Trail(NamedTuple):
    """Every component that one path leads over, links and what they lead to included."""

    steps: list[Stat]
    """From the root down; what does not exist is left out."""
    exists: Maybe[bool]
    """Whether the last one exists; unknown when the trail could not be followed to its end."""


class _Unseen(Exception):  # noqa: N818 - carries the reason out of a walk, it is no error of ours
    """A component could not be looked up."""

    def __init__(self, reason: Unknown) -> None:
        super().__init__(reason.reason)
        self.reason = reason


class Changers:
    """Follows paths of one host; each component is looked up once."""

    def __init__(self, source: Source) -> None:
        # The source is what weakly holds this object, so this object must not keep it.
        self._stats: dict[str, Maybe[Stat | None]] = {}
        self._users = names_by_number(source, "/etc/passwd")
        self._groups = names_by_number(source, "/etc/group")

    def trail(self, source: Source, path: str) -> Trail:
        """Follow an absolute path."""
        seen: dict[str, Stat] = {}
        gone = False

        def readlink(part: str) -> str | None:
            nonlocal gone
            found = self._stat(source, part)
            if isinstance(found, Unknown):
                raise _Unseen(found)
            gone = found is None
            if found is not None:
                seen[part] = found
            return found.target if found is not None and found.kind == "link" else None

        try:
            readlink("/")
            resolve(path, readlink, follow=True)
        except _Unseen as error:
            return Trail(list(seen.values()), error.reason)
        except OSError as error:
            return Trail(list(seen.values()), unreadable(path, error))
        return Trail(list(seen.values()), not gone)

    def of(self, source: Source, path: str) -> Maybe[Changer | None]:
        """Return who can change what a path leads to; None when it is root alone."""
        trail = self.trail(source, path)
        last = len(trail.steps) - 1
        for index, step in enumerate(trail.steps):
            by = self._replacer(source, step) if step.kind == "link" else self.writer(step, inside=index < last)
            if by:
                return Changer(step.path, by)
        return trail.exists if isinstance(trail.exists, Unknown) else None

    def writer(self, found: Stat, *, inside: bool = False) -> str | None:
        """Return who besides root may change one component; None when nobody may.

        Args:
            found: a file or folder, no link.
            inside: whether only an entry of the folder that is there counts, which the sticky bit keeps.
        """
        if found.kind == "char":
            # What is written to a device such as /dev/null does not come back.
            return None
        if found.uid:
            return self._user(found.uid)
        if found.mode & 0o002:
            return "everybody"
        if found.mode & 0o020 and not (inside and found.mode & 0o1000):
            name = self._groups.get(found.gid)
            return f"group {name}" if name else f"group id {found.gid}"
        return None

    def _replacer(self, source: Source, link: Stat) -> str | None:
        """Return who may put another link in the place of one: its owner, in a folder that others may write."""
        folder = self._stat(source, link.path.rpartition("/")[0] or "/") if link.uid else None
        return self._user(link.uid) if folder and not isinstance(folder, Unknown) and folder.mode & 0o022 else None

    def _user(self, uid: int) -> str:
        """Name a user."""
        return f"user {self._users[uid]}" if uid in self._users else f"user id {uid}"

    def _stat(self, source: Source, path: str) -> Maybe[Stat | None]:
        """Look a component up, once."""
        if path not in self._stats:
            self._stats[path] = source.stat(path)
        return self._stats[path]


_KNOWN: WeakKeyDictionary[Source, Changers] = WeakKeyDictionary()


def changers_of(source: Source) -> Changers:
    """Return the one that follows paths of this host."""
    found = _KNOWN.get(source)
    if found is None:
        found = _KNOWN[source] = Changers(source)
    return found


def changer(source: Source, path: str) -> Maybe[Changer | None]:
    """Return who besides root can change what a path leads to; see `Changers.of`."""
    return changers_of(source).of(source, path)


def names_by_number(source: Source, path: str) -> dict[int, str]:
    """Read names by number from passwd or group, the first of a number counting."""
    text = source.text(path)
    found: dict[int, str] = {}
    for line in text.splitlines() if isinstance(text, str) else ():
        fields = line.split(":")
        if len(fields) > 2 and fields[2].isascii() and fields[2].isdigit():
            found.setdefault(int(fields[2]), fields[0])
    return found
