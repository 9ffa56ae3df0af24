"""The attacker holds the ledger's key and talks to the audit party's witness over HTTP, with requests of their own.

The witness runs as its party runs it, in a process of its own. After each attack the honest log asks, and is cosigned:
an attack neither makes the witness sign two histories nor stops it.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import subprocess
from base64 import b64encode
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from attack.world import LOG, ORIGIN, WITNESS, World
from commandline import PATIENCE, call, command
from parties import key_file, private, public
from xspm.app.ledger import log_key
from xspm.ledger.checkpoint import Checkpoint
from xspm.ledger.note import Note, Signer, decode_lines, sign, verify
from xspm.ledger.tree import EMPTY_ROOT, consistency_proof, in_memory, leaf_hash, root
from xspm.ledger.witness import state_path

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from xspm.ledger.tree import Nodes

HONEST = in_memory([leaf_hash(b"entry %d" % index) for index in range(20)])
FORKED = in_memory([leaf_hash(b"entry %d" % index) for index in range(7)] + [leaf_hash(b"forged %d" % index) for index in range(13)])  # fmt: skip
KNOWN = 9
"""Entries that the witness has cosigned before."""


class Asked:
    """The running witness, and what it is asked."""

    def __init__(self, url: str, memory: Path) -> None:
        parts = urlsplit(url)
        self.place = (parts.hostname or "", parts.port or 0)
        self.memory = memory

    def post(self, body: bytes) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(*self.place, timeout=PATIENCE)
        with contextlib.closing(connection):
            connection.request("POST", "/add-checkpoint", body)
            answer = connection.getresponse()
            return answer.status, answer.read()

    def ask(
        self,
        old: int,
        size: int,
        nodes: Nodes = HONEST,
        *,
        proof: list[bytes] | None = None,
        by: Signer | None = None,
        root_hash: bytes | None = None,
    ) -> tuple[int, bytes]:
        """Ask to cosign a tree, with the right proof unless another is given."""
        by = by or Signer(LOG, private("log").sign)
        text = Checkpoint(by.key.name, size, root_hash or root(size, nodes)).text
        note = Note(text, (sign(text, by),)).encode()
        if proof is None:
            proof = consistency_proof(old, size, nodes) if 0 < old <= size else []
        lines = "".join(f"{b64encode(part).decode()}\n" for part in proof)
        return self.post(f"old {old}\n{lines}\n".encode() + note)

    def remembered(self) -> int:
        """How many entries the witness has cosigned, by its own memory."""
        return Checkpoint.parse(Note.parse((self.memory / state_path(ORIGIN)).read_bytes()).text).size


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """`xspm witness run`, for all tests here: each may only leave it as it should be."""
    base = tmp_path_factory.mktemp("audit")
    memory, key = base / "memory", key_file(base, "witness")
    environment = {**os.environ, "HOME": str(base)}
    subprocess.run(command("witness", "enroll", str(memory), "--log", LOG.vkey), env=environment, check=True, stdout=subprocess.DEVNULL)  # fmt: skip
    run = ["witness", "run", str(memory), "--name", WITNESS.name, "--key", str(key), "--log", LOG.vkey]
    running = subprocess.Popen(
        command(*run, "--listen", "127.0.0.1:0"),
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert running.stdout is not None
    with running.stdout:
        yield running.stdout.readline().removeprefix("listening on ").strip(), memory
        running.send_signal(signal.SIGINT)
        running.wait(PATIENCE)


@pytest.fixture
def asked(process: tuple[str, Path]) -> Iterator[Asked]:
    """The witness that has cosigned some entries; after the attack it still cosigns the honest log, and only that."""
    (process[1] / state_path(ORIGIN)).write_bytes(b"enrolled\n")
    witness = Asked(*process)
    assert witness.ask(0, KNOWN)[0] == 200
    yield witness
    assert witness.remembered() == KNOWN
    status, body = witness.ask(KNOWN, KNOWN + 3)
    assert status == 200
    text = Checkpoint(ORIGIN, KNOWN + 3, root(KNOWN + 3, HONEST)).text
    assert [found.key for found in verify(Note(text, decode_lines(body)), [WITNESS])] == [WITNESS]


@pytest.mark.parametrize("size", [1, KNOWN - 1])
def test_a_shrunken_tree(asked: Asked, size: int) -> None:
    """The witness is asked to cosign a smaller tree than before, as if it knew no more than that."""
    assert asked.ask(size, size) == (409, b"%d\n" % KNOWN)
    assert asked.ask(0, size) == (409, b"%d\n" % KNOWN)


def test_a_shrunken_tree_from_the_size_that_the_witness_knows(asked: Asked) -> None:
    """The witness is asked to go from the tree that it knows to a smaller one."""
    status, body = asked.ask(KNOWN, KNOWN - 1, proof=[])
    assert (status, b"is no growth" in body) == (400, True)


def test_a_tree_begun_anew(asked: Asked) -> None:
    """The witness is asked to begin with another tree from nothing."""
    assert asked.ask(0, 12, FORKED) == (409, b"%d\n" % KNOWN)


def test_another_tree_of_the_same_size(asked: Asked) -> None:
    """The witness is asked to cosign a second tree of the size that it knows."""
    status, body = asked.ask(KNOWN, KNOWN, FORKED)
    assert (status, b"another tree of 9 entries was cosigned before" in body) == (409, True)


@pytest.mark.parametrize("size", [10, 15, 20])
def test_a_forked_tree(asked: Asked, size: int) -> None:
    """The witness is asked to follow a fork, with the fork's own proof and with the honest one."""
    assert asked.ask(KNOWN, size, FORKED)[0] == 422
    assert asked.ask(KNOWN, size, FORKED, proof=list(consistency_proof(KNOWN, size, HONEST)))[0] == 422


