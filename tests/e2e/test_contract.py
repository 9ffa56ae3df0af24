"""The whole ceremony of a contract: people on machines of their own, and files that travel between them."""

from __future__ import annotations

import base64
import io
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from commandline import Outcome, acting, assert_calm, assert_refused, call
from logbook import signer as log_signer
from logbook import witness_signer
from xspm.app import contract as app
from xspm.cli import contract as commands
from xspm.contract.chain import encode_terms
from xspm.contract.envelope import Envelope, decode_envelope
from xspm.contract.signers import open_signer
from xspm.contract.statement import encode_statement, subject
from xspm.contract.terms import ACTIONS
from xspm.ledger.note import COSIGNED, Key
from xspm.model.digest import digest

PEOPLE = {"dave": "platform", "erin": "platform", "alice": "security", "bob": "security", "frank": "audit"}
ALL = ("dave", "alice", "bob")
"""Enough for every rule that `init` writes."""


class World:
    """A folder for each person, and one that all can reach."""

    def __init__(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.capsys = capsys
        self.shared = root / "contract"
        self.text = self.shared / "contract.yaml"
        for name in (*PEOPLE, "mallory", "robot"):
            self.good("key", "new", f"{name}.key", "--no-passphrase")

    def run(self, *arguments: str, at: Path | None = None) -> Outcome:
        command, *rest = arguments
        where = ("--contract", str(at or self.shared)) if command != "init" else ()
        return call(self.capsys, "contract", command, *rest, *where)

    def good(self, *arguments: str) -> Outcome:
        outcome = call(self.capsys, *arguments)
        assert (outcome.code, outcome.err) == (0, ""), outcome
        assert_calm(outcome)
        return outcome

    def done(self, *arguments: str, at: Path | None = None) -> str:
        outcome = self.run(*arguments, at=at)
        assert (outcome.code, outcome.err) == (0, ""), outcome
        assert_calm(outcome)
        return outcome.out

    def begin(self) -> None:
        members = [f"--member={party}:{name}={name}.key.pub" for name, party in PEOPLE.items()]
        self.done("init", "contract", *members)

    def sign(self, *names: str) -> None:
        for name in names:
            self.done("sign", "--key", f"{name}.key", "--yes")

    def first(self) -> str:
        """Accept a first version, and return the root."""
        self.begin()
        self.done("propose")
        self.sign(*ALL)
        out = self.done("accept")
        found = re.search(r"sha256:[0-9a-f]{64}", out)
        assert found is not None
        return found[0]

    def edit(self, old: str, new: str) -> None:
        text = self.text.read_text()
        assert old in text
        self.text.write_text(text.replace(old, new))

    @property
    def proposal(self) -> Path:
        return max((self.shared / "proposed").iterdir())


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> World:
    monkeypatch.chdir(tmp_path)
    for name in ("XSPM_CONTRACT_ROOT", "XSPM_PASSPHRASE_FILE", "XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    return World(tmp_path, capsys)


@pytest.fixture
def pinned(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A world with a first version in force, whose root is pinned."""
    monkeypatch.setenv("XSPM_CONTRACT_ROOT", world.first())
    return world


def test_three_people_on_three_machines(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world.begin()
    world.done("propose")
    machines = {name: tmp_path / "machines" / name for name in ALL}
    for folder in machines.values():
        shutil.copytree(world.shared, folder)
    for name, folder in machines.items():
        out = world.done("sign", "--key", f"{name}.key", "--yes", "-o", f"{name}.dsse.json", at=folder)
        assert f"signed by {name}: {name}.dsse.json" in out
        assert json.loads(Path(folder / "proposed" / "0001.dsse.json").read_text())["signatures"] == []
    # Each sends a file to frank of audit, who merges and accepts without a key.
    out = world.done("merge", "alice.dsse.json", "bob.dsse.json")
    assert "missing 1 more of platform (dave or erin)" in " ".join(out.split())
    assert_refused(world.run("accept"), "accept_contract by its own rules wants 1 more of platform (dave or erin)")
    out = world.done("merge", "dave.dsse.json")
    assert "its rules are met: xspm contract accept" in out
    root = world.done("accept").split("sha256:", 1)[1][:64]
    assert not list((world.shared / "proposed").iterdir())
    # A reader knows the digest alone.
    reader = tmp_path / "reader"
    shutil.copytree(world.shared, reader)
    assert_refused(world.run("verify", at=reader), "which contract do you trust? its root digest is pinned nowhere")
    assert "acme holds: version 1" in world.done("verify", "--root", f"sha256:{root}", at=reader)
    wrong = f"sha256:{'0' * 64}"
    assert_refused(world.run("verify", "--root", wrong, at=reader), f"this contract has no version {wrong}")
    monkeypatch.setenv("XSPM_CONTRACT_ROOT", f"sha256:{root}")
    # A second version: bob leaves, grace comes; platform signs, security signs, by copies again.
    world.good("key", "new", "grace.key", "--no-passphrase")
    shutil.copy("grace.key.pub", world.shared / "keys" / "grace.pub")
    world.edit("    bob: {file: keys/bob.pub}", "    grace: {file: keys/grace.pub}")
    out = world.done("propose")
    assert "loosened grace joins security, with ed25519 sha256:" in " ".join(out.split())
    assert "changed    bob leaves security" in out
    for name, folder in {**machines, "grace": tmp_path / "machines" / "grace"}.items():
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(world.shared, folder)
        world.done("sign", "--key", f"{name}.key", "--yes", "-o", f"{name}2.dsse.json", at=folder)
    world.done("merge", *(f"{name}2.dsse.json" for name in ALL))
    assert_refused(world.run("accept"), "by its own rules, since it changes who signs wants 1 more of security (grace)")
    world.done("merge", "grace2.dsse.json")
    world.done("accept")
    found = json.loads(world.done("verify", "--output", "json"))
    assert (found["name"], found["root"]) == ("acme", f"sha256:{root}")
    assert [one["signed"] for one in found["versions"]] == [
        {"platform": ["dave"], "security": ["alice", "bob"], "audit": []},
        {"platform": ["dave"], "security": ["alice", "bob"], "audit": []},
    ]
    # The old version alone is refused by whoever saw the new one.
    (world.shared / "versions" / "0002.dsse.json").unlink()
    assert_refused(world.run("verify"), "somebody hands you an old one")


def test_init(world: World) -> None:
    out = world.done("init")
    assert "wrote contract/contract.yaml" in out
    before = world.text.read_text()
    assert_refused(world.run("init"), "contract/contract.yaml: there is a contract here already")
    assert world.text.read_text() == before
    outcome = world.run("propose")
    assert outcome.code == 2
    assert len(re.findall(r"^xspm: .*keys/\w+\.pub: cannot be read", outcome.err, re.MULTILINE)) == 5


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--member", "security:alice"), "'security:alice' names no member"),
        (("--member", "security:alice=alice.key.pub"), "a contract is between at least two parties"),
        (("--member", "security:alice=alice.key"), "alice.key: this is a private key"),
        (("--member", "security:alice=none.pub"), "none.pub: cannot be read"),
        (("--member", "security:../alice=alice.key.pub"), "the member '../alice': a name is letters"),
        (("--name", "a/b"), "the contract 'a/b': a name is letters"),
    ],
)
def test_init_refuses(arguments: tuple[str, ...], complaint: str, world: World) -> None:
    assert_refused(world.run("init", *arguments), complaint)
    assert not world.shared.exists()


def turned_on(text: str) -> str:
    """A text with every setting that is off turned on."""
    lines, within = [], False
    for line in text.splitlines():
        if found := re.fullmatch(r"( *)#(\S.*)", line):
            within = True
            lines.append(found[1] + found[2])
        elif within and line.startswith("#  "):
            lines.append(line[1:])
        else:
            within = False
            lines.append(line)
    return "\n".join(lines) + "\n"


def test_every_setting_that_is_off_can_be_turned_on(world: World) -> None:
    world.begin()
    (world.shared / "acme.bundle.json").write_text('{"folders":[],"format":"xspm.bundle/1","policies":[]}')
    shutil.copy("robot.key.pub", world.shared / "keys" / "scanner-1.pub")
    text = turned_on(world.text.read_text())

    def write(log: str, witness: str) -> None:
        found = text.replace("ledger.example.com/acme+00000000+AQ==", log)
        world.text.write_text(found.replace("witness.example.com/acme+00000000+BA==", witness))

    log, witness = log_signer("ledger.example.com/acme").key, witness_signer(1).key
    write(log.vkey, witness.vkey)
    world.done("propose")
    terms = app.current(world.shared, None).new
    assert set(terms.rules) == set(ACTIONS)
    assert [field for field in terms.__struct_fields__ if not getattr(terms, field)] == ["predecessor"]
    out = world.done("show", "--at", "proposed")
    for line in (
        "CRITICAL ASSETS",
        "OWNERS, WHO APPROVE NOTHING THERE",
        "SCANNER",
        "run by security",
        "witnesses: audit",
    ):
        assert line in out
    assert "DEGRADED MODE until" in out
    for wrong, complaint in (
        (
            (witness.vkey, log.vkey),
            "ledger: the key is of witness.example/w1, which does not sign ledger.example.com/acme",
        ),
        ((log.vkey, "w+00000000+AQ=="), "ledger: "),
        ((log.vkey, log_signer("w", seed=3).key.vkey), "ledger: a witness's key is for cosignatures, of the kind 0x04"),
        (
            (log.vkey, Key("w", COSIGNED, log.public).vkey),
            "ledger: one key stands for two of the log and its witnesses",
        ),
    ):
        write(*wrong)
        assert_refused(world.run("propose"), complaint)


def test_show_for_a_manager(pinned: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xspm.cli.console.width", lambda: 80)
    out = pinned.done("show")
    assert max(map(len, out.splitlines())) <= 80
    for line in (
        "acme, version 1: holds until ",
        "change this contract: parties, people, keys, rules  1 of platform and 2 of",
        "security  alice, bob",
        "  medium     there is no ledger: what was signed can be withheld unseen",
        "  signed by dave (platform), alice and bob (security)",
    ):
        assert line in out
    found = json.loads(pinned.done("show", "--output", "json"))
    assert (found["title"], found["verified"], found["digest"] == found["root"]) == ("version 1", True, True)
    assert found["rules_in_effect"]["weaken_policy"] == {"platform": 1, "security": 2}
    assert [one["kind"] for one in found["separation"]] == ["no-ledger", "all-must-sign"]


def test_show_in_colour(pinned: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xspm.cli.contract_view.coloured", lambda: True)
    monkeypatch.setattr("xspm.cli.console.width", lambda: 80)
    monkeypatch.setattr("click.utils.should_strip_ansi", lambda *_: False)
    out = pinned.run("show").out
    assert "\x1b[31m\x1b[1mmedium\x1b[0m" in out
    assert max(len(re.sub(r"\x1b\[\d+m", "", line)) for line in out.splitlines()) <= 80


def test_an_expired_contract_is_shown_as_such_and_renewed(pinned: World, monkeypatch: pytest.MonkeyPatch) -> None:
    later = "2199-01-01T00:00:00Z"
    monkeypatch.setattr(commands, "now", lambda: later)
    assert "acme, version 1: expired on " in pinned.done("show")
    assert_refused(pinned.run("verify"), "version 1 of the contract expired on ")
    assert_refused(pinned.run("propose"), "is over")
    pinned.text.write_text(re.sub(r"expires: .*", "expires: 2199-06-30", pinned.text.read_text()))
    pinned.done("propose")
    pinned.sign(*ALL)
    pinned.done("accept")
    assert "acme holds: version 2, until 2199-06-30" in pinned.done("verify")


def test_what_changes_is_shown_before_it_is_signed(pinned: World) -> None:
    pinned.edit("approve_exception: {security: 1}", "approve_exception: {platform: 1}")
    out = pinned.done("propose")
    told = "loosened   approve_exception takes 1 of platform, before 1 of security"
    assert told in out
    assert "high       platform alone can approve an exception: it would excuse itself" in out
    assert told in pinned.done("sign", "--key", "alice.key", "--yes")
    assert told in pinned.done("diff")
    found = json.loads(pinned.done("diff", "1", "proposed", "--output", "json"))
    assert [one["mark"] for one in found["changes"]] == ["loosened"]
    assert pinned.done("diff", "1", str(pinned.text)).count("loosened") == 1
    assert "nothing changes" in pinned.done("diff", "1", "1")
    assert "version 2, proposed" in pinned.done("show", "--at", "proposed")
    assert "not verified" in pinned.done("show", "--at", str(pinned.proposal))


class Terminal(io.StringIO):
    """Somebody sits at it."""

    def isatty(self) -> bool:
        return True


def test_asking_before_signing(pinned: World, monkeypatch: pytest.MonkeyPatch) -> None:
    pinned.edit("max_days: 90", "max_days: 30")
    pinned.done("propose")
    before = pinned.proposal.read_bytes()
    outcome = pinned.run("sign", "--key", "alice.key")
    assert (outcome.code, "there is no terminal to ask at" in outcome.err) == (2, True)
    for answer, code in ((False, 2), (True, 0)):
        monkeypatch.setattr("sys.stdin", Terminal())
        monkeypatch.setattr("click.confirm", lambda _question, answer=answer: answer)
        assert pinned.run("sign", "--key", "alice.key").code == code
        assert (pinned.proposal.read_bytes() != before) is answer


def refused(outcome: Outcome, complaint: str) -> None:
    """A refusal that may come after something was shown."""
    assert outcome.code == 2, outcome
    assert complaint in outcome.err.splitlines()[0]
    assert_calm(outcome)


def test_a_key_that_nobody_holds(pinned: World) -> None:
    pinned.edit("max_days: 90", "max_days: 30")
    pinned.done("propose")
    before = pinned.proposal.read_bytes()
    refused(pinned.run("sign", "--key", "mallory.key", "--yes"), "nobody in version 2 of acme holds the key sha256:")
    assert pinned.proposal.read_bytes() == before


def test_a_scanner_does_not_sign_contracts(pinned: World) -> None:
    shutil.copy("robot.key.pub", pinned.shared / "keys" / "robot.pub")
    scanner = "scanners:\n  robot: {keys: {file: keys/robot.pub}, assets: ['*'], operator: security}\n"
    pinned.text.write_text(pinned.text.read_text() + scanner)
    pinned.done("propose")
    refused(pinned.run("sign", "--key", "robot.key", "--yes"), "is of robot, which is a machine")


def test_a_proposal_edited_between_signatures(pinned: World) -> None:
    pinned.edit("max_days: 90", "max_days: 30")
    pinned.done("propose")
    pinned.sign("alice")
    kept = pinned.proposal.read_bytes()
    pinned.edit("max_days: 30", "max_days: 300")
    assert_refused(pinned.run("propose"), "proposed with other terms, and signed by alice (security)")
    assert pinned.proposal.read_bytes() == kept
    wire = json.loads(kept)
    payload = base64.b64decode(wire["payload"]).replace(b'"max_days":30', b'"max_days":99')
    terms = app.current(pinned.shared, None).new
    changed = type(terms.exceptions)(99)
    other = encode_terms(
        type(terms)(**{**{f: getattr(terms, f) for f in terms.__struct_fields__}, "exceptions": changed})
    )
    for text, complaint in ((payload, "the statement is about something else"), (other, "the signature by ")):
        pinned.proposal.write_text(json.dumps({**wire, "payload": base64.b64encode(text).decode()}))
        assert_refused(pinned.run("sign", "--key", "bob.key", "--yes"), complaint)
        assert_refused(pinned.run("accept"), complaint)
    pinned.done("propose", "--replace")
    assert decode_envelope(pinned.proposal.read_bytes(), "p").signatures == {}


def test_proposing_for_machines(pinned: World) -> None:
    pinned.edit("max_days: 90", "max_days: 300")
    Path("acme.json").write_text('{"folders":[],"format":"xspm.bundle/1","policies":[]}')
    found = json.loads(pinned.done("propose", "--bundle", "acme.json", "--output", "json"))
    assert [one["mark"] for one in found["changes"]] == ["loosened", "tightened"]
    assert [(one["action"], one["missing"] is None) for one in found["signatures"]] == [
        ("accept_contract", False), ("publish_policy", False),
    ]  # fmt: skip
    assert (found["version"], found["policies"]["weaker"]) == (2, False)


def test_copies_of_different_texts_do_not_merge(pinned: World) -> None:
    for days, name in (("30", "alice"), ("40", "bob")):
        pinned.text.write_text(re.sub(r"  max_days: \d+\n  #", f"  max_days: {days}\n  #", pinned.text.read_text()))
        pinned.done("propose", "--replace")
        pinned.done("sign", "--key", f"{name}.key", "--yes", "-o", f"{name}.json")
    assert_refused(pinned.run("merge", "alice.json", "bob.json", "-o", "both.json"), "only copies of one text merge")
    assert not Path("both.json").exists()
    pinned.done("merge", "alice.json", "-o", "one.json")
    assert_refused(pinned.run("merge", "bob.json", "-o", "one.json"), "one.json: this is there already")


def test_stripped_foreign_and_doubled_signatures(pinned: World) -> None:
    pinned.edit("max_days: 90", "max_days: 30")
    pinned.done("propose")
    pinned.sign(*ALL)
    whole = json.loads(pinned.proposal.read_text())
    first = whole["signatures"][0]
    cases: list[tuple[dict[str, Any], str]] = [
        ({"signatures": []}, "signed by nobody"),
        ({"signatures": [first]}, "is not in force: accept_contract by the rules of version 1 wants"),
        ({"signatures": [first, first]}, "signed twice"),
        ({"signatures": [{**first, "keyid": "sha256:" + "0" * 64}]}, "signed by a key that nobody in the contract holds"),
        ({"payloadType": "text/plain"}, "the payload is of the type 'text/plain'"),
        ({"payload": "!"}, "the payload is not base64"),
    ]  # fmt: skip
    for more, complaint in cases:
        pinned.proposal.write_text(json.dumps({**whole, **more}))
        assert_refused(pinned.run("accept"), complaint)
    assert not (pinned.shared / "versions" / "0002.dsse.json").exists()


def test_another_statement_is_no_contract(pinned: World) -> None:
    terms = app.side(pinned.shared, None, None).terms
    for kind in ("exception", "change"):
        predicate = f"https://xspm.dev/predicates/{kind}/v1"
        payload = encode_statement(predicate, (subject(terms.name, digest(terms)),), terms)
        Path("other.json").write_bytes(Envelope(payload).encode())
        complaint = f"it states '{predicate}', not https://xspm.dev/predicates/contract/v1"
        assert_refused(pinned.run("sign", "other.json", "--key", "alice.key", "--yes"), complaint)
        assert_refused(pinned.run("accept", "other.json"), complaint)


def test_an_accepted_version_is_not_proposed_again(pinned: World) -> None:
    shutil.copy(pinned.shared / "versions" / "0001.dsse.json", "old.json")
    assert_refused(pinned.run("accept", "old.json"), "version 1 follows None, and in force is version 1")
    assert_refused(pinned.run("propose"), "contract.yaml: it says what version 1 says")
    assert_refused(pinned.run("sign", "--key", "alice.key"), "no version 2 is proposed")


def test_whose_versions_were_taken_away(pinned: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that claims to be new is shown as another contract than the one that is trusted."""
    shutil.rmtree(pinned.shared / "versions")
    pinned.edit("security: 2, platform: 1", "platform: 1, audit: 1")
    out = pinned.done("propose")
    assert "You trust another contract than this, or somebody took its versions away." in out
    monkeypatch.delenv("XSPM_CONTRACT_ROOT")
    assert_refused(
        pinned.run("show", "--root", "sha256:" + "1" * 64), "there is no accepted version of a contract here"
    )


def test_policies_come_with_a_bundle(pinned: World) -> None:
    (bundle := Path("acme.json")).write_text('{"folders":[],"format":"xspm.bundle/1","policies":[]}')
    out = pinned.done("propose", "--bundle", str(bundle))
    assert "tightened policies come into force: bundle 1, sha256:" in " ".join(out.split())
    (kept,) = (pinned.shared / "bundles").iterdir()
    assert kept.read_bytes() == bundle.read_bytes()
    kept.rename("away.json")
    refused(pinned.run("sign", "--key", "alice.key", "--yes"), "the policies that it brings into force are not here")
    Path("away.json").rename(kept)
    pinned.sign(*ALL)
    pinned.done("accept")
    assert "policies: bundle 1, sha256:" in " ".join(pinned.done("show").split())
    # What is in force stays where the text names nothing, and a file that the text names is taken from beside it.
    pinned.edit("max_days: 90", "max_days: 30")
    assert "policies" not in pinned.done("propose").split("POWERS")[0].lower()
    (pinned.shared / "next.json").write_text('{"folders":[],"format":"xspm.bundle/1","policies":["x"]}')
    pinned.text.write_text(pinned.text.read_text() + "policies: {bundle: next.json}\n")
    out = pinned.done("propose")
    assert "changed bundle 2 (sha256:" in " ".join(out.split())
    assert "weaken_policy, by the rules of version 2" in " ".join(out.split())
    assert_refused(
        pinned.run("propose", "--bundle", "acme.json"), "names the bundle next.json, and acme.json is another"
    )
    bundle.write_text("{}")
    pinned.edit("policies: {bundle: next.json}\n", "")
    assert_refused(pinned.run("propose", "--bundle", "acme.json"), "acme.json: not a policy bundle")


LEDGER = "ledger: {{origin: o, key: {key}, operator: security, witnesses: {{audit: {witness}}}}}\n"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (LEDGER.format(key="o+1+AWE=", witness="w+1+BGI="), "ledger: not a verifier key (name+hash+base64)"),
        ("expires: 2001-01-01\n", "duplicate key 'expires'"),
        ("degraded: {reason: few, until: 2001-01-01, since: 2000-12-01}\n", "degraded: 2001-01-01 is over"),
        (
            "degraded: {reason: few, until: 2999-06-01, since: 2999-01-01}\n",
            "degraded: the days from `since` to `until`: 151 is not between 0 and 90",
        ),
        ("policies: {bundle: none.json}\n", "contract/none.json: cannot be read"),
    ],
)
def test_what_cannot_be_proposed(text: str, complaint: str, world: World) -> None:
    world.begin()
    world.text.write_text(world.text.read_text() + text)
    assert_refused(world.run("propose"), complaint)
    assert not (world.shared / "proposed").exists()


def test_a_contract_that_names_a_private_key(world: World) -> None:
    world.begin()
    shutil.copy("alice.key", world.shared / "keys" / "alice.pub")
    outcome = world.run("propose")
    assert_refused(outcome, "this is a private key; a contract holds public keys only")
    assert "PRIVATE KEY---" not in outcome.err


def test_no_contract_here(world: World) -> None:
    assert_refused(call(world.capsys, "contract", "show"), "there is no contract here")
    assert_refused(world.run("show"), "there is no such folder")
    world.begin()
    assert_refused(call(world.capsys, "contract", "show"), "no version is in force yet")
    assert_refused(call(world.capsys, "contract", "show", "--at", "7"), "no version is in force yet")


def test_versions_that_are_not_there(pinned: World) -> None:
    assert_refused(pinned.run("show", "--at", "7"), "version 7 is not among those from your root on: 1 to 1")
    assert_refused(pinned.run("show", "--at", "proposed"), "no version 2 is proposed")
    assert_refused(pinned.run("show", "--at", "none.json"), "none.json: cannot be read")
    Path("big.json").write_bytes(b"[" * (17 << 20))
    assert_refused(pinned.run("show", "--at", "big.json"), "big.json: more than 16777216 bytes are too many")


def test_a_reason_that_acts_on_a_terminal(world: World) -> None:
    world.begin()
    days = ", ".join(re.findall(r"#  ((?:since|until): .*)", world.text.read_text()))
    world.text.write_text(world.text.read_text() + f'degraded: {{reason: "few\\e[2J\\u202e", {days}}}\n')
    out = world.done("propose")
    assert "DEGRADED MODE until " in out
    assert acting(out) == []


def test_approvals_merge_too(pinned: World) -> None:
    terms = app.side(pinned.shared, None, None).terms
    payload = encode_statement("https://xspm.dev/predicates/exception/v1", (subject("x", digest(terms)),), terms)
    for name in ("alice", "dave", "mallory"):
        signer = open_signer(f"{name}.key", passphrase=lambda _what: "")
        envelope = Envelope(payload)
        signed = envelope.with_signature(signer.key.id, signer.sign(envelope.signed_bytes()))
        Path(f"{name}.json").write_bytes(signed.encode())
    assert_refused(pinned.run("merge", "alice.json", "dave.json"), "say where to write them")
    assert_refused(
        pinned.run("merge", "alice.json", "mallory.json", "-o", "o.json"), "by a key that nobody in the contract"
    )
    out = pinned.done("merge", "alice.json", "dave.json", "-o", "both.json")
    assert out == "signed by dave (platform), alice (security): both.json\n"
    assert len(json.loads(Path("both.json").read_text())["signatures"]) == 2
    pinned.done("merge", "both.json", "alice.json", "-o", "both.json")
