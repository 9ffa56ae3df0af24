"""Keys of people and machines: make them, look at them, and hear the passphrase that opens them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xspm.contract.keyfile import NEW_TYPES, make_key_pair
from xspm.contract.keys import MAX_KEY_TEXT, read_public_key
from xspm.contract.secretfile import demand_secret, read_small
from xspm.contract.signers import KINDS, kind_of, open_signer
from xspm.contract.signers.file import MAX_FILE
from xspm.errors import ContractError

if TYPE_CHECKING:
    from xspm.contract.keys import PublicKey
    from xspm.contract.signers import Passphrase

__all__ = ["KINDS", "NEW_TYPES", "make_key_pair", "open_signer", "passphrase_in", "show"]

_MAX_PASSPHRASE_FILE = 4096


def show(where: str, passphrase: Passphrase) -> PublicKey:
    """Return the public key in a file, or the one of a signer.

    Raises:
        ContractError: there is none, or it is of a type that is not accepted.
    """
    if not kind_of(where):
        data = read_small(where, MAX_FILE).data
        if b"PRIVATE KEY" not in data:
            return _public(data, where)
    return open_signer(where, passphrase=passphrase).key


def _public(data: bytes, file: str) -> PublicKey:
    try:
        return read_public_key(data[: MAX_KEY_TEXT + 1].decode())
    except UnicodeDecodeError as error:
        raise ContractError("this is no public key", file=file) from error
    except ContractError as error:
        raise ContractError(error.message, file=file, hint=error.hint) from error


def passphrase_in(path: str) -> str:
    """Return the first line of a file that only its owner may read.

    Raises:
        ContractError: it cannot be read, others may read it, or its first line is empty.
    """
    read = read_small(path, _MAX_PASSPHRASE_FILE)
    demand_secret(read, "passphrase")
    first = read.data.partition(b"\n")[0].removesuffix(b"\r").decode("utf-8", "surrogateescape")
    if not first:
        raise ContractError("the first line, which should be a passphrase, is empty", file=path)
    return first
