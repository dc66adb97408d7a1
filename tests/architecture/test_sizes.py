"""What is small can be read. A file that grows becomes a folder of the same noun. There are no exceptions."""

import ast

from tests.architecture.tree import kept_files, kept_python, read

SOURCE_LINES = 500
TEST_LINES = 600
FUNCTION_LINES = 60
EXCEPTIONS: frozenset[str] = frozenset()


def test_no_source_file_is_longer_than_500_lines() -> None:
    assert _longer_than(SOURCE_LINES, "src", "scripts", "bench", "examples") == []


def test_no_test_file_is_longer_than_600_lines() -> None:
    assert _longer_than(TEST_LINES, "tests") == []


def test_no_script_or_migration_is_longer_than_500_lines() -> None:
    long = [str(path) for path in kept_files() if path.suffix in {".sh", ".sql"} and len(read(path).splitlines()) > SOURCE_LINES]
    assert long == []


def test_no_function_is_longer_than_60_lines() -> None:
    long = [
        f"{path}:{node.lineno} {node.name} has {length} lines"
        for path in kept_python("src", "scripts", "bench", "tests")
        for node in ast.walk(ast.parse(read(path)))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := (node.end_lineno or node.lineno) - node.lineno + 1) > FUNCTION_LINES
    ]
    assert long == []


def test_there_are_no_exceptions() -> None:
    assert frozenset() == EXCEPTIONS


def _longer_than(limit: int, *folders: str) -> list[str]:
    counted = {str(path): len(read(path).splitlines()) for path in kept_python(*folders)}
    return [f"{name} has {lines} lines" for name, lines in counted.items() if lines > limit and name not in EXCEPTIONS]
