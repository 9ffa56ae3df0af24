"""Reads sudoers as sudo does: includes, aliases, Defaults and user specifications.

`read_sudoers` walks the files in order and keeps every statement with its place; `Sudoers.expand` resolves aliases,
with cycles and bombs cut. The grammar is that of sudoers(5); what does not fit is named, not guessed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import msgspec

from xspm.connectors.linux.os import host_name
from xspm.connectors.linux.sudoers_text import clean, split, statements, unescape
from xspm.model.unknown import Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xspm.connectors.linux.transport import Source

DEPTH_LIMIT: Final = 32
FILE_LIMIT: Final = 1000
TEXT_LIMIT: Final = 8 * 1024 * 1024
"""Characters read, all files together."""

ALIAS_LIMIT: Final = 100
"""Aliases within aliases."""

Scope: TypeAlias = Literal["global", "user", "host", "runas", "command"]

_SCOPES: Final[dict[str, Scope]] = {":": "user", "@": "host", ">": "runas", "!": "command"}
_ALIAS: Final = re.compile(r"(User|Runas|Host|Cmnd|Cmd)_Alias\s+(.*)", re.DOTALL)
_ALIAS_NAME: Final = re.compile(
    r"(?:^|(?<!\\)(?<!sha224)(?<!sha256)(?<!sha384)(?<!sha512):)\s*+([A-Z][A-Z0-9_]*)\s*+=\s*+"
)
_HOST: Final = re.compile(r"[\w-]{1,64}")
_INCLUDE: Final = re.compile(r"[@#](include|includedir)\s+(.+)")
_DEFAULTS: Final = re.compile(
    r"""Defaults(?:([:@>!])\s*+((?>"[^"]*"|\\.|[^\s,"\\]|\s*+,\s*+)++)\s++|\s++)(.+)""",
    re.DOTALL,
)
_TAGS: Final = (
    "NOPASSWD", "PASSWD", "NOEXEC", "EXEC", "SETENV", "NOSETENV", "LOG_INPUT", "NOLOG_INPUT", "LOG_OUTPUT",
    "NOLOG_OUTPUT", "MAIL", "NOMAIL", "FOLLOW", "NOFOLLOW", "INTERCEPT", "NOINTERCEPT",
)  # fmt: skip
_TAG: Final = re.compile(rf"({'|'.join(_TAGS)})\s*:\s*")
_OPTION: Final = re.compile(
    r"(ROLE|TYPE|PRIVS|LIMITPRIVS|NOTBEFORE|NOTAFTER|TIMEOUT|CWD|CHROOT|APPARMOR_PROFILE)\s*=\s*(\"[^\"]*\"|\S+)\s*"
)
_RUNAS: Final = re.compile(r"\(([^)]*)\)\s*")
_DIGEST: Final = re.compile(r"(?:sha(?:224|256|384|512)\s*:\s*[A-Za-z0-9+/=]+\s*,?\s*)+")


_NAME_ITEM: Final = re.compile(r'[!\s]*+(?:[%+:#@-]*"[^"]*"|(?:\\.|[^\s"\\(),])++)', re.DOTALL)
"""A user, group, host or alias."""
_COMMAND_ITEM: Final = re.compile(
    r"[!\s]*+(?:sha\d+\s*:\s*[A-Za-z0-9+/=]+[\s,]*+)*+"
    r"(?:[A-Z][A-Z0-9_]*+|(?:sudoedit|list)(?:\s(?:\\.|[^:\\])*+)?|/(?:\\.|[^:\\])*(?:\s\^.*)?|\^.*)",
    re.DOTALL,
)
"""A command: a path or a pattern of one, with arguments; or an alias, alone."""
_PARAMETER: Final = re.compile(
    r'(!*)\s*([A-Za-z_]\w*)\s*(?:(\+=|-=|=)\s*("(?:\\.|[^"\\])*+"|(?:\\.|[^\s"\\])*+))?', re.DOTALL
)


class Default(msgspec.Struct, frozen=True):
    """One parameter of a Defaults line."""

    scope: Scope
    subjects: list[str]
    name: str
    operator: Literal["", "=", "+=", "-="]
    value: str | None
    negated: bool
    file: str
    line: int


class Command(msgspec.Struct, frozen=True):
    """One command of a rule with what holds for it."""

    text: str
    run_as_users: list[str]
    run_as_groups: list[str]
    tags: frozenset[str]
    pinned: bool = False
    """A digest says what the program must be."""


class Rule(msgspec.Struct, frozen=True):
    """One user specification, as written."""

    users: list[str]
    hosts: list[str]
    commands: list[Command]
    file: str
    line: int


class Sudoers(msgspec.Struct):
    """Everything read."""

    defaults: list[Default] = []
    rules: list[Rule] = []
    aliases: dict[str, list[str]] = {}
    """By kind and name: `Cmnd SHUTDOWN`."""
    files: list[str] = []
    bad: list[str] = []
    unknown: Unknown | None = None
    """The first file that could not be read."""
    expanded: dict[str, list[str]] = {}
    depth: int = 0
    """Aliases being expanded."""
    too_deep: bool = False
    """One alias is nested deeper than is read."""

    def expand(self, kind: str, items: list[str]) -> list[str]:
        """Replace aliases by what they stand for; `!` of an alias goes to each of its members."""
        found: dict[str, None] = {}
        for item in items:
            name = item.lstrip("!")
            members = self._members(kind, name)
            if members is None:
                found[item] = None
                continue
            negated = (len(item) - len(name)) % 2 == 1
            for member in members:
                found[_negate(member) if negated else member] = None
        return list(found)

    def _members(self, kind: str, name: str) -> list[str] | None:
        """Members of an alias, in full; None when there is no such alias."""
        key = f"{kind} {name}"
        if key not in self.aliases:
            return None
        if key not in self.expanded:
            if self.depth >= ALIAS_LIMIT:
                self.too_deep = True
                return []
            self.expanded[key] = []  # an alias within itself stands for nothing
            self.depth += 1
            self.expanded[key] = self.expand(kind, self.aliases[key])
            self.depth -= 1
        return self.expanded[key]


def _negate(item: str) -> str:
    """Negate an item."""
    return item[1:] if item.startswith("!") else f"!{item}"


def read_sudoers(source: Source, path: str) -> Sudoers | Unknown | None:
    """Read sudoers with its includes; None when the file does not exist."""
    text = source.text(path)
    if text is None or isinstance(text, Unknown):
        return text
    reader = _Reader(source)
    reader.read(path, text, 0)
    for key in reader.sudoers.aliases:
        kind, _, name = key.partition(" ")
        reader.sudoers.expand(kind, [name])
        if reader.sudoers.too_deep:
            return Unknown(f"{path}: more than {ALIAS_LIMIT} aliases within one another", cause="limit")
    return reader.sudoers


class _Reader:
    """Reads files into one `Sudoers`."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.sudoers = Sudoers()
        self.budget = TEXT_LIMIT

    def read(self, path: str, text: str, depth: int) -> None:
        """Read one file."""
        self.sudoers.files.append(path)
        self.budget -= len(text)
        for number, statement in statements(text):
            include = _INCLUDE.fullmatch(statement)
            if include:
                self.include(include[1], include[2].strip().strip('"'), path, number, depth)
            elif not self.statement(statement, path, number):
                self.sudoers.bad.append(f"{path}:{number}")

    def include(self, word: str, target: str, path: str, number: int, depth: int) -> None:
        """Follow @include or @includedir."""
        if "%h" in target:
            # sudoers(5): the host name up to its first dot.
            name = host_name(self.source)
            short = name.partition(".")[0] if isinstance(name, str) else ""
            if not short or not _HOST.fullmatch(short):
                doubt = name if isinstance(name, Unknown) else None
                self.sudoers.unknown = (
                    self.sudoers.unknown
                    or doubt
                    or Unknown(f"{path}:{number} includes a file by host name, which is not known", cause="missing")
                )
                return
            target = target.replace("%h", short)
        where = target if target.startswith("/") else f"{path.rpartition('/')[0]}/{target}"
        paths = [where]
        if word == "includedir":
            names = self.source.list(where)
            if isinstance(names, Unknown):
                self.sudoers.unknown = self.sudoers.unknown or names
            # sudoers(5): names that hold a dot or end in a tilde are skipped.
            names = (
                [name for name in names if "." not in name and not name.endswith("~")]
                if isinstance(names, list)
                else []
            )
            paths = [f"{where.rstrip('/')}/{name}" for name in names]
        for item in paths:
            if depth >= DEPTH_LIMIT or len(self.sudoers.files) >= FILE_LIMIT or self.budget < 0:
                self.sudoers.bad.append(f"{path}:{number}")
                return
            text = self.source.text(item)
            if isinstance(text, Unknown):
                self.sudoers.unknown = self.sudoers.unknown or text
            elif text is not None:
                self.read(item, text, depth + 1)
            elif word == "include":
                self.sudoers.bad.append(f"{path}:{number}")

    def statement(self, text: str, path: str, number: int) -> bool:
        """Keep one statement; false when it is not sudoers grammar."""
        alias = _ALIAS.fullmatch(text)
        if alias:
            return self.alias(alias[1].replace("Cmd", "Cmnd"), alias[2])
        if re.match(r"Defaults(?=[\s:@>!])", text):
            return self.default(text, path, number)
        return self.rule(text, path, number)

    def alias(self, kind: str, text: str) -> bool:
        """Keep `NAME = item, item : NAME = …`."""
        pieces = _ALIAS_NAME.split(text)
        if len(pieces) < 3 or pieces[0].strip():
            return False
        found = {name: split(members) for name, members in zip(pieces[1::2], pieces[2::2], strict=True)}
        for name, items in found.items():
            valid = _COMMAND_ITEM if kind == "Cmnd" else _NAME_ITEM
            if name == "ALL" or not items or not all(valid.fullmatch(" ".join(item.split())) for item in items):
                return False
        for name, items in found.items():
            self.sudoers.aliases.setdefault(f"{kind} {name}", [clean(item) for item in items])
        return True

    def default(self, text: str, path: str, number: int) -> bool:
        """Keep the parameters of one Defaults line."""
        match = _DEFAULTS.fullmatch(text)
        if match is None:
            return False
        scope = _SCOPES.get(match[1] or "", "global")
        subjects = [clean(item) for item in split(match[2] or "")]
        parameters = [_PARAMETER.fullmatch(item) for item in split(match[3])]
        if not all(parameters):
            return False
        for found in filter(None, parameters):
            operator: Literal["", "=", "+=", "-="] = found[3] or ""  # type: ignore[assignment]
            value = unescape(found[4].strip()) if operator else None
            negated = len(found[1]) % 2 == 1
            self.sudoers.defaults.append(Default(scope, subjects, found[2], operator, value, negated, path, number))
        return True

    def rule(self, text: str, path: str, number: int) -> bool:
        """Keep `users hosts = commands : hosts = commands`."""
        # Runs of blanks first: the patterns below are linear only without them.
        head, equals, rest = re.sub(r"\s+", " ", text).partition("=")
        words = re.findall(r'(?:"[^"]*"|\\.|[^\s"\\])+', re.sub(r"\s*,\s*", ",", head.strip()))
        if not equals or len(words) < 2:
            return False
        users, hosts = split(" ".join(words[:-1])), split(words[-1])
        rules: list[Rule] = []
        for chunk in _specifications(rest):
            if chunk[0] is not None:
                hosts = split(chunk[0])
            commands = _commands(chunk[1])
            if not commands or not hosts or not all(map(_NAME_ITEM.fullmatch, (*users, *hosts))) or head.count('"') % 2:
                return False
            rules.append(Rule([clean(user) for user in users], hosts, commands, path, number))
        self.sudoers.rules += rules
        return True


