"""A result is worth what can be recomputed: in hypothesis' hands too, no edit of a statement goes unseen."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from parties import sign
from resulting import NOW, Place, edit, manifest, payload, place, results
from xspm.app import results as finding
from xspm.app.attest import ASSESSMENT, EVIDENCE, SNAPSHOT, STATEMENTS
from xspm.app.recompute import compare
from xspm.app.results import find, read
from xspm.app.verify import Verifier
from xspm.contract.attestation import Excepted, decode_assessment_text
from xspm.contract.envelope import Envelope, decode_envelope
from xspm.errors import ContractError, UsageError
from xspm.model.digest import Digest, canonical, digest_bytes

if TYPE_CHECKING:
    from pathlib import Path

    from xspm.app.verified import Verified


class Made:
    """One result that verifies."""

    def __init__(self, folder: Path) -> None:
        self.at: Place = place(folder / "contract")
        (self.result,) = results(self.at, manifest(folder / "pods.yaml", "web", "db"), folder / "results")

    def verify(self, now: str = NOW, **more: Any) -> Verified:
        (found,) = Verifier(self.at.trusted(now), now, **more).verify([self.result], lambda _text: None)
        return found


@pytest.fixture
def made(tmp_path: Path) -> Made:
    return Made(tmp_path)


def test_a_result_that_verifies(made: Made) -> None:
    found = made.verify(engine="both")
    assert (found.state, found.differences, found.problem, found.notes) == ("verified", (), "", ())
    assert (found.scanner, found.operator, found.contract_version, found.verdicts) == ("ci", "security", 1, 4)
    assert (found.gate, found.fail_on, found.engines) == ("fail", "high", ("xspm", "reference"))


@pytest.mark.parametrize("engine", ["xspm", "reference"])
def test_what_the_reference_engine_said_verifies_by_either(made: Made, engine: str) -> None:
    (again,) = results(
        made.at,
        manifest(made.result.parents[2] / "more.yaml", "web"),
        made.result.parents[2] / "more",
        engine="reference",
    )
    made.result = again
    assert made.verify(engine=engine).state == "verified"


def paths(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [here, *(path for key, one in inner for path in paths(one, (*here, key)))]


def put(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    for key in path[:-1]:
        value = value[key]
    value[path[-1]] = new
    return None


JUNK = st.one_of(st.none(), st.booleans(), st.integers(-5, 5), st.text(max_size=5), st.just({}), st.just([]))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_no_single_edit_that_the_scanner_signs_goes_unseen(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """What may be edited unseen is what only the scanner knows, and nothing of it makes a verdict."""
    base = _BASE.get("made") or _BASE.setdefault("made", Made(tmp_path_factory.mktemp("base")))
    folder = tmp_path_factory.mktemp("edited")
    shutil.copytree(base.result, folder, dirs_exist_ok=True)
    name = data.draw(st.sampled_from(STATEMENTS))
    statement = payload(folder / name)
    path = data.draw(st.sampled_from(paths(statement)))
    new = data.draw(JUNK)
    before = canonical(statement)
    statement = put(statement, path, new) or statement
    after = canonical(statement)
    (folder / name).write_bytes(sign(Envelope(after), "ci").encode())
    (found,) = Verifier(base.at.trusted(), NOW).verify([folder], lambda _text: None)
    free = name == ASSESSMENT and path == ("predicate", "failures")
    if after == before:
        assert found.state == "verified"
    elif not free:
        assert found.state in {"differs", "unverifiable"}, (name, path, new)


_BASE: dict[str, Made] = {}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_no_byte_of_the_evidence_can_change(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    base = _BASE.get("made") or _BASE.setdefault("made", Made(tmp_path_factory.mktemp("base")))
    folder = tmp_path_factory.mktemp("edited")
    shutil.copytree(base.result, folder, dirs_exist_ok=True)
    content = bytearray((folder / EVIDENCE).read_bytes())
    index = data.draw(st.integers(0, len(content) - 1))
    content[index] ^= data.draw(st.integers(1, 255))
    (folder / EVIDENCE).write_bytes(content)
    (found,) = Verifier(base.at.trusted(), NOW).verify([folder], lambda _text: None)
    assert found.state == "differs"


@pytest.mark.parametrize(
    "nasty",
    [
        '{"a":' * 150 + "1" + "}" * 150,
        '{"a": 123456789012345678901234567890}',
        '{"a": 1e400}',
        '{"a": "\\ud800"}',
        '{"$unknown": 7}',
        '{"name": {"$unknown": "x"}}',
    ],
)
def test_nasty_evidence_that_a_scanner_signed_ends_in_one_line(made: Made, nasty: str) -> None:
    snapshot = json.loads((made.result / EVIDENCE).read_bytes())
    snapshot["resources"][0]["data"] = "@@"
    data = json.dumps(snapshot).replace('"@@"', nasty).encode()
    (made.result / EVIDENCE).write_bytes(data)
    edit(made.result / SNAPSHOT, lambda one: one["predicate"].update(file=digest_bytes(data)), "ci")
    found = made.verify()
    assert found.state == "differs"
    assert "\n" not in found.problem


def test_a_key_that_left_the_contract_is_told(made: Made) -> None:
    scanners = {"ops": made.at.first.terms.scanners["ops"]}
    made.at.next(scanners=scanners)
    assert made.verify().notes[1] == "the key of the scanner ci is no longer in the contract"


def test_an_expired_version(made: Made) -> None:
    """The version had expired when the scanner signed by it."""
    old = place(made.result.parents[2] / "old", expires="2026-05-31")
    at_the_time = old.trusted("2026-05-30T00:00:00Z")
    (made.result,) = results(
        old, manifest(made.result.parents[2] / "a.yaml", "web"), made.result.parents[2] / "r", trusted=at_the_time
    )
    (found,) = Verifier(at_the_time, NOW).verify([made.result], lambda _text: None)
    assert [one.what for one in found.differences] == ["version 1 of the contract had expired on 2026-05-31"]


def test_compare_says_each_field_once(made: Made) -> None:
    envelope = decode_envelope((made.result / ASSESSMENT).read_bytes(), "x")
    _, text = decode_assessment_text(envelope.payload, "x")
    assert list(compare(text, text, "xspm")) == []
    nowhere = (Excepted("own.is_known", "t", "nowhere", Digest("sha256:0")),)
    odd = msgspec.structs.replace(text, excepted=nowhere, exceptions=(Digest("b"), Digest("a")))
    assert [one.what for one in compare(odd, text, "xspm")] == [
        "own.is_known on t nowhere: exception recorded sha256:0, recomputed none",
        "an exception is listed twice, or out of order",
    ]


def test_results_are_found_below_folders_hidden_ones_and_other_results(tmp_path: Path) -> None:
    for name in ("a/b/c", "a/.d.part", "z", "a/b/c/deeper"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / SNAPSHOT).touch()
    below = [tmp_path / name for name in ("a/.d.part", "a/b/c", "a/b/c/deeper")]
    assert find([str(tmp_path)]) == [*below, tmp_path / "z"]
    assert find([str(tmp_path / "z"), str(tmp_path)]) == [tmp_path / "z", *below]


def test_a_link_to_a_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / SNAPSHOT).touch()
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "link").symlink_to(tmp_path / "a")
    assert find([str(tmp_path / "c")]) == [tmp_path / "c" / "link"]
    with pytest.raises(ContractError, match="not looked into"):
        read(tmp_path / "c" / "link")


@pytest.mark.parametrize(
    ("limit", "complaint"), [("MAX_RESULTS", "more than 1 results"), ("_MAX_ENTRIES", "files below")]
)
def test_too_many_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, complaint: str) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
        (tmp_path / name / SNAPSHOT).touch()
    monkeypatch.setattr(finding, limit, 1)
    with pytest.raises(UsageError, match=complaint):
        find([str(tmp_path)])


def test_no_result_is_passed_over_for_lying_deep(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["d"] * 20)
    deep.mkdir(parents=True)
    (deep / EVIDENCE).touch()
    assert find([str(tmp_path)]) == [deep]
    (deep / EVIDENCE).unlink()
    (deep / "e").mkdir()
    with pytest.raises(UsageError, match="more than 20 deep"):
        find([str(tmp_path)])


def test_a_folder_that_cannot_be_read_is_not_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(path: str) -> None:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr("os.scandir", denied)
    with pytest.raises(UsageError, match="cannot be read: Permission denied"):
        find([str(tmp_path)])


def test_a_result_without_a_statement(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="is missing"):
        read(tmp_path)
