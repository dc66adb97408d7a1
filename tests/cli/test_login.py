"""`canonry login` as a real process against the real API: approved in a browser, refreshed, ended."""

import json
import re
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from canonry.features.auth.device import service as device
from tests.support.api import Api
from tests.support.browser import Browser
from tests.support.command_line import RunCli
from tests.support.relay import relayed
from tests.support.signing_in import SignIn


@pytest.fixture
def address(people: Api, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(device, "PAUSE", 1)
    with relayed(people.socket) as url:
        yield url


@pytest.fixture
def file(environment: dict[str, str]) -> Path:
    return Path(environment["CANONRY_CONFIG"]) / "credentials.json"


def start_login(environment: dict[str, str], address: str, *words: str) -> tuple["subprocess.Popen[str]", str]:
    """Start `canonry login`; return the process and the code that it shows."""
    command = [sys.executable, "-m", "canonry.cli.main", "login", "--url", address, *words]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    for line in process.stderr:
        if found := re.search(r"compare the code:\s+(\S+)", line):
            return process, found[1]
    raise AssertionError(f"no code was shown; it ended with {process.wait()}")


def decide(browser: Browser, code: str, action: str = "approve") -> None:
    form = browser.get(f"/auth/device?code={code}").form("/auth/device")
    assert browser.submit(form, action=action, organization="ada").status == 200


def finish(process: "subprocess.Popen[str]") -> tuple[int, str]:
    _, said = process.communicate(timeout=120)
    return process.returncode, said


@pytest.fixture
def logged_in(environment: dict[str, str], address: str, sign_in: SignIn, file: Path) -> dict[str, Any]:
    process, code = start_login(environment, address)
    decide(sign_in(), code)
    status, said = finish(process)
    assert status == 0, said
    return dict(json.loads(file.read_text()))


def age_token(file: Path, **changes: object) -> None:
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))


def expire_access(people: Api) -> None:
    with people.container.transactions.begin() as tx:
        tx.connection.execute("UPDATE access_tokens SET expires_at = %s", (datetime.now(UTC),))


@pytest.mark.contract("Canon", "device login from the CLI")
@pytest.mark.contract("Canner", "CLI login and deploy --follow")
def test_the_code_is_shown_approved_in_a_browser_and_the_tokens_are_kept(
    people: Api, environment: dict[str, str], address: str, sign_in: SignIn, file: Path, canonry: RunCli
) -> None:
    people.project("shop")
    process, code = start_login(environment, address, "--org", "ada")
    page = sign_in().get(f"/auth/device?code={code}")
    assert re.search(r"canonry \S+ on \S+", page.text)
    assert not file.exists()
    decide(sign_in(), code)
    status, said = finish(process)
    assert (status, "Signed in to" in said) == (0, True), said
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    stored = json.loads(file.read_text())
    assert (stored["url"], stored["organization"]) == (address, "ada")
    assert stored["token"] not in said
    assert stored["refresh_token"] not in said
    assert canonry("projects", "ls").stdout.splitlines()[1].split()[0] == "shop"
    me = json.loads(canonry("whoami", "--json").stdout)
    assert (me["user"]["email"], me["url"]) == ("ada@example.com", address)


@pytest.mark.contract("Canon", "device login from the CLI")
def test_a_token_that_the_server_refuses_is_refreshed_once(people: Api, logged_in: dict[str, Any], canonry: RunCli, file: Path) -> None:
    expire_access(people)
    assert canonry("whoami").returncode == 0
    stored = json.loads(file.read_text())
    assert stored["token"] != logged_in["token"]
    assert stored["refresh_token"] != logged_in["refresh_token"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_token_is_refreshed_half_a_minute_before_its_end(logged_in: dict[str, Any], canonry: RunCli, file: Path) -> None:
    assert logged_in["expires_at"] == pytest.approx(time.time() + 3600, abs=60)
    age_token(file, expires_at=time.time() + 40)
    assert canonry("whoami").returncode == 0
    assert json.loads(file.read_text())["token"] == logged_in["token"]
    age_token(file, expires_at=time.time() + 25)
    assert canonry("whoami").returncode == 0
    assert json.loads(file.read_text())["token"] != logged_in["token"]


def test_commands_that_refresh_at_once_do_not_end_the_session(people: Api, logged_in: dict[str, Any], canonry: RunCli, file: Path) -> None:
    age_token(file, expires_at=time.time())
    statuses: list[int] = []
    threads = [threading.Thread(target=lambda: statuses.append(canonry("whoami").returncode)) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [0] * 5
    with people.container.transactions.begin() as tx:
        row = tx.connection.execute("SELECT count(*) FROM events WHERE name = 'auth.tokens_refreshed'").fetchone()
    assert row == (1,)
    assert json.loads(file.read_text())["token"] != logged_in["token"]


def test_an_archive_is_sent_again_after_a_refusal(people: Api, logged_in: dict[str, Any], canonry: RunCli) -> None:
    assert logged_in["token"]
    expire_access(people)
    done = canonry("deploy", "--no-follow", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["status"] == "queued"


def test_a_session_that_was_ended_says_how_to_sign_in_again(people: Api, logged_in: dict[str, Any], canonry: RunCli) -> None:
    with people.container.transactions.begin() as tx:
        tx.connection.execute("UPDATE sessions SET revoked_at = now()")
    done = canonry("whoami")
    assert (done.returncode, f"canonry login --url {logged_in['url']}" in done.stderr) == (3, True)


def test_signing_out_ends_the_session_on_the_server(people: Api, logged_in: dict[str, Any], canonry: RunCli, file: Path) -> None:
    assert canonry("logout").returncode == 0
    assert not file.exists()
    assert people.ask("GET", "/v1/me", token=logged_in["token"]).error == (401, "invalid_token")
    assert "Nobody was signed in" in canonry("logout").stderr


def test_signing_out_works_without_the_server_and_says_what_is_left(logged_in: dict[str, Any], canonry: RunCli, file: Path) -> None:
    age_token(file, url="http://127.0.0.1:1")
    done = canonry("logout")
    assert (done.returncode, file.exists(), "the session goes on" in done.stderr) == (0, False, True)
    assert logged_in["refresh_token"] not in done.stderr


def test_a_refusal_in_the_browser_ends_it(environment: dict[str, str], address: str, sign_in: SignIn, file: Path) -> None:
    process, code = start_login(environment, address)
    decide(sign_in(), code, "deny")
    status, said = finish(process)
    assert (status, "refused in the browser" in said, file.exists()) == (3, True, False)


def test_a_code_that_nobody_approves_expires(people: Api, environment: dict[str, str], address: str) -> None:
    process, _ = start_login(environment, address)
    with people.container.transactions.begin() as tx:
        tx.connection.execute("UPDATE device_codes SET expires_at = now()")
    status, said = finish(process)
    assert (status, "Nobody approved the code in time" in said) == (3, True)


def test_a_wrong_organization_or_address_is_said_at_once(canonry: RunCli, address: str) -> None:
    assert canonry("login", "--url", address, "--org", "a b").returncode == 2
    assert canonry("login", "--url", "http://127.0.0.1:1").returncode == 8
    assert canonry("login", "--url", "ftp://x").returncode == 2
