"""contract.yaml is read whole, with every mistake at its place and all of them at once."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from parties import private, public
from xspm.contract import document
from xspm.contract.document import MAX_TEXT, read_document
from xspm.contract.terms import Critical, Degraded, ExceptionTerms, LedgerTerms, Member, Owned, Party, Scanner
from xspm.errors import ContractError, XspmError, apart

if TYPE_CHECKING:
    from pathlib import Path

    from xspm.contract.document import Draft
    from xspm.contract.terms import Terms


def ssh(name: str) -> str:
    return private(name).public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


def block(name: str, indent: int) -> str:
    """A PEM block as a YAML literal."""
    return "|\n" + "".join(f"{' ' * indent}{line}\n" for line in public(name).pem().splitlines())


HEAD = f"""\
name: acme
expires: 2027-01-31
parties:
  security:
    alice: {{file: keys/alice.pub}}
    bob:
      - {ssh("bob")} bob@laptop
      - {block("bob's other", 8)}
  platform:
    dave: {ssh("dave")}
    erin: {ssh("erin")}
"""
RULES = """\
rules:
  accept_contract: {security: 2, platform: 1}
  publish_policy: {security: 2}
"""


def read(folder: Path, text: str) -> Draft:
    (folder / "keys").mkdir(exist_ok=True)
    (folder / "keys" / "alice.pub").write_text(public("alice").pem())
    (folder / "contract.yaml").write_text(text)
    return read_document(folder / "contract.yaml")


def mistakes(folder: Path, text: str) -> list[str]:
    """Line, column and message of each."""
    with pytest.raises(XspmError) as caught:
        read(folder, text)
    return [f"{one.line}:{one.column}: {one.message}" for one in apart(caught.value)]


def test_the_least_that_a_contract_says(tmp_path: Path) -> None:
    draft = read(tmp_path, HEAD + RULES)
    assert draft.bundle is None
    assert (draft.terms.name, draft.terms.expires, draft.terms.version) == ("acme", "2027-01-31", 1)
    assert draft.terms.predecessor is None
    assert draft.terms.parties == {
        "security": Party({"alice": Member((public("alice"),)), "bob": Member((public("bob"), public("bob's other")))}),
        "platform": Party({"dave": Member((public("dave"),)), "erin": Member((public("erin"),))}),
    }
    assert draft.terms.rules == {"accept_contract": {"security": 2, "platform": 1}, "publish_policy": {"security": 2}}


def test_all_that_a_contract_can_say(tmp_path: Path) -> None:
    draft = read(
        tmp_path,
        f"""{HEAD}{RULES}
  weaken_policy: {{security: 2, platform: 2}}
policies: {{bundle: acme.json}}
exceptions: {{max_days: 30, wildcards: true}}
critical: [{{assets: ["host:*"], review: {{security: 1}}, max_days: 7}}, {{assets: [a, b], review: {{platform: 1}}}}]
owners: [{{assets: ["host:*"], people: [dave]}}]
scanners: {{one: {{keys: "{ssh("one")}", assets: ["*"], operator: security}}}}
ledger: {{origin: o, key: k+1+AWE=, operator: security, witnesses: {{platform: w+2+BGI=}}, quorum: 0, heartbeat_hours: 6}}
degraded: {{reason: few, since: 2026-05-15, until: 2026-07-01}}
""",
    )
    terms = draft.terms
    assert draft.bundle == "acme.json"
    assert terms.rules["weaken_policy"] == {"security": 2, "platform": 2}
    assert terms.exceptions == ExceptionTerms(30, wildcards=True)
    assert terms.critical == (Critical(("host:*",), {"security": 1}, 7), Critical(("a", "b"), {"platform": 1}, 14))
    assert terms.owners == (Owned(("host:*",), ("dave",)),)
    assert terms.scanners == {"one": Scanner((public("one"),), ("*",), "security")}
    assert terms.ledger == LedgerTerms("o", "k+1+AWE=", "security", {"platform": "w+2+BGI="}, 0, 6)
    assert terms.degraded == Degraded("few", "2026-07-01", "2026-05-15")


def test_every_mistake_at_once(tmp_path: Path) -> None:
    text = f"""\
name: ac me
expires: 2027-02-31
parties:
  security:
    alice: {{file: keys/alice.pub}}
    bob: {ssh("alice")}
    carol: {{file: keys/carol.pub}}
  platform:
    Bob: {ssh("dave")}
    erin:
  audit: {{}}
rules:
  accept_contract: {{securty: 2, platform: x}}
  publish_polcy: {{security: 1}}
critical:
  - asset: ["host:*"]
    review: {{}}
scanners:
  one: {{assets: ["*"], operator: nobody}}
