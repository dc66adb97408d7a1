"""`make setup` on a copy of this checkout, in a folder with a space."""

import os
import sys
import tempfile
from pathlib import Path

import pytest

from canonry.infra.files import remove_tree
from tests.bootstrap.checkout import Checkout, copy_checkout
from tests.support.ordinary import UID, ordinary_user

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    made = copy_checkout(tmp_path_factory.mktemp("a machine") / "my checkout")
    made.kill_setup_under_way()
    done = made.make("setup")
    assert done.returncode == 0, done.stdout + done.stderr
    return made


@pytest.mark.criterion("running-canonry#setup-again")
def test_a_killed_set_up_is_made_good_by_the_next_one(checkout: Checkout) -> None:
    assert not (checkout.folder / ".venv" / ".canonry-setup-under-way").exists()
    code = "import fastapi, psycopg, psutil, pytest, canonry; print(canonry.__file__)"
    assert checkout.run("python", "-c", code).strip() == str(checkout.folder / "src/canonry/__init__.py")


def test_no_start_has_to_compile_what_setup_could(checkout: Checkout) -> None:
    """Also where PYTHONDONTWRITEBYTECODE is set, for the set-up or for the start."""
    code = (
        "import sys, pathlib, canonry.cli.main, canonry.cli.server.up, canonry.cli.server.serve, canonry.web.app, canonry.worker.main\n"
        "kept = [(name, getattr(module, '__cached__', None)) for name, module in sorted(sys.modules.items())]\n"
        "print([name for name, file in kept if file and not pathlib.Path(file).exists()])"
    )
    assert checkout.run("python", "-B", "-c", code).strip() == "[]"


@pytest.mark.criterion("running-canonry#setup-anywhere")
def test_the_command_works_in_a_path_with_a_space(checkout: Checkout) -> None:
    assert checkout.run("canonry", "--version").startswith("canonry ")


def test_the_second_time_has_nothing_to_do(checkout: Checkout) -> None:
    done = checkout.make("setup")
    assert (done.returncode, done.stdout) == (0, "")


def test_a_changed_lock_is_noticed(checkout: Checkout) -> None:
    lock = checkout.folder / "requirements/dev.txt"
    before = lock.read_text()
    lock.write_text(before.replace("--hash=sha256:", "--hash=sha256:0000", 1))
    refused = checkout.make("setup")
    lock.write_text(before)
    assert refused.returncode != 0
    assert "The locked requirements could not be installed." in refused.stderr
    assert checkout.make("setup").returncode == 0


def test_a_moved_checkout_is_set_up_again(checkout: Checkout, tmp_path: Path) -> None:
    moved = Checkout(checkout.folder.rename(tmp_path / "elsewhere"), checkout.environment)
    try:
        assert moved.make("setup").returncode == 0
        assert str(moved.folder) in (moved.folder / ".venv/bin/canonry").read_text()
    finally:
        moved.folder.rename(checkout.folder)


@pytest.mark.criterion("running-canonry#setup-anywhere")
def test_an_ordinary_user_sets_up_a_checkout_of_their_own() -> None:
    home = Path(tempfile.mkdtemp(prefix="an ordinary user "))  # pytest's own folders are closed to others
    try:
        made = copy_checkout(home / "my checkout")
        for path in (home, *home.rglob("*")):
            os.chown(path, UID, -1, follow_symlinks=False)
        python = str(Path(sys.base_prefix) / "bin")
        theirs = Checkout(
            made.folder, {**made.environment, "HOME": str(home), "PATH": f"{python}:{made.environment['PATH']}"}, ordinary_user()
        )
        done = theirs.make("setup")
        assert done.returncode == 0, done.stdout + done.stderr
        assert (made.folder / ".venv" / "bin" / "canonry").stat().st_uid == UID
        assert theirs.run("canonry", "--version").startswith("canonry ")
    finally:
        remove_tree(home)
