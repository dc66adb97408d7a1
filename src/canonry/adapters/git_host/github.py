"""GitHub, and GitHub Enterprise Server: REST, with the token of a connection or as an installed GitHub App."""

from collections.abc import Sequence

from canonry.adapters.git_host.github_client import GitHubClient
from canonry.adapters.git_host.github_files import GitHubFiles
from canonry.adapters.git_host.github_pulls import GitHubPulls
from canonry.core.errors import Denied
from canonry.core.refs import parse_repository_url
from canonry.core.secret import Secret
from canonry.core.settings import Settings
from canonry.ports.git_host import CommitStatus, Report, ReportState, Repository

_DESCRIPTION = 140
_DEPLOYMENT_STATES = {ReportState.PENDING: "in_progress"}


class GitHub(GitHubFiles, GitHubPulls):
    """One GitHub. Safe to use from many threads. Here: whose a repository is, and what is told of deployments."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(GitHubClient(settings))
        self._home = settings.github_url.rstrip("/")

    def clone_url(self, name: str) -> str:
        """Return the https address."""
        return f"{self._home}/{name}.git"

    def repository_at(self, url: str) -> str | None:
        """Return `owner/name` when the address is one of this GitHub's, over https or ssh."""
        place = parse_repository_url(url, allow_file=True, allow_ssh=True).place
        host, _, path = place.partition("/")
        mine = self._home.partition("://")[2].rpartition(":")[0] or self._home.partition("://")[2]
        return path if host == mine.lower() and path.count("/") == 1 else None

    def may_act(self, repository: Repository) -> bool:
        """Say whether there is a token, or an app."""
        return repository.token is not None or self.client.is_app()

    def may_push(self, name: str, person: Secret) -> bool:
        """Say whether a person's own token may push; GitHub answers 404 for what they may not even see."""
        try:
            answer = self.client.send("GET", f"/repos/{name}", person, None)
        except Denied:
            return False
        rights = answer.get("permissions") if isinstance(answer, dict) else None
        return isinstance(rights, dict) and rights.get("push") is True

    def set_status(self, repository: Repository, status: CommitStatus) -> None:
        """Set the status of a commit."""
        if status.state is not ReportState.INACTIVE:
            self.client.ask(repository, "POST", f"/statuses/{status.commit}", {
                "state": str(status.state), "context": status.context, "target_url": status.url or None,
                "description": status.description[:_DESCRIPTION],
            })  # fmt: skip

    def open_deployment(self, repository: Repository, report: Report) -> str:
        """Announce a deployment."""
        answer = self.client.ask(repository, "POST", "/deployments", {
            "ref": report.commit, "environment": report.environment, "description": report.description[:_DESCRIPTION], "auto_merge": False,
            "required_contexts": [], "transient_environment": report.is_preview, "production_environment": not report.is_preview,
        })  # fmt: skip
        return str(answer["id"])

    def set_deployment(self, repository: Repository, deployment: str, report: Report) -> None:
        """Say how a deployment stands; GitHub itself ends the earlier ones of the same environment when one succeeds."""
        self.client.ask(repository, "POST", f"/deployments/{deployment}/statuses", {
            "state": _DEPLOYMENT_STATES.get(report.state, str(report.state)), "environment_url": report.url, "log_url": report.url,
            "description": report.description[:_DESCRIPTION],
        })  # fmt: skip

    def set_webhook(self, repository: Repository, url: str, secret: Secret, events: Sequence[str] = ("push", "pull_request")) -> None:
        """Make the webhook, or change the one that sends there already."""
        config = {"url": url, "content_type": "json", "secret": secret.reveal(), "insecure_ssl": "0"}
        body = {"name": "web", "active": True, "events": list(events), "config": config}
        hooks = self.client.ask(repository, "GET", "/hooks?per_page=100")
        known = next((item["id"] for item in hooks if (item.get("config") or {}).get("url") == url), None)
        if known is None:
            self.client.ask(repository, "POST", "/hooks", body)
        else:
            self.client.ask(repository, "PATCH", f"/hooks/{known}", body)
