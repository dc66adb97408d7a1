"""The contract of the edge port (`ports/edge.py`), over every adapter."""

import os
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from canonry.adapters.edge.memory import Answer, MemoryEdge
from canonry.core.errors import Invalid
from canonry.ports.edge import Edge, Page
from tests.support.edge import Apps, RunningCaddy


@dataclass(frozen=True)
class Served:
    """An edge, a way to ask it, and a host that no other test uses."""

    edge: Edge
    ask: Callable[..., Answer]
    host: str

    def get(self, path: str = "/", headers: Mapping[str, str] | None = None) -> Answer:
        return self.ask(self.host, path, headers)

    def text(self, path: str = "/") -> str:
        answer = self.get(path)
        assert answer.status == 200, (path, answer)
        return answer.body.decode()


@pytest.fixture(params=["memory", "caddy"])
def served(request: pytest.FixtureRequest) -> Served:
    host = f"t{secrets.token_hex(6)}.example.test"
    if request.param == "memory":
        memory = MemoryEdge()
        return Served(memory, memory.answer, host)
    caddy: RunningCaddy = request.getfixturevalue("caddy")
    return Served(caddy.edge, caddy.ask, host)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    files = {
        "index.html": "home",
        "about.html": "about",
        "docs/index.html": "docs",
        "app.3f9a2b1c.js": "hashed",
        "report-20240101.pdf": "dated",
        "facade-decade.css": "named",
        ".env": "secret",
        "docs/.git/config": "secret",
        ".well-known/security.txt": "contact",
    }
    return _write(tmp_path / "a site", files)


def test_an_unknown_host_is_404_and_a_removed_one_again(served: Served, site: Path) -> None:
    assert served.get().status == 404
    served.edge.serve_site(served.host, site)
    assert served.text() == "home"
    served.edge.remove(served.host)
    served.edge.remove(served.host)
    assert served.get().status == 404
    assert served.host not in served.edge.hosts()


def test_a_redirecting_host_answers_308_with_path_and_query_kept_until_it_serves_again(served: Served, site: Path) -> None:
    served.edge.redirect(served.host, "www.example.test")
    for path in ("/", "/a/b?x=1&y=%20z", "/{http.request.host}?{}"):
        answer = served.get(path)
        assert (answer.status, answer.headers["location"]) == (308, f"http://www.example.test{path}")
        assert "max-age=300" in answer.headers["cache-control"]
    assert served.host in served.edge.hosts()
    served.edge.serve_site(served.host, site)
    assert served.text() == "home"


def test_a_host_redirects_to_nothing_but_a_host(served: Served) -> None:
    for wrong in ("", "http://x.test", "a b.test", "x.test/evil", "x.test\nproxy"):
        with pytest.raises(Invalid) as caught:
            served.edge.redirect(served.host, wrong)
        assert caught.value.code == "invalid_hostname"
    assert served.host not in served.edge.hosts()


@pytest.mark.parametrize(("page", "status"), [(Page.STOPPED, 503), (Page.UNKNOWN, 404), (Page.DEAD, 502)])
def test_each_page_has_its_own_status_and_is_not_stored(served: Served, page: Page, status: int) -> None:
    served.edge.show_page(served.host, page)
    answer = served.get("/any/path?x=1")
    assert answer.status == status
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"].startswith("text/html")
    assert ("retry-after" in answer.headers) == (status != 404)


def test_the_pages_differ(served: Served) -> None:
    bodies = set()
    for page in Page:
        served.edge.show_page(served.host, page)
        bodies.add(served.get().body)
    assert len(bodies) == 3


def test_a_pointed_host_reaches_its_instance_with_the_host_header_kept(served: Served, apps: Apps) -> None:
    served.edge.point(served.host, [apps.start("one").address])
    assert served.text() == "one"
    assert f'"host": "{served.host}"' in served.text("/headers")


