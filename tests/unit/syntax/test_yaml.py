from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from xspm.errors import DocumentError
from xspm.syntax.yaml import Limits, load_documents, load_one


def values(text: str | bytes, **options: Any) -> list[Any]:
    data = text.encode() if isinstance(text, str) else text
    return [document.value for document in load_documents(data, file="f.yaml", **options)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("# only a comment\n", []),
        ("---\n", [None]),
        ("---\n---\n", [None, None]),
        ("a: 1", [{"a": 1}]),
        ("a: 1\n---\n# c\n---\nb: [x, {k: z}]\n...\n", [{"a": 1}, None, {"b": ["x", {"k": "z"}]}]),
        ("\ufeffa: 1", [{"a": 1}]),
        ("a: 1\r\nb: |\r\n  x\r\n  y\r\n", [{"a": 1, "b": "x\ny\n"}]),
        ("a: &x {k: v}\nb: *x", [{"a": {"k": "v"}, "b": {"k": "v"}}]),
        ("a: &x v\n*x : w", [{"a": "v", "v": "w"}]),
        ("d: &d {k: 1, l: 2}\ne:\n  <<: *d\n  l: 3\n", [{"d": {"k": 1, "l": 2}, "e": {"k": 1, "l": 3}}]),
        ("e:\n  l: 3\n  <<: [{l: 1, m: 1}, {m: 2, o: 2}]\n", [{"e": {"l": 3, "m": 1, "o": 2}}]),
        ('"<<": {a: 1}', [{"<<": {"a": 1}}]),
        ("1: a\n1.5: b\ntrue: c\n", [{"1": "a", "1.5": "b", "true": "c"}]),
        ("on: x\noff: z", [{"true": "x", "false": "z"}]),
        ("a: !!str 1\nb: !!int '2'\nc: !!float 3\nd: ! 4\ne: !!null ''\nf: !!bool yes", [
            {"a": "1", "b": 2, "c": 3.0, "d": "4", "e": None, "f": True}]),
        ("a: !!map {}\nb: !!seq []\nc: !!timestamp 2026-01-01", [{"a": {}, "b": [], "c": "2026-01-01"}]),
        ("%YAML 1.2\n---\na: 1", [{"a": 1}]),
        ("a: 'yes'\nb: \"1\"\nc: 1.10.0", [{"a": "yes", "b": "1", "c": "1.10.0"}]),
        ('{"a": [1, 2.5, null, true, "x\\u00e9"]}', [{"a": [1, 2.5, None, True, "xé"]}]),
        ('{\n\t"a": 1,\n\t"b": 2\n}', [{"a": 1, "b": 2}]),
        ('{"a": "\\ud83d\\ude00"}', [{"a": "\U0001f600"}]),
        ('{"%s": 1}' % ("k" * 2000), [{"k" * 2000: 1}]),
        ('{"a": 1}\n{"b": 2}\n', [{"a": 1}, {"b": 2}]),
        ("plain", ["plain"]),
        ("[1, 2]", [[1, 2]]),
    ],
)  # fmt: skip
def test_documents_are_plain_json(text: str, expected: list[Any]) -> None:
    assert values(text) == expected


