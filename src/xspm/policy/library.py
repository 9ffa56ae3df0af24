"""Every check, policy, framework mapping and exception in reach, compiled and ready to be planned.

`build` parses and compiles folders of policy files and gathers every error. `load` does the same or takes the result
of an earlier build from the cache; its key covers every byte of every file, the interpreter and the code that
compiles, so that nothing stale is ever used. Examples and parsed catalogues are cached beside it for `listed`, which
serves the commands that only show them.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec

from xspm import __version__
from xspm.cel import Program, Template
from xspm.errors import PolicyError, XspmError
from xspm.model.check import Check, Framework, Policy, PolicyException
from xspm.model.digest import Digest, digest
from xspm.policy.folder import read_folder, stamp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from xspm.cel import Environment
    from xspm.model.schema import TypeSpec
    from xspm.model.unknown import Unknown
    from xspm.policy.cache import Cache
    from xspm.policy.checks import CheckSource, Snippet
    from xspm.policy.folder import Folder
    from xspm.syntax.fields import Mistakes
    from xspm.syntax.yaml import Document

_PACKAGE: Final = os.path.dirname(os.path.dirname(__file__))
CONTENT: Final = os.path.join(_PACKAGE, "content")
"""What xspm ships."""

_SOURCES: Final = "sources"
"""The part of a cached library that is `Sources`; no resource type is called so, for each has a dot in its name."""

_LONGEST_SHOWN: Final = 400
"""Characters of a line up to which an error shows it."""


class Compiled(msgspec.Struct, frozen=True):
    """A check with its expressions as programs, serialized until first used."""

    check: Check
    digest: Digest
    """Digest of all that its file says but the examples and its place."""
    program: bytes
    applies: bytes | None
    message: bytes
    shipped: bool


class Library(msgspec.Struct, frozen=True):
    """Everything policies can be made of."""

    checks: Mapping[str, Compiled]
    """By id, sorted."""
    types: dict[str, str]
    """By check id: its resource type; asking here loads no check."""
    policies: dict[str, Policy]
    """By name."""
    own_policies: tuple[str, ...]
    """Names of those that come from users' folders."""
    exceptions: tuple[PolicyException, ...]
    requirements: dict[str, tuple[str, ...]]
    """By check id: `framework:requirement`, sorted."""

    digests: dict[str, Digest]
    """By name of a policy: digest of it and of everything it may select; file locations do not count."""


class Built(msgspec.Struct, frozen=True):
    """What `build` makes: the library of all that is sound, the sources, and what is not sound."""

    library: Library
    checks: dict[str, Check]
    """As the files say, with examples and places."""
    frameworks: dict[str, Framework]
    errors: tuple[XspmError, ...]


class Sources(msgspec.Struct, frozen=True):
    """What the files say beyond what a scan needs."""

    checks: dict[str, Check]
    frameworks: dict[str, Framework]


def load(folders: Sequence[Folder], types: Callable[[], Mapping[str, TypeSpec]], cache: Cache | None) -> Library:
    """Return the library of some folders, from the cache if it has exactly this one.

    Args:
        folders: what xspm ships first, then users' folders.
        types: the resource types that checks may speak of; called only if something must be compiled.
        cache: None to compile everything anew, as commands that verify do.

    Raises:
        PolicyError, CelError, DocumentError: a file is not sound.
    """
    key = _key(folders)
    cached = _cached(key, cache, lambda: _sound(folders, types)) if cache else None
    if cached is not None:
        return cached
    made = build(folders, types())
    refuse(made)
    if cache:
        _store(key, cache, made)
    return made.library


def listed(folders: Sequence[Folder], types: Callable[[], Mapping[str, TypeSpec]], cache: Cache | None) -> Built:
    """Return what `build` makes of some folders, from the cache if it has exactly that; arguments as for `load`.

    What is not sound is in `errors`, and then nothing comes from the cache. Not for commands that verify.
    """
    key = _key(folders)
    library = _cached(key, cache, lambda: build(folders, types()).library) if cache else None
    payload = cache.get(f"{key}.{_SOURCES}") if cache and library else None
    if library is not None and payload is not None:
        with contextlib.suppress(msgspec.DecodeError):
            sources = msgspec.json.decode(payload, type=Sources)
            return Built(library=library, checks=sources.checks, frameworks=sources.frameworks, errors=())
    made = build(folders, types())
    if cache and not made.errors:
        _store(key, cache, made)
    return made


