"""Which package a file came with: dpkg, rpm, apk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from xspm.connectors.linux.transport import Output
from xspm.model.unknown import Maybe, Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from xspm.connectors.linux.transport import Source

DPKG_SEARCH: Final = ("dpkg-query", "-S")
RPM_SEARCH: Final = ("rpm", "-qf", "--qf", "%{NAME}\\n")
"""Commands that take paths; a collector script runs them on what its own walk found."""
_MERGED: Final = ("/usr/bin/", "/usr/sbin/", "/usr/lib")


def owning_packages(source: Source, paths: Sequence[str]) -> Maybe[dict[str, str]]:
    """Return the package of each path that one installed; the others are left out."""
    if not paths:
        return {}
    if any(source.stat(path) is not None for path in ("/var/lib/dpkg/status", "/var/lib/dpkg/info")):
        return _dpkg(source, paths)
    database = source.text("/lib/apk/db/installed")
    if isinstance(database, str):
        return _apk(database, paths)
    output = source.run(*RPM_SEARCH, *paths)
    if isinstance(output, Output):
        lines = output.stdout.splitlines()
        return {path: line for path, line in zip(paths, lines, strict=False) if " " not in line}
    return output or Unknown("no package database to ask", cause="missing")


def aliases(path: str) -> tuple[str, ...]:
    """Return the names a path has in dpkg's lists: packages made before /usr was merged know it without /usr."""
    return (path, path.removeprefix("/usr")) if path.startswith(_MERGED) else (path,)


def _dpkg(source: Source, paths: Sequence[str]) -> Maybe[dict[str, str]]:
    """Ask dpkg, or read its lists where nothing can be run."""
    wanted = {alias: path for path in paths for alias in aliases(path)}
    if not source.live:
        return _dpkg_lists(source, wanted)
    output = source.run(*DPKG_SEARCH, *wanted)
    if not isinstance(output, Output):
        return output or Unknown("dpkg-query is not installed", cause="missing")
    found: dict[str, str] = {}
    for line in output.stdout.splitlines():
        packages, _, alias = line.rpartition(": ")
        if alias in wanted and not packages.startswith("diversion by "):
            found[wanted[alias]] = packages.split(",")[0].partition(":")[0]
    return found


def _dpkg_lists(source: Source, wanted: dict[str, str]) -> Maybe[dict[str, str]]:
    """Search the lists of files of every package."""
    lists = source.glob("/var/lib/dpkg/info/*.list")
    if isinstance(lists, Unknown):
        return lists
    found: dict[str, str] = {}
    for path in lists:
        text = source.text(path)
        if isinstance(text, Unknown):
            return text
        package = path.rpartition("/")[2].removesuffix(".list").partition(":")[0]
        found.update({wanted[line]: package for line in wanted.keys() & set((text or "").split("\n"))})
    return found


def _apk(database: str, paths: Sequence[str]) -> dict[str, str]:
    """Read the folders and files of apk's database."""
    wanted = set(paths)
    return {path: package for path, package in _apk_files(database) if path in wanted}


def _apk_files(database: str) -> Iterator[tuple[str, str]]:
    """Yield every file with its package."""
    package = folder = ""
    for line in database.split("\n"):
        key, value = line[:2], line[2:]
        if key == "P:":
            package = value
        elif key == "F:":
            folder = value
        elif key == "R:":
            yield f"/{folder}/{value}", package
