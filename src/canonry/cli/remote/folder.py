"""Which project a folder belongs to: `.canonry/project.json` in it, written by the first deploy."""

import json
import os
import re
from pathlib import Path

from canonry.cli.output import warn
from canonry.core.errors import Invalid

_PLACE = Path(".canonry") / "project.json"
_LONGEST = 40


def project_of(given: str | None, folder: Path | None = None) -> str:
    """Return the slug to use: the one given, else the one `folder` (default: the present one) remembers, else one made from its name.

    Raises: Invalid `no_project` when the folder's name has nothing to make a slug of.
    """
    place = (folder or Path()).absolute()
    return given or _remembered(place) or _derived(place)


def is_known(folder: Path) -> bool:
    """Say whether the folder remembers its project."""
    return _remembered(folder.absolute()) is not None


def remember(folder: Path, slug: str) -> None:
    """Keep in `folder` that it belongs to `slug`. A folder that cannot be written to is no reason to fail."""
    target = folder / _PLACE
    if _remembered(folder) == slug:
        return
    try:
        target.parent.mkdir(exist_ok=True)
        (target.parent / ".gitignore").write_text("*\n")
        temporary = target.with_suffix(f".{os.getpid()}.tmp")
        temporary.write_text(json.dumps({"slug": slug}) + "\n")
        temporary.replace(target)
    except OSError as error:
        warn(f"{target} could not be written ({error.strerror}); name the project next time with --project {slug}.")


def _remembered(folder: Path) -> str | None:
    try:
        document = json.loads((folder / _PLACE).read_bytes())
    except (OSError, ValueError):
        return None
    slug = document.get("slug") if isinstance(document, dict) else None
    return slug if isinstance(slug, str) and slug else None


def _derived(folder: Path) -> str:
    name = folder.resolve().name
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:_LONGEST].strip("-")
    if not slug:
        raise Invalid("no_project", f"No project name can be made from the folder {str(folder)!r}.", hint="Name one with --project SLUG.")
    return slug if len(slug) >= 3 else f"{slug}-app"