def test_a_checkpoint_for_another_root(asked: Asked) -> None:
    """The log signs a root that its tree does not have, with the right proof for the right one."""
    assert asked.ask(KNOWN, 12, root_hash=b"\x01" * 32)[0] == 422


def test_no_proof_at_all(asked: Asked) -> None:
    """The proof of growth is left out."""
    assert asked.ask(KNOWN, 12, proof=[])[0] == 422


@pytest.mark.parametrize("length", [1, 31, 33, 64])
def test_proofs_with_hashes_of_a_wrong_length(asked: Asked, length: int) -> None:
    """A hash in the proof is not of 32 bytes, so that two hashes could be cut in another place."""
    proof = list(consistency_proof(KNOWN, 12, HONEST))
    status, body = asked.ask(KNOWN, 12, proof=[b"\x07" * length, *proof[1:]])
    assert (status, body) == (400, b"a proof line is not base64 of 32 bytes\n")


def test_a_proof_whose_hashes_are_cut_elsewhere(asked: Asked) -> None:
    """The right bytes of a proof, cut into hashes of 31 and 33 bytes."""
    joined = b"".join(consistency_proof(KNOWN, 12, HONEST))
    assert asked.ask(KNOWN, 12, proof=[joined[:31], joined[31:64], joined[64:96]])[0] == 400


def test_a_proof_from_size_zero(asked: Asked) -> None:
    """A proof is sent from the empty tree, which proves nothing of what was before."""
    assert asked.ask(0, 12, proof=list(consistency_proof(KNOWN, 12, HONEST))) == (409, b"%d\n" % KNOWN)


def test_a_proof_from_size_zero_to_a_witness_that_knows_nothing(process: tuple[str, Path]) -> None:
    """The same to a witness that has cosigned nothing yet: a proof from the empty tree is refused, none is not."""
    (process[1] / state_path(ORIGIN)).write_bytes(b"enrolled\n")
    witness = Asked(*process)
    status, body = witness.ask(0, 12, proof=[b"\x07" * 32])
    assert (status, body) == (422, b"a proof from the empty tree\n")
    assert witness.ask(0, 0, root_hash=b"\x07" * 32)[0] == 422
    assert witness.ask(0, 0, root_hash=EMPTY_ROOT)[0] == 200


