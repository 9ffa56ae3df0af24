"""The command line: one file per command, imported when it is called, and one way out.

Exit codes: 0 nothing at or over the threshold, 1 findings, 2 the tool could not do its work, 130 interrupted. Every
error is one line on standard error.
"""

from __future__ import annotations

import gc
import importlib
import os
import sys
from typing import TYPE_CHECKING, Any, Final

import click

from xspm.errors import XspmError, one_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_COMMANDS: Final[Mapping[str, tuple[str, str]]] = {
    "scan": ("xspm.cli.scan", "Assess targets against policy and report."),
    "check": ("xspm.cli.check", "List, show, write and test checks."),
    "policy": ("xspm.cli.policy", "List policies and find their mistakes."),
    "framework": ("xspm.cli.framework", "Show frameworks, their checks and their status."),
    "resources": ("xspm.cli.resources", "Show what checks can speak of."),
    "connectors": ("xspm.cli.connectors", "Show what can be assessed and what that needs."),
    "completion": ("xspm.cli.completion", "Print shell completion."),
}

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
    # One scan lives too short for cyclic garbage to matter, and looking for it costs a fifth of the time.
    gc.disable()
    try:
        result = command.main(args=list(arguments), prog_name="xspm", standalone_mode=False)
        sys.stdout.flush()
    except XspmError as error:
        return _fail(error.diagnostics())
    except click.ClickException as error:
        error.show()
        return 2
    except (KeyboardInterrupt, click.Abort):
        return _fail("interrupted; nothing was written", code=130)
    except BrokenPipeError:
        # The reader went away (`| head`): end quietly, and keep the interpreter from flushing into the closed pipe.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 2
    except Exception as error:  # the top of the command line
        if os.environ.get("XSPM_DEBUG"):
            raise
        hint = "run again with XSPM_DEBUG=1 and report the traceback"
        return _fail(f"internal error: {type(error).__name__}: {error}\n  hint: {hint}")
    return result if isinstance(result, int) else 0


def _fail(text: str, code: int = 2) -> int:
    click.echo(f"xspm: {text}", err=True)
    return code
