"""Targets to a run: recognised, collected together, failures kept apart."""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING, Any

import pytest

from house import built, check, door, snapshot
from xspm import connector
from xspm.app import scan as module
from xspm.app.policies import InForce
from xspm.app.reference import ReferenceEngine
from xspm.app.scan import Request, engine_for, now, recognise, report, scan
from xspm.connectors import kubernetes, linux
from xspm.errors import ConnectorError, UsageError
from xspm.policy.assess import FastEngine
from xspm.policy.memory import Memory

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from xspm.connector import Options
    from xspm.model.asset import Snapshot


class Street:
    """A connector for tests: `house:NAME` is a house, which some names make difficult to read."""

    name = "street"
    title = "Houses"
    targets = ("house:NAME",)
    permissions = ("none",)
    together = threading.Barrier(2)

    def types(self) -> list[Any]:
        return []

    def recognises(self, target: str) -> bool:
        return target.startswith("house:")

    def collect(self, target: str, options: Options, progress: Callable[[str], None]) -> Snapshot:
        del options
        progress(target)
        match target.removeprefix("house:"):
            case "closed":
                raise ConnectorError("nobody opens", hint="ring")
            case "//me:secret@street":
                raise ConnectorError(f"{target}: nobody opens", hint=f"ring at {target}")
            case "collapsed":
                raise RuntimeError("bang")
            case "open":
                return snapshot(door("front", locked=False))
            case "endless":
                threading.Event().wait(60)
            case "first" | "second":
                self.together.wait(10)
        return snapshot(door("front"))

    def example(self, form: str, content: Any) -> Snapshot:
        raise NotImplementedError

    def remediate(self, example: Any, remediation: Any) -> Any:
        raise NotImplementedError


@pytest.fixture(autouse=True)
def _street(monkeypatch: pytest.MonkeyPatch) -> None:
    street = Street()
    monkeypatch.setattr(connector, "TABLE", {"street": "street"})
    monkeypatch.setattr(connector, "load", lambda _name: street)


def _request(*targets: str, **more: Any) -> Request:
    made = built({"checks/a/locked.yaml": check("resource.locked")}, shipped=False)
    return Request(targets=targets, in_force=InForce(made.library, (), made.library.exceptions), **more)


def _scan(*targets: str, **more: Any) -> Any:
    return scan(_request(*targets, **more), lambda _: None)


def test_a_target_becomes_an_assessment() -> None:
    run = _scan("house:a")
    assert [verdict.status for one in run.assessments for verdict in one.verdicts] == ["pass"]
    assert (run.gate, run.failures, list(run.checks)) == ("pass", (), ["a.locked"])


def test_the_gate_stops_on_any_asset() -> None:
    assert _scan("house:a", "house:open").gate == "fail"
    assert _scan("house:a", "house:open", fail_on="never").gate == "pass"


@pytest.mark.parametrize("others", [(), ("house:a", "house:b")])
def test_a_target_that_cannot_be_read_is_a_failure(others: tuple[str, ...]) -> None:
    run = _scan("house:closed", *others)
    assert [(one.target, one.message, one.hint) for one in run.failures] == [("house:closed", "nobody opens", "ring")]
    assert len(run.assessments) == len(others)


def test_a_connector_that_breaks_is_a_failure() -> None:
    run = _scan("house:collapsed", "house:a")
    assert [one.message for one in run.failures] == ["the street connector broke: RuntimeError: bang"]
    assert len(run.assessments) == 1


def test_targets_are_collected_at_the_same_time() -> None:
    assert len(_scan("house:first", "house:second").assessments) == 2


def test_more_targets_than_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_AT_ONCE", 2)
    seen: list[str] = []
    targets = [f"house:{number}" for number in range(20)]
    run = scan(_request(*targets), seen.append)
    assert len(run.assessments) == 20
    assert sorted(seen) == sorted(targets)


@pytest.mark.parametrize("others", [(), ("house:a", "house:b")])
def test_a_target_that_takes_too_long_is_a_failure(monkeypatch: pytest.MonkeyPatch, others: tuple[str, ...]) -> None:
    """Its thread is left behind, and the targets that waited for that thread are read by another."""
    monkeypatch.setattr(module, "_AT_ONCE", 1)
    monkeypatch.setattr(module, "_GRACE_SECONDS", 0.0)
    monkeypatch.setattr(module, "_PATIENCE_SECONDS", 0.05)
    run = _scan("house:endless", *others, options=connector.Options(timeout=0.1))
    assert [(one.target, one.message) for one in run.failures] == [("house:endless", "not read within 0.1 s")]
    assert len(run.assessments) == len(others)


def test_a_target_named_twice_is_read_once() -> None:
    assert len(_scan("house:a", "house:a").assessments) == 1


def test_a_path_in_several_spellings_is_one_target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A word that stands for something else than a path stays one, even where a path of that name exists."""
    (tmp_path / "pod.yaml").touch()
    (tmp_path / "link.yaml").symlink_to("pod.yaml")
    (tmp_path / "host").mkdir()
    monkeypatch.chdir(tmp_path)
    readers = (linux.CONNECTOR, kubernetes.CONNECTOR)
    monkeypatch.setattr(module, "recognise", lambda target: next(each for each in readers if each.recognises(target)))
    targets = ["pod.yaml", "./pod.yaml", str(tmp_path / "pod.yaml"), "link.yaml", "host", "./host", "-"]
    assert [target for target, _ in module._readers(targets)] == ["pod.yaml", "host", "./host", "-"]


def test_a_password_in_an_address_is_shown_nowhere() -> None:
    with pytest.raises(UsageError) as caught:
        recognise("boat://me:secret@sea")
    assert "secret" not in caught.value.diagnostics()
    run = _scan("house://me:secret@street")
    assert "secret" not in str(run)
    assert [one.target for one in run.failures] == ["house://me:***@street"]


def test_what_no_connector_reads_is_refused() -> None:
    with pytest.raises(UsageError, match="'boat' is no target: no such path, and not one of house:NAME"):
        recognise("boat")


def test_engines() -> None:
    assert isinstance(engine_for("xspm"), FastEngine)
    assert isinstance(engine_for("reference"), ReferenceEngine)


def test_now_is_a_whole_second_in_utc() -> None:
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", now())


def test_an_unchanged_snapshot_is_not_evaluated_again() -> None:
    memory = Memory()
    first = report(_request(), [snapshot(door("a"), door("b"))], started=now(), memory=memory)
    assert memory.evaluated == 2
    second = report(_request(), [snapshot(door("a"), door("b"))], started=first.started_at, memory=memory)
    assert memory.evaluated == 2
    assert first == second
    report(_request(), [snapshot(door("a"), door("b", locked=False))], started=now(), memory=memory)
    assert memory.evaluated == 3
