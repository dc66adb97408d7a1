"""Several projects of one hosted repository: connecting them, which of them a push deploys, and what deleting refuses."""

import subprocess
import sys
from pathlib import Path

import pytest

from canonry.core.access import Scope
from canonry.features import git
from canonry.features.deployments import committed, pipeline
from canonry.features.git import hook, hosted_repository
from tests.support.api import Answer, Api
from tests.support.between import once_before
from tests.support.git import Person

FILES = {"web/index.html": "web one", "back/index.html": "back one", "README.md": "# mono"}


class Mono:
    """A repository `mono` that is no project's, and somebody who pushes to it."""

    def __init__(self, api: Api, ada: Person) -> None:
        self.api, self.ada = api, ada
        self.id = str(api.ask("POST", "/v1/repositories", {"name": "mono"}).json["repository"]["id"])
        self.folder = hosted_repository(api.container.home, self.id)

    def connect(self, slug: str, root: str | None, **options: object) -> Answer:
        body = {"repo": "ada/mono", "rootDir": root, **options}
        return self.api.ask("POST", f"/v1/projects/{slug}/git", {key: value for key, value in body.items() if value is not None})

    def push(self, files: dict[str, str], branch: str = "main") -> str:
        commit = self.ada.commit(files)
        self.ada.git("push", "--quiet", "--force", str(self.folder), f"HEAD:refs/heads/{branch}")
        return commit

    def told(self, branch: str = "main", **options: str) -> dict[str, bool]:
        """Tell of a push; return project → whether it is deployed, and carry the deployments out."""
        answer = self.api.ask("POST", f"/v1/repositories/{self.id}/deployments", {"branch": branch}, **options)  # type: ignore[arg-type]
        assert answer.status == 202, answer.body
        for item in answer.json["projects"]:
            assert item["outcome"].startswith("deployed at" if item["deployment_id"] else "not deployed: ")
            self.api.work(item["project"])
        return {item["project"]: item["deployment_id"] is not None for item in answer.json["projects"]}


@pytest.fixture
def mono(api: Api, tmp_path: Path) -> Mono:
    """Give a repository with two projects, of which nothing was pushed yet."""
    made = Mono(api, Person(tmp_path / "ada"))
    for slug in ("web", "back"):
        answer = made.connect(api.project(slug), slug)
        assert answer.status == 201, answer.body
    return made


class TestConnecting:
    def test_a_repository_here_needs_no_secret_and_is_shown(self, api: Api, mono: Mono) -> None:
        answer = mono.connect("web", "web").json
        assert (answer["webhookSecret"], answer["webhookRegistered"], answer["root_dir"]) == (None, False, "web")
        shown = api.get("/v1/projects/web/git")
        assert (shown["connected"], shown["repository"], shown["access"]) == (True, "ada/mono", "hosted")
        assert api.ask("POST", "/v1/projects/web/git/rotate-secret").error == (409, "no_webhook")

    def test_its_address_means_it_too(self, api: Api, mono: Mono) -> None:
        url = api.get("/v1/repositories/mono")["repository"]["clone_url"]
        for address in (url, f"{url}.git"):
            assert mono.connect("web", None, repo=address).json["connection"]["repository"] == "ada/mono"
        assert mono.connect("web", None, repo=url.replace("mono", "none")).error == (404, "repository_not_found")

    def test_a_name_that_is_nobodys_here_means_github(self, api: Api, mono: Mono) -> None:
        assert mono.connect("web", None, repo="ada/other").json["repo_url"] == "https://github.com/ada/other.git"
        shown = api.get("/v1/projects/web/git")
        assert shown["access"] == "public"
        assert mono.connect("web", None).json["repo_url"] is None

    def test_bad_input_changes_nothing(self, api: Api, mono: Mono) -> None:
        assert api.ask("DELETE", "/v1/projects/web/git").status == 204
        assert mono.connect("web", None, token="x").error == (400, "token_for_hosted")
        assert mono.connect("web", "../up").error == (400, "invalid_project_setting")
        assert mono.connect("web", None, branch="a..b").error == (400, "invalid_ref")
        assert api.get("/v1/projects/web/git")["connected"] is False

    def test_somebody_elses_repository_is_not_found(self, api: Api, mono: Mono) -> None:
        eve = api.somebody()
        token = eve.tokens[Scope.ADMIN]
        url = api.get("/v1/repositories/mono")["repository"]["clone_url"]
        assert api.ask("POST", "/v1/projects", {"name": "evil"}, token=token).status == 201
        assert api.ask("POST", "/v1/projects/evil/git", {"repo": url}, token=token).error == (404, "repository_not_found")
        assert api.ask("POST", f"/v1/repositories/{mono.id}/deployments", {"branch": "main"}, token=token).error[0] == 404


