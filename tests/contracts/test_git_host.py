"""What every host of repositories does, whichever it is."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from canonry.adapters.git_host.github import GitHub
from canonry.adapters.git_host.memory import MemoryGitHost
from canonry.core.errors import Denied
from canonry.core.secret import Secret
from canonry.core.settings import Settings
from canonry.ports.git_host import GitHost, Report, ReportState, Repository
from tests.support.github_api import TOKEN, FakeGitHub, fake_github

COMMIT = "a" * 40
REPORT = Report(COMMIT, ReportState.PENDING, "canonry/shop", "shop production", is_preview=False, url="http://shop.localhost",
                description="Canonry deploys it.")  # fmt: skip


@dataclass
class Bench:
    """A host under test, and how to look into it. address: of the repository `acme/shop` there."""

    host: GitHost
    address: str
    memory: MemoryGitHost | None = None
    github: FakeGitHub | None = None

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
    with fake_github() as github:
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
