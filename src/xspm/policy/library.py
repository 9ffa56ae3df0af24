"""Every check, policy, framework mapping and exception in reach, compiled and ready to be planned.

`build` parses and compiles folders of policy files and gathers every error. `load` does the same or takes the result
of an earlier build from the cache; its key covers every byte of every file, the interpreter and the code that
compiles, so that nothing stale is ever used. What is cached holds no examples and no parsed catalogues: those are
read from source by the commands that show them.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec

from xspm import __version__
from xspm.cel import Program, Template
from xspm.errors import CelError, DocumentError, PolicyError, XspmError
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

_PACKAGE: Final = os.path.dirname(os.path.dirname(__file__))
CONTENT: Final = os.path.join(_PACKAGE, "content")
"""What xspm ships."""


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
    made = _sound(folders, types)
    if cache:
        _store(key, cache, made)
    return made


def _sound(folders: Sequence[Folder], types: Callable[[], Mapping[str, TypeSpec]]) -> Library:
    built = build(folders, types())
    if built.errors:
        first, rest = built.errors[0], len(built.errors) - 1
        if rest:
            first.hint = f"{first.hint + '; ' if first.hint else ''}{rest} more: xspm policy lint"
        raise first
    return built.library


def _store(key: str, cache: Cache, library: Library) -> None:
    """Keep a library: the checks of each resource type by themselves, for most scans meet only some types."""
    parts: dict[str, dict[str, Compiled]] = {}
    for check_id, compiled in library.checks.items():
        parts.setdefault(compiled.check.resource, {})[check_id] = compiled
    for kind, checks in parts.items():
        cache.put(f"{key}.{kind}", msgspec.msgpack.encode(checks))
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

    def add(self, folder: Folder) -> None:
        from xspm.policy.checks import check_id_of, read_check  # noqa: PLC0415 - not needed by a cached start
        from xspm.policy.exceptions import read_exceptions  # noqa: PLC0415
        from xspm.policy.frameworks import read_framework  # noqa: PLC0415
        from xspm.policy.policies import read_policy  # noqa: PLC0415
        from xspm.syntax.yaml import load_one  # noqa: PLC0415

        for relative, data in folder.files.items():
            kind, _, name = relative.partition("/")
            shown = folder.name(relative)
            try:
                document = load_one(data, file=shown)
                if kind == "checks":
                    source = read_check(document, check_id_of(name), data.decode())
                    self._unique(source.check.id, self._compiled, shown)
                    self._sources[source.check.id] = source.check
                    self._compiled[source.check.id] = self._compile(source, shipped=folder.shipped)
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
            except (PolicyError, CelError, DocumentError) as error:
                self._errors.append(error)

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

    def _compile(self, source: CheckSource, *, shipped: bool) -> Compiled:
        check = source.check
        if check.resource not in self._types:
            place = check.location
            raise PolicyError(
                f"resource type {check.resource!r} is not known",
                file=source.expression.file,
                line=place.line if place else None,
                hint="xspm resources lists them",
            )
        params = {parameter.name: parameter.default for parameter in check.parameters}

        def program(snippet: Snippet) -> bytes:
            return self._environment.compile(
                snippet.text,
                resource=check.resource,
                params=params,
                expect="bool",
                file=snippet.file,
                line=snippet.line,
                column=snippet.column,
                indent=snippet.indent,
            ).dump()

        return Compiled(
            check=msgspec.structs.replace(check, examples=()),
            digest=digest(msgspec.structs.replace(check, examples=(), location=None)),
            program=program(source.expression),
            applies=program(source.applies) if source.applies else None,
            message=self._environment.template(
                source.message.text,
                resource=check.resource,
                params=params,
                file=source.message.file,
                line=source.message.line,
                column=source.message.column,
                indent=source.message.indent,
            ).dump(),
            shipped=shipped,
        )

    def _check_overrides(self, policy: Policy) -> list[XspmError]:
        from xspm.policy.overrides import unfit  # noqa: PLC0415 - not needed by a cached start

        return unfit(policy, [compiled.check for compiled in self._compiled.values()])


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
