"""With nobody attacking, everything passes: so what the other files see is the attack."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attack.world import KNOWN, said

if TYPE_CHECKING:
    from attack.world import World


def test_nobody_attacks(watched: World) -> None:
    """The honest world: the scan is green, the result verifies, the ledger is sound, and a fault is seen."""
    assert watched.scan().code == 0
    made = watched.signed()
    watched.append(made)
    assert watched.verify("--engine", "both").code == 0
    assert watched.audit("--results", str(watched.results)) == (0, {})
    assert "acme holds: version 1" in said(watched.under("contract", "verify"))
    watched.deploy("web", "db")
    outcome = watched.scan()
    assert (outcome.code, KNOWN in said(outcome)) == (1, True)
