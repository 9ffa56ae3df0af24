from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import jsonschema
import msgspec

from xspm.model.asset import Location
from xspm.report import sarif

if TYPE_CHECKING:
    import pytest

    from xspm.model.verdict import Run

SCHEMA = json.loads((Path(__file__).parents[2] / "data" / "sarif" / "sarif-2.1.0-rtm.5.json").read_text("utf-8"))


def log(run: Run) -> dict[str, Any]:
    written: dict[str, Any] = json.loads(sarif.FORMAT.render(run))
    return written


def results(run: Run) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = log(run)["runs"][0]["results"]
    return found


def test_log_fits_the_oasis_schema(run: Run, empty: Run) -> None:
    validator = jsonschema.validators.validator_for(SCHEMA)(SCHEMA, format_checker=jsonschema.FormatChecker())
    for one in (run, empty):
        assert [error.message for error in validator.iter_errors(json.loads(sarif.FORMAT.render(one)))] == []


def test_what_needs_attention_is_a_result(run: Run) -> None:
    wanted = sum(v.status in {"fail", "error", "unknown"} for item in run.assessments for v in item.verdicts)
    assert len(results(run)) == wanted
    kinds = {(result["properties"]["status"], result["kind"], result["level"] == "none") for result in results(run)}
    assert kinds == {("fail", "fail", False), ("error", "open", True), ("unknown", "open", True)}


def test_githubs_rules(run: Run) -> None:
    for result in results(run):
        physical = result["locations"][0]["physicalLocation"]
        assert physical["region"]["startLine"] >= 1
        assert not physical["artifactLocation"]["uri"].startswith(("/", "file:"))
        assert result["partialFingerprints"]["primaryLocationLineHash"]
    prints = [result["partialFingerprints"]["xspm/v1"] for result in results(run)]
    assert len(set(prints)) == len(prints)
    for rule in log(run)["runs"][0]["tool"]["driver"]["rules"]:
        assert 0 <= float(rule["properties"]["security-severity"]) <= 10
        assert len(rule["properties"]["tags"]) <= sarif.MAX_TAGS


def test_fingerprints_do_not_move_with_lines(run: Run) -> None:
    moved = msgspec.structs.replace(
        run,
        assessments=tuple(
            msgspec.structs.replace(
                item,
                verdicts=tuple(msgspec.structs.replace(v, location=Location("moved.yaml", 999)) for v in item.verdicts),
            )
            for item in run.assessments
        ),
    )
    assert [r["partialFingerprints"] for r in results(moved)] == [r["partialFingerprints"] for r in results(run)]


def test_places_and_their_escapes(run: Run) -> None:
    uris = {result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for result in results(run)}
    assert "deploy/node%20agent/daemon%23set.yaml" in uris
    assert "host/web-1/etc/ssh/sshd_config" in uris
    assert "host/web-1/linux.audit" in uris
    assert "deploy/日本語.yaml" in {unquote(uri) for uri in uris}


def test_an_absolute_manifest_keeps_its_path(run: Run) -> None:
    item = run.assessments[1]
    verdict = msgspec.structs.replace(item.verdicts[0], location=Location("/srv/a b.yaml"))
    one = msgspec.structs.replace(run, assessments=(msgspec.structs.replace(item, verdicts=(verdict,)),))
    physical = results(one)[0]["locations"][0]["physicalLocation"]
    assert physical == {"artifactLocation": {"uri": "file:///srv/a%20b.yaml"}, "region": {"startLine": 1}}
    assert log(one)["runs"][0]["automationDetails"]["id"] == "xspm/kubernetes.manifests:deploy/"


def test_exceptions_are_suppressions_and_others_say_that_they_are_not(run: Run) -> None:
    suppressed = [result["suppressions"] for result in results(run) if result["suppressions"]]
    assert [(item[0]["kind"], item[0]["status"]) for item in suppressed] == [("external", "accepted")] * 2
    assert all("suppressions" in result for result in results(run))


def test_messages_hold_no_markup(run: Run) -> None:
    hostile = next(result for result in results(run) if "evil" in result["message"]["text"])
    assert "\\[x\\](javascript:1)" in hostile["message"]["text"]
    assert "\x1b" not in hostile["message"]["text"]


def test_too_many_results_are_cut_by_severity_and_said(large: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sarif, "MAX_RESULTS", 20)
    cut = log(large)["runs"][0]
    assert len(cut["results"]) == 20
    assert {result["properties"]["severity"] for result in cut["results"]} == {"critical"}
    assert "are left out" in cut["invocations"][0]["toolExecutionNotifications"][-1]["message"]["text"]


def test_a_rule_without_its_check_still_stands(run: Run) -> None:
    bare = log(msgspec.structs.replace(run, checks={}))["runs"][0]
    assert bare["tool"]["driver"]["rules"][0]["shortDescription"]["text"] == bare["tool"]["driver"]["rules"][0]["id"]
