"""A host as one run of the collector script showed it, and the source over it.

Whatever was asked for and is not there does not exist on the host. What was not asked for is unknown, and remembered:
one more round trip can bring it.
"""

from __future__ import annotations

import re
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Final

import msgspec

from xspm.connectors.linux.capabilities import Capabilities, from_getcap
from xspm.connectors.linux.ownership import DPKG_SEARCH, RPM_SEARCH
from xspm.connectors.linux.pattern import expand, matcher, matcher_of_path
from xspm.connectors.linux.records import RUN_AS_ROOT
from xspm.connectors.linux.script import FILE_LIMIT
from xspm.connectors.linux.transport import (
    TEXT_LIMIT,
    Names,
    Needs,
    Output,
    Stat,
    decode,
    file_kind,
    is_null_device,
    too_large,
)
from xspm.connectors.linux.walk import CAPABLE, WALK_TYPES
from xspm.errors import ConnectorError
from xspm.model.asset import Problem
from xspm.model.unknown import Maybe, Unknown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_MAGIC: Final = re.compile(r"[*?\[]")
_TIMED_OUT: Final = 124
_TURNED: Final = "not read as root, for somebody else can turn the path elsewhere"
_RECORD: Final = re.compile(rb"\n(?=[A-Za-z])")
"""Where a record starts: whatever somebody else wrote has a blank before each of its lines."""
_ESCAPE: Final = re.compile("\x01([1n])")
_DOUBLED: Final = b"a\0 b"
"""What a sed prints for which a NUL ends a line too, as busybox' does."""


class Capture:
    """What collector scripts brought of one host."""

    def __init__(self, needs: Iterable[Needs]) -> None:
        """Start empty.

        Args:
            needs: what the scripts were asked for.
        """
        self.needs = list(needs)
        self.uid = -1
        self.kernel = ""
        self.contents: dict[str, bytes] = {}
        self.denied: dict[str, str] = {}
        self.stats: dict[str, Stat] = {}
        self.followed: dict[str, Stat] = {}
        self.names: dict[str, Names] = {}
        self.closed: dict[str, str] = {}
        self.outputs: dict[tuple[str, ...], Output | None] = {}
        self.walked: list[Stat] = []
        self.walk_status: int | None = None
        self.capable: dict[str, Capabilities] | None = None
        self.owners: dict[str, str] = {}
        self.owners_program = ""

    def read(self, data: bytes, boundary: str, commands: Sequence[tuple[str, ...]]) -> None:
        """Take in what a script printed.

        Raises:
            ConnectorError: it is not whole.
        """
        _, mark, whole = data.partition(b"\n" + boundary.encode() + b"\n")
        records = _RECORD.split(b"\n" + whole)[1:]
        if not mark or not records or records[-1] != b"Z\n":
            raise ConnectorError(
                "the collector script did not come to its end", hint="is the login shell's `sh` POSIX?"
            )
        aliases: dict[str, str] = {}
        walked: dict[str, Stat] = {}
        walking = doubled = False
        for record in records:
            head, _, quoted = record.partition(b"\n")
            kind, name = head[:1], _name(head[2:])
            if kind in {b"s", b"S"}:
                found = _stat(name)
                if found is not None and kind == b"S":
                    self.followed[found.path] = found
                elif found is not None:
                    self.stats[found.path] = found
                    if walking:
                        walked[found.path] = found
                continue
            body = (b"\n" + quoted).replace(b"\n ", b"\n")[1:]
            body = body.replace(b"\0 ", b"\0") if doubled and kind != b"L" else body
            if kind == b"q":
                doubled = body.rstrip(b"\n") == _DOUBLED
            elif kind in {b"W", b"w"}:
                walking = kind == b"W"
                self.walk_status = self.walk_status if walking else int(name)
            elif kind == b"C":
                self.outputs[commands[int(name)]] = _output(body)
            elif kind == b"A":
                aliases[name] = _name(body)
            else:
                self._record(kind, name, body)
        self.contents.update({path: self.contents[of] for path, of in aliases.items() if of in self.contents})
        self.walked = list(walked.values()) or self.walked
        for command in commands:
            self.outputs.setdefault(command, None)

    def _record(self, kind: bytes, name: str, body: bytes) -> None:
        """Take in one record about a path, or about who ran the script."""
        if kind == b"F":
            self.contents[name] = body
        elif kind in {b"D", b"G"}:
            self.contents.pop(name, None)
            self.denied[name] = f"permission denied: {name}" if kind == b"D" else f"{_TURNED}: {name}"
        elif kind == b"L":
            self.names[name] = sorted(_name(item) for item in body.split(b"\0") if item.strip(b"\n"))
        elif kind in {b"t", b"r"}:
            self._lead(body, kind)
        elif kind == b"U":
            flags, _, path = name.partition(" ")
            self.closed[path] = flags
        elif kind == b"O":
            paths, _, answer = body.partition(b"\0")
            self.owners_program = name
            lines = decode(answer).splitlines()
            keys = decode(paths).splitlines() if name == "rpm" else [line.rpartition(": ")[2] for line in lines]
            self.owners.update(zip(keys, lines, strict=False))
        elif kind == b"g":
            told = from_getcap(decode(body))
            self.capable = (self.capable or {}) | {_unescape(path): value for path, value in told.items()}
        elif kind == b"M":
            uid, _, self.kernel = name.partition(" ")
            self.uid = int(uid) if uid.isdigit() else -1

    def _lead(self, body: bytes, kind: bytes) -> None:
        """Take in what links lead to: paths, and what `stat` or `readlink` says of each."""
        parts = body.split(b"\0")
        for shown, told in zip(parts[::2], parts[1::2], strict=False):
            path = decode(shown)
            found = self.stats.get(path)
            target = _target(decode(told), path) if kind == b"t" else decode(told.removesuffix(b"\n")) or None
            if found is not None and found.kind == "link":
                self.stats[path] = msgspec.structs.replace(found, target=target)


