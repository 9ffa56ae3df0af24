"""Keys that stay in a device or a service: PKCS#11 tokens, cloud key management, Vault. securesystemslib talks to them.

A service names its public key itself. The key is read the way every other is and gets our id, whatever id the library
gives it; the scheme that the service would sign by must be the one that belongs to such a key. Who may use the key is
settled by what the service's own tools use: environment variables, profiles, roles.
"""

from __future__ import annotations

import importlib
import logging
import os
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from xspm.contract.keys import from_crypto
from xspm.contract.signers.interface import checked, limited
from xspm.errors import ContractError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
    from securesystemslib.signer import Signer as TheirSigner
    from securesystemslib.signer import SSlibKey

    from xspm.contract.keys import PublicKey
    from xspm.contract.signers.interface import Passphrase, Signer

_LONGEST: Final = 300
"""Characters of what a service says that are passed on."""

_PINS: Final[Mapping[str, str]] = {
    "PinIncorrect": "the PIN is wrong",
    "PinInvalid": "the PIN has characters that the token does not take",
    "PinLenRange": "the PIN is too short or too long for the token",
    "PinExpired": "the PIN has expired",
    "PinLocked": "the PIN is locked: too many wrong ones were tried",
}
"""What a token says of a PIN, by the name of the exception, which says nothing else."""

_QUIET: Final = logging.NullHandler()

_Answer = TypeVar("_Answer")


class _Service(NamedTuple):
    """How to use one service."""

    title: str
    extra: str
    signer: str
    """Its class in securesystemslib.signer."""
    needs: tuple[str, ...]
    """Modules that must be installed."""
    failures: tuple[str, ...]
    """What they raise, as `module:class`."""
    address: re.Pattern[str]
    """Its groups are what the class's import_ takes; `version`, if any, is what the newest key's URI must end with."""
    hint: str


_SERVICES: Final[Mapping[str, _Service]] = {
    "hsm": _Service(
        "the PKCS#11 token",
        "hsm",
        "HSMSigner",
        ("pkcs11",),
        ("builtins:RuntimeError",),
        re.compile(r"(?P<number>\d{0,9})(?:\?label=(?P<label>.+))?"),
        "write hsm:[KEYID][?label=TOKEN]; the key is ECDSA on P-256 or P-384, and PYKCS11LIB names the library",
    ),
    "awskms": _Service(
        "AWS KMS",
        "aws-kms",
        "AWSSigner",
        ("boto3", "botocore"),
        ("botocore.exceptions:BotoCoreError", "botocore.exceptions:ClientError", "boto3.exceptions:Boto3Error"),
        re.compile(r"(?P<key>[A-Za-z0-9:/_-]+)"),
        "write awskms:KEY-ID, awskms:alias/NAME or awskms:arn:…; the key is ECC_NIST_P256 or P384, for SIGN_VERIFY",
    ),
    "gcpkms": _Service(
        "Google Cloud KMS",
        "gcp-kms",
        "GCPSigner",
        ("google.cloud.kms",),
        ("google.api_core.exceptions:GoogleAPIError", "google.auth.exceptions:GoogleAuthError"),
        re.compile(
            r"(?P<key>projects/[^/\s]+/locations/[^/\s]+/keyRings/[^/\s]+/cryptoKeys/[^/\s]+/cryptoKeyVersions/\d+)"
        ),
        "write gcpkms:projects/P/locations/L/keyRings/R/cryptoKeys/K/cryptoKeyVersions/N;"
        " the key is EC on P-256 or P-384, or ML-DSA",
    ),
    "azurekms": _Service(
        "Azure Key Vault",
        "azure-kms",
        "AzureSigner",
        ("azure.identity", "azure.keyvault.keys"),
        ("azure.core.exceptions:AzureError", "securesystemslib.signer._azure_signer:UnsupportedKeyType"),
        re.compile(
            r"//(?P<vault>[A-Za-z0-9-]{3,24})\.vault\.azure\.net/keys/(?P<name>[A-Za-z0-9-]{1,127})"
            r"(?:/(?P<version>[0-9a-f]{1,64}))?"
        ),
        "write azurekms://VAULT.vault.azure.net/keys/NAME; the key is EC on P-256, P-384 or P-521",
    ),
    "hv": _Service(
        "Vault",
        "vault",
        "VaultSigner",
        ("hvac",),
        ("hvac.exceptions:VaultError", "requests.exceptions:RequestException"),
        re.compile(r"(?P<name>[A-Za-z0-9_.-]{1,128})(?:/(?P<version>\d{1,9}))?"),
        "write hv:NAME; the key is of the type ed25519; VAULT_ADDR and VAULT_TOKEN say where and who",
    ),
}


class _PinWantedError(Exception):
    """A token asks for its PIN, in a thread that must not talk to a person."""


class _Pin:
    """The PIN of a token, asked for when it is wanted, and forgotten when it was wrong."""

    def __init__(self, where: str, passphrase: Passphrase) -> None:
        self._where = where
        self._passphrase = passphrase
        self._known: str | None = None

    def __call__(self, _name: str) -> str:
        """Return it to the library."""
        if self._known is None:
            raise _PinWantedError
        return self._known

    def ask(self) -> None:
        """Ask the person."""
        self._known = self._passphrase(f"PIN of {self._where}")

    def forget(self) -> None:
        """Do not try it again: a few wrong ones lock a token for good."""
        self._known = None


