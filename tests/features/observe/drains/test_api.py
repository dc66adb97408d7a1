"""Log drains over HTTP: made, shown without their secrets, refused when they cannot work."""

import json

import pytest

from tests.support.api import Api
from tests.support.syslog import make_certificate

_HTTP = {"kind": "http", "url": "https://logs.example.com/v1/path-token?key=query-token", "token": "bearer-token"}


def test_a_drain_is_made_shown_listed_and_removed_and_its_secrets_are_never_shown(api: Api) -> None:
    path = f"/v1/projects/{api.app()}/drains"
    answer = api.ask("POST", path, _HTTP)
    assert answer.status == 201
    drain = answer.json["drain"]
    names = ("kind", "target", "format", "gzip", "has_authorization", "status", "lag_bytes", "last_error")
    assert {name: drain[name] for name in names} == {
        "kind": "http", "target": "https://logs.example.com/…", "format": "ndjson", "gzip": False, "has_authorization": True,
        "status": "waiting", "lag_bytes": 0, "last_error": None,
    }  # fmt: skip
    assert api.get(path)["drains"] == [drain]
    assert api.get(f"{path}/{drain['id']}")["drain"] == drain
    shown = answer.body + json.dumps(api.get(path)).encode()
    assert not any(secret in shown for secret in (b"path-token", b"query-token", b"bearer-token"))
    with api.container.transactions.begin() as tx:
        rows = tx.connection.execute("SELECT drains::text FROM drains").fetchall()
    assert not any(secret in str(rows) for secret in ("path-token", "query-token", "bearer-token"))
    assert api.ask("DELETE", f"{path}/{drain['id']}").status == 204
    assert api.get(path)["drains"] == []
    assert api.ask("DELETE", f"{path}/{drain['id']}").error == (404, "drain_not_found")


def test_a_drain_of_another_project_is_not_found(api: Api) -> None:
    one, other = api.project(), api.project()
    drain = api.ask("POST", f"/v1/projects/{one}/drains", _HTTP).json["drain"]["id"]
    for name in (drain, "drn_0000000000000000", "x", "%00"):
        assert api.ask("GET", f"/v1/projects/{other}/drains/{name}").error == (404, "drain_not_found")
        assert api.ask("DELETE", f"/v1/projects/{other}/drains/{name}").error == (404, "drain_not_found")
    assert len(api.get(f"/v1/projects/{one}/drains")["drains"]) == 1


@pytest.mark.parametrize("url", ["", "logs.example.com", "ftp://x.example.com", "https://", "https://u:p@x.example.com/", "https://x y/",
                                 "https://x.example.com/\n", "tcp://x.example.com:514"])  # fmt: skip
def test_an_address_that_is_none_is_refused_by_name(api: Api, url: str) -> None:
    answer = api.ask("POST", f"/v1/projects/{api.project()}/drains", {"kind": "http", "url": url})
    assert answer.status == 400
    assert answer.json["issues"][0]["path"] == "body.url"


@pytest.mark.parametrize("url", ["https://x.example.com", "tcp://", "tcp://x.example.com:0", "tcp://x.example.com:99999", "tls://x.example.com/path",
                                 "udp://u@x.example.com", "udp://x.example.com?a=1"])  # fmt: skip
def test_an_address_that_is_no_syslog_server_is_refused_by_name(api: Api, url: str) -> None:
    answer = api.ask("POST", f"/v1/projects/{api.project()}/drains", {"kind": "syslog", "url": url})
    assert (*answer.error, answer.json["issues"][0]["path"]) == (400, "invalid_url", "body.url")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "10.1.2.3", "192.168.0.9", "169.254.169.254", "[::1]", "[fd00::1]", "0.0.0.0",  # noqa: S104 -- compared
                                  "[::ffff:10.0.0.1]", "x.localhost", "db.internal", "localhost."])  # fmt: skip
@pytest.mark.parametrize("kind", ["http", "syslog"])
def test_an_address_inside_is_refused(api: Api, host: str, kind: str) -> None:
    url = f"http://{host}:8080/" if kind == "http" else f"tcp://{host}:514"
    answer = api.ask("POST", f"/v1/projects/{api.project()}/drains", {"kind": kind, "url": url})
    assert (*answer.error, answer.json["issues"][0]["path"]) == (400, "private_address", "body.url")


@pytest.mark.parametrize("more", [{"format": "xml"}, {"token": "a", "username": "b", "password": "c"}, {"username": "b"}, {"password": "c"},
                                  {"unknown": 1}, {"kind": "kafka"}, {"gzip": "yes"}, {"token": "two words"},
                                  {"token": "line\nbreak"},
                                  {"username": "a:b", "password": "c"}, {"environment": ""},
                                  {"environment": "staging"}, {"environment": "preview/"},
                                  {"environment": "\0"}, {"ca": "x"},
                                  {"kind": "syslog", "url": "tcp://x.example.com", "gzip": True},
                                  {"kind": "syslog", "url": "tcp://x.example.com", "token": "a"},
                                  {"kind": "syslog", "url": "tcp://x.example.com", "ca": "x"},
                                  {"kind": "syslog", "url": "tls://x.example.com", "ca": "no certificate"}])  # fmt: skip
def test_what_would_have_no_effect_or_is_wrong_is_refused_and_nothing_is_made(api: Api, more: dict[str, object]) -> None:
    path = f"/v1/projects/{api.project()}/drains"
    assert api.ask("POST", path, {"kind": "http", "url": "https://x.example.com/", **more}).status == 400
    assert api.get(path)["drains"] == []


def test_a_certificate_of_ones_own_is_taken_for_tls(api: Api, tmp_path_factory: pytest.TempPathFactory) -> None:
    pem = make_certificate(tmp_path_factory.mktemp("ca"))[0].read_text()
    answer = api.ask("POST", f"/v1/projects/{api.project()}/drains", {"kind": "syslog", "url": "tls://x.example.com", "ca": pem})
    assert (answer.status, answer.json["drain"]["target"], answer.json["drain"]["format"]) == (201, "tls://x.example.com", "rfc5424")


def test_the_eleventh_drain_of_a_project_is_refused(api: Api) -> None:
    path = f"/v1/projects/{api.project()}/drains"
    for _ in range(10):
        assert api.ask("POST", path, _HTTP).status == 201
    assert api.ask("POST", path, _HTTP).error == (409, "too_many_drains")
