"""`xspm scan` as a whole: exit codes, gates, targets, reports, policies and exceptions of one's own, secrets."""

from __future__ import annotations

import datetime
import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from commandline import EXAMPLES, POD, ROOT, Outcome, acting, call, command, listing, spawn
from xspm import connector
from xspm.connector import Options
from xspm.model.asset import encode_snapshot
from xspm.report.interface import TABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

CHECK = """\
title: Containers have names that we know
severity: {severity}
resource: k8s.container
parameters:
  names: {{default: [web], description: Names that containers may have.}}
check: resource.name in params.names
message: "unexpected name {{resource.name}}"
rationale: Because we say so.
remediation: {{steps: Rename it.}}
references: [https://example.org/names]
examples:
  pass:
    - manifest: |
        {{apiVersion: v1, kind: Pod, metadata: {{name: a}}, spec: {{containers: [{{name: web, image: i}}]}}}}
  fail:
    - manifest: |
        {{apiVersion: v1, kind: Pod, metadata: {{name: a}}, spec: {{containers: [{{name: db, image: i}}]}}}}
"""
DB = POD.replace("name: web", "name: db")
POLICY = 'title: Ours\nversion: "1"\ninclude: [{checks: ["own.*"]}]\n'

LOADED = """\
import sys
before = set(sys.modules)
sys.argv = ["xspm", "scan", "pod.yaml"]
try:
    from xspm.__main__ import main
    main()
finally:
    print(*sorted(set(sys.modules) - before), file=sys.stderr)
"""
NEEDLESS = {
    "asyncio",
    "cel_expr_python",
    "dataclasses",
    "encodings.utf_8_sig",
    "fnmatch",
    "google.protobuf",
    "json",
    "pathlib",
    "rich",
    "xspm.connectors.kubernetes.argo",
    "xspm.connectors.kubernetes.builtin_roles",
    "xspm.connectors.kubernetes.patch",
    "xspm.connectors.kubernetes.rbac",
    "xspm.connectors.kubernetes.tekton",
    "xspm.connectors.linux.collecting",
    "xspm.policy.checks",
    "xspm.syntax.fields",
}
"""Modules that other runs need; each costs a small scan time that everybody notices."""


def _write(files: Mapping[str, str]) -> None:
    for name, text in files.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text)


def _own(severity: str = "high", **files: str) -> None:
    _write({"pod.yaml": DB, ".xspm/checks/own/name.yaml": CHECK.format(severity=severity), **files})
    if "policy" not in files:
        _write({".xspm/policies/ours.yaml": POLICY})


def _json(outcome: Outcome) -> Any:
    return json.loads(outcome.out)


@pytest.mark.usefixtures("little_content")
@pytest.mark.parametrize(
    ("severity", "arguments", "expected"),
    [
        ("critical", [], 1),
        ("high", [], 1),
        ("medium", [], 0),
        ("medium", ["--fail-on", "medium"], 1),
        ("info", ["--fail-on", "low"], 0),
        ("info", ["--fail-on", "info"], 1),
        ("critical", ["--fail-on", "never"], 0),
        ("high", ["--fail-on", "critical"], 0),
        ("high", ["--allow-unknown"], 1),
    ],
)
def test_the_threshold_decides_the_exit_code(
    severity: str, arguments: list[str], expected: int, capsys: pytest.CaptureFixture[str]
) -> None:
    _own(severity)
    outcome = call(capsys, "scan", "pod.yaml", *arguments)
    assert (expected, "") == (outcome.code, outcome.err)
    assert "unexpected name db" in outcome.out


@pytest.mark.usefixtures("little_content")
def test_what_passes_exits_with_0(capsys: pytest.CaptureFixture[str]) -> None:
    _own()
    _write({"pod.yaml": POD})
    assert call(capsys, "scan", "pod.yaml").code == 0