class CaptureSource:
    """Reads a host as it was captured."""

    live = True

    def __init__(self, capture: Capture) -> None:
        """Read a capture; `missed` collects what it does not hold."""
        self._capture = capture
        self.root = capture.uid == 0
        self.missed_paths: set[str] = set()
        self.missed_stats: set[str] = set()
        self.missed_commands: set[tuple[str, ...]] = set()
        kernel = capture.kernel or "{kernel}"
        self._texts = Patterns((text for need in capture.needs for text in need.texts), kernel)
        self._lists = Patterns((path for need in capture.needs for path in need.lists), kernel)
        self._known = Patterns(
            (path for need in capture.needs for path in (*need.texts, *need.stats, *need.lists)), kernel
        )

    @property
    def missed(self) -> Needs | None:
        """What another round trip would have to bring; None when nothing."""
        if not self.missed_paths and not self.missed_stats and not self.missed_commands:
            return None
        # What was only looked up is not read: a program's content is of no use here.
        paths = tuple(sorted(self.missed_paths | _above(self.missed_paths)))
        stats = tuple(sorted((self.missed_stats | _above(self.missed_stats)) - set(paths)))
        return Needs(texts=paths, lists=paths, stats=stats, commands=tuple(sorted(self.missed_commands)))

    def text(self, path: str, limit: int = TEXT_LIMIT) -> Maybe[str | None]:
        """See `Source.text`."""
        data = self.data(path, limit)
        return decode(data) if isinstance(data, bytes) else data

    def data(self, path: str, limit: int = TEXT_LIMIT) -> Maybe[bytes | None]:
        """See `Source.data`."""
        if path in self._capture.denied:
            return Unknown(self._capture.denied[path])
        data = self._capture.contents.get(path)
        if data is not None:
            return too_large(path, min(limit, FILE_LIMIT)) if len(data) > min(limit, FILE_LIMIT) else data
        found = self._capture.followed.get(path) or self._capture.stats.get(path)
        if found is not None and found.kind not in {"file", "link"}:
            null = found.kind == "char" and is_null_device(path, self._capture.stats.get(path))
            return b"" if null else Unknown(f"not a regular file: {path}", cause="format")
        if found is not None and found.kind == "file" and self._texts.cover(path):
            # It is there, it was asked for, and it did not come.
            return Unknown(f"could not be brought: {path}", cause="format")
        return self._absent(path, self._texts if found is not None else self._known)

    def list(self, path: str) -> Maybe[Names | None]:
        """See `Source.list`."""
        if path in self._capture.denied:
            return Unknown(self._capture.denied[path])
        if path in self._capture.names:
            return self._capture.names[path]
        if "r" in self._capture.closed.get(path, ""):
            return Unknown(f"permission denied: {path}")
        found = self._capture.followed.get(path) or self._capture.stats.get(path)
        if found is not None and found.kind != "directory":
            return None
        return self._absent(path, self._lists if found is not None else self._known)

    def glob(self, pattern: str) -> Maybe[Names]:
        """See `Source.glob`: answered by what came of that very pattern, else by the folders that were listed."""
        if not self._known.cover(pattern):
            found = expand(pattern, self.list, self._exists)
            if isinstance(found, Unknown):
                self.missed_paths.add(pattern)
            return found
        parts = pattern.split("/")
        for folder, flags in self._capture.closed.items():
            depth = folder.count("/") + 1
            above = "/".join(parts[:depth])
            needed = "r" if depth < len(parts) and _MAGIC.search(parts[depth]) else "x"
            if depth < len(parts) and set(flags) & {needed, "x"} and matcher_of_path(above).match(folder):
                fixed = next((index for index, part in enumerate(parts) if _MAGIC.search(part)), len(parts))
                return Unknown(f"permission denied: {'/'.join(parts[:fixed]) or '/'}")
        found = expand(pattern, lambda path: sorted(self._below.get(path, ())), self._came)
        return [path for path in found if path in self._capture.stats] if isinstance(found, list) else found

    def stat(self, path: str, *, follow: bool = False) -> Maybe[Stat | None]:
        """See `Source.stat`."""
        found = self._capture.stats.get(path)
        if found is None:
            return self._absent(path, self._known, self.missed_stats)
        return self._capture.followed.get(path) if follow and found.kind == "link" else found

    def run(self, *argv: str) -> Maybe[Output | None]:
        """See `Source.run`."""
        if argv in self._capture.outputs:
            return self._capture.outputs[argv]
        if self._capture.owners_program and argv[: len(RPM_SEARCH)] in {RPM_SEARCH, (*DPKG_SEARCH, *argv[2:4])}:
            return Output(0, "\n".join(self._capture.owners.get(path, "no package") for path in argv[2:]))
        self.missed_commands.add(argv)
        return Unknown(f"not collected: {' '.join(argv)}", cause="missing")

    def walk(self) -> Iterator[Stat | Problem]:
        """See `Source.walk`."""
        yield from self._walked()
        status = self._capture.walk_status
        if status is None:
            yield Problem("limit", "what the walk of the file systems found was cut", resource_types=WALK_TYPES)
        elif status >= _TIMED_OUT:
            yield Problem("timeout", "walk of the file systems cut for want of time", resource_types=WALK_TYPES)
        elif status and not self.root:
            message = "some folders could not be listed"
            yield Problem("access", message, resource_types=WALK_TYPES, hint=RUN_AS_ROOT)

    def _walked(self) -> Iterator[Stat | Problem]:
        """Yield what was found, with the capabilities that getcap told."""
        capable = self._capture.capable
        if capable is None:
            message = "getcap is not installed there, so that capabilities of programs are not known"
            yield Problem("unsupported", message, resource_types=(CAPABLE,))
        rest = dict(capable or {})
        for found in self._capture.walked:
            own = rest.pop(found.path, None)
            yield found if own is None else msgspec.structs.replace(found, capabilities=own)
        if rest:
            message = f"programs with capabilities could not be looked up: {min(rest)}"
            yield Problem("format", message, resource_types=(CAPABLE,))

    @cached_property
    def _below(self) -> dict[str, set[str]]:
        """Return the names that came, by folder."""
        below: dict[str, set[str]] = {}
        for captured in self._capture.stats:
            path = captured
            while path != "/":
                folder, _, name = path.rpartition("/")
                names = below.setdefault(folder or "/", set())
                if name in names:
                    break
                names.add(name)
                path = folder or "/"
        return below

    def _came(self, path: str) -> bool:
        """Whether a path came, or something below it."""
        return path in self._capture.stats or path in self._below

    def _exists(self, path: str) -> Maybe[bool]:
        """Whether a path exists."""
        found = self.stat(path)
        return found if isinstance(found, Unknown) else found is not None

    def _absent(self, path: str, asked: Patterns, missed: set[str] | None = None) -> Unknown | None:
        """Tell what does not exist from what could not be seen and from what was not asked for."""
        folder = path.rpartition("/")[0]
        while folder:
            if "x" in self._capture.closed.get(folder, ""):
                return Unknown(f"permission denied: {path}")
            if folder not in self._capture.stats and self._known.cover(folder):
                return None
            folder = folder.rpartition("/")[0]
        if asked.cover(path):
            return None
        (self.missed_paths if missed is None else missed).add(path)
        return Unknown(f"not collected: {path}", cause="missing")


