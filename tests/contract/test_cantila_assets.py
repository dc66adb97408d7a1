"""The row about assets."""

import hashlib
from pathlib import Path
from typing import Any

import pytest

from canonry.core.access import Scope
from tests.support.api import APP, SITE, Api

FILES = {
    "index.html": "<p>hello</p>", "css/site.css": "p { color: red }", "css/site.css.gz": "packed", "notes.txt.gz": "alone",
    "a/deep/place/file.bin": "x" * 10, "größe ✓.svg": "<svg/>",
}  # fmt: skip


def artifact(api: Api, slug: str) -> Path:
    return api.container.home.artifacts / str(api.deployments(slug)[0]["artifact_id"])


@pytest.mark.contract("Cantila", "GET /v1/projects/:id/assets")
def test_the_files_of_the_live_deployment_are_listed_with_size_and_type(api: Api) -> None:
    slug = api.project()
    assert api.get(f"/v1/projects/{slug}/assets") == {"assets": [], "next_cursor": None, "deployment_id": None, "folder": None}
    deployment = api.deploy(slug, FILES)
    found = api.get(f"/v1/projects/{slug}/assets")
    assert [(row["path"], row["size"], row["content_type"]) for row in found["assets"]] == [
        ("/a/deep/place/file.bin", 10, "application/octet-stream"), ("/css/site.css", 16, "text/css"),
        ("/größe ✓.svg", 6, "image/svg+xml"), ("/index.html", 12, "text/html"), ("/notes.txt.gz", 5, "text/plain"),
    ]  # fmt: skip
    assert found["assets"][1]["sha256"] == hashlib.sha256(FILES["css/site.css"].encode()).hexdigest()
    assert (found["deployment_id"], found["folder"]) == (deployment["id"], None)
    assert api.edge.answer(f"{slug}.localhost", "/css/site.css").status == 200
    api.deploy(slug, SITE)
    assert [row["path"] for row in api.get(f"/v1/projects/{slug}/assets")["assets"]] == ["/index.html"]
    stranger = api.somebody().tokens[Scope.ADMIN]
    assert api.ask("GET", f"/v1/projects/{slug}/assets", token=stranger).error == (404, "project_not_found")


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 100])
def test_pages_of_any_size_show_every_file_once_and_in_order(api: Api, limit: int) -> None:
    slug = api.project()
    files = {"index.html": "x", **{f"{letter * number}/{letter}.txt": letter for letter in "abz" for number in range(1, 4)}}
    api.deploy(slug, files)
    seen: list[dict[str, Any]] = []
    query = f"?limit={limit}"
    while True:
        page = api.get(f"/v1/projects/{slug}/assets{query}")
        assert len(page["assets"]) <= limit
        seen += page["assets"]
        if page["next_cursor"] is None:
            break
        query = f"?limit={limit}&cursor={page['next_cursor']}"
    assert [row["path"] for row in seen] == sorted(f"/{name}" for name in files)


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "cursor=x", "cursor=", "cursor=%00", "cursor=" + "A" * 300])
def test_a_page_that_is_none_is_refused(api: Api, query: str) -> None:
    slug = api.project()
    api.deploy(slug, SITE)
    assert api.ask("GET", f"/v1/projects/{slug}/assets?{query}").error[0] == 400


def test_a_link_is_never_followed_out_of_the_artifact(api: Api, tmp_path: Path) -> None:
    slug = api.project()
    api.deploy(slug, SITE)
    (tmp_path / "secret.txt").write_text("secret")
    site = artifact(api, slug) / "site"
    (site / "link.txt").symlink_to(tmp_path / "secret.txt")
    (site / "folder").symlink_to(tmp_path, target_is_directory=True)
    assert [row["path"] for row in api.get(f"/v1/projects/{slug}/assets")["assets"]] == ["/index.html"]


def test_an_app_has_the_files_of_its_public_folder_or_none(api: Api, tmp_path: Path) -> None:
    slug = api.app()
    assert api.get(f"/v1/projects/{slug}/assets")["assets"] == []
    api.deploy(slug, {**APP, "public/logo.svg": "<svg/>", "server.js": "secret code"})
    found = api.get(f"/v1/projects/{slug}/assets")
    assert ([row["path"] for row in found["assets"]], found["folder"]) == (["/logo.svg"], "public")
    (artifact(api, slug) / "app/public").rename(tmp_path / "public")
    (artifact(api, slug) / "app/public").symlink_to(tmp_path / "public")
    assert api.get(f"/v1/projects/{slug}/assets")["assets"] == []
