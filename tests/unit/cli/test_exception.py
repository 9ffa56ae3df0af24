"""Exceptions at the command line: one side asks, the other approves, and everything else is refused with its reason."""

from __future__ import annotations

import datetime
import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from agreement import ASSET, CHECK, LATER, Agreement
from commandline import assert_calm, assert_refused
from xspm.app.exceptions import agreed
from xspm.app.scan import now
from xspm.app.trust import open_contract
from xspm.contract.terms import Degraded, Owned
from xspm.model.asset import Asset
from xspm.model.verdict import Verdict
from xspm.policy.exceptions import covers

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from xspm.app.exceptions import Agreed

    Make = Callable[..., Agreement]


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Make:
    return lambda **more: Agreement(tmp_path, monkeypatch, capsys, **more)


def in_force(world: Agreement, moment: str = "2026-06-01T12:00:00Z") -> Agreed:
    return agreed(open_contract(str(world.folder), None, moment), moment)


def why(world: Agreement) -> str:
    """The reason of the only exception there."""
    (one,) = json.loads(world.run("exception", "list", "--output", "json").out)["exceptions"]
    return f"{one['state']}: {one['why']}"


def test_one_side_asks_and_the_other_approves(make: Make) -> None:
    world = make()
    asked = world.request()
    assert (asked.code, asked.err) == (0, "")
    (path,) = world.files("exceptions")
    assert f"{path}" in asked.out.replace("\n", "")
    assert "waiting: approve_exception" in asked.out
    assert "1 more of security (alice or bob or carol)" in asked.out.replace("\n", " ")
    assert in_force(world).in_force == ()
    done = world.approve(path, "alice")
    assert (done.code, done.out.splitlines()[-1]) == (0, "in force")
    found = in_force(world)
    assert [(one.checks, one.assets, one.resources, one.exact) for one in found.in_force] == [
        ((CHECK,), (ASSET,), ("sshd",), True)
    ]
    assert found.in_force[0].owner == "dave, approved by alice"
    assert len(found.digests) == 1
    assert found.refused == ()


def test_it_covers_exactly_what_it_names(make: Make) -> None:
    world = make()
    world.request()
    world.approve(world.files("exceptions")[0], "alice")
    (exception,) = in_force(world).in_force

    def covered(asset: str, resource: str, name: str, check: str = CHECK) -> bool:
        verdict = Verdict(check, "fail", "high", "linux.sshd", resource, name, "")
        return covers(exception, Asset("host", asset, ASSET), verdict)

    assert covered(ASSET, "sshd", "sshd")
    assert not covered("host:web", "sshd", "sshd")
    assert not covered(ASSET, "other", "sshd")
    assert not covered(ASSET, "", "sshd")
    assert not covered(ASSET, "sshd", "sshd", "linux.sshd.other")


def test_an_expired_one_is_told_apart(make: Make) -> None:
    world = make()
    world.request(expires="2026-06-10")
    (path,) = world.files("exceptions")
    world.approve(path, "alice")
    world.at(LATER)
    found = in_force(world, LATER)
    assert (found.in_force, len(found.expired), len(found.declared)) == ((), 1, 1)
    assert found.refused[0].endswith("expired on 2026-06-10")
    assert why(world).startswith("expired: ")
    assert_refused_after_showing(world, path, "expired on 2026-06-10")


def test_one_that_was_never_approved_does_not_expire(make: Make) -> None:
    world = make()
    world.request(expires="2026-06-10")
    world.at(LATER)
    assert in_force(world, LATER).expired == ()
    assert "and was never approved" in why(world)


def assert_refused_after_showing(world: Agreement, path: Path, complaint: str) -> None:
    refused = world.approve(path, "bob")
    assert (refused.code, complaint in refused.err) == (2, True)
    assert_calm(refused)


def test_copies_of_one_text_count_together_and_once(make: Make) -> None:
    world = make(rules={
        "accept_contract": {"security": 2, "platform": 1},
        "publish_policy": {"security": 2},
        "approve_exception": {"security": 2},
    })  # fmt: skip
    world.request()
    (path,) = world.files("exceptions")
    original = path.read_bytes()
    world.approve(path, "alice")
    other = path.with_name("copy.dsse.json")
    other.write_bytes(original)
    assert in_force(world).in_force == ()
    world.approve(other, "bob")
    assert len(in_force(world).in_force) == 1
    broken = path.with_name("broken.dsse.json")
    broken.write_bytes(original)
    world.tampered(broken, reason="other")
    found = in_force(world)
    assert (len(found.in_force), len(found.refused)) == (1, 1)


