"""Where the OpenSSH server takes keys and names of users from, and who can change those places.

AuthorizedKeysFile, AuthorizedPrincipalsFile, TrustedUserCAKeys and the two commands are read from the general settings
and from every Match block. A place in the home of who logs in is that user's own; any other must be root's.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import msgspec

from xspm.connectors.linux.changeable import changeable
from xspm.connectors.linux.redact import redact
from xspm.model.unknown import Maybe, Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from xspm.connectors.linux.transport import Source

_COMMANDS: Final = frozenset(
    {"authorized_keys_command", "authorized_principals_command", "authorizedprincipalscommand"}
)
_FIELDS: Final = frozenset({"authorized_keys_files", "authorized_principals_file", "trusted_user_ca_keys", *_COMMANDS})


class KeySource(msgspec.Struct, frozen=True, kw_only=True):
    """A file, or a program, that says who may log in."""

    setting: str
    """Field of `linux.sshd` that names it: `authorized_keys_files`."""
    path: str
    """As written, credentials masked."""
    criteria: str | None
    """Of the Match block that names it; null for the general settings."""
    changeable: Maybe[bool]
    """Somebody besides root and the user who logs in can change it, or a folder on the way to it."""


def key_sources(source: Source, settings: Mapping[str, object], criteria: str | None) -> Iterator[KeySource]:
    """Yield the places that one set of settings names.

    Args:
        source: the host.
        settings: by field of `linux.sshd`: texts, or lists of them.
        criteria: of a Match block; None for the general settings.
    """
    for setting in sorted(_FIELDS & settings.keys()):
        value = settings[setting]
        words = [str(word) for word in value] if isinstance(value, list) else str(value or "none").split()
        if not words or words == ["none"] or isinstance(value, Unknown):
            continue
        for word in words:
            if setting in _COMMANDS and not word.startswith("/"):
                continue
            yield KeySource(
                setting=setting, path=redact(word), criteria=criteria, changeable=_changeable(source, word, criteria)
            )


def _changeable(source: Source, path: str, criteria: str | None) -> Maybe[bool]:
    """Whether somebody besides root and who logs in can change a path, of which tokens stand for any name."""
    if not path.startswith("/"):
        return False
    user = re.fullmatch(r"(?i)user\s+([\w.-]+)", criteria or "")
    if user and path.startswith(f"/home/{user[1]}/"):
        return False
    fixed, token, _ = path.replace("%%", "\0").partition("%")
    place = (fixed.rpartition("/")[0] or "/") if token else fixed
    if place == "/home":
        return False
    return changeable(source, place.replace("\0", "%"))
