"""Repositories of the fake GitHub: real bare ones, with the contents API, branches and pull requests as GitHub answers them."""

import base64
import os
import re
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote

type Answer = tuple[int, Any] | tuple[int, Any, dict[str, str]]

NOT_FOUND: Answer = (404, {"message": "Not Found"})
_GIT = {
    "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null", "HOME": "/nonexistent", "LC_ALL": "C", "PATH": os.environ.get("PATH", ""),
    "GIT_COMMITTER_NAME": "GitHub", "GIT_COMMITTER_EMAIL": "noreply@github.com", "GIT_AUTHOR_NAME": "GitHub",
    "GIT_AUTHOR_EMAIL": "noreply@github.com",
}  # fmt: skip


@dataclass
class GitHubRepository:
    """One repository. number: stays when it is renamed. protected: branches that take no commit from the API."""

    name: str
    number: int
    folder: Path
    description: str = ""
    default_branch: str = "main"
    protected: set[str] = field(default_factory=set)
    pulls: list[dict[str, Any]] = field(default_factory=list)
    reviews: dict[int, list[dict[str, Any]]] = field(default_factory=dict)

    def git(self, *argv: str, stdin: bytes = b"", check: bool = True, more: dict[str, str] | None = None) -> str:
        """Run git in it; return what it wrote, "" when it failed and that is allowed. more: of its environment."""
        done = subprocess.run(["git", f"--git-dir={self.folder}", *argv], input=stdin, capture_output=True, check=False,
                              env={**_GIT, **(more or {})})  # fmt: skip
        assert done.returncode == 0 or not check, done.stderr.decode()
        return done.stdout.decode().strip() if done.returncode == 0 else ""

    def head(self, branch: str = "main") -> str:
        """Return where a branch stands, "" when there is none."""
        return self.git("rev-parse", "--verify", "--quiet", f"refs/heads/{branch}", check=False)

    def sha(self, path: str, branch: str = "main") -> str:
        """Return the blob id of a file, "" when there is none."""
        return self.git("rev-parse", "--verify", "--quiet", f"refs/heads/{branch}:{path}", check=False)

    def text(self, path: str, branch: str = "main") -> str:
        """Return a file, without its last line end."""
        return self.git("cat-file", "blob", f"refs/heads/{branch}:{path}")

    def commit(self, files: dict[str, bytes | None], message: str = "Change", branch: str = "main", author: str = "Grace") -> str:
        """Commit to a branch; it is made when the repository has none. Returns the commit."""
        parent = self.head(branch)
        with tempfile.TemporaryDirectory() as scratch:
            index = {"GIT_INDEX_FILE": str(Path(scratch) / "index")}
            if parent:
                self.git("read-tree", parent, more=index)
            for path, content in files.items():
                if content is None:
                    self.git("update-index", "--index-info", stdin=f"0 {'0' * 40}\t{path}\n".encode(), more=index)
                    continue
                blob = self.git("hash-object", "-w", "--stdin", stdin=content)
                self.git("update-index", "--add", "--cacheinfo", f"100644,{blob},{path}", more=index)
            tree = self.git("write-tree", more=index)
        who = {"GIT_AUTHOR_NAME": author, "GIT_AUTHOR_EMAIL": f"{author.lower()}@example.com"}
        commit = self.git("commit-tree", tree, *(["-p", parent] if parent else []), "-m", message, more=who)
        self.git("update-ref", f"refs/heads/{branch}", commit, parent or "0" * 40)
        return commit

    def describe(self, *, push: bool) -> dict[str, Any]:
        """Return it as the API shows it."""
        return {"id": self.number, "full_name": self.name, "name": self.name.partition("/")[2], "default_branch": self.default_branch,
                "description": self.description or None, "permissions": {"admin": False, "push": push, "pull": True}}  # fmt: skip

    def answer(self, method: str, rest: str, query: str, body: Any, who: str, *, push: bool) -> Answer:  # noqa: ANN401 -- JSON
        """Answer what is asked below it. push: whether the caller may."""
        if method != "GET" and not push and not rest.endswith("/reviews"):
            return 403, {"message": "Resource not accessible by personal access token"}
        for pattern, act in _ROUTES:
            if found := re.fullmatch(pattern, f"{method} {rest}"):
                return act(self, [unquote(part) for part in found.groups()], parse_qs(query), body, who)
        return NOT_FOUND


type _Act = Callable[[GitHubRepository, list[str], dict[str, list[str]], Any, str], Answer]


