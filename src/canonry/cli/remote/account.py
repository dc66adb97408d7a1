"""`canonry login`, `logout`, `whoami`: who this user is to which Canonry."""

import sys
from typing import TYPE_CHECKING, Annotated

from canonry.cli.arguments import option
from canonry.cli.output import ask_secretly, print_fields, print_json, say, warn
from canonry.cli.remote.options import AsJson
from canonry.client.api import Api
from canonry.client.credentials import Credentials, current, keep, load, remove, store
from canonry.core.errors import CanonryError, Invalid, Unauthenticated
from canonry.core.secret import Secret

if TYPE_CHECKING:
    from canonry.client.device import Codes

_LOCAL = "http://localhost:8080"


def login(
    url: Annotated[
        str | None,
        option("--url", metavar="URL", help="Where Canonry answers. Without it: the address stored last, else http://localhost:8080."),
    ] = None,
    by_token: Annotated[bool, option("--token", help="Read a token (cnr_...) from the terminal or from standard input instead.")] = False,
    organization: Annotated[str | None, option("--org", metavar="HANDLE", help="The organization to act in.")] = None,
) -> None:
    """Sign in: open the address that is printed in a browser, and approve there. It is renewed by itself from then on.

    With --token no browser is needed, as on a build machine; the token is never given as an argument.
    """
    api_url = url or _stored_url() or _LOCAL
    if by_token:
        _login_by_token(api_url)
        return
    from canonry.client.device import sign_in
    from canonry.client.transport import Transport

    done = sign_in(Transport(api_url, None).url, organization=organization or "", client=_own_name(), show=_show_codes)
    place = keep(done.credentials)
    say(f"Signed in to {done.credentials.url} as {done.email} ({done.credentials.organization}); the tokens are kept in {place}.")


def logout() -> None:
    """Sign out: end the session on the server and forget its tokens. A token made by hand is forgotten, and stays valid on the server."""
    stored = load()
    if stored is None:
        say("Nobody was signed in.")
        return
    if stored.refresh is None:
        remove()
        say("Signed out; the stored token is removed. It stays valid on the server.")
        return
    from canonry.client.transport import Transport

    problem = ""
    try:
        Transport(stored.url, None).send("POST", "/auth/revoke", document={"refresh_token": stored.refresh.reveal()})
    except CanonryError as error:
        problem = error.message
    remove()
    if problem:
        warn(f"The tokens are removed here, but the session goes on at {stored.url}: {problem} End it under {stored.url}/auth/account.")
    else:
        say(f"Signed out of {stored.url}.")


def whoami(as_json: AsJson = False) -> None:
    """Show who the token is, to which Canonry, and what it may do."""
    api = Api(current())
    me = api.me()
    if as_json:
        print_json({"url": api.url, **me})
        return
    print_fields({
        "URL": api.url, "User": me["user"]["email"], "Name": me["user"]["name"], "Organization": me["account"] and me["account"]["handle"],
        "Permissions": ", ".join(me["permissions"]),
    })  # fmt: skip


def _login_by_token(api_url: str) -> None:
    token = _read_token(api_url)
    api = Api(Credentials(api_url, Secret(token)))
    me = api.me()
    if not me.get("authenticated"):
        raise Unauthenticated("invalid_token", f"{api.url} does not know this token.", hint="Make a new token there and sign in again.")
    organization = me["account"]["handle"] if me["account"] else ""
    place = store(api.url, token, organization)
    say(f"Signed in to {api.url} as {me['user']['email']} ({organization or 'in no organization'}); the token is kept in {place}.")


def _show_codes(codes: "Codes") -> None:
    say(f"Open this address in a browser:  {codes.place_with_code}")
    say(f"and compare the code:            {codes.user_code}")
    say(f"Waiting for you to approve it ({codes.expires_in / 60:.0f} minutes) …")


def _own_name() -> str:
    import platform

    from canonry import __version__

    return f"canonry {__version__} on {platform.node() or 'an unnamed machine'}"


def _stored_url() -> str | None:
    stored = load()
    return stored.url if stored else None


def _read_token(url: str) -> str:
    token = (ask_secretly(f"Token for {url}: ") if sys.stdin.isatty() else sys.stdin.readline()).strip()
    if not token or not token.isascii() or not token.isprintable():
        raise Invalid("no_token", "No token was given.", hint="Pipe it in (canonry login --token < token-file) or type it at the prompt.")
    return token
