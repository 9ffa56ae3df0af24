"""What every report format promises, over runs that no fixture foresaw: nothing, only failures, every status at once."""

from __future__ import annotations

import subprocess
import sys

import msgspec
import pytest

from commandline import ROOT, acting
from xspm.model.verdict import Failure, Run
from xspm.report.interface import ALIASES, SUFFIXES, TABLE, Format, format_for, load, parse_output

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
