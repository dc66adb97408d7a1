"""The webhook of a project: who is let in, what becomes of each message, and that a delivery acts once."""

import json
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from canonry.core.access import Scope
from tests.features.previews.conftest import branch
from tests.support.api import Answer, Api
from tests.support.git import Person
from tests.support.webhooks import ZEROS, Host, connected, push, sign, work


def page(api: Api, name: str) -> tuple[int, str]:
    answer = api.edge.answer(f"{name}.localhost")
    return answer.status, answer.body.decode()


def all_deployments(api: Api, slug: str = "shop") -> list[dict[str, Any]]:
    return list(api.get(f"/v1/projects/{slug}/deployments?environment=all")["deployments"])


def previews(api: Api, slug: str = "shop") -> list[dict[str, Any]]:
    return list(api.get(f"/v1/projects/{slug}/previews")["previews"])


@pytest.mark.contract("Cantila", "POST /v1/projects/:id/git/webhook")
@pytest.mark.criterion("operating#signature-over-body")
def test_a_good_signature_deploys_a_bad_one_is_401_other_branches_make_previews(api: Api, host: Host, ada: Person) -> None:
    commit = ada.head()
    answer = host.push("main", commit, message="First page")
    assert (answer.status, answer.json["status"], answer.json["environment"]) == (201, "queued", "production")
    work(api)
    deployment = api.deployment(answer.json["deployId"])
    assert (deployment["status"], deployment["commit"], deployment["trigger"]) == ("live", commit, "webhook")
    assert page(api, "shop") == (200, "<p>main</p>")

    body = json.dumps(push("main", commit, "x", {})).encode()
    good = f"sha256={sign(host.secret, body)}"
    again = json.dumps(json.loads(body), separators=(",", ":")).encode()
    for headers, sent in (
        ({"X-Hub-Signature-256": f"sha256={sign('other', body)}"}, body),
        ({}, body),
        ({"X-Hub-Signature-256": good}, again),
    ):
        assert host.raw(sent, headers).error == (401, "invalid_signature")

    wrong = {"Content-Type": "application/json", "X-Hub-Signature-256": good[:-1]}
    unknown, known = (
        api.ask("POST", f"/v1/projects/{slug}/git/webhook", raw=body, token=None, headers=wrong) for slug in ("nobody", "shop")
    )
    assert (unknown.error, unknown.json["message"]) == (known.error, known.json["message"]), "whether the project exists is not told"

    other = branch(ada, "next", "<p>next</p>")
    answer = host.push("next", other)
    assert (answer.status, answer.json["environment"]) == (201, "preview/next")
    work(api)
    assert page(api, "shop-next") == (200, "<p>next</p>")
    assert page(api, "shop") == (200, "<p>main</p>"), "production is unchanged"

    host = connected(api, "shop", ada.url, autoDeploy=False)
    answer = host.push("main", commit, message="another")
    assert (answer.status, answer.json["skipped"], answer.json["error"]) == (202, True, "auto_deploy_off")


@pytest.mark.contract("Cantila", "POST /v1/projects/:id/git/rotate-secret")
def test_a_payload_signed_with_the_old_secret_is_401_with_the_new_one_accepted(api: Api, host: Host, ada: Person) -> None:
    old = host.secret
    host.secret = api.ask("POST", "/v1/projects/shop/git/rotate-secret").json["webhookSecret"]
    assert host.push("main", ada.head(), secret=old).error == (401, "invalid_signature")
    assert host.push("main", ada.head()).status == 201


