"""Sources that somebody wrote to break the planner: it refuses with a reason, or plans on without what is not decisive."""

import json
import os
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from canonry.adapters.builder.native.plan import plan_source
from canonry.core.errors import CanonryError, Invalid
from canonry.ports.builder import PlanSettings

NAMES = ("canonry.toml", "Procfile", "package.json", "pyproject.toml", "requirements.txt", ".python-version", ".nvmrc", "runtime.txt",
         "Pipfile", "Pipfile.lock", "uv.lock", "app.py", "manage.py", "go.mod", "deno.jsonc", "angular.json", "pnpm-workspace.yaml",
         "vite.config.ts", "start.sh", "_redirects", "setup.cfg", ".tool-versions")  # fmt: skip


def refusal(source: Path, **wished: str) -> Invalid:
    with pytest.raises(Invalid) as caught:
        plan_source(source, PlanSettings(**wished))  # type: ignore[arg-type]
    assert caught.value.hint
    return caught.value


def outcome(source: Path) -> str:
    """Return the code of the refusal, empty for a plan; anything else is raised."""
    try:
        plan_source(source, PlanSettings())
    except CanonryError as error:
        return error.code if error.hint else "no hint"
    return ""


def test_a_link_that_leaves_the_source_is_no_file(tmp_path: Path) -> None:
    secret = tmp_path / "secret.toml"
    secret.write_text('[project]\nname = "stolen"\ndependencies = ["hidden"]\n')
    source = tmp_path / "source"
    source.mkdir()
    (source / "pyproject.toml").symlink_to(secret)
    (source / "index.html").symlink_to("/etc/hostname")
    (source / "up").symlink_to("..")
    error = refusal(source)
    assert error.code == "unknown_source"
    assert "hidden" not in str(error)


def test_a_link_within_the_source_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real/index.html").write_text("x")
    (tmp_path / "public").symlink_to("real")
    static = plan_source(tmp_path, PlanSettings()).static
    assert static is not None
    assert static.root == "public"


def test_a_root_dir_that_is_a_link_outside_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "web").symlink_to(tmp_path)
    assert refusal(source, root_dir="web").code == "invalid_config"


