"""Thirty thousand verdicts: every format stays linear, in CPU seconds far from what a slow machine needs."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from xspm.report.interface import TABLE, load

if TYPE_CHECKING:
    from xspm.model.verdict import Run


@pytest.mark.parametrize("name", TABLE)
def test_thirty_thousand_verdicts(name: str, large: Run) -> None:
    format_ = load(name)
    start = time.process_time()
    format_.render(large)
    assert time.process_time() - start < 10
