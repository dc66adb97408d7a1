"""Python sources whose lock files name a package index, and so are written here instead of being committed."""

from pathlib import Path

import pytest

from canonry.adapters.builder.native.plan import plan_source
from canonry.ports.builder import Plan, PlanSettings

FASTAPI = "from fastapi import FastAPI\n\napp = FastAPI()\n"
REGISTRY = 'source = { registry = "https://index.example/simple" }'
PYPROJECT = '[project]\nname = "api"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = ["fastapi"]\n'


def write(source: Path, files: dict[str, str]) -> Plan:
    for name, text in files.items():
        place = source / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    return plan_source(source, PlanSettings())


def uv_lock(*sources: str) -> str:
    return "version = 1\n" + "".join(
        f'\n[[package]]\nname = "p{number}"\nversion = "1"\n{source}\n' for number, source in enumerate(sources)
    )


def test_a_uv_lock_is_synced_frozen_and_wholly_decides_the_install(tmp_path: Path) -> None:
    plan = write(tmp_path, {"main.py": FASTAPI, "pyproject.toml": PYPROJECT, "uv.lock": uv_lock(REGISTRY, 'source = { virtual = "." }')})
    server = "uv pip install --compile-bytecode uvicorn uvloop httptools websockets"
    assert plan.install == f"{server} && uv sync --frozen --no-dev --no-install-project --inexact --compile-bytecode"
    assert plan.lockfiles == ("pyproject.toml", "uv.lock")
    assert plan.toolchains[0].version == "3.12"


def test_a_server_among_the_dependencies_is_not_installed_again(tmp_path: Path) -> None:
    project = PYPROJECT.replace('"fastapi"', '"fastapi", "uvicorn"')
    plan = write(tmp_path, {"main.py": FASTAPI, "pyproject.toml": project, "uv.lock": uv_lock(REGISTRY)})
    assert plan.install == "uv sync --frozen --no-dev --no-install-project --compile-bytecode"


@pytest.mark.parametrize("local", ['source = { directory = "libs/a" }', 'source = { path = "a.whl" }', 'source = { editable = "libs/a" }'])
def test_a_uv_lock_with_packages_of_the_source_does_not_decide_alone(local: str, tmp_path: Path) -> None:
    plan = write(tmp_path, {"main.py": FASTAPI, "pyproject.toml": PYPROJECT, "uv.lock": uv_lock('source = { editable = "." }', local)})
    assert plan.lockfiles == ()
    assert plan.install is not None
    assert "--no-install-project" not in plan.install


def test_a_member_of_a_uv_workspace_is_installed_from_the_root(tmp_path: Path) -> None:
    root = '[project]\nname = "root"\nversion = "1"\n\n[tool.uv.workspace]\nmembers = ["services/*"]\n'
    write_files = {
        "pyproject.toml": root,
        "uv.lock": uv_lock(REGISTRY),
        "services/api/pyproject.toml": PYPROJECT,
        "services/api/main.py": FASTAPI,
        "canonry.toml": '[build]\nroot_dir = "services/api"\nbuild = "make"\n',
    }
    plan = write(tmp_path, write_files)
    assert plan.root_dir == "."
    assert plan.install is not None
    assert "uv sync --frozen --no-dev --no-editable --package api" in plan.install
    assert plan.processes["web"].startswith("cd services/api && exec uvicorn ")
    assert plan.build == "cd services/api && make"


def test_a_pylock_decides_the_install(tmp_path: Path) -> None:
    lock = 'lock-version = "1.0"\n\n[[packages]]\nname = "flask"\nversion = "3.1.0"\n'
    plan = write(tmp_path, {"app.py": "from flask import Flask\napp = Flask(__name__)\n", "pylock.toml": lock})
    assert plan.install == "uv pip install --compile-bytecode gunicorn && uv pip install -r pylock.toml --compile-bytecode"
    assert plan.lockfiles == ("pylock.toml",)


def test_a_pylock_with_a_folder_does_not_decide_alone(tmp_path: Path) -> None:
    lock = 'lock-version = "1.0"\n\n[[packages]]\nname = "mine"\n[packages.directory]\npath = "."\n'
    assert write(tmp_path, {"main.py": "print()\n", "pylock.toml": lock}).lockfiles == ()


def test_the_strictest_lock_wins(tmp_path: Path) -> None:
    files = {
        "main.py": FASTAPI,
        "pyproject.toml": PYPROJECT,
        "uv.lock": uv_lock(REGISTRY),
        "requirements.txt": "fastapi\n",
        "poetry.lock": "",
    }
    assert write(tmp_path, files).found[0] == "uv.lock"


def test_dependencies_that_are_computed_install_the_project(tmp_path: Path) -> None:
    project = '[project]\nname = "api"\nversion = "1"\ndynamic = ["dependencies"]\n'
    plan = write(tmp_path, {"main.py": FASTAPI, "pyproject.toml": project})
    assert plan.install == "uv pip install --compile-bytecode . uvicorn uvloop httptools websockets"
    assert plan.lockfiles == ()


@pytest.mark.parametrize(
    ("code", "target"),
    [
        ("import flask\nserver = flask.Flask(__name__)\n", "gunicorn main:server"),
        ("from quart import Quart\napi = Quart(__name__)\n", "uvicorn main:api"),
        ("from falcon.asgi import App\nimport falcon.asgi\napp = falcon.asgi.App()\n", "uvicorn main:app"),
        ("import falcon\napplication = falcon.App()\n", "gunicorn main:application"),
        ("from fastapi import FastAPI\ndef create_app() -> FastAPI:\n    return FastAPI()\n", "uvicorn --factory main:create_app"),
        ("from shop import make_app\nfrom flask import g\napp = make_app()\n", "gunicorn main:app"),
        ("from bottle import default_app\napp = default_app()\n", "gunicorn main:app"),
        ('"""\napp = Flask(__name__)\n"""\nfrom starlette.applications import Starlette\nsite = Starlette()\n', "uvicorn main:site"),
    ],
)
def test_the_application_is_found_whatever_it_is_called(code: str, target: str, tmp_path: Path) -> None:
    start = write(tmp_path, {"main.py": code, "requirements.txt": "x\n"}).processes["web"]
    server, *rest = target.split()
    assert start.startswith(f"exec {server} ")
    assert start.endswith(" ".join(rest))


def test_a_factory_that_needs_arguments_is_not_called(tmp_path: Path) -> None:
    code = "from flask import Flask\ndef create_app(config):\n    return Flask(__name__)\n"
    assert write(tmp_path, {"main.py": code, "requirements.txt": "flask\n"}).processes["web"] == "exec python main.py"


def test_tests_and_migrations_are_not_taken_for_the_application(tmp_path: Path) -> None:
    files = {"tests/app.py": FASTAPI, "migrations/main.py": FASTAPI, "node_modules/x/app.py": FASTAPI, "conftest.py": FASTAPI}
    plan = write(tmp_path, {**files, "worker.py": "print()\n", "requirements.txt": "x\n"})
    assert plan.processes["web"] == "exec python worker.py"


def test_a_folder_without_init_is_where_imports_begin(tmp_path: Path) -> None:
    plan = write(tmp_path, {"backend/main.py": f"import models\n{FASTAPI}", "requirements.txt": "fastapi\n"})
    assert plan.processes["web"].endswith(" main:app")
    assert plan.variables["PYTHONPATH"] == "/app/backend"
