"""A repository, its webhook, production and a preview beside it: everything real, as a user of a git host meets it."""

import hmac
import json
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.canonry import Answer, Canonry, ask, eventually, running_canonry, write_server, write_site
from tests.support.git import Person


@pytest.fixture(scope="module")
def canonry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Canonry]:
    with running_canonry(tmp_path_factory.mktemp("previews"), CANONRY_ALLOW_FILE_URLS="1", CANONRY_DRAIN_SECONDS="1") as canonry:
        yield canonry


def push(canonry: Canonry, url: str, secret: str, ref: str, commit: str) -> Answer:
    """Tell of a push as a git host does, over the edge."""
    gone = not commit.strip("0")
    body = json.dumps(
        {"ref": f"refs/heads/{ref}", "after": commit, "deleted": gone, "head_commit": None if gone else {"id": commit}}
    ).encode()
    signature = "sha256=" + hmac.new(secret.encode(), body, "sha256").hexdigest()
    headers = {"X-Hub-Signature-256": signature, "X-GitHub-Event": "push", "X-GitHub-Delivery": str(uuid.uuid4()),
               "Content-Type": "application/json"}  # fmt: skip
    path = "/" + url.split("/", 3)[3]
    return ask(canonry.port, "localhost", path, method="POST", body=body, headers=headers)


def pids_of(canonry: Canonry, environment: str) -> list[str]:
    return [row["id"] for row in canonry.api("GET", f"/v1/projects/shop/instances?environment={environment}")["instances"]]


@pytest.mark.criterion("operating#closed-takes-away")
def test_a_push_deploys_another_branch_previews_and_its_end_takes_everything_away(canonry: Canonry, tmp_path: Path) -> None:
    ada = Person(tmp_path / "ada")
    write_server(ada.tree, "main one")
    first = ada.commit({})
    connected = json.loads(canonry.must("git", "connect", ada.url, "--project", "shop", "--json", cwd=tmp_path))
    url, secret = connected["webhookUrl"], connected["webhookSecret"]

    assert push(canonry, url, "0" * 64, "main", first).status == 401
    answer = push(canonry, url, secret, "main", first)
    assert (answer.status, json.loads(answer.text)["status"]) == (201, "queued")
    eventually(lambda: canonry.site("shop").text, lambda text: "main one" in text, within=60)
    before = pids_of(canonry, "production")

    ada.git("checkout", "--quiet", "-b", "feature/login")
    write_server(ada.tree, "login page")
    answer = push(canonry, url, secret, "feature/login", ada.commit({}))
    assert json.loads(answer.text)["environment"] == "preview/feature/login"
    eventually(lambda: canonry.site("shop-feature-login").text, lambda text: "login page" in text, within=60)
    assert "main one" in canonry.site("shop").text
    assert pids_of(canonry, "production") == before, "production runs on as it was"

    (listed,) = json.loads(canonry.must("previews", "ls", "--project", "shop", "--json"))
    assert (listed["status"], listed["branch"], listed["url"]) == (
        "live", "feature/login", f"http://shop-feature-login.localhost:{canonry.port}",
    )  # fmt: skip
    shown = canonry.must("git", "info", "--project", "shop")
    assert "preview shop-feature-login" in shown

    write_server(ada.tree, "broken", code="raise SystemExit(3)\n")
    push(canonry, url, secret, "feature/login", ada.commit({}))
    eventually(lambda: json.loads(canonry.must("previews", "ls", "--project", "shop", "--json"))[0]["status"], "failed".__eq__, within=60)
    assert "login page" in canonry.site("shop-feature-login").text, "the last good one stays"
    assert canonry.api("GET", "/v1/projects/shop")["status"] == "running"

    canonry.kill("canonry")  # whatever was under way goes on
    canonry.up()
    assert push(canonry, url, secret, "feature/login", "0" * 40).status == 202
    eventually(lambda: canonry.site("shop-feature-login").status, (404).__eq__, within=60)
    eventually(lambda: pids_of(canonry, "preview/feature/login"), lambda rows: rows == [], within=60)
    project = canonry.api("GET", "/v1/projects/shop")["id"]
    eventually(lambda: list((canonry.home / "caches").glob(f"{project}-*")), lambda left: left == [], within=60)
    assert json.loads(canonry.must("previews", "ls", "--project", "shop", "--json")) == []
    assert "main one" in canonry.site("shop").text
    assert pids_of(canonry, "production") == before


def test_by_hand_a_preview_is_made_followed_and_removed(canonry: Canonry, tmp_path: Path) -> None:
    ada = Person(tmp_path / "ada")
    write_site(ada.tree, "production")
    ada.commit({})
    ada.git("checkout", "--quiet", "-b", "next")
    write_site(ada.tree, "the next one")
    ada.commit({})
    canonry.must("git", "connect", ada.url, "--project", "by-hand", cwd=tmp_path)
    done = canonry.command("previews", "create", "next", "--expires", "1h", "--project", "by-hand")
    assert done.returncode == 0, done.stderr
    assert f"http://by-hand-next.localhost:{canonry.port}" in done.stdout
    assert "the next one" in canonry.site("by-hand-next").text
    assert canonry.site("by-hand").status == 404
    missing = canonry.command("previews", "create", "nowhere", "--project", "by-hand")
    assert missing.returncode == 1
    assert "nowhere" in missing.stderr
    for name in ("next", "nowhere"):
        canonry.must("previews", "rm", name, "--project", "by-hand")
    assert canonry.site("by-hand-next").status == 404
