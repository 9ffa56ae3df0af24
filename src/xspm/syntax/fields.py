"""Reading a YAML file field by field, so that every error names `file:line:column` and shows the line.

`Fields` wraps one mapping of a YAML document. Each getter checks the type of what it returns; `done()` refuses what
nobody asked for, with the nearest known name as a hint. `Mistakes` gathers what several getters raise, so that one
mistake hides no other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn, ParamSpec, TypeVar

from xspm.errors import CelError, ContractError, DocumentError, PolicyError, apart, together
from xspm.model.asset import Location

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from xspm.errors import XspmError
    from xspm.syntax.yaml import Document

_MISSING = object()

_Result = TypeVar("_Result")
_Arguments = ParamSpec("_Arguments")


class Mistakes:
    """What is wrong with a file, gathered part by part."""

    def __init__(self) -> None:
        """Begin with none."""
        self.found: list[XspmError] = []

    def attempt(
        self, action: Callable[_Arguments, _Result], *given: _Arguments.args, **named: _Arguments.kwargs
    ) -> _Result | None:
        """Return what an action does, None where it finds mistakes, which are kept."""
        try:
            return action(*given, **named)
        except (PolicyError, ContractError, CelError, DocumentError) as error:
            self.found += apart(error)
            return None

    def refuse(self) -> None:
        """Raise all that was found.

        Raises:
            PolicyError, ContractError, CelError, DocumentError: the first, with the others in it; nothing when there is
                none.
        """
        if self.found:
            raise together(self.found)


class Fields:
    """One mapping of a file, read once per key."""

    def __init__(
        self,
        document: Document,
        path: tuple[str | int, ...] = (),
        kind: type[PolicyError | ContractError] = PolicyError,
    ) -> None:
        """Wrap the mapping at `path` of a document.

        Args:
            document: what was read.
            path: keys and indices.
            kind: what every mistake is raised as; the methods below say `PolicyError`.

        Raises:
            PolicyError: there is no mapping there.
        """
        self.document = document
        self.kind = kind
        self.path = path
        value: Any = document.value
        for step in path:
            value = value[step]
        self._asked: set[str] = set()
        if not isinstance(value, dict):
            self._mapping: dict[str, Any] = {}
            self.fail("a mapping is needed here")
        self._mapping = value

    def fail(self, message: str, *key: str | int, hint: str | None = None) -> NoReturn:
        """Raise a `PolicyError` that points at `key` below this mapping."""
        raise self.mistake(message, *key, hint=hint)

    def mistake(self, message: str, *key: str | int, hint: str | None = None) -> PolicyError | ContractError:
        """An error that points at `key` below this mapping."""
        line, column = self.position(*key)
        return self.kind(message, file=self.document.file, line=line, column=column, hint=hint)

    def position(self, *key: str | int) -> tuple[int, int]:
        """1-based line and column of a key or item below this mapping, or of the nearest thing above it."""
        path = (*self.path, *key)
        while path:
            found = self.document.positions.at(path)
            if found is not None:
                return found
            path = path[:-1]
        return self.document.line, 1

    def location(self, *key: str | int) -> Location:
        """Where a key or item below this mapping stands."""
        line, column = self.position(*key)
        return Location(self.document.file, line=line, column=column)

    def __contains__(self, key: str) -> bool:
        """Whether the key is given and not null."""
        return self._mapping.get(key) is not None

    def keys(self) -> Iterator[str]:
        """The keys in the order of the file, all of them counted as asked for."""
        self._asked.update(self._mapping)
        return iter(self._mapping)

    def get(self, key: str) -> Any:
        """The raw value of a key, None when absent."""
        self._asked.add(key)
        return self._mapping.get(key)

    def text(self, key: str, default: Any = _MISSING) -> Any:
        """A non-empty string."""
        value = self.get(key)
        if value is None and default is not _MISSING:
            return default
        if value is None:
            self.fail(f"`{key}` is missing")
        if isinstance(value, int | float) and not isinstance(value, bool):
            self.fail(f"`{key}` must be text", key, hint=f'put quotes around it: "{value}"')
        if not isinstance(value, str):
            self.fail(f"`{key}` must be text", key)
        if not value.strip():
            self.fail(f"`{key}` is empty", key)
        return value.strip()

    def choice(self, key: str, choices: Sequence[str], default: Any = _MISSING) -> Any:
        """One of a few words."""
        value = self.text(key, default)
        if value is not default and value not in choices:
            self.fail(f"`{key}` is {value!r}, not one of {', '.join(choices)}", key)
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of non-empty strings; empty when absent."""
        value = self.get(key)
        if value is None:
            return ()
        if not isinstance(value, list):
            self.fail(f"`{key}` must be a list", key)
        wrong = [
            self.mistake(f"`{key}` must be a list of text", key, index)
            for index, item in enumerate(value)
            if not isinstance(item, str) or not item.strip()
        ]
        if wrong:
            raise together(wrong)
        return tuple(value)

    def mapping(self, key: str) -> dict[str, Any]:
        """A mapping with text keys; empty when absent."""
        value = self.get(key)
        if value is None:
            return {}
        if not isinstance(value, dict):
            self.fail(f"`{key}` must be a mapping", key)
        return value

    def children(self, key: str) -> list[Fields]:
        """The mappings in a list; empty when absent."""
        return self.each(key, lambda entry: entry)

    def each(self, key: str, read: Callable[[Fields], _Result]) -> list[_Result]:
        """What each mapping in a list says; empty when absent. What is wrong with one hides nothing of the others."""
        value = self.get(key)
        if value is None:
            return []
        if not isinstance(value, list):
            self.fail(f"`{key}` must be a list", key)
        mistakes = Mistakes()

        def one(index: int) -> _Result:
            return read(Fields(self.document, (*self.path, key, index), self.kind))

        results = [mistakes.attempt(one, index) for index in range(len(value))]
        mistakes.refuse()
        return results  # type: ignore[return-value]  # none was refused

    def child(self, key: str) -> Fields:
        """The mapping below a key."""
        self._asked.add(key)
        return Fields(self.document, (*self.path, key), self.kind)

    def done(self) -> None:
        """Refuse keys that nobody asked for.

        Raises:
            PolicyError: naming them.
        """
        known = ", ".join(sorted(self._asked))
        wrong = [
            self.mistake(
                f"`{key}` is not known here", key, hint=f"did you mean `{near}`?" if near else f"known here: {known}"
            )
            for key, near in self.unasked().items()
        ]
        if wrong:
            raise together(wrong)

    def independent(self, found: Sequence[XspmError]) -> list[XspmError]:
        """Leave out what follows from a misspelt key: what it means is not missing, it is called something else."""
        misspelt = {f"`{meant}` is missing" for meant in self.unasked().values()}
        return [error for error in found if error.message not in misspelt]

    def unasked(self) -> dict[str, str | None]:
        """The keys that nobody asked for, each with the known key that it looks like."""
        unasked = [key for key in self._mapping if key not in self._asked]
        if not unasked:
            return {}
        import difflib  # noqa: PLC0415 - only an error needs it

        known = sorted(self._asked)
        return {key: next(iter(difflib.get_close_matches(str(key), known, n=1)), None) for key in unasked}
