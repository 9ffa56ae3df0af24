"""What every signer keeps: its own signatures only, and an end."""

from __future__ import annotations

import threading

import pytest

from parties import private, public
from xspm.contract.signers import interface
from xspm.contract.signers.interface import checked, limited
from xspm.errors import ContractError


def test_a_signature_by_another_key_is_refused() -> None:
    good = private("alice").sign(b"text")
    assert checked(public("alice"), good, b"text", "it") == good
    with pytest.raises(ContractError, match=f"it signed with something else than its key {public('bob').id}"):
        checked(public("bob"), good, b"text", "it")


def test_an_answer_in_time() -> None:
    assert limited(lambda: 7, "it") == 7


@pytest.mark.parametrize("error", [ValueError("no"), TimeoutError("theirs"), ContractError("no")])
def test_an_error_in_time(error: Exception) -> None:
    def fail() -> None:
        raise error

    with pytest.raises(type(error), match=str(error)):
        limited(fail, "it")


def test_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interface, "PATIENCE", 0.01)
    never = threading.Event()
    with pytest.raises(ContractError, match=r"it gave no answer in 0\.01 s"):
        limited(never.wait, "it")
    never.set()
