"""What was compiled once is not compiled again, and nothing stale is ever used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from house import check, folder, types
from xspm.cel import Environment
from xspm.errors import PolicyError
from xspm.policy import loading
from xspm.policy.building import build
from xspm.policy.cache import Cache
from xspm.policy.shelf import Shelf

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from xspm.model.schema import TypeSpec

_POLICY = 'title: P\nversion: "1"\ninclude: [{checks: ["*"]}]\n'
_FRAMEWORK = 'title: F\nversion: "1"\npublisher: P\nurl: u\nrequirements: [{id: "1", title: t, checks: [a.*]}]\n'
_EXCEPTIONS = "exceptions: [{checks: [a], resources: [b], reason: r, owner: o, expires: 2027-01-01}]\n"


def _no_types() -> Mapping[str, TypeSpec]:
    raise AssertionError("a cached library must not need the types")


def test_a_cached_library_needs_nothing_compiled(tmp_path: Path) -> None:
    folders = [folder({"checks/a.yaml": check("resource.locked"), "policies/p.yaml": _POLICY})]
    cache = Cache(tmp_path)
    first = loading.load(folders, types, cache)
    assert first == loading.load(folders, _no_types, cache)


def test_what_is_only_shown_comes_whole_from_the_cache(tmp_path: Path) -> None:
    files = {"checks/a.yaml": check("resource.locked"), "policies/p.yaml": _POLICY, "frameworks/f-1.yaml": _FRAMEWORK}
    folders, cache = [folder(files)], Cache(tmp_path)
    built_anew = build(folders, types)
    loading.load(folders, types, cache)
    found = loading.listed(folders, _no_types, cache)
    assert found.checks == built_anew.checks
    assert found.checks["a"].examples
    assert found.frameworks == built_anew.frameworks
    assert dict(found.library.checks) == dict(built_anew.library.checks)


def test_what_is_only_shown_is_kept_for_a_scan(tmp_path: Path) -> None:
    folders, cache = [folder({"checks/a.yaml": check("resource.locked")})], Cache(tmp_path)
    loading.listed(folders, types, cache)
    assert list(loading.load(folders, _no_types, cache).checks) == ["a"]


def test_what_is_not_sound_is_never_kept(tmp_path: Path) -> None:
    folders = [folder({"checks/a.yaml": check("resource.locked"), "checks/b.yaml": check("resource.lokced")})]
    for _ in range(2):
        found = loading.listed(folders, types, Cache(tmp_path))
        assert (list(found.checks), len(found.errors)) == (["a"], 1)
    assert list(tmp_path.glob(f"{loading._key(folders)}*")) == []


@pytest.mark.parametrize("payload", [None, b"{"])
def test_sources_that_are_gone_are_read_anew(tmp_path: Path, payload: bytes | None) -> None:
    folders, cache = [folder({"checks/a.yaml": check("resource.locked")})], Cache(tmp_path)
    loading.load(folders, types, cache)
    key = loading._key(folders)
    (tmp_path / f"{key}.sources").unlink()
    if payload is not None:
        cache.put(f"{key}.sources", payload)
    assert len(loading.listed(folders, types, cache).checks["a"].examples) == 2


def test_any_change_of_a_file_is_compiled_anew(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    loading.load([folder({"checks/a.yaml": check("resource.locked")})], types, cache)
    changed = loading.load([folder({"checks/a.yaml": check("!resource.locked")})], types, cache)
    assert changed.checks["a"].check.check == "!resource.locked"


def test_without_a_cache_everything_is_compiled(tmp_path: Path) -> None:
    folders = [folder({"checks/a.yaml": check("resource.locked")})]
    loading.load(folders, types, Cache(tmp_path))
    with pytest.raises(AssertionError):
        loading.load(folders, _no_types, None)


def test_a_cache_entry_of_another_shape_is_ignored(tmp_path: Path) -> None:
    folders = [folder({"checks/a.yaml": check("resource.locked")})]
    cache = Cache(tmp_path)
    cache.put(loading._key(folders), b"\xc0")
    assert list(loading.load(folders, types, cache).checks) == ["a"]


def test_a_part_that_is_gone_is_compiled_anew(tmp_path: Path) -> None:
    folders = [folder({"checks/a.yaml": check("resource.locked")})]
    cache = Cache(tmp_path)
    first = loading.load(folders, types, cache)
    second = loading.load(folders, types, cache)
    for part in tmp_path.glob("*.*"):
        part.unlink()
    assert len(second.checks) == 1
    assert second.checks["a"] == first.checks["a"]


def test_loading_stops_at_the_first_mistake_and_counts_the_others() -> None:
    with pytest.raises(PolicyError) as caught:
        loading.load([folder({"checks/a.yaml": "[]", "checks/b.yaml": "[]"})], types, None)
    assert caught.value.hint == "1 more: xspm policy lint"


def test_the_command_that_shows_every_mistake_can_be_pasted() -> None:
    named = msgspec.structs.replace(folder({"checks/a.yaml": "[]", "checks/b.yaml": "[]"}), given="our checks")
    with pytest.raises(PolicyError) as caught:
        loading.load([folder({}), named], types, None)
    assert caught.value.hint == "1 more: xspm policy lint 'our checks'"


def test_a_single_mistake_promises_no_more() -> None:
    with pytest.raises(PolicyError) as caught:
        loading.load([folder({"checks/a.yaml": "[]"})], types, None)
    assert caught.value.hint is None
    assert list(loading.load([folder({"checks/a.yaml": check("1 < 2")})], types, None).checks) == ["a"]


class _Count:
    """Counts what is compiled."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.compiled: list[str] = []
        compile_ = Environment.compile

        def counting(environment: Environment, source: str, **given: Any) -> Any:
            if source != "resource":  # the message's
                self.compiled.append(source)
            return compile_(environment, source, **given)

        monkeypatch.setattr(Environment, "compile", counting)


