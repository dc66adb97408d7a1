"""Runtime logs over HTTP: since, limit and cursor, and what is wrong with them."""

import base64
import http.client
import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import pytest

from canonry.core.access import Scope
from canonry.features.deployments import Watch
from canonry.features.observe.logs.cursor import write_cursor
from canonry.infra.app_logs import TimeIndex
from tests.support.api import Api


class Clock:
    def __init__(self) -> None:
        self.now = 1_790_000_000.0

    def __call__(self) -> float:
        return self.now


def talking(api: Api, *lines: str) -> str:
    """Make an app that has written these lines."""
    slug = api.project(start_command="; ".join([*(f"echo {line}" for line in lines), "sleep 600"]))
    assert api.deploy(slug, {"start.sh": ""})["status"] == "live"
    return slug


def texts(api: Api, path: str) -> list[str]:
    return [line["text"] for line in api.get(path)["lines"]]


def test_what_the_app_writes_appears_with_its_instance_and_process(api: Api) -> None:
    slug = talking(api, "one", "two")
    page = api.get(f"/v1/projects/{slug}/logs")
    assert [line["text"] for line in page["lines"]] == ["one", "two"]
    (instance,) = api.instances(slug)
    assert {(line["instance"], line["process"]) for line in page["lines"]} == {(instance["id"], "web.0")}
    assert {line["deployment"] for line in page["lines"]} == {api.deployments(slug)[0]["id"]}
    assert all(datetime.fromisoformat(line["ts"]).tzinfo for line in page["lines"])


def test_a_span_and_an_iso_time_narrow_the_same_way(api: Api) -> None:
    path = f"/v1/projects/{talking(api, 'one', 'two')}/logs"
    ago = datetime.now(UTC) - timedelta(minutes=10)
    for since in ("10m", "600s", "1h", "1d", ago.isoformat(), ago.strftime("%Y-%m-%dT%H:%M:%SZ"), ago.strftime("%Y-%m-%dT%H:%M:%S")):
        assert texts(api, f"{path}?since={quote(since)}") == ["one", "two"]
    later = quote((datetime.now(UTC) + timedelta(hours=1)).isoformat())
    assert texts(api, f"{path}?since={later}") == []


def test_a_limit_caps_the_lines_and_the_cursor_goes_on_behind_them(api: Api) -> None:
    path = f"/v1/projects/{talking(api, 'one', 'two', 'three')}/logs"
    assert texts(api, f"{path}?limit=2") == ["two", "three"]  # the newest, unless asked from when on
    seen: list[str] = []
    cursor = ""
    for _ in range(4):
        page = api.get(f"{path}?limit=1" + (f"&cursor={cursor}" if cursor else "&since=1h"))
        seen += [line["text"] for line in page["lines"]]
        cursor = page["next_cursor"]
    assert seen == ["one", "two", "three"]
    assert texts(api, f"{path}?cursor={cursor}") == []


@pytest.mark.parametrize("since", ["yesterday", "10", "m", "-10m", "10x", "99999999d", "999999d", "2026-13-01", "", "\0",
                                   "9999-12-31T23:59:59-23:59",
                                   "0001-01-01T00:00:00+23:59"])  # fmt: skip
def test_a_since_that_is_no_time_is_refused(api: Api, since: str) -> None:
    slug = talking(api, "one")
    answer = api.ask("GET", f"/v1/projects/{slug}/logs?since={quote(since)}")
    assert answer.error == (400, "invalid_since")
    assert answer.json["issues"][0]["path"] == "query.since"


@pytest.mark.parametrize(
    "cursor",
    ["x", "!", "", base64.urlsafe_b64encode(b"[1]").decode(), base64.urlsafe_b64encode(b'{"a": -1}').decode(),
     base64.urlsafe_b64encode(b'{"a": "b"}').decode(), base64.urlsafe_b64encode(b'{"a": true}').decode(),
     base64.urlsafe_b64encode(b"[" * 5000).decode(), base64.urlsafe_b64encode(b'{"a": ' + b"9" * 30 + b"}").decode()],
)  # fmt: skip
def test_a_broken_cursor_is_refused(api: Api, cursor: str) -> None:
    slug = talking(api, "one")
    assert api.ask("GET", f"/v1/projects/{slug}/logs?cursor={cursor}").error == (400, "invalid_cursor")


@pytest.mark.parametrize("limit", ["0", "-1", "5001", "x", ""])
def test_a_limit_outside_its_range_is_refused(api: Api, limit: str) -> None:
    slug = talking(api, "one")
    assert api.ask("GET", f"/v1/projects/{slug}/logs?limit={limit}").error == (400, "validation_failed")


def test_a_cursor_of_other_instances_or_far_behind_the_end_is_no_fault(api: Api) -> None:
    slug = talking(api, "one")
    (instance,) = api.instances(slug)
    for offsets in ({"ins_of_nobody": 5, "../../etc/passwd": 0}, {instance["id"]: 1 << 61}, {instance["id"]: 1}, {}):
        assert api.ask("GET", f"/v1/projects/{slug}/logs?cursor={write_cursor(offsets)}").status == 200


