"""Failed requests while an app is deployed 20 times: 500 requests a second, half on kept connections, half on new ones.

    python -m bench.failed_requests [--deploys 20] [--rate 500] [--drain 2]

The visitors come at their rate whether or not answers come back. The deploys are `canonry deploy` processes on the same machine, one
after the other. The drain window is short (2 s instead of 30), so that old instances do end under the load. Any answer but 200 is a
failure, and so is none.
"""

import argparse
import time
from collections.abc import Iterator

from bench.bed import fresh_canonry
from bench.deploy import APPS
from bench.figures import Figure, percentile, report, say
from bench.visitors import Visitors


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--deploys", type=int, default=20)
    parser.add_argument("--rate", type=int, default=500)
    parser.add_argument("--drain", type=int, default=2)
    report(measure, parser)


def measure(chosen: argparse.Namespace) -> Iterator[Figure]:
    """Let the visitors come, deploy again and again, count."""
    app = next(app for app in APPS if app.name == "flask")
    with fresh_canonry(CANONRY_DRAIN_SECONDS=str(chosen.drain)) as canonry:
        folder = app.write(canonry.folder / app.name)
        app.deploy(canonry, folder)
        visitors = Visitors(canonry.port, "bench-flask.localhost", chosen.rate)
        visitors.start()
        began = time.monotonic()
        for number in range(chosen.deploys):
            say(f"deploy {number + 1}: {app.deploy(canonry, folder).served:.2f} s under load")
        time.sleep(max(chosen.drain + 1.0, 10_500 / chosen.rate - (time.monotonic() - began)))
        seconds = time.monotonic() - began
        visits = visitors.stop()
    say(f"{visits.asked:,} requests at {visits.asked / seconds:.0f}/s, {visits.repeated} repeated, {visits.late} sent late")
    times = sorted(second * 1000 for second in visits.seconds)
    say(f"answers: p50 {percentile(times, 50):.1f} ms, p99 {percentile(times, 99):.1f} ms, slowest {times[-1]:.0f} ms")
    for fault, count in visits.failed.most_common(5):
        say(f"  {count} x {fault}")
    yield Figure(f"failed requests in {chosen.deploys} deploys", "", visits.asked - visits.right, 0,
                 count=f"{visits.asked:,} requests, {visits.repeated} repeated")  # fmt: skip
    yield Figure("  requests made meanwhile", "", visits.asked, 10_000, at_least=True)


if __name__ == "__main__":
    main()
