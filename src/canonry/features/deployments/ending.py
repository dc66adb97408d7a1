"""Closing an environment for good: the end of a preview."""

from collections.abc import Iterator
from contextlib import contextmanager

from canonry.features import databases, projects, traffic, volumes
from canonry.features.deployments import store
from canonry.features.deployments.context import Context
from canonry.features.deployments.fleet import launch, leading
from canonry.features.deployments.fleet import store as fleet
from canonry.features.deployments.queue import CLEAR_ENVIRONMENT
from canonry.features.deployments.source import cache_key
from canonry.infra import app_logs
from canonry.infra.tx import Tx


@contextmanager
def closing(context: Context, project_id: str, environment: str) -> Iterator[Tx]:
    """Close an environment: its hosts answer no more and are free, its instances end, its files go in the background.

    Gives the transaction, for the caller to note first what is closed; should the caller raise, nothing is. Harmless twice.
    From here on no deployment can go live in it: what still runs finds no host any more. The deployments stay, as history.
    """
    with leading.turn(context, project_id), context.transactions.begin() as tx:
        yield tx
        hosts = traffic.release(tx, project_id, environment)
        projects.free_label(tx, project_id, environment)
        artifacts = store.close(tx, project_id, environment)
        databases.close(tx, project_id, environment)
        instances = [row.id for row in fleet.with_logs(tx, project_id, environment)]
        fleet.drain(tx, project_id, environment, keep_release=None, seconds=0)
        kept = volumes.release(tx, project_id, environment)
        tx.enqueue(CLEAR_ENVIRONMENT, project_id=project_id, environment=environment, artifacts=" ".join(artifacts),
                   instances=" ".join(instances), kept=" ".join(kept))  # fmt: skip
    leading.withdraw(context, hosts)


def clear(context: Context, project_id: str, environment: str, *, artifacts: str, instances: str, kept: str) -> None:
    """Take away what a closed environment left: processes, artifacts, logs, caches, volumes (`kept`). Lists are ids between blanks.

    A deployment that ran while it was closed has ended by now (the job waits for it), and what it made goes too; unless the environment
    was made again meanwhile: then what the new one uses stays.
    """
    gone, unused, left = set(instances.split()), set(artifacts.split()), kept.split()
    with context.transactions.begin() as tx:
        projects.hold(tx, project_id)  # else it is made again just after we have looked, and what is asked for in it ends here
        reopened = projects.label_of(tx, project_id, environment) is not None
        if reopened:
            unused -= store.artifacts_of(tx, project_id, environment)
        else:
            unused |= set(store.close(tx, project_id, environment))
            databases.close(tx, project_id, environment)  # one that a deployment made while the preview was closed
            gone |= {row.id for row in fleet.with_logs(tx, project_id, environment)}
            left += volumes.release(tx, project_id, environment)
    for state in context.ports.runtime.states():
        if state.id.rpartition("-")[0] in gone:
            context.ports.runtime.stop(state.id, context.settings.stop_grace)
            context.ports.runtime.forget(state.id)
    databases.clear(context, project_id, environment)
    volumes.remove_folders(context.home, left)
    for artifact_id in sorted(unused):
        context.ports.builder.remove(artifact_id)
    with context.transactions.begin() as tx:
        fleet.delete(tx, sorted(gone))
    for instance_id in sorted(gone):
        app_logs.remove(launch.log_path(context, instance_id))
    if not reopened:
        context.ports.builder.forget(cache_key(project_id, environment))
