"""The witness: it cosigns a log's checkpoints as long as the log only ever grows (https://c2sp.org/tlog-witness v1).

`add_checkpoint` takes the body of a request and gives the answer: 200 with a cosignature, 400 malformed, 403 no
signature of the log, 404 unknown log, 409 another size than the one last cosigned (or a second tree of the same size),
422 no proof of growth. Under one lock the request is compared with the last checkpoint, the new one is synced to disk,
and only then the cosignature is given away, so no crash and no race makes a witness sign two histories.

Per log there is a file, made once by `enroll`. A witness whose file is gone does not begin anew: it refuses, because a
forgetful witness would cosign any history.
"""

from __future__ import annotations

import time
from base64 import b64encode
from hashlib import sha256
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import msgspec

from xspm.errors import LedgerError
from xspm.ledger.checkpoint import Checkpoint, Opened, open_checkpoint, parse_size
from xspm.ledger.files import Disk, make_top_folder, replace_file
from xspm.ledger.note import COSIGNED, MAX_BYTES, SIGNED, Note, from_base64, known, sign, verify
from xspm.ledger.tree import HASH_SIZE, verify_consistency

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Sequence

    from xspm.ledger.files import Files
    from xspm.ledger.note import Key, Signer

MAX_PROOF_LINES: Final = 63
MAX_REQUEST_BYTES: Final = MAX_BYTES + 64 * 45
"""A checkpoint, and 64 lines of 44 base64 characters."""
SIZE_TYPE: Final = "text/x.tlog.size"
TEXT_TYPE: Final = "text/plain; charset=utf-8"

_ENROLLED: Final = b"enrolled\n"
_WAIT: Final = 10.0


class Request(msgspec.Struct, frozen=True):
    """The body of an `add-checkpoint` request."""

    old: int
    proof: tuple[bytes, ...]
    note: bytes

    def encode(self) -> bytes:
        """The body as sent."""
        lines = "".join(f"{b64encode(part).decode()}\n" for part in self.proof)
        return f"old {self.old}\n{lines}\n".encode() + self.note

    @classmethod
    def parse(cls, body: bytes) -> Request:
        """Read a request.

        Raises:
            LedgerError: it is malformed.
        """
        head, separator, note = body[:MAX_REQUEST_BYTES].partition(b"\n\n")
        if not separator or len(body) > MAX_REQUEST_BYTES or not head.isascii():
            raise LedgerError("no old size, proof lines, empty line and checkpoint")
        first, *lines = head.decode().split("\n")
        if not first.startswith("old "):
            raise LedgerError("the first line is not `old SIZE`")
        if len(lines) > MAX_PROOF_LINES:
            raise LedgerError(f"more than {MAX_PROOF_LINES} proof lines")
        proof = tuple(from_base64(line) or b"" for line in lines)
        if any(len(part) != HASH_SIZE for part in proof):
            raise LedgerError("a proof line is not base64 of 32 bytes")
        return cls(parse_size(first[4:]), proof, note)


class Answer(msgspec.Struct, frozen=True):
    """What a witness answers."""

    status: HTTPStatus
    body: bytes
    type: str = TEXT_TYPE


class _Refused(Exception):  # noqa: N818 - an answer, not an error
    """Ends a request with an answer."""

    def __init__(self, status: HTTPStatus, message: str, content_type: str = TEXT_TYPE) -> None:
        super().__init__(message)
        self.answer = Answer(status, f"{message}\n".encode(errors="replace"), content_type)


def now() -> int:
    """Seconds since 1970."""
    return int(time.time())


def state_path(origin: str) -> str:
    """The file in which a witness remembers a log."""
    return f"{sha256(origin.encode()).hexdigest()}.checkpoint"


def enroll(folder: str | os.PathLike[str], origins: Iterable[str]) -> list[str]:
    """Make a witness remember logs it has not heard of; those that are new to it.

    Raises:
        LedgerError: the folder cannot be written.
    """
    make_top_folder(folder)
    return enroll_in(Disk(folder), origins)


def enroll_in(files: Files, origins: Iterable[str]) -> list[str]:
    """As `enroll`, in a folder that is there."""
    new = []
    with files.lock(_WAIT):
        for origin in origins:
            if files.read(state_path(origin), MAX_BYTES) is None:
                replace_file(files, state_path(origin), _ENROLLED)
                new.append(origin)
    return new


