"""Specs of repositories at GitHub are checked: before Canonry sends something there, and by a status of what others push."""

import pytest

from canonry.features.git.contents.models import blob_id
from tests.features.git.elsewhere.test_elsewhere import NEW, save
from tests.support.github_specs import LOGIN, SPEC, SpecsAtGitHub
from tests.support.specs import CANON

ASKS = (CANON + "  check_pushes: true\n").encode()
BAD = SPEC.replace(b"title: Login\n", b"")
CONTEXT = "canonry/specs"


@pytest.fixture
def checked(there: SpecsAtGitHub) -> SpecsAtGitHub:
    """A repository at GitHub whose CANON.yaml asks for the check."""
    there.add()
    there.push({"CANON.yaml": ASKS}, "Check")
    return there


def state(there: SpecsAtGitHub, branch: str = "main") -> str | None:
    return there.github.states(there.github.hosted["acme/specs"].head(branch)).get(CONTEXT)


def told(there: SpecsAtGitHub) -> dict[str, str]:
    """Return the newest status of specs that GitHub was told."""
    return next(body for _, _, body in reversed(there.github.statuses) if body["context"] == CONTEXT)


def pull_request(there: SpecsAtGitHub, number: int, action: str = "synchronize") -> None:
    repository = there.github.hosted["acme/specs"]
    there.tell("pull_request", {"action": action, "pull_request": {"number": number}, "repository": {
        "id": repository.number, "full_name": repository.name}})  # fmt: skip


def test_a_save_with_an_error_is_not_sent(checked: SpecsAtGitHub) -> None:
    before = checked.github.hosted["acme/specs"].head()
    refused = save(checked, BAD, blob_id(SPEC))
    assert refused.error == (400, "specs_refused")
    assert f"{LOGIN}:2:1" in refused.json["message"]
    assert checked.github.hosted["acme/specs"].head() == before
    assert not [line for line in checked.github.asked if line.startswith("PUT ")]
    assert save(checked, NEW, blob_id(SPEC)).status == 200
    assert checked.github.hosted["acme/specs"].sha(LOGIN) == blob_id(NEW)


def test_what_counts_is_what_stands_at_github_by_now(checked: SpecsAtGitHub) -> None:
    """The copy is fetched before the look: a spec that another one depends on was pushed, and GitHub told nothing of it."""
    checked.github.hosted["acme/specs"].commit({"docs/specs/users.md": b"---\ntitle: Users\n---\n\n## 1. Users\n"}, "Users")
    depends = SPEC.replace(b"title: Login\n", b"title: Login\ndepends_on: [users]\n")
    assert save(checked, depends, blob_id(SPEC)).status == 200


def test_a_proposal_with_an_error_leaves_nothing(checked: SpecsAtGitHub) -> None:
    refused = save(checked, BAD, blob_id(SPEC), how="save-pr", pr_title="Bad", branch_name="bad")
    assert refused.error == (400, "specs_refused")
    assert checked.github.hosted["acme/specs"].head("bad") == ""
    assert not checked.github.hosted["acme/specs"].pulls


def test_a_merge_that_would_bring_an_error_is_not_asked_for(checked: SpecsAtGitHub) -> None:
    repository, number = checked.github.hosted["acme/specs"], checked.api.get("/v1/repositories")["repositories"][0]["id"]
    before = repository.head()
    repository.git("update-ref", "refs/heads/edit", before)
    repository.commit({LOGIN: BAD}, "Bad", "edit")
    pulls = f"/v1/repositories/{number}/pulls"
    assert checked.api.ask("POST", pulls, {"title": "Bad", "head": "edit"}).status == 201
    refused = checked.api.ask("POST", f"{pulls}/1/merge", {})
    assert refused.error == (400, "specs_refused")
    assert refused.json["issues"][0]["path"] == f"{LOGIN}:2:1"
    assert (repository.head(), repository.pulls[0]["state"]) == (before, "open")
    repository.commit({LOGIN: NEW}, "Good", "edit")
    merged = checked.api.ask("POST", f"{pulls}/1/merge", {})
    assert (merged.status, merged.json["pull_request"]["state"]) == (200, "merged")
    assert repository.sha(LOGIN) == blob_id(NEW)


def test_a_push_made_there_gets_a_status(checked: SpecsAtGitHub) -> None:
    assert state(checked) == "success"
    checked.push({LOGIN: BAD}, "Bad")
    commit = checked.github.hosted["acme/specs"].head()
    assert state(checked) == "failure"
    assert told(checked)["description"].startswith(f"1 error; {LOGIN}:2: ")
    assert told(checked)["target_url"] == f"{checked.github.url}/acme/specs/blob/{commit}/{LOGIN}?plain=1#L2"
    checked.push({"README.md": b"# Read me\n"}, "No spec")
    assert (state(checked), told(checked)["description"]) == ("success", "No errors in 0 changed specs.")
    checked.push({LOGIN: NEW}, "Good")
    assert (state(checked), told(checked)["description"]) == ("success", "4 warnings in 1 changed spec.")
    assert told(checked)["target_url"] is None
    before = len(checked.github.statuses)
    number = checked.api.get("/v1/repositories")["repositories"][0]["id"]
    assert checked.api.ask("POST", f"/v1/repositories/{number}/refresh").status == 200
    checked.work()
    assert len(checked.github.statuses) == before, "what was told is not told again"


