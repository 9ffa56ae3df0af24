"""Row "the infrastructure pipeline": drift and failing checks are seen, and the policy in force cannot change.

The attacker holds the deploy role and everything in the infrastructure repository: manifests, their comments, labels and
annotations, the folder `.xspm/` beside them, the job's flags and environment. Mostly they hold the key of platform's
scanner `ops` too. They hold no person's key. What they deploy has a container that the policy forbids.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from attack.world import DB, KNOWN, bundle, day, edit, payload, said, sign
from commandline import assert_refused
from resulting import CHECK, POLICY
from xspm.app.attest import ASSESSMENT, EVIDENCE, SUMMARY, TEST_RESULT
from xspm.contract.folder import version_path, write
from xspm.contract.terms import Bundle, Critical
from xspm.policy import library

if TYPE_CHECKING:
    from attack.conftest import Make
    from attack.world import World
    from xspm.contract.chain import Link

POD = """\
apiVersion: v1
kind: Pod
metadata:
  name: pod-db
{metadata}
spec:
  containers:
    - name: db{comment}
      image: i
"""


@pytest.fixture
def faulty(world: World) -> World:
    """The pipeline deploys what the policy forbids, and a scan says so."""
    assert world.scan().code == 0
    world.deploy("web", "db")
    seen(world)
    return world


def seen(world: World, *more: str) -> None:
    """The scan fails, and names the check."""
    outcome = world.scan(*more)
    assert (outcome.code, f"{KNOWN}: 1 fail" in said(outcome)) == (1, True), outcome


EXCEPTION = f"""\
exceptions:
  - checks: ["{KNOWN}"]
    resources: ["*"]
    reason: we know
    owner: platform
    expires: {day(30)}
"""


def test_local_exception_in_the_repository(faulty: World) -> None:
    """The pipeline adds `.xspm/exceptions.yaml` that excuses every resource."""
    Path(".xspm").mkdir()
    Path(".xspm/exceptions.yaml").write_text(EXCEPTION)
    seen(faulty)


def test_local_exception_works_without_a_contract(faulty: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same file does excuse a scan that no contract holds: the attack is real."""
    Path("shipped/checks/other").mkdir(parents=True)
    Path("shipped/checks/other/is_known.yaml").write_text(CHECK.format(severity="high", names="web"))
    monkeypatch.setattr(library, "CONTENT", type(library.CONTENT)("shipped"))  # a thousand checks take long to compile
    Path("own/checks/own").mkdir(parents=True)
    Path("own/policies").mkdir()
    Path("own/checks/own/is_known.yaml").write_text(CHECK.format(severity="high", names="web"))
    Path("own/policies/ours.yaml").write_text(POLICY)
    alone = ("scan", str(faulty.pods), "--policy", "own")
    assert faulty.run(*alone).code == 1
    Path("own/exceptions.yaml").write_text(EXCEPTION)
    assert faulty.run(*alone).code == 0


def test_local_policy_in_the_repository(faulty: World) -> None:
    """The pipeline adds `.xspm/` with a lax check of the same id and a policy of the same name."""
    shutil.copytree(lax(), ".xspm")
    seen(faulty)


def lax() -> Path:
    """A policy folder by which the database is allowed."""
    for name in ("is_known", "is_known_low"):
        file = Path("lax/checks/own", f"{name}.yaml")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(CHECK.format(severity="info", names="web, db"))
    Path("lax/policies").mkdir()
    Path("lax/policies/ours.yaml").write_text(POLICY)
    return Path("lax")


def test_parameter_override_in_the_repository(faulty: World) -> None:
    """The pipeline overrides a parameter of the check in a policy of its own beside the manifests."""
    Path(".xspm/policies").mkdir(parents=True)
    override = 'overrides: [{checks: ["own.*"], severity: info, params: {names: [web, db]}}]\n'
    Path(".xspm/policies/ours.yaml").write_text(POLICY + override)
    seen(faulty)


def test_policy_flag_besides_the_contract(faulty: World) -> None:
    """The job names policies of its own with `--policy`, besides the contract."""
    assert_refused(faulty.scan("--policy", str(lax())), "its own policies and exceptions are in force, and no others")


def test_exceptions_flag_besides_the_contract(faulty: World) -> None:
    """The job names exceptions of its own with `--exceptions`, besides the contract."""
    Path("mine.yaml").write_text(EXCEPTION)
    assert_refused(faulty.scan("--exceptions", "mine.yaml"), "its own policies and exceptions are in force")


@pytest.mark.parametrize(
    "comment",
    [
        "  # xspm: skip", "  # xspm:ignore=own.is_known", "  # checkov:skip=CKV_K8S_1: ours", "  # nosec", "  # noqa",
        "  # trivy:ignore:KSV001", "  # kics-scan ignore-line",
    ],
)  # fmt: skip
def test_skip_comment(faulty: World, comment: str) -> None:
    """The manifest carries a comment by which other tools skip a finding."""
    faulty.pods.write_text(f"# kics-scan ignore\n{comment.strip()}\n" + POD.format(metadata="", comment=comment))
    seen(faulty)


@pytest.mark.parametrize(
    "metadata",
    [
        "  annotations: {xspm.dev/skip: 'true', checkov.io/skip1: CKV_K8S_1=ours, kube-linter/ignore-all: ours}",
        "  labels: {environment: sandbox, scope: none, 'policies.kyverno.io/exclude': 'true'}",
        "  annotations: {config.kubernetes.io/local-config: 'true'}",
        "  namespace: kube-system",
        "  ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: rs, uid: u, controller: true}]",
        "  deletionTimestamp: '2020-01-01T00:00:00Z'",
    ],
    ids=["skip annotations", "labels", "local-config", "namespace", "owner", "deleted"],
)
def test_metadata_to_leave_the_scope(faulty: World, metadata: str) -> None:
    """Labels and annotations are edited so that the resource seems to be none of the policy's business."""
    faulty.pods.write_text(POD.format(metadata=metadata, comment=""))
    seen(faulty)


