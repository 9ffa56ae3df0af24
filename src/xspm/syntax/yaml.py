"""YAML and JSON documents with the position of every key and item, in linear time.

`load_documents` decodes a stream and hands it to `xspm.syntax.builder`, which makes plain JSON of libyaml's events.
What plain scalars mean is said in `xspm.syntax.scalars`. JSON is read as the YAML it is; the few texts that are JSON
and not YAML (surrogate escapes, very long keys, documents one after the other) are read by `xspm.syntax.json`, without
positions inside a document. Not read: tags of any kind but YAML's own scalar types, keys that are collections,
duplicate keys.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from xspm.errors import DocumentError
from xspm.syntax.builder import Document, Limits, Parser
from xspm.syntax.positions import Mark, Path, Positions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Document", "Limits", "Path", "Positions", "load_documents", "load_one"]

_MARK: Final = b"\xef\xbb\xbf"
"""The byte order mark in UTF-8."""

MAX_ERRORS: Final = 20
"""Broken documents of one stream that are reported before the rest of it is given up."""


def load_documents(
    data: bytes,
    *,
    file: str,
    limits: Limits = Limits(),  # noqa: B008 - frozen
    on_error: Callable[[DocumentError], None] | None = None,
) -> Iterator[Document]:
    """Yield the documents of a YAML or JSON stream, in order, each as soon as it is read.

    Empty documents come out with the value None.

    Args:
        data: the whole stream, UTF-8, with or without a byte order mark.
        file: what errors and documents call it.
        limits: what is refused.
        on_error: takes the error of a broken document; reading goes on after the next `---` line. Without it the error
        is raised.

    Raises:
        DocumentError: the stream is not UTF-8 or too large (raised even with `on_error`), or a document is broken.
    """
    text = _text(data, file, limits)
    start, offset, errors = 0, 0, 0
    while True:
        parser = Parser(data[start:] if start else data, file, limits, offset, text)
        try:
            yield from parser.documents()
        except DocumentError as error:
            if (
                start == 0
                and parser.syntax
                and parser.count <= 1
                and (documents := _json(text, file, limits)) is not None
            ):
                yield from documents[parser.count :]
                return
            if on_error is None:
                raise
            on_error(error)
            errors += 1
            start = _next_document(data, start, error)
            if start < 0 or errors >= MAX_ERRORS:
                if start >= 0:
                    on_error(
                        DocumentError(f"{errors} broken documents: the rest is not read", file=file, line=error.line)
                    )
                return
            offset = data.count(b"\n", 0, start)
        else:
            return


def load_one(data: bytes, file: str, limits: Limits = Limits()) -> Document:  # noqa: B008 - frozen
    """Return the only document of a stream.

    Raises:
        DocumentError: the stream is broken, empty, or holds more than one document.
    """
    documents = list(load_documents(data, file=file, limits=limits))
    filled = [document for document in documents if document.value is not None] or documents[:1]
    if not filled:
        raise DocumentError("the file is empty", file=file, line=1)
    if len(filled) > 1:
        raise DocumentError(
            "one document is expected here, and a second one begins", file=file, line=filled[1].line, column=1
        )
    return filled[0]


def _text(data: bytes, file: str, limits: Limits) -> str:
    """Return the stream as text, without its byte order mark.

    Raises:
        DocumentError: it is too large, not UTF-8, or holds a NUL.
    """
    if len(data) > limits.max_bytes:
        raise DocumentError(f"{len(data)} bytes are more than the {limits.max_bytes} that are read", file=file)
    if data[:2] in {b"\xff\xfe", b"\xfe\xff"} or (b"\0" in data[:4] and data[:4].strip(b"\0")):
        raise DocumentError(
            "the text is UTF-16 or UTF-32; UTF-8 is expected", file=file, line=1, hint="save it as UTF-8"
        )
    # The codec `utf-8-sig` would be a module to import, and counts its errors from behind the mark.
    content = data.removeprefix(_MARK)
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DocumentError(
            f"byte 0x{content[error.start]:02x} is not UTF-8", file=file, line=line, hint="save it as UTF-8"
        ) from None


def _json(text: str, file: str, limits: Limits) -> list[Document] | None:
    """Return the documents of a text that is JSON though not YAML."""
    if text.lstrip()[:1] not in {"{", "["}:
        return None
    from xspm.syntax.json import decode_all  # noqa: PLC0415 - hardly any text needs it

    decoded = decode_all(text, file=file, max_depth=limits.max_depth)
    if decoded is None:
        return None
    return [
        Document(each.value, file, each.line + 1, Positions((Mark(each.line, each.column), None, each.last_line)))
        for each in decoded
    ]


def _next_document(data: bytes, start: int, error: DocumentError) -> int:
    """Return the offset of the `---` line to go on from after `error` in what began at `start`, or -1."""
    line_start = 0
    for _ in range((error.line or 1) - 1):
        line_start = data.find(b"\n", line_start) + 1
    if error.column == 1 and line_start > start and data.startswith(b"---", line_start):
        # The parser stumbled over this very line because the document before it was not complete.
        return line_start
    found = data.find(b"\n---", max(line_start, start))
    return -1 if found < 0 else found + 1
