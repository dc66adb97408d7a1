"""Keeps the disk within its bounds. Every removal goes through here: the budgets of projects, and the marks of the whole disk.

Artifacts, uploads and logs go by rows of the database, under the lock of their environment's deployments; caches, toolchains and mirrors
are removed by those who made them, who know whether a build is using them.
"""

import logging
from pathlib import Path

from canonry.core.alarms import Alarm
from canonry.core.errors import CanonryError
from canonry.core.paths import Home
from canonry.core.settings import Settings
from canonry.features import deployments, git
from canonry.features.disk import rules, store
from canonry.features.disk.context import Context
from canonry.features.disk.models import KeptArtifact, KeptFile, Mark, Pruned, Removal
from canonry.features.disk.queue import TIDY
from canonry.infra import app_logs
from canonry.infra.usage import bytes_in
from canonry.ports.builder import Builder
from canonry.ports.disk import Disk

_log = logging.getLogger(__name__)
_MEBI = 1 << 20


class BuildGovernor:
    """Answers `ports.disk.BuildRoom`."""

    def __init__(self, settings: Settings, disk: Disk, builder: Builder) -> None:
        self._settings = settings
        self._disk = disk
        self._builder = builder

    def before(self) -> None:
        """See `ports.disk.BuildRoom.before`."""
        if rules.mark_of(self._settings, self._disk.space()) is Mark.FULL:
            make_room(self._settings, self._disk, self._builder)
            self.during()

    def during(self) -> None:
        """See `ports.disk.BuildRoom.during`."""
        space = self._disk.space()
        if rules.mark_of(self._settings, space) is Mark.FULL:
            raise rules.no_room(self._settings, space)


def alarms(context: Context) -> list[Alarm]:
    """Return what is wrong with the disk now."""
    space = context.ports.disk.space()
    mark = rules.mark_of(context.settings, space)
    if mark is Mark.FULL:
        error = rules.no_room(context.settings, space)
        return [Alarm("disk_full", error.message, error.hint)]
    if mark is Mark.LOW:
        message = (
            f"The disk of {context.home.root} has {space.free // _MEBI} MiB left; below {context.settings.disk_reserve} MiB builds stop."
        )
        return [Alarm("disk_low", message, "Make room: `canonry disk` shows who uses what.")]
    return []


def make_room(settings: Settings, disk: Disk, builder: Builder) -> list[Removal]:
    """Remove what can be made again, the cheapest first, until enough of the disk is free. What a build uses stays."""
    removed: list[Removal] = []
    for item in rules.first_to_go(builder.stored()):
        if rules.mark_of(settings, disk.space()) is Mark.FINE:
            return removed
        if builder.discard(item):
            removed.append(_removal(item.kind, item.name, item.bytes))
    for mirror in git.mirrors(Home(settings.home_path)):
        if rules.mark_of(settings, disk.space()) is Mark.FINE:
            break
        removed += _drop_mirror(mirror)
    return removed


def keep_budgets(context: Context) -> list[Removal]:
    """Remove caches and mirrors that a project has beyond its budgets."""
    builder = context.ports.builder
    spare = rules.caches_over_budget(builder.stored(), context.settings.disk_caches * _MEBI)
    removed = [_removal(item.kind, item.name, item.bytes) for item in spare if builder.discard(item)]
    for mirror in mirrors_over_budget(context):
        removed += _drop_mirror(mirror)
    return removed


def mirrors_over_budget(context: Context) -> list[Path]:
    """Return the private mirrors that go because their project has too many of them."""
    sized = [(mirror, bytes_in([mirror])) for mirror in git.mirrors(context.home)]
    found = []
    for project in {rules.project_of_key(mirror.name) for mirror, _ in sized if "-" in mirror.name}:
        mine = [KeptFile(mirror.name, size) for mirror, size in sized if rules.project_of_key(mirror.name) == project]
        total, budget = sum(item.bytes for item in mine), context.settings.disk_mirrors * _MEBI
        found += [context.home.mirrors / item.id for item in rules.files_to_drop(mine, total=total, budget=budget)]
    return found


def prune(context: Context) -> Pruned:
    """Remove all that can be made again, whatever the marks say, and have every environment tidied."""
    removed = [
        _removal(item.kind, item.name, item.bytes)
        for item in rules.first_to_go(context.ports.builder.stored())
        if context.ports.builder.discard(item)
    ]
    for mirror in git.mirrors(context.home):
        removed += _drop_mirror(mirror)
    return Pruned(removed, enqueue_tidying(context))