class TestSignatures:
    @pytest.mark.parametrize(
        ("header", "form"),
        [
            ("X-Hub-Signature-256", "sha256={}"),
            ("X-Hub-Signature-256", "{}"),
            ("X-Hub-Signature-256", "SHA256={}"),
            ("X-Canonry-Signature", "{}"),
            ("X-Cantila-Signature", "sha256={}"),
            ("X-Gitea-Signature", "{}"),
        ],
    )
    @pytest.mark.parametrize("letters", [str.lower, str.upper])
    def test_every_form_in_any_letter_case_is_taken(
        self, host: Host, ada: Person, header: str, form: str, letters: Callable[[str], str]
    ) -> None:
        body = json.dumps(push("main", ada.head(), "x", {})).encode()
        assert host.raw(body, {header: form.format(letters(sign(host.secret, body)))}).status == 201

    def test_gitlab_sends_the_secret_itself(self, host: Host, ada: Person) -> None:
        body = json.dumps({"object_kind": "push", "ref": "refs/heads/main", "after": ada.head(), "checkout_sha": ada.head(),
                           "project": {"git_http_url": ada.url}, "commits": []}).encode()  # fmt: skip
        assert host.raw(body, {"X-Gitlab-Token": "wrong", "X-Gitlab-Event": "Push Hook"}).error == (401, "invalid_signature")
        assert host.raw(body, {"X-Gitlab-Token": host.secret, "X-Gitlab-Event": "Push Hook"}).status == 201

    @pytest.mark.parametrize(
        "value",
        ["", "sha256=", "sha256=abc", "sha1=" + "a" * 40, "sha256=" + "g" * 64, "sha256=" + "a" * 63, "sha256=" + "0" * 64, "é" * 64],
    )
    def test_a_malformed_signature_is_401(self, host: Host, value: str) -> None:
        assert host.raw(b'{"ref": "refs/heads/main"}', {"X-Hub-Signature-256": value.encode().decode("latin-1")}).error[0] == 401

    def test_one_right_and_one_wrong_signature_is_401(self, host: Host) -> None:
        body = b'{"ref": "refs/heads/main"}'
        good = sign(host.secret, body)
        assert host.raw(body, {"X-Hub-Signature-256": good, "X-Gitlab-Token": "wrong"}).error[0] == 401

    def test_nothing_is_said_about_which_projects_there_are(self, api: Api, ada: Person) -> None:
        """A project that is not there, and one without a secret, answer as one with another secret does."""
        connected(api, api.project("shop"), ada.url)
        api.project("bare")
        body = b'{"ref": "refs/heads/main"}'
        answers = []
        for project in ("shop", "bare", "nobody", "prj_0000000000000000", "a%00b", "shop "):
            answer = Host(api, project.replace(" ", "%20"), "x").raw(body, {"X-Hub-Signature-256": sign("", body)})
            answers.append((answer.status, {**answer.json, "request_id": ""}))
        assert all(answer == answers[0] for answer in answers)
        assert answers[0][0] == 401

    def test_without_a_signature_the_body_is_not_even_read(self, api: Api, host: Host) -> None:
        assert host.project == "shop"
        with api.connection() as connection:
            head = "POST /v1/projects/shop/git/webhook HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900000\r\n\r\n"
            connection.sock.sendall(head.encode())
            connection.sock.settimeout(5)
            assert b" 401 " in connection.sock.recv(4096).split(b"\r\n", 1)[0]

    def test_a_large_body_passes_and_a_larger_one_is_413(self, api: Api, host: Host, ada: Person) -> None:
        document = {**push("main", ada.head(), "x", {}), "padding": "x" * (6 << 20)}
        assert host.send("push", document).status == 201
        with api.connection() as connection:
            head = ("POST /v1/projects/shop/git/webhook HTTP/1.1\r\nHost: localhost\r\nX-Hub-Signature-256: " + "a" * 64
                    + f"\r\nContent-Length: {(25 << 20) + 1}\r\n\r\n")  # fmt: skip
            connection.sock.sendall(head.encode())
            connection.sock.settimeout(5)
            assert b" 413 " in connection.sock.recv(4096).split(b"\r\n", 1)[0]

    def test_a_token_of_the_project_is_no_signature(self, api: Api, host: Host) -> None:
        path = f"/v1/projects/{host.project}/git/webhook"
        assert api.ask("POST", path, {"ref": "refs/heads/main"}, token=api.owner.tokens[Scope.ADMIN]).error[0] == 401