def test_several_instances_take_turns(served: Served, apps: Apps) -> None:
    served.edge.point(served.host, [apps.start(name).address for name in "abc"])
    answers = [served.text() for _ in range(12)]
    assert {name: answers.count(name) for name in "abc"} == {"a": 4, "b": 4, "c": 4}


def test_an_instance_that_refuses_connections_is_passed_over(served: Served, apps: Apps) -> None:
    gone = apps.start("gone")
    served.edge.point(served.host, [gone.address, apps.start("here").address])
    gone.stop()
    assert [served.text() for _ in range(20)] == ["here"] * 20


def test_a_host_can_have_32_instances(served: Served, apps: Apps) -> None:
    addresses = [apps.start(str(number)).address for number in range(32)]
    served.edge.point(served.host, addresses)
    assert {served.text() for _ in range(32)} == {str(number) for number in range(32)}


def test_a_host_whose_instances_are_all_gone_answers_dead(served: Served, apps: Apps) -> None:
    app = apps.start("gone")
    served.edge.point(served.host, [app.address])
    app.stop()
    assert served.get().status == 502
    served.edge.point(served.host, [])
    assert served.get().status == 502


def test_the_last_call_wins_whatever_the_host_was_before(served: Served, apps: Apps, site: Path) -> None:
    app = apps.start("app")
    for _ in range(2):
        served.edge.point(served.host, [app.address])
        assert served.text() == "app"
        served.edge.serve_site(served.host, site)
        served.edge.serve_site(served.host, site)
        assert served.text() == "home"
        served.edge.show_page(served.host, Page.STOPPED)
        assert served.get().status == 503
    assert served.edge.hosts().count(served.host) == 1
    assert served.edge.hosts() == sorted(served.edge.hosts())


def test_a_site_answers_files_folders_and_paths_without_html(served: Served, site: Path) -> None:
    served.edge.serve_site(served.host, site)
    assert [served.text(path) for path in ("/", "/index.html", "/about", "/about.html", "/docs/")] == [
        "home",
        "home",
        "about",
        "about",
        "docs",
    ]
    redirect = served.get("/docs")
    assert (redirect.status, redirect.headers["location"]) == (308, "/docs/")
    assert served.text("/.well-known/security.txt") == "contact"


@pytest.mark.parametrize(
    "path", ["/.env", "/docs/.git/config", "/.well-known/../.env", "/../a%20site/.env", "/%2eenv", "/.well-known/.env"]
)
@pytest.mark.parametrize("single_page", [False, True])
def test_hidden_files_are_not_served(served: Served, site: Path, path: str, single_page: bool) -> None:
    served.edge.serve_site(served.host, site, single_page=single_page)
    answer = served.get(path)
    assert answer.status == 404
    assert b"secret" not in answer.body


def test_an_unknown_path_is_404_with_the_sites_own_page_when_there_is_one(served: Served, site: Path) -> None:
    served.edge.serve_site(served.host, site)
    assert served.get("/nothing").status == 404
    (site / "404.html").write_text("our own 404")
    for headers in ({}, {"If-None-Match": "*"}, {"Range": "bytes=0-2"}):
        answer = served.get("/nothing", headers)
        assert (answer.status, answer.body) == (404, b"our own 404"), headers


def test_a_single_page_app_answers_its_index_for_paths_but_not_for_missing_files(served: Served, site: Path) -> None:
    served.edge.serve_site(served.host, site, single_page=True)
    assert served.text("/users/7") == "home"
    assert served.text("/about") == "about"
    assert served.get("/users/jane.doe", {"Accept": "text/html,*/*"}).body == b"home"
    assert served.get("/assets/gone.js").status == 404


def test_only_names_with_a_content_hash_are_cached_for_a_year(served: Served, site: Path) -> None:
    served.edge.serve_site(served.host, site)
    assert "immutable" in served.get("/app.3f9a2b1c.js").headers["cache-control"]
    for path in ("/", "/about", "/report-20240101.pdf", "/facade-decade.css"):
        assert served.get(path).headers["cache-control"] == "no-cache", path
    missing = served.get("/app.00a2b1c3.js")
    assert missing.status == 404
    assert "immutable" not in missing.headers["cache-control"]


