"""A host made of a mapping: the examples of checks, and the tests of the services.

`files` gives each path its text, or a mapping with content, mode, owner and kind; folders above a path exist by
themselves, root's and 0755. What is not given does not exist. `commands` gives command lines and what they print.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from xspm.connectors.linux.capabilities import from_text
from xspm.connectors.linux.local import numbers
from xspm.connectors.linux.pattern import expand, resolve
from xspm.connectors.linux.transport import TEXT_LIMIT, FileKind, Names, Output, Stat, decode, too_large, unreadable
from xspm.errors import ConnectorError
from xspm.model.unknown import Maybe, Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from xspm.model.asset import Problem

_KEYS: Final = frozenset(
    {"content", "mode", "uid", "gid", "kind", "link", "size", "modified_seconds", "capabilities", "denied"}
)
_KINDS: Final[frozenset[FileKind]] = frozenset({"file", "directory", "link", "fifo", "socket", "block", "char"})
_DENIED: Final = "permission denied"


class Node(NamedTuple):
    """One path."""

    stat: Stat
    content: bytes
    denied: bool
    """Whether its content (a folder's names) may not be read, as by a user without rights."""


class MemorySource:
    """Reads a host that an example describes."""

    def __init__(
        self,
        files: Mapping[str, Any] | None = None,
        commands: Mapping[str, Any] | None = None,
        *,
        live: bool = True,
        root: bool = True,
    ) -> None:
        """Describe a host.

        Args:
            files: path to text, bytes, or a mapping of `content`, `mode` (octal text), `uid`, `gid`, `kind`, `link`
                (target), `size`, `modified_seconds`, `capabilities` (as getcap writes them), `denied`.
            commands: command line (words joined by blanks) to its standard output, or a mapping of `stdout`, `stderr`,
                `status`, or an `unknown` reason.
            live: whether it is a running system.
            root: whether it is read as root.

        Raises:
            ConnectorError: something is not written as above.
        """
        self.live = live
        self.root = root
        self._nodes: dict[str, Node] = {"/": _folder("/")}
        self._children: dict[str, set[str]] = {"/": set()}
        self._commands = {name: _output(name, value) for name, value in (commands or {}).items()}
        for path, value in (files or {}).items():
            self._add(_node(path, value))

    def text(self, path: str, limit: int = TEXT_LIMIT) -> Maybe[str | None]:
        """See `Source.text`."""
        data = self.data(path, limit)
        return decode(data) if isinstance(data, bytes) else data

    def data(self, path: str, limit: int = TEXT_LIMIT) -> Maybe[bytes | None]:
        """See `Source.data`."""
        node = self._find(path, follow=True)
        if not isinstance(node, Node):
            return node
        if node.stat.kind == "char" and node.stat.path == "/dev/null":
            return b""
        if node.stat.kind != "file":
            return Unknown(f"not a regular file: {path}", cause="format")
        if node.denied:
            return Unknown(f"{_DENIED}: {path}")
        return too_large(path, limit) if len(node.content) > limit else node.content

    def list(self, path: str) -> Maybe[Names | None]:
        """See `Source.list`."""
        node = self._find(path, follow=True)
        if not isinstance(node, Node):
            return node
        if node.denied:
            return Unknown(f"{_DENIED}: {path}")
        return sorted(self._children.get(node.stat.path, ())) if node.stat.kind == "directory" else None

    def glob(self, pattern: str) -> Maybe[Names]:
        """See `Source.glob`."""
        return expand(pattern, self.list, self._exists)

    def stat(self, path: str, *, follow: bool = False) -> Maybe[Stat | None]:
        """See `Source.stat`."""
        node = self._find(path, follow=follow)
        if not isinstance(node, Node):
            return node
        return Stat(path, *(getattr(node.stat, name) for name in Stat.__struct_fields__[1:]))

    def run(self, *argv: str) -> Maybe[Output | None]:
        """See `Source.run`; a command that is not given is not installed."""
        if not self.live:
            return Unknown(f"an unpacked root file system runs no commands: {argv[0]}", cause="missing")
        return self._commands.get(" ".join(argv))

    def walk(self) -> Iterator[Stat | Problem]:
        """See `Source.walk`."""
        uids, gids = ({0, *numbers(str(self.text(path)))} for path in ("/etc/passwd", "/etc/group"))
        for path, node in sorted(self._nodes.items()):
            found = node.stat
            skipped = found.kind == "link" or path.startswith(("/proc/", "/sys/", "/dev/", "/run/"))
            if not skipped and (
                found.capabilities or found.mode & 0o6002 or found.uid not in uids or found.gid not in gids
            ):
                yield found

    def _exists(self, path: str) -> Maybe[bool]:
        """Whether a path exists."""
        found = self.stat(path)
        return found if isinstance(found, Unknown) else found is not None

    def _find(self, path: str, *, follow: bool) -> Maybe[Node | None]:
        """Look a path up through links."""
        try:
            return self._nodes.get(resolve(path, self._readlink, follow=follow))
        except OSError as error:
            return unreadable(path, error)

    def _readlink(self, path: str) -> str | None:
        """Return a link's target."""
        node = self._nodes.get(path)
        return node.stat.target if node else None

    def _add(self, node: Node) -> None:
        """Put a path and the folders above it in place."""
        path = node.stat.path
        self._nodes[path] = node
        if node.stat.kind == "directory":
            self._children.setdefault(path, set())
        while path != "/":
            parent, _, name = path.rpartition("/")
            parent = parent or "/"
            self._nodes.setdefault(parent, _folder(parent))
            self._children.setdefault(parent, set()).add(name)
            path = parent


def _folder(path: str) -> Node:
    """Return a folder as it is by itself."""
    return Node(Stat(path, "directory", 0o755, 0, 0, 4096), b"", denied=False)


def _node(path: str, value: Any) -> Node:
    """Read one entry of `files`."""
    if not path.startswith("/") or "\0" in path:
        raise ConnectorError(f"files: a path is absolute, not {path!r}")
    path = "/" + "/".join(part for part in path.split("/") if part)
    given: Mapping[str, Any] = value if isinstance(value, dict) else {"content": value}
    if strange := sorted(str(key) for key in given.keys() - _KEYS):
        raise ConnectorError(f"files: {path}: {strange[0]} is none of {', '.join(sorted(_KEYS))}")
    target = given.get("link")
    kind = given.get("kind", "file" if target is None else "link")
    content = given.get("content", "")
    data = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
    if kind not in _KINDS or not isinstance(data, bytes) or not isinstance(target, str | None):
        raise ConnectorError(f"files: {path}: content is a text, link a path, kind one of {', '.join(sorted(_KINDS))}")
    default = {"directory": 0o755, "link": 0o777}.get(kind, 0o644)
    found = Stat(
        path=path,
        kind=kind,
        mode=default if "mode" not in given else _mode(path, given["mode"]),
        uid=_number(path, given, "uid", 0),
        gid=_number(path, given, "gid", 0),
        size=_number(path, given, "size", len(data)),
        modified_seconds=_number(path, given, "modified_seconds", 0),
        target=target,
        capabilities=from_text(str(given.get("capabilities", ""))),
    )
    return Node(found, data, denied=given.get("denied") is True)


def _mode(path: str, value: Any) -> int:
    """Read a mode: octal digits in quotes, for YAML reads a bare 0640 as one number or another."""
    try:
        return int(value, 8) & 0o7777
    except (TypeError, ValueError):
        raise ConnectorError(f'files: {path}: mode is octal digits in quotes, such as "0640", not {value!r}') from None


def _number(path: str, given: Mapping[str, Any], key: str, default: int) -> int:
    """Read a number that may be left out."""
    value = given.get(key, default)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ConnectorError(f"files: {path}: {key} is a number, not {value!r}")
    return value


def _output(name: str, value: Any) -> Maybe[Output | None]:
    """Read one entry of `commands`."""
    if value is None or isinstance(value, str):
        return None if value is None else Output(0, value)
    if isinstance(value, dict) and not value.keys() - {"stdout", "stderr", "status", "unknown"}:
        if "unknown" in value:
            return Unknown(str(value["unknown"]))
        status = value.get("status", 0)
        if not isinstance(status, int):
            raise ConnectorError(f"commands: {name}: status is a number, not {status!r}")
        return Output(status, str(value.get("stdout", "")), str(value.get("stderr", "")))
    raise ConnectorError(f"commands: {name}: its output is a text, or a mapping of stdout, stderr, status, or unknown")
