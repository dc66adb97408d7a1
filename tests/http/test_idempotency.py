"""The same POST twice is carried out once."""

import hashlib
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from canonry.adapters.limits.unlimited import Unlimited
from canonry.core.access import Scope
from canonry.features.auth import service as auth
from canonry.features.auth.grants import service as grants
from canonry.features.auth.models import Label
from canonry.wiring.container import Container
from tests.support.api import FORM, SITE, Answer, Api, archive, form, serving
from tests.support.killed_request import dying
from tests.support.waiting import until


def post(api: Api, path: str, body: object = None, *, key: str = "k-1", token: str = "") -> Answer:
    return api.ask("POST", path, body, headers={"Idempotency-Key": key}, token=token)


def replayed(answer: Answer) -> bool:
    return answer.headers.get("idempotency-replayed") == "true"


@pytest.mark.criterion("api#post-once")
def test_the_same_request_gets_the_same_answer_and_is_done_once(api: Api) -> None:
    answers = [post(api, "/v1/projects", {"name": "shop"}) for _ in range(3)]
    assert [(answer.status, answer.body) for answer in answers] == [(201, answers[0].body)] * 3
    assert [replayed(answer) for answer in answers] == [False, True, True]
    assert {answer.headers["content-type"] for answer in answers} == {"application/json"}
    assert len(api.get("/v1/projects")["projects"]) == 1
    assert replayed(post(api, "/projects", {"name": "shop"}))  # the older twin of the address is the same request


@pytest.mark.parametrize(
    ("path", "body"), [("/v1/projects", {"name": "other"}), ("/v1/projects?x=1", {"name": "shop"}), ("/v1/deploy/plan", {})]
)
def test_another_request_with_the_same_key_is_refused(api: Api, path: str, body: object) -> None:
    assert post(api, "/v1/projects", {"name": "shop"}).status == 201
    assert post(api, path, body).error == (409, "idempotency_key_reused")
    assert len(api.get("/v1/projects")["projects"]) == 1


def test_keys_belong_to_one_user_in_one_organization(api: Api) -> None:
    other = api.somebody()
    assert post(api, "/v1/projects", {"name": "shop"}).status == 201
    theirs = post(api, "/v1/projects", {"name": "shop"}, token=other.tokens[Scope.ADMIN])
    assert (theirs.status, replayed(theirs)) == (201, False)


def test_another_credential_of_the_same_user_does_not_get_the_answer(api: Api) -> None:
    body = {"name": "ci", "scope": "admin"}
    assert post(api, "/v1/tokens", body).status == 201
    answer = post(api, "/v1/tokens", body, token=api.owner.tokens[Scope.READ])
    assert (answer.error, "cnr_" in answer.body.decode()) == ((409, "idempotency_key_reused"), False)
    assert replayed(post(api, "/v1/tokens", body))


def test_somebody_in_no_organization_may_send_a_key(api: Api) -> None:
    with api.container.transactions.begin() as tx:
        session = auth.open_session(tx, api.owner.user_id, label=Label.CLI, way="device").session
        token = grants.give(tx, session).access.reveal()
        tx.connection.execute("DELETE FROM members WHERE user_id = %s", (api.owner.user_id,))
    answers = [post(api, "/v1/organizations", {"name": "Anew"}, token=token) for _ in range(2)]
    assert [(answer.status, replayed(answer)) for answer in answers] == [(201, False), (201, True)]


def test_the_gate_stands_before_it(api: Api) -> None:
    assert post(api, "/v1/projects", {"name": "shop"}).status == 201
    assert post(api, "/v1/projects", {"name": "shop"}, token=api.owner.tokens[Scope.READ]).error == (403, "insufficient_scope")
    assert api.ask("POST", "/v1/projects", {"name": "shop"}, token=None, headers={"Idempotency-Key": "k-1"}).status == 401


def test_an_upload_is_the_same_whatever_divides_its_form(api: Api) -> None:
    slug, sent = api.project(), archive(SITE)

    def upload(content: bytes, boundary: str) -> Answer:
        body = form(content).replace(b"a-boundary-of-the-tests", boundary.encode())
        headers = {"Content-Type": f"multipart/form-data; boundary={boundary}", "Idempotency-Key": "u"}
        return api.ask("POST", f"/v1/projects/{slug}/upload", raw=body, headers=headers)

    first, again = upload(sent, "one-boundary"), upload(sent, "another-boundary-longer")
    assert (first.status, again.status, again.body, replayed(again)) == (202, 202, first.body, True)
    assert upload(archive({"index.html": "other"}), "one-boundary").error == (409, "idempotency_key_reused")
    assert len(api.deployments(slug)) == 1


