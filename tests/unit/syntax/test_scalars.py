from __future__ import annotations

from typing import Any

import pytest

from xspm.syntax.scalars import resolve


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", None),
        ("~", None),
        ("null", None),
        ("nUll", "nUll"),
        ("true", True),
        ("True", True),
        ("yes", True),
        ("on", True),
        ("Y", True),
        ("no", False),
        ("OFF", False),
        ("n", False),
        ("tRUE", "tRUE"),
        ("0", 0),
        ("-12", -12),
        ("+12", 12),
        ("1_000", 1000),
        ("0400", 0o400),
        ("0o17", 15),
        ("0x1F", 31),
        ("-0x1F", -31),
        ("0b101", 5),
        ("08", 8.0),
        ("1.5", 1.5),
        (".5", 0.5),
        ("5.", 5.0),
        ("1e3", 1000.0),
        ("1.2.3", "1.2.3"),
        ("100m", "100m"),
        ("12:30:45", "12:30:45"),
        ("2026-01-31", "2026-01-31"),
        ("-", "-"),
        ("...x", "...x"),
        (".", "."),
        ("+x", "+x"),
        ("9007199254740991", 2**53 - 1),
        ("-9007199254740991", -(2**53) + 1),
        ("text", "text"),
        (" 1", " 1"),
        ("1\n", "1\n"),
    ],
)
def test_plain_scalars_mean_what_kubernetes_reads(text: str, expected: Any) -> None:
    value = resolve(text)
    assert value == expected
    assert type(value) is type(expected)


@pytest.mark.parametrize(
    "text",
    [
        "9007199254740992",
        "-9007199254740992",
        "1e999",
        "-1e999",
        ".nan",
        ".NaN",
        ".inf",
        "-.Inf",
        "+.INF",
        "9" * 5000,
        "0x" + "f" * 500,
    ],
)
def test_numbers_that_json_does_not_carry_are_unknown(text: str) -> None:
    value = resolve(text)
    assert value["cause"] == "format"
    assert "outside what JSON carries exactly" in value["$unknown"]
    assert len(value["$unknown"]) < 120
