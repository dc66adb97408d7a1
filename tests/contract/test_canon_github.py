"""Canon's rows about specifications that live at GitHub, against a GitHub that checks what it is sent."""

import hashlib
import hmac
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from canonry.core.access import Scope
from canonry.features.git.contents.models import blob_id
from canonry.wiring.container import Container
from tests.support.api import container, machine
from tests.support.github_api import signed
from tests.support.github_specs import LOGIN, SECRET, SPEC, SpecsAtGitHub, push_of, specs_at_github

__all__ = ["container", "machine"]

CHECKED = SPEC.replace(b"- [ ]", b"- [x]")


@pytest.fixture
def there(container: Container, tmp_path: Path) -> Iterator[SpecsAtGitHub]:
    with specs_at_github(container, tmp_path) as made:
        yield made


@pytest.fixture
def app(container: Container, tmp_path: Path) -> Iterator[SpecsAtGitHub]:
    with specs_at_github(container, tmp_path, app=True, github_client_id="Iv1.canonry") as made:
        made.github.installed = {99: ["acme/specs", "acme/handbook"]}
        for name in made.github.installed[99]:
            made.github.host(name, {LOGIN: SPEC})
        yield made


def installation(action: str, **fields: object) -> dict[str, object]:
    """Return what GitHub says of an installation."""
    return {"action": action, "installation": {"id": 99, "account": {"login": "acme"}}, "sender": {"id": 4711}, **fields}


def names(there: SpecsAtGitHub) -> list[str]:
    return [item["full_name"] for item in there.api.get("/v1/repositories")["repositories"]]


@pytest.mark.contract("Canon", "POST /webhook")
def test_a_signed_push_updates_index_and_coverage(there: SpecsAtGitHub) -> None:
    there.add()
    assert there.api.get(f"/app/{there.org}/api/coverage")["summary"]["done_ac"] == 0
    told = there.push({LOGIN: CHECKED, "docs/specs/more.md": b"---\ntitle: More\n---\n\n## A\n\n- [ ] b\n"})
    assert (told.status, told.json) == (200, {"ok": True, "event": "push", "processed": True, "reason": None})
    summary = there.api.get(f"/app/{there.org}/api/coverage")["summary"]
    assert (summary["done_ac"], summary["total_ac"]) == (1, 2)
    assert there.spec()["document"]["sha"] == blob_id(CHECKED)
    there.push({"docs/specs/more.md": None})
    assert there.api.ask("GET", f"/app/{there.org}/api/specs/acme/specs/docs/specs/more.md").status == 404


@pytest.mark.contract("Canon", "POST /webhook")
@pytest.mark.criterion("living-specs#webhook-believed")
def test_what_is_not_signed_is_not_believed(there: SpecsAtGitHub) -> None:
    there.add()
    document = push_of(1000, "acme/specs", "0" * 40, "1" * 40, "x", "Grace")
    raw, headers = signed(SECRET, "push", document)

    def send(body: bytes, **changed: str) -> tuple[int, str]:
        return there.api.ask("POST", "/webhook", raw=body, headers={**headers, **changed}, token=None).error

    refused = (401, "invalid_signature")
    assert there.tell("push", document, secret="another secret altogether").error == refused
    assert send(raw + b" ") == refused
    for claim in ("", "sha256=", "sha1=abc", headers["X-Hub-Signature-256"].removeprefix("sha256="), "sha256=é"):
        assert send(raw, **{"X-Hub-Signature-256": claim.encode().decode("latin-1")}) == refused
    assert there.tell("push", "no object").error == (400, "invalid_payload")
    assert there.tell("push", {"ref": "refs/heads/main"}).error == (400, "invalid_payload")
    broken, of_broken = signed(SECRET, "push", {})
    assert broken == b"{}"
    assert there.api.ask("POST", "/webhook", raw=b"x" * (1 << 20) + b"y", headers=of_broken, token=None).error[0] == 413


