"""canonry.toml: every key is read, has an effect, and is in its guide; wrong values are refused by name."""

import re
from pathlib import Path

import pytest

from canonry.adapters.builder.native.plan import plan_source
from canonry.adapters.builder.native.plan.config import KEYS, PROVIDERS
from canonry.core.errors import Invalid
from canonry.ports.builder import PlanSettings

GUIDE = Path(__file__).parents[3] / "docs" / "guides" / "canonry-toml.md"
FLASK = "from flask import Flask\n\napp = Flask(__name__)\n"


@pytest.mark.parametrize("key", KEYS)
def test_the_guide_explains_every_key(key: str) -> None:
    section, _, name = key.partition(".")
    part = GUIDE.read_text().partition(f"## [{section}]")[2].partition("\n## ")[0]
    row = re.search(rf"^\| `{name}` \| (.+) \|$", part, re.MULTILINE)
    assert row, f"no row for {key}"
    assert len(row[1]) > 30


def test_the_guide_names_no_key_that_is_not_there() -> None:
    for section in ("build", "run"):
        part = GUIDE.read_text().partition(f"## [{section}]")[2].partition("\n## ")[0]
        assert {f"{section}.{name}" for name in re.findall(r"^\| `(\w+)` \|", part, re.MULTILINE)} == {
            key for key in KEYS if key.startswith(section)
        }


def test_the_guide_names_every_provider() -> None:
    assert all(f"`{provider}`" in GUIDE.read_text() for provider in PROVIDERS)


def test_the_example_of_the_guide_is_read(tmp_path: Path) -> None:
    example = GUIDE.read_text().partition("```toml\n")[2].partition("```")[0]
    (tmp_path / "app.py").write_text(FLASK)
    (tmp_path / "requirements.txt").write_text("flask\n")
    (tmp_path / "canonry.toml").write_text(example)
    plan = plan_source(tmp_path, PlanSettings())
    assert plan.health_path == "/healthz"
    assert set(plan.processes) == {"web", "worker"}


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('[build]\nprovider = "ruby"', "build.provider"),
        ("[build]\ninstall = 5", "build.install"),
        ('[build]\nbuild = " "', "build.build"),
        ('[build]\nbuild = "a\\u0000b"', "build.build"),
        (f'[build]\nbuild = "{"x" * 9000}"', "build.build"),
        ('[build]\noutput = "/srv"', "build.output"),
        ('[build]\noutput = "a/../../b"', "build.output"),
        ('[build]\ncaches = "x"', "build.caches"),
        ('[build]\ncaches = ["../x"]', "build.caches"),
        ('[build]\nsingle_page = "yes"', "build.single_page"),
        ("[build]\npython = 3.12", "build.python"),
        ("[build]\nnode = 22", "build.node"),
        ('[run]\nport = "80"', "run.port"),
        ("[run]\nport = 0", "run.port"),
        ("[run]\nport = 65536", "run.port"),
        ("[run]\nport = true", "run.port"),
        ('[run]\nhealth_path = "up"', "run.health_path"),
        ('[run]\nhealth_path = "/a b"', "run.health_path"),
        ('[processes]\n"My Worker" = "x"', "[processes]"),
        ("[processes]\nworker = []", "processes.worker"),
        ('[env]\n"1A" = "x"', "[env]"),
        ("[env]\nA = 5", "env.A"),
        ('build = "x"', "build"),
        ('[run]\nstart = "a"\n[processes]\nweb = "b"', "processes.web"),
        ('[build]\nnode = "22"', "build.node"),
        ('[build]\nsingle_page = true\n[run]\nstart = "x"', "build.single_page"),
    ],
)
def test_a_wrong_value_is_refused_with_its_key_and_a_remedy(text: str, place: str, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(FLASK)
    (tmp_path / "canonry.toml").write_text(text)
    with pytest.raises(Invalid) as caught:
        plan_source(tmp_path, PlanSettings())
    assert caught.value.code == "invalid_config"
    assert caught.value.message.startswith(f"canonry.toml {place} ")
    assert caught.value.hint


@pytest.mark.parametrize(
    ("written", "meant"), [("instal", "install"), ("root-dir", "root_dir"), ("cache", "caches"), ("node_version", "node")]
)
def test_a_misspelt_key_is_answered_with_the_nearest(written: str, meant: str, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("x")
    (tmp_path / "canonry.toml").write_text(f'[build]\n{written} = "x"\n')
    with pytest.raises(Invalid) as caught:
        plan_source(tmp_path, PlanSettings())
    assert f"Did you mean {meant}?" in caught.value.hint


def test_the_file_of_the_root_dir_is_read_instead_of_the_topmost(tmp_path: Path) -> None:
    (tmp_path / "web").mkdir()
    (tmp_path / "web/index.html").write_text("x")
    (tmp_path / "web/canonry.toml").write_text("[build]\nsingle_page = true\n")
    plan = plan_source(tmp_path, PlanSettings(root_dir="web"))
    assert plan.static is not None
    assert plan.static.single_page
    assert plan.root_dir == "web"


@pytest.mark.parametrize("setting", ["install_command", "build_command", "start_command", "python_version", "output_dir", "health_path"])
def test_a_wrong_setting_of_the_project_is_refused_by_name(setting: str, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(FLASK)
    with pytest.raises(Invalid) as caught:
        plan_source(tmp_path, PlanSettings(**{setting: "/\0"}))  # type: ignore[arg-type]
    assert setting in caught.value.message


@pytest.mark.criterion("deploys#toml-wins")
def test_it_wins_over_what_is_found_in_the_source(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(FLASK)
    (tmp_path / "requirements.txt").write_text("flask\ngunicorn\n")
    (tmp_path / ".python-version").write_text("3.13\n")
    (tmp_path / "Procfile").write_text("web: found web\nrelease: found release\nworker: found worker\n")
    found = plan_source(tmp_path, PlanSettings())
    assert (found.processes, found.release, found.toolchains[0].version) == (
        {"web": "found web", "worker": "found worker"}, "found release", "3.13",
    )  # fmt: skip
    (tmp_path / "canonry.toml").write_text(
        '[build]\npython = "3.12"\ninstall = "my install"\nbuild = "my build"\n'
        '[run]\nstart = "my web"\nrelease = "my release"\nport = 5000\nhealth_path = "/mine"\n'
        '[processes]\nworker = "my worker"\n[env]\nPYTHONUNBUFFERED = "0"\n'
    )
    plan = plan_source(tmp_path, PlanSettings())
    assert (plan.install, plan.build, plan.release, plan.port, plan.health_path, plan.toolchains[0].version) == (
        "my install", "my build", "my release", 5000, "/mine", "3.12",
    )  # fmt: skip
    assert plan.processes == {"web": "my web", "worker": "my worker"}
    assert (found.variables["PYTHONUNBUFFERED"], plan.variables["PYTHONUNBUFFERED"]) == ("1", "0")
    assert found.install != plan.install


@pytest.mark.criterion("deploys#toml-wins")
def test_it_makes_a_static_site_of_what_looks_like_an_app(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(FLASK)
    (tmp_path / "requirements.txt").write_text("flask\n")
    (tmp_path / "index.html").write_text("hello")
    assert plan_source(tmp_path, PlanSettings()).provider == "python"
    (tmp_path / "canonry.toml").write_text('[build]\nprovider = "static"\n')
    assert plan_source(tmp_path, PlanSettings()).provider == "static"
