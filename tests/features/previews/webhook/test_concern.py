"""A push to a monorepo elsewhere deploys the projects that it concerns, and is never taken for less than it may be."""

from typing import Any

import pytest

from canonry.features.git import fetch_mirror
from canonry.features.git.targets import Targets
from tests.support.api import Answer, Api
from tests.support.git import Person
from tests.support.webhooks import Host, connected, push, work

CREATED, SKIPPED = 201, 202


@pytest.fixture
def mono(api: Api, ada: Person) -> Host:
    """Give the host of the project `one`, live from the folder `one` of a repository that has another one."""
    ada.commit({"one/index.html": "<p>one</p>", "two/index.html": "<p>two</p>"}, "Two folders")
    host = connected(api, api.project("one"), ada.url, root_dir="one")
    assert api.ask("POST", "/v1/projects/one/deploy", {"branch": "main"}).status in {201, 202}
    work(api)
    live = api.get("/v1/projects/one/deployments")["deployments"][0]
    assert (live["status"], live["commit"]) == ("live", ada.head())
    return host


def tell(host: Host, ada: Person, files: dict[str, str], **changes: Any) -> Answer:  # noqa: ANN401 -- what is another than usual
    """Commit, and tell of it as GitHub does."""
    before = ada.head()
    commit = ada.commit(files, "Change")
    document = {
        **push("main", commit, "Change", host.repository), "before": before, "created": False, "forced": False,
        "commits": [{"id": commit, "message": "Change", "added": [], "removed": [], "modified": sorted(files)}],
    } | changes  # fmt: skip
    return host.send("push", document)


def count(api: Api) -> int:
    return len(api.get("/v1/projects/one/deployments")["deployments"])


def test_a_push_that_touches_another_folder_deploys_nothing(api: Api, mono: Host, ada: Person) -> None:
    for page in ("<p>2</p>", "<p>3</p>"):  # the second begins where the first was left out
        answer = tell(mono, ada, {"two/index.html": page})
        assert (answer.status, answer.json["skipped"], answer.json["error"]) == (SKIPPED, True, "not_concerned")
    assert count(api) == 1
    told = api.get("/v1/projects/one/git")
    assert "Nothing of one changed" in str(told)
    answer = tell(mono, ada, {"one/index.html": "<p>1</p>", "two/index.html": "<p>4</p>"})
    assert (answer.status, count(api)) == (CREATED, 2)
    answer = tell(mono, ada, {"two/index.html": "<p>5</p>"})
    assert (answer.status, count(api)) == (SKIPPED, 2), "it was asked for, so what came before is settled"


@pytest.mark.parametrize("path", ["one/a/b.html", "package-lock.json", "canonry.toml"])
def test_what_concerns_it_deploys_it(mono: Host, ada: Person, path: str) -> None:
    assert tell(mono, ada, {path: "{}" if path.endswith("json") else ""}).status == CREATED


@pytest.mark.parametrize("changes", [
    {"forced": True}, {"created": True}, {"forced": None}, {"before": "0" * 40}, {"before": "a" * 40}, {"before": None}, {"commits": []},
    {"commits": [{"id": "b" * 40, "added": [], "removed": [], "modified": ["two/x"]}]}, {"commits": "none"},
], ids=str)  # fmt: skip
def test_what_is_not_surely_whole_deploys_it(mono: Host, ada: Person, changes: dict[str, Any]) -> None:
    assert tell(mono, ada, {"two/index.html": "<p>2</p>"}, **changes).status == CREATED


def test_a_commit_that_lists_no_files_deploys_it(mono: Host, ada: Person) -> None:
    before, commit = ada.head(), ada.commit({"two/index.html": "<p>2</p>"}, "Change")
    document = {**push("main", commit, "Change", mono.repository), "before": before, "created": False, "forced": False}
    assert mono.send("push", document).status == CREATED


def test_in_a_workspace_what_nobody_else_has_concerns_it(api: Api, ada: Person) -> None:
    workspace = '{"name": "mono", "workspaces": ["*"]}'
    ada.commit({"one/index.html": "<p>one</p>", "shared/a.js": "1", "two/index.html": "<p>two</p>", "package.json": workspace}, "Workspace")
    host = connected(api, api.project("one"), ada.url, root_dir="one")
    connected(api, api.project("two"), ada.url, root_dir="two")
    assert api.ask("POST", "/v1/projects/one/deploy", {"branch": "main"}).status in {201, 202}
    work(api)
    if api.get("/v1/projects/one/deployments")["deployments"][0]["status"] != "live":
        pytest.fail("the project is not live")
    assert tell(host, ada, {"two/index.html": "<p>2</p>"}).status == SKIPPED
    assert tell(host, ada, {"shared/a.js": "2"}).status == CREATED


def test_a_project_without_a_folder_is_concerned_by_everything(api: Api, ada: Person) -> None:
    host = connected(api, api.project("whole"), ada.url)
    assert api.ask("POST", "/v1/projects/whole/deploy", {"branch": "main"}).status in {201, 202}
    work(api)
    assert tell(host, ada, {"two/index.html": "<p>2</p>"}).status == CREATED


def test_without_the_copy_nobody_can_know(api: Api, mono: Host, ada: Person) -> None:
    mirror, _ = fetch_mirror(api.container.home, ada.url, "main", lambda _: None, targets=Targets(files=True, everywhere=True))
    mirror.rename(mirror.with_name("away"))
    assert tell(mono, ada, {"two/index.html": "<p>2</p>"}).status == CREATED
