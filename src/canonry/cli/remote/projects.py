"""`canonry projects`: the projects of the organization."""

import sys
import time
from typing import Annotated

from canonry.cli.arguments import argument, option
from canonry.cli.output import age, ask, print_fields, print_json, print_table, say
from canonry.cli.remote.folder import project_of
from canonry.cli.remote.options import AsJson, ChosenProject
from canonry.cli.remote.volumes import shown
from canonry.client.api import Api
from canonry.client.credentials import current
from canonry.client.models import Project
from canonry.client.transport import Document
from canonry.client.volumes import VolumesApi
from canonry.core.errors import Invalid, Unavailable

_DETECT = "Empty: detect it."
_WAIT, _PAUSE = 60.0, 0.2  # seconds that an app has to be healthy, unless its project says more; between two looks


def list_projects(
    limit: Annotated[int | None, option("--limit", "-n", min=1, metavar="COUNT", help="How many to show at most. Without it: all.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the projects of the organization."""
    projects = Api(current()).list_projects(limit)
    if as_json:
        print_json(projects)
    elif projects:
        print_table(
            ("SLUG", "STATUS", "INSTANCES", "URL"), [(item["slug"], item["status"], item["instances"], item["url"]) for item in projects]
        )
    else:
        say("There are no projects yet. Make one from a folder with: canonry deploy PATH")


def show_project(slug: ChosenProject = None, as_json: AsJson = False) -> None:
    """Show one project: where it is served, where it comes from, how it is built."""
    _show(Api(current()).get_project(project_of(slug)), as_json=as_json)


def create_project(
    name: Annotated[str, argument("NAME", help="The name people read.")],
    slug: Annotated[str | None, option("--slug", metavar="SLUG", help="The word in its address. Without it: made from the name.")] = None,
    repo_url: Annotated[str | None, option("--repo", metavar="URL", help="The git repository to deploy from.")] = None,
    branch: Annotated[str | None, option("--branch", metavar="NAME", help="The branch to deploy from.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make an empty project."""
    project = Api(current()).create_project(name, slug=slug, repo_url=repo_url, repo_branch=branch)
    if as_json:
        print_json(project)
    else:
        print(project["slug"])


def set_project(
    slug: ChosenProject = None,
    *,
    name: Annotated[str | None, option("--name", metavar="NAME", help="The name people read.")] = None,
    branch: Annotated[str | None, option("--branch", metavar="NAME", help="The branch to deploy from.")] = None,
    runtime: Annotated[str | None, option("--runtime", metavar="NAME", help=f"static, python, node, deno, go or shell. {_DETECT}")] = None,
    python: Annotated[str | None, option("--python", metavar="VERSION", help=f"The Python it runs on. {_DETECT}")] = None,
    node: Annotated[str | None, option("--node", metavar="VERSION", help=f"The Node it runs on. {_DETECT}")] = None,
    install: Annotated[str | None, option("--install", metavar="COMMAND", help=f"Fetches the dependencies. {_DETECT}")] = None,
    build: Annotated[str | None, option("--build", metavar="COMMAND", help=f"Builds. {_DETECT}")] = None,
    start: Annotated[str | None, option("--start", metavar="COMMAND", help=f"Starts the web process. {_DETECT}")] = None,
    output: Annotated[str | None, option("--output", metavar="FOLDER", help=f"Holds the finished files of a site. {_DETECT}")] = None,
    root: Annotated[
        str | None, option("--root", metavar="FOLDER", help=f"The app's folder in a repository that holds more. {_DETECT}")
    ] = None,
    health: Annotated[str | None, option("--health", metavar="PATH", help=f"Must answer 2xx when the app is healthy. {_DETECT}")] = None,
    health_timeout: Annotated[
        int | None,
        option("--health-timeout", min=0, max=3600, metavar="SECONDS", help="How long it may take to be healthy; 0: the default."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Change settings of a project. They are in force at the next deployment and win over canonry.toml."""
    texts = {
        "runtime": runtime, "python_version": python, "node_version": node, "install_command": install,
        "build_command": build, "start_command": start, "output_dir": output, "root_dir": root, "health_path": health,
    }  # fmt: skip
    changes: Document = {field: value or None for field, value in texts.items() if value is not None}
    changes |= {field: value for field, value in (("name", name), ("repo_branch", branch)) if value is not None}
    if health_timeout is not None:
        changes["health_timeout"] = health_timeout or None
    if not changes:
        raise Invalid("usage", "There is nothing to change.", hint="Say what, for example: canonry projects set --node 22")
    project = Api(current()).update_project(project_of(slug), **changes)
    _tell(project, f"Changed {project['slug']}. In force at the next deployment.", as_json=as_json)


def remove_project(
    slug: Annotated[str, argument("SLUG", help="The project to remove.")],
    yes: Annotated[bool, option("--yes", "-y", help="Do not ask first.")] = False,
) -> None:
    """Remove a project with its deployments, variables, logs, files and volumes.

    This cannot be undone: it names the volumes and asks for the project's slug first.
    """
    api = Api(current())
    project = api.get_project(slug)
    if not yes:
        if not sys.stdin.isatty():
            raise Invalid("not_confirmed", f"Removing {project['slug']} was not confirmed.", hint="Say so with --yes.")
        say(f"This removes {project['slug']} ({project['url']}) and everything that belongs to it.")
        for volume in VolumesApi(current(), project["slug"]).list():
            say(f"With it goes the volume {shown(volume)}.")
        if ask("Type its slug to go on: ") != project["slug"]:
            raise Invalid("not_confirmed", f"{project['slug']} was not removed.")
    api.delete_project(project["slug"])
    say(f"Removed {project['slug']}.")


def stop_project(slug: ChosenProject = None, as_json: AsJson = False) -> None:
    """Stop the instances of a project. Its URL then says that it is stopped."""
    project = Api(current()).stop_project(project_of(slug))
    _tell(project, f"Stopped {project['slug']}.", as_json=as_json)


def start_project(
    slug: ChosenProject = None,
    wait: Annotated[bool, option("--wait/--no-wait", help="Wait until the app is healthy, or leave at once.")] = True,
    as_json: AsJson = False,
) -> None:
    """Start a stopped project again."""
    api = Api(current())
    project = api.start_project(project_of(slug))
    if wait:
        _wait_for_instances(api, project["slug"], project["health_timeout"] or _WAIT)
    _tell(project, f"Started {project['slug']}: {project['url']}", as_json=as_json)


def _wait_for_instances(api: Api, slug: str, seconds: float) -> None:
    """Return when an instance of the web process is healthy, or there is none to wait for. Raises: Unavailable `not_healthy`."""
    end = time.monotonic() + seconds
    while True:
        found = [item for item in api.list_instances(slug) if item["process"] == "web" and item["status"] != "draining"]
        if not found or any(item["status"] == "healthy" for item in found):
            return
        if time.monotonic() > end or all(item["status"] == "crash_loop" for item in found):
            raise Unavailable("not_healthy", f"{slug} is started, but no instance of it answers yet: it is {found[0]['status']}.",
                              hint=f"See why: canonry logs --project {slug}, canonry ps --project {slug}.")  # fmt: skip
        time.sleep(_PAUSE)


def _tell(project: Project, sentence: str, *, as_json: bool) -> None:
    if as_json:
        print_json(project)
    else:
        say(sentence)


def _show(project: Project, *, as_json: bool) -> None:
    if as_json:
        print_json(project)
        return
    print_fields({
        "Project": project["slug"], "Name": project["name"], "Id": project["id"], "Status": project["status"], "URL": project["url"],
        "Instances": project["instances"], "Memory": f"{project['memory_mb']} MiB each",
        "Repository": project["repo_url"], "Branch": project["repo_branch"], "Push to": project["git_url"],
        "Runtime": project["runtime"], "Root": project["root_dir"], "Python": project["python_version"], "Node": project["node_version"],
        "Install": project["install_command"], "Build": project["build_command"], "Start": project["start_command"],
        "Output": project["output_dir"], "Health": project["health_path"],
        "Waits for": f"{project['health_timeout']} s" if project["health_timeout"] else None, "Made": f"{age(project['created_at'])} ago",
    })  # fmt: skip
