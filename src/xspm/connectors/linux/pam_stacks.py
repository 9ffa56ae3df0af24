"""Reads /etc/pam.d into stacks: every service's rules in the order PAM runs them, includes resolved in place."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, NamedTuple

import msgspec

from xspm.connectors.linux.configuration import Line, lines
from xspm.connectors.linux.pam_outcome import lets_everybody_in
from xspm.connectors.linux.redact import redact
from xspm.model.schema import ResourceType
from xspm.model.unknown import Maybe, Unknown

if TYPE_CHECKING:
    from xspm.connectors.linux.transport import Source


class PamRule(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a stack, includes resolved."""

    phase: Literal["auth", "account", "password", "session"]
    """The management group."""
    control: str
    """`required`, `requisite`, `sufficient`, `optional` or the bracketed form with single spaces."""
    module: str
    """Module name without directory and suffix: `pam_unix`."""
    arguments: list[str]
    """As written; values that look like credentials are masked."""
    file: str
    """The file the line is in."""
    line: int
    """1-based."""


class PamService(ResourceType, frozen=True, kw_only=True):
    """The PAM stack of one service."""

    TYPE: ClassVar[str] = "linux.pam_service"

    name: str
    """Service name: `sshd`, `su`, `login`, `common-auth`, `system-auth` …"""
    rules: Maybe[list[PamRule]]
    """In the order PAM runs them, includes resolved in place."""
    lets_everybody_in: Maybe[bool]
    """The auth stack ends in success although every module that asks for something refuses: nothing but `pam_permit`
    and conditions such as `pam_succeed_if` says yes.
    """
    missing_includes: list[str]
    """Included files that do not exist, or that include themselves."""


_FOLDERS: Final = ("/etc/pam.d", "/usr/lib/pam.d", "/usr/etc/pam.d")
"""Where services are looked up, first match wins."""
_DEPTH_LIMIT: Final = 16
_INCLUDE_LIMIT: Final = 200
_RULE_LIMIT: Final = 2000
"""Rules of one stack that are read at most; includes can multiply."""
_LINE: Final = re.compile(r"-?(auth|account|password|session)\s+(\[[^\]]*\]|\S+)\s+(\S+)\s*(.*)", re.IGNORECASE)


class _Statement(NamedTuple):
    """A line: a rule, or an include."""

    rule: PamRule | None
    phase: str | None
    """Of an include: the only phase it brings; None for all."""
    target: str


class Stacks:
    """The services of a host, each read once."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.problem: Unknown | None = None
        self.includes = 0
        self.names: dict[str, str] = {}
        self.files: dict[str, list[_Statement] | Unknown] = {}
        for folder in _FOLDERS:
            names = source.list(folder)
            if isinstance(names, Unknown):
                self.problem = self.problem or names
            for name in names if isinstance(names, list) else ():
                if not name.endswith((".rpmnew", ".rpmsave", ".dpkg-dist", ".dpkg-old", ".bak", "~")):
                    self.names.setdefault(name, f"{folder}/{name}")
        self.services = {name: self._service(name) for name in sorted(self.names)}

    def rules(self, name: str, phase: str) -> list[PamRule] | Unknown:
        """Rules of one phase; none for a service that does not exist."""
        service = self.services.get(name)
        if service is None:
            return []
        return service.rules if isinstance(service.rules, Unknown) else [r for r in service.rules if r.phase == phase]

    def _service(self, name: str) -> PamService:
        rules: list[PamRule] = []
        missing: dict[str, None] = {}
        self.includes = 0
        unread = self._expand(self.names[name], None, rules, missing, (self.names[name],))
        return PamService(
            name=name,
            rules=unread or rules,
            lets_everybody_in=unread
            or lets_everybody_in((rule for rule in rules if rule.phase == "auth"), as_root=name in {"sshd", "login"}),
            missing_includes=list(missing),
        )

    def _parsed(self, path: str) -> list[_Statement] | Unknown:
        """Read a file once."""
        if path not in self.files:
            text = self.source.text(path)
            if isinstance(text, Unknown):
                self.files[path] = text
            else:
                found = (_statement(line, path) for line in lines(text or "", joined=True))
                self.files[path] = [statement for statement in found if statement]
        return self.files[path]

    def _expand(
        self, path: str, phase: str | None, rules: list[PamRule], missing: dict[str, None], trail: tuple[str, ...]
    ) -> Unknown | None:
        """Add the rules of a file; the reason when one cannot be read."""
        self.includes += 1
        statements = self._parsed(path)
        if isinstance(statements, Unknown):
            return statements
        for statement in statements:
            if len(rules) >= _RULE_LIMIT or self.includes > _INCLUDE_LIMIT:
                return Unknown(f"more than {_RULE_LIMIT} rules or {_INCLUDE_LIMIT} includes: {trail[0]}", cause="limit")
            if statement.rule:
                if phase in {None, statement.rule.phase}:
                    rules.append(statement.rule)
                continue
            if phase and statement.phase not in {None, phase}:
                continue
            found = self.names.get(statement.target.rpartition("/")[2])
            if found is None or found in trail or len(trail) > _DEPTH_LIMIT:
                missing[statement.target] = None
            elif unread := self._expand(found, phase or statement.phase, rules, missing, (*trail, found)):
                return unread
        return None


def _statement(line: Line, path: str) -> _Statement | None:
    """Read one line; None for what is no PAM."""
    body = re.split(r"\s#|^#", line.text, maxsplit=1)[0]
    whole = re.match(r"@include\s+(\S+)", body)
    if whole:
        return _Statement(None, None, whole[1])
    match = _LINE.match(body)
    if match is None:
        return None
    if match[2].lower() in {"include", "substack"}:
        return _Statement(None, match[1].lower(), match[3])
    return _Statement(_pam_rule(match, path, line.number), None, "")


def _pam_rule(match: re.Match[str], path: str, number: int) -> PamRule:
    module = match[3].rpartition("/")[2].removesuffix(".so")
    arguments = [redact(word) for word in re.findall(r"\[[^\]]*\]|\S+", match[4])]
    phase: Any = match[1].lower()
    control = " ".join(match[2].lower().split())
    return PamRule(phase=phase, control=control, module=module, arguments=arguments, file=path, line=number)
