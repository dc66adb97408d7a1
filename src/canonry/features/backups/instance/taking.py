"""A snapshot of what is here: everything is sent that the archive does not have yet, then what belongs together is written down."""

import dataclasses
import logging
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from canonry import __version__
from canonry.core.clock import now
from canonry.core.errors import CanonryError, NotFound
from canonry.core.paths import Home
from canonry.core.secret import Secret
from canonry.core.settings import Settings
from canonry.features import volumes
from canonry.features.backups.context import Context
from canonry.features.backups.instance import packing, store
from canonry.features.backups.instance.models import BundledRepository, Part, Snapshot
from canonry.features.backups.instance.place import Place
from canonry.features.backups.instance.repositories import bundle

_log = logging.getLogger(__name__)
_STATE = ("secret.key", "postgres/password", "postgres/local.conf", "audit.anchors", "mail", "edge/permits", "edge/caddy")
_REFS = ("HEAD", "packed-refs", "refs")
_LOCAL = {"home", "http_port", "https_port", "http_address", "backups_key_file", "database_url", "databases_url"}
"""Settings that belong to a machine, or are secrets of places which a restore must not touch by itself."""


type Seen = dict[str, tuple[str, BundledRepository]]
"""Repositories as they were found last: path → what changes when its refs do, and how it lies in the archive."""


def take(context: Context, place: Place, *, base: str, with_volumes: bool, seen: Seen | None = None) -> Snapshot:
    """Bring the archive up to date with the files, and return the snapshot that says so: the newest one again when nothing has changed.

    base: the base backup that a restore of the rows begins with. with_volumes: look at them too; else the newest snapshot's stay.
    seen: kept from call to call, it saves asking git about every repository.
    Raises: as `Objects.put`; Unavailable `backup_failed`; OSError.
    """
    before = place.newest()
    known = before.keys if before is not None else set()
    with context.transactions.reading() as tx:
        artifacts, archives, clusters = store.artifacts(tx), store.archives(tx), store.clusters(tx)
    parts = [*_artifacts(context, artifacts), *_uploads(context.home, archives), *_state(context.home)]
    if with_volumes or before is None:
        parts += _volumes(context.home)
    else:
        parts += [part for part in before.parts if part.kind == "volume"]
    parts = [
        dataclasses.replace(part, key=part.key if part.kind == "volume" and part.key in known else _key(place, part)) for part in parts
    ]
    for part in dict.fromkeys(parts):
        if part.key not in known and place.objects.find(part.key) is None:
            _send(context.home, place, part)
    repositories = _repositories(context.home, place, before, {} if seen is None else seen)
    snapshot = Snapshot(
        _new_id(), place.platform, now(), __version__, base, tuple(dict.fromkeys(parts)), repositories, tuple(clusters),
        _settings(context.settings),
    )  # fmt: skip
    if before is not None and dataclasses.replace(snapshot, id=before.id, at=before.at) == before:
        return before
    place.keep(snapshot)
    return snapshot


def _send(home: Home, place: Place, part: Part) -> None:
    if part.kind != "volume":
        place.archive.put(part.key, packing.pack(home.root, _STATE if part.kind == "state" else (part.path,)))
        return
    with TemporaryDirectory(prefix=".volume-", dir=home.root) as work:  # its app writes meanwhile, and may put links anywhere
        (Path(work) / part.path).mkdir(parents=True)
        volumes.copy(home.root / part.path, Path(work) / part.path)
        place.archive.put(part.key, packing.pack(Path(work), (part.path,)))


def _artifacts(context: Context, artifact_ids: list[str]) -> Iterator[Part]:
    for artifact_id in artifact_ids:
        try:
            artifact = context.ports.builder.load(artifact_id)
        except NotFound:
            _log.warning("backup: the artifact %s is not there", artifact_id)
            continue
        yield Part("artifact", _relative(context.home, artifact.folder), artifact_id)
        for mount in artifact.mounts:
            if mount.source.is_relative_to(context.home.root) and not mount.source.is_relative_to(artifact.folder):
                yield _support(context.home, mount.source)


def _support(home: Home, source: Path) -> Part:
    """Return the whole of what a mount is a folder of: a dependency layer, a toolchain."""
    parts = source.relative_to(home.root).parts
    if parts[:2] == ("artifacts", ".layers"):
        return Part("layer", "/".join(parts[:4]), "-".join(parts[2:4]))
    count = 3 if parts[:2] == ("toolchains", "python") else 2
    return Part("toolchain", "/".join(parts[:count]), "-".join(parts[1:count]))


def _uploads(home: Home, archives: list[str]) -> Iterator[Part]:
    return (Part("upload", f"uploads/{name}", name) for name in archives if (home.uploads / name).is_file())


def _state(home: Home) -> Iterator[Part]:
    yield Part("state", "", packing.digest(home.root, _STATE))


def _volumes(home: Home) -> Iterator[Part]:
    folder = home.root / "volumes"
    for entry in sorted(folder.iterdir()) if folder.is_dir() else []:
        if entry.is_dir() and not entry.is_symlink() and not entry.name.startswith("."):
            yield Part("volume", f"volumes/{entry.name}", f"{entry.name}-{packing.digest(home.root, [f'volumes/{entry.name}'])}")


def _repositories(home: Home, place: Place, before: Snapshot | None, seen: Seen) -> tuple[BundledRepository, ...]:
    older = {item.path: item for item in before.repositories} if before is not None else {}
    found = []
    for repository in sorted(home.repositories.glob("*.git")):
        if repository.is_symlink() or not (repository / "HEAD").is_file():
            continue
        path = _relative(home, repository)
        known, state = older.get(path), packing.digest(repository, _REFS)
        if seen.get(path) == (state, known):
            found.append(seen[path][1])
            continue
        try:
            seen[path] = (state, bundle(home.root, repository, place.prefix, place.archive, known))
            found.append(seen[path][1])
        except (CanonryError, OSError) as error:  # one repository that git cannot read must not keep the rest out of the backup
            _log.error("backup: the repository %s: %s", repository.name, error)
            found += [known] if known is not None else []
    return tuple(found)


def _settings(settings: Settings) -> dict[str, str]:
    """Return the settings that differ from their defaults, as their variables are written."""
    found = {}
    for item in dataclasses.fields(settings):
        value = getattr(settings, item.name)
        if item.name in _LOCAL or item.name.startswith("backups_") or value == item.default or value is None:
            continue
        text = value.reveal() if isinstance(value, Secret) else ("1" if value else "0") if isinstance(value, bool) else str(value)
        found[f"CANONRY_{item.name.upper()}"] = text
    return found


def _key(place: Place, part: Part) -> str:
    return f"{place.prefix}/parts/{part.kind}/{part.key}"


def _relative(home: Home, path: Path) -> str:
    return os.fspath(path.relative_to(home.root))


def _new_id() -> str:
    return f"{now():%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
