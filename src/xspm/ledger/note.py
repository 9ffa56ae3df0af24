"""Signed notes (https://c2sp.org/signed-note): a text, and lines that say who signed it.

`Note.parse` reads one strictly; `verify` checks it against the keys a reader knows and says which of them signed and,
for a witness's cosignature (https://c2sp.org/tlog-cosignature), when. Signatures of unknown keys are ignored. A
signature of a known key that does not verify spoils the whole note. A key counts by its bytes: `known` refuses two
verifier keys that wrap the same public key under other names or kinds (https://c2sp.org/tlog-policy), so that nobody
is counted twice.
"""

from __future__ import annotations

import re
from base64 import b64encode
from binascii import Error, a2b_base64
from collections.abc import Callable
from hashlib import sha256
from typing import TYPE_CHECKING, Final

import msgspec

from xspm.errors import LedgerError
from xspm.ledger import ed25519

if TYPE_CHECKING:
    from collections.abc import Iterable

SIGNED: Final = 0x01
"""The kind of key that signs the text as it is."""
COSIGNED: Final = 0x04
"""The kind of key that signs the text with a time: a witness's."""

MAX_BYTES: Final = 128 * 1024
MAX_SIGNATURES: Final = 64
"""The specification asks for at least 16."""
MAX_NAME_BYTES: Final = 255
"""What a name may take in the cosignature formats to come."""
MAX_TIME: Final = 2**63 - 1

_ID_SIZE: Final = 4
_TIME_SIZE: Final = 8
_CONTROL: Final = re.compile(r"[\x00-\x09\x0b-\x1f]")
_HASH: Final = re.compile(r"[0-9a-f]{8}")


class Key(msgspec.Struct, frozen=True):
    """A verifier key: who, of which kind, with which Ed25519 public key."""

    name: str
    kind: int
    """`SIGNED` or `COSIGNED`."""
    public: bytes

    def __post_init__(self) -> None:
        """Refuse what cannot be a key.

        Raises:
            LedgerError: the name, kind or public key is none.
        """
        check_name(self.name)
        if self.kind not in {SIGNED, COSIGNED}:
            raise LedgerError(f"the key of {self.name} is of kind {self.kind:#04x}; known are 0x01 and 0x04 (Ed25519)")
        ed25519.check_public(self.public)

    @property
    def id(self) -> bytes:
        """The four bytes that name this key, with its name, in a signature line."""
        return sha256(self.name.encode() + b"\n" + bytes((self.kind,)) + self.public).digest()[:_ID_SIZE]

    @property
    def vkey(self) -> str:
        """The key as it is written in configurations: `name+hash+base64`."""
        return f"{self.name}+{self.id.hex()}+{b64encode(bytes((self.kind,)) + self.public).decode()}"

    @classmethod
    def parse(cls, vkey: str) -> Key:
        """Read `name+hash+base64`.

        Raises:
            LedgerError: it is no such key, or its hash is not its own.
        """
        parts = vkey.split("+", 2)
        if len(parts) != 3 or not _HASH.fullmatch(parts[1]):
            raise LedgerError(f"not a verifier key (name+hash+base64): {vkey[:100]!r}")
        data = from_base64(parts[2])
        if not data:
            raise LedgerError(f"the verifier key of {parts[0][:100]!r} is not base64")
        key = cls(parts[0], data[0], data[1:])
        if key.id.hex() != parts[1]:
            raise LedgerError(f"the verifier key of {key.name} has the hash {parts[1]}, its own is {key.id.hex()}")
        return key


class Signer(msgspec.Struct, frozen=True):
    """Somebody who can sign: a key, and what makes a raw Ed25519 signature by it, wherever it is held."""

    key: Key
    sign: Callable[[bytes], bytes]


class Signature(msgspec.Struct, frozen=True):
    """One signature line."""

    name: str
    id: bytes
    value: bytes
    """What follows the key id: a signature, with the time before it in a cosignature."""

    @property
    def line(self) -> str:
        """The line as written, with its newline."""
        return f"— {self.name} {b64encode(self.id + self.value).decode()}\n"


class Verified(msgspec.Struct, frozen=True):
    """A key that did sign a note."""

    key: Key
    time: int | None
    """Seconds since 1970 that a cosignature states, None for a plain signature."""


class Note(msgspec.Struct, frozen=True):
    """A text that ends in a newline, and its signatures."""

    text: str
    signatures: tuple[Signature, ...]

    def encode(self) -> bytes:
        """The note as written."""
        return (self.text + "\n" + "".join(signature.line for signature in self.signatures)).encode()

    @classmethod
    def parse(cls, data: bytes) -> Note:
        """Read a signed note.

        Raises:
            LedgerError: it is too large, not UTF-8, holds control characters, or is not of the form.
        """
        if len(data) > MAX_BYTES:
            raise LedgerError(f"a signed note of more than {MAX_BYTES} bytes")
        text, separator, lines = _decode(data).rpartition("\n\n")
        if not separator or not text.strip("\n"):
            raise LedgerError("a signed note without an empty line between text and signatures")
        return cls(text + "\n", parse_signatures(lines))


