"""What `xspm scan` does besides when it is held under a contract: open it first, sign last."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from xspm.app.agreed import under
from xspm.app.attest import attest, check_may_sign
from xspm.app.changed import contract_snapshot
from xspm.app.policies import InForce
from xspm.app.scan import now
from xspm.app.trust import Trusted, open_contract
from xspm.cli.contracting import signer
from xspm.contract.signers import Signer
from xspm.errors import UsageError
from xspm.model.verdict import ContractRef
from xspm.policy.plan import plan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xspm.model.asset import Snapshot
    from xspm.model.verdict import Run


class Contracted(msgspec.Struct, frozen=True):
    """A contract that verified, and who signs under it."""

    trusted: Trusted
    in_force: InForce
    reference: ContractRef
    signer: Signer | None
    evidence: Path | None

    @classmethod
    def opened(
        cls,
        *,
        folder: str,
        root: str | None,
        key: str | None,
        evidence: str | None,
        passphrase_file: str | None,
        cached: bool,
    ) -> Contracted:
        """Verify a contract and open the key that signs.

        Args:
            folder: the contract's folder.
            root: the pinned digest or a file with it, where a flag gave one.
            key: where the scanner's private key is; None signs nothing.
            evidence: the folder for what is signed.
            passphrase_file: holds the key's passphrase.
            cached: whether earlier compilations may be used; what is signed never rests on one.

        Raises:
            UsageError: a key without a folder, or the other way round.
            ContractError: the contract does not verify, or the key cannot be used.
        """
        if (key is None) != (evidence is None):
            raise UsageError("--sign and --evidence belong together", hint="--sign scanner.key --evidence results/")
        began = now()
        trusted = open_contract(folder, root, began)
        in_force, reference = under(trusted, began, cached=cached and key is None)
        opened = signer(key, passphrase_file) if key is not None else None
        if opened is not None:
            check_may_sign(trusted, opened.key)
        return cls(trusted, in_force, reference, opened, Path(evidence) if evidence else None)

    def about(self, snapshots: Sequence[Snapshot]) -> tuple[Snapshot, ...]:
        """The contract itself as one more thing to assess, where its policies ask about it."""
        found = contract_snapshot(self.trusted, snapshots, self.evidence, now())
        kinds = set(found.resource_types)
        asked = plan(self.in_force.library, self.in_force.policies, found.asset, kinds).checks
        return (found,) if asked else ()

    def sign(self, snapshots: Sequence[Snapshot], run: Run) -> None:
        """Sign what was found, when that was asked for, and say where it is.

        What is said of the contract itself is not signed: whoever has the contract can find it.

        Args:
            snapshots: what was read of the targets.
            run: the run, whose first assessments are of these.

        Raises:
            ContractError: the key may not sign for an asset; then nothing is written.
        """
        if self.signer is None or self.evidence is None:
            return
        pairs = tuple(zip(snapshots, run.assessments, strict=False))
        for path in attest(pairs, run, self.trusted, self.signer, self.evidence):
            click.echo(f"signed: {path}", err=True)
