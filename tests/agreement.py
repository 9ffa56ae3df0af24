"""A contract in a folder with everybody's key beside it, for tests that play people at the command line."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import msgspec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from commandline import Outcome, call
from parties import AUDIT, PLATFORM, SECURITY, after, key_id, link, private, public, sign, terms
from xspm.contract import folder as layout
from xspm.contract.envelope import Envelope
from xspm.contract.terms import Bundle, Critical, Member, Party
from xspm.model.asset import Asset, Resource, Snapshot, encode_snapshot
from xspm.policy.bundle import encode_bundle
from xspm.policy.folder import Folder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pytest

    from xspm.contract.chain import Link

NOW = "2026-06-01T12:00:00Z"
LATER = "2026-06-20T12:00:00Z"
CHECK = "linux.sshd.permits_no_root_login"
ASSET = "host:db-1"
CRITICAL = (Critical(("host:db-*",), {"platform": 1, "security": 1}, 7),)
CLOCKS = (
    "xspm.cli.exception.now",
    "xspm.cli.approve.now",
    "xspm.cli.drift.now",
    "xspm.cli.contracted.now",
)
CHECK_TEXT = b"""\
title: Root cannot log in over SSH
severity: medium
resource: linux.sshd
check: resource.permit_root_login == "no"
message: PermitRootLogin is {resource.permit_root_login}
rationale: A direct root session leaves no trace of the person behind it, so nobody can be asked.
remediation: {steps: Set PermitRootLogin no}
references: [https://man.openbsd.org/sshd_config]
examples:
  pass: [{resource: {permit_root_login: "no"}}]
  fail: [{resource: {permit_root_login: "yes"}}]
"""
POLICY_TEXT = b"""\
title: Ours
version: "1"
include: [{checks: [linux.*]}]
"""


def member(*keys: str, **accounts: str) -> Member:
    """A person with keys made from some names."""
    return Member(tuple(public(one) for one in keys), accounts)


def people(**changed: Member) -> dict[str, Party]:
    """The usual parties, with some people changed or added to security."""
    sides = {"security": SECURITY, "platform": PLATFORM, "audit": AUDIT}
    members = {side: {name: changed.pop(name, member(name)) for name in names} for side, names in sides.items()}
    members["security"].update(changed)
    return {side: Party(held) for side, held in members.items()}


class Agreement:
    """One contract's folder, and the people around it."""

    def __init__(self, base: Path, patch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], **more: Any) -> None:
        self.folder = base / "contract"
        self._base, self._patch, self._capsys = base, patch, capsys
        bundle = encode_bundle(
            [Folder("ours", {f"checks/{CHECK.replace('.', '/')}.yaml": CHECK_TEXT, "policies/ours.yaml": POLICY_TEXT})],
            ["ours"],
        )
        digest = Envelope(bundle).digest
        layout.write(layout.bundle_path(self.folder, digest), bundle)
        first = {"policies": Bundle(1, digest), "critical": CRITICAL, **more}
        self.links: list[Link] = []
        self._put(link(terms(**first), "alice", "bob", "dave"))
        patch.setenv("XSPM_CONTRACT_ROOT", self.links[0].digest)
        self.at(NOW)

    def _put(self, version: Link) -> None:
        self.links.append(version)
        path = layout.version_path(self.folder, "versions", version.terms.version)
        layout.write(path, version.envelope.encode())

    def amend(self, *names: str, **more: Any) -> None:
        """Bring another version into force."""
        self._put(after(self.links[-1], *(names or ("alice", "bob", "dave", "frank")), **more))

    def at(self, moment: str) -> None:
        """Set the clock of the command line."""
        for clock in CLOCKS:
            self._patch.setattr(clock, lambda: moment)

    def key(self, name: str) -> str:
        """The private key file of somebody, or of nobody in the contract."""
        path = self._base / f"{name}.key"
        if not path.exists():
            pem = private(name).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            descriptor = os.open(path, os.O_CREAT | os.O_WRONLY, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(pem)
        return str(path)

    def run(self, *arguments: str) -> Outcome:
        """Run a command under the contract."""
        return call(self._capsys, *arguments, "--contract", str(self.folder))

    def request(self, name: str = "dave", **more: str | Sequence[str]) -> Outcome:
        """Ask for an exception."""
        given: dict[str, str | Sequence[str]] = {
            "check": CHECK,
            "asset": ASSET,
            "resource": "sshd",
            "reason": "the appliance logs in so",
            "compensation": "only from the jump host",
            "expires": "2026-08-01",
            **more,
        }
        return self.run("exception", "request", "--key", self.key(name), *_flags(given))

    def approve(self, file: str | Path, name: str) -> Outcome:
        """Approve an exception."""
        return self.run("exception", "approve", str(file), "--key", self.key(name), "--yes")

    def ask_change(self, name: str = "dave", **more: str) -> Outcome:
        """Ask for the approval of a change."""
        given: dict[str, str | Sequence[str]] = {
            "asset": ASSET,
            "before": self.snapshot("old"),
            "after": self.snapshot("new"),
            "reason": "OPS-12",
            "not-before": "2026-06-01T00:00:00Z",
            "not-after": "2026-06-03T00:00:00Z",
            **more,
        }
        return self.run("approve", "change", "--key", self.key(name), *_flags(given))

    def approve_change(self, file: str | Path, name: str) -> Outcome:
        """Approve a change."""
        return self.run("approve", "change", str(file), "--key", self.key(name), "--yes")

    def snapshot(self, value: str, collected_at: str = NOW, asset: str = ASSET) -> str:
        """The file of a host's snapshot in a state."""
        resource = Resource("linux.sshd", "sshd", "sshd", {"permit_root_login": value, "root_password": value})
        snapshot = Snapshot(Asset("host", asset, asset), collected_at, "linux", ("linux.sshd",), (resource,))
        path = self._base / f"{value}-{collected_at[:10]}-{asset[-4:]}.json"
        path.write_bytes(encode_snapshot(snapshot))
        return str(path)

    def files(self, kind: layout.Kind) -> list[Path]:
        """The envelopes of a kind."""
        return layout.envelope_paths(self.folder, kind)

    def tampered(self, path: Path, **changed: Any) -> Path:
        """Edit the signed text in a file, and keep its signatures."""
        envelope = layout.read_envelope(path)
        payload = msgspec.json.decode(envelope.payload)
        payload["predicate"].update(changed)
        from xspm.model.digest import canonical, digest  # noqa: PLC0415

        value = digest(payload["predicate"]).partition(":")[2]
        payload["subject"][0]["digest"] = {"sha256": value}
        path.write_bytes(Envelope(canonical(payload), envelope.signatures).encode())
        return path

    def signed(self, path: Path, *names: str) -> None:
        """Add signatures without asking xspm."""
        path.write_bytes(sign(layout.read_envelope(path), *names).encode())


def _flags(given: dict[str, str | Sequence[str]]) -> list[str]:
    return [
        part
        for name, value in given.items()
        for one in ([value] if isinstance(value, str) else value)
        for part in (f"--{name}", one)
    ]


__all__ = ["ASSET", "CHECK", "CRITICAL", "LATER", "NOW", "Agreement", "key_id", "member", "people"]
