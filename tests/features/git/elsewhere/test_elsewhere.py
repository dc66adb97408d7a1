"""Repositories that live at GitHub: added, fetched, edited, proposed, merged, like those that lie here."""

import subprocess
from dataclasses import replace

from canonry.core.access import Scope
from canonry.core.secret import Secret
from canonry.features.git.contents.models import blob_id
from canonry.features.specs.store import states
from tests.support.api import Answer
from tests.support.github_api import TOKEN
from tests.support.github_specs import LOGIN, SECRET, SPEC, SpecsAtGitHub
from tests.support.signing_in import work

NEW = SPEC.replace(b"12 letters", b"16 letters")


def save(there: SpecsAtGitHub, content: bytes, sha: str, path: str = LOGIN, how: str = "save", **fields: str) -> Answer:
    body = {"content": content.decode(), "sha": sha, **fields}
    return there.api.ask("POST", f"/app/{there.org}/editor/acme/specs/{path}/{how}", body)


def test_it_is_added_fetched_and_indexed(there: SpecsAtGitHub) -> None:
    number = there.add()
    shown = there.api.get(f"/v1/repositories/{number}")["repository"]
    assert (shown["host"], shown["full_name"], shown["problem"]) == ("github", "acme/specs", None)
    assert (shown["head"], shown["clone_url"]) == (there.github.hosted["acme/specs"].head(), f"{there.github.url}/acme/specs.git")
    spec = there.spec()
    assert (spec["document"]["frontmatter"]["title"], spec["document"]["sha"]) == ("Login", blob_id(SPEC))
    assert spec["github_url"] == f"{there.github.url}/acme/specs/blob/main/{LOGIN}"
    assert there.api.get(f"/app/{there.org}/api/coverage")["summary"]["total_ac"] == 1
    hook = next(iter(there.github.hooks.values()))
    assert (hook["config"]["secret"], "issues" in hook["events"]) == (SECRET, True)
    with there.api.container.transactions.begin() as tx:
        raw = tx.connection.execute("SELECT sealed_token FROM repositories WHERE id = %s", (number,)).fetchone()
    assert raw is not None
    assert TOKEN.encode() not in bytes(raw[0])


def test_what_cannot_be_added_says_why(there: SpecsAtGitHub) -> None:
    def add(**body: str) -> Answer:
        return there.api.ask("POST", "/v1/repositories/github", body)

    assert add(repository="acme/unknown", token=TOKEN).error == (403, "git_host_refused")
    assert add(repository="acme/shop", token="wrong").error == (403, "git_host_refused")
    assert add(repository="acme/shop").error == (400, "token_needed")
    assert add(repository="https://gitlab.example/a/b", token=TOKEN).error == (400, "not_at_this_host")
    assert add(repository="no repository", token=TOKEN).error == (400, "invalid_repository_url")
    there.add()
    assert add(repository="ACME/specs", token="wrong").error == (403, "git_host_refused")
    assert add(repository="acme/specs", token=TOKEN).status == 201, "a token is replaced"
    assert len(there.api.get("/v1/repositories")["repositories"]) == 1
    there.github.down = True
    assert add(repository="acme/shop", token=TOKEN).error == (503, "git_host_unreachable")
    reader = there.api.owner.tokens[Scope.READ]
    assert there.api.ask("POST", "/v1/repositories/github", {"repository": "a/b"}, token=reader).error == (403, "insufficient_scope")


def test_a_save_is_a_commit_there_and_of_two_from_one_version_one_wins(there: SpecsAtGitHub) -> None:
    there.add()
    loaded = there.api.get(f"/app/{there.org}/editor/acme/specs/{LOGIN}/json")
    assert loaded == {"content": SPEC.decode(), "sha": blob_id(SPEC)}
    saved = save(there, NEW, loaded["sha"], message="Longer passwords")
    assert (saved.status, saved.json["sha"]) == (200, blob_id(NEW))
    repository = there.github.hosted["acme/specs"]
    assert repository.text(LOGIN).encode() + b"\n" == NEW
    assert repository.git("log", "-1", "--format=%an|%s", "main").startswith(f"{there.org}|Longer passwords")
    there.work()
    assert "16 letters" in there.spec()["document"]["raw"]
    conflict = save(there, SPEC, loaded["sha"])
    assert conflict.error_with("server_content", "server_sha") == (409, "conflict", NEW.decode(), blob_id(NEW))
    before = repository.head()
    assert save(there, NEW, blob_id(NEW)).status == 200
    assert repository.head() == before, "what is equal makes no commit"
    assert save(there, b"# New\n", "", "docs/specs/new.md").status == 200
    assert save(there, b"# Other\n", "", "docs/specs/new.md").error_with("server_content") == (409, "conflict", "# New\n")


