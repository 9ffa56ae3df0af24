"""A small world for tests of ledgers: parties with fixed keys, and folders that break where a test wants."""

from __future__ import annotations

import contextlib
import random
from typing import TYPE_CHECKING

from xspm.errors import LedgerError
from xspm.ledger.ed25519 import Seed
from xspm.ledger.note import COSIGNED, SIGNED, Key, Signer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from xspm.ledger.files import Files

ORIGIN = "example.org/log"


def signer(name: str = ORIGIN, kind: int = SIGNED, seed: int = 1) -> Signer:
    """A party whose key is made from one number."""
    held = Seed(bytes([seed]) * 32)
    return Signer(Key(name, kind, held.public), held.sign)


def witness_signer(number: int) -> Signer:
    """One of several witnesses."""
    return signer(f"witness.example/w{number}", COSIGNED, 100 + number)


def entry(index: int) -> bytes:
    """An entry that differs from all others, now and then empty or long."""
    return b"" if index % 97 == 5 else f"entry {index} ".encode() * (1 + index % 3)


def chance(seed: int) -> random.Random:
    """Chance that falls the same way each time."""
    return random.Random(seed)  # noqa: S311 - nothing secret


class Crash(BaseException):
    """The process is gone: nothing in the code under test may catch this."""


class Crashing:
    """Does what another folder does, until a step: writes, syncs, renames and removals count."""

    def __init__(self, files: Files, step: int = -1, *, error: bool = False) -> None:
        """Crash at `step`, from 0; with `error`, fail with `LedgerError` instead and go on after it."""
        self._files = files
        self.fail_at(step)
        self._error = error
        self.steps: list[str] = []
        self.read = files.read
        self.exists = files.exists
        self.lock: Callable[[float], contextlib.AbstractContextManager[None]] = files.lock

    def fail_at(self, step: int) -> None:
        """Fail at a step from here."""
        self._left = step

    def _step(self, what: str) -> None:
        self.steps.append(what)
        self._left -= 1
        if self._left == -1:
            if self._error:
                raise LedgerError(f"planned: {what}")
            raise Crash(what)

    def write(self, path: str, data: bytes) -> None:
        """Write, or leave half of it."""
        try:
            self._step(f"write {path}")
        except BaseException:
            self._files.write(path, data[: len(data) // 2])
            raise
        self._files.write(path, data)

    def sync(self, *paths: str) -> None:
        """Sync files, one by one."""
        for path in paths:
            self._step(f"sync {path}")
            self._files.sync(path)

    def sync_folder(self, path: str) -> None:
        """Sync a folder."""
        self._step(f"sync_folder {path}")
        self._files.sync_folder(path)

    def make_folder(self, path: str) -> bool:
        """Make a folder."""
        self._step(f"make_folder {path}")
        return self._files.make_folder(path)

    def replace(self, source: str, target: str) -> None:
        """Rename."""
        self._step(f"replace {target}")
        self._files.replace(source, target)

    def remove_folder(self, path: str) -> None:
        """Remove."""
        self._step(f"remove_folder {path}")
        self._files.remove_folder(path)


class _File:
    def __init__(self) -> None:
        self.data = b""
        self.safe: bytes | None = None


class Memory:
    """A folder in memory that forgets, when power is lost, what was not synced: bytes by file, names by folder."""

    def __init__(self) -> None:
        self._names: dict[str, _File | None] = {"": None}  # None is a folder
        self._safe: dict[str, _File | None] = {"": None}

    def read(self, path: str, most: int) -> bytes | None:
        """The bytes of a file."""
        file = self._names.get(path)
        if file is None:
            return None
        if len(file.data) > most:
            raise LedgerError(f"{path}: more than {most} bytes")
        return file.data

    def exists(self, path: str) -> bool:
        """Whether the name is there."""
        return path in self._names

    def write(self, path: str, data: bytes) -> None:
        """Make a file anew."""
        assert path.rpartition("/")[0] in self._names, f"no folder for {path}"
        file = _File()
        file.data = data
        self._names[path] = file

    def sync(self, *paths: str) -> None:
        """Make the bytes safe."""
        for path in paths:
            file = self._names[path]
            assert file is not None
            file.safe = file.data

    def sync_folder(self, path: str) -> None:
        """Make the names directly in a folder safe."""
        for name in {*self._names, *self._safe} - {""}:
            if name.rpartition("/")[0] == path:
                if name in self._names:
                    self._safe[name] = self._names[name]
                else:
                    self._safe.pop(name)

    def make_folder(self, path: str) -> bool:
        """Make a folder."""
        assert path.rpartition("/")[0] in self._names
        new = path not in self._names
        self._names.setdefault(path, None)
        return new

    def replace(self, source: str, target: str) -> None:
        """Rename."""
        self._names[target] = self._names.pop(source)

    def remove_folder(self, path: str) -> None:
        """Remove."""
        for name in [name for name in self._names if name == path or name.startswith(f"{path}/")]:
            del self._names[name]

    @contextlib.contextmanager
    def lock(self, _seconds: float) -> Iterator[None]:
        """Nobody else is here."""
        yield

    def lose_power(self, choice: random.Random) -> None:
        """Keep what was synced; of the rest, by chance, all, nothing, a part or zeroes."""
        names = {
            name: self._names.get(name, self._safe.get(name)) if name in self._safe else self._names[name]
            for name in sorted({*self._safe, *self._names})
            if (name in self._safe and name in self._names) or choice.random() < 0.5
        }
        for name in sorted(names.keys() & self._safe.keys() & self._names.keys()):
            # A rename over this name that was not synced may or may not have happened.
            names[name] = choice.choice([self._names[name], self._safe[name]])
        kept = {name: file for name, file in names.items() if _parents(name) <= names.keys()}
        for file in kept.values():
            if file is not None and file.data != file.safe:
                half = len(file.data) // 2
                file.data = choice.choice(
                    [file.data, file.safe or b"", file.data[:half], file.data[:half] + bytes(len(file.data) - half)]
                )
        for file in kept.values():
            if file is not None:
                file.safe = file.data
        self._names = dict(kept)
        self._safe = dict(kept)


def _parents(name: str) -> set[str]:
    parts = name.split("/")
    return {"/".join(parts[:depth]) for depth in range(len(parts))}
