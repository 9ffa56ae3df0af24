"""The contract that a run was held under is in every report, and so is what a reader must know of it."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from xspm.model.digest import Digest
from xspm.model.verdict import ContractRef, Run
from xspm.report.interface import TABLE, load

RUN = msgspec.json.decode(
    (Path(__file__).parents[2] / "data" / "report" / "run.json").read_bytes(),
    type=Run,
)
HELD = ContractRef(
    name="acme",
    version=3,
    digest=Digest("sha256:" + "1" * 64),
    root=Digest("sha256:" + "0" * 64),
    bundle=Digest("sha256:" + "2" * 64),
    bundle_version=7,
    expires="2026-12-31",
    degraded="two people on leave",
    degraded_until="2026-08-31",
    exceptions=(Digest("sha256:" + "3" * 64),),
    refused=("late.dsse.json: the exception expired",),
)
# Markdown breaks up what a code host would act upon.
SPLIT = re.compile(r"<!-- -->|\\")


@pytest.mark.parametrize("name", TABLE)
def test_the_contract_and_its_degraded_mode_are_shown(name: str) -> None:
    text = load(name).render(msgspec.structs.replace(RUN, contract=HELD))
    plain = SPLIT.sub("", text)
    for told in ("acme", "two people on leave", "2026-08-31", "late.dsse.json"):
        assert told in plain


@pytest.mark.parametrize("name", [name for name in TABLE if name not in {"json", "csv"}])
def test_a_run_without_a_contract_speaks_of_none(name: str) -> None:
    assert "contract" not in load(name).render(RUN).lower()
