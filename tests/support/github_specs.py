"""A Canonry whose specifications live at the fake GitHub: served, and its jobs worked off when a test wants it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from canonry.adapters.git_host.github import GitHub
from canonry.core.secret import Secret
from canonry.features.auth.github import service as linking
from canonry.features.auth.github.client import GitHubAccount
from canonry.features.git import hosted_repository
from canonry.wiring.container import Container
from canonry.wiring.jobs import JOBS
from tests.support.api import Answer, Api, serving
from tests.support.github_api import APP_ID, TOKEN, FakeGitHub, fake_github, signed
from tests.support.specs import CANON

SECRET = "what-github-signs-with"
LOGIN = "docs/specs/login.md"
SPEC = b"---\ntitle: Login\nstatus: todo\nreview_status: in_review\n---\n\n## 1. Passwords\n\n- [ ] A password MUST have 12 letters\n"
_QUICK = {job.name: function for job, function in JOBS.items() if job.name.startswith(("git.", "specs."))}


@dataclass
class SpecsAtGitHub:
    """The two of them."""

    api: Api
    github: FakeGitHub

    @property
    def org(self) -> str:
        """The handle of the organization that asks."""
        return self.api.owner.handle

    def work(self) -> None:
        """Do what is queued of git and specs, and what that queues."""
        while True:
            with self.api.container.transactions.begin() as tx:
                row = tx.connection.execute(
                    """DELETE FROM procrastinate_jobs WHERE id = (SELECT min(id) FROM procrastinate_jobs WHERE task_name = ANY(%s))
                       RETURNING task_name, args""",
                    (sorted(_QUICK),),
                ).fetchone()
            if row is None:
                return
            _QUICK[row[0]](self.api.container, **row[1])

    def add(self, name: str = "acme/specs", token: str | None = TOKEN) -> str:
        """Make a repository with a spec at GitHub, add it, have it indexed; return its id."""
        self.github.host(name, {"CANON.yaml": CANON.encode(), LOGIN: SPEC})
        answer = self.api.ask("POST", "/v1/repositories/github", {"repository": name, **({"token": token} if token else {})})
        assert answer.status == 201, answer.body
        self.work()
        return str(answer.json["repository"]["id"])

    def tell(self, event: str, document: object, *, secret: str = SECRET, delivery: str = "") -> Answer:
        """Send a delivery as GitHub does, and work it off."""
        raw, headers = signed(secret, event, document, delivery)
        answer = self.api.ask("POST", "/webhook", raw=raw, headers=headers, token=None)
        self.work()
        return answer

    def push(self, files: dict[str, bytes | None], message: str = "Change", name: str = "acme/specs", author: str = "Grace") -> Answer:
        """Let somebody push to GitHub, which tells of it."""
        there = self.github.hosted[name]
        before = there.head()
        after = there.commit(files, message, author=author)
        return self.tell("push", push_of(there.number, name, before, after, message, author))

    def link(self, token: str, *, login: str = "ada-at-github", subject: str = "4711") -> None:
        """Link the owner to an account at GitHub, as its consent page does."""
        container, owner = self.api.container, self.api.owner
        with container.transactions.begin() as tx:
            tx.connection.execute("UPDATE users SET email_verified_at = now() WHERE id = %s", (owner.user_id,))
            linking.link(tx, container.vault, owner.actor(), GitHubAccount(subject, login, "Ada"), Secret(token))

    def folder(self, repository_id: str) -> Path:
        """Where the copy of a repository lies."""
        return hosted_repository(self.api.container.home, repository_id)

    def spec(self, path: str = LOGIN, name: str = "acme/specs") -> dict[str, Any]:
        """Return a spec as the API shows it."""
        return dict(self.api.get(f"/app/{self.org}/api/specs/{name}/{path}"))


def push_of(number: int, name: str, before: str, after: str, message: str, author: str) -> dict[str, object]:
    """Return what GitHub says of a push."""
    head = {"id": after, "message": message, "author": {"name": author, "email": "x@example.com", "username": author}}
    return {"ref": "refs/heads/main", "before": before, "after": after, "repository": {"id": number, "full_name": name},
            "head_commit": head, "commits": [head]}  # fmt: skip


@contextmanager
def specs_at_github(container: Container, folder: Path, **settings: Any) -> Iterator[SpecsAtGitHub]:  # noqa: ANN401 -- any setting
    """Serve both. settings: further ones of Canonry, `app` to have the GitHub App."""
    with fake_github(folder / "github") as github:
        app: Mapping[str, str] = {}
        if settings.pop("app", False):
            app = {"github_app_id": APP_ID, "github_app_key": str(github.write_key(folder / "app.pem"))}
        wanted = {"github_webhook_secret": Secret(SECRET), **app, **settings}
        changed = replace(container.settings, github_url=github.url, github_api_url=github.url, **wanted)
        host = GitHub(changed)
        with serving(replace(container, settings=changed), git_host=host) as api:
            yield SpecsAtGitHub(api, github)
