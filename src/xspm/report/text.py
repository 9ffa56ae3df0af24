"""Text that formats share: evidence made harmless, cut, counted and shown.

Names and values come from what is assessed, so an attacker may have chosen them. `clean` is the one gate they pass on
their way to a person: everything that could move a cursor, colour a terminal, break a line or reorder what is read
becomes a visible escape. Each format then escapes what is special in itself on top of that. JSON keeps the data
exactly and writes the same characters as JSON escapes.
"""

from __future__ import annotations

import codecs
import re
from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import msgspec

from xspm.model.unknown import UNKNOWN_KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from xspm.model.asset import Asset, Location
    from xspm.model.check import Check
    from xspm.model.verdict import Run

_INVISIBLE: Final = (
    "\x00-\x1f\x7f-\x9f"  # C0 and C1 controls: terminal escapes, line breaks, tabs
    "\xad\u0600-\u0605\u061c\u06dd\u070f\u08e2\u180e"  # format characters
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"  # zero width, line separators, bidirectional overrides
    "\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff"  # lone surrogates, noncharacters: no XML, no UTF-8
    "\U000110bd\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0001-\U000e007f"  # format characters, tags
)
"""Characters that are not seen, or change how others are seen (Unicode categories Cc, Cf, Cs, Zl, Zp)."""

_IN_JSON: Final = _INVISIBLE.removeprefix("\x00-\x1f")

_NAMED: Final = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}

_PART: Final = 500
"""Items of a long list that are encoded at once."""

_COMMENT: Final = ("#", "//")

_ADDRESSES: Final = frozenset({"apiVersion", "kind", "metadata", "name"})
"""Keys that say what a patch is for, and not what it sets."""


def clean(text: str) -> str:
    r"""Return `text` on one line, with every invisible character as a visible escape (`\x1b`, `\u202e`)."""
    # Every invisible character counts as not printable, and asking for that is much cheaper than searching.
    return text if text.isprintable() else re.sub(f"[{_INVISIBLE}]", _visible, text)


def clean_lines(text: str) -> str:
    """Return `text` cleaned line by line: for what an author wrote over several lines."""
    return "\n".join(clean(line.expandtabs(4)) for line in text.rstrip().split("\n"))


def cut(text: str, limit: int) -> str:
    """Return at most `limit` characters of `text`; what is cut ends in an ellipsis."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def plural(count: int, one: str, many: str | None = None) -> str:
    """Return a number with its noun: `1 check`, `1,200 checks`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def listed(parts: list[str]) -> str:
    """Return parts as a sentence lists them: `a, b and c`."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else "".join(parts)


def place(location: Location | None) -> str:
    """Return `file:line`, cleaned; empty when there is no location."""
    if location is None:
        return ""
    return clean(location.file if location.line is None else f"{location.file}:{location.line}")


def value(data: Any, limit: int = 120) -> str:
    """Return an observed value on one line: JSON, or why it is unknown."""
    if is_unknown(data):
        return cut(f"unknown ({clean(str(data[UNKNOWN_KEY]))})", limit)
    return cut(clean(encode(data, indent=0)), limit)


def told_apart(run: Run) -> Run:
    """Return the run with the ids of those assets as their names whose name another asset has too.

    `dir:old/root` and `dir:new/root` are both called `root`: for a reader they would be one.
    """
    names = labels([item.asset for item in run.assessments])
    if names == [item.asset.name for item in run.assessments]:
        return run
    replace = msgspec.structs.replace
    return replace(
        run,
        assessments=tuple(
            replace(item, asset=replace(item.asset, name=name)) if name != item.asset.name else item
            for item, name in zip(run.assessments, names, strict=True)
        ),
    )


def labels(assets: Sequence[Asset]) -> list[str]:
    """Return what each of some assets is called where all of them are shown: its id, where another has its name."""
    counts = Counter(asset.name for asset in assets)
    return [asset.id if counts[asset.name] > 1 else asset.name for asset in assets]


def is_unknown(data: Any) -> bool:
    """Whether a value could not be had."""
    return isinstance(data, dict) and UNKNOWN_KEY in data


def field(path: str) -> str:
    """Return an observed field's path as a reader needs it: without the leading `resource.`."""
    return clean(path.removeprefix("resource."))


def encode(data: Any, indent: int | None = None) -> str:
    """Return `data` as JSON that is safe to print; an indent of 0 is one line with spaces.

    The data is kept exactly; characters that a terminal could act upon are written as JSON escapes. A lone surrogate,
    which JSON in UTF-8 cannot hold, becomes the replacement character.
    """
    raw = _raw(data, msgspec.json.encode)
    if indent is not None:
        raw = msgspec.json.format(raw, indent=indent)
    text = raw.decode()
    return text if text.isascii() and "\x7f" not in text else re.sub(f"[{_IN_JSON}]", _json_escape, text)


def encode_report(data: Any, indent: int) -> str:
    """Return a long text of `encode` in ASCII alone: every other character is a JSON escape.

    A report may be as long as the evidence, and one character beyond Latin would double its size in memory.
    """
    return _ascii(msgspec.json.format(_raw(data, msgspec.json.encode), indent=indent))


def encode_items(items: Sequence[Any], before: str) -> Iterator[str]:
    """Yield the items of a JSON list in parts, each item on a line that begins with `before`, as `encode_report` does.

    Parts, because the copies that encoding takes are then of a part and not of all the evidence.
    """
    for start in range(0, len(items), _PART):
        lines = _raw(items[start : start + _PART], msgspec.json.Encoder().encode_lines)
        first = ",\n" if start else ""
        yield first + before + _ascii(lines[:-1].replace(b"\n", f",\n{before}".encode()))


