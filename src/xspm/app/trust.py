"""The contract as one reader trusts it: from a digest pinned out of band, never back to what they have seen before.

The digest comes from the reader: a flag, `XSPM_CONTRACT_ROOT`, or the file `contract-root` in their configuration
folder. It is never taken from the contract's folder, which somebody else may have written. The highest version seen is
remembered in the reader's state folder, so that an older one, however well signed, is refused.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from xspm.contract import folder as layout
from xspm.contract.chain import Accepted, follow
from xspm.contract.secretfile import read_small
from xspm.errors import ContractError
from xspm.model.digest import Digest

if TYPE_CHECKING:
    from collections.abc import Callable

    from xspm.contract.terms import Terms

ROOT_VARIABLE: Final = "XSPM_CONTRACT_ROOT"
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")


class Seen(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The highest version of a contract that this reader has accepted."""

    version: int
    digest: Digest


class Trusted(msgspec.Struct, frozen=True):
    """A contract that verified."""

    folder: Path
    root: Digest
    accepted: tuple[Accepted, ...]
    """From the pinned version to the one in force."""

    @property
    def terms(self) -> Terms:
        """The version in force."""
        return self.accepted[-1].link.terms

    @property
    def digest(self) -> Digest:
        """Digest of the version in force."""
        return self.accepted[-1].link.digest

    @property
    def versions(self) -> tuple[Digest, ...]:
        """Digests of every version that was followed."""
        return tuple(one.link.digest for one in self.accepted)


def pinned_root(given: str | None) -> Digest:
    """Return the digest that the reader trusts: `given`, else from the environment, else from their configuration.

    Raises:
        ContractError: there is none, or it is no digest.
    """
    path = user_folder("XDG_CONFIG_HOME", ".config") / "contract-root"
    if given is not None:
        text, where = given, "--root"
        if not _DIGEST.fullmatch(given) and Path(given).exists():
            text, where = _first_line(Path(given)), given
    elif os.environ.get(ROOT_VARIABLE):
        text, where = os.environ[ROOT_VARIABLE], ROOT_VARIABLE
    elif path.exists():
        text, where = _first_line(path), str(path)
    else:
        raise ContractError(
            "which contract do you trust? its root digest is pinned nowhere",
            hint=f"--root sha256:…, or {ROOT_VARIABLE}, or the file {path}; get it from somebody you trust",
        )
    if not _DIGEST.fullmatch(text):
        raise ContractError(f"{text[:80]!r} is no digest of a contract", file=where, hint="sha256: and 64 hex digits")
    return Digest(text)


def _first_line(path: Path) -> str:
    return read_small(str(path), 4096).data.partition(b"\n")[0].decode("utf-8", "replace").strip()


def trust(
    folder: Path, root: Digest, now: str | None, *, weakens: Callable[[Terms, Terms], bool], remember: bool = True
) -> Trusted:
    """Read and verify the contract in a folder.

    Args:
        folder: the contract's folder.
        root: the pinned digest.
        now: RFC 3339, UTC; None is for who may see a version that does not hold any more.
        weakens: whether the policies of a version are weaker than those of the one before.
        remember: whether the version in force is written down as seen.

    Raises:
        ContractError: it does not verify, or is older than what was seen before.
    """
    accepted = follow(layout.read_versions(folder), root, now, weakens)
    found = Trusted(folder, root, accepted)
    path = user_folder("XDG_STATE_HOME", ".local/state") / "contracts" / f"{root.replace(':', '-')}.json"
    seen = _seen(path)
    if seen is not None:
        _refuse_older(found, seen)
    if remember and (seen is None or seen.version < found.terms.version):
        layout.write(path, msgspec.json.encode(Seen(found.terms.version, found.digest)) + b"\n", again=True)
    return found


def open_contract(folder: str, root: str | None, now: str) -> Trusted:
    """Read and verify the contract in a folder, from the digest that the reader pinned.

    Args:
        folder: the contract's folder.
        root: the digest, or a file with it, as given by a flag.
        now: RFC 3339, UTC.

    Raises:
        ContractError: nothing is pinned, the contract does not verify, or it is older than what was seen before.
    """
    return trust(Path(folder), pinned_root(root), now, weakens=_judge(Path(folder)))


def _judge(folder: Path) -> Callable[[Terms, Terms], bool]:
    """Return the judge of a contract in a folder, whose code is read only once it is asked."""

    def weakens(old: Terms, new: Terms) -> bool:
        from xspm.app import difference  # noqa: PLC0415 - compiles policies, which few versions change

        return difference.weakens(folder)(old, new)

    return weakens


def _refuse_older(found: Trusted, seen: Seen) -> None:
    """Refuse a chain that ends before the version seen, or has another in its place."""
    if found.terms.version < seen.version:
        raise ContractError(
            f"this contract ends with version {found.terms.version}, and version {seen.version} was in force before:"
            " somebody hands you an old one",
            file=str(found.folder),
        )
    same = next((one for one in found.accepted if one.link.terms.version == seen.version), None)
    if same is not None and same.link.digest != seen.digest:
        raise ContractError(
            f"version {seen.version} is {same.link.digest} here and was {seen.digest} before: there are two histories",
            file=same.link.file,
        )


def _seen(path: Path) -> Seen | None:
    if not os.path.lexists(path):
        return None
    try:
        return msgspec.json.decode(read_small(str(path), 4096).data, type=Seen)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ContractError(
            "what was remembered of the contract cannot be read",
            file=str(path),
            hint="removing it forgets it",
        ) from error


def user_folder(variable: str, below_home: str) -> Path:
    """A folder of the XDG base directory specification."""
    base = os.environ.get(variable) or ""
    if not base.startswith("/"):
        return Path.home() / below_home / "xspm"
    return Path(base, "xspm")
