"""post-receive, as its own small program: starts the deployment of a push and shows its log in the pusher's terminal.

Run by path (`python -I -S hook.py`) inside git, with nothing of Canonry imported: it must be there at once. It is a client of the
public API, over the web process's unix socket, with the pusher's own token. It always ends with 0: the push itself is accepted.

In: lines `old new ref` on stdin. In the environment: CANONRY_PUSH_SOCKET, CANONRY_PUSH_REPOSITORY, CANONRY_PUSH_PROJECT (empty: nothing
is deployed), CANONRY_PUSH_SHARED (set: several projects are deployed from it, and Canonry is asked which), CANONRY_PUSH_BRANCH,
CANONRY_PUSH_TOKEN, CANONRY_PUSH_ADDRESS (where the pusher is).
"""

import json
import os
import re
import socket
import sys
import time
from collections.abc import Iterator

CONNECT_SECONDS = 10.0
SILENCE_SECONDS = 120.0
TOTAL_SECONDS = 3600.0
ANNOUNCE_SECONDS = 5.0

_ENVIRONMENT = os.environ  # noqa: TID251 -- a program of its own: git hands it what it needs, and settings.py is out of reach
SOCKET = _ENVIRONMENT.get("CANONRY_PUSH_SOCKET", "")
REPOSITORY = _ENVIRONMENT.get("CANONRY_PUSH_REPOSITORY", "")
TOKEN = _ENVIRONMENT.get("CANONRY_PUSH_TOKEN", "")
ADDRESS = _ENVIRONMENT.get("CANONRY_PUSH_ADDRESS", "")

