"""A host of repositories in memory: keeps what it is told. For tests of everything above it.

Its commits are numbers of 40 digits and its files are whole texts; only blob ids are git's own. Nothing can be fetched from it by git.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from canonry.core.clock import now
from canonry.core.errors import CanonryError, Conflict, Denied, NotFound
from canonry.core.secret import Secret
from canonry.ports.git_host import (
    CommitStatus,
    Described,
    FileWrite,
    FileWritten,
    HostPull,
    HostReview,
    PullState,
    Report,
    ReportState,
    Repository,
)


@dataclass
class MemoryRepository:
    """A repository in memory. branches: name → (commit, path → content). heads: commit → the same, of all commits."""

    described: Described
    branches: dict[str, tuple[str, dict[str, bytes]]] = field(default_factory=dict)
    heads: dict[str, dict[str, bytes]] = field(default_factory=dict)
    pulls: list[HostPull] = field(default_factory=list)
    reviews: dict[int, list[HostReview]] = field(default_factory=dict)

    def commit(self, branch: str, files: dict[str, bytes]) -> str:
        """Put a branch at a new commit that has these files."""
        commit = f"{len(self.heads) + 1:040x}"
        self.heads[commit] = files
        self.branches[branch] = (commit, files)
        return commit


@dataclass
class MemoryGitHost:
    """Takes `https://host.test/owner/name` addresses. app: whether an app is installed everywhere. fault: raised by every call.

    pushers: what a person is known by → the repositories they may push to. installed: number of an installation → its repositories.
    """

    app: bool = False
    pushers: dict[str, set[str]] = field(default_factory=dict)
    fault: CanonryError | None = None
    statuses: dict[tuple[str, str, str], CommitStatus] = field(default_factory=dict)
    deployments: dict[str, list[Report]] = field(default_factory=dict)
    webhooks: dict[tuple[str, str], Secret] = field(default_factory=dict)
    repositories: dict[str, MemoryRepository] = field(default_factory=dict)
    installed: dict[int, list[str]] = field(default_factory=dict)

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

    def set_status(self, repository: Repository, status: CommitStatus) -> None:
        """Keep the status of a commit."""
        self._admit(repository)
        if status.state is not ReportState.INACTIVE:
            self.statuses[repository.name, status.commit, status.context] = status

    def open_deployment(self, repository: Repository, report: Report) -> str:
        """Keep a deployment."""
        self._admit(repository)
        self.deployments[name := str(len(self.deployments) + 1)] = [report]
        return name

    def set_deployment(self, repository: Repository, deployment: str, report: Report) -> None:
        """Keep how it stands."""
        self._admit(repository)
        self.deployments[deployment].append(report)

    def set_webhook(self, repository: Repository, url: str, secret: Secret, events: Sequence[str] = ("push", "pull_request")) -> None:
        """Keep the secret of a webhook."""
        del events
        self._admit(repository)
        self.webhooks[repository.name, url] = secret

    def make(self, name: str, files: dict[str, bytes], branch: str = "main") -> MemoryRepository:
        """Make a repository with a first commit."""
        made = MemoryRepository(Described(name, len(self.repositories) + 1, branch, ""))
        made.commit(branch, files)
        self.repositories[name] = made
        return made

    def describe(self, repository: Repository) -> Described:
        """Return what was made."""
        return self._of(repository).described

    def clone_url(self, name: str) -> str:
        """Return an address that leads nowhere."""
        return f"https://host.test/{name}.git"

    def access(self, repository: Repository) -> Secret:
        """Return its token, or one for the app."""
        self._admit(repository)
        return repository.token or Secret("app")

    def installation_of(self, repository: Repository) -> int | None:
        """Return the first installation that has it."""
        if repository.token is not None:
            return None
        return next((number for number, names in self.installed.items() if repository.name in names), None)

    def installed_at(self, installation: int) -> list[Described]:
        """Return what was put there."""
        if self.fault is not None:
            raise self.fault
        return [self.repositories[name].described for name in self.installed.get(installation, ())]

    def write_file(self, repository: Repository, change: FileWrite) -> FileWritten:
        """Commit to a branch."""
        there = self._of(repository)
        if change.branch not in there.branches:
            raise Denied("git_host_refused", f"There is no branch {change.branch}.")
        files = dict(there.branches[change.branch][1])
        found = files.pop(change.path, None)
        if (None if found is None else blob_id(found)) != change.sha:
            raise Conflict("stale_file", f"{change.path} is not as it was.", hint="Read it again.")
        if change.content is not None:
            files[change.path] = change.content
        return FileWritten(there.commit(change.branch, files), None if change.content is None else blob_id(change.content))

    def create_branch(self, repository: Repository, branch: str, commit: str) -> None:
        """Make a branch."""
        there = self._of(repository)
        if branch in there.branches:
            raise Conflict("branch_exists", f"There is a branch {branch} already.", hint="Choose another name.")
        there.branches[branch] = (commit, there.heads[commit])

    def delete_branch(self, repository: Repository, branch: str) -> None:
        """Remove a branch."""
        self._of(repository).branches.pop(branch, None)

    def open_pull(self, repository: Repository, *, head: str, base: str, title: str, body: str) -> HostPull:
        """Open a pull request."""
        there = self._of(repository)
        if any((pull.head, pull.base, pull.state) == (head, base, PullState.OPEN) for pull in there.pulls):
            raise Conflict("pull_request_exists", "There is one already.", hint="Push to that branch.")
        if there.branches[head] == there.branches[base]:
            raise Conflict("nothing_to_merge", f"{base} has everything that {head} has.", hint="Commit something to it first.")
        pull = HostPull(len(there.pulls) + 1, title, body, head, base, there.branches[head][0], PullState.OPEN, "somebody", now(),
                        None, None, None)  # fmt: skip
        there.pulls.append(pull)
        return pull

    def pulls(self, repository: Repository, state: PullState | None) -> list[HostPull]:
        """Return the newest first."""
        return [pull for pull in self._of(repository).pulls[::-1] if state in {None, pull.state}]

    def pull(self, repository: Repository, number: int) -> HostPull:
        """Return one."""
        there = self._of(repository)
        if not 0 < number <= len(there.pulls):
            raise NotFound("pull_request_not_found", f"{repository.name} has no pull request {number}.")
        return there.pulls[number - 1]

    def reviews(self, repository: Repository, number: int) -> list[HostReview]:
        """Return what was said."""
        self.pull(repository, number)
        return list(self._of(repository).reviews.get(number, ()))

    def review(self, repository: Repository, number: int, *, verdict: str, body: str, commit: str) -> None:
        """Keep what is said."""
        self.pull(repository, number)
        self._of(repository).reviews.setdefault(number, []).append(HostReview("somebody", verdict, body, commit, now()))

    def merge_pull(self, repository: Repository, number: int, *, head: str | None, title: str) -> str:
        """Put the files of the head onto the base; both changed: a conflict is what it is not clever enough for."""
        del title
        pull, there = self.pull(repository, number), self._of(repository)
        commit, files = there.branches[pull.head]
        if head is not None and head != commit:
            raise Conflict("head_moved", f"{pull.head} has moved on.", hint="Look at what is new, then merge.")
        merged = there.commit(pull.base, {**there.branches[pull.base][1], **files})
        there.pulls[number - 1] = replace(
            pull, state=PullState.MERGED, merge_commit=merged, head_commit=commit, ended_by="somebody", ended_at=now()
        )
        return merged

    def close_pull(self, repository: Repository, number: int) -> None:
        """Close one."""
        pull = self.pull(repository, number)
        self._of(repository).pulls[number - 1] = replace(pull, state=PullState.CLOSED, ended_at=now())

    def _of(self, repository: Repository) -> MemoryRepository:
        self._admit(repository)
        found = self.repositories.get(repository.name)
        if found is None:
            raise Denied("git_host_refused", f"The host knows no {repository.name}.")
        return found

    def _admit(self, repository: Repository) -> None:
        if self.fault is not None:
            raise self.fault
        if not self.may_act(repository) or (repository.token is not None and repository.token.reveal() == "wrong"):
            raise Denied("git_host_refused", f"The host refuses access to {repository.name}.")


def blob_id(content: bytes) -> str:
    """Return the id that git gives a file of this content."""
    return hashlib.sha1(b"blob %d\0%b" % (len(content), content), usedforsecurity=False).hexdigest()
