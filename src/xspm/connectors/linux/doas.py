"""Rules of doas, the small sudo: each `permit` of doas.conf becomes a rule as sudoers would write it.

The grammar is that of doas.conf(5):
`permit [nopass] [keepenv] [persist] [setenv {…}] who [as whom] [cmd what [args …]]`.
The last rule that fits decides there; a `deny` behind a `permit` is not followed, so that what it takes away is still
shown.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from xspm.connectors.linux.records import resource, unlisted
from xspm.connectors.linux.redact import redact
from xspm.connectors.linux.sudo_programs import changeable_programs
from xspm.connectors.linux.sudo_rules import SudoRule
from xspm.model.unknown import Maybe, Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xspm.connectors.linux.transport import Source
    from xspm.model.asset import Problem, Resource

TEXTS: Final = ("/etc/doas.conf", "/etc/doas.d/*.conf", "/usr/local/etc/doas.conf")
"""Files with rules."""

_TOKEN: Final = re.compile(r'#[^\n]*|\{[^}]{0,10000}\}|\\\n|\n|(?:"(?:\\.|[^"\\\n])*"|\\.|[^\s"#{}\\])+|\S')
_RULE: Final = re.compile(
    r"permit(?P<options>(?: (?:nopass|nolog|persist|keepenv|setenv(?: \{\})?))*) (?P<who>[^ ]+)"
    r"(?: as (?P<whom>[^ ]+))?(?: cmd (?P<command>[^ ]+)(?P<args> args(?P<arguments>(?: [^ ]+)*))?)?"
)


def doas_rules(source: Source) -> Iterator[Resource | Problem]:
    """Return a rule for each `permit`, and a problem for what could not be read."""
    for pattern in TEXTS:
        paths = source.glob(pattern) if "*" in pattern else [pattern]
        if isinstance(paths, Unknown):
            yield unlisted(paths, SudoRule)
            continue
        for path in paths:
            text = source.text(path)
            if isinstance(text, Unknown):
                yield unlisted(text, SudoRule)
            elif text is not None:
                yield from _read(source, path, text)


def _read(source: Source, path: str, text: str) -> Iterator[Resource | Problem]:
    known: dict[str, Maybe[bool]] = {}
    for count, (line, words) in enumerate(_lines(text), start=1):
        if words[0] == "deny":
            continue
        match = _RULE.fullmatch(" ".join(words))
        if match is None:
            yield unlisted(Unknown(f"not a rule of doas: {path}:{line}", cause="format"), SudoRule)
            continue
        yield resource(_rule(source, match, (path, line), known), f"{path}:{count}", at=(path, line))


def _lines(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the words of each line with its number; comments are left out, and what setenv sets."""
    number, start = 1, 1
    words: list[str] = []
    for match in _TOKEN.finditer(f"{text}\n"):
        part = match[0]
        if part == "\n":
            if words:
                yield start, words
            words = []
        elif part[0] != "#" and part != "\\\n":
            start = start if words else number
            words.append("{}" if part[0] == "{" else part.replace('"', "").replace(" ", "\\"))
        number += part.count("\n")


def _rule(source: Source, match: re.Match[str], at: tuple[str, int], known: dict[str, Maybe[bool]]) -> SudoRule:
    who = match["who"]
    user = f"%{who[1:]}" if who.startswith(":") else f"#{who}" if who.isdecimal() else who
    name = match["command"]
    program = name if name is None or name.startswith("/") else f"/usr/bin/{name}"
    arguments = (match["arguments"] or ' ""') if match["args"] else ""
    command = redact(f"{program}{arguments}") if program else "ALL"
    passwordless = "nopass" in match["options"].split()
    whom = match["whom"]
    return SudoRule(
        users=[user],
        hosts=["ALL"],
        run_as_users=[whom or "ALL"],
        run_as_groups=[],
        commands=[command],
        passwordless_commands=[command] if passwordless else [],
        passwordless=passwordless,
        passwordless_all=passwordless and command == "ALL",
        all_users=False,
        all_commands=command == "ALL",
        as_root=whom in {None, "root", "0"},
        excludes_commands=False,
        changeable_programs=changeable_programs(source, [program] if program else [], known),
        wildcard_commands=[],
        sets_environment="keepenv" in match["options"].split(),
        no_exec=False,
        file=at[0],
        line=at[1],
    )
