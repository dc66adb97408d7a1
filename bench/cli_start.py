"""Start-up time of the CLI: `canonry --help` and `canonry projects ls` as whole processes.

    python bench/cli_start.py [--runs 21] [--json]

`projects ls` talks to a small server of its own that answers at once, so the figure is the client's share. Targets: p50 150 and 250 ms.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

SOURCE = Path(__file__).parents[1] / "src"
TARGETS = {"canonry --help": 150, "canonry projects ls": 250}
PROJECT = {"slug": "shop", "status": "running", "instances": 1, "url": "http://shop.localhost"}


class Answering(BaseHTTPRequestHandler):
    """Answers every GET with ten projects."""

    def do_GET(self) -> None:
        """Answer."""
        body = json.dumps({"projects": [PROJECT] * 10, "next_cursor": None}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def main() -> None:
    """Measure both commands and print a table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=21, help="How often each command is run.")
    parser.add_argument("--json", action="store_true", help="Print one JSON document.")
    options = parser.parse_args()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as folder:
        found = [measure(name, environment_for(folder, server.server_address[1]), options.runs) for name in TARGETS]
    server.shutdown()
    server.server_close()
    if options.json:
        print(json.dumps(found, indent=2))
        return
    print(f"{'command':<22} {'p50':>8} {'p95':>8} {'target':>8}   ({options.runs} runs)")
    for item in found:
        print(f"{item['command']:<22} {item['p50_ms']:>5.0f} ms {item['p95_ms']:>5.0f} ms {item['target_ms']:>5.0f} ms")


def environment_for(folder: str, port: int) -> dict[str, str]:
    """Return the environment of the processes. Their byte code lies in `folder`, as an installed program has it, too."""
    return {
        "PATH": os.environ["PATH"], "HOME": folder, "PYTHONPATH": str(SOURCE), "PYTHONPYCACHEPREFIX": f"{folder}/byte code",
        "CANONRY_CONFIG": folder, "CANONRY_URL": f"http://127.0.0.1:{port}", "CANONRY_TOKEN": "cnr_bench",
    }  # fmt: skip


def measure(name: str, environment: dict[str, str], runs: int) -> dict[str, object]:
    """Run one command once to warm up and then `runs` times; return its figures in milliseconds."""
    command = [sys.executable, "-m", "canonry.cli.main", *name.split()[1:]]
    times = []
    for _ in range(runs + 1):
        started = time.perf_counter()
        subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)
        times.append((time.perf_counter() - started) * 1000)
    times = sorted(times[1:])
    p95 = times[min(len(times) - 1, round(len(times) * 0.95))]
    return {
        "command": name,
        "p50_ms": round(statistics.median(times), 1),
        "p95_ms": round(p95, 1),
        "target_ms": TARGETS[name],
        "runs": runs,
    }


if __name__ == "__main__":
    main()
