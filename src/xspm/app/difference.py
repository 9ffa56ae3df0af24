"""What a new policy bundle changes: for people before they sign it, and for readers who decide who had to.

A reader of a contract decides on the two bundles alone, and so comes to the same answer as every other; whatever keeps
them from being compared counts as a weakening. Nothing comes from a cache: what changed is compiled from its source.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from xspm.app import examples
from xspm.app.policies import DEFAULT_POLICIES
from xspm.app.types import resource_types
from xspm.contract import folder as layout
from xspm.contract.secretfile import read_small
from xspm.errors import ContractError, UsageError, XspmError
from xspm.model.asset import Snapshot, decode_snapshot
from xspm.policy import library
from xspm.policy.bundle import MAX_BUNDLE, Bundle, decode_bundle, encode_bundle
from xspm.policy.difference import judge
from xspm.policy.difference.interface import Change, Difference, difference
from xspm.policy.folder import Folder, read_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from xspm.contract import terms
    from xspm.model.check import Check, Example

SHIPPED: Final = "shipped"
_MAX_SNAPSHOT: Final = 1 << 30


def compare(old: Bundle, new: Bundle, evidence: Sequence[Snapshot] = ()) -> Difference:
    """Compare two bundles.

    Args:
        old: the policies in force.
        new: those to come.
        evidence: recorded snapshots; they can only show more weakenings.

    Raises:
        PolicyError, CelError, DocumentError: something that counts is not sound.
    """
    return judge.compare(old, new, resource_types(), _evidence, evidence)


def _evidence(check: Check, example: Example) -> Snapshot | None:
    """An example as evidence; None where it is none, for it shows nothing then."""
    try:
        return examples.evidence(check, example, example.content)
    except XspmError:
        return None
    except Exception:  # noqa: BLE001 - the connector boundary: an example is a stranger's text
        return None


def describe(folder: Path, old: terms.Bundle | None, new: terms.Bundle | None) -> Difference:
    """Compare the bundles that two versions of a contract name, as far as its folder has them.

    Raises:
        ContractError, PolicyError, CelError, DocumentError: one is missing or not sound.
    """
    if new is None or (old is not None and old.digest == new.digest):
        gone = [] if new is not None or old is None else [Change("removed", "*", "no policies are in force any more")]
        return difference(gone, 0)
    if old is None:
        return difference([Change("added", "*", "policies come into force for the first time")], 0)
    return compare(_named(folder, old), _named(folder, new))


def weakens(folder: Path) -> Callable[[terms.Terms, terms.Terms], bool]:
    """Return the judge of whether one version of a contract has weaker policies than another; in doubt it has."""

    def judged(old: terms.Terms, new: terms.Terms) -> bool:
        try:
            return describe(folder, old.policies, new.policies).weaker
        except XspmError:
            return True

    return judged


def _named(folder: Path, bundle: terms.Bundle) -> Bundle:
    data = layout.read_bundle(folder, bundle.digest, MAX_BUNDLE)
    path = str(layout.bundle_path(folder, bundle.digest))
    if data is None:
        raise ContractError(f"the policy bundle {bundle.digest} is not here", file=path)
    return decode_bundle(data, path)


def side(text: str) -> Bundle:
    """Read one side of a comparison: a bundle file, a policy folder or file beside what xspm ships, or `shipped`.

    Raises:
        PolicyError, ContractError: it is none.
    """
    path = Path(text)
    if text != SHIPPED and path.suffix == ".json" and not os.path.isdir(text):  # noqa: PTH112 - Path.is_dir raises for a long name
        return decode_bundle(read_small(text, MAX_BUNDLE).data, text)
    shipped = msgspec.structs.replace(read_folder(Path(library.CONTENT), shipped=True), shown="xspm")
    if text == SHIPPED:
        return _bundled([shipped], DEFAULT_POLICIES)
    own = read_folder(path)
    names = [name.removesuffix(".yaml") for name in own.of("policies")]
    return _bundled([shipped, own], names or DEFAULT_POLICIES)


def _bundled(folders: Sequence[Folder], policies: Sequence[str]) -> Bundle:
    return decode_bundle(encode_bundle(folders, policies), "the bundle")


def recorded(paths: Sequence[str]) -> list[Snapshot]:
    """Read recorded snapshots: files, results with a `snapshot.json` for each asset, or folders of such files.

    Raises:
        UsageError: one cannot be read or is none.
    """
    found: list[Snapshot] = []
    for text in paths:
        files = _files(Path(text)) if os.path.isdir(text) else [Path(text)]  # noqa: PTH112 - as above
        if not files:
            raise UsageError(f"{text}: no recorded snapshots (*.json) here")
        found += [_snapshot(str(file)) for file in files]
    return found


def _files(folder: Path) -> list[Path]:
    return sorted(folder.rglob("snapshot.json")) or sorted(folder.glob("*.json"))


def _snapshot(file: str) -> Snapshot:
    try:
        return decode_snapshot(read_small(file, _MAX_SNAPSHOT).data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"{file}: not a recorded snapshot: {error}") from error
    except ContractError as error:
        raise UsageError(str(error)) from error
