"""The options of a PAM module: the arguments of its line, and its files below /etc/security."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from xspm.connectors.linux.configuration import integer, lines
from xspm.model.unknown import Unknown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from xspm.connectors.linux.pam_stacks import PamRule
    from xspm.connectors.linux.transport import Source


class Options(msgspec.Struct):
    """Options of a module: from its line, then its files."""

    given: dict[str, str] = {}
    files: list[str] = []

    def number(self, name: str, default: int) -> int:
        """Read an option as a number; a bare word is 1, `never` 0."""
        text = self.given.get(name)
        if text is None:
            return default
        value = integer(text)
        return {"": 1, "never": 0, "yes": 1, "no": 0}.get(text, default) if value is None else value


def named(arguments: Iterable[str]) -> dict[str, str]:
    """Read `name=value` and bare words."""
    return {name: value for name, _, value in (word.strip("[]").partition("=") for word in arguments)}


def module_options(source: Source, rules: list[PamRule], paths: list[str]) -> Options | Unknown:
    """Read a module's options: arguments win, then the last of its files."""
    options = Options()
    given = [named(rule.arguments) for rule in rules]
    chosen = next((item["conf"] for item in given if item.get("conf")), None)
    for path in [chosen] if chosen else paths:
        text = source.text(path)
        if isinstance(text, Unknown):
            return text
        if text is not None:
            options.files.append(path)
        for line in lines(text or ""):
            name, _, value = re.split(r"\s#", line.text, maxsplit=1)[0].partition("=")
            options.given[name.strip()] = value.strip()
    for item in reversed(given):
        options.given |= item
    return options


def rejects(control: str) -> bool:
    """Whether a failure of the module makes the stack fail."""
    if control.startswith("["):
        actions = dict(part.partition("=")[::2] for part in control[1:-1].split())
        return actions.get("default", "bad") in {"bad", "die"}
    return control in {"required", "requisite"}
