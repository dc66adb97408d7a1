"""How often who may call what."""

import http.client
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from canonry.adapters.rates.memory import MemoryRates
from canonry.adapters.rates.redis import RedisRates
from canonry.core.access import Scope
from canonry.core.settings import Settings
from canonry.http.ratelimit import RateLimiter
from canonry.ports.rates import Hit
from canonry.wiring.container import Container
from tests.support.api import SITE, Answer, Api, serving
from tests.support.redis import RedisServer

HEADERS = ("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset")


@pytest.fixture
def strict(container: Container) -> Iterator[Api]:
    """Give an API with the limits that hold when nobody sets any."""
    defaults = Settings()
    limits = {name: getattr(defaults, name) for name in ("rate_limit", "rate_limit_anonymous", "rate_limit_sign_in")}
    with serving(replace(container, settings=replace(container.settings, **limits)), rates=MemoryRates()) as api:
        yield api


def left(answer: Answer) -> tuple[int, int]:
    """Return limit and remaining calls, as the headers say."""
    assert time.time() <= int(answer.headers["x-ratelimit-reset"]) <= time.time() + 61
    return int(answer.headers["x-ratelimit-limit"]), int(answer.headers["x-ratelimit-remaining"])


@pytest.mark.contract("Canner", "rate-limit headers")
@pytest.mark.criterion("api#budget-in-headers")
def test_the_301st_call_of_a_minute_is_429(strict: Api) -> None:
    answers = [strict.ask("GET", "/v1/me") for _ in range(300)]
    assert [left(answer) for answer in answers] == [(300, remaining) for remaining in reversed(range(300))]
    assert {answer.status for answer in answers} == {200}
    refused = strict.ask("GET", "/v1/me")
    assert refused.error == (429, "rate_limited")
    assert left(refused) == (300, 0)
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert strict.ask("GET", "/me").status == strict.ask("GET", "/v1/nothing").status == 429


@pytest.mark.contract("Canner", "rate-limit headers")
def test_without_a_credential_the_31st_call_is_429(strict: Api) -> None:
    asked = [(path, token) for path in ("/v1/me", "/v1/nothing", "/me") for token in (None, "cnr_wrong")] * 5
    answers = [strict.ask("GET", path, token=token) for path, token in asked]
    assert [left(answer) for answer in answers] == [(30, remaining) for remaining in reversed(range(30))]
    assert {answer.status for answer in answers} == {401, 404}
    for token in (None, "cnr_wrong"):
        refused = strict.ask("GET", "/v1/me", token=token)
        assert (refused.error, left(refused)) == ((429, "rate_limited"), (30, 0))
        assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert left(strict.ask("GET", "/v1/me")) == (300, 299)  # whoever says who they are is not held up by the others at their address


@pytest.mark.contract("Canner", "rate-limit headers")
@pytest.mark.criterion("api#budget-in-headers")
def test_every_answer_has_the_headers(strict: Api) -> None:
    slug = strict.project()
    deployment = strict.deploy(slug, SITE)["id"]
    asked = [
        strict.ask("GET", "/v1/projects"), strict.ask("POST", "/v1/projects", {}), strict.ask("GET", "/v1/me", token=None),
        strict.ask("DELETE", f"/v1/projects/{slug}", token=strict.owner.tokens[Scope.READ]), strict.ask("GET", "/v1/projects/nobody"),
        strict.ask("GET", "/v1/nothing"), strict.ask("PUT", "/v1/me"), strict.ask("HEAD", "/v1/me"), strict.ask("OPTIONS", "/v1/me"),
        strict.ask("POST", "/v1/projects", {"name": "x" * (2 << 20)}), strict.ask("POST", "/v1/projects", raw=b"{"),
        strict.ask("GET", f"/v1/deployments/{deployment}/logs/stream"), strict.ask("GET", "/openapi.json", token=None),
        strict.ask("DELETE", f"/v1/projects/{slug}"), strict.ask("GET", "/projects"),
    ]  # fmt: skip
    assert [answer.status for answer in asked] == [200, 400, 401, 403, 404, 404, 405, 200, 204, 413, 400, 200, 200, 204, 200]
    for answer in asked:
        assert left(answer)[0] in {300, 30}


def test_the_tokens_of_one_person_share_one_budget_and_two_people_have_two(strict: Api) -> None:
    other = strict.somebody()
    assert left(strict.ask("GET", "/v1/me", token=strict.owner.tokens[Scope.READ])) == (300, 299)
    assert left(strict.ask("GET", "/v1/me", token=strict.owner.tokens[Scope.ADMIN])) == (300, 298)
    assert left(strict.ask("GET", "/v1/me", token=other.tokens[Scope.READ])) == (300, 299)


@pytest.mark.criterion("api#budgets-hold")
def test_of_many_calls_at_once_exactly_as_many_pass_as_may(strict: Api) -> None:
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda _: strict.ask("GET", "/v1/me").status, range(320)))
    assert (statuses.count(200), statuses.count(429)) == (300, 20)


