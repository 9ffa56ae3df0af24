"""Hostile and broken input: each ends with one clear line or a problem on the snapshot, and never with a traceback.

Every case runs the real command line in an empty folder. What must hold for all of them is in `commandline`: exit code,
one line on standard error with hints below it, nothing that acts on a terminal, no hang; here also: nothing written.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from commandline import POD, assert_calm, assert_refused, call, listing
from xspm.report import interface

if TYPE_CHECKING:
    from collections.abc import Callable

ESC = "\x1b]0;owned\x07\x1b[2J"
BIDI = "\u202egpj.exe"

CHECK = """\
title: Labels are set
severity: high
resource: k8s.workload
check: resource.name != ""
message: "seen {resource.name}"
rationale: Because.
remediation: {steps: Set them.}
references: [https://example.org]
examples:
  pass: [{resource: {name: a}}]
  fail: [{resource: {name: ""}}]
"""
POLICY = 'title: P\nversion: "1"\ninclude: [{checks: ["k8s.*"]}]\n'
FRAMEWORK = 'title: F\nversion: "1"\npublisher: P\nurl: u\nrequirements: [{id: "1", title: t, checks: ["k8s.*"]}]\n'
EXCEPTION = "exceptions: [{checks: [k8s.a], resources: [b], reason: r, owner: o, expires: 2027-01-01}]\n"
IMAGES = "k8s.container.image_comes_from_allowed_registry"


def changed(text: str, old: str, new: str) -> str:
    """A file with one part replaced, which must be there."""
    assert old in text
    return text.replace(old, new, 1)


class Case(NamedTuple):
    """Arguments in a folder of files, and the words that the one line must hold."""

    name: str
    arguments: tuple[str, ...]
    complaint: str
    files: dict[str, str | bytes] | None = None
    prepare: Callable[[], object] | None = None


def own(name: str, file: str, text: str | bytes, complaint: str) -> Case:
    """A broken policy file below `.xspm/`, met by a scan of a sound manifest."""
    return Case(name, ("scan", "pod.yaml"), complaint, {"pod.yaml": POD, f".xspm/{file}": text})


def flag(name: str, complaint: str, *arguments: str) -> Case:
    """A scan of a sound manifest with arguments that do not fit."""
    return Case(name, ("scan", "pod.yaml", *arguments), complaint, {"pod.yaml": POD})


def _loop() -> None:
    Path("a").symlink_to("b")
    Path("b").symlink_to("a")


def _socket() -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("s.yaml")


def _sparse(path: str, size: int) -> Callable[[], object]:
    def make() -> None:
        with Path(path).open("wb") as file:
            file.truncate(size)

    return make


def _fifo(path: str) -> Callable[[], object]:
    def make() -> None:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        os.mkfifo(path)

    return make


def _link(path: str, target: str) -> Callable[[], object]:
    def make() -> None:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).symlink_to(target)

    return make


TARGETS = [
    Case("no target", ("scan",), "name at least one target"),
    Case("missing path", ("scan", "absent/"), "no such path"),
    Case("empty target", ("scan", ""), "is no target"),
    Case("NUL", ("scan", "a\0b.yaml"), "is no target"),
    Case("terminal escape", ("scan", f"x{ESC}.yaml"), "is no target"),
    Case("newline", ("scan", "x\ny.yaml"), "is no target"),
    Case("bidi", ("scan", BIDI), "is no target"),
    Case("lone surrogate", ("scan", "\udcff.yaml"), "is no target"),
    Case("endless name", ("scan", "x" * 5000), "is no target"),
    Case("foreign scheme", ("scan", "ftp://example.org/"), "is no target"),
    Case("a file of another kind", ("scan", "pod.txt"), "neither a folder nor a regular file", {"pod.txt": POD}),
    Case("lint of a mistyped name", ("policy", "lint", "polices"), "neither a path nor the name of a policy"),
    Case(
        "report over a target",
        ("scan", "pod.yaml", "-o", "json=pod.yaml"),
        "a report would replace pod.yaml",
        {"pod.yaml": POD},
    ),
    Case(
        "report over a target's file",
        ("scan", "w", "-o", "json=w/pod.yaml"),
        "a report would replace",
        {"w/pod.yaml": POD},
    ),
    Case(
        "report over a JSON target",
        ("scan", "pod.json", "-o", "pod.json"),
        "a report would replace",
        {"pod.json": "{}"},
    ),
    Case("one bad of two", ("scan", "pod.yaml", "absent"), "is no target", {"pod.yaml": POD}),
    Case("file of another kind", ("scan", "notes.txt"), "is no target", {"notes.txt": "hello"}),
    Case("loop of links", ("scan", "a"), "is no target", prepare=_loop),
    Case("FIFO", ("scan", "pipe.yaml"), "is no target", prepare=_fifo("pipe.yaml")),
    Case("socket", ("scan", "s.yaml"), "is no target", prepare=_socket),
    Case("endless device", ("scan", "/dev/zero"), "is no target"),
    Case("link to an endless device", ("scan", "z.yaml"), "is no target", prepare=_link("z.yaml", "/dev/zero")),
    Case("empty folder", ("scan", "."), "holds no Kubernetes object"),
    Case("folder without manifests", ("scan", "."), "holds no Kubernetes object", {"README.md": "x", "a.yaml": "a: 1"}),
    Case("empty file", ("scan", "a.yaml"), "no Kubernetes object", {"a.yaml": ""}),
    Case("no object", ("scan", "a.yaml"), "no Kubernetes object", {"a.yaml": "- 1\n- 2\n"}),
    Case("dir without path", ("scan", "dir:"), "names no folder"),
    Case("dir missing", ("scan", "dir:absent"), "cannot read the root file system"),
    Case("dir with escapes", ("scan", f"dir:{ESC}"), "cannot read the root file system"),
    Case("dir with NUL", ("scan", "dir:a\0b"), "dir:a\\x00b"),
    Case("dir is a file", ("scan", "dir:f"), "not a directory", {"f": "x"}),
    Case("dir is a FIFO", ("scan", "dir:p"), "not a directory", prepare=_fifo("p")),
    Case("dir is a loop", ("scan", "dir:a"), "levels of symbolic links", prepare=_loop),
    Case("ssh without host", ("scan", "ssh://"), "not an ssh address"),
    Case("ssh with a password", ("scan", "ssh://root:hunter2@127.0.0.1"), "a password does not belong"),
    Case("ssh port out of range", ("scan", "ssh://h:99999"), "not an ssh address"),
    Case("ssh option as host", ("scan", "ssh://-oProxyCommand=id"), "not an ssh address"),
    Case("ssh with a path", ("scan", "ssh://h/etc/passwd"), "not an ssh address"),
    Case("ssh with a newline", ("scan", "ssh://h%0a"), "control characters"),
]

FLAGS = [
    flag("unknown threshold", "'bogus' is not one of", "--fail-on", "bogus"),
    flag("unknown engine", "'turbo' is not one of", "--engine", "turbo"),
    flag("unknown flag", "--polciy", "--polciy", "x"),
    flag("flag without value", "requires an argument", "--fail-on"),
    flag("escape in a flag", "No such option", f"--{ESC}"),
    flag("timeout of nothing", "not in the range", "--timeout", "0"),
    flag("timeout that is no number", "not a valid", "--timeout", "nan"),
    flag("unknown format", "the suffix names no report format", "-o", "report.pdf"),
    flag("escape in a format", "the suffix names no report format", "-o", ESC),
    flag("format without path", "the path is missing", "-o", "json="),
    flag("two reports to standard output", "only one report can go", "-o", "json", "-o", "csv=-"),
    flag("two reports to one file", "two reports would be written to", "-o", "json=r", "-o", "csv=r"),
    flag("policy without a file", "no policy is called 'absent'", "--policy", "absent"),
    flag("policy path missing", "no such policy folder or file", "--policy", "./absent"),
    flag("policy path endless", "too long", "--policy", "./" + "x" * 5000),
    flag("policy of NUL", "no policy is called", "--policy", "a\0b"),
    flag("policy is a device", "not a regular file", "--policy", "/dev/zero"),
    flag("policy folder empty", "no policy files here", "--policy", "."),
    flag("exceptions missing", "absent.yaml: cannot be read", "--exceptions", "absent.yaml"),
    flag("exceptions is a folder", "Is a directory", "--exceptions", "."),
    flag("exceptions endless", "not a regular file", "--exceptions", "/dev/zero"),
    Case("unknown command", ("scna",), "No such command 'scna'"),
    Case("escape in a command", (ESC,), "No such command"),
    Case("too many arguments", ("resources", "a", f"b{ESC}"), "unexpected extra argument"),
    Case("unknown resource type", ("resources", f"linux.nope{ESC}"), "no resource type is called"),
    Case("unknown check", ("check", "show", "k8s.nope"), "no check is called 'k8s.nope'"),
    Case("several checks", ("check", "show", "k8s.*"), "names "),
    Case("unknown severity", ("check", "list", "--severity", "dire"), "'dire' is not one of"),
    Case("new check of no type", ("check", "new", "a.b", "--resource", "x.y"), "no resource type is called"),
    Case("new check outside", ("check", "new", "../../etc/x", "--resource", "linux.sshd"), "is no check id"),
    Case("new check of no name", ("check", "new", "", "--resource", "linux.sshd"), "is no check id"),
    Case("new check again", ("check", "new", "a.b", "--resource", "k8s.role"), "exists already", {".xspm/checks/a/b.yaml": CHECK}),
    Case("unknown framework", ("framework", "show", "absent"), "names no framework"),
    Case("several frameworks", ("framework", "show", "nist"), "names 2 frameworks"),
    Case("unknown shell", ("completion", "tcsh"), "'tcsh' is not one of"),
]  # fmt: skip

OUTPUTS = [
    flag("folder missing", "could not be written: No such file", "-o", "absent/r.json"),
    flag("path is a folder", "could not be written: Is a directory", "-o", "json=."),
    flag("file as a folder", "could not be written: Not a directory", "-o", "pod.yaml/r.json"),
    flag("file system that takes nothing", "could not be written", "-o", "/proc/r.json"),
    flag("full device", "could not be written: No space left", "-o", "json=/dev/full"),
    flag("name too long", "could not be written: File name too long", "-o", "x" * 300 + ".json"),
    flag("NUL in the path", "could not be written: embedded null", "-o", "json=a\0b"),
    flag("second of two fails", "could not be written", "-o", "a.json", "-o", "absent/r.csv"),
    flag("second of two is full", "could not be written", "-o", "a.json", "-o", "csv=/dev/full"),
    Case("FIFO that nobody reads", ("scan", "pod.yaml", "-o", "json=p"), "nobody reads the pipe", {"pod.yaml": POD}, _fifo("p")),
    Case("loop of links", ("scan", "pod.yaml", "-o", "json=a"), "could not be written", {"pod.yaml": POD}, _loop),
]  # fmt: skip

POLICIES = [
    own("check that is no YAML", "checks/a.yaml", "title: [\n", ".xspm/checks/a.yaml:"),
    own("check of binary", "checks/a.yaml", b"\x7fELF\0\0", ".xspm/checks/a.yaml"),
    own("check in UTF-16", "checks/a.yaml", CHECK.encode("utf-16"), "UTF-8 is expected"),
    own("check with tabs", "checks/a.yaml", changed(CHECK, "  pass", "\tpass"), ".xspm/checks/a.yaml:10"),
    own("check with a duplicate key", "checks/a.yaml", CHECK + "title: again\n", "title"),
    own("check that is empty", "checks/a.yaml", "", "empty"),
    own("check that is a list", "checks/a.yaml", "- 1\n", "a mapping is needed"),
    own("check of two documents", "checks/a.yaml", CHECK + "---\n" + CHECK, "one document is expected"),
    own("check too large", "checks/a.yaml", CHECK + "#" * 1_100_000, "larger than"),
    own("check with an unknown section", "checks/a.yaml", CHECK + f'"remdiation{ESC!r}": x\n', "is not known here"),
    own("check without a title", "checks/a.yaml", changed(CHECK, "title: Labels are set\n", ""), "`title` is missing"),
    own("check out of order", "checks/a.yaml", changed(CHECK, "title: Labels are set\nseverity: high", "severity: high\ntitle: T"), "must come before"),
    own("check of no severity", "checks/a.yaml", changed(CHECK, "high", "dire"), "`severity` is 'dire'"),
    own("check of no type", "checks/a.yaml", changed(CHECK, "k8s.workload", "k8s.nope"), "resource type 'k8s.nope' is not known"),
    own("check of a misspelt field", "checks/a.yaml", changed(CHECK, "resource.name", "resource.nmae"), ".xspm/checks/a.yaml:4:"),
    own("check of a wrong comparison", "checks/a.yaml", changed(CHECK, '!= ""', "!= 1"), ".xspm/checks/a.yaml:4:"),
    own("check that is no truth", "checks/a.yaml", changed(CHECK, ' != ""', ""), ".xspm/checks/a.yaml:4:"),
    own("check that does not parse", "checks/a.yaml", changed(CHECK, ' != ""', " !="), ".xspm/checks/a.yaml:4:"),
    own("check nested without end", "checks/a.yaml", changed(CHECK, 'resource.name != ""', "(" * 3000 + "true" + ")" * 3000), ".xspm/checks/a.yaml:4:"),
    own("check of a broken message", "checks/a.yaml", changed(CHECK, "{resource.name}", "{resource.nope}"), ".xspm/checks/a.yaml:5:"),
    own("check of an open brace", "checks/a.yaml", changed(CHECK, "{resource.name}", "{resource.name"), ".xspm/checks/a.yaml:5:"),
    own("check without examples", "checks/a.yaml", CHECK[: CHECK.index("examples")], "`examples` is missing"),
    own("check with an idle example", "checks/a.yaml", CHECK[: CHECK.index("  fail")], "needs at least one `fail`"),
    own("parameter without default", "checks/a.yaml", changed(CHECK, "check:", "parameters: {p: {description: d}}\ncheck:"), "needs a default"),
    own("parameter of no name", "checks/a.yaml", changed(CHECK, "check:", "parameters: {a b: {default: 1, description: d}}\ncheck:"), "a parameter's name is a word"),
    own("path that is no id", "checks/No-Id.yaml", CHECK, "path is its id"),
    own("check of a shipped name", "checks/k8s/container/is_not_privileged.yaml", CHECK, "exists already"),
    own("check in .yml", "checks/a.yml", CHECK, "policy files end in .yaml"),
    own("policy without selection", "policies/p.yaml", 'title: P\nversion: "1"\n', "a policy selects checks"),
    own("policy of an empty selection", "policies/p.yaml", 'title: P\nversion: "1"\ninclude: [{}]\n', "a selection names"),
    own("policy whose version is a number", "policies/p.yaml", changed(POLICY, '"1"', "1"), "`version` must be text"),
    own("policy of a shipped name", "policies/pss-baseline.yaml", POLICY, "exists already"),
    own("override of no check", "policies/p.yaml", POLICY + "overrides: [{checks: [zz.*], severity: low}]\n", "names no check"),
    own("override of no parameter", "policies/p.yaml", POLICY + f"overrides: [{{checks: [{IMAGES}], params: {{nope: 1}}}}]\n", "sets the parameter 'nope'"),
    own("override of a wrong type", "policies/p.yaml", POLICY + 'overrides: [{checks: ["k8s.*"], params: {registries: {a: 1}}}]\n', "which is not"),
    own("override of nothing", "policies/p.yaml", POLICY + "overrides: [{checks: [k8s.*]}]\n", "an override changes"),
    own("scope that is a list", "policies/p.yaml", POLICY + "scope: [a]\n", "a mapping is needed"),
    own("framework of nothing", "frameworks/f.yaml", changed(FRAMEWORK, '[{id: "1", title: t, checks: ["k8s.*"]}]', "[]"), "`requirements` is missing"),
    own("framework of one id twice", "frameworks/f.yaml", changed(FRAMEWORK, "requirements: [", 'requirements: [{id: "1", title: t}, '), "stands twice"),
    own("framework with checks and a reason", "frameworks/f.yaml", changed(FRAMEWORK, "title: t", "title: t, reason: r"), "not both"),
    own("exceptions that are no YAML", "exceptions.yaml", "exceptions: [", ".xspm/exceptions.yaml:"),
    own("exceptions that are a list", "exceptions.yaml", "[]", "a mapping is needed"),
    own("exceptions of another name", "exceptions.yaml", "exception: []\n", "must be a list"),
    own("exception without expiry", "exceptions.yaml", changed(EXCEPTION, ", expires: 2027-01-01", ""), "`expires` is missing"),
    own("exception of no date", "exceptions.yaml", changed(EXCEPTION, "2027-01-01", "2027-02-30"), "not a date"),
    own("exception of a compact date", "exceptions.yaml", changed(EXCEPTION, "2027-01-01", '"20270101"'), "not a date"),
    own("exception for ever", "exceptions.yaml", changed(EXCEPTION, "2027-01-01", "never"), "not a date"),
    own("exception without owner", "exceptions.yaml", changed(EXCEPTION, "owner: o, ", ""), "`owner` is missing"),
    own("exception without reason", "exceptions.yaml", changed(EXCEPTION, "reason: r", "reason: ' '"), "`reason` is empty"),
    own("exception without resources", "exceptions.yaml", changed(EXCEPTION, "resources: [b], ", ""), "says exactly what it covers"),
    own("exception from everything", "exceptions.yaml", changed(EXCEPTION, "[k8s.a], resources: [b]", "['*'], resources: ['**']"), "* on every resource is too broad"),
    own("exception of a family from everything", "exceptions.yaml", changed(EXCEPTION, "[k8s.a], resources: [b]", "['k8s.pod.*'], resources: ['*']"), "k8s.pod.* on every resource of every asset is too broad"),
    own("exception with an unknown key", "exceptions.yaml", changed(EXCEPTION, "owner: o", "owner: o, asset: x"), "`asset` is not known here"),
    Case("FIFO as a check", ("scan", "pod.yaml"), "not a regular file", {"pod.yaml": POD}, _fifo(".xspm/checks/a.yaml")),
    Case("FIFO as exceptions", ("scan", "pod.yaml", "--exceptions", "p"), "not a regular file", {"pod.yaml": POD}, _fifo("p")),
    Case("dangling link as a check", ("scan", "pod.yaml"), "No such file", {"pod.yaml": POD}, _link(".xspm/checks/a.yaml", "x")),
    Case("dangling link as exceptions", ("scan", "pod.yaml"), "No such file", {"pod.yaml": POD}, _link(".xspm/exceptions.yaml", "x")),
    Case("link to a folder of checks", ("scan", "pod.yaml"), "a link to a folder", {"pod.yaml": POD}, _link(".xspm/checks/a", "/etc")),
    Case("two policies that differ", ("scan", "pod.yaml"), "different parameters", {
        "pod.yaml": POD,
        ".xspm/checks/a.yaml": changed(CHECK, "check:", "parameters: {p: {default: 1, description: d}}\ncheck:"),
        ".xspm/policies/p.yaml": changed(POLICY, '"k8s.*"', "a") + "overrides: [{checks: [a], params: {p: 2}}]\n",
        ".xspm/policies/q.yaml": changed(POLICY, '"k8s.*"', "a"),
    }),
]  # fmt: skip


def _cases() -> list[object]:
    groups = {"target": TARGETS, "flag": FLAGS, "output": OUTPUTS, "policy": POLICIES}
    return [pytest.param(case, id=f"{group}: {case.name}") for group, cases in groups.items() for case in cases]


def _arrange(case: Case) -> None:
    for name, content in (case.files or {}).items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(content if isinstance(content, bytes) else content.encode())
    if case.prepare:
        case.prepare()


def test_there_are_enough_cases() -> None:
    assert len(_cases()) + len(DOCUMENTS) >= 60


@pytest.mark.usefixtures("little_content")
@pytest.mark.parametrize("case", _cases())
def test_refused(
    case: Case, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interface, "PATIENCE", 0.1)
    _arrange(case)
    before = listing(tmp_path)
    outcome = call(capsys, *case.arguments)
    assert_refused(outcome, case.complaint)
    assert listing(tmp_path) == before


def _bomb() -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: bomb}\n" + "\n".join(lines) + "\n"


_HEAD = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"

DOCUMENTS: dict[str, tuple[str | bytes, str]] = {
    "truncated YAML": (_HEAD + "data: {a: [1, 2", "bad.yaml:"),
    "open quote": (_HEAD + 'data: {a: "x\n', "bad.yaml:"),
    "truncated JSON": ('{"apiVersion": "v1", "kind": "Pod", "metadata": {', "bad.yaml"),
    "deep nesting": (_HEAD + "data: " + "[" * 20_000 + "]" * 20_000, "deep"),
    "deep indentation": (_HEAD + "data:\n" + "".join(" " * (n + 1) + "a:\n" for n in range(2_000)), "deep"),
    "aliases that multiply": (_bomb(), "alias"),
    "alias of itself": (_HEAD + "data: &a {b: *a}\n", "bad.yaml:4"),
    "alias of nothing": (_HEAD + "data: *nope\n", "bad.yaml:4"),
    "merge keys that multiply": (_HEAD + "x: &x {a: 1}\ny: {<<: 1}\n", "bad.yaml:5"),
    "duplicate key": (_HEAD + "kind: Secret\n", "bad.yaml:4"),
    "duplicate key in JSON": ('{"apiVersion": "v1", "kind": "Pod", "kind": "Pod"}', "bad.yaml:1"),
    "tab": (_HEAD + "data:\n\ta: 1\n", "bad.yaml:5"),
    "UTF-16": ((_HEAD + "data: {}\n").encode("utf-16"), "UTF-8"),
    "UTF-16 without a mark": ((_HEAD + "data: {}\n").encode("utf-16-le"), "UTF-8"),
    "Latin-1": (_HEAD.encode() + "data: {a: é}\n".encode("latin-1"), "UTF-8"),
    "NUL": (_HEAD + "data: {a: \0}\n", "bad.yaml"),
    "control character": (_HEAD + f"data: {{a: {ESC}}}\n", "bad.yaml"),
    "Python tag": (_HEAD + "data: !!python/object/apply:os.system [id]\n", "bad.yaml:4"),
    "tag of its own": (_HEAD + "data: !mine {a: 1}\n", "bad.yaml:4"),
    "key that is a list": (_HEAD + "data: {? [a] : 1}\n", "bad.yaml:4"),
    "directive of another version": ("%YAML 9.9\n---\n" + _HEAD, "bad.yaml"),
    "broken among sound ones": (_HEAD + "---\nkind: [\n---\n" + _HEAD.replace("name: a", "name: b"), "bad.yaml:"),
    "template": ("apiVersion: v1\nkind: Pod\nmetadata:\n  name: {{ .Values.name }}\n  {{- if x }}\n", "helm template"),
    "name that acts on a terminal": ('apiVersion: v1\nkind: Pod\nmetadata: {name: "a\\e[2J\\u202e"}\nspec: [', "bad.yaml"),
}  # fmt: skip
"""Each is put beside a sound manifest, which must be assessed all the same."""


@pytest.mark.usefixtures("little_content")
@pytest.mark.parametrize("name", DOCUMENTS)
def test_broken_document_is_a_problem(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text, complaint = DOCUMENTS[name]
    Path("bad.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    Path("pod.yaml").write_text(POD)
    before = listing(tmp_path)
    outcome = call(capsys, "scan", ".")
    assert (outcome.code, outcome.err) == (1, "")
    problems = outcome.out.partition("Not read")[2]
    assert "bad.yaml" in problems
    assert complaint in problems
    assert "Pod web" in outcome.out
    assert_calm(outcome)
    assert listing(tmp_path) == before
