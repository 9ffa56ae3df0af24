from __future__ import annotations

import io
import os
import sys
from typing import TYPE_CHECKING, Any

import pytest

from xspm.connector import Connector, Options
from xspm.connectors.kubernetes import CONNECTOR
from xspm.connectors.kubernetes.problems import ALL_TYPES
from xspm.errors import ConnectorError
from xspm.model.asset import Snapshot, decode_snapshot, encode_snapshot
from xspm.model.schema import field_docs, validate

if TYPE_CHECKING:
    from pathlib import Path

POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: %s}\nspec: {containers: [{name: c, image: i}]}\n"
SHAPES = {spec.name: spec.shape for spec in CONNECTOR.types()}


def collect(target: Path | str) -> Snapshot:
    said: list[str] = []
    snapshot = CONNECTOR.collect(str(target), Options(), said.append)
    for resource in snapshot.resources:
        assert validate(resource.data, SHAPES[resource.type]) == []
    assert decode_snapshot(encode_snapshot(snapshot)) == snapshot
    return snapshot


def ids(snapshot: Snapshot, kind: str = "k8s.object") -> list[str]:
    return [resource.id for resource in snapshot.resources if resource.type == kind]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(path: Path, text: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_it_is_a_connector_with_documented_types() -> None:
    assert isinstance(CONNECTOR, Connector)
    names = [spec.name for spec in CONNECTOR.types()]
    assert sorted(names) == list(ALL_TYPES)
    assert len(set(names)) == len(names)
    for spec in CONNECTOR.types():
        assert spec.title
        if spec.source is not None:
            assert set(field_docs(spec.source)) == {field.name for field in spec.shape.fields}


@pytest.mark.parametrize("target", ["-", ".", "a.yaml", "a.yml", "a.json", "a.YAML"])
def test_it_recognises_manifests(folder: Path, target: str) -> None:
    write(folder / target, POD) if "a." in target else None
    assert CONNECTOR.recognises(target)


@pytest.mark.parametrize(
    "target", ["host", "ssh://web", "dir:/x", "nope.yaml", "", "a\0b", "a.txt", "x" * 5000 + ".yaml", "pipe.yaml"]
)
def test_it_leaves_other_targets_alone(folder: Path, target: str) -> None:
    (folder / "host").mkdir()
    write(folder / "a.txt", POD)
    os.mkfifo(folder / "pipe.yaml")
    assert not CONNECTOR.recognises(target)


def test_a_folder_is_read_in_order(folder: Path) -> None:
    write(folder / "m/b.yaml", POD % "two")
    write(folder / "m/a/x.yml", POD % "one")
    write(folder / "m/c.json", '{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}}')
    write(folder / "m/.git/x.yaml", POD % "hidden")
    write(folder / "m/node_modules/x.yaml", POD % "module")
    write(folder / "m/.deploy/x.YAML", POD % "deployed")
    write(folder / "m/values.yaml", "replicas: 1\nbroken: [")
    write(folder / "m/notes.txt", POD % "text")
    snapshot = collect("m")
    pods = [f"default/Pod/{name}" for name in ("deployed", "module", "one", "two")]
    assert ids(snapshot) == [*pods, "default/Service/s"]
    assert snapshot.problems == ()
    assert (snapshot.asset.type, snapshot.asset.id, snapshot.asset.name) == (
        "kubernetes.manifests",
        "kubernetes.manifests:m",
        "m",
    )
    assert snapshot.resource_types == ALL_TYPES
    (one,) = [
        resource
        for resource in snapshot.resources
        if resource.id == "default/Pod/one" and resource.type == "k8s.object"
    ]
    assert one.location is not None
    assert (one.location.file, one.location.line, one.location.end_line) == ("m/a/x.yml", 1, 4)


def test_broken_files_do_not_stop_the_others(folder: Path) -> None:
    write(folder / "ok.yaml", POD % "good")
    write(folder / "bad1.yaml", "apiVersion: v1\nkind: Pod\n\tx: 1\n")
    write(folder / "bad2.yaml", b"apiVersion: v1\nkind: \xff\n")
    write(folder / "bad3.yaml", "apiVersion: v1\nkind: Pod\nkind: Pod\n---\n" + POD % "after")
    write(folder / "bad4.yaml", "apiVersion: v1\nkind: Pod\n".encode("utf-16"))
    write(folder / "bad5.yaml", "apiVersion: v1\nkind: {{ .Values.kind }}\n")
    snapshot = collect(".")
    assert ids(snapshot) == ["default/Pod/after", "default/Pod/good"]
    found = [
        (problem.location and (problem.location.file, problem.location.line), problem.message)
        for problem in snapshot.problems
    ]
    assert found == [
        (("bad1.yaml", 3), "a tab stands where YAML allows only spaces"),
        (("bad2.yaml", 2), "byte 0xff is not UTF-8"),
        (("bad3.yaml", 3), "duplicate key 'kind', first given on line 2"),
        (("bad4.yaml", 1), "the text is UTF-16 or UTF-32; UTF-8 is expected"),
        (("bad5.yaml", 2), "looks like a template, as those of helm, which is no manifest yet"),
    ]
    assert all(problem.resource_types == ALL_TYPES for problem in snapshot.problems)
    assert snapshot.problems[4].hint == ("run helm template and scan its output: helm template CHART | xspm scan -")


def test_odd_files_are_problems_and_never_opened(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside")
    write(outside / "x.yaml", POD % "outside")
    write(folder / "m/ok.yaml", POD % "ok")
    os.mkfifo(folder / "m/pipe.yaml")
    (folder / "m/loop").symlink_to(folder / "m")
    (folder / "m/self.yaml").symlink_to("self.yaml")
    (folder / "m/out.yaml").symlink_to(outside / "x.yaml")
    (folder / "m/outdir").symlink_to(outside)
    (folder / "m/again.yaml").symlink_to("ok.yaml")
    (folder / "m/dir.yaml").mkdir()
    (folder / "m/null.yaml").symlink_to("/dev/zero")
    snapshot = collect("m")
    assert ids(snapshot) == ["default/Pod/ok"]
    assert [problem.message for problem in snapshot.problems] == [
        "the link m/null.yaml leads out of the folder and is not followed",
        "the link m/out.yaml leads out of the folder and is not followed",
        "the link m/outdir leads out of the folder and is not followed",
        "m/pipe.yaml is not a regular file and is not read",
        "m/self.yaml cannot be read: symbolic links lead in a circle",
    ]


def test_the_same_object_twice_is_assessed_twice(folder: Path) -> None:
    write(folder / "a.yaml", POD % "p" + "---\n" + POD % "p")
    write(folder / "b.yaml", POD % "p")
    assert ids(collect("."), "k8s.workload") == ["default/Pod/p", "default/Pod/p#a.yaml", "default/Pod/p#b.yaml"]


def test_charts_and_kustomizations_say_how_to_build_them(folder: Path) -> None:
    write(folder / "chart/Chart.yaml", "apiVersion: v2\nname: x\n")
    write(folder / "chart/templates/d.yaml", "kind: {{ .x }}\napiVersion: v1")
    write(folder / "chart/charts/sub/Chart.yaml", "apiVersion: v2\nname: y\n")
    write(folder / "chart/charts/sub/templates/d.yaml", "kind: {{ .x }}\napiVersion: v1")
    write(
        folder / "chart/crds/c.yaml",
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: c}\n",
    )
    write(
        folder / "k/kustomization.yaml",
        "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [x]\n",
    )
    snapshot = collect(".")
    assert ids(snapshot) == ["CustomResourceDefinition/c"]
    chart, kustomization = snapshot.problems
    assert (chart.message, chart.hint) == (
        "chart is a Helm chart, whose templates are no manifests yet",
        "render it first: helm template chart | xspm scan -",
    )
    assert chart.resource_types == ALL_TYPES
    assert kustomization.hint == "assess what it makes: kustomize build k | xspm scan -"
    assert kustomization.resource_types == ()
    assert collect("chart/templates").problems[0].resource_types == ALL_TYPES
    with pytest.raises(ConnectorError, match=r"k holds no Kubernetes object: k/kustomization\.yaml is not built"):
        collect("k")


@pytest.mark.parametrize("name", ["kustomization.yaml", "kustomization.yml", "Kustomization"])
@pytest.mark.parametrize("head", ["", "kind: Kustomization\n", "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n"])  # fmt: skip
@pytest.mark.parametrize(
    ("field", "types"),
    [
        ("patches: [{patch: '[]'}]", ALL_TYPES),
        ("patchesStrategicMerge: [p.yaml]", ALL_TYPES),
        ("images: [{name: c, newTag: latest}]", ALL_TYPES),
        ("helmCharts: [{name: c}]", ALL_TYPES),
        ("patches: []", ()),
    ],
)
def test_a_build_file_is_noted_with_or_without_its_kind(
    folder: Path, name: str, head: str, field: str, types: tuple[str, ...]
) -> None:
    write(folder / "k" / name, f"{head}resources: [p.yaml]\n{field}\n")
    write(folder / "k/p.yaml", POD % "p")
    snapshot = collect("k")
    (problem,) = snapshot.problems
    assert problem.message.startswith(f"k/{name} is not built")
    assert problem.resource_types == types
    assert ids(snapshot) != []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("apiVersion: v1\nkind: List\nitems:\n- null\n- {apiVersion: v1, kind: Service, metadata: {name: s}}\n", ["default/Service/s"]),
        ("apiVersion: v1\nkind: ServiceList\nitems: [{metadata: {name: s}}]\n", ["default/Service/s"]),
        ("apiVersion: v1\nkind: List\nitems: [{apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: Node, metadata: {name: x}}]}]", ["Node/x"]),
        ("apiVersion: x.io/v1\nkind: AllowList\nmetadata: {name: a}\nspec: {}\n", ["AllowList.x.io/a"]),
        ("[{apiVersion: v1, kind: Node, metadata: {name: x}}, 5]", ["Node/x"]),
        ("apiVersion: v1\nkind: Pod\nmetadata: {generateName: job-}\nspec: {containers: [{name: c}]}", ["default/Pod/job-*"]),
        ("apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: web}", ["web/Pod/a"]),
        ("# c\n---\n# d\n---\napiVersion: v1\nkind: Node\nmetadata: {name: x}\n---\n---\n", ["Node/x"]),
        ('{"apiVersion": "v1", "kind": "Node", "metadata": {"name": "a"}}{"apiVersion": "v1", "kind": "Node", "metadata": {"name": "b"}}', ["Node/a", "Node/b"]),
        ("apiVersion: v1\nkind: Pod\nmetadata: {name: h, annotations: {helm.sh/hook: pre-install}}\nspec: {containers: [{name: c}]}", ["default/Pod/h"]),
        ("apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: s}\nspec: {template: {spec: {containers: [{image: i}]}}}", ["default/Service.serving.knative.dev/s"]),
    ],
)  # fmt: skip
def test_objects_are_named(text: str, expected: list[str]) -> None:
    assert ids(CONNECTOR.example("manifest", text)) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("apiVersion: v1\nkind: 5", "kind is an integer, and a string is expected"),
        ("apiVersion: v1\nkind:", "kind is null, and a string is expected"),
        ("apiVersion: ''\nkind: Pod", "apiVersion is empty, and a string is expected"),
        ("apiVersion: v1\nkind: List\nitems: {a: b}", "a List has items that are a mapping"),
        ("apiVersion: v1\nkind: List\nitems: [5]", "an item of a List is an integer, not an object"),
        ("{apiVersion: v1, kind: List, items: [" * 8 + "]}" * 8, "a List nests too deep"),
    ],
)
def test_what_is_no_object_is_a_problem(folder: Path, text: str, message: str) -> None:
    write(folder / "x.yaml", text)
    assert [problem.message for problem in collect("x.yaml").problems] == [message]
    with pytest.raises(ConnectorError, match="the example's manifest, line"):
        CONNECTOR.example("manifest", text)


