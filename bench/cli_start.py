"""Start-up time of the CLI: `canonry --help` and `canonry projects ls` as whole processes.

    python -m bench.cli_start

`projects ls` talks to a small server of its own that answers at once, so the figure is the client's share. Targets: p50 150 and 250 ms.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from bench.figures import Figure, figure_of, report

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
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=21, help="how often each command is run")
    report(measure, parser)


def measure(chosen: argparse.Namespace) -> Iterator[Figure]:
    """Run each command so many times and once before, to warm up."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with tempfile.TemporaryDirectory() as folder:
            environment = environment_for(folder, server.server_address[1])
            for name, target in TARGETS.items():
                yield figure_of(name, [run(name, environment) for _ in range(chosen.runs + 1)][1:], target=target)
    finally:
        server.shutdown()
        server.server_close()


def environment_for(folder: str, port: int) -> dict[str, str]:
    """Return the environment of the processes. Their byte code lies in `folder`, as an installed program has it, too."""
    return {
        "PATH": os.environ["PATH"], "HOME": folder, "PYTHONPATH": str(SOURCE), "PYTHONPYCACHEPREFIX": f"{folder}/byte code",
        "CANONRY_CONFIG": folder, "CANONRY_URL": f"http://127.0.0.1:{port}", "CANONRY_TOKEN": "cnr_bench",
    }  # fmt: skip


def run(name: str, environment: dict[str, str]) -> float:
    """Run one command and return the seconds it took."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-m", "canonry.cli.main", *name.split()[1:]], env=environment, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
