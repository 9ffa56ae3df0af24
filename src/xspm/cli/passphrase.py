"""How commands come by a passphrase or a PIN: typed without an echo, or from a file.

Never as an argument, which every user of the machine could read.
"""

from __future__ import annotations

import getpass
import os
from typing import TYPE_CHECKING

import click

from xspm.app import keys as app
from xspm.errors import UsageError
from xspm.report.text import clean

if TYPE_CHECKING:
    from xspm.contract.signers import Passphrase

PASSPHRASE_FILE = click.option(
    "--passphrase-file",
    metavar="FILE",
    envvar="XSPM_PASSPHRASE_FILE",
    help="Read passphrase or PIN from the first line of FILE. [env: XSPM_PASSPHRASE_FILE]",
)


def asking(file: str | None, *, twice: bool = False) -> Passphrase:
    """Return what asks for a passphrase: a person, or the file if there is one.

    Args:
        file: its first line is the answer.
        twice: have a person type it twice.
    """
    return lambda what: app.passphrase_in(file) if file else _typed(what, twice=twice)


def _typed(what: str, *, twice: bool) -> str:
    _demand_terminal(what)
    try:
        first = getpass.getpass(f"{clean(what)}: ")
        if twice and getpass.getpass(f"{clean(what)}, again: ") != first:
            raise UsageError("the two passphrases differ")
    except EOFError as error:
        raise click.Abort from error
    return first


def _demand_terminal(what: str) -> None:
    """Refuse to ask where nobody sees the question; getpass would read standard input and show what is typed.

    Raises:
        UsageError: there is no terminal.
    """
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError as error:
        raise UsageError(
            f"the {what} is needed, and there is no terminal to ask at",
            hint="--passphrase-file FILE or XSPM_PASSPHRASE_FILE gives it without one",
        ) from error
