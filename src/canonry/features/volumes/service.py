"""Use cases: give a release its volumes, keep track of which are declared, list, remove."""

from collections.abc import Sequence
from pathlib import Path

from canonry.core.access import Actor, Permission, require
from canonry.core.environments import PRODUCTION
from canonry.core.errors import Conflict, NotFound
from canonry.core.ids import new_id
from canonry.features.projects import Project
from canonry.features.volumes import folders, store
from canonry.features.volumes.context import Context
from canonry.features.volumes.events import VolumeChanged, VolumeCreated, VolumeRemoved
from canonry.features.volumes.models import Volume
from canonry.features.volumes.queue import CLEAR
from canonry.infra.tx import Tx
from canonry.ports.builder import DeclaredVolume, Mount
from canonry.ports.errors import StartFailed


def provide(context: Context, project_id: str, environment: str, declared: Sequence[DeclaredVolume]) -> list[Mount]:
    """Return the mounts of the volumes that a release declares; one that is needed for the first time is made, empty.

    A volume that was used before and whose folder is not there is never made anew: an app that starts with an empty folder where its
    data should be does more harm than one that does not start. Raises: StartFailed `volume_missing`.
    """
    if not declared:
        return []
    with context.transactions.begin() as tx:
        for wanted in declared:
            _create(tx, project_id, environment, wanted)
        rows = {row.name: row for row in store.of_environment(tx, project_id, environment)}
        for wanted in declared:
            if (known := rows.get(wanted.name)) is not None and known.detached_at is not None:
                store.declare(tx, known.id, known.path, known.size_bytes)  # nobody removes it under what starts now
                _changed(tx, known)
    mounts, fresh = [], []
    for wanted in declared:
        volume = rows.get(wanted.name)
        if volume is None:
            raise StartFailed("volume_missing", f"The project of the volume {wanted.name} is gone.")
        folder = folders.folder_of(context.home, volume.id)
        if volume.made_at is None:
            folders.make(context.home, volume.id)
            fresh.append(volume.id)
        elif not folder.is_dir():
            raise StartFailed("volume_missing", f"The folder of the volume {volume.name} ({volume.id}) is not there: {folder}.",
                              hint="Is its disk mounted? To begin with an empty one, stop the project and remove the volume.")  # fmt: skip
        mounts.append(Mount(folder, wanted.path, writable=True))
    if fresh:
        with context.transactions.begin() as tx:
            store.made(tx, fresh)
    return mounts


def settle(tx: Tx, project_id: str, environment: str, declared: Sequence[DeclaredVolume]) -> None:
    """Note what the live release of an environment declares: its volumes are attached, all others detached, and kept."""
    wanted = {volume.name: volume for volume in declared}
    for volume in store.of_environment(tx, project_id, environment):
        now = wanted.get(volume.name)
        if now is None:
            if volume.detached_at is None:
                store.detach(tx, volume.id)
                _changed(tx, volume)
        elif (now.path, now.size_bytes) != (volume.path, volume.size_bytes) or volume.detached_at is not None:
            store.declare(tx, volume.id, now.path, now.size_bytes)
            _changed(tx, volume)


def missing(tx: Tx, project_id: str, environment: str, declared: Sequence[DeclaredVolume]) -> list[str]:
    """Return the names of declared volumes that were removed since `provide` gave them."""
    there = {row.name for row in store.of_environment(tx, project_id, environment)}
    return [wanted.name for wanted in declared if wanted.name not in there]


def list_of(tx: Tx, project: Project) -> list[Volume]:
    """Return the volumes of a project, those of its previews too."""
    return store.of_project(tx, project.id)


def folders_of(context: Context, tx: Tx, project_id: str) -> list[tuple[str, Path]]:
    """Return id and folder of every volume of production that has something to keep, for backups. Copy them with `copy`."""
    rows = store.of_project(tx, project_id)
    return [(row.id, folders.folder_of(context.home, row.id)) for row in rows if row.environment == PRODUCTION and row.made_at is not None]


def remove(tx: Tx, actor: Actor, project: Project, key: str, environment: str = PRODUCTION) -> None:
    """Remove a volume with everything in it. key: its id, or its name in an environment.

    Raises: NotFound `volume_not_found`; Conflict `volume_in_use` while a live release of a project that is not stopped has it.
    """
    require(actor, Permission.PROJECTS_DEPLOY)
    status = store.status_of_project(tx, project.id)
    volume = None if "\0" in key else store.find(tx, actor.organization_id, project.id, key, environment)
    if volume is None:
        raise NotFound("volume_not_found", f"There is no volume {key!r} of {project.slug}.", hint="`canonry volumes ls` lists them.")
    if volume.detached_at is None and status != "stopped":
        raise Conflict("volume_in_use", f"The live release of {project.slug} uses the volume {volume.name}.",
                       hint="Take it out of canonry.toml and deploy, or stop the project first.")  # fmt: skip
    store.delete(tx, [volume.id])
    tx.enqueue(CLEAR, volume_id=volume.id)
    tx.emit(VolumeRemoved(volume.organization_id, project.id, volume.id), before=facts(volume))


def release(tx: Tx, project_id: str, environment: str | None) -> list[str]:
    """Forget the volumes of an environment that is closed (None: of a project that is deleted), and return the ids of their folders."""
    rows = [row for row in store.of_project(tx, project_id) if environment in {None, row.environment}]
    store.delete(tx, [row.id for row in rows])
    for row in rows:
        tx.emit(VolumeRemoved(row.organization_id, project_id, row.id), before=facts(row))
    return [row.id for row in rows]


def facts(volume: Volume) -> dict[str, object]:
    """Return what the audit trail keeps of a volume."""
    return {"name": volume.name, "environment": volume.environment, "path": volume.path, "size_bytes": volume.size_bytes,
            "status": volume.status, "used_bytes": volume.used_bytes}  # fmt: skip


def _create(tx: Tx, project_id: str, environment: str, wanted: DeclaredVolume) -> None:
    volume_id = new_id("vol")
    made = store.insert(tx, volume_id, project_id, environment, name=wanted.name, path=wanted.path, size_bytes=wanted.size_bytes)
    if made and (volume := store.get(tx, volume_id)) is not None:
        tx.emit(VolumeCreated(volume.organization_id, project_id, volume_id), after=facts(volume))


def _changed(tx: Tx, before: Volume) -> None:
    after = store.get(tx, before.id) or before
    tx.emit(VolumeChanged(before.organization_id, before.project_id, before.id), before=facts(before), after=facts(after))