def _above(paths: Iterable[str]) -> set[str]:
    """Return the folders above paths."""
    return {path[:end] for path in paths for end in range(1, len(path)) if path[end] == "/"}


class Patterns:
    """Patterns that were asked for, and whether they take in a path or a narrower pattern."""

    def __init__(self, patterns: Iterable[str], kernel: str) -> None:
        """Sort the patterns by what they start with."""
        self._plain: set[str] = set()
        self._magic: dict[int, set[tuple[str, ...]]] = {}
        for pattern in patterns:
            whole = pattern.replace("{kernel}", kernel)
            self._plain.add(whole)
            if _MAGIC.search(whole):
                parts = tuple(whole.split("/"))
                self._magic.setdefault(len(parts), set()).add(parts)
        self.cover = lru_cache(maxsize=None)(self._cover)

    def _cover(self, path: str) -> bool:
        """Whether `path` (or a narrower pattern) was asked for."""
        if path in self._plain:
            return True
        parts = path.split("/")
        return any(
            all(_takes_in(want, part) for want, part in zip(wanted, parts, strict=True))
            for wanted in self._magic.get(len(parts), ())
        )


def _takes_in(wanted: str, part: str) -> bool:
    """Whether one component's pattern takes in a name or a narrower pattern."""
    if wanted == part:
        return True
    return matcher(wanted)(part) is not None and (part[:1] != "." or wanted[:1] == ".")