def _specifications(text: str) -> Iterator[tuple[str | None, str]]:
    """Split `commands : hosts = commands` into its parts; the first has no hosts of its own."""
    hosts: str | None = None
    start = 0
    for match in re.finditer(r"(?<!\\):\s*((?:\\.|[\w!,.*/\s\"+-])+?)\s*(?<!\\)=(?!=)\s*(?=[(/!A-Z\"a-z])", text):
        before = text[start : match.start()]
        tagged = re.search(rf"(?:{'|'.join(_TAGS)}|sha(?:224|256|384|512))\s*$", before)
        inside = before.count("(") > before.count(")")
        if tagged or inside or re.fullmatch(_OPTION, f"{match[1]}=x"):
            continue
        yield hosts, before
        hosts, start = match[1], match.end()
    yield hosts, text[start:]


def _commands(text: str) -> list[Command]:
    """Read a list of commands; run-as and tags stay in force until another one. Empty where one is not grammar."""
    found: list[Command] = []
    users, groups = ["root"], list[str]()
    tags: frozenset[str] = frozenset()
    for item in split(text):
        rest = item
        while True:
            runas, option, tag = _RUNAS.match(rest), _OPTION.match(rest), _TAG.match(rest)
            if runas:
                left, colon, right = runas[1].partition(":")
                if not all(map(_NAME_ITEM.fullmatch, (*split(left), *split(right)))) or (left and colon and not right):
                    return []
                users, groups = [clean(name) for name in split(left)], [clean(name) for name in split(right)]
                if not users and not groups:
                    users = ["root"]
            elif tag:
                base = tag[1].removeprefix("NO")
                tags = frozenset(name for name in tags if name.removeprefix("NO") != base) | {tag[1]}
            match = runas or option or tag
            if match is None:
                break
            rest = rest[match.end() :]
        digest = _DIGEST.match(rest)
        rest = " ".join((rest[digest.end() :] if digest else rest).split())
        if not _COMMAND_ITEM.fullmatch(rest):
            return []
        found.append(Command(rest, users, groups, tags, pinned=digest is not None))
    return found
