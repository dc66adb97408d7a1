"""What every builder must do: the docstrings of `ports.builder`, tried on all of them."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from canonry.adapters.builder.memory import MemoryBuilder
from canonry.adapters.builder.native.builder import NativeBuilder
from canonry.core.errors import Invalid, NotFound
from canonry.core.paths import Home
from canonry.core.settings import Settings
from canonry.ports.builder import Artifact, Builder, BuildRequest, Limits, Plan, PlanSettings, StaticSite
from canonry.ports.errors import BuildCancelled, BuildFailed

LIMITS = Limits(seconds=60, memory_mb=512, disk_mb=512)
SITE = Plan("static", static=StaticSite("."))
SCRIPT = Plan("shell", build="true", processes={"web": "sh start.sh"}, variables={"GREETING": "hello"})
SLOW = "sleep 30"


@pytest.fixture(params=["native", "memory"])
def builder(request: pytest.FixtureRequest, home: Home) -> Builder:
    if request.param == "native":
        return NativeBuilder(home, Settings(home=home.root))
    return MemoryBuilder(home.artifacts, exit_codes={"false": 1}, seconds=0.2)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "a home")
    home.create()
    return home


@pytest.fixture
def prepare(home: Home) -> Callable[..., BuildRequest]:
    """Make a request for a source made of these files."""
    count = 0

    def make(plan: Plan, files: dict[str, str], **fields: object) -> BuildRequest:
        nonlocal count
        count += 1
        work = home.builds / f"dep_{count}"
        for name, content in files.items():
            path = work / "source" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        request = BuildRequest(source=work / "source", plan=plan, cache_key="prj_1", work=work, limits=LIMITS)
        return dataclasses.replace(request, **fields)  # type: ignore[arg-type]

    return make


def silent(line: str) -> None:
    assert "\n" not in line


def test_a_static_site_is_planned_and_built(builder: Builder, prepare: Callable[..., BuildRequest]) -> None:
    request = prepare(SITE, {"index.html": "<h1>hi</h1>", "css/a.css": "a{}"})
    plan = builder.plan(request.source, PlanSettings())
    assert plan.provider == "static"
    assert plan.static is not None
    artifact = builder.build(dataclasses.replace(request, plan=plan), silent)
    assert artifact.site is not None
    assert (artifact.site / "index.html").read_text() == "<h1>hi</h1>"
    assert (artifact.site / "css/a.css").read_text() == "a{}"
    assert artifact.size_bytes > 0


def test_planning_writes_nothing(builder: Builder, prepare: Callable[..., BuildRequest]) -> None:
    request = prepare(SITE, {"index.html": "hi"})
    before = [(path, path.stat().st_mtime_ns) for path in sorted(request.work.rglob("*"))]
    builder.plan(request.source, PlanSettings())
    assert [(path, path.stat().st_mtime_ns) for path in sorted(request.work.rglob("*"))] == before


def test_a_source_of_no_known_kind_is_refused_with_what_was_found(builder: Builder, prepare: Callable[..., BuildRequest]) -> None:
    request = prepare(SITE, {"notes.txt": "nothing to run"})
    with pytest.raises(Invalid) as caught:
        builder.plan(request.source, PlanSettings())
    assert caught.value.code == "unknown_source"
    assert "notes.txt" in str(caught.value)
    assert caught.value.hint


def test_an_app_is_in_its_folder_with_its_plan_and_variables(builder: Builder, prepare: Callable[..., BuildRequest]) -> None:
    artifact = builder.build(prepare(SCRIPT, {"start.sh": "echo", "lib/x": "1"}), silent)
    assert artifact.id.startswith("art_")
    assert artifact.site is None
    assert (artifact.folder / "app/start.sh").read_text() == "echo"
    assert (artifact.folder / "app/lib/x").read_text() == "1"
    assert artifact.plan.processes == {"web": "sh start.sh"}
    assert artifact.environment["GREETING"] == "hello"
    assert not artifact.reused


def test_the_same_again_is_the_same_artifact_without_work(builder: Builder, prepare: Callable[..., BuildRequest]) -> None:
    first = builder.build(prepare(SCRIPT, {"start.sh": "echo"}), silent)
    lines: list[str] = []
    second = builder.build(prepare(SCRIPT, {"start.sh": "echo"}), lines.append)
    assert second == dataclasses.replace(first, reused=True)
    assert len(lines) == 1


@pytest.mark.parametrize("change", ["source", "plan", "variables", "cache_key"])
def test_any_change_gives_another_artifact(builder: Builder, prepare: Callable[..., BuildRequest], change: str) -> None:
    first = builder.build(prepare(SCRIPT, {"start.sh": "echo"}, variables={"A": "1"}), silent)
    files = {"start.sh": "echo 2" if change == "source" else "echo"}
    plan = dataclasses.replace(SCRIPT, processes={"web": "sh ./start.sh"}) if change == "plan" else SCRIPT
    other = prepare(
        plan, files, variables={"A": "2" if change == "variables" else "1"}, cache_key="prj_2" if change == "cache_key" else "prj_1"
    )
    second = builder.build(other, silent)
    assert second.id != first.id
    assert not second.reused
    assert builder.load(first.id) == first


def test_a_failing_command_says_which_and_how_and_may_be_tried_again(builder: Builder, prepare: Callable[..., BuildRequest]) -> None:
    failing = dataclasses.replace(SCRIPT, build="false")
    for _ in range(2):
        with pytest.raises(BuildFailed, match=r"`false` ended with exit code 1") as caught:
            builder.build(prepare(failing, {"start.sh": "echo"}), silent)
        assert caught.value.code == "build_failed"
        assert caught.value.hint
    assert builder.build(prepare(SCRIPT, {"start.sh": "echo"}), silent).id


def test_a_missing_output_folder_fails_the_build(builder: Builder, prepare: Callable[..., BuildRequest]) -> None:
    with pytest.raises(BuildFailed) as caught:
        builder.build(prepare(Plan("static", static=StaticSite("dist")), {"index.html": "x"}), silent)
    assert caught.value.code == "output_missing"


def test_a_cancelled_build_ends_and_leaves_nothing(builder: Builder, prepare: Callable[..., BuildRequest], home: Home) -> None:
    asked = 0

    def cancelled() -> bool:
        nonlocal asked
        asked += 1
        return asked > 3

    with pytest.raises(BuildCancelled):
        builder.build(prepare(dataclasses.replace(SCRIPT, build=SLOW), {"start.sh": "echo"}, cancelled=cancelled), silent)
    assert list(home.artifacts.glob("art_*")) == []


def test_a_loaded_artifact_is_what_was_built(builder: Builder, prepare: Callable[..., BuildRequest]) -> None:
    artifact = builder.build(prepare(SCRIPT, {"start.sh": "echo"}), silent)
    assert builder.load(artifact.id) == artifact


def test_a_removed_artifact_is_gone_and_may_be_removed_again(builder: Builder, prepare: Callable[..., BuildRequest]) -> None:
    artifact: Artifact = builder.build(prepare(SCRIPT, {"start.sh": "echo"}), silent)
    builder.remove(artifact.id)
    builder.remove(artifact.id)
    assert not artifact.folder.exists()
    with pytest.raises(NotFound) as caught:
        builder.load(artifact.id)
    assert caught.value.code == "artifact_missing"
    assert not builder.build(prepare(SCRIPT, {"start.sh": "echo"}), silent).reused


def test_what_is_kept_between_builds_is_forgotten_with_what_begins_with_its_key(
    builder: Builder, home: Home, prepare: Callable[..., BuildRequest]
) -> None:
    requests = [dataclasses.replace(prepare(SCRIPT, {"start.sh": "echo"}), cache_key=key) for key in ("prj_1", "prj_1-abc", "prj_10")]
    artifacts = [builder.build(request, silent) for request in requests]
    for artifact in artifacts[:2]:
        builder.remove(artifact.id)
    for _ in range(2):
        builder.forget("prj_1")
    names = {path.name for path in home.root.rglob("*")}
    assert names.isdisjoint({"prj_1", "prj_1-abc"})
    assert builder.load(artifacts[2].id) == artifacts[2]
    assert builder.build(dataclasses.replace(prepare(SCRIPT, {"start.sh": "echo"}), cache_key="prj_10"), silent).reused


@pytest.mark.parametrize("key", ["", "..", "../x", "nobody", "prj_*"])
def test_forgetting_a_key_of_nothing_touches_nothing(builder: Builder, home: Home, prepare: Callable[..., BuildRequest], key: str) -> None:
    artifact = builder.build(prepare(SCRIPT, {"start.sh": "echo"}), silent)
    builder.forget(key)
    assert home.caches.is_dir()
    assert builder.load(artifact.id) == artifact


@pytest.mark.parametrize("settings", [PlanSettings(), PlanSettings(root_dir="web", output_dir="dist", provider="static")])
def test_settings_that_can_be_used_have_no_faults(builder: Builder, settings: PlanSettings) -> None:
    assert builder.faults(settings) == {}


@pytest.mark.parametrize("wish", [{"root_dir": "../other"}, {"root_dir": "/etc"}, {"output_dir": "a/../.."}, {"provider": "cobol"}])
def test_a_setting_that_no_source_could_be_planned_with_is_named(builder: Builder, wish: dict[str, str]) -> None:
    faults = builder.faults(PlanSettings(root_dir=wish.get("root_dir"), output_dir=wish.get("output_dir"), provider=wish.get("provider")))
    assert list(faults) == list(wish)
    assert all(faults.values())


@pytest.mark.parametrize("name", ["art_", "../../etc", "art_0000000000000000", ""])
def test_an_id_of_no_artifact_is_not_found(builder: Builder, name: str) -> None:
    with pytest.raises(NotFound):
        builder.load(name)
    builder.remove(name)


@pytest.mark.parametrize("wish", [{"root_dir": "../other"}, {"root_dir": "/etc"}, {"root_dir": "missing"}, {"output_dir": "/etc"},
                                  {"output_dir": "../.."}, {"root_dir": "site", "output_dir": "../../other"}])  # fmt: skip
def test_a_folder_outside_the_source_is_refused(builder: Builder, home: Home, wish: dict[str, str]) -> None:
    source = home.builds / "dep_outside" / "source"
    for folder in (source, source / "site", source.parent / "other"):
        folder.mkdir(parents=True)
        (folder / "index.html").write_text("a page")
    with pytest.raises(Invalid) as caught:
        builder.plan(source, PlanSettings(root_dir=wish.get("root_dir"), output_dir=wish.get("output_dir")))
    assert caught.value.code == "invalid_config"
