"""Row "the policy repository or distribution": whoever hands out the contract's folder controls every byte in it.

The attacker holds the server, the repository or the USB stick by which readers get `contract/`: they replace, withhold,
reorder and mix what others signed. They hold no key. Readers have a root digest that they pinned elsewhere.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from attack.world import ENOUGH, EVERYBODY, bundle, changed, day, forged, said
from commandline import assert_refused
from parties import after
from xspm.contract.folder import bundle_path
from xspm.contract.terms import Bundle

if TYPE_CHECKING:
    from collections.abc import Callable

    from attack.world import World
    from commandline import Outcome

    Make = Callable[..., World]

WEAK = bundle("web, db")
"""The same checks under the same ids, which let the database through."""


def verified(world: World) -> Outcome:
    return world.under("contract", "verify")


def refused(world: World, complaint: str) -> None:
    """The reader refuses the contract, and a scan under it reads nothing of the target."""
    assert_refused(verified(world), complaint)
    assert_refused(world.scan(), complaint)


# Bundles


def test_altered_bundle(world: World) -> None:
    """The bundle in force is altered in place, so that a check lets more through."""
    world.deploy("db")
    assert world.scan().code == 1
    assert world.terms.policies is not None
    world.add_bundle(WEAK, name=world.terms.policies.digest)
    assert_refused(world.scan(), "it was changed")


def test_bundle_withheld(world: World) -> None:
    """The bundle in force is withheld, in the hope that xspm falls back to its own policies."""
    assert world.terms.policies is not None
    bundle_path(world.folder, world.terms.policies.digest).unlink()
    assert_refused(world.scan(), "are not at hand")


def test_older_bundle_by_name(world: World) -> None:
    """An older bundle, validly signed in its time, is laid under the name of the newer one."""
    strict = bundle("api")
    old = world.terms.policies
    assert old is not None
    world.amend(policies=Bundle(2, world.add_bundle(strict)))
    assert world.scan().code == 1
    shutil.copy(bundle_path(world.folder, old.digest), bundle_path(world.folder, world.terms.policies.digest))  # type: ignore[union-attr]
    assert_refused(world.scan(), "it was changed")


def test_older_bundle_by_version(world: World) -> None:
    """A version of the contract goes back to an older bundle number, with every ordinary signature."""
    world.amend(policies=Bundle(2, world.add_bundle(bundle("api"))))
    world.put(world.version(*EVERYBODY, policies=world.links[0].terms.policies))
    refused(world, "goes back to older policies than version 2")


def test_other_bundle_under_the_same_number(world: World) -> None:
    """Two readers get different policies under one number."""
    world.put(world.version(*EVERYBODY, policies=Bundle(1, world.add_bundle(WEAK))))
    refused(world, "has other policies under the number 1")


def test_policies_dropped(world: World) -> None:
    """A version of the contract without any policies, so that nothing is asked any more."""
    world.put(world.version(*EVERYBODY, policies=None))
    refused(world, "goes back to older policies")


def test_mixed_bundle(world: World) -> None:
    """Files of two signed bundles are mixed into one that nobody signed."""
    first, second = (json.loads(bundle(names)) for names in ("web", "web, db"))
    name = "checks/own/is_known.yaml"
    first["folders"][0]["files"][name] = second["folders"][0]["files"][name]
    assert world.terms.policies is not None
    world.add_bundle(json.dumps(first).encode(), name=world.terms.policies.digest)
    assert_refused(world.scan(), "it was changed")


def test_bundle_with_duplicate_keys(world: World) -> None:
    """A bundle names one file twice: people are shown the strict text, the machine takes the lax one."""
    strict, lax = (json.dumps(json.loads(text)["folders"][0]["files"])[1:-1] for text in (bundle(), WEAK))
    data = bundle().replace(b'"files":{', b'"files":{' + strict.encode() + b"," + lax.encode() + b",", 1)
    world.put(world.version(*EVERYBODY, policies=Bundle(2, world.add_bundle(data))))
    assert_refused(world.scan(), "not written as xspm writes a bundle")


def test_bundle_written_twice(world: World) -> None:
    """The same policies in other bytes, to have two digests for one set."""
    data = json.dumps(json.loads(bundle()), indent=1).encode()
    world.put(world.version(*EVERYBODY, policies=Bundle(2, world.add_bundle(data))))
    assert_refused(world.scan(), "not written as xspm writes a bundle")


def test_bundle_is_a_pipe(world: World) -> None:
    """A pipe in place of the bundle, so that a scan never ends."""
    assert world.terms.policies is not None
    path = bundle_path(world.folder, world.terms.policies.digest)
    path.unlink()
    os.mkfifo(path)
    assert_refused(world.scan(), "no regular file")


# The chain


def test_frozen(found: Make) -> None:
    """The contract is frozen: readers are shown an old version past its expiry, and never the new one."""
    world = found(expires=day(-1))
    renewed = world.version(*EVERYBODY, expires=day(100))
    refused(world, f"version 1 of the contract expired on {day(-1)}")
    world.put(renewed)
    assert verified(world).code == 0


def test_rollback(world: World) -> None:
    """A reader who has seen version 2 is handed version 1 again, however well it is signed."""
    world.amend(policies=Bundle(2, world.add_bundle(bundle("api"))))
    assert world.scan().code == 1
    (world.folder / "versions" / "0002.dsse.json").unlink()
    refused(world, "version 2 was in force before: somebody hands you an old one")


def test_two_histories(world: World) -> None:
    """A reader who has seen one version 2 is later handed another, signed by as many people."""
    world.amend(expires=day(150))
    assert verified(world).code == 0
    world.put(forged(changed(world.terms, expires=day(151)), *EVERYBODY))
    refused(world, "there are two histories")


def test_skipped_version(world: World) -> None:
    """The version that took a power away is left out of the chain."""
    world.amend(expires=day(150))
    world.put(world.version(*EVERYBODY))
    assert verified(world).code == 0
    (world.folder / "versions" / "0002.dsse.json").unlink()
    refused(world, "version 2 is missing: a contract skips none")


def test_skipped_number(world: World) -> None:
    """A version signed as number 3 right after number 1."""
    world.put(forged(changed(world.terms, version=3, predecessor=world.root), *EVERYBODY))
    refused(world, "version 2 is missing: a contract skips none")


def test_mix_and_match(world: World) -> None:
    """Version 3 of one branch is joined to version 2 of another; both branches are fully signed."""
    one, other = (world.version(*EVERYBODY, expires=day(days)) for days in (150, 151))
    third = after(other, *EVERYBODY)
    world.put(one)
    world.put(third)
    refused(world, f"version 3 follows {other.digest}, not the version 2 at hand ({one.digest})")
    shutil.rmtree(world.folder / "versions")
    for link in (world.links[0], other, third):
        world.put(link)
    assert verified(world).code == 0


def test_both_branches(world: World) -> None:
    """Two versions of one number lie in the folder, each for whoever picks it."""
    world.put(world.version(*EVERYBODY, expires=day(150)))
    world.put(world.version(*EVERYBODY, expires=day(151)), name=7)
    refused(world, "there are two versions 2")


def test_renamed_files_change_nothing(world: World) -> None:
    """The files of the chain are renamed so that the old version is the last; the order is in the signed text."""
    world.amend(policies=Bundle(2, world.add_bundle(bundle("api"))))
    folder = world.folder / "versions"
    (folder / "0001.dsse.json").rename(folder / "9999.dsse.json")
    assert world.scan().code == 1
    assert "acme holds: version 2" in said(verified(world))


def test_foreign_version(world: World) -> None:
    """A version of another contract between the same people is put into this chain."""
    foreign = forged(changed(world.version().terms, name="sandbox"), *EVERYBODY)
    world.put(foreign)
    refused(world, "it is of the contract 'sandbox', not 'acme'")


def test_contract_exchanged(world: World, tmp_path: Path) -> None:
    """The whole folder is exchanged for a contract of the attacker's own, with a root digest beside it."""
    (tmp_path / "theirs").mkdir()
    theirs = type(world)(tmp_path / "theirs", world.capsys, name="acme", exceptions=world.terms.exceptions, owners=())
    shutil.rmtree(world.folder)
    shutil.copytree(theirs.folder, world.folder)
    (world.folder / "root").write_text(theirs.root)
    refused(world, f"this contract has no version {world.root}, the one that you trust")