@pytest.mark.usefixtures("little_content")
@pytest.mark.parametrize(
    ("arguments", "expected"), [([], 1), (["--allow-unknown"], 0), (["--fail-on", "never"], 0), (["--fail-on", "low"], 1)]
)  # fmt: skip
def test_what_cannot_be_decided_fails_the_gate(
    arguments: list[str], expected: int, capsys: pytest.CaptureFixture[str]
) -> None:
    _own()
    _write({"pod.yaml": POD, "broken.yaml": "apiVersion: v1\nkind: [\n"})
    outcome = call(capsys, "scan", ".", *arguments)
    assert (expected, "") == (outcome.code, outcome.err)
    assert "broken.yaml" in outcome.out


@pytest.mark.usefixtures("little_content")
def test_several_targets_and_reports_in_one_run(capsys: pytest.CaptureFixture[str]) -> None:
    _own()
    _write({"a/pod.yaml": DB, "b/pod.yaml": POD})
    reports = ["r.json", "r.sarif", "r.xml", "r.md", "r.csv", "r.html", "r.txt"]
    outcome = call(capsys, "scan", "a", "b", "pod.yaml", "a", *(part for name in reports for part in ("-o", name)))
    assert (outcome.code, outcome.out, outcome.err) == (1, "", "Gate fails: 2 fail of severity high or worse\n")
    assert all(Path(name).stat().st_size for name in reports)
    report = json.loads(Path("r.json").read_text())
    assert [asset["asset"]["name"] for asset in report["assessments"]] == ["a", "b", "pod.yaml"]
    assert len(json.loads(Path("r.sarif").read_text())["runs"]) >= 1


@pytest.mark.usefixtures("little_content")
def test_a_report_and_the_screen(capsys: pytest.CaptureFixture[str]) -> None:
    _own()
    outcome = call(capsys, "scan", "pod.yaml", "-o", "json=deep.txt", "-o", "terminal")
    assert "Pod db" in outcome.out
    assert json.loads(Path("deep.txt").read_text())["gate"]["result"] == "fail"


def test_standard_input(capsys: pytest.CaptureFixture[str]) -> None:
    from_file = call(capsys, "scan", str(EXAMPLES / "web.yaml"), "-o", "json")
    from_pipe = spawn(command("scan", "-", "-o", "json"), stdin=(EXAMPLES / "web.yaml").read_bytes())
    assert from_pipe.code == from_file.code
    assert _statuses(_json(from_pipe)) == _statuses(_json(from_file))


def _statuses(report: Any) -> list[tuple[str, str, str]]:
    found = [
        (verdict["check"], verdict["resource_id"], verdict["status"])
        for assessment in report["assessments"]
        for verdict in assessment["verdicts"]
    ]
    assert found
    return found


def test_the_reference_engine_agrees(capsys: pytest.CaptureFixture[str]) -> None:
    ours = call(capsys, "scan", str(EXAMPLES), "-o", "json", "--no-cache")
    theirs = call(capsys, "scan", str(EXAMPLES), "-o", "json", "--engine", "reference")
    assert ours.code == theirs.code
    assert _statuses(_json(ours)) == _statuses(_json(theirs))
    assert {one["engine"] for one in _json(theirs)["assessments"]} == {"reference"}


@pytest.mark.usefixtures("little_content")
def test_policy_folder_is_found_upward(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    _own()
    _write({"deep/er/pod.yaml": DB})
    monkeypatch.chdir("deep/er")
    outcome = call(capsys, "scan", "pod.yaml", "-o", "json")
    assert {check for check, _, _ in _statuses(_json(outcome))} == {"own.name"}


@pytest.mark.usefixtures("little_content")
@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("pss-baseline", {"k8s.container.is_not_privileged"}),
        ("./elsewhere", {"own.name"}),
        ("elsewhere/policies/ours.yaml", {"own.name"}),
        ("only.yml", {"k8s.container.is_not_privileged"}),
    ],
)
def test_policy_by_name_folder_or_file(policy: str, expected: set[str], capsys: pytest.CaptureFixture[str]) -> None:
    _write(
        {
            "pod.yaml": DB,
            "elsewhere/checks/own/name.yaml": CHECK.format(severity="high"),
            "elsewhere/policies/ours.yaml": POLICY,
            "only.yml": POLICY.replace("own.*", "k8s.container.is_not_privileged"),
        }
    )
    folder = ["--policy", "elsewhere"] if policy.endswith("ours.yaml") else []
    outcome = call(capsys, "scan", "pod.yaml", "-o", "json", *folder, "--policy", policy)
    assert outcome.err == ""
    assert expected <= {check for check, _, _ in _statuses(_json(outcome))}


