"""One set of policy files has one bundle, and a bundle one digest."""

from __future__ import annotations

import json
from typing import Any

import pytest

from xspm.errors import PolicyError
from xspm.policy.bundle import FORMAT, decode_bundle, encode_bundle
from xspm.policy.folder import Folder

SHIPPED = Folder("xspm", {"checks/a/b.yaml": b"title: A\n", "policies/p.yaml": "title: Größe\n".encode()}, shipped=True)
OWN = Folder(".xspm", {"exceptions.yaml": b"exceptions: []\n", "checks/own/c.yaml": b"title: C\n"})


def test_round_trip() -> None:
    found = decode_bundle(encode_bundle([SHIPPED, OWN], ["p"]), "x")
    assert [folder.files for folder in found.folders] == [SHIPPED.files, {"checks/own/c.yaml": b"title: C\n"}]
    assert [folder.shipped for folder in found.folders] == [True, False]
    assert found.policies == ("p",)


def test_the_same_files_give_the_same_bytes() -> None:
    turned = Folder("elsewhere", dict(reversed(SHIPPED.files.items())), shipped=True)
    assert encode_bundle([turned], ["q", "p", "p"]) == encode_bundle([SHIPPED], ["p", "q"])


def test_a_folder_of_exceptions_alone_leaves_no_trace() -> None:
    assert encode_bundle([SHIPPED, Folder("x", {"exceptions.yaml": b""})], []) == encode_bundle([SHIPPED], [])


def test_only_text_is_bundled() -> None:
    with pytest.raises(PolicyError, match=r"^.xspm/checks/x.yaml: the text is not UTF-8"):
        encode_bundle([Folder(".xspm", {"checks/x.yaml": b"\xff"})], [])


def _wire(**more: Any) -> bytes:
    return json.dumps({**json.loads(encode_bundle([SHIPPED], ["p"])), **more}).encode()


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"", "not a policy bundle"),
        (b"\xff", "not a policy bundle"),
        (b"[" * 50_000, "not a policy bundle"),
        (b"{}", "missing required field"),
        (_wire(more=1), "unknown field `more`"),
        (_wire(format="xspm.bundle/9"), f"a bundle of the format 'xspm.bundle/9', and this is xspm for {FORMAT}"),
        (_wire(), "not written as xspm writes a bundle"),
        (encode_bundle([SHIPPED], ["p"]) + b"\n", "not written as xspm writes a bundle"),
        (encode_bundle([SHIPPED], ["p"]).replace(b'["p"]', b'["p","p"]'), "not written as xspm writes a bundle"),
        (encode_bundle([SHIPPED], []).replace(b"checks/a/b.yaml", b"exceptions.yaml"), "not written as xspm writes"),
        (encode_bundle([SHIPPED], []).replace(b"checks/a/b.yaml", b"../../etc/x"), "not written as xspm writes"),
    ],
)
def test_refused(data: bytes, complaint: str) -> None:
    with pytest.raises(PolicyError, match=complaint):
        decode_bundle(data, "x.json")


def test_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xspm.policy.bundle.MAX_BUNDLE", 10)
    with pytest.raises(PolicyError, match="larger than the 10 bytes"):
        decode_bundle(b" " * 11, "x")
