"""`canonry deploy`: from a folder to a live URL."""

from pathlib import Path
from typing import Annotated

from canonry.cli.arguments import option
from canonry.cli.output import Progress, say, warn
from canonry.cli.remote.folder import project_of, remember
from canonry.cli.remote.following import show_started
from canonry.cli.remote.options import AsJson, Folder, Follow, Project
from canonry.client.api import Api
from canonry.client.credentials import current
from canonry.client.models import Deployment
from canonry.client.pack import Archive, pack
from canonry.core.errors import Conflict, Invalid, NotFound, TooLarge


def deploy(
    path: Folder = Path(),
    project: Project = None,
    ref: Annotated[
        str | None,
        option("--ref", metavar="REF", help="Deploy this branch, tag or commit of the connected repository, not the folder."),
    ] = None,
    follow: Follow = True,
    as_json: AsJson = False,
) -> int:
    """Deploy a folder and follow it until it is live.

    The folder is packed without what .gitignore and .canonryignore name (the latter wins), and without .git, .canonry, node_modules,
    __pycache__, .DS_Store and virtual environments; a line like !node_modules/ in .canonryignore takes such a folder in. The first deploy
    creates the project.

    The last line on standard output is the URL. Exit code: 0 live, 1 failed, 9 cancelled, 10 superseded by a newer deployment.
    """
    api = Api(current())
    slug = project_of(project, path)
    if ref is not None:
        deployment = api.deploy(slug, ref)
    else:
        with pack_folder(path) as archive:
            deployment = _upload(api, slug, path, archive, is_chosen=project is not None)
        remember(path, deployment["slug"])
    return show_started(deployment, follow=follow, as_json=as_json, api=api)


def pack_folder(path: Path) -> Archive:
    """Pack a folder and warn about what had to be left out."""
    archive = pack(path)
    for sentence in archive.warnings:
        warn(sentence)
    return archive


def _upload(api: Api, slug: str, path: Path, archive: Archive, *, is_chosen: bool) -> Deployment:
    progress = Progress("Uploading", archive.size)
    try:
        try:
            return api.upload(slug, archive, progress)
        except NotFound as error:
            if error.code != "project_not_found" or slug.startswith("prj_"):
                raise
        created = _create(api, slug, slug if is_chosen else path.resolve().name, is_chosen=is_chosen)
        return api.upload(created, archive, progress)
    except TooLarge as error:
        raise TooLarge(
            error.code, error.message, hint=f"The largest here: {archive.largest()}. Name what is not needed in .canonryignore."
        ) from error


def _create(api: Api, slug: str, name: str, *, is_chosen: bool) -> str:
    try:
        project = api.create_project(name[:200], slug=slug)
    except Conflict as error:
        if error.code == "slug_reserved" and not is_chosen:
            return _create_or_use(api, f"{slug}-site", name)
        if error.code == "slug_taken" and _is_ours(api, slug):
            return slug  # another deploy of ours created it in the meantime
        hint = "Choose another one: canonry deploy --project SLUG."
        raise Conflict(error.code, f"The project {slug!r} cannot be created: {error.message}", hint=hint) from error
    except Invalid as error:
        raise Invalid(error.code, error.message, hint="Choose a name: canonry deploy --project SLUG.", issues=error.issues) from error
    say(f"Created the project {project['slug']}.")
    return project["slug"]


def _create_or_use(api: Api, slug: str, name: str) -> str:
    return slug if _is_ours(api, slug) else _create(api, slug, name, is_chosen=True)


def _is_ours(api: Api, slug: str) -> bool:
    try:
        api.get_project(slug)
    except NotFound:
        return False
    return True
