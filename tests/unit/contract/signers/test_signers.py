"""The table of signers: every kind is there, opens what is its own, and says what it lacks."""

from __future__ import annotations

import builtins
import importlib
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from xspm.contract.signers import KINDS, kind_of, open_signer
from xspm.errors import ContractError

ROOT = Path(__file__).parents[4]

EXAMPLES = {
    "agent": "agent:",
    "hsm": "hsm:2",
    "awskms": "awskms:alias/alice",
    "gcpkms": "gcpkms:projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1",
    "azurekms": "azurekms://acme.vault.azure.net/keys/alice",
    "hv": "hv:alice",
}
SDKS = ("asyncssh", "pkcs11", "boto3", "botocore", "google", "azure", "hvac", "bcrypt")


@pytest.mark.parametrize(
    ("where", "kind"),
    [*((where, kind) for kind, where in EXAMPLES.items()), ("a.key", ""), ("./agent:", ""), ("agent", ""), ("x:y", "")],
)
def test_kinds(where: str, kind: str) -> None:
    assert kind_of(where) == kind


def test_every_kind_has_a_module_that_opens() -> None:
    assert {*EXAMPLES, ""} == {*KINDS}
    for kind in KINDS.values():
        assert callable(importlib.import_module(f"xspm.contract.signers.{kind.module}").open_here)


@pytest.mark.parametrize("where", EXAMPLES.values(), ids=EXAMPLES)
def test_a_missing_library_is_named_by_its_extra(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYKCS11LIB", "/lib.so")
    found = builtins.__import__
    imported = importlib.import_module

    def without(name: str, *rest: Any) -> Any:
        if name.partition(".")[0] in SDKS:
            raise ImportError(name)
        return found(name, *rest)

    def module_without(name: str, package: str | None = None) -> Any:
        if name.partition(".")[0] in SDKS:
            raise ImportError(name)
        return imported(name, package)

    monkeypatch.setattr(builtins, "__import__", without)
    monkeypatch.setattr(importlib, "import_module", module_without)
    with pytest.raises(ContractError, match="not installed") as caught:
        open_signer(where, passphrase=lambda _: pytest.fail("asked"))
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    hint = str(caught.value.hint)
    assert hint.removeprefix("pip install 'xspm[").removesuffix("]'") in extras


def test_everything_imports_without_any_of_them() -> None:
    names = [f"xspm.contract.signers.{name}" for name in ("file", "agent", "service")]
    program = f"""
import sys
for name in {(*SDKS, "cryptography", "securesystemslib")!r}:
    sys.modules[name] = None
import xspm.app.keys, xspm.cli.key, {", ".join(names)}
"""
    subprocess.run([sys.executable, "-c", program], check=True)