@pytest.mark.contract("Canon", "POST /webhook")
def test_bad_json_that_is_signed_is_400(there: SpecsAtGitHub) -> None:
    for raw in (b"{", b"", b"[" * 100_000):
        claim = "sha256=" + hmac.new(SECRET.encode(), raw, hashlib.sha256).hexdigest()
        headers = {"X-GitHub-Event": "push", "X-Hub-Signature-256": claim}
        assert there.api.ask("POST", "/webhook", raw=raw, headers=headers, token=None).error == (400, "invalid_json")


def test_without_a_secret_nothing_is_believed(container: Container, tmp_path: Path) -> None:
    with specs_at_github(container, tmp_path, github_webhook_secret=None) as there:
        assert there.tell("ping", {"zen": "x"}, secret="").error == (401, "invalid_signature")


@pytest.mark.contract("Canon", "POST /webhook")
def test_own_commits_are_indexed_and_nothing_is_written_back(there: SpecsAtGitHub) -> None:
    there.add()
    for message, author in (("chore(canon): mark it", "Grace"), ("Bump", "dependabot[bot]")):
        told = there.push({LOGIN: CHECKED + message.encode()}, message, author=author)
        assert (told.status, told.json["processed"]) == (200, False)
        assert "nothing is written back" in told.json["reason"]
        assert message in there.spec()["document"]["raw"]
    with there.api.container.transactions.begin() as tx:
        rows = tx.connection.execute("SELECT payload->>'is_own' FROM events WHERE name = 'github.pushed'").fetchall()
    assert [row[0] for row in rows] == ["true", "true"]


