"""contract.yaml, what people write: read into `Terms`, with every mistake at its place and all of them at once.

A person's keys stand in the text, as an OpenSSH line or a PEM block, or in a file beside it (`file: keys/alice.pub`).
What a version is called and follows is not written: it comes from the chain. Nor is the digest of the policies: the
text may name a bundle's file, and whoever proposes a version reads it. Reading has two steps. First each part by its
shape; then, when all are sound, each part by what `check_terms` asks of it, alone, so that its complaint has a place.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec

from xspm.contract.keys import MAX_KEY_TEXT, KeyId, PublicKey, read_public_key
from xspm.contract.secretfile import read_small
from xspm.contract.terms import (
    ACTIONS,
    Critical,
    Degraded,
    ExceptionTerms,
    LedgerTerms,
    Member,
    Owned,
    Party,
    Rule,
    Scanner,
    Terms,
    check_date,
    check_name,
    check_terms,
)
from xspm.errors import ContractError, together
from xspm.syntax.fields import Fields, Mistakes
from xspm.syntax.yaml import Limits, load_one

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

_Made = TypeVar("_Made")

MAX_TEXT: Final = 1 << 20
"""Bytes; a contract of a hundred people has some thirty thousand."""
_LIMITS: Final = Limits(max_bytes=MAX_TEXT, max_depth=20, max_nodes=50_000, max_alias_nodes=5_000)
_LONGEST_SHOWN: Final = 2_000

_KEY_FORMS: Final = "a key is `file: keys/alice.pub`, an OpenSSH line or a PEM block; several keys are a list"


class Draft(msgspec.Struct, frozen=True):
    """What a contract.yaml says."""

    terms: Terms
    """As a first version without policies: version, predecessor and policies come from elsewhere."""
    bundle: str | None = None
    """Path of the policy bundle that the text names, relative to it."""


def read_document(path: Path) -> Draft:
    """Read a contract.yaml and the key files that it names.

    Raises:
        ContractError, DocumentError: it cannot be read or does not hold; the first mistake, with the others in it.
    """
    data = read_small(str(path), MAX_TEXT).data
    try:
        return _Reader(Fields(load_one(data, str(path), _LIMITS), kind=ContractError), path.parent).draft()
    except ContractError as error:
        _show_lines(error, data)
        raise


def _show_lines(error: ContractError, data: bytes) -> None:
    """Give each mistake the line that it points at."""
    lines = data.decode("utf-8-sig", "replace").splitlines()
    for one in (error, *error.others):
        if one.line is not None and one.column is not None and one.line <= len(lines):
            line = lines[one.line - 1]
            one.source = line if len(line) <= _LONGEST_SHOWN else None


class _Reader:
    """One text while it is read."""

    def __init__(self, fields: Fields, folder: Path) -> None:
        self._fields = fields
        self._folder = folder
        self._seats: dict[str, str] = {}
        self._held: dict[KeyId, str] = {}

    def draft(self) -> Draft:
        """Read all of it.

        Raises:
            ContractError: it does not hold.
        """
        fields, mistakes = self._fields, Mistakes()
        read: dict[str, Any] = {
            "name": mistakes.attempt(self._name),
            "expires": mistakes.attempt(_date, fields, "expires"),
            "parties": mistakes.attempt(self._named, "parties", self._party, needed=True),
            "rules": mistakes.attempt(self._rules),
            "scanners": mistakes.attempt(self._named, "scanners", self._scanner),
            "exceptions": mistakes.attempt(self._part, "exceptions", _exceptions) or ExceptionTerms(),
            "critical": tuple(mistakes.attempt(fields.each, "critical", self._critical) or ()),
            "owners": tuple(mistakes.attempt(fields.each, "owners", _owned) or ()),
            "ledger": mistakes.attempt(self._part, "ledger", self._ledger),
            "degraded": mistakes.attempt(self._part, "degraded", _degraded),
        }
        bundle = mistakes.attempt(self._part, "policies", _bundle)
        mistakes.attempt(fields.done)
        mistakes.found = fields.independent(mistakes.found)
        mistakes.refuse()
        terms = Terms(version=1, predecessor=None, **read)
        self._check(terms)
        return Draft(terms, bundle)

    def _name(self) -> str:
        name: str = self._fields.text("name")
        _at(self._fields, ("name",), check_name, name, "the contract")
        return name

    def _part(self, key: str, read: Callable[[Fields], _Made]) -> _Made | None:
        """A mapping that may be absent."""
        return None if self._fields.get(key) is None else read(self._fields.child(key))

    def _named(self, key: str, read: Callable[[Fields, str], _Made], *, needed: bool = False) -> dict[str, _Made]:
        """What a mapping says by name."""
        mistakes, made = Mistakes(), dict[str, Any]()
        if self._fields.get(key) is not None:
            below = self._fields.child(key)
            for name in below.keys():  # noqa: SIM118 - `keys` of Fields also counts them as asked for
                made[name] = mistakes.attempt(read, below, name)
        elif needed:
            self._fields.fail(f"`{key}` is missing")
        mistakes.refuse()
        return made

    def _party(self, parties: Fields, name: str) -> Party:
        _at(parties, (name,), check_name, name, "the party")
        if name not in parties:
            parties.fail(f"the party {name} has no members", name)
        below, mistakes = parties.child(name), Mistakes()
        members: dict[str, Any] = {}
        for member in below.keys():  # noqa: SIM118
            mistakes.attempt(self._seat, below, member, "the member", f"the party {name}")
            members[member] = mistakes.attempt(self._member, below, member)
        mistakes.refuse()
        return Party(members)

    def _member(self, party: Fields, name: str) -> Member:
        """A person: their keys, or a mapping of `keys` and `accounts`."""
        value = party.get(name)
        if not isinstance(value, dict) or not {"keys", "accounts"} & set(value):
            return Member(self._keys(party, name, name))
        below, mistakes = party.child(name), Mistakes()
        keys = mistakes.attempt(self._keys, below, "keys", name)
        accounts = mistakes.attempt(self._accounts, below)
        return _whole(below, mistakes, Member, {"keys": keys, "accounts": accounts})

    def _accounts(self, person: Fields) -> dict[str, str]:
        if not person.mapping("accounts"):
            return {}
        below, mistakes = person.child("accounts"), Mistakes()
        found = {forge: mistakes.attempt(below.text, forge) for forge in below.keys()}  # noqa: SIM118
        mistakes.refuse()
        return {forge: account for forge, account in found.items() if account is not None}

    def _scanner(self, scanners: Fields, name: str) -> Scanner:
        mistakes = Mistakes()
        mistakes.attempt(self._seat, scanners, name, "the scanner", "the scanners")
        below = Fields(scanners.document, (*scanners.path, name), ContractError)
        read: dict[str, Any] = {
            "keys": mistakes.attempt(self._keys, below, "keys", name),
            "assets": mistakes.attempt(below.texts, "assets"),
            "operator": mistakes.attempt(self._operator, below),
        }
        mistakes.attempt(below.done)
        mistakes.found = below.independent(mistakes.found)
        mistakes.refuse()
        return Scanner(**read)

    def _seat(self, fields: Fields, name: str, what: str, where: str) -> None:
        """A name is one holder's, on one side."""
        _at(fields, (name,), check_name, name, what)
        same = name.casefold()
        if same in self._seats:
            fields.fail(f"{name} sits in {self._seats[same]} and in {where}: nobody sits on two sides", name)
        self._seats[same] = where

    def _operator(self, fields: Fields, key: str = "operator") -> str:
        """The party that runs something."""
        party: str = fields.text(key)
        self._known_party(fields, party, key)
        return party

    def _known_party(self, fields: Fields, party: str, *path: str) -> None:
        parties = self._fields.get("parties")
        if isinstance(parties, dict) and party not in parties:
            fields.fail(f"{party!r} is no party", *path, hint=f"parties are {', '.join(map(str, parties))}")

    def _keys(self, fields: Fields, key: str, holder: str) -> tuple[PublicKey, ...]:
        """One key or a list of them."""
        value, mistakes = fields.get(key), Mistakes()
        if value is None or value == []:
            fields.fail(f"{holder} has no key", key, hint=_KEY_FORMS)
        several = value if isinstance(value, list) else [value]
        found = [
            mistakes.attempt(self._key, fields, (key, index) if isinstance(value, list) else (key,), one, holder)
            for index, one in enumerate(several)
        ]
        mistakes.refuse()
        return tuple(one for one in found if one)

    def _key(self, fields: Fields, path: tuple[str | int, ...], value: Any, holder: str) -> PublicKey:
        """A key, which nobody else holds."""
        if isinstance(value, dict) and set(value) == {"file"} and isinstance(value["file"], str):
            text = _at(fields, (*path, "file"), self._key_file, value["file"])
        elif isinstance(value, str) and value.strip():
            text = value
        else:
            fields.fail(f"{holder}: this is no key", *path, hint=_KEY_FORMS)
        key = _at(fields, path, read_public_key, text)
        if key.id in self._held:
            fields.fail(
                f"{self._held[key.id]} and {holder} hold the same key, {key.id}"
                if self._held[key.id] != holder
                else f"{holder} holds the key {key.id} twice",
                *path,
                hint="the same key written in another form is the same key",
            )
        self._held[key.id] = holder
        return key

    def _key_file(self, name: str) -> str:
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts:
            raise ContractError(f"{name}: key files are kept beside contract.yaml", hint="copy it to keys/")
        try:
            return read_small(str(self._folder / name), MAX_KEY_TEXT).data.decode()
        except ContractError as error:
            raise ContractError(f"{name}: {error.message}", hint=error.hint) from error
        except UnicodeDecodeError as error:
            raise ContractError(f"{name}: this is no public key") from error

    def _rules(self) -> dict[str, Rule]:
        """The signatures that each action needs."""
        if self._fields.get("rules") is None:
            self._fields.fail("`rules` is missing")
        below, mistakes = self._fields.child("rules"), Mistakes()
        rules = {
            action: mistakes.attempt(self._rule, below, action) for action in ACTIONS if below.get(action) is not None
        }
        mistakes.attempt(below.done)
        mistakes.refuse()
        return {action: rule for action, rule in rules.items() if rule is not None}

    def _rule(self, fields: Fields, key: str) -> Rule:
        """How many people of each party."""
        mistakes, rule = Mistakes(), fields.mapping(key)
        if not rule:
            fields.fail(
                f"`{key}`: a rule needs at least one signature", key, hint="written as {security: 2, platform: 1}"
            )
        below = fields.child(key)
        for party in rule:
            mistakes.attempt(self._known_party, below, party, party)
            mistakes.attempt(_number, below, party)
        mistakes.refuse()
        return rule

    def _critical(self, entry: Fields) -> Critical:
        mistakes = Mistakes()
        read: dict[str, Any] = {
            "assets": mistakes.attempt(entry.texts, "assets"),
            "review": mistakes.attempt(self._rule, entry, "review"),
            "max_days": mistakes.attempt(_number, entry, "max_days", 14),
        }
        return _whole(entry, mistakes, Critical, read)

    def _ledger(self, entry: Fields) -> LedgerTerms:
        mistakes, witnesses = Mistakes(), dict[str, Any]()
        if entry.get("witnesses") is not None and (below := mistakes.attempt(entry.child, "witnesses")):
            for party in below.keys():  # noqa: SIM118
                mistakes.attempt(self._known_party, below, party, party)
                witnesses[party] = mistakes.attempt(below.text, party)
        read: dict[str, Any] = {
            "origin": mistakes.attempt(entry.text, "origin"),
            "key": mistakes.attempt(entry.text, "key"),
            "operator": mistakes.attempt(self._operator, entry),
            "witnesses": witnesses,
            "quorum": mistakes.attempt(_number, entry, "quorum", 1),
            "heartbeat_hours": mistakes.attempt(_number, entry, "heartbeat_hours", 24),
        }
        return _whole(entry, mistakes, LedgerTerms, read)

    def _check(self, terms: Terms) -> None:
        """Hold each part against the invariants by itself, then all together.

        Raises:
            ContractError: one does not hold.
        """
        one = {next(iter(terms.parties), ""): 1}
        sound = {"accept_contract": one, "publish_policy": one}
        # The degraded mode keeps a part from being blamed for rules that it was not given.
        bare = msgspec.structs.replace(
            terms,
            rules=sound,
            scanners={},
            exceptions=ExceptionTerms(),
            critical=(),
            owners=(),
            ledger=None,
            degraded=Degraded("each part alone", "2000-01-01", "2000-01-01"),
        )
        parts: list[tuple[tuple[str | int, ...], Mapping[str, Any]]] = [
            *((("rules", action), {"rules": {**sound, action: rule}}) for action, rule in terms.rules.items()),
            *((("scanners", name), {"scanners": {name: scanner}}) for name, scanner in terms.scanners.items()),
            (("exceptions",), {"exceptions": terms.exceptions}),
            *((("critical", index), {"critical": (entry,)}) for index, entry in enumerate(terms.critical)),
            *((("owners", index), {"owners": (entry,)}) for index, entry in enumerate(terms.owners)),
            (("ledger",), {"ledger": terms.ledger}),
            *([(("degraded",), {"degraded": terms.degraded})] if terms.degraded else []),
        ]
        # The people come with every part: what is wrong with them is said once.
        _at(self._fields, ("parties",), check_terms, bare)
        mistakes = Mistakes()
        for path, part in parts:
            mistakes.attempt(_at, self._fields, path, check_terms, msgspec.structs.replace(bare, **part))
        mistakes.refuse()
        _at(self._fields, ("rules",), check_terms, terms)


