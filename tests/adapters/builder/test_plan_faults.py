"""Settings of a project that no source could be planned with are told before there is a source."""

from pathlib import Path

import pytest

from canonry.adapters.builder.native.plan import faults_of, plan_source
from canonry.core.errors import Invalid
from canonry.ports.builder import PlanSettings


@pytest.mark.parametrize(
    ("name", "value", "word"),
    [
        ("python_version", "three", "not a version"), ("python_version", "2.7", "Python 3"), ("python_version", " ", "not a string"),
        ("node_version", "22 or so", "not a version"), ("node_version", "x" * 300, "not a version"), ("provider", "ruby", "Choose one of"),
        ("root_dir", "../x", "inside the source"), ("root_dir", "~/x", "inside the source"), ("output_dir", "/x", "inside the source"),
        ("output_dir", "a\\b", "inside the source"), ("install_command", " ", "not a command"), ("build_command", "x" * 9000, "8,192"),
        ("start_command", "a\0", "NUL"), ("health_path", "x", "path of a URL"),
    ],
)  # fmt: skip
def test_a_fault_is_named_with_the_remedy(name: str, value: str, word: str) -> None:
    faults = faults_of(PlanSettings(**{name: value}))  # type: ignore[arg-type]
    assert list(faults) == [name]
    assert word in faults[name]


@pytest.mark.parametrize("version", ["3.12", "3.12.1", ">=3.11,<3.13", "3", "*", "python-3.12"])
def test_versions_of_python_are_taken_as_a_plan_takes_them(version: str) -> None:
    assert faults_of(PlanSettings(python_version=version)) == {}


@pytest.mark.parametrize("version", ["22", "20.x", "^20.9 || >=22", "lts/*", "lts/iron", "v20.11.1", "18 - 20"])
def test_versions_of_node_are_taken_as_a_plan_takes_them(version: str) -> None:
    assert faults_of(PlanSettings(node_version=version)) == {}


def test_settings_that_fit_have_no_faults() -> None:
    settings = PlanSettings(
        provider="node", root_dir="apps/web", output_dir="./dist/", build_command="npm run x", health_path="/healthz?a=b"
    )
    assert faults_of(settings) == {}


@pytest.mark.parametrize(
    ("provider", "files"), [("static", {"app.py": "x"}), ("python", {"index.html": "x"}), ("node", {"index.html": "x"})]
)
def test_a_runtime_that_does_not_fit_the_source_is_named_as_what_it_is(tmp_path: Path, provider: str, files: dict[str, str]) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(Invalid) as caught:
        plan_source(tmp_path, PlanSettings(provider=provider))
    assert (caught.value.code, caught.value.message.startswith(f"The project's runtime is {provider}, but")) == ("unknown_source", True)


def test_a_runtime_wins_over_what_is_detected_and_over_the_file(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("a page")
    (tmp_path / "app.py").write_text("print(1)")
    (tmp_path / "canonry.toml").write_text('[build]\nprovider = "python"\n')
    assert plan_source(tmp_path, PlanSettings()).provider == "python"
    plan = plan_source(tmp_path, PlanSettings(provider="static"))
    assert (plan.provider, plan.overrides) == ("static", ("project setting runtime",))