def parse_signatures(lines: str) -> tuple[Signature, ...]:
    """Read signature lines, at least one.

    Raises:
        LedgerError: a line is not of the form, there are none or too many, or two are by one key.
    """
    if not lines.endswith("\n") or lines.count("\n") > MAX_SIGNATURES:
        raise LedgerError(f"a signed note needs 1 to {MAX_SIGNATURES} signature lines, each ending in a newline")
    signatures = tuple(_parse_line(line) for line in lines[:-1].split("\n"))
    if len({(signature.name, signature.id) for signature in signatures}) < len(signatures):
        raise LedgerError("a signed note with two signatures by one key")
    return signatures


def decode_lines(data: bytes) -> tuple[Signature, ...]:
    """Read signature lines alone, as a witness answers with.

    Raises:
        LedgerError: they are not of the form.
    """
    if len(data) > MAX_BYTES:
        raise LedgerError(f"signature lines of more than {MAX_BYTES} bytes")
    return parse_signatures(_decode(data))


def known(keys: Iterable[Key]) -> tuple[Key, ...]:
    """The keys, when each is somebody else's.

    Raises:
        LedgerError: two of them wrap the same public key, or cannot be told apart by name and id.
    """
    by_public: dict[bytes, Key] = {}
    by_id: dict[tuple[str, bytes], Key] = {}
    for key in keys:
        other = by_public.setdefault(key.public, key)
        if other is not key:
            raise LedgerError(f"{other.name} and {key.name} are one and the same public key; each may count only once")
        if by_id.setdefault((key.name, key.id), key) is not key:
            raise LedgerError(f"two keys of {key.name} have the same id {key.id.hex()}")
    return tuple(by_public.values())


def verify(note: Note, keys: Iterable[Key]) -> tuple[Verified, ...]:
    """Which of `keys` signed a note, in the order of its lines; possibly none.

    Raises:
        LedgerError: a signature claims to be by one of `keys` and is not, or two of `keys` are one.
    """
    by_id = {(key.name, key.id): key for key in known(keys)}
    found = []
    for signature in note.signatures:
        key = by_id.get((signature.name, signature.id))
        if key is not None:
            found.append(_verify_one(note.text, signature, key))
    return tuple(found)


def sign(text: str, signer: Signer, time: int | None = None) -> Signature:
    """Sign a text; a `COSIGNED` key states `time`, a `SIGNED` one none.

    Raises:
        LedgerError: the time does not fit the kind of key, or what signs does not hold the key it says.
    """
    key = signer.key
    if (time is not None) != (key.kind == COSIGNED):
        raise LedgerError(f"the key of {key.name}: a cosignature states a time, a plain signature none")
    head = b"" if time is None else time.to_bytes(_TIME_SIZE, "big")
    signature = Signature(key.name, key.id, head + signer.sign(_message(text, time)))
    # A wrong key or a broken device must not publish a line that spoils the note for every reader.
    _verify_one(text, signature, key)
    return signature


def check_name(name: str) -> None:
    """Refuse what cannot be the name of a key.

    Raises:
        LedgerError: it is empty, too long, or holds a space, a plus sign or a control character.
    """
    if (
        not name
        or len(name.encode(errors="replace")) > MAX_NAME_BYTES
        or "+" in name
        or any(character.isspace() for character in name)
        or _CONTROL.search(name)
        or not _is_unicode(name)
    ):
        raise LedgerError(f"not the name of a key: {name[:100]!r}")


def from_base64(text: str) -> bytes | None:
    """The bytes of standard base64 in its one canonical spelling, None for anything else."""
    try:
        data = a2b_base64(text, strict_mode=True)
    except (Error, ValueError):
        return None
    return data if b64encode(data).decode() == text else None


def _is_unicode(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _decode(data: bytes) -> str:
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise LedgerError(f"a signed note that is not UTF-8 at byte {error.start}") from error
    if found := _CONTROL.search(text):
        raise LedgerError(f"a signed note with the control character {found.group()!r}")
    return text


def _parse_line(line: str) -> Signature:
    dash, _, rest = line.partition(" ")
    name, _, encoded = rest.partition(" ")
    data = from_base64(encoded)
    if dash != "—" or data is None or len(data) <= _ID_SIZE:
        raise LedgerError(f"not a signature line (— name base64): {line[:100]!r}")
    check_name(name)
    return Signature(name, data[:_ID_SIZE], data[_ID_SIZE:])


def _message(text: str, time: int | None) -> bytes:
    return (text if time is None else f"cosignature/v1\ntime {time}\n{text}").encode()


def _verify_one(text: str, signature: Signature, key: Key) -> Verified:
    value, time = signature.value, None
    if key.kind == COSIGNED:
        time, value = int.from_bytes(value[:_TIME_SIZE], "big"), value[_TIME_SIZE:]
    valid = len(value) == ed25519.SIGNATURE_SIZE and (time is None or time <= MAX_TIME)
    if not valid or not ed25519.verify(key.public, _message(text, time), value):
        raise LedgerError(f"the signature by {key.name} does not verify")
    return Verified(key, time)
