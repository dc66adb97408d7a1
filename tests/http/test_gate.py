"""A POST that only reads is asked like a GET when its body is short; what comes out is the same in both ways."""

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from canonry.adapters.rates.memory import MemoryRates
from canonry.core.access import Scope
from canonry.features import git
from canonry.infra.tx import Tx
from canonry.wiring.container import Container
from tests.support.api import Answer, Api, serving

HEADING = "## 1. Passwords\n"
SHORT, LONG = HEADING, HEADING + "words " * 20_000
TEXTS = pytest.mark.parametrize("text", [SHORT, LONG], ids=["short", "long"])
FAULTY = [b"{", b"[" * 20_000, b'{"content": "\xff"}', b"[]", b"null", b"", b'{"content": 7}']


@pytest.fixture
def handbook(api: Api) -> Api:
    """Give the API with a repository."""
    assert api.ask("POST", "/v1/repositories", {"name": "handbook"}).status == 201
    return api


def place(what: str, handle: str = "ada") -> str:
    return f"/app/{handle}/editor/ada/handbook/{what}"


def sent(api: Api, raw: bytes, *, what: str = "preview", handle: str = "ada", token: str | None = "", **headers: str) -> Answer:
    named = {"Content-Type": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}}
    return api.ask("POST", place(what, handle), raw=raw, headers=named, token=token)


def preview(api: Api, text: str, **options: Any) -> Answer:  # noqa: ANN401 -- as `sent`
    return sent(api, json.dumps({"content": text}).encode(), **options)


@TEXTS
def test_each_way_gives_the_same_answer_and_cannot_write(handbook: Api, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, object]] = []
    find = git.find_repository

    def watched(tx: Tx, *arguments: Any, **options: Any) -> object:  # noqa: ANN401 -- whatever it takes
        row = tx.connection.execute("SHOW transaction_read_only").fetchone()
        asked.append((threading.current_thread().name.partition("-")[0], row and row[0]))
        return find(tx, *arguments, **options)

    monkeypatch.setattr(git, "find_repository", watched)
    quick, kept, other = preview(handbook, text), preview(handbook, text, Idempotency_Key="k-1"), preview(handbook, text, what="parse")
    assert (quick.status, quick.body) == (kept.status, kept.body) == (200, quick.body)
    assert 'id="section-1-passwords"' in quick.body.decode()
    assert other.json["sections"][0]["title"] == "Passwords"
    assert {written for _, written in asked} == {"on"}
    own_threads = [thread == "asker" for thread, _ in asked]
    assert own_threads == ([True, False, True] if text is SHORT else [False] * 3)  # what may take long holds up no question


def test_with_a_key_the_first_answer_is_given_again(handbook: Api) -> None:
    first, again = (preview(handbook, SHORT, Idempotency_Key="k-1") for _ in range(2))
    assert (again.status, again.body, again.headers["idempotency-replayed"]) == (200, first.body, "true")
    assert again.headers["content-type"] == "application/json"
    assert preview(handbook, LONG, Idempotency_Key="k-1").error == (409, "idempotency_key_reused")
    assert preview(handbook, SHORT, Idempotency_Key="").error == (400, "invalid_idempotency_key")


@pytest.mark.parametrize("raw", [*FAULTY, json.dumps({"content": LONG}).encode()], ids=lambda raw: raw[:12].decode("latin-1"))
def test_whoever_may_not_ask_is_told_that_and_not_what_is_wrong(handbook: Api, raw: bytes) -> None:
    other = handbook.somebody()
    for token in (None, "cnr_wrong"):
        assert sent(handbook, raw, token=token).status == 401
    assert sent(handbook, raw, token=other.tokens[Scope.ADMIN]).error == (403, "not_your_organization")
    made = handbook.ask("POST", "/app/ada/settings/api-keys/", {"scopes": ["specs:write"]})
    assert sent(handbook, raw, token=made.json["key"]).status == 403


@pytest.mark.parametrize("raw", FAULTY, ids=lambda raw: raw[:12].decode("latin-1"))
def test_what_is_not_valid_is_said_in_the_same_words(handbook: Api, raw: bytes) -> None:
    quick, kept = sent(handbook, raw), sent(handbook, raw, Idempotency_Key="k-1")
    assert quick.status == kept.status
    assert quick.status in {400, 422}
    assert {**quick.json, "request_id": ""} == {**kept.json, "request_id": ""}


def test_a_stranger_with_a_long_body_is_refused_before_it_is_read(handbook: Api) -> None:
    with handbook.connection() as connection:
        connection.putrequest("POST", place("preview"))
        for name, value in (("Content-Type", "application/json"), ("Content-Length", str(1 << 20)), ("Authorization", "Bearer cnr_wrong")):
            connection.putheader(name, value)
        connection.endheaders()  # and nothing more
        answer = connection.getresponse()
        assert answer.status == 401


def test_a_body_that_is_too_large_is_refused_however_it_comes(handbook: Api) -> None:
    assert sent(handbook, b" " * (5 << 20)).error == (413, "body_too_large")
    with handbook.connection() as connection:
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {handbook.owner.tokens[Scope.ADMIN]}"}
        connection.request("POST", place("preview"), body=(b" " * 65_536 for _ in range(80)), headers=headers, encode_chunked=True)
        assert connection.getresponse().status == 413


@pytest.fixture
def strict(container: Container) -> Iterator[Api]:
    """Give an API that answers four calls a minute, one of a stranger."""
    settings = replace(container.settings, rate_limit=4, rate_limit_anonymous=1)
    with serving(replace(container, settings=settings), rates=MemoryRates()) as api:
        yield api


def test_each_call_is_counted_once_whatever_it_says(strict: Api) -> None:
    handle = strict.owner.handle
    answers = [sent(strict, raw, handle=handle) for raw in (b"{", json.dumps({"content": LONG}).encode(), b"[" * 20_000)]
    answers += [preview(strict, SHORT, handle=handle), preview(strict, SHORT, handle=handle), sent(strict, b"{", handle=handle)]
    assert [answer.status for answer in answers] == [422, 404, 400, 404, 429, 429]
    assert [answer.headers["x-ratelimit-remaining"] for answer in answers] == ["3", "2", "1", "0", "0", "0"]
    strangers = [sent(strict, b"{", handle=handle, token=token) for token in (None, "cnr_wrong")]
    assert [answer.status for answer in strangers] == [401, 429]