def test_a_save_sees_what_was_pushed_to_github_and_not_told_of(there: SpecsAtGitHub) -> None:
    there.add()
    there.github.hosted["acme/specs"].commit({LOGIN: NEW}, "Meanwhile")
    conflict = save(there, SPEC + b"more\n", blob_id(SPEC))
    assert conflict.error_with("server_content", "server_sha") == (409, "conflict", NEW.decode(), blob_id(NEW))
    there.github.hosted["acme/specs"].commit({LOGIN: None}, "Gone")
    gone = save(there, SPEC, blob_id(NEW))
    assert gone.error_with("server_content", "server_sha") == (409, "conflict", None, None)


def test_a_protected_branch_says_so(there: SpecsAtGitHub) -> None:
    there.add()
    there.github.hosted["acme/specs"].protected.add("main")
    refused = save(there, NEW, blob_id(SPEC))
    assert refused.error == (409, "host_refuses")
    assert "pull request" in refused.json["message"]


def test_a_proposal_is_a_pull_request_there(there: SpecsAtGitHub) -> None:
    number = there.add()
    repository = there.github.hosted["acme/specs"]
    before = repository.head()
    proposed = save(there, NEW, blob_id(SPEC), how="save-pr", pr_title="Longer", branch_name="longer")
    assert proposed.json == {"ok": True, "pr_number": 1, "pr_url": f"{there.github.url}/acme/specs/pull/1"}
    assert (repository.head(), repository.sha(LOGIN, "longer")) == (before, blob_id(NEW))
    pulls = f"/v1/repositories/{number}/pulls"
    shown = there.api.get(f"{pulls}/1")["pull_request"]
    assert (shown["title"], shown["state"], shown["files"], shown["mergeable"]) == ("Longer", "open", [LOGIN], True)
    assert "16 letters" in there.api.get(f"{pulls}/1/diff")["diff"]
    assert [item["number"] for item in there.api.get(f"{pulls}?state=open")["pull_requests"]] == [1]
    assert there.api.ask("POST", f"{pulls}/1/reviews", {"verdict": "commented", "body": "Good."}).status == 201
    assert there.api.ask("POST", f"{pulls}/1/merge", {"head": before}).error == (409, "head_moved")
    merged = there.api.ask("POST", f"{pulls}/1/merge", {"head": shown["head_commit"]}).json["pull_request"]
    assert (merged["state"], merged["merge_commit"]) == ("merged", repository.head())
    there.work()
    assert "16 letters" in there.spec()["document"]["raw"]
    ended = there.api.get(f"{pulls}/1")["pull_request"]
    assert ([item["verdict"] for item in ended["reviews"]], ended["files"]) == (["commented"], [LOGIN])
    assert there.api.ask("POST", f"{pulls}/1/close").error == (409, "pull_request_ended")
    assert there.api.ask("GET", f"{pulls}/9").error == (404, "pull_request_not_found")


def test_a_pull_request_from_a_fork_can_be_looked_at(there: SpecsAtGitHub) -> None:
    number = there.add()
    repository = there.github.hosted["acme/specs"]
    repository.git("update-ref", "refs/heads/theirs", repository.head())
    commit = repository.commit({LOGIN: NEW}, "Theirs", "theirs")
    assert there.api.ask("POST", f"/v1/repositories/{number}/pulls", {"title": "Theirs", "head": "theirs"}).status == 201
    repository.git("update-ref", "-d", "refs/heads/theirs")
    shown = there.api.get(f"/v1/repositories/{number}/pulls/1")["pull_request"]
    assert (shown["head_commit"], shown["files"]) == (commit, [LOGIN])


def test_a_failed_proposal_leaves_no_branch(there: SpecsAtGitHub) -> None:
    there.add()
    refused = save(there, NEW, "0" * 40, how="save-pr", branch_name="left")
    assert refused.error_with() == (409, "conflict")
    assert there.github.hosted["acme/specs"].head("left") == ""


def test_history_and_difference_come_from_the_copy(there: SpecsAtGitHub) -> None:
    there.add()
    there.push({LOGIN: NEW}, "Longer passwords")
    entries = there.api.get(f"/app/{there.org}/api/history/acme/specs/{LOGIN}")["entries"]
    assert [item["subject"] for item in entries] == ["Longer passwords", "Begin"]
    changed = there.api.get(f"/app/{there.org}/api/diff/acme/specs?from={entries[1]['commit']}&to=main")
    assert [item["file_path"] for item in changed["files"]] == [LOGIN]


