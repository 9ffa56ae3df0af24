"""What tests of the whole command line share: a working folder and one cache of compiled checks."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from xspm.policy import library


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
