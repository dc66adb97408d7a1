"""How to call the pages behind mailed links (tests/support/mutations.py)."""

from collections.abc import Callable
from urllib.parse import urlencode

from tests.support.api import Api
from tests.support.mail import secret_in, take
from tests.support.mutation import Call

_FORM = {"Content-Type": "application/x-www-form-urlencoded"}
_PASSWORD = "correct horse battery"


def _form(secret: str, user_id: str | None, **fields: str) -> Call:
    body = urlencode({"token": secret, **fields}).encode()
    return Call(raw=body, headers=_FORM, secrets=(secret, *fields.values()), token=None, user_id=user_id, credential="", prefix="",
                tells=False)  # fmt: skip


def _mailed(api: Api, path: str, body: dict[str, str], to: str) -> str:
    assert api.ask("POST", path, body).status in {201, 202}
    return secret_in(take(api.container, to))


def _confirming(api: Api) -> Call:
    email = f"{api.owner.handle}@example.com"
    with api.container.transactions.begin() as tx:
        tx.connection.execute("UPDATE users SET email_verified_at = NULL WHERE email = %s", (email,))
    return _form(_mailed(api, "/v1/auth/verify-email/resend", {"email": email}, email), "")


def _new_password(api: Api) -> Call:
    email = f"{api.owner.handle}@example.com"
    return _form(_mailed(api, "/v1/auth/password-reset", {"email": email}, email), "", password=_PASSWORD)


def _invited(api: Api) -> Call:
    secret = _mailed(api, "/v1/organizations/ada/invitations", {"email": "new@example.com"}, "new@example.com")
    call = _form(secret, "", password=_PASSWORD)
    return Call(raw=call.raw, headers=call.headers, secrets=call.secrets, token=None, user_id="", credential="", prefix="", events=2,
                tells=False)  # fmt: skip


ROWS: dict[str, Callable[[Api], Call]] = {
    "POST /auth/confirm-email": _confirming,
    "POST /auth/new-password": _new_password,
    "POST /auth/invitation": _invited,
}
"""An invitation that is accepted with a new account is two facts: there is an account, and it joined."""

WITHOUT: dict[str, str] = {
    "POST /auth/forgotten": "it only sends a mail",
    "POST /auth/sign-up": "closed here (tests/features/accounts/test_pages.py)",
}
