"""What must not stand in any file we keep."""

import json
import re
from pathlib import Path

import pytest

from tests.architecture.tree import kept_files, read

HERE = Path("tests/architecture/test_text.py")
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
# Paths of one machine: a developer's checkout, home or package store.
MACHINE_PATH = re.compile(
    r"/work/(main|shared|project)\b|/root/\.pyenv|/opt/(pypi|wheels)|/home/(?!app\b|canonry\b|you\b|user\b)[a-z]+/\w|/Users/\w"
)
# A lock file, a script or a guide that names a package index does not work behind a mirror.
INDEX_HOST = re.compile(r"\b(files\.pythonhosted|pypi|registry\.(npmjs|yarnpkg)|proxy\.golang|registry-1\.docker)\.(org|com|io)\b")
INDEX_OPTION = re.compile(r"^\s*(--index-url|--extra-index-url|--find-links|-i\s|-f\s)", re.MULTILINE)
LEFTOVERS = {".orig", ".rej", ".bak", ".swp", ".pyc", ".log", ".sqlite", ".db", ".pem", ".key"}


def test_nothing_is_marked_as_unfinished() -> None:
    assert _files_with(UNFINISHED) == [], "Finish it, or write it down as an issue."


def test_no_file_names_a_path_of_one_machine() -> None:
    assert _files_with(MACHINE_PATH) == []


@pytest.mark.criterion("running-canonry#no-index")
def test_no_file_names_a_package_index() -> None:
    assert _files_with(INDEX_HOST) == []


@pytest.mark.criterion("running-canonry#hashes")
def test_locked_requirements_hold_names_versions_and_hashes_only() -> None:
    locks = [path for path in kept_files() if path.name == "requirements.txt" or path.parts[0] == "requirements"]
    assert [str(path) for path in locks if INDEX_OPTION.search(read(path))] == []
    assert [str(path) for path in locks if "==" in read(path) and "--hash=sha256:" not in read(path)] == []


def test_npm_locks_hold_no_addresses() -> None:
    locks = [path for path in kept_files() if path.name in {"package-lock.json", "npm-shrinkwrap.json"}]
    with_address = [f"{path}: {name}" for path in locks for name, entry in _packages(path).items() if "resolved" in entry]
    without_hash = [f"{path}: {name}" for path in locks for name, entry in _packages(path).items() if name and "integrity" not in entry]
    assert with_address == []
    assert without_hash == []


def test_nothing_that_a_program_left_behind_is_kept() -> None:
    assert [str(path) for path in kept_files() if path.suffix in LEFTOVERS] == []


def test_third_party_code_is_installed_and_never_kept() -> None:
    assert [str(path) for path in kept_files() if "node_modules" in path.parts or path.name.endswith((".min.js", ".min.css", ".whl"))] == []


def _files_with(pattern: re.Pattern[str]) -> list[str]:
    found = []
    for path in kept_files():
        if path != HERE and path.suffix not in {".woff2", ".png", ".ico", ".svg"}:
            lines = read(path).splitlines()
            found += [f"{path}:{number}: {match[0]}" for number, line in enumerate(lines, 1) if (match := pattern.search(line))]
    return found


def _packages(lock: Path) -> dict[str, dict[str, object]]:
    packages: dict[str, dict[str, object]] = json.loads(read(lock)).get("packages", {})
    return {name: entry for name, entry in packages.items() if not entry.get("link") and not entry.get("inBundle")}