def test_no_pin(world: World) -> None:
    """A reader without a pin is to take the root from the folder that they were handed."""
    Path("contract-root").write_text(world.root)
    (world.folder / "contract-root").write_text(world.root)
    without = ("--contract", str(world.folder))
    assert_refused(world.run("contract", "verify", *without), "its root digest is pinned nowhere")
    assert_refused(world.run("scan", str(world.pods), *without), "its root digest is pinned nowhere")


def test_pin_to_the_middle_of_history(world: World) -> None:
    """Versions before the pinned one are forged: a reader who pinned later never looks at them."""
    second = world.amend(expires=day(150))
    third = world.version(*ENOUGH)
    world.put(third)
    world.put(forged(changed(world.links[0].terms, name="acme"), "mallory"))
    outcome = world.run("contract", "verify", "--contract", str(world.folder), "--root", second.digest)
    assert outcome.code == 0
    assert_refused(verified(world), "signed by a key that nobody in the contract holds")


@pytest.mark.parametrize("junk", [b"", b"{}", b"[" * 200_000, b"\xff\xfe", b"null"], ids=["empty", "none", "deep", "bytes", "null"])  # fmt: skip
def test_junk_version(world: World, junk: bytes) -> None:
    """A newer version is overwritten with junk, in the hope that readers then stay with the old one."""
    world.amend(expires=day(150))
    (world.folder / "versions" / "0002.dsse.json").write_bytes(junk)
    refused(world, "not a DSSE envelope")
