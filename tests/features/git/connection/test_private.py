"""Private repositories: read with a deploy key over a real SSH server, or with a token over HTTP; neither is ever on a disk."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from canonry.features import git
from tests.support.api import Api
from tests.support.git import Person
from tests.support.private_git import PrivateGit, private_git
from tests.support.ssh import SshGit, ssh_git

TOKEN = "a-token-nobody-may-see"


@pytest.fixture
def ssh(ada: Person) -> Iterator[SshGit]:
    with ssh_git(ada.tree.parent) as running:
        yield running


def connect(api: Api, slug: str, repo: str, **fields: object) -> dict[str, Any]:
    answer = api.ask("POST", f"/v1/projects/{slug}/git", {"repo": repo, **fields})
    assert answer.status == 201, answer.body
    return dict(answer.json)


def deployed(api: Api, slug: str) -> dict[str, Any]:
    answer = api.ask("POST", f"/v1/projects/{slug}/deploy", {})
    assert answer.status == 202, answer.body
    api.work(slug)
    return api.deployment(answer.json["deployId"])


def log_of(api: Api, deployment: dict[str, Any]) -> str:
    return "\n".join(line["text"] for line in api.get(f"/v1/deployments/{deployment['id']}/logs")["lines"])


def everything_kept(api: Api) -> bytes:
    """Return every byte that lies in the home."""
    return b"".join(path.read_bytes() for path in api.container.home.root.rglob("*") if path.is_file())


class TestDeployKey:
    def test_the_public_half_is_shown_and_opens_the_repository(self, api: Api, ada: Person, ssh: SshGit) -> None:
        slug = api.project("shop")
        key = connect(api, slug, ssh.url("repo"))["connection"]["deployKey"]
        link(ada, ssh)
        assert key.startswith("ssh-ed25519 AAAA")
        assert key.endswith(" canonry-shop")
        refused = deployed(api, slug)
        assert (refused["status"], refused["error"]["code"]) == ("failed", "repository_needs_login")
        assert "canonry git deploy-key" in refused["error"]["hint"]
        ssh.accepted.append(key)
        live = deployed(api, slug)
        assert (live["status"], live["commit"]) == ("live", ada.head())
        shown = api.get(f"/v1/projects/{slug}/git")
        assert (shown["access"], shown["deployKey"]) == ("deploy_key", key)
        (pinned,) = shown["knownHosts"]
        assert pinned["host"] == f"[127.0.0.1]:{ssh.port}"
        assert pinned["fingerprint"].startswith("SHA256:")

    def test_the_private_half_is_on_no_disk(self, api: Api, ada: Person, ssh: SshGit) -> None:
        slug = api.project("shop")
        ssh.accepted.append(connect(api, slug, ssh.url("repo"))["connection"]["deployKey"])
        link(ada, ssh)
        assert deployed(api, slug)["status"] == "live"
        assert b"OPENSSH PRIVATE KEY" not in everything_kept(api)
        assert list((api.container.home.run / "ssh").iterdir()) == []
        with api.container.transactions.begin() as tx:
            row = tx.connection.execute("SELECT sealed_key FROM git_connections").fetchone()
        assert row is not None
        assert b"PRIVATE" not in bytes(row[0])

    def test_a_server_that_shows_another_key_later_is_not_talked_to(self, api: Api, ada: Person, ssh: SshGit) -> None:
        slug = api.project("shop")
        key = connect(api, slug, ssh.url("repo"))["connection"]["deployKey"]
        ssh.accepted.append(key)
        link(ada, ssh)
        assert deployed(api, slug)["status"] == "live"
        with api.container.transactions.begin() as tx:  # as if the key that was pinned were another server's
            other = "AAAAC3NzaC1lZDI1NTE5AAAAIPx" + "A" * 41
            tx.connection.execute(
                "UPDATE git_connections SET known_hosts = replace(known_hosts, split_part(known_hosts, ' ', 3), %s)", (other,)
            )
        ada.commit({"index.html": "<h1>two</h1>"})
        failed = deployed(api, slug)
        assert (failed["status"], failed["error"]["code"]) == ("failed", "host_key_changed")
        again = connect(api, slug, ssh.url("repo"))
        assert again["connection"]["deployKey"] == key, "the key of the same address stays"
        assert again["connection"]["knownHosts"] == [], "pins do not"
        assert deployed(api, slug)["status"] == "live"

    def test_an_ssh_address_is_taken_by_the_connection_only(self, api: Api) -> None:
        slug = api.project("shop")
        for method, path, body in (("PATCH", "", {"repo_url": "git@github.com:a/b.git"}),
                                   ("POST", "/deploy", {"repo_url": "git@github.com:a/b.git"})):  # fmt: skip
            answer = api.ask(method, f"/v1/projects/{slug}{path}", body)
            assert answer.error == (400, "invalid_repository_url")
            assert "canonry git connect" in answer.json["hint"]
        assert connect(api, slug, "git@github.com:a/b.git")["repo_url"] == "git@github.com:a/b.git"

    def test_another_address_gets_another_key_and_never_the_old_one(self, api: Api) -> None:
        slug = api.project("shop")
        first = connect(api, slug, "git@github.com:a/b.git")["connection"]["deployKey"]
        assert connect(api, slug, "git@github.com:a/c.git")["connection"]["deployKey"] != first
        assert connect(api, slug, "https://github.com/a/c.git")["connection"]["deployKey"] is None


def link(ada: Person, ssh: SshGit) -> None:
    """Serve the work tree under a name that needs no quoting."""
    (ssh.root / "repo").symlink_to(ada.tree)


class TestToken:
    @pytest.fixture
    def private(self, ada: Person, tmp_path: Path) -> Iterator[PrivateGit]:
        """Give a repository that asks for a login."""
        ada.git("clone", "--quiet", "--bare", str(ada.tree), str(tmp_path / "shop.git"))
        ada.git("--git-dir", str(tmp_path / "shop.git"), "update-server-info")
        with private_git(tmp_path / "shop.git", TOKEN) as running:
            yield running

    def test_without_one_it_needs_a_login_and_with_it_the_site_is_live(self, api: Api, ada: Person, private: PrivateGit) -> None:
        slug = api.project("shop")
        connect(api, slug, private.url)
        refused = deployed(api, slug)
        assert (refused["status"], refused["error"]["code"]) == ("failed", "repository_needs_login")
        connect(api, slug, private.url, token=TOKEN)
        live = deployed(api, slug)
        assert (live["status"], live["commit"]) == ("live", ada.head())
        shown = api.ask("GET", f"/v1/projects/{slug}/git")
        assert shown.json["access"] == "token"
        assert TOKEN.encode() not in shown.body + everything_kept(api)
        assert TOKEN not in log_of(api, live)

    def test_a_user_may_stand_before_it(self, api: Api, private: PrivateGit) -> None:
        slug = api.project("shop")
        connect(api, slug, private.url, token=f"ada:{TOKEN}")
        assert deployed(api, slug)["status"] == "live"

    def test_it_is_never_shown_to_another_server_that_is_named_later(self, api: Api, private: PrivateGit, tmp_path: Path) -> None:
        slug = api.project("shop")
        connect(api, slug, private.url, token=TOKEN)
        with private_git(tmp_path / "shop.git", "another") as other:
            assert api.ask("PATCH", f"/v1/projects/{slug}", {"repo_url": other.url}).status == 200
            assert deployed(api, slug)["status"] == "failed"
            assert set(other.seen) == {""}
        assert api.get(f"/v1/projects/{slug}/git")["access"] == "public"

    def test_another_project_cannot_read_what_was_fetched_with_it(self, api: Api, private: PrivateGit) -> None:
        slug, other = api.project("shop"), api.project("other")
        connect(api, slug, private.url, token=TOKEN)
        commit = deployed(api, slug)["commit"]
        connect(api, other, private.url)
        answer = api.ask("POST", f"/v1/projects/{other}/deploy", {"ref": commit})
        api.work(other)
        assert api.deployment(answer.json["deployId"])["error"]["code"] == "repository_needs_login"

    def test_what_was_fetched_with_it_goes_with_the_project(self, api: Api, private: PrivateGit) -> None:
        slug = api.project("shop")
        connect(api, slug, private.url, token=TOKEN)
        assert deployed(api, slug)["status"] == "live"
        project_id = api.get(f"/v1/projects/{slug}")["id"]
        assert list(api.container.home.mirrors.glob(f"{project_id}-*"))
        git.remove_repository(api.container.home, project_id)
        assert not list(api.container.home.mirrors.glob(f"{project_id}-*"))
