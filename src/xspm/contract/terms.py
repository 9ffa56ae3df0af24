"""What one version of a contract says: parties, their people and keys, rules, policies in force, critical assets.

`Terms` is the normal form that is signed. Its invariants hold for every `Terms` that `check_terms` accepted, whether it
came from a person's file or from a signed envelope: a person sits in one party, a key belongs to one holder, every rule
can be met, and no rule lets one person alone change the contract unless the contract says so openly (`degraded`).
"""

from __future__ import annotations

import base64
import datetime
import re
import unicodedata
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, get_args

import msgspec

from xspm.contract.keys import KeyId, PublicKey, check_key
from xspm.errors import ContractError
from xspm.model.digest import Digest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Action: TypeAlias = Literal[
    "accept_contract", "publish_policy", "weaken_policy", "approve_exception", "approve_change", "declare_degraded"
]
ACTIONS: Final[tuple[Action, ...]] = get_args(Action)

ACTION_TITLES: Final[dict[Action, str]] = {
    "accept_contract": "change this contract: parties, people, keys, rules",
    "publish_policy": "bring checks and policies into force, if no weaker",
    "weaken_policy": "bring a weaker check or policy into force",
    "approve_exception": "approve an exception",
    "approve_change": "approve a change to a critical asset",
    "declare_degraded": "declare the degraded mode",
}

MAX_DEGRADED_DAYS: Final = 90
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,127}")
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")

Rule: TypeAlias = dict[str, int]
"""By party: how many of its people must sign."""


