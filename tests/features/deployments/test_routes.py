"""Deployments, scale, instances, build logs and plans over HTTP: what the contract says of each operation."""

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from canonry.core.access import Scope
from canonry.features.deployments import build_log
from canonry.features.deployments.build_log import BuildLog
from tests.support.api import APP, FORM, SITE, Api, archive, form
from tests.support.waiting import until

FIELDS = {
    "id", "project_id", "slug", "environment", "status", "step", "trigger", "ref", "commit", "commit_message", "artifact_id", "release_id",
    "reused", "url", "error", "created_at", "started_at", "finished_at",
}  # fmt: skip
BROKEN = {"nothing.txt": "nothing that could be run"}


def events(api: Api, method: str, path: str, body: object = None, **headers: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Give (name, id, data) of each event of a stream until it closes."""
    with api.connection() as connection:
        token = {"Authorization": f"Bearer {api.owner.tokens[Scope.ADMIN]}", "Content-Type": "application/json"}
        connection.request(method, path, body=json.dumps(body) if body is not None else None, headers={**token, **headers})
        response = connection.getresponse()
        assert (response.status, response.getheader("content-type")) == (200, "text/event-stream; charset=utf-8")
        for block in response.read().decode().split("\n\n"):
            fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
            if fields:
                yield fields["event"], fields.get("id", ""), json.loads(fields["data"])


class TestUpload:
    def test_an_archive_is_queued_and_goes_live(self, api: Api) -> None:
        slug = api.project()
        answer = api.upload(slug, SITE)
        queued = answer.json["deployment"]
        assert answer.status == 202
        assert set(queued) == FIELDS
        assert {name: queued[name] for name in ("slug", "status", "trigger", "url", "error", "reused")} == {
            "slug": slug, "status": "queued", "trigger": "upload", "url": None, "error": None, "reused": False,
        }  # fmt: skip
        api.work(slug)
        ended = api.deployment(queued["id"])
        assert (ended["status"], ended["url"], ended["step"]) == ("live", f"http://{slug}.localhost:8080", "live")
        assert ended["created_at"] <= ended["started_at"] <= ended["finished_at"]
        assert api.edge.answer(f"{slug}.localhost").body == b"<p>hello</p>"
        assert api.get(f"/v1/projects/{slug}")["status"] == "running"

    @pytest.mark.parametrize("content", [b"", b"hello", b"\x1f", b"Rar!\x1a\x07", b"BZh9" + b"x" * 100])
    def test_other_bytes_are_refused(self, api: Api, content: bytes) -> None:
        slug = api.project()
        answer = api.ask("POST", f"/v1/projects/{slug}/upload", raw=form(content), headers=FORM)
        assert answer.error == (400, "unsupported_archive")
        assert answer.json["issues"][0]["path"] == "body.file"
        assert api.deployments(slug) == []
        assert list(api.container.home.uploads.iterdir()) == []

    def test_one_over_the_limit_is_413_and_leaves_nothing(self, api: Api) -> None:
        slug = api.project()
        for extra in (1, 3 << 20):
            body = form(b"\x1f\x8b" + bytes((1 << 20) - 2 + extra))
            assert api.ask("POST", f"/v1/projects/{slug}/upload", raw=body, headers=FORM).error == (413, "archive_too_large")
        exactly = form(b"\x1f\x8b" + bytes((1 << 20) - 2))  # not too large, but no archive either
        assert api.ask("POST", f"/v1/projects/{slug}/upload", raw=exactly, headers=FORM).error == (400, "unsupported_archive")
        assert list(api.container.home.uploads.iterdir()) == []

    @pytest.mark.parametrize("name", ["../evil", "/etc/evil", "a/../../evil"])
    def test_an_entry_that_leads_out_is_refused_and_writes_nothing(self, api: Api, name: str) -> None:
        slug = api.project()
        answer = api.upload(slug, {**SITE, name: "evil"})
        assert answer.error == (400, "unsafe_archive")
        assert "evil" in answer.json["message"]
        assert api.deployments(slug) == []
        assert list(api.container.home.uploads.iterdir()) == []

    def test_a_file_that_only_looks_like_an_archive_is_refused_with_the_reason(self, api: Api) -> None:
        slug = api.project()
        answer = api.ask("POST", f"/v1/projects/{slug}/upload", raw=form(b"\x1f\x8b and then nothing"), headers=FORM)
        assert answer.error == (400, "unsupported_archive")
        assert answer.json["hint"]
        assert api.deployments(slug) == []


class TestDeploy:
    def test_without_a_source_it_is_refused(self, api: Api) -> None:
        slug = api.project()
        for path in ("deploy", "deploy/stream"):
            assert api.ask("POST", f"/v1/projects/{slug}/{path}").error == (409, "no_source")
        assert api.deployments(slug) == []

    @pytest.mark.parametrize("body", [None, {}, {"ref": None}])
    def test_an_empty_body_deploys_what_was_uploaded_last(self, api: Api, body: object) -> None:
        slug = api.project()
        api.deploy(slug, SITE)
        answer = api.ask("POST", f"/v1/projects/{slug}/deploy", body)
        assert answer.status == 202
        assert (answer.json["status"], answer.json["deployId"]) == ("queued", answer.json["deployment"]["id"])
        api.work(slug)
        assert api.deployment(answer.json["deployId"])["status"] == "live"

    @pytest.mark.parametrize(
        ("body", "code"),
        [({"ref": "-x"}, "invalid_ref"), ({"ref": ""}, "validation_failed"), ({"repo_url": "gopher://x/y"}, "invalid_repository_url"),
         ({"repo_url": "https://user:word@example.com/x.git"}, "credential_in_url"), ({"ref": "main"}, "ref_without_repository")],
    )  # fmt: skip
    def test_a_wrong_source_is_refused_and_connects_nothing(self, api: Api, body: dict[str, str], code: str) -> None:
        slug = api.project()
        api.deploy(slug, SITE)
        assert api.ask("POST", f"/v1/projects/{slug}/deploy", body).error == (400, code)
        assert api.get(f"/v1/projects/{slug}")["is_connected"] is False
        assert len(api.deployments(slug)) == 1

    def test_the_stream_starts_shows_each_line_ends_and_closes(self, api: Api) -> None:
        slug = api.project()
        api.deploy(slug, SITE)
        seen = self._stream(api, slug)
        names = [name for name, _, _ in seen]
        assert (names[0], names[-1], set(names[1:-1])) == ("start", "done", {"step"})
        start, done = seen[0][2], seen[-1][2]["deployment"]
        assert (start["deployId"], start["trigger"], done["status"]) == (done["id"], "upload", "live")
        lines = api.get(f"/v1/deployments/{done['id']}/logs")["lines"]
        assert [data["text"] for name, _, data in seen if name == "step"] == [line["text"] for line in lines]
        assert {data["deploymentId"] for name, _, data in seen if name == "step"} == {done["id"]}

    def test_the_stream_of_one_that_fails_ends_with_the_error(self, api: Api) -> None:
        slug = api.project()
        api.deploy(slug, BROKEN)
        name, _, data = self._stream(api, slug)[-1]
        assert (name, data["error"], data["deployment"]["status"]) == ("error", "unknown_source", "failed")
        assert data["message"]

    def _stream(self, api: Api, slug: str) -> list[tuple[str, str, dict[str, Any]]]:
        seen: list[tuple[str, str, dict[str, Any]]] = []
        client = threading.Thread(target=lambda: seen.extend(events(api, "POST", f"/v1/projects/{slug}/deploy/stream", {})))
        client.start()
        until(lambda: len(api.deployments(slug)) == 2)
        api.work(slug)
        client.join(60)
        return seen


class TestList:
    @pytest.mark.contract("Canner", "GET /v1/projects/{slug}/deployments")
    def test_newest_first_by_pages_and_only_this_projects(self, api: Api) -> None:
        slug, other = api.project(), api.project()
        made = [api.deploy(slug, {"index.html": str(number)})["id"] for number in range(3)]
        api.deploy(other, SITE)
        first = api.get(f"/v1/projects/{slug}/deployments?limit=2")
        second = api.get(f"/v1/projects/{slug}/deployments?limit=2&cursor={first['next_cursor']}")
        assert [row["id"] for row in (*first["deployments"], *second["deployments"])] == made[::-1]
        assert second["next_cursor"] is None
        assert [row["status"] for row in api.deployments(slug)] == ["live", "superseded", "superseded"]
        for query in ("limit=0", "limit=101", "cursor=x"):
            assert api.ask("GET", f"/v1/projects/{slug}/deployments?{query}").status == 400

    @pytest.mark.contract("Canner", "GET /v1/deployments/{id}")
    def test_one_of_somebody_else_is_404_and_says_no_more_than_one_that_is_not_there(self, api: Api) -> None:
        deployment = api.deploy(api.project(), SITE)["id"]
        token = api.somebody().tokens[Scope.ADMIN]
        foreign, missing = (api.ask("GET", f"/v1/deployments/{name}", token=token) for name in (deployment, "dep_0000000000000000"))
        assert foreign.error == missing.error == (404, "deployment_not_found")
        assert foreign.json["message"].replace(deployment, "") == missing.json["message"].replace("dep_0000000000000000", "")


class TestRetryCancelRollback:
    @pytest.mark.contract("Canner", "POST /v1/deployments/{id}/retry")
    def test_a_failed_one_is_tried_again_from_the_same_source(self, api: Api) -> None:
        slug = api.project(build_command="false")
        failed = api.deploy(slug, APP)
        assert (failed["status"], failed["error"]["code"]) == ("failed", "build_failed")
        api.ask("PATCH", f"/v1/projects/{slug}", {"build_command": None, "start_command": "sleep 600"})
        answer = api.ask("POST", f"/v1/deployments/{failed['id']}/retry")
        assert (answer.status, answer.json["deployment"]["trigger"], answer.json["deployment"]["status"]) == (201, "retry", "queued")
        api.work(slug)
        assert api.deployment(answer.json["deployment"]["id"])["status"] == "live"
        assert api.deployment(failed["id"])["status"] == "failed"

    @pytest.mark.contract("Canner", "POST /v1/deployments/{id}/retry")
    def test_one_that_waits_is_not_tried_again(self, api: Api) -> None:
        slug = api.project()
        waiting = api.upload(slug, SITE).json["deployment"]
        assert api.ask("POST", f"/v1/deployments/{waiting['id']}/retry").error == (409, "deployment_not_retryable")

    @pytest.mark.contract("Canner", "POST /v1/deployments/{id}/cancel")
    def test_one_that_waits_is_cancelled_at_once_and_never_built(self, api: Api) -> None:
        slug = api.project()
        waiting = api.upload(slug, SITE).json["deployment"]
        answer = api.ask("POST", f"/v1/deployments/{waiting['id']}/cancel")
        assert (answer.status, answer.json["deployment"]["status"]) == (200, "cancelled")
        assert answer.json["deployment"]["finished_at"] is not None
        api.work(slug)
        assert api.deployment(waiting["id"])["status"] == "cancelled"
        assert api.edge.hosts() == []
        assert api.get(f"/v1/deployments/{waiting['id']}/logs")["done"] is True

    @pytest.mark.contract("Canner", "POST /v1/deployments/{id}/cancel")
    def test_one_that_has_ended_is_not_cancelled_and_the_site_stays(self, api: Api) -> None:
        slug = api.project()
        live = api.deploy(slug, SITE)
        failed = api.deploy(slug, BROKEN)
        for deployment in (live, failed):
            assert api.ask("POST", f"/v1/deployments/{deployment['id']}/cancel").error == (409, "deployment_not_cancellable")
        assert api.edge.answer(f"{slug}.localhost").status == 200

    @pytest.mark.contract("Canner", "POST /v1/deployments/{id}/rollback")
    def test_the_older_artifact_serves_again_without_a_build_and_the_former_live_one_is_superseded(self, api: Api) -> None:
        slug = api.project()
        one, two = api.deploy(slug, {"index.html": "one"}), api.deploy(slug, {"index.html": "two"})
        answer = api.ask("POST", f"/v1/deployments/{one['id']}/rollback")
        assert (answer.status, answer.json["deployment"]["trigger"]) == (201, "rollback")
        api.work(slug)
        back = api.deployment(answer.json["deployment"]["id"])
        assert (back["status"], back["artifact_id"], back["release_id"], back["reused"]) == (
            "live", one["artifact_id"], one["release_id"], True,
        )  # fmt: skip
        assert api.edge.answer(f"{slug}.localhost").body == b"one"
        assert api.deployment(two["id"])["status"] == "superseded"
        assert "build" not in {line["stream"] for line in api.get(f"/v1/deployments/{back['id']}/logs")["lines"]}

    def test_rolling_back_a_project_goes_to_what_was_live_before_and_twice_there_and_back(self, api: Api) -> None:
        slug = api.project()
        assert api.ask("POST", f"/v1/projects/{slug}/rollback").error == (409, "no_deployment")
        api.deploy(slug, {"index.html": "one"})
        assert api.ask("POST", f"/v1/projects/{slug}/rollback").error == (409, "no_deployment")
        api.deploy(slug, {"index.html": "two"})
        for text in (b"one", b"two"):
            assert api.ask("POST", f"/v1/projects/{slug}/rollback").status == 201
            api.work(slug)
            assert api.edge.answer(f"{slug}.localhost").body == text

    def test_there_is_no_going_back_to_what_never_was_live(self, api: Api) -> None:
        slug = api.project()
        failed, waiting = api.deploy(slug, BROKEN), api.upload(slug, SITE).json["deployment"]
        for deployment in (failed, waiting):
            assert api.ask("POST", f"/v1/deployments/{deployment['id']}/rollback").error == (409, "artifact_missing")


class TestBuildLog:
    def test_lines_are_ordered_resumable_by_sequence_and_done_at_the_end(self, api: Api) -> None:
        slug = api.project(start_command="sleep 600", install_command="true", build_command="true")
        path = f"/v1/deployments/{api.deploy(slug, APP)['id']}/logs"
        whole = api.get(path)
        assert [line["seq"] for line in whole["lines"]] == sorted({line["seq"] for line in whole["lines"]})
        assert {line["stream"] for line in whole["lines"]} == {"build", "system"}
        assert whole["done"] is True
        pages: list[dict[str, Any]] = []
        after = 0
        while not pages or not pages[-1]["done"]:
            pages.append(api.get(f"{path}?after={after}&limit=2"))
            after = pages[-1]["next_seq"]
        assert [line for page in pages for line in page["lines"]] == whole["lines"]
        assert len(pages) > 2

    def test_one_that_goes_on_is_not_done(self, api: Api) -> None:
        slug = api.project()
        waiting = api.upload(slug, SITE).json["deployment"]
        assert api.get(f"/v1/deployments/{waiting['id']}/logs") == {"lines": [], "next_seq": 0, "done": False}
        log = BuildLog(api.container.home, waiting["id"])
        log.build("under way")
        log.close()
        page = api.get(f"/v1/deployments/{waiting['id']}/logs")
        assert ([line["text"] for line in page["lines"]], page["done"]) == (["under way"], False)
        assert build_log.read(api.container.home, waiting["id"], after=page["next_seq"], limit=9).lines == []

    @pytest.mark.parametrize("query", ["after=-1", "after=x", f"after={1 << 62}", "limit=0", "limit=5001"])
    def test_a_wrong_place_is_refused(self, api: Api, query: str) -> None:
        slug = api.project()
        waiting = api.upload(slug, SITE).json["deployment"]
        assert api.ask("GET", f"/v1/deployments/{waiting['id']}/logs?{query}").error == (400, "validation_failed")

    def test_the_stream_gives_every_line_and_goes_on_after_the_last_event(self, api: Api) -> None:
        slug = api.project()
        deployment = api.deploy(slug, SITE)
        path = f"/v1/deployments/{deployment['id']}/logs/stream"
        seen = list(events(api, "GET", path))
        lines = api.get(f"/v1/deployments/{deployment['id']}/logs")["lines"]
        assert [data for name, _, data in seen if name == "line"] == lines
        assert (seen[-1][0], seen[-1][2]["deployment"]["status"]) == ("done", "live")
        for index, (_, cursor, _) in enumerate(seen[:-1]):
            rest = events(api, "GET", path, None, **{"Last-Event-ID": cursor})
            assert [data for name, _, data in rest if name == "line"] == lines[index + 1 :]

    @pytest.mark.parametrize("cursor", ["x", "-1", "1.5", "9" * 40, "\u0661"])
    def test_a_last_event_that_is_none_is_no_fault(self, api: Api, cursor: str) -> None:
        slug = api.project()
        deployment = api.deploy(slug, SITE)
        seen = list(
            events(
                api,
                "GET",
                f"/v1/deployments/{deployment['id']}/logs/stream",
                None,
                **{"Last-Event-ID": cursor.encode("utf-8").decode("latin-1")},
            )
        )
        assert seen[-1][0] == "done"


class TestScale:
    def test_the_answer_shows_the_new_scale_and_so_does_the_project(self, api: Api) -> None:
        slug = api.app()
        answer = api.ask("POST", f"/v1/projects/{slug}/scale", {"instances": 3, "memory_mb": 256})
        assert (answer.status, answer.json["instances"], answer.json["memory_mb"]) == (200, 3, 256)
        assert answer.json["project"] == api.get(f"/v1/projects/{slug}")["project"]
        rows = [row for row in api.instances(slug) if row["status"] != "draining"]
        assert ([row["index"] for row in rows], {row["memory_mb"] for row in rows}) == ([0, 1, 2], {256})

    def test_what_is_left_out_stays(self, api: Api) -> None:
        slug = api.project()
        for body, scale in (({"instances": 2}, (2, 512)), ({"size": "l"}, (2, 1024)), ({"instances": 4}, (4, 1024)),
                            ({"cpu": 1}, (4, 1024)),                            ({"size": "xs", "memory_mb": 300}, (4, 300))):  # fmt: skip
            answer = api.ask("POST", f"/v1/projects/{slug}/scale", body).json
            assert (answer["instances"], answer["memory_mb"]) == scale

    @pytest.mark.parametrize(
        ("name", "value"),
        [("instances", 0), ("instances", -1), ("instances", "x"), ("instances", "2"), ("instances", 33), ("instances", 1.5),
         ("instances", True), ("memory_mb", 31), ("memory_mb", "big"), ("size", "xxl"), ("cpu", 0), ("cpu", -1), ("process", "Web"),
         ("process", "")],
    )  # fmt: skip
    def test_a_wrong_value_is_refused_with_its_place(self, api: Api, name: str, value: object) -> None:
        slug = api.project()
        answer = api.ask("POST", f"/v1/projects/{slug}/scale", {name: value})
        assert answer.error == (400, "validation_failed")
        assert answer.json["issues"][0]["path"] == f"body.{name}"
        assert api.get(f"/v1/projects/{slug}")["instances"] == 1

    def test_an_unknown_process_is_refused_and_those_there_are_named(self, api: Api) -> None:
        slug = api.app()
        answer = api.ask("POST", f"/v1/projects/{slug}/scale", {"process": "worker", "instances": 2})
        assert answer.error == (400, "unknown_process")
        assert "web" in answer.json["message"]


class TestInstances:
    def test_there_are_as_many_rows_as_run_each_with_index_and_status(self, api: Api) -> None:
        slug = api.app()
        (row,) = api.instances(slug)
        assert set(row) == {
            "cpu",
            "environment",
            "id",
            "index",
            "process",
            "status",
            "started_at",
            "restarts",
            "reason",
            "memory_bytes",
            "memory_mb",
            "release_id",
        }
        assert (row["index"], row["process"], row["status"], row["restarts"]) == (0, "web", "healthy", 0)
        api.runtime.machine.memory[f"{row['id']}-0"] = 12345
        assert api.instances(slug)[0]["memory_bytes"] == 12345

    def test_a_project_that_was_never_deployed_and_a_site_have_none(self, api: Api) -> None:
        slug = api.project()
        assert api.instances(slug) == []
        api.deploy(slug, SITE)
        assert api.instances(slug) == []


class TestStopAndStart:
    def test_a_stopped_project_says_so_and_starts_again_with_its_release(self, api: Api) -> None:
        slug = api.project()
        api.deploy(slug, SITE)
        for _ in range(2):
            answer = api.ask("POST", f"/v1/projects/{slug}/stop")
            assert (answer.status, answer.json["status"]) == (200, "stopped")
            assert api.edge.answer(f"{slug}.localhost").status == 503
        for _ in range(2):
            answer = api.ask("POST", f"/v1/projects/{slug}/start")
            assert (answer.status, answer.json["status"]) == (200, "running")
            assert api.edge.answer(f"{slug}.localhost").body == b"<p>hello</p>"
        assert len(api.deployments(slug)) == 1

    def test_one_that_was_never_deployed_does_not_start(self, api: Api) -> None:
        slug = api.project()
        api.deploy(slug, BROKEN)
        assert api.ask("POST", f"/v1/projects/{slug}/start").error == (409, "no_deployment")
        assert api.get(f"/v1/projects/{slug}")["status"] == "new"


class TestPlan:
    def test_a_plan_of_an_archive_leaves_nothing_behind(self, api: Api) -> None:
        home = api.container.home
        before = (api.get("/v1/projects"), sorted(path for path in home.root.rglob("*") if "art_" not in str(path)))
        answer = api.ask("POST", "/v1/deploy/plan", raw=form(archive(SITE)), headers=FORM)
        assert (answer.status, answer.json["plan"]["provider"], answer.json["plan"]["found"]) == (200, "static", ["index.html"])
        assert api.ask("POST", "/v1/deploy/plan", raw=form(archive(BROKEN)), headers=FORM).error == (400, "unknown_source")
        assert api.ask("POST", "/v1/deploy/plan", raw=form(archive({"../x": "y"})), headers=FORM).error == (400, "unsafe_archive")
        assert (api.get("/v1/projects"), sorted(path for path in home.root.rglob("*") if "art_" not in str(path))) == before

    @pytest.mark.parametrize(
        ("body", "code"),
        [({}, "validation_failed"), ({"repo_url": 5}, "validation_failed"), ({"repo_url": "x", "more": 1}, "validation_failed"),
         ({"repo_url": "ssh://git@example.com/x"}, "invalid_repository_url"), ({"repo_url": "owner/x", "ref": "-"}, "invalid_ref")],
    )  # fmt: skip
    def test_a_wrong_question_is_refused(self, api: Api, body: object, code: str) -> None:
        answer = api.ask("POST", "/v1/deploy/plan", body)
        assert answer.error == (400, code)
        assert answer.json["issues"]


def test_a_build_log_is_asked_for_from_far_behind_its_end(api: Api) -> None:
    deployment = api.deploy(api.project(), SITE)["id"]
    end = api.get(f"/v1/deployments/{deployment}/logs")["next_seq"]
    for after in (end + 1, 1 << 44, (1 << 62) - 1):
        assert api.get(f"/v1/deployments/{deployment}/logs?after={after}") == {"lines": [], "next_seq": end, "done": True}
