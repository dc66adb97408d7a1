"""`make demo`: Canonry in `.demo/` of this checkout, with the three examples live. `make demo-stop` ends it.

It has its own home and its own credentials, so a Canonry that this user works with is left alone.
"""

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HOME = ROOT / ".demo"
CREDENTIALS = HOME / "config" / "credentials.json"
CANONRY = str(ROOT / ".venv" / "bin" / "canonry")
EXAMPLES = ("static-site", "flask-notes", "node-express")
FIRST_PORT = 8080
LAST_PORT = 8099
PORT_TAKEN = 12  # exit code of `canonry up`
OURS = {"CANONRY_HOME", "CANONRY_CONFIG", "CANONRY_URL", "CANONRY_TOKEN", "CANONRY_HTTP_PORT", "CANONRY_DATABASE_URL"}


def main(arguments: list[str]) -> int:
    """Run `start` or `stop` and return the exit code."""
    try:
        return {"start": start, "stop": stop}[arguments[0]]()
    except KeyboardInterrupt:
        print("\nInterrupted. What already runs goes on: `make demo` continues, `make demo-stop` ends it.", file=sys.stderr)
        return 130


def start() -> int:
    """Bring Canonry up, deploy the examples, say where they are."""
    began = time.monotonic()
    code = bring_up()
    for name in EXAMPLES if code == 0 else ():
        print(f"\n== examples/{name}", flush=True)
        code = canonry("deploy", f"examples/{name}", "--project", name)
        if code != 0:
            print(f"\nexamples/{name} did not become live. Canonry goes on running; `make demo-stop` ends it.", file=sys.stderr)
            break
    return code or report(time.monotonic() - began)


def stop() -> int:
    """Stop everything that the demo started; its data stays."""
    if not HOME.is_dir():
        print("There is no demo here.")
        return 0
    code = canonry("down", "--home", str(HOME))
    if code == 0:
        print("The demo is stopped. `make demo` brings it back; `rm -rf .demo` forgets it.")
    return code


def bring_up() -> int:
    """Start Canonry on the port it had last time, else on the first free one; return the exit code."""
    if running_at():
        return 0
    HOME.mkdir(mode=0o711, exist_ok=True)
    last = last_port()
    for port in dict.fromkeys([last or FIRST_PORT, *range(FIRST_PORT, LAST_PORT + 1)]):
        if last not in {None, port}:
            CREDENTIALS.unlink(missing_ok=True)  # they name the old port; `up` writes new ones
        code = canonry("up", "--home", str(HOME), "--http-port", str(port), "--detach")
        if code != PORT_TAKEN:
            return code
        print(f"Port {port} belongs to another program; trying the next one.", flush=True)
    print(f"No port from {FIRST_PORT} to {LAST_PORT} is free.", file=sys.stderr)
    return PORT_TAKEN


def report(seconds: float) -> int:
    """Ask each project for its page once and print the addresses. Returns 1 when one does not answer."""
    projects = json.loads(output("projects", "ls", "--json"))
    listed = projects["projects"] if isinstance(projects, dict) else projects
    urls = {project["slug"]: project["url"] for project in listed}
    states = {name: answer(urls[name]) for name in EXAMPLES}
    width = max(len(url) for url in urls.values())
    print(f"\nThree apps are live after {seconds:.0f} s:\n" if all(states.values()) else "\nNot every app answers:\n")
    for name, state in states.items():
        print(f"  {name:<14} {urls[name]:<{width}}  {state or 'does not answer'}")
    print(f"\n  Canonry itself {running_at()}\n\nThey go on running. Stop them: make demo-stop")
    print(f"To use this Canonry from a terminal: export CANONRY_CONFIG='{CREDENTIALS.parent}' and then .venv/bin/canonry --help")
    return 0 if all(states.values()) else 1


def answer(url: str) -> str:
    """Return the status line of a page, or nothing. `*.localhost` needs no DNS: the host goes into the header."""
    address = urllib.parse.urlsplit(url)
    request = urllib.request.Request(f"http://127.0.0.1:{address.port or 80}/", headers={"Host": address.netloc})
    try:
        with urllib.request.urlopen(request, timeout=10) as page:  # noqa: S310 -- loopback
            return f"{page.status} {page.reason}"
    except (urllib.error.URLError, OSError):
        return ""


def running_at() -> str:
    """Return the address of the demo's Canonry, or nothing when it does not run."""
    try:
        urls = json.loads(output("status", "--home", str(HOME), "--json"))["urls"]
    except (ValueError, KeyError):
        return ""
    return str(urls[0]) if urls else ""


def last_port() -> int | None:
    """Return the port of the last time, as the credentials remember it."""
    try:
        return int(json.loads(CREDENTIALS.read_text())["url"].rpartition(":")[2])
    except (OSError, ValueError, KeyError):
        return None


def canonry(*words: str) -> int:
    """Run a command of Canonry in the demo's own world; its output goes to the terminal."""
    return subprocess.run([CANONRY, *words], cwd=ROOT, env=environment(), stdin=subprocess.DEVNULL, check=False).returncode


def output(*words: str) -> str:
    """Run a command of Canonry and return what it prints."""
    command = [CANONRY, *words]
    done = subprocess.run(command, cwd=ROOT, env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=False)
    return done.stdout


def environment() -> dict[str, str]:
    """Return our environment with the demo's home and credentials in place of the user's own."""
    kept = {name: value for name, value in os.environ.items() if name not in OURS}
    return {**kept, "CANONRY_CONFIG": str(CREDENTIALS.parent), "CANONRY_HOME": str(HOME)}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
