"""Attacks on the signatures themselves: stripped, emptied, doubled, moved, or counted for more people than there are.

The attacker handles envelopes on their way (a repository, a mail) and may hold one member's key. Each attack is shown
on a version of the contract that enough people did sign, and that is accepted when left alone.
"""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from attack.world import ENOUGH, changed, day, forged, said, unchecked
from commandline import assert_refused
from parties import key_id, party, private, public, sign, terms
from xspm.contract.chain import encode_terms
from xspm.contract.envelope import Envelope
from xspm.contract.keys import KeyId, PublicKey, from_crypto
from xspm.contract.terms import Member, Party

if TYPE_CHECKING:
    from collections.abc import Callable

    from attack.world import World

    Make = Callable[..., World]


def wire(path: Path) -> Any:
    return json.loads(path.read_bytes())


def verified(world: World) -> Any:
    return world.under("contract", "verify")


@pytest.fixture
def second(world: World) -> Path:
    """An honest second version in force."""
    link = world.amend(*ENOUGH, expires=day(150))
    assert verified(world).code == 0
    return world.put(link)


def test_stripped_signatures(world: World, second: Path) -> None:
    """All signatures are stripped from a version in force."""
    second.write_text(json.dumps({**wire(second), "signatures": []}))
    assert_refused(verified(world), "and 2 more of security (alice or bob or carol); signed by nobody")


def test_no_list_of_signatures(world: World, second: Path) -> None:
    """The list of signatures itself is removed."""
    whole = wire(second)
    del whole["signatures"]
    second.write_text(json.dumps(whole))
    assert_refused(verified(world), "not a DSSE envelope: Object missing required field `signatures`")


def test_emptied_signatures(world: World, second: Path) -> None:
    """Each signature is emptied, and its key id left to be counted."""
    whole = wire(second)
    second.write_text(json.dumps({**whole, "signatures": [{**one, "sig": ""} for one in whole["signatures"]]}))
    assert_refused(verified(world), "is not good")


def test_signature_repeated(world: World, second: Path) -> None:
    """One signature is repeated until the count is met."""
    whole = wire(second)
    second.write_text(json.dumps({**whole, "signatures": [whole["signatures"][0]] * 3}))
    assert_refused(verified(world), "signed twice")


def test_signature_under_another_id(world: World) -> None:
    """One signature is repeated under the key ids of other people."""
    content = world.version(expires=day(150)).terms
    names = {"alice": "alice"}
    envelope = forged(content, "alice", key_of=names).envelope
    for other in ("bob", "dave"):
        envelope = envelope.with_signature(key_id(other), envelope.signatures[key_id("alice")])
    world.put(msgspec.structs.replace(forged(content), envelope=envelope))
    assert_refused(verified(world), "is not good: it is over something else")


def test_payload_type_changed(world: World, second: Path) -> None:
    """The payload is given another type, so that another program reads it otherwise."""
    second.write_text(json.dumps({**wire(second), "payloadType": "application/vnd.in-toto.layout+json"}))
    assert_refused(verified(world), "the payload is of the type 'application/vnd.in-toto.layout+json'")


def test_signed_under_another_type(world: World) -> None:
    """Signatures made over the same bytes as another type of payload are moved here."""
    content = world.version(expires=day(150)).terms
    payload = encode_terms(content)
    other = f"DSSEv1 10 text/plain {len(payload)} ".encode() + payload
    signatures = {key_id(name): private(name).sign(other) for name in ENOUGH}
    world.put(msgspec.structs.replace(forged(content), envelope=Envelope(payload, signatures)))
    assert_refused(verified(world), "is not good: it is over something else")


def test_bare_payload_signed(world: World) -> None:
    """Signatures made over the bare payload, as other formats ask for, are moved here."""
    content = world.version(expires=day(150)).terms
    payload = encode_terms(content)
    signatures = {key_id(name): private(name).sign(payload) for name in ENOUGH}
    world.put(msgspec.structs.replace(forged(content), envelope=Envelope(payload, signatures)))
    assert_refused(verified(world), "is not good: it is over something else")


def test_payload_edited(world: World, second: Path) -> None:
    """The signed text is edited and the signatures are kept."""
    whole = wire(second)
    payload = base64.b64decode(whole["payload"]).replace(day(150).encode(), day(199).encode())
    second.write_text(json.dumps({**whole, "payload": base64.b64encode(payload).decode()}))
    assert_refused(verified(world), "the statement is about something else than the contract in it")
    world.put(msgspec.structs.replace(forged(changed(world.terms, expires=day(199))), envelope=Envelope(
        encode_terms(changed(world.terms, expires=day(199))), world.links[-1].envelope.signatures
    )))  # fmt: skip
    assert_refused(verified(world), "is not good: it is over something else")


