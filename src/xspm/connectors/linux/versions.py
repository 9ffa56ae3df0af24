"""Tells a program's version: what it prints, or where no command runs, what the package database says."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from xspm.connectors.linux import rpm_database
from xspm.connectors.linux.transport import Output

if TYPE_CHECKING:
    from xspm.connectors.linux.transport import Source

DATABASE_LIMIT: Final = 32 * 1024 * 1024
"""Bytes of a package database that are read at most."""
_RPM_LIMIT: Final = 256 * 1024 * 1024
_RPM: Final = ("/usr/lib/sysimage/rpm/rpmdb.sqlite", "/var/lib/rpm/rpmdb.sqlite")
_DATABASES: Final = (
    ("/var/lib/dpkg/status", "Package: ", "Version: "),
    ("/lib/apk/db/installed", "P:", "V:"),
    ("/usr/lib/apk/db/installed", "P:", "V:"),
)


def printed_version(source: Source, pattern: str, *commands: tuple[str, ...]) -> str | None:
    """Return the first group of `pattern` in what one of the commands prints."""
    for argv in commands if source.live else ():
        output = source.run(*argv)
        match = re.search(pattern, output.stdout + output.stderr) if isinstance(output, Output) else None
        if match:
            return match[1]
    return None


def package_version(source: Source, *names: str) -> str | None:
    """Return the upstream version of a package that a database of files names: `9.2p1`.

    For a live system it returns None: there the program itself is asked.
    """
    if source.live:
        return None
    for path, name_field, version_field in _DATABASES:
        text = source.text(path, DATABASE_LIMIT)
        if not isinstance(text, str):
            continue
        for name in names:
            start = f"\n{text}".find(f"\n{name_field}{name}\n")
            paragraph = text[start:].partition("\n\n")[0] if start >= 0 else ""
            match = re.search(rf"^{version_field}(?:\d+:)?(\d+(?:\.\d+)*)_?(p\d+)?", paragraph, re.MULTILINE)
            if match:
                return match[1] + (match[2] or "")
    return _rpm_version(source, names)


def _rpm_version(source: Source, names: tuple[str, ...]) -> str | None:
    """Look into rpm's database of the newer kind."""
    for path in _RPM:
        data = source.data(path, _RPM_LIMIT)
        if not isinstance(data, bytes):
            continue
        try:
            packages, _ = rpm_database.read(data)
        except ValueError:
            return None
        for name, version, _, _ in packages:
            match = re.match(r"(?:[^:]*:)?([0-9]+(?:\.[0-9]+)*)(p[0-9]+)?", version) if name in names else None
            if match:
                return match[1] + (match[2] or "")
    return None
