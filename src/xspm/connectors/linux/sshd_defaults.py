"""What sshd does where its files are silent: defaults by OpenSSH version, and algorithm lists with their modifiers.

Values are in the spelling of `sshd -T`. Sources: servconf.c and myproposal.h of the releases named, and each release's
notes.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable

Version: TypeAlias = tuple[int, int]

NEWEST: Final[Version] = (99, 0)
"""Stands for a version that is not known."""

_PLAIN: Final[dict[str, str]] = {
    "addressfamily": "any",
    "usepam": "no",
    "logingracetime": "120",
    "maxauthtries": "6",
    "maxsessions": "10",
    "clientaliveinterval": "0",
    "clientalivecountmax": "3",
    "requiredrsasize": "1024",
    "unusedconnectiontimeout": "0",
    "ignorerhosts": "yes",
    "ignoreuserknownhosts": "no",
    "hostbasedauthentication": "no",
    "pubkeyauthentication": "yes",
    "kerberosauthentication": "no",
    "gssapiauthentication": "no",
    "passwordauthentication": "yes",
    "kbdinteractiveauthentication": "yes",
    "printmotd": "yes",
    "printlastlog": "yes",
    "x11forwarding": "no",
    "x11uselocalhost": "yes",
    "permittty": "yes",
    "permituserrc": "yes",
    "strictmodes": "yes",
    "tcpkeepalive": "yes",
    "permitemptypasswords": "no",
    "compression": "yes",
    "gatewayports": "no",
    "usedns": "no",
    "allowtcpforwarding": "yes",
    "allowagentforwarding": "yes",
    "disableforwarding": "no",
    "allowstreamlocalforwarding": "yes",
    "banner": "none",
    "forcecommand": "none",
    "chrootdirectory": "none",
    "trustedusercakeys": "none",
    "revokedkeys": "none",
    "authorizedprincipalsfile": "none",
    "authorizedkeyscommand": "none",
    "authorizedkeyscommanduser": "none",
    "loglevel": "INFO",
    "syslogfacility": "AUTH",
    "authorizedkeysfile": ".ssh/authorized_keys .ssh/authorized_keys2",
    "authenticationmethods": "any",
    "maxstartups": "10:30:100",
    "persourcemaxstartups": "none",
    "permittunnel": "no",
    "rekeylimit": "0 0",
    "permitopen": "any",
    "permitlisten": "any",
    "permituserenvironment": "no",
}
HOST_KEYS: Final = ("/etc/ssh/ssh_host_rsa_key", "/etc/ssh/ssh_host_ecdsa_key", "/etc/ssh/ssh_host_ed25519_key")
"""Host keys looked for when no HostKey line is there."""

_CTR: Final = ["aes128-ctr", "aes192-ctr", "aes256-ctr"]
_GCM: Final = ["aes128-gcm@openssh.com", "aes256-gcm@openssh.com"]
_CHACHA: Final = "chacha20-poly1305@openssh.com"
_ECDH: Final = ["ecdh-sha2-nistp256", "ecdh-sha2-nistp384", "ecdh-sha2-nistp521"]
_CURVE: Final = ["curve25519-sha256", "curve25519-sha256@libssh.org"]
_GEX: Final = "diffie-hellman-group-exchange-sha256"
_DH: Final = [_GEX, "diffie-hellman-group16-sha512", "diffie-hellman-group18-sha512", "diffie-hellman-group14-sha256"]
_SNTRUP: Final = "sntrup761x25519-sha512@openssh.com"
_MLKEM: Final = "mlkem768x25519-sha256"
_MACS: Final = [
    "umac-64-etm@openssh.com",
    "umac-128-etm@openssh.com",
    "hmac-sha2-256-etm@openssh.com",
    "hmac-sha2-512-etm@openssh.com",
    "hmac-sha1-etm@openssh.com",
    "umac-64@openssh.com",
    "umac-128@openssh.com",
    "hmac-sha2-256",
    "hmac-sha2-512",
    "hmac-sha1",
]
_EC_KEYS: Final = ["ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"]
_SK_ED: Final = "sk-ssh-ed25519@openssh.com"
_SK_EC: Final = "sk-ecdsa-sha2-nistp256@openssh.com"
_RSA2: Final = ["rsa-sha2-512", "rsa-sha2-256"]
_CERTS: Final = [
    "ssh-ed25519-cert-v01@openssh.com",
    *(f"{name}-cert-v01@openssh.com" for name in _EC_KEYS),
    "sk-ssh-ed25519-cert-v01@openssh.com",
    "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com",
    *(f"{name}-cert-v01@openssh.com" for name in _RSA2),
]

_ALL: Final[dict[str, list[str]]] = {
    "ciphers": ["3des-cbc", "aes128-cbc", "aes192-cbc", "aes256-cbc", *_CTR, *_GCM, _CHACHA],
    "macs": [
        "hmac-sha1",
        "hmac-sha1-96",
        "hmac-sha2-256",
        "hmac-sha2-512",
        "hmac-md5",
        "hmac-md5-96",
        "umac-64@openssh.com",
        "umac-128@openssh.com",
        "hmac-sha1-etm@openssh.com",
        "hmac-sha1-96-etm@openssh.com",
        "hmac-sha2-256-etm@openssh.com",
        "hmac-sha2-512-etm@openssh.com",
        "hmac-md5-etm@openssh.com",
        "hmac-md5-96-etm@openssh.com",
        "umac-64-etm@openssh.com",
        "umac-128-etm@openssh.com",
    ],
    "kexalgorithms": [
        "diffie-hellman-group1-sha1",
        "diffie-hellman-group14-sha1",
        "diffie-hellman-group14-sha256",
        "diffie-hellman-group16-sha512",
        "diffie-hellman-group18-sha512",
        "diffie-hellman-group-exchange-sha1",
        _GEX,
        *_ECDH,
        *_CURVE,
        "sntrup761x25519-sha512",
        _SNTRUP,
        _MLKEM,
    ],
}
"""Everything sshd can do, for wildcards (`ssh -Q`)."""
_ALL_KEYS: Final = [
    "ssh-ed25519",
    "ssh-ed25519-cert-v01@openssh.com",
    _SK_ED,
    "sk-ssh-ed25519-cert-v01@openssh.com",
    *_EC_KEYS,
    *(f"{name}-cert-v01@openssh.com" for name in _EC_KEYS),
    _SK_EC,
    "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com",
    "ssh-dss",
    "ssh-dss-cert-v01@openssh.com",
    "ssh-rsa",
    "ssh-rsa-cert-v01@openssh.com",
    "rsa-sha2-256",
    "rsa-sha2-256-cert-v01@openssh.com",
    "rsa-sha2-512",
    "rsa-sha2-512-cert-v01@openssh.com",
]
ALGORITHMS: Final = (
    "ciphers",
    "macs",
    "kexalgorithms",
    "hostkeyalgorithms",
    "pubkeyacceptedalgorithms",
    "hostbasedacceptedalgorithms",
    "casignaturealgorithms",
)
"""Keywords that hold a list of algorithms."""


def plain_defaults(version: Version) -> dict[str, str]:
    """Return the defaults of every keyword that is not a list of algorithms."""
    found = dict(_PLAIN)
    found["permitrootlogin"] = "without-password" if version >= (7, 0) else "yes"
    if version < (6, 8):
        found["usedns"] = "yes"
    if version < (6, 4):
        found["maxstartups"] = "10" if version < (6, 2) else "10:30:100"
    if version < (7, 4):
        found["compression"] = "delayed"
    if version >= (9, 8):
        found["persourcepenalties"] = "yes"
    return found


UNSURE: Final = ("persourcepenalties", "kexalgorithms")
"""Keywords whose default protects in new releases alone: where the release is not known, neither is the default."""


def algorithms(keyword: str, given: str | None, version: Version) -> list[str]:
    """Return an algorithm list with its modifier applied to the version's default.

    Args:
        keyword: one of `ALGORITHMS`.
        given: the value as written; None for the default.
        version: OpenSSH version.
    """
    default = _default_algorithms(keyword, version)
    if given is None:
        return default
    every = _ALL.get(keyword, _ALL_KEYS)
    names = [name for name in given.lstrip("+-^").split(",") if name]
    if given.startswith("-"):
        return [name for name in default if not any(fnmatchcase(name, pattern) for pattern in names)]
    named = _distinct(known for name in names for known in _expand(name, every))
    if given.startswith("+"):
        return _distinct([*default, *named])
    return _distinct([*named, *default]) if given.startswith("^") else named


def parse_version(text: str) -> Version | None:
    """Read `9.2` out of `OpenSSH_9.2p1 Debian-2`, `1:9.2p1-2` or `9.9_p2-r0`."""
    match = re.search(r"(?<![\d.])(\d{1,2})\.(\d{1,2})(?=\D|$)", text)
    return (int(match[1]), int(match[2])) if match else None


def _expand(name: str, every: list[str]) -> list[str]:
    """Expand a wildcard; a plain name stays, known or not (vendors add some)."""
    return [known for known in every if fnmatchcase(known, name)] if set(name) & set("*?") else [name]


def _distinct(names: Iterable[str]) -> list[str]:
    """Drop repetitions, keep the order."""
    return list(dict.fromkeys(names))


def _default_algorithms(keyword: str, version: Version) -> list[str]:
    """Return the default list of a keyword."""
    if keyword == "ciphers":
        return [_CHACHA, *_GCM, *_CTR] if version >= (10, 0) else [_CHACHA, *_CTR, *_GCM]
    if keyword == "macs":
        return list(_MACS)
    if keyword == "kexalgorithms":
        return _default_kex(version)
    plain = ["ssh-ed25519", *_EC_KEYS, _SK_ED, _SK_EC, *_RSA2]
    if keyword == "casignaturealgorithms":
        return plain if version >= (8, 2) else ["ssh-ed25519", *_EC_KEYS, *_RSA2, "ssh-rsa"]
    older = ["ssh-rsa"] if version < (8, 8) else []
    if version < (8, 2):
        plain = [name for name in plain if not name.startswith("sk-")]
    return [*_CERTS, *plain, *older]


def _default_kex(version: Version) -> list[str]:
    """Return the default key exchanges of the server."""
    if version >= (10, 0):
        return [_MLKEM, "sntrup761x25519-sha512", _SNTRUP, *_CURVE, *_ECDH]
    if version >= (9, 9):
        return ["sntrup761x25519-sha512", _SNTRUP, _MLKEM, *_CURVE, *_ECDH, *_DH]
    if version >= (9, 0):
        return [_SNTRUP, *_CURVE, *_ECDH, *_DH]
    older = ["diffie-hellman-group14-sha1"] if version < (8, 2) else []
    oldest = ["diffie-hellman-group-exchange-sha1"] if version < (7, 8) else []
    return [*_CURVE, *_ECDH, *_DH, *oldest, *older]