def test_without_the_key_nothing_is_said(there: SpecsAtGitHub) -> None:
    there.add()
    there.push({LOGIN: BAD})
    repository, number = there.github.hosted["acme/specs"], there.api.get("/v1/repositories")["repositories"][0]["id"]
    repository.git("update-ref", "refs/heads/edit", repository.head())
    repository.commit({LOGIN: NEW}, "Edit", "edit")
    assert there.api.ask("POST", f"/v1/repositories/{number}/refresh").status == 200
    there.work()
    assert there.github.statuses == []


def test_branches_and_pull_requests_are_told_what_a_merge_would_bring(checked: SpecsAtGitHub) -> None:
    repository, number = checked.github.hosted["acme/specs"], checked.api.get("/v1/repositories")["repositories"][0]["id"]
    repository.git("update-ref", "refs/heads/edit", repository.git("rev-parse", "main^"))  # from before the key
    repository.commit({LOGIN: BAD}, "Bad", "edit")
    assert checked.api.ask("POST", f"/v1/repositories/{number}/refresh").status == 200
    checked.work()
    assert state(checked, "edit") == "failure"
    assert checked.api.ask("POST", f"/v1/repositories/{number}/pulls", {"title": "Edit", "head": "edit"}).status == 201
    theirs = repository.commit({LOGIN: NEW}, "Good", "edit")
    repository.git("update-ref", "refs/pull/1/head", theirs)
    repository.git("update-ref", "-d", "refs/heads/edit")  # as if it lay in somebody's fork
    repository.pulls[0]["head"]["sha"] = theirs
    pull_request(checked, 1)
    assert checked.github.states(theirs) == {CONTEXT: "success"}


def test_a_conflicting_branch_is_checked_by_itself(checked: SpecsAtGitHub) -> None:
    repository, number = checked.github.hosted["acme/specs"], checked.api.get("/v1/repositories")["repositories"][0]["id"]
    repository.git("update-ref", "refs/heads/edit", repository.head())
    repository.commit({LOGIN: BAD}, "Bad", "edit")
    repository.commit({LOGIN: NEW.replace(b"title: Login\n", b"title: Sign in\n")}, "Meanwhile")
    assert checked.api.ask("POST", f"/v1/repositories/{number}/refresh").status == 200
    checked.work()
    assert (state(checked, "edit"), state(checked)) == ("failure", "success")


def test_a_branch_that_ends_the_check_fails(checked: SpecsAtGitHub) -> None:
    checked.push({"CANON.yaml": CANON.encode()}, "No more")
    assert state(checked) == "failure"
    assert "end the check" in told(checked)["description"]


def test_a_host_that_is_down_is_told_later(checked: SpecsAtGitHub) -> None:
    from canonry.core.errors import Unavailable  # noqa: PLC0415 -- for this one
    from canonry.features.git.elsewhere import statuses  # noqa: PLC0415 -- as above

    number = checked.api.get("/v1/repositories")["repositories"][0]["id"]
    commit = checked.github.hosted["acme/specs"].commit({LOGIN: BAD}, "Bad")
    assert checked.api.ask("POST", f"/v1/repositories/{number}/refresh").status == 200
    checked.github.down = True
    with pytest.raises(Unavailable):
        statuses.tell_branches(checked.api.container, number)
    checked.github.down = False
    checked.work()
    assert checked.github.states(commit) == {CONTEXT: "failure"}


def test_a_token_that_may_set_no_status_stops_nothing(checked: SpecsAtGitHub, monkeypatch: pytest.MonkeyPatch) -> None:
    refusing = checked.github.answer

    def answer(method: str, path: str, authorization: str, body: object) -> object:
        if "/statuses/" in path:
            return 403, {"message": "Resource not accessible by personal access token"}
        return refusing(method, path, authorization, body)

    monkeypatch.setattr(checked.github, "answer", answer)
    checked.push({LOGIN: NEW})
    assert "16 letters" in checked.spec()["document"]["raw"]
    assert state(checked) is None


def test_the_app_sets_it_too(app: SpecsAtGitHub) -> None:
    app.github.people = {"gho_ada": {"acme/specs": True}}
    app.github.host("acme/specs", {"CANON.yaml": ASKS, LOGIN: SPEC})
    app.link("gho_ada")
    assert app.api.ask("POST", "/v1/repositories/github", {"repository": "acme/specs"}).status == 201
    app.work()
    assert state(app) == "success", "the first look tells of the default branch"
    app.push({LOGIN: BAD})
    assert state(app) == "failure"
