"""A small real HTTP server that speaks Canonry's API from memory, for the tests of the client and of the CLI.

What it answers is set on its fields before the calls; what it was asked is in `requests` and `archives` afterwards.
"""

import email
import email.policy
import io
import json
import tarfile
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

TOKEN = "cnr_test"
RUNTIME_PAGE = 3
Answer = tuple[int, dict[str, Any]]


@dataclass
class Asked:
    """One request as it came."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    document: Any = None


@dataclass
class ApiServer:
    """State of the server. Use as a context manager; `url` is where it answers.

    build: the log lines of every deployment; outcome: its last status; error: why it failed.
    breaks: after how many lines the log stream breaks off, one number for each connection, then no more breaks.
    hang: log streams stay open and silent after their lines.
    refusals: path → answer that is given instead of the real one. foreign: slugs that somebody else has.
    files: path → what can be downloaded there; None breaks off.
    """

    projects: dict[str, dict[str, Any]] = field(default_factory=dict)
    deployments: list[dict[str, Any]] = field(default_factory=list)
    instances: list[dict[str, Any]] = field(default_factory=list)
    previews: list[dict[str, Any]] = field(default_factory=list)
    volumes: list[dict[str, Any]] = field(default_factory=list)
    build: list[str] = field(default_factory=lambda: ["Found index.html", "Done"])
    runtime: list[str] = field(default_factory=list)
    outcome: str = "live"
    error: dict[str, str] | None = None
    breaks: list[int] = field(default_factory=list)
    refusals: dict[str, Answer] = field(default_factory=dict)
    files: dict[str, bytes | None] = field(default_factory=dict)
    foreign: set[str] = field(default_factory=set)
    reserved: set[str] = field(default_factory=set)
    plan: dict[str, Any] = field(default_factory=dict)
    hang: bool = False
    requests: list[Asked] = field(default_factory=list)
    archives: list[bytes] = field(default_factory=list)

    def __enter__(self) -> Self:
        self.closing = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"state": self}))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()

    def paths_in_last_archive(self) -> list[str]:
        """Return the sorted names in the archive that was uploaded last."""
        with tarfile.open(fileobj=io.BytesIO(self.archives[-1])) as tar:
            return sorted(tar.getnames())

    def asked(self, method: str, path: str) -> list[Asked]:
        """Return the requests of this method and path."""
        return [item for item in self.requests if (item.method, item.path) == (method, path)]

    def add_project(self, slug: str, **fields: object) -> dict[str, Any]:
        """Make a project."""
        self.projects[slug] = {
            "id": f"prj_{len(self.projects):016x}", "name": slug, "slug": slug, "handle": "ada", "status": "new",
            "url": f"http://{slug}.localhost",
            "repo_url": None, "repo_branch": "main", "is_connected": False, "node_version": None, "python_version": None,
            "install_command": None, "build_command": None, "start_command": None,
            "output_dir": None, "root_dir": None, "health_path": None, "health_timeout": None, "runtime": None,
            "instances": 1, "memory_mb": 512, "git_url": f"{self.url}/git/ada/{slug}.git", "created_at": "2026-01-01T00:00:00+00:00",
            "updated_at": "2026-01-01T00:00:00+00:00", **fields,
        }  # fmt: skip
        return self.projects[slug]

    def add_deployment(self, slug: str, **fields: object) -> dict[str, Any]:
        """Make a deployment, the newest first in the list."""
        number = len(self.deployments)
        deployment = {
            "id": f"dep_{number:016x}", "project_id": self.projects[slug]["id"], "slug": slug, "environment": "production",
            "status": "queued",
            "step": None, "trigger": "upload", "ref": None, "commit": None, "commit_message": None,
            "artifact_id": f"art_{number}",
            "release_id": f"rel_{number}", "reused": False, "url": self.projects[slug]["url"], "error": None,
            "created_at": "2026-01-01T00:00:00+00:00", "started_at": None, "finished_at": None, **fields,
        }  # fmt: skip
        self.deployments.insert(0, deployment)
        return deployment

    def find(self, deployment: str) -> dict[str, Any] | None:
        """Return a deployment by its id."""
        return next((item for item in self.deployments if item["id"] == deployment), None)

    def finish(self, deployment: dict[str, Any]) -> None:
        """Let a deployment end as `outcome` says."""
        deployment.update(status=self.outcome, error=self.error)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state: ApiServer

    def log_message(self, format: str, *_: object) -> None:  # noqa: A002 -- the name that http.server gives it
        """Say nothing on stderr."""

    def handle_any(self) -> None:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        asked = Asked(self.command, parts.path, query, dict(self.headers), _document(self.headers, body, self.state))
        self.state.requests.append(asked)
        self.close_connection = True
        if parts.path.endswith("/logs/stream") and not _refusal(self.state, asked):
            self._stream(asked)
        elif parts.path in self.state.files and not _refusal(self.state, asked):
            self._file(self.state.files[parts.path])
        else:
            self._send(*_answer(self.state, asked))

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any  # noqa: N815 -- the names that http.server calls

    def _send(self, status: int, document: dict[str, Any]) -> None:
        body = json.dumps(document).encode() if status != 204 else b""
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if status == 429:
            self.send_header("Retry-After", "7")
        self.end_headers()
        self.wfile.write(body)

    def _file(self, content: bytes | None) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        piece = content or b"its beginning"
        self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        if content is not None:
            self.wfile.write(b"0\r\n\r\n")

    def _stream(self, asked: Asked) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        is_build = asked.path.startswith("/v1/deployments/")
        after = int(asked.headers.get("Last-Event-ID", "0"))
        limit = self.state.breaks.pop(0) if self.state.breaks else None
        lines = (_build_lines(self.state) if is_build else _runtime_lines(self.state))[after:]
        for cursor, line in enumerate(lines[:limit], after + 1):
            # As in the real server, every build line carries a cursor, but only the last runtime line of a page.
            self._event("line", line, str(cursor) if is_build or cursor % RUNTIME_PAGE == 0 else "")
        if limit is not None:
            return
        if self.state.hang:
            self.state.closing.wait()
            return
        if is_build:
            deployment = self.state.find(asked.path.split("/")[3])
            assert deployment is not None
            self.state.finish(deployment)
            self._event("done", {"deployment": deployment})
        self.wfile.write(b"0\r\n\r\n")

    def _event(self, name: str, data: dict[str, Any], event_id: str = "") -> None:
        head = f"id: {event_id}\n" if event_id else ""
        text = f"{head}event: {name}\ndata: {json.dumps(data)}\n\n".encode()
        self.wfile.write(b"%x\r\n%b\r\n" % (len(text), text))
        self.wfile.flush()


def _build_lines(state: ApiServer) -> list[dict[str, Any]]:
    return [{"seq": at, "ts": "2026-01-01T00:00:00Z", "stream": "build", "text": text} for at, text in enumerate(state.build)]


def _runtime_lines(state: ApiServer) -> list[dict[str, Any]]:
    fixed = {"ts": "2026-01-01T00:00:00.123456+00:00", "instance": "ins_1", "process": "web.0", "deployment": "dep_1"}
    return [{**fixed, "text": text} for text in state.runtime]


def _rollback(state: ApiServer, slug: str) -> Answer:
    before = next((item for item in state.deployments if item["slug"] == slug and item["status"] == "superseded"), None)
    if before is None:
        return _error(409, "nothing_to_roll_back", f"{slug} has nothing to go back to.")
    return 201, {"deployment": state.add_deployment(slug, trigger="rollback", artifact_id=before["artifact_id"])}


def _document(headers: Any, body: bytes, state: ApiServer) -> object:  # noqa: ANN401 -- http.client's message type
    kind = headers.get("Content-Type", "")
    if kind.startswith("multipart/"):
        message = email.message_from_bytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + body, policy=email.policy.HTTP)
        state.archives += [bytes(part.get_content()) for part in message.iter_parts()]
        return "multipart"
    return json.loads(body) if body else None


def _refusal(state: ApiServer, asked: Asked) -> Answer | None:
    if asked.headers.get("Authorization") != f"Bearer {TOKEN}":
        return _error(401, "unauthenticated", "This token is unknown.")
    return state.refusals.get(asked.path)


def _error(status: int, code: str, message: str, **more: object) -> Answer:
    return status, {"error": code, "message": message, "request_id": "req_1", **more}


def _answer(state: ApiServer, asked: Asked) -> Answer:
    refusal = _refusal(state, asked)
    if refusal:
        return refusal
    words = asked.path.removeprefix("/v1/").split("/")
    if words == ["me"]:
        user, account = {"id": "usr_1", "email": "ada@example.com", "name": "Ada"}, {"id": "org_1", "handle": "ada"}
        return 200, {"authenticated": True, "user": user, "account": account, "permissions": ["projects:read"]}
    if words == ["deploy", "plan"]:
        return 200, {"plan": state.plan}
    if words == ["projects"]:
        return _create(state, asked) if asked.method == "POST" else _page(list(state.projects.values()), "projects", asked)
    if words[-1] == "scale":
        return _scale(asked)
    if words[0] == "deployments":
        return _of_deployment(state, asked, words)
    return _of_project(state, asked, words)


def _create(state: ApiServer, asked: Asked) -> Answer:
    slug = asked.document.get("slug") or asked.document["name"].lower()
    if slug in state.reserved:
        return _error(409, "slug_reserved", f"The slug {slug!r} is reserved.")
    if slug in state.projects or slug in state.foreign:
        return _error(409, "slug_taken", f"The slug {slug!r} is taken.")
    return 201, {"project": state.add_project(**{**asked.document, "slug": slug})}


def _page(found: list[dict[str, Any]], key: str, asked: Asked) -> Answer:
    start, size = int(asked.query.get("cursor", 0)), int(asked.query.get("limit", 20))
    after = start + size
    return 200, {key: found[start:after], "next_cursor": str(after) if after < len(found) else None}


def _of_deployment(state: ApiServer, asked: Asked, words: list[str]) -> Answer:
    deployment = state.find(words[1])
    if deployment is None:
        return _error(404, "deployment_not_found", f"There is no deployment {words[1]}.")
    verb = words[2] if len(words) > 2 else ""
    if verb == "logs":
        after, limit = int(asked.query.get("after", 0)), int(asked.query.get("limit", 100))
        lines = _build_lines(state)[after:][:limit]
        return 200, {"lines": lines, "next_seq": after + len(lines), "done": after + len(lines) == len(state.build)}
    if verb == "cancel":
        deployment["status"] = "cancelled"
    if verb in {"retry", "rollback"}:
        return 201, {"deployment": state.add_deployment(deployment["slug"], trigger=verb, artifact_id=deployment["artifact_id"])}
    return 200, {"deployment": deployment}


def _logs(state: ApiServer, asked: Asked) -> dict[str, Any]:
    """Answer on from a cursor, or back from the end; a search looks at three lines for one answer."""
    every = _runtime_lines(state)
    size, word = int(asked.query.get("limit", 100)), asked.query.get("q", "")
    if "cursor" in asked.query or "since" in asked.query:
        start = int(asked.query.get("cursor", 0))
        end = min(len(every), start + size)
        older, complete = None, end == len(every)
    else:
        end = int(asked.query.get("before", len(every)))
        start = max(0, end - (3 if word else size))
        older, complete = (str(start) if start else None), start == 0
    lines = [line for line in every[start:end] if word.lower() in line["text"].lower()]
    return {"lines": lines, "next_cursor": str(end), "older_cursor": older, "complete": complete}


def _of_project(state: ApiServer, asked: Asked, words: list[str]) -> Answer:
    project = state.projects.get(words[1])
    if project is None:
        return _error(404, "project_not_found", f"There is no project {words[1]}.")
    verb = words[2] if len(words) > 2 else ""
    if verb == "git":
        return _connection(state, project, asked)
    if verb == "previews":
        return _previews(state, asked, words[3:])
    if asked.method == "DELETE" and verb == "volumes":
        return 204, {}
    if asked.method == "DELETE":
        del state.projects[words[1]]
        return 204, {}
    if verb in {"upload", "deploy"}:
        return 202, {"deployment": state.add_deployment(words[1], trigger="upload" if verb == "upload" else "git")}
    if verb == "deployments":
        return _page([item for item in state.deployments if item["slug"] == words[1]], "deployments", asked)
    known = {"instances": state.instances, "volumes": state.volumes}
    if verb in known or verb == "logs":
        return 200, {verb: known[verb]} if verb in known else _logs(state, asked)
    if verb == "rollback":
        return _rollback(state, words[1])
    if verb in {"stop", "start"}:
        project["status"] = "stopped" if verb == "stop" else "running"
    elif asked.method == "PATCH":
        project.update(asked.document)
    return 200, {"project": project}


def _connection(state: ApiServer, project: dict[str, Any], asked: Asked) -> Answer:
    if asked.method == "DELETE":
        project["repo_url"] = None
        return 204, {}
    connection = {
        "connected": project["repo_url"] is not None, "repository": project["repo_url"], "branch": project["repo_branch"],
        "autoDeploy": True, "access": "deploy_key",
        "deployKey": "ssh-ed25519 AAAA canonry", "knownHosts": [{"host": "x.example", "fingerprint": "SHA256:x"}], "connectedAt": None,
        "webhook": {"url": f"{state.url}/hook", "configured": True, "secretSetAt": None,
                    "lastDelivery": {"at": "2026-01-01T00:00:00+00:00", "event": "push", "outcome": "a deployment"}},
    }  # fmt: skip
    if asked.method == "GET":
        return 200, connection
    if asked.path.endswith("/git") and asked.document["repo"] == "nonsense":
        return _error(400, "invalid_repository_url", "This is not the address of a repository.")
    if asked.path.endswith("/git"):
        project.update(repo_url=asked.document["repo"], repo_branch=asked.document.get("branch", "main"))
    return 201, {**project, "project": project, "webhookSecret": "5" * 64, "webhookUrl": f"{state.url}/hook", "webhookRegistered": False,
                 "connection": connection}  # fmt: skip


def _previews(state: ApiServer, asked: Asked, words: list[str]) -> Answer:
    if asked.method == "GET":
        return 200, {"previews": state.previews}
    if asked.method == "DELETE":
        state.previews = [item for item in state.previews if item["id"] != words[0]]
        return 204, {}
    if not words:
        state.previews.insert(0, _preview(f"prv_{len(state.previews)}", asked.document["branch"], "queued"))
        return 201, {"preview": state.previews[0], "url": state.previews[0]["url"], "status": "queued", "deployId": "dep_1",
                     "deployment": state.add_deployment("my-site", trigger="preview")}  # fmt: skip
    found = next(item for item in state.previews if item["id"] == words[0])
    found["status"] = "queued"
    return 201, {
        "preview": found,
        "url": found["url"],
        "status": "queued",
        "deployment": state.add_deployment("my-site", trigger="preview"),
    }


def _preview(preview_id: str, branch: str, status: str) -> dict[str, Any]:
    return {
        "id": preview_id, "url": f"http://my-site-{branch}.localhost", "branch": branch, "pull_request": None, "fork": None,
        "commit": "c" * 40, "commit_message": "Change", "status": status, "environment": f"preview/{branch}", "deployment_id": "dep_1",
        "expires_at": "2030-01-01T00:00:00+00:00", "created_at": "2026-01-01T00:00:00+00:00",
    }  # fmt: skip


def _scale(asked: Asked) -> Answer:
    one = {"process": "web", "instances": 2, "size": "s", "memory_mb": 256, "cpu": 0.5, "running": 2, "healthy": 1}
    if asked.method == "POST":
        return 200, {"scale": {**one, **asked.document}}
    return 200, {"processes": [one], "tiers": [{"size": "s", "memory_mb": 256, "cpu": 0.5}], "max_instances": 32}
