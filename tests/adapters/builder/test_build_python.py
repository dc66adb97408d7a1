"""Python apps: a real install, reused by the lock file, and seen by nobody else."""

import dataclasses
import json
from pathlib import Path

import pytest

from canonry.ports.builder import Artifact, Plan, Toolchain
from canonry.ports.errors import BuildFailed
from tests.support.builds import Workshop, run_in

PYTHON = Toolchain("python", "3.12", "default")
FLASK = Plan("python", toolchains=(PYTHON,), install="uv pip install -r requirements.txt", processes={"web": "flask run"},
             lockfiles=("requirements.txt",))  # fmt: skip
APP = {"app.py": "import flask\nprint(flask.__name__)\n", "requirements.txt": "flask==3.1.3\n"}


@pytest.fixture(scope="module")
def flask(workshop: Workshop) -> Artifact:
    return workshop.build(FLASK, APP)


def test_flask_is_installed_from_the_index_and_runs_read_only(flask: Artifact) -> None:
    assert run_in(flask, "python app.py && which flask && python -c 'import sys; print(sys.prefix)'") == "flask\n/env/bin/flask\n/env\n"


def test_the_plan_names_the_exact_version_that_was_used(flask: Artifact) -> None:
    (tool,) = flask.plan.toolchains
    assert tool.version.startswith("3.12.")
    assert tool.version.count(".") == 2
    assert tool.reason == "default"


def test_bytecode_is_ready_so_that_a_start_need_not_compile(flask: Artifact) -> None:
    env = next(mount.source for mount in flask.mounts if mount.target == "/env")
    assert list(env.glob("lib/python3.12/site-packages/flask/__pycache__/app.cpython-312*.pyc"))


def test_a_changed_app_with_the_same_lock_file_uses_the_same_layer_at_once(workshop: Workshop, flask: Artifact) -> None:
    changed = workshop.build(FLASK, APP | {"app.py": "import flask; print(2)"})
    assert changed.id != flask.id
    assert changed.mounts == flask.mounts
    assert "unchanged" in workshop.log
    assert run_in(changed, "python app.py") == "2\n"


def test_a_changed_lock_file_is_installed_from_the_cache_without_the_network(workshop: Workshop, flask: Artifact) -> None:
    lines = "".join(f"{name}\n" for name in run_in(flask, "uv --version >/dev/null 2>&1; ls /env/lib/python3.12/site-packages").split()
                    if name.endswith(".dist-info")).replace("-", "==").replace(".dist==info", "")  # fmt: skip
    requirements = "".join(f"{line}\n" for line in lines.splitlines() if "==" in line)
    assert "flask==3.1.3" in requirements.lower()
    dead = {"UV_DEFAULT_INDEX": "http://127.0.0.1:9/simple"}  # whoever asks it fails
    with_dead_index = dataclasses.replace(FLASK, variables=dead)
    artifact = workshop.build(FLASK, APP | {"requirements.txt": requirements})
    assert artifact.mounts != flask.mounts
    assert run_in(artifact, "python app.py") == "flask\n"
    with pytest.raises(BuildFailed):  # another index has another cache, so this one does need the network
        workshop.build(with_dead_index, APP | {"requirements.txt": requirements + "# 2\n"})


def test_a_package_that_is_not_there_fails_with_the_reason(workshop: Workshop) -> None:
    with pytest.raises(BuildFailed, match="not in the package index") as caught:
        workshop.build(FLASK, APP | {"requirements.txt": "flask==99.0.1\n"})
    assert caught.value.code == "install_failed"
    assert "exit code 1" in caught.value.message
    assert caught.value.hint
    assert workshop.leftovers() == []


def test_without_lock_files_the_environment_belongs_to_the_artifact(workshop: Workshop) -> None:
    plan = dataclasses.replace(FLASK, lockfiles=(), install="uv pip install itsdangerous==2.2.0", build="touch /env/mark")
    artifact = workshop.build(plan, APP)
    env = next(mount.source for mount in artifact.mounts if mount.target == "/env")
    assert env == artifact.folder / "env"
    assert run_in(artifact, "python -c 'import itsdangerous' && ls /env/mark") == "/env/mark\n"


def test_an_app_has_a_home_that_it_can_write_to(flask: Artifact) -> None:
    assert run_in(flask, 'touch "$HOME/a file" && ls "$HOME"') == "a file\n"


def test_what_a_build_writes_into_the_environment_stays_with_its_artifact(workshop: Workshop, flask: Artifact) -> None:
    plan = dataclasses.replace(
        FLASK, build="echo 'X = 1' > /env/lib/python3.12/site-packages/added.py && rm -r /env/lib/python3.12/site-packages/flask"
    )
    artifact = workshop.build(plan, APP)
    assert (
        run_in(artifact, "python -c 'import added, click; print(added.X)'; ls -d /env/lib/python3.12/site-packages/flask || true") == "1\n"
    )
    assert run_in(flask, "python app.py; ls /env/lib/python3.12/site-packages/added.py 2>/dev/null || true") == "flask\n"


def test_a_layer_goes_with_the_last_artifact_that_uses_it(workshop: Workshop) -> None:
    made = []
    for number in range(4):
        plan = dataclasses.replace(FLASK, install=f"echo {number}")
        made.append(workshop.build(plan, APP, cache_key="prj_layers"))
    folders = [artifact.mounts[-1].source.parent for artifact in made]
    workshop.builder.remove(made[0].id)
    workshop.builder.remove(made[1].id)
    workshop.builder.remove(made[2].id)
    assert folders[3].is_dir()
    assert sum(folder.is_dir() for folder in folders) <= 3  # the used one, and the two newest of the others
    assert workshop.builder.load(made[3].id) == made[3]


@pytest.mark.criterion("deploys#build-is-alone")
def test_a_build_sees_neither_the_home_nor_another_project(workshop: Workshop, flask: Artifact) -> None:
    assert flask.id
    home = workshop.home.root
    look = f"ls '{home}' 2>&1; ls / /cache /home; ls -a /env 2>&1; cat '{home}/secret.key' 2>&1; true"
    workshop.build(Plan("shell", build=look), {"x": "1"}, cache_key="prj_other")
    assert "prj_1" not in workshop.log
    assert "artifacts" not in workshop.log
    assert workshop.log.count("No such file or directory") >= 2


def test_an_unknown_version_says_what_there_is(workshop: Workshop) -> None:
    plan = dataclasses.replace(FLASK, toolchains=(Toolchain("python", "3.6.99", ".python-version asks for 3.6.99"),))
    with pytest.raises(BuildFailed) as caught:
        workshop.build(plan, APP)
    assert caught.value.code == "toolchain_unavailable"
    assert "Python 3.6.99 (.python-version asks for 3.6.99)" in caught.value.message


def test_no_path_of_the_home_is_kept_so_that_it_can_be_moved(workshop: Workshop, flask: Artifact) -> None:
    record = (flask.folder / "artifact.json").read_text()
    assert str(workshop.home.root) not in record
    assert json.loads(record)["plan"]["provider"] == "python"
    env = next(mount.source for mount in flask.mounts if mount.target == "/env")
    naming = [path for path in Path(env).rglob("*") if path.is_file() and str(workshop.home.root).encode() in path.read_bytes()]
    assert naming == []
