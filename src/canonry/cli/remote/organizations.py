"""`canonry organizations`: what projects and members belong to."""

import sys
from typing import Annotated

from canonry.cli.arguments import argument, option
from canonry.cli.output import ask, print_json, print_table, say
from canonry.cli.remote.options import AsJson
from canonry.client.credentials import current
from canonry.client.people import PeopleApi
from canonry.core.errors import Invalid


def list_organizations(as_json: AsJson = False) -> None:
    """List your organizations; a token knows only its own."""
    found = PeopleApi(current()).list_organizations()
    if as_json:
        print_json(found)
    else:
        print_table(("HANDLE", "NAME", "ROLE", "ID"), [(item["handle"], item["name"], item["role"], item["id"]) for item in found])


def create_organization(
    name: Annotated[str, argument("NAME", help="The name people read.")],
    handle: Annotated[
        str | None, option("--handle", metavar="HANDLE", help="The word in addresses. Without it: made from the name.")
    ] = None,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Make an organization that you own."""
    made = PeopleApi(current()).create_organization(name, handle)
    if as_json:
        print_json(made)
    else:
        print(made["handle"])
        say(f"Your credentials act in the organization they were made in. To work in the new one: canonry login --org {made['handle']}")


def remove_organization(
    handle: Annotated[str, argument("HANDLE", help="The organization that your credential acts in.")],
    yes: Annotated[bool, option("--yes", "-y", help="Do not ask first.")] = False,
) -> None:
    """Delete an organization without projects and repositories: its members, tokens, keys and webhooks go with it.

    Only an owner may, who owns another one as well. It asks for the handle first.
    """
    people = PeopleApi(current())
    found = people.get_organization(handle)
    if not yes:
        if not sys.stdin.isatty():
            raise Invalid("not_confirmed", f"Deleting {found['handle']} was not confirmed.", hint="Say so with --yes.")
        say(f"This deletes {found['handle']} ({found['name']}) with its members, tokens, keys and webhooks. This cannot be undone.")
        if ask("Type its handle to go on: ") != found["handle"]:
            raise Invalid("not_confirmed", f"{found['handle']} was not deleted.")
    people.delete_organization(found["handle"])
    say(f"Deleted {found['handle']}. Credentials of it count no more: canonry login.")
