"""Names say what is inside, and every room says what belongs in it."""

import ast
import re
from pathlib import Path

from tests.architecture.tree import ROOT, kept_python, read

# A file called `utils` is where things go that nobody has named yet.
EMPTY_WORDS = {"util", "utils", "helper", "helpers", "manager", "managers", "misc", "common", "stuff", "base_service"}


def test_no_file_or_folder_has_a_name_that_says_nothing() -> None:
    bad = [str(path) for path in kept_python("src", "tests", "scripts", "bench") if EMPTY_WORDS & _words(path)]
    assert bad == []


def test_no_file_is_numbered_instead_of_named() -> None:
    assert [str(path) for path in kept_python("src", "tests", "scripts", "bench") if re.search(r"_v?\d+$", path.stem)] == []


def test_every_room_says_what_belongs_in_it() -> None:
    rooms = [path for path in (ROOT / "src/canonry").rglob("*") if path.is_dir() and any(path.glob("*.py"))]
    silent = [str(room.relative_to(ROOT)) for room in rooms if not _docstring(room / "__init__.py")]
    assert silent == [], "Give the folder an __init__.py whose docstring says what belongs in it."


def test_every_module_says_what_it_is() -> None:
    assert [str(path) for path in kept_python("src", "scripts", "bench") if not ast.get_docstring(ast.parse(read(path)))] == []


def _words(path: Path) -> set[str]:
    return {word for part in (*path.parts[:-1], path.stem) for word in (part, *part.split("_"))}


def _docstring(init: Path) -> str | None:
    return ast.get_docstring(ast.parse(init.read_text())) if init.exists() else None
