"""How fast a server answers about 10,000 specs: search, dashboard, coverage, tasks, preview, save; and how fast it indexes them.

    python -m bench.spec_server [--count 10000] [--searches 600] [--saves 60]

A whole Canonry, with one hosted repository that the corpus of bench/corpus.py is pushed to: 6 KB, 8 sections and 20 criteria a file. Its
API is asked through Caddy over kept connections, as a browser would. Searches are drawn from kinds that come equally often: frequent and
rare words, several words, beginnings, slips of the keyboard, filters, operators, further pages, words that stand nowhere.
"""

import argparse
import http.client
import json
import random
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from bench import corpus, load
from bench.bed import fresh_canonry
from bench.figures import Figure, percentile, report, say
from tests.support.canonry import Canonry, eventually
from tests.support.git import Person

_LONGEST = 300.0
_FEW, _SOME = 1, 4  # connections
_HOSTILE = ("a", "the and of to", "x" * 500, " ".join(f"w{number}" for number in range(60)), "a b c d e f g h i j k l m n o p " * 15)


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=10_000, help="how many specs there are")
    parser.add_argument("--seconds", type=float, default=8, help="how long each answer is asked for, and each number of connections")
    parser.add_argument("--saves", type=int, default=60, help="how often a spec is saved")
    report(measure, parser)


def measure(chosen: argparse.Namespace) -> Iterator[Figure]:
    """Push the corpus, wait until it is indexed, and ask."""
    with fresh_canonry(CANONRY_RATE_LIMIT_SEARCH="1000000") as canonry:
        server = Server(canonry, chosen)
        yield from server.fill()
        for connections in (_FEW, _SOME):
            yield from server.asked(
                "search", [f"search?{query}" for query in searches(400, chosen.count)], connections, target=15, high=100
            )
            for name, path in (
                ("dashboard", "dashboard"),
                ("coverage", "coverage"),
                ("tasks", "tasks"),
                ("tasks, with criteria", "tasks?expand=acs"),
            ):
                yield from server.asked(name, [path], connections, target=50 if connections == _FEW else None)
        slowest = max(server.slowest(f"search?{urlencode({'q': q})}") for q in _HOSTILE)
        yield Figure("search: the slowest of hostile queries", "ms", slowest * 1000, 1000, count=f"{len(_HOSTILE)} queries, 5 times")
        yield from server.previews()
        yield from server.saves(chosen.saves)
        yield from server.pushes()


def searches(count: int, specs: int) -> list[str]:
    """Return so many queries, as they stand behind the `?`; the same every time."""
    source = random.Random(7)
    words = sorted(set(" ".join(corpus.spec(number, specs) for number in range(20)).lower().split()) & set(corpus.WORDS))

    def word() -> str:
        return source.choice(words)

    kinds = (
        lambda: {"q": corpus.WORDS[source.randrange(5)]},
        lambda: {"q": word()},
        lambda: {"q": f"{word()} {word()}"},
        lambda: {"q": f"{word()} {word()} {word()}"},
        lambda: {"q": word()[:3]},
        lambda: {"q": word()[:2] + word()[3:]},
        lambda: {"q": str(source.randrange(specs))},
        lambda: {"q": word(), "team": source.choice(("growth", "data"))},
        lambda: {"q": word(), "status": source.choice(("todo", "blocked", "done"))},
        lambda: {"q": word(), "tag": word(), "repo": "handbook"},
        lambda: {"status": source.choice(("todo", "done"))},
        lambda: {"q": f'"{word()}" & !({word()}) | -{word()}:*'},
        lambda: {"q": word(), "offset": str(source.randrange(20, 200))},
        lambda: {"q": f"{word()} qwertzuiop"},
    )
    return [urlencode(kinds[number % len(kinds)]()) for number in range(count)]


