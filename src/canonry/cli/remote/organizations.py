"""`canonry organizations`: what projects and members belong to."""

from typing import Annotated

from canonry.cli.arguments import argument, option
from canonry.cli.output import print_json, print_table, say
from canonry.cli.remote.options import AsJson
from canonry.client.credentials import current
from canonry.client.people import PeopleApi


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