@pytest.mark.parametrize("more", [1, 60])
def test_a_proof_with_more_than_it_needs(asked: Asked, more: int) -> None:
    """Hashes are put behind a right proof."""
    proof = [*consistency_proof(KNOWN, 12, HONEST), *[b"\x07" * 32] * more]
    assert asked.ask(KNOWN, 12, proof=proof)[0] in {400, 422}


def test_a_checkpoint_that_somebody_else_signed(asked: Asked) -> None:
    """Somebody without the log's key asks in its name."""
    other = Signer(log_key(ORIGIN, public("mallory")), private("mallory").sign)
    assert asked.ask(KNOWN, 12, by=other)[0] == 403


def test_a_checkpoint_of_another_log(asked: Asked) -> None:
    """The log's key signs for a log of another name, to have that cosigned in this one's place."""
    other = Signer(log_key("elsewhere.example/xspm", public("log")), private("log").sign)
    assert asked.ask(0, 12, FORKED, by=other) == (404, b"unknown log\n")


def test_a_checkpoint_signed_by_the_witness_for_the_log(asked: Asked) -> None:
    """The signature of the log is left out, and the witness's own old cosignature sent instead."""
    kept = Note.parse((asked.memory / state_path(ORIGIN)).read_bytes())
    cosignature = tuple(one for one in kept.signatures if one.name == WITNESS.name)
    assert asked.post(b"old 9\n\n" + Note(kept.text, cosignature).encode())[0] == 403


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"old 9\n\n", id="no checkpoint"),
        pytest.param(b"old 09\n\nx\n1\nAA==\n\n", id="a size with a zero before it"),
        pytest.param(b"old -1\n\nx\n1\nAA==\n\n", id="a size below zero"),
        pytest.param(b"old 99999999999999999999\n\nx\n1\nAA==\n\n", id="a size beyond any tree"),
        pytest.param(b"old 9\n" + b"A" * 44 + b"\n" * 70 + b"\n", id="lines without end"),
        pytest.param(b"\xff\x00" * 500, id="bytes"),
    ],
)
def test_what_is_no_request(asked: Asked, body: bytes) -> None:
    """Malformed requests are sent to break the witness or its memory."""
    assert asked.post(body)[0] == 400


def test_the_memory_of_the_witness_is_deleted(world: World, tmp_path: Path) -> None:
    """Somebody deletes the witness's memory: it refuses to go on, for it would cosign any history."""
    enrolled = call(world.capsys, "witness", "enroll", str(tmp_path / "memory"), "--log", LOG.vkey)
    assert enrolled.code == 0
    (tmp_path / "memory" / state_path(ORIGIN)).unlink()
    run = ("witness", "run", str(tmp_path / "memory"), "--name", WITNESS.name, "--key", world.key("witness"))
    refused = call(world.capsys, *run, "--log", LOG.vkey, "--listen", "127.0.0.1:0")
    assert (refused.code, f"the witness has no memory of {ORIGIN}" in refused.err) == (2, True)


def test_the_memory_of_the_witness_is_edited(world: World, tmp_path: Path) -> None:
    """Somebody writes an older checkpoint of their own into the witness's memory: the witness did not cosign that."""
    memory = tmp_path / "memory"
    call(world.capsys, "witness", "enroll", str(memory), "--log", LOG.vkey)
    text = Checkpoint(ORIGIN, 3, root(3, FORKED)).text
    forged = Note(text, (sign(text, Signer(LOG, private("log").sign)),)).encode()
    (memory / state_path(ORIGIN)).write_bytes(forged)
    run = ("witness", "run", str(memory), "--name", WITNESS.name, "--key", world.key("witness"), "--log", LOG.vkey)
    refused = call(world.capsys, *run, "--listen", "127.0.0.1:0")
    assert (refused.code, "that this witness cosigned" in refused.err) == (2, True)