def test_duplicate_key_in_a_manifest(faulty: World) -> None:
    """A manifest names its containers twice: one list for the scanner, the other for the cluster."""
    good = "  containers:\n    - name: web\n      image: i\n"
    faulty.pods.write_text(POD.format(metadata="", comment="") + good)
    outcome = faulty.scan()
    assert outcome.code != 0
    assert "duplicate key" in said(outcome)


def test_broken_manifest(faulty: World) -> None:
    """The manifest is broken so that nothing of it can be judged; that is no pass."""
    faulty.pods.write_text(POD.format(metadata="", comment="") + "---\nkind: [\n")
    assert faulty.scan().code != 0


def test_lenient_flags_are_on_record(faulty: World) -> None:
    """The job scans with `--fail-on never`: its exit code is 0, and the signed summary says FAILED."""
    held = ("--sign", faulty.key("ops"), "--evidence", str(faulty.results), "--fail-on", "never")
    outcome = faulty.scan(*held)
    assert outcome.code == 0
    (made,) = faulty.results.glob("*/*")
    assert payload(made / SUMMARY)["predicate"]["verificationResult"] == "FAILED"
    code, (result,) = faulty.looked()
    assert (code, result["fail_on"]) == (0, "never")


def test_report_of_their_own(faulty: World) -> None:
    """The job hands over a report that says clean, which nobody signed."""
    made = faulty.signed("ops")
    assert faulty.verify().code == 0
    text = json.loads((made / EVIDENCE).read_bytes())
    for resource in text["resources"]:
        if resource["id"] == DB:
            resource["data"]["name"] = "web"
    (made / EVIDENCE).write_text(json.dumps(text))
    assert "this is not the evidence that was signed" in faulty.differs()


def test_result_signed_with_the_deploy_key(faulty: World) -> None:
    """The job signs its clean result with a key of its own."""
    held = ("--sign", faulty.key("deploy"), "--evidence", str(faulty.results))
    assert_refused(faulty.scan(*held), "nobody in version 1 of the contract holds the key")
    made = faulty.signed("ops")
    for name in (ASSESSMENT, SUMMARY, TEST_RESULT, "snapshot.dsse.json"):
        edit(made / name, lambda _statement: None, "deploy")
    assert "signed by a key that nobody in the contract holds" in faulty.differs()


def test_clean_copy_is_scanned(faulty: World) -> None:
    """Platform's scanner is shown clean files in place of what is deployed; security's scanner saw the others."""
    faulty.signed("ci")
    deployed = faulty.pods.read_text()
    faulty.deploy("web")
    faulty.signed("ops")
    faulty.pods.write_text(deployed)
    code, found = faulty.looked()
    notes = {one["scanner"]: " ".join(one["notes"]) for one in found}
    assert code == 0
    assert "the scanner ci (run by security) found something else" in notes["ops"]
    assert "the scanner ops (run by platform) found something else" in notes["ci"]


def test_yesterdays_green_result(world: World) -> None:
    """Yesterday's green result is handed over for what is deployed today."""
    green = world.signed("ops")
    text = json.loads((green / EVIDENCE).read_bytes())
    world.deploy("web", "db")
    red = world.signed("ci")
    kept = json.dumps(text).encode()
    assert kept != (red / EVIDENCE).read_bytes()
    for name in (ASSESSMENT, SUMMARY, TEST_RESULT):
        shutil.copy(green / name, red / name)
    assert "its statements are signed by different keys" in world.differs(of=red)


def test_drift_of_what_is_deployed(found: Make) -> None:
    """What is deployed is changed after the green scan, without review: the drift is a finding."""
    world = found(critical=(Critical(("kubernetes.*",), {"platform": 1, "security": 1}),))
    green = world.signed("ops")
    assert world.under("drift", str(green), str(green)).code == 0
    world.deploy("web", "db")
    outcome = world.under("drift", str(green), str(world.signed("ci")))
    assert (outcome.code, "added k8s.container default/Pod/pod-db/container/db" in said(outcome)) == (1, True)
    assert "unreviewed change" in said(outcome)


def test_pin_of_the_job(faulty: World) -> None:
    """The job pins another root in its own environment; an auditor's pin is not touched by it."""
    pin = ("--contract", str(faulty.folder), "--root", "sha256:" + "0" * 64)
    assert_refused(faulty.run("scan", str(faulty.pods), *pin), "this contract has no version")
    seen(faulty)


def test_policy_change_signed_by_the_scanner(faulty: World) -> None:
    """The pipeline proposes a lax bundle in the contract's folder and signs it with its scanner's key."""
    lax_version = faulty.version(policies=Bundle(2, faulty.add_bundle(bundle("web, db"))))
    proposal = version_path(faulty.folder, "proposed", 2)
    write(proposal, lax_version.envelope.encode())
    refused = faulty.under("contract", "sign", "--key", faulty.key("ops"), "--yes")
    assert (refused.code, "is of ops, which is a machine: people sign contracts" in said(refused)) == (2, True)
    assert_refused(faulty.under("contract", "accept"), "version 2 is not in force")
    faulty.put(sign_link(lax_version, "ops"))
    assert_refused(faulty.scan(), "signed by a key that nobody in the contract holds")


def sign_link(version: Link, *names: str) -> Link:
    return msgspec.structs.replace(version, envelope=sign(version.envelope, *names))
