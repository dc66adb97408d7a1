"""A host of repositories in memory: keeps what it is told. For tests of everything above it."""

from dataclasses import dataclass, field

from canonry.core.errors import CanonryError, Denied
from canonry.core.secret import Secret
from canonry.ports.git_host import Report, ReportState, Repository


@dataclass
class MemoryGitHost:
    """Takes `https://host.test/owner/name` addresses. app: whether an app is installed everywhere. fault: raised by every call.

    pushers: what a person is known by → the repositories they may push to.
    """

    app: bool = False
    pushers: dict[str, set[str]] = field(default_factory=dict)
    fault: CanonryError | None = None
    statuses: dict[tuple[str, str, str], Report] = field(default_factory=dict)
    deployments: dict[str, list[Report]] = field(default_factory=dict)
    webhooks: dict[tuple[str, str], Secret] = field(default_factory=dict)

    def repository_at(self, url: str) -> str | None:
        """Return `owner/name` of an address of its own."""
        rest = url.removesuffix(".git").removeprefix("https://host.test/")
        return rest if rest.count("/") == 1 and "://" not in rest else None

    def may_act(self, repository: Repository) -> bool:
        """Say whether there is anything to act with."""
        return self.app or repository.token is not None

    def may_push(self, name: str, person: Secret) -> bool:
        """Say whether it was told so."""
        if self.fault is not None:
            raise self.fault
        return name in self.pushers.get(person.reveal(), set())

    def set_status(self, repository: Repository, report: Report) -> None:
        """Keep the status of a commit."""
        self._admit(repository)
        if report.state is not ReportState.INACTIVE:
            self.statuses[repository.name, report.commit, report.context] = report

    def open_deployment(self, repository: Repository, report: Report) -> str:
        """Keep a deployment."""
        self._admit(repository)
        self.deployments[name := str(len(self.deployments) + 1)] = [report]
        return name

    def set_deployment(self, repository: Repository, deployment: str, report: Report) -> None:
        """Keep how it stands."""
        self._admit(repository)
        self.deployments[deployment].append(report)

    def set_webhook(self, repository: Repository, url: str, secret: Secret) -> None:
        """Keep the secret of a webhook."""
        self._admit(repository)
        self.webhooks[repository.name, url] = secret

    def _admit(self, repository: Repository) -> None:
        if self.fault is not None:
            raise self.fault
        if not self.may_act(repository) or (repository.token is not None and repository.token.reveal() == "wrong"):
            raise Denied("git_host_refused", f"The host refuses access to {repository.name}.")