class Member(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A person, with the keys that they alone hold."""

    keys: tuple[PublicKey, ...]
    accounts: dict[str, str] = {}
    """Who they are elsewhere, by the name of a forge, or `email`: `{"github": "octocat"}`."""


class Party(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A side of the contract."""

    members: dict[str, Member]
    """By name, which is also how people know each other: an e-mail address, an account."""


class Scanner(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A machine that collects evidence and signs it."""

    keys: tuple[PublicKey, ...]
    assets: tuple[str, ...]
    """Patterns of the asset ids that it may sign for."""
    operator: str
    """The party that runs it."""


class Bundle(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The policies in force."""

    version: int
    digest: Digest


class ExceptionTerms(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an exception may be at most."""

    max_days: int = 90
    wildcards: bool = False
    """Whether one exception may cover resources by a pattern."""


class Critical(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Assets whose changes need review."""

    assets: tuple[str, ...]
    review: Rule
    max_days: int = 14
    """How long an approval may be good for."""


class Owned(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who answers for some assets, and so never approves exceptions or changes to them."""

    assets: tuple[str, ...]
    people: tuple[str, ...]


class LedgerTerms(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The log that everything signed is written to, and who watches it."""

    origin: str
    key: str
    """The log's verifier key, as C2SP signed-note writes it."""
    operator: str
    """The party that runs the log."""
    witnesses: dict[str, str] = {}
    """By party: the verifier key of the witness that it runs."""
    quorum: int = 1
    heartbeat_hours: int = 24
    """The longest silence that is not a finding."""


class Degraded(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The open admission that the parties cannot be kept apart for now."""

    reason: str
    until: str
    """The last day, as 2027-01-31."""
    since: str
    """The first day. From it no more than `MAX_DEGRADED_DAYS` may pass until the last."""

    def holds(self, now: str) -> bool:
        """Whether it is so at a time (RFC 3339, UTC)."""
        return self.since <= now[:10] <= self.until


class Terms(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One version of a contract."""

    name: str
    version: int
    """1, and one more with every version."""
    predecessor: Digest | None
    """Digest of the version before this one; null for the first."""
    expires: str
    """The last day on which this version holds, as 2027-01-31."""
    parties: dict[str, Party]
    rules: dict[Action, Rule]
    scanners: dict[str, Scanner] = {}
    policies: Bundle | None = None
    exceptions: ExceptionTerms = ExceptionTerms()
    critical: tuple[Critical, ...] = ()
    owners: tuple[Owned, ...] = ()
    ledger: LedgerTerms | None = None
    degraded: Degraded | None = None

    def people(self) -> dict[str, str]:
        """The party of every person, by the person's name."""
        return {name: party for party, one in self.parties.items() for name in one.members}

    def holders(self) -> dict[KeyId, str]:
        """The person or scanner that holds a key."""
        return {key.id: holder for holder, key in self._held()}

    def member_keys(self) -> dict[KeyId, PublicKey]:
        """Every key of a person."""
        people = self.people()
        return {key.id: key for holder, key in self._held() if holder in people}

    def _held(self) -> Iterator[tuple[str, PublicKey]]:
        for party in self.parties.values():
            for name, member in party.members.items():
                yield from ((name, key) for key in member.keys)
        for name, scanner in self.scanners.items():
            yield from ((name, key) for key in scanner.keys)

    def rule(self, action: Action) -> Rule:
        """The signatures that an action needs; `weaken_policy` needs at least those of a policy and of the contract."""
        if action in self.rules:
            return self.rules[action]
        if action == "weaken_policy":
            return stricter(self.rule("publish_policy"), self.rule("accept_contract"))
        if action == "approve_exception":
            return self.rule("publish_policy")
        return self.rules["accept_contract"]

    def owners_of(self, asset: str) -> tuple[str, ...]:
        """The people who answer for an asset."""
        return tuple(sorted({name for one in self.owners if _named(asset, one.assets) for name in one.people}))

    def review(self, asset: str) -> Critical | None:
        """The review that changes to an asset need: of several entries that name it, all their signatures."""
        found = [one for one in self.critical if _named(asset, one.assets)]
        if not found:
            return None
        rule: Rule = {}
        for one in found:
            rule = stricter(rule, one.review)
        return Critical(assets=(asset,), review=rule, max_days=min(one.max_days for one in found))


def _named(asset: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(asset, pattern) for pattern in patterns)


def stricter(first: Rule, second: Rule) -> Rule:
    """The least rule that meets both."""
    return {party: max(first.get(party, 0), second.get(party, 0)) for party in sorted({*first, *second})}


def check_terms(terms: Terms) -> None:
    """Check the invariants of a contract.

    Raises:
        ContractError: with the first that does not hold, naming who and what.
    """
    _check_names(terms)
    _check_holders(terms)
    for action, rule in terms.rules.items():
        _check_rule(terms, rule, f"rules.{action}")
    if "accept_contract" not in terms.rules or "publish_policy" not in terms.rules:
        raise ContractError("`rules` must say who accepts the contract (accept_contract) and policies (publish_policy)")
    for entry in terms.critical:
        _check_rule(terms, entry.review, f"critical, {', '.join(entry.assets)}")
        _check_patterns(entry.assets, "critical")
        _check_days(entry.max_days, 1, 366, "critical: max_days")
    for owned in terms.owners:
        _check_patterns(owned.assets, "owners")
        strangers = set(owned.people) - set(terms.people())
        if strangers or not owned.people:
            raise ContractError(f"owners, {', '.join(owned.assets)}: {min(strangers, default='nobody')} is no member")
    _check_days(terms.exceptions.max_days, 1, 366, "exceptions.max_days")
    if terms.policies is not None:
        _check_bundle(terms.policies)
    if terms.ledger is not None:
        _check_ledger(terms, terms.ledger)
    _check_separation(terms)


def _check_names(terms: Terms) -> None:
    for what, name in (
        ("the contract", terms.name),
        *(("the party", name) for name in terms.parties),
        *(("the member", name) for name in terms.people()),
        *(("the scanner", name) for name in terms.scanners),
    ):
        check_name(name, what)
    if terms.version < 1:
        raise ContractError(f"version {terms.version}: versions count from 1")
    if (terms.version == 1) != (terms.predecessor is None):
        raise ContractError("the first version has no predecessor, and every other has one")
    if terms.predecessor is not None and not _DIGEST.fullmatch(terms.predecessor):
        raise ContractError(f"predecessor: {terms.predecessor!r} is no digest")
    check_date(terms.expires, "expires")


def check_name(name: str, what: str) -> None:
    """Check a name; it is ASCII, so that no letter of another script looks like one of its own.

    Raises:
        ContractError: it is none.
    """
    if not _NAME.fullmatch(name):
        raise ContractError(f"{what} {name!r}: a name is letters, digits and . _ @ + -")


def check_date(text: str, what: str) -> datetime.date:
    """Read a date written as 2027-01-31.

    Raises:
        ContractError: it is not one.
    """
    try:
        if _DATE.fullmatch(text):
            return datetime.date.fromisoformat(text)
    except ValueError:
        pass
    raise ContractError(f"{what}: {text!r} is not a date", hint="write it as 2027-01-31")


def read_time(text: str, file: str | None) -> datetime.datetime:
    """Read a time in the one form of RFC 3339 that is taken: UTC and whole seconds, so that texts sort as times do.

    Raises:
        ContractError: it is none.
    """
    try:
        if _TIME.fullmatch(text):
            return datetime.datetime.fromisoformat(text)
    except ValueError:
        pass
    raise ContractError(f"{text[:80]!r} is no time", file=file, hint="written as 2027-01-31T12:00:00Z")


def _check_holders(terms: Terms) -> None:
    """A person sits in one party; a key belongs to one holder."""
    if len(terms.parties) < 2:
        raise ContractError("a contract is between at least two parties")
    seats: dict[str, str] = {}
    for party, one in terms.parties.items():
        if not one.members:
            raise ContractError(f"the party {party} has no members")
        for name in one.members:
            _seat(seats, name, f"the party {party}")
    for name, scanner in terms.scanners.items():
        _seat(seats, name, "the scanners")
        if scanner.operator not in terms.parties:
            raise ContractError(f"the scanner {name}: its operator {scanner.operator!r} is no party")
        _check_patterns(scanner.assets, f"the scanner {name}")
    held: dict[KeyId, str] = {}
    for holder, key in terms._held():  # noqa: SLF001 - of this very module
        check_key(key)
        if key.id in held:
            raise ContractError(
                f"{held[key.id]} and {holder} hold the same key, {key.id}"
                if held[key.id] != holder
                else f"{holder} holds the key {key.id} twice"
            )
        held[key.id] = holder
    _check_accounts(terms)
    keyless = (set(terms.people()) | set(terms.scanners)) - set(held.values())
    if keyless:
        raise ContractError(f"{min(keyless)} has no key")


def _check_accounts(terms: Terms) -> None:
    """An account is one person's, and a machine's account is nobody's."""
    holders: dict[tuple[str, str], str] = {}
    for party in terms.parties.values():
        for name, member in party.members.items():
            for forge, account in member.accounts.items():
                check_name(forge, f"{name}: the forge")
                check_name(account, f"{name}: the account on {forge}")
                same = (forge.casefold(), account.casefold())
                if same in holders:
                    raise ContractError(f"{holders[same]} and {name} have the same account on {forge}, {account}")
                holders[same] = name


def _seat(seats: dict[str, str], name: str, where: str) -> None:
    same = unicodedata.normalize("NFKC", name).casefold()
    if same in seats:
        raise ContractError(f"{name} sits in {seats[same]} and in {where}: nobody sits on two sides")
    seats[same] = where


def _check_rule(terms: Terms, rule: Mapping[str, int], where: str) -> None:
    if not rule or not any(rule.values()):
        raise ContractError(f"{where}: a rule needs at least one signature")
    for party, count in rule.items():
        if party not in terms.parties:
            raise ContractError(f"{where}: {party!r} is no party", hint=f"parties are {', '.join(terms.parties)}")
        if count < 0:
            raise ContractError(f"{where}: {count} signatures of {party}")
        if count > len(terms.parties[party].members):
            raise ContractError(
                f"{where}: {count} signatures of {party}, which has {len(terms.parties[party].members)} members"
            )


def _check_patterns(patterns: tuple[str, ...], where: str) -> None:
    if not patterns or not all(patterns):
        raise ContractError(f"{where}: `assets` must name assets")


def _check_days(value: int, least: int, most: int, what: str) -> None:
    if not least <= value <= most:
        raise ContractError(f"{what}: {value} is not between {least} and {most}")


def _check_bundle(bundle: Bundle) -> None:
    if bundle.version < 1:
        raise ContractError(f"policies: version {bundle.version}: versions count from 1")
    if not _DIGEST.fullmatch(bundle.digest):
        raise ContractError(f"policies: {bundle.digest!r} is no digest", hint="xspm policy bundle prints it")


def _check_ledger(terms: Terms, ledger: LedgerTerms) -> None:
    for party in (ledger.operator, *ledger.witnesses):
        if party not in terms.parties:
            raise ContractError(f"ledger: {party!r} is no party", hint=f"parties are {', '.join(terms.parties)}")
    keys = [_public(text) for text in (ledger.key, *ledger.witnesses.values())]
    # The same key under two names, or for two purposes, would count as two (C2SP tlog-policy).
    if len(set(keys)) < len(keys):
        raise ContractError("ledger: one key stands for two of the log and its witnesses")
    if not 0 <= ledger.quorum <= len(ledger.witnesses):
        raise ContractError(f"ledger: a quorum of {ledger.quorum} of {len(ledger.witnesses)} witnesses")
    _check_days(ledger.heartbeat_hours, 1, 24 * 366, "ledger.heartbeat_hours")


def _public(vkey: str) -> bytes:
    """The bytes of a verifier key `name+hash+base64`, without the one that says what it signs."""
    try:
        return base64.b64decode(vkey.split("+", 2)[2], validate=True)[1:]
    except (IndexError, ValueError) as error:
        raise ContractError(f"ledger: {vkey[:80]!r} is no verifier key", hint="written as name+hash+base64") from error


def _check_separation(terms: Terms) -> None:
    """Nobody alone changes the contract, or weakens a policy, unless the contract says openly that it is so."""
    if terms.degraded is not None:
        if not terms.degraded.reason.strip():
            raise ContractError("degraded: a reason is missing")
        until = check_date(terms.degraded.until, "degraded.until")
        days = (until - check_date(terms.degraded.since, "degraded.since")).days
        _check_days(days, 0, MAX_DEGRADED_DAYS, "degraded: the days from `since` to `until`")
        return
    for action in ("accept_contract", "weaken_policy"):
        rule = terms.rule(action)
        if sum(1 for count in rule.values() if count) < 2:
            (party,) = (party for party, count in rule.items() if count)
            raise ContractError(
                f"rules.{action}: {party} alone could {ACTION_TITLES[action]}",
                hint="ask for a signature of another party too; a team too small for that declares `degraded`",
            )
