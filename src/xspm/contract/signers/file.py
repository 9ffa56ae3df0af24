"""Private keys in files: PKCS#8 or SEC 1 PEM, and OpenSSH's own form, encrypted or not."""

from __future__ import annotations

import importlib.util
import re
from typing import TYPE_CHECKING, Final

from xspm.contract.keys import from_crypto
from xspm.contract.secretfile import demand_secret, read_small
from xspm.contract.signers.interface import limited
from xspm.errors import ContractError

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
    from securesystemslib.signer import CryptoSigner

    from xspm.contract.keys import PublicKey
    from xspm.contract.signers.interface import Passphrase, Signer

MAX_FILE: Final = 65_536
_LABEL: Final = re.compile(rb"-----BEGIN ([A-Z0-9 ]{0,40}PRIVATE KEY)-----")
_PUBLIC: Final = re.compile(rb"-----BEGIN [A-Z0-9 ]{0,40}(PUBLIC KEY|CERTIFICATE)-----|\s*(ssh|ecdsa|sk)-[a-z0-9]+")
_SSH: Final = b"OPENSSH PRIVATE KEY"
_FORMS: Final = "xspm key new makes one; PKCS#8 PEM and OpenSSH private keys are read"
_ACCEPTED: Final = "accepted are Ed25519, ECDSA on P-256, P-384 and P-521, and ML-DSA"


class FileSigner:
    """A private key that was read from a file."""

    def __init__(self, key: PublicKey, inner: CryptoSigner) -> None:
        self.key = key
        self._inner = inner

    def sign(self, data: bytes) -> bytes:
        """Return a signature."""
        return bytes.fromhex(self._inner.sign(data).signature)


def open_here(where: str, passphrase: Passphrase) -> Signer:
    """Return the signer in a private key file.

    Raises:
        ContractError: it cannot be read, others may read it, it is locked, or it is of a type that is not accepted.
    """
    read = read_small(where, MAX_FILE)
    label = _label(read.data, where)
    demand_secret(read, "private key")
    private = _load(label, read.data, where, passphrase)
    try:
        key = from_crypto(private.public_key())
    except ContractError as error:
        raise ContractError(error.message, file=where, hint=error.hint) from error
    from securesystemslib.signer import CryptoSigner  # noqa: PLC0415 - imports cryptography

    return FileSigner(key, CryptoSigner(private))


def _label(data: bytes, file: str) -> bytes:
    """Return what the file says it holds."""
    found = _LABEL.search(data)
    if found is None:
        if _PUBLIC.match(data):
            raise ContractError("this is a public key; signing takes the private one", file=file)
        raise ContractError("this is no private key", file=file, hint=_FORMS)
    if found[1] in {b"RSA PRIVATE KEY", b"DSA PRIVATE KEY"}:
        raise ContractError(f"{found[1][:3].decode()} keys are not accepted", file=file, hint=_ACCEPTED)
    return found[1]


def _load(label: bytes, data: bytes, file: str, passphrase: Passphrase) -> PrivateKeyTypes:
    """Read the key; the person is asked for a passphrase only when there is one."""
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415
        load_pem_private_key,
        load_ssh_private_key,
    )

    load: Callable[[bytes, bytes | None], PrivateKeyTypes]
    load = load_ssh_private_key if label == _SSH else load_pem_private_key
    try:
        try:
            return load(data, None)
        except TypeError:
            # So cryptography says that it is encrypted.
            secret = passphrase(f"passphrase of {file}").encode("utf-8", "surrogateescape")
    except UnsupportedAlgorithm as error:
        raise ContractError("this type of private key is not supported", file=file, hint=_ACCEPTED) from error
    except ValueError as error:
        raise ContractError("this private key cannot be read", file=file, hint=_FORMS) from error
    if not secret:
        raise ContractError("this private key is locked, and the passphrase given is empty", file=file)
    try:
        # How often a passphrase is hashed is written in the file, up to hours.
        return limited(lambda: load(data, secret), f"opening {file}")
    except UnsupportedAlgorithm as error:
        if label == _SSH and importlib.util.find_spec("bcrypt") is None:
            raise ContractError(
                "a locked OpenSSH key needs bcrypt, which is not installed", file=file, hint="pip install 'xspm[ssh]'"
            ) from error
        raise ContractError("this way of locking a private key is not supported", file=file) from error
    except ValueError as error:
        raise ContractError("the passphrase does not open this private key", file=file) from error
