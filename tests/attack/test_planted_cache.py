"""The cache of compiled checks is poisoned by somebody else on the machine that scans.

The attacker is another account on the build machine, or a job that ran before: they can leave files where xspm keeps
compiled checks. A signed scan never reads that folder; an unsigned one believes only what this user alone could write.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from attack.world import KNOWN, said
from xspm.app.policies import default_cache
from xspm.app.types import resource_types
from xspm.cel import Environment
from xspm.policy.cache import Cache
from xspm.policy.library import Compiled

if TYPE_CHECKING:
    from attack.world import World


@pytest.fixture
def planted(world: World) -> Path:
    """Every compiled check of the contract's bundle is replaced by one that always passes."""
    world.deploy("web", "db")
    assert world.scan().code == 1
    cache = default_cache()
    assert cache is not None
    folder = Path(cache._folder)
    always = Environment(resource_types()).compile("true", expect="bool", resource="k8s.container", params={}).dump()
    poisoned = 0
    for file in folder.glob("*.k8s.container"):
        data = cache.get(file.name)
        assert data is not None
        checks = msgspec.msgpack.decode(data, type=dict[str, Compiled])
        lies = {name: msgspec.structs.replace(one, program=always) for name, one in checks.items()}
        Cache(folder).put(file.name, msgspec.msgpack.encode(lies))
        poisoned += 1
    assert poisoned
    assert world.scan().code == 0, "the attack itself does not work"
    return folder


def seen(world: World) -> None:
    outcome = world.scan()
    assert (outcome.code, f"{KNOWN}: 1 fail" in said(outcome)) == (1, True), outcome


def test_signed_scan(world: World, planted: Path) -> None:
    """The poisoned cache lies in wait for a scan that signs: what is signed never comes from a cache."""
    assert planted.is_dir()
    made = world.signed()
    (result,) = [one for one in world.looked(of=made)[1] if one["asset"] == world.asset]
    assert (result["state"], result["gate"]) == ("verified", "fail")


def test_scan_without_the_cache(world: World, planted: Path) -> None:
    """A reader in doubt leaves the cache out."""
    assert planted.is_dir()
    outcome = world.scan("--no-cache")
    assert outcome.code == 1


def test_folder_that_others_may_write(world: World, planted: Path) -> None:
    """The poisoned folder is one that others may write to."""
    planted.chmod(0o777)
    seen(world)


def test_file_that_others_may_write(world: World, planted: Path) -> None:
    """The poisoned files are ones that others may write to."""
    for file in planted.iterdir():
        file.chmod(0o666)
    seen(world)


def test_link_to_files_of_others(world: World, planted: Path, tmp_path: Path) -> None:
    """The poisoned files are links to a place that others control."""
    for file in list(planted.glob("*.k8s.container")):
        moved = tmp_path / file.name
        shutil.move(file, moved)
        file.symlink_to(moved)
    seen(world)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_files_of_another_user(world: World, planted: Path) -> None:
    """The poisoned files belong to another user."""
    for file in planted.iterdir():
        os.chown(file, 65534, 65534)
    seen(world)


def test_bytes_changed_in_place(world: World, planted: Path) -> None:
    """The poisoned files are edited in place without the digest that goes with them."""
    for file in planted.iterdir():
        data = bytearray(file.read_bytes())
        data[-1] ^= 1
        file.write_bytes(data)
    seen(world)


def test_pipes_in_place_of_files(world: World, planted: Path) -> None:
    """Pipes lie in place of the files, so that a scan never ends."""
    for file in list(planted.iterdir()):
        file.unlink()
        os.mkfifo(file)
    seen(world)
