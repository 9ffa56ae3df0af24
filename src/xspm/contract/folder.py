"""The folder that a contract lives in, which anybody may hand on: nothing in it is trusted for being there.

    contract.yaml             what people write and read
    keys/*.pub                public keys that it names
    proposed/0002.dsse.json   versions that gather signatures
    versions/0001.dsse.json   versions that took effect
    bundles/sha256-….json     policy bundles, named by their digest
    exceptions/*.dsse.json    exceptions, asked for or approved
    changes/*.dsse.json       changes of critical assets, asked for or approved

Readers believe signatures and digests alone. Files are written whole or not at all, and a version or a bundle that is
there is never written over. Signatures are added to a file under a lock, so that none is lost where several people sign
in one folder at once.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from xspm.contract.chain import MAX_VERSIONS, Link, read_link
from xspm.contract.envelope import MAX_ENVELOPE, Envelope, decode_envelope, merge
from xspm.contract.secretfile import read_small
from xspm.errors import ContractError
from xspm.model.digest import Digest, digest_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TEXT: Final = "contract.yaml"
SUFFIX: Final = ".dsse.json"
MAX_FILES: Final = 100_000
LOCK_PATIENCE: Final = 10.0
"""Seconds to wait for somebody who writes in the same folder, which takes them no time."""
_PAUSE: Final = 0.02

Kind: TypeAlias = Literal["versions", "proposed", "exceptions", "changes"]


def version_path(folder: Path, kind: Literal["versions", "proposed"], version: int) -> Path:
    """Where a version is kept."""
    return folder / kind / f"{version:04}{SUFFIX}"


def bundle_path(folder: Path, digest: Digest) -> Path:
    """Where a policy bundle is kept."""
    return folder / "bundles" / f"{digest.replace(':', '-')}.json"


def read_envelope(path: Path) -> Envelope:
    """Read one envelope.

    Raises:
        ContractError: there is none.
    """
    return decode_envelope(read_small(str(path), MAX_ENVELOPE).data, str(path))


def read_versions(folder: Path) -> list[Link]:
    """Read every version that is said to have taken effect.

    Raises:
        ContractError: there is none, or one cannot be read.
    """
    links = [read_link(envelope, str(path)) for path, envelope in read_envelopes(folder, "versions", MAX_VERSIONS)]
    if not links:
        raise ContractError(
            "there is no accepted version of a contract here",
            file=str(folder),
            hint="xspm contract init --help",
        )
    return links


def read_envelopes(folder: Path, kind: Kind, most: int = MAX_FILES) -> Iterator[tuple[Path, Envelope]]:
    """Read every envelope of a kind, by its path, in the order of their names.

    Raises:
        ContractError: one cannot be read, or there are more than `most`.
    """
    for path in envelope_paths(folder, kind, most):
        yield path, read_envelope(path)


def envelope_paths(folder: Path, kind: Kind, most: int = MAX_FILES) -> list[Path]:
    """The files of a kind, in the order of their names; what is in them is not looked at.

    Raises:
        ContractError: the folder cannot be read, or there are more than `most`.
    """
    within = folder / kind
    try:
        paths = sorted(path for path in within.iterdir() if path.name.endswith(SUFFIX))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise ContractError(f"cannot be read: {error.strerror}", file=str(within)) from error
    if len(paths) > most:
        raise ContractError(f"{len(paths)} files are more than {most}", file=str(within))
    return paths


def read_bundle(folder: Path, digest: Digest, limit: int) -> bytes | None:
    """Return the policy bundle of a digest; None where the folder has none.

    Raises:
        ContractError: the file is not what its name says.
    """
    path = bundle_path(folder, digest)
    if not os.path.lexists(path):
        return None
    data = read_small(str(path), limit).data
    if digest_bytes(data) != digest:
        raise ContractError(f"this is not the bundle {digest}: it was changed", file=str(path))
    return data


def write(path: Path, data: bytes, *, again: bool = False) -> None:
    """Write a file whole, making its folder.

    Args:
        path: where.
        data: what.
        again: whether a file that is there may be replaced.

    Raises:
        ContractError: it is there already and says something else, or it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
        draft = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            draft.chmod(0o644)
            if again:
                draft.replace(path)
            else:
                _link(draft, path, data)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise ContractError(f"cannot be written: {error.strerror or error}", file=str(path)) from error


def add_signatures(path: Path, envelope: Envelope, check: Callable[[Envelope], object]) -> Envelope:
    """Write an envelope together with the signatures that came into its file meanwhile.

    Args:
        path: where.
        envelope: the text with a new signature, which took its person some time.
        check: raises where a signature that is there by now is not good.

    Returns:
        What was written.

    Raises:
        ContractError: what is there says something else, or it cannot be written.
    """
    with locked(path.parent):
        if os.path.lexists(path):
            beside = read_envelope(path)
            check(beside)
            envelope = merge({"what was signed": envelope, str(path): beside})
        write(path, envelope.encode(), again=True)
    return envelope


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Be the only one who reads and then writes in a folder, which is made; the lock ends with its process.

    Raises:
        ContractError: somebody else holds it for `LOCK_PATIENCE` seconds, or there can be none.
    """
    end = time.monotonic() + LOCK_PATIENCE
    with contextlib.ExitStack() as held:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            held.callback(os.close, descriptor)
            while not _try_lock(descriptor):
                if time.monotonic() >= end:
                    raise ContractError(
                        f"somebody else has been writing here for {LOCK_PATIENCE:g} s", file=str(folder)
                    )
                time.sleep(_PAUSE)
        except OSError as error:
            raise ContractError(f"cannot be written: {error.strerror or error}", file=str(folder)) from error
        yield


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _link(draft: Path, path: Path, data: bytes) -> None:
    """Give a finished file its name, unless the name is taken."""
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        if read_small(str(path), max(len(data), 1)).data != data:
            raise ContractError("this is there already, and says something else", file=str(path)) from None
