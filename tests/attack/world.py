"""One small organisation for tests of attacks: three parties, a contract, scanners, a pipeline, a ledger and a witness.

Everything is real: files in folders, people's keys, and xspm's own command line with the clock of the machine. Dates are
counted from today. An attacker may use anything here that their row of the table of attackers gives them: `key` for a
stolen key, `place` and `version` for what they write by hand, `edit` for files that they change.

    security   alice, bob, carol     runs the scanner `ci`
    platform   dave, erin            runs the scanner `ops` and the ledger
    audit      frank                 runs the witness
"""

from __future__ import annotations

import contextlib
import datetime
import json
import shutil
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from commandline import Outcome, assert_calm, call
from parties import after, key_file, link, private, public, sign, terms
from resulting import KNOWN, LOW, asset_of, bundle, edit, evidence, manifest, payload
from xspm.app.ledger import log_key, witness_key
from xspm.app.trust import user_folder
from xspm.contract.approval import ExceptionText, encode_exception
from xspm.contract.chain import Link, encode_terms, read_link
from xspm.contract.envelope import Envelope
from xspm.contract.folder import bundle_path, version_path, write
from xspm.contract.terms import Bundle, Critical, LedgerTerms, Owned, Scanner
from xspm.ledger.files import Disk
from xspm.ledger.log import Log
from xspm.ledger.note import Signer
from xspm.ledger.records import Record, encode_record
from xspm.ledger.witness import Witness, enroll
from xspm.ledger.witness_server import WitnessServer
from xspm.model.digest import Digest, digest_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

    from xspm.contract.terms import Terms

ENOUGH = ("alice", "bob", "dave")
"""Whose signatures suffice for any ordinary version of the contract."""
EVERYBODY = ("alice", "bob", "carol", "dave", "erin", "frank")
ORIGIN = "acme.example/xspm"
LOG = log_key(ORIGIN, public("log"))
WITNESS = witness_key("audit.example/witness", public("witness"))
DB, WEB = "default/Pod/pod-db/container/db", "default/Pod/pod-web/container/web"
OWNED = "k8s-owned:*"


def day(offset: int = 0) -> str:
    """A date so many days from today."""
    return (datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=offset)).date().isoformat()


def moment(hours: float = 0) -> str:
    """A time so many hours from now."""
    then = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=hours)
    return then.strftime("%Y-%m-%dT%H:%M:%SZ")


def said(outcome: Outcome) -> str:
    """All that a command said, in one line, however wide the terminal is."""
    return " ".join((outcome.out + outcome.err).split())


