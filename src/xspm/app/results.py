"""Results as they lie on disk: found below what the user names, and read with limits, believed in nothing."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from xspm.app.attest import EVIDENCE, STATEMENTS
from xspm.contract.folder import read_envelope
from xspm.errors import ContractError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from xspm.contract.envelope import Envelope

MAX_RESULTS: Final = 10_000
_MAX_DEPTH: Final = 20
_MAX_ENTRIES: Final = 1_000_000


def find(named: Sequence[str]) -> list[Path]:
    """Return the result folders among and below some folders, in their order and then by name.

    A folder that holds any file of a result is one, so that nothing is passed over for lack of a file. Hidden folders
    and those inside of results are looked into; a link to a folder is not, and stands among the results, which `read`
    refuses unless it leads to one.

    Raises:
        UsageError: there is none, or they are too many.
    """
    found: dict[Path, None] = {}
    for one in named:
        if not Path(one).is_dir():
            kind = "no folder" if os.path.lexists(one) else "not there"
            raise UsageError(f"{one} is {kind}", hint="a result is a folder that xspm scan --evidence wrote")
        here = list(_below(Path(one)))
        if not here:
            raise UsageError(f"there is no result in {one}", hint=f"a result is a folder with {EVIDENCE} in it")
        found.update(dict.fromkeys(here))
        if len(found) > MAX_RESULTS:
            raise UsageError(f"more than {MAX_RESULTS} results", hint="verify them in parts")
    return list(found)


def _below(folder: Path) -> Iterator[Path]:
    wanted, seen = {EVIDENCE, *STATEMENTS}, 0
    for parent, folders, files in os.walk(folder, onerror=_refuse):
        seen += len(files) + len(folders)
        if seen > _MAX_ENTRIES:
            raise UsageError(f"more than {_MAX_ENTRIES} files below {folder}", hint="name a smaller folder")
        if wanted.intersection(files) or wanted.intersection(folders):
            yield Path(parent)
        folders.sort()
        yield from (Path(parent, name) for name in folders if Path(parent, name).is_symlink())
        if folders and len(Path(parent).relative_to(folder).parts) >= _MAX_DEPTH:
            raise UsageError(f"{parent} has folders more than {_MAX_DEPTH} deep", hint="name a smaller folder")


def _refuse(error: OSError) -> None:
    raise UsageError(f"{error.filename} cannot be read: {error.strerror}") from error


def read(folder: Path) -> dict[str, Envelope]:
    """Read the statements of a result by file name.

    Raises:
        ContractError: one is missing, or is no envelope.
    """
    if folder.is_symlink() and not any(os.path.lexists(folder / name) for name in (EVIDENCE, *STATEMENTS)):
        raise ContractError("a link to another folder: not looked into", file=str(folder), hint="name that folder too")
    statements = {}
    for name in STATEMENTS:
        if not os.path.lexists(folder / name):
            raise ContractError(f"{name} is missing", file=str(folder))
        statements[name] = read_envelope(folder / name)
    return statements
