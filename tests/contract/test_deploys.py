"""How something is deployed: both seeds' deploy, upload, the stream, and the plan that leaves nothing behind."""

import io
import json
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from canonry.core.access import Scope
from canonry.features.deployments.models import UNFINISHED
from tests.support.api import FORM, SITE, Api, archive, form
from tests.support.git import Person
from tests.support.waiting import until


@pytest.fixture
def ada(tmp_path: Path) -> Person:
    person = Person(tmp_path / "ada")
    person.commit({"index.html": "<p>one</p>"})
    return person


def served(api: Api, slug: str) -> tuple[int, bytes]:
    answer = api.edge.answer(f"{slug}.localhost")
    return answer.status, answer.body


@pytest.mark.contract("Canner", "POST /v1/projects/{slug}/deploy")
def test_an_empty_body_is_answered_at_once_and_the_new_content_is_served(api: Api, ada: Person) -> None:
    slug = api.project("shop", repo_url=ada.url)
    for number, body in enumerate((b"", b"{}")):
        page = f"<p>{number}</p>".encode()
        commit = ada.commit({"index.html": page})
        answer = api.ask("POST", f"/v1/projects/{slug}/deploy", raw=body, headers={"Content-Type": "application/json"})
        assert answer.status in {201, 202}
        assert answer.json["deployment"]["status"] == "queued"
        assert served(api, slug) != (200, page), "nothing is waited for"
        api.work(slug)
        deployment = api.deployment(answer.json["deployment"]["id"])
        assert (deployment["status"], deployment["commit"]) == ("live", commit)
        assert served(api, slug) == (200, page)
        assert deployment["url"].startswith("http://shop.localhost")


@pytest.mark.contract("Cantila", "POST /v1/projects/:id/deploy")
def test_it_answers_deploy_id_and_queued_a_ref_picks_that_commit_and_no_source_is_refused(api: Api, ada: Person) -> None:
    first = ada.head()
    ada.commit({"index.html": "<p>two</p>"})
    project = api.ask("POST", "/v1/projects", {"name": "Shop"}).json["id"]
    refused = api.ask("POST", f"/v1/projects/{project}/deploy", {})
    assert refused.error == (409, "no_source")
    assert "connect a repository" in refused.json["hint"].lower()
    assert api.edge.hosts() == [], "no placeholder is served"
    assert api.get(f"/v1/projects/{project}/deployments")["deployments"] == []
    assert api.ask("PATCH", f"/v1/projects/{project}", {"repo_url": ada.url}).status == 200
    answer = api.ask("POST", f"/v1/projects/{project}/deploy", {"ref": first})
    assert (answer.json["status"], answer.json["deployId"]) == ("queued", answer.json["deployment"]["id"])
    api.work("shop")
    assert api.deployment(answer.json["deployId"])["commit"] == first
    assert served(api, "shop") == (200, b"<p>one</p>")
    assert api.ask("POST", f"/v1/projects/{project}/deploy", {}, token=api.owner.tokens[Scope.READ]).error[0] == 403


@pytest.mark.contract("Cantila", "POST /v1/projects/:id/deploy/stream")
def test_the_stream_starts_tells_ordered_steps_ends_and_closes_and_refusals_are_json(api: Api) -> None:
    slug = api.project("shop")
    api.deploy(slug, SITE)
    events = streamed(api, slug, {})
    names = [name for name, _ in events]
    assert (names[0], names[-1]) == ("start", "done")
    assert set(names[1:-1]) == {"step"}
    assert events[0][1]["deployId"] == events[-1][1]["deployment"]["id"]
    texts = [data["text"] for name, data in events if name == "step"]
    order = [next(index for index, text in enumerate(texts) if words in text) for words in ("Plan:", "Live at")]
    assert order == sorted(order)
    assert [data["at"] for name, data in events if name == "step"] == sorted(data["at"] for name, data in events if name == "step")

    assert api.ask("PATCH", f"/v1/projects/{slug}", {"output_dir": "nowhere"}).status == 200
    events = streamed(api, slug, {})
    assert events[-1][0] == "error"
    assert events[-1][1]["error"]
    assert served(api, slug)[0] == 200

    path = "/v1/projects/{}/deploy/stream"
    for answer, expected in (
        (api.ask("POST", path.format("nobody"), {}), (404, "project_not_found")),
        (api.ask("POST", path.format(slug), {}, token=api.somebody().tokens[Scope.ADMIN]), (404, "project_not_found")),
        (api.ask("POST", path.format(slug), {}, token=api.owner.tokens[Scope.READ]), (403, "insufficient_scope")),
    ):
        assert answer.error == expected
        assert answer.headers["content-type"].startswith("application/json")


