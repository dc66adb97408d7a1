"""`canonry volumes`: folders that a project keeps over its deploys."""

import sys
from typing import Annotated

from canonry.cli.arguments import argument, option
from canonry.cli.output import age, ask, print_json, print_table, say
from canonry.cli.remote.folder import project_of
from canonry.cli.remote.options import AsJson, Project
from canonry.client.credentials import current
from canonry.client.transport import Document
from canonry.client.volumes import VolumesApi
from canonry.core.errors import Conflict, Invalid, NotFound

_STEP = 1000.0


def list_volumes(project: Project = None, as_json: AsJson = False) -> None:
    """List the volumes of a project with what they hold; detached ones are kept until you remove them."""
    slug = project_of(project)
    found = VolumesApi(current(), slug).list()
    if as_json:
        print_json(found)
    elif found:
        print_table(("VOLUME", "NAME", "ENVIRONMENT", "PATH", "STATUS", "USED", "OF", "MADE"), [
            (item["id"], item["name"], item["environment"], item["path"], "full" if item["full"] else item["status"],
             size(item["used_bytes"]), size(item["size_bytes"]), f"{age(item['created_at'])} ago")
            for item in found
        ])  # fmt: skip
    else:
        say(f"{slug} has no volumes. Declare one in canonry.toml with [[volumes]], then deploy.")


def remove_volume(
    volume: Annotated[str, argument("VOLUME", help="Its name, or its id (vol_...) as `canonry volumes ls` shows it.")],
    yes: Annotated[bool, option("--yes", "-y", help="Do not ask first.")] = False,
    project: Project = None,
) -> None:
    """Remove a volume with everything in it. This cannot be undone: it asks for the volume's name first."""
    slug = project_of(project)
    volumes = VolumesApi(current(), slug)
    found = _find(volumes.list(), volume)
    if not yes:
        if not sys.stdin.isatty():
            raise Invalid("not_confirmed", f"Removing the volume {found['name']} was not confirmed.", hint="Say so with --yes.")
        say(f"This removes {shown(found)} of {slug} and everything in it.")
        if ask("Type its name to go on: ") != found["name"]:
            raise Invalid("not_confirmed", f"The volume {found['name']} was not removed.")
    volumes.remove(found["id"])
    say(f"Removed the volume {found['name']} ({found['id']}).")


def shown(volume: Document) -> str:
    """Return a volume in words: `data (vol_…) with 1.2 GB in 40 files`."""
    return f"{volume['name']} ({volume['id']}) with {size(volume['used_bytes'])} in {volume['files']} files"


def size(count: int) -> str:
    """Return a number of bytes for people, in the units of canonry.toml."""
    if count < _STEP:
        return f"{count} B"
    value = float(count)
    for unit in ("kB", "MB", "GB", "TB"):
        value /= _STEP
        if round(value, 1) < _STEP or unit == "TB":
            break
    return f"{value:.1f}".removesuffix(".0") + f" {unit}"


def _find(rows: list[Document], wanted: str) -> Document:
    matching = [item for item in rows if wanted in {item["id"], item["name"]}]
    if not matching:
        hint = f"There is {', '.join(item['name'] for item in rows)}." if rows else "There are none."
        raise NotFound("volume_not_found", f"There is no volume {wanted!r}.", hint=hint)
    chosen = [item for item in matching if item["environment"] == "production"] if len(matching) > 1 else matching
    if len(chosen) != 1:
        raise Conflict("volume_ambiguous", f"Several previews have a volume {wanted!r}.", hint="Give its id: canonry volumes ls.")
    return chosen[0]
