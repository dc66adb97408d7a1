"""Environments beside production: their own hosts, instances and files; production never notices them."""

import hashlib
import secrets
import threading
from pathlib import Path
from typing import Any

import pytest

from canonry.adapters.builder.memory import MemoryBuilder
from canonry.core.access import PERMISSIONS, Actor, Scope
from canonry.core.environments import PRODUCTION, preview_of
from canonry.core.errors import Conflict
from canonry.features import projects
from canonry.features.deployments import Watch, closing, ending, pipeline, service, store
from canonry.features.deployments.models import Deployment, Wish
from tests.support.api import APP, SITE, Api
from tests.support.between import beside, once_after, once_before
from tests.support.git import Person
from tests.support.waiting import until

PREVIEW = preview_of("next")


def actor(api: Api) -> Actor:
    return Actor(api.owner.user_id, api.owner.organization_id, api.owner.handle, PERMISSIONS[Scope.ADMIN])


def opened(api: Api, slug: str, label: str = "") -> None:
    with api.container.transactions.begin() as tx:
        projects.claim_label(tx, projects.find(tx, actor(api), slug).id, PREVIEW, [label or f"{slug}-next"])


def asked(api: Api, slug: str, branch: str = "next") -> Deployment:
    with api.container.transactions.begin() as tx:
        project = projects.find(tx, actor(api), slug)
        return service.request_commit(tx, actor(api), api.container.home, project, Wish(PREVIEW, branch, origin="preview"))


def previewed(api: Api, slug: str, files: dict[str, str]) -> dict[str, Any]:
    """Commit these files to the branch `next` of a repository, connect it, and deploy the branch to its preview."""
    person = Person(api.container.home.root.parent / secrets.token_hex(8))
    person.git("checkout", "--quiet", "-b", "next")
    person.commit(files)
    assert api.ask("PATCH", f"/v1/projects/{slug}", {"repo_url": person.url}).status == 200
    deployment = asked(api, slug)
    pipeline.run(api.container, deployment.project_id, PREVIEW)
    return api.deployment(deployment.id)


def page(api: Api, host: str) -> tuple[int, str]:
    answer = api.edge.answer(host)
    return answer.status, answer.body.decode()


def project_id(api: Api, slug: str) -> str:
    return str(api.get(f"/v1/projects/{slug}")["id"])


def close(api: Api, slug: str) -> None:
    with closing(api.container, project_id(api, slug), PREVIEW):
        pass


def clear(api: Api) -> None:
    """Do the jobs that wait for closed environments."""
    with api.container.transactions.begin() as tx:
        query = "DELETE FROM procrastinate_jobs WHERE task_name = 'deployments.clear_environment' RETURNING args"
        jobs = [row[0] for row in tx.connection.execute(query).fetchall()]
    for job in jobs:
        ending.clear(api.container, **job)


