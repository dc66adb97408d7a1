"""A client that a public generator makes from our own description runs the quick starts of both platform APIs."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.canonry import Canonry, ask, running_canonry, write_server

QUICK_STARTS = Path(__file__).parent / "quick_starts.py"


@pytest.fixture(scope="module")
def canonry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Canonry]:
    """Give a Canonry whose limits are those that hold when nobody sets any."""
    limits = {"CANONRY_RATE_LIMIT": "300", "CANONRY_RATE_LIMIT_ANONYMOUS": "30"}
    with running_canonry(tmp_path_factory.mktemp("client"), CANONRY_DRAIN_SECONDS="1", CANONRY_ALLOW_FILE_URLS="1", **limits) as canonry:
        yield canonry


@pytest.fixture(scope="module")
def client(canonry: Canonry, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Generate a client from the description that the running Canonry serves; return the folder that holds it."""
    folder = tmp_path_factory.mktemp("generated")
    (folder / "openapi.json").write_text(ask(canonry.port, "localhost", "/openapi.json").text)
    generator = Path(sys.executable).with_name("openapi-python-client")
    command = [str(generator), "generate", "--path", "openapi.json", "--meta", "none", "--output-path", "canonry_client"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "WARNING" not in done.stdout, done.stdout  # of an operation that it could not make anything of
    assert "Unable" not in done.stdout, done.stdout
    return folder


@pytest.mark.criterion("api#generated-client")
def test_it_runs_the_quick_starts_of_both_apis(canonry: Canonry, client: Path, tmp_path: Path) -> None:
    assert canonry.deploy(write_server(tmp_path / "app", "from the generated client"), "my-site").returncode == 0
    script = [
        sys.executable,
        str(QUICK_STARTS),
        f"http://127.0.0.1:{canonry.port}",
        canonry.token(),
        str(write_server(tmp_path / "b", "b")),
    ]
    environment = {"PYTHONPATH": str(client), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(script, env=environment, capture_output=True, text=True, timeout=150, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "both quick starts ran"


@pytest.mark.contract("Canner", "rate-limit headers")
def test_nobody_gets_more_by_saying_that_they_come_from_elsewhere(canonry: Canonry) -> None:
    answers = [ask(canonry.port, "localhost", "/v1/me", headers={"X-Forwarded-For": f"192.0.2.{number}"}) for number in range(60)]
    assert {answer.status for answer in answers} == {401, 429}
    assert [answer.status for answer in answers].count(401) <= 30
