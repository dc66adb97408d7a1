"""Settings of a project that no source could be planned with are told before there is a source."""

import pytest

from canonry.adapters.builder.native.plan import faults_of
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
