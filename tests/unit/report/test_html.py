from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from itertools import pairwise
from typing import TYPE_CHECKING

import msgspec
import pytest

from xspm.model.check import SEVERITIES
from xspm.report import html

if TYPE_CHECKING:
    from xspm.model.verdict import Run

VOID = {"meta", "br", "rect", "circle"}


class Page(HTMLParser):
    """Collects tags, attributes and text, and holds every element to be closed where it was opened."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str, str]] = []
        self.headings: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag


def test_page_is_well_formed_and_runs_and_loads_nothing(run: Run) -> None:
    page = Page(html.render(run))
    assert page.open == []
    assert not page.tags & {"script", "link", "img", "iframe", "object", "form", "base"}
    assert not [name for _, name, _ in page.attributes if name.startswith("on") or name in {"src", "style"}]
    assert all(value.startswith(("#", "https://", "http://")) for _, name, value in page.attributes if name == "href")


def test_policy_allows_only_the_style_sheet(run: Run) -> None:
    text = html.render(run)
    style = text.partition("<style>")[2].partition("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'" in text
    assert "url(" not in style
    assert "@import" not in style


def test_page_can_be_read_by_everyone(run: Run) -> None:
    text = html.render(run)
    page = Page(text)
    assert page.headings[0] == "h1"
    assert page.headings.count("h1") == 1
    levels = [int(heading[1]) for heading in page.headings]
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert text.count("<table") == text.count("<caption")
    assert ("html", "lang", "en") in page.attributes


def _channel(value: int) -> float:
    share = value / 255
    return share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4


def _contrast(one: str, other: str) -> float:
    lights = []
    for colour in (one, other):
        red, green, blue = (_channel(int(colour[i : i + 2], 16)) for i in (1, 3, 5))
        lights.append(0.2126 * red + 0.7152 * green + 0.0722 * blue)
    return (max(lights) + 0.05) / (min(lights) + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_text_has_contrast(run: Run, theme: int) -> None:
    """WCAG 2.2 level AA: 4.5 to 1."""
    style = html.render(run).partition("<style>")[2]
    blocks = re.findall(r":root \{(.*?)\}", style, re.DOTALL)
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", blocks[theme]))
    pairs = [(ink, ground) for ink in ("ink", "soft", "link") for ground in ("page", "card", "sunk")]
    pairs += [(word, f"{word}-tint") for word in (*SEVERITIES, "pass", "unknown")]
    pairs += [("pass", "card"), ("critical", "card")]
    assert {pair: ratio for pair in pairs if (ratio := _contrast(colours[pair[0]], colours[pair[1]])) < 4.5} == {}


def test_many_resources_are_counted_and_not_all_written(large: Run) -> None:
    text = html.render(large)
    assert len(text) < 1_000_000
    assert "more, all of them in the JSON and CSV reports" in text


def test_only_links_to_the_web_are_links(run: Run) -> None:
    checks = {
        name: msgspec.structs.replace(check, references=("javascript:alert(1)",)) for name, check in run.checks.items()
    }
    text = html.render(msgspec.structs.replace(run, checks=checks))
    assert "<li>javascript:alert(1)</li>" in text
    assert 'href="javascript' not in text