def _name(data: bytes) -> str:
    """Read a path or a name as the script writes it."""
    return _unescape(decode(data))


def _unescape(name: str) -> str:
    """Put line breaks back into a name."""
    return _ESCAPE.sub(lambda match: "\n" if match[1] == "n" else "\x01", name) if "\x01" in name else name


def _stat(line: str) -> Stat | None:
    """Read one line of `stat`: six numbers and the path."""
    fields = line.split(" ", 6)
    if len(fields) < 7:
        return None
    try:
        mode, uid, gid, size, device, modified = (
            int(field, 16 if index == 0 else 10) for index, field in enumerate(fields[:6])
        )
    except ValueError:
        return None
    return Stat(
        path=fields[6],
        kind=file_kind(mode),
        mode=mode & 0o7777,
        uid=uid,
        gid=gid,
        size=size,
        device=device,
        modified_seconds=modified,
    )


def _target(shown: str, path: str) -> str | None:
    """Read a link's target from `path -> target`, which some programs put in quotes."""
    for before, after in ((f"{path} -> ", ""), (f"'{path}' -> '", "'"), (f"{path}' -> '", "'")):
        if shown.startswith(before):
            return shown.removeprefix(before).removesuffix(after)
    return shown.partition(" -> ")[2].strip("'") or None


def _output(body: bytes) -> Output:
    """Read a command's output, its errors and how it ended; only the output can hold a NUL."""
    stdout, stderr, status = [*body.rsplit(b"\0", 2), b"", b""][:3]
    code = status.strip()
    return Output(int(code) if code.isdigit() else -1, decode(stdout), decode(stderr) + ("\n" if stderr else ""))
