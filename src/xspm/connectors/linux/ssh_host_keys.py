"""The host keys of the OpenSSH server: algorithm, size, fingerprint, and who may read them."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from typing import TYPE_CHECKING, Any, ClassVar

from xspm.connectors.linux.configuration import lines
from xspm.connectors.linux.records import fill, octal, resource
from xspm.connectors.linux.sshd_defaults import HOST_KEYS
from xspm.model.schema import ResourceType
from xspm.model.unknown import Maybe, Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xspm.connectors.linux.transport import Source, Stat
    from xspm.model.asset import Problem, Resource


class SshHostKey(ResourceType, frozen=True, kw_only=True):
    """A host key of the OpenSSH server."""

    TYPE: ClassVar[str] = "linux.ssh_host_key"

    path: str
    """Private key file."""
    algorithm: Maybe[str | None]
    """`rsa`, `ecdsa`, `ed25519`, `dsa`, `sk-…`; null when there is no public half to tell."""
    bits: Maybe[int | None]
    """Key size; null when not told."""
    fingerprint: Maybe[str | None]
    """`SHA256:…` of the public key, as ssh-keygen prints it."""
    exists: Maybe[bool]
    """The private key file is there."""
    mode: Maybe[str | None]
    """Of the private key, four octal digits; null when it does not exist."""
    uid: Maybe[int | None]
    """Owner of the private key; null when it does not exist."""
    gid: Maybe[int | None]
    """Group of the private key; null when it does not exist."""
    group: Maybe[str | None]
    """Name of that group (`root`, `ssh_keys`); null when it has none."""
    world_access: Maybe[bool]
    """Others may read or write the private key; false when it does not exist."""
    group_access: Maybe[bool]
    """The group may read or write the private key; false when it does not exist."""


def host_keys(source: Source, configured: Maybe[list[str]], *, defaulted: bool) -> Iterator[Resource | Problem]:
    """Look at each host key that is configured, and at the usual ones that exist."""
    files = configured if isinstance(configured, list) else list(HOST_KEYS)
    usual = defaulted or not isinstance(configured, list)
    groups = _group_names(source)
    for path in dict.fromkeys(files):
        found = source.stat(path, follow=True)
        if usual and found is None:
            continue
        yield resource(_host_key(source, path, found, groups), path)


def _host_key(source: Source, path: str, found: Maybe[Stat | None], groups: Maybe[dict[int, str]]) -> SshHostKey:
    algorithm, bits, fingerprint = public_key(source.text(f"{path}.pub"))
    rest: dict[str, Any] = {"path": path, "algorithm": algorithm, "bits": bits, "fingerprint": fingerprint}
    if isinstance(found, Unknown):
        return fill(SshHostKey, found, rest)
    if found is None:
        nothing = {"exists": False, "world_access": False, "group_access": False}
        return fill(SshHostKey, None, {**rest, **nothing})
    return SshHostKey(
        **rest,
        exists=True,
        mode=octal(found.mode),
        uid=found.uid,
        gid=found.gid,
        group=groups if isinstance(groups, Unknown) else groups.get(found.gid),
        world_access=bool(found.mode & 0o006),
        group_access=bool(found.mode & 0o060),
    )


def public_key(text: Maybe[str | None]) -> tuple[Maybe[str | None], Maybe[int | None], Maybe[str | None]]:
    """Return algorithm, size and fingerprint of a public key file."""
    if isinstance(text, Unknown):
        return text, text, text
    words = (text or "").split()
    if len(words) < 2:
        return None, None, None
    try:
        blob = base64.b64decode(words[1], validate=True)
    except (binascii.Error, ValueError):
        return None, None, None
    printed = "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
    parts = _parts(blob)
    name = parts[0].decode("ascii", "replace") if parts else ""
    short = name.removeprefix("ssh-").removesuffix("@openssh.com")
    if name.startswith("ecdsa-sha2-nistp"):
        return "ecdsa", int(re.sub(r"\D", "", name.rpartition("p")[2]) or 0), printed
    if name == "ssh-rsa" and len(parts) > 2:
        return "rsa", int.from_bytes(parts[2], "big").bit_length(), printed
    if name == "ssh-dss" and len(parts) > 1:
        return "dsa", int.from_bytes(parts[1], "big").bit_length(), printed
    return short or None, 256 if "ed25519" in name else None, printed


def _parts(blob: bytes) -> list[bytes]:
    """Split a public key blob into its length-prefixed parts (RFC 4253 section 6.6)."""
    parts: list[bytes] = []
    position = 0
    while position + 4 <= len(blob):
        size = int.from_bytes(blob[position : position + 4], "big")
        parts.append(blob[position + 4 : position + 4 + size])
        position += 4 + size
    return parts


def _group_names(source: Source) -> Maybe[dict[int, str]]:
    """Read names of groups by id."""
    text = source.text("/etc/group")
    if isinstance(text, Unknown):
        return text
    rows = (line.text.split(":") for line in lines(text or ""))
    return {int(row[2]): row[0] for row in rows if len(row) > 2 and re.fullmatch(r"\d{1,10}", row[2])}
