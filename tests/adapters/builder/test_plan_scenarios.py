"""Every folder of tests/scenarios/plan: a source, perhaps the project's settings, and the plan or the error they give.

`source.txt` holds the files one after another, each under a line `-- path --`.
"""

import json
import re
from pathlib import Path

import pytest

from canonry.adapters.builder.native.plan import plan_source
from canonry.core.errors import Invalid
from canonry.ports.builder import PlanSettings
from canonry.ports.plans import plan_to_json

SCENARIOS = Path(__file__).parents[2] / "scenarios" / "plan"
_HEAD = re.compile(r"^-- (.+) --\n", re.MULTILINE)


@pytest.mark.parametrize("scenario", sorted(folder.name for folder in SCENARIOS.iterdir()))
def test_a_source_gives_the_plan_beside_it(scenario: str, tmp_path: Path) -> None:
    folder = SCENARIOS / scenario
    unpack((folder / "source.txt").read_text(), tmp_path)
    settings = folder / "settings.json"
    wished = PlanSettings(**json.loads(settings.read_text())) if settings.exists() else PlanSettings()
    assert plan_or_error(tmp_path, wished) == json.loads((folder / "expected.json").read_text())


def test_planning_twice_gives_the_same_and_changes_no_file(tmp_path: Path) -> None:
    for scenario in sorted(SCENARIOS.iterdir())[:20]:
        source = tmp_path / scenario.name
        source.mkdir()
        unpack((scenario / "source.txt").read_text(), source)
        before = {path: path.stat().st_mtime_ns for path in source.rglob("*")}
        assert plan_or_error(source, PlanSettings()) == plan_or_error(source, PlanSettings())
        assert {path: path.stat().st_mtime_ns for path in source.rglob("*")} == before


def unpack(text: str, target: Path) -> None:
    parts = _HEAD.split(text)
    for path, content in zip(parts[1::2], parts[2::2], strict=True):
        place = target / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(content)


def plan_or_error(source: Path, settings: PlanSettings) -> dict[str, object]:
    try:
        return plan_to_json(plan_source(source, settings))
    except Invalid as error:
        return {"error": error.code, "message": error.message, "hint": error.hint}
