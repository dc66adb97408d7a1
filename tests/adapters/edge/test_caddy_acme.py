"""Certificates from a real ACME server: a second Caddy plays the authority, in a network of its own with the real ports."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from canonry.infra.sandbox import bwrap_path
from tests.adapters.edge import acme_world

_TOP = Path(__file__).resolve().parents[3]
_NAMES = "127.0.0.1 localhost shop.test claimed.test shop.apps.test unknown.apps.test stranger.test\n"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    root = tmp_path_factory.mktemp("acme")
    (root / "hosts").write_text(_NAMES)
    command = [
        str(bwrap_path()), "--dev-bind", "/", "/", "--ro-bind", str(root / "hosts"), "/etc/hosts", "--unshare-user", "--uid", "0",
        "--gid", "0", "--unshare-net", "--cap-add", "CAP_NET_BIND_SERVICE", "--die-with-parent", "--chdir", str(_TOP), "--",
        sys.executable, "-m", acme_world.__name__, str(root),
    ]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": f"{_TOP / 'src'}:{_TOP}"}
    done = subprocess.run(command, capture_output=True, env=environment, timeout=120, check=False)
    assert done.returncode == 0, done.stderr.decode()
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_a_proved_domain_gets_a_certificate_of_the_authority_and_is_served_over_https(world: dict[str, Any]) -> None:
    assert world["before"] == ["refused: TLSV1_ALERT_INTERNAL_ERROR", "200 the app"]
    assert "Caddy Local Authority" in world["issuer"]
    assert world["after"] == ["the app", "308 https://shop.test/a?b=c"]


def test_a_project_gets_its_certificate_at_the_first_visit(world: dict[str, Any]) -> None:
    assert world["of a project"] == "the app"


@pytest.mark.criterion("operating#certificates-served-only")
def test_names_that_are_not_proved_or_not_known_get_none_and_the_authority_is_not_asked(world: dict[str, Any]) -> None:
    assert world["of nobody"] == ["refused: TLSV1_ALERT_INTERNAL_ERROR"] * 4
    assert world["stored"] == ["shop.apps.test", "shop.test"]
    assert world["permitted"] == ["shop.test"]


def test_only_a_domain_of_ones_own_makes_browsers_insist_on_https(world: dict[str, Any]) -> None:
    assert world["hsts"] == ["max-age=2592000", None]


def test_a_restarted_caddy_has_its_certificates_still(world: dict[str, Any]) -> None:
    assert world["after restart"] == "the app"
    assert world["stored after restart"] == world["stored"]
