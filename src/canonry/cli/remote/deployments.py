"""`canonry deployments` and `canonry rollback`: attempts to bring something live."""

from typing import Annotated

from canonry.cli.arguments import argument, option
from canonry.cli.output import age, print_fields, print_json, print_table, say
from canonry.cli.remote.folder import project_of
from canonry.cli.remote.following import follow_to_end, format_line, pages, show_started
from canonry.cli.remote.options import AsJson, Follow, Limit, Project
from canonry.client.api import Api
from canonry.client.credentials import current
from canonry.client.models import Deployment
from canonry.core.errors import NotFound

Chosen = Annotated[str | None, argument("DEPLOYMENT", help="The deployment (dep_...). Without it: the newest of the project.")]


def list_deployments(project: Project = None, limit: Limit = 20, as_json: AsJson = False) -> None:
    """List the deployments of a project, the newest first."""
    found = Api(current()).list_deployments(project_of(project), limit)
    if as_json:
        print_json(found)
        return
    rows = [
        (
            item["id"],
            item["status"],
            item["trigger"],
            _source(item),
            age(item["created_at"]),
            item["error"]["code"] if item["error"] else None,
        )
        for item in found
    ]
    print_table(("DEPLOYMENT", "STATUS", "BY", "SOURCE", "AGE", "ERROR"), rows)


def show_deployment(deployment: Chosen = None, project: Project = None, as_json: AsJson = False) -> None:
    """Show one deployment: what it came from, how far it got, why it failed."""
    found = _find(Api(current()), deployment, project)
    if as_json:
        print_json(found)
        return
    error = found["error"]
    print_fields({
        "Deployment": found["id"], "Project": found["slug"], "Status": found["status"], "Step": found["step"], "By": found["trigger"],
        "Ref": found["ref"], "Commit": found["commit"], "Message": (found["commit_message"] or "").partition("\n")[0], "URL": found["url"],
        "Artifact": found["artifact_id"], "Reused": "the artifact of an earlier build" if found["reused"] else None,
        "Asked for": found["created_at"], "Started": found["started_at"], "Finished": found["finished_at"],
        "Error": error["message"] if error else None, "Hint": error.get("hint") if error else None,
    })  # fmt: skip


def show_log(
    deployment: Chosen = None,
    project: Project = None,
    follow: Annotated[bool, option("--follow", "-f", help="Go on until the deployment has ended, and leave with its exit code.")] = False,
    as_json: AsJson = False,
) -> int:
    """Show the log of a deployment."""
    api = Api(current())
    found = _find(api, deployment, project)
    if follow:
        return follow_to_end(api, found, as_json=as_json)
    lines = [line for page in pages(api, found["id"]) for line in page]
    if as_json:
        print_json(lines)
    else:
        for line in lines:
            print(format_line(line))
    return 0


def cancel_deployment(deployment: Chosen = None, project: Project = None, as_json: AsJson = False) -> None:
    """Cancel a deployment that is not finished. What was live before goes on serving."""
    api = Api(current())
    cancelled = api.cancel(deployment or _find(api, None, project)["id"])
    if as_json:
        print_json(cancelled)
    else:
        say(f"Cancelled {cancelled['id']} of {cancelled['slug']}.")


def retry_deployment(deployment: Chosen = None, project: Project = None, follow: Follow = True, as_json: AsJson = False) -> int:
    """Do a deployment again from the same source, as a new deployment, and follow it."""
    api = Api(current())
    started = api.retry(deployment or _find(api, None, project)["id"])
    return show_started(started, follow=follow, as_json=as_json, api=api)


def rollback(
    deployment: Annotated[str | None, argument("DEPLOYMENT", help="Where to go back to. Without it: what was live before.")] = None,
    project: Project = None,
    follow: Follow = True,
    as_json: AsJson = False,
) -> int:
    """Go back to an earlier deployment: its artifact is released again, without a build."""
    api = Api(current())
    started = api.rollback(deployment) if deployment else api.rollback_project(project_of(project))
    return show_started(started, follow=follow, as_json=as_json, api=api)


def _find(api: Api, deployment: str | None, project: str | None) -> Deployment:
    if deployment:
        return api.get_deployment(deployment)
    slug = project_of(project)
    newest = api.list_deployments(slug, 1)
    if not newest:
        raise NotFound("no_deployment", f"{slug} has no deployments yet.", hint="Make the first one with: canonry deploy PATH")
    return newest[0]


def _source(deployment: Deployment) -> str:
    commit = (deployment["commit"] or "")[:8]
    message = (deployment["commit_message"] or "").partition("\n")[0][:40]
    return " ".join(part for part in (deployment["ref"], commit, message) if part)