def enqueue_tidying(context: Context) -> int:
    """Have every environment tidied as soon as no deployment of it runs; return how many there are."""
    with context.transactions.begin() as tx:
        found = store.environments(tx)
        for project_id, environment in found:
            tx.enqueue(TIDY, project_id=project_id, environment=environment)
    return len(found)


def would_prune(context: Context) -> Pruned:
    """Return what `prune` would remove now."""
    removed = [_removal(item.kind, item.name, item.bytes) for item in rules.first_to_go(context.ports.builder.stored())]
    removed += [_removal("mirror", mirror.name, bytes_in([mirror])) for mirror in git.mirrors(context.home)]
    with context.transactions.reading() as tx:
        found = store.environments(tx)
    for project_id, environment in found:
        removed += superfluous(context, project_id, environment)
    return Pruned(list(dict.fromkeys(removed)), len(found))


def superfluous(context: Context, project_id: str, environment: str) -> list[Removal]:
    """Return what an environment keeps beyond what it may: artifacts, and its project's uploads and logs."""
    home, settings = context.home, context.settings
    with context.transactions.reading() as tx:
        rows = store.artifacts(tx, project_id, environment)
        archives = store.old_archives(tx, project_id, rules.KEPT)
        ended = store.ended_deployments(tx, project_id)
        stopped = store.ended_instances(tx, project_id)
        owned = store.owners(tx, project_id)
    sizes = {row.id: bytes_in([home.artifacts / row.id]) for row in rows}
    others = bytes_in([home.artifacts / name for name in owned.artifacts if name not in sizes])
    kept = [KeptArtifact(row.id, row.needed, sizes[row.id]) for row in rows]
    dropped = rules.artifacts_to_drop(kept, budget=settings.disk_artifacts * _MEBI - others)
    found = [Removal("artifact", name, sizes[name], project_id) for name in dropped if (home.artifacts / name).is_dir()]
    found += [Removal("upload", name, bytes_in([home.uploads / name]), project_id) for name in archives if (home.uploads / name).is_file()]
    for what, ids, every, place, suffix, budget in (
        ("build log", ended, owned.deployments, home.build_logs, "jsonl", settings.disk_build_logs),
        ("instance log", stopped, owned.instances, home.instance_logs, "log", settings.disk_instance_logs),
    ):
        files = {name: bytes_in([place / f"{name}.{suffix}"]) for name in every}
        oldest = [KeptFile(name, files.get(name, 0)) for name in ids if files.get(name)]
        gone = rules.files_to_drop(oldest, total=sum(files.values()), budget=budget * _MEBI)
        found += [Removal(what, item.id, item.bytes, project_id) for item in gone]
    return found


def tidy(context: Context, project_id: str, environment: str) -> list[Removal]:
    """Remove it. The caller holds the lock of the environment's deployments. What cannot be removed now is tried again another time."""
    removed = []
    for item in superfluous(context, project_id, environment):
        try:
            _remove(context, item, environment)
        except (CanonryError, OSError) as error:
            _log.warning("tidying %s %s: %s %s: %s", project_id, environment, item.what, item.name, error)
        else:
            removed.append(item)
    return removed


def _remove(context: Context, item: Removal, environment: str) -> None:
    """Remove one thing. Measuring took a while: what people may have asked for since then is looked at again."""
    project_id = item.project_id or ""
    if item.what == "artifact":
        with context.transactions.begin() as tx:
            deployments.hold_artifacts(tx, project_id)
            if any(row.id == item.name and not row.needed for row in store.artifacts(tx, project_id, environment)):
                context.ports.builder.remove(item.name)
    elif item.what == "upload":
        deployments.drop_upload(context.transactions, context.home, item.name,
                                lambda tx: item.name in store.old_archives(tx, project_id, rules.KEPT))  # fmt: skip
    elif item.what == "build log":
        deployments.build_log_path(context.home, item.name).unlink(missing_ok=True)
    else:
        app_logs.remove(context.home.instance_logs / f"{item.name}.log")


def _drop_mirror(mirror: Path) -> list[Removal]:
    size = bytes_in([mirror])
    return [_removal("mirror", mirror.name, size)] if git.remove_mirror(mirror) else []


def _removal(what: str, name: str, size: int) -> Removal:
    owner = rules.project_of_key(name) if what != "toolchain" else ""
    return Removal(what, name, size, owner if owner.startswith("prj_") else None)
