"""Webhooks as the hosts of repositories send them: bodies in their shapes, signed as they sign."""

import hmac
import json
import uuid
from dataclasses import dataclass, field
from typing import Any

from canonry.features.deployments import ending, pipeline
from canonry.features.previews import jobs
from tests.support.api import Answer, Api

ZEROS = "0" * 40


def sign(secret: str, body: bytes) -> str:
    """Return the HMAC-SHA256 of a body in hex."""
    return hmac.new(secret.encode(), body, "sha256").hexdigest()


@dataclass
class Host:
    """A host of repositories that knows one project's webhook. repository: the addresses it names in each message."""

    api: Api
    project: str
    secret: str
    repository: dict[str, Any] = field(default_factory=dict)

    def send(self, event: str, document: object, *, delivery: str | None = None, secret: str | None = None) -> Answer:
        """Send one message as GitHub does. delivery: its number; a new one when None, none at all when empty."""
        body = json.dumps(document).encode()
        headers = {"X-GitHub-Event": event, "X-Hub-Signature-256": f"sha256={sign(secret or self.secret, body)}"}
        if delivery != "":
            headers["X-GitHub-Delivery"] = delivery or str(uuid.uuid4())
        return self.raw(body, headers)

    def raw(self, body: bytes, headers: dict[str, str]) -> Answer:
        """Send these very bytes."""
        path = f"/v1/projects/{self.project}/git/webhook"
        return self.api.ask("POST", path, raw=body, token=None, headers={"Content-Type": "application/json", **headers})

    def push(self, branch: str, commit: str, *, message: str = "Change", **options: Any) -> Answer:  # noqa: ANN401 -- as `send`
        """Tell of a push; `ZEROS` as the commit of one that deleted the branch."""
        return self.send("push", push(branch, commit, message, self.repository), **options)

    def pull_request(self, action: str, number: int, branch: str, commit: str, *, fork: str | None = None, **options: Any) -> Answer:  # noqa: ANN401
        """Tell of a pull request. fork: where it comes from, `owner/name`."""
        document = {
            "action": action, "number": number, "repository": {"full_name": "acme/shop", **self.repository},
            "pull_request": {
                "number": number, "title": "A change", "head": {"ref": branch, "sha": commit, "repo": {"full_name": fork or "acme/shop"}},
                "base": {"ref": "main", "sha": ZEROS, "repo": {"full_name": "acme/shop"}},
            },
        }  # fmt: skip
        return self.send("pull_request", document, **options)


def push(branch: str, commit: str, message: str, repository: dict[str, Any]) -> dict[str, Any]:
    """Return the body of a push as GitHub writes it."""
    gone = commit == ZEROS
    head = None if gone else {"id": commit, "message": message}
    return {
        "ref": f"refs/heads/{branch}", "before": ZEROS, "after": commit, "deleted": gone, "head_commit": head,
        "commits": [] if gone else [head], "repository": {"full_name": "acme/shop", **repository},
    }  # fmt: skip


def connected(api: Api, slug: str, repo: str, **fields: object) -> Host:
    """Connect a project and return the host that knows its secret."""
    answer = api.ask("POST", f"/v1/projects/{slug}/git", {"repo": repo, **fields})
    assert answer.status == 201, answer.body
    return Host(api, slug, answer.json["webhookSecret"], {"clone_url": repo})


def work(api: Api) -> None:
    """Do what the worker would: carry out every deployment that waits, and close what is to be closed."""
    with api.container.transactions.begin() as tx:
        query = "DELETE FROM procrastinate_jobs WHERE task_name = ANY(%s) RETURNING task_name, args"
        rows = tx.connection.execute(query, (["deployments.run", "previews.close"],)).fetchall()
    for name, arguments in rows:
        if name == "deployments.run":
            pipeline.run(api.container, **arguments)
        else:
            jobs.close_preview(api.container, **arguments)
    with api.container.transactions.begin() as tx:
        query = "DELETE FROM procrastinate_jobs WHERE task_name = 'deployments.clear_environment' RETURNING args"
        left = [row[0] for row in tx.connection.execute(query).fetchall()]
    for arguments in left:
        ending.clear(api.container, **arguments)
