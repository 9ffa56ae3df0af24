"""`xspm key`: make key pairs and show public keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from xspm.app import keys as app
from xspm.cli.console import OUTPUT, print_json, print_text
from xspm.cli.passphrase import PASSPHRASE_FILE, asking
from xspm.errors import UsageError

if TYPE_CHECKING:
    from xspm.contract.keyfile import NewType


@click.group("key")
def key() -> None:
    """Make key pairs and show public keys.

    \b
    Examples:
      xspm key new alice.key
      xspm key show alice.key.pub
      xspm key show agent:
    """


@key.command("new")
@click.argument("path")
@click.option("--type", "kind", type=click.Choice(app.NEW_TYPES), default=app.NEW_TYPES[0], show_default=True)
@click.option("--no-passphrase", is_flag=True, help="Leave the private key open: whoever reads the file can sign.")
@PASSPHRASE_FILE
def new(path: str, kind: NewType, *, no_passphrase: bool, passphrase_file: str | None) -> None:
    """Make a key pair.

    PATH gets the private key, which stays with its owner, and PATH.pub the public one, which goes into the contract.

    \b
    Examples:
      xspm key new alice.key
      xspm key new alice.key --type ml-dsa-65
      xspm key new scanner.key --passphrase-file scanner.pass
    """
    if no_passphrase and passphrase_file:
        raise UsageError("--no-passphrase and a passphrase file (--passphrase-file, XSPM_PASSPHRASE_FILE) contradict")
    passphrase = None if no_passphrase else asking(passphrase_file, twice=True)(f"passphrase for {path}")
    made = app.make_key_pair(path, kind, passphrase)
    print_text(f"{path}      private: keep it to yourself\n{path}.pub  public: {made.type} {made.id}")


@key.command("show")
@click.argument("where")
@PASSPHRASE_FILE
@OUTPUT
def show(where: str, passphrase_file: str | None, output: str) -> None:
    """Show a public key, or that of a private key."""
    found = app.show(where, asking(passphrase_file))
    if output == "json":
        print_json({"id": found.id, "type": found.type, "pem": found.pem()})
        return
    print_text(f"id    {found.id}\ntype  {found.type}")
    click.echo(f"\n{found.pem()}", nl=False)


def _help() -> str:
    """The places of keys come from their table."""
    rows = [(kind.form, kind.title) for kind in app.KINDS.values()]
    places = "\n".join(f"  {form}\n      {title}" for form, title in rows)
    return f"""{show.help}

WHERE is a public key file, or the place of a private key.

\b
Places of private keys:
{places}

\b
Examples:
  xspm key show alice.key.pub
  xspm key show agent:alice@laptop
  xspm key show awskms:alias/security-alice --output json
"""


show.help = _help()

COMMAND = key
