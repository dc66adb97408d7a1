"""Headings can be linked to, by the names that forges give them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canonry.specs import parse
from canonry.specs.anchors import anchor_of
from canonry.specs.render import Place, render, render_markdown


@pytest.mark.parametrize(
    ("words", "name"),
    [("Getting started", "getting-started"), ("What's new?", "whats-new"), ("A & b", "a--b"), ("1.1. Child", "11-child"),
     ("Größe", "größe"), ("snake_case-and", "snake_case-and"), ("?!", "")],
)  # fmt: skip
def test_a_heading_is_called_as_on_forges(words: str, name: str) -> None:
    assert anchor_of(words) == name


def test_a_link_in_a_page_leads_to_its_heading() -> None:
    html = render_markdown("# The `code` &amp; *more*\n\n[down](#the-code--more) [Ü](#größe)\n\n## Größe\n\n## Größe\n")
    names = re.findall(r'<h\d id="([^"]*)">', html)
    assert names == ["section-the-code--more", "section-größe", "section-größe-1"]
    assert 'href="#section-the-code--more"' in html
    assert 'href="#section-gr%C3%B6%C3%9Fe"' in html


def test_a_link_to_another_page_leads_to_its_heading_or_its_section() -> None:
    assert 'href="docs/b.md#section-1-pay"' in render_markdown("[x](b.md#1-pay)", Place(path="docs/a.md"))
    html = render(parse("---\ntitle: T\n---\n## 1. Pay\n\n#### Pay\n\ntext\n\n#### Pay\n\n## 1.2. Go\n"))
    assert re.findall(r'<(\w+) id="([^"]*)"', html) == [
        ("section", "section-1-pay"), ("h4", "section-pay"), ("h4", "section-pay-1"),
        ("section", "section-1.2-go"), ("h3", "section-12-go"),
    ]  # fmt: skip


def test_a_link_to_the_top_stays_one() -> None:
    assert 'href="#"' in render_markdown("[top](#)")


@given(
    st.lists(st.sampled_from(["# a\n", "## a-1\n", "## a\n", "# \n", "# a<b>c\n", "# <h2>x</h2>\n", "text\n", "## 1. A\n", "\n"])).map(
        "".join
    )
)
def test_no_name_is_given_twice(text: str) -> None:
    for html in (render_markdown(text), render(parse(text))):
        names = re.findall(r'<h\d id="([^"]*)"', html)
        assert len(names) == len(set(names))
        assert not set(names) & set(re.findall(r'<section id="([^"]*)"', html))