class TestOnce:
    @pytest.mark.criterion("operating#delivery-once")
    def test_a_thousand_replays_of_one_delivery_make_one_deployment(self, api: Api, host: Host, ada: Person) -> None:
        body = json.dumps(push("main", ada.head(), "x", {})).encode()
        headers = {"X-GitHub-Event": "push", "X-GitHub-Delivery": "one", "X-Hub-Signature-256": sign(host.secret, body)}
        answers: list[Answer] = []

        def replay() -> None:
            answers.extend(host.raw(body, headers) for _ in range(125))

        threads = [threading.Thread(target=replay) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
        assert len(answers) == 1000
        assert sorted({answer.status for answer in answers}) == [200, 201]
        assert [answer.status for answer in answers].count(201) == 1
        assert len(all_deployments(api)) == 1
        assert {answer.json["deployId"] for answer in answers} == {all_deployments(api)[0]["id"]}

    def test_another_number_on_the_same_bytes_is_still_a_repetition(self, api: Api, host: Host, ada: Person) -> None:
        """The number is not signed: whoever copied a delivery can give it another."""
        first = host.push("main", ada.head())
        again = host.push("main", ada.head(), delivery="made up")
        assert (again.status, again.json["duplicate"], again.json["deployId"]) == (200, True, first.json["deployId"])
        assert len(all_deployments(api)) == 1

    def test_a_number_that_came_before_is_a_repetition_whatever_comes_with_it(self, api: Api, host: Host, ada: Person) -> None:
        host.push("main", ada.head(), delivery="one")
        assert host.push("other", ada.head(), delivery="one").json["duplicate"] is True
        assert len(all_deployments(api)) == 1

    def test_a_plain_ref_without_a_number_is_a_repetition_for_a_minute(self, api: Api, host: Host) -> None:
        document = {"ref": "refs/heads/main"}
        assert [host.send("push", document, delivery="").status for _ in range(3)] == [201, 200, 200]
        with api.container.transactions.begin() as tx:
            tx.connection.execute("UPDATE git_deliveries SET expires_at = now()")
        assert host.send("push", document, delivery="").status == 201
        assert host.send("push", document, delivery="two").status == 201, "with a number of its own it is another push"

    def test_the_same_delivery_means_something_else_to_another_project(self, api: Api, host: Host, ada: Person) -> None:
        other = connected(api, api.project("other"), ada.url)
        assert host.push("main", ada.head(), delivery="one").status == 201
        assert other.push("main", ada.head(), delivery="one").status == 201

    def test_what_was_skipped_stays_skipped_when_it_is_repeated(self, api: Api, ada: Person) -> None:
        host = connected(api, api.project("shop"), ada.url, auto_deploy=False)
        assert host.push("main", ada.head(), delivery="one").status == 202
        assert host.push("main", ada.head(), delivery="one").json["duplicate"] is True


class TestMessages:
    def test_ping_is_answered(self, api: Api, host: Host) -> None:
        answer = host.send("ping", {"zen": "Keep it simple.", "hook_id": 1, "repository": host.repository})
        assert (answer.status, answer.json) == (200, {"pong": True})
        assert api.get("/v1/projects/shop/git")["webhook"]["lastDelivery"]["event"] == "ping"

    def test_the_last_delivery_and_what_became_of_it_are_shown(self, api: Api, host: Host, ada: Person) -> None:
        deploy_id = host.push("main", ada.head()).json["deployId"]
        shown = api.get("/v1/projects/shop/git")["webhook"]["lastDelivery"]
        assert (shown["event"], shown["outcome"]) == ("push", f"deployment {deploy_id} to production")
        host.raw(b"not json", {"X-Hub-Signature-256": sign(host.secret, b"not json")})
        assert "refused" in api.get("/v1/projects/shop/git")["webhook"]["lastDelivery"]["outcome"]

    @pytest.mark.parametrize(
        "body", [b"not json", b"[]", b'"x"', b"\xff\xfe", b'{"ref": 7}', b'{"ref": ""}', b"[" * 100_000, b'{"ref": "refs/heads/-x"}',
                 b'{"ref": "refs/heads/a b"}', b'{"ref":"refs/heads/main","after":"zz top"}'], ids=lambda body: repr(body)[:30],
    )  # fmt: skip
    def test_a_bad_body_under_a_good_signature_is_400_and_does_nothing(self, api: Api, host: Host, body: bytes) -> None:
        assert host.raw(body, {"X-Hub-Signature-256": sign(host.secret, body)}).error[0] == 400
        assert all_deployments(api) == []
        assert previews(api) == []

    def test_another_repository_is_400(self, api: Api, host: Host, ada: Person) -> None:
        host.repository = {"clone_url": "https://github.com/evil/shop.git"}
        assert host.push("main", ada.head()).error == (400, "other_repository")
        assert all_deployments(api) == []

    def test_a_form_with_a_payload_is_taken_as_github_offers_it(self, host: Host) -> None:
        body = b"payload=%7B%22ref%22%3A%22refs%2Fheads%2Fmain%22%7D"
        headers = {"X-Hub-Signature-256": sign(host.secret, body), "Content-Type": "application/x-www-form-urlencoded"}
        assert host.raw(body, headers).status == 201

    def test_tags_and_other_events_have_no_effect(self, api: Api, host: Host) -> None:
        for event, document in (("push", {"ref": "refs/tags/v1", "after": "a" * 40}), ("issues", {"action": "opened"}),
                                ("pull_request", {"action": "labeled", "number": 1, "pull_request": {}})):  # fmt: skip
            answer = host.send(event, document)
            assert (answer.status, answer.json["skipped"], answer.json["error"]) == (202, True, "no_effect")
        assert all_deployments(api) == []

    def test_an_older_commit_than_the_branchs_newest_is_deployed_when_it_is_the_one_that_was_told(
        self, api: Api, host: Host, ada: Person
    ) -> None:
        first = ada.head()
        ada.commit({"index.html": "<p>newer</p>"})
        host.push("main", first)
        work(api)
        assert page(api, "shop") == (200, "<p>main</p>")

    def test_a_stopped_project_is_not_started_by_a_push(self, api: Api, host: Host, ada: Person) -> None:
        host.push("main", ada.head())
        work(api)
        api.ask("POST", "/v1/projects/shop/stop")
        answer = host.push("main", ada.commit({"index.html": "<p>newer</p>"}))
        assert (answer.status, answer.json["error"]) == (202, "project_stopped")
        assert len(all_deployments(api)) == 1

    def test_a_deleted_branch_takes_its_preview_along_and_the_tracked_one_nothing(self, api: Api, host: Host, ada: Person) -> None:
        host.push("main", ada.head())
        host.push("next", branch(ada, "next", "<p>next</p>"))
        work(api)
        assert host.push("main", ZEROS).json["error"] == "no_preview"
        answer = host.push("next", ZEROS)
        assert (answer.status, answer.json["status"]) == (202, "closing")
        work(api)
        assert previews(api) == []
        assert page(api, "shop-next")[0] == 404
        assert page(api, "shop")[0] == 200

    def test_a_branch_that_comes_back_before_its_preview_was_removed_keeps_it(self, api: Api, host: Host, ada: Person) -> None:
        commit = branch(ada, "next", "<p>next</p>")
        host.push("next", commit)
        work(api)
        host.push("next", ZEROS)
        host.push("next", ada.commit({"index.html": "<p>again</p>"}))
        work(api)
        assert page(api, "shop-next") == (200, "<p>again</p>")

    def test_it_answers_at_once_whatever_the_repository_is_like(self, api: Api) -> None:
        host = connected(api, api.project("slow"), "https://192.0.2.1/never/answers.git")
        started = time.monotonic()
        assert host.push("main", "a" * 40).status == 201
        assert time.monotonic() - started < 20  # that address is given up after a minute


class TestPullRequests:
    def test_opened_and_synchronized_bring_a_preview_and_closed_takes_it_away(self, api: Api, host: Host, ada: Person) -> None:
        commit = branch(ada, "feature/login", "<p>one</p>")
        answer = host.pull_request("opened", 7, "feature/login", commit)
        assert (answer.status, answer.json["environment"]) == (201, "preview/feature/login")
        work(api)
        assert page(api, "shop-pr-7") == (200, "<p>one</p>")
        (shown,) = previews(api)
        assert (shown["pull_request"], shown["branch"], shown["commit"], shown["status"]) == (7, "feature/login", commit, "live")
        second = ada.commit({"index.html": "<p>two</p>"})
        assert host.pull_request("synchronize", 7, "feature/login", second).status == 201
        work(api)
        assert page(api, "shop-pr-7") == (200, "<p>two</p>")
        assert host.pull_request("closed", 7, "feature/login", second).json["status"] == "closing"
        work(api)
        assert (previews(api), page(api, "shop-pr-7")[0]) == ([], 404)
        assert host.pull_request("reopened", 7, "feature/login", second).status == 201
        work(api)
        assert page(api, "shop-pr-7") == (200, "<p>two</p>")

    def test_a_push_and_the_pull_request_of_the_same_commit_make_one_deployment(self, api: Api, host: Host, ada: Person) -> None:
        commit = branch(ada, "next", "<p>next</p>")
        first = host.push("next", commit)
        second = host.pull_request("opened", 7, "next", commit)
        assert second.json["deployId"] == first.json["deployId"]
        assert len(all_deployments(api)) == 1
        assert [(item["pull_request"], item["url"].split("/")[2].split(".")[0]) for item in previews(api)] == [(7, "shop-next")]
        host.pull_request("closed", 7, "next", commit)
        work(api)
        assert previews(api) == []

    def test_the_tracked_branch_as_a_source_makes_no_preview(self, api: Api, host: Host, ada: Person) -> None:
        assert host.pull_request("opened", 7, "main", ada.head()).json["error"] == "production_branch"
        assert previews(api) == []

    def test_a_merge_request_of_gitlab_is_understood(self, host: Host, ada: Person) -> None:
        commit = branch(ada, "next", "<p>next</p>")
        request: dict[str, Any] = {"iid": 3, "action": "open", "source_branch": "next", "last_commit": {"id": commit}, "title": "x",
                                   "source_project_id": 1, "target_project_id": 1}  # fmt: skip
        document = {"object_kind": "merge_request", "project": {"git_http_url": ada.url}, "object_attributes": request}
        body = json.dumps(document).encode()
        headers = {"X-Gitlab-Token": host.secret, "X-Gitlab-Event": "Merge Request Hook"}
        assert host.raw(body, headers).status == 201
        request["source_project_id"] = 2
        body = json.dumps(document).encode()
        assert host.raw(body, headers).json["status"] == "waiting"


class TestForks:
    @pytest.mark.criterion("operating#fork-approved")
    def test_nothing_of_a_fork_runs_before_somebody_has_let_this_very_commit_in(self, api: Api, host: Host, ada: Person) -> None:
        commit = branch(ada, "evil", "<p>fork</p>")
        answer = host.pull_request("opened", 7, "evil", commit, fork="stranger/shop")
        assert (answer.status, answer.json["status"]) == (202, "waiting")
        work(api)
        assert all_deployments(api) == []
        (shown,) = previews(api)
        assert (shown["status"], shown["fork"], shown["commit"]) == ("waiting", "stranger/shop", commit)
        approve = f"/v1/projects/shop/previews/{shown['id']}/approve"
        assert api.ask("POST", approve, {}, token=api.owner.tokens[Scope.READ]).error == (403, "insufficient_scope")
        assert api.ask("POST", approve, {"commit": "b" * 40}).error == (409, "commit_moved")
        approved = api.ask("POST", approve, {"commit": commit})
        assert (approved.status, approved.json["status"]) == (201, "queued")
        work(api)
        assert page(api, "shop-pr-7") == (200, "<p>fork</p>")
        assert api.ask("POST", approve, {}).error == (409, "nothing_to_approve")

        second = ada.commit({"index.html": "<p>worse</p>"})
        assert host.pull_request("synchronize", 7, "evil", second, fork="stranger/shop").json["status"] == "waiting"
        work(api)
        assert page(api, "shop-pr-7") == (200, "<p>fork</p>"), "the approval was for the first commit only"
        assert previews(api)[0]["status"] == "waiting"
        host.pull_request("closed", 7, "evil", second, fork="stranger/shop")
        work(api)
        assert (previews(api), page(api, "shop-pr-7")[0]) == ([], 404)

    def test_a_fork_cannot_get_into_the_preview_of_a_branch_of_the_same_name(self, api: Api, host: Host, ada: Person) -> None:
        commit = branch(ada, "next", "<p>ours</p>")
        host.push("next", commit)
        work(api)
        host.pull_request("opened", 7, "next", "b" * 40, fork="stranger/shop")
        host.pull_request("closed", 7, "next", "b" * 40, fork="stranger/shop")
        work(api)
        assert page(api, "shop-next") == (200, "<p>ours</p>")

    def test_forks_that_wait_take_no_room_from_others(self, host: Host, ada: Person) -> None:
        for number in range(1, 25):
            assert host.pull_request("opened", number, "x", f"{number:040x}", fork="stranger/shop").status == 202
        assert host.push("next", branch(ada, "next", "<p>next</p>")).status == 201

    def test_a_repository_that_is_gone_counts_as_a_fork(self, api: Api, host: Host, ada: Person) -> None:
        document = {"action": "opened", "number": 1, "repository": host.repository,
                    "pull_request": {"number": 1, "title": "", "head": {"ref": "x", "sha": ada.head(), "repo": None},
                                     "base": {"ref": "main", "repo": {"full_name": "acme/shop"}}}}  # fmt: skip
        assert host.send("pull_request", document).json["status"] == "waiting"
        assert all_deployments(api) == []