class Witness:
    """A witness for some logs."""

    def __init__(self, files: Files, signer: Signer, logs: Sequence[Key], clock: Callable[[], int] = now) -> None:
        """Watch logs that are enrolled.

        Args:
            files: where the witness remembers.
            signer: the witness's key.
            logs: the keys of the logs; those of one name are of one log.
            clock: seconds since 1970.

        Raises:
            LedgerError: a key is of the wrong kind or there twice, or a log is not enrolled.
        """
        known((signer.key, *logs))
        if signer.key.kind != COSIGNED:
            raise LedgerError(f"the key of {signer.key.name} makes no cosignatures; a witness's is of kind 0x04")
        if any(key.kind != SIGNED for key in logs):
            raise LedgerError("a log signs with keys of kind 0x01")
        self._files = files
        self._signer = signer
        self._clock = clock
        self._logs: dict[str, list[Key]] = {}
        for key in logs:
            self._logs.setdefault(key.name, []).append(key)
        for origin in self._logs:
            self.latest(origin)

    def latest(self, origin: str) -> Opened | None:
        """The checkpoint last cosigned for a log, None if there was none yet.

        Raises:
            LedgerError: the log is not enrolled, or what is remembered of it cannot be believed.
        """
        data = self._files.read(state_path(origin), MAX_BYTES)
        if data is None:
            raise LedgerError(
                f"the witness has no memory of {origin}",
                hint="enroll a log once; a witness that lost its memory must get a new key",
            )
        if data == _ENROLLED:
            return None
        note = Note.parse(data)
        opened = Opened(Checkpoint.parse(note.text), note, verify(note, [self._signer.key]))
        if not opened.verified or opened.checkpoint.origin != origin:
            raise LedgerError(f"{state_path(origin)}: not a checkpoint of {origin} that this witness cosigned")
        return opened

    def add_checkpoint(self, body: bytes) -> Answer:
        """Answer a request.

        Raises:
            LedgerError: the witness cannot remember or sign; nothing was cosigned then.
        """
        try:
            request, opened = self._read(body)
            with self._files.lock(_WAIT):
                return self._check_and_store(request, opened)
        except _Refused as refused:
            return refused.answer

    def _read(self, body: bytes) -> tuple[Request, Opened]:
        """The request and its checkpoint, signed by the log."""
        try:
            request = Request.parse(body)
            checkpoint = Checkpoint.parse(Note.parse(request.note).text)
        except LedgerError as error:
            raise _Refused(HTTPStatus.BAD_REQUEST, error.message) from error
        keys = self._logs.get(checkpoint.origin)
        if keys is None:
            raise _Refused(HTTPStatus.NOT_FOUND, "unknown log")
        try:
            opened = open_checkpoint(request.note, keys)
        except LedgerError as error:
            raise _Refused(HTTPStatus.FORBIDDEN, error.message) from error
        if request.old > checkpoint.size:
            raise _Refused(HTTPStatus.BAD_REQUEST, f"from {request.old} to {checkpoint.size} entries is no growth")
        return request, opened

    def _check_and_store(self, request: Request, opened: Opened) -> Answer:
        checkpoint = opened.checkpoint
        latest = self.latest(checkpoint.origin)
        size = latest.checkpoint.size if latest else 0
        if request.old != size:
            raise _Refused(HTTPStatus.CONFLICT, str(size), SIZE_TYPE)
        self._check_growth(request, checkpoint, latest)
        moment = self._clock()
        if latest and moment < (latest.verified[0].time or 0):
            raise LedgerError("the clock of the witness is behind its last cosignature")
        cosignature = sign(opened.note.text, self._signer, moment)
        ours = {(found.key.name, found.key.id) for found in opened.verified}
        by_log = tuple(one for one in opened.note.signatures if (one.name, one.id) in ours)
        stored = Note(opened.note.text, (*by_log, cosignature)).encode()
        replace_file(self._files, state_path(checkpoint.origin), stored)
        return Answer(HTTPStatus.OK, cosignature.line.encode())

    def _check_growth(self, request: Request, checkpoint: Checkpoint, latest: Opened | None) -> None:
        if latest and request.old == checkpoint.size and latest.checkpoint.root != checkpoint.root:
            raise _Refused(HTTPStatus.CONFLICT, f"another tree of {checkpoint.size} entries was cosigned before")
        if not checkpoint.possible:
            raise _Refused(HTTPStatus.UNPROCESSABLE_ENTITY, "the empty tree has another root")
        if request.old == 0:
            if request.proof:
                raise _Refused(HTTPStatus.UNPROCESSABLE_ENTITY, "a proof from the empty tree")
            return
        old_root = latest.checkpoint.root if latest else b""
        try:
            verify_consistency(request.old, checkpoint.size, old_root, checkpoint.root, request.proof)
        except LedgerError as error:
            raise _Refused(HTTPStatus.UNPROCESSABLE_ENTITY, error.message) from error
