"""Repositories of specs at GitHub: what they are, and commits to their files by the contents API."""

from base64 import b64encode
from typing import Any
from urllib.parse import quote

from canonry.adapters.git_host.github_client import PATIENT, GitHubClient, Missing, Refused
from canonry.core.errors import Conflict
from canonry.core.secret import Secret
from canonry.ports.git_host import Described, FileWrite, FileWritten, Repository

_PAGES, _SIZE = 50, 100  # of the repositories of an installation


class GitHubFiles:
    """What stands in a repository."""

    def __init__(self, client: GitHubClient) -> None:
        self.client = client

    def describe(self, repository: Repository) -> Described:
        """Return what GitHub says of it."""
        return _described(self.client.ask(repository, "GET", ""))

    def access(self, repository: Repository) -> Secret:
        """Return its token, or one of the app."""
        return self.client.access(repository)

    def installation_of(self, repository: Repository) -> int | None:
        """Return the number of the app's installation there."""
        return self.client.installation_of(repository)

    def installed_at(self, installation: int) -> list[Described]:
        """Return what an installation may act on; at most 5,000 repositories."""
        pages = self.client.pages(self.client.installed_token(installation), "/installation/repositories", size=_SIZE, most=_PAGES)
        return [_described(item) for page in pages for item in page["repositories"]]

    def write_file(self, repository: Repository, change: FileWrite) -> FileWritten:
        """Commit one file. GitHub compares the blob id, and answers 409 for another one and while the branch moves."""
        author = {"name": change.author_name, "email": change.author_email}
        body: dict[str, object] = {"message": change.message, "branch": change.branch, "author": author}
        if change.sha is not None:
            body["sha"] = change.sha
        if change.content is not None:
            body["content"] = b64encode(change.content).decode()
        path = f"/contents/{quote(change.path)}"
        try:
            answer = self.client.ask(repository, "DELETE" if change.content is None else "PUT", path, body, timeout=PATIENT)
        except Refused as error:
            # 422: there is a file already, and no blob id was sent
            if error.status == 409 or (error.status == 422 and "sha" in error.said.lower()):
                raise Conflict("stale_file", f"{change.path} is not as it was at GitHub: {error.said}.", hint="Read it again.") from error
            raise
        written = answer.get("content")
        return FileWritten(str(answer["commit"]["sha"]), str(written["sha"]) if written else None)

    def create_branch(self, repository: Repository, branch: str, commit: str) -> None:
        """Make a branch."""
        try:
            self.client.ask(repository, "POST", "/git/refs", {"ref": f"refs/heads/{branch}", "sha": commit}, timeout=PATIENT)
        except Refused as error:
            if error.status == 422 and "already exists" in error.said.lower():
                raise Conflict("branch_exists", f"There is a branch {branch} already.", hint="Choose another name.") from error
            raise

    def delete_branch(self, repository: Repository, branch: str) -> None:
        """Remove a branch."""
        try:
            self.client.ask(repository, "DELETE", f"/git/refs/heads/{quote(branch)}", timeout=PATIENT)
        except Missing:
            return
        except Refused as error:
            if error.status != 422:
                raise


def _described(document: Any) -> Described:  # noqa: ANN401 -- JSON
    return Described(
        str(document["full_name"]), int(document["id"]), str(document.get("default_branch") or "main"),
        str(document.get("description") or "")[:500],
    )  # fmt: skip
