"""The command line: one file per command, imported when it is called, and one way out.

Exit codes: 0 nothing at or over the threshold, 1 findings, 2 the tool could not do its work, 130 interrupted. Every
error is one line on standard error; a terminal's width wraps it.
"""

from __future__ import annotations

import errno
import importlib
import os
import sys
from typing import TYPE_CHECKING, Any, Final

import click

from xspm.errors import XspmError, apart, one_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_COMMANDS: Final[Mapping[str, tuple[str, str]]] = {
    "scan": ("xspm.cli.scan", "Assess targets against policy and report."),
    "check": ("xspm.cli.check", "List, show, write and test checks."),
    "policy": ("xspm.cli.policy", "List policies and find their mistakes."),
    "framework": ("xspm.cli.framework", "Show frameworks, their checks and their status."),
    "contract": ("xspm.cli.contract", "Agree on parties, keys, rules and policies."),
    "key": ("xspm.cli.key", "Make key pairs and show public keys."),
    "exception": ("xspm.cli.exception", "Ask for exceptions, approve them, and see which are in force."),
    "approve": ("xspm.cli.approve", "Approve changes to critical assets."),
    "drift": ("xspm.cli.drift", "Say what changed between two snapshots, and whether that was reviewed."),
    "ledger": ("xspm.cli.ledger", "Keep the log of everything signed, and audit it."),
    "witness": ("xspm.cli.witness", "Watch ledgers: cosign what only grows."),
    "verify": ("xspm.cli.verify", "Verify signed results, and say who could have forged them."),
    "resources": ("xspm.cli.resources", "Show what checks can speak of."),
    "connectors": ("xspm.cli.connectors", "Show what can be assessed and what that needs."),
    "completion": ("xspm.cli.completion", "Print shell completion."),
}

_OUTPUT_LOST: Final = frozenset({errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EFBIG, errno.EBADF})

SETTINGS: Final[dict[str, Any]] = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


class _Lazy(click.Group):
    """A group whose commands are imported when asked for; the list of them needs no import."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in _COMMANDS:
            return None
        command = importlib.import_module(_COMMANDS[cmd_name][0]).COMMAND
        return command if isinstance(command, click.Command) else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _COMMANDS.items()])


@click.group(cls=_Lazy, context_settings=SETTINGS, invoke_without_command=False)
@click.version_option(package_name="xspm", message="xspm %(version)s")
def command() -> None:
    """Assess infrastructure against policy as code.

    \b
    Examples:
      xspm scan host                     this machine
      xspm scan deploy/ --fail-on high   Kubernetes manifests, as a gate in CI
      xspm scan ssh://web-1 ssh://web-2  two hosts, without an agent
      xspm check show linux.sshd.permits_no_root_login
    """


def run(arguments: Sequence[str]) -> int:
    """Run a command line and return its exit code; nothing escapes as a traceback unless `XSPM_DEBUG` is set."""
    if sys.stdout is None:
        return _fail("standard output is closed")
    try:
        result = command.main(args=list(arguments), prog_name="xspm", standalone_mode=False)
        sys.stdout.flush()
    except XspmError as error:
        return _fail("\nxspm: ".join(one.diagnostics() for one in apart(error)))
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return 2
    except click.ClickException as error:
        return _fail(_usage(error))
    except (KeyboardInterrupt, click.Abort):
        return _fail("interrupted; nothing was written", code=130)
    except BrokenPipeError:
        # The reader went away (`| head`): end quietly.
        return _silence()
    except SystemExit as error:
        # click ends completion so, and a reader that went away, the latter with a code that would mean findings.
        return _silence() if error.code else 0
    except Exception as error:  # the top of the command line
        if isinstance(error, OSError) and error.filename is None and error.errno in _OUTPUT_LOST:
            return _silence() and _fail(f"standard output could not be written: {error.strerror}")
        if os.environ.get("XSPM_DEBUG"):
            raise
        hint = "run again with XSPM_DEBUG=1 and report the traceback"
        return _fail(f"internal error: {type(error).__name__}: {one_line(str(error))}\n  hint: {hint}")
    return result if isinstance(result, int) else 0


def _usage(error: click.ClickException) -> str:
    """Say in one line what click complains about, and where the help is."""
    text = one_line(error.format_message().replace("\n", " "))
    context = getattr(error, "ctx", None)
    return f"{text}\n  hint: {context.command_path} --help" if context else text


def _silence() -> int:
    """Keep the interpreter from flushing once more into an output that is gone, which would end in a traceback."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 2


def _fail(text: str, code: int = 2) -> int:
    from xspm.cli.console import print_error  # noqa: PLC0415 - costs start-up time that only an error is worth

    print_error(f"xspm: {text}")
    return code
