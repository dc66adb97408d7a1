"""Whatever the bytes are, a document comes out whose places are true; two tools look for bytes that prove otherwise."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pyromark
import pytest
from hypothesis import given
from hypothesis import strategies as st

from canonry.specs import Document, parse
from canonry.specs.config import read_config
from canonry.specs.lines import split, unify
from canonry.specs.lint import lint

ROOT = Path(__file__).parents[2]
PIECES = st.sampled_from(
    [
        "---\n",
        "title: T\n",
        "tags: [a]\n",
        "## 1. A\n",
        "## A\n",
        "### 1.1 B\n",
        "# H\n",
        "#### Scenario: x\n",
        "- WHEN y\n",
        "- [ ] The a MUST b\n",
        "  - [x] c {#n}\n",
        "-[X]\td\n",
        "  more\n",
        "\n",
        "text\n",
        "```\n",
        "~~~~ x\n",
        "  ```\n",
        "- ```\n",
        "<pre>\n",
        "</pre>\n",
        "<!--\n",
        "-->\n",
        "<!-- canon:system:1 status:done -->\n",
        "<!-- canon:realized-in:PR#1 file:a:1 -->\n",
        "<!-- canon:x -->\n",
        "> ## q\n",
        "    ## code\n",
        "\r",
        "\r\n",
        "\ufeff",
        "\0",
        "\u2028",
        "ü",
        "#",
        "- ",
        "`",
        "&a *a",
        "[" * 40,
        "\t",
    ]
)
TEXTS = st.lists(PIECES, max_size=25).map("".join)


@given(st.one_of(st.binary(max_size=300), TEXTS.map(str.encode)))
@pytest.mark.criterion("living-specs#never-raises")
def test_every_content_gives_a_document_whose_places_are_true(content: bytes) -> None:
    check(parse(content), unify(content.decode(errors="replace")))
    read_config(content)


@given(TEXTS)
def test_text_and_bytes_are_the_same_document(text: str) -> None:
    assert parse(text) == parse(text.encode())


@given(
    st.lists(
        st.sampled_from(
            [
                "## A\n",
                "### B\n",
                "text\n",
                "\n",
                "```\n",
                "~~~\n",
                "- item\n",
                "  ```\n",
                "  in\n",
                "<!--\n",
                "-->\n",
                "<pre>\n## no\n</pre>\n",
                "> q\n",
                "    ## x\n",
            ]
        ),
        max_size=12,
    ).map("".join)
)
def test_headings_are_those_that_a_markdown_library_sees(text: str) -> None:
    ours = [section.title for section in parse(f"---\ntitle: T\n---\n{text}").walk()]
    html = pyromark.html(text)
    theirs = re.findall(r"<h[23]>([AB])</h[23]>", re.sub(r"<(pre|blockquote)>.*?</\1>|<!--.*?(?:-->|\Z)", "", html, flags=re.DOTALL))
    assert ours == theirs


def test_a_quarter_of_a_megabyte_of_anything_takes_a_moment() -> None:
    for piece in (
        "- [ ] a\n",
        "## a\n",
        "```\n",
        "- ```\n",
        "    ```x\n",
        "<!--",
        "<!-- canon:x -->\n",
        "- [ ] a\n  b\n",
        "<pre>\n",
        " " * 50 + "\n",
        "#",
        "`",
        "x <!-- canon:system:1 status:done -->\n",
        "- [ ] a\n<!-- canon:realized-in:PR#1 file:a -->\n",
        "#### Scenario: a\n- when b\n",
    ):
        began = time.process_time()
        parse((piece * (250_000 // len(piece))).encode())
        assert time.process_time() - began < 20, piece  # 0.6 s alone; what grows with the square takes minutes


@pytest.mark.criterion("living-specs#never-raises")
def test_atheris_finds_nothing_in_a_few_seconds() -> None:
    environment = os.environ | {"PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"}
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.fuzz_specs", "5"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    assert int(re.findall(r"stat::number_of_executed_units:\s*(\d+)", done.stderr)[0]) > 100


def check(document: Document, text: str) -> None:
    """Every line and column is where it says, and ids are unique."""
    lines = [line.rstrip("\n") for line in split(text)]
    sections = list(document.walk())
    assert len({section.id for section in sections}) == len(sections)
    for section in sections:
        assert lines[section.start_line - 1].lstrip().startswith("##")
        assert section.title in lines[section.start_line - 1]
        assert section.start_line <= section.end_line <= len(lines)
        body = "\n".join(lines[section.start_line : section.end_line])
        assert section.content.rstrip("\n") == body.rstrip("\n")
    criteria = [criterion for _, criterion in document.criteria()]
    assert len({criterion.id for criterion in criteria}) == len(criteria)
    for criterion in criteria:
        line = lines[criterion.line - 1]
        assert re.match(r"-[ \t]*\[[ xX]\][ \t]", line[criterion.column - 1 :])
        assert criterion.line <= criterion.end_line
        assert criterion.text.split()[:1] == re.sub(r"^.*?\][ \t]+", "", line).split()[:1] or criterion.is_named
    for found in lint(document):
        assert 1 <= found.line <= len(lines) + 1
        assert found.column >= 1
        assert found.message.endswith(".")
