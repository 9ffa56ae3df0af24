"""A contract in a folder with a small policy bundle, two scanners, and results that they signed, for tests."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from parties import after, link, private, public, sign, terms
from xspm.app.agreed import under
from xspm.app.attest import ASSESSMENT, EVIDENCE, attest
from xspm.app.scan import Request, collect, report
from xspm.app.trust import Trusted, open_contract
from xspm.contract.approval import ExceptionText, encode_exception
from xspm.contract.envelope import Envelope, decode_envelope
from xspm.contract.folder import bundle_path, version_path, write
from xspm.contract.terms import Bundle, Scanner
from xspm.model.digest import Digest, canonical, digest_bytes
from xspm.policy.bundle import encode_bundle
from xspm.policy.folder import Folder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from xspm.contract.chain import Link
    from xspm.contract.keys import PublicKey

SIGNERS = ("alice", "bob", "dave")
AT = "2026-06-01T12:00:00Z"
NOW = "2026-06-02T12:00:00Z"

POD = """\
apiVersion: v1
kind: Pod
metadata: {{name: {name}}}
spec: {{containers: [{{name: {container}, image: i}}]}}
---
"""
CHECK = """\
title: Containers have names that we know
severity: {severity}
resource: k8s.container
parameters:
  names: {{default: [{names}], description: Names that containers may have.}}
check: resource.name in params.names
message: "unexpected name {{resource.name}}"
rationale: Because we say so.
remediation: {{steps: Rename it.}}
references: [https://example.org/names]
examples:
  pass:
    - manifest: |
        {{apiVersion: v1, kind: Pod, metadata: {{name: a}}, spec: {{containers: [{{name: web, image: i}}]}}}}
  fail:
    - manifest: |
        {{apiVersion: v1, kind: Pod, metadata: {{name: a}}, spec: {{containers: [{{name: db, image: i}}]}}}}
"""
POLICY = 'title: Ours\nversion: "1"\ninclude: [{checks: ["own.*"]}]\n'
KNOWN, LOW = "own.is_known", "own.is_known_low"


def bundle(names: str = "web", severity: str = "high") -> bytes:
    """A bundle of two checks that differ in severity only."""
    files = {
        "checks/own/is_known.yaml": CHECK.format(severity=severity, names=names).encode(),
        "checks/own/is_known_low.yaml": CHECK.format(severity="low", names=names).encode(),
        "policies/ours.yaml": POLICY.encode(),
    }
    return encode_bundle([Folder(shown="ours", files=files)], ["ours"])


class Key(NamedTuple):
    """A signer for tests: the key that follows from a name."""

    name: str

    @property
    def key(self) -> PublicKey:
        return public(self.name)

    def sign(self, data: bytes) -> bytes:
        return private(self.name).sign(data)


class Place(NamedTuple):
    """A contract's folder and its root."""

    folder: Path
    root: Digest
    first: Link

    def trusted(self, now: str = NOW) -> Trusted:
        return open_contract(str(self.folder), self.root, now)

    def next(self, **more: Any) -> Link:
        """Bring a version into force."""
        newest = self.trusted().accepted[-1].link
        following = after(newest, *SIGNERS, "carol", "erin", "frank", **more)
        put(self.folder, following)
        return following

    def add_bundle(self, data: bytes) -> Digest:
        write(bundle_path(self.folder, digest_bytes(data)), data)
        return digest_bytes(data)


def put(folder: Path, version: Link) -> None:
    write(version_path(folder, "versions", version.terms.version), version.envelope.encode())


def place(folder: Path, **more: Any) -> Place:
    """A contract with a bundle and the scanners `ci` (security) and `ops` (platform)."""
    data = bundle()
    given: dict[str, Any] = {
        "expires": "2099-12-31",
        "policies": Bundle(1, digest_bytes(data)),
        "scanners": {
            "ci": Scanner((public("ci"),), ("*",), "security"),
            "ops": Scanner((public("ops"),), ("*",), "platform"),
        },
    }
    first = link(terms(**{**given, **more}), *SIGNERS)
    put(folder, first)
    write(bundle_path(folder, digest_bytes(data)), data)
    return Place(folder, first.digest, first)


def private_file(path: Path, name: str) -> Path:
    path.write_bytes(private(name).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    path.chmod(0o600)
    return path


def manifest(path: Path, *containers: str) -> Path:
    path.write_text("".join(POD.format(name=f"pod-{name}", container=name) for name in containers), encoding="utf-8")
    return path


def results(
    at: Place,
    target: Path,
    folder: Path,
    *,
    scanner: str = "ci",
    when: str = AT,
    trusted: Trusted | None = None,
    fail_on: Any = "high",
    engine: Any = "xspm",
) -> list[Path]:
    """Scan a manifest under the contract and sign."""
    trusted = trusted or at.trusted()
    in_force, reference = under(trusted, when, cached=False)
    request = Request((str(target),), in_force, fail_on=fail_on, engine=engine, contract=reference)
    read = collect(request, lambda _text: None)
    snapshots = [msgspec.structs.replace(one, collected_at=when) for one in read.snapshots]
    run = report(request, snapshots, read.failures, started=when)
    return attest(list(zip(snapshots, run.assessments, strict=True)), run, trusted, Key(scanner), folder)


def except_(at: Place, asset: str, resource: str, *names: str, check: str = KNOWN, **more: Any) -> Path:
    """Put an exception into the contract's folder."""
    given: dict[str, Any] = {
        "check": check,
        "asset": asset,
        "resources": (resource,),
        "reason": "OPS-1",
        "compensation": "none is needed",
        "expires": "2026-07-01",
        "requested_by": "dave",
        "requested_at": "2026-06-01T08:00:00Z",
        "contract": at.root,
    }
    envelope = sign(Envelope(encode_exception(ExceptionText(**{**given, **more}))), *(names or ("dave", "alice")))
    path = at.folder / "exceptions" / f"{envelope.digest[7:19]}.dsse.json"
    write(path, envelope.encode())
    return path


def edit(path: Path, change: Callable[[Any], None], signer: str | None = None) -> None:
    """Change what a statement says; keep its signature, or sign it anew."""
    envelope = decode_envelope(path.read_bytes(), str(path))
    statement = json.loads(envelope.payload)
    change(statement)
    payload = canonical(statement)
    edited = sign(Envelope(payload), signer) if signer else Envelope(payload, envelope.signatures)
    path.write_bytes(edited.encode())


def payload(path: Path) -> Any:
    """What a statement says."""
    return json.loads(base64.b64decode(json.loads(path.read_bytes())["payload"]))


def evidence(result: Path) -> Any:
    return json.loads((result / EVIDENCE).read_bytes())


def asset_of(result: Path) -> str:
    return str(payload(result / ASSESSMENT)["subject"][0]["name"])
