"""Bundles: every policy file in force in one text, the same bytes for the same files.

A contract names a bundle by digest, and whoever scans, verifies or audits under it uses exactly these files: no file of
xspm's own installation, no folder nearby. Exceptions are no part of it, because they are approved one by one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from xspm.errors import PolicyError
from xspm.model.digest import Digest, canonical, digest_bytes
from xspm.policy.folder import KINDS, Folder

if TYPE_CHECKING:
    from collections.abc import Sequence

FORMAT: Final = "xspm.bundle/1"
MAX_BUNDLE: Final = 256 << 20
"""Bytes; what xspm ships are some two million."""


class _Folder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    shipped: bool
    files: dict[str, str]


class _Wire(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: str
    policies: list[str]
    folders: list[_Folder]


class Bundle(msgspec.Struct, frozen=True):
    """Policy folders and the policies that are in force."""

    folders: tuple[Folder, ...]
    policies: tuple[str, ...]
    """Names, sorted."""
    digest: Digest


def encode_bundle(folders: Sequence[Folder], policies: Sequence[str]) -> bytes:
    """Return the bundle of some folders that are read.

    Raises:
        PolicyError: a file is not UTF-8.
    """
    return canonical(
        {
            "format": FORMAT,
            "policies": sorted(set(policies)),
            "folders": [
                {"shipped": folder.shipped, "files": {path: _text(folder, path) for path in sorted(_kept(folder))}}
                for folder in folders
                if _kept(folder)
            ],
        }
    )


def _kept(folder: Folder) -> list[str]:
    return [path for path in folder.files if path.partition("/")[0] in KINDS]


def _text(folder: Folder, path: str) -> str:
    try:
        return folder.files[path].decode()
    except UnicodeDecodeError as error:
        raise PolicyError("the text is not UTF-8", file=folder.name(path), hint="save it as UTF-8") from error


def decode_bundle(data: bytes, file: str) -> Bundle:
    """Read a bundle.

    Raises:
        PolicyError: it is none, or not the one way to write it.
    """
    if len(data) > MAX_BUNDLE:
        raise PolicyError(f"larger than the {MAX_BUNDLE} bytes of any bundle", file=file)
    try:
        wire = msgspec.json.decode(data, type=_Wire)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise PolicyError(f"not a policy bundle: {error}", file=file) from error
    if wire.format != FORMAT:
        raise PolicyError(f"a bundle of the format {wire.format!r}, and this is xspm for {FORMAT}", file=file)
    folders = tuple(
        Folder(
            shown="xspm" if one.shipped else "bundle",
            files={path: text.encode() for path, text in one.files.items()},
            shipped=one.shipped,
        )
        for one in wire.folders
    )
    # Read back and written again it must be the same, or one set of policies would have two digests.
    if encode_bundle(folders, wire.policies) != data:
        raise PolicyError("not written as xspm writes a bundle", file=file, hint="xspm policy bundle makes it anew")
    return Bundle(folders, tuple(wire.policies), digest_bytes(data))
