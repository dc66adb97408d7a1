"""Sessions end when the password is changed."""

from canonry.core.secret import Secret
from canonry.features import accounts
from tests.support.api import Api
from tests.support.signing_in import SignIn, work


def test_another_password_ends_every_session(people: Api, sign_in: SignIn) -> None:
    browsers = [sign_in(), sign_in()]
    assert [browser.get("/v1/me").status for browser in browsers] == [200, 200]
    accounts.set_password(people.container.transactions, people.owner.user_id, Secret("another long password"))
    work(people)
    assert [browser.get("/v1/me").status for browser in browsers] == [401, 401]
