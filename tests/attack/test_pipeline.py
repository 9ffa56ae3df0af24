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

import pytest

from attack.world import DB, KNOWN, bundle, day, edit, payload, said
from commandline import assert_refused
from resulting import CHECK, POLICY
from xspm.app.attest import ASSESSMENT, EVIDENCE, SUMMARY, TEST_RESULT

if TYPE_CHECKING:
    from attack.world import World

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


def test_local_exception_works_without_a_contract(faulty: World) -> None:
    """The same file does excuse a scan that no contract holds: the attack is real."""
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
    assert_refused(faulty.scan(*held), "no scanner of the contract")
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


def test_drift_of_what_is_deployed(faulty: World) -> None:
    """What is deployed is changed after the scan that was green: the drift is named, resource by resource."""
    second = faulty.signed("ci")
    faulty.deploy("web")
    first = faulty.signed("ops")
    assert faulty.under("drift", str(first), str(first)).code == 0
    outcome = faulty.under("drift", str(first), str(second))
    assert "pod-db" in said(outcome)


def test_own_contract_folder_in_the_job(faulty: World) -> None:
    """The job points the scan at a contract of its own, and sets the pin in its environment."""
    outcome = faulty.run("scan", str(faulty.pods), "--contract", str(faulty.folder), "--root", "sha256:" + "0" * 64)
    assert_refused(outcome, "this contract has no version")


def test_policy_change_by_the_pipeline(faulty: World) -> None:
    """The pipeline proposes a lax bundle in the contract's folder and signs it with all that it holds."""
    before = sorted(faulty.folder.rglob("*"))
    Path("lax.json").write_bytes(bundle("web, db"))
    faulty.under("contract", "propose", "--bundle", "lax.json")
    assert_refused(faulty.under("contract", "sign", "--key", faulty.key("ops"), "--yes"), "")
    assert_refused(faulty.under("contract", "accept"), "")
    assert before
    seen(faulty)