def refuse(built: Built) -> None:
    """Refuse what is not sound, and say how much of it there is.

    Raises:
        PolicyError, CelError, DocumentError: the first mistake.
    """
    if built.errors:
        first, rest = built.errors[0], len(built.errors) - 1
        if rest:
            first.hint = f"{first.hint + '; ' if first.hint else ''}{rest} more: xspm policy lint"
        raise first


def _sound(folders: Sequence[Folder], types: Callable[[], Mapping[str, TypeSpec]]) -> Library:
    built = build(folders, types())
    refuse(built)
    return built.library


def _store(key: str, cache: Cache, made: Built) -> None:
    """Keep a library: the checks of each resource type by themselves, for most scans meet only some types."""
    library = made.library
    parts: dict[str, dict[str, Compiled]] = {}
    for check_id, compiled in library.checks.items():
        parts.setdefault(compiled.check.resource, {})[check_id] = compiled
    for kind, checks in parts.items():
        cache.put(f"{key}.{kind}", msgspec.msgpack.encode(checks))
    with contextlib.suppress(UnicodeEncodeError):  # an example may hold a lone surrogate, and is then read from source
        # JSON, because a YAML number may be larger than MessagePack's.
        sources = msgspec.json.encode(Sources(made.checks, made.frameworks))
        cache.put(f"{key}.{_SOURCES}", sources)
    cache.put(key, msgspec.msgpack.encode(msgspec.structs.replace(library, checks={})))


def _cached(key: str, cache: Cache, compile_anew: Callable[[], Library]) -> Library | None:
    payload = cache.get(key)
    if payload is None:
        return None
    try:
        library = msgspec.msgpack.decode(payload, type=Library)
    except msgspec.DecodeError:
        return None
    return msgspec.structs.replace(library, checks=_Stored(key, cache, library.types, compile_anew))


class _Stored(Mapping[str, Compiled]):
    """Checks of a cached library, each resource type read when the first of its checks is asked for."""

    def __init__(self, key: str, cache: Cache, types: Mapping[str, str], compile_anew: Callable[[], Library]) -> None:
        self._key = key
        self._cache = cache
        self._types = types
        self._compile_anew = compile_anew
        self._read: dict[str, Mapping[str, Compiled]] = {}

    def __getitem__(self, check_id: str) -> Compiled:
        kind = self._types[check_id]
        checks = self._read.get(kind)
        if checks is None:
            checks = self._read[kind] = self._part(kind)
        return checks[check_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._types)

    def __len__(self) -> int:
        return len(self._types)

    def _part(self, kind: str) -> Mapping[str, Compiled]:
        payload = self._cache.get(f"{self._key}.{kind}")
        try:
            return msgspec.msgpack.decode(payload or b"", type=dict[str, Compiled])
        except msgspec.DecodeError:
            # Another process may have dropped it, or somebody have touched it.
            return self._compile_anew().checks


def build(folders: Sequence[Folder], types: Mapping[str, TypeSpec]) -> Built:
    """Parse and compile every file of some folders, gathering every error instead of stopping at the first."""
    from pathlib import Path  # noqa: PLC0415

    from xspm.cel import Environment  # noqa: PLC0415 - imports the CEL front end, which a cached start never needs

    builder = _Builder(Environment(types), types)
    for folder in folders:
        unread = folder.stamp is not None
        builder.add(
            msgspec.structs.replace(read_folder(Path(CONTENT), shipped=True), shown="xspm") if unread else folder
        )
    return builder.finish()