_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-ln-z]|\x1b[^\[]|[\x00-\x08\x0a-\x1a\x1c-\x1f\x7f]")  # colours stay
_GOES_ON = "The deployment goes on without this terminal; `canonry logs` and the dashboard show it."


def main() -> None:
    """Read what was pushed, have it indexed, deploy the project's branch when it is among it, and say what happens."""
    branch = _ENVIRONMENT.get("CANONRY_PUSH_BRANCH", "main")
    updates = [line.split() for line in sys.stdin if len(line.split()) == 3]
    wanted = [new for _, new, ref in updates if ref == f"refs/heads/{branch}"]
    others = [ref for _, new, ref in updates if ref != f"refs/heads/{branch}" and new.strip("0")]
    if wanted:
        announce()
    if _ENVIRONMENT.get("CANONRY_PUSH_SHARED"):
        deploy_shared([ref.removeprefix("refs/heads/") for _, new, ref in updates if ref.startswith("refs/heads/") and new.strip("0")])
        return
    if not _ENVIRONMENT.get("CANONRY_PUSH_PROJECT"):
        return
    if wanted and not wanted[-1].strip("0"):
        say(f"{branch} was deleted: nothing is deployed, and what is live stays live.")
    elif wanted and has_moved_on(branch, wanted[-1]):
        say("Superseded: a newer push is deployed instead of this one.")
    elif wanted:
        deploy(_ENVIRONMENT.get("CANONRY_PUSH_PROJECT", ""), wanted[-1])
    elif others:
        name = others[0].removeprefix("refs/heads/").removeprefix("refs/tags/")
        say(f"Nothing is deployed: only {branch} is. To deploy this: git push <remote> {name}:{branch}")
        if others[0].startswith("refs/heads/"):
            say(f"To see it on a URL of its own: canonry previews create {name}")


def announce() -> None:
    """Tell Canonry that the branch moved. Without an answer it finds out by itself, a little later."""
    connection = connect(SOCKET, seconds=1.0)
    if connection is None:
        return
    with connection:
        connection.settimeout(ANNOUNCE_SECONDS)
        try:
            connection.sendall(request(f"/v1/repositories/{REPOSITORY}/refresh", b"", "application/json"))
            Answer(connection, time.monotonic() + ANNOUNCE_SECONDS)
        except (TimeoutError, OSError, ValueError, IndexError):
            return


def has_moved_on(branch: str, commit: str) -> bool:
    """Say whether somebody has pushed since: what is asked for last goes live, so the older commit must not be asked for after theirs."""
    try:
        with open(f"refs/heads/{branch}", encoding="ascii") as file:  # noqa: PTH123 -- no pathlib here; git runs us in the repository
            return file.read().strip() not in {"", commit}
    except OSError:  # packed, or gone
        return False


def deploy(project: str, commit: str) -> None:
    """Ask the API for a deployment of `commit` and show it to its end."""
    stop = time.monotonic() + TOTAL_SECONDS
    connection = connect(SOCKET)
    if connection is None:
        say("The push is kept, but Canonry does not answer just now, so nothing is deployed yet. `canonry deploy` or another push will.")
        return
    with connection:
        body = json.dumps({"ref": commit}).encode()
        try:
            connection.sendall(request(f"/v1/projects/{project}/deploy/stream", body, "text/event-stream"))
            show(Answer(connection, stop))
        except (TimeoutError, OSError, ValueError):
            say(f"No more news from Canonry. {_GOES_ON}")


def deploy_shared(branches: list[str]) -> None:
    """Ask the API to deploy the projects that the push concerns, say which those are, and show each to its end."""
    started = list[tuple[str, str]]()
    for branch in branches:
        for name, outcome_of, deployment in ask_which(branch):
            say(f"{name}: {outcome_of}")
            if deployment:
                started.append((name, deployment))
    stop = time.monotonic() + TOTAL_SECONDS
    for name, deployment in started:
        say(f"--- {name}")
        connection = connect(SOCKET)
        if connection is None:
            say(f"No more news from Canonry. {_GOES_ON}")
            return
        with connection:
            try:
                connection.sendall(request(f"/v1/deployments/{deployment}/logs/stream", b"", "text/event-stream", method="GET"))
                show(Answer(connection, stop))
            except (TimeoutError, OSError, ValueError):
                say(f"No more news from Canonry. {_GOES_ON}")


def ask_which(branch: str) -> Iterator[tuple[str, str, str]]:
    """Have the projects of a branch deployed; give the name of each, what becomes of it in words, and its deployment or nothing."""
    connection = connect(SOCKET)
    if connection is None:
        say("The push is kept, but Canonry does not answer just now, so nothing is deployed yet. Another push will, or `canonry deploy`.")
        return
    with connection:
        try:
            body = json.dumps({"branch": branch}).encode()
            connection.sendall(request(f"/v1/repositories/{REPOSITORY}/deployments", body, "application/json"))
            answer = Answer(connection, time.monotonic() + TOTAL_SECONDS)
            if answer.status != 202:
                show(answer)
                return
            projects = json.loads("\n".join(answer.lines()))["projects"]
        except (TimeoutError, OSError, ValueError, KeyError):
            say(f"No news from Canonry. {_GOES_ON}")
            return
    if not projects:
        say(f"Nothing is deployed: no project of this repository deploys {branch}.")
    for item in projects:
        yield str(item["project"]), str(item["outcome"]), str(item["deployment_id"] or "")


def request(path: str, body: bytes, accept: str, *, method: str = "POST") -> bytes:
    """Return a request in the pusher's name, as it goes over the socket."""
    origin = f"X-Forwarded-For: {ADDRESS}\r\n" if ADDRESS else ""
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n{origin}Accept: {accept}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body


def connect(socket_path: str, seconds: float = CONNECT_SECONDS) -> socket.socket | None:
    """Return a connection to the API; a server that is just restarting gets some seconds."""
    stop = time.monotonic() + seconds
    while True:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(SILENCE_SECONDS)
        try:
            connection.connect(socket_path)
            return connection
        except OSError:
            connection.close()
            if time.monotonic() > stop:
                return None
            time.sleep(0.1)


class Answer:
    """An HTTP answer that is read as it comes."""

    def __init__(self, connection: socket.socket, stop: float) -> None:
        self._stream = connection.makefile("rb")
        self._connection = connection
        self._stop = stop
        self.status = int(self._line().split()[1])
        headers = dict(line.lower().split(": ", 1) for line in iter(self._line, "") if ": " in line)
        self._chunked = headers.get("transfer-encoding") == "chunked"

    def lines(self) -> Iterator[str]:
        """Give the lines of the body."""
        rest = b""
        for piece in self._pieces():
            *whole, rest = (rest + piece).split(b"\n")
            for line in whole:
                yield line.decode("utf-8", "replace").removesuffix("\r")
        if rest:
            yield rest.decode("utf-8", "replace")

    def _pieces(self) -> Iterator[bytes]:
        while True:
            left = self._stop - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self._connection.settimeout(min(SILENCE_SECONDS, left))
            if not self._chunked:
                piece = self._stream.read1(65536)
            else:
                size = int(self._line() or "0", 16)
                piece = self._stream.read(size)
                self._line()
            if not piece:
                return
            yield piece

    def _line(self) -> str:
        return self._stream.readline(65536).decode("latin-1").rstrip("\r\n")


def show(answer: Answer) -> None:
    """Print the events of a deployment, or why it was refused."""
    if answer.status != 200:
        fault = json.loads("\n".join(answer.lines()) or "{}")
        say(f"The push is kept, but nothing is deployed: {fault.get('message', f'HTTP {answer.status}')}")
        say(fault.get("hint", ""))
        return
    for name, data in events(answer.lines()):
        if name in {"step", "line"}:
            say(str(data.get("text", "")), keep_empty=True)
        elif name in {"done", "error"}:
            say(outcome(name, data))
            return
    say(f"The connection to Canonry broke. {_GOES_ON}")


def events(lines: Iterator[str]) -> Iterator[tuple[str, dict[str, object]]]:
    """Give the name and data of each server-sent event."""
    name, data = "message", list[str]()
    for line in lines:
        if line.startswith("event:"):
            name = line[6:].strip()
        elif line.startswith("data:"):
            data.append(line[5:].removeprefix(" "))
        elif not line and data:
            parsed = json.loads("\n".join(data))
            yield name, parsed if isinstance(parsed, dict) else {}
            name, data = "message", []


def outcome(name: str, data: dict[str, object]) -> str:
    """Return the last words about a deployment."""
    deployment = data.get("deployment")
    facts = deployment if isinstance(deployment, dict) else {}
    fault = facts.get("error")
    fault = fault if isinstance(fault, dict) else {}
    status = facts.get("status")
    if status == "superseded":
        return "Superseded: a newer push is deployed instead of this one."
    if name == "done" and status in {"live", None}:
        return str(facts.get("url") or "live, without an address")
    if status == "cancelled":
        return "The deployment was cancelled; what was live stays live."
    message = data.get("message") or fault.get("message") or f"the deployment ended as {status}"
    hint = data.get("hint") or fault.get("hint") or ""
    return f"failed: {message} {hint}".rstrip() + "\nThe push is kept; what was live stays live."


def say(text: str, *, keep_empty: bool = False) -> None:
    """Print lines to the pusher's terminal, without characters that would move its cursor."""
    for line in text.split("\n"):
        if line or keep_empty:
            os.write(1, (_CONTROL.sub("", line) + "\n").encode("utf-8", "replace"))


if __name__ == "__main__":
    try:
        main()
    except (OSError, KeyboardInterrupt, ValueError):
        sys.exit(0)  # nobody reads any more
