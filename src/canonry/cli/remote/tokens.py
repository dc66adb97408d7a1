"""`canonry tokens`: values that let programs in."""

from typing import Annotated

from canonry.cli.arguments import argument, option
from canonry.cli.output import age, print_json, print_table, say
from canonry.cli.remote.options import AsJson, Limit
from canonry.client.credentials import current
from canonry.client.people import PeopleApi


def list_tokens(limit: Limit = 100, as_json: AsJson = False) -> None:
    """List your tokens, the newest first; who manages the organization sees everybody's. No value is shown."""
    found = PeopleApi(current()).list_tokens(limit)
    if as_json:
        print_json(found)
    elif found:
        rows = [
            (item["id"], item["name"], f"{item['prefix']}…", item["scope"], item["project"], item["owner"], age(item["last_used_at"]),
             (item["expires_at"] or "never")[:10])
            for item in found
        ]  # fmt: skip
        print_table(("ID", "NAME", "BEGINS", "SCOPE", "PROJECT", "OWNER", "LAST USED", "EXPIRES"), rows)
    else:
        say("There are no tokens. Make one with: canonry tokens create NAME")


def create_token(
    name: Annotated[str, argument("NAME", help="What it is for, like ci.")],
    scope: Annotated[str, option("--scope", metavar="SCOPE", help="What it may do: read, deploy or admin.")] = "deploy",
    project: Annotated[str | None, option("--project", "-p", metavar="SLUG", help="The one project it is for. Without it: all.")] = None,
    days: Annotated[
        int | None, option("--days", min=1, max=3650, metavar="N", help="Days until it expires. Without it: never.")
    ] = None,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Make a token and print its value, which is shown this once."""
    made = PeopleApi(current()).create_token(name, scope, project, days)
    if as_json:
        print_json(made)
        return
    print(made["token"])
    say(f"Made {made['id']} ({made['scope']}). Keep the value above: it is not shown again.")


def remove_token(token: Annotated[str, argument("TOKEN", help="The id of the token (tok_...).")]) -> None:
    """Revoke a token: the very next request with it is refused."""
    PeopleApi(current()).delete_token(token)
    say(f"Revoked {token}.")
