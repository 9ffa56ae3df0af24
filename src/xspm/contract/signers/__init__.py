"""Signers: private keys wherever their person keeps them.

`open_signer` takes one text that says where: the path of a private key file, or a kind and an address in it. Keys in a
device or a service never leave it. What a kind needs is imported when it is asked for, so all of this imports without
any extra.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Final, NamedTuple

from xspm.contract.signers.interface import Passphrase, Signer

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["KINDS", "Kind", "Passphrase", "Signer", "kind_of", "open_signer"]


class Kind(NamedTuple):
    """A place where private keys are."""

    module: str
    form: str
    """How to write it."""
    title: str


KINDS: Final[Mapping[str, Kind]] = {
    "": Kind("file", "PATH", "a private key file: PKCS#8 PEM or OpenSSH"),
    "agent": Kind("agent", "agent:[COMMENT|SHA256:FINGERPRINT]", "the ssh-agent"),
    "hsm": Kind("service", "hsm:[KEYID][?label=TOKEN]", "a token by PKCS#11, its library named by PYKCS11LIB"),
    "awskms": Kind("service", "awskms:KEY", "AWS KMS: a key's id, ARN or alias/NAME"),
    "gcpkms": Kind("service", "gcpkms:projects/…/cryptoKeyVersions/N", "Google Cloud KMS"),
    "azurekms": Kind("service", "azurekms://VAULT.vault.azure.net/keys/NAME", "Azure Key Vault"),
    "hv": Kind("service", "hv:NAME", "HashiCorp Vault's transit engine, by VAULT_ADDR and VAULT_TOKEN"),
}
"""By what stands before the colon."""


def kind_of(where: str) -> str:
    """Return the kind of a signer, the empty string for a file; `./agent:x` is a file of that name."""
    kind, colon, _ = where.partition(":")
    return kind if colon and kind in KINDS else ""


def open_signer(where: str, *, passphrase: Passphrase) -> Signer:
    """Return the signer at a place.

    Args:
        where: a path, or a kind and an address as `KINDS` says.
        passphrase: asked only where the key is locked by a passphrase or a PIN.

    Raises:
        ContractError: there is no key, it cannot be used, or it is of a type that is not accepted.
    """
    kind = KINDS[kind_of(where)]
    signer: Signer = importlib.import_module(f"{__name__}.{kind.module}").open_here(where, passphrase)
    return signer
