"""Databases with backups, and their restores, over the API and with real servers."""

from datetime import UTC, datetime
from typing import Any

from canonry.core.ids import new_id
from canonry.features.backups.restores import archives, jobs
from canonry.infra.backup import base
from canonry.infra.backup.base import BaseBackup
from canonry.wiring.container import Container
from tests.support.api import Api
from tests.support.databases import ask, made, row_of


def with_backup(api: Api, slug: str) -> str:
    """Make the database of a project with a table and a base backup, and return its connection string."""
    url = str(made(api, slug)["connection_string"])
    ask(url, "CREATE TABLE notes (id serial PRIMARY KEY, body text); INSERT INTO notes (body) VALUES ('first'), ('second')")
    back_up(api, slug)
    return url


def back_up(api: Api, slug: str) -> BaseBackup:
    """Take a base backup of the live database of a project."""
    database = row_of(api, slug)
    url = api.container.ports.clusters.admin_url(database.cluster_id)
    archive = archives.of_cluster(api.container, database.cluster_id)
    return base.take(url, archive, archives.programs(api.container), backup_id=new_id("bak"))


def row_of_restore(container: Container, slug: str, state: str) -> str:
    """Make the row of a restore of the project's database in that state, without servers, and return its id."""
    restore_id = new_id("rst")
    with container.transactions.begin() as tx:
        tx.connection.execute(
            """INSERT INTO restores (id, organization_id, project_id, environment, database_id, at, state, undo_until)
               SELECT %s, organization_id, project_id, environment, id, now(), %s, now() + interval '1 day' FROM databases
               WHERE role = 'live' AND project_id = (SELECT id FROM projects WHERE slug = %s)""",
            (restore_id, state, slug),
        )
    return restore_id


def row_of_proof(container: Container, slug: str) -> str:
    """Make the row of a proof of the project's database that waits, and return its id."""
    proof_id = new_id("prf")
    with container.transactions.begin() as tx:
        tx.connection.execute(
            """INSERT INTO proofs (id, organization_id, project_id, database_id, result)
               SELECT %s, organization_id, project_id, id, 'waiting' FROM databases
               WHERE role = 'live' AND project_id = (SELECT id FROM projects WHERE slug = %s)""",
            (proof_id, slug),
        )
    return proof_id


def moment() -> str:
    """Return now, as a request says it."""
    return datetime.now(UTC).isoformat()


def ask_for(api: Api, slug: str, at: str) -> dict[str, Any]:
    """Ask for a restore, which only waits."""
    answer = api.ask("POST", f"/v1/projects/{slug}/database/restores", {"at": at})
    assert answer.status == 202, answer.body
    return dict(answer.json["restore"])


def restored(api: Api, slug: str, at: str) -> dict[str, Any]:
    """Ask for a restore, do it, and return how it ended."""
    restore = ask_for(api, slug, at)
    jobs.prepare(api.container, restore["project_id"], restore["id"])
    return look(api, slug, restore)


def exchanged(api: Api, slug: str, restore: dict[str, Any], verb: str) -> dict[str, Any]:
    """Promote a restore or undo that, and return how it ended."""
    answer = api.ask("POST", f"/v1/projects/{slug}/database/restores/{restore['id']}/{verb}")
    assert answer.status == 202, answer.body
    jobs.exchange_databases(api.container, restore["project_id"], restore["id"])
    return look(api, slug, restore)


def look(api: Api, slug: str, restore: dict[str, Any]) -> dict[str, Any]:
    """Return a restore as the API shows it."""
    return dict(api.get(f"/v1/projects/{slug}/database/restores/{restore['id']}")["restore"])
