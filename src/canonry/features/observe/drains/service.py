"""Log drains: made, listed, removed."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from canonry.core.access import Actor, Permission, require
from canonry.core.errors import Conflict, Invalid, Issue, NotFound
from canonry.core.ids import is_id, new_id
from canonry.core.secret import Secret
from canonry.features import deployments, projects
from canonry.features.deployments import Instance
from canonry.features.observe.context import Context
from canonry.features.observe.drains import store, target
from canonry.features.observe.drains.events import DrainCreated, DrainRemoved
from canonry.features.observe.drains.models import Drain, Target
from canonry.features.observe.environments import belongs, check_environment
from canonry.infra import app_logs
from canonry.infra.tx import Tx

_MOST = 10  # of one project


@dataclass(frozen=True)
class Wish:
    """A drain as somebody wants it. authorization: the value of the header; authority: certificates (PEM) for tls."""

    kind: str
    url: Secret
    environment: str | None = None
    format: str = "ndjson"
    gzip: bool = False
    authorization: Secret | None = None
    authority: str | None = None


@dataclass(frozen=True)
class Health:
    """A drain, and how many bytes of log it has yet to send."""

    drain: Drain
    lag_bytes: int


def create(tx: Tx, context: Context, actor: Actor, key: str, wish: Wish) -> Health:
    """Send what the instances write from now on.

    Raises: NotFound `project_not_found`; Invalid `invalid_environment`, `invalid_url`, `private_address`,
    `invalid_certificate`; Conflict `too_many_drains`.
    """
    require(actor, Permission.PROJECTS_DEPLOY)
    project = projects.find(tx, actor, key)
    if wish.environment is not None:
        check_environment(wish.environment, "body.environment", together=True)
    allow_private = context.settings.allow_private_targets
    check = target.check_http if wish.kind == "http" else target.check_syslog
    shown = check(wish.url.reveal(), allow_private=allow_private)
    if wish.authority is not None and not shown.startswith("tls:"):
        raise Invalid("invalid_certificate", "Certificates of your own are for syslog targets with tls:// only.",
                      hint="Leave `ca` out.",
                      issues=[Issue("body.ca", "only for tls://", "conflict")])  # fmt: skip
    if len(store.of_project(tx, project.id)) >= _MOST:
        raise Conflict("too_many_drains", f"The project {project.slug} has {_MOST} log drains already.", hint="Remove one first.")
    drain_id = new_id("drn")
    sealed = (
        None if wish.authorization is None else context.vault.seal(wish.authorization.reveal(), bound=f"drain {drain_id} authorization")
    )
    store.insert(tx, {
        "id": drain_id, "project_id": project.id, "kind": wish.kind, "shown_target": shown, "environment": wish.environment,
        "sealed_target": context.vault.seal(wish.url.reveal(), bound=f"drain {drain_id} target"),
        "format": wish.format if wish.kind == "http" else "rfc5424", "gzip": wish.gzip, "sealed_authorization": sealed,
        "authority": None if wish.authority is None else target.check_authority(wish.authority),
    })  # fmt: skip
    instances = deployments.logged_instances(tx, project)
    store.set_positions(tx, drain_id, {row.id: app_logs.end_of_lines(log_of(context, row)) for row in instances})
    tx.emit(
        DrainCreated(actor.organization_id, project.id, drain_id),
        after={"kind": wish.kind, "target": shown, "environment": wish.environment},
    )
    return _with_health(tx, context, _found(tx, project.id, drain_id))


def listed(context: Context, actor: Actor, key: str) -> list[Health]:
    """Return the drains of a project, the oldest first. Raises: NotFound `project_not_found`."""
    require(actor, Permission.PROJECTS_READ)
    with context.transactions.begin() as tx:
        project = projects.find(tx, actor, key)
        return [_with_health(tx, context, drain) for drain in store.of_project(tx, project.id)]


def find(context: Context, actor: Actor, key: str, drain_id: str) -> Health:
    """Return one drain. Raises: NotFound `project_not_found`, `drain_not_found`."""
    require(actor, Permission.PROJECTS_READ)
    with context.transactions.begin() as tx:
        return _with_health(tx, context, _found(tx, projects.find(tx, actor, key).id, drain_id))


def remove(tx: Tx, actor: Actor, key: str, drain_id: str) -> None:
    """Send nothing there any more; what is under way ends. Raises: NotFound `project_not_found`, `drain_not_found`."""
    require(actor, Permission.PROJECTS_DEPLOY)
    project = projects.find(tx, actor, key)
    drain = _found(tx, project.id, drain_id)
    store.delete(tx, drain.id)
    tx.emit(DrainRemoved(actor.organization_id, project.id, drain.id), before={"kind": drain.kind, "target": drain.shown_target})


def open_target(context: Context, drain: Drain) -> Target:
    """Return what a sender needs. Raises: Unavailable `secret_unreadable`."""
    authorization = drain.sealed_authorization
    return Target(
        url=context.vault.open(drain.sealed_target, bound=f"drain {drain.id} target"),
        authorization=None if authorization is None else context.vault.open(authorization, bound=f"drain {drain.id} authorization"),
        format=drain.format, gzip=drain.gzip, authority=drain.authority, allow_private=context.settings.allow_private_targets,
    )  # fmt: skip


def basic(username: str, password: Secret) -> Secret:
    """Return the value of an Authorization header."""
    return Secret("Basic " + base64.b64encode(f"{username}:{password.reveal()}".encode()).decode())


def log_of(context: Context, instance: Instance) -> Path:
    """Return the log of an instance."""
    return context.home.instance_logs / f"{instance.id}.log"


def chosen(drain: Drain, instances: Sequence[Instance]) -> list[Instance]:
    """Return those whose log the drain sends."""
    return [row for row in instances if belongs(row.environment, drain.environment)]


def _with_health(tx: Tx, context: Context, drain: Drain) -> Health:
    rows = chosen(drain, deployments.logged_instances(tx, projects.get_any(tx, drain.project_id)))
    sent = store.positions(tx, drain.id)
    sizes = {row.id: _size(log_of(context, row)) for row in rows}
    return Health(drain, sum(max(0, size - sent.get(name, 0)) for name, size in sizes.items()))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _found(tx: Tx, project_id: str, drain_id: str) -> Drain:
    drain = store.find(tx, project_id, drain_id) if is_id(drain_id, "drn") else None
    if drain is None:
        raise NotFound("drain_not_found", f"The project has no log drain {drain_id!r}.", hint="`canonry drains ls` lists them.")
    return drain
