from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

import pytest

from xspm.connector import Options
from xspm.connectors.kubernetes import CONNECTOR
from xspm.connectors.kubernetes.problems import ALL_TYPES
from xspm.errors import ConnectorError

if TYPE_CHECKING:
    from pathlib import Path

    from xspm.model.asset import Snapshot

NODE = "apiVersion: v1\nkind: Node\nmetadata: {name: x}\n"


def collect(target: Path | str) -> Snapshot:
    return CONNECTOR.collect(str(target), Options(), lambda _: None)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "node.yaml").write_text(NODE)
    return tmp_path


@pytest.mark.parametrize(
    ("text", "lacking"),
    [
        ("kind: Pod\nspec: {containers: [{name: c}]}", "apiVersion"),
        ("kind: List\nitems: []\nmetadata: {}", "apiVersion"),
        ("apiVersion: apps/v1\nmetadata: {name: x}\nspec: {}", "kind"),
        ("apiVersion: v1\nmetadata: {name: x}", "kind"),
        ("metadata: {name: x}\nspec: {containers: [{name: c}]}", "apiVersion and kind"),
        ("metadata: {name: x}\nspec: {template: {spec: {containers: []}}}", "apiVersion and kind"),
        ("- kind: Service\n  metadata: {name: x}", "apiVersion"),
    ],
)
def test_what_has_the_form_of_an_object_is_not_passed_over(folder: Path, text: str, lacking: str) -> None:
    (folder / "x.yaml").write_text(text)
    problems = collect(".").problems
    assert [each.message for each in problems] == [f"what stands here has no {lacking}, and is not assessed"]


@pytest.mark.parametrize(
    "text",
    [
        "kind: pipeline\nmetadata: {name: x}",
        "apiVersion: v2\nname: chart\nmetadata: x",
        "kind: Pod",
        "metadata: {a: b}\nspec: {a: b}",
        "kind-of: 1\nspec: x",
        "version: 3\nspec: {containers: []}",
        "[1, 2]",
        "apiVersion: 3\nspec: {}",
    ],
)
def test_what_is_somebody_elses_is_passed_over(folder: Path, text: str) -> None:
    (folder / "x.yaml").write_text(text)
    assert collect(".").problems == ()


def test_an_item_of_a_list_without_a_kind_is_a_problem(folder: Path) -> None:
    (folder / "x.yaml").write_text("apiVersion: v1\nkind: List\nitems: [{kind: Pod, spec: {}}, {}]")
    (problem,) = collect(".").problems
    assert problem.message == "an item of a List has no apiVersion, and is not assessed"


COMMENTED = """{
  "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"},
  "spec": {"containers": [{
    %s
    "securityContext": {"privileged": true}, "name": "c", "image": "https://r.example/x"}]}
}"""


@pytest.mark.parametrize("comment", ["// why", "/* why */", "//"])
def test_json_with_comments_is_a_problem(folder: Path, comment: str) -> None:
    """YAML would take the comment for a part of the key behind it."""
    (folder / "x.json").write_text(COMMENTED % comment)
    (problem,) = collect(".").problems
    assert (problem.message, problem.location and problem.location.line, problem.resource_types) == (
        "JSON has no comments, and what stands beside one is not read",
        4,
        ALL_TYPES,
    )


@pytest.mark.parametrize(
    "text",
    [
        COMMENTED % "",
        COMMENTED % '"note": "a // b /* c */",',
        "{apiVersion: v1, kind: Node, metadata: {name: z, annotations: {a: https://x}}}",
    ],
)
def test_json_with_addresses_has_no_comments(folder: Path, text: str) -> None:
    (folder / "x.json").write_text(text)
    assert collect(".").problems == ()


def test_a_template_is_not_taken_for_json(folder: Path) -> None:
    (folder / "x.yaml").write_text("{{/* why */}}\napiVersion: v1\nkind: {{ .x }}\n")
    (problem,) = collect(".").problems
    assert problem.message.startswith("looks like a template")


def test_a_pipe_that_the_shell_names_is_read() -> None:
    reader, writer = os.pipe()

    def write() -> None:
        with os.fdopen(writer, "wb") as pipe:
            pipe.write(NODE.encode())

    target = f"/dev/fd/{reader}"
    try:
        assert CONNECTOR.recognises(target)
        thread = threading.Thread(target=write)
        thread.start()
        snapshot = collect(target)
        thread.join()
    finally:
        os.close(reader)
    assert [each.id for each in snapshot.resources if each.type == "k8s.object"] == ["Node/x"]
    assert not CONNECTOR.recognises("/dev/fd/99999")


def test_any_other_pipe_is_pointed_to_standard_input(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    with pytest.raises(ConnectorError) as caught:
        collect("pipe")
    assert caught.value.hint == "what comes through a pipe is read as `-`"