class TestWhatAPushDeploys:
    def test_each_project_that_is_concerned_from_its_own_folder(self, api: Api, mono: Mono) -> None:
        first = mono.push(FILES)
        assert mono.told() == {"web": True, "back": True}
        assert {api.deployments(slug)[0]["commit"] for slug in ("web", "back")} == {first}
        assert {api.deployments(slug)[0]["status"] for slug in ("web", "back")} == {"live"}
        mono.push({"back/index.html": "back two"})
        assert mono.told() == {"web": False, "back": True}
        assert len(api.deployments("web")) == 1
        mono.push({"web/index.html": "web two"})
        assert mono.told() == {"web": True, "back": False}
        mono.push({"README.md": "# two"})
        assert mono.told() == {"web": False, "back": False}
        mono.push({"package-lock.json": "{}"})
        assert mono.told() == {"web": True, "back": True}

    def test_telling_twice_is_telling_once(self, api: Api, mono: Mono) -> None:
        mono.push(FILES)
        assert mono.told() == {"web": True, "back": True}
        assert mono.told() == {"web": False, "back": False}
        assert len(api.deployments("web")) == 1

    def test_a_push_that_nobody_told_of_is_made_up_for_by_the_next(self, mono: Mono) -> None:
        mono.push(FILES)
        mono.told()
        mono.push({"web/index.html": "two"})
        mono.push({"README.md": "# two"})
        assert mono.told() == {"web": True, "back": False}

    def test_history_that_was_written_anew_is_compared_as_it_is(self, mono: Mono) -> None:
        mono.push(FILES)
        mono.told()
        mono.ada.git("commit", "--quiet", "--amend", "-m", "Other words")
        mono.push({})
        assert mono.told() == {"web": False, "back": False}

    def test_each_follows_a_branch_of_its_own(self, mono: Mono) -> None:
        mono.connect("back", "back", branch="stable")
        mono.push(FILES)
        assert mono.told() == {"web": True}
        assert mono.told("stable") == {}
        mono.push({}, "stable")
        assert mono.told("stable") == {"back": True}

    def test_by_hand_only_stopped_and_disconnected_ones_are_left_alone(self, api: Api, mono: Mono) -> None:
        mono.connect("back", "back", autoDeploy=False)
        mono.push(FILES)
        assert mono.told() == {"web": True, "back": False}
        assert api.ask("POST", "/v1/projects/back/deploy").status == 202
        api.work("back")
        assert api.deployments("back")[0]["status"] == "live"
        assert api.ask("POST", "/v1/projects/web/stop").status == 200
        mono.push({"web/index.html": "two"})
        assert mono.told() == {"web": False, "back": False}
        assert api.ask("DELETE", "/v1/projects/web/git").status == 204
        assert mono.told() == {"back": False}

    def test_the_project_it_belongs_to_is_one_of_them(self, api: Api, mono: Mono) -> None:
        api.project("shop", root_dir="shop")
        with api.container.transactions.begin() as tx:
            tx.connection.execute(
                "UPDATE repositories SET project_id = (SELECT id FROM projects WHERE slug = 'shop') WHERE id = %s", (mono.id,)
            )
        own = hosted_repository(api.container.home, api.get("/v1/projects/shop")["id"])
        mono.folder.rename(own)
        mono.folder = own
        mono.push({**FILES, "shop/index.html": "one"})
        assert mono.told() == {"web": True, "back": True, "shop": True}
        mono.push({"shop/index.html": "two"})
        assert mono.told() == {"web": False, "back": False, "shop": True}

    def test_what_the_editor_or_a_merge_commits_deploys_them_too(self, api: Api, mono: Mono) -> None:
        mono.push(FILES)
        mono.told()
        mono.push({"web/index.html": "edited"})
        committed.deploy(api.container, mono.id)
        assert [row["status"] for row in api.deployments("web")] == ["queued", "live"]
        assert len(api.deployments("back")) == 1

    def test_who_was_slow_to_compare_deploys_no_older_commit_last(self, api: Api, mono: Mono, monkeypatch: pytest.MonkeyPatch) -> None:
        mono.push(FILES)
        mono.told()
        mono.push({"web/index.html": "two"})
        newest: list[str] = []

        def push() -> None:
            newest.append(mono.push({"web/index.html": "three"}))
            assert mono.told() == {"web": True, "back": False}

        once_before(monkeypatch, git, "declares_workspace", push)
        mono.told()
        assert api.deployments("web")[0]["commit"] == newest[0]
        assert b"three" in api.edge.answer("web.localhost").body

    def test_a_preview_is_of_that_repository_too(self, api: Api, mono: Mono) -> None:
        mono.push(FILES)
        commit = mono.push({"web/index.html": "next"}, "next")
        assert api.ask("POST", "/v1/projects/web/previews", {"branch": "next"}).status in {201, 202}
        pipeline.run(api.container, api.get("/v1/projects/web")["id"], "preview/next")
        (preview,) = api.get("/v1/projects/web/deployments?environment=all")["deployments"]
        assert (preview["environment"], preview["commit"], preview["status"]) == ("preview/next", commit, "live")

    def test_a_reader_deploys_nothing(self, api: Api, mono: Mono) -> None:
        mono.push(FILES)
        answer = api.ask("POST", f"/v1/repositories/{mono.id}/deployments", {"branch": "main"}, token=api.owner.tokens[Scope.READ])
        assert answer.error == (403, "insufficient_scope")

    def test_a_token_of_one_project_deploys_no_other(self, api: Api, mono: Mono) -> None:
        made = api.ask("POST", "/v1/tokens", {"name": "web", "scope": "deploy", "project": "web"}).json
        mono.push(FILES)
        answer = api.ask("POST", f"/v1/repositories/{mono.id}/deployments", {"branch": "main"}, token=made["token"])
        assert answer.error == (404, "repository_not_found")


