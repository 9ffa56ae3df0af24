"""A scanner's key signs what nobody can recompute, and results are hidden from whoever verifies a folder of them.

The attacker holds the key of the scanner `ci` and the folder of results. What a result says is recomputed, compared or
told to be the scanner's word; what lies in a folder is verified or named.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from attack.world import edit, moment, said, sign
from xspm.app.attest import ASSESSMENT, EVIDENCE, SNAPSHOT, SUMMARY, TEST_RESULT
from xspm.contract.attestation import decode_assessment_text, encode_summary, encode_test_result
from xspm.contract.envelope import Envelope, decode_envelope
from xspm.model.asset import decode_snapshot, encode_snapshot
from xspm.model.digest import digest_bytes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from attack.world import World


def again(result: Path, **changed: Any) -> None:
    """Edit what both statements say as the scanner's own tool would: all four of them fit each other."""
    same = {name: value for name, value in changed.items() if name in {"collected_at", "previous"}}
    edit(result / SNAPSHOT, lambda one: one["predicate"].update(same), "ci")

    def follow(one: Any) -> None:
        one["predicate"]["snapshot"] = decode_envelope((result / SNAPSHOT).read_bytes(), "x").digest
        one["predicate"].update({name: value for name, value in changed.items() if name != "previous"})

    edit(result / ASSESSMENT, follow, "ci")
    statement = (result / ASSESSMENT).read_bytes()
    envelope = decode_envelope(statement, "x")
    about, text = decode_assessment_text(envelope.payload, "x")
    for name, payload in (
        (TEST_RESULT, encode_test_result(about, text)),
        (SUMMARY, encode_summary(about, text, digest_bytes(envelope.payload))),
    ):
        (result / name).write_bytes(sign(Envelope(payload), "ci").encode())


def test_honest_edit_of_nothing(world: World) -> None:
    """Nobody attacks: the same statements signed again verify without a word."""
    again(world.signed())
    code, results = world.looked()
    assert code == 0
    assert results[0]["notes"] == []


def test_severity_of_a_check_without_a_verdict(world: World) -> None:
    """A severity is signed for a check that nobody asked, so that its absence looks like a choice."""
    result = world.signed()
    again(result, severities={"acme.ghost": "low", "own.is_known": "high", "own.is_known_low": "low"})
    assert world.differs() == "acme.ghost: severity recorded low, and there is no verdict of it"


def test_another_engine_than_was_used(world: World) -> None:
    """The result says that the slower, independent engine judged it; nobody can tell, and that is said."""
    result = world.signed()
    edit(result / ASSESSMENT, lambda one: one["predicate"]["engine"].update(name="reference"), "ci")
    again(result)
    code, (found,) = world.looked()
    assert (code, found["notes"]) == (0, ["judged by the reference engine, as it says"])


def test_invented_result_before(world: World) -> None:
    """A lone result names one before it that never was, to look like one of a long row."""
    again(world.signed(), previous="sha256:" + "7" * 64)
    code, (found,) = world.looked()
    assert code == 0
    assert found["notes"] == [f"the one before it, sha256:{'7' * 64}, is not among those given"]


@pytest.mark.parametrize("junk", ["", "none", "sha256:7"])
def test_result_before_that_is_no_digest(world: World, junk: str) -> None:
    """The name of the result before is something that no reader could ever look for."""
    again(world.signed(), previous=junk)
    assert "which is no digest" in world.differs()


def test_result_of_long_ago(world: World) -> None:
    """A result is dated years back under the contract of today, before anybody could have agreed to it."""
    result = world.signed()
    redate(result, moment(-24 * 700))
    code, (found,) = world.looked()
    assert code == 0, found
    assert any("700 days old by its scanner's word: only the ledger shows" in note for note in found["notes"]), found


def redate(result: Path, when: str) -> None:
    """Date the evidence and all statements of a result."""
    path = result / EVIDENCE
    data = encode_snapshot(msgspec.structs.replace(decode_snapshot(path.read_bytes()), collected_at=when))
    path.write_bytes(data)
    edit(result / SNAPSHOT, lambda one: one["predicate"].update(file=digest_bytes(data)), "ci")
    again(result, collected_at=when)


def test_line_of_its_own_in_what_verify_says(world: World) -> None:
    """A target that could not be read is signed with a line end in its name, to add a line to what the reader sees."""
    again(world.signed(), failures=["host:a\nverified  host:db-1 2026-01-01T00:00:00Z", "b\x1b[2J\u202e"])
    outcome = world.verify()
    assert outcome.code == 0
    assert [line for line in outcome.out.splitlines() if line.startswith("verified")] == outcome.out.splitlines()[:1]
    assert "\\nverified host:db-1" in said(outcome)


def behind(result: Path) -> None:
    away = result.parents[3] / "away"
    shutil.move(result, away)
    result.symlink_to(away)


HIDDEN: dict[str, Callable[[Path], object]] = {
    "in a hidden folder": lambda result: result.rename(result.parent / ".red.part"),
    "in a hidden folder of its own": lambda result: result.parent.rename(result.parent.parent / ".old"),
    "inside of another result": lambda result: shutil.move(result, min(result.parent.iterdir()) / "more"),
    "behind a link": behind,
}


@pytest.mark.parametrize("how", HIDDEN, ids=lambda one: one.replace(" ", "-"))
def test_result_hidden_in_the_folder(world: World, how: str) -> None:
    """A forged result is laid where a reader of the whole folder might pass it over, with a good one beside it."""
    good = world.signed()
    bad = good.parent / "29991231T000000Z-000000000000"
    shutil.copytree(good, bad)
    edit(bad / ASSESSMENT, lambda one: one["predicate"].update(problems=7))
    HIDDEN[how](bad)
    code, found = world.looked()
    assert (code, sorted(one["state"] for one in found)) == (1, ["differs", "verified"])


def test_link_to_a_folder_of_results(world: World) -> None:
    """A whole folder of results is moved behind a link: it is named as not looked at."""
    good = world.signed()
    away = world.base / "away"
    shutil.copytree(good.parent, away)
    (world.results / "link").symlink_to(away)
    code, found = world.looked()
    assert (code, sorted(one["state"] for one in found)) == (2, ["unverifiable", "verified"])
    assert "a link to another folder: not looked into" in said(world.verify())