@dataclass
class Server:
    """The Canonry that is asked."""

    canonry: Canonry
    chosen: argparse.Namespace

    def __post_init__(self) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", self.canonry.port, timeout=60)
        self._made = self.canonry.api("POST", "/v1/repositories", {"name": "handbook"})["repository"]
        self._handle = self._made["owner"]
        self._person = Person(self.canonry.folder / "specs")

    def fill(self) -> Iterator[Figure]:
        """Push the corpus and wait until it is indexed."""
        say(f"pushing {self.chosen.count:,} specs")
        corpus.write(self._person.tree, self.chosen.count)
        self._push("specs", self.canonry.home / "repositories" / f"{self._made['id']}.git")
        self.canonry.api("POST", "/v1/repositories/handbook/refresh")
        run = eventually(self._last_run, lambda run: run["changed"] >= self.chosen.count, within=_LONGEST, every=0.5)
        yield Figure(f"first index of {self.chosen.count:,}", "s", _seconds(run), 15, count="1 time")

    def asked(
        self, name: str, paths: Sequence[str], connections: int, *, target: float | None, high: float | None = None
    ) -> Iterator[Figure]:
        """Ask for these addresses in turn, after each was asked for once. Raises: RuntimeError when an answer is not 200."""
        whole = [f"/app/{self._handle}/api/{path}" for path in paths]
        self._asked(whole, _SOME, 2)
        yield from _both(f"{name}, {connections} at a time", self._asked(whole, connections, self.chosen.seconds), target, high)

    def _asked(self, paths: Sequence[str], connections: int, seconds: float, bodies: Sequence[bytes] = ()) -> list[float]:
        """Return how long each answer took."""
        port, head = self.canonry.port, f"Authorization: Bearer {self.canonry.token()}\r\nAccept: application/json\r\n"
        if bodies:
            head += "Content-Type: application/json\r\n"
        run = load.run(
            "127.0.0.1", port, f"localhost:{port}", connections=connections, seconds=seconds, path=paths, head=head, bodies=bodies
        )
        if run.wrong:
            raise RuntimeError(f"{paths[0]}: {run.wrong} wrong answers: {run.faults}")
        return run.times

    def slowest(self, path: str) -> float:
        """Return the longest of five times that an answer took."""
        return max(self._timed("GET", f"/app/{self._handle}/api/{path}")[0] for _ in range(5))

    def previews(self) -> Iterator[Figure]:
        """Have texts shown that are being edited."""
        where = [f"/app/{self._handle}/editor/{self._handle}/handbook/preview"]
        texts = [json.dumps({"content": corpus.spec(number)}).encode() for number in range(50)]
        self._asked(where, 1, 1, texts)
        yield from _both("preview of a spec of 6 KB", self._asked(where, 1, max(3, self.chosen.seconds), texts), None, 5)

    def saves(self, count: int) -> Iterator[Figure]:
        """Save one spec after the other, and wait after each until what was written is found."""
        base, times, found, fresh = f"/app/{self._handle}/editor/{self._handle}/handbook/docs/specs", [], [], []
        for number in range(count):
            name, mark = f"spec-{number * 7 % self.chosen.count:05}.md", f"zyx{number}q"
            before = self._timed("GET", f"{base}/{name}/json")[1]
            began = time.perf_counter()
            took, _ = self._timed("POST", f"{base}/{name}/save", {"content": before["content"] + f"\n{mark}\n", "sha": before["sha"]})
            times.append(took)
            while self._timed("GET", f"/app/{self._handle}/api/search?q={mark}")[1]["total"] == 0:
                time.sleep(0.002)
            found.append(time.perf_counter() - began)
            fresh.append(self._timed("GET", f"/app/{self._handle}/api/dashboard")[0])
        yield from _both("save through the editor", times, 60, 150)
        yield from _both("save until it is found", found, 200, None)
        yield from _both("dashboard after a save", fresh, None, None)

    def pushes(self) -> Iterator[Figure]:
        """Push changed specs; what the index takes for them."""
        for count, target in ((1, 200), (20, 300)):
            took = []
            for turn in range(7):
                self._person.git("pull", "-q", "--rebase", "origin", "main")
                for number in range(count):
                    spec = self._person.tree / "docs" / "specs" / f"spec-{(number * 31 + turn) % self.chosen.count:05}.md"
                    spec.write_text(spec.read_text() + f"\nTurn {turn}.\n")
                last = self._last_run()["id"]
                self._push("change", None)
                self.canonry.api("POST", "/v1/repositories/handbook/refresh")
                took.append(_seconds(self._run_after(last)))
            yield Figure(f"index of {count} changed", "ms", statistics.median(took) * 1000, target, count=f"{len(took)} times")

    def _run_after(self, last: int) -> Any:  # noqa: ANN401 -- JSON
        return eventually(self._last_run, lambda run: bool(run["id"] > last and run["ended_at"]))

    def _push(self, message: str, origin: object) -> None:
        person = self._person
        if origin is not None:
            person.git("remote", "add", "origin", str(origin))
        person.git("add", "-A")
        person.git("commit", "-qm", message)
        person.git("push", "-q", "origin", "HEAD:main")

    def _last_run(self) -> Any:  # noqa: ANN401 -- JSON
        return self.canonry.api("GET", "/app/admin/api/indexing")["recent_jobs"][0]

    def _timed(self, method: str, path: str, body: object = None) -> tuple[float, Any]:
        headers = {"Authorization": f"Bearer {self.canonry.token()}", "Content-Type": "application/json", "Accept": "application/json"}
        payload = None if body is None else json.dumps(body).encode()
        began = time.perf_counter()
        self._connection.request(method, path, payload, {"Host": f"localhost:{self.canonry.port}", **headers})
        answer = self._connection.getresponse()
        text = answer.read()
        took = time.perf_counter() - began
        if answer.status != 200:
            raise RuntimeError(f"{method} {path[:200]}: {answer.status} {text[:300]!r}")
        return took, json.loads(text)


def _both(name: str, seconds: Sequence[float], target: float | None, high: float | None) -> Iterator[Figure]:
    """Give the median and the 99th percentile of times."""
    times = [second * 1000 for second in seconds]
    yield Figure(name, "ms", statistics.median(times), target, count=f"{len(times):,} requests")
    yield Figure(f"{name}: 99th percentile", "ms", percentile(times, 99), high, count=f"{len(times):,} requests")


def _seconds(run: Any) -> float:  # noqa: ANN401 -- JSON
    from datetime import datetime  # noqa: PLC0415

    return (datetime.fromisoformat(run["ended_at"]) - datetime.fromisoformat(run["started_at"])).total_seconds()


if __name__ == "__main__":
    main()
