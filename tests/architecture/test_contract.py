"""Every row of the contract is proved by a test, and no test proves a row that is none."""

import ast
from collections.abc import Iterator

from tests.architecture.tree import ROOT
from tests.contract.rows import rows


def marks() -> Iterator[tuple[tuple[str, ...], str]]:
    """Give each `@pytest.mark.contract(system, operation)` in front of a test, with the file it stands in."""
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for decorator in getattr(node, "decorator_list", ()):
                if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "pytest.mark.contract":
                    yield tuple(ast.literal_eval(argument) for argument in decorator.args), str(path.relative_to(ROOT))


def test_every_row_has_a_test_that_is_marked_with_it() -> None:
    proved = {row for row, _path in marks()}
    assert sorted(rows() - proved) == [], "Mark the test that proves it: @pytest.mark.contract(system, operation)."


def test_no_mark_names_a_row_that_is_none() -> None:
    known = rows()
    assert [(path, row) for row, path in marks() if row not in known] == [], "The words have to be those of tests/contract/rows.py."
