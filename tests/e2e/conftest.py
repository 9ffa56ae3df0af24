"""What tests of the whole command line share: a working folder, one cache of compiled checks, and a clock that ends hangs."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from xspm.policy import library

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

LIMIT = 90
"""Seconds that one test may take."""


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def _workplace(_own_home: None, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand in an empty folder; compile the shipped checks once for all tests."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)


@pytest.fixture(autouse=True)
def _no_hang() -> Iterator[None]:
    def give_up(_number: int, _frame: FrameType | None) -> None:
        pytest.fail(f"hangs: no end after {LIMIT} s")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, LIMIT)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="session")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of a few of the shipped checks, with policies and catalogues."""
    kept = tmp_path_factory.mktemp("content")
    kept.chmod(0o755)
    for pattern in (
        "checks/k8s/container/image_*.yaml",
        "checks/k8s/container/is_*.yaml",
        "checks/linux/account/s*.yaml",
        "checks/linux/sudo/r*.yaml",
        "checks/linux/cron/j*.yaml",
        "checks/linux/file/setuid*.yaml",
        "policies/*.yaml",
        "frameworks/[np]*.yaml",
    ):
        for file in Path(library.CONTENT).glob(pattern):
            target = kept / file.relative_to(Path(library.CONTENT))
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, target)
    return kept


@pytest.fixture
def little_content(few: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ship only a few checks, for tests in which every case compiles all of them anew."""
    monkeypatch.setattr(library, "CONTENT", type(library.CONTENT)(few))