def test_what_stands_among_objects_and_is_none_is_a_problem(folder: Path) -> None:
    node = "apiVersion: v1\nkind: Node\nmetadata: {name: x}\n"
    write(
        folder / "d/x.yaml",
        f"{node}---\nkind: Pod\nspec: {{}}\n---\napiVersion: v1\n---\n# none\n---\ntext\n---\n{{}}\n",
    )
    write(folder / "d/values.yaml", "a: apiVersion\nb: kind\n")
    problems = collect("d").problems
    assert [problem.resource_types for problem in problems] == [()] * 3
    assert [(problem.message, problem.location and problem.location.line) for problem in problems] == [
        ("what stands here has no apiVersion, and is not assessed", 5),
        ("what stands here has no kind, and is not assessed", 8),
        ("what stands here has no apiVersion and kind, and is not assessed", 12),
    ]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("x.yaml", "a: 1", "x.yaml holds no Kubernetes object"),
        ("x.yaml", "", "x.yaml holds no Kubernetes object"),
        ("x.yaml", "apiVersion: v1\nkind: List\nitems: null", "x.yaml holds no Kubernetes object"),
        ("x.yaml", "apiVersion: v1\nkind: Config\nclusters: []", "x.yaml holds no Kubernetes object"),
        ("d/x.yaml", "a: 1", "d holds no Kubernetes object"),
        ("nope", None, "nope cannot be read: no such file or directory"),
        ("a\0b", None, "a path cannot hold a NUL character"),
    ],
)
def test_a_target_without_objects_is_an_error(folder: Path, name: str, text: str | None, message: str) -> None:
    if text is not None:
        write(folder / name, text)
    with pytest.raises(ConnectorError) as caught:
        collect(name.split("/", maxsplit=1)[0])
    assert caught.value.message == message


