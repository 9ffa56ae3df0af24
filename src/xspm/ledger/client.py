"""Asking a witness to cosign, over HTTP.

`submit` is one request; `cosign` goes on as a log does: it asks, learns from a 409 which size the witness knows, sends
the proof from there, and puts the cosignature into the log's checkpoint. A witness is somebody else's machine: answers
are bounded in size and time, redirects are not followed, and a cosignature counts only after it was verified.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import msgspec

from xspm.errors import LedgerError
from xspm.ledger.checkpoint import parse_size
from xspm.ledger.exchange import Address, exchange
from xspm.ledger.note import MAX_BYTES, Signature, decode_lines
from xspm.ledger.witness import SIZE_TYPE, Request

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xspm.ledger.log import Log
    from xspm.ledger.note import Key, Verified

_ROUNDS: Final = 3


class Reply(msgspec.Struct, frozen=True):
    """What a witness answered: signature lines, or the size it knows instead of the one it was asked from."""

    signatures: tuple[Signature, ...] = ()
    size: int | None = None


def submit(url: str, note: bytes, old: int, proof: Sequence[bytes], *, timeout: float = 10.0) -> Reply:
    """Ask a witness to cosign a checkpoint.

    Args:
        url: the witness's submission prefix, `http` or `https`.
        note: the checkpoint as signed by the log.
        old: the size of the checkpoint that the witness last cosigned.
        proof: that the tree of `old` entries is the beginning of this one.
        timeout: seconds for all of it.

    Raises:
        LedgerError: the witness cannot be reached, refuses, or answers something else than the protocol says.
    """
    answer = exchange(
        Address.parse(url, "witness"),
        "POST",
        "/add-checkpoint",
        MAX_BYTES,
        timeout,
        body=Request(old, tuple(proof), note).encode(),
        headers={"Content-Type": "text/plain"},
    )
    if len(answer.body) > MAX_BYTES:
        raise LedgerError(f"{url}: the answer is too long")
    if answer.status == HTTPStatus.OK:
        return Reply(decode_lines(answer.body))
    if answer.status == HTTPStatus.CONFLICT and answer.type == SIZE_TYPE:
        text = answer.body.decode("latin-1")
        if not text.endswith("\n"):
            raise LedgerError(f"{url}: a size without a newline")
        return Reply(size=parse_size(text[:-1]))
    reason = answer.body[:200].decode(errors="replace").strip()
    raise LedgerError(f"{url}: the witness refuses ({answer.status}): {reason}")


def cosign(log: Log, url: str, witness: Key, *, old: int = 0, timeout: float = 10.0) -> tuple[Verified, ...]:
    """Get a witness's cosignature for a log's checkpoint and put it there.

    Args:
        log: the log.
        url: the witness's submission prefix.
        witness: its key.
        old: the size that the witness is believed to know; a wrong belief costs one more request.
        timeout: seconds per request.

    Raises:
        LedgerError: the witness cannot be reached or refuses, or its answer has no cosignature of its own.
    """
    current = log.checkpoint()
    size = current.checkpoint.size
    tiles = log.tiles(size)
    for _ in range(_ROUNDS):
        if old > size:
            raise LedgerError(f"{url}: the witness knows {old} entries, the log has {size}: it was rolled back")
        reply = submit(url, current.note.encode(), old, tiles.consistency_proof(old), timeout=timeout)
        if reply.size is None:
            taken = log.cosign(current.note.text, reply.signatures, [witness])
            if not taken and log.checkpoint().note.text == current.note.text:
                raise LedgerError(f"{url}: the answer has no cosignature by {witness.name}")
            return taken
        old = reply.size
    raise LedgerError(f"{url}: the witness names another size each time")
