"""What a shell offers after TAB."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

import click
import pytest
from click.shell_completion import BashComplete

from xspm.cli import command, completing
from xspm.errors import PolicyError

if TYPE_CHECKING:
    from collections.abc import Iterable


def _offered(arguments: str, incomplete: str) -> list[tuple[str, str]]:
    shell = BashComplete(command, {}, "xspm", "_XSPM_COMPLETE")
    return [(item.type, item.value) for item in shell.get_completions(arguments.split(), incomplete)]


@pytest.mark.parametrize(
    ("arguments", "incomplete", "expected"),
    [
        ("scan", "h", [("plain", "host"), ("file", "h")]),
        ("scan", "deploy/", [("file", "deploy/")]),
        ("scan host --output", "js", [("plain", "json"), ("file", "js")]),
        ("scan host --identity", "~/.ssh/i", [("file", "~/.ssh/i")]),
        ("check show", "linux.sshd.permits_no_root", [("plain", "linux.sshd.permits_no_root_login")]),
        ("check test", "linux.sshd.permits_no_root", [("plain", "linux.sshd.permits_no_root_login"), ("file", "linux.sshd.permits_no_root")]),
        ("check new a --resource", "linux.sshd", [("plain", "linux.sshd")]),
        ("framework show", "pss", [("plain", "pss-1.37")]),
        ("policy lint", "x", [("file", "x")]),
        ("resources", "linux.sshd", [("plain", "linux.sshd")]),
    ],
)  # fmt: skip
def test_what_is_offered(arguments: str, incomplete: str, expected: list[tuple[str, str]]) -> None:
    assert expected == _offered(arguments, incomplete)


def test_names_of_policies_and_paths_are_offered() -> None:
    assert ("plain", "pss-restricted") in _offered("scan host --policy", "pss")
    assert ("file", "pss") in _offered("scan host --policy", "pss")


def test_what_cannot_be_listed_completes_to_nothing() -> None:
    def broken() -> Iterable[str]:
        def refuse() -> NoReturn:
            raise PolicyError("broken")

        return refuse()

    context = click.Context(command)
    assert completing.offering(broken)(context, click.Argument(["x"]), "a") == []
