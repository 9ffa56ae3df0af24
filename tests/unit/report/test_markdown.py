from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from xspm.report import markdown
from xspm.report.text import clean, cut

if TYPE_CHECKING:
    from xspm.model.verdict import Run


def test_fits_a_comment_and_says_what_is_left_out(large: Run) -> None:
    text = markdown.render(large)
    assert len(text.encode()) <= markdown.LIMIT


@pytest.mark.parametrize("limit", [1200, 2000, 4000])
def test_a_smaller_limit_is_kept_honestly(run: Run, limit: int) -> None:
    text = markdown.render(run, limit)
    assert len(text.encode()) <= limit
    assert re.search(r"\*\*\d+ more entries\*\* left out", text)
    assert text.count("<details>") == text.count("</details>")


def test_hostile_names_stay_text(run: Run) -> None:
    html = MarkdownIt("gfm-like", {"html": True, "linkify": False}).render(markdown.render(run))
    outside = re.sub(r"<code>.*?</code>", "", html, flags=re.DOTALL)
    assert "evil" not in outside
    assert "<script" not in html
    assert "@all" not in outside


@given(st.text(min_size=1))
def test_a_span_is_one_code_span(raw: str) -> None:
    tokens = MarkdownIt().parseInline(markdown.span(raw))[0].children or []
    shown = cut(clean(raw), 300)
    if shown.strip():
        assert [(token.type, token.content) for token in tokens if token.content] == [("code_inline", shown)]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("a <b> [c](d)", "a \\<b\\> \\[c\\]\\(d\\)"),
        ("@team #1 http://x", "@<!-- -->team #<!-- -->1 http:<!-- -->//x"),
    ],
)
def test_prose(raw: str, expected: str) -> None:
    assert markdown.prose(raw) == expected
