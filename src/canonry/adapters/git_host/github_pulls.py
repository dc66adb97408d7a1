"""Pull requests at GitHub."""

from datetime import datetime
from typing import Any

from canonry.adapters.git_host.github_client import PATIENT, GitHubClient, Missing, Refused
from canonry.core.errors import Conflict, NotFound
from canonry.ports.git_host import HostPull, HostReview, PullState, Repository

_SIZE, _PAGES = 25, 8  # one pull request takes 20 kB, and an answer is read up to 1 MiB
_VERDICTS = {"APPROVED": "approved", "CHANGES_REQUESTED": "changes_requested", "COMMENTED": "commented"}
_EVENTS = {"approved": "APPROVE", "changes_requested": "REQUEST_CHANGES", "commented": "COMMENT"}


class GitHubPulls:
    """What is proposed in a repository."""

    def __init__(self, client: GitHubClient) -> None:
        self.client = client

    def open_pull(self, repository: Repository, *, head: str, base: str, title: str, body: str) -> HostPull:
        """Open one."""
        wanted = {"title": title, "head": head, "base": base, "body": body}
        try:
            return _pull(self.client.ask(repository, "POST", "/pulls", wanted, timeout=PATIENT))
        except Refused as error:
            said = error.said.lower()
            if "already exists" in said:
                raise Conflict("pull_request_exists", f"There is an open pull request from {head} into {base} already.",
                               hint="Push to that branch.") from error  # fmt: skip
            if "no commits between" in said:
                raise Conflict("nothing_to_merge", f"{base} has everything that {head} has.",
                               hint="Commit something to it first.") from error  # fmt: skip
            raise

    def pulls(self, repository: Repository, state: PullState | None) -> list[HostPull]:
        """Return the newest."""
        asked = {None: "all", PullState.OPEN: "open"}.get(state, "closed")
        path = f"/repos/{repository.name}/pulls?state={asked}&sort=created&direction=desc"
        pages = self.client.pages(self.client.access(repository), path, size=_SIZE, most=_PAGES)
        found = [_pull(item) for page in pages for item in page]
        return [pull for pull in found if state in {None, pull.state}]

    def pull(self, repository: Repository, number: int) -> HostPull:
        """Return one."""
        return _pull(self._ask(repository, number, "GET", ""))

    def reviews(self, repository: Repository, number: int) -> list[HostReview]:
        """Return what was said; what is pending or was dismissed is no review."""
        path = f"/repos/{repository.name}/pulls/{number}/reviews"
        try:
            pages = list(self.client.pages(self.client.access(repository), path, size=100, most=_PAGES))
        except Missing as error:
            raise _unknown(repository, number) from error
        return [_review(item) for page in pages for item in page if item["state"] in _VERDICTS]

    def review(self, repository: Repository, number: int, *, verdict: str, body: str, commit: str) -> None:
        """Say what one thinks."""
        document = {"event": _EVENTS[verdict], "commit_id": commit, **({"body": body} if body else {})}
        self._ask(repository, number, "POST", "/reviews", document)

    def merge_pull(self, repository: Repository, number: int, *, head: str | None, title: str) -> str:
        """Merge. 405: conflicts, or the rules of the branch say no; 409: its head moved."""
        body = {"merge_method": "merge", "commit_title": title, **({"sha": head} if head else {})}
        try:
            return str(self._ask(repository, number, "PUT", "/merge", body)["sha"])
        except Refused as error:
            if error.status == 409:
                raise Conflict("head_moved", "The branch has moved on since you looked.",
                               hint="Look at what is new, then merge.") from error  # fmt: skip
            if error.status == 405:
                raise Conflict("merge_conflict", f"GitHub does not merge it: {error.said}.",
                               hint="Solve the conflicts, or fulfil what the branch asks for, at GitHub.") from error  # fmt: skip
            raise

    def close_pull(self, repository: Repository, number: int) -> None:
        """Close one."""
        self._ask(repository, number, "PATCH", "", {"state": "closed"})

    def _ask(self, repository: Repository, number: int, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 -- JSON
        try:
            return self.client.ask(repository, method, f"/pulls/{number}{path}", body, timeout=PATIENT)
        except Missing as error:
            raise _unknown(repository, number) from error


def _unknown(repository: Repository, number: int) -> NotFound:
    return NotFound("pull_request_not_found", f"{repository.name} has no pull request {number}.", hint="`canonry pulls ls` lists them.")


def _pull(document: Any) -> HostPull:  # noqa: ANN401 -- JSON
    merged = bool(document.get("merged_at"))
    state = PullState.MERGED if merged else PullState(document["state"])
    ended = document.get("merged_at") or document.get("closed_at")
    return HostPull(
        int(document["number"]), str(document["title"]), str(document.get("body") or ""), str(document["head"]["ref"]),
        str(document["base"]["ref"]), str(document["head"]["sha"]), state, _login(document.get("user")),
        datetime.fromisoformat(document["created_at"]), str(document["merge_commit_sha"]) if merged else None,
        _login(document.get("merged_by")), datetime.fromisoformat(ended) if ended else None,
    )  # fmt: skip


def _review(document: Any) -> HostReview:  # noqa: ANN401 -- JSON
    return HostReview(_login(document.get("user")), _VERDICTS[document["state"]], str(document.get("body") or ""),
                      str(document.get("commit_id") or ""), datetime.fromisoformat(document["submitted_at"]))  # fmt: skip


def _login(user: Any) -> str | None:  # noqa: ANN401 -- JSON
    return str(user["login"]) if user else None
