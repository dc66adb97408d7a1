"""Canon's rows about the editor."""

import hashlib
import threading
from pathlib import Path

import pytest

from canonry.core.access import Scope
from canonry.core.clock import now
from canonry.features.git import list_branches
from tests.features.specs.conftest import LOGIN
from tests.support.api import Answer, Api
from tests.support.specs import SpecRepository, spec_repository

BASE = "/app/ada/editor/ada/handbook"
FILE = f"{BASE}/docs/specs/login.md"


@pytest.fixture
def handbook(api: Api, tmp_path: Path) -> SpecRepository:
    made = spec_repository(api, tmp_path)
    made.push({"docs/specs/login.md": LOGIN, "src/app.py": "x = 1\n", "docs/latin.md": "é".encode("latin-1")})
    return made


def _sha(content: str) -> str:
    data = content.encode()
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()  # noqa: S324 -- git's own


def _save(api: Api, content: object, sha: str, **fields: str) -> Answer:
    return api.ask("POST", f"{FILE}/save", {"content": content, "sha": sha, **fields})


@pytest.mark.contract("Canon", "GET /app/{org}/editor/repos")
def test_the_repositories_of_the_organization_are_listed(api: Api, handbook: SpecRepository) -> None:
    assert [item["full_name"] for item in api.ask("GET", "/app/ada/editor/repos").json] == ["ada/handbook"]
    other = api.somebody()
    assert api.ask("GET", f"/app/{other.handle}/editor/repos", token=other.tokens[Scope.READ]).json == []
    with api.container.transactions.begin() as tx:
        tx.connection.execute("UPDATE users SET email = '' WHERE id = %s", (api.owner.user_id,))
    assert api.ask("GET", "/app/ada/editor/repos").error == (401, "no_git_identity")
    assert handbook.id


@pytest.mark.contract("Canon", "GET /app/{org}/editor/{owner}/{repo}/new/template")
def test_a_new_spec_begins_with_the_template_and_not_with_a_file(api: Api, handbook: SpecRepository) -> None:
    handbook.push({"new/template.md": "# not this"})
    answer = api.ask("GET", f"{BASE}/new/template")
    content = answer.json["content"]
    assert answer.headers["content-type"] == "application/json"
    assert f"created: {now().date().isoformat()}" in content
    assert "owner: " in content
    parsed = api.ask("POST", f"{BASE}/parse", {"content": content}).json
    assert [section["title"] for section in parsed["sections"]] == ["Overview", "Requirements", "Design", "Rollout Plan"]
    assert len(parsed["sections"][1]["acceptance_criteria"]) == 2
    assert [item for item in parsed["diagnostics"] if item["severity"] == "error"] == []


@pytest.mark.contract("Canon", "POST /app/{org}/editor/{owner}/{repo}/parse")
def test_a_text_is_parsed(api: Api, handbook: SpecRepository) -> None:
    assert handbook.id
    parsed = api.ask("POST", f"{BASE}/parse", {"content": LOGIN.replace("status:todo", "status:blocked:X-1")}).json
    assert parsed["ok"] is True
    assert [section["status"] for section in parsed["sections"]] == ["done", "blocked:X-1"]
    for body in ({"content": "x" * 500_001}, {}, {"content": 7}, {"content": "a\0b"}):
        assert api.ask("POST", f"{BASE}/parse", body).error == (400, "invalid_content")
    assert api.ask("POST", f"{BASE}/parse", {"content": "é" * 500_000}).status == 200


@pytest.mark.contract("Canon", "POST /app/{org}/editor/{owner}/{repo}/preview")
def test_a_preview_is_harmless_in_both_forms(api: Api, handbook: SpecRepository) -> None:
    assert handbook.id
    body = {"content": "## 1. A\n\n<script>alert(1)</script>\n<img src=x onerror=alert(1)>\n\n[x](javascript:alert(1))\n"}
    fragment = api.ask("POST", f"{BASE}/preview", body)
    assert fragment.headers["content-type"].startswith("text/html")
    shown = api.ask("POST", f"{BASE}/preview", body, headers={"Accept": "application/json"}).json["html"]
    for html in (fragment.body.decode(), shown):
        assert 'id="section-1-a"' in html
        for evil in ("<script", "onerror", "javascript:"):
            assert evil not in html
    assert api.ask("POST", f"{BASE}/preview", {}).error == (400, "invalid_content")


