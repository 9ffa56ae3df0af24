"""RFC 8032 by the library, without the keys that anybody can sign for."""

from __future__ import annotations

import pytest

from xspm.errors import LedgerError
from xspm.ledger.ed25519 import Seed, check_public, verify

FIELD = 2**255 - 19
D = -121665 * pow(121666, -1, FIELD) % FIELD

# RFC 8032 section 7.1, tests 1 to 3.
RFC_8032 = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
]


@pytest.mark.parametrize(("seed", "public", "message", "signature"), RFC_8032)
def test_rfc_8032(seed: str, public: str, message: str, signature: str) -> None:
    held = Seed(bytes.fromhex(seed))
    assert held.public.hex() == public
    assert held.sign(bytes.fromhex(message)).hex() == signature
    assert verify(held.public, bytes.fromhex(message), bytes.fromhex(signature))
    assert not verify(held.public, bytes.fromhex(message) + b"x", bytes.fromhex(signature))
    check_public(held.public)


@pytest.mark.parametrize("size", [0, 31, 33])
def test_lengths(size: int) -> None:
    with pytest.raises(LedgerError, match=f"seed of {size} bytes"):
        Seed(bytes(size))
    with pytest.raises(LedgerError, match=f"key of {size} bytes"):
        check_public(bytes(size))
    assert not verify(bytes(size), b"", bytes(64))


def _add(p: tuple[int, int], q: tuple[int, int]) -> tuple[int, int]:
    """The sum of two points on the curve (RFC 8032 section 5.1.4, in affine coordinates)."""
    product = D * p[0] * q[0] * p[1] * q[1] % FIELD
    return (
        (p[0] * q[1] + q[0] * p[1]) * pow(1 + product, -1, FIELD) % FIELD,
        (p[1] * q[1] + p[0] * q[0]) * pow(1 - product, -1, FIELD) % FIELD,
    )


def _points(y: int) -> list[tuple[int, int]]:
    square = (y * y - 1) * pow(D * y * y + 1, -1, FIELD) % FIELD
    x = pow(square, (FIELD + 3) // 8, FIELD)
    if x * x % FIELD != square:
        x = x * pow(2, (FIELD - 1) // 4, FIELD) % FIELD
    assert x * x % FIELD == square, "not on the curve"
    return [(x, y), (-x % FIELD, y)]


ORDER_8 = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
SMALL = sorted({(x, y) for base in (0, 1, FIELD - 1, ORDER_8, FIELD - ORDER_8) for x, y in _points(base)})


def test_the_small_points_are_the_whole_torsion() -> None:
    assert len(SMALL) == 8
    assert {_add(p, q) for p in SMALL for q in SMALL} == set(SMALL)


@pytest.mark.parametrize("sign", [0, 1])
@pytest.mark.parametrize("y", sorted({y for _, y in SMALL} | {FIELD, FIELD + 1, 2**255 - 1}))
def test_keys_of_nobody_are_refused(y: int, sign: int) -> None:
    with pytest.raises(LedgerError, match="anybody could sign"):
        check_public((y | sign << 255).to_bytes(32, "little"))


def test_the_library_alone_would_take_one() -> None:
    """Why `check_public` is needed: nobody holds this key, and everything is signed by it."""
    nobody = (1).to_bytes(32, "little")
    assert verify(nobody, b"anything at all", nobody + bytes(32))
