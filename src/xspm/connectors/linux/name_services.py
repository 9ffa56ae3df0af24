"""Which databases of accounts the C library asks NIS for, by nsswitch.conf."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from xspm.connectors.linux.configuration import lines
from xspm.model.unknown import Maybe, Unknown

if TYPE_CHECKING:
    from xspm.connectors.linux.transport import Source

NSSWITCH: Final = "/etc/nsswitch.conf"
_VENDOR: Final = "/usr/etc/nsswitch.conf"
TEXTS: Final = (NSSWITCH, _VENDOR)
"""Files that are read."""
_DATABASES: Final = frozenset({"passwd", "group", "shadow", "gshadow", "initgroups", "sudoers"})
_NETWORK: Final = frozenset({"nis", "nisplus", "hesiod"})
"""Services that believe whoever answers on the network."""


def nis_databases(source: Source) -> Maybe[list[str]]:
    """Return the databases of accounts that NIS answers too, sorted; what `compat` merges by its own lines is not."""
    text = source.text(NSSWITCH)
    if text is None:
        text = source.text(_VENDOR)
    if isinstance(text, Unknown):
        return text
    found: set[str] = set()
    for line in lines(text or ""):
        name, colon, services = line.text.partition("#")[0].partition(":")
        database = name.strip().lower().removesuffix("_compat")
        if colon and database in _DATABASES and _NETWORK & set(services.replace("[", " [").lower().split()):
            found.add(database)
    return sorted(found)