@pytest.mark.usefixtures("little_content")
def test_parameters_and_severity_are_overridden(capsys: pytest.CaptureFixture[str]) -> None:
    override = "overrides: [{checks: [own.name], severity: low, params: {names: [db, web]}}]\n"
    _own(**{".xspm/policies/ours.yaml": POLICY + override, "policy": ""})
    outcome = call(capsys, "scan", "pod.yaml", "-o", "json")
    verdicts = _json(outcome)["assessments"][0]["verdicts"]
    assert [(one["status"], one["severity"]) for one in verdicts] == [("pass", "low")]


EXCEPTION = """\
exceptions:
  - {{checks: [own.name], resources: ["*"], reason: moving out, owner: team-db, expires: {expires}}}
"""


@pytest.mark.usefixtures("little_content")
@pytest.mark.parametrize("place", [".xspm/exceptions.yaml", "agreed.yaml"])
def test_an_excepted_finding_is_shown_and_lets_through(place: str, capsys: pytest.CaptureFixture[str]) -> None:
    soon = (datetime.datetime.now(tz=datetime.UTC) + datetime.timedelta(days=100)).date().isoformat()
    _own(**{place: EXCEPTION.format(expires=soon)})
    given = ["--exceptions", place] if place == "agreed.yaml" else []
    outcome = call(capsys, "scan", "pod.yaml", *given)
    assert (outcome.code, outcome.err) == (0, "")
    for said in ("xcepted", "moving out", "team-db", soon, "own.name"):
        assert said in outcome.out
    report = _json(call(capsys, "scan", "pod.yaml", "-o", "json", *given))
    assert report["counts"]["excepted"] == 1


@pytest.mark.usefixtures("little_content")
def test_an_expired_exception_counts_no_more_and_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    _own(**{".xspm/exceptions.yaml": EXCEPTION.format(expires="2020-01-31")})
    outcome = call(capsys, "scan", "pod.yaml")
    assert (outcome.code, outcome.err) == (1, "")
    assert "expired" in outcome.out
    assert "2020-01-31" in outcome.out