class TestDeleting:
    def test_a_repository_that_is_used_stays(self, api: Api, mono: Mono) -> None:
        answer = api.ask("DELETE", f"/v1/repositories/{mono.id}")
        assert answer.error == (409, "repository_in_use")
        assert "back, web" in answer.json["message"]
        for slug in ("web", "back"):
            assert api.ask("DELETE", f"/v1/projects/{slug}").status == 204
        assert mono.folder.is_dir(), "a project that goes takes no repository along that is not its own"
        assert api.ask("DELETE", f"/v1/repositories/{mono.id}").status == 204

    def test_nor_goes_a_project_whose_repository_others_use(self, api: Api, mono: Mono) -> None:
        slug = api.project("mono")
        with api.container.transactions.begin() as tx:
            tx.connection.execute(
                "UPDATE repositories SET project_id = (SELECT id FROM projects WHERE slug = 'mono') WHERE id = %s", (mono.id,)
            )
        assert api.ask("DELETE", f"/v1/projects/{slug}").error == (409, "repository_in_use")
        assert api.get("/v1/projects/mono")["slug"] == "mono"
        for other in ("web", "back"):
            assert api.ask("DELETE", f"/v1/projects/{other}/git").status == 204
        assert api.ask("DELETE", f"/v1/projects/{slug}").status == 204


def test_the_pusher_reads_what_becomes_of_each(api: Api, mono: Mono) -> None:
    mono.push(FILES)
    mono.told()
    commit = mono.push({"web/start.sh": "sleep 1"})
    environment = {"CANONRY_PUSH_SOCKET": str(api.socket), "CANONRY_PUSH_REPOSITORY": mono.id, "CANONRY_PUSH_SHARED": "1",
                   "CANONRY_PUSH_BRANCH": "main", "CANONRY_PUSH_TOKEN": api.owner.tokens[Scope.DEPLOY], "LC_ALL": "C"}  # fmt: skip
    process = subprocess.Popen([sys.executable, "-I", "-S", hook.__file__], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               text=True)  # fmt: skip
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(
            f"{'0' * 40} {commit} refs/heads/main\n{'0' * 40} {commit} refs/heads/other\n{commit} {'0' * 40} refs/heads/old\n"
        )
        process.stdin.close()
        lines = [process.stdout.readline().strip() for _ in range(4)]
        assert lines[0].startswith("back: not deployed: nothing of it changed since ")
        assert lines[1] == f"web: deployed at {commit[:12]}, for web/start.sh changed"
        assert lines[2] == "Nothing is deployed: no project of this repository deploys other."
        assert lines[3] == "--- web"
        api.work("web")
        assert process.stdout.read().splitlines()[-1].startswith("http://web.localhost")
    assert process.returncode == 0
