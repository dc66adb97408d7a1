"""The files that a live deployment serves."""

import hashlib
import mimetypes
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote_from_bytes, unquote_to_bytes

from canonry.core.errors import Invalid, Issue
from canonry.core.paging import Signer
from canonry.features.deployments import store
from canonry.features.deployments.context import Context
from canonry.features.projects import Project
from canonry.ports.builder import Artifact

_PUBLIC = ("public", "static", "staticfiles", "dist/client", "build/client", ".output/public")  # where apps keep the files they serve
_HASHED_BYTES = 4 << 20
_COMPRESSED = (b".gz", b".br", b".zst")  # beside a file of the same name they are another form of it


@dataclass(frozen=True)
class Asset:
    """One file. path: as it stands in the address, beginning with /. sha256: of its content, None for a large one."""

    path: str
    size: int
    content_type: str
    sha256: str | None


@dataclass(frozen=True)
class Assets:
    """One page of files by path. deployment_id: None when nothing is live. folder: of the app, None for a static site."""

    files: Sequence[Asset]
    next_cursor: str | None = None
    deployment_id: str | None = None
    folder: str | None = None


def page(context: Context, project: Project, environment: str, *, limit: int, cursor: str | None, signer: Signer) -> Assets:
    """Return some of the files that the live deployment of an environment serves; none when nothing is live.

    Those of a static site, or of the app's public folder when it has one. Links are never followed. Raises: Invalid `invalid_cursor`.
    """
    after = b"" if cursor is None else _after(cursor, signer)
    with context.transactions.begin() as tx:
        live = store.live(tx, project.id, environment)
    if live is None or live.artifact_id is None:
        return Assets(())
    artifact = context.ports.builder.load(live.artifact_id)
    root, folder = _root(artifact)
    if root is None:
        return Assets((), deployment_id=live.id)
    found = sorted(name for name in _files(os.fsencode(root)) if name > after)
    shown = [_asset(root, name) for name in found[:limit]]
    following = signer.write(quote_from_bytes(found[limit - 1])) if len(found) > limit else None
    return Assets(shown, following, live.id, folder)


def _root(artifact: Artifact) -> tuple[Path | None, str | None]:
    if artifact.site is not None:
        return artifact.site, None
    app = artifact.folder / "app" / artifact.plan.root_dir
    for name in _PUBLIC:
        if (app / name).is_dir() and (app / name).resolve().is_relative_to(artifact.folder.resolve()):
            return app / name, name
    return None, None


def _files(folder: bytes, prefix: bytes = b"") -> Iterator[bytes]:
    """Give the path of every plain file below `folder`."""
    with os.scandir(folder) as scan:
        entries = list(scan)
    names = {entry.name for entry in entries}
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from _files(entry.path, prefix + entry.name + b"/")
        elif entry.is_file(follow_symlinks=False):
            plain, ending = os.path.splitext(entry.name)  # noqa: PTH122 -- bytes
            if ending not in _COMPRESSED or plain not in names:
                yield prefix + entry.name


def _asset(root: Path, name: bytes) -> Asset:
    path = root / os.fsdecode(name)
    size = path.stat(follow_symlinks=False).st_size
    shown = name.decode(errors="replace")
    digest = None
    if size <= _HASHED_BYTES:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Asset(f"/{shown}", size, mimetypes.guess_type(shown)[0] or "application/octet-stream", digest)


def _after(cursor: str, signer: Signer) -> bytes:
    try:
        return unquote_to_bytes(signer.read(cursor))
    except ValueError as error:
        raise Invalid(
            "invalid_cursor", "That cursor is not one of this list.", hint="Pass `next_cursor` of the last answer back, unchanged.",
            issues=[Issue("query.cursor", "not a cursor of this list", "cursor")],
        ) from error  # fmt: skip