@pytest.mark.parametrize("where", ["logs", "logs/stream"])
def test_an_environment_that_is_none_is_refused_and_not_taken_for_an_empty_one(api: Api, where: str) -> None:
    slug = api.app()
    answer = api.ask("GET", f"/v1/projects/{slug}/{where}?environment=bogus")
    assert answer.error == (400, "invalid_environment")
    assert answer.json["issues"][0]["path"] == "query.environment"


def test_the_stream_gives_lines_and_goes_on_after_the_last_event(api: Api) -> None:
    slug = talking(api, "one", "two")
    cursor, seen = _first_lines(api, slug, 2, {})
    assert seen == ["one", "two"]
    (instance,) = api.instances(slug)
    _write(api.container.home.instance_logs / f"{instance['id']}.log", "three")
    assert _first_lines(api, slug, 1, {"Last-Event-ID": cursor})[1] == ["three"]


def _first_lines(api: Api, slug: str, count: int, headers: dict[str, str], query: str = "") -> tuple[str, list[str]]:
    """Read so many lines of the stream, then leave; return the last id and the texts."""
    cursor = ""
    seen: list[str] = []
    with api.connection() as connection:
        token = {"Authorization": f"Bearer {api.owner.tokens[Scope.READ]}"}
        connection.request("GET", f"/v1/projects/{slug}/logs/stream?since=1h{query}", headers={**token, **headers})
        response: http.client.HTTPResponse = connection.getresponse()
        assert (response.status, response.getheader("content-type")) == (200, "text/event-stream; charset=utf-8")
        while len(seen) < count:
            name, _, value = response.readline().decode().rstrip("\n").partition(": ")
            if name == "id":
                cursor = value
            if name == "data":
                seen.append(json.loads(value)["text"])
    return cursor, seen


def test_a_stream_ends_when_the_token_it_was_opened_with_is_revoked(api: Api) -> None:
    slug = talking(api, "one")
    made = api.ask("POST", "/v1/tokens", {"name": "follower", "scope": "read"}).json
    log = api.container.home.instance_logs / f"{api.instances(slug)[0]['id']}.log"
    with api.connection() as connection:
        token = {"Authorization": f"Bearer {made['token']}"}
        connection.request("GET", f"/v1/projects/{slug}/logs/stream?since=1h", headers=token)
        response: http.client.HTTPResponse = connection.getresponse()
        while b'"one"' not in response.readline():
            pass
        time.sleep(1.1)  # so that whether it may still follow is asked again
        _write(log, "two")
        while b'"two"' not in response.readline():
            pass
        assert api.ask("DELETE", f"/v1/tokens/{made['id']}").status == 204
        time.sleep(1.1)
        _write(log, "secret")
        assert b"secret" not in response.read()


def _write(log: Path, line: str) -> None:
    with log.open("a") as file:
        file.write(f"{line}\n")


@pytest.mark.parametrize("cursor", ["x", base64.urlsafe_b64encode(b"[" * 5000).decode()])
def test_a_stream_that_cannot_begin_is_an_ordinary_error(api: Api, cursor: str) -> None:
    slug = talking(api, "one")
    assert api.ask("GET", f"/v1/projects/{slug}/logs/stream", headers={"Last-Event-ID": cursor}).error == (400, "invalid_cursor")
    assert api.ask("GET", f"/v1/projects/{slug}/logs/stream?since=x").error == (400, "invalid_since")


@pytest.mark.contract("Canner", "GET /v1/projects/{slug}/logs")
def test_a_line_appears_and_since_and_limit_narrow_it(api: Api) -> None:
    path = f"/v1/projects/{talking(api, 'one', 'two', 'three')}/logs"
    assert texts(api, path) == ["one", "two", "three"]
    assert texts(api, f"{path}?limit=1") == ["three"]
    assert texts(api, f"{path}?since=1h&limit=2") == ["one", "two"]
    assert texts(api, f"{path}?since={quote((datetime.now(UTC) + timedelta(minutes=1)).isoformat())}") == []


