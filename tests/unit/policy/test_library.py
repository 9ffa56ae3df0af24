"""Folders become a library: compiled, cached by digest, every mistake named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from house import TYPES, built, check, folder
from xspm.errors import CelError, DocumentError, PolicyError
from xspm.policy import library
from xspm.policy.cache import Cache

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from xspm.model.schema import TypeSpec

_POLICY = 'title: P\nversion: "1"\ninclude: [{checks: ["*"]}]\n'
_FRAMEWORK = 'title: F\nversion: "1"\npublisher: P\nurl: u\nrequirements: [{id: "1", title: t, checks: [a.*]}]\n'
_EXCEPTIONS = "exceptions: [{checks: [a], resources: [b], reason: r, owner: o, expires: 2027-01-01}]\n"


def test_a_folder_becomes_a_library() -> None:
    made = built(
        {
            "checks/a/locked.yaml": check("resource.locked"),
            "policies/p.yaml": _POLICY,
            "frameworks/f-1.yaml": _FRAMEWORK,
            "exceptions.yaml": _EXCEPTIONS.replace("[a]", "[a.*]"),
        },
        shipped=False,
    )
    assert made.errors == ()
    assert list(made.library.checks) == ["a.locked"]
    assert made.library.own_policies == ("p",)
    assert made.library.requirements == {"a.locked": ("f-1:1",)}
    assert [exception.checks for exception in made.library.exceptions] == [("a.*",)]
    assert made.library.checks["a.locked"].check.examples == ()
    assert len(made.checks["a.locked"].examples) == 2
    assert list(made.frameworks) == ["f-1"]


@pytest.mark.parametrize(
    ("files", "kind", "complaint"),
    [
        ({"checks/a.yaml": check("resource.lokced")}, CelError, "f/checks/a.yaml:4:16: "),
        ({"checks/a.yaml": check("resource.keys")}, CelError, "f/checks/a.yaml:4:"),
        (
            {"checks/a.yaml": check("resource.keys > 1")},
            CelError,
            "f/checks/a.yaml:4:16: resource.keys may be null here",
        ),
        ({"checks/a.yaml": check("resource.locked == 'yes'")}, CelError, "f/checks/a.yaml:4:24: "),
        ({"checks/a.yaml": check("|\n  resource.locked &&\n  resource.lokced")}, CelError, "f/checks/a.yaml:6:11: "),
        (
            {"checks/a.yaml": check("1 < 2", resource="test.gate")},
            PolicyError,
            "resource type 'test.gate' is not known",
        ),
        ({"checks/a.yaml": check("1 < 2", head="applies: 1 + 1\n")}, CelError, "f/checks/a.yaml:4:"),
        ({"checks/A.yaml": check("true")}, PolicyError, "path is its id"),
        ({"checks/a.yaml": "title: [\n"}, DocumentError, "f/checks/a.yaml:"),
        ({"checks/a.yaml": "\x00"}, DocumentError, "f/checks/a.yaml"),
        ({"exceptions.yaml": _EXCEPTIONS}, PolicyError, "the exception names a, which is no check"),
        ({"policies/p.yaml": _POLICY + "overrides: [{checks: [zz], severity: low}]\n"}, PolicyError, "names no check"),
    ],
)
def test_mistakes_are_named_with_their_place(files: dict[str, str], kind: type[Exception], complaint: str) -> None:
    errors = built(files).errors
    assert len(errors) == 1
    assert isinstance(errors[0], kind)
    assert complaint in str(errors[0])


def test_every_mistake_is_gathered_and_the_rest_still_stands() -> None:
    made = built({"checks/a.yaml": "x", "checks/b.yaml": check("resource.locked"), "policies/p.yaml": "y"})
    assert len(made.errors) == 2
    assert list(made.library.checks) == ["b"]


@pytest.mark.parametrize("kind", ["checks/a.yaml", "policies/p.yaml", "frameworks/f.yaml"])
def test_a_name_stands_for_one_thing(kind: str) -> None:
    text = {"c": check("1 < 2"), "p": _POLICY, "f": _FRAMEWORK}[kind[0]]
    made = library.build([folder({kind: text}), folder({kind: text}, shipped=False)], TYPES)
    assert ["exists already" in str(error) for error in made.errors] == [True]


def _types() -> Mapping[str, TypeSpec]:
    return TYPES


def _no_types() -> Mapping[str, TypeSpec]:
    raise AssertionError("a cached library must not need the types")


def test_a_cached_library_needs_nothing_compiled(tmp_path: Path) -> None:
    folders = [folder({"checks/a.yaml": check("resource.locked"), "policies/p.yaml": _POLICY})]
    cache = Cache(tmp_path)
    first = library.load(folders, _types, cache)
    assert first == library.load(folders, _no_types, cache)


def test_any_change_of_a_file_is_compiled_anew(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    library.load([folder({"checks/a.yaml": check("resource.locked")})], _types, cache)
    changed = library.load([folder({"checks/a.yaml": check("!resource.locked")})], _types, cache)
    assert changed.checks["a"].check.check == "!resource.locked"


def test_without_a_cache_everything_is_compiled(tmp_path: Path) -> None:
    folders = [folder({"checks/a.yaml": check("resource.locked")})]
    library.load(folders, _types, Cache(tmp_path))
    with pytest.raises(AssertionError):
        library.load(folders, _no_types, None)


def test_a_cache_entry_of_another_shape_is_ignored(tmp_path: Path) -> None:
    folders = [folder({"checks/a.yaml": check("resource.locked")})]
    cache = Cache(tmp_path)
    cache.put(library._key(folders), b"\xc0")
    assert list(library.load(folders, _types, cache).checks) == ["a"]


def test_a_part_that_is_gone_is_compiled_anew(tmp_path: Path) -> None:
    folders = [folder({"checks/a.yaml": check("resource.locked")})]
    cache = Cache(tmp_path)
    first = library.load(folders, _types, cache)
    second = library.load(folders, _types, cache)
    for part in tmp_path.glob("*.*"):
        part.unlink()
    assert len(second.checks) == 1
    assert second.checks["a"] == first.checks["a"]


def test_loading_stops_at_the_first_mistake_and_counts_the_others() -> None:
    with pytest.raises(PolicyError) as caught:
        library.load([folder({"checks/a.yaml": "{}", "checks/b.yaml": "{}"})], _types, None)
    assert caught.value.hint == "1 more: xspm policy lint"


def test_a_policys_digest_moves_with_what_it_may_select() -> None:
    files = {"checks/a.yaml": check("resource.locked"), "policies/p.yaml": _POLICY}
    first, second = built(files).library, built(files | {"checks/a.yaml": "\n" + check("resource.locked")}).library
    assert first.digests["p"] == second.digests["p"]
    third = built(files | {"checks/a.yaml": check("!resource.locked")}).library
    assert first.digests["p"] != third.digests["p"]


def test_a_single_mistake_promises_no_more() -> None:
    with pytest.raises(PolicyError) as caught:
        library.load([folder({"checks/a.yaml": "{}"})], _types, None)
    assert caught.value.hint is None
    assert list(library.load([folder({"checks/a.yaml": check("1 < 2")})], _types, None).checks) == ["a"]