def test_a_refusal_is_given_again_with_the_id_it_had(api: Api) -> None:
    slug = api.project()
    first, again = (post(api, f"/v1/projects/{slug}/deploy") for _ in range(2))
    assert first.error == again.error == (409, "no_source")
    assert first.body == again.body
    assert replayed(again)


def test_nothing_is_kept_of_a_request_that_was_not_valid(api: Api) -> None:
    assert post(api, "/v1/projects", {"nam": "shop"}).error == (400, "validation_failed")
    assert post(api, "/v1/projects", {"name": "shop", "slug": "A"}).status == 400
    assert post(api, "/v1/projects", {"name": "shop"}).status == 201


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb", "k\xe9"])
def test_a_key_that_is_none_is_refused(api: Api, key: str) -> None:
    answer = api.ask("POST", "/v1/projects", {"name": "shop"}, headers={"Idempotency-Key": key})
    assert answer.error == (400, "invalid_idempotency_key")
    assert api.get("/v1/projects")["projects"] == []


def test_a_stream_takes_no_key(api: Api) -> None:
    slug = api.project()
    assert post(api, f"/v1/projects/{slug}/deploy/stream").error == (400, "idempotency_not_supported")


def test_what_is_kept_is_sealed_and_goes_after_a_day(api: Api) -> None:
    assert post(api, "/v1/projects", {"name": "very-secret-name"}).status == 201
    with api.container.transactions.begin() as tx:
        row = tx.connection.execute("SELECT answer::text, idempotency_keys::text FROM idempotency_keys").fetchone()
        assert row is not None
        assert b"very-secret-name".hex() not in row[0]
        assert "very-secret-name" not in row[1]
        tx.connection.execute("UPDATE idempotency_keys SET created_at = now() - interval '25 hours'")
    assert post(api, "/v1/projects", {"name": "other"}).status == 201  # the key means nothing any more
    assert post(api, "/v1/projects", {"name": "third"}, key="k-2").status == 201
    with api.container.transactions.begin() as tx:
        tx.connection.execute("UPDATE idempotency_keys SET created_at = now() - interval '25 hours' WHERE key = 'k-1'")
    assert post(api, "/v1/projects", {"name": "fourth"}, key="k-3").status == 201
    with api.container.transactions.begin() as tx:
        assert tx.connection.execute("SELECT key FROM idempotency_keys ORDER BY key").fetchall() == [("k-2",), ("k-3",)]


class _Slow(Unlimited):
    """Lets the first project wait, inside its transaction."""

    def __init__(self) -> None:
        self.reached, self.go = threading.Event(), threading.Event()

    def require_project(self, organization_id: str, existing: int) -> None:  # noqa: ARG002 -- the port's
        if not self.reached.is_set():
            self.reached.set()
            assert self.go.wait(60)


@pytest.fixture
def slow(container: Container) -> Iterator[tuple[Api, _Slow]]:
    limits = _Slow()
    with serving(container, limits=limits) as api:
        yield api, limits
        limits.go.set()


def test_while_it_is_carried_out_the_same_request_is_told_so(slow: tuple[Api, _Slow]) -> None:
    api, limits = slow
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(post, api, "/v1/projects", {"name": "shop"})
        assert limits.reached.wait(60)
        assert post(api, "/v1/projects", {"name": "shop"}).error == (409, "idempotency_in_progress")
        limits.go.set()
        assert first.result(10).status == 201
    assert replayed(post(api, "/v1/projects", {"name": "shop"}))


def test_one_that_was_taken_for_dead_does_nothing_when_it_comes_back(slow: tuple[Api, _Slow]) -> None:
    """As after `kill -9`, but that the first one lives on: of two that carry out the same request, one commits."""
    api, limits = slow
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(post, api, "/v1/projects", {"name": "shop", "slug": "one"})
        assert limits.reached.wait(60)
        with api.container.transactions.begin() as tx:
            tx.connection.execute("UPDATE idempotency_keys SET locked_until = now() - interval '1 second'")
        second = post(api, "/v1/projects", {"name": "shop", "slug": "one"})
        assert (second.status, replayed(second)) == (201, False)
        limits.go.set()
        assert first.result(10).status == 409
    assert [row["slug"] for row in api.get("/v1/projects")["projects"]] == ["one"]
    assert post(api, "/v1/projects", {"name": "shop", "slug": "one"}).body == second.body


