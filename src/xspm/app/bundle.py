"""Everything in force as one text that a contract can name by its digest."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from xspm.app.policies import DEFAULT_POLICIES, folders_in_reach
from xspm.app.types import asset_types, resource_types
from xspm.model.digest import Digest
from xspm.policy import library
from xspm.policy.building import build
from xspm.policy.bundle import decode_bundle, encode_bundle
from xspm.policy.folder import read_folder
from xspm.policy.plan import policies_in_force
from xspm.report.interface import write_all

if TYPE_CHECKING:
    from collections.abc import Sequence


_SEPARATION = "separation-of-powers"
"""What a contract asks of itself: a bundle is for a contract."""


class Bundled(msgspec.Struct, frozen=True):
    """A bundle that was made."""

    text: bytes
    digest: Digest
    policies: tuple[str, ...]
    """Names of those in force."""
    checks: int
    """How many checks it holds, selected or not."""
    left_out: tuple[str, ...]
    """Exception files in reach: exceptions are approved one by one."""


def bundle(chosen: Sequence[str] = ()) -> Bundled:
    """Compile everything in reach anew and put it into one text.

    Args:
        chosen: paths of policy folders or files, or names of policies, as for a scan.

    Raises:
        PolicyError, CelError, DocumentError: a file is not sound: no bundle is made of it.
    """
    folders, names = folders_in_reach(chosen)
    # What xspm ships is named by a stamp until somebody needs its text.
    read = [
        msgspec.structs.replace(read_folder(Path(library.CONTENT), shipped=True), shown="xspm") if one.stamp else one
        for one in folders
    ]
    made = build(read, resource_types, assets=asset_types)
    library.refuse(made, folders)
    policies = policies_in_force(made.library, names, (*DEFAULT_POLICIES, _SEPARATION))
    text = encode_bundle(read, [policy.name for policy in policies])
    return Bundled(
        text=text,
        digest=decode_bundle(text, "the bundle").digest,
        policies=tuple(sorted(policy.name for policy in policies)),
        checks=len(made.checks),
        left_out=tuple(folder.name("exceptions.yaml") for folder in read if "exceptions.yaml" in folder.files),
    )


def write_bundle(made: Bundled, path: str) -> None:
    """Write a bundle to a file, whole or not at all.

    Raises:
        ReportError: it could not be written.
    """
    write_all({path: made.text.decode()})
