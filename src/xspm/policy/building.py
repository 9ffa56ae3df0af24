"""Folders of policy files to a library: parsed, compiled, every error gathered.

A check that a shelf holds is taken from there without being parsed. A start that finds its whole library in the cache
never imports this.
"""

from __future__ import annotations

import difflib
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from xspm.errors import PolicyError
from xspm.model.digest import digest
from xspm.policy import exceptions, library, overrides, scopes
from xspm.policy.checks import check_id_of, read_check
from xspm.policy.folder import read_folder
from xspm.policy.frameworks import mapping, read_framework
from xspm.policy.library import Built, Compiled, Library
from xspm.policy.policies import idle, placeless, read_policy
from xspm.syntax.fields import Fields, Mistakes
from xspm.syntax.yaml import load_one

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from xspm.cel import Environment
    from xspm.errors import XspmError
    from xspm.model.check import Check, Framework, Policy, PolicyException
    from xspm.model.schema import TypeSpec
    from xspm.policy.checks import CheckSource, Snippet
    from xspm.policy.folder import Folder
    from xspm.policy.scopes import Assets
    from xspm.policy.shelf import Shelf
    from xspm.syntax.yaml import Document

_LONGEST_SHOWN: Final = 400
"""Characters of a line up to which an error shows it."""


def build(
    folders: Sequence[Folder],
    types: Callable[[], Mapping[str, TypeSpec]],
    shelf: Shelf | None = None,
    assets: Callable[[], Assets] | None = None,
) -> Built:
    """Parse and compile every file of some folders, gathering every error instead of stopping at the first.

    Args:
        folders: what xspm ships first, then users' folders.
        types: the resource types that checks may speak of; called only if something must be compiled.
        shelf: checks that were compiled before; None to compile everything anew, as commands that verify do.
        assets: the types of assets that policies may scope by, and their labels; None where scopes are not judged.
    """
    builder = _Builder(types, shelf, assets)
    for folder in folders:
        read = folder
        if folder.stamp is not None:
            read = msgspec.structs.replace(read_folder(Path(library.CONTENT), shipped=True), shown="xspm")
        builder.add(read)
    return builder.finish()