@pytest.mark.parametrize(
    ("text", "where", "message"),
    [
        ("a: 1\nb: [1, 2\nc: 3\n", "f.yaml:3:2", "did not find expected ',' or ']'"),
        ("a: 1\na: 2\n", "f.yaml:2:1", "duplicate key 'a', first given on line 1"),
        ("x: {}\ny:\n  k: {}\n  k: 1", "f.yaml:4:3", "duplicate key 'k', first given on line 3"),
        ("a:\n\tb: 1\n", "f.yaml:2:1", "a tab stands where YAML allows only spaces"),
        ("a: *nope", "f.yaml:1:4", "the alias names no anchor above it"),
        ("a: &a [*a]", "f.yaml:1:8", "the alias stands inside what it names"),
        ("a: !!python/object:os.system x", "f.yaml:1:4", "the tag is not known here"),
        ("a: !!binary aGk=", "f.yaml:1:4", "the tag !!binary is not known here"),
        ("a: !!set {x}", "f.yaml:1:4", "the tag !!set is not known here"),
        ("a: !Ref x", "f.yaml:1:4", "the tag is not known here"),
        ("a: !!int x", "f.yaml:1:4", "this is not a value of type !!int"),
        ("? [a, b]\n: 1", "f.yaml:1:3", "a key must be a string"),
        ("~: 1", "f.yaml:1:1", "a key must be a string"),
        (".nan: 1", "f.yaml:1:1", "a key must be a string"),
        ("<<: 1", "f.yaml:1:1", "<< merges a mapping or a list of mappings"),
        ("<<: [1]", "f.yaml:1:1", "<< merges a mapping or a list of mappings"),
        ("a: 1\n---\nb: {", "f.yaml:3:5", "did not find expected node content while parsing a flow node"),
        ("[" * 200, "f.yaml:1:151", "nested deeper than 150 levels"),
        ("a: b\x07c", "f.yaml:1", "the control character U+0007 is not allowed in YAML"),
        ('{"a": 1, "a": "\\ud83d\\ude00"}', "f.yaml:1", "duplicate key 'a'"),
        ('{"a": "\\ud83d"}', "f.yaml:1", "half a surrogate pair is no character"),
        ('{"k": "\\ud83d\\ude00", "d": ' + "[" * 160 + "]" * 160 + "}", "f.yaml:1", "nested deeper than 150 levels"),
    ],
)
def test_a_broken_document_names_its_place(text: str, where: str, message: str) -> None:
    with pytest.raises(DocumentError) as caught:
        values(text)
    assert caught.value.where.startswith(where)
    assert message in caught.value.message


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"a: 1\nb: \xe9\n", "f.yaml:2: byte 0xe9 is not UTF-8"),
        (b"\xef\xbb\xbfa: \xe9\n", "f.yaml:1: byte 0xe9 is not UTF-8"),
        ("a: 1".encode("utf-16"), "f.yaml:1: the text is UTF-16 or UTF-32; UTF-8 is expected"),
        ("a: 1".encode("utf-16-le"), "f.yaml:1: the text is UTF-16 or UTF-32; UTF-8 is expected"),
        ("a: 1".encode("utf-32"), "f.yaml:1: the text is UTF-16 or UTF-32; UTF-8 is expected"),
    ],
)
def test_other_encodings_are_refused(data: bytes, message: str) -> None:
    with pytest.raises(DocumentError) as caught:
        values(data)
    assert str(caught.value) == message


def test_an_error_shows_the_line_with_a_caret() -> None:
    with pytest.raises(DocumentError) as caught:
        values("a: 1\na: 2\n")
    assert caught.value.diagnostics() == "f.yaml:2:1: duplicate key 'a', first given on line 1\n  a: 2\n  ^"


def test_documents_before_a_broken_one_come_out() -> None:
    stream = load_documents(b"a: 1\n---\nb: [\n", file="f.yaml")
    assert next(stream).value == {"a": 1}
    with pytest.raises(DocumentError):
        next(stream)


def test_reading_goes_on_after_a_broken_document_when_asked() -> None:
    errors: list[DocumentError] = []
    documents = list(
        load_documents(b"a: 1\n---\nb: [\n---\nc: 3\n---\nd: {\n---\ne: 5", file="f", on_error=errors.append)
    )
    assert [document.value for document in documents] == [{"a": 1}, {"c": 3}, {"e": 5}]
    assert [document.line for document in documents] == [1, 5, 9]
    assert documents[1].positions.at(("c",)) == (5, 1)
    assert [error.where for error in errors] == ["f:4:1", "f:8:1"]


def test_a_stream_of_rubbish_is_given_up() -> None:
    errors: list[DocumentError] = []
    assert list(load_documents(b"a: }\n---\n" * 1000, file="f", on_error=errors.append)) == []
    assert len(errors) == 21
    assert errors[-1].message == "20 broken documents: the rest is not read"


def test_positions_point_at_keys_and_items() -> None:
    text = "# c\na:\n  b: 1\n  c:\n  - x\n  - d: |\n      t\n      u\n\n# c\nf: {g: [1,\n  2]}\n"
    (document,) = load_documents(text.encode(), file="f")
    at, end = document.positions.at, document.positions.end_line
    assert document.line == 2
    assert at(()) == (2, 1)
    assert at(("a",)) == (2, 1)
    assert at(("a", "b")) == (3, 3)
    assert at(("a", "c", 0)) == (5, 5)
    assert at(("a", "c", 1, "d")) == (6, 5)
    assert at(("f", "g", 1)) == (12, 3)
    assert [at(path) for path in [("z",), ("a", 0), ("a", "c", 9), ("a", "c", "d"), ("a", "b", "c")]] == [None] * 5
    assert end(("a", "c", 1)) == 8
    assert end(("a",)) == 8
    assert end(("f", "g")) == 12
    assert end(("a", "b")) == 3
    assert end(()) == 12
    assert end(("z",)) is None


