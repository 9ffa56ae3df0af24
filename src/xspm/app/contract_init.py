"""The first contract.yaml: a commented text with people in it, who may bring their keys along."""

from __future__ import annotations

import datetime
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from xspm.contract import folder as layout
from xspm.contract.keys import MAX_KEY_TEXT, PublicKey, read_public_key
from xspm.contract.secretfile import read_small
from xspm.contract.terms import check_name
from xspm.errors import ContractError, UsageError
from xspm.syntax.scalars import resolve

if TYPE_CHECKING:
    from collections.abc import Sequence

_TEMPLATE: Final = Path(__file__).parent.parent / "contract" / "template.yaml"
_EXAMPLE: Final = {"platform": ("dave", "erin"), "security": ("alice", "bob"), "audit": ("frank",)}
_PLATFORM: Final = "platform"
_SECURITY: Final = "security"


class _Person(msgspec.Struct):
    name: str
    files: list[str]
    """Of their keys, relative to the contract's folder."""
    keys: list[PublicKey]


def init(folder: Path, name: str, members: Sequence[str], today: str) -> tuple[Path, ...]:
    """Write a contract.yaml, and the public keys of those who are named.

    Args:
        folder: the contract's folder to be.
        name: the contract's name.
        members: people, each as `PARTY:NAME=FILE` with the file of a public key; none writes example names.
        today: as 2026-06-01.

    Returns:
        The files, contract.yaml first.

    Raises:
        ContractError: there is a contract.yaml, a key cannot be read, or a file cannot be written.
        UsageError: a member is not written so, or there are fewer than two parties.
    """
    check_name(name, "the contract")
    path = folder / layout.TEXT
    if os.path.lexists(path) or layout.envelope_paths(folder, "versions"):
        raise ContractError("there is a contract here already", file=str(path), hint="edit it: xspm contract propose")
    parties = _parties(members) if members else _examples()
    if len(parties) < 2:
        raise UsageError("a contract is between at least two parties", hint="--member PARTY:NAME=FILE for each person")
    text = _fill(name, parties, datetime.date.fromisoformat(today))
    files = {folder / file: key.pem() for people in parties.values() for one in people for file, key in _files(one)}
    for file, pem in files.items():
        layout.write(file, pem.encode())
    layout.write(path, text.encode())
    return (path, *files)


def _files(person: _Person) -> list[tuple[str, PublicKey]]:
    return list(zip(person.files, person.keys, strict=False))


def _examples() -> dict[str, list[_Person]]:
    return {party: [_Person(name, [f"keys/{name}.pub"], []) for name in names] for party, names in _EXAMPLE.items()}


def _parties(members: Sequence[str]) -> dict[str, list[_Person]]:
    parties: dict[str, list[_Person]] = {}
    for text in members:
        party, colon, rest = text.partition(":")
        name, equals, file = rest.partition("=")
        if not (colon and equals and file):
            raise UsageError(f"{text!r} names no member", hint="--member security:alice=alice.key.pub")
        check_name(party, "the party")
        check_name(name, "the member")
        key = _read(file)
        people = parties.setdefault(party, [])
        person = next((one for one in people if one.name == name), None)
        if person is None:
            person = _Person(name, [], [])
            people.append(person)
        count = f"-{len(person.keys) + 1}" if person.keys else ""
        person.files.append(f"keys/{name}{count}.pub")
        person.keys.append(key)
    return parties


def _read(file: str) -> PublicKey:
    try:
        return read_public_key(read_small(file, MAX_KEY_TEXT).data.decode())
    except UnicodeDecodeError as error:
        raise ContractError("this is no public key", file=file) from error
    except ContractError as error:
        raise ContractError(error.message, file=error.file or file, hint=error.hint) from error


def _fill(name: str, parties: dict[str, list[_Person]], today: datetime.date) -> str:
    """Write the names, and rules that they can meet, into the template."""
    running = _PLATFORM if _PLATFORM in parties else next(iter(parties))
    judging = _SECURITY if _SECURITY in parties else next(party for party in parties if party != running)
    witness = next((party for party in parties if party not in {running, judging}), running)
    count = min(2, len(parties[judging]))
    two, one = _quoted(judging), _quoted(running)
    said = {
        "NAME": _quoted(name),
        "EXPIRES": (today + datetime.timedelta(days=365)).isoformat(),
        "TODAY": today.isoformat(),
        "SOON": (today + datetime.timedelta(days=30)).isoformat(),
        "PARTIES": "".join(f"  {_quoted(party)}:\n{''.join(map(_line, people))}" for party, people in parties.items()),
        "ACCEPT": f"{{{two}: {count}, {one}: 1}}",
        "PUBLISH": f"{{{two}: {count}}}",
        "EXCEPT": f"{{{two}: 1}}",
        "OWNER": _quoted(parties[running][0].name),
        "OPERATOR": two,
        "WITNESS": _quoted(witness),
    }
    text = _TEMPLATE.read_text(encoding="utf-8")
    for mark, value in said.items():
        text = text.replace(f"@{mark}@", value)
    return text


def _line(person: _Person) -> str:
    files = [f"{{file: {_quoted(file)}}}" for file in person.files]
    return f"    {_quoted(person.name)}: {files[0] if len(files) == 1 else '[' + ', '.join(files) + ']'}\n"


def _quoted(text: str) -> str:
    """A name as YAML takes it for text: `yes` and `007` are none."""
    return text if resolve(text) == text else f'"{text}"'
