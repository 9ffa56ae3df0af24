"""`xspm drift` and `xspm approve` as people use them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from agreement import ASSET, LATER, Agreement
from commandline import assert_calm, assert_refused, call
from xspm.contract.terms import Degraded, Owned

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Make = Callable[..., Agreement]

SEEN = "2026-06-02T12:00:00Z"


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Make:
    return lambda **more: Agreement(tmp_path, monkeypatch, capsys, **more)


def test_without_a_contract(make: Make, capsys: pytest.CaptureFixture[str]) -> None:
    world = make()
    same = call(capsys, "drift", world.snapshot("a"), world.snapshot("a", SEEN))
    assert (same.code, same.out.splitlines()[0]) == (0, f"{ASSET}: no change")
    changed = call(capsys, "drift", world.snapshot("a"), world.snapshot("b", SEEN))
    assert (changed.code, changed.out.splitlines()[0]) == (0, f"{ASSET}: change")
    assert '  permit_root_login: "a" -> "b"' in changed.out.splitlines()
    said = json.loads(call(capsys, "drift", world.snapshot("a"), world.snapshot("b", SEEN), "-o", "json").out)
    assert said["drift"]["changes"][0]["fields"][0] == {
        "kind": "changed", "path": "permit_root_login", "before": "a", "after": "b"
    }  # fmt: skip


def test_a_folder_of_results(make: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    world = make()
    for day, value in (("monday", "a"), ("tuesday", "b")):
        (tmp_path / day).mkdir()
        (tmp_path / day / "snapshot.json").write_bytes((tmp_path / world.snapshot(value)).read_bytes())
    done = call(capsys, "drift", str(tmp_path / "monday"), str(tmp_path / "tuesday"))
    assert done.out.startswith(f"{ASSET}: change")


@pytest.mark.parametrize("content", [b"{}", b"[" * 50_000, b"\xff", b'{"asset": 1}', b""])
def test_what_is_no_snapshot(make: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes) -> None:
    world = make()
    path = tmp_path / "x.json"
    path.write_bytes(content)
    assert_refused(call(capsys, "drift", str(path), world.snapshot("a")), "not a snapshot")
    assert_refused(call(capsys, "drift", str(tmp_path / "none"), world.snapshot("a")), "cannot be read")


def test_arguments_that_do_not_fit(make: Make, capsys: pytest.CaptureFixture[str]) -> None:
    world = make()
    one, two = world.snapshot("a"), world.snapshot("b", SEEN)
    assert_refused(call(capsys, "drift", one, two, "--root", "x"), "--root is for a change under a contract")
    world.at(LATER)
    assert_refused(world.run("drift", two, one), "after the second: exchange them")
    assert_refused(world.run("drift", one, two, "--revisions", "a..b"), "is no pair of revisions")
    assert_refused(world.run("drift", one, world.snapshot("b", asset="host:web")), "these are of two assets")


def test_an_asset_that_is_not_critical(make: Make) -> None:
    world = make()
    world.at(LATER)
    done = world.run("drift", world.snapshot("a", asset="host:web"), world.snapshot("b", SEEN, asset="host:web"))
    assert (done.code, "asks for no review" in done.out) == (0, True)


def test_the_text_says_who_what_and_when(make: Make) -> None:
    world = make()
    world.ask_change()
    (path,) = world.files("changes")
    listed = world.run("approve", "list")
    assert listed.out.splitlines()[1].startswith("waiting")
    world.approve_change(path, "erin")
    world.at(LATER)
    done = world.run("drift", world.snapshot("old"), world.snapshot("new", SEEN))
    assert done.code == 1
    lines = done.out.splitlines()
    assert lines[0] == f"{ASSET}: unreviewed change"
    for line in ("UNREVIEWED", "wanted    1 of platform and 1 of security", "made by   dave", "approved  erin"):
        assert line in lines
    assert "critical: xspm.change_is_reviewed" in done.out
    assert_calm(done)


@pytest.mark.parametrize(
    ("now", "names", "state"),
    [
        ("2026-06-01T12:00:00Z", (), "waiting"),
        ("2026-06-01T12:00:00Z", ("erin", "alice"), "not yet"),
        ("2026-06-02T12:00:00Z", ("erin", "alice"), "approved"),
        ("2026-06-05T12:00:00Z", ("erin", "alice"), "over"),
    ],
)
def test_states_of_an_approval(make: Make, now: str, names: tuple[str, ...], state: str) -> None:
    world = make()
    world.ask_change(**{"not-before": "2026-06-02T00:00:00Z"})
    (path,) = world.files("changes")
    for name in names:
        assert world.approve_change(path, name).code == 0
    world.at(now)
    said = json.loads(world.run("approve", "list", "--output", "json").out)
    assert [one["state"] for one in said["changes"]] == [state]


def test_asking_takes_everything_and_nothing_else(make: Make) -> None:
    world = make()
    key = ("--key", world.key("dave"))
    assert_refused(world.run("approve", "change", *key, "--asset", ASSET), "--before is missing")
    assert_refused(world.run("approve", "change", "x", *key, "--asset", ASSET), "--asset asks for an approval")
    assert_refused(world.ask_change(after=world.snapshot("old")), "nothing changes")
    assert_refused(world.ask_change(after="sha256:1"), "'sha256:1' is no digest")
    assert_refused(world.ask_change(asset="host:web"), f"this snapshot is of {ASSET}, not of host:web")
    assert_refused(world.ask_change(**{"not-before": "now"}), "'now' is no time")
    assert_refused(world.ask_change("mallory"), "nobody in version 1")
    world.at(LATER)
    assert_refused(world.ask_change(), "the approval would be over before it is given")
    assert world.files("changes") == []
    assert world.run("approve", "list").out == "no approvals of changes\n"


def test_the_degraded_mode_is_seen(make: Make) -> None:
    everybody = Owned(("host:db-*",), ("alice", "bob", "carol"))
    world = make(degraded=Degraded("two are ill", "2026-06-30", "2026-05-15"), owners=(everybody,))
    world.ask_change()
    (path,) = world.files("changes")
    assert world.approve_change(path, "erin").code == 0
    assert "approved (degraded)" in world.run("approve", "list").out
    world.at(LATER)
    done = world.run("drift", world.snapshot("old"), world.snapshot("new", SEEN))
    assert done.code == 0
    assert "counts only in the contract's degraded mode" in done.out
    assert "DEGRADED until 2026-06-30: two are ill" in done.out
    assert "xspm.contract_is_not_degraded" in done.out