def test_positions_of_merged_and_aliased_parts_point_at_their_origin() -> None:
    (document,) = load_documents(b"d: &d\n  k: {m: 1}\ne:\n  <<: *d\nf: *d\n", file="f")
    assert document.positions.at(("e", "k", "m")) == (2, 7)
    assert document.positions.at(("f", "k")) == (2, 3)
    assert document.positions.at(("f",)) == (5, 1)


def test_json_outside_yaml_has_positions_of_documents() -> None:
    first, second = load_documents(b'{"a": 1}\n\n {"b":\n 2}', file="f")
    assert (first.line, second.line) == (1, 3)
    assert second.positions.at(()) == (3, 2)
    assert second.positions.at(("b",)) is None
    assert second.positions.end_line(()) == 4


def test_an_anchor_bomb_is_refused_at_once() -> None:
    text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    text += "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12))
    with pytest.raises(DocumentError, match="aliases amount to more than 250000"):
        values(text)


def test_aliases_cannot_nest_deeper_than_the_limit() -> None:
    text = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 200))
    with pytest.raises(DocumentError, match="nested deeper than 150 levels by the alias"):
        values(text)


def test_limits_hold() -> None:
    with pytest.raises(DocumentError, match="8 bytes are more than the 4"):
        values("abcdefgh", limits=Limits(max_bytes=4))
    with pytest.raises(DocumentError, match="more than 10 values"):
        values("[" + "1," * 20 + "]", limits=Limits(max_nodes=10))


def test_extreme_nesting_ends_at_once() -> None:
    for opening in ("[", "{a: ", "- ", "? "):
        with pytest.raises(DocumentError):
            values(opening * 200_000)


def test_one_document_is_one_document() -> None:
    assert load_one(b"---\n# c\n---\na: 1\n---\n", "f").value == {"a": 1}
    assert load_one(b"---\n", "f").value is None
    with pytest.raises(DocumentError, match="the file is empty"):
        load_one(b"# nothing\n", "f")
    with pytest.raises(DocumentError, match="f:2:1: one document is expected"):
        load_one(b"a: 1\n--- {b: 1}", "f")


plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(st.characters(codec="utf-8"), max_size=20)
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


@given(st.lists(plain, max_size=5) | st.dictionaries(st.text(max_size=6), plain, max_size=5))
def test_json_comes_back_as_it_was(value: Any) -> None:
    assert values(json.dumps(value)) == [value]


@given(plain)
def test_dumped_yaml_comes_back_as_it_was(value: Any) -> None:
    text = (
        yaml.safe_dump_all([value], explicit_start=True, default_style='"') if _quotable(value) else json.dumps([value])
    )
    expected = [value] if _quotable(value) else [[value]]
    assert values(text) == expected


def _quotable(value: Any) -> bool:
    return isinstance(value, str) and value.isprintable()


@given(st.binary(max_size=200) | st.text("{}[]:-,&*!|>'\"#%@`?\n\t ab<1", max_size=60).map(str.encode))
def test_no_input_crashes(data: bytes) -> None:
    with contextlib.suppress(DocumentError):
        list(load_documents(data, file="f"))


def test_positions_below_a_path_are_listed_to_a_depth() -> None:
    (document,) = load_documents(b"a:\n  b: 1\n  c: [x, {k: v}]\nd: {}\n", file="f")
    below = document.positions.below
    assert sorted(below((), 1)) == [("a", 1, 1), ("d", 4, 1)]
    assert sorted(below(("a",), 2)) == [("b", 2, 3), ("c", 3, 3)]
    assert list(below(("nope",), 2)) == []
    assert below(("a", "c", 1), 9) == [("k", 3, 11)]
    assert ("a.b", 2, 3) in below((), 9)


@pytest.mark.parametrize(
    "text",
    [
        "p: *Zk7q9Wv",
        "p: !Zk7q9Wv",
        "p: !!Zk7q9Wv",
        "p: !<Zk7q9Wv> x",
        "p: !Zk7q9Wv [a]",
        "p: !Zk7q9Wv! x",
        "p: &Zk7q9Wv [*Zk7q9Wv]",
        "{Zk7q9Wv: 1, Zk7q9Wv: 2}",
        '{"Zk7q9Wv": 1, "Zk7q9Wv": "\\ud83d\\ude00"}',
        "p: %Zk7q9Wv",
        "p: @Zk7q9Wv",
        "p: 'Zk7q9Wv",
        "p: |Zk7q9Wv",
        "p: `Zk7q9Wv\n? [Zk7q9Wv]: 1",
    ],
)
def test_no_error_repeats_what_stands_in_the_text(text: str) -> None:
    with pytest.raises(DocumentError) as caught:
        list(load_documents(text.encode(), file="f.yaml"))
    assert "Zk7q9Wv" not in f"{caught.value.message} {caught.value.hint}"