@pytest.mark.contract("Canon", "POST /webhook")
@pytest.mark.criterion("living-specs#webhook-believed")
def test_a_delivery_acts_once_even_when_it_comes_twice_at_once(there: SpecsAtGitHub) -> None:
    there.add()
    document = push_of(1000, "acme/specs", "0" * 40, "1" * 40, "x", "Grace")
    raw, headers = signed(SECRET, "push", document, "one")
    answers: list[bool] = []
    threads = [
        threading.Thread(
            target=lambda: answers.append(there.api.ask("POST", "/webhook", raw=raw, headers=headers, token=None).json["processed"])
        )
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [False, False, False, True]
    other = there.api.ask("POST", "/webhook", raw=raw, headers={**headers, "X-GitHub-Delivery": "two"}, token=None)
    assert (other.json["processed"], other.json["reason"]) == (False, "It was taken before.")


@pytest.mark.contract("Canon", "POST /webhook")
def test_a_merged_pull_request_that_was_approved_approves_the_specs_it_touched(there: SpecsAtGitHub) -> None:
    there.add()
    repository = there.github.hosted["acme/specs"]

    def merge(branch: str, text: bytes, *states: str) -> None:
        repository.git("update-ref", f"refs/heads/{branch}", repository.head())
        repository.commit({LOGIN: text, "README.md": branch.encode()}, "Change", branch)
        number = len(repository.pulls) + 1
        repository.answer("POST", "pulls", "", {"title": branch, "head": branch, "base": "main"}, "grace", push=True)
        repository.reviews[number] = [
            {"user": {"login": "bea"}, "state": state, "body": "", "commit_id": repository.head(branch),
             "submitted_at": f"2026-01-01T00:00:0{place}Z"} for place, state in enumerate(states)
        ]  # fmt: skip
        assert repository.answer("PUT", f"pulls/{number}/merge", "", {"commit_title": "Merge"}, "grace", push=True)[0] == 200
        document = {"action": "closed", "pull_request": {"number": number, "merged": True},
                    "repository": {"id": repository.number, "full_name": "acme/specs"}}  # fmt: skip
        assert there.tell("pull_request", document).json["processed"]

    merge("unreviewed", SPEC + b"\nOne.\n")
    assert "review_status: in_review" in repository.text(LOGIN)
    merge("refused", SPEC + b"\nTwo.\n", "APPROVED", "CHANGES_REQUESTED")
    assert "review_status: in_review" in repository.text(LOGIN)
    merge("canon/edit-1", SPEC + b"\nThree.\n", "APPROVED")
    assert "review_status: in_review" in repository.text(LOGIN)
    merge("good", SPEC + b"\nFour.\n", "CHANGES_REQUESTED", "APPROVED")
    assert repository.text(LOGIN).encode() + b"\n" == (SPEC + b"\nFour.\n").replace(b"in_review", b"approved")
    assert repository.git("log", "-1", "--format=%s|%an", "main") == f"chore(canon): mark {LOGIN} as approved|Canonry"
    assert there.spec()["document"]["frontmatter"]["review_status"] == "approved"
    head = repository.head()
    told = there.tell("pull_request", {"action": "closed", "pull_request": {"number": 4, "merged": True}, "again": 1,
                                       "repository": {"id": repository.number, "full_name": "acme/specs"}})  # fmt: skip
    assert (told.json["processed"], repository.head()) == (True, head)


@pytest.mark.contract("Canon", "POST /webhook")
def test_an_installation_brings_its_repositories_and_takes_them_away(app: SpecsAtGitHub) -> None:
    told = app.tell("installation", installation("created"))
    assert (told.json["processed"], names(app)) == (False, [])
    assert "has linked the GitHub account" in told.json["reason"]
    app.link("gho_ada")
    assert app.tell("installation", installation("created", n=1)).json["processed"]
    assert names(app) == ["acme/handbook", "acme/specs"]
    assert app.spec()["document"]["frontmatter"]["title"] == "Login"
    state = app.api.get("/app/admin/api/indexing")["installations"][0]
    assert (state["account"], state["number"], state["state"]) == ("acme", 99, "active")

    app.github.host("acme/third", {LOGIN: SPEC})
    app.github.installed[99].append("acme/third")
    app.tell("installation_repositories", installation("added", repositories_added=[{"id": 1, "full_name": "acme/third"}]))
    assert names(app) == ["acme/handbook", "acme/specs", "acme/third"]
    gone = {"id": app.github.hosted["acme/handbook"].number, "full_name": "acme/handbook"}
    app.tell("installation_repositories", installation("removed", repositories_removed=[gone]))
    assert names(app) == ["acme/specs", "acme/third"]
    assert app.api.ask("GET", f"/app/{app.org}/api/specs/acme/handbook/{LOGIN}").status == 404

    app.tell("installation", installation("suspend"))
    shown = app.api.get("/v1/repositories")["repositories"][0]
    assert shown["problem"] == "The app is suspended at its host."
    app.tell("installation", installation("unsuspend"))
    assert app.api.get("/v1/repositories")["repositories"][0]["problem"] is None

    folder = app.folder(shown["id"])
    assert folder.is_dir()
    app.tell("installation", installation("deleted"))
    assert names(app) == []
    assert not folder.exists()
    assert app.api.get(f"/app/{app.org}/api/coverage")["summary"]["total_ac"] == 0
    assert app.api.get("/app/admin/api/indexing")["installations"][0]["state"] == "removed"
    app.tell("installation", installation("created", n=2))
    assert names(app) == ["acme/handbook", "acme/specs", "acme/third"]
    assert app.spec()["document"]["frontmatter"]["title"] == "Login"


def test_an_installation_of_a_stranger_reaches_nobodys_organization(app: SpecsAtGitHub) -> None:
    app.link("gho_ada")
    stranger = {**installation("created"), "sender": {"id": 666}, "installation": {"id": 99, "account": {"login": app.org}}}
    assert app.tell("installation", stranger).json["processed"] is False
    assert names(app) == []
    assert app.tell("installation", installation("deleted")).json["processed"] is False


@pytest.mark.contract("Canon", "POST /webhook")
def test_the_other_events_are_acknowledged_with_a_reason(there: SpecsAtGitHub) -> None:
    there.add()
    about = {"id": there.github.hosted["acme/specs"].number, "full_name": "acme/specs"}
    comment = there.tell("issue_comment", {"action": "created", "repository": about})
    assert (comment.status, comment.json["processed"], "nothing here answers" in comment.json["reason"]) == (200, False, True)
    assert there.tell("ping", {"zen": "x"}).json["reason"] == "pong"
    assert there.tell("star", {}).json["reason"] == "Messages of the kind 'star' have no effect."
    assert there.tell("push", {**push_of(1, "a/b", "0" * 40, "1" * 40, "x", "G"), "ref": "refs/tags/v1"}).json["reason"]
    unknown = there.tell("push", push_of(5, "acme/other", "0" * 40, "1" * 40, "x", "Grace"))
    assert "canonry repos add acme/other" in unknown.json["reason"]
    issue = {"number": 7, "state": "closed", "labels": [{"name": "canon:done"}]}
    assert there.tell("issues", {"action": "closed", "issue": issue, "repository": about}).json["processed"]
    with there.api.container.transactions.begin() as tx:
        row = tx.connection.execute("SELECT payload FROM events WHERE name = 'github.issue'").fetchone()
    assert row is not None
    assert (row[0]["number"], row[0]["state"], row[0]["labels"]) == (7, "closed", ["canon:done"])


@pytest.mark.contract("Canon", "GET /app/admin/api/indexing")
@pytest.mark.contract("Canon", "POST /app/admin/api/reindex/{installation_id}")
def test_reindexing_reads_the_repositories_of_that_installation_again(there: SpecsAtGitHub) -> None:
    there.add()
    there.api.ask("POST", "/v1/repositories", {"name": "here"})
    there.github.hosted["acme/specs"].commit({LOGIN: CHECKED}, "Nobody told of this")
    with there.api.container.transactions.begin() as tx:
        tx.connection.execute("UPDATE spec_documents SET title = 'wrong'")
    before = there.api.get("/app/admin/api/indexing")
    number = next(item["id"] for item in before["installations"] if item["host"] == "github")
    assert there.api.ask("POST", f"/app/admin/api/reindex/{number}").json == {"ok": True}
    there.work()
    jobs = there.api.get("/app/admin/api/indexing")["recent_jobs"]
    assert len(jobs) > len(before["recent_jobs"])
    assert {(item["repository"], item["status"]) for item in jobs} == {("acme/specs", "done")}
    assert jobs[0]["commit"] == there.github.hosted["acme/specs"].head()
    assert there.api.get(f"/app/{there.org}/api/repos/acme/specs")["specs"][0]["title"] == "Login"
    assert there.spec()["document"]["sha"] == blob_id(CHECKED)
    reader = there.api.owner.tokens[Scope.DEPLOY]
    assert there.api.ask("POST", f"/app/admin/api/reindex/{number}", token=reader).error == (403, "insufficient_scope")


@pytest.mark.contract("Canon", "GET /app/{org}/editor/repos")
@pytest.mark.contract("Canon", "GET /auth/github/disconnect")
def test_without_a_linked_account_the_editor_of_github_repositories_is_401(app: SpecsAtGitHub) -> None:
    app.github.people = {"gho_ada": {"acme/specs": True}}
    app.link("gho_ada")
    assert app.api.ask("POST", "/v1/repositories/github", {"repository": "acme/specs"}).status == 201
    app.work()
    editor = f"/app/{app.org}/editor"
    assert [item["full_name"] for item in app.api.get(f"{editor}/repos")] == ["acme/specs"]
    assert app.api.get(f"{editor}/acme/specs/{LOGIN}/json")["sha"] == blob_id(SPEC)
    with app.api.container.transactions.begin() as tx:
        tx.connection.execute("DELETE FROM git_identities")  # what the link's end does, which tests/features/auth/test_github.py tries
    unlinked = (401, "no_git_identity")
    assert app.api.ask("GET", f"{editor}/repos").error == unlinked
    assert app.api.ask("GET", f"{editor}/acme/specs/{LOGIN}/json").error == unlinked
    body = {"content": CHECKED.decode(), "sha": blob_id(SPEC)}
    assert app.api.ask("POST", f"{editor}/acme/specs/{LOGIN}/save", body).error == unlinked
    assert app.api.ask("POST", f"{editor}/acme/specs/{LOGIN}/save-pr", body).error == unlinked
    assert app.github.hosted["acme/specs"].sha(LOGIN) == blob_id(SPEC)
