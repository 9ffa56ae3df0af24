"""A log that somebody else serves."""

from __future__ import annotations

import contextlib
import http.server
import threading
from functools import partial
from typing import TYPE_CHECKING

import pytest

from xspm.errors import LedgerError
from xspm.ledger.remote import reader

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextlib.contextmanager
def serving(folder: Path, asked: list[str]) -> Iterator[str]:
    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:  # noqa: A002, ARG002 - the base class
            asked.append(self.path)

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("end", ["", "/", "/log", "/log//"])
def test_a_slash_at_the_end_says_nothing(tmp_path: Path, end: str) -> None:
    (tmp_path / "log").mkdir()
    for folder in (tmp_path, tmp_path / "log"):
        (folder / "checkpoint").write_bytes(b"text")
    asked: list[str] = []
    with serving(tmp_path, asked) as url:
        read = reader(url + end)
        assert read("checkpoint", 4) == b"text"
        assert read("none", 4) is None
        with pytest.raises(LedgerError, match=rf"{end.rstrip('/')}/checkpoint: more than 3 bytes") as raised:
            read("checkpoint", 3)
    assert "//checkpoint" not in raised.value.message
    assert {path for path in asked if "//" in path} == set()


def test_all_files_together_have_a_time(tmp_path: Path) -> None:
    (tmp_path / "checkpoint").write_bytes(b"text")
    asked: list[str] = []
    with serving(tmp_path, asked) as url, pytest.raises(LedgerError, match="reading the log took longer than 0 s"):
        reader(url, total=0)("checkpoint", 4)
    assert asked == []
