"""What every host of repositories does, whichever it is."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from canonry.adapters.git_host.github import GitHub
from canonry.adapters.git_host.memory import MemoryGitHost
from canonry.core.errors import Conflict, Denied, NotFound, Unavailable
from canonry.core.secret import Secret
from canonry.core.settings import Settings
from canonry.ports.git_host import FileWrite, GitHost, PullState, Report, ReportState, Repository
from tests.support.github_api import APP_ID, TOKEN, FakeGitHub, fake_github

COMMIT = "a" * 40
REPORT = Report(commit=COMMIT, state=ReportState.PENDING, context="canonry/shop", environment="shop production", is_preview=False, url="http://shop.localhost",
                description="Canonry deploys it.")  # fmt: skip


@dataclass
class Bench:
    """A host under test, and how to look into it. address: of the repository `acme/shop` there."""

    host: GitHost
    address: str
    memory: MemoryGitHost | None = None
    github: FakeGitHub | None = None

    def make(self, files: dict[str, bytes]) -> str:
        """Make the repository `acme/specs` there; return where its branch `main` stands."""
        if self.github is not None:
            return self.github.host("acme/specs", files).head()
        assert self.memory is not None
        return self.memory.make("acme/specs", files).branches["main"][0]

    def text(self, path: str, branch: str = "main") -> bytes | None:
        if self.github is not None:
            there = self.github.hosted["acme/specs"]
            return there.text(path, branch).encode() + b"\n" if there.sha(path, branch) else None
        assert self.memory is not None
        return self.memory.repositories["acme/specs"].branches[branch][1].get(path)

    def states(self) -> dict[str, str]:
        if self.github is not None:
            return self.github.states(COMMIT)
        assert self.memory is not None
        return {context: str(report.state) for (_, commit, context), report in self.memory.statuses.items() if commit == COMMIT}

    def webhooks(self) -> dict[str, str]:
        if self.github is not None:
            return {hook["config"]["url"]: hook["config"]["secret"] for hook in self.github.hooks.values()}
        assert self.memory is not None
        return {url: secret.reveal() for (_, url), secret in self.memory.webhooks.items()}

    def deployment(self, name: str) -> list[str]:
        if self.github is not None:
            return [status["state"].replace("in_progress", "pending") for status in self.github.deployments[int(name)]["statuses"]]
        assert self.memory is not None
        return [str(report.state) for report in self.memory.deployments[name][1:]]


@pytest.fixture(params=["memory", "github"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    if request.param == "memory":
        host = MemoryGitHost()
        yield Bench(host, "https://host.test/acme/shop.git", memory=host)
        return
    with fake_github(tmp_path / "github") as github:
        settings = Settings(home=tmp_path, github_api_url=github.url)
        yield Bench(GitHub(settings), "https://github.com/acme/shop.git", github=github)


REPOSITORY = Repository("acme/shop", Secret(TOKEN))


def test_it_knows_its_own_repositories(bench: Bench) -> None:
    assert bench.host.repository_at(bench.address) == "acme/shop"
    for other in ("https://elsewhere.example/acme/shop.git", "file:///srv/acme/shop"):
        assert bench.host.repository_at(other) is None


def test_it_says_whether_there_is_anything_to_act_with(bench: Bench) -> None:
    assert bench.host.may_act(REPOSITORY)
    assert not bench.host.may_act(Repository("acme/shop", None))


def test_it_says_whether_a_person_may_push(bench: Bench) -> None:
    if bench.github is not None:
        bench.github.people = {"gho_ada": {"acme/shop": True, "acme/seen": False}}
    elif bench.memory is not None:
        bench.memory.pushers = {"gho_ada": {"acme/shop"}}
    assert bench.host.may_push("acme/shop", Secret("gho_ada"))
    for name, person in (("acme/seen", "gho_ada"), ("acme/hidden", "gho_ada"), ("acme/shop", "gho_mallory")):
        assert not bench.host.may_push(name, Secret(person))


def test_the_last_status_of_a_context_counts_and_contexts_stand_beside_each_other(bench: Bench) -> None:
    bench.host.set_status(REPOSITORY, REPORT)
    bench.host.set_status(REPOSITORY, replace(REPORT, state=ReportState.FAILURE, description="x" * 500))
    bench.host.set_status(REPOSITORY, replace(REPORT, state=ReportState.SUCCESS, context="canonry/shop (preview)"))
    bench.host.set_status(REPOSITORY, replace(REPORT, state=ReportState.INACTIVE))
    assert bench.states() == {"canonry/shop": "failure", "canonry/shop (preview)": "success"}


def test_a_deployment_is_announced_and_then_told_of(bench: Bench) -> None:
    first = bench.host.open_deployment(REPOSITORY, REPORT)
    second = bench.host.open_deployment(REPOSITORY, REPORT)
    assert first != second
    for state in (ReportState.PENDING, ReportState.SUCCESS, ReportState.INACTIVE):
        bench.host.set_deployment(REPOSITORY, first, replace(REPORT, state=state))
    assert bench.deployment(first) == ["pending", "success", "inactive"]
    assert bench.deployment(second) == []


def test_a_webhook_is_made_once_and_changed_afterwards(bench: Bench) -> None:
    bench.host.set_webhook(REPOSITORY, "http://canonry.example/a", Secret("one"))
    bench.host.set_webhook(REPOSITORY, "http://canonry.example/b", Secret("other"))
    bench.host.set_webhook(REPOSITORY, "http://canonry.example/a", Secret("two"))
    assert bench.webhooks() == {"http://canonry.example/a": "two", "http://canonry.example/b": "other"}


def test_a_wrong_token_is_refused(bench: Bench) -> None:
    wrong = Repository("acme/shop", Secret("wrong"))
    for call in (lambda: bench.host.set_status(wrong, REPORT), lambda: bench.host.open_deployment(wrong, REPORT),
                 lambda: bench.host.set_webhook(wrong, "http://x.example/", Secret("s"))):  # fmt: skip
        with pytest.raises(Denied) as caught:
            call()
        assert caught.value.code == "git_host_refused"
        assert "wrong" not in str(caught.value).replace("wrongly", "")


SPECS = Repository("acme/specs", Secret(TOKEN))
WRITE = FileWrite("main", "docs/a b.md", b"# One\n", None, "Say one", "Grace", "grace@example.com")


def sha_of(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0%b" % (len(content), content), usedforsecurity=False).hexdigest()


def test_a_repository_is_described_and_can_be_read_by_git(bench: Bench) -> None:
    bench.make({"README.md": b"# Hello\n"})
    described = bench.host.describe(SPECS)
    assert (described.name, described.default_branch, described.number > 0) == ("acme/specs", "main", True)
    assert bench.host.clone_url("acme/specs").endswith("/acme/specs.git")
    assert bench.host.access(SPECS).reveal() == TOKEN
    assert bench.host.access(Repository("acme/specs", Secret(f"ada:{TOKEN}"))).reveal().endswith(TOKEN)
    with pytest.raises(Denied):
        bench.host.describe(Repository("acme/unknown", Secret(TOKEN)))


def test_a_file_is_written_by_whoever_knows_its_blob(bench: Bench) -> None:
    bench.make({"README.md": b"# Hello\n"})
    written = bench.host.write_file(SPECS, WRITE)
    assert written.sha == sha_of(b"# One\n")
    again = bench.host.write_file(SPECS, replace(WRITE, content=b"# Two\n", sha=written.sha))
    assert (bench.text(WRITE.path), again.sha) == (b"# Two\n", sha_of(b"# Two\n"))
    for stale in (written.sha, None, "0" * 40):
        with pytest.raises(Conflict) as caught:
            bench.host.write_file(SPECS, replace(WRITE, content=b"# Three\n", sha=stale))
        assert caught.value.code == "stale_file"
    gone = bench.host.write_file(SPECS, replace(WRITE, content=None, sha=again.sha))
    assert (gone.sha, bench.text(WRITE.path), bench.text("README.md")) == (None, None, b"# Hello\n")


def test_a_pull_request_goes_from_its_branch_to_the_merge(bench: Bench) -> None:
    head = bench.make({"README.md": b"# Hello\n"})
    bench.host.create_branch(SPECS, "edit", head)
    with pytest.raises(Conflict, match="already"):
        bench.host.create_branch(SPECS, "edit", head)
    with pytest.raises(Conflict) as caught:
        bench.host.open_pull(SPECS, head="edit", base="main", title="Edit", body="why")
    assert caught.value.code == "nothing_to_merge"
    commit = bench.host.write_file(SPECS, replace(WRITE, branch="edit")).commit
    opened = bench.host.open_pull(SPECS, head="edit", base="main", title="Edit", body="why")
    assert (opened.number, opened.state, opened.head_commit, opened.head, opened.base) == (1, PullState.OPEN, commit, "edit", "main")
    with pytest.raises(Conflict) as caught:
        bench.host.open_pull(SPECS, head="edit", base="main", title="Edit", body="why")
    assert caught.value.code == "pull_request_exists"
    bench.host.review(SPECS, 1, verdict="commented", body="Nice.", commit=commit)
    assert [(item.verdict, item.body, item.commit) for item in bench.host.reviews(SPECS, 1)] == [("commented", "Nice.", commit)]
    with pytest.raises(Conflict) as caught:
        bench.host.merge_pull(SPECS, 1, head=head, title="Merge")
    assert caught.value.code == "head_moved"
    merged = bench.host.merge_pull(SPECS, 1, head=commit, title="Merge")
    assert (bench.host.pull(SPECS, 1).state, bench.host.pull(SPECS, 1).merge_commit) == (PullState.MERGED, merged)
    assert bench.text(WRITE.path) == b"# One\n"
    bench.host.delete_branch(SPECS, "edit")
    bench.host.delete_branch(SPECS, "edit")


def test_pull_requests_are_listed_page_by_page_and_by_state(bench: Bench) -> None:
    head = bench.make({"README.md": b"# Hello\n"})
    for number in range(1, 28):
        bench.host.create_branch(SPECS, f"b{number}", head)
        bench.host.write_file(SPECS, replace(WRITE, branch=f"b{number}"))
        bench.host.open_pull(SPECS, head=f"b{number}", base="main", title=f"{number}", body="")
    bench.host.close_pull(SPECS, 3)
    assert [pull.number for pull in bench.host.pulls(SPECS, None)] == list(range(27, 0, -1))
    assert [pull.number for pull in bench.host.pulls(SPECS, PullState.CLOSED)] == [3]
    assert len(bench.host.pulls(SPECS, PullState.OPEN)) == 26
    for call in (lambda: bench.host.pull(SPECS, 99), lambda: bench.host.reviews(SPECS, 99), lambda: bench.host.close_pull(SPECS, 99)):
        with pytest.raises(NotFound) as caught:
            call()
        assert caught.value.code == "pull_request_not_found"


@pytest.mark.parametrize("status", [403, 429])
def test_a_limit_of_github_is_no_refusal(tmp_path: Path, status: int) -> None:
    with fake_github(tmp_path / "github") as github:
        github.host("acme/specs", {"README.md": b"# Hello\n"})
        github.limited = status
        with pytest.raises(Unavailable) as caught:
            GitHub(Settings(home=tmp_path, github_api_url=github.url)).describe(SPECS)
        assert caught.value.code == "git_host_unreachable"


def test_an_app_sees_every_repository_of_its_installation(tmp_path: Path) -> None:
    with fake_github(tmp_path / "github") as github:
        names = [f"acme/r{number}" for number in range(3)]
        for name in names:
            github.host(name, {"README.md": b"# Hello\n"})
        github.installed = {99: names}
        key = str(github.write_key(tmp_path / "app.pem"))
        host = GitHub(Settings(home=tmp_path, github_api_url=github.url, github_app_id=APP_ID, github_app_key=key))
        assert [item.name for item in host.installed_at(99)] == names
        assert host.installation_of(Repository("acme/r1", None)) == 99
        assert host.installation_of(Repository("acme/unknown", None)) is None