def test_duplicate_keys_in_the_envelope(world: World, second: Path) -> None:
    """An envelope has two payloads, so that two programs read two contracts under one signature."""
    lax = base64.b64encode(encode_terms(changed(world.terms, expires=day(199)))).decode()
    text = second.read_text().replace("{", f'{{"payload": "{lax}",', 1)
    second.write_text(text)
    assert_refused(verified(world), "twice")


def test_duplicate_keys_in_the_statement(world: World) -> None:
    """The signed text itself says a thing twice, so that readers differ about what was signed."""
    content = world.version(expires=day(150)).terms
    payload = encode_terms(content).replace(b'"expires":', f'"expires":"{day(199)}","expires":'.encode(), 1)
    world.put(msgspec.structs.replace(forged(content), envelope=sign(Envelope(payload), *ENOUGH)))
    assert_refused(verified(world), "not canonical JSON")


def test_unknown_field(world: World) -> None:
    """The signed text has a field that this xspm does not know, which may change what the rest means."""
    content = world.version(expires=day(150)).terms
    payload = encode_terms(content).replace(b'"predicate":{', b'"predicate":{"also":"platform alone decides",', 1)
    world.put(msgspec.structs.replace(forged(content), envelope=sign(Envelope(payload), *ENOUGH)))
    assert_refused(verified(world), "unknown field `also`")


def test_replay_of_an_approval_as_a_version(world: World) -> None:
    """A signed exception is handed over as a version of the contract."""
    path = world.exception(*ENOUGH)
    (world.folder / "versions" / "0002.dsse.json").write_bytes(path.read_bytes())
    assert_refused(verified(world), "it states 'https://xspm.dev/predicates/exception/v1'")


# People counted twice


def refused_at_load(world: World, parties: dict[str, Party], complaint: str) -> None:
    """A version with these parties is refused, though everybody in both versions signed it."""
    names = {name for one in parties.values() for name in one.members} | set(world.terms.people())
    world.put(unchecked(changed(world.version().terms, parties=parties), *sorted(names & HELD)))
    assert_refused(verified(world), complaint)


HELD = {"alice", "bob", "carol", "dave", "erin", "frank"}


def test_one_key_for_two_people(world: World) -> None:
    """One key is registered for two people, to be two signers."""
    security = Party({**world.terms.parties["security"].members, "bob": Member((public("alice"),))})
    refused_at_load(world, {**world.terms.parties, "security": security}, "alice and bob hold the same key")


def test_one_key_under_two_ids(world: World) -> None:
    """One key is registered under a second, invented id, which libraries count as a second key."""
    twin = msgspec.structs.replace(public("alice"), id=KeyId("sha256:" + "1" * 64))
    security = Party({**world.terms.parties["security"].members, "bob": Member((twin,))})
    refused_at_load(world, {**world.terms.parties, "security": security}, "is not what it claims to be: its bytes are")


def test_one_key_in_two_encodings(world: World) -> None:
    """One ECDSA key is registered twice, its point compressed and not, which hash differently."""
    secret = generate_private_key(SECP256R1())
    plain = from_crypto(secret.public_key())
    point = secret.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    der = bytes.fromhex("3039301306072a8648ce3d020106082a8648ce3d030107032200") + point
    twin = type(plain)(KeyId("sha256:" + hashlib.sha256(der).hexdigest()), plain.type, base64.b64encode(der).decode())
    members = {**world.terms.parties["security"].members, "bob": Member((twin,)), "carol": Member((plain,))}
    refused_at_load(world, {**world.terms.parties, "security": Party(members)}, "is not what it claims to be")


def test_one_key_in_two_texts(world: World) -> None:
    """In contract.yaml one key stands as a PEM block for one person and as an OpenSSH line for another."""
    keys = Path("contract/keys")
    for name in ("alice", "bob", "dave"):
        assert world.run("key", "new", f"{name}.key", "--no-passphrase").code == 0
    members = [f"--member={side}:{name}={name}.key.pub" for side, name in (("security", "alice"), ("security", "bob"), ("platform", "dave"))]  # fmt: skip
    assert world.run("contract", "init", "contract", *members).code == 0
    assert world.run("contract", "propose", "--contract", "contract").code == 0
    from xspm.contract.keys import read_public_key  # noqa: PLC0415

    one = read_public_key((keys / "alice.pub").read_text())
    forms = {"pem": one.pem(), "ssh": ssh_line(one.pem())}
    assert forms["pem"].splitlines()[1] not in forms["ssh"]
    (keys / "alice.pub").write_text(forms["pem"])
    (keys / "bob.pub").write_text(forms["ssh"])
    assert_refused(world.run("contract", "propose", "--contract", "contract", "--replace"), "hold the same key")


def ssh_line(pem: str) -> str:
    from cryptography.hazmat.primitives.serialization import load_pem_public_key  # noqa: PLC0415

    return load_pem_public_key(pem.encode()).public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode() + " bob@x\n"


NOBODYS = [0, 1, 2**255 - 20, 2**255 - 19, 2**255 - 18, 1 << 255, 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7]  # fmt: skip
"""Ed25519 points of small order, two of them written beyond the field and one with a sign."""


