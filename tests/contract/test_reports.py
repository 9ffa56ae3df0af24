"""What every report format promises, over runs that no fixture foresaw: nothing, only failures, every status at once."""

from __future__ import annotations

import subprocess
import sys

import msgspec
import pytest

from commandline import ROOT, acting
from xspm.model.verdict import Failure, Run
from xspm.report.interface import ALIASES, SUFFIXES, TABLE, Format, InParts, format_for, load, parse_output

RICH = msgspec.json.decode((ROOT / "tests" / "data" / "report" / "run.json").read_bytes(), type=Run)
EMPTY = Run(
    version="0", started_at="2026-01-01T00:00:00Z", assessments=(), checks={}, fail_on="high", allow_unknown=False, gate="pass"
)  # fmt: skip
RUNS = {
    "rich": RICH,
    "empty": EMPTY,
    "only failures": msgspec.structs.replace(EMPTY, failures=(Failure("ssh://\x1b[2J", "refu\nsed", "\u202ehint"),)),
    "without verdicts": msgspec.structs.replace(
        RICH, assessments=tuple(msgspec.structs.replace(one, verdicts=()) for one in RICH.assessments)
    ),
    "no threshold": msgspec.structs.replace(RICH, fail_on="never", gate="pass"),
    "unknown allowed": msgspec.structs.replace(RICH, allow_unknown=True),
}


@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize("name", TABLE)
def test_every_format_renders_every_run(name: str, run: str) -> None:
    text = load(name).render(RUNS[run])
    assert text == load(name).render(RUNS[run])
    assert acting(text) == []
    assert text.endswith("\n")
    assert "\r" not in text


@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize("name", ["json", "sarif", "junit", "csv"])
def test_a_format_that_is_as_long_as_the_evidence_comes_in_parts(name: str, run: str) -> None:
    one = load(name)
    assert isinstance(one, InParts)
    assert "".join(one.parts(RUNS[run])) == one.render(RUNS[run])


@pytest.mark.parametrize("name", ["json", "sarif", "junit", "csv"])
def test_no_part_is_as_long_as_the_evidence(name: str) -> None:
    one, first = load(name), RICH.assessments[0]
    assert isinstance(one, InParts)
    large = msgspec.structs.replace(RICH, assessments=(msgspec.structs.replace(first, verdicts=first.verdicts * 400),))
    parts = list(one.parts(large))
    assert "".join(parts) == one.render(large)
    assert max(map(len, parts)) < len("".join(parts)) / 2


@pytest.mark.parametrize("name", TABLE)
def test_assets_of_one_name_are_told_apart(name: str) -> None:
    """Two roots called `root`: every place that names an asset names one of them."""
    one = RICH.assessments[0]
    twins = tuple(
        msgspec.structs.replace(one, asset=msgspec.structs.replace(one.asset, id=f"dir:{folder}/root", name="twinroot"))
        for folder in ("old", "new")
    )
    text = load(name).render(msgspec.structs.replace(RICH, assessments=twins))
    said = text.replace("\\", "")
    assert "dir:old/root" in said or "dir/old/root" in said
    assert "dir:new/root" in said or "dir/new/root" in said
    if name != "json":
        assert "twinroot" not in said


@pytest.mark.parametrize("name", TABLE)
def test_a_format_is_what_the_tables_say(name: str) -> None:
    one = load(name)
    assert isinstance(one, Format)
    assert one.name == name
    assert set(one.suffixes) == {suffix for suffix, format_ in SUFFIXES.items() if format_ == name}
    assert type(one).__doc__
    assert all(format_for(f"report{suffix}") == name for suffix in one.suffixes)
    assert parse_output(name).format == name


def test_aliases_and_suffixes_lead_somewhere() -> None:
    assert set(ALIASES.values()) | set(SUFFIXES.values()) <= set(TABLE)
    assert not set(ALIASES) & set(TABLE)
    lengths = list(SUFFIXES)
    for index, suffix in enumerate(lengths):
        assert not [longer for longer in lengths[index + 1 :] if longer.endswith(suffix) and longer != suffix]


@pytest.mark.parametrize("name", TABLE)
def test_a_format_imports_no_other(name: str) -> None:
    code = (
        "import sys; from xspm.report.interface import TABLE, load; load(sys.argv[1]); "
        "others = [module for name, module in TABLE.items() if name != sys.argv[1] and module in sys.modules]; "
        "assert not others, others"
    )
    subprocess.run([sys.executable, "-c", code, name], check=True, timeout=60)