@pytest.mark.contract("Canon", "GET /app/{org}/editor/{owner}/{repo}/{file_path}/json")
def test_a_file_is_loaded_with_gits_blob_id(api: Api, handbook: SpecRepository) -> None:
    loaded = api.ask("GET", f"{FILE}/json").json
    assert loaded == {"content": LOGIN, "sha": handbook.person.head("HEAD:docs/specs/login.md")}
    assert api.ask("GET", f"{BASE}/CANON.yaml/json").status == 200
    assert api.ask("GET", f"{BASE}/docs/nowhere.md/json").error == (404, "file_not_found")
    assert api.ask("GET", "/app/ada/editor/ada/nowhere/a.md/json").error == (404, "repository_not_found")
    assert api.ask("GET", f"{BASE}/docs/latin.md/json").error == (409, "not_text")
    for path in ("src/app.py", "docs/%2e%2e/x.md", "a%00.md", ".git/x.md", "a%5cb.md", "CANON.yml"):
        assert api.ask("GET", f"{BASE}/{path}/json").status in {400, 404}


@pytest.mark.contract("Canon", "POST /app/{org}/editor/{owner}/{repo}/{file_path}/save")
def test_a_save_is_a_commit_and_a_stale_one_gets_what_is_there(api: Api, handbook: SpecRepository) -> None:
    text = LOGIN.replace("status:todo", "status:done")
    saved = _save(api, text, _sha(LOGIN), message="Done at last")
    assert saved.json == {"ok": True, "sha": _sha(text)}
    handbook.person.git("pull", "--quiet", str(handbook.folder), "main")
    log = handbook.person.git("log", "-1", "--format=%s|%an|%ae|%cn").stdout.strip()
    assert log.startswith("Done at last|")
    assert log.endswith("|Canonry")
    stale = _save(api, "mine", _sha(LOGIN))
    assert stale.error_with("server_content", "server_sha") == (409, "conflict", text, _sha(text))
    assert api.ask("GET", f"{FILE}/json").json["content"] == text
    handbook.index()
    assert api.get("/app/ada/api/repos/ada/handbook")["specs"][0]["done_sections"] == 2
    made = api.ask("POST", f"{BASE}/docs/specs/new.md/save", {"content": "## A\r\n", "sha": ""})
    assert made.json["sha"] == _sha("## A\r\n")
    assert (
        handbook.person.git(f"--git-dir={handbook.folder}", "log", "-1", "--format=%s").stdout.strip() == "docs: update docs/specs/new.md"
    )
    again = api.ask("POST", f"{BASE}/docs/specs/new.md/save", {"content": "other", "sha": ""})
    assert again.error_with("server_content") == (409, "conflict", "## A\r\n")
    gone = api.ask("POST", f"{BASE}/docs/specs/gone.md/save", {"content": "x", "sha": "0" * 40})
    assert gone.error_with("server_content", "server_sha") == (409, "conflict", None, None)
    assert api.ask("POST", f"{BASE}/src/app.py/save", {"content": "x", "sha": ""}).error == (400, "invalid_path")
    assert _save(api, "x" * 500_001, _sha(text)).error == (400, "invalid_content")
    assert api.ask("POST", f"{FILE}/save", {"content": "x", "sha": ""}, token=api.owner.tokens[Scope.READ]).status == 403


