"""`canonry repos`: repositories that Canonry hosts, those of projects and those for specifications only; and those that live at GitHub."""

import sys
from typing import Annotated

from canonry.cli.arguments import argument, option
from canonry.cli.output import age, ask, print_json, print_table, say
from canonry.cli.remote.git import read_token
from canonry.cli.remote.options import AsJson
from canonry.client.credentials import current
from canonry.client.repositories import RepositoriesApi
from canonry.core.errors import Invalid


def list_repositories(as_json: AsJson = False) -> None:
    """List the repositories of the organization."""
    found = RepositoriesApi(current()).list()
    if as_json:
        print_json(found)
    elif found:
        print_table(("NAME", "PROJECT", "BRANCH", "COMMIT", "ADDRESS", "MADE", "PROBLEM"), [
            (item["full_name"], "yes" if item["project_id"] else "", item["default_branch"], (item["head"] or "")[:12], item["clone_url"],
             f"{age(item['created_at'])} ago", item["problem"] or "")
            for item in found
        ])  # fmt: skip
    else:
        say("There are no repositories. A push makes one with its project; `canonry repos create NAME` one without.")


def create_repository(
    name: Annotated[str, argument("NAME", help="What it is called.")],
    *,
    description: Annotated[str, option("--description", help="What it is for.")] = "",
    branch: Annotated[str, option("--branch", metavar="NAME", help="Its default branch.")] = "main",
    as_json: AsJson = False,
) -> None:
    """Make a repository that no project deploys."""
    made = RepositoriesApi(current()).create(name, description=description, branch=branch)
    if as_json:
        print_json(made)
        return
    say(f"Made {made['full_name']}. Push to it, a token (canonry tokens create) as the password:")
    say(f"  git push {made['clone_url']} {made['default_branch']}")


def add_repository(
    repository: Annotated[str, argument("OWNER/NAME", help="What it is called at GitHub, or its address.")],
    *,
    token: Annotated[bool, option("--token", help="Read and write it with a token, which is asked for or read from stdin.")] = False,
    as_json: AsJson = False,
) -> None:
    """Add a repository that lives at GitHub, whose specifications are then shown and edited here.

    Without --token the GitHub App of this Canonry acts there, for somebody who has linked a GitHub account that may push to it. Adding one
    again with --token replaces the token.
    """
    added = RepositoriesApi(current()).add(repository, read_token() if token else None)
    if as_json:
        print_json(added)
        return
    found = added["repository"]
    say(
        f"Added {found['full_name']}, branch {found['default_branch']}. It is fetched and indexed now; `canonry repos ls` shows its commit."
    )
    if added["webhook_problem"]:
        say(added["webhook_problem"])


def refresh_repository(
    name: Annotated[str, argument("NAME", help="Its name, owner/name or id.")],
    as_json: AsJson = False,
) -> None:
    """Look at a repository now: what is new on its default branch is fetched and indexed."""
    found = RepositoriesApi(current()).refresh(name)
    if as_json:
        print_json(found)
    else:
        say(f"{found['full_name']} is at {(found['head'] or 'no commit yet')[:12]}.")


def remove_repository(
    name: Annotated[str, argument("NAME", help="Its name, owner/name or id.")],
    yes: Annotated[bool, option("--yes", "-y", help="Do not ask first.")] = False,
) -> None:
    """Delete a repository that no project has, with all its history. It asks for its name first."""
    api = RepositoriesApi(current())
    found = api.show(name)
    if not yes:
        if not sys.stdin.isatty():
            raise Invalid("not_confirmed", f"Removing {found['full_name']} was not confirmed.", hint="Say so with --yes.")
        elsewhere = found["host"] != "canonry"
        say(
            f"This forgets {found['full_name']}; at GitHub it stays."
            if elsewhere
            else f"This deletes {found['full_name']} with all its history."
        )
        if ask(f"Type {found['name']} to go on: ") != found["name"]:
            raise Invalid("not_confirmed", f"{found['full_name']} was not removed.")
    api.remove(found["id"])
    say(f"Removed {found['full_name']}.")
