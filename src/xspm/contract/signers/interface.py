"""What every signer is, and what it must keep: a public key, and signatures that this very key verifies.

A signer may live in another process, a device or a service. So its answer is waited for only so long, and each of its
signatures is verified before it is handed on: a service whose key was exchanged meanwhile is found here and not by
whoever reads the envelope.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias, TypeVar

from xspm.errors import ContractError

if TYPE_CHECKING:
    from xspm.contract.keys import PublicKey

Passphrase: TypeAlias = Callable[[str], str]
"""Asks a person, or whoever stands in for one, for the secret that is named."""

PATIENCE: Final = 60.0
"""Seconds for one answer; a person may have to touch a device or confirm."""

_Answer = TypeVar("_Answer")


class Signer(Protocol):
    """Whoever holds a private key."""

    @property
    def key(self) -> PublicKey:
        """The public half."""
        ...

    def sign(self, data: bytes) -> bytes:
        """Return a signature over `data` that `key` verifies.

        Raises:
            ContractError: there is none to be had.
        """
        ...


def checked(key: PublicKey, signature: bytes, data: bytes, where: str) -> bytes:
    """Return a signature that is good.

    Raises:
        ContractError: the key does not verify it.
    """
    if not key.verify(signature, data):
        raise ContractError(f"{where} signed with something else than its key {key.id}")
    return signature


def limited(work: Callable[[], _Answer], where: str, seconds: float | None = None) -> _Answer:
    """Return what `work` returns or raises, and wait for it no longer than `seconds` (`PATIENCE` unless given).

    Raises:
        ContractError: it took longer; its thread is left behind and keeps no program from ending.
    """
    seconds = PATIENCE if seconds is None else seconds
    outcome: Future[_Answer] = Future()

    def run() -> None:
        try:
            outcome.set_result(work())
        except BaseException as error:  # noqa: BLE001 - raised again by whoever waits
            outcome.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    try:
        return outcome.result(seconds)
    except TimeoutError:
        if outcome.done():
            raise
        raise ContractError(f"{where} gave no answer in {seconds:g} s") from None
