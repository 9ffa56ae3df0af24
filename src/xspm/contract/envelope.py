"""DSSE envelopes: a payload, its type, and signatures, read strictly.

Format: https://github.com/secure-systems-lab/dsse, protocol and envelope 1.0. Beyond it: each signature names its key,
no key signs twice, and there are limits on size and number. What the signatures are worth is counted elsewhere
(`people`): an envelope only says which keys signed.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING, Any, Final

import msgspec

from xspm.contract.keys import KeyId
from xspm.errors import ContractError
from xspm.model.digest import Digest, digest_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from xspm.contract.keys import PublicKey

PAYLOAD_TYPE: Final = "application/vnd.in-toto+json"
"""https://github.com/in-toto/attestation/blob/main/spec/v1/envelope.md"""

MAX_ENVELOPE: Final = 16 << 20
"""Bytes; an assessment of a large asset has some millions."""
MAX_SIGNATURES: Final = 64
_STANDARD: Final = str.maketrans("-_", "+/")


class _Signature(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    keyid: str
    sig: str


class _Wire(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    payload: str
    payload_type: str = msgspec.field(name="payloadType")
    signatures: list[_Signature]


class Envelope(msgspec.Struct, frozen=True):
    """A payload and who signed it."""

    payload: bytes
    signatures: dict[KeyId, bytes] = {}
    """By key id, sorted."""

    @property
    def digest(self) -> Digest:
        """Digest of the payload: what later versions, results and readers name it by, whoever signed it."""
        return digest_bytes(self.payload)

    def signed_bytes(self) -> bytes:
        """What each signature is over: DSSE's pre-authentication encoding."""
        from securesystemslib.dsse import Envelope as Dsse  # noqa: PLC0415 - imports cryptography

        return Dsse(self.payload, PAYLOAD_TYPE, {}).pae()

    def with_signature(self, key: KeyId, signature: bytes) -> Envelope:
        """Return the envelope with one more signature, in place of an earlier one of the same key."""
        return Envelope(self.payload, dict(sorted({**self.signatures, key: signature}.items())))

    def encode(self) -> bytes:
        """The envelope as a JSON text that ends with a line end."""
        wire = _Wire(
            base64.b64encode(self.payload).decode(),
            PAYLOAD_TYPE,
            [_Signature(key, base64.b64encode(sig).decode()) for key, sig in sorted(self.signatures.items())],
        )
        return msgspec.json.format(msgspec.json.encode(wire), indent=1) + b"\n"


def decode_envelope(data: bytes, file: str) -> Envelope:
    """Read an envelope.

    Args:
        data: JSON.
        file: what errors call it.

    Raises:
        ContractError: it is no DSSE envelope, says a thing twice, is for another type of payload, or a key
            signed it twice.
    """
    if len(data) > MAX_ENVELOPE:
        raise ContractError(f"{len(data)} bytes are more than the {MAX_ENVELOPE} of any envelope", file=file)
    try:
        wire = msgspec.json.decode(data, type=_Wire)
        # Of two payloads msgspec takes the last, and other programs may take the first.
        json.loads(data, object_pairs_hook=_once)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise ContractError(f"not a DSSE envelope: {error}", file=file) from error
    if wire.payload_type != PAYLOAD_TYPE:
        raise ContractError(f"the payload is of the type {wire.payload_type!r}, not {PAYLOAD_TYPE}", file=file)
    if len(wire.signatures) > MAX_SIGNATURES:
        raise ContractError(f"{len(wire.signatures)} signatures are more than {MAX_SIGNATURES}", file=file)
    signatures: dict[KeyId, bytes] = {}
    for one in wire.signatures:
        if one.keyid in signatures:
            raise ContractError(f"the key {one.keyid} signed twice", file=file)
        signatures[KeyId(one.keyid)] = _decode(one.sig, "a signature", file)
    return Envelope(_decode(wire.payload, "the payload", file), dict(sorted(signatures.items())))


def _once(pairs: list[tuple[str, Any]]) -> None:
    names = [name for name, _ in pairs]
    for name in names:
        if names.count(name) > 1:
            raise msgspec.DecodeError(f"it says `{name}` twice")


def _decode(text: str, what: str, file: str) -> bytes:
    try:
        # Either alphabet must be read (DSSE protocol 1.0, "Protocol"); what is signed is the decoded bytes.
        standard = text.translate(_STANDARD)
        data = base64.b64decode(standard, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ContractError(f"{what} is not base64", file=file) from error
    # Python passes over excess padding and bits that stand for nothing; other readers refuse them.
    if base64.b64encode(data).decode() != standard:
        raise ContractError(f"{what} is not base64 as it is written: it has more than its bytes", file=file)
    return data


def signers(envelope: Envelope, keys: Mapping[KeyId, PublicKey], file: str) -> frozenset[KeyId]:
    """Return the keys whose signatures are good.

    Args:
        envelope: what was signed.
        keys: every key that may sign it.
        file: what errors call it.

    Raises:
        ContractError: a signature is by a key that may not sign here, or is not good. Either means that somebody
        handled the envelope who should not have, so nothing of it is believed.
    """
    signed = envelope.signed_bytes() if envelope.signatures else b""
    for key_id, signature in envelope.signatures.items():
        key = keys.get(key_id)
        if key is None:
            raise ContractError(f"signed by a key that nobody in the contract holds: {key_id}", file=file)
        if not key.verify(signature, signed):
            raise ContractError(f"the signature by {key_id} is not good: it is over something else", file=file)
    return frozenset(envelope.signatures)


def merge(envelopes: Mapping[str, Envelope]) -> Envelope:
    """Gather the signatures of several copies of one payload, each of which `signers` found good.

    Args:
        envelopes: by the file they came from.

    Raises:
        ContractError: the payloads differ.
    """
    (first_file, merged), *others = envelopes.items()
    for file, envelope in others:
        if envelope.payload != merged.payload:
            raise ContractError(
                f"signs {envelope.digest}, and {first_file} signs {merged.digest}: only copies of one text merge",
                file=file,
            )
        for key, signature in envelope.signatures.items():
            # Of two good signatures by one key, which ECDSA and ML-DSA make anew each time, either will do.
            if key not in merged.signatures:
                merged = merged.with_signature(key, signature)
    return merged
