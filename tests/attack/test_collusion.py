"""A threshold of one side colludes: what the other side still sees, and where it can stop them.

The attackers hold every key of one party, or just enough keys of two. The reader is of another party, with their own
pin, scanner and witness.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from attack.world import ENOUGH, KNOWN, bundle, day, said
from commandline import assert_refused
from parties import public
from xspm.contract.terms import Bundle, Member, Party, Scanner

if TYPE_CHECKING:
    from pathlib import Path

    from attack.world import World

SECURITY = ("alice", "bob", "carol")


def test_all_of_security_change_the_contract(world: World) -> None:
    """All of security together lower the rules; platform did not sign, so nothing is in force."""
    world.put(world.version(*SECURITY, rules={**world.terms.rules, "accept_contract": {"security": 1, "audit": 1}}))
    assert_refused(world.under("contract", "verify"), "wants 1 more of platform (dave or erin); signed by alice and bob and carol (security)")  # fmt: skip


def test_all_of_platform_change_the_contract(world: World) -> None:
    """All of platform together bring weaker policies; security did not sign, so nothing is in force."""
    world.put(world.version("dave", "erin", policies=Bundle(2, world.add_bundle(bundle("web, db")))))
    assert_refused(world.under("contract", "verify"), "wants 2 more of security")


def test_two_of_security_excuse_the_deployment(world: World) -> None:
    """Two of security ask for and approve an exception between them: somebody of another side must ask."""
    world.deploy("web", "db")
    world.exception("alice", "bob", "carol", requested_by="alice")
    outcome = world.scan()
    assert (outcome.code, f"{KNOWN}: 1 fail" in said(outcome)) == (1, True)
    assert "alice, who asks, is of security, which alone approves it" in said(world.under("exception", "list"))


def test_one_of_each_side_excuse_the_deployment(world: World) -> None:
    """One of platform asks and one of security approves between them: it holds, and every report names them."""
    world.deploy("web", "db")
    world.exception("dave", "bob")
    found = world.scanned()
    (exception,) = [one["exception"] for one in found["assessments"][0]["verdicts"] if one.get("exception")]
    assert (exception["owner"], exception["reason"]) == ("dave, approved by bob", "OPS-1")
    assert "dave" in said(world.under("exception", "list"))
    world.signed("ci")
    code, (result,) = world.looked()
    assert code == 0
    routes = [one for one in result["forgers"] if one["kind"] == "exception"]
    assert ["bob", "dave"] in [sorted(one["name"] for one in group) for route in routes for group in route["sets"]]


def test_enough_of_both_sides_weaken_the_policies(watched: World) -> None:
    """Enough of both sides bring a weaker bundle into force: audit sees who, what it lets through, and the entry."""
    watched.amend(*ENOUGH, policies=Bundle(2, watched.add_bundle(bundle("web, db"))))
    shown = said(watched.under("contract", "diff", "1", "2"))
    assert "weaker: needs the signatures of both parties" in shown
    assert f"{KNOWN} names is ['web', 'db'], was ['web']" in shown
    assert "signed by dave (platform), alice and bob (security)" in said(watched.under("contract", "show"))
    # Kept off the ledger it is found there too.
    code, found = watched.audit()
    assert (code, "is signed and not on the ledger" in found["unlogged"]) == (1, True)
    assert watched.append(watched.folder).code == 0
    assert watched.audit() == (0, {})


def test_version_shown_to_some_only(watched: World, tmp_path: Path) -> None:
    """The colluding sides show a version to one reader and hide it from audit: the ledger has an entry too many."""
    for_audit = tmp_path / "for-audit"
    shutil.copytree(watched.folder, for_audit)
    watched.amend(*ENOUGH, policies=Bundle(2, watched.add_bundle(bundle("web, db"))))
    assert watched.append(watched.folder).code == 0
    watched.folder = for_audit
    watched.newcomer()
    code, found = watched.audit()
    assert (code, set(found)) == (1, {"withheld"})


def test_two_versions_for_two_readers(watched: World, tmp_path: Path) -> None:
    """The colluding sides sign two versions 2, one for each reader: the one on the ledger gives the other away."""
    for_audit = tmp_path / "for-audit"
    shutil.copytree(watched.folder, for_audit)
    mine = watched.version(*ENOUGH, policies=Bundle(2, watched.add_bundle(bundle("web, db"))))
    harmless = watched.version(*ENOUGH, expires=day(150))
    watched.put(mine)
    assert watched.append(watched.folder).code == 0
    watched.folder = for_audit
    watched.put(harmless)
    assert_refused(watched.under("contract", "verify"), "there are two histories")
    watched.newcomer()
    assert watched.under("contract", "verify").code == 0
    code, found = watched.audit()
    assert (code, set(found)) == (1, {"unlogged", "withheld"})


def test_platform_lies_with_its_scanner(world: World) -> None:
    """All of platform shows its own scanner a clean file and signs: security's scanner found something else."""
    world.signed("ops")
    world.deploy("web", "db")
    world.signed("ci")
    code, found = world.looked()
    assert code == 0
    notes = {one["scanner"]: " ".join(one["notes"]) for one in found}
    assert "the scanner ci (run by security) found something else" in notes["ops"]


