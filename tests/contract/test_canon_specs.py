"""Canon's rows about specifications: what the index answers."""

from pathlib import Path

import pytest

from canonry.core.access import Scope
from tests.features.specs.conftest import LOGIN
from tests.support.api import Api
from tests.support.specs import SpecRepository, spec_repository


@pytest.fixture
def handbook(api: Api, tmp_path: Path) -> SpecRepository:
    made = spec_repository(api, tmp_path)
    made.push(
        {
            "docs/specs/login.md": LOGIN,
            "README.md": "# Shop\n\n<script>alert(1)</script>\n[login](docs/specs/login.md)\n",
            "docs/adr/1.md": "# One",
        }
    )
    return made


@pytest.mark.contract("Canon", "GET /app/{org}/api/specs/{owner}/{repo}/{file_path}")
def test_a_spec_comes_whole(api: Api, handbook: SpecRepository) -> None:
    answer = api.get("/app/ada/api/specs/ada/handbook/docs/specs/login.md")
    document = answer["document"]
    assert document["sha"] == handbook.person.head("HEAD:docs/specs/login.md")
    assert (document["frontmatter"]["title"], document["frontmatter"]["tags"]) == ("Login", ["auth", "web"])
    passwords, sessions = document["sections"]
    assert (passwords["section_number"], passwords["status"]) == ("1", {"state": "done", "blocked_by": None})
    assert passwords["acceptance_criteria"][0]["evidence"] == [{"source": "PR#12", "file": "src/login.py", "lines": "3-9", "line": 22}]
    assert sessions["ticket_link"] == {"system": "jira", "ticket_id": "OPS-7", "url": "https://tracker.example/OPS-7"}
    assert document["raw"] == LOGIN
    assert 'id="section-1-passwords"' in answer["rendered_html"]
    assert (answer["repo_owner"], answer["repo_name"], answer["config"]["team"]) == ("ada", "handbook", "platform")
    assert api.ask("GET", "/app/ada/api/specs/ada/handbook/docs/specs/nowhere.md").error == (404, "document_not_found")
    assert api.ask("GET", "/app/ada/api/specs/ada/handbook/README.md").error == (404, "spec_not_found")


@pytest.mark.contract("Canon", "GET /app/{org}/api/docs/{owner}/{repo}/{file_path}")
def test_any_document_comes_as_harmless_html(api: Api, handbook: SpecRepository) -> None:
    handbook.push({"a/b/c/deep.md": "# Deep\n\n![x](../x.png) [up](../../../README.md) [out](../../../../etc/passwd)\n"})
    readme = api.get("/app/ada/api/docs/ada/handbook/README.md")
    assert (readme["title"], readme["doc_type"]) == ("Shop", "readme")
    assert "script" not in readme["rendered_html"]
    assert '/app/ada/docs/ada/handbook/docs/specs/login.md"' in readme["rendered_html"]
    deep = api.get("/app/ada/api/docs/ada/handbook/a/b/c/deep.md")
    assert '/app/ada/docs/ada/handbook/README.md"' in deep["rendered_html"]
    assert "passwd" not in deep["rendered_html"]
    assert api.ask("GET", "/app/ada/api/docs/ada/handbook/nowhere.md").error == (404, "document_not_found")


@pytest.mark.parametrize("path", ["../../../etc/passwd", "%2e%2e/x.md", ".git/config", "a%00b.md", "a%5cb.md", "docs//x.md"])
def test_a_path_that_leads_elsewhere_is_refused(api: Api, handbook: SpecRepository, path: str) -> None:
    assert handbook.id
    assert api.ask("GET", f"/app/ada/api/docs/ada/handbook/{path}").status in {400, 404, 422}


@pytest.mark.contract("Canon", "GET /app/{org}/api/repos/{owner}/{repo}")
def test_a_repository_shows_its_specs_and_configuration(api: Api, handbook: SpecRepository) -> None:
    shown = api.get("/app/ada/api/repos/ada/handbook")
    assert [
        (item["file_path"], item["total_sections"], item["done_sections"], item["total_ac"], item["done_ac"]) for item in shown["specs"]
    ] == [("docs/specs/login.md", 2, 1, 3, 1)]
    assert [(item["path"], item["doc_type"]) for item in shown["docs"]] == [("README.md", "readme"), ("docs/adr/1.md", "adr")]
    assert (shown["config"]["team"], shown["has_specs"], shown["spec_count"]) == ("platform", True, 1)
    assert shown["indexed_commit"] == handbook.person.head()
    assert api.ask("GET", "/app/ada/api/repos/ada/nowhere").error == (404, "repository_not_found")
    assert api.ask("GET", "/app/ada/api/repos/bea/handbook").error == (404, "repository_not_found")