def test_an_etag_spares_the_body_until_the_next_deployment_even_with_equal_size_and_time(served: Served, tmp_path: Path) -> None:
    old, new = (_write(tmp_path / name, {"index.html": name}) for name in ("one", "two"))
    for folder in (old, new):
        os.utime(folder / "index.html", (1_700_000_000, 1_700_000_000))
    served.edge.serve_site(served.host, old)
    etag = served.get().headers["etag"]
    assert served.get("/", {"If-None-Match": etag}).status == 304
    served.edge.serve_site(served.host, new)
    answer = served.get("/", {"If-None-Match": etag})
    assert (answer.status, answer.body) == (200, b"two")


@pytest.mark.parametrize(("suffix", "name"), [(".br", "br"), (".zst", "zstd"), (".gz", "gzip")])
def test_a_packed_file_is_used_when_the_client_takes_it(served: Served, site: Path, suffix: str, name: str) -> None:
    (site / f"index.html{suffix}").write_text("packed")
    served.edge.serve_site(served.host, site)
    packed = served.get("/", {"Accept-Encoding": name})
    assert (packed.body, packed.headers["content-encoding"]) == (b"packed", name)
    assert served.text() == "home"


def test_a_site_with_a_link_that_leads_out_is_refused(served: Served, site: Path, tmp_path: Path) -> None:
    (site / "docs" / "inside").symlink_to("../about.html")
    served.edge.serve_site(served.host, site)
    assert served.text("/docs/inside") == "about"
    (tmp_path / "outside.txt").write_text("secret")
    (site / "docs" / "out").symlink_to("../../outside.txt")
    with pytest.raises(Invalid) as caught:
        served.edge.serve_site(served.host, site)
    assert caught.value.code == "unsafe_site"


def _write(folder: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_an_edge_that_serves_is_up(served: Served) -> None:
    assert served.edge.is_up()


def _counted(served: Served, after: Mapping[str, int], least: int) -> tuple[list[int], Mapping[str, int]]:
    """Return the statuses of the requests at this host since `after`, as soon as there are so many, and the cursor behind them."""
    seen: list[int] = []
    deadline = time.monotonic() + 60
    while True:
        page = served.edge.requests(after)
        seen += [request.status for request in page.requests if request.host == served.host]
        after = page.cursor
        if len(seen) >= least or time.monotonic() > deadline:
            return seen, after
        time.sleep(0.01)


def test_each_answered_request_is_told_once_with_its_status_time_and_length(served: Served, site: Path, apps: Apps) -> None:
    began = time.time()
    _, cursor = _counted(served, {}, 0)
    served.edge.serve_site(served.host, site)
    statuses = [served.get(path).status for path in ("/", "/about", "/nothing", "/docs")]
    seen, cursor = _counted(served, cursor, 4)
    assert seen == statuses == [200, 200, 404, 308]
    served.edge.point(served.host, [apps.start("one").address])
    served.get("/slow")
    page = served.edge.requests(cursor)
    while not page.requests:
        page = served.edge.requests(cursor)
    (slow,) = [request for request in page.requests if request.host == served.host]
    assert 0.5 <= slow.seconds < 60
    assert began <= slow.at <= time.time()
    assert _counted(served, page.cursor, 0)[0] == []


def test_an_app_that_does_not_answer_counts_as_502_and_a_host_without_a_route_not_at_all(served: Served, apps: Apps) -> None:
    _, cursor = _counted(served, {}, 0)
    for _ in range(3):
        served.get()
    gone = apps.start("gone")
    gone.stop()
    served.edge.point(served.host, [gone.address])
    assert served.get().status == 502
    assert _counted(served, cursor, 1)[0] == [502]
