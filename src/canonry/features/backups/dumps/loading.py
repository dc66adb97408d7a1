"""A dump, loaded into a database beside the live one: empty cluster → pg_restore in one transaction → statistics.

Whoever was killed in the middle begins again with an empty cluster, so it does not matter how far it came.
"""

import logging
from collections.abc import Callable

import psycopg

from canonry.core.errors import CanonryError, NotFound
from canonry.features import databases
from canonry.features.backups.archiving import store
from canonry.features.backups.archiving.service import archive_of
from canonry.features.backups.context import Context
from canonry.features.backups.dumps.rules import because_of_disk, require_loadable, require_room
from canonry.features.backups.dumps.service import note_unreadable
from canonry.features.databases import Database
from canonry.infra.postgres.programs import unpack

_log = logging.getLogger(__name__)


def load(context: Context, dump_id: str, target: Database, step: Callable[[str], None]) -> Database:
    """Fill a registered database with what a dump holds, as its app's own login; return it as it is now. step: told what is done now.

    Raises: NotFound `backup_missing`, `object_missing`; Conflict `backup_…`, `dump_version`, `server_too_old`; Unavailable `disk_full`,
    `backup_failed`. Then nothing is in it.
    """
    from canonry.infra.backup import dump  # noqa: PLC0415 -- not needed while nothing is restored

    step("fetching")
    with context.transactions.begin() as tx:
        row = store.get(tx, dump_id)
    if row is None:
        raise NotFound("backup_missing", f"The dump {dump_id} has been removed meanwhile.", hint="Use another one: canonry db dumps.")
    clusters, archive = context.ports.clusters, archive_of(context, row.cluster_id)
    try:
        found = dump.load(archive, row.id)
        if clusters.can_restore:  # else its data lies on another machine's disk
            require_room(found.data_bytes or found.size, context.ports.disk.space(), context.settings.disk_reserve)
        target = databases.emptied(context, target)
        require_loadable(row.id, made_by=found.version // 10_000, server=clusters.version(target.cluster_id))
        step("loading")
        url = databases.owners_url(context, target)
        owner = databases.names_of(clusters, target.cluster_id).owner
        dump.restore(archive, row.id, url, unpack(context.home.toolchains), owner=owner)
    except CanonryError as error:
        note_unreadable(context, row, error)
        if clusters.can_restore:
            raise because_of_disk(error, context.ports.disk.space()) from error
        raise
    try:
        dump.analyze(url)
    except psycopg.Error as error:  # autovacuum comes to it
        _log.warning("%s is not analyzed yet: %s", target.id, error)
    return target
