"""One word for each thing; decisions and our own specifications in their form."""

import re
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT

WORDS = """organization handle member token key project environment variable deployment artifact release instance route domain alias
database backup restore preview repository document spec section criterion evidence task ticket plan"""
DECISIONS = sorted((ROOT / "docs/decisions").glob("*.md"))
SPECS = sorted((ROOT / "specs").glob("*.md"))
STATES = {"draft", "todo", "in_progress", "done", "blocked", "deprecated"}


def test_the_glossary_explains_every_word_of_the_design() -> None:
    explained = dict(re.findall(r"^\| ([a-z ]+) \| (.+) \|$", (ROOT / "docs/glossary.md").read_text(), re.MULTILINE))
    assert [word for word in [*WORDS.split(), "plan tier"] if not explained.get(word)] == []


def test_the_architecture_names_every_room_and_every_feature() -> None:
    text = (ROOT / "docs/architecture.md").read_text()
    rooms = [path.parent.name for path in (ROOT / "src/canonry").glob("*/__init__.py")]
    features = [path.parent.name for path in (ROOT / "src/canonry/features").glob("*/__init__.py")]
    assert [room for room in rooms if f"`{room}/`" not in text] == []
    assert [feature for feature in features if not re.search(rf"\b{feature}\b", text)] == []


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.name)
def test_a_decision_has_its_parts(path: Path) -> None:
    text = path.read_text()
    assert re.match(rf"# {int(path.name[:4])}\. ", text)
    assert [part for part in ("Context", "Decision", "Consequences", "Alternatives", "Enforced by") if f"**{part}.**" not in text] == []


def test_decisions_are_numbered_without_a_gap() -> None:
    assert [int(path.name[:4]) for path in DECISIONS] == list(range(1, len(DECISIONS) + 1))


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.name)
def test_a_spec_is_in_the_format_of_the_product(path: Path) -> None:
    _, head, body = path.read_text().split("---\n", 2)
    keys = dict(re.findall(r"^([a-z_]+): (.+)$", head, re.MULTILINE))
    assert {"title", "status", "type"} <= set(keys)
    assert keys["status"] in STATES
    sections = re.findall(r"^## (\d+)\. .+\n\n<!-- canon:system:(\d+) status:([a-z_]+) -->$", body, re.MULTILINE)
    assert len(sections) == len(re.findall(r"^## ", body, re.MULTILINE))
    assert all(number == identity and status in STATES for number, identity, status in sections)


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.name)
def test_a_criterion_says_how_strict_it_is(path: Path) -> None:
    criteria = re.findall(r"^- \[[ x]\] (.+)$", path.read_text(), re.MULTILINE)
    assert criteria
    assert [text for text in criteria if not re.search(r"\b(MUST|SHOULD|MAY)\b", text)] == []
