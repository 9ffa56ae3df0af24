"""What one walk of all file systems finds: programs with special rights, what everybody may write, what nobody owns."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final, Literal, NamedTuple

from xspm.connectors.linux.ownership import owning_packages
from xspm.connectors.linux.records import octal, resource, settings
from xspm.connectors.linux.walk import parse_mountinfo
from xspm.model.asset import Problem
from xspm.model.schema import ResourceType
from xspm.model.unknown import Maybe, Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from xspm.connectors.linux.transport import Source, Stat
    from xspm.model.asset import Resource


class SetuidFile(ResourceType, frozen=True, kw_only=True):
    """A program that runs with the rights of its owner or group, whoever starts it."""

    TYPE: ClassVar[str] = "linux.setuid_file"

    path: str
    """Absolute path."""
    mode: str
    """Permission bits in octal, four digits: `4755`."""
    setuid: bool
    """Whether it runs as its owner."""
    setgid: bool
    """Whether it runs as its group."""
    owner: str | None
    """Owner's name; null when no account has that number."""
    group: str | None
    """Group's name; null when no group has that number."""
    world_writable: bool
    """Whether everybody may change the program."""
    group_writable: bool
    """Whether members of its group may change the program."""
    mounted_nosuid: bool
    """Whether the file system it lies on ignores the bits."""
    package: Maybe[str | None]
    """Package that installed it; null when none did."""


class CapableFile(ResourceType, frozen=True, kw_only=True):
    """A program that has capabilities: some of root's rights, whoever starts it."""

    TYPE: ClassVar[str] = "linux.capable_file"

    path: str
    """Absolute path."""
    permitted: list[str]
    """Capabilities that it has or may take, sorted: `cap_net_raw`."""
    inheritable: list[str]
    """Capabilities that it keeps when its caller passes them on, sorted."""
    mode: str
    """Permission bits in octal, four digits: `0755`."""
    owner: str | None
    """Owner's name; null when no account has that number."""
    group: str | None
    """Group's name; null when no group has that number."""
    mounted_nosuid: bool
    """Whether the file system it lies on ignores capabilities."""


class FilesystemScan(ResourceType, frozen=True, kw_only=True):
    """What one walk of all local file systems found.

    A list is empty only when the walk was complete; it holds at most 1,000 paths, and the counts are exact.
    """

    TYPE: ClassVar[str] = "linux.filesystem_scan"

    world_writable_files: Maybe[list[str]]
    """Files that everybody may write, sorted."""
    world_writable_file_count: Maybe[int]
    """How many such files there are."""
    world_writable_directories: Maybe[list[str]]
    """Folders that everybody may write and that are not sticky, so that anybody may replace others' files; sorted."""
    world_writable_directory_count: Maybe[int]
    """How many such folders there are."""
    unowned: Maybe[list[str]]
    """Paths whose owner or group no account has, sorted."""
    unowned_count: Maybe[int]
    """How many such paths there are."""


SHOWN: Final = 1000
"""Paths of one list that are kept."""


class Names(NamedTuple):
    """Accounts and groups by number."""

    owners: Mapping[int, str]
    groups: Mapping[int, str]


class _Found:
    """A list that is kept only so long, and counted whole."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        self.count = 0

    def add(self, path: str) -> None:
        """Count a path, and keep it while there is room."""
        self.count += 1
        if len(self.paths) < SHOWN:
            self.paths.append(path)

    def shown(self, doubt: Unknown | None) -> Maybe[list[str]]:
        """Return what was found; nothing found is nothing only when everything was looked at."""
        return doubt if doubt and not self.paths else sorted(self.paths)

    def total(self, doubt: Unknown | None) -> Maybe[int]:
        """Return how many there are, when everything was looked at."""
        return doubt or self.count


def walked(source: Source, names: Names) -> Iterator[Resource | Problem]:
    """Walk the file systems once and sort out what is found."""
    writable_files, writable_folders, unowned = _Found(), _Found(), _Found()
    special: list[Stat] = []
    capable: list[Stat] = []
    problems: list[Problem] = []
    others = _Resolver(source, names)
    for entry in source.walk():
        if isinstance(entry, Problem):
            problems.append(entry)
            continue
        if entry.mode & 0o6000 and entry.kind == "file" and len(special) < SHOWN:
            special.append(entry)
        if entry.capabilities and len(capable) < SHOWN:
            capable.append(entry)
        if entry.mode & 0o002:
            if entry.kind == "file":
                writable_files.add(entry.path)
            elif entry.kind == "directory" and not entry.mode & 0o1000:
                writable_folders.add(entry.path)
        if others.unowned(entry):
            unowned.add(entry.path)
    cut = [problem for problem in problems if problem.resource_types != (CapableFile.TYPE,)]
    doubt = Unknown(cut[0].message, cause=_cause(cut[0])) if cut else None
    nosuid = _ignoring(source)
    yield from _special(source, special, names, nosuid)
    yield from _capable(capable, names, nosuid)
    yield settings(
        FilesystemScan(
            world_writable_files=writable_files.shown(doubt),
            world_writable_file_count=writable_files.total(doubt),
            world_writable_directories=writable_folders.shown(doubt),
            world_writable_directory_count=writable_folders.total(doubt),
            unowned=unowned.shown(doubt),
            unowned_count=unowned.total(doubt),
        )
    )
    for problem in problems:
        types = (SetuidFile.TYPE, CapableFile.TYPE) if problem in cut else (CapableFile.TYPE,)
        yield Problem(problem.kind, problem.message, resource_types=types, hint=problem.hint)


def _cause(problem: Problem) -> Literal["access", "format", "limit", "missing", "timeout"]:
    """Return a problem's kind in the words of unknown values."""
    return "missing" if problem.kind == "unsupported" else problem.kind


