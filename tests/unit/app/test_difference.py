"""Comparing the bundles that a contract names, and whose signatures that asks for."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from house import snapshot
from parties import NOW, after, keep, link, terms
from xspm.app import difference
from xspm.app.trust import open_contract
from xspm.contract.folder import bundle_path, write
from xspm.contract.terms import Bundle as Named
from xspm.errors import ContractError, PolicyError, UsageError, XspmError
from xspm.model.asset import encode_snapshot
from xspm.model.digest import Digest
from xspm.policy import library
from xspm.policy.bundle import Bundle, decode_bundle, encode_bundle
from xspm.policy.difference.interface import Change, Difference
from xspm.policy.folder import Folder

if TYPE_CHECKING:
    from collections.abc import Callable

    from xspm.model.check import Check, Example

CHECK = "checks/linux/password/new_password_change_is_delayed.yaml"
POLICY = "title: P\nversion: '1'\ninclude: [{checks: ['*']}]\n"
RULES: dict[Any, Any] = {
    "accept_contract": {"security": 2, "platform": 1},
    "publish_policy": {"security": 2},
    "weaken_policy": {"security": 2, "platform": 2},
}


@cache
def _text() -> str:
    return Path(library.CONTENT, CHECK).read_text()


def _data(**replaced: str) -> bytes:
    text = _text()
    for old, new in replaced.items():
        found = {"least": "default: 1", "title": "title: "}[old]
        assert found in text
        text = text.replace(found, new)
    files = {CHECK: text.encode(), "policies/p.yaml": POLICY.encode()}
    return encode_bundle([Folder("xspm", files, shipped=True)], ["p"])


def _named(folder: Path, version: int, data: bytes) -> Named:
    digest = decode_bundle(data, "x").digest
    write(bundle_path(folder, digest), data)
    return Named(version, digest)


@pytest.fixture(autouse=True)
def _state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def test_the_bundles_of_two_versions(tmp_path: Path) -> None:
    old, new = _named(tmp_path, 1, _data()), _named(tmp_path, 2, _data(least="default: 0"))
    check = "linux.password.new_password_change_is_delayed"
    proof = "old example fail 1: fail before, pass now"
    assert difference.describe(tmp_path, old, new).changes == (
        Change("weakened", check, "minimum_days is 0, was 1", proof),
    )
    assert [change.kind for change in difference.describe(tmp_path, new, old).changes] == ["strengthened"]


def test_the_same_bundle_under_another_number(tmp_path: Path) -> None:
    old = _named(tmp_path, 1, _data())
    assert difference.describe(tmp_path, old, msgspec.structs.replace(old, version=2)) == Difference(())


def test_policies_come_and_go(tmp_path: Path) -> None:
    one = _named(tmp_path, 1, _data())
    assert [change.kind for change in difference.describe(tmp_path, None, one).changes] == ["added"]
    assert difference.describe(tmp_path, None, None) == Difference(())
    assert difference.describe(tmp_path, one, None).weaker


def _missing(_folder: Path) -> Named:
    return Named(2, Digest(f"sha256:{'0' * 64}"))


def _forged(folder: Path) -> Named:
    named = _named(folder, 2, _data(title="title: Still "))
    path = bundle_path(folder, named.digest)
    path.write_bytes(_data())
    return named


def _broken(folder: Path) -> Named:
    return _named(folder, 2, _data().replace(b"resource.installed", b"resource.instaled"))


def _no_bundle(folder: Path) -> Named:
    path = folder / "x"
    path.write_bytes(b"{}")
    from xspm.model.digest import digest_bytes  # noqa: PLC0415

    named = Named(2, digest_bytes(b"{}"))
    write(bundle_path(folder, named.digest), b"{}")
    return named


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (_missing, "is not here"),
        (_forged, "it was changed"),
        (_broken, "no field 'instaled'"),
        (_no_bundle, "not a policy bundle"),
    ],
)
def test_what_cannot_be_compared_is_weaker(tmp_path: Path, make: Callable[[Path], Named], complaint: str) -> None:
    old = _named(tmp_path, 1, _data())
    new = make(tmp_path)
    with pytest.raises(XspmError, match=complaint):
        difference.describe(tmp_path, old, new)
    judged = difference.weakens(tmp_path)
    assert judged(terms(policies=old), terms(policies=new))
    assert judged(terms(policies=new), terms(policies=old))


@pytest.mark.parametrize(("least", "accepted"), [("default: 2", True), ("default: 0", False)])
def test_a_weaker_bundle_needs_more_signatures(tmp_path: Path, least: str, accepted: bool) -> None:  # noqa: FBT001 - a table
    folder = tmp_path / "contract"
    signed = ("alice", "bob", "dave")
    first = link(terms(rules=RULES, policies=_named(folder, 1, _data())), *signed)
    second = after(first, *signed, policies=_named(folder, 2, _data(least=least)))
    keep(folder, [first, second])
    if accepted:
        assert open_contract(str(folder), first.digest, NOW).terms.version == 2
        return
    with pytest.raises(ContractError, match="version 2 is not in force: weaken_policy by the rules of version 1"):
        open_contract(str(folder), first.digest, NOW)
    (folder / "versions" / "0002.dsse.json").unlink()
    keep(folder, [after(first, *signed, "erin", policies=second.terms.policies)])
    assert open_contract(str(folder), first.digest, NOW).terms.version == 2


def test_nothing_is_compared_where_no_more_signatures_would_be_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By default every new policy needs the signatures of both parties."""
    monkeypatch.setattr(difference, "weakens", None)
    signed = ("alice", "bob", "dave")
    first = link(terms(policies=_named(tmp_path, 1, _data())), *signed)
    keep(tmp_path, [first, after(first, *signed, policies=_missing(tmp_path))])
    assert open_contract(str(tmp_path), first.digest, NOW).terms.version == 2


