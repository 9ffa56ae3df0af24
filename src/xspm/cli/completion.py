"""`xspm completion`: completion scripts for shells."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script of a shell.

    \b
    Examples:
      xspm completion bash > ~/.local/share/bash-completion/completions/xspm
      xspm completion zsh > "${fpath[1]}/_xspm"
      xspm completion fish > ~/.config/fish/completions/xspm.fish
    """
    from xspm.cli import command  # noqa: PLC0415 - the group imports this module

    complete = get_completion_class(shell)
    if complete is not None:
        click.echo(complete(command, {}, "xspm", "_XSPM_COMPLETE").source())


COMMAND = completion
