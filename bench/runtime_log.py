"""No line of an app is lost while Canonry is killed and started again.

    python -m bench.runtime_log [--rate 50000] [--seconds 10]

One app writes numbered lines at the rate for the time. In the middle Canonry's Python gets `kill -9`, and `canonry up` starts it again.
Afterwards every line is read through the API, page by page by its cursor, and the missing numbers are counted.
"""

import argparse
import itertools
import time
from collections.abc import Iterator
from urllib.parse import quote

from bench.bed import fresh_canonry
from bench.figures import Figure, report, say
from tests.support.canonry import Canonry, write_server

_PAGE = 5000
_WRITER = """
import sys, threading, time
RATE, SECONDS, BURST = {rate}, {seconds}, 500
def write_lines():
    time.sleep(4)  # until the deploy has ended
    began, number, late = time.perf_counter(), 0, 0.0
    print("begin", flush=True)
    while number < RATE * SECONDS:
        sys.stdout.write("".join("line %08d of an app that writes a lot\\n" % n for n in range(number, number + BURST)))
        number += BURST
        pause = began + number / RATE - time.perf_counter()
        if pause > 0:
            sys.stdout.flush()
            time.sleep(pause)
    sys.stdout.flush()
    print("end after %.2f s" % (time.perf_counter() - began), flush=True)
threading.Thread(target=write_lines, daemon=True).start()
"""


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=int, default=50_000)
    parser.add_argument("--seconds", type=int, default=10)
    report(measure, parser)


def measure(chosen: argparse.Namespace) -> Iterator[Figure]:
    """Deploy the writer, kill Canonry while it writes, read everything."""
    with fresh_canonry() as canonry:
        code = _WRITER.format(rate=chosen.rate, seconds=chosen.seconds)
        canonry.must("deploy", str(write_server(canonry.folder / "writer", "writer", code=code)), "--project", "writer")
        time.sleep(4 + chosen.seconds / 2)
        canonry.kill("canonry")
        time.sleep(1)
        began = time.monotonic()
        canonry.up()
        say(f"killed in the middle, up again after {time.monotonic() - began:.1f} s")
        time.sleep(chosen.seconds / 2)
        began = time.monotonic()
        texts = _read_to_the_end(canonry)
        seconds = time.monotonic() - began
    end = next(text for text in texts if text.startswith("end after"))
    numbers = [int(text.split()[1]) for text in texts if text.startswith("line ")]
    wanted = chosen.rate * chosen.seconds
    say(f"the app: {end}; {len(numbers):,} lines read in {seconds:.1f} s ({len(numbers) / seconds:,.0f}/s)")
    yield Figure("runtime log: lines lost", "", wanted - len(set(numbers)), 0, count=f"of {wanted:,}, written: {end}")
    yield Figure("  lines twice or out of order", "", sum(b != a + 1 for a, b in itertools.pairwise(numbers)), 0)


def _read_to_the_end(canonry: Canonry) -> list[str]:
    texts: list[str] = []
    query, empty = "since=1h", 0
    while empty < 60:
        page = canonry.api("GET", f"/v1/projects/writer/logs?{query}&limit={_PAGE}")
        texts += [line["text"] for line in page["lines"]]
        query = f"cursor={quote(page['next_cursor'])}"
        if any(text.startswith("end after") for text in texts[-2:]):
            break
        if not page["lines"]:  # it still writes
            empty += 1
            time.sleep(0.5)
    return texts


if __name__ == "__main__":
    main()
