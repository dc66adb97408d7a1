"""A drill as a story: newest backup → throwaway cluster → recovery → checks → signed proof → nothing is left of it.

A step that fails ends in a proof that says so. After a `kill -9` the job runs again: what it left is removed, and the drill begins anew.
"""

import logging
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from canonry import __version__
from canonry.core import signatures
from canonry.core.clock import now
from canonry.core.environments import PRODUCTION
from canonry.core.errors import CanonryError
from canonry.core.secret import Secret
from canonry.features import databases, deployments
from canonry.features.backups.context import Context
from canonry.features.backups.proofs import rules, store
from canonry.features.backups.proofs.events import BackupDisproved, BackupProven
from canonry.features.backups.proofs.models import Check, Proof, Result
from canonry.features.backups.restores import archives
from canonry.features.databases import Database, Role
from canonry.infra.backup import base, restoring
from canonry.infra.backup.base import BaseBackup
from canonry.infra.files import remove_tree
from canonry.infra.tx import Tx
from canonry.ports.plans import plan_from_json

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Trial:
    """What a drill works on. began: this attempt."""

    proof: Proof
    database: Database
    backup: BaseBackup | None
    began: datetime


def run(context: Context, proof_id: str) -> None:
    """Restore the newest backup of a database into a throwaway cluster, check it, and keep what that showed."""
    with context.transactions.begin() as tx:
        proof = store.hold(tx, proof_id)
        if proof is None or proof.result not in {Result.WAITING, Result.RUNNING}:
            return
        database = databases.get(tx, proof.database_id)
        store.update(tx, proof_id, {"result": str(Result.RUNNING)})
    _clear(context, proof)
    if database is None or database.role is not Role.LIVE:
        with context.transactions.begin() as tx:
            store.delete(tx, proof_id)
        return
    began = now()
    try:
        backup = _newest(context, database)
    except CanonryError as error:
        if error.code == "database_unavailable":  # nothing can be recorded now: the job runs again
            raise
        _record(context, _Trial(proof, database, None, began), [Check("backup", ok=False, detail=f"{error.code}: {error.message}")])
        return
    trial = _Trial(proof, database, backup, began)
    if backup is None:
        _record(context, trial, [Check("backup", ok=False, detail="there is no backup of this database yet")])
        return
    try:
        found = _look(context, trial, backup)
    except CanonryError as error:
        if error.code == "database_unavailable":
            raise
        found = [Check("drill", ok=False, detail=f"{error.code}: {error.message}")]
    except Exception:  # noqa: BLE001 -- a bug must end the drill, not leave it hanging; it is logged with its traceback
        _log.exception("the drill %s failed", proof_id)
        found = [Check("drill", ok=False, detail="internal_error: something in Canonry itself failed; its log says more")]
    finally:
        _clear(context, proof)
    _record(context, trial, found)


def _newest(context: Context, database: Database) -> BaseBackup | None:
    return max(base.find_all(archives.of_cluster(context, database.cluster_id)), key=lambda item: (item.ended, item.id), default=None)


def _look(context: Context, trial: _Trial, backup: BaseBackup) -> list[Check]:
    from canonry.features.backups.proofs import checks  # noqa: PLC0415 -- not needed while nothing is drilled

    clusters, programs = context.ports.clusters, archives.programs_of(context, backup)
    with context.transactions.begin() as tx:
        throwaway = databases.register(tx, context, trial.database, Role.DRILL, trial.proof.id)
        store.update(tx, trial.proof.id, {"drill_id": throwaway.id})
        question = _assertion_of(tx, trial.database.project_id)

    def bring() -> Check:
        work = _work(context, trial.proof)
        restoring.restore(archives.of_cluster(context, trial.database.cluster_id), backup, work, until="end", programs=programs)
        clusters.adopt(throwaway.cluster_id, work)
        databases.started(context, throwaway)
        return Check("restore", ok=True, detail=f"{backup.data_bytes} bytes, {backup.files} files")

    found = [checks.tried("restore", bring)]
    if found[0].ok:
        url = clusters.admin_url(throwaway.cluster_id)
        found.append(checks.tried("rows", lambda: checks.rows(url, backup)))
        if question is not None:
            inside = clusters.admin_url(throwaway.cluster_id, clusters.names(throwaway.cluster_id).database)
            found.append(checks.tried("assertion", lambda: _asked(context, throwaway, inside, question)))
        found.append(checks.tried("structure", lambda: checks.structure(url, programs)))
        clusters.stop(throwaway.cluster_id)
        found.append(checks.tried("checksums", lambda: checks.checksums(clusters.folder(throwaway.cluster_id) / "data", programs)))
    return found


def _asked(context: Context, throwaway: Database, inside: Secret, question: str) -> Check:
    from canonry.features.backups.proofs import checks  # noqa: PLC0415 -- likewise

    databases.equip(context, throwaway)
    access = databases.access_of(context.vault, context.ports.clusters, throwaway)
    return checks.assertion(inside, access.user, access.password, question)


def _assertion_of(tx: Tx, project_id: str) -> str | None:
    """Return the question that the live release's canonry.toml asks of a restored database."""
    live = deployments.live_in(tx, project_id, PRODUCTION)
    release = deployments.release(tx, live.release_id) if live is not None and live.release_id is not None else None
    return plan_from_json(release.plan).database_assert if release is not None else None


def _record(context: Context, trial: _Trial, found: list[Check]) -> None:
    why = rules.first_fault(found)
    ended = now()
    backup, database = trial.backup, trial.database
    backup_id, result = backup.id if backup is not None else None, str(Result.FAILED if why else Result.PASSED)
    text = rules.document_of({
        "version": 1, "proof": trial.proof.id, "project": database.project_id, "database": database.id, "canonry": __version__,
        "began": trial.began.isoformat(), "ended": ended.isoformat(), "result": result,
        "backup": backup_id, "backup_at": backup.point_at.isoformat() if backup is not None else None,
        "postgres": backup.version if backup is not None else None,
    }, found)  # fmt: skip
    seed = context.vault.key_for(rules.KEY)
    proof = trial.proof
    with context.transactions.begin() as tx:
        if store.hold(tx, proof.id) is None:  # the project was deleted meanwhile
            return
        store.update(tx, proof.id, {
            "result": result, "backup_id": backup_id, "drill_id": None, "document": text,
            "signature": signatures.sign(seed, text), "public_key": signatures.public_key_of(seed), "ended_at": ended,
        })  # fmt: skip
        names = (proof.organization_id, proof.project_id, database.id, proof.id)
        said = [f"{item.name}: {item.detail[:200]}" for item in found]
        after = {"backup_id": backup_id, "checks": said}
        tx.emit(BackupDisproved(*names, why) if why else BackupProven(*names), after=after)


def _clear(context: Context, proof: Proof) -> None:
    """Remove what a drill made."""
    with context.transactions.begin() as tx:
        current = store.hold(tx, proof.id)
        throwaway = databases.get(tx, current.drill_id) if current is not None and current.drill_id is not None else None
    try:
        if throwaway is not None:
            databases.discard(context, throwaway, still=lambda row: row.role is Role.DRILL)
    except CanonryError as error:  # the rounds of databases come back to it
        _log.warning("the throwaway database of %s is not removed yet: %s", proof.id, error)
    remove_tree(_work(context, proof))


def _work(context: Context, proof: Proof) -> Path:
    return context.home.databases / f".drill-{proof.id}"
