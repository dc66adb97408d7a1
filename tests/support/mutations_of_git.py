"""How to call each operation about hosted repositories, so that it succeeds (see tests/support/mutations.py)."""

import tempfile
from collections.abc import Callable
from pathlib import Path

from canonry.adapters.git_host.memory import MemoryGitHost
from canonry.features.git import ensure_installation, hosted_repository
from canonry.features.specs import indexing
from tests.support.api import Api
from tests.support.git import Person
from tests.support.mutation import Call


def _made(api: Api) -> Call:
    return Call({"repository": api.ask("POST", "/v1/repositories", {"name": "handbook"}).json["repository"]["id"]})


def _pushed(api: Api) -> Call:
    call = _made(api)
    with tempfile.TemporaryDirectory() as folder:
        person = Person(Path(folder) / "work")
        person.commit({"README.md": "# one"})
        person.git("push", "--quiet", str(hosted_repository(api.container.home, call.values["repository"])), "main")
    return call


def _of_a_project(api: Api) -> Call:
    call = _pushed(api)
    slug = api.project("site")
    assert api.ask("POST", f"/v1/projects/{slug}/git", {"repo": "ada/handbook"}).status == 201
    return Call(call.values, {"branch": "main"})


def handbook_with_pull_request(api: Api) -> tuple[str, str]:
    """Make a repository with an open pull request from `edit` into `main`; return its name and its folder."""
    body = api.ask("POST", "/v1/repositories", {"name": "handbook"}).json["repository"]
    folder = hosted_repository(api.container.home, body["id"])
    with tempfile.TemporaryDirectory() as work:
        person = Person(Path(work) / "work")
        person.commit({"README.md": "# one"}, "One")
        person.git("checkout", "--quiet", "-b", "edit")
        person.commit({"README.md": "# two"}, "Two")
        person.git("push", "--quiet", str(folder), "main", "edit", "edit:another")
    opened = api.ask("POST", f"/v1/repositories/{body['id']}/pulls", {"title": "Edit", "head": "edit"})
    assert opened.status == 201, opened.body
    return body["name"], str(folder)


def _on_pull_request(body: object = None) -> Callable[[Api], Call]:
    return lambda api: Call({"repository": handbook_with_pull_request(api)[0], "number": "1"}, body)


def _indexed(api: Api) -> Call:
    repository = api.ask("POST", "/v1/repositories", {"name": "handbook"}).json["repository"]["id"]
    indexing.run(api.container, repository)
    with api.container.transactions.begin() as tx:
        ensure_installation(tx, api.owner.organization_id, "canonry", "ada")
    number = api.ask("GET", "/app/admin/api/indexing").json["installations"][0]["id"]
    return Call({"installation_id": str(number)}, prefix="", tells=False)


def _at_github(api: Api) -> Call:
    host = api.container.ports.git_host
    assert isinstance(host, MemoryGitHost)
    host.make("acme/specs", {"README.md": b"# Specs\n"})
    return Call(body={"repository": "acme/specs", "token": "ghp_of-the-mutation"}, secrets=("ghp_of-the-mutation",))


def _another(api: Api) -> Call:
    return Call({"repository": handbook_with_pull_request(api)[0]}, {"title": "Another", "head": "another"})


def _in_editor(api: Api) -> tuple[dict[str, str], str]:
    handbook_with_pull_request(api)
    values = {"org": "ada", "owner": "ada", "repo": "handbook", "file_path": "README.md"}
    return values, api.ask("GET", "/app/ada/editor/ada/handbook/README.md/json").json["sha"]


def _saved(api: Api) -> Call:
    values, sha = _in_editor(api)
    return Call(values, {"content": "# three", "sha": sha}, prefix="")


def _proposed(api: Api) -> Call:
    values, sha = _in_editor(api)
    return Call(values, {"content": "# three", "sha": sha, "pr_title": "Three"}, prefix="")


ROWS: dict[str, Callable[[Api], Call]] = {
    "POST /repositories": lambda _api: Call(body={"name": "handbook", "description": "what we do"}),
    "POST /repositories/github": _at_github,
    "DELETE /repositories/{repository}": _made,
    "POST /repositories/{repository}/refresh": _pushed,
    "POST /repositories/{repository}/deployments": _of_a_project,
    "POST /repositories/{repository}/pulls": _another,
    "POST /app/{org}/editor/{owner}/{repo}/{file_path:path}/save": _saved,
    "POST /app/{org}/editor/{owner}/{repo}/{file_path:path}/save-pr": _proposed,
    "POST /app/admin/api/reindex/{installation_id}": _indexed,
    "POST /repositories/{repository}/pulls/{number}/reviews": _on_pull_request({"verdict": "approved", "body": "Good."}),
    "POST /repositories/{repository}/pulls/{number}/merge": _on_pull_request({}),
    "POST /repositories/{repository}/pulls/{number}/close": _on_pull_request(),
}
