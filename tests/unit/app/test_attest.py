"""What is signed is one whole folder, by a scanner, for its own assets, of what the contract says; or nothing at all."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parties import public
from resulting import AT, KNOWN, Key, Place, asset_of, evidence, except_, manifest, payload, place, results
from xspm.app import attest as module
from xspm.app.agreed import under
from xspm.app.attest import (
    ASSESSMENT,
    EVIDENCE,
    SNAPSHOT,
    STATEMENTS,
    SUMMARY,
    TEST_RESULT,
    attest,
    check_may_sign,
    safe_name,
)
from xspm.app.scan import Request, collect, report
from xspm.contract import folder as folder_layout
from xspm.contract.folder import read_envelope
from xspm.contract.terms import Degraded, Scanner
from xspm.errors import ContractError
from xspm.model.asset import decode_snapshot
from xspm.model.digest import digest_bytes
from xspm.model.verdict import ExceptionRef, Failure

if TYPE_CHECKING:
    from xspm.model.asset import Snapshot
    from xspm.model.verdict import Run

DB = "default/Pod/pod-db/container/db"


@pytest.fixture
def at(tmp_path: Path) -> Place:
    return place(tmp_path / "contract")


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return manifest(tmp_path / "pods.yaml", "web", "db")


def ran(at: Place, target: Path, **more: Any) -> tuple[Snapshot, Run]:
    """A run under the contract that is not signed yet."""
    in_force, reference = under(at.trusted(), AT, cached=False)
    request = Request((str(target),), in_force, contract=reference)
    read = collect(request, lambda _text: None)
    snapshot = msgspec.structs.replace(read.snapshots[0], collected_at=AT, **more)
    return snapshot, report(request, [snapshot], started=AT)


def sign(at: Place, found: Snapshot, run: Run, folder: Path, **more: Any) -> list[Path]:
    assessment = msgspec.structs.replace(run.assessments[0], **more)
    return attest([(found, assessment)], run, at.trusted(), Key("ci"), folder)


def test_a_result_is_five_files_that_name_each_other(at: Place, target: Path, tmp_path: Path) -> None:
    (made,) = results(at, target, tmp_path / "r")
    assert sorted(path.name for path in made.iterdir()) == sorted([EVIDENCE, *STATEMENTS])
    data = (made / EVIDENCE).read_bytes()
    snapshot = decode_snapshot(data)
    assert made.name == f"20260601T120000Z-{snapshot.digest[7:19]}"
    assert made.parent.name == safe_name(snapshot.asset.id)
    said = payload(made / SNAPSHOT)
    assert said["subject"] == [{"name": snapshot.asset.id, "digest": {"sha256": snapshot.digest[7:]}}]
    assert said["predicate"] == {
        "scanner": "ci",
        "file": digest_bytes(data),
        "collected_at": AT,
        "connector": "kubernetes",
        "resources": {kind: snapshot_count(snapshot, kind) for kind in snapshot.resource_types},
        "problems": 0,
        "contract": at.root,
        "xspm": said["predicate"]["xspm"],
        "previous": None,
    }
    judged = payload(made / ASSESSMENT)["predicate"]
    assert judged["snapshot"] == read_envelope(made / SNAPSHOT).digest
    assert (judged["contract"], judged["contract_version"]) == (at.root, 1)
    inputs = payload(made / SUMMARY)["predicate"]["inputAttestations"]
    assert [f"sha256:{one['digest']['sha256']}" for one in inputs] == [
        read_envelope(made / name).digest for name in (SNAPSHOT, ASSESSMENT)
    ]
    assert payload(made / TEST_RESULT)["predicate"]["result"] == "FAILED"


def snapshot_count(snapshot: Snapshot, kind: str) -> int:
    return sum(resource.type == kind for resource in snapshot.resources)


def test_each_result_names_the_one_before_it(at: Place, target: Path, tmp_path: Path) -> None:
    times = ("2026-06-01T12:00:00Z", "2026-06-01T14:00:00Z", "2026-06-01T13:00:00Z")
    made = [results(at, target, tmp_path / "r", when=when)[0] for when in times]
    first = read_envelope(made[0] / SNAPSHOT).digest
    assert [payload(one / SNAPSHOT)["predicate"]["previous"] for one in made] == [None, first, first]


def test_a_result_is_never_written_over(at: Place, target: Path, tmp_path: Path) -> None:
    results(at, target, tmp_path / "r")
    with pytest.raises(ContractError, match="there already"):
        results(at, target, tmp_path / "r")
    assert [path.name for path in (tmp_path / "r").glob("*/.*")] == []


@pytest.mark.parametrize(
    ("key", "complaint"), [("alice", "a person of security: only scanners sign results"), ("mallory", "nobody in")]
)
def test_nobody_but_a_scanner(at: Place, target: Path, tmp_path: Path, key: str, complaint: str) -> None:
    with pytest.raises(ContractError, match=complaint):
        results(at, target, tmp_path / "r", scanner=key)
    with pytest.raises(ContractError, match=complaint):
        check_may_sign(at.trusted(), public(key))
    assert not (tmp_path / "r").exists()
    assert check_may_sign(at.trusted(), public("ci")) == "ci"


def test_one_foreign_asset_among_many_and_nothing_is_written(tmp_path: Path, target: Path) -> None:
    at = place(tmp_path / "contract", scanners={"ci": Scanner((public("ci"),), ("*pods.yaml",), "security")})
    good, run = ran(at, target)
    other = manifest(tmp_path / "other.yaml", "web")
    bad, other_run = ran(at, other)
    pairs = [(good, run.assessments[0]), (bad, other_run.assessments[0])]
    with pytest.raises(ContractError, match=r"the scanner ci may sign for \*pods.yaml .* not for .*other.yaml"):
        attest(pairs, run, at.trusted(), Key("ci"), tmp_path / "r")
    assert not (tmp_path / "r").exists()
    assert len(sign(at, good, run, tmp_path / "r")) == 1


@pytest.mark.parametrize(
    ("more", "complaint"),
    [({"collected_at": "2026-06-01T13:00:00Z"}, "is of other evidence"), ({"snapshot": "sha256:0"}, "is of other evidence")],
)  # fmt: skip
def test_an_assessment_of_other_evidence(
    at: Place, target: Path, tmp_path: Path, more: dict[str, Any], complaint: str
) -> None:
    snapshot, run = ran(at, target)
    with pytest.raises(ContractError, match=complaint):
        sign(at, snapshot, run, tmp_path / "r", **more)


def test_a_time_that_is_none(at: Place, target: Path, tmp_path: Path) -> None:
    snapshot, run = ran(at, target)
    odd = msgspec.structs.replace(snapshot, collected_at="../../etc")
    with pytest.raises(ContractError, match="is no time"):
        sign(at, odd, run, tmp_path / "r", collected_at="../../etc")


def test_two_resources_of_one_name(at: Place, target: Path, tmp_path: Path) -> None:
    snapshot, run = ran(at, target)
    twice = (*run.assessments[0].verdicts, run.assessments[0].verdicts[0])
    with pytest.raises(ContractError, match="two resources go by one name"):
        sign(at, snapshot, run, tmp_path / "r", verdicts=twice)


def test_an_exception_that_nobody_signed(at: Place, target: Path, tmp_path: Path) -> None:
    snapshot, run = ran(at, target)
    reference = ExceptionRef("because", "mallory", "2027-01-01")
    lifted = tuple(msgspec.structs.replace(one, exception=reference) for one in run.assessments[0].verdicts)
    with pytest.raises(ContractError, match="is excepted, and no exception signed under the contract covers it"):
        sign(at, snapshot, run, tmp_path / "r", verdicts=lifted)
    assert not (tmp_path / "r").exists()


def test_an_exception_that_the_run_left_out(at: Place, target: Path, tmp_path: Path) -> None:
    asset = asset_of(results(at, target, tmp_path / "before")[0])
    except_(at, asset, DB)
    snapshot, run = ran(at, target)
    plain = tuple(msgspec.structs.replace(one, exception=None) for one in run.assessments[0].verdicts)
    with pytest.raises(ContractError, match="is not excepted, though one is in force"):
        sign(at, snapshot, run, tmp_path / "r", verdicts=plain)


def test_exceptions_are_named_whether_or_not_they_cover(at: Place, target: Path, tmp_path: Path) -> None:
    asset = asset_of(results(at, target, tmp_path / "before")[0])
    named = [except_(at, asset, DB), except_(at, asset, "elsewhere")]
    except_(at, "host:other", DB)
    (made,) = results(at, target, tmp_path / "r")
    judged = payload(made / ASSESSMENT)["predicate"]
    assert judged["exceptions"] == sorted(read_envelope(path).digest for path in named)
    assert judged["excepted"] == [
        {"check": KNOWN, "type": "k8s.container", "id": DB, "exception": read_envelope(named[0]).digest}
    ]


def test_a_run_without_a_contract_of_its_own_takes_all_in_force(at: Place, target: Path, tmp_path: Path) -> None:
    snapshot, run = ran(at, target)
    (made,) = sign(at, snapshot, msgspec.structs.replace(run, contract=None), tmp_path / "r")
    assert payload(made / ASSESSMENT)["predicate"]["exceptions"] == []


def test_a_run_under_another_version(at: Place, target: Path, tmp_path: Path) -> None:
    snapshot, run = ran(at, target)
    at.next()
    with pytest.raises(ContractError, match="the run was held under"):
        sign(at, snapshot, run, tmp_path / "r")


def test_a_contract_without_policies(target: Path, at: Place, tmp_path: Path) -> None:
    snapshot, run = ran(at, target)
    bare = place(tmp_path / "bare", policies=None)
    with pytest.raises(ContractError, match="no policies in force"):
        sign(bare, snapshot, run, tmp_path / "r")


def test_what_the_run_could_not_read_is_told(at: Place, target: Path, tmp_path: Path) -> None:
    snapshot, run = ran(at, target)
    failed = msgspec.structs.replace(run, failures=(Failure("ssh://web-1", "no route"),))
    (made,) = sign(at, snapshot, failed, tmp_path / "r")
    assert payload(made / ASSESSMENT)["predicate"]["failures"] == ["ssh://web-1: no route"]


@pytest.mark.parametrize(("until", "said"), [("2026-06-01", True), ("2026-05-31", False)])
def test_the_degraded_mode_is_told_while_it_lasts(
    at: Place, target: Path, tmp_path: Path, until: str, *, said: bool
) -> None:
    at.next(degraded=Degraded("few", until, "2026-05-15"))
    (made,) = results(at, target, tmp_path / "r")
    assert (payload(made / ASSESSMENT)["predicate"]["degraded"] is not None) is said


@pytest.mark.parametrize(
    ("limit", "complaint"), [("MAX_EVIDENCE", "can be verified"), ("MAX_ENVELOPE", "any envelope")]
)
def test_what_is_too_large_to_verify_is_not_signed(  # noqa: PLR0917 - fixtures and a table
    at: Place, target: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, complaint: str
) -> None:
    monkeypatch.setattr(module, limit, 100)
    with pytest.raises(ContractError, match=complaint):
        results(at, target, tmp_path / "r")
    assert list((tmp_path / "r").glob("*/*")) == []


def test_evidence_that_is_no_json(at: Place, target: Path, tmp_path: Path) -> None:
    snapshot, run = ran(at, target, connector="\ud800")
    with pytest.raises(ContractError, match="cannot be written as JSON"):
        sign(at, snapshot, run, tmp_path / "r")


def test_where_nothing_can_be_written(at: Place, target: Path, tmp_path: Path) -> None:
    (tmp_path / "r").write_text("a file", encoding="utf-8")
    with pytest.raises(ContractError, match="cannot be"):
        results(at, target, tmp_path / "r")


def test_a_disk_that_fails_leaves_nothing(
    at: Place, target: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trusted = at.trusted()

    def fail(path: Path, _data: bytes) -> None:
        if path.name == SUMMARY:
            raise ContractError("cannot be written: No space left on device", file=str(path))

    monkeypatch.setattr(folder_layout, "write", fail)
    with pytest.raises(ContractError, match="No space left"):
        results(at, target, tmp_path / "r", trusted=trusted)
    assert list((tmp_path / "r").glob("*/*")) == []
    assert list((tmp_path / "r").glob("*/.*")) == []


@pytest.mark.parametrize(
    ("asset", "name"),
    [
        ("host:web-1", "host%3Aweb-1"),
        ("../../etc", "%2E.%2F..%2Fetc"),
        (".", "%2E"),
        ("a~b", "a%7Eb"),
        ("\ud800", "%ED%A0%80"),
        ("", "%"),
    ],
)
def test_names_of_folders(asset: str, name: str) -> None:
    assert safe_name(asset) == name


@given(st.lists(st.text(st.characters(), max_size=200), min_size=2, max_size=8, unique=True))
def test_each_asset_has_a_folder_of_its_own(assets: list[str]) -> None:
    names = [safe_name(asset) for asset in assets]
    assert len(set(names)) == len(names)
    for name in names:
        assert Path(name).name == name
        assert len(name) < 200
        assert not name.startswith(".")


def test_evidence_is_kept_as_it_was_collected(at: Place, target: Path, tmp_path: Path) -> None:
    (made,) = results(at, target, tmp_path / "r")
    assert {one["id"] for one in evidence(made)["resources"] if one["type"] == "k8s.container"} == {
        DB,
        "default/Pod/pod-web/container/web",
    }