@pytest.mark.parametrize("point", NOBODYS, ids=lambda one: f"{one:x}"[-12:])
def test_key_that_anybody_signs_for(world: World, point: int) -> None:
    """A member's key is a point of small order: without any secret, whoever likes signs in their name."""
    raw = point.to_bytes(32, "little")
    anybodys = Ed25519PublicKey.from_public_bytes(raw)
    der = bytes.fromhex("302a300506032b6570032100") + raw
    key = PublicKey(KeyId("sha256:" + hashlib.sha256(der).hexdigest()), "ed25519", base64.b64encode(der).decode())
    assert forgeable(anybodys), "the attack itself does not work"
    platform = Party({**world.terms.parties["platform"].members, "erin": Member((key,))})
    refused_at_load(world, {**world.terms.parties, "platform": platform}, "that anybody could sign for")


@pytest.mark.parametrize("point", NOBODYS, ids=lambda one: f"{one:x}"[-12:])
def test_key_that_anybody_signs_for_handed_in(world: World, point: int) -> None:
    """Such a key is handed in as somebody's, to be looked at and written into a new contract."""
    raw = point.to_bytes(32, "little")
    der = base64.b64encode(bytes.fromhex("302a300506032b6570032100") + raw).decode()
    ssh = base64.b64encode(b"\0\0\0\x0bssh-ed25519\0\0\0\x20" + raw).decode()
    path = world.base / "erin.pub"
    for text in (f"-----BEGIN PUBLIC KEY-----\n{der}\n-----END PUBLIC KEY-----\n", f"ssh-ed25519 {ssh} erin@laptop\n"):
        path.write_text(text)
        assert_refused(world.run("key", "show", str(path)), "that anybody could sign for")
        member = f"--member=platform:erin={path}"
        made = world.run("contract", "init", str(world.base / "new"), member, f"--member=security:alice={path}")
        assert_refused(made, "that anybody could sign for")


def forgeable(key: Ed25519PublicKey) -> bool:
    """Whether some message has a signature that was made of nothing."""
    for number in range(64):
        for point in NOBODYS:
            try:
                key.verify(point.to_bytes(32, "little") + bytes(32), b"message %d" % number)
            except InvalidSignature:
                continue
            return True
    return False


def test_two_keys_of_one_person(found: Make) -> None:
    """One member of security signs with both of their keys, to be two."""
    sides = terms().parties
    security = Party({**sides["security"].members, "alice": Member((public("alice"), public("alice-2")))})
    world = found(parties={**sides, "security": security})
    world.put(world.version("alice", "alice-2", "dave", expires=day(150)))
    assert_refused(verified(world), "accept_contract by the rules of version 1 wants 1 more of security (bob or carol)")
    world.put(world.version("alice", "bob", "dave", expires=day(150)))
    assert verified(world).code == 0


@pytest.mark.parametrize(("name", "same"), [("dave", "dave"), ("Dave", "dave"), ("DAVE", "dave")])
def test_one_person_in_two_parties(world: World, name: str, same: str) -> None:
    """One person is entered on both sides, in other letters and with another key."""
    security = Party({**world.terms.parties["security"].members, name: Member((public("dave-2"),))})
    refused_at_load(world, {**world.terms.parties, "security": security}, "nobody sits on two sides")
    assert same == "dave"


def test_look_alike_name(world: World) -> None:
    """A member is entered whose name looks like another's, in letters of another script."""
    security = Party({**world.terms.parties["security"].members, "d\u0430ve": Member((public("dave-2"),))})
    refused_at_load(world, {**world.terms.parties, "security": security}, "a name is letters, digits")


def test_machine_as_a_person(world: World) -> None:
    """The scanner's key is entered for a person too, so that a machine signs as one."""
    security = Party({**world.terms.parties["security"].members, "bob": Member((public("ci"),))})
    refused_at_load(world, {**world.terms.parties, "security": security}, "bob and ci hold the same key")


def test_scanner_signs_a_version(world: World) -> None:
    """A scanner signs in place of a person."""
    world.put(world.version("alice", "ci", "dave", expires=day(150)))
    assert_refused(verified(world), "signed by a key that nobody in the contract holds")


def test_one_party_in_two(world: World) -> None:
    """A party is added that consists of the attacker, and the rules ask it in place of security."""
    parties = {**world.terms.parties, "auditors": party("mallory")}
    rules = {**world.terms.rules, "accept_contract": {"platform": 1, "auditors": 1}}
    world.put(world.version("dave", "erin", "mallory", parties=parties, rules=rules))
    assert_refused(
        verified(world), "wants 2 more of security (alice or bob or carol); signed by dave and erin (platform)"
    )


def test_forged_chain_is_told_apart(world: World, second: Path) -> None:
    """The honest counterpart: a version that enough people signed is in force."""
    assert second.exists()
    assert "version 2" in said(verified(world))