def test_a_renamed_repository_is_followed(there: SpecsAtGitHub) -> None:
    number = there.add()
    renamed = there.github.hosted["acme/specs"]
    there.github.hosted["acme/handbook"] = replace(renamed, name="acme/handbook", description="What we do")
    there.github.repositories.add("acme/handbook")
    there.github.moved["acme/specs"] = "acme/handbook"
    renamed.folder.rename(renamed.folder.with_name("handbook.git"))
    there.github.hosted["acme/handbook"].folder = renamed.folder.with_name("handbook.git")
    del there.github.hosted["acme/specs"]
    answer = there.api.ask("POST", f"/v1/repositories/{number}/refresh")
    assert (answer.status, answer.json["repository"]["full_name"]) == (200, "acme/handbook")
    assert there.spec(name="acme/handbook")["document"]["frontmatter"]["title"] == "Login"


def test_what_goes_wrong_is_shown_and_mended_by_the_next_look(there: SpecsAtGitHub) -> None:
    number = there.add()
    there.github.down = True
    assert there.api.ask("POST", f"/v1/repositories/{number}/refresh").error == (503, "git_host_unreachable")
    assert "502" in there.api.get(f"/v1/repositories/{number}")["repository"]["problem"]
    assert there.spec()["document"]["frontmatter"]["title"] == "Login", "what was indexed stays"
    there.github.down = False
    assert there.api.ask("POST", f"/v1/repositories/{number}/refresh").json["repository"]["problem"] is None


def test_a_copy_that_was_damaged_or_lost_is_fetched_anew(there: SpecsAtGitHub) -> None:
    number = there.add()
    for pack in (there.folder(number) / "objects").rglob("*.pack"):
        pack.chmod(0o600)
        pack.write_bytes(b"nothing")
    there.push({LOGIN: NEW})
    assert "16 letters" in there.spec()["document"]["raw"]


def test_a_push_to_the_copy_is_refused_and_a_fetch_is_not(there: SpecsAtGitHub) -> None:
    there.add()
    with there.api.container.transactions.begin() as tx:
        assert states.runs(tx, there.api.owner.organization_id, 1)[0].repository == "acme/specs"
    refused = there.api.ask("GET", "/git/acme/specs/info/refs?service=git-receive-pack")
    assert (refused.status, b"Push there" in refused.body) == (409, True)
    fetched = there.api.ask("GET", "/git/acme/specs/info/refs?service=git-upload-pack")
    assert (fetched.status, b"refs/heads/main" in fetched.body) == (200, True)


def test_removed_it_is_forgotten_here_and_stays_there(there: SpecsAtGitHub) -> None:
    number = there.add()
    assert there.api.ask("DELETE", f"/v1/repositories/{number}").status == 204
    assert there.api.ask("GET", f"/app/{there.org}/api/repos/acme/specs").error == (404, "repository_not_found")
    work(there.api)
    assert not there.folder(number).exists()
    assert there.github.hosted["acme/specs"].head()


def test_one_of_the_same_name_here_is_another(there: SpecsAtGitHub) -> None:
    assert there.api.ask("POST", "/v1/repositories", {"name": "specs"}).status == 201
    there.add()
    names = [item["full_name"] for item in there.api.get("/v1/repositories")["repositories"]]
    assert sorted(names) == sorted([f"{there.org}/specs", "acme/specs"])
    assert there.api.get("/v1/repositories/specs")["repository"]["host"] == "canonry"
    assert there.api.get(f"/app/{there.org}/api/repos/acme/specs")["full_name"] == "acme/specs"


def test_with_accounts_to_link_a_person_acts_as_themselves(app: SpecsAtGitHub) -> None:
    app.github.people = {"gho_ada": {"acme/specs": True}, "gho_eve": {"acme/specs": False}}
    app.github.host("acme/specs", {LOGIN: SPEC})
    add = {"repository": "acme/specs"}
    assert app.api.ask("POST", "/v1/repositories/github", add).error == (401, "no_git_identity")
    app.link("gho_eve")
    assert app.api.ask("POST", "/v1/repositories/github", add).error == (403, "git_host_refused")
    app.link("gho_ada")
    assert app.api.ask("POST", "/v1/repositories/github", add).status == 201
    app.work()
    assert save(app, NEW, blob_id(SPEC)).status == 200
    app.link("gho_eve")
    assert save(app, SPEC, blob_id(NEW)).error == (403, "git_host_refused")
    assert app.github.hosted["acme/specs"].sha(LOGIN) == blob_id(NEW)


def test_the_token_never_reaches_a_command_line_or_the_copy(there: SpecsAtGitHub) -> None:
    number = there.add()
    found = subprocess.run(["grep", "-rl", TOKEN, str(there.folder(number))], capture_output=True, check=False)
    assert found.stdout == b""
    assert Secret(TOKEN).reveal() not in str(there.api.get("/v1/repositories"))
