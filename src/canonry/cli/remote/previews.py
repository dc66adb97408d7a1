"""`canonry previews`: branches and pull requests on URLs of their own."""

from typing import Annotated, cast

from canonry.cli.arguments import argument, option
from canonry.cli.output import age, print_json, print_table, say
from canonry.cli.remote.folder import project_of
from canonry.cli.remote.following import show_started
from canonry.cli.remote.options import AsJson, Follow, Project
from canonry.client.api import Api
from canonry.client.credentials import current
from canonry.client.models import Deployment
from canonry.client.repositories import PreviewsApi
from canonry.client.transport import Document
from canonry.core.errors import NotFound

Which = Annotated[str, argument("PREVIEW", help="Its branch, its id, or the first part of its host.")]


def list_previews(project: Project = None, as_json: AsJson = False) -> None:
    """List the previews of a project, the newest first."""
    slug = project_of(project)
    found = PreviewsApi(current(), slug).list()
    if as_json:
        print_json(found)
    elif found:
        print_table(("BRANCH", "PULL REQUEST", "STATUS", "COMMIT", "URL", "MADE"), [
            (item["branch"], _request(item), item["status"], (item["commit"] or "")[:12], item["url"], f"{age(item['created_at'])} ago")
            for item in found
        ])  # fmt: skip
    else:
        say(f"{slug} has no previews. Make one with: canonry previews create BRANCH")


def create_preview(
    branch: Annotated[str, argument("BRANCH", help="The branch to deploy.")],
    *,
    commit: Annotated[str | None, option("--commit", metavar="ID", help="A commit of it. Without it: its newest one.")] = None,
    expires: Annotated[
        str | None, option("--expires", metavar="TIME", help="How long it stays after its last deployment, like 12h or 7d.")
    ] = None,
    project: Project = None,
    follow: Follow = True,
    as_json: AsJson = False,
) -> int:
    """Deploy a branch on a URL of its own and follow it until it is live. Production is not touched."""
    answer = PreviewsApi(current(), project_of(project)).create(branch, commit=commit, expires=expires)
    return show_started(cast("Deployment", answer["deployment"]), follow=follow, as_json=as_json, api=Api(current()))


def approve_preview(preview: Which, *, project: Project = None, follow: Follow = True, as_json: AsJson = False) -> int:
    """Let the newest commit of a fork's pull request in, and deploy it. The next commit waits again."""
    previews = PreviewsApi(current(), project_of(project))
    found = _find(previews, preview)
    say(f"Commit {(found['commit'] or '')[:12]} of {found['fork'] or 'this repository'}: {found['commit_message'] or ''}")
    answer = previews.approve(found["id"], found["commit"] or "")
    return show_started(cast("Deployment", answer["deployment"]), follow=follow, as_json=as_json, api=Api(current()))


def remove_preview(preview: Which, project: Project = None) -> None:
    """Remove a preview with its processes and files. Production is not touched."""
    previews = PreviewsApi(current(), project_of(project))
    found = _find(previews, preview)
    previews.remove(found["id"])
    say(f"Removed the preview of {found['branch']}.")


def _find(previews: PreviewsApi, wanted: str) -> Document:
    rows = previews.list()
    for item in rows:
        label = item["url"].partition("://")[2].partition(".")[0]
        if wanted in {item["id"], item["branch"], label, f"#{item['pull_request']}"}:
            return item
    hint = f"There is {', '.join(item['branch'] for item in rows)}." if rows else "There are none."
    raise NotFound("preview_not_found", f"There is no preview {wanted!r}.", hint=hint)


def _request(item: Document) -> str:
    if item["pull_request"] is None:
        return ""
    return f"#{item['pull_request']}" + (f" of {item['fork']}" if item["fork"] else "")