def _write(repository: GitHubRepository, parts: list[str], _query: object, body: Any, _who: str) -> Answer:  # noqa: ANN401 -- JSON
    path, branch = parts[0], body.get("branch", repository.default_branch)
    if not repository.head(branch):
        return 404, {"message": f"Branch {branch} not found"}
    if branch in repository.protected:
        return 409, {"message": "Could not create file: Changes must be made through a pull request."}
    there = repository.sha(path, branch)
    if there and "sha" not in body:
        return 422, {"message": 'Invalid request.\n\n"sha" wasn\'t supplied.'}
    if body.get("sha", "") != there:
        return 409, {"message": f"{path} does not match {body.get('sha')}"}
    content = base64.b64decode(body["content"], validate=True) if "content" in body else None
    commit = repository.commit({path: content}, body["message"], branch, body["author"]["name"])
    shown = {"path": path, "sha": repository.sha(path, branch)} if content is not None else None
    return 200 if there else 201, {"content": shown, "commit": {"sha": commit}}


def _make_ref(repository: GitHubRepository, _parts: object, _query: object, body: Any, _who: str) -> Answer:  # noqa: ANN401 -- JSON
    branch = body["ref"].removeprefix("refs/heads/")
    if repository.head(branch):
        return 422, {"message": "Reference already exists"}
    if not repository.git("cat-file", "-t", body["sha"], check=False):
        return 422, {"message": "Object does not exist"}
    repository.git("update-ref", body["ref"], body["sha"])
    return 201, {"ref": body["ref"], "object": {"sha": body["sha"]}}


def _drop_ref(repository: GitHubRepository, parts: list[str], _query: object, _body: object, _who: str) -> Answer:
    if not repository.head(parts[0]):
        return 422, {"message": "Reference does not exist"}
    repository.git("update-ref", "-d", f"refs/heads/{parts[0]}")
    return 204, None


def _open(repository: GitHubRepository, _parts: object, _query: object, body: Any, who: str) -> Answer:  # noqa: ANN401 -- JSON
    head, base = body["head"], body["base"]
    if any((pull["head"]["ref"], pull["base"]["ref"], pull["state"]) == (head, base, "open") for pull in repository.pulls):
        return 422, {"message": "Validation Failed", "errors": [{"message": f"A pull request already exists for acme:{head}."}]}
    if not repository.head(head):
        return 422, {"message": "Validation Failed", "errors": [{"field": "head", "code": "invalid"}]}
    if not repository.git("rev-list", "-1", f"refs/heads/{base}..refs/heads/{head}"):
        return 422, {"message": "Validation Failed", "errors": [{"message": f"No commits between {base} and {head}"}]}
    number = len(repository.pulls) + 1
    repository.git("update-ref", f"refs/pull/{number}/head", repository.head(head))
    repository.pulls.append({
        "number": number, "title": body["title"], "body": body.get("body"), "state": "open", "user": {"login": who},
        "head": {"ref": head, "sha": repository.head(head)}, "base": {"ref": base}, "created_at": _now(), "closed_at": None,
        "merged_at": None, "merged_by": None, "merge_commit_sha": None,
    })  # fmt: skip
    return 201, repository.pulls[-1]


def _list(repository: GitHubRepository, _parts: object, query: dict[str, list[str]], _body: object, _who: str) -> Answer:
    state = query.get("state", ["open"])[0]
    return page([_current(repository, pull) for pull in repository.pulls[::-1] if state in {"all", pull["state"]}], query)


def _show(repository: GitHubRepository, parts: list[str], _query: object, _body: object, _who: str) -> Answer:
    pull = _find(repository, parts[0])
    return NOT_FOUND if pull is None else (200, _current(repository, pull))


def _close(repository: GitHubRepository, parts: list[str], _query: object, body: Any, _who: str) -> Answer:  # noqa: ANN401 -- JSON
    pull = _find(repository, parts[0])
    if pull is None:
        return NOT_FOUND
    pull.update(state=body["state"], closed_at=_now())
    return 200, pull


def _reviews(repository: GitHubRepository, parts: list[str], query: dict[str, list[str]], _body: object, _who: str) -> Answer:
    pull = _find(repository, parts[0])
    return NOT_FOUND if pull is None else page(repository.reviews.get(pull["number"], []), query)