def test_one_that_is_made_again_while_the_former_is_cleared_keeps_what_is_asked_for(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    slug = api.project("shop")
    opened(api, slug)
    previewed(api, slug, SITE)
    close(api, slug)
    made: list[str] = []
    running: list[threading.Thread] = []

    def make_again() -> None:
        opened(api, slug)
        made.append(asked(api, slug).id)

    once_after(monkeypatch, projects, "label_of", lambda: running.append(beside(api.container.transactions, make_again)))
    clear(api)
    running[0].join()
    assert api.deployment(made[0])["status"] == "queued"


def test_what_is_asked_for_while_a_preview_is_closed_ends_with_it(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    slug = api.project("shop")
    opened(api, slug)
    previewed(api, slug, SITE)
    running: list[threading.Thread] = []
    once_before(monkeypatch, store, "insert", lambda: running.append(beside(api.container.transactions, lambda: close(api, slug))))
    deployment = asked(api, slug)
    running[0].join()
    assert api.deployment(deployment.id)["status"] == "cancelled"


def test_a_preview_is_served_on_its_own_host_and_production_stays_as_it_is(api: Api) -> None:
    slug = api.project("shop")
    live = api.deploy(slug, SITE)
    opened(api, slug)
    preview = previewed(api, slug, {"index.html": "<p>next</p>"})
    assert (preview["status"], preview["environment"]) == ("live", PREVIEW)
    assert str(preview["url"]).startswith("http://shop-next.localhost")
    assert page(api, "shop-next.localhost") == (200, "<p>next</p>")
    assert page(api, "shop.localhost") == (200, SITE["index.html"])
    assert api.deployment(live["id"])["status"] == "live"
    assert [item["id"] for item in api.deployments(slug)] == [live["id"]]
    everything = api.get(f"/v1/projects/{slug}/deployments?environment=all")["deployments"]
    assert [item["id"] for item in everything] == [preview["id"], live["id"]]
    assert [item["id"] for item in api.get(f"/v1/projects/{slug}/deployments?environment={PREVIEW}")["deployments"]] == [preview["id"]]


def test_a_preview_that_fails_leaves_the_status_of_the_project_alone(api: Api) -> None:
    slug = api.app("shop")
    opened(api, slug)
    failed = previewed(api, slug, {"nothing.txt": ""})
    assert failed["status"] == "failed"
    assert api.get(f"/v1/projects/{slug}")["status"] == "running"
    assert [row["status"] for row in api.instances(slug)] == ["healthy"]
    fresh = api.project("fresh", start_command="sleep 600")
    opened(api, fresh)
    assert previewed(api, fresh, APP)["status"] == "live"
    assert api.get(f"/v1/projects/{fresh}")["status"] == "new", "only production makes a project running"
    assert api.instances(fresh) == []
    assert [row["environment"] for row in api.get(f"/v1/projects/{fresh}/instances?environment={PREVIEW}")["instances"]] == [PREVIEW]


def test_stop_and_start_take_previews_along(api: Api) -> None:
    slug = api.app("shop")
    opened(api, slug)
    previewed(api, slug, APP)
    assert api.ask("POST", f"/v1/projects/{slug}/stop").status == 200
    for host in ("shop.localhost", "shop-next.localhost"):
        assert page(api, host)[0] == 503
    with pytest.raises(Conflict, match="is stopped"):
        asked(api, slug)
    watch = Watch(api.container)
    until(lambda: watch.round() or not any(state.running for state in api.runtime.states()))
    assert api.ask("POST", f"/v1/projects/{slug}/start").status == 200
    for host in ("shop.localhost", "shop-next.localhost"):
        until(lambda host=host: watch.round() or page(api, host)[0] == 200, timeout=60)
    watch.close()


def test_a_deploy_to_production_brings_the_previews_of_a_stopped_project_back(api: Api) -> None:
    slug = api.project("shop")
    api.deploy(slug, SITE)
    opened(api, slug)
    previewed(api, slug, {"index.html": "<p>next</p>"})
    api.ask("POST", f"/v1/projects/{slug}/stop")
    assert page(api, "shop-next.localhost")[0] == 503
    api.deploy(slug, {"index.html": "<p>two</p>"})
    assert page(api, "shop-next.localhost") == (200, "<p>next</p>")


def test_retry_and_rollback_stay_in_their_environment(api: Api) -> None:
    slug = api.project("shop")
    api.deploy(slug, SITE)
    opened(api, slug)
    first = previewed(api, slug, {"index.html": "<p>one</p>"})
    previewed(api, slug, {"index.html": "<p>two</p>"})
    for verb, text in (("rollback", "<p>one</p>"), ("retry", "<p>one</p>")):
        again = api.ask("POST", f"/v1/deployments/{first['id']}/{verb}").json["deployment"]
        assert again["environment"] == PREVIEW
        pipeline.run(api.container, project_id(api, slug), PREVIEW)
        assert api.deployment(again["id"])["status"] == "live"
        assert page(api, "shop-next.localhost") == (200, text)
    assert page(api, "shop.localhost") == (200, SITE["index.html"])


def test_closing_takes_host_processes_and_files_and_leaves_production(api: Api) -> None:
    slug = api.app("shop")
    opened(api, slug)
    preview = previewed(api, slug, APP)
    row = api.get(f"/v1/projects/{slug}/instances?environment={PREVIEW}")["instances"][0]
    log = api.container.home.instance_logs / f"{row['id']}.log"
    log.write_text("hello")
    cache_key = f"{project_id(api, slug)}-{hashlib.sha256(PREVIEW.encode()).hexdigest()[:16]}"
    artifact = api.container.home.artifacts / str(preview["artifact_id"])
    assert artifact.is_dir()
    close(api, slug)
    close(api, slug)  # twice is harmless
    assert page(api, "shop-next.localhost")[0] == 404
    clear(api)
    assert not artifact.exists()
    assert not log.exists()
    builder = api.container.ports.builder
    assert isinstance(builder, MemoryBuilder)
    assert cache_key in builder.forgotten
    assert api.deployment(str(preview["id"]))["status"] == "superseded"
    assert [state.labels["project"] for state in api.runtime.states() if state.running] == [project_id(api, slug)]
    assert page(api, "shop.localhost")[0] == 200
    assert [row["status"] for row in api.instances(slug)] == ["healthy"]
    assert api.ask("POST", f"/v1/deployments/{preview['id']}/retry").error == (409, "environment_closed")
    assert api.project("shop-next") == "shop-next", "the name is free again"


def test_a_deployment_under_way_when_its_environment_is_closed_never_goes_live(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    slug = api.project("shop")
    api.deploy(slug, SITE)
    opened(api, slug)
    builder = api.container.ports.builder
    build = type(builder).build

    def closed_meanwhile(*arguments: object) -> object:
        close(api, slug)
        return build(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(type(builder), "build", closed_meanwhile)
    preview = previewed(api, slug, {"index.html": "<p>late</p>"})
    assert preview["status"] in {"failed", "cancelled"}
    clear(api)
    assert api.edge.hosts() == ["shop.localhost"]
    left = {path.name for path in Path(api.container.home.artifacts).iterdir()}
    assert preview["artifact_id"] not in left


def test_deleting_a_project_takes_its_previews_along(api: Api) -> None:
    slug = api.app("shop")
    opened(api, slug)
    previewed(api, slug, APP)
    assert api.ask("DELETE", f"/v1/projects/{slug}").status == 204
    assert list(api.edge.hosts()) == []
    assert api.project("shop-next") == "shop-next"


class TestOneNameSpace:
    def test_a_project_cannot_take_the_name_of_a_preview(self, api: Api) -> None:
        slug = api.project("shop")
        opened(api, slug)
        other = api.somebody()
        for token in ("", other.tokens[Scope.ADMIN]):
            assert api.ask("POST", "/v1/projects", {"name": "x", "slug": "shop-next"}, token=token).error == (409, "slug_taken")
        assert api.ask("POST", "/v1/projects", {"name": "Shop next"}).json["slug"] == "shop-next-2", "a derived one goes on"

    def test_a_preview_cannot_take_the_slug_of_a_project(self, api: Api) -> None:
        api.project("shop-next")
        slug = api.project("shop")
        with api.container.transactions.begin() as tx:
            found = projects.find(tx, actor(api), slug)
            assert projects.claim_label(tx, found.id, PREVIEW, ["shop-next", "www", "shop-next-1"]) == "shop-next-1"
            assert projects.claim_label(tx, found.id, PREVIEW, ["other"]) == "shop-next-1", "the one it has stays"
            with pytest.raises(Conflict, match="free"):
                projects.claim_label(tx, found.id, preview_of("b"), ["shop-next", "shop-next-1"])

    def test_of_two_who_take_a_name_at_once_one_gets_it(self, api: Api) -> None:
        slug, taken = api.project("shop"), []

        def create() -> None:
            taken.append(api.ask("POST", "/v1/projects", {"name": "x", "slug": "shop-next"}).status == 201)

        thread = threading.Thread(target=create)
        with api.container.transactions.begin() as tx:
            found = projects.find(tx, actor(api), slug)
            projects.claim_label(tx, found.id, PREVIEW, ["shop-next"])
            thread.start()
        thread.join(60)
        assert taken == [False]

    def test_production_has_its_slug(self, api: Api) -> None:
        slug = api.project("shop")
        with api.container.transactions.begin() as tx:
            assert projects.label_of(tx, projects.find(tx, actor(api), slug).id, PRODUCTION) == "shop"