class _Access:
    """One service, with its SDK found."""

    def __init__(self, where: str, service: _Service, pin: _Pin) -> None:
        from securesystemslib.exceptions import Error, UnsupportedLibraryError  # noqa: PLC0415

        self.where = where
        self.service = service
        self.pin = pin
        self.missing: type[Exception] = UnsupportedLibraryError
        self.failures: tuple[type[Exception], ...] = (
            Error,
            ValueError,
            LookupError,
            TypeError,
            OSError,
            *_failures(service),
        )
        # Else there are lines on standard error beside our own one: securesystemslib brings a handler that prints, and
        # Python prints what nobody handles.
        for name in ("securesystemslib", "azure", "google", "msal", "hvac"):
            logging.getLogger(name).handlers[:] = [_QUIET]

    def call(self, work: Callable[[], _Answer]) -> _Answer:
        """Ask the service.

        Raises:
            ContractError: it refuses, cannot be reached, or does not answer in time.
        """
        try:
            try:
                return limited(work, self.service.title)
            except _PinWantedError:
                self.pin.ask()
                return limited(work, self.service.title)
        except ContractError:
            raise
        except self.missing as error:
            raise _not_installed(self.service) from error
        except self.failures as error:
            self.pin.forget()
            if (wrong := _PINS.get(type(error).__name__)) is not None:
                hint = "a few wrong ones lock a token for good; its owner unlocks it with the SO PIN"
                raise ContractError(f"{self.service.title}: {wrong}", file=self.where, hint=hint) from error
            said = " ".join(str(error).split())[:_LONGEST] or type(error).__name__
            raise ContractError(f"{self.service.title}: {said}", file=self.where, hint=self.service.hint) from error


def _failures(service: _Service) -> list[type[Exception]]:
    """Return what the SDK raises.

    Raises:
        ContractError: it is not installed.
    """
    try:
        for module in service.needs:
            importlib.import_module(module)
        named = [name.split(":") for name in service.failures]
        return [getattr(importlib.import_module(module), attribute) for module, attribute in named]
    except ImportError as error:
        raise _not_installed(service) from error


def _not_installed(service: _Service) -> ContractError:
    return ContractError(
        f"{service.title} needs a library that is not installed", hint=f"pip install 'xspm[{service.extra}]'"
    )


class ServiceSigner:
    """A key in a device or a service."""

    def __init__(self, key: PublicKey, inner: TheirSigner, access: _Access) -> None:
        self.key = key
        self._inner = inner
        self._access = access

    def sign(self, data: bytes) -> bytes:
        """Have the service sign.

        Raises:
            ContractError: it does not, or signs with another key.
        """
        signature = self._access.call(lambda: bytes.fromhex(self._inner.sign(data).signature))
        return checked(self.key, signature, data, self._access.service.title)


def open_here(where: str, passphrase: Passphrase) -> Signer:
    """Return the signer at a service.

    Raises:
        ContractError: its library is not installed, the address is not written as it must be, the service refuses, or
        its key is of a type that is not accepted.
    """
    kind, _, rest = where.partition(":")
    service = _SERVICES[kind]
    address = service.address.fullmatch(rest)
    if address is None:
        raise ContractError(f"this is no address of a key in {service.title}", file=where, hint=service.hint)
    if kind == "hsm" and not os.environ.get("PYKCS11LIB"):
        raise ContractError(
            "PYKCS11LIB is not set: it names the token's PKCS#11 library", hint="PYKCS11LIB=/usr/lib/…/libykcs11.so"
        )
    pin = _Pin(where, passphrase)
    access = _Access(where, service, pin)
    given = {name: value for name, value in address.groupdict().items() if name != "version"}
    arguments: list[Any] = list(given.values())
    if kind == "hsm":
        arguments = [int(given["number"]) if given["number"] else None, _unquoted(given["label"]), pin]
    theirs = getattr(importlib.import_module("securesystemslib.signer"), service.signer)
    uri, found = access.call(lambda: theirs.import_(*arguments))
    version = address.groupdict().get("version")
    if version is not None and uri.rpartition("/")[2] != version:
        raise ContractError(f"{service.title} signs with the newest version only, {uri}", file=where)
    try:
        key, library_key = _known(found, service)
    except ContractError as error:
        raise ContractError(error.message, file=where, hint=error.hint) from error
    return ServiceSigner(key, access.call(lambda: theirs.from_priv_key_uri(uri, library_key, pin)), access)


def _unquoted(label: str | None) -> str | None:
    from urllib.parse import unquote_plus  # noqa: PLC0415

    return None if label is None else unquote_plus(label)


def _known(found: SSlibKey, service: _Service) -> tuple[PublicKey, SSlibKey]:
    """Return a service's public key as ours, and as the library wants it, under our id."""
    from securesystemslib.signer import SSlibKey  # noqa: PLC0415

    crypto = _crypto(found, service)
    key = from_crypto(crypto)
    library_key = SSlibKey.from_crypto(crypto, keyid=key.id)
    if library_key.scheme != found.scheme:
        raise ContractError(f"{service.title} would sign by {found.scheme} with a key for {library_key.scheme}")
    return key, library_key


def _crypto(found: SSlibKey, service: _Service) -> PublicKeyTypes:
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_pem_public_key  # noqa: PLC0415

    text = found.keyval["public"]
    try:
        if found.scheme == "ed25519":
            return Ed25519PublicKey.from_public_bytes(bytes.fromhex(text))
        return load_pem_public_key(text.encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ContractError(f"the public key that {service.title} names cannot be read") from error
