"""What others are told of what happens: webhooks, mails, the audit trail; also when Canonry is killed in between."""

import email
import email.policy
import re
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.test_doors import commit, git
from tests.support.canonry import Canonry, eventually, running_canonry, write_server, write_site
from tests.support.receiver import Receiver, receiving


@pytest.fixture(scope="module")
def canonry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Canonry]:
    """Give one Canonry to all tests of this file; its webhooks may lead to loopback."""
    folder = tmp_path_factory.mktemp("events")
    with running_canonry(folder, CANONRY_ALLOW_PRIVATE_TARGETS="1", CANONRY_DRAIN_SECONDS="1", CANONRY_WORKERS="2") as canonry:
        yield canonry


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


def add_webhook(canonry: Canonry, receiver: Receiver, *events: str) -> str:
    """Add a webhook by the command line and return its secret."""
    return canonry.must("webhooks", "add", receiver.url, "--events", ",".join(events)).strip()


def mails(canonry: Canonry, to: str) -> list[Any]:
    """Return the messages to that address that lie in the home, oldest first."""
    found = [
        email.message_from_bytes(path.read_bytes(), policy=email.policy.default) for path in sorted((canonry.home / "mail").glob("*.eml"))
    ]
    return [message for message in found if message["To"] == to]


def have_address(canonry: Canonry, address: str) -> None:
    """Give the owner, who was made on the machine, an address that leads somewhere."""
    assert canonry.api("POST", "/v1/me/email", {"email": address})["status"] == "mail_sent"
    (message,) = eventually(lambda: mails(canonry, address), lambda found: len(found) == 1)
    secret = re.findall(r"\?token=([\w-]+)", message.get_content())[0]
    assert canonry.api("POST", "/v1/auth/verify-email", {"token": secret})["verified"] is True


def test_a_failed_deploy_is_told_to_a_webhook_and_by_mail(canonry: Canonry, receiver: Receiver, tmp_path: Path) -> None:
    have_address(canonry, "ada@example.com")
    secret = add_webhook(canonry, receiver, "deployment.*")
    folder = write_server(tmp_path / "app", "never")
    (folder / "requirements.txt").write_text("there-is-no-such-package-as-this-one==1.0\n")
    assert canonry.deploy(folder, "broken").returncode == 1
    eventually(receiver.names, lambda names: names == ["deployment.requested", "deployment.failed"])
    failed = receiver.received[1]
    assert failed.is_signed_with(secret)
    assert failed.json["project"]["slug"] == "broken"
    assert failed.json["data"]["after"]["status"] == "failed"
    messages = eventually(lambda: mails(canonry, "ada@example.com"), lambda found: len(found) == 2)
    assert messages[1]["Subject"] == "Deploy failed: broken"
    text = messages[1].get_content()
    assert failed.json["data"]["deployment_id"] in text
    assert "there-is-no-such-package-as-this-one" in text
    webhook = canonry.api("GET", "/v1/webhooks")["webhooks"][0]["id"]
    shown = canonry.must("webhooks", "deliveries", webhook)
    assert shown.count("delivered") == 2
    canonry.must("webhooks", "rm", webhook)


def test_what_happened_before_a_kill_9_is_delivered_after_it(canonry: Canonry, receiver: Receiver) -> None:
    secret = add_webhook(canonry, receiver, "project.created")
    receiver.delay = 1.5  # so that the kill also meets requests under way
    slugs = [f"made-{number}" for number in range(4)]
    for slug in slugs:
        assert canonry.api("POST", "/v1/projects", {"name": slug, "slug": slug})["slug"] == slug
    canonry.kill("canonry")
    before = len(receiver.received)
    assert before < len(slugs)
    receiver.delay = 0
    canonry.up()
    told = eventually(lambda: {item.json["project"]["slug"] for item in receiver.received}, lambda told: told == set(slugs))
    assert told == set(slugs)
    assert all(item.is_signed_with(secret) for item in receiver.received)
    assert "broken" not in canonry.must("audit", "verify")
    canonry.must("webhooks", "rm", canonry.api("GET", "/v1/webhooks")["webhooks"][0]["id"])


@pytest.mark.contract("Canner", "GET /v1/deployments/{id}")
@pytest.mark.contract("Canner", "POST /v1/deployments/{id}/retry")
def test_a_pushed_deployment_is_seen_on_its_way_and_its_events_name_the_pusher(canonry: Canonry, tmp_path: Path) -> None:
    folder = write_server(tmp_path / "app", "pushed")
    (folder / "canonry.toml").write_text('[build]\nbuild = "sleep 3"\n')
    sha = commit(folder, "first words\n\nand more")
    canonry.must("projects", "create", "Pushed", "--slug", "pushed")
    address = canonry.must("git", "url", "--project", "pushed").strip().replace("http://", f"http://x:{canonry.token()}@")
    done: list[subprocess.CompletedProcess[str]] = []
    pushing = threading.Thread(target=lambda: done.append(git(folder, "push", address, "HEAD:main")))
    pushing.start()
    rows = eventually(lambda: canonry.api("GET", "/v1/projects/pushed/deployments")["deployments"], lambda rows: len(rows) == 1)
    path = f"/v1/deployments/{rows[0]['id']}"
    seen = [rows[0]["status"]]

    def look() -> str:
        status = str(canonry.api("GET", path)["deployment"]["status"])
        if status != seen[-1]:
            seen.append(status)
        if status == "building":
            assert canonry.api("POST", f"{path}/retry")["error"] == "deployment_not_retryable"
        return status

    eventually(look, lambda status: status == "live", within=60)
    pushing.join()
    assert [status for status in seen if status != "deploying"] in (["queued", "building", "live"], ["building", "live"])
    deployment = canonry.api("GET", path)["deployment"]
    assert (deployment["commit"], deployment["ref"]) == (sha, sha)
    assert deployment["commit_message"].startswith("first words")
    assert deployment["created_at"] <= deployment["started_at"] <= deployment["finished_at"]
    assert deployment["url"] == f"http://pushed.localhost:{canonry.port}"
    assert canonry.api("GET", "/v1/deployments/dep_0000000000000000")["error"] == "deployment_not_found"
    events = {event["name"]: event for event in canonry.api("GET", "/v1/activity?project=pushed")["events"]}
    asked = events["deployment.requested"]
    assert asked["actor"]["credential"].startswith("token tok_")
    assert (asked["address"], asked["after"]["trigger"]) == ("127.0.0.1", "push")
    assert (events["deployment.succeeded"]["actor"]["id"], events["deployment.succeeded"]["after"]["created_by"]) == (
        "system", asked["actor"]["id"],
    )  # fmt: skip


def test_the_record_is_anchored_outside_the_database(canonry: Canonry, tmp_path: Path) -> None:
    canonry.must("deploy", str(write_site(tmp_path / "site", "hello")), "--project", "anchored")
    anchors = eventually((canonry.home / "audit.anchors").read_text, lambda text: '"hash"' in text)
    assert anchors
    assert "anchored" in canonry.must("activity", "--project", "anchored", "--json")