class _Resolver:
    """Tells whether a number has a name, asking the name service where it knows more than the files."""

    def __init__(self, source: Source, names: Names) -> None:
        self._source = source
        self._names = names
        self._asked: dict[tuple[str, int], bool] = {}
        switch = source.text("/etc/nsswitch.conf") if source.live else None
        lines = [line.split(":", 1) for line in (switch if isinstance(switch, str) else "").splitlines() if ":" in line]
        self._more = {
            key.strip()
            for key, services in lines
            if set(services.split("#")[0].split()) - {"files", "compat", "systemd", "cache"}
        }

    def unowned(self, entry: Stat) -> bool:
        """Whether its owner or its group has no name."""
        return not (
            self._named("passwd", entry.uid, self._names.owners) and self._named("group", entry.gid, self._names.groups)
        )

    def _named(self, database: str, number: int, known: Mapping[int, str]) -> bool:
        if number in known:
            return True
        if database not in self._more:
            return False
        key = (database, number)
        if key not in self._asked:
            answer = self._source.run("getent", database, str(number)) if len(self._asked) < 50 else None
            self._asked[key] = not isinstance(answer, Unknown) and answer is not None and answer.status == 0
        return self._asked[key]


def _ignoring(source: Source) -> Mapping[str, bool]:
    """Return for each mount whether it ignores setuid bits and capabilities."""
    text = source.text("/proc/self/mountinfo") if source.live else None
    return {mount.path: "nosuid" in mount.options for mount in parse_mountinfo(text if isinstance(text, str) else "")}


def _capable(found: list[Stat], names: Names, mounts: Mapping[str, bool]) -> Iterator[Resource]:
    """Describe programs with capabilities."""
    for entry in sorted(found, key=lambda entry: entry.path):
        if entry.capabilities:
            data = CapableFile(
                path=entry.path,
                permitted=list(entry.capabilities.permitted),
                inheritable=list(entry.capabilities.inheritable),
                mode=octal(entry.mode),
                owner=names.owners.get(entry.uid),
                group=names.groups.get(entry.gid),
                mounted_nosuid=_nosuid(entry.path, mounts),
            )
            yield resource(data, entry.path)


def _special(source: Source, found: list[Stat], names: Names, mounts: Mapping[str, bool]) -> Iterator[Resource]:
    """Describe setuid and setgid programs."""
    packages = owning_packages(source, sorted(entry.path for entry in found))
    for entry in sorted(found, key=lambda entry: entry.path):
        yield resource(
            SetuidFile(
                path=entry.path,
                mode=octal(entry.mode),
                setuid=bool(entry.mode & 0o4000),
                setgid=bool(entry.mode & 0o2000),
                owner=names.owners.get(entry.uid),
                group=names.groups.get(entry.gid),
                world_writable=bool(entry.mode & 0o002),
                group_writable=bool(entry.mode & 0o020),
                mounted_nosuid=_nosuid(entry.path, mounts),
                package=packages if isinstance(packages, Unknown) else packages.get(entry.path),
            ),
            entry.path,
        )


def _nosuid(path: str, mounts: Mapping[str, bool]) -> bool:
    """Whether the mount that a path lies on ignores setuid bits."""
    while path:
        path = path.rpartition("/")[0]
        if (path or "/") in mounts:
            return mounts[path or "/"]
    return False