@pytest.mark.contract("Cantila", "GET /v1/projects/:id/logs")
def test_a_span_and_a_time_filter_the_same_way_a_limit_caps_and_a_bad_since_is_refused(api: Api) -> None:
    slug = talking(api, "one", "two", "three")
    path = f"/v1/projects/{api.get(f'/v1/projects/{slug}')['id']}/logs"
    ago = (datetime.now(UTC) - timedelta(minutes=10)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert api.get(f"{path}?since=10m")["lines"] == api.get(f"{path}?since={ago}")["lines"]
    assert texts(api, f"{path}?since=10m") == ["one", "two", "three"]
    assert texts(api, f"{path}?since=10m&limit=2") == ["one", "two"]
    answer = api.ask("GET", f"{path}?since=soon")
    assert (*answer.error, answer.json["issues"][0]["path"]) == (400, "invalid_since", "query.since")


def test_a_search_finds_a_part_of_a_line_in_any_letter_case(api: Api) -> None:
    path = f"/v1/projects/{talking(api, 'GET /users 200', 'ERROR no such user', 'get /other 500')}/logs"
    assert texts(api, f"{path}?q=get") == ["GET /users 200", "get /other 500"]
    assert texts(api, f"{path}?q=USER") == ["GET /users 200", "ERROR no such user"]
    assert texts(api, f"{path}?q=user&since=1h&limit=1") == ["GET /users 200"]
    assert texts(api, f"{path}?q={quote('%')}") == texts(api, f"{path}?q=.*") == []
    assert api.ask("GET", f"{path}?q=").error == (400, "validation_failed")
    assert api.ask("GET", f"{path}?q={'x' * 201}").error == (400, "validation_failed")


@pytest.mark.parametrize("word", ["", "&q=line"])
def test_going_back_page_by_page_shows_everything_once(api: Api, word: str) -> None:
    path = f"/v1/projects/{talking(api, *(f'line {number}' for number in range(7)))}/logs"
    seen: list[str] = []
    query = ""
    for _ in range(10):
        page = api.get(f"{path}?limit=2{word}{query}")
        seen = [line["text"] for line in page["lines"]] + seen
        if page["older_cursor"] is None:
            assert page["complete"]
            break
        query = f"&before={page['older_cursor']}"
    assert seen == [f"line {number}" for number in range(7)]


def test_going_back_and_on_at_once_is_refused(api: Api) -> None:
    path = f"/v1/projects/{talking(api, 'one')}/logs"
    cursor = api.get(path)["next_cursor"]
    for query in (f"before={cursor}&cursor={cursor}", f"before={cursor}&since=10m", "before=x"):
        answer = api.ask("GET", f"{path}?{query}")
        assert (*answer.error, answer.json["issues"][0]["path"]) == (400, "invalid_cursor", "query.before")


def test_lines_of_several_instances_stay_in_the_order_of_time_when_a_search_comes_in_parts(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    slug = talking(api)
    assert api.ask("POST", f"/v1/projects/{slug}/scale", {"instances": 2}).status == 200
    Watch(api.container).round()
    ids = [instance["id"] for instance in api.instances(slug)]
    assert len(ids) == 2
    index = TimeIndex(clock := Clock())
    for number in range(40):
        path = api.container.home.instance_logs / f"{ids[number % 2]}.log"
        with path.open("a") as file:
            file.write(f"needle {number:02}\n" + "hay hay hay hay\n" * 3000)
        clock.now += 2
        index.note(path)
    monkeypatch.setattr("canonry.features.observe.logs.reading._MOST_SEARCHED", 1)
    monkeypatch.setattr("canonry.features.observe.logs.reading._LEAST_SEARCHED", 200_000)
    wanted = [f"needle {number:02}" for number in range(40)]
    seen, query, parts = [], "since=2000d", 0
    while True:
        page = api.get(f"/v1/projects/{slug}/logs?q=needle&limit=100&{query}")
        seen += [line["text"] for line in page["lines"]]
        query, parts = f"cursor={page['next_cursor']}", parts + 1
        if page["complete"]:
            break
    assert (seen, parts > 3) == (wanted, True)
    seen, query = [], ""
    while True:
        page = api.get(f"/v1/projects/{slug}/logs?q=needle&limit=7{query}")
        seen = [line["text"] for line in page["lines"]] + seen
        if page["older_cursor"] is None:
            break
        query = f"&before={page['older_cursor']}"
    assert seen == wanted


def test_a_process_or_an_instance_can_be_chosen(api: Api) -> None:
    slug = talking(api, "one")
    (instance,) = api.instances(slug)
    path = f"/v1/projects/{slug}/logs"
    for query in ("process=web", "process=web.0", f"instance={instance['id']}", "process=web&q=on"):
        assert texts(api, f"{path}?{query}") == ["one"]
    for query in ("process=worker", "process=web.1", "instance=ins_other", "process=web&q=two"):
        assert texts(api, f"{path}?{query}") == []


def test_a_search_does_not_find_what_is_masked(api: Api) -> None:
    """Else whoever may read the log could guess a secret letter by letter."""
    slug = api.project(start_command="echo the key is hunter2secret; sleep 600")
    assert api.ask("POST", f"/v1/projects/{slug}/env", {"key": "KEY", "value": "hunter2secret"}).status == 201
    assert api.deploy(slug, {"start.sh": ""})["status"] == "live"
    assert texts(api, f"/v1/projects/{slug}/logs?q=key") == ["the key is [redacted]"]
    assert texts(api, f"/v1/projects/{slug}/logs?q=hunter") == []


def test_the_stream_can_be_narrowed_too(api: Api) -> None:
    slug = talking(api, "one", "two", "three")
    assert _first_lines(api, slug, 1, {}, "&q=TWO")[1] == ["two"]
