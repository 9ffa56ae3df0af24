"""The first contract.yaml holds, whoever is in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from parties import public
from xspm.app.contract_init import init
from xspm.contract.document import read_document
from xspm.contract.separation import overlaps

if TYPE_CHECKING:
    from pathlib import Path


def made(folder: Path, *members: str) -> Path:
    """Members as `party:name`; each brings the key of their name, a second time another."""
    given, count = [], dict[str, int]()
    for member in members:
        count[member] = count.get(member, 0) + 1
        file = folder / f"{member.replace(':', '-')}{count[member]}.pub"
        file.write_text(public(f"{member}{count[member]}").pem())
        given.append(f"{member}={file}")
    return init(folder / "contract", "acme", given, "2026-06-01")[0]


@pytest.mark.parametrize(
    ("members", "rules"),
    [
        (
            ("platform:dave", "security:alice", "security:bob", "audit:frank"),
            {"accept_contract": {"security": 2, "platform": 1}, "publish_policy": {"security": 2}},
        ),
        (
            ("security:alice", "platform:dave"),
            {"accept_contract": {"security": 1, "platform": 1}, "publish_policy": {"security": 1}},
        ),
        (
            ("red:alice", "blue:bob", "blue:carol", "blue:dan"),
            {"accept_contract": {"blue": 2, "red": 1}, "publish_policy": {"blue": 2}},
        ),
        # What YAML would not take for text.
        (
            ("yes:no", "null:1", "null:0x7", "null:1e3", "null:2027-01-01", "null:a@b.c"),
            {"accept_contract": {"null": 2, "yes": 1}, "publish_policy": {"null": 2}},
        ),
    ],
)  # fmt: skip
def test_what_it_writes_can_be_proposed(
    members: tuple[str, ...], rules: dict[str, dict[str, int]], tmp_path: Path
) -> None:
    terms = read_document(made(tmp_path, *members)).terms
    assert {f"{party}:{name}" for name, party in terms.people().items()} == set(members)
    assert {action: rule for action, rule in terms.rules.items() if action in rules} == rules
    assert terms.expires == "2027-06-01"


def test_somebody_with_two_keys(tmp_path: Path) -> None:
    path = made(tmp_path, "platform:dave", "security:alice", "security:alice", "security:bob")
    alice = read_document(path).terms.parties["security"].members["alice"]
    assert alice.keys == (public("security:alice1"), public("security:alice2"))
    assert sorted(one.name for one in (path.parent / "keys").iterdir()) == [
        "alice-2.pub", "alice.pub", "bob.pub", "dave.pub",
    ]  # fmt: skip


def test_it_keeps_powers_apart(tmp_path: Path) -> None:
    people = ("platform:dave", "platform:erin", "security:alice", "security:bob", "security:carol", "audit:frank")
    assert [one.kind for one in overlaps(read_document(made(tmp_path, *people)).terms)] == ["no-ledger"]