degraded: {{since: 2025-12-31, until: 2026-01-01}}
"""
    assert mistakes(tmp_path, text) == [
        "1:1: the contract 'ac me': a name is letters, digits and . _ @ + -",
        "2:1: expires: '2027-02-31' is not a date",
        f"6:5: alice and bob hold the same key, {public('alice').id}",
        "7:13: keys/carol.pub: cannot be read: No such file or directory",
        "9:5: Bob sits in the party security and in the party platform: nobody sits on two sides",
        "10:5: erin has no key",
        "13:21: 'securty' is no party",
        "13:33: `platform` must be a whole number",
        "14:3: `publish_polcy` is not known here",
        "19:3: one has no key",
        "19:24: 'nobody' is no party",
        "17:5: `review`: a rule needs at least one signature",
        "16:5: `asset` is not known here",
        "20:1: `reason` is missing",
    ]


@pytest.mark.parametrize(
    ("rest", "expected"),
    [
        (RULES + "exceptions: {max_days: 1000}", ["15:1: exceptions.max_days: 1000 is not between 1 and 366"]),
        (RULES + "owners: [{assets: [a], people: [zoe]}]", ["15:10: owners, a: zoe is no member"]),
        (RULES + "critical: [{assets: [], review: {platform: 1}}]", ["15:12: critical: `assets` must name assets"]),
        (RULES + "ledger: {origin: o, key: k+1+AWE=, operator: platform, quorum: 4}", ["15:1: ledger: a quorum of 4 of 0 witnesses"]),
        ("rules: {accept_contract: {security: 3, platform: 1}, publish_policy: {security: 9}}", [
            "12:9: rules.accept_contract: 3 signatures of security, which has 2 members",
            "12:54: rules.publish_policy: 9 signatures of security, which has 2 members",
        ]),
        ("rules: {publish_policy: {security: 1}}", [
            "12:1: `rules` must say who accepts the contract (accept_contract) and policies (publish_policy)"
        ]),
        ("rules: {accept_contract: {security: 2}, publish_policy: {security: 2}}", [
            "12:1: rules.accept_contract: security alone could change this contract: parties, people, keys, rules"
        ]),
        (RULES + "version: 3", ["15:1: `version` is not known here"]),
        (RULES + "name: other", ["15:1: duplicate key 'name', first given on line 1"]),
        (RULES + "policies: {digest: sha256:1}", ["15:1: `bundle` is missing"]),
        (RULES + "exceptions: {wildcards: 1}", ["15:14: `wildcards` must be true or false"]),
        (RULES + "exceptions: {max_days: true}", ["15:14: `max_days` must be a whole number"]),
        (RULES + "critical: 7", ["15:1: `critical` must be a list"]),
        (RULES + "scanners: {s: [a]}", ["15:12: a mapping is needed here"]),
        ("", ["1:1: `rules` is missing"]),
        ("rules: {}", ["12:1: `rules` must say who accepts the contract (accept_contract) and policies (publish_policy)"]),
    ],
)  # fmt: skip
def test_one_mistake(rest: str, expected: list[str], tmp_path: Path) -> None:
    head = HEAD.replace(block("bob's other", 8).rstrip("\n"), ssh("bob's other"))
    head = head.replace("\n\n", "\n")
    assert len(head.splitlines()) == 11
    assert mistakes(tmp_path, head + rest) == expected


@pytest.mark.parametrize(
    ("key", "complaint"),
    [
        ("{file: /etc/passwd}", "/etc/passwd: key files are kept beside contract.yaml"),
        ("{file: ../alice.pub}", "../alice.pub: key files are kept beside contract.yaml"),
        ("{file: keys}", "keys: this is a folder, not a file"),
        ("{file: keys/pipe}", "keys/pipe: this is no regular file"),
        ("{file: keys/secret}", "this is a private key; a contract holds public keys only"),
        ("{file: keys/latin}", "keys/latin: this is no public key"),
        ("{file: keys/huge}", "keys/huge: more than 16384 bytes are too many for what it should be"),
        ("{path: keys/alice.pub}", "zoe: this is no key"),
        ("{file: 7}", "zoe: this is no key"),
        ("7", "zoe: this is no key"),
        ("[]", "zoe has no key"),
        ('""', "zoe: this is no key"),
        ("hello", "this is no public key"),
        ("ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAQQ==", "this is no public key"),
    ],
)
def test_what_is_no_key(key: str, complaint: str, tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.mkdir()
    os.mkfifo(keys / "pipe")
    secret = private("zoe").private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    (keys / "secret").write_bytes(secret)
    (keys / "latin").write_bytes(b"\xe9")
    (keys / "huge").write_bytes(b"A" * 20_000)
    found = mistakes(tmp_path, f"{HEAD}    zoe: {key}\n{RULES}")
    assert [one.split(": ", 1)[1] for one in found] == [complaint]


@pytest.mark.parametrize("name", ["аlice", "alicе", "ａlice", "al\u200bice", "ali\u0301ce", "-alice", "a" * 200, "a b"])  # noqa: RUF001 - they look alike, which is why
def test_names_that_look_like_others(name: str, tmp_path: Path) -> None:
    found = mistakes(tmp_path, f'{HEAD}    "{name}": {ssh("zoe")}\n{RULES}')
    assert len(found) == 1
    assert "a name is letters, digits and . _ @ + -" in found[0]


def test_one_key_in_two_encodings_is_one_key(tmp_path: Path) -> None:
    key = ec.derive_private_key(7, ec.SECP256R1()).public_key()
    full = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    line = key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "zoe.pub").write_bytes(full)
    found = mistakes(tmp_path, f"{HEAD}    zoe: {{file: keys/zoe.pub}}\n    yan: {line}\n{RULES}")
    assert [one.split(": ", 1)[1].split(",")[0] for one in found] == ["zoe and yan hold the same key"]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "the file is empty"),
        ("7", "a mapping is needed here"),
        ("a: [", "did not find expected node content"),
        ("a: 1\n---\nb: 2\n", "one document is expected here"),
        ("x" * (MAX_TEXT + 1), f"more than {MAX_TEXT} bytes are too many"),
        ("[" * 100, "nested deeper|nest|deep"),
        (
            "a: &a [1,1,1,1,1,1,1,1,1]\n"
            + "".join(
                f"b{n}: &b{n} [*{'a' if n == 0 else f'b{n - 1}'}{(', *' + ('a' if n == 0 else f'b{n - 1}')) * 8}]\n"
                for n in range(9)
            ),
            "alias",
        ),
        ("parties: {}\nname: x\nexpires: 2027-01-01\nrules: {}", "a contract is between at least two parties"),
    ],
)
def test_hostile_texts(text: str, complaint: str, tmp_path: Path) -> None:
    found = mistakes(tmp_path, text)
    assert any(one in found[0] for one in complaint.split("|")), found


def test_a_mistake_shows_its_line(tmp_path: Path) -> None:
    with pytest.raises(XspmError) as caught:
        read(tmp_path, HEAD.replace("2027-01-31", "soon") + RULES)
    assert caught.value.diagnostics().splitlines()[1:] == [
        "  expires: soon",
        "  ^",
        "  hint: write it as 2027-01-31",
    ]


def test_the_same_terms_however_written(tmp_path: Path) -> None:
    def terms(text: str) -> Terms:
        return read(tmp_path, text).terms

    other = HEAD.replace("{file: keys/alice.pub}", "[{file: keys/alice.pub}]").replace(ssh("dave"), block("dave", 6))
    assert terms(other + RULES) == terms(HEAD + RULES)


def test_what_is_left_out(tmp_path: Path) -> None:
    found = mistakes(tmp_path, f"name: a\nexpires: 2027-01-31\n{RULES}")
    assert [one.split(": ", 1)[1] for one in found] == ["`parties` is missing"]
    found = mistakes(tmp_path, f"{HEAD}  audit:\n{RULES}")
    assert [one.split(": ", 1)[1] for one in found] == ["the party audit has no members"]
    bare = f"{HEAD}    zoe: {{keys: {ssh('zoe')}}}\n"
    assert read(tmp_path, bare + RULES).terms.parties["platform"].members["zoe"] == Member((public("zoe"),))


def test_a_mistake_without_a_place_shows_no_line() -> None:
    error = ContractError("nowhere")
    document._show_lines(error, b"name: a\n")
    assert error.source is None


def test_accounts_elsewhere(tmp_path: Path) -> None:
    key = ssh("zoe")
    members = f"{HEAD}    zoe: {{keys: {key}, accounts: {{github: octocat, email: zoe@example.org}}}}\n"
    zoe = read(tmp_path, members + RULES).terms.parties["platform"].members["zoe"]
    assert zoe == Member((public("zoe"),), {"github": "octocat", "email": "zoe@example.org"})
    wrong = f"{HEAD}    zoe: {{keys: {key}, accounts: {{github: 7}}, phone: 1}}\n    yan: {{accounts: {{github: x}}}}\n"
    assert [one.split(": ", 1)[1] for one in mistakes(tmp_path, wrong + RULES)] == [
        "`github` must be text",
        "`phone` is not known here",
        "yan has no key",
    ]
    twice = f"{members}    yan: {{keys: {ssh('yan')}, accounts: {{github: Octocat}}}}\n"
    assert [one.split(": ", 1)[1] for one in mistakes(tmp_path, twice + RULES)] == [
        "zoe and yan have the same account on github, Octocat"
    ]
