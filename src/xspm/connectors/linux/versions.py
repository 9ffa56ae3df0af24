"""Tells a program's version: what it prints, or where no command runs, what the package database says."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from xspm.connectors.linux.transport import Output

if TYPE_CHECKING:
    from xspm.connectors.linux.transport import Source

DATABASE_LIMIT: Final = 32 * 1024 * 1024
"""Bytes of a package database that are read at most."""
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
    """Return the upstream version of an installed Debian or Alpine package: `9.2p1`."""
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
    return None