def test_sides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = tmp_path / "content"
    for path, text in ((CHECK, _text()), ("policies/linux-hardening.yaml", POLICY)):
        (content / path).parent.mkdir(parents=True, exist_ok=True)
        (content / path).write_text(text)
    monkeypatch.setattr(library, "CONTENT", str(content))
    monkeypatch.setattr(difference, "DEFAULT_POLICIES", ("linux-hardening",))
    own = tmp_path / "own"
    (own / "policies").mkdir(parents=True)
    (own / "policies" / "mine.yaml").write_text(POLICY)
    bundle = tmp_path / "one.json"
    bundle.write_bytes(_data())

    def policies(text: str) -> tuple[str, ...]:
        found: Bundle = difference.side(text)
        return found.policies

    assert policies("shipped") == ("linux-hardening",)
    assert policies(str(own)) == ("mine",)
    assert policies(str(own / "policies" / "mine.yaml")) == ("mine",)
    assert policies(str(bundle)) == ("p",)
    (own / "policies" / "mine.yaml").unlink()
    (own / "checks").mkdir()
    (own / "checks" / "c.yaml").write_text(_text())
    assert policies(str(own)) == ("linux-hardening",)
    with pytest.raises(PolicyError, match="no such policy folder or file"):
        difference.side(str(tmp_path / "nothing"))


def test_recorded_evidence(tmp_path: Path) -> None:
    file = tmp_path / "a" / "b" / "snapshot.json"
    file.parent.mkdir(parents=True)
    file.write_bytes(encode_snapshot(snapshot()))
    (file.parent / "assessment.json").write_text("{}")
    assert difference.recorded([str(file), str(tmp_path)]) == [snapshot(), snapshot()]
    named = file.rename(file.with_name("other.json"))
    assert difference.recorded([str(named)]) == [snapshot()]


@pytest.mark.parametrize(("text", "complaint"), [("{}", "not a recorded snapshot"), ("[" * 9999, "not a recorded")])
def test_what_is_no_evidence(tmp_path: Path, text: str, complaint: str) -> None:
    file = tmp_path / "x.json"
    file.write_text(text)
    with pytest.raises(UsageError, match=complaint):
        difference.recorded([str(tmp_path)])
    file.unlink()
    with pytest.raises(UsageError, match=r"no recorded snapshots \(\*\.json\) here"):
        difference.recorded([str(tmp_path)])
    for name in (str(file), "x" * 5000, "\0"):
        with pytest.raises(UsageError):
            difference.recorded([name])


def test_an_example_in_no_form_of_its_connector_shows_nothing(tmp_path: Path) -> None:
    """Its own author is told by `xspm check test`."""
    old, new = (
        _named(tmp_path, number, _data(least=f"default: {number}").replace(b"host:", b"hose:")) for number in (2, 1)
    )
    found = difference.describe(tmp_path, old, new)
    assert [(change.kind, change.proof) for change in found.changes] == [("weakened", "")]


def test_an_example_that_breaks_a_connector_shows_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Examples of a stranger's bundle go through connectors."""

    def broken(_check: Check, _example: Example, _content: object) -> None:
        raise KeyError("x")

    monkeypatch.setattr("xspm.app.examples.evidence", broken)
    old, new = _named(tmp_path, 1, _data()), _named(tmp_path, 2, _data(least="default: 0"))
    found = difference.describe(tmp_path, old, new)
    assert [(change.kind, change.proof) for change in found.changes] == [("weakened", "")]
