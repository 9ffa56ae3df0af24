"""`xspm witness`: cosign the ledger's checkpoints as long as it only grows."""

from __future__ import annotations

import click

from xspm.app import witness as app
from xspm.cli.contracting import KEY, signer
from xspm.cli.passphrase import PASSPHRASE_FILE
from xspm.errors import UsageError

_NAME = click.option("--name", required=True, metavar="NAME", help="The witness's name: like a URL, without https://.")
_LOG = click.option(
    "--log", "logs", multiple=True, required=True, metavar="VKEY", help="A log's verifier key; repeatable."
)


@click.group("witness")
def witness() -> None:
    """Watch ledgers from another party's machine: cosign what only grows, refuse what was rewritten.

    \b
    Examples:
      xspm witness key --name audit.example/witness --key witness.key
      xspm witness enroll memory/ --log acme.example/xspm+0f3c…
      xspm witness run memory/ --name audit.example/witness --key witness.key --log acme.example/xspm+0f3c…
    """


@witness.command("key")
@_NAME
@KEY
@PASSPHRASE_FILE
def key(name: str, key: str, passphrase_file: str | None) -> None:
    """Print the witness's verifier key, which goes into the contract.

    \b
    Examples:
      xspm witness key --name audit.example/witness --key witness.key
    """
    click.echo(app.verifier_key(name, signer(key, passphrase_file)).vkey)


@witness.command("enroll")
@click.argument("folder")
@_LOG
def enroll(folder: str, logs: tuple[str, ...]) -> None:
    """Begin to remember logs, in FOLDER. Once for each: a witness that lost its memory must get a new key.

    \b
    Examples:
      xspm witness enroll memory/ --log acme.example/xspm+0f3c…
    """
    new = app.enroll(folder, logs)
    for name in new:
        click.echo(f"enrolled {name}")
    if not new:
        click.echo("nothing new: all are enrolled")


@witness.command("run")
@click.argument("folder")
@_NAME
@KEY
@PASSPHRASE_FILE
@_LOG
@click.option(
    "--listen", default="127.0.0.1:8088", show_default=True, metavar="HOST:PORT", help="Port 0: any free one."
)
def run(folder: str, name: str, logs: tuple[str, ...], listen: str, **flags: str | None) -> None:
    """Answer add-checkpoint requests (C2SP tlog-witness) until Ctrl-C. FOLDER is the witness's memory.

    TLS is a reverse proxy's business.

    \b
    Examples:
      xspm witness run memory/ --name audit.example/witness --key witness.key --log acme.example/xspm+0f3c…
    """
    host, colon, port = listen.rpartition(":")
    if not colon or not (port.isascii() and port.isdigit()) or int(port) > 65_535:
        raise UsageError(f"--listen {listen!r} is not HOST:PORT", hint="--listen 127.0.0.1:8088")
    address = (host.removeprefix("[").removesuffix("]"), int(port))
    app.run(
        folder,
        name,
        signer(flags["key"] or "", flags["passphrase_file"]),
        logs,
        address=address,
        listening=lambda url: click.echo(f"listening on {url}"),
    )


COMMAND = witness
