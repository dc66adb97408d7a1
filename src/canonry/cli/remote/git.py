"""`canonry git`: deploying from a repository."""

from pathlib import Path
from typing import Annotated

from canonry.cli.arguments import argument, option
from canonry.cli.output import print_json, say
from canonry.cli.remote.folder import project_of, remember
from canonry.cli.remote.following import show_started
from canonry.cli.remote.options import AsJson, Follow, Project
from canonry.client.api import Api
from canonry.client.credentials import current
from canonry.client.models import Project as ProjectDocument
from canonry.core.errors import NotFound


def connect(
    url: Annotated[str, argument("URL", help="The address of the repository, like https://git.example.com/team/app.git.")],
    branch: Annotated[
        str | None, option("--branch", metavar="NAME", help="The branch to deploy. Without it: the repository's default branch.")
    ] = None,
    project: Project = None,
    as_json: AsJson = False,
) -> None:
    """Name the repository that a project is deployed from. The project is created when there is none."""
    api = Api(current())
    connected = _connect(api, project_of(project), url, branch)
    remember(Path(), connected["slug"])
    if as_json:
        print_json(connected)
    else:
        say(f"{connected['slug']} is deployed from {connected['repo_url']}. Start with: canonry git deploy")


def disconnect(project: Project = None, as_json: AsJson = False) -> None:
    """Forget the repository that a project is deployed from. What is live stays live; pushes and folders are taken again."""
    api = Api(current())
    left = api.update_project(project_of(project), repo_url=None)
    if as_json:
        print_json(left)
    else:
        say(f"{left['slug']} has no repository now. Push to {left['git_url']}, or deploy a folder with canonry deploy.")


def deploy(
    ref: Annotated[str | None, option("--ref", metavar="REF", help="The branch, tag or commit. Without it: the project's branch.")] = None,
    project: Project = None,
    follow: Follow = True,
    as_json: AsJson = False,
) -> int:
    """Deploy from the connected repository and follow it until it is live."""
    api = Api(current())
    return show_started(api.deploy(project_of(project), ref), follow=follow, as_json=as_json, api=api)


def show_url(project: Project = None, as_json: AsJson = False) -> None:
    """Print the address to git push to. Its password is a token; the user name does not matter."""
    found = Api(current()).get_project(project_of(project))
    if as_json:
        print_json({"git_url": found["git_url"]})
    else:
        print(found["git_url"])


def _connect(api: Api, slug: str, url: str, branch: str | None) -> ProjectDocument:
    fields: dict[str, str | None] = {"repo_url": url}
    if branch is not None:
        fields["repo_branch"] = branch
    try:
        return api.update_project(slug, **fields)
    except NotFound:
        return api.create_project(slug, slug=slug, **fields)