@pytest.mark.contract("Cantila", "POST /v1/deploy/plan")
def test_a_plan_tells_runtime_steps_and_services_and_leaves_nothing_behind(api: Api, ada: Person) -> None:
    before = everything(api)
    ada.commit({"index.html": "x"})
    for answer in (
        api.ask("POST", "/v1/deploy/plan", {"repo_url": ada.url}),
        api.ask("POST", "/v1/deploy/plan", raw=form(archive(SITE)), headers=FORM),
    ):
        assert answer.status == 200, answer.body
        plan = answer.json["plan"]
        assert plan["provider"] == "static"
        assert {"install", "build", "processes", "toolchains", "static"} <= set(plan)
    assert everything(api) == before


@pytest.mark.contract("Canner", "POST /v1/projects/{slug}/upload")
def test_a_zip_and_a_tar_gz_go_live_and_what_is_wrong_or_dangerous_is_refused(api: Api) -> None:
    slug = api.project("shop")
    path = f"/v1/projects/{slug}/upload"
    for content, page in ((zipped({"index.html": "<p>zip</p>"}), b"<p>zip</p>"), (archive({"index.html": "<p>tar</p>"}), b"<p>tar</p>")):
        answer = api.ask("POST", path, raw=form(content), headers=FORM)
        assert (answer.status, answer.json["deployment"]["status"]) == (202, "queued")
        api.work(slug)
        assert api.deployment(answer.json["deployment"]["id"])["status"] == "live"
        assert served(api, slug) == (200, page)
    assert api.ask("POST", path, raw=form(b"other bytes"), headers=FORM).error == (400, "unsupported_archive")
    for name in ("../evil.html", "/etc/evil.html", "a/../../evil.html"):
        for content in (zipped({name: "x"}), tarred(name)):
            assert api.ask("POST", path, raw=form(content), headers=FORM).error == (400, "unsafe_archive")
    limit = api.container.settings.upload_limit << 20
    too_large = b"PK\x03\x04" + bytes(limit)
    assert api.ask("POST", path, raw=form(too_large), headers=FORM).error[0] == 413
    assert len(api.deployments(slug)) == 2
    assert served(api, slug) == (200, b"<p>tar</p>")


def zipped(files: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as target:
        for name, text in files.items():
            target.writestr(name, text)
    return buffer.getvalue()


def tarred(name: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as target:
        info = tarfile.TarInfo(name)
        info.size = 1
        target.addfile(info, io.BytesIO(b"x"))
    return buffer.getvalue()


def streamed(api: Api, slug: str, body: object) -> list[tuple[str, dict[str, Any]]]:
    """Deploy by the stream, carry the deployment out meanwhile, and return the events once the server has closed."""
    answers = []
    client = threading.Thread(target=lambda: answers.append(api.ask("POST", f"/v1/projects/{slug}/deploy/stream", body)))
    client.start()
    until(lambda: any(item["status"] in UNFINISHED for item in api.deployments(slug)))
    api.work(slug)
    client.join(60)
    assert answers[0].headers["content-type"].startswith("text/event-stream")
    return list(_events(answers[0].body.decode()))


def _events(text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line and not line.startswith(":"))
        if "data" in fields:
            yield fields["event"], json.loads(fields["data"])


def everything(api: Api) -> tuple[object, ...]:
    """Return all rows and files that a deploy would make."""
    with api.container.transactions.begin() as tx:
        rows = [tx.connection.execute(f"SELECT count(*) FROM {table}".encode()).fetchone()  # noqa: S608 -- our own names
                for table in ("projects", "deployments", "releases", "instances", "hosts", "events")]  # fmt: skip
    home = api.container.home
    files = sorted(str(path) for folder in (home.builds, home.uploads, home.artifacts, home.mirrors) for path in folder.rglob("*"))
    return rows, files