def test_devices_and_pipes_are_no_targets(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    for target in ("pipe", "/dev/null"):
        with pytest.raises(ConnectorError, match="is neither a file nor a folder"):
            collect(target)


@pytest.mark.parametrize("target", ["/dev/stdin", "/dev/fd/0"])
def test_the_paths_of_standard_input_are_standard_input(monkeypatch: pytest.MonkeyPatch, target: str) -> None:
    class Input:
        buffer = io.BytesIO((POD % "p").encode())

    monkeypatch.setattr(sys, "stdin", Input())
    assert ids(collect(target)) == ["default/Pod/p"]


def test_standard_input_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    class Input:
        buffer = io.BytesIO((POD % "p").encode())

    monkeypatch.setattr(sys, "stdin", Input())
    snapshot = collect("-")
    assert (snapshot.asset.id, snapshot.asset.name) == ("kubernetes.manifests:-", "standard input")
    assert snapshot.resources[0].location is not None
    assert snapshot.resources[0].location.file == "stdin"
    with pytest.raises(ConnectorError, match="standard input holds no Kubernetes object"):
        collect("-")


def test_unreadable_folders_are_problems(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(folder / "m/ok.yaml", POD % "ok")
    write(folder / "m/no/x.yaml", POD % "no")
    scandir = os.scandir

    def denied(path: Any) -> Any:
        if str(path).endswith("no"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", denied)
    (problem,) = collect("m").problems
    assert (problem.kind, problem.message) == ("access", "the folder m/no cannot be read: permission denied")
    assert problem.resource_types == ALL_TYPES


def test_problem_messages_stay_on_one_line(folder: Path) -> None:
    write(
        folder / "x.yaml",
        POD % "p" + '---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: "a\\e[31m\\nb", labels: 5}\n',
    )
    (problem,) = collect("x.yaml").problems
    assert problem.message.isprintable()


@pytest.mark.parametrize(
    ("form", "content"), [("host", "x"), ("manifest", {"a": 1}), ("manifest", "a: 1"), ("manifest", "a: [")]
)
def test_examples_must_be_manifests(form: str, content: Any) -> None:
    with pytest.raises(ConnectorError):
        CONNECTOR.example(form, content)


def test_examples_are_the_same_evidence_every_time() -> None:
    first, second = (CONNECTOR.example("manifest", POD % "p") for _ in range(2))
    assert first == second
    assert first.digest == second.digest
