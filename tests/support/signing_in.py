"""People who can sign in, and their browsers."""

from collections.abc import Callable

import pytest

from canonry.core.secret import Secret
from canonry.features import accounts
from canonry.wiring.jobs import tasks
from tests.support.api import Api
from tests.support.browser import Browser

PASSWORD = "a long enough password"
EMAIL = "ada@example.com"

type SignIn = Callable[..., Browser]


@pytest.fixture
def people(api: Api) -> Api:
    """Give the API with an owner who has a password."""
    give_password(api, api.owner.user_id)
    return api


@pytest.fixture
def browser(people: Api) -> Browser:
    """Give a browser in which nobody is signed in."""
    return Browser(people.connection)


@pytest.fixture
def sign_in(people: Api) -> SignIn:
    """Return a function that signs a person in and gives their browser."""

    def do(email: str = EMAIL) -> Browser:
        browser = Browser(people.connection)
        seen = browser.submit(browser.get("/auth/login").form("/auth/login"), email=email, password=PASSWORD)
        assert seen.status == 303, seen.text
        return browser

    return do


def give_password(api: Api, user_id: str) -> None:
    """Let somebody sign in with the password of all."""
    accounts.set_password(api.container.transactions, user_id, Secret(PASSWORD))


def work(api: Api) -> None:
    """Carry out every job that waits."""
    with api.container.transactions.begin() as tx:
        waiting = tx.connection.execute("DELETE FROM procrastinate_jobs RETURNING task_name, args").fetchall()
    known = tasks(api.container)
    for name, arguments in waiting:
        known[name](**arguments)