@pytest.mark.parametrize("kind", ["fifo", "folder", "garbage", "deep", "huge", "link"])
def test_hostile_files_stop_nobody(make: Make, kind: str) -> None:
    world = make()
    world.request()
    (path,) = world.files("exceptions")
    world.approve(path, "alice")
    hostile = path.with_name("a.dsse.json")
    match kind:
        case "fifo":
            os.mkfifo(hostile)
        case "folder":
            hostile.mkdir()
        case "garbage":
            hostile.write_bytes(b"\xff\xfe{")
        case "deep":
            hostile.write_bytes(b"[" * 100_000)
        case "huge":
            with hostile.open("wb") as file:
                file.truncate((16 << 20) + 1)
        case _:
            hostile.symlink_to("/nowhere")
    found = in_force(world)
    assert (len(found.in_force), len(found.refused)) == (1, 1)
    assert_refused(world.approve(hostile, "alice"), str(hostile))


def test_the_degraded_mode_is_seen(make: Make) -> None:
    everybody = Owned(("host:db-*",), ("alice", "bob", "carol"))
    world = make(degraded=Degraded("two are ill", "2026-06-30", "2026-05-15"), owners=(everybody,))
    asked = world.request()
    assert "DEGRADED until 2026-06-30: two are ill" in asked.out
    (path,) = world.files("exceptions")
    assert world.approve(path, "erin").code == 0
    assert world.approve(path, "frank").code == 0
    listed = world.run("exception", "list")
    assert "in force (degraded)" in listed.out
    assert "DEGRADED until" in listed.out
    assert len(in_force(world).degraded) == 1
    world.at("2026-07-01T00:00:00Z")
    assert in_force(world, "2026-07-01T00:00:00Z").in_force == ()
    assert "DEGRADED" not in world.run("exception", "list").out


def test_nobody_is_asked_without_a_terminal(make: Make) -> None:
    world = make()
    world.request()
    (path,) = world.files("exceptions")
    before = path.read_bytes()
    refused = world.run("exception", "approve", str(path), "--key", world.key("alice"))
    assert (refused.code, path.read_bytes()) == (2, before)
    assert "nobody can be asked here whether this is right" in refused.err


def test_a_person_is_shown_the_text_and_asked(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    world = make()
    world.request(reason="\x1b[31mred \u202etxt")
    (path,) = world.files("exceptions")
    asked: list[str] = []
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("click.confirm", lambda text, **_: asked.append(text))
    done = world.run("exception", "approve", str(path), "--key", world.key("alice"))
    assert (done.code, asked) == (0, ["\nsign this?"])
    assert "reason        \\x1b[31mred \\u202etxt" in done.out
    assert_calm(done)


def test_nothing_here(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from commandline import call  # noqa: PLC0415

    world = make()
    assert world.run("exception", "list").out == "no exceptions\n"
    world.request()
    monkeypatch.chdir(tmp_path)
    assert "waiting" in call(capsys, "exception", "list").out
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert_refused(call(capsys, "exception", "list"), "there is no contract here")


def test_a_scan_under_the_contract_heeds_it(make: Make, tmp_path: Path) -> None:
    host = tmp_path / "root"
    (host / "etc" / "ssh").mkdir(parents=True)
    (host / "etc" / "os-release").write_text("ID=debian\nVERSION_ID=12\n")
    (host / "etc" / "passwd").write_text("root:x:0:0::/root:/bin/sh\n")
    (host / "etc" / "ssh" / "sshd_config").write_text("PermitRootLogin yes\n")
    # What is collected bears the machine's own time.
    world, moment = make(expires="2999-12-31"), now()
    world.at(moment)
    month_later = datetime.date.fromisoformat(moment[:10]) + datetime.timedelta(days=30)

    def scan() -> dict[str, Any]:
        done = world.run("scan", f"dir:{host}", "--output", "json", "--fail-on", "medium")
        said: dict[str, Any] = json.loads(done.out)
        return said | {"code": done.code}

    first = scan()
    (assessment,) = first["assessments"]
    (verdict,) = assessment["verdicts"]
    assert (first["code"], verdict["status"], verdict.get("exception")) == (1, "fail", None)
    world.request(asset=assessment["asset"]["id"], resource=verdict["resource_id"], expires=str(month_later))
    (path,) = world.files("exceptions")
    assert scan()["code"] == 1
    world.approve(path, "alice")
    second = scan()
    assert second["code"] == 0
    assert second["assessments"][0]["verdicts"][0]["exception"]["owner"] == "dave, approved by alice"
    world.tampered(path, reason="another")
    assert scan()["code"] == 1