def encode_indented(items: Iterable[Any], indent: int, depth: int) -> Iterator[str]:
    """Yield the items of a JSON list that stands `depth` levels deep as `encode_report` writes them, in parts."""
    deeper = "\n" + " " * (indent * depth)
    first = ""
    for part in batched(items, _PART):
        # No text in JSON holds a line break, so those that are found are the layout's.
        yield first + encode_report(part, indent)[1:-2].replace("\n", deeper)
        first = ","


def batched(items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    """Yield lists of up to `size` items."""
    iterator = iter(items)
    while part := list(islice(iterator, size)):
        yield part


def _raw(data: Any, encoder: Callable[[Any], bytes]) -> bytes:
    try:
        return encoder(data)
    except UnicodeEncodeError:
        return encoder(_without_surrogates(msgspec.to_builtins(data)))


def _ascii(raw: bytes) -> str:
    if b"\x7f" in raw:
        raw = raw.replace(b"\x7f", rb"\u007f")
    return raw.decode("ascii", _ESCAPES)


def _escapes(error: UnicodeError) -> tuple[str, int]:
    """Take the bytes of UTF-8 that ASCII cannot read, up to the next one it can."""
    assert isinstance(error, UnicodeDecodeError)  # noqa: S101 - nothing is encoded with this handler
    found = re.compile(rb"[\x80-\xff]+").match(error.object, error.start)
    assert found is not None  # noqa: S101 - the byte at `start` is one of them
    return re.sub(r"(?s).", _json_escape, found[0].decode()), found.end()


_ESCAPES: Final = "xspm.json"
codecs.register_error(_ESCAPES, _escapes)


def fix(check: Check | None) -> str:
    """Return how to mend what a check found, on one line; empty when nothing can be said so shortly."""
    for remedy in sorted(check.remediation if check else (), key=lambda remedy: remedy.code):
        line = _first_change(remedy.form, remedy.content) if remedy.code else _first_line(str(remedy.content))
        if line:
            return clean(line)
    return ""


def code(content: Any) -> str:
    """Return a remediation's content as text over several lines."""
    return clean_lines(content) if isinstance(content, str) else "\n".join(_outline(content, ""))


def _visible(match: re.Match[str]) -> str:
    character = match[0]
    number = ord(character)
    if number < 0x100:
        return _NAMED.get(character) or f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def _json_escape(match: re.Match[str]) -> str:
    number = ord(match[0])
    if number < 0x10000:
        return f"\\u{number:04x}"
    number -= 0x10000
    return f"\\u{0xD800 + (number >> 10):04x}\\u{0xDC00 + (number & 0x3FF):04x}"


def _without_surrogates(data: Any) -> Any:
    if isinstance(data, str):
        return data.encode("utf-8", "replace").decode()
    if isinstance(data, dict):
        return {_without_surrogates(key): _without_surrogates(item) for key, item in data.items()}
    if isinstance(data, list | tuple):
        return [_without_surrogates(item) for item in data]
    return data


def _first_line(text: str) -> str:
    lines = (line.strip() for line in text.splitlines())
    return next((line for line in lines if line and not line.startswith(_COMMENT)), "")


def _first_change(form: str, content: Any) -> str:
    """The first thing that code sets: `spec.containers[*].securityContext.privileged: false`."""
    if isinstance(content, str):
        return _first_setting(content)
    if form == "files" and isinstance(content, dict):
        return _file_edit(content)
    path = ""
    while isinstance(content, dict | list) and content:
        if isinstance(content, list):
            content, path = content[0], f"{path}[*]"
            continue
        # Where a patch addresses list items by name, the name is the address, and what follows is the change.
        key = next((key for key in content if key not in _ADDRESSES), next(iter(content)))
        content, path = content[key], f"{path}.{key}".lstrip(".")
    return f"set {path}: {encode(content, indent=0)}" if path else ""


def _first_setting(text: str) -> str:
    """The first `key: value` of a patch given as YAML text, with the keys above it by their indentation."""
    above: list[tuple[int, str]] = []
    for line in text.splitlines():
        bare = line.lstrip(" -")
        key, found, rest = bare.partition(":")
        if not found or bare.startswith(_COMMENT):
            continue
        depth = len(line) - len(bare)
        above = [(indent, name) for indent, name in above if indent < depth]
        if rest.strip() and key not in _ADDRESSES:
            return f"set {'.'.join([*(name for _, name in above), key])}: {rest.strip()}"
        above.append((depth, key))
    return _first_line(text)


def _file_edit(files: Mapping[str, Any]) -> str:
    path, change = next(iter(files.items()))
    if change is None:
        return f"remove {path}"
    if isinstance(change, str):
        return f"{path}: {_first_line(change)}"
    if "append" in change:
        return f"add to {path}: {_first_line(str(change['append']))}"
    return f"set {', '.join(f'{key} {item}' for key, item in change.items())} on {path}"


def _outline(content: Any, indent: str) -> list[str]:
    """Plain JSON as indented lines in the manner of YAML, for people."""
    lines: list[str] = []
    if isinstance(content, dict) and content:
        for key, item in content.items():
            name = f"{indent}{clean(str(key))}:"
            if isinstance(item, dict | list) and item:
                lines += [name, *_outline(item, indent + "  ")]
            elif isinstance(item, str) and "\n" in item:
                lines += [f"{name} |", *(f"{indent}  {line}" for line in clean_lines(item).split("\n"))]
            else:
                lines.append(f"{name} {clean(encode(item, indent=0))}")
        return lines
    if isinstance(content, list) and content:
        for item in content:
            first, *rest = _outline(item, indent + "  ")
            lines += [f"{indent}- {first.lstrip()}", *rest]
        return lines
    return [indent + clean(encode(content, indent=0))]
