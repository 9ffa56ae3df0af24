"""Options that commands about a contract share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from xspm.app import keys
from xspm.cli.passphrase import asking

if TYPE_CHECKING:
    from xspm.contract.signers import Signer

CONTRACT = click.option("--contract", metavar="FOLDER", help="The contract's folder.")
ROOT = click.option(
    "--root",
    metavar="DIGEST|FILE",
    help="The version that you trust, from elsewhere than that folder. [env: XSPM_CONTRACT_ROOT]",
)
KEY = click.option("--key", metavar="WHERE", required=True, help="Your private key: xspm key show --help.")


def signer(where: str, passphrase_file: str | None) -> Signer:
    """Open a private key.

    Raises:
        ContractError: there is none, or it cannot be used.
    """
    return keys.open_signer(where, passphrase=asking(passphrase_file))
