"""A merged pull request of a repository that lies here, and the review status of the specs it touched."""

from pathlib import Path

import pytest

from canonry.features.specs import jobs
from tests.support.api import Api, api
from tests.support.specs import SpecRepository, spec_repository

__all__ = ["api"]

PATH = "docs/specs/login.md"
SPEC = "---\r\ntitle: Login\r\nreview_status: in_review\r\n---\r\n\r\n## 1. Passwords\r\n"


@pytest.fixture
def handbook(api: Api, tmp_path: Path) -> SpecRepository:
    made = spec_repository(api, tmp_path)
    made.push({PATH: SPEC, "docs/specs/other.md": SPEC})
    return made


def merge(handbook: SpecRepository, branch: str, *verdicts: str) -> None:
    """Change one spec on a branch, have it judged, merge it, and do the job that follows."""
    pulls = f"/v1/repositories/{handbook.id}/pulls"
    handbook.person.git("fetch", "--quiet", str(handbook.folder), "main")
    handbook.person.git("checkout", "--quiet", "-B", branch, "FETCH_HEAD")
    handbook.person.commit({PATH: handbook.person.tree.joinpath(PATH).read_bytes() + f"{branch}\r\n".encode()}, branch)
    handbook.person.git("push", "--quiet", str(handbook.folder), branch)
    number = handbook.api.ask("POST", pulls, {"title": branch, "head": branch}).json["pull_request"]["number"]
    for verdict in verdicts:
        assert handbook.api.ask("POST", f"{pulls}/{number}/reviews", {"verdict": verdict, "body": "so"}).status == 201
    assert handbook.api.ask("POST", f"{pulls}/{number}/merge", {}).status == 200
    for _ in range(2):
        jobs.approve(handbook.api.container, handbook.id, number)
    handbook.index()


def status(handbook: SpecRepository, path: str = PATH) -> str:
    return str(handbook.api.get(f"/app/ada/api/specs/ada/handbook/{path}")["document"]["frontmatter"]["review_status"])


def test_approved_and_merged_the_spec_is_approved_once(handbook: SpecRepository) -> None:
    merge(handbook, "first")
    merge(handbook, "second", "approved", "changes_requested")
    merge(handbook, "canon/edit-1", "approved")
    assert status(handbook) == "in_review"
    merge(handbook, "third", "changes_requested", "approved")
    assert (status(handbook), status(handbook, "docs/specs/other.md")) == ("approved", "in_review")
    raw = handbook.api.get(f"/app/ada/api/specs/ada/handbook/{PATH}")["document"]["raw"]
    assert raw.startswith(SPEC.replace("in_review", "approved"))
    subjects = handbook.person.git("--git-dir", str(handbook.folder), "log", "--format=%s", "main").stdout.splitlines()
    assert [line for line in subjects if line.startswith("chore(canon):")] == [f"chore(canon): mark {PATH} as approved"]


def test_one_that_is_not_merged_approves_nothing(handbook: SpecRepository) -> None:
    jobs.approve(handbook.api.container, "rep_gone", 1)
    jobs.approve(handbook.api.container, handbook.id, 1, action="opened")
    assert status(handbook) == "in_review"