def _at(fields: Fields, path: tuple[str | int, ...], action: Callable[..., _Made], *given: Any) -> _Made:
    """Do something whose complaint knows no place, and give it one."""
    try:
        return action(*given)
    except ContractError as error:
        raise together([fields.mistake(one.message, *path, hint=one.hint) for one in (error, *error.others)]) from error


def _whole(entry: Fields, mistakes: Mistakes, kind: Callable[..., _Made], read: Mapping[str, Any]) -> _Made:
    """What was read of a mapping, if all of it was."""
    mistakes.attempt(entry.done)
    mistakes.found = entry.independent(mistakes.found)
    mistakes.refuse()
    return kind(**read)


def _number(fields: Fields, key: str, default: int | None = None) -> int:
    value = fields.get(key)
    if value is None and default is not None:
        return default
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        fields.fail(f"`{key}` must be a whole number", key)
    return value


def _flag(fields: Fields, key: str) -> bool:
    value = fields.get(key)
    if value is not None and not isinstance(value, bool):
        fields.fail(f"`{key}` must be true or false", key)
    return bool(value)


def _date(fields: Fields, key: str) -> str:
    text: str = fields.text(key)
    _at(fields, (key,), check_date, text, key)
    return text


def _exceptions(entry: Fields) -> ExceptionTerms:
    mistakes = Mistakes()
    read: dict[str, Any] = {
        "max_days": mistakes.attempt(_number, entry, "max_days", 90),
        "wildcards": mistakes.attempt(_flag, entry, "wildcards"),
    }
    return _whole(entry, mistakes, ExceptionTerms, read)


def _owned(entry: Fields) -> Owned:
    mistakes = Mistakes()
    read: dict[str, Any] = {key: mistakes.attempt(entry.texts, key) for key in ("assets", "people")}
    return _whole(entry, mistakes, Owned, read)


def _degraded(entry: Fields) -> Degraded:
    mistakes = Mistakes()
    read: dict[str, Any] = {
        "reason": mistakes.attempt(entry.text, "reason"),
        "until": mistakes.attempt(_date, entry, "until"),
        "since": mistakes.attempt(_date, entry, "since"),
    }
    return _whole(entry, mistakes, Degraded, read)


def _bundle(entry: Fields) -> str:
    path: str = entry.text("bundle")
    entry.done()
    return path