class _Builder:
    """Gathers what is sound and what is not, file by file."""

    def __init__(self, environment: Environment, types: Mapping[str, TypeSpec]) -> None:
        self._environment = environment
        self._types = types
        self._errors: list[XspmError] = []
        self._sources: dict[str, Check] = {}
        self._compiled: dict[str, Compiled] = {}
        self._policies: dict[str, Policy] = {}
        self._own_policies: list[str] = []
        self._frameworks: dict[str, Framework] = {}
        self._exceptions: list[PolicyException] = []
        self._texts: dict[str, bytes] = {}

    def add(self, folder: Folder) -> None:
        from xspm.syntax.fields import Mistakes  # noqa: PLC0415 - not needed by a cached start

        for relative, data in folder.files.items():
            self._texts[folder.name(relative)] = data
            mistakes = Mistakes()
            mistakes.attempt(self._add, folder, relative, data)
            self._errors += sorted(mistakes.found, key=lambda error: (error.line or 0, error.column or 0))

    def _add(self, folder: Folder, relative: str, data: bytes) -> None:
        from xspm.policy.exceptions import read_exceptions  # noqa: PLC0415 - not needed by a cached start
        from xspm.policy.frameworks import read_framework  # noqa: PLC0415
        from xspm.policy.policies import read_policy  # noqa: PLC0415
        from xspm.syntax.yaml import load_one  # noqa: PLC0415

        kind, _, name = relative.partition("/")
        shown = folder.name(relative)
        document = load_one(data, file=shown)
        if kind == "checks":
            self._add_check(document, name, data.decode(), shipped=folder.shipped)
        elif kind == "policies":
            policy = read_policy(document, name.removesuffix(".yaml"))
            self._unique(policy.name, self._policies, shown)
            self._policies[policy.name] = policy
            if not folder.shipped:
                self._own_policies.append(policy.name)
        elif kind == "frameworks":
            framework = read_framework(document, name.removesuffix(".yaml"))
            self._unique(framework.name, self._frameworks, shown)
            self._frameworks[framework.name] = framework
        else:
            self._exceptions += read_exceptions(document)

    def _add_check(self, document: Document, name: str, text: str, *, shipped: bool) -> None:
        """Read and compile a check; what is wrong with one part of it hides nothing that is wrong with another."""
        from xspm.policy.checks import check_id_of, read_check  # noqa: PLC0415 - not needed by a cached start
        from xspm.syntax.fields import Mistakes  # noqa: PLC0415

        mistakes = Mistakes()
        check_id = mistakes.attempt(check_id_of, name, document.file)
        if check_id is not None:
            mistakes.attempt(self._unique, check_id, self._compiled, document.file)
        source = read_check(document, check_id or "", text)
        mistakes.found += source.mistakes
        programs = self._programs(source, mistakes)
        mistakes.refuse()
        if source.check is not None and programs is not None:
            self._sources[source.check.id] = source.check
            self._compiled[source.check.id] = _compiled(source.check, *programs, shipped=shipped)

    def finish(self) -> Built:
        from xspm.policy.exceptions import unfit  # noqa: PLC0415 - not needed by a cached start
        from xspm.policy.frameworks import mapping  # noqa: PLC0415
        from xspm.policy.policies import idle, placeless  # noqa: PLC0415

        requirements = dict(mapping(self._frameworks.values(), self._compiled))
        for policy in self._policies.values():
            self._errors += self._check_overrides(policy)
        for name in self._own_policies:
            checks_known = [compiled.check for compiled in self._compiled.values()]
            self._errors += idle(self._policies[name], checks_known, requirements)
        self._errors += unfit(self._exceptions, self._compiled)
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

    def _check_overrides(self, policy: Policy) -> list[XspmError]:
        from xspm.policy.overrides import unfit  # noqa: PLC0415 - not needed by a cached start

        return unfit(policy, [compiled.check for compiled in self._compiled.values()])


def _no_type(resource: str, types: Mapping[str, TypeSpec], source: CheckSource) -> PolicyError:
    import difflib  # noqa: PLC0415 - only an error needs it

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


class Expression(Protocol):
    """A compiled expression of either engine; see `xspm.cel.Program` for what each part means."""

    reads: tuple[str, ...]
    resource_types: tuple[str, ...]
    reads_now: bool

    def evaluate(
        self, resource: Any, params: Mapping[str, Any], resources: Mapping[str, list[Any] | Unknown], now: str
    ) -> Any:
        """Return true, false, an `Unknown` or an `EvaluationError`; raise nothing."""


class Executable:
    """A compiled check with its programs loaded."""

    __slots__ = ("applies", "check", "message", "program")

    def __init__(self, compiled: Compiled) -> None:
        """Load the programs of a compiled check."""
        self.check = compiled.check
        self.program: Expression = Program.load(compiled.program)
        self.applies: Expression | None = None if compiled.applies is None else Program.load(compiled.applies)
        self.message = Template.load(compiled.message)


def _key(folders: Sequence[Folder]) -> str:
    """Digest of every file, the interpreter, and the code that parses and compiles."""
    state = hashlib.sha256(f"{__version__} {sys.implementation.cache_tag} {sys.version} {_fingerprint()}".encode())
    for folder in folders:
        state.update(f"\0{folder.shown}\0{folder.shipped}\0{folder.stamp}".encode())
        for name, data in folder.files.items():
            state.update(f"\0{name}\0{len(data)}\0".encode())
            state.update(data)
    return state.hexdigest()


def _fingerprint() -> str:
    """Stamps of xspm's own modules, so that a developer's change is seen without reading them."""
    parts = ("cel", "policy", "model", "syntax", "connectors")
    return "".join(stamp(os.path.join(_PACKAGE, part), ".py") for part in parts)
