"""New key pairs: the private half for one person alone, the public half to be shown around."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, get_args

from xspm.contract.keys import PublicKey, from_crypto
from xspm.errors import ContractError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey

NewType: TypeAlias = Literal["ed25519", "ecdsa-p256", "ecdsa-p384", "ml-dsa-65"]
NEW_TYPES: Final[tuple[NewType, ...]] = get_args(NewType)

MIN_PASSPHRASE: Final = 12
"""Characters. PKCS#8 as cryptography writes it hashes a passphrase only some thousand times."""
MAX_PASSPHRASE: Final = 1023
"""Bytes that cryptography takes."""


def make_key_pair(path: str, kind: NewType, passphrase: str | None) -> PublicKey:
    """Make a key pair: `path` with the private half, readable by its owner only, and `path`.pub with the public one.

    Args:
        path: where; neither file may exist.
        kind: type of the key.
        passphrase: what the private half is encrypted with, None to leave it open.

    Raises:
        ContractError: the passphrase is too short or too long, or a file exists or cannot be written. Then neither is
        left behind.
    """
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415 - imports cryptography
        BestAvailableEncryption,
        Encoding,
        NoEncryption,
        PrivateFormat,
    )

    lock = NoEncryption() if passphrase is None else BestAvailableEncryption(_secret(passphrase))
    private = _generate(kind)
    key = from_crypto(private.public_key())
    _write(path, private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock), key.pem().encode())
    return key


def _secret(passphrase: str) -> bytes:
    secret = passphrase.encode("utf-8", "surrogateescape")
    if len(passphrase) < MIN_PASSPHRASE:
        raise ContractError(
            f"the passphrase has fewer than {MIN_PASSPHRASE} characters", hint="some words in a row are easy to keep"
        )
    if len(secret) > MAX_PASSPHRASE:
        raise ContractError(f"the passphrase has more than {MAX_PASSPHRASE} bytes")
    return secret


def _generate(kind: NewType) -> Ed25519PrivateKey | EllipticCurvePrivateKey | MLDSA65PrivateKey:
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa  # noqa: PLC0415

    if kind == "ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    if kind == "ml-dsa-65":
        return mldsa.MLDSA65PrivateKey.generate()
    return ec.generate_private_key(ec.SECP256R1() if kind == "ecdsa-p256" else ec.SECP384R1())


def _write(path: str, private: bytes, public: bytes) -> None:
    """Write both files or none."""
    made: list[str] = []
    done = False
    name = path
    try:
        with contextlib.ExitStack() as open_files:
            files = {}
            for name, mode in ((path, 0o600), (f"{path}.pub", 0o644)):
                # O_EXCL takes no file that is there, and no link either.
                descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
                made.append(name)
                files[name] = open_files.enter_context(os.fdopen(descriptor, "wb"))
            os.fchmod(files[path].fileno(), 0o600)
            if os.fstat(files[path].fileno()).st_mode & 0o077:
                raise ContractError("this file system keeps nothing from others", file=path)
            for name, data in ((path, private), (f"{path}.pub", public)):
                files[name].write(data)
                files[name].flush()
                os.fsync(files[name].fileno())
        done = True
    except FileExistsError as error:
        raise ContractError("this file exists, and keys are never overwritten", file=name) from error
    except OSError as error:
        raise ContractError(f"cannot be written: {error.strerror or error}", file=name) from error
    except ValueError as error:
        raise ContractError("this is no name of a file", file=name) from error
    finally:
        for left in () if done else made:
            Path(left).unlink(missing_ok=True)