@pytest.mark.criterion("api#post-once")
def test_many_at_once_make_one(api: Api) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: post(api, "/v1/projects", {"name": "shop"}), range(16)))
    assert {answer.status for answer in answers} <= {201, 409}
    assert {answer.error[1] for answer in answers if answer.status == 409} <= {"idempotency_in_progress"}
    assert len([answer for answer in answers if answer.status == 201 and not replayed(answer)]) == 1
    assert len(api.get("/v1/projects")["projects"]) == 1


def test_after_a_fault_it_may_be_tried_again(container: Container, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(container) as api:
        with monkeypatch.context() as broken:
            broken.setattr("canonry.features.projects.service.store.count", lambda *_: 1 // 0)
            assert post(api, "/v1/projects", {"name": "shop"}).error == (500, "internal_error")
        assert post(api, "/v1/projects", {"name": "shop"}).status == 201


def test_the_effect_and_the_record_are_there_together_or_not_at_all(container: Container, monkeypatch: pytest.MonkeyPatch) -> None:
    """The record fails to be written after everything was done: then nothing was done."""
    with serving(container) as api:
        with monkeypatch.context() as broken:
            broken.setattr("canonry.http.conduct.idempotency.finish", lambda *_: 1 // 0)
            assert post(api, "/v1/projects", {"name": "shop"}).status == 500
        assert api.get("/v1/projects")["projects"] == []
        until(lambda: post(api, "/v1/projects", {"name": "shop"}).status == 201)


def test_files_come_through_unharmed(api: Api) -> None:
    slug = api.project()
    answer = api.ask("POST", f"/v1/projects/{slug}/upload", raw=form(archive(SITE)), headers={**FORM, "Idempotency-Key": "up"})
    api.work(slug)
    assert api.deployment(answer.json["deployment"]["id"])["status"] == "live"


def test_what_is_stored_of_a_body_cannot_be_found_out_by_trying(api: Api) -> None:
    """A body may hold a password or another short secret; a plain hash of it would be as good as the secret."""
    slug = api.project()
    body = {"key": "PIN", "value": "1234"}
    assert post(api, f"/v1/projects/{slug}/env", body).status == 201
    assert replayed(post(api, f"/v1/projects/{slug}/env", body))
    with api.container.transactions.begin() as tx:
        row = tx.connection.execute("SELECT digest, answer FROM idempotency_keys WHERE request LIKE '%%/env by %%'").fetchone()  # fmt: skip
    assert row is not None
    assert bytes(row[0]) != hashlib.sha256(b"\0" + json.dumps(body).encode()).digest()
    assert b"PIN" not in bytes(row[1])


def killed(api: Api, monkeypatch: pytest.MonkeyPatch, path: str, body: object = None) -> Answer:
    """Send a request and return the answer that nobody got: the process died when it was to be written down."""
    with dying(api, monkeypatch):
        return upload(api, path) if path.endswith("/upload") else post(api, path, body)


def upload(api: Api, path: str) -> Answer:
    return api.ask("POST", path, raw=form(archive(SITE)), headers={**FORM, "Idempotency-Key": "k-1"})


EFFECTS = [
    ("upload", None, "deployment.requested"),
    ("domains", {"hostname": "shop.example.com"}, "domain.attached"),
    ("aliases", {"hostname": "alias.example.com"}, "domain.attached"),
    ("drains", {"kind": "http", "url": "https://logs.example.com/x"}, "drain.created"),
]


def told(api: Api, name: str) -> int:
    with api.container.transactions.begin() as tx:
        row = tx.connection.execute("SELECT count(*) FROM events WHERE name = %s", (name,)).fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.parametrize(("path", "body", "event"), EFFECTS)
def test_what_was_done_before_a_kill_is_answered_as_it_would_have_been(
    api: Api, monkeypatch: pytest.MonkeyPatch, path: str, body: object, event: str
) -> None:
    path = f"/v1/projects/{api.project()}/{path}"
    lost = killed(api, monkeypatch, path, body)
    assert lost.status in {201, 202}
    again = upload(api, path) if path.endswith("/upload") else post(api, path, body)
    assert (again.status, again.body, replayed(again)) == (lost.status, lost.body, True)
    assert told(api, event) == 1


@pytest.mark.parametrize("path", ["git", "git/rotate-secret"])
def test_a_webhook_secret_that_nobody_got_is_given_again(api: Api, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    slug = api.project()
    body = {"repo": "octo/cat"}
    assert post(api, f"/v1/projects/{slug}/git", body, key="first").status == 201
    lost = killed(api, monkeypatch, f"/v1/projects/{slug}/{path}", body if path == "git" else None)
    again = post(api, f"/v1/projects/{slug}/{path}", body if path == "git" else None)
    assert (again.status, replayed(again)) == (201, True)
    found, was = json.loads(again.body), json.loads(lost.body)
    assert found["webhookSecret"] == was["webhookSecret"]
    assert (found["webhookRegistered"], "Canonry was ended" in found["webhookRegistrationError"]) == (False, True)
    assert told(api, "git.connected") + told(api, "git.secret_rotated") == 2


def test_an_answer_that_waits_for_a_better_one_is_not_given(api: Api) -> None:
    slug = api.project()
    answer = post(api, f"/v1/projects/{slug}/git", {"repo": "octo/cat"})
    assert json.loads(answer.body)["webhookRegistrationError"] is None
    assert post(api, f"/v1/projects/{slug}/git", {"repo": "octo/cat"}).body == answer.body
    with api.container.transactions.begin() as tx:  # as while its holder is still at it
        tx.connection.execute("UPDATE idempotency_keys SET is_provisional = true")
    assert post(api, f"/v1/projects/{slug}/git", {"repo": "octo/cat"}).error == (409, "idempotency_in_progress")


def test_what_may_be_done_again_is_done_again_after_a_kill(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    slug = api.project()
    lost = killed(api, monkeypatch, f"/v1/projects/{slug}/stop")
    again = post(api, f"/v1/projects/{slug}/stop")
    assert (lost.status, again.status, replayed(again)) == (200, 200, False)
    assert json.loads(again.body)["project"]["status"] == json.loads(lost.body)["project"]["status"] == "stopped"
    assert told(api, "project.stopped") == 1
    assert replayed(post(api, f"/v1/projects/{slug}/stop"))


def test_what_cannot_be_answered_after_a_kill_is_not_done_twice(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    body = {"name": "shop"}
    monkeypatch.setattr("canonry.http.conduct._remember", lambda *_: None)  # as of a route that writes its answer down later
    assert killed(api, monkeypatch, "/v1/projects", body).status == 201
    assert post(api, "/v1/projects", body).error == (409, "idempotency_outcome_unknown")
    assert len(api.get("/v1/projects")["projects"]) == 1
    assert post(api, "/v1/projects", {"name": "other"}).error == (409, "idempotency_key_reused")


def test_a_kill_before_anything_was_done_costs_half_a_minute(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    slug = api.project()
    with monkeypatch.context() as broken:
        broken.setattr("canonry.features.observe.drains.service.store.insert", lambda *_: 1 // 0)
        assert killed(api, monkeypatch, f"/v1/projects/{slug}/drains", EFFECTS[3][1]).status == 500
    assert post(api, f"/v1/projects/{slug}/drains", EFFECTS[3][1]).status == 201
    assert told(api, "drain.created") == 1


def test_whoever_takes_long_keeps_the_key(slow: tuple[Api, _Slow], monkeypatch: pytest.MonkeyPatch) -> None:
    api, limits = slow
    monkeypatch.setattr("canonry.http.idempotency._RENEWED", 0.05)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(post, api, "/v1/projects", {"name": "shop"})
        assert limits.reached.wait(60)
        with api.container.transactions.begin() as tx:
            tx.connection.execute("UPDATE idempotency_keys SET locked_until = now() - interval '1 second'")
        until(lambda: is_held(api))
        assert post(api, "/v1/projects", {"name": "shop"}).error == (409, "idempotency_in_progress")
        limits.go.set()
        assert first.result(60).status == 201


def is_held(api: Api) -> bool:
    with api.container.transactions.begin() as tx:
        return tx.connection.execute("SELECT FROM idempotency_keys WHERE locked_until > now()").fetchone() is not None