def test_addresses_are_told_apart_and_a_household_of_ipv6_is_one(strict: Api) -> None:
    def ask(address: str) -> int:
        return left(strict.ask("GET", "/v1/me", token=None, headers={"X-Forwarded-For": address}))[1]

    assert [ask("192.0.2.1"), ask("192.0.2.1"), ask("192.0.2.2")] == [29, 28, 29]
    assert [ask("2001:db8::1"), ask("2001:db8::2"), ask("2001:db8:0:1::1")] == [29, 28, 29]
    assert [ask("::ffff:192.0.2.7"), ask("192.0.2.7"), ask("::ffff:192.0.2.8")] == [29, 28, 29]


def test_who_makes_paths_up_has_one_budget_and_fills_no_memory(strict: Api) -> None:
    kept: list[str] = []

    class Rates(MemoryRates):
        def hit(self, key: str, seconds: int) -> Hit:
            kept.append(key)
            hit = super().hit(key, seconds)
            return replace(hit, used=hit.used + 5998)

    rates = Rates()
    with serving(strict.container, rates=rates) as api:
        asked = [api.ask("POST", f"/v1/projects/{name * 4000}/git/webhook", token=None) for name in "abc"]
    assert [answer.status for answer in asked] == [401, 401, 429]
    assert max(map(len, kept)) < 200


def test_probes_are_not_counted(strict: Api) -> None:
    for _ in range(40):
        for path in ("/healthz", "/readyz"):
            answer = strict.ask("GET", path, token=None)
            assert answer.status == 200
            assert not set(HEADERS) & set(answer.headers)


def test_a_database_that_is_away_is_not_the_callers_fault(strict: Api) -> None:
    readers = strict.container.database._readers
    held = [readers.getconn() for _ in range(readers.max_size)]
    strict.container.database.be_patient(0.01)
    try:
        answers = [strict.ask("GET", "/v1/me") for _ in range(35)]
    finally:
        for connection in held:
            readers.putconn(connection)
    assert {answer.error for answer in answers} == {(503, "database_unavailable")}
    assert {left(answer) for answer in answers} == {(300, 300)}


def test_two_processes_share_the_budget_through_redis(container: Container, redis_server: RedisServer) -> None:
    container = replace(container, settings=replace(container.settings, rate_limit=10))
    one, other = RedisRates(redis_server.url), RedisRates(redis_server.url)
    with serving(container, rates=one) as first, serving(container, rates=other) as second:
        token = first.owner.tokens[Scope.READ]
        answers = [api.ask("GET", "/v1/me", token=token) for _ in range(6) for api in (first, second)]
    assert [answer.status for answer in answers] == [200] * 10 + [429] * 2
    one.close()
    other.close()


@pytest.mark.parametrize(
    ("asked", "policy"),
    {
        ("POST", "/v1/projects/shop/git/webhook"): ("hooks", 6000, 60),
        ("POST", "/webhook"): ("hooks", 6000, 60),
        ("POST", "/auth/login"): ("sign-in", 10, 60),
        ("POST", "/v1/auth/session"): ("sign-in", 10, 60),
        ("POST", "/auth/refresh"): ("calls", 300, 60),
        ("POST", "/auth/device/code"): ("sign-in", 10, 60),
        ("POST", "/auth/device/token"): ("polling", 60, 60),
        ("GET", "/app/acme/api/search"): ("search", 60, 60),
        ("POST", "/app/acme/editor/o/r/docs/a.md/ai-edit"): ("writing", 10, 300),
        ("POST", "/app/acme/editor/o/r/generate"): ("writing", 10, 300),
        ("GET", "/git/acme/shop.git/info/refs"): ("git", 600, 60),
        ("GET", "/v1/projects"): ("calls", 300, 60),
        ("POST", "/v1/projects/shop/deploy"): ("calls", 300, 60),
        ("GET", "/v1/a\nb"): ("calls", 300, 60),
    }.items(),
)
def test_the_table(asked: tuple[str, str], policy: tuple[str, int, int]) -> None:
    found = RateLimiter(MemoryRates(), Settings()).policy(*asked)
    assert found is not None
    assert (found.name, found.limit, found.seconds) == policy


def test_a_stream_that_nobody_reads_on_says_so_in_its_head(strict: Api) -> None:
    slug = strict.app()
    with strict.connection() as connection:
        connection.request("GET", f"/v1/projects/{slug}/logs/stream", headers=_bearer(strict))
        response: http.client.HTTPResponse = connection.getresponse()
        assert response.status == 200
        assert {name.lower() for name, _ in response.getheaders()} >= {*HEADERS, "x-request-id"}


def _bearer(api: Api) -> Mapping[str, str]:
    return {"Authorization": f"Bearer {api.owner.tokens[Scope.ADMIN]}"}
