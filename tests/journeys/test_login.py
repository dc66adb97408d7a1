"""A whole Canonry: `canonry login` in one terminal, approval in a browser, then work with what was stored."""

import http.client
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.browser import Browser
from tests.support.canonry import Canonry, running_canonry, write_site

PASSWORD = "a long enough password"


def browser_of(canonry: Canonry) -> Browser:
    @contextmanager
    def connect() -> Iterator[http.client.HTTPConnection]:
        connection = http.client.HTTPConnection("127.0.0.1", canonry.port, timeout=30)
        try:
            yield connection
        finally:
            connection.close()

    return Browser(connect, host=f"localhost:{canonry.port}")


@pytest.mark.contract("Canner", "CLI login and deploy --follow")
@pytest.mark.contract("Canon", "device login from the CLI")
@pytest.mark.criterion("identity#login-alone")
def test_a_laptop_is_signed_in_from_a_browser_and_deploys(tmp_path: Path) -> None:
    with running_canonry(tmp_path / "server") as canonry:
        owner = canonry.api("POST", "/v1/me/password", {"new_password": PASSWORD})
        assert owner["status"] == "password_changed"
        email = canonry.api("GET", "/v1/me")["user"]["email"]
        laptop = replace(canonry, settings={"CANONRY_CONFIG": str(tmp_path / "laptop")})
        command = [sys.executable, "-m", "canonry.cli.main", "login", "--url", f"http://localhost:{canonry.port}"]
        waiting = subprocess.Popen(command, env=laptop.environment, stderr=subprocess.PIPE, text=True)
        assert waiting.stderr is not None
        found = re.search(r"http://\S+?(/auth/device\?code=\S+)", waiting.stderr.readline())
        assert found is not None
        browser = browser_of(canonry)
        place, page = browser.follow(found[1])
        assert place.startswith("/auth/login?next=")
        signed_in = browser.submit(page.form("/auth/login"), email=email, password=PASSWORD)
        place, page = browser.follow(signed_in.headers["location"])
        assert place == found[1]
        form = page.form("/auth/device")
        chosen = re.findall(r'<option value="([^"]+)"', page.text)
        assert "You are signed in" in browser.submit(form, action="approve", organization=chosen[0]).text
        assert waiting.wait(40) == 0, waiting.stderr.read()
        waiting.stderr.close()
        assert (tmp_path / "laptop" / "credentials.json").stat().st_mode & 0o777 == 0o600
        deployed = laptop.command("deploy", str(write_site(tmp_path / "site", "from the laptop")), "--project", "shop", "--follow")
        assert deployed.returncode == 0, deployed.stderr
        assert "from the laptop" in canonry.site("shop").text
        assert [row["slug"] for row in json.loads(laptop.must("projects", "ls", "--json"))] == ["shop"]
        broken = tmp_path / "broken"
        broken.mkdir()
        (broken / "canonry.toml").write_text('[build]\nbuild = "echo the build says no; false"\noutput = "."\n')
        failed = laptop.command("deploy", str(broken), "--project", "shop", "--follow")
        assert (failed.returncode, "the build says no" in failed.stdout + failed.stderr) == (1, True)
        assert "from the laptop" in canonry.site("shop").text
        assert laptop.command("logout").returncode == 0
        assert laptop.command("projects", "ls").returncode == 3
