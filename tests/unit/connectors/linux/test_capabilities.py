"""Capabilities as the kernel keeps them and as getcap writes them."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xspm.connectors.linux.capabilities import NAMES, Capabilities, from_attribute, from_getcap, from_text


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (struct.pack("<IIIII", 0x02000001, 1 << 7, 0, 0, 0), Capabilities(("cap_setuid",))),
        (struct.pack("<IIIII", 0x02000000, 0, 1 << 13, 1 << 7, 0), Capabilities(("cap_bpf",), ("cap_net_raw",))),
        (struct.pack("<IIIIII", 0x03000001, 2, 0, 0, 0, 1000), Capabilities(("cap_dac_override",))),
        (struct.pack("<III", 0x01000001, 1, 0), Capabilities(("cap_chown",))),
        (struct.pack("<IIIII", 0x02000001, 0, 0, 1 << 30, 0), Capabilities(("cap_62",))),
        (struct.pack("<IIIII", 0x02000001, 0, 0, 0, 0), None),
        (b"\x01\x00\x00\x02", None),
        (b"", None),
    ],
)
def test_attribute(data: bytes, expected: Capabilities | None) -> None:
    assert from_attribute(data) == expected


@pytest.mark.parametrize(
    ("text", "permitted", "inheritable"),
    [
        ("cap_net_raw=ep", ["cap_net_raw"], []),
        ("cap_setuid,cap_chown+eip", ["cap_chown", "cap_setuid"], ["cap_chown", "cap_setuid"]),
        ("cap_chown=p cap_kill=i", ["cap_chown"], ["cap_kill"]),
        ("cap_chown,cap_kill=ep cap_kill-p", ["cap_chown"], []),
        ("=ep", sorted(NAMES), []),
        ("all=p", sorted(NAMES), []),
    ],
)
def test_text(text: str, permitted: list[str], inheritable: list[str]) -> None:
    assert from_text(text) == Capabilities(tuple(permitted), tuple(inheritable))


def test_lines_of_getcap() -> None:
    output = "/usr/bin/ping cap_net_raw=ep\n/home/bob/my x = cap_setuid+ep\n/x =ep\nFailed to get\n"
    assert {path: found.permitted for path, found in from_getcap(output).items()} == {
        "/usr/bin/ping": ("cap_net_raw",),
        "/home/bob/my x": ("cap_setuid",),
        "/x": tuple(sorted(NAMES)),
    }


@given(st.binary(max_size=40), st.text(alphabet="cap_setuid=+-eip, \nll/", max_size=60))
def test_no_input_crashes(data: bytes, text: str) -> None:
    from_attribute(data)
    from_text(text)
    from_getcap(text)
