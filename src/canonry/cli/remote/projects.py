"""`canonry projects`: the projects of the organization."""

import sys
from typing import Annotated

from canonry.cli.arguments import argument, option
from canonry.cli.output import age, confirm, print_fields, print_json, print_table, say
from canonry.cli.remote.folder import project_of
from canonry.cli.remote.options import AsJson, ChosenProject
from canonry.client.api import Api
from canonry.client.credentials import current
from canonry.client.models import Project
from canonry.core.errors import Invalid


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


def remove_project(
    slug: Annotated[str, argument("SLUG", help="The project to remove.")],
    yes: Annotated[bool, option("--yes", "-y", help="Do not ask first.")] = False,
) -> None:
    """Remove a project with its deployments, logs and files. This cannot be undone."""
    api = Api(current())
    project = api.get_project(slug)
    if not yes:
        if not sys.stdin.isatty():
            raise Invalid("not_confirmed", f"Removing {project['slug']} was not confirmed.", hint="Say so with --yes.")
        if not confirm(f"Remove {project['slug']} ({project['url']}) and everything that belongs to it?"):
            raise Invalid("not_confirmed", f"{project['slug']} was not removed.")
    api.delete_project(project["slug"])
    say(f"Removed {project['slug']}.")


def stop_project(slug: ChosenProject = None, as_json: AsJson = False) -> None:
    """Stop the instances of a project. Its URL then says that it is stopped."""
    project = Api(current()).stop_project(project_of(slug))
    _tell(project, f"Stopped {project['slug']}.", as_json=as_json)


def start_project(slug: ChosenProject = None, as_json: AsJson = False) -> None:
    """Start a stopped project again."""
    project = Api(current()).start_project(project_of(slug))
    _tell(project, f"Started {project['slug']}: {project['url']}", as_json=as_json)


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
        "Root": project["root_dir"], "Python": project["python_version"], "Node": project["node_version"],
        "Install": project["install_command"], "Build": project["build_command"], "Start": project["start_command"],
        "Output": project["output_dir"], "Health": project["health_path"], "Made": f"{age(project['created_at'])} ago",
    })  # fmt: skip
