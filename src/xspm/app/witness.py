"""A witness as its party runs it: its key, its memory, its server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xspm.app.ledger import witness_key
from xspm.ledger import witness as witnessing
from xspm.ledger.files import Disk
from xspm.ledger.note import Key, Signer
from xspm.ledger.witness import Witness
from xspm.ledger.witness_server import WitnessServer, serve

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from xspm.contract.signers import Signer as Holder


def verifier_key(name: str, holder: Holder) -> Key:
    """The key that the contract names the witness by.

    Raises:
        LedgerError: it is no Ed25519 key, or the name is none.
    """
    return witness_key(name, holder.key)


def enroll(folder: str, logs: Sequence[str]) -> list[str]:
    """Begin to remember logs, by their verifier keys; the names of those that are new.

    Raises:
        LedgerError: a key is none, or the folder cannot be written.
    """
    return witnessing.enroll(folder, [Key.parse(one).name for one in logs])


def run(
    folder: str,
    name: str,
    holder: Holder,
    logs: Sequence[str],
    *,
    address: tuple[str, int],
    listening: Callable[[str], None],
) -> None:
    """Answer until Ctrl-C.

    Args:
        folder: the witness's memory.
        name: of the witness.
        holder: who signs for it.
        logs: verifier keys of the logs.
        address: host and port.
        listening: is told the server's address once it listens.

    Raises:
        LedgerError: a key is none, a log is not enrolled, or the address cannot be listened on.
    """
    key = verifier_key(name, holder)
    watching = Witness(Disk(folder), Signer(key, holder.sign), [Key.parse(one) for one in logs])
    server = WitnessServer(watching, address)
    listening(server.url)
    serve(server)
