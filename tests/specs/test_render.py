"""HTML: what a spec looks like, and that nothing in it is alive."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canonry.specs import parse
from canonry.specs.render import Place, render, render_markdown, resolve
from tests.support.alive import what_is_alive

HEAD = "---\ntitle: T\n---\n"
# Thirty ways to get a script into Markdown; each has to come out dead from both doors.
PAYLOADS = [
    "<script>alert(1)</script>",
    "<ScRiPt src=//evil.example></sCrIpT>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<iframe src=javascript:alert(1)></iframe>",
    '<a href="javascript:alert(1)">x</a>',
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](java&#10;script:alert(1))",
    "[x](&#x6A;avascript:alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "[x](vbscript:msgbox(1))",
    "![x](javascript:alert(1))",
    '![x](x"onerror="alert(1))',
    "<javascript:alert(1)>",
    "[x]: javascript:alert(1)\n\n[x]",
    '<a href="x" onclick="alert(1)">x</a>',
    "<form action=//evil.example><button>x</button></form>",
    "<base href=//evil.example>",
    '<meta http-equiv="refresh" content="0;url=//evil.example">',
    "<style>body{background:url(javascript:alert(1))}</style>",
    '<div style="position:fixed;inset:0">x</div>',
    "<object data=//evil.example></object>",
    "<embed src=//evil.example>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)></style></mglyph></table></mtext></math>",
    "<details open ontoggle=alert(1)>x</details>",
    "<!--><img src=x onerror=alert(1)>-->",
    '```"><img src=x onerror=alert(1)>\nx\n```',
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'></noscript>",
    '<input autofocus onfocus=alert(1)><textarea id="content"></textarea>',
]


@pytest.mark.parametrize("payload", PAYLOADS)
@pytest.mark.criterion("living-specs#nothing-alive")
def test_nothing_in_a_spec_is_alive(payload: str) -> None:
    line = payload.replace("\n", " ")
    body = (
        f"{payload}\n\n## {line}\n\n{payload}\n\n- [ ] {line}\n  <!-- canon:realized-in:PR#1 file:{line.replace('-->', '')} -->\n"
        f"<!-- canon:ticket:jira:{line.split()[0].replace('-->', '')} url:javascript:alert(1) -->\n"
        f"<!-- canon:system:x status:blocked:{line.split()[0].replace('-->', '')} -->\n\n"
        f"#### Scenario: {line}\n\n- WHEN {line}\n"
    )
    for html in (render(parse(HEAD + body)), render_markdown(body)):
        assert what_is_alive(html) == []


def test_there_are_thirty_payloads_and_the_check_sees_them() -> None:
    assert len(PAYLOADS) >= 30
    assert sum(bool(what_is_alive(payload)) for payload in PAYLOADS) >= 15


@pytest.mark.parametrize(
    "text",
    [
        ">" * 50_000,
        "- " * 25_000,
        "1. " * 15_000,
        "> - " * 10_000,
        "[" * 50_000,
        "[a](" * 12_000,
        "*a _b " * 8000,
        "<b>" * 16_000,
        "`" * 50_000,
        "![](" * 12_000,
        "<!--" * 12_000,
        "<![CDATA[" * 5000,
        "|a" * 3000 + "\n" + "|-" * 3000 + "\n" + "a\n" * 3000,
        "[a]: b\n" * 7000,
        "&" * 50_000,
        "[^1]" * 12_000,
        "a\n===\n" * 8000,
        "x" * 600_000,
        "<div><p>" * 6000,
        "\n".join("  " * n + "- a" for n in range(300)),
    ],
)
@pytest.mark.criterion("living-specs#hostile-input")
def test_what_would_take_long_takes_a_moment(text: str) -> None:
    began = time.process_time()
    for html in (render_markdown(text), render(parse(f"{HEAD}## A\n{text}\n"))):
        assert len(html) < 4_000_000
    assert time.process_time() - began < 20  # 0.2 s; what grows with the square takes minutes


def test_a_section_has_its_badges_text_criteria_scenarios_and_children() -> None:
    html = render(parse(HEAD + """Before.

## 1. Pay & go

<!-- canon:system:1 status:blocked:PAY-7 -->
<!-- canon:ticket:github:42 -->
<!-- canon:delta:added -->

Some **text**.

