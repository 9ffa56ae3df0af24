"""The few tokens of the language that xspm looks at before the parser: names, strings and comments.

`resources["k8s.pod"]` has a static type only if the front end knows it as a variable, so it is replaced by an
identifier of the same length and every position stays what it was. Messages need the end of an expression: the brace
that closes it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_TOKEN: Final = re.compile(
    r"""
      (?P<comment> //[^\n]* )
    | (?P<string>
        (?: [rR][bB]? | [bB][rR] ) (?: \"{3}.*?\"{3} | '{3}.*?'{3} | \"[^\"\n]*\" | '[^'\n]*' )
      | [bB]? (?: \"{3}(?:\\.|.)*?\"{3} | '{3}(?:\\.|.)*?'{3} | \"(?:\\.|[^\"\\\n])*\" | '(?:\\.|[^'\\\n])*' )
      )
    | (?P<name> [A-Za-z_][A-Za-z0-9_]* )
    | (?P<space> \s+ )
    | (?P<other> . )
    """,
    re.VERBOSE | re.DOTALL,
)
_TYPE_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.\-]*")


@dataclass(frozen=True, slots=True)
class Rewritten:
    """An expression whose `resources["…"]` became identifiers."""

    text: str
    tables: dict[str, str]
    """Identifier to resource type."""
    unknown: tuple[tuple[str, int], ...]
    """Types that are named but do not exist, with their offsets."""
    bare: int | None
    """Offset of a `resources` without a literal index."""


def rewrite(source: str, types: frozenset[str]) -> Rewritten:
    """Replace every `resources["type"]` by an identifier as long."""
    tokens = [match for match in _TOKEN.finditer(source) if match.lastgroup not in {"space", "comment"}]
    out: list[str] = []
    tables: dict[str, str] = {}
    unknown: list[tuple[str, int]] = []
    bare: int | None = None
    done = 0
    for index, token in enumerate(tokens):
        before = "".join(item[0] for item in tokens[max(index - 2, 0) : index])
        if token[0] != "resources" or before.endswith((".", ".?")):
            continue
        following = [item[0] for item in tokens[index + 1 : index + 4]]
        name = following[1][1:-1] if len(following) == 3 and following[0] == "[" and following[2] == "]" else ""
        if not _TYPE_NAME.fullmatch(name) or "\n" in source[token.start() : tokens[index + 3].end()]:
            bare = token.start() if bare is None else bare
            continue
        if name not in types:
            unknown.append((name, tokens[index + 2].start()))
        end = tokens[index + 3].end()
        identifier = _identifier(name, end - token.start(), tables)
        tables[identifier] = name
        out += (source[done : token.start()], identifier)
        done = end
    return Rewritten("".join([*out, source[done:]]), tables, tuple(unknown), bare)


def _identifier(name: str, length: int, tables: dict[str, str]) -> str:
    """Return an identifier of `length` characters for a type, different from those of other types."""
    stem = re.sub(r"\W", "_", f"resources__{name}")
    identifier, number = stem.ljust(length, "_"), 0
    while tables.get(identifier, name) != name:
        identifier = stem.ljust(length, "_")[: length - len(str(number))] + str(number)
        number += 1
    return identifier


def closing_brace(text: str, start: int) -> int:
    """Return the offset of the `}` that closes the expression beginning at `start`, or -1."""
    depth = 0
    for token in _TOKEN.finditer(text, start):
        if token[0] == "{":
            depth += 1
        elif token[0] == "}":
            if depth == 0:
                return token.start()
            depth -= 1
    return -1
