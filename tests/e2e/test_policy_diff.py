"""`xspm policy diff`: what new policies change, for people and machines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from commandline import assert_calm, assert_refused, call
from xspm.model.asset import Asset, Resource, Snapshot, encode_snapshot

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.usefixtures("little_content")

CHECK = """\
title: {title}
severity: {severity}
resource: k8s.namespace_summary
parameters: {{exempt: {{default: {exempt}, description: Names.}}}}
check: {check}
message: "{{resource.name}}"
rationale: Because.
remediation: {{steps: Mend it.}}
references: [https://example.org]
examples:
  pass: [{{manifest: "{{apiVersion: v1, kind: Namespace, metadata: {{name: a}}}}"}}]
  fail: [{{manifest: "{{apiVersion: v1, kind: Namespace, metadata: {{name: b}}}}"}}]
"""
POLICY = "title: Own\nversion: '1'\ninclude: [{checks: [own.*]}]\nscope: {type: [kubernetes.*]}\n"


def _folder(name: str, policy: str = POLICY, checks: int = 1, **more: str) -> str:
    parts = {"title": "A name", "severity": "high", "exempt": "[a]", "check": "resource.name in params.exempt", **more}
    for path, text in [("policies/own.yaml", policy)] + [
        (f"checks/own/c{number}.yaml", CHECK.format(**parts)) for number in range(checks)
    ]:
        file = Path(name, path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return name


WEAKENED = """\
weaker: needs the signatures of both parties

Weakened: shown to ask less (1)
  own.c0
    exempt is ['a', 'b'], was ['a']
      old example fail 1: fail before, pass now
"""


def test_a_weakening(capsys: pytest.CaptureFixture[str]) -> None:
    old, new = _folder("old"), _folder("new", exempt="[a, b]")
    outcome = call(capsys, "policy", "diff", old, new)
    assert (outcome.code, outcome.out, outcome.err) == (1, WEAKENED, "")


def test_the_other_way_round(capsys: pytest.CaptureFixture[str]) -> None:
    old, new = _folder("old", exempt="[a, b]", checks=2), _folder("new", checks=2)
    Path(new, "checks/own/c1.yaml").write_text(Path(old, "checks/own/c1.yaml").read_text())
    outcome = call(capsys, "policy", "diff", old, new)
    assert outcome.code == 0
    assert outcome.out == (
        "not weaker\n\nStrengthened (1)\n  own.c0\n    exempt is ['a'], was ['a', 'b']\n"
        "      old example fail 1: pass before, fail now\n\n1 check asks the same as before\n"
    )


def test_a_bundle_for_a_machine(capsys: pytest.CaptureFixture[str]) -> None:
    """A bundle made of a folder asks what the folder does; a new title changes no verdict."""
    assert call(capsys, "policy", "bundle", "-p", _folder("old"), "-o", "old.json").code == 0
    assert call(capsys, "policy", "diff", "old.json", "old", "--output", "json").code == 0
    outcome = call(capsys, "policy", "diff", "old.json", _folder("new", title="Another name"), "--output", "json")
    found = json.loads(outcome.out)
    assert outcome.code == 0
    assert {key: found[key] for key in ("changes", "unchanged", "weaker")} == {
        "changes": [{"check": "own.c0", "kind": "reworded", "proof": "", "why": "other words in title"}],
        "unchanged": 0,
        "weaker": False,
    }
    assert found["old"] != found["new"]


def test_recorded_evidence_shows_more(capsys: pytest.CaptureFixture[str]) -> None:
    old, new = _folder("old"), _folder("new", check="resource.name in params.exempt || resource.name.size() > 3")
    doubtful = call(capsys, "policy", "diff", old, new)
    assert doubtful.code == 1
    assert "asks no more than before in any part, and less in some" in " ".join(doubtful.out.split())
    snapshot = Snapshot(
        asset=Asset("kubernetes.manifests", "kubernetes.manifests:x", "x"),
        collected_at="2026-06-01T12:00:00Z",
        connector="kubernetes",
        resource_types=("k8s.namespace_summary",),
        resources=(Resource("k8s.namespace_summary", "long", "long", {"name": "long"}),),
    )
    Path("evidence").mkdir()
    Path("evidence", "snapshot.json").write_bytes(encode_snapshot(snapshot))
    outcome = call(capsys, "policy", "diff", old, new, "--evidence", "evidence")
    assert "x, 2026-06-01T12:00:00Z: fail before, pass now" in outcome.out


def test_many_changes_alike_stay_short(capsys: pytest.CaptureFixture[str]) -> None:
    old, new = _folder("old", checks=40), _folder("new", policy=POLICY.replace("own.*", "own.c0"), checks=40)
    outcome = call(capsys, "policy", "diff", old, new)
    assert "  39 checks: it is no longer asked of anything\n    own: c1, c10, c11" in outcome.out
    assert max(map(len, outcome.out.splitlines())) <= 80
    back = call(capsys, "policy", "diff", new, old)
    assert "  39 checks: high, asked of type kubernetes.*\n    own: 39\n" in back.out


def test_nothing_different(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(capsys, "policy", "diff", "shipped", "shipped").out == "not weaker\nnothing is asked otherwise\n"


def _strangers() -> Iterator[tuple[str, str]]:
    yield "missing.json", "cannot be read"
    yield "x" * 5000 + ".json", "cannot be read"
    yield "x" * 5000, "cannot be read"
    yield "missing", "no such policy folder or file"
    Path("empty").mkdir()
    yield "empty", "no policy files here"
    Path("odd.json").write_text("[" * 50_000)
    yield "odd.json", "not a policy bundle"
    _folder("wrong", check="resource.nam")
    yield "wrong", "no field 'nam'"
    _folder("loud", title="\x1b[2J", check="resource.\u202e")
    yield "loud", "not"


def test_refused(capsys: pytest.CaptureFixture[str]) -> None:
    _folder("old")
    for name, complaint in _strangers():
        assert_refused(call(capsys, "policy", "diff", "old", name), complaint)
    assert_refused(call(capsys, "policy", "diff", "old", "old", "--evidence", "odd.json"), "not a recorded snapshot")


def test_names_cannot_act_on_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    new = _folder("new", exempt='["a", "\\e[2J", "\\u202e"]')
    outcome = call(capsys, "policy", "diff", _folder("old"), new)
    assert outcome.code == 1
    assert_calm(outcome)