def _review(repository: GitHubRepository, parts: list[str], _query: object, body: Any, who: str) -> Answer:  # noqa: ANN401 -- JSON
    pull = _find(repository, parts[0])
    if pull is None:
        return NOT_FOUND
    if body["event"] == "APPROVE" and who == pull["user"]["login"]:
        return 422, {"message": "Unprocessable Entity", "errors": ["Can not approve your own pull request"]}
    state = {"APPROVE": "APPROVED", "REQUEST_CHANGES": "CHANGES_REQUESTED", "COMMENT": "COMMENTED"}[body["event"]]
    made = {"user": {"login": who}, "state": state, "body": body.get("body", ""), "commit_id": body["commit_id"], "submitted_at": _now()}
    repository.reviews.setdefault(pull["number"], []).append(made)
    return 200, made


def _merge(repository: GitHubRepository, parts: list[str], _query: object, body: Any, who: str) -> Answer:  # noqa: ANN401 -- JSON
    pull = _find(repository, parts[0])
    if pull is None:
        return NOT_FOUND
    head, base = repository.head(pull["head"]["ref"]), repository.head(pull["base"]["ref"])
    if body.get("sha", head) != head:
        return 409, {"message": "Head branch was modified. Review and try the merge again."}
    tree = repository.git("merge-tree", "--write-tree", base, head, check=False)
    if not tree or pull["state"] != "open":
        return 405, {"message": "Pull Request is not mergeable"}
    commit = repository.git("commit-tree", tree, "-p", base, "-p", head, "-m", body["commit_title"])
    repository.git("update-ref", f"refs/heads/{pull['base']['ref']}", commit, base)
    pull.update(state="closed", merged_at=_now(), closed_at=_now(), merged_by={"login": who}, merge_commit_sha=commit,
                head={**pull["head"], "sha": head})  # fmt: skip
    return 200, {"sha": commit, "merged": True}


_ROUTES: tuple[tuple[str, _Act], ...] = (
    (r"(?:PUT|DELETE) contents/(.+)", _write),
    (r"POST git/refs", _make_ref),
    (r"DELETE git/refs/heads/(.+)", _drop_ref),
    (r"POST pulls", _open),
    (r"GET pulls", _list),
    (r"GET pulls/(\d+)", _show),
    (r"PATCH pulls/(\d+)", _close),
    (r"GET pulls/(\d+)/reviews", _reviews),
    (r"POST pulls/(\d+)/reviews", _review),
    (r"PUT pulls/(\d+)/merge", _merge),
)


def page(items: list[Any], query: dict[str, list[str]], wrap: Callable[[list[Any]], Any] = list) -> Answer:
    """Return the page of a list that is asked for, with the header that leads to the next."""
    size, number = min(int(query.get("per_page", ["30"])[0]), 100), int(query.get("page", ["1"])[0])
    more = len(items) > size * number
    headers = {"Link": f'<https://api.github.example/next?page={number + 1}>; rel="next"'} if more else {}
    return 200, wrap(items[size * (number - 1) : size * number]), headers


def serve_git(
    root: Path, method: str, path: str, query: str, headers: dict[str, str], body: bytes
) -> tuple[int, list[tuple[str, str]], bytes]:
    """Let `git http-backend` answer a fetch."""
    environment = {
        **_GIT, "GIT_PROJECT_ROOT": str(root), "GIT_HTTP_EXPORT_ALL": "1", "PATH_INFO": path, "QUERY_STRING": query,
        "REQUEST_METHOD": method, "CONTENT_TYPE": headers.get("content-type", ""), "CONTENT_LENGTH": str(len(body)),
        "HTTP_CONTENT_ENCODING": headers.get("content-encoding", ""), "GIT_PROTOCOL": headers.get("git-protocol", ""),
    }  # fmt: skip
    done = subprocess.run(["git", "-c", "safe.directory=*", "http-backend"], input=body, capture_output=True, check=True, env=environment)
    head, _, content = done.stdout.partition(b"\r\n\r\n")
    fields = [(name, value) for name, _, value in (line.partition(": ") for line in head.decode("latin-1").split("\r\n"))]
    status = next((int(value.split()[0]) for name, value in fields if name == "Status"), 200)
    return status, [(name, value) for name, value in fields if name != "Status"], content


def _find(repository: GitHubRepository, number: str) -> dict[str, Any] | None:
    return next((pull for pull in repository.pulls if pull["number"] == int(number)), None)


def _current(repository: GitHubRepository, pull: dict[str, Any]) -> dict[str, Any]:
    if pull["state"] == "open":
        pull["head"]["sha"] = repository.head(pull["head"]["ref"]) or pull["head"]["sha"]
        repository.git("update-ref", f"refs/pull/{pull['number']}/head", pull["head"]["sha"])
    return pull


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
