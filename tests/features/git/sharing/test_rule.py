"""Which change of a monorepo concerns which of its projects."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canonry.features.git.sharing.rule import changed_paths, concerning, declares_workspace, folder_of
from tests.support.git import Person

OTHERS = ["apps/api", "docs-site", None]


@pytest.mark.parametrize(
    ("path", "concerned"),
    [
        ("apps/web/index.html", True),
        ("apps/web/README.md", True),
        ("apps/website/index.html", False),  # begins alike, is another folder
        ("apps/api/main.py", False),
        ("docs-site/package.json", False),
        ("package-lock.json", True),
        ("pnpm-workspace.yaml", True),
        ("uv.lock", True),
        (".npmrc", True),
        (".nvmrc", True),
        ("Makefile", True),
        ("eslint.config.js", True),
        ("canonry.toml", True),
        ("CANON.yaml", True),
        ("apps/tsconfig.json", True),
        ("README.md", False),
        ("LICENSE.txt", False),
        (".gitignore", False),
        ("index.html", False),
        ("main.py", False),
        ("packages/ui/button.js", False),
    ],
)
def test_a_project_in_a_folder(path: str, *, concerned: bool) -> None:
    assert (concerning([path], "apps/web", OTHERS, is_workspace=False) == path) is concerned


@pytest.mark.parametrize(
    ("path", "concerned"),
    [
        ("packages/ui/button.js", True),
        ("packages/ui/README.md", False),
        ("apps/api/main.py", False),
        (".github/workflows/test.yml", False),
        ("tools/gen/schema.json", True),
    ],
)
def test_in_a_workspace_what_belongs_to_nobody_belongs_to_all(path: str, *, concerned: bool) -> None:
    assert (concerning([path], "apps/web", OTHERS, is_workspace=True) == path) is concerned


def test_a_project_in_the_folder_of_another_is_not_concerned_by_the_rest_of_that_one() -> None:
    assert concerning(["apps/x.html"], "apps/web", ["apps"], is_workspace=False) is None
    assert concerning(["apps/web/x.html"], "apps", ["apps/web"], is_workspace=False) == "apps/web/x.html"


@given(st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1), max_size=5), st.booleans())
def test_a_project_without_a_folder_is_concerned_by_everything(paths: list[str], is_workspace: bool) -> None:
    for root in (None, "", ".", "./", "/"):
        assert concerning(paths, root, OTHERS, is_workspace=is_workspace) == (paths[0] if paths else None)


@pytest.mark.parametrize("written", ["apps/web", "./apps/web", "apps/web/", "apps//web", " apps/web "])
def test_a_folder_may_be_written_in_several_ways(written: str) -> None:
    assert folder_of(written) == "apps/web"


def test_what_changed_between_commits_and_when_nobody_can_tell(tmp_path: Path) -> None:
    ada = Person(tmp_path / "ada")
    first = ada.commit({"web/a": "1", "api/b": "1"})
    second = ada.commit({"web/a": "2", "api/c": "1"})
    assert changed_paths(ada.tree / ".git", first, second) == ["api/c", "web/a"]
    assert changed_paths(ada.tree / ".git", second, second) == []
    assert changed_paths(ada.tree / ".git", None, second) is None
    assert changed_paths(ada.tree / ".git", "f" * 40, second) is None


@pytest.mark.parametrize(
    ("files", "declared"),
    [
        ({"package.json": '{"workspaces": ["packages/*"]}'}, True),
        ({"package.json": '{"name": "x"}'}, False),
        ({"pnpm-workspace.yaml": "packages: []"}, True),
        ({"pyproject.toml": "[tool.uv.workspace]\nmembers = []\n"}, True),
        ({"pyproject.toml": "[project]\n"}, False),
        ({"apps/web/turbo.json": "{}"}, False),
        ({"go.work": "go 1.24\n"}, True),
    ],
)
def test_a_workspace_is_declared_at_the_root(tmp_path: Path, files: dict[str, str], *, declared: bool) -> None:
    ada = Person(tmp_path / "ada")
    assert declares_workspace(ada.tree / ".git", ada.commit(files)) is declared