class World:
    """The organisation, and the reader who looks at it."""

    def __init__(self, base: Path, capsys: pytest.CaptureFixture[str], **changed: Any) -> None:
        """Bring the first version of a contract into force, with some of its terms changed."""
        self.base, self.folder, self.results, self.ledger = base, base / "contract", base / "results", base / "ledger"
        self.pods = base / "pods.yaml"
        self.capsys = capsys
        self.url = "http://127.0.0.1:9"
        data = bundle()
        given: dict[str, Any] = {
            "expires": day(200),
            "policies": Bundle(1, digest_bytes(data)),
            "scanners": {
                "ci": Scanner((public("ci"),), ("*",), "security"),
                "ops": Scanner((public("ops"),), ("*",), "platform"),
            },
            "critical": (Critical(("host:db-*",), {"platform": 1, "security": 1}, 7),),
            "owners": (Owned((OWNED,), ("carol",)),),
            "ledger": LedgerTerms(ORIGIN, LOG.vkey, "platform", {"audit": WITNESS.vkey}),
        }
        self.links: list[Link] = [link(terms(**{**given, **changed}), *ENOUGH)]
        self.put(self.links[0])
        self.add_bundle(data)
        self.deploy("web")

    @property
    def root(self) -> Digest:
        """What the reader pinned."""
        return self.links[0].digest

    @property
    def terms(self) -> Terms:
        """The honest newest version."""
        return self.links[-1].terms

    # What is on disk

    def put(self, version: Link, name: int | None = None) -> Path:
        """Lay a version among those in force, in place of one of that number."""
        path = version_path(self.folder, "versions", name or version.terms.version)
        write(path, version.envelope.encode(), again=True)
        return path

    def version(self, *names: str, **changed: Any) -> Link:
        """The next version, signed by some; nothing is written."""
        return after(self.links[-1], *names, **changed)

    def amend(self, *names: str, **changed: Any) -> Link:
        """Bring an honest next version into force."""
        self.links.append(self.version(*(names or EVERYBODY), **changed))
        self.put(self.links[-1])
        return self.links[-1]

    def add_bundle(self, data: bytes, name: Digest | None = None) -> Digest:
        """Lay a bundle into the contract's folder, perhaps under the name of another."""
        write(bundle_path(self.folder, name or digest_bytes(data)), data, again=True)
        return digest_bytes(data)

    def deploy(self, *containers: str) -> Path:
        """What the pipeline deploys: the policy knows `web` only."""
        return manifest(self.pods, *containers)

    def key(self, name: str) -> str:
        """The private key file of a person or machine, or of a stranger."""
        path = self.base / f"{name}.key"
        return str(path if path.exists() else key_file(self.base, name))

    def exception(self, *names: str, **changed: Any) -> Path:
        """An exception written by hand and signed by some, in the contract's folder."""
        given: dict[str, Any] = {
            "check": KNOWN,
            "asset": str(self.asset),
            "resources": (DB,),
            "reason": "OPS-1",
            "compensation": "watched by hand",
            "expires": day(20),
            "requested_by": "dave",
            "requested_at": moment(-1),
            "contract": self.links[-1].digest,
        }
        envelope = sign(Envelope(encode_exception(ExceptionText(**{**given, **changed}))), *names)
        path = self.folder / "exceptions" / f"{envelope.digest[7:19]}.dsse.json"
        write(path, envelope.encode(), again=True)
        return path

    # What people run

    def run(self, *arguments: str) -> Outcome:
        """Run a command."""
        outcome = call(self.capsys, *arguments)
        assert_calm(outcome)
        return outcome

    def under(self, *arguments: str) -> Outcome:
        """Run a command that is held under the contract."""
        return self.run(*arguments, "--contract", str(self.folder), "--root", self.root)

    def scan(self, *more: str) -> Outcome:
        """Scan what is deployed under the contract."""
        return self.under("scan", str(self.pods), *more)

    def scanned(self, *more: str) -> dict[str, Any]:
        """The JSON report of a scan under the contract."""
        outcome = self.scan("-o", "json", *more)
        assert outcome.code in {0, 1}, outcome
        found: dict[str, Any] = json.loads(outcome.out)
        return found

    @property
    def asset(self) -> str:
        """The id of what is deployed."""
        return f"kubernetes.manifests:{self.pods}"

    def signed(self, scanner: str = "ci") -> Path:
        """Scan and sign; the folder of the result."""
        outcome = self.scan("--sign", self.key(scanner), "--evidence", str(self.results / scanner))
        assert outcome.code in {0, 1}, outcome
        made = [line.removeprefix("signed: ") for line in outcome.err.splitlines() if line.startswith("signed: ")]
        return next(Path(path) for path in made if "kubernetes." in path)

    def newcomer(self) -> None:
        """From here on the reader is somebody who never saw this contract before."""
        shutil.rmtree(user_folder("XDG_STATE_HOME", ".local/state"), ignore_errors=True)

    def verify(self, *more: str, of: Path | None = None) -> Outcome:
        """Verify results."""
        return self.under("verify", str(of or self.results), *more)

    def looked(self, *more: str, of: Path | None = None) -> tuple[int, list[dict[str, Any]]]:
        """Verify results: the exit code, and what is said of each."""
        outcome = self.verify("--output", "json", *more, of=of)
        return outcome.code, json.loads(outcome.out)["results"]

    def differs(self, *more: str, of: Path | None = None) -> str:
        """What a verification that fails says, in one line."""
        code, found = self.looked(*more, of=of)
        assert code == 1, found
        return " | ".join(one["what"] for result in found for one in result["differences"])

    # The ledger

    def begin(self) -> None:
        """Begin the ledger with the contract on it."""
        begun = self.run("ledger", "init", str(self.ledger), "--origin", ORIGIN, "--key", self.key("log"))
        assert begun.code == 0, begun
        done = self.append(self.folder)
        assert (done.err, done.code) == ("", 0)

    def append(self, *paths: Path) -> Outcome:
        """Put signed things on the ledger and have the witness cosign."""
        watched = ("--key", self.key("log"), "--witness", f"audit={self.url}")
        return self.under("ledger", "append", str(self.ledger), *map(str, paths), *watched)

    def heartbeat(self) -> Outcome:
        """Say that the ledger lives, and have the witness cosign."""
        watched = ("--key", self.key("log"), "--witness", f"audit={self.url}")
        return self.under("ledger", "heartbeat", str(self.ledger), *watched)

    def behind(self, *records: Record, folder: Path | None = None) -> None:
        """What the operator writes with the log's key and their own tools, unseen by the witness."""
        log = Log(Disk(folder or self.ledger), Signer(LOG, private("log").sign))
        log.append([encode_record(record) for record in records])

    def audit(self, *more: str, of: Path | None = None) -> tuple[int, dict[str, str]]:
        """Audit the ledger: the exit code, and what is found, by kind."""
        outcome = self.under("ledger", "verify", str(of or self.ledger), "--output", "json", *more)
        return outcome.code, {one["kind"]: one["message"] for one in json.loads(outcome.out)["findings"]}


@contextlib.contextmanager
def witness(memory: Path) -> Iterator[str]:
    """The audit party's witness, at an address of this machine."""
    if not memory.exists():
        enroll(memory, [ORIGIN])
    keeper = Witness(Disk(memory), Signer(WITNESS, private("witness").sign), [LOG])
    server = WitnessServer(keeper, report=lambda _line: None)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server.url
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def forged(content: Terms, *names: str, key_of: dict[str, str] | None = None) -> Link:
    """A version with any terms, signed by some; with `key_of`, a name signs under another's key id."""
    envelope = Envelope(encode_terms(content))
    for name in names:
        holder = (key_of or {}).get(name, name)
        envelope = envelope.with_signature(public(holder).id, private(name).sign(envelope.signed_bytes()))
    return read_link(envelope, f"{content.version}.dsse.json")


def unchecked(content: Terms, *names: str) -> Link:
    """A version with terms that xspm itself would never write, signed by some."""
    return Link(content, sign(Envelope(encode_terms(content)), *names), "forged")


def changed(content: Terms, **more: Any) -> Terms:
    """Terms with some of them changed."""
    return msgspec.structs.replace(content, **more)


__all__ = [
    "DB", "ENOUGH", "EVERYBODY", "KNOWN", "LOG", "LOW", "ORIGIN", "OWNED", "WEB", "WITNESS", "World", "asset_of",
    "bundle", "changed", "day", "edit", "evidence", "forged", "moment", "payload", "said", "sign", "unchecked", "witness",
]  # fmt: skip
