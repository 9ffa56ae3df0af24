"""What is in reach of a working folder, in which order, under which names."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from house import check
from xspm.app import policies
from xspm.app.policies import FOLDER, built, default_cache, folders_in_reach, in_force
from xspm.errors import PolicyError, apart
from xspm.policy import library

K8S = check("resource.name != ''", resource="k8s.object")
POLICY = 'title: P\nversion: "1"\ninclude: [{checks: ["own.*"]}]\n'
EXCEPTIONS = "exceptions: [{checks: [own.a], resources: [b], reason: r, owner: o, expires: 2027-01-01}]\n"


@pytest.fixture(autouse=True)
def _world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty working folder, and content of one check and one policy."""
    content = tmp_path / "content"
    for name, text in {"checks/k8s/a.yaml": K8S, "policies/linux-hardening.yaml": POLICY.replace("own", "k8s")}.items():
        (content / name).parent.mkdir(parents=True)
        (content / name).write_text(text)
    monkeypatch.setattr(library, "CONTENT", type(library.CONTENT)(content))
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)


def _write(folder: str, **files: str) -> None:
    named = {"check": "checks/own/a.yaml", "policy": "policies/p.yaml", "exceptions": "exceptions.yaml"}
    for name, text in files.items():
        path = Path(folder, named[name])
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def _shown(*chosen: str) -> tuple[list[str], list[str]]:
    folders, names = folders_in_reach(chosen)
    return [folder.shown for folder in folders], names


def test_content_alone() -> None:
    assert _shown() == (["xspm"], [])
    force = in_force()
    assert list(force.library.checks) == ["k8s.a"]
    assert [policy.name for policy in force.policies] == ["linux-hardening"]


def test_the_nearest_folder_upward_is_in_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    _write(FOLDER, check=K8S, policy=POLICY)
    Path("a/b").mkdir(parents=True)
    monkeypatch.chdir("a/b")
    shown, _ = _shown()
    assert shown == ["xspm", str(Path.cwd().parents[1] / FOLDER)]
    assert [policy.name for policy in in_force().policies] == ["p"]
    Path("..", FOLDER, "checks").mkdir(parents=True)
    with pytest.raises(PolicyError, match="no policy files here"):
        in_force()


def test_the_home_folders_own_is_no_policy_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    _write(FOLDER, check=K8S)
    monkeypatch.setenv("HOME", str(Path.cwd()))
    assert _shown() == (["xspm"], [])
    monkeypatch.delenv("HOME")
    assert _shown() == (["xspm", FOLDER], [])


def test_paths_are_folders_files_or_names() -> None:
    _write("mine", check=K8S, policy=POLICY)
    Path("alone.yml").write_text(POLICY.replace("own", "k8s"))
    assert _shown("mine") == (["xspm", "mine"], [])
    assert _shown("mine", "./mine/", str(Path("mine").absolute())) == (["xspm", "mine"], [])
    assert _shown("alone.yml") == (["xspm", "alone.yml"], ["alone"])
    assert _shown("linux-hardening") == (["xspm"], ["linux-hardening"])
    assert _shown("mine", "mine/policies/p.yaml") == (["xspm", "mine"], ["p"])
    assert [policy.name for policy in in_force(["alone.yml"]).policies] == ["alone"]


def test_the_content_itself_is_not_read_twice() -> None:
    assert _shown(str(library.CONTENT)) == (["xspm"], [])


def test_a_folder_elsewhere_keeps_its_name(tmp_path: Path) -> None:
    _write(str(tmp_path / "elsewhere"), check=K8S)
    assert _shown("../elsewhere") == (["xspm", "../elsewhere"], [])


def test_the_working_folder_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    _write("mine", check="[]")
    monkeypatch.chdir("mine")
    assert _shown(".") == (["xspm", ""], [])
    assert [error.where for error in built(["."]).errors] == ["checks/own/a.yaml:1:1"]


@pytest.mark.parametrize(
    ("chosen", "complaint"),
    [
        ("./absent", "no such policy folder or file"),
        ("absent.yaml", "no such policy folder or file"),
        ("absent", "no policy is called 'absent'"),
        ("dangling", "no such policy folder or file"),
        ("loop", "cannot be read: Too many levels"),
        ("pipe", "not a regular file"),
        ("a/" * 3000, "cannot be read: File name too long"),
        ("pipe/x", "no such policy folder or file"),
        ("./a\0b", "cannot be read: embedded null byte"),
    ],
)
def test_what_cannot_be_read_is_named(chosen: str, complaint: str) -> None:
    Path("dangling").symlink_to("nowhere")
    Path("loop").symlink_to("loop")
    os.mkfifo("pipe")
    with pytest.raises(PolicyError, match=complaint):
        in_force([chosen])


def test_a_working_folder_that_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(PolicyError, match="the working folder cannot be read: No such file"):
        in_force()


def test_exceptions_of_folders_and_of_a_file() -> None:
    _write(FOLDER, check=K8S, exceptions=EXCEPTIONS)
    Path("more.yaml").write_text(EXCEPTIONS.replace("reason: r", "reason: more"))
    assert [one.reason for one in in_force(exceptions=Path("more.yaml")).exceptions] == ["r", "more"]
    with pytest.raises(PolicyError, match=r"^absent.yaml: cannot be read: No such file"):
        in_force(exceptions=Path("absent.yaml"))


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"XDG_CACHE_HOME": "/c", "HOME": "/h"}, "/c/xspm"),
        ({"XDG_CACHE_HOME": "relative", "HOME": "/h"}, "/h/.cache/xspm"),
        ({"XDG_CACHE_HOME": "", "HOME": "/h"}, "/h/.cache/xspm"),
        ({"HOME": "/h"}, "/h/.cache/xspm"),
        ({"HOME": "relative"}, None),
        ({"HOME": ""}, None),
        ({}, None),
    ],
)
def test_default_cache(environment: dict[str, str], expected: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    cache = default_cache()
    assert expected == (str(cache._folder) if cache else None)


def test_the_cache_is_used_and_can_be_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    first = in_force()

    def compile_nothing() -> None:
        raise AssertionError("nothing is to be compiled")

    monkeypatch.setattr(policies, "resource_types", compile_nothing)
    assert first.library == in_force().library
    with pytest.raises(AssertionError):
        in_force(cached=False)


def test_a_file_of_exceptions_shows_every_mistake_with_its_line() -> None:
    Path("e.yaml").write_text(EXCEPTIONS.replace("2027-01-01}", "soon}").replace("[b]", "[1]"))
    with pytest.raises(PolicyError) as caught:
        in_force(exceptions="e.yaml")
    assert [(one.where, one.source is not None) for one in apart(caught.value)] == [
        ("e.yaml:1:44", True),
        ("e.yaml:1:69", True),
    ]
    Path("e.yaml").write_text(EXCEPTIONS.replace("own.a", "own.a, own.b"))
    with pytest.raises(PolicyError) as idle:
        in_force(exceptions="e.yaml")
    assert [one.message for one in apart(idle.value)] == [
        "the exception names own.a, which is no check",
        "the exception names own.b, which is no check",
    ]