@pytest.mark.contract("Canon", "GET /app/{org}/api/tasks")
def test_tasks_are_what_is_open(api: Api, handbook: SpecRepository) -> None:
    handbook.push({"docs/specs/pay.md": LOGIN.replace("status:todo", "status:blocked:OPS-9").replace("title: Login", "title: Pay")})
    found = api.get("/app/ada/api/tasks")
    assert [(item["spec_title"], item["status"], item["blocked_by"], item["total_ac"], item["done_ac"]) for item in found["tasks"]] == [
        ("Login", "todo", None, 1, 0), ("Pay", "blocked", "OPS-9", 1, 0),
    ]  # fmt: skip
    assert found["total"] == 2
    assert [item["section_id"] for item in api.get("/app/ada/api/tasks?status=done")["tasks"]] == ["1-passwords", "1-passwords"]
    assert api.get("/app/ada/api/tasks?repo=ada/handbook&status=draft") == {"tasks": [], "total": 0}
    assert api.ask("GET", "/app/ada/api/tasks?repo=ada/nowhere").error == (404, "repository_not_found")
    expanded = api.get("/app/ada/api/tasks?expand=acs")["tasks"]
    assert [item["acceptance_criteria"][0]["text"] for item in expanded] == ["A session MUST end after 30 days"] * 2


@pytest.mark.contract("Canon", "GET /app/admin/api/indexing")
def test_an_administrator_sees_what_the_indexer_did(api: Api, handbook: SpecRepository) -> None:
    shown = api.get("/app/admin/api/indexing")
    assert [(item["host"], item["account"]) for item in shown["installations"]] == [("canonry", "ada")]
    assert [(item["repository"], item["status"]) for item in shown["recent_jobs"]] == [("ada/handbook", "done")] * 2
    assert shown["active_tasks"] == []
    assert shown["recent_jobs"][0]["commit"] == handbook.person.head()
    assert api.ask("GET", "/app/admin/api/indexing", token=api.owner.tokens[Scope.DEPLOY]).error == (403, "insufficient_scope")


@pytest.mark.contract("Canon", "POST /app/admin/api/reindex/{installation_id}")
def test_everything_is_read_again_when_an_administrator_wants_it(api: Api, handbook: SpecRepository) -> None:
    number = api.get("/app/admin/api/indexing")["installations"][0]["id"]
    with api.container.transactions.begin() as tx:
        tx.connection.execute("UPDATE spec_documents SET title = 'wrong'")
    assert api.ask("POST", f"/app/admin/api/reindex/{number}").json == {"ok": True}
    handbook.index()
    assert api.get("/app/ada/api/specs/ada/handbook/docs/specs/login.md")["document"]["frontmatter"]["title"] == "Login"
    assert api.get("/app/ada/api/repos/ada/handbook")["specs"][0]["title"] == "Login"
    assert len(api.get("/app/admin/api/indexing")["recent_jobs"]) == 3
    assert api.ask("POST", f"/app/admin/api/reindex/{number + 1}").error == (404, "installation_not_found")
    assert api.ask("POST", "/app/admin/api/reindex/one").status == 422
    other = api.somebody()
    assert api.ask("POST", f"/app/admin/api/reindex/{number}", token=other.tokens[Scope.ADMIN]).status == 404


@pytest.mark.criterion("living-specs#foreign-specs")
def test_another_organization_sees_nothing_of_it(api: Api, handbook: SpecRepository) -> None:
    other = api.somebody()
    token = other.tokens[Scope.ADMIN]
    assert handbook.id
    assert api.ask("GET", "/app/ada/api/tasks", token=token).status == 403
    for path in ("specs/ada/handbook/docs/specs/login.md", "docs/ada/handbook/README.md", "repos/ada/handbook"):
        assert api.ask("GET", f"/app/{other.handle}/api/{path}", token=token).status == 404
    assert api.ask("GET", f"/app/{other.handle}/api/tasks", token=token).json == {"tasks": [], "total": 0}
    assert api.ask("GET", f"/app/{other.handle}/api/search?q=password", token=token).json["total"] == 0


def test_a_token_of_one_project_sees_no_task_of_the_rest(api: Api, handbook: SpecRepository) -> None:
    handbook.push({"docs/specs/login.md": LOGIN})
    assert api.get("/app/ada/api/tasks")["total"] > 0
    bound = api.ask("POST", "/v1/tokens", {"name": "bound", "scope": "read", "project": api.project("shop")}).json["token"]
    answer = api.ask("GET", "/app/ada/api/tasks", token=bound)
    assert (answer.status, answer.json) == (200, {"tasks": [], "total": 0})
