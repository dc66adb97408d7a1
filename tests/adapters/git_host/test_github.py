"""GitHub in particular: the app, its tokens, and what goes wrong."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from canonry.adapters.git_host.github import GitHub
from canonry.core.errors import Denied, Invalid, Unavailable
from canonry.core.secret import Secret
from canonry.core.settings import Settings
from canonry.ports.git_host import Report, ReportState, Repository
from tests.support.github_api import APP_ID, TOKEN, FakeGitHub, fake_github

REPORT = Report(commit="a" * 40, state=ReportState.SUCCESS, context="canonry/shop", environment="shop preview/x", is_preview=True, url="http://shop-x.localhost",
                description="It is live.")  # fmt: skip
AS_APP = Repository("acme/shop", None)


@pytest.fixture
def github() -> Iterator[FakeGitHub]:
    with fake_github() as running:
        yield running


@pytest.fixture
def app(github: FakeGitHub, tmp_path: Path) -> GitHub:
    key = github.write_key(tmp_path / "app.pem")
    return GitHub(Settings(home=tmp_path, github_api_url=github.url, github_app_id=APP_ID, github_app_key=str(key)))


def test_an_app_acts_with_one_token_of_its_installation_for_as_long_as_that_is_good(app: GitHub, github: FakeGitHub) -> None:
    assert app.may_act(AS_APP)
    for _ in range(3):
        app.set_status(AS_APP, REPORT)
    assert github.states("a" * 40) == {"canonry/shop": "success"}
    assert github.issued == ["ghs_0"]


def test_a_token_that_ends_soon_is_replaced(app: GitHub, github: FakeGitHub) -> None:
    github.lifetime = timedelta(minutes=4)
    app.set_status(AS_APP, REPORT)
    app.set_status(AS_APP, REPORT)
    assert github.issued == ["ghs_0", "ghs_1"]


def test_where_the_app_is_not_installed_it_is_refused(app: GitHub) -> None:
    with pytest.raises(Denied):
        app.set_status(Repository("acme/other", None), REPORT)


def test_a_key_of_another_app_is_refused_and_a_file_that_is_no_key_is_said(github: FakeGitHub, tmp_path: Path) -> None:
    other = FakeGitHub().write_key(tmp_path / "other.pem")
    settings = {"home": tmp_path, "github_api_url": github.url, "github_app_id": APP_ID}
    with pytest.raises(Denied):
        GitHub(Settings(**settings, github_app_key=str(other))).set_status(AS_APP, REPORT)
    (tmp_path / "no.pem").write_text("no key")
    for name in ("no.pem", "missing.pem"):
        with pytest.raises(Invalid, match="key of the GitHub App"):
            GitHub(Settings(**settings, github_app_key=str(tmp_path / name))).set_status(AS_APP, REPORT)


def test_a_github_that_is_down_or_away_may_be_tried_again(app: GitHub, github: FakeGitHub, tmp_path: Path) -> None:
    github.down = True
    with pytest.raises(Unavailable) as caught:
        app.set_status(AS_APP, REPORT)
    assert caught.value.code == "git_host_unreachable"
    nowhere = GitHub(Settings(home=tmp_path, github_api_url="http://127.0.0.1:9"))
    with pytest.raises(Unavailable):
        nowhere.set_status(Repository("acme/shop", Secret(TOKEN)), REPORT)


def test_a_preview_is_announced_as_one_that_goes_again(app: GitHub, github: FakeGitHub) -> None:
    app.open_deployment(AS_APP, REPORT)
    made = github.deployments[1]
    assert (made["transient_environment"], made["production_environment"]) == (True, False)
    assert (made["auto_merge"], made["required_contexts"], made["ref"]) == (False, [], "a" * 40)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://github.com/acme/shop.git", "acme/shop"), ("git@github.com:acme/shop.git", "acme/shop"),
        ("ssh://git@github.com/acme/shop", "acme/shop"), ("https://github.com.evil.example/acme/shop.git", None),
        ("https://gitlab.com/acme/shop.git", None), ("https://github.com/acme/shop/deep.git", None),
    ],
)  # fmt: skip
def test_which_addresses_are_its_own(tmp_path: Path, url: str, name: str | None) -> None:
    assert GitHub(Settings(home=tmp_path)).repository_at(url) == name


def test_an_enterprise_server_has_its_own_addresses(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, github_url="https://ghe.example.com:8443", github_api_url="https://ghe.example.com:8443/api/v3")
    assert GitHub(settings).repository_at("https://ghe.example.com:8443/acme/shop.git") == "acme/shop"
    assert GitHub(settings).repository_at("https://github.com/acme/shop.git") is None
