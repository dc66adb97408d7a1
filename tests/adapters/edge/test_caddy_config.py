"""The configuration and the route files as data."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canonry.adapters.edge.caddy import caddy_config
from canonry.adapters.edge.caddy.config import own_hosts
from canonry.adapters.edge.caddy.edge import CaddyEdge
from canonry.adapters.edge.caddy.entries import boot_token, proxy_entry, site_entry
from canonry.core.errors import Invalid, Unavailable
from canonry.core.paths import Home
from canonry.core.settings import Settings

_ADDRESSES = st.builds(lambda port: f"127.0.0.1:{port}", st.integers(1, 65535))


@pytest.fixture
def config(tmp_path: Path) -> dict[str, Any]:
    home = Home(tmp_path / "a home")
    settings = Settings(home=home.root, base_domain="apps.test")
    return caddy_config(home, settings, boot="0123456789ab", admin=home.run / "caddy-1.sock", sockets=2)


def test_it_listens_on_the_sockets_it_is_given_and_keeps_admin_to_a_unix_socket() -> None:
    home = Home(Path("/a home"))  # a short path: a longer one than a socket may have stands under /tmp
    config = caddy_config(home, Settings(home=home.root), boot="0123456789ab", admin=home.run / "caddy-1.sock", sockets=2)
    assert config["apps"]["http"]["servers"]["edge"]["listen"] == ["fd/3", "fd/4"]
    assert config["admin"]["listen"] == "unix//a home/run/caddy-1.sock"


def test_every_proxy_tries_again_only_what_was_never_sent(config: dict[str, Any]) -> None:
    proxies = [part for part in _parts(config) if part.get("handler") == "reverse_proxy"]
    assert len(proxies) == 33
    for proxy in proxies:
        assert proxy["load_balancing"]["retry_match"] == [{"expression": "false"}]
        assert "flush_interval" not in proxy


def test_the_error_pages_keep_their_braces(config: dict[str, Any]) -> None:
    bodies = [part["body"] for part in _parts(config) if part.get("handler") == "static_response" and "body" in part]
    assert all("{color" not in body.replace("\\{", "") for body in bodies)


def test_canonry_answers_at_its_base_domain_and_on_loopback() -> None:
    assert own_hosts(Settings(base_domain="apps.test")) == ["apps.test", "localhost", "127.0.0.1", "::1"]
    assert own_hosts(Settings(http_address="10.1.2.3")) == ["localhost", "127.0.0.1", "::1", "10.1.2.3"]
    assert own_hosts(Settings(http_address="0.0.0.0")) == ["localhost", "127.0.0.1", "::1"]  # noqa: S104


@given(st.lists(_ADDRESSES, min_size=1, max_size=32))
def test_a_proxy_line_has_the_count_and_each_address_in_order(addresses: list[str]) -> None:
    assert proxy_entry(addresses, "b00t").split(" ") == ["proxy", "b00t", str(len(addresses)), *addresses]


@given(st.text())
def test_a_line_holds_no_address_that_could_say_something_else(text: str) -> None:
    line = "proxy b00t 1 refused"
    with contextlib.suppress(Invalid):
        line = proxy_entry([text], "b00t")
    assert len(line.split()) == 4


def test_more_than_32_instances_are_refused() -> None:
    with pytest.raises(Invalid) as caught:
        proxy_entry(["127.0.0.1:1"] * 33, "b00t")
    assert caught.value.code == "too_many_instances"


@pytest.mark.parametrize("path", ["relative", "/with\nbreak", "/does/not/exist"])
def test_a_folder_that_cannot_be_served_is_refused(path: str) -> None:
    with pytest.raises(Invalid) as caught:
        site_entry(Path(path), single_page=False)
    assert caught.value.code == "invalid_site"


def test_the_boot_token_stays_the_same_within_a_boot() -> None:
    assert boot_token() == boot_token()
    assert len(boot_token()) == 12


@pytest.mark.parametrize("host", ["", ".hidden", "../x", "a/b", "a\0b"])
def test_a_host_that_is_no_name_is_refused(tmp_path: Path, host: str) -> None:
    edge = CaddyEdge(Home(tmp_path), Settings())
    with pytest.raises(Invalid, match="not a host name"):
        edge.remove(host)
    with pytest.raises(Invalid, match="not a host name"):
        edge.point(host, ["127.0.0.1:1"])


def test_a_route_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "edge").write_text("in the way")
    with pytest.raises(Unavailable) as caught:
        CaddyEdge(Home(tmp_path), Settings()).point("a.test", ["127.0.0.1:1"])
    assert caught.value.code == "edge_unwritable"


def test_the_configuration_is_json_and_small(config: dict[str, Any]) -> None:
    assert len(json.dumps(config)) < 100_000


def _parts(value: object) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for part in value.values():
            yield from _parts(part)
    elif isinstance(value, list):
        for part in value:
            yield from _parts(part)