@pytest.mark.usefixtures("little_content")
@pytest.mark.parametrize(
    ("exception", "said"),
    [
        (EXCEPTION.format(expires="9999-12-31"), "too long  .xspm/exceptions.yaml:2: ends on 9999-12-31"),
        (
            EXCEPTION.format(expires="2020-01-31").replace('"*"', "prod/*"),
            "1 exception matched nothing: .xspm/exceptions.yaml:2: own.name (moving out)",
        ),
    ],
)
def test_an_exception_without_effect_is_named(exception: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    _own(**{".xspm/exceptions.yaml": exception})
    outcome = call(capsys, "scan", "pod.yaml")
    assert (outcome.code, outcome.err) == (1, "")
    assert said in outcome.out
    for form in ("json", "sarif", "markdown", "html"):
        assert "(moving out)" in call(capsys, "scan", "pod.yaml", "-o", form).out


@pytest.mark.usefixtures("little_content")
def test_scanning_writes_nothing_but_reports(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    _own()
    before = listing(tmp_path / "work")
    call(capsys, "scan", ".", "--verbose", "--explain-score")
    assert listing(tmp_path / "work") == before


def test_what_is_piped_has_no_escapes(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    outcome = call(capsys, "scan", str(EXAMPLES))
    assert acting(outcome.out + outcome.err) == []


def _on_a_terminal(arguments: list[str], environment: Mapping[str, str]) -> str:
    """Run a command on a pseudo-terminal and return what it shows."""
    process, terminal = os.forkpty()
    if process == 0:  # pragma: no cover - the child becomes the command
        os.execve(arguments[0], arguments, {**os.environ, "TERM": "xterm-256color", **environment})  # noqa: S606
    shown = b""
    while True:
        try:
            data = os.read(terminal, 65536)
        except OSError:
            break
        if not data:
            break
        shown += data
    os.close(terminal)
    os.waitpid(process, 0)
    return shown.decode()


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_colour_only_on_a_terminal_that_wants_it() -> None:
    arguments = command("scan", str(EXAMPLES / "web.yaml"), "--policy", "pss-restricted")
    assert "\x1b[" in _on_a_terminal(arguments, {})
    assert "\x1b[3" not in _on_a_terminal(arguments, {"NO_COLOR": "1"}).replace("\x1b[32m⠋", "")
    assert "\x1b" not in _on_a_terminal(arguments, {"TERM": "dumb"})


SECRETS = [f"hunter2-{number}-{word}" for number, word in enumerate(["Correct", "Horse", "Battery", "Staple"])]
PRIVATE_KEY = "MC4CAQAwBQYDK2VwBCIEIPlantedPrivateKeyMaterial0123456789ab"
HASH = "$y$j9T$plantedsalt01$PLANTEDhashPLANTEDhashPLANTEDhash0123456789"

_MANIFEST = f"""\
apiVersion: v1
kind: Secret
metadata: {{name: s, annotations: {{kubectl.kubernetes.io/last-applied-configuration: '{{"stringData": {{"p": "{SECRETS[0]}"}}}}'}}}}
stringData: {{password: {SECRETS[0]}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: d}}
spec:
  template:
    spec:
      containers:
        - name: web
          image: registry.example.com/web:1
          env:
            - {{name: DB_PASSWORD, value: {SECRETS[1]}}}
            - {{name: DATABASE_URL, value: "postgres://app:{SECRETS[2]}@db/app"}}
            - {{name: KEY, value: "-----BEGIN PRIVATE KEY-----\\n{PRIVATE_KEY}\\n-----END PRIVATE KEY-----"}}
          args: ["--password={SECRETS[3]}"]
"""


def _plant_root() -> None:
    _write(
        {
            "root/etc/os-release": 'ID=debian\nVERSION_ID="13"\n',
            "root/etc/passwd": f"root:x:0:0::/root:/bin/sh\nold:{HASH}:1000:1000::/home/old:/bin/sh\n",
            "root/etc/shadow": f"root:{HASH}:19000:0:99999:7:::\n",
            "root/etc/gshadow": f"wheel:{HASH}::\n",
            "root/etc/apt/sources.list": f"deb https://user:{SECRETS[0]}@deb.example.com/debian trixie main\n",
            "root/etc/ssh/ssh_host_ed25519_key": f"-----BEGIN PRIVATE KEY-----\n{PRIVATE_KEY}\n-----END PRIVATE KEY-----\n",
            "root/etc/crontab": f"0 0 * * * root mysqldump --password={SECRETS[1]} --all\n",
            "root/etc/docker/daemon.json": f'{{"http-proxy": "http://u:{SECRETS[2]}@proxy:3128"}}',
            "root/etc/sudoers": f"root ALL=(ALL) ALL\n# {SECRETS[3]}\n",
            "root/etc/default/grub": f'GRUB_CMDLINE_LINUX="root=/dev/sda1"\n# password {SECRETS[3]}\n',
            "root/boot/grub/grub.cfg": f"set superusers=root\npassword_pbkdf2 root grub.pbkdf2.sha512.10000.{PRIVATE_KEY}\n",
            "root/etc/rsyslog.conf": f'action(type="omhttp" usr="x" pwd="{SECRETS[2]}")\n',
            "root/etc/systemd/system/app.service": f'[Service]\nEnvironment="DB_PASSWORD={SECRETS[1]}"\nExecStart=/bin/app\n',
            "root/etc/environment": f"API_TOKEN={SECRETS[0]}\n",
        }
    )  # fmt: skip


def _plant_manifest() -> None:
    _write({"m.yaml": _MANIFEST})


PLANTED: dict[str, Callable[[], None]] = {"dir:root": _plant_root, "m.yaml": _plant_manifest}


@pytest.mark.parametrize("target", PLANTED)
def test_secrets_never_leave_the_connector(target: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Planted in every place that is read, found in no snapshot and no report."""
    PLANTED[target]()
    texts = {}
    for name, reader in ((name, connector.load(name)) for name in connector.TABLE):
        if reader.recognises(target):
            texts[name] = encode_snapshot(reader.collect(target, Options(), lambda _: None)).decode()
            break
    for name in TABLE:
        outcome = call(capsys, "scan", target, "--fail-on", "never", "--verbose", "-o", name)
        assert (outcome.code, outcome.err) == (0, "")
        texts[f"report {name}"] = outcome.out
    assert len(texts) == 8
    found = [
        (where, secret) for where, text in texts.items() for secret in (*SECRETS, PRIVATE_KEY, HASH) if secret in text
    ]
    assert found == []


def test_the_examples_are_the_readmes(capsys: pytest.CaptureFixture[str]) -> None:
    """`make run` and the README point at these."""
    assert str(EXAMPLES).startswith(str(ROOT))
    assert call(capsys, "scan", str(EXAMPLES)).code == 1


@pytest.mark.usefixtures("little_content")
def test_a_policy_that_asks_nothing_is_no_pass(capsys: pytest.CaptureFixture[str]) -> None:
    _own()
    _write({".xspm/policies/ours.yaml": POLICY + "scope: {type: [host]}\n"})
    outcome = call(capsys, "scan", "pod.yaml")
    assert outcome.code == 2
    assert "no check of the policies in force concerns it" in outcome.err


@pytest.mark.usefixtures("little_content")
@pytest.mark.parametrize(
    "manifest",
    [
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}",
        "{apiVersion: x.example/v1, kind: Whatever, metadata: {name: a}}",
    ],
)
def test_a_target_without_anything_that_is_asked_about_is_no_pass(
    capsys: pytest.CaptureFixture[str], manifest: str
) -> None:
    _own()
    _write({".xspm/policies/ours.yaml": POLICY, "a.yaml": manifest})
    outcome = call(capsys, "scan", "a.yaml", "--fail-on", "never", "--allow-unknown")
    assert outcome.code == 2
    assert "a.yaml: nothing was assessed: the policies in force ask about k8s.container" in outcome.err


@pytest.mark.usefixtures("little_content")
def test_a_target_to_which_no_check_applies_was_assessed(capsys: pytest.CaptureFixture[str]) -> None:
    _own()
    text = CHECK.format(severity="high").replace("check: resource", "applies: 1 > 2\ncheck: resource")
    _write({".xspm/policies/ours.yaml": POLICY, ".xspm/checks/own/name.yaml": text, "db.yaml": DB})
    outcome = call(capsys, "scan", "db.yaml")
    assert (outcome.code, outcome.err) == (0, "")


@pytest.mark.usefixtures("little_content")
def test_targets_of_one_name_that_nothing_concerns_are_told_apart(capsys: pytest.CaptureFixture[str]) -> None:
    _own()
    _write({".xspm/policies/ours.yaml": POLICY + "scope: {type: [kubernetes.manifests]}\n"})
    _write({f"{root}/x/etc/os-release": "ID=x\n" for root in ("a", "b")})
    outcome = call(capsys, "scan", "dir:a/x", "dir:b/x")
    named = re.findall(r"(\S+): no check of the policies in force concerns it", outcome.err)
    assert len(named) == len(set(named)) == 2


def test_a_scan_of_a_pod_loads_only_what_it_needs() -> None:
    _write({"pod.yaml": POD})
    arguments = [*command()[:1], "-c", LOADED]
    spawn(arguments)  # what must be compiled is compiled now
    loaded = set(spawn(arguments).err.split())
    assert "xspm.connectors.kubernetes.collecting" in loaded
    assert set() == NEEDLESS & loaded
