"""The rows about databases, in the words of the two platforms."""

import logging
import re
from urllib.parse import urlsplit

import pytest

from canonry.core.access import Scope
from canonry.features.deployments import renewal
from tests.support.api import APP, Api
from tests.support.databases import answers, ask, made, row_of


def running(api: Api, slug: str) -> dict[str, str]:
    (row,) = [row for row in api.instances(slug) if row["status"] != "draining"]
    return dict(api.runtime.machine.programs[f"{row['id']}-{row['restarts']}"].spec.environment)


@pytest.mark.contract("Canner", "POST /v1/projects/{slug}/database")
@pytest.mark.criterion("databases#connects-once")
def test_it_connects_reaches_the_app_and_there_is_only_one(api: Api) -> None:
    slug = api.project(start_command="sleep 600")
    answer = api.ask("POST", f"/v1/projects/{slug}/database")
    assert answer.status == 201
    url = answer.json["connection_string"]
    assert ask(url, "SELECT 1 + 1") == [(2,)]
    assert api.deploy(slug, APP)["status"] == "live"
    assert running(api, slug)["DATABASE_URL"] == url
    assert api.ask("POST", f"/v1/projects/{slug}/database").error == (409, "database_exists")


@pytest.mark.contract("Canner", "GET /v1/projects/{slug}/database")
def test_size_and_state_are_shown_and_never_to_another_project(api: Api) -> None:
    slug, other = api.project(), api.project()
    url = made(api, slug)["connection_string"]
    password = url.rpartition("@")[0].rpartition(":")[2]
    shown = api.ask("GET", f"/v1/projects/{slug}/database")
    assert (shown.json["status"], shown.json["engine"], shown.json["version"].split(".")[0]) == ("active", "postgres", "18")
    assert shown.json["size_bytes"] > 1 << 20
    assert password not in shown.body.decode()
    assert api.ask("GET", f"/v1/projects/{other}/database").error == (404, "database_not_found")
    assert api.ask("GET", f"/v1/projects/{slug}/database", token=api.somebody().tokens[Scope.ADMIN]).error == (404, "project_not_found")
    bound = api.ask("POST", "/v1/tokens", {"name": "bound", "scope": "deploy", "project": other})
    assert bound.status == 201, bound.body
    assert api.ask("GET", f"/v1/projects/{slug}/database", token=bound.json["token"]).status == 404
    theirs = made(api, other)["connection_string"]
    assert not answers(url.replace(url.rpartition("@")[2], theirs.rpartition("@")[2])), "the credentials of one project open no other"


@pytest.mark.criterion("databases#password-unseen")
def test_after_it_was_made_a_password_is_in_no_answer_event_or_log(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    slug = api.project(start_command="sleep 600")
    urls = [made(api, slug)["connection_string"]]
    deployment = api.deploy(slug, APP)
    urls.append(api.ask("POST", f"/v1/projects/{slug}/database/access", {"hours": 1}).json["connection_string"])
    urls.append(running(api, slug)["DATABASE_URL"])
    assert api.ask("POST", f"/v1/projects/{slug}/database/rotate").status == 200
    renewal.request(api.container, row_of(api, slug).project_id, "production")  # the job that the event brings about
    api.work(slug)
    urls.append(running(api, slug)["DATABASE_URL"])
    passwords = {urlsplit(url).password or "" for url in urls}
    assert len(passwords) == 3
    assert all(len(password) >= 16 for password in passwords)
    known = {"project": slug, "deployment": deployment["id"], "id": deployment["id"], "database": row_of(api, slug).id}
    asked = 0
    for path, operations in api.get("/openapi.json")["paths"].items():
        names = set(re.findall(r"\{(\w+)\}", path))
        if "get" in operations and names <= set(known) and not path.endswith(("/stream", "/events")):
            answer = api.ask("GET", path.format(**known))
            asked += answer.status == 200
            assert not [password for password in passwords if password in answer.body.decode(errors="replace")], path
    assert asked >= 30
    with api.container.transactions.begin() as tx:
        events = str(tx.connection.execute("SELECT * FROM events").fetchall())
    assert "database" in events
    assert not [password for password in passwords if password in events or password in caplog.text]


@pytest.mark.contract("Canner", "DELETE /v1/projects/{slug}/database")
@pytest.mark.criterion("databases#deleted-is-gone")
def test_afterwards_nobody_connects_and_the_variable_is_gone(api: Api) -> None:
    slug = api.project(start_command="sleep 600")
    url = made(api, slug)["connection_string"]
    api.deploy(slug, APP)
    project = row_of(api, slug).project_id
    assert api.ask("DELETE", f"/v1/projects/{slug}/database").status == 204
    assert not answers(url)
    assert api.ask("GET", f"/v1/projects/{slug}/database").error == (404, "database_not_found")
    assert api.ask("DELETE", f"/v1/projects/{slug}/database").error == (404, "database_not_found")
    renewal.request(api.container, project, "production")  # the job that the event brings about
    api.work(slug)
    assert not [name for name in running(api, slug) if name == "DATABASE_URL" or name.startswith("PG")]


@pytest.mark.contract("Cantila", "GET /v1/projects/:id/database")
def test_the_metadata_have_no_password_and_none_is_404(api: Api) -> None:
    project = api.get(f"/v1/projects/{api.project()}")["project"]["id"]
    assert api.ask("GET", f"/v1/projects/{project}/database").error == (404, "database_not_found")
    url = made(api, project)["connection_string"]
    shown = api.get(f"/v1/projects/{project}/database")
    assert (shown["projectId"], shown["engine"], shown["region"], shown["status"]) == (project, "postgres", "local", "active")
    assert shown["createdAt"]
    assert shown["connectionUri"] == url.replace(url.rpartition("@")[0].rpartition(":")[2], "********")
