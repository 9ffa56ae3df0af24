"""Which policy folders are in reach of where the user stands, and the library they make.

What xspm ships comes first, then the nearest `.xspm/` found from the working folder upward, then every `--policy`
that is a path. A `--policy` that is no path is the name of a policy to use.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

import msgspec

from xspm.app.types import asset_types, resource_types
from xspm.errors import PolicyError, together
from xspm.model.check import Policy, PolicyException
from xspm.policy import library, loading
from xspm.policy.cache import Cache
from xspm.policy.folder import Folder, is_folder, read_file, read_folder, shipped_folder
from xspm.policy.library import Built, Library
from xspm.policy.plan import policies_in_force

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

FOLDER: Final = ".xspm"

DEFAULT_POLICIES: Final = ("linux-hardening", "kubernetes-hardening")
"""In force when the user names none and keeps none."""


class InForce(msgspec.Struct, frozen=True):
    """What a scan works with."""

    library: Library
    policies: tuple[Policy, ...]
    exceptions: tuple[PolicyException, ...]


def in_force(chosen: Sequence[str] = (), exceptions: Path | str | None = None, *, cached: bool = True) -> InForce:
    """Load everything in reach and pick the policies.

    Args:
        chosen: paths of policy folders or files, or names of policies.
        exceptions: an exceptions file besides those of the folders.
        cached: whether earlier compilations may be used.

    Raises:
        PolicyError, CelError, DocumentError: a file is not sound, or nothing has such a name.
    """
    folders, names = folders_in_reach(chosen)
    loaded = loading.load(folders, resource_types, default_cache() if cached else None, asset_types)
    declared = loaded.exceptions
    if exceptions is not None:
        declared = (*declared, *_exceptions_file(exceptions, loaded))
    return InForce(library=loaded, policies=policies_in_force(loaded, names, DEFAULT_POLICIES), exceptions=declared)


def built(chosen: Sequence[str] = ()) -> Built:
    """Parse and compile everything in reach from source, with examples and places, gathering every error."""
    from xspm.policy.building import build  # noqa: PLC0415 - a scan takes what is compiled from the cache

    return build(folders_in_reach(chosen)[0], resource_types, assets=asset_types)


def listed(chosen: Sequence[str] = ()) -> Built:
    """The same for commands that only show it: from the cache where nothing changed; what is wrong is in `errors`."""
    return loading.listed(folders_in_reach(chosen)[0], resource_types, default_cache(), asset_types)


def folders_in_reach(chosen: Sequence[str]) -> tuple[list[Folder], list[str]]:
    """The policy folders, and those of `chosen` that are names of policies.

    Raises:
        PolicyError: a folder cannot be read.
    """
    folders = [shipped_folder(library.CONTENT)]
    near = _nearest()
    seen = {os.path.realpath(library.CONTENT)}
    if near is not None:
        folders.append(read_folder(near))
        seen.add(os.path.realpath(near))
    names: list[str] = []
    if not chosen:
        return [_shown(folder) for folder in folders], names
    from pathlib import Path  # noqa: PLC0415 - a start without folders of the user's needs none, and it is slow to import

    for one in chosen:
        if not (os.path.lexists(one) or os.sep in one or one.endswith((".yaml", ".yml"))):
            names.append(one)
            continue
        path = Path(one)
        alone, real = not is_folder(path), os.path.realpath(path)
        if alone:
            names.append(path.stem)
            if any(real.startswith(folder + os.sep) for folder in seen):
                continue  # it came with its folder
        if real not in seen:
            seen.add(real)
            folders.append(msgspec.structs.replace(read_folder(path), given=one))
    return [_shown(folder) for folder in folders], names


def default_cache() -> Cache | None:
    """The user's cache folder (XDG base directory specification); None when there is no home to keep one in."""
    base = os.environ.get("XDG_CACHE_HOME") or ""
    if not base.startswith("/"):
        home = os.environ.get("HOME") or ""
        base = f"{home}/.cache" if home.startswith("/") else ""
    return Cache(f"{base}/xspm") if base else None


def _nearest() -> Path | None:
    try:
        here = os.getcwd()
    except OSError as error:
        raise PolicyError(f"the working folder cannot be read: {error.strerror}") from error
    home, folder = os.environ.get("HOME"), here
    while True:
        # What may not be looked at is not in reach: os.path.isdir says no where Path.is_dir would raise.
        if folder != home and os.path.isdir(f"{folder}/{FOLDER}"):
            from pathlib import Path  # noqa: PLC0415

            return Path(folder, FOLDER)
        above = os.path.dirname(folder)
        if above == folder:
            return None
        folder = above


def _shown(folder: Folder) -> Folder:
    """Name a folder as short as a person would."""
    if folder.shipped:
        return folder
    try:
        from pathlib import Path  # noqa: PLC0415

        shown = Path(os.path.realpath(folder.shown)).relative_to(Path.cwd())
    except ValueError:
        return folder
    return msgspec.structs.replace(folder, shown=str(shown) if str(shown) != "." else "")


def _exceptions_file(path: Path | str, known: Library) -> tuple[PolicyException, ...]:
    from pathlib import Path  # noqa: PLC0415 - most scans have none

    from xspm.policy.building import show_lines  # noqa: PLC0415
    from xspm.policy.exceptions import read_exceptions, unfit  # noqa: PLC0415
    from xspm.syntax.yaml import load_one  # noqa: PLC0415

    data = read_file(Path(path))
    try:
        read = read_exceptions(load_one(data, file=str(path)))
        if idle := unfit(read, known.checks):
            raise together(idle)
    except PolicyError as error:
        show_lines([error, *error.others], {str(path): data})
        raise
    return read