@pytest.mark.parametrize("folder", ["..", "/etc", "a/../../b", "~/x", "a\0b", "a\\b"])
def test_a_root_dir_outside_is_refused(folder: str, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("x")
    assert refusal(tmp_path, root_dir=folder).code == "invalid_config"


def test_links_that_go_in_circles_end(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    (tmp_path / "package.json").symlink_to("package.json")
    (tmp_path / "loop").symlink_to(".")
    assert refusal(tmp_path).code == "unknown_source"


def test_a_pipe_does_not_hang_the_planner(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "package.json")
    os.mkfifo(tmp_path / "canonry.toml")
    (tmp_path / "index.html").write_text("x")
    assert plan_source(tmp_path, PlanSettings()).provider == "static"


def test_a_package_json_of_five_megabytes_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text(json.dumps({"name": "x" * 5_000_000}))
    error = refusal(tmp_path)
    assert error.code == "invalid_config"
    assert "package.json is larger" in error.message


@pytest.mark.parametrize("opening", ['{"a":', "["])
def test_deep_nesting_is_refused(opening: str, tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text(opening * 100_000)
    assert refusal(tmp_path).code == "invalid_config"


def test_deep_nesting_in_toml_is_refused(tmp_path: Path) -> None:
    (tmp_path / "canonry.toml").write_text("a = " + "[" * 100_000)
    assert refusal(tmp_path).code == "invalid_config"


def test_text_that_is_not_utf_8_is_refused_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_bytes(b"flask\n\xff\xfe\n")
    (tmp_path / "app.py").write_text("app = None\n")
    error = refusal(tmp_path)
    assert "requirements.txt is not UTF-8 text (byte 6)" in error.message


def test_code_that_is_not_utf_8_is_only_a_clue(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("flask\n")
    (tmp_path / "app.py").write_bytes(b"# caf\xe9\nfrom flask import Flask\napp = Flask(__name__)\n")
    assert plan_source(tmp_path, PlanSettings()).framework == "flask"


def test_a_byte_order_mark_is_taken_off(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("x")
    (tmp_path / "canonry.toml").write_bytes(b'\xef\xbb\xbf[build]\noutput = "."\n')
    assert plan_source(tmp_path, PlanSettings()).overrides == ("canonry.toml build.output",)


def test_values_of_other_types_are_passed_over_or_refused(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text(
        json.dumps({"scripts": [1], "dependencies": "x", "engines": {"node": 5}, "workspaces": 7, "main": {}})
    )
    assert refusal(tmp_path).code == "unknown_source"
    (tmp_path / "package.json").write_text("[]")
    assert refusal(tmp_path).code == "invalid_config"


def test_names_that_are_shell_stay_words(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text(json.dumps({"main": "$(id).js"}))
    (tmp_path / "$(id).js").write_text("")
    assert plan_source(tmp_path, PlanSettings()).processes["web"] == "exec node '$(id).js'"


def test_thousands_of_files_are_planned_in_time(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("flask\n")
    for number in range(60):
        folder = tmp_path / f"pkg{number}" / "deep" / "deeper"
        folder.mkdir(parents=True)
        for file in range(60):
            (folder / f"module{file}.py").write_text("x = 1\n" * 50)
    (tmp_path / "main.py").write_text("print()\n")
    started = time.process_time()
    assert plan_source(tmp_path, PlanSettings()).processes["web"] == "exec python main.py"
    assert time.process_time() - started < 30


@pytest.mark.parametrize(
    "pattern", ['"""' * 50_000, "app = " * 40_000, "def create_app(" + "(" * 100_000, "a" * 200_000 + "=", "'''\\" * 50_000]
)
def test_code_made_to_be_slow_to_read_is_not(pattern: str, tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("flask\n")
    (tmp_path / "app.py").write_text(pattern)
    started = time.process_time()
    plan_source(tmp_path, PlanSettings())
    assert time.process_time() - started < 30


def test_includes_that_go_in_circles_or_outside_end(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("from flask import Flask\napp = Flask(__name__)\n")
    (tmp_path / "requirements.txt").write_text("-r other.txt\n")
    (tmp_path / "other.txt").write_text("-r requirements.txt\nflask\n")
    assert plan_source(tmp_path, PlanSettings()).lockfiles == ("other.txt", "requirements.txt")
    (tmp_path / "other.txt").write_text("-r ../../outside.txt\n")
    assert plan_source(tmp_path, PlanSettings()).lockfiles == ()


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(files=st.dictionaries(st.sampled_from(NAMES), st.one_of(st.binary(max_size=80), st.text(max_size=80).map(str.encode)), max_size=4))
def test_no_content_makes_anything_but_a_plan_or_a_refusal(files: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> None:
    source = tmp_path_factory.mktemp("source")
    for name, content in files.items():
        (source / name).write_bytes(content)
    assert outcome(source) in {"", "unknown_source", "invalid_config"}


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
_KEYS = ("name", "scripts", "dependencies", "devDependencies", "engines", "workspaces", "packageManager", "main", "volta")


@settings(max_examples=200, deadline=None)
@given(
    package=st.dictionaries(
        st.sampled_from(_KEYS), _JSON | st.dictionaries(st.sampled_from(["start", "build", "next", "vite", "node"]), _JSON)
    )
)
def test_no_package_json_makes_anything_but_a_plan_or_a_refusal(
    package: dict[str, object], tmp_path_factory: pytest.TempPathFactory
) -> None:
    source = tmp_path_factory.mktemp("source")
    (source / "package.json").write_text(json.dumps(package))
    assert outcome(source) in {"", "unknown_source", "invalid_config"}
