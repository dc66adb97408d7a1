"""What the pages say exists: links, make targets, commands, examples."""

import ast
import doctest
import json
import re
import shlex
import subprocess
import tomllib

import pytest

from canonry.cli.commands import ROOT as COMMANDS
from canonry.cli.commands import Command, Noun
from canonry.cli.main import load
from tests.architecture.tree import ROOT, read
from tests.docs import pages as docs


def test_every_link_to_a_file_leads_somewhere() -> None:
    broken = [
        f"{page}: {link}"
        for page in docs.pages()
        for link in docs.links(page)
        if "://" not in link and not link.startswith("#") and not docs.absolute(page, link).exists()
    ]
    assert broken == []


def test_every_anchor_exists() -> None:
    broken = [
        f"{page}: {link}"
        for page in docs.pages()
        for link in docs.links(page)
        if "#" in link and "://" not in link and link.partition("#")[2] not in docs.anchors(docs.absolute(page, link).relative_to(ROOT))
    ]
    assert broken == []


def test_every_make_target_on_a_page_exists() -> None:
    known = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert [f"{page}: make {target}" for page in docs.pages() for target in docs.targets(page) if target not in known] == []


def test_every_command_on_a_page_exists() -> None:
    unknown = []
    for page in docs.pages():
        for line in docs.commands(page):
            words = shlex.split(line) if line.count("'") % 2 == 0 else line.split()
            if not _is_command(words):
                unknown.append(f"{page}: canonry {line}")
    assert unknown == []


def test_make_help_explains_every_target() -> None:
    text = (ROOT / "Makefile").read_text()
    phony = set(re.search(r"^\.PHONY: (.+)$", text, re.MULTILINE)[1].split())  # type: ignore[index]
    shown = subprocess.run(["make", "-s", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert phony == set(re.findall(r"^  make ([a-z-]+)", shown, re.MULTILINE))


def test_blocks_that_name_a_language_are_in_it() -> None:
    parsers = {"python": ast.parse, "toml": tomllib.loads, "json": json.loads}
    for block in docs.blocks(*parsers):
        parsers[block.language](block.text)


@pytest.mark.parametrize("block", docs.blocks("pycon"), ids=lambda block: str(block.page))
def test_python_sessions_on_a_page_run_as_shown(block: docs.Block) -> None:
    example = doctest.DocTestParser().get_doctest(block.text, {}, str(block.page), None, None)
    said: list[str] = []
    assert doctest.DocTestRunner().run(example, out=said.append).failed == 0, "".join(said)


def test_the_readme_names_the_two_commands() -> None:
    assert {"demo", "test"} <= set(docs.targets(next(page for page in docs.pages() if str(page) == "README.md")))


def test_every_example_is_named_by_its_own_page_and_shown_by_the_demo() -> None:
    names = sorted(folder.name for folder in (ROOT / "examples").iterdir() if folder.is_dir())
    assert [name for name in names if f"canonry deploy examples/{name}" not in (ROOT / "examples" / name / "README.md").read_text()] == []
    assert [name for name in names if f'"{name}"' not in (ROOT / "scripts/demo.py").read_text()] == []


def test_the_changelog_has_a_place_for_what_comes() -> None:
    assert "\n## Unreleased\n" in read(next(page for page in docs.pages() if str(page) == "CHANGELOG.md"))


def _is_command(words: list[str]) -> bool:
    item: Command | Noun = COMMANDS
    path: list[str] = []
    while isinstance(item, Noun) and words and words[0] in item.commands:
        item = item.commands[words[0]]
        path.append(words.pop(0))
    if isinstance(item, Noun):
        return not words or words[0] in {"--help", "--version", "<command>", "COMMAND"}
    flags = {flag for action in load(path)._actions for flag in action.option_strings}
    return all(word.partition("=")[0] in flags for word in words if word.startswith("-"))
