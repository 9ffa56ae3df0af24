"""One document after the other from libyaml's events: values, marks, anchors, and the limits they are held to.

Values are built on an explicit stack, so that no nesting can exhaust the interpreter's. Beside each value grows a tree
of marks for `xspm.syntax.positions`. Aliases share the value they name, and what they would amount to when written out
is counted, so that a few hundred bytes cannot stand for gigabytes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NoReturn

import msgspec

from xspm.errors import DocumentError
from xspm.syntax.positions import Mark, Positions
from xspm.syntax.scalars import NUMBER_START, WORDS, number, resolve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from yaml.error import MarkedYAMLError
    from yaml.reader import ReaderError

_TAG: Final = "tag:yaml.org,2002:"
_COLLECTION_TAGS: Final = frozenset({None, "!", f"{_TAG}map", f"{_TAG}seq"})
_STRING_TAGS: Final = frozenset({"!", f"{_TAG}str", f"{_TAG}timestamp"})
_TYPED_TAGS: Final[dict[str, tuple[type, ...]]] = {
    f"{_TAG}bool": (bool,),
    f"{_TAG}float": (float, int, dict),
    f"{_TAG}int": (int, dict),
    f"{_TAG}null": (type(None),),
}
_OWN_TAGS: Final = frozenset(
    f"{_TAG}{name}"
    for name in ("binary", "bool", "float", "int", "map", "merge", "null", "omap", "pairs", "seq", "set", "timestamp")
)
"""Tags that an error may name. Any other, like an alias, may be a password that nobody put in quotes."""
_PLAIN_KEY: Final = r"[a-z]{1,16}(?:[A-Z][a-z]{1,12}){0,3}"
"""Keys that an error may name: words, as fields are called, and nothing drawn at random."""
_QUOTES: Final = "a text that begins with {} stands in quotes"
_TAB: Final = "a tab stands where YAML allows only spaces"


class Limits(msgspec.Struct, frozen=True):
    """How much of a text is read before it is refused."""

    max_bytes: int = 64 * 1024 * 1024
    """Size of the whole stream."""
    max_depth: int = 150
    """Nesting of collections, aliases written out."""
    max_nodes: int = 5_000_000
    """Keys, scalars and collections of one document, aliases written out."""
    max_alias_nodes: int = 250_000
    """Those among them that only aliases and merge keys bring."""


class Document(msgspec.Struct, frozen=True):
    """One document of a stream."""

    value: Any
    """Plain JSON. Aliased parts are shared: copy before changing."""
    file: str
    line: int
    """1-based line of its first content."""
    positions: Positions


class _Frame:
    """A collection under construction."""

    __slots__ = ("anchor", "height", "key", "key_mark", "mark", "merges", "nodes", "tree", "value")

    def __init__(self, value: Any, tree: Any, mark: Mark, anchor: str | None, nodes: int) -> None:
        self.value = value
        self.tree = tree
        self.mark = mark
        self.anchor = anchor
        self.nodes = nodes
        """Nodes of the document before it."""
        self.height = 1
        self.key: str | None = None
        """The pending key; None for a merge key."""
        self.key_mark: Mark | None = None
        """Where the pending key stands; None when a key comes next."""
        self.merges: list[tuple[Any, Any]] | None = None


class _Anchor(msgspec.Struct, frozen=True):
    """What an alias stands for."""

    value: Any
    entry: Any
    nodes: int
    height: int


class Parser:
    """The documents of one stream: how many have been read, and whether libyaml found the error that ended them."""

    def __init__(self, data: bytes, file: str, limits: Limits, offset: int, text: str) -> None:
        self._data = data
        self._file = file
        self._limits = limits
        self._offset = offset
        self._text = text
        self.count = 0
        self.syntax = False
        self._alias_nodes = 0
        self._last_line = 0
        self._last_scalar: Any = None
        """The last scalar's event, as long as its last line is not taken into account."""
        self._anchors: dict[str, _Anchor | None] = {}

    def documents(self) -> Iterator[Document]:
        """Yield document after document.

        Raises:
            DocumentError: the next one is broken; `syntax` tells whether libyaml says so.
        """
        # Imported here because it costs ten milliseconds that only those who read YAML should pay.
        from yaml import _yaml, error, reader  # noqa: PLC0415

        parser = _yaml.CParser(self._data)
        try:
            while (event := parser.get_event()) is not None:
                if type(event).__name__ == "DocumentStartEvent":
                    document = self._document(parser.get_event)
                    self.count += 1
                    yield document
        except error.MarkedYAMLError as problem:
            self.syntax = True
            raise self._marked(problem) from None
        except reader.ReaderError as problem:
            raise self._unreadable(problem) from None

    def _document(self, get_event: Callable[[], Any]) -> Document:  # noqa: C901, PLR0912, PLR0915 - the one hot loop
        """Read one document up to its end."""
        from yaml import events  # noqa: PLC0415

        scalar, mapping, sequence = events.ScalarEvent, events.MappingStartEvent, events.SequenceStartEvent
        alias, end = events.AliasEvent, events.DocumentEndEvent
        self._alias_nodes = 0
        self._anchors = {}
        stack: list[_Frame] = []
        parent: _Frame | None = None
        max_nodes = self._limits.max_nodes
        nodes = 0
        last_scalar: Any = None
        root_value: Any = None
        root_entry: Any = None
        # This loop is where most of a scan's time goes: what is plain is done here, everything else in methods.
        while True:
            event = get_event()
            kind = type(event)
            nodes += 1
            if kind is scalar:
                value = event.value
                mark = entry = event.start_mark
                height = 0
                last_scalar = event
                if event.tag is None and event.anchor is None:
                    if event.implicit[0]:
                        value = number(value) if value[:1] in NUMBER_START else WORDS.get(value, value)
                else:
                    value = self._marked_scalar(event)
            elif kind is mapping or kind is sequence:
                parent = self._open(event, len(stack), {} if kind is mapping else [], nodes)
                stack.append(parent)
                continue
            elif kind is alias:
                mark = event.start_mark
                value, entry, height, added = self._alias(event, len(stack))
                nodes += added
            elif kind is end:
                break
            else:
                frame = stack.pop()
                parent = stack[-1] if stack else None
                mark, value, height = frame.mark, frame.value, frame.height
                self._last_scalar, last_scalar = last_scalar, None
                entry = self._close(frame, event, nodes)
            if nodes > max_nodes:
                self._fail(f"more than {max_nodes} values in one document", mark)
            if parent is None:
                root_value, root_entry = value, entry
                continue
            if height and height >= parent.height:
                parent.height = height + 1
            tree = parent.tree
            if type(tree) is list:
                parent.value.append(value)
                tree.append(entry)
                continue
            key_mark = parent.key_mark
            if key_mark is None:
                if type(value) is str and value not in parent.value and value != "<<":
                    parent.key = value
                    parent.key_mark = mark
                else:
                    self._key(parent, value, mark, event)
                continue
            key = parent.key
            if key is not None:
                parent.value[key] = value
                tree[key] = (key_mark, *entry[1:]) if type(entry) is tuple else key_mark
                parent.key_mark = None
            else:
                self._merge_later(parent, value, entry)
        self._last_scalar = last_scalar
        root = root_entry if type(root_entry) is tuple else (root_entry, None, self._content_end())
        line = root[0].line + 1 + self._offset
        return Document(root_value, self._file, line, Positions(root, self._offset))

    def _content_end(self) -> int:
        """Return the 0-based last line of the content so far."""
        event, self._last_scalar = self._last_scalar, None
        if event is not None:
            end, first = event.end_mark, event.start_mark.line
            last = end.line
            if not end.column and last != first:
                # A block scalar ends where the next content begins, blank lines and comments in between.
                last = min(last - 1, first + event.value.count("\n")) if event.style == "|" else last - 1
            self._last_line = last
        return self._last_line

    def _marked_scalar(self, event: Any) -> Any:
        """Return the value of a scalar with a tag or an anchor."""
        tag, text = event.tag, event.value
        if tag is None:
            value = resolve(text) if event.implicit[0] else text
        elif tag in _STRING_TAGS:
            value = text
        else:
            value = self._tagged(tag, text, event.start_mark)
        if event.anchor is not None:
            self._anchors[event.anchor] = _Anchor(value, event.start_mark, 1, 0)
        return value

    def _tagged(self, tag: str, text: str, mark: Mark) -> Any:
        """Return the value of a scalar with an explicit tag."""
        types = _TYPED_TAGS.get(tag)
        if types is None:
            self._unknown_tag(tag, mark, "YAML's own types are read: null, bool, int, float, str")
        value = resolve(text)
        if type(value) not in types:
            self._fail(f"this is not a value of type !!{tag.removeprefix(_TAG)}", mark)
        return float(value) if tag == f"{_TAG}float" and type(value) is int else value

    def _unknown_tag(self, tag: str, mark: Mark, hint: str | None = None) -> NoReturn:
        """Refuse a tag; only YAML's own are named."""
        if tag in _OWN_TAGS:
            self._fail(f"the tag !!{tag.removeprefix(_TAG)} is not known here", mark, hint)
        self._fail("the tag is not known here", mark, _QUOTES.format("!"))

    def _open(self, event: Any, depth: int, value: Any, nodes: int) -> _Frame:
        """Begin a collection."""
        if depth >= self._limits.max_depth:
            self._fail(f"nested deeper than {self._limits.max_depth} levels", event.start_mark)
        if event.tag not in _COLLECTION_TAGS:
            self._unknown_tag(event.tag, event.start_mark)
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        return _Frame(value, {} if type(value) is dict else [], event.start_mark, event.anchor, nodes)

    def _close(self, frame: _Frame, event: Any, nodes: int) -> Any:
        """End a collection: merge what it merges, remember its anchor; return its entry."""
        last = self._content_end()
        end = event.end_mark
        # A block collection's end has no width and stands where the next token begins.
        if end.column != event.start_mark.column:
            last = self._last_line = end.line
        if frame.merges is not None:
            for value, entry in frame.merges:
                self._merge(frame, value, entry)
        entry = (frame.mark, frame.tree, last)
        if frame.anchor is not None:
            self._anchors[frame.anchor] = _Anchor(frame.value, entry, nodes - frame.nodes + 1, frame.height)
        return entry

    def _alias(self, event: Any, depth: int) -> tuple[Any, Any, int, int]:
        """Return value, entry, height and number of nodes of what an alias names."""
        mark = event.start_mark
        if event.anchor not in self._anchors:
            self._fail("the alias names no anchor above it", mark, _QUOTES.format("*"))
        anchor = self._anchors[event.anchor]
        if anchor is None:
            self._fail("the alias stands inside what it names", mark)
        if depth + anchor.height > self._limits.max_depth:
            self._fail(f"nested deeper than {self._limits.max_depth} levels by the alias", mark)
        self._alias_nodes += anchor.nodes
        if self._alias_nodes > self._limits.max_alias_nodes:
            self._fail(f"aliases amount to more than {self._limits.max_alias_nodes} values when written out", mark)
        return anchor.value, anchor.entry, anchor.height, anchor.nodes

    def _key(self, frame: _Frame, value: Any, mark: Mark, event: Any) -> None:
        """Take a mapping's next key."""
        kind = type(value)
        if kind is bool:
            key = "true" if value else "false"
        elif kind is str:
            key = value
        elif kind is int or kind is float:
            key = str(value)
        else:
            self._fail("a key must be a string", mark)
        if key in frame.value:
            first = frame.tree[key]
            line = (first[0] if type(first) is tuple else first).line + 1 + self._offset
            self._fail(f"duplicate key{shown_key(key)}, first given on line {line}", mark)
        merges = key == "<<" and getattr(event, "tag", "") is None and event.implicit[0]
        frame.key = None if merges else key
        frame.key_mark = mark

    def _merge_later(self, frame: _Frame, value: Any, entry: Any) -> None:
        """Take the value of a merge key."""
        mark = frame.key_mark
        frame.key_mark = None
        if frame.merges is None:
            frame.merges = []
        frame.merges.append((value, entry))
        if not (type(value) is dict or (type(value) is list and all(type(each) is dict for each in value))):
            self._fail("<< merges a mapping or a list of mappings", mark)

    def _merge(self, frame: _Frame, value: Any, entry: Any) -> None:
        """Add the keys of a merged mapping that the frame does not give itself; earlier mappings of a list win."""
        sources = [(value, entry)] if type(value) is dict else zip(value, entry[1], strict=True)
        for source, marks in sources:
            for key, item in source.items():
                if key not in frame.value:
                    frame.value[key] = item
                    frame.tree[key] = marks[1][key]

    def _fail(self, message: str, mark: Any, hint: str | None = None) -> NoReturn:
        """Raise the error of a document that xspm refuses."""
        raise self._error(message, mark.line, mark.column, hint)

    def _error(self, message: str, line: int, column: int | None, hint: str | None = None) -> DocumentError:
        line += self._offset
        if line and line > (lines := self._text.rstrip("\n").count("\n")):
            # libyaml places the end of a text on a line of its own, which no editor shows.
            line, column = lines, 0 if column is None else len(_line(self._text, lines) or "")
        source = None if column is None else _line(self._text, line)
        return DocumentError(
            message,
            file=self._file,
            line=line + 1,
            column=None if column is None else column + 1,
            source=source,
            hint=hint,
        )

    def _marked(self, error: MarkedYAMLError) -> DocumentError:
        """Return libyaml's error as ours."""
        mark = error.problem_mark or error.context_mark
        message = error.problem or "not YAML"
        if mark is None:
            return DocumentError(message, file=self._file)
        source = _line(self._text, mark.line + self._offset) or ""
        if "tab character" in message or (source[mark.column : mark.column + 1] == "\t" and "any token" in message):
            message, hint = _TAB, "indent with spaces"
        else:
            message, hint = f"{message} {error.context}" if error.context else message, None
        return self._error(message, mark.line, mark.column, hint)

    def _unreadable(self, error: ReaderError) -> DocumentError:
        """Return the error of a stream with characters that YAML does not allow."""
        position = error.position if isinstance(error.position, int) else 0
        line = self._data.count(b"\n", 0, position)
        code = error.character if isinstance(error.character, int) else ord(error.character[:1] or "\0")
        return self._error(f"the control character U+{code:04X} is not allowed in YAML", line, None)


def shown_key(key: str) -> str:
    """Return a key as an error may name it, with a space before it, or nothing."""
    return f" {key!r}" if re.fullmatch(_PLAIN_KEY, key) else ""


def _line(text: str, line: int) -> str | None:
    """Return the 0-based `line` of a text, cut to what a person can read; None when it is longer."""
    start = 0
    for _ in range(line):
        start = text.find("\n", start) + 1
        if start == 0:
            return None
    end = text.find("\n", start)
    found = text[start : end if end >= 0 else len(text)].rstrip("\r")
    return found if len(found) <= 300 else None
