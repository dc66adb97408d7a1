"""Replays of one webhook delivery: 1,000 of them, by eight senders at once, make one deployment.

    python -m bench.webhook_replays

Every request is signed rightly and goes through the edge. Targets: 1 deployment; every answer within 10 s.
"""

import argparse
import hmac
import http.client
import json
import threading
import time
from collections.abc import Iterator

from bench.bed import fresh_canonry
from bench.figures import Figure, figure_of, report
from tests.support.canonry import Canonry
from tests.support.git import Person

SENDERS = 8


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replays", type=int, default=1000, help="how often the delivery is sent")
    report(measure, parser)


def measure(chosen: argparse.Namespace) -> Iterator[Figure]:
    """Send it again and again, and count what came of it."""
    with fresh_canonry(CANONRY_ALLOW_FILE_URLS="1") as canonry:
        person = Person(canonry.folder / "repository")
        commit = person.commit({"index.html": "<p>hello</p>"})
        canonry.api("POST", "/v1/projects", {"name": "shop", "slug": "shop"})
        connected = canonry.api("POST", "/v1/projects/shop/git", {"repo": person.url})
        body = json.dumps({"ref": "refs/heads/main", "after": commit}).encode()
        headers = {
            "Host": f"localhost:{canonry.port}", "Content-Type": "application/json", "X-GitHub-Event": "push", "X-GitHub-Delivery": "one",
            "X-Hub-Signature-256": hmac.new(connected["webhookSecret"].encode(), body, "sha256").hexdigest(),
        }  # fmt: skip
        began = time.perf_counter()
        times, statuses = replay(canonry, f"/v1/projects/{connected['id']}/git/webhook", body, headers, chosen.replays)
        took = time.perf_counter() - began
        made = len(canonry.api("GET", "/v1/projects/shop/deployments?environment=all")["deployments"])
    if sorted(set(statuses)) != [200, 201]:
        message = f"the webhook answered {sorted(set(statuses))}"
        raise RuntimeError(message)
    yield Figure(f"deployments of {len(times)} replays of one delivery", "", made, target=1, count=f"{len(times)} replays")
    yield Figure("all the replays", "s", round(took, 2), count=f"{len(times)} replays")
    yield figure_of("answer to a replay", times, target=10_000)


def replay(canonry: Canonry, path: str, body: bytes, headers: dict[str, str], count: int) -> tuple[list[float], list[int]]:
    """Send the delivery so often, and return the seconds and the status of each answer."""
    times: list[float] = []
    statuses: list[int] = []

    def send(share: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", canonry.port, timeout=60)
        for _ in range(share):
            started = time.perf_counter()
            connection.request("POST", path, body=body, headers=headers)
            answer = connection.getresponse()
            answer.read()
            times.append(time.perf_counter() - started)
            statuses.append(answer.status)
        connection.close()

    threads = [threading.Thread(target=send, args=(count // SENDERS + (number < count % SENDERS),)) for number in range(SENDERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return times, statuses


if __name__ == "__main__":
    main()