### Acceptance Criteria

- [x] The `a` MUST <b> {#x}
  <!-- canon:realized-in:PR#1 file:src/a.py:3 -->

#### Scenario: one

- GIVEN a

Rest.

### 1.1 Child
"""), Place(repository="acme/shop"))  # fmt: skip
    assert html.startswith("<p>Before.</p>")
    assert '<section id="section-1-pay-go" class="spec-section"><h3 id="section-1-pay--go">1. Pay &amp; go</h3>' in html
    assert '<span class="status status-blocked">blocked</span> <span class="delta delta-added">added</span>' in html
    assert '<a class="ticket" href="https://github.com/acme/shop/issues/42"' in html
    assert '<span class="blocked-by">blocked by PAY-7</span>' in html
    assert "<p>Some <strong>text</strong>.</p>" in html
    assert re.search(
        r'<li class="criterion"><input [^>]*checked=""[^>]*> The <code>a</code> MUST &lt;b&gt; <span class="evidence">PR#1 src/a.py:3', html
    )
    assert '<p class="scenario">Scenario: one</p><ul class="steps"><li><strong>GIVEN</strong> a</li></ul>' in html
    assert "<p>Rest.</p>" in html
    assert re.search(
        r'<section id="section-1.1-child" class="spec-section"><h4 id="section-11-child">1.1. Child</h4>.*</section></section>$',
        html,
        re.DOTALL,
    )
    assert "canon:" not in html
    assert "Acceptance Criteria" not in html


def test_boxes_cannot_be_clicked_and_nothing_of_a_user_has_an_id_or_class() -> None:
    html = render_markdown('- [x] a\n\n<section id="section-1-a" class="status">x</section><p id=y class=z>q</p>\n\n```python\nx\n```\n')
    assert re.search(r'<input (?=[^>]*disabled="")(?=[^>]*type="checkbox")(?=[^>]*checked="")[^>]*>', html)
    assert "id=" not in html
    assert re.findall(r'class="([^"]*)"', html) == ["language-python"]
    assert 'type="text"' not in render_markdown('<input type="text" value="x">')


@pytest.mark.parametrize(
    ("link", "path", "leads"),
    [
        ("b.md", "docs/a.md", "docs/b.md"),
        ("../b.md#x", "docs/a.md", "b.md#section-x"),
        ("/b.md", "docs/a.md", "b.md"),
        ("../../b.md", "docs/a.md", None),
        ("..%2f..%2fb.md", "docs/a.md", None),
        ("https://x.example/a", "docs/a.md", "https://x.example/a"),
        ("#here", "docs/a.md", "#section-here"),
        ("src/a.py#L3", "a.md", "src/a.py#L3"),
        ("//evil.example/x", "docs/a.md", None),
        ("a\\b", "a.md", None),
        ("mailto:a@b", "a.md", "mailto:a@b"),
        ("http://[", "a.md", None),
        ("./sub/../c d.md", "docs/a.md", "docs/c%20d.md"),
        ("", "docs/a.md", "docs"),
    ],
)
@pytest.mark.criterion("living-specs#links-inside")
def test_links_stay_inside_the_repository(link: str, path: str, leads: str | None) -> None:
    assert resolve(link, Place(path=path)) == leads


def test_links_and_images_go_where_the_place_says() -> None:
    place = Place(path="docs/a.md", pages=lambda path: f"/app/docs/{path}", files=lambda path: f"/raw/{path}")
    html = render_markdown("[x](b.md#y) ![z](img/c.png) [out](../../d)", place)
    assert '<a href="/app/docs/docs/b.md#section-y" rel="noopener nofollow">x</a>' in html
    assert '<img src="/raw/docs/img/c.png" alt="z">' in html
    assert '<a rel="noopener nofollow">out</a>' in html


@given(
    st.lists(st.sampled_from([*PAYLOADS, "## A", "- [ ] ", "<!--", "-->", "`", "\n", "> ", "<", ">", '"', "'", "&#", "](", "|", "\0"])).map(
        "".join
    )
)
@pytest.mark.criterion("living-specs#nothing-alive")
def test_no_mixture_of_them_is_alive(text: str) -> None:
    assert what_is_alive(render(parse(HEAD + text))) == []
    assert what_is_alive(render_markdown(text)) == []