def test_security_adds_a_scanner_of_its_own(world: World) -> None:
    """All of security enter a scanner that confirms what theirs says, as if platform ran it; platform must sign."""
    scanners = {**world.terms.scanners, "ops-2": Scanner((public("mallory"),), ("*",), "platform")}
    world.put(world.version(*SECURITY, scanners=scanners))
    assert_refused(world.under("contract", "verify"), "wants 1 more of platform")


def test_security_exchanges_a_key_of_platform(world: World) -> None:
    """Security and one of platform exchange the key of platform's other member, and sign with it."""
    platform = Party({**world.terms.parties["platform"].members, "erin": Member((public("mallory"),))})
    version = world.version(*SECURITY, "mallory", parties={**world.terms.parties, "platform": platform})
    world.put(version)
    assert_refused(world.under("contract", "verify"), "wants 1 more of platform (dave or erin)")
    # With dave they have enough: everybody sees it in the difference.
    world.put(world.version(*SECURITY, "dave", "mallory", parties={**world.terms.parties, "platform": platform}))
    shown = said(world.under("contract", "diff", "1", "2"))
    assert "erin" in shown
    assert "key" in shown


def test_the_audit_party_is_cut_out(world: World) -> None:
    """Enough of both sides remove the audit party and its witness: nobody of audit signed, so nothing is in force."""
    parties = {side: one for side, one in world.terms.parties.items() if side != "audit"}
    world.put(world.version(*SECURITY, "dave", "erin", parties=parties, ledger=None))
    assert_refused(world.under("contract", "verify"), "changes the people or keys of audit, and nobody of audit signed it")  # fmt: skip


def test_the_witness_is_cut_out(watched: World) -> None:
    """Enough of both sides drop the ledger from the contract; the difference says so in plain words."""
    watched.amend(*ENOUGH, ledger=None)
    shown = said(watched.under("contract", "diff", "1", "2"))
    assert "loosened" in shown
    assert "ledger" in shown
    assert "there is no ledger: what was signed can be withheld unseen" in said(watched.under("contract", "show"))


def test_who_could_have_forged_this_green(world: World) -> None:
    """A reader asks who could have forged a green result, and gets the smallest groups by name."""
    world.signed("ci")
    shown = said(world.verify("--who-could-forge"))
    assert "the scanner ci (run by security): signs evidence of what never was" in shown
    assert "1 of platform (dave, erin) and 2 of security (alice, bob, carol)" in shown


def test_the_other_side_takes_the_power_away(world: World) -> None:
    """After a key was abused, the parties take it out; what it signs afterwards counts for nothing."""
    parties = world.terms.parties
    security = Party({name: one for name, one in parties["security"].members.items() if name != "alice"})
    world.amend("bob", "carol", "dave", parties={**parties, "security": security})
    assert world.under("contract", "verify").code == 0
    world.put(world.version("alice", "bob", "dave", expires=day(150)))
    assert_refused(world.under("contract", "verify"), "signed by a key that nobody in the contract holds")
