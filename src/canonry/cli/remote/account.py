"""`canonry login`, `logout`, `whoami`: who this user is to which Canonry."""

import sys
from typing import Annotated

from canonry.cli.arguments import option
from canonry.cli.output import ask_secretly, print_fields, print_json, say
from canonry.cli.remote.options import AsJson
from canonry.client.api import Api
from canonry.client.credentials import Credentials, current, load, remove, store
from canonry.core.errors import Invalid, Unauthenticated
from canonry.core.secret import Secret

_LOCAL = "http://localhost:8080"


def login(
    url: Annotated[
        str | None,
        option("--url", metavar="URL", help="Where Canonry answers. Without it: the address stored last, else http://localhost:8080."),
    ] = None,
) -> None:
    """Sign in with a token (cnr_...), asked for on the terminal or read from standard input, never given as an argument."""
    api_url = url or _stored_url() or _LOCAL
    token = _read_token(api_url)
    api = Api(Credentials(api_url, Secret(token)))
    me = api.me()
    if not me.get("authenticated"):
        raise Unauthenticated("invalid_token", f"{api.url} does not know this token.", hint="Make a new token there and sign in again.")
    organization = me["account"]["handle"] if me["account"] else ""
    place = store(api.url, token, organization)
    say(f"Signed in to {api.url} as {me['user']['email']} ({organization or 'in no organization'}); the token is kept in {place}.")


def logout() -> None:
    """Forget the stored token. The token itself stays valid on the server."""
    say("Signed out; the stored token is removed." if remove() else "Nobody was signed in.")


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


def _stored_url() -> str | None:
    stored = load()
    return stored.url if stored else None


def _read_token(url: str) -> str:
    token = (ask_secretly(f"Token for {url}: ") if sys.stdin.isatty() else sys.stdin.readline()).strip()
    if not token or not token.isascii() or not token.isprintable():
        raise Invalid("no_token", "No token was given.", hint="Pipe it in (canonry login < token-file) or type it at the prompt.")
    return token
