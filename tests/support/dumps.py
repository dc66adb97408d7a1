"""Dumps of the databases of projects, in tests over the API."""

import json
from pathlib import Path
from typing import Any

from canonry.core.clock import now
from canonry.core.ids import new_id
from canonry.features.backups.archiving import jobs as archiving
from canonry.features.backups.archiving.service import archive_of
from canonry.features.backups.restores import jobs
from canonry.wiring.container import Container
from tests.support.api import Api
from tests.support.databases import row_of
from tests.support.restores import look


def dumped(api: Api, slug: str) -> dict[str, Any]:
    """Make a dump of a project's database as somebody asks for it, and return how the API shows it."""
    asked = api.ask("POST", f"/v1/projects/{slug}/database/backups", {"kind": "dump"})
    assert asked.status == 202, asked.body
    archiving.make(api.container, row_of(api, slug).id, "dump", asked.json["id"])
    return dict(api.get(f"/v1/projects/{slug}/database/dumps/{asked.json['id']}")["dump"])


def kept_dump(container: Container, slug: str, content: bytes = b"PGDMP and so on") -> str:
    """Make a dump of the project's database, which needs no server, with this content; return its id."""
    dump_id = new_id("dbk")
    with container.transactions.begin() as tx:
        row = tx.connection.execute(
            """INSERT INTO database_backups (id, organization_id, project_id, database_id, cluster_id, kind, trigger, state, ended_at,
                   point_at, size_bytes, rows)
               SELECT %s, organization_id, project_id, id, cluster_id, 'dump', 'manual', 'done', now(), now(), 16, %s FROM databases
               WHERE role = 'live' AND project_id = (SELECT id FROM projects WHERE slug = %s) RETURNING cluster_id""",
            (dump_id, json.dumps({"app": {"public.notes": 2}}), slug),
        ).fetchone()
    assert row is not None
    archive = archive_of(container, row[0])
    archive.put(f"dump/{row[0]}/{dump_id}/data", [content])
    info = {"id": dump_id, "cluster": row[0], "database": "app", "at": now().isoformat(), "version": 180_000, "counts": {}, "size": 16}
    archive.put(f"dump/{row[0]}/{dump_id}/info", [json.dumps(info).encode()])
    return dump_id


def file_of(api: Api, dump: dict[str, Any]) -> Path:
    """Return where a dump lies in the archive, which is a folder in tests."""
    (found,) = api.container.home.backups.glob(f"dump/*/{dump['id']}/data")
    return found


def ask_for_dump(api: Api, slug: str, dump_id: str) -> dict[str, Any]:
    """Ask for a restore from a dump, which only waits."""
    answer = api.ask("POST", f"/v1/projects/{slug}/database/restores", {"dump": dump_id})
    assert answer.status == 202, answer.body
    return dict(answer.json["restore"])


def restored_dump(api: Api, slug: str, dump_id: str) -> dict[str, Any]:
    """Ask for a restore from a dump, do it, and return how it ended."""
    restore = ask_for_dump(api, slug, dump_id)
    jobs.prepare(api.container, restore["project_id"], restore["id"])
    return look(api, slug, restore)
