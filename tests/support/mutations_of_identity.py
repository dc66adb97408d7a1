"""How to call each operation about people and their sessions, so that it succeeds (see tests/support/mutations.py)."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from urllib.parse import urlencode

import pyotp

from canonry.core.access import Scope
from canonry.features.auth import service
from canonry.features.auth.grants import service as grants
from canonry.features.auth.models import Label
from tests.support.api import Api
from tests.support.browser import Browser
from tests.support.mail import secret_in, take
from tests.support.mutation import Call
from tests.support.signing_in import EMAIL, PASSWORD, give_password

_FORM = "application/x-www-form-urlencoded"


def session(api: Api) -> tuple[dict[str, str], str]:
    """Sign the owner in; return the headers of their browser (cookies and CSRF token), and the id of the session."""
    give_password(api, api.owner.user_id)
    browser = Browser(api.connection)
    assert browser.submit(browser.get("/auth/login").form("/auth/login"), email=EMAIL, password=PASSWORD).status == 303
    shown = json.loads(browser.get("/v1/auth/session").text)
    cookies = "; ".join(f"{name}={value}" for name, (value, place) in browser.cookies.items() if place == "/")
    return {"Cookie": cookies, "X-CSRF-Token": shown["csrf_token"]}, shown["id"]


def by_session(api: Api, values: Mapping[str, str], body: object = None, *, page: bool = False) -> Call:
    """Return a call by the session's cookie. page: a form of a page, below no version."""
    headers, _ = session(api)
    secrets = (*(item.partition("=")[2] for item in headers["Cookie"].split("; ")), headers["X-CSRF-Token"])
    if not page:
        return Call(values, body, headers=headers, secrets=secrets, token=None, credential="session")
    raw = urlencode(dict(body) if isinstance(body, dict) else {}).encode()
    return Call(values, raw=raw, headers={**headers, "Content-Type": _FORM}, secrets=secrets, token=None, credential="session", prefix="")


def _sign_in(api: Api) -> Call:
    give_password(api, api.owner.user_id)
    return Call(body={"email": EMAIL, "password": PASSWORD}, secrets=(PASSWORD,), token=None, credential="session")


def _sign_in_page(api: Api) -> Call:
    give_password(api, api.owner.user_id)
    raw = urlencode({"email": EMAIL, "password": PASSWORD}).encode()
    return Call(raw=raw, headers={"Content-Type": _FORM}, secrets=(PASSWORD,), token=None, credential="session", prefix="")


def _other_session(api: Api, *, page: bool = False) -> Call:
    _, other = session(api)
    return by_session(api, {"session": other}, page=page)


def _revoke(api: Api) -> Call:
    with api.container.transactions.begin() as tx:
        opened = service.open_session(tx, api.owner.user_id, label=Label.CLI, way="device", organization_id=api.owner.organization_id)
        grant = grants.give(tx, opened.session)
    token = grant.refresh.reveal()
    return _by_link({"refresh_token": token}, token, prefix="")


def _device(api: Api, action: str) -> Call:
    code = api.ask("POST", "/auth/device/code", {"client": "canonry on laptop"}, token=None).json["user_code"]
    return by_session(api, {}, {"code": code, "action": action, "organization": "ada"}, page=True)


def _approved(api: Api) -> Call:
    codes = api.ask("POST", "/auth/device/code", {}, token=None).json
    headers, _ = session(api)
    raw = urlencode({"code": codes["user_code"], "action": "approve", "organization": "ada"}).encode()
    assert api.ask("POST", "/auth/device", raw=raw, headers={**headers, "Content-Type": _FORM}, token=None).status == 200
    body = {"device_code": codes["device_code"]}
    return Call(body=body, secrets=(codes["device_code"],), token=None, credential="session", prefix="")


def _by_link(body: object, secret: str, *, prefix: str = "/v1") -> Call:
    """Return a call of somebody who shows nothing but a secret in its body: the event names the person, its origin only the address."""
    return Call(body=body, secrets=(secret, PASSWORD), token=None, user_id="", credential="", prefix=prefix)


def _mailed(api: Api, path: str) -> str:
    assert api.ask("POST", path, {"email": EMAIL}, token=None).status == 202
    return secret_in(take(api.container, EMAIL))


def _verify(api: Api) -> Call:
    with api.container.transactions.begin() as tx:
        tx.connection.execute("UPDATE users SET email_verified_at = NULL WHERE email = %s", (EMAIL,))
    secret = _mailed(api, "/v1/auth/verify-email/resend")
    return _by_link({"token": secret}, secret)


def _reset(api: Api) -> Call:
    secret = _mailed(api, "/v1/auth/password-reset")
    return _by_link({"token": secret, "password": PASSWORD}, secret)


def _token(api: Api) -> Call:
    made = api.ask("POST", "/v1/tokens", {"name": "ci"}).json
    return Call({"token": made["id"]}, secrets=(made["token"],))


def _key(api: Api) -> Call:
    made = api.ask("POST", "/app/ada/settings/api-keys/", {"label": "ci"}).json
    return Call({"org": "ada", "key_id": str(made["id"])}, secrets=(made["key"],), prefix="")


def _invited(api: Api) -> Call:
    made = api.ask("POST", "/v1/organizations/ada/invitations", {"email": "new@example.com"}).json["invitation"]
    return Call({"organization": "ada", "invitation": made["id"]})


