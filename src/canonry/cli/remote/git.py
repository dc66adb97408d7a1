"""`canonry git`: deploying from a repository."""

import sys
from pathlib import Path
from typing import Annotated

from canonry.cli.arguments import argument, option
from canonry.cli.output import age, ask_secretly, print_fields, print_json, say
from canonry.cli.remote.folder import is_known, project_of, remember
from canonry.cli.remote.following import show_started
from canonry.cli.remote.options import AsJson, Follow, Project
from canonry.client.api import Api
from canonry.client.credentials import current
from canonry.client.repositories import RepositoryApi
from canonry.client.transport import Document
from canonry.core.errors import CanonryError, NotFound


def connect(
    url: Annotated[
        str,
        argument(
            "URL",
            help="Its address: https://git.example.com/team/app.git, git@host:path, or owner/name: a repository here, else one on GitHub.",
        ),
    ],
    branch: Annotated[str | None, option("--branch", metavar="NAME", help="The branch to deploy. Without it: main.")] = None,
    *,
    auto_deploy: Annotated[
        bool, option("--auto-deploy/--no-auto-deploy", help="Deploy what the webhook tells of, or only by hand.")
    ] = True,
    token: Annotated[
        bool, option("--token", help="Read a private repository with a token, which is asked for or read from stdin.")
    ] = False,
    root: Annotated[str | None, option("--root", metavar="FOLDER", help="The project's folder in a repository that holds more.")] = None,
    project: Project = None,
    as_json: AsJson = False,
) -> None:
    """Name the repository that a project is deployed from. The project is created when there is none.

    Several projects may come from one repository that Canonry hosts: a push deploys those it concerns. Of a repository elsewhere the
    webhook secret is printed once. An SSH address gets a deploy key, whose public half is printed too.
    """
    slug, secret = project_of(project), read_token() if token else None
    connected = _connect(slug, url, branch, auto_deploy=auto_deploy, token=secret, root=root)
    if not is_known(Path()):  # a folder that was deployed from stays that project's: the next `env set` must not go elsewhere
        remember(Path(), connected["slug"])
    if as_json:
        print_json(connected)
        return
    connection = connected["connection"]
    say(f"{connected['slug']} is deployed from {connection['repository']}, branch {connected['repo_branch']}.")
    if connection["access"] == "hosted":
        say(
            "A push to it deploys this project when it concerns it."
            if connection["autoDeploy"]
            else "A push to it deploys nothing of itself."
        )
        say("Start with: canonry git deploy")
        return
    if key := connection["deployKey"]:
        say("Let this deploy key read the repository:")
        print(key)
    if connected["webhookRegistered"]:
        say("The repository tells Canonry of each push from now on.")
    else:
        _tell_webhook(connected)
    say("Start with: canonry git deploy")


def show(project: Project = None, as_json: AsJson = False) -> None:
    """Show the repository a project is deployed from, how it is read, and what its webhook told last."""
    slug = project_of(project)
    found = RepositoryApi(current(), slug).show()
    if as_json:
        print_json(found)
        return
    if not found["connected"]:
        print_fields({"Project": slug, "Repository": "none"})
        say("Connect one with: canonry git connect URL. Without one, push to the address of: canonry git url")
        return
    webhook, last = found["webhook"], found["webhook"]["lastDelivery"]
    print_fields({
        "Project": slug, "Repository": found["repository"], "Branch": found["branch"], "Automatic": "yes" if found["autoDeploy"] else "no",
        "Read by": found["access"].replace("_", " "), "Deploy key": found["deployKey"],
        "Servers": ", ".join(f"{item['host']} {item['fingerprint']}" for item in found["knownHosts"]) or None,
        "Webhook": webhook["url"] if webhook["configured"] else None,
        "Last delivery": f"{last['event']}, {age(last['at'])} ago: {last['outcome']}" if last else None,
    })  # fmt: skip


def rotate_secret(project: Project = None, as_json: AsJson = False) -> None:
    """Replace the webhook secret of a project and print the new one. The old one is dead at once."""
    answer = RepositoryApi(current(), project_of(project)).rotate_secret()
    if as_json:
        print_json(answer)
    else:
        _tell_webhook(answer)


def show_deploy_key(project: Project = None, as_json: AsJson = False) -> None:
    """Print the public half of the deploy key, to be added to the repository."""
    key = RepositoryApi(current(), project_of(project)).show()["deployKey"]
    if key is None:
        raise NotFound(
            "no_deploy_key", "This project has no deploy key.", hint="An SSH address gets one: canonry git connect git@host:path."
        )
    if as_json:
        print_json({"deploy_key": key})
    else:
        print(key)


def disconnect(project: Project = None, as_json: AsJson = False) -> None:
    """Forget the repository that a project is deployed from. What is live stays live; pushes and folders are taken again."""
    slug = project_of(project)
    RepositoryApi(current(), slug).disconnect()
    left = Api(current()).get_project(slug)
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


def _connect(slug: str, url: str, branch: str | None, *, auto_deploy: bool, token: str | None, root: str | None) -> Document:
    repository = RepositoryApi(current(), slug)
    try:
        return repository.connect(url, branch, auto_deploy=auto_deploy, token=token, root=root)
    except NotFound:
        api = Api(current())
        api.create_project(slug, slug=slug)
    try:
        return repository.connect(url, branch, auto_deploy=auto_deploy, token=token, root=root)
    except CanonryError:
        api.delete_project(slug)  # it was made a moment ago, for this repository only
        raise


def _tell_webhook(answer: Document) -> None:
    say(f"Let the repository send its pushes and pull requests to {answer['webhookUrl']} as JSON, with this secret (shown only now):")
    print(answer["webhookSecret"])


def read_token() -> str:
    """Ask for a token without showing it, or read it from stdin."""
    text = ask_secretly("Token: ") if sys.stdin.isatty() else sys.stdin.read()
    return text.strip()