_FILES = {f"checks/{name}.yaml": check(f"resource.locked || 1 == {n}") for n, name in enumerate("abc")}


def test_one_edited_check_is_compiled_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = Cache(tmp_path)
    loading.load([folder(_FILES)], types, cache)
    count = _Count(monkeypatch)
    edited = _FILES | {"checks/b.yaml": check("resource.locked && 2 == 2")}
    found = loading.load([folder(edited)], types, cache)
    assert count.compiled == ["resource.locked && 2 == 2"]
    assert dict(found.checks) == dict(build([folder(edited)], types).library.checks)
    count.compiled.clear()
    loading.load([folder(_FILES | {"policies/p.yaml": _POLICY})], _no_types, cache)
    assert count.compiled == []


def test_a_check_that_is_not_sound_is_never_shelved(tmp_path: Path) -> None:
    files = _FILES | {"checks/d.yaml": check("resource.lokced")}
    for _ in range(2):
        found = loading.listed([folder(files)], types, Cache(tmp_path))
        assert (list(found.checks), len(found.errors)) == (["a", "b", "c"], 1)


def test_a_shelf_goes_by_the_place_of_a_check_too(tmp_path: Path) -> None:
    """Its name is its id, its folder stands in reports, and whether it is shipped decides when it is in force."""
    cache = Cache(tmp_path)
    loading.load([folder(_FILES)], types, cache)
    moved = {"checks/z.yaml": _FILES["checks/a.yaml"]}
    assert list(loading.load([folder(moved)], types, cache).checks) == ["z"]
    assert not loading.load([folder(_FILES, shipped=False)], types, cache).checks["a"].shipped


@pytest.mark.parametrize("payload", [b"", b"\xc0", msgspec.msgpack.encode({"a": 1})])
def test_a_shelf_of_another_shape_is_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, payload: bytes) -> None:
    cache = Cache(tmp_path)
    loading.load([folder(_FILES)], types, cache)
    whole = loading._key([folder(_FILES)])
    shelves = [path.name for path in tmp_path.iterdir() if not path.name.startswith(whole)]
    assert len(shelves) == 1
    cache.put(shelves[0], payload)
    count = _Count(monkeypatch)
    assert len(loading.load([folder(_FILES | {"policies/p.yaml": _POLICY})], types, cache).checks) == 3
    assert len(count.compiled) == 3


def test_a_shelf_that_somebody_touched_is_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = Cache(tmp_path)
    loading.load([folder(_FILES)], types, cache)
    for path in tmp_path.iterdir():
        path.write_bytes(path.read_bytes()[:-1] + b"?")
    count = _Count(monkeypatch)
    assert len(loading.load([folder(_FILES)], types, cache).checks) == 3
    assert len(count.compiled) == 3


def test_a_shelf_in_use_is_not_dropped_for_libraries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many folders are scanned in turn, what they share is compiled once."""
    cache = Cache(tmp_path)
    count = _Count(monkeypatch)
    for turn in range(40):
        loading.load([folder(_FILES | {"policies/p.yaml": _POLICY + f"# {turn}\n"})], types, cache)
    assert len(count.compiled) == 3


def test_what_a_shelf_cannot_give_back_exactly_is_compiled_again(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    large = check("resource.locked", head="parameters: {n: {default: 99999999999999999999, description: d}}\n")
    found = build([folder({"checks/a.yaml": large})], types, Shelf(cache, "aa"))
    assert found.errors == ()


def test_building_without_a_shelf_compiles_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As commands that verify do."""
    loading.load([folder(_FILES)], types, Cache(tmp_path))
    count = _Count(monkeypatch)
    build([folder(_FILES)], types)
    assert len(count.compiled) == 3