@pytest.mark.contract("Canon", "CANON.yaml")
def test_what_is_too_large_is_said_and_breaks_nothing_else(api: Api, handbook: SpecRepository) -> None:
    large = "x" * (5 << 20)
    handbook.push({"docs/specs/large.md": large, "CANON.yaml": "#" + large})
    assert api.ask("GET", f"{BASE}/docs/specs/large.md/json").error == (413, "file_too_large")
    assert api.ask("POST", f"{BASE}/docs/specs/large.md/save", {"content": "x", "sha": ""}).error == (413, "file_too_large")
    assert api.ask("POST", f"{BASE}/docs/specs/large.md/save", {"content": "x", "sha": _sha(large)}).status == 200
    shown = api.get("/app/ada/api/repos/ada/handbook")
    assert [item["message"] for item in shown["config_diagnostics"]] == ["The file is too long."]
    assert {item["file_path"] for item in shown["specs"]} == {"docs/specs/large.md", "docs/specs/login.md"}
    difference = api.get("/app/ada/api/diff/ada/handbook?from=main&to=main")
    assert difference == {"files": []}


@pytest.mark.criterion("living-specs#one-save-wins")
def test_of_concurrent_saves_one_wins_and_nothing_is_lost(api: Api, handbook: SpecRepository) -> None:
    answers: list[Answer] = []
    start = threading.Barrier(6)

    def save(number: int) -> None:
        start.wait()
        answers.append(_save(api, f"{LOGIN}\n{number}\n", _sha(LOGIN)))

    threads = [threading.Thread(target=save, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.status for answer in answers) == [200, 409, 409, 409, 409, 409]
    won = next(answer for answer in answers if answer.status == 200).json["sha"]
    assert api.ask("GET", f"{FILE}/json").json["sha"] == won
    assert {answer.json["server_sha"] for answer in answers if answer.status == 409} == {won}
    assert handbook.id


@pytest.mark.contract("Canon", "POST /app/{org}/editor/{owner}/{repo}/{file_path}/save-pr")
def test_a_proposal_leaves_the_default_branch_alone(api: Api, handbook: SpecRepository) -> None:
    before = list_branches(handbook.folder)["main"]
    made = api.ask("POST", f"{FILE}/save-pr", {"content": "## New\n", "sha": _sha(LOGIN), "pr_title": "A new text", "pr_body": "why"}).json
    assert (made["ok"], made["pr_number"]) == (True, 1)
    assert made["pr_url"].endswith("/app/ada/pulls/ada/handbook/1")
    branches = list_branches(handbook.folder)
    assert branches["main"] == before
    branch = next(name for name in branches if name.startswith("canon/edit-"))
    pull = api.get("/v1/repositories/handbook/pulls/1")["pull_request"]
    assert (pull["title"], pull["head"], pull["files"], pull["mergeable"]) == ("A new text", branch, ["docs/specs/login.md"], True)
    named = {"content": "## Other\n", "sha": _sha(LOGIN), "branch_name": "mine"}
    assert api.ask("POST", f"{FILE}/save-pr", named).json["pr_number"] == 2
    assert api.ask("POST", f"{FILE}/save-pr", named).error == (409, "branch_exists")
    stale = api.ask("POST", f"{FILE}/save-pr", {**named, "sha": "0" * 40, "branch_name": "other"})
    assert stale.error_with("server_sha") == (409, "conflict", _sha(LOGIN))
    same = api.ask("POST", f"{FILE}/save-pr", {"content": LOGIN, "sha": _sha(LOGIN), "branch_name": "same"})
    assert same.error == (409, "nothing_to_merge")
    assert not {"other", "same"} & set(list_branches(handbook.folder))
    assert api.ask("POST", f"{FILE}/save-pr", {**named, "branch_name": "--x"}).status == 400


def test_edit_conflict_merge_and_coverage_moves(api: Api, handbook: SpecRepository) -> None:
    """The whole way: edit, propose, merge, and the index and the coverage follow."""
    assert api.get("/app/ada/api/coverage")["summary"]["done_ac"] == 1
    text = LOGIN.replace("- [ ] A session", "- [x] A session")
    number = api.ask("POST", f"{FILE}/save-pr", {"content": text, "sha": _sha(LOGIN)}).json["pr_number"]
    assert api.ask("POST", f"/v1/repositories/handbook/pulls/{number}/merge", {}).status == 200
    handbook.index()
    assert api.get("/app/ada/api/coverage")["summary"]["done_ac"] == 2
    spec = api.get("/app/ada/api/specs/ada/handbook/docs/specs/login.md")["document"]
    session = spec["sections"][1]["acceptance_criteria"][0]
    entries = api.get(f"/app/ada/api/history/ada/handbook/docs/specs/login.md?of={session['id']}")["entries"]
    assert [entry["says"] for entry in entries] == ["[x] A session MUST end after 30 days", "[ ] A session MUST end after 30 days"]
    assert [change["what"] for change in entries[0]["changes"]] == ["checked"]


def test_a_reworded_criterion_is_followed_back(api: Api, handbook: SpecRepository) -> None:
    text, first = LOGIN, handbook.person.head()
    for words in ("A session MUST end after 30 idle days", "Every session MUST end after 30 idle days"):
        text = text.replace("A session MUST end after 30 days", words).replace("A session MUST end after 30 idle days", words)
        handbook.push({"docs/specs/login.md": text}, f"Say: {words}")
    criterion = api.get("/app/ada/api/specs/ada/handbook/docs/specs/login.md")["document"]["sections"][1]["acceptance_criteria"][0]
    entries = api.get(f"/app/ada/api/history/ada/handbook/docs/specs/login.md?of={criterion['id']}")["entries"]
    said = ("Every session MUST end after 30 idle days", "A session MUST end after 30 idle days", "A session MUST end after 30 days")
    assert [entry["says"] for entry in entries] == [f"[ ] {words}" for words in said]
    found = api.get(f"/app/ada/api/diff/ada/handbook?from={first}&to=main")["files"]
    assert [item["file_path"] for item in found] == ["docs/specs/login.md"]
    changes = [(item["subject"], item["what"], item["before"], item["after"]) for item in found[0]["changes"]]
    assert ("criterion", "text", said[2], said[0]) in changes
    assert api.ask("GET", "/app/ada/api/diff/ada/handbook?from=nowhere&to=main").error == (404, "ref_not_found")
    assert api.ask("GET", "/app/ada/api/diff/ada/handbook?from=--x&to=main").status in {400, 404}


@pytest.mark.parametrize("path", ["../x.md", "a/../../x.md", "/etc/x.md", "%2e%2e%2fx.md", ".GIT/x.md", "a//b.md"])
def test_a_path_that_leads_elsewhere_is_refused(api: Api, handbook: SpecRepository, path: str) -> None:
    before = list_branches(handbook.folder)
    assert api.ask("POST", f"{BASE}/{path}/save", {"content": "x", "sha": ""}).status in {400, 404, 405}
    assert list_branches(handbook.folder) == before


@pytest.mark.criterion("living-specs#checked-first")
def test_a_save_is_checked_as_a_push_would_be(api: Api, handbook: SpecRepository) -> None:
    handbook.push({"CANON.yaml": "specs:\n  check_pushes: true\n"})
    bad = LOGIN.replace("## ", "```\n\n## ", 1)
    refused = _save(api, bad, _sha(LOGIN))
    assert refused.error == (400, "specs_refused")
    assert refused.json["issues"][0]["code"] == "code.unclosed"
    assert refused.json["issues"][0]["path"].startswith("docs/specs/login.md:")
    assert api.ask("GET", f"{FILE}/json").json["sha"] == _sha(LOGIN)
    proposed = api.ask("POST", f"{FILE}/save-pr", {"content": bad, "sha": _sha(LOGIN), "branch": "edit", "title": "t", "body": ""})
    assert proposed.error == (400, "specs_refused")
    assert "edit" not in list_branches(handbook.folder)
    assert _save(api, f"{LOGIN}\nMore.\n", _sha(LOGIN)).status == 200