def _member(api: Api) -> str:
    other = api.somebody()
    with api.container.transactions.begin() as tx:
        tx.connection.execute(
            "INSERT INTO members (organization_id, user_id, role) VALUES (%s, %s, 'viewer')", (api.owner.organization_id, other.user_id)
        )
    return other.user_id


def _joining(api: Api) -> Call:
    other = api.somebody()
    email = f"{other.handle}@example.com"
    assert api.ask("POST", "/v1/organizations/ada/invitations", {"email": email}).status == 201
    secret = secret_in(take(api.container, email))
    return Call(body={"token": secret}, secrets=(secret,), token=other.tokens[Scope.ADMIN], user_id=other.user_id)


def _own_password(api: Api) -> Call:
    give_password(api, api.owner.user_id)
    new = "quite another password"
    return Call(body={"current_password": PASSWORD, "new_password": new}, secrets=(PASSWORD, new))


def _as_form(call: Call) -> Call:
    """Return the same call as the form of a page."""
    raw = urlencode(dict(call.body) if isinstance(call.body, dict) else {}).encode()
    return replace(call, body=None, raw=raw, headers={"Content-Type": _FORM}, prefix="")


def _invited_page(api: Api) -> Call:
    email = "new@example.com"
    assert api.ask("POST", "/v1/organizations/ada/invitations", {"email": email}).status == 201
    secret = secret_in(take(api.container, email))
    return replace(_as_form(_by_link({"token": secret, "name": "New", "password": PASSWORD}, secret)), events=2)


def _factor(api: Api) -> pyotp.TOTP:
    give_password(api, api.owner.user_id)
    return pyotp.TOTP(api.ask("POST", "/v1/me/two-factor", {"password": PASSWORD}).json["secret"])


def _confirming(api: Api) -> Call:
    app = _factor(api)
    return Call(body={"code": app.now()}, secrets=(app.secret,))


def _with_factor(api: Api) -> Call:
    app = _factor(api)
    codes = api.ask("POST", "/v1/me/two-factor/confirm", {"code": app.now()}).json["recovery_codes"]
    return Call(body={"password": PASSWORD}, secrets=(app.secret, PASSWORD, *codes), tells=False)


def _another_organization(api: Api) -> Call:
    assert api.ask("POST", "/v1/organizations", {"name": "Engines", "handle": "engines"}).status == 201
    return Call({"organization": "ada"})


ROWS: dict[str, Callable[[Api], Call]] = {
    "POST /me/two-factor/confirm": lambda api: replace(_confirming(api), tells=False),
    "POST /me/two-factor/disable": _with_factor,
    "POST /me/two-factor/recovery-codes": _with_factor,
    "PATCH /me": lambda _api: Call(body={"name": "Ada Lovelace"}),
    "POST /me/password": _own_password,
    "POST /organizations": lambda _api: Call(body={"name": "Engines", "handle": "engines"}),
    "PATCH /organizations/{organization}": lambda _api: Call({"organization": "ada"}, {"name": "Engines"}),
    "DELETE /organizations/{organization}": _another_organization,
    "POST /organizations/{organization}/invitations": lambda _api: Call({"organization": "ada"}, {"email": "new@example.com"}),
    "DELETE /organizations/{organization}/invitations/{invitation}": _invited,
    "PATCH /organizations/{organization}/members/{member}": (
        lambda api: Call({"organization": "ada", "member": _member(api)}, {"role": "developer"})
    ),
    "DELETE /organizations/{organization}/members/{member}": lambda api: Call({"organization": "ada", "member": _member(api)}),
    "POST /invitations/accept": _joining,
    "POST /tokens": lambda _api: Call(body={"name": "ci", "scope": "read"}),
    "DELETE /tokens/{token}": _token,
    "POST /app/{org}/settings/api-keys/": lambda _api: Call({"org": "ada"}, {"label": "ci"}, prefix=""),
    "DELETE /app/{org}/settings/api-keys/{key_id}": _key,
    "POST /auth/session": _sign_in,
    "POST /auth/login": _sign_in_page,
    "POST /auth/revoke": _revoke,
    "POST /auth/verify-email": _verify,
    "POST /auth/password-reset/confirm": _reset,
    "POST /auth/confirm-email": lambda api: _as_form(_verify(api)),
    "POST /auth/new-password": lambda api: _as_form(_reset(api)),
    "POST /auth/invitation": _invited_page,
    "DELETE /auth/session": lambda api: by_session(api, {}),
    "DELETE /auth/sessions/{session}": _other_session,
    "POST /auth/organization": lambda api: by_session(api, {}, {"organization": "ada"}),
    "POST /auth/account/sessions/{session}": lambda api: _other_session(api, page=True),
    "POST /auth/device": lambda api: _device(api, "approve"),
    "POST /auth/device/token": _approved,
    "POST /auth/account/organization": lambda api: by_session(api, {}, {"organization": "ada"}, page=True),
}

WITHOUT: dict[str, str] = {
    "POST /auth/refresh": "it carries on a sign-in, whose beginning and end are events",
    "POST /auth/device/code": "it only begins a sign-in; what a person decides about it is an event",
    "POST /auth/register": "closed here (tests/features/accounts/test_registration.py)",
    "POST /auth/verify-email/resend": "it only sends a mail",
    "POST /auth/sign-up": "closed here (tests/features/accounts)",
    "POST /auth/forgotten": "it only sends a mail",
    "POST /auth/password-reset": "it only sends a mail",
    "POST /me/two-factor": "a proposal: nothing is in force before it is confirmed",
    "POST /me/email": "it only sends a mail; the address changes when its link is opened",
}
