"""The kernel's command line as words, with what is secret masked and what only points to a secret shown.

Besides what `redact` finds anywhere, options of the initial RAM disk hold passwords under short names (`pass=` within
`rootflags=`, iSCSI's `user:password@`) and keys. A key's path, device or program is no secret, nor is a disk's hash.
"""

from __future__ import annotations

import re
from typing import Final

from xspm.connectors.linux.redact import MASK, redact

_WORD: Final = re.compile(r'(?:"[^"]*"?|[^\s"])+')
_HASHES: Final = frozenset({"roothash", "usrhash", "systemd.verity_root_hash", "systemd.verity_usr_hash"})
_ISCSI: Final = re.compile(r"(?P<name>\biscsi:)(?P<value>[^\s@]*:[^\s@]*)@")
_SECRET: Final = re.compile(
    r"""(?ix)
    (?P<name> (?:^|[,;=:"]) [\w./-]{0,60} (?<![a-z]) (?:(?:crypt|zfs|luks)?key|psk|wpa|wep|pass|pin) = )
    (?P<value> "[^"]*"? | [^,\s"]+ )
    """
)
_POINTER: Final = re.compile(
    r"(?i)(?:[\w.-]{1,80}=)?/|(?:uuid|label|partuuid|partlabel|id)=|(?:exec|rootfs|file):/|(?:none|prompt)\Z"
)
"""Values that say where a key is: a path, a device, a program, for a disk or for all."""


def arguments(text: str) -> list[str]:
    """Split a command line as the kernel does, blanks within double quotes kept, and mask its secrets."""
    return [_masked(word) for word in _WORD.findall(text)]


def _masked(word: str) -> str:
    """Mask the secrets of one option."""
    if word.partition("=")[0].lower() in _HASHES:
        return word
    if word[:1] == '"':
        name, _, value = word.strip('"').partition("=")
        # The quotes hold the whole option together: the value ends with them, blanks or not.
        return word if MASK not in _masked(f'{name}="{value}"') + _masked(f"{name}={value}") else f'"{name}={MASK}"'
    word = _ISCSI.sub(rf"\g<name>{MASK}@", word)
    return redact(_SECRET.sub(_mask, word))


def _mask(match: re.Match[str]) -> str:
    """Mask a value, but not where it says where the key is."""
    return match[0] if _POINTER.match(match["value"].strip('"')) else match["name"] + MASK