class _Builder:
    """Gathers what is sound and what is not, file by file."""

    def __init__(
        self,
        types: Callable[[], Mapping[str, TypeSpec]],
        shelf: Shelf | None,
        assets: Callable[[], Assets] | None,
    ) -> None:
        self._make_types = types
        self._shelf = shelf
        self._assets = assets
        self._errors: list[XspmError] = []
        self._sources: dict[str, Check] = {}
        self._compiled: dict[str, Compiled] = {}
        self._policies: dict[str, Policy] = {}
        self._own_policies: list[str] = []
        self._frameworks: dict[str, Framework] = {}
        self._exceptions: list[PolicyException] = []
        self._texts: dict[str, bytes] = {}

    @cached_property
    def _types(self) -> Mapping[str, TypeSpec]:
        return self._make_types()

    @cached_property
    def _environment(self) -> Environment:
        from xspm.cel import Environment  # noqa: PLC0415 - the CEL front end, which only what is compiled anew needs

        return Environment(self._types)

    def add(self, folder: Folder) -> None:
        for relative, data in folder.files.items():
            self._texts[folder.name(relative)] = data
            mistakes = Mistakes()
            mistakes.attempt(self._add, folder, relative, data)
            self._errors += sorted(mistakes.found, key=lambda error: (error.line or 0, error.column or 0))

    def _add(self, folder: Folder, relative: str, data: bytes) -> None:
        kind, _, name = relative.partition("/")
        shown = folder.name(relative)
        if kind == "checks" and self._known(folder, shown, data):
            return
        document = load_one(data, file=shown)
        if kind == "checks":
            self._add_check(document, name, data, shipped=folder.shipped)
        elif kind == "policies":
            policy = read_policy(document, name.removesuffix(".yaml"))
            self._unique(policy.name, self._policies, shown)
            if self._assets is not None:
                self._errors += scopes.unfit(Fields(document), policy.scope, self._assets())
            self._policies[policy.name] = policy
            if not folder.shipped:
                self._own_policies.append(policy.name)
        elif kind == "frameworks":
            framework = read_framework(document, name.removesuffix(".yaml"))
            self._unique(framework.name, self._frameworks, shown)
            self._frameworks[framework.name] = framework
        else:
            self._exceptions += exceptions.read_exceptions(document)

    def _known(self, folder: Folder, shown: str, data: bytes) -> bool:
        """Take a check from the shelf, if exactly this file was compiled before."""
        found = self._shelf.get(shown, data, shipped=folder.shipped) if self._shelf else None
        if found is None:
            return False
        check, compiled = found
        self._unique(check.id, self._compiled, shown)
        self._sources[check.id], self._compiled[check.id] = check, compiled
        return True

    def _add_check(self, document: Document, name: str, data: bytes, *, shipped: bool) -> None:
        """Read and compile a check; what is wrong with one part of it hides nothing that is wrong with another."""
        mistakes = Mistakes()
        check_id = mistakes.attempt(check_id_of, name, document.file)
        if check_id is not None:
            mistakes.attempt(self._unique, check_id, self._compiled, document.file)
        source = read_check(document, check_id or "", data.decode())
        mistakes.found += source.mistakes
        programs = self._programs(source, mistakes)
        mistakes.refuse()
        if source.check is not None and programs is not None:
            compiled = _compiled(source.check, *programs, shipped=shipped)
            self._sources[source.check.id], self._compiled[source.check.id] = source.check, compiled
            if self._shelf:
                self._shelf.put(document.file, data, source.check, compiled)

    def finish(self) -> Built:
        requirements = dict(mapping(self._frameworks.values(), self._compiled))
        for policy in self._policies.values():
            self._errors += self._check_overrides(policy, requirements)
        for name in self._own_policies:
            checks_known = [compiled.check for compiled in self._compiled.values()]
            self._errors += idle(self._policies[name], checks_known, requirements)
        self._errors += exceptions.unfit(self._exceptions, self._compiled)
        show_lines(self._errors, self._texts)
        checks = dict(sorted(self._compiled.items()))
        digests = [compiled.digest for compiled in checks.values()]
        library = Library(
            checks=checks,
            types={check_id: compiled.check.resource for check_id, compiled in checks.items()},
            policies=dict(sorted(self._policies.items())),
            own_policies=tuple(sorted(self._own_policies)),
            exceptions=tuple(self._exceptions),
            requirements=requirements,
            digests={
                policy.name: digest({"checks": digests, "policy": placeless(policy)})
                for policy in self._policies.values()
            },
        )
        return Built(
            library=library,
            checks=dict(sorted(self._sources.items())),
            frameworks=dict(sorted(self._frameworks.items())),
            errors=tuple(self._errors),
        )

    def _unique(self, name: str, known: Mapping[str, Any], shown: str) -> None:
        if name in known:
            raise PolicyError(
                f"{name!r} exists already",
                file=shown,
                hint="choose another file name; a policy's overrides change severity and parameters",
            )

    def _programs(self, source: CheckSource, mistakes: Mistakes) -> tuple[bytes, bytes | None, bytes] | None:
        """Compile what can be compiled of a check: its condition, where it applies, and its message."""
        resource = source.resource
        if resource is None:
            return None
        if resource not in self._types:
            mistakes.found.append(_no_type(resource, self._types, source))
            return None
        params = {parameter.name: parameter.default for parameter in source.parameters or ()}

        def place(snippet: Snippet) -> dict[str, Any]:
            return {
                "resource": resource,
                "params": params,
                "file": snippet.file,
                "line": snippet.line,
                "column": snippet.column,
                "indent": snippet.indent,
            }

        def sure(snippet: Snippet | None) -> Snippet | None:
            doubtful = source.parameters is None and snippet is not None and "params" in snippet.text
            return None if doubtful else snippet

        def program(snippet: Snippet | None) -> bytes | None:
            return self._environment.compile(snippet.text, expect="bool", **place(snippet)).dump() if snippet else None

        def message(snippet: Snippet | None) -> bytes | None:
            return self._environment.template(snippet.text, **place(snippet)).dump() if snippet else None

        applies = mistakes.attempt(program, sure(source.applies))
        check = mistakes.attempt(program, sure(source.expression))
        said = mistakes.attempt(message, sure(source.message))
        return None if check is None or said is None else (check, applies, said)

    def _check_overrides(self, policy: Policy, requirements: Mapping[str, Sequence[str]]) -> list[XspmError]:
        return overrides.unfit(policy, [compiled.check for compiled in self._compiled.values()], requirements)


def _no_type(resource: str, types: Mapping[str, TypeSpec], source: CheckSource) -> PolicyError:
    near = difflib.get_close_matches(resource, types, n=1)
    line, column = source.resource_at
    return PolicyError(
        f"resource type {resource!r} is not known",
        file=source.file,
        line=line,
        column=column,
        hint=f"did you mean {near[0]}?" if near else "xspm resources lists them",
    )


def _compiled(check: Check, program: bytes, applies: bytes | None, message: bytes, *, shipped: bool) -> Compiled:
    return Compiled(
        check=msgspec.structs.replace(check, examples=()),
        digest=digest(msgspec.structs.replace(check, examples=(), location=None)),
        program=program,
        applies=applies,
        message=message,
        shipped=shipped,
    )


def show_lines(errors: Sequence[XspmError], texts: Mapping[str, bytes]) -> None:
    """Give errors the line that they point at, from the files' bytes by their shown names."""
    for error in errors:
        data = texts.get(error.file or "")
        if data is None or error.line is None or error.column is None:
            continue
        lines = data.decode("utf-8-sig", "replace").splitlines()
        if error.line <= len(lines) and len(lines[error.line - 1]) <= _LONGEST_SHOWN:
            error.source = lines[error.line - 1]
